"""A list of sentences of any length: only those that are seen are ever put into words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from studio import theme

_Index = QModelIndex | QPersistentModelIndex
PLACE, HELD = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.UserRole) + 1
LINE = 24
HELD_OUT, FIGURE = "held out", "\u2007"  # a space as wide as a figure


class Sentences(QAbstractListModel):
    """Some of the sentences of a data set, in an order."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.places = np.empty(0, np.int64)
        self._text: Callable[[int], str] = str
        self._held: np.ndarray | None = None

    def show(self, places: np.ndarray, text: Callable[[int], str], held: np.ndarray | None = None) -> None:
        """(n,) places in the data set, the words of one, and (N,) bool whether it is held out."""
        self.beginResetModel()
        self.places, self._text, self._held = places, text, held
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Sentences that are listed."""
        return 0 if parent is not None and parent.isValid() else len(self.places)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The sentence, its place, and whether it is held out."""
        if not 0 <= index.row() < len(self.places):
            return None
        place = int(self.places[index.row()])
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(place)
        if role == PLACE:
            return place
        if role == HELD:
            return self._held is not None and bool(self._held[place])
        return None


class _Line(QStyledItemDelegate):
    """The place in a column, the sentence, and at the right what is held out."""

    def __init__(self, view: SentenceList) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """One line."""
        t, view = theme.theme(), self._view
        box = QRectF(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        state = option.state  # pyright: ignore[reportAttributeAccessIssue]
        inner = box.adjusted(2, 0, -2, 0)  # within the frame of the focus
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(inner, QColor(theme.mix(t.panel, theme.accent(view), theme.TINT_OPACITY)))
        elif state & QStyle.StateFlag.State_MouseOver and view.selects:
            painter.fillRect(inner, QColor(t.hover))
        small = theme.font(11)
        left = box.left() + t.px(4)
        if view.numbered:
            wide = QFontMetricsF(small).horizontalAdvance(f"{view.most:,}")
            painter.setFont(small)
            painter.setPen(QColor(t.muted))
            where = QRectF(left, box.top(), wide, box.height())
            painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{index.data(PLACE) + 1:,}")
            left += wide + t.px(12)
        right = box.right() - t.px(6)
        if view.marked:
            wide = QFontMetricsF(small).horizontalAdvance(HELD_OUT)
            if index.data(HELD):
                painter.setFont(small)
                painter.setPen(QColor(t.curves["judge"]))
                painter.drawText(QRectF(right - wide, box.top(), wide + 1, box.height()), Qt.AlignmentFlag.AlignVCenter, HELD_OUT)
            right -= wide + t.px(12)
        painter.setFont(view.face())
        painter.setPen(QColor(t.ink))
        text = painter.fontMetrics().elidedText(view.aligned(index.data()), Qt.TextElideMode.ElideRight, int(right - left))
        painter.drawText(QRectF(left, box.top(), right - left, box.height()), Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


class SentenceList(QTableView):
    """Numbered sentences, one a line. A table of one column, because a list view measures every line: 1.3 s for a million.

    Signals:
        selected (int): the place of a sentence in the data set; -1 for none.
    """

    selected = Signal(int)

    def __init__(self, *, numbered: bool = True, marked: bool = True, selects: bool = True) -> None:
        """With the place of each, with what is held out, and with one that may be selected."""
        super().__init__()
        self.numbered, self.marked, self.selects = numbered, marked, selects
        self.most, self._digits = 0, 0
        self.listed = Sentences(self)
        self.setModel(self.listed)
        self.setItemDelegate(_Line(self))
        self.setShowGrid(False)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.theme().px(LINE))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setAccessibleName("Sentences")
        self.setMouseTracking(True)
        if not selects:
            self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        theme.notifier.changed.connect(self.again)

    def show_sentences(self, places: np.ndarray, text: Callable[[int], str], *, held: np.ndarray | None = None, most: int, digits: int = 0) -> None:
        """Replace all; `most` is the largest place plus one, `digits` are those of the largest token, where tokens are numbers."""
        self.most, self._digits = most, digits
        self.listed.show(places, text, held)
        self.scrollToTop()

    def face(self) -> QFont:
        """The font of a sentence; its figures are of equal width."""
        return theme.font(12 if self._digits else 13)

    def aligned(self, text: str) -> str:
        """Numbers with room in front, so that they stand below each other."""
        return " ".join(part.rjust(self._digits, FIGURE) for part in text.split()) if self._digits else text

    def place(self) -> int:
        """Of the selected sentence in the data set; -1 for none."""
        chosen = self.selectionModel().selectedRows()
        return int(chosen[0].data(PLACE)) if chosen else -1

    def again(self) -> None:
        """Lines are as high as the scale says."""
        self.verticalHeader().setDefaultSectionSize(theme.theme().px(LINE))

    def _on_selection(self, *_: object) -> None:
        self.selected.emit(self.place())


def digits(texts: Sequence[str]) -> int:
    """Of the largest number, if all tokens are numbers; 0 otherwise."""
    found = [part for text in texts for part in text.split()]
    return max(map(len, found), default=0) if all(part.isascii() and part.isdecimal() for part in found) else 0
