"""The analytic twin of a PPGN: prior p(x) a mixture of Gaussians, condition p(y|x) a logistic classifier, every term in closed form.

MALA-approx with (ε1, ε2, ε3) samples p(x)^(2 ε1/ε3²) p(y|x)^(2 ε2/ε3²) as its steps get small (`on_grid` with
`mala_approx.powers`), so what a chain does can be laid over what it should do.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.samplers.density import Density, Mixture

_MEANS = ((-2.0, -1.0), (0.0, 1.6), (2.0, -0.8))
_SDS = (0.8, 0.7, 0.9)
_WEIGHTS = (0.4, 0.3, 0.3)
_SLOPE = (1.5, 1.0)
_OFFSET = -0.5


class Twin(Density):
    """p(x | y) ∝ Σ_k w_k N(x; m_k, s_k² I) · 1 / (1 + e^-(a·x + b)) in two dimensions."""

    name, title, d = "twin", "PPGN twin: mixture prior × logistic condition", 2
    bounds = ((-6.0, 6.0), (-6.0, 6.0))
    terms = ("prior", "condition")

    def __init__(self) -> None:
        self.prior = Mixture(*(torch.tensor(v, dtype=torch.float64) for v in (_MEANS, _SDS, _WEIGHTS)))
        self._slope = torch.tensor(_SLOPE, dtype=torch.float64)
        self.mean, self.covariance = self.on_grid(600).moments()

    def condition(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log p(y|x) (n,) and its gradient (n, 2)."""
        z = self._logit(x)
        # torch's logsigmoid and sigmoid give a row other bits in another batch; exp and log do not
        return z.clamp(max=0) - (1 + (-z.abs()).exp()).log(), (1 / (1 + z.exp()))[:, None] * self._slope

    def _logit(self, x: Tensor) -> Tensor:
        return (x * self._slope).sum(1) + _OFFSET

    def log_p_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The log density and the scores of prior and condition, (n, 2, 2)."""
        (prior, pull), (condition, push) = self.prior.log_p_and_grad(x), self.condition(x)
        return prior + condition, torch.stack([pull, push], 1)

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log density (n,) and gradient (n, 2)."""
        log_p, scores = self.log_p_and_scores(x)
        return log_p, scores.sum(1)

    def log_tempered(self, x: Tensor, powers: tuple[float, ...]) -> Tensor:
        """(n,): powers of prior and condition; one number stands for both."""
        first, second = powers if len(powers) == 2 else (powers[0], powers[0])
        return first * self.prior.log_p_and_grad(x)[0] + second * self.condition(x)[0]

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws: of the prior, kept with probability p(y|x)."""
        found = torch.empty(0, 2, dtype=torch.float64)
        while len(found) < n:
            x = self.prior.draw(4 * n, generator)
            keep = torch.from_numpy(generator.random(4 * n)) < self._logit(x).sigmoid()
            found = torch.cat([found, x[keep]])
        return found[:n]
