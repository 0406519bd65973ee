"""MALA-approx: Langevin steps that are never rejected, with drift and noise set apart (Nguyen et al. 2017, section 2; SGLD).

    x' = x + Σ_k ε_k s_k(x) + ε3 ξ

The move is a list of terms, each a name, an ε and a score. A plain target has one term, with ε12; a product p(x) p(y|x) has the
terms prior (ε1) and condition (ε2). For small steps the chain samples Π_k p_k(x)^(2 ε_k / ε3²): one term gives p^(1/T) with the
temperature T = ε3² / (2 ε12). ε3 = √(2 ε12) is the unadjusted Langevin algorithm (ULA): T = 1, biased by its step alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models import knobs as settings
from models.errors import BadInput
from models.knobs import knob
from models.metrics import chain
from models.samplers.state import Info, Scored, State, begin, choose, finite
from models.samplers.streams import Streams

NAME = "mala-approx"
TITLE = "MALA-approx"
PAPER = "Nguyen, Clune, Bengio, Dosovitskiy and Yosinski 2017, Plug & play generative networks, arXiv 1612.00005; Welling and Teh 2011 (SGLD)"
BEST = None  # nothing is rejected

After = Callable[[Tensor, Tensor], Tensor]  # (x, move) -> x', both (chains, d): where clipping or a normalised step has its place


class Steps(Protocol):
    """What a step needs of its settings."""

    @property
    def epsilons(self) -> tuple[float | Tensor, ...]:
        """One a term, each for all chains, or (chains, 1)."""
        ...

    @property
    def epsilon3(self) -> float | Tensor:
        """Standard deviation of the noise, likewise."""
        ...


class Term(NamedTuple):
    """A force."""

    name: str
    epsilon: float | Tensor  # one for all chains, or (chains, 1)
    score: Tensor  # (chains, d)


class Knobs(settings.Knobs):
    """Of a target with one term."""

    epsilon12: float = knob(0.05, "step along the gradient of log p", symbol="ε12", low=0.0, high=1e6, log=True, group="Step")
    epsilon3: float = knob(
        0.316, "standard deviation of the noise; √(2 ε12) gives the temperature 1", symbol="ε3", low=0.0, high=1e6, log=True, group="Step"
    )

    @property
    def epsilons(self) -> tuple[float, ...]:
        """One ε a term."""
        return (self.epsilon12,)


class ProductKnobs(settings.Knobs):
    """Of a target that is a prior times a condition."""

    epsilon1: float = knob(0.05, "step along the gradient of the prior, log p(x)", symbol="ε1", low=0.0, high=1e6, log=True, group="Step")
    epsilon2: float = knob(0.05, "step along the gradient of the condition, log p(y|x)", symbol="ε2", low=0.0, high=1e6, log=True, group="Step")
    epsilon3: float = knob(0.316, "standard deviation of the noise", symbol="ε3", low=0.0, high=1e6, log=True, group="Step")

    @property
    def epsilons(self) -> tuple[float, ...]:
        """One ε a term."""
        return (self.epsilon1, self.epsilon2)


def knobs_of(target: Scored) -> type[Knobs] | type[ProductKnobs]:
    """The class of the settings that this target needs."""
    return Knobs if len(target.terms) == 1 else ProductKnobs


def powers(knobs: Knobs | ProductKnobs) -> tuple[float, ...]:
    """2 ε_k / ε3² for each term: the exponents of what the chain samples as its steps get small; infinite without noise."""
    return tuple(2 * e / knobs.epsilon3**2 if knobs.epsilon3**2 else math.inf if e else 0.0 for e in knobs.epsilons)


def temperatures(knobs: Knobs | ProductKnobs) -> tuple[float, ...]:
    """T = ε3² / (2 ε_k) for each term; infinite for a term that does not pull."""
    return tuple(chain.temperature(e, knobs.epsilon3) for e in knobs.epsilons)


def init(x: Tensor, target: Scored) -> State:
    """The state before the first step, from positions (chains, d); raises BadInput."""
    return begin(x, target, gradients=True)


def move(x: Tensor, terms: Sequence[Term], noise: Tensor, after: After | None = None) -> tuple[Tensor, Tensor]:
    """x' = x + Σ ε_k s_k + noise, then `after`; returns x' (chains, d) and the parts ε_k s_k (chains, terms, d)."""
    parts = torch.stack([term.epsilon * term.score for term in terms], 1)
    delta = parts.sum(1) + noise
    return after(x, delta) if after else x + delta, parts


def step(state: State, target: Scored, knobs: Steps, streams: Streams, after: After | None = None) -> tuple[State, Info]:
    """One step of all chains: one gradient each. A chain whose next place is not finite stays, and is frozen.

    Raises:
        BadInput: the target has another number of terms than the knobs.
    """
    assert state.scores is not None, "the state of MALA-approx holds scores: make it with init()"
    if len(knobs.epsilons) != len(target.terms):
        raise BadInput(f"This target has the terms {', '.join(target.terms)}, each with an ε; got {len(knobs.epsilons)}.")
    terms = [Term(name, e, state.scores[:, k]) for k, (name, e) in enumerate(zip(target.terms, knobs.epsilons, strict=True))]
    still = not isinstance(knobs.epsilon3, Tensor) and knobs.epsilon3 == 0
    noise = torch.zeros_like(state.x) if still else knobs.epsilon3 * streams.normal(state.t, target.d).to(state.x)
    proposal, parts = move(state.x, terms, noise, after)
    log_p, scores = target.log_p_and_scores(proposal)
    good = finite(log_p, scores, proposal) & ~state.frozen
    after_step = State(
        choose(good, proposal, state.x),
        choose(good, log_p, state.log_p),
        choose(good, scores, state.scores),
        state.t + 1,
        ~good,
        state.densities,  # log p comes along to be looked at; the walk does not need it
        state.gradients + 1,
    )
    return after_step, Info(state.x, parts.sum(1), noise, proposal, parts, None, None)
