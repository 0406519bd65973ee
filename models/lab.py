"""The sampler lab: a kernel walking over a target with many chains, that can be stepped back, summed up and raced.

    lab = Lab("mala", open_target("banana"))
    lab.step(2000)
    print(lab.summary(draws=1000))

Nothing of the noise is kept: it is a function of (seed, step, chain), so a step that is taken back and again gives the same bits.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models import catalog, knobs
from models.contract import Command, SetKnobs, Stop
from models.errors import BadInput
from models.metrics import chain
from models.samplers import mala_approx
from models.samplers.density import Density
from models.samplers.grid import Grid
from models.samplers.state import Info, State
from models.samplers.streams import Streams

MEMORY = 512_000_000  # bytes of states that are kept to go back to
_PILOT = (64, 400)  # chains and steps of the walk that finds a step size
Start = str | Sequence[float]  # "exact", "wide", or a point


class Moment(NamedTuple):
    """A step that can be gone back to."""

    state: State
    knobs: Any  # that led here from the moment before
    accepted: Tensor | None  # (chains,) bool


@dataclass(frozen=True)
class Summary:
    """What the chains say about the target. Frozen chains are left out of all but their own count; NaN where there is no number."""

    chains: int
    frozen: int
    steps: int  # taken so far
    draws: int  # of each chain, the last ones, that the numbers below are about
    acceptance: float | None  # None where nothing is ever rejected
    mean: np.ndarray  # (d,)
    covariance: np.ndarray  # (d, d)
    ess_bulk: np.ndarray  # (d,)
    ess_tail: np.ndarray  # (d,)
    rhat: np.ndarray  # (d,)
    temperatures: tuple[float, ...]  # one a term; 1 for the exact kernels
    bias: chain.Bias | None  # None where nobody knows the truth
    seconds: float  # spent in steps so far
    densities: float  # log densities computed for these draws, all chains together
    gradients: float  # gradients likewise
    draw_seconds: float  # spent on these draws

    @property
    def ess(self) -> float:
        """The smallest bulk ESS over the dimensions."""
        return float(np.min(self.ess_bulk))

    @property
    def ess_per_second(self) -> float:
        return self.ess / self.draw_seconds if self.draw_seconds else math.nan

    @property
    def ess_per_evaluation(self) -> float:
        """Log densities and gradients each counted as one."""
        return self.ess / (self.densities + self.gradients) if self.draws else math.nan

    @property
    def temperature(self) -> float | None:
        """The one temperature of all terms, or None where they differ."""
        return self.temperatures[0] if len(set(self.temperatures)) == 1 else None


class Lab:
    """A walk.

    Args:
        kernel: "metropolis", "mala" or "mala-approx".
        target: from `samplers.targets.open_target`, or a `Drawn`.
        settings: knobs by name; what is left out has the value that suits the target (see `suited`).
        chains: at least 1; adding chains changes none of the others.
        seed: a whole number in [0, 2^64).
        start: "exact" (draws of the target), "wide" (a normal three times as wide), or a point for all chains.
        keep: how many steps can be gone back at most; less where memory would not do.

    Attributes:
        state, info, knobs: as they are now; `info` is None before the first step.
        seconds: spent in steps.

    Raises:
        BadInput: a start that is not finite or has no density, exact draws that nobody knows, a setting out of range.
    """

    def __init__(
        self,
        kernel: str,
        target: Density,
        settings: Mapping[str, object] | None = None,
        *,
        chains: int = 256,
        seed: int = 0,
        start: Start = "exact",
        keep: int | None = None,
    ) -> None:
        self.kernel, self.target, self.seed, self.chains = catalog.kernel(kernel), target, seed, chains
        chosen, kind = dict(settings or {}), self.kernel.knobs_of(target)
        complete = set(kind.model_fields) <= set(chosen)
        self.knobs = knobs.make(kind, chosen) if complete else knobs.changed(suited(kernel, target), chosen)
        self.streams = Streams(seed, chains)
        self.state: State = self.kernel.init(positions(target, self.streams, start), target)
        self.info: Info | None = None
        self.seconds = 0.0
        room = max(2, MEMORY // _bytes(self.state))
        self._moments: deque[Moment] = deque([Moment(self.state, self.knobs, None)], maxlen=min(room, keep or room) + 1)

    @property
    def t(self) -> int:
        """Steps taken, those that were taken back not counted."""
        return self.state.t

    @property
    def kept(self) -> int:
        """How many steps can be gone back."""
        return len(self._moments) - 1

    def set(self, change: Mapping[str, object]) -> None:
        """Turn knobs, from the next step on; raises BadSetting."""
        self.knobs = knobs.changed(self.knobs, change)

    def step(self, n: int = 1) -> Info | None:
        """n steps of all chains; returns what the last did."""
        for _ in range(n):
            before = time.perf_counter()
            self.state, info = self.kernel.step(self.state, self.target, self.knobs, self.streams)
            self.seconds += time.perf_counter() - before
            self.info = info
            self._moments.append(Moment(self.state, self.knobs, info.accepted))
        return self.info

    def back(self, n: int = 1) -> int:
        """Take the last n steps back, as far as they are kept; returns how many. `info` is again what the step before did."""
        taken = min(n, self.kept)
        for _ in range(taken):
            self._moments.pop()
        self.state, self.info = self._moments[-1].state, None
        if self.kept:  # a step is a function of where it began, so its arrows are made again
            _, self.info = self.kernel.step(self._moments[-2].state, self.target, self._moments[-1].knobs, self.streams)
        return taken

    def move(self, chain: int, position: Sequence[float]) -> None:
        """Put the head of one chain elsewhere, first coordinates first; the step that led here can still be taken back.

        Raises:
            BadInput: the target has no finite density there.
        """
        x = self.state.x.clone()
        x[chain, : len(position)] = torch.tensor([float(v) for v in position], dtype=x.dtype)
        if not bool(x[chain].isfinite().all()):
            raise BadInput("A chain stands on finite numbers: drop it elsewhere.")
        fresh = self.kernel.init(x[chain : chain + 1], self.target)
        scores = self.state.scores
        if scores is not None and fresh.scores is not None:
            scores = scores.clone()
            scores[chain] = fresh.scores[0]
        log_p, frozen = self.state.log_p.clone(), self.state.frozen.clone()
        log_p[chain], frozen[chain] = fresh.log_p[0], False
        self.state = self.state._replace(x=x, log_p=log_p, scores=scores, frozen=frozen)
        self._moments[-1] = self._moments[-1]._replace(state=self.state)
        self.info = None

    def retarget(self, target: Density) -> None:
        """Walk on another density of the same dimension from where the chains stand; what went before cannot be gone back to.

        Raises:
            BadInput: the target has other dimensions or terms, or no chain stands where it has a density.
        """
        if target.d != self.target.d or target.terms != self.target.terms:
            raise BadInput(f"{target.title} has other dimensions or terms than {self.target.title}: begin a new walk on it.")
        state = self.kernel.init(self.state.x, target)
        self.target, self.state, self.info = target, state._replace(t=self.state.t), None
        self._moments.clear()
        self._moments.append(Moment(self.state, self.knobs, None))

    def path(self, draws: int, chains: int, axes: int) -> Tensor:
        """(chains, up to draws + 1, axes): the first chains' way up to now, where it began included; cheaper than `trace`."""
        last = [self._moments[i] for i in range(max(0, len(self._moments) - draws - 1), len(self._moments))]
        return torch.stack([m.state.x[:chains, :axes] for m in last], 1)

    def walk(self) -> Generator[tuple[State, Info | None], Command | None, None]:
        """Step for ever; yields (state, info), first before any step. A Command that is sent takes effect before the next step."""
        command = yield self.state, self.info
        while True:
            while command is not None:
                match command:
                    case SetKnobs(change):
                        self.set(change)
                    case Stop():
                        return
                    case _:
                        pass
                command = yield self.state, None
            self.step()
            command = yield self.state, self.info

    def trace(self, draws: int | None = None) -> Tensor:
        """(chains, draws, d): the last positions that are kept, in order; the start is none of them."""
        found = [m.state.x for m in self._last(draws)]
        return torch.stack(found, 1) if found else self.state.x[:, None][:, :0]

    def log_p_trace(self, draws: int | None = None) -> Tensor:
        """(chains, draws): the log density there."""
        found = [m.state.log_p for m in self._last(draws)]
        return torch.stack(found, 1) if found else self.state.log_p[:, None][:, :0]

    def accepted_trace(self, draws: int | None = None) -> Tensor | None:
        """(chains, draws) bool, or None for a kernel that never rejects."""
        found = [m.accepted for m in self._last(draws) if m.accepted is not None]
        return torch.stack(found, 1) if found else None

    def _last(self, draws: int | None) -> list[Moment]:
        moments = list(self._moments)
        return moments[max(1, len(moments) - draws) :] if draws is not None else moments[1:]

    def summary(self, draws: int | None = None) -> Summary:
        """Diagnostics over the last `draws` steps of all chains that are not frozen; all that is kept if None."""
        walking = ~self.state.frozen
        trace = self.trace(draws)[walking]
        count, d = trace.shape[1], self.target.d
        x = trace.numpy()
        nothing = not count or not len(x)
        accepted = self.accepted_trace(draws)
        flat = trace.reshape(-1, d)
        empty = np.full(d, math.nan)
        mean = empty if nothing else flat.mean(0).numpy()
        off = flat - torch.from_numpy(mean)
        densities = self.state.densities - 1
        share = count / self.t if self.t else 0.0
        known = None if nothing or self.target.mean is None or self.target.covariance is None else (self.target.mean, self.target.covariance)
        return Summary(
            chains=self.chains,
            frozen=int(self.state.frozen.sum()),
            steps=self.t,
            draws=count,
            acceptance=None if accepted is None or nothing else float(chain.acceptance(accepted[walking].numpy()).mean()),
            mean=mean,
            covariance=np.full((d, d), math.nan) if nothing else (off.T @ off / len(flat)).numpy(),
            ess_bulk=empty if nothing else chain.ess_bulk(x),
            ess_tail=empty if nothing else chain.ess_tail(x),
            rhat=empty if nothing else chain.rhat(x),
            temperatures=temperatures(self.knobs),
            bias=chain.bias(x, known[0].numpy(), known[1].numpy()) if known else None,
            seconds=self.seconds,
            densities=self.chains * densities * share,
            gradients=self.chains * max(0, self.state.gradients - 1) * share,
            draw_seconds=self.seconds * share,
        )


