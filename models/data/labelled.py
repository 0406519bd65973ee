"""Pictures with classes, and sentences where there are some: what a classifier and a captioner are trained on."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.data.images import ImageSet
from models.errors import BadData, BadInput

FEWEST = 4  # training pictures of a class
SHORTER = 6  # shorter sentences kept beside each caption that lists things
WORD = re.compile(r"[^\s,.;:!?\"()]+")
LIST = re.compile(r"(an?) (?:(\w+(?:, \w+)*) )?(\w+)(?: with (.+))?")  # "a smiling, bald person with freckles, a moustache and a red cap"


@dataclass(eq=False)
class LabelledSet(ImageSet):
    """An ImageSet whose labels can be learnt."""

    heads: dict[str, list[str]] = field(default_factory=dict)  # attribute -> names of its values
    columns: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.int64))  # (N, heads) int64, an index into the values
    words: list[str] = field(default_factory=list)  # the vocabulary; "" at place 0 is the end; empty where nothing is captioned
    tokens: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.int64))  # (N, T) int64, each row closed by at least one 0
    shorter: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0), np.int64))  # (N, SHORTER, T): sentences that name less of the same

    def sentence(self, index: int) -> str:
        """The words of picture `index`, as the captioner is taught them."""
        return spoken(self.tokens[index].tolist(), self.words)


def labelled(data: ImageSet, *, first: bool, captions: bool, outputs: int, room: int, without: str = "") -> LabelledSet:
    """The same pictures with their labels checked and their captions cut into words.

    Args:
        first: take the first attribute alone.
        captions: take the captions, if there are any.
        outputs: the most values over all attributes.
        room: the most words, with the end.
        without: compositions that no training picture shall have, as "glasses=round & hat=cap; hair=long"; held-out pictures keep them.

    Raises:
        BadInput: `without` names what there is not.
        BadData: no labels, one class, a class with too few pictures, too many values or words.
    """
    data = _without(data, without)
    own = {f.name: getattr(data, f.name) for f in dataclasses.fields(ImageSet) if f.init}
    heads, columns = _heads(data, first)
    total = sum(map(len, heads.values()))
    if total > outputs:
        raise BadData(f"{data.title} has {total:,} classes, more than the {outputs:,} that the nets have outputs for: raise `outputs`.")
    made = LabelledSet(**own, heads=heads, columns=columns)
    if captions and data.captions is not None:
        made.words, made.tokens, made.shorter = _sentences(data, data.captions)
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


def compositions(text: str, values: Mapping[str, Sequence[str]]) -> list[dict[str, int]]:
    """ "glasses=round & hat=cap; hair=long" as one dict a composition, attribute -> place of its value; raises BadInput."""
    out = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        found: dict[str, int] = {}
        for term in part.split("&"):
            name, equals, value = (v.strip() for v in term.partition("="))
            if not equals:
                raise BadInput(
                    f'`without` takes ATTRIBUTE=VALUE, joined by & and parted by ; as in "hat=cap & hair=long; hat=beanie": {term.strip()!r}.'
                )
            if name not in values:
                raise BadInput(f"`without` names the attribute {name!r}, which these pictures do not have; {_near(name, values)}.")
            if value not in values[name]:
                raise BadInput(f"`without` names {name} {value!r}, which these pictures do not have; {_near(value, values[name])}.")
            found[name] = list(values[name]).index(value)
        out.append(found)
    return out


def _near(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 3, 0.4)
    return f"the nearest are {', '.join(close)}" if close else f"there are {', '.join(known)}"


def _without(data: ImageSet, text: str) -> ImageSet:
    labels, values = data.labels or {}, data.values or {}
    left_out = np.zeros(len(data.train), bool)
    for terms in compositions(text, values):
        left_out |= np.logical_and.reduce([labels[name][data.train] == code for name, code in terms.items()])
    if not left_out.any():
        return data
    kept = data.train[~left_out]
    if len(kept) < FEWEST:
        raise BadData(f"`without` leaves {len(kept)} of the {len(left_out):,} training pictures of {data.title}: leave out less.")
    return dataclasses.replace(data, train=kept)


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


def shortened(sentence: str, rng: np.random.Generator) -> str:
    """A sentence that names only some of what `sentence` lists, at least one thing; other sentences stay as they are.

    "a smiling person with red hair and a blue cap" becomes "a person with red hair", "a smiling person with a blue cap", …
    """
    found = LIST.fullmatch(sentence)
    if not found:
        return sentence
    first = found[2].split(", ") if found[2] else []
    things = re.split(", | and ", found[4]) if found[4] else []
    count = len(first) + len(things)
    if count < 2:
        return sentence
    kept = set(rng.choice(count, int(rng.integers(1, count)), replace=False).tolist())
    first, things = ([v for i, v in enumerate(part, start) if i in kept] for part, start in ((first, 0), (things, len(first))))
    listed = " and ".join([", ".join(things[:-1]), things[-1]] if things[1:] else things)
    return f"{found[1]} {', '.join(first)}{' ' * bool(first)}{found[3]}{' with ' * bool(listed)}{listed}"


def _sentences(data: ImageSet, caption: Callable[[int], str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The words of the training pictures' captions; all captions, and shorter ones, in these words."""
    captions = [caption(i) for i in range(len(data))]
    texts = [cut(text) for text in captions]
    seen = Counter(w for i in data.train.tolist() for w in texts[i])
    words = ["", *sorted(seen)]
    place = {w: i for i, w in enumerate(words)}
    rng = np.random.default_rng(0)
    longest = 1 + max(map(len, texts))
    tokens = np.zeros((len(texts), 1 + SHORTER, longest), np.int64)
    for rows, text, whole in zip(tokens, captions, texts, strict=True):
        for row, said in zip(rows, [whole, *(cut(shortened(text, rng)) for _ in range(SHORTER))], strict=True):
            known = [place[w] for w in said if w in place]
            row[: len(known)] = known
    return words, tokens[:, 0], tokens[:, 1:]
