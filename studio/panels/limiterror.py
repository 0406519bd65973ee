"""How far MALA-approx is from its small-step limit, against ε."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal

from studio.panels.lineplot import LinePlot
from studio.widgets import button


class LimitErrorPlot(LinePlot):
    """Total variation over ε on logarithmic axes, with the floor that chance alone gives.

    Signals:
        wanted(): measure.
    """

    wanted = Signal()

    def __init__(self) -> None:
        tip = "Total variation between the chains and the small-step limit, every ε times a factor and T kept; dotted: what chance alone gives"
        super().__init__("Error against ε", tip, log=True, points=True)
        self.at.setText("not measured yet")
        self.measure_button = button("Measure", kind="quiet", tip="Walk with six step sizes, in the background", clicked=self.wanted.emit)
        self.head.addWidget(self.measure_button)
        self._found: list[tuple[float, float, float]] = []

    def clear(self) -> None:
        """Another target or temperature."""
        self._found = []
        self.show_lines([])
        self.at.setText("not measured yet")
        self.measure_button.setEnabled(True)

    def start(self) -> None:
        """Walks are on their way."""
        self.clear()
        self.measure_button.setEnabled(False)
        self.at.setText("walking …")

    def add(self, found: tuple[float, float, float], left: int) -> None:
        """One more."""
        self._found = sorted([*self._found, found])
        x, error, floor = (np.maximum(np.array(v), 1e-9) for v in zip(*self._found, strict=True))
        self.show_lines([(x, error, "generated"), (x, floor, "baseline")])
        self.at.setText(f"{left} to go" if left else "")
        self.measure_button.setEnabled(not left)

    def stopped(self, sentence: str = "") -> None:
        """It ended early."""
        self.at.setText(sentence)
        self.measure_button.setEnabled(True)
