"""One sample of the gallery under the loupe, at the side of its page."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QMenu, QPlainTextEdit, QScrollArea, QSizePolicy, QWidget

from studio import picture, theme
from studio.gallery.store import Entry
from studio.pages import called
from studio.panels.gallerynearest import NearestPanel
from studio.panels.scrolling import MARGIN, SIDE, Side
from studio.widgets import ElidedLabel, button, column, label, number, row, small, tool

TAKES = (  # what is opened of a sample's run
    ("all", "All of it", "The run at that step, with its knobs and this seed"),
    ("no-seed", "All but the seed", "The run at that step, with its knobs and another seed"),
    ("seed", "Only the seed", "This seed, in the run that is open"),
    ("model", "Only the model", "The run at that step, with its page as it is"),
)
NOTE_MS = 700  # after the last letter
HINT = (
    "Click a sample to see it large and all that is known about it.\n\nCtrl+click or Shift+click select several, Ctrl+A all. "
    "Drag them onto a board, or onto another place of the board that is shown.\n\n"
    "S stars · T tags · C compares two · N finds the nearest · Del removes"
)


class GalleryDetail(Side):
    """Picture or sentence, facts, tags, note; ways to its run and to what is nearest.

    Attributes:
        entry: the sample that is shown; None for none, or several.

    Signals:
        starred(bool), tagged(str, bool), noted(str): what a person adds.
        wanted(str): one of TAKES: open it in its run. verify(): make it again and compare.
    """

    starred = Signal(bool)
    tagged = Signal(str, bool)
    noted = Signal(str)
    wanted = Signal(str)
    verify = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.entry: Entry | None = None
        self._pixels: np.ndarray | None = None
        self.hint = label(HINT, "muted")
        self.hint.setWordWrap(True)
        self.many_tags = _Tags()  # of several samples
        self.many_tags.tagged.connect(self.tagged)
        self.many_tags.hide()
        self.image, self.words = QLabel(), label("", "words")
        self.image.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.star = tool("star", "Star it (S)", lambda: self.starred.emit(not (self.entry is not None and self.entry.star)))
        self.title = ElidedLabel("", "strong")
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        head = row(self.title, self.star, spacing=4)
        head.setStretch(0, 1)
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(12)
        self.facts.setVerticalSpacing(3)
        self.facts.setColumnStretch(1, 1)
        self.tags = _Tags()
        self.tags.tagged.connect(self.tagged)
        self.note = QPlainTextEdit()
        self.note.setPlaceholderText("A note")
        self.note.setAccessibleName("Note")
        self.note.setTabChangesFocus(True)
        self.note.installEventFilter(self)
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(NOTE_MS)
        self._typed.timeout.connect(self.flush)
        self.note.textChanged.connect(lambda: self._typed.start() if self.note.hasFocus() else None)
        self.open_button = button("Open in its run", "open", tip="Go to the state that made it")
        menu = QMenu(self.open_button)
        for take, said, tip in TAKES:
            action = menu.addAction(said)
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, take=take: self.wanted.emit(take))
        menu.setToolTipsVisible(True)
        self.open_button.setMenu(menu)
        self.verify_button = button("Verify", "check", tip="Make it again from its checkpoint, and compare", clicked=self.verify.emit)
        self.doors = row(self.open_button, self.verify_button)
        self.doors.setStretch(0, 1)
        self.nearest = NearestPanel()
        self.one = QWidget()
        body = column(self.one, spacing=10)
        body.addWidget(self.image)
        body.addWidget(self.words)
        body.addLayout(head)
        body.addLayout(self.facts)
        body.addLayout(self.doors)
        body.addWidget(self.tags)
        body.addWidget(self.note)
        body.addWidget(self.nearest)
        self.add(self.hint, self.many_tags, self.one)
        self.one.hide()
        self._heights()
        theme.notifier.changed.connect(self._heights)

    # --- what the page says -----------------------------------------------------------------------------------

    def show_none(self, text: str = HINT, *, several: bool = False) -> None:
        """No sample, or several, which can be tagged together."""
        self.flush()
        self.entry = None
        self.hint.setText(text)
        self.hint.show()
        self.many_tags.setVisible(several)
        self.one.hide()

    def show_entry(self, entry: Entry, pixels: np.ndarray | None) -> None:
        """One sample, with its picture (H, W, 3) uint8 unless it is a sentence."""
        if self.entry is None or self.entry.id != entry.id:
            self.flush()
        fresh = self.entry is None or self.entry.id != entry.id
        self.entry, self._pixels = entry, pixels
        self.hint.hide()
        self.many_tags.hide()
        self.one.show()
        self._show_picture()
        self.words.setVisible(pixels is None)
        self.verify_button.setVisible(pixels is not None)
        self.words.setText(entry.text or "(empty)")
        self.title.setText(f"{called(entry.system)} · {entry.run}")
        theme.set_icon(self.star, "star-full" if entry.star else "star", "warn" if entry.star else "muted")
        self.star.setToolTip("Take the star away (S)" if entry.star else "Star it (S)")
        self._show_facts(facts_of(entry))
        self.tags.show_tags(entry.tags)
        if fresh or not self.note.hasFocus():
            self.note.blockSignals(True)
            self.note.setPlainText(entry.note)
            self.note.blockSignals(False)
        if fresh:
            self.nearest.reset()

    def flush(self) -> None:
        """What was typed into the note is a note."""
        self._typed.stop()
        if self.entry is not None and self.note.toPlainText() != self.entry.note:
            self.noted.emit(self.note.toPlainText())

    def edit_tag(self) -> None:
        """Let the person type a tag for what is selected."""
        (self.tags if self.many_tags.isHidden() else self.many_tags).field.setFocus()

    def see_nearest(self) -> None:
        """Scroll to what was found, once it has its place."""
        QTimer.singleShot(0, self, self._see)

    # --- inside -----------------------------------------------------------------------------------------------

    def _show_picture(self) -> None:
        pixels = self._pixels
        self.image.setVisible(pixels is not None)
        if pixels is None:
            return
        ratio, room = self.devicePixelRatioF(), theme.theme().px(SIDE - 2 * MARGIN - 8)
        zoom = max(1, int(room * ratio) // max(pixels.shape[:2]))
        every = -(-max(pixels.shape[:2]) // int(room * ratio))
        self.image.setPixmap(picture.to_pixmap(np.ascontiguousarray(pixels[::every, ::every]), zoom, ratio))
        self.image.setAccessibleName("The selected sample")

    def _show_facts(self, told: Sequence[tuple[str, str]]) -> None:
        while (item := self.facts.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for line, (name, value) in enumerate(told):
            words = ElidedLabel(value)
            words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self.facts.addWidget(label(name, "muted"), line, 0)
            self.facts.addWidget(words, line, 1)

    def _see(self) -> None:
        area = self.findChild(QScrollArea)
        if isinstance(area, QScrollArea) and self.entry is not None:
            self.nearest.updateGeometry()
            area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())

    def _heights(self) -> None:
        self.note.setFixedHeight(theme.theme().px(58))
        face = theme.font(15)
        self.words.setStyleSheet(f"font-size: {face.pixelSize()}px;")
        self._show_picture()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A note is kept when it is left."""
        if watched is self.note and event.type() == QEvent.Type.FocusOut:
            self.flush()
        return super().eventFilter(watched, event)


