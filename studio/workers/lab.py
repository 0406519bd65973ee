"""Drives the sampler lab in a QThread: several kernels on one target take turns, play, step, back, slow motion.

What crosses is in `studio.messages`: numbers only. At most RATE frames a second leave, and none before the window has taken the last one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QThread, Signal

from studio.messages import Frame, LaneFrame, Walk
from studio.workers import framing, lanes
from studio.workers.inbox import Wish, taken, trouble_of

RATE = 25.0
SLOW, ALL_OUT = 0, -1  # speeds beside the numbers of steps a frame
KEEP = 5000  # steps that can be taken back
_PAUSE = 0.4  # seconds of each part of a step in slow motion
_SETTLED = 0.12  # seconds without a wish, before what stands still is summed up
_SUM_EVERY, _SUM_NUMBERS = 0.5, 100_000  # seconds; draws × dimensions that a summary looks at


class LabWorker(QThread):
    """The lab's thread.

    Signals:
        opened (WalkOpened): the chains are made, or stand on a repainted target.
        framed (Frame): answered with `taken`, or no more come.
        summed (tuple of Diagnosis): one a lane, about twice a second.
        limited (Limit): of a lane without rejections, after each change of its knobs.
        turned (int, dict): the lane has other knobs.
        running (): it plays. paused (): it does not.
        trouble (Trouble, str): a person must read this; the word says what was asked: "open", "knobs", "move", "write" or "walk".
        written (Path): a table of the chains is on disk.
    """

    opened = Signal(object)
    framed = Signal(object)
    summed = Signal(object)
    limited = Signal(object)
    turned = Signal(int, object)
    running = Signal()
    paused = Signal()
    trouble = Signal(object, str)
    written = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._inbox: queue.SimpleQueue[Wish] = queue.SimpleQueue()
        self._free = threading.Event()
        self._free.set()
        self._labs: list[Any] = []
        self._walk: Walk | None = None
        self._start: Any = None
        self._bounds: tuple[tuple[float, float], ...] = ()
        self._turns: deque[tuple[int, ...]] = deque(maxlen=KEEP)  # steps of each lane
        self._since: list[int] = []
        self._playing = self._quit = False
        self._speed, self._currency, self._chain = 1, "evaluations", 0
        self._due = self._summed = 0.0
        self._limits: set[int] = set()  # lanes whose limit has changed
        self._dirty = False  # there are steps that no summary has seen
        self._marks: deque[tuple[float, int]] = deque(maxlen=40)

    # --- from the window, any time ----------------------------------------------------------------------------

    def open(self, walk: Walk) -> None:
        """Make new chains; of several wishes the newest is served."""
        self._inbox.put(("open", walk))

    def repaint(self, weights: np.ndarray) -> None:
        """The same chains on another painting."""
        self._inbox.put(("repaint", weights))

    def play(self) -> None:
        """Step until paused."""
        self._inbox.put(("play", None))

    def pause(self) -> None:
        """Stop after the present step."""
        self._inbox.put(("pause", None))

    def step(self) -> None:
        """One turn of all lanes, then pause."""
        self._inbox.put(("step", None))

    def back(self) -> None:
        """Take the last turn back."""
        self._inbox.put(("back", None))

    def reset(self) -> None:
        """The same chains from their start, with the present knobs."""
        self._inbox.put(("reset", None))

    def set_speed(self, speed: int) -> None:
        """Steps a frame; SLOW shows drift and noise apart, ALL_OUT takes all the time there is."""
        self._inbox.put(("speed", speed))

    def set_currency(self, name: str) -> None:
        """What lanes get the same of: "evaluations" or "seconds"."""
        self._inbox.put(("currency", name))

    def set_knobs(self, lane: int, change: dict[str, float]) -> None:
        """From the next step on."""
        self._inbox.put(("knobs", (lane, change)))

    def suit(self, lane: int) -> None:
        """Find the knobs that suit the target."""
        self._inbox.put(("suit", lane))

    def watch(self, chain: int) -> None:
        """The chain whose arrows are wanted."""
        self._inbox.put(("watch", chain))

    def move(self, lane: int, chain: int, position: tuple[float, ...]) -> None:
        """Put a chain's head elsewhere."""
        self._inbox.put(("move", (lane, chain, position)))

    def write(self, lane: int, path: Path) -> None:
        """The scalars of a lane's chains as CSV."""
        self._inbox.put(("write", (lane, path)))

    def taken(self) -> None:
        """The last frame was drawn."""
        self._free.set()

    def quit_lab(self) -> None:
        """End the thread within a step."""
        self._quit = True
        self._inbox.put(("quit", None))

    # --- in the thread ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve, and play, until told to quit."""
        while not self._quit:
            try:
                self._turn()
            except Exception as error:
                self._rest()
                self._tell(error, "walk")

    def _turn(self) -> None:
        now = time.monotonic()
        if not self._playing:
            wait = _SETTLED if self._dirty else None
        else:
            wait = max(0.0, self._due - now)
        self._read(wait)
        if self._quit or not self._labs:
            return
        if not self._playing:
            if self._dirty and self._inbox.empty() and time.monotonic() >= now + 0.9 * (wait or 0.0):
                self._sum(4 * _SUM_NUMBERS)
            return
        if time.monotonic() >= self._due:
            self._frame_of_play()

    def _read(self, wait: float | None) -> None:
        """Everything in the inbox; only the newest of wishes that replace each other."""
        for kind, content in taken(self._inbox, wait, ("open", "repaint", "speed")):
            try:
                self._on(kind, content)
            except Exception as error:
                self._tell(error, kind)
        limits, self._limits = self._limits, set()
        for lane in sorted(limits & set(range(len(self._labs)))):
            if (found := lanes.limit_of(lane, self._labs[lane])) is not None:
                self.limited.emit(found)

    def _on(self, kind: str, content: Any) -> None:
        if kind in ("open", "speed", "currency", "watch"):
            self._on_any_time(kind, content)
            return
        if not self._labs:
            return
        match kind:
            case "play":
                self._playing, self._due = True, 0.0
                self._marks.clear()
                self.running.emit()
            case "pause":
                self._rest()
            case "step":
                self._rest()
                self._advance()
                self._emit(detail=True)
            case "back":
                self._rest()
                self._back()
            case "reset":
                self._reset()
            case "repaint":
                self._repaint(content)
            case "knobs":
                lane, change = content
                self._labs[lane].set(change)
                self._turned(lane)
            case "suit":
                from models.lab import suited

                lab = self._labs[content]
                lab.set(suited(lab.kernel.NAME, lab.target).model_dump())
                self._turned(content)
                self.turned.emit(content, lab.knobs.model_dump())
            case "move":
                lane, chain, position = content
                self._labs[lane].move(chain, position)
                self._since[lane] = self._labs[lane].t
                self._dirty = True
                self._emit()
            case "write":
                self._write(*content)
            case _:
                pass

    def _on_any_time(self, kind: str, content: Any) -> None:
        match kind:
            case "open":
                self._open(content)
            case "speed":
                self._speed, self._due = content, 0.0
            case "currency":
                self._currency = content
            case _:
                self._chain = content
                if self._labs and not self._playing:
                    self._emit(detail=True)

    # --- chains -----------------------------------------------------------------------------------------------

    def _open(self, walk: Walk) -> None:
        self._labs, self._start = lanes.make(walk, KEEP)
        self._walk = walk
        self._turns.clear()
        self._since = [0] * len(self._labs)
        self._chain = min(self._chain, walk.chains - 1)
        self._tell_opened(fresh=True)

    def _tell_opened(self, *, fresh: bool) -> None:
        opened = lanes.about(self._labs, self._start, fresh)
        self._bounds = opened.bounds
        self.opened.emit(opened)
        self._free.set()
        self._dirty = True
        self._emit()
        self._limits = set(range(len(self._labs)))

    def _repaint(self, weights: np.ndarray) -> None:
        from dataclasses import replace

        from models.samplers.drawn import Drawn

        assert self._walk is not None
        target = Drawn(weights)
        walk = replace(self._walk, target=weights)
        for lab in self._labs:
            lab.retarget(target)
        self._walk = walk
        self._turns.clear()
        self._since = [lab.t for lab in self._labs]
        self._tell_opened(fresh=False)

    def _reset(self) -> None:
        from dataclasses import replace

        assert self._walk is not None
        now = {lab.kernel.NAME: lab.knobs.model_dump() for lab in self._labs}
        self._open(replace(self._walk, settings=now))

    def _advance(self) -> None:
        self._turns.append(lanes.turn(self._labs, self._currency))
        self._dirty = True

    def _back(self) -> None:
        if not self._turns:
            return
        for i, (lab, n) in enumerate(zip(self._labs, self._turns.pop(), strict=True)):
            lab.back(n)
            self._since[i] = min(self._since[i], lab.t)
        self._dirty = True
        self._emit(detail=True)
        for i, lab in enumerate(self._labs):
            self.turned.emit(i, lab.knobs.model_dump())

    def _turned(self, lane: int) -> None:
        """The draws so far are of another kernel: they are not counted with those to come."""
        self._since[lane] = self._labs[lane].t
        self._dirty = True
        self._limits.add(lane)

    def _write(self, lane: int, path: Path) -> None:
        from studio.commands.lab import write_chains

        lab = self._labs[lane]
        write_chains(lab, min(lab.kept, lab.t - lab.t // 2), path)
        self.written.emit(path)

    # --- play -------------------------------------------------------------------------------------------------

    def _frame_of_play(self) -> None:
        started = time.monotonic()
        if self._speed == SLOW:
            self._advance()
            for phase in (1, 2, 0):
                self._emit(phase=phase, detail=True)
                if phase and not self._sleep(_PAUSE):
                    self._emit(detail=True)
                    break
            self._due = time.monotonic() + _PAUSE
        else:
            end = started + 1 / RATE
            for n in range(10_000):
                if n == self._speed or self._quit or (n and time.monotonic() > end):
                    break
                self._advance()
            self._emit()
            self._due = max(started + 1 / RATE, time.monotonic() + 0.002)
        self._mark()
        if time.monotonic() > self._summed + _SUM_EVERY:
            self._sum(_SUM_NUMBERS)

    def _sleep(self, seconds: float) -> bool:
        """Wait, unless there is something in the inbox; False if there is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._quit or not self._inbox.empty():
                return False
            time.sleep(0.01)
        return True

    def _mark(self) -> None:
        self._marks.append((time.monotonic(), self._labs[0].t))

    def _rest(self) -> None:
        if self._playing:
            self._playing = False
            self._dirty = True
        self._marks.clear()
        self.paused.emit()

    # --- what the window sees ---------------------------------------------------------------------------------

    def _emit(self, *, phase: int = 0, detail: bool = False) -> None:
        if self._playing and not self._free.is_set() and not detail:
            return  # the next one shows more; what stands still is always shown
        self._free.clear()
        rate = None
        if len(self._marks) > 1 and self._marks[-1][0] > self._marks[0][0]:
            rate = (self._marks[-1][1] - self._marks[0][1]) / (self._marks[-1][0] - self._marks[0][0])
        self.framed.emit(Frame(self._lane_frames(phase, detail), phase, rate))

    def _lane_frames(self, phase: int, detail: bool) -> tuple[LaneFrame, ...]:
        pairs = zip(self._labs, self._since, strict=True)
        return tuple(framing.lane_frame(lab, self._bounds, since, self._chain, phase, detail) for lab, since in pairs)

    def _sum(self, numbers: int) -> None:
        started = time.monotonic()
        found = tuple(framing.diagnosis(lab, since, numbers // len(self._labs)) for lab, since in zip(self._labs, self._since, strict=True))
        self._dirty = self._playing
        self.summed.emit(found)
        now = time.monotonic()
        self._summed = now + min(2.0, 2 * (now - started))  # at most a third of the time

    def _tell(self, error: Exception, asked: str) -> None:
        self.trouble.emit(trouble_of(error, "Something unexpected happened in the lab: reset it, or choose another target."), asked)
