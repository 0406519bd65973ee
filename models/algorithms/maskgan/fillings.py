"""What fills the blanks of a sentence, with everything that is known of it: plain values that cross to a page, a file or the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.contract import View
from models.data.vocabulary import tokens as split

_BLANK = re.compile(r"_{2,}")
_BLANK_CHARACTER = re.compile(r" *_{2,} *")
END_WORD = "(end)"  # the end as a candidate
COLUMNS = ("log_p", "r", "R", "V", "A")  # of the token table, beside realism


class Desk(NamedTuple):
    """What lies on the desk: a sentence, and which of its tokens are blanks."""

    tokens: tuple[str, ...]  # the truth at a blank too, where it is known; "" where it is not
    blanks: tuple[int, ...] = ()  # rising
    open_end: bool = False  # the end is a blank as well: the model goes on as long as it likes
    fixed: tuple[tuple[int, str], ...] = ()  # blanks that a person has filled: they count as given, and stay


def desk_of(text: str, unit: str, punctuation: str, open_end: bool = False) -> Desk:
    """A line in which every ___ (two or more underscores) is a blank; where tokens are characters, every single underscore is one, too."""
    if unit == "chars":
        words = split(_BLANK_CHARACTER.sub("_", text), unit, punctuation)
        blanks = tuple(i for i, word in enumerate(words) if word == "_")
    else:
        words = split(text, unit, punctuation)
        blanks = tuple(i for i, word in enumerate(words) if _BLANK.fullmatch(word))
    return Desk(tuple("" if i in blanks else word for i, word in enumerate(words)), blanks, open_end)


@dataclass(frozen=True)
class Fillings:
    """`n` alternatives of one net. L tokens, B blanks; with an open end L is the longest there can be, and what lies behind an end is ""."""

    net: str  # "maskgan" or "maskmle"
    joiner: str  # between words
    given: tuple[str, ...]  # (L,) the desk's tokens as the net reads them, "" at a blank
    truth: tuple[str, ...]  # (L,) what stood there, "" where it is not known
    blanks: tuple[int, ...]  # (B,) rising; those of an open end are among them
    fixed: tuple[int, ...]  # those of them that a person has filled
    tokens: tuple[tuple[str, ...], ...]  # n x L
    p: np.ndarray  # (n, B) in [0, 1]: of each filling after what stands before it, at temperature 1; NaN behind an end
    realism: np.ndarray  # (n, L) in [0, 1]: D's p(real) of each token; NaN behind an end
    log_p: np.ndarray  # (n,) nats, of all fillings that are not fixed
    candidates: tuple[tuple[str, ...], ...]  # B x K: the likeliest of each blank in alternative `shown`, after what stands before it
    candidates_p: np.ndarray  # (B, K), falling
    shown: int  # the alternative whose candidates and table these are
    table: dict[str, np.ndarray]  # COLUMNS: (L,) of alternative `shown`; NaN where a token has none
    valid: np.ndarray  # (n,) 1 of the grammar's language, 0 not, NaN where that cannot be told
    why: tuple[str, ...]  # n: what is wrong with it, "" for nothing
    notes: tuple[str, ...]  # sentences for a person: words that are unknown, windows, an open end
    step: int = 0  # of training

    @property
    def n(self) -> int:
        """Alternatives."""
        return len(self.tokens)

    def view(self) -> View:
        """As it crosses to a page."""
        words = {
            "net": [self.net],
            "joiner": [self.joiner],
            "given": self.given,
            "truth": self.truth,
            "tokens": [word for row in self.tokens for word in row],
            "candidates": [word for row in self.candidates for word in row],
            "why": self.why,
            "notes": self.notes,
        }
        numbers = {
            "blanks": np.array(self.blanks, float),
            "fixed": np.array(self.fixed, float),
            "p": self.p.ravel(),
            "realism": self.realism.ravel(),
            "log_p": self.log_p,
            "candidates_p": self.candidates_p.ravel(),
            "valid": self.valid,
            "about": np.array([self.shown, self.step], float),
            **{f"table.{name}": column for name, column in self.table.items()},
        }
        return View(numbers=numbers, words=words)

    @classmethod
    def of(cls, view: View) -> Fillings:
        """Back from what crossed."""
        words, numbers = view.words, view.numbers
        L, B, n = len(words["given"]), len(numbers["blanks"]), len(words["why"])
        return cls(
            net=words["net"][0],
            joiner=words["joiner"][0],
            given=tuple(words["given"]),
            truth=tuple(words["truth"]),
            blanks=tuple(int(b) for b in numbers["blanks"]),
            fixed=tuple(int(b) for b in numbers["fixed"]),
            tokens=_rows(words["tokens"], n, L),
            p=numbers["p"].reshape(n, B),
            realism=numbers["realism"].reshape(n, L),
            log_p=numbers["log_p"],
            candidates=_rows(words["candidates"], B, len(words["candidates"]) // max(1, B)),
            candidates_p=numbers["candidates_p"].reshape(B, -1) if B else np.zeros((0, 0)),
            shown=int(numbers["about"][0]),
            table={name: numbers[f"table.{name}"] for name in COLUMNS},
            valid=numbers["valid"],
            why=tuple(words["why"]),
            notes=tuple(words["notes"]),
            step=int(numbers["about"][1]),
        )


def _rows(words: Sequence[str], n: int, wide: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words[i * wide : (i + 1) * wide]) for i in range(n))
