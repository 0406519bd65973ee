"""Two runs scrubbed together: what both drew or wrote at the same step, what they differ in, and their curves with a cursor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from models.errors import StudioError
from models.reel import Reel
from studio import pasts, theme
from studio.panels.curves import CurvesPanel
from studio.panels.linesample import LineSample
from studio.panels.plot import Reason
from studio.panels.runcurves import LINES, overlay, show
from studio.panels.samples import GAP, ImageGrid
from studio.panels.sentencelist import SentenceList, digits
from studio.panels.timetrack import Marks, Track
from studio.panels.wipe import Wipe
from studio.pasts import Past
from studio.runs import RunFacts
from studio.widgets import Card, Combo, ElidedLabel, Segmented, column, label, row, tool

FRAME_MS, FRAMES = 90, 96  # of playing; frames of both that are kept in memory
FEW, LARGE = 4, 80  # pictures side by side, at least; pixels of one that is large enough
NOTHING = "Choose two runs in the list with Ctrl, or one that was forked: it is then shown beside the run it comes from."
NO_REEL = "{} has kept no samples of its training: there is nothing to scrub through here."


class TwinColumn(QWidget):
    """One of the two: its name, and the frame of a step."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.reel, self.steps, self.name = Reel(Path()), list[int](), ""
        self._cache: dict[int, Any] = {}
        self._columns = 0
        self.head, self.at = ElidedLabel("", "section"), ElidedLabel("", "caption")
        self.grid = ImageGrid(columns=8)
        self.words, self.reason = SentenceList(marked=False, selects=False), Reason()
        self.stack = QStackedWidget()
        for widget in (self.grid, self.words, self.reason):
            self.stack.addWidget(widget)
        body = column(self, spacing=4)
        head = row(LineSample(role), self.head, self.at, spacing=6)
        head.setStretch(1, 1)
        body.addLayout(head)
        body.addWidget(self.stack, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def show_run(self, run: RunFacts) -> None:
        """Another run."""
        self.reel, self.name = Reel.of(run.path), run.name
        self.steps = self.reel.steps()
        self._cache.clear()
        self.head.setText(run.name)
        self.grid.setAccessibleName(f"Samples of {run.name}")
        self.words.setAccessibleName(f"Sentences of {run.name}")

    @property
    def writes(self) -> str:
        """pictures, text, or nothing."""
        return self.reel.writes

    def frame(self, step: int) -> Any:
        """Pictures (n, H, W, C) or a list of sentences: the newest frame at or before a step, else the first; raises BadFile."""
        found = self.at_step(step)
        if found not in self._cache:
            if len(self._cache) >= FRAMES // 2:
                self._cache.pop(next(iter(self._cache)))
            self._cache[found] = self.reel.sentences(found) if self.writes == "text" else self.reel.frame(found)
        return self._cache[found]

    def at_step(self, step: int) -> int:
        """The step of that frame."""
        return self.steps[max(0, bisect_right(self.steps, step) - 1)]

    def show_step(self, step: int) -> None:
        """What it drew then."""
        if not self.steps:
            self.at.setText("")
            self._why(NO_REEL.format(self.name))
            return
        try:
            frame = self.frame(step)
        except StudioError as error:
            self._why(str(error))
            return
        at = self.at_step(step)
        self.at.setText(f"step {at:,}" + ("" if step <= self.steps[-1] else ", its last"))
        if isinstance(frame, np.ndarray):
            self._fit(frame.shape[2])
            self.grid.show_images(frame)
            self.stack.setCurrentWidget(self.grid)
        else:
            self.words.show_sentences(np.arange(len(frame)), frame.__getitem__, most=len(frame), digits=digits(frame))
            self.stack.setCurrentWidget(self.words)

    def resizeEvent(self, event: object) -> None:
        """Larger pictures may fit."""
        if self.grid.count():
            self._fit(self.grid.shown().shape[2])

    def _fit(self, wide: int) -> None:
        """Pictures of about LARGE pixels, if at least FEW of them fit beside each other: few large ones tell more than many small."""
        room, columns = round((self.width() - 2 * GAP) * self.devicePixelRatioF()), 8
        for zoom in range(1, 9):
            fitting = (room + GAP) // (wide * zoom + GAP)
            if zoom > 1 and (fitting < FEW or wide * (zoom - 1) >= LARGE):
                break
            columns = min(8, max(FEW, fitting))
        if columns != self._columns:
            self._columns = columns
            self.grid.set_columns(columns)

    def _why(self, text: str) -> None:
        self.reason.setText(text)
        self.stack.setCurrentWidget(self.reason)


class Twins(QWidget):
    """Two runs, one scrubber."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[RunFacts, ...] = ()
        self._pasts: tuple[Past, ...] = ()
        self._steps: list[int] = []
        self._dirty = False
        self.sides = (TwinColumn(LINES[0]), TwinColumn(LINES[1]))
        self.wipe = Wipe()
        self.how = Segmented(("All", "Wipe"), ("All samples of both, side by side", "One sample of both, with an edge between them"))
        self.how.chosen.connect(self._on_how)
        self.how.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.differences = label("", "caption")
        self.differences.setWordWrap(True)
        self.play_button = tool("play", "Play both (Space)", self.toggle)
        self.track = Track()
        self.track.setAccessibleName("Step of both runs")
        self.track.moved.connect(self.go_to)
        self.track.key.connect(lambda key: self.toggle() if key == "play" else None)
        self.step = label("", "strong")
        self.measure = Combo()
        self.measure.setAccessibleName("Measure of both runs")
        self.measure.setMinimumWidth(theme.theme().px(120))
        self.measure.activated.connect(lambda _: self._show_curves())
        self.curves: CurvesPanel | None = None
        self.reason = Reason()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self._arrange()
        for mine, other in (self.sides, self.sides[::-1]):
            mine.grid.selected.connect(lambda index, other=other: other.grid.select(index))  # the same sample is framed in both
            mine.grid.bar.valueChanged.connect(other.grid.bar.setValue)
        self.show_runs(())

    def _arrange(self) -> None:
        both = QWidget()
        line = row(*self.sides, spacing=12)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        both.setLayout(line)
        self.pictures = QStackedWidget()
        self.pictures.addWidget(both)
        self.pictures.addWidget(self.wipe)
        top = row(self.how, self.differences, spacing=12)
        top.setStretch(1, 1)
        self._place = column(spacing=0)
        foot = row(self.play_button, self.track, self.step, self.measure)
        foot.setStretch(1, 1)
        self.body_card = Card(margin=12, spacing=8)
        body = self.body_card.body
        body.addLayout(top)
        body.addWidget(self.pictures, 3)
        body.addLayout(foot)
        whole = column(self, spacing=8)
        whole.addWidget(self.body_card, 3)
        whole.addLayout(self._place, 2)
        whole.addWidget(self.reason, 1)

    # --- what the page says ---

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """Two runs; of none or one it is told how two are chosen. The same two some steps on change nothing of what is looked at."""
        if tuple(runs) == self._runs and runs:
            return
        same = [run.path for run in runs] == [run.path for run in self._runs]
        self._runs = tuple(runs)
        if same and self._pasts and not self._dirty:
            self._grow()
            return
        self._dirty = True
        if self.isVisible() or not runs:
            self._read()

    def current(self) -> int:
        """The step that is looked at."""
        return self.track.at or 0

    def go_to(self, step: int) -> None:
        """Look at the newest frame at or before a step."""
        if self._steps:
            self.track.show_at(self._steps[max(0, bisect_right(self._steps, step) - 1)])
            self._show_step()

    def toggle(self) -> None:
        """Play, or stop; from the beginning if it is at the end."""
        if self._timer.isActive():
            self._set_playing(False)
        elif len(self._steps) > 1:
            if self.current() == self._steps[-1]:
                self.go_to(self._steps[0])
            self._set_playing(True)

    def is_playing(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    # --- inside ---

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was chosen while nobody looked."""
        super().showEvent(event)
        if self._dirty:
            self._read()

    def hideEvent(self, event: Any) -> None:
        """Nothing plays behind another tab."""
        super().hideEvent(event)
        self._set_playing(False)

    def _read(self) -> None:
        self._dirty, self._pasts = False, ()
        self._set_playing(False)
        why = NOTHING if len(self._runs) != 2 else ""
        if not why:
            try:
                self._pasts = tuple(pasts.read(run.path) for run in self._runs)
            except (StudioError, OSError, ValueError, KeyError, TypeError) as error:
                why = str(error)
        self.reason.setText(why)
        self.reason.setVisible(bool(why))
        self.body_card.setVisible(not why)
        self._drop_curves()
        if not why:
            self._show_pair()

    def _show_pair(self) -> None:
        for side, run in zip(self.sides, self._runs, strict=True):
            side.show_run(run)
        self._show_track()
        self.track.show_at(self._steps[-1] if self._steps else None)
        wipes = all(side.writes == "pictures" for side in self.sides)
        self.how.setVisible(wipes)
        if not wipes:
            self.how.select(0)
        self.pictures.setCurrentIndex(self.how.selected())
        found = pasts.measures(self._pasts)
        self.measure.clear()
        for one in found:
            self.measure.addItem(one.label, one.key)
        first = pasts.first_of(found)
        self.measure.setCurrentIndex(found.index(first) if first else -1)
        self.measure.setVisible(bool(found))
        self._show_curves()
        self._show_step()

    def _show_track(self) -> None:
        self._steps = sorted({step for side in self.sides for step in side.steps})
        turned = {(step, text) for past in self._pasts for step, text in past.told}
        last = max(run.step for run in self._runs)
        self.track.show_marks(Marks(end=max([last, *self._steps]), frames=tuple(self._steps), turns=tuple(sorted(turned))))
        for control in (self.track, self.play_button):
            control.setEnabled(len(self._steps) > 1)

    def _grow(self) -> None:
        """The same two, some steps on: what was at the end stays at the end."""
        try:
            self._pasts = tuple(pasts.read(run.path) for run in self._runs)
        except (StudioError, OSError, ValueError, KeyError, TypeError):
            return
        at_end = not self._steps or self.current() == self._steps[-1]
        for side in self.sides:
            side.steps = side.reel.steps()
        self._show_track()
        if self.curves is not None:
            show(self.curves, [past.points(self.measure.currentData()) for past in self._pasts])
        if self._steps:
            self.go_to(self._steps[-1] if at_end else self.current())

    def _show_curves(self) -> None:
        self._drop_curves()
        key = self.measure.currentData()
        if not key:
            return
        self.curves = overlay(self.measure.currentText(), [run.name for run in self._runs], points=key.startswith(pasts.SCORE))
        self.curves.setMinimumHeight(theme.theme().px(180))
        self._place.addWidget(self.curves)
        show(self.curves, [past.points(key) for past in self._pasts])
        self.curves.show_cursor(self.current() if self._steps else None)

    def _drop_curves(self) -> None:
        if self.curves is not None:
            self.curves.hide()
            self.curves.setParent(None)
            self.curves.deleteLater()
            self.curves = None

    def _show_step(self) -> None:
        step = self.current()
        self.step.setText(f"step {step:,}" if self._steps else "")
        for side in self.sides:
            side.show_step(step)
        if self.pictures.currentWidget() is self.wipe:
            self._show_wipe(step)
        if self.curves is not None and self._steps:
            self.curves.show_cursor(step)
        self._show_differences(step)

    def _show_differences(self, step: int) -> None:
        told = pasts.differences(self._pasts[0], self._pasts[1], step if self._steps else 1 << 62)
        words = "   ".join(f"{name} {a} | {b}" for name, a, b in told[:8])
        more = f"   and {len(told) - 8} more" if len(told) > 8 else ""
        self.differences.setText(f"Different here: {words}{more}" if told else "Nothing is set differently at this step.")
        self.differences.setToolTip("\n".join(f"{name}: {a} | {b}" for name, a, b in told))

    def _show_wipe(self, step: int) -> None:
        try:
            frames = [side.frame(step) for side in self.sides]
        except StudioError:
            return  # its column tells why
        place = max(0, self.sides[0].grid.selection())
        left, right = (frame[min(place, len(frame) - 1)] for frame in frames)
        self.wipe.show_pair(left, right, (self.sides[0].name, self.sides[1].name))

    def _on_how(self, place: int) -> None:
        self.pictures.setCurrentIndex(place)
        self._show_step()

    def _advance(self) -> None:
        later = self._steps[bisect_right(self._steps, self.current()) :]
        if later:
            self.go_to(later[0])
        else:
            self._set_playing(False)

    def _set_playing(self, on: bool) -> None:
        self._timer.start() if on else self._timer.stop()
        theme.set_icon(self.play_button, "pause" if on else "play", "muted")
        self.play_button.setToolTip("Pause (Space)" if on else "Play both (Space)")
