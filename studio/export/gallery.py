"""The gallery: one HTML page with everything in it, which asks no address for anything and forbids itself to.

The pictures are lossless PNGs, each of them once. Without JavaScript the page shows all of them, and the frames of the reel below each
other; with it they are sorted, zoomed and moved through, see gallery.js.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from models.files import write_bytes
from models.tiling import tile
from studio import recipe as recipes
from studio.export import Record
from studio.export.taking import spread
from studio.export.telling import tell

FRAMES, STRIP = 24, 16  # of the training: frames, and pictures of each
STRIP_BYTES = 150_000  # PNG bytes that all frames may have; a third of the pictures' where that is more
SIDE = 96  # pixels that a picture has at least when the page opens
ACCENTS = ("began", "bgan", "ppgn", "seqgan", "maskgan", "gallery")  # named in gallery.css; the last one is for every other system
_HERE = Path(__file__).parent


def write_gallery(record: Record, path: Path) -> Sequence[Path]:
    """All pictures of a record on one page; raises DiskTrouble."""
    assert record.pictures is not None
    pngs = packed(record.pictures)
    strips = strips_of(record.reel, sum(map(len, pngs)))
    made = {"seed": record.seed, "ema": record.ema, "count": len(pngs), "rows": [0, len(pngs)], "steps": sorted(record.reel)}
    text = page(record, pngs, strips, recipes.make("gallery", record.recipe, **made))
    write_bytes(path, text.encode())
    return [path]


def packed(pictures: np.ndarray) -> list[bytes]:
    """Each of (n, H, W, 3) as PNG; tells how far it is."""
    found: list[bytes] = []
    for picture in pictures:
        found.append(as_png(picture))
        tell(len(found), len(pictures))
    return found


def as_png(picture: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as the smallest PNG that is quick to make."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def strips_of(reel: Mapping[int, np.ndarray], size: int) -> dict[int, bytes]:
    """Frames of the training as strips of a few pictures, few enough that the page stays small beside `size` bytes of pictures."""
    if not reel:
        return {}
    budget = max(STRIP_BYTES, size // 3)
    steps = spread(sorted(reel), FRAMES)
    one = max(1, len(as_png(reel[steps[-1]][0])))
    steps = spread(steps, max(2, min(FRAMES, budget // one)))
    count = max(1, min(STRIP, budget // (one * len(steps))))
    return {step: as_png(tile(reel[step][:count], columns=min(count, len(reel[step])))) for step in steps}


class Item(NamedTuple):
    """A picture of a page."""

    png: bytes
    alt: str
    told: str  # under the large picture
    score: str = ""  # a number to sort by, as it is written
    below: str = ""  # always seen under the small picture


@dataclass(frozen=True)
class Page:
    """What a page shows; plain text, escaped when it is written."""

    title: str
    tab: str  # of the browser
    facts: str  # below the title
    label: str  # what the pictures are: "Samples"
    system: str  # whose colour it has
    items: Sequence[Item]
    side: tuple[int, int]  # height and width of a picture
    footer: str
    score: str = ""  # what the scores are
    strips: Mapping[int, bytes] = field(default_factory=dict)  # step -> the same few pictures side by side
    strips_title: str = ""
    strips_alt: str = ""  # with {count} and {step} in it
    slider: str = ""  # what is moved along
    style: str = ""  # more of it


def page(record: Record, pngs: Sequence[bytes], strips: Mapping[int, bytes], recipe: recipes.Recipe) -> str:
    """The page of a run's samples as text."""
    assert record.pictures is not None
    score = next(iter(record.scores), "")
    facts = f"{len(pngs):,} samples · seed {record.seed} · step {record.step:,}{'' if record.ema else ' · without moving average'}"
    return written(
        Page(
            title=record.title,
            tab=f"{record.title}, step {record.step:,}",
            facts=facts,
            label="Samples",
            system=record.recipe["system"],
            items=[_item(record, i, png, score) for i, png in enumerate(pngs)],
            side=(record.pictures.shape[1], record.pictures.shape[2]),
            footer=footer(record.recipe),
            score=score,
            strips=strips,
            strips_title="The same latents over the training",
            strips_alt="The same {count} latents at step {step:,} of the training",
            slider="Step of the training",
        ),
        recipe,
    )


def written(page: Page, recipe: recipes.Recipe) -> str:
    """The whole page as text."""
    width = page.side[1]
    zoom = max(1, math.ceil(SIDE / width))
    strip = (min(STRIP, _strip_width(page.strips) // width) if page.strips else 1) * width * max(1, zoom // 2 + zoom % 2)
    style = style_of(page.system, cell=zoom * width, strip=strip) + page.style
    body = (
        head(page.title, page.facts, _tools(page.score)),
        _training(page),
        f'<section aria-label="{page.label}">\n<ol class="pictures" data-zoom="{zoom}">',
        *(_picture(page, item) for item in page.items),
        f"</ol>\n</section>\n</main>\n<footer>{html.escape(page.footer)}</footer>\n{_dialogs(bool(page.score))}",
    )
    return document(page.tab, style, "gallery.js", recipe, body)


def style_of(system: str, *, cell: int = SIDE, strip: int = SIDE) -> str:
    """gallery.css in the colour of a system, for pictures and strips of so many pixels."""
    style = (_HERE / "gallery.css").read_text("utf-8")
    for word, value in (("SYSTEM", system if system in ACCENTS else ACCENTS[-1]), ("CELL_PX", f"{cell}px"), ("STRIP_PX", f"{strip}px")):
        style = style.replace(word, value)
    return style


def head(title: str, facts: str, tools: str) -> str:
    """The top of a page; `main` is left open."""
    return f"<header>\n<div><h1>{html.escape(title)}</h1><p>{html.escape(facts)}</p></div>\n{tools}\n</header>\n<main>"


def document(tab: str, style: str, script: str, recipe: recipes.Recipe, body: Iterable[str]) -> str:
    """A page that carries its recipe, and may run nothing but common.js with the `script` of that name, and look like nothing but `style`."""
    code = "\n".join((_HERE / name).read_text("utf-8") for name in ("common.js", script))
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(code)}; base-uri 'none'; form-action 'none'"
    return "\n".join(
        (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(tab)}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="generator" content="Sampling Studio">',
            f'<link rel="icon" href="data:,">\n{recipes.as_script(recipe)}\n<style>{style}</style>\n</head>\n<body>',
            *body,
            f"<script>{code}</script>\n</body>\n</html>\n",
        )
    )


