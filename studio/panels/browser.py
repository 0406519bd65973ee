"""What the two views of all data share: a title, and the way back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from studio.widgets import ElidedLabel, button


class Browser(QWidget):
    """A list beside the data's card; a subclass arranges it.

    Signals:
        closed(): the person goes back (the button, or Esc).
    """

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._data: Any = None
        self.back = button("Back", "back", tip="Back (Esc)", clicked=self.closed.emit)
        self.title = ElidedLabel("", "strong")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
