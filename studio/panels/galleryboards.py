"""The boards beside the gallery: all, starred, and the ordered sets that a person makes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QMenu, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio import theme
from studio.panels.gallerymodel import MIME, dropped
from studio.widgets import column, label, row, tool

ALL, STARRED, BOARD = "all", "starred", "board"
NAME, KIND, COUNT = (int(Qt.ItemDataRole.UserRole) + i for i in range(3))
WIDE = 164
_EDITABLE = Qt.ItemFlag.ItemIsEditable


class _Line(QStyledItemDelegate):
    """A board, and at the right how many samples it has."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """The name ends before the number."""
        super().initStyleOption(option, index)
        room = theme.theme().px(WIDE - 74)
        option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideRight, room)  # pyright: ignore[reportAttributeAccessIssue]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Name and number."""
        super().paint(painter, option, index)
        box = QRect(option.rect).adjusted(0, 0, -theme.theme().px(8), 0)  # pyright: ignore[reportAttributeAccessIssue]
        painter.setPen(QColor(theme.theme().muted))
        painter.setFont(theme.font(11))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{index.data(COUNT):,}")


class BoardList(QListWidget):
    """The list itself, on whose boards entries can be dropped.

    Signals:
        dropped(str, object): a board's name and the numbers dropped on it.
    """

    dropped = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DropOnly)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Boards")
        self.setItemDelegate(_Line(self))
        self.setStyleSheet("QListWidget, QListWidget:focus { background: transparent; border: none; }")

    def dragEnterEvent(self, e: QDragEnterEvent) -> None:
        """Entries only."""
        if e.mimeData().hasFormat(MIME):
            e.acceptProposedAction()
        else:
            e.ignore()

    def dragMoveEvent(self, e: QDragMoveEvent) -> None:
        """On boards only."""
        item = self.itemAt(e.position().toPoint())
        if e.mimeData().hasFormat(MIME) and item is not None and item.data(KIND) == BOARD:
            e.acceptProposedAction()
        else:
            e.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """They are put on that board."""
        item = self.itemAt(event.position().toPoint())
        if item is not None and item.data(KIND) == BOARD and event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()
            self.dropped.emit(item.data(NAME), dropped(event.mimeData()))


class GalleryBoards(QWidget):
    """All samples, starred ones, boards.

    Signals:
        chosen(str, str): ALL, STARRED or BOARD, and the board's name.
        made(str): a new board is wanted. renamed(str, str): another name for one. removed(str): one is to go.
        dropped(str, object): numbers were dropped on a board.
    """

    chosen = Signal(str, str)
    made = Signal()
    renamed = Signal(str, str)
    removed = Signal(str)
    dropped = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.list = BoardList()
        self.list.dropped.connect(self.dropped)
        self.list.currentItemChanged.connect(lambda *_: self._tell())
        self.list.itemChanged.connect(self._on_edited)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.installEventFilter(self)
        self.new_button = tool("new", "New board, of what is selected (Ctrl+B)", self.made.emit)
        head = row(label("Boards", "section"), 1, self.new_button)
        body = column(self, spacing=4)
        body.addLayout(head)
        body.addWidget(self.list, 1)
        self.setFixedWidth(theme.theme().px(WIDE))
        self._quiet = False
        theme.notifier.changed.connect(self._sizes)

    def show_boards(self, total: int, starred: int, boards: Sequence[tuple[str, int]]) -> None:
        """What there is; the same is chosen as before, as long as it is there."""
        now = self.now()
        self._quiet = True
        self.list.clear()
        for kind, name, count in [(ALL, "All samples", total), (STARRED, "Starred", starred), *((BOARD, n, c) for n, c in boards)]:
            item = QListWidgetItem(name)
            item.setData(KIND, kind)
            item.setData(COUNT, count)
            item.setData(NAME, name if kind == BOARD else "")
            item.setToolTip(f"{name}: {count:,} sample{'s' * (count != 1)}" + (" · drop samples here · F2 renames" if kind == BOARD else ""))
            item.setSizeHint(QSize(0, theme.theme().px(28)))
            item.setIcon(theme.icon({ALL: "gallery", STARRED: "star", BOARD: "board"}[kind], theme.theme().muted))
            flags = item.flags() & ~_EDITABLE
            item.setFlags(flags | _EDITABLE if kind == BOARD else flags)
            self.list.addItem(item)
        self._select(*now)
        self._quiet = False

    def now(self) -> tuple[str, str]:
        """What is chosen."""
        item = self.list.currentItem()
        return (item.data(KIND), item.data(NAME)) if item is not None else (ALL, "")

    def choose(self, kind: str, name: str = "") -> None:
        """Go to a board, or to all samples."""
        self._select(kind, name)

    def edit(self, name: str) -> None:
        """Let the person type a name for a board."""
        self._select(BOARD, name)
        item = self.list.currentItem()
        if item is not None and item.data(KIND) == BOARD:
            self.list.editItem(item)

    def _select(self, kind: str, name: str) -> None:
        for place in range(self.list.count()):
            item = self.list.item(place)
            if (item.data(KIND), item.data(NAME)) == (kind, name):
                self.list.setCurrentRow(place)
                return
        self.list.setCurrentRow(0)

    def _tell(self) -> None:
        if not self._quiet:
            self.chosen.emit(*self.now())

    def _on_edited(self, item: QListWidgetItem) -> None:
        old, new = item.data(NAME), item.text().strip()
        if not self._quiet and item.data(KIND) == BOARD and old != new:
            self.renamed.emit(old, new)

    def _menu(self, point: QPoint) -> None:
        item = self.list.itemAt(point)
        if item is None or item.data(KIND) != BOARD:
            return
        name, menu = item.data(NAME), QMenu(self)
        menu.addAction("Rename").triggered.connect(lambda: self.list.editItem(item))
        menu.addAction("Delete board").triggered.connect(lambda: self.removed.emit(name))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.list.viewport().mapToGlobal(point))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Del deletes the chosen board; its samples stay."""
        if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Delete:  # pyright: ignore[reportAttributeAccessIssue]
            kind, name = self.now()
            if kind == BOARD:
                self.removed.emit(name)
                return True
        return super().eventFilter(watched, event)

    def _sizes(self) -> None:
        self.setFixedWidth(theme.theme().px(WIDE))
        self._quiet = True
        for place in range(self.list.count()):
            item = self.list.item(place)
            item.setIcon(theme.icon({ALL: "gallery", STARRED: "star", BOARD: "board"}[item.data(KIND)], theme.theme().muted))
            item.setSizeHint(QSize(0, theme.theme().px(28)))
        self._quiet = False
