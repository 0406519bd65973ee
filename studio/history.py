"""What can be taken back and done again: one bounded stack a page, whose entries say what they did."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

LIMIT = 200  # entries of one stack; older ones are forgotten
DRAG = 1.0  # seconds; two changes with the same key that are nearer than this are one


class _Done(QUndoCommand):
    """Something that has been done already, so that the first `redo`, which the stack calls by itself, does nothing."""

    def __init__(self, text: str, undo: Callable[[], object], redo: Callable[[], object], key: str, values: Sequence[str], held: bool) -> None:
        super().__init__()
        self.what, self.back, self.again, self.key, self.values, self.held = text, undo, redo, key, list(values), held
        self.when, self._fresh = time.monotonic(), True
        self._name()

    def id(self) -> int:
        """All that may become one with the entry before share a number; `mergeWith` looks closer."""
        return 1 if self.key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Whether `other`, which was done just now, is the same drag; it is part of this entry then."""
        if not isinstance(other, _Done) or other.key != self.key or (other.when - self.when > DRAG and not other.held):
            return False
        self.again, self.when = other.again, other.when
        if other.values:
            self.values = [*self.values[:1], *other.values[1:]]
            self.setObsolete(self.values[0] == self.values[-1])  # dragged to where it began: nothing to take back
        else:
            self.what = other.what
        self._name()
        return True

    def undo(self) -> None:
        """Backwards."""
        self.back()

    def redo(self) -> None:
        """Forwards, but for the first time."""
        if not self._fresh:
            self.again()
        self._fresh = False

    def _name(self) -> None:
        self.setText(f"{self.what} {' → '.join(self.values)}" if self.values else self.what)


class History(QUndoStack):
    """What was done on a page, or on one face of it; `LIMIT` entries at most.

    Signals: those of QUndoStack; `indexChanged` fires after every change.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setUndoLimit(LIMIT)
        self._moving = False
        self._era = 0  # what comes after a step back is no part of a drag before it

    def done(
        self,
        text: str,
        undo: Callable[[], object],
        redo: Callable[[], object],
        merge: str = "",
        values: Sequence[str] = (),
        *,
        held: bool = False,
    ) -> None:
        """Remember something that has just been done.

        `text` names it in the menu; with `values`, the value before and the one after, these follow it: "γ 0.5 → 0.7".
        The same `merge` key again within a second makes one entry, which goes back to where the first began; `held`: after any time.
        What `undo` and `redo` themselves do is not remembered.
        """
        if not self._moving:
            self.push(_Done(text, undo, redo, f"{self._era} {merge}" if merge else "", values, held))

    def undo(self) -> None:
        """Take the last entry back."""
        self._move(super().undo)

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._move(super().redo)

    def clear(self) -> None:
        """Forget everything."""
        self._era += 1
        super().clear()

    def _move(self, move: Callable[[], None]) -> None:
        if self._moving:
            return
        self._moving, self._era = True, self._era + 1
        try:
            move()
        finally:
            self._moving = False
