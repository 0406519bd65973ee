"""The queue: what waits to be trained, in which order, and what became of it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QWidget

from studio import theme
from studio.pages import called
from studio.panels.plot import Reason
from studio.panels.scrolling import scrolled
from studio.queue import Job, Queue
from studio.widgets import Card, ElidedLabel, button, column, label, row, tool

TICK_MS = 500
EMPTY = "Nothing waits. Put a run here with Queue below the list, or a new one with Add to queue on the form of a system."
WORDS = {"waiting": "waits", "running": "trains now", "done": "done", "failed": "failed"}
KINDS = {"waiting": "caption", "running": "good", "done": "caption", "failed": "bad"}


class JobRow(QFrame):
    """One job and what can be done with it.

    Signals:
        moved (str, int), removed (str), again (str): the button was pressed on the job of this id.
    """

    moved = Signal(str, int)
    removed = Signal(str)
    again = Signal(str)

    def __init__(self, job: Job, place: int, last: bool) -> None:
        super().__init__()
        self.job = job
        name = called(job.system)
        goal = f"to step {job.goal:,}" if job.goal is not None else f"{job.more:,} steps on" if job.more is not None else "to the end of its preset"
        self.name = ElidedLabel(f"{place}  {job.name}", "strong")
        self.about = ElidedLabel(" · ".join(part for part in (name, goal) if part), "caption")
        self.state = ElidedLabel(f"{WORDS[job.state]}{': ' + job.why if job.why else ''}")
        self.state.setProperty("kind", KINDS[job.state])
        words = column(spacing=0)
        for part in (self.name, self.about, self.state):
            words.addWidget(part)
        self.buttons = {
            "Earlier": tool("chevron-up", f"{job.name}: earlier", lambda: self.moved.emit(job.id, -1)),
            "Later": tool("chevron-down", f"{job.name}: later", lambda: self.moved.emit(job.id, 1)),
            "Try again": tool("redo", f"{job.name}: try again", lambda: self.again.emit(job.id)),
            "Remove": tool("close", f"{job.name}: take out of the queue; the run itself stays", lambda: self.removed.emit(job.id)),
        }
        self.buttons["Earlier"].setEnabled(place > 1)
        self.buttons["Later"].setEnabled(not last)
        self.buttons["Try again"].setVisible(job.state == "failed")
        self.buttons["Remove"].setEnabled(job.state != "running")
        line = row(spacing=8)
        line.addLayout(words, 1)
        for b in self.buttons.values():
            line.addWidget(b)
        line.setContentsMargins(12, 4, 4, 4)
        self.setLayout(line)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A bar in the colour of its system."""
        painter = QPainter(self)
        painter.fillRect(0, 4, theme.theme().px(3), self.height() - 8, QColor(theme.theme().accent(self.job.system)))
        painter.end()


class QueuePanel(Card):
    """All jobs, and the switch."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(margin=12, spacing=8)
        self._queue = queue
        self.words = ElidedLabel("", "muted")
        self.switch = button("Start the queue", "play", kind="primary", clicked=self._toggle)
        self.clear_button = button("Clear ended", tip="Forget the jobs that are done or have failed", clicked=queue.clear)
        self.reason = Reason()
        self.problem = label("", "bad")
        self.problem.setWordWrap(True)
        top = row(self.switch, self.words, self.clear_button, spacing=12)
        top.setStretch(1, 1)
        self.body.addLayout(top)
        self.body.addWidget(self.problem)
        inside = QWidget()
        inside.setProperty("kind", "clear")
        self.list = column(inside, spacing=4)
        self.list.addStretch(1)
        self.area = scrolled(inside, sideways=False)
        self.body.addWidget(self.area, 1)
        self.body.addWidget(self.reason, 1)
        self.rows: list[JobRow] = []
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._show_progress)
        queue.changed.connect(self.refresh)
        theme.notifier.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the jobs as they are now."""
        queue = self._queue
        for old in self.rows:
            self.list.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.rows = [self._row(job, i) for i, job in enumerate(queue.jobs)]
        for i, one in enumerate(self.rows):
            self.list.insertWidget(i, one)
        waiting, running = len(queue.waiting()), queue.running()
        self.switch.setText("Pause the queue" if queue.on else "Start the queue")
        theme.set_icon(self.switch, "pause" if queue.on else "play", "on_accent")
        self.switch.setEnabled(queue.on or waiting > 0)
        now = f"{running.name} trains now, " if running is not None else ""
        later = queue.waits_for() or ("the next one begins when nothing else trains" if queue.on else "nothing is begun by itself")
        self.words.setText(f"{now}{waiting:,} waiting; {later}" if queue.jobs else "")
        self.clear_button.setVisible(any(job.state in ("done", "failed") for job in queue.jobs))
        self.reason.setText("" if queue.jobs else EMPTY)
        self.reason.setVisible(not queue.jobs)
        self.area.setVisible(bool(queue.jobs))
        self.problem.setText(queue.problem)
        self.problem.setVisible(bool(queue.problem))

    def showEvent(self, event: QShowEvent) -> None:
        """How far the job is, as long as somebody looks."""
        super().showEvent(event)
        self._tick.start()
        self._show_progress()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody does."""
        super().hideEvent(event)
        self._tick.stop()

    def _show_progress(self) -> None:
        told = self._queue.progress()
        for one in self.rows:
            if one.job.state == "running" and told:
                one.state.setText(told)

    def _row(self, job: Job, place: int) -> JobRow:
        one = JobRow(job, place + 1, place == len(self._queue.jobs) - 1)
        one.moved.connect(self._queue.move)
        one.removed.connect(self._queue.remove)
        one.again.connect(self._queue.again)
        return one

    def _toggle(self) -> None:
        (self._queue.stop if self._queue.on else self._queue.start)()
