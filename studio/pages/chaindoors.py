"""What comes out of the chains' face: copies of the command and of the script, exports, files and folders that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from models.files import home
from studio.pages.page import follow
from studio.widgets import button

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff)"
CLASSIFIERS = "Classifiers (*.safetensors *.pt2)"


def exporters() -> Mapping[str, Any]:
    """Name -> (label, extension, others, write); none where this version has no exports of chains."""
    if find_spec("studio.export.chaining") is None:
        return {}
    from studio.export import chaining  # pyright: ignore[reportAttributeAccessIssue]

    return chaining.chain_exporters()


class ChainDoors(QObject):
    """Two buttons, and dialogs that stop nothing."""

    def __init__(self, face: QWidget, name: Callable[[], str]) -> None:
        """`name` of the run, for suggestions."""
        super().__init__(face)
        self._face, self._name = face, name
        self.copy_button = button("Copy", "copy", tip="Copy these chains as a command for the terminal, or as a Python script")
        self.export_button = button("Export…", "export", tip="Export the chains (Ctrl+E)")

    def build(self, command: Callable[[], str], script: Callable[[], None], export: Callable[[str, Path], None], stage: QWidget) -> None:
        """The menus; `script` asks for the text, which comes later."""
        copies = QMenu(self.copy_button)
        copies.addAction("As a command").triggered.connect(lambda: self.copy(command()))
        copies.addAction("As a Python script").triggered.connect(lambda: script())
        self.copy_button.setMenu(copies)
        menu = QMenu(self.export_button)
        for name, one in exporters().items():
            label, extension, others, _ = one
            pattern = ";;".join(f"{e[1:].upper()} (*{e})" for e in (extension, *others) if e)
            suggestion = f"chains{extension}"
            menu.addAction(label).triggered.connect(
                lambda _=False, name=name, pattern=pattern, suggestion=suggestion: self.ask(
                    "Export", suggestion, pattern, lambda path: export(name, path), exists=False
                )
            )
        menu.addAction("Picture of the stage (PNG)").triggered.connect(
            lambda: self.ask("Export", "stage.png", "PNG (*.png)", lambda path: export("stage", path), exists=False)
        )
        self._stage = stage
        self.export_button.setMenu(menu)

    def copy(self, text: str) -> bool:
        """Put a text on the clipboard; nothing for an empty one."""
        if text:
            QGuiApplication.clipboard().setText(text)
        return bool(text)

    def grab(self, path: Path) -> bool:
        """The stage as a picture."""
        return self._stage.grab().save(str(path))

    def ask(self, title: str, suggestion: str, pattern: str, use: Callable[[Path], None], *, exists: bool) -> None:
        """A file dialog that stops nothing; an empty pattern asks for a folder that is there."""
        folder = home() / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        place = str(folder / f"{self._name()}-{suggestion}") if not exists else ""
        dialog = QFileDialog(self._face, title, place, pattern)
        dialog.setModal(False)
        if exists:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile if pattern else QFileDialog.FileMode.Directory)
        else:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(Path(suggestion).suffix.removeprefix("."))
            dialog.filterSelected.connect(lambda chosen: follow(dialog, chosen))
        dialog.fileSelected.connect(lambda name: use(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
