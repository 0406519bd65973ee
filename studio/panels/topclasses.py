"""What C and the independent classifier see in the selected chain, and what the captioner says of it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt

from studio import theme
from studio.chainmessages import Judged
from studio.panels.bars import Bar, Bars
from studio.widgets import Card, Legend, label, row

ROWS = 5


class TopClasses(Card):
    """Five classes, those that are asked for first and strong; two bars each."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=4)
        self.body.setContentsMargins(12, 8, 12, 8)
        self.legend = Legend([("C", "generated"), ("independent", "judge")])
        self.legend.setMinimumWidth(theme.theme().px(112))
        self.legend.setToolTip("C is the condition network that chains climb; the independent classifier is of another architecture, and only scores")
        self.title = label("Top classes", "section")
        head = row(self.title, self.legend)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.bars = Bars(ROWS, 108, 62)
        self.bars.setToolTip("Probability of a class in the selected picture in %: by C, by the independent classifier")
        self.body.addWidget(self.bars)
        self.caption = label("", "caption")
        self.caption.setWordWrap(True)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.caption.setToolTip("The captioner's most probable sentence on the selected picture")
        self.body.addWidget(self.caption, 1)

    def show_judged(self, judged: Judged) -> None:
        """Of another picture."""
        lines = []
        for s in judged.shares:
            other = "–" if s.q is None else f"{100 * s.q:.0f}"
            q = math.nan if s.q is None else s.q
            lines.append(Bar(s.name, ((s.p, "generated"), (q, "judge")), f"{100 * s.p:.0f} · {other}", s.wanted))
        self.bars.show_bars(lines)
        self.caption.setText(f"“{judged.caption}”" if judged.caption else "")
