"""The time machine of a training page: one handle moves samples, the cursor on all curves, knobs and the journal; a run branches from there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from models.contract import Save
from models.errors import StudioError
from models.journal import RunFolder
from models.reel import Reel
from studio import theme
from studio.messages import OldRun, Opened
from studio.pages.lookingback import LookingBack
from studio.panels.branching import ForkCard, WhatIfCard
from studio.panels.timeline import Timeline
from studio.panels.timetrack import Marks
from studio.workers.frames import Frame, Frames
from studio.workers.later import Later

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage

EVERY_MS = 1_000  # between two looks at what is kept on disk
AHEAD = 3  # frames that are read before they are asked for, while it plays
BEFORE = "Look before it"  # the remedy of an alarm
LEAST, MOST = 100, 5_000  # steps of twins that are suggested
ROOMY = 760  # pixels of a page that has room for all of the bar


def knobs_at(first: Mapping[str, Any], lines: Any, step: int) -> dict[str, Any]:
    """The knobs after a step: those that a run was made with, and what the journal tells about them up to there."""
    values = dict(first)
    for line in lines:
        if line["what"] == "knobs" and line["step"] <= step:
            values.update({k: v for k, v in line["change"].items() if k in values})
    return values


def marks_of(run: Opened, now: int, lines: Any, frames: list[int], kept: list[int], bookmarks: set[int]) -> Marks:
    """What the bar shows of a run: its journal, and what lies in its folder."""
    phases = [(0, run.phases[0][0])] + [(line["step"], line["text"]) for line in lines if line["what"] == "phase"]
    return Marks(
        end=max([now, run.newest if run.reading else 0, *frames[-1:]]),
        now=now,
        frames=tuple(frames),
        kept=tuple(kept),
        bookmarks=frozenset(bookmarks & set(frames)),
        turns=tuple((line["step"], line["text"]) for line in lines if line["what"] in ("knobs", "lr", "back")),
        phases=tuple(phases),
        alarms=tuple((line["step"], line["text"]) for line in lines if line["what"] == "alarm"),
    )


class TimeMachine(QObject):
    """Knows the reel and the checkpoints of the open run, and shows the page as it was.

    Attributes:
        bar: the scrubber, above the transport.
        back: the band over a run that is only looked at.
    """

    def __init__(self, page: TrainingPage) -> None:
        super().__init__(page)
        self._page, self._session = page, page.session
        self._run: Opened | None = None
        self._first: dict[str, Any] = {}  # knobs that the run was made with
        self._lines: list[dict[str, Any]] = []
        self._folder: RunFolder | None = None
        self._inside, self._phase = False, ""  # the past; the phase that was looked at before
        self.bar = Timeline()
        self.back = LookingBack(page, self._fork_seen)
        self.fork_card, self.what_card = ForkCard(page), WhatIfCard(page, page.knob_list)
        self.frames, self._later = Frames(self), Later(self)
        self._poll = QTimer(self)
        self._poll.setInterval(EVERY_MS)
        self._poll.timeout.connect(self._on_poll)
        page.whole.insertWidget(page.whole.indexOf(page.transport), self.bar)
        page.installEventFilter(self)
        self.bar.hide()
        self._connect()

    def _connect(self) -> None:
        page, bar, session = self._page, self.bar, self._session
        bar.scrubbed.connect(self._on_scrubbed)
        bar.live.connect(self.live)
        bar.bookmark.connect(self._on_bookmark)
        bar.fork.connect(self.fork)
        bar.what_if.connect(self.what_if)
        bar.look.connect(self.look)
        bar.export.connect(page.exporting.ask_range)
        page.stage.currentChanged.connect(self._on_stage)
        page.journal.chosen.connect(self.scrub)
        page.alarm.offered.connect(self._on_before_alarm)
        self.frames.ready.connect(self._on_frame)
        self.frames.failed.connect(self._on_unreadable)
        self.fork_card.wanted.connect(self._on_fork)
        self.what_card.wanted.connect(self._on_what_if)
        self._later.failed.connect(self._on_failed)
        session.opened.connect(self._on_opened)
        session.conditioned.connect(self._on_condition)
        session.line.connect(self._on_line)

    # --- where it is --------------------------------------------------------------------------------------------

    @property
    def past(self) -> bool:
        """Whether a frame of the reel is looked at."""
        return self.bar.at is not None

    def scrub(self, step: int) -> None:
        """Look at the frame that is nearest to a step."""
        near = self.bar.marks.frame_near(step)
        if near is not None and self.bar.has_frames():
            self.bar.show_at(near)
            self._on_scrubbed(near)

    def live(self) -> None:
        """Back to the present."""
        if not self._inside:
            return
        page = self._page
        self.bar.show_at(None)
        self.frames.drop()
        self._cursor(None)
        page.journal.mark(None)
        page.moment = math.inf
        page.leave_frame()
        page.knobs.set_values(self._session.knobs)
        page.knobs.freeze(self.back.words())
        page.following.look_at(self._phase)
        page.show_numbers()
        page.looking.hold(False)
        self._inside = False

    def stop(self) -> None:
        """The window is closing."""
        self.bar.stop()
        self._poll.stop()
        self.frames.wait()
        self._later.wait()

    def refresh(self) -> None:
        """What lies on disk now."""
        run, folder = self._run, self._folder
        if run is None or folder is None:
            return
        reel = Reel.of(run.path)
        self.bar.show_marks(marks_of(run, self._session.step, self._lines, reel.steps(), folder.steps(), reel.bookmarks()))
        for card in (self.fork_card, self.what_card):
            if card.isVisible():
                card.show_marks(run.name, self.bar.marks, self.bar.at)
        if self.past and not self.bar.has_frames():
            self.live()  # the folder has gone
        before = self._before_alarm()
        self._page.alarm.offer(BEFORE if before is not None else "")
        self._show_bar()

    # --- what the session says ----------------------------------------------------------------------------------

    def _on_opened(self, run: Opened) -> None:
        self.live()
        self._run, self._lines = run, list(run.lines)
        self._folder = RunFolder.open(run.path, write=False)
        self._first = dict(self._folder.record["knobs"])
        self.frames.open(run.path)
        self.bar.clear()
        self.bar.allow_export(self._page.writes == "pictures")
        self.back.show_run(run)
        self._page.knobs.freeze(self.back.words())
        self._close_cards()
        self.refresh()
        self._poll.start()

    def _on_condition(self, condition: str, _: str) -> None:
        if condition in ("empty", "opening"):
            self.live()
            self._run = None
            self._poll.stop()
            self.frames.open(None)
            self.bar.clear()
            self.back.hide()
            self._close_cards()
            self._show_bar()
        else:
            self.refresh()

    def _on_poll(self) -> None:
        if self._page.isVisible():
            self.refresh()

    def _on_line(self, line: dict[str, Any]) -> None:
        self._lines.append(line)
        if self.past:
            self._show_knobs(self.bar.at or 0)
            self._page.journal.mark(self.bar.at)
        self.refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The page has another height."""
        if event.type() == QEvent.Type.Resize:
            self._show_bar()
        return super().eventFilter(watched, event)

    def _on_stage(self, _: int) -> None:
        if self._page.stage.currentWidget() is not self._page.live:
            self.live()
            self._close_cards()
        self._show_bar()

    def _show_bar(self) -> None:
        self.bar.set_low(self._page.height() < theme.theme().px(ROOMY))
        self.bar.setVisible(self._run is not None and self.bar.has_frames() and self._page.stage.currentWidget() is self._page.live)

    # --- a frame ------------------------------------------------------------------------------------------------

    def _on_scrubbed(self, step: int) -> None:
        page, marks = self._page, self.bar.marks
        if not self._inside:
            self._inside, self._phase = True, page.phases.looked_at()
            page.looking.hold(True)
        page.moment = float(step)
        self._cursor(step)
        self._show_knobs(step)
        page.journal.mark(step)
        page.following.look_at(marks.phase_at(step))
        page.show_numbers()
        ahead = marks.frames[(place := marks.frames.index(step)) + 1 : place + 1 + AHEAD] if self.bar.playing else ()
        self.frames.want(step, ahead)
        for card in (self.fork_card, self.what_card):
            if card.isVisible() and self._run is not None:
                card.show_marks(self._run.name, marks, step)

    def _on_frame(self, frame: Frame) -> None:
        if frame.step == self.bar.at:
            self._page.show_frame(frame)

    def _on_unreadable(self, step: int, sentence: str) -> None:
        """Thinned out meanwhile: the nearest one that is left; or damaged, which is told."""
        if step == self.bar.at:
            self.refresh()
            if step not in self.bar.marks.frames:
                self.scrub(step)
            else:
                self.bar.stop()
                self._page.card.show_error(sentence)

    def _cursor(self, step: int | None) -> None:
        for curves in (self._page.curves, self._page.judging.panel.curves):
            curves.show_cursor(step)
        self._page.judging.panel.show_at(step)

    def _show_knobs(self, step: int) -> None:
        self._page.knobs.set_values(knobs_at(self._first, self._lines, step))
        self._page.knobs.freeze(f"As at step {step:,}. Press Live to turn them.")

    def _before_alarm(self) -> int | None:
        """The last frame before the newest alarm."""
        alarms = self.bar.marks.alarms
        return self.bar.marks.frame_before(alarms[-1][0]) if alarms else None

    def _on_before_alarm(self) -> None:
        if (before := self._before_alarm()) is not None:
            self._page.faces.choose(0)
            self.scrub(before)
            self.bar.track.setFocus()

    def _on_bookmark(self, step: int, on: bool) -> None:
        run, folder = self._run, self._folder
        if run is None or folder is None:
            return
        try:
            Reel.of(run.path).bookmark(step, on)
            if on and step in folder.steps():
                folder.pin(step)
        except StudioError as error:
            self._page.card.show_error(str(error))
        self.refresh()

    # --- branches -----------------------------------------------------------------------------------------------

    def fork(self) -> None:
        """Ask under which name a new run goes on from here."""
        self._ask_fork(self.bar.fork_button)

    def _fork_seen(self) -> None:
        self._ask_fork(self.back)

    def _ask_fork(self, anchor: QWidget) -> None:
        if self._run is not None:
            self._keep_present()
            self.what_card.close_card()
            self.fork_card.ask(self._run.name, self.bar.marks, self.bar.at, anchor)

    def what_if(self) -> None:
        """Ask which knob two new runs from here differ in."""
        if self._run is not None:
            self._keep_present()
            self.fork_card.close_card()
            at, marks = self.bar.at, self.bar.marks
            kept = marks.kept_before(marks.now if at is None else at) or 0
            steps = min(MOST, max(LEAST, marks.end - kept))
            self.what_card.ask(self._run.name, marks, at, knobs_at(self._first, self._lines, kept), steps, self.bar.what_button)

    def look(self) -> None:
        """Open the run as it was at the nearest kept checkpoint, only to look."""
        marks = self.bar.marks
        kept = marks.kept_before(marks.now if self.bar.at is None else self.bar.at)
        if self._run is not None and kept is not None:
            self.back.remember(self._session.condition == "running")
            self._session.open(OldRun(self._run.path, write=False, step=kept))

    def _keep_present(self) -> None:
        """A fork of the present needs a checkpoint of it."""
        if not self.past and self._session.condition in ("running", "paused"):
            self._session.send(Save())

    def _on_fork(self, step: int, name: str) -> None:
        run = self._run
        if run is None:
            return
        self.fork_card.close_card()
        self._page.tell(f"Forking {run.name} at step {step:,} …", stay=True)

        def work() -> Path:
            from models.fork import fork

            return fork(run.path, step, name=name)

        self._begin(work, self._page.open_run)

    def _on_what_if(self, step: int, knob: str, value: Any, steps: int, start: bool) -> None:
        from models import knobs

        run = self._run
        if run is None:
            return
        then = knobs_at(self._first, self._lines, step)
        try:
            knobs.changed(knobs.make(self._page.knobs_class, then), {knob: value})
        except StudioError as error:
            self.what_card.refuse(str(error))
            return
        self.what_card.close_card()
        self._page.tell(f"Making two forks of {run.name} at step {step:,} …", stay=True)

        def work() -> list[Path]:
            from models.fork import fork

            said = "".join(c if c.isalnum() or c in ".-" else "-" for c in f"{knob}-{value}")
            control = fork(run.path, step, name=f"{run.name}-as-it-was")
            return [control, fork(run.path, step, change={knob: value}, name=f"{run.name}-{said}")]

        def made(twins: list[Path]) -> None:
            self._session.train_later(twins, steps, start=start)
            self._page.tell(f"{twins[0].name} and {twins[1].name} are in the queue.")
            self._page.compare_wanted.emit(twins)

        self._begin(work, made)

    def _begin(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        for b in (self.bar.fork_button, self.bar.what_button):
            b.setEnabled(False)

        def done(result: Any) -> None:
            self._rest()
            self._page.tell("")
            then(result)

        self._later.call(work, done)

    def _on_failed(self, sentence: str) -> None:
        self._rest()
        self._page.tell("")
        self._page.card.show_error(sentence)

    def _rest(self) -> None:
        for b in (self.bar.fork_button, self.bar.what_button):
            b.setEnabled(True)

    def _close_cards(self) -> None:
        self.fork_card.close_card()
        self.what_card.close_card()
