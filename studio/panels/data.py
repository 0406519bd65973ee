"""Where the training data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QProgressBar, QWidget

from studio import theme
from studio.panels.datacard import DataCard
from studio.panels.interpolation import smaller
from studio.panels.samples import ImageGrid
from studio.panels.sentencelist import LINE, SentenceList, digits
from studio.panels.textcard import TextCard
from studio.widgets import Combo, ElidedLabel, button, column, label, row

FOLDER, FILE, HUB = "Folder…", "File… (zip, tar, IDX, npz)", "Hugging Face data set…"
PREFIX = "hub:"
TEXT_FILE = "File… (txt, txt.gz, npz of an oracle)"
_FILES = "Pictures (*.zip *.tar *.tar.xz *.txz *.tar.gz *.tgz *.tar.bz2 *.npz *.npy *.idx *.gz *ubyte);;All files (*)"
_TEXTS = "Text, one sentence a line, or an oracle (*.txt *.txt.gz *.npz);;All files (*)"


class DataPicker(QFrame):
    """The built-in sources, a folder, a file, a data set of the hub; or drop something here.

    Signals:
        chosen(str): what `--data` would be given.
        cancelled(): the person does not want to wait.
        browse(): all the pictures are to be seen.
        choosing(): another source is about to be chosen, so what was shown is not it.
    """

    chosen = Signal(str)
    cancelled = Signal()
    browse = Signal()
    choosing = Signal()

    def __init__(self, sources: Sequence[tuple[str, str]], kind: Literal["pictures", "text"] = "pictures") -> None:
        """Built-in sources, what `--data` is given and a line about each; and what they are of."""
        super().__init__()
        self._text = kind == "text"
        self.setAcceptDrops(True)
        self._sources, self._spec = list(sources), sources[0][0]
        self._fixed = {spec for spec, _ in sources}
        self._left = False  # another source is being chosen, and is not yet
        self.combo = Combo([title for _, title in sources])
        self.combo.insertSeparator(len(sources))
        self.combo.addItems([TEXT_FILE] if self._text else [FOLDER, FILE, HUB])
        self.combo.setMinimumContentsLength(12)
        self.combo.setToolTip(f"Where the data comes from; {'a file' if self._text else 'a folder or a file'} may also be dropped here")
        self.combo.setAccessibleName("Data")
        self.combo.activated.connect(self._on_choice)
        self.text, self.error = ElidedLabel("", "caption"), label(kind="bad")
        self.error.setWordWrap(True)
        self.grid = SentenceList(numbered=False, marked=False, selects=False) if self._text else ImageGrid(columns=7, rows=3, max_zoom=2)
        self.card = TextCard(rows=4) if self._text else DataCard()
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
        known, self._spec, self._left = [s for s, _ in self._sources], spec, False
        if spec not in known:
            self._sources.append((spec, title or Path(spec).name or spec))
            self.combo.insertItem(len(known), self._sources[-1][1])
            known.append(spec)
        self.combo.setCurrentIndex(known.index(spec))
        self.hub.setVisible(spec.startswith(PREFIX) and not self.hub.isHidden())  # another name may have to be tried

    def source(self) -> str:
        """The spec of the chosen source."""
        return self._spec

    def preview(self, few: np.ndarray | Sequence[str] | None, card: Mapping[str, Any] | None = None) -> None:
        """A few of the pictures or sentences, and what is known about all of them; None for none that can be read."""
        self._quiet()
        if few is not None:
            self.hub.hide()
            self.select(self._spec)  # it may have been refused before, for example at another size
        if card is not None:
            self.card.show_card(card)
            self.card.show()
        if few is not None and len(few):
            self._show_few(few)
            self.grid.show()

    def _show_few(self, few: np.ndarray | Sequence[str]) -> None:
        if isinstance(self.grid, SentenceList):
            texts = [str(text) for text in few]
            self.grid.setFixedHeight(len(texts) * theme.theme().px(LINE) + 2)
            self.grid.show_sentences(np.arange(len(texts)), texts.__getitem__, most=len(texts), digits=digits(texts))
        else:
            self.grid.show_images(smaller(np.asarray(few)))

    def show_error(self, sentence: str) -> None:
        """Why the source cannot be read."""
        self._quiet()
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def refuse(self, sentence: str) -> None:
        """Why the chosen source cannot be read; a file or folder is not offered again."""
        at = self._place()
        if at >= 0 and self._spec not in self._fixed:
            self.combo.setPlaceholderText(self._sources.pop(at)[1])
            self.combo.removeItem(at)
            self.combo.setCurrentIndex(-1)
        self.show_error(sentence)

    def show_words(self, text: str) -> None:
        """A quiet line instead of pictures."""
        self._quiet()
        self.text.setText(text)
        self.text.show()

    def show_progress(self, done: int, total: int) -> None:
        """While a source is read; a total of 0 is unknown."""
        for w in (self.error, self.card, self.grid):
            w.hide()
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(True)
        self.cancel_button.setVisible(True)
        if self._text:  # counted in bytes, which say little
            self.text.setText(f"reading, {done / total:.0%}" if total else "reading …")
        else:
            self.text.setText(f"reading {done:,} of {total:,}" if total else f"reading, {done:,} so far" if done else "looking it up …")
        self.text.show()

    def ask_folder(self) -> str:
        """The folder that the person picks; "" for none."""
        return QFileDialog.getExistingDirectory(self, "Folder of pictures")

    def ask_file(self) -> str:
        """The file that the person picks; "" for none."""
        title, files = ("Text file", _TEXTS) if self._text else ("Archive or data file", _FILES)
        return QFileDialog.getOpenFileName(self, title, "", files)[0]

    def _on_choice(self, place: int) -> None:
        text = self.combo.itemText(place)
        self.hub.setVisible(text == HUB)
        if text == HUB:
            self.show_error("")
            self._left = True
            self.choosing.emit()
            self.name.setFocus()
            return
        asked = {FOLDER: self.ask_folder, FILE: self.ask_file, TEXT_FILE: self.ask_file}.get(text)
        spec = asked() if asked is not None else self._sources[place][0]
        if spec:
            self.select(spec)
            self.chosen.emit(spec)
        else:
            self.combo.setCurrentIndex(self._place())
            if self._left:
                self._left = False
                self.chosen.emit(self._spec)

    def _place(self) -> int:
        """Of the chosen source in the list; -1 if it has been refused."""
        return next((i for i, (spec, _) in enumerate(self._sources) if spec == self._spec), -1)

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
