"""One picture file to one square of RGB bytes, or one reason why not."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # readers that run no other program
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
FILE_LIMIT = 256 << 20  # bytes of one picture file


class Unreadable(Exception):
    """A picture cannot be used; `str()` is the reason, the second half of a sentence."""


def decode(content: bytes, size: int) -> np.ndarray:
    """The centre square of a picture, resized by area (bicubic where it must grow): (size, size, 3) uint8.

    Orientation follows EXIF; transparency lies over white; 16 bits become 8; of an animation the first frame counts.

    Raises:
        Unreadable: cut short, damaged, of no known format, or with too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                opened.load()
                return np.array(_resize(_rgb(_upright(opened)), size))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Unreadable(f"has more than {(Image.MAX_IMAGE_PIXELS or 0) // 1_000_000} million pixels") from None
    except UnidentifiedImageError:
        raise Unreadable("is empty" if not content else "is not a picture that can be read") from None
    except MemoryError:
        raise Unreadable("needs more memory than there is") from None
    except Exception as error:  # decoders raise whatever the damage led them to
        raise Unreadable("is cut short" if "truncated" in str(error) else "is damaged") from None


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
