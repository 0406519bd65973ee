"""The targets of the lab by name, each with gradient, exact draws, mean and covariance in closed form.

`open_target` also takes the file of a drawn density and a typed expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput
from models.samplers.density import Density, Mixture
from models.samplers.grid import Grid

_LOG_TAU = math.log(2 * math.pi)


class Gaussian(Density):
    """N(0, H Λ H) with Λ diagonal and H = I - 2 v vᵀ a reflection: every dimension costs the same few operations.

    Args:
        variances: (d,) the eigenvalues Λ.
        axis: (d,) v, scaled here to length 1; 0 for no reflection.
    """

    def __init__(self, name: str, title: str, variances: Tensor, axis: Tensor) -> None:
        self.name, self.title, self.d = name, title, len(variances)
        self._variances, self._axis = variances, axis / axis.norm().clamp(min=1e-300)
        self._constant = -float(variances.log().sum() + self.d * _LOG_TAU) / 2
        turn = torch.eye(self.d, dtype=torch.float64) - 2 * torch.outer(self._axis, self._axis)
        self.mean, self.covariance = torch.zeros(self.d, dtype=torch.float64), (turn * variances) @ turn
        self.bounds = tuple((-4 * s, 4 * s) for s in self.covariance.diagonal()[:2].sqrt().tolist())

    def _turned(self, x: Tensor) -> Tensor:
        return x - 2 * (x * self._axis).sum(1, keepdim=True) * self._axis

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and gradient (n, d)."""
        own = self._turned(x)
        scaled = own / self._variances
        return self._constant - (own * scaled).sum(1) / 2, -self._turned(scaled)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, d) exact draws."""
        return self._turned(self._variances.sqrt() * torch.from_numpy(generator.standard_normal((n, self.d))))

    def on_grid(self, cells: int = 256, powers: tuple[float, ...] = (1.0,), bounds: tuple[tuple[float, float], ...] | None = None) -> Grid:
        """The density of the first two coordinates; with more dimensions the others are integrated out."""
        if self.d <= 2:
            return super().on_grid(cells, powers, bounds)
        assert self.covariance is not None
        a, b, c = (float(self.covariance[i, j]) for i, j in ((0, 0), (0, 1), (1, 1)))
        length, half = math.hypot((a - c) / 2, b), (a + c) / 2  # eigenvalues half ± length
        angle = math.atan2(b, (a - c) / 2) / 2
        axis = torch.tensor([1 - math.cos(angle), -math.sin(angle)], dtype=torch.float64)  # the reflection that takes (1, 0) to the long axis
        plane = Gaussian(self.name, self.title, torch.tensor([half + length, half - length], dtype=torch.float64), axis)
        return plane.on_grid(cells, powers, bounds)


def normal() -> Gaussian:
    """N(0, 1)."""
    return Gaussian("normal", "Normal, N(0, 1)", torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))


def correlated(rho: float = 0.9) -> Gaussian:
    """Two unit normals with correlation ρ."""
    half = math.pi / 8  # the reflection along (sin π/8, -cos π/8) takes (1, 0) to (1, 1)/√2
    return Gaussian(
        "correlated",
        f"Correlated normal, ρ = {rho:g}",
        torch.tensor([1 + rho, 1 - rho], dtype=torch.float64),
        torch.tensor([math.sin(half), -math.cos(half)], dtype=torch.float64),
    )


def ill_conditioned(d: int = 20) -> Gaussian:
    """A normal whose variances run from 1 to 0.01 in equal ratios, turned off the axes; d in [2, 100]."""
    if not 2 <= d <= 100:
        raise BadInput(f"ill-conditioned has 2 to 100 dimensions, for example ill-conditioned:20; got {d}.")
    return Gaussian(
        f"ill-conditioned:{d}",
        f"Ill-conditioned normal, {d} dimensions",
        torch.logspace(0, -2, d, dtype=torch.float64),
        torch.arange(1, d + 1, dtype=torch.float64),
    )


class Ring(Density):
    """Eight normals of standard deviation 0.4 on a circle of radius 3: a walk hardly finds from one to the next."""

    name, title, d = "ring", "Ring of eight", 2
    bounds = ((-5.0, 5.0), (-5.0, 5.0))

    def __init__(self) -> None:
        angle = torch.arange(8, dtype=torch.float64) * (math.pi / 4)
        one = torch.ones(8, dtype=torch.float64)
        self._mixture = Mixture(3 * torch.stack([angle.cos(), angle.sin()], 1), 0.4 * one, one)
        self.mean, self.covariance = self._mixture.moments()

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and gradient (n, 2)."""
        return self._mixture.log_p_and_grad(x)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws."""
        return self._mixture.draw(n, generator)


class Banana(Density):
    """x ~ N(0, a²), y ~ N(b (x² - a²), 1) with a = 1.5 and b = 0.5 (a Rosenbrock-like valley, twisted normal of Haario et al. 1999)."""

    name, title, d = "banana", "Banana", 2
    bounds = ((-6.0, 6.0), (-4.5, 10.0))
    a2, b = 2.25, 0.5

    def __init__(self) -> None:
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = torch.diag(torch.tensor([self.a2, 1 + 2 * self.b**2 * self.a2**2], dtype=torch.float64))

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and gradient (n, 2)."""
        u, v = x[:, 0], x[:, 1]
        off = v - self.b * (u * u - self.a2)
        log_p = -u * u / (2 * self.a2) - off * off / 2 - (_LOG_TAU + math.log(self.a2) / 2)
        return log_p, torch.stack([2 * self.b * u * off - u / self.a2, -off], 1)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws."""
        noise = torch.from_numpy(generator.standard_normal((n, 2)))
        u = math.sqrt(self.a2) * noise[:, 0]
        return torch.stack([u, noise[:, 1] + self.b * (u * u - self.a2)], 1)


class Funnel(Density):
    """v ~ N(0, 3²), x ~ N(0, e^v) (Neal 2003): no one step size is right for mouth and neck."""

    name, title, d = "funnel", "Funnel", 2
    bounds = ((-9.0, 9.0), (-20.0, 20.0))

    def __init__(self) -> None:
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.covariance = torch.diag(torch.tensor([9.0, math.exp(4.5)], dtype=torch.float64))

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and gradient (n, 2); axis 0 is v."""
        v, y = x[:, 0], x[:, 1]
        pull = y * (-v).exp()
        energy = y * pull / 2
        log_p = -v * v / 18 - energy - v / 2 - (_LOG_TAU + math.log(3))
        return log_p, torch.stack([-v / 9 - 0.5 + energy, -pull], 1)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws."""
        noise = torch.from_numpy(generator.standard_normal((n, 2)))
        v = 3 * noise[:, 0]
        return torch.stack([v, (v / 2).exp() * noise[:, 1]], 1)


class Donut(Density):
    """Log density -(r - 2.6)² / (2 · 0.033) in the distance r from the middle (the donut of chi-feng/mcmc-demo)."""

    name, title, d = "donut", "Donut", 2
    bounds = ((-4.0, 4.0), (-4.0, 4.0))
    radius, variance = 2.6, 0.033

    def __init__(self) -> None:
        self.mean = torch.zeros(2, dtype=torch.float64)
        # r has the density r N(r; R, s²) / R, so E r² = R² + 3 s²; what is cut off at r < 0 is 14 standard deviations away
        self.covariance = torch.eye(2, dtype=torch.float64) * ((self.radius**2 + 3 * self.variance) / 2)

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log density (n,) without its constant, and gradient (n, 2); 0 in the middle, where there is none."""
        u, v = x[:, 0], x[:, 1]
        r = (u * u + v * v).sqrt()
        off = r - self.radius
        pull = -off / self.variance / r.clamp(min=1e-300)
        return -off * off / (2 * self.variance), torch.stack([pull * u, pull * v], 1)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws: the radius by bisection of its distribution function R Φ(z) - s φ(z)."""
        share, turn = (torch.from_numpy(generator.random(n)) for _ in range(2))
        s = math.sqrt(self.variance)

        def below(z: Tensor) -> Tensor:
            return torch.special.ndtr(z) - s / self.radius * (-z * z / 2).exp() / math.sqrt(2 * math.pi)

        low, high = torch.full_like(share, -12.0), torch.full_like(share, 12.0)
        for _ in range(52):
            middle = (low + high) / 2
            less = below(middle) < share
            low, high = torch.where(less, middle, low), torch.where(less, high, middle)
        r = self.radius + s * (low + high) / 2
        return torch.stack([r * (2 * math.pi * turn).cos(), r * (2 * math.pi * turn).sin()], 1)


def _twin() -> Density:
    from models.samplers.twin import Twin

    return Twin()


TARGETS: dict[str, Callable[[], Density]] = {
    "normal": normal,
    "correlated": correlated,
    "ill-conditioned": ill_conditioned,
    "ring": Ring,
    "banana": Banana,
    "funnel": Funnel,
    "donut": Donut,
    "twin": _twin,
}


def open_target(spec: str) -> Density:
    """A target by name (`ill-conditioned:50` with its dimensions), by file (a drawn density, .json or .png), or `expr:TEXT`.

    Raises:
        BadInput: there is no such target, or the expression cannot be read.
        BadData: the file cannot be read.
    """
    if spec.startswith("expr:"):
        from models.samplers.expression import Expression

        return Expression(spec.removeprefix("expr:"))
    name, colon, size = spec.partition(":")
    if name == "ill-conditioned" and colon:
        if not size.isdecimal() or len(size) > 3:
            raise BadInput(f"ill-conditioned has 2 to 100 dimensions, for example ill-conditioned:20; got {size!r}.")
        return ill_conditioned(int(size))
    if spec in TARGETS:
        return TARGETS[spec]()
    path = Path(spec)
    if path.suffix.lower() in (".json", ".png") or path.exists():
        from models.samplers.drawn import Drawn

        return Drawn.load(path)
    raise BadInput(f"There is no target {spec!r}: give {', '.join(TARGETS)}, a drawn density (.json or .png), or expr:TEXT such as expr:-x**4+x**2.")
