"""Places of a slider and the values they stand for. No Qt."""

from __future__ import annotations

import math

from models.knobs import Knob

_STEPS = 1000


class Scale:
    """Places of a slider and values, linear or by ratios; with ratios, a lower bound of 0 is the left end exactly."""

    def __init__(self, knob: Knob) -> None:
        assert knob.low is not None
        assert knob.high is not None
        self.low, self.high, self.whole = float(knob.low), float(knob.high), knob.kind == "int"
        self.log = knob.log and self.low >= 0 and self.high > 0
        self.zero = self.log and self.low == 0
        default = float(knob.default) if isinstance(knob.default, (int, float)) else 0.0
        small = 1.0 if self.whole else min(self.high * 1e-6, default * 1e-3 if default > 0 else math.inf)
        self.floor = small if self.zero else self.low
        self.steps = int(min(_STEPS, self.high - self.low)) if self.whole and not self.log else _STEPS

    def value(self, place: int) -> float | int:
        """The value at a place, rounded to what a person would write."""
        if place <= 0:
            return int(self.low) if self.whole else self.low
        if place >= self.steps:
            return int(self.high) if self.whole else self.high
        share = place / self.steps
        if self.log:
            raw = float(f"{self.floor * (self.high / self.floor) ** share:.2e}")
        else:
            span = self.high - self.low
            digits = 3 - math.floor(math.log10(span))
            raw = round(self.low + span * share, digits)
        return min(int(self.high), max(int(self.low), round(raw))) if self.whole else min(self.high, max(self.low, raw))

    def place(self, value: float) -> int:
        """The place that is nearest to a value."""
        value = min(self.high, max(self.low, value))
        if not self.log:
            return round((value - self.low) / ((self.high - self.low) or 1.0) * self.steps)
        if value <= 0 or value < self.floor:
            return 0
        return round(math.log(value / self.floor) / math.log(self.high / self.floor) * self.steps)
