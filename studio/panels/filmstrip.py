"""The selected chain's frames: look at one, go on from one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from studio import theme
from studio.chainmessages import Strip
from studio.panels.samples import ImageGrid
from studio.widgets import ElidedLabel, column, row, small

FRAME = 64  # pixels


class _Frames(ImageGrid):
    """Frames in a row; a click with Ctrl is another.

    Signals:
        forked(int): Ctrl+click on a frame, or F with it selected.
    """

    forked = Signal(int)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Fork with Ctrl."""
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() & Qt.KeyboardModifier.ControlModifier and index >= 0:
            self._pressed = None
            self.forked.emit(index)
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F forks."""
        if event.key() == Qt.Key.Key_F and self.selection() >= 0:
            self.forked.emit(self.selection())
        else:
            super().keyPressEvent(event)


class FilmStrip(QWidget):
    """Frames spread over what is kept of one chain.

    Signals:
        looked(int): a frame was clicked; so many moments ago.
        forked(int): all chains go on from the frame of so many moments ago.
        resized(int): so many frames fit now.
    """

    looked = Signal(int)
    forked = Signal(int)
    resized = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._strip: Strip | None = None
        self._fit = 0
        self._chosen = -1  # moments ago, as long as one is looked at
        self.title = ElidedLabel("Film strip", "section")
        self.fork_button = small("Fork now", "All chains go on from the frame that is looked at, or from the last one (Ctrl+click, or F)")
        self.fork_button.clicked.connect(lambda: self.forked.emit(max(0, self._chosen)))
        self.frames = _Frames()
        self.frames.strip(self.frames.shown())
        self.frames.setAccessibleName("Film strip of the selected chain")
        self.frames.clicked.connect(self._on_clicked)
        self.frames.forked.connect(lambda i: self.forked.emit(self._strip.backs[i]) if self._strip else None)
        body = column(self, spacing=0)
        head = row(self.title, self.fork_button)
        head.setStretch(0, 1)
        body.addLayout(head)
        body.addWidget(self.frames)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def fits(self) -> int:
        """How many frames fit."""
        return self._fit

    def show_strip(self, strip: Strip) -> None:
        """Newer frames."""
        self._strip = strip
        self.frames.strip(strip.pictures, [f"{s:,}" for s in strip.steps])
        if self._chosen < 0:
            self.frames.select(-1)
        self.title.setText(f"Film strip of chain {strip.chain + 1} · click a frame to look at it, Ctrl+click to fork")

    def show_back(self, back: int) -> None:
        """A frame of so many moments ago is looked at; 0 for none."""
        self._chosen = back or -1
        if not back:
            self.frames.select(-1)
        self.fork_button.setText("Fork here" if back else "Fork now")

    def resizeEvent(self, event: object) -> None:
        """More frames fit a wider window."""
        fit = max(2, (self.width() + 4) // (theme.theme().px(FRAME) + 4))
        if fit != self._fit:
            self._fit = fit
            self.resized.emit(fit)

    def _on_clicked(self, index: int) -> None:
        if self._strip is not None:
            self._chosen = self._strip.backs[index] or -1
            self.looked.emit(self._strip.backs[index])

    def _sizes(self) -> None:
        self.frames.set_max_zoom(2)
        self.frames.setFixedHeight(theme.theme().px(FRAME + 16))
