"""`evaluate`: how good a run's samples are, beside what real pictures or sentences give."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from studio.commands.terminal import Result, reading, strict, tell
from studio.export import writes_of

REFERENCES = {
    "pictures": "real pictures, or the paper's target",
    "text": "real sentences, or the oracle's own; of NLL_gen MLE's",
    "any": "real data, or the best there is",
}
ARROWS = {"lower": "↓", "higher": "↑", "target": "→", "": ""}


def evaluate(options: argparse.Namespace) -> Result:
    """The system's own metrics, and those of its samples, at one checkpoint; the run is only read."""
    import torch

    from models.run import Run

    with reading("reading the data") as progress:
        run = Run.open(options.run, write=False, step=options.step, device_name=options.device, data_spec=options.data, progress=progress)
    tell(run.notice)
    if options.threads:
        torch.set_num_threads(options.threads)
    scores: Mapping[str, Any] = {}
    with reading("evaluating") as progress:
        for part in run.algorithm.evaluate(run.state, run.data, run.knobs, n=options.n, seed=options.seed, rows=run.rows):
            progress(part.done, part.total)
            scores = part.scores or scores
    metrics = {name: s._asdict() | {k: strict(getattr(s, k)) for k in ("value", "reference", "spread")} for name, s in scores.items()}
    name = run.folder.path.name
    result = {
        "run": str(options.run),
        "step": run.state.step,
        "system": run.folder.record["system"],
        "n": options.n,
        "seed": options.seed,
        "metrics": metrics,
    }
    told = table(metrics, REFERENCES["any" if getattr(run.algorithm, "TAKES", "") == "any" else writes_of(run.algorithm)])
    return result, f"{name}, step {run.state.step:,}, {options.n:,} samples, seed {options.seed}\n{told}", 0


def table(metrics: Mapping[str, Mapping[str, Any]], of: str = REFERENCES["pictures"]) -> str:
    """Scores in aligned columns, what the reference is `of`, and below them why some have no value."""
    rows = [("", "value", "", "reference", "n")]
    for score in metrics.values():
        spread = f" ± {_short(score['spread'])}" if score["spread"] is not None else ""
        value = _short(score["value"]) + spread if score["value"] is not None else "–"
        reference = _short(score["reference"]) if score["reference"] is not None else "–"
        rows.append((score["label"], value, ARROWS[score["direction"]], reference, f"{score['n']:,}"))
    wide = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:<{wide[2]}}  {d:>{wide[3]}}  {e:>{wide[4]}}".rstrip() for a, b, c, d, e in rows]
    reasons = dict.fromkeys(f"– {score['label']}: {score['doc']}" for score in metrics.values() if score["value"] is None)
    key = f"↓ lower is better, ↑ higher is better, → near the reference; the reference is that of {of}."
    return "\n".join([*lines, "", key, *reasons])


def _short(value: float) -> str:
    return f"{value:.4g}"
