"""The curves of a run: as numbers, and as pictures of the plots."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    from PIL import Image

    made = {"theme": theme, "width": width, "height": height, "steps": len(record.rows), "marks": len(record.marks)}
    with Image.open(io.BytesIO(_drawn(record, made, "plots.png"))) as image:
        recipes.save_png(image.convert("RGB"), path, recipes.make("plots", record.recipe, **made))
    return [path]


def write_svg(record: Record, path: Path, *, theme: str = "light", width: int = 1280, height: int = 400) -> Sequence[Path]:
    """The same plots as vectors; the words in them stay words. Raises DiskTrouble, RunFailed."""
    made = {"theme": theme, "width": width, "height": height, "steps": len(record.rows), "marks": len(record.marks)}
    recipe = recipes.make("svg", record.recipe, **made)
    drawing = _drawn(record, made, "plots.svg").decode()
    drawing = re.sub(r'width="[\d.]+mm" height="[\d.]+mm"', f'width="{width}" height="{height}"', drawing, count=1)  # Qt writes millimetres
    root = drawing.index("<svg")
    start = drawing.index(">", root) + 1
    metadata = f"\n<metadata>{recipes.as_element(recipe)}</metadata>"
    write_bytes(path, ('<?xml version="1.0" encoding="UTF-8"?>\n' + drawing[root:start] + metadata + drawing[start:]).encode())
    return [path]


def write_events(record: Record, path: Path) -> Sequence[Path]:
    """The curves as one event file in a folder, for TensorBoard; raises DiskTrouble."""
    from models.sink import TensorBoard

    board = TensorBoard(path)
    board.add(1, record.rows, record.columns)
    board.text(record.step, "recipe", recipes.dumps(recipes.make("tensorboard", record.recipe, steps=len(record.rows))))
    board.close()
    return sorted(path.glob("events.out.tfevents.*"))[-1:]


def _drawn(record: Record, made: Mapping[str, Any], name: str) -> bytes:
    """The file `name` that studio.export.plots draws."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "rows.npy", record.rows, allow_pickle=False)
        request = {**made, "file": name, "title": record.title, "system": record.recipe["system"], "columns": record.columns, "marks": record.marks}
        (Path(folder) / "request.json").write_text(json.dumps(request))
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "studio.export.plots", folder], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            raise RunFailed(
                f"The plots could not be drawn ({(done.stderr.strip().splitlines() or ['no reason given'])[-1]}): run `sampling-studio doctor`."
            )
        return (Path(folder) / name).read_bytes()
