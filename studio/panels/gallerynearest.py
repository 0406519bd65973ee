"""What is nearest to a sample: in the gallery, and in what its run was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QToolButton, QWidget

from studio import picture, theme
from studio.gallery.nearest import Found, InData
from studio.gallery.store import Entry
from studio.widgets import button, column, label, row, tool

SIDE, LARGE, COLUMNS = 64, 128, 3
OF_255 = "root mean square distance in grey levels"


class NearestPanel(QWidget):
    """A button, then neighbours; a second button for the training data, with progress and a way to stop.

    Signals:
        asked(): the nearest in the gallery. asked_data(): … in the training data. cancelled(): the latter is not wanted any more.
        chosen(int): go to this entry.
    """

    asked = Signal()
    asked_data = Signal()
    cancelled = Signal()
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.find_button = button("Find nearest", "search", tip="The most similar ones in the gallery (N)", clicked=self.asked.emit)
        self.data_button = button(
            "In training data", "image", tip="The most similar one that its run was trained on: was it learnt by heart?", clicked=self.asked_data.emit
        )
        buttons = row(self.find_button, self.data_button)
        for place in range(2):
            buttons.setStretch(place, 1)
        self.heading, self.heading_data = label("", "section"), label("", "section")
        self._grid_box, self._data_box = QWidget(), QWidget()
        self._grid = QGridLayout(self._grid_box)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self.image, self.words = QLabel(), label("", "caption")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        line = row(self.image, self.words, spacing=8)
        line.setStretch(1, 1)
        self._data_box.setLayout(line)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.stop_button = tool("close", "Stop", self.cancelled.emit)
        self.waiting = QWidget()
        waiting = row(self.bar, self.stop_button)
        waiting.setStretch(0, 1)
        self.waiting.setLayout(waiting)
        body = column(self, spacing=6)
        body.addLayout(buttons)
        for part in (self.heading, self._grid_box, self.heading_data, self.waiting, self._data_box):
            body.addWidget(part)
        self.reset()

    def reset(self) -> None:
        """Nothing has been looked for."""
        for part in (self.heading, self._grid_box, self.heading_data, self.waiting, self._data_box):
            part.hide()

    def show_found(self, found: Sequence[tuple[Found, Entry, np.ndarray | None]]) -> None:
        """The nearest in the gallery, each with its picture if it is one."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        pictures = all(pixels is not None for _, _, pixels in found)
        self.heading.setText("Nearest in the gallery" if found else "Nothing else of this kind is in the gallery")
        for i, (near, entry, pixels) in enumerate(found):
            place = divmod(i, COLUMNS) if pictures else (i, 0)
            self._grid.addWidget(self._one(near, entry, pixels), *place)
        self._grid.setColumnStretch(COLUMNS, int(pictures))
        self.heading.show()
        self._grid_box.setVisible(bool(found))

    def show_progress(self, done: int, total: int) -> None:
        """The training data are being read."""
        self.heading_data.setText("Reading the training data")
        self.bar.setRange(0, max(0, total))
        self.bar.setValue(done)
        self.heading_data.show()
        self.waiting.show()
        self._data_box.hide()

    def show_data(self, found: InData | None, why: str = "") -> None:
        """The nearest in the training data, or why there is none."""
        self.waiting.hide()
        self.heading_data.setVisible(found is not None or bool(why))
        self._data_box.setVisible(found is not None or bool(why))
        self.heading_data.setText(f"Nearest in {found.title}" if found is not None else "Nearest in the training data")
        self.image.setVisible(found is not None and found.picture is not None)
        if found is None:
            self.words.setText(why)
        elif found.picture is not None:
            self.image.setPixmap(self._pixmap(found.picture, LARGE))
            self.words.setText(f"{found.name}\n{found.distance:.0f} of 255 away (rms)")
        else:
            edits = "the very same" if not found.distance else f"{found.distance:.0f} word{'s' * (found.distance != 1)} differ"
            self.words.setText(f"“{found.text}”\n{found.name}, {edits}")

    def _one(self, near: Found, entry: Entry, pixels: np.ndarray | None) -> QWidget:
        out = QToolButton() if pixels is not None else button("", kind="quiet")
        told = f"{near.distance:.0f} of 255" if pixels is not None else f"{near.distance:.0f} differ" if near.distance else "the same"
        out.setToolTip(f"{entry.text or entry.run}\n{told}{' away: ' + OF_255 if pixels is not None else ''}")
        out.setAccessibleName(out.toolTip())
        if pixels is None:
            words = out.fontMetrics().elidedText(entry.text, Qt.TextElideMode.ElideRight, theme.theme().px(196))
            out.setText(f"{words}   {told}")
            out.setStyleSheet("text-align: left; padding-left: 0;")
        elif isinstance(out, QToolButton):
            out.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            out.setText(f"{near.distance:.0f} of 255")
            pixmap, px = self._pixmap(pixels), theme.theme().px
            out.setIcon(QIcon(pixmap))
            out.setIconSize(pixmap.deviceIndependentSize().toSize())
            out.setFixedWidth(px(SIDE + 10))
            out.setStyleSheet(f"min-height: {px(SIDE + 22)}px; padding: 0; font-size: {px(11)}px; color: {theme.theme().muted};")
        out.clicked.connect(lambda: self.chosen.emit(entry.id))
        return out

    def _pixmap(self, pixels: np.ndarray, large: int = SIDE) -> QPixmap:
        side, ratio = theme.theme().px(large), self.devicePixelRatioF()
        every = -(-max(pixels.shape[:2]) // max(1, int(side * ratio)))
        pixels = np.ascontiguousarray(pixels[::every, ::every])
        return picture.to_pixmap(pixels, max(1, int(side * ratio) // max(pixels.shape[:2])), ratio)
