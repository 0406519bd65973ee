"""Curves, phases, journal and transport of a training page follow the open run: what it was, and every step that it makes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject

from studio.messages import Opened, Progress
from studio.pace import Pace, duration

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class Following(QObject):
    """Of one page; `show_run` and what follows it are called by the page, in the order that its parts need."""

    def __init__(self, page: TrainingPage, *, counted: bool) -> None:
        """`counted`: while data are read, it is known how many there are; text is counted in bytes."""
        super().__init__(page)
        self._page, self._session, self._counted = page, page.session, counted
        self._reading: Pace | None = None
        self._known: set[str] = set()  # what has numbers of the phase that is looked at
        page.session.opening.connect(self._on_opening)
        page.session.progressed.connect(self._on_progress)
        page.session.line.connect(self._on_line)
        page.phases.chosen.connect(self._on_phase)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back: all that has been."""
        page = self._page
        page.journal.clear()
        page.curves.clear()
        page.judging.show_run(run)
        page.curves.append(1, _columns(run, run.rows))
        page.phases.show_run(run.phases)
        page.curves.mark_phase(0, run.phases[0][0])
        for line in run.lines:
            self._show_line(line)
        page.phases.show_step(run.step)
        page.judging.settle()

    def show_now(self, run: Opened) -> None:
        """What is open, and the phase that it is in."""
        parent = f" · fork of {run.parent['name']} at step {run.parent['step']:,}" if run.parent else ""
        self._page.subtitle.setText(f"{run.data} · {run.name}{parent} · {run.phase}")
        self._on_phase(self._page.phases.follow())

    def show_rest(self, run: Opened, step: int) -> None:
        """How far it is while it does not move."""
        self._page.transport.show_progress(step, _total(run, step), 0, None, run.device)

    def choose_plots(self) -> None:
        """Of several phases' plots, those that have numbers in the phase that is looked at; as they are while it has none."""
        found = self._numbered()
        self._known = set(found)
        if shown := self._page.plots_of(found):
            self._page.curves.show_plots(shown)

    def look_at(self, phase: str) -> None:
        """The plots that have numbers in a phase."""
        if self._page.phases.look(phase):
            self.choose_plots()

    def _numbered(self) -> list[str]:
        """What has numbers of the phase that is looked at."""
        phases = self._page.phases
        first, last = phases.span(phases.looked_at())
        return [field for field, s in self._page.curves.history.series.items() if np.diff(np.searchsorted(s.x.view, (first, last + 1)))[0]]

    def _on_phase(self, name: str) -> None:
        self.choose_plots()
        self._page.show_phase(name)

    def _on_opening(self, done: int, total: int) -> None:
        if done <= 1 or self._reading is None:
            self._reading = Pace()
            self._reading.start()
        self._reading.mark(done)
        left = self._reading.left(total)
        counted = self._counted and self._page.writes == "pictures"
        read = f"{done:,} of {total:,} pictures" if counted else f"{done / total:.0%} read" if total else "reading"
        words = read + (f", {duration(left)} left" if left else "")
        self._page.transport.show_state("opening", words)
        self._page.opening.show_progress(done, total, words[:1].upper() + words[1:])

    def _on_progress(self, progress: Progress) -> None:
        page, run = self._page, self._session.run
        if run is None:
            return
        page.curves.append(progress.first + 1, _columns(run, progress.rows))
        page.phases.show_step(progress.step)
        if set(self._numbered()) - self._known:  # some are measured now and then
            self.choose_plots()
        total = _total(run, progress.step)
        page.transport.show_progress(progress.step, total, progress.rate or 0, progress.left, run.device, progress.memory)
        if page.isVisible():
            page.show_numbers()

    def _on_line(self, line: dict[str, Any]) -> None:
        self._show_line(line)
        run = self._session.run
        if run is not None and line["what"] in ("phase", "longer"):
            self.show_now(run)
            self.show_rest(run, line["step"])
            self._page.looking.again()

    def _show_line(self, line: dict[str, Any]) -> None:
        page = self._page
        when = time.strftime("%d %b %Y %H:%M", time.localtime(line["time"]))
        asked = " (the one before was left early)" if line.get("asked") else ""
        blind = line.get("blind")
        if blind and "scores" not in blind:  # one answer of many; they are told together at the end
            return
        page.journal.add([(line["step"], f"Phase {line['text']}{asked}" if line["what"] == "phase" else line["text"], when)])
        if line["what"] in ("knobs", "lr", "back"):
            page.curves.mark_knob(line["step"], line["text"])
        elif line["what"] == "phase":
            page.curves.mark_phase(line["step"], line["text"])
            page.phases.enter(line["text"], line["step"])
        elif line["what"] == "longer":
            page.phases.lengthen(line["steps"])
        page.judging.show_line(line)


def _total(run: Opened, step: int) -> int:
    """The preset's steps; 0 once a run goes on past them, for as long as one likes."""
    return run.total if step <= run.total else 0


def _columns(run: Opened, rows: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(run.columns, rows.T, strict=True))
