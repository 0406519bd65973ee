"""Which tokens of a sentence are blanks."""

from __future__ import annotations

import torch
from torch import Tensor

STRATEGIES = ("contiguous", "random", "all")


def masks(sizes: Tensor, T: int, rng: torch.Generator, strategy: str, present: float, *, ends: bool) -> Tensor:
    """Blanks for sentences of some lengths; at least one in each.

    Args:
        sizes: (n,) tokens of each sentence, its end among them.
        rng: on the CPU; takes the same numbers for every strategy.
        strategy: "contiguous": one stretch of (1 − present) of the tokens, its start uniform; "random": each for itself; "all": all of them.
        present: the share of tokens that stays.
        ends: where the end is a blank, so is what fills the row behind it, or its length would show.

    Returns:
        (n, T) bool on the CPU, true at a blank.
    """
    n, place = len(sizes), torch.arange(T)
    u = torch.rand(n, T + 1, generator=rng)
    inside = place < sizes[:, None]
    if strategy == "all":
        return torch.ones(n, T, dtype=torch.bool) if ends else inside
    if strategy == "contiguous":
        wide = ((1 - present) * sizes).long().clamp(min=1)
        start = (u[:, 0] * (sizes - wide + 1)).long().minimum(sizes - wide)[:, None]
        chosen = (place >= start) & (place < start + wide[:, None])
    else:
        chosen = (u[:, 1:] >= present) & inside
        chosen |= (place == (u[:, 0] * sizes).long().minimum(sizes - 1)[:, None]) & ~chosen.any(1, keepdim=True)
    if ends:
        last = chosen.gather(1, (sizes - 1)[:, None])
        chosen |= last & (place >= sizes[:, None])
    return chosen
