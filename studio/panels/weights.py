"""What D says of every sample: M samples of each z, and under each its normalised importance weight (Algorithm 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QStyle

from studio import theme
from studio.panels.plot import Reason
from studio.panels.weightlists import WordRows
from studio.panels.weightrows import PictureRows, WeightRows
from studio.widgets import Card, ElidedLabel, Legend, Segmented, label, number, row

if TYPE_CHECKING:
    from models.contract import View

TIP = "w̃ = w / Σ w over the M samples of one z: the share that a sample has of the step that G makes; the bars of a row are to its heaviest"


class WeightsPanel(Card):
    """Pictures or words of a few z with their weights, the ESS of each z, and in which order they stand.

    Signals:
        chosen(int): a sample was chosen, counted from 0 over all z as the View gives them.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=8)
        self.title, self.note = label("Samples and weights w̃", "section"), ElidedLabel("", "caption")
        self.title.setToolTip(TIP)
        self.note.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.legend = Legend([("w̃", "controller"), ("equal, 1/M", "baseline")])
        self.legend.setFixedWidth(theme.theme().px(132))
        self.order = Segmented(
            ["As drawn", "By weight"], ["The samples of a z as G has drawn them", "The heaviest first: where not all have room, they are seen"]
        )
        self.order.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.order.chosen.connect(self._on_order)
        self.head = row(self.title, self.note, self.legend, self.order, spacing=12)
        self.head.setStretch(1, 1)
        self.body.addLayout(self.head)
        self.reason = Reason()
        self.body.addWidget(self.reason, 1)
        self.pictures, self.words = PictureRows(), WordRows()
        self.areas = [_Area(rows) for rows in (self.pictures, self.words)]
        for area in self.areas:
            self.body.addWidget(area, 1)
            area.rows.chosen.connect(self.chosen)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_reason("No samples yet")

    def show_view(self, view: View) -> None:
        """A View `weights`; what was stale is fresh. Raises ValueError where its numbers do not fit each other."""
        w, ess = (np.asarray(view.numbers[name], float) for name in ("w", "ess"))
        M = int(view.numbers["M"][0])
        pictures, texts = view.pictures.get("samples"), view.words.get("samples", ())
        count = len(texts) if pictures is None else len(pictures)
        if M < 1 or w.size != len(ess) * M or count != w.size:
            raise ValueError(f"{len(ess)} z with M = {M} take {len(ess) * M} weights and samples, not {w.size} and {count}.")
        if not count:
            self.show_reason("No samples yet")
            return
        w = w.reshape(len(ess), M)
        if pictures is not None:
            self.pictures.show_pictures(pictures, w, ess)
        else:
            self.words.show_words(texts, w, ess)
        beta = view.numbers.get("log_beta")
        self.note.setText(f"log β {number(float(beta[0]))}" if beta is not None else "")
        self._show(self.areas[pictures is None])

    def show_reason(self, text: str) -> None:
        """Why there is nothing to see."""
        self.reason.setText(text)
        self.note.setText("")
        self._show(None)

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        for area in self.areas:
            area.rows.set_stale(stale)

    def choose(self, index: int) -> None:
        """Mark a sample, or none for -1, without telling anybody."""
        for area in self.areas:
            area.rows.choose(index)

    def _show(self, shown: _Area | None) -> None:
        self.reason.setVisible(shown is None)
        for area in self.areas:
            area.setVisible(area is shown)
        for part in (self.legend, self.order):
            part.setVisible(shown is not None)

    def _on_order(self, place: int) -> None:
        for area in self.areas:
            area.rows.set_sorted(place == 1)


class _Area(QScrollArea):
    """Rows that are laid out for what is seen of them, whether or not there is a scroll bar."""

    def __init__(self, rows: WeightRows) -> None:
        super().__init__()
        self.rows = rows
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(rows)
        self.setMinimumHeight(theme.theme().px(120))

    def resizeEvent(self, arg__1: QResizeEvent) -> None:
        """Another room."""
        super().resizeEvent(arg__1)
        self.rows.fit(self.size(), self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent) + theme.theme().px(2))
