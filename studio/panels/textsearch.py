"""Looks for words in rows of numbers, without putting a single sentence into words. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CHUNK = 1 << 16  # rows at a time


def found(tokens: np.ndarray, words: Sequence[str], joiner: str, query: str) -> np.ndarray:
    """(n,) bool: which of the rows (n, T) have what was typed.

    Words: a row has, for every word typed, some word that contains it, whatever the case. Characters (`joiner` is ""): what was typed, without its
    spaces, stands in the row as it is. Numbers (`words` is ()): all of those that were typed.
    """
    typed = query.split()
    if not typed:
        return np.ones(len(tokens), bool)
    if words and not joiner:
        return _in_a_row(tokens, words, "".join(typed))
    tables = [_containing(words, one) if words else _number(one, tokens) for one in typed]
    out = np.empty(len(tokens), bool)
    for start in range(0, len(tokens), CHUNK):
        rows = tokens[start : start + CHUNK]
        out[start : start + CHUNK] = np.logical_and.reduce([table[rows].any(1) for table in tables])
    return out


def _containing(words: Sequence[str], part: str) -> np.ndarray:
    """(V,) bool: words that contain a part."""
    part = part.casefold()
    return np.fromiter((part in word.casefold() for word in words), bool, len(words))


def _number(typed: str, tokens: np.ndarray) -> np.ndarray:
    """The same for tokens that have no words."""
    typed = typed.replace(",", "")
    out = np.zeros(int(tokens.max(initial=0)) + 1, bool)
    if typed.isdecimal() and int(typed) < len(out):
        out[int(typed)] = True
    return out


def _in_a_row(tokens: np.ndarray, words: Sequence[str], typed: str) -> np.ndarray:
    folded = [word.casefold() for word in words]
    tables = [np.fromiter((word == c.casefold() for word in folded), bool, len(words)) for c in typed]
    n, T = tokens.shape
    out = np.zeros(n, bool)
    if len(tables) > T:
        return out
    for start in range(0, n, CHUNK):
        rows = tokens[start : start + CHUNK]
        here = np.ones((len(rows), T - len(tables) + 1), bool)
        for k, table in enumerate(tables):
            here &= table[rows[:, k : k + here.shape[1]]]
        out[start : start + CHUNK] = here.any(1)
    return out
