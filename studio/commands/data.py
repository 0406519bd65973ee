"""`data`: the data sources; of one of them its card, and a sheet of samples if they are pictures."""

from __future__ import annotations

import argparse
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import BadInput
from studio.commands.terminal import Result, reading, tell

if TYPE_CHECKING:
    from models.data.images import ImageSet

ROW = 12  # pictures in a row of the sheet, where there are a few classes
CELL = 96  # pixels that a picture is wide at least
DRAWN = 10_000  # sentences of an oracle, to train on
LINE, LINES = 13, 5  # pixels of a line of words under a picture, and how many lines


def data(options: argparse.Namespace) -> Result:
    """The data sources, or the card of one."""
    if options.spec is None:
        if options.out is not None:
            raise BadInput("--out needs a source to draw samples of, for example `sampling-studio data faces --out sheet.png`.")
        return _sources()
    if options.out is not None and options.out.suffix.lower() != ".png":
        raise BadInput(f"The sheet is a PNG: give --out a name that ends in .png, not {options.out.name!r}.")
    from models.data.card import card, text
    from models.data.sources import kind, open_images

    if (of := kind(options.spec)) != "pictures":
        return _text(options, of)
    with reading("reading") as progress:
        found = open_images(options.spec, size=options.size, progress=progress)
    about = card(found)
    if options.out is not None:
        _write_sheet(found, options.out)
        tell(f"a sheet of samples is in {options.out}.")
    return about, text(about), 0


def _text(options: argparse.Namespace, of: str) -> Result:
    """The card of a source of text, with the settings that a run starts from; or of a known distribution."""
    if options.out is not None:
        what = "text" if of == "text" else "a known distribution"
        raise BadInput(f"{options.spec} is {what}, of which there is no sheet of pictures: leave out --out.")
    from models.data.card import card, text
    from models.data.text import open_texts

    if of == "toy":
        from models.data.toys import open_toy

        about = card(open_toy(options.spec))
        return about, text(about), 0
    with reading("reading") as progress:
        found = open_texts(
            options.spec, T=options.longest, vocab=options.vocab, unit=options.tokens, punctuation=options.punctuation, min_count=1, long="cut",
            held_out=0.1, split=0, oracle_seed=options.seed, oracle_size=DRAWN, progress=progress,
        )  # fmt: skip
    about = card(found)
    return about, text(about), 0


def _sources() -> Result:
    from models.data.sources import sources

    found = sources()
    rows = [(s["name"], s["what"], s["example"], ", ".join(map(str, s["sizes"]))) for s in found]
    head = ("source", "what it is", "for example", "pixels a side")
    wide = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in (head, *rows)]
    return {"sources": found}, "\n".join(lines), 0


def _write_sheet(found: ImageSet, path: Path) -> None:
    """Pictures of every class in turn, with what they show under each; raises DiskTrouble."""
    from PIL import Image, ImageDraw

    from models.data.card import sample
    from models.data.decode import with_channels
    from models.files import write_bytes
    from studio.export.sheet import GAP, HEAD, INK, MARGIN, MUTED, PAPER, font

    kinds = len(next(iter(found.values.values()))) if found.values and len(found.values) == 1 else 0
    columns = ROW if 0 < kinds <= 20 else 10
    where = sample(found, columns * kinds if 0 < kinds <= 20 else 60)
    side = found.size * max(1, math.ceil(CELL / found.size))
    under = [_words(found, int(i), side) for i in where]
    high = side + 6 + LINE * max(map(len, under), default=0)
    lines = math.ceil(len(where) / columns)
    wide = max(480, 2 * MARGIN + min(columns, len(where)) * (side + GAP) - GAP)
    canvas = Image.new("RGB", (wide, HEAD + MARGIN + lines * (high + GAP) - GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, 12), found.title, INK, font("SemiBold", 15))
    for i, picture in enumerate(with_channels(found.pictures(where), 3)):
        x, y = MARGIN + i % columns * (side + GAP), HEAD + i // columns * (high + GAP)
        canvas.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST), (x, y))
        for k, line in enumerate(under[i]):
            draw.text((x + side / 2, y + side + 3 + LINE * k), line, MUTED, font("Regular", 11), anchor="ma")
    file = io.BytesIO()
    canvas.save(file, "PNG")
    write_bytes(path, file.getvalue())


def _words(found: ImageSet, i: int, side: int) -> list[str]:
    """The class of picture i, or its caption in a few lines, each at most `side` pixels wide."""
    from studio.export.sheet import font

    if found.labels and found.values and len(found.labels) == 1:
        ((attribute, codes),) = found.labels.items()
        sentence = found.values[attribute][codes[i]]
    else:
        sentence = found.captions(i) if found.captions else ""
    lines: list[str] = []
    for word in sentence.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font("Regular", 11).getlength(longer) <= side:
            lines[-1] = longer
        else:
            lines.append(word)
    cut = [*lines[: LINES - 1], f"{lines[LINES - 1]} …"] if len(lines) > LINES else lines
    return [_short(line, side) for line in cut]


def _short(line: str, side: int) -> str:
    from studio.export.sheet import font

    while len(line) > 1 and font("Regular", 11).getlength(line) > side:
        line = line.rstrip("…")[:-1] + "…"
    return line
