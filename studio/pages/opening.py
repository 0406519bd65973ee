"""A run is being opened: the page says so in the place of the form, or of the run before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from studio.messages import NewRun, OldRun, Opened
from studio.panels.opening import OpeningStage

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class Opening(QObject):
    """Of one training page.

    Attributes:
        stage, side: on the page while its first face is chosen.
        stages: all that are told how far it is; another face may add its own.
    """

    def __init__(self, page: TrainingPage) -> None:
        super().__init__(page)
        self._page = page
        self._path: Path | None = None  # of the run that was opened last
        self.stage, self.side = OpeningStage(), QWidget()
        self.stages = [self.stage]
        page.stage.addWidget(self.stage)
        assert page.sides is not None
        page.sides.addWidget(self.side)
        page.session.opened.connect(self._on_opened)

    def begin(self, reason: str) -> None:
        """A run is being opened; the same one again, for example as it was at a step, does not wipe its page."""
        for stage in self.stages:
            stage.show_name(self.title(), reason[:1].upper() + reason[1:])
        page = self._page
        if page.faces.place() == 0 and not (self.is_same() and page.stage.currentWidget() is page.live):
            self.show()

    def show(self) -> None:
        """In the place of what the first face shows."""
        self._page.faces.put(self.stage, self.side, foot=True)

    def show_progress(self, done: int, total: int, words: str) -> None:
        """Its data are read or drawn."""
        for stage in self.stages:
            stage.show_progress(done, total, words)

    def is_same(self) -> bool:
        """Whether it is the run that was open before."""
        source = self._page.session.source
        return isinstance(source, OldRun) and source.path == self._path

    def title(self) -> str:
        """What is being opened."""
        source = self._page.session.source
        if isinstance(source, NewRun):
            return f"Making {source.path.name if source.path else f'a run on {Path(source.data).name}'} …"
        return f"Opening {source.path.name} …" if source is not None else "Opening …"

    def _on_opened(self, run: Opened) -> None:
        self._path = run.path
