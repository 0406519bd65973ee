"""A piece of a line in the colour and dash of a curve, to stand before its name."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio import theme


class LineSample(QWidget):
    """A piece of a line."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self.setFixedSize(theme.theme().px(16), theme.theme().px(16))
        theme.notifier.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As in the plot."""
        painter, pen = QPainter(self), theme.pen(self._role)
        pen.setWidthF(2)
        if dash := theme.dash_of(self._role):
            pen.setDashPattern([v / 2 for v in dash])
        painter.setPen(pen)
        painter.drawLine(0, self.height() // 2, self.width(), self.height() // 2)
        painter.end()
