"""How much the policy gradient varies from one filling of the same blanks to another, with and without a baseline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.algorithms.maskgan import Knobs, State, baseline, criticised, policy_loss, returns, seen
from models.nets.seq2seq import Blanks

KINDS = ("none", "ema", "critic", "permuted")


class Spread:
    """Trace of the covariance of the gradient of Σ −(R − b) log G over fillings, for several baselines on the same fillings.

    Nothing is clipped or whitened, there is no dropout, and the return is that of Monte Carlo, whatever the knobs say. With "batch" or "permuted"
    a baseline is another sentence's, so the sentences should be several.
    """

    def __init__(self, state: State, tokens: Tensor, blanks: Blanks, knobs: Knobs, kinds: Sequence[str] = KINDS) -> None:
        """Sentences (n, T) on the device with their blanks; only γ and its exponent are taken from `knobs`."""
        self._state, self._tokens, self._blanks = state, tokens, blanks
        self._knobs = {kind: knobs.model_copy(update={"baseline": kind, "noisy_reward": False}) for kind in kinds}
        self._learning = [p for p in state.G.parameters() if p.requires_grad]
        self._mean: dict[str, list[Tensor]] = {}
        self._apart = {kind: torch.zeros((), dtype=torch.float64, device=state.device) for kind in kinds}
        self.redraws = 0

    def once(self, u: Tensor) -> None:
        """One more filling, from uniform numbers (n, T)."""
        state, tokens, blanks = self._state, self._tokens, self._blanks
        context = state.G.encode(tokens, blanks.mask)
        filled = state.G.draw(tokens, blanks, context, u.to(state.device))
        counts = seen(blanks, filled, state.config.ends)
        any_kind = next(iter(self._knobs.values()))
        r, V = criticised(state, tokens, filled, blanks, counts, any_kind)
        R = returns(r, counts, any_kind)
        self.redraws += 1
        for kind, knobs in self._knobs.items():
            A = (R - baseline(state, R, V, counts, knobs)) * counts
            gradient = torch.autograd.grad(policy_loss(state, filled, blanks, A, context), self._learning, retain_graph=True)
            self._take(kind, list(gradient))

    def _take(self, kind: str, gradient: list[Tensor]) -> None:
        """Welford's update; of the covariance only the trace is kept."""
        if kind not in self._mean:
            self._mean[kind] = [torch.zeros_like(g) for g in gradient]
        for mean, g in zip(self._mean[kind], gradient, strict=True):
            before = g - mean
            mean += before / self.redraws
            self._apart[kind] += (before * (g - mean)).sum(dtype=torch.float64)

    def value(self) -> dict[str, float]:
        """The trace by kind, from two redraws on."""
        return {kind: float(apart) / (self.redraws - 1) for kind, apart in self._apart.items()}


def gradient_variance(
    state: State, tokens: Tensor, blanks: Blanks, knobs: Knobs, *, redraws: int, kinds: Sequence[str] = KINDS, seed: int = 0
) -> dict[str, float]:
    """Trace of the covariance of the policy gradient over `redraws` (2 or more) fillings of the same blanks by the same G.

    Args:
        tokens: (n, T) on the device; `blanks` are theirs.
        kinds: baselines, see `Knobs.baseline`; all of them see the same fillings.
        seed: of the fillings.

    Returns:
        The trace by kind, in squared units of the gradient of Σ −(R − b) log G(x̂_t).
    """
    spread, generator = Spread(state, tokens, blanks, knobs, kinds), torch.Generator().manual_seed(seed)
    for _ in range(redraws):
        spread.once(torch.rand(tokens.shape, generator=generator))
    return spread.value()
