"""Makes an exported thing again from its checkpoint and recipe, and only then looks at the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from models import checkpoint
from models.errors import BadFile
from models.run import Run, versions
from studio import recipe as recipes
from studio.export import Record, exporters
from studio.export.curves import table

CLOSE = 8 / 255  # largest difference that another device or version may make


class Verdict(NamedTuple):
    """identical: every bit. close: small differences that another device or version explains. different: with the reason."""

    verdict: Literal["identical", "close", "different"]
    max_difference: float | None  # of pixels in [0, 1], or of numbers; None where there is nothing to subtract
    reason: str


def verify(path: Path, run_path: Path | None = None) -> Verdict:
    """Whether `path` is what its recipe makes.

    Raises:
        BadFile: it carries no recipe, or its run or checkpoint is gone.
    """
    recipe = recipes.read(path)
    where = run_path or Path(str(recipe.get("run", {}).get("path", "")))
    if not (where / "run.json").is_file():
        raise BadFile(f"The run {where} that made {path.name} is gone: give its new place with --run.")
    try:
        step, kind = int(recipe["step"]), str(recipe["kind"])
        run = Run.open(where, write=False, data=False, step=step, check=False)
    except (KeyError, TypeError, ValueError):
        raise BadFile(f"The recipe in {path.name} is incomplete: it was changed after the export.") from None
    reason = _against_checkpoint(run, recipe)
    try:
        with TemporaryDirectory() as folder:
            again = _again(run, recipe, kind, Path(folder))
            difference = _compare(path, again, kind)
    except (KeyError, TypeError, ValueError, AssertionError):
        return Verdict("different", None, "the recipe does not describe an export that this studio can make")
    if reason:
        return Verdict("different", difference, reason)
    if difference == 0:
        return Verdict("identical", 0.0, "made again from checkpoint and recipe, every bit is the same")
    if difference is None:
        return Verdict("different", None, "what the recipe makes has another shape")
    changes = _elsewhere(run, recipe)
    if changes and difference <= CLOSE:
        return Verdict("close", difference, f"small differences, explained by another {' and '.join(changes)}")
    return Verdict("different", difference, "checkpoint and recipe make something else: the file or its recipe was changed")


def record_of(run: Run, *, seed: int, count: int, ema: bool = True, pictures: bool = True) -> Record:
    """The Record that exporters write: the present step of a run, with `count` pictures of a seed."""
    drawn = run.algorithm.sample(run.state, count, seed, ema=ema).pictures["samples"] if pictures else None
    return Record(
        title=f"{run.algorithm.TITLE} on {run.folder.record['data']['title']}",
        recipe=run.recipe(),
        pictures=drawn,
        seed=seed,
        ema=ema,
        rows=run.rows.copy(),
        columns=tuple(run.folder.columns),
        marks=tuple((line["step"], line["text"]) for line in run.lines if line["what"] in ("knobs", "phase")),
    )


def _against_checkpoint(run: Run, recipe: Mapping[str, Any]) -> str:
    """Why the checkpoint is not the one the recipe names; empty if it is."""
    tensors, _ = checkpoint.flatten(run.state)
    if checkpoint.state_hash(tensors) != recipe.get("state_hash"):
        return f"the checkpoint of step {run.state.step:,} does not hold the weights that the recipe names"
    for name, ours in (("config", run.config.model_dump()), ("knobs", run.knobs.model_dump()), ("data", run.folder.record["data"])):
        if recipe.get(name) != json.loads(json.dumps(ours)):
            return f"the recipe's {name} are not those of the run"
    return ""


def _again(run: Run, recipe: Mapping[str, Any], kind: str, folder: Path) -> Path:
    made = recipe["made"]
    if kind in ("sheet", "single"):
        first, last = (int(v) for v in made["rows"])
        record = record_of(run, seed=int(made["seed"]), count=last, ema=bool(made["ema"]))
        assert record.pictures is not None
        if kind == "single":
            return _only(recipes_written(record, "singles", folder), last - 1)
        return _only(recipes_written(record, "sheet", folder / "again.png", columns=int(made["columns"]), zoom=int(made["zoom"])), 0)
    record = record_of(run, seed=0, count=0, pictures=False)
    if kind == "curves":
        again = folder / "again.csv"
        again.write_text(table(record), encoding="utf-8")
        return again
    if kind == "plots":
        options = {k: made[k] for k in ("theme", "width", "height")}
        return _only(recipes_written(record, "plots", folder / "again.png", **options), 0)
    raise ValueError(kind)


def recipes_written(record: Record, name: str, path: Path, **options: Any) -> list[Path]:
    """What the exporter `name` writes to `path`."""
    return list(exporters()[name].write(record, path, **options))


def _only(files: list[Path], index: int) -> Path:
    return files[index]


def _compare(path: Path, again: Path, kind: str) -> float | None:
    """Largest difference, 0.0 if none, None if the shapes differ."""
    if kind == "curves":
        if path.read_bytes() == again.read_bytes():
            return 0.0
        ours, theirs = (np.genfromtxt(p, delimiter=",", skip_header=1, ndmin=2) for p in (again, path))
        if ours.shape != theirs.shape:
            return None
        gap = float(np.nanmax(np.abs(ours - theirs), initial=0.0))
        return gap or None
    with Image.open(again) as a, Image.open(path, formats=["PNG"]) as b:
        if a.size != b.size or a.mode != b.mode:
            return None
        return float(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max(initial=0)) / 255


def _elsewhere(run: Run, recipe: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the thing was exported, of what decides over bits."""
    now, then = versions(), recipe.get("versions", {})
    changed = [k for k in ("torch", "machine", "sampling-studio") if now.get(k) != then.get(k)]
    return changed + [f"{k}" for k, v in asdict(run.plan).items() if recipe.get("plan", {}).get(k) != v]
