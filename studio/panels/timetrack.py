"""The painted part of the time machine: a run from its first step to its last, with what is kept of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme

HEIGHT, LOW = 44, 32  # pixels, with words below the groove and without
_INSET = 9  # of the ends, so that the handle is never cut
_GROOVE, _TICKS, _FLAGS, _TURNS, _WORDS = 17, 10, 1, 23, 28  # tops of what is painted below each other
_NEAR = 5  # pixels within which the mouse points at something
_PAGE = 10  # frames of the page keys


@dataclass(frozen=True)
class Marks:
    """What is known of a run over its steps."""

    end: int = 0  # the newest step
    now: int = 0  # the step that the page shows unless a frame is looked at
    frames: tuple[int, ...] = ()  # steps that have a frame of the reel, in order
    kept: tuple[int, ...] = ()  # steps that have a checkpoint, in order
    bookmarks: frozenset[int] = frozenset()
    turns: tuple[tuple[int, str], ...] = ()  # knobs: step and "γ 0.5 → 0.4"
    phases: tuple[tuple[int, str], ...] = ()  # where each began, in order
    alarms: tuple[tuple[int, str], ...] = ()

    def frame_near(self, step: float) -> int | None:
        """The step of the frame that is nearest; None without frames."""
        place = bisect_left(self.frames, step)
        near = self.frames[max(0, place - 1) : place + 1]
        return min(near, key=lambda s: abs(s - step), default=None)

    def frame_before(self, step: int) -> int | None:
        """The last frame before a step."""
        place = bisect_left(self.frames, step)
        return self.frames[place - 1] if place else None

    def kept_before(self, step: int) -> int | None:
        """The newest checkpoint of a step or an earlier one."""
        place = bisect_right(self.kept, step)
        return self.kept[place - 1] if place else None

    def phase_at(self, step: int) -> str:
        """The phase that a step is of; the step at which one begins is still the last of the one before."""
        return next((name for began, name in reversed(self.phases) if began < step or not began), "")


class Track(QWidget):
    """A groove with a handle; arrows, Home, End and the page keys go from frame to frame.

    Attributes:
        marks: what is shown.
        at: the step of the frame that is looked at; None for the present.
        range: the marked first and last step, each None while it is not marked.

    Signals:
        moved (int): the person goes to the frame of a step.
        key (str): one of "play", "bookmark", "live", "in", "out" was pressed.
    """

    moved = Signal(int)
    key = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.marks = Marks()
        self.at: int | None = None
        self.range: tuple[int | None, int | None] = (None, None)
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Time machine: the steps of the run")
        theme.notifier.changed.connect(self._again)

    def show_marks(self, marks: Marks) -> None:
        """What is known now."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def show_at(self, step: int | None) -> None:
        """Where the handle is: at a frame, or at the present for None."""
        if step != self.at:
            self.at = step
            self.setAccessibleDescription(f"step {step:,}" if step is not None else "the present")
            self.update()

    def show_range(self, first: int | None, last: int | None) -> None:
        """What is marked."""
        self.range = (first, last)
        self.update()

    def go(self, by: int) -> None:
        """So many frames on, or back; from the present one frame back is the newest."""
        frames = self.marks.frames
        if frames:
            place = bisect_left(frames, self.at if self.at is not None else self.marks.now + 1)  # of the present, past the last frame
            self._move(frames[min(len(frames) - 1, max(0, place + by))])

    def go_to(self, step: int) -> None:
        """The frame of a step, which has one."""
        self._move(step)

    # --- sizes and places ---

    def sizeHint(self) -> QSize:
        """As wide as it gets."""
        return QSize(theme.theme().px(320), theme.theme().px(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """Still to be aimed at."""
        return QSize(theme.theme().px(120), theme.theme().px(LOW))

    def x_of(self, step: float) -> float:
        """Where a step is."""
        inset = theme.theme().px(_INSET)
        return inset + (self.width() - 2 * inset) * min(1.0, max(0.0, step / max(1, self.marks.end)))

    def step_at(self, x: float) -> float:
        """Which step is at a place."""
        inset = theme.theme().px(_INSET)
        return self.marks.end * min(1.0, max(0.0, (x - inset) / max(1, self.width() - 2 * inset)))

    def about(self, x: float) -> str:
        """What is at a place, in words."""
        step, near = self.step_at(x), _NEAR * self.marks.end / max(1, self.width())
        marks = self.marks
        frame = marks.frame_near(step)
        if frame is None:
            return ""
        lines = [f"step {frame:,}" + (f" · {name}" if len(marks.phases) > 1 and (name := marks.phase_at(frame)) else "")]
        if any(abs(s - step) <= near for s in marks.bookmarks):
            lines.append("bookmarked: it is never thinned out")
        if kept := [s for s in marks.kept if abs(s - step) <= near]:
            nearest = min(kept, key=lambda s: abs(s - step))
            lines.append(f"the checkpoint of step {nearest:,} is kept: a fork can begin there")
        lines += [f"step {s:,}: {text}" for s, text in (*marks.turns, *marks.alarms) if abs(s - step) <= near][:6]
        return "\n".join(lines)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Groove, ticks, dots, flags, handle."""
        del event
        t, painter = theme.theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent(self)), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), t.px(6), t.px(6))
        self._paint_range(painter)
        self._paint_words(painter)
        handle = self.x_of(self.at if self.at is not None else self.marks.now)
        for to, colour in ((self.x_of(self.marks.end), t.hairline), (handle, theme.accent(self))):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(t.px(_INSET), t.px(_GROOVE), to - t.px(_INSET), t.px(4)), t.px(2), t.px(2))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._ticks(painter, self.marks.frames, _TICKS, 5, t.edge)
        self._ticks(painter, [s for s, _ in self.marks.turns], _TURNS, 6, t.ink)
        self._ticks(painter, [s for s, _ in self.marks.alarms], _TICKS - 2, 18, t.warn, wide=2)
        if self._hover is not None:
            self._ticks(painter, [self._hover], _TICKS - 4, 20, t.muted)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_kept(painter)
        for step in self.marks.bookmarks:
            self._paint_flag(painter, self.x_of(step))
        self._paint_handle(painter, handle)
        painter.end()

    def _ticks(self, painter: QPainter, steps: Iterable[int], top: float, high: float, colour: str, wide: int = 1) -> None:
        """Upright lines, one a pixel at most."""
        t = theme.theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        for x in dict.fromkeys(round(self.x_of(step)) for step in steps):
            painter.drawRect(QRectF(x, t.px(top), wide, t.px(high)))

    def _paint_range(self, painter: QPainter) -> None:
        first, last = self.range
        if first is None and last is None:
            return
        t, accent = theme.theme(), QColor(theme.accent(self))
        left, right = self.x_of(first or 0), self.x_of(self.marks.end if last is None else last)
        painter.fillRect(
            QRectF(left, t.px(_TICKS - 2), right - left, t.px(17)), QColor(theme.mix(t.panel, theme.accent(self), 2 * theme.TINT_OPACITY))
        )
        painter.setPen(QPen(accent, 2))
        for x, inward, marked in ((left, 3, first), (right, -3, last)):
            if marked is not None:
                top, bottom = t.px(_TICKS - 2), t.px(_TICKS + 15)
                painter.drawPolyline(QPolygonF([QPointF(x + inward, top), QPointF(x, top), QPointF(x, bottom), QPointF(x + inward, bottom)]))

    def _paint_words(self, painter: QPainter) -> None:
        """Names at the borders of phases; of one phase the first and the last step; nothing where it is low."""
        t, face = theme.theme(), theme.font(11)
        if self.height() < t.px(HEIGHT) - 2:
            return
        painter.setFont(face)
        measure = QFontMetricsF(face)
        box = QRectF(0, t.px(_WORDS), self.width(), self.height() - t.px(_WORDS) - 1)
        painter.setPen(QColor(t.muted))
        if len(self.marks.phases) < 2:
            inset = t.px(_INSET) - t.px(4)
            if self.marks.frames:
                painter.drawText(box.adjusted(inset, 0, 0, 0), int(_LEFT), f"{self.marks.frames[0]:,}")
            painter.drawText(box.adjusted(0, 0, -inset, 0), int(_RIGHT), f"{self.marks.end:,}")
            return
        borders = [*(began for began, _ in self.marks.phases), self.marks.end]
        for (began, name), ended in zip(self.marks.phases, borders[1:], strict=True):
            left, right = self.x_of(began), self.x_of(ended)
            if began:
                painter.setPen(QPen(QColor(t.edge), 1))
                painter.drawLine(QPointF(round(left) + 0.5, t.px(_TICKS - 3)), QPointF(round(left) + 0.5, self.height() - 2))
                painter.setPen(QColor(t.muted))
            room = right - left - t.px(6)
            if room > measure.horizontalAdvance(name[:3] + "…"):
                words = measure.elidedText(name, Qt.TextElideMode.ElideRight, room)
                painter.drawText(QRectF(left + t.px(4), box.top(), room, box.height()), int(_LEFT), words)

    def _paint_kept(self, painter: QPainter) -> None:
        """Stops on the way: a fork can begin there."""
        t, radius = theme.theme(), theme.theme().px(3) + 0.5
        painter.setPen(QPen(QColor(t.ink), 1.5))
        painter.setBrush(QColor(t.panel))
        last = -100.0
        for step in self.marks.kept:
            x = self.x_of(step)
            if x - last >= 3:
                painter.drawEllipse(QPointF(x, t.px(_GROOVE) + t.px(4) / 2), radius, radius)
                last = x

    def _paint_flag(self, painter: QPainter, x: float) -> None:
        t = theme.theme()
        top, side = t.px(_FLAGS), t.px(8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.accent(self)))
        painter.drawRect(QRectF(round(x), top, 1.5, t.px(_GROOVE) - top))
        flag = [QPointF(round(x), top), QPointF(round(x) + side, top + side * 0.4), QPointF(round(x), top + side * 0.8)]
        painter.drawPolygon(QPolygonF(flag))

    def _paint_handle(self, painter: QPainter, x: float) -> None:
        """Hollow at the present, full in the past."""
        t, accent = theme.theme(), QColor(theme.accent(self))
        painter.setPen(QPen(accent, 2))
        painter.setBrush(accent if self.at is not None else QColor(t.panel))
        radius = t.px(6)
        painter.drawEllipse(QPointF(x, t.px(_GROOVE) + t.px(4) / 2), radius, radius)

    # --- what the person does ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or tell what is there."""
        x = event.position().x()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._to(x)
        frame = self.marks.frame_near(self.step_at(x))
        if frame != self._hover:
            self._hover = frame
            self.update()
        self.setToolTip(self.about(x))

    def leaveEvent(self, event: object) -> None:
        """Point at nothing."""
        del event
        self._hover = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """From frame to frame, and what the buttons beside it do."""
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -_PAGE, Qt.Key.Key_PageDown: _PAGE}
        jumps = {Qt.Key.Key_Home: -len(self.marks.frames) - 1, Qt.Key.Key_End: len(self.marks.frames) + 1}
        words = {Qt.Key.Key_Space: "play", Qt.Key.Key_B: "bookmark", Qt.Key.Key_Escape: "live", Qt.Key.Key_I: "in", Qt.Key.Key_O: "out"}
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif (by := (moves | jumps).get(Qt.Key(event.key()))) is not None:
            self.go(by)
        elif word := words.get(Qt.Key(event.key())):
            self.key.emit(word)
        else:
            super().keyPressEvent(event)

    def _to(self, x: float) -> None:
        frame = self.marks.frame_near(self.step_at(x))
        if frame is not None:
            self._move(frame)

    def _move(self, step: int) -> None:
        if step != self.at:
            self.show_at(step)
            self.moved.emit(step)

    def _again(self) -> None:
        self.updateGeometry()
        self.update()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
