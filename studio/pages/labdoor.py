"""An exported walk of the lab as the choices of its page. No Qt."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from models.errors import BadInput

KERNELS = ("metropolis", "mala", "mala-approx")
TARGETS = ("normal", "correlated", "ring", "banana", "funnel", "donut", "twin")
CHANGED = "The recipe of this table describes no walk that the lab can take: it was changed after the export."
MOST, SEEDS, DIMENSIONS, LETTERS = 4096, 2**31 - 1, 100, 2_000
LARGEST = 20_000_000  # bytes of a painting


class Choices(NamedTuple):
    """What the header and the side of the page are to say."""

    kernel: str
    target: str  # a name of the page's list: "drawn" and "typed" are among them
    chains: int
    seed: int
    start: str  # "exact", "wide", or "point"
    point: str  # its numbers with commas
    settings: Mapping[str, float]
    dimensions: int
    formula: str
    painting: Path | None


def walk_of(recipe: Mapping[str, Any]) -> Choices:
    """The choices of a recipe of kind "lab".

    Raises:
        BadInput: it is none, a number is out of the page's range, or the painting is gone or another one.
    """
    walk = recipe.get("walk")
    if not isinstance(walk, dict):
        raise BadInput(CHANGED)
    try:
        kernel, target, start = str(walk["kernel"]), str(walk["target"]), walk["start"]
        settings = {str(name): float(value) for name, value in walk["settings"].items()}
        point = "" if isinstance(start, str) else ",".join(f"{float(v):g}" for v in start)
        chains, seed = walk["chains"], walk["seed"]
        good = kernel in KERNELS and type(chains) is int and type(seed) is int and (point or start in ("exact", "wide"))
        if not good or len(target) > LETTERS or len(settings) > 8 or not all(math.isfinite(v) for v in settings.values()):
            raise ValueError(kernel)
    except (LookupError, AttributeError, TypeError, ValueError):
        raise BadInput(CHANGED) from None
    if not 1 <= chains <= MOST or not 0 <= seed <= SEEDS:
        raise BadInput(f"The lab takes up to {MOST:,} chains and seeds up to {SEEDS:,}; this walk has {chains:,} chains and seed {seed:,}.")
    name, dimensions, formula, painting = _target(target, walk.get("sha256"))
    return Choices(kernel, name, chains, seed, "point" if point else start, point, settings, dimensions, formula, painting)


def _target(target: str, digest: Any) -> tuple[str, int, str, Path | None]:
    """The page's name of a target, with its dimensions, formula and painting."""
    if target in TARGETS:
        return target, 20, "", None
    if target.startswith("expr:"):
        return "typed", 20, target.removeprefix("expr:"), None
    name, _, number = target.partition(":")
    if name == "ill-conditioned":
        if number and not (number.isdecimal() and len(number) < 5 and 2 <= int(number) <= DIMENSIONS):
            raise BadInput(CHANGED)
        return name, int(number or 20), "", None
    path = Path(target)
    if not path.is_absolute() or ".." in path.parts or path.suffix not in (".json", ".png") or target.startswith(("//", "\\\\")):
        raise BadInput(f"The walk was on a painting that this file does not tell the place of ({path.name}): load the painting, then walk on it.")
    same = path.is_file() and path.stat().st_size <= LARGEST and hashlib.sha256(path.read_bytes()).hexdigest() == digest
    if not same:
        raise BadInput(f"The painting {path.name} that this walk was on is gone, or not as it was: put the first one back.")
    return "drawn", 20, "", path
