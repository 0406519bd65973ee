"""How the blanks of fixed sentences were filled while the nets learnt: the same seeds, a line for every look."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.panels.fillrows import FillRow, FillRows
from studio.panels.scrolling import scrolled
from studio.panels.sentencerow import LINE, PAD
from studio.widgets import ElidedLabel, column, label, row, tool

ABOUT = "Strong: a word that was not there one line below, which is earlier; calm: one that was."
Filled = tuple[Sequence[str], Sequence[int]]  # tokens, and which of them are blanks


class FillHistory(QWidget):
    """One of the fixed sentences at every step that was looked at, the newest on top; ◂ and ▸ go to the others."""

    def __init__(self, title: str = "Filled at fixed blanks") -> None:
        super().__init__()
        self.back, self.on = (
            tool("chevron-left", "Sentence before", lambda: self._turn(-1)),
            tool("chevron-right", "Next sentence", lambda: self._turn(1)),
        )
        self.which = ElidedLabel("", "caption")
        self.which.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(label(title, "section"), self.which, self.back, self.on, spacing=4)
        head.setStretch(1, 1)
        self.empty = label("Nothing here yet: training has not come to its first look at the fixed sentences", "muted")
        self.empty.setWordWrap(True)
        self.rows = FillRows(title, ABOUT)
        self.area = scrolled(self.rows, sideways=False)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().valueChanged.connect(self.rows.update)
        body = column(self, spacing=6)
        body.addLayout(head)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.area, 1)
        self.setFocusProxy(self.rows)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._steps: list[int] = []
        self._looks: Sequence[Sequence[Filled]] = ()
        self._valid: Sequence[Sequence[float]] = ()
        self._joiner, self._place = " ", 0
        self._show()

    def show_history(self, steps: Sequence[int], looks: Sequence[Sequence[Filled]], joiner: str = " ", valid: Sequence[Sequence[float]] = ()) -> None:
        """`looks[i][s]` is sentence s as it was filled at `steps[i]`, steps rising; `valid[i][s]` 1, 0 or NaN where that was looked at.

        The chosen sentence stays. Raises ValueError where the numbers of steps and looks differ.
        """
        if len(steps) != len(looks) or (len(valid) and len(valid) != len(looks)):
            raise ValueError(f"{len(steps)} steps take as many looks, not {len(looks)} with {len(valid)} rows of validity.")
        self._steps, self._looks, self._joiner, self._valid = list(steps), looks, joiner, valid
        self._show()

    def sentence(self) -> int:
        """The sentence that is shown, from 0."""
        return self._place

    def choose(self, sentence: int) -> None:
        """Show another one; beyond the last comes the first."""
        self._place = sentence
        self.rows.select(-1)
        self._show()

    def set_stale(self, stale: bool) -> None:
        """Fade what belongs to another run."""
        self.rows.stale = stale
        self.rows.update()

    def lines(self) -> list[FillRow]:
        """What is shown, newest first."""
        return list(self.rows.rows)

    def sizeHint(self) -> QSize:
        """Eight looks."""
        return QSize(theme.theme().px(360), theme.theme().px(30 + 8 * (LINE + 2 * PAD)))

    def minimumSizeHint(self) -> QSize:
        """Three looks."""
        return QSize(theme.theme().px(240), theme.theme().px(30 + 3 * (LINE + 2 * PAD)))

    def _turn(self, by: int) -> None:
        self.choose(self._place + by)

    def _show(self) -> None:
        most = min((len(look) for look in self._looks), default=0)
        self._place = self._place % most if most else 0
        s, lines = self._place, []
        for i in range(len(self._looks)) if most else ():
            tokens, blanks = self._looks[i][s]
            before = self._looks[i - 1][s][0] if i else None
            valid = float(self._valid[i][s]) if len(self._valid) else float("nan")
            lines.append(FillRow.of(tokens, blanks, before, name=f"step {self._steps[i]:,}", valid=valid))
        self.rows.show_fill(lines[::-1], self._joiner)
        self.which.setText(f"sentence {s + 1} of {most}" if most else "")
        for arrow in (self.back, self.on):
            arrow.setVisible(most > 1)
        self.empty.setVisible(not most)
        self.area.setVisible(bool(most))
