"""Cartoon faces, drawn here: any number of them, with names for what can be seen, free of rights and of downloads.

Face i is a function of i alone. Attributes are drawn independently of each other; beside them position, tilt, gaze, light,
proportions and shades vary without steps.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from models.data import features, wear
from models.data.brush import Brush
from models.data.looks import traits

VERSION = 1  # counts up when faces change
COUNTS = {32: 10_000, 64: 10_000, 128: 2_000, 256: 2_000}  # size -> how many a data set has

# attribute -> its values and their shares
_SHARES: dict[str, dict[str, float]] = {
    "skin": {"pale": 1, "peach": 1.2, "golden": 1, "tan": 1, "brown": 1, "dark": 1},
    "face": {"round": 1, "oval": 1, "square": 1, "heart": 1},
    "hair": {"bald": 0.8, "short": 1.2, "fringe": 1.1, "long": 1.3, "curly": 1.2, "bun": 1, "pigtails": 0.9, "mohawk": 0.9},
    "hair colour": {"black": 1.1, "brown": 1.1, "blond": 1, "red": 1, "white": 0.7, "blue": 0.7, "pink": 0.7},
    "eyes": {"round": 1.6, "almond": 1.4, "sleepy": 0.8, "closed": 0.7, "winking": 0.7},
    "eye colour": {"brown": 1, "blue": 1, "green": 1, "grey": 0.8},
    "eyebrows": {"flat": 1, "arched": 1, "angry": 0.8, "worried": 0.8},
    "nose": {"button": 1, "long": 1, "wide": 1},
    "mouth": {"smiling": 1.3, "neutral": 1, "frowning": 0.9, "surprised": 0.8, "laughing": 1.2},
    "beard": {"none": 2.6, "moustache": 0.8, "goatee": 0.6, "full": 0.8},
    "glasses": {"none": 2.4, "round": 0.9, "square": 0.9, "sunglasses": 0.8},
    "hat": {"none": 2.4, "cap": 0.7, "beanie": 0.7, "top hat": 0.6, "sun hat": 0.6},
    "hat colour": {"red": 1, "blue": 1, "green": 1, "yellow": 1, "purple": 1, "black": 0.8},
    "earrings": {"none": 2, "studs": 0.8, "hoops": 1},
    "cheeks": {"plain": 1.6, "rosy": 1, "freckled": 1},
    "clothes": {"plain": 1, "striped": 1, "collar": 1, "turtleneck": 1},
    "clothes colour": {"red": 1, "blue": 1, "green": 1, "yellow": 1, "purple": 1, "white": 0.8},
    "background": {"plain": 1.2, "gradient": 1, "stripes": 0.8, "dots": 0.8, "rays": 0.8},
    "background colour": {"pink": 1, "orange": 1, "yellow": 1, "green": 1, "teal": 1, "blue": 1, "violet": 1},
}
ATTRIBUTES: dict[str, tuple[str, ...]] = {name: tuple(shares) for name, shares in _SHARES.items()}

_KEY = 0x5A_6D_70_6C_53_74_75_64  # of the random numbers; another key is another crowd
_COLUMNS = 64  # random numbers of a face: attributes from the left, continuous variation from _SMOOTH
_SMOOTH = 24


def describe(i: int) -> dict[str, str]:
    """Every attribute of face i and its value; also those that something hides, as an eye colour behind sunglasses."""
    row = _table((i,))[0]
    return {name: ATTRIBUTES[name][_codes(row[None], name)[0]] for name in ATTRIBUTES}


def labels(count: int) -> dict[str, np.ndarray]:
    """The attributes of faces 0 … count-1: attribute -> (count,) int64, an index into ATTRIBUTES[attribute]."""
    table = _crowd(count)
    return {name: _codes(table, name) for name in ATTRIBUTES}


def salient(i: int) -> dict[str, str]:
    """The attributes that caption(i) names: what one would say of face i, and what can be seen of it."""
    return _salient(describe(i))


def _salient(d: dict[str, str]) -> dict[str, str]:
    named = {"mouth"} if d["mouth"] != "neutral" else set()
    named |= {a for a in ("beard", "glasses", "hat", "earrings") if d[a] != "none"}
    if d["hat"] != "none":
        named.add("hat colour")
    if d["glasses"] != "sunglasses" and d["eyes"] in ("closed", "winking"):
        named.add("eyes")
    if d["hair"] == "bald":
        if d["hat"] == "none":
            named.add("hair")
    else:
        named.add("hair colour")
        if d["hat"] == "none" or d["hair"] in _BELOW_HAT:
            named.add("hair")
    if d["cheeks"] == "freckled" and d["beard"] != "full":
        named.add("cheeks")
    return {name: value for name, value in d.items() if name in named}


def caption(i: int) -> str:
    """What stands out about face i, in English: "a smiling person with long red hair, round glasses and a blue top hat"."""
    d = describe(i)
    seen = _salient(d)
    first = [d["mouth"]] if "mouth" in seen else []
    if seen.get("eyes") == "winking":
        first.append("winking")
    if seen.get("hair") == "bald":
        first.append("bald")
    things = []
    if "hair colour" in seen:
        things.append(_HAIR[d["hair"] if "hair" in seen else ""].format(d["hair colour"]))
    if seen.get("eyes") == "closed":
        things.append("closed eyes")
    if "cheeks" in seen:
        things.append("freckles")
    if "beard" in seen:
        things.append(_BEARD[d["beard"]].format(d["hair colour"]))
    if "glasses" in seen:
        things.append({"sunglasses": "sunglasses"}.get(d["glasses"], f"{d['glasses']} glasses"))
    if "earrings" in seen:
        things.append({"studs": "gold ear studs", "hoops": "gold hoop earrings"}[d["earrings"]])
    if "hat" in seen:
        things.append(f"a {d['hat colour']} {d['hat']}")
    person = "a " + ", ".join(first) + " person" if first else "a person"
    if not things:
        return person
    return f"{person} with {' and '.join([', '.join(things[:-1]), things[-1]] if things[1:] else things)}"


_BELOW_HAT = ("short", "fringe", "long", "curly", "pigtails")  # hair that shows what it is under a hat
_HAIR = {
    "short": "short {} hair",
    "fringe": "a {} bob",
    "long": "long {} hair",
    "curly": "curly {} hair",
    "bun": "{} hair in a bun",
    "pigtails": "{} pigtails",
    "mohawk": "a {} mohawk",
    "": "{} hair",
}
_BEARD = {"moustache": "a {} moustache", "goatee": "a {} goatee", "full": "a full {} beard"}


def draw(indices: Iterable[int], size: int) -> np.ndarray:
    """Some faces as (n, size, size, 3) uint8; `size` from 16 on, those of COUNTS look best."""
    wanted = list(indices)
    out = np.empty((len(wanted), size, size, 3), np.uint8)
    step = max(8, 128 * 32 * 32 // (size * size))  # canvases that stay in the processor's cache
    for start in range(0, len(wanted), step):
        table = _table(tuple(wanted[start : start + step]))
        values = {name: np.array(ATTRIBUTES[name])[_codes(table, name)] for name in ATTRIBUTES}
        facts, frames = traits(values, table[:, _SMOOTH:].astype(np.float32))
        canvas = np.zeros((3, len(table), size, size), np.float32)
        _paint(Brush(canvas, frames, facts))
        out[start : start + step] = np.clip(canvas + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 3, 0)
    return out


def _paint(b: Brush) -> None:
    """All layers, back to front."""
    features.background(b)
    wear.hair_behind(b)
    features.body(b)
    features.head(b)
    features.cheeks(b)
    features.nose(b)
    features.beard(b)
    features.mouth(b)
    features.eyes(b)
    wear.hair_before(b)
    features.eyebrows(b)
    wear.glasses(b)
    wear.earrings(b)
    wear.hat(b)
    b.canvas *= b.t["sun"][None]


@lru_cache(maxsize=1)
def version() -> str:
    """Names these drawings: the version, and where it can be read the source that draws them."""
    digest = hashlib.sha256(str(VERSION).encode())
    for name in ("faces.py", "looks.py", "features.py", "wear.py", "brush.py"):
        try:
            digest.update(Path(__file__).with_name(name).read_bytes())
        except OSError:  # inside a zip: the version alone
            pass
    return digest.hexdigest()[:16]


@lru_cache(maxsize=2)
def _crowd(count: int) -> np.ndarray:
    return _table(tuple(range(count)))


def _table(indices: tuple[int, ...]) -> np.ndarray:
    """(n, _COLUMNS) uniform numbers in [0, 1): row i is a Philox stream of its own."""
    raw = np.empty((len(indices), _COLUMNS), np.uint64)
    for row, i in enumerate(indices):
        raw[row] = np.random.Philox(key=np.array([_KEY, i], np.uint64)).random_raw(_COLUMNS)
    return (raw >> np.uint64(11)) * 2.0**-53


def _codes(table: np.ndarray, name: str) -> np.ndarray:
    column, edges = _edges(name)
    return np.searchsorted(edges, table[:, column], side="right").astype(np.int64)


@functools.cache
def _edges(name: str) -> tuple[int, np.ndarray]:
    """An attribute's column of the table, and where its values meet: captions ask for them again and again."""
    shares = np.array(list(_SHARES[name].values()))
    return list(ATTRIBUTES).index(name), np.cumsum(shares / shares.sum())[:-1]
