"""What is in force while chains step, and how it is checked and written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models import knobs as settings
from models.errors import BadInput
from models.samplers import conditions
from models.samplers.conditions import Condition, Room
from models.samplers.parts import Classifier, Parts
from models.samplers.variants import PER_CHAIN, Knobs

Wishes = Sequence[str] | Sequence[Sequence[str]]  # conditions as typed: of all chains, or of each chain
Asked = tuple[tuple[Condition, ...], ...]  # of each chain
Each = Mapping[str, tuple[float, ...]]  # values that differ from chain to chain, by name of PER_CHAIN


@dataclass(frozen=True)
class Setup:
    """What can be changed between two steps."""

    knobs: Knobs
    conditions: Asked
    each: Each
    classifier: Classifier | None = None  # in the place of the run's own C

    @property
    def wishes(self) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        """The conditions as typed: once if all chains have the same, else of each chain."""
        own = tuple(tuple(map(str, c)) for c in self.conditions)
        return own[0] if len(set(own)) == 1 else own

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


def parsed(wishes: Wishes, chains: int, room: Room) -> Asked:
    """Conditions of every chain; raises BadInput."""
    if not wishes:
        raise BadInput("A chain needs at least one condition: name a class, a caption or a neuron.")
    whole = [text for text in wishes if isinstance(text, str)]
    if whole:
        return (tuple(conditions.parse(text, room) for text in whole),) * chains
    own = [[str(text) for text in texts] for texts in wishes]
    known = {text: conditions.parse(text, room) for text in dict.fromkeys(t for texts in own for t in texts)}
    if len(own) != chains or not all(own):
        raise BadInput(f"There are {chains} chains and conditions for {len(own)}: give each chain at least one, or the same to all.")
    return tuple(tuple(known[text] for text in texts) for texts in own)


def checked(each: Mapping[str, Sequence[float]], chains: int, knobs: Knobs) -> Each:
    """One number a chain for each name, within the knobs' ranges; raises BadInput."""
    for name, values in each.items():
        if name not in PER_CHAIN:
            raise BadInput(f"{name} is the same for all chains; what may differ is {', '.join(PER_CHAIN)}.")
        if len(values) != chains:
            raise BadInput(f"{name} has {len(values)} values, and there are {chains} chains: give one for each.")
        for value in set(values):
            settings.changed(knobs, {name: value})
    return {name: tuple(map(float, values)) for name, values in each.items()}


def plugged(record: Mapping[str, Any], classifiers: Sequence[Classifier]) -> Classifier | None:
    """The one of `classifiers` that a Setup's record names, None where it names none; raises BadInput."""
    if "classifier" not in record:
        return None
    for classifier in classifiers:
        if dict(classifier.origin) == record["classifier"]:
            return classifier
    raise BadInput(f"These chains climbed the classifier {record['classifier'].get('spec')!r}, which is not at hand: open it first.")


def restored(record: Mapping[str, Any], parts: Parts, chains: int, classifiers: Sequence[Classifier]) -> Setup:
    """A Setup from its record; `classifiers` hold the one that it names; raises BadInput."""
    classifier, wishes = plugged(record, classifiers), record["conditions"]
    asked = parsed(wishes[0] if len(wishes) == 1 else wishes, chains, conditions.room_of(parts, classifier))
    knobs = settings.make(Knobs, record["knobs"])
    return Setup(knobs, asked, checked(record.get("each", {}), chains, knobs), classifier)


def grid(rows: Sequence[Sequence[str]], columns: Sequence[Mapping[str, float]]) -> tuple[list[list[str]], dict[str, list[float]]]:
    """Conditions and values of one batch: each row has its own conditions, each column its own settings; chain = row · columns + column."""
    wishes = [list(row) for row in rows for _ in columns]
    names = sorted({name for column in columns for name in column})
    return wishes, {name: [column[name] for _ in rows for column in columns] for name in names}
