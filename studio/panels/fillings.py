"""What one net puts into the blanks: numbered alternatives, what differs between them, which are right, how likely each is."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from models.algorithms.maskgan.fillings import Fillings
from studio import theme
from studio.panels.fillrows import FillRow, FillRows
from studio.panels.scrolling import scrolled
from studio.panels.sentencerow import LINE, PAD
from studio.panels.tokenheat import short
from studio.widgets import ElidedLabel, column, label, row

TITLES = {"maskgan": "MaskGAN", "maskmle": "MaskMLE"}
ABOUT = (
    "Strong: a word that alternative 1 does not have there; calm: one that it has too, or that is locked.\n"
    "Dotted line: not what stood there, where the truth is shown.\n"
    "Right: log p of all fillings together, in nats. A click or Enter puts this alternative on the desk."
)
_SHOWN = "▸"


class FillingsPanel(QWidget):
    """Alternatives of one net under its name, one to a row that wraps; the one on the desk has a ▸.

    Signals:
        chosen(int): this alternative, from 0, is to be on the desk.
    """

    chosen = Signal(int)

    def __init__(self, title: str = "MaskGAN") -> None:
        super().__init__()
        self.heading, self.right = label(title, "section"), ElidedLabel("", "caption")
        self.right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(self.heading, self.right)
        head.setStretch(1, 1)
        self.empty = label("Nothing filled yet", "muted")
        self.empty.setWordWrap(True)
        self.rows = FillRows(title, ABOUT)
        self.rows.clicked.connect(self._on_clicked)
        self.rows.selected.connect(lambda index: QTimer.singleShot(0, self, lambda: self._see(index)))  # once the rows have their heights
        self.area = scrolled(self.rows, sideways=False)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().valueChanged.connect(self.rows.update)
        self.area.hide()
        body = column(self, spacing=6)
        body.addLayout(head)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.area, 1)
        self.setFocusProxy(self.rows)
        self.setAccessibleName(f"Fillings of {title}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._shown = self._above = 0  # the alternative on the desk; rows above the first (the truth)

    def show_fillings(self, fillings: Fillings, truth: bool, *, on_desk: bool = True) -> None:
        """Show all alternatives, and above them what stood there if `truth` and if that is known; what was stale is fresh.

        `on_desk`: one of these lies on the desk, and none of another net.
        """
        if not fillings.n:
            self.show_reason("No fillings")
            return
        known = truth and any(fillings.truth[b] for b in fillings.blanks)
        what = fillings.truth if known else ()
        lines = [FillRow.of([w or g for w, g in zip(what, fillings.given, strict=True)], fillings.blanks, what, name="truth")] if known else []
        first = fillings.tokens[0]
        locked = [word if i in fillings.fixed else "" for i, word in enumerate(first)]  # no choice of the net's
        for i, tokens in enumerate(fillings.tokens):
            name = f"{_SHOWN} {i + 1}" if on_desk and i == fillings.shown else str(i + 1)
            more = {"name": name, "caption": short(float(fillings.log_p[i]), 2), "valid": float(fillings.valid[i]), "why": fillings.why[i]}
            lines.append(FillRow.of(tokens, fillings.blanks, first if i else locked, what, **more))
        self._shown, self._above = fillings.shown if on_desk else -1, int(known)
        self.heading.setText(TITLES.get(fillings.net, fillings.net))
        right = [int(v) for v in fillings.valid if v == v]
        valid = f"{sum(right)} of {len(right)} valid" if right else ""
        self.right.setText(" · ".join(filter(None, (valid, f"step {fillings.step:,}" if fillings.step else "", "log p"))))
        self.empty.hide()
        self.area.show()
        self.rows.show_fill(lines, fillings.joiner)
        self.rows.select(self._selected())

    def show_reason(self, text: str) -> None:
        """Why there are none, in one line."""
        self.rows.show_fill((), " ")
        self.right.setText("")
        self.empty.setText(text)
        self.empty.show()
        self.area.hide()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present desk."""
        if stale != self.rows.stale:
            self.rows.stale = stale
            self.rows.update()

    def lines(self) -> list[FillRow]:
        """What is shown, the truth first where it is shown."""
        return list(self.rows.rows)

    def sizeHint(self) -> QSize:
        """Five alternatives."""
        return QSize(theme.theme().px(360), theme.theme().px(26 + 5 * (LINE + 2 * PAD)))

    def minimumSizeHint(self) -> QSize:
        """Three alternatives."""
        return QSize(theme.theme().px(200), theme.theme().px(26 + 3 * (LINE + 2 * PAD)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is selected stays in sight."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, lambda: self._see(self.rows.selection))

    def _selected(self) -> int:
        return self._shown + self._above if self._shown >= 0 else -1

    def _on_clicked(self, index: int) -> None:
        if index < self._above:  # the truth is no alternative
            self.rows.select(self._selected())
        else:
            self.chosen.emit(index - self._above)

    def _see(self, index: int) -> None:
        if index == self.rows.selection >= 0 and self.rows.isVisible():
            box = self.rows.rect_of(index).toAlignedRect()
            self.area.ensureVisible(0, box.center().y(), 0, box.height() // 2 + 2)
