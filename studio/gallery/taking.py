"""What an exported file has of samples, to be kept: its own recipe is needed, and its pixels or lines."""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.errors import BadFile
from studio import recipe as recipes
from studio.export import moving
from studio.gallery.keeping import picture, pixels_of
from studio.gallery.store import Gallery, Sample

MOST = 20_000  # samples of one file
LARGEST = 200_000_000  # bytes of a text file
LINES = (".txt", ".jsonl", ".csv")
MOVING = (".png", ".apng", ".webp")  # animations that keep every pixel
_ON_PAGE = re.compile(r'<li data-told=[^>]*><button type="button"><img src="data:image/png;base64,([^"]*)"')


def keep_file(gallery: Gallery, path: Path) -> list[int]:
    """Keep the samples of an exported file: a picture, a contact sheet, a gallery, an animation of one, or sentences; returns their numbers.

    Raises:
        BadFile: it carries no recipe, or has no samples that can be cut out of it.
    """
    recipe = recipes.read(path)
    count = recipes.count_of(recipe)
    if not 0 < count <= MOST:
        raise BadFile(f"{path.name} has no samples to keep: give a picture, a contact sheet, or a file of sentences.")
    suffix = path.suffix.lower()
    try:
        if recipe["kind"] == "board-animation" and suffix in MOVING:
            samples = _native_all([frame.pixels for frame in moving.read(path)], recipe, count)
        elif suffix == ".html":
            samples = _on_page(path, count)
        elif suffix == ".png":
            samples = _pictures(path, recipe, count)
        elif suffix in LINES:
            samples = _sentences(path, recipe, count)
        else:
            raise BadFile(f"The samples of {path.name} cannot be cut out of it: open the run that made it, and keep them there.")
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError, Image.DecompressionBombError) as error:
        raise BadFile(f"{path.name} does not hold what its recipe tells ({error}): it was changed after the export.") from None
    if "chains" in recipe:
        samples = [replace(sample, label=label) for sample, label in zip(samples, _asked(recipe, count), strict=True)]
    made, cells = recipe["made"], recipe["made"].get("cells")
    if cells is None and recipe["kind"] != "chains-single" and recipe["kind"] != "single":
        return gallery.add(recipe, samples)
    return [gallery.add(recipes.of_sample(recipe, sample.place), [_alone(sample, made)])[0] for sample in samples]


def _asked(recipe: Mapping[str, Any], count: int) -> list[str]:
    """What each chain of an export was asked for, of a single one in its row; nothing where its record is incomplete."""
    from studio.export.chaining import told_of

    try:
        wishes = told_of(dict(recipe))["conditions"]
        first = int((recipe["made"].get("rows") or [0])[0])
        each = [wishes] * count if isinstance(wishes[0], str) else wishes[first : first + count]
        return [" + ".join(own) for own in each] if len(each) == count else [""] * count
    except (LookupError, TypeError, ValueError, AttributeError):
        return [""] * count


def _alone(sample: Sample, made: Mapping[str, Any]) -> Sample:
    """As the one sample of its own recipe."""
    cell = made["cells"][sample.place] if "cells" in made else {}
    name, value = cell.get("score") or ("", None)
    scores = {str(name): float(value)} if name and isinstance(value, int | float) else dict(sample.scores)
    return Sample(0, sample.png, sample.code, sample.width, sample.height, sample.text, str(cell.get("label", sample.label)), scores)


def _pictures(path: Path, recipe: Mapping[str, Any], count: int) -> list[Sample]:
    with Image.open(path, formats=["PNG"]) as image:
        pixels = np.array(image.convert("RGB"))
    if count == 1 and "geometry" not in recipe["made"]:
        return [picture(0, pixels)]
    told = recipe["made"]["geometry"]
    (x, y), (width, height), (right, down) = ([int(v) for v in told[name]] for name in ("origin", "cell", "pitch"))
    columns = int(told["columns"])
    if min(x, y, width, height, right, down, columns) < 1 and min(x, y) < 0:
        raise ValueError("where its cells lie")
    found = []
    for i in range(count):
        left, top = x + i % columns * right, y + i // columns * down
        cell = pixels[top : top + height, left : left + width]
        if cell.shape[:2] != (height, width):
            raise ValueError(f"cell {i} lies outside")
        found.append(cell)
    return _native_all(found, recipe, count)


def _on_page(path: Path, count: int) -> list[Sample]:
    """Of an HTML gallery."""
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than 200 MB")
    found = _ON_PAGE.findall(path.read_text("utf-8"))
    if len(found) != count:
        raise BadFile(f"The samples of {path.name} cannot be cut out of it: open the run that made it, and keep them there.")
    return [picture(i, pixels_of(base64.b64decode(text, validate=True))) for i, text in enumerate(found)]


def _native_all(found: Sequence[np.ndarray], recipe: Mapping[str, Any], count: int) -> list[Sample]:
    """Enlarged pictures as samples of their own size."""
    if len(found) != count:
        raise ValueError(f"{len(found):,} pictures, and the recipe is of {count:,}")
    sides = [_side(recipes.of_sample(recipe, i)) for i in range(count)]
    common = _zoom(found)
    return [picture(i, _native(cell, side, common)) for i, (cell, side) in enumerate(zip(found, sides, strict=True))]


def _side(recipe: Mapping[str, Any]) -> int:
    """Pixels of a sample's side, as its run's settings tell; 0 where they do not."""
    size = (recipe.get("config") or {}).get("size")
    return size if isinstance(size, int) and 0 < size <= 1024 else 0


def _zoom(cells: Sequence[np.ndarray]) -> int:
    """How many times all cells were enlarged: the largest number for which every one is made of squares."""
    height, width = cells[0].shape[:2]
    for zoom in range(min(height, width), 1, -1):
        if height % zoom == 0 and width % zoom == 0 and all(np.array_equal(c, c[::zoom, ::zoom].repeat(zoom, 0).repeat(zoom, 1)) for c in cells):
            return zoom
    return 1


def _native(cell: np.ndarray, side: int, zoom: int) -> np.ndarray:
    """A cell at the sample's own size; smaller samples lie in the middle of theirs."""
    height, width = cell.shape[:2]
    if side and side <= min(height, width):
        times = min(height, width) // side
        top, left = (height - side * times) // 2, (width - side * times) // 2
        inner = cell[top : top + side * times, left : left + side * times]
        small = inner[::times, ::times]
        if np.array_equal(small.repeat(times, 0).repeat(times, 1), inner):
            return np.ascontiguousarray(small)
    return np.ascontiguousarray(cell[::zoom, ::zoom])


def _sentences(path: Path, recipe: Mapping[str, Any], count: int) -> list[Sample]:
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than 200 MB")
    text = path.read_text("utf-8")
    if path.suffix.lower() == ".txt":
        found = [Sample(i, text=line) for i, line in enumerate(text.split("\n")[:-1])]
    elif path.suffix.lower() == ".jsonl":
        found = [_row(i, json.loads(line)) for i, line in enumerate(text.splitlines())]
    else:
        found = [_row(i, told) for i, told in enumerate(csv.DictReader(text.splitlines()))]
    if len(found) != count:
        raise ValueError(f"{len(found):,} lines, and the recipe is of {count:,}")
    return found


def _row(i: int, told: Mapping[str, Any]) -> Sample:
    scores = {name: float(told[name]) for name in ("log_p", "length") if told.get(name) not in (None, "")}
    return Sample(i, text=str(told["text"]), scores=scores)
