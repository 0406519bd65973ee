"""What the palette can set on a page, from the controls that are there anyway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtWidgets import QSpinBox

from models.errors import BadSetting
from models.knobs import Knob, Value
from studio.finding import Settable
from studio.pages.ownrun import OwnRun
from studio.panels.knob import KnobRow


def of_rows(rows: Mapping[str, KnobRow], of: str = "") -> list[Settable]:
    """Knobs that have an effect now; `of` says whose they are, where several have the same."""
    out = []
    for name, row in rows.items():
        names = tuple(dict.fromkeys((name, row.knob.symbol)))
        if of:
            names = (f"{of} {name}", f"{of} {row.knob.symbol}", *names)
        if row.isEnabled():
            knob = replace(row.knob, doc=f"{row.knob.doc.split(',')[0]} of {of}") if of else row.knob
            out.append(Settable(names, knob, row.take, row.value))
    return out


def of_spin(names: tuple[str, ...], spin: QSpinBox, doc: str) -> Settable:
    """A whole number of the stage, such as the seed of the samples."""
    knob = Knob(names[0], "int", names[0], doc, spin.value(), spin.minimum(), spin.maximum(), False, (), "")
    return Settable(names, knob, lambda value: spin.setValue(int(value)), spin.value())


def to_step(session: OwnRun) -> Settable:
    """ "go 1200" trains to step 1,200; "go +200" trains 200 steps more."""
    doc = "train to a step, such as 1200, or so many steps more, such as +200"

    def read(text: str) -> tuple[Value, str]:
        found = re.fullmatch(r"(\+?)\s*(\d{1,12})", text.replace(",", "").replace("_", "").strip())
        step = session.step
        to = int(found[2]) + (step if found[1] else 0) if found else 0
        if to <= step:
            raise BadSetting(f"go must be a step after the present one, {step:,}, or a number of steps more, such as +200; got {text!r}.")
        return to, f"Train to step {to:,}: {to - step:,} steps more"

    knob = Knob("go", "int", "go", doc, 0, None, None, False, (), "")
    return Settable(("go", "go to", "train to", "steps"), knob, lambda value: session.go(int(value)), None, read)
