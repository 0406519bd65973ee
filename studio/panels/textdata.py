"""All sentences of a data set, searchable, of which only those that are seen are ever put into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from models.data.vocabulary import UNKNOWN_WORD
from studio import theme
from studio.panels.browser import Browser
from studio.panels.scrolling import aside
from studio.panels.sentencelist import SentenceList
from studio.panels.textcard import TextCard
from studio.panels.textsearch import found
from studio.widgets import Card, Segmented, column, label, row

WAIT = 150  # milliseconds after the last letter
SPLITS = ("All", "Trained on", "Held out")


class TextBrowsePanel(Browser):
    """A list with a search, beside the data's card."""

    def __init__(self) -> None:
        super().__init__()
        self._held = np.empty(0, bool)
        self.split = Segmented(SPLITS, ("", "What a run learns from", "What it is measured on, and never learns from"))
        self.split.setAccessibleName("Which sentences")
        self.split.chosen.connect(self._filter)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Words to search for")
        self.search.setFixedWidth(theme.theme().px(220))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(WAIT)
        self._later.timeout.connect(self._filter)
        self.search.textChanged.connect(lambda *_: self._later.start())
        self.search.returnPressed.connect(self._filter)
        self.list = SentenceList()
        self.list.selected.connect(self._tell)
        self.nothing = label("", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.card = TextCard(columns=2, rows=12)
        self.one, self.words, self.about = Card("Sentence"), label(), label("", "caption")
        for text in (self.words, self.about):
            text.setWordWrap(True)
            self.one.body.addWidget(text)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.one.hide()
        top = row(self.back, self.title, self.split, self.search, spacing=12)
        top.setStretch(1, 1)
        holder = Card()
        holder.body.setContentsMargins(1, 1, 1, 1)  # the list's own frame shows the focus
        holder.body.addWidget(self.list, 1)
        holder.body.addWidget(self.nothing, 1)
        body = row(holder, spacing=16)
        body.setStretch(0, 1)
        body.addWidget(aside(self.one, self.card))
        whole = column(self, spacing=12)
        whole.addLayout(top)
        whole.addLayout(body, 1)

    def show_data(self, data: Any, card: Mapping[str, Any]) -> None:
        """A TextSet and its card; a sentence is put into words when it is seen."""
        self._data = data
        self._held = np.zeros(len(data), bool)
        self._held[data.held_out] = True
        self.card.show_card(card)
        self.card.browse_button.hide()
        self.split.show()
        self.search.show()
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self.search.setToolTip(_hint(data))
        self.split.select(0)
        self._filter()
        self.list.setFocus()

    def show_waiting(self, text: str) -> None:
        """What is happening while the data are read."""
        self._data = None
        self.title.setText(text)
        self.split.hide()
        self.search.hide()
        self.one.hide()
        self.list.show_sentences(np.empty(0, np.int64), str, most=0)

    def _filter(self, *_: object) -> None:
        self._later.stop()
        if self._data is None:
            return
        data, query = self._data, self.search.text()
        wanted = found(data.tokens, data.words, data.joiner, query)
        if side := self.split.selected():
            wanted &= self._held if side == 2 else ~self._held
        places = np.flatnonzero(wanted)
        self.one.hide()
        self.list.show_sentences(places, data.text, held=self._held, most=len(data), digits=0 if data.words else len(str(data.V - 1)))
        self.list.setVisible(bool(len(places)))
        self.nothing.setVisible(not len(places))
        self.nothing.setText(f"No sentence has {query.strip()!r}." if query.strip() else "There are none.")
        what = "draws" if hasattr(data, "p") else "sentences"  # of a known distribution
        count, every = f"{len(data):,} {what}", len(places) == len(data)
        told = count in data.title
        shown = ("" if told else f"all {count}") if every else f"{len(places):,} shown" if told else f"{len(places):,} of {count}"
        self.title.setText(" · ".join(filter(None, (data.title, shown))))

    def _tell(self, place: int) -> None:
        """The selected sentence in full."""
        self.one.setVisible(place >= 0)
        if place >= 0:
            data = self._data
            self.one.heading.setText(f"{'Draw' if hasattr(data, 'p') else 'Sentence'} {place + 1:,} of {len(data):,}")
            self.words.setText(data.text(place))
            ids = np.asarray(data.tokens[place])
            length = int((ids != 0).argmin()) if data.ends and not ids.all() else len(ids)
            unknown = int((ids[:length] == 1).sum()) if data.words[1:2] == (UNKNOWN_WORD,) else 0
            parts = [f"{length} token{'s' if length != 1 else ''}", f"{unknown} unknown" if unknown else ""]
            self.about.setText(" · ".join(filter(None, [*parts, "held out from training" if self._held[place] else "trained on"])))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+F searches; Esc goes back."""
        if event.key() == Qt.Key.Key_F and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.search.setFocus()
        else:
            super().keyPressEvent(event)


def _hint(data: Any) -> str:
    """What a search finds."""
    if not data.words:
        return "Sentences that have all of these numbers (Ctrl+F)"
    return (
        "Sentences that have all of these words, or parts of them (Ctrl+F)"
        if data.joiner
        else "Sentences that have these characters in a row (Ctrl+F)"
    )
