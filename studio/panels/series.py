"""The numbers behind the curves: whole series, smoothed as they arrive. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate

import numpy as np

ROUND = 200  # steps without a value that may be those of another net's turn, and break no line
LARGEST = 0.999  # weight of the past; 1.0 would flatten everything


class Growing:
    """A float64 array that grows at its end in amortised constant time."""

    def __init__(self) -> None:
        self._room = np.empty(256)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def extend(self, more: np.ndarray) -> None:
        """Append values."""
        end = self._n + len(more)
        if end > len(self._room):
            bigger = np.empty(max(end, 2 * len(self._room)))
            bigger[: self._n] = self._room[: self._n]
            self._room = bigger
        self._room[self._n : end] = more
        self._n = end

    def cut(self, n: int) -> None:
        """Keep the first `n` values."""
        self._n = min(self._n, n)

    @property
    def view(self) -> np.ndarray:
        """The values, not copied."""
        return self._room[: self._n]


class Series:
    """One curve: the finite values of a field with their steps, and their bias-corrected exponential mean.

    The weight of the past is that of a step, so values that come seldom are smoothed less. A value that is not finite is left out; a hole much
    wider than the usual distance breaks the line by one NaN.
    """

    def __init__(self) -> None:
        self.x, self.y, self.smooth = Growing(), Growing(), Growing()
        self._beta = 0.0
        self._mean, self._count = 0.0, 0.0  # the count is of steps
        self._spacing = 0.0

    def extend(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Append what is finite."""
        good = np.isfinite(values)
        x, y = steps[good].astype(np.float64), values[good].astype(np.float64)
        if not len(x):
            return
        last = self._last_step()
        smooth = self._smoothed(np.diff(x, prepend=x[0] - 1 if last is None else last), y)
        gaps = np.diff(x, prepend=x[0] if last is None else last)
        if last is None:
            gaps = gaps[1:]
        usual = self._spacing or (float(gaps[0]) if len(gaps) else 0.0)
        holes = np.flatnonzero(gaps > max(10 * usual, ROUND)) + (1 if last is None else 0) if usual else np.empty(0, np.intp)
        self._spacing = float(np.median(gaps)) if len(gaps) else self._spacing
        if len(holes):
            x, y, smooth = np.insert(x, holes, x[holes]), np.insert(y, holes, np.nan), np.insert(smooth, holes, np.nan)
        self.x.extend(x)
        self.y.extend(y)
        self.smooth.extend(smooth)

    def set_beta(self, beta: float) -> None:
        """Smooth the whole series anew."""
        if beta != self._beta:
            self._beta = beta
            self._again()

    def rewind(self, step: int) -> None:
        """Forget everything from a step on."""
        n = int(np.searchsorted(self.x.view, step))
        if n < len(self.x):
            for part in (self.x, self.y):
                part.cut(n)
            self._again()

    def at(self, step: float) -> float | None:
        """The smoothed value at the newest point not after a step."""
        n = int(np.searchsorted(self.x.view, step, side="right"))
        for i in range(n - 1, max(-1, n - 3), -1):
            if not np.isnan(self.smooth.view[i]):
                return float(self.smooth.view[i])
        return None

    def raw_at(self, step: float) -> float | None:
        """The value itself at the newest point not after a step."""
        n = int(np.searchsorted(self.x.view, step, side="right"))
        return next((float(y) for y in self.y.view[max(0, n - 2) : n][::-1] if not np.isnan(y)), None)

    def _last_step(self) -> float | None:
        return float(self.x.view[-1]) if len(self.x) else None

    def _again(self) -> None:
        self._mean, self._count = 0.0, 0.0
        y = self.y.view
        good = np.isfinite(y)
        out = np.full(len(y), np.nan)
        x = self.x.view[good]
        out[good] = self._smoothed(np.diff(x, prepend=x[0] - 1) if len(x) else x, y[good])
        self.smooth.cut(0)
        self.smooth.extend(out)

    def _smoothed(self, gaps: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The means of values that come `gaps` steps after each other."""
        beta = self._beta
        if beta == 0.0 or not len(y):
            return y
        pairs = zip((beta**gaps).tolist(), y.tolist(), strict=True)
        mixed = accumulate(pairs, lambda m, v: v[0] * m + (1.0 - v[0]) * v[1], initial=self._mean)  # pyright: ignore[reportArgumentType, reportCallIssue]
        means = np.fromiter(mixed, np.float64, len(y) + 1)[1:]
        counts = self._count + np.cumsum(gaps)
        self._mean, self._count = float(means[-1]), float(counts[-1])
        return means / -np.expm1(counts * np.log(beta))


class History:
    """The series of a run, one a field."""

    def __init__(self, fields: Iterable[str]) -> None:
        self.series = {f: Series() for f in fields}
        self.end = 0  # one past the last step
        self.smoothing = 0.0  # weight of the past

    def append(self, start_step: int, columns: Mapping[str, np.ndarray]) -> None:
        """Rows of consecutive steps; starting before the end goes back in time first."""
        if start_step < self.end:
            for s in self.series.values():
                s.rewind(start_step)
        rows = max((len(v) for v in columns.values()), default=0)
        steps = np.arange(start_step, start_step + rows)
        for name, values in columns.items():
            if name in self.series:
                self.series[name].extend(steps[: len(values)], np.asarray(values, dtype=np.float64))
        self.end = start_step + rows

    def add_point(self, step: int, values: Mapping[str, float]) -> None:
        """Values of one step, after all that are there; points of that step or later ones are forgotten."""
        for name, value in values.items():
            if name in self.series:
                self.series[name].rewind(step)
                self.series[name].extend(np.array([step]), np.array([value]))
        self.end = max(self.end, step + 1)

    def set_beta(self, beta: float) -> None:
        """Weight of the past, cut to [0, 0.999]."""
        self.smoothing = min(LARGEST, max(0.0, beta))
        for s in self.series.values():
            s.set_beta(self.smoothing)

    def clear(self) -> None:
        """Forget everything but the smoothing."""
        self.series = {f: Series() for f in self.series}
        self.end = 0
        self.set_beta(self.smoothing)
