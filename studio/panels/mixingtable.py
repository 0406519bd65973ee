"""R-hat and effective sample sizes of the chains' scalars."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio import theme
from studio.chainmessages import Mixing
from studio.panels.lineplot import LinePlot
from studio.widgets import Card, ElidedLabel, column, label, number

NAMES = {"log_p": "log p(c|x)", "norm": "‖h‖", "gap": "‖R(h) − h‖", "condition": "‖condition‖"}
HEADS = (
    ("R-hat", "Spread between chains over spread within them; above 1.01 they have not mixed"),
    ("ESS bulk", "Independent draws that these are worth in the middle"),
    ("ESS tail", "The same for the 5 % and 95 % quantiles"),
)


class MixingTable(QWidget):
    """A line a scalar; below them how fast ‖h‖ forgets."""

    def __init__(self) -> None:
        super().__init__()
        card = Card(margin=12, spacing=6)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        for c, (head, tip) in enumerate(HEADS, 1):
            one = label(head, "caption")
            one.setToolTip(tip)
            grid.addWidget(one, 0, c, Qt.AlignmentFlag.AlignRight)
            grid.setColumnStretch(c, 1)
        self.cells: dict[str, list[QLabel]] = {}
        for r, (name, words) in enumerate(NAMES.items(), 1):
            grid.addWidget(label(words), r, 0)
            self.cells[name] = [label("–") for _ in HEADS]
            for c, cell in enumerate(self.cells[name], 1):
                cell.setToolTip(HEADS[c - 1][1])
                cell.setAccessibleName(f"{words}: {HEADS[c - 1][0]}")
                grid.addWidget(cell, r, c, Qt.AlignmentFlag.AlignRight)
        card.body.addLayout(grid)
        self.over = ElidedLabel("", "caption")
        card.body.addWidget(self.over)
        self.alike = LinePlot("Autocorrelation of ‖h‖", "How alike draws of a chain are that lie so many steps apart; 0 is independent")
        self.alike.set_range(-0.25, 1.05)
        self.alike.set_width(0, 48)
        self.alike.setMinimumHeight(theme.theme().px(68))
        self.alike.mark(0.0)
        whole = column(self, spacing=8)
        whole.addWidget(card)
        whole.addWidget(self.alike, 1)

    def show_mixing(self, mixing: Mixing) -> None:
        """Newer numbers."""
        for one in mixing.rows:
            for cell, value in zip(self.cells[one.name], (one.rhat, one.bulk, one.tail), strict=True):
                cell.setText(number(value))
        some = any(one.bulk == one.bulk for one in mixing.rows)
        over = f"second half of the steps: {mixing.draws:,} draws of {mixing.chains} chain{'s' if mixing.chains != 1 else ''}"
        self.over.setText(over if some else "nothing yet: after 16 steps")
        self.over.setProperty("own_tip", True)
        self.over.setToolTip("A chain that only climbs has no equilibrium to mix in: its R-hat stays high")
        self.alike.show_lines([(np.arange(len(mixing.autocorrelation)), mixing.autocorrelation, "measure")])
