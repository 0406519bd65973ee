"""Where things are on a density view, and the ground that it is painted on: heat, contours, axes, true marginals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from studio import theme
from studio.messages import Picture
from studio.picture import viridis

LEFT, TOP, RIGHT, BOTTOM, GAP = 34, 46, 46, 22, 4  # pixels: the axes' numbers, and the marginals


@dataclass(frozen=True)
class Plane:
    """Coordinates to pixels: both axes to one scale, so that a ring is round; a line target has its density above its chains.

    Attributes:
        bounds: of the one or two axes that are seen.
        area: the rectangle in the middle.
        top, right: the marginals'.
    """

    bounds: tuple[tuple[float, float], ...]
    area: QRectF
    top: QRectF
    right: QRectF

    @classmethod
    def over(cls, bounds: tuple[tuple[float, float], ...], width: float, height: float) -> Plane:
        """Fit bounds into a widget."""
        px = theme.theme().px
        flat = len(bounds) == 1
        right = px(8) if flat else px(RIGHT)
        top = px(8) if flat else px(TOP)
        area = QRectF(px(LEFT), top + px(GAP), max(20.0, width - px(LEFT) - right - px(GAP)), max(20.0, height - top - px(GAP) - px(BOTTOM)))
        if not flat:
            (a, b), (c, d) = bounds
            scale = max((b - a) / area.width(), (d - c) / area.height())
            if max((b - a) / area.width(), (d - c) / area.height()) < 4 * min((b - a) / area.width(), (d - c) / area.height()):
                wide, high = scale * area.width() - (b - a), scale * area.height() - (d - c)
                bounds = ((a - wide / 2, b + wide / 2), (c - high / 2, d + high / 2))
        return cls(
            bounds,
            area,
            QRectF(area.left(), area.top() - px(GAP) - px(TOP), area.width(), px(TOP)),
            QRectF(area.right() + px(GAP), area.top(), px(RIGHT), area.height()),
        )

    @property
    def flat(self) -> bool:
        """A target on a line."""
        return len(self.bounds) == 1

    @property
    def floor(self) -> float:
        """The pixel row on which a line target's density stands; its chains are below."""
        return self.area.top() + 0.55 * self.area.height()

    def pixels(self, x: np.ndarray, lanes: np.ndarray | None = None) -> np.ndarray:
        """(…, 2) pixels of points (…, axes); on a line `lanes` in [0, 1] says how far below."""
        low, high = self.bounds[0]
        out = np.empty((*x.shape[:-1], 2))
        out[..., 0] = self.area.left() + (x[..., 0] - low) * (self.area.width() / (high - low))
        if self.flat:
            out[..., 1] = (
                self.floor + theme.theme().px(10) + (0.5 if lanes is None else lanes) * (self.area.bottom() - self.floor - theme.theme().px(18))
            )
        else:
            low, high = self.bounds[1]
            out[..., 1] = self.area.bottom() - (x[..., 1] - low) * (self.area.height() / (high - low))
        return np.clip(out, -1e5, 1e5)

    def place(self, at: QPointF) -> tuple[float, ...]:
        """The point under a pixel."""
        low, high = self.bounds[0]
        x = low + (at.x() - self.area.left()) / self.area.width() * (high - low)
        if self.flat:
            return (x,)
        low, high = self.bounds[1]
        return x, low + (self.area.bottom() - at.y()) / self.area.height() * (high - low)

    def box(self, bounds: tuple[tuple[float, float], ...]) -> QRectF:
        """The rectangle of other bounds."""
        corners = self.pixels(np.array([[b[0] for b in bounds], [b[1] for b in bounds]]))
        return QRectF(QPointF(*corners[0]), QPointF(*corners[1])).normalized()


def heat(picture: Picture) -> QImage:
    """The density as a picture that fades into the ground: colour and cover go with its square root."""
    share = np.sqrt(np.maximum(picture.density, 0) / (float(picture.density.max()) or 1.0)).T[::-1]
    dark = theme.theme().name == "dark"
    colours = viridis(0.08 + 0.80 * share if dark else 0.96 - 0.80 * share, 0.0, 1.0)
    pixels = np.empty((*share.shape, 4), np.uint8)
    pixels[..., :3] = colours
    pixels[..., 3] = np.clip(share * 3.0, 0, 1) * (190 if dark else 170)
    data = np.ascontiguousarray(pixels)
    return QImage(data.data, data.shape[1], data.shape[0], data.strides[0], QImage.Format.Format_RGBA8888).copy()


