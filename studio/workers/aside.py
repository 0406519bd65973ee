"""Short jobs beside the window: of one name only the newest counts, each tells how far it is and can be cancelled."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from models.errors import StudioError
from studio.export.telling import Cancelled, Progress

Act = Callable[[Progress], Any]


class Aside(QObject):
    """A few jobs at a time.

    Signals:
        done (str, object): a job's name and its result.
        failed (str, str): a job's name, and the sentence for a person.
        went (str, int, int): a job's name, how much of how much is done.
    """

    done = Signal(str, object)
    failed = Signal(str, str)
    went = Signal(str, int, int)
    _ended = Signal(object, object, str)
    _told = Signal(object, int, int)

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._jobs: dict[str, _Job] = {}
        self._alive: set[_Job] = set()  # also those that are cancelled and have not ended yet
        self._ended.connect(self._on_ended)
        self._told.connect(self._on_told)

    def start(self, name: str, act: Act) -> None:
        """Begin a job; one of the same name that is not done yet is cancelled."""
        self.cancel(name)
        job = self._jobs[name] = _Job(self, name, act)
        self._alive.add(job)
        self._pool.start(job)

    def cancel(self, name: str) -> None:
        """Its result is not wanted any more; nothing is told about it."""
        job = self._jobs.pop(name, None)
        if job is not None:
            job.cancelled = True

    def is_busy(self, name: str) -> bool:
        """Whether a job of this name is under way."""
        return name in self._jobs

    def stop(self) -> None:
        """Cancel everything, and wait for it."""
        for name in list(self._jobs):
            self.cancel(name)
        self._pool.waitForDone()

    def end(self, job: _Job, result: Any, problem: str) -> None:
        """From the job's thread."""
        self._ended.emit(job, result, problem)

    def tell(self, job: _Job, done: int, total: int) -> None:
        """From the job's thread."""
        self._told.emit(job, done, total)

    def _on_ended(self, job: _Job, result: Any, problem: str) -> None:
        self._alive.discard(job)
        if self._jobs.get(job.name) is not job:
            return
        del self._jobs[job.name]
        if problem:
            self.failed.emit(job.name, problem)
        else:
            self.done.emit(job.name, result)

    def _on_told(self, job: _Job, done: int, total: int) -> None:
        if self._jobs.get(job.name) is job:
            self.went.emit(job.name, done, total)


class _Job(QRunnable):
    def __init__(self, aside: Aside, name: str, act: Act) -> None:
        super().__init__()
        self.setAutoDelete(False)  # the Aside holds it until it has ended
        self.name, self.cancelled = name, False
        self._aside, self._act = aside, act

    def run(self) -> None:
        """In a thread of the pool."""
        try:
            self._aside.end(self, None if self.cancelled else self._act(self._progress), "")
        except Cancelled:
            self._aside.end(self, None, "")
        except StudioError as error:
            self._aside.end(self, None, str(error))
        except Exception as error:
            traceback.print_exc()
            self._aside.end(self, None, f"This did not work ({type(error).__name__}: {error}): try it with other samples.")

    def _progress(self, done: int, total: int) -> None:
        if self.cancelled:
            raise Cancelled
        self._aside.tell(self, done, total)
