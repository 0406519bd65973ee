"""The gallery: everything that was kept, of all runs; filtered, starred, put on boards, compared, and given away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from models.errors import StudioError
from studio.gallery.keeping import pixels_of
from studio.gallery.store import Entry, Gallery
from studio.pages.galleryboarding import GalleryBoarding
from studio.pages.gallerycommand import command, python
from studio.pages.gallerydeeds import Deeds, many
from studio.pages.gallerydoors import GalleryDoors
from studio.pages.gallerysearch import GallerySearch
from studio.pages.page import Page
from studio.panels.card import EmptyStage
from studio.panels.comparepair import ComparePair
from studio.panels.galleryboards import ALL, BOARD, STARRED, GalleryBoards
from studio.panels.gallerydetail import HINT, GalleryDetail
from studio.panels.galleryfilter import GalleryFilter
from studio.panels.galleryfoot import GalleryFoot
from studio.panels.gallerygrid import GalleryGrid
from studio.panels.gallerymodel import GalleryModel, Thumbs
from studio.panels.sheetmaker import SheetMaker
from studio.widgets import column, label, row
from studio.workers.aside import Aside

LOOK_MS = 2_000  # how often the page looks whether another window has kept something
EMPTY = (
    "Nothing is kept yet",
    (
        "On the page of a system press Keep, or K: the selected sample, or all that are shown, come here with their recipe.",
        "You can also drop an exported picture, contact sheet or text here.",
    ),
    "Go to BEGAN",
)
NONE = "Nothing that is kept fits this choice."
NONE_HERE = "This board is empty: drag samples onto its name, or select some and choose Board."
GRID, COMPARE, SHEET, BLANK = range(4)


class GalleryPage(Page):
    """The view of a Gallery.

    Attributes:
        gallery: the file; None until the page is seen for the first time.
        grid, filter, boards, detail, foot: what stands around the samples. compare, maker: what can stand in their place.
        deeds, doors: what is done to samples, and what is made of them.

    Signals:
        passed_on (object): the file or folder at this Path was dropped here, and is nothing for the gallery.
        sample_chosen (object, str): open this recipe in its run, as a word of `gallerydetail.TAKES` tells.
    """

    SYSTEM, TITLE = "gallery", "Gallery"
    sample_chosen = Signal(object, str)
    passed_on = Signal(object)

    def __init__(self, session: Any = None) -> None:
        super().__init__()
        del session
        self.gallery: Gallery | None = None
        self._seen: tuple[int, int] = (-1, -1)
        self.model, self.thumbs, self.aside = GalleryModel(self), Thumbs(self), Aside(self)
        self.deeds = Deeds(self.own_history, self)
        self.grid, self.filter, self.boards = GalleryGrid(self.model, self.thumbs), GalleryFilter(), GalleryBoards()
        self.detail, self.foot, self.compare, self.maker = GalleryDetail(), GalleryFoot(), ComparePair(), SheetMaker()
        self.doors, self.search, self.boarding = GalleryDoors(self), GallerySearch(self), GalleryBoarding(self)
        self.empty = EmptyStage(EMPTY[0], EMPTY[1], EMPTY[2])
        for widget in (self._shelf(), self.compare, self.maker, self.empty):
            self.stage.addWidget(widget)
        self.add_side(self.detail, self.maker.side)
        self.tools.addWidget(self.doors.sheet_button)
        self.tools.addWidget(self.doors.export_button)
        self.setAcceptDrops(True)
        self.setFocusProxy(self.grid)
        self._connect()
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._look_again)

    def _shelf(self) -> QWidget:
        shelf, middle = QWidget(), QWidget()
        self.none = label("", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.setWordWrap(True)
        self.none.hide()
        body = column(middle, spacing=8)
        body.addWidget(self.filter)
        body.addWidget(self.none, 1)
        body.addWidget(self.grid, 1)
        body.addWidget(self.foot)
        line = row(self.boards, middle, spacing=16)
        line.setStretch(1, 1)
        shelf.setLayout(line)
        return shelf

    def _connect(self) -> None:
        deeds, detail, boards, foot = self.deeds, self.detail, self.boards, self.foot
        deeds.changed.connect(self._on_deed)
        deeds.failed.connect(self.card.show_error)
        deeds.told.connect(self.tell)
        self.model.trouble.connect(self.card.show_error)
        self.filter.changed.connect(self.show_entries)
        self.filter.sized.connect(self.grid.set_size)
        self.grid.chosen.connect(self._on_selection)
        self.grid.entered.connect(lambda _: self.look_closer())
        boards.chosen.connect(lambda *_: self._on_board())
        detail.starred.connect(lambda on: deeds.star(self.grid.selected(), on))
        detail.tagged.connect(lambda tag, on: deeds.tag(self.grid.selected(), tag, on))
        detail.noted.connect(self._on_noted)
        detail.wanted.connect(self._on_wanted)
        detail.verify.connect(self.doors.verify)
        foot.starred.connect(self.star)
        foot.tagged.connect(lambda tag: deeds.tag(self.grid.selected(), tag, True))
        foot.compared.connect(self.compare_two)
        foot.removed.connect(self.remove)
        foot.reset.connect(self.filter.reset)
        self.compare.closed.connect(self.back)
        self.maker.closed.connect(self.back)
        self.empty.start.connect(lambda: self.page_wanted.emit("began"))
        self.aside.done.connect(lambda name, result: self.search.on_done(name, result) or self.doors.on_done(name, result))
        self.aside.failed.connect(lambda name, sentence: self.search.on_failed(name, sentence) or self.doors.on_failed(name, sentence))
        self.aside.went.connect(lambda name, done, total: self.search.on_went(name, done, total) or self.doors.on_went(name, done, total))

    # --- what is shown ----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Read the gallery, if that has not been done."""
        if self.gallery is not None:
            return
        try:
            self.gallery = Gallery.open()
        except StudioError as error:
            self.card.show_error(str(error))
            self.stage.setCurrentWidget(self.empty)
            return
        self.deeds.gallery = self.thumbs.gallery = self.gallery
        if self.gallery.problem:
            self.alarm.show_error(self.gallery.problem)
        self.refresh()

    def refresh(self) -> None:
        """Everything, as it is now in the file; the selection stays."""
        if self.gallery is None:
            return
        try:
            self._seen = self.gallery.version()
            total = self.gallery.count()
            self.boards.show_boards(total, self.gallery.count(starred=True), self.gallery.boards())
            self.filter.show_choices(self.gallery.choices())
            self.foot.show_boards([name for name, _ in self.gallery.boards()])
        except StudioError as error:
            self.card.show_error(str(error))
            return
        self.show_entries()
        if self.stage.currentIndex() in (GRID, BLANK):
            self.stage.setCurrentIndex(GRID if total or self.gallery.boards() else BLANK)
        self.sides.setVisible(self.stage.currentIndex() != BLANK) if self.sides is not None else None
        self._subtitle(total)

    def show_entries(self) -> None:
        """What the filter and the board ask for, in their order."""
        if self.gallery is None:
            return
        chosen, (kind, name) = self.grid.selected(), self.boards.now()
        self.filter.show_order(board=kind == BOARD)
        asked = self.filter.asked() | {"starred": kind == STARRED, "board": name if kind == BOARD else None}
        sort = asked.pop("sort")
        try:
            ids = self.gallery.query(sort=sort, **asked)
            cards = asked["kind"] == "text" or (bool(len(ids)) and not self.gallery.any(**{**asked, "kind": "picture"}))
        except StudioError as error:
            self.card.show_error(str(error))
            return
        ordered = kind == BOARD and sort == "board" and not self.filter.filters()
        if ids != self.model.ids or ordered != self.model.ordered:
            top = self.grid.verticalScrollBar().value()
            self.model.show_ids(self.gallery, ids, ordered=ordered)
            self.grid.set_cards(cards)
            self.grid.select(chosen)
            if not self.grid.selected():
                self.grid.verticalScrollBar().setValue(top)
        else:
            self.model.refresh()
        empty = not len(ids)
        self.none.setText(NONE_HERE if kind == BOARD and not self.filter.filters() else NONE)
        self.none.setVisible(empty)
        self.grid.setVisible(not empty)
        self._on_selection()

    def _subtitle(self, total: int) -> None:
        boards = self.boards.list.count() - 2
        told = f"{total:,} samples" if total != 1 else "1 sample"
        self.subtitle.setText(told + (f" · {boards:,} board{'s' * (boards != 1)}" if boards > 0 else "") if total or boards > 0 else "")

    def _on_board(self) -> None:
        self.show_entries()
        self.grid.scrollToTop()

    def _on_selection(self) -> None:
        """What is selected decides over the side and the foot."""
        chosen, (kind, name) = self.grid.selected(), self.boards.now()
        entries = self.entries(chosen[:2]) if len(chosen) <= 2 else []
        alike = len(entries) == 2 and len({e.kind for e in entries}) == 1
        first = self.entries([self.model.ids[0], self.model.ids[-1]]) if len(self.model.ids) else []
        self.foot.show_selection(
            len(self.model.ids),
            len(chosen),
            spanned(first),
            filtered=self.filter.filters(),
            board=name if kind == BOARD else "",
            alike=alike,
            ordered=self.model.ordered,
        )
        self.doors.allow(len(chosen) or len(self.model.ids))
        self.aside.cancel("nearest")
        if len(chosen) == 1 and entries:
            self.show_entry(entries[0])
        else:
            self.aside.cancel("data")
            self.detail.show_none(
                HINT if not chosen else f"{many(chosen).capitalize()} are selected.\n\n{HINT.partition(chr(10))[2].strip()}", several=bool(chosen)
            )

    def show_entry(self, entry: Entry) -> None:
        """One sample at the side."""
        try:
            self.detail.show_entry(entry, self._pixels(entry))
        except StudioError as error:
            self.card.show_error(str(error))

    def _pixels(self, entry: Entry) -> np.ndarray | None:
        assert self.gallery is not None
        return pixels_of(self.gallery.png(entry.id)) if entry.kind == "picture" else None

    def entries(self, ids: Sequence[int]) -> list[Entry]:
        """Some entries; none where the gallery cannot be read, which the card tells."""
        try:
            return self.gallery.entries(ids) if self.gallery is not None else []
        except StudioError as error:
            self.card.show_error(str(error))
            return []

    def _look_again(self) -> None:
        """Another window, or a page of this one, may have kept something."""
        if self.gallery is not None and self.isVisible():
            try:
                if self.gallery.version() != self._seen:
                    self.refresh()
            except StudioError as error:
                self.card.show_error(str(error))

    def _on_deed(self) -> None:
        if self.gallery is not None:
            self.refresh()

    # --- what a person does -----------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the last deed; a note that is being typed is one."""
        self.detail.flush()
        super().undo()

    def back(self) -> None:
        """From a comparison or the maker to the samples."""
        self.aside.cancel("preview")
        self.stage.setCurrentIndex(GRID)
        if self.sides is not None:
            self.sides.setCurrentWidget(self.detail)
            self.sides.show()
        self.refresh()
        self.grid.setFocus()

    def star(self) -> None:
        """Star what is selected, or unstar it where all of it is starred."""
        self.deeds.star(self.grid.selected())

    def type_tag(self) -> None:
        """Let the person type a tag for what is selected."""
        if self.grid.selected():
            self.detail.edit_tag()
        else:
            self.tell("Select a sample first, or several.")

    def remove(self) -> None:
        """Take what is selected out of the gallery."""
        self.deeds.remove(self.grid.selected())

    def _on_noted(self, text: str) -> None:
        if self.detail.entry is not None:
            self.deeds.note(self.detail.entry.id, text)

    def _on_wanted(self, take: str) -> None:
        if self.detail.entry is not None and self.gallery is not None:
            try:
                self.sample_chosen.emit(self.gallery.recipe(self.detail.entry.id), take)
            except StudioError as error:
                self.card.show_error(str(error))

    def look_closer(self) -> None:
        """Enter: two are compared; the side of one is given the keyboard."""
        if len(self.grid.selected()) == 2:
            self.compare_two()
        else:
            self.detail.open_button.setFocus()

    def compare_two(self) -> None:
        """The two that are selected."""
        entries = self.entries(self.grid.selected())
        if len(entries) != 2 or len({e.kind for e in entries}) != 1:
            self.tell("Select two pictures, or two sentences, to compare them.")
            return
        names = (name_of(entries[0]), name_of(entries[1]))
        try:
            a, b = (self._pixels(e) for e in entries)
        except StudioError as error:
            self.card.show_error(str(error))
            return
        if a is not None and b is not None:
            self.compare.show_pictures(a, b, names)
        else:
            self.compare.show_sentences(entries[0].text, entries[1].text, names)
        self.stage.setCurrentWidget(self.compare)
        if self.sides is not None:
            self.sides.hide()

    def go_to(self, number: int) -> None:
        """Select an entry, showing everything if it is not among what is shown."""
        if self.model.row_of(number) < 0:
            self.boards.choose(ALL)
            self.filter.reset()
        self.grid.select([number])
        self.grid.setFocus()

    # --- as a page --------------------------------------------------------------------------------------------

    def choose_export(self) -> None:
        """Ctrl+E."""
        if self.stage.currentWidget() is self.maker:
            self.maker.save_button.click()
        else:
            self.doors.choose()

    def why_no_keep(self) -> str:
        """They are here already."""
        return "These are kept already: go to the page of a run to keep more."

    def as_command(self) -> str:
        """What is shown, as a line for the terminal."""
        return command(self._asked())

    def as_python(self) -> str:
        """The same as a script."""
        return python(self._asked())

    def _asked(self) -> dict[str, Any]:
        """What the filter and the board ask for, as the command line calls it."""
        asked, (kind, name) = self.filter.asked(), self.boards.now()
        told = {"board": name if kind == BOARD else "", "starred": kind == STARRED, "system": asked["system"], "run": asked["run"]}
        told |= {"label": asked["label"], "kind": asked["kind"], "tag": asked["tag"], "find": " ".join(asked["text"].split()), "sort": asked["sort"]}
        return told

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters, while no field has the keyboard."""
        if self.stage.currentIndex() != GRID or event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier):
            super().keyPressEvent(event)
            return
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        acts = {
            (Qt.Key.Key_S, False): self.star,
            (Qt.Key.Key_T, False): self.type_tag,
            (Qt.Key.Key_C, False): self.compare_two,
            (Qt.Key.Key_N, False): self.search.find,
            (Qt.Key.Key_Delete, False): self.remove,
            (Qt.Key.Key_F, True): self.filter.search.setFocus,
            (Qt.Key.Key_B, True): self.boarding.make,
            (Qt.Key.Key_Left, True): lambda: self.boarding.step(-1),
            (Qt.Key.Key_Right, True): lambda: self.boarding.step(1),
        }
        act = acts.get((Qt.Key(event.key()), control))
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def dragEnterEvent(self, event: Any) -> None:
        """An exported file."""
        self.doors.drag_entered(event)

    def dropEvent(self, event: Any) -> None:
        """Offer to keep what is in it."""
        self.doors.file_dropped(event)

    def showEvent(self, event: Any) -> None:
        """Read it, and follow what other windows do."""
        super().showEvent(event)
        first = self.gallery is None
        self.open()
        if not first:
            self._look_again()
        self._look.start()

    def hideEvent(self, event: Any) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._look.stop()
        self.detail.flush()

    def stop(self) -> None:
        """The window is closing."""
        self.detail.flush()
        self.aside.stop()
        self.thumbs.stop()
        self._look.stop()
        if self.gallery is not None:
            self.gallery.close()
            self.gallery = self.deeds.gallery = self.thumbs.gallery = None


def name_of(entry: Entry) -> str:
    """A sample in a line."""
    return f"{entry.run} · step {entry.step:,} · seed {entry.seed} #{entry.row}" + (f" · {entry.wish}" if entry.wish else "")


def spanned(ends: Sequence[Entry]) -> str:
    """From when to when these were kept."""
    days = sorted({time.strftime("%Y-%m-%d", time.localtime(e.made)) for e in ends})
    told = [time.strftime("%d %b %Y", time.strptime(day, "%Y-%m-%d")) for day in days]
    return " to ".join(told)
