"""Measures, beside the window, how far MALA-approx is from its small-step limit at several ε."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QThread, Signal

from models.errors import BadInput, StudioError

FACTORS = (8.0, 4.0, 2.0, 1.0, 0.5, 0.25)  # of every ε, quick ones first
_MOST = 20_000  # steps of the longest walk
_CHAINS = 1024


class LimitErrors(QThread):
    """One walk a factor; ends early when interrupted.

    Signals:
        measured (tuple, int): (ε, distance, floor) of one more factor, and how many are still to come.
        failed (str): one sentence.
    """

    measured = Signal(object, int)
    failed = Signal(str)

    def __init__(self, target: str | np.ndarray, kernel_knobs: Mapping[str, float], parent: Any = None) -> None:
        super().__init__(parent)
        self._target, self._knobs = target, dict(kernel_knobs)

    def run(self) -> None:
        """In the thread."""
        try:
            from models import catalog, knobs
            from models.lab import limit_errors
            from models.samplers import mala_approx
            from models.samplers.drawn import Drawn

            target = catalog.target(self._target) if isinstance(self._target, str) else Drawn(self._target)
            settings = knobs.make(mala_approx.knobs_of(target), self._knobs)
            largest = max(settings.epsilons)
            if not largest or 20.0 / largest / min(FACTORS) > _MOST:
                raise BadInput(f"With ε = {largest:g} a walk to the limit takes too long: choose ε of at least {80.0 / _MOST:g}.")
            for i, factor in enumerate(FACTORS):
                if self.isInterruptionRequested():
                    return
                (found,) = limit_errors(target, settings, [factor], chains=_CHAINS)
                self.measured.emit(tuple(found), len(FACTORS) - 1 - i)
        except StudioError as error:
            self.failed.emit(str(error))
        except Exception as error:
            self.failed.emit(f"The error against ε could not be measured ({type(error).__name__}): choose smaller steps.")
