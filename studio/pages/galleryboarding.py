"""What a person does with boards of the gallery, on whatever of the page it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from studio.panels.galleryboards import BOARD
from studio.panels.galleryfoot import fixed
from studio.panels.gallerygrid import ordered_after

if TYPE_CHECKING:
    from studio.pages.gallery import GalleryPage


class GalleryBoarding(QObject):
    """Makes, names, fills and orders boards."""

    def __init__(self, page: GalleryPage) -> None:
        super().__init__(page)
        self._page = page
        boards, foot, deeds = page.boards, page.foot, page.deeds
        boards.made.connect(self.make)
        boards.renamed.connect(self._rename)
        boards.removed.connect(deeds.remove_board)
        boards.dropped.connect(deeds.put_on)
        foot.put.connect(self._put)
        foot.taken.connect(lambda: deeds.take_off(boards.now()[1], page.grid.selected()))
        foot.stepped.connect(self.step)
        page.model.moved.connect(self._move)
        page.grid.refused.connect(self.say_fixed)

    def make(self) -> None:
        """A board of what is selected; its name can be typed at once."""
        name = self._page.deeds.new_board(self._page.grid.selected())
        if name:
            self._page.boards.edit(name)

    def _rename(self, name: str, new: str) -> None:
        self._page.deeds.rename_board(name, new)
        self._page.boards.choose(BOARD, new)

    def _put(self, name: str) -> None:
        self._page.deeds.put_on(name, self._page.grid.selected()) if name else self.make()

    def _move(self, ids: list[int], place: int) -> None:
        kind, name = self._page.boards.now()
        if kind == BOARD:
            self._page.deeds.order(name, ordered_after(self._page.model.ids, ids, place))
            self._page.grid.select(ids)

    def say_fixed(self) -> None:
        """Why the board that is shown keeps its order, if it does."""
        page = self._page
        if page.boards.now()[0] == BOARD and not page.model.ordered:
            page.tell(fixed(page.filter.filters()))

    def step(self, by: int) -> None:
        """Move what is selected one place on its board."""
        page = self._page
        chosen, (kind, name) = page.grid.selected(), page.boards.now()
        if kind != BOARD or not page.model.ordered or not chosen:
            self.say_fixed()
            return
        first, last = page.model.row_of(chosen[0]), page.model.row_of(chosen[-1])
        place = max(0, first - 1) if by < 0 else min(len(page.model.ids), last + 2)
        page.deeds.order(name, ordered_after(page.model.ids, chosen, place), merge=f"order {name}")
        page.grid.select(chosen)
