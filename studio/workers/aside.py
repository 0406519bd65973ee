"""Short jobs beside the window: of one name only the newest counts, each tells how far it is and can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.export.telling import Cancelled, Progress
from studio.workers.later import Later

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
    _told = Signal(object, int, int)

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._later = Later(self, threads, ": try it with other samples")
        self._jobs: dict[str, _Job] = {}
        self._told.connect(self._on_told)

    def start(self, name: str, act: Act) -> None:
        """Begin a job; one of the same name that is not done yet is cancelled."""
        self.cancel(name)
        job = self._jobs[name] = _Job(name, act, self._told)
        self._later.call(job.do, partial(self._on_ended, job, self.done), partial(self._on_ended, job, self.failed))

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
        self._later.wait()

    def _on_ended(self, job: _Job, signal: Any, what: Any) -> None:
        if self._jobs.get(job.name) is job:
            del self._jobs[job.name]
            signal.emit(job.name, what)

    def _on_told(self, job: _Job, done: int, total: int) -> None:
        if self._jobs.get(job.name) is job:
            self.went.emit(job.name, done, total)


class _Job:
    def __init__(self, name: str, act: Act, told: Any) -> None:
        self.name, self.cancelled = name, False
        self._act, self._told = act, told

    def do(self) -> Any:
        """In a thread of the pool."""
        try:
            return None if self.cancelled else self._act(self._progress)
        except Cancelled:
            return None

    def _progress(self, done: int, total: int) -> None:
        if self.cancelled:
            raise Cancelled
        self._told.emit(self, done, total)
