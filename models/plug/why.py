"""Why does it not work? The first test of PPGN's authors: without noise and prior, does log p(y|x) rise at all when h follows its gradient?

If it does not, no ε can help: something between h and log p passes no gradient, or the network does not see what the pictures show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

LEAST = 1e-3  # nats by which log p must rise to count; rounding moves it less
MOST = 0.9  # share of chains that rise where it works


class Diagnosis(NamedTuple):
    """What came of it; log p in nats, (chains,) each."""

    before: Tensor
    after: Tensor  # the highest log p on the way; what it was at the start where it never rose
    rose: float  # share of the chains
    gradient: Tensor  # norm of the gradient at the start
    works: bool
    verdict: str  # one sentence
    remedy: str  # one sentence


def diagnose(objective: Callable[[Tensor], Tensor], starts: Tensor, steps: int = 50, step_size: float = 1.0) -> Diagnosis:
    """Normalised gradient ascent on h from every start: h + step_size · g / ‖g‖, half as far whenever log p would fall.

    Args:
        objective: h (chains, d) to log p (chains,), each of its own row alone.
        starts: (chains, d), for example noise and codes of real pictures.
        steps: times that h moves.
        step_size: length of the first step, in the units of h.

    Draws no random number, and changes neither `starts` nor any weight.
    """
    if steps < 1 or not step_size > 0 or not len(starts):
        raise ValueError("diagnose needs at least one start and step, and a step size above 0")
    h = starts.detach().clone()
    before, slope = _slope(objective, h)
    norm = slope.norm(dim=1) if slope is not None else torch.zeros_like(before)
    best = before.clone()
    reach = torch.full_like(before, step_size)
    for _ in range(steps if slope is not None else 0):
        assert slope is not None
        length = slope.norm(dim=1, keepdim=True)
        good = (length > 0) & length.isfinite()
        moved = torch.where(good, h + reach[:, None] * slope / length.clamp(min=1e-38), h)
        found, next_slope = _slope(objective, moved)
        if next_slope is None:
            break
        up = found > best  # False for what is not a number
        best = torch.where(up, found, best)
        h = torch.where(up[:, None], moved, h)
        slope = torch.where(up[:, None], next_slope, slope)
        reach = torch.where(up, reach, reach / 2)
    return _judged(before, best, norm, slope is not None)


def _slope(objective: Callable[[Tensor], Tensor], h: Tensor) -> tuple[Tensor, Tensor | None]:
    """log p (chains,) and its gradient (chains, d), None where there is none."""
    h = h.detach().requires_grad_()
    with torch.enable_grad():
        value = objective(h)
    if not value.requires_grad:
        return value.detach(), None
    slope = torch.autograd.grad(value.sum(), h, allow_unused=True)[0]
    return value.detach(), slope


def _judged(before: Tensor, after: Tensor, norm: Tensor, connected: bool) -> Diagnosis:
    finite = before.isfinite() & norm.isfinite()
    risen = (after - before > LEAST) & finite
    rose = float(risen.float().mean())
    near = (before > -0.01) & finite  # as good as certain before the first step

    def told(works: bool, verdict: str, remedy: str) -> Diagnosis:
        return Diagnosis(before, after, rose, norm, works, verdict, remedy)

    if not bool(finite.all()):
        bad = int((~finite).sum())
        return told(
            False,
            f"log p or its gradient is not a finite number at {bad} of {len(before)} starts.",
            "Check the network's normalisation and weights, and start nearer to the codes of real pictures.",
        )
    if bool(near.all()):
        return told(True, "log p is as good as 0 at every start, so there is nothing left to climb.", "Start from noise, or choose another class.")
    if not connected or not bool((norm > 0).any()):
        return told(
            False,
            "The gradient of log p with respect to h is zero, so the condition cannot steer the chain.",
            "Look for a saturated network, or one that cuts gradients: start elsewhere, or use another classifier.",
        )
    rises = float((risen | near).float().mean())
    gain = float((after - before).median())
    if rises >= MOST:
        return told(
            True,
            f"It works: without noise and prior, log p rises in {rises:.0%} of the chains, by {gain:.3g} nats in the middle one.",
            "If chains still miss the condition, the prior or the noise is too strong: lower ε1 and ε3, or raise ε2.",
        )
    return told(
        False,
        f"log p rises in only {rose:.0%} of the chains, although the gradient is not zero.",
        "Make the step smaller; if that does not help, the network's gradient does not fit its answers: use another classifier.",
    )
