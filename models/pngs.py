"""Small pictures as text: PNG in base64, for records that are JSON."""

from __future__ import annotations

import base64
import binascii
import io

import numpy as np
from PIL import Image

from models.errors import BadFile

MOST = 4096 * 4096  # pixels


def packed(picture: np.ndarray) -> str:
    """(h, w, 1 or 3) uint8 to text."""
    out = io.BytesIO()
    Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def unpacked(text: str) -> np.ndarray:
    """The way back; raises BadFile."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            if image.width * image.height > MOST or image.mode not in ("L", "RGB"):
                raise ValueError
            found = np.array(image)
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        raise BadFile("A picture inside the recipe is damaged: export the chains again.") from None
    return found[:, :, None] if found.ndim == 2 else found
