"""Chains of the PPGN family: made from a run's parts, stepped, steered, swapped, forked, stepped back, written down, and made again.

    run = Run.open(path, data=False, write=False)
    chains = Chains(run.algorithm.parts(run.state), "noiseless-joint", ["glasses"], chains=16, seed=0)
    chains.step(200)
    pictures, agreed = chains.pictures(), chains.agreement()

A timeline is a row of moments, one a step and one a fork; what was changed is kept with the place where it was, so `replay` gives the same bits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models import knobs as settings
from models.errors import BadInput
from models.nets.pixels import to_pixels
from models.samplers import conditions, mala_approx
from models.samplers.conditions import Condition, Seen, Wanted
from models.samplers.parts import Classifier, Parts
from models.samplers.product import Context, Product, clipped, stepped
from models.samplers.state import State
from models.samplers.streams import Streams
from models.samplers.variants import PER_CHAIN, Knobs, Mode, steered, variant

MEMORY = 256_000_000  # bytes of moments that are kept to go back to
MOST = 4096  # chains

# scalars of every chain and step, in this order; NaN where a variant has no such term
SCALARS = ("log_p", "norm", "gap", "prior", "condition", "noise", "context", "angle")
SCALARS_DOC = {
    "log_p": "log p(c|x) by the condition network, weighted and summed over the conditions",
    "norm": "‖h‖, or ‖x‖ in pixels",
    "gap": "‖R(h) − h‖: how far the prior would move it",
    "prior": "‖ε1 · prior‖",
    "condition": "‖ε2 · condition‖",
    "noise": "‖noise‖",
    "context": "‖ε4 · context‖",
    "angle": "degrees between the pulls of prior and condition",
}

Wishes = Sequence[str] | Sequence[Sequence[str]]  # conditions of all chains, or of each chain


class Moment(NamedTuple):
    """A place of the timeline."""

    state: State
    x: Tensor  # (chains, channels, size, size) uint8
    log_c: Tensor  # (chains,)


@dataclass(frozen=True)
class Setup:
    """What can be changed between two steps."""

    knobs: Knobs
    conditions: tuple[tuple[Condition, ...], ...]  # of each chain
    each: Mapping[str, tuple[float, ...]]  # values that differ from chain to chain, by name of PER_CHAIN
    classifier: Classifier | None = None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        same = len(set(self.conditions)) == 1
        wishes = [[str(c) for c in own] for own in (self.conditions[:1] if same else self.conditions)]
        found: dict[str, Any] = {"knobs": self.knobs.model_dump(), "conditions": wishes}
        if self.each:
            found["each"] = {name: list(values) for name, values in self.each.items()}
        if self.classifier is not None:
            found["classifier"] = dict(self.classifier.origin)
        return found


class Fork(NamedTuple):
    """All chains go on from one frame."""

    chain: int
    back: int  # moments ago
    spread: float


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
        start: str | np.ndarray = "noise",
        hole: np.ndarray | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        if not 1 <= chains <= MOST:
            raise BadInput(f"There are 1 to {MOST:,} chains; got {chains:,}.")
        self.parts, self.variant, self.chains, self.seed = parts, variant(name, parts.trained), chains, seed
        self.start, self.hole = start, hole
        self.streams = Streams(seed, chains)
        mode: Mode = settings.make(Knobs, {"mode": (change or {}).get("mode", "paper")}).mode
        knobs = self.variant.knobs(mode, change)
        self.context = self._context()
        self.setup = Setup(knobs, self._parsed(wishes, classifier), self._each(each or {}, knobs), classifier)
        self.rows: list[Tensor] = []  # (chains, len(SCALARS)) of every step
        self.past: list[tuple[int, Setup | Fork]] = []  # what was changed, and at which place of the timeline
        self.place = 0  # on the timeline: moments behind this one
        self._first = self.setup
        self._refresh(None)
        self._moments: deque[Moment] = deque([self._moment()], maxlen=self._room() + 1)

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
        rows = self.rows[-last:] if last else self.rows
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
            self.rows.append(_scalars(info, self.state, self.target))
            self._push()

    def back(self, n: int = 1) -> int:
        """Take the last n moments back, as far as they are kept; returns how many. Knobs and conditions stay as they are now."""
        taken = min(n, self.kept)
        if not taken:
            return 0
        for _ in range(taken):
            forked = self._moments[-1].state.t == self._moments[-2].state.t
            self._moments.pop()
            if not forked:
                self.rows.pop()
        self.place -= taken
        self.past = [(at, what) for at, what in self.past if at < self.place]
        before = next((what for _, what in reversed(self.past) if isinstance(what, Setup)), self._first)
        if before.record() != self.setup.record():
            self.past.append((self.place, self.setup))
            self._refresh(self._moments[-1].state)
        else:
            self.state = self._moments[-1].state
        return taken

    def set(self, change: Mapping[str, object], each: Mapping[str, Sequence[float]] | None = None) -> None:
        """Turn knobs, from the next step on; `each` replaces the values that differ from chain to chain. Raises BadInput."""
        knobs = settings.changed(self.knobs, change)
        own = dict(self.setup.each) if each is None else self._each(each, knobs)
        own = {name: values for name, values in own.items() if each is not None or name not in change}
        rescore = (knobs.objective, knobs.handmade) != (self.knobs.objective, self.knobs.handmade)
        self._put(Setup(knobs, self.setup.conditions, own, self.setup.classifier), rescore)

    def ask(self, wishes: Wishes) -> None:
        """Swap the conditions, in the middle of the chains; raises BadInput."""
        found = self._parsed(wishes, self.setup.classifier)
        self._put(Setup(self.knobs, found, self.setup.each, self.setup.classifier), True)

    def plug(self, classifier: Classifier | None, wishes: Wishes) -> None:
        """Swap the condition network (None: the run's own C), and what is asked of it; raises BadInput."""
        found = self._parsed(wishes, classifier)
        self._put(Setup(self.knobs, found, self.setup.each, classifier), True)

    def fork(self, chain: int, back: int = 0, spread: float = 0.1) -> None:
        """All chains go on from one frame of one chain, set apart by noise of `spread` deviations of the neurons (of 1 for pixels)."""
        if not (0 <= chain < self.chains and 0 <= back <= self.kept):
            raise BadInput(f"Frames are kept of chains 0 to {self.chains - 1}, up to {self.kept} steps ago; got chain {chain}, {back} ago.")
        source, t = self._moments[-1 - back].state, self.t
        deviation = self.parts.sd if self.variant.space == "h" else 1.0
        apart = Streams(self.seed + 1 + self.place, self.chains).normal(t, self.target.d).to(source.x) * deviation * spread
        apart[chain] = 0
        x = clipped(source.x[chain] + apart, self.variant, self.parts, self.knobs.clip) if spread else source.x[chain].expand_as(source.x).clone()
        self.past.append((self.place, Fork(chain, back, spread)))
        self._refresh(source._replace(x=x, t=t, frozen=torch.zeros_like(source.frozen)))
        self._push()

    # --- what is seen ------------------------------------------------------------------------------------------

    def seen(self) -> Tensor:
        """(chains, channels, size, size) in [-1, 1]: the pictures as they are shown, in whole grey levels."""
        return to_pixels(self._moments[-1].x)

    @torch.no_grad()
    def scorer_log_p(self) -> np.ndarray | None:
        """(chains,): log p(c|x) by the independent classifier; None where a condition is no class that it knows."""
        known = all(c.kind == "class" and c.head in self.parts.heads for own in self.setup.conditions for c in own)
        if not known or (self.setup.classifier is not None and self.agreement() is None):
            return None
        judge = Classifier("scorer", self.parts.heads, self.parts.scorer_logits, None, {})
        wanted = Wanted(self.setup.conditions, conditions.Room(self.parts.heads, (), {}), self.parts.device)
        return wanted.judge(Seen(self.parts, self.seen(), judge), "log-prob").log_p.cpu().numpy()

    @torch.no_grad()
    def agreed(self) -> list[bool | None]:
        """Of each chain, whether the independent classifier sees what was asked for: False if it diverged, None where it cannot judge."""
        if not self.parts.trained.get("scorer", 0):
            return [None] * self.chains
        found = conditions.agreement(self.setup.conditions, self.parts.scorer_logits(self.seen()), self.parts.heads)
        return [None if right is None else right and not gone for right, gone in zip(found, self.frozen.tolist(), strict=True)]

    def agreement(self) -> float | None:
        """The share of chains that agree; None where the classifier cannot judge one of them."""
        found = self.agreed()
        return None if None in found else sum(map(bool, found)) / len(found)

    @torch.no_grad()
    def top(self, chain: int, k: int = 5) -> list[tuple[str, str, float, float | None]]:
        """The k most probable classes of one chain as the condition network sees it: (attribute, class, its p, the independent classifier's p)."""
        x = self.seen()[chain : chain + 1]
        ours = Seen(self.parts, x, self.setup.classifier).logits
        heads = self.setup.classifier.heads if self.setup.classifier else self.parts.heads
        theirs = self.parts.scorer_logits(x) if self.parts.trained.get("scorer", 0) else {}
        other = {(a, self.parts.heads[a][i]): p for a, v in theirs.items() for i, p in enumerate(v[0].softmax(0).tolist())}
        return [(a, c, p, other.get((a, c))) for a, c, p in conditions.top(ours, heads, 0, k)]

    @torch.no_grad()
    def caption(self, chain: int, longest: int = 24) -> str:
        """What the captioner says of one chain's picture; "" without one."""
        if not self.parts.trained.get("captioner", 0):
            return ""
        from models.data.labelled import spoken

        h = self.parts.E_features(self.seen()[chain : chain + 1])[1]
        return spoken(self.parts.captions(h, longest)[0].tolist(), self.parts.words)

    # --- written down ------------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """Everything that makes these chains again from the same parts, as JSON: see `replay`."""
        from models.pngs import packed

        first = self._first
        picture = self.start if isinstance(self.start, str) else packed(self.start if self.start.ndim == 3 else np.concatenate(list(self.start)))
        return {
            "variant": self.variant.name,
            "chains": self.chains,
            "seed": self.seed,
            "start": picture,
            "hole": None if self.hole is None else packed(self.hole.astype(np.uint8)[:, :, None] * 255),
            "setup": first.record(),
            "past": [{"at": at, **({"set": what.record()} if isinstance(what, Setup) else {"fork": list(what)})} for at, what in self.past],
            "place": self.place,
            "steps": self.t,
        }

    # --- the rest ----------------------------------------------------------------------------------------------

    def _put(self, setup: Setup, rescore: bool) -> None:
        if setup.record() == self.setup.record():
            return
        self.setup = setup
        self.past = [(at, what) for at, what in self.past if at != self.place or isinstance(what, Fork)]
        self.past.append((self.place, setup))
        self._refresh(self.state, rescore=rescore)
        if rescore:
            self._moments[-1] = self._moment()

    def restored(self, record: Mapping[str, Any], classifier: Classifier | None) -> Setup:
        """A Setup from its record; `classifier` is used if the record names one."""
        plugged = classifier if "classifier" in record else None
        wishes = record["conditions"]
        found = self._parsed(wishes[0] if len(wishes) == 1 else wishes, plugged)
        knobs = settings.make(Knobs, record["knobs"])
        return Setup(knobs, found, self._each(record.get("each", {}), knobs), plugged)

    def put(self, setup: Setup) -> None:
        """Put a whole Setup in force, from the next step on."""
        self._put(setup, True)

    def _refresh(self, state: State | None, *, rescore: bool = True) -> None:
        """The target anew, and with `rescore` the scores at the present place."""
        s = self.setup
        self._columns = {name: torch.tensor(values, device=self.parts.device)[:, None] for name, values in s.each.items()}
        if not rescore:
            self.target.knobs = s.knobs
            return
        wanted = Wanted(s.conditions, conditions.room_of(self.parts, s.classifier), self.parts.device)
        self.target = Product(self.parts, self.variant, s.knobs, wanted, s.classifier, self.context)
        if state is None:
            self.state = mala_approx.init(self._begin(), self.target)
        else:
            fresh = mala_approx.init(state.x, self.target)
            self.state = fresh._replace(t=state.t, frozen=fresh.frozen | state.frozen)

    def _moment(self) -> Moment:
        x = self.target.x.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        log_c, before = self.target.log_c, getattr(self, "_moments", None)
        if before:  # a chain that diverged shows where it last was finite
            gone = self.state.frozen
            x = torch.where(gone[:, None, None, None], before[-1].x, x)
            log_c = torch.where(gone, before[-1].log_c, log_c)
        return Moment(self.state, x, log_c)

    def _push(self) -> None:
        self._moments.append(self._moment())
        self.place += 1

    def _room(self) -> int:
        own = sum(v.numel() * v.element_size() for v in (self.state.x, self.state.scores, self.target.x) if v is not None)
        return max(2, min(20_000, MEMORY // (own + 2000)))

    def _parsed(self, wishes: Wishes, classifier: Classifier | None) -> tuple[tuple[Condition, ...], ...]:
        room = conditions.room_of(self.parts, classifier)
        if not wishes:
            raise BadInput("A chain needs at least one condition: name a class, a caption or a neuron.")
        if isinstance(wishes[0], str):
            one = tuple(conditions.parse(str(text), room) for text in wishes)
            found = (one,) * self.chains
        else:
            known: dict[str, Condition] = {}
            for own in wishes:
                for text in own:
                    known.setdefault(text, conditions.parse(text, room))
            found = tuple(tuple(known[text] for text in own) for own in wishes)
        if len(found) != self.chains or not all(found):
            raise BadInput(f"There are {self.chains} chains and conditions for {len(found)}: give each chain at least one, or the same to all.")
        return found

    def _each(self, each: Mapping[str, Sequence[float]], knobs: Knobs) -> dict[str, tuple[float, ...]]:
        for name, values in each.items():
            if name not in PER_CHAIN:
                raise BadInput(f"{name} is the same for all chains; what may differ is {', '.join(PER_CHAIN)}.")
            if len(values) != self.chains:
                raise BadInput(f"{name} has {len(values)} values, and there are {self.chains} chains: give one for each.")
            for value in set(values):
                settings.changed(knobs, {name: value})
        return {name: tuple(map(float, values)) for name, values in each.items()}

    def _context(self) -> Context | None:
        if self.hole is None:
            return None
        if isinstance(self.start, str):
            raise BadInput("A mask says what of a picture is kept, so it needs the picture: start from a picture file.")
        side = (self.parts.size, self.parts.size)
        if self.hole.shape != side:
            raise BadInput(f"The mask is {self.hole.shape[1]}×{self.hole.shape[0]}, and the pictures are {side[0]}×{side[1]}: make it that size.")
        if not self.hole.any() or self.hole.all():
            raise BadInput(
                f"The mask covers {'everything' if self.hole.all() else 'nothing'}: paint white what the chain may fill, and leave the rest black."
            )
        hole = torch.from_numpy(self.hole.astype(np.float32)).to(self.parts.device)[None, None]
        return Context(self._pictured()[:1], hole)

    def _pictured(self) -> Tensor:
        """The start picture or pictures, (1 or chains, channels, size, size) in [-1, 1]."""
        assert not isinstance(self.start, str)
        p, found = self.parts, self.start if self.start.ndim == 4 else self.start[None]
        if found.shape[1:] != (p.size, p.size, p.channels) or len(found) not in (1, self.chains):
            have = "×".join(map(str, found.shape[1:]))
            raise BadInput(f"The start picture is {have}, and this run's pictures are {p.size}×{p.size}×{p.channels}: give one of that size.")
        return to_pixels(torch.from_numpy(np.ascontiguousarray(found.transpose(0, 3, 1, 2))).to(p.device))

    def _begin(self) -> Tensor:
        """(chains, d): where the chains begin."""
        p, d = self.parts, self.target.d
        if isinstance(self.start, str):
            if self.start not in ("noise", "codes"):
                raise BadInput(f"Chains start from noise, codes or a picture; got {self.start!r}.")
            wide = len(p.mean) if self.start == "codes" else d
            numbers = self.streams.start(lambda n, rng: torch.from_numpy(rng.standard_normal((n, wide))), wide).to(p.device, torch.float32)
            if self.start == "noise":
                return numbers
            h = (p.mean + p.sd * numbers).clamp(min=0)
            with torch.no_grad():
                return h if self.variant.space == "h" else p.G(h).flatten(1)
        x = self._pictured()
        if self.context is not None:
            x = x * (1 - self.context.hole)  # the hole is grey to begin with
        with torch.no_grad():
            v = p.E_features(x)[1] if self.variant.space == "h" else x.flatten(1)
        return v.expand(self.chains, -1).clone()


def replay(parts: Parts, record: Mapping[str, Any], classifier: Classifier | None = None) -> Chains:
    """The chains of a record, made again; `classifier` is the foreign one that it names.

    Raises:
        BadInput: the parts cannot do what the record says.
    """
    from models.pngs import unpacked

    setup, size = record["setup"], parts.size
    start, hole = record["start"], record["hole"]
    if start not in ("noise", "codes"):
        start = unpacked(start)
        start = start if len(start) == size else start.reshape(-1, size, size, start.shape[-1])
    wishes = setup["conditions"]
    chains = Chains(
        parts,
        record["variant"],
        wishes[0] if len(wishes) == 1 else wishes,
        setup["knobs"],
        each=setup.get("each"),
        chains=record["chains"],
        seed=record["seed"],
        start=start,
        hole=None if hole is None else unpacked(hole)[:, :, 0] > 127,
        classifier=classifier if "classifier" in setup else None,
    )
    events: dict[int, list[Mapping[str, Any]]] = {}
    for event in record["past"]:
        events.setdefault(event["at"], []).append(event)
    while True:
        place = chains.place
        for event in events.get(place, ()):
            if "set" in event:
                chains.put(chains.restored(event["set"], classifier))
            else:
                chain, back, spread = event["fork"]
                chains.fork(int(chain), int(back), float(spread))
        if chains.place >= record["place"]:
            return chains
        if chains.place == place:
            chains.step()


def grid(rows: Sequence[Sequence[str]], columns: Sequence[Mapping[str, float]]) -> tuple[list[list[str]], dict[str, list[float]]]:
    """Conditions and values of one batch: each row has its own conditions, each column its own settings; chain = row · columns + column."""
    wishes = [list(row) for row in rows for _ in columns]
    names = sorted({name for column in columns for name in column})
    return wishes, {name: [column[name] for _ in rows for column in columns] for name in names}


def _scalars(info: Any, state: State, target: Product) -> Tensor:
    """(chains, len(SCALARS)) of one step, without waiting for the device."""
    norms = dict(zip(target.terms, info.parts.norm(dim=2).unbind(1), strict=True))
    none = torch.full_like(target.log_c, math.nan)
    angle = gap = none
    if "prior" in target.terms:
        a, b = target.terms.index("prior"), target.terms.index("condition")
        cosine = torch.nn.functional.cosine_similarity(info.parts[:, a], info.parts[:, b], dim=1)
        angle = torch.rad2deg(cosine.clamp(-1, 1).arccos())
        assert state.scores is not None
        gap = state.scores[:, a].norm(dim=1)
    columns = [target.log_c, state.x.norm(dim=1), gap, norms.get("prior", none), norms["condition"], info.noise.norm(dim=1)]
    return torch.stack([*columns, norms.get("context", none), angle], 1)
