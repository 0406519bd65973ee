"""The gallery's view: pictures in a grid, sentences as cards, each with a line below."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDragMoveEvent, QDropEvent, QKeyEvent, QPainter, QPen, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip

from studio import theme
from studio.gallery.store import Entry
from studio.panels.gallerymodel import ENTRY, MIME, GalleryModel, Index, Thumbs

SIZES = {"S": 64, "M": 96, "L": 160}
GAP, BELOW, FRAME = 8, 18, 2
CARD = 38  # height of a sentence's card where there are sentences alone


class GalleryGrid(QListView):
    """Entries of a GalleryModel; several can be selected, dragged to a board, and put into another order on a board.

    Signals:
        chosen (): another selection.
        entered (int): Enter or a double click on an entry's number.
        refused (): something was dragged over entries that keep their order.
    """

    chosen = Signal()
    entered = Signal(int)
    refused = Signal()

    def __init__(self, model: GalleryModel, thumbs: Thumbs) -> None:
        super().__init__()
        self.entries, self.thumbs = model, thumbs
        self.side, self.cards = SIZES["M"], False
        self.setProperty("kind", "clear")
        self.setModel(model)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.viewport().setAcceptDrops(True)  # which a list whose items stay where they are switches off
        self.setDropIndicatorShown(False)
        self.setMouseTracking(True)
        self.setItemDelegate(_Cell(self))
        self.setAccessibleName("Samples in the gallery")
        self.setStyleSheet("QListView, QListView:focus { background: transparent; border: none; }")
        self._place = -1  # where what is dragged would go
        self.verticalScrollBar().sliderMoved.connect(self._say_day)
        thumbs.ready.connect(self.viewport().update)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())
        self.doubleClicked.connect(lambda index: self.entered.emit(self.entries.ids[index.row()]))
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    # --- sizes ------------------------------------------------------------------------------------------------

    def set_size(self, name: str) -> None:
        """S, M or L."""
        self.side = SIZES[name]
        self._sizes()

    def set_cards(self, on: bool) -> None:
        """Wide cards, for sentences alone."""
        if on != self.cards:
            self.cards = on
            self._sizes()

    def _sizes(self) -> None:
        """The cell, and how far rows are apart."""
        px = theme.theme().px
        self.faces = {size: theme.font(size) for size in (11, 13)}
        wide, least = self.width() - self.verticalScrollBar().sizeHint().width() - 2, px(380) if self.cards else px(self.side) + px(GAP)
        columns = max(1, wide // least)
        high = px(CARD if self.cards else self.side) + px(BELOW) + px(GAP)
        self.setGridSize(QSize(max(least if not self.cards else px(240), wide // columns), high))  # what is left over is shared
        self.verticalScrollBar().setSingleStep(max(1, self.gridSize().height() // 3))
        self.scheduleDelayedItemsLayout()

    def resizeEvent(self, e: QResizeEvent) -> None:
        """The width is filled."""
        super().resizeEvent(e)
        self._sizes()

    def day_seen(self) -> str:
        """The day on which the first entry that is seen was kept; "" where there is none."""
        index = self.indexAt(QPoint(FRAME + 1, FRAME + 1))
        entry = self.entries.entry(index.row()) if index.isValid() else None
        return time.strftime("%d %b %Y", time.localtime(entry.made)) if entry is not None else ""

    def _say_day(self, value: int) -> None:
        """Beside the scroll bar's handle, while it is dragged."""
        bar = self.verticalScrollBar()
        high = bar.height() * value // max(1, bar.maximum() + bar.pageStep())
        QToolTip.showText(bar.mapToGlobal(QPoint(-theme.theme().px(110), high)), self.day_seen(), bar)

    # --- selection --------------------------------------------------------------------------------------------

    def selected(self) -> list[int]:
        """Numbers of the selected entries, in the order in which they are shown."""
        chosen = self.selectionModel().selection()
        parts = (chosen.at(i) for i in range(chosen.count()))
        rows = sorted(row for part in parts for row in range(part.top(), part.bottom() + 1))
        return [self.entries.ids[row] for row in rows]

    def select(self, numbers: Sequence[int]) -> None:
        """Select these entries, as far as they are shown, and show the first."""
        rows = self.entries.rows_of(numbers)
        found = QItemSelection()
        first = 0
        for i in range(1, len(rows) + 1):  # stretches without a gap: everything may be selected
            if i == len(rows) or rows[i] != rows[i - 1] + 1:
                found.select(self.entries.index(rows[first]), self.entries.index(rows[i - 1]))
                first = i
        self.selectionModel().select(found, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            self.selectionModel().setCurrentIndex(self.entries.index(rows[0]), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(self.entries.index(rows[0]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens one, Esc selects none; letters are the page's keys, not a search."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() and self.currentIndex().isValid():
            self.entered.emit(self.entries.ids[self.currentIndex().row()])
        elif event.key() == Qt.Key.Key_Escape and self.selectionModel().hasSelection():
            self.clearSelection()
        elif (event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and event.modifiers() & Qt.KeyboardModifier.ControlModifier) or (
            event.text() and event.text().isprintable() and event.key() != Qt.Key.Key_Space and not event.modifiers()
        ):
            event.ignore()
        else:
            super().keyPressEvent(event)

    # --- another order ----------------------------------------------------------------------------------------

    def dragMoveEvent(self, e: QDragMoveEvent) -> None:
        """Show between which two it would go."""
        if not self.entries.ordered or not e.mimeData().hasFormat(MIME):
            e.ignore()
            self.refused.emit()
            return
        self._place = self.place_at(e.position().toPoint())
        e.acceptProposedAction()
        self.viewport().update()

    def dragLeaveEvent(self, e: object) -> None:
        """It goes nowhere."""
        self._place = -1
        self.viewport().update()

    def dropEvent(self, e: QDropEvent) -> None:
        """There it stays."""
        place, self._place = self.place_at(e.position().toPoint()), -1
        if self.entries.dropMimeData(e.mimeData(), e.dropAction(), place, 0, self.rootIndex()):
            e.acceptProposedAction()
        self.viewport().update()

    def place_at(self, point: QPoint) -> int:
        """The row before which something dropped at a point of the viewport goes."""
        index = self.indexAt(point)
        if not index.isValid():
            return len(self.entries.ids)
        return index.row() + (point.x() > self.visualRect(index).center().x())

    def paintEvent(self, e: object) -> None:
        """The entries, and the place of what is dragged."""
        super().paintEvent(e)  # pyright: ignore[reportArgumentType]
        self.thumbs.go()
        if self._place >= 0 and self.entries.ids:
            last = self._place >= len(self.entries.ids)
            box = self.visualRect(self.entries.index(min(self._place, len(self.entries.ids) - 1)))
            painter = QPainter(self.viewport())
            painter.fillRect(QRect(box.right() - 1 if last else box.left() - 1, box.top(), 3, box.height()), QColor(theme.accent(self)))
            painter.end()


class _Cell(QStyledItemDelegate):
    """One entry."""

    def __init__(self, grid: GalleryGrid) -> None:
        super().__init__(grid)
        self._grid = grid

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All are alike."""
        return self._grid.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Picture or sentence, its line, a star, the frame of what is selected."""
        entry = index.data(ENTRY)
        if not isinstance(entry, Entry):
            return
        t, box = theme.theme(), QRect(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        inner = box.adjusted(FRAME, FRAME, FRAME - t.px(GAP), FRAME - t.px(GAP))
        stage = QRect(inner.left(), inner.top(), inner.width(), inner.height() - t.px(BELOW))
        state = option.state  # pyright: ignore[reportAttributeAccessIssue]
        painter.save()
        shown = self._picture(painter, stage, entry) if entry.kind == "picture" else self._sentence(painter, stage, entry)
        chosen, over = bool(state & QStyle.StateFlag.State_Selected), bool(state & QStyle.StateFlag.State_MouseOver)
        if chosen or over:
            painter.setPen(QPen(QColor(theme.accent(self._grid) if chosen else t.edge), FRAME, j=Qt.PenJoinStyle.MiterJoin))
            painter.drawRect(QRectF(shown).adjusted(-1, -1, 1, 1))
        self._line(painter, QRect(inner.left(), stage.bottom() + 1, inner.width(), t.px(BELOW)), entry)
        painter.restore()

    def _picture(self, painter: QPainter, stage: QRect, entry: Entry) -> QRect:
        ratio = self._grid.devicePixelRatioF()
        side = min(stage.width(), stage.height())
        pixmap = self._grid.thumbs.get(entry.id, round(side * ratio), ratio)
        if pixmap is None:
            zoom = max(1, side // max(entry.width, entry.height, 1))
            size = QSize(entry.width * zoom, entry.height * zoom).boundedTo(stage.size())
        else:
            size = pixmap.deviceIndependentSize().toSize()
        at = QRect(stage.left(), stage.bottom() + 1 - size.height(), size.width(), size.height())
        if pixmap is None:
            painter.fillRect(at, QColor(theme.theme().hairline))
        else:
            painter.drawPixmap(at.topLeft(), pixmap)
        return at

    def _sentence(self, painter: QPainter, stage: QRect, entry: Entry) -> QRect:
        t = theme.theme()
        if not self._grid.cards:
            stage = stage.adjusted(0, 0, min(0, stage.height() - stage.width()), 0)  # as wide as a picture
        painter.fillRect(stage, QColor(t.panel))
        painter.setPen(QPen(QColor(t.hairline), 1))
        painter.drawRect(stage.adjusted(0, 0, -1, -1))
        painter.setPen(QColor(t.ink if entry.text else t.muted))
        large = self._grid.cards or stage.width() >= t.px(120)
        painter.setFont(self._grid.faces[13 if large else 11])
        draw_words(painter, stage.adjusted(t.px(7), t.px(5), -t.px(7), -t.px(4)), entry.text or "(empty)")
        return stage

    def _line(self, painter: QPainter, box: QRect, entry: Entry) -> None:
        t = theme.theme()
        if entry.star:
            side = t.px(12)
            theme.icon("star-full", t.warn).paint(painter, box.left(), box.top() + (box.height() - side) // 2, side, side)
            box = box.adjusted(side + t.px(3), 0, 0, 0)
        painter.setFont(self._grid.faces[11])
        painter.setPen(QColor(t.muted))
        words = painter.fontMetrics().elidedText(line_of(entry, self._grid.cards), Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)


def line_of(entry: Entry, wide: bool) -> str:
    """What stands under an entry."""
    what = entry.wish or f"step {entry.step:,}"
    if not wide:
        return what
    score = f" · {entry.score_name.replace('_', ' ')} {entry.score:.4g}".replace("-", "−") if entry.score is not None else ""
    return f"{entry.run} · step {entry.step:,} · seed {entry.seed} #{entry.row}{score}"


def draw_words(painter: QPainter, box: QRect, text: str) -> None:
    """Words in lines, of which the last ends in … where there are more."""
    layout, option = QTextLayout(text[:2000], painter.font()), QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    pitch, metrics = painter.fontMetrics().lineSpacing(), painter.fontMetrics()
    room, y = max(1, box.height() // pitch), float(box.top())
    layout.beginLayout()
    for i in range(room):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        start, length = line.textStart(), line.textLength()
        part = text[start:] if i == room - 1 else text[start : start + length]
        words = metrics.elidedText(part[:500].rstrip(), Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(QRectF(box.left(), y, box.width(), pitch), Qt.AlignmentFlag.AlignVCenter, words)
        y += pitch
    layout.endLayout()


def ordered_after(ids: Sequence[int], moved: Sequence[int], place: int) -> list[int]:
    """The order after `moved` was dropped before the row `place`."""
    taken = set(moved)
    before = [i for i in ids[:place] if i not in taken]
    return [*before, *moved, *(i for i in ids[place:] if i not in taken)]
