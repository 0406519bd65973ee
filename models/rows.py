"""Every Info of a run as one growing table, filled without waiting for the device until somebody looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


class Rows:
    """(steps, columns) float32; row i is step i + 1; NaN stands for a value that a phase does not have.

    Attributes:
        count: rows that are on the host.
        on_disk: rows that are in the run's file too.
    """

    def __init__(self, columns: Sequence[str], known: np.ndarray | None = None) -> None:
        self.columns = list(columns)
        self.count = self.on_disk = 0
        self._buffer = np.empty((1024, len(self.columns)), np.float32)
        self._pending: list[torch.Tensor] = []  # still on the device
        self._given: list[tuple[bool, ...]] = []  # which values the steps gave that were not checked yet
        if known is not None:
            self._extend(known)
            self.on_disk = self.count

    def add(self, info: Any) -> None:
        """One step's Info, of which a run begun by another version may have other columns; no wait for the device."""
        values = [getattr(info, column, None) for column in self.columns]
        where = next((v.device for v in info if v is not None), None)
        self._pending.append(torch.stack([torch.full((), math.nan, device=where) if v is None else v.to(torch.float32) for v in values]))
        self._given.append(tuple(v is not None for v in values))

    @property
    def all(self) -> np.ndarray:
        """All rows; waits for the device."""
        if self._pending:
            rows = torch.stack(self._pending).to("cpu", torch.float32).numpy()
            self._pending.clear()
            self._extend(rows)
        return self._buffer[: self.count]

    @property
    def unsaved(self) -> np.ndarray:
        """Rows that are not in the file yet."""
        return self.all[self.on_disk :]

    def recent(self, n: int, columns: Sequence[str]) -> dict[str, np.ndarray]:
        """The last n rows by column; one that a run begun by another version does not have is all NaN."""
        rows = self.all[-n:]
        known = dict(zip(self.columns, rows.T, strict=True))
        return {name: known.get(name, np.full(len(rows), np.nan, np.float32)) for name in columns}

    def first_bad(self) -> tuple[int, str] | None:
        """Step and column of the first value given since the last look that is not finite."""
        rows = self.all
        first = self.count - len(self._given)
        bad = ~np.isfinite(rows[first:]) & np.array(self._given, bool).reshape(-1, len(self.columns))
        if bad.any():
            i, column = (int(v) for v in np.argwhere(bad)[0])
            return first + i + 1, self.columns[column]
        self._given.clear()
        return None

    def cut(self, steps: int) -> None:
        """Forget what came after `steps`."""
        self._pending.clear()
        self._given.clear()
        self.count = self.on_disk = min(self.count, steps)

    def _extend(self, rows: np.ndarray) -> None:
        need = self.count + len(rows)
        if need > len(self._buffer):
            bigger = np.empty((max(need, 2 * len(self._buffer)), self._buffer.shape[1]), np.float32)
            bigger[: self.count] = self._buffer[: self.count]
            self._buffer = bigger
        self._buffer[self.count : need] = rows
        self.count = need
