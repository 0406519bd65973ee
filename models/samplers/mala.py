"""MALA, the Metropolis-adjusted Langevin algorithm, with the full Hastings correction (Roberts and Tweedie 1996).

    x' = x + σ²/2 ∇log p(x) + σ ξ,   accept with min(1, p(x') q(x | x') / (p(x) q(x' | x)))

Two conventions name the same step. Here σ is the step size: drift σ²/2, noise σ (lecture slides). blackjax and the Langevin
literature write ε = σ²/2: drift ε, noise √(2ε), so log q(y|x) = -|y - x - ε∇log p(x)|² / (4ε).
The density and gradient of the present position are kept, so a step costs one of each.
"""

from __future__ import annotations

from torch import Tensor

from models import knobs as settings
from models.knobs import knob
from models.samplers.state import Info, Scored, State, accepts, begin, choose, finite
from models.samplers.streams import Streams

NAME = "mala"
TITLE = "MALA"
PAPER = "Roberts and Tweedie 1996, Exponential convergence of Langevin distributions and their discrete approximations"
BEST = 0.574  # acceptance at the best step in many dimensions (Roberts and Rosenthal 1998)


class Knobs(settings.Knobs):
    """What a step is steered by."""

    step_size: float = knob(
        1.0, "standard deviation of the noise; the drift is σ²/2, which others call ε", symbol="σ", low=0.0, high=1e3, log=True, group="Step"
    )


def knobs_of(target: Scored) -> type[Knobs]:
    """The class of the settings that this target needs."""
    del target
    return Knobs


def init(x: Tensor, target: Scored) -> State:
    """The state before the first step, from positions (chains, d); raises BadInput."""
    return begin(x, target, gradients=True)


def correction(xi: Tensor, sigma: float, gradient: Tensor, gradient_new: Tensor) -> Tensor:
    """(chains,): log q(x | x') - log q(x' | x), in terms of the noise ξ (chains, d) that led from x to x'.

    With x' - x = σ²/2 g + σ ξ, the way back needs the noise -(ξ + σ/2 (g + g')), so nothing is divided by σ.
    """
    back = xi + sigma / 2 * (gradient + gradient_new)
    return (xi.square().sum(1) - back.square().sum(1)) / 2


def step(state: State, target: Scored, knobs: Knobs, streams: Streams) -> tuple[State, Info]:
    """One step of all chains: one log density and one gradient each."""
    assert state.scores is not None, "MALA's state holds gradients: make it with init()"
    sigma, xi = knobs.step_size, streams.normal(state.t, target.d)
    gradient = state.scores.sum(1)
    drift, noise = sigma**2 / 2 * gradient, sigma * xi
    proposal = state.x + drift + noise
    log_p, scores = target.log_p_and_scores(proposal)
    log_alpha = log_p - state.log_p + correction(xi, sigma, gradient, scores.sum(1))
    accepted = accepts(log_alpha, streams.uniform(state.t)) & finite(log_p, scores) & ~state.frozen
    after = State(
        choose(accepted, proposal, state.x),
        choose(accepted, log_p, state.log_p),
        choose(accepted, scores, state.scores),
        state.t + 1,
        state.frozen,
        state.densities + 1,
        state.gradients + 1,
    )
    return after, Info(state.x, drift, noise, proposal, sigma**2 / 2 * state.scores, log_alpha, accepted)
