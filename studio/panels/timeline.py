"""The time machine's bar: a run from its first step to now, one handle, and what can be done at the step it is on."""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QFrame, QMenu, QToolButton

from studio import theme
from studio.panels.timetrack import HEIGHT, LOW, Marks, Track
from studio.widgets import Combo, button, label, row, tool

SPEEDS = (2, 5, 10, 20)  # frames a second
_USUAL = 2  # the place of the first one


class Timeline(QFrame):
    """Play, the track, where the handle is, and what can be done there; hidden while a run has fewer than two frames.

    Attributes:
        track: the painted part.
        playing: whether the handle moves by itself.

    Signals:
        scrubbed (int): look at the frame of a step.
        live (): back to the present.
        bookmark (int, bool): put a bookmark on the frame of a step, or take it away.
        fork (), what_if (): from the step that is looked at.
        look (): open the run as it was then.
        export (int, int): the frames from a step to another as an animation.
    """

    scrubbed = Signal(int)
    live = Signal()
    bookmark = Signal(int, bool)
    fork = Signal()
    what_if = Signal()
    look = Signal()
    export = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "transport")
        self.setAccessibleName("Time machine")
        self.playing = False
        self.track = Track()
        self.play_button = tool("play", "Play the training from here (Space)", self.toggle)
        self.speeds = Combo([f"{n}/s" for n in SPEEDS])
        self.speeds.setCurrentIndex(_USUAL)
        self.speeds.setAccessibleName("Frames a second")
        self.speeds.setToolTip("Frames a second")
        self.speeds.currentIndexChanged.connect(self._on_speed)
        self.text = label("", "strong")
        self.live_button = button("Live", tip="Back to the present (Esc on the track)", clicked=self.live.emit)
        self.bookmark_button = tool("flag", "", self._on_bookmark)
        self.bookmark_button.setCheckable(True)
        self.fork_button = button("Fork…", "fork", clicked=self.fork.emit)
        self.what_button = button("What if…", clicked=self.what_if.emit)
        self.more_button = tool("more", "More about this step: open the run as it was, export a range")
        self._menu = QMenu(self.more_button)
        self._menu.aboutToShow.connect(self._fill)
        self.more_button.setMenu(self._menu)
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._line = line = row(self.play_button, self.speeds, self.track, self.text, self.live_button, self.bookmark_button, spacing=8)
        for b in (self.fork_button, self.what_button, self.more_button):
            line.addWidget(b)
        line.setContentsMargins(16, 0, 16, 0)
        line.setStretch(2, 1)
        self.setLayout(line)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_tick)
        self.track.moved.connect(self._on_moved)
        self.track.key.connect(self._on_key)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()
        self._on_speed(_USUAL)
        self.show_at(None)

    # --- what the page says ---

    @property
    def at(self) -> int | None:
        """The step that is looked at; None for the present."""
        return self.track.at

    @property
    def marks(self) -> Marks:
        """What is known of the run."""
        return self.track.marks

    def has_frames(self) -> bool:
        """Whether there is something to scrub."""
        return len(self.marks.frames) > 1

    def show_marks(self, marks: Marks) -> None:
        """What is known of the run now."""
        if marks != self.marks:
            self.track.show_marks(marks)
            self._tell()

    def show_at(self, step: int | None) -> None:
        """A frame, or the present for None, is looked at."""
        self.track.show_at(step)
        if step is None:
            self.stop()
        self._tell()

    def clear(self) -> None:
        """Another run."""
        self.stop()
        self.track.show_range(None, None)
        self.track.show_marks(Marks())
        self.show_at(None)

    def toggle(self) -> None:
        """Play from the handle, from the beginning of the marked range if it is outside or at its end; or stop."""
        if self.playing:
            self.stop()
        elif self.has_frames() and self.marked():
            self.playing = True
            theme.set_icon(self.play_button, "pause", "muted")
            self.play_button.setToolTip("Stop here (Space)")
            self.play_button.setAccessibleName("Stop here")
            frames = self.marked()
            if self.at is None or not frames[0] <= self.at < frames[-1]:
                self.track.go_to(frames[0])
            self._timer.start()

    def stop(self) -> None:
        """No longer move by itself."""
        if self.playing:
            self.playing = False
            self._timer.stop()
            theme.set_icon(self.play_button, "play", "muted")
            self.play_button.setToolTip("Play the training from here (Space)")
            self.play_button.setAccessibleName("Play the training from here")

    # --- inside ---

    def _tell(self) -> None:
        """Where the handle is, and what the buttons do there."""
        at, marks = self.at, self.marks
        self.text.setText("now" if at is None and marks.now == marks.end else f"step {marks.now if at is None else at:,}")
        self.live_button.setEnabled(at is not None)
        marked = at in marks.bookmarks
        self.bookmark_button.setChecked(marked)
        self.bookmark_button.setEnabled(at is not None)
        if at is None:
            tip = "Bookmark: go to a frame first (B)"
        else:
            tip = f"Take the bookmark of step {at:,} away (B)" if marked else f"Bookmark step {at:,}: its frame and its checkpoint stay (B)"
        self.bookmark_button.setToolTip(tip)
        self.bookmark_button.setAccessibleName(tip)
        kept = marks.kept_before(marks.now if at is None else at)
        from_there = f"step {kept:,}" if kept is not None else "a kept checkpoint"
        self.fork_button.setToolTip(f"A new run that goes on from {from_there}, beside this one")
        self.what_button.setToolTip(f"Two new runs from {from_there}: one as it was, one with a knob changed")

    def _on_moved(self, step: int) -> None:
        self._tell()
        self.scrubbed.emit(step)

    def _on_tick(self) -> None:
        frames, at = self.marked(), self.at
        if at is None or at >= frames[-1]:
            self.stop()
        else:
            self.track.go_to(frames[bisect_right(frames, at)])

    def _on_key(self, word: str) -> None:
        match word:
            case "play":
                self.toggle()
            case "bookmark":
                self._on_bookmark()
            case "live" if self.at is not None:
                self.live.emit()
            case "in" | "out":
                self._mark(word)
            case _:
                pass

    def _on_bookmark(self) -> None:
        if self.at is not None:
            self.bookmark.emit(self.at, self.at not in self.marks.bookmarks)
        self._tell()

    def _mark(self, end: str) -> None:
        """The step looked at is one end of the range; the other end gives way."""
        frames = self.marks.frames
        if not frames:
            return
        at = (self.marks.frame_near(self.marks.now) or 0) if self.at is None else self.at
        first, last = self.track.range
        if end == "in":
            self.track.show_range(at, last if last is not None and last > at else None)
        else:
            self.track.show_range(first if first is not None and first < at else None, at)

    def marked(self) -> list[int]:
        """The frames of the marked range; all of them where nothing is marked."""
        first, last = self.track.range
        return [s for s in self.marks.frames if (first is None or s >= first) and (last is None or s <= last)]

    def _fill(self) -> None:
        """The menu, as it is now."""
        menu, chosen = self._menu, self.marked()
        menu.clear()
        look = menu.addAction("Open the run as it was then")
        look.setEnabled(self.marks.kept_before(self.marks.now if self.at is None else self.at) is not None)
        look.triggered.connect(lambda *_: self.look.emit())
        menu.addSeparator()
        menu.addAction("The range begins here\tI").triggered.connect(lambda *_: self._mark("in"))
        menu.addAction("The range ends here\tO").triggered.connect(lambda *_: self._mark("out"))
        clear = menu.addAction("No range")
        clear.setEnabled(self.track.range != (None, None))
        clear.triggered.connect(lambda *_: self.track.show_range(None, None))
        if chosen:
            words = f"Export steps {chosen[0]:,} to {chosen[-1]:,} as an animation…"
            export = menu.addAction(words)
            export.setEnabled(self._exports)
            export.triggered.connect(lambda *_: self.export.emit(chosen[0], chosen[-1]))

    _exports = True

    _low = False

    def set_low(self, on: bool) -> None:
        """Without the words below the groove, for windows that have little height."""
        if on != self._low:
            self._low = on
            self._sizes()

    def allow_export(self, on: bool) -> None:
        """Whether frames are pictures, of which an animation can be made."""
        self._exports = on

    def _on_speed(self, place: int) -> None:
        self._timer.setInterval(round(1000 / SPEEDS[place]))

    def _sizes(self) -> None:
        t = theme.theme()
        high = t.px(LOW if self._low else HEIGHT)
        self.setFixedHeight(high)
        self.track.setFixedHeight(high - 1)  # the bar has a hairline
        self.text.setMinimumWidth(t.px(86))
        self.speeds.setFixedWidth(t.px(68))
        for b in (self.fork_button,):
            b.setIconSize(QSize(t.px(16), t.px(16)))
