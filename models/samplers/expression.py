"""A target that a person types: a log density of x and y, or of x1 … xd. Its gradient is torch's; its truth a fine grid's.

In one and two dimensions the mass is looked for by itself, on a grid that is dense in the middle and reaches to ±1,000.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput
from models.samplers import formula
from models.samplers.density import Bounds, Density
from models.samplers.grid import Grid

FAR = 1000.0
_DEEP = 35.0  # what lies this far below the top in log density carries nothing
_WHOLE = 64  # rows are computed in multiples of this
_FINE = {1: 16384, 2: 768}  # cells a side of the grid that stands for the truth


class Expression(Density):
    """exp(text), not normalised.

    Args:
        text: for example -x**2/2, or logsumexp(-(x-2)**2, -(x+2)**2) - y**2.

    Raises:
        BadInput: it cannot be read, is nowhere finite, infinite somewhere, or does not fall off, so that it is no density.
    """

    name: str

    def __init__(self, text: str) -> None:
        read = formula.read(text)
        self.name, self.title, self.d = f"expr:{read.text}", read.text, read.d
        self._value = read.value
        self._grid: Grid | None = None
        self.bounds = ((-4.0, 4.0),) * min(self.d, 2)
        if self.d <= 2:
            found = self._box()
            self.bounds = found or ((-FAR / 50, FAR / 50),) * self.d
            if found:
                self._grid = self.on_grid(_FINE[self.d])
                self.mean, self.covariance = self._grid.moments()
        self.drawable = self._grid is not None

    def log_p(self, x: Tensor) -> Tensor:
        """(n,): the value of the expression; what is not a number is outside the density."""
        return self._value(_whole(x)).expand(_rows(x))[: len(x)].nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The value (n,) and its gradient (n, d)."""
        with torch.enable_grad():
            leaf = _whole(x.detach()).requires_grad_()
            value = self._value(leaf).expand(_rows(x))
            (gradient,) = torch.autograd.grad(value.sum(), leaf) if value.requires_grad else (torch.zeros_like(leaf),)
        return value.detach()[: len(x)].nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf), gradient[: len(x)]

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, d) draws from the fine grid."""
        if self._grid is None:
            raise BadInput(f"There are no exact draws of {self.title}: start the chains wide, or at a point.")
        return self._grid.draw(n, generator)

    def _box(self) -> Bounds | None:
        """The box that holds all but e^-35 of the top, or None if the tails are too heavy for one."""
        half = torch.sinh(torch.linspace(0, math.asinh(FAR * 50), 300, dtype=torch.float64)) / 50
        axes = [torch.cat([-half.flip(0)[:-1], half]) + 1e-9 * math.pi] * self.d  # off zero, where people put their poles
        box, top = self._reach(axes)
        edge = max(max(abs(low), abs(high)) for low, high in box)
        if edge > 0.9 * FAR:
            if self._edge(top) > -10:
                raise BadInput(f"{self.title} does not fall off within ±{FAR:,.0f}, so it is no density: add a term such as -x**2.")
            return None
        for _ in range(4):
            axes = [torch.linspace(low, high, 2001 if self.d == 1 else 301, dtype=torch.float64) for low, high in box]
            box, _ = self._reach(axes)
        return box

    def _reach(self, axes: list[Tensor]) -> tuple[Bounds, float]:
        """The part of a mesh where the density counts, one step wider; and the highest value."""
        points = torch.cartesian_prod(*axes).reshape(-1, self.d)
        values = torch.cat([self.log_p(part) for part in points.split(65536)])
        top = float(values.max())
        if not math.isfinite(top):
            where = ", ".join(f"{v:.3g}" for v in points[int(values.argmax())].tolist())
            raise BadInput(
                f"{self.title} is infinite near ({where}), so it is no density."
                if top > 0
                else f"{self.title} is nowhere a finite number within ±{FAR:,.0f}."
            )
        near = (values > top - _DEEP).reshape([len(a) for a in axes])
        box = []
        for k, axis in enumerate(axes):
            at = near.movedim(k, 0).reshape(len(axis), -1).any(1).nonzero()
            box.append((float(axis[max(0, int(at[0]) - 1)]), float(axis[min(len(axis) - 1, int(at[-1]) + 1)])))
        return tuple(box), top

    def _edge(self, top: float) -> float:
        """The highest value on the border of ±FAR, below the top."""
        line = torch.linspace(-FAR, FAR, 2001, dtype=torch.float64)
        if self.d == 1:
            rim = line[[0, -1]][:, None]
        else:
            end = torch.full_like(line, FAR)
            rim = torch.cat([torch.stack(pair, 1) for pair in ((line, end), (line, -end), (end, line), (-end, line))])
        return float(self.log_p(rim).max()) - top


def _rows(x: Tensor) -> int:
    return -(-len(x) // _WHOLE) * _WHOLE


def _whole(x: Tensor) -> Tensor:
    """x with rows of 0 to a multiple of 64: torch computes the odd rows at the end of a batch with other functions, a bit apart."""
    return torch.nn.functional.pad(x, (0, 0, 0, _rows(x) - len(x)))
