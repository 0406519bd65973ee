"""Where the training data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QProgressBar, QWidget

from studio import theme
from studio.panels.datacard import DataCard
from studio.panels.interpolation import smaller
from studio.panels.samples import ImageGrid
from studio.widgets import Combo, ElidedLabel, button, column, label, row

FOLDER, FILE, HUB = "Folder…", "File… (zip, tar, IDX, npz)", "Hugging Face data set…"
PREFIX = "hub:"
_FILES = "Pictures (*.zip *.tar *.tar.xz *.txz *.tar.gz *.tgz *.tar.bz2 *.npz *.npy *.idx *.gz *ubyte);;All files (*)"


class DataPicker(QFrame):
    """The built-in sources, a folder, a file, a data set of the hub; or drop something here.

    Signals:
        chosen(str): what `--data` would be given.
        cancelled(): the person does not want to wait.
        browse(): all the pictures are to be seen.
    """

    chosen = Signal(str)
    cancelled = Signal()
    browse = Signal()

    def __init__(self, sources: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self._sources, self._at = list(sources), 0
        self.combo = Combo([title for _, title in sources])
        self.combo.insertSeparator(len(sources))
        self.combo.addItems([FOLDER, FILE, HUB])
        self.combo.setMinimumContentsLength(12)
        self.combo.setToolTip("Where the data comes from; a folder or a file may also be dropped here")
        self.combo.setAccessibleName("Data")
        self.combo.activated.connect(self._on_choice)
        self.text, self.error = ElidedLabel("", "caption"), label(kind="bad")
        self.error.setWordWrap(True)
        self.grid = ImageGrid(columns=7, rows=3, max_zoom=2)
        self.card = DataCard()
        self.card.browse.connect(self.browse)
        self.name = QLineEdit()
        self.name.setPlaceholderText("owner/name")
        self.name.setAccessibleName("Name of a data set of the Hugging Face hub")
        self.name.setToolTip("The name of a data set on huggingface.co; Enter reads it. It is downloaded once.")
        self.name.returnPressed.connect(self._on_name)
        self.hub = QWidget()
        named = row(self.name, button("Read", clicked=self._on_name))
        named.setStretch(0, 1)
        self.hub.setLayout(named)
        self.bar, self.cancel_button = QProgressBar(), button("Cancel", clicked=self.cancelled.emit)
        self.bar.setTextVisible(False)
        body = column(self, spacing=8)
        for w in (self.combo, self.hub, self.text):
            body.addWidget(w)
        body.addLayout(row(self.bar, self.cancel_button))
        for w in (self.error, self.card, self.grid):
            body.addWidget(w)
        self.hub.hide()
        self._quiet()

    def select(self, spec: str, title: str = "") -> None:
        """Show what is chosen without telling anybody; a source that is not in the list joins it."""
        known = [s for s, _ in self._sources]
        if spec not in known:
            self._sources.append((spec, title or Path(spec).name or spec))
            self.combo.insertItem(len(known), self._sources[-1][1])
            known.append(spec)
        self._at = known.index(spec)
        self.combo.setCurrentIndex(self._at)
        self.hub.hide()

    def source(self) -> str:
        """The spec of the chosen source."""
        return self._sources[self._at][0]

    def preview(self, images: np.ndarray | None, card: Mapping[str, Any] | None = None) -> None:
        """A few of the pictures, and what is known about all of them."""
        self._quiet()
        if card is not None:
            self.card.show_card(card)
            self.card.show()
        if images is not None and len(images):
            self.grid.show_images(smaller(images))
            self.grid.show()

    def show_error(self, sentence: str) -> None:
        """Why the source cannot be read."""
        self._quiet()
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def show_progress(self, done: int, total: int) -> None:
        """While a source is read; a total of 0 is unknown."""
        for w in (self.error, self.card, self.grid):
            w.hide()
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(True)
        self.cancel_button.setVisible(True)
        self.text.setText(f"reading {done:,} of {total:,}" if total else f"reading, {done:,} so far")
        self.text.show()

    def ask_folder(self) -> str:
        """The folder that the person picks; "" for none."""
        return QFileDialog.getExistingDirectory(self, "Folder of pictures")

    def ask_file(self) -> str:
        """The file that the person picks; "" for none."""
        return QFileDialog.getOpenFileName(self, "Archive or data file", "", _FILES)[0]

    def _on_choice(self, place: int) -> None:
        text = self.combo.itemText(place)
        self.hub.setVisible(text == HUB)
        if text == HUB:
            self.name.setFocus()
            return
        asked = {FOLDER: self.ask_folder, FILE: self.ask_file}.get(text)
        spec = asked() if asked is not None else self._sources[place][0]
        if spec:
            self.select(spec)
            self.chosen.emit(spec)
        else:
            self.combo.setCurrentIndex(self._at)

    def _on_name(self) -> None:
        name = self.name.text().strip().removeprefix(PREFIX).strip("/")
        if name:
            self.select(PREFIX + name, PREFIX + name)
            self.chosen.emit(PREFIX + name)

    def _quiet(self) -> None:
        for w in (self.text, self.error, self.card, self.grid, self.bar, self.cancel_button):
            w.hide()

    # --- dropped ---

    @staticmethod
    def _dropped(event: QDropEvent) -> str:
        urls = [u for u in event.mimeData().urls() if u.isLocalFile()]
        return urls[0].toLocalFile() if len(urls) == 1 else ""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one file or folder."""
        if self._dropped(event):
            event.acceptProposedAction()
            self._mark("drop")

    def dragLeaveEvent(self, event: object) -> None:
        """It went elsewhere."""
        self._mark("")

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose it."""
        self._mark("")
        if spec := self._dropped(event):
            event.acceptProposedAction()
            self.select(spec)
            self.chosen.emit(spec)

    def _mark(self, kind: str) -> None:
        theme.set_kind(self, kind)
