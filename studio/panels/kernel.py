"""One kernel's knobs, both names of its step, and the button that finds the best one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from studio import theme
from studio.messages import Lane
from studio.panels.conventions import RULES, conventions
from studio.panels.knob import KnobRow
from studio.widgets import button, column, label, row


class KernelPanel(QWidget):
    """Built from the kernel's description.

    Signals:
        changed(str, float): a knob and its value.
        suit(): find the step that suits the target.
    """

    changed = Signal(str, object)
    suit = Signal()

    def __init__(self, lane: Lane, terms: tuple[str, ...]) -> None:
        super().__init__()
        self.lane, self._terms = lane, terms
        body = column(self, spacing=8)
        best = (
            f"Walk briefly to find the step with {lane.best:.0%} accepted, the best in many dimensions"
            if lane.best
            else "A quarter of MALA's drift, T = 1"
        )
        self.suit_button = button("Best step", kind="quiet", tip=best, clicked=self.suit.emit)
        self.suit_button.setAccessibleName(f"Best step of {lane.title}")
        body.addLayout(row(label(lane.title, "strong"), 1, self.suit_button))
        rule = label(RULES[lane.kernel], "caption")
        rule.setWordWrap(True)
        body.addWidget(rule)
        self.rows: dict[str, KnobRow] = {}
        for knob in lane.described:
            self.rows[knob.name] = KnobRow(knob)
            self.rows[knob.name].changed.connect(lambda value, name=knob.name: self._on_row(name, value))
            body.addWidget(self.rows[knob.name])
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.theme().px(8))
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self.lines = [(label(kind="caption"), label(kind="caption")) for _ in conventions(lane.kernel, lane.knobs, terms)]
        for i, pair in enumerate(self.lines):
            for k, part in enumerate(pair):
                part.setWordWrap(k == 1)
                self._grid.addWidget(part, i, k)
        body.addLayout(self._grid)
        self.show_values(lane.knobs)

    def show_values(self, values: Mapping[str, float]) -> None:
        """Take values without telling anybody."""
        for name, value in values.items():
            self.rows[name].show_value(value)
            if (field := self.rows[name].field) is not None and not field.hasFocus():
                field.home(False)  # of many digits the first are seen
        self._say()

    def values(self) -> dict[str, float]:
        """What is shown now."""
        return {name: float(r.value) for name, r in self.rows.items()}

    def _on_row(self, name: str, value: float) -> None:
        self._say()
        self.changed.emit(name, value)

    def _say(self) -> None:
        for (what, much), (name, value) in zip(self.lines, conventions(self.lane.kernel, self.values(), self._terms), strict=True):
            what.setText(name)
            much.setText(value)
