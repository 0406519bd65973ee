"""What a recipe may be: types and ranges of its fields, older schemas brought up to date, and the recipe of one sample among many.

Needs neither Qt nor torch; nothing here opens a file. A recipe comes from a file that anybody may have made: what is not checked here (`made`,
`chains`, `walk`) is checked by those who make the thing again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.errors import BadInput

SCHEMA = 2
LETTERS = 4_096  # of a name, path, title or hash
SETTINGS = 1_000  # names in a mapping of settings
STEPS = 10**12
SEEDS = 2**62
DEPTH = 32  # of lists and mappings within each other
SOURCES = 10_000  # runs on one sheet
PRIVATE = "private"
OWN = ("schema", "kind", "made", "sources", "was")  # of a recipe, beside what the thing was made from
CHAINS = "chains-"
FILLINGS = "fillings-"
ROWS = ("sheet", "single", "gallery", "txt", "jsonl", "texts", "page")  # kinds whose samples are rows of a seed

Recipe = dict[str, Any]


# --- fields -------------------------------------------------------------------------------------------------------


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LETTERS and "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def _whole(high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value <= high


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _record(**fields: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A mapping that may have more; `fields` that it has are right."""
    return lambda value: isinstance(value, dict) and all(check(value[name]) for name, check in fields.items() if name in value)


def _settings(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= SETTINGS and all(_text(name) for name in value)


def _each(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(check(one) for one in value)


_RUN = _record(id=_text, name=_text, path=_text)
_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (_text, "a word"),
    "system": (_text, "a word"),
    "run": (_RUN, "id, name and path in words"),
    "data": (_record(spec=_text, id=_text, title=_text), "spec, id and title in words"),
    "config": (_settings, "settings by name"),
    "knobs": (_settings, "settings by name"),
    "knob_history": (_each(_record(step=_whole(STEPS), change=_settings)), "steps with the knobs that were turned"),
    "knob_history_cut": (_flag, "true or false"),
    "training_seed": (_whole(SEEDS), "a whole number from 0"),
    "step": (_whole(STEPS), "a whole number from 0"),
    "state_hash": (_text, "a word"),
    "checkpoint": (_text, "a word"),
    "plan": (_settings, "settings by name"),
    "versions": (_record(), "words by name"),
    "made": (_record(), "settings by name"),
    "chains": (_record(), "a record of chains"),
    "walk": (_record(), "a record of a walk"),
    PRIVATE: (_flag, "true or false"),
    "sources": (_each(_record()), "what samples of several runs were made from"),
}


def wrong(recipe: Mapping[str, Any]) -> str:
    """What of a recipe of the present schema cannot be, in a few words; "" if nothing. Unknown fields are let alone."""
    if not _flat(recipe):
        return f"it has more than {DEPTH} lists within each other, or a number that is none"
    for name, (check, told) in _FIELDS.items():
        if name in recipe and not check(recipe[name]):
            return f"{name} must be {told}"
    sources = recipe.get("sources", ())
    if len(sources) > SOURCES:
        return f"it has more than {SOURCES:,} sources"
    for source in sources:
        found = {name: value for name, value in source.items() if name not in OWN}
        if told := wrong(found):
            return f"in its sources {told}"
    return ""


def _flat(value: Any, depth: int = DEPTH) -> bool:
    """Whether lists and mappings are not too deep, and all numbers are finite ones of at most 64 bits."""
    level = [value]
    for _ in range(depth):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                deeper += one.values()
            elif isinstance(one, list | tuple):
                deeper += one
            elif (isinstance(one, float) and not math.isfinite(one)) or (isinstance(one, int) and abs(one) > 2**64):
                return False
        level = deeper
        if not level:
            return True
    return False


# --- older schemas ------------------------------------------------------------------------------------------------


def _from_1(recipe: Recipe) -> Recipe:
    """Runs had no id; a sheet had one look, and did not tell where its cells lie."""
    recipe = dict(recipe)
    if isinstance(recipe.get("run"), dict):
        recipe["run"] = {"id": "", **recipe["run"]}
    made = recipe.get("made")
    if recipe.get("kind") == "sheet" and isinstance(made, dict):
        recipe["made"] = {**made, "gap": 8, "border": 16, "captions": ["seed", "step"], "paper": "light"}
    return recipe


_CHAIN: Mapping[int, Callable[[Recipe], Recipe]] = {1: _from_1}


def migrated(recipe: Recipe) -> Recipe:
    """A recipe of any schema up to the present one as one of the present schema; an older one tells in `was` which it was."""
    first = recipe["schema"]
    for schema in range(first, SCHEMA):
        recipe = {**_CHAIN[schema](recipe), "schema": schema + 1}
    return recipe if first == SCHEMA else {**recipe, "was": first}


# --- what a person keeps to themselves ------------------------------------------------------------------------------


def private(recipe: Recipe) -> Recipe:
    """The recipe without paths, machine, and words that persons wrote; runs stay findable by their id.

    The place of the run goes, and that of the data if it is a path (which is told by its title), foreign classifiers and drawn densities keep
    their file's name, versions lose the machine.
    """
    out = {**recipe, PRIVATE: True}
    if isinstance(run := recipe.get("run"), dict):
        out["run"] = {name: value for name, value in run.items() if name != "path"}
    if isinstance(data := recipe.get("data"), dict) and _is_path(data.get("spec")):
        out["data"] = {**data, "spec": ""}
    if isinstance(versions := recipe.get("versions"), dict):
        out["versions"] = {name: value for name, value in versions.items() if name != "machine"}
    if isinstance(walk := recipe.get("walk"), dict) and _is_path(walk.get("target")):
        out["walk"] = {**walk, "target": _name(walk["target"])}
    if isinstance(recipe.get("chains"), dict):
        out["chains"] = _without_paths(recipe["chains"])
    if "sources" in recipe:
        out["sources"] = [{name: value for name, value in private(one).items() if name != PRIVATE} for one in recipe["sources"]]
    return out


def _without_paths(value: Any) -> Any:
    """A record of chains whose classifiers are named without their folder."""
    if isinstance(value, list):
        return [_without_paths(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _without_paths(one) for name, one in value.items()}
    if _is_path(found.get("spec")):
        found["spec"] = _name(found["spec"])
    return found


def _is_path(value: Any) -> bool:
    """Whether it is a place of this machine; hub:OWNER/NAME and expr:x/y are none."""
    if not isinstance(value, str) or value.startswith("expr:"):
        return False
    if value.startswith("hub:"):
        place = value.removeprefix("hub:")
        return place.startswith(("/", ".", "~")) or "\\" in place or place.count("/") > 1
    return "/" in value or "\\" in value


def _name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


# --- one sample among many ----------------------------------------------------------------------------------------


def source_of(recipe: Mapping[str, Any], number: int = 0) -> Recipe:
    """What the thing was made from, without how it was exported; of a sheet of several runs that of one of them. Raises BadInput."""
    if "sources" in recipe:
        if not 0 <= number < len(recipe["sources"]):
            raise BadInput(f"The sheet has samples of {len(recipe['sources']):,} runs; there is no source {number}.")
        shared = {PRIVATE: True} if recipe.get(PRIVATE) else {}
        return {**recipe["sources"][number], **shared}
    return {name: value for name, value in recipe.items() if name not in OWN}


def gathered(kind: str, parts: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]], **made: Any) -> Recipe:
    """One recipe for samples of one or more runs: each source once, and `made.cells` with how each sample is made from its source.

    Args:
        parts: of each sample, see `of_sample`.
        told: of each sample, what else is to be known about it.
        made: of all of them together.

    Raises:
        BadInput: they are of so many sources that no recipe has room for them.
    """
    sources: dict[str, tuple[int, Recipe]] = {}
    cells: list[Recipe] = []
    for part, more in zip(parts, told, strict=True):
        source = source_of(part)
        key = json.dumps(source, sort_keys=True, allow_nan=False)
        number, _ = sources.setdefault(key, (len(sources), source))
        cells.append({"source": number, "kind": part["kind"], "made": dict(part["made"]), **more})
    found = [source for _, source in sources.values()]
    head: Recipe = dict(found[0]) if len(found) == 1 else {"sources": [{k: v for k, v in s.items() if k != PRIVATE} for s in found]}
    if any(source.get(PRIVATE) for source in found):
        head[PRIVATE] = True
    return {"schema": SCHEMA, "kind": kind, **head, "made": {**made, "count": len(cells), "cells": cells}}


