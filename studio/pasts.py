"""What runs have been through, read from their folders to be compared: curves, scores, knobs. Needs neither Qt nor torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.journal import RunFolder

Points = tuple[np.ndarray, np.ndarray]  # steps and values, (n,) float64 each


@dataclass(frozen=True)
class Measure:
    """Something that several runs have numbers of."""

    key: str
    label: str
    scored: bool  # by evaluations, so it has a few points only


@dataclass(frozen=True)
class Past:
    """One run up to now."""

    path: Path
    name: str
    columns: tuple[str, ...]
    rows: np.ndarray  # (steps, columns) float32
    scores: Mapping[str, tuple[str, tuple[tuple[int, float], ...]]]  # name -> label, (step, value) in order
    settings: Mapping[str, Any]  # what never changes: system, data, seed and the Config
    turns: tuple[tuple[int, Mapping[str, Any]], ...]  # (step, knobs that were set); those of the beginning have step 0
    told: tuple[tuple[int, str], ...]  # the same in words, without the beginning

    def knobs(self, step: int) -> dict[str, Any]:
        """As they were when `step` steps had been done."""
        out: dict[str, Any] = {}
        for at, change in self.turns:
            if at <= step:
                out |= change
        return out

    def points(self, key: str) -> Points:
        """The numbers of a measure where they are finite; none if it has no such measure."""
        if key.startswith(SCORE):
            found = self.scores.get(key.removeprefix(SCORE), ("", ()))[1]
            return np.array([s for s, _ in found], float), np.array([v for _, v in found], float)
        if key not in self.columns:
            return np.empty(0), np.empty(0)
        values = self.rows[:, self.columns.index(key)].astype(float)
        good = np.isfinite(values)
        return np.flatnonzero(good) + 1.0, values[good]


TELLING = ("M_global", "NLL_oracle", "KL", "BLEU2", "perplexity", "V")
SCORE = "score:"  # begins the key of a measure of evaluations


def read(path: Path) -> Past:
    """The past of the run in a folder; raises BadFile."""
    folder = RunFolder.open(path, write=False)
    record, lines = folder.record, folder.lines()
    found: dict[str, dict[int, float]] = {}
    labels: dict[str, str] = {}
    for line in lines:
        if line["what"] == "evaluated":
            for name, score in dict(line.get("scores") or {}).items():
                if name not in folder.columns and isinstance(value := score.get("value"), (int, float)):
                    labels[name] = str(score.get("label", name))
                    found.setdefault(name, {})[int(line["step"])] = float(value)
    turned = [line for line in lines if line["what"] == "knobs" and isinstance(line.get("change"), dict)]
    return Past(
        path=path,
        name=folder.name,
        columns=tuple(folder.columns),
        rows=folder.rows(),
        scores={name: (labels[name], tuple(sorted(values.items()))) for name, values in found.items()},
        settings={"system": record["system"], "data": record["data"].get("title", ""), "seed": record["seed"], **record["config"]},
        turns=((0, record["knobs"]), *((int(line["step"]), line["change"]) for line in turned)),
        told=tuple((int(line["step"]), str(line["text"])) for line in turned),
    )


def measures(pasts: Sequence[Past]) -> list[Measure]:
    """What all of them have numbers of: the curves of the training first, then the scores of evaluations."""
    if not pasts:
        return []
    keys = [Measure(name, name, scored=False) for name in pasts[0].columns]
    keys += [Measure(SCORE + name, label, scored=True) for name, (label, _) in pasts[0].scores.items()]
    return [m for m in keys if all(len(past.points(m.key)[0]) for past in pasts)]


def first_of(found: Sequence[Measure]) -> Measure | None:
    """The one that says most about a run, where there is one; else the first."""
    known = {m.key: m for m in found}
    return next((known[key] for key in TELLING if key in known), found[0] if found else None)


def differences(a: Past, b: Past, step: int) -> list[tuple[str, str, str]]:
    """(name, value in a, value in b) of every setting and knob that differs at a step; of runs that are not as far, as it is at their end."""
    left, right = {**a.settings, **a.knobs(step)}, {**b.settings, **b.knobs(step)}
    names = [*left, *(name for name in right if name not in left)]
    told = [(name, left.get(name, "–"), right.get(name, "–")) for name in names]
    return [(name, _short(x), _short(y)) for name, x, y in told if x != y]


def table(curves: Mapping[str, Points]) -> str:
    """CSV: `step`, then a column for each run; an empty place where a run has no number of that step."""
    steps = np.unique(np.concatenate([x for x, _ in curves.values()] or [np.empty(0)]))
    columns = [dict(zip(x.tolist(), y.tolist(), strict=True)) for x, y in curves.values()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["step", *curves])
    for step in steps.tolist():
        writer.writerow([int(step), *(f"{value:.9g}" if (value := of.get(step)) is not None else "" for of in columns)])
    return out.getvalue()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
