"""Recorded walks of the lab, side by side on their density."""

from __future__ import annotations

import base64
import json
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPixmap

from studio import theme
from studio.demos import Demo
from studio.panels.moving import HOLD, Moving

TRAIL = 5  # steps behind a chain


class Walk(NamedTuple):
    """One sampler's."""

    title: str
    density: np.ndarray  # (cells, cells) uint8, the root of the density; the first axis is x
    contours: tuple[np.ndarray, ...]  # (segments, 4) in shares of the bounds
    places: np.ndarray  # (steps, chains, 2) in shares of the bounds


class Walks(Moving):
    """Chains that walk; after the last step they stay a while, and start again."""

    EVERY = 2

    def __init__(self, demo: Demo) -> None:
        self._ground: QPixmap | None = None
        super().__init__(demo)

    @cached_property
    def _walks(self) -> list[Walk]:
        return [walk_of(json.loads(file.read_text("utf-8"))) for file in self.demo.moving]

    def forget(self) -> None:
        self._ground = None

    def _moment(self) -> int:
        steps = len(self._walks[0].places)
        return steps - 1 if self.stands else min(self.tick // self.EVERY % (steps + HOLD), steps - 1)

    def draw(self, painter: QPainter, room: QRect) -> None:
        if self._ground is None:
            ratio = self.devicePixelRatioF()
            self._ground = QPixmap(room.size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
            self._ground.fill(Qt.GlobalColor.transparent)
            below = QPainter(self._ground)
            for i, walk in enumerate(self._walks):
                self._paint_ground(below, self._box(i, room), walk)
            below.end()
        painter.drawPixmap(0, 0, self._ground)
        color, at = QColor(theme.accent(self)), self._moment()
        faint = QColor(color)
        faint.setAlphaF(0.35)
        size = theme.theme().px(4)
        for i, walk in enumerate(self._walks):
            box = self._box(i, room)
            painter.setClipRect(box)
            past = pixels(walk.places[max(0, at - TRAIL) : at + 1], box)
            ends = np.concatenate([past[:-1], past[1:]], -1).reshape(-1, 4)
            painter.setPen(QPen(faint, 1))
            painter.drawLines([QLineF(*row) for row in ends.tolist()])
            painter.setPen(QPen(color, size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints([QPointF(*row) for row in past[-1].tolist()])
        painter.setClipping(False)

    def _box(self, i: int, room: QRect) -> QRectF:
        wide = room.width() / len(self._walks)
        return QRectF(i * wide, 0, wide, room.height()).adjusted(6, 6, -6, -6)

    def _paint_ground(self, painter: QPainter, box: QRectF, walk: Walk) -> None:
        t = theme.theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cells = len(walk.density)
        tint = np.zeros((cells, cells, 4), np.uint8)
        color = QColor(theme.accent(self))
        tint[..., :3] = (color.red(), color.green(), color.blue())
        tint[..., 3] = walk.density.T[::-1] * 0.45
        image = QImage(tint.data, cells, cells, 4 * cells, QImage.Format.Format_RGBA8888)
        painter.drawImage(box, image)
        painter.setPen(QPen(QColor(theme.mix(t.stage, t.ink, 0.35)), 1))
        for contour in walk.contours:
            places = pixels(contour.reshape(-1, 2, 2), box).reshape(-1, 4)
            painter.drawLines([QLineF(*row) for row in places.tolist()])
        font = theme.font(11)
        painter.setFont(font)
        painter.setPen(QColor(t.muted))
        painter.drawText(QPointF(box.left() + t.px(6), box.top() + t.px(6) + QFontMetricsF(font).capHeight()), walk.title)


def pixels(shares: np.ndarray, box: QRectF) -> np.ndarray:
    """Places in a box, (…, 2), of shares of the bounds; the second axis goes up."""
    out = np.empty(shares.shape)
    out[..., 0] = box.left() + shares[..., 0] * box.width()
    out[..., 1] = box.bottom() - shares[..., 1] * box.height()
    return out


def walk_of(told: dict[str, Any]) -> Walk:
    """A file's content; raises ValueError or KeyError if it does not fit."""
    cells, chains = int(told["cells"]), int(told["chains"])
    low, high = np.array(told["bounds"], float).T
    density = np.frombuffer(base64.b64decode(told["density"]), np.uint8).reshape(cells, cells)
    places = np.frombuffer(base64.b64decode(told["walk"]), "<u2").reshape(-1, chains, 2)
    contours = tuple(((np.array(c, float).reshape(-1, 2, 2) - low) / (high - low)).reshape(-1, 4) for c in told["contours"])
    return Walk(str(told["title"]), density, contours, (places.astype(float) - 16384) / 16384)
