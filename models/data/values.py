"""From arrays of numbers to pictures: which axis is what, and which number is white."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.data.decode import fit, with_channels

SLACK = 1 / 8  # of white, by which floats may lie outside and are clipped
STRANGE = 0.001  # share of the numbers that may be no numbers at all (NaN, infinite)

Layout = Callable[[np.ndarray], np.ndarray]


def layout(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], Layout] | None:
    """Height, width and channels of an array of pictures, and what brings some of them to (n, H, W, C); None if it holds no pictures.

    (N, H, W) is grey; (N, H, W, C) has 1, 3 or 4 channels; (N, C, H, W) has 1 or 3.
    """
    if len(shape) == 3:
        return (shape[1], shape[2], 1), lambda a: a[..., None]
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return (shape[1], shape[2], shape[3]), lambda a: a
    if len(shape) == 4 and shape[1] in (1, 3):
        return (shape[2], shape[3], shape[1]), lambda a: a.transpose(0, 2, 3, 1)
    return None


@dataclass
class Range:
    """What the numbers of an array are, gathered chunk by chunk."""

    low: float = np.inf  # of the finite ones
    high: float = -np.inf
    count: int = 0
    strange: int = 0  # NaN or infinite

    def add(self, chunk: np.ndarray) -> None:
        """Look at some numbers."""
        self.count += chunk.size
        if chunk.dtype.kind == "f":
            finite = np.isfinite(chunk)
            self.strange += chunk.size - int(np.count_nonzero(finite))
            chunk = chunk[finite]
        if chunk.size:
            self.low, self.high = min(self.low, float(chunk.min())), max(self.high, float(chunk.max()))


@dataclass(frozen=True)
class Scale:
    """value → (value − black) × 255 / (white − black), rounded and clipped; what is no number becomes black."""

    black: float
    white: float
    note: str = ""

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        if chunk.dtype == np.uint8 and (self.black, self.white) == (0, 255):
            return chunk
        if chunk.dtype == np.bool_:
            return chunk.astype(np.uint8) * np.uint8(255)
        kind = np.float32 if chunk.dtype.itemsize < 4 else np.float64
        grey = (chunk.astype(kind) - kind(self.black)) * kind(255 / (self.white - self.black))
        return np.nan_to_num(np.clip(np.floor(grey + kind(0.5)), 0, 255), nan=0).astype(np.uint8)


def scale(dtype: np.dtype, chunks: Iterable[np.ndarray]) -> Scale | str:
    """Which numbers are black and white, or the second half of a sentence that says why that cannot be told.

    Truth values: false and true. Whole numbers: 0 … 1 if none is larger, else 0 … 255, else 0 … 65,535. Floats: the first of 0 … 1, −1 … 1 and
    0 … 255 that holds them all, give or take an eighth; the last only if they reach an eighth of it, since numbers around 0 are more likely to have
    been standardised.
    """
    if dtype.kind == "b":
        return Scale(0, 1)
    seen = Range()
    for chunk in chunks:
        seen.add(chunk)
        if dtype == np.uint8 and seen.high > 1:
            return Scale(0, 255)
    if seen.strange > STRANGE * seen.count:
        return f"holds {seen.strange:,} numbers of {seen.count:,} that are NaN or infinite: replace them first"
    if dtype.kind in "iu":
        for white in (1, 255, 65535):
            if seen.low >= 0 and seen.high <= white:
                return Scale(0, white, "The numbers are 0 and 1: they are taken for black and white." if white == 1 else "")
        return f"holds whole numbers from {seen.low:,.0f} to {seen.high:,.0f}: scale them to 0 … 255 first"
    slack = SLACK * 255
    if seen.high <= 1 + SLACK and seen.low >= -SLACK:
        return Scale(0, 1, _note(seen, 0, 1))
    if seen.high <= 1 + SLACK and seen.low >= -1 - SLACK:
        return Scale(-1, 1, _note(seen, -1, 1))
    if slack <= seen.high <= 255 + slack and seen.low >= -SLACK * seen.high:
        return Scale(0, 255, _note(seen, 0, 255))
    return f"holds numbers from {seen.low:.4g} to {seen.high:.4g}: scale them to 0 … 1, −1 … 1 or 0 … 255 first"


def _note(seen: Range, black: float, white: float) -> str:
    parts = [f"Numbers are taken to lie between {black} (black) and {white} (white)"]
    if seen.low < black or seen.high > white:
        parts.append(f"they reach from {seen.low:.4g} to {seen.high:.4g}, and what lies outside is clipped")
    if seen.strange:
        parts.append(f"{seen.strange:,} are NaN or infinite, and become black or are clipped")
    return "; ".join(parts).replace("-", "−") + "."


def pictures(chunk: np.ndarray, size: int, channels: int) -> np.ndarray:
    """(n, H, W, 1, 3 or 4) uint8 to (n, size, size, channels): centre squares, resized as `decode` does; transparency lies over white."""
    if chunk.shape[-1] == 4:
        alpha = chunk[..., 3:].astype(np.uint32)
        chunk = ((chunk[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if chunk.shape[1:3] == (size, size):
        return with_channels(chunk, channels)
    if chunk.shape[-1] == 1:
        small = np.stack([fit(Image.fromarray(np.ascontiguousarray(p[..., 0])), size, 1) for p in chunk])
    else:
        small = np.stack([fit(Image.fromarray(np.ascontiguousarray(p)), size, 3) for p in chunk])
    return with_channels(small, channels)
