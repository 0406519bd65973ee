"""Training curves: a row of cards over one history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from studio import theme
from studio.panels.plot import PlotCard
from studio.panels.series import LARGEST, History
from studio.widgets import Slider, label, row

if TYPE_CHECKING:
    from models.contract import Plot

_EVERY_MS = 100  # a redraw costs the trainer time, see the design
_NEAR_PX = 4


class CurvesPanel(QWidget):
    """Plots of a run, drawn at most ten times a second and only while they can be seen.

    Signals:
        hovered(int): the step under the mouse; -1 when it has left.
        smoothing_changed(float): the weight of the past that the person has set.
    """

    hovered = Signal(int)
    smoothing_changed = Signal(float)

    def __init__(self, plots: Sequence[Plot], columns: int = 0, smoothing: float = 0.98, *, points: bool = False, fitted: bool = False) -> None:
        """`points` marks each value, for series of a few; `fitted` lets each plot span only the steps at which it has numbers."""
        super().__init__()
        self.history = History(c.field for p in plots for c in p.curves)
        self._knobs: dict[int, str] = {}
        self._alarms: dict[int, str] = {}
        self._phases: dict[int, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(12)
        self.cards = [PlotCard(p, points=points, fitted=fitted) for p in plots]
        for i, card in enumerate(self.cards):
            grid.addWidget(card, *divmod(i, columns or len(plots)))
            card.hovered.connect(self._on_hover)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._redraw)
        self._dirty = True
        self._slider: Slider | None = None
        self.history.set_beta(smoothing)
        theme.notifier.changed.connect(self._on_theme)

    def append(self, start_step: int, columns: Mapping[str, np.ndarray]) -> None:
        """Values of consecutive steps, one array a field; starting earlier than the end forgets what came after."""
        self.history.append(start_step, columns)
        self._later()

    def add_point(self, step: int, values: Mapping[str, float]) -> None:
        """Values of one step, where a series has a few only."""
        self.history.add_point(step, values)
        self._later()

    def set_end(self, step: int) -> None:
        """The step up to which the run has come: the axis shows them all."""
        if step + 1 > self.history.end:
            self.history.end = step + 1
            self._later()

    def show_plots(self, fields: Collection[str]) -> None:
        """Only the plots that have one of these fields; all of them if none has."""
        wanted = [card for card in self.cards if set(card.fields()) & set(fields)] or self.cards
        for card in self.cards:
            card.setVisible(card in wanted)

    def for_export(self) -> None:
        """As a figure: axis titles, and nothing to click."""
        for card in self.cards:
            card.for_export()

    def clear(self) -> None:
        """Another run begins."""
        self.history.clear()
        self._knobs, self._phases, self._alarms = {}, {}, {}
        for card in self.cards:
            card.show_marks([])
            card.show_alarms([])
            card.show_phases({})
            card.show_cursor(None)
            card.fit()
        self._later()

    def set_smoothing(self, weight: float) -> None:
        """Weight of the past in the exponential mean, from 0 to 0.999."""
        self.history.set_beta(weight)
        if self._slider is not None:
            self._slider.blockSignals(True)
            self._slider.setValue(round(-100 * float(np.log10(1 - self.history.smoothing))))
            self._slider.blockSignals(False)
        self._later()

    def smoothing(self) -> float:
        """The present weight."""
        return self.history.smoothing

    def smoothing_control(self) -> QWidget:
        """The slider for it, to be put where the page keeps its view controls."""
        box = QWidget()
        self._slider = Slider(300)
        self._slider.setAccessibleName("Smoothing of the curves")
        value = label(kind="muted")
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = row(label("Smoothing"), self._slider, value)
        line.setStretch(1, 1)
        box.setLayout(line)
        box.setToolTip("Bias-corrected exponential mean over the full series; the raw curve stays faintly behind it.")
        value.setMinimumWidth(theme.theme().px(36))

        def moved(place: int) -> None:
            weight = min(LARGEST, 1 - 10 ** (-place / 100))
            value.setText(f"{weight:.3f}" if weight > 0.99 else f"{weight:.2f}")
            self.history.set_beta(weight)
            self._later()
            self.smoothing_changed.emit(weight)

        self._slider.valueChanged.connect(moved)
        start = self.history.smoothing
        value.setText(f"{start:.2f}")
        self.set_smoothing(start)
        return box

    def mark_phase(self, step: int, name: str) -> None:
        """A border where a phase begins."""
        self._phases[step] = name
        for card in self.cards:
            card.show_phases(self._phases)

    def mark_knob(self, step: int, text: str) -> None:
        """A tick on the axis where something was changed; its text appears beside the step when the mouse is near."""
        self._knobs[step] = f"{self._knobs[step]}, {text}" if step in self._knobs else text
        for card in self.cards:
            card.show_marks(sorted(self._knobs))

    def mark_alarm(self, step: int, text: str) -> None:
        """A line where something looked wrong; its text appears beside the step when the mouse is near."""
        self._alarms[step] = text
        for card in self.cards:
            card.show_alarms(sorted(self._alarms))

    def alarms(self) -> list[int]:
        """The steps that are marked so."""
        return sorted(self._alarms)

    def show_cursor(self, step: int | None) -> None:
        """The line of the time machine; None takes it away."""
        for card in self.cards:
            card.show_cursor(step)

    def _on_hover(self, step: int) -> None:
        near = _NEAR_PX * self.cards[0].pixel() if self.cards and step >= 0 else 0.0
        notes = "".join(f" · {text}" for at, text in (*self._knobs.items(), *self._alarms.items()) if abs(at - step) <= near)
        for card in self.cards:
            card.show_step(step, notes)
        self.hovered.emit(step)

    def _later(self) -> None:
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has come while nobody looked."""
        super().showEvent(event)
        if self._dirty:
            self._redraw()

    def _redraw(self) -> None:
        if self.isVisible():
            self._dirty = False
            for card in self.cards:
                card.draw(self.history)

    def _on_theme(self) -> None:
        for card in self.cards:
            card.restyle()
        self._later()
