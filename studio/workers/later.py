"""A piece of work beside the window, such as copying files: its result comes back to the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from models.errors import StudioError


class Later(QObject):
    """Does one thing after the other.

    Signals:
        failed (str): it did not work; the sentence.
    """

    failed = Signal(str)
    _done = Signal(object, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._done.connect(self._on_done)

    def call(self, work: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """`then` gets what `work` returns, unless it raises."""
        self._pool.start(_Work(work, then, self._done))

    def wait(self) -> None:
        """Until all is done."""
        self._pool.waitForDone()

    def _on_done(self, then: Callable[[Any], object], result: Any, problem: str) -> None:
        if problem:
            self.failed.emit(problem)
        else:
            then(result)


class _Work(QRunnable):
    def __init__(self, work: Callable[[], Any], then: Callable[[Any], object], done: Any) -> None:
        super().__init__()
        self._work, self._then, self._done = work, then, done

    def run(self) -> None:
        """In a thread of the pool."""
        try:
            self._done.emit(self._then, self._work(), "")
        except StudioError as error:
            self._done.emit(self._then, None, str(error))
        except Exception as error:
            self._done.emit(self._then, None, f"This did not work ({type(error).__name__}: {error}); nothing that was there has changed.")
