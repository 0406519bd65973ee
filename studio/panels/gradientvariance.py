"""How noisy the generator's gradient is: three estimators, the same nets, many redraws."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.panels.bars import Bar, Bars
from studio.panels.divergencerows import draw_formula, formula_width
from studio.widgets import button, column, label, number, row, spin

ESTIMATORS = {"per-z": "per z", "global": "global β", "reinforce": "REINFORCE"}
REDRAWS, SEED = 200, 0
NAMES, VALUES = 78, 66  # pixels for the words at the left and at the right
ROLES = {"per-z": "accent", "global": "controller", "reinforce": "baseline"}
EMPTY = "Not measured yet: Measure draws the same latents and samples anew many times, at the present step; nothing is trained by it."
FAIR = "They follow different gradients: the second is the fair comparison."
ABOUT = "Covariance of the gradient of G over redraws of its samples, the nets kept as they are."


class VariancePanel(QWidget):
    """A button, and bars on a logarithmic axis.

    Signals:
        wanted(dict): measure: redraws and seed, arguments of the view `variance`.
        dropped(): no longer.
    """

    wanted = Signal(dict)
    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._busy = False
        self.redraws = spin(20, 5_000, REDRAWS, "Redraws of every estimator", step=50)
        self.measure_button = button("Measure", "play", clicked=self._press)
        self.words = label(EMPTY, "muted")
        self.words.setWordWrap(True)
        title = label("Variance of the gradient", "section")
        title.setToolTip(ABOUT)
        self.trace, self.relative = _Scale("Trace of the covariance"), _Scale("The same over |mean gradient|²")
        body = column(self, spacing=8)
        body.addWidget(title)
        body.addLayout(row(self.measure_button, 1, label("redraws"), self.redraws))
        for widget in (self.words, self.trace, self.relative):
            body.addWidget(widget)
        self.reset()
        self.allow(False)

    def reset(self) -> None:
        """Nothing has been measured of this run."""
        self._set_busy(False)
        self.show_reason(EMPTY)

    def allow(self, on: bool) -> None:
        """Whether there is a run to measure."""
        self.measure_button.setEnabled(on)

    def show_reason(self, text: str) -> None:
        """Words instead of bars."""
        self._set_busy(False)
        self.words.setText(text)
        self._show(bars=False)

    def has_told(self) -> bool:
        """Whether a measurement has been carried through, or cannot be."""
        return not self._busy and self.words.text() != EMPTY

    def show_numbers(self, numbers: Mapping[str, np.ndarray], step: int) -> None:
        """What the view `variance` has by now: `<name>` and `<name>.relative`, (1,) each, and `done`, (2,) redraws; at a step of the run."""
        done, total = (int(v) for v in numbers["done"])
        known = [name for name in ESTIMATORS if name in numbers]
        self._set_busy(done < total)
        if not known:
            self.words.setText(f"Measuring, {done:,} of {total:,} …")
            self._show(bars=False)
            return
        for scale, ending in ((self.trace, ""), (self.relative, ".relative")):
            scale.show_values({name: float(numbers[name + ending][0]) for name in known})
        many = f"{done:,} of {total:,}" if done < total else f"{done:,}"
        self.words.setText(f"{many} redraws at step {step:,}. {FAIR}")
        self._show(bars=True)

    def set_stale(self, stale: bool) -> None:
        """What is shown belongs to another State."""
        for scale in (self.trace, self.relative):
            scale.bars.set_stale(stale)

    def _show(self, *, bars: bool) -> None:
        for widget in (self.trace, self.relative):
            widget.setVisible(bars)

    def _press(self) -> None:
        if self._busy:
            self.dropped.emit()
            self.show_reason("Stopped.")
        else:
            self._set_busy(True)
            self.words.setText("Measuring …")
            self.wanted.emit({"redraws": self.redraws.value(), "seed": SEED})

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.measure_button.setText("Stop" if busy else "Measure")
        theme.set_icon(self.measure_button, "stop" if busy else "play")
        self.measure_button.setToolTip("End the measurement" if busy else "Measure at the present step; training goes on")


class _Scale(QWidget):
    """A title, bars, and their axis."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.bars, self.axis = Bars(len(ESTIMATORS), NAMES, VALUES), _Decades()
        body = column(self, spacing=2)
        body.addWidget(label(title, "caption"))
        body.addWidget(self.bars)
        body.addWidget(self.axis)

    def show_values(self, values: Mapping[str, float]) -> None:
        """A bar a value, over whole powers of ten; none for what is not positive or not finite."""
        logs = {name: math.log10(v) if v > 0 and math.isfinite(v) else math.nan for name, v in values.items()}
        known = [v for v in logs.values() if math.isfinite(v)]
        low, high = (math.floor(min(known) - 0.3), math.ceil(max(known))) if known else (0, 1)
        self.axis.show_span(low, max(high, low + 1))
        span = max(high, low + 1) - low
        self.bars.show_bars([Bar(ESTIMATORS[name], (((log - low) / span, ROLES[name]),), number(values[name])) for name, log in logs.items()])


class _Decades(QWidget):
    """Powers of ten below bars."""

    def __init__(self) -> None:
        super().__init__()
        self._low, self._high = 0, 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self.updateGeometry)

    def show_span(self, low: int, high: int) -> None:
        """Of which powers."""
        self._low, self._high = low, high
        self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(40, theme.theme().px(18))

    def paintEvent(self, event: QPaintEvent) -> None:
        """As many numbers as have room, and a tick for each."""
        t, painter, face = theme.theme(), QPainter(self), theme.font(10)
        left, right = t.px(NAMES), self.width() - t.px(VALUES)
        texts = [f"10^({k})".replace("-", "−") for k in range(self._low, self._high + 1)]
        each = (right - left) / (len(texts) - 1)
        every = max(1, math.ceil((max(formula_width(text, face) for text in texts) + t.px(6)) / max(1.0, each)))
        base = t.px(5) + QFontMetricsF(face).ascent()
        for i, text in enumerate(texts):
            x = left + i * each
            painter.setPen(QColor(t.edge))
            painter.drawLine(round(x), 0, round(x), t.px(3))
            if i % every == 0:
                painter.setPen(QColor(t.muted))
                draw_formula(painter, x - formula_width(text, face) / 2, base, text, face)
        painter.setPen(QColor(t.hairline))
        painter.drawLine(left, 0, right, 0)
        painter.end()
