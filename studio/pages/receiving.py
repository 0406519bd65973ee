"""What comes in at the window: folders, data and exported files that are dropped, opened, or named on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess

from models.data import sources
from models.errors import BadFile, StudioError
from studio import demos, doors, runs
from studio.doors import Door, Take
from studio.messages import OldRun
from studio.pages.page import CARRIERS
from studio.panels.doorcard import DoorCard
from studio.workers.later import Later

if TYPE_CHECKING:
    from studio.window import Window

VERIFY = (sys.executable, "-m", "studio", "verify")
NO_SEED = "Open a run first: a seed is taken by the page that is seen."


class Receiving(QObject):
    """Tells runs, exported files and data apart, and opens each in its way.

    Attributes:
        card: the exported file that waits for its way to be chosen, on top of the page that is seen.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.card = DoorCard()
        self.card.setParent(window)
        self.card.hide()
        self._checking: QProcess | None = None
        self._unpacker = Later(self)
        self._unpacker.failed.connect(self._on_no_demo)
        self.card.taken.connect(self.take)
        self.card.find_wanted.connect(self._ask_run)
        self.card.demo_wanted.connect(self._set_up)
        self.card.verify.connect(self._verify)
        self.card.closed.connect(self._stop_checking)
        window.session.opened.connect(self._refresh)
        window.session.conditioned.connect(self._refresh)

    # --- what came --------------------------------------------------------------------------------------------

    def receive(self, path: Path) -> None:
        """A run is opened; an exported file shows its ways back; anything else is taken as data for a new run."""
        window = self._window
        if (path / "run.json").is_file():
            window.open_run(path)
            return
        if path.is_file() and path.suffix.lower() in CARRIERS and self._shows(path):
            return
        kind = sources.kind(str(path))
        page: Any = window.page if window.page.takes(kind) else window.show_page("seqgan" if kind == "text" else "began")
        if page is None:
            window.when_ready(lambda: self.receive(path))
        else:
            page.new_run()
            page.new.choose_data(str(path))

    def open_exported(self, path: Path, take: Take | None = None, chosen: Path | None = None) -> None:
        """Show an exported file and its ways back, or go one of them at once; `chosen` is where its run is now."""
        if not self._window.ready:
            self._window.when_ready(lambda: self.open_exported(path, take, chosen))
            return
        try:
            door = doors.read(path, chosen)
            if chosen is not None:
                runs.remember(chosen)
        except StudioError as error:
            self._window.page.card.show_error(str(error))
            return
        why = door.why_not(take, self.taker(door)) if take is not None else ""
        if take is None or why:
            self.show_door(door)
        else:
            self.take(door, take)

    def open_sample(self, recipe: dict[str, Any], take: Take) -> None:
        """Go one of the ways back of a sample that has no file; a seed is taken by the page of the open run."""
        window = self._window
        try:
            door = doors.opened(Path("the sample"), recipe)
        except StudioError as error:
            window.page.card.show_error(str(error))
            return
        if take == "seed" and window.session.run is not None and not window.page.seed_taker():
            window.show_page(window.session.run.system)
        if why := door.why_not(take, self.taker(door)):
            window.page.card.show_error(why)
        else:
            self.take(door, take)

    def _shows(self, path: Path) -> bool:
        """Whether the file carries a recipe; its card is shown, or what is wrong with it told."""
        from studio import recipe

        path = recipe.owner(path)
        try:
            recipe.carried(path)
        except BadFile as error:
            damaged = path.suffix.lower() == ".html" or recipe.is_recipe(path) or recipe.beside(path).is_file()  # can be no data
            if damaged:
                self._window.page.card.show_error(str(error))
            return damaged
        self.open_exported(path)
        return True

    def show_door(self, door: Door) -> None:
        """The card of a file, on the page that is seen."""
        page = self._window.page
        page.card.close_card()
        self._stop_checking()
        page.put_on_top(self.card)
        self.card.show_door(door, self.taker)
        self.card.setFocus()

    def _refresh(self, *_: object) -> None:
        self.card.refresh()

    # --- ways back --------------------------------------------------------------------------------------------

    def taker(self, door: Door) -> str:
        """Why the page that is seen cannot take the seed of a file; "" where it can."""
        page: Any = self._window.page
        del door
        return "" if page.seed_taker() else NO_SEED

    def take(self, door: Door, take: Take) -> None:
        """Go one of the ways of `doors.TAKES`, which is open."""
        window, page = self._window, self._window.page
        file = self.card.door
        one = file is not None and take == "all" and file.path == door.path and file.recipe is not door.recipe  # of many: the next may follow
        if take == "seed":
            assert door.seed is not None
            page.take_seed(door.seed)
            page.tell(f"Seed {door.seed:,} of {door.path.name}")
        elif door.system == "lab":
            lab = window.show_page("lab")
            if lab is not None:
                lab.restore(door.recipe, take)
        elif door.run is not None:
            now = window.session.run
            if now is not None and now.path == door.run and self._is_open(door, now.step, now.reading):
                window.restore(door.recipe, take)
            else:
                window.open_run(door.run, door.recipe, take, source=source_of(door))
        told = f", sample {door.row:,}" if one and door.row is not None else ""
        if take != "seed":
            window.page.tell(f"{doors.TAKES[take]} of {door.path.name}{told}")
        if one:
            window.page.put_on_top(self.card)
        else:
            self.card.close_card()

    def _is_open(self, door: Door, step: int, reading: bool) -> bool:
        """Whether the run is open as the door wants it: another sample of a sheet need not open it again."""
        source = source_of(door)
        return not door.kept and step == door.step and reading != source.write

    def _ask_run(self, door: Door) -> None:
        title = f"Where is the run {door.name} now?" if door.name else "Where is this run now?"
        self._window.page.ask_path(title, runs.runs_folder(), "", lambda folder: self._found(door, folder), there=True)

    def _set_up(self, door: Door) -> None:
        """Unpack the demo that a file was made from."""
        name = door.demo
        self._unpacker.call(lambda: demos.install(name), lambda folder: self._on_demo(door, folder))

    def _on_demo(self, door: Door, folder: Path) -> None:
        if self.card.door is not None and self.card.door.path == door.path:
            self._found(door, folder)

    def _on_no_demo(self, sentence: str) -> None:
        self.card.refresh()
        self._window.page.card.show_error(sentence)

    def _found(self, door: Door, folder: Path) -> None:
        file = self.card.door if self.card.door is not None and self.card.door.path == door.path else door  # of which it may be one sample
        try:
            again = doors.opened(door.path, door.recipe, folder)
        except StudioError as error:
            self._window.page.card.show_error(str(error))
            return
        runs.remember(folder)
        if file is not door:
            again = doors.opened(file.path, file.recipe, None if file.several else folder)
        self._window.page.card.close_card()
        self.card.show_door(again, self.taker)

    # --- verify -----------------------------------------------------------------------------------------------

    def _verify(self, door: Door) -> None:
        """In a process of its own: threads of torch are those of the whole process, and a run may be training here."""
        self._stop_checking()
        process = self._checking = QProcess(self)
        words = [*VERIFY[1:], str(door.path), "--json"]
        words += ["--run", str(door.run)] if door.run is not None and not door.several else []
        process.finished.connect(self._on_verified)
        process.errorOccurred.connect(self._on_no_process)
        self.card.show_verdict("Verifying …")
        self.card.verify_button.setEnabled(False)
        process.start(VERIFY[0], words)

    def _on_verified(self) -> None:
        process, self._checking = self._checking, None
        if process is None:
            return
        out = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace").strip().splitlines()
        err = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
        process.deleteLater()
        try:
            found = json.loads(out[-1])
            told = f"{str(found['verdict']).capitalize()}: {found['reason']}"
        except (IndexError, ValueError, KeyError, TypeError):
            told = (err or ["It could not be verified."])[-1].removeprefix("sampling-studio: ")
        self.card.show_verdict(told)
        self.card.verify_button.setEnabled(True)

    def _on_no_process(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._stop_checking()
            self.card.show_verdict("It could not be verified: no process could be started.")

    def _stop_checking(self) -> None:
        process, self._checking = self._checking, None
        if process is not None:
            process.finished.disconnect(self._on_verified)
            process.errorOccurred.disconnect(self._on_no_process)
            process.kill()
            process.waitForFinished(2000)
            process.deleteLater()
        self.card.verify_button.setEnabled(True)

    def stop(self) -> None:
        """The window is closing."""
        self._stop_checking()
        self._unpacker.wait()


def source_of(door: Door) -> OldRun:
    """What the session is asked to open: the run itself at its newest step, else as it was at the wanted one, only to be read."""
    assert door.run is not None
    if not door.kept and door.step == door.newest:
        return OldRun(door.run)
    return OldRun(door.run, write=False, step=door.step, kept=door.kept or None)
