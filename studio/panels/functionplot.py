"""A plot of one function over those that it could be instead, with a line that the mouse moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor

from studio import theme
from studio.panels.lineplot import LinePlot

Line = tuple[np.ndarray, np.ndarray, str]  # x, y, role


class FunctionPlot(LinePlot):
    """The last line given is the chosen one; the others are faint.

    Signals:
        moved(float): the mouse is at this x.
    """

    moved = Signal(float)

    def __init__(self, title: str, tip: str) -> None:
        super().__init__(title, tip)
        self.canvas.setToolTip("")
        self._tangent = self._item.plot()
        self._probe, self._dot = pg.InfiniteLine(0, angle=90), pg.ScatterPlotItem(pxMode=True)
        self._ring = pg.ScatterPlotItem(pxMode=True)
        self._zero = [pg.InfiniteLine(0, angle=angle) for angle in (0, 90)]
        for extra in (*self._zero, self._probe, self._ring, self._dot):
            self._item.addItem(extra, ignoreBounds=True)
        self._role = ""
        self.canvas.setCursor(Qt.CursorShape.CrossCursor)
        cast(Any, self.canvas.scene()).sigMouseMoved.connect(self._on_mouse)
        self.restyle()

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(160), theme.theme().px(140))

    def show_functions(self, others: Sequence[Line], chosen: Line, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Lines over a window of x and y."""
        self._role = chosen[2]
        self.show_lines([*others, chosen])
        self._box.setRange(xRange=x, yRange=y, padding=0.04)
        self.restyle()

    def show_probe(self, x: float, y: float, slope: float | None = None, *, at_zero: bool = False) -> None:
        """The line and the point on the chosen function; with a slope its tangent, and where that meets x = 0."""
        self._probe.setValue(x)
        self._dot.setData([x], [y])
        self._ring.setData(*(([0.0], [y - slope * x]) if at_zero and slope is not None else ([], [])))
        ends = np.array(self._box.viewRange()[0])
        self._tangent.setData(*(([], []) if slope is None else (ends, y + slope * (ends - x))))

    def restyle(self) -> None:
        """Take pens from the theme."""
        super().restyle()
        if not getattr(self, "_role", ""):  # called by the base before there is anything to dress
            return
        t = theme.theme()
        for item, role in zip(self._lines, [r.removesuffix("False") for r in self._roles], strict=False):
            pen = theme.pen(role, raw=role != self._role)
            pen.setWidthF(2 if role == self._role else 1)
            pen.setStyle(Qt.PenStyle.SolidLine)  # which of them it is, the table says
            item.setPen(pen)
            item.setZValue(int(role == self._role))
        for line in self._zero:
            line.setPen(self._pen(t.hairline))
        self._probe.setPen(self._pen(t.edge))
        self._tangent.setPen(self._pen(t.ink))
        self._dot.setSize(t.px(9))
        self._dot.setBrush(QColor(theme.line_color(self._role)))
        self._dot.setPen(self._pen(t.panel))
        self._ring.setSize(t.px(8))
        self._ring.setBrush(QColor(t.panel))
        self._ring.setPen(self._pen(t.ink))

    def _on_mouse(self, place: QPointF) -> None:
        if self._role and self._box.sceneBoundingRect().contains(place):
            self.moved.emit(float(self._box.mapSceneToView(place).x()))
