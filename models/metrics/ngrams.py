"""N-grams of sentences, counted: which there are, how often each stands in each sentence, and where those of one set stand in another.

Sentences are tokens (n, T), integers ≥ 0, with lengths (n,) in 0…T: what follows a sentence's length is never read. An n-gram is a pair
(number of its first n - 1 tokens, number of its last), numbered again for every n. So a code is less than the square of the number of
tokens, and fits 64 bits whatever the vocabulary and n, where base V would end at V^n = 2^63. One sort an order, on one thread; memory
is some 200 bytes a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from models.errors import BadInput

BLOCK = 1 << 21  # tokens of sentences that are looked up at a time


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences that were checked."""

    tokens: np.ndarray  # (n, T) int64
    lengths: np.ndarray  # (n,) int64

    def __len__(self) -> int:
        return len(self.lengths)

    def blocks(self) -> Iterator[Sentences]:
        """The same in blocks of some two million tokens."""
        rows = max(1, BLOCK // max(1, self.tokens.shape[1]))
        for start in range(0, len(self), rows):
            yield Sentences(self.tokens[start : start + rows], self.lengths[start : start + rows])

    def written(self) -> Iterator[bytes]:
        """Every sentence as bytes: equal sentences have equal ones."""
        for row, length in zip(self.tokens, self.lengths.tolist(), strict=True):
            yield row[:length].tobytes()

    def total(self, n: int) -> np.ndarray:
        """(n,): how many n-grams each sentence has."""
        return np.maximum(self.lengths - n + 1, 0)


def sentences(tokens: Any, lengths: Any, what: str = "sentences") -> Sentences:
    """The sentences (n, T) with lengths (n,), checked.

    Args:
        tokens: (n, T) integers ≥ 0.
        lengths: (n,) integers in 0…T.
        what: what the message calls them.

    Raises:
        BadInput: other shapes, types or values, or no sentence at all.
    """
    tokens, lengths = np.asarray(tokens), np.asarray(lengths)
    if tokens.ndim != 2 or lengths.shape != tokens.shape[:1]:
        raise BadInput(f"The {what} must be tokens (n, T) with lengths (n,), and have the shapes {tokens.shape} and {lengths.shape}.")
    if not (np.issubdtype(tokens.dtype, np.integer) and np.issubdtype(lengths.dtype, np.integer)):
        raise BadInput(f"Tokens and lengths of the {what} must be integers, and are {tokens.dtype} and {lengths.dtype}.")
    if not len(tokens):
        raise BadInput(f"There are no {what} to measure: at least one is needed.")
    if lengths.min() < 0 or lengths.max() > tokens.shape[1]:
        raise BadInput(f"The lengths of the {what} must lie in 0…{tokens.shape[1]}, and lie in {lengths.min()}…{lengths.max()}.")
    if tokens.size and tokens.min(where=np.arange(tokens.shape[1]) < lengths[:, None], initial=0) < 0:
        raise BadInput(f"The tokens of the {what} must be numbers of words, 0 or more, and there is a negative one.")
    return Sentences(tokens.astype(np.int64, copy=False), lengths.astype(np.int64, copy=False))


class Order(NamedTuple):
    """The n-grams of some sentences for one n: g different ones, and a run for every pair of an n-gram and a sentence it stands in."""

    codes: np.ndarray  # (g,) ascending; the place of a code is the number of its n-gram
    first: np.ndarray  # (g,) the first run of each: its runs are adjacent, in the order of the sentences
    gram: np.ndarray  # (r,) number of the run's n-gram
    row: np.ndarray  # (r,) number of the run's sentence
    counts: np.ndarray  # (r,) how often the one stands in the other

    def most(self) -> np.ndarray:
        """(g,): the largest count of each n-gram in any sentence."""
        return np.maximum.reduceat(self.counts, self.first) if len(self.first) else self.counts


def orders(given: Sentences, most: int) -> Iterator[Order]:
    """The n-grams for n = 1…most."""
    valid = np.arange(given.tokens.shape[1]) < given.lengths[:, None]
    ones = ids = np.where(valid, given.tokens, -1)
    words = 0
    for n in range(1, most + 1):
        if n == 1:
            codes = given.tokens[valid]
        else:
            head, tail = ids[:, :-1], ones[:, n - 1 :]
            valid = tail >= 0  # and so is all before it
            codes = head[valid] * words + tail[valid]
        rows = np.repeat(np.arange(len(given)), given.total(n))
        order, numbers = _runs(codes, rows)
        ids = np.full(valid.shape, -1)
        ids[valid] = numbers
        if n == 1:
            ones, words = ids, len(order.codes)
        yield order


def look_up(given: Sentences, codes: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For n = 1, 2, …: the n-grams of the sentences that have a code, as (rows, numbers), in the order of the text.

    Args:
        given: sentences.
        codes: those of `Order`, for n = 1, 2, …
    """
    ones = ids = np.empty((0, 0), np.int64)
    for n, known in enumerate(codes, 1):
        if n == 1:
            valid = np.arange(given.tokens.shape[1]) < given.lengths[:, None]
            wanted = given.tokens[valid]
        else:
            head, tail = ids[:, :-1], ones[:, n - 1 :]
            valid = (head >= 0) & (tail >= 0)
            wanted = head[valid] * len(codes[0]) + tail[valid]
        numbers = _places(wanted, known)
        ids = np.full(valid.shape, -1)
        ids[valid] = numbers
        if n == 1:
            ones = ids
        yield np.nonzero(valid)[0][numbers >= 0], numbers[numbers >= 0]


def repeated(rows: np.ndarray, numbers: np.ndarray, grams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The n-grams of `look_up` without repetition: (rows, numbers, counts in that row); `grams` is how many numbers there are."""
    pairs, counts = np.unique(rows * max(1, grams) + numbers, return_counts=True)
    found, which = np.divmod(pairs, max(1, grams))
    return found, which, counts


def _runs(codes: np.ndarray, rows: np.ndarray) -> tuple[Order, np.ndarray]:
    """The Order of n-grams in the order of the text, and the number of each, in that order."""
    where, ordered = _sorted(codes)
    row = rows[where]
    new = np.ones(len(codes), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    fresh = new.copy()
    fresh[1:] |= row[1:] != row[:-1]
    starts = np.flatnonzero(fresh)
    gram = np.cumsum(new) - 1
    numbers = np.empty(len(codes), np.int64)
    numbers[where] = gram
    counts = np.diff(starts, append=len(codes))
    return Order(ordered[new], np.flatnonzero(new[starts]), gram[starts], row[starts], counts), numbers


def _sorted(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The stable order of codes ≥ 0, and the codes in it; where code and place fit one number, that is sorted, which is quicker."""
    bits = len(codes).bit_length()
    if len(codes) and codes.max() >> (63 - bits) == 0:
        both = codes << bits
        both |= np.arange(len(codes))
        both.sort()
        return both & ((1 << bits) - 1), both >> bits
    where = np.argsort(codes, kind="stable")
    return where, codes[where]


def _places(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where each of `wanted` stands in `known`, which ascends; -1 where it does not."""
    if not len(known):
        return np.full(len(wanted), -1)
    places = np.searchsorted(known, wanted)
    np.minimum(places, len(known) - 1, out=places)
    places[known[places] != wanted] = -1
    return places
