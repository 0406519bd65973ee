"""What of the gallery is shown, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from studio import theme
from studio.gallery.store import SORTS
from studio.pages import called
from studio.panels.gallerygrid import SIZES
from studio.widgets import Combo, Segmented, column, row

KINDS = ("", "picture", "text")
TYPING = 200  # ms after the last letter
FIELDS = {"system": "All systems", "run": "All runs", "label": "All classes", "tag": "All tags"}
BOARD = ("board", "Order of the board")


class GalleryFilter(QWidget):
    """Search, kind and size in one line; system, run, class, tag and order in the next.

    Signals:
        changed(): something else is asked for.
        sized(str): a name of SIZES.
    """

    changed = Signal()
    sized = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search words, notes, tags, runs")
        self.search.setAccessibleName("Search the gallery")
        self.search.setClearButtonEnabled(True)
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(TYPING)
        self._typed.timeout.connect(self.changed)
        self.search.textChanged.connect(lambda _: self._typed.start())
        self.kinds = Segmented(["All", "Pictures", "Sentences"])
        self.kinds.setAccessibleName("Pictures or sentences")
        self.sizes = Segmented(list(SIZES), ["Small", "Medium", "Large"])
        self.sizes.setAccessibleName("Size of the pictures")
        self.sizes.select(1)
        self.combos = {name: Combo() for name in FIELDS}
        self.order = Combo()
        self.order.setAccessibleName("Order")
        self.show_order(board=False)
        for name, combo in self.combos.items():
            combo.setAccessibleName(FIELDS[name].removeprefix("All ").capitalize())
            combo.setMinimumContentsLength(7)
            combo.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.activated.connect(lambda _: self.changed.emit())
        self.order.setMinimumContentsLength(12)
        self.order.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.order.activated.connect(lambda _: self.changed.emit())
        self.kinds.chosen.connect(lambda _: self.changed.emit())
        self.sizes.chosen.connect(lambda place: self.sized.emit(list(SIZES)[place]))
        first = row(self.search, self.kinds, self.sizes, spacing=8)
        first.setStretch(0, 1)
        second = row(*self.combos.values(), self.order, spacing=8)
        for place in range(second.count()):
            second.setStretch(place, 3 if place == 1 else 2)
        body = column(self, spacing=8)
        body.addLayout(first)
        body.addLayout(second)
        self.search.setMinimumWidth(theme.theme().px(120))

    def show_choices(self, found: Mapping[str, Sequence[tuple[str, str, int]]]) -> None:
        """What there is to choose from; a choice that is gone becomes all."""
        for name, combo in self.combos.items():
            now = combo.currentData()
            combo.clear()
            combo.addItem(FIELDS[name], "")
            for value, said, count in found.get(name, ()):
                combo.addItem(f"{called(said) if name == 'system' else said.removeprefix('caption:')} ({count:,})", value)
            combo.setCurrentIndex(max(0, combo.findData(now)))
            combo.setEnabled(combo.count() > 1)

    def show_order(self, *, board: bool) -> None:
        """The orders there are; a board begins with its own."""
        now, had = self.order.currentData(), self.order.findData(BOARD[0]) >= 0
        self.order.clear()
        for value, said in [*([BOARD] if board else []), *((name, said) for name, (said, _) in SORTS.items())]:
            self.order.addItem(said, value)
        self.order.setCurrentIndex(0 if board and not had else max(0, self.order.findData(now)))

    def asked(self) -> dict[str, Any]:
        """The keyword arguments of `Gallery.query`."""
        fields = {name: str(combo.currentData() or "") for name, combo in self.combos.items()}
        return {"text": self.search.text(), "kind": KINDS[self.kinds.selected()], "sort": self.order.currentData(), **fields}

    def filters(self) -> bool:
        """Whether not everything is shown."""
        return any(value for name, value in self.asked().items() if name != "sort")

    def reset(self) -> None:
        """Show everything."""
        self.search.clear()
        self._typed.stop()
        self.kinds.select(0)
        for combo in self.combos.values():
            combo.setCurrentIndex(0)
        self.changed.emit()

    def choose(self, name: str, value: str) -> None:
        """One choice of one field."""
        self.combos[name].setCurrentIndex(max(0, self.combos[name].findData(value)))
        self.changed.emit()
