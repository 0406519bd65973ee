"""Random-walk Metropolis-Hastings: propose x' = x + σ ξ with ξ ~ N(0, 1), accept with min(1, p(x') / p(x)).

The step size σ is the standard deviation of the proposal, in every convention. Needs no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models import knobs as settings
from models.knobs import knob
from models.samplers.state import Info, Scored, State, accepts, begin, choose
from models.samplers.streams import Streams

NAME = "metropolis"
TITLE = "Metropolis-Hastings"
PAPER = "Metropolis, Rosenbluth, Rosenbluth, Teller and Teller 1953, Equation of state calculations by fast computing machines; Hastings 1970"
BEST = 0.234  # acceptance at the best step in many dimensions (Roberts, Gelman and Gilks 1997)


class Knobs(settings.Knobs):
    """What a step is steered by."""

    step_size: float = knob(1.0, "standard deviation of the proposal", symbol="σ", low=0.0, high=1e3, log=True, group="Step")


def knobs_of(target: Scored) -> type[Knobs]:
    """The class of the settings that this target needs."""
    del target
    return Knobs


def init(x: Tensor, target: Scored) -> State:
    """The state before the first step, from positions (chains, d); raises BadInput."""
    return begin(x, target, gradients=False)


def step(state: State, target: Scored, knobs: Knobs, streams: Streams) -> tuple[State, Info]:
    """One step of all chains: one log density each."""
    noise = knobs.step_size * streams.normal(state.t, target.d)
    proposal = state.x + noise
    log_p = target.log_p(proposal)
    log_alpha = log_p - state.log_p
    accepted = accepts(log_alpha, streams.uniform(state.t)) & log_p.isfinite() & ~state.frozen
    after = State(
        choose(accepted, proposal, state.x),
        choose(accepted, log_p, state.log_p),
        None,
        state.t + 1,
        state.frozen,
        state.densities + 1,
        0,
    )
    return after, Info(state.x, torch.zeros_like(noise), noise, proposal, None, log_alpha, accepted)
