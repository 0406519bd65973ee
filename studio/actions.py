"""The one table of all that can be done from anywhere: shortcuts, the menu More, the palette and the sheet of keys are made from it. No Qt.

A page's own keys, which count while something on its stage has the focus, stand in `STAGE_KEYS`: they are told here and answered there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.pages import PAGES
from studio.tours import TOURS

if TYPE_CHECKING:
    from studio.window import Window

GROUPS = ("Run", "Samples", "Edit", "Go to", "View", "Help")


def _always(window: Window) -> bool:
    del window
    return True


def _silent(window: Window) -> str:
    del window
    return ""


@dataclass(frozen=True)
class Action:
    """One thing that can be done.

    Attributes:
        id: its name, which never changes.
        title: a verb and what it acts on, in sentence case.
        keys: its shortcuts as Qt writes them, the first one is shown.
        group: one of GROUPS.
        run: does it. enabled: whether it would do anything now.
        now: the title of this moment, where that says more.
        words: other words that a person may look for.
        why: a sentence that says why it cannot be done now, "" where that is plain.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    group: str
    run: Callable[[Window], object]
    enabled: Callable[[Window], bool] = _always
    now: Callable[[Window], str] | None = None
    words: str = ""
    why: Callable[[Window], str] = _silent

    def label(self, window: Window) -> str:
        """The title as it is now."""
        return (self.now(window) if self.now is not None else "") or self.title


@dataclass(frozen=True)
class StageKey:
    """A key that a stage, a panel or a list answers while it has the focus."""

    keys: str  # as people read them: "Space", "1 … 9"
    what: str
    pages: tuple[str, ...]  # names of PAGES
    where: str  # what must have the focus


def _has_run(window: Window) -> bool:
    return window.session.run is not None


def _past(window: Window) -> Any:
    """The time machine of the page that is seen; None where there is none."""
    return getattr(window.page, "time", None)


def _has_frames(window: Window) -> bool:
    machine = _past(window)
    return machine is not None and machine.bar.isVisible()


def _in_past(window: Window) -> bool:
    return _has_frames(window) and _past(window).past


def _toggle(window: Window) -> None:
    session = window.session
    if not window.page.toggle():
        (session.pause if session.condition == "running" else session.go)()


def _keeps(window: Window) -> bool:
    return not window.page.why_no_keep()


def _undo_words(window: Window) -> str:
    text = window.page.history.undoText()
    return f"Undo {text}" if text else ""


def _redo_words(window: Window) -> str:
    text = window.page.history.redoText()
    return f"Redo {text}" if text else ""


def _go_to(name: str) -> Callable[[Window], object]:
    return lambda window: window.show_page(name)


_RUN = (
    Action("toggle", "Run or pause", ("Ctrl+Return", "Ctrl+Enter"), "Run", _toggle, words="play stop go train"),
    Action("step", "One step", ("Ctrl+.",), "Run", lambda w: w.page.step_once() or w.session.step_once()),
    Action("back", "One step back", ("Ctrl+,",), "Run", lambda w: w.page.step_back()),
    Action("save", "Save this step, and keep it", ("Ctrl+S",), "Run", lambda w: w.page.save(), words="checkpoint pin"),
    Action("new", "New run", ("Ctrl+N",), "Run", lambda w: w.page.new_run(), words="train form"),
    Action("open", "Open a run…", ("Ctrl+O",), "Run", lambda w: w.page.choose_run(), words="load resume"),
    Action("open-file", "Open an exported file…", ("Ctrl+Shift+O",), "Run", lambda w: w.page.choose_exported(), words="recipe door"),
    Action("quit", "Quit; the run is saved", ("Ctrl+Q",), "Run", lambda w: w.close(), words="close exit"),
)
_TIME = (
    Action("time.play", "Play the training", (), "Run", lambda w: _past(w).bar.toggle(), _has_frames, words="time machine reel scrub"),
    Action("time.now", "Back to now", (), "Run", lambda w: _past(w).live(), _in_past, words="time machine live"),
    Action("time.bookmark", "Bookmark this frame", (), "Run", lambda w: _past(w).bar.bookmark_button.click(), _in_past, words="time machine flag"),
    Action("time.look", "Open the run as it was then", (), "Run", lambda w: _past(w).look(), _in_past, words="time machine checkpoint"),
    Action("time.fork", "Fork from this step…", (), "Run", lambda w: _past(w).fork(), _has_frames, words="time machine branch"),
    Action("time.what-if", "What if a knob were different…", (), "Run", lambda w: _past(w).what_if(), _has_frames, words="time machine twins"),
)
_SAMPLES = (
    Action(
        "keep", "Keep in the gallery", ("K",), "Samples", lambda w: w.page.keep(), _keeps, words="star collect", why=lambda w: w.page.why_no_keep()
    ),
    Action("export", "Export…", ("Ctrl+E",), "Samples", lambda w: w.page.choose_export(), words="save file png html"),
    Action("copy-command", "Copy as command", ("Ctrl+Shift+C",), "Samples", lambda w: w.page.copy_command(), words="terminal shell cli line"),
    Action("copy-python", "Copy as Python", ("Ctrl+Shift+P",), "Samples", lambda w: w.page.copy_python(), words="script code notebook"),
)
_EDIT = (
    Action("undo", "Undo", ("Ctrl+Z",), "Edit", lambda w: w.page.undo(), lambda w: w.page.history.canUndo(), _undo_words, "take back"),
    Action("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Edit", lambda w: w.page.redo(), lambda w: w.page.history.canRedo(), _redo_words, "again"),
)
_PLACES = tuple(
    Action(f"page.{name}", "Home" if name == "home" else f"{word} page", (f"Ctrl+{i}",) if i < 10 else (), "Go to", _go_to(name), words="go show")
    for i, (name, (word, _, _)) in enumerate(PAGES.items(), 1)
)
_VIEW = (
    Action("fold", "Show or hide the side", ("Ctrl+\\",), "View", lambda w: w.shell.fold(), words="controls panel knobs"),
    Action("theme", "Next theme", ("Ctrl+Shift+T",), "View", lambda w: w.next_scheme(), words="dark light system colours"),
    Action("larger", "Larger text and controls", ("Ctrl++", "Ctrl+="), "View", lambda w: w.shell.zoom(1), words="scale zoom"),
    Action("smaller", "Smaller text and controls", ("Ctrl+-",), "View", lambda w: w.shell.zoom(-1), words="scale zoom"),
    Action("usual", "Usual size of text and controls", ("Ctrl+0",), "View", lambda w: w.shell.zoom(0), words="scale zoom reset 100 %"),
    Action("full", "Whole screen, or back", ("F11",), "View", lambda w: w.shell.whole_screen(), words="fullscreen stage"),
    Action("layout", "Reset the layout of the window", (), "View", lambda w: w.shell.reset_layout(), words="geometry splitters default"),
)
_HELP = (
    Action("palette", "Command palette", ("Ctrl+K",), "Help", lambda w: w.shell.open_palette(), words="search find do"),
    Action("tour", "Show me around this page", (), "Help", lambda w: w.start_tour(), lambda w: w.page_name() in TOURS, words="guided tour first"),
    Action("keys", "Keyboard shortcuts", ("F1", "?"), "Help", lambda w: w.shell.open_keys(), words="help keys sheet"),
    Action("settings", "Settings", ("Ctrl+Shift+S",), "Help", _go_to("settings"), words="preferences options"),
    Action("report", "Report a problem", (), "Help", _go_to("report"), words="bug log crash versions"),
    Action("about", "About", (), "Help", _go_to("about"), words="version licence licenses fonts"),
)
ACTIONS: tuple[Action, ...] = (*_RUN, *_TIME, *_SAMPLES, *_EDIT, *_PLACES, *_VIEW, *_HELP)

