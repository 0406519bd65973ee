"""The latest runs, each in a line with a picture, its facts and a button."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from studio import theme
from studio.pages import PAGES, called
from studio.runs import RunFacts
from studio.widgets import Card, ElidedLabel, button, column, label, row

MOST = 8  # runs in the list
STRIP = (280, 64)  # pixels of the picture


class RecentRuns(QWidget):
    """Signals:
    opened (object): open the run at this Path.
    """

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RunRow] = []
        self._ready = False
        self._shown: list[tuple[RunFacts, str]] | None = None
        self._list = column(self, spacing=8)

    def set_ready(self, ready: bool) -> None:
        """Whether a run can be opened."""
        self._ready = ready
        for entry in self.rows:
            entry.open_button.setEnabled(ready)

    def show_runs(self, runs: Sequence[RunFacts], now: Any, step: int) -> None:
        """The newest of `runs`, but for damaged ones; `now` is the open run or None, and `step` where it is."""
        found = [(run, "") for run in runs if run.state == "ok"][:MOST]
        if now is not None:
            found = [(replace(run, step=step), " · open now") if run.path == now.path else (run, "") for run, _ in found]
        if found == self._shown:
            return
        self._shown = found
        while (item := self._list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self.rows = [RunRow(run, more) for run, more in found]
        for entry in self.rows:
            entry.open_button.setEnabled(self._ready)
            entry.opened.connect(self.opened)
            self._list.addWidget(entry)
        if not found:
            self._list.addWidget(label("None yet. A run is saved by itself, and stands here from its first step.", "muted"))


class RunRow(Card):
    """One run: what it draws, what it is, and a button.

    Signals:
        opened (object): its Path.
    """

    opened = Signal(object)

    def __init__(self, run: RunFacts, more: str) -> None:
        super().__init__(margin=8)
        picture, strip = QLabel(), QPixmap(str(run.preview or ""))
        picture.setFixedWidth(STRIP[0])
        if strip.isNull():
            picture.setPixmap(theme.icon(run.system if run.system in PAGES else "open", theme.theme().accent(run.system)).pixmap(24, 24))
            picture.setContentsMargins(8, 0, 0, 0)
        else:
            picture.setPixmap(strip.copy(0, 0, *STRIP))  # as many as fit, at their own size
        about = column(spacing=0)
        about.addWidget(label(run.name, "strong"))
        of = f" of {run.total:,}" if run.step <= run.total else ""
        name = called(run.system)
        about.addWidget(ElidedLabel(f"{name} on {run.title} · {run.preset} · step {run.step:,}{of}{more}", "caption"))
        when = label(time.strftime("%d %b %Y %H:%M", time.localtime(run.time)), "caption")
        self.open_button = button("Open", "open", tip=str(run.path), clicked=lambda: self.opened.emit(run.path))
        line = row(picture, spacing=12)
        line.addLayout(about, 1)
        line.addWidget(when)
        line.addWidget(self.open_button)
        self.body.addLayout(line)
