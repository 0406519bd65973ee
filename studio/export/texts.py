"""Sentences as files for other programs: one a line, JSON lines, a table. In all of them line i (from 0) is sentence i of the seed."""

from __future__ import annotations

import csv
import inspect
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.errors import BadInput
from models.files import write_bytes
from studio import recipe as recipes
from studio.export import Record

COLUMNS = ("index", "text", "log_p", "length")
LIMITS = {"temperature": (0.0, 10.0), "top_k": (0, 1_000_000), "nucleus": (0.0, 1.0)}  # the float ones exclude 0, which is no distribution
LONGEST = 10_000  # letters of a prompt
_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")  # where str.splitlines breaks


class Row(NamedTuple):
    """A sentence with its numbers as they are written; "" where there is none."""

    number: int
    text: str
    log_p: str  # nats, with the digits of float32
    length: str  # tokens


def rows(record: Record) -> Iterator[Row]:
    """The sentences of a record."""
    numbers = {name: record.numbers.get(name) for name in ("log_p", "length")}
    for i, text in enumerate(record.sentences):
        log_p, length = (math.nan if values is None else float(values[i]) for values in numbers.values())
        yield Row(i, text, f"{log_p:.9g}" if math.isfinite(log_p) else "", f"{length:.0f}" if math.isfinite(length) else "")


def made(record: Record) -> dict[str, Any]:
    """How the sentences were drawn, for a recipe."""
    n = len(record.sentences)
    return {"seed": record.seed, "count": n, "rows": [0, n], "options": dict(record.options)}


def write_txt(record: Record, path: Path) -> Sequence[Path]:
    """One sentence a line, UTF-8, and the recipe beside it; raises DiskTrouble."""
    return _written(path, "".join(f"{text}\n" for text in record.sentences), recipes.make("txt", record.recipe, **made(record)))


def write_jsonl(record: Record, path: Path) -> Sequence[Path]:
    """One JSON object a line: text, log_p, length, index. The first one carries the recipe as well, which is also beside the file.

    Raises:
        DiskTrouble: it cannot be written.
    """
    recipe = recipes.make("jsonl", record.recipe, **made(record))
    lines = []
    for row in rows(record):
        values = {
            "text": row.text,
            "log_p": float(row.log_p) if row.log_p else None,
            "length": int(row.length) if row.length else None,
            "index": row.number,
        }
        carried = {recipes.FIELD: json.loads(recipes.dumps(recipe))} if row.number == 0 else {}
        lines.append(json.dumps(values | carried, allow_nan=False, ensure_ascii=False))
    return _written(path, "".join(f"{line}\n" for line in lines), recipe)


def write_csv(record: Record, path: Path) -> Sequence[Path]:
    """A table with the columns index, text, log_p, length, UTF-8, and the recipe beside it; raises DiskTrouble."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(record))
    return _written(path, out.getvalue(), recipes.make("texts", record.recipe, **made(record)))


def _written(path: Path, text: str, recipe: recipes.Recipe) -> Sequence[Path]:
    write_bytes(path, text.encode())
    recipes.save_beside(path, recipe)
    return [path, recipes.beside(path)]


def one_line(text: str) -> str:
    """A sentence without line breaks; tokens have none, but a file of sentences stands and falls with it."""
    return _BREAKS.sub(" ", text)


def options_of(algorithm: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a system's `sample`, those that are `given` and the defaults of the others.

    Raises:
        BadInput: the system has no such option, or the value is out of its range: temperature in (0, 10], top_k from 0 (all words),
            nucleus in (0, 1], a prompt of at most 10,000 letters on one line, ema true or false.
    """
    known = _known(algorithm)
    for name in given:
        if name not in known:
            raise BadInput(f"{algorithm.TITLE} has no option {name!r} for its samples; it has {', '.join(known) or 'none'}.")
    return {**known, **options_checked(given)}


def takes(algorithm: Any, option: str) -> bool:
    """Whether a system's `sample` has an option."""
    return option in _known(algorithm)


def _known(algorithm: Any) -> dict[str, Any]:
    keywords = inspect.signature(algorithm.sample).parameters.values()
    return {p.name: p.default for p in keywords if p.kind is p.KEYWORD_ONLY}


def options_checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options as numbers of their kind; raises BadInput for one out of its range, see `options_of`."""
    return {name: _checked(name, value) for name, value in given.items()}


def _checked(name: str, value: Any) -> Any:
    if name in LIMITS:
        low, high = LIMITS[name]
        whole, number = isinstance(low, int), type(value) in (int, float)
        if not number or not low <= value <= high or (whole and value != int(value)) or (not whole and value == low):
            told = f"a whole number from {low:,} to {high:,}" if whole else f"a number above {low:g} and at most {high:g}"
            raise BadInput(f"{name} must be {told}; got {value!r}.")
        return int(value) if whole else float(value)
    if name == "ema":
        if not isinstance(value, bool):
            raise BadInput(f"ema must be true or false; got {value!r}.")
        return value
    if not isinstance(value, str):
        raise BadInput(f"{name} must be words; got {value!r}.")
    if len(value) > LONGEST or _BREAKS.search(value) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadInput(f"{name} must be at most {LONGEST:,} letters on one line, in UTF-8: shorten it.")
    return value
