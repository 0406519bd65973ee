"""The runs of this machine in a list: what each draws, what it is, how far it is, how much room it takes; searched and sorted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio import theme
from studio.pages import PAGES, called
from studio.runs import RunFacts, size_text
from studio.widgets import Combo, column, row

_Index = QModelIndex | QPersistentModelIndex
RUN = int(Qt.ItemDataRole.UserRole)
HEIGHT, PICTURE, BAR = 68, 132, 3  # pixels of a row, of its picture, of the bar in the system's colour
SORTS: dict[str, tuple[Callable[[RunFacts], Any], bool]] = {  # word -> key, largest first
    "Newest": (lambda run: run.time, True),
    "Name": (lambda run: run.name.lower(), False),
    "System": (lambda run: (run.system, -run.time), False),
    "Largest": (lambda run: run.bytes, True),
    "Most steps": (lambda run: run.step, True),
}


class RunModel(QAbstractListModel):
    """The runs that are listed.

    Signals:
        renamed (object, str): the person has typed another name for this run.
    """

    renamed = Signal(object, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.runs: list[RunFacts] = []
        self.notes: dict[Path, str] = {}  # what happens to a run just now

    def rowCount(self, parent: _Index | None = None) -> int:
        """All of them."""
        return 0 if parent is not None and parent.isValid() else len(self.runs)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The run; in words for who cannot see it."""
        if not 0 <= index.row() < len(self.runs):
            return None
        run = self.runs[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return run.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{run.name}, {line(run)}, {size_text(run.bytes)}"
            case Qt.ItemDataRole.ToolTipRole:
                return tip(run)
            case _ if role == RUN:
                return run
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A name was typed."""
        run = self.runs[index.row()]
        if role == Qt.ItemDataRole.EditRole and str(value).strip() not in ("", run.name):
            self.renamed.emit(run, str(value))
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """A run that can be read can be renamed."""
        good = 0 <= index.row() < len(self.runs) and self.runs[index.row()].state == "ok"
        return super().flags(index) | (Qt.ItemFlag.ItemIsEditable if good else Qt.ItemFlag.NoItemFlags)

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """Others, or the same in another order."""
        self.beginResetModel()
        self.runs = list(runs)
        self.endResetModel()


def line(run: RunFacts) -> str:
    """What it is made of."""
    parts = [f"{called(run.system)} on {run.title}" if run.title else called(run.system), run.preset]
    return " · ".join(part for part in parts if part)


def progress(run: RunFacts) -> str:
    """How far it is."""
    return f"step {run.step:,} of {run.total:,}" if run.step <= run.total else f"step {run.step:,}"


def described(run: RunFacts) -> str:
    """All of it, one thing a line."""
    use = [f"{name} {size_text(size)}" for name, size in _parts(run) if size]
    parent = f"\nforked from step {run.parent['step']:,} of {run.parent['name']}{', ' + run.change if run.change else ''}" if run.parent else ""
    return f"{run.name}\n{line(run)}\n{progress(run)}, {run.phase}{parent}\n{size_text(run.bytes)}: {', '.join(use)}\n{run.path}"


def tip(run: RunFacts) -> str:
    """The same as a tooltip takes it, which would read a name with < in it as a picture or a link."""
    return f"<p style='white-space:pre'>{escape(run.why if run.state == 'damaged' else described(run))}</p>"


def _parts(run: RunFacts) -> list[tuple[str, int]]:
    return [(name, getattr(run.use, name)) for name in ("checkpoints", "reel", "metrics", "tensorboard", "other")]


class _Row(QStyledItemDelegate):
    """Bar, picture, three lines; size and date at the right."""

    def __init__(self, view: RunList) -> None:
        super().__init__(view)
        self._view = view
        self._pictures: dict[tuple[Path, float], QPixmap] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """All alike."""
        return QSize(theme.theme().px(240), theme.theme().px(HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """One run."""
        t, run = theme.theme(), index.data(RUN)
        box = QRect(option.rect).adjusted(2, 1, -2, -1)  # pyright: ignore[reportAttributeAccessIssue]
        state = option.state  # pyright: ignore[reportAttributeAccessIssue]
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(theme.mix(t.panel, theme.accent(self._view), theme.TINT_OPACITY)))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(t.hover))
        painter.fillRect(QRect(box.left(), box.top(), t.px(BAR), box.height()), QColor(t.bad if run.state == "damaged" else t.accent(run.system)))
        shown = QRect(box.left() + t.px(BAR + 7), box.top() + t.px(4), t.px(PICTURE), box.height() - t.px(8))
        self._paint_picture(painter, run, shown)
        self._paint_words(painter, run, QRectF(shown.right() + t.px(12), box.top(), box.right() - shown.right() - t.px(20), box.height()))
        painter.restore()

    def _paint_picture(self, painter: QPainter, run: RunFacts, box: QRect) -> None:
        picture = self._picture(run)
        if picture.isNull():
            ground = theme.mix(theme.theme().panel, theme.theme().accent(run.system), 0.07)
            painter.fillRect(box, QColor(ground))
            size = theme.theme().px(24)
            name = "warning" if run.state == "damaged" else run.system if run.system in PAGES else "gallery"
            icon = theme.icon(name, theme.theme().bad if run.state == "damaged" else theme.theme().accent(run.system))
            icon.paint(painter, QRect(box.center().x() - size // 2, box.center().y() - size // 2, size, size))
            return
        part = picture.copy(0, 0, min(picture.width(), box.width()), min(picture.height(), box.height()))  # as many as fit, at their own size
        painter.drawPixmap(box.left(), box.top() + (box.height() - part.height()) // 2, part)

    def _picture(self, run: RunFacts) -> QPixmap:
        """Read once for each state of the run."""
        if run.preview is None:
            return QPixmap()
        key = (run.preview, run.time)
        if key not in self._pictures:
            if len(self._pictures) > 400:
                self._pictures.clear()
            self._pictures[key] = QPixmap(str(run.preview))
        return self._pictures[key]

    def _paint_words(self, painter: QPainter, run: RunFacts, box: QRectF) -> None:
        t, damaged = theme.theme(), run.state == "damaged"
        note = self._view.listed.notes.get(run.path, "")
        year = "" if time.localtime(run.time).tm_year == time.localtime().tm_year else " %Y"
        when = time.strftime(f"%d %b{year} %H:%M", time.localtime(run.time))
        steps = f"{progress(run)}{' · ' + note if note else ''}"
        lines = (  # words, colour, size, weight; words at the right
            ((run.name, t.ink, 13, 600), size_text(run.bytes)),
            ((run.why if damaged else line(run), t.bad if damaged else t.muted, 11, 400), ""),
            (("damaged" if damaged else steps, t.good if note else t.muted, 11, 400), "" if note else when),
        )
        high = box.height() / 3.3
        for i, ((words, color, size, weight), right) in enumerate(lines):
            place = QRectF(box.left(), box.top() + box.height() * 0.05 + i * high, box.width(), high)
            painter.setFont(theme.font(11))
            painter.setPen(QColor(t.muted))
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
            taken = painter.fontMetrics().horizontalAdvance(right) + t.px(10) if right else 0
            painter.setFont(theme.font(size, weight))
            painter.setPen(QColor(color))
            text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(place.width() - taken))
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        """A field over the name."""
        editor = QLineEdit(parent)
        editor.setAccessibleName("New name of the run")
        editor.setMaxLength(80)
        return editor

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        """The present name, all of it selected."""
        assert isinstance(editor, QLineEdit)
        editor.setText(index.data())
        editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:
        """Tell what was typed."""
        assert isinstance(editor, QLineEdit)
        model.setData(index, editor.text())  # pyright: ignore[reportArgumentType]

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _Index) -> None:
        """Right of the picture, on the line of the name."""
        t, box = theme.theme(), QRect(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        left = box.left() + t.px(BAR + PICTURE + 10)
        editor.setGeometry(QRect(left, box.top() + t.px(2), box.right() - left - t.px(8), t.px(28)))


class RunList(QListView):
    """The list itself.

    Signals:
        chosen (list): the runs that are selected now, in the order of the list.
        opened (object): a double click, or Enter.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.listed = RunModel(self)
        self.setModel(self.listed)
        self.setItemDelegate(_Row(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QListView.EditTrigger.EditKeyPressed)  # F2
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setAccessibleName("Runs")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.doubleClicked.connect(self._open)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        theme.notifier.changed.connect(self._again)

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """Replace all; what was selected stays selected, and the list stays where it was."""
        before, place = [run.path for run in self.selection()], self.verticalScrollBar().value()
        quiet = self.selectionModel().blockSignals(True)
        self.listed.show_runs(runs)
        self._mark(before)
        self.selectionModel().blockSignals(quiet)
        self.verticalScrollBar().setValue(place)
        self.viewport().update()

    def select(self, paths: Sequence[Path]) -> None:
        """Exactly these, and the first of them is seen."""
        self._mark(paths)
        if chosen := self.selectionModel().selectedRows():
            self.scrollTo(chosen[0])

    def selection(self) -> list[RunFacts]:
        """What is selected, in the order of the list."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self.listed.runs[i] for i in rows if i < len(self.listed.runs)]

    def rename(self) -> None:
        """Edit the name of the first selected run in its place."""
        chosen = self.selectionModel().selectedRows()
        if chosen:
            self.edit(chosen[0])

    def keyPressEvent(self, event: Any) -> None:
        """Enter opens."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.state() != QListView.State.EditingState and self.currentIndex().isValid():
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _mark(self, paths: Sequence[Path]) -> None:
        marked = QItemSelection()
        first = QModelIndex()
        for i, run in enumerate(self.listed.runs):
            if run.path in paths:
                index = self.listed.index(i, 0)
                first = first if first.isValid() else index
                marked.select(index, index)
        self.selectionModel().select(marked, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if first.isValid():
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _open(self, index: QModelIndex) -> None:
        run = index.data(RUN)
        if run is not None:
            self.opened.emit(run)

    def _on_selection(self, *_: object) -> None:
        self.chosen.emit(self.selection())

    def _again(self) -> None:
        self.scheduleDelayedItemsLayout()
        self.viewport().update()


class RunBrowser(QWidget):
    """Search, order, and the list.

    Signals:
        listed (list): other runs are listed now.
    """

    listed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._all: list[RunFacts] = []
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search name, system, data")
        self.search.setAccessibleName("Search the runs")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _: self._list())
        self.sort = Combo(list(SORTS))
        self.sort.setAccessibleName("Order of the runs")
        self.sort.currentIndexChanged.connect(lambda _: self._list())
        self.list = RunList()
        body = column(self, spacing=8)
        line = row(self.search, self.sort)
        line.setStretch(0, 1)
        body.addLayout(line)
        body.addWidget(self.list, 1)

    def show_runs(self, runs: Sequence[RunFacts], notes: dict[Path, str]) -> None:
        """All runs there are, and what happens to some just now; later while a name is being typed."""
        if self.list.state() == RunList.State.EditingState:
            return
        changed = list(runs) != self._all or notes != self.list.listed.notes
        self._all, self.list.listed.notes = list(runs), notes
        if changed:
            self._list()

    def _list(self) -> None:
        words = self.search.text().lower().split()
        key, largest = SORTS[self.sort.currentText()]
        found = [run for run in self._all if all(word in f"{run.name} {line(run)} {run.phase} {run.state}".lower() for word in words)]
        self.list.show_runs(sorted(found, key=key, reverse=largest))
        self.listed.emit(self.list.listed.runs)
