"""What the kernels share: the state of many chains, what a step tells, and how a chain is stopped that has left the numbers.

Chain axis first everywhere; float64.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.errors import BadInput


class State(NamedTuple):
    """All chains after t steps. Tensors are never changed in place, so a state may be kept and gone back to."""

    x: Tensor  # (chains, d) positions
    log_p: Tensor  # (chains,) log density there, up to the target's constant
    scores: Tensor | None  # (chains, terms, d) gradients there, one a term; None for a kernel without gradients
    t: int  # steps taken
    frozen: Tensor  # (chains,) bool: has left the finite numbers, stays where it last was finite
    densities: int  # log densities that one chain has computed
    gradients: int  # gradients that one chain has computed, all terms together being one


class Info(NamedTuple):
    """What a step did: proposal = start + drift + noise (before any clipping)."""

    start: Tensor  # (chains, d) where the step began
    drift: Tensor  # (chains, d) the part that follows gradients; 0 for random-walk Metropolis
    noise: Tensor  # (chains, d) the random part
    proposal: Tensor  # (chains, d)
    parts: Tensor | None  # (chains, terms, d): the drift, term by term; None without gradients
    log_alpha: Tensor | None  # (chains,) log acceptance ratio, uncut; None where nothing is ever rejected
    accepted: Tensor | None  # (chains,) bool; False for frozen chains; None where nothing is ever rejected


class Scored(Protocol):
    """A target as the kernels see it: a log density with gradients, in named terms that add up."""

    d: int
    terms: tuple[str, ...]  # ("target",), or ("prior", "condition")

    def log_p(self, x: Tensor) -> Tensor:
        """(chains,)"""
        ...

    def log_p_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(chains,) and (chains, terms, d); the sum over terms is the gradient of the first."""
        ...


def begin(x: Tensor, target: Scored, *, gradients: bool) -> State:
    """The state before the first step; a chain whose density or gradient is not finite there is frozen from the start.

    Raises:
        BadInput: a position is not a finite number, the shape is wrong, or no chain can walk.
    """
    if x.ndim != 2 or x.shape[1] != target.d or not len(x):
        raise BadInput(f"A start is one row of {target.d} numbers for each chain; got the shape {tuple(x.shape)}.")
    bad = (~x.isfinite().all(1)).nonzero()
    if len(bad):
        raise BadInput(f"The start of chain {int(bad[0])} is not a finite number: choose another starting point.")
    log_p, scores = target.log_p_and_scores(x) if gradients else (target.log_p(x), None)
    frozen = ~finite(log_p, scores)
    if bool(frozen.all()):
        raise BadInput("The target has no finite density at any chain's start: start elsewhere, for example with --start.")
    return State(x, log_p, scores, 0, frozen, 1, int(gradients))


def finite(log_p: Tensor, *more: Tensor | None) -> Tensor:
    """(chains,) bool: all numbers of a chain are finite."""
    good = log_p.isfinite()
    for tensor in more:
        if tensor is not None:
            good = good & tensor.flatten(1).isfinite().all(1)
    return good


def choose(which: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Rows of `new` where `which` (chains,) holds, else of `old`."""
    return torch.where(which.view(-1, *[1] * (new.ndim - 1)), new, old)


def accepts(log_alpha: Tensor, u: Tensor) -> Tensor:
    """(chains,) bool: log u < min(0, log α); what is not a number is rejected."""
    return u.log() < log_alpha.clamp(max=0)
