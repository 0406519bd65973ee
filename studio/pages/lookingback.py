"""A run that is open as it was at a kept checkpoint: what the page says, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.messages import OldRun, Opened
from studio.panels.lookback import LookBack

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class LookingBack(LookBack):
    """The band below the header while the open run is only read."""

    def __init__(self, page: TrainingPage, fork: Callable[[], None]) -> None:
        super().__init__()
        self._page = page
        self._run: Opened | None = None
        self._trained = False  # before it was looked at
        page.put_on_top(self)
        self.fork.connect(fork)
        self.newest.connect(self._on_newest)

    def remember(self, trained: bool) -> None:
        """Whether the run trains on once the look is over."""
        self._trained = trained

    def show_run(self, run: Opened) -> None:
        """Another run is open."""
        self._run = run
        if run.reading:
            self.show_look(run.name, run.step, run.newest)
        else:
            self._trained = False
            self.hide()

    def words(self) -> str:
        """Why knobs cannot be turned; "" where they can."""
        run = self._run
        return f"As at step {run.step:,}, which is only looked at." if run is not None and run.reading else ""

    def _on_newest(self) -> None:
        if self._run is not None:
            self._page.session.open(OldRun(self._run.path), start=self._trained)
