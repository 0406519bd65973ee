"""What a person says before a run branches: from which checkpoint, under which name, with which knob changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QLineEdit, QWidget

from models.knobs import Knob
from studio import theme
from studio.panels.knob import KnobRow, words
from studio.panels.timetrack import Marks
from studio.widgets import Combo, button, column, label, row, spin, tool

WIDTH, GAP = 340, 8  # pixels


def where(marks: Marks, at: int | None) -> tuple[int | None, str]:
    """The checkpoint from which a fork at a step begins (None if none is kept), and that in words."""
    asked = marks.now if at is None else at
    kept = marks.kept_before(asked)
    if kept is None:
        if not marks.kept:
            return None, "No checkpoint of this run is kept yet: save one (Ctrl+S)."
        return None, f"No checkpoint of step {asked:,} or an earlier one is kept; the first is of step {marks.kept[0]:,}: go there."
    if kept == asked:
        return kept, f"from step {kept:,}"
    return kept, f"from step {kept:,}, the nearest kept one before step {asked:,}"


class Popover(QFrame):
    """A small card over the stage, above the button that it belongs to; Esc closes it, and nothing waits for it."""

    def __init__(self, title: str, page: QWidget) -> None:
        super().__init__(page)
        self.setProperty("kind", "card")
        self.setAccessibleName(title)
        self._page = page
        self._anchor: QWidget | None = None
        self.body = column(self, margin=12, spacing=8)
        head = row(label(title, "strong"), 1, tool("close", "Close (Esc)", self.close_card))
        self.body.addLayout(head)
        self.sentence = label("", "muted")
        self.sentence.setWordWrap(True)
        self.body.addWidget(self.sentence)
        self.problem = label("", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()
        page.installEventFilter(self)
        self.hide()

    def open_above(self, anchor: QWidget) -> None:
        """Show it."""
        self._anchor = anchor
        self.problem.hide()
        self.show()
        self.raise_()
        self.place()

    def place(self) -> None:
        """Above its button, or below it where there is no room; inside the page."""
        if self._anchor is None:
            return
        self.setFixedWidth(theme.theme().px(WIDTH))
        self.adjustSize()
        page, anchor = self._page, self._anchor
        corner = anchor.mapTo(page, QPoint(anchor.width(), 0))
        left = min(max(GAP, corner.x() - self.width()), page.width() - self.width() - GAP)
        above = corner.y() - self.height() - GAP
        self.move(left, above if above >= GAP else corner.y() + anchor.height() + GAP)

    def refuse(self, sentence: str) -> None:
        """Why it cannot be."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.place()

    def close_card(self) -> None:
        """Put it away; what had the focus in it gives it back to the button."""
        focused = self._page.focusWidget()
        inside = focused is not None and self.isAncestorOf(focused)
        self.hide()
        if inside and self._anchor is not None:
            self._anchor.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The page has another size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.place()
        return super().eventFilter(watched, event)


class ForkCard(Popover):
    """A new run from a kept checkpoint.

    Signals:
        wanted (int, str): from the checkpoint of a step, under a name.
    """

    wanted = Signal(int, str)

    def __init__(self, page: QWidget) -> None:
        super().__init__("Fork", page)
        self._step: int | None = None
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the new run")
        self.name.setToolTip("Name of the new run; a number is added, so no run is ever replaced")
        self.name.returnPressed.connect(self._go)
        self.go_button = button("Fork and open", "fork", kind="primary", clicked=self._go)
        line = row(label("Name"), self.name)
        line.setStretch(1, 1)
        self.body.addLayout(line)
        self.body.addWidget(self.problem)
        self.body.addLayout(row(1, self.go_button))

    def ask(self, run: str, marks: Marks, at: int | None, anchor: QWidget) -> None:
        """About a run at a step."""
        self.name.setText(f"{run}-fork")
        self.show_marks(run, marks, at)
        self.open_above(anchor)
        (self.go_button if self.go_button.isEnabled() else self.name).setFocus()

    def show_marks(self, run: str, marks: Marks, at: int | None) -> None:
        """Other checkpoints are kept now, or another step is looked at."""
        self._step, told = where(marks, at)
        self.sentence.setText(told if self._step is None else f"A new run goes on {told}. {run} stays as it is.")
        self.go_button.setEnabled(self._step is not None)
        self.place()

    def _go(self) -> None:
        name = self.name.text().strip()
        if self._step is None:
            return
        if not name or any(c in name for c in '/\\:*?"<>|') or name.startswith("."):
            self.refuse("A name has letters, digits, spaces and dashes: choose another one.")
            return
        self.wanted.emit(self._step, name)


class WhatIfCard(Popover):
    """Two runs from one checkpoint, of which one has a knob changed.

    Signals:
        wanted (int, str, object, int, bool): checkpoint, knob, its new value, steps to train, and whether at once.
    """

    wanted = Signal(int, str, object, int, bool)

    def __init__(self, page: QWidget, knobs: Sequence[Knob]) -> None:
        super().__init__("What if", page)
        self._knobs = tuple(knobs)
        self._step: int | None = None
        self._values: Mapping[str, Any] = {}
        self.which = Combo([" · ".join(filter(None, words(k))) for k in knobs])
        self.which.setAccessibleName("The knob to change")
        self.which.currentIndexChanged.connect(lambda _: self._show_knob())
        self.steps = spin(1, 10_000_000, 1_000, "Steps that both are trained from there", step=100)
        self.go_button = button("Queue both", "fork", kind="primary", clicked=self._go)
        self.knob: KnobRow | None = None
        self._holder = column(spacing=0)
        line = row(label("Knob"), self.which)
        line.setStretch(1, 1)
        self.body.addLayout(line)
        self.body.addLayout(self._holder)
        self.body.addLayout(row(label("Steps"), 1, self.steps))
        self.body.addWidget(self.problem)
        self.now = QCheckBox("Start the queue")
        self.now.setChecked(True)
        self.now.setToolTip("Both are trained as soon as nothing else trains; without it they wait on the Runs page")
        self.body.addLayout(row(self.now, 1, self.go_button))

    def ask(self, run: str, marks: Marks, at: int | None, values: Mapping[str, Any], steps: int, anchor: QWidget) -> None:
        """About a run at a step, whose knobs were these then."""
        self._values = dict(values)
        self.steps.setValue(steps)
        self._show_knob()
        self.show_marks(run, marks, at)
        self.open_above(anchor)
        self.which.setFocus()

    def show_marks(self, run: str, marks: Marks, at: int | None) -> None:
        """Other checkpoints are kept now, or another step is looked at."""
        del run
        self._step, told = where(marks, at)
        both = f"Two new runs go on {told}: one as it was, one with this knob changed. Runs compares them."
        self.sentence.setText(told if self._step is None else both)
        self.go_button.setEnabled(self._step is not None)
        self.place()

    def _show_knob(self) -> None:
        if self.knob is not None:
            self._holder.removeWidget(self.knob)
            self.knob.hide()
            self.knob.deleteLater()
        knob = self._knobs[self.which.currentIndex()]
        self.knob = KnobRow(knob, "New value")
        self.knob.show_value(self._values.get(knob.name, knob.default))
        self._holder.addWidget(self.knob)
        self.refuse("")

    def _go(self) -> None:
        knob = self._knobs[self.which.currentIndex()]
        assert self.knob is not None
        if self._step is None:
            return
        if self.knob.value == self._values.get(knob.name):
            self.refuse(f"{knob.symbol} is {self.knob.value} there already: give it another value.")
            return
        self.wanted.emit(self._step, knob.name, self.knob.value, self.steps.value(), self.now.isChecked())
