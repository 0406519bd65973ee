"""Sentences as rows of numbers: what training, measuring and the pages see of a source of text."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.data import grammar, sources
from models.data.assemble import TOLD, Progress, readable, twins
from models.data.images import dealt, head
from models.data.textfile import LINES, TextFile
from models.data.vocabulary import END, RESERVED, UNKNOWN, UNKNOWN_WORD, Corpus, encode, is_punctuation, lengths, split_words, spoken, tokens
from models.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

    from models.data.oracle import Oracle

__all__ = ["END", "UNKNOWN", "TextSet", "encode", "lengths", "open_texts", "split_words", "spoken"]

WORDS = 200_000  # of a vocabulary: a net has some hundred numbers for each, and a batch a probability for each at every place
LONGEST = 500  # tokens of a sentence
FEWEST = 8  # different sentences
DIFFERENT = 5_000_000  # tokens of a text, before the vocabulary is chosen
ROOM = 1 << 30  # bytes that the rows of a set may take
COMMON = 50  # words that a card lists
BINS = 12  # of the histogram of lengths


@dataclass(eq=False)
class TextSet:
    """Sentences of numbers with a fixed split; `models.contract.Batches` for text.

    The split looks at each sentence as it is learnt, so equal ones are on the same side, and none moves when others are added.
    """

    id: str  # 16 hex digits over tokens and vocabulary
    spec: str  # what --data was given; a path made absolute
    title: str  # for people: "grammar", "image_coco (10,000 sentences)"
    tokens: np.ndarray  # (N, T) int32, read-only
    words: tuple[str, ...]  # the vocabulary by number, "" and "<unk>" first; () of an oracle, whose tokens are numbers
    V: int  # size of the vocabulary
    T: int  # longest sentence in tokens, its end not counted: a full row has no END
    ends: bool  # sentences vary in length and 0 ends them; False: every row has T tokens, and 0 is never one of a text
    joiner: str  # between words: " ", or "" where tokens are characters
    train: np.ndarray  # (n,) int64, rising indices into tokens; never empty
    held_out: np.ndarray  # (m,) int64, in the order of their hashes: the first few are a fair choice
    skipped: tuple[str, ...] = ()  # a sentence for each line that was left out, the first hundred
    about: dict[str, Any] = field(default_factory=dict)  # for JSON; what `models.data.textcard` tells
    oracle: Oracle | None = None  # the true source, where it is known
    valid: Callable[[Sequence[str]], bool] | None = None  # whether a sentence, as its words, is of the language, where that can be told
    kept: dict[str, Any] = field(default_factory=dict)  # what others have made of it, by name, so that it is made once

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(self, seed: int, t: int, n: int) -> Tensor:
        """Batch t of the training sentences, a function of (seed, t, n) alone: (n, T) int64; dealt without repetition, epoch by epoch."""
        return _tensor(self.rows(self.order(seed, t * n, n)))

    def order(self, seed: int, start: int, n: int) -> np.ndarray:
        """The indices dealt at places start … start+n-1 of the endless sequence of epochs: (n,) int64."""
        return dealt(self.train, seed, start, n)

    def rows(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Copies of some sentences, in the order asked for: (n, T) int64."""
        return self.tokens[np.asarray(indices, np.int64)].astype(np.int64)

    def held(self, n: int) -> Tensor:
        """The first n held-out sentences, a fair choice of all, fewer where there are fewer: (≤ n, T) int64."""
        return _tensor(self.rows(self.held_out[: max(0, n)]))

    def text(self, i: int) -> str:
        """Sentence i, to be read."""
        return spoken(self.tokens[i : i + 1], self.words, self.joiner, self.ends)[0]


class Wanted(NamedTuple):
    """What was asked of a source of text."""

    T: int
    vocab: int
    unit: str
    punctuation: str
    min_count: int
    long: str
    held_out: float
    split: int
    progress: Progress | None


