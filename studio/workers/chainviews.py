"""What the window sees of chains: plain numbers. Needs no Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import BadData, BadInput
from studio.chainmessages import Facts, Judged, Knows, Member, Mixed, Mixing, Plugged, Share, Strip, Traces, Tried

if TYPE_CHECKING:
    from models.chains import Chains
    from models.run import Run
    from models.samplers.parts import Classifier, Parts

POINTS = 400  # of a trace, about; of longer walks the lowest and the highest value of each few steps are sent
CLASSES = 8  # sent of a chain
LAGS = 48  # of the autocorrelation
MIXED = ("log_p", "norm", "gap", "condition")  # scalars whose mixing is measured
_FEWEST = 16  # steps before anything is said about mixing
_STARTS = 8  # of each kind, for the authors' first test


# --- the run ------------------------------------------------------------------------------------------------------


def facts(run: Run, parts: Parts, title: str) -> Facts:
    """What can be done with these parts."""
    from models.errors import BadInput
    from models.samplers.variants import MODES, VARIANTS, variant

    members = []
    for v in VARIANTS.values():
        try:
            variant(v.name, parts.trained)
            why = ""
        except BadInput as error:
            why = str(error)
        own = {mode: v.knobs(mode).model_dump() for mode in MODES}
        members.append(Member(v.name, v.title, v.doc, why, v.prior != "none", own))
    known = knows(parts, None)
    return Facts(
        run.folder.path,
        title,
        run.state.step,
        parts.size,
        parts.channels,
        known,
        tuple(members),
        bool(parts.trained.get("scorer", 0)),
        example(known),
    )


def knows(parts: Parts, classifier: Classifier | None) -> Knows:
    """What can be asked for."""
    from models.samplers.conditions import room_of

    room = room_of(parts, classifier)
    heads = {a: tuple(v) for a, v in room.heads.items()}
    return Knows(heads, None if room.words is None else tuple(w for w in room.words if w), dict(room.layers))


def example(known: Knows) -> str:
    """A condition that these networks understand: the first class, not "none"; else a caption; else a neuron; "" for nothing at all."""
    for attribute, values in known.heads.items():
        wanted = [v for v in values if v not in ("none", "no")]
        if wanted:
            alone = sum(wanted[0] in other for other in known.heads.values()) == 1 and wanted[0] not in known.heads
            return wanted[0] if alone else f"{attribute}={wanted[0]}"
    if known.words:
        return f"caption:{known.words[0]}"
    return "unit:h/0" if "h" in known.layers else ""


def read_picture(path: Path, size: int, channels: int) -> np.ndarray:
    """A picture file as (size, size, channels) uint8; raises BadData."""
    from models.data.decode import FILE_LIMIT, Unreadable, decode

    try:
        if path.stat().st_size > FILE_LIMIT:
            raise Unreadable("is larger than 256 MB")
        return decode(path.read_bytes(), size, channels).pixels
    except OSError as error:
        raise BadData(f"{path.name} cannot be read ({(error.strerror or str(error)).lower()}): choose another picture.") from None
    except Unreadable as reason:
        raise BadData(f"{path.name} {reason}: choose another picture.") from None


# --- traces -------------------------------------------------------------------------------------------------------


class History:
    """The scalars of every step, kept as numbers, and what the independent classifier said now and then."""

    def __init__(self, chains: int, scalars: int) -> None:
        self._rows = np.empty((256, chains, scalars), np.float32)
        self.n = 0
        self.judged: list[tuple[int, np.ndarray]] = []  # step, (chains,) log p
        self._mean = np.empty((0, scalars), np.float32)  # over the chains that are not frozen, as far as it was asked for
        self._of = b""  # which are

    def follow(self, chains: Chains) -> None:
        """Take the steps that are new; to be called after each."""
        new = chains.t - self.n
        if new <= 0:
            return
        while chains.t > len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self.n : chains.t] = np.stack(list(chains.trace(new).values()), -1).transpose(1, 0, 2)
        self.n = chains.t

    def cut(self, n: int) -> None:
        """Forget all after the first n steps."""
        self.n = min(self.n, n)
        self._mean = self._mean[: self.n]
        self.judged = [pair for pair in self.judged if pair[0] <= n]

    def last(self) -> np.ndarray | None:
        """(chains, scalars) of the last step."""
        return self._rows[self.n - 1].copy() if self.n else None

    def scalars(self, first: int) -> np.ndarray:
        """(steps, chains, scalars) from a step on."""
        return self._rows[first : self.n]

    def traces(self, chain: int, frozen: np.ndarray) -> Traces:
        """At most POINTS steps and the last one; extremes of what lies between are kept, so that they do not come and go."""
        both = np.stack([self._means(frozen), self._rows[: self.n, chain]], 1)
        judged = np.array([(step, _mean(v), v[chain]) for step, v in self.judged], np.float32).reshape(-1, 3)
        steps, both = peaks(np.arange(1, self.n + 1), both)
        at, scores = peaks(judged[:, 0], judged[:, 1:])
        return Traces(steps, both[:, 0], both[:, 1], np.column_stack([at, scores]))

    def _means(self, frozen: np.ndarray) -> np.ndarray:
        """(steps, scalars) over the chains that are not frozen, or over all where all are; only new steps are averaged."""
        if frozen.tobytes() != self._of:
            self._of, self._mean = frozen.tobytes(), self._mean[:0]
        if len(self._mean) < self.n:
            rows = self._rows[len(self._mean) : self.n]
            alive = rows[:, ~frozen] if frozen.any() and not frozen.all() else rows
            self._mean = np.concatenate([self._mean, alive.mean(1)])
        return self._mean


def peaks(x: np.ndarray, y: np.ndarray, most: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """A line of many points as one of at most `most` and its last: of each stretch the extremes, in their order, at its ends.

    Stretches are 2, 4, 8 … points long and begin at the first, so a line that grows keeps what was drawn of it.

    Args:
        x: (n,).
        y: (n, ...), each column with extremes of its own; NaN is left out where a stretch has anything else.
    """
    n, length = len(x), 1
    while 2 * -(-n // length) > most and n > most:
        length *= 2
    if length == 1:
        return x, y
    whole = np.pad(y, [(0, -n % length), *[(0, 0)] * (y.ndim - 1)], mode="edge").reshape(-1, length, *y.shape[1:])
    none = np.isnan(whole)
    two = np.stack([np.where(none, np.inf, whole).argmin(1), np.where(none, -np.inf, whole).argmax(1)], 1)
    two.sort(1)  # the earlier one first
    found = np.take_along_axis(whole, two, 1).reshape(-1, *y.shape[1:])
    ends = np.minimum(np.arange(0, n, length)[:, None] + [0, length - 1], n - 1).ravel()
    return np.append(x[ends], x[-1]), np.concatenate([found, y[-1:]])


def _mean(values: np.ndarray) -> float:
    good = values[np.isfinite(values)]
    return float(good.mean()) if len(good) else float("nan")


def mixing(history: History, frozen: np.ndarray) -> Mixing:
    """R-hat and ESS of some scalars over the second half of the steps, of the chains that are not frozen."""
    from models.chains import SCALARS
    from models.metrics import chain

    draws = history.scalars(history.n - history.n // 2)
    every = max(1, len(draws) // 1000)  # ESS looks at 1,000 draws a chain at most
    draws = draws[::every][:, ~frozen].transpose(1, 0, 2)
    found = []
    for name in MIXED:
        x = draws[:, :, SCALARS.index(name)].astype(np.float64)
        enough = history.n >= _FEWEST and len(x) > 0 and bool(np.isfinite(x).all())
        rhat, bulk, tail = (float(f(x)) if enough else float("nan") for f in (chain.rhat, chain.ess_bulk, chain.ess_tail))
        found.append(Mixed(name, rhat, bulk, tail))
    x = draws[:, :, SCALARS.index("norm")].astype(np.float64)
    alike = chain.autocorrelation(x, min(LAGS, x.shape[1] // 2)) if x.shape[1] > 8 and len(x) and bool(np.isfinite(x).all()) else np.empty(0)
    return Mixing(tuple(found), draws.shape[0], draws.shape[1], alike)


# --- the selected chain -------------------------------------------------------------------------------------------


def judged(chains: Chains, chain: int) -> Judged:
    """Classes and the captioner's sentence of one chain, and whether each chain is what was asked for."""
    own = chains.setup.conditions[chain]
    heads = chains.setup.classifier.heads if chains.setup.classifier else chains.parts.heads
    named = {(c.head, heads[c.head][i]) for c in own if c.kind == "class" for i in c.members}
    for c in own:
        if c.kind == "caption":
            named |= _read(c.text.removeprefix("caption:"), heads)
    found = chains.top(chain, 4096)
    wanted = [f for f in found if (f[0], f[1]) in named][:CLASSES]
    rest = [f for f in found if f not in wanted and f[1] not in ("none", "no")]
    chosen = (wanted + rest)[:CLASSES]
    if len(heads) == 1:
        chosen = found[:CLASSES]
    one = len(heads) == 1
    shares = tuple(Share(c if one else _called(a, c), p, q, (a, c) in named) for a, c, p, q in chosen)
    agreed = chains.agreed()
    agreement = None if None in agreed else sum(map(bool, agreed)) / len(agreed)
    return Judged(chain, chains.t, shares, chains.caption(chain), tuple(agreed), agreement)


