"""Where chains start: noise, codes, or a picture, of which a part may be kept by painting a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import picture, theme
from studio.widgets import Card, Segmented, Slider, button, column, label, row

STARTS = ("noise", "codes", "picture")
TIPS = (
    "N(0, 1) in every coordinate, as the authors do",
    "Normal with the mean and the deviation that each neuron has on training pictures",
    "A picture file, or a chain's picture: E gives its code",
)


class MaskCanvas(QWidget):
    """A picture under a brush: what is painted may be changed, the rest is kept.

    Signals:
        painted(): a stroke has ended.
        dropped(Path): a file was dropped here.
    """

    painted = Signal()
    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.shown = np.zeros((0, 0, 1), np.uint8)
        self.hole = np.zeros((0, 0), bool)
        self.radius = 3.0  # of the brush, in pixels of the picture
        self._cursor: tuple[float, float] | None = None
        self._before: tuple[float, float] | None = None
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Start picture and mask")
        self.setAccessibleDescription("Paint what the chain may change; by keyboard: arrows move the brush, Enter paints, Delete rubs out")
        self.setToolTip("Left button: the chain may paint here. Right button: this is kept. Drop a picture file here to start from it")
        theme.notifier.changed.connect(self.update)

    def show_picture(self, shown: np.ndarray) -> None:
        """Another start, unmasked."""
        self.shown, self.hole = shown, np.zeros(shown.shape[:2], bool)
        self._cursor = None
        self.update()

    def set_hole(self, hole: np.ndarray) -> None:
        """Another mask."""
        self.hole = hole
        self.update()
        self.painted.emit()

    def dab(self, at: tuple[float, float], adds: bool) -> None:
        """A round dab at (row, column) in pixels of the picture."""
        if self.hole.size:
            r, c = np.indices(self.hole.shape) + 0.5
            self.hole = self.hole.copy()
            self.hole[(r - at[0]) ** 2 + (c - at[1]) ** 2 <= self.radius**2] = adds
            self.update()

    def sizeHint(self) -> QSize:
        """Seven times 32."""
        return QSize(theme.theme().px(224), theme.theme().px(224))

    def minimumSizeHint(self) -> QSize:
        """Four times."""
        return QSize(theme.theme().px(128), theme.theme().px(128))

    def _room(self) -> QRectF:
        if not self.shown.size:
            return QRectF(self.rect())
        ratio, high, wide = self.devicePixelRatioF(), *self.shown.shape[:2]
        zoom = max(1, int(min(self.width() * ratio // wide, self.height() * ratio // high)))
        return QRectF(0, 0, wide * zoom / ratio, high * zoom / ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture, tint where the chain paints, brush."""
        t, painter, room = theme.theme(), QPainter(self), self._room()
        if not self.shown.size:
            painter.setPen(QPen(QColor(t.edge), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(room.adjusted(0.5, 0.5, -1, -1), 6, 6)
            painter.setPen(QColor(t.muted))
            painter.setFont(theme.font(12))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(12, 12, -12, -12), int(flags), "Drop a picture here, or choose one")
            painter.end()
            return
        painter.drawImage(room, picture.to_image(self.shown))
        if self.hole.any():
            tint = np.zeros((*self.hole.shape, 4), np.uint8)
            color = QColor(theme.accent(self))
            tint[self.hole] = (color.red(), color.green(), color.blue(), 150)
            high, wide = self.shown.shape[:2]
            painter.drawImage(room, QImage(tint.data, wide, high, 4 * wide, QImage.Format.Format_RGBA8888))
        if self._cursor is not None:
            scale = room.width() / self.shown.shape[1]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(t.ink), 1))
            radius = self.radius * scale
            painter.drawEllipse(QPointF(self._cursor[1] * scale, self._cursor[0] * scale), radius, radius)
        painter.end()

    def _place(self, event: QMouseEvent) -> tuple[float, float]:
        scale = self._room().width() / max(1, self.shown.shape[1])
        return event.position().y() / scale, event.position().x() / scale

    def _paint_to(self, event: QMouseEvent) -> None:
        if not self.shown.size or not event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            return
        at = self._place(event)
        before = self._before or at
        steps = max(1, int(np.hypot(at[0] - before[0], at[1] - before[1]) / max(0.5, self.radius / 2)))
        for i in range(1, steps + 1):
            point = tuple(b + (a - b) * i / steps for a, b in zip(at, before, strict=True))
            self.dab((point[0], point[1]), bool(event.buttons() & Qt.MouseButton.LeftButton))
        self._before = at

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A stroke begins."""
        self._before = self._cursor = None
        self._paint_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """It goes on, also between two places."""
        self._paint_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """It ends."""
        if self._before is not None:
            self._before = None
            self.painted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Enter, Delete."""
        way = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}.get(Qt.Key(event.key()))
        high, wide = self.shown.shape[:2]
        here = self._cursor or (high / 2, wide / 2)
        if not self.shown.size or (way is None and event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete)):
            super().keyPressEvent(event)
        elif way is not None:
            self._cursor = (min(high, max(0.0, here[0] + way[0])), min(wide, max(0.0, here[1] + way[1])))
            self.update()
        elif not event.modifiers():
            self.dab(here, event.key() != Qt.Key.Key_Delete)
            self.painted.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """One file."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """It is the start."""
        event.acceptProposedAction()
        self.dropped.emit(Path(event.mimeData().urls()[0].toLocalFile()))


class StartPanel(Card):
    """Start, picture and mask. What is chosen here makes new chains.

    Signals:
        changed(): another start or mask.
        open(): ask for a picture file. take(): the selected chain's picture is wanted.
        dropped(Path): a picture file was dropped.
    """

    changed = Signal()
    open = Signal()
    take = Signal()
    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        self.kinds = Segmented(STARTS, TIPS)
        self.kinds.setAccessibleName("Start")
        self.kinds.chosen.connect(self._on_kind)
        self.canvas = MaskCanvas()
        self.canvas.painted.connect(self._on_painted)
        self.canvas.dropped.connect(self.dropped)
        self.open_button = button(
            "Picture…", "open", tip="Start from a picture file: its centre square, at the size of the run", clicked=self.open.emit
        )
        self.take_button = button("This chain", "image", tip="Start from the picture of the selected chain", clicked=self.take.emit)
        self.clear_button = button("Clear", tip="Keep nothing: no mask", clicked=self._clear)
        self.invert_button = button("Invert", tip="Keep what is painted, and paint what is kept", clicked=self._invert)
        self.brush = Slider(30)
        self.brush.setValue(6)
        self.brush.setAccessibleName("Radius of the brush")
        self.brush.valueChanged.connect(self._on_radius)
        self.words = label("", "caption")
        self.words.setWordWrap(True)
        side = column(spacing=8)
        side.addWidget(self.kinds)
        side.addLayout(row(self.open_button, self.take_button, 1, spacing=4))
        side.addWidget(label("Mask: paint what may change", "section"))
        brush = row(label("Brush"), self.brush)
        brush.setStretch(1, 1)
        side.addLayout(brush)
        side.addLayout(row(self.clear_button, self.invert_button, 1, spacing=4))
        side.addWidget(self.words)
        side.addStretch(1)
        line = row(self.canvas, spacing=12)
        line.addLayout(side)
        line.setStretch(0, 1)
        self.body.addLayout(line, 1)
        self._say()

    def start(self) -> str | np.ndarray:
        """As ChainWish takes it."""
        kind = STARTS[self.kinds.selected()]
        return self.canvas.shown if kind == "picture" and self.canvas.shown.size else "noise" if kind == "picture" else kind

    def hole(self) -> np.ndarray | None:
        """The mask; None where everything may change."""
        usable = not isinstance(self.start(), str) and self.canvas.hole.any() and not self.canvas.hole.all()
        return self.canvas.hole if usable else None

    def show_picture(self, shown: np.ndarray) -> None:
        """A start picture has come."""
        self.canvas.show_picture(shown)
        self.kinds.select(STARTS.index("picture"))
        self._say()
        self.changed.emit()

    def put(self, kind: int, shown: np.ndarray, hole: np.ndarray) -> None:
        """Start, picture and mask as they were."""
        self.canvas.show_picture(shown)
        self.canvas.hole = hole
        self.kinds.select(kind)
        self._say()
        self.changed.emit()

    def clear(self) -> None:
        """Another run: its pictures may have another size."""
        self.canvas.show_picture(np.zeros((0, 0, 1), np.uint8))
        self.kinds.select(0)
        self._say()

    def _on_kind(self, kind: int) -> None:
        if STARTS[kind] == "picture" and not self.canvas.shown.size:
            self._say()
            self.open.emit()
        else:
            self._say()
            self.changed.emit()

    def _on_radius(self, place: int) -> None:
        self.canvas.radius = 0.5 + place * 0.4
        self.canvas.update()

    def _on_painted(self) -> None:
        self._say()
        if not isinstance(self.start(), str):
            self.changed.emit()

    def _clear(self) -> None:
        self.canvas.set_hole(np.zeros_like(self.canvas.hole))

    def _invert(self) -> None:
        self.canvas.set_hole(~self.canvas.hole)

    def _say(self) -> None:
        there = bool(self.canvas.shown.size)
        for b in (self.clear_button, self.invert_button, self.brush):
            b.setEnabled(there)
        if STARTS[self.kinds.selected()] == "picture" and not there:
            words = "Choose a picture, or drop one on the square; until then chains start from noise."
        elif self.canvas.hole.size and self.canvas.hole.all():
            words = "Everything is painted, so nothing is kept: no mask."
        elif self.hole() is not None:
            words = f"{self.canvas.hole.mean():.0%} may change; ε4 keeps the rest."
        else:
            words = "A change here starts the chains anew."
        self.words.setText(words)
