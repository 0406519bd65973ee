"""What can be undone on a page, and done again: named, bounded, turns of one knob taken together."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtGui import QUndoCommand, QUndoStack

LIMIT = 200
TOGETHER = 1.0  # seconds; turns of one thing that are nearer than this are one


class History(QUndoStack):
    """One for each page."""

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)  # pyright: ignore[reportArgumentType, reportCallIssue]
        self.setUndoLimit(LIMIT)

    def done(self, text: str, undo: Callable[[], object], redo: Callable[[], object], merge: str = "") -> None:
        """Remember something that has just been done, such as "γ 0.5 → 0.7"; the same `merge` within a second is one entry."""
        self.push(_Done(text, undo, redo, merge))


class _Done(QUndoCommand):
    def __init__(self, text: str, undo: Callable[[], object], redo: Callable[[], object], merge: str) -> None:
        super().__init__(text)
        self._undo, self._redo, self._merge, self._at, self._fresh = undo, redo, merge, time.monotonic(), True

    def undo(self) -> None:
        """Take it back."""
        self._undo()

    def redo(self) -> None:
        """Do it again; the first time it has been done already."""
        if self._fresh:
            self._fresh = False
        else:
            self._redo()

    def id(self) -> int:
        """Only those with a key are taken together."""
        return hash(self._merge) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """The later one of the same thing, soon after."""
        if not isinstance(other, _Done) or other._merge != self._merge or other._at - self._at > TOGETHER:
            return False
        self._redo, self._at = other._redo, other._at
        self.setText(other.text())
        return True
