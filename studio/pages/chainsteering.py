"""The chains' knobs: what is in force, the variant's own values, and the way back of each change."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.chainmessages import Facts, Member
from studio.history import History
from studio.panels.epsilons import Epsilons
from studio.panels.knob import written

PREFERRED = "noiseless-joint"
PIXELS = ("am", "gaussian", "handmade", "ppgn-x")  # variants whose chains are pictures
CONTEXT = 0.1  # ε4 to begin with, where a part of a picture is kept
KEPT = ("mode", "objective", "handmade")  # what a variant has no values of its own for


class Steering(QObject):
    """Between the sliders and the worker.

    Attributes:
        variant: the chosen one.
        in_force: knobs that the worker was last told.
        history: what can be taken back; a variant's own values begin it anew.
        masked: whether a part of a picture is kept.

    Signals:
        turned(dict): these knobs have these values from now on.
    """

    turned = Signal(object)

    def __init__(self, panel: Epsilons, parent: QObject) -> None:
        super().__init__(parent)
        self.panel, self.facts = panel, None
        self.variant, self.masked = PREFERRED, False
        self.in_force: dict[str, Any] = {}
        self.history = History(self)
        panel.changed.connect(self._on_knob)
        panel.own.connect(self.reset)

    def show_facts(self, facts: Facts) -> bool:
        """Another run; whether it can do any variant. The present one stays, if it can."""
        usable = [m.name for m in facts.members if not m.why_not]
        self.facts = facts
        if usable and self.variant not in usable:
            self.variant = PREFERRED if PREFERRED in usable else usable[-1]
        return bool(usable)

    def choose(self, variant: str) -> None:
        """Another variant, with its own values."""
        self.variant = variant
        self.show_own()

    def show_own(self) -> None:
        """The variant's own values; nothing is told."""
        self.history.clear()
        self._show_mode()
        self.panel.show_values(self.own())
        self.in_force = self.panel.values()

    def member(self) -> Member:
        """The chosen variant."""
        assert self.facts is not None
        return next(m for m in self.facts.members if m.name == self.variant)

    def own(self) -> dict[str, Any]:
        """The variant's own numbers in the present mode; mode and objective stay as they are."""
        kept = {name: self.panel.rows[name].value for name in KEPT}
        context = {"epsilon4": CONTEXT if self.masked else 0.0}
        return {**self.member().own[str(kept["mode"])], **kept, **context}

    def mask(self, on: bool) -> None:
        """A part of a picture is kept, or no longer; new chains follow, so nothing is told."""
        if on != self.masked:
            self.masked = on
            self.put({"epsilon4": CONTEXT if on else 0.0})
            self._show_mode()

    def put(self, change: dict[str, Any]) -> None:
        """Values that come from elsewhere on the stage; nothing is told."""
        self.panel.show_values(change)
        self.in_force |= change

    def pull(self, epsilon2: float, drag: int, *, held: bool) -> None:
        """ε2 from the blend pad, which tells the worker itself; `held` as long as it is one and the same drag."""
        self._remember(f"pad {drag}" if held else "pad", {"epsilon2": epsilon2}, held=held)
        self.put({"epsilon2": epsilon2})

    def reset(self) -> None:
        """The variant's own values, from the next step on."""
        self._remember("own", self.own())
        self._turn(self.own())

    def _on_knob(self, name: str, value: Any) -> None:
        change = self.own() if name == "mode" else {name: value}  # an ε of one mode means nothing in the other
        self._remember(name, change)
        self._turn(change)

    def _remember(self, name: str, change: dict[str, Any], *, held: bool = False) -> None:
        before = {k: self.in_force[k] for k in change if k in self.in_force}
        row = self.panel.rows.get(next(iter(change)) if len(change) == 1 else name)
        what = row.knob.symbol if row is not None else "the variant's own values"
        values = [written(v[row.knob.name]) for v in (before, change)] if row is not None and row.knob.name in before else []
        self.history.done(what, lambda: self._turn(before), lambda: self._turn(change), name, values, held=held)

    def _turn(self, change: dict[str, Any]) -> None:
        self.put(change)
        self._show_mode()
        self.turned.emit(change)

    def _show_mode(self) -> None:
        self.panel.show_member(self.member(), str(self.panel.rows["mode"].value), masked=self.masked)
