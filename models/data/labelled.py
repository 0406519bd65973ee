"""Pictures with classes, and sentences where there are some: what a classifier and a captioner are trained on."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.data.images import ImageSet
from models.errors import BadData, BadInput

FEWEST = 4  # training pictures of a class
WORD = re.compile(r"[^\s,.;:!?\"()]+")


@dataclass(eq=False)
class LabelledSet(ImageSet):
    """An ImageSet whose labels can be learnt."""

    heads: dict[str, list[str]] = field(default_factory=dict)  # attribute -> names of its values
    columns: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.int64))  # (N, heads) int64, an index into the values
    words: list[str] = field(default_factory=list)  # the vocabulary; "" at place 0 is the end; empty where nothing is captioned
    tokens: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.int64))  # (N, T) int64, each row closed by at least one 0

    def sentence(self, index: int) -> str:
        """The words of picture `index`, as the captioner is taught them."""
        return spoken(self.tokens[index].tolist(), self.words)


def labelled(data: ImageSet, *, first: bool, captions: bool, outputs: int, room: int) -> LabelledSet:
    """The same pictures with their labels checked and their captions cut into words.

    Args:
        first: take the first attribute alone.
        captions: take the captions, if there are any.
        outputs: the most values over all attributes.
        room: the most words, with the end.

    Raises:
        BadData: no labels, one class, a class with too few pictures, too many values or words.
    """
    own = {f.name: getattr(data, f.name) for f in dataclasses.fields(ImageSet) if f.init}
    heads, columns = _heads(data, first)
    total = sum(map(len, heads.values()))
    if total > outputs:
        raise BadData(f"{data.title} has {total:,} classes, more than the {outputs:,} that the nets have outputs for: raise `outputs`.")
    made = LabelledSet(**own, heads=heads, columns=columns)
    if captions and data.captions is not None:
        made.words, made.tokens = _sentences(data, data.captions)
        if len(made.words) > room:
            many = f"{len(made.words) - 1:,} different words, more than the {room - 1:,} that the captioner has room for"
            raise BadData(f"The captions of {data.title} have {many}: raise `words`, or turn `captions` off.")
    return made


def cut(sentence: str) -> list[str]:
    """A sentence as words in lower case, without punctuation."""
    return WORD.findall(sentence.lower())


def encoded(sentence: str, words: Sequence[str]) -> list[int]:
    """A sentence as places in a vocabulary, closed by 0; raises BadInput."""
    place = {w: i for i, w in enumerate(words) if i}
    found = cut(sentence)
    unknown = [w for w in found if w not in place]
    if unknown or not found:
        what = f"does not know the word {unknown[0]!r}" if unknown else "needs at least one word"
        raise BadInput(f"The captioner {what}; its {len(place)} words are {', '.join(sorted(place))}.")
    return [*(place[w] for w in found), 0]


def spoken(tokens: Sequence[int], words: Sequence[str]) -> str:
    """Places in a vocabulary as a sentence, up to the first 0."""
    tokens = list(tokens)
    return " ".join(words[t] for t in tokens[: tokens.index(0) if 0 in tokens else None])


def _heads(data: ImageSet, first: bool) -> tuple[dict[str, list[str]], np.ndarray]:
    labels, values = data.labels or {}, data.values or {}
    if not labels:
        raise BadData(
            f"{data.title} has no labels, and a classifier comes first: use faces, shapes, glyphs, an IDX or .npz file with its labels, "
            "or a folder with one folder a class."
        )
    heads, columns = {}, []
    for name, column in list(labels.items())[: 1 if first else None]:
        counts = np.bincount(column[data.train], minlength=len(values[name]))
        if np.count_nonzero(counts) < 2:
            continue
        for code in np.flatnonzero((counts > 0) & (counts < FEWEST)):
            some = "1 training picture" if counts[code] == 1 else f"{counts[code]} training pictures"
            raise BadData(f"{data.title} has {some} of {name} {values[name][code]!r}: give each class at least {FEWEST}, or leave it out.")
        heads[name] = list(values[name])
        columns.append(column)
    if not heads:
        raise BadData(f"All pictures of {data.title} have the same label, and a classifier tells at least two classes apart: add another class.")
    return heads, np.stack(columns, 1).astype(np.int64)


def _sentences(data: ImageSet, caption: Callable[[int], str]) -> tuple[list[str], np.ndarray]:
    """The words of the training pictures' captions, and all captions in these words."""
    texts = [cut(caption(i)) for i in range(len(data))]
    seen = Counter(w for i in data.train.tolist() for w in texts[i])
    words = ["", *sorted(seen)]
    place = {w: i for i, w in enumerate(words)}
    rows = [[place[w] for w in text if w in place] for text in texts]
    tokens = np.zeros((len(rows), 1 + max(map(len, rows))), np.int64)
    for row, found in zip(tokens, rows, strict=True):
        row[: len(found)] = found
    return words, tokens
