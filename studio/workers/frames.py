"""Frames of a run's reel, decoded beside the window: the newest wish first, what was seen lately kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.workers.later import Later

BYTES = 64_000_000  # of decoded frames that are kept


@dataclass(frozen=True)
class Frame:
    """What the reel's latents gave at one step: pictures, or sentences."""

    step: int
    pictures: np.ndarray | None = None  # (n, H, W, 1 or 3) uint8
    sentences: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Where it is from, for a heading."""
        return f"step {self.step:,} of the reel"

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return int(self.pictures.nbytes) if self.pictures is not None else sum(map(len, self.sentences)) + 1


def tokens_of(sentences: Iterable[str], joiner: str) -> list[list[str]]:
    """The tokens of sentences whose tokens were joined so: words, or characters for ""."""
    return [said.split(joiner) if joiner else list(said) for said in sentences]


class Frames(QObject):
    """Reads the frames of one run at a time. Of several wishes only the newest is answered.

    Signals:
        ready (Frame): what was wished for last.
        failed (int, str): the frame of a step cannot be read; the sentence.
    """

    ready = Signal(object)
    failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run: Path | None = None
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0
        self._wanted: int | None = None
        self._busy: set[int] = set()
        self._later = Later(self)

    def open(self, run: Path | None) -> None:
        """The frames of another run, or of none; nothing of the one before is answered any more."""
        self._run, self._wanted, self._bytes = run, None, 0
        self._kept.clear()
        self._busy.clear()

    def want(self, step: int, ahead: Iterable[int] = ()) -> None:
        """`ready` follows, at once where the frame is kept; those of `ahead` are read next, if nothing else is wanted by then."""
        self._wanted = step
        if (frame := self._kept.get(step)) is not None:
            self._kept.move_to_end(step)
            self.ready.emit(frame)
        for one in (step, *ahead):
            self._start(one)

    def drop(self) -> None:
        """Nothing is wanted any more."""
        self._wanted = None

    def wait(self) -> None:
        """Until nothing is being read."""
        self._run = None
        self._later.wait()

    def is_reading(self) -> bool:
        """Whether a frame is still to come."""
        return bool(self._busy)

    def kept_bytes(self) -> int:
        """What is kept takes so much memory."""
        return self._bytes

    def _start(self, step: int) -> None:
        if self._run is not None and step not in self._kept and step not in self._busy:
            self._busy.add(step)
            of = (self._run, step)
            first = step == self._wanted  # before what is only read ahead
            self._later.call(partial(read, *of), partial(self._on_read, *of), partial(self._on_failed, *of), first=first)

    def _on_read(self, run: Path, step: int, frame: Frame) -> None:
        if run == self._run:
            self._busy.discard(step)
            self._keep(frame)
            if step == self._wanted:
                self.ready.emit(frame)

    def _on_failed(self, run: Path, step: int, problem: str) -> None:
        if run == self._run:
            self._busy.discard(step)
            if step == self._wanted:
                self.failed.emit(step, problem)

    def _keep(self, frame: Frame) -> None:
        self._kept[frame.step] = frame
        self._bytes += frame.bytes
        while self._bytes > BYTES and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.bytes


def read(run: Path, step: int) -> Frame:
    """The frame of a step; raises BadFile."""
    from models.reel import Reel

    reel = Reel.of(run)
    if reel.file(step).suffix == ".json":
        return Frame(step, sentences=tuple(reel.sentences(step)))
    return Frame(step, reel.frame(step))