def open_texts(
    spec: str,
    *,
    T: int,
    vocab: int,
    unit: str,
    punctuation: str,
    min_count: int,
    long: str,
    held_out: float,
    split: int,
    oracle_seed: int,
    oracle_size: int,
    progress: Progress | None = None,
) -> TextSet:
    """Open a source of text.

    Args:
        spec: "grammar", "oracle", a UTF-8 text file with one sentence a line (packed or not), or an .npz with an oracle's arrays.
        T: tokens of the longest sentence, 2 … 500; the set's own T is smaller where all are shorter.
        vocab: the vocabulary's size at most, two reserved numbers included, 3 … 200,000; of "oracle", its size. An oracle file has its own.
        unit: "words" or "chars".
        punctuation: "split", "keep" or "strip"; see `vocabulary.tokens`.
        min_count: how often a word occurs at least, or it is unknown.
        long: what lies beyond T is "cut", or such a sentence is left out ("drop").
        held_out: the share that is held out, 0 … 0.9; an oracle draws that many more.
        split: the seed that decides which.
        oracle_seed: of the oracle's numbers ("oracle") and of its sentences.
        oracle_size: sentences of an oracle to train on, 8 … 1,000,000.
        progress: told (done, total), total 0 where it is not known; may raise to cancel.

    Raises:
        BadData: what cannot be had, in one sentence.
    """
    wanted = Wanted(T, vocab, unit, punctuation, min_count, long, held_out, split, progress)
    _check(wanted)
    if spec == "grammar":
        return _grammar(wanted)
    if spec == "oracle":
        return _oracle(wanted, spec, oracle_seed, oracle_size)
    kind, path = sources.text_source(spec)
    if kind == "oracle":
        return _oracle(wanted, str(path), oracle_seed, oracle_size)
    return _file(wanted, path)


def _check(wanted: Wanted) -> None:
    for name, value, low, high in (
        ("T, the tokens of the longest sentence,", wanted.T, 2, LONGEST),
        ("the vocabulary's size", wanted.vocab, RESERVED + 1, WORDS),
        ("min_count, how often a word occurs,", wanted.min_count, 1, 10**9),
        ("held_out, the share that is held out,", wanted.held_out, 0, 0.9),
    ):
        if not low <= value <= high:
            limit = " (the net has some hundred numbers for every word, and a batch a probability for each at every place)" if high == WORDS else ""
            raise BadData(f"{name[0].upper()}{name[1:]} must be from {low} to {high:,}; got {value:,}{limit}.")
    for name, value, choices in (
        ("Tokens", wanted.unit, ("words", "chars")),
        ("Punctuation", wanted.punctuation, ("split", "keep", "strip")),
        ("Long sentences", wanted.long, ("cut", "drop")),
    ):
        if value not in choices:
            raise BadData(f"{name} cannot be {value!r}: choose {' or '.join(choices)}.")


def _file(wanted: Wanted, path: Path) -> TextSet:
    text = TextFile(path, wanted.progress)
    spaced = [0, 0]  # lines, and those without a space

    def sentences() -> Iterable[list[str]]:
        for line in text:
            found = tokens(line, wanted.unit, wanted.punctuation)
            spaced[0] += bool(found)
            spaced[1] += len(found) == 1
            yield found

    built = _built(wanted, str(path), sources.stem(path), sentences())
    notes: list[str] = built.about["notes"]
    built.title = f"{sources.stem(path)} ({len(built):,} sentences)"
    if text.more:
        notes.append(f"Only the first {LINES:,} lines are read: that is the limit.")
    if wanted.unit == "words" and 2 * spaced[1] > spaced[0]:
        notes.append("Most lines are a single word: where a script has no spaces, read it by characters (--tokens chars).")
    if path.suffix.lower() in (".csv", ".tsv", ".json", ".jsonl"):
        notes.append(f"Every line of a {path.suffix.lower()} file is taken for a sentence as it stands.")
    return built


def _grammar(wanted: Wanted) -> TextSet:
    words = wanted.unit == "words"

    def sentences() -> Iterable[Sequence[str]]:
        for i in range(grammar.COUNT):
            if wanted.progress and i % 1000 == 0:
                wanted.progress(i, grammar.COUNT)
            said = [w for w in grammar.sentence(i) if wanted.punctuation != "strip" or not is_punctuation(w)]
            yield said if words else tokens(" ".join(said), wanted.unit, wanted.punctuation)
        if wanted.progress:
            wanted.progress(grammar.COUNT, grammar.COUNT)

    found = _built(wanted._replace(long="drop") if words else wanted, "grammar", "grammar", sentences())  # half a sentence is none
    found.title = "grammar"
    if not words:
        found.about["notes"].append("The grammar is of words: of characters validity is not measured.")
    elif wanted.punctuation == "strip":
        found.about["notes"].append("Without punctuation no sentence belongs to the grammar, so validity is not measured.")
    else:
        found.valid = grammar.valid
    return found


