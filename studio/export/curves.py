"""The curves of a run: as numbers, and as pictures of the plots."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.errors import RunFailed
from models.files import write_bytes
from studio import recipe as recipes
from studio.export import Record


def table(record: Record) -> str:
    """CSV: `step`, then a column for each curve; numbers with the digits of float32, an empty place where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["step", *record.columns])
    for i, row in enumerate(record.rows, 1):
        writer.writerow([i, *("" if np.isnan(v) else f"{v:.9g}" for v in row)])
    return out.getvalue()


def write_csv(record: Record, path: Path) -> Sequence[Path]:
    """Every step of every curve, and the recipe beside it; raises DiskTrouble."""
    write_bytes(path, table(record).encode())
    recipes.save_beside(path, recipes.make("curves", record.recipe, steps=len(record.rows)))
    return [path, recipes.beside(path)]


def write_plots(record: Record, path: Path, *, theme: str = "light", width: int = 1280, height: int = 400) -> Sequence[Path]:
    """The plots as the window draws them; drawn off-screen in a process of its own, so that a window changes no pixel.

    Raises:
        DiskTrouble: it cannot be written.
        RunFailed: the drawing process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "rows.npy", record.rows, allow_pickle=False)
        made = {"theme": theme, "width": width, "height": height, "steps": len(record.rows), "marks": len(record.marks)}
        request = {**made, "system": record.recipe["system"], "columns": record.columns, "marks": record.marks}
        (Path(folder) / "request.json").write_text(json.dumps(request))
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "studio.export.plots", folder], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            raise RunFailed(
                f"The plots could not be drawn ({(done.stderr.strip().splitlines() or ['no reason given'])[-1]}): run `sampling-studio doctor`."
            )
        from PIL import Image

        with Image.open(Path(folder) / "plots.png") as image:
            recipes.save_png(image.convert("RGB"), path, recipes.make("plots", record.recipe, **made))
    return [path]
