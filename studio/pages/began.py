"""BEGAN: samples, reconstructions and the equilibrium, live."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QFrame, QStackedWidget, QTabBar, QWidget

from models.algorithms import began
from models.contract import Note, Save
from models.files import home
from models.knobs import describe
from studio import theme
from studio.messages import NewRun, OldRun, Opened, Progress, Reply, Trouble
from studio.pace import Pace, duration
from studio.pages.browsing import Browsing
from studio.pages.exporting import Exporting
from studio.pages.judging import Judging
from studio.pages.looking import Looking
from studio.pages.page import Page
from studio.panels.curves import CurvesPanel
from studio.panels.detail import DetailPanel
from studio.panels.interpolation import InterpolationPanel
from studio.panels.journal import JournalPanel
from studio.panels.knobs import KnobsPanel
from studio.panels.newrun import NewRunPanel
from studio.panels.readouts import Readouts
from studio.panels.samples import ImageGrid
from studio.panels.transport import Transport
from studio.picture import sheet
from studio.session import Session
from studio.widgets import button, column, label, row, spin

SAMPLES, REAL, HELD_OUT = 64, 8, 256
BESIDE = 296  # pixels at the right of the samples
REMEDIES = {"back": "Go back to the last good state", "retry": "Go on"}


class BeganPage(Page):
    """Everything about one BEGAN run."""

    SYSTEM, TITLE = "began", "BEGAN"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._reading: Pace | None = None
        self._detail_of = 0
        self.new = NewRunPanel(began)
        self.curves = CurvesPanel(began.PLOTS)
        self.judging = Judging(session, self.curves, self.alarm, self)
        self.live = self._stage()
        self.stage.addWidget(self.new)
        self.stage.addWidget(self.live)
        self.browsing = Browsing(self)
        self.looking = Looking(session, self, self._look_at_samples, self._look_at_the_rest)
        self.exporting = Exporting(session, self, self._drawn, began.views)
        self.knobs = KnobsPanel(describe(began.Knobs))
        self.journal = JournalPanel()
        self.transport = Transport()
        self._side()
        self._sides = self.add_side(self.new.settings, self.knobs)
        self.add_foot(self.transport)
        self._buttons()
        self._connect()
        self._show_new()

    # --- how it is made ---------------------------------------------------------------------------------------

    def _stage(self) -> QWidget:
        self.samples = ImageGrid("Samples G(z), same seeds", columns=8)
        self.real = ImageGrid("Held-out x, and D(x) below", columns=4, rows=2)
        self.interpolation = InterpolationPanel()
        self.readouts = Readouts(
            [
                ("M_global", "M_global", "The paper's measure of convergence, smoothed as the curves are"),
                ("k_t", "k_t", "The controller's weight on the fake loss, from 0 to 1, as it is now"),
                ("gamma_hat", "γ̂", "L(G(z)) / L(x), smoothed: the controller steers it to γ"),
                ("held_out", "L(x) held out", f"Reconstruction error of {HELD_OUT} pictures that D has never seen"),
            ]
        )
        self.detail = DetailPanel(columns=2)
        self.detail.closed.connect(lambda: self.beside.setCurrentIndex(0))
        self.beside = QStackedWidget()  # the run, or one sample of it
        overview = QWidget()
        right = column(overview, spacing=12)
        for panel in (self.real, self.interpolation, self.readouts):
            right.addWidget(panel)
        right.addStretch(1)
        self.beside.addWidget(overview)
        self.beside.addWidget(self.detail)
        self.beside.setFixedWidth(theme.theme().px(BESIDE))
        live = QWidget()
        body = column(live, spacing=12)
        upper = row(self.samples, self.beside, spacing=16)
        upper.setStretch(0, 1)
        body.addLayout(upper, 15)
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

    def _side(self) -> None:
        """What decides over the view stays above the journal, whatever the height of the window."""
        self.ema, self.seed = QCheckBox("Averaged G (EMA)"), spin(0, 2**31 - 1, 0, "Seed of the samples: their latents z")
        self.ema.setChecked(True)
        self.ema.setToolTip("Draw from the moving average of G's weights, which is calmer than G itself")
        foot, line = QWidget(), QFrame()
        line.setProperty("kind", "line")
        body = column(foot, spacing=8)
        body.addLayout(row(self.ema, 1, label("Seed"), self.seed))
        body.addWidget(self.curves.smoothing_control())
        body.addWidget(line)
        body.addWidget(self.journal)
        self.journal.setMaximumHeight(theme.theme().px(160))
        self.knobs.set_footer(foot)

    def _buttons(self) -> None:
        self.data_button = button("Data", "image", tip="The pictures that this run trains on", clicked=self.show_data)
        self.new_button = button("New run", "new", tip="New run (Ctrl+N)", clicked=self._show_new)
        self.open_button = button("Open…", "open", tip="Open a run (Ctrl+O)", clicked=self.choose_run)
        self.export_button = self.exporting.button
        self.data_button.setEnabled(False)
        for b in (self.data_button, self.new_button, self.open_button, self.export_button):
            self.tools.addWidget(b)

    def _connect(self) -> None:
        session, transport = self.session, self.transport
        self.new.started.connect(self._start)
        self.new.cancelled.connect(self._show_live)
        self.new.browse.connect(self.browsing.show_data)
        self.knobs.changed.connect(self._on_knob)
        self.journal.note.connect(lambda text: session.send(Note(text)))
        self.card.remedy.connect(self._on_remedy)
        transport.run.connect(session.go)
        transport.pause.connect(session.pause)
        transport.step.connect(session.step_once)
        transport.save.connect(self.save)
        transport.stop.connect(session.stop)
        self.samples.clicked.connect(self._on_sample)
        self.samples.selected.connect(lambda index: self.detail.close_panel() if index < 0 else None)
        self.ema.toggled.connect(self._on_other_samples)
        self.seed.valueChanged.connect(self._on_other_samples)
        self.interpolation.wanted.connect(self._on_interpolation)
        self.interpolation.dropped.connect(lambda: session.drop("interpolation"))
        session.conditioned.connect(self._on_condition)
        session.opening.connect(self._on_opening)
        session.opened.connect(self._on_opened)
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

    def _show_new(self) -> None:
        self.new.set_can_cancel(self.session.run is not None)
        self.stage.setCurrentWidget(self.new)
        self._sides.setCurrentWidget(self.new.settings)
        self.transport.setVisible(self.session.run is not None)
        self.new.refresh()

    def _show_live(self) -> None:
        self.stage.setCurrentWidget(self.live)
        self._sides.setCurrentWidget(self.knobs)
        self.transport.setVisible(True)

    def new_run(self) -> None:
        """The form for a new run."""
        self._show_new()

    def choose_run(self) -> None:
        """Ask for a run's folder, and open it."""
        self.ask_path("Open a run", home() / "runs", "", self.open_run)

    def open_run(self, path: Path) -> None:
        """Open a run from disk, paused."""
        self.card.close_card()
        self.session.open(OldRun(path))

    def show_data(self) -> None:
        """The pictures that the open run trains on, and their card."""
        if self.session.run is not None:
            self.browsing.show_run(self.session.run)

    def stop(self) -> None:
        """The window is closing."""
        self.new.stop()
        self.browsing.stop()

    def undo(self) -> None:
        """Take back the last turn of a knob."""
        if self.session.undo_knob():
            self.knobs.set_values(self.session.knobs)
            self._look_when_paused()

    def choose_export(self) -> None:
        """Open the menu of exporters."""
        self.exporting.choose()

    def save(self) -> None:
        """Keep the present step for good."""
        self.session.send(Save(pin=True))
        self.tell("Saved; this checkpoint is kept.")

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
        """Some knobs, such as η, say how a picture is judged: what stands still is looked at anew."""
        if self.session.condition in ("paused", "finished"):
            self.looking.again()

    def _on_other_samples(self, *_: Any) -> None:
        self.looking.again()
        if self.session.run is not None and self.interpolation.between.selected() == 1:
            self.interpolation.ask_again(search=True)

    def _on_sample(self, index: int) -> None:
        self._detail_of = index
        self.session.ask("detail", "detail", seed=self.seed.value(), index=index, ema=self.ema.isChecked())

    def _on_interpolation(self, view: str, arguments: dict[str, Any]) -> None:
        if view == "interpolation":
            arguments = {**arguments, "seed": self.seed.value(), "ema": self.ema.isChecked()}
        self.session.ask("interpolation", view, **arguments)

    # --- what the session says --------------------------------------------------------------------------------

    def _on_condition(self, condition: Any, reason: str) -> None:
        if condition == "opening":  # the data are read once, for the run
            self.new.rest()
            self.transport.setVisible(True)
        if condition == "empty":
            self.transport.show_state("stopped" if self.curves.history.end else "empty", reason)
            self.subtitle.setText("")
            self.alarm.hide()
            self.looking.follow(False)
            self._show_new()
        else:
            self.transport.show_state(condition, reason)
            self.looking.follow(condition == "running")
            if condition in ("paused", "finished"):
                self.looking.again()
        for b in (self.export_button, self.data_button):
            b.setEnabled(condition in ("running", "paused", "finished"))

    def _on_opening(self, done: int, total: int) -> None:
        self.transport.setVisible(True)
        if done <= 1 or self._reading is None:
            self._reading = Pace()
            self._reading.start()
        self._reading.mark(done)
        left = self._reading.left(total)
        self.transport.show_state("opening", f"{done:,} of {total:,} pictures" + (f", {duration(left)} left" if left else ""))

    def _on_opened(self, run: Opened) -> None:
        if run.system != self.SYSTEM:
            return
        self.subtitle.setText(f"{run.data} · {run.name} · {run.phase}")
        self.knobs.set_values(run.knobs)
        self.journal.clear()
        self.curves.clear()
        self.judging.show_run(run)
        self.curves.append(1, self._columns(run.rows))
        starts = np.cumsum([0, *(steps for _, steps in run.phases)])
        for (name, _), first in zip(run.phases, starts, strict=False):
            if len(run.phases) > 1:
                self.curves.mark_phase(int(first), name)
        for line in run.lines:
            self._on_line(line)
        self.judging.settle()
        self.beside.setCurrentIndex(0)
        self.interpolation.reset(run.held_out, int(run.config["size"]))
        self._show_live()
        self._show_numbers()
        self.transport.show_progress(run.step, self._total(run.step), 0, None, run.device)
        self.looking.again()

    def _on_progress(self, progress: Progress) -> None:
        run = self.session.run
        if run is None:
            return
        self.curves.append(progress.first + 1, self._columns(progress.rows))
        self.transport.show_progress(progress.step, self._total(progress.step), progress.rate or 0, progress.left, run.device, progress.memory)
        if self.isVisible():
            self._show_numbers()

    def _on_line(self, line: dict[str, Any]) -> None:
        when = time.strftime("%d %b %Y %H:%M", time.localtime(line["time"]))
        self.journal.add([(line["step"], line["text"], when)])
        if line["what"] in ("knobs", "lr", "back"):
            self.curves.mark_knob(line["step"], line["text"])
        self.judging.show_line(line)

    def _on_reply(self, reply: Reply) -> None:
        match reply.panel:
            case "samples":
                self.looking.answered(reply.seconds)
                pictures = reply.view.pictures["samples"]
                self.samples.show_images(pictures)
                self.samples.set_heading("Samples G(z), same seeds", f"{'EMA' if self.ema.isChecked() else 'G itself'} · seed {self.seed.value()}")
                if self.session.condition in ("paused", "finished"):
                    self._keep_preview(pictures)
            case "real":
                view = reply.view
                self.real.show_images(np.concatenate([view.pictures["real"][:4], view.pictures["D"][:4]]))
                self.real.set_heading("Held-out x, and D(x) below", f"L(x) {view.numbers['error'][:4].mean():.3f}")
            case "held_out":
                self.readouts.show_values({"held_out": float(reply.view.numbers["error"].mean())})
            case "interpolation":
                self.interpolation.show_view(reply.view, last=reply.last)
            case "detail":
                self._show_detail(reply)
            case _:
                pass

    def _on_trouble(self, trouble: Trouble) -> None:
        self.card.show_error(trouble.sentence, REMEDIES.get(trouble.remedy, ""), trouble.details)
        self.samples.set_stale(True)
        self.looking.lost()

    # --- looking ----------------------------------------------------------------------------------------------

    def _drawn(self) -> dict[str, Any]:
        """What an export draws: what is on the stage."""
        return {"seed": self.seed.value(), "count": SAMPLES, "ema": self.ema.isChecked()}

    def _look_at_samples(self) -> None:
        self.session.ask("samples", "samples", n=SAMPLES, seed=self.seed.value(), ema=self.ema.isChecked())

    def _look_at_the_rest(self) -> None:
        self.session.ask("real", "real", n=REAL)
        self.session.ask("held_out", "held_out", n=HELD_OUT)
        self.interpolation.ask_again()
        if self.beside.currentWidget() is self.detail:
            self._on_sample(self._detail_of)

    def showEvent(self, event: Any) -> None:
        """Look at once when the page appears."""
        super().showEvent(event)
        self.looking.again()

    def _show_numbers(self) -> None:
        smooth = {name: self.curves.history.series[name].at(float("inf")) for name in ("M_global", "loss_real", "loss_fake")}
        real, fake = smooth["loss_real"], smooth["loss_fake"]
        ratio = fake / real if real and fake is not None else None
        k_t = self.curves.history.series["k_t"].y.view
        self.readouts.show_values({"M_global": smooth["M_global"], "k_t": float(k_t[-1]) if len(k_t) else None, "gamma_hat": ratio})

    def _show_detail(self, reply: Reply) -> None:
        view = reply.view
        sample, D = view.pictures["sample"][0], view.pictures["D"][0]
        gap = np.abs(sample.astype(np.float32) - D).mean(2) / 127.5
        self.detail.show_detail(
            {"sample": sample, "D": D, "error": gap, "nearest": view.pictures["nearest"][0]},
            {
                "sample": f"G(z), seed {self.seed.value()} #{self._detail_of}",
                "D": f"D(G(z)), L = {view.numbers['error'][0]:.4f}",
                "error": f"|G(z) − D(G(z))|, up to {gap.max():.2f}",
                "nearest": f"nearest training picture: {view.words['nearest'][0]}, {view.numbers['distance'][0]:.0f} of 255 away (rms), "
                f"L = {view.numbers['error_nearest'][0]:.4f}",
            },
            f"Sample {self._detail_of} at step {reply.step:,}",
        )
        self.beside.setCurrentWidget(self.detail)

    def _keep_preview(self, pictures: np.ndarray) -> None:
        """A strip of samples beside the run, for the list on the home page."""
        run = self.session.run
        if run is not None and run.path.is_dir():
            image: QImage = sheet(pictures[:8], 8, gap=2)
            image.save(str(run.path / "preview.png"))

    def _total(self, step: int) -> int:
        """The preset's steps; 0 once a run goes on past them, for as long as one likes."""
        run = self.session.run
        return run.total if run is not None and step <= run.total else 0

    def _columns(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        assert self.session.run is not None
        return dict(zip(self.session.run.columns, rows.T, strict=True))
