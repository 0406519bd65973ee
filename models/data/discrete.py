"""Pictures of few values: black and white as they are, cut at a threshold or drawn by brightness; or of a palette's colours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from PIL import Image

from models.data.assemble import Progress
from models.data.images import ImageSet, fingerprint
from models.data.sources import open_images
from models.errors import BadData

Pixels = Literal["binary", "threshold", "bernoulli", "palette", "continuous"]
LOOKED_AT = 1000  # training pictures that a palette is made from, as in the authors' code
ROWS = 2048  # pictures that are turned over at a time
OFFERS = (
    ("Cut at half brightness", {"pixels": "threshold"}),
    ("Draw by brightness", {"pixels": "bernoulli"}),
    ("Quantise to a palette", {"pixels": "palette"}),
)
_KEY = 0x42_47_41_4E  # of the uniform numbers that brightness is compared with


@dataclass(eq=False)
class DiscreteSet(ImageSet):
    """An ImageSet whose pixels have few values: 0 and 255 in one channel, or the colours of a palette in three."""

    palette: np.ndarray | None = None  # (K, 3) uint8
    _codes: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0), np.uint8), repr=False)  # (N, H, W) with a palette

    def codes(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The value of each pixel of some pictures, (n, H, W) uint8: 1 for white, or the number of a colour."""
        rows = np.asarray(indices, np.int64)
        return self._codes[rows] if self.palette is not None else (self.images[rows][..., 0] > 127).astype(np.uint8)


def open_discrete(spec: str, *, size: int, pixels: Pixels, colours: int, progress: Progress | None = None) -> ImageSet:
    """A source of pictures with the values of its pixels made few; with "continuous" it is opened as it is, grey ones in one channel.

    Args:
        spec: what --data was given.
        size: pixels a side.
        pixels: "binary" takes black and white alone; "threshold" is white from half brightness on; "bernoulli" is white with the brightness as
            its chance, drawn once from numbers that depend on the picture's place alone; "palette" takes the nearest of `colours` colours.
        colours: of the palette, 2 … 16.

    Raises:
        BadData: what `open_images` raises; grey or coloured pixels for "binary", with offers; nothing but one value; fewer colours than wanted.
    """
    grey = pixels in ("binary", "threshold", "bernoulli")
    data = open_images(spec, size=size, progress=progress, channels=1 if grey else 3)
    if pixels == "continuous":
        return open_images(spec, size=size, progress=progress, channels=1) if data.about.get("colour") in ("grey", "binary") else data
    return _quantised(data, colours) if pixels == "palette" else _binary(data, pixels)


def _binary(data: ImageSet, pixels: Pixels) -> DiscreteSet:
    if pixels == "binary":
        _refuse_shades(data)
    images = np.empty(data.images.shape, np.uint8)
    for start in range(0, len(images), ROWS):
        rows = np.asarray(data.images[start : start + ROWS])
        limit = 127 if pixels != "bernoulli" else _uniform(start, rows.shape) * 255
        images[start : start + ROWS] = (rows > limit) * np.uint8(255)
    if not images.any() or images.all():
        which = "black" if not images.any() else "white"
        cut = pixels == "threshold"
        remedy = "draw them by brightness (pixels=bernoulli) or quantise them (pixels=palette)" if cut else "choose other pictures"
        how = ", cut at half brightness" if cut else ""
        raise BadData(f"All pixels of {data.title} are {which}{how}: {remedy}.", offers=OFFERS[1:] if cut else ())
    return _made(data, images, notes=_notes(pixels))


def _refuse_shades(data: ImageSet) -> None:
    shades = np.zeros(256, bool)
    for start in range(0, len(data.images), ROWS):
        shades[np.unique(data.images[start : start + ROWS])] = True
    between = int(shades[1:255].sum())
    if between:
        raise BadData(
            f"{data.title} has {between} shade{'s' * (between > 1)} between black and white, which pixels=binary does not take: cut them at half "
            "brightness (pixels=threshold), draw them by brightness (pixels=bernoulli), or quantise them to 2 to 16 colours (pixels=palette).",
            offers=OFFERS,
        )


def _uniform(start: int, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers in [0, 1) of the pictures from `start` on, a multiple of ROWS."""
    words = np.random.Philox(key=np.array([_KEY, start // ROWS], np.uint64)).random_raw(int(np.prod(shape)))
    return ((words >> np.uint64(40)) * np.float32(2.0**-24)).astype(np.float32).reshape(shape)


def _notes(pixels: Pixels) -> list[str]:
    if pixels == "binary":
        return []
    how = "cut at half brightness" if pixels == "threshold" else "drawn once, white with the brightness as its chance"
    return [f"Pixels are black or white, {how}; colours, where there were any, are lost."]


def _quantised(data: ImageSet, colours: int) -> DiscreteSet:
    palette = _palette(data, colours)
    nearest = _table(palette)
    codes = np.empty(data.images.shape[:3], np.uint8)
    for start in range(0, len(codes), ROWS):
        r, g, b = np.moveaxis(np.asarray(data.images[start : start + ROWS]) >> 2, -1, 0).astype(np.int32)
        codes[start : start + ROWS] = nearest[r << 12 | g << 6 | b]
    made = _made(data, palette[codes], notes=[f"Pixels have the nearest of {len(palette)} colours."])
    made.palette, made._codes = palette, codes
    return made


def _palette(data: ImageSet, colours: int) -> np.ndarray:
    """(K, 3) uint8: median cut over the first training pictures, then k-means (Pillow)."""
    some = data.pictures(data.train[:LOOKED_AT])
    flat = some.reshape(-1, some.shape[-1]).astype(np.int32)
    different = len(np.unique(flat[:, 0] << 16 | flat[:, 1] << 8 | flat[:, 2]))
    if different < colours:
        few = "a single colour" if different == 1 else f"{different} colours"
        remedy = "choose other pictures" if different == 1 else f"set colours={different}"
        offers = () if different == 1 else ((f"{different} colours", {"colours": different}),)
        raise BadData(f"{data.title} has {few}, fewer than the {colours} of the palette: {remedy}.", offers=offers)
    picture = Image.fromarray(some.reshape(-1, some.shape[2], 3)).quantize(colours, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    found = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)[: int(np.asarray(picture).max()) + 1]
    return found[np.argsort(found @ np.array([299, 587, 114]), kind="stable")]  # from dark to bright


def _table(palette: np.ndarray) -> np.ndarray:
    """(2^18,) uint8: the nearest colour of each with six bits a channel."""
    steps = np.arange(64, dtype=np.float32) * 4 + 2
    r, g, b = np.meshgrid(steps, steps, steps, indexing="ij")
    every = np.stack((r, g, b), -1).reshape(-1, 3)
    return np.stack([np.square(every - colour).sum(1) for colour in palette.astype(np.float32)]).argmin(0).astype(np.uint8)


def _made(data: ImageSet, images: np.ndarray, *, notes: list[str]) -> DiscreteSet:
    images.flags.writeable = False
    own: dict[str, Any] = {f.name: getattr(data, f.name) for f in dataclasses.fields(ImageSet) if f.init}
    colour = {"colour": "binary"} if images.shape[-1] == 1 else {}
    about = {**data.about, **colour, "notes": [*data.about.get("notes", ()), *notes]}
    return DiscreteSet(**{**own, "id": fingerprint(images), "images": images, "channels": images.shape[-1], "about": about})
