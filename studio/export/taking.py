"""The Record of a run: everything that exporters may want, drawn and copied at one moment."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models import knobs
from models.contract import View
from models.data.card import card
from models.data.images import ImageSet
from models.errors import BadInput
from models.run import Run
from studio.export import Record, writes_of
from studio.export.texts import one_line, options_of, takes

MOST_FRAMES = 240  # of the reel
LOOP_FRAMES = 480  # most frames that a loop has unless more are asked for


def record_of(
    run: Run,
    *,
    seed: int,
    count: int,
    ema: bool = True,
    samples: bool = True,
    needs: Collection[str] = (),
    frames: int | None = None,
    reel: Sequence[int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Record:
    """The Record that exporters write: the present step of a run, with what is needed of `count` latents of a seed.

    Args:
        ema: from the moving average of the weights, where the system has one.
        samples: draw `count` of them, pictures or sentences.
        needs: "scores" of them, a "loop" through their latents, the "reel" of the run, the "card" of its data; what there is not stays empty.
        frames: of the loop.
        reel: steps of its frames; all up to the present one, evenly thinned out, if None.
        options: of sentences, see `texts.options_of`.

    Raises:
        BadInput: the system has no loop, a frame of the reel is gone, or an option is out of its range.
    """
    if writes_of(run.algorithm, run.config) == "text":
        return replace(_common(run, needs), seed=seed, **(_sentences(run, seed, count, ema, options or {}) if samples else {}))
    if options:
        raise BadInput(f"{run.algorithm.TITLE} draws pictures: {', '.join(options)} is for systems that write text.")
    drawn = run.algorithm.sample(run.state, count, seed, ema=ema).pictures["samples"] if samples else None
    return replace(
        _common(run, needs),
        pictures=None if drawn is None else coloured(drawn),
        seed=seed,
        ema=ema,
        scores=_scores(run, seed, count, ema) if "scores" in needs and samples else {},
        loop=_loop(run, seed, count, ema, frames) if "loop" in needs else None,
        latents=count if "loop" in needs else 0,
        reel=_reel(run, reel) if "reel" in needs else {},
    )


def _common(run: Run, needs: Collection[str]) -> Record:
    """What both kinds of systems have."""
    return Record(
        title=f"{run.algorithm.TITLE} on {run.folder.record['data']['title']}",
        recipe=run.recipe(),
        rows=run.rows.copy(),
        columns=tuple(run.folder.columns),
        marks=tuple((line["step"], line["text"]) for line in run.lines if line["what"] in ("knobs", "phase")),
        lines=tuple(run.lines),
        about={**about(run), "card": _card(run) if "card" in needs else None},
    )


def _sentences(run: Run, seed: int, count: int, ema: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Sentences with a number of each, for a Record; what is given goes before `ema`."""
    options = options_of(run.algorithm, {"ema": ema, **given} if takes(run.algorithm, "ema") else given)
    view: View = run.algorithm.sample(run.state, count, seed, **options)
    numbers = {name: np.asarray(values) for name, values in view.numbers.items() if len(values) == count}
    sentences = tuple(one_line(text) for text in view.words["samples"])
    return {"sentences": sentences, "numbers": numbers, "options": options, "ema": options.get("ema", True)}


def coloured(pictures: np.ndarray) -> np.ndarray:
    """(…, 1 or 3) uint8 with three channels."""
    return np.ascontiguousarray(np.broadcast_to(pictures, (*pictures.shape[:-1], 3)))


def about(run: Run) -> Mapping[str, Any]:
    """Names for people: the system, its paper, the settings (name -> [symbol, doc]), and how the run was made."""
    fields = [*knobs.describe(type(run.config)), *knobs.describe(type(run.knobs))]
    record = run.folder.record
    return {
        "title": run.algorithm.TITLE,
        "paper": getattr(run.algorithm, "PAPER", ""),
        "fields": {f.name: [f.symbol, f.doc] for f in fields},
        "defaults": _defaults(run),
        "first_knobs": record["knobs"],
        "preset": record.get("preset", ""),
        "created": record.get("created", ""),
        "phases": [[p.name, p.steps] for p in run.phases],
    }


def _card(run: Run) -> dict[str, Any] | None:
    """The facts of the data that a report tells; None if the run was opened without its data."""
    if run.data is not None and writes_of(run.algorithm, run.config) == "text":
        return _text_card(run.data)
    if not isinstance(run.data, ImageSet):
        return None
    whole = card(run.data)
    twins = whole["duplicates"]["count"]
    return {k: whole[k] for k in ("count", "train", "held_out", "original", "colour", "notes")} | {"duplicates": {"count": twins}}


def _text_card(data: Any) -> dict[str, Any]:
    """The same facts of sentences."""
    oracle = getattr(data, "oracle", None)
    known = None
    if oracle is not None and math.isfinite(oracle.floor + oracle.ceiling):
        known = {"hash": oracle.hash, "floor": float(oracle.floor), "ceiling": float(oracle.ceiling)}
    counts = {"count": len(data), "train": len(data.train), "held_out": len(data.held_out)}
    return {
        **counts,
        "vocabulary": int(data.V),
        "longest": int(data.T),
        "oracle": known,
        "skipped": list(data.skipped[:3]),
        "left_out": data.about.get("left_out", 0),
    }


def _defaults(run: Run) -> dict[str, dict[str, Any]]:
    """The settings of the run's preset."""
    preset = run.algorithm.PRESETS.get(run.folder.record.get("preset")) or next(iter(run.algorithm.PRESETS.values()))
    made = (knobs.make(run.algorithm.Config, preset.config), knobs.make(run.algorithm.Knobs, preset.knobs))
    return dict(zip(("config", "knobs"), (m.model_dump() for m in made), strict=True))


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most `most` of them, evenly, the first and the last included."""
    if len(steps) <= most:
        return list(steps)
    return [steps[i] for i in np.linspace(0, len(steps) - 1, most).round().astype(int)]


def _scores(run: Run, seed: int, count: int, ema: bool) -> Mapping[str, np.ndarray]:
    if "scores" not in run.algorithm.views:
        return {}
    found: View = run.view("scores", seed=seed, n=count, ema=ema)
    return {name: np.asarray(values) for name, values in found.numbers.items() if len(values) == count}


def _loop(run: Run, seed: int, count: int, ema: bool, frames: int | None) -> np.ndarray:
    if "loop" not in run.algorithm.views:
        raise BadInput(f"{run.algorithm.TITLE} has no latents to go through: export its samples as a sheet or a gallery.")
    frames = frames or min(LOOP_FRAMES, max(24, 12 * count))
    return coloured(run.view("loop", seed=seed, n=count, frames=frames, ema=ema).pictures["path"])


def _reel(run: Run, steps: Sequence[int] | None) -> Mapping[int, np.ndarray]:
    if steps is None:
        steps = spread([s for s in run.watch.reel.steps() if s <= run.state.step], MOST_FRAMES)
    found = {step: coloured(run.watch.reel.frame(step)) for step in steps}
    fewest = min((len(f) for f in found.values()), default=0)
    return {step: frame[:fewest] for step, frame in found.items()}
