"""Two samples beside each other: behind a slider, side by side, or in turn; of sentences the words that differ."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from models.settings import settings
from studio import picture, theme
from studio.gallery.nearest import edit_distance, pooled, split
from studio.panels.sentencerow import changed
from studio.widgets import Card, ElidedLabel, Segmented, Slider, button, column, label, row

WIPE, BESIDE, FLICKER = range(3)
SLOWEST, FASTEST = 2_000, 80  # ms that one picture is seen
GAP = 16


class CompareCanvas(QWidget):
    """Two pictures as large as fits, each a whole number of times enlarged.

    Signals:
        moved(float): the slider was dragged to this share of the width.
    """

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.way, self.share, self.first = WIPE, 0.5, True
        self._images: tuple[QImage, QImage] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)
        self.setAccessibleName("Two samples to compare")
        theme.notifier.changed.connect(self.update)

    def show_pair(self, a: np.ndarray, b: np.ndarray) -> None:
        """Two pictures (H, W, 3) uint8."""
        self._images = (picture.to_image(a), picture.to_image(b))
        self.update()

    def set_way(self, way: int) -> None:
        """WIPE, BESIDE or FLICKER."""
        self.way, self.first = way, True
        self.setCursor(Qt.CursorShape.SplitHCursor if way == WIPE else Qt.CursorShape.ArrowCursor)
        self.update()

    def set_share(self, share: float) -> None:
        """How much of the first is seen, from the left."""
        self.share = min(1.0, max(0.0, share))
        self.update()
        self.moved.emit(self.share)

    def turn(self) -> None:
        """The other one."""
        self.first = not self.first
        self.update()

    def boxes(self) -> tuple[QRectF, QRectF]:
        """Where the first and the second are drawn; the same place unless they are side by side."""
        if self._images is None:
            return QRectF(), QRectF()
        two, gap = self.way == BESIDE, theme.theme().px(GAP)
        wide = (self.width() - gap * two) / (1 + two)
        side = [max(i.width() for i in self._images), max(i.height() for i in self._images)]
        ratio = self.devicePixelRatioF()
        zoom = int(min(wide / side[0], self.height() / side[1]) * ratio) / ratio
        if zoom <= 0:
            zoom = min(wide / side[0], self.height() / side[1])
        width, height = side[0] * zoom, side[1] * zoom
        left, top = (self.width() - width * (1 + two) - gap * two) / 2, (self.height() - height) / 2
        box = QRectF(round(left), round(top), width, height)
        return box, box.translated(width + gap, 0) if two else box

    def paintEvent(self, event: QPaintEvent) -> None:
        """One, both, or parts of both."""
        if self._images is None:
            return
        t, painter = theme.theme(), QPainter(self)
        (a, b), (box_a, box_b) = self._images, self.boxes()
        if self.way == BESIDE:
            painter.drawImage(box_a, a)
            painter.drawImage(box_b, b)
        elif self.way == FLICKER:
            painter.drawImage(box_a, a if self.first else b)
        else:
            painter.drawImage(box_b, b)
            at = box_a.left() + self.share * box_a.width()
            painter.save()
            painter.setClipRect(QRectF(box_a.left(), box_a.top(), at - box_a.left(), box_a.height()))
            painter.drawImage(box_a, a)
            painter.restore()
            painter.setPen(QPen(QColor(t.panel), 4))
            painter.drawLine(QPointF(at, box_a.top()), QPointF(at, box_a.bottom()))
            painter.setPen(QPen(QColor(theme.accent(self)), 2))
            painter.drawLine(QPointF(at, box_a.top()), QPointF(at, box_a.bottom()))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(QColor(t.panel))
            painter.drawEllipse(QPointF(at, box_a.center().y()), t.px(7), t.px(7))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(t.edge), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _drag(self, event: QMouseEvent) -> None:
        box, _ = self.boxes()
        if self.way == WIPE and box.width():
            self.set_share((event.position().x() - box.left()) / box.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The slider goes where one presses."""
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """And follows."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the slider; space shows the other one of a flicker."""
        steps = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02, Qt.Key.Key_Home: -1.0, Qt.Key.Key_End: 1.0}
        if self.way == WIPE and event.key() in steps:
            self.set_share(self.share + steps[Qt.Key(event.key())])
        elif self.way == FLICKER and event.key() == Qt.Key.Key_Space:
            self.turn()
        else:
            super().keyPressEvent(event)


