"""The chains' pictures, marked: which are frozen, and which are what was asked for; and one picture large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import picture, theme
from studio.panels.samples import GAP, ImageGrid

LARGE = 192
WHOLE = 25  # pictures; of more, some rows are seen


class ChainGrid(ImageGrid):
    """A bar under a picture: the independent classifier sees in it what was asked for. A cross over it: the chain diverged, and is frozen."""

    def __init__(self, title: str = "", columns: int = 4) -> None:
        super().__init__(title, columns, whole=True)
        self._agreed: Sequence[bool | None] = ()
        self._frozen: Sequence[bool] = ()

    def set_count(self, n: int) -> None:
        """So many pictures: all are seen, or, of many, those that fit at a size at which one can look at them."""
        self._whole = n <= WHOLE
        self.set_columns(square_columns(n) if n <= WHOLE else 6)

    def width_for(self, n: int, side: int, high: int, wide: int) -> int:
        """The width that n pictures of `side` pixels fill at the largest zoom that fits."""
        columns = square_columns(n) if n <= WHOLE else 6
        rows = min(-(-n // columns), columns if n <= WHOLE else columns - 1)
        zoom = max(1, int(min(((high + GAP) / rows - GAP) // side, ((wide + GAP) / columns - GAP) // side)))
        return columns * (side * zoom + GAP) - GAP + (0 if n <= WHOLE else 10)

    def show_marks(self, agreed: Sequence[bool | None], frozen: Sequence[bool]) -> None:
        """One of each a chain."""
        if (tuple(agreed), tuple(frozen)) != (tuple(self._agreed), tuple(self._frozen)):
            self._agreed, self._frozen = tuple(agreed), tuple(frozen)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures, then marks."""
        super().paintEvent(event)
        painter, t = QPainter(self), theme.theme()
        for i, right in enumerate(self._agreed[: self.count()]):
            r = self.rect_of(i)
            if right and not r.isEmpty():
                painter.fillRect(QRectF(r.left(), r.bottom() + 1, r.width(), 2), QColor(t.curves["judge"]))
        for i, gone in enumerate(self._frozen[: self.count()]):
            r = self.rect_of(i)
            if gone and not r.isEmpty():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(QColor(t.bad), 2))
                painter.drawRect(r.adjusted(1, 1, -1, -1))
                painter.drawLine(r.topLeft(), r.bottomRight())
                painter.drawLine(r.topRight(), r.bottomLeft())
        painter.end()


class LargePicture(QWidget):
    """One picture, as many whole times enlarged as fit a square of `side` pixels."""

    def __init__(self, side: int = LARGE) -> None:
        super().__init__()
        self._side, self._shown = side, np.zeros((0, 0, 1), np.uint8)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The selected chain")
        theme.notifier.changed.connect(self.updateGeometry)

    def set_side(self, side: int) -> None:
        """Another size."""
        if side != self._side:
            self._side = side
            self.updateGeometry()
            self.update()

    def show_picture(self, shown: np.ndarray) -> None:
        """(H, W, C) uint8; empty for none."""
        self._shown = shown
        self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        side = theme.theme().px(self._side)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, at the top left."""
        if not self._shown.size:
            return
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        height, width = self._shown.shape[:2]
        zoom = max(1, int(min(self.width() * ratio // width, self.height() * ratio // height)))
        image = picture.to_image(self._shown, ratio)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(QPointF(0, 0), QPointF(width * zoom / ratio, height * zoom / ratio)), image)
        painter.end()


def square_columns(n: int) -> int:
    """Columns of n pictures that look best: 4 for 16, 3 for 6, 8 for 64."""
    return max(1, min(n, round(n**0.5 + 0.499)))
