"""What the header of a training page has at its right: the run's data, a new run, the doors to old ones, Keep, Export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from studio import theme
from studio.widgets import button

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class RunButtons:
    """Makes them, and puts them into the page's header.

    Attributes:
        data, new, open, keep, export: what is pressed.
    """

    def __init__(self, page: TrainingPage, *, takes_any: bool) -> None:
        """`takes_any`: a run may be trained on pictures, text or toys."""
        self._takes_any = takes_any
        self.data = button("Data", "image", clicked=page.show_data)
        self.new = button("New run", "new", tip="New run (Ctrl+N)", clicked=page.new_run)
        self.open = button("Open…", "open", tip="Open a run (Ctrl+O), or the run that made an exported file")
        menu = QMenu(self.open)
        menu.addAction("Run…").triggered.connect(lambda *_: page.choose_run())
        menu.addAction("Exported file…").triggered.connect(lambda *_: page.choose_exported())
        self.open.setMenu(menu)
        self.keep = button("Keep", "keep", tip="Keep the selected sample, or all that are shown, in the gallery (K)", clicked=page.keep)
        self.export = page.exporting.button
        self.show_kind(page.writes)
        self.allow(False)
        for b in (self.data, self.new, self.open, self.keep, self.export):
            page.tools.addWidget(b)

    def show_kind(self, writes: str) -> None:
        """What a run that writes "pictures" or "text" trains on."""
        what, icon = ("sentences", "search") if writes == "text" else ("pictures", "image")
        self.data.setToolTip(f"The {'data' if self._takes_any else what} that this run trains on")
        theme.set_icon(self.data, icon)

    def allow(self, on: bool) -> None:
        """Whether there is a run that has something to show, keep and export."""
        for b in (self.export, self.keep, self.data):
            b.setEnabled(on)
