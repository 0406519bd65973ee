"""A guided tour: a spotlight on a real widget of the page, and a bubble that says what it is for.

Nothing is modal: the shade lets every click through, so what is shown can be used while it is shown. The tour follows the page as it is resized
or changes, leaves out what is not there, and ends when the person goes to another page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shiboken6
from PySide6.QtCore import QObject, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPainterPath, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import QScrollArea, QWidget

from studio import theme
from studio.tours import Step, found
from studio.widgets import Card, button, label, row

POLL_MS = 80
PATIENCE = 18  # polls until a widget that is not there is left out
OPENING = 800  # polls until a tour gives up waiting for its page
AROUND, GAP, WIDTH = 6, 14, 340  # pixels: light around the widget, between it and the bubble, and of the bubble
SHADE = 0.55


class Shade(QWidget):
    """Darkens the window but for a hole; mouse and keys go through it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.hole = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.notifier.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Shade, hole, a frame around it."""
        painter, path = QPainter(self), QPainterPath()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path.addRect(QRectF(self.rect()))
        if not self.hole.isNull():
            path.addRoundedRect(QRectF(self.hole), 8, 8)
        shade = QColor(theme.DARK.stage)
        shade.setAlphaF(SHADE)
        painter.fillPath(path, shade)
        if not self.hole.isNull():
            painter.setPen(QPen(QColor(theme.accent(self)), 2))
            painter.drawRoundedRect(QRectF(self.hole).adjusted(1, 1, -1, -1), 8, 8)
        painter.end()


class Bubble(Card):
    """The words of a step, how far the tour is, and the way on.

    Signals:
        moved(int): 1 for the next step, -1 for the one before.
        ended(): enough.
    """

    moved = Signal(int)
    ended = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(margin=16, spacing=8)
        self.setParent(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.count, self.title, self.text = label("", "caption"), label("", "strong"), label()
        self.text.setWordWrap(True)
        self.hint = label("", "caption")
        self.end_button = button("End", kind="quiet", tip="End the tour (Esc)", clicked=self.ended.emit)
        self.back_button = button("Back", tip="The step before (←)", clicked=lambda: self.moved.emit(-1))
        self.next_button = button("Next", kind="primary", tip="The next step (→)", clicked=lambda: self.moved.emit(1))
        self.body.addLayout(row(self.title, 1, self.count))
        self.body.addWidget(self.text)
        self.body.addWidget(self.hint)
        self.body.addLayout(row(self.end_button, 1, self.back_button, self.next_button))

    def show_step(self, step: Step, number: int, count: int) -> None:
        """Another one; the keyboard is here."""
        self.title.setText(step.title)
        self.count.setText(f"{number + 1} of {count}")
        self.text.setText(step.text)
        self.hint.setText("It goes on by itself once you have done it." if step.until is not None else "")
        self.hint.setVisible(step.until is not None)
        self.back_button.setEnabled(number > 0)
        self.next_button.setText("Next" if number + 1 < count else "Done")
        self.setAccessibleName(f"{step.title}, step {number + 1} of {count}")
        self.setAccessibleDescription(step.text)
        wide = theme.theme().px(WIDTH)
        self.setFixedWidth(wide)
        self.body.activate()
        self.resize(wide, self.body.totalHeightForWidth(wide - 2) + 2)  # its frame is a pixel wide
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Enter and Esc."""
        match event.key():
            case Qt.Key.Key_Right | Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Down:
                self.moved.emit(1)
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                self.moved.emit(-1)
            case Qt.Key.Key_Escape:
                self.ended.emit()
            case _:
                super().keyPressEvent(event)


