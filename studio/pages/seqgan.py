"""SeqGAN: sentences as they get better, the reward under every token, quality against diversity, and a blind test; MLE always beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QTabBar, QWidget

from models.algorithms import seqgan
from models.algorithms.seqgan.shown import BETWEEN_TOKENS
from models.contract import View
from studio.messages import Opened, Reply
from studio.pages.blindface import PANEL as BLIND
from studio.pages.blindface import BlindFace
from studio.pages.training import TrainingPage
from studio.panels.drawing import DrawingBar
from studio.panels.readouts import Readouts
from studio.panels.rewards import RewardView
from studio.panels.sentences import SentencesPanel
from studio.panels.tradeoff import ORDERS, TradeoffPanel
from studio.session import Session
from studio.widgets import Card, Combo, button, column, label, row, spin

SENTENCES, ROLLOUTS, MEASURED = 32, 16, 1_000
TEMPERATURES = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2)
NETS = {"seqgan": "SeqGAN", "mle": "MLE"}
SAMPLES, REWARD, PLANE = range(3)  # the tabs
READ = {  # read-out -> its field in Info
    "NLL_oracle": ("NLL_oracle", "−log p of samples under the oracle, nats a token, now"),
    "mle_oracle": ("MLE", "The same of the MLE generator"),
    "floor": ("floor", "The oracle's own −log p: no generator that knows all of it gets lower"),
    "NLL_gen": ("NLL_gen", "−log p of held-out sentences under G, nats a token, now"),
    "mle_gen": ("MLE", "The same of the MLE generator"),
    "BLEU2": ("BLEU-2", "Of samples against held-out sentences, now"),
    "mle_BLEU2": ("MLE", "The same of the MLE generator"),
    "right_fresh": ("D, fresh", "Share of right answers of D on held-out sentences and fresh samples; 0.5 is guessing"),
}
OF_ORACLE = ("NLL_oracle", "mle_oracle", "floor", "NLL_gen", "mle_gen", "right_fresh")
OF_TEXT = ("NLL_gen", "mle_gen", "BLEU2", "mle_BLEU2", "right_fresh")


class SeqganPage(TrainingPage):
    """Everything about one SeqGAN run.

    Attributes:
        ours, theirs: sentences of G, and of the MLE generator from the same noise.
        rewards, plane, blind: the other views.
    """

    SYSTEM, TITLE = "seqgan", "SeqGAN"

    def __init__(self, session: Session) -> None:
        self._joiner, self._plane_view, self._rewarded = " ", None, 0
        super().__init__(session, seqgan)
        self.shown.currentChanged.connect(self._on_tab)
        self.drawing.changed.connect(self.looking.again)
        self.ours.clicked.connect(self._on_sentence)
        self.plane.n_changed.connect(lambda _: self._draw_plane())
        self.blind = BlindFace(self.session, self, {"real": "real", "mle": "MLE", "seqgan": "SeqGAN"}, lambda: self.drawing.temperature.value())
        self.faces.add("Blind test", self.blind.panel, self.blind.side, self.blind.foot)

    def make_pictures(self) -> QWidget:
        """Samples beside those of MLE; the reward under one of them; the plane."""
        self.ours, self.theirs = SentencesPanel("SeqGAN"), SentencesPanel("MLE, the same noise")
        self.rewards, self.plane = RewardView(), TradeoffPanel()
        self.readouts = [Readouts([(key, *READ[key]) for key in keys], columns=len(keys)) for keys in (OF_ORACLE, OF_TEXT)]
        self.drawing = DrawingBar()
        self.shown, self.pictures = QTabBar(), QStackedWidget()
        self.shown.setExpanding(False)
        for word, widget in (("Samples", self._samples()), ("Reward", self._reward()), ("Quality and diversity", self._plane())):
            self.shown.addTab(word)
            self.pictures.addWidget(widget)
        upper = QWidget()
        body = column(upper, spacing=8)
        head = row(self.shown, self.drawing, spacing=16)
        head.setStretch(1, 1)
        body.addLayout(head)
        body.addWidget(self.pictures, 1)
        return upper

    def _samples(self) -> QWidget:
        page = QWidget()
        body = column(page, spacing=8)
        both = row(spacing=16)
        for panel in (self.ours, self.theirs):
            card = Card(margin=12)
            card.body.addWidget(panel)
            both.addWidget(card, 1)
        for readouts in self.readouts:
            body.addWidget(readouts)
        body.addLayout(both, 1)
        return page

    def _reward(self) -> QWidget:
        self.which = spin(1, 1_000, 1, "Which sample of the seed")
        self.rollouts = spin(1, 64, ROLLOUTS, "Roll-outs from every prefix, for this view alone")
        self.net = Combo([f"sample of {name}" for name in NETS.values()])
        self.net.setAccessibleName("Whose sample is looked at")
        for control in (self.which.valueChanged, self.rollouts.valueChanged, self.net.activated):
            control.connect(lambda *_: self._ask_reward())
        page, card = QWidget(), Card(margin=12)
        head = row(self.net, self.which, label("of the seed"), 1, label("N roll-outs"), self.rollouts, spacing=8)
        body = column(page, spacing=8)
        body.addLayout(head)
        card.body.addWidget(self.rewards, 1)
        body.addWidget(card, 1)
        return page

    def _plane(self) -> QWidget:
        page = QWidget()
        self.measure_button = button(
            "Measure", "play", tip="Draw samples at several temperatures and compare them; training goes on", clicked=self._measure
        )
        self.temperatures = label(f"{MEASURED:,} samples a point, τ {', '.join(f'{t:g}' for t in TEMPERATURES)}", "muted")
        body = column(page, spacing=8)
        body.addLayout(row(self.measure_button, self.temperatures, 1))
        body.addWidget(self.plane, 1)
        return page

    # --- what a person does -----------------------------------------------------------------------------------

    def _on_tab(self, place: int) -> None:
        self.pictures.setCurrentIndex(place)
        self.looking.again()

    def _on_sentence(self, index: int) -> None:
        """A sample's reward."""
        if index >= 0:
            self.which.setValue(index + 1)
            self.net.setCurrentIndex(0)
            self.shown.setCurrentIndex(REWARD)

    def _ask_reward(self) -> None:
        net = list(NETS)[self.net.currentIndex()]
        wanted = {"seed": self.drawing.seed.value(), "index": self.which.value() - 1, "N": self.rollouts.value(), "net": net}
        self.session.ask("rewards", "rewards", **wanted)

    def _measure(self) -> None:
        self.plane.show_progress(0, 2 * len(TEMPERATURES))
        self.session.ask("plane", "tradeoff", n=MEASURED, seed=self.drawing.seed.value(), temperatures=TEMPERATURES)

    # --- what the session says --------------------------------------------------------------------------------

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        self._joiner = "" if run.config.get("unit") == "chars" else " "
        self._plane_view = None
        self.plane.show_reason("Not measured yet.")
        for panel in (self.ours, self.theirs):
            panel.show_reason("Nothing has been drawn yet.")
        self.rewards.show_reason("Nothing has been drawn yet.")
        self.measure_button.setEnabled(True)

    def show_numbers(self) -> None:
        """The last measurement."""
        series = self.curves.history.series
        last = {key: float(series[key].y.view[-1]) if key in series and len(series[key].y) else None for key in READ}
        of_oracle = last["floor"] is not None
        for readouts, shown in zip(self.readouts, (of_oracle, not of_oracle), strict=True):
            readouts.setVisible(shown)
            readouts.show_values(last)

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        view: View = reply.view
        match reply.panel:
            case "seqgan" | "mle":
                self._show_sentences(self.ours if reply.panel == "seqgan" else self.theirs, reply)
            case "rewards":
                self.looking.answered(reply.seconds)
                self._show_rewards(reply)
            case "plane":
                self._plane_view = view
                done, total = view.numbers["done"]
                self._draw_plane() if done >= total else self.plane.show_progress(int(done), int(total))
            case "blind" if reply.panel == BLIND:
                self.blind.show_reply(reply, self._joiner)
            case _:
                pass

    def set_stale(self) -> None:
        """The sentences are of no good State."""
        for panel in (self.ours, self.theirs, self.rewards):
            panel.set_stale(True)

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """Samples of G, as they are drawn on the stage."""
        return {"seed": self.drawing.seed.value(), "count": SENTENCES, "options": {**self.drawing.options(), "net": "seqgan"}}

    def look_often(self) -> None:
        """The samples, or the reward under one."""
        if self.shown.currentIndex() == REWARD:
            self._ask_reward()
        else:
            self.session.ask("seqgan", "samples", n=SENTENCES, seed=self.drawing.seed.value(), net="seqgan", **self.drawing.options())

    def look_seldom(self) -> None:
        """Those of MLE, which change only while it learns by likelihood."""
        if self.shown.currentIndex() == SAMPLES:
            self.session.ask("mle", "samples", n=SENTENCES, seed=self.drawing.seed.value(), net="mle", **self.drawing.options())

    def _show_sentences(self, panel: SentencesPanel, reply: Reply) -> None:
        if panel is self.ours:
            self.looking.answered(reply.seconds)
        words, numbers = reply.view.words, reply.view.numbers
        split = [said.split(BETWEEN_TOKENS) if said else [] for said in words["tokens"]]
        captions = [f"{p:.1f}".replace("-", "−") for p in numbers["log_p"]]
        panel.show_sentences(split, note="log p", step=reply.step, joiner=self._joiner, captions=captions)

    def _show_rewards(self, reply: Reply) -> None:
        numbers, words = reply.view.numbers, reply.view.words
        T = len(words["tokens"])
        if not T:
            self.rewards.show_reason("This sample is an empty sentence.")
            return
        said = [r.split(BETWEEN_TOKENS) if r else [] for r in words["rollouts"]]
        N = len(said) // max(1, T - 1)
        each = [said[t * N : (t + 1) * N] for t in range(T - 1)]
        verdicts = list(np.reshape(numbers["verdicts"], (T - 1, N))) if T > 1 else []
        self.rewards.show_rewards(
            words["tokens"],
            numbers["Q"],
            float(numbers["whole"][0]),
            each,
            verdicts,
            baseline=numbers["mean"],
            joiner=self._joiner,
            step=reply.step,
        )

    def _draw_plane(self) -> None:
        if self._plane_view is None:
            return
        numbers, n = self._plane_view.numbers, self.plane.n
        lines = {}
        for net, name in NETS.items():
            bleu, alike = (numbers[f"{key}_{net}"].reshape(-1, len(ORDERS))[:, n - ORDERS[0]] for key in ("BLEU", "self_BLEU"))
            lines[name] = (np.array(TEMPERATURES[: len(bleu)]), alike, bleu)
        real = numbers["real"]
        samples, against = (int(v) for v in numbers["counts"])
        place = n - ORDERS[0]
        counts = f"{samples:,} samples a point, {against:,} references"
        self.plane.show_points(lines, (float(real[len(ORDERS) + place]), float(real[place])), n=n, counts=counts)
