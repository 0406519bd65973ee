"""How far an exported file is from what its recipe makes."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from models import sink
from models.errors import BadFile
from studio.export import arrays, moving
from studio.verify.lines import CARRIED, FILLED, READERS, Line

BLOCK = 16  # pixels a side
SHAPE = "what the recipe makes has another shape"
WORDS = "its words are not those that the recipe makes"
_DATA = re.compile(r'src="data:image/png;base64,([^"]*)"')
_SCORE = re.compile(r'(?<= data-score=")[^"]*(?=")|(?<=<span class="told">)[^<]*(?=</span>)|(?<= · )[^"·]*(?=" data-score=)')


class Gap(NamedTuple):
    """How far two files are from each other."""

    difference: float | None  # the largest of pixels in [0, 1], or of numbers; 0 for none; None where there is nothing to subtract
    why: str = SHAPE  # what None means
    lossy: bool = False  # the format keeps less than was made
    coded: float = 0.0  # of a video: the largest mean difference of a BLOCK of a frame, which an encoder of another build may make
    where: str = ""  # the first difference, where the file has lines


def compare(path: Path, again: Path, kind: str, made: Mapping[str, Any]) -> Gap:
    """Hold `path` against `again`; raises BadFile if it is damaged."""
    try:
        if kind == "report":
            return _reports(path, again, made)
        return _COMPARERS[kind](path, again)
    except (OSError, SyntaxError, EOFError, IndexError, struct.error, ValueError, Image.DecompressionBombError) as error:
        raise BadFile(f"{path.name} cannot be read ({error}): it is damaged.") from None


def _pictures(path: Path, again: Path) -> Gap:
    with Image.open(again) as a, Image.open(path, formats=["PNG"]) as b:
        if a.size != b.size or a.mode != b.mode:
            return Gap(None)
        return Gap(_far(np.asarray(a), np.asarray(b)))


def _animations(path: Path, again: Path) -> Gap:
    lossy, largest, coded = path.suffix.lower() in moving.LOSSY, 0.0, 0.0
    for ours, theirs in zip_longest(moving.read(again), moving.read(path)):
        if ours is None or theirs is None or ours.ms != theirs.ms or ours.pixels.shape != theirs.pixels.shape:
            return Gap(None, "what the recipe makes has other frames")
        largest = max(largest, _far(ours.pixels, theirs.pixels))
        coded = max(coded, _blocks(ours.pixels, theirs.pixels)) if path.suffix.lower() == ".mp4" else 0.0
    return Gap(largest, lossy=lossy, coded=coded)


def _blocks(a: np.ndarray, b: np.ndarray) -> float:
    """The largest mean of |a - b| of a BLOCK of two pictures, in [0, 1]: one sample that is another one shows, noise of a codec does not."""
    gap = np.abs(a.astype(np.int16) - b.astype(np.int16)).mean(2)
    rows, columns = (np.arange(0, side, BLOCK) for side in gap.shape)
    sums = np.add.reduceat(np.add.reduceat(gap, rows, 0), columns, 1)
    sizes = np.outer(*(np.diff([*starts, side]) for starts, side in zip((rows, columns), gap.shape, strict=True)))
    return float((sums / sizes).max(initial=0)) / 255


def _galleries(path: Path, again: Path) -> Gap:
    ours, theirs = (p.read_text("utf-8") for p in (again, path))
    if _SCORE.sub("", _DATA.sub("", CARRIED.sub("", ours))) != _SCORE.sub("", _DATA.sub("", CARRIED.sub("", theirs))):
        return Gap(None, WORDS)
    largest = 0.0
    for a, b in zip(_DATA.findall(ours), _DATA.findall(theirs), strict=True):
        if a != b:
            first, second = _embedded(a), _embedded(b)
            if first.shape != second.shape:
                return Gap(None)
            largest = max(largest, _far(first, second))
    for a, b in zip(_SCORE.findall(ours), _SCORE.findall(theirs), strict=True):
        if a != b:
            largest = max(largest, abs(float(a.split()[-1]) - float(b.split()[-1])) or 1.0)
    return Gap(largest)


def _embedded(text: str) -> np.ndarray:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(error) from None
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _drawings(path: Path, again: Path) -> Gap:
    ours, theirs = (CARRIED.sub("", p.read_text("utf-8")) for p in (again, path))
    return Gap(0.0) if ours == theirs else Gap(None, "its lines and words are not those that the recipe makes")


def _tables(path: Path, again: Path) -> Gap:
    if path.read_bytes() == again.read_bytes():
        return Gap(0.0)
    ours, theirs = _numbers(again), _numbers(path)
    if theirs is None or ours is None or ours.shape != theirs.shape:
        return Gap(None)
    gap = np.abs(ours - theirs)
    return Gap(float(gap[np.isfinite(gap)].max(initial=0.0)) or None, WORDS)


def _numbers(path: Path) -> np.ndarray | None:
    """The numbers of a table, NaN for an empty place; None if it is none."""
    try:
        cells = [[float(v or "nan") for v in line.split(",")] for line in path.read_text("utf-8").splitlines()[1:]]
        return np.array(cells, np.float64)
    except ValueError:
        return None


def _arrays(path: Path, again: Path) -> Gap:
    """Dimensions, attributes and variables of netCDF."""
    (ours, sides, words), (theirs, *rest) = arrays.read(again), arrays.read(path)
    if [sides, words] != rest:
        return Gap(None, WORDS)
    if {name: v.shape for name, v in ours.items()} != {name: v.shape for name, v in theirs.items()}:
        return Gap(None)
    largest = 0.0
    for name, values in ours.items():
        if not np.array_equal(np.isfinite(values), np.isfinite(theirs[name])):
            return Gap(None, WORDS)
        gap = np.abs(values.astype(np.float64) - theirs[name])
        largest = max(largest, float(gap[np.isfinite(gap)].max(initial=0.0)))
    return Gap(largest)


def _events(path: Path, again: Path) -> Gap:
    ours, theirs = sink.read(again)[0], sink.read(path)[0]
    if {tag: list(values) for tag, values in ours.items()} != {tag: list(values) for tag, values in theirs.items()}:
        return Gap(None, "it has other tags or steps than the recipe makes")
    return Gap(max((abs(a - b) for tag in ours for a, b in zip(ours[tag].values(), theirs[tag].values(), strict=True)), default=0.0))


def _sentences(read: Callable[[str], Iterator[Line]], what: str, path: Path, again: Path) -> Gap:
    """Line by line: the words must be the same, of the numbers, which are `what`, the largest difference is told."""
    ours, theirs = (p.read_bytes() for p in (again, path))
    if ours == theirs:
        return Gap(0.0)
    largest, first = 0.0, ""
    for a, b in zip_longest(read(ours.decode()), read(theirs.decode())):
        if a is None or b is None:
            return Gap(None, f"it has {'more' if a is None else 'fewer'} lines than the recipe makes")
        if a.words != b.words or len(a.numbers) != len(b.numbers):
            return Gap(None, f"{a.name} is not what the recipe makes")
        if a.numbers != b.numbers:
            largest, first = max(largest, *(abs(x - y) for x, y in zip(a.numbers, b.numbers, strict=True))), first or a.name
    return Gap(largest, where=f", first {what} of {first}" if first else "")


def _reports(path: Path, again: Path, made: Mapping[str, Any]) -> Gap:
    """The words, and every figure; `made` was found equal to that of `again`, so its names are names of files."""
    stem = f"{made['stem']}_files"
    if path.read_text("utf-8") != again.read_text("utf-8"):
        return Gap(None, WORDS)
    largest = 0.0
    for name in made["figures"]:
        figure = path.parent / stem / name
        if not figure.is_file():
            raise BadFile(f"{path.name} has lost its figure {stem}/{name}: keep the folder beside it.")
        gap = (_drawings if figure.suffix == ".svg" else _pictures)(figure, again.parent / stem / name)
        if gap.difference is None:
            return Gap(None, f"its figure {name} is not what the recipe makes")
        largest = max(largest, gap.difference)
    return Gap(largest)


def _far(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).max(initial=0)) / 255


_COMPARERS: Mapping[str, Callable[[Path, Path], Gap]] = {
    "sheet": _pictures,
    "contact": _pictures,
    "single": _pictures,
    "plots": _pictures,
    "strip": _pictures,
    "gallery": _galleries,
    "animation": _animations,
    "reel": _animations,
    **{kind: partial(_sentences, read, "the log p") for kind, read in READERS.items()},
    **{kind: partial(_sentences, read, "the numbers") for kind, read in FILLED.items()},
    "curves": _tables,
    "tensorboard": _events,
    "svg": _drawings,
    "chains-sheet": _pictures,
    "chains-single": _pictures,
    "chains-strip": _pictures,
    "chains-animation": _animations,
    "chains-gallery": _galleries,
    "chains-csv": _tables,
    "chains-netcdf": _arrays,
    "lab": _tables,
    "board-gallery": _galleries,
    "board-animation": _animations,
    "board-csv": partial(_sentences, READERS["txt"], "the numbers"),
    **{f"board-{kind}": partial(_sentences, READERS[kind], "the log p") for kind in ("txt", "jsonl", "page")},
}
