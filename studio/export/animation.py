"""Animations of a run: a closed way through latents, and the reel of the training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models.errors import BadInput
from models.tiling import tile
from studio import recipe as recipes
from studio.export import Record, moving
from studio.export.sheet import INK, MUTED, PAPER, font
from studio.export.taking import spread

LOOP_SIDE, REEL_SIDE = 256, 384  # pixels that an animation has at least, unless a zoom is given
FOOT = 32  # pixels of the caption under a frame of the reel
TRACK, DONE = (213, 217, 224), (11, 122, 117)  # the line that fills while the training goes on
MARGIN = 96  # pixels for the steps beside a strip
MOST_FRAMES = 5_000  # of a loop
MOST_BYTES = 2_000_000_000  # of all frames, which are in memory while they are written
HOLD = 2000  # ms that the last frame of the reel stays


def write_loop(record: Record, path: Path, *, fps: int = 24, zoom: int | None = None, tiles: int = 1) -> Sequence[Path]:
    """A seamless loop through the latents of a seed; with `tiles`, that many places of the same way at once.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: the format cannot hold it.
    """
    assert record.loop is not None
    count = len(record.loop)
    tiles = min(tiles, count)
    zoom = zoom or zoom_to(record.loop.shape[2] * math.ceil(math.sqrt(tiles)), LOOP_SIDE)
    height, width = (side * zoom for side in tile(record.loop[:tiles]).shape[:2])
    if count * height * width * 3 > MOST_BYTES:
        raise BadInput(f"{count:,} frames of {width:,} × {height:,} pixels are more than 2 GB: ask for fewer frames, fewer tiles or a smaller zoom.")
    starts = [round(i * count / tiles) for i in range(tiles)]
    ms = moving.duration(path.suffix.lower(), fps)
    frames = [moving.Frame(enlarged(tile(record.loop[[(i + s) % count for s in starts]]), zoom), ms) for i in range(count)]
    made = {"seed": record.seed, "ema": record.ema, "latents": record.latents, "frames": count, "fps": fps, "zoom": zoom, "tiles": tiles}
    return moving.save(path, frames, recipes.make("animation", record.recipe, **made, format=path.suffix.lower()))


def write_reel(record: Record, path: Path, *, fps: int = 12, zoom: int | None = None) -> Sequence[Path]:
    """The samples of the same latents while the run trained, with the step under them; the last frame stays.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: the run has no reel, or the format cannot hold it.
    """
    if not record.reel:
        raise BadInput(f"{record.title} has no reel up to step {record.step:,}: it grows while a run trains, so train on, or export a loop.")
    sheets = {step: tile(frame) for step, frame in record.reel.items()}
    zoom = zoom or zoom_to(next(iter(sheets.values())).shape[1], REEL_SIDE)
    height, width, _ = next(iter(sheets.values())).shape
    if len(sheets) * height * width * zoom * zoom * 3 > MOST_BYTES:
        raise BadInput(f"{len(sheets):,} frames at zoom {zoom} are more than 2 GB: ask for a smaller zoom.")
    ms = moving.duration(path.suffix.lower(), fps)
    last = max(sheets)
    frames = [moving.Frame(captioned(enlarged(sheet, zoom), step, last, record.title), ms) for step, sheet in sorted(sheets.items())]
    frames[-1] = frames[-1]._replace(ms=HOLD)
    made = {"steps": sorted(sheets), "shape": list(next(iter(record.reel.values())).shape), "fps": fps, "zoom": zoom}
    return moving.save(path, frames, recipes.make("reel", record.recipe, **made, format=path.suffix.lower()))


def write_strip(record: Record, path: Path, *, frames: int = 8, count: int = 12) -> Sequence[Path]:
    """The reel as one picture: a line for each of a few steps, the same latents below each other; raises DiskTrouble."""
    steps = spread(sorted(record.reel), frames)
    count = min(count, len(record.reel[steps[0]]))
    zoom = zoom_to(record.reel[steps[0]].shape[2], 64)
    small, lines = font("Regular", 11), [enlarged(tile(record.reel[step][:count], columns=count), zoom) for step in steps]
    height, width, _ = lines[0].shape
    canvas = Image.new("RGB", (MARGIN + width, len(lines) * (height + 4) - 4), PAPER)
    draw = ImageDraw.Draw(canvas)
    for i, (step, line) in enumerate(zip(steps, lines, strict=True)):
        draw.text((MARGIN - 10, i * (height + 4) + height / 2), f"step {step:,}", MUTED, small, anchor="rm")
        canvas.paste(Image.fromarray(line), (MARGIN, i * (height + 4)))
    made = {"steps": sorted(record.reel), "frames": frames, "count": count}
    recipes.save_png(canvas, path, recipes.make("strip", record.recipe, **made))
    return [path]


def zoom_to(width: int, side: int) -> int:
    """The smallest whole number that makes `width` pixels at least `side`."""
    return max(1, math.ceil(side / width))


def enlarged(picture: np.ndarray, zoom: int) -> np.ndarray:
    """(H, W, C) with every pixel as a square of `zoom`."""
    return picture.repeat(zoom, 0).repeat(zoom, 1)


def captioned(picture: np.ndarray, step: int, last: int, title: str) -> np.ndarray:
    """The picture over its step, the title where there is room, and how far the training has come."""
    height, width, _ = picture.shape
    canvas = Image.new("RGB", (width, height + FOOT), PAPER)
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, height, width - 1, height + 2), TRACK)
    draw.rectangle((0, height, round((width - 1) * step / max(1, last)), height + 2), DONE)
    told = f"step {step:,}"
    draw.text((8, height + 10), told, INK, font("SemiBold", 13))
    small = font("Regular", 11)
    if draw.textlength(title, small) + draw.textlength(f"step {last:,}", font("SemiBold", 13)) + 32 < width:
        draw.text((width - 8, height + 11), title, MUTED, small, anchor="ra")
    return np.asarray(canvas)
