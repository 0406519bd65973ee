"""From sentences to tokens, words or characters, and from tokens to numbers: the commonest are known, the others are one unknown word."""

from __future__ import annotations

import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

END, UNKNOWN = 0, 1  # 0 ends a sentence and pads what follows; 1 stands for every word that is not known
UNKNOWN_WORD = "<unk>"
RESERVED = 2  # numbers that no word of a text has
_JOINERS = "'’-‐‑"  # inside a word they belong to it: don't, well-known
_IN_NUMBERS = ".,:"  # likewise between digits: 1,000


def tokens(sentence: str, unit: str, punctuation: str) -> list[str]:
    """The tokens of a sentence.

    Args:
        sentence: any line.
        unit: "words", or "chars": every character is one. A run of spaces is one character then, and none beside a Chinese or Japanese character.
        punctuation: "split": what is attached to a word becomes a token of its own; "keep": words are what lies between spaces; "strip": without it.
            Characters are not changed by "split".
    """
    if unit == "chars":
        return _characters(sentence if punctuation != "strip" else " ".join(tokens(sentence, "words", "strip")))
    if punctuation == "keep":
        return sentence.split()
    found = [piece for chunk in sentence.split() for piece in pieces(chunk)]
    return [piece for piece in found if not is_punctuation(piece) or piece == UNKNOWN_WORD] if punctuation == "strip" else found


@lru_cache(maxsize=1 << 16)
def pieces(chunk: str) -> tuple[str, ...]:
    """What lies between two spaces, parted into words and marks; equal marks in a row are one: "dogs..." is "dogs", "..."."""
    if chunk.isalnum() or chunk == UNKNOWN_WORD:
        return (chunk,)
    out: list[str] = []
    word, last = "", ""
    for k, c in enumerate(chunk):
        if not is_mark(c) or (word and _joins(last, c, chunk[k + 1 : k + 2])):
            word += c
        else:
            if word:
                out.append(word)
            elif c == last:
                c = out.pop() + c
            out.append(c)
            word = ""
        last = c[-1]
    return (*out, word) if word else tuple(out)


@lru_cache(maxsize=1 << 14)
def is_mark(c: str) -> bool:
    """A punctuation mark or a symbol, of any script, so no part of a word; the underscore is none."""
    return unicodedata.category(c)[0] in "PS" and c != "_"


def is_punctuation(token: str) -> bool:
    """A token that "strip" leaves out: a mark that is no picture or placeholder, such as ☺ or □."""
    return is_mark(token[0]) and (token[0] < "\x7f" or unicodedata.category(token[0]) != "So")


def _joins(before: str, c: str, after: str) -> bool:
    if not after or is_mark(before) or is_mark(after):
        return False
    return c in _JOINERS or (c in _IN_NUMBERS and before.isdigit() and after.isdigit())


def _characters(sentence: str) -> list[str]:
    out: list[str] = []
    gap = False
    chunks = sentence.split()
    if max(map(len, chunks), default=0) == 1 and any(map(_wide, chunks)):
        return chunks  # written with a space after every character
    for c in sentence:
        if c.isspace():
            gap = bool(out)
            continue
        if gap and not (_wide(out[-1]) or _wide(c)):
            out.append(" ")
        out.append(c)
        gap = False
    return out


def _wide(c: str) -> bool:
    """Chinese or Japanese, which are written without spaces."""
    code = ord(c)
    return 0x2E80 <= code < 0x3130 or 0x31A0 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or 0xFF00 <= code < 0xFFF0 or 0x20000 <= code < 0x40000


