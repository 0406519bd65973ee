"""R-hat and effective sample sizes of the chains' scalars."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel

from studio.chainmessages import Mixing
from studio.widgets import Card, label, number

NAMES = {"log_p": "log p(c|x)", "norm": "‖h‖", "gap": "‖R(h) − h‖", "condition": "‖condition‖"}
HEADS = (
    ("R-hat", "Spread between chains over spread within them; above 1.01 they have not mixed"),
    ("ESS bulk", "Independent draws that these are worth in the middle"),
    ("ESS tail", "The same for the 5 % and 95 % quantiles"),
)


class MixingTable(Card):
    """A line a scalar."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(8)
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
        self.body.addLayout(grid)
        self.over = label("", "caption")
        self.over.setWordWrap(True)
        self.body.addWidget(self.over)
        self.body.addStretch(1)

    def show_mixing(self, mixing: Mixing) -> None:
        """Newer numbers."""
        for one in mixing.rows:
            for cell, value in zip(self.cells[one.name], (one.rhat, one.bulk, one.tail), strict=True):
                cell.setText(number(value))
        some = any(one.bulk == one.bulk for one in mixing.rows)
        over = f"second half of the steps: {mixing.draws:,} draws of {mixing.chains} chain{'s' if mixing.chains != 1 else ''}"
        self.over.setText(f"{over}. A chain that only climbs has no equilibrium to mix in: R-hat stays high." if some else "After 16 steps.")
