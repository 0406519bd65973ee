"""The open run: the one object that knows both the window and the worker. It has no widget."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThreadPool, QTimer, Signal

from models.errors import BadSetting, StudioError
from studio import runs as whereabouts
from studio.messages import EVALUATION, OWN, Ask, Evaluate, Export, NewRun, OldRun, Opened, Progress, Reply, Trouble
from studio.queue import Queue
from studio.workers.jobs import TrainingJob
from studio.workers.thread import Worker
from studio.workers.writing import Writing

DONE = "all steps of the preset are done"
TURN_MS = 400  # between two values of a knob that is dragged, each of which is a line in the journal

Condition = Literal["empty", "opening", "running", "paused", "finished", "failed"]


class Session(QObject):
    """One heavy job at a time; opening another run saves and closes this one first.

    Attributes:
        run: what is open, None before; its phase and total are kept up to date.
        system: of the run that is open or was asked for last; "" while that is not known.
        knobs: the open run's knobs as they are now.
        condition: what it is doing.
        evaluate: when this and every later run is evaluated.
        source: what was asked for last.
        until: the step that a training was begun for; None: the end of the preset.
        queue: runs that wait to be trained.
        posing: a picture is drawn, so a run that is only read looks like one that can train.

    Signals:
        conditioned (str, str): condition and reason.
        opening (int, int): data are read or drawn: done, total.
        opened (Opened): a run is open, or was set back.
        progressed (Progress): new rows.
        line (dict): a new line of the journal.
        replied (Reply): the newest answer for a panel.
        trouble (Trouble): a person must read this.
        exporting (Export): something is being exported.
        exported (Export, list): files were written.
        export_progressed (Export, int, int): so much of one is written: done, total; 0 of 0 when it was cancelled.
        turned (str, object, object): a knob was turned by hand: its name, the value before, the value now.
    """

    conditioned = Signal(str, str)
    opening = Signal(int, int)
    opened = Signal(object)
    progressed = Signal(object)
    line = Signal(object)
    replied = Signal(object)
    trouble = Signal(object)
    exporting = Signal(object)
    exported = Signal(object, object)
    export_progressed = Signal(object, int, int)
    turned = Signal(str, object, object)
    _written = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run: Opened | None = None
        self.system = ""
        self.knobs: dict[str, Any] = {}
        self.condition: Condition = "empty"
        self.step = 0
        self.evaluate = Evaluate()
        self.source: NewRun | OldRun | None = None
        self.until: int | None = None
        self._held: dict[str, Any] = {}  # the newest value of a knob that is being dragged
        self._sent = ""  # the knob whose turns are being collected
        self._collect = QTimer(self)
        self._collect.setSingleShot(True)
        self._collect.setInterval(TURN_MS)
        self._collect.timeout.connect(self._flush)
        self._worker: Worker | None = None
        self._next: tuple[NewRun | OldRun, bool] | None = None  # waits for the present run to be saved
        self._start = self._closing = False
        self._number = 0
        self._newest: dict[str, int] = {}
        self._pool = QThreadPool(self)
        self._writing: list[Writing] = []
        self._written.connect(self._on_written)
        self.posing = False
        self.queue = Queue(self)

    # --- runs -------------------------------------------------------------------------------------------------

    def open(self, source: NewRun | OldRun, *, start: bool = False) -> None:
        """Make or open a run, and start it if wanted; the present one is saved and closed first."""
        self.source, self.until = source, None
        self.system = source.system if isinstance(source, NewRun) else _system_of(source.path)
        if self._worker is not None:
            self._flush()
            self._next = (source, start)
            self._condition("opening", "saving the run before")
            self._worker.quit_and_save()
            return
        self.run, self._start, self.step = None, start, 0
        self._held.clear()
        worker = self._worker = Worker(TrainingJob(source), parent=self)
        worker.opening.connect(self.opening)
        worker.opened.connect(self._on_opened)
        worker.progressed.connect(self._on_progressed)
        worker.line.connect(self._on_line)
        worker.replied.connect(self._on_replied)
        worker.running.connect(self._on_running)
        worker.paused.connect(self._on_paused)
        worker.trouble.connect(self._on_trouble)
        worker.drawn.connect(self._on_drawn)
        worker.finished.connect(self._on_finished)
        worker.evaluate(self.evaluate)
        self._condition("opening", "")
        worker.start()

    def start_when_open(self) -> None:
        """The run that is being opened trains on at once."""
        if self._next is not None:
            self._next = (self._next[0], True)
        else:
            self._start = self.condition == "opening"

    def close(self) -> None:
        """Save and close the run, finish its exports; waits until all is safe on disk."""
        self._next, self._closing = None, True
        self._flush()
        if self._worker is not None:
            self._worker.quit_and_save()
            self._worker.wait()
        self._hear()
        self._pool.waitForDone()
        self._hear()
        self._closing = False

    def _hear(self) -> None:
        """What workers have said and the event loop has not yet delivered."""
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)

    def stop(self) -> None:
        """Save and close the run without waiting; also cancels one that is still opening."""
        self._flush()
        if self._worker is not None:
            self._next = None
            self._worker.quit_and_save()

    # --- training ---------------------------------------------------------------------------------------------

    def go(self, until: int | None = None) -> None:
        """Run, up to a step or the one asked for before; without one, up to the preset's steps, or for ever past them."""
        if (worker := self._trainer) is not None and self.run is not None:
            self._flush()
            self.until = until if until is not None else self.until if (self.until or 0) > self.step else None
            worker.go(self.until or (self.run.total if self.step < self.run.total else None))

    @property
    def _trainer(self) -> Worker | None:
        """The worker of a run that can go on; one that is only read cannot."""
        return self._worker if self.run is not None and not self.run.reading else None

    def pause(self) -> None:
        """Pause after the present step."""
        if self._worker is not None and self.run is not None:
            self._worker.pause()

    def step_once(self) -> None:
        """One step, then pause."""
        if (worker := self._trainer) is not None:
            self._flush()
            worker.step()

    def set_knob(self, name: str, value: Any, *, remember: bool = True) -> None:
        """Turn a knob from the next step on; `remember` lets a page take it back."""
        if (worker := self._trainer) is None or self.run is None or self.knobs.get(name) == value:
            return
        from models import catalog, knobs
        from models.contract import SetKnobs

        try:
            knobs.make(catalog.algorithm(self.run.system).Knobs, {**self.knobs, name: value})
        except BadSetting as error:
            self.trouble.emit(Trouble(str(error)))
            return
        before, self.knobs[name] = self.knobs[name], value
        if self._held.keys() - {name} or not (remember and self._collect.isActive() and self._sent == name):
            self._held.pop(name, None)
            self._flush()
            worker.send(SetKnobs({name: value}))
            self._sent = name
            self._collect.start()
        else:
            self._held[name] = value
        if remember:
            self.turned.emit(name, before, value)

    def _flush(self) -> None:
        """Send the newest value of a knob that is being dragged."""
        held, self._held = self._held, {}
        if held and self._worker is not None:
            from models.contract import SetKnobs

            self._worker.send(SetKnobs(held))
            self._collect.start()

    def send(self, command: Any) -> None:
        """A contract.Command."""
        if (worker := self._trainer) is not None:
            self._flush()
            worker.send(command)

    def go_back(self, step: int | None = None) -> None:
        """Return to the last good checkpoint, or to that of a step."""
        if (worker := self._trainer) is not None:
            self._held.clear()
            worker.go_back(step)

    # --- views and exports ------------------------------------------------------------------------------------

    def ask(self, panel: str, view: str, **arguments: Any) -> None:
        """A view for a panel; answers to older requests of that panel are dropped."""
        if self._worker is not None and self.run is not None:
            self._number += 1
            self._newest[panel] = self._number
            self._worker.ask(Ask(panel, view, arguments, self._number))

    def drop(self, panel: str) -> None:
        """Cancel what a panel asked for."""
        self._newest.pop(panel, None)
        if self._worker is not None:
            self._worker.drop(panel)

    def evaluate_every(self, wish: Evaluate) -> None:
        """Evaluate this run and later ones at the multiples of a number of steps."""
        self.evaluate = wish
        if self._worker is not None:
            self._worker.evaluate(wish)

    def evaluate_now(self) -> None:
        """Evaluate the present step, unless an evaluation is under way."""
        self.ask(EVALUATION, EVALUATION, n=self.evaluate.samples, seed=self.evaluate.seed)

    def export(self, wish: Export) -> None:
        """Write the present step; `exported` follows."""
        if self._worker is not None and self.run is not None:
            self._flush()
            self.exporting.emit(wish)
            self._worker.export(wish)

    # --- from the worker --------------------------------------------------------------------------------------

    def _condition(self, condition: Condition, reason: str) -> None:
        self.condition = condition
        if not self._closing:
            self.conditioned.emit(condition, reason)

    def _on_opened(self, opened: Opened) -> None:
        if self.posing:
            opened = replace(opened, reading=False)
        self.run, self.system, self.knobs, self.step = opened, opened.system, dict(opened.knobs), opened.step
        self._condition("finished" if opened.step == opened.total else "paused", DONE if opened.step == opened.total else "")
        whereabouts.remember(opened.path)
        self.opened.emit(opened)
        if self._start:
            self._start = False
            self.go()

    def _on_progressed(self, progress: Progress) -> None:
        self.step = progress.step
        self.progressed.emit(progress)

    def _on_line(self, line: dict[str, Any]) -> None:
        run = self.run
        if run is not None and line["what"] == "phase":
            names = [name for name, _ in run.phases]
            rest = run.phases[names.index(line["text"]) :]
            self.run = replace(run, phase=line["text"], total=line["step"] + sum(steps for _, steps in rest))
        elif run is not None and line["what"] == "longer":
            self.run = replace(run, total=run.total + line["steps"])
        if run is not None and line["what"] in ("phase", "longer") and self.condition == "finished":
            self._condition("paused", "there are steps to do again")
        self.line.emit(line)

    def _on_replied(self, reply: Reply) -> None:
        if reply.number == OWN or self._newest.get(reply.panel) == reply.number:
            self.replied.emit(reply)

    def _on_running(self) -> None:
        self._condition("running", "")

    def _on_paused(self, reason: str) -> None:
        goal = DONE if self.run is None or self.step == self.run.total else f"step {self.step:,} is reached"
        words = {"you": "by you", "step": "after one step", "goal": goal, "failed": "stopped, see the card"}
        self._condition({"goal": "finished", "failed": "failed"}.get(reason, "paused"), words.get(reason, reason))  # pyright: ignore[reportArgumentType]

    def _on_trouble(self, trouble: Trouble) -> None:
        if self.run is None:
            self._condition("empty", "")
        if self._closing:
            print(f"sampling-studio: {trouble.sentence}", file=sys.stderr)  # the window has gone
        self.trouble.emit(trouble)

    def _on_drawn(self, wish: Export, write: Callable[..., list[Path]]) -> None:
        writing = Writing(wish, write, self._written, self.export_progressed)
        self._writing.append(writing)
        self._pool.start(writing)

    def cancel_export(self, wish: Export) -> None:
        """End an export while it is written; nothing is left of it, and `export_progressed` tells 0 of 0."""
        for writing in self._writing:
            if writing.wish is wish:
                writing.cancel()

    def _on_written(self, wish: Export, files: list[Path], problem: str) -> None:
        self._writing = [writing for writing in self._writing if writing.wish is not wish]
        if not files and not problem:
            self.export_progressed.emit(wish, 0, 0)
        elif problem:
            self.trouble.emit(Trouble(problem))
        else:
            self.exported.emit(wish, files)

    def _on_finished(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.wait()
            worker.deleteLater()
        if self._next is not None:
            (source, start), self._next = self._next, None
            self.open(source, start=start)
        else:
            self.run = None
            self._condition("empty", "")


def _system_of(path: Path) -> str:
    """Whose run is in a folder; "" where that cannot be read, which the worker will tell."""
    from models.journal import RunFolder

    try:
        return str(RunFolder.open(path, write=False).record["system"])
    except StudioError:
        return ""
