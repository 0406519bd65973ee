"""BGAN: samples with their importance weights, the table of f-divergences, and divergences side by side; pictures, text and toys."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QLayout, QStackedWidget, QWidget

from models.algorithms import bgan
from models.contract import View
from models.data.sentences import BETWEEN_TOKENS
from studio import theme
from studio.messages import Opened, Reply, Trouble
from studio.pages.training import TrainingPage
from studio.panels.beside import Beside
from studio.panels.compare import ComparePanel
from studio.panels.divergencetable import DivergenceTable
from studio.panels.gradientvariance import VariancePanel
from studio.panels.marginals import MarginalsPanel
from studio.panels.readouts import Readouts
from studio.panels.samples import ImageGrid
from studio.panels.sentences import SentencesPanel
from studio.panels.toyview import ToyPanel
from studio.panels.weighthistogram import WeightHistogram
from studio.panels.weights import WeightsPanel
from studio.session import Session
from studio.widgets import Card, Segmented, column, label, number, row, spin
from studio.workers.frames import Frame, tokens_of

SAMPLES, SENTENCES, LATENTS, MARGINAL, PREVIEW = 64, 32, 16, 512, 8
TRAIN, TABLE, COMPARE = range(3)  # the faces
WEIGHTS, PLAIN = range(2)  # what is shown of a run that is no toy
MOST_WEIGHED = 100  # samples of a z
READ = (  # read-out: key, symbol, what it is
    ("V", "V", "The bound on the divergence that D climbs, smoothed as the curves are"),
    ("beta", "β", "E_Q[w], the mean weight of samples: 1 where D is the best one"),
    ("D_real", "D(real)", "σ(log w) of data: how sure D is of them; ½ is the boundary"),
    ("D_fake", "D(fake)", "σ(log w) of samples"),
)
SECOND, WIDE = ("log_beta", "baseline", "ESS"), 1_500  # curves of a toy that only a page of so many pixels has room for
SHORT = 60  # steps of the comparison that a picture of the page is taken of
DISCRETE = "Only discrete data are learnt by weights; these pixels are numbers, which have a gradient"
SMOOTH = "Only of pixels that are numbers: discrete ones are learnt by weights"


class BganPage(TrainingPage):
    """Everything about one BGAN run, whatever its data are.

    Attributes:
        weights, samples, sentences, toy: what the left of the stage can show.
        histogram, marginals: at its right.
        table, compare: the other faces; variance: below the table's numbers.
    """

    SYSTEM, TITLE = "bgan", "BGAN"

    def __init__(self, session: Session) -> None:
        self._detail_of, self._smooth = 0, False
        self._compared: Path | None = None  # the run that the comparison belongs to
        self._weighed: View | None = None
        super().__init__(session, bgan)
        self.table, self.compare, self.variance = DivergenceTable(), ComparePanel(), VariancePanel()
        line = QFrame()
        line.setProperty("kind", "line")
        self.table.side.add(line, self.variance)
        self.faces.add("Divergences", self.table, self.table.side, self.transport)
        self.faces.add("Compare", self.compare, self.compare.side, self.transport)
        self.faces.chosen.connect(lambda _: self.looking.again())
        for signal in (self.ema.toggled, self.seed.valueChanged, self.shown.chosen):
            signal.connect(self._on_other_samples)
        self.weights.chosen.connect(self._on_weighed)
        self.samples.clicked.connect(self._on_sample)
        self.samples.selected.connect(lambda index: self.detail.close_panel() if index < 0 else None)
        self.table.wanted.connect(self._train_with)
        self.compare.wanted.connect(lambda wish: self.session.ask("compare", "compare", **wish))
        self.compare.dropped.connect(lambda: self.session.drop("compare"))
        self.variance.wanted.connect(lambda wish: self.session.ask("variance", "variance", **wish))
        self.variance.dropped.connect(lambda: self.session.drop("variance"))
        self.session.conditioned.connect(lambda *_: self._allow())
        self.session.line.connect(lambda _: self._show_used())
        self.knobs.changed.connect(lambda *_: self._show_used())
        self.turning.moved.connect(self._show_used)
        self._allow()

    # --- how it is made ---------------------------------------------------------------------------------------

    def make_pictures(self) -> QWidget:
        """Samples under their weights, or alone, or a toy; beside them the histogram and the marginals."""
        self.weights, self.samples = WeightsPanel(), ImageGrid("Samples of G", 8)
        self.sentences, self.toy = SentencesPanel("Samples of G"), ToyPanel()
        self._words = Card(margin=12)
        self._words.body.addWidget(self.sentences)
        self.left = QStackedWidget()
        for widget in (self.weights, self.samples, self._words, self.toy):
            self.left.addWidget(widget)
        self.readouts = Readouts(READ, columns=len(READ))
        self.histogram, self.marginals = WeightHistogram(), MarginalsPanel()
        self.beside = Beside(self.histogram, self.marginals, grows=self.marginals)
        self.detail = self.beside.detail
        upper, line = QWidget(), row(self.left, self.beside, spacing=16)
        line.setStretch(0, 1)
        body = column(upper, spacing=12)
        for readouts in (self.readouts, self.toy.readouts):  # of which one is seen; all the width is theirs
            body.addWidget(readouts)
        body.addLayout(line, 1)
        return upper

    def view_controls(self) -> Sequence[QWidget | QLayout]:
        """What is shown of the samples, which G draws them, and which latents."""
        self.shown = Segmented(
            ["Weights", "Samples"], ["M samples of each z with what D says they weigh", "One sample of each z, from the averaged G if it is chosen"]
        )
        self.shown.setAccessibleName("What is shown of the samples")
        self.ema, self.seed = QCheckBox("Averaged G (EMA)"), spin(0, 2**31 - 1, 0, "Seed of the samples: their latents z and their draws")
        self.ema.setChecked(True)
        self.ema.setToolTip("Draw plain samples from the moving average of G's weights; weights are always of G itself, which learns by them")
        self._show_row = QWidget()
        self._show_row.setLayout(row(label("Show"), 1, self.shown))
        return [self._show_row, row(self.ema, 1, label("Seed"), self.seed)]

    def show_samples(self) -> None:
        """Plain ones, on the face of the training."""
        self.faces.choose(TRAIN)
        self.shown.select(PLAIN)
        self._on_other_samples()

    def select_sample(self, row: int) -> bool:
        """A picture, or a sentence where the run writes them."""
        if self._draws():
            return super().select_sample(row)
        self.sentences.select(row)
        return row < len(self.sentences.sentences())

    # --- what a person does -----------------------------------------------------------------------------------

    def _on_other_samples(self, *_: Any) -> None:
        self.beside.show_panels()
        self._show_left()
        self.looking.again()

    def _on_sample(self, index: int) -> None:
        if self.time.past:
            return
        self._detail_of = index
        self.session.ask("detail", "detail", seed=self.seed.value(), index=index, ema=self.ema.isChecked())

    def _on_weighed(self, index: int) -> None:
        """A sample and what it weighs; of words all is said where they stand."""
        view = self._weighed
        if view is None or "samples" not in view.pictures or not 0 <= index < len(view.pictures["samples"]):
            return
        M = int(view.numbers["M"][0])
        z, m = divmod(index, M)
        w = float(view.numbers["w"][index])
        caption = f"w̃ = {number(w)}, {number(w * M)} of an equal share"
        title = f"Sample {m + 1} of {M} of z {z + 1}"
        self.detail.show_detail(
            {"sample": view.pictures["samples"][index]}, {"sample": caption}, title, f"ESS of this z {number(float(view.numbers['ess'][z]))} of {M}"
        )
        self.beside.show_detail()

    def _train_with(self, name: str) -> None:
        self.session.set_knob("divergence", name)
        self.knobs.set_values(self.session.knobs)
        self._show_used()
        self.look_when_paused()

    # --- what the session says --------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """The reel's samples, without weights; what is beside them is of the present."""
        for panel in (self.histogram, self.marginals):
            panel.set_stale(True)
        if frame.pictures is not None:
            self.left.setCurrentWidget(self.samples)
            self.samples.show_images(frame.pictures)
            self.samples.set_heading("Samples of G", frame.words)
        else:
            self.left.setCurrentWidget(self._words)
            self.sentences.show_sentences(tokens_of(frame.sentences, self._joiner()), note=frame.words, joiner=self._joiner())

    def leave_frame(self) -> None:
        """What the switch asks for."""
        self._show_left()

    def _joiner(self) -> str:
        """Between two tokens of the open run."""
        return "" if self.session.run is not None and self.session.run.config.get("unit") == "chars" else " "

    def show_run(self, run: Opened) -> None:
        """Another run, of whatever kind, or the same one set back."""
        self._weighed = None
        self.beside.show_panels()
        self.toy.show_reason("Nothing has been drawn yet.")
        for panel in (self.weights, self.histogram, self.marginals, self.sentences):
            panel.show_reason("Nothing has been drawn yet.")
        if run.path != self._compared:  # a comparison does not depend on the run's step
            self._compared = run.path
            self.compare.reset("toy" if self._kind == "toy" else "pictures" if self._draws() else "text")
        self.variance.reset()
        smooth = self._kind == "continuous"
        if smooth != self._smooth:  # which are not learnt by weights
            self._smooth = smooth
            self.shown.select(PLAIN if smooth else WEIGHTS)
        for name in ("estimator", "M", "learn"):
            self.knobs.allow(name, not smooth, DISCRETE)
        self.knobs.allow("boundary", smooth, SMOOTH)
        self._show_row.setVisible(self._kind != "toy")
        self.ema.setVisible(self._kind != "toy")
        self.readouts.setVisible(self._kind != "toy")
        self.toy.readouts.setVisible(self._kind == "toy")
        self._show_left()
        self._show_used()
        self._allow()

    @property
    def _kind(self) -> str:
        """What the open run learns; `writes` follows only when it is known to be open."""
        run = self.session.run
        return str(run.config["kind"]) if run is not None else "binary"

    def _draws(self) -> bool:
        """Whether samples are pictures."""
        return self._kind in bgan.PICTURES

    def _show_left(self) -> None:
        """What the run's kind and the switch ask for."""
        plain = self.samples if self._draws() else self._words
        self.left.setCurrentWidget(self.toy if self._kind == "toy" else self.weights if self.shown.selected() == WEIGHTS else plain)

    def _show_used(self) -> None:
        self.table.show_used(str(self.session.knobs.get("divergence", "")), self._is_open())

    def _is_open(self) -> bool:
        return self.session.condition in ("running", "paused", "finished")

    def _allow(self) -> None:
        self.compare.allow(self._is_open())
        self.variance.allow(self._is_open() and self._kind != "continuous")
        self._show_used()

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        view = reply.view
        match reply.panel:
            case "weights":
                self.looking.answered(reply.seconds)
                self._weighed = view
                self.weights.show_view(view)
                self.histogram.show_view(view)
            case "samples":
                self.looking.answered(reply.seconds)
                self._show_samples(reply)
            case "toy":
                self.looking.answered(reply.seconds)
                self.toy.show_view(view)
            case "histogram":
                self.histogram.show_view(view)
            case "preview":
                self.keep_preview(view.pictures["samples"])
            case "marginals":
                self.marginals.show_view(view)
            case "compare":
                self.compare.show_view(view)
            case "variance":
                self.variance.show_numbers(view.numbers, reply.step)
            case "detail":
                self._show_detail(reply)
            case _:
                pass

    def show_trouble(self, trouble: Trouble) -> bool:
        """What was asked for on another face tells there why it is not there."""
        if trouble.panel == "compare":
            self.compare.show_reason(trouble.sentence)
        elif trouble.panel == "variance":
            self.variance.show_reason(trouble.sentence)
        else:
            return False
        return True

    def set_stale(self) -> None:
        """What is shown is of no good State."""
        for panel in (self.weights, self.samples, self.sentences, self.toy, self.histogram, self.marginals, self.variance):
            panel.set_stale(True)

    def show_numbers(self) -> None:
        """The numbers of training, large; smoothed as the curves are."""
        series = self.curves.history.series
        smooth = {key: series[key].at(self.moment) if key in series else None for key in ("V", "log_beta", "D_real", "D_fake")}
        log_beta = smooth.pop("log_beta")
        beta = None if log_beta is None else math.exp(min(700.0, log_beta))
        self.readouts.show_values({**smooth, "beta": beta})

    def plots_of(self, found: list[str]) -> list[str]:
        """Those that have numbers: the truth is known of toys alone."""
        wide = self.width() >= theme.theme().px(WIDE)
        return [field for field in found if wide or self._kind != "toy" or field not in SECOND]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More plots have room on a wide window."""
        super().resizeEvent(event)
        if self.session.run is not None:
            self.following.choose_plots()

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """Samples of the averaged G or of G itself, as they are drawn on the stage."""
        return {"seed": self.seed.value(), "count": SAMPLES if self._draws() else SENTENCES, "ema": self.ema.isChecked()}

    def to_keep(self) -> dict[str, Any]:
        """The selected sample, or all; what stands under weights are other draws of G, and plain samples are kept in their place."""
        chosen = -1 if self.shown.selected() == WEIGHTS else (self.samples if self._draws() else self.sentences).selection()
        return self.drawn() | ({"rows": (chosen,)} if chosen >= 0 else {})

    def look_often(self) -> None:
        """What the left of the stage shows; the other faces ask for what they show when it is wanted."""
        if self.faces.place() != TRAIN:
            self.looking.lost()
        elif self._kind == "toy":
            self.session.ask("toy", "toy")
        elif self.shown.selected() == WEIGHTS:
            self._ask_weights("weights")
        else:
            n = SAMPLES if self._draws() else SENTENCES
            self.session.ask("samples", "samples", n=n, seed=self.seed.value(), ema=self.ema.isChecked())

    def look_seldom(self) -> None:
        """Everything beside it."""
        if self.faces.place() != TRAIN:
            return
        self.session.ask("marginals", "marginals", n=MARGINAL, seed=self.seed.value())
        if self._kind == "toy" or self.shown.selected() != WEIGHTS:
            self._ask_weights("histogram")
        if self._draws() and self.session.condition in ("paused", "finished"):
            self.session.ask("preview", "samples", n=PREVIEW, seed=self.seed.value(), ema=True)
        if self.beside.shows_detail() and self.left.currentWidget() is self.samples:
            self._on_sample(self._detail_of)

    def _ask_weights(self, panel: str) -> None:
        """As many of each z as the run takes; of pixels that are numbers a z has one, and some stand beside each other."""
        M = min(MOST_WEIGHED, int(self.session.knobs.get("M", 1)))
        self.session.ask(panel, "weights", seed=self.seed.value(), z=LATENTS, M=M)

    def _show_samples(self, reply: Reply) -> None:
        whose = f"{'EMA' if self.ema.isChecked() else 'G itself'} · seed {self.seed.value()}"
        if "samples" in reply.view.pictures:
            self.samples.show_images(reply.view.pictures["samples"])
            self.samples.set_heading("Samples of G", whose)
        else:
            words = reply.view.words
            split = [said.split(BETWEEN_TOKENS) if said else [] for said in words["tokens"]]
            self.sentences.show_sentences(split, note=whose, step=reply.step, joiner=self._joiner())

    def _show_detail(self, reply: Reply) -> None:
        view = reply.view
        self.detail.show_detail(
            {"sample": view.pictures["sample"][0], "nearest": view.pictures["nearest"][0]},
            {
                "sample": f"G(z), seed {self.seed.value()} #{self._detail_of}",
                "nearest": f"nearest training picture: {view.words['nearest'][0]}, {view.numbers['distance'][0]:.0f} of 255 away (rms)",
            },
            f"Sample {self._detail_of} at step {reply.step:,}",
        )
        self.beside.show_detail()

    def states(self) -> dict[str, tuple[Callable[[], None], Callable[[], bool]]]:
        """What a picture of the page can show of a run besides the usual: what leads there, and whether it is there."""

        def samples() -> None:
            self.shown.select(PLAIN)
            self._on_other_samples()

        def measure() -> None:
            self.faces.choose(TABLE)
            self.variance.measure_button.click()

        def compare() -> None:
            self.faces.choose(COMPARE)
            self.compare.side.steps.setValue(SHORT)
            self.compare.side.start_button.click()

        return {
            "samples": (samples, lambda: bool(self.samples.count() or self.sentences.sentences())),
            "divergences": (measure, lambda: self.variance.has_told()),
            "compare": (compare, self.compare.is_complete),
        }
