"""Runs as a tree: a lane each over the steps, which branches off where it was forked, with what was changed there written on the branch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.lineage import Family, Lane, families
from studio.panels.runlist import progress, tip
from studio.panels.scrolling import scrolled
from studio.runs import RunFacts
from studio.widgets import Card, ElidedLabel, column, row

ROW, BETWEEN, AXIS, MARGIN, DOT = 46, 10, 20, 14, 4  # pixels: a lane, between families, numbers below one, sides, radius of an end
NO_FORKS = "No run has been forked yet: choose one, press Fork, and go another way from a step that it has kept."
SHOWN = "A line is a run over its steps, dotted where it still has to go. Double-click opens it."


@dataclass(frozen=True)
class _Placed:
    """A lane where it is drawn; x of its beginning, its newest step and its last one."""

    lane: Lane
    y: float
    x0: float
    x1: float
    x2: float
    branch: float | None  # y of the lane that it branches from


class RunTree(QWidget):
    """All families below each other, each over steps of its own.

    Signals:
        chosen (object): the run whose lane was clicked, or reached by the arrow keys.
        opened (object): the run whose lane was double-clicked.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._families: list[Family] = []
        self._placed: list[_Placed] = []
        self._axes: list[tuple[float, int]] = []  # y, and the last step, of families with more than one lane
        self._selected: set[Path] = set()
        self._hover: Path | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Tree of the runs")
        theme.notifier.changed.connect(self._again)

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """Draw these; of a run whose parent is not among them it is told that it is not here."""
        self._families = families(runs)
        self._again()

    def show_selection(self, paths: Collection[Path]) -> None:
        """Lift these lanes."""
        self._selected = set(paths)
        self._describe()
        self.update()

    def has_forks(self) -> bool:
        """Whether any run was forked from another."""
        return any(lane.run.parent for family in self._families for lane in family)

    # --- places ---

    def sizeHint(self) -> QSize:
        """As high as all lanes."""
        return QSize(theme.theme().px(320), max(40, round(self._height())))

    def minimumSizeHint(self) -> QSize:
        """As high, and narrow."""
        return QSize(theme.theme().px(200), self.sizeHint().height())

    def _height(self) -> float:
        px = theme.theme().px
        return sum(len(f) * px(ROW) + px(BETWEEN) + (px(AXIS) if len(f) > 1 else 0) for f in self._families) + px(BETWEEN)

    def _place(self) -> None:
        px, y = theme.theme().px, float(theme.theme().px(BETWEEN))
        left, right = px(MARGIN), self.width() - px(MARGIN)
        self._placed, self._axes = [], []
        for family in self._families:
            last = max(1, *(max(lane.run.step, lane.run.total, lane.start) for lane in family))
            rows: list[float] = []
            for lane in family:
                rows.append(y + px(ROW) * 0.68)
                x0, x1, x2 = (left + (right - left) * step / last for step in (lane.start, lane.run.step, max(lane.run.step, lane.run.total)))
                self._placed.append(_Placed(lane, rows[-1], x0, max(x0, x1), max(x0, x2), rows[lane.parent] if lane.parent is not None else None))
                y += px(ROW)
            if len(family) > 1:
                self._axes.append((y, last))
                y += px(AXIS)
            y += px(BETWEEN)

    def _again(self) -> None:
        self._place()
        self._describe()
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        told = [f"{p.lane.run.name}, {progress(p.lane.run)}" + ", selected" * (p.lane.run.path in self._selected) for p in self._placed]
        self.setAccessibleDescription("; ".join(told))

    def resizeEvent(self, event: object) -> None:
        """Steps are wider or narrower."""
        self._place()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, then branches, then lanes with their words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for y, last in self._axes:
            self._paint_axis(painter, y, last)
        for placed in self._placed:
            self._paint_ground(painter, placed)
        for placed in self._placed:
            self._paint_branch(painter, placed)
        for placed in self._placed:
            self._paint_lane(painter, placed)
        painter.end()

    def _paint_axis(self, painter: QPainter, y: float, last: int) -> None:
        t = theme.theme()
        left, right = t.px(MARGIN), self.width() - t.px(MARGIN)
        painter.setPen(QPen(QColor(t.hairline), 1))
        painter.drawLine(QPointF(left, y), QPointF(right, y))
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        count = max(1, min(5, int((right - left) // t.px(110))))
        for i in range(count + 1):
            step, x, wide = round(last * i / count), left + (right - left) * i / count, t.px(80)
            side = Qt.AlignmentFlag.AlignLeft if i == 0 else Qt.AlignmentFlag.AlignRight if i == count else Qt.AlignmentFlag.AlignHCenter
            start = x if i == 0 else x - wide if i == count else x - wide / 2
            painter.drawText(QRectF(start, y + 2, wide, t.px(16)), side | Qt.AlignmentFlag.AlignTop, f"{step:,}" if i else "step 0")

    def _ground(self, path: Path) -> QColor:
        """Behind what is selected, or under the mouse."""
        t = theme.theme()
        if path in self._selected:
            return QColor(theme.mix(t.panel, theme.accent(self), theme.TINT_OPACITY))
        return QColor(t.hover if path == self._hover else t.panel)

    def _paint_ground(self, painter: QPainter, placed: _Placed) -> None:
        if placed.lane.run.path not in self._selected and placed.lane.run.path != self._hover:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ground(placed.lane.run.path))
        painter.drawRoundedRect(self._box(placed), theme.theme().px(4), theme.theme().px(4))

    def _paint_branch(self, painter: QPainter, placed: _Placed) -> None:
        """From the parent's lane down to this one; from nowhere if the parent is not here."""
        t, pen = theme.theme(), QPen(QColor(theme.theme().edge), 1.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if placed.branch is not None:
            bend, path = float(t.px(8)), QPainterPath(QPointF(placed.x0, placed.branch))
            path.lineTo(placed.x0, placed.y - bend)
            path.quadTo(placed.x0, placed.y, placed.x0 + bend, placed.y)
            painter.setPen(pen)
            painter.drawPath(path)
            painter.setPen(QPen(QColor(t.panel), 1.5))
            painter.setBrush(QColor(t.edge))
            painter.drawEllipse(QPointF(placed.x0, placed.branch), t.px(DOT), t.px(DOT))
        elif placed.lane.lost:
            pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawLine(QPointF(t.px(MARGIN), placed.y), QPointF(placed.x0, placed.y))

    def _paint_lane(self, painter: QPainter, placed: _Placed) -> None:
        t, run = theme.theme(), placed.lane.run
        color = QColor(t.bad if run.state == "damaged" else t.accent(run.system))
        start = placed.x0 + (t.px(8) if placed.branch is not None else 0)
        todo = QPen(color, 1.5, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
        todo.setDashPattern([1, 3])
        painter.setPen(todo)
        painter.drawLine(QPointF(placed.x1, placed.y), QPointF(placed.x2, placed.y))
        painter.setPen(QPen(color, 3 if run.path in self._selected else 2))
        painter.drawLine(QPointF(min(start, placed.x1), placed.y), QPointF(placed.x1, placed.y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(QPointF(placed.x1, placed.y), t.px(DOT), t.px(DOT))
        self._paint_words(painter, placed)

    def _paint_words(self, painter: QPainter, placed: _Placed) -> None:
        """The name, what was changed at the fork, and how far it is, above the lane; before the branch where there is more room."""
        t, run, lane = theme.theme(), placed.lane.run, placed.lane
        strong, plain = theme.font(12, 600), theme.font(11)
        notes = [run.change] if run.change else []
        notes += [f"from step {lane.start:,} of {lane.lost}, which is not here"] if lane.lost else []
        notes.append("damaged" if run.state == "damaged" else progress(run))
        wide, gap = QFontMetricsF(strong).horizontalAdvance(run.name), t.px(8)
        need = wide + gap + QFontMetricsF(plain).horizontalAdvance(" · ".join(notes)) + 2
        left, end = float(t.px(MARGIN)), self.width() - float(t.px(MARGIN))
        x, room = placed.x0, end - placed.x0
        if placed.branch is not None:
            x, room, before = x + t.px(12), room - t.px(12), placed.x0 - t.px(6) - left
            if need > room and before > room:
                x, room = max(left, placed.x0 - t.px(6) - need), before
        elif need > room:
            x, room = max(left, end - need), end - left
        wide, need = min(wide, room), min(need, room)
        top, high = placed.y - t.px(23), t.px(18)
        painter.fillRect(QRectF(x - 3, top, need + 6, high), self._ground(run.path))  # branches that pass end behind the words
        painter.setPen(QColor(t.ink))
        painter.setFont(strong)
        name = QFontMetricsF(strong).elidedText(run.name, Qt.TextElideMode.ElideMiddle, wide + 2)
        painter.drawText(QRectF(x, top, wide + 2, high), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(plain)
        painter.setPen(QColor(t.muted))
        words = QFontMetricsF(plain).elidedText(" · ".join(notes), Qt.TextElideMode.ElideRight, max(0.0, need - wide - gap))
        painter.drawText(QRectF(x + wide + gap, top, max(0.0, need - wide - gap), high), Qt.AlignmentFlag.AlignVCenter, words)

    def _box(self, placed: _Placed) -> QRectF:
        t = theme.theme()
        return QRectF(2, placed.y - t.px(26), self.width() - 4, t.px(ROW) - 4)

    # --- what the person does ---

    def run_at(self, point: QPointF) -> RunFacts | None:
        """The run whose lane is at a place of the widget."""
        return next((p.lane.run for p in self._placed if self._box(p).contains(point)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select."""
        if (run := self.run_at(event.position())) is not None:
            self.chosen.emit(run)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open."""
        if (run := self.run_at(event.position())) is not None:
            self.opened.emit(run)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Lift what is under the mouse."""
        run = self.run_at(event.position())
        self._set_hover(run.path if run is not None else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is."""
        self._set_hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down choose, Enter opens."""
        runs = [p.lane.run for p in self._placed]
        at = next((i for i, run in enumerate(runs) if run.path in self._selected), -1)
        move = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if move is not None and runs:
            self.chosen.emit(runs[max(0, min(len(runs) - 1, at + move))])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and at >= 0:
            self.opened.emit(runs[at])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """What is known of the run under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            run = self.run_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), tip(run) if run is not None else "", self)
            return True
        return super().event(event)

    def _set_hover(self, path: Path | None) -> None:
        if path != self._hover:
            self._hover = path
            self.update()


class TreePanel(Card):
    """The tree, scrolled, with a line of words below."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        self.body.setContentsMargins(4, 4, 4, 8)
        self.tree = RunTree()
        self.area: QScrollArea = scrolled(self._holder(), sideways=False)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.words = ElidedLabel("", "caption")
        self.body.addWidget(self.area, 1)
        foot = row(self.words)
        foot.setContentsMargins(8, 0, 8, 0)
        self.body.addLayout(foot)

    def _holder(self) -> QWidget:
        inside = QWidget()
        inside.setProperty("kind", "clear")
        body = column(inside, spacing=0)
        body.addWidget(self.tree)
        body.addStretch(1)
        return inside

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """Draw these."""
        self.tree.show_runs(runs)
        self.words.setText("" if not runs else SHOWN if self.tree.has_forks() else NO_FORKS)
