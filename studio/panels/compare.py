"""Divergences side by side from one seed: their samples, and one plot in which their curves lie over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QWidget

from models.contract import View
from models.divergences import DIVERGENCES
from studio import theme
from studio.panels.comparecolumn import CURVES, Column
from studio.panels.divergencerows import LINES, NAMES
from studio.panels.gradientvariance import ESTIMATORS
from studio.panels.lineplot import LinePlot
from studio.panels.linesample import LineSample
from studio.panels.plot import Reason
from studio.panels.scrolling import Side
from studio.widgets import Combo, ElidedLabel, Legend, Segmented, button, column, label, number, row, spin

FIRST = ("gan", "kl", "reverse-kl", "hellinger")  # that are compared unless others are chosen
STEPS, TOY_STEPS, POINTS = 300, 2_000, 60  # a toy takes thousands of a millisecond or two each
NOTHING = "Nothing of the open run is changed: fresh copies of its nets are trained for this, one beside the other, and forgotten."
CAPTION = "All start from the same nets and see the same data. One seed is no ranking: another may turn the order round."
EMPTY = "Nothing has been compared yet: choose divergences and press Start."


class ComparePanel(QWidget):
    """A column a divergence, and the plot; `side` has what is compared.

    Signals:
        wanted(dict): compare; arguments of the view `compare`.
        dropped(): no longer.
    """

    wanted = Signal(dict)
    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._view: View | None = None
        self._toy, self._busy, self._asked = False, False, dict[str, Any]()
        self.columns: dict[str, Column] = {}
        self.side = _Side()
        self.side.start_button.clicked.connect(lambda *_: self._press())
        self.reason = Reason()
        self._line = row(spacing=8)
        self._seen = QWidget()
        self._seen.setLayout(self._line)
        self.plot = _Over()
        self.plot.shown.chosen.connect(lambda _: self._draw())
        self.caption = ElidedLabel(CAPTION, "caption")
        self._body = body = column(self, spacing=12)
        body.addWidget(self.reason, 1)
        body.addWidget(self._seen, 5)
        body.addWidget(self.plot, 4)
        body.addWidget(self.caption)
        self.reset()
        self.allow(False)

    def sizeHint(self) -> QSize:
        """As on a small window."""
        return QSize(theme.theme().px(840), theme.theme().px(600))

    # --- what the page says ---

    def reset(self, kind: str = "pictures") -> None:
        """Nothing has been compared of this run, which is of a kind: pictures, text or toy."""
        self._toy, self._view = kind == "toy", None
        self.plot.show_kind(toy=self._toy)
        self.side.steps.setValue(TOY_STEPS if self._toy else STEPS)
        self._body.setStretchFactor(self._seen, 5 if kind == "pictures" else 0)
        self._seen.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding if kind == "pictures" else QSizePolicy.Policy.Fixed)
        self.show_reason(EMPTY)

    def allow(self, on: bool) -> None:
        """Whether there is a run whose data are to be used."""
        self.side.allow(on)

    def show_reason(self, text: str) -> None:
        """Words in place of everything."""
        self._set_busy(False)
        self._view = None
        self.side.progress.setText("")
        self.reason.setText(text)
        self._show(seen=False)

    def show_view(self, view: View) -> None:
        """What the view `compare` has by now; between two rows of numbers it tells only how far it is, and what is shown stays."""
        now, total = (int(v) for v in view.numbers["done"])
        self._set_busy(now < total)
        self.side.progress.setText(f"step {now:,} of {total:,}" if now < total else f"{total:,} steps, done")
        if "steps" not in view.numbers:
            return
        self._view = view
        there = tuple(name for name in NAMES if f"{name}.V" in view.numbers)
        if tuple(self.columns) != there:
            self._make_columns(there)
        for part in self.columns.values():
            part.show_view(view, toy=self._toy)
        self._draw()
        self._show(seen=bool(there))
        if not there:
            self.reason.setText("Training begins …")

    def is_complete(self) -> bool:
        """Whether a comparison has been carried through."""
        return self._view is not None and not self._busy

    # --- inside ---

    def _press(self) -> None:
        if self._busy:
            self.dropped.emit()
            self._set_busy(False)
            at = self.side.progress.full_text()
            if self._view is None:
                self.show_reason(EMPTY)
            self.side.progress.setText(f"Stopped at {at}" if at else "")
            return
        self.show_reason("Training begins …")
        self._set_busy(True)
        self._asked = self.side.wish()
        self.wanted.emit(self._asked)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.side.set_busy(busy)

    def _show(self, *, seen: bool) -> None:
        self.reason.setVisible(not seen)
        for widget in (self._seen, self.plot, self.caption):
            widget.setVisible(seen)

    def _make_columns(self, names: Sequence[str]) -> None:
        for old in self.columns.values():
            self._line.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.columns = {name: Column(name) for name in names}
        for part in self.columns.values():
            self._line.addWidget(part, 1)
        self.plot.show_names(names)

    def _draw(self) -> None:
        if self._view is None:
            return
        field = self.plot.field()
        numbers = self._view.numbers
        self.plot.show_curves({name: numbers[f"{name}.{field}"] for name in self.columns if f"{name}.{field}" in numbers}, numbers["steps"])
        self.plot.set_width(0, max(1.0, float(self._asked.get("steps", 0) or numbers["steps"][-1:].max(initial=1))))


class _Over(LinePlot):
    """The curves of all of them, one field at a time."""

    def __init__(self) -> None:
        super().__init__("", "The curves of all divergences over the steps of the comparison")
        self.canvas.setToolTip("")
        self.shown = Segmented([word for word, _, _ in CURVES.values()], [tip for _, tip, _ in CURVES.values()])
        self.shown.setAccessibleName("What is drawn")
        self.shown.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.head.insertWidget(0, self.shown)
        self.title.hide()
        self.legend = Legend([])
        self.body.insertWidget(1, self.legend)

    def minimumSizeHint(self) -> QSize:
        """With its legend."""
        return QSize(theme.theme().px(280), theme.theme().px(170))

    def field(self) -> str:
        """What is drawn."""
        return list(CURVES)[self.shown.selected()]

    def show_kind(self, *, toy: bool) -> None:
        """Some are known of toys alone, and there the first thing to look at."""
        for b, (_, _, only) in zip(self.shown.buttons, CURVES.values(), strict=True):
            b.setVisible(toy or not only)
        last = [b for b in self.shown.buttons if not b.isHidden()][-1]
        for b in self.shown.buttons[1:]:
            b.setProperty("place", "last" if b is last else "middle")
            theme.restyle(b)
        self.shown.select(list(CURVES).index("KL" if toy else "V"))

    def show_names(self, names: Sequence[str]) -> None:
        """Whose curves."""
        fresh = Legend([(DIVERGENCES[name].title, LINES[name]) for name in names])
        self.body.replaceWidget(self.legend, fresh)
        self.legend.deleteLater()
        self.legend = fresh

    def show_curves(self, curves: Mapping[str, np.ndarray], steps: np.ndarray) -> None:
        """(t,) each."""
        self.show_lines([(steps[: len(y)].astype(float), y, LINES[name]) for name, y in curves.items()])
        self.legend.show_values([number(float(y[-1])) if len(y) else "" for y in curves.values()])
        self.at.setText(CURVES[self.field()][1])


class _Side(Side):
    """What is compared, and the button."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = {name: QCheckBox(d.title) for name, d in DIVERGENCES.items()}
        self.steps = spin(10, 20_000, STEPS, "Steps of every divergence", step=50)
        self.seed = spin(0, 2**31 - 1, 0, "Seed of the nets, the data and the noise")
        self.estimator = Combo(list(ESTIMATORS.values()))
        self.estimator.setAccessibleName("Estimator")
        self.estimator.setToolTip("How the generator's gradient is estimated: weights normalised within each z or over the batch, or REINFORCE")
        self.start_button = button("Start", "play", kind="primary")
        self.progress = ElidedLabel("", "muted")
        nothing = label(NOTHING, "caption")
        nothing.setWordWrap(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for i, (name, check) in enumerate(self.checks.items()):
            check.setChecked(name in FIRST)
            check.toggled.connect(lambda _: self._allow())
            grid.addWidget(LineSample(LINES[name]), i, 0)
            grid.addWidget(check, i, 1)
        self.add(label("Divergences", "section"), grid)
        for word, control in (("Steps", self.steps), ("Seed", self.seed), ("Estimator", self.estimator)):
            self.add(row(label(word), 1, control))
        line = row(self.start_button, self.progress, spacing=12)
        line.setStretch(1, 1)
        self.add(line, nothing)
        self._busy = self._can = False

    def chosen(self) -> tuple[str, ...]:
        """The divergences, in the order of the table."""
        return tuple(name for name, check in self.checks.items() if check.isChecked())

    def wish(self) -> dict[str, Any]:
        """Arguments of the view `compare`."""
        steps = self.steps.value()
        return {
            "seed": self.seed.value(),
            "steps": steps,
            "every": max(1, steps // POINTS),
            "divergences": self.chosen(),
            "estimator": list(ESTIMATORS)[self.estimator.currentIndex()],
        }

    def allow(self, on: bool) -> None:
        """Whether there is a run whose data are to be used."""
        self._can = on
        self._allow()

    def set_busy(self, busy: bool) -> None:
        """While it trains."""
        self._busy = busy
        self.start_button.setText("Stop" if busy else "Start")
        theme.set_icon(self.start_button, "stop" if busy else "play", "on_accent")
        for control in (*self.checks.values(), self.steps, self.seed, self.estimator):
            control.setEnabled(not busy)
        self._allow()

    def _allow(self) -> None:
        """Nothing can be compared without a run, or without a divergence."""
        self.start_button.setEnabled(self._busy or (self._can and bool(self.chosen())))
        why = "" if self._can else "Open a run first: its data and nets are used"
        self.start_button.setToolTip(
            why or ("" if self.chosen() else "Choose a divergence first") or "Train fresh copies, one for each divergence, in turns"
        )
