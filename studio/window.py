"""The one window: a rail of pages. It connects, and decides nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QMainWindow, QStackedWidget, QToolButton, QWidget

from models.errors import BadInput, StudioError
from models.settings import settings
from studio import theme
from studio.demos import Demo
from studio.doors import Take
from studio.herald import Herald
from studio.messages import OldRun
from studio.pages import ASIDE, LIGHT, PAGES
from studio.pages.page import Page
from studio.pages.receiving import Receiving
from studio.panels.scrolling import Room, scrolled
from studio.session import Session
from studio.shell import Shell
from studio.widgets import column, row
from studio.workers.background import WarmUp


class Window(QMainWindow):
    """Rail and pages.

    Attributes:
        session: the open run.
        pages: what has been visited so far.
        shell: shortcuts, menu, palette, and what the window remembers.
        tour: that goes on, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Sampling Studio")
        self.setWindowIcon(theme.icon("app", theme.theme().accent("began")))
        self.setAcceptDrops(True)
        theme.hold(self)
        self.session = Session(self)
        self.herald = Herald(self, self.session)
        self.receiving = Receiving(self)
        self.pages: dict[str, Any] = {}
        self.tour: Any = None
        self.ready = self._cold = False
        self._first_scheme: theme.Scheme = "light"  # chosen after "system"
        self._then: list[Any] = []
        self.shell = Shell(self)
        self._seen = "home"  # of the rail's pages, the one that was seen last
        self._stack = QStackedWidget()
        self._rail_buttons: dict[str, QToolButton] = {}
        middle = QWidget()
        line = row(spacing=0)
        line.addWidget(self._rail())
        self._room = Room(self._stack)
        area = scrolled(self._room)  # which a large scale needs in a small window
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        line.addWidget(area, 1)
        middle.setLayout(line)
        self.setCentralWidget(middle)
        self._sizes()
        theme.notifier.changed.connect(self._sizes)
        self.show_page("home")
        self._warm_up = WarmUp(self)
        self._warm_up.ready.connect(self._on_ready)

    def warm_up(self) -> None:
        """Import torch in the background, once the window has been painted; pages that need it appear when it is there."""
        self._cold = True

    def paintEvent(self, event: QPaintEvent) -> None:
        """The first paint lets torch in."""
        super().paintEvent(event)
        if self._cold:
            self._cold = False
            QTimer.singleShot(0, self._warm_up.start)

    # --- pages ------------------------------------------------------------------------------------------------

    def show_page(self, name: str) -> Any:
        """Go to a page, building it on the first visit; a page that needs torch waits for it."""
        if name not in LIGHT and not self.ready:
            self._then.append(lambda: self.show_page(name))
            return None
        if name not in self.pages:
            _, module, kind = (PAGES | ASIDE)[name]
            page = self.pages[name] = getattr(importlib.import_module(module), kind)(self.session)
            self._stack.addWidget(page)
            page.exported_chosen.connect(self.open_exported)
            page.page_wanted.connect(self.show_page)
            if name == "gallery":
                page.sample_chosen.connect(self.open_sample)
                page.passed_on.connect(self.receive)
            page.run_chosen.connect(self.open_run)
            page.compare_wanted.connect(self.compare_runs)
            if name in ASIDE:
                page.left.connect(self.leave_aside)
            if name == "settings":
                page.changed.connect(self.shell.settle)
            self.shell.built(name, page)
            if name == "home":
                page.set_ready(self.ready)
                page.begin.connect(self.begin)
                page.opened.connect(self.open_run)
                page.resumed.connect(self.resume)
                page.demo_wanted.connect(self.show_demo)
                page.tour_wanted.connect(self.start_tour)
        self._stack.setCurrentWidget(self.pages[name])
        if name in PAGES:
            self._seen = name
        self._group.setExclusive(name in PAGES)
        for other, b in self._rail_buttons.items():
            b.setChecked(other == name)
        self.pages[name].setFocus()
        self.make_room()
        return self.pages[name]

    def page_name(self) -> str:
        """The name of the page that is seen."""
        return next(name for name, page in self.pages.items() if page is self.page)

    def leave_aside(self) -> None:
        """Back from a page without a place in the rail."""
        self.show_page(self._seen)

    def go_on_at(self, name: str) -> None:
        """Go to a page once it can be shown, unless something else is chosen or done by then."""
        if name in LIGHT or self.ready:
            self.show_page(name)
        else:
            self._then.append(lambda: self.show_page(name) if self.page_name() == "home" and self.session.system == "" else None)

    def begin(self, system: str) -> None:
        """The form for a new run of a system."""
        page = self.show_page(system)
        if page is not None:
            page.new_run()

    def open_run(self, path: Path, recipe: Mapping[str, Any] | None = None, take: Take = "all", *, source: OldRun | None = None) -> None:
        """Open a run on the page of its system.

        Args:
            recipe: of a file that was exported from it; `take` says what of it is restored.
            source: how the run is opened; to go on with, if None.
        """
        from models.journal import RunFolder

        try:
            system = RunFolder.open(path, write=False).record["system"]
            if system not in PAGES:
                raise BadInput(f"{path.name} is a run of {system.upper()}, which has no page in this version: use `sampling-studio sample {path}`.")
            page = self.show_page(system)
        except StudioError as error:
            self.page.card.show_error(str(error))
            return
        if page is None:
            self.when_ready(lambda: self.open_run(path, recipe, take, source=source))
        else:
            page.open_run(path, source)
            if recipe is not None:
                page.restore(recipe, take)

    def when_ready(self, act: Callable[[], object]) -> None:
        """Do something once torch is there."""
        self._then.append(act)

    def compare_runs(self, runs: list[Path]) -> None:
        """Several runs side by side."""
        page = self.show_page("runs")
        if page is not None:
            page.compare(runs)

    def resume(self, path: Path) -> None:
        """Open a run and go on training it."""
        self.open_run(path)
        self.session.start_when_open()

    def show_demo(self, demo: Demo, run: Path | None) -> None:
        """Open the page of a demo with its run; without one, with what the demo itself says."""
        if run is not None and self.session.run is not None and self.session.run.path == run:
            self.show_page(demo.name)
        elif run is not None:
            once = Qt.ConnectionType.SingleShotConnection
            self.session.opened.connect(lambda opened: opened.path == run and self.pages[demo.name].show_demo(demo.about), once)
            self.open_run(run)
        elif (page := self.show_page(demo.name)) is not None:
            page.show_demo(demo.about)

    def start_tour(self, name: str = "") -> None:
        """Show a person around a page of `studio.tours.TOURS`, the one that is seen unless named; without a run of its own it opens its demo."""
        from studio.tour import Tour
        from studio.tours import TOURS

        name = name or self.page_name()
        if self.tour is not None:
            self.tour.end()
        needs_run = name not in ("home", "lab")
        if needs_run and (self.session.run is None or self.session.run.system != name):
            self.pages["home"].open_demo(name)
        else:
            self.show_page(name)
        self.tour = Tour(self, name, TOURS[name], needs_run=needs_run)
        self.tour.ended.connect(self._tour_ended)

    def _tour_ended(self) -> None:
        self.tour = None

    def _on_ready(self, problem: str) -> None:
        home = self.pages["home"]
        if problem:
            home.card.show_error(problem)
            return
        self.ready = True
        home.set_ready(True)
        waiting, self._then = self._then, []
        for act in waiting:
            act()

    # --- frame ------------------------------------------------------------------------------------------------

    def _rail(self) -> QWidget:
        rail = self.rail = QFrame()
        rail.setProperty("kind", "rail")
        body = column(rail, spacing=4)
        body.setContentsMargins(0, 8, 0, 8)
        self._group = group = QButtonGroup(self)
        for name, (word, _, _) in PAGES.items():
            b = QToolButton()
            b.setText(word)
            b.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            b.setProperty("kind", "rail")
            b.setCheckable(True)
            theme.set_icon(b, name, name)
            theme.set_accent(b, name)
            b.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            b.clicked.connect(lambda _=False, name=name: self.show_page(name))
            group.addButton(b)
            self._rail_buttons[name] = b
            body.addWidget(b)
        body.addStretch(1)
        self.more = self.shell.more_button()
        body.addWidget(self.more)
        self.scheme = QToolButton()
        self.scheme.setText("Theme")
        self.scheme.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.scheme.setProperty("kind", "rail")
        self.scheme.setToolTip("Light, dark, or as the system says")
        theme.set_icon(self.scheme, "contrast", "muted")
        self.scheme.clicked.connect(self.next_scheme)
        body.addWidget(self.scheme)
        return rail

    def next_scheme(self) -> None:
        """The other of light and dark, then the first again, then as the system says, and around."""
        now = settings().theme
        other: theme.Scheme = "light" if theme.theme().name == "dark" else "dark"
        if now == "system":
            self._first_scheme = chosen = other  # the first press always changes something
        else:
            chosen = other if now == self._first_scheme else "system"
        if not self.shell.change(theme=chosen):
            return
        self.scheme.setText({"system": "System", "light": "Light", "dark": "Dark"}[chosen])

    def _sizes(self) -> None:
        self.setMinimumSize(1120, 700)
        self._fit_rail()
        QTimer.singleShot(0, self, self.make_room)  # once the page has its new sizes

    def _fit_rail(self) -> None:
        """Every button has its place, also at a large scale in a low window."""
        px, buttons = theme.theme().px, [*self._rail_buttons.values(), self.more, self.scheme]
        high = min(px(56), (self.height() - 16) // len(buttons) - 4)
        tight = high < px(50)
        self.rail.setFixedWidth(px(80))
        for b in buttons:
            if bool(b.property("tight")) != tight:
                b.setProperty("tight", tight)
                theme.restyle(b)  # which forgets the size
            b.setFixedSize(QSize(px(80) - 1, high))
            b.setIconSize(QSize(px(14), px(14)) if tight else QSize(px(20), px(20)))

    def make_room(self) -> None:
        """The page has what it needs at this scale; where the window is smaller than that, it scrolls."""
        if self._stack.currentWidget() is not None:
            self._room.setMinimumSize(self.page.needed())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The rail fits the height."""
        super().resizeEvent(event)
        self._fit_rail()

    @property
    def page(self) -> Page:
        """The page that is seen."""
        shown = self._stack.currentWidget()
        assert isinstance(shown, Page)
        return shown

    # --- doors ------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A run's folder, an exported file, or pictures."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.receive(Path(event.mimeData().urls()[0].toLocalFile()))
        event.acceptProposedAction()

    def receive(self, path: Path) -> None:
        """A run is opened; an exported file shows its ways back; anything else is taken as data for a new run."""
        self.receiving.receive(path)

    def open_sample(self, recipe: Mapping[str, Any], take: Take) -> None:
        """Open a sample of the gallery in its run."""
        self.receiving.open_sample(dict(recipe), take)

    def open_exported(self, path: Path, take: Take | None = None, chosen: Path | None = None) -> None:
        """Show the ways back of an exported file, or go one of them; `chosen` is where its run is now."""
        self.receiving.open_exported(path, take, chosen)

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """Of a file whose run is open already."""
        page = self.show_page(str(recipe["system"]))
        if page is not None:
            page.restore(recipe, take)

    # --- leaving ----------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save first; the window goes at once, the process when all is on disk."""
        if self.tour is not None:
            self.tour.end()
        self.hide()
        self.shell.remember()
        self.receiving.stop()
        for page in self.pages.values():
            page.stop()
        self._warm_up.wait()
        self.session.close()
        self.herald.close()
        event.accept()
