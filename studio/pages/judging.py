"""Evaluations of the open run on its page: scores, curves, the alarm, and the way back from a collapse."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QSettings

from studio.messages import EVALUATION, Evaluate, Opened, Progress, Reply
from studio.pace import Pace, duration
from studio.pages.ownrun import OwnRun
from studio.panels.card import ErrorCard
from studio.panels.curves import CurvesPanel
from studio.panels.quality import EvaluateBar, QualityPanel

BACK = "Go back to before this"


class Judging(QObject):
    """Connects the session with a QualityPanel, its bar, the training curves and a card for the alarm."""

    def __init__(self, session: OwnRun, curves: CurvesPanel, alarm: ErrorCard, parent: QObject, writes: str = "pictures", plots: Any = None) -> None:
        """`plots` of the evaluations by kind, where the system has its own; see QualityPanel."""
        super().__init__(parent)
        self._session, self._curves, self._alarm = session, curves, alarm
        self.panel, self.bar = QualityPanel(writes, plots), EvaluateBar(writes)
        self._before: int | None = None  # the step to go back to
        self._at = 0  # the step that is being evaluated
        self._since = 0  # the last step of which no evaluation has been missed
        self._busy = False
        self._pace = Pace()
        self._remember()
        session.evaluate_every(self.bar.wish())
        self.bar.changed.connect(self._on_changed)
        self.bar.now.connect(self._on_now)
        alarm.remedy.connect(self._on_remedy)
        session.replied.connect(self._on_reply)
        session.progressed.connect(self._on_progress)
        session.conditioned.connect(self._on_condition)
        self._on_condition("empty", "")

    def set_kind(self, writes: str) -> None:
        """What is evaluated from now on, "pictures", "text" or "data"."""
        self.panel.set_kind(writes)
        self.bar.set_kind(writes)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back; its lines follow one by one."""
        self.panel.clear()
        self.panel.set_end(run.step)
        self.panel.show_skipped("")
        self._alarm.hide()
        self._rest()

    def show_line(self, line: dict[str, Any]) -> None:
        """A line of the journal: an evaluation or an alarm; others are passed over."""
        if line["what"] == "evaluated":
            self.panel.show_line(line)
            if self._alarm.isVisible() and self._before is not None and line["step"] <= self._before:
                self._alarm.hide()
        elif line["what"] == "alarm":
            self._before = line.get("before")
            for curves in (self._curves, self.panel.curves):
                curves.mark_alarm(line["step"], line["text"])
            told_while_training = "before" not in line
            if told_while_training or (self.panel.lines and self.panel.lines[-1]["step"] == line["step"]):
                self._alarm.show_error(f"Step {line['step']:,}. {line['text']}", BACK if self._before is not None else "")

    def settle(self) -> None:
        """All lines of an opened run have been shown: an alarm that a later evaluation has not repeated is history."""
        newest = self.panel.lines[-1]["step"] if self.panel.lines else None
        if newest not in self._curves.alarms():
            self._alarm.hide()

    def _remember(self) -> None:
        """The rhythm that was chosen last time."""
        kept = QSettings()
        self.bar.every.setValue(int(kept.value("evaluate/every", self.bar.every.value(), type=int)))  # pyright: ignore[reportArgumentType]
        self.bar.samples.setValue(int(kept.value("evaluate/samples", self.bar.samples.value(), type=int)))  # pyright: ignore[reportArgumentType]
        self.bar.on.setChecked(bool(kept.value("evaluate/on", False, type=bool)))

    def _on_changed(self, wish: Evaluate) -> None:
        self._session.evaluate_every(wish)
        self._since = self._session.step
        if QCoreApplication.organizationName():  # a page that is only drawn leaves no settings
            kept = QSettings()
            for name, value in (("on", bool(wish.every)), ("every", self.bar.every.value()), ("samples", wish.samples)):
                kept.setValue(f"evaluate/{name}", value)

    def _on_now(self) -> None:
        self._session.evaluate_now()

    def _on_remedy(self, _: str) -> None:
        self._alarm.hide()
        if self._before is not None:
            self._session.go_back(self._before)

    def _on_reply(self, reply: Reply) -> None:
        if reply.panel == EVALUATION:
            if not self._busy:
                self._busy, self._at, self._since, self._pace = True, reply.step, reply.step, Pace()
                self._pace.start()
                self.panel.show_skipped("")
            done, total = reply.view.numbers["done"]
            self._show_doing(float(done), float(total), reply.view.words.get("doing", ""))
            self._show_skipped(reply.step)
            if reply.last:
                self._rest()

    def _on_progress(self, progress: Progress) -> None:
        self.panel.set_end(progress.step)
        self._show_skipped(progress.step)

    def _show_doing(self, done: float, total: float, words: Any) -> None:
        """How far it is, and what it does, in the bar and in the tab."""
        doing = words if isinstance(words, str) else " ".join(words)
        self._pace.mark(round(done))
        left = self._pace.left(round(total))
        about = f", about {duration(left)} left" if left else ""
        self.bar.show_progress(self._at, done, total, doing)
        self.panel.show_doing(f"Step {self._at:,}: {doing or 'measuring'}{about}.")

    def _show_skipped(self, step: int) -> None:
        """Which multiples passed by while one was being evaluated."""
        every = self._session.evaluate.every
        if not (self._busy and every):
            return
        first, last = (self._since // every + 1) * every, step // every * every
        if first <= last:
            which = f"Step {first:,} was" if first == last else f"Steps {first:,} to {last:,} were"
            self.panel.show_skipped(f"{which} skipped: the evaluation of step {self._at:,} was still running.")

    def _on_condition(self, condition: str, _: str) -> None:
        if condition in ("empty", "opening", "failed"):
            self._rest()
        if condition == "opening":
            self._session.evaluate_every(self.bar.wish())
        self.bar.now_button.setEnabled(condition in ("running", "paused", "finished") and not self._busy)

    def _rest(self) -> None:
        self._busy = False
        self.bar.show_progress(0, 0, 0)
        self.panel.show_doing("")
