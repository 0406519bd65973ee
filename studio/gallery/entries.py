"""What is kept of a sample: as it comes, and as it is read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Sample:
    """One thing to be kept: a picture as PNG with its small code for the search, or a sentence."""

    place: int  # among those of the recipe, see `recipe.of_sample`
    png: bytes = b""
    code: bytes = b""  # of `studio.gallery.nearest.code_of`
    width: int = 0
    height: int = 0
    text: str = ""
    label: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)  # the first is the main one


@dataclass(frozen=True)
class Entry:
    """One thing that is kept, without its pixels."""

    id: int
    kind: Literal["picture", "text"]
    system: str
    run: str  # its name when the sample was made
    run_id: str
    data: str
    step: int
    seed: int
    row: int  # which sample of the seed it is, from 0
    label: str  # what the chain was asked for; "" for none
    score: float | None
    score_name: str
    scores: Mapping[str, float]
    made: float  # seconds since 1970 when it was kept
    width: int
    height: int
    text: str
    star: bool
    note: str
    tags: tuple[str, ...] = ()

    @property
    def wish(self) -> str:
        """What the chain was asked for, as people say it: the words of a caption alone."""
        return self.label.removeprefix("caption:")


def row_of(recipe: Mapping[str, Any], place: int) -> tuple[str, int]:
    """What the sample at a place of a recipe is one of ("rows" of a seed, "chains", fillings of a net), and which one, from 0."""
    made = recipe.get("made") or {}
    if "desk" in made:
        net, number = divmod(place, made["count"])
        return str(made["nets"][net]), int(made.get("number", number))
    if "chains" in recipe:
        return "chains", int(made.get("chain", place))
    rows = made.get("rows")
    return "rows", place + (int(rows[0]) if isinstance(rows, list) and rows else 0)


def run_id_of(recipe: Mapping[str, Any]) -> str:
    """The id of the run that a recipe names; of recipes that know no ids, one made from what is known of the run."""
    run = recipe.get("run") or {}
    known = [run.get("name"), run.get("path"), recipe.get("system"), recipe.get("training_seed"), (recipe.get("data") or {}).get("id")]
    return str(run.get("id") or hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16])
