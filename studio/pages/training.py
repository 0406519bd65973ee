"""What the pages of all trained systems share: the form, the live run, its phases, curves, knobs, journal, evaluations and exports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QLayout, QPushButton, QSpinBox, QStackedWidget, QTabBar, QWidget

from models.contract import GoToPhase, Lengthen, NextPhase, Note, Save
from models.knobs import describe
from studio import theme
from studio.export import writes_of
from studio.finding import Settable
from studio.gallery.store import gallery_path
from studio.messages import Export, NewRun, OldRun, Opened, Reply, Trouble
from studio.pages.browsing import Browsing
from studio.pages.exporting import Exporting
from studio.pages.faces import Faces
from studio.pages.following import Following
from studio.pages.judging import Judging
from studio.pages.looking import Looking
from studio.pages.opening import Opening
from studio.pages.ownrun import OwnRun
from studio.pages.restoring import Restoring
from studio.pages.runbuttons import RunButtons
from studio.pages.seeded import SeededPage
from studio.pages.spoken import Spoken
from studio.pages.timemachine import TimeMachine
from studio.pages.turning import Turning
from studio.panels.curves import CurvesPanel
from studio.panels.journal import JournalPanel
from studio.panels.knobs import KnobsPanel
from studio.panels.newrun import NewRunPanel
from studio.panels.phases import PhaseStrip
from studio.panels.transport import Transport
from studio.picture import sheet
from studio.session import Session
from studio.widgets import column, row
from studio.workers.frames import Frame

# What is asked for again and again; an answer that comes while the past is looked at would pass for it.
LOOKED_AT = (
    *("samples", "real", "held_out", "weights", "histogram", "marginals", "toy", "preview"),
    *("reconstruction", "captions", "classes", "seqgan", "mle", "rewards", "fixed"),
)
REMEDIES = {"back": "Go back to the last good state", "retry": "Go on"}


class TrainingPage(SeededPage):
    """A page that trains one system. A subclass gives SYSTEM and TITLE, and overrides the methods under "what a system fills in".

    The session is seen through `OwnRun`: runs of other systems do not exist here.

    Attributes:
        new: the form; live: the open run.
        faces: the training is the first; `faces.add` adds another, which sees the session as it likes.
        curves, phases, judging, knobs, journal, transport, exporting, browsing, looking: its parts.
        buttons, turning, following, opening, spoken: the header, the knobs, what the session says, the page in words.
        writes: what the samples of the open run are, "pictures" or "text".
        tabs, plots: the curves of the training and those of the evaluations.
        time: the time machine; moment: the step that read-outs are of, endless for the present.
    """

    def __init__(self, session: Session, algorithm: Any) -> None:
        super().__init__()
        self.session = OwnRun(session, self.SYSTEM, self)
        self.moment = math.inf
        self._form_waits = False  # for the page to be seen
        self._algorithm, self.writes = algorithm, writes_of(algorithm)
        self._takes_any = getattr(algorithm, "TAKES", "") == "any"
        self.new = NewRunPanel(algorithm)
        self.curves = CurvesPanel(algorithm.PLOTS, fitted=len(next(iter(algorithm.PRESETS.values())).phases) > 1)
        self.judging = Judging(self.session, self.curves, self.alarm, self, self.writes, getattr(algorithm, "QUALITY", None))
        self.phases = PhaseStrip()
        self.live = self._live()
        self.stage.addWidget(self.new)
        self.browsing = Browsing(self, "any" if self._takes_any else self.writes)
        self.looking = Looking(self.session, self, self.look_often, self.look_seldom)
        self.exporting = Exporting(self.session, self, self.drawn, algorithm.views, self.writes)
        self.knobs_class, self.knob_list = algorithm.Knobs, describe(algorithm.Knobs)
        self.knobs = KnobsPanel(self.knob_list)
        self.journal = JournalPanel()
        self.transport = Transport()
        self.restoring = Restoring(self)
        self._foot_of_side()
        self.add_side(self.new.settings)
        self.faces = Faces(self)
        self.faces.add("Train", self.live, self.knobs, self.transport)
        self.opening = Opening(self)
        self.faces.chosen.connect(self._on_face)
        self.export_button = self.exporting.button
        self.buttons = RunButtons(self, takes_any=self._takes_any)
        self.spoken, self.turning = Spoken(self), Turning(self)
        self.following = Following(self, counted=not self._takes_any)
        self._connect()
        self.time = TimeMachine(self)
        self._show_new()

    # --- what a system fills in -------------------------------------------------------------------------------

    def make_pictures(self) -> QWidget:
        """The upper part of the live run; called once."""
        raise NotImplementedError

    def view_controls(self) -> Sequence[QWidget | QLayout]:
        """What decides over the pictures, for the side; called once, after `make_pictures`."""
        return ()

    def drawn(self) -> dict[str, Any]:
        """What an export draws, which is what is on the stage: seed, count, and ema of pictures or the options of sentences."""
        raise NotImplementedError

    def to_keep(self) -> dict[str, Any]:
        """What Keep takes, as `drawn` says it, with `rows` where some are selected."""
        return self.drawn()

    def look_often(self) -> None:
        """Ask for the view that changes with every step; `looking.answered` is called when it comes."""
        raise NotImplementedError

    def look_seldom(self) -> None:
        """Ask for the other views."""

    def show_reply(self, reply: Reply) -> None:
        """The answer to one of them."""
        raise NotImplementedError

    def show_frame(self, frame: Frame) -> None:
        """What the reel has of an earlier step, in the place of the samples."""
        raise NotImplementedError

    def leave_frame(self) -> None:
        """The samples of the present come back in its place."""

    def show_run(self, run: Opened) -> None:
        """Another run is open, or the same one was set back."""

    def show_phase(self, name: str) -> None:
        """A phase is looked at: the present one, or one that the person has chosen. Its curves are shown already."""

    def plots_of(self, found: list[str]) -> list[str]:
        """Of what has numbers in the phase that is looked at, that which is shown; empty: the plots stay as they are."""
        return found if self.phases.isVisibleTo(self.live) else []

    def show_numbers(self) -> None:
        """There are new rows; called while the page can be seen."""

    def set_stale(self) -> None:
        """The pictures no longer belong to a good State."""

    def show_trouble(self, trouble: Trouble) -> bool:
        """A view could not be given: whether the page has told why itself; else the card does."""
        del trouble
        return False

    # --- how it is made ---------------------------------------------------------------------------------------

    def _live(self) -> QWidget:
        live = QWidget()
        body = column(live, spacing=12)
        body.addWidget(self.phases)
        body.addWidget(self.make_pictures(), 15)
        body.addWidget(self._lower(), 8)
        return live

    def _lower(self) -> QWidget:
        """The curves of the training, or those of the evaluations."""
        self.tabs, self.plots = QTabBar(), QStackedWidget()
        for word, panel in (("Training", self.curves), ("Quality", self.judging.panel)):
            self.tabs.addTab(word)
            self.plots.addWidget(panel)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)  # they would hide the second tab at a large scale
        self.tabs.currentChanged.connect(self.plots.setCurrentIndex)
        lower = QWidget()
        body = column(lower, spacing=8)
        line = row(self.tabs, self.judging.bar, spacing=12)
        line.setStretch(1, 1)
        body.addLayout(line)
        body.addWidget(self.plots, 1)
        return lower

    def _foot_of_side(self) -> None:
        """What decides over the view stays above the journal, whatever the height of the window."""
        foot, line = QWidget(), QFrame()
        line.setProperty("kind", "line")
        body = column(foot, spacing=8)
        for control in self.view_controls():
            body.addWidget(control) if isinstance(control, QWidget) else body.addLayout(control)
        body.addWidget(self.curves.smoothing_control())
        body.addWidget(line)
        body.addWidget(self.journal)
        self.journal.setMaximumHeight(theme.theme().px(160))
        self.knobs.set_footer(foot)

    def _set_writes(self, writes: Literal["pictures", "text"]) -> None:
        """The open run writes something else than the one before, which some systems can."""
        if writes != self.writes:
            self.writes = writes
            self.exporting.offer(writes)
            self.judging.set_kind("data" if writes == "text" else writes)
            self.buttons.show_kind(writes)

    def _connect(self) -> None:
        session, transport = self.session, self.transport
        self.new.started.connect(self._start)
        self.new.queued.connect(self._queue)
        self.new.cancelled.connect(self._show_live)
        self.new.browse.connect(self.browsing.show_data)
        self.journal.note.connect(lambda text: session.send(Note(text)))
        self.card.remedy.connect(self._on_remedy)
        self.phases.skip.connect(lambda: session.send(NextPhase()))
        self.phases.enter_wanted.connect(lambda name: session.send(GoToPhase(name)))
        self.phases.longer_wanted.connect(lambda steps: session.send(Lengthen(steps)))
        transport.run.connect(session.go)
        transport.pause.connect(session.pause)
        transport.step.connect(session.step_once)
        transport.save.connect(self.save)
        transport.stop.connect(session.stop)
        session.conditioned.connect(self._on_condition)
        session.opened.connect(self._on_opened)
        session.replied.connect(self._on_reply)
        session.trouble.connect(self._on_trouble)

    # --- what a person does -----------------------------------------------------------------------------------

    def _start(self, wish: NewRun) -> None:
        self.card.close_card()
        if self.session.run is not None:
            self.tell(f"{self.session.run.name} was saved at step {self.session.step:,} and closed.")
        self.session.open(wish, start=True)

    def _queue(self, wish: NewRun) -> None:
        waiting = self.session.make_later(wish)
        self.tell(f"{waiting:,} in the queue: it is on the page Runs, and is started there.", stay=True)

    def _on_face(self, place: int) -> None:
        face = self.faces.all[place]
        if place:
            self.faces.put(face.widget, face.side, foot=True)
        elif self.session.run is not None:
            self._show_live()
        else:
            self.opening.show() if self.session.condition == "opening" else self._show_new()

    def _show_new(self) -> None:
        self.faces.choose(0)
        self.new.set_can_cancel(self.session.run is not None)
        self.faces.put(self.new, self.new.settings, foot=self.session.run is not None or self.session.condition == "opening")
        self._refresh_form()

    def _refresh_form(self) -> None:
        """Look at the form's data, but not for a page that nobody sees."""
        self._form_waits = not self.isVisible()
        if not self._form_waits:
            self.new.refresh()

    def _show_live(self) -> None:
        if self.faces.place() == 0:
            self.faces.put(self.live, self.knobs, foot=True)
            focused = self.focusWidget()
            if focused is not None and self.phases.isAncestorOf(focused):  # where Qt puts it as the form goes: a space would leave the phase
                self.transport.run_button.setFocus()

    def takes(self, kind: str) -> bool:
        """Whether a run can be made from data of a kind: "pictures", "text" or "toy"."""
        return self._takes_any or kind == writes_of(self._algorithm)

    def new_run(self) -> None:
        """The form for a new run."""
        self._show_new()

    def open_run(self, path: Path, source: OldRun | None = None) -> None:
        """Open a run of this system from disk, paused; as it was, if `source` says so."""
        self.card.close_card()
        self.session.open(source or OldRun(path))

    def show_data(self) -> None:
        """The data that the open run trains on, and its card."""
        if self.session.run is not None:
            self.faces.choose(0)
            self.browsing.show_run(self.session.run, self.writes)

    def stop(self) -> None:
        """The window is closing."""
        self.time.stop()
        self.new.stop()
        self.browsing.stop()

    def toggle(self) -> bool:
        """Run or pause the open run, which is the session's business; nothing happens to a run of another system."""
        return self.session.run is None

    def step_once(self) -> bool:
        """One step of the open run, likewise."""
        return self.session.run is None

    def retrace(self, text: str, how: str, move: Callable[[], None]) -> None:
        """As every page does, but for the knobs of a run that is only looked at."""
        if self.session.run is not None and self.session.run.reading and self.history is self.own_history:
            self.tell("This step is only looked at: its knobs cannot be turned, so nothing is taken back.")
        else:
            super().retrace(text, how, move)

    def sample_seed(self) -> QSpinBox | None:
        """The field of the seed of the samples that are shown."""
        return getattr(self, "seed", None)

    def settable(self) -> list[Settable]:
        """The knobs of the open run, or the settings of the form."""
        return self.spoken.settable()

    def as_command(self) -> str:
        """The open run, or the one that the form describes."""
        return self.spoken.as_command()

    def as_python(self) -> str:
        """The same as one script."""
        return self.spoken.as_python()

    def export_buttons(self) -> list[QPushButton]:
        """One."""
        return [self.export_button]

    def choose_export(self) -> None:
        """Open the menu of exporters."""
        self.exporting.choose()

    def keep(self) -> None:
        """Keep the selected sample, or all that are shown, in the gallery."""
        if self.time.past:
            self.tell("These are frames of the reel: open the run as it was then (the menu beside What if), and keep them there.")
        elif self.buttons.keep.isEnabled():
            self.tell("Keeping …", stay=True)
            self.session.export(Export("keep", gallery_path(), **self.to_keep()))

    def why_no_keep(self) -> str:
        """Without a run there is nothing to keep."""
        return "" if self.session.run is not None else "There are no samples yet: open a run or start one, and keep what it draws."

    def save(self) -> None:
        """Keep the present step for good."""
        if self.session.run is not None:
            self.session.send(Save(pin=True))
            self.tell("Saved; this checkpoint is kept.")

    def _on_remedy(self, text: str) -> None:
        self.card.close_card()
        if text == REMEDIES["back"]:
            self.session.go_back()
        else:
            self.session.go()

    def look_when_paused(self) -> None:
        """Some knobs say how a picture is judged: what stands still is looked at anew."""
        if self.session.condition in ("paused", "finished"):
            self.looking.again()

    # --- what the session says --------------------------------------------------------------------------------

    def _on_condition(self, condition: Any, reason: str) -> None:
        if condition == "opening":  # the data are read once, for the run
            self.new.rest()
            self.transport.setVisible(self.faces.all[self.faces.place()].foot is self.transport)
            self.opening.begin(reason)
        if condition == "empty":
            self.transport.show_state("stopped" if self.curves.history.end else "empty", reason)
            self.subtitle.setText("")
            self.alarm.hide()
            self.looking.follow(False)
            if self.faces.place() == 0:
                self._show_new()
        else:
            reading = self.session.run is not None and self.session.run.reading and condition in ("paused", "finished")
            self.transport.show_state(*(("reading", "") if reading else (condition, reason)))
            self.looking.follow(condition == "running")
            if condition in ("paused", "finished"):
                self.looking.again()
        self.buttons.allow(condition in ("running", "paused", "finished"))
        self.phases.allow(condition in ("running", "paused"), finished=condition == "finished")

    def _on_opened(self, run: Opened) -> None:
        self._set_writes(writes_of(self._algorithm, run.config))
        self.turning.show_run(run)
        self.following.show_run(run)
        self.show_run(run)
        self.following.show_now(run)
        self._show_live()
        self.show_numbers()
        self.following.show_rest(run, run.step)
        self.looking.again()

    def _on_reply(self, reply: Reply) -> None:
        """Nothing of the present takes the place of the past; all of it is asked for again afterwards."""
        if self.time.past and reply.panel in LOOKED_AT:
            self.looking.answered(reply.seconds)
        else:
            self.show_reply(reply)

    def _on_trouble(self, trouble: Trouble) -> None:
        if trouble.panel and self.show_trouble(trouble):
            self.looking.lost()
            return
        self.card.show_error(trouble.sentence, REMEDIES.get(trouble.remedy, ""), trouble.details)
        self.set_stale()
        self.looking.lost()

    def showEvent(self, event: Any) -> None:
        """Look at once when the page appears."""
        super().showEvent(event)
        if self._form_waits and self.stage.currentWidget() is self.new:
            self._refresh_form()
        self.looking.again()

    # --- helpers ----------------------------------------------------------------------------------------------

    def keep_preview(self, pictures: np.ndarray) -> None:
        """A strip of pictures beside the run, for the list on the home page; kept while the run stands still."""
        run = self.session.run
        if run is not None and run.path.is_dir() and self.session.condition in ("paused", "finished"):
            image: QImage = sheet(pictures[:8], 8, gap=2)
            image.save(str(run.path / "preview.png"))
