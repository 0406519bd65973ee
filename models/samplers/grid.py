"""A density in one or two dimensions on a fine grid: to draw it, to integrate it, to take draws, to compare a histogram with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput

_ROWS = 65536  # points evaluated at once


@dataclass(frozen=True)
class Grid:
    """Cells of equal size; axis k of `mass` is axis k of x.

    Attributes:
        mass: (cells,) or (cells, cells): the probability of each cell; the sum is 1.
        bounds: (low, high) of each axis.
        log_total: log of the integral of the unnormalised density over the grid.
    """

    mass: Tensor
    bounds: tuple[tuple[float, float], ...]
    log_total: float = 0.0

    @classmethod
    def of(cls, log_p: Callable[[Tensor], Tensor], bounds: tuple[tuple[float, float], ...], cells: int) -> Grid:
        """The density exp(log_p) at the cells' centres; log_p takes (n, d) and gives (n,). What is not a number counts as 0.

        Raises:
            BadInput: the density is 0 or infinite somewhere it must not be.
        """
        axes = [_centres(low, high, cells) for low, high in bounds]
        points = torch.cartesian_prod(*axes).reshape(-1, len(axes))
        values = torch.cat([log_p(part) for part in points.split(_ROWS)]).nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
        top = float(values.max())
        if not math.isfinite(top):
            where = ", ".join(f"{v:.3g}" for v in points[int(values.argmax())].tolist())
            raise BadInput(f"The density is infinite at ({where})." if top > 0 else "The density is 0 everywhere on the grid.")
        mass = (values - top).exp()
        total = float(mass.sum())
        size = math.prod((high - low) / cells for low, high in bounds)
        return cls((mass / total).reshape([cells] * len(axes)), bounds, top + math.log(total * size))

    @property
    def axes(self) -> list[Tensor]:
        """The cells' centres, one (cells,) an axis."""
        return [_centres(low, high, n) for (low, high), n in zip(self.bounds, self.mass.shape, strict=True)]

    @property
    def sizes(self) -> list[float]:
        """The cells' width, one an axis."""
        return [(high - low) / n for (low, high), n in zip(self.bounds, self.mass.shape, strict=True)]

    @property
    def density(self) -> Tensor:
        """Probability per unit length or area, in the shape of `mass`."""
        return self.mass / math.prod(self.sizes)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (d,) and covariance (d, d) of a draw."""
        d = len(self.bounds)
        marginals = [self.mass.sum([k for k in range(d) if k != j]) if d > 1 else self.mass for j in range(d)]
        mean = torch.stack([(m * a).sum() for m, a in zip(marginals, self.axes, strict=True)])
        off = [a - m for a, m in zip(self.axes, mean, strict=True)]
        within = torch.tensor([s**2 / 12 for s in self.sizes], dtype=mean.dtype)  # a draw is uniform inside its cell
        covariance = torch.diag(torch.stack([(m * o.square()).sum() for m, o in zip(marginals, off, strict=True)]) + within)
        if d == 2:
            covariance[0, 1] = covariance[1, 0] = off[0] @ self.mass @ off[1]
        return mean, covariance

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, d): a cell by its mass, then uniformly inside it."""
        u = torch.from_numpy(generator.random(n))
        flat = torch.searchsorted(self._cumulative, u * self._cumulative[-1], right=True).clamp(max=self.mass.numel() - 1)
        cell = torch.stack(torch.unravel_index(flat, self.mass.shape), 1)
        low = torch.tensor([b[0] for b in self.bounds], dtype=u.dtype)
        return low + (cell + torch.from_numpy(generator.random((n, len(self.bounds))))) * torch.tensor(self.sizes, dtype=u.dtype)

    @cached_property
    def _cumulative(self) -> Tensor:
        return self.mass.reshape(-1).cumsum(0)

    def coarse(self, cells: int) -> Grid:
        """The same mass in fewer cells; `cells` must divide the present number."""
        by = self.mass.shape[0] // cells
        if by * cells != self.mass.shape[0]:
            raise BadInput(f"A grid of {self.mass.shape[0]} cells cannot be divided into {cells}.")
        shape = [n for _ in self.bounds for n in (cells, by)]
        return Grid(self.mass.reshape(shape).sum([2 * k + 1 for k in range(len(self.bounds))]), self.bounds, self.log_total)

    def histogram(self, x: Tensor) -> Tensor:
        """The share of points x (n, d) in each cell, in the shape of `mass`; points outside are left out, so it may sum to less than 1."""
        edges = [np.linspace(low, high, n + 1) for (low, high), n in zip(self.bounds, self.mass.shape, strict=True)]
        counts, _ = np.histogramdd(x[:, : len(self.bounds)].numpy(), edges)
        return torch.from_numpy(counts) / max(1, len(x))

    def distance(self, x: Tensor) -> float:
        """Total variation in [0, 1] between the histogram of x (n, d) and this density: half the sum of |difference|, outside included."""
        share = self.histogram(x)
        return float((share - self.mass).abs().sum() + (1 - share.sum())) / 2


def _centres(low: float, high: float, cells: int) -> Tensor:
    return low + (torch.arange(cells, dtype=torch.float64) + 0.5) * ((high - low) / cells)
