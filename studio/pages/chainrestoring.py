"""The chains of an exported file, back on their face once the parts of its run are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker

from studio.doors import Take
from studio.export.chaining import told_of
from studio.pages.restoring import fresh
from studio.panels.chainside import MOST
from studio.panels.conditionfield import check
from studio.workers.chainsagain import CHANGED

if TYPE_CHECKING:
    from studio.pages.ppgnchains import ChainsFace


class ChainRestoring:
    """Of one face."""

    def __init__(self, face: ChainsFace) -> None:
        self._face = face
        self._wish: tuple[Mapping[str, Any], Take] | None = None  # the recipe of a file whose run is being opened

    def want(self, recipe: Mapping[str, Any], take: Take) -> None:
        """On the parts that are being opened, or are open."""
        self._wish = (recipe, take)
        face = self._face
        if face.facts is not None and face.path == face.facts.path:
            self.restore()

    def restore(self) -> bool:
        """Whether chains of a file are made in the place of those that stand in the panels."""
        face, wish = self._face, self._wish
        self._wish = None
        if wish is None or wish[1] == "model" or face.facts is None:
            return False
        recipe, take = wish
        try:
            told = told_of(dict(recipe))
            variant, knobs, wishes = str(told["variant"]), dict(told["knobs"]), tuple(map(str, told["conditions"]))
            chains, seed = int(told["chains"]), fresh() if take == "no-seed" else int(told["seed"])
            member = next(m for m in face.facts.members if m.name == variant)
        except (LookupError, AttributeError, TypeError, ValueError, StopIteration):
            face.failed.emit(CHANGED)
            return False
        if member.why_not or chains > MOST:
            face.failed.emit(member.why_not or f"These are {chains:,} chains, and the window has room for {MOST}: walk them with the command line.")
            return False
        face.steering.choose(variant)
        face.stage.bar.show_facts(face.facts, variant)
        face.steering.put({name: value for name, value in knobs.items() if name in face.side.epsilons.rows})
        if wishes and not check(wishes, face.facts.knows):
            face.prefer(*wishes)
            face.stage.bar.condition.show_wishes(wishes)
        for field, value in ((face.side.chains, chains), (face.side.seed, seed)):
            with QSignalBlocker(field):
                field.setValue(min(value, field.maximum()))
        face.worker.ask_for("again", (recipe["chains"], seed if take == "no-seed" else None))
        chain = recipe.get("made", {}).get("chain")
        if type(chain) is int and 0 <= chain < chains:
            face.select(chain)
        return True