MENU = ("undo", "redo", "", "tour", "palette", "keys", "", "copy-python", "copy-command", "", "settings", "report", "about", "layout")  # of More

_TRAINED = ("began", "bgan", "ppgn", "seqgan", "maskgan")
STAGE_KEYS: tuple[StageKey, ...] = (
    StageKey("Space", "Play or pause", ("lab", "ppgn"), "the density, or the chains"),
    StageKey("S", "One step", ("lab", "ppgn"), "the density, or the chains"),
    StageKey("Backspace", "One step back", ("lab", "ppgn"), "the density, or the chains"),
    StageKey("Arrows", "Move the head of the chain", ("lab",), "the density"),
    StageKey("Page Up, Page Down", "Another chain", ("lab",), "the density"),
    StageKey("Arrows, Enter, Delete", "Move the brush, paint, rub out", ("lab", "ppgn"), "a painting, or the mask"),
    StageKey("F", "Fork from the frame", ("ppgn",), "the film strip"),
    StageKey("Enter, F2, Delete", "Open the run, rename it, move it into the trash", ("runs",), "the list"),
    StageKey("Arrows, Enter", "Choose a run, open it", ("runs",), "the tree"),
    StageKey("Space, arrows", "Play both runs, go from step to step", ("runs",), "the track below two runs"),
    StageKey("Arrows, Enter, Esc", "Choose a sample, show it large, leave it", _TRAINED, "the samples"),
    StageKey("A", "All of the curve again", _TRAINED, "a plot"),
    StageKey("Left, Right", "The frame before, the next one", _TRAINED, "the time machine"),
    StageKey("Page Up, Page Down, Home, End", "Ten frames on, the first, the last", _TRAINED, "the time machine"),
    StageKey("Space", "Play the training", _TRAINED, "the time machine"),
    StageKey("B", "Bookmark the step", _TRAINED, "the time machine"),
    StageKey("I, O", "Where playing begins and ends", _TRAINED, "the time machine"),
    StageKey("Esc", "Back to now", _TRAINED, "the time machine"),
    StageKey("Space", "Blank the word, or give it back", ("maskgan",), "a word of the desk"),
    StageKey("Tab", "The next word", ("maskgan",), "a word of the desk"),
    StageKey("1 … 9", "Take a candidate", ("maskgan",), "a word of the desk"),
    StageKey("L", "Lock the word, or release it", ("maskgan",), "a word of the desk"),
    StageKey("E, F2", "Type the sentence", ("maskgan",), "a word of the desk"),
    StageKey("Enter", "Re-roll what is not locked", ("maskgan",), "a word of the desk"),
    StageKey("Left or M, Right or H", "Made by the machine, or by a human", ("seqgan", "maskgan"), "the blind test"),
    StageKey("Enter", "Compare two; the ways on from one", ("gallery",), "the gallery"),
    StageKey("S, T", "Star, tag", ("gallery",), "the gallery"),
    StageKey("C, N", "Compare two, find the nearest", ("gallery",), "the gallery"),
    StageKey("Delete", "Remove from the gallery", ("gallery",), "the gallery"),
    StageKey("Ctrl+B", "New board of what is selected", ("gallery",), "the gallery"),
    StageKey("Ctrl+Left, Ctrl+Right", "One place back or on, on a board", ("gallery",), "the gallery"),
    StageKey("Ctrl+F", "Search", ("gallery",), "the gallery"),
    StageKey("Esc", "Choose nothing", ("gallery",), "the gallery"),
)


BY_ID: dict[str, Action] = {a.id: a for a in ACTIONS}
