"""The phases of a run, as its journal has made them: one may be left early, entered again, or made longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.contract import Phase

Line = Mapping[str, Any]


def phases(record: Mapping[str, Any], lines: Sequence[Line], present: int) -> tuple[Phase, ...]:
    """Those of the preset in `record`, the present one with what was added to it since it began."""
    found = [Phase(p["name"], p["steps"]) for p in record["phases"]]
    last = max((i for i, line in enumerate(lines) if line["what"] == "phase"), default=-1)
    more = sum(line["steps"] for line in lines[last + 1 :] if line["what"] == "longer")
    found[present] = Phase(found[present].name, found[present].steps + more)
    return tuple(found)


def began(lines: Sequence[Line]) -> int:
    """The step at which the present phase began."""
    return next((line["step"] for line in reversed(lines) if line["what"] == "phase"), 0)