def _called(attribute: str, value: str) -> str:
    """As one says it: round glasses, red hair."""
    return attribute if value == "yes" else f"{value} {attribute.removesuffix(' colour')}"


def _read(sentence: str, heads: Any) -> set[tuple[str, str]]:
    from models.data.reading import read

    return set((read(sentence, heads) or {}).items())


def strip(chains: Chains, chain: int, most: int) -> Strip:
    """Frames over what is kept."""
    backs, pictures = chains.strip(chain, most)
    return Strip(chain, tuple(backs), tuple(chains.step_of(b) for b in backs), pictures)


def plugged(chains: Chains, classifier: Classifier | None, name: str) -> Plugged:
    """Put another network in the place of C; where it does not understand what is asked for, it is asked for something that it knows."""
    wishes = chains.setup.wishes
    known = knows(chains.parts, classifier)
    try:
        chains.plug(classifier, wishes)
    except BadInput:
        other = example(known)
        if not other:
            raise
        wishes = (other,)
        chains.plug(classifier, wishes)
    return Plugged(name, known, wishes)


def tried(chains: Chains) -> Tried:
    """The authors' first test, from noise and from codes of training pictures (of pixel chains: from where they are)."""
    import torch

    from models.plug.why import diagnose
    from models.samplers import conditions
    from models.samplers.conditions import Seen, Wanted

    parts, classifier, target = chains.parts, chains.setup.classifier, chains.target
    if chains.variant.space == "h":
        noise = torch.randn(_STARTS, target.d, generator=torch.Generator().manual_seed(0)).to(parts.device)
        starts = torch.cat([noise, parts.codes[:_STARTS].to(parts.device)])
    else:
        starts = chains.state.x[: 2 * _STARTS]
    own = (chains.setup.conditions[0],) * len(starts)
    wanted = Wanted(own, conditions.room_of(parts, classifier), parts.device)
    found = diagnose(lambda v: wanted.judge(Seen(parts, target.picture(v), classifier), "log-prob").objective, starts)
    from_noise = isinstance(chains.start, str) and chains.start == "noise"  # so nobody needs to be told to
    remedy = found.remedy.replace("Start from noise, or choose", "Choose") if from_noise else found.remedy
    return Tried(found.works, found.verdict, remedy)
