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

POINTS = 400  # of a trace; of longer walks every second, third … step is sent
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
        self.judged = [pair for pair in self.judged if pair[0] <= n]

    def last(self) -> np.ndarray | None:
        """(chains, scalars) of the last step."""
        return self._rows[self.n - 1].copy() if self.n else None

    def scalars(self, first: int) -> np.ndarray:
        """(steps, chains, scalars) from a step on."""
        return self._rows[first : self.n]

    def traces(self, chain: int, frozen: np.ndarray) -> Traces:
        """At most POINTS steps, the last one among them."""
        every = max(1, -(-self.n // POINTS))
        places = np.arange(self.n - 1, -1, -every)[::-1]
        rows = self._rows[places]
        alive = rows[:, ~frozen] if not frozen.all() else rows
        judged = np.array([(step, _mean(v), v[chain]) for step, v in self.judged], np.float32).reshape(-1, 3)
        mean = alive.mean(1) if len(places) else np.empty((0, rows.shape[2]), np.float32)
        return Traces(places + 1, mean, rows[:, chain].copy(), judged[:: max(1, len(judged) // POINTS)])


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
    own = tuple(tuple(map(str, c)) for c in chains.setup.conditions)
    wishes = own[0] if len(set(own)) == 1 else own
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
    return Tried(found.works, found.verdict, found.remedy)
