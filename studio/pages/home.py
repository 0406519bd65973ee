"""Home: six ways in, each with its demo moving; what stopped last time; the latest runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from models.settings import settings
from studio import demos, stopped
from studio.pages import called
from studio.pages.page import Page
from studio.panels.card import ErrorCard
from studio.panels.icon import IconLabel
from studio.panels.moving import TICK_MS
from studio.panels.recentruns import RecentRuns
from studio.panels.scrolling import scrolled
from studio.panels.systemcard import SystemCard
from studio.runs import RunFacts, listing
from studio.widgets import Card, column, label, row
from studio.workers.later import Later

COLUMNS = 3
SYSTEMS = (  # page, title, what it is, what moves, word of its button, icon of it
    (
        "began",
        "BEGAN",
        "Watch a GAN learn to draw faces: its discriminator is an auto-encoder, and kₜ keeps the two in balance at the diversity γ you choose.",
        "Faces that G draws on a closed way through its latents",
        ("Train…", "new"),
    ),
    (
        "bgan",
        "BGAN",
        "A GAN of black and white pixels, characters or toys, which have no gradient: G learns by importance weights, seen under every sample.",
        "Glyphs of two colours on a closed way through the latents",
        ("Train…", "new"),
    ),
    (
        "ppgn",
        "PPGN: plug & play",
        "Say what you want to see: chains climb a classifier or a captioner, held on the pictures by a learnt prior, step by step under your hand.",
        "Chains on their way to what they were asked for",
        ("Train…", "new"),
    ),
    (
        "seqgan",
        "SeqGAN",
        "Text learnt by likelihood, then by reward: roll-outs ask a discriminator what every single token was worth.",
        "Sentences that G writes",
        ("Train…", "new"),
    ),
    (
        "maskgan",
        "MaskGAN",
        "Blank the words of a sentence with a click: two nets fill them, and a discriminator says how real every word is.",
        "Blanks being filled, each with the words before it in mind",
        ("Train…", "new"),
    ),
    (
        "lab",
        "Sampler lab",
        "Metropolis, MALA and MALA-approx walk on densities that you choose, paint or type, with the true answer beside them.",
        "Chains on a banana: exact MALA, and MALA-approx, which never rejects and stays a little too wide",
        ("Open the lab", "lab"),
    ),
)
HINTS = (
    ("folder", "Your own data", "Drop a folder of pictures or a text file anywhere on this window. Nothing leaves this machine."),
    ("settings", "Steer it", "Every knob acts at the next step, is written into the journal, and can be undone with Ctrl+Z."),
    ("export", "Give it away", "Every exported file carries its recipe. Drop it here to open the run that made it."),
)


class HomePage(Page):
    """What can be done here, what is left over from last time, and the latest runs.

    Attributes:
        cards: the six, by page; starters: their buttons that begin a run.
        recent: the latest runs; leftovers: cards about runs that were not closed.

    Signals:
        begin (str): open a system's page with a new run.
        opened (object): open the run at this Path.
        demo_wanted (object, object): open the page of this Demo with its run at this Path; None for the lab, which has none.
        tour_wanted (str): show a person around this page.
        resumed (object): open the run at this Path and go on training.
    """

    TITLE = "Sampling Studio"
    begin = Signal(str)
    opened = Signal(object)
    demo_wanted = Signal(object, object)
    tour_wanted = Signal(str)
    resumed = Signal(object)

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session
        self._ready = False
        self.subtitle.setText("Train, steer and sample generative adversarial models")
        self.warming = label("", "caption")
        self.tools.addWidget(self.warming)
        self._reader, self._unpacker = Later(self), Later(self)
        self._unpacker.failed.connect(self._on_failed)
        found = demos.demos()
        self.cards = {words[0]: SystemCard(*words, found.get(words[0])) for words in SYSTEMS}
        self.starters = {name: card.starter for name, card in self.cards.items()}
        self.leftovers: dict[Path, ErrorCard] = {}
        self.recent = RecentRuns()
        inside = QWidget()
        inside.setProperty("kind", "clear")
        body = column(inside, spacing=12)
        self._upper = column(spacing=8)
        body.addLayout(self._upper)
        body.addLayout(self._grid())
        body.addSpacing(4)
        body.addWidget(label("Recent runs", "section"))
        body.addWidget(self.recent)
        body.addSpacing(4)
        hints = row(*(_hint(*words) for words in HINTS), spacing=12)
        for i in range(len(HINTS)):
            hints.setStretch(i, 1)
        body.addLayout(hints)
        body.addStretch(1)
        self.area = scrolled(inside, sideways=False)
        self.stage.addWidget(self.area)
        self._clock = QTimer(self)
        self._clock.setInterval(TICK_MS)
        self._clock.timeout.connect(self._tick)
        self.recent.opened.connect(self.opened)
        self._connect()
        self._tell_stopped()

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        for i, card in enumerate(self.cards.values()):
            grid.addWidget(card, i // COLUMNS, i % COLUMNS)
            grid.setColumnStretch(i % COLUMNS, 1)
        return grid

    def _connect(self) -> None:
        for card in self.cards.values():
            card.begin.connect(self.begin)
            card.demo.connect(self.open_demo)
            card.tour.connect(self.tour_wanted)
            card.copied.connect(self._on_copied)

    # --- what a person does -----------------------------------------------------------------------------------

    def new_run(self) -> None:
        """The form for a BEGAN."""
        self.begin.emit("began")

    def open_demo(self, name: str) -> None:
        """Make the demo's run, if it is not there yet, and open it; the walks of the lab need none."""
        asset = self.cards[name].asset
        if asset is None:
            self.begin.emit(name)
        elif asset.has_run:
            self.cards[name].show_busy(True)
            self._unpacker.call(lambda: demos.install(name), lambda made: self._on_unpacked(name, made))
        else:
            self.demo_wanted.emit(asset, None)

    def _on_unpacked(self, name: str, made: Path) -> None:
        self.cards[name].show_busy(False)
        self.demo_wanted.emit(self.cards[name].asset, made)

    def _on_failed(self, sentence: str) -> None:
        for card in self.cards.values():
            card.show_busy(False)
        self.card.show_error(sentence)

    def _on_copied(self) -> None:
        self.tell("Copied the command that made this demo.")

    # --- what stopped last time -------------------------------------------------------------------------------

    def _tell_stopped(self) -> None:
        """A card for each run that was not closed, and for a crash without one."""
        log = stopped.crash_log()
        found = stopped.left_open()
        for one in found:
            word = f"Resume from step {one.step:,}"
            self._leftover(one.path, stopped.sentence(one, called(one.system)), word, log, one)
        if log and not found:
            self._leftover(
                Path(), "The program stopped in the middle of its work last time; no run was left open. Its log is at hand.", "", log, None
            )

    def _leftover(self, path: Path, sentence: str, word: str, log: str, one: stopped.Stopped | None) -> None:
        card = self.leftovers[path] = ErrorCard(kind="warning")
        card.show_error(sentence, word, log)
        card.remedy_button.setEnabled(self._ready)
        card.remedy.connect(lambda _: (stopped.forget_log(), self.resumed.emit(path)))
        card.closed.connect(lambda: (one and stopped.dismiss(one), self._seen(path)))
        self._upper.addWidget(card)

    def _seen(self, path: Path) -> None:
        """One has been dealt with; the log goes with the last."""
        card = self.leftovers.pop(path, None)
        if card is not None:
            card.hide()
            card.deleteLater()
        if not self.leftovers:
            stopped.forget_log()

    # --- what the window says ---------------------------------------------------------------------------------

    def set_ready(self, ready: bool) -> None:
        """Whether torch is there; until then a run cannot start."""
        self._ready = ready
        self.warming.setText("" if ready else "warming up PyTorch …")
        self.recent.set_ready(ready)
        for card in self.cards.values():
            card.set_ready(ready)
        for left in self.leftovers.values():
            left.remedy_button.setEnabled(ready)

    def refresh(self) -> None:
        """Read the list of runs again."""
        self._on_read(listing())

    def _read_aside(self) -> None:
        """The same beside the window: hundreds of runs take a moment."""
        if not self._reader.is_busy():
            self._reader.call(listing, self._on_read)

    def _on_read(self, found: list[RunFacts]) -> None:
        self.recent.show_runs(found, self.session.run, self.session.step)
        now = self.session.run.path.resolve() if self.session.run is not None else None
        for path in [p for p in self.leftovers if p != Path() and (p.resolve() == now or not (p / "owner.json").exists())]:
            self._seen(path)

    def stop(self) -> None:
        """The window is closing: what is being unpacked is finished."""
        self._clock.stop()
        self._reader.wait()
        self._unpacker.wait()

    # --- motion -----------------------------------------------------------------------------------------------

    def set_motion(self, on: bool) -> None:
        """Let the demos move, or stand still."""
        if on:
            self._clock.start()
        else:
            self._clock.stop()
            for card in self.cards.values():
                if card.view is not None:
                    card.view.show_still()

    def _tick(self) -> None:
        if self.window().isMinimized():
            return
        for card in self.cards.values():
            if card.view is not None:
                card.view.advance()

    def showEvent(self, event: Any) -> None:
        """The list may have changed, and the demos move."""
        super().showEvent(event)
        self._read_aside()
        self.set_motion(not settings().reduce_motion)

    def hideEvent(self, event: Any) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._clock.stop()


def _hint(picture: str, title: str, text: str) -> Card:
    card = Card()
    card.body.addLayout(row(IconLabel(picture), label(title, "strong"), 1))
    words = label(text, "muted")
    words.setWordWrap(True)
    card.body.addWidget(words)
    card.body.addStretch(1)
    return card
