"""Classes in rows, values of one ε in columns, all of it one batch: what that ε does, at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from studio import theme
from studio.chainmessages import Knows
from studio.panels.chaingrid import ChainGrid
from studio.panels.conditionfield import check
from studio.widgets import Combo, Segmented, column, label, row

COLUMNS, ROWS = 5, 10
SWEPT = ("epsilon1", "epsilon2", "epsilon3")
WORDS = {"epsilon1": "ε1", "epsilon2": "ε2", "epsilon3": "ε3"}
FROM_ZERO = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)  # where the present value is 0, which has no decades around it
AXIS = 64  # pixels of the rows' names


@dataclass(frozen=True)
class Plan:
    """What the grid is about."""

    rows: tuple[str, ...]
    name: str  # the ε that differs
    values: tuple[float, ...]


def decades(value: float) -> tuple[float, ...]:
    """Five values a decade apart around the present one."""
    return tuple(float(f"{value * 10.0**k:.6g}") for k in range(-2, 3)) if value > 0 else FROM_ZERO


def short(value: float) -> str:
    """A value over a narrow column: 0.01, 1e-4, 2.5e3."""
    if value == 0 or 1e-3 < value < 1e3:
        return f"{value:.3g}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def rows_of(knows: Knows, head: str) -> tuple[str, ...]:
    """The first classes of an attribute, each as it is typed."""
    return tuple(f"{head}={value}" for value in knows.heads.get(head, ())[:ROWS])


class _Axes(QWidget):
    """Pictures with the rows' names at the left, the columns' values above, the columns' agreement below."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = ChainGrid("", COLUMNS)
        self.grid.set_columns(COLUMNS, strict=True)  # each is one ε
        self.plan = Plan((), "epsilon1", ())
        self._agreed: Sequence[bool | None] = ()
        line = row(self.grid, spacing=0)
        line.setContentsMargins(theme.theme().px(AXIS), theme.theme().px(18), 0, theme.theme().px(18))
        self.setLayout(line)

    def sizeHint(self) -> QSize:
        """Pictures and axes."""
        return self.grid.sizeHint() + QSize(theme.theme().px(AXIS), theme.theme().px(36))

    def show_plan(self, plan: Plan) -> None:
        """Other axes."""
        self.plan = plan
        self.update()

    def show_agreed(self, agreed: Sequence[bool | None]) -> None:
        """Of each chain."""
        if tuple(agreed) != tuple(self._agreed):
            self._agreed = tuple(agreed)
            self.update()

    def column_words(self, c: int) -> str:
        """The share of a column's chains that agree; "" where nobody can judge."""
        own = self._agreed[c :: len(self.plan.values)]
        return "" if not own or None in own else f"{sum(map(bool, own))} of {len(own)}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """The words around the pictures."""
        t, painter, n = theme.theme(), QPainter(self), len(self.plan.values)
        if not n or self.grid.count() < n * len(self.plan.rows):
            return
        off = self.grid.pos()
        painter.setFont(theme.font(11))
        center = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        bottom = 0.0
        for c, value in enumerate(self.plan.values):
            r = self.grid.rect_of(c).translated(off)
            painter.setPen(QColor(t.ink))
            painter.drawText(QRectF(r.left() - 4, 0, r.width() + 8, t.px(18)), center, short(value))
        at_right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, t.px(AXIS) - 6, t.px(18)), at_right, f"{WORDS[self.plan.name]} =")
        for i, name in enumerate(self.plan.rows):
            r = self.grid.rect_of(i * n).translated(off)
            bottom = max(bottom, r.bottom())
            words = name.partition("=")[2] or name
            box = QRectF(0, r.top(), t.px(AXIS) - 6, r.height())
            words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, at_right, words)
        painter.setPen(QColor(t.curves["judge"]))
        for c in range(n):
            r = self.grid.rect_of(c).translated(off)
            words = self.column_words(c)
            words = words if r.width() >= t.px(48) else words.replace(" of ", "/")
            painter.drawText(QRectF(r.left() - 4, bottom + 2, r.width() + 8, t.px(16)), center, words)
        if self.column_words(0):
            painter.drawText(QRectF(0, bottom + 2, t.px(AXIS) - 6, t.px(16)), at_right, "agree")
        painter.end()


class EpsGrid(QWidget):
    """The pictures; and `controls`, the choice of classes and ε, for the bar above the stage.

    Signals:
        replanned(): other classes; the chains are made anew.
        swept(): another ε, which applies from the next step on.
        selected(int): a picture was clicked.
    """

    replanned = Signal()
    swept = Signal()
    selected = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.knows = Knows({}, (), {})
        self.heads = Combo()
        self.heads.setAccessibleName("Attribute whose classes are the rows")
        self.heads.setToolTip("The rows are the classes of this attribute, the first ten where there are more, or those that are typed beside it")
        self.heads.activated.connect(lambda _: self._on_head())
        self.field = QLineEdit()
        self.field.setAccessibleName("Classes of the rows")
        self.field.setToolTip("Conditions of the rows between commas, at most ten; Enter makes the chains anew")
        self.field.returnPressed.connect(self._on_field)
        self.sweep = Segmented([WORDS[n] for n in SWEPT], ["Columns: five values a decade apart around the present one"] * 3)
        self.sweep.setAccessibleName("What the columns change")
        self.sweep.chosen.connect(lambda _: self.swept.emit())
        self.sentence = label("", "bad")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        self.axes = _Axes()
        self.axes.grid.clicked.connect(self.selected)
        self.controls = QWidget()
        line = row(self.heads, self.field, self.sweep)
        line.setStretch(1, 1)
        above = column(self.controls, spacing=2)
        above.addLayout(line)
        above.addWidget(self.sentence)
        column(self, spacing=0).addWidget(self.axes, 1)
        self._rows: tuple[str, ...] = ()

    def show_knows(self, knows: Knows) -> None:
        """Other classes can be asked for."""
        self.knows = knows
        self.heads.clear()
        self.heads.addItems(list(knows.heads))
        self.heads.setVisible(len(knows.heads) > 1)
        self._on_head(tell=False)

    def plan(self, values: Mapping[str, float]) -> Plan:
        """Rows and columns, from the present knobs."""
        name = SWEPT[self.sweep.selected()]
        return Plan(self._rows, name, decades(float(values[name])))

    def _on_head(self, *, tell: bool = True) -> None:
        self._rows = rows_of(self.knows, self.heads.currentText())
        self.field.setText(", ".join(self._rows))
        self.field.setCursorPosition(0)
        self.sentence.hide()
        if tell:
            self.replanned.emit()

    def _on_field(self) -> None:
        rows = tuple(w.strip() for w in self.field.text().split(",") if w.strip())
        wrong = f"The grid has room for {ROWS} rows; got {len(rows)}." if len(rows) > ROWS else check(rows, self.knows)
        self.sentence.setText(wrong)
        self.sentence.setVisible(bool(wrong))
        if not wrong:
            self._rows = rows
            self.replanned.emit()
