"""Evaluations of the open run on its page: scores, curves, the alarm, and the way back from a collapse."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from studio.messages import EVALUATION, Opened, Progress, Reply
from studio.panels.card import ErrorCard
from studio.panels.curves import CurvesPanel
from studio.panels.quality import EvaluateBar, QualityPanel
from studio.session import Session

BACK = "Go back to before this"


class Judging(QObject):
    """Connects the session with a QualityPanel, its bar, the training curves and a card for the alarm."""

    def __init__(self, session: Session, curves: CurvesPanel, alarm: ErrorCard, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._curves, self._alarm = session, curves, alarm
        self.panel, self.bar = QualityPanel(), EvaluateBar()
        self._before: int | None = None  # the step to go back to
        self._at = 0  # the step that is being evaluated
        self._busy = False
        self.bar.changed.connect(session.evaluate_every)
        self.bar.now.connect(self._on_now)
        alarm.remedy.connect(self._on_remedy)
        session.replied.connect(self._on_reply)
        session.progressed.connect(self._on_progress)
        session.conditioned.connect(self._on_condition)
        self._on_condition("empty", "")

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back; its lines follow one by one."""
        self.panel.clear()
        self.panel.set_end(run.step)
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
            if self.panel.lines and self.panel.lines[-1]["step"] == line["step"]:
                self._alarm.show_error(f"Step {line['step']:,}. {line['text']}", BACK if self._before is not None else "")

    def settle(self) -> None:
        """All lines of an opened run have been shown: an alarm that a later evaluation has not repeated is history."""
        newest = self.panel.lines[-1]["step"] if self.panel.lines else None
        if newest not in self._curves.alarms():
            self._alarm.hide()

    def _on_now(self) -> None:
        self._session.evaluate_now()

    def _on_remedy(self, _: str) -> None:
        self._alarm.hide()
        if self._before is not None:
            self._session.go_back(self._before)

    def _on_reply(self, reply: Reply) -> None:
        if reply.panel == EVALUATION:
            if not self._busy:
                self._busy, self._at = True, reply.step
            done, total = reply.view.numbers["done"]
            self.bar.show_progress(self._at, float(done), float(total))
            if reply.last:
                self._rest()

    def _on_progress(self, progress: Progress) -> None:
        self.panel.set_end(progress.step)

    def _on_condition(self, condition: str, _: str) -> None:
        if condition in ("empty", "opening", "failed"):
            self._rest()
        self.bar.now_button.setEnabled(condition in ("running", "paused", "finished") and not self._busy)

    def _rest(self) -> None:
        self._busy = False
        self.bar.show_progress(0, 0, 0)
