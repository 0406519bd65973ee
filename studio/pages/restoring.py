"""Puts seed, options and sample of an exported file on a page once the run that made it is open there."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from studio.messages import Opened, Reply

if TYPE_CHECKING:
    from studio.doors import Take
    from studio.pages.training import TrainingPage

SAMPLES = ("samples", "seqgan")  # panels whose answer is what the seed draws


class Restoring(QObject):
    """Of one page."""

    def __init__(self, page: TrainingPage) -> None:
        super().__init__(page)
        self._page = page
        self._wish: tuple[Mapping[str, Any], Take] | None = None
        self._row: int | None = None  # that is selected with the next samples
        page.session.opened.connect(self._on_opened)
        page.session.replied.connect(self._on_replied)

    def want(self, recipe: Mapping[str, Any], take: Take) -> None:
        """For the run that is open or being opened."""
        self._wish = (recipe, take)
        if self._page.session.run is not None and self._page.session.condition != "opening":
            self._on_opened(self._page.session.run)

    def _on_opened(self, run: Opened) -> None:
        del run
        wish, self._wish = self._wish, None
        if wish is None:
            return
        recipe, take = wish
        made = recipe.get("made")
        made = made if isinstance(made, dict) else {}
        if take == "model":
            return
        self._page.show_made(made)
        seed = made.get("seed")
        if type(seed) is int:
            self._page.show_samples()  # whose seed it is, and not that of chains or of a desk
        if take == "no-seed":
            self._page.random_seed()
        elif type(seed) is int:
            self._page.take_seed(seed)
        rows = made.get("rows")
        one = isinstance(rows, list) and len(rows) == 2 and all(type(v) is int for v in rows) and rows[1] == rows[0] + 1
        row = made["row"] if type(made.get("row")) is int else rows[0] if one and rows is not None else None
        if row is not None and take == "all":
            self._row = row
        self._page.looking.again()

    def _on_replied(self, reply: Reply) -> None:
        if self._row is not None and reply.panel in SAMPLES:
            row, self._row = self._row, None
            QTimer.singleShot(0, self, lambda: self._select(row))  # once the page has shown them

    def _select(self, row: int) -> None:
        if not self._page.select_sample(row):
            self._page.tell(f"Sample {row:,} is not among the first of this seed, which are shown here.")


def fresh() -> int:
    """A seed that nobody has chosen."""
    return random.SystemRandom().randrange(2**31)
