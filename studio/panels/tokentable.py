"""The sheet's table of one alternative: what the nets say of every token."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView, QWidget

from models.algorithms.maskgan.fillings import COLUMNS, Fillings
from studio import theme
from studio.panels.fillings import TITLES
from studio.panels.tokenheat import short
from studio.widgets import ElidedLabel, column, label, row

_Index = QModelIndex | QPersistentModelIndex
HEADS = ("word", "p(real)", "log p", *COLUMNS[1:])
TIPS = (
    "The words of the alternative that is on the desk; blanks are in accent",
    "D's probability that the token is real, given the sentence with its blanks",
    "The net's log probability of the filling after what stands before it, in nats",
    "r: the reward of the token, log D",
    "R: the discounted return, the sum of γ^(s−t) r_s over the blanks s from t on",
    "V: the critic's value b_t, what it expects R to be",
    "A: the advantage R − V, which is what the filling is pushed by",
)
LINE = 22


class _Tokens(QAbstractTableModel):
    """Words and numbers; a dash for a number that a token does not have."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.words: tuple[str, ...] = ()
        self.stale = False
        self.blanks: frozenset[int] = frozenset()
        self.values = np.zeros((0, len(HEADS) - 1))

    def show(self, words: tuple[str, ...], blanks: frozenset[int], values: np.ndarray) -> None:
        """Other rows."""
        self.beginResetModel()
        self.words, self.blanks, self.values = words, blanks, values
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Tokens."""
        return 0 if parent is not None and parent.isValid() else len(self.words)

    def columnCount(self, parent: _Index | None = None) -> int:
        """The word and its numbers."""
        return 0 if parent is not None and parent.isValid() else len(HEADS)

    def text(self, place: int, c: int) -> str:
        """What a cell says."""
        return self.words[place] if c == 0 else short(float(self.values[place, c - 1]), 3)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, its place and its looks."""
        place, c = index.row(), index.column()
        if not 0 <= place < len(self.words):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(place, c)
        if role == Qt.ItemDataRole.ToolTipRole:
            value = (
                f"{self.words[place]}: {self.values[place, c - 1]:.6g}\n".replace("-", "−") if c and np.isfinite(self.values[place, c - 1]) else ""
            )
            return value + TIPS[c]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if c else Qt.AlignmentFlag.AlignLeft))
        if role == Qt.ItemDataRole.FontRole:
            return theme.font(12, 600 if c == 0 and place in self.blanks else 400)
        if role == Qt.ItemDataRole.ForegroundRole:
            blank = place in self.blanks
            t = theme.theme()
            colour = theme.accent(self.parent()) if blank and not c else t.ink if blank or not c else t.muted  # pyright: ignore[reportArgumentType]
            return QColor(theme.mix(t.panel, colour, theme.STALE_OPACITY) if self.stale else colour)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a column is."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft))
        return None


class TokenTable(QWidget):
    """A line a token of the alternative that is on the desk; the copy keys give it with tabs.

    Signals:
        chosen(int): the person chose the token at this place.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.right = ElidedLabel("", "caption")
        self.right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(label("Token table", "section"), self.right)
        head.setStretch(1, 1)
        self.empty = label("No fillings yet", "muted")
        self.view = QTableView()
        self._model = _Tokens(self)
        self._build()
        body = column(self, spacing=6)
        body.addLayout(head)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.view, 1)
        self.view.hide()
        self.setFocusProxy(self.view)
        self.setAccessibleName("Token table")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._telling = True
        self._places: list[int] = []  # of the rows
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def _build(self) -> None:
        view = self.view
        view.setProperty("kind", "numbers")
        view.setModel(self._model)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName("Token table")
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across = view.horizontalHeader()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setHighlightSections(False)
        across.setSectionsClickable(False)
        view.installEventFilter(self)

    def show_fillings(self, fillings: Fillings) -> None:
        """The table of alternative `shown`, without what stands behind its end; the chosen token stays."""
        if not fillings.n:
            self.show_reason("No fillings")
            return
        place = self.place()
        row_ = fillings.tokens[fillings.shown]
        there = [i for i, word in enumerate(row_) if word]
        values = np.stack([fillings.realism[fillings.shown], *(fillings.table[name] for name in COLUMNS)], 1)
        self._places = there
        self.set_stale(False)
        self._model.show(tuple(row_[i] for i in there), frozenset(there.index(b) for b in fillings.blanks if b in there), values[there])
        self.right.setText(f"{TITLES.get(fillings.net, fillings.net)}, alternative {fillings.shown + 1}")
        self.empty.hide()
        self.view.show()
        self.choose(place)

    def show_reason(self, text: str) -> None:
        """Why there is none, in one line."""
        self._places = []
        self._model.show((), frozenset(), np.zeros((0, len(HEADS) - 1)))
        self.right.setText("")
        self.empty.setText(text)
        self.empty.show()
        self.view.hide()

    def choose(self, place: int) -> None:
        """Choose a token, or none for -1, without telling anybody."""
        self._telling = False
        if place in self._places:
            self.view.selectRow(self._places.index(place))
        else:
            self.view.clearSelection()
        self._telling = True

    def place(self) -> int:
        """The chosen token; -1 for none."""
        rows = self.view.selectionModel().selectedRows()
        return self._places[rows[0].row()] if rows else -1

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present desk."""
        if stale != self._model.stale:
            self._model.stale = stale
            self.view.viewport().update()

    def tsv(self) -> str:
        """All of it, with tabs and a line of heads; nothing where there is no number."""
        lines = ["\t".join(HEADS)]
        for word, values in zip(self._model.words, self._model.values, strict=True):
            lines.append("\t".join([word, *("" if np.isnan(v) else f"{v:.6g}" for v in values)]))
        return "\n".join(lines)

    def copy(self) -> None:
        """To the clipboard."""
        if self._model.words:
            QGuiApplication.clipboard().setText(self.tsv())

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """The copy keys."""
        if watched is self.view and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return True
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """Ten tokens."""
        return QSize(theme.theme().px(480), theme.theme().px(56 + 10 * LINE))

    def minimumSizeHint(self) -> QSize:
        """Three."""
        return QSize(theme.theme().px(320), theme.theme().px(56 + 3 * LINE))

    def _sizes(self) -> None:
        self.view.verticalHeader().setDefaultSectionSize(theme.theme().px(LINE))

    def _on_selection(self, *_: object) -> None:
        if self._telling and self.place() >= 0:
            self.chosen.emit(self.place())
