"""Where chains start, on their face: noise, codes, or a picture with a mask over it; from a file, or from a chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from studio.pages.chaindoors import PICTURES

if TYPE_CHECKING:
    from studio.pages.ppgnchains import ChainsFace

Beginning = tuple[int, np.ndarray, np.ndarray, str]  # the kind, the picture, its mask, the file that it came from


class ChainStart(QObject):
    """Of one face; every other start is an entry of its history, and makes new chains.

    Attributes:
        file: where the start picture came from, as long as it is that; "" where it is no file.
    """

    def __init__(self, face: ChainsFace) -> None:
        super().__init__(face)
        self._face, self._panel, self.file = face, face.stage.start, ""
        self._known = self._now()  # as the history knows it
        self._panel.changed.connect(self._on_changed)
        self._panel.open.connect(lambda: face.doors.ask("Start from a picture", PICTURES, self.open_picture))
        self._panel.take.connect(self._take)
        self._panel.dropped.connect(self.open_picture)
        face.worker.pictured.connect(self._on_pictured)

    def settle(self) -> None:
        """What stands there now is where the history begins."""
        self._known = self._now()

    def open_picture(self, path: Path) -> None:
        """Start from a picture file."""
        self._face.worker.ask_for("picture", path)

    def _on_changed(self) -> None:
        if not isinstance(self._panel.start(), str) and self._panel.canvas.shown.size == 0:
            return
        self._remember()
        if self._face.facts is not None:
            self._face.steering.mask(self._panel.hole() is not None)
            self._face.make()

    def _remember(self) -> None:
        before, now = self._known, self._now()
        self._known = now
        other = before[1].shape != now[1].shape or not np.array_equal(before[1], now[1])
        what = "start picture" if other else "mask" if not np.array_equal(before[2], now[2]) else "start of the chains"
        self._face.history.done(what, lambda: self._put(before), lambda: self._put(now))

    def _now(self) -> Beginning:
        panel = self._panel
        return (panel.kinds.selected(), panel.canvas.shown, panel.canvas.hole, self.file)

    def _put(self, at: Beginning) -> None:
        self.file = at[3]
        self._panel.put(*at[:3])

    def _take(self) -> None:
        """The picture of the selected chain."""
        if (frame := self._face.frame) is not None:
            self.file = ""
            self._panel.show_picture(frame.pictures[min(self._face.stage.chain, len(frame.pictures) - 1)].copy())

    def _on_pictured(self, picture: np.ndarray, path: str) -> None:
        self.file = path
        self._panel.show_picture(picture)
