"""Numbers as bars, painted by hand: what two classifiers see, and the forces on a chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme

ROW = 22


class Bar(NamedTuple):
    """One line."""

    name: str
    parts: tuple[tuple[float, str], ...]  # share in [0, 1] and role of each bar, or "accent", below each other; NaN for none
    words: str  # at the right
    strong: bool = False
    tick: float = math.nan  # a mark on the bars, in [0, 1]


class Bars(QWidget):
    """Lines of name, bars, words; `rows` of them have room."""

    INSET = 0  # pixels that stay free at the left and at the right

    def __init__(self, rows: int, names: int, words: int, high: int = ROW) -> None:
        """`names`, `words`: pixels for the text at the left and at the right; `high`: of a row."""
        super().__init__()
        self._rows, self._names, self._words, self._high = rows, names, words, high
        self.lines: tuple[Bar, ...] = ()
        self._stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)

    def show_bars(self, lines: Sequence[Bar]) -> None:
        """Other numbers."""
        if tuple(lines) != self.lines:
            self.lines = tuple(lines)
            self.setAccessibleDescription("; ".join(f"{b.name} {b.words}" for b in self.lines))
            self.update()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def set_rows(self, rows: int, high: int = 0) -> None:
        """Room for another number of lines, of another height if one is given."""
        if (rows, high or self._high) != (self._rows, self._high):
            self._rows, self._high = rows, high or self._high
            self._again()

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(theme.theme().px(self._names + self._words + 60), theme.theme().px(self._high * self._rows))

    def minimumSizeHint(self) -> QSize:
        """All rows, short bars."""
        return self.sizeHint() - QSize(theme.theme().px(30), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Line by line."""
        t, painter = theme.theme(), QPainter(self)
        painter.setOpacity(theme.STALE_OPACITY if self._stale else 1.0)
        begin = t.px(self.INSET) if self.INSET else 0
        end = self.width() - begin
        left, right, high = begin + t.px(self._names), end - t.px(self._words), t.px(self._high)
        size = 12 if self._high >= 18 else 11
        for i, bar in enumerate(self.lines[: self._rows]):
            top = i * high
            painter.setFont(theme.font(size, 600 if bar.strong else 400))
            painter.setPen(QColor(t.ink))
            name = painter.fontMetrics().elidedText(bar.name, Qt.TextElideMode.ElideRight, left - begin - t.px(6))
            painter.drawText(QRectF(begin, top, left - begin, high), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            self._paint_bars(painter, bar, QRectF(left, top, max(1, right - left), high))
            painter.setFont(theme.font(size))
            painter.setPen(QColor(t.muted))
            box = QRectF(right, top, t.px(self._words), high)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, bar.words)
        painter.end()

    def _paint_bars(self, painter: QPainter, bar: Bar, room: QRectF) -> None:
        t = theme.theme()
        thick = t.px(5 if len(bar.parts) > 1 else 6)
        whole = len(bar.parts) * thick + (len(bar.parts) - 1) * t.px(2)
        y = room.top() + round((room.height() - whole) / 2)
        first = y
        for share, role in bar.parts:
            painter.fillRect(QRectF(room.left(), y, room.width(), thick), QColor(t.hairline))
            if math.isfinite(share):
                painter.fillRect(
                    QRectF(room.left(), y, room.width() * min(1.0, max(0.0, share)), thick),
                    QColor(theme.accent(self) if role == "accent" else t.curves[role]),
                )
            y += thick + t.px(2)
        if math.isfinite(bar.tick):
            x = room.left() + room.width() * min(1.0, max(0.0, bar.tick))
            painter.setPen(QPen(QColor(t.ink), 2))
            painter.drawLine(round(x), round(first) - 2, round(x), round(y - t.px(2)) + 2)

    def _again(self) -> None:
        self.updateGeometry()
        self.update()
