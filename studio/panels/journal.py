"""What has been done to a run, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio import theme
from studio.widgets import column, label

_Index = QModelIndex | QPersistentModelIndex
STEP_ROLE, TEXT_ROLE = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.UserRole) + 1


class JournalModel(QAbstractListModel):
    """Lines (step, text, time), kept oldest first, shown newest first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: list[tuple[int, str, str]] = []

    def rowCount(self, parent: _Index | None = None) -> int:
        """All lines."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Step and text, together or apart."""
        step, text, time = self.lines[len(self.lines) - 1 - index.row()]
        when = f"step {step:,}" + (f", {time}" if time else "")
        return {
            int(Qt.ItemDataRole.DisplayRole): f"{step:,} {text}",
            int(Qt.ItemDataRole.ToolTipRole): f"<p>{escape(text)}</p><p>{when}</p>",  # rich text is broken into lines
            STEP_ROLE: step,
            TEXT_ROLE: text,
        }.get(int(role))

    def add(self, lines: list[tuple[int, str, str]]) -> None:
        """Put lines on top."""
        if lines:
            self.beginInsertRows(QModelIndex(), 0, len(lines) - 1)
            self.lines.extend(lines)
            self.endInsertRows()

    def clear(self) -> None:
        """Forget all."""
        self.beginResetModel()
        self.lines = []
        self.endResetModel()


class _Line(QStyledItemDelegate):
    """Steps right-aligned in a column, the text beside them."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """One line."""
        t, box = theme.theme(), QRectF(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:  # pyright: ignore[reportAttributeAccessIssue]
            painter.fillRect(box, QColor(theme.mix(t.panel, theme.accent(self._view), theme.TINT_OPACITY)))
        painter.setFont(theme.font(11))
        metrics = painter.fontMetrics()
        wide = metrics.horizontalAdvance("000,000")
        painter.setPen(QColor(t.muted))
        painter.drawText(
            QRectF(box.left(), box.top(), wide, box.height()),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            f"{index.data(STEP_ROLE):,}",
        )
        painter.setPen(QColor(t.ink))
        rest = QRectF(box.left() + wide + 8, box.top(), box.width() - wide - 8, box.height())
        text = metrics.elidedText(index.data(TEXT_ROLE), Qt.TextElideMode.ElideRight, int(rest.width()))
        painter.drawText(rest, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """A caption with a little air."""
        return QSize(40, QFontMetrics(theme.font(11)).height() + 4)


class JournalPanel(QWidget):
    """The journal and a field to write into it.

    Signals:
        note(str): the person has written a line.
        chosen(int): the step of a line that was clicked.
    """

    note = Signal(str)
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        body = column(self, spacing=4)
        body.addWidget(label("Journal", "section"))
        self.view = QListView()
        self.model = JournalModel(self)
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Line(self))
        self.view.setUniformItemSizes(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setMinimumHeight(theme.theme().px(60))
        self.view.setAccessibleName("Journal")
        self.view.setToolTip("Click a line to look at the frame that is nearest to its step")
        self.view.clicked.connect(lambda index: self.chosen.emit(index.data(STEP_ROLE)))
        body.addWidget(self.view, 1)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Write a note")
        self.field.setToolTip("A line for the journal, at the present step (Enter)")
        self.field.returnPressed.connect(self._write)
        body.addWidget(self.field)

    def add(self, lines: Iterable[tuple[int, str] | tuple[int, str, str]]) -> None:
        """Lines (step, text) or (step, text, time in words), oldest first."""
        self.model.add([(line[0], line[1], line[2] if len(line) > 2 else "") for line in lines])

    def mark(self, step: int | None) -> None:
        """Choose the last line up to a step, and bring it into view; None chooses none."""
        if step is None:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
            return
        lines = self.model.lines
        place = max((i for i, line in enumerate(lines) if line[0] <= step), default=-1)
        if place >= 0:
            index = self.model.index(len(lines) - 1 - place)
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def clear(self) -> None:
        """Another run begins."""
        self.model.clear()

    def _write(self) -> None:
        if text := self.field.text().strip():
            self.field.clear()
            self.note.emit(text)
