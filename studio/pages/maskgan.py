"""MaskGAN: the desk, where blanks are filled by hand and by both nets; training, with the same blanks at every look; a blind test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtWidgets import QPushButton, QWidget

from models.algorithms import maskgan
from models.contract import View
from models.data.sentences import BETWEEN_TOKENS
from models.errors import StudioError
from studio.doors import Take
from studio.export.filled import is_filled
from studio.finding import Settable
from studio.history import History
from studio.messages import Opened, Reply, Trouble
from studio.pages.blindface import PANEL as BLIND
from studio.pages.blindface import BlindFace
from studio.pages.desk import DRAWN, PANEL, DeskFace
from studio.pages.restoring import fresh
from studio.pages.sentencepage import SentencePage
from studio.pages.settable import of_rows
from studio.panels.drawing import DrawingBar
from studio.panels.fillhistory import FillHistory
from studio.panels.readouts import Readouts
from studio.panels.sentences import SentencesPanel
from studio.session import Session
from studio.widgets import Card, Combo, column, row
from studio.workers.frames import Frame

SENTENCES = 24
NETS = {"maskgan": "MaskGAN", "maskmle": "MaskMLE", "lm": "language model"}
READ = {  # read-out -> its field in Info
    "perplexity": ("perplexity", "exp of −log p of the true words at the blanks of held-out sentences, now"),
    "mle_perplexity": ("of MaskMLE", "The same of MaskMLE"),
    "top1": ("top-1", "How often the likeliest word is the true one"),
    "validity": ("valid fillings", "Share of filled held-out sentences that the grammar has"),
    "mle_validity": ("of MaskMLE", "The same of MaskMLE"),
    "lm_perplexity": ("LM perplexity", "Perplexity of filled sentences under the frozen language model"),
    "mle_lm_perplexity": ("of MaskMLE", "The same of MaskMLE"),
    "explained": ("critic explains", "Share of the returns' variance that the critic explains"),
}
OF_GRAMMAR = ("perplexity", "mle_perplexity", "top1", "validity", "mle_validity", "explained")
OF_TEXT = ("perplexity", "mle_perplexity", "top1", "lm_perplexity", "mle_lm_perplexity", "explained")
BLIND_FROM = "The generators fill blanks of other real sentences, at the temperature τ of the desk."
TRAIN, DESK, TEST = range(3)  # the faces


class MaskganPage(SentencePage):
    """Everything about one MaskGAN run.

    Attributes:
        looks: fixed blanks over training; samples: sentences of which nothing is given.
        desk, blind: the other faces.
    """

    SYSTEM, TITLE = "maskgan", "MaskGAN"

    def __init__(self, session: Session) -> None:
        super().__init__(session, maskgan)
        self.net.activated.connect(lambda _: self.looking.again())
        self.desk = DeskFace(self.session, self, self._look_at_desk)
        self.faces.add("Desk", self.desk.widget, self.desk.side, self.transport)
        names = {"real": "real", **{net: NETS[net] for net in ("maskmle", "maskgan")}}
        self.blind = BlindFace(self.session, self, names, lambda: float(self.desk.drawing.values()["temperature"]), BLIND_FROM)
        self.faces.add("Blind test", self.blind.panel, self.blind.side, self.blind.foot)
        self.faces.chosen.connect(lambda _: self.looking.again())

    def make_pictures(self) -> QWidget:
        """The same blanks at every look, beside sentences that are all the net's own."""
        self.looks, self.samples = FillHistory(), SentencesPanel("Nothing given")
        self.readouts = [Readouts([(key, *READ[key]) for key in keys], columns=len(keys)) for keys in (OF_GRAMMAR, OF_TEXT)]
        self.drawing = DrawingBar()
        self.net = Combo(list(NETS.values()))
        self.net.setMinimumContentsLength(10)
        self.net.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.net.setAccessibleName("Whose sentences are shown at the right")
        upper = QWidget()
        body = column(upper, spacing=8)
        head = row(self.net, self.drawing, spacing=12)
        head.setStretch(1, 1)
        both = row(spacing=12)
        for panel in (self.looks, self.samples):
            card = Card(margin=12)
            card.body.addWidget(panel)
            both.addWidget(card, 1)
        for readouts in self.readouts:
            body.addWidget(readouts)
        body.addLayout(head)
        body.addLayout(both, 1)
        return upper

    # --- what a person does -----------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        """Of the desk while it is looked at."""
        return self.desk.history if self.faces.place() == DESK else self.own_history

    def settable(self) -> list[Settable]:
        """Of the desk while it is looked at."""
        return of_rows(self.desk.drawing.rows) if self.faces.place() == DESK else super().settable()

    def as_command(self) -> str:
        """Of the desk while it is looked at."""
        return self.desk.doors.as_command() if self.faces.place() == DESK else super().as_command()

    def as_python(self) -> str:
        """Likewise."""
        return self.desk.doors.as_python() if self.faces.place() == DESK else super().as_python()

    def export_buttons(self) -> list[QPushButton]:
        """Of the desk while it is looked at."""
        return [self.desk.doors.export_button] if self.faces.place() == DESK else super().export_buttons()

    def choose_export(self) -> None:
        """Of the desk its fillings, elsewhere samples."""
        if self.faces.place() == DESK and self.desk.doors.export_button.isEnabled():
            self.desk.doors.export_button.showMenu()
        else:
            super().choose_export()

    def show_samples(self) -> None:
        """Beside the looks."""
        self.faces.choose(0)

    def select_sample(self, row: int) -> bool:
        """A sentence of which nothing was given."""
        self.samples.select(row)
        return row < len(self.samples.sentences())

    def show_made(self, made: Mapping[str, Any]) -> None:
        """With the net that drew the sentences."""
        super().show_made(made)
        options = made.get("options")
        if isinstance(options, dict) and options.get("net") in NETS:
            self.net.setCurrentIndex(list(NETS).index(options["net"]))

    def take_seed(self, seed: int) -> None:
        """Of the desk while it is looked at."""
        if self.faces.place() == DESK:
            self.desk.take_seed(seed)
        else:
            super().take_seed(seed)

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """The desk of an exported file, whose run is open or being opened; of other files the samples."""
        if not is_filled(recipe):
            super().restore(recipe, take)
            return
        try:
            if take != "model":
                self.desk.restore(recipe)
            if take == "no-seed":
                self.desk.take_seed(fresh())
        except StudioError as error:
            self.card.show_error(str(error))
        else:
            self.faces.choose(DESK)

    def show_demo(self, about: Mapping[str, Any]) -> None:
        """The desk, and on it what Home shows first."""
        self.desk.show_demo(**about["desk"])
        self.faces.choose(DESK)

    # --- what the session says --------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """The reel's sentences, in the place of those of which nothing is given."""
        self.show_old(self.samples, frame)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        super().show_run(run)
        self.samples.show_reason("Nothing has been drawn yet.")
        self.looks.show_history([], [], self._joiner)
        self.desk.show_run(run)

    def show_numbers(self) -> None:
        """The last measurement."""
        self.show_last(READ, "validity")

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        view: View = reply.view
        match reply.panel:
            case "samples":
                if self.faces.place() != DESK:
                    self.answered(reply)
                self.show_sentences(self.samples, reply)
            case "fixed":
                self._show_history(view)
            case "blind" if reply.panel == BLIND:
                self.blind.show_reply(reply, self._joiner)
            case panel if panel == DRAWN or panel.startswith(PANEL):
                seconds = self.desk.show_reply(reply)
                if seconds is not None and self.faces.place() == DESK:
                    self.looking.answered(seconds)
            case _:
                pass

    def show_trouble(self, trouble: Trouble) -> bool:
        """What was asked for tells in its own place why it is not there."""
        if trouble.panel == BLIND:
            self.blind.panel.show_reason(trouble.sentence)
        elif trouble.panel == DRAWN or trouble.panel.startswith(PANEL):
            self.desk.show_trouble(trouble)
        elif trouble.panel == "samples" and self.refused(trouble):
            pass
        else:
            return bool(self._told) and trouble.sentence == self._told
        return True

    def set_stale(self) -> None:
        """The sentences are of no good State."""
        self.desk.set_stale()
        for panel in (self.looks, self.samples):
            panel.set_stale(True)

    def _show_history(self, view: View) -> None:
        words, numbers = view.words, view.numbers
        F = len(words["truth"])
        if not F:
            return
        mask = numbers["blanks"].reshape(F, -1)
        said = [row.split(BETWEEN_TOKENS) if row else [] for row in words["filled"]]
        looks = [
            [(tokens, [t for t in range(len(tokens)) if mask[s, t]]) for s, tokens in enumerate(said[i : i + F])] for i in range(0, len(said), F)
        ]
        valid = numbers["valid"].reshape(-1, F) if "valid" in numbers else np.zeros((0, F))
        self.looks.show_history([int(t) for t in numbers["times"]], looks, self._joiner, [list(v) for v in valid])

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """The sentences of which nothing is given, as they are on the stage."""
        return {
            "seed": self.drawing.seed.value(),
            "count": SENTENCES,
            "options": {**self.drawing.options(), "net": list(NETS)[self.net.currentIndex()]},
        }

    def to_keep(self) -> dict[str, Any]:
        """The selected sentence, or all."""
        chosen = self.samples.selection()
        return self.drawn() | ({"rows": (chosen,)} if chosen >= 0 else {})

    def keep(self) -> None:
        """Of the desk both nets' fillings, elsewhere samples."""
        if self.faces.place() != DESK:
            super().keep()
        elif not self.desk.doors.keep():
            self.tell("Nothing is filled yet: blank a word, and both nets fill it.")

    def look_often(self) -> None:
        """The desk's fillings, or samples."""
        if self.faces.place() == DESK:
            if not self.desk.ask():
                self.looking.lost()
            return
        options = self.drawing.options()
        self._sent = options["prompt"]
        self.session.ask("samples", "samples", n=SENTENCES, seed=self.drawing.seed.value(), net=list(NETS)[self.net.currentIndex()], **options)

    def _look_at_desk(self) -> None:
        if self.faces.place() == DESK:
            self.looking.again()

    def look_seldom(self) -> None:
        """How the fixed blanks are filled."""
        if self.faces.place() == TRAIN:
            self.session.ask("fixed", "fixed")

    def states(self) -> dict[str, Any]:
        """What a picture of the page can show of a run besides the usual: what leads there, and whether it is there."""

        def test() -> None:
            self.faces.choose(TEST)
            self.blind.begin()

        def table() -> None:
            self.faces.choose(DESK)
            self.desk.more.click()

        return {
            "desk": (lambda: self.faces.choose(DESK), self.desk.is_filled),
            "table": (table, self.desk.is_filled),
            "blind": (test, self.blind.panel.is_asking),
        }
