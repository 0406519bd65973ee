"""Contact sheets and single pictures, as PNG with the recipe inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.errors import BadInput
from studio import recipe as recipes
from studio.assets import asset
from studio.export import Record

GAP, MARGIN, CAPTION, HEAD = 8, 16, 32, 40  # pixels
PAPER, INK, MUTED = (255, 255, 255), (26, 29, 33), (89, 98, 110)


def write_sheet(record: Record, path: Path, *, columns: int | None = None, zoom: int | None = None) -> Sequence[Path]:
    """All pictures on one sheet, seed and step under each; raises DiskTrouble, or BadInput if it is too large for readers of PNG."""
    assert record.pictures is not None
    columns, zoom = layout(record.pictures, columns, zoom)
    check_size(record.pictures.shape, columns, zoom)
    made = {
        "seed": record.seed,
        "ema": record.ema,
        "count": len(record.pictures),
        "rows": [0, len(record.pictures)],
        "columns": columns,
        "zoom": zoom,
    }
    image = sheet(record.pictures, record.title, record.step, record.seed, columns, zoom)
    recipes.save_png(Image.fromarray(image), path, recipes.make("sheet", record.recipe, **made))
    return [path]


def write_singles(record: Record, path: Path, *, first: int = 0) -> Sequence[Path]:
    """A folder with one PNG for each picture, at its own size, numbered from `first`; raises DiskTrouble."""
    assert record.pictures is not None
    files = []
    for i, picture in enumerate(record.pictures, first):
        file = path / f"step{record.step:07d}-seed{record.seed}-{i:04d}.png"
        made = {"seed": record.seed, "ema": record.ema, "count": 1, "rows": [i, i + 1]}
        recipes.save_png(Image.fromarray(picture), file, recipes.make("single", record.recipe, **made))
        files.append(file)
    return files


def layout(pictures: np.ndarray, columns: int | None, zoom: int | None) -> tuple[int, int]:
    """Columns and whole-number zoom: near a 4:3 sheet, and cells wide enough for their caption."""
    zoom = zoom or max(1, math.ceil(96 / pictures.shape[2]))
    n = len(pictures)
    wide = math.sqrt(n * 4 / 3)
    near = range(min(n, 2), math.ceil(wide) + 3)
    return columns or min(near, key=lambda c: -n % c / c + abs(c - wide) / wide), zoom  # few empty places in the last row


def sheet(pictures: np.ndarray, title: str, step: int, seed: int, columns: int, zoom: int) -> np.ndarray:
    """The sheet's pixels, (height, width, 3) uint8; pictures are (n, H, W, 3) uint8."""
    canvas = Image.new("RGB", _size(pictures.shape, columns, zoom), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, 12), title, INK, font("SemiBold", 15))
    small = font("Regular", 11)
    facts = f"step {step:,} · seed {seed}"
    if draw.textlength(title, font("SemiBold", 15)) + draw.textlength(facts, small) + 3 * MARGIN < canvas.width:
        draw.text((canvas.width - MARGIN, 15), facts, MUTED, small, anchor="ra")
    place(canvas, pictures, [(f"seed {seed} #{i}", f"step {step:,}") for i in range(len(pictures))], columns, zoom)
    return np.asarray(canvas)


def told(pictures: np.ndarray, title: str, facts: Sequence[str], captions: Sequence[tuple[str, str]], columns: int, zoom: int) -> np.ndarray:
    """A sheet whose title has a line of facts below it, and whose pictures have words of their own; too long ones end in an ellipsis.

    `facts` take as many lines as they need.
    """
    bold, small = font("SemiBold", 15), font("Regular", 11)
    wide = _size(pictures.shape, columns, zoom)[0] - 2 * MARGIN
    lines = wrapped(facts, small, wide)
    head = HEAD + 14 * len(lines)
    canvas = Image.new("RGB", _size(pictures.shape, columns, zoom, head), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, 12), shortened(title, bold, wide), INK, bold)
    draw.multiline_text((MARGIN, 34), "\n".join(lines), MUTED, small, spacing=3)
    cell = pictures.shape[2] * zoom + GAP - 2
    place(canvas, pictures, [(shortened(a, small, cell), shortened(b, small, cell)) for a, b in captions], columns, zoom, head)
    return np.asarray(canvas)


def place(canvas: Image.Image, pictures: np.ndarray, captions: Sequence[tuple[str, str]], columns: int, zoom: int, head: int = HEAD) -> None:
    """Draw pictures in lines of `columns`, two lines of words under each."""
    height, width = (side * zoom for side in pictures.shape[1:3])
    draw, small = ImageDraw.Draw(canvas), font("Regular", 11)
    for i, (picture, lines) in enumerate(zip(pictures, captions, strict=True)):
        x, y = MARGIN + i % columns * (width + GAP), head + i // columns * (height + CAPTION + GAP)
        canvas.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST), (x, y))
        for line, words in enumerate(lines):
            draw.text((x + width / 2, y + height + 3 + 13 * line), words, MUTED, small, anchor="ma")


def wrapped(facts: Sequence[str], face: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Facts joined by dots, in lines of at most `width` pixels."""
    lines: list[str] = []
    for fact in facts:
        longer = f"{lines[-1]} · {fact}" if lines else ""
        if longer and face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(shortened(fact, face, width))
    return lines


def shortened(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, or as much of its beginning as there is room for, with an ellipsis."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _size(shape: tuple[int, ...], columns: int, zoom: int, head: int = HEAD) -> tuple[int, int]:
    """Width and height of the sheet for pictures of shape (n, H, W, 3)."""
    lines, width, height = math.ceil(shape[0] / columns), shape[2] * zoom, shape[1] * zoom
    return 2 * MARGIN + columns * (width + GAP) - GAP, head + MARGIN + lines * (height + CAPTION + GAP) - GAP


def check_size(shape: tuple[int, ...], columns: int, zoom: int) -> None:
    """Raises BadInput if a sheet of pictures of this shape is too large for readers of PNG."""
    width, height = _size(shape, columns, zoom)
    limit = Image.MAX_IMAGE_PIXELS or width * height
    if width * height > limit:
        fit = round(0.98 * limit / ((shape[1] * zoom + CAPTION + GAP) * (shape[2] * zoom + GAP)))
        raise BadInput(
            f"A sheet of {shape[0]:,} pictures has {width * height:,} pixels, more than the {limit:,} that readers of PNG take: "
            f"ask for at most {fit:,} pictures, or export a gallery or single pictures."
        )


@lru_cache(maxsize=8)
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """Inter, "Regular" or "SemiBold", from the files that the studio brings along."""
    found = sorted(p for p in asset("fonts").iterdir() if weight in p.stem and p.suffix in (".ttf", ".otf"))
    return ImageFont.truetype(str(found[0]), size, layout_engine=ImageFont.Layout.BASIC)
