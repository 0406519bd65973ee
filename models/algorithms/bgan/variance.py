"""How much the gradient of G varies from one redraw of latents and samples to another, for each estimator."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.algorithms.bgan import Knobs, State, boundary_loss, calm, latents, shape, weighed
from models.divergences import DIVERGENCES
from models.nets.discrete import draw, log_prob
from models.nets.pixels import autocast

ESTIMATORS = ("per-z", "global", "reinforce")


class Spread:
    """Mean and trace of the covariance of G's gradient over redraws at fixed weights of both nets, by Welford's update.

    Every redraw takes the run's N latents with M samples each, and all estimators see the same ones. G normalises with its running means, so
    that a redraw is of the same G. The estimators' expectations differ (they descend different divergences), so the trace over |mean|² is told too.
    """

    def __init__(self, state: State, knobs: Knobs) -> None:
        self._state, self._knobs = state, knobs
        self._learning = list(state.G.parameters())
        self._mean = {kind: [torch.zeros_like(p) for p in self._learning] for kind in ESTIMATORS}
        self._apart = {kind: torch.zeros((), dtype=torch.float64, device=state.device) for kind in ESTIMATORS}
        self.redraws = 0

    def once(self, rng: torch.Generator) -> None:
        """One more redraw, from a generator on the CPU."""
        state, N, M = self._state, self._state.config.batch, self._knobs.M
        places, f = math.prod(shape(state.config)), DIVERGENCES[self._knobs.divergence]
        z, u = latents(N, state.config, rng), torch.rand(M, N, places, generator=rng)
        with calm(state.G):
            with autocast(state.plan):
                logits = state.G(z.to(state.device)).flatten(2)
            x = draw(logits.detach(), u.to(state.device))
            log_w, log_g = weighed(state, f, x), log_prob(logits, x)
            self.redraws += 1
            for kind in ESTIMATORS:
                loss = boundary_loss(log_w, log_g, kind, state.baseline)
                self._take(kind, torch.autograd.grad(loss, self._learning, retain_graph=kind != ESTIMATORS[-1]))

    def _take(self, kind: str, gradient: tuple[Tensor, ...]) -> None:
        for mean, g in zip(self._mean[kind], gradient, strict=True):
            before = g - mean
            mean.add_(before, alpha=1 / self.redraws)
            self._apart[kind] += (before * (g - mean)).sum(dtype=torch.float64)

    def of(self, kind: str) -> tuple[float, float]:
        """The trace of the covariance, and that over |mean gradient|², less what the mean of so many redraws has by chance.

        Where nothing is left of the mean, it is not told from noise: then the ratio is the number of redraws, its largest value.
        """
        trace = float(self._apart[kind]) / max(1, self.redraws - 1)
        length = sum(float(m.square().sum(dtype=torch.float64)) for m in self._mean[kind]) - trace / max(1, self.redraws)
        return trace, trace / max(length, trace / max(1, self.redraws), 1e-30)
