"""A page beside the work: it has no place in the rail, scrolls, and is left with Esc."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio import theme
from studio.pages.page import Page
from studio.panels.scrolling import scrolled
from studio.session import Session
from studio.widgets import button, column, row

WIDE = 760  # pixels at scale 1


class AsidePage(Page):
    """A column of cards in the middle.

    Signals:
        left (): back to the page before.
    """

    left = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.close_button = button("Close", "close", tip="Back to the page before (Esc)", clicked=self.left.emit)
        self.tools.addWidget(self.close_button)
        inside = QWidget()
        inside.setProperty("kind", "clear")
        self._middle = QWidget()
        self.column: QVBoxLayout = column(self._middle, spacing=12)
        line = row(1, self._middle, 1, spacing=0)
        line.setStretch(1, 100)
        inside.setLayout(line)
        self.stage.addWidget(scrolled(inside))
        self._wide()
        theme.notifier.changed.connect(self._wide)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _wide(self) -> None:
        self._middle.setMaximumWidth(theme.theme().px(WIDE))
