"""Chains of the PPGN family: made from a run's parts, stepped, steered, swapped, forked, stepped back, written down, and made again.

    run = Run.open(path, data=False, write=False)
    chains = Chains(run.algorithm.parts(run.state), "noiseless-joint", ["glasses"], chains=16, seed=0)
    chains.step(200)
    pictures, agreed = chains.pictures(), chains.agreement()

A timeline is a row of moments, one a step and one a fork; what was changed is kept with the place where it was, so `replay` gives the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models import knobs as settings
from models.chains import looks
from models.chains.again import record_of, replay
from models.chains.scalars import SCALARS, SCALARS_DOC, scalars
from models.chains.setup import Fork, Setup, Wishes, checked, grid, parsed
from models.chains.starts import Start, begin, context_of
from models.errors import BadInput
from models.nets.pixels import to_bytes, to_pixels
from models.samplers import mala_approx
from models.samplers.conditions import Wanted, room_of
from models.samplers.parts import Classifier, Parts
from models.samplers.product import Product, clipped, stepped
from models.samplers.state import State
from models.samplers.streams import Streams
from models.samplers.variants import Knobs, steered, variant

__all__ = ["MOST", "SCALARS", "SCALARS_DOC", "Chains", "Fork", "Moment", "Setup", "grid", "replay"]

MEMORY = 256_000_000  # bytes of moments that are kept to go back to
MOST = 4096  # chains


class Moment(NamedTuple):
    """A place of the timeline."""

    state: State
    x: Tensor  # (chains, channels, size, size) uint8
    log_c: Tensor  # (chains,)


class Chains:
    """Some chains of one variant.

    Args:
        parts: of a run.
        name: of a variant.
        wishes: conditions as typed (see `samplers.conditions`), for all chains or for each.
        change: knobs that differ from the variant's own, `mode` included.
        each: values that differ from chain to chain: name of PER_CHAIN -> one number a chain.
        chains: how many, 1 to 4,096; adding some changes none of the others' noise.
        seed: a whole number in [0, 2^62].
        start: "noise" (N(0, 1), as the authors), "codes" (mean + deviation · N(0, 1) of the neurons), or one picture
            (size, size, channels) uint8, or one for each chain (chains, size, size, channels).
        hole: (size, size) bool, True where the chain paints; the start picture is kept elsewhere.
        classifier: another network in the place of C.

    Attributes:
        setup: what is in force; changed by `set`, `ask` and `plug`.
        state: positions, scores, and which chains are frozen because their numbers left the finite ones.

    Raises:
        BadInput: unknown names, parts that were not trained, a picture of another size, a mask without a picture.
    """

    def __init__(
        self,
        parts: Parts,
        name: str,
        wishes: Wishes,
        change: Mapping[str, object] | None = None,
        *,
        each: Mapping[str, Sequence[float]] | None = None,
        chains: int = 16,
        seed: int = 0,
        start: Start = "noise",
        hole: np.ndarray | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        if not 1 <= chains <= MOST:
            raise BadInput(f"There are 1 to {MOST:,} chains; got {chains:,}.")
        self.parts, self.variant, self.chains, self.seed = parts, variant(name, parts.trained), chains, seed
        self.start, self.hole = start, hole
        self.streams = Streams(seed, chains)
        mode = settings.make(Knobs, {"mode": (change or {}).get("mode", "paper")}).mode
        knobs = self.variant.knobs(mode, change)
        self.context = context_of(parts, start, hole)
        self.setup = self.first = Setup(knobs, parsed(wishes, chains, room_of(parts, classifier)), checked(each or {}, chains, knobs), classifier)
        self.past: list[tuple[int, Setup | Fork]] = []  # what was changed, and at which place of the timeline
        self.place = 0  # on the timeline: moments behind this one
        self._rows: list[Tensor] = []  # (chains, len(SCALARS)) of every step
        self._moments: deque[Moment] = deque()
        self._aim()
        self.state: State = mala_approx.init(begin(parts, self.variant, start, self.context, self.streams), self.target)
        first = self._moment()
        self._moments = deque([first], maxlen=_room(first) + 1)

    # --- where it stands ---------------------------------------------------------------------------------------

    @property
    def t(self) -> int:
        """Steps taken; steps that were taken back are not counted."""
        return self.state.t

    @property
    def kept(self) -> int:
        """How many moments can be gone back."""
        return len(self._moments) - 1

    @property
    def knobs(self) -> Knobs:
        return self.setup.knobs

    @property
    def frozen(self) -> np.ndarray:
        """(chains,) bool: chains that diverged; they stay where they last were finite."""
        return self.state.frozen.cpu().numpy()

    def pictures(self, back: int = 0) -> np.ndarray:
        """(chains, size, size, channels) uint8, `back` moments ago."""
        return self._moments[-1 - back].x.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def strip(self, chain: int, most: int = 24) -> tuple[list[int], np.ndarray]:
        """Frames of one chain spread evenly over what is kept: how many moments ago, and (frames, size, size, channels) uint8, the oldest first."""
        count = min(most, len(self._moments))
        backs = sorted({round(i * self.kept / max(1, count - 1)) for i in range(count)}, reverse=True)
        x = torch.stack([self._moments[-1 - b].x[chain] for b in backs])
        return backs, x.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def step_of(self, back: int) -> int:
        """The step at which the moment `back` moments ago was."""
        return self._moments[-1 - back].state.t

    def log_p(self) -> np.ndarray:
        """(chains,): log p(c|x) by the condition network."""
        return self._moments[-1].log_c.cpu().numpy()

    def trace(self, last: int | None = None) -> dict[str, np.ndarray]:
        """Every scalar of SCALARS as (chains, steps), for the last steps or all."""
        rows = self._rows[-last:] if last else self._rows
        if not rows:
            return {name: np.empty((self.chains, 0), np.float32) for name in SCALARS}
        found = torch.stack(rows, 1).cpu().numpy()
        return {name: found[:, :, i] for i, name in enumerate(SCALARS)}

    # --- what is done ------------------------------------------------------------------------------------------

    def step(self, n: int = 1) -> None:
        """n steps of all chains."""
        for _ in range(n):
            used = steered(self.knobs, self.target.terms, self._columns)
            after = stepped(self.variant, self.parts, self.knobs.mode, used)
            self.state, info = mala_approx.step(self.state, self.target, used, self.streams, after)
            self._push()
            self._rows.append(scalars(info, self.state, self.target, self._moments[-1].log_c))

    def back(self, n: int = 1) -> int:
        """Take the last n moments back, as far as they are kept; returns how many. Knobs and conditions stay as they are now."""
        taken = min(n, self.kept)
        for _ in range(taken):
            gone = self._moments.pop()
            if gone.state.t > self._moments[-1].state.t:  # no fork
                self._rows.pop()
        if taken:
            self.place -= taken
            self.past = [(at, what) for at, what in self.past if at < self.place]
            self.state = self._moments[-1].state
            self.put(self.setup, always=True)
        return taken

    def set(self, change: Mapping[str, object], each: Mapping[str, Sequence[float]] | None = None) -> None:
        """Turn knobs, from the next step on; `each` replaces the values that differ from chain to chain. Raises BadInput."""
        knobs = settings.changed(self.knobs, change)
        own = {k: v for k, v in self.setup.each.items() if k not in change} if each is None else checked(each, self.chains, knobs)
        self.put(Setup(knobs, self.setup.conditions, own, self.setup.classifier))

    def ask(self, wishes: Wishes) -> None:
        """Swap the conditions, in the middle of the chains; raises BadInput."""
        self.plug(self.setup.classifier, wishes)

    def plug(self, classifier: Classifier | None, wishes: Wishes) -> None:
        """Swap the condition network (None: the run's own C), and what is asked of it; raises BadInput."""
        asked = parsed(wishes, self.chains, room_of(self.parts, classifier))
        self.put(Setup(self.knobs, asked, self.setup.each, classifier))

    def put(self, setup: Setup, *, always: bool = False) -> None:
        """Put a whole Setup in force, from the next step on; `always` computes the scores anew even where they are the same."""
        before, self.setup = self.setup, setup
        self.past = [(at, what) for at, what in self.past if at != self.place or isinstance(what, Fork)]
        last = next((what for _, what in reversed(self.past) if isinstance(what, Setup)), self.first)
        if setup.record() != last.record():
            self.past.append((self.place, setup))
        scored = (before.conditions, before.classifier, before.knobs.objective, before.knobs.handmade)
        if always or scored != (setup.conditions, setup.classifier, setup.knobs.objective, setup.knobs.handmade):
            self._score(self.state)
            self._moments[-1] = self._moment()
        else:
            self._columns = self._per_chain()

    def fork(self, chain: int, back: int = 0, spread: float = 0.1) -> None:
        """All chains go on from one frame of one chain, set apart by noise of `spread` deviations of the neurons (of 1 for pixels)."""
        if not (0 <= chain < self.chains and 0 <= back <= self.kept):
            raise BadInput(f"Frames are kept of chains 0 to {self.chains - 1}, up to {self.kept} moments ago; got chain {chain}, {back} ago.")
        source, t = self._moments[-1 - back].state, self.t
        deviation = self.parts.sd if self.variant.space == "h" else 1.0
        apart = Streams(self.seed + 1 + self.place, self.chains).normal(t, self.target.d).to(source.x) * deviation * spread
        apart[chain] = 0
        x = clipped(source.x[chain] + apart, self.variant, self.parts, self.knobs.clip) if spread else source.x[chain].expand_as(source.x).clone()
        self.past.append((self.place, Fork(chain, back, spread)))
        self._score(source._replace(x=x, t=t, frozen=torch.zeros_like(source.frozen)))
        self._push()

    # --- what the nets say -------------------------------------------------------------------------------------

    def seen(self) -> Tensor:
        """(chains, channels, size, size) in [-1, 1]: the pictures as they are shown, in whole grey levels."""
        return to_pixels(self._moments[-1].x)

    def scorer_log_p(self) -> np.ndarray | None:
        """(chains,): log p of what is wanted by the independent classifier; None where it is no class that it knows."""
        return looks.scorer_log_p(self.parts, self.setup.conditions, self.seen())

    def agreed(self) -> list[bool | None]:
        """Of each chain, whether the independent classifier sees what was asked for: False if it diverged, None where it cannot judge."""
        return looks.agreed(self.parts, self.setup.conditions, self.seen(), self.frozen)

    def agreement(self) -> float | None:
        """The share of chains that agree; None where the classifier cannot judge one of them."""
        found = self.agreed()
        return None if None in found else sum(map(bool, found)) / len(found)

    def top(self, chain: int, k: int = 5) -> list[tuple[str, str, float, float | None]]:
        """The k most probable classes of a chain: (attribute, class, p by the condition network, p by the independent classifier)."""
        return looks.top(self.parts, self.setup.classifier, self.seen()[chain : chain + 1], k)

    def caption(self, chain: int, longest: int = 24) -> str:
        """What the captioner says of one chain's picture; "" without one."""
        return looks.caption(self.parts, self.seen()[chain : chain + 1], longest)

    def record(self) -> dict[str, Any]:
        """Everything that makes these chains again from the same parts, as JSON: see `replay`."""
        return record_of(self)

    # --- the rest ----------------------------------------------------------------------------------------------

    def _aim(self) -> None:
        """The target as the Setup says."""
        s = self.setup
        self._columns = self._per_chain()
        wanted = Wanted(s.conditions, room_of(self.parts, s.classifier), self.parts.device)
        self.target = Product(self.parts, self.variant, s.knobs, wanted, s.classifier, self.context)

    def _per_chain(self) -> dict[str, Tensor]:
        """Values that differ from chain to chain, (chains, 1)."""
        return {name: torch.tensor(values, device=self.parts.device)[:, None] for name, values in self.setup.each.items()}

    def _score(self, state: State) -> None:
        """`state` with the scores that the Setup gives it."""
        self._aim()
        fresh = mala_approx.init(state.x, self.target)
        self.state = fresh._replace(t=state.t, frozen=fresh.frozen | state.frozen)

    def _moment(self) -> Moment:
        x = to_bytes(self.target.x)
        log_c = self.target.log_c
        if self._moments:  # a chain that diverged shows where it last was finite
            gone, before = self.state.frozen, self._moments[-1]
            x = torch.where(gone[:, None, None, None], before.x, x)
            log_c = torch.where(gone, before.log_c, log_c)
        return Moment(self.state, x, log_c)

    def _push(self) -> None:
        self._moments.append(self._moment())
        self.place += 1


def _room(moment: Moment) -> int:
    """How many moments are kept behind the last."""
    bytes_ = sum(v.numel() * v.element_size() for v in (moment.state.x, moment.state.scores, moment.x) if v is not None)
    return max(2, min(20_000, MEMORY // (bytes_ + 2000)))
