"""Makes an exported thing again from its run and its recipe; nothing here reads the file itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.run import Run
from models.watch import REEL_SEED
from studio.export import Record, animation, exporters, filled, moving, sheet, writes_of
from studio.export.taking import MOST_FRAMES, coloured, record_of
from studio.export.whole import without_persons
from studio.schema import OWN
from studio.verify import walking
from studio.verify.lines import FILLED, READERS
from studio.verify.walking import whole

MOST = 100_000  # pictures or sentences of one export, columns of a sheet
PICTURES = ("sheet", "single", "gallery", "animation", "reel", "strip")  # kinds that systems have which draw pictures
Recipe = Mapping[str, Any]


class Again(NamedTuple):
    """What the recipe makes, and what of it could not be made from a checkpoint."""

    path: Path
    note: str = ""


def again(run: Run, recipe: Recipe, folder: Path, trust: str | None = None) -> Again:
    """Make it in `folder`; `trust` is the hash of a foreign classifier that may run code.

    Raises:
        KeyError, TypeError, ValueError, BadInput and others: the recipe describes nothing that this studio makes.
        BadFile: a frame of the reel is gone.
    """
    if recipe["kind"] in walking.KINDS:
        return Again(walking.walked(run, recipe, folder, trust))
    if recipe["kind"] in (PICTURES if writes_of(run.algorithm, run.config) == "text" else READERS):
        raise ValueError(recipe["kind"])
    return _MAKERS[recipe["kind"]](run, recipe, recipe["made"], folder)


def _sheet(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    look = {name: made[name] for name in sheet.OPTIONS}
    scored = ("scores",) if "score" in look["captions"] else ()
    return Again(_written(_samples(run, made, scored), "sheet", folder / "again.png", **{**look, "captions": tuple(look["captions"])}))


def _single(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    record = _samples(run, made)
    assert record.pictures is not None
    return Again(_written(replace(record, pictures=record.pictures[-1:]), "singles", folder, first=whole(made["rows"][0], 0, MOST)))


def _gallery(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    record = _samples(run, made, needs=("scores",))
    reel, note = _reel_of(run, made["steps"])
    return Again(_written(replace(record, reel=reel), "gallery", folder / "again.html"), note)


def _animation(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    latents, frames = whole(made["latents"], 1, MOST), whole(made["frames"], 1, animation.MOST_FRAMES)
    record = record_of(run, seed=_seed(made), count=latents, ema=_ema(made), samples=False, needs=("loop",), frames=frames)
    options = {"fps": whole(made["fps"], 1, moving.FASTEST), "zoom": whole(made["zoom"], 1, 100), "tiles": whole(made["tiles"], 1, 1000)}
    return Again(_written(record, "animation", folder / f"again{_format(made)}", **options))


def _reel(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    reel, note = _reel_of(run, made["steps"])
    record = replace(_without_samples(run), reel=reel)
    options = {"fps": whole(made["fps"], 1, moving.FASTEST), "zoom": whole(made["zoom"], 1, 100)}
    return Again(_written(record, "reel", folder / f"again{_format(made)}", **options), note)


def _strip(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    reel, note = _reel_of(run, made["steps"])
    record = replace(_without_samples(run), reel=reel)
    options = {"frames": whole(made["frames"], 1, MOST_FRAMES), "count": whole(made["count"], 1, 64)}
    return Again(animation.write_strip(record, folder / "again.png", **options)[0], note)


def _sentences(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    kind = str(recipe["kind"])
    return Again(_written(_samples(run, made), kind, folder / f"again{exporters()[kind].extension}"))


def _fillings(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    desk, asked = filled.desk_of(recipe)
    exporter = filled.fill_exporters()[str(recipe["kind"]).removeprefix("fillings-")]
    return Again(exporter.write(filled.desk_record(run, desk, **asked), folder / f"again{exporter.extension}")[0])


def _curves(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    return Again(_written(_without_samples(run), "curves", folder / "again.csv"))


def _events(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    return Again(_written(_without_samples(run), "tensorboard", folder))


def _plots(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    record = _without_samples(run)
    record = replace(record, marks=record.marks[: whole(made["marks"], 0, len(record.marks))])
    options = {"theme": str(made["theme"]), "width": whole(made["width"], 100, 10_000), "height": whole(made["height"], 100, 10_000)}
    extension = ".svg" if recipe["kind"] == "svg" else ".png"
    return Again(_written(record, str(recipe["kind"]), folder / f"again{extension}", **options))


def _report(run: Run, recipe: Recipe, made: Recipe, folder: Path) -> Again:
    """From the file's own recipe, which was held against the checkpoint before: versions and paths are told as they were."""
    record = _samples(run, made)
    if recipe.get("private"):
        record = without_persons(record)
    reel, note = _reel_of(run, made["steps"])
    record = replace(
        record,
        recipe={**record.recipe, **{k: v for k, v in recipe.items() if k not in OWN}},
        marks=record.marks[: whole(made["marks"], 0, len(record.marks))],
        lines=record.lines[: whole(made["lines"], 0, len(record.lines))],
        reel=reel,
        about={**record.about, "card": made["card"]},
    )
    name = f"{made['stem']}.md"
    if Path(name).name != name:
        raise ValueError(name)
    return Again(_written(record, "report", folder / name), note)