def race(labs: Sequence[Lab], *, evaluations: int | None = None, seconds: float | None = None) -> None:
    """Let each lab step until it has spent so many more evaluations a chain, or so many more seconds.

    A log density and a gradient are one evaluation each. No lab goes past its budget of evaluations; one step is always taken with seconds.
    """
    if (evaluations is None) == (seconds is None):
        raise BadInput("A race goes over a number of evaluations or over seconds: give one of them.")
    for lab in labs:
        if seconds is not None:
            until = lab.seconds + seconds
            while lab.seconds < until:
                lab.step()
        else:
            assert evaluations is not None
            lab.step(evaluations // evaluations_a_step(lab.kernel))


def evaluations_a_step(kernel: Any) -> int:
    """Log densities and gradients that one chain computes in a step."""
    return {"metropolis": 1, "mala": 2, "mala-approx": 1}[kernel.NAME]


def temperatures(settings: Any) -> tuple[float, ...]:
    """T of each term; the exact kernels sample the target itself, T = 1."""
    if isinstance(settings, mala_approx.Knobs | mala_approx.ProductKnobs):
        return mala_approx.temperatures(settings)
    return (1.0,)


def positions(target: Density, streams: Streams, start: Start) -> Tensor:
    """(chains, d): where the chains begin; raises BadInput."""
    if isinstance(start, str):
        if start == "exact":
            if not target.drawable:
                raise BadInput(f"There are no exact draws of {target.title}: start the chains wide, or at a point.")
            return streams.start(target.draw, target.d)
        if start != "wide":
            raise BadInput(f"Chains start exact, wide or at a point such as 0,0; got {start!r}.")
        middle, spread = around(target)
        return streams.start(lambda n, numbers: middle + 3 * spread * torch.from_numpy(numbers.standard_normal((n, target.d))), target.d)
    point = torch.tensor([float(v) for v in start], dtype=torch.float64)
    if len(point) == 1:
        point = point.expand(target.d)
    if len(point) != target.d:
        raise BadInput(f"{target.title} has {target.d} dimensions; the start has {len(point)} numbers.")
    return point.expand(streams.chains, target.d).clone()


def around(target: Density) -> tuple[Tensor, Tensor]:
    """(d,) and (d,): the middle of the target and its spread; from its bounds where the truth is not known."""
    if target.mean is not None and target.covariance is not None:
        return target.mean, target.covariance.diagonal().sqrt()
    low, high = (torch.tensor([b[k] for b in target.bounds] + [b * 4.0] * (target.d - len(target.bounds))) for k, b in ((0, -1), (1, 1)))
    return ((low + high) / 2).double(), ((high - low) / 8).double()


def suited(kernel: str, target: Density) -> Any:
    """Knobs that suit a target: a step with the best acceptance (0.234 for Metropolis, 0.574 for MALA), found by a short walk of fixed seed.

    MALA-approx gets a quarter of MALA's drift and the temperature 1. The step size is rounded to two digits.
    """
    module = catalog.kernel(kernel)
    kind = module.knobs_of(target)
    if kernel == mala_approx.NAME:
        epsilon = _rounded(suited("mala", target).step_size ** 2 / 8)
        return knobs.make(kind, {name: math.sqrt(2 * epsilon) if name == "epsilon3" else epsilon for name in kind.model_fields})
    chains, steps = _PILOT
    streams = Streams(1, chains)
    state = module.init(positions(target, streams, "exact" if target.drawable else "wide"), target)
    log_step, total = math.log(float(around(target)[1].min()) / target.d**0.5), 0.0
    for t in range(steps):  # Robbins and Monro 1951, averaged over the second half (Polyak and Juditsky 1992)
        now = knobs.make(kind, {"step_size": min(1e3, math.exp(log_step))})
        state, info = module.step(state, target, now, streams)
        log_step += (float(info.accepted.double().mean()) - module.BEST) * 4 / (1 + t) ** 0.6
        total += log_step * (t >= steps // 2)
    return knobs.make(kind, {"step_size": min(1e3, _rounded(math.exp(total / (steps - steps // 2))))})


class FromLimit(NamedTuple):
    """How far MALA-approx is from what it samples in the limit of small steps."""

    epsilon: float  # of the first term
    distance: float  # total variation in [0, 1] between the histogram of its positions and the limit, on the grid's cells
    floor: float  # the same for one independent draw of the limit a chain: what chance alone can do


def limit(target: Density, settings: Any, cells: int = 256) -> Grid:
    """What MALA-approx samples as its steps get small: each term to the power 2 ε_k / ε3², on a grid; raises BadInput without noise."""
    hot = max([1.0, *(t for t in mala_approx.temperatures(settings) if math.isfinite(t))])
    stretch = min(4.0, math.sqrt(hot))
    bounds = tuple(((a + b) / 2 - stretch * (b - a) / 2, (a + b) / 2 + stretch * (b - a) / 2) for a, b in target.bounds)
    return target.on_grid(cells, mala_approx.powers(settings), bounds)


def limit_errors(
    target: Density, settings: Any, factors: Sequence[float], *, chains: int = 4096, length: float = 20.0, cells: int = 8, seed: int = 0
) -> list[FromLimit]:
    """The error of MALA-approx against its small-step limit, with every ε times a factor and ε3 times its root: the limit stays the same.

    Args:
        settings: MALA-approx knobs of the target.
        length: of each walk, in units of 1 / (ε × factor) steps; the second half is looked at.
        cells: of the histogram, a side; divides 256.
    """
    fine = limit(target, settings)
    coarse = fine.coarse(cells)
    out = []
    for factor in factors:
        scaled = {n: v * (math.sqrt(factor) if n == "epsilon3" else factor) for n, v in settings.model_dump().items()}
        steps = max(2, math.ceil(length / max(settings.epsilons) / factor))
        now = knobs.make(type(settings), scaled)
        streams = Streams(seed, chains)
        state = mala_approx.init(streams.start(fine.draw, target.d), target)
        share, looks = torch.zeros_like(coarse.mass), 0
        for t in range(steps):
            state, _ = mala_approx.step(state, target, now, streams)
            if t >= steps // 2:
                share, looks = share + coarse.histogram(state.x[~state.frozen]), looks + 1
        share = share / looks
        floor = coarse.distance(fine.draw(chains, np.random.default_rng(seed)))
        out.append(FromLimit(now.epsilons[0], float((share - coarse.mass).abs().sum() + (1 - share.sum())) / 2, floor))
    return out


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")


def _bytes(state: State) -> int:
    return sum(t.numel() * t.element_size() for t in (state.x, state.log_p, state.scores) if t is not None) + state.x.shape[0] * 2 + 2000
