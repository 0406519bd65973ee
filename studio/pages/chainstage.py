"""The stage of the chains: what is asked for, pictures, the selected chain, forces, traces, film strip; laid out by hand as the window grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QTabBar, QWidget

from studio import theme
from studio.chainmessages import ChainsFrame, Facts, Judged, Strip
from studio.panels.blendpad import BlendPad
from studio.panels.chaingrid import LARGE, ChainGrid, LargePicture
from studio.panels.chaintraces import LogAndTerms, Norms
from studio.panels.conditionbar import ConditionBar
from studio.panels.epsgrid import AXIS, EpsGrid
from studio.panels.filmstrip import FilmStrip
from studio.panels.forces import ForcesCard
from studio.panels.mixingtable import MixingTable
from studio.panels.plugpanel import TrustCard
from studio.panels.startpanel import StartPanel
from studio.panels.topclasses import TopClasses
from studio.widgets import ElidedLabel, column, label, row, small

ALIKE = 2  # grey levels that nobody sees
TRACES, NORMS, MIXING, BLEND, START = range(5)  # tabs
CANNOT_JUDGE = "The independent classifier cannot judge this: it has no such class, a neuron is asked for, or it has not been trained"


class ChainStage(QWidget):
    """All that is seen of chains; it decides nothing.

    Attributes:
        chain: the selected one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.chain, self._count, self._side = 0, 16, 32
        self.bar, self.trust = ConditionBar(), TrustCard()
        self.grid, self.sweep, self.large = ChainGrid(), EpsGrid(), LargePicture()
        self.bar.line.insertWidget(1, self.sweep.controls, 1)
        self.classes, self.forces, self.strip = TopClasses(), ForcesCard(), FilmStrip()
        self.heading, self.agreement = ElidedLabel("", "section"), label("", "strong")
        self.grid_button = small("Grid", "Classes in rows, values of one ε in columns, as one batch", checkable=True)
        self.traces, self.norms, self.mixing = LogAndTerms(), Norms(), MixingTable()
        self.blend, self.start = BlendPad(), StartPanel()
        self.tabs, self.shown = QTabBar(), QStackedWidget()
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("About the chains")
        for word, panel in (
            ("Traces", self.traces),
            ("Norms", self.norms),
            ("Mixing", self.mixing),
            ("Blend", self.blend),
            ("Start and mask", self.start),
        ):
            self.tabs.addTab(word)
            self.shown.addWidget(panel)
        self.tabs.currentChanged.connect(self.shown.setCurrentIndex)
        self._build()
        theme.notifier.changed.connect(self._fit)

    def _build(self) -> None:
        head = row(self.heading, self.agreement, self.grid_button, spacing=8)
        head.setStretch(0, 1)
        self.left = QWidget()
        body = column(self.left, spacing=4)
        body.addLayout(head)
        self.pictures = QStackedWidget()
        self.pictures.addWidget(self.grid)
        self.pictures.addWidget(self.sweep)
        body.addWidget(self.pictures, 1)
        body.addSpacing(4)
        body.addWidget(self.forces)
        one = row(self.large, self.classes, spacing=12)
        one.setAlignment(self.large, Qt.AlignmentFlag.AlignTop)
        one.setStretch(1, 1)
        self.right = QWidget()
        beside = column(self.right, spacing=4)
        beside.addLayout(one)
        beside.addSpacing(4)
        beside.addWidget(self.tabs)
        beside.addWidget(self.shown, 1)
        self.place = QGridLayout()
        self.place.setContentsMargins(0, 0, 0, 0)
        self.place.setHorizontalSpacing(16)
        self.place.setVerticalSpacing(8)
        self.place.setColumnStretch(1, 1)
        self.place.setRowStretch(0, 1)
        self.place.addWidget(self.left, 0, 0)
        self.place.addWidget(self.right, 0, 1)
        self.place.addWidget(self.strip, 1, 0, 1, 2)
        whole = column(self, spacing=0)
        whole.addWidget(self.trust)
        whole.addWidget(self.bar)
        whole.addLayout(self.place, 1)
        self.show_sweep(False)

    # --- how it is laid out -----------------------------------------------------------------------------------

    @property
    def sweeps(self) -> bool:
        """Whether the class × ε grid is shown."""
        return self.grid_button.isChecked()

    def show_sweep(self, on: bool) -> None:
        """The class × ε grid, which takes the height of forces and strip; or the chains."""
        self.grid_button.setChecked(on)
        self.bar.condition.setVisible(not on)
        self.sweep.controls.setVisible(on)
        self.pictures.setCurrentIndex(int(on))
        self.forces.setVisible(not on)
        self.place.removeWidget(self.left)
        self.place.removeWidget(self.strip)
        self.place.addWidget(self.left, 0, 0, 2 if on else 1, 1)
        self.place.addWidget(self.strip, 1, 1 if on else 0, 1, 1 if on else 2)
        self.tabs.setTabVisible(BLEND, not on)
        if on and self.tabs.currentIndex() == BLEND:
            self.tabs.setCurrentIndex(TRACES)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """In a low window the large picture is smaller."""
        return QSize(theme.theme().px(760), theme.theme().px(500))

    def resizeEvent(self, event: Any) -> None:
        """Another zoom may fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The pictures take the width that they fill; all else is beside them."""
        px = theme.theme().px
        above = self.bar.sizeHint().height() + (self.trust.sizeHint().height() if not self.trust.isHidden() else 0)
        high = self.height() - above - px(24)
        wide = min(self.width() // 2 - 8, self.width() - 16 - self.right.minimumSizeHint().width())
        if self.sweeps:
            n = max(1, len(self.sweep.axes.plan.rows))
            zoom = max(1, int(min(((high - px(32) + 4) / n - 4) // self._side, ((wide - px(AXIS) + 4) / 5 - 4) // self._side)))
            found = px(AXIS) + 5 * (self._side * zoom + 4) - 4
        else:
            below = self.forces.sizeHint().height() + 8 + self.strip.sizeHint().height() + 8
            found = self.grid.width_for(self._count, self._side, high - below, wide)
        self.left.setFixedWidth(max(px(320), found))
        tall, low = self.height() > px(800), high < px(560)
        self.large.set_side(256 if tall else 128 if low else LARGE)
        self.classes.bars.set_rows(8 if tall else 3 if low else 5)

    # --- what is shown ----------------------------------------------------------------------------------------

    def show_facts(self, facts: Facts) -> None:
        """Another run was opened."""
        self._side = facts.size
        self.sweep.show_knows(facts.knows)
        self.blend.second.show_knows(facts.knows)
        self.start.clear()

    def show_count(self, n: int) -> None:
        """So many chains."""
        self._count = n
        self.grid.set_count(n)
        self._fit()

    def select(self, chain: int) -> None:
        """Another chain."""
        self.chain = chain
        (self.sweep.axes.grid if self.sweeps else self.grid).select(chain)

    def show_frame(self, frame: ChainsFrame, agreed: Sequence[bool | None], names: Sequence[str]) -> None:
        """Newer pictures."""
        grid = self.sweep.axes.grid if self.sweeps else self.grid
        grid.show_images(frame.pictures)
        grid.show_marks(agreed if not frame.back else (), frame.frozen.tolist())
        if grid.selection() != self.chain:
            grid.select(self.chain)
        grid.set_stale(frame.back > 0)
        if self.chain < len(frame.pictures):
            self.large.show_picture(frame.pictures[self.chain])
        self.forces.show_forces(frame.last, min(self.chain, len(frame.pictures) - 1), names)
        self.strip.show_back(frame.back)
        gone = int(np.count_nonzero(frame.frozen))
        stopped = f" · {gone} frozen" if gone else ""
        n = len(frame.pictures)
        many = f"{n} chain{'s' if n != 1 else ''}"
        if n > 1 and not self.sweeps and not frame.frozen.any() and int(np.ptp(frame.pictures, axis=0).max()) <= ALIKE:
            many = f"{n} equal chains: raise ε3" if frame.step else f"{n} chains, equal at the start"
        if frame.back:
            self.heading.setText(f"Looking at step {frame.step:,}; play goes on")
        else:
            self.heading.setText(f"{many} · step {frame.step:,} · chain {self.chain + 1}{stopped}")
        self.classes.title.setText("Classes now" if frame.back else "Top classes")

    def show_judged(self, judged: Judged) -> None:
        """What networks see."""
        self.classes.show_judged(judged)
        right = sum(bool(a) for a in judged.agreed)
        self.agreement.setText(f"{right} of {len(judged.agreed)} agree" if judged.agreement is not None else "")
        tip = "In so many chains the independent classifier sees what was asked for: those with a bar under them"
        self.agreement.setToolTip(tip if judged.agreement is not None else CANNOT_JUDGE)
        if judged.agreement is None:
            self.agreement.setText("agreement –")
        if self.sweeps:
            self.sweep.axes.show_agreed(judged.agreed)

    def show_strip(self, strip: Strip) -> None:
        """Newer frames."""
        self.strip.show_strip(strip)

    def wanted(self) -> frozenset[str]:
        """What is seen now, in the words of the worker."""
        tab = {TRACES: {"traces"}, NORMS: {"traces"}, MIXING: {"mixing"}}.get(self.tabs.currentIndex(), set())
        return frozenset({"judge", "strip"} | tab)
