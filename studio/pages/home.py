"""Start, or go on where one stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from models.files import home
from studio import theme
from studio.pages import PAGES
from studio.pages.page import Page
from studio.panels.scrolling import scrolled
from studio.picture import to_pixmap
from studio.widgets import Card, ElidedLabel, button, column, label, row

MOST = 24  # runs in the list
SYSTEMS = (  # page, title, what it is, word of its button, icon of it
    (
        "bgan",
        "BGAN: by weights",
        "Pictures of few colours, text and toys are learnt by importance weights, seen under every sample, for seven divergences.",
        "Train a BGAN",
        "play",
    ),
    (
        "ppgn",
        "PPGN: plug & play",
        "A classifier, a generator that inverts it, denoisers and a captioner, each trained in its own phase, and a classifier that only judges.",
        "Train a PPGN",
        "play",
    ),
    (
        "seqgan",
        "SeqGAN: by reward",
        "Text learnt by likelihood, then by reward, against a known oracle or on your own file; the reward is seen under every token.",
        "Train a SeqGAN",
        "play",
    ),
    (
        "maskgan",
        "MaskGAN: blanks",
        "Blank the words of a sentence with a click: two nets fill them, side by side, and a discriminator says how real every word is.",
        "Train a MaskGAN",
        "play",
    ),
    (
        "lab",
        "Sampler lab",
        "Metropolis-Hastings, MALA and MALA-approx race on the same target, step by step, with their diagnostics and the true answer beside them.",
        "Open the lab",
        "lab",
    ),
)
HINTS = (
    ("folder", "Your own data", "Drop a folder of pictures or a text file anywhere on this window. Nothing leaves this machine."),
    ("settings", "Steer it", "Every knob acts at the next step, is written into the journal, and can be undone with Ctrl+Z."),
    ("export", "Give it away", "Every exported file carries its recipe. Drop it here to open the run that made it."),
)


def mosaic() -> np.ndarray:
    """Some faces side by side, (height, width, 3) uint8 with a gap of the card's colour."""
    from models.data import faces

    drawn = faces.draw(range(40, 58), 64)
    gap = QColor(theme.theme().panel)
    sheet = np.full((3 * 68 - 4, 6 * 68 - 4, 3), (gap.red(), gap.green(), gap.blue()), np.uint8)
    for i, face in enumerate(drawn):
        y, x = i // 6 * 68, i % 6 * 68
        sheet[y : y + 64, x : x + 64] = face
    return sheet


