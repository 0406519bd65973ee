"""The maker of contact sheets: the sheet as it will be, beside what decides over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QWidget

from studio import picture
from studio.export.contact import CAPTIONS, Look
from studio.panels.scrolling import Side
from studio.widgets import Segmented, button, column, label, row, spin

SAID = {"seed": "Seed and number", "step": "Step", "class": "Class", "score": "Score", "run": "Run"}
DRAG_MS = 120  # after the last change, before the sheet is drawn again
PAPERS = ("light", "dark")


class SheetMaker(QWidget):
    """The sheet; `side` belongs beside it.

    Signals:
        wanted(object, str): draw a preview of this Look with this title.
        saved(object, str): write it.
        closed(): back to the gallery.
    """

    wanted = Signal(object, str)
    saved = Signal(object, str)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._sheet: np.ndarray | None = None
        self.side = Side()
        self.close_button = button("Back to the gallery", "chevron-left", tip="Esc", clicked=self.closed.emit)
        self.facts = label("", "muted")
        self.sheet = QLabel()
        self.sheet.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sheet.setMinimumSize(QSize(200, 150))
        self.sheet.setAccessibleName("The contact sheet as it will be")
        top = row(self.close_button, 1, self.facts, spacing=12)
        body = column(self, spacing=12)
        body.addLayout(top)
        body.addWidget(self.sheet, 1)
        self.title = QLineEdit()
        self.title.setPlaceholderText("What they are of")
        self.title.setMaxLength(120)
        self.columns = spin(0, 200, 0, "Pictures in a line; 0 makes the sheet near 4:3")
        self.zoom = spin(0, 32, 0, "Screen pixels for each pixel; 0 makes pictures large enough to see")
        self.gap = spin(0, 64, Look().gap, "Pixels between pictures")
        self.border = spin(0, 200, Look().border, "Pixels around all pictures")
        for field in (self.columns, self.zoom):
            field.setSpecialValueText("auto")
        self.captions = {word: QCheckBox(SAID[word]) for word in CAPTIONS}
        for word in Look().captions:
            self.captions[word].setChecked(True)
        self.paper = Segmented(["Light", "Dark"])
        self.paper.setAccessibleName("Paper")
        self.save_button = button("Save the sheet…", "export", kind="primary", tip="As PNG, with the recipe of every picture inside (Ctrl+E)")
        self.save_button.clicked.connect(lambda: self.saved.emit(self.look(), self.title.text().strip()))
        self._fill_side()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(DRAG_MS)
        self._later.timeout.connect(self.ask)
        for field in (self.columns, self.zoom, self.gap, self.border):
            field.setKeyboardTracking(True)
            field.valueChanged.connect(lambda _: self._later.start())
        for box in self.captions.values():
            box.toggled.connect(lambda _: self._later.start())
        self.paper.chosen.connect(lambda _: self._later.start())
        self.title.textChanged.connect(lambda _: self._later.start())

    def _fill_side(self) -> None:
        self.side.add(label("Contact sheet", "section"), self.title, 8, label("Layout", "section"))
        for words, field in (("Columns", self.columns), ("Scale", self.zoom), ("Gap", self.gap), ("Border", self.border)):
            self.side.add(row(label(words), 1, field))
        self.side.add(8, label("Under each picture", "section"), *self.captions.values())
        self.side.add(8, row(label("Paper"), 1, self.paper), 12, self.save_button)

    def look(self) -> Look:
        """As it is set."""
        words = tuple(word for word, box in self.captions.items() if box.isChecked())
        paper = PAPERS[self.paper.selected()]
        plain = replace(Look(), captions=words, paper=paper, gap=self.gap.value(), border=self.border.value())
        return replace(plain, columns=self.columns.value() or None, zoom=self.zoom.value() or None)

    def ask(self) -> None:
        """Draw it again."""
        self._later.stop()
        self.wanted.emit(self.look(), self.title.text().strip())

    def show_sheet(self, sheet: np.ndarray, told: str) -> None:
        """(H, W, 3) uint8, and a line about it."""
        self._sheet = sheet
        self.facts.setText(told)
        self.save_button.setEnabled(True)
        self._fit()

    def show_reason(self, why: str) -> None:
        """Why there is no such sheet."""
        self._sheet = None
        self.save_button.setEnabled(False)
        self.facts.setText("")
        self.sheet.setPixmap(QPixmap())
        self.sheet.setWordWrap(True)
        self.sheet.setText(why)

    def _fit(self) -> None:
        if self._sheet is None:
            return
        ratio = self.devicePixelRatioF()
        whole = picture.to_pixmap(self._sheet)
        room = QSize(round(self.sheet.width() * ratio), round(self.sheet.height() * ratio))
        if whole.width() > room.width() or whole.height() > room.height():
            whole = whole.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        whole.setDevicePixelRatio(ratio)
        self.sheet.setPixmap(whole)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """It fills the stage."""
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
