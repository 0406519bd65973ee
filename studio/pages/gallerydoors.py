"""What comes out of the gallery and into it: files, contact sheets, proofs, and exported files that are dropped on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu

from models.errors import BadInput, StudioError
from models.files import home
from studio.export.telling import Progress
from studio.gallery import giving
from studio.gallery.keeping import pixels_of
from studio.gallery.store import Gallery
from studio.pages.exporting import free, pattern
from studio.panels.card import ErrorCard
from studio.panels.galleryboards import BOARD
from studio.widgets import button

if TYPE_CHECKING:
    from studio.pages.gallery import GalleryPage

TAKEN = (".png", ".apng", ".webp", ".html", ".txt", ".jsonl", ".csv")  # files whose samples can be kept
PREVIEW = 400  # pictures of a sheet that are drawn before it is saved
EXPORT, SHEET, KEEP, VERIFY = "export", "preview", "keep", "verify"


class GalleryDoors(QObject):
    """Buttons of the page's header, and what they lead to.

    Attributes:
        sheet_button, export_button, stop_button: for the header.
        offer: what can be done with a file that was dropped.
    """

    def __init__(self, page: GalleryPage) -> None:
        super().__init__(page)
        self._page, self._dropped, self._writing = page, Path(), Path()
        self.sheet_button = button(
            "Contact sheet", "sheet", tip="Make a contact sheet of what is selected, or of all that are shown", clicked=self.make_sheet
        )
        self.export_button = button("Export…", "export", tip="What is selected, or all that are shown, in this order (Ctrl+E)")
        self.stop_button = button("Stop", "stop", kind="quiet", tip="Stop the export; nothing is written", clicked=self.stop_writing)
        self.stop_button.hide()
        self._menu = QMenu(self.export_button)
        self.export_button.setMenu(self._menu)
        self._menu.aboutToShow.connect(self._fill)
        self._fill()
        self.offer = ErrorCard(kind="card")
        self.offer.remedy.connect(lambda _: self._keep())
        page.put_on_top(self.offer)
        page.tools.insertWidget(0, self.stop_button)
        page.maker.wanted.connect(self._preview)
        page.maker.saved.connect(self._save_sheet)
        self.allow(0)

    def allow(self, samples: int) -> None:
        """Whether there is anything to give."""
        kinds = {k for k in ("picture", "text") if samples and self._of_kind(k)}
        self.export_button.setEnabled(bool(kinds))
        self.sheet_button.setEnabled("picture" in kinds)

    # --- files ------------------------------------------------------------------------------------------------

    def ids(self) -> list[int]:
        """What is selected, or all that are shown, in the order in which they are."""
        return self._page.grid.selected() or list(self._page.model.ids)

    def _of_kind(self, kind: str) -> bool:
        """Whether one of them is of a kind; of very many the first are looked at."""
        return any(e.kind == kind for e in self._page.entries(self.ids()[:PREVIEW]))

    def _fill(self) -> None:
        self._menu.clear()
        for kind in ("picture", "text"):
            if self._of_kind(kind):
                for name, giver in giving.givers(kind).items():
                    act = self.make_sheet if name == "sheet" else partial(self.ask, name)
                    self._menu.addAction(giver.label).triggered.connect(lambda _=False, act=act: act())
        if self._menu.isEmpty():
            self._menu.addAction("Nothing to export").setEnabled(False)

    def choose(self) -> None:
        """Open the menu."""
        if self.export_button.isEnabled():
            self.export_button.showMenu()

    def ask(self, name: str) -> None:
        """Ask where to, and write."""
        giver = giving.givers()[name]
        suggestion = home() / "exports" / f"{self._stem()}-{name}{giver.extension}"
        suggestion.parent.mkdir(parents=True, exist_ok=True)
        self._page.ask_path(giver.label, free(suggestion), pattern(giver), lambda path: self.export(name, path))

    def _stem(self) -> str:
        kind, board = self._page.boards.now()
        plain = "".join(c if c.isalnum() or c in "-_ " else "-" for c in board).strip() if kind == BOARD else ""
        return plain or "gallery"

    def export(self, name: str, path: Path, ids: Sequence[int] | None = None, **options: Any) -> None:
        """Write samples with one of `giving.givers`; the notice tells how far it is, and Stop leaves nothing behind."""
        gallery, chosen, giver = self._page.gallery, list(ids or self.ids()), giving.givers()[name]
        if gallery is None or self._page.aside.is_busy(EXPORT):
            self._page.tell("One export at a time: wait for it, or stop it.")
            return
        kind, board = self._page.boards.now()
        title = options.pop("title", "") or (board if kind == BOARD else "")
        self._writing = path
        self._page.tell(f"Exporting {path.name} …", stay=True)
        self.stop_button.show()
        self._page.aside.start(EXPORT, lambda progress: giver.give(gallery, chosen, path, title=title, progress=progress, **options))

    def stop_writing(self) -> None:
        """Nothing is written."""
        self._page.aside.cancel(EXPORT)
        self.stop_button.hide()
        self._page.tell(f"Stopped; {self._writing.name} was not written.")

    # --- contact sheets ---------------------------------------------------------------------------------------

    def make_sheet(self) -> None:
        """The maker, in the place of the samples."""
        page = self._page
        if page.gallery is None or not self._of_kind("picture"):
            return
        kind, board = page.boards.now()
        page.maker.title.setPlaceholderText(board if kind == BOARD else "What they are of")
        page.stage.setCurrentWidget(page.maker)
        if page.sides is not None:
            page.sides.setCurrentWidget(page.maker.side)
            page.sides.show()
        page.maker.setFocus()
        page.maker.ask()

    def _preview(self, look: Any, title: str) -> None:
        gallery, ids = self._page.gallery, self.ids()
        if gallery is None:
            return
        kind, board = self._page.boards.now()
        title = title or (board if kind == BOARD else "")

        def draw(progress: Any) -> Any:
            import numpy as np

            from studio.export.contact import composed
            from studio.export.telling import heard

            pictures = [e.id for e in giving.of_kind(gallery, ids, "picture")]
            with heard(progress):
                cells = giving.cells_of(gallery, pictures[:PREVIEW])
                image, _, _ = composed(cells, look, title)
            first = f", the first of {len(pictures):,}" if len(pictures) > PREVIEW else ""
            return np.asarray(image), f"{image.width:,} × {image.height:,} pixels · {len(cells):,} picture{'s' * (len(cells) != 1)}{first}"

        self._page.aside.start(SHEET, draw)

    def _save_sheet(self, look: Any, title: str) -> None:
        suggestion = home() / "exports" / f"{self._stem()}-sheet.png"
        suggestion.parent.mkdir(parents=True, exist_ok=True)
        ids = self.ids()
        write = partial(self.export, "sheet", ids=ids, look=look, title=title)
        self._page.ask_path("Save the contact sheet", free(suggestion), "PNG (*.png)", write)

    # --- proof ------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Make the selected picture again in a process of its own, where it disturbs no training, and compare."""
        page = self._page
        entry, gallery = page.detail.entry, page.gallery
        if entry is None or gallery is None or entry.kind != "picture":
            return
        page.tell("Making it again …", stay=True)
        page.aside.start(VERIFY, lambda progress: proven(gallery, entry.id, progress))

    # --- in ---------------------------------------------------------------------------------------------------

    def drag_entered(self, event: QDragEnterEvent) -> None:
        """A file."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def file_dropped(self, event: QDropEvent) -> None:
        """Offer what can be done with it."""
        event.acceptProposedAction()
        self.receive(Path(event.mimeData().urls()[0].toLocalFile()))

    def receive(self, path: Path) -> None:
        """An exported file offers to be kept; a run is opened; what has no recipe says so."""
        from studio import recipe as recipes

        page = self._page
        if path.is_dir() or path.suffix.lower() not in TAKEN:  # a run, data, an export that has no samples to be cut out
            page.passed_on.emit(path)
            return
        try:
            found = recipes.read(path)
            count = recipes.count_of(found)
            if not count:
                raise BadInput(f"{path.name} has no samples to keep: give a picture, a contact sheet, or a file of sentences.")
        except StudioError as error:
            page.card.show_error(str(error))
            return
        page.card.close_card()
        self._dropped = path
        run = (found.get("run") or {}).get("name") or "several runs"
        what = "one sample" if count == 1 else f"{count:,} samples"
        self.offer.show_error(
            f"{path.name} has {what} of {run}, with the recipe.", "Keep it in the gallery" if count == 1 else "Keep them in the gallery"
        )

    def _keep(self) -> None:
        gallery, path = self._page.gallery, self._dropped
        self.offer.close_card()
        if gallery is None:
            return
        from studio.gallery.taking import keep_file

        self._page.tell(f"Keeping {path.name} …", stay=True)
        self._page.aside.start(KEEP, lambda progress: keep_file(gallery, path))

    # --- what comes of it -------------------------------------------------------------------------------------

    def on_done(self, name: str, result: Any) -> None:
        """A job has ended."""
        page = self._page
        match name:
            case "export":
                self.stop_button.hide()
                folder = self._writing.is_dir()
                many = f"{len(result):,} files to {self._writing.name}" if folder else result[0].name
                page.tell(f"Exported {many}", self._writing if folder else result[0])
            case "preview":
                page.maker.show_sheet(*result)
            case "keep":
                page.tell(f"Kept {len(result):,} in the gallery")
                page.refresh()
                page.grid.select(result[:200])
            case _:
                page.tell(result, stay=True)

    def on_failed(self, name: str, sentence: str) -> None:
        """A job could not be done."""
        if name == SHEET:
            self._page.maker.show_reason(sentence)
            return
        self.stop_button.hide()
        self._page.tell("")
        self._page.card.show_error(sentence)

    def on_went(self, name: str, done: int, total: int) -> None:
        """How far an export is."""
        if name == EXPORT and total:
            self._page.tell(f"Exporting {self._writing.name}, {done / total:.0%}", stay=True)


def proven(gallery: Gallery, number: int, progress: Progress) -> str:
    """What `verify` says of a picture, in a sentence; raises BadInput where it cannot say anything."""
    from PIL import Image

    from studio import doors
    from studio import recipe as recipes

    recipe = gallery.recipe(number)
    run = doors.where(recipe)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kept.png"
        recipes.save_png(Image.fromarray(pixels_of(gallery.png(number))), file, recipe)
        words = [sys.executable, "-m", "studio", "verify", str(file), "--json", *(["--run", str(run)] if run else [])]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            while process.poll() is None:
                progress(0, 0)
                time.sleep(0.05)
        finally:
            process.kill()
        out, err = process.communicate()
    if not out.strip():
        raise BadInput(err.strip().removeprefix("sampling-studio: ").replace("kept.png", "this sample") or "It could not be made again.")
    told = json.loads(out.splitlines()[-1])
    return f"{str(told['verdict']).capitalize()}: {told['reason']}"
