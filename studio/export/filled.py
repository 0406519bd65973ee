"""Fillings as files: a page, JSON lines, plain lines; and the way back from a recipe to the desk.

    record = desk_record(run, desk, n=5, seed=0)
    fill_exporters()["page"].write(record, Path("fillings.html"))

In all files stand all alternatives of the first net, then those of the next; alternative i (from 0) is that of the seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.data.vocabulary import joined
from models.errors import BadInput
from models.files import write_bytes
from studio import recipe as recipes
from studio.export import Exporter
from studio.export.texts import one_line, options_checked

if TYPE_CHECKING:
    from models.algorithms.maskgan.fillings import Desk, Fillings
    from models.run import Run

NETS = ("maskgan", "maskmle")
TITLES = {"maskgan": "MaskGAN", "maskmle": "MaskMLE"}
DEFAULTS: Mapping[str, Any] = {"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "shown": 0, "k": 9}
MOST = 64  # alternatives
MOST_TOKENS = 10_000  # of a desk
MOST_LETTERS = 200_000  # of all its tokens, with a fixed word for each
BLANK = "___"


@dataclass(frozen=True)
class DeskRecord:
    """What exporters of fillings write: plain values of one moment."""

    title: str  # "MaskGAN on grammar"
    recipe: Mapping[str, Any]  # of models.run.Run.recipe
    desk: Desk
    fillings: Mapping[str, Fillings]  # net -> what it put there, in the order they are shown
    seed: int
    options: Mapping[str, Any]  # of DEFAULTS, all of them

    @property
    def step(self) -> int:
        """Steps of training when it was taken."""
        return int(self.recipe["step"])


class Filling(NamedTuple):
    """One alternative, up to its end."""

    net: str
    number: int  # from 0
    text: str
    tokens: tuple[str, ...]
    blanks: tuple[int, ...]  # those of the desk that lie before its end
    fixed: tuple[int, ...]  # those of them that a person has filled
    probabilities: tuple[float | None, ...]  # one for each of `blanks`; None where there is none
    realism: tuple[float | None, ...]  # one for each token
    log_p: float | None  # nats, of all that was filled, the end too
    valid: bool | None
    why: str  # what is wrong with it


def alternatives(found: Fillings) -> Iterator[Filling]:
    """What one net put there, one after the other."""
    for i, row in enumerate(found.tokens):
        end = end_of(row)
        inside = [b for b, blank in enumerate(found.blanks) if blank < end]
        valid = _known(found.valid[i])
        yield Filling(
            net=found.net,
            number=i,
            text=one_line(joined(row[:end], found.joiner)),
            tokens=row[:end],
            blanks=tuple(found.blanks[b] for b in inside),
            fixed=tuple(f for f in found.fixed if f < end),
            probabilities=tuple(_known(found.p[i, b]) for b in inside),
            realism=tuple(_known(r) for r in found.realism[i, :end]),
            log_p=_known(found.log_p[i]),
            valid=None if valid is None else bool(valid),
            why=found.why[i],
        )


def end_of(row: Sequence[str]) -> int:
    """Tokens before a filling's end; where a long text is read in windows, a window before the last may have an end of its own ("")."""
    return max((i + 1 for i, word in enumerate(row) if word), default=0)


def _known(value: Any) -> float | None:
    """With the digits of float32; None for no number."""
    return float(f"{float(value):.9g}") if math.isfinite(value) else None


def object_of(one: Filling) -> dict[str, Any]:
    """A filling as the command line and JSON lines tell it."""
    return {
        "text": one.text,
        "tokens": list(one.tokens),
        "blanks": list(one.blanks),
        "probabilities": list(one.probabilities),
        "realism": list(one.realism),
        "log_p": one.log_p,
        "valid": one.valid,
        "why": one.why,
    }


