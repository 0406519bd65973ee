"""What the window has besides its pages: shortcuts, the menu More, the palette, the sheet of keys, and what it remembers of its shape."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QCoreApplication, QObject, QSettings, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu, QSplitter, QToolButton

from models import settings
from models.errors import StudioError
from studio import theme
from studio.actions import ACTIONS, BY_ID, MENU, Action
from studio.finding import Entry, pages_with, value_name
from studio.pages import PAGES, called
from studio.panels.keysheet import KeySheet, native
from studio.panels.palette import Palette

if TYPE_CHECKING:
    from studio.pages.page import Page
    from studio.window import Window

SCALES = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
SOON_MS = 250  # until another size is applied, so that keys that are held do not dress the window ten times
RECENT = 12  # things done from the palette that come first in it
RUNS = 12  # of the latest, in the palette
SCALE_OF = "SAMPLING_STUDIO_SCALE"  # in the environment, decides over the settings


def scale() -> float:
    """The UI scale that holds: that of the environment, or else that of the settings."""
    try:
        return float(os.environ[SCALE_OF])
    except (KeyError, ValueError):
        return settings.settings().scale


def dress() -> None:
    """Theme and scale as the settings say."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        theme.apply(app, settings.settings().theme, scale())


class Shell(QObject):
    """One for the window; it knows the window, which knows the pages."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self._folded: set[str] = set()
        self._shapes: dict[str, QByteArray] = {}  # of splitters, as they were built
        self._palette: Palette | None = None
        self._keys: KeySheet | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SOON_MS)
        self._later.timeout.connect(lambda: dress())
        self.shortcuts: dict[str, str] = {}  # keys -> the action that they do
        for action in ACTIONS:
            for keys in action.keys:
                QShortcut(QKeySequence(keys), window, partial(self.do, action))
                self.shortcuts[keys] = action.id

    def do(self, action: Action) -> None:
        """Do one of the table, if it can be done now; say why where it cannot and that is known."""
        if action.enabled(self.window):
            action.run(self.window)
        elif why := action.why(self.window):
            self.window.page.tell(why)

    # --- the menu ---------------------------------------------------------------------------------------------

    def more_button(self) -> QToolButton:
        """The button of the rail, with its menu, which is made when it opens."""
        b = QToolButton()
        b.setText("More")
        b.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        b.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        b.setProperty("kind", "rail")
        b.setToolTip("Undo, the palette, copies as a command or as Python, settings, help")
        b.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.set_icon(b, "more", "muted")
        menu = QMenu(b)
        menu.aboutToShow.connect(self.fill_menu)
        b.setMenu(menu)
        self.menu = menu
        return b

    def fill_menu(self) -> None:
        """What More offers now."""
        self.menu.clear()
        for name in self._menu():
            if not name:
                self.menu.addSeparator()
                continue
            action = BY_ID[name]
            entry = self.menu.addAction(action.label(self.window))
            if action.keys:
                entry.setShortcut(QKeySequence(action.keys[0]))
                entry.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown here, answered by the window
            entry.setEnabled(action.enabled(self.window))
            entry.triggered.connect(partial(self.do, action))

    def _menu(self) -> list[str]:
        return [name for name in MENU if not name or name in BY_ID]

    # --- the palette ------------------------------------------------------------------------------------------

    def open_palette(self, line: str = "") -> None:
        """Over the window, with all that can be done now."""
        if self._palette is None:
            self._palette = Palette(self.window)
            self._palette.used.connect(self._remember_used)
        if self._palette.isVisible():
            self._palette.close_veil()
        else:
            self._palette.ask(self.entries(), self.window.page.settable(), self._used(), line, self._not_here)

    def entries(self) -> list[Entry]:
        """Actions, exports of the page, pages, recent runs."""
        window = self.window
        out = [
            Entry(
                a.id,
                a.label(window),
                native(a.keys[0]) if a.keys else a.group,
                f"{a.title} {a.words} {a.group}",
                partial(self.do, a) if a.enabled(window) else None,
            )
            for a in ACTIONS
            if a.id not in ("palette",)
        ]
        for text, act in window.page.exports():
            out.append(Entry(f"export {text}", f"Export: {text}", "export", "export save write", act))
        return out + self._runs()

    def _not_here(self, line: str) -> str:
        """Where a value can be set that a line names and this page has not; "" if it names none."""
        window = self.window
        if not window.ready or not (name := value_name(line)):
            return ""
        places = pages_with(name)
        if not places:
            return ""
        here, system = window.page_name(), window.session.system
        if here in places:
            return f"{name} is a knob of {called(here)}: open a run, or the form of a new one (Ctrl+N), and set it there."
        if system in places:
            return f"{window.page.TITLE} has no {name}: it is a knob of the open run; go to the {called(system)} page and set it there."
        words = " or ".join(called(place) for place in places)
        return f"{window.page.TITLE} has no {name}: it is a knob of {words}; open a run there and set it."

    def _runs(self) -> list[Entry]:
        from studio.runs import listing

        out = []
        for facts in listing()[:RUNS]:
            name = called(facts.system)
            open_it = partial(self.window.open_run, facts.path) if facts.state == "ok" else None
            out.append(Entry(f"run {facts.id}", f"Open {facts.name}", f"{name} · step {facts.step:,}", f"run {name} {facts.title}", open_it))
        return out

    def _used(self) -> list[str]:
        try:
            found = json.loads(str(QSettings().value("palette/used", "[]")))
        except (ValueError, RecursionError):
            found = []
        return [str(name) for name in found] if isinstance(found, list) else []

    def _remember_used(self, name: str) -> None:
        used = [name, *(n for n in self._used() if n != name)][:RECENT]
        QSettings().setValue("palette/used", json.dumps(used))

    def open_keys(self) -> None:
        """The sheet of shortcuts, or away with it."""
        if self._keys is None:
            self._keys = KeySheet(self.window)
        if self._keys.isVisible():
            self._keys.close_veil()
        else:
            self._keys.show_page(self.window.page_name(), self.window.page.TITLE)

    # --- how it looks -----------------------------------------------------------------------------------------

    def zoom(self, way: int) -> None:
        """Larger (1), smaller (-1) or as usual (0)."""
        if SCALE_OF in os.environ:
            self.window.page.tell(f"The size comes from {SCALE_OF}, which decides while it is set.")
            return
        now = scale()
        steps = [s for s in SCALES if (s > now if way > 0 else s < now)]
        chosen = 1.0 if not way else (min(steps, default=SCALES[-1]) if way > 0 else max(steps, default=SCALES[0]))
        if self.change(later=True, scale=chosen):
            self.window.page.tell(f"Text and controls at {chosen:.0%}")

    def change(self, *, later: bool = False, **fields: Any) -> bool:
        """Change settings of the look and dress the window, `later` once for keys that are held; False, and told, where they cannot be written."""
        try:
            settings.change(**fields)
        except StudioError as error:
            self.window.page.card.show_error(str(error))
            return False
        (self._later.start if later else dress)()
        return True

    def settle(self, name: str) -> None:
        """A setting was changed: forms of new runs begin with it."""
        if name in ("device", "threads"):
            for page in self.window.pages.values():
                if hasattr(page, "new"):
                    page.new.take_defaults()

    def whole_screen(self) -> None:
        """All of the screen, or a window again."""
        self.window.showNormal() if self.window.isFullScreen() else self.window.showFullScreen()

    def fold(self) -> None:
        """Show or hide the side of the page, and remember it."""
        page, name = self.window.page, self.window.page_name()
        page.fold()
        if page.sides is not None:
            (self._folded.discard if not page.sides.isHidden() else self._folded.add)(name)
            self.window.make_room()

    # --- what is remembered -----------------------------------------------------------------------------------

    def built(self, name: str, page: Page) -> None:
        """A page was built: its side and its splitters as they were left."""
        if not _keeps():
            return
        if page.sides is not None and QSettings().value(f"folded/{name}") == "1":
            self._folded.add(name)
            page.sides.hide()
        for splitter in page.findChildren(QSplitter):
            key = f"splitter/{name}/{splitter.objectName()}"
            self._shapes[key] = splitter.saveState()
            if splitter.objectName() and isinstance(state := QSettings().value(key), QByteArray):
                splitter.restoreState(state)

    def remember(self) -> None:
        """The window closes."""
        if not _keeps():  # a page that is only drawn leaves no settings
            return
        kept = QSettings()
        kept.setValue("geometry", self.window.saveGeometry())
        kept.setValue("page", self.window.page_name())
        for name, page in self.window.pages.items():
            kept.setValue(f"folded/{name}", "1" if name in self._folded else "0")
            for splitter in page.findChildren(QSplitter):
                if splitter.objectName():
                    kept.setValue(f"splitter/{name}/{splitter.objectName()}", splitter.saveState())

    def restore(self) -> None:
        """Size and place of the window, and the page that was seen last; after a crash one begins at home."""
        kept = QSettings()
        geometry = kept.value("geometry")
        if not isinstance(geometry, QByteArray) or not self.window.restoreGeometry(geometry):
            self.window.resize(1280, 800)
        name = str(kept.value("page", ""))
        kept.remove("page")
        if name in PAGES and name != "home":
            self.window.go_on_at(name)

    def reset_layout(self) -> None:
        """As it was before anything was moved or folded."""
        kept = QSettings()
        for key in ("geometry", "page", "folded", "splitter"):
            kept.remove(key)
        self._folded.clear()
        for name, page in self.window.pages.items():
            if page.sides is not None:
                page.sides.show()
            for splitter in page.findChildren(QSplitter):
                if (state := self._shapes.get(f"splitter/{name}/{splitter.objectName()}")) is not None:
                    splitter.restoreState(state)
        self.window.showNormal()
        self.window.resize(1280, 800)
        self.window.make_room()
        self.window.page.tell("The window has its first layout again.")


def _keeps() -> bool:
    return bool(QCoreApplication.organizationName())
