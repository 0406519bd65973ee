"""The desk as a face of MaskGAN's page: a sentence lies on it, both nets fill its blanks, and a person picks, locks and draws again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QSizePolicy, QWidget

from models.algorithms.maskgan.fillings import END_WORD, Desk, Fillings
from models.algorithms.maskgan.fillings import desk_of as read_desk
from models.knobs import describe
from studio.export.filled import desk_of
from studio.history import History
from studio.messages import Opened, Reply, Trouble
from studio.pages import deskmoves as moves
from studio.pages.deskdoors import DeskDoors
from studio.pages.ownrun import OwnRun
from studio.pages.page import Page
from studio.panels.blankcards import BlankCards
from studio.panels.blanking import BlankingBar
from studio.panels.desk import DeskPanel
from studio.panels.fillings import FillingsPanel
from studio.panels.knob import written
from studio.panels.knobs import KnobsPanel
from studio.panels.tokentable import TokenTable
from studio.widgets import Card, button, column, label, row, tool

NETS = {"maskgan": "MaskGAN", "maskmle": "MaskMLE"}
PANEL = "fill "  # as which it asks, before the net's name
DRAWN = "drawn"  # … for a test sentence
CANDIDATES = 9
NO_RUN = "Train a run or open one first: its nets fill the blanks."
NO_BLANK = "No blank yet: click a word, or take a rule at the right."
NO_CARDS = "What else could stand in each blank comes here."
NO_WORD = "Nobody knows what stood there: type it (E), or let a run fill it."
NOTES = 2  # that are told in full under the sentence


class DeskFace(QObject):
    """Widgets of the face: `widget` on the stage, `side`; the page's transport is its foot.

    Attributes:
        desk: what lies on it.
        history: what can be taken back here.
        source: the net whose fillings the words of the desk are, with the alternative `shown[source]`.
        joiner: between two tokens of the open run.
        doors: what comes out of it.
        fillings: of each net the last ones; those of the sentence with other blanks are kept, faded, until the next come.
    """

    def __init__(self, session: OwnRun, page: Page, look: Callable[[], None]) -> None:
        """`look` asks the page to look at once."""
        super().__init__(page)
        self._session, self._page, self._look = session, page, look
        self.desk, self.source = Desk(()), "maskgan"
        self.shown = dict.fromkeys(NETS, 0)
        self.fillings: dict[str, Fillings] = {}
        self._asked: dict[str, Desk] = {}  # of each net, what its newest answer will be for
        self._of: dict[str, Desk] = {}  # … and what `fillings` are for
        self._due, self._cost = set[str](), 0.0  # nets that have not answered; seconds that the others took
        self._told = ""  # why this desk cannot be filled
        self.history = History(self)
        self._how: dict[str, Any] = {}  # the controls of the drawing, as the history knows them
        self.joiner, self._unit, self._punctuation = " ", "words", "split"
        self._drawn, self._by_hand, self._restored = 0, False, False  # test sentences so far; whether a person wants the next
        self.panel, self.cards, self.table = DeskPanel(), BlankCards(), TokenTable()
        self.lists = {net: FillingsPanel(title) for net, title in NETS.items()}
        self.blanking, self.drawing = BlankingBar(), KnobsPanel(describe(moves.Drawing))
        self.notes = label("", "muted")
        self.notes.setWordWrap(True)
        self.draw_button = button("Draw a sentence", "dice", tip="A held-out sentence of the run's data", clicked=self.draw)
        self.undo_button = tool("undo", "Take back the last change of the desk (Ctrl+Z)", self.undo)
        self.redraw_button = button("Re-roll", "redo", tip="Other fillings of what is not locked (Enter)", clicked=self.reroll)
        self.more = button("Token table", "chevron-right", tip="p(real), log p, r, R, V and A of every blank", clicked=self._fold_table)
        self.doors = DeskDoors(self, session, page)
        self.widget, self.side = self._stage(), self.drawing
        self.drawing.add_section("Sentence", self._sentence())
        seed = self.drawing.rows["seed"].slider
        if seed is not None:
            seed.hide()
        self._connect()
        self._show()

    def _stage(self) -> QWidget:
        stage = QWidget()
        body = column(stage, spacing=12)
        top = Card(margin=16)
        top.body.addWidget(self.panel)
        top.body.addWidget(self.notes)
        both = row(spacing=12)
        for panel in self.lists.values():
            card = Card(margin=12)
            card.body.addWidget(panel)
            both.addWidget(card, 1)
        self.lower = Card(margin=12)
        self.lower.body.addWidget(self.table)
        self.lower.hide()
        for part in (self.cards, self.lower):
            part.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        line = row(self.more, 1, self.undo_button, self.redraw_button, self.doors.export_button, spacing=8)
        body.addWidget(top)
        body.addLayout(both, 1)
        body.addLayout(line)
        body.addWidget(self.cards, 1)
        body.addWidget(self.lower, 1)
        return stage

    def _sentence(self) -> QWidget:
        holder = QWidget()
        body = column(holder, spacing=12)
        body.addWidget(self.draw_button)
        body.addWidget(self.blanking)
        return holder

    def _connect(self) -> None:
        panel, blanking = self.panel, self.blanking
        panel.blanked.connect(self.blank)
        panel.end_toggled.connect(self.open_end)
        panel.picked.connect(self.pick)
        panel.locked.connect(self.lock)
        panel.rerolled.connect(self.reroll)
        panel.typed.connect(self.type)
        panel.chosen.connect(self._choose_word)
        self.table.chosen.connect(self._choose_word)
        self.cards.picked.connect(self.pick)
        self.cards.locked.connect(self.lock)
        blanking.asked.connect(self.by_rule)
        blanking.end_changed.connect(self.open_end)
        blanking.truth_changed.connect(lambda _: self._show())
        blanking.n_changed.connect(lambda _: self._look())
        for net, shown in self.lists.items():
            shown.chosen.connect(lambda i, net=net: self.choose(net, i))
        self.drawing.changed.connect(self._on_drawing)
        self._how = self.drawing.values()
        self.history.indexChanged.connect(self._on_history)  # no lambda: the stack tells once more as it is destroyed
        self._session.conditioned.connect(lambda *_: self._allow())
        self._allow()

    # --- what a person does -----------------------------------------------------------------------------------

    def put(self, desk: Desk, what: str = "sentence", *, remember: bool = True) -> None:
        """Lay something on the desk; `what` was done names it in the history."""
        if desk == self.desk:
            return
        before = self.desk
        if remember:
            self.history.done(what, lambda: self.put(before), lambda: self.put(desk))
        if (desk.tokens, desk.open_end) != (self.desk.tokens, self.desk.open_end):
            self.fillings = {}
        self.desk, self._told = desk, ""
        self._show()
        self._look()

    def undo(self) -> None:
        """Take back the last change."""
        self.history.undo()

    def _on_history(self, _: int) -> None:
        self.undo_button.setEnabled(self.history.canUndo())

    def type(self, text: str) -> None:
        """A sentence in one line, ___ for each blank."""
        desk = read_desk(" ".join(text.split()), self._unit, self._punctuation, self.desk.open_end)
        if desk.tokens:
            self.put(desk, "sentence typed")

    def draw(self) -> None:
        """A held-out sentence, with blanks at random."""
        self._drawn += 1
        self._by_hand = True
        self._session.ask(DRAWN, "drawn", seed=self._drawn)

    def blank(self, places: list[int], on: bool) -> None:
        """Words become blanks, or words again: what stood there, or what is shown where that is not known."""
        desk = moves.blanked(self.desk, places, on, self._word)
        if not on and set(desk.blanks) & set(places):
            self._page.tell(NO_WORD)
        self.put(desk, "words blanked" if on else "words given back")

    def by_rule(self, rule: str) -> None:
        """Blanks by a rule, over the words that are no marks."""
        self.put(moves.ruled(self.desk, self._ruled(self.desk, rule), self._word), f"blanks by rule, {rule}")

    def _ruled(self, desk: Desk, rule: str) -> list[int]:
        chance = random.Random().random  # the result lies on the desk, and in every recipe
        return moves.by_rule(moves.words_of(desk, self._unit), rule, self.blanking.rate, chance)

    def open_end(self, on: bool) -> None:
        """The end becomes a blank, or is given again."""
        self.put(self.desk._replace(open_end=on), "open end" if on else "given end")

    def pick(self, place: int, candidate: int) -> None:
        """A blank holds one of its candidates from now on: what the person sees there."""
        found = self.fillings.get(self.source)
        if found is not None and place in found.blanks and (place in self.desk.blanks or place >= len(self.desk.tokens)):
            words = found.candidates[found.blanks.index(place)]
            if candidate < len(words):
                self._fix(place, words[candidate])

    def lock(self, place: int, on: bool) -> None:
        """What is shown in a blank stays, or no longer."""
        if on:
            self._fix(place, self._word(place))
        else:
            self.put(moves.released(self.desk, place), "word released")

    def _fix(self, place: int, word: str) -> None:
        if word == END_WORD and place >= len(self.desk.tokens):
            self.put(moves.ended(self.desk, place), "end put")
        elif word == END_WORD:
            self._page.tell("The text goes on after this blank: it cannot end here.")
        elif word:
            self.put(moves.held(self.desk, place, word), f"“{word}” chosen")

    def reroll(self) -> None:
        """Other fillings of what is not fixed."""
        if self._session.run is not None and moves.free(self.desk):
            seed = int(self.drawing.values()["seed"])
            self.drawing.set_values({"seed": (seed + 1) % 2**31})
            self._on_drawing("seed", (seed + 1) % 2**31)

    def draw_with(self, name: str, value: Any) -> None:
        """One of the controls at the right, and what follows from it."""
        self.drawing.set_values({name: value})
        self._how[name] = value
        self._look()

    def _on_drawing(self, name: str, value: Any) -> None:
        before = self._how[name]
        self._how[name] = value
        values = (written(before), written(value))
        symbol = self.drawing.rows[name].knob.symbol
        self.history.done(symbol, lambda: self.draw_with(name, before), lambda: self.draw_with(name, value), name, values)
        self._look()

    def choose(self, net: str, alternative: int) -> None:
        """Another alternative lies on the desk."""
        before = (self.source, self.shown[net])
        if before != (net, alternative):
            text = f"alternative {alternative + 1} of {NETS[net]}"
            self.history.done(text, lambda: self._lay(before[0], {net: before[1]}), lambda: self._lay(net, {net: alternative}))
            self._lay(net, {net: alternative})

    def _lay(self, source: str, shown: dict[str, int]) -> None:
        self.source = source
        self.shown |= shown
        self._show()
        self._look()

    def _choose_word(self, place: int) -> None:
        """The same word on the desk, in the table, and among the cards."""
        self.panel.choose(place)
        self.table.choose(place)
        self.cards.see(place)

    def take_seed(self, seed: int) -> None:
        """Fillings of another seed."""
        self.draw_with("seed", seed)

    def restore(self, recipe: Mapping[str, Any]) -> None:
        """What was exported lies on the desk again, with the controls that it was filled with; raises BadInput."""
        desk, asked = desk_of(recipe)
        self.source = asked["nets"][0]
        self.shown = dict.fromkeys(NETS, int(asked["options"]["shown"]))
        self.blanking.set_n(asked["n"])
        self.drawing.set_values({"seed": asked["seed"], **{name: asked["options"][name] for name in ("temperature", "top_k", "nucleus")}})
        self._how = self.drawing.values()
        self._restored = True
        self.put(desk)

    def show_demo(self, text: str, n: int, seed: int, temperature: float) -> None:
        """A sentence in one line, filled in this way."""
        self.blanking.set_n(n)
        self.drawing.set_values({"seed": seed, "temperature": temperature})
        self._how = self.drawing.values()
        self._restored = True
        self.put(read_desk(text, self._unit, self._punctuation, False))
        self._look()

    def _alternative(self, net: str) -> int:
        return min(self.shown[net], self.blanking.n - 1)

    def _fold_table(self) -> None:
        on = self.lower.isHidden()
        self.lower.setVisible(on)
        self.cards.setVisible(not on)
        self.more.setText("Candidates" if on else "Token table")

    # --- what comes -------------------------------------------------------------------------------------------

    def show_run(self, run: Opened) -> None:
        """Another run; where it reads sentences in another way, what lay on the desk is gone."""
        read = (run.config.get("unit", "words"), run.config.get("punctuation", "split"))
        if read != (self._unit, self._punctuation):
            self._unit, self._punctuation = read
            self.joiner = "" if self._unit == "chars" else " "
            self.history.clear()
            if not self._restored:
                self.desk = Desk(())
        self._restored = False
        self.fillings, self._told = {}, ""
        self._show()
        if not self.desk.tokens:
            self.draw()
            self._by_hand = False

    def ask(self) -> bool:
        """Fillings of what lies on the desk, by both nets; whether there is anything to fill."""
        if not moves.free(self.desk):
            return False
        self._due, self._cost = set(NETS), 0.0
        for net in NETS:
            self._asked[net] = self.desk
            self._session.ask(PANEL + net, "fill", **self.request(net))
        return True

    def is_filled(self) -> bool:
        """Whether both nets have filled what lies on the desk now."""
        return all(net in self.fillings and self._of[net] == self.desk for net in NETS)

    def request(self, net: str) -> dict[str, Any]:
        """The arguments of the view `fill`."""
        desk = self.desk
        return {
            "tokens": desk.tokens,
            "blanks": desk.blanks,
            "open_end": desk.open_end,
            "fixed": desk.fixed,
            "n": self.blanking.n,
            "shown": self._alternative(net),
            "k": CANDIDATES,
            "net": net,
            **self.drawing.values(),
        }

    def show_reply(self, reply: Reply) -> float | None:
        """An answer; the seconds that both nets took, once both have answered."""
        if reply.panel == DRAWN:
            self._show_drawn(tuple(reply.view.words["tokens"]))
            return None
        found = Fillings.of(reply.view)
        if self._asked.get(found.net) == self.desk:
            self.fillings[found.net], self._of[found.net], self._told = found, self.desk, ""
            self._show()
        self._cost += reply.seconds
        self._due.discard(found.net)
        return None if self._due else self._cost

    def _show_drawn(self, tokens: tuple[str, ...]) -> None:
        if not self._by_hand and self.desk.tokens:
            return  # in the meantime somebody has typed
        desk = Desk(tokens)
        blanks = self._ruled(desk, "random") or [len(tokens) // 2]
        self.put(desk._replace(blanks=tuple(blanks) if tokens else ()), "sentence drawn", remember=self._by_hand)

    def show_trouble(self, trouble: Trouble) -> None:
        """A desk that cannot be filled, or a sentence that cannot be drawn, and why."""
        if trouble.panel != DRAWN:
            self.fillings, self._told = {}, trouble.sentence
            self._show()
        elif self._by_hand:
            self._page.card.show_error(trouble.sentence)

    def set_stale(self) -> None:
        """What is shown is of no good State."""
        for panel in (self.panel, self.cards, self.table, *self.lists.values()):
            panel.set_stale(True)

    # --- how it looks -----------------------------------------------------------------------------------------

    def _word(self, place: int) -> str:
        """What is shown at a place."""
        found = self.fillings.get(self.source)
        return found.tokens[found.shown][place] if found is not None and place < len(found.truth) else ""

    def _show(self) -> None:
        desk, truth, some = self.desk, self.blanking.truth.isChecked(), moves.free(self.desk)
        shown = self.fillings if some else {}
        found = shown.get(self.source)
        self.panel.show_desk(desk.tokens, desk.blanks, desk.fixed, desk.open_end, fillings=found, joiner=self.joiner)
        for net, panel in self.lists.items():
            if net in shown:
                panel.show_fillings(shown[net], truth, on_desk=net == self.source)
                panel.set_stale(self._of[net] != desk)
            else:
                panel.show_reason(self._reason())
        if found is not None:
            self.cards.show_fillings(found, truth)
            self.table.show_fillings(found)
            for panel in (self.panel, self.cards, self.table):
                panel.set_stale(self._of[self.source] != desk)
        else:
            self.cards.show_reason(self._told or NO_CARDS)
            self.table.show_reason(self._told or NO_CARDS)
        self._show_notes(found.notes if found is not None else ())
        self.blanking.show_desk(open_end=desk.open_end, some=bool(desk.tokens))
        self.undo_button.setEnabled(self.history.canUndo())
        for b in (self.redraw_button, self.doors.export_button):
            b.setEnabled(some and self._session.run is not None)

    def _show_notes(self, notes: Sequence[str]) -> None:
        more = len(notes) - NOTES
        self.notes.setText(
            "\u200e" + " ".join([*notes[:NOTES], *([f"And {more} more like it: the mouse on this line tells them."] if more > 0 else [])])
        )
        self.notes.setToolTip("\n".join(notes) if more > 0 else "")
        self.notes.setVisible(bool(notes))

    def _reason(self) -> str:
        if self._session.run is None:
            return NO_RUN
        return (self._told or "The nets are filling …") if moves.free(self.desk) else NO_BLANK

    def _allow(self) -> None:
        on = self._session.run is not None
        self.draw_button.setEnabled(on)
        if not on:
            self.fillings = {}
        QTimer.singleShot(0, self, self._show)
