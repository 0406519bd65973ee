"""One picture of two runs: the left part from one, the right part from the other, with an edge that is dragged."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.picture import to_image

STEP = 0.05  # of the width, with an arrow key


class Wipe(QWidget):
    """Two pictures of the same size in one place, each pixel a whole number of times enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self._pair: tuple[np.ndarray, np.ndarray] | None = None
        self._names = ("", "")
        self.share = 0.5
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Wipe between the two runs")
        self.setToolTip("Drag the edge, or move it with ← and →")
        theme.notifier.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(theme.theme().px(240), theme.theme().px(240))

    def show_pair(self, left: np.ndarray, right: np.ndarray, names: tuple[str, str]) -> None:
        """Two pictures (H, W, 1 or 3) uint8; of another size the right one is not shown."""
        self._pair, self._names = (left, right if right.shape[:2] == left.shape[:2] else left), names
        self._describe()
        self.update()

    def set_share(self, share: float) -> None:
        """Where the edge is, from 0 to 1."""
        self.share = min(1.0, max(0.0, share))
        self._describe()
        self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{self.share:.0%} {self._names[0]}, the rest {self._names[1]}")

    def box(self) -> QRectF:
        """Where the picture is."""
        if self._pair is None:
            return QRectF()
        ratio, (high, wide) = self.devicePixelRatioF(), self._pair[0].shape[:2]
        zoom = max(1, int(min(self.width() * ratio // wide, (self.height() - theme.theme().px(18)) * ratio // high)))
        size = (wide * zoom / ratio, high * zoom / ratio)
        return QRectF(round((self.width() - size[0]) / 2), theme.theme().px(18), *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The left picture whole, the right one over it from the edge on."""
        if self._pair is None:
            return
        t, painter, box = theme.theme(), QPainter(self), self.box()
        left, right = (to_image(picture) for picture in self._pair)
        painter.drawImage(box, left)
        edge = box.left() + box.width() * self.share
        painter.save()
        painter.setClipRect(QRectF(edge, box.top(), box.right() - edge, box.height()))
        painter.drawImage(box, right)
        painter.restore()
        painter.setPen(QPen(QColor(t.on_accent), 3))
        painter.drawLine(QPointF(edge, box.top()), QPointF(edge, box.bottom()))
        painter.setPen(QPen(QColor(theme.accent(self)), 2 if self.hasFocus() else 1))
        painter.drawLine(QPointF(edge, box.top()), QPointF(edge, box.bottom()))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        words = QRectF(0, 0, self.width(), t.px(16))
        half, elide = round(self.width() / 2 - t.px(8)), painter.fontMetrics().elidedText
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft, elide(f"◂ {self._names[0]}", Qt.TextElideMode.ElideRight, half))
        painter.drawText(words, Qt.AlignmentFlag.AlignRight, elide(f"{self._names[1]} ▸", Qt.TextElideMode.ElideLeft, half))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The edge jumps to the mouse."""
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """And follows it."""
        self._drag(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move it."""
        by = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
        else:
            self.set_share(self.share + by)

    def _drag(self, event: QMouseEvent) -> None:
        box = self.box()
        if box.width():
            self.set_share((event.position().x() - box.left()) / box.width())
