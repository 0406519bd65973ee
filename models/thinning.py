"""What to give up when the moments that a run has kept take too much disk."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping


def surplus(sizes: Mapping[int, int], budget: int, keep: Collection[int] = ()) -> list[int]:
    """Steps to give up so that the rest fits.

    Those go first whose neighbours are nearest to each other on a logarithmic axis of steps, so that what is left is spread like
    1, 2, 4, 8 …: a training changes fast at its beginning. The first, the last and those of `keep` always stay, also beyond the budget.

    Args:
        sizes: step -> bytes.
        budget: bytes that may stay.
    """
    left, total = sorted(sizes), sum(sizes.values())
    stay = {*left[:1], *left[-1:], *keep}
    gone: list[int] = []
    while total > budget:
        gaps = [(math.log((c + 1) / (a + 1)), b) for a, b, c in zip(left, left[1:], left[2:], strict=False) if b not in stay]
        if not gaps:
            break
        _, step = min(gaps)
        left.remove(step)
        gone.append(step)
        total -= sizes[step]
    return gone
