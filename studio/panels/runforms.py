"""Two small forms below the list of runs: fork one from a step that it has kept, and train one on in the queue."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit

from models.errors import StudioError
from models.journal import RunFolder
from studio import pasts, theme
from studio.pasts import Past
from studio.runs import RunFacts
from studio.widgets import Card, Combo, ElidedLabel, button, label, row, spin

SAME = "nothing changed"
EVER = 1_000_000_000


class ForkForm(Card):
    """From which step, with which knob changed, under which name.

    Signals:
        wanted (object, int, dict, str): fork this run at a step, with the changed knobs, under a name.
        closed (): no longer.
    """

    wanted = Signal(object, int, object, str)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        self._run: RunFacts | None = None
        self._past: Past | None = None
        self.title = ElidedLabel("", "section")
        self.step, self.knob, self.value, self.name = Combo(), Combo(), QLineEdit(), QLineEdit()
        for control, name in ((self.step, "Step to fork from"), (self.knob, "Knob to change"), (self.value, "Its new value"), (self.name, "Name")):
            control.setAccessibleName(name)
        self.step.setToolTip("Steps whose checkpoint has been kept")
        self.step.currentIndexChanged.connect(lambda _: self._show_value())
        self.knob.currentIndexChanged.connect(lambda _: self._show_value())
        self.value.setFixedWidth(theme.theme().px(84))
        self.value.returnPressed.connect(self._fork)
        self.name.returnPressed.connect(self._fork)
        self.problem = label("", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.fork_button = button("Fork", "fork", kind="primary", clicked=self._fork)
        self.cancel_button = button("Cancel", clicked=self.closed.emit)
        self.body.addWidget(self.title)
        first = row(label("Step"), self.step, label("Change"), self.knob, self.value)
        first.setStretch(1, 1)
        first.setStretch(3, 1)
        last = row(label("Name"), self.name, self.fork_button, self.cancel_button)
        last.setStretch(1, 1)
        self.body.addLayout(first)
        self.body.addLayout(last)
        self.body.addWidget(self.problem)
        self.hide()

    def show_run(self, run: RunFacts, name: str) -> None:
        """Begin with its newest step; `name` is free."""
        self._run = run
        self.show_problem("")
        self.title.setText(f"Fork {run.name}: a new run that goes on from one of its steps")
        try:
            steps, self._past = RunFolder.open(run.path, write=False).steps(), pasts.read(run.path)
        except (StudioError, OSError, ValueError, KeyError, TypeError) as error:
            steps, self._past = [], None
            self.show_problem(str(error))
        self.step.clear()
        for step in reversed(steps):
            self.step.addItem(f"{step:,}", step)
        self.knob.clear()
        self.knob.addItem(SAME, "")
        for knob in self._past.knobs(0) if self._past is not None else ():
            self.knob.addItem(knob, knob)
        self.name.setText(name)
        self.fork_button.setEnabled(bool(steps))
        self._show_value()
        self.show()
        self.step.setFocus()

    def show_problem(self, text: str) -> None:
        """Why it cannot be forked so; "" for nothing."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.fork_button.setEnabled(True)

    def change(self) -> dict[str, Any]:
        """The knob that is turned, with what was typed for it; empty without one."""
        knob = self.knob.currentData()
        return {knob: self.value.text().strip()} if knob else {}

    def _show_value(self) -> None:
        knob = self.knob.currentData()
        self.value.setEnabled(bool(knob))
        self.value.setPlaceholderText("")
        now = self._past.knobs(self.step.currentData() or 0).get(knob, "") if self._past is not None and knob else ""
        self.value.setText(f"{now:g}" if isinstance(now, float) else str(now))

    def _fork(self) -> None:
        if self._run is None or self.step.currentData() is None or not self.fork_button.isEnabled():
            return
        self.fork_button.setEnabled(False)
        self.wanted.emit(self._run, self.step.currentData(), self.change(), self.name.text())


class MoreForm(Card):
    """Train a run on in the queue.

    Signals:
        wanted (object, object): put this run into the queue: for so many steps, or to the end of its preset for None.
        closed (): no longer.
    """

    wanted = Signal(object, object)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        self._run: RunFacts | None = None
        self.title = ElidedLabel("", "section")
        self.steps = spin(1, EVER, 1_000, "Steps on top of those there are", step=500)
        self.steps.setFixedWidth(theme.theme().px(108))
        self.add_button = button("Add to queue", "new", kind="primary", clicked=lambda: self._add(self.steps.value()))
        self.end_button = button("To the end", clicked=lambda: self._add(None))
        self.cancel_button = button("Cancel", clicked=self.closed.emit)
        self.body.addWidget(self.title)
        self.body.addLayout(row(label("Train on for"), self.steps, label("steps"), 1))
        self.body.addLayout(row(self.add_button, self.end_button, self.cancel_button, 1))
        self.hide()

    def show_run(self, run: RunFacts) -> None:
        """Begin with this one."""
        self._run = run
        left = run.total - run.step
        self.title.setText(f"Queue {run.name}: it is at step {run.step:,} of {run.total:,}")
        self.end_button.setEnabled(left > 0)
        self.end_button.setToolTip(f"The {left:,} steps that are left of its preset" if left > 0 else "It has done all steps of its preset")
        self.show()
        self.steps.setFocus()

    def _add(self, steps: int | None) -> None:
        if self._run is not None:
            self.wanted.emit(self._run, steps)
