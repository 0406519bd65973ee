"""Writes an export in a thread of a pool, beside the running job: tells how far it is, and can be ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRunnable

from models.errors import StudioError
from studio.export.telling import Cancelled
from studio.messages import Export

EVERY = 0.1  # seconds between two tellings


class Writing(QRunnable):
    """One export.

    Attributes:
        wish: what was asked for.
    """

    def __init__(self, wish: Export, write: Callable[..., list[Path]], done: Any, progressed: Any) -> None:
        """`done` is emitted with wish, files and problem, neither of them if it was cancelled; `progressed` with wish, done and total."""
        super().__init__()
        self.setAutoDelete(False)  # whoever can cancel it holds it
        self.wish, self._write, self._done, self._progressed = wish, write, done, progressed
        self._cancelled = False
        self._told = 0.0

    def cancel(self) -> None:
        """End it when it tells next; what was there before stays."""
        self._cancelled = True

    def _tell(self, done: int, total: int) -> None:
        if self._cancelled:
            raise Cancelled
        now = time.monotonic()
        if now - self._told > EVERY:
            self._told = now
            self._progressed.emit(self.wish, done, total)

    def run(self) -> None:
        """In a thread of the pool."""
        try:
            self._done.emit(self.wish, self._write(self._tell), "")
        except Cancelled:
            self._done.emit(self.wish, [], "")
        except StudioError as error:
            self._done.emit(self.wish, [], str(error))
        except Exception as error:
            self._done.emit(self.wish, [], f"The export could not be written ({error}): choose another folder.")
