"""What is nearest to the sample that is seen at the side of the gallery, looked for beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from models.errors import StudioError
from studio.gallery import nearest
from studio.gallery.keeping import pixels_of

if TYPE_CHECKING:
    from studio.pages.gallery import GalleryPage

NEAREST, DATA = "nearest", "data"  # names of the jobs


class GallerySearch(QObject):
    """Asks, and shows what was found."""

    def __init__(self, page: GalleryPage) -> None:
        super().__init__(page)
        self._page, self._panel = page, page.detail.nearest
        self._panel.asked.connect(self.find)
        self._panel.asked_data.connect(self.find_in_data)
        self._panel.cancelled.connect(self._on_cancelled)
        self._panel.chosen.connect(page.go_to)

    def find(self) -> None:
        """What in the gallery is nearest to the sample."""
        entry, gallery = self._page.detail.entry, self._page.gallery
        if entry is None or gallery is None:
            return

        def search(progress: Any) -> Any:
            del progress
            pixels = pixels_of(gallery.png(entry.id)) if entry.kind == "picture" else None
            if pixels is not None:
                found = nearest.nearest_pictures(gallery, pixels, skip=[entry.id])
            else:
                found = nearest.nearest_sentences(gallery, entry.text, skip=[entry.id])
            known = {e.id: e for e in gallery.entries([f.id for f in found])}
            return [(f, known[f.id], pixels_of(gallery.png(f.id)) if pixels is not None else None) for f in found if f.id in known]

        self._page.aside.start(NEAREST, search)

    def find_in_data(self) -> None:
        """What its run was trained on that is nearest to the sample."""
        entry, gallery = self._page.detail.entry, self._page.gallery
        if entry is None or gallery is None:
            return
        try:
            recipe = gallery.recipe(entry.id)
        except StudioError as error:
            self._panel.show_data(None, str(error))
            return
        self._panel.show_progress(0, 0)

        def search(progress: Any) -> nearest.InData:
            pixels = pixels_of(gallery.png(entry.id)) if entry.kind == "picture" else None
            return nearest.TrainingData(recipe, progress).nearest(pixels, entry.text)

        self._page.aside.start(DATA, search)

    def _on_cancelled(self) -> None:
        self._page.aside.cancel(DATA)
        self._panel.show_data(None)

    def on_done(self, name: str, result: Any) -> bool:
        """A job has ended; whether it was one of these."""
        if name == NEAREST:
            self._panel.show_found(result)
        elif name == DATA:
            self._panel.show_data(result)
        else:
            return False
        self._page.detail.see_nearest()
        return True

    def on_failed(self, name: str, sentence: str) -> bool:
        """A job could not be done."""
        if name != DATA:
            return False
        self._panel.show_data(None, sentence)
        self._page.detail.see_nearest()
        return True

    def on_went(self, name: str, done: int, total: int) -> bool:
        """How far a job is."""
        if name == DATA:
            self._panel.show_progress(done, total)
        return name == DATA
