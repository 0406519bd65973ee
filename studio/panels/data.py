"""Where the training data comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QProgressBar

from studio import theme
from studio.panels.samples import ImageGrid
from studio.widgets import Combo, ElidedLabel, button, column, label, row

FOLDER, ZIP = "Folder…", "Zip file…"
_FILES = "Pictures or text (*.zip *.tar *.tar.xz *.tar.gz *.tgz *.npz *.gz *ubyte *.txt)"


class DataPicker(QFrame):
    """The built-in sources, a folder, an archive; or drop one here.

    Signals:
        chosen(str): what `--data` would be given.
        cancelled(): the person does not want to wait.
    """

    chosen = Signal(str)
    cancelled = Signal()

    def __init__(self, sources: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self._sources, self._at = list(sources), 0
        self.combo = Combo([title for _, title in sources])
        self.combo.insertSeparator(len(sources))
        self.combo.addItems([FOLDER, ZIP])
        self.combo.setToolTip("Where the data comes from; a folder or an archive may also be dropped here")
        self.combo.setAccessibleName("Data")
        self.combo.activated.connect(self._on_choice)
        self.text, self.error = ElidedLabel("", "caption"), label(kind="bad")
        self.error.setWordWrap(True)
        self.grid = ImageGrid(columns=8, rows=2, max_zoom=1)
        self.bar, self.cancel_button = QProgressBar(), button("Cancel", clicked=self.cancelled.emit)
        self.bar.setTextVisible(False)
        body = column(self, spacing=8)
        body.addWidget(self.combo)
        body.addWidget(self.text)
        body.addWidget(self.grid)
        body.addLayout(row(self.bar, self.cancel_button))
        body.addWidget(self.error)
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

    def source(self) -> str:
        """The spec of the chosen source."""
        return self._sources[self._at][0]

    def preview(self, images: np.ndarray | None, text: str = "") -> None:
        """A few of the pictures, and a line such as 'faces-32 · 1,800 pictures'."""
        self._quiet()
        self.text.setText(text)
        self.text.setVisible(bool(text))
        if images is not None and len(images):
            self.grid.show_images(images)
            self.grid.show()

    def show_error(self, sentence: str) -> None:
        """Why the source cannot be read."""
        self._quiet()
        self.error.setText(sentence)
        self.error.show()

    def show_progress(self, done: int, total: int) -> None:
        """While a source is read; a total of 0 is unknown."""
        self.error.hide()
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(True)
        self.cancel_button.setVisible(True)
        self.text.setText(f"reading {done:,} of {total:,}" if total else f"reading, {done:,} so far")
        self.text.show()

    def ask_folder(self) -> str:
        """The folder that the person picks; "" for none."""
        return QFileDialog.getExistingDirectory(self, "Folder of pictures")

    def ask_zip(self) -> str:
        """The file that the person picks; "" for none."""
        return QFileDialog.getOpenFileName(self, "Archive or data file", "", _FILES)[0]

    def _on_choice(self, place: int) -> None:
        asked = {FOLDER: self.ask_folder, ZIP: self.ask_zip}.get(self.combo.itemText(place))
        spec = asked() if asked is not None else self._sources[place][0]
        if spec:
            self.select(spec)
            self.chosen.emit(spec)
        else:
            self.combo.setCurrentIndex(self._at)

    def _quiet(self) -> None:
        for w in (self.text, self.error, self.grid, self.bar, self.cancel_button):
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
