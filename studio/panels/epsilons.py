"""What chains are steered by: ε1 … ε4, step, clip, mode and objective; with the variant's own values to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from models import knobs as settings
from studio.chainmessages import Member
from studio.panels.knob import KnobRow
from studio.widgets import button, column, label, number, row

SLIDERS = {  # name: smallest value above 0 and largest that the slider reaches; others are typed
    "epsilon1": (1e-7, 1e2),
    "epsilon2": (1e-3, 1e3),
    "epsilon3": (1e-18, 1e1),
    "epsilon4": (1e-3, 1e3),
    "step_size": (1e-3, 1e1),
    "clip": (0.0, 10.0),
}
TITLES = {
    "epsilon1": "prior",
    "epsilon2": "condition",
    "epsilon3": "noise",
    "epsilon4": "context",
    "step_size": "size",
    "clip": "Clip of h, in deviations",
    "mode": "",
    "objective": "Objective",
    "handmade": "Hand-designed prior",
}
ONLY_RELEASED = "Only the mode released normalises its step; in paper the ε alone say how far it goes."
NO_PRIOR = "This variant has no prior, so there is nothing for ε1 to weigh."
NO_MASK = "The context acts where a picture is kept: paint a mask on the tab Start."
MODES = {
    "paper": "Eq. 11 as printed: each ε has its own effect.",
    "released": "The authors' code: the step is normalised, so only the ratios of the ε act. "
    "The paper's values, 1e-5, 1 and 1e-17, mean something here alone.",
}


class Epsilons(QWidget):
    """Rows from the description of the knobs.

    Signals:
        changed(str, object): a knob and its value.
        own(): the variant's own values are wanted.
    """

    changed = Signal(str, object)
    own = Signal()

    def __init__(self) -> None:
        super().__init__()
        from models.samplers.variants import Knobs

        body = column(self, spacing=8)
        self.rows: dict[str, KnobRow] = {}
        for knob in settings.describe(Knobs):
            made = KnobRow(knob, TITLES[knob.name])
            if knob.name in SLIDERS:
                low, high = SLIDERS[knob.name]
                made.scale.high = high
                if made.scale.log:
                    made.scale.floor = low
                made.show_value(knob.default)
            made.changed.connect(lambda value, name=knob.name: self._on_row(name, value))
            self.rows[knob.name] = made
        self.own_button = button(
            "Own values", "reset", kind="quiet", tip="The ε, step and clip that this variant has in this mode", clicked=self.own.emit
        )
        self.mode_words = label("", "caption")
        self.mode_words.setWordWrap(True)
        self.temperature = label("", "caption")
        self.temperature.setToolTip("Temperature of the prior: for small steps MALA-approx samples p(x) to the power 1/T")
        body.addLayout(row(label("Steering", "section"), 1, self.own_button))
        body.addWidget(self.rows["mode"])
        body.addWidget(self.mode_words)
        for name in ("epsilon1", "epsilon2", "epsilon3", "epsilon4"):
            body.addWidget(self.rows[name])
        body.addWidget(self.temperature)
        for name in ("step_size", "clip", "objective", "handmade"):
            body.addWidget(self.rows[name])
        self.show_member(None, "paper", masked=False)

    def show_member(self, member: Member | None, mode: str, *, masked: bool) -> None:
        """Another variant or mode: what has no effect is grey, and its tooltip says why."""
        if member is not None:
            for name, value in member.own[mode].items():
                self.rows[name].knob = replace(self.rows[name].knob, default=value)
        prior = member is None or member.has_prior
        self.rows["epsilon1"].allow(prior, NO_PRIOR)
        self.rows["epsilon4"].setVisible(masked)
        self.rows["step_size"].allow(mode == "released", ONLY_RELEASED)
        self.rows["handmade"].setVisible(member is not None and member.name == "handmade")
        self.mode_words.setText(MODES[mode])

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Take values without telling anybody."""
        for name, value in values.items():
            made = self.rows[name]
            if value != made.value or made.field is None or not made.field.hasFocus():
                made.show_value(value)
        self._say()

    def values(self) -> dict[str, Any]:
        """All knobs as they are shown."""
        return {name: made.value for name, made in self.rows.items()}

    def _on_row(self, name: str, value: Any) -> None:
        self._say()
        self.changed.emit(name, value)

    def _say(self) -> None:
        drift, noise = float(self.rows["epsilon1"].value), float(self.rows["epsilon3"].value)
        self.temperature.setVisible(self.rows["mode"].value == "paper")
        self.temperature.setText(f"T = ε3² / (2 ε1) = {number(noise**2 / (2 * drift))}" if drift else "T = ε3² / (2 ε1): no prior pulls")
