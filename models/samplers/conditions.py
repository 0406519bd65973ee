"""The condition expert p(y|x) of the PPGN family: what chains climb, in classes, hidden neurons, sentences, or several of them with weights.

    CLASS[:WEIGHT]           3 · glasses=round · round (where one attribute alone has it) · glasses (any value but "none")
    caption:TEXT[:WEIGHT]    caption:a smiling person with red hair
    unit:LAYER/INDEX[:WEIGHT]    unit:h/12 · unit:h1/5 (the middle of the map) · unit:h1/5/0/3 (its row and column)

Three objectives climb a logit z_c among the logits z of the same layer:

    log-prob    log p(c|x) = z_c − log Σ exp z: its exact gradient is onehot − p on all logits
    released    the authors' code: 1 − p_c on z_c, nothing on the other logits
    logit       z_c itself, as in DGN-AM and activation maximisation

A condition that several classes fulfil ("glasses") has log Σ exp of their logits in the place of z_c. A sentence has log-prob alone.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import BadInput
from models.samplers.parts import Classifier, Logits, Parts

Objective = Literal["log-prob", "released", "logit"]
OBJECTIVES: tuple[Objective, ...] = ("log-prob", "released", "logit")
NONE = ("none", "no")  # the value of an attribute that is not there


@dataclass(frozen=True)
class Condition:
    """One thing that is wanted of a picture."""

    kind: Literal["class", "caption", "unit"]
    text: str  # as it is typed, without its weight
    weight: float = 1.0  # negative: not this
    head: str = ""  # attribute of a class; layer of a unit
    members: tuple[int, ...] = ()  # classes that fulfil it; the unit's index
    place: tuple[int, int] | None = None  # row and column of a unit of a map

    def __str__(self) -> str:
        short = f"{self.weight:g}"
        exact = short if float(short) == self.weight else repr(self.weight)  # a record of chains is made again bit by bit
        return self.text if self.weight == 1 else f"{self.text}:{exact}"


class Room(NamedTuple):
    """What can be asked for."""

    heads: Mapping[str, Sequence[str]]  # attribute -> names of its classes
    words: Sequence[str] | None  # of the captioner; empty: there is none; None: the network itself says what it does not know
    layers: Mapping[str, tuple[int, ...]]  # layer -> (units,) or (units, rows, columns)


def room_of(parts: Parts, classifier: Classifier | None = None) -> Room:
    """What these parts can be asked for; a foreign classifier answers for classes and captions, never for units."""
    layers: dict[str, tuple[int, ...]] = {}
    if parts.trained.get("encoder", 0):
        with torch.no_grad():
            h1, h = parts.E_features(torch.zeros(1, parts.channels, parts.size, parts.size, device=parts.device))
        layers = {"h": tuple(h.shape[1:]), "h1": tuple(h1.shape[1:])}
    if classifier is not None:
        return Room(classifier.heads, None if classifier.caption_log_p else (), layers)
    return Room(parts.heads, parts.words if parts.trained.get("captioner", 0) else (), layers)


# --- as typed -----------------------------------------------------------------------------------------------------


def parse(text: str, room: Room) -> Condition:
    """What a person typed as a condition; raises BadInput that names what is near."""
    word, weight = _weighed(text.strip())
    if word.startswith("caption:"):
        return _caption(word.removeprefix("caption:").strip(), weight, room)
    if word.startswith("unit:"):
        return _unit(word, weight, room)
    return _class(word, weight, room)


def _weighed(text: str) -> tuple[str, float]:
    before, colon, after = text.rpartition(":")
    try:
        weight = float(after) if colon and before not in ("caption", "unit") else None
    except ValueError:
        weight = None
    if weight is None:
        return text, 1.0
    if not math.isfinite(weight) or weight == 0:
        raise BadInput(f"The weight of a condition is a number other than 0; got {after!r} in {text!r}.")
    return before.strip(), weight


def _class(word: str, weight: float, room: Room) -> Condition:
    if not room.heads:
        raise BadInput(f"This network knows no classes, so {word!r} cannot be asked for: write caption:{word}.")
    attribute, equals, value = (part.strip() for part in word.partition("="))
    if equals:
        if attribute not in room.heads:
            raise BadInput(f"There is no attribute {attribute!r}; {_near(attribute, list(room.heads))}")
        if value not in room.heads[attribute]:
            raise BadInput(f"{attribute} has no value {value!r}; {_near(value, list(room.heads[attribute]))}")
        return Condition("class", word, weight, attribute, (list(room.heads[attribute]).index(value),))
    having = [a for a, values in room.heads.items() if word in values]
    if len(having) == 1:
        return Condition("class", word, weight, having[0], (list(room.heads[having[0]]).index(word),))
    if word in room.heads:
        values = list(room.heads[word])
        without = [i for i, v in enumerate(values) if v not in NONE]
        if len(without) < len(values):
            return Condition("class", word, weight, word, tuple(without))
        raise BadInput(f"{word} alone is no class: write {word}={values[0]}; it has the values {', '.join(values)}.")
    if having:
        raise BadInput(f"{word!r} is a value of {', '.join(having)}: write {having[0]}={word}.")
    whole = [a for a, values in room.heads.items() if set(values) & set(NONE)]  # the others are no class by themselves
    names = [*whole, *dict.fromkeys(v for values in room.heads.values() for v in values)]
    raise BadInput(f"There is no class {word!r}; {_near(word, names)}")


def _near(word: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, names, 3, 0.5)
    return (
        f"did you mean {' or '.join(repr(c) for c in close)}?" if close else f"there are {', '.join(names[:40])}{', …' if len(names) > 40 else ''}."
    )


def _caption(sentence: str, weight: float, room: Room) -> Condition:
    from models.data.labelled import cut

    if room.words is not None:
        if not room.words:
            raise BadInput("There is no captioner here: train the phase 'captioner' on data with captions, or ask for classes.")
        known = set(room.words) - {""}
        for w in cut(sentence):
            if w not in known:
                raise BadInput(f"The captioner does not know the word {w!r}; {_near(w, sorted(known))}")
    if not cut(sentence):
        raise BadInput("A caption needs at least one word: write caption:a smiling person, for example.")
    return Condition("caption", f"caption:{sentence}", weight)


def _unit(word: str, weight: float, room: Room) -> Condition:
    layer, *numbers = word.removeprefix("unit:").split("/")
    if layer not in room.layers:
        raise BadInput(f"There is no layer {layer!r} of hidden neurons; the layers are {', '.join(room.layers) or 'none: train the phase encoder'}.")
    shape = room.layers[layer]
    if len(shape) == 3 and len(numbers) == 1:
        numbers = [numbers[0], str(shape[1] // 2), str(shape[2] // 2)]
    good = len(numbers) == len(shape) and all(n.isdecimal() and int(n) < most for n, most in zip(numbers, shape, strict=True))
    if not good:
        form = f"unit:{layer}/INDEX with an index below {shape[0]}" + (f", or /INDEX/ROW/COLUMN below {shape[1]} and {shape[2]}" if shape[1:] else "")
        raise BadInput(f"A neuron of {layer} is written {form}; got {word!r}.")
    index, *place = (int(n) for n in numbers)
    return Condition("unit", word, weight, layer, (index,), (place[0], place[1]) if place else None)


# --- as computed --------------------------------------------------------------------------------------------------


class Seen:
    """A batch of pictures, and what the nets make of it; each is computed once, when it is asked for."""

    def __init__(self, parts: Parts, x: Tensor, classifier: Classifier | None = None) -> None:
        """`x`: (chains, channels, size, size) in [-1, 1]."""
        self.parts, self.x, self.classifier = parts, x, classifier

    @cached_property
    def features(self) -> tuple[Tensor, Tensor]:
        """E's h1 and h."""
        return self.parts.E_features(self.x)

    @cached_property
    def logits(self) -> Logits:
        """Of the condition network: C on E's h, or the foreign classifier on x."""
        return self.classifier.logits(self.x) if self.classifier else self.parts.C_logits(self.features[1])

    def caption_log_p(self, sentence: str, rows: Tensor) -> Tensor:
        """(rows,): log p of the sentence, summed over its words."""
        if self.classifier is not None:
            assert self.classifier.caption_log_p is not None
            return self.classifier.caption_log_p(sentence, self.x[rows]).sum(1)
        return self.parts.caption_log_p(sentence, self.features[1][rows]).sum(1)

    def units(self, layer: str, place: tuple[int, int] | None) -> Tensor:
        """(chains, units): activations at one place of a layer."""
        values = self.features[0 if layer == "h1" else 1]
        return values if place is None else values[:, :, place[0], place[1]]


