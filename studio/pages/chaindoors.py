"""What comes out of the chains' face: copies of the command and of the script, exports, files and folders that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from models.files import home
from studio.pages.chaincommand import command, python
from studio.pages.exporting import pattern
from studio.pages.page import ask_path
from studio.widgets import button

if TYPE_CHECKING:
    from studio.pages.ppgnchains import ChainsFace

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff)"
CLASSIFIERS = "Classifiers (*.safetensors *.pt2)"


def exporters() -> Mapping[str, Any]:
    """Name -> Exporter of a record of chains; none where this version has no exports of chains."""
    if find_spec("studio.export.chaining") is None:
        return {}
    from studio.export import chaining  # pyright: ignore[reportAttributeAccessIssue]

    return chaining.chain_exporters()


class ChainDoors(QObject):
    """Two buttons with their menus, and dialogs that stop nothing."""

    def __init__(self, face: ChainsFace) -> None:
        super().__init__(face)
        self._face = face
        self.copy_button = button("Copy", "copy", tip="Copy these chains as a command for the terminal, or as a Python script")
        self.export_button = button("Export…", "export", tip="Export the chains (Ctrl+E)")
        copies = QMenu(self.copy_button)
        copies.addAction("As a command").triggered.connect(self.copy_command)
        copies.addAction("As a Python script").triggered.connect(lambda: face.worker.ask_for("record"))
        self.copy_button.setMenu(copies)
        menu = QMenu(self.export_button)
        for name, one in exporters().items():
            menu.addAction(one.label).triggered.connect(lambda _=False, name=name, one=one: self._save(name, one.extension, pattern(one)))
        menu.addAction("Picture of the stage (PNG)").triggered.connect(lambda: self._save("stage", ".png", "PNG (*.png)"))
        self.export_button.setMenu(menu)
        self.cancel_button = button("Cancel", tip="End this export; nothing is left of it", clicked=face.worker.cancel_export)
        self.cancel_button.hide()
        face.worker.exporting.connect(self._on_part)
        face.worker.written.connect(lambda _: self.cancel_button.hide())
        face.worker.trouble.connect(lambda *_: self.cancel_button.hide())

    def ask(self, title: str, kinds: str, use: Callable[[Path], None]) -> None:
        """A file, or for no `kinds` a folder, that is there."""
        ask_path(self._face, title, Path.home(), kinds, use, there=True)

    def _save(self, name: str, extension: str, kinds: str) -> None:
        """A new file, or for no extension a folder."""
        run = self._face.path.name if self._face.path else "chains"
        suggestion = home() / "exports" / f"{run}-chains-{name}{extension}"
        suggestion.parent.mkdir(parents=True, exist_ok=True)
        ask_path(self._face, "Export the chains", suggestion, kinds, lambda path: self.export(name, path))

    def export(self, name: str, path: Path) -> None:
        """Write the chains with an exporter; "stage" is a picture of the stage."""
        if name != "stage":
            self._face.worker.ask_for("export", (name, path))
        elif self._face.stage.grab().save(str(path)):
            self._face.told.emit(f"Exported {path}", path)
        else:
            self._face.failed.emit(f"{path} could not be written: choose another folder, and a name that ends in .png.")

    def _on_part(self, path: Path, done: int, total: int) -> None:
        """How far an export is; 0 of 0 is the end of one that was cancelled."""
        self.cancel_button.setVisible(bool(total))
        self._face.told.emit(f"Exporting {path.name} … {done / total:.0%}" if total else f"Cancelled: nothing of {path.name} is left.", None)

    def copy_command(self) -> None:
        """The present settings, from the start."""
        text = self.command()
        if text:
            QGuiApplication.clipboard().setText(text)
            self._face.told.emit("Copied the command: the present settings, from the start.", None)

    def command(self) -> str:
        """The present settings as one line for the terminal; "", and `failed`, where a line cannot say them."""
        face = self._face
        if face.opened is None or face.path is None or face.frame is None:
            return ""
        start = face.stage.start.start()
        if face.stage.sweeps or face.stage.start.hole() is not None or (not isinstance(start, str) and not face.start_file):
            what = "the class × ε grid" if face.stage.sweeps else "a mask, or a picture that is no file"
            face.failed.emit(f"One command cannot say {what}: copy as a Python script, which can.")
            return ""
        begin = start if isinstance(start, str) else face.start_file
        return command(face.path, face.opened.wish, face.blended(), face.steering.in_force, face.frame.step, begin, *face.plugged_in)

    def copy_script(self, record: dict[str, Any], step: int) -> None:
        """What makes the same chains again, from their record and the step of the run."""
        assert self._face.path is not None
        QGuiApplication.clipboard().setText(python(self._face.path, step, record, *self._face.plugged_in))
        self._face.told.emit("Copied the script, with every change on the way.", None)
