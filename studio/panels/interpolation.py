"""A straight line in z: between two latents, or between two real pictures whose z_r was recovered."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.panels.samples import ImageGrid
from studio.widgets import Segmented, column, row, tool

WIDTH, ITERATIONS = 304, 400  # pixels of the strip; steps of the search


LARGEST = 64  # pixels; larger pictures are averaged down to it


def smaller(pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, C) uint8 of at most LARGEST pixels, each the mean of a block."""
    n, side, _, colours = pictures.shape
    block = max(1, side // LARGEST)
    means = pictures.reshape(n, side // block, block, side // block, block, colours).mean((2, 4))
    return means.round().astype(np.uint8)


class InterpolationPanel(QWidget):
    """One strip, what it runs between, and another pair.

    Signals:
        wanted (str, dict): a view and its arguments.
        dropped (): the search for z_r is not wanted any more.
    """

    wanted = Signal(str, dict)
    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pair, self._held_out, self._searching, self._tiles = 0, 2, False, 8
        self.strip = ImageGrid("Interpolation", columns=self._tiles, rows=1)
        self.between = Segmented(["two z", "two real x"], ["Between two latents", "Between two held-out pictures: z_r minimises |x − G(z)| by Adam"])
        self.between.chosen.connect(self._on_between)
        self.other = tool("dice", "Another pair", self._on_other)
        body = column(self, spacing=4)
        body.addWidget(self.strip)
        body.addLayout(row(self.between, self.other, 1))

    def reset(self, held_out: int, size: int) -> None:
        """Another run; `held_out` pictures of `size` pixels can be recovered."""
        self._tiles = max(4, WIDTH // (min(size, LARGEST) + 4))
        self._pair, self._held_out, self._searching = 0, held_out, False
        self.between.select(0)
        self.between.buttons[1].setEnabled(held_out >= 2)

    def ask_again(self, *, search: bool = False) -> None:
        """The weights have changed; a search for z_r is only begun again if that is wanted, since it takes seconds."""
        if self.between.selected() == 0 or search:
            self._searching = self.between.selected() == 1
            self._ask()

    def show_view(self, view: Any, *, last: bool) -> None:
        """A path; in a search also how far it is and how near the ends are."""
        path = smaller(view.pictures["path"])
        if "real" not in view.pictures:
            self.strip.strip(path)
            self.strip.set_heading("Interpolation", "z from one latent to another")
            return
        real = smaller(view.pictures["real"])
        self._searching = not last
        self.strip.strip(np.concatenate([real[:1], path, real[1:]]))
        done, total = view.numbers["done"]
        a, b = view.numbers["error"]
        self.strip.set_heading("x · G(z) · x", f"|x − G(z)| {a:.3f}, {b:.3f}" + ("" if last else f" · {done / total:.0%}"))

    def _on_between(self, place: int) -> None:
        if self._searching and place == 0:
            self.dropped.emit()
        self._searching = place == 1
        self._ask()

    def _on_other(self) -> None:
        self._pair += 1
        self._ask()

    def _ask(self) -> None:
        a = 2 * self._pair
        if self.between.selected() == 0:
            self.wanted.emit("interpolation", {"a": a, "b": a + 1, "steps": self._tiles})
        else:
            self.strip.set_heading("x · G(z) · x", "searching z …")
            a %= max(1, self._held_out - 1)
            self.wanted.emit("recovery", {"a": a, "b": a + 1, "steps": self._tiles - 2, "iterations": ITERATIONS})
