"""Functions of the cells of a known distribution, and points of one ratio against another; painted by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.panels.plane import ticks

LEFT, BOTTOM, TOP = 38, 18, 6  # pixels: the numbers at the left and below
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_CENTER = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)


class Steps(NamedTuple):
    """One function of the cells."""

    name: str
    y: np.ndarray  # (K,)
    role: str  # of the colour
    way: str  # "fill", "line" or "broad"


def span(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """The decades, as exponents, that positive values take, not more than six: what is below is drawn at the foot."""
    known = np.concatenate([np.ravel(v) for v in values])
    known = known[np.isfinite(known) & (known > 0)]
    if not len(known):
        return -1.0, 1.0
    low, high = math.log10(known.min()), math.log10(known.max())
    low, high = min(low, -0.3), max(high, 0.3)  # 1 is always in it
    low = max(low, high - 6)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def power_ticks(low: float, high: float, most: int) -> list[float]:
    """Exponents to write at a logarithmic axis: 1, 2 and 5 times powers of ten, or the powers alone, or every second of them …"""
    fine = [v for e in range(math.floor(low), math.floor(high) + 1) for m in (1, 2, 5) if low <= (v := e + math.log10(m)) <= high]
    powers = [v for v in fine if v == int(v)]
    out = fine if len(fine) <= most or len(powers) < 2 else powers
    return out[:: math.ceil(len(out) / max(2, most)) or 1]


class _Axes(QWidget):
    """What both have: the area, numbers at its edges, the mouse."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.stale = False
        self.tell: Callable[[int], str] = str  # what the mouse is told of a cell
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self.update)

    @property
    def area(self) -> QRectF:
        """Where the curves are."""
        px = theme.theme().px
        return QRectF(px(LEFT), px(TOP), max(10.0, self.width() - px(LEFT + 4)), max(10.0, self.height() - px(TOP + BOTTOM)))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(160), theme.theme().px(80))

    def cell_at(self, at: QPointF) -> int:
        """The cell at a point; -1 for none."""
        raise NotImplementedError

    def event(self, event: object) -> bool:
        """The numbers under the mouse."""
        if isinstance(event, QHelpEvent):
            cell = self.cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.tell(cell) if cell >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]

    def paint_left(self, painter: QPainter, places: Sequence[tuple[float, str]]) -> None:
        """Numbers and faint lines at heights of the widget."""
        t, area = theme.theme(), self.area
        for y, words in places:
            painter.fillRect(QRectF(area.left(), round(y), area.width(), 1), QColor(theme.mix(t.panel, t.ink, theme.GRID_OPACITY)))
            painter.setPen(QColor(t.muted))
            painter.drawText(QRectF(0, y - t.px(7), area.left() - t.px(6), t.px(14)), _RIGHT, words)

    def paint_below(self, painter: QPainter, places: Sequence[tuple[float, str]]) -> None:
        """Numbers under the area."""
        t = theme.theme()
        painter.setPen(QColor(t.muted))
        for x, words in places:
            painter.drawText(QRectF(min(x, self.width() - t.px(16)) - t.px(40), self.area.bottom() + 3, t.px(80), t.px(14)), _CENTER, words)