def lines(plane: Plane, segments: np.ndarray) -> list[QLineF]:
    """Segments (n, 4) in coordinates as lines in pixels."""
    ends = plane.pixels(segments.reshape(-1, 2, 2)).reshape(-1, 4)
    return [QLineF(*row) for row in ends.tolist()]


def path_of(places: np.ndarray) -> QPainterPath:
    """A line through pixels (n, 2)."""
    out = QPainterPath()
    if len(places):
        points = places.tolist()
        out.moveTo(*points[0])
        for point in points[1:]:
            out.lineTo(*point)
    return out


def paint_ground(painter: QPainter, plane: Plane, picture: Picture | None, beside: Picture | None) -> None:
    """Heat and contours of a picture, dashed contours of another, axes."""
    t = theme.theme()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.fillRect(plane.area, QColor(t.field))
    painter.setClipRect(plane.area)
    if picture is not None and not plane.flat:
        painter.drawImage(plane.box(picture.bounds), heat(picture))
        for contour, share in zip(picture.contours, (0.75, 0.65, 0.55, 0.45, 0.38), strict=True):
            painter.setPen(QPen(QColor(theme.mix(t.field, t.ink, share)), 1, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLines(lines(plane, contour))
    if beside is not None and not plane.flat:
        pen = QPen(QColor(t.curves["generated"]), 1.4)
        for contour in beside.contours[1::2]:
            painter.setPen(pen)
            painter.drawLines(lines(plane, contour))
    if plane.flat:
        _paint_line(painter, plane, picture, beside)
    painter.restore()
    painter.setPen(QPen(QColor(t.hairline), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(plane.area.adjusted(0.5, 0.5, -0.5, -0.5))
    _paint_axes(painter, plane)


def _paint_line(painter: QPainter, plane: Plane, picture: Picture | None, beside: Picture | None) -> None:
    t = theme.theme()
    top = max((float(p.density.max()) for p in (picture, beside) if p is not None), default=1.0)
    for which, role in ((picture, "real"), (beside, "generated")):
        if which is None:
            continue
        x, density = which.marginals[0]
        outline = path_of(curve_on_line(plane, x, density, top))
        if which is picture:
            closed = QPainterPath(outline)
            closed.lineTo(outline.currentPosition().x(), plane.floor)
            closed.lineTo(outline.elementAt(0).x, plane.floor)  # pyright: ignore[reportAttributeAccessIssue]
            tint = QColor(t.curves[role])
            tint.setAlphaF(0.16)
            painter.fillPath(closed, tint)
        painter.strokePath(outline, theme.pen(role))
    painter.setPen(QPen(QColor(t.edge), 1))
    painter.drawLine(QPointF(plane.area.left(), plane.floor), QPointF(plane.area.right(), plane.floor))


def curve_on_line(plane: Plane, x: np.ndarray, density: np.ndarray, top: float) -> np.ndarray:
    """Pixels of a density over a line target's axis; the highest is 92 % of the room."""
    out = plane.pixels(x[:, None])
    out[:, 1] = plane.floor - density / (top or 1.0) * 0.92 * (plane.floor - plane.area.top())
    return out


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers in a range, `most` of them or fewer."""
    raw = (high - low) / max(1, most)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _paint_axes(painter: QPainter, plane: Plane) -> None:
    t = theme.theme()
    painter.setFont(theme.font(11))
    painter.setPen(QColor(t.muted))
    area, high = plane.area, t.px(14)
    for v in ticks(*plane.bounds[0], max(2, int(area.width() // t.px(70)))):
        x = plane.pixels(np.array([[v] * len(plane.bounds)]))[0, 0]
        painter.drawText(QRectF(x - 40, area.bottom() + t.px(4), 80, high), Qt.AlignmentFlag.AlignCenter, f"{v:g}".replace("-", "−"))
    if plane.flat:
        return
    for v in ticks(*plane.bounds[1], max(2, int(area.height() // t.px(60)))):
        y = plane.pixels(np.array([[v, v]]))[0, 1]
        if area.top() + high / 2 < y < area.bottom() - high / 2:
            box = QRectF(0, y - high / 2, area.left() - t.px(6), high)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{v:g}".replace("-", "−"))
