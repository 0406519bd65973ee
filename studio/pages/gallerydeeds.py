"""What a person does to what is kept: stars, tags, notes, boards; each can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import count
from typing import Concatenate, ParamSpec

from PySide6.QtCore import QObject, Signal

from models.errors import StudioError
from studio.gallery.store import Gallery
from studio.history import History

P = ParamSpec("P")


def guarded(deed: Callable[Concatenate[Deeds, P], None]) -> Callable[Concatenate[Deeds, P], None]:
    """A deed whose reading of the gallery may fail, which is told as well."""

    @wraps(deed)
    def act(self: Deeds, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            deed(self, *args, **kwargs)
        except StudioError as error:
            self.failed.emit(str(error))

    return act


class Deeds(QObject):
    """Changes of a gallery, remembered in a page's history.

    Signals:
        changed(): something is other than it was.
        failed(str): why it could not be done.
        told(str): what was done.
    """

    changed = Signal()
    failed = Signal(str)
    told = Signal(str)

    def __init__(self, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._history = history
        self.gallery: Gallery | None = None

    def _do(self, text: str, redo: Callable[[Gallery], object], undo: Callable[[Gallery], object], *, merge: str = "", tell: str = "") -> bool:
        """Do something, remember how it is undone; whether it could be done."""
        if not self._act(redo):
            return False
        self._history.done(text, lambda: self._act(undo), lambda: self._act(redo), merge)
        if tell:
            self.told.emit(tell)
        return True

    def _act(self, act: Callable[[Gallery], object]) -> bool:
        if self.gallery is None:
            return False
        try:
            act(self.gallery)
        except StudioError as error:
            self.failed.emit(str(error))
            return False
        self.changed.emit()
        return True

    # --- entries ----------------------------------------------------------------------------------------------

    @guarded
    def star(self, ids: Sequence[int], on: bool | None = None) -> None:
        """Star them, or take the stars away; None: the latter where all of them have one."""
        g = self.gallery
        starred = g.which(ids, starred=True) if g is not None else set[int]()
        on = len(starred) < len(ids) if on is None else on
        changed = [i for i in ids if (i in starred) != on]
        if changed:
            text = f"{'Star' if on else 'Unstar'} {many(changed)}"
            self._do(text, lambda g: g.star(changed, on), lambda g: g.star(changed, not on))

    @guarded
    def tag(self, ids: Sequence[int], tag: str, on: bool) -> None:
        """Put a tag on them, or take it off."""
        g, tag = self.gallery, " ".join(tag.replace(",", " ").split())
        tagged = g.which(ids, tag=tag) if g is not None and tag else set[int]()
        changed = [i for i in ids if (i in tagged) != on]
        if changed:
            text = f"{'Tag' if on else 'Untag'} {many(changed)} {tag}"
            self._do(text, lambda g: g.tag(changed, tag, on), lambda g: g.tag(changed, tag, not on))

    @guarded
    def note(self, number: int, text: str) -> None:
        """Another note."""
        g = self.gallery
        found = g.entries([number]) if g is not None else []
        if found and found[0].note != text:
            before = found[0].note
            self._do("Note", lambda g: g.note(number, text), lambda g: g.note(number, before), merge=f"note {number}")

    def remove(self, ids: Sequence[int]) -> None:
        """Take them out of the gallery."""
        chosen = list(ids)
        if chosen:
            self._do(
                f"Remove {many(chosen)}", lambda g: g.remove(chosen), lambda g: g.restore(chosen), tell=f"Removed {many(chosen)}; Ctrl+Z brings back"
            )

    # --- boards -----------------------------------------------------------------------------------------------

    def new_board(self, ids: Sequence[int]) -> str:
        """A board with these on it, under a name that is free; "" if it could not be made."""
        try:
            taken, content = {name for name, _ in self.gallery.boards()} if self.gallery is not None else set[str](), list(ids)
        except StudioError as error:
            self.failed.emit(str(error))
            return ""
        name = next(n for i in count(1) if (n := f"Board {i}") not in taken)
        done = self._do(f"New board {name}", lambda g: g.set_board(name, content), lambda g: g.set_board(name, None))
        return name if done else ""

    @guarded
    def rename_board(self, name: str, new: str) -> None:
        """Another name for a board."""
        if not self._do(f"Rename board {name}", lambda g: g.rename_board(name, new), lambda g: g.rename_board(new, name)):
            self.changed.emit()  # the old name is shown again

    @guarded
    def remove_board(self, name: str) -> None:
        """A board goes; its samples stay."""
        if self.gallery is not None:
            content = self.gallery.board(name)
            self._do(
                f"Delete board {name}", lambda g: g.set_board(name, None), lambda g: g.set_board(name, content), tell=f"Deleted the board {name}"
            )

    @guarded
    def put_on(self, name: str, ids: Sequence[int]) -> None:
        """Put entries at the end of a board, those that are on it already left where they are."""
        if self.gallery is None:
            return
        before = self.gallery.board(name)
        fresh = [i for i in ids if i not in set(before)]
        if fresh:
            self._set(f"Put {many(fresh)} on {name}", name, before, [*before, *fresh], f"Put {many(fresh)} on {name}")
        else:
            self.told.emit(f"{many(ids).capitalize()} {'is' if len(ids) == 1 else 'are'} on {name} already")

    @guarded
    def take_off(self, name: str, ids: Sequence[int]) -> None:
        """Take entries from a board; they stay in the gallery."""
        if self.gallery is not None:
            before, gone = self.gallery.board(name), set(ids)
            self._set(f"Take {many(ids)} off {name}", name, before, [i for i in before if i not in gone], f"Took {many(ids)} off {name}")

    @guarded
    def order(self, name: str, ids: Sequence[int], *, merge: str = "") -> None:
        """Another order of a board."""
        if self.gallery is not None:
            before = self.gallery.board(name)
            if before != list(ids):
                self._set(f"Reorder {name}", name, before, list(ids), merge=merge)

    def _set(self, text: str, name: str, before: list[int], after: list[int], tell: str = "", *, merge: str = "") -> None:
        self._do(text, lambda g: g.set_board(name, after), lambda g: g.set_board(name, before), merge=merge, tell=tell)


def many(ids: Sequence[int]) -> str:
    """So many samples, in words."""
    return "1 sample" if len(ids) == 1 else f"{len(ids):,} samples"
