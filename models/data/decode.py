"""One picture file to one square of bytes, or one reason why not."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

VERSION = 3  # counts up when the same file would give other bytes; part of the cache's key
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # readers that run no other program
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
FILE_LIMIT = 256 << 20  # bytes of one picture file

_quiet_lock, _quiet_depth = threading.Lock(), 0
_silence = ExitStack()


class Unreadable(Exception):
    """A picture cannot be used; `str()` is the reason, the second half of a sentence."""


class Decoded(NamedTuple):
    """A picture and what it was."""

    pixels: np.ndarray  # (size, size, channels) uint8
    width: int  # of the file, as one would see it
    height: int
    animated: bool  # the file holds further frames or pages


def decode(content: bytes, size: int, channels: int = 3) -> Decoded:
    """The centre square of a picture, resized by area (bicubic where it must grow).

    Orientation follows EXIF; transparency lies over white; 16 bits become 8; CMYK becomes RGB; of an animation the first frame counts.

    Args:
        content: the bytes of the file.
        size: pixels a side.
        channels: 3, or 1 for grey.

    Raises:
        Unreadable: cut short, damaged, of no known format, or with too many pixels.
    """
    if not content:
        raise Unreadable("is empty")
    try:
        with quiet(), Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            limit = Image.MAX_IMAGE_PIXELS
            if limit and opened.width * opened.height > limit:
                raise Image.DecompressionBombError
            opened.load()
            image = _rgb(_upright(opened))
            return Decoded(fit(image, size, channels), *image.size, _animated(opened))
    except Image.DecompressionBombError:
        raise Unreadable(f"has more than {(Image.MAX_IMAGE_PIXELS or 0) // 1_000_000} million pixels") from None
    except UnidentifiedImageError:
        raise Unreadable("is not a picture that can be read") from None
    except MemoryError:
        raise Unreadable("needs more memory than there is") from None
    except Exception as error:  # decoders raise whatever the damage led them to
        raise Unreadable("is cut short" if "truncated" in str(error) else "is damaged") from None


@contextmanager
def quiet() -> Iterator[None]:
    """Python's warnings are silent while any thread is inside; `warnings.catch_warnings` alone would mix up two threads."""
    global _quiet_depth
    with _quiet_lock:
        if not _quiet_depth:
            _silence.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if not _quiet_depth:
                _silence.close()


def fit(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """The centre square of an image of mode RGB or L at size × size: (size, size, channels) uint8."""
    return with_channels(np.asarray(_resize(image, size)).reshape(size, size, -1), channels)


def with_channels(pictures: np.ndarray, channels: int) -> np.ndarray:
    """Pictures (…, 1 or 3) uint8 with 1 or 3 channels: grey is repeated, colour becomes its luma (ITU-R BT.601, as Pillow rounds it)."""
    if pictures.shape[-1] == channels:
        return np.ascontiguousarray(pictures)
    if channels == 3:
        return np.repeat(pictures, 3, -1)
    luma = pictures @ np.array((19595, 38470, 7471), np.uint32)  # shares of 65536
    return ((luma + 0x8000) >> 16).astype(np.uint8)[..., None]


def _animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # damage in a frame that is not used
        return True


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Grey of 16 or 32 bits, or floats, as (H, W) uint8. Floats up to 1 are shares of white; whole numbers are 16 bits unless larger."""
    grey = np.nan_to_num(np.asarray(image).astype(np.float64))
    top = grey.max(initial=0)
    if image.mode == "F":
        white = 1.0 if top <= 1 else 255.0
    else:
        white = 65535.0 if top <= 65535 else float(2**32 - 1 if top > 2**31 - 1 else 2**31 - 1)
    return np.clip(np.floor(grey * (255 / white) + 0.5), 0, 255).astype(np.uint8)


def _resize(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    if side == size:
        return image
    return image.resize((size, size), Image.Resampling.BOX if side > size else Image.Resampling.BICUBIC)
