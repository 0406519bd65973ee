"""Contact sheets of one run and single pictures, as PNG with the recipe inside; sheets of samples from anywhere are in `contact`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from studio import recipe as recipes
from studio.export import Record, contact
from studio.export.contact import PAPERS, Cell, Geometry, Look
from studio.export.lettering import font, shortened, wrapped
from studio.export.telling import tell

PAPER, INK, MUTED = PAPERS["light"]
PLAIN = Look()
GAP, MARGIN, HEAD = PLAIN.gap, PLAIN.border, contact.HEAD  # pixels of a plain sheet
OPTIONS = ("columns", "zoom", "gap", "border", "captions", "paper")  # of a sheet


def write_sheet(record: Record, path: Path, **look: Any) -> Sequence[Path]:
    """All pictures on one sheet, seed and step under each unless the `look` (see `contact.Look`) has other captions.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: it is too large for readers of PNG, or the look is out of its range.
    """
    assert record.pictures is not None
    asked = Look(**look)
    columns, zoom = layout(record.pictures, asked.columns, asked.zoom)
    image, geometry = _drawn(record, Look(columns, zoom, asked.gap, asked.border, asked.captions, asked.paper))
    made = {
        "seed": record.seed,
        "ema": record.ema,
        "count": len(record.pictures),
        "rows": [0, len(record.pictures)],
        **asked.told(),
        "columns": columns,
        "zoom": zoom,
        "geometry": geometry.told(),
    }
    recipes.save_png(image, path, recipes.make("sheet", record.recipe, **made))
    return [path]


def write_singles(record: Record, path: Path, *, first: int = 0) -> Sequence[Path]:
    """A folder with one PNG for each picture, at its own size, numbered from `first`; raises DiskTrouble."""
    assert record.pictures is not None
    files = []
    for i, picture in enumerate(record.pictures, first):
        file = path / f"step{record.step:07d}-seed{record.seed}-{i:04d}.png"
        made = {"seed": record.seed, "ema": record.ema, "count": 1, "rows": [i, i + 1]}
        recipes.save_png(Image.fromarray(picture), file, recipes.make("single", record.recipe, **made))
        files.append(file)
        tell(len(files), len(record.pictures))
    return files


def cells_of(record: Record, *, first: int = 0) -> list[Cell]:
    """The pictures of a record as cells, each with its own recipe and its first score."""
    assert record.pictures is not None
    name = next(iter(record.scores), "")
    found = []
    for i, picture in enumerate(record.pictures):
        made = {"seed": record.seed, "ema": record.ema, "count": 1, "rows": [first + i, first + i + 1]}
        score = (name, float(record.scores[name][i])) if name else None
        found.append(Cell(picture, recipes.make("single", record.recipe, **made), score))
    return found


def layout(pictures: np.ndarray, columns: int | None, zoom: int | None) -> tuple[int, int]:
    """Columns and whole-number zoom: near a 4:3 sheet, and cells wide enough for their caption."""
    return columns or contact.columns_near(len(pictures)), zoom or max(1, math.ceil(contact.NEAR / pictures.shape[2]))


def _drawn(record: Record, look: Look) -> tuple[Image.Image, Geometry]:
    assert record.pictures is not None
    captions = [tuple(cell.caption(word) for word in look.captions) for cell in cells_of(record)]
    facts = f"step {record.step:,} · seed {record.seed}"
    return contact.drawn(list(record.pictures), look, record.title, facts, captions)


def told(
    pictures: np.ndarray, title: str, facts: Sequence[str], captions: Sequence[tuple[str, str]], columns: int, zoom: int
) -> tuple[Image.Image, Geometry]:
    """A sheet whose title has a line of facts below it, and whose pictures have words of their own; too long ones end in an ellipsis.

    `facts` take as many lines as they need.
    """
    look = Look(columns, zoom)
    bold, small = font("SemiBold", 15), font("Regular", 11)
    wide = 2 * MARGIN + columns * (pictures.shape[2] * zoom + GAP) - GAP - 2 * MARGIN
    lines = wrapped(facts, small, wide)
    geometry = contact.geometry_of(len(pictures), pictures.shape[1:3], look, HEAD + 14 * len(lines))
    canvas = Image.new("RGB", contact.size_of(geometry, look), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, 12), shortened(title, bold, wide), INK, bold)
    draw.multiline_text((MARGIN, 34), "\n".join(lines), MUTED, small, spacing=3)
    contact.place(canvas, list(pictures), captions, look, geometry, short=True)
    return canvas, geometry


def check_size(shape: tuple[int, ...], columns: int, zoom: int) -> None:
    """Raises BadInput if a plain sheet of pictures of this shape is too large for readers of PNG."""
    contact.geometry_of(shape[0], (shape[1], shape[2]), Look(columns, zoom))
