"""Random numbers as a function of (seed, step, chain): nothing is carried from one step to the next.

So a step can be taken again, or taken back, without saving a generator, and chains that are added change none of the others.
The generator is Philox 4x64 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): its key is the
seed and the purpose, its counter the step and the block of chains. torch's own CPU generator is seeded with 32 bits only, so two
of a long walk's steps would get the same noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

START, NORMAL, UNIFORM = range(3)  # purposes: no two share a number
_ROWS, _NUMBERS = 256, 1024  # of a block at most: many short chains share one, a long one has its own


class Streams:
    """The noise of `chains` chains.

    Args:
        seed: a whole number in [0, 2^64).
        chains: how many rows each draw has.
    """

    def __init__(self, seed: int, chains: int) -> None:
        self.seed, self.chains = seed, chains
        self._philox = [np.random.Philox(key=[seed, purpose]) for purpose in (START, NORMAL, UNIFORM)]
        self._numbers = [np.random.Generator(philox) for philox in self._philox]
        self._fresh = [philox.state for philox in self._philox]

    def start(self, draw: Callable[[int, np.random.Generator], Tensor], d: int) -> Tensor:
        """(chains, d): positions from `draw(rows, generator)`, called for one block of chains after the other."""
        return torch.cat([draw(rows, self._at(START, 0, block)) for block, rows in self._blocks(d)])[: self.chains]

    def normal(self, t: int, d: int) -> Tensor:
        """(chains, d) float64: standard normal noise of step t."""
        return self._drawn(NORMAL, t, d, lambda numbers, rows: numbers.standard_normal((rows, d)))

    def uniform(self, t: int) -> Tensor:
        """(chains,) float64 in [0, 1): the coins of step t."""
        return self._drawn(UNIFORM, t, 1, lambda numbers, rows: numbers.random(rows))

    def _drawn(self, purpose: int, t: int, d: int, draw: Callable[[np.random.Generator, int], np.ndarray]) -> Tensor:
        blocks = [draw(self._at(purpose, t, block), rows) for block, rows in self._blocks(d)]
        return torch.from_numpy(blocks[0] if len(blocks) == 1 else np.concatenate(blocks))[: self.chains]

    def _blocks(self, d: int) -> list[tuple[int, int]]:
        rows = max(1, min(_ROWS, _NUMBERS // d))  # of d alone, so that a chain's block never depends on how many others there are
        return [(block, rows) for block in range(-(-self.chains // rows))]

    def _at(self, purpose: int, t: int, block: int) -> np.random.Generator:
        """The generator of a purpose, moved to the beginning of (t, block); its lowest counter word counts the draws."""
        fresh = self._fresh[purpose]
        fresh["state"]["counter"][:] = (0, t, block, 0)
        self._philox[purpose].state = fresh
        return self._numbers[purpose]
