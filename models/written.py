"""How close written sentences are to held-out ones, and to each other: what the evaluations of all systems that write text have in common.

The held-out sentences are halved: one half are the references of BLEU, the other stands for real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np

from models.contract import Score
from models.data.sentences import spoken_lengths
from models.data.text import TextSet
from models.metrics import text as measures
from models.metrics.text import References

MOST = 5_000  # held-out sentences that are references, and as many more that stand for real ones
LONGEST = 5  # words of the longest n-grams


class Who(NamedTuple):
    """How the scores of one net are named."""

    key: str  # before the name of a score
    label: str  # before its label


class Found(dict[str, Score]):
    """Scores by name."""

    def put(
        self,
        name: str,
        label: str,
        value: float | None,
        n: int,
        reference: float | None,
        direction: Literal["lower", "higher", "target", ""],
        doc: str,
        spread: float | None = None,
    ) -> None:
        """One more; what is not finite is None."""
        plain = [None if v is None or not np.isfinite(v) else float(v) for v in (value, reference, spread)]
        self[name] = Score(plain[0], n, plain[1], direction, label, doc, plain[2])


def half_of(data: TextSet) -> int:
    """Held-out sentences in each half."""
    return min(MOST, len(data.held_out) // 2)


def references(data: TextSet, half: int) -> References:
    """The first `half` held-out sentences, counted once for a data set."""
    key = f"references of an evaluation, {half}"
    if key not in data.kept:
        rows = data.rows(data.held_out[:half])
        data.kept[key] = References(rows, spoken_lengths(rows, data.ends), LONGEST)
    return data.kept[key]


def closeness(found: Found, data: TextSet, drawn: Mapping[Who, np.ndarray], other: str) -> Iterator[None]:
    """BLEU-2…5 of the tokens (n, T) of some nets, one order a part; the first is compared with the second, which is called `other`."""
    half = half_of(data)
    if not half:
        why = f"{data.title} holds out {len(data.held_out)} sentences, too few for references and real ones: raise held_out."
        found.put("BLEU2", "BLEU-2", None, 0, None, "higher", why)
        return
    against, real = references(data, half), data.rows(data.held_out[half : 2 * half])
    truth = against.bleu(real, spoken_lengths(real, data.ends)).value
    each = {who: against.bleu(rows, spoken_lengths(rows, data.ends)).each for who, rows in drawn.items()}
    ours, theirs = list(each.values())[:2]
    for n in range(2, LONGEST + 1):
        yield
        p = measures.bootstrap(ours[:, n - 1], theirs[:, n - 1], paired=False, seed=0) if min(len(ours), len(theirs)) > 1 else 1.0
        for i, (who, values) in enumerate(each.items()):
            column = values[:, n - 1]
            doc = f"Against {against.count:,} held-out sentences, smoothed by 0.1 matches; reference: {len(real):,} others of them."
            if not i:
                doc += f" Bootstrap over sentences, against {other}: p = {p:.2g}."
            found.put(f"{who.key}BLEU{n}", f"{who.label}BLEU-{n}", column.mean(), len(column), truth[n], "higher", doc, float(column.std()))


def self_bleu(rows: np.ndarray, ends: bool) -> dict[int, float]:
    """Self-BLEU by n of tokens (n, T); empty where there are not two sentences."""
    return measures.self_bleu(rows, spoken_lengths(rows, ends), LONGEST).value if len(rows) > 1 else {}


def put_self_bleu(found: Found, who: Who, value: Mapping[int, float], real: Mapping[int, float], n: int) -> None:
    """Self-BLEU-2…5 of `n` sentences, beside that of as many real ones."""
    for order in range(2, LONGEST + 1):
        doc = f"Of {n:,} samples, each against the others; the lower, the more varied; reference: as many real ones."
        found.put(f"{who.key}self_BLEU{order}", f"{who.label}Self-BLEU-{order}", value.get(order), n, real.get(order), "target", doc)
