"""A page whose samples are those of a seed: it gives one away, takes one from a file, and shows the sample that a file is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QSpinBox

from studio.doors import Take
from studio.export.texts import options_checked
from studio.pages.page import Page
from studio.pages.restoring import Restoring, fresh


class SeededPage(Page):
    """A subclass makes `restoring` once its session is there, and its fields: `seed` and `ema` of pictures, `drawing` of sentences."""

    restoring: Restoring
    session: Any

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """The recipe of an exported file, whose run is open or being opened on this page."""
        self.restoring.want(recipe, take)

    @property
    def seed_box(self) -> QSpinBox:
        """Where the seed stands of what is seen."""
        bar: Any = getattr(self, "drawing", None)
        found: QSpinBox = bar.seed if bar is not None else getattr(self, "seed")  # noqa: B009 (a subclass makes it)
        return found

    def seed_taker(self) -> bool:
        """Whether there is a run that takes a seed."""
        return self.session.run is not None

    def take_seed(self, seed: int) -> None:
        """Samples of another seed."""
        self.seed_box.setValue(seed)

    def random_seed(self) -> int:
        """Samples of a seed that nobody has chosen; returns it."""
        self.take_seed(seed := fresh())
        return seed

    def show_made(self, made: Mapping[str, Any]) -> None:
        """How a file's samples were drawn: from the averaged G or not, temperature, prompt, net; what is no such value is let alone."""
        ema, bar, options = getattr(self, "ema", None), getattr(self, "drawing", None), made.get("options")
        if ema is not None and isinstance(made.get("ema"), bool):
            ema.setChecked(made["ema"])
        if bar is not None and isinstance(options, dict):
            known = {name: options[name] for name in ("temperature", "top_k", "nucleus", "prompt") if name in options}
            bar.show_options(options_checked(known))

    def show_samples(self) -> None:
        """Bring the samples of the seed to the front."""

    def select_sample(self, row: int) -> bool:
        """Select a sample of the seed; False if it is not among those that are shown."""
        grid: Any = getattr(self, "samples", None)
        if grid is None or not hasattr(grid, "clicked") or row >= grid.count():
            return False
        grid.select(row)
        grid.clicked.emit(row)
        return True
