"""What a person does to runs on their page: rename, copy, fork, throw away, and take that back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QFile, QObject, Signal

from models.errors import BadInput, StudioError
from models.settings import new_runs_folder
from studio import runs
from studio.history import History
from studio.naming import check_name, free_name
from studio.runs import RunFacts, size_text
from studio.session import Session
from studio.workers.later import Later

TRAINING = "{} is training: pause it first."


class RunDeeds(QObject):
    """Does them; a run that is open here and stands still is saved and closed first, one that trains is left alone.

    Signals:
        changed (list): there are other runs now, or they have other names; the Paths of those to be chosen.
        told (str): what was done, or is being done.
        failed (str): what was not, and why.
    """

    changed = Signal(object)
    told = Signal(str)
    failed = Signal(str)

    def __init__(self, session: Session, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._history = session, history
        self._after: Callable[[], None] | None = None  # what waits for the open run to be closed
        self._later = Later(self)
        self._later.failed.connect(self.failed)
        session.conditioned.connect(self._on_condition)

    def wait(self) -> None:
        """Until what is being copied is copied."""
        self._later.wait()

    # --- deeds ------------------------------------------------------------------------------------------------

    def rename(self, run: RunFacts, name: str) -> None:
        """Another name for the run and its folder."""
        self._when_closed([run], lambda: self._rename(run.path, name))

    def delete(self, chosen: Sequence[RunFacts]) -> None:
        """Into the trash, from where they can be brought back."""
        paths = [run.path for run in chosen]
        self._when_closed(chosen, lambda: self._delete(paths))

    def duplicate(self, run: RunFacts) -> None:
        """A copy of a whole run."""
        self.told.emit(f"Copying {run.name}, {size_text(run.bytes)} …")
        self._later.call(partial(runs.duplicate, run.path), partial(self._on_made, "{} is a copy of " + run.name))

    def fork(self, run: RunFacts, step: int, change: dict[str, Any], name: str) -> None:
        """A new run from a kept step; `change` has knobs and what was typed for them."""
        try:
            out = new_runs_folder() / check_name(name)
            if out.exists():
                raise BadInput(f"There is a run called {name} already: take another name, for example {free_name(out).name}.")
        except BadInput as error:
            self.failed.emit(str(error))
            return
        self.told.emit(f"Forking {run.name} at step {step:,} …")
        words = "{} goes on from step " + f"{step:,} of {run.name}"
        self._later.call(partial(_fork, run.path, step, out, change), partial(self._on_made, words))

    # --- inside -----------------------------------------------------------------------------------------------

    def _when_closed(self, chosen: Sequence[RunFacts], act: Callable[[], None]) -> None:
        now = self._session.run
        mine = [run for run in chosen if now is not None and run.path.resolve() == now.path.resolve()]
        if mine and self._session.condition == "running":
            self.failed.emit(TRAINING.format(mine[0].name))
        elif mine:
            self._after = act
            self._session.stop()
        else:
            act()

    def _on_condition(self, condition: str, reason: str) -> None:
        if condition == "empty" and self._after is not None:
            act, self._after = self._after, None
            act()

    def _rename(self, path: Path, name: str) -> None:
        renamed = self._renamed(path, name)
        if renamed is not None:
            old = renamed.with_name(path.name)
            self._history.done(f"rename {path.name}", lambda: self._renamed(renamed, old.name), lambda: self._renamed(old, renamed.name))

    def _renamed(self, path: Path, name: str) -> Path | None:
        try:
            renamed = runs.rename(path, name)
        except StudioError as error:
            self.failed.emit(str(error))
            self.changed.emit([path])
            return None
        self._session.queue.moved(path, renamed)
        self.changed.emit([renamed])
        return renamed

    def _delete(self, paths: Sequence[Path]) -> None:
        thrown: dict[Path, Path] = {}  # where each was -> where it is in a trash
        self._throw(paths, thrown)
        if not thrown:
            return
        names = next(iter(thrown)).name if len(thrown) == 1 else f"{len(thrown)} runs"
        self.told.emit(f"{names} went into the trash.")
        self._history.done(f"delete {names}", lambda: self._bring_back(thrown), lambda: self._throw(list(thrown), thrown))

    def _throw(self, paths: Sequence[Path], thrown: dict[Path, Path]) -> None:
        try:
            for path in paths:
                thrown[path] = throw_away(path)
        except (StudioError, OSError) as error:
            self.failed.emit(str(error))
        self.changed.emit([])

    def _bring_back(self, thrown: dict[Path, Path]) -> None:
        back: list[Path] = []
        try:
            for path in list(thrown):
                place = thrown[path]
                back.append(runs.restore(place, path))
                del thrown[path]
                thrown[back[-1]] = place  # beside its old place where that is taken: what is done again must throw this one away
        except StudioError as error:
            self.failed.emit(str(error))
        self.changed.emit(back)

    def _on_made(self, words: str, made: Path) -> None:
        runs.remember(made)
        self.told.emit(words.format(made.name))
        self.changed.emit([made])


def throw_away(path: Path) -> Path:
    """Move a run into the desktop's trash, or into the studio's own where there is none; returns its place there. Raises as `runs.trash`."""
    runs.check_free(path)
    file = QFile(str(path))
    return Path(file.fileName()) if file.moveToTrash() and Path(file.fileName()).is_dir() else runs.trash(path)


def _fork(source: Path, step: int, out: Path, change: dict[str, Any]) -> Path:
    """In a thread: the algorithm needs torch."""
    from models import catalog, knobs
    from models.fork import fork
    from models.journal import RunFolder

    (wanted,) = knobs.split(change, catalog.algorithm(RunFolder.open(source, write=False).record["system"]).Knobs)
    return fork(source, step, out, change=wanted)