def count_of(recipe: Mapping[str, Any]) -> int:
    """How many samples a file has, each of which can be asked for by `of_sample`; 0 where it has none, or is no file of samples."""
    kind, made = str(recipe.get("kind", "")), _dict(recipe.get("made"))
    cells, rows = made.get("cells"), made.get("rows")
    if isinstance(cells, list):
        return len(cells)
    if kind in ("chains-single", "filling"):
        return 1
    if kind.startswith(CHAINS):
        chains, count = _dict(recipe.get("chains")).get("chains"), made.get("count")
        found = count if kind == "chains-sheet" else chains if chains is not None else count
        return found if isinstance(found, int) and _whole(100_000)(found) else 0
    if kind.startswith(FILLINGS):
        nets, count = made.get("nets"), made.get("count")
        return count * len(nets) if isinstance(count, int) and _whole(64)(count) and isinstance(nets, list) else 0
    if kind not in ROWS or not isinstance(rows, list) or len(rows) != 2 or not all(_whole(100_000)(v) for v in rows):
        return 0
    return max(0, rows[1] - rows[0])


def of_sample(recipe: Mapping[str, Any], index: int) -> Recipe:
    """The recipe of sample `index` (from 0) of a file of many; that of a picture of its own is the same.

    Its kind is "single" for a row of a seed, picture or sentence, "chains-single" for a chain, and "filling" for an alternative of a desk.

    Raises:
        BadInput: the file has no such sample.
    """
    kind, count = str(recipe.get("kind", "")), count_of(recipe)
    if not 0 <= index < count:
        told = (
            f"has {count:,} samples, from 0 to {count - 1:,}; there is no sample {index}" if count else f"of kind {kind!r} has no samples of its own"
        )
        raise BadInput(f"This file {told}.")
    made = recipe["made"]
    if "cells" in made:
        cell = made["cells"][index]
        if not isinstance(cell, dict) or not isinstance(cell.get("made"), dict) or not _whole(SOURCES)(cell.get("source")):
            raise BadInput(f"The recipe does not tell how sample {index} was made: it was changed after the export.")
        return {"schema": SCHEMA, "kind": str(cell.get("kind", "single")), **source_of(recipe, cell["source"]), "made": cell["made"]}
    source = source_of(recipe)
    if kind.startswith(CHAINS):
        chain = made["chain"] if kind == "chains-single" else index
        return {"schema": SCHEMA, "kind": "chains-single", **source, "made": {"seed": made.get("seed"), "chain": chain}}
    if kind.startswith(FILLINGS):
        net, number = divmod(index, made["count"])
        return {"schema": SCHEMA, "kind": "filling", **source, "made": {**made, "nets": [made["nets"][net]], "number": number}}
    if kind == "filling":
        return dict(recipe)
    row = made["rows"][0] + index
    how = {name: made[name] for name in ("ema", "options") if name in made}
    return {"schema": SCHEMA, "kind": "single", **source, "made": {"seed": made.get("seed"), **how, "count": 1, "rows": [row, row + 1]}}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
