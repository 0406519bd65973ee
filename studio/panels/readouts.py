"""The few numbers that matter, large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QGridLayout

from studio.widgets import Card, label, number, symbol_html


class Readouts(Card):
    """Symbols with their values in 22 px."""

    def __init__(self, items: Sequence[tuple[str, str, str]], columns: int = 2) -> None:
        super().__init__(margin=12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(0)
        self.values = {}
        for i, (key, symbol, tip) in enumerate(items):
            r, c = divmod(i, columns)
            name, value = label(symbol_html(symbol, 11), "caption"), label("–", "readout")
            for w in (name, value):
                w.setToolTip(tip)
            value.setAccessibleName(symbol)
            if r:
                grid.setRowMinimumHeight(3 * r - 1, 8)
            grid.addWidget(name, 3 * r, c)
            grid.addWidget(value, 3 * r + 1, c)
            grid.setColumnStretch(c, 1)
            self.values[key] = value
        self.body.addLayout(grid)

    def show_values(self, values: Mapping[str, float | int | None]) -> None:
        """Three figures; separators for whole numbers; a dash for what does not exist in this phase."""
        for key, value in values.items():
            if key in self.values and self.values[key].text() != (text := number(value)):
                self.values[key].setText(text)
