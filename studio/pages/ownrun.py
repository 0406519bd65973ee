"""The session as the page of one system sees it: what is open elsewhere does not exist for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.messages import Evaluate, Export, NewRun, OldRun, Opened, Progress, Reply, Trouble
from studio.session import Condition, Session


class OwnRun(QObject):
    """A Session with the runs of one system only: signals and actions of the same names, which are silent while another system has it.

    When another system takes the session over, the condition becomes "empty" here.

    Signals:
        As in Session, but for `exported`: an export that was begun is told about whatever has been opened since.
    """

    conditioned = Signal(str, str)
    opening = Signal(int, int)
    opened = Signal(object)
    progressed = Signal(object)
    line = Signal(object)
    replied = Signal(object)
    trouble = Signal(object)
    exported = Signal(object, object)
    export_progressed = Signal(object, int, int)
    turned = Signal(str, object, object)

    def __init__(self, session: Session, system: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self.system = session, system
        self._had = self.has_session  # whether it was so when the condition was told last
        self._exports: list[Export] = []
        session.conditioned.connect(self._on_condition)
        session.opening.connect(self._on_opening)
        session.opened.connect(self._on_opened)
        session.progressed.connect(self._on_progressed)
        session.line.connect(self._on_line)
        session.replied.connect(self._on_replied)
        session.trouble.connect(self._on_trouble)
        session.exported.connect(self._on_exported)
        session.export_progressed.connect(self._on_export_progressed)
        session.turned.connect(self._on_turned)

    # --- what is open -----------------------------------------------------------------------------------------

    @property
    def has_session(self) -> bool:
        """Whether the run that is open, or is being opened, is of this system."""
        return self._session.system == self.system

    @property
    def run(self) -> Opened | None:
        """The open run, if it is of this system."""
        run = self._session.run
        return run if self.has_session and run is not None and run.system == self.system else None

    @property
    def condition(self) -> Condition:
        """What it is doing."""
        return self._session.condition if self.has_session else "empty"

    @property
    def step(self) -> int:
        """Steps done; 0 without a run."""
        return self._session.step if self.run is not None else 0

    @property
    def source(self) -> NewRun | OldRun | None:
        """What was asked for last, if it is of this system."""
        return self._session.source if self.has_session else None

    @property
    def knobs(self) -> dict[str, Any]:
        """The run's knobs as they are now; empty without a run."""
        return self._session.knobs if self.run is not None else {}

    @property
    def evaluate(self) -> Evaluate:
        """When a run is evaluated."""
        return self._session.evaluate

    # --- actions ----------------------------------------------------------------------------------------------

    def open(self, source: NewRun | OldRun, *, start: bool = False) -> None:
        """As Session.open; whatever run is open is saved and closed."""
        self._session.open(source, start=start)

    def stop(self) -> None:
        """Save and close the run; also cancels one that is still opening."""
        if self.has_session:
            self._session.stop()

    def go(self, until: int | None = None) -> None:
        """Run; up to a step, or as far as Session.go does."""
        if self.run is not None:
            self._session.go(until)

    def pause(self) -> None:
        """Pause after the present step."""
        if self.run is not None:
            self._session.pause()

    def step_once(self) -> None:
        """One step, then pause."""
        if self.run is not None:
            self._session.step_once()

    def go_back(self, step: int | None = None) -> None:
        """Return to the last good checkpoint, or to that of a step."""
        if self.run is not None:
            self._session.go_back(step)

    def set_knob(self, name: str, value: Any, *, remember: bool = True) -> None:
        """Turn a knob from the next step on."""
        if self.run is not None:
            self._session.set_knob(name, value, remember=remember)

    def send(self, command: Any) -> None:
        """A contract.Command."""
        if self.run is not None:
            self._session.send(command)

    def ask(self, panel: str, view: str, **arguments: Any) -> None:
        """A view for a panel."""
        if self.run is not None:
            self._session.ask(panel, view, **arguments)

    def drop(self, panel: str) -> None:
        """Cancel what a panel asked for."""
        if self.run is not None:
            self._session.drop(panel)

    def evaluate_every(self, wish: Evaluate) -> None:
        """Evaluate this run, or the next one, at the multiples of a number of steps; the run of another system keeps its rhythm."""
        if self.has_session or self._session.run is None:
            self._session.evaluate_every(wish)

    def evaluate_now(self) -> None:
        """Evaluate the present step, unless an evaluation is under way."""
        if self.run is not None:
            self._session.evaluate_now()

    def make_later(self, wish: NewRun) -> int:
        """Put a new run into the queue; returns how many wait."""
        self._session.queue.add(wish)
        return len(self._session.queue.waiting())

    def train_later(self, runs: Sequence[Path], more: int, *, start: bool) -> None:
        """Put runs of this system into the queue, for so many steps more each, and start it if wanted."""
        for path in runs:
            self._session.queue.add(path, more=more, system=self.system)
        if start:
            self._session.queue.start()

    def export(self, wish: Export) -> None:
        """Write the present step; `exported` follows."""
        if self.run is not None:
            self._exports.append(wish)
            self._session.export(wish)

    def cancel_export(self, wish: Export) -> None:
        """End an export while it is written."""
        self._session.cancel_export(wish)

    # --- from the session -------------------------------------------------------------------------------------

    def _on_condition(self, condition: Condition, reason: str) -> None:
        had, self._had = self._had, self.has_session
        if self._had:
            self.conditioned.emit(condition, reason)
        elif had:
            self.conditioned.emit("empty", "")

    def _on_opening(self, done: int, total: int) -> None:
        if self.has_session:
            self.opening.emit(done, total)

    def _on_opened(self, run: Opened) -> None:
        if self.run is not None:
            self.opened.emit(run)

    def _on_progressed(self, progress: Progress) -> None:
        if self.run is not None:
            self.progressed.emit(progress)

    def _on_line(self, line: dict[str, Any]) -> None:
        if self.run is not None:
            self.line.emit(line)

    def _on_replied(self, reply: Reply) -> None:
        if self.run is not None:
            self.replied.emit(reply)

    def _on_trouble(self, trouble: Trouble) -> None:
        if self.has_session or not self._session.system:  # nobody's trouble is everybody's
            self.trouble.emit(trouble)

    def _on_turned(self, name: str, before: Any, value: Any) -> None:
        if self.run is not None:
            self.turned.emit(name, before, value)

    def _on_export_progressed(self, wish: Export, done: int, total: int) -> None:
        if any(asked is wish for asked in self._exports):
            if not total:
                self._exports = [asked for asked in self._exports if asked is not wish]
            self.export_progressed.emit(wish, done, total)

    def _on_exported(self, wish: Export, files: list[Any]) -> None:
        mine = [asked for asked in self._exports if asked is wish]
        if mine:
            self._exports = [asked for asked in self._exports if asked is not wish]
            self.exported.emit(wish, files)
