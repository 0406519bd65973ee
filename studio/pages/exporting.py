"""The menu of exporters, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from models.files import home
from models.reel import Reel
from studio.export import Exporter, exporters
from studio.messages import Export
from studio.pages.ownrun import OwnRun
from studio.pages.page import Page
from studio.widgets import button


class Exporting(QObject):
    """Asks where to, hands the wish to the session, tells what was written.

    Attributes:
        button: for the page's header; disabled while there is nothing to export.
    """

    def __init__(self, session: OwnRun, page: Page, about: Callable[[], Mapping[str, Any]], views: Collection[str], writes: str = "pictures") -> None:
        """`about` gives seed and count of what is on the stage, with ema or options; `views` are those that the system has, which writes `writes`."""
        super().__init__(page)
        self._session, self._page, self._about = session, page, about
        self.button = button("Export…", "export", tip="Export the present step, with its recipe inside (Ctrl+E)")
        self._views, self._menu = views, QMenu(self.button)
        self.button.setMenu(self._menu)
        self.offer(writes)
        self.button.setEnabled(False)
        self.cancel_button = button("Cancel", kind="quiet", tip="End this export; nothing is left of it", clicked=self._cancel)
        self.cancel_button.hide()
        page.heading.insertWidget(page.heading.indexOf(page.show_button), self.cancel_button)
        self._writing: Export | None = None  # that is written now
        session.exported.connect(self._on_exported)
        session.export_progressed.connect(self._on_progress)
        session.trouble.connect(self._on_trouble)

    def offer(self, writes: str) -> None:
        """The exporters of what is written, "pictures" or "text"."""
        self._menu.clear()
        for name, exporter in exporters(writes).items():
            if "loop" in exporter.needs and "loop" not in self._views:
                continue  # everything else that a system has not is left out of the file
            self._menu.addAction(exporter.label).triggered.connect(partial(self.ask, name))

    def choose(self) -> None:
        """Open the menu."""
        if self.button.isEnabled():
            self.button.showMenu()

    def ask(self, name: str, *_: Any) -> None:
        """Ask where to, and export the present step."""
        run = self._session.run
        if run is None:
            return
        exporter = exporters()[name]
        suggestion = home() / "exports" / f"{run.name}-{name}{exporter.extension}"
        suggestion.parent.mkdir(parents=True, exist_ok=True)
        if not exporter.extension:
            suggestion = free(suggestion)
        self._page.ask_path(exporter.label, suggestion, pattern(exporter), lambda path: self.export(name, path))

    def ask_range(self, first: int, last: int) -> None:
        """Ask where to, and write the frames of the reel from a step to another as an animation."""
        run = self._session.run
        if run is None:
            return
        steps = tuple(s for s in Reel.of(run.path).steps() if first <= s <= min(last, self._session.step))
        if not steps:
            self._page.card.show_error(
                f"Step {self._session.step:,}, which is open, comes before the range: go back to the newest step, or mark another range."
            )
            return
        exporter, folder = exporters()["reel"], home() / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        suggestion = folder / f"{run.name}-{first}-{last}{exporter.extension}"
        self._page.ask_path(exporter.label, suggestion, pattern(exporter), lambda path: self.export("reel", path, steps))

    def export(self, name: str, path: Path, reel: tuple[int, ...] = ()) -> None:
        """Write the present step with an exporter; a folder is made, and none is mixed with what is in it already."""
        if not exporters()[name].extension and path.exists() and not (path.is_dir() and not any(path.iterdir())):
            what = "The folder" if path.is_dir() else "The file"
            self._page.card.show_error(f"{what} {path} is there already, and an export is not mixed with other files: choose a new name.")
            return
        self._page.tell(f"Exporting {path.name} …", stay=True)
        self._session.export(Export(name, path, reel=reel, **self._about()))

    def _cancel(self) -> None:
        if self._writing is not None:
            self._session.cancel_export(self._writing)

    def _on_progress(self, wish: Export, done: int, total: int) -> None:
        """How far it is, with a button that ends it; 0 of 0 is the end of one that was cancelled."""
        self._writing = wish if total else None
        self.cancel_button.setVisible(bool(total))
        told = f"Exporting {wish.path.name} … {done / total:.0%}" if total else f"Cancelled: nothing of {wish.path.name} is left."
        self._page.tell(told, stay=bool(total))

    def _on_trouble(self, *_: object) -> None:
        self._writing = None
        self.cancel_button.hide()
        self._page.tell("")

    def _on_exported(self, wish: Export, files: list[Path]) -> None:
        self._writing = None
        self.cancel_button.hide()
        if wish.name == "keep":
            self._page.tell_kept(kept_of(wish), files[0])
            return
        folder = wish.path.is_dir()
        many = f"{len(files):,} files" if len(files) != 1 else "1 file"
        self._page.tell(f"Exported {many} to {wish.path.name}" if folder else f"Exported {files[0].name}", wish.path if folder else files[0])


def kept_of(wish: Export) -> int:
    """How many samples a wish to keep is about."""
    if wish.rows is not None:
        return len(wish.rows)
    return wish.count if wish.desk is None else wish.desk["n"] * len(wish.desk["nets"])


def free(path: Path) -> Path:
    """The path itself, or with the first number that is free."""
    numbered = (path.with_name(f"{path.name}-{i}") for i in count(2))
    return next(p for p in chain([path], numbered) if not p.exists())


def pattern(exporter: Exporter) -> str:
    """The file dialog's filter of an exporter; "" for one that writes a folder."""
    endings = (exporter.extension, *exporter.others) if exporter.extension else ()
    return ";;".join(f"{ending[1:].upper()} (*{ending})" for ending in endings)
