"""A picture that chains start from, and the mask that says what of it they may paint; needs no Qt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.data.decode import EXTENSIONS, FILE_LIMIT, Unreadable, decode
from models.errors import BadFile

WHITE = 127  # grey levels above are painted


def picture(path: Path, size: int, channels: int) -> np.ndarray:
    """The centre square of a picture file as the data of a run are read: (size, size, channels) uint8; raises BadFile."""
    return _decoded(path, size, channels, "start picture")


def mask(path: Path, size: int) -> np.ndarray:
    """(size, size) bool from a picture file: True where it is white, which is what the chains may paint. Raises BadFile.

    The centre square, as of a picture; each pixel is that of the file which its middle falls on, so that edges stay hard.
    """
    side = min(_sides(path))
    grey = _decoded(path, side, 1, "mask")[:, :, 0]
    places = ((np.arange(size) + 0.5) * side / size).astype(int)
    return grey[np.ix_(places, places)] > WHITE


def _decoded(path: Path, size: int, channels: int, what: str) -> np.ndarray:
    try:
        return decode(_content(path, what), size, channels).pixels
    except Unreadable as error:
        raise BadFile(f"The {what} {path.name} {error}: give a picture such as {', '.join(EXTENSIONS[:4])}.") from None


def _sides(path: Path) -> tuple[int, int]:
    try:
        found = decode(_content(path, "mask"), 1, 1)
    except Unreadable as error:
        raise BadFile(f"The mask {path.name} {error}: give a picture such as {', '.join(EXTENSIONS[:4])}.") from None
    return found.width, found.height


def _content(path: Path, what: str) -> bytes:
    if not path.is_file():
        raise BadFile(f"There is no {what} {path}: check the name.")
    if path.stat().st_size > FILE_LIMIT:
        raise BadFile(f"The {what} {path.name} has more than {FILE_LIMIT >> 20} MB: give a smaller picture.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"The {what} {path.name} cannot be read ({error.strerror}): check its permissions.") from None
