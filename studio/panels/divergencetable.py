"""The f-divergence table as something to play with: pick a row, move u, and see what the bound, its output and its weight are."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from models.divergences import DIVERGENCES, Curves, curves
from studio import theme
from studio.panels.divergencerows import LINES, NAMES, DivergenceRows
from studio.panels.functionplot import FunctionPlot
from studio.panels.scrolling import Side
from studio.widgets import Card, Slider, button, column, label, number, row, symbol_html

LEAST, MOST, FIRST = 0.1, 3.0, 1.5  # of u
STEPS = 290  # of the slider
FLOOR = -4.0  # no tangent is followed further down
NUMBERS = (  # key, symbol, what it is
    ("u", "u = p/q", "How much more often the data have such a sample than the generator makes it"),
    ("f", "f(u)", "What such a sample adds to the divergence"),
    ("T", "T*(u)", "The best output T = ν(F): the slope of f at u"),
    ("conjugate", "f*(T*)", "What the bound takes off for samples of the generator; the tangent meets u = 0 at −f*(T*)"),
    ("F", "F", "The raw output of D whose ν(F) is T*(u)"),
    ("w", "w(F)", "The importance weight, which is u again: this is how samples are weighted without knowing p or q"),
)
WORDS = (
    "The line touches f at u. Its slope is T*(u), it meets u = 0 at −f*(T*), and it lies nowhere above f. So whatever T a discriminator gives, "
    "V = E_P[T] − E_Q[f*(T)] is at most D_f, and equal to it where T is T*."
)
NO_RUN = "Open a run, and it can be trained with this."
DV = " Donsker-Varadhan takes log E_Q[eᵗ] for E_Q[f*], which is a higher bound; drawn is its f, with weights of mean 1."


class Probe(NamedTuple):
    """The numbers at one u."""

    u: float
    f: float
    T: float
    conjugate: float
    F: float
    w: float


def probe(name: str, u: float) -> Probe:
    """What a divergence has at u > 0; for Donsker-Varadhan those of its f, and the weight where the mean weight is 1."""
    d = DIVERGENCES[name]
    at = torch.tensor(u, dtype=torch.float64)
    T, F = d.T_star(at), d.F_star(at)
    w = F.exp() if d.logarithm else d.w(F)  # its w(F) divides by the mean of what it is given
    return Probe(u, *(float(x) for x in (d.f(at), T, d.conjugate(T), F, w)))


@cache
def _curves(name: str) -> Curves:
    return curves(name, largest=MOST + 0.5, points=400)


class DivergenceTable(QWidget):
    """The rows and three plots of the picked one; `side` has the numbers at u, and the button.

    Signals:
        wanted(str): train with this divergence.
    """

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._u, self._used, self._can = FIRST, "", True
        self.rows = DivergenceRows()
        self.rows.picked.connect(lambda _: self._draw())
        self._plots()
        card = Card(margin=12)
        card.body.addWidget(self.rows)
        functions = row(spacing=12)
        for plot in self.plots.values():
            functions.addWidget(plot, 1)
        body = column(self, spacing=12)
        body.addWidget(card)
        body.addLayout(functions, 1)
        self.side = _Side()
        self.side.slider.valueChanged.connect(lambda place: self.set_u(LEAST + (MOST - LEAST) * place / STEPS))
        self.side.use_button.clicked.connect(lambda *_: self.wanted.emit(self.rows.name()))
        self._draw()

    def _plots(self) -> None:
        f = FunctionPlot("f over u", "The convex function, and its tangent at u: slope T*(u), and −f*(T*) where it meets u = 0")
        conjugate = FunctionPlot("f* over T", "The conjugate, which the bound takes off for samples of the generator; its slope is w")
        w = FunctionPlot("w over F", "The importance weight as a function of the raw output; e^F in all rows but one")
        self.plots = {"f": f, "conjugate": conjugate, "w": w}
        f.moved.connect(self.set_u)
        conjugate.moved.connect(lambda t: self.set_u(float(np.interp(t, self._now.t, self._now.u))))
        w.moved.connect(lambda F: self.set_u(float(np.interp(F, self._now.F, self._now.u))))

    def sizeHint(self) -> QSize:
        """As on a small window."""
        return QSize(theme.theme().px(840), theme.theme().px(600))

    def name(self) -> str:
        """The picked divergence."""
        return self.rows.name()

    def u(self) -> float:
        """Where the line is."""
        return self._u

    def set_u(self, u: float) -> None:
        """Move the line, within 0.1 and 3."""
        if not math.isfinite(u):
            return
        self._u = min(MOST, max(LEAST, u))
        self._show_probe()

    def show_used(self, name: str, can: bool = True) -> None:
        """Which one the run trains with, "" for no run, and whether that can be changed now."""
        self._used, self._can = name, can
        self.rows.show_used(name)
        self.side.allow(name, self.rows.name(), can)

    @property
    def _now(self) -> Curves:
        return _curves(self.rows.name())

    def _draw(self) -> None:
        name = self.rows.name()
        all_curves = {other: _curves(other) for other in NAMES}
        inside = self._now.u >= LEAST
        c = Curves(*(values[inside & (self._now.u <= MOST)] for values in self._now))
        low = max(FLOOR, float(-c.conjugate.max()))  # where the tangent is at u = 0
        spans = {  # of the chosen one, and enough to see some of the others
            "f": ((0.0, MOST), _span(c.f, low, 1.0)),
            "conjugate": (_span(c.t, -1.5, 1.0), _span(c.conjugate, -1.0, 1.5)),
            "w": (_span(c.F), (0.0, MOST)),
        }
        for key, (x, y) in {"f": ("u", "f"), "conjugate": ("t", "conjugate"), "w": ("F", "w")}.items():
            drawn = {other: (getattr(k, x), getattr(k, y), LINES[other]) for other, k in all_curves.items()}
            chosen = drawn.pop(name)
            self.plots[key].show_functions(list(drawn.values()), chosen, *spans[key])
        self.side.show_name(name)
        self.side.allow(self._used, name, self._can)
        self._show_probe()

    def _show_probe(self) -> None:
        p = probe(self.rows.name(), self._u)
        self.plots["f"].show_probe(p.u, p.f, p.T, at_zero=True)
        self.plots["conjugate"].show_probe(p.T, p.conjugate, p.w)
        self.plots["w"].show_probe(p.F, p.w)
        self.plots["f"].at.setText(f"{number(p.f)} at {number(p.u)}, slope {number(p.T)}")
        self.plots["conjugate"].at.setText(f"{number(p.conjugate)} at {number(p.T)}, slope {number(p.w)}")
        self.plots["w"].at.setText(f"{number(p.w)} at {number(p.F)}")
        self.side.show_probe(p)


def _span(values: np.ndarray, *more: float) -> tuple[float, float]:
    """From the least to the largest of all."""
    return float(min([values.min(), *more])), float(max([values.max(), *more]))


class _Side(Side):
    """The numbers at u."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.values = label("", "section"), {}
        self.slider = Slider(STEPS)
        self.slider.setAccessibleName("u = p/q")
        self.slider.setToolTip("u = p/q; or move the mouse over a plot")
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for i, (key, symbol, tip) in enumerate(NUMBERS):
            name, value = label(symbol_html(symbol)), label("", "strong")
            name.setToolTip(tip)
            value.setToolTip(tip)
            value.setAccessibleName(symbol)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(name, i, 0)
            grid.addWidget(value, i, 1)
            self.values[key] = value
        self.words = label("", "muted")
        self.words.setWordWrap(True)
        self.use_button = button("Train with this", "check", kind="primary", tip="Set the run's divergence, from its next step on")
        self.why = label("", "caption")
        self.why.setWordWrap(True)
        self.add(self.title, self.slider, grid, 4, self.words, 4, self.use_button, self.why)

    def show_name(self, name: str) -> None:
        """Of which divergence."""
        self.title.setText(DIVERGENCES[name].title)
        self.words.setText(symbol_html(WORDS + (DV if DIVERGENCES[name].logarithm else "")))

    def allow(self, used: str, picked: str, can: bool) -> None:
        """Whether the button has anything to do, and why not."""
        self.use_button.setEnabled(can and used not in ("", picked))
        self.why.setText("The run trains with it." if used == picked else NO_RUN if not used or not can else "")
        self.why.setVisible(bool(self.why.text()))

    def show_probe(self, p: Probe) -> None:
        """The numbers; nobody is told."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(STEPS * (p.u - LEAST) / (MOST - LEAST)))
        self.slider.blockSignals(False)
        for key, value in self.values.items():
            value.setText(number(getattr(p, key)))
