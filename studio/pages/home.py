"""Start, or go on where one stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from models.files import home
from studio import theme
from studio.pages.page import Page
from studio.widgets import Card, ElidedLabel, button, column, label, row

MOST = 24  # runs in the list


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
        del session
        self.subtitle.setText("Train, steer and sample generative adversarial models")
        self.begin_button = button("Train a BEGAN", "play", kind="primary", clicked=lambda: self.begin.emit("began"))
        theme.set_accent(self.begin_button, "began")
        start = Card()
        start.body.addWidget(label("Watch a GAN learn to draw faces", "title"))
        text = label(
            "BEGAN trains an auto-encoder as its discriminator, and a small controller, k_t, keeps it in balance with the generator. "
            "Choose the cartoon faces that the studio draws, or drop a folder or a zip of your own pictures; turn γ while it trains; "
            "export what you like with its recipe inside.",
            "muted",
        )
        text.setWordWrap(True)
        start.body.addWidget(text)
        self.warming = label("", "caption")
        start.body.addLayout(row(self.begin_button, self.warming, 1))
        self.list = column(spacing=8)
        inside = QWidget()
        inside.setProperty("kind", "clear")
        body = column(inside, spacing=12)
        body.addWidget(start)
        body.addWidget(label("Recent runs", "section"))
        body.addLayout(self.list)
        body.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        self.stage.addWidget(area)
        self.rows: list[RunRow] = []

    def set_ready(self, ready: bool) -> None:
        """Whether torch is there; until then a run cannot start."""
        self.begin_button.setEnabled(ready)
        self.warming.setText("" if ready else "warming up PyTorch …")
        for entry in self.rows:
            entry.open_button.setEnabled(ready)

    def refresh(self) -> None:
        """Read the list of runs again."""
        while (item := self.list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        found = recent_runs()
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


class RunRow(Card):
    """One run: what it draws, what it is, and a button.

    Signals:
        opened (object): its Path.
    """

    opened = Signal(object)

    def __init__(self, run: dict[str, Any]) -> None:
        super().__init__(margin=8)
        picture = QLabel()
        picture.setFixedSize(QSize(theme.theme().px(288), theme.theme().px(40)))
        strip = QPixmap(str(run["path"] / "preview.png"))
        if not strip.isNull():
            picture.setPixmap(strip.scaled(picture.size(), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation))
        about = column(spacing=0)
        about.addWidget(label(run["name"], "strong"))
        about.addWidget(ElidedLabel(f"{run['system'].upper()} on {run['title']} · {run['preset']} · step {run['step']:,} of {run['total']:,}", "caption"))
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


__all__ = ["HomePage", "Path", "recent_runs"]