class CellPlot(_Axes):
    """Functions of the cells as steps, on a plain axis from 0 or on a logarithmic one with a line at 1."""

    def __init__(self, name: str, *, log: bool = False) -> None:
        super().__init__(name)
        self._log = log
        self.lines: Sequence[Steps] = ()

    def show_steps(self, lines: Sequence[Steps]) -> None:
        """Other functions; the last are on top."""
        self.lines = tuple(lines)
        self.update()

    def cell_at(self, at: QPointF) -> int:
        """The cell above or below a point."""
        K = len(self.lines[0].y) if self.lines else 0
        i = int((at.x() - self.area.left()) / self.area.width() * K // 1)
        return i if 0 <= i < K else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, fillings, lines."""
        del event
        if not self.lines:
            return
        t, painter, area = theme.theme(), QPainter(self), self.area
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        painter.setFont(theme.font(11))
        low, high = self._range()

        def height(y: float) -> float:
            return area.bottom() - (y - low) / (high - low) * area.height()

        most, K = max(2, int(area.height() // t.px(30))), len(self.lines[0].y)
        if self._log:
            self.paint_left(painter, [(height(v), f"{10**v:.3g}") for v in power_ticks(low, high, most)])
        else:
            self.paint_left(painter, [(height(v), f"{v:.3g}") for v in ticks(low, high, most)])
        step = max(1.0, math.ceil(K / max(2, area.width() / t.px(70))))
        whole = [int(v) for v in ticks(0, K - 1 or 1, max(1, int(K / step))) if v == int(v)]
        self.paint_below(painter, [(area.left() + (v + 0.5) / K * area.width(), str(v)) for v in whole])
        painter.setClipRect(area.adjusted(0, -2, 2, 2))
        if self._log:
            painter.setPen(theme.pen("baseline"))
            y = round(height(0.0)) + 0.5
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        for line in self.lines:
            self._paint_steps(painter, line, height, low)
        painter.end()

    def _range(self) -> tuple[float, float]:
        values = [line.y for line in self.lines]
        return span(values) if self._log else (0.0, 1.06 * (float(np.nan_to_num(np.concatenate(values)).max(initial=0.0)) or 1.0))

    def _paint_steps(self, painter: QPainter, line: Steps, height: Callable[[float], float], low: float) -> None:
        t, area, K = theme.theme(), self.area, len(line.y)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log10(line.y) if self._log else line.y
        values = np.where(np.isnan(values), low, np.maximum(values, low))
        values = np.minimum(values, 1e6)
        path = QPainterPath()
        for i, v in enumerate(values.tolist()):
            x, y = area.left() + i / K * area.width(), height(v)
            if i == 0:
                path.moveTo(x, y)
            path.lineTo(x, y)
            path.lineTo(area.left() + (i + 1) / K * area.width(), y)
        pen = theme.pen(line.role)
        if line.way == "fill":
            closed = QPainterPath(path)
            closed.lineTo(area.right(), area.bottom())
            closed.lineTo(area.left(), area.bottom())
            painter.fillPath(closed, QColor(theme.mix(t.panel, t.curves[line.role], 0.28)))
        if line.way == "broad":
            pen = QPen(QColor(theme.mix(t.panel, t.curves[line.role], 0.38)), t.px(5), Qt.PenStyle.SolidLine, j=Qt.PenJoinStyle.MiterJoin)
        elif line.way == "line":
            pen.setWidthF(1.5)
        painter.strokePath(path, pen)


class RatioScatter(_Axes):
    """The estimated ratio over the true one, a dot a cell, with the diagonal on which they agree; both logarithmic."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._true, self._guess, self._q = np.zeros(0), np.zeros(0), np.zeros(0)

    def show_ratios(self, true: np.ndarray, guess: np.ndarray, q: np.ndarray) -> None:
        """(K,) each; cells that G draws more often have larger dots."""
        self._true, self._guess, self._q = true, guess, q
        self.update()

    def places(self) -> np.ndarray:
        """(K, 2) pixels; what is 0 lies on the edge."""
        area, (low, high) = self.area, span([self._true, self._guess])
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log10(np.stack([self._true, self._guess], 1))
        share = (np.clip(np.nan_to_num(logs, nan=low, neginf=low, posinf=high), low, high) - low) / (high - low)
        return np.stack([area.left() + share[:, 0] * area.width(), area.bottom() - share[:, 1] * area.height()], 1)

    def cell_at(self, at: QPointF) -> int:
        """The dot that is nearest, within 10 pixels."""
        if not len(self._true):
            return -1
        away = np.hypot(*(self.places() - (at.x(), at.y())).T)
        near = int(away.argmin())
        return near if away[near] <= theme.theme().px(10) else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, the diagonal, dots."""
        del event
        if not len(self._true):
            return
        t, painter, area = theme.theme(), QPainter(self), self.area
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        low, high = span([self._true, self._guess])
        at = power_ticks(low, high, max(2, int(min(area.width(), area.height()) // t.px(36))))
        self.paint_left(painter, [(area.bottom() - (v - low) / (high - low) * area.height(), f"{10**v:.3g}") for v in at])
        self.paint_below(painter, [(area.left() + (v - low) / (high - low) * area.width(), f"{10**v:.3g}") for v in at])
        painter.setPen(theme.pen("baseline"))
        painter.drawLine(area.bottomLeft(), area.topRight())
        size = np.sqrt(np.clip(self._q / (float(self._q.max(initial=0.0)) or 1.0), 0, 1))
        for small, group in ((3, size < 0.33), (5, (size >= 0.33) & (size < 0.67)), (7, size >= 0.67)):
            points = QPolygonF([QPointF(*p) for p in self.places()[group].tolist()])
            for color, more in ((t.panel, 1.5), (t.curves["measure"], 0.0)):
                tint = QColor(color)
                tint.setAlphaF(0.85)
                painter.setPen(QPen(tint, t.px(small) + more, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawPoints(points)
        painter.end()