def facts_of(entry: Entry) -> list[tuple[str, str]]:
    """What is known of a sample, for people."""
    told = [("Step", f"{entry.step:,}"), ("Seed", f"{entry.seed:,} #{entry.row}")]
    told += [("Class", entry.wish)] if entry.label else []
    told += [(name.replace("_", " "), number(value)) for name, value in entry.scores.items()]
    told += [("Size", f"{entry.width} × {entry.height}")] if entry.kind == "picture" else []
    return [*told, ("Data", entry.data), ("Kept", time.strftime("%d %b %Y %H:%M", time.localtime(entry.made)))]


class _Tags(QWidget):
    """Tags as buttons that take themselves away, and a field for the next.

    Signals:
        tagged(str, bool): a tag is put on, or taken off.
    """

    tagged = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._chips = QWidget()
        self._lines = column(self._chips, spacing=4)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Add a tag")
        self.field.setAccessibleName("Add a tag")
        self.field.returnPressed.connect(self._on_typed)
        body = column(self, spacing=4)
        body.addWidget(self._chips)
        body.addWidget(self.field)

    def show_tags(self, tags: Sequence[str]) -> None:
        """Those of the sample."""
        while (item := self._lines.takeAt(0)) is not None:
            inner = item.layout()
            while inner is not None and (one := inner.takeAt(0)) is not None:
                if (old := one.widget()) is not None:
                    old.hide()
                    old.deleteLater()
        room, line, left = theme.theme().px(SIDE - 2 * MARGIN - 12), None, 0
        for tag in tags:
            chip = small(f"{tag}  ×", f"Take the tag {tag} away")
            chip.setStyleSheet(f"border: 1px solid {theme.theme().hairline};")
            chip.clicked.connect(lambda _=False, tag=tag: self.tagged.emit(tag, False))
            wide = chip.sizeHint().width() + 4
            if line is None or wide > left:
                line, left = row(1, spacing=4), room
                self._lines.addLayout(line)
            line.insertWidget(line.count() - 1, chip)
            left -= wide
        self._chips.setVisible(bool(tags))

    def _on_typed(self) -> None:
        text = self.field.text().strip()
        self.field.clear()
        if text:
            self.tagged.emit(text, True)
