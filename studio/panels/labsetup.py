"""Which density, how many chains, from where: the lab's choices in the header."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from studio import theme
from studio.widgets import Combo, label, row, spin

TARGETS = (
    ("banana", "Banana"),
    ("ring", "Ring of eight"),
    ("donut", "Donut"),
    ("funnel", "Funnel"),
    ("normal", "Normal N(0, 1)"),
    ("correlated", "Correlated normal"),
    ("ill-conditioned", "Ill-conditioned"),
    ("twin", "PPGN twin"),
    ("drawn", "Painted"),
    ("typed", "Typed formula"),
)
STARTS = ("auto", "exact", "wide", "point")
_SOON_MS = 250  # a number that is being turned


class LabSetup(QWidget):
    """Target, dimensions, chains, seed and start.

    Signals:
        target_chosen(str): a name of TARGETS.
        changed(): the chains are to be made anew.
        refused(str): a start that is none.
    """

    target_chosen = Signal(str)
    changed = Signal()
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        px = theme.theme().px
        self.targets = Combo([words for _, words in TARGETS])
        self.targets.setAccessibleName("Target density")
        self.targets.setToolTip("The density that the chains are to sample")
        self.dimensions = spin(2, 100, 20, "Dimensions of the ill-conditioned normal")
        self.dimensions.hide()
        self.chains = spin(1, 4096, 256, "Chains, from 1 to 4,096", step=16)
        self.seed = spin(0, 2**31 - 1, 0, "Seed: the same seed walks the same way")
        self.starts = Combo(["auto", "exact draws", "wide", "a point"])
        self.starts.setAccessibleName("Where the chains start")
        self.starts.setToolTip(
            "Exact draws of the target, a normal three times as wide, or one point for all; auto: exact where there are exact draws"
        )
        self.point = QLineEdit("0,0")
        self.point.setAccessibleName("Starting point")
        self.point.setToolTip("One number for each dimension, or one for all: 0,0")
        self.point.hide()
        pairs = (
            ("Target", (self.targets, self.dimensions)),
            ("Chains", (self.chains,)),
            ("Seed", (self.seed,)),
            ("Start", (self.starts, self.point)),
        )
        line: QHBoxLayout = row(spacing=6)
        for i, (word, parts) in enumerate(pairs):
            if i:
                line.addSpacing(px(6))
            line.addWidget(label(word, "muted"))
            for part in parts:
                line.addWidget(part)
        self.setLayout(line)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.changed)
        self.targets.activated.connect(self._on_target)
        self.dimensions.valueChanged.connect(lambda _: self.target_chosen.emit(self.target))
        for number in (self.chains, self.seed):
            number.valueChanged.connect(lambda _: self._soon.start())
        self.starts.activated.connect(self._on_start)
        self.point.editingFinished.connect(self._on_start)

    @property
    def target(self) -> str:
        """A name of TARGETS."""
        return TARGETS[self.targets.currentIndex()][0]

    def choose(self, name: str) -> None:
        """Another target, as if the person had chosen it."""
        self.targets.setCurrentIndex([n for n, _ in TARGETS].index(name))
        self._on_target()

    def show_choice(self, target: str, chains: int, seed: int, start: str) -> None:
        """Another choice of all of it, without telling anybody."""
        self.targets.setCurrentIndex([n for n, _ in TARGETS].index(target))
        self.starts.setCurrentIndex(STARTS.index(start))
        self.point.hide()
        self.set_chains(chains)
        with QSignalBlocker(self.seed):
            self.seed.setValue(seed)

    def show_more(self, dimensions: int, point: str) -> None:
        """What goes with that choice: dimensions of the ill-conditioned normal, and a starting point; without telling anybody."""
        with QSignalBlocker(self.dimensions):
            self.dimensions.setValue(dimensions)
        self.dimensions.setVisible(self.target == "ill-conditioned")
        self.point.setText(point or self.point.text())
        self.point.setVisible(STARTS[self.starts.currentIndex()] == "point")

    def set_chains(self, chains: int) -> None:
        """Another number, without telling anybody."""
        with QSignalBlocker(self.chains):
            self.chains.setValue(chains)

    def start(self) -> str | tuple[float, ...] | None:
        """As `Walk.start` takes it; None for a point that cannot be read."""
        kind = STARTS[self.starts.currentIndex()]
        if kind != "point":
            return kind
        try:
            return tuple(float(part) for part in self.point.text().replace(";", ",").split(","))
        except ValueError:
            return None

    def _on_target(self, *_: object) -> None:
        self.dimensions.setVisible(self.target == "ill-conditioned")
        self.target_chosen.emit(self.target)

    def _on_start(self, *_: object) -> None:
        self.point.setVisible(STARTS[self.starts.currentIndex()] == "point")
        if self.start() is None:
            self.refused.emit(f"A starting point is numbers with commas, such as 0,0; got {self.point.text()!r}.")
        else:
            self.changed.emit()

    def _sizes(self) -> None:
        px = theme.theme().px
        self.targets.setMinimumWidth(px(150))
        for field, wide in ((self.dimensions, 60), (self.chains, 72), (self.seed, 64), (self.point, 64)):
            field.setFixedWidth(px(wide))
