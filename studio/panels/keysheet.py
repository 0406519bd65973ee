"""All shortcuts on one sheet, made from the table of actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from studio import theme
from studio.actions import ACTIONS, GROUPS, STAGE_KEYS, StageKey
from studio.panels.scrolling import scrolled
from studio.panels.veil import Veil
from studio.widgets import column, label, row, tool

WIDE, HIGH, COLUMN = 1040, 720, 310  # pixels at scale 1


def native(keys: str) -> str:
    """A shortcut as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText).replace("Return", "Enter")


class KeySheet(Veil):
    """Groups of the table, and the keys of the page that is seen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Keyboard shortcuts")
        head = row(label("Keyboard shortcuts", "title"), 1, tool("close", "Close (Esc)", self.close_veil))
        head.setContentsMargins(20, 14, 12, 6)
        self.body.addLayout(head)
        self._inside = QWidget()
        self.area = scrolled(self._inside, sideways=False)
        self.body.addWidget(self.area, 1)
        self._page, self._title, self._columns = "", "", 0

    def show_page(self, name: str, title: str) -> None:
        """Open it for a page of PAGES."""
        self._page, self._title, self._columns = name, title, 0
        self.open()
        self.setFocus()

    def texts(self) -> list[str]:
        """All keys and words on it."""
        return [text for block in self._blocks() for text in block.property("texts")]

    def fit(self) -> None:
        """In the middle, with as many columns as there is room for."""
        px = theme.theme().px
        wide = min(px(WIDE), self.width() - 32)
        columns = max(1, min(3, wide // px(COLUMN)))
        if columns != self._columns:
            self._columns = columns
            self._inside = self._filled(columns)
            self.area.setWidget(self._inside)
        needed = max(self._inside.heightForWidth(wide - px(16)), self._inside.sizeHint().height()) + px(64)
        high = min(needed, px(HIGH), self.height() - 32)
        self.card.setGeometry((self.width() - wide) // 2, (self.height() - high) // 2, wide, high)

    def again(self) -> None:
        """Another scheme or size needs other heights."""
        self._columns = 0
        super().again()

    def _filled(self, columns: int) -> QWidget:
        """The blocks, each in the column that is shortest so far."""
        px = theme.theme().px
        inside = QWidget()
        inside.setProperty("kind", "clear")
        line = row(spacing=px(32))
        line.setContentsMargins(20, 4, 20, 20)
        holders, filled = [column(spacing=px(16)) for _ in range(columns)], [0] * columns
        for holder in holders:
            line.addLayout(holder, 1)
        for block in self._blocks():
            c = filled.index(min(filled))
            holders[c].addWidget(block)
            filled[c] += len(block.property("texts"))
        for holder in holders:
            holder.addStretch(1)
        inside.setLayout(line)
        return inside

    def _blocks(self) -> list[QWidget]:
        own = [k for k in STAGE_KEYS if self._page in k.pages]
        return [*([self._stage(self._title, own)] if own else []), *(self._group(g) for g in GROUPS)]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, and what opened it, close it; arrows scroll."""
        bar, key = self.area.verticalScrollBar(), event.key()
        by = {Qt.Key.Key_Down: 40, Qt.Key.Key_Up: -40, Qt.Key.Key_PageDown: 300, Qt.Key.Key_PageUp: -300}.get(Qt.Key(key))
        if by is not None:
            bar.setValue(bar.value() + by)
        else:
            super().keyPressEvent(event)

    def _group(self, name: str) -> QWidget:
        lines = [([native(k) for k in a.keys if k != "Ctrl+Enter"], a.title, "") for a in ACTIONS if a.group == name and a.keys]
        return _block(name, lines)

    def _stage(self, title: str, keys: Sequence[StageKey]) -> QWidget:
        return _block(f"{title}: with the focus there", [([k.keys], k.what, k.where) for k in keys])


def _block(title: str, lines: Sequence[tuple[Sequence[str], str, str]]) -> QWidget:
    block = QWidget()
    body = column(block, spacing=4)
    body.addWidget(label(title, "section"))
    texts = [title]
    where_before = ""
    for keys, what, where in lines:
        if where and where != where_before:
            body.addWidget(label(where[:1].upper() + where[1:], "caption"))
            where_before = where
        words = label(what)
        words.setWordWrap(True)
        caps = [label(k, "key") for k in keys]
        line = row(words, *caps, spacing=4)
        line.setStretch(0, 1)
        for cap in caps:
            line.setAlignment(cap, Qt.AlignmentFlag.AlignTop)
        body.addLayout(line)
        texts += [*keys, what]
    block.setProperty("texts", texts)
    return block