class ComparePair(QWidget):
    """What is compared, how, and by how much it differs.

    Signals:
        closed(): back to the gallery.
    """

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.names = (ElidedLabel("", "strong"), ElidedLabel("", "strong"))
        self.difference = label("", "muted")
        self.ways = Segmented(
            ["Slider", "Side by side", "Flicker"], ["Drag the line, or use the arrow keys", "", "One after the other, at the same place"]
        )
        self.ways.setAccessibleName("How they are compared")
        self.ways.chosen.connect(self._on_way)
        self.speed = Slider(100)
        self.speed.setValue(60)
        self.speed.setFixedWidth(theme.theme().px(120))
        self.speed.setToolTip("How fast they take turns")
        self.speed.setAccessibleName("Speed of the flicker")
        self.speed.valueChanged.connect(lambda _: self._clock.setInterval(self.interval()))
        self.turn_button = button("The other one", "redo", tip="Show the other one (Space)", clicked=self._turn)
        self.swap_button = button("Swap", "redo", kind="quiet", tip="The first becomes the second", clicked=self.swap)
        self.close_button = button("Back to the gallery", "chevron-left", tip="Esc", clicked=self.closed.emit)
        self.canvas = CompareCanvas()
        self.texts = (label("", "words"), label("", "words"))
        self.sources = (label("", "section"), label("", "section"))
        self._shown: tuple[np.ndarray, np.ndarray] | tuple[str, str] | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(self.interval())
        self._clock.timeout.connect(self._turn)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.canvas)
        self.stack.addWidget(self._sentences())
        self._tools = QWidget()
        self._tools.setLayout(row(self.ways, self.speed, self.turn_button, spacing=12))
        top = row(self.close_button, self._tools, 1, self.difference, self.swap_button, spacing=12)
        foot = row(self.names[0], self.names[1], spacing=16)
        for place, (name, side) in enumerate(zip(self.names, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True)):
            name.setAlignment(side)
            name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            foot.setStretch(place, 1)
        body = column(self, spacing=12)
        body.addLayout(top)
        body.addWidget(self.stack, 1)
        self._foot = QWidget()
        self._foot.setLayout(foot)
        body.addWidget(self._foot)
        self._on_way(WIPE)

    def _sentences(self) -> QWidget:
        out = QWidget()
        body = column(out, spacing=12)
        for text, source in zip(self.texts, self.sources, strict=True):
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.RichText)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            card = Card(margin=16)
            card.body.addWidget(source)
            card.body.addWidget(text)
            body.addWidget(card)
        body.addStretch(1)
        return out

    def show_pictures(self, a: np.ndarray, b: np.ndarray, names: tuple[str, str]) -> None:
        """Two pictures (H, W, 3) uint8."""
        self._shown = (a, b)
        self._name(names)
        self.canvas.show_pair(a, b)
        self.difference.setText(f"mean |Δ| {mean_difference(a, b):.1f} of 255")
        self._tools.show()
        self._foot.show()
        self.stack.setCurrentWidget(self.canvas)
        self._on_way(self.ways.selected())
        self.canvas.setFocus()

    def show_sentences(self, a: str, b: str, names: tuple[str, str]) -> None:
        """Two sentences."""
        self._shown = (a, b)
        self._name(names)
        self._clock.stop()
        first, second = split(a), split(b)
        joiner = " " if len(a.split()) > 1 or len(b.split()) > 1 else ""
        for text, words, marks in ((self.texts[0], first, changed(second, first)), (self.texts[1], second, changed(first, second))):
            text.setText(marked(words, marks, joiner, theme.accent(self)))
        n = edit_distance(first, second)
        self.difference.setText("The same words" if not n else f"{n} word{'s' * (n != 1)} differ{'s' * (n == 1)}")
        self._tools.hide()
        self._foot.hide()
        self.stack.setCurrentIndex(1)
        self.close_button.setFocus()

    def swap(self) -> None:
        """The other way round."""
        if self._shown is None:
            return
        names = (self.names[1].full_text(), self.names[0].full_text())
        a, b = self._shown
        if isinstance(a, str) and isinstance(b, str):
            self.show_sentences(b, a, names)
        elif isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            self.show_pictures(b, a, names)

    def interval(self) -> int:
        """Milliseconds that one is seen."""
        return round(SLOWEST * (FASTEST / SLOWEST) ** (self.speed.value() / 100))

    def _name(self, names: tuple[str, str]) -> None:
        for name, source, words in zip(self.names, self.sources, names, strict=True):
            name.setText(words)
            source.setText(words)

    def _on_way(self, way: int) -> None:
        still = settings().reduce_motion
        self.canvas.set_way(way)
        self.speed.setVisible(way == FLICKER and not still)
        self.turn_button.setVisible(way == FLICKER and still)
        if way == FLICKER and not still and self.isVisible():
            self._clock.start(self.interval())
        else:
            self._clock.stop()
        self._strengthen()

    def _turn(self) -> None:
        self.canvas.turn()
        self._strengthen()

    def _strengthen(self) -> None:
        """The name of what is seen now stands out."""
        for place, name in enumerate(self.names):
            theme.set_kind(name, "muted" if self.canvas.way == FLICKER and self.canvas.first == bool(place) else "strong")

    def showEvent(self, event: object) -> None:
        """A flicker goes on."""
        super().showEvent(event)  # pyright: ignore[reportArgumentType]
        if self.stack.currentWidget() is self.canvas:
            self._on_way(self.ways.selected())

    def hideEvent(self, event: object) -> None:
        """Nobody looks."""
        super().hideEvent(event)  # pyright: ignore[reportArgumentType]
        self._clock.stop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean of |a - b| in grey levels; of different sizes at the smaller one's."""
    if a.shape[:2] != b.shape[:2]:
        side = min(*a.shape[:2], *b.shape[:2])
        a, b = pooled(a, side), pooled(b, side)
    return float(np.abs(a.astype(np.float32) - b.astype(np.float32)).mean())


def marked(words: list[str], marks: list[bool], joiner: str, color: str) -> str:
    """A sentence as rich text, with the words that are not in the other one in a colour and underlined."""
    said = [
        f"<span style='color:{color}; font-weight:600; text-decoration:underline'>{escape(w)}</span>" if m else escape(w)
        for w, m in zip(words, marks, strict=True)
    ]
    return joiner.join(said) or "(empty)"
