"""The lab's side: which samplers, what they share, their knobs, the target's tools, the view."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from studio import theme
from studio.messages import WalkOpened
from studio.panels.brush import BrushPanel
from studio.panels.expression import ExpressionPanel
from studio.panels.kernel import KernelPanel
from studio.panels.scrolling import scrolled_side
from studio.widgets import Segmented, column, label, row

KERNELS = (("metropolis", "Metropolis"), ("mala", "MALA"), ("mala-approx", "MALA-approx"))
CURRENCIES = ("evaluations", "seconds")


class LabSide(QFrame):
    """Fixed in width, scrolls where it must.

    Signals:
        kernels_chosen(tuple): names, one to three.
        currency_chosen(str): "evaluations" or "seconds".
        knob(int, str, object): lane, name and value.
        suit(int): find the best step of a lane.
        looked(int): TRUE, BOTH or LIMIT of `panels.lane`.
    """

    kernels_chosen = Signal(object)
    currency_chosen = Signal(str)
    knob = Signal(int, str, object)
    suit = Signal(int)
    looked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        area, self._body = scrolled_side()
        column(self, spacing=0).addWidget(area)
        self.brush, self.formula = BrushPanel(), ExpressionPanel()
        self._tools = label("", "section")
        for part in (self._tools, self.brush, self.formula):
            part.hide()
            self._body.addWidget(part)
        self._build_kernels()
        self.lanes: list[KernelPanel] = []
        self._knobs = column(spacing=16)
        self._body.addLayout(self._knobs)
        self._view_head = label("Density shown", "section")
        self._view_head.setContentsMargins(0, 8, 0, 0)
        self.view = Segmented(
            ["True", "Both", "Limit"], ["The target", "The target, with the limit's contours", "What MALA-approx samples as its steps get small"]
        )
        self.view.setAccessibleName("Density shown")
        self.view.select(1)
        self.view.chosen.connect(self.looked)
        self._body.addWidget(self._view_head)
        self._body.addWidget(self.view)
        self._body.addStretch(1)
        self.show_limit(False)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def _build_kernels(self) -> None:
        self._body.addWidget(label("Samplers, one or side by side", "section"))
        self.kernels: dict[str, QPushButton] = {}
        line = row(spacing=0)
        for i, (name, word) in enumerate(KERNELS):
            b = QPushButton(word)
            b.setCheckable(True)
            b.setProperty("kind", "segment")
            b.setProperty("place", ("first", "middle", "last")[i])
            b.setToolTip(f"{word}: on, off, or beside the others")
            b.clicked.connect(lambda _=False, name=name: self._on_kernel(name))
            self.kernels[name] = b
            line.addWidget(b)
        line.addStretch(1)
        self._body.addLayout(line)
        self.kernels["mala"].setChecked(True)
        self._race = QWidget()
        self.currency = Segmented(
            ["evaluations", "seconds"],
            [
                "Each sampler may compute as many log densities and gradients as the others",
                "Each sampler gets as much of the processor's time as the others",
            ],
        )
        self.currency.setAccessibleName("What the samplers get the same of")
        self.currency.chosen.connect(lambda i: self.currency_chosen.emit(CURRENCIES[i]))
        self._race.setLayout(row(label("Equal"), self.currency, 1))
        self._race.hide()
        self._body.addWidget(self._race)

    def chosen(self) -> tuple[str, ...]:
        """The samplers that are on."""
        return tuple(name for name, b in self.kernels.items() if b.isChecked())

    def choose(self, kernels: Collection[str]) -> None:
        """Other samplers, without telling anybody."""
        for name, b in self.kernels.items():
            b.setChecked(name in kernels)

    def show_opened(self, opened: WalkOpened) -> None:
        """Knobs of each lane; nothing is told."""
        for panel in self.lanes:
            panel.hide()
            self._knobs.removeWidget(panel)
            panel.deleteLater()
        self.lanes = []
        for i, lane in enumerate(opened.lanes):
            panel = KernelPanel(lane, opened.terms)
            panel.changed.connect(lambda name, value, i=i: self.knob.emit(i, name, value))
            panel.suit.connect(lambda i=i: self.suit.emit(i))
            self._knobs.addWidget(panel)
            self.lanes.append(panel)
        self._race.setVisible(len(opened.lanes) > 1)

    def show_tools(self, target: str) -> None:
        """The brush for a painting, the field for a formula."""
        self.brush.setVisible(target == "drawn")
        self.formula.setVisible(target == "typed")
        self._tools.setVisible(target in ("drawn", "typed"))
        self._tools.setText("Brush" if target == "drawn" else "Formula")

    def show_limit(self, on: bool) -> None:
        """Whether there is a limit to look at."""
        self._view_head.setVisible(on)
        self.view.setVisible(on)

    def _on_kernel(self, name: str) -> None:
        if not self.chosen():
            self.kernels[name].setChecked(True)  # one is always there
        else:
            self.kernels_chosen.emit(self.chosen())

    def _sizes(self) -> None:
        self.setFixedWidth(theme.theme().px(304))
