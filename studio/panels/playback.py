"""Play, step, back, reset and speed of a walk."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame

from studio import theme
from studio.widgets import Combo, ElidedLabel, button, label, row
from studio.workers.lab import ALL_OUT, SLOW

SPEEDS = (
    ("Slow motion", SLOW, "drift and noise of each step one after the other"),
    ("1 step a frame", 1, "about 25 steps a second"),
    ("4 steps a frame", 4, "about 100 steps a second"),
    ("20 steps a frame", 20, "about 500 steps a second, if they can be done"),
    ("As fast as it goes", ALL_OUT, "the walk takes all the time there is"),
)


class Playback(QFrame):
    """The bar below the stage.

    Signals:
        play(), pause(), step(), back(), reset(): the button with this name was pressed.
        speed(int): steps a frame, SLOW or ALL_OUT.
    """

    play = Signal()
    pause = Signal()
    step = Signal()
    back = Signal()
    reset = Signal()
    speed = Signal(int)

    def __init__(self, speeds: Sequence[tuple[str, int, str]] = SPEEDS, chosen: int = 1) -> None:
        """`speeds`: word, number and tooltip of each; `chosen` is the first one's place."""
        super().__init__()
        self.setProperty("kind", "transport")
        self._speeds = speeds
        self.playing = False
        self.play_button = button("Play", "play", kind="primary", tip="Play (Ctrl+Enter)", clicked=self.toggle)
        self.step_button = button("Step", "step", tip="One step of all chains (Ctrl+.)", clicked=self.step.emit)
        self.back_button = button("Back", "back", tip="Take the last step back, exactly (Ctrl+,)", clicked=self.back.emit)
        self.reset_button = button("Reset", "reset", tip="The same chains from their start, with the knobs as they are", clicked=self.reset.emit)
        self.speeds = Combo([s[0] for s in speeds])
        self.speeds.setCurrentIndex(chosen)
        self.speeds.setAccessibleName("Speed")
        self.speeds.activated.connect(self._on_speed)
        self.text = ElidedLabel("", "caption")
        line = row(self.play_button, self.step_button, self.back_button, self.reset_button, label("Speed", "muted"), self.speeds, 1, self.text)
        line.setContentsMargins(16, 0, 16, 0)
        line.insertSpacing(4, 8)
        self.line = line
        self.setLayout(line)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()
        self._on_speed(chosen, tell=False)

    def show_playing(self, on: bool) -> None:
        """Whether it plays."""
        if on != self.playing:
            self.playing = on
            self.play_button.setText("Pause" if on else "Play")
            self.play_button.setToolTip("Pause (Ctrl+Enter)" if on else "Play (Ctrl+Enter)")
            theme.set_icon(self.play_button, "pause" if on else "play", "on_accent")

    def toggle(self) -> None:
        """Play or pause."""
        (self.pause if self.playing else self.play).emit()

    def show_progress(self, step: int, rate: float | None, chains: int, kept: str) -> None:
        """How far, how fast, with how many."""
        fast = f" · {rate:,.0f} steps/s" if rate else ""
        self.text.setText(f"step {step:,}{fast} · {chains:,} chain{'s' if chains != 1 else ''}{kept}")

    def _on_speed(self, place: int, *, tell: bool = True) -> None:
        self.speeds.setToolTip(self._speeds[place][2])
        if tell:
            self.speed.emit(self._speeds[place][1])

    def _sizes(self) -> None:
        t = theme.theme()
        self.setFixedHeight(t.px(56))
        self.play_button.setMinimumWidth(t.px(96))
        self.speeds.setMinimumWidth(t.px(150))
        for b in (self.play_button, self.step_button, self.back_button, self.reset_button):
            b.setIconSize(QSize(t.px(16), t.px(16)))
