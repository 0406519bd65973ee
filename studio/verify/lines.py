"""Exported sentences and fillings as lines that can be compared: their words to the byte, log p and probabilities as numbers."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from studio.export.filledpage import parted
from studio.export.textpage import shown
from studio.recipe import FIELD

CARRIED = re.compile(r'<s:recipe .*?</s:recipe>|<script type="application/json".*?</script>', re.DOTALL)  # what an .svg or a page carries
_LOG_P = re.compile(r'<span class="p" data-log-p="([^"]*)">([^<]*)</span>')
_ALTERNATIVE = re.compile(r'<li id="([a-z]+)-(\d+)"')
_NUMBER = re.compile(r'<li id="s(\d+)"')


class Line(NamedTuple):
    """A line of a file; one that this studio would write otherwise has all of it in `words`, so that it differs from every other."""

    name: str  # for people
    words: Any
    numbers: tuple[float, ...] = ()


def plain(text: str) -> Iterator[Line]:
    """Of .txt."""
    return (Line(f"line {i}", line) for i, line in enumerate(text.split("\n"), 1))


def objects(text: str) -> Iterator[Line]:
    """Of .jsonl, without the recipe."""
    for i, (line, values) in enumerate(_read(text), 1):
        if values is None:
            yield Line(f"line {i}", line)
            continue
        numbers = _taken(values, "log_p")
        yield Line(f"line {i}", list(values.items()), numbers)


def _taken(values: dict[str, Any], name: str) -> tuple[float, ...]:
    """The numbers under a name, one or a list of them; what is left there tells where they were, and everything else."""
    found = values.get(name)
    several: list[Any] = found if isinstance(found, list) else [found]
    numbers = [v for v in several if isinstance(v, float) and math.isfinite(v)]
    if numbers:
        holes = ["a number" if isinstance(v, float) and math.isfinite(v) else [v] for v in several]
        values[name] = holes if isinstance(found, list) else holes[0]
    return tuple(numbers)


def _read(text: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Lines with the object that each holds, the first without the recipe; None for one that this studio would write otherwise."""
    for i, line in enumerate(text.split("\n")):
        try:
            values = json.loads(line)
            written = json.dumps(values, ensure_ascii=False)
        except (ValueError, RecursionError):
            values, written = None, ""
        if not isinstance(values, dict) or written != line:
            yield line, None
            continue
        if i == 0:
            values.pop(FIELD, None)
        yield line, values


def table(text: str) -> Iterator[Line]:
    """Of .csv."""
    for i, line in enumerate(text.split("\n"), 1):
        out = io.StringIO()
        try:
            cells = next(csv.reader([line]), [])
            csv.writer(out, lineterminator="").writerow(cells)
        except csv.Error:
            cells = []
        log_p = _number(cells[2]) if len(cells) == 4 and out.getvalue() == line else None
        yield Line(f"line {i}", line) if log_p is None else Line(f"line {i}", (*cells[:2], cells[3]), (log_p,))


def page(text: str) -> Iterator[Line]:
    """Of .html, without the recipe."""
    for i, line in enumerate(CARRIED.sub("", text).split("\n"), 1):
        number, found = _NUMBER.match(line), _LOG_P.search(line)
        name = f"sentence {number[1]}" if number else f"line {i}"
        log_p = _number(found[1]) if found else None
        if found and log_p is not None and shown(found[1]) == found[2]:
            yield Line(name, (line[: found.start()], line[found.end() :]), (log_p,))
        else:
            yield Line(name, line)


def _number(cell: str) -> float | None:
    """What a cell says, if it is a number as it is written here."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and f"{value:.9g}" == cell else None


def filled_objects(text: str) -> Iterator[Line]:
    """Fillings, of .jsonl, without the recipe."""
    for i, (line, values) in enumerate(_read(text), 1):
        if values is None:
            yield Line(f"line {i}", line)
            continue
        numbers = [number for name in ("probabilities", "realism", "log_p") for number in _taken(values, name)]
        yield Line(f"line {i}", list(values.items()), tuple(numbers))


def filled_page(text: str) -> Iterator[Line]:
    """Fillings, of .html, without the recipe."""
    for i, line in enumerate(CARRIED.sub("", text).split("\n"), 1):
        words, numbers = parted(line)
        found = _ALTERNATIVE.match(line)
        yield Line(f"alternative {found[2]} of {found[1]}" if found else f"line {i}", words, numbers)


READERS: Mapping[str, Callable[[str], Iterator[Line]]] = {"txt": plain, "jsonl": objects, "texts": table, "page": page}
FILLED: Mapping[str, Callable[[str], Iterator[Line]]] = {"fillings-page": filled_page, "fillings-jsonl": filled_objects, "fillings-txt": plain}
