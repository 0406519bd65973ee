"""One measure of several runs, their curves over each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from models.errors import StudioError
from models.files import write_bytes
from studio import pasts, theme
from studio.panels.curves import CurvesPanel
from studio.panels.plot import Reason
from studio.pasts import Past, Points
from studio.runs import RunFacts
from studio.widgets import Combo, ElidedLabel, button, column, label, row

LINES = ("began", "ppgn", "bgan", "lab", "maskgan", "seqgan", "home")  # of SERIES: colour and dash of the first run, the second …
NOTHING = "Choose runs in the list, with Ctrl or Shift several: their curves lie over each other here."
STRANGERS = "These runs have no measure in common: choose runs of one system."
AFRESH_MS = 3_000  # the curves of a run that trains are read again


class _Line(NamedTuple):
    """As models.contract.Curve, whose module needs torch."""

    field: str
    label: str
    role: str


class _Plot(NamedTuple):
    """As models.contract.Plot."""

    title: str
    curves: tuple[_Line, ...]
    doc: str


def overlay(title: str, names: Sequence[str], *, points: bool = False, doc: str = "") -> CurvesPanel:
    """A panel of one plot with a line for each name, in the colours and dashes of SERIES; the fields are "0", "1" …"""
    lines = tuple(_Line(str(i), name, role) for i, (name, role) in enumerate(zip(names, LINES, strict=False)))
    return CurvesPanel(cast(Any, [_Plot(title, lines, doc)]), smoothing=0.0 if points else 0.9, points=points, fitted=True)


def show(panel: CurvesPanel, curves: Sequence[Points]) -> None:
    """Put numbers into the panel that `overlay` made; the smoothing of the panel holds."""
    panel.clear()
    end = 1
    for i, (steps, values) in enumerate(curves):
        series = panel.history.series[str(i)]
        series.extend(steps, values)
        end = max(end, int(steps[-1]) + 1 if len(steps) else 1)
    panel.history.end = end
    panel.set_smoothing(panel.history.smoothing)


class RunCurves(QWidget):
    """What is drawn, of whom, and how smooth; read from the runs' folders, and again while one of them trains.

    Signals:
        save_wanted (): the person wants the numbers as a file.
    """

    save_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunFacts] = []
        self._pasts: list[Past] = []
        self._wished: list[Path] = []  # what the page has asked for last
        self._left_out = 0
        self._smoothing, self._wanted = 0.9, ""  # the measure that the person has chosen last
        self.measure = Combo()
        self.measure.setAccessibleName("Measure")
        self.measure.setMinimumWidth(theme.theme().px(120))
        self.measure.activated.connect(self._on_measure)
        self.words = ElidedLabel("", "caption")
        self.save_button = button("Save CSV…", "export", tip="The numbers that are drawn, a column a run", clicked=self.save_wanted.emit)
        self.reason = Reason()
        self.panel: CurvesPanel | None = None
        self._control: QWidget | None = None
        self._place = column(spacing=8)
        self._line = row(label("Measure"), self.measure, self.words, self.save_button)
        self._line.setStretch(2, 1)
        body = column(self, spacing=8)
        body.addLayout(self._line)
        body.addLayout(self._place, 1)
        body.addWidget(self.reason, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._afresh = QTimer(self)
        self._afresh.setInterval(AFRESH_MS)
        self._afresh.timeout.connect(self._read_again)
        self._dirty = False
        self._show()

    def show_runs(self, runs: Sequence[RunFacts], *, live: bool = False) -> None:
        """The runs that are chosen; of more than there are lines, the first. `live` reads them again from time to time."""
        self._afresh.start() if live else self._afresh.stop()
        paths = [run.path for run in runs]
        if paths == self._wished and not self._dirty:
            self._read_again()
            return
        self._wished = paths
        self._runs = [run for run in runs if run.state == "ok" or run.id][: len(LINES)]
        self._left_out = len(runs) - len(self._runs)
        self._dirty = True
        if self.isVisible():
            self._read()

    def curves(self) -> dict[str, Points]:
        """What is drawn, by the run's name."""
        key = self.measure.currentData()
        return {run.name: past.points(key) for run, past in zip(self._runs, self._pasts, strict=True)} if key else {}

    def save(self, path: Path) -> None:
        """Write it; raises DiskTrouble."""
        write_bytes(path, pasts.table(self.curves()).encode())

    def file_name(self) -> str:
        """A name for that."""
        return f"{(self.measure.currentData() or 'curves').removeprefix(pasts.SCORE)}.csv"

    # --- inside ---

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was chosen while nobody looked."""
        super().showEvent(event)
        if self._dirty:
            self._read()

    def _read(self) -> None:
        self._dirty = False
        self._pasts, good = [], []
        for run in self._runs:
            try:
                self._pasts.append(pasts.read(run.path))
                good.append(run)
            except (StudioError, OSError, ValueError, KeyError, TypeError):
                self._left_out += 1
        self._runs = good
        found = pasts.measures(self._pasts)
        self.measure.clear()
        for one in found:
            self.measure.addItem(f"{one.label} (evaluated)" if one.scored else one.label, one.key)
        keys = [one.key for one in found]
        first = pasts.first_of(found)
        self.measure.setCurrentIndex(keys.index(self._wanted) if self._wanted in keys else found.index(first) if first else -1)
        self._show()

    def _read_again(self) -> None:
        """The same runs, some steps on."""
        if self.isVisible() and self.panel is not None:
            try:
                self._pasts = [pasts.read(run.path) for run in self._runs]
            except (StudioError, OSError, ValueError, KeyError, TypeError):
                return
            show(self.panel, list(self.curves().values()))

    def _on_measure(self, _: int) -> None:
        self._wanted = str(self.measure.currentData())
        self._show()

    def _show(self) -> None:
        """A plot has its lines for good, so another choice gets another plot."""
        self._remove()
        why = NOTHING if not self._runs else STRANGERS if not self.measure.count() else ""
        self.reason.setText(why)
        self.reason.setVisible(bool(why))
        for widget in (self.measure, self.save_button):
            widget.setEnabled(not why)
        more = f"{self._left_out} more cannot be drawn beside these" if self._runs and self._left_out > 0 else ""
        self.words.setText(more)
        if why:
            return
        scored = str(self.measure.currentData()).startswith(pasts.SCORE)
        self.panel = overlay(self.measure.currentText(), [run.name for run in self._runs], points=scored)
        self.panel.smoothing_changed.connect(self._on_smoothing)
        if not scored:
            self.panel.set_smoothing(self._smoothing)
            self._control = self.panel.smoothing_control()
            self._control.setFixedWidth(theme.theme().px(190))
            self._line.insertWidget(3, self._control)
        self._place.addWidget(self.panel)
        show(self.panel, list(self.curves().values()))

    def _remove(self) -> None:
        for old in (self.panel, self._control):
            if old is not None:
                old.hide()
                old.setParent(None)
                old.deleteLater()
        self.panel = self._control = None

    def _on_smoothing(self, weight: float) -> None:
        self._smoothing = weight
