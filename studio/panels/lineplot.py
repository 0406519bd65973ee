"""A small plot of a few lines that are replaced as a whole: autocorrelation, traces, an error against ε."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QSizePolicy

from studio import theme
from studio.panels.plot import ValueAxis
from studio.widgets import Card, ElidedLabel, label, row


class LinePlot(Card):
    """Title, a caption at its right, and lines over a common axis."""

    def __init__(self, title: str, tip: str, *, log: bool = False, points: bool = False) -> None:
        super().__init__(margin=12, spacing=2)
        self.body.setContentsMargins(12, 8, 8, 4)
        self.title, self.at = label(title, "section"), ElidedLabel("", "caption")
        self.at.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.title.setToolTip(tip)
        self.head = row(self.title, self.at, spacing=8)
        self.head.setStretch(1, 1)
        self.body.addLayout(self.head)
        self._points, self._roles, self._pairs = points, [], False
        self.canvas = pg.PlotWidget(axisItems={"left": ValueAxis("left"), "bottom": ValueAxis("bottom")})
        self.canvas.setAccessibleName(title)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.canvas.setToolTip(tip)
        self._item = cast(pg.PlotItem, self.canvas.getPlotItem())
        self._box = cast(pg.ViewBox, self._item.getViewBox())
        self._item.setMenuEnabled(False)
        self._item.hideButtons()
        self._box.setMouseEnabled(False, False)
        self._item.setContentsMargins(0, 4, 4, 0)
        self._item.setLogMode(log, log)
        for side in ("left", "bottom"):
            self._item.getAxis(side).enableAutoSIPrefix(False)
        self._lines: list[Any] = []
        self._marks: list[Any] = []
        self.body.addWidget(self.canvas, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self.restyle)
        self.restyle()

    def sizeHint(self) -> QSize:
        """As in a row of three."""
        return QSize(theme.theme().px(280), theme.theme().px(150))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(160), theme.theme().px(104))

    def show_lines(self, lines: Sequence[tuple[np.ndarray, np.ndarray, str]], faint: bool = False) -> None:
        """x, y and role of each; the items are made once and used again."""
        while len(self._lines) < len(lines):
            item = self._item.plot(connect="finite")
            self._lines.append(item)
        roles = [f"{role}{faint}" for _, _, role in lines]
        if roles != self._roles:
            self._roles = roles
            self._colour([role for _, _, role in lines], faint)
        for item, (x, y, _) in zip(self._lines, lines, strict=False):
            item.setData(x, y)
        for item in self._lines[len(lines) :]:
            item.setData([], [])

    def show_pairs(self, lines: Sequence[tuple[np.ndarray, np.ndarray, str]]) -> None:
        """Lines of which the first, third … are one of many, and drawn faint; the others are what they are compared with."""
        self._pairs = True
        self.show_lines(lines)

    def set_range(self, low: float, high: float) -> None:
        """Fixed heights."""
        self._box.setYRange(low, high, padding=0)

    def set_width(self, low: float, high: float) -> None:
        """Fixed ends."""
        self._box.setXRange(low, high, padding=0.02)

    def mark(self, height: float) -> None:
        """A line across."""
        line = pg.InfiniteLine(height, angle=0, pen=self._pen(theme.theme().edge))
        self._marks.append(line)
        self._item.addItem(line, ignoreBounds=True)

    def restyle(self) -> None:
        """Take pens, fonts and grounds from the theme."""
        t = theme.theme()
        self.canvas.setBackground(t.panel)
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(self._pen(t.hairline))
            axis.setTickPen(self._pen(t.hairline))
            axis.setTextPen(t.muted)
            axis.setStyle(tickFont=theme.font(11), tickLength=0, tickTextOffset=4, maxTickLevel=0)
            axis.setTickDensity(0.5)
        self._item.getAxis("left").setWidth(t.px(38))
        self._item.getAxis("bottom").setHeight(t.px(18))
        for line in self._marks:
            line.setPen(self._pen(t.edge))
        if self._roles:
            faint = self._roles[0].endswith("True")
            self._colour([r.removesuffix("True").removesuffix("False") for r in self._roles], faint)

    def _colour(self, roles: list[str], faint: bool) -> None:
        for i, (item, role) in enumerate(zip(self._lines, roles, strict=False)):
            pen = theme.pen(role, raw=self._pairs and i % 2 == 0)
            if faint:
                pen = QPen(QColor(theme.mix(theme.theme().panel, pen.color().name(), 1.0 - 0.2 * (i % 4))), 1)
                pen.setCosmetic(True)
            item.setPen(pen)
            if self._points and role != "baseline":
                item.setSymbol("o")
                item.setSymbolSize(theme.theme().px(6))
                item.setSymbolPen(None)
                item.setSymbolBrush(pen.color())

    @staticmethod
    def _pen(color: str) -> QPen:
        out = QPen(QColor(color), 1)
        out.setCosmetic(True)
        return out
