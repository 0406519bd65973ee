"""Animations: frames to lossless WebP, lossless APNG, GIF or MP4 with the recipe inside, and back to frames."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from models.errors import BadInput
from models.files import write_bytes
from studio import recipe as recipes
from studio.export.telling import tell

EXTENSIONS = (".webp", ".gif", ".png", ".apng", ".mp4")
LOSSY = (".gif", ".mp4")  # keep less than was drawn
FASTEST = 50  # frames a second; viewers slow down what is faster
_WEBP = 16_383  # pixels, the format's limit for a side


class Frame(NamedTuple):
    """One picture of an animation."""

    pixels: np.ndarray  # (H, W, 3) uint8
    ms: int  # how long it is seen


def duration(extension: str, fps: float) -> int:
    """Milliseconds of a frame, as near to `fps` as the format can tell: a GIF counts in hundredths of a second."""
    return max(2, round(100 / fps)) * 10 if extension == ".gif" else max(1, round(1000 / fps))


def save(path: Path, frames: Sequence[Frame], recipe: recipes.Recipe) -> list[Path]:
    """Write an animation that repeats for ever, or a video, whose recipe is beside it as well.

    Returns:
        The file, and what is beside it.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: the format cannot hold it, or needs an extra that is missing.
    """
    height, width, _ = frames[0].pixels.shape
    extension = path.suffix.lower()
    if extension == ".webp" and max(width, height) > _WEBP:
        raise BadInput(f"A frame of {width:,} × {height:,} pixels is more than WebP's {_WEBP:,} a side: give a smaller zoom, or write a .png.")
    if extension == ".mp4":
        from studio.export import video

        write_bytes(path, video.encoded(frames, recipe))
        recipes.save_beside(path, recipe)
        return [path, recipes.beside(path)]
    images = [_telling(Image.fromarray(f.pixels), i, len(frames)) for i, f in enumerate(frames)]
    common = {"save_all": True, "append_images": images[1:], "duration": [f.ms for f in frames], "loop": 0}
    buffer = io.BytesIO()
    match extension:
        case ".webp":
            images[0].save(buffer, "WEBP", **common, lossless=True, quality=20, method=1, kmin=0, kmax=0, xmp=recipes.as_xmp(recipe))
        case ".gif":
            palettes = []
            for i, image in enumerate(images):
                palettes.append(image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
                tell(i + 1, len(images))
            common["append_images"] = palettes[1:]
            palettes[0].save(buffer, "GIF", **common, optimize=False, disposal=1, comment=recipes.as_comment(recipe))
        case ".png" | ".apng":
            images[0].save(buffer, "PNG", **common, pnginfo=recipes.as_itxt(recipe))
        case _:
            raise BadInput(f"An animation is written as {', '.join(EXTENSIONS)}; got {path.name!r}.")
    write_bytes(path, buffer.getvalue())
    return [path]


def _telling(image: Image.Image, place: int, count: int) -> Image.Image:
    """The same picture, which tells that its turn has come: Pillow seeks the one frame of each before it writes it."""

    def seek(frame: int) -> None:
        if frame:
            raise EOFError
        tell(place + 1, count)

    image.seek = seek  # pyright: ignore[reportAttributeAccessIssue]
    return image


def read(path: Path) -> Iterator[Frame]:
    """The frames of a file, whatever its extension; raises what Pillow raises for a damaged one."""
    if path.suffix.lower() == ".mp4":
        from studio.export import video

        yield from video.read(path)
        return
    with Image.open(path, formats=["PNG", "WEBP", "GIF"]) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            pixels = np.array(image.convert("RGB"))  # decodes the frame, and with it its duration
            yield Frame(pixels, round(image.info.get("duration", 0)))
