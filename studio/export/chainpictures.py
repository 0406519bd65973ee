"""Chains as pictures: sheets, film strips, animations, single pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models.errors import BadInput
from models.tiling import tile
from studio import recipe as recipes
from studio.export import moving, sheet
from studio.export.animation import HOLD, MOST_BYTES, REEL_SIDE, captioned, enlarged, zoom_to
from studio.export.chaining import ChainsRecord
from studio.export.taking import spread
from studio.export.telling import tell

FRAMES, ROWS = 12, 16  # of a strip, unless more are asked for
WIDE = 320  # pixels that the pictures of a sheet take at least
MARGIN, HEAD, GAP = 120, 36, 4  # pixels of a strip: for the conditions, the title, between lines


def write_sheet(record: ChainsRecord, path: Path, *, columns: int | None = None, zoom: int | None = None) -> Sequence[Path]:
    """The last frame of every chain; below it condition, log p by the condition network, and whether the independent classifier agrees.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: it is too large for readers of PNG.
    """
    columns, near = sheet.layout(record.pictures, columns, zoom)
    zoom = zoom or max(near, zoom_to(columns * record.pictures.shape[2], WIDE))
    sheet.check_size(record.pictures.shape, columns, zoom)
    captions = [(record.asked(i), f"log p {number(p)} {record.mark(i)}".rstrip()) for i, p in enumerate(record.log_p)]
    image, geometry = sheet.told(record.pictures, record.title, record.facts(), captions, columns, zoom)
    made = {"seed": record.seed, "count": len(record.pictures), "columns": columns, "zoom": zoom, "geometry": geometry.told()}
    recipes.save_png(image, path, recipes.make("chains-sheet", record.recipe, **made))
    return [path]


def write_singles(record: ChainsRecord, path: Path) -> Sequence[Path]:
    """A folder with one PNG for each chain, at its own size; raises DiskTrouble."""
    files = []
    for i, picture in enumerate(record.pictures):
        file = path / f"{record.variant}-seed{record.seed}-step{record.steps:05d}-chain{i:04d}.png"
        recipes.save_png(Image.fromarray(picture), file, recipes.make("chains-single", record.recipe, seed=record.seed, chain=i))
        files.append(file)
        tell(len(files), len(record.pictures))
    return files


def write_strip(
    record: ChainsRecord, path: Path, *, frames: int = FRAMES, count: int = ROWS, first: int = 0, zoom: int | None = None
) -> Sequence[Path]:
    """A line for each of `count` chains from `first` on, a column for each of a few steps, the first and the last among them.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: it is too large for readers of PNG.
    """
    places = spread(range(len(record.frames)), frames)
    rows = record.frames[places][:, first : first + count].swapaxes(0, 1)
    zoom = zoom or zoom_to(rows.shape[3], 48)
    height, width = rows.shape[2] * zoom, rows.shape[3] * zoom
    bold, small, wide = sheet.font("SemiBold", 15), sheet.font("Regular", 11), max(WIDE, MARGIN + len(places) * (width + GAP) - GAP)
    facts = sheet.wrapped(record.facts(), small, wide - sheet.MARGIN)
    head = HEAD + 14 * len(facts) + 18
    size = (wide + sheet.MARGIN, head + len(rows) * (height + GAP) + sheet.MARGIN - GAP)
    limit = Image.MAX_IMAGE_PIXELS or size[0] * size[1]
    if size[0] * size[1] > limit:
        raise BadInput(f"A strip of {size[0]:,} × {size[1]:,} pixels is more than readers of PNG take: ask for fewer frames or a smaller zoom.")
    canvas = Image.new("RGB", size, sheet.PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((sheet.MARGIN, 10), sheet.shortened(record.title, bold, wide - sheet.MARGIN), sheet.INK, bold)
    draw.multiline_text((sheet.MARGIN, 32), "\n".join(facts), sheet.MUTED, small, spacing=3)
    draw.text((MARGIN - 10, head - 6), "step", sheet.MUTED, small, anchor="rs")
    for j, place in enumerate(places):
        draw.text((MARGIN + j * (width + GAP) + width / 2, head - 6), f"{record.frame_steps[place]:,}", sheet.MUTED, small, anchor="ms")
    for i, row in enumerate(rows, first):
        top = head + (i - first) * (height + GAP)
        draw.text((MARGIN - 10, top + height / 2 - 7), sheet.shortened(record.asked(i), small, MARGIN - 26), sheet.INK, small, anchor="rm")
        draw.text((MARGIN - 10, top + height / 2 + 7), f"{number(record.log_p[i])} {record.mark(i)}".rstrip(), sheet.MUTED, small, anchor="rm")
        for j, picture in enumerate(row):
            canvas.paste(Image.fromarray(enlarged(picture, zoom)), (MARGIN + j * (width + GAP), top))
    made = {"seed": record.seed, "backs": [record.backs[p] for p in places], "first": first, "count": count, "zoom": zoom}
    recipes.save_png(canvas, path, recipes.make("chains-strip", record.recipe, **made))
    return [path]


def write_animation(record: ChainsRecord, path: Path, *, frames: int | None = None, fps: int = 20, zoom: int | None = None) -> Sequence[Path]:
    """All chains as a grid over their steps, with the step below; the last frame stays a while.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: it would be too large, or the format cannot hold it.
    """
    places = spread(range(len(record.frames)), frames or len(record.frames))
    grid = tile(record.frames[0])
    zoom = zoom or zoom_to(grid.shape[1], REEL_SIDE)
    height, width = grid.shape[0] * zoom, grid.shape[1] * zoom
    if len(places) * height * width * 3 > MOST_BYTES:
        raise BadInput(f"{len(places):,} frames of {width:,} × {height:,} pixels are more than 2 GB: ask for fewer frames or a smaller zoom.")
    ms, last = moving.duration(path.suffix.lower(), fps), record.frame_steps[-1]
    seen = [moving.Frame(captioned(enlarged(tile(record.frames[p]), zoom), record.frame_steps[p], last, record.title), ms) for p in places]
    seen[-1] = seen[-1]._replace(ms=HOLD)
    made = {"seed": record.seed, "backs": [record.backs[p] for p in places], "fps": fps, "zoom": zoom, "format": path.suffix.lower()}
    return moving.save(path, seen, recipes.make("chains-animation", record.recipe, **made))


def number(value: float | np.floating) -> str:
    """With few digits, and a true minus."""
    return f"{value:.2g}".replace("-", "−") if math.isfinite(value) else "–"
