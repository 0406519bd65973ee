"""Exported sentences as lines that can be compared: their words to the byte, log p as a number."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from studio.export.textpage import shown
from studio.recipe import FIELD

CARRIED = re.compile(r'<s:recipe .*?</s:recipe>|<script type="application/json".*?</script>', re.DOTALL)  # what an .svg or a page carries
_LOG_P = re.compile(r'<span class="p" data-log-p="([^"]*)">([^<]*)</span>')
_NUMBER = re.compile(r'<li id="s(\d+)"')


class Line(NamedTuple):
    """A line of a file; one that this studio would write otherwise has all of it in `words`, so that it differs from every other."""

    name: str  # for people
    words: Any
    log_p: float | None = None


def plain(text: str) -> Iterator[Line]:
    """Of .txt."""
    return (Line(f"line {i}", line) for i, line in enumerate(text.split("\n"), 1))


def objects(text: str) -> Iterator[Line]:
    """Of .jsonl, without the recipe."""
    for i, line in enumerate(text.split("\n"), 1):
        try:
            values = json.loads(line)
            written = json.dumps(values, ensure_ascii=False)
        except (ValueError, RecursionError):
            values, written = None, ""
        if not isinstance(values, dict) or written != line:
            yield Line(f"line {i}", line)
            continue
        if i == 1:
            values.pop(FIELD, None)
        log_p = values.get("log_p")
        known = isinstance(log_p, float) and math.isfinite(log_p)
        yield Line(f"line {i}", list((values | ({"log_p": "a number"} if known else {})).items()), log_p if known else None)


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
        yield Line(f"line {i}", line) if log_p is None else Line(f"line {i}", (*cells[:2], cells[3]), log_p)


def page(text: str) -> Iterator[Line]:
    """Of .html, without the recipe."""
    for i, line in enumerate(CARRIED.sub("", text).split("\n"), 1):
        number, found = _NUMBER.match(line), _LOG_P.search(line)
        name = f"sentence {number[1]}" if number else f"line {i}"
        log_p = _number(found[1]) if found else None
        if found and log_p is not None and shown(found[1]) == found[2]:
            yield Line(name, (line[: found.start()], line[found.end() :]), log_p)
        else:
            yield Line(name, line)


def _number(cell: str) -> float | None:
    """What a cell says, if it is a number as it is written here."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and f"{value:.9g}" == cell else None


READERS: Mapping[str, Callable[[str], Iterator[Line]]] = {"txt": plain, "jsonl": objects, "texts": table, "page": page}
