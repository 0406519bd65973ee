"""What the pages of all trained systems share: the form, the live run, its phases, curves, knobs, journal, evaluations and exports."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QLayout, QMenu, QPushButton, QSpinBox, QStackedWidget, QTabBar, QWidget

from models.contract import GoToPhase, Lengthen, NextPhase, Note, Save
from models.knobs import describe
from studio import copying, theme
from studio.export import writes_of
from studio.finding import Settable
from studio.gallery.store import gallery_path
from studio.messages import Export, NewRun, OldRun, Opened, Progress, Reply, Trouble
from studio.pace import Pace, duration
from studio.pages.browsing import Browsing
from studio.pages.exporting import Exporting
from studio.pages.faces import Faces
from studio.pages.judging import Judging
from studio.pages.looking import Looking
from studio.pages.ownrun import OwnRun
from studio.pages.restoring import Restoring
from studio.pages.seeded import SeededPage
from studio.pages.settable import of_rows, of_spin, to_step
from studio.pages.timemachine import TimeMachine
from studio.panels.curves import CurvesPanel
from studio.panels.journal import JournalPanel
from studio.panels.knob import written
from studio.panels.knobs import KnobsPanel
from studio.panels.newrun import NewRunPanel
from studio.panels.phases import PhaseStrip
from studio.panels.transport import Transport
from studio.picture import sheet
from studio.session import Session
from studio.widgets import button, column, row
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
        writes: what the samples of the open run are, "pictures" or "text".
        tabs, plots: the curves of the training and those of the evaluations.
        time: the time machine; moment: the step that read-outs are of, endless for the present.
    """

    def __init__(self, session: Session, algorithm: Any) -> None:
        super().__init__()
        self.session = OwnRun(session, self.SYSTEM, self)
        self._reading: Pace | None = None
        self.moment = math.inf
        self._form_waits = False  # for the page to be seen
        self._remembered: tuple[str, dict[str, Any]] | None = None  # the run and the knobs that the history leads up to
        self._plots_known: set[str] = set()  # what has numbers of the phase that is looked at
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
        self.faces.chosen.connect(self._on_face)
        self._buttons()
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

    def _buttons(self) -> None:
        self.data_button = button("Data", "image", clicked=self.show_data)
        self._dress_data_button()
        self.new_button = button("New run", "new", tip="New run (Ctrl+N)", clicked=self._show_new)
        self.open_button = button("Open…", "open", tip="Open a run (Ctrl+O), or the run that made an exported file")
        menu = QMenu(self.open_button)
        menu.addAction("Run…").triggered.connect(lambda *_: self.choose_run())
        menu.addAction("Exported file…").triggered.connect(lambda *_: self.choose_exported())
        self.open_button.setMenu(menu)
        self.export_button = self.exporting.button
        self.keep_button = button("Keep", "keep", tip="Keep the selected sample, or all that are shown, in the gallery (K)", clicked=self.keep)
        self.keep_button.setEnabled(False)
        self.data_button.setEnabled(False)
        for b in (self.data_button, self.new_button, self.open_button, self.keep_button, self.export_button):
            self.tools.addWidget(b)

    def _dress_data_button(self) -> None:
        what, icon = ("sentences", "search") if self.writes == "text" else ("pictures", "image")
        self.data_button.setToolTip(f"The {'data' if self._takes_any else what} that this run trains on")
        theme.set_icon(self.data_button, icon)

    def _set_writes(self, writes: Literal["pictures", "text"]) -> None:
        """The open run writes something else than the one before, which some systems can."""
        if writes != self.writes:
            self.writes = writes
            self.exporting.offer(writes)
            self.judging.set_kind("data" if writes == "text" else writes)
            self._dress_data_button()

    def _connect(self) -> None:
        session, transport = self.session, self.transport
        self.new.started.connect(self._start)
        self.new.queued.connect(self._queue)
        self.new.cancelled.connect(self._show_live)
        self.new.browse.connect(self.browsing.show_data)
        self.knobs.changed.connect(self._on_knob)
        self.journal.note.connect(lambda text: session.send(Note(text)))
        self.card.remedy.connect(self._on_remedy)
        self.phases.skip.connect(lambda: session.send(NextPhase()))
        self.phases.enter_wanted.connect(lambda name: session.send(GoToPhase(name)))
        self.phases.longer_wanted.connect(lambda steps: session.send(Lengthen(steps)))
        self.phases.chosen.connect(self._on_phase)
        transport.run.connect(session.go)
        transport.pause.connect(session.pause)
        transport.step.connect(session.step_once)
        transport.save.connect(self.save)
        transport.stop.connect(session.stop)
        session.conditioned.connect(self._on_condition)
        session.opening.connect(self._on_opening)
        session.opened.connect(self._on_opened)
        session.turned.connect(self._on_turned)
        session.progressed.connect(self._on_progress)
        session.line.connect(self._on_line)
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
        else:
            self._show_live() if self.session.run is not None else self._show_new()

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

    def put_knob(self, name: str, value: Any) -> None:
        """Turn a knob as an undo does: the panel follows, and nothing is remembered."""
        self.session.set_knob(name, value, remember=False)
        self._remember()
        self.knobs.set_values(self.session.knobs)
        self._look_when_paused()

    def _remember(self) -> None:
        if self.session.run is not None:
            self._remembered = (self.session.run.id, dict(self.session.knobs))

    def _on_turned(self, name: str, before: Any, value: Any) -> None:
        self._remember()
        values = (written(before), written(value))
        symbol = self.knobs.rows[name].knob.symbol
        self.own_history.done(symbol, lambda: self.put_knob(name, before), lambda: self.put_knob(name, value), name, values)

    def settable(self) -> list[Settable]:
        """The knobs of the open run, its samples' seed and the step to train to; or the settings of the form."""
        seed = self.sample_seed()
        found = [of_spin(("seed", "sample seed"), seed, "seed of the samples")] if seed is not None else []
        if self.stage.currentWidget() is self.new:
            return [of_spin(("seed",), self.new.seed, "seed of the run"), *of_rows(self.new.settings.rows)]
        if self.session.run is None or self.session.run.reading:
            return found
        return [*of_rows(self.knobs.rows), to_step(self.session), *found]

    def sample_seed(self) -> QSpinBox | None:
        """The field of the seed of the samples that are shown."""
        return getattr(self, "seed", None)

    def as_command(self) -> str:
        """The training of the open run anew and its samples; or the run that the form describes."""
        run = self.session.run
        if run is None or self.stage.currentWidget() is self.new:
            return copying.train_command(copying.training_wished(self.new.request(), f"{self.SYSTEM}-new"))
        step = copying.checkpoint_of(run.path, self.session.step)
        samples = copying.sample_command(run.path.resolve(), step, self.drawn(), self._samples()[1])
        return f"{copying.train_command(copying.training_of(run.path, self.session.step))}\n{samples}\n"

    def as_python(self) -> str:
        """The same as one script."""
        run = self.session.run
        if run is None or self.stage.currentWidget() is self.new:
            return copying.train_python(copying.training_wished(self.new.request(), f"{self.SYSTEM}-new"))
        step = copying.checkpoint_of(run.path, self.session.step)
        samples = copying.sample_python(run.path.resolve(), step, self.drawn(), *self._samples())
        return f"{copying.train_python(copying.training_of(run.path, self.session.step))}\n\n{samples}"

    def _samples(self) -> tuple[str, str]:
        """Exporter and file of what is on the stage."""
        return ("txt", "samples.txt") if self.writes == "text" else ("sheet", "samples.png")

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
        elif self.keep_button.isEnabled():
            self.tell("Keeping …", stay=True)
            self.session.export(Export("keep", gallery_path(), **self.to_keep()))

    def save(self) -> None:
        """Keep the present step for good."""
        if self.session.run is not None:
            self.session.send(Save(pin=True))
            self.tell("Saved; this checkpoint is kept.")

    def _on_phase(self, name: str) -> None:
        self._choose_plots()
        self.show_phase(name)

    def _choose_plots(self) -> None:
        """Of several phases' plots, those that have numbers in the phase that is looked at; as they are while it has none."""
        found = self._numbered()
        self._plots_known = set(found)
        if found and self.phases.isVisibleTo(self.live):
            self.curves.show_plots(found)

    def _numbered(self) -> list[str]:
        """What has numbers of the phase that is looked at."""
        first, last = self.phases.span(self.phases.looked_at())
        return [field for field, s in self.curves.history.series.items() if np.diff(np.searchsorted(s.x.view, (first, last + 1)))[0]]

    def _on_remedy(self, text: str) -> None:
        self.card.close_card()
        if text == REMEDIES["back"]:
            self.session.go_back()
        else:
            self.session.go()

    def _on_knob(self, name: str, value: Any) -> None:
        self.session.set_knob(name, value)
        self._look_when_paused()

    def _look_when_paused(self) -> None:
        """Some knobs say how a picture is judged: what stands still is looked at anew."""
        if self.session.condition in ("paused", "finished"):
            self.looking.again()

    # --- what the session says --------------------------------------------------------------------------------

    def _on_condition(self, condition: Any, reason: str) -> None:
        if condition == "opening":  # the data are read once, for the run
            self.new.rest()
            self.transport.setVisible(self.faces.all[self.faces.place()].foot is self.transport)
        if condition == "empty":
            self.transport.show_state("stopped" if self.curves.history.end else "empty", reason)
            self.subtitle.setText("")
            self.alarm.hide()
            self.looking.follow(False)
            if self.faces.place() == 0:
                self._show_new()
        else:
            reading = self.session.run is not None and self.session.run.reading and condition in ("paused", "finished")
            self.transport.show_state("reading" if reading else condition, reason)
            self.looking.follow(condition == "running")
            if condition in ("paused", "finished"):
                self.looking.again()
        for b in (self.export_button, self.keep_button, self.data_button):
            b.setEnabled(condition in ("running", "paused", "finished"))
        self.phases.allow(condition in ("running", "paused"), finished=condition == "finished")

    def _on_opening(self, done: int, total: int) -> None:
        if done <= 1 or self._reading is None:
            self._reading = Pace()
            self._reading.start()
        self._reading.mark(done)
        left = self._reading.left(total)
        counted = self.writes == "pictures" and not self._takes_any  # text is counted in bytes
        read = f"{done:,} of {total:,} pictures" if counted else f"{done / total:.0%} read" if total else "reading"
        self.transport.show_state("opening", read + (f", {duration(left)} left" if left else ""))

    def _on_opened(self, run: Opened) -> None:
        self._set_writes(writes_of(self._algorithm, run.config))
        same = self._remembered is not None and self._remembered[0] == run.id
        if not same or not (run.reading or self._remembered == (run.id, run.knobs)):  # another run, or the same one set back to other values
            self.own_history.clear()
            self._remembered = (run.id, dict(run.knobs))
        self.knobs.set_values(run.knobs)
        self.journal.clear()
        self.curves.clear()
        self.judging.show_run(run)
        self.curves.append(1, self._columns(run.rows))
        self.phases.show_run(run.phases)
        self.curves.mark_phase(0, run.phases[0][0])
        for line in run.lines:
            self._show_line(line)
        self.phases.show_step(run.step)
        self.judging.settle()
        self.show_run(run)
        self._show_now(run)
        self._show_live()
        self.show_numbers()
        self.transport.show_progress(run.step, self._total(run.step), 0, None, run.device)
        self.looking.again()

    def _show_now(self, run: Opened) -> None:
        parent = f" · fork of {run.parent['name']} at step {run.parent['step']:,}" if run.parent else ""
        self.subtitle.setText(f"{run.data} · {run.name}{parent} · {run.phase}")
        self._on_phase(self.phases.follow())

    def _on_progress(self, progress: Progress) -> None:
        run = self.session.run
        if run is None:
            return
        self.curves.append(progress.first + 1, self._columns(progress.rows))
        self.phases.show_step(progress.step)
        if set(self._numbered()) - self._plots_known:  # some are measured now and then
            self._choose_plots()
        self.transport.show_progress(progress.step, self._total(progress.step), progress.rate or 0, progress.left, run.device, progress.memory)
        if self.isVisible():
            self.show_numbers()

    def _on_line(self, line: dict[str, Any]) -> None:
        self._show_line(line)
        run = self.session.run
        if run is not None and line["what"] in ("phase", "longer"):
            self._show_now(run)
            self.transport.show_progress(line["step"], self._total(line["step"]), 0, None, run.device)
            self.looking.again()

    def _show_line(self, line: dict[str, Any]) -> None:
        when = time.strftime("%d %b %Y %H:%M", time.localtime(line["time"]))
        asked = " (the one before was left early)" if line.get("asked") else ""
        blind = line.get("blind")
        if blind and "scores" not in blind:  # one answer of many; they are told together at the end
            return
        self.journal.add([(line["step"], f"Phase {line['text']}{asked}" if line["what"] == "phase" else line["text"], when)])
        if line["what"] in ("knobs", "lr", "back"):
            self.curves.mark_knob(line["step"], line["text"])
        elif line["what"] == "phase":
            self.curves.mark_phase(line["step"], line["text"])
            self.phases.enter(line["text"], line["step"])
        elif line["what"] == "longer":
            self.phases.lengthen(line["steps"])
        self.judging.show_line(line)

    def _on_reply(self, reply: Reply) -> None:
        """Nothing of the present takes the place of the past; all of it is asked for again afterwards."""
        if self.time.past and reply.panel in LOOKED_AT:
            self.looking.answered(reply.seconds)
        else:
            self.show_reply(reply)

    def follow_phase(self, name: str) -> None:
        """The plots that have numbers in a phase."""
        if self.phases.look(name):
            self._choose_plots()

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

    def _total(self, step: int) -> int:
        """The preset's steps; 0 once a run goes on past them, for as long as one likes."""
        run = self.session.run
        return run.total if run is not None and step <= run.total else 0

    def _columns(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        assert self.session.run is not None
        return dict(zip(self.session.run.columns, rows.T, strict=True))
