"""Words on exported pictures: the font, and how long ones are cut or wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import ImageFont

from studio.assets import asset


@lru_cache(maxsize=8)
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """Inter, "Regular" or "SemiBold", from the files that the studio brings along."""
    found = sorted(p for p in asset("fonts").iterdir() if weight in p.stem and p.suffix in (".ttf", ".otf"))
    return ImageFont.truetype(str(found[0]), size, layout_engine=ImageFont.Layout.BASIC)


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
