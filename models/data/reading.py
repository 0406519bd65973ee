"""What a caption says, in attributes: the way back from the sentences of the pictures that are drawn here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from models.data import faces, glyphs, shapes

_COLOUR = f"(?P<colour>{'|'.join(faces.ATTRIBUTES['hair colour'])})"
_CLOTH = f"(?P<cloth>{'|'.join(faces.ATTRIBUTES['hat colour'])})"
_FACE: tuple[tuple[str, dict[str, str]], ...] = (  # a phrase, and what it says; <colour> is of hair, <cloth> of a hat
    (r"(?P<mouth>smiling|frowning|surprised|laughing)", {}),
    (r"winking", {"eyes": "winking"}),
    (r"closed eyes", {"eyes": "closed"}),
    (r"bald", {"hair": "bald"}),
    (rf"(?P<hair>short|long|curly) {_COLOUR} hair", {}),
    (rf"{_COLOUR} hair in a bun", {"hair": "bun"}),
    (rf"a {_COLOUR} bob", {"hair": "fringe"}),
    (rf"{_COLOUR} pigtails", {"hair": "pigtails"}),
    (rf"a {_COLOUR} mohawk", {"hair": "mohawk"}),
    (rf"{_COLOUR} hair", {}),
    (r"freckles", {"cheeks": "freckled"}),
    (rf"a full {_COLOUR} beard", {"beard": "full"}),
    (rf"a {_COLOUR} (?P<beard>moustache|goatee)", {}),
    (r"sunglasses", {"glasses": "sunglasses"}),
    (r"(?P<glasses>round|square) glasses", {}),
    (r"gold ear studs", {"earrings": "studs"}),
    (r"gold hoop earrings", {"earrings": "hoops"}),
    (rf"a {_CLOTH} (?P<hat>cap|beanie|top hat|sun hat)", {}),
)
_FILLING = {"a", "an", "person", "with", "and"}
_NAMES = {"colour": "hair colour", "cloth": "hat colour"}


def read(sentence: str, heads: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
    """Attribute -> value for what a sentence names; None where it says something else, or `heads` are not of pictures drawn here."""
    text = " ".join(re.findall(r"[a-z]+", sentence.lower()))
    for attributes, reader in _READERS:
        if heads and all(a in attributes and set(heads[a]) <= set(attributes[a]) for a in heads):
            named = reader(text)
            return named if named and all(a in heads and v in heads[a] for a, v in named.items()) else None
    return None


def _face(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for phrase, says in _FACE:
        match = re.search(rf"\b{phrase}\b", text)
        while match:
            told = says | {_NAMES.get(k, k): v for k, v in match.groupdict().items()}
            if any(found.get(k, v) != v for k, v in told.items()):
                return None  # it contradicts itself
            found |= told
            text = f"{text[: match.start()]}{text[match.end() :]}"
            match = re.search(rf"\b{phrase}\b", text)
    return found if set(text.split()) <= _FILLING else None


def _shape(text: str) -> dict[str, str] | None:
    values = {k: "|".join(map(re.escape, v)) for k, v in shapes.ATTRIBUTES.items()}
    thing = "(?:an? )(?:(?P<size{0}>{size}) )?(?P<colour{0}>{colour}) (?P<kind{0}>{kind})"
    first, second = (thing.format(n, size=values["size"], colour=values["colour"], kind=values["kind"]) for n in ("", "2"))
    match = re.fullmatch(rf"{first}(?: (?P<relation>{values['relation']}) {second})?", text)
    if match is None:
        return None
    return {k: v for k, v in match.groupdict().items() if v is not None} | {"count": "two" if match["relation"] else "one"}


def _glyph(text: str) -> dict[str, str] | None:
    name = text.removeprefix("the glyph ")
    return {"class": name} if name in glyphs.ATTRIBUTES["class"] else None


_READERS: tuple[tuple[Mapping[str, Sequence[str]], Callable[[str], dict[str, str] | None]], ...] = (
    (faces.ATTRIBUTES, _face),
    (shapes.ATTRIBUTES, _shape),
    (glyphs.ATTRIBUTES, _glyph),
)
