"""The frame of a page: header, stage, knobs, transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QWidget

from models.files import home
from models.settings import runs_folder
from studio import theme
from studio.copying import runs_command, runs_python
from studio.doors import Take
from studio.finding import Settable
from studio.gallery.store import gallery_path
from studio.history import History
from studio.panels.card import ErrorCard
from studio.widgets import ElidedLabel, button, column, label, row

NOTICE_MS = 12_000
WIDE, HIGH, LOW, SIDE = 980, 630, 500, 304  # pixels at scale 1: what every page can do with, the least of one with a side, the side
_MOVING, _WRITTEN = (".webp", ".gif", ".apng", ".mp4"), (".svg", ".html", ".csv", ".md", ".txt", ".jsonl", ".json", ".nc")
CARRIERS = (".png", *_MOVING, *_WRITTEN)  # files that may carry a recipe
EXPORTED = f"Exported files ({' '.join('*' + ending for ending in CARRIERS)})"


class Page(QWidget):
    """A titled header over a stage; subclasses fill `tools`, `stage`, sides and foot, and answer the keys that fit them.

    Attributes:
        stage: what is shown in the middle, one widget at a time.
        heading: the line of the header, which begins with the title.
        card: bad news, on top of the stage.
        alarm: a warning there, which stops nothing.
        own_history, history: what can be taken back on the page, and on what is seen of it.

    Signals:
        run_chosen (object): open the run at this Path, on the page of its system.
        exported_chosen (object): open the run that made the exported file at this Path.
        compare_wanted (object): show the runs at these Paths side by side.
        page_wanted (str): go to the page of this name.
    """

    run_chosen = Signal(object)
    exported_chosen = Signal(object)
    compare_wanted = Signal(object)
    page_wanted = Signal(str)
    SYSTEM = "home"  # whose accent it has
    TITLE = ""

    def __init__(self) -> None:
        super().__init__()
        theme.set_accent(self, self.SYSTEM)
        self.sides: QStackedWidget | None = None
        self.own_history = History(self)
        self.subtitle, self.notice = ElidedLabel("", "muted"), ElidedLabel("", "good")
        self.header = QFrame()
        self.header.setProperty("kind", "header")
        self.tools = row()
        self.show_button = button("Show", kind="quiet", clicked=self._show_made)
        self.show_button.hide()
        self._made: Path | None = None
        self.heading = line = row(label(self.TITLE, "title"), self.subtitle, self.notice, self.show_button, spacing=12)
        self.subtitle.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # what has just been made is told before it
        line.setStretchFactor(self.subtitle, 1)
        line.setContentsMargins(16, 0, 16, 0)
        line.addLayout(self.tools)
        self.header.setLayout(line)

        self.stage = QStackedWidget()
        self.card, self.alarm = ErrorCard(), ErrorCard(kind="warning")
        ground = QFrame()
        ground.setProperty("kind", "stage")
        inside = column(ground, margin=16, spacing=12)
        inside.addWidget(self.card)
        inside.addWidget(self.alarm)
        inside.addWidget(self.stage, 1)

        self.middle = QHBoxLayout()
        self.middle.setSpacing(0)
        self.middle.addWidget(ground, 1)
        whole = column(self, spacing=0)
        whole.addWidget(self.header)
        whole.addLayout(self.middle, 1)
        self.whole = whole
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(lambda: self.tell(""))
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def takes(self, kind: str) -> bool:
        """Whether it makes runs from data of a kind: "pictures", "text" or "toy"."""
        del kind
        return False

    def add_side(self, *sides: QWidget) -> QStackedWidget:
        """Controls at the right of the stage; one of them is seen at a time."""
        self.sides = stack = QStackedWidget()
        for side in sides:
            stack.addWidget(side)
        stack.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.middle.addWidget(stack)
        return stack

    def put_on_top(self, strip: QWidget) -> None:
        """A band below the header."""
        self.whole.insertWidget(1, strip)

    def add_foot(self, foot: QWidget) -> None:
        """The bar below everything."""
        self.whole.addWidget(foot)

    # --- keys; a page overrides those that mean something on it --------------------------------------------------

    def new_run(self) -> None:
        """Ctrl+N."""

    def choose_run(self) -> None:
        """Ctrl+O: ask for a run's folder, and open it."""
        self.ask_path("Open a run", runs_folder(), "", self.run_chosen.emit, there=True)

    def choose_exported(self) -> None:
        """Ask for an exported file, and open the run that made it."""
        self.ask_path("Open the run that made a file", home() / "exports", EXPORTED, self.exported_chosen.emit, there=True)

    def save(self) -> None:
        """Ctrl+S."""

    @property
    def history(self) -> History:
        """What Ctrl+Z takes back here; a page with faces gives that of the face that is seen."""
        return self.own_history

    def undo(self) -> None:
        """Ctrl+Z: the last change as it was."""
        self.retrace(self.history.undoText(), "Taken back", self.history.undo)

    def redo(self) -> None:
        """Ctrl+Shift+Z: what was taken back last is done again."""
        self.retrace(self.history.redoText(), "Done again", self.history.redo)

    def retrace(self, text: str, how: str, move: Callable[[], None]) -> None:
        """One step through the history, which is told; nothing for an empty `text`."""
        if text:
            move()
            self.tell(f"{how}: {text}")

    def choose_export(self) -> None:
        """Ctrl+E."""

    def keep(self) -> None:
        """K: keep what is shown in the gallery."""

    def why_no_keep(self) -> str:
        """Why nothing here can be kept in the gallery; "" where something can."""
        return "There are no samples on this page: open a run, and keep what it draws."

    def settable(self) -> list[Settable]:
        """What the palette can set here by its name."""
        return []

    def exports(self) -> list[tuple[str, Callable[[], object]]]:
        """What the menu Export offers now, as words and what they do."""
        menus = [b.menu() for b in self.export_buttons() if b.isEnabled() and b.menu() is not None]
        return [(entry.text(), entry.trigger) for menu in menus for entry in menu.actions() if entry.isEnabled() and entry.text()]

    def export_buttons(self) -> list[QPushButton]:
        """Whose menus these are."""
        return []

    def as_command(self) -> str:
        """What is seen here as lines for the terminal, here the list of runs; "" where there is nothing yet."""
        return runs_command()

    def as_python(self) -> str:
        """The same as a Python script; "" where there is nothing yet."""
        return runs_python()

    def copy_command(self) -> None:
        """Ctrl+Shift+C."""
        self.copy(self.as_command(), "command")

    def copy_python(self) -> None:
        """Ctrl+Shift+P."""
        self.copy(self.as_python(), "Python script")

    def copy(self, text: str, what: str) -> None:
        """Into the clipboard, and say so; or say that there is nothing."""
        if text:
            QGuiApplication.clipboard().setText(text)
            self.tell(f"Copied as a {what}: {len(text.splitlines())} lines." if text.count("\n") > 1 else f"Copied as a {what}.")
        elif not self.card.isVisible():  # which has said why
            self.tell(f"There is nothing here yet that a {what} could make again.")

    def toggle(self) -> bool:
        """Ctrl+Enter: run or pause what the page itself runs; False if that is the session."""
        return False

    def step_once(self) -> bool:
        """Ctrl+.: one step of it; False if that is the session's."""
        return False

    def step_back(self) -> None:
        """Ctrl+,: one step back, where there is a way back."""

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """The recipe of an exported file, whose run is open or being opened on this page; `take` says what of it is wanted."""

    def seed_taker(self) -> bool:
        """Whether what is open here takes a seed."""
        return False

    def take_seed(self, seed: int) -> None:
        """Samples of another seed."""

    def random_seed(self) -> int:
        """Samples of a seed that nobody has chosen; returns it."""
        return 0

    def show_demo(self, about: Mapping[str, Any]) -> None:
        """The page's demo is open: show what it shows best. `about` is its demo.json."""

    def stop(self) -> None:
        """The window is closing: end what the page does beside it."""

    def fold(self) -> None:
        """Show or hide the controls at the side."""
        if self.sides is not None:
            self.sides.setVisible(not self.sides.isVisible())

    def needed(self) -> QSize:
        """What it needs at the present scale: what it asks for, but no more than every page is made to do with; all of its header."""
        px, asked = theme.theme().px, self.minimumSizeHint()
        wide = px(WIDE) if self.sides is not None and not self.sides.isHidden() else px(WIDE - SIDE)
        low = px(LOW) if self.sides is not None else 0
        return QSize(max(min(asked.width(), wide), self.header.minimumSizeHint().width()), max(low, min(asked.height(), px(HIGH))))

    def tell(self, text: str, made: Path | None = None, *, stay: bool = False) -> None:
        """Good news, for a while, or until the next; with a button that shows the file or folder that was `made`."""
        self.notice.setText(text)
        self._made = made
        self.show_button.setVisible(made is not None)
        self.show_button.setToolTip(f"Open {made}" if made is not None else "")
        if stay or not text:
            self._quiet.stop()
        else:
            self._quiet.start(NOTICE_MS)

    def tell_kept(self, count: int, path: Path) -> None:
        """So many samples are in the gallery at `path`, which Show leads to."""
        self.tell(f"Kept {count:,} in the gallery", path)
        self.show_button.setToolTip("Go to the gallery")

    def _show_made(self) -> None:
        made = self._made
        if made is not None and made == gallery_path():
            self.page_wanted.emit("gallery")
            return
        if made is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(made))):
            self.tell(f"No program is set up to show it; it is in {made}", stay=True)

    def ask_path(self, title: str, suggestion: Path, pattern: str, use: Callable[[Path], None], *, there: bool = False) -> None:
        """See the function of this name."""
        ask_path(self, title, suggestion, pattern, use, there=there)

    def _sizes(self) -> None:
        self.header.setFixedHeight(theme.theme().px(48))


