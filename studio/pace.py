"""How fast a run goes and how long it has to go; pauses do not count."""

from __future__ import annotations

import time
from collections import deque

SPAN = 20.0  # seconds of running that the rate looks back on


class Pace:
    """Steps a second over the last SPAN seconds of running time, so that an estimate follows a change of load."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._running = 0.0  # seconds
        self._since: float | None = None

    def start(self) -> None:
        """The run goes on now."""
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        """The run pauses now."""
        self._running, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """Running time, without pauses."""
        return self._running + (time.monotonic() - self._since if self._since is not None else 0.0)

    def mark(self, step: int) -> None:
        """`step` steps are done."""
        now = self.seconds
        if self._marks and step < self._marks[-1][1]:
            self._marks.clear()  # went back
        if len(self._marks) > 1 and now - self._marks[-2][0] < 0.1:
            self._marks.pop()
        self._marks.append((now, step))
        while len(self._marks) > 2 and self._marks[0][0] < now - SPAN:
            self._marks.popleft()

    @property
    def rate(self) -> float | None:
        """Steps a second; None before there is anything to measure."""
        if len(self._marks) < 2 or self._marks[-1][0] <= self._marks[0][0]:
            return None
        (t0, s0), (t1, s1) = self._marks[0], self._marks[-1]
        return (s1 - s0) / (t1 - t0)

    def left(self, total: int) -> float | None:
        """Seconds to `total` steps; None if unknown."""
        rate = self.rate
        return max(0, total - self._marks[-1][1]) / rate if rate else None


def duration(seconds: float) -> str:
    """In words: '40 s', '6 min', '2 h 10 min', '3 days'."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 and minutes < 600 else "")
    return f"{round(minutes / 1440)} days"
