"""What all systems that write text have in common: how their data are read, which tokens count, the noise and the words of samples."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from models import knobs as settings
from models.data.text import TextSet, encode, open_texts, split_words, spoken
from models.errors import BadInput
from models.knobs import knob

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 64  # sentences are drawn in whole chunks, so that one's bits do not depend on how many were asked for
BETWEEN_TOKENS = "\x1f"  # joins the tokens of a sentence in a View's words; no token has it


class TextConfig(settings.Config):
    """How sentences are read: a part of the settings of every system that writes text."""

    T: int = knob(20, "longest sentence, in tokens", symbol="T", low=2, high=64, group="Sentences")
    vocab: int = knob(5000, "size of the vocabulary, at most", symbol="V", low=4, high=200_000, group="Sentences")
    unit: Literal["words", "chars"] = knob("words", "what a token is", group="Sentences")
    punctuation: Literal["split", "keep", "strip"] = knob("split", "marks: tokens of their own, part of the word, or left out", group="Sentences")
    min_count: int = knob(1, "a word that occurs less often is unknown", low=1, high=10_000, group="Sentences")
    long: Literal["cut", "drop"] = knob("cut", "sentences longer than T are cut, or left out", group="Sentences")
    held_out: float = knob(0.1, "share of the sentences that is held out", low=0.0, high=0.9, group="Sentences")
    split: int = knob(0, "seed of what is held out", low=0, high=2**31 - 1, group="Sentences")
    ends: bool = knob(False, "sentences vary in length; known from the data", group="Sentences")


C = TypeVar("C", bound=TextConfig)
FOUND = ("ends",)  # settings that the data decide over


def read(spec: str, config: TextConfig, progress: Callable[[int, int], None] | None = None, **more: Any) -> TextSet:
    """The sentences that `spec` names, as the settings say; `more` replaces some of them, and has those of an oracle."""
    names = ("T", "vocab", "unit", "punctuation", "min_count", "long", "held_out", "split")
    return open_texts(spec, **{"oracle_seed": 0, "oracle_size": 10_000, **{name: getattr(config, name) for name in names}, **more}, progress=progress)


def fitted(config: C, data: TextSet) -> C:
    """The settings with what is known of the data: the vocabulary that it has, its longest sentence, whether lengths vary."""
    return settings.changed(config, {"vocab": data.V, "T": data.T, "ends": data.ends})


def alive(tokens: Tensor, ends: bool) -> Tensor:
    """1 for every token that counts: up to and with the first end, (n, T) float32."""
    if not ends:
        return tokens.new_ones(tokens.shape).float()
    over = (tokens == 0).cumsum(1)
    return (over - (tokens == 0).long() == 0).float()


def spoken_lengths(rows: np.ndarray, ends: bool) -> np.ndarray:
    """Tokens that are said: the end is none of them; (n,)."""
    if not ends:
        return np.full(len(rows), rows.shape[1], np.int64)
    over = rows == 0
    return np.where(over.any(1), over.argmax(1), rows.shape[1]).astype(np.int64)


def noise(n: int, T: int, seed: int) -> Tensor:
    """Uniform numbers (n, T) of a seed, on the CPU; the first ones are the same whatever n is."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.cat([torch.rand(CHUNK, T, generator=generator) for _ in range(-(-max(1, n) // CHUNK))])[:n]


def words_of(rows: np.ndarray, words: Sequence[str], joiner: str, ends: bool) -> dict[str, list[str]]:
    """For a View: `samples`, the rows to be read, and `tokens`, the same with a separator between tokens."""
    return {
        "samples": spoken(rows, tuple(words), joiner, ends),
        "tokens": [BETWEEN_TOKENS.join(row) for row in split_words(rows, tuple(words), ends)],
    }


def check_drawing(temperature: float, top_k: int, nucleus: float, net: str, nets: Sequence[str], title: str) -> None:
    """Raises BadInput where sentences cannot be drawn like this."""
    if not 0 < temperature <= 10:
        raise BadInput(f"The temperature must lie above 0 and be at most 10; got {temperature:g}.")
    if not 0 < nucleus <= 1:
        raise BadInput(f"The nucleus is a share above 0 and at most 1; got {nucleus:g}.")
    if top_k < 0:
        raise BadInput(f"top-k is a number of tokens, 0 for all; got {top_k}.")
    if net not in nets:
        raise BadInput(f"There is no generator {net!r} in a {title} run; it has {', '.join(nets[:-1])} and {nets[-1]}.")


def known_words(prompt: str, words: Sequence[str], unit: str, T: int) -> list[int]:
    """The tokens of a prompt; raises BadInput where a word is unknown, or no room is left."""
    ids, unknown = encode(prompt, tuple(words), unit)
    if unknown:
        near = [w for word in unknown for w in nearest(word, words, 2)][:4]
        more = f"; did you mean {', '.join(near)}?" if near else "."
        named = ", ".join(map(repr, unknown[:5]))
        raise BadInput(f"This run's vocabulary of {len(words):,} does not have {named}: use words of its data{more}")
    _check_room(len(ids), T)
    return ids


def known_numbers(prompt: str, V: int, T: int) -> list[int]:
    """The same of an oracle, whose tokens are numbers."""
    try:
        ids = [int(word) for word in prompt.split()]
    except ValueError:
        ids = [-1]
    if not all(0 <= i < V for i in ids):
        raise BadInput(f"The tokens of an oracle are numbers from 0 to {V - 1:,}; the prompt is {prompt.strip()!r}.")
    _check_room(len(ids), T)
    return ids


def _check_room(given: int, T: int) -> None:
    if given >= T:
        raise BadInput(f"The prompt has {given} tokens, and this run's sentences have at most {T}: leave room for at least one.")


def nearest(word: str, words: Sequence[str], n: int) -> list[str]:
    """Up to `n` known words that are spelt much like this one."""
    return difflib.get_close_matches(word, words, n)
