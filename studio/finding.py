"""What the command palette finds for a line that a person types: things to do by their letters, and values to set. No Qt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.errors import BadSetting
from models.knobs import Knob, Value, describe, limits, read

MOST = 60  # that are listed
_SPLIT = re.compile(r"\s*[=:]\s*|\s+")
_VALUE = re.compile(r"^\s*(?:set\s+)?([^\d\s=:][^=:]*?)(?:\s*[=:]\s*|\s+)[-+]?[\d.]\S*\s*$")
_GREEK = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)")


class Settable(NamedTuple):
    """One value that a page lets be set by name.

    `read` reads what a person typed, where that is no plain value; it returns the value and what setting it would do, or raises BadSetting.
    """

    names: tuple[str, ...]
    knob: Knob
    set: Callable[[Value], object]
    now: Value | None = None
    read: Callable[[str], tuple[Value, str]] | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the palette.

    Attributes:
        id: by which it is remembered as used.
        title, note: what it is; at the right, what kind or which keys.
        words: other words that it is found by.
        act: does it; None where it cannot be done now.
        fill: what Enter puts into the line instead, for example a knob's name that waits for its value.
        detail: one sentence under the line. bad: that is a problem.
    """

    id: str
    title: str
    note: str = ""
    words: str = ""
    act: Callable[[], object] | None = None
    fill: str = ""
    detail: str = ""
    bad: bool = False


# --- by letters -------------------------------------------------------------------------------------------------


def score(query: str, title: str, words: str = "") -> float | None:
    """How well a title fits the words of a query, higher is better; None where one of them is not in it. The empty query fits everything."""
    total = 0.0
    for word in folded(query).split():
        found = [_fits(word, folded(title)), *(v * 0.6 for v in (_fits(word, folded(words)),) if v is not None)]
        best = max((v for v in found if v is not None), default=None)
        if best is None:
            return None
        total += best
    return total - len(title) / 1000


def _fits(word: str, text: str) -> float | None:
    """A beginning of a word beats a part of one, which beats letters in their order."""
    place = text.find(word)
    if place >= 0:
        starts = [m.start() for m in re.finditer(r"\b\w", text)]
        return (4.0 if any(text.startswith(word, at) for at in starts) else 2.0) + len(word) / 100 - place / 1000
    at, gaps = -1, 0
    for letter in word:
        found = text.find(letter, at + 1)
        if found < 0:
            return None
        gaps += (found - at - 1) if at >= 0 else 0
        at = found
    return 1 / (1 + gaps) if len(word) > 1 and gaps <= 2 * len(word) else None


def ranked(query: str, entries: Iterable[Entry], recent: Sequence[str] = ()) -> list[Entry]:
    """Those that fit, the best first; of equals, and for an empty query, what was used last; what cannot be done now stands behind."""
    used = {name: (len(recent) - i) / max(1, len(recent)) for i, name in enumerate(recent)}
    found = [(s + used.get(e.id, 0.0), i, e) for i, e in enumerate(entries) if (s := score(query, e.title, e.words)) is not None]
    if not folded(query).split():
        found = [(used.get(e.id, 0.0), i, e) for _, i, e in found]
    return [e for _, _, e in sorted(found, key=lambda f: (f[2].act is None and not f[2].fill, -f[0], f[1]))][:MOST]


# --- values -----------------------------------------------------------------------------------------------------


def settings(query: str, settables: Sequence[Settable]) -> list[Entry]:
    """The values that a line such as "gamma .6", "γ=0.6" or "go 1200" would set; one that is out of range says so and does nothing."""
    for name, text in _splits(query):
        exact = [s for s in settables if folded(name) in _names(s)]
        chosen = exact or [s for s in settables if len(folded(name)) > 1 and any(n.startswith(folded(name)) for n in _names(s))]
        if chosen:
            return [e for s in chosen for e in _would_set(s, text)]
    return []


def value_name(query: str) -> str:
    """What a line such as "gamma .6" would name as a value: the word before a number; "" for any other line."""
    found = _VALUE.match(query)
    return found[1].strip() if found else ""


def pages_with(name: str) -> list[str]:
    """The pages of which a value of this name is a knob; imports their systems."""
    from models import catalog

    knobs = {page: describe(catalog.algorithm(page).Knobs) for page in catalog.ALGORITHMS}
    knobs["lab"] = tuple(knob for kernel in catalog.KERNELS for knob in describe(catalog.kernel(kernel).Knobs))
    return [page for page, those in knobs.items() if any(folded(name) in (folded(k.name), folded(k.symbol)) for k in those)]


def named(settables: Sequence[Settable]) -> list[Entry]:
    """Every value that can be set, for a line that names none yet: Enter waits for the value."""
    return [
        Entry(
            f"set {s.names[0]}",
            f"Set {_title(s)}",
            "" if s.now is None else shown(s.now),
            " ".join(s.names),
            fill=f"{s.names[0]} ",
            detail=f"{s.names[0]} takes {limits(s.knob)}" if s.read is None else s.knob.doc,
        )
        for s in settables
    ]


def _splits(query: str) -> Iterator[tuple[str, str]]:
    """Name and value at every gap, the longest name first."""
    line = re.sub(r"^\s*set\s+", "", query)
    gaps = [m for m in _SPLIT.finditer(line) if m.start() > 0]
    for gap in reversed(gaps):
        if line[gap.end() :].strip():
            yield line[: gap.start()].strip(), line[gap.end() :].strip()


def _would_set(s: Settable, text: str) -> list[Entry]:
    name = f"set {s.names[0]}"
    if s.knob.kind == "choice":
        fits = [c for c in s.knob.choices if folded(str(c)).startswith(folded(text))]
        if fits:
            return [_set(s, name, c) for c in fits]
    try:
        if s.read is not None:
            value, words = s.read(text)
            return [Entry(name, words, "Enter", act=lambda: s.set(value), detail=words)]
        return [_set(s, name, read(text, s.knob))]
    except BadSetting as error:
        return [Entry(name, f"Set {_title(s)}", "", detail=str(error), bad=True)]


def _set(s: Settable, name: str, value: Value) -> Entry:
    change = f"{_title(s)}: {shown(value)}" if s.now is None else f"{_title(s)}: {shown(s.now)} → {shown(value)}"
    return Entry(name, change, "Enter", act=lambda: s.set(value), detail=f"{s.names[0]} takes {limits(s.knob)}")


def _title(s: Settable) -> str:
    knob = s.knob
    first = re.split(r"[,;:]| [(-]|\.\s", knob.doc, maxsplit=1)[0].strip()
    return f"{knob.symbol} {first}" if knob.symbol != knob.name else first or knob.name


def shown(value: Value) -> str:
    """A value as a line of the palette has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _names(s: Settable) -> set[str]:
    return {folded(n) for n in s.names}


def spelt(text: str) -> str:
    """Greek letters by their names, small figures as figures: "ε₁" is "epsilon1"."""
    found = ((_GREEK.match(unicodedata.name(letter, "")), letter) for letter in unicodedata.normalize("NFKD", text))
    return "".join(m[1].lower().replace("lamda", "lambda") if m else letter for m, letter in found)


def folded(text: str) -> str:
    """Without case, accents, Greek and underscores, as names are compared."""
    plain = "".join(letter for letter in spelt(text) if not unicodedata.combining(letter))
    return " ".join(plain.casefold().replace("_", " ").split())
