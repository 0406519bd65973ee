"""The band over a run that is looked at as it was."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from studio.widgets import ElidedLabel, button, row


class LookBack(QFrame):
    """Which step of which run is looked at, and the ways on.

    Signals:
        fork (): a new run from here.
        newest (): the run as it stands.
    """

    fork = Signal()
    newest = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "band")
        self.text = ElidedLabel()
        self.fork_button = button("Fork from here", "fork", kind="quiet", clicked=self.fork.emit)
        self.newest_button = button("Back to the newest", kind="quiet", clicked=self.newest.emit)
        line = row(self.text, self.fork_button, self.newest_button)
        line.setContentsMargins(13, 2, 16, 2)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.hide()

    def show_look(self, name: str, step: int, newest: int) -> None:
        """A run at a step; it stands at another."""
        stands = f"; it stands at {newest:,}." if newest > step else ". Nothing is trained or changed here."
        self.text.setText(f"You look at step {step:,} of {name}{stands}")
        self.newest_button.setText("Back to the newest" if newest > step else "Open it to train on")
        self.setAccessibleName(self.text.full_text())
        self.show()
