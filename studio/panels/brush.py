"""A density painted with the brush: its weights, and the tools beside the stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from models.errors import BadData, StudioError
from models.samplers.drawn import Drawn, dabbed
from studio import theme
from studio.widgets import Slider, button, column, label, row

CELLS = 64
_EVERY_MS = 60


class BrushPanel(QWidget):
    """Holds the painting.

    Signals:
        painted(ndarray): other weights (n, n), at most 16 times a second while a stroke lasts.
        brush_changed(float): the radius.
        stroked(ndarray, ndarray, str): the weights before and after a stroke, or something else that was done, and its name.
        save(), load(): ask for a file.
        failed(str): one sentence.
    """

    painted = Signal(object)
    brush_changed = Signal(float)
    stroked = Signal(object, object, str)
    save = Signal()
    load = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.weights = self._before = first_painting()
        self.radius, self.strength = 0.35, 0.25
        body = column(self, spacing=4)
        hint = label("Paint on the stage: left button adds, right button removes. By keyboard: arrows, Enter, Delete.", "caption")
        hint.setWordWrap(True)
        body.addWidget(hint)
        body.addLayout(self._slider("Radius", 0.1, 1.5, self.radius, self._set_radius))
        body.addLayout(self._slider("Strength", 0.02, 1.0, self.strength, self._set_strength))
        self.clear_button = button("Clear", "trash", tip="Begin with an empty square", clicked=self.clear)
        self.save_button = button("Save…", "save", tip="Save the painting as .json (exact) or .png", clicked=self.save.emit)
        self.load_button = button("Load…", "open", tip="Open a painting, or any square grey .png up to 256 points a side", clicked=self.load.emit)
        body.addLayout(row(self.clear_button, self.save_button, self.load_button, 1, spacing=4))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._tell)

    def dab(self, at: tuple[float, ...], adds: bool) -> None:
        """The brush touches a point."""
        top = max(1.0, float(self.weights.max()))
        self.weights = dabbed(self.weights, (at[0], at[1]), self.radius, (1 if adds else -1) * self.strength * top)
        if not self._timer.isActive():
            self._timer.start()

    def end_stroke(self) -> None:
        """The brush is lifted."""
        self._timer.stop()
        self._tell()
        self._remember("brush stroke")

    def clear(self) -> None:
        """An empty square; it becomes the target with the first dab."""
        self.weights = np.zeros((CELLS, CELLS))
        self._remember("painting cleared")
        self.failed.emit("The square is empty: paint something, and it becomes the target.")

    def write(self, path: Path) -> bool:
        """Save the painting; False, and `failed`, where that does not work."""
        try:
            Drawn(self.weights).save(path)
        except StudioError as error:
            self.failed.emit(str(error))
            return False
        return True

    def read(self, path: Path) -> bool:
        """Load a painting; False, and `failed`, where that does not work."""
        try:
            self.weights = Drawn.load(path).weights
        except BadData as error:
            self.failed.emit(str(error))
            return False
        self._remember("painting loaded")
        self.painted.emit(self.weights)
        return True

    def put(self, weights: np.ndarray) -> None:
        """A painting as it was; an empty one waits for the first dab."""
        self.weights = self._before = weights
        self._tell()

    def _remember(self, what: str) -> None:
        before, self._before = self._before, self.weights
        if before is not self.weights:
            self.stroked.emit(before, self.weights, what)

    def _tell(self) -> None:
        if self.weights.any():
            self.painted.emit(self.weights)

    def _slider(self, name: str, low: float, high: float, value: float, use: Callable[[float], None]) -> QHBoxLayout:
        slider, number = Slider(100), label(kind="muted")
        slider.setAccessibleName(f"{name} of the brush")
        number.setMinimumWidth(theme.theme().px(32))

        def moved(place: int) -> None:
            found = low + (high - low) * place / 100
            number.setText(f"{found:.2f}")
            use(found)

        slider.valueChanged.connect(moved)
        slider.setValue(round(100 * (value - low) / (high - low)))
        line = row(label(name), slider, number)
        line.setStretch(1, 1)
        return line

    def _set_radius(self, value: float) -> None:
        self.radius = value
        self.brush_changed.emit(value)

    def _set_strength(self, value: float) -> None:
        self.strength = value


def first_painting() -> np.ndarray:
    """(64, 64): a wave to begin with."""
    weights = np.zeros((CELLS, CELLS))
    for x in np.linspace(-3, 3, 25):
        weights = dabbed(weights, (float(x), 1.6 * float(np.sin(1.4 * x))), 0.35, 0.3)
    return weights
