"""The chains' side: what steers them, how many there are, which network they climb."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame

from studio import theme
from studio.chainmessages import Tried
from studio.panels.epsilons import Epsilons
from studio.panels.plugpanel import PlugPanel
from studio.panels.scrolling import scrolled_side
from studio.widgets import column, label, row, spin

MOST = 256  # chains in the window


class ChainSide(QFrame):
    """Fixed in width, scrolls where it must."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        self.area, body = scrolled_side()
        column(self, spacing=0).addWidget(self.area)
        self.epsilons, self.plug = Epsilons(), PlugPanel()
        self.chains = spin(1, MOST, 16, f"Chains, {MOST} at most: adding some changes none of the others' noise")
        self.seed = spin(0, 2**31 - 1, 0, "Seed of the chains: starts and noise are a function of it")
        body.addWidget(self.epsilons)
        body.addSpacing(8)
        body.addWidget(label("Chains", "section"))
        body.addLayout(row(label(f"Number (up to {MOST})"), 1, self.chains))
        body.addLayout(row(label("Seed"), 1, self.seed))
        body.addSpacing(8)
        body.addWidget(self.plug)
        body.addStretch(1)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def show_tried(self, tried: Tried) -> None:
        """What came of the test, where it can be seen."""
        self.plug.show_tried(tried)
        QTimer.singleShot(0, self, lambda: self.area.ensureWidgetVisible(self.plug.verdict))  # once it has its height

    def _sizes(self) -> None:
        self.setFixedWidth(theme.theme().px(304))
