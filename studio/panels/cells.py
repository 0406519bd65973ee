"""A known distribution over a few cells, as it is: bars in a row, or a map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import theme

BARS, SIDE, AXIS = 72, 176, 16  # pixels of the bars and of a map, and of the words below them


class CellPlot(QWidget):
    """Probabilities by cell; the highest is a full bar, or the full colour."""

    def __init__(self) -> None:
        super().__init__()
        self._p, self._rows, self._columns = np.zeros(0), 1, 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self.updateGeometry)

    def show_cells(self, p: Sequence[float], shape: Sequence[int]) -> None:
        """(K,) probabilities, row by row; and how many rows and columns, one row of what has one dimension."""
        self._p, (self._rows, self._columns) = np.asarray(p, float), (int(side) for side in shape)
        words = f"{self._rows} × {self._columns} cells" if self._rows > 1 else f"{len(self._p)} cells"
        self.setAccessibleName(f"Probabilities of {words}, at most {self._p.max(initial=0):.2%}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Bars, or a map; and a line of words."""
        px = theme.theme().px
        return QSize(px(220), px((SIDE if self._rows > 1 else BARS) + AXIS))

    minimumSizeHint = sizeHint

    def boxes(self) -> list[QRectF]:
        """The place of each cell; of a bar only what is filled."""
        px = theme.theme().px
        if self._rows > 1:
            side = px(SIDE) / max(self._rows, self._columns)
            return [QRectF(i % self._columns * side, i // self._columns * side, side, side) for i in range(len(self._p))]
        wide, high, most = self.width() / max(1, len(self._p)), px(BARS), self._p.max(initial=0) or 1
        tall = (high - 2) * self._p / most
        return [QRectF(i * wide, high - tall[i], max(1.0, wide - 1), tall[i]) for i in range(len(self._p))]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, and the highest of them in words."""
        t, painter = theme.theme(), QPainter(self)
        most = self._p.max(initial=0) or 1
        for share, box in zip(self._p / most, self.boxes(), strict=True):
            colour = theme.mix(t.hairline, t.curves["real"], float(share)) if self._rows > 1 else t.curves["real"]
            painter.fillRect(box, QColor(colour))
        base = t.px(SIDE if self._rows > 1 else BARS)
        if self._rows == 1:
            painter.setPen(QPen(QColor(t.hairline), 1))
            painter.drawLine(QPointF(0, base + 0.5), QPointF(self.width(), base + 0.5))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(QPointF(0, base + t.px(AXIS) - 3), f"at most {most:.2%} in a cell" if len(self._p) else "")
        painter.end()

    def event(self, event: QEvent) -> bool:
        """The probability of a cell, where the mouse rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos().x(), event.pos().y()), self)
            return True
        return super().event(event)

    def tip_at(self, x: float, y: float) -> str:
        """The words about the cell at a place."""
        for i, box in enumerate(self.boxes()):
            if box.left() <= x < box.right() + 1 and (self._rows == 1 or box.top() <= y < box.bottom()):
                name = f"{i // self._columns},{i % self._columns}" if self._rows > 1 else str(i)
                return f"Cell {name}: {self._p[i]:.3%}"
        return ""
