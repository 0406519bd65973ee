"""What an exported file looks like, and where the samples in it are to be clicked. Needs no Qt; nothing in the file is run."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from models.errors import BadInput
from models.tiling import tile
from studio.export import moving
from studio.export.contact import Geometry, cells_in
from studio.recipe import count_of

MOST_PIXELS = 60_000_000  # of a picture that is shown
MOST_TILES = 400  # pictures of a page, frames of an animation
TILE = 96  # pixels of one of them, at most, where their sizes differ or they are many
FRAMES = "board-animation"  # whose frames are one sample each
MOST_BYTES = 50_000_000  # of a page
LINES, LETTERS = 8, 120  # of a text
_DATA = re.compile(rb'src="data:image/png;base64,([A-Za-z0-9+/=]{1,2000000})"')
_TROUBLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, binascii.Error, BadInput, Image.DecompressionBombError)


class Thumb(NamedTuple):
    """What is seen of a file."""

    pixels: np.ndarray | None = None  # (H, W, 3) uint8; None where it has no picture
    geometry: Geometry | None = None  # of its samples, in these pixels
    words: str = ""  # the first lines of a text


def thumb(path: Path, recipe: Mapping[str, Any]) -> Thumb:
    """The picture, the first frame, the first pictures of a page, or the first lines; an empty Thumb where there is nothing to show, or damage."""
    try:
        match path.suffix.lower():
            case ".png" | ".apng" | ".webp" | ".gif" | ".mp4" if recipe.get("kind") == FRAMES:
                return _frames(path, recipe)
            case ".png" | ".apng" | ".webp" | ".gif":
                return _picture(path, recipe)
            case ".html":
                return _page(path)
            case ".txt" | ".csv" | ".jsonl" | ".md":
                return _text(path)
            case _:
                return Thumb()
    except _TROUBLE:
        return Thumb()


def _picture(path: Path, recipe: Mapping[str, Any]) -> Thumb:
    with Image.open(path, formats=["PNG", "WEBP", "GIF"]) as image:
        if image.width * image.height > MOST_PIXELS:
            return Thumb()
        pixels = np.asarray(image.convert("RGB"))
        moving = getattr(image, "n_frames", 1) > 1
    return Thumb(pixels, None if moving else cells_in(recipe, pixels.shape[1], pixels.shape[0]))


def _frames(path: Path, recipe: Mapping[str, Any]) -> Thumb:
    """The frames of samples that were put behind each other, side by side; one that is like the next is seen longer, and is several samples."""
    made = recipe.get("made")
    fps = made.get("fps") if isinstance(made, dict) else None
    ms = moving.duration(path.suffix.lower(), fps) if type(fps) is int and 1 <= fps <= moving.FASTEST else 0
    found: list[np.ndarray] = []
    count = count_of(recipe)
    for frame in moving.read(path):
        if frame.pixels.shape[0] * frame.pixels.shape[1] > MOST_PIXELS:
            return Thumb()
        small = _small(frame.pixels)
        found += [small] * (max(1, round(frame.ms / ms)) if ms else 1)
        if len(found) >= min(count, MOST_TILES):
            break
    return _side_by_side(found[: min(count, MOST_TILES)], sure=len(found) >= min(count, MOST_TILES))


def _page(path: Path) -> Thumb:
    """The first pictures of a gallery side by side; strips of the training, which are wider, are left out."""
    if path.stat().st_size > MOST_BYTES:
        return Thumb()
    pages = path.read_bytes().partition(b'<ol class="pictures"')[2].partition(b"</ol>")[0]
    found: list[np.ndarray] = []
    for match in _DATA.finditer(pages):
        with Image.open(io.BytesIO(base64.b64decode(match[1], validate=True)), formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS // MOST_TILES:
                return Thumb()
            found.append(np.asarray(image.convert("RGB")))
        if len(found) == MOST_TILES:
            break
    return _side_by_side(found if len({picture.shape for picture in found}) == 1 else [_small(picture) for picture in found])


def _small(picture: np.ndarray) -> np.ndarray:
    """Every so many pixels of it, so that no side is longer than TILE."""
    every = -(-max(picture.shape[:2]) // TILE)
    return picture[::every, ::every]


def _side_by_side(found: Sequence[np.ndarray], *, sure: bool = True) -> Thumb:
    """Pictures (H, W, 3) as cells of one size; `sure`: cell i is sample i."""
    if not found:
        return Thumb()
    height, width = (max(picture.shape[side] for picture in found) for side in (0, 1))
    cells = np.zeros((len(found), height, width, 3), np.uint8)
    for cell, picture in zip(cells, found, strict=True):
        times = max(1, min(height // picture.shape[0], width // picture.shape[1]))
        large = picture.repeat(times, 0).repeat(times, 1)
        top, left = (height - large.shape[0]) // 2, (width - large.shape[1]) // 2
        cell[top : top + large.shape[0], left : left + large.shape[1]] = large
    pixels = tile(cells)
    geometry = Geometry(len(found), pixels.shape[1] // width, (0, 0), (width, height), (width, height))
    return Thumb(pixels, geometry if sure else None)


def _text(path: Path) -> Thumb:
    with open(path, "rb") as file:
        lines = file.read(LINES * 4 * LETTERS).decode("utf-8", "replace").splitlines()[:LINES]
    told = ["".join(c if c.isprintable() else " " for c in line[:LETTERS]) for line in lines]
    return Thumb(words="\n".join(told))


def whole(recipe: Mapping[str, Any], found: Thumb) -> bool:
    """Whether every sample of the file can be clicked in what is seen of it."""
    return found.geometry is not None and found.geometry.count == count_of(recipe)
