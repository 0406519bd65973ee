"""What a person does to the desk, from one Desk to the next, and how its blanks are drawn.

A place is that of a token; those from len(tokens) on are words of an open end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from models import knobs as settings
from models.algorithms.maskgan.fillings import Desk
from models.data.vocabulary import is_punctuation
from models.knobs import knob

Shown = Callable[[int], str]  # the word that a person sees at a place; "" for none


class Drawing(settings.Knobs):
    """How blanks are filled."""

    temperature: float = knob(1.0, "temperature: below 1 likely words become likelier", symbol="τ", low=0.05, high=10.0, log=True, group="Drawing")
    top_k: int = knob(0, "top-k: only so many of the likeliest words; 0 is all", symbol="k", low=0, high=1000, group="Drawing")
    nucleus: float = knob(1.0, "nucleus: only the likeliest words that hold this share", symbol="p", low=0.01, high=1.0, group="Drawing")
    seed: int = knob(0, "seed of the fillings: the same noise at every look", low=0, high=2**31 - 1, log=False, group="Drawing")


def free(desk: Desk) -> bool:
    """Whether there is anything to fill."""
    return bool(desk.blanks or desk.open_end)


def blanked(desk: Desk, places: Collection[int], on: bool, shown: Shown) -> Desk:
    """Words become blanks, or blanks words: what stood there, else what is shown there; a blank of which neither is known stays one."""
    chosen = {place for place in places if place < len(desk.tokens)}
    return _with(desk, set(desk.blanks) | chosen, shown) if on else _with(desk, set(desk.blanks) - chosen, shown)


def ruled(desk: Desk, chosen: Iterable[int], shown: Shown) -> Desk:
    """These are the blanks, and no others but those that have no word."""
    return _with(desk, set(chosen), shown)


def _with(desk: Desk, blanks: set[int], shown: Shown) -> Desk:
    tokens, held = list(desk.tokens), dict(desk.fixed)
    for place in set(desk.blanks) - blanks:
        tokens[place] = tokens[place] or held.get(place) or shown(place)
        if not tokens[place]:
            blanks.add(place)
    return desk._replace(tokens=tuple(tokens), blanks=tuple(sorted(blanks)), fixed=tuple(pair for pair in desk.fixed if pair[0] in blanks))


def words_of(desk: Desk, unit: str) -> list[int]:
    """Places that a rule may blank: marks stay, unless tokens are characters."""
    return [i for i, token in enumerate(desk.tokens) if unit == "chars" or not token or not is_punctuation(token)]


def by_rule(words: list[int], rule: str, rate: float, chance: Callable[[], float]) -> list[int]:
    """Which of these places a rule of the blanking bar blanks."""
    half = (len(words) + 1) // 2
    match rule:
        case "every third":
            return words[2::3]
        case "first half":
            return words[:half]
        case "second half":
            return words[half:]
        case "random":
            return [i for i in words if chance() < rate]
        case _:
            return []


def held(desk: Desk, place: int, word: str) -> Desk:
    """A blank holds a word from now on; a word of an open end becomes a blank of the sentence, with all before it."""
    longer = _as_far_as(desk, place + 1)
    return longer._replace(fixed=tuple(sorted((dict(longer.fixed) | {place: word}).items())))


def released(desk: Desk, place: int) -> Desk:
    """A blank may be filled again."""
    return desk._replace(fixed=tuple(pair for pair in desk.fixed if pair[0] != place))


def ended(desk: Desk, place: int) -> Desk:
    """An open end is closed before a place."""
    return _as_far_as(desk, place)._replace(open_end=False)


def _as_far_as(desk: Desk, stop: int) -> Desk:
    more = range(len(desk.tokens), stop)
    return desk._replace(tokens=(*desk.tokens, *("" for _ in more)), blanks=(*desk.blanks, *more))