def _item(record: Record, i: int, png: bytes, score: str) -> Item:
    system, data = record.title.split(" on ", 1)[0], record.recipe["data"]["title"]
    alt = f"{system} sample {i} of seed {record.seed} at step {record.step:,}, trained on {data}"
    value = f"{record.scores[score][i]:.4g}" if score else ""
    return Item(png, alt, f"sample {i} · seed {record.seed} · step {record.step:,}", value)


def _picture(page: Page, item: Item) -> str:
    told, data, below = item.told, "", f'<span class="named">{html.escape(item.below)}</span>' if item.below else ""
    if item.score:
        told, data = f"{told} · {page.score} {item.score}", f' data-score="{item.score}"'
        below += f'<span class="told">{item.score}</span>'
    source, (height, width) = base64.b64encode(item.png).decode(), page.side
    image = f'<img src="data:image/png;base64,{source}" alt="{html.escape(item.alt)}" width="{width}" height="{height}">'
    return f'<li data-told="{html.escape(told)}"{data}><button type="button">{image}{below}</button></li>'


def _tools(score: str) -> str:
    choices = [("drawn", "as drawn")]
    if score:
        choices += [("low", f"{score}, lowest first"), ("high", f"{score}, highest first")]
    options = "".join(f'<option value="{value}">{html.escape(text)}</option>' for value, text in choices)
    order = f'<label>Order <select id="sort">{options}</select></label>' if score else ""
    return (
        f'<div class="tools" hidden>{order}<button type="button" id="smaller" aria-label="Smaller pictures">−</button>'
        '<button type="button" id="larger" aria-label="Larger pictures">+</button><button type="button" id="theme">Light or dark</button>'
        '<button type="button" id="copy">Copy recipe</button><button type="button" id="ask" aria-label="Keys">?</button></div>'
    )


def _training(page: Page) -> str:
    strips = page.strips
    if not strips:
        return ""
    count = _strip_width(strips) // page.side[1]
    slider = f'<input type="range" id="time" min="0" max="{len(strips) - 1}" value="{len(strips) - 1}" aria-label="{page.slider}">'
    figures = (
        f'<figure data-told="step {step:,}"><img src="data:image/png;base64,{base64.b64encode(png).decode()}" '
        f'alt="{page.strips_alt.format(count=count, step=step)}"><figcaption>step {step:,}</figcaption></figure>'
        for step, png in strips.items()
    )
    head = f'<div class="head"><h2>{page.strips_title}</h2><label hidden>{slider}<output id="step"></output></label></div>'
    return "\n".join(('<section id="training">', head, *figures, "</section>"))


def _dialogs(scored: bool) -> str:
    keys = (
        ("← → ↑ ↓", "go from picture to picture"),
        ("Home, End", "the first, the last"),
        ("Enter", "see one large"),
        ("Esc", "close it"),
        ("+, −", "larger, smaller"),
        *((("o", "another order"),) if scored else ()),
        ("t", "light or dark"),
        ("c", "copy the recipe"),
        ("?", "these keys"),
    )
    return (
        '<dialog id="view" aria-label="One sample"><img id="large" src="data:," alt=""><p id="caption"></p><div class="row">'
        '<span><button type="button" id="previous">Previous</button> <button type="button" id="next">Next</button></span>'
        '<button type="button" class="close">Close</button></div></dialog>\n'
        f"{help_of(keys)}"
    )


def help_of(keys: Iterable[tuple[str, str]]) -> str:
    """The dialog that tells the keys."""
    rows = "".join(f"<dt>{html.escape(key)}</dt><dd>{what}</dd>" for key, what in keys)
    return (
        f'<dialog id="help" aria-label="Keys"><h2>Keys</h2><dl>{rows}</dl><div class="row"><span></span>'
        '<button type="button" class="close">Close</button></div></dialog>'
    )


def footer(recipe: recipes.Recipe) -> str:
    """The last line of a page: run, state, and what the recipe is for."""
    name, state = recipe["run"]["name"], str(recipe["state_hash"])[:12]
    return f"Sampling Studio · run {name} · state {state} · the recipe in this page makes it again"


def _strip_width(strips: Mapping[int, bytes]) -> int:
    with Image.open(io.BytesIO(next(iter(strips.values()))), formats=["PNG"]) as image:
        return image.width


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
