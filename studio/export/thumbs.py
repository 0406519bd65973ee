"""What an exported file looks like, and where the samples in it are to be clicked. Needs no Qt; nothing in the file is run."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from models.tiling import tile
from studio.export.contact import Geometry, cells_in
from studio.recipe import count_of

MOST_PIXELS = 60_000_000  # of a picture that is shown
MOST_TILES = 400  # pictures of a page
MOST_BYTES = 50_000_000  # of a page
LINES, LETTERS = 8, 120  # of a text
_DATA = re.compile(rb'src="data:image/png;base64,([A-Za-z0-9+/=]{1,2000000})"')
_TROUBLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, binascii.Error, Image.DecompressionBombError)


class Thumb(NamedTuple):
    """What is seen of a file."""

    pixels: np.ndarray | None = None  # (H, W, 3) uint8; None where it has no picture
    geometry: Geometry | None = None  # of its samples, in these pixels
    words: str = ""  # the first lines of a text


def thumb(path: Path, recipe: Mapping[str, Any]) -> Thumb:
    """The picture, the first frame, the first pictures of a page, or the first lines; an empty Thumb where there is nothing to show, or damage."""
    try:
        match path.suffix.lower():
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


def _page(path: Path) -> Thumb:
    """The first pictures of a gallery side by side; strips of the training, which are wider, are left out."""
    if path.stat().st_size > MOST_BYTES:
        return Thumb()
    pages = path.read_bytes().partition(b'<ol class="pictures"')[2]
    found: list[np.ndarray] = []
    for match in _DATA.finditer(pages):
        with Image.open(io.BytesIO(base64.b64decode(match[1], validate=True)), formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS // MOST_TILES or (found and image.size != found[0].shape[1::-1]):
                return Thumb()
            found.append(np.asarray(image.convert("RGB")))
        if len(found) == MOST_TILES:
            break
    if not found:
        return Thumb()
    pixels = tile(np.stack(found))
    (height, width), columns = found[0].shape[:2], pixels.shape[1] // found[0].shape[1]
    return Thumb(pixels, Geometry(len(found), columns, (0, 0), (width, height), (width, height)))


def _text(path: Path) -> Thumb:
    with open(path, "rb") as file:
        lines = file.read(LINES * 4 * LETTERS).decode("utf-8", "replace").splitlines()[:LINES]
    told = ["".join(c if c.isprintable() else " " for c in line[:LETTERS]) for line in lines]
    return Thumb(words="\n".join(told))


def whole(recipe: Mapping[str, Any], found: Thumb) -> bool:
    """Whether every sample of the file can be clicked in what is seen of it."""
    return found.geometry is not None and found.geometry.count == count_of(recipe)
