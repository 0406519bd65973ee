"""Pictures with what a captioner says of them, beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio import picture, theme
from studio.panels.scrolling import scrolled
from studio.widgets import ElidedLabel, column, label, row

SIDE, WIDE = 64, 380  # pixels of a picture; the least width of a column


class CaptionsPanel(QWidget):
    """A picture, the sentence said, and the true one, in as many columns as fit. A word that is not in the truth is struck out."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._pictures, self._said, self._truth, self._notes = np.zeros((0, 1, 1, 3), np.uint8), (), (), ()
        self.right = label("", "caption")
        self.empty = label("", "muted")
        self.empty.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._items: list[_Item] = []
        inside = QWidget()
        inside.setProperty("kind", "clear")
        holder = column(inside)
        holder.addLayout(self._grid)
        holder.addStretch(1)
        self.area = scrolled(inside, sideways=False)
        body = column(self, spacing=6)
        body.addLayout(row(label(title, "section"), 1, self.right))
        body.addWidget(self.empty)
        body.addWidget(self.area, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self._show)

    def show_captions(self, pictures: np.ndarray, said: Sequence[str], truth: Sequence[str], notes: Sequence[str]) -> None:
        """(n, H, W, C) uint8, and for each picture two sentences and a short note."""
        self._pictures, self._said, self._truth, self._notes = pictures, tuple(said), tuple(truth), tuple(notes)
        self._show()

    def show_reason(self, text: str) -> None:
        """Why there are none."""
        self.show_captions(self._pictures[:0], (), (), ())
        self.empty.setText(text)
        self.empty.show()

    def said(self) -> Sequence[str]:
        """The sentences that are shown."""
        return self._said

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another number of columns."""
        super().resizeEvent(event)
        self._place()

    def _show(self) -> None:
        self.empty.hide()
        while len(self._items) < len(self._said):
            self._items.append(_Item())
            self._place(force=True)
        for i, item in enumerate(self._items):
            item.setVisible(i < len(self._said))
            if i < len(self._said):
                item.show_caption(self._pictures[i], self._said[i], self._truth[i], self._notes[i])
        hits = sum(a == b for a, b in zip(self._said, self._truth, strict=True))
        self.right.setText(f"{hits} of {len(self._said)} word for word" if self._said else "")

    def _place(self, *, force: bool = False) -> None:
        """Items into columns."""
        columns = max(1, self.width() // theme.theme().px(WIDE))
        if force or columns != self._columns:
            self._columns = columns
            for i, item in enumerate(self._items):
                self._grid.addWidget(item, *divmod(i, columns))
            for c in range(max(columns, self._grid.columnCount())):
                self._grid.setColumnStretch(c, int(c < columns))

    _columns = 1


class _Item(QWidget):
    """One picture with its two sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self.picture, self.words = QLabel(), label()
        self.truth, self.note = ElidedLabel("", "caption"), ElidedLabel("", "caption")
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        self.words.setMinimumWidth(1)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        texts = column(spacing=0)
        for text in (self.words, self.truth, self.note):
            texts.addWidget(text)
        texts.addStretch(1)
        line = row(self.picture, spacing=12)
        line.addLayout(texts, 1)
        self.setLayout(line)

    def show_caption(self, pixels: np.ndarray, said: str, truth: str, note: str) -> None:
        """Another one."""
        t, ratio = theme.theme(), self.devicePixelRatioF()
        zoom = max(1, int(t.px(SIDE) * ratio) // max(pixels.shape[:2]))
        self.picture.setPixmap(picture.to_pixmap(pixels, zoom, ratio))
        self.picture.setFixedWidth(round(pixels.shape[1] * zoom / ratio))
        known = set(truth.split())
        wrong = f"<span style='color:{t.bad}; text-decoration:line-through'>{{}}</span>"
        self.words.setText(" ".join(escape(w) if w in known else wrong.format(escape(w)) for w in said.split()) or "…")
        self.words.setAccessibleName(f"said: {said}; true: {truth}")
        self.truth.setText("the same, word for word" if said == truth else truth)
        self.note.setText(note)
