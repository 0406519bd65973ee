"""Chains as a record, and made again from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from models.chains.setup import Fork, Setup, restored
from models.pngs import packed, unpacked
from models.samplers.parts import Classifier, Parts

if TYPE_CHECKING:
    from models.chains import Chains


def record_of(chains: Chains) -> dict[str, Any]:
    """Everything that makes these chains again from the same parts, as JSON."""
    start, hole = chains.start, chains.hole
    if not isinstance(start, str):
        start = packed(start if start.ndim == 3 else np.concatenate(list(start)))
    return {
        "variant": chains.variant.name,
        "chains": chains.chains,
        "seed": chains.seed,
        "start": start,
        "hole": None if hole is None else packed(hole.astype(np.uint8)[:, :, None] * 255),
        "setup": chains.first.record(),
        "past": [{"at": at, **({"set": what.record()} if isinstance(what, Setup) else {"fork": list(what)})} for at, what in chains.past],
        "place": chains.place,
        "steps": chains.t,
    }


def replay(parts: Parts, record: Mapping[str, Any], classifier: Classifier | None = None) -> Chains:
    """The chains of a record, made again bit for bit on the same device; `classifier` is the foreign one that it names.

    Raises:
        BadInput: the parts cannot do what the record says.
        KeyError, TypeError, ValueError: it is no record.
    """
    from models.chains import Chains

    setup, start, hole = record["setup"], record["start"], record["hole"]
    if start not in ("noise", "codes"):
        start = unpacked(start)
        start = start if len(start) == parts.size else start.reshape(-1, parts.size, parts.size, start.shape[-1])
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
                chains.put(restored(event["set"], parts, chains.chains, classifier))
            else:
                chains.fork(*Fork(*event["fork"]))
        if chains.place >= record["place"]:
            return chains
        if chains.place == place:
            chains.step()
