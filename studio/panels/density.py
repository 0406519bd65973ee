"""The view of one sampler: density, chains with their trails, the watched chain's arrows, marginals over the true ones."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.messages import LaneFrame, Picture
from studio.panels.plane import Plane, curve_on_line, paint_ground, path_of

_NEAR = 14  # pixels within which a head is taken
_NUDGE = 0.01  # of the width, by an arrow key


class DensityView(QWidget):
    """Painted by hand: the ground is kept as a pixmap, so a frame costs the chains alone.

    Signals:
        watched(int): the person has chosen this chain.
        dropped(int, tuple): a chain's head was put at a point.
        dabbed(tuple, bool): the brush touches a point; False rubs out.
        stroke_ended(): the brush is lifted.
    """

    watched = Signal(int)
    dropped = Signal(int, object)
    dabbed = Signal(object, bool)
    stroke_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.frame: LaneFrame | None = None
        self.phase, self.chain = 0, 0
        self.brush: float | None = None  # its radius in the target's units, while one paints
        self._bounds: tuple[tuple[float, float], ...] = ((-4.0, 4.0), (-4.0, 4.0))
        self._shown: Picture | None = None
        self._beside: Picture | None = None
        self._ground: QPixmap | None = None
        self._held: tuple[float, ...] | None = None  # where the dragged head is
        self._mouse: QPointF | None = None
        self._cursor: QPointF | None = None  # of the brush, by keyboard
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Density with chains")
        self.setAccessibleDescription("Page up and down choose a chain, the arrow keys move its head, Space plays and pauses, Backspace steps back")
        theme.notifier.changed.connect(self._on_theme)

    # --- what is shown ----------------------------------------------------------------------------------------

    def show_target(self, bounds: tuple[tuple[float, float], ...], shown: Picture | None, beside: Picture | None = None) -> None:
        """The density that is filled in, and another whose contours are laid over it."""
        self._bounds, self._shown, self._beside = tuple(bounds), shown, beside
        self._again()

    def show_frame(self, frame: LaneFrame, phase: int) -> None:
        """Where the chains are."""
        self.frame, self.phase = frame, phase
        self.chain = min(self.chain, len(frame.heads) - 1)
        self.update()

    def select(self, chain: int) -> None:
        """Watch a chain without telling anybody."""
        self.chain = chain
        self.update()

    def set_brush(self, radius: float | None) -> None:
        """Paint with the mouse instead of dragging heads."""
        self.brush = radius
        self.setCursor(Qt.CursorShape.BlankCursor if radius else Qt.CursorShape.ArrowCursor)
        self.update()

    @property
    def plane(self) -> Plane:
        """Where things are now."""
        return Plane.over(self._bounds, self.width(), self.height())

    def sizeHint(self) -> QSize:
        """Room enough."""
        return QSize(theme.theme().px(420), theme.theme().px(420))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(200), theme.theme().px(200))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another scale."""
        super().resizeEvent(event)
        self._ground = None

    def _on_theme(self) -> None:
        self._again()

    def _again(self) -> None:
        self._ground = None
        self.update()

    # --- paint ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, trails, heads, arrows, marginals."""
        plane, painter = self.plane, QPainter(self)
        if self._ground is None:
            ratio = self.devicePixelRatioF()
            self._ground = QPixmap(self.size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
            self._ground.fill(QColor(theme.theme().panel))
            below = QPainter(self._ground)
            paint_ground(below, plane, self._shown, self._beside)
            below.end()
        painter.drawPixmap(0, 0, self._ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.frame is not None:
            painter.setClipRect(plane.area)
            self._paint_trails(painter, plane, self.frame)
            self._paint_proposals(painter, plane, self.frame)
            self._paint_heads(painter, plane, self.frame)
            self._paint_arrow(painter, plane, self.frame)
            painter.setClipping(False)
        self._paint_marginals(painter, plane)
        self._paint_brush(painter, plane)
        self._paint_hover(painter, plane)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent(self)), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(plane.area.adjusted(1, 1, -1, -1))
        painter.end()

    def _lanes(self, n: int) -> np.ndarray:
        """How far below a line target's density each chain walks."""
        return (np.arange(n) + 0.5) / max(1, n)

    def _paint_trails(self, painter: QPainter, plane: Plane, frame: LaneFrame) -> None:
        m, k = frame.trail.shape[:2]
        if k < 2:
            return
        at = plane.pixels(frame.trail, self._lanes(len(frame.heads))[:m, None] if plane.flat else None)
        tint = QColor(theme.theme().ink)
        moved = np.abs(np.diff(at, axis=1)).sum(2) > 0.5
        for j in range(k - 1):
            tint.setAlphaF(0.05 + 0.31 * ((j + 1) / (k - 1)) ** 2)
            painter.setPen(QPen(tint, 1))
            ends = np.concatenate([at[:, j], at[:, j + 1]], 1)[moved[:, j]]
            painter.drawLines([QLineF(*row) for row in ends.tolist()])

    def _paint_heads(self, painter: QPainter, plane: Plane, frame: LaneFrame) -> None:
        t, n = theme.theme(), len(frame.heads)
        at = plane.pixels(frame.heads, self._lanes(n) if plane.flat else None)
        if self._held is not None:
            at[self.chain] = plane.pixels(np.array([self._held]), self._lanes(n)[self.chain] if plane.flat else None)[0]
        points = QPolygonF([QPointF(*p) for p in at.tolist()])
        size = t.px(6 if n <= 128 and plane.area.width() > t.px(260) else 4)
        for color, width in ((t.panel, size + 2.0), (t.ink, float(size))):
            painter.setPen(QPen(QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(points)
        accent = QColor(theme.accent(self))
        for color, width in ((t.panel, size + 7.0), (t.ink, size + 5.0), (accent.name(), size + 2.0)):
            painter.setPen(QPen(QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoint(points.at(self.chain))

    def _paint_proposals(self, painter: QPainter, plane: Plane, frame: LaneFrame) -> None:
        """Of every chain, where single steps are looked at: a green dot where it was accepted, a red cross where not."""
        if frame.proposals is None or self.phase == 1:
            return
        t, n = theme.theme(), len(frame.proposals)
        at = plane.pixels(frame.proposals, self._lanes(n) if plane.flat else None)
        if self.phase == 2 or frame.accepted is None:
            painter.setPen(QPen(QColor(t.muted), t.px(3), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(QPolygonF([QPointF(*p) for p in at.tolist()]))
            return
        painter.setPen(QPen(QColor(t.bad), 1.3))
        r = t.px(3)
        for x, y in at[~frame.accepted].tolist():
            painter.drawLine(QLineF(x - r, y - r, x + r, y + r))
            painter.drawLine(QLineF(x - r, y + r, x + r, y - r))

    def _paint_arrow(self, painter: QPainter, plane: Plane, frame: LaneFrame) -> None:
        arrow = frame.arrow
        if arrow is None or arrow.chain != self.chain or self._held is not None:
            return
        t = theme.theme()
        lane = self._lanes(len(frame.heads))[self.chain] if plane.flat and self.chain < len(frame.heads) else None
        start, drift, end = (QPointF(*plane.pixels(v[None], lane)[0]) for v in (arrow.start, arrow.drift, arrow.proposal))
        if QLineF(start, drift).length() > 1.5:
            draw_arrow(painter, start, drift, theme.theme().curves["real"], SOLID)
        if self.phase == 1:
            return
        draw_arrow(painter, drift, end, t.curves["generated"], DASHED)
        if self.phase == 2:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        r = t.px(8)
        if arrow.accepted is False:
            for color, width in ((t.panel, 5.0), (t.bad, 2.5)):
                painter.setPen(QPen(QColor(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawLine(QLineF(end.x() - r, end.y() - r, end.x() + r, end.y() + r))
                painter.drawLine(QLineF(end.x() - r, end.y() + r, end.x() + r, end.y() - r))
        else:
            for color, width in ((t.panel, 5.0), (t.good if arrow.accepted else t.muted, 2.5)):
                painter.setPen(QPen(QColor(color), width))
                painter.drawEllipse(end, r, r)

    def _paint_marginals(self, painter: QPainter, plane: Plane) -> None:
        flat = plane.flat
        tint = QColor(theme.accent(self))
        tint.setAlphaF(0.55)
        for k in range(len(self._bounds)):
            bars = self.frame.histograms[k] if self.frame is not None and k < len(self.frame.histograms) else np.zeros(0)
            curve = self._shown.marginals[k] if self._shown is not None else None
            beside = self._beside.marginals[k] if self._beside is not None else None
            highest = max([1e-300, *(float(c[1].max()) for c in (curve, beside) if c is not None)])
            if flat:
                self._paint_bars_on_line(painter, plane, bars, highest, tint)
                continue
            top = max(highest, min(1.6 * highest, float(bars.max(initial=0.0)))) if highest > 1e-300 else float(bars.max(initial=1e-300))
            strip, (low, high) = (plane.top, plane.right)[k], self._bounds[k]
            painter.save()
            painter.setClipRect(strip)
            edges = np.linspace(low, high, len(bars) + 1)
            for a, b, v in zip(edges[:-1], edges[1:], bars.tolist(), strict=True):
                if v:
                    painter.fillRect(_bar(plane, strip, k, float(a), float(b), v / top), tint)
            for line, role in ((curve, "real"), (beside, "generated")):
                if line is not None:
                    places = plane.pixels(np.repeat(line[0][:, None], 2, 1))
                    share = np.clip(line[1] / top, 0, 1)
                    if k == 0:
                        places[:, 1] = strip.bottom() - share * (strip.height() - 2)
                    else:
                        places[:, 0] = strip.left() + share * (strip.width() - 2)
                    painter.strokePath(path_of(places), theme.pen(role))
            painter.restore()

    def _paint_bars_on_line(self, painter: QPainter, plane: Plane, bars: np.ndarray, top: float, tint: QColor) -> None:
        edges = np.linspace(*self._bounds[0], len(bars) + 1)
        heights = curve_on_line(plane, edges[:-1], bars, top)
        right = plane.pixels(edges[1:, None])[:, 0]
        for (x, y), end in zip(heights.tolist(), right.tolist(), strict=True):
            painter.fillRect(QRectF(x, max(y, plane.area.top()), end - x - 0.5, plane.floor - max(y, plane.area.top())), tint)
        if self._shown is not None:
            x, density = self._shown.marginals[0]
            painter.strokePath(path_of(curve_on_line(plane, x, density, top)), theme.pen("real"))

    def _paint_brush(self, painter: QPainter, plane: Plane) -> None:
        at = self._mouse or self._cursor
        if self.brush is None or at is None or not plane.area.contains(at):
            return
        r = self.brush * plane.area.width() / (plane.bounds[0][1] - plane.bounds[0][0])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((theme.theme().panel, 3.0), (theme.accent(self), 1.5)):
            painter.setPen(QPen(QColor(color), width))
            painter.drawEllipse(at, r, r)

    def _paint_hover(self, painter: QPainter, plane: Plane) -> None:
        """The place and the density under the mouse."""
        at = self._mouse
        if at is None or not plane.area.contains(at):
            return
        x = plane.place(at)
        text = "  ".join(f"{name} {v:.2f}" for name, v in zip(("x", "y"), x, strict=False)).replace("-", "−")
        p = density_at(self._shown, x)
        if p is not None:
            text += f"  p {p:.3g}"
        t = theme.theme()
        painter.setFont(theme.font(11))
        wide = painter.fontMetrics().horizontalAdvance(text) + t.px(12)
        box = QRectF(plane.area.left() + t.px(6), plane.area.top() + t.px(6), wide, t.px(18))
        painter.setPen(QPen(QColor(t.hairline), 1))
        painter.setBrush(QColor(t.panel))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(t.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # --- hands ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a head, or touch with the brush."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        at = event.position()
        if self.brush is not None:
            self._touch(at, event.button() != Qt.MouseButton.RightButton)
        elif event.button() == Qt.MouseButton.LeftButton and (chain := self.head_at(at)) is not None:
            self.chain = chain
            self._held = self.plane.place(at)
            self.watched.emit(chain)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, paint, or read the number under the mouse."""
        self._mouse = event.position()
        if self.brush is not None and event.buttons():
            self._touch(event.position(), not event.buttons() & Qt.MouseButton.RightButton)
        elif self._held is not None:
            self._held = self.plane.place(event.position())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Drop the head, lift the brush."""
        if self.brush is not None:
            self.stroke_ended.emit()
        elif self._held is not None:
            held, self._held = self._held, None
            assert self.frame is not None
            here = self.plane.pixels(self.frame.heads[self.chain : self.chain + 1])[0, : len(held)]
            there = self.plane.pixels(np.array([held]))[0, : len(held)]
            if np.abs(here - there).max() > 3:  # a click is no drag
                self.dropped.emit(self.chain, held)
        self.update()

    def leaveEvent(self, event: object) -> None:
        """No number any more."""
        self._mouse = None
        self.update()

    def head_at(self, at: QPointF) -> int | None:
        """The chain whose head is near a pixel."""
        if self.frame is None or not len(self.frame.heads):
            return None
        plane = self.plane
        away = plane.pixels(self.frame.heads, self._lanes(len(self.frame.heads)) if plane.flat else None) - (at.x(), at.y())
        distance = np.hypot(*away.T)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= theme.theme().px(_NEAR) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose a chain, move its head; with the brush: move it, Enter paints, Delete rubs out."""
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        key = Qt.Key(event.key())
        if self.frame is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        elif self.brush is not None and (key in ways or key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete)):
            self._brush_key(key, ways.get(key))
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self.chain = (self.chain + (1 if key == Qt.Key.Key_PageDown else -1)) % len(self.frame.heads)
            self.watched.emit(self.chain)
            self.update()
        elif key in ways:
            step = [_NUDGE * (b - a) * w for (a, b), w in zip(self._bounds, ways[key], strict=False)]
            self.dropped.emit(self.chain, tuple(float(v) + s for v, s in zip(self.frame.heads[self.chain], step, strict=True)))
        else:
            super().keyPressEvent(event)

    def _brush_key(self, key: Qt.Key, way: tuple[int, int] | None) -> None:
        at = self._cursor or self.plane.area.center()
        if way is not None:
            self._cursor = QPointF(at.x() + 8 * way[0], at.y() - 8 * way[1])
            self.update()
        else:
            self._cursor = at
            self._touch(at, key != Qt.Key.Key_Delete)
            self.stroke_ended.emit()

    def _touch(self, at: QPointF, adds: bool) -> None:
        if self.plane.area.contains(at):
            self.dabbed.emit(self.plane.place(at), adds)


SOLID, DASHED = Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine


def draw_arrow(painter: QPainter, start: QPointF, end: QPointF, color: str, style: Qt.PenStyle) -> None:
    """A line with a head, on a pale edge that keeps it readable over any heat."""
    line = QLineF(start, end)
    if line.length() < 0.5:
        return
    size = min(theme.theme().px(9), 0.6 * line.length())
    angle = math.atan2(line.dy(), line.dx())
    sides = [QPointF(end.x() - size * math.cos(angle + s), end.y() - size * math.sin(angle + s)) for s in (-0.45, 0.45)]
    for tint, more in ((theme.theme().panel, 3.0), (color, 0.0)):
        painter.setPen(QPen(QColor(tint), 2.2 + more, style if not more else SOLID, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawLine(line)
        painter.setPen(QPen(QColor(tint), 1 + more, SOLID, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(QColor(tint))
        painter.drawPolygon(QPolygonF([end, *sides]))


def density_at(picture: Picture | None, x: tuple[float, ...]) -> float | None:
    """The number of the cell that a point is in; None outside."""
    if picture is None:
        return None
    places = [int((v - low) / (high - low) * n // 1) for v, (low, high), n in zip(x, picture.bounds, _cells(picture), strict=True)]
    inside = all(0 <= p < n for p, n in zip(places, picture.density.shape, strict=True))
    return float(picture.density[tuple(places)]) if inside else None


def _cells(picture: Picture) -> list[float]:
    return [float(n) for n in picture.density.shape]


def _bar(plane: Plane, strip: QRectF, axis: int, low: float, high: float, share: float) -> QRectF:
    ends = plane.pixels(np.array([[low, low], [high, high]]))[:, axis]
    if axis == 0:
        height = min(1.0, share) * (strip.height() - 2)
        return QRectF(ends[0], strip.bottom() - height, ends[1] - ends[0] - 0.5, height)
    return QRectF(strip.left(), ends[1] + 0.5, min(1.0, share) * (strip.width() - 2), ends[0] - ends[1] - 0.5)