class HomePage(Page):
    """What can be done here, and the latest runs.

    Signals:
        begin (str): open a system's page with a new run.
        opened (object): open the run at this Path.
    """

    TITLE = "Sampling Studio"
    begin = Signal(str)
    opened = Signal(object)

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session
        self.subtitle.setText("Train, steer and sample generative adversarial models")
        self.begin_button = button("Train a BEGAN", "play", kind="primary", clicked=lambda: self.begin.emit("began"))
        theme.set_accent(self.begin_button, "began")
        self.starters = {"began": self.begin_button}
        self.warming = label("", "caption")
        self.list = column(spacing=8)
        inside = QWidget()
        inside.setProperty("kind", "clear")
        body = column(inside, spacing=12)
        body.addWidget(self._hero())
        systems = row(*(self._system(*words) for words in SYSTEMS), spacing=12)
        for i in range(len(SYSTEMS)):
            systems.setStretch(i, 1)
        body.addLayout(systems)
        hints = row(*(self._hint(*words) for words in HINTS), spacing=12)
        for i in range(len(HINTS)):
            hints.setStretch(i, 1)
        body.addLayout(hints)
        body.addSpacing(8)
        body.addWidget(label("Recent runs", "section"))
        body.addLayout(self.list)
        body.addStretch(1)
        self.stage.addWidget(scrolled(inside))
        self.rows: list[RunRow] = []

    def _hero(self) -> QWidget:
        """What to do first, beside some of the faces that it is done with."""
        hero = Card(margin=16)
        words = column(spacing=12)
        words.addStretch(1)
        words.addWidget(label("Watch a GAN learn to draw faces", "title"))
        text = label(
            "BEGAN's discriminator is an auto-encoder: it learns to redraw real pictures, and the generator learns to be redrawn as well. "
            "A small controller, kₜ, keeps the two in balance at the diversity γ that you choose. The first faces appear within a minute, "
            "without a GPU and without a network.",
            "muted",
        )
        text.setWordWrap(True)
        text.setMaximumWidth(theme.theme().px(720))
        words.addWidget(text)
        words.addLayout(row(self.begin_button, self.warming, 1))
        words.addStretch(1)
        faces = Painted(lambda: to_pixmap(mosaic()))  # its gaps have the card's colour
        faces.setAccessibleName("Cartoon faces that the studio draws as training data")
        line = row(spacing=24)
        line.addLayout(words, 1)
        line.addWidget(faces)
        hero.body.addLayout(line)
        return hero

    def _system(self, name: str, title: str, text: str, word: str, icon: str) -> QWidget:
        """What else can be begun here."""
        starter = self.starters[name] = button(word, icon, clicked=lambda: self.begin.emit(name))
        card = self._hint(name, title, text, name)
        card.body.addLayout(row(starter, 1))
        return card

    def _hint(self, picture: str, title: str, text: str, system: str = "") -> Card:
        card = Card()
        head = Painted(lambda: theme.icon(picture, theme.theme().accent(system) if system else theme.theme().muted).pixmap(QSize(18, 18)))
        card.body.addLayout(row(head, label(title, "strong"), 1))
        words = label(text, "muted")
        words.setWordWrap(True)
        card.body.addWidget(words)
        card.body.addStretch(1)
        return card

    def new_run(self) -> None:
        """The form for a BEGAN."""
        self.begin.emit("began")

    def set_ready(self, ready: bool) -> None:
        """Whether torch is there; until then a run cannot start."""
        for starter in self.starters.values():
            starter.setEnabled(ready)
        self.warming.setText("" if ready else "warming up PyTorch …")
        for entry in self.rows:
            entry.open_button.setEnabled(ready)

    def refresh(self) -> None:
        """Read the list of runs again."""
        while (item := self.list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        found = recent_runs()
        now = self.session.run
        for run in found:
            if now is not None and now.path == run["path"]:
                run |= {"step": self.session.step, "now": " · open now"}
        self.rows = [RunRow(run) for run in found]
        for entry in self.rows:
            entry.open_button.setEnabled(self.begin_button.isEnabled())
            entry.opened.connect(self.opened)
            self.list.addWidget(entry)
        if not found:
            self.list.addWidget(label("None yet. A run is saved by itself, and stands here from its first step.", "muted"))

    def showEvent(self, event: Any) -> None:
        """The list may have changed."""
        super().showEvent(event)
        self.refresh()


class Painted(QLabel):
    """A picture that is made anew for every scheme."""

    def __init__(self, make: Callable[[], QPixmap]) -> None:
        super().__init__()
        self._make = make
        theme.notifier.changed.connect(self._again)
        self._again()

    def _again(self) -> None:
        self.setPixmap(self._make())


class RunRow(Card):
    """One run: what it draws, what it is, and a button.

    Signals:
        opened (object): its Path.
    """

    opened = Signal(object)

    def __init__(self, run: dict[str, Any]) -> None:
        super().__init__(margin=8)
        picture = QLabel()
        strip = QPixmap(str(run["path"] / "preview.png"))
        picture.setFixedWidth(280)
        picture.setPixmap(strip.copy(0, 0, 280, 64))  # as many as fit, at their own size
        about = column(spacing=0)
        about.addWidget(label(run["name"], "strong"))
        of = f" of {run['total']:,}" if run["step"] <= run["total"] else ""
        name = PAGES.get(run["system"], (run["system"].upper(),))[0]
        facts = f"{name} on {run['title']} · {run['preset']} · step {run['step']:,}{of}{run.get('now', '')}"
        about.addWidget(ElidedLabel(facts, "caption"))
        when = label(time.strftime("%d %b %Y %H:%M", time.localtime(run["time"])), "caption")
        self.open_button = button("Open", "open", tip=str(run["path"]), clicked=lambda: self.opened.emit(run["path"]))
        line = row(picture, spacing=12)
        line.addLayout(about, 1)
        line.addWidget(when)
        line.addWidget(self.open_button)
        self.body.addLayout(line)


def recent_runs() -> list[dict[str, Any]]:
    """The newest runs in the studio's home, newest first; what cannot be read is left out."""
    out = []
    for file in (home() / "runs").glob("*/run.json"):
        try:
            record = json.loads(file.read_text("utf-8"))
            checkpoints = sorted((file.parent / "checkpoints").glob("*.safetensors"))
            out.append(
                {
                    "path": file.parent,
                    "name": str(file.parent.name),
                    "system": str(record["system"]),
                    "title": str(record["data"]["title"]),
                    "preset": str(record["preset"]),
                    "total": sum(int(p["steps"]) for p in record["phases"]),
                    "step": int(checkpoints[-1].stem),
                    "time": checkpoints[-1].stat().st_mtime,
                }
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    return sorted(out, key=lambda run: run["time"], reverse=True)[:MOST]