def _built(wanted: Wanted, spec: str, title: str, sentences: Iterable[Sequence[str]]) -> TextSet:
    """The set of sentences that come one by one."""
    corpus, sizes = Corpus(), Counter[int]()
    lines = empty = cut = dropped = 0
    skipped: list[str] = []
    for sentence in sentences:
        lines += 1
        sizes[len(sentence)] += 1
        if not sentence:
            empty += 1
            continue
        if len(sentence) > wanted.T:
            if wanted.long == "drop":
                dropped += 1
                if len(skipped) < TOLD:
                    skipped.append(f"Line {lines:,} has {len(sentence):,} tokens, more than T = {wanted.T}.")
                continue
            cut += 1
        corpus.add(sentence[: wanted.T])
        if len(corpus.words) > DIFFERENT or 4 * wanted.T * len(corpus.sizes) > ROOM:
            raise BadData(
                f"{title} has too many {'words' if len(corpus.words) > DIFFERENT else 'tokens'} for memory at line {lines:,}: take a part of it."
            )
    if dropped > TOLD:
        skipped.append(f"{dropped - TOLD:,} more lines have more than T = {wanted.T} tokens.")
    if dropped and not corpus.sizes:
        raise BadData(f"All {dropped:,} sentences of {title} have more than T = {wanted.T} tokens: raise T, or cut them (long=cut).")
    if len(corpus.sizes) < FEWEST:
        raise BadData(f"{title} has {_few(len(corpus.sizes))}, and {FEWEST} are needed at least: give more, one a line.")
    T = max(corpus.sizes)
    words, counts, numbers = corpus.vocabulary(wanted.vocab, wanted.min_count)
    if len(words) == RESERVED:
        raise BadData(f"No word of {title} occurs {wanted.min_count:,} times: lower min_count.")
    rows = corpus.rows(numbers, T)
    rows.flags.writeable = False
    ends, joiner = min(corpus.sizes) < T, " " if wanted.unit == "words" else ""
    heads = np.fromiter((head(f"{wanted.split}|{joiner.join(s)}".encode()) for s in split_words(rows, words, ends)), np.uint64, len(rows))
    different = len(np.unique(heads))
    if different < FEWEST:
        raise BadData(
            f"{title} has {_few(different)} that differ in the words that are known, and {FEWEST} are needed at least: give more, one a line."
        )
    train, held = parted(heads, wanted.held_out)
    del sizes[0]
    about = {
        "read": lines,
        "empty": empty,
        "cut": cut,
        "dropped": dropped,
        "duplicates": twins(heads),
        "tokens": sum(corpus.sizes),
        "vocabulary": len(words),
        "distinct": len(corpus.words),
        "unknown": counts[UNKNOWN] / sum(corpus.sizes),
        "lengths": _lengths(sizes),
        "common": [[readable(w), n] for w, n in zip(words[RESERVED:], counts[RESERVED:], strict=True)][:COMMON],
        "left_out": empty + dropped,
        "notes": _notes(wanted, T, ends, counts, len(rows)),
        "settings": {k: v for k, v in wanted._asdict().items() if k != "progress"},
    }
    return TextSet(_id(rows, words, ends), spec, title, rows, words, len(words), T, ends, joiner, train, held, tuple(skipped), about)


