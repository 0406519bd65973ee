"""Sentences of each z as a list, with their importance weights as bars before them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from studio import theme
from studio.panels.visible import visible
from studio.panels.weightrows import Plan, WeightRows

_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class WordRows(WeightRows):
    """A list of sentences, a bar lying before each, and the ESS above."""

    LINE, HEAD, AIR, NUMBER, LONGEST = 20, 30, 14, 42, 320  # pixels
    BARS, ALL = (56, 140), 24  # shortest and longest room of the bars; up to so many sentences are listed however low the room is

    def __init__(self) -> None:
        super().__init__()
        self._texts: Sequence[str] = ()

    def show_words(self, texts: Sequence[str], w: np.ndarray, ess: np.ndarray) -> None:
        """z * M sentences, z-major, with their weights (z, M)."""
        self._texts = [visible(text) for text in texts]
        self.show_weights(w, ess)

    def planned(self, wide: int, high: int) -> Plan:
        """As many lists beside each other as have room for their longest sentence; each as high as what is seen."""
        n, M = self.w.shape
        t = theme.theme()
        least = self._longest() + t.px(self.BARS[0] + self.NUMBER + 28)
        columns = max(1, min(n, int(wide // max(least, t.px(170)))))
        around = t.px(self.HEAD + self.AIR)
        fitting = int((high - around) // t.px(self.LINE))
        shown = M if max(self.ALL, fitting) >= M else max(self.ALL, fitting - 1)
        return Plan(shown, columns, wide / columns, around + (shown + (shown < M)) * t.px(self.LINE))

    def _longest(self) -> float:
        metrics = QFontMetricsF(theme.font(13))
        return min(theme.theme().px(self.LONGEST), max((metrics.horizontalAdvance(text) for text in set(self._texts)), default=0.0))

    def cell(self, z: int, place: int) -> QRectF:
        """One line of the list."""
        block, line = self.block(z), theme.theme().px(self.LINE)
        return QRectF(block.left() + 2, block.top() + theme.theme().px(self.HEAD) + place * line, block.width() - theme.theme().px(16), line)

    def _bar_room(self) -> float:
        t = theme.theme()
        return min(t.px(self.BARS[1]), max(t.px(self.BARS[0]), self.plan.wide - self._longest() - t.px(self.NUMBER + 28)))

    def paint_block(self, painter: QPainter, z: int) -> None:
        """The words above, the list, the line of equal shares."""
        t, block = theme.theme(), self.block(z)
        bar, full = self._bar_room(), self.top_of_bar(z)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(QRectF(block.left() + 2, block.top(), t.px(36), t.px(16)), _LEFT, f"z {z + 1}")
        self.paint_ess(painter, z, QPointF(block.left() + t.px(40), block.top()), min(t.px(140), block.width() - t.px(56)))
        for place, m in enumerate(self.orders[z, : self.plan.shown]):
            self._paint_line(painter, z, int(m), self.cell(z, place), bar, full)
        first, last = self.cell(z, 0), self.cell(z, self.plan.shown - 1)
        painter.setPen(theme.pen("baseline"))
        x = round(first.left() + bar / self.w.shape[1] / full) + 0.5
        painter.drawLine(QLineF(x, first.top(), x, last.bottom()))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(QRectF(last.left(), last.bottom(), last.width(), t.px(self.LINE)), _LEFT, self.hidden(z))

    def _paint_line(self, painter: QPainter, z: int, m: int, box: QRectF, bar: float, full: float) -> None:
        t, w = theme.theme(), float(self.w[z, m])
        long, thick = max(1.0, bar * float(np.nan_to_num(w)) / full), t.px(8)
        painter.fillRect(QRectF(box.left(), box.center().y() - thick / 2, long, thick), self.bar_color(z, m))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        left = box.left() + bar
        painter.drawText(QRectF(left, box.top(), t.px(self.NUMBER - 4), box.height()), _RIGHT, f"{w:.3f}" if math.isfinite(w) else "–")
        left += t.px(self.NUMBER + 6)
        painter.setFont(theme.font(13))
        painter.setPen(QColor(t.ink))
        room = box.right() - left
        text = painter.fontMetrics().elidedText(self._texts[z * self.w.shape[1] + m], Qt.TextElideMode.ElideRight, int(room) + 1)
        painter.drawText(QRectF(left, box.top(), room + 2, box.height()), _LEFT, text)
        self.paint_frame(painter, box.adjusted(0, 1, 0, -1), z, m)

    def words_of(self, index: int) -> str:
        """With the whole sentence."""
        return f"{self._texts[index]}\n{super().words_of(index)}"

    def turned(self, way: tuple[int, int]) -> tuple[int, int]:
        """Down is the next sentence; right is the next z."""
        return way[1], way[0]
