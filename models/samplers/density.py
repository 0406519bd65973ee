"""What a target is: a density with its gradient in closed form, batched, float64; and the mixtures that several are made of."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput
from models.samplers.grid import Grid

Bounds = tuple[tuple[float, float], ...]


class Density(ABC):
    """A target in d dimensions. It is what the kernels see (`state.Scored`), and what a picture and a comparison need.

    Attributes:
        name: as the command line takes it.
        title: for people.
        d: dimensions.
        bounds: (low, high) of the first one or two axes: where to look.
        mean, covariance: the truth, (d,) and (d, d); None where nobody knows it.
        drawable: `draw` works.
        terms: the names of the scores, which add up to the gradient.
    """

    name: str
    title: str
    d: int
    bounds: Bounds
    mean: Tensor | None = None
    covariance: Tensor | None = None
    drawable: bool = True
    terms: tuple[str, ...] = ("target",)

    @abstractmethod
    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log density (chains,) up to a constant, and its gradient (chains, d), at x (chains, d)."""

    def log_p(self, x: Tensor) -> Tensor:
        """(chains,): the same log density without a gradient."""
        return self.log_p_and_grad(x)[0]

    def log_p_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The log density, and (chains, terms, d): its gradient term by term."""
        log_p, grad = self.log_p_and_grad(x)
        return log_p, grad[:, None]

    @abstractmethod
    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, d) independent exact draws; raises BadInput where there is no way to."""

    def on_grid(self, cells: int = 256, powers: tuple[float, ...] = (1.0,), bounds: Bounds | None = None) -> Grid:
        """The normalised density, each term raised to its power, on a grid over the first one or two axes.

        `powers` has one number for all, or one a term: `mala_approx.powers(knobs)` gives what the chain samples for small steps.

        Raises:
            BadInput: a power is negative or not finite, or there are more than two dimensions.
        """
        if not all(math.isfinite(p) and p >= 0 for p in powers) or not any(powers):
            raise BadInput("Without noise the chain only climbs: there is no density that it samples; set ε3 above 0.")
        if self.d > 2:
            raise BadInput(f"{self.title} has {self.d} dimensions: its density can be drawn on a grid in one or two.")
        return Grid.of(lambda x: self.log_tempered(x, powers), bounds or self.bounds, cells)

    def log_tempered(self, x: Tensor, powers: tuple[float, ...]) -> Tensor:
        """(chains,): Σ power × log of each term, up to a constant."""
        return powers[0] * self.log_p(x)


class Mixture:
    """Σ_k w_k N(m_k, s_k² I).

    Args:
        means: (k, d).
        sds: (k,) standard deviations.
        weights: (k,) positive; normalised here.
    """

    def __init__(self, means: Tensor, sds: Tensor, weights: Tensor) -> None:
        self.means, self.sds, self.weights = means, sds, weights / weights.sum()
        self._log = self.weights.log() - means.shape[1] * (sds * math.sqrt(2 * math.pi)).log()
        self._precision = 1 / sds.square()

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and its gradient (n, d)."""
        away = self.means - x[:, None]  # (n, k, d)
        log_each = self._log - away.square().sum(2) * self._precision / 2
        log_p = log_each.logsumexp(1)
        share = (log_each - log_p[:, None]).exp() * self._precision
        return log_p, (share[:, :, None] * away).sum(1)

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, d) draws."""
        which = torch.from_numpy(generator.choice(len(self.weights), size=n, p=self.weights.numpy()))
        return self.means[which] + self.sds[which, None] * torch.from_numpy(generator.standard_normal((n, self.means.shape[1])))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (d,) and covariance (d, d)."""
        mean = self.weights @ self.means
        off = self.means - mean
        within = (self.weights * self.sds.square()).sum() * torch.eye(self.means.shape[1], dtype=mean.dtype)
        return mean, within + (self.weights[:, None] * off).T @ off
