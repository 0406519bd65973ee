"""Pictures in rows, each a whole number of times enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollBar, QSizePolicy, QWidget

from studio import picture, theme
from studio.panels.tiling import Layout, fit

GAP = 4
_EDGE = 2  # the frame of the selected picture lies outside it
_BAR = 10  # width of the scroll bar, which needs no more room than the gap beside the last column
_NOTCH = 120  # angle of one click of a mouse wheel


class ImageGrid(QWidget):
    """A grid of pictures under a heading; one row of it is a strip. Only the pictures that are seen are ever read.

    Signals:
        clicked(int): a picture was clicked, or Enter pressed on it.
        selected(int): another picture is selected; -1 for none.
        hovered(int): the picture under the mouse; -1 for none.
    """

    clicked = Signal(int)
    selected = Signal(int)
    hovered = Signal(int)

    def __init__(self, title: str = "", columns: int = 8, *, rows: int = 0, whole: bool = False, max_zoom: int = 0) -> None:
        super().__init__()
        self._title, self._note = title, ""
        self._strict = False
        self._columns, self._most, self._only_rows, self._whole, self._max_zoom = columns, 0, rows, whole, max_zoom
        self._pictures: Any = np.zeros((0, 1, 1, 3), np.uint8)
        self._captions: Sequence[str] = ()
        self._tips: Sequence[str] = ()
        self._first_row, self._selected, self._hover, self._stale = 0, -1, -1, False
        self._sheet: QImage | None = None
        self._layout: Layout | None = None
        self._pressed: QPoint | None = None
        self._wheel = 0
        self.bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.bar.setAccessibleName("Further pictures")
        self.bar.hide()
        self.bar.valueChanged.connect(self._on_bar)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed if rows else QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)
        theme.notifier.changed.connect(self._again)

    # --- what the page says ---

    def show_images(self, pictures: Any, captions: Sequence[str] = (), tips: Sequence[str] = ()) -> None:
        """Show (n, H, W, C) uint8, with a line under each if `captions` are given; what was stale is fresh. `tips` say more than captions.

        `pictures` may be anything that has `ndim`, `shape`, a length, indices and slices, such as an array mapped from a file.
        """
        if pictures.ndim != 4:
            raise ValueError(f"A grid takes (n, H, W, C), not {pictures.shape}.")
        reshaped = pictures.shape[:3] != self._pictures.shape[:3] or bool(captions) != bool(self._captions)
        self._pictures, self._captions, self._tips, self._stale, self._sheet = pictures, captions, tips or captions, False, None
        if self._selected >= len(pictures):
            self.select(-1)
        if reshaped:
            self._again()
        self.update()

    def strip(self, pictures: np.ndarray, captions: Sequence[str] = ()) -> None:
        """Show pictures as one row, for example an interpolation."""
        self._only_rows, self._columns = 1, max(1, len(pictures))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_images(pictures, captions)

    def set_heading(self, title: str, note: str = "") -> None:
        """The words above, and a caption at the right end of them."""
        if (title, note) != (self._title, self._note):
            self._title, self._note = title, note
            self.setAccessibleName(title)
            self._again()

    def set_columns(self, columns: int, *, strict: bool = False) -> None:
        """How many columns to aim at; `strict`: never fewer, however small the pictures."""
        self._strict = strict
        self._columns = max(1, columns)
        self._again()

    def set_max_columns(self, most: int) -> None:
        """Up to how many columns a wide window may add."""
        self._most = most
        self._again()

    def set_max_zoom(self, most: int) -> None:
        """How large a pixel may become; 0 is as large as fits."""
        self._max_zoom = most
        self._again()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def select(self, index: int) -> None:
        """Frame a picture, or none for -1."""
        index = index if 0 <= index < len(self._pictures) else -1
        if index != self._selected:
            self._selected = index
            if index >= 0:
                self._scroll_to(index)
            self.selected.emit(index)
            self.update()

    def selection(self) -> int:
        """The framed picture; -1 for none."""
        return self._selected

    def count(self) -> int:
        """How many pictures there are, seen or not."""
        return len(self._pictures)

    def shown(self) -> Any:
        """What `show_images` was given."""
        return self._pictures

    def picture(self, index: int) -> np.ndarray:
        """One of them, as it came."""
        return self._pictures[index]

    def layout_now(self) -> Layout:
        """Zoom (device pixels a sample), columns and whole rows as they are on the screen."""
        if self._layout is None:
            place = self._fitted(self.width())
            scrolls = not self._only_rows and place.columns * place.rows < len(self._pictures)
            self._layout = self._fitted(self.width() - _BAR) if scrolls else place
            self._place_bar(scrolls)
        return self._layout

    def _fitted(self, wide: float) -> Layout:
        ratio, top = self.devicePixelRatioF(), self._top()
        space = (int(wide * ratio), int((self.height() - top) * ratio))
        height, width = self._pictures.shape[1:3]
        n, lines = len(self._pictures), self._only_rows
        return fit(
            space,
            n,
            (width, height),
            -(-n // lines) if lines else self._columns,
            self._most,
            gap=self._gap(),
            below=round(self._below() * ratio),
            whole=self._whole or bool(lines),
            strict=self._strict or bool(lines),
            max_zoom=int(self._max_zoom * ratio),
        )

    def _place_bar(self, on: bool) -> None:
        """The scroll bar beside the last column, where not all rows fit."""
        place = self._layout
        assert place is not None
        last = max(0, -(-len(self._pictures) // place.columns) - place.rows)
        self._first_row = min(self._first_row, last)
        self.bar.blockSignals(True)
        self.bar.setRange(0, last)
        self.bar.setPageStep(place.rows)
        self.bar.setValue(self._first_row)
        self.bar.blockSignals(False)
        ratio, (height, width) = self.devicePixelRatioF(), self._pictures.shape[1:3]
        right = place.columns * (width * place.zoom + self._gap()) / ratio
        high = place.rows * ((height * place.zoom + self._gap()) / ratio + self._below())
        self.bar.setGeometry(min(round(right), self.width() - _BAR), self._top(), _BAR, max(1, round(high) - GAP))
        self.bar.setVisible(on and last > 0)

    def _on_bar(self, row: int) -> None:
        if row != self._first_row:
            self._first_row, self._sheet = row, None
            self.update()

    # --- sizes ---

    def sizeHint(self) -> QSize:
        """At twice its size."""
        return self._size_at(2, self._only_rows or min(6, self._rows_needed()))

    def minimumSizeHint(self) -> QSize:
        """At its own size, with one row."""
        return self._size_at(1, self._only_rows or 1) if not self._only_rows else QSize(80, self._size_at(1, 1).height())

    def hasHeightForWidth(self) -> bool:
        """A strip is as high as its pictures at the width it gets."""
        return bool(self._only_rows)

    def heightForWidth(self, width: int) -> int:
        """Of a strip; -1, which is none, for a grid: a stack asks it all the same."""
        if not self._only_rows:
            return -1
        if not len(self._pictures):
            return self._size_at(1, 1).height()
        ratio, columns = self.devicePixelRatioF(), -(-len(self._pictures) // self._only_rows)
        space, size, limit = (int(width * ratio), 1 << 20), (self._pictures.shape[2], 1), int(self._max_zoom * ratio)
        zoom = fit(space, len(self._pictures), size, columns, gap=self._gap(), whole=True, strict=True, max_zoom=limit).zoom
        one = self._pictures.shape[1] * zoom / ratio + self._below()
        return round(self._top() + self._only_rows * one + (self._only_rows - 1) * GAP)

    def _size_at(self, zoom: int, rows: int) -> QSize:
        height, width = self._pictures.shape[1:3] if len(self._pictures) else (32, 32)
        columns = min(self._columns, max(1, len(self._pictures)))
        return QSize(
            columns * (width * zoom + GAP) - GAP,
            round(self._top() + rows * (height * zoom + GAP + self._below()) - GAP),
        )

    def _rows_needed(self) -> int:
        return max(1, -(-len(self._pictures) // self._columns))

    def _top(self) -> int:
        return theme.theme().px(20) if self._title or self._note else 0

    def _below(self) -> int:
        return theme.theme().px(16) if self._captions else 0

    def _gap(self) -> int:
        return round(GAP * self.devicePixelRatioF())

    def _again(self) -> None:
        self._layout = self._sheet = None
        self.updateGeometry()
        self.update()

    # --- what is seen ---

    def _seen(self) -> range:
        place = self.layout_now()
        first = self._first_row * place.columns
        return range(first, min(len(self._pictures), first + place.rows * place.columns))

    def rect_of(self, index: int) -> QRectF:
        """Where a picture is, in the widget; empty if it is not seen."""
        if index not in self._seen():
            return QRectF()
        place, ratio = self.layout_now(), self.devicePixelRatioF()
        height, width = self._pictures.shape[1:3]
        r, c = divmod(index - self._first_row * place.columns, place.columns)
        x = c * (width * place.zoom + self._gap()) / ratio
        y = r * ((height * place.zoom + self._gap()) / ratio + self._below()) + self._top()
        return QRectF(x, y, width * place.zoom / ratio, height * place.zoom / ratio)

    def index_at(self, point: QPoint) -> int:
        """The picture at a place of the widget; -1 for none."""
        seen = self._seen()
        if not seen:
            return -1
        place, ratio = self.layout_now(), self.devicePixelRatioF()
        height, width = self._pictures.shape[1:3]
        column = int(point.x() * ratio) // (width * place.zoom + self._gap())
        row = int((point.y() - self._top()) // ((height * place.zoom + self._gap()) / ratio + self._below()))
        index = seen.start + row * place.columns + column
        return index if 0 <= column < place.columns and row >= 0 and self.rect_of(index).contains(point) else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Heading, pictures, captions, frame."""
        t, painter, place = theme.theme(), QPainter(self), self.layout_now()
        seen, ratio = self._seen(), self.devicePixelRatioF()
        right = self.rect_of(seen[min(place.columns, len(seen)) - 1]).right() if seen else self.width()
        self._paint_heading(painter, max(right, min(self.width(), t.px(220))))
        if seen:
            if self._sheet is None:
                part = self._pictures[seen.start : seen.stop]
                self._sheet = picture.sheet(part, place.columns, zoom=place.zoom, gap=self._gap(), below=round(self._below() * ratio), ratio=ratio)
            painter.setOpacity(theme.STALE_OPACITY if self._stale else 1.0)
            painter.drawImage(QPoint(0, self._top()), self._sheet)
            painter.setOpacity(1.0)
            self._paint_captions(painter, seen)
            for index, color in ((self._hover, t.edge), (self._selected, theme.accent(self))):
                if index in seen:
                    painter.setPen(QPen(QColor(color), _EDGE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap, Qt.PenJoinStyle.MiterJoin))
                    frame = self.rect_of(index).adjusted(-_EDGE, -_EDGE, _EDGE, _EDGE) & QRectF(self.rect())  # inside at the widget's border
                    half = _EDGE / 2
                    painter.drawRect(frame.adjusted(half, half, -half, -half))
        painter.end()

    def _paint_heading(self, painter: QPainter, right: float) -> None:
        t = theme.theme()
        painter.setPen(QColor(t.muted))
        painter.setFont(theme.font(11))
        note = painter.fontMetrics().horizontalAdvance(self._note)
        box = QRectF(0, 0, right, t.px(14))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._note)
        painter.setFont(theme.font(12, 600))
        room = max(0, int(box.width()) - (note + 12 if note else 0))
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_captions(self, painter: QPainter, seen: range) -> None:
        if not self._captions:
            return
        painter.setPen(QColor(theme.theme().muted))
        painter.setFont(theme.font(11))
        for i in seen:
            r = self.rect_of(i)
            words = self._captions[i] if i < len(self._captions) else ""
            words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, round(r.width()) + GAP)
            painter.drawText(QRectF(r.left(), r.bottom() + 1, r.width() + GAP, self._below()), Qt.AlignmentFlag.AlignLeft, words)

    # --- what the person does ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another zoom may fit."""
        super().resizeEvent(event)
        self._layout = self._sheet = None
        self.layout_now()

    def showEvent(self, event: QShowEvent) -> None:
        """Whether there is a scroll bar is known before the first paint."""
        super().showEvent(event)
        self.layout_now()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Further rows, where not all of them fit."""
        self.layout_now()
        self._wheel += event.angleDelta().y()
        notches = int(self._wheel / _NOTCH)
        self._wheel -= notches * _NOTCH
        row = self._first_row
        self.bar.setValue(row - notches * max(1, self.bar.pageStep() // 4))
        if notches and self._first_row == row:
            self._wheel = 0
            event.ignore()

    def _scroll_to(self, index: int) -> None:
        place = self.layout_now()
        row = index // place.columns
        self.bar.setValue(min(max(self._first_row, row - place.rows + 1), row))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home, End and the page keys select, Enter clicks, Esc selects none."""
        key, place, last = event.key(), self.layout_now(), len(self._pictures) - 1
        page = place.columns * place.rows
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -place.columns, Qt.Key.Key_Down: place.columns}
        jumps = {Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -last - 1, Qt.Key.Key_End: last + 1}
        if key in moves and last >= 0:
            to = 0 if self._selected < 0 else self._selected + moves[Qt.Key(key)]
            self.select(to if 0 <= to <= last else self._selected)
        elif key in jumps and last >= 0:
            self.select(min(last, max(0, max(0, self._selected) + jumps[Qt.Key(key)])))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._selected >= 0 and not event.modifiers():
            self.clicked.emit(self._selected)
        elif key == Qt.Key.Key_Escape and self._selected >= 0:
            self.select(-1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where: a drag may begin."""
        self._pressed = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover, or drag a picture out."""
        here = event.position().toPoint()
        if self._pressed is not None and (here - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            index, self._pressed = self.index_at(self._pressed), None
            if index >= 0:
                self._drag(index)
            return
        self._set_hover(self.index_at(here))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select and click."""
        index = self.index_at(event.position().toPoint())
        if self._pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = None
            self.select(index)
            if index >= 0:
                self.clicked.emit(index)

    def leaveEvent(self, event: object) -> None:
        """Hover over none."""
        self._set_hover(-1)

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.setToolTip(self._tips[index] if 0 <= index < len(self._tips) else "")
            self.hovered.emit(index)
            self.update()

    def mime_of(self, index: int) -> QMimeData:
        """A picture as other programs take it."""
        data = QMimeData()
        data.setImageData(picture.to_image(self._pictures[index]))
        return data

    def _drag(self, index: int) -> None:
        drag = QDrag(self)
        drag.setMimeData(self.mime_of(index))
        part = self.rect_of(index).toRect()
        preview = QPixmap(part.size())
        self.render(preview, QPoint(), QRect(part))
        drag.setPixmap(preview)
        drag.exec(Qt.DropAction.CopyAction)
