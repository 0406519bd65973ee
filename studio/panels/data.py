"""Where the training data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtCore import Qt, Signal
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
ANY_FILE = "File… (zip, tar, IDX, npz, txt)"
Kind = Literal["pictures", "text", "any"]
_FILES = "Pictures (*.zip *.tar *.tar.xz *.txz *.tar.gz *.tgz *.tar.bz2 *.npz *.npy *.idx *.gz *ubyte);;All files (*)"
_TEXTS = "Text, one sentence a line, or an oracle (*.txt *.txt.gz *.npz);;All files (*)"
_TITLES = {"pictures": "Archive or data file", "text": "Text file", "any": "Pictures or text"}
_PATTERNS = {"pictures": _FILES, "text": _TEXTS, "any": f"{_FILES.partition(';;')[0]};;Text, one sentence a line (*.txt *.txt.gz);;All files (*)"}


class DataPicker(QFrame):
    """The built-in sources, a folder, a file, a data set of the hub; or drop something here.

    Signals:
        chosen(str): what `--data` would be given.
        cancelled(): the person does not want to wait.
        browse(): all the pictures are to be seen.
        choosing(): another source is about to be chosen, so what was shown is not it.
        offered(dict): other settings with which the source may be read, as the person has pressed.

    Attributes:
        grid, card: a few of the data, and what is known about all of them; of "any" kind, those of what came last.
    """

    chosen = Signal(str)
    cancelled = Signal()
    browse = Signal()
    choosing = Signal()
    offered = Signal(object)

    def __init__(self, sources: Sequence[tuple[str, str]], kind: Kind = "pictures") -> None:
        """Built-in sources, what `--data` is given and a line about each; and what they are of."""
        super().__init__()
        self._kind = kind
        self.setAcceptDrops(True)
        self._sources, self._spec = list(sources), sources[0][0]
        self._fixed = {spec for spec, _ in sources}
        self._left = False  # another source is being chosen, and is not yet
        self.combo = Combo([title for _, title in sources])
        self.combo.insertSeparator(len(sources))
        self.combo.addItems([TEXT_FILE] if kind == "text" else [FOLDER, FILE if kind == "pictures" else ANY_FILE, HUB])
        self.combo.setMinimumContentsLength(12)
        self.combo.setToolTip(f"Where the data comes from; {'a file' if kind == 'text' else 'a folder or a file'} may also be dropped here")
        self.combo.setAccessibleName("Data")
        self.combo.activated.connect(self._on_choice)
        self.text, self.error = ElidedLabel("", "caption"), label(kind="bad")
        self.error.setWordWrap(True)
        self._parts: dict[str, tuple[ImageGrid | SentenceList, DataCard]] = {}  # by what the data are
        if kind != "text":
            self._parts["pictures"] = ImageGrid(columns=7, rows=3, max_zoom=2), DataCard()
        if kind != "pictures":
            self._parts["text"] = SentenceList(numbered=False, marked=False, selects=False), TextCard(rows=4)
        self.grid, self.card = next(iter(self._parts.values()))
        self.offers, self._ways_out = QWidget(), column(spacing=4)
        self.offers.setLayout(self._ways_out)
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
        body.addWidget(self.error)
        body.addWidget(self.offers)
        for grid, card in self._parts.values():
            card.browse.connect(self.browse)
            body.addWidget(card)
            body.addWidget(grid)
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
            self.grid, self.card = self._parts.get("pictures" if isinstance(few, np.ndarray) else "text", (self.grid, self.card))
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

    def refuse(self, sentence: str, offers: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> None:
        """Why the chosen source cannot be read, and with which other settings it may be; without any a file or folder is not offered again."""
        at = self._place()
        if at >= 0 and self._spec not in self._fixed and not offers:
            self.combo.setPlaceholderText(self._sources.pop(at)[1])
            self.combo.removeItem(at)
            self.combo.setCurrentIndex(-1)
        self.show_error(sentence)
        while (item := self._ways_out.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for words, change in offers:
            told = ", ".join(f"{name} = {value}" for name, value in change.items())
            way = button(words, tip=f"Reads it again with {told}", clicked=partial(self._offer, change))
            self._ways_out.addWidget(way, 0, Qt.AlignmentFlag.AlignLeft)
        self.offers.setVisible(bool(offers))

    def _offer(self, change: Mapping[str, Any], *_: object) -> None:
        self.offered.emit(dict(change))

    def show_words(self, text: str) -> None:
        """A quiet line instead of pictures."""
        self._quiet()
        self.text.setText(text)
        self.text.show()

    def show_progress(self, done: int, total: int) -> None:
        """While a source is read; a total of 0 is unknown."""
        for w in (self.error, self.offers, *self._shown()):
            w.hide()
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(True)
        self.cancel_button.setVisible(True)
        if self._kind != "pictures":  # text is counted in bytes, which say little
            self.text.setText(f"reading, {done / total:.0%}" if total else "reading …")
        else:
            self.text.setText(f"reading {done:,} of {total:,}" if total else f"reading, {done:,} so far" if done else "looking it up …")
        self.text.show()

    def ask_folder(self) -> str:
        """The folder that the person picks; "" for none."""
        return QFileDialog.getExistingDirectory(self, "Folder of pictures")

    def ask_file(self) -> str:
        """The file that the person picks; "" for none."""
        return QFileDialog.getOpenFileName(self, _TITLES[self._kind], "", _PATTERNS[self._kind])[0]

    def _on_choice(self, place: int) -> None:
        text = self.combo.itemText(place)
        self.hub.setVisible(text == HUB)
        if text == HUB:
            self.show_error("")
            self._left = True
            self.choosing.emit()
            self.name.setFocus()
            return
        asked = {FOLDER: self.ask_folder, **dict.fromkeys((FILE, TEXT_FILE, ANY_FILE), self.ask_file)}.get(text)
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
        for w in (self.text, self.error, self.offers, *self._shown(), self.bar, self.cancel_button):
            w.hide()

    def _shown(self) -> list[QWidget]:
        return [w for pair in self._parts.values() for w in pair]

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
