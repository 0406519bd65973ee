"""Short work beside the window: importing torch, and looking at a data source before a run is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QThread, Signal

from models.errors import StudioError

PREVIEW = 32  # pictures


class WarmUp(QThread):
    """Imports torch and the papers, so that the window can appear before them.

    Signals:
        ready (str): empty, or why torch cannot be imported.
    """

    ready = Signal(str)

    def run(self) -> None:
        """The imports."""
        try:
            from models import catalog, device

            for name in catalog.ALGORITHMS:
                catalog.algorithm(name)
            device.warm_up()
            self.ready.emit("")
        except Exception as error:
            self.ready.emit(f"PyTorch does not start here ({error}): run `sampling-studio doctor`.")


class Preview(QThread):
    """Opens a data source and predicts how long a run would take.

    Signals:
        progressed (int, int): done, total.
        shown (object, str): (n, H, W, C) uint8 and a line about them.
        predicted (float): seconds.
        failed (str): the sentence.
    """

    progressed = Signal(int, int)
    shown = Signal(object, str)
    predicted = Signal(float)
    failed = Signal(str)

    def __init__(
        self, system: str, data: str, config: Mapping[str, Any], plan: Mapping[str, Any], steps: int, parent: Any = None, *, look: bool = True
    ) -> None:
        super().__init__(parent)
        self._system, self._data, self._config, self._plan, self._steps, self._look = system, data, config, plan, steps, look

    def run(self) -> None:
        """In the thread."""
        from models import catalog, device, knobs
        from models.run import predicted_seconds

        try:
            algorithm = catalog.algorithm(self._system)
            config = knobs.make(algorithm.Config, self._config)
            if self._look:
                data = algorithm.open_data(self._data, config, self._progress)
                which = np.linspace(0, len(data.images) - 1, min(PREVIEW, len(data.images))).astype(int)
                skipped = f" · {len(data.skipped)} skipped: {data.skipped[0]}" if data.skipped else ""
                text = f"{data.title} · {len(data.train):,} to train on, {len(data.held_out):,} held out{skipped}"
                self.shown.emit(data.pictures(which), text)
            if not self.isInterruptionRequested():
                self.predicted.emit(predicted_seconds(algorithm, config, device.choose(**self._plan), self._steps))
        except InterruptedError:
            pass
        except StudioError as error:
            self.failed.emit(str(error))
        except Exception as error:
            self.failed.emit(f"{self._data} cannot be read ({error}).")

    def _progress(self, done: int, total: int) -> None:
        if self.isInterruptionRequested():
            raise InterruptedError
        self.progressed.emit(done, total)
