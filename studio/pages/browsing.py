"""All of a data set, pictures or sentences, on a page's stage: of the form, or of the open run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QWidget

from studio.messages import Opened
from studio.pages.page import Page
from studio.panels.browse import BrowsePanel
from studio.panels.data import Kind
from studio.panels.textdata import TextBrowsePanel
from studio.workers.background import Preview


class Browsing(QObject):
    """Shows a BrowsePanel or a TextBrowsePanel, reading the data if it must, and leads back to what was there before.

    Attributes:
        panel: the one of what was shown last.
    """

    def __init__(self, page: Page, kind: Kind = "pictures") -> None:
        super().__init__(page)
        self._page = page
        self._panels: dict[str, BrowsePanel | TextBrowsePanel] = {}
        if kind != "text":
            self._panels["pictures"] = BrowsePanel()
        if kind != "pictures":
            self._panels["text"] = TextBrowsePanel()
        self.panel = next(iter(self._panels.values()))
        self._before: QWidget | None = None
        self._reader: Preview | None = None
        self._wish: tuple[Opened, str] | None = None  # whose data are to be seen, until they are or cannot be
        self._read: tuple[Any, Any, Mapping[str, Any]] | None = None  # of which run, data, card
        for panel in self._panels.values():
            page.stage.addWidget(panel)
            panel.closed.connect(self.leave)

    def show_data(self, data: Any, card: Mapping[str, Any]) -> None:
        """An ImageSet or TextSet, and its card."""
        self._enter(str(card.get("kind")))
        self.panel.show_data(data, card)

    def show_run(self, run: Opened, writes: str = "") -> None:
        """The data that a run trains on, which writes "pictures" or "text"; they are opened beside it, which takes no time from the run."""
        self._enter(writes)
        self._wish = run, writes
        wanted = _wanted(run)
        if self._read is not None and self._read[0] == wanted:
            self._wish = None
            self.panel.show_data(*self._read[1:])
            return
        self.panel.show_waiting(f"Reading {run.data} …")
        if self._reader is not None:  # of another run: this one is read when it has ended
            return
        reader = self._reader = Preview(run.system, run.data_spec, run.config, {}, None, self)
        reader.shown.connect(lambda _, data, card: self._on_read(wanted, data, card))
        reader.failed.connect(lambda sentence, _: self._on_failed(wanted, sentence))
        reader.finished.connect(self._on_finished)
        reader.start(QThread.Priority.LowPriority)

    def is_ready(self) -> bool:
        """Whether nothing is being read."""
        return self._reader is None

    def leave(self) -> None:
        """Back to what was on the stage."""
        if self._before is not None and self._page.stage.currentWidget() is self.panel:
            self._page.stage.setCurrentWidget(self._before)

    def stop(self) -> None:
        """Let the reading end, for good."""
        self._wish = None
        if self._reader is not None:
            self._reader.requestInterruption()
            self._reader.wait()

    def _enter(self, kind: str) -> None:
        now = self._page.stage.currentWidget()
        if now not in self._panels.values():
            self._before = now
        self.panel = self._panels.get(kind, self.panel)
        self._page.stage.setCurrentWidget(self.panel)

    def _on_read(self, wanted: Any, data: Any, card: Mapping[str, Any]) -> None:
        self._read = (wanted, data, card)
        if self._wish is None or _wanted(self._wish[0]) != wanted:
            return
        self._wish = None
        if self._page.stage.currentWidget() is self.panel:
            self.panel.show_data(data, card)

    def _on_failed(self, wanted: Any, sentence: str) -> None:
        if self._wish is None or _wanted(self._wish[0]) != wanted:
            return
        self._wish = None
        self.leave()
        self._page.card.show_error(sentence)

    def _on_finished(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.wait()
            reader.deleteLater()
        if self._wish is not None and self._page.stage.currentWidget() is self.panel:
            self.show_run(*self._wish)


def _wanted(run: Opened) -> tuple[Any, ...]:
    """What decides over a run's data."""
    return run.system, run.data_spec, tuple(sorted(run.config.items()))
