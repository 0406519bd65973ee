"""A sampler's place on the stage: its name, what it does, its density view."""

from __future__ import annotations

from PySide6.QtCore import Qt

from studio.messages import Frame, Lane, LaneFrame, Limit, Picture, WalkOpened
from studio.panels.density import DensityView
from studio.widgets import Card, ElidedLabel, Legend, label, row

TRUE, BOTH, LIMIT = range(3)  # what is filled in


class LaneCard(Card):
    """Title, the watched chain's last step in words, a legend, the view."""

    def __init__(self) -> None:
        super().__init__(margin=8, spacing=4)
        self.title, self.words = label("", "strong"), ElidedLabel("", "caption")
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(self.title, self.words, spacing=8)
        head.setContentsMargins(4, 0, 4, 0)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.view = DensityView()
        self.body.addWidget(self.view, 1)
        self.legend = Legend([("drift, true marginals", "real"), ("noise, small-step limit", "generated")])
        self.legend.setToolTip(
            "Blue: the drift arrow, and the true marginals. Orange: the noise arrow, and what MALA-approx samples as its steps get small"
        )
        self.body.addWidget(self.legend)
        self.lane: Lane | None = None
        self._opened: WalkOpened | None = None
        self._limit: Picture | None = None
        self._look = BOTH

    def show_lane(self, lane: Lane, opened: WalkOpened) -> None:
        """Another kernel or target."""
        if opened.fresh:
            self._limit = None
        self.lane, self._opened = lane, opened
        self.title.setText(lane.title)
        self.view.setAccessibleName(f"{lane.title} on {opened.title}")
        self._show()

    def show_limit(self, limit: Limit) -> None:
        """What it samples as its steps get small."""
        self._limit = limit.picture
        self._show()

    @property
    def has_limit(self) -> bool:
        """There is something to switch to."""
        return self._limit is not None

    def look(self, what: int) -> None:
        """TRUE density, BOTH, or the LIMIT."""
        self._look = what
        self._show()

    def show_frame(self, lane: LaneFrame, frame: Frame) -> None:
        """Where the chains are."""
        self.view.show_frame(lane, frame.phase)
        self.words.setText(self._say(lane, frame.phase))

    def _say(self, lane: LaneFrame, phase: int) -> str:
        name = f"chain {self.view.chain + 1}"
        if lane.arrow is None:
            return f"{name} at its start" if not lane.step else name
        if phase:
            return f"{name}: {'drift' if phase == 1 else 'drift, then noise'}"
        end = {True: "accepted", False: "rejected", None: "always taken"}[lane.arrow.accepted]
        return f"step {lane.step:,} · {end} ({name})"

    def _show(self) -> None:
        if self._opened is None:
            return
        truth, limit = self._opened.picture, self._limit
        if self._look == LIMIT and limit is not None:
            self.view.show_target(self._opened.bounds, limit, None)
        else:
            self.view.show_target(self._opened.bounds, truth, limit if self._look == BOTH else None)
