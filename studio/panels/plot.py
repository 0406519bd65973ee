"""One card of curves that share axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from studio import theme
from studio.panels.series import History
from studio.widgets import Card, ElidedLabel, Legend, label, number, row, symbol_html, tool

if TYPE_CHECKING:
    from models.contract import Plot


class StepAxis(pg.AxisItem):
    """Steps with thousands separators."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Whole numbers only."""
        return [f"{v:,.0f}" if v == int(v) and v >= 0 else "" for v in values]


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


class PlotCard(Card):
    """Title, legend with numbers, and the curves of one Plot.

    Signals:
        hovered(int): the step under the mouse; -1 when it has left.
    """

    hovered = Signal(int)

    def __init__(self, plot: Plot) -> None:
        super().__init__(margin=12, spacing=4)
        self._plot, self._history = plot, History(())
        self._shown, self._notes = -1, ""  # the step under the mouse
        self._phases: list[tuple[int, Any]] = []
        self.body.setContentsMargins(12, 8, 8, 6)
        title = label(symbol_html(plot.title, 12), "section")
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
        self.canvas = _Canvas(axisItems={"bottom": StepAxis("bottom")})
        self.body.addWidget(self.canvas, 1)
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
        return QSize(theme.theme().px(180), theme.theme().px(140))

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

    def show_step(self, step: int, notes: str = "") -> None:
        """Numbers of one step in the legend, with a line there; the newest numbers for -1."""
        self._shown, self._notes = step, notes
        at = step if step >= 0 else self._history.end
        numbers = [self._history.series[c.field].at(at) if c.field in self._history.series else None for c in self._plot.curves]
        self.legend.show_values([number(v) if v is not None else "" for v in numbers], asked=step >= 0)
        self.at.setText(f"step {step:,}{notes}" if step >= 0 else "")
        self._hair.setVisible(step >= 0)
        self._hair.setValue(max(0, step))

    def show_cursor(self, step: int | None) -> None:
        """The line of the time machine."""
        self._cursor.setVisible(step is not None)
        self._cursor.setValue(step or 0)

    def show_marks(self, steps: list[int]) -> None:
        """Ticks on the axis where a knob was turned."""
        self._ticks.setXVals(steps)

    def show_phases(self, phases: Mapping[int, str]) -> None:
        """Borders with a name on top."""
        for _, line in self._phases:
            self._item.removeItem(line)
        self._phases = []
        for step, name in sorted(phases.items()):
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
        self._box.setXRange(1, max(2, self._history.end), padding=0.03)

    def _on_zoom(self, *_: object) -> None:
        self._follows = False
        self.fit_button.show()

    def set_log(self, on: bool) -> None:
        """Logarithmic height; what is not positive is not drawn."""
        self.log_button.setChecked(on)
        self._item.setLogMode(x=False, y=on)
        self._item.getAxis("left").setGrid(round(255 * theme.GRID_OPACITY))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A fits."""
        if event.key() == Qt.Key.Key_A and not event.modifiers():
            self.fit()
        else:
            super().keyPressEvent(event)

    def _on_size(self, *_: object) -> None:
        self._ticks.setYRange([0, 6 / max(30, self._box.height())])
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
        self._hair.setPen(self._line(t.edge))
        self._cursor.setPen(self._line(t.ink))
        self._ticks.setPen(self._line(t.ink))
        self.show_phases({step: line.label.format for step, line in self._phases})

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
            self.hovered.emit(max(0, round(self._box.mapSceneToView(place).x())))
        else:
            self.hovered.emit(-1)

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