class Judged(NamedTuple):
    """What the condition network says of each chain's picture."""

    objective: Tensor  # (chains,): what the gradient is taken of
    log_p: Tensor  # (chains,): Σ weight · log p(c|x)


class _Entry(NamedTuple):
    """Conditions that read the same logits, over all chains."""

    key: tuple  # (kind, head or sentence, place)
    rows: Tensor  # (m,) the chain of each
    members: Tensor | None  # (m, classes) bool: what fulfils it; None for a sentence
    weights: Tensor  # (m,)


class Wanted:
    """What every chain is after; chains may differ.

    Args:
        conditions: for each chain its conditions, at least one; one tuple that stands for all chains is repeated by the caller.
    """

    def __init__(self, conditions: Sequence[Sequence[Condition]], room: Room, device: torch.device) -> None:
        self.conditions = tuple(tuple(c) for c in conditions)
        found: dict[tuple, list[tuple[int, Condition]]] = {}
        for chain, wishes in enumerate(self.conditions):
            for c in wishes:
                key = (c.kind, c.text if c.kind == "caption" else c.head, c.place)
                found.setdefault(key, []).append((chain, c))
        self._entries = [self._entry(key, pairs, room, device) for key, pairs in found.items()]
        self._chains = len(self.conditions)

    @staticmethod
    def _entry(key: tuple, pairs: list[tuple[int, Condition]], room: Room, device: torch.device) -> _Entry:
        rows = torch.tensor([chain for chain, _ in pairs], device=device)
        weights = torch.tensor([c.weight for _, c in pairs], device=device)
        if key[0] == "caption":
            return _Entry(key, rows, None, weights)
        count = len(room.heads[key[1]]) if key[0] == "class" else room.layers[key[1]][0]
        members = torch.zeros(len(pairs), count, dtype=torch.bool, device=device)
        for row, (_, c) in zip(members, pairs, strict=True):
            row[list(c.members)] = True
        return _Entry(key, rows, members, weights)

    def judge(self, seen: Seen, objective: Objective) -> Judged:
        """Both sums for each chain, with gradients to `seen.x`."""
        total = log_p = torch.zeros(self._chains, device=seen.x.device)
        for e in self._entries:
            value, known = self._one(e, seen, objective)
            total = total.index_add(0, e.rows, e.weights * value)
            log_p = log_p.index_add(0, e.rows, e.weights * known.detach())
        return Judged(total, log_p)

    @staticmethod
    def _one(e: _Entry, seen: Seen, objective: Objective) -> tuple[Tensor, Tensor]:
        kind, name, place = e.key
        if e.members is None:
            log_p = seen.caption_log_p(name.removeprefix("caption:"), e.rows)
            return log_p, log_p
        z = (seen.logits[name] if kind == "class" else seen.units(name, place))[e.rows].float()
        z_c = z.masked_fill(~e.members, -math.inf).logsumexp(1)
        log_p = z_c - z.logsumexp(1)
        match objective:
            case "log-prob":
                return log_p, log_p
            case "released":
                return z_c * (1 - log_p.detach().exp()), log_p
            case "logit":
                return z_c, log_p