class Tour(QObject):
    """One tour of a page.

    Attributes:
        at: the step that is shown, -1 before the first.
        target: the widget under the light; None while there is none.

    Signals:
        ended (): it is over, and nothing of it is left on the window.
    """

    ended = Signal()

    def __init__(self, window: Any, page: str, steps: Sequence[Step], *, needs_run: bool) -> None:
        super().__init__(window)
        self._window, self._name, self.steps, self._needs_run = window, page, steps, needs_run
        self.at, self._way, self._waited = -1, 1, 0
        self.target: QWidget | None = None
        self.shade, self.bubble = Shade(window), Bubble(window)
        for part in (self.shade, self.bubble):
            theme.set_accent(part, page)
            part.hide()
        self.bubble.moved.connect(self.move)
        self.bubble.ended.connect(self.end)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), window, self.end)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._poll)
        self._clock.start(POLL_MS)

    @property
    def page(self) -> Any:
        """The page that is shown around; None as long as it has not been built."""
        return self._window.pages.get(self._name)

    def move(self, way: int) -> None:
        """The next step for 1, the one before for -1; after the last one it ends."""
        to = self.at + way
        if to < 0:
            return
        self._way, self.at, self._waited, self.target = way, to, 0, None
        if to >= len(self.steps):
            self.end()
            return
        self.steps[to].pose(self.page)
        self._poll()

    def end(self) -> None:
        """Leave the window as it was."""
        if not self._clock.isActive():
            return
        self._clock.stop()
        for part in (self.shade, self.bubble, self._escape):
            part.deleteLater()
        self.shade.hide()
        self.bubble.hide()
        if self._window.page is self.page:
            self.page.setFocus()
        self.ended.emit()
        self.deleteLater()

    # --- following the page -----------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Where is it now? Has the person done what was asked?"""
        if self.at < 0:
            self._waited += 1
            if self._is_there():
                self.move(1)
            elif self._waited > OPENING:
                self.end()
            return
        if self._window.page is not self.page:
            self.end()
            return
        step = self.steps[self.at]
        if self.target is None:
            self._find(step)
        elif step.until is not None and step.until(self.page) and self._waited >= 0:
            self.move(1)
        else:
            self._follow()

    def _is_there(self) -> bool:
        """The page is seen, with a run where it needs one."""
        window = self._window
        if self.page is None or window.page is not self.page:
            return False
        return not self._needs_run or (window.session.run is not None and window.session.run.system == self._name)

    def _find(self, step: Step) -> None:
        for widget in found(self.page, step.target):
            if isinstance(widget, QWidget) and _alive(widget) and widget.isVisible():
                self.target = widget
                _bring(widget)
                self.bubble.show_step(step, self.at, len(self.steps))
                self._waited = -1 if step.until is not None and step.until(self.page) else 0  # done before it was asked for
                self._follow()
                return
        self._waited += 1
        if self._waited > PATIENCE:
            self.move(self._way if self.at + self._way >= 0 else 1)

    def _follow(self) -> None:
        """Put light and bubble where the widget is."""
        if not _alive(self.target) or not self.target.isVisible():  # pyright: ignore[reportOptionalMemberAccess]
            self.target, self._waited = None, 0
            return
        assert self.target is not None
        window, around = self._window, theme.theme().px(AROUND)
        hole = seen(self.target, window).adjusted(-around, -around, around, around).intersected(window.rect())
        place = beside(hole, self.bubble.size(), window.rect())
        if self.shade.geometry() != window.rect() or self.shade.hole != hole:
            self.shade.setGeometry(window.rect())
            self.shade.hole = hole
            self.shade.update()
        if self.bubble.pos() != place:
            self.bubble.move(place)
        if not self.shade.isVisible():
            self.shade.show()
            self.shade.raise_()
            self.bubble.raise_()


def seen(widget: QWidget, window: QWidget) -> QRect:
    """The part of a widget that its parents leave to be seen, in the coordinates of the window."""
    box = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    parent = widget.parentWidget()
    while parent is not None and parent is not window:
        box = box.intersected(QRect(parent.mapTo(window, QPoint(0, 0)), parent.size()))
        parent = parent.parentWidget()
    return box


def beside(hole: QRect, size: Any, room: QRect) -> QPoint:
    """Where a bubble of a size stands: right, left, below or above the hole, inside the room; in a corner of a hole that leaves no place."""
    gap, wide, high = theme.theme().px(GAP), size.width(), size.height()
    middle_y = min(max(hole.center().y() - high // 2, gap), room.height() - high - gap)
    middle_x = min(max(hole.center().x() - wide // 2, gap), room.width() - wide - gap)
    for at in (
        QPoint(hole.right() + gap, middle_y),
        QPoint(hole.left() - gap - wide, middle_y),
        QPoint(middle_x, hole.bottom() + gap),
        QPoint(middle_x, hole.top() - gap - high),
    ):
        if room.adjusted(gap, gap, -gap, -gap).contains(QRect(at, size)):
            return at
    return QPoint(min(hole.right(), room.right()) - wide - gap, min(hole.bottom(), room.bottom()) - high - gap)


def _alive(widget: Any) -> bool:
    return widget is not None and shiboken6.isValid(widget)


def _bring(widget: QWidget) -> None:
    """Scroll to it, where it lies in something that scrolls."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget, 0, theme.theme().px(24))
        parent = parent.parentWidget()
