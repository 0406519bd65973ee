"""Measures on sentences: how close they are to others (BLEU), to each other (Self-BLEU), how varied, how new.

Pure functions of tokens (n, T), integers ≥ 0, with lengths (n,) in 0…T; what follows a sentence's length is never read. All raise
BadInput for other shapes or values. Every measure grows or shrinks with the number of samples or of references, so its result
carries both, to be printed with it; two values compare only at equal numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from models.errors import BadInput
from models.metrics import ngrams
from models.metrics.ngrams import Sentences

EPSILON = 0.1  # method 1 of Chen and Cherry (2014): matches that an order without any is given
RESAMPLED = 1 << 20  # values that the bootstrap holds at a time


class Bleu(NamedTuple):
    """BLEU of some hypotheses against some references, in 0…1."""

    value: dict[int, float]  # cumulative BLEU-n, mean over the hypotheses, for n = 1…most
    each: np.ndarray  # (hypotheses, most) of every hypothesis: column n - 1 is BLEU-n
    hypotheses: int
    references: int  # that each hypothesis had


class Share(NamedTuple):
    """A share, with what it is of."""

    value: float  # part / whole, 0…1; NaN where there is nothing to have a share of
    part: int
    whole: int
    samples: int  # sentences that were measured
    references: int = 0  # sentences they were compared with


class Novelty(NamedTuple):
    """What of the samples is not in the references."""

    sentences: Share
    ngrams: dict[int, Share]  # of the n-grams as they stand, repeated ones counted again


# --- against others -----------------------------------------------------------------------------------------------


class References:
    """Sentences to compare with, counted once: a curve that is drawn live pays for its hypotheses alone.

    Args:
        tokens: (n, T) integers ≥ 0.
        lengths: (n,) in 0…T.
        most: the longest n-grams that are counted, 1 or more.
    """

    def __init__(self, tokens: Any, lengths: Any, most: int = 5) -> None:
        self._given = ngrams.sentences(tokens, lengths, "references")
        self.most = _most(most)
        self.count = len(self._given)
        self._lengths = np.unique(self._given.lengths)
        self._codes: list[np.ndarray] = []
        self._largest: list[np.ndarray] = []
        for order in ngrams.orders(self._given, most):
            self._codes.append(order.codes)
            self._largest.append(order.most())

    def bleu(self, tokens: Any, lengths: Any) -> Bleu:
        """BLEU-1…most of every hypothesis (n, T) against all references; see `bleu`."""
        given = ngrams.sentences(tokens, lengths, "hypotheses")
        each = np.concatenate([_scores(self._matches(part), part, self._closest(part.lengths)) for part in given.blocks()])
        return _bleu(each, self.count)

    def novelty(self, tokens: Any, lengths: Any) -> Novelty:
        """Which share of sentences, and of n-grams for n = 1…most, is not in the references; see `novelty`."""
        given = ngrams.sentences(tokens, lengths)
        new = sum(key not in self._written for key in given.written())
        known = np.zeros(self.most, np.int64)
        for part in given.blocks():
            known += [len(numbers) for _, numbers in ngrams.look_up(part, self._codes)]
        grams = {}
        for n, found in enumerate(known.tolist(), 1):
            whole = int(given.total(n).sum())
            grams[n] = _share(whole - found, whole, len(given), self.count)
        return Novelty(_share(new, len(given), len(given), self.count), grams)

    @cached_property
    def _written(self) -> frozenset[bytes]:
        return frozenset(self._given.written())

    def _matches(self, given: Sentences) -> np.ndarray:
        """(most, n): n-grams of each hypothesis that count, each at most as often as in the reference that has it most often."""
        found = np.zeros((self.most, len(given)))
        for n, (rows, numbers) in enumerate(ngrams.look_up(given, self._codes)):
            rows, numbers, counts = ngrams.repeated(rows, numbers, len(self._codes[n]))
            found[n] = np.bincount(rows, np.minimum(counts, self._largest[n][numbers]), len(given))
        return found

    def _closest(self, lengths: np.ndarray) -> np.ndarray:
        """(n,): the length of a reference that is closest to each; the shorter of two."""
        after = np.searchsorted(self._lengths, lengths)
        below = self._lengths[np.maximum(after - 1, 0)]
        above = self._lengths[np.minimum(after, len(self._lengths) - 1)]
        return np.where(np.abs(below - lengths) <= np.abs(above - lengths), below, above)


def bleu(tokens: Any, lengths: Any, references: Any, reference_lengths: Any, most: int = 5) -> Bleu:
    """BLEU of sentences against a set of sentences: every reference is one for every hypothesis, as SeqGAN measures it.

    Papineni et al. (2002) for one sentence, averaged: BP · exp(Σ log p_i / n) over i = 1…n, where p_i is the share of the sentence's
    i-grams that count, and BP = exp(1 - r / c) for a sentence of c tokens no longer than r, the closest length of a reference (of
    two the shorter). Smoothing is method 1 of Chen and Cherry (2014), 0.1 matches for an order without any. These are the values of
    nltk's `sentence_bleu`, also at the edges: a sentence without a known word or without a word has 0, and one that is shorter than
    i has p_i = 0.1.

    Args:
        tokens: (n, T) hypotheses.
        lengths: (n,) theirs.
        references: (m, T') the sentences to compare with.
        reference_lengths: (m,) theirs.
        most: the longest n-grams.
    """
    return References(references, reference_lengths, most).bleu(tokens, lengths)


def novelty(tokens: Any, lengths: Any, references: Any, reference_lengths: Any, most: int = 4) -> Novelty:
    """Which share of the sentences, and of their n-grams for n = 1…most, is not in the references (the training set).

    Args:
        tokens: (n, T) the sentences.
        lengths: (n,) theirs.
        references: (m, T') the sentences they might have been copied from.
        reference_lengths: (m,) theirs.
        most: the longest n-grams.
    """
    return References(references, reference_lengths, most).novelty(tokens, lengths)


# --- against each other -------------------------------------------------------------------------------------------


def self_bleu(tokens: Any, lengths: Any, most: int = 5) -> Bleu:
    """Self-BLEU (Zhu et al. 2018, Texygen): BLEU of every sentence against all others; the higher, the less varied they are.

    The sentence itself is never among its references, neither for its n-grams nor for its length (with it, every value would be 1);
    another sentence that is equal to it is. Where its count of an n-gram is the only largest, the second largest takes its place.

    Raises:
        BadInput: also for a single sentence, which has no others.
    """
    given = ngrams.sentences(tokens, lengths)
    if len(given) < 2:
        raise BadInput("Self-BLEU compares sentences with each other, and there is only one: at least two are needed.")
    found = np.zeros((_most(most), len(given)))
    for n, order in enumerate(ngrams.orders(given, most)):
        if not len(order.codes):
            break  # no sentence is that long, nor will any be longer
        top = order.counts == order.most()[order.gram]
        alone = top & (np.add.reduceat(top, order.first, dtype=np.int64)[order.gram] == 1)
        second = np.maximum.reduceat(np.where(top, 0, order.counts), order.first)
        counted = np.where(alone, second[order.gram], order.counts)
        found[n] = np.bincount(order.row, counted, len(given))
    return _bleu(_scores(found, given, _closest_other(given.lengths)), len(given) - 1)


def distinct(tokens: Any, lengths: Any, n: int) -> Share:
    """Distinct-n (Li et al. 2016): different n-grams / all n-grams of the sentences; falls as more sentences are measured."""
    return unique_ngrams(tokens, lengths, (n,))[n]


def unique_ngrams(tokens: Any, lengths: Any, wanted: Sequence[int] = (2, 3, 4)) -> dict[int, Share]:
    """Unique n-grams as MaskGAN's table 6 has them (Fedus et al. 2018): different ones / all, over exactly the given sentences.

    The table is of 1,000 sentences of 20 words. It is distinct-n for several n; Texygen's UniqueGram divides by sentences instead.
    """
    if not wanted or min(wanted) < 1:
        raise BadInput(f"Unique n-grams are counted for n of 1 or more, and {tuple(wanted)} was asked for.")
    given = ngrams.sentences(tokens, lengths)
    counted = {n: len(order.codes) for n, order in enumerate(ngrams.orders(given, max(wanted)), 1)}
    return {n: _share(counted[n], int(given.total(n).sum()), len(given)) for n in wanted}


def duplicates(tokens: Any, lengths: Any) -> Share:
    """The share of sentences that are equal to an earlier one."""
    given = ngrams.sentences(tokens, lengths)
    return _share(len(given) - len(set(given.written())), len(given), len(given))


# --- of each, and of differences ----------------------------------------------------------------------------------


def ngram_js(tokens: Any, lengths: Any, others: Any, other_lengths: Any, most: int = 4) -> dict[int, float]:
    """Jensen-Shannon divergence in nats, 0 … log 2, of the n-grams of two sets of sentences, for n = 1…most.

    Each set is the distribution of its n-grams as they stand. It falls as either set grows, so it is told beside that of two real sets as large.
    """
    a, b = ngrams.sentences(tokens, lengths), ngrams.sentences(others, other_lengths)
    wide = max(a.tokens.shape[1], b.tokens.shape[1])
    rows = np.concatenate([np.pad(s.tokens, ((0, 0), (0, wide - s.tokens.shape[1]))) for s in (a, b)])
    found = {}
    for n, order in enumerate(ngrams.orders(Sentences(rows, np.concatenate([a.lengths, b.lengths])), most), 1):
        mine = order.row < len(a)
        p, q = (np.bincount(order.gram[side], order.counts[side], len(order.codes)) for side in (mine, ~mine))
        found[n] = _js(p / p.sum(), q / q.sum()) if p.sum() and q.sum() else math.nan
    return found


def _js(p: np.ndarray, q: np.ndarray) -> float:
    """Of two distributions (K,), in nats."""
    m = (p + q) / 2
    return float(sum((side[side > 0] * np.log(side[side > 0] / m[side > 0])).sum() for side in (p, q)) / 2)


def validity(sentences: Sequence[list[str]], valid: Callable[[Sequence[str]], bool]) -> float:
    """The share of sentences, each a list of words, that `valid` says are of the language; NaN for none. Its count is `len(sentences)`."""
    return sum(bool(valid(words)) for words in sentences) / len(sentences) if len(sentences) else float("nan")


def perplexity(nll_per_token: float) -> float:
    """exp of the mean negative log-likelihood of a token in nats; infinite where that is too large for a number."""
    try:
        return math.exp(nll_per_token)
    except OverflowError:
        return float("inf")


def bootstrap(a: Any, b: Any, *, paired: bool, seed: int, draws: int = 10_000) -> float:
    """Two-sided bootstrap p-value of the difference of two means: how likely one as large would be if there were none.

    Efron and Tibshirani (1993), algorithm 16.2: both samples are shifted to a common mean and drawn again with replacement; compared
    is the difference divided by its standard error, which keeps small samples honest. p = (1 + k) / (draws + 1), where k draws are at
    least as far from 0 as what was found, so the least is 1 / (draws + 1). A draw of equal values has no standard error and counts
    as far: so n pairs give no p below about n^(1 - n), 0.11 for three.

    Args:
        a: (n,) finite values, one for each sample (or seed).
        b: (m,) likewise; (n,) if paired.
        paired: a[i] belongs to b[i] (the same seed): their differences are drawn. Else the two are drawn by themselves.
        seed: of the draws; the same seed gives the same p.
        draws: how many.

    Raises:
        BadInput: fewer than two values, values that are not finite, pairs that do not match, or no draws.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 1 or b.ndim != 1 or min(len(a), len(b)) < 2:
        raise BadInput(f"A bootstrap needs two lists of at least two values each, and has the shapes {a.shape} and {b.shape}.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadInput("A bootstrap needs finite values, and there are some that are not: leave those samples out, and say so.")
    if paired and len(a) != len(b):
        raise BadInput(f"A paired bootstrap needs as many values on either side, and there are {len(a):,} and {len(b):,}.")
    if draws < 1:
        raise BadInput(f"A bootstrap needs at least one draw, and {draws:,} were asked for.")
    samples = [a - b] if paired else [a, -b]
    tiny = 1e-12 * max(1e-300, *(float(np.abs(values).max()) for values in (a, b)))  # less than this is rounding
    found = _studentised(samples, tiny)[0] * (1 - 1e-12)  # ties are ties
    if not math.isfinite(found):  # nothing varies
        same = abs(sum(values.mean() for values in samples)) <= tiny
        return 1.0 if same else max(1 / (draws + 1), math.prod(float(len(values)) ** (1 - len(values)) for values in samples))
    rng = np.random.default_rng(seed)
    centred = [values - values.mean() for values in samples]
    chunk = max(1, RESAMPLED // max(len(values) for values in samples))
    far = 0
    for start in range(0, draws, chunk):
        rows = min(chunk, draws - start)
        drawn = [values[rng.integers(0, len(values), (rows, len(values)), np.int32)] for values in centred]
        far += int((_studentised(drawn, tiny) >= found).sum())
    return (1 + far) / (draws + 1)


def _studentised(samples: Iterable[np.ndarray], tiny: float) -> np.ndarray:
    """(rows,): the size of the sum of the samples' means over its standard error, row by row; ∞ where nothing varies."""
    mean, error = np.zeros(1), np.zeros(1)
    for drawn in samples:
        drawn = np.atleast_2d(drawn)
        n = drawn.shape[1]
        middle = drawn.mean(1)
        off = drawn - middle[:, None]
        mean = mean + middle
        error = error + np.einsum("ij,ij->i", off, off) / (n * (n - 1))
    error = np.sqrt(error)
    return np.where(error <= tiny, np.inf, np.abs(mean) / np.where(error <= tiny, 1.0, error))


def _most(most: int) -> int:
    if most < 1:
        raise BadInput(f"BLEU counts n-grams up to an n of 1 or more, and {most} was asked for.")
    return most


def _share(part: int, whole: int, samples: int, references: int = 0) -> Share:
    return Share(part / whole if whole else float("nan"), part, whole, samples, references)


def _bleu(each: np.ndarray, references: int) -> Bleu:
    return Bleu({n: float(column.mean()) for n, column in enumerate(each.T, 1)}, each, len(each), references)


def _scores(matches: np.ndarray, given: Sentences, closest: np.ndarray) -> np.ndarray:
    """(n, most): cumulative BLEU from matches (most, n), the sentences, and the closest length of a reference (n,)."""
    most = len(matches)
    whole = np.array([np.maximum(given.total(n), 1) for n in range(1, most + 1)])
    logs = np.log(np.where(matches > 0, matches, EPSILON) / whole)
    means = np.cumsum(logs, 0) / np.arange(1, most + 1)[:, None]
    lengths = np.maximum(given.lengths, 1)
    brevity = np.exp(np.minimum(0.0, 1 - closest / lengths))
    return np.where(matches[0] > 0, brevity * np.exp(means), 0.0).T


def _closest_other(lengths: np.ndarray) -> np.ndarray:
    """(n,): the length of another sentence that is closest to each; the shorter of two."""
    known, place, counts = np.unique(lengths, return_inverse=True, return_counts=True)
    far = np.iinfo(np.int64).max // 2
    below, above = np.concatenate([[-far], known[:-1]]), np.concatenate([known[1:], [far]])
    closest = np.where(counts > 1, known, np.where(known - below <= above - known, below, above))
    return closest[place]