# --- what the independent classifier says -------------------------------------------------------------------------


def agreement(conditions: Sequence[Sequence[Condition]], logits: Logits, heads: Mapping[str, Sequence[str]]) -> list[bool | None]:
    """For each chain whether its picture is what was asked for, as these logits see it: every named attribute has a wanted value.

    None for a chain with a neuron, a sentence that nobody can read, or a class that `heads` lacks.
    """
    seen = {a: v.argmax(1).tolist() for a, v in logits.items()}
    return [_agrees(wishes, {a: heads[a][column[i]] for a, column in seen.items()}, heads) for i, wishes in enumerate(conditions)]


def _agrees(wishes: Sequence[Condition], found: Mapping[str, Any], heads: Mapping[str, Sequence[str]]) -> bool | None:
    from models.data.reading import read

    verdict = True
    for c in wishes:
        if c.kind == "caption":
            named = read(c.text.removeprefix("caption:"), heads)
            right = None if named is None else all(found[a] == v for a, v in named.items())
        else:
            theirs = renamed(c, heads)
            right = None if theirs is None else found[c.head] in {heads[c.head][i] for i in theirs.members}
        if right is None:
            return None
        verdict = verdict and right == (c.weight > 0)
    return verdict


def renamed(c: Condition, heads: Mapping[str, Sequence[str]]) -> Condition | None:
    """A condition on a class as another network with these heads knows it, by name; None where it is no class, or no such class is there."""
    if c.kind != "class" or c.head not in heads:
        return None
    values, asked = list(heads[c.head]), c.text.partition("=")[2].strip() or c.text
    members = tuple(i for i, v in enumerate(values) if (v not in NONE if asked == c.head else v == asked))
    return replace(c, members=members) if members else None


def top(logits: Logits, heads: Mapping[str, Sequence[str]], chain: int, k: int = 5) -> list[tuple[str, str, float]]:
    """The k most probable classes of one chain, over all heads together: (attribute, class, probability), best first."""
    found = [(a, heads[a][i], p) for a, v in logits.items() for i, p in enumerate(F.softmax(v[chain].float(), 0).tolist())]
    return sorted(found, key=lambda f: -f[2])[:k]
