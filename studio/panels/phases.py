"""The phases of a training side by side: which are done, where the run is, and a way to the next one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QMenu, QSizePolicy, QToolButton

from studio import theme
from studio.widgets import Card, button, row, tool


class _Phase(QAbstractButton):
    """One phase: its name over its length, or over how far it is."""

    def __init__(self, name: str, steps: int) -> None:
        super().__init__()
        self.setText(name)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.base = self.steps = steps  # of the preset, and with what was added
        self.began, self.done, self.present = -1, 0, False  # began is -1 until it has
        self.refresh()

    @property
    def is_over(self) -> bool:
        """Whether a later one has begun."""
        return self.began >= 0 and not self.present

    def refresh(self) -> None:
        """Words for the tooltip and for who cannot see it."""
        if self.is_over:
            how = f"done in {self.done:,} steps" if self.done >= self.steps else f"left after {self.done:,} of {self.steps:,} steps"
        else:
            how = f"{self.done:,} of {self.steps:,} steps" if self.present else f"{self.steps:,} steps, to come"
        self.setEnabled(self.began >= 0)
        self.setAccessibleName(f"Phase {self.text()}: {how}")
        self.setToolTip(f"{self.text()}: {how}." + (" Click to look at its curves." if self.isEnabled() else ""))
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its name and its numbers."""
        return QSize(theme.theme().px(96), theme.theme().px(40))

    def minimumSizeHint(self) -> QSize:
        """The name must be readable."""
        return QSize(theme.theme().px(64), theme.theme().px(40))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, tick, name, numbers, and how far it is."""
        del event
        t, painter = theme.theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, pad = QRectF(self.rect()), t.px(6)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or (self.underMouse() and self.isEnabled()):
            painter.setBrush(QColor(t.press if self.isChecked() else t.hover))
            painter.drawRoundedRect(box, t.px(6), t.px(6))
        x = box.left() + pad
        upper, lower = QRectF(box.left(), box.top() + t.px(3), box.width(), t.px(16)), QRectF(box.left(), box.top() + t.px(18), box.width(), t.px(14))
        if self.is_over:
            side = t.px(12)
            left_early = self.done < self.steps
            pixmap = theme.icon("step" if left_early else "check", t.muted if left_early else t.good).pixmap(QSize(side, side))
            painter.drawPixmap(round(x), round(upper.center().y() - side / 2), pixmap)
            x += side + t.px(3)
        painter.setFont(theme.font(12, 600 if self.present else 400))
        painter.setPen(QColor(t.ink if self.began >= 0 else t.muted))
        room = int(box.right() - x - t.px(2))
        upper.setLeft(x)
        painter.drawText(upper, int(_LEFT), painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        lower.setLeft(box.left() + pad)
        painter.drawText(lower, int(_LEFT), self._numbers(painter, int(box.width() - 2 * pad)))
        share = 1.0 if self.is_over and self.done >= self.steps else min(1.0, self.done / max(1, self.steps)) if self.began >= 0 else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        for part, colour in ((1.0, t.hairline), (share, theme.accent(self) if self.present else t.edge)):
            groove = QRectF(box.left() + pad, box.bottom() - t.px(5), (box.width() - 2 * pad) * part, t.px(3))
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(groove, groove.height() / 2, groove.height() / 2)
        if self.hasFocus():
            self._frame(painter, box)
        painter.end()

    def _numbers(self, painter: QPainter, room: int) -> str:
        """The longest way to say them that fits."""
        if self.began < 0 or (self.is_over and self.done >= self.steps):
            return f"{self.done if self.is_over else self.steps:,}"
        whole = f"{self.done:,} of {self.steps:,}"
        return whole if painter.fontMetrics().horizontalAdvance(whole) <= room else f"{min(1.0, self.done / max(1, self.steps)):.0%}"

    def _frame(self, painter: QPainter, box: QRectF) -> None:
        pen = painter.pen()
        pen.setStyle(Qt.PenStyle.SolidLine)
        pen.setColor(QColor(theme.accent(self)))
        pen.setWidth(2)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PhaseStrip(Card):
    """Phases as buttons, the present one marked; hidden while a run has only one.

    Signals:
        chosen (str): the person wants to look at this phase.
        skip (): leave the present phase now.
        enter_wanted (str): go to this phase, once more or before its time.
        longer_wanted (int): the present phase is to have so many steps more.
    """

    chosen = Signal(str)
    skip = Signal()
    enter_wanted = Signal(str)
    longer_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__(margin=4)
        self._phases: list[_Phase] = []
        self._group = QButtonGroup(self)
        self._line = row(spacing=2)
        self.skip_button = button("Next phase", "step", clicked=self.skip.emit)
        self.more_button = tool("more", "More about phases: longer, or another one")
        self._menu = QMenu(self.more_button)
        self._menu.aboutToShow.connect(self._fill)
        self.more_button.setMenu(self._menu)
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._allowed = self._finished = False
        self._group.buttonClicked.connect(lambda phase: self.chosen.emit(phase.text()))
        line = row(spacing=8)
        line.addLayout(self._line, 1)
        line.addWidget(self.skip_button)
        line.addWidget(self.more_button)
        self.body.addLayout(line)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_run(self, phases: Sequence[tuple[str, int]]) -> None:
        """The phases of another run, at the beginning of the first one."""
        for old in self._phases:
            self._group.removeButton(old)
            self._line.removeWidget(old)
            old.deleteLater()
        self._phases = [_Phase(name, steps) for name, steps in phases]
        for phase in self._phases:
            self._group.addButton(phase)
            self._line.addWidget(phase, 1)
        self.setVisible(len(phases) > 1)
        if phases:
            self.enter(phases[0][0], 0)

    def enter(self, name: str, step: int) -> None:
        """A phase begins at a step of the run."""
        for phase in self._phases:
            if phase.present:
                phase.done, phase.present = step - phase.began, False
            if phase.text() == name:
                phase.began, phase.done, phase.present, phase.steps = step, 0, True, phase.base
            phase.refresh()
        self._offer()

    def lengthen(self, steps: int) -> None:
        """The present phase has become longer."""
        for phase in self._phases:
            if phase.present:
                phase.steps += steps
                phase.refresh()

    def show_step(self, step: int) -> None:
        """How far the run is."""
        for phase in self._phases:
            if phase.present and phase.done != step - phase.began:
                phase.done = step - phase.began
                phase.refresh()

    def follow(self) -> str:
        """Mark the present phase as the one that is looked at; returns its name."""
        for phase in self._phases:
            if phase.present:
                phase.setChecked(True)
                return phase.text()
        return ""

    def look(self, name: str) -> bool:
        """Mark a phase as the one that is looked at; whether it is another one."""
        for phase in self._phases:
            if phase.text() == name and not phase.isChecked():
                phase.setChecked(True)
                return True
        return False

    def looked_at(self) -> str:
        """The phase that is looked at; "" before there is a run."""
        return next((phase.text() for phase in self._phases if phase.isChecked()), "")

    def span(self, name: str) -> tuple[int, int]:
        """The first and the last step of a phase so far; last < first if it has had none."""
        return next(((p.began + 1, p.began + p.done) for p in self._phases if p.text() == name and p.began >= 0), (1, 0))

    def allow(self, on: bool, *, finished: bool = False) -> None:
        """Whether the run takes commands; a finished one can only become longer, or go to another phase."""
        self._allowed, self._finished = on, finished
        self._offer()

    def _fill(self) -> None:
        """The menu, as the run is now."""
        self._menu.clear()
        present = next((phase for phase in self._phases if phase.present), None)
        if present is None:
            return
        for steps, words in ((max(1, present.base // 2), "half as long again"), (present.base, "as long again")):
            action = self._menu.addAction(f"Make {present.text()} longer by {steps:,} steps ({words})")
            action.triggered.connect(lambda _=False, steps=steps: self.longer_wanted.emit(steps))
        self._menu.addSeparator()
        for phase in self._phases:
            action = self._menu.addAction(f"Go to {phase.text()}{' again' if phase.began >= 0 else ''}: {phase.base:,} steps")
            action.triggered.connect(partial(self._enter_again, phase.text()))

    def _enter_again(self, name: str, *_: object) -> None:
        self.enter_wanted.emit(name)

    def _offer(self) -> None:
        place = next((i for i, phase in enumerate(self._phases) if phase.present), -1)
        last = place + 1 >= len(self._phases)
        self.skip_button.setEnabled(self._allowed and not last)
        self.more_button.setEnabled(self._allowed or self._finished)
        here = self._phases[place].text() if place >= 0 else ""
        there = "" if last else self._phases[place + 1].text()
        self.skip_button.setToolTip("This is the last phase" if last else f"Leave {here} as it is now, and go on with {there}")
