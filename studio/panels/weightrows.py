"""Samples of each z with their importance weights as bars: what pictures and words have in common, and the pictures."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import picture, theme
from studio.panels.essgauge import collapsed, paint_gauge, said
from studio.panels.samples import GAP
from studio.widgets import number

_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_MIDDLE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)


class Plan(NamedTuple):
    """Where things are, in pixels of the widget."""

    shown: int  # samples of a z that have room
    columns: int  # z beside each other
    wide: float  # of a z, with the room at its right
    high: float  # of a z, with the air below it
    zoom: int = 1  # device pixels of a picture's pixel


class WeightRows(QWidget):
    """What pictures and words have in common: weights, their order, what is chosen, the mouse.

    Signals:
        chosen(int): a sample was clicked, or reached by the arrow keys; counted from 0 over all z.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self.w, self.ess = np.zeros((0, 1)), np.zeros(0)
        self.orders = np.zeros((0, 1), int)  # (z, M): which sample is at each place
        self.sorted, self.stale, self.selection = False, False, -1
        self.plan = Plan(0, 1, 1, 1)
        self._room, self._scroll = QSize(600, 400), 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Samples and their weights")
        theme.notifier.changed.connect(self.again)

    # --- what the panel says ---

    def show_weights(self, w: np.ndarray, ess: np.ndarray) -> None:
        """(z, M) weights that sum to 1 over M, NaN for none, and (z,) effective sample sizes."""
        self.w, self.ess, self.stale = w, ess, False
        if self.selection >= w.size:
            self.selection = -1
        self._arrange()

    def set_sorted(self, on: bool) -> None:
        """The heaviest first, or as drawn."""
        if on != self.sorted:
            self.sorted = on
            self._arrange()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self.stale:
            self.stale = stale
            self.update()

    def fit(self, room: QSize, bar: int) -> None:
        """The room that is seen, of which `bar` pixels go to a scroll bar where not all fits."""
        self._room, self._scroll = room, bar
        self.again()

    def _arrange(self) -> None:
        heavy = np.argsort(-np.nan_to_num(self.w, nan=-1.0), axis=1, kind="stable")
        self.orders = heavy if self.sorted else np.broadcast_to(np.arange(self.w.shape[1]), self.w.shape)
        self.again()

    def again(self) -> None:
        """Lay everything out anew."""
        if len(self.w):
            wide, high = max(1, self._room.width()), max(1, self._room.height())
            self.plan = self.planned(wide, high)
            if self._needed() > high:
                self.plan = self.planned(max(1, wide - self._scroll), high)
        self.setMinimumHeight(self._needed())
        self.updateGeometry()
        self.update()

    def _needed(self) -> int:
        return math.ceil(-(-len(self.w) // self.plan.columns) * self.plan.high) if len(self.w) else 0

    # --- where things are ---

    def planned(self, wide: int, high: int) -> Plan:
        """The layout for a room."""
        raise NotImplementedError

    def cell(self, z: int, place: int) -> QRectF:
        """Where the sample at a place of a z is, with its bar."""
        raise NotImplementedError

    def block(self, z: int) -> QRectF:
        """Where a z is."""
        line, column = divmod(z, self.plan.columns)
        return QRectF(column * self.plan.wide, line * self.plan.high, self.plan.wide, self.plan.high)

    def top_of_bar(self, z: int) -> float:
        """The weight at which a bar of this z is full: that of its heaviest sample, at least twice an equal share."""
        return max(2.0 / self.w.shape[1], float(np.nan_to_num(self.w[z]).max(initial=0.0)))

    def hidden(self, z: int) -> str:
        """What has no room; "" for nothing."""
        rest = self.orders[z, self.plan.shown :]
        return f"+{len(rest)} not shown, w̃ {number(float(np.nansum(self.w[z, rest])))}" if len(rest) else ""

    def index_at(self, at: QPointF) -> int:
        """The sample under a point, counted over all z; -1 for none."""
        for z in range(len(self.w)):
            if self.block(z).contains(at):
                for place in range(self.plan.shown):
                    if self.cell(z, place).contains(at):
                        return int(z * self.w.shape[1] + self.orders[z, place])
        return -1

    def words_of(self, index: int) -> str:
        """What the mouse is told."""
        z, m = divmod(index, self.w.shape[1])
        w = float(self.w[z, m])
        return f"w̃ = {number(w)}, {number(w * self.w.shape[1])} of an equal share (w̃·M)\nsample {m + 1} of {self.w.shape[1]}, z {z + 1}"

    def choose(self, index: int) -> None:
        """Mark a sample, or none for -1, without telling anybody."""
        self.selection = index if 0 <= index < self.w.size else -1
        self.setAccessibleDescription(self.words_of(self.selection) if self.selection >= 0 else "")
        self.update()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Every z that is seen."""
        painter = QPainter(self)
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        for z in range(len(self.w)):
            if self.block(z).toAlignedRect().intersects(event.rect()):
                self.paint_block(painter, z)
        painter.end()

    def paint_block(self, painter: QPainter, z: int) -> None:
        """One z."""
        raise NotImplementedError

    def bar_color(self, z: int, m: int) -> QColor:
        """Full for what has more than an equal share, pale for the others."""
        t = theme.theme()
        heavy = self.w[z, m] * self.w.shape[1] >= 1 - 1e-6
        return QColor(t.curves["controller"] if heavy else theme.mix(t.panel, t.curves["controller"], 0.45))

    def paint_frame(self, painter: QPainter, box: QRectF, z: int, m: int) -> None:
        """Around the chosen sample."""
        if self.selection == z * self.w.shape[1] + m:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent(self)), 2, j=Qt.PenJoinStyle.MiterJoin))
            painter.drawRect(box.adjusted(-1, -1, 1, 1))

    def paint_ess(self, painter: QPainter, z: int, at: QPointF, wide: float) -> None:
        """ESS in words with its gauge below: 24 pixels high."""
        t, ess, M = theme.theme(), float(self.ess[z]), self.w.shape[1]
        painter.setFont(theme.font(12, 600))
        painter.setPen(QColor(t.warn if collapsed(ess, M) else t.ink))
        painter.drawText(QRectF(at.x(), at.y(), wide, t.px(16)), _LEFT, said(ess, M))
        paint_gauge(painter, QRectF(at.x(), at.y() + t.px(18), wide, t.px(4)), ess, M)

    # --- what the person does ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        if event.button() == Qt.MouseButton.LeftButton and (index := self.index_at(event.position())) >= 0:
            self.choose(index)
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over samples and z."""
        ways = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        way = ways.get(Qt.Key(event.key())) if event.key() in ways else None
        if way is None or not len(self.w):
            super().keyPressEvent(event)
            return
        z, place = 0, 0
        if self.selection >= 0:
            z, m = divmod(self.selection, self.w.shape[1])
            dz, dp = self.turned(way)
            z, place = z + dz, int(np.flatnonzero(self.orders[z] == m)[0]) + dp
        z, place = min(len(self.w) - 1, max(0, z)), min(self.plan.shown - 1, max(0, place))
        index = int(z * self.w.shape[1] + self.orders[z, place])
        if index != self.selection:
            self.choose(index)
            self.chosen.emit(index)

    def turned(self, way: tuple[int, int]) -> tuple[int, int]:
        """How far an arrow (down, right) goes in z and in places."""
        return way

    def event(self, event: object) -> bool:
        """The weight under the mouse."""
        if isinstance(event, QHelpEvent):
            index = self.index_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.words_of(index) if index >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class PictureRows(WeightRows):
    """A row of pictures, whole times enlarged, a bar standing under each, and the ESS at the right."""

    BARS, NUMBER, AIR, LARGE = (26, 44), 14, 10, 112  # pixels: lowest and highest room of bars, numbers, between rows; a picture's most

    def __init__(self) -> None:
        super().__init__()
        self._pictures = np.zeros((0, 1, 1, 1), np.uint8)
        self._sheets: dict[int, QImage] = {}

    def show_pictures(self, pictures: np.ndarray, w: np.ndarray, ess: np.ndarray) -> None:
        """(z * M, H, W, C) uint8, z-major, with their weights (z, M)."""
        self._pictures = pictures
        self.show_weights(w, ess)

    def again(self) -> None:
        """Other pictures, or other sizes."""
        self._sheets.clear()
        super().again()

    def planned(self, wide: int, high: int) -> Plan:
        """The zoom and columns at which most can be seen well; every sample of a z counts, then its size."""
        n, M = self.w.shape
        t, ratio = theme.theme(), self.devicePixelRatioF()
        height, width = self._pictures.shape[1:3]
        best, worth = Plan(1, 1, wide, self._tall(height / ratio), 1), -1.0
        for zoom in range(1, max(1, int(t.px(self.LARGE) * ratio) // max(height, width)) + 1):
            pitch, tall = width * zoom / ratio + GAP, self._tall(height * zoom / ratio)
            for columns in range(1, n + 1):
                shown = min(M, int((wide / columns - self._side() - t.px(12) * (columns > 1)) // pitch))
                if shown < 1:
                    break
                seen = min(n, columns * max(1, int(high // tall)))
                value = seen * shown * (shown / M) * zoom**0.8 * 0.98 ** (columns - 1)
                if value > worth:
                    best, worth = Plan(shown, columns, wide / columns, tall, zoom), value
        return best

    def _side(self) -> int:
        """The room of the ESS at the right."""
        t, M = theme.theme(), self.w.shape[1]
        words = QFontMetricsF(theme.font(12, 600)).horizontalAdvance(said(0.8 * M, M))
        return math.ceil(max(words, t.px(84))) + t.px(18)

    def _bar(self, high: float) -> int:
        """The room of the bars under pictures of a height."""
        low, most = (theme.theme().px(v) for v in self.BARS)
        return round(min(most, max(low, 0.5 * high)))

    def _tall(self, high: float) -> float:
        """A row with pictures of a height."""
        return high + self._bar(high) + theme.theme().px(3 + self.NUMBER + self.AIR)

    def cell(self, z: int, place: int) -> QRectF:
        """The picture, its bar and its number."""
        block, ratio = self.block(z), self.devicePixelRatioF()
        width = self._pictures.shape[2] * self.plan.zoom / ratio
        high = self._pictures.shape[1] * self.plan.zoom / ratio
        return QRectF(block.left() + 2 + place * (width + GAP), block.top() + 2, width, high + self._bar(high) + theme.theme().px(3))

    def paint_block(self, painter: QPainter, z: int) -> None:
        """Pictures, bars, the line of equal shares, the words at the right."""
        t, shown, ratio = theme.theme(), self.plan.shown, self.devicePixelRatioF()
        order = self.orders[z, :shown]
        first, last = self.cell(z, 0), self.cell(z, shown - 1)
        if z not in self._sheets:
            part = self._pictures[z * self.w.shape[1] + order]
            self._sheets[z] = picture.sheet(part, shown, zoom=self.plan.zoom, gap=round(GAP * ratio), ratio=ratio)
        painter.drawImage(first.topLeft(), self._sheets[z])
        base, full = first.bottom(), self.top_of_bar(z)
        bar, side = self._bar(self._pictures.shape[1] * self.plan.zoom / ratio), self._side() - t.px(14)
        digits = self._digits(first.width())
        for place, m in enumerate(order):
            box, w = self.cell(z, place), float(np.nan_to_num(self.w[z, m]))
            tall = max(1.0, bar * w / full)
            painter.fillRect(QRectF(box.left(), base - tall, box.width(), tall), self.bar_color(z, m))
            if digits:
                painter.setFont(theme.font(10 if box.width() < t.px(32) else 11))
                painter.setPen(QColor(t.muted))
                words = f"{self.w[z, m]:.{digits}f}" if math.isfinite(self.w[z, m]) else "–"
                painter.drawText(QRectF(box.left() - 4, base + 1, box.width() + 8, t.px(self.NUMBER)), _MIDDLE, words)
            self.paint_frame(painter, box, z, m)
        painter.setPen(theme.pen("baseline"))
        y = round(base - bar / self.w.shape[1] / full) + 0.5
        painter.drawLine(QLineF(first.left(), y, last.right(), y))
        left = last.right() + t.px(12)
        self.paint_ess(painter, z, QPointF(left, first.top()), side)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        rest = self.hidden(z)
        words = f"z {z + 1}" + (f"\n{rest.replace(', ', chr(10))}" if rest else "")
        painter.drawText(QRectF(left, first.top() + t.px(26), side, t.px(48)), int(Qt.AlignmentFlag.AlignTop), words)

    def _digits(self, wide: float) -> int:
        """Decimals that a weight is written with under a picture of a width; 0 for no number."""
        digits = 2 if self.w.shape[1] <= 20 else 3
        face = theme.font(10 if wide < theme.theme().px(32) else 11)
        return digits if QFontMetricsF(face).horizontalAdvance("0." + "0" * digits) <= wide + GAP - 2 else 0
