"""The error of MALA-approx against ε, measured beside the walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from studio.workers.limit import LimitErrors

if TYPE_CHECKING:
    from studio.pages.lab import LabPage


class LabMeasuring(QObject):
    """Of one page, on whose plot the error is drawn; one measurement at a time."""

    def __init__(self, page: LabPage) -> None:
        super().__init__(page)
        self._page = page
        self._now: LimitErrors | None = None
        self._spared: list[LimitErrors] = []  # interrupted, and not yet at their end
        page.errors.wanted.connect(self.begin)

    def is_on(self) -> bool:
        """Whether it has been begun for the present walk."""
        return self._now is not None

    def begin(self) -> None:
        """Measure the first walk of MALA-approx, if there is one."""
        panels = [p for p in self._page.side.lanes if p.lane.kernel == "mala-approx"]
        if not panels:
            return
        self.stop()
        self._page.errors.start()
        self._now = LimitErrors(self._page.target(), panels[0].values(), self)
        self._now.measured.connect(self._page.errors.add)
        self._now.failed.connect(self._on_failed)
        self._now.start()

    def stop(self) -> None:
        """What is measured is not wanted any more."""
        old, self._now = self._now, None
        if old is not None:
            old.measured.disconnect(self._page.errors.add)
            old.failed.disconnect(self._on_failed)
            old.requestInterruption()
            self._spared = [w for w in (*self._spared, old) if w.isRunning()]
            self._page.errors.stopped()

    def wait(self) -> None:
        """Until all that was begun has come to its end."""
        for thread in self._spared:
            thread.wait()

    def _on_failed(self, sentence: str) -> None:
        self._page.errors.stopped()
        self._page.card.show_error(sentence)
