"""What the pages of systems that write text share: a prompt that may be refused, sentences with their log p, read-outs of which one line fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QSpinBox

from models.data.sentences import BETWEEN_TOKENS
from studio.messages import Opened, Reply, Trouble
from studio.pages.training import TrainingPage
from studio.panels.drawing import DrawingBar
from studio.panels.readouts import Readouts
from studio.panels.sentences import SentencesPanel
from studio.session import Session
from studio.workers.frames import Frame, tokens_of


class SentencePage(TrainingPage):
    """A subclass makes `drawing` in `make_pictures`, and `readouts`: two lines, of which `show_last` shows one."""

    drawing: DrawingBar
    readouts: list[Readouts]

    def __init__(self, session: Session, algorithm: Any) -> None:
        self._joiner = " "
        self._sent = self._told = ""  # the prompt that was asked with, and what the card says of one that could not be
        super().__init__(session, algorithm)
        self.drawing.changed.connect(self.looking.again)

    def sample_seed(self) -> QSpinBox:
        """That of the sentences."""
        return self.drawing.seed

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        self._joiner = "" if run.config.get("unit") == "chars" else " "
        self.drawing.forget()

    def show_last(self, read: Mapping[str, Any], decides: str) -> None:
        """The last values of fields of Info, in the first line of read-outs where `decides` is known, else in the second."""
        series = self.curves.history.series
        last = {key: series[key].raw_at(self.moment) if key in series else None for key in read}
        known = last[decides] is not None
        for readouts, shown in zip(self.readouts, (known, not known), strict=True):
            readouts.setVisible(shown)
            readouts.show_values(last)

    def show_old(self, panel: SentencesPanel, frame: Frame) -> None:
        """Those of a frame of the reel."""
        panel.show_sentences(tokens_of(frame.sentences, self._joiner), note=frame.words, joiner=self._joiner)

    def show_sentences(self, panel: SentencesPanel, reply: Reply) -> None:
        """Those of a view `samples`."""
        words, numbers = reply.view.words, reply.view.numbers
        split = [said.split(BETWEEN_TOKENS) if said else [] for said in words["tokens"]]
        captions = [f"{p:.1f}".replace("-", "−") for p in numbers["log_p"]]
        panel.show_sentences(split, note="log p", step=reply.step, joiner=self._joiner, captions=captions)

    def answered(self, reply: Reply) -> None:
        """What was asked for often has come, with this prompt."""
        self.looking.answered(reply.seconds)
        self.drawing.accept(self._sent)
        if self._told and not self.drawing.refused():
            if self.card.sentence.text() == self._told:
                self.card.close_card()
            self._told = ""

    def refused(self, trouble: Trouble) -> bool:
        """A prompt that cannot be is told once, and the page goes on without it; whether it was the prompt."""
        if not self.drawing.refuse(trouble.sentence):
            return False
        self._told = trouble.sentence
        self.card.show_error(trouble.sentence)
        self.looking.again()
        return True
