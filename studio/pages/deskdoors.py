"""What comes out of the desk: both nets' fillings as a file or in the gallery, and the desk as a command or a script."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QMenu

from models.files import home
from studio import copying
from studio.export.filled import fill_exporters
from studio.gallery.store import gallery_path
from studio.messages import Export
from studio.pages import deskmoves as moves
from studio.pages.exporting import pattern
from studio.pages.ownrun import OwnRun
from studio.pages.page import Page
from studio.widgets import button

if TYPE_CHECKING:
    from studio.pages.desk import DeskFace


class DeskDoors:
    """Of one face.

    Attributes:
        export_button: with the menu of exporters.
    """

    def __init__(self, face: DeskFace, session: OwnRun, page: Page) -> None:
        self._face, self._session, self._page = face, session, page
        self.export_button = button("Export fillings…", "export", tip="Both nets' fillings as a file, with their recipe inside")
        menu = QMenu(self.export_button)
        for name, exporter in fill_exporters().items():
            menu.addAction(exporter.label).triggered.connect(partial(self._ask_path, name))
        self.export_button.setMenu(menu)

    def _ask_path(self, name: str, *_: Any) -> None:
        run, exporter = self._session.run, fill_exporters()[name]
        if run is not None:
            suggestion = home() / "exports" / f"{run.name}-fillings{exporter.extension}"
            suggestion.parent.mkdir(parents=True, exist_ok=True)
            self._page.ask_path(exporter.label, suggestion, pattern(exporter), lambda path: self.export(name, path))

    def export(self, name: str, path: Path) -> None:
        """Write both nets' fillings of the desk, with an exporter of `fill_exporters`."""
        face = self._face
        wanted = face.request(face.source)
        options = {key: wanted[key] for key in ("temperature", "top_k", "nucleus", "k", "shown")}
        nets = sorted(face.lists, key=lambda net: net != face.source)  # the first is the one that lies on the desk
        wish = {"desk": face.desk, "n": wanted["n"], "seed": wanted["seed"], "nets": nets, "options": options}
        self._page.tell(f"Exporting {path.name} …", stay=True)
        self._session.export(Export(name, path, desk=wish))

    def keep(self) -> bool:
        """Keep both nets' fillings in the gallery; False where there are none of what lies on the desk."""
        if self._session.run is None or not self._face.is_filled():
            return False
        self.export("keep", gallery_path())
        return True

    def as_command(self) -> str:
        """The blanks filled by the net whose words lie here; "" where there is nothing to fill."""
        run, face = self._session.run, self._face
        if run is None or not moves.free(face.desk):
            return ""
        step, how = copying.checkpoint_of(run.path, self._session.step), face.drawing.values()
        return copying.fill_command(run.path.resolve(), step, face.desk, face.source, face.blanking.n, how, face.joiner)

    def as_python(self) -> str:
        """The same, with words that were locked as they are."""
        run, face = self._session.run, self._face
        if run is None or not moves.free(face.desk):
            return ""
        step = copying.checkpoint_of(run.path, self._session.step)
        return copying.fill_python(run.path.resolve(), step, face.request(face.source))
