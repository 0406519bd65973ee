"""What a page can be besides one thing: faces, one of which is chosen in the header."""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QTabBar, QWidget

from studio import theme
from studio.pages.page import Page


class Face(NamedTuple):
    """What it puts on the stage, at the side, and at the foot."""

    word: str
    widget: QWidget
    side: QWidget
    foot: QWidget


class _Switch(QTabBar):
    """Every tab has room for its word in bold, which the chosen one is in."""

    def __init__(self) -> None:
        super().__init__()
        self.setExpanding(False)
        self.setUsesScrollButtons(False)

    def tabSizeHint(self, index: int) -> QSize:
        """As Qt has it, and what bold takes more."""
        size, word = super().tabSizeHint(index), self.tabText(index)
        calm, strong = (QFontMetricsF(theme.font(13, weight)).horizontalAdvance(word) for weight in (400, 600))
        return QSize(size.width() + math.ceil(strong - calm) + 1, size.height())


class Faces(QObject):
    """Adds faces to a page that has a side. The switch is absent while there is one face.

    Signals:
        chosen (int): the person, or `choose`, went to another face; the page puts on the stage what that face shows now.
    """

    chosen = Signal(int)

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self.all: list[Face] = []
        self.switch = _Switch()
        self.switch.setAccessibleName(f"Faces of {page.TITLE}")
        self.switch.hide()
        page.heading.insertWidget(1, self.switch)
        self.switch.currentChanged.connect(lambda place: self.chosen.emit(place) if len(self.all) > 1 else None)

    def add(self, word: str, widget: QWidget, side: QWidget, foot: QWidget) -> None:
        """One more."""
        assert self._page.sides is not None
        self.all.append(Face(word, widget, side, foot))
        self._page.stage.addWidget(widget)
        self._page.sides.addWidget(side)
        self._page.add_foot(foot)
        foot.hide()
        self.switch.addTab(word)
        self.switch.setVisible(len(self.all) > 1)

    def choose(self, place: int) -> None:
        """Go to a face, as if the person had."""
        self.switch.setCurrentIndex(place)

    def place(self) -> int:
        """Which is chosen; 0 is the first."""
        return max(0, self.switch.currentIndex())

    def put(self, widget: QWidget, side: QWidget, *, foot: bool) -> None:
        """Show something on the stage and at the side, and the foot of the chosen face, if it is wanted."""
        assert self._page.sides is not None
        self._page.stage.setCurrentWidget(widget)
        self._page.sides.setCurrentWidget(side)
        mine = self.all[self.place()].foot  # two faces may have the same
        for face in self.all:
            face.foot.setVisible(foot and face.foot is mine)
