"""Run, pause, step, save, stop; and how far it is."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QProgressBar

from studio import theme
from studio.pace import duration
from studio.widgets import ElidedLabel, button, label, row

RunState = Literal["empty", "opening", "running", "paused", "stopped", "finished", "failed", "reading"]

_WHY = {
    "empty": "Make or open a run first",
    "opening": "The run is being opened",
    "stopped": "The run is closed; open it again to go on",
    "failed": "The run has failed; go back to its last good state",
    "reading": "The run is only looked at: fork from here, or go back to the newest",
}

_WORDS = {
    "opening": "Opening",
    "paused": "Paused",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
    "reading": "Only looked at",
}


class Transport(QFrame):
    """The bar below the stage.

    Signals:
        run(), pause(), step(), save(), stop(): the button with this name was pressed.
    """

    run = Signal()
    pause = Signal()
    step = Signal()
    save = Signal()
    stop = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "transport")
        self.state: RunState = "empty"
        self.run_button = button("Run", "play", kind="primary", clicked=self._toggle)
        self.step_button = button("Step", "step", clicked=self.step.emit)
        self.save_button = button("Save", "save", clicked=self.save.emit)
        self.stop_button = button("Stop", "stop", clicked=self.stop.emit)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the run")
        self.why = label(kind="muted")
        self.text = ElidedLabel("", "caption")
        line = row(self.run_button, self.step_button, self.save_button, self.stop_button, self.why, self.bar, self.text, spacing=8)
        line.setContentsMargins(16, 0, 16, 0)
        line.setStretch(5, 1)
        line.insertSpacing(4, 8)
        line.insertSpacing(7, 8)
        self.setLayout(line)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()
        self.show_state("empty")

    def show_state(self, state: RunState, reason: str = "") -> None:
        """What the run is doing, and why it stands still."""
        self.state = state
        running = state == "running"
        self.run_button.setText("Pause" if running else "Run")
        theme.set_icon(self.run_button, "pause" if running else "play", "on_accent")
        self._allow(self.run_button, state in ("running", "paused", "finished"), "Pause the run (Ctrl+Enter)" if running else "Run (Ctrl+Enter)")
        self._allow(self.step_button, state in ("paused", "finished"), "One step (Ctrl+.)", "Pause the run to take single steps" if running else "")
        self._allow(self.save_button, state in ("running", "paused", "finished"), "Write a checkpoint that is never thinned out (Ctrl+S)")
        opening = state == "opening"
        self.stop_button.setText("Cancel" if opening else "Stop")
        leave = "Leave it" if opening else "Close it" if state == "reading" else "Save the run and close it"
        self._allow(self.stop_button, state in ("opening", "running", "paused", "finished", "reading"), leave)
        words = _WORDS.get(state, "")
        self.why.setText(f"{words}: {reason}" if words and reason else words)
        theme.set_kind(self.why, {"failed": "bad"}.get(state, "muted"))
        self.why.setVisible(bool(words))
        self.bar.setRange(0, 0 if state == "opening" else 1000)

    def show_progress(
        self,
        step: int,
        total: int,
        rate: float,
        seconds_left: float | None,
        device_text: str,
        memory_mb: float | None = None,
    ) -> None:
        """Steps, steps a second, time left, device and memory."""
        parts = [f"step {step:,} of {total:,}" if total else f"step {step:,}"]
        if rate > 0:
            parts.append(f"{rate:.1f} it/s" if rate >= 1 else f"{1 / rate:.1f} s/it")
        if seconds_left is not None:
            parts.append(f"{duration(seconds_left)} left")
        if device_text:
            parts.append(device_text)
        if memory_mb is not None:
            parts.append(f"{memory_mb:,.0f} MB" if memory_mb < 10_000 else f"{memory_mb / 1024:,.1f} GB")
        self.text.setText(" · ".join(parts))
        if self.bar.maximum():
            self.bar.setValue(round(1000 * step / total) if total else 0)

    def _toggle(self) -> None:
        (self.pause if self.state == "running" else self.run).emit()

    def _allow(self, widget: QFrame | object, on: bool, tip: str, why: str = "") -> None:
        widget.setEnabled(on)  # pyright: ignore[reportAttributeAccessIssue]
        widget.setToolTip(tip if on else why or _WHY.get(self.state, tip))  # pyright: ignore[reportAttributeAccessIssue]

    def _sizes(self) -> None:
        t = theme.theme()
        self.setFixedHeight(t.px(56))
        self.bar.setMinimumWidth(t.px(80))
        self.run_button.setMinimumWidth(t.px(96))
        for b in (self.run_button, self.step_button, self.save_button, self.stop_button):
            b.setIconSize(QSize(t.px(16), t.px(16)))