def _oracle(wanted: Wanted, spec: str, seed: int, size: int) -> TextSet:
    from models.data import oracle as oracles  # torch, which listing sources does not need

    more = round(size * wanted.held_out)
    if not FEWEST <= size <= 1_000_000 or 4 * wanted.T * (size + more) > ROOM:
        raise BadData(f"An oracle cannot draw {size:,} sentences of {wanted.T} tokens: choose {FEWEST} to 1,000,000, below {ROOM >> 30} GB in all.")
    made = oracles.make(seed, wanted.vocab, T=0) if spec == "oracle" else oracles.load(spec, T=0)
    rows = made.sentences(seed, size + more, wanted.T, wanted.progress)
    if wanted.progress:
        wanted.progress(size + more, size + more)
    rows.flags.writeable = False
    seen = np.bincount(rows.ravel(), minlength=made.V)
    usual = np.argsort(-seen, kind="stable")[:COMMON]
    about = {
        "read": size + more,
        "empty": 0,
        "cut": 0,
        "dropped": 0,
        "duplicates": twins(np.fromiter((head(row.tobytes()) for row in rows), np.uint64, len(rows))),
        "tokens": rows.size,
        "vocabulary": made.V,
        "distinct": int(np.count_nonzero(seen)),
        "unknown": 0.0,
        "lengths": _lengths(Counter({wanted.T: len(rows)})),
        "common": [[str(k), int(seen[k])] for k in usual.tolist()],
        "left_out": 0,
        "notes": [],
        "settings": {"T": wanted.T, "held_out": wanted.held_out, "oracle_seed": seed, "oracle_size": size},
        "hash": made.hash,
        "floor": made.floor,
        "floor_se": made.floor_se,
        "ceiling": made.ceiling,
    }
    title = f"oracle {made.hash[:6]}" if spec == "oracle" else f"{sources.stem(Path(spec))} (an oracle of {made.V:,} tokens)"
    name = hashlib.sha256(f"{made.hash} {_id(rows, (), False)}".encode()).hexdigest()[:16]
    index = np.arange(size + more, dtype=np.int64)
    return TextSet(name, spec, title, rows, (), made.V, wanted.T, False, " ", index[:size], index[size:], (), about, made)


def parted(hashes: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Train (rising) and held-out indices (in the order of their hashes) from (N,) uint64; equal hashes are on the same side.

    Each decides for itself whether it is among the share. Neither side is empty, unless the share is 0: then nothing is held out.
    """
    held = hashes < np.uint64(min(int(share * 2.0**64), 2**64 - 1))
    if held.all():
        held = hashes != hashes.max()
    if share and not held.any():
        held = hashes == hashes.min()
    out = np.flatnonzero(held)
    return np.flatnonzero(~held), out[np.argsort(hashes[out], kind="stable")]


def _few(n: int) -> str:
    return {0: "no sentence", 1: "1 sentence"}.get(n, f"{n} sentences")


def _notes(wanted: Wanted, T: int, ends: bool, counts: list[int], n: int) -> list[str]:
    notes = []
    if T < wanted.T:
        notes.append(f"No sentence has more than {T} tokens, so T is {T}, not {wanted.T}.")
    if not ends:
        notes.append(f"All sentences have {T} tokens, so none needs an end.")
    unknown = counts[UNKNOWN] / sum(counts)
    if unknown > 0.1:
        notes.append(f"{unknown:.0%} of all tokens are unknown ({UNKNOWN_WORD}): a larger vocabulary or a lower min_count knows more.")
    if n < 500:
        notes.append(f"There are only {n} sentences: a net learns them by heart.")
    return notes


def _lengths(sizes: Counter[int]) -> dict[str, Any]:
    """How long lines are, in tokens and before anything is cut."""
    n = sizes.total()
    order = sorted(sizes)
    upto = np.cumsum([sizes[k] for k in order])
    low, high = order[0], order[-1]
    wide = -(-(high - low + 1) // BINS)
    bins = [[a, min(a + wide - 1, high), sum(sizes[k] for k in range(a, a + wide))] for a in range(low, high + 1, wide)]
    median = order[int(np.searchsorted(upto, (n + 1) // 2))]
    return {"min": low, "median": median, "mean": sum(k * c for k, c in sizes.items()) / n, "max": high, "histogram": bins}


def _id(rows: np.ndarray, words: tuple[str, ...], ends: bool) -> str:
    digest = hashlib.sha256(f"{rows.shape} {ends} ".encode())
    digest.update("\n".join(words).encode())
    digest.update(np.ascontiguousarray(rows, "<i4").tobytes())
    return digest.hexdigest()[:16]


def _tensor(rows: np.ndarray) -> Tensor:
    import torch  # late: listing sources needs no torch

    return torch.from_numpy(rows)
