"""Drives any job in a QThread: run, pause, single step, commands and views act between two steps.

The thread never touches a widget, the window never touches a tensor: what crosses is in `studio.messages`. Numbers are batched
without loss, of pictures only the newest request of a panel is served, and there are at most RATE messages a second. A view that
comes in parts is a generator: its first part is taken at once, at the step at which it is begun; the others take turns between steps.
"""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QThread, Signal

from models.errors import BadInput, Diverged, OutOfMemory, StudioError
from studio.messages import EVALUATION, OWN, Ask, Evaluate, Export, Progress, Reply, Trouble
from studio.pace import Pace
from studio.workers.jobs import TrainingJob, memory

RATE = 15.0
SHARE = 0.25  # of the time of a running job that views may take
ALONE = 0.4  # of it for an evaluation while nothing else is asked for
SLICE = 0.08  # seconds of an evaluation at a time: a pause waits no longer, and short parts do not wait for a step each


class Cancelled(Exception):
    """The person closed or stopped while the job was still opening."""


class Worker(QThread):
    """One job's thread.

    Signals:
        opening (int, int): data are read or drawn: done, total.
        opened (Opened): the job is ready, or was set back.
        progressed (Progress): at most RATE a second, and once whenever it pauses.
        line (dict): a new line of the journal.
        replied (Reply): a view.
        paused (str): the reason: "you", "step", "goal", "failed".
        running (): it goes on.
        trouble (Trouble): a person must read this; the job is paused.
        drawn (Export, object): an export is ready to be written by calling the object.
    """

    opening = Signal(int, int)
    opened = Signal(object)
    progressed = Signal(object)
    line = Signal(object)
    replied = Signal(object)
    paused = Signal(str)
    running = Signal()
    trouble = Signal(object)
    drawn = Signal(object, object)

    def __init__(self, job: TrainingJob, goal: int | None = None, parent: Any = None) -> None:
        super().__init__(parent)
        self._job, self._goal = job, goal
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._asks: dict[str, Ask] = {}
        self._long: dict[str, tuple[Ask, Iterator[Any]]] = {}  # of each panel, in the order of their turns
        self._evaluate = Evaluate()
        self._steps: Iterator[Any] | None = None
        self._todo = 0  # steps to do before pausing; -1: until told
        self._good = True  # the State is that of a step
        self._quit = False
        self._emitted = self._viewed = 0.0
        self._pace = Pace()
        job.on_line = self.line.emit

    # --- from the window, any time ----------------------------------------------------------------------------

    def go(self, goal: int | None = None) -> None:
        """Run until `goal` steps in total, or until paused if None."""
        self._inbox.put(("go", goal))

    def pause(self) -> None:
        """Stop after the present step."""
        self._inbox.put(("pause", None))

    def step(self) -> None:
        """Do one step, then pause."""
        self._inbox.put(("step", None))

    def send(self, command: Any) -> None:
        """A contract.Command, applied before the next step."""
        self._inbox.put(("command", command))

    def ask(self, ask: Ask) -> None:
        """A view; only the newest of a panel is served."""
        self._inbox.put(("ask", ask))

    def drop(self, panel: str) -> None:
        """Cancel the long view of a panel."""
        self._inbox.put(("drop", panel))

    def evaluate(self, wish: Evaluate) -> None:
        """From now on evaluate at the multiples of a number of steps; one that is not done yet is never dropped for a newer one."""
        self._inbox.put(("evaluate", wish))

    def export(self, wish: Export) -> None:
        """Draw the present step for an exporter."""
        self._inbox.put(("export", wish))

    def go_back(self, step: int | None = None) -> None:
        """Return to the last good checkpoint, or to that of a step."""
        self._inbox.put(("back", step))

    def quit_and_save(self) -> None:
        """Save, close, and end the thread; answers within one step."""
        self._quit = True
        self._inbox.put(("quit", None))

    # --- in the thread ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """The thread's life: open, then serve until told to quit."""
        try:
            self.opened.emit(self._job.open(self._opening))
            while not self._quit:
                self._turn()
            self._read(wait=False)  # what was asked for before the end: a note, a knob, an export
        except Cancelled:
            self._good = False
        except Exception as error:
            self._good = False
            self._tell(error)
        try:
            self._job.close(save=self._good)
        except Exception as error:
            self._tell(error)

    def _turn(self) -> None:
        """Serve what has come, then do one step, or wait."""
        try:
            self._read(wait=not self._todo and not self._asks and not self._long)
            if self._quit:
                return
            if self._todo:
                self._advance()
        except Exception as error:
            self._failed(error)
        if not self._todo or time.monotonic() > self._viewed:
            self._serve()

    def _read(self, *, wait: bool) -> None:
        while True:
            try:
                kind, content = self._inbox.get(block=wait)
            except queue.Empty:
                return
            wait = False
            try:
                self._on(kind, content)
            except (Diverged, OutOfMemory):
                raise
            except Exception as error:
                self._tell(error, harmless=True)

    def _on(self, kind: str, content: Any) -> None:
        match kind:
            case "go":
                self._goal = content
                self._go(-1)
            case "step":
                self._go(1)
            case "pause":
                if self._todo:
                    self._rest("you")
            case "command":
                end = self._job.total
                self._job.apply(content)
                if self._goal == end:  # a phase that is left early brings the end nearer
                    self._goal = self._job.total
            case "ask":
                self._on_ask(content)
            case "evaluate":
                self._evaluate = content
            case "drop":
                self._drop(content)
            case "export":
                self.drawn.emit(content, self._job.export(content))
            case "back":
                about = self._job.go_back(content)
                self._steps, self._todo, self._good = None, 0, True
                self._long.clear()
                self._pace.stop()
                self.opened.emit(about)
            case _:
                pass

    def _on_ask(self, ask: Ask) -> None:
        if ask.panel == EVALUATION and EVALUATION in self._long:
            return  # one at a time, to its end
        self._drop(ask.panel)
        self._asks[ask.panel] = ask

    def _drop(self, panel: str) -> None:
        self._asks.pop(panel, None)
        self._long.pop(panel, None)

    def _go(self, steps: int) -> None:
        if not self._good:
            return
        if self._goal is not None and self._job.step >= self._goal and steps < 0:
            self.paused.emit("goal")
            return
        self._todo = steps
        self._pace.start()
        self._pace.mark(self._job.step)
        self.running.emit()

    def _advance(self) -> None:
        if self._steps is None:
            self._steps = self._job.steps(None)
            next(self._steps)
        next(self._steps)
        self._todo -= self._todo > 0
        self._evaluate_if_due()
        at_goal = self._goal is not None and self._job.step >= self._goal and self._todo < 0
        if at_goal:
            from models.contract import Save

            self._job.apply(Save())
        now = time.monotonic()
        if now - self._emitted > 1 / RATE:
            self._emit(now)
        if not self._todo or at_goal:
            self._rest("goal" if at_goal else "step")

    def _evaluate_if_due(self) -> None:
        """Begin an evaluation of this very step; later parts come between later steps."""
        wish = self._evaluate
        if not wish.every or self._job.step % wish.every or EVALUATION in self._long:
            return
        started = time.monotonic()
        try:
            self._asks.pop(EVALUATION, None)  # a person has asked for the same
            self._answer(Ask(EVALUATION, EVALUATION, {"n": wish.samples, "seed": wish.seed}, OWN), started)
        except Diverged:
            raise
        except Exception as error:
            self._tell(error, harmless=True, panel=EVALUATION)
        self._share(started)

    def _emit(self, now: float) -> None:
        self._emitted = now
        self._pace.mark(self._job.step)
        first, rows = self._job.news()
        left = self._pace.left(self._goal) if self._goal and self._job.step < self._goal else None
        self.progressed.emit(Progress(self._job.step, self._job.run.phase, first, rows, self._pace.rate, left, memory()))

    def _rest(self, reason: str) -> None:
        self._todo = 0
        self._emit(time.monotonic())
        self._pace.stop()
        self.paused.emit(reason)

    def _serve(self) -> None:
        """One view, or one more part of a long one, within its share of a running job's time; one that fails harms no State."""
        started, panel = time.monotonic(), next(iter(self._asks or self._long), "")
        try:
            if self._asks:
                self._answer(self._asks.pop(panel), started)
            elif self._long:
                self._go_on(*self._long.pop(panel), started)
        except Exception as error:
            self._tell(error, harmless=True, panel=panel)
        self._share(started)

    def _share(self, started: float) -> None:
        """No more views until the job has had its part of the time."""
        now = time.monotonic()
        share = ALONE if not self._asks and set(self._long) == {EVALUATION} else SHARE
        self._viewed = now + (now - started) * (1 / share - 1)

    def _answer(self, ask: Ask, started: float) -> None:
        answer = self._job.view(ask.view, **ask.arguments)
        if isinstance(answer, Iterator):
            self._go_on(ask, answer, started)
        else:
            self.replied.emit(Reply(ask.panel, ask.number, self._job.step, answer, time.monotonic() - started))

    def _go_on(self, ask: Ask, parts: Iterator[Any], started: float) -> None:
        part = next(parts, None)
        while ask.panel == EVALUATION and part is not None and not _last(part) and time.monotonic() - started < SLICE:
            part = next(parts)
        if part is not None:
            last = _last(part)
            if not last:
                self._long[ask.panel] = (ask, parts)  # at the end of the queue
            self.replied.emit(Reply(ask.panel, ask.number, self._job.step, part, time.monotonic() - started, last))

    def _opening(self, done: int, total: int) -> None:
        if self._quit:
            raise Cancelled
        self.opening.emit(done, total)

    # --- when something goes wrong ----------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        """Pause; the State stays usable unless it was in the middle of a step."""
        stepping, self._todo, self._steps = self._todo, 0, None
        self._long.clear()
        self._pace.stop()
        self._tell(error)
        if isinstance(error, Diverged | OutOfMemory) or (stepping and not isinstance(error, StudioError)):
            self._good = False
        if stepping:
            self.paused.emit("failed")

    def _tell(self, error: Exception, *, harmless: bool = False, panel: str = "") -> None:
        """`harmless`: the job goes on as if nothing had been asked, by the panel."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, StudioError):
            remedy = "back" if isinstance(error, Diverged | OutOfMemory) else "" if isinstance(error, BadInput) else "retry"
            self.trouble.emit(Trouble(str(error), remedy, "" if isinstance(error, BadInput) else details, panel))
        elif harmless:
            told = f"What was asked of this run did not work ({type(error).__name__}); the run itself is not touched."
            self.trouble.emit(Trouble(told, "", details, panel))
        else:
            self.trouble.emit(Trouble("Something unexpected happened in this run: its last saved state is kept.", "back", details))


def _last(part: Any) -> bool:
    """Whether a View is the last part of a long one."""
    done = part.numbers.get("done")
    return done is not None and bool(done[0] >= done[1])
