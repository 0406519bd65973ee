"""SeqGAN: sentences as they get better, the reward under every token, quality against diversity, and a blind test; MLE always beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QTabBar, QWidget

from models.algorithms import seqgan
from models.contract import View
from models.data.sentences import BETWEEN_TOKENS
from studio.messages import Opened, Reply, Trouble
from studio.pages.blindface import PANEL as BLIND
from studio.pages.blindface import BlindFace
from studio.pages.sentencepage import SentencePage
from studio.panels.drawing import DrawingBar
from studio.panels.readouts import Readouts
from studio.panels.rewards import RewardView
from studio.panels.sentences import SentencesPanel
from studio.panels.tradeoff import ORDERS, TradeoffPanel
from studio.session import Session
from studio.widgets import Card, Combo, ElidedLabel, button, column, label, row, spin
from studio.workers.frames import Frame

SENTENCES, ROLLOUTS, MEASURED = 32, 16, 1_000
TEMPERATURES = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2)
NETS = {"seqgan": "SeqGAN", "mle": "MLE"}
SAMPLES, REWARD, PLANE = range(3)  # the tabs
READ = {  # read-out -> its field in Info
    "NLL_oracle": ("NLL_oracle", "−log p of samples under the oracle, nats a token, now"),
    "mle_oracle": ("NLL_oracle of MLE", "The same of the MLE generator"),
    "floor": ("floor", "The oracle's own −log p: no generator that knows all of it gets lower"),
    "NLL_gen": ("NLL_gen", "−log p of held-out sentences under G, nats a token, now"),
    "mle_gen": ("NLL_gen of MLE", "The same of the MLE generator"),
    "BLEU2": ("BLEU-2", "Of samples against held-out sentences, now"),
    "mle_BLEU2": ("BLEU-2 of MLE", "The same of the MLE generator"),
    "right_fresh": ("D right", "Share of right answers of D on held-out sentences and fresh samples; 0.5 is guessing"),
}
OF_ORACLE = ("NLL_oracle", "mle_oracle", "floor", "NLL_gen", "mle_gen", "right_fresh")
OF_TEXT = ("NLL_gen", "mle_gen", "BLEU2", "mle_BLEU2", "right_fresh")


class SeqganPage(SentencePage):
    """Everything about one SeqGAN run.

    Attributes:
        ours, theirs: sentences of G, and of the MLE generator from the same noise.
        rewards, plane, blind: the other views.
    """

    SYSTEM, TITLE = "seqgan", "SeqGAN"

    def __init__(self, session: Session) -> None:
        self._plane_view, self._plane_step = None, 0
        self._tab_before: int | None = None  # that was shown in the present
        super().__init__(session, seqgan)
        self.shown.currentChanged.connect(self._on_tab)
        for panel in (self.ours, self.theirs):
            panel.clicked.connect(self._on_sentence)
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
        self.shown.setUsesScrollButtons(False)
        for word, widget in (("Samples", self._drawn_samples()), ("Reward", self._reward()), ("Diversity", self._plane())):
            self.shown.addTab(word)
            self.pictures.addWidget(widget)
        upper = QWidget()
        body = column(upper, spacing=8)
        head = row(self.shown, self.drawing, spacing=16)
        head.setStretch(1, 1)
        body.addLayout(head)
        body.addWidget(self.pictures, 1)
        return upper

    def _drawn_samples(self) -> QWidget:
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
        self.net = Combo(list(NETS.values()))
        self.net.setMinimumContentsLength(7)
        self.net.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.net.setAccessibleName("Whose sample is looked at")
        for control in (self.which.valueChanged, self.rollouts.valueChanged, self.net.activated):
            control.connect(lambda *_: self._ask_reward())
        page, card = QWidget(), Card(margin=12)
        head = row(label("Sample"), self.which, label("of"), self.net, 1, label("Roll-outs"), self.rollouts, spacing=8)
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
        self.temperatures = ElidedLabel(f"Up to {MEASURED:,} samples at each temperature τ = {', '.join(f'{t:g}' for t in TEMPERATURES)}", "muted")
        body = column(page, spacing=8)
        head = row(self.measure_button, self.temperatures, spacing=12)
        head.setStretch(1, 1)
        body.addLayout(head)
        body.addWidget(self.plane, 1)
        return page

    def show_samples(self) -> None:
        """In their tab."""
        self.shown.setCurrentIndex(SAMPLES)

    def select_sample(self, row: int) -> bool:
        """A sentence of SeqGAN; what it earned is one click away."""
        self.ours.select(row)
        return row < len(self.ours.sentences())

    # --- what a person does -----------------------------------------------------------------------------------

    def _on_tab(self, place: int) -> None:
        self.pictures.setCurrentIndex(place)
        self.looking.again()

    def _on_sentence(self, index: int) -> None:
        """A sample's reward."""
        if index >= 0 and not self.time.past:
            self.which.setValue(index + 1)
            self.net.setCurrentIndex(int(self.sender() is self.theirs))
            self.shown.setCurrentIndex(REWARD)

    def _ask_reward(self) -> None:
        net = list(NETS)[self.net.currentIndex()]
        self._ask("rewards", "rewards", net, index=self.which.value() - 1, N=self.rollouts.value())

    def _measure(self) -> None:
        self.plane.show_progress(0, 2 * len(TEMPERATURES))
        self.session.ask("plane", "tradeoff", n=MEASURED, seed=self.drawing.seed.value(), temperatures=TEMPERATURES)

    # --- what the session says --------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """The reel's sentences of G; those of MLE are of the present."""
        if self._tab_before is None:
            self._tab_before = self.shown.currentIndex()
            self.shown.setCurrentIndex(SAMPLES)
            self.theirs.set_stale(True)
        self.show_old(self.ours, frame)

    def leave_frame(self) -> None:
        """The tab that was shown before."""
        if self._tab_before is not None:
            before, self._tab_before = self._tab_before, None
            self.shown.setCurrentIndex(before)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        super().show_run(run)
        self._plane_view = None
        self.plane.show_progress(1, 1)
        self.plane.show_reason("Not measured yet: Measure draws samples of both generators at several temperatures, beside the training.")
        for panel in (self.ours, self.theirs):
            panel.show_reason("Nothing has been drawn yet.")
        self.rewards.show_reason("Nothing has been drawn yet.")
        self.measure_button.setEnabled(True)

    def show_numbers(self) -> None:
        """The last measurement."""
        self.show_last(READ, "floor")

    def _numbered(self) -> list[str]:
        """Of an oracle without BLEU: every sequence of its tokens may occur."""
        found = super()._numbered()
        return [name for name in found if "BLEU" not in name] if "NLL_oracle" in found else found

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        view: View = reply.view
        match reply.panel:
            case "seqgan" | "mle":
                if reply.panel == "seqgan":
                    self.answered(reply)
                self.show_sentences(self.ours if reply.panel == "seqgan" else self.theirs, reply)
            case "rewards":
                self.answered(reply)
                self._show_rewards(reply)
            case "plane":
                done, total = view.numbers["done"]
                self.plane.show_progress(int(done), int(total))
                if done >= total:
                    self._plane_view, self._plane_step = view, reply.step
                    self._draw_plane()
            case "blind" if reply.panel == BLIND:
                self.blind.show_reply(reply, self._joiner)
            case _:
                pass

    def states(self) -> dict[str, tuple[Callable[[], None], Callable[[], bool]]]:
        """What a picture of the page can show of a run besides the usual: what leads there, and whether it is there."""

        def choose(place: int, then: Callable[[], None] = lambda: None) -> Callable[[], None]:
            return lambda: (self.shown.setCurrentIndex(place), then())[0]

        def begin() -> None:
            self.faces.choose(1)
            self.blind.begin()

        return {
            "reward": (choose(REWARD), lambda: bool(self.rewards.words.tokens)),
            "plane": (choose(PLANE, self._measure), lambda: self._plane_view is not None),
            "blind": (begin, self.blind.panel.is_asking),
        }

    def set_stale(self) -> None:
        """The sentences are of no good State."""
        for panel in (self.ours, self.theirs, self.rewards):
            panel.set_stale(True)

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """Samples of G, as they are drawn on the stage."""
        return {"seed": self.drawing.seed.value(), "count": SENTENCES, "options": {**self.drawing.options(), "net": "seqgan"}}

    def to_keep(self) -> dict[str, Any]:
        """Under Reward the sentence that is looked at, else the selected one, or all."""
        drawn, place = self.drawn(), self.shown.currentIndex()
        if place == REWARD:
            net, chosen = list(NETS)[self.net.currentIndex()], self.which.value() - 1
        else:
            net, chosen = ("seqgan", self.ours.selection()) if self.theirs.selection() < 0 else ("mle", self.theirs.selection())
        options = {**drawn["options"], "net": net}
        more = {"count": max(SENTENCES, chosen + 1), "rows": (chosen,)} if chosen >= 0 else {}
        return drawn | {"options": options} | more

    def look_often(self) -> None:
        """The samples, or the reward under one."""
        place = self.shown.currentIndex()
        if place == REWARD:
            self._ask_reward()
        elif place == SAMPLES:
            self._ask("seqgan", "samples", "seqgan", n=SENTENCES)
        else:  # measured when it is wanted
            self.looking.lost()

    def look_seldom(self) -> None:
        """Those of MLE, which change only while it learns by likelihood."""
        if self.shown.currentIndex() == SAMPLES:
            self._ask("mle", "samples", "mle", n=SENTENCES)

    def _ask(self, panel: str, view: str, net: str, **more: Any) -> None:
        """Something of the samples as they are drawn on the stage."""
        options = self.drawing.options()
        self._sent = options["prompt"]
        self.session.ask(panel, view, seed=self.drawing.seed.value(), net=net, **options, **more)

    def show_trouble(self, trouble: Trouble) -> bool:
        """A prompt that cannot be is told once, and the page goes on without it; what was asked for once tells in its own place."""
        if trouble.panel == BLIND:
            self.blind.panel.show_reason(trouble.sentence)
        elif trouble.panel == "plane":
            self.plane.show_progress(1, 1)
            self.plane.show_reason(trouble.sentence)
        elif trouble.panel in ("seqgan", "mle", "rewards") and self.refused(trouble):
            pass
        else:
            return trouble.sentence == self._told  # of the other generator
        return True

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
        counts = f"Step {self._plane_step:,} · {samples:,} samples a point, {against:,} references"
        self.plane.show_points(lines, (float(real[len(ORDERS) + place]), float(real[place])), n=n, counts=counts)