def desk_record(run: Run, desk: Desk, *, n: int, seed: int, nets: Sequence[str] = NETS, options: Mapping[str, Any] | None = None) -> DeskRecord:
    """The record that exporters write: `desk` filled `n` times by each of `nets` at the present step of a run, which needs no data.

    Args:
        options: of DEFAULTS, those that are not as they are there: temperature, top_k, nucleus, and for which alternative (`shown`) how many (`k`)
            candidates are kept.

    Raises:
        BadInput: the run's system fills nothing, an option is out of its range, or the desk has no blank.
    """
    from models.algorithms.maskgan.fillings import Fillings

    if "fill" not in run.algorithm.views:
        raise BadInput(f"Blanks are filled by runs of MaskGAN; {run.folder.path.name} is one of {run.algorithm.TITLE}.")
    how = _options({**DEFAULTS, **(options or {})}, n)
    asked = {**desk._asdict(), **how, "n": n, "seed": seed}
    return DeskRecord(
        title=f"{run.algorithm.TITLE} on {run.folder.record['data']['title']}",
        recipe=run.recipe(),
        desk=desk,
        fillings={net: Fillings.of(run.view("fill", net=net, **asked)) for net in nets},
        seed=seed,
        options=how,
    )


def fill_exporters() -> dict[str, Exporter]:
    """All exporters of a DeskRecord by name, in the order of the menu; "fillings-" and the name is the kind in a recipe."""
    from studio.export import filledpage

    return {
        "page": Exporter("Page of fillings (HTML)", ".html", True, filledpage.write_page),
        "jsonl": Exporter("Fillings (JSON lines)", ".jsonl", True, write_jsonl),
        "txt": Exporter("Fillings (text)", ".txt", True, write_txt),
    }


def recipe_of(record: DeskRecord, name: str) -> recipes.Recipe:
    """The recipe of an export, by the exporter's name."""
    desk = record.desk
    made = {
        "seed": record.seed,
        "count": max((found.n for found in record.fillings.values()), default=0),
        "nets": list(record.fillings),
        "options": dict(record.options),
        "desk": {
            "tokens": list(desk.tokens),
            "blanks": list(desk.blanks),
            "open_end": desk.open_end,
            "fixed": [[at, word] for at, word in desk.fixed],
        },
    }
    return recipes.make(f"fillings-{name}", dict(record.recipe), **made)


def write_txt(record: DeskRecord, path: Path) -> Sequence[Path]:
    """One filling a line, UTF-8, and the recipe beside it; raises DiskTrouble."""
    lines = [one.text for found in record.fillings.values() for one in alternatives(found)]
    return _written(path, lines, recipe_of(record, "txt"))


def write_jsonl(record: DeskRecord, path: Path) -> Sequence[Path]:
    """One JSON object a line: net, index, and what `object_of` tells. The first carries the recipe as well, which is also beside the file.

    Raises:
        DiskTrouble: it cannot be written.
    """
    recipe, lines = recipe_of(record, "jsonl"), []
    for found in record.fillings.values():
        for one in alternatives(found):
            carried = {} if lines else {recipes.FIELD: json.loads(recipes.dumps(recipe))}
            told = {"net": one.net, "index": one.number, **object_of(one)}
            lines.append(json.dumps(told | carried, allow_nan=False, ensure_ascii=False))
    return _written(path, lines, recipe)


def _written(path: Path, lines: Sequence[str], recipe: recipes.Recipe) -> Sequence[Path]:
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
    recipes.save_beside(path, recipe)
    return [path, recipes.beside(path)]


# --- the way back -----------------------------------------------------------------------------------------------------


