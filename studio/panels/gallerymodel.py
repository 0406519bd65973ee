"""What the gallery's view shows: numbers of entries, read a block at a time as they are seen, and their pictures, decoded beside the window."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, QRunnable, Qt, QThreadPool, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap, QPixmapCache

from models.errors import StudioError
from studio.gallery.store import Entry, Gallery

ENTRY = int(Qt.ItemDataRole.UserRole)
MIME = "application/x-sampling-studio-entries"
BLOCK, BLOCKS = 128, 24  # entries read at a time, and how many times that are held
CACHE_KB = 64 * 1024  # of decoded pictures
WAITING = 300  # pictures that wait to be decoded; older wishes are dropped, as nobody sees them any more
Index = QModelIndex | QPersistentModelIndex


class GalleryModel(QAbstractListModel):
    """Entries in the order of a query.

    Signals:
        moved (object, int): these numbers were dropped before the row, on a board that is shown in its own order.
        trouble (str): the gallery could not be read.
    """

    moved = Signal(object, int)
    trouble = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ids: array[int] = array("q")
        self.ordered = False  # whether rows can be dragged to another place
        self._gallery: Gallery | None = None
        self._rows = 0
        self._blocks: OrderedDict[int, list[Entry | None]] = OrderedDict()

    def show_ids(self, gallery: Gallery, ids: array[int], *, ordered: bool = False) -> None:
        """Another content; nothing of it is read before it is seen."""
        self.beginResetModel()
        self._gallery, self.ids, self.ordered, self._rows = gallery, ids, ordered, len(ids)
        self._blocks.clear()
        self.endResetModel()

    def refresh(self) -> None:
        """The same entries, read again."""
        self._blocks.clear()
        if self.ids:
            self.dataChanged.emit(self.index(0), self.index(len(self.ids) - 1))

    def entry(self, row: int) -> Entry | None:
        """The entry of a row; None if another window has removed it."""
        if self._gallery is None or not 0 <= row < len(self.ids):
            return None
        number, place = divmod(row, BLOCK)
        block = self._blocks.get(number)
        if block is None:
            wanted = self.ids[number * BLOCK : (number + 1) * BLOCK]
            try:
                found = {e.id: e for e in self._gallery.entries(wanted)}
            except StudioError as error:
                self.trouble.emit(str(error))
                found = {}
            block = self._blocks[number] = [found.get(i) for i in wanted]
            while len(self._blocks) > BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return block[place]

    def row_of(self, number: int) -> int:
        """The row of an entry; -1 if it is not shown."""
        try:
            return self.ids.index(number)
        except ValueError:
            return -1

    def rows_of(self, numbers: Sequence[int]) -> list[int]:
        """The rows of entries, rising; without those that are not shown."""
        if len(numbers) < 4:
            return sorted({row for row in map(self.row_of, numbers) if row >= 0})
        wanted = set(numbers)
        return [row for row, number in enumerate(self.ids) if number in wanted]

    # --- as Qt asks -------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        """Entries that are shown."""
        return 0 if parent is not None and parent.isValid() else self._rows  # Qt asks this very often

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """ENTRY, and words for who cannot see it."""
        if role not in (ENTRY, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole) or not index.isValid():
            return None
        entry = self.entry(index.row())
        if role == ENTRY or entry is None:
            return entry
        return words_of(entry)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Everything can be dragged to a board."""
        flags = super().flags(index)
        if index.isValid():
            return flags | Qt.ItemFlag.ItemIsDragEnabled
        return flags | Qt.ItemFlag.ItemIsDropEnabled if self.ordered else flags

    def mimeTypes(self) -> list[str]:
        """Numbers of entries."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The numbers of the dragged rows, in their order."""
        data = QMimeData()
        rows = sorted({index.row() for index in indexes})
        data.setData(MIME, array("q", (self.ids[row] for row in rows)).tobytes())
        entry = self.entry(rows[0]) if len(rows) == 1 else None
        if entry is not None and entry.text:
            data.setText(entry.text)
        elif entry is not None and self._gallery is not None:
            data.setImageData(QImage.fromData(self._gallery.png(entry.id)))  # for other programs
        return data

    def supportedDropActions(self) -> Qt.DropAction:
        """Nothing is ever moved by Qt itself."""
        return Qt.DropAction.CopyAction

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Tell that rows are to stand before `row`; behind all if -1."""
        if not self.ordered or not data.hasFormat(MIME):
            return False
        self.moved.emit(dropped(data), len(self.ids) if row < 0 else row)
        return True


def dropped(data: QMimeData) -> list[int]:
    """The numbers of entries that were dropped."""
    content = data.data(MIME).data()
    return list(array("q", bytes(content)))


def words_of(entry: Entry) -> str:
    """An entry in a line."""
    what = entry.text or f"{entry.width} × {entry.height} picture"
    score = f", {entry.score_name} {entry.score:.4g}" if entry.score is not None else ""
    label = f", {entry.wish}" if entry.wish else ""
    return f"{what}\n{entry.run}, step {entry.step:,}, seed {entry.seed} #{entry.row}{label}{score}{', starred' if entry.star else ''}"


class Thumbs(QObject):
    """Pictures of entries at the size in which they are shown; those asked for last come first.

    Signals:
        ready (): there are new ones.
    """

    ready = Signal()
    _decoded = Signal(str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        QPixmapCache.setCacheLimit(max(QPixmapCache.cacheLimit(), CACHE_KB))
        self.gallery: Gallery | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._lock, self._busy, self._told = threading.Lock(), 0, False
        self._waiting: OrderedDict[str, tuple[int, int]] = OrderedDict()  # key -> number and side
        self._decoded.connect(self._on_decoded)

    def get(self, number: int, side: int, ratio: float) -> QPixmap | None:
        """The picture of an entry, at most `side` device pixels wide and high; None until it is there: `go`, and `ready` tells."""
        key = f"kept {number} {side} {id(self.gallery):x}"
        pixmap = QPixmap()
        if QPixmapCache.find(key, pixmap):
            pixmap.setDevicePixelRatio(ratio)
            return pixmap
        with self._lock:
            self._waiting[key] = (number, side)
            self._waiting.move_to_end(key)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
        return None

    def go(self) -> None:
        """Decode what was asked for; after everything that is seen has been painted."""
        with self._lock:
            more = min(len(self._waiting), self._pool.maxThreadCount()) - self._busy
            self._busy += max(0, more)
        for _ in range(more):
            self._pool.start(_Decode(self))

    def is_idle(self) -> bool:
        """Whether everything that was asked for is there."""
        with self._lock:
            return not self._waiting and not self._busy and not self._told

    def stop(self) -> None:
        """Nothing is decoded any more."""
        with self._lock:
            self._waiting.clear()
        self._pool.waitForDone()

    def work(self) -> None:
        """In a thread of the pool: decode what waits, the newest first."""
        while True:
            with self._lock:
                if not self._waiting or self.gallery is None:
                    self._busy -= 1
                    return
                key, (number, side) = self._waiting.popitem()
                gallery = self.gallery
            try:
                image = fitted(QImage.fromData(gallery.png(number)), side)
            except StudioError:
                continue
            self._decoded.emit(key, image)

    def _on_decoded(self, key: str, image: QImage) -> None:
        if not image.isNull():
            QPixmapCache.insert(key, QPixmap.fromImage(image))
            if not self._told:
                self._told = True
                QTimer.singleShot(0, self, self._tell)  # many are told about at once

    def _tell(self) -> None:
        self._told = False
        self.ready.emit()


def fitted(image: QImage, side: int) -> QImage:
    """Enlarged a whole number of times, as far as it fits into side x side; made smaller where it is larger."""
    if image.isNull():
        return image
    zoom = side // max(image.width(), image.height())
    if zoom >= 1:
        return image.scaled(image.width() * zoom, image.height() * zoom, mode=Qt.TransformationMode.FastTransformation)
    return image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


class _Decode(QRunnable):
    def __init__(self, thumbs: Thumbs) -> None:
        super().__init__()
        self._thumbs = thumbs

    def run(self) -> None:
        """Until nothing waits."""
        self._thumbs.work()
