"""Densities made ready to be drawn: contours that hold a share of the mass, marginals. Needs no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.messages import Picture

if TYPE_CHECKING:
    from models.samplers.grid import Grid

SHARES = (0.2, 0.4, 0.6, 0.8, 0.95)  # of the mass inside each contour
CELLS = 160


def picture(grid: Grid) -> Picture:
    """A Grid's density, contours and marginals."""
    density = grid.density.numpy()
    axes = [a.numpy() for a in grid.axes]
    marginals = []
    for k, (axis, size) in enumerate(zip(axes, grid.sizes, strict=True)):
        mass = grid.mass.numpy()
        mass = mass.sum(1 - k) if mass.ndim == 2 else mass
        marginals.append(np.stack([axis, mass / size]))
    contours = tuple(segments(density, axes[0], axes[1], level) for level in levels(density)) if density.ndim == 2 else ()
    return Picture(grid.bounds, density.astype(np.float32), contours, tuple(marginals))


def close(grid: Grid, tail: float = 5e-4) -> tuple[tuple[float, float], ...]:
    """Bounds that leave out `tail` of the mass at each end of each axis, and a margin of 15 %."""
    out = []
    for k, (axis, (low, high)) in enumerate(zip(grid.axes, grid.bounds, strict=True)):
        mass = grid.mass.numpy()
        below = np.cumsum(mass.sum(1 - k) if mass.ndim == 2 else mass)
        a, b = (float(axis[min(len(below) - 1, int(np.searchsorted(below, share)))]) for share in (tail, 1 - tail))
        margin = 0.15 * (b - a) or 0.5 * (high - low)
        out.append((max(low, a - margin), min(high, b + margin)))
    return tuple(out)


def levels(density: np.ndarray) -> list[float]:
    """The heights above which the shares of the mass lie, highest first."""
    ordered = np.sort(density, axis=None)[::-1]
    below = np.cumsum(ordered)
    return [float(ordered[np.searchsorted(below, share * below[-1])]) for share in SHARES]


def segments(values: np.ndarray, x: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    """(segments, 4): marching squares over values (len(x), len(y)), each segment as x0 y0 x1 y1."""
    v = values - level
    above = v > 0
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    n, m = len(x) - 1, len(y) - 1
    here = [v[i : i + n, j : j + m] for i, j in corners]
    signs = [above[i : i + n, j : j + m] for i, j in corners]
    crossing = np.stack([signs[k] != signs[(k + 1) % 4] for k in range(4)], -1)  # (n, m, 4): the edges that the line crosses
    ci, cj = np.nonzero(crossing.any(-1))
    places = np.empty((len(ci), 4, 2))
    for k in range(4):
        (ai, aj), (bi, bj) = corners[k], corners[(k + 1) % 4]
        va, vb = here[k][ci, cj], here[(k + 1) % 4][ci, cj]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.clip(np.nan_to_num(va / (va - vb), nan=0.5), 0, 1)
        places[:, k, 0] = x[ci + ai] + t * (x[ci + bi] - x[ci + ai])
        places[:, k, 1] = y[cj + aj] + t * (y[cj + bj] - y[cj + aj])
    edges = crossing[ci, cj]
    order = np.argsort(~edges, axis=1, kind="stable")  # crossed edges first
    rows = np.arange(len(ci))
    first = np.concatenate([places[rows, order[:, 0]], places[rows, order[:, 1]]], 1)
    four = edges.sum(1) == 4
    second = np.concatenate([places[rows, order[:, 2]], places[rows, order[:, 3]]], 1)[four]
    return np.concatenate([first, second]).astype(np.float32)
