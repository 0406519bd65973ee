"""Contact sheets: how one looks, where each of its cells lies, and from a place on a sheet back to the sample that is there.

    write_contact([Cell(picture, recipe), ...], Path("sheet.png"), Look(columns=6, captions=("seed", "score")))

The cells may come from several runs: each keeps a recipe of its own in that of the sheet (`recipe.of_sample`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from models.errors import BadInput
from studio import recipe as recipes
from studio.export.lettering import font, shortened
from studio.export.telling import heard, tell

KIND = "contact"
CAPTIONS = ("seed", "step", "class", "score", "run")  # what can stand under a picture, a line each
LINE, HEAD = 13, 40  # pixels of a line of words; of the title
MOST_CELLS, MOST_COLUMNS, MOST_ZOOM, MOST_GAP, MOST_BORDER = 100_000, 100_000, 100, 200, 400
NEAR = 96  # pixels that a picture has at least, unless a zoom is given
Colour = tuple[int, int, int]
PAPERS: Mapping[str, tuple[Colour, Colour, Colour]] = {  # paper, ink, muted
    "light": ((255, 255, 255), (26, 29, 33), (89, 98, 110)),
    "dark": ((15, 17, 20), (232, 234, 237), (160, 169, 180)),
}


@dataclass(frozen=True)
class Look:
    """How a sheet looks; raises BadInput for a value out of its range.

    Attributes:
        columns: pictures in a line, 1 to 100,000; None: near a sheet of 4:3.
        zoom: screen pixels of a picture's pixel, 1 to 100; None: what makes the largest picture 96 pixels wide.
        gap: pixels between cells, 0 to 200.
        border: pixels around all of them, 0 to 400.
        captions: of CAPTIONS, each a line under its picture; none is fine.
        paper: "light" or "dark".
    """

    columns: int | None = None
    zoom: int | None = None
    gap: int = 8
    border: int = 16
    captions: tuple[str, ...] = ("seed", "step")
    paper: Literal["light", "dark"] = "light"

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("columns", self.columns, 1, MOST_COLUMNS),
            ("zoom", self.zoom, 1, MOST_ZOOM),
            ("gap", self.gap, 0, MOST_GAP),
            ("border", self.border, 0, MOST_BORDER),
        ):
            if value is None and name in ("columns", "zoom"):
                continue
            if type(value) is not int or not low <= value <= high:
                raise BadInput(f"{name} of a sheet must be a whole number from {low} to {high:,}; got {value!r}.")
        if not isinstance(self.captions, tuple | list) or not all(isinstance(word, str) for word in self.captions):
            raise BadInput(f"captions of a sheet are words of {', '.join(CAPTIONS)}; got {self.captions!r}.")
        object.__setattr__(self, "captions", tuple(self.captions))
        unknown = [word for word in self.captions if word not in CAPTIONS]
        if unknown or len(set(self.captions)) != len(self.captions):
            raise BadInput(f"captions of a sheet are some of {', '.join(CAPTIONS)}, each once; got {', '.join(self.captions)}.")
        if self.paper not in PAPERS:
            raise BadInput(f"The paper of a sheet is light or dark; got {self.paper!r}.")

    @property
    def below(self) -> int:
        """Pixels of the captions."""
        return 6 + LINE * len(self.captions) if self.captions else 0

    def told(self) -> dict[str, Any]:
        """For a recipe."""
        return {**asdict(self), "captions": list(self.captions)}


class Geometry(NamedTuple):
    """Where the cells of a sheet lie, in its pixels: cell i is in column i % columns of line i // columns."""

    count: int  # pyright: ignore[reportIncompatibleMethodOverride]
    columns: int
    origin: tuple[int, int]  # x and y of the first picture
    cell: tuple[int, int]  # width and height of a picture's place
    pitch: tuple[int, int]  # from one place to the next, right and down

    def place(self, index: int) -> tuple[int, int, int, int]:
        """x, y, width and height of a picture's place; `index` from 0."""
        x, y = self.origin[0] + index % self.columns * self.pitch[0], self.origin[1] + index // self.columns * self.pitch[1]
        return x, y, *self.cell

    def at(self, x: float, y: float) -> int | None:
        """The cell, with its captions, under a place of the sheet; None where there is none."""
        (column, across), line = divmod(x - self.origin[0], self.pitch[0]), (y - self.origin[1]) // self.pitch[1]
        index = int(line * self.columns + column)
        inside = 0 <= column < self.columns and line >= 0 and across < self.cell[0]
        return index if inside and index < self.count else None

    def told(self) -> dict[str, Any]:
        """For a recipe."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._asdict().items()}


def cells_in(recipe: Mapping[str, Any], width: int, height: int) -> Geometry | None:
    """Where the cells of an exported sheet of this many pixels lie, as far as its recipe tells what can be; None where it does not.

    A single picture is one cell. Sheets of older versions, which did not tell it, had one look.
    """
    made, count = recipe.get("made"), recipes.count_of(recipe)
    if not isinstance(made, dict) or not count:
        return None
    if recipe.get("kind") in ("single", "chains-single"):
        return Geometry(1, 1, (0, 0), (width, height), (width, height))
    told = made.get("geometry")
    if told is None and recipe.get("was") and recipe.get("kind") in ("sheet", "chains-sheet"):
        return _older(made.get("columns"), count, width, height)
    if not isinstance(told, dict) or told.get("count") != count:
        return None
    pairs = [told.get(name) for name in ("origin", "cell", "pitch")]
    good = [isinstance(v, list) and len(v) == 2 and all(type(n) is int and 0 <= n <= 1_000_000 for n in v) for v in pairs]
    if not all(good) or type(told.get("columns")) is not int or not 1 <= told["columns"] <= MOST_COLUMNS:
        return None
    found = Geometry(count, told["columns"], *((v[0], v[1]) for v in pairs if v is not None))
    x, y, wide, high = found.place(count - 1)
    inside = min(*found.cell, *found.pitch) > 0 and x + wide <= width and y + high <= height
    return found if inside else None


def _older(columns: Any, count: int, width: int, height: int) -> Geometry | None:
    """Of square pictures, which all were."""
    plain = Look()
    if type(columns) is not int or not 1 <= columns <= MOST_COLUMNS:
        return None
    side = (width - 2 * plain.border + plain.gap) // columns - plain.gap
    lines = math.ceil(count / columns)
    head = height - plain.border + plain.gap - lines * (side + plain.below + plain.gap)
    if side < 1 or head < HEAD or 2 * plain.border + columns * (side + plain.gap) - plain.gap != width:
        return None
    return Geometry(count, columns, (plain.border, head), (side, side), (side + plain.gap, side + plain.below + plain.gap))


@dataclass(frozen=True)
class Cell:
    """A sample for a sheet."""

    picture: np.ndarray  # (H, W, 1 or 3) uint8
    recipe: recipes.Recipe  # of this sample alone, see `recipe.of_sample`
    score: tuple[str, float] | None = None  # what it is called, and its value
    label: str = ""  # its class, or what was asked for

    def caption(self, word: str) -> str:
        """The line of it under the picture; "" where there is nothing to tell."""
        recipe, made = self.recipe, self.recipe.get("made", {})
        match word:
            case "seed":
                number = made.get("chain", (made.get("rows") or [""])[0])
                return f"seed {made.get('seed', '–')} #{number}"
            case "step":
                return f"step {recipe['step']:,}" if "step" in recipe else ""
            case "run":
                return str(recipe.get("run", {}).get("name", ""))
            case "score":
                return f"{self.score[0]} {self.score[1]:.4g}".replace("-", "−") if self.score and math.isfinite(self.score[1]) else ""
            case _:
                return self.label.removeprefix("caption:")


def write_contact(
    cells: Sequence[Cell], path: Path, look: Look | None = None, *, title: str = "", progress: Callable[[int, int], None] | None = None
) -> Sequence[Path]:
    """One sheet of samples from one or more runs, with a recipe from which each of them can be made again.

    Args:
        title: above them; what they are of, if it is "".
        progress: called with how many are placed, and of how many; what it raises ends the export, and nothing is written.

    Raises:
        BadInput: there is no cell, or the sheet or its recipe would be too large.
        DiskTrouble: it cannot be written.
    """
    look = look or Look()
    with heard(progress) if progress is not None else nullcontext():
        image, geometry, title = composed(cells, look, title)
    told = [{"score": list(c.score)} if c.score else {} for c in cells]
    told = [t | ({"label": c.label} if c.label else {}) for t, c in zip(told, cells, strict=True)]
    made = {"title": title, "look": look.told(), "geometry": geometry.told()}
    recipes.save_png(image, path, recipes.gathered(KIND, [c.recipe for c in cells], told, **made))
    return [path]


def composed(cells: Sequence[Cell], look: Look, title: str = "") -> tuple[Image.Image, Geometry, str]:
    """The sheet itself, where its cells lie, and its title; raises BadInput."""
    if not cells:
        raise BadInput("There is no sample for the sheet: choose some first.")
    title = title or title_of(cells)
    captions = [tuple(cell.caption(word) for word in look.captions) for cell in cells]
    image, geometry = drawn([c.picture for c in cells], look, title, _facts(cells), captions, short=True)
    return image, geometry, title


def title_of(cells: Sequence[Cell]) -> str:
    """What they are samples of, in a few words."""
    runs = list(dict.fromkeys(str(c.recipe.get("run", {}).get("name", "")) for c in cells))
    if len(runs) == 1 and runs[0]:
        return runs[0]
    return f"{len(cells):,} samples" + (f" of {len(runs):,} runs" if len(runs) > 1 else "")


def _facts(cells: Sequence[Cell]) -> str:
    runs = {str(c.recipe.get("run", {}).get("name", "")) for c in cells}
    return f"{len(cells):,} samples" if len(runs) == 1 and len(cells) > 1 else ""


def drawn(
    pictures: Sequence[np.ndarray],
    look: Look,
    title: str,
    facts: str,
    captions: Sequence[Sequence[str]],
    *,
    short: bool = False,
) -> tuple[Image.Image, Geometry]:
    """Pictures on a sheet, and where they lie.

    Args:
        pictures: each (H, W, 1 or 3) uint8; smaller ones are enlarged by a whole number, as far as the place of the largest has room.
        title: above them; `facts` at the right, where there is room.
        captions: of each picture, a line for each of `look.captions`.
        short: words that are too long for their cell end in an ellipsis.
    """
    side = max(p.shape[0] for p in pictures), max(p.shape[1] for p in pictures)
    geometry = geometry_of(len(pictures), side, look)
    paper, ink, muted = PAPERS[look.paper]
    canvas = Image.new("RGB", size_of(geometry, look), paper)
    draw, bold, small = ImageDraw.Draw(canvas), font("SemiBold", 15), font("Regular", 11)
    draw.text((look.border, 12), shortened(title, bold, canvas.width - 2 * look.border) if short else title, ink, bold)
    if facts and draw.textlength(title, bold) + draw.textlength(facts, small) + 3 * look.border < canvas.width:
        draw.text((canvas.width - look.border, 15), facts, muted, small, anchor="ra")
    place(canvas, pictures, captions, look, geometry, short=short)
    return canvas, geometry


def place(
    canvas: Image.Image,
    pictures: Sequence[np.ndarray],
    captions: Sequence[Sequence[str]],
    look: Look,
    geometry: Geometry,
    *,
    short: bool = False,
) -> None:
    """Draw pictures in their places, their captions under them; see `drawn`."""
    draw, small, muted = ImageDraw.Draw(canvas), font("Regular", 11), PAPERS[look.paper][2]
    for i, (picture, lines) in enumerate(zip(pictures, captions, strict=True)):
        x, y, width, height = geometry.place(i)
        times = min(width // picture.shape[1], height // picture.shape[0])
        shown = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))))
        shown = shown.resize((picture.shape[1] * times, picture.shape[0] * times), Image.Resampling.NEAREST)
        canvas.paste(shown, (x + (width - shown.width) // 2, y + (height - shown.height) // 2))
        for line, words in enumerate(lines):
            told = shortened(words, small, width + look.gap - 2) if short else words
            draw.text((x + width / 2, y + height + 3 + LINE * line), told, muted, small, anchor="ma")
        if i % 64 == 63:
            tell(i + 1, len(pictures))


def geometry_of(count: int, side: tuple[int, int], look: Look, head: int = HEAD) -> Geometry:
    """Where `count` pictures of at most `side` (height, width) lie; raises BadInput if the sheet is too large for readers of PNG."""
    zoom = look.zoom or max(1, math.ceil(NEAR / side[1]))
    columns = look.columns or columns_near(count)
    width, height = side[1] * zoom, side[0] * zoom
    geometry = Geometry(count, columns, (look.border, head), (width, height), (width + look.gap, height + look.below + look.gap))
    across, down = size_of(geometry, look)
    limit = Image.MAX_IMAGE_PIXELS or across * down
    if across * down > limit:
        fit = max(1, round(0.98 * limit / (geometry.pitch[0] * geometry.pitch[1])))
        raise BadInput(
            f"A sheet of {count:,} pictures has {across * down:,} pixels, more than the {limit:,} that readers of PNG take: "
            f"ask for at most {fit:,} pictures, or export a gallery or single pictures."
        )
    return geometry


def size_of(geometry: Geometry, look: Look) -> tuple[int, int]:
    """Width and height of the sheet in pixels."""
    lines = math.ceil(geometry.count / geometry.columns)
    width = 2 * look.border + geometry.columns * geometry.pitch[0] - look.gap
    return width, geometry.origin[1] + look.border + lines * geometry.pitch[1] - look.gap


def columns_near(count: int) -> int:
    """Pictures in a line of a sheet near 4:3, with few empty places in the last line."""
    wide = math.sqrt(count * 4 / 3)
    near = range(min(count, 2), math.ceil(wide) + 3)
    return min(near, key=lambda c: -count % c / c + abs(c - wide) / wide)
