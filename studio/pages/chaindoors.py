"""What comes out of the chains' face: copies of the command and of the script, exports, files and folders that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from models.files import home
from studio.pages.exporting import pattern
from studio.pages.page import ask_path
from studio.widgets import button

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff)"
CLASSIFIERS = "Classifiers (*.safetensors *.pt2)"


def exporters() -> Mapping[str, Any]:
    """Name -> Exporter of a record of chains; none where this version has no exports of chains."""
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
            menu.addAction(one.label).triggered.connect(
                lambda _=False, name=name, one=one: self.save(name, one.extension, pattern(one), lambda path: export(name, path))
            )
        menu.addAction("Picture of the stage (PNG)").triggered.connect(
            lambda: self.save("stage", ".png", "PNG (*.png)", lambda path: export("stage", path))
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

    def ask(self, title: str, kinds: str, use: Callable[[Path], None]) -> None:
        """A file, or for no `kinds` a folder, that is there."""
        ask_path(self._face, title, Path.home(), kinds, use, there=True)

    def save(self, name: str, extension: str, kinds: str, use: Callable[[Path], None]) -> None:
        """A new file, or for no extension a folder."""
        suggestion = home() / "exports" / f"{self._name()}-chains-{name}{extension}"
        suggestion.parent.mkdir(parents=True, exist_ok=True)
        ask_path(self._face, "Export the chains", suggestion, kinds, use)
