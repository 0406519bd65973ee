"""Several pictures as one, and back."""

from __future__ import annotations

import math

import numpy as np


def tile(pictures: np.ndarray, columns: int | None = None) -> np.ndarray:
    """(n, H, W, C) uint8 as one picture (lines H, columns W, C), near a square; empty places are black."""
    n, height, width, channels = pictures.shape
    columns = columns or math.ceil(math.sqrt(n))
    lines = math.ceil(n / columns)
    full = np.zeros((lines * columns, height, width, channels), np.uint8)
    full[:n] = pictures
    return full.reshape(lines, columns, height, width, channels).swapaxes(1, 2).reshape(lines * height, columns * width, channels)


def untile(picture: np.ndarray, n: int, columns: int) -> np.ndarray:
    """The `n` pictures that `tile` put on `columns` columns; raises ValueError if the sides do not fit."""
    lines = math.ceil(n / columns)
    height, width = picture.shape[0] // lines, picture.shape[1] // columns
    return picture.reshape(lines, height, columns, width, -1).swapaxes(1, 2).reshape(lines * columns, height, width, -1)[:n]
