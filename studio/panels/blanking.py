"""Which words are blanks, by rule instead of by hand; how many alternatives; whether the truth is shown."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QPushButton, QSizePolicy, QWidget

from studio import theme
from studio.widgets import button, column, label, row, spin

ASKED = (
    ("every third", "Every third", "Words 3, 6, 9 … become blanks"),
    ("clear", "Clear", "No blanks"),
    ("first half", "First half", "All words of the first half become blanks"),
    ("second half", "Second half", "All words of the second half become blanks"),
    ("random", "Random at", "Each word becomes a blank with this probability"),
)
ALTERNATIVES = 5
_ANY = (1 << 24) - 1  # QWIDGETSIZE_MAX: as wide as its place


class BlankingBar(QWidget):
    """Controls of the desk for the side of a page; `rate` is the share of the words that "random" blanks, in [0, 1].

    Signals:
        asked(str): blanks by a rule: "every third", "first half", "second half", "random" or "clear".
        end_changed(bool): the end is to be open.
        truth_changed(bool): the truth is to be shown.
        n_changed(int): as many alternatives, 1 to 20.
    """

    asked = Signal(str)
    end_changed = Signal(bool)
    truth_changed = Signal(bool)
    n_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        for name, word, tip in ASKED:
            self.buttons[name] = button(word, tip=tip, clicked=lambda name=name: self.asked.emit(name))
            self.buttons[name].setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._percent = spin(0, 100, 30, "Share of the words that become blanks, in %", step=5)
        self._percent.setSuffix(" %")
        self._percent.setMaximumWidth(_ANY)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        for i, name in enumerate(self.buttons):
            grid.addWidget(self.buttons[name], i // 2, i % 2)
        grid.addWidget(self._percent, 2, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.open_end, self.truth = QCheckBox("Open end"), QCheckBox("Show the truth")
        self.open_end.setToolTip("The end of the sentence is a blank as well: the net goes on as long as it likes")
        self.truth.setToolTip("What stood in the blanks, where that is known; a filling that differs has a dotted line")
        self.alternatives = spin(1, 20, ALTERNATIVES, "How often the blanks are filled, from 1 to 20")
        name = label("Alternatives")
        name.setToolTip(self.alternatives.toolTip())
        body = column(self, spacing=8)
        body.addWidget(label("Blanks", "section"))
        body.addLayout(grid)
        body.addWidget(self.open_end)
        head = label("Fillings", "section")
        head.setContentsMargins(0, theme.theme().px(8), 0, 0)
        body.addWidget(head)
        body.addLayout(row(name, 1, self.alternatives))
        body.addWidget(self.truth)
        self.open_end.toggled.connect(self.end_changed)
        self.truth.toggled.connect(self.truth_changed)
        self.alternatives.valueChanged.connect(self.n_changed)

    @property
    def rate(self) -> float:
        """Share of the words that "random" blanks, in [0, 1]."""
        return self._percent.value() / 100

    @property
    def n(self) -> int:
        """Alternatives."""
        return self.alternatives.value()

    def show_desk(self, *, open_end: bool, some: bool = True) -> None:
        """What lies on the desk, without telling anybody; without a sentence (`some` False) there is nothing to blank."""
        with QSignalBlocker(self.open_end):
            self.open_end.setChecked(open_end)
        for part in (*self.buttons.values(), self.open_end):
            part.setEnabled(some)

    def set_rate(self, rate: float) -> None:
        """Another share, in [0, 1]."""
        self._percent.setValue(round(100 * rate))

    def set_truth(self, on: bool) -> None:
        """Shown or hidden, without telling anybody."""
        with QSignalBlocker(self.truth):
            self.truth.setChecked(on)

    def set_n(self, n: int) -> None:
        """Another number of alternatives, without telling anybody."""
        with QSignalBlocker(self.alternatives):
            self.alternatives.setValue(n)