_MAKERS: Mapping[str, Callable[[Run, Recipe, Recipe, Path], Again]] = {
    "sheet": _sheet,
    "single": _single,
    "gallery": _gallery,
    "animation": _animation,
    "reel": _reel,
    "strip": _strip,
    **dict.fromkeys(READERS, _sentences),
    **dict.fromkeys(FILLED, _fillings),
    "curves": _curves,
    "tensorboard": _events,
    "plots": _plots,
    "svg": _plots,
    "report": _report,
}


def _samples(run: Run, made: Recipe, needs: Sequence[str] = ()) -> Record:
    """The pictures or sentences up to the last row that the recipe names."""
    first, last = (whole(v, 0, MOST) for v in made["rows"])
    if first >= last:
        raise ValueError(made["rows"])
    if writes_of(run.algorithm, run.config) == "text":
        return record_of(run, seed=_seed(made), count=last, needs=needs, options=made["options"])
    return record_of(run, seed=_seed(made), count=last, ema=_ema(made), needs=needs)


def _without_samples(run: Run) -> Record:
    return record_of(run, seed=0, count=0, samples=False)


def _reel_of(run: Run, steps: Any) -> tuple[dict[int, np.ndarray], str]:
    """Frames as they were recorded, the last one drawn again where its checkpoint is there; and a sentence about it."""
    every = run.watch.reel.every
    wanted = [whole(step, 0, run.state.step) for step in steps]
    if len(wanted) > MOST_FRAMES or any(step % every for step in wanted):
        raise ValueError(wanted)
    if not wanted:
        return {}, ""
    reel = dict(record_of(run, seed=0, count=0, samples=False, needs=("reel",), reel=wanted).reel)
    last, told = max(wanted), "the frames over the training are those that were recorded while it trained"
    state = _state_at(run, last)
    if state is None:
        return reel, told
    drawn = coloured(run.algorithm.sample(state, 64, REEL_SEED).pictures["samples"])
    reel[last] = drawn[: len(reel[last])]
    return reel, f"{told}, but that of step {last:,} was drawn anew from its checkpoint"


def _state_at(run: Run, step: int) -> Any:
    """The State of a step, if it is still there."""
    if step == run.state.step:
        return run.state
    if step not in run.folder.steps():
        return None
    return Run.open(run.folder.path, write=False, data=False, step=step, check=False).state


def _written(record: Record, name: str, path: Path, **options: Any) -> Path:
    return exporters()[name].write(record, path, **options)[0]


def _seed(made: Recipe) -> int:
    return whole(made["seed"], 0, 2**62)


def _ema(made: Recipe) -> bool:
    if not isinstance(made["ema"], bool):
        raise ValueError(made["ema"])
    return made["ema"]


def _format(made: Recipe) -> str:
    if made["format"] not in moving.EXTENSIONS:
        raise ValueError(made["format"])
    return str(made["format"])
