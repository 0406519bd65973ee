"""All runs of this machine: found, opened, renamed, forked, queued, thrown away; seen as a tree and beside each other."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QTabBar, QToolButton, QWidget

from models.errors import StudioError
from models.files import home
from models.settings import missing, runs_folder
from studio import runs, theme
from studio.naming import free_name
from studio.pages.page import Page
from studio.pages.rundeeds import RunDeeds
from studio.panels.queuepanel import QueuePanel
from studio.panels.runcurves import RunCurves
from studio.panels.runforms import ForkForm, MoreForm
from studio.panels.runlist import RunBrowser
from studio.panels.runtree import TreePanel
from studio.panels.twins import Twins
from studio.runs import RunFacts, size_text
from studio.session import Session
from studio.widgets import Card, ElidedLabel, button, column, row, tool
from studio.workers.later import Later

AFRESH_MS = 4_000  # the list, while it is seen
LEFT = 424  # pixels of the list, at least
TREE, CURVES, TWINS, QUEUE = range(4)
NONE = "No runs yet. A run is saved by itself, and stands here from its first step."


class RunsPage(Page):
    """The list at the left, what is drawn of it at the right."""

    SYSTEM = "runs"
    TITLE = "Runs"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.all: list[RunFacts] = []
        self.deeds = RunDeeds(session, self.own_history, self)
        self._reader = Later(self)
        self.browser, self.fork_form, self.more_form = RunBrowser(), ForkForm(), MoreForm()
        self.list = self.browser.list
        self.foot, self.undo_button = (
            ElidedLabel("", "caption"),
            button("Undo", "undo", kind="quiet", tip="Bring it back (Ctrl+Z)", clicked=self.undo),
        )
        self.undo_button.hide()
        self.tree, self.curves, self.twins, self.queue = TreePanel(), RunCurves(), Twins(), QueuePanel(session.queue)
        self.tabs, self.views = QTabBar(), QStackedWidget()
        for word, panel in (("Tree", self.tree), ("Curves", self.curves), ("Side by side", self.twins), ("Queue", self.queue)):
            self.tabs.addTab(word)
            self.views.addWidget(panel)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Views of the chosen runs")
        self.tabs.currentChanged.connect(self.views.setCurrentIndex)
        right = QWidget()
        body = column(right, spacing=8)
        body.addWidget(self.tabs)
        body.addWidget(self.views, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("runs")
        self.splitter.setHandleWidth(theme.theme().px(12))
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._left())
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 5)
        self.splitter.setSizes([theme.theme().px(LEFT), theme.theme().px(2 * LEFT)])
        self.stage.addWidget(self.splitter)
        self.tools.addWidget(button("Open…", "open", tip="Open a run from any folder (Ctrl+O)", clicked=self.choose_run))
        self._connect()
        self._afresh = QTimer(self)
        self._afresh.setInterval(AFRESH_MS)
        self._afresh.timeout.connect(self._read_aside)
        self._on_queue()
        self._on_chosen([])

    def _left(self) -> QWidget:
        self.acts = {
            "Open": button("Open", kind="primary", tip="Open it on the page of its system (Enter)", clicked=self.open_chosen),
            "Fork": button("Fork…", tip="A new run that goes on from one of its steps", clicked=self.ask_fork),
            "Queue": button("Queue…", tip="Train it on when nothing else trains", clicked=self.ask_more),
            "Rename": button("Rename", tip="Another name for the run and its folder (F2)", clicked=self.list.rename),
            "Delete": button("Delete", tip="Into the trash (Del)", clicked=lambda: self.deeds.delete(self.chosen())),
        }
        self.more_button = tool("more", "More: duplicate, show the folder")
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more_button)
        self.more = {
            "Duplicate": menu.addAction("Duplicate", lambda: self.deeds.duplicate(self.chosen()[0])),
            "Show folder": menu.addAction("Show folder", self.show_folder),
        }
        self.more_button.setMenu(menu)
        left = Card(margin=12, spacing=8)
        left.body.addWidget(self.browser, 1)
        left.body.addWidget(self.fork_form)
        left.body.addWidget(self.more_form)
        left.body.addLayout(row(*self.acts.values(), 1, self.more_button, spacing=4))
        foot = row(self.foot, self.undo_button)
        foot.setStretch(0, 1)
        left.body.addLayout(foot)
        self._card = left
        theme.notifier.changed.connect(self._widths)
        self._widths()
        return left

    def _widths(self) -> None:
        """The list's buttons stay readable at every scale."""
        self._card.setMinimumWidth(theme.theme().px(LEFT))

    def _connect(self) -> None:
        self.browser.listed.connect(self._on_listed)
        self.list.chosen.connect(self._on_chosen)
        self.list.opened.connect(self._open)
        self.deeds.changed.connect(self._on_changed)
        self.deeds.told.connect(self._on_told)
        self.deeds.failed.connect(self._on_failed)
        self.list.listed.renamed.connect(self.deeds.rename, Qt.ConnectionType.QueuedConnection)  # once the field has gone
        self.list.customContextMenuRequested.connect(self._menu)
        self.tree.tree.chosen.connect(lambda run: self.list.select([run.path]))
        self.tree.tree.opened.connect(self._open)
        self.curves.save_wanted.connect(self._choose_csv)
        self.fork_form.wanted.connect(self.deeds.fork)
        self.fork_form.closed.connect(self.fork_form.hide)
        self.more_form.wanted.connect(self._queue)
        self.more_form.closed.connect(self.more_form.hide)
        self.session.conditioned.connect(self._on_condition)
        self.session.queue.changed.connect(self._on_queue)
        self.own_history.canUndoChanged.connect(self.undo_button.setVisible)
        self.own_history.undoTextChanged.connect(lambda text: self.undo_button.setText(f"Undo: {text}" if text else "Undo"))

    # --- what is there ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the runs' folders again."""
        self._show_all(runs.listing())

    def _read_aside(self) -> None:
        """The same beside the window: hundreds of runs take a moment."""
        if not self._reader.is_busy():
            self._reader.call(runs.listing, self._on_read)

    def _on_read(self, found: list[RunFacts]) -> None:
        if self.isVisible():
            self._show_all(found)

    def _show_all(self, found: list[RunFacts]) -> None:
        self.all = found
        notes: dict[Path, str] = {}
        if (now := self.session.run) is not None:
            notes[now.path.resolve()] = {"running": "trains now"}.get(self.session.condition, "open now")
        for job in self.session.queue.waiting():
            notes.setdefault(Path(job.path), "in the queue") if job.path else None
        self.browser.show_runs(self.all, {run.path: notes[run.path.resolve()] for run in self.all if run.path.resolve() in notes})
        total = sum(run.bytes for run in self.all)
        self.subtitle.setText(str(runs_folder()))
        damaged = sum(run.state == "damaged" for run in self.all)
        words = "1 run takes" if len(self.all) == 1 else f"{len(self.all):,} runs take"
        words = f"{words} {size_text(total)}" if self.all else "No runs yet. A run is saved by itself, and stands here from its first step."
        self.foot.setText(words + (f"; {damaged} of them damaged" if damaged else ""))
        if problem := missing():
            self.alarm.show_error(problem)
        else:
            self.alarm.hide()

    def compare(self, paths: Sequence[Path]) -> None:
        """Show two runs side by side, or the curves of more."""
        for path in paths:
            runs.remember(path)
        self.browser.search.clear()
        self.refresh()
        wanted = {path.resolve() for path in paths}
        self.list.select([run.path for run in self.all if run.path.resolve() in wanted])
        self.tabs.setCurrentIndex(TWINS if len(wanted) <= 2 else CURVES)

    def chosen(self) -> list[RunFacts]:
        """The runs that are selected."""
        return self.list.selection()

    def toggle(self) -> bool:
        """Play the two runs, where they are seen; else the open run is meant."""
        if self.tabs.currentIndex() != TWINS:
            return False
        self.twins.toggle()
        return True

    def showEvent(self, event: Any) -> None:
        """The runs may have changed."""
        super().showEvent(event)
        self.refresh()
        if self.all and not self.chosen():  # the open run, else the newest
            now = self.session.run.path.resolve() if self.session.run is not None else None
            self.list.select([next((run.path for run in self.all if run.path.resolve() == now), self.all[0].path)])
        self._afresh.start()

    def hideEvent(self, event: Any) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._afresh.stop()

    def stop(self) -> None:
        """The window is closing: what is being copied is finished."""
        self._afresh.stop()
        self._reader.wait()
        self.deeds.wait()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del throws away."""
        if event.key() == Qt.Key.Key_Delete and self.chosen():
            self.deeds.delete(self.chosen())
        else:
            super().keyPressEvent(event)

    # --- what a person does -----------------------------------------------------------------------------------

    def open_chosen(self) -> None:
        """On the page of its system."""
        if chosen := self.chosen():
            self._open(chosen[0])

    def ask_fork(self) -> None:
        """From which step, and with which change?"""
        if chosen := self.chosen():
            self.more_form.hide()
            self.fork_form.show_run(chosen[0], free_name(runs_folder() / f"{chosen[0].path.name}-fork").name)

    def ask_more(self) -> None:
        """For how many steps?"""
        if chosen := self.chosen():
            self.fork_form.hide()
            self.more_form.show_run(chosen[0])

    def show_folder(self) -> None:
        """In the system's own file manager."""
        for run in self.chosen()[:1]:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path))):
                self.tell(f"No program is set up to show it; it is in {run.path}", stay=True)

    def as_command(self) -> str:
        """The fork that the form describes, else the list."""
        form, chosen = self.fork_form, self.chosen()
        if form.isVisible() and chosen:
            change = "".join(f" --set {shlex.quote(f'{knob}={value}')}" for knob, value in form.change().items())
            out = shlex.quote(str(runs_folder() / form.name.text().strip()))
            return f"sampling-studio fork {shlex.quote(str(chosen[0].path))} --step {form.step.currentData()}{change} --out {out}"
        return "sampling-studio runs" if self.all else ""

    def as_python(self) -> str:
        """The measure that is drawn, of the chosen runs; without a choice, the list."""
        key, chosen = self.curves.measure.currentData(), [str(run.path) for run in self.chosen() if run.state == "ok"]
        if not (key and chosen and self.tabs.currentIndex() in (CURVES, TWINS)):
            words = "from studio import runs\n\nfor run in runs.listing():\n    print(run.name, run.system, run.step, runs.size_text(run.bytes))\n"
            return words if self.all else ""
        return (
            "from pathlib import Path\n\nfrom studio import pasts\n\n"
            f"for path in {chosen!r}:\n"
            "    past = pasts.read(Path(path))\n"
            f"    steps, values = past.points({key!r})\n"
            "    print(past.name, int(steps[-1]), values[-1])\n"
        )

    # --- inside -----------------------------------------------------------------------------------------------

    def _open(self, run: RunFacts) -> None:
        if run.state == "damaged":
            self.card.show_error(run.why)
        else:
            self.run_chosen.emit(run.path)

    def _on_changed(self, paths: list[Path]) -> None:
        self.refresh()
        self.list.select(paths)

    def _on_told(self, text: str) -> None:
        if not text.endswith("…"):
            self.fork_form.hide()
        self.tell(text, stay=True)

    def _on_failed(self, sentence: str) -> None:
        self.tell("")
        if self.fork_form.isVisible():
            self.fork_form.show_problem(sentence)
        else:
            self.card.show_error(sentence)

    def _queue(self, run: RunFacts, steps: int | None) -> None:
        self.session.queue.add(run.path, more=steps, name=run.name, system=run.system)
        self.more_form.hide()
        self.tabs.setCurrentIndex(QUEUE)
        self.tell(f"{run.name} is in the queue.")
        self.refresh()

    def _choose_csv(self) -> None:
        self.ask_path("Save the curves", home() / "exports" / self.curves.file_name(), "CSV (*.csv)", self._save_csv)

    def _save_csv(self, path: Path) -> None:
        try:
            self.curves.save(path)
            self.tell(f"Saved {path.name}", path.parent)
        except StudioError as error:
            self.card.show_error(str(error))

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for b in self.acts.values():
            action = menu.addAction(b.text())
            action.setEnabled(b.isEnabled())
            action.triggered.connect(b.click)
        menu.addActions(list(self.more.values()))
        menu.popup(self.list.viewport().mapToGlobal(place))

    # --- what has changed -------------------------------------------------------------------------------------

    def _on_listed(self, found: list[RunFacts]) -> None:
        self.tree.show_runs(found)
        self._on_chosen(self.chosen())

    def _on_chosen(self, chosen: list[RunFacts]) -> None:
        one = len(chosen) == 1 and chosen[0].state == "ok"
        for name, b in self.acts.items():
            b.setEnabled(bool(chosen) if name == "Delete" else one)
        self.more["Duplicate"].setEnabled(one)
        self.more["Show folder"].setEnabled(len(chosen) == 1)
        self.tree.tree.show_selection([run.path for run in chosen])
        now = self.session.run.path if self.session.run is not None and self.session.condition == "running" else None
        self.curves.show_runs(chosen, live=any(run.path == now for run in chosen))
        self.twins.show_runs(self._pair(chosen))

    def _pair(self, chosen: Sequence[RunFacts]) -> list[RunFacts]:
        """The two runs that are chosen, or a fork and what it comes from."""
        good = [run for run in chosen if run.state == "ok"]
        if len(good) == 1 and good[0].parent:
            parent = next((run for run in self.all if run.id == good[0].parent["id"] and run.state == "ok"), None)
            return [parent, good[0]] if parent is not None else good
        return good[:2] if len(good) == 2 else []

    def _on_condition(self, condition: str, reason: str) -> None:
        if self.isVisible():
            self.refresh()

    def _on_queue(self) -> None:
        waiting = len(self.session.queue.waiting()) + (self.session.queue.running() is not None)
        self.tabs.setTabText(QUEUE, f"Queue ({waiting})" if waiting else "Queue")
