"""Distributions over some cells that are known exactly, so that true weights and divergences can be held against estimated ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.data.assemble import twins
from models.data.text import TextSet
from models.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

COUNT, HELD = 20_000, 2_000  # draws of a set, and those of them that are held out
_KEY = 0x74_6F_79


@dataclass(eq=False)
class ToySet(TextSet):
    """Draws from a known p; each is a "sentence" of one token, the number of its cell."""

    p: np.ndarray = field(default_factory=lambda: np.ones(1))  # (K,) float64, sums to 1, nowhere 0
    shape: tuple[int, int] = (1, 1)  # rows, columns; one row in one dimension

    def batch(self, seed: int, t: int, n: int) -> Tensor:
        """Batch t, a function of (seed, t, n) alone: (n, 1) int64, drawn anew from p."""
        import torch

        u = np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, t], np.uint64))).random(n)
        return torch.from_numpy(np.searchsorted(self.p.cumsum()[:-1], u, side="right")[:, None])


def _categories() -> tuple[np.ndarray, tuple[int, int]]:
    """32 categories of no order: log p spread evenly by 3.4 nats, shuffled."""
    log_p = np.linspace(0, 3.4, 32)
    return np.exp(log_p[np.random.Generator(np.random.Philox(key=_KEY)).permutation(32)]), (1, 32)


def _line() -> tuple[np.ndarray, tuple[int, int]]:
    """64 cells: three bumps of different widths on a low floor."""
    x = np.arange(64) + 0.5
    bumps = ((12, 2.5, 1.0), (30, 5.0, 0.7), (52, 1.5, 1.2))
    return 0.02 + np.sum([height * np.exp(-0.5 * ((x - at) / wide) ** 2) for at, wide, height in bumps], axis=0), (1, 64)


def _ring() -> tuple[np.ndarray, tuple[int, int]]:
    """A grid of 16 × 16: a ring, brighter on one side, on a low floor."""
    v, u = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 16), indexing="ij")
    radius = np.hypot(u, v)
    return (0.02 + np.exp(-0.5 * ((radius - 0.7) / 0.12) ** 2) * (1 + 0.6 * u / np.maximum(radius, 1e-9))).ravel(), (16, 16)


_MAKERS = {"toy-categories": _categories, "toy-line": _line, "toy-ring": _ring}
TOYS = tuple(_MAKERS)
TITLES = {"toy-categories": "32 categories", "toy-line": "64 cells on a line", "toy-ring": "a ring on a grid of 16 × 16"}


def open_toy(spec: str) -> ToySet:
    """A built-in distribution; raises BadData for another name."""
    if spec not in _MAKERS:
        raise BadData(f"There is no toy distribution {spec!r}; there are {', '.join(TOYS)}.")
    mass, shape = _MAKERS[spec]()
    p = np.asarray(mass, np.float64) / np.sum(mass)
    K = len(p)
    u = np.random.Generator(np.random.Philox(key=_KEY + 1)).random(COUNT)
    rows = np.searchsorted(p.cumsum()[:-1], u, side="right").astype(np.int32)[:, None]
    rows.flags.writeable = False
    words = tuple(f"{i // shape[1]},{i % shape[1]}" if shape[0] > 1 else str(i) for i in range(K))
    seen = np.bincount(rows[:, 0], minlength=K)
    about = {
        "read": COUNT,
        **dict.fromkeys(("empty", "cut", "dropped", "left_out"), 0),
        "duplicates": twins(rows[:, 0].astype(np.uint64)),
        "tokens": COUNT,
        "vocabulary": K,
        "distinct": int(np.count_nonzero(seen)),
        "unknown": 0.0,
        "lengths": {"min": 1, "median": 1, "mean": 1.0, "max": 1, "histogram": [[1, 1, COUNT]]},
        "common": [[words[i], int(seen[i])] for i in np.argsort(-seen, kind="stable")[:50].tolist()],
        "notes": [f"A distribution over {K} cells that is known exactly, with {-(p * np.log(p)).sum():.2f} nats of entropy; draws are fresh."],
        "settings": {},
    }
    name = hashlib.sha256(p.tobytes()).hexdigest()[:16]
    place = np.arange(COUNT, dtype=np.int64)
    title = f"{spec.removeprefix('toy-')} ({TITLES[spec]})"
    fixed = (rows, words, K, 1, False, " ", place[:-HELD], place[-HELD:], (), about)
    return ToySet(name, spec, title, *fixed, p=p, shape=shape)