def played(by: Any, event: QKeyEvent, stage: type[QWidget]) -> bool:
    """Space plays, S steps and Backspace steps back while a `stage` of the page or face has the focus; whether the key was one of these."""
    focused = by.focusWidget()
    if not (focused is None or isinstance(focused, stage)):
        return False
    match event.key():
        case Qt.Key.Key_Space:
            by.toggle()
        case Qt.Key.Key_S if not event.modifiers():
            by.step_once()
        case Qt.Key.Key_Backspace:
            by.step_back()
        case _:
            return False
    return True


def follow(dialog: QFileDialog, chosen: str) -> None:
    """Another kind of file was chosen, such as "GIF (*.gif)": the name takes its ending."""
    ending = chosen.partition("*")[2].rstrip(")")
    named = dialog.selectedFiles()
    dialog.setDefaultSuffix(ending.removeprefix("."))
    if named and ending:
        dialog.selectFile(Path(named[0]).with_suffix(ending).name)


def ask_path(parent: QWidget, title: str, suggestion: Path, pattern: str, use: Callable[[Path], None], *, there: bool = False) -> None:
    """A file dialog that stops nothing; `use` gets the path. An empty pattern asks for a folder.

    `there` asks for what exists; else a name is asked for, which need not exist yet.
    """
    dialog = QFileDialog(parent, title, str(suggestion), pattern)
    dialog.setModal(False)
    if there:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile if pattern else QFileDialog.FileMode.Directory)
    else:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)  # also for a folder: a mode for folders takes only those that exist
        dialog.selectFile(suggestion.name)
        if pattern:
            dialog.filterSelected.connect(lambda chosen: follow(dialog, chosen))
            dialog.setDefaultSuffix(suggestion.suffix.removeprefix("."))
        else:
            dialog.setNameFilter("New folder (*)")
            dialog.setLabelText(QFileDialog.DialogLabel.FileName, "Name of the new folder:")
    dialog.fileSelected.connect(lambda name: use(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.show()
