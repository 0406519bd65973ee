"""A piece of work beside the window, such as copying files: its result comes back to the window's thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from models.errors import StudioError


class Later(QObject):
    """Does one thing after the other, or a few at a time.

    Signals:
        failed (str): it did not work; the sentence.
    """

    failed = Signal(str)
    _done = Signal(object, object)

    def __init__(self, parent: QObject | None = None, threads: int = 1, remedy: str = "; nothing that was there has changed") -> None:
        """`remedy` ends the sentence about what nobody has foreseen."""
        super().__init__(parent)
        self._remedy, self._busy = remedy, 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._done.connect(self._on_done)

    def call(
        self, work: Callable[[], Any], then: Callable[[Any], object], otherwise: Callable[[str], object] | None = None, *, first: bool = False
    ) -> None:
        """`then` gets what `work` returns; if it raises, `otherwise` gets the sentence, or `failed` tells it. `first`: before what waits."""
        self._busy += 1
        self._pool.start(_Work(work, then, otherwise or self.failed.emit, self._remedy, self._done), int(first))

    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._busy > 0

    def wait(self) -> None:
        """Until all is done."""
        self._pool.waitForDone()

    def _on_done(self, answer: Callable[[Any], object], what: Any) -> None:
        self._busy -= 1
        answer(what)


class _Work(QRunnable):
    def __init__(self, work: Callable[[], Any], then: Callable[[Any], object], otherwise: Callable[[str], object], remedy: str, done: Any) -> None:
        super().__init__()
        self._work, self._then, self._otherwise, self._remedy, self._done = work, then, otherwise, remedy, done

    def run(self) -> None:
        """In a thread of the pool."""
        try:
            self._done.emit(self._then, self._work())
        except StudioError as error:
            self._done.emit(self._otherwise, str(error))
        except Exception as error:
            traceback.print_exc()
            self._done.emit(self._otherwise, f"This did not work ({type(error).__name__}: {error}){self._remedy}.")
