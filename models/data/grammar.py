"""Sentences of a small English whose verbs agree with their subjects, however far away; and whether a sentence is one of them.

The grammar is context-free and recursive (relative clauses lie within relative clauses), so agreement reaches across any distance: "the old cats
that the dog near the tree sees sleep quietly .". No rule is left-recursive, which `valid` needs.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

COUNT = 10_000  # sentences
LONGEST = 20  # tokens of a drawn one; the grammar itself has no longest
VERSION = 1  # raised when the sentences change

_NOUNS = "cat dog bird horse child teacher farmer sailor painter doctor girl boy king tree house river garden boat"
_PLURALS = {"child": "children"}
_BASES = {  # verbs by what follows them
    "IV": "sleep sing run wait swim fall smile",
    "TV": "see like follow help find paint hear remember",
}
WORDS: dict[str, tuple[str, ...]] = {  # the words of each class; s: one, p: more than one
    "Ns": tuple(_NOUNS.split()),
    "Np": tuple(_PLURALS.get(n, f"{n}s") for n in _NOUNS.split()),
    "IVs": tuple(f"{v}s" for v in _BASES["IV"].split()),
    "IVp": tuple(_BASES["IV"].split()),
    "TVs": tuple(f"{v}s" for v in _BASES["TV"].split()),
    "TVp": tuple(_BASES["TV"].split()),
    "BEs": ("is",),
    "BEp": ("are",),
    "DOs": ("does",),
    "DOp": ("do",),
    "Ds": ("a", "this", "every"),
    "Dp": ("these", "many", "two", "some"),
    "D": ("the",),
    "A": ("old", "small", "young", "tall", "quiet", "green", "happy", "tired", "brown", "lonely"),
    "R": ("quietly", "often", "slowly", "today", "together", "well"),
    "P": ("near", "behind", "with", "under", "beside", "without"),
    "THAT": ("that",),
    "AND": ("and",),
    "STOP": (".",),
    "ASK": ("?",),
    "COMMA": (",",),
}
_FLIPS = {a: b for s in ("N", "IV", "TV", "BE", "DO") for a, b in zip(WORDS[f"{s}s"], WORDS[f"{s}p"], strict=True)}
_FLIPS |= {b: a for a, b in _FLIPS.items()} | {
    "this": "these",
    "these": "this",
    "a": "some",
    "some": "a",
    "every": "many",
    "many": "every",
    "two": "a",
}
_CLASS = {word: name for name, words in WORDS.items() for word in words}
VOCABULARY = frozenset(_CLASS)


def _rules() -> dict[str, tuple[tuple[float, tuple[str, ...]], ...]]:
    """Each symbol with what it may become and how often; both numbers are written out."""
    rules: dict[str, tuple[tuple[float, tuple[str, ...]], ...]] = {
        "S": (
            (40, ("NPs", "VPs", "STOP")),
            (40, ("NPp", "VPp", "STOP")),
            (6, ("P", "NP", "COMMA", "NPs", "VPs", "STOP")),
            (6, ("P", "NP", "COMMA", "NPp", "VPp", "STOP")),
            (5, ("DOs", "NPs", "ACTp", "ASK")),  # does the cat that the dogs see sleep ?
            (5, ("DOp", "NPp", "ACTp", "ASK")),
        ),
        "NP": ((50, ("NPs",)), (50, ("NPp",))),
        "NPs": ((55, ("Bs",)), (20, ("Bs", "P", "NP")), (25, ("Bs", "THAT", "Cs"))),
        "NPp": ((55, ("Bp",)), (20, ("Bp", "P", "NP")), (25, ("Bp", "THAT", "Cp"))),
        "Bs": ((60, ("D", "Ms")), (40, ("Ds", "Ms"))),
        "Bp": ((50, ("D", "Mp")), (30, ("Dp", "Mp")), (20, ("Mp",))),
    }
    for n in "sp":
        rules |= {
            f"M{n}": ((70, (f"N{n}",)), (30, ("A", f"M{n}"))),
            f"C{n}": (  # what follows "that"
                (35, (f"ACT{n}",)),
                (15, (f"BE{n}", "A")),
                (25, ("NPs", "TVs")),
                (25, ("NPp", "TVp")),
            ),
            f"VP{n}": ((55, (f"ACT{n}",)), (15, (f"BE{n}", "A")), (10, (f"BE{n}", "P", "NP")), (20, (f"ACT{n}", "AND", f"ACT{n}"))),
            f"ACT{n}": ((30, (f"IV{n}",)), (25, (f"IV{n}", "R")), (35, (f"TV{n}", "NP")), (10, (f"TV{n}", "NP", "R"))),
        }
    return rules


RULES = _rules()


@lru_cache(maxsize=1 << 14)
def sentence(i: int) -> tuple[str, ...]:
    """Sentence i, a function of i alone: at most 20 words and marks."""
    draw = random.Random(VERSION << 40 | i).random  # its stream is the same in every version of Python
    while True:
        out: list[str] = []
        todo = ["S"]
        while todo and len(out) + len(todo) <= LONGEST:
            symbol = todo.pop()
            if symbol in WORDS:
                words = WORDS[symbol]
                out.append(words[int(draw() * len(words))])
            else:
                todo += reversed(_chosen(symbol, draw()))
        if not todo:
            return tuple(out)


def _chosen(symbol: str, u: float) -> tuple[str, ...]:
    rules = RULES[symbol]
    u *= sum(weight for weight, _ in rules)
    for weight, parts in rules:
        u -= weight
        if u < 0:
            return parts
    return rules[-1][1]


def valid(words: Sequence[str]) -> bool:
    """Whether a sentence, given as its words and marks, belongs to the language."""
    return _Reader(words).whole


def why(words: Sequence[str]) -> str:
    """The first thing that is wrong with a sentence, as a sentence; "" where it is right."""
    reader = _Reader(words)
    if reader.whole:
        return ""
    if not words:
        return "There is no word."
    k = reader.furthest
    if k >= len(words):
        return f"It ends too soon, after {words[-1]!r}."
    word = words[k]
    if word not in VOCABULARY:
        return f"Word {k + 1}, {word!r}, is not a word of the grammar."
    other = _FLIPS.get(word)
    if other is not None and _Reader([*words[:k], other, *words[k + 1 :]]).furthest > k:
        subject = _subject(words, k)
        return (
            f"'{subject} … {word}' do not agree in number."
            if subject
            else f"{word!r} (word {k + 1}) should be {other!r}: it does not agree in number."
        )
    return f"{word!r} (word {k + 1}) cannot stand {f'after {words[k - 1]!r}' if k else 'at the beginning'}."


def _subject(words: Sequence[str], k: int) -> str:
    """The word before word k with whose number changed (and that of what stands before it) word k would be right; "" if there is none."""
    for j in range(k - 1, -1, -1):
        if _CLASS[words[j]] not in ("Ns", "Np", "Ds", "Dp", "DOs", "DOp"):
            continue
        changed = list(words)
        changed[j] = _FLIPS[words[j]]
        d = j - 1
        while d >= 0 and _CLASS[words[d]] == "A":
            d -= 1
        if d >= 0 and _CLASS[words[d]] in ("Ds", "Dp") and _CLASS[words[j]] in ("Ns", "Np"):
            changed[d] = _FLIPS[words[d]]
        if _Reader(changed).furthest > k:
            return words[j]
    return ""


class _Reader:
    """A recogniser: for a symbol and a place all places where it may end, as bits of a whole number; each is found once.

    Attributes:
        whole: the words are a sentence.
        furthest: how many words are the beginning of some sentence.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._classes = [_CLASS.get(w, "") for w in words]
        self._known: dict[tuple[str, int], int] = {}
        self.furthest = 0
        self.whole = bool(self._ends("S", 0) >> len(words) & 1)

    def _ends(self, symbol: str, at: int) -> int:
        known = self._known
        key = (symbol, at)
        if key in known:
            return known[key]
        found = 0
        classes = self._classes
        now = classes[at] if at < len(classes) else ""
        for _, parts in RULES[symbol]:
            if now not in _FIRST[parts[0]]:
                continue
            places = 1 << at
            for part in parts:
                reached = 0
                while places:
                    low = places & -places
                    places ^= low
                    place = low.bit_length() - 1
                    if part not in WORDS:
                        reached |= self._ends(part, place)
                    elif place < len(classes) and classes[place] == part:
                        reached |= low << 1
                        self.furthest = max(self.furthest, place + 1)
                places = reached
                if not places:
                    break
            found |= places
        known[key] = found
        return found


def _first() -> dict[str, frozenset[str]]:
    """The classes with which each symbol may begin; nothing is empty, so the first part decides."""
    first: dict[str, frozenset[str]] = {name: frozenset((name,)) for name in WORDS}

    def of(symbol: str) -> frozenset[str]:
        if symbol not in first:
            first[symbol] = frozenset().union(*(of(parts[0]) for _, parts in RULES[symbol]))
        return first[symbol]

    for symbol in RULES:
        of(symbol)
    return first


_FIRST = _first()
