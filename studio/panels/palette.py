"""The command palette: one line that finds everything that can be done, and sets every value that has a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio import theme
from studio.finding import Entry, Settable, named, ranked, settings
from studio.panels.veil import Veil
from studio.widgets import label

WIDE, HIGH, TOP, ROW = 640, 460, 56, 30  # pixels at scale 1
_MOVES = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
_ENTRY = Qt.ItemDataRole.UserRole
NOTHING = "Nothing is called that. A value is set by its name: gamma 0.6, seed 42, go 1200."


class _Line(QLineEdit):
    """The line; arrows move the list."""

    moved = Signal(int)
    entered = Signal()
    completed = Signal()

    def keyPressEvent(self, arg__1: QKeyEvent) -> None:
        """Arrows, Enter and Tab; Esc goes to the veil."""
        key = arg__1.key()
        if key in _MOVES:
            self.moved.emit(_MOVES[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key == Qt.Key.Key_Tab:
            self.completed.emit()
        else:
            super().keyPressEvent(arg__1)
            if key == Qt.Key.Key_Escape:
                arg__1.ignore()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab stays: it completes."""
        return False


class _Rows(QStyledItemDelegate):
    """Title at the left, what kind it is at the right; grey where it cannot be done now."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Ground, title, note."""
        t, entry = theme.theme(), index.data(_ENTRY)
        box = QRect(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:  # pyright: ignore[reportAttributeAccessIssue]
            painter.fillRect(box, QColor(t.press))
            painter.fillRect(QRect(box.left(), box.top(), t.px(3), box.height()), QColor(theme.accent(self.parent())))  # pyright: ignore[reportArgumentType]
        can = entry.act is not None or entry.fill
        inside = box.adjusted(t.px(16), 0, -t.px(16), 0)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        note = painter.fontMetrics().elidedText(entry.note, Qt.TextElideMode.ElideMiddle, inside.width() // 2)
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, note)
        inside.setRight(inside.right() - painter.fontMetrics().horizontalAdvance(note) - t.px(12))
        painter.setFont(theme.font(13))
        painter.setPen(QColor(t.bad if entry.bad else t.ink if can else t.muted))
        title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideRight, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """One line."""
        return QSize(theme.theme().px(200), theme.theme().px(ROW))


class Palette(Veil):
    """At the top of the window.

    Signals:
        used (str): the id of what has just been done.
    """

    used = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        theme.set_accent(self, "home")
        self.line, self.list = _Line(), QListWidget()
        self.line.setProperty("kind", "palette")
        self.line.setPlaceholderText("Do something, go somewhere, or set a value: gamma 0.6")
        self.line.setAccessibleName("Command palette")
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("What was found")
        self.told = label("", "muted")
        self.told.setWordWrap(True)
        self.body.addWidget(self.line)
        self.body.addWidget(self.told)
        self.body.addWidget(self.list, 1)
        self._all: Sequence[Entry] = ()
        self._settables: Sequence[Settable] = ()
        self._recent: Sequence[str] = ()
        self._elsewhere: Callable[[str], str] | None = None
        self.line.textChanged.connect(self._find)
        self.line.moved.connect(self._move)
        self.line.entered.connect(self.enter)
        self.line.completed.connect(self._complete)
        self.list.currentRowChanged.connect(self._tell)
        self.list.itemClicked.connect(lambda _: self.enter())

    def ask(
        self,
        entries: Sequence[Entry],
        settables: Sequence[Settable],
        recent: Sequence[str],
        line: str = "",
        elsewhere: Callable[[str], str] | None = None,
    ) -> None:
        """Open it over these entries and values, with what was used last first; `elsewhere` says where a value is that a line names in vain."""
        self._elsewhere = elsewhere
        self._all, self._settables, self._recent = [*entries, *named(settables)], settables, recent
        self.line.setText(line)
        self._find(line)
        self.open()
        self.line.setFocus()

    def shown(self) -> list[Entry]:
        """What is listed, the best first."""
        return [self.list.item(i).data(_ENTRY) for i in range(self.list.count())]

    def current(self) -> Entry | None:
        """The line that Enter would do."""
        item = self.list.currentItem()
        return item.data(_ENTRY) if item is not None else None

    def enter(self) -> None:
        """Do what is chosen; what waits for a value is written into the line."""
        entry = self.current()
        if entry is None:
            return
        if entry.fill:
            self.line.setText(entry.fill)
        elif entry.act is not None:
            self.close_veil()
            self.used.emit(entry.id)
            entry.act()

    def fit(self) -> None:
        """At the top, in the middle; never larger than the window."""
        px = theme.theme().px
        self.told.setContentsMargins(px(15), px(6), px(15), px(6))
        wide, most = min(px(WIDE), self.width() - 32), min(px(HIGH), self.height() - px(TOP) - 16)
        told = self.told.heightForWidth(wide - 2) if not self.told.isHidden() else 0
        high = self.line.sizeHint().height() + told + self.list.count() * px(ROW) + px(8)
        self.card.setGeometry((self.width() - wide) // 2, min(px(TOP), self.height() // 12), wide, min(high, most))

    def _find(self, line: str) -> None:
        values = settings(line, self._settables)
        found = [*values, *(e for e in ranked(line, self._all, self._recent) if not values or e.id != values[0].id)]
        self.list.clear()
        for entry in found:
            item = QListWidgetItem(entry.title)
            item.setData(_ENTRY, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}. {entry.note}")
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._tell()

    def _tell(self, _: int = 0) -> None:
        entry = self.current()
        text = entry.detail if entry is not None else (self._elsewhere(self.line.text()) if self._elsewhere is not None else "") or NOTHING
        theme.set_kind(self.told, "bad" if entry is not None and entry.bad else "muted")
        self.told.setText(text)
        self.told.setVisible(bool(text))
        self.fit()
        self.line.setAccessibleDescription(f"{entry.title}. {text}" if entry is not None else text)

    def _move(self, by: int) -> None:
        self.list.setCurrentRow(max(0, min(self.list.count() - 1, self.list.currentRow() + by)))

    def _complete(self) -> None:
        entry = self.current()
        if entry is not None and (text := entry.fill or entry.title) and not entry.bad:
            self.line.setText(text)