class Corpus:
    """Sentences as they are read, with a number for every different token; kept small, whatever is read.

    Attributes:
        words: token -> its number, in the order of their first coming.
        sizes: tokens of each sentence that was kept, after cutting.
        flat: the numbers of all kept tokens.
    """

    def __init__(self) -> None:
        self.words: defaultdict[str, int] = defaultdict()
        self.words.default_factory = self.words.__len__
        self.sizes = array("i")
        self.flat = array("i")

    def add(self, sentence: Sequence[str]) -> None:
        """Keep a sentence."""
        words = self.words
        self.flat.extend([words[w] for w in sentence])
        self.sizes.append(len(sentence))

    def vocabulary(self, limit: int, least: int) -> tuple[tuple[str, ...], list[int], np.ndarray]:
        """The known words.

        Args:
            limit: how large the vocabulary may be, with the two reserved numbers.
            least: how often a word occurs at least.

        Returns:
            words: by number, "" and "<unk>" first, then the commonest first, equally common ones in the order of the alphabet.
            counts: how often each of them occurs; 0 for the first.
            numbers: (different tokens,) int32, the number of each token of this corpus.
        """
        often = np.bincount(np.frombuffer(self.flat, np.int32), minlength=len(self.words)).tolist()
        usual = sorted((-often[k], w, k) for w, k in self.words.items() if often[k] >= least and w != UNKNOWN_WORD)[: limit - RESERVED]
        numbers = np.full(len(self.words), UNKNOWN, np.int32)
        for n, (_, _, k) in enumerate(usual, RESERVED):
            numbers[k] = n
        counts = [-c for c, _, _ in usual]
        return ("", UNKNOWN_WORD, *(w for _, w, _ in usual)), [0, len(self.flat) - sum(counts), *counts], numbers

    def rows(self, numbers: np.ndarray, T: int) -> np.ndarray:
        """All sentences as (N, T) int32, filled up with END."""
        sizes = np.frombuffer(self.sizes, np.int32)
        out = np.full((len(sizes), T), END, np.int32)
        out[np.arange(T) < sizes[:, None]] = numbers[np.frombuffer(self.flat, np.int32)]
        return out


# --- from numbers to words, and what was typed to numbers ---------------------------------------------------------

_CLOSING = frozenset(".,;:!?%)]}…’”»。，、；：！？）】》」』'")  # no space before
_OPENING = frozenset("([{“‘«$€£#（【《「『")  # no space after


def lengths(tokens: np.ndarray, ends: bool) -> np.ndarray:
    """Tokens of each row up to and with its first END, all T where there is none: (n,) int64, of tokens (n, T)."""
    n, T = tokens.shape
    if not ends or not T:
        return np.full(n, T, np.int64)
    over = np.asarray(tokens) == END
    return np.where(over.any(1), over.argmax(1) + 1, T).astype(np.int64)


def split_words(rows: np.ndarray, words: Sequence[str], ends: bool) -> list[list[str]]:
    """The words of each row without its end, of rows (n, T); numbers in digits where there are no words."""
    rows, known = np.asarray(rows), list(words)
    sizes = lengths(rows, ends)
    if ends and rows.size:
        sizes = sizes - (rows[np.arange(len(rows)), sizes - 1] == END)
    return [[known[t] if known else str(t) for t in row[:size]] for row, size in zip(rows.tolist(), sizes.tolist(), strict=True)]


def spoken(tokens: np.ndarray, words: Sequence[str], joiner: str, ends: bool) -> list[str]:
    """Rows (n, T) as sentences: numbers with spaces between them where there are no words, and no space before a comma where there are."""
    return [joined(row, joiner if words else " ") for row in split_words(tokens, words, ends)]


def joined(words: Sequence[str], joiner: str) -> str:
    """Words as a sentence, with the joiner where a space stands; "" is no word."""
    said = [w for w in words if w]  # number 0 of a text without ends has no word
    return "".join(space + word for space, word in zip(spaces(said, joiner), said, strict=True))


def spaces(tokens: Sequence[str], joiner: str) -> list[str]:
    """What stands before each token of a sentence: the joiner; nothing before the first, and of words none before a comma or after a bracket."""
    close = [not i or (joiner == " " and (token[:1] in _CLOSING or tokens[i - 1] in _OPENING)) for i, token in enumerate(tokens)]
    return ["" if tight else joiner for tight in close]


def encode(sentence: str, words: Sequence[str], unit: str) -> tuple[list[int], list[str]]:
    """What was typed as numbers.

    Args:
        sentence: any text; numbers in digits where `words` is ().
        words: a vocabulary, as a TextSet has it.
        unit: "words" or "chars".

    Returns:
        the numbers, UNKNOWN for what is unknown, and the unknown words. Marks are left out if the vocabulary has none. Of an oracle, whether a
        number is below V is not looked at.
    """
    if not words:
        chunks = sentence.replace(",", " ").split()
        return [int(c) if c.isdecimal() else UNKNOWN for c in chunks], [c for c in chunks if not c.isdecimal()]
    number = {w: k for k, w in enumerate(words) if w}
    if unit == "chars":
        found = tokens(sentence, "chars", "keep")
    else:
        found = [piece for chunk in sentence.split() for piece in ((chunk,) if chunk in number else pieces(chunk))]
    bare = {w for w in found if w not in number and all(is_mark(c) for c in w)}
    if bare and not any(is_punctuation(w) for w in words[RESERVED:]):
        found = [w for w in found if w not in bare]
    return [number.get(w, UNKNOWN) for w in found], [w for w in found if w not in number]
