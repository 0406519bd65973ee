"""Arrays to Qt pictures: the only place where it happens."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtGui import QImage, QPixmap


def rgb(picture: np.ndarray) -> np.ndarray:
    """Any picture, (H, W), (H, W, 1) or (H, W, 3) uint8, as a contiguous (H, W, 3)."""
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise ValueError(f"A picture is (H, W, 1 or 3) uint8, not {picture.shape} {picture.dtype}.")
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def to_image(picture: np.ndarray, ratio: float = 1.0) -> QImage:
    """A QImage that owns its pixels; `ratio` is the device pixel ratio at which one sample is one device pixel."""
    data = rgb(picture)
    height, width, _ = data.shape
    image = QImage(data.data, width, height, data.strides[0], QImage.Format.Format_RGB888)
    image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)  # another buffer: `data` may go
    image.setDevicePixelRatio(ratio)
    return image


def to_pixmap(picture: np.ndarray, zoom: int = 1, ratio: float = 1.0) -> QPixmap:
    """A QPixmap, each sample `zoom` x `zoom` device pixels."""
    return QPixmap.fromImage(to_image(enlarge(rgb(picture), zoom), ratio))


def enlarge(picture: np.ndarray, zoom: int) -> np.ndarray:
    """Nearest neighbours, a whole number of times, over the last three axes (H, W, C)."""
    return picture if zoom == 1 else picture.repeat(zoom, axis=-3).repeat(zoom, axis=-2)


def sheet(pictures: np.ndarray, columns: int, *, zoom: int = 1, gap: int = 4, below: int = 0, ratio: float = 1.0) -> QImage:
    """Pictures (n, H, W, C) side by side in rows, clear between them; `below` leaves room under each for a caption."""
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    cell_w, cell_h = width * zoom + gap, height * zoom + gap + below
    canvas = np.zeros((rows * cell_h, columns * cell_w, 4), np.uint8)
    big = enlarge(pictures, zoom)
    padded = np.zeros((rows * columns, *big.shape[1:]), np.uint8)
    padded[:n] = big
    cells = canvas.reshape(rows, cell_h, columns, cell_w, 4)[:, : height * zoom, :, : width * zoom]
    cells[..., :3] = padded.reshape(rows, columns, *big.shape[1:]).transpose(0, 2, 1, 3, 4)
    opaque = np.zeros(rows * columns, np.uint8)
    opaque[:n] = 255
    cells[..., 3] = opaque.reshape(rows, 1, columns, 1)
    image = QImage(canvas.data, canvas.shape[1], canvas.shape[0], canvas.strides[0], QImage.Format.Format_RGBA8888)
    image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    return image


def viridis(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Numbers (H, W) as colours (H, W, 3), dark for low; the range is that of the finite values unless it is given."""
    good = values[np.isfinite(values)]
    low = float(good.min(initial=0.0) if low is None else low)
    high = float(good.max(initial=low) if high is None else high)
    share = np.nan_to_num((values.astype(np.float64) - low) / ((high - low) or 1.0), nan=0.0, posinf=1.0, neginf=0.0)
    return _viridis()[(share.clip(0.0, 1.0) * 255).astype(np.uint8)]


@lru_cache(maxsize=1)
def _viridis() -> np.ndarray:
    from pyqtgraph import colormap

    table = colormap.get("viridis")
    assert table is not None
    return np.asarray(table.getLookupTable(nPts=256, alpha=False), dtype=np.uint8)
