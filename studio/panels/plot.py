"""One card of curves that share axes."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy

from studio import theme
from studio.panels.series import History
from studio.widgets import Card, ElidedLabel, Legend, label, number, row, symbol_html, tool

if TYPE_CHECKING:
    from models.contract import Plot


class StepAxis(pg.AxisItem):
    """Steps with thousands separators."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float | None, list[float]]]:
        """Places of the ticks, as many as have room for their numbers."""
        levels = super().tickValues(minVal, maxVal, size)
        if not levels or not levels[0][1] or maxVal <= minVal:
            return levels
        spacing, values = levels[0]
        room = QFontMetricsF(theme.font(11)).horizontalAdvance(f"{maxVal:,.0f}") + theme.theme().px(8)
        while len(values) > 1 and size * spacing / (maxVal - minVal) < room:
            values, spacing = [v for v in values if round(v / spacing) % 2 == 0], 2 * spacing
        return [(spacing, list(values))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Whole numbers only."""
        return [f"{v:,.0f}" if v == int(v) and v >= 0 else "" for v in values]


class ValueAxis(pg.AxisItem):
    """Logarithmic heights get as many numbers as there is room for: powers of ten, or 1, 2 and 5 times them where few fit in the range."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float | None, list[float]]]:
        """Places of the ticks; a logarithmic axis counts in exponents of ten."""
        if not self.logMode:
            return super().tickValues(minVal, maxVal, size)
        low, high = sorted((minVal, maxVal))
        room = max(2, int(size // (3 * theme.theme().px(11))))
        powers = [float(e) for e in range(ceil(low), floor(high) + 1)]
        if len(powers) < 2:
            powers = [v for e in range(floor(low), floor(high) + 1) for m in (1, 2, 5) if low <= (v := e + log10(m)) <= high]
        if len(powers) < 2:  # less than half a decade: round numbers, as on a plain axis
            step = 10.0 ** floor(log10(max(10**high - 10**low, 1e-300)))
            powers = [log10(step * i) for i in range(max(1, ceil(10**low / step)), floor(10**high / step) + 1)]
        return [(None, powers[:: ceil(len(powers) / room) or 1])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Short numbers."""
        return [f"{10**v:.3g}" for v in values] if self.logMode else super().tickStrings(values, scale, spacing)


class _Canvas(pg.PlotWidget):
    """A plot that says where the mouse is, and when it has gone.

    Signals:
        left(): the mouse is somewhere else.
        fit_wanted(): a double click.
    """

    left = Signal()
    fit_wanted = Signal()

    def leaveEvent(self, ev: QEvent) -> None:
        """Tell it."""
        super().leaveEvent(ev)
        self.left.emit()

    def mouseDoubleClickEvent(self, ev: QMouseEvent) -> None:
        """See everything again."""
        ev.accept()
        self.fit_wanted.emit()


class Reason(QLabel):
    """Words in place of a plot, which take the room that the plot had and ask for no more."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "muted")
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def hasHeightForWidth(self) -> bool:
        """Else the layout would give all of the card its preferred height."""
        return False

    def sizeHint(self) -> QSize:
        """Little."""
        return QSize(40, 40)

    minimumSizeHint = sizeHint


class PlotCard(Card):
    """Title, legend with numbers, and the curves of one Plot.

    Signals:
        hovered(int): the step under the mouse; -1 when it has left.
    """

    hovered = Signal(int)

    def __init__(self, plot: Plot, *, points: bool = False, fitted: bool = False) -> None:
        """`points` marks each value, for series of a few; `fitted` spans only the steps at which there are numbers."""
        super().__init__(margin=12, spacing=4)
        self._fitted = fitted
        self._plot, self._history, self._points = plot, History(()), points
        self._shown, self._notes = -1, ""  # the step under the mouse
        self._at: int | None = None  # the step that the time machine is at
        self._phases: list[tuple[int, Any]] = []
        self._alarms: list[Any] = []
        self.body.setContentsMargins(12, 8, 8, 6)
        self._title = title = label(symbol_html(plot.title, 12), "section")
        title.setToolTip(plot.doc)
        self.at = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self.at.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fit_button = tool("search", "Show everything again (A, or double-click the plot)", self.fit)
        self.log_button = tool("settings", "Logarithmic height", self._toggle_log)
        for b, text in ((self.fit_button, "fit"), (self.log_button, "log")):
            b.setProperty("kind", "small")
            b.setIcon(theme.QIcon())
            b.setProperty("icon_name", None)
            b.setText(text)
        self.log_button.setCheckable(True)
        keep = self.fit_button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.fit_button.setSizePolicy(keep)
        self.fit_button.hide()
        head = row(title, self.at, self.fit_button, self.log_button, spacing=4)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.legend = Legend([(c.label, c.role) for c in plot.curves])
        self.legend.setToolTip(plot.doc)
        self.body.addWidget(self.legend)
        self.canvas = _Canvas(axisItems={"bottom": StepAxis("bottom"), "left": ValueAxis("left")})
        self.body.addWidget(self.canvas, 1)
        self.reason = Reason()
        self.reason.hide()
        self.body.addWidget(self.reason, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._build()
        self.restyle()
        self.canvas.left.connect(lambda: self.hovered.emit(-1))
        self.canvas.fit_wanted.connect(self.fit)
        cast(Any, self.canvas.scene()).sigMouseMoved.connect(self._on_mouse)
        self._box.sigRangeChangedManually.connect(self._on_zoom)
        self._box.sigXRangeChanged.connect(self._place_labels)
        self._box.sigResized.connect(self._on_size)

    def sizeHint(self) -> QSize:
        """As high as in the wireframe."""
        return QSize(theme.theme().px(280), theme.theme().px(224))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(180), theme.theme().px(132))

    # --- numbers ---

    def draw(self, history: History) -> None:
        """Show the present numbers."""
        self._history = history
        for c, raw, smooth in zip(self._plot.curves, self._raw, self._smooth, strict=True):
            s = history.series[c.field]
            raw.setVisible(history.smoothing > 0)
            if history.smoothing > 0:
                raw.setData(s.x.view, s.y.view)
            smooth.setData(s.x.view, s.smooth.view)
        if self._follows:
            self._show_all_steps()
        self.show_step(self._shown, self._notes)
        self._place_labels()

    def fields(self) -> list[str]:
        """What its curves show, without the references."""
        return [c.field for c in self._plot.curves if c.role != "baseline"]

    def show_reason(self, text: str) -> None:
        """Why there is nothing to draw, instead of empty axes; an empty text brings the axes back."""
        self.reason.setText(text)
        self.reason.setVisible(bool(text))
        for widget in (self.canvas, self.legend, self.log_button):
            widget.setVisible(not text)

    def show_step(self, step: int, notes: str = "") -> None:
        """Numbers of one step in the legend, with a line there; the newest numbers for -1."""
        self._shown, self._notes = step, notes
        asked = step >= 0
        at = step if asked else self._at if self._at is not None else self._history.end
        numbers = [self._value(c.field, at, exactly=self._points and asked) for c in self._plot.curves]
        self.legend.show_values([number(v) if v is not None else "" for v in numbers], asked=step >= 0)
        self.at.setText(f"step {step:,}{notes}" if step >= 0 else "")
        self._hair.setVisible(step >= 0)
        self._hair.setValue(max(0, step))

    def show_cursor(self, step: int | None) -> None:
        """The line of the time machine, with the numbers there in the legend."""
        self._at = step
        self._cursor.setVisible(step is not None)
        self._cursor.setValue(step or 0)
        if self._shown < 0:
            self.show_step(-1)

    def show_marks(self, steps: list[int]) -> None:
        """Ticks on the axis where a knob was turned."""
        self._ticks.setXVals(steps)

    def show_alarms(self, steps: list[int]) -> None:
        """Lines where something looked wrong."""
        for line in self._alarms:
            self._item.removeItem(line)
        self._alarms = [pg.InfiniteLine(step, pen=self._alarm_pen()) for step in steps]
        for line in self._alarms:
            line.setZValue(-5)
            self._item.addItem(line, ignoreBounds=True)

    def _alarm_pen(self) -> QPen:
        pen = self._line(theme.theme().warn)
        pen.setWidth(2)
        return pen

    def show_phases(self, phases: Mapping[int, str]) -> None:
        """Borders with a name on top; those that are there already stay, for a run that is opened tells of one after the other."""
        wanted = sorted(phases.items())
        here = {(step, line.label.format): line for step, line in self._phases}
        for key, line in here.items():
            if key not in wanted:
                self._item.removeItem(line)
        self._phases = []
        for step, name in wanted:
            if (line := here.get((step, name))) is not None:
                self._phases.append((step, line))
                continue
            opts = {"position": 1.0, "anchors": [(0, 0), (0, 0)], "color": theme.theme().muted}
            line = pg.InfiniteLine(step, pen=self._line(theme.theme().hairline), label=name, labelOpts=opts)
            line.label.setFont(theme.font(11))
            line.setZValue(-10)
            self._item.addItem(line, ignoreBounds=True)
            self._phases.append((step, line))
        self._place_labels()

    def fit(self) -> None:
        """Follow the data again."""
        self.fit_button.hide()
        self._follows = True
        self._box.enableAutoRange(axis=pg.ViewBox.YAxis)
        self._show_all_steps()

    def _show_all_steps(self) -> None:
        """Not pyqtgraph's own range: down-sampling moves the ends, so range and curve would chase each other for ever."""
        first, last = 1.0, float(self._history.end)
        spans = [s.x.view for c in self._plot.curves if (s := self._history.series.get(c.field)) is not None and len(s.x)] if self._fitted else []
        if spans:
            first, last = min(float(x[0]) for x in spans), max(float(x[-1]) for x in spans)
        self._box.setXRange(first, max(first + 1, last), padding=0.03)

    def _on_zoom(self, *_: object) -> None:
        self._follows = False
        self.fit_button.show()

    def set_log(self, on: bool) -> None:
        """Logarithmic height; what is not positive is not drawn."""
        self.log_button.setChecked(on)
        self._item.setLogMode(x=False, y=on)
        self._item.getAxis("left").setGrid(round(255 * theme.GRID_OPACITY))

    def for_export(self) -> None:
        """As a figure: axis titles instead of the heading, and nothing to click."""
        t = theme.theme()
        self.canvas.setCacheMode(pg.QtWidgets.QGraphicsView.CacheModeFlag.CacheNone)  # a cached ground would be a bitmap within an SVG
        for widget in (self._title, self.at, self.fit_button, self.log_button):
            widget.hide()
        keep = self.fit_button.sizePolicy()
        keep.setRetainSizeWhenHidden(False)
        self.fit_button.setSizePolicy(keep)
        for side, text in (("left", symbol_html(self._plot.title, 11)), ("bottom", "step")):
            axis = self._item.getAxis(side)
            axis.setLabel(text, **{"color": t.muted, "font-size": f"{t.px(11)}px"})
        self._item.getAxis("left").setWidth(t.px(62))
        self._item.getAxis("bottom").setHeight(t.px(40))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A fits."""
        if event.key() == Qt.Key.Key_A and not event.modifiers():
            self.fit()
        else:
            super().keyPressEvent(event)

    def _on_size(self, *_: object) -> None:
        self._ticks.setYRange([0, 6 / max(30, self._box.height())])
        self._item.getAxis("bottom").setTickDensity(0.7 if self._box.width() > theme.theme().px(200) else 0.4)
        self._place_labels()

    def restyle(self) -> None:
        """Take pens, fonts and grounds from the theme."""
        t = theme.theme()
        self.canvas.setBackground(t.panel)
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(self._line(t.hairline))
            axis.setTickPen(self._line(t.ink if side == "left" else t.hairline))
            axis.setTextPen(t.muted)
            axis.setStyle(tickFont=theme.font(11), tickLength=0, tickTextOffset=6, maxTickLevel=0)
        self._item.getAxis("left").setWidth(t.px(42))
        self._item.getAxis("bottom").setHeight(t.px(20))
        self._item.getAxis("left").setGrid(round(255 * theme.GRID_OPACITY))
        for c, raw, smooth in zip(self._plot.curves, self._raw, self._smooth, strict=True):
            raw.setPen(theme.pen(c.role, raw=True))
            smooth.setPen(theme.pen(c.role))
            if self._points and c.role != "baseline":
                smooth.setSymbol("o")
                smooth.setSymbolSize(t.px(5))
                smooth.setSymbolPen(None)
                smooth.setSymbolBrush(theme.pen(c.role).color())
        for line in self._alarms:
            line.setPen(self._alarm_pen())
        self._hair.setPen(self._line(t.edge))
        self._cursor.setPen(self._line(t.ink))
        self._ticks.setPen(self._line(t.ink))
        phases = {step: line.label.format for step, line in self._phases}
        self.show_phases({})
        self.show_phases(phases)  # in the colours of now

    # --- inside ---

    def _build(self) -> None:
        self._item = cast(pg.PlotItem, self.canvas.getPlotItem())
        self._box = cast(pg.ViewBox, self._item.getViewBox())
        self._item.setMenuEnabled(False)
        self._item.hideButtons()
        self._item.setContentsMargins(0, 4, 4, 0)
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        self._follows = True
        self._box.disableAutoRange(pg.ViewBox.XAxis)
        self._box.setDefaultPadding(0.03)
        self._raw, self._smooth = ([self._item.plot(autoDownsampleFactor=2) for _ in self._plot.curves] for _ in range(2))
        self._hair, self._cursor = pg.InfiniteLine(0), pg.InfiniteLine(0)
        self._ticks = pg.VTickGroup([], [0, 0.04])
        for extra in (self._hair, self._cursor, self._ticks):
            self._item.addItem(extra, ignoreBounds=True)
        self._hair.hide()
        self._cursor.hide()
        for side in ("left", "bottom"):
            self._item.getAxis(side).enableAutoSIPrefix(False)
        self._item.getAxis("bottom").setTickDensity(0.7)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    @staticmethod
    def _line(color: str) -> QPen:
        out = QPen(QColor(color), 1)
        out.setCosmetic(True)
        return out

    def _toggle_log(self) -> None:
        self.set_log(self.log_button.isChecked())

    def _on_mouse(self, place: QPointF) -> None:
        if self._box.sceneBoundingRect().contains(place):
            at = max(0, round(self._box.mapSceneToView(place).x()))
            self.hovered.emit(self._nearest(at) if self._points else at)
        else:
            self.hovered.emit(-1)

    def _nearest(self, step: int) -> int:
        """The step of the nearest point; -1 where there is none."""
        known = [s.x.view for field in self.fields() if (s := self._history.series.get(field)) is not None]
        steps = np.concatenate([*known, np.empty(0)])
        return int(steps[np.abs(steps - step).argmin()]) if len(steps) else -1

    def _value(self, field: str, step: float, *, exactly: bool) -> float | None:
        """The number of a curve at a step, or of the newest one before it."""
        series = self._history.series.get(field)
        return None if series is None or (exactly and step not in series.x.view) else series.at(step)

    def pixel(self) -> float:
        """How many steps one pixel is."""
        return float(self._box.viewPixelSize()[0])

    def _place_labels(self, *_: object) -> None:
        if not self._phases:
            return
        (left, right), step = self._box.viewRange()[0], self.pixel()
        room_until = right
        for at, line in reversed(self._phases):
            need = (line.label.boundingRect().width() + 6) * step
            line.label.setVisible(len(self._phases) > 1 and left <= at and at + need <= room_until)
            room_until = at
