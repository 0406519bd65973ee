"""The blind test: a person judges sentences of unnamed sources, "a human or a machine?"; a source's score is its share of "human".

SeqGAN's human score (Yu et al. 2017, section 4.1) is of 20 real poems, 20 of SeqGAN and 20 of MLE, shuffled. Here one person judges
each sentence once, so every source is a share with its interval, and the difference of two is tested exactly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.errors import BadInput

TEST = "Fisher's exact test, two-sided"
REAL = "real"  # the source that the others are compared with
_Z = 1.959963984540054  # 97.5 % of a normal distribution lies below


class Item(NamedTuple):
    """A sentence to judge."""

    text: str
    source: str  # not to be shown before it is judged


class Row(NamedTuple):
    """What became of one source."""

    source: str
    judged: int  # answers that were given
    human: int  # of these, how many said "human"
    score: float | None  # human / judged, 0…1; None before the first answer
    low: float  # Wilson's 95 % interval of the score
    high: float
    p: float | None  # of the difference from the real source; None for itself, and while either has no answer
    test: str  # the test's name; "" where p is None


def shuffled(sources: Mapping[str, Sequence[str]], each: int, seed: int) -> list[Item]:
    """`each` sentences of every source, shuffled: no sentence twice, whoever wrote it.

    The sources take turns in an order drawn anew for every turn, and each takes one of its sentences at random that is not yet taken:
    none is at an advantage with a sentence that several have. Only where a source has none left, one that has others gives way, so a
    test is made whenever there is one. Sentences that differ by white space only look the same, and count as the same; blank ones
    cannot be judged and are left out.

    Args:
        sources: sentences by the name of their source, repeated ones included (they are likelier, as they are in the source).
        each: how many of each, 1 or more.
        seed: of everything that is drawn; the same seed gives the same test.

    Raises:
        BadInput: a source has too few different sentences, there is no source, or `each` is less than 1.
    """
    if not sources or each < 1:
        raise BadInput(f"A blind test needs at least one source and one sentence of each, and has {len(sources)} sources and {each} of each.")
    rng = np.random.default_rng(seed)
    names = list(sources)
    pools = {name: _different([sources[name][int(i)] for i in rng.permutation(len(sources[name]))]) for name in names}
    taken: dict[str, Item] = {}
    for _ in range(each):
        for k in rng.permutation(len(names)):
            if not _take(names[k], pools, taken, set()):
                raise BadInput(_too_few(names[k], len(pools[names[k]]), each))
    items = list(taken.values())
    return [items[i] for i in rng.permutation(len(items))]


def results(items: Sequence[Item], answers: Sequence[bool | None], real: str = REAL) -> list[Row]:
    """A row for every source, the real one first, then by name.

    Args:
        items: the sentences that were shown.
        answers: for each True for "human", False for "machine", None if it was not judged.
        real: the name of the source that the others are compared with.

    Raises:
        BadInput: there are more or fewer answers than sentences.
    """
    if len(items) != len(answers):
        raise BadInput(f"A blind test of {len(items):,} sentences needs as many answers (None for those not judged), and has {len(answers):,}.")
    judged: Counter[str] = Counter()
    human: Counter[str] = Counter()
    for item, answer in zip(items, answers, strict=True):
        judged[item.source] += answer is not None
        human[item.source] += bool(answer)
    rows = []
    for source in sorted(judged, key=lambda name: (name != real, name)):
        n, k = judged[source], human[source]
        p = None if source == real else _compared(k, n, human[real], judged[real])
        low, high = wilson(k, n)
        rows.append(Row(source, n, k, k / n if n else None, low, high, p, TEST if p is not None else ""))
    return rows


def between(rows: Sequence[Row], a: str, b: str) -> float | None:
    """Fisher's exact two-sided p of the difference of two sources of `results`; None while either has no answer.

    Raises:
        BadInput: there is no row of that source.
    """
    known = {row.source: row for row in rows}
    for name in (a, b):
        if name not in known:
            raise BadInput(f"There is no source {name} in this blind test: its sources are {', '.join(known)}.")
    return _compared(known[a].human, known[a].judged, known[b].human, known[b].judged)


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of k in n (Wilson 1927, without correction for continuity); 0…1 for n = 0."""
    if not n:
        return 0.0, 1.0
    share, z = k / n, _Z * _Z / n
    middle = (share + z / 2) / (1 + z)
    half = _Z / (1 + z) * math.sqrt(share * (1 - share) / n + z / (4 * n))
    return (0.0 if k == 0 else middle - half), (1.0 if k == n else middle + half)  # at the ends it is exact, but for rounding


def fisher(k: int, n: int, j: int, m: int) -> float:
    """Fisher's exact test of k in n against j in m, two-sided: the sum of all tables with these margins that are no likelier.

    In whole numbers, so ties are ties.
    """
    total = k + j
    weights = {i: math.comb(n, i) * math.comb(m, total - i) for i in range(max(0, total - m), min(n, total) + 1)}
    return sum(weight for weight in weights.values() if weight <= weights[k]) / math.comb(n + m, total)


def _compared(k: int, n: int, j: int, m: int) -> float | None:
    return fisher(k, n, j, m) if n and m else None


def _different(sentences: Sequence[str]) -> dict[str, str]:
    """Sentences by how they look, the first of equal ones, without blank ones."""
    found: dict[str, str] = {}
    for text in sentences:
        found.setdefault(" ".join(text.split()), text)
    found.pop("", None)
    return found


def _take(name: str, pools: Mapping[str, dict[str, str]], taken: dict[str, Item], asked: set[str]) -> bool:
    """Take a sentence for a source, or one of another source that finds itself a new one; False where no such exchange is left."""
    pool = pools[name]
    for looks, text in pool.items():
        if looks not in taken:
            taken[looks] = Item(text, name)
            return True
    for looks, text in pool.items():
        other = taken[looks].source
        if other != name and looks not in asked:
            asked.add(looks)
            if _take(other, pools, taken, asked):
                taken[looks] = Item(text, name)
                return True
    return False


def _too_few(name: str, different: int, each: int) -> str:
    shared = " that are not needed for another source" if different >= each else ""
    return f"The source {name} has too few different sentences{shared} ({different:,} in all) to show {each:,}: give it more samples, or judge fewer."
