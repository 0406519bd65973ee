"""What the chains say about the target: numbers, autocorrelation, traces; of one walk, or of several side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QSizePolicy, QWidget

from studio import theme
from studio.messages import Diagnosis, Lane
from studio.panels.conventions import ROLES
from studio.panels.lineplot import LinePlot
from studio.widgets import Card, column, label, number
from studio.workers.framing import LAGS

Read = Callable[[Diagnosis], "float | int | None"]


def _safe(read: Callable[[Any], float]) -> Read:
    def out(d: Diagnosis) -> float | None:
        with np.errstate(all="ignore"):
            value = read(d.summary) if d.summary.draws else math.nan
        return None if value is None or math.isnan(value) else float(value)

    return out


def _temperature(d: Diagnosis) -> float | None:
    return d.summary.temperature


NUMBERS: tuple[tuple[str, Read, str], ...] = (
    ("acceptance", _safe(lambda s: math.nan if s.acceptance is None else s.acceptance), "Share of proposals that were accepted"),
    (
        "R-hat",
        _safe(lambda s: float(np.max(s.rhat))),
        "Spread between chains over spread within them, worst dimension; above 1.01 they have not mixed",
    ),
    ("ESS bulk", _safe(lambda s: float(np.min(s.ess_bulk))), "Independent draws that these are worth in the middle of the density, worst dimension"),
    ("ESS tail", _safe(lambda s: float(np.min(s.ess_tail))), "The same for the 5 % and 95 % quantiles"),
    ("ESS / second", _safe(lambda s: s.ess_per_second), "Bulk ESS for each second spent in steps, on this machine"),
    ("ESS / evaluation", _safe(lambda s: s.ess_per_evaluation), "Bulk ESS for each log density or gradient that was computed"),
    ("evaluations", lambda d: d.evaluations, "Log densities and gradients that one chain has computed so far, each counted"),
    ("T", _temperature, "Temperature: for small steps the chain samples p to the power 1/T; 1 for the exact kernels, – where terms differ"),
    (
        "bias",
        _safe(lambda s: math.nan if s.bias is None else s.bias.worst),
        "Largest error of a mean or standard deviation, in true standard deviations",
    ),
    (
        "bias / s.e.",
        _safe(lambda s: math.nan if s.bias is None else float(np.max(np.abs(s.bias.errors)))),
        "Largest error of a mean in its own standard errors: beyond 3 it is no chance",
    ),
)


class Diagnostics(QWidget):
    """Numbers about a few hundred draws, never all of them; a knob or a moved head begins the count anew."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: tuple[Lane, ...] = ()
        self.cells: list[dict[str, Any]] = []  # label of each number, a dict a lane
        self.numbers = Card(margin=12, spacing=4)
        self.over = label("", "caption")
        self.over.setToolTip("Numbers are computed over the last draws of all chains, from the last change by hand on")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.numbers.body.addLayout(self._grid)
        self.numbers.body.addWidget(self.over)
        self.numbers.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.autocorrelation = LinePlot("Autocorrelation of x", "How alike draws of a chain are that lie so many steps apart; 0 is independent")
        self.autocorrelation.set_range(-0.25, 1.05)
        self.autocorrelation.set_width(0, LAGS)
        self.autocorrelation.mark(0.0)
        self.trace = LinePlot("Trace of x", "The first coordinate of the first four chains, step by step")
        self.plots = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self.plots.setSpacing(12)
        self.plots.addWidget(self.autocorrelation, 1)
        self.plots.addWidget(self.trace, 1)
        self.whole = column(self, spacing=12)
        self.whole.addWidget(self.numbers)
        self.whole.addLayout(self.plots, 1)

    def show_lanes(self, lanes: Sequence[Lane]) -> None:
        """One walk in large numbers, or several in a table; plots below each other, or side by side."""
        self._lanes = tuple(lanes)
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        race = len(lanes) > 1
        self.cells = [{} for _ in lanes]
        for r in range(self._grid.rowCount()):
            self._grid.setRowMinimumHeight(r, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4 if race else 0)
        (self._build_table if race else self._build_readouts)()
        self.plots.setDirection(QBoxLayout.Direction.LeftToRight if race else QBoxLayout.Direction.TopToBottom)
        for plot in (self.autocorrelation, self.trace):
            plot.show_lines([])
        self.over.setText("")

    def _build_readouts(self) -> None:
        for i, (name, _, tip) in enumerate(NUMBERS):
            r, c = divmod(i, 2)
            best = self._lanes[0].best if self._lanes else None
            head = label(f"acceptance (best {best:.0%})" if name == "acceptance" and best else name, "caption")
            value = label("–", "readout")
            for part in (head, value):
                part.setToolTip(tip)
            value.setAccessibleName(name)
            self._grid.addWidget(head, 3 * r, c)
            self._grid.addWidget(value, 3 * r + 1, c)
            if r:
                self._grid.setRowMinimumHeight(3 * r - 1, theme.theme().px(6))
            self.cells[0][name] = value
        for c in range(len(NUMBERS) + 1):
            self._grid.setColumnStretch(c, int(c < 2))

    def _build_table(self) -> None:
        for c, (name, _, tip) in enumerate(NUMBERS, 1):
            head = label(name, "caption")
            head.setToolTip(tip)
            self._grid.addWidget(head, 0, c, Qt.AlignmentFlag.AlignRight)
            self._grid.setColumnStretch(c, 1)
        self._grid.setColumnStretch(0, 0)
        for r, lane in enumerate(self._lanes, 1):
            self._grid.addWidget(label(lane.title, "strong"), r, 0)
            for c, (name, _, tip) in enumerate(NUMBERS, 1):
                value = label("–")
                value.setToolTip(f"{tip}; the best step has {lane.best:.0%}" if name == "acceptance" and lane.best else tip)
                value.setAccessibleName(f"{lane.title}: {name}")
                self._grid.addWidget(value, r, c, Qt.AlignmentFlag.AlignRight)
                self.cells[r - 1][name] = value

    def show_diagnoses(self, found: Sequence[Diagnosis]) -> None:
        """The newest numbers, one Diagnosis a lane."""
        if len(found) != len(self._lanes):
            return
        for cells, diagnosis in zip(self.cells, found, strict=True):
            for name, read, _ in NUMBERS:
                text = number(read(diagnosis))
                if cells[name].text() != text:
                    cells[name].setText(text)
        first = found[0]
        frozen = sum(d.summary.frozen for d in found)
        since = f" since step {first.since:,}" if first.since else ""
        stopped = f" · {frozen:,} chain{'s' if frozen != 1 else ''} left the finite numbers" if frozen else ""
        self.over.setText(
            f"last {first.summary.draws:,} draws of each chain{since}{stopped}" if first.summary.draws else "no draws yet: play, or step"
        )
        theme.set_kind(self.over, "warn" if frozen else "caption")
        roles = [ROLES[lane.kernel] for lane in self._lanes]
        self.autocorrelation.show_lines(
            [(np.arange(len(d.autocorrelation)), d.autocorrelation, role) for d, role in zip(found, roles, strict=True) if len(d.autocorrelation)]
        )
        lines = []
        several = 1 if len(found) > 1 else 4
        for d, role in zip(found, roles, strict=True):
            steps = np.arange(d.first, d.first + d.trace.shape[1])
            lines += [(steps, chain, role) for chain in d.trace[:several]]
        self.trace.show_lines(lines, faint=len(found) == 1)
