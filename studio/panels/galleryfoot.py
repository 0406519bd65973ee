"""Below the gallery's samples: how many there are, and what can be done with those that are selected."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from studio.widgets import ElidedLabel, button, row, tool


class GalleryFoot(QWidget):
    """One line.

    Signals:
        starred(), compared(), removed(): with what is selected.
        tagged(str): put a tag on it. put(str): put it on a board, on a new one if "". taken(): off the board that is shown.
        stepped(int): one place back (-1) or on (1) on that board.
        reset(): show everything.
    """

    starred = Signal()
    tagged = Signal(str)
    put = Signal(str)
    taken = Signal()
    stepped = Signal(int)
    compared = Signal()
    removed = Signal()
    reset = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._told: tuple[str, ...] = ("",)  # the whole line, and shorter ones
        self.status = ElidedLabel("", "muted")
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reset_button = button("Show all", kind="quiet", tip="Take every filter away", clicked=self.reset.emit)
        self.back_button = tool("chevron-left", "One place back on the board (Ctrl+Left)", lambda: self.stepped.emit(-1))
        self.on_button = tool("chevron-right", "One place on (Ctrl+Right)", lambda: self.stepped.emit(1))
        self.star_button = tool("star", "Star, or take the star away (S)", self.starred.emit)
        self.board_button = button("Board", "board", tip="Put what is selected on a board")
        self.menu = QMenu(self.board_button)
        self.board_button.setMenu(self.menu)
        self.off_button = button("Take off", tip="Take what is selected off this board; it stays in the gallery", clicked=self.taken.emit)
        self.compare_button = button("Compare", "compare", tip="The two that are selected (C)", clicked=self.compared.emit)
        self.remove_button = tool("trash", "Remove what is selected from the gallery (Del); Ctrl+Z brings it back", self.removed.emit)
        line = row(
            self.status,
            self.reset_button,
            self.back_button,
            self.on_button,
            self.star_button,
            self.remove_button,
            self.off_button,
            self.board_button,
            self.compare_button,
        )
        line.setStretch(0, 1)
        self.setLayout(line)

    def show_boards(self, names: Sequence[str]) -> None:
        """What there is in the menu of boards."""
        self.menu.clear()
        self.menu.addAction("New board").triggered.connect(lambda: self.put.emit(""))
        if names:
            self.menu.addSeparator()
        for name in names:
            self.menu.addAction(name.replace("&", "&&")).triggered.connect(lambda _=False, name=name: self.put.emit(name))

    def show_selection(self, shown: int, chosen: int, when: str, *, filtered: bool, board: str, alike: bool, ordered: bool) -> None:
        """How many samples are shown and selected, when they were kept, and on which board they are."""
        told = f"{shown:,} shown" if not chosen else f"{chosen:,} of {shown:,} selected"
        if board and not ordered and shown > 1:  # why nothing can be dragged
            self._told = (f"{told} · {fixed(filtered)}", fixed(filtered), "To reorder, show all" if filtered else "To reorder, sort by it")
        else:
            self._told = (f"{told} · kept {when}", told) if when else (told,)
        self.reset_button.setVisible(filtered)
        for b in (self.star_button, self.remove_button, self.board_button):
            b.setEnabled(bool(chosen))
        for b in (self.back_button, self.on_button):
            b.setVisible(bool(board))
            b.setEnabled(bool(chosen) and ordered)
        self.off_button.setVisible(bool(board))
        self.off_button.setEnabled(bool(chosen))
        self.compare_button.setEnabled(alike)
        self._fit()

    def _fit(self) -> None:
        """The longest of the lines that has room."""
        metrics, room = self.status.fontMetrics(), self.status.width()
        self.status.setText(next((told for told in self._told if metrics.horizontalAdvance(told) <= room), self._told[-1]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room, or less."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._fit)  # once the line has its new places


def fixed(filtered: bool) -> str:
    """Why a board that is shown cannot be put into another order, and what opens it."""
    return "Show all to reorder the board" if filtered else "Sort by the board to reorder it"
