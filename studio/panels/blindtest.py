"""A blind test: one sentence at a time, did a person or a machine write it? Who did is told at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QProgressBar, QPushButton, QStackedWidget, QWidget

from models.metrics.blind import REAL, Item, results, shuffled
from studio import theme
from studio.panels.blindresults import SAID, BlindResults
from studio.panels.plot import Reason
from studio.widgets import Card, ElidedLabel, button, column, label, row

WIDEST, LINES = 880, 4  # pixels of a line of the sentence; lines that have room before anything below them moves
APART = 112  # per cent between characters that stand alone, such as Chinese ones
EMPTY = "No blind test has been begun."
QUESTION = "Did a person or a machine write this?"
KEYS: Mapping[int, str] = {
    Qt.Key.Key_H: "human",
    Qt.Key.Key_Right: "human",
    Qt.Key.Key_M: "machine",
    Qt.Key.Key_Left: "machine",
    Qt.Key.Key_Space: "skipped",
    Qt.Key.Key_Down: "skipped",
    Qt.Key.Key_Backspace: "back",
}
VALUES: Mapping[str, bool | None] = {"human": True, "machine": False, "skipped": None}


class BlindTestPanel(QWidget):
    """Asks, and shows what came of it.

    Signals:
        answered (int, object): place of a sentence in the test; True for a person, False for a machine, None for skipped. The last answer counts.
        finished (list of blind.Row): the sources have been shown.
        export_wanted (): `answers` and `rows` are to be written to a file.
        again (): the same test with other sentences is wanted.
    """

    answered = Signal(int, object)
    finished = Signal(object)
    export_wanted = Signal()
    again = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._items: list[Item] = []
        self._answers: dict[int, bool | None] = {}
        self._at, self._title, self._real = 0, "", REAL
        self._rows: list[Any] = []
        self.pages = QStackedWidget()
        self.reason, self.results = Reason(), BlindResults()
        self.reason.setText(EMPTY)
        self.results.export_wanted.connect(self.export_wanted)
        self.results.again.connect(self.again)
        self.empty = Card("Blind test")
        self.empty.body.addWidget(self.reason, 1)
        self.test = self._make_test()
        for page in (self.empty, self.test, self.results):
            self.pages.addWidget(page)
        column(self).addWidget(self.pages)

    def _make_test(self) -> Card:
        card = Card()
        self.title, self.progress = ElidedLabel("", "section"), label("", "muted")
        head = row(self.title, self.progress)
        head.setStretch(0, 1)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.sentence, self.before = label("", "words"), label("", "caption")
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setMinimumWidth(1)
        self.sentence.setMaximumWidth(theme.theme().px(WIDEST))
        self.before.setFixedHeight(theme.theme().px(16))
        self.before.setAlignment(Qt.AlignmentFlag.AlignCenter)
        question = label(QUESTION, "muted")
        question.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: dict[str, QPushButton] = {}
        choices = row(1, spacing=12)
        for answer, text, keys in (
            ("machine", "A machine wrote it", "M or ←"),
            ("skipped", "Skip", "Space or ↓"),
            ("human", "A person wrote it", "H or →"),
        ):
            choices.addLayout(self._choice(answer, text, keys))
        choices.addStretch(1)
        self.back_button = button("Back", "back", kind="quiet", tip="Back to the sentence before (Backspace)", clicked=self.back)
        self.results_button = button("Show results now", clicked=self.show_results)
        middle = row(1, self.sentence, 1, spacing=0)
        middle.setStretch(1, 100)
        card.body.addLayout(head)
        card.body.addWidget(self.bar)
        card.body.addStretch(1)
        card.body.addWidget(question)
        card.body.addLayout(middle)
        card.body.addLayout(choices)
        card.body.addWidget(self.before)
        card.body.addStretch(1)
        card.body.addLayout(row(self.back_button, 1, self.results_button))
        for b in (*self.buttons.values(), self.back_button):
            b.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys are the panel's
        self.results_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return card

    def _choice(self, answer: str, text: str, keys: str) -> Any:
        b = self.buttons[answer] = button(text, kind="big", tip=keys, clicked=lambda: self.answer(answer))
        hint = label(keys, "caption")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        out = column(spacing=4)
        out.addWidget(b)
        out.addWidget(hint)
        return out

    # --- what the page says -----------------------------------------------------------------------------------

    def begin(self, sources: Mapping[str, Sequence[str]], *, each: int, seed: int, title: str, joiner: str = " ", real: str = REAL) -> None:
        """Ask for `each` sentences of every source; the same test again goes on where it was left.

        Args:
            sources: sentences by the name of their source; `real` is the one that the others are compared with.
            each: of every source.
            seed: of the choice and the order.
            title: what is judged, without telling who wrote what.
            joiner: what stands between tokens: "" for characters, which are then set wider apart.
            real: the name of the real source.

        Raises:
            BadInput: a source has too few sentences.
        """
        items = shuffled(sources, each, seed)
        if items != self._items or self._rows:
            self._items, self._answers, self._rows, self._real = items, {}, [], real
        self._title = title
        face = theme.font(22)
        face.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 100 if joiner else APART)
        self.sentence.setFont(face)
        self.sentence.setMinimumHeight(LINES * self.sentence.fontMetrics().lineSpacing())
        self.title.setText(f"Blind test · {title}" if title else "Blind test")
        self._go(self._first_open())
        self.pages.setCurrentWidget(self.test)
        self.setFocus()

    def restore(self, answers: Mapping[int, bool | None]) -> None:
        """Answers that were given before, such as those of a journal, by the place of their sentence; nobody is told."""
        self._answers |= {place: answer for place, answer in answers.items() if 0 <= place < len(self._items)}
        self._go(self._first_open())

    def show_reason(self, text: str) -> None:
        """Why there is no test; what has been answered is kept."""
        self.reason.setText(text)
        self.pages.setCurrentWidget(self.empty)

    def answers(self) -> list[dict[str, Any]]:
        """What was answered or skipped, in the order of the test: order (from 1), text, source, answer ("human", "machine" or "skipped")."""
        words = {value: name for name, value in VALUES.items()}
        return [
            {"order": i + 1, "text": self._items[i].text, "source": self._items[i].source, "answer": words[answer]}
            for i, answer in sorted(self._answers.items())
        ]

    def rows(self) -> list[Any]:
        """The rows of `blind.results`; none before the results are shown."""
        return list(self._rows)

    # --- what the person does ---------------------------------------------------------------------------------

    def answer(self, answer: str) -> None:
        """Judge the sentence that is shown "human" or "machine", or leave it "skipped"."""
        if self.pages.currentWidget() is not self.test:
            return
        self._answers[self._at] = VALUES[answer]
        self.answered.emit(self._at, VALUES[answer])
        if self._at + 1 < len(self._items):
            self._go(self._at + 1)
        elif (place := self._first_open()) < len(self._items):
            self._go(place)
        else:
            self.show_results()

    def back(self) -> None:
        """The sentence before, whose answer stays until another is given."""
        if self.pages.currentWidget() is self.test and self._at > 0:
            self._go(self._at - 1)

    def show_results(self) -> None:
        """End the test, and tell who wrote what."""
        self._rows = results(self._items, [self._answers.get(i) for i in range(len(self._items))], self._real)
        self.results.show_results(self._rows, self.answers(), self._title)
        self.pages.setCurrentWidget(self.results)
        self.finished.emit(self._rows)

    def event(self, event: QEvent) -> bool:
        """The keys of a test are no shortcuts of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._meant(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Judge, skip, go back."""
        meant = self._meant(event)
        if not meant:
            super().keyPressEvent(event)
        elif event.isAutoRepeat():  # a key that is held down judges one sentence
            event.accept()
        elif meant == "back":
            self.back()
        else:
            self.answer(meant)

    def showEvent(self, event: QShowEvent) -> None:
        """Take the keys."""
        super().showEvent(event)
        self.setFocus()

    # --- inside -----------------------------------------------------------------------------------------------

    def _meant(self, event: QKeyEvent) -> str:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return KEYS.get(event.key(), "") if plain and self.pages.currentWidget() is self.test else ""

    def _first_open(self) -> int:
        """The first sentence that has not been seen; behind the last if there is none."""
        return next((i for i in range(len(self._items)) if i not in self._answers), len(self._items))

    def _go(self, place: int) -> None:
        self._at = min(place, len(self._items) - 1)
        total = len(self._items)
        self.sentence.setText(self._items[self._at].text)
        self.sentence.setAccessibleName(self._items[self._at].text)
        self.progress.setText(f"{self._at + 1:,} of {total:,}")
        self.bar.setRange(0, total)
        self.bar.setValue(len(self._answers))
        said = SAID["skipped" if (a := self._answers.get(self._at)) is None else "human" if a else "machine"]
        self.before.setText("" if self._at not in self._answers else "You skipped it." if a is None else f"You said: {said}.")
        self.back_button.setEnabled(self._at > 0)
        missing = {item.source for item in self._items} - {self._items[i].source for i, given in self._answers.items() if given is not None}
        self.results_button.setEnabled(not missing)
        self.results_button.setToolTip("Ends the test" if not missing else "Once a sentence of every source has been judged")
