"""Makes an exported thing again from its checkpoint and recipe, and only then looks at the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from models import checkpoint
from models.errors import BadFile
from models.opening import versions
from models.run import Run
from studio import recipe as recipes
from studio.export import Record, exporters

CLOSE = 8 / 255  # largest difference that another device or version may make
MOST = 100_000  # pictures of one export, and columns of a sheet


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
    try:
        step, kind = int(recipe["step"]), str(recipe["kind"])
        where = run_path or Path(str(recipe["run"]["path"]))
        gone = not (where / "run.json").is_file()
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BadFile(f"The recipe in {path.name} is incomplete: it was changed after the export.") from None
    if gone:
        raise BadFile(f"The run {where} that made {path.name} is gone: give its new place with --run.")
    run = Run.open(where, write=False, data=False, step=step, kept=str(recipe.get("checkpoint")), check=False)
    reason = _against_checkpoint(run, recipe)
    try:
        with TemporaryDirectory() as folder:
            again = _again(run, recipe, kind, Path(folder))
            if recipes.read(again)["made"] != recipe["made"]:
                raise ValueError(kind)
            difference = _compare(path, again, kind)
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError, MemoryError):
        return Verdict("different", None, reason or "the recipe does not describe an export that this studio can make")
    if reason:
        return Verdict("different", difference, reason)
    if difference == 0:
        return Verdict("identical", 0.0, "made again from checkpoint and recipe, every bit is the same")
    if difference is None:
        return Verdict("different", None, "what the recipe makes has another shape")
    changes = _elsewhere(run, recipe) if kind != "curves" else []  # curves are read, not computed again
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
    if checkpoint.hash_of(run.state) != recipe.get("state_hash"):
        return f"the checkpoint of step {run.state.step:,} does not hold the weights that the recipe names"
    record = run.folder.record
    for name, ours in (("system", record["system"]), ("config", run.config.model_dump()), ("data", record["data"]), ("training_seed", run.seed)):
        if recipe.get(name) != json.loads(json.dumps(ours)):
            return f"the {name} of the recipe and of the run are not the same"
    return "" if _knobs_fit(run, recipe) else "the knobs of the recipe are not those that the run has had at this step"


def _knobs_fit(run: Run, recipe: Mapping[str, Any]) -> bool:
    """Whether the journal, or a way that was left by going back, comes through the recipe's knobs."""
    lines = run.folder.lines()
    left = [lines[:i] + line["undone"] for i, line in enumerate(lines) if line["what"] == "back"]
    return any(_comes_through(way, run.folder.record["knobs"], recipe) for way in (lines, *left))


def _comes_through(lines: Sequence[Mapping[str, Any]], knobs: Mapping[str, Any], recipe: Mapping[str, Any]) -> bool:
    """Whether turning these knobs one after the other gives the recipe's; some may have been turned at its very step, after the export."""
    told = recipe.get("knob_history")
    if not isinstance(told, list):
        return False
    history = [{"step": line["step"], "change": line["change"]} for line in lines if line["what"] == "knobs"]
    for n in range(len(history) + 1):
        knobs = {**knobs, **(history[n - 1]["change"] if n else {})}
        whole = n == len(told) or (n > len(told) and recipe.get("knob_history_cut"))
        if whole and knobs == recipe.get("knobs") and history[n - len(told) : n] == told:
            return True
    return False


def _again(run: Run, recipe: Mapping[str, Any], kind: str, folder: Path) -> Path:
    made = recipe["made"]
    if kind in ("sheet", "single"):
        if not isinstance(made["ema"], bool):
            raise ValueError(made["ema"])
        first, last = (_whole(v, 0, MOST) for v in made["rows"])
        record = record_of(run, seed=_whole(made["seed"], 0, 2**62), count=_whole(last, 1, MOST), ema=made["ema"])
        assert record.pictures is not None
        if kind == "single":
            return _written(replace(record, pictures=record.pictures[-1:]), "singles", folder, first=first)
        return _written(record, "sheet", folder / "again.png", columns=_whole(made["columns"], 1, MOST), zoom=_whole(made["zoom"], 1, 100))
    record = record_of(run, seed=0, count=0, pictures=False)
    if kind == "curves":
        return _written(record, "curves", folder / "again.csv")
    if kind == "plots":
        record = replace(record, marks=record.marks[: _whole(made["marks"], 0, len(record.marks))])
        width, height = _whole(made["width"], 100, 10_000), _whole(made["height"], 100, 10_000)
        return _written(record, "plots", folder / "again.png", theme=str(made["theme"]), width=width, height=height)
    raise ValueError(kind)


def _written(record: Record, name: str, path: Path, **options: Any) -> Path:
    return exporters()[name].write(record, path, **options)[0]


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(value)
    return value


def _compare(path: Path, again: Path, kind: str) -> float | None:
    """Largest difference, 0.0 if none, None if the shapes differ."""
    if kind == "curves":
        if path.read_bytes() == again.read_bytes():
            return 0.0
        ours, theirs = _numbers(again), _numbers(path)
        if theirs is None or ours is None or ours.shape != theirs.shape:
            return None
        gap = np.abs(ours - theirs)
        return float(gap[np.isfinite(gap)].max(initial=0.0)) or None
    try:
        with Image.open(again) as a, Image.open(path, formats=["PNG"]) as b:
            if a.size != b.size or a.mode != b.mode:
                return None
            return float(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max(initial=0)) / 255
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadFile(f"{path.name} cannot be read ({error}): it is damaged.") from None


def _numbers(path: Path) -> np.ndarray | None:
    """The numbers of a table, NaN for an empty place; None if it is none."""
    try:
        cells = [[float(v or "nan") for v in line.split(",")] for line in path.read_text("utf-8").splitlines()[1:]]
        return np.array(cells, np.float64)
    except ValueError:
        return None


def _elsewhere(run: Run, recipe: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the thing was exported, of what decides over bits."""
    now, then = versions(), recipe.get("versions", {})
    changed = [k for k in ("torch", "machine", "sampling-studio") if now.get(k) != then.get(k)]
    return changed + [f"{k}" for k, v in asdict(run.plan).items() if recipe.get("plan", {}).get(k) != v]
