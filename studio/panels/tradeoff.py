"""Quality against diversity over the temperature: BLEU of samples, and how alike they are to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPen

from studio import theme
from studio.panels.lineplot import LinePlot
from studio.panels.plot import Reason
from studio.widgets import ElidedLabel, Legend, Segmented, label, number

ORDERS = (2, 3, 4, 5)
TIP = (
    "Each point is a model at one temperature. Height: BLEU of its samples against held-out sentences. "
    "Breadth: Self-BLEU, each sample against all others: the further right, the more alike they are. "
    "A model is better only if its whole line is higher and further left: temperature alone moves a point along its line."
)
BETTER = "↖ better: up and left"
SYMBOLS = {"generated": "o", "baseline": "s", "judge": "t", "controller": "t1"}
NEAR = 14  # pixels around a point within which the mouse means it
EMPTY = "Not measured yet."

Line = tuple[np.ndarray, np.ndarray, np.ndarray]  # temperatures, Self-BLEU, BLEU; (k,) each


class Point(NamedTuple):
    """One point of the plane."""

    model: str
    temperature: float  # NaN for real sentences
    self_bleu: float
    bleu: float
    role: str


class TradeoffPanel(LinePlot):
    """A line a model through its temperatures, and where real sentences are.

    Signals:
        n_changed (int): another length of the n-grams is wanted, 2 to 5.
    """

    n_changed = Signal(int)

    def __init__(self) -> None:
        self._points_at: list[Point] = []
        self._labels: list[pg.TextItem] = []
        super().__init__("Quality against diversity", TIP)
        self.canvas.setToolTip("")  # what a point is stands below the plot
        self.at.setSizePolicy(self.at.sizePolicy().horizontalPolicy(), self.title.sizePolicy().verticalPolicy())
        self.orders = Segmented([str(n) for n in ORDERS], [f"Over n-grams of up to {n} tokens" for n in ORDERS])
        self.orders.setAccessibleName("Longest n-gram of BLEU")
        self.orders.chosen.connect(lambda place: self.n_changed.emit(ORDERS[place]))
        for widget in (label("BLEU-n, n =", "caption"), self.orders):
            self.head.addWidget(widget)
        self.legend = Legend([])
        self.body.insertWidget(1, self.legend)
        self.reason = Reason()
        self.body.insertWidget(2, self.reason, 1)
        self.foot = ElidedLabel("", "caption")
        self.body.addWidget(self.foot)
        self._n, self._counts, self._near = ORDERS[0], "", -1
        self._add_items()
        cast(Any, self.canvas.scene()).sigMouseMoved.connect(self._on_mouse)
        self._box.sigResized.connect(self._on_size)
        self.restyle()
        self.show_reason(EMPTY)

    def sizeHint(self) -> QSize:
        """Room for the temperatures."""
        return QSize(theme.theme().px(480), theme.theme().px(320))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(280), theme.theme().px(200))

    # --- numbers ---

    def show_points(self, lines: Mapping[str, Line], real: tuple[float, float] | None, *, n: int, counts: str) -> None:
        """Replace everything.

        Args:
            lines: for each model its temperatures, Self-BLEU-n and BLEU-n, (k,) each in the order of the line; what is not finite is left out.
            real: Self-BLEU-n and BLEU-n of as many real sentences.
            n: 2 to 5.
            counts: how many samples and references, in words.
        """
        self._n, self._counts, self._near = n, counts, -1
        self.orders.select(ORDERS.index(n))
        names = roles(lines)
        self._points_at = [
            Point(name, float(t), float(x), float(y), names[name])
            for name, line in lines.items()
            for t, x, y in zip(*line, strict=True)
            if np.isfinite((x, y)).all()
        ]
        self.show_lines([_of(self._points_at, name) for name in lines])
        if real is not None and np.isfinite(real).all():
            self._points_at.append(Point("real", float("nan"), float(real[0]), float(real[1]), "real"))
        self._show_legend(names)
        self._fit()
        self._draw()
        self.show_reason("" if self._points_at else EMPTY)
        for side, text in (("left", f"BLEU-{n}, held out"), ("bottom", f"Self-BLEU-{n}")):
            self._item.getAxis(side).setLabel(text, **self._label_style())
        self._tell()

    def show_reason(self, text: str) -> None:
        """Why there is nothing to see; an empty text brings the plane back."""
        self.reason.setText(text)
        self.reason.setVisible(bool(text))
        for widget in (self.canvas, self.legend, self.foot):
            widget.setVisible(not text)

    def show_progress(self, done: int, total: int) -> None:
        """While it is measured: done of total parts; what was measured before stays."""
        text = f"measuring {done + 1:,} of {total:,} …" if done < total else ""
        self.at.setText(text)
        if not self.reason.isHidden():
            self.reason.setText(text[:1].upper() + text[1:] or EMPTY)

    @property
    def n(self) -> int:
        """The length of the n-grams that is chosen."""
        return ORDERS[self.orders.selected()]

    def points(self) -> list[Point]:
        """What is drawn."""
        return list(self._points_at)

    # --- drawing ---

    def restyle(self) -> None:
        """Take pens, fonts and grounds from the theme."""
        super().restyle()
        if not hasattr(self, "dots"):  # called by the base before there is anything to dress
            return
        self._item.getAxis("left").setWidth(theme.theme().px(58))
        self._item.getAxis("bottom").setHeight(theme.theme().px(34))
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setLabel(axis.labelText, **self._label_style())
            axis.setTickDensity(0.8)
        self._item.showGrid(y=True, alpha=theme.GRID_OPACITY)
        self._better.setFont(theme.font(11))
        self._better.setColor(theme.theme().muted)
        self._draw()

    def _add_items(self) -> None:
        self.dots, self._ring = pg.ScatterPlotItem(pxMode=True), pg.ScatterPlotItem(pxMode=True)
        self._better = pg.TextItem(BETTER, anchor=(0, 0))
        self._better.setParentItem(self._box)
        self._better.setPos(6, 4)
        self._item.addItem(self._ring)
        self._item.addItem(self.dots)

    def _show_legend(self, names: Mapping[str, str]) -> None:
        fresh = Legend(list(names.items()))
        self.body.replaceWidget(self.legend, fresh)
        self.legend.deleteLater()
        self.legend = fresh

    def _fit(self) -> None:
        """A margin in which the numbers have room, wider on top, where the words are."""
        if not self._points_at:
            return
        px, room = theme.theme().px, self._box.boundingRect()
        sides = (("x", [p.self_bleu for p in self._points_at], px(16), px(16)), ("y", [p.bleu for p in self._points_at], px(24), px(44)))
        for axis, values, before, after in sides:
            whole = max(1.0, room.width() if axis == "x" else room.height())
            inner = max(0.2, 1 - (before + after) / whole)  # the share that the points get
            span = max(max(values) - min(values), 0.02) / inner
            middle = (max(values) + min(values)) / 2 - span * (before - after) / whole / 2
            (self._box.setXRange if axis == "x" else self._box.setYRange)(middle - span / 2, middle + span / 2, padding=0)

    def _on_size(self, *_: object) -> None:
        self._fit()
        self._place_labels()

    def _draw(self) -> None:
        t, points = theme.theme(), self._points_at
        self.dots.setData(
            [p.self_bleu for p in points],
            [p.bleu for p in points],
            symbol=["d" if p.role == "real" else SYMBOLS[p.role] for p in points],
            size=[t.px(12 if p.role == "real" else 7) for p in points],
            brush=[QBrush(QColor(t.curves[p.role])) for p in points],
            pen=_outline(t.panel),
        )
        self._ring.setData([])
        for text in self._labels:
            self._item.removeItem(text)
        self._labels = []
        for p in points:
            under = p.role == "baseline"
            text = pg.TextItem("real" if p.role == "real" else _short(p.temperature), color=t.curves[p.role], anchor=(0.5, -0.15 if under else 1.15))
            text.setFont(theme.font(11))
            text.setPos(p.self_bleu, p.bleu)
            self._item.addItem(text, ignoreBounds=True)
            self._labels.append(text)
        self._place_labels()

    def _place_labels(self, *_: object) -> None:
        """Of numbers that would lie on each other, or on a mark, only the first is shown; the mouse tells the others."""
        metrics, taken = QFontMetricsF(theme.font(11)), list[QRectF]()
        places = [self._box.mapFromView(QPointF(p.self_bleu, p.bleu)) for p in self._points_at]
        marks = [QRectF(at.x() - 3, at.y() - 3, 6, 6) for at in places]
        room = self._box.boundingRect()
        for i in sorted(range(len(places)), key=lambda i: self._points_at[i].role != "real"):
            p, text, at = self._points_at[i], self._labels[i], places[i]
            wide, high = metrics.horizontalAdvance(text.toPlainText()) + 2, metrics.height()
            top = at.y() + 4 if p.role == "baseline" else at.y() - high - 4
            box = QRectF(at.x() - wide / 2, top, wide, high)
            text.setVisible(
                not any(box.intersects(other) for other in (*taken, *(m for k, m in enumerate(marks) if k != i))) and room.intersects(box)
            )
            if text.isVisible():
                taken.append(box)

    def _label_style(self) -> dict[str, str]:
        return {"color": theme.theme().muted, "font-size": f"{theme.theme().px(11)}px"}

    # --- the mouse ---

    def _on_mouse(self, place: QPointF) -> None:
        inside = self._box.sceneBoundingRect().contains(place)
        self.point_at(self._nearest(self._box.mapFromScene(place)) if inside else -1)

    def _nearest(self, place: QPointF) -> int:
        ways = [self._box.mapFromView(QPointF(p.self_bleu, p.bleu)) - place for p in self._points_at]
        far = [way.x() ** 2 + way.y() ** 2 for way in ways]
        best = int(np.argmin(far)) if far else -1
        return best if far and far[best] <= theme.theme().px(NEAR) ** 2 else -1

    def point_at(self, index: int) -> None:
        """Tell of one point, or of none for -1."""
        if index != self._near:
            self._near = index
            p = self._points_at[index] if index >= 0 else None
            x, y = ([], []) if p is None else ([p.self_bleu], [p.bleu])
            self._ring.setData(x, y, symbol="o", size=theme.theme().px(15), brush=QBrush(Qt.BrushStyle.NoBrush), pen=_outline(theme.theme().ink))
            self._tell()

    def _tell(self) -> None:
        if self._near < 0:
            self.foot.setText(" · ".join(part for part in (self._counts, "the number at a point is its temperature") if part))
            return
        p = self._points_at[self._near]
        who = "Real sentences" if p.role == "real" else f"{p.model} at temperature {_short(p.temperature)}"
        self.foot.setText(f"{who} · BLEU-{self._n} {number(p.bleu)} · Self-BLEU-{self._n} {number(p.self_bleu)}")


def roles(models: Mapping[str, Any]) -> dict[str, str]:
    """What curve each model is: the one trained by likelihood alone is the baseline, the others in their order."""
    others = iter(("generated", "judge", "controller"))
    return {name: "baseline" if name.upper().endswith("MLE") else next(others, "controller") for name in models}


def _of(points: list[Point], model: str) -> tuple[np.ndarray, np.ndarray, str]:
    mine = [p for p in points if p.model == model]
    return np.array([p.self_bleu for p in mine]), np.array([p.bleu for p in mine]), mine[0].role if mine else "generated"


def _short(temperature: float) -> str:
    """One figure after the point where that says all."""
    return f"{temperature:.1f}" if round(temperature, 1) == temperature else f"{temperature:g}"


def _outline(color: str) -> QPen:
    """Around a mark, one pixel whatever its size."""
    out = QPen(QColor(color), 1)
    out.setCosmetic(True)
    return out