def is_filled(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe is that of fillings."""
    return str(recipe.get("kind")).startswith("fillings-")


def desk_of(recipe: Mapping[str, Any]) -> tuple[Desk, dict[str, Any]]:
    """The desk of a recipe, and the keyword arguments n, seed, nets and options of `desk_record`.

    Raises:
        BadInput: the recipe is not of fillings, or was changed to what no desk can be.
    """
    from models.algorithms.maskgan.fillings import Desk

    desk, asked = _told(recipe)
    return Desk(**desk), asked


def said_of(recipe: Mapping[str, Any]) -> str:
    """The sentence of a recipe with its blanks, for people; needs no torch; raises BadInput as `desk_of`."""
    desk, _ = _told(recipe)
    config = recipe.get("config")
    joiner = "" if isinstance(config, dict) and config.get("unit") == "chars" else " "
    fixed, words = dict(desk["fixed"]), list(desk["tokens"])
    for blank in (*desk["blanks"], *fixed):
        words[blank] = fixed.get(blank, BLANK)
    return one_line(joined([*words, "…"] if desk["open_end"] else words, joiner))


def _told(recipe: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the Desk, and the other arguments; raises BadInput."""
    try:
        if not is_filled(recipe):
            raise ValueError(recipe.get("kind"))
        made = recipe["made"]
        desk, nets, n, seed = _desk(made["desk"]), made["nets"], _place(made["count"], MOST + 1), _place(made["seed"], 2**62)
        if not isinstance(nets, list) or not nets or any(net not in NETS for net in nets) or len(set(nets)) < len(nets):
            raise ValueError(nets)
        if set(made["options"]) != set(DEFAULTS):
            raise ValueError(made["options"])
        return desk, {"n": n, "seed": seed, "nets": tuple(nets), "options": _options(made["options"], n)}
    except (LookupError, AttributeError, TypeError, ValueError, BadInput):
        raise BadInput("This recipe describes no desk with blanks: it was changed after the export, or it is not one of fillings.") from None


def _desk(told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Desk from a recipe; raises ValueError and others."""
    lists = (told["tokens"], told["blanks"], told["fixed"])
    if set(told) != {"tokens", "blanks", "open_end", "fixed"} or type(told["open_end"]) is not bool or not all(isinstance(v, list) for v in lists):
        raise ValueError(told)
    if max(map(len, lists)) > MOST_TOKENS:
        raise ValueError(told)
    tokens = tuple(_word(word) for word in told["tokens"])
    blanks = tuple(_place(blank, len(tokens)) for blank in told["blanks"])
    fixed = tuple((_place(at, len(tokens)), _word(word)) for at, word in told["fixed"])
    places = [at for at, _ in fixed]
    if any(a >= b for a, b in pairwise(blanks)) or len(set(places)) < len(places):
        raise ValueError(told)
    if sum(map(len, tokens)) + sum(len(word) for _, word in fixed) > MOST_LETTERS:
        raise ValueError(told)
    return {"tokens": tokens, "blanks": blanks, "open_end": told["open_end"], "fixed": fixed}


def _options(given: Mapping[str, Any], n: int) -> dict[str, Any]:
    drawing = options_checked({name: given[name] for name in ("temperature", "top_k", "nucleus")})
    if (unknown := set(given) - set(DEFAULTS)) or not isinstance(n, int) or not 1 <= n <= MOST:
        raise BadInput(f"Fillings have no option {min(unknown)!r}." if unknown else f"One asks for 1 to {MOST:,} alternatives; got {n!r}.")
    for name, high in (("shown", n - 1), ("k", 100)):
        if type(given[name]) is not int or not (name == "k") <= given[name] <= high:
            raise BadInput(f"{name} must be a whole number from {int(name == 'k')} to {high}; got {given[name]!r}.")
    return {**drawing, "shown": given["shown"], "k": given["k"]}


def _word(value: Any) -> str:
    """A token of a recipe; raises ValueError."""
    if not isinstance(value, str) or one_line(value) != value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(value)
    return value


def _place(value: Any, end: int) -> int:
    """A whole number in [0, end) of a recipe; raises ValueError."""
    if type(value) is not int or not 0 <= value < end:
        raise ValueError(value)
    return value
