"""What comes out of the lab: pictures, tables, and the walk as lines for the terminal or as Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from models.files import home
from studio.copying import lab_python
from studio.pages.labcommand import command
from studio.widgets import button

if TYPE_CHECKING:
    from studio.pages.lab import LabPage


class LabDoors:
    """Two buttons for the header of a page, and what they do.

    Attributes:
        copy_button, export_button: the buttons.
    """

    def __init__(self, page: LabPage) -> None:
        self._page = page
        self.copy_button = button("Copy", "copy", tip="Copy this walk as a command for the terminal", clicked=page.copy_command)
        self.copy_button.setAccessibleName("Copy as command")
        self.export_button = button("Export…", "export", tip="Export the stage as a picture, or the chains as a table (Ctrl+E)")
        menu = QMenu(self.export_button)
        menu.addAction("Picture of the stage (PNG)").triggered.connect(lambda: self.ask(".png"))
        menu.addAction("Table of the chains (CSV)").triggered.connect(lambda: self.ask(".csv"))
        self.export_button.setMenu(menu)

    def ask(self, ending: str) -> None:
        """Ask where to."""
        folder = home() / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"lab-{self._page.setup.target}-{'-'.join(self._page.side.chosen())}{ending}"
        self._page.ask_path("Export", folder / name, f"{ending[1:].upper()} (*{ending})", self.export)

    def export(self, path: Path) -> None:
        """The stage as a PNG; the chains' scalars as CSV, one file a sampler."""
        page = self._page
        if path.suffix.lower() == ".csv":
            lanes = page.opened.lanes if page.opened else ()
            for i, lane in enumerate(lanes):
                page.worker.write(i, path if len(lanes) == 1 else path.with_stem(f"{path.stem}-{lane.kernel}"))
        elif page.live.grab().save(str(path)):
            page.tell(f"Exported {path}", path)
        else:
            page.card.show_error(f"{path} could not be written: choose another folder, and a name that ends in .png.")

    def command(self) -> str:
        """One line a sampler; empty, with a card, where a painting was not saved."""
        return "\n".join(command(*walk) for walk in self._walks())

    def python(self) -> str:
        """The same walks; "", with a card, where a painting was not saved."""
        walks = self._walks()
        return lab_python(walks) if walks else ""

    def _walks(self) -> list[tuple[str, str, int, int, int, str | tuple[float, ...], dict[str, float]]]:
        """Kernel, target, chains, seed, steps, start and knobs of each sampler."""
        page = self._page
        if page.opened is None or page.frame is None or page.walk is None:
            return []
        target = str(page.drawn_file) if page.setup.target == "drawn" else page.opened.name
        if page.setup.target == "drawn" and page.drawn_file is None:
            page.card.show_error("A command needs the painting on disk: save it as .json first.")
            return []
        lanes, common = zip(page.side.lanes, page.frame.lanes, strict=True), (target, page.walk.chains, page.walk.seed)
        return [(panel.lane.kernel, *common, lane.step or 2000, page.opened.start, panel.values()) for panel, lane in lanes]
