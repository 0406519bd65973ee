"""The chains of an exported file, alive again: walked anew from the record in its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.errors import BadInput, StudioError
from studio.chainmessages import ChainWish
from studio.export.chaining import unpacked

if TYPE_CHECKING:
    from models.chains import Chains
    from models.samplers.parts import Classifier, Parts

MOST = 20_000  # steps that are walked again while a person waits
CHANGED = "The recipe describes no chains that these parts can walk: it was changed after the export."


def again(parts: Parts, told: Mapping[str, Any], seed: int | None, classifier: Classifier | None) -> tuple[Chains, ChainWish]:
    """The chains of `recipe["chains"]`, and the wish that they begin with.

    Args:
        seed: in the place of theirs, and then they stand at their start.
        classifier: the foreign one that is plugged in.

    Raises:
        BadInput: the record is none, they took too many steps, or climbed a classifier that is not plugged in.
    """
    from models.chains import Chains, replay

    try:
        record = unpacked(told)
        classifiers = [] if classifier is None else [classifier]
        steps, forks = record["steps"], sum("fork" in event for event in record["past"])
        if type(steps) is not int or record["place"] != steps + forks:
            raise ValueError(steps)
        if steps > MOST and seed is None:
            raise BadInput(
                f"These chains took {steps:,} steps, and the window walks at most {MOST:,} again: take all but the seed, or verify the file."
            )
        if seed is None:
            chains = replay(parts, record, classifiers)
            return chains, _wish(chains)
        first = replay(parts, {**record, "past": [], "place": 0, "steps": 0}, classifiers)
        wish = _wish(first, seed)
        arguments = {"each": wish.each, "chains": wish.chains, "seed": seed, "start": wish.start, "hole": wish.hole}
        return Chains(parts, wish.variant, wish.wishes, wish.change, classifier=first.setup.classifier, **arguments), wish
    except StudioError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError):
        raise BadInput(CHANGED) from None


def _wish(chains: Chains, seed: int | None = None) -> ChainWish:
    """What would make them, as they are set now."""
    setup = chains.setup
    return ChainWish(
        variant=chains.variant.name,
        wishes=setup.wishes,
        change=setup.knobs.model_dump(),
        each={name: tuple(values) for name, values in setup.each.items()},
        chains=chains.chains,
        seed=chains.seed if seed is None else seed,
        start=chains.start,
        hole=chains.hole,
    )
