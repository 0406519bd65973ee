"""One or two coloured shapes and how they lie to each other, drawn here, with labels and captions.

Picture i is a function of i alone. Position, size, turn and shade vary without steps; two shapes never have the same colour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from models.data.brush import Array, Brush, block, both, circle, union

VERSION = 1  # counts up when shapes change
COUNTS = {16: 10_000, 28: 10_000, 32: 10_000, 64: 10_000, 128: 2_000, 256: 2_000}  # size -> how many a data set has

INK = {
    "red": (226, 58, 54), "orange": (246, 140, 30), "yellow": (250, 212, 48), "green": (52, 168, 84),
    "blue": (44, 108, 220), "purple": (142, 74, 190), "black": (52, 52, 60),
}  # fmt: skip
TINT = {
    "white": (248, 248, 246), "cream": (252, 240, 214), "mint": (216, 242, 224),
    "sky": (212, 232, 250), "lilac": (232, 222, 248), "grey": (214, 216, 220),
}  # fmt: skip
KINDS = ("circle", "square", "triangle", "star", "heart", "cross")
RELATIONS = ("none", "left of", "right of", "above", "below", "inside")
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "count": ("one", "two"),
    "kind": KINDS,
    "colour": tuple(INK),
    "size": ("small", "large"),
    "relation": RELATIONS,  # of the first shape to the second
    "kind2": ("none", *KINDS),
    "colour2": ("none", *INK),
    "size2": ("none", "small", "large"),
    "background": tuple(TINT),
}

_KEY = 0x53_68_61_70_65_73_31_00  # of the random numbers
_COLUMNS, _SMOOTH = 32, 12  # random numbers of a picture: attributes from the left, continuous variation from _SMOOTH
_SINGLE = 0.35  # share of pictures with one shape
_TURN = {"circle": 0.0, "square": 0.3, "triangle": 0.3, "star": 0.62, "heart": 0.3, "cross": 0.35}  # radians to either side
_ROOM = {"circle": 0.46, "square": 0.46, "triangle": 0.36, "star": 0.32, "heart": 0.4, "cross": 0.31}  # radius of what lies inside, over one's own


def labels(count: int) -> dict[str, Array]:
    """The attributes of pictures 0 … count-1: attribute -> (count,) int64, an index into ATTRIBUTES[attribute]."""
    return {name: codes.copy() for name, codes in _crowd(count).items()}


def describe(i: int) -> dict[str, str]:
    """Every attribute of picture i and its value; what only two shapes have is "none" for one."""
    return {name: ATTRIBUTES[name][codes[0]] for name, codes in _codes(_table((i,))).items()}


def caption(i: int) -> str:
    """What picture i shows: "a small red circle left of a large blue square"; inside another, sizes go without saying."""
    d = describe(i)
    inside = d["relation"] == "inside"
    first = " ".join(([] if inside else [d["size"]]) + [d["colour"], d["kind"]])
    if d["count"] == "one":
        return f"{_article(first)} {first}"
    second = " ".join(([] if inside else [d["size2"]]) + [d["colour2"], d["kind2"]])
    return f"{_article(first)} {first} {d['relation']} {_article(second)} {second}"


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def draw(indices: Iterable[int], size: int) -> Array:
    """Some pictures as (n, size, size, 3) uint8."""
    wanted = list(indices)
    out = np.empty((len(wanted), size, size, 3), np.uint8)
    step = max(8, 128 * 32 * 32 // (size * size))  # canvases that stay in the processor's cache
    for start in range(0, len(wanted), step):
        table = _table(tuple(wanted[start : start + step]))
        values = {name: np.array(ATTRIBUTES[name])[codes] for name, codes in _codes(table).items()}
        facts, frames = _traits(values, table[:, _SMOOTH:].astype(np.float32))
        canvas = np.zeros((3, len(table), size, size), np.float32)
        _paint(Brush(canvas, frames, facts))
        out[start : start + step] = np.clip(canvas + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 3, 0)
    return out


@lru_cache(maxsize=1)
def version() -> str:
    """Names these drawings: the version, and where it can be read the source that draws them."""
    digest = hashlib.sha256(str(VERSION).encode())
    for name in ("shapes.py", "brush.py"):
        try:
            digest.update(Path(__file__).with_name(name).read_bytes())
        except OSError:  # inside a zip: the version alone
            pass
    return digest.hexdigest()[:16]


# --- what is where ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _crowd(count: int) -> dict[str, Array]:
    return _codes(_table(tuple(range(count))))


def _table(indices: tuple[int, ...]) -> Array:
    """(n, _COLUMNS) uniform numbers in [0, 1): row i is a Philox stream of its own."""
    raw = np.empty((len(indices), _COLUMNS), np.uint64)
    for row, i in enumerate(indices):
        raw[row] = np.random.Philox(key=np.array([_KEY, i], np.uint64)).random_raw(_COLUMNS)
    return (raw >> np.uint64(11)) * 2.0**-53


def _codes(table: Array) -> dict[str, Array]:
    """Attribute -> (n,) int64, an index into its values."""

    def pick(column: int, among: int) -> Array:
        return (table[:, column] * among).astype(np.int64)

    two = table[:, 0] >= _SINGLE
    relation = np.where(two, 1 + pick(5, len(RELATIONS) - 1), 0)
    inside = relation == RELATIONS.index("inside")
    colour = pick(2, len(INK))
    other = (colour + 1 + pick(7, len(INK) - 1)) % len(INK)  # any but the first's
    return {
        "count": two.astype(np.int64),
        "kind": pick(1, len(KINDS)),
        "colour": colour,
        "size": np.where(inside, 0, pick(3, 2)),
        "relation": relation,
        "kind2": np.where(two, 1 + pick(6, len(KINDS)), 0),
        "colour2": np.where(two, 1 + other, 0),
        "size2": np.where(two, np.where(inside, 2, 1 + pick(8, 2)), 0),
        "background": pick(4, len(TINT)),
    }


def _traits(values: dict[str, Array], r: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """What a Brush needs, from names of values (n,) and uniform numbers (n, 20): traits and frames."""
    s = (2 * r - 1).astype(np.float32)
    t: dict[str, Array] = dict(values)
    t["back_c"] = np.array([TINT[v] for v in values["background"]], np.float32) * (1 + 0.025 * s[:, 0, None])
    t["ink_c"] = _shade([INK[v] for v in values["colour"]], s[:, 1:5])
    t["ink2_c"] = _shade([INK.get(v, (0, 0, 0)) for v in values["colour2"]], s[:, 5:9])

    relation, two = values["relation"], values["count"] == "two"
    inside = relation == "inside"
    radius = np.where(values["size"] == "large", np.where(two, 0.42, 0.60), np.where(two, 0.27, 0.34)).astype(np.float32)
    radius2 = np.where(values["size2"] == "large", np.where(inside, 0.76, 0.42), 0.27).astype(np.float32)
    radius, radius2 = radius * (1 + 0.08 * s[:, 9]), radius2 * (1 + 0.06 * s[:, 10])
    room = np.array([_ROOM.get(v, 0.0) for v in values["kind2"]], np.float32)
    radius = np.where(inside, radius2 * room * (1 + 0.06 * s[:, 9]), radius)

    # the pair lies around the middle with a gap between the shapes, and anywhere that the page has room for
    across, down = np.isin(relation, ("left of", "right of")), np.isin(relation, ("above", "below"))
    sign = np.where(np.isin(relation, ("left of", "above")), -1, 1).astype(np.float32)
    half = (radius + radius2 + 0.06 + 0.06 * r[:, 11]) / 2
    middle = (radius2 - radius) / 2 * sign  # so that the pair as a whole is in the middle
    free = np.where(two & ~inside, np.maximum(0, 0.97 - half - (radius + radius2) / 2), np.maximum(0, 0.92 - np.where(inside, radius2, radius)))
    along = np.where(two & ~inside, free, np.minimum(free, 0.3)) * s[:, 12]
    aside, aside2 = 0.22 * s[:, 13], 0.22 * s[:, 14]
    alone = np.minimum(np.maximum(0, 0.92 - np.where(inside, radius2, radius)), 0.3) * s[:, 13]
    x = np.where(across, along + middle + sign * half, np.where(down, aside, along))
    y = np.where(down, along + middle + sign * half, np.where(across, aside, alone))
    x2 = np.where(across, along + middle - sign * half, np.where(down, aside2, along))
    y2 = np.where(down, along + middle - sign * half, np.where(across, aside2, alone))

    turn = np.array([_TURN[v] for v in values["kind"]], np.float32) * s[:, 15]
    turn2 = np.array([_TURN.get(v, 0.0) for v in values["kind2"]], np.float32) * s[:, 16]
    zero = np.zeros(len(r), np.float32)
    return t, {
        "first": _frame(x, y, radius, turn),
        "second": _frame(x2, y2, radius2, turn2),
        "page": np.stack((zero + 1, zero, zero, zero, zero + 1, zero), 1),
    }


def _shade(ink: list[tuple[int, int, int]], s: Array) -> Array:
    return np.clip(np.array(ink, np.float32) * (1 + 0.07 * s[:, :1]) + 7 * s[:, 1:], 8, 255)


def _frame(x: Array, y: Array, radius: Array, turn: Array) -> Array:
    """(n, 6): a frame whose unit circle has this centre and radius on the page."""
    cos, sin = 1 - turn * turn / 2, turn - turn * turn * turn / 6  # nearly; the norm makes it a turn, the same on every machine
    norm = 1 / (radius * np.sqrt(cos * cos + sin * sin))
    cos, sin = cos * norm, sin * norm
    return np.stack((cos, sin, -cos * x - sin * y, -sin, cos, sin * x - cos * y), 1).astype(np.float32)


# --- painting -----------------------------------------------------------------------------------------------------


def _paint(b: Brush) -> None:
    """Background, then the second shape, then the first, which may lie in it."""
    b.fill((-1.0, -1.0, 1.0, 1.0), lambda u, v: u * 0 - 9 + v * 0, b.t["back_c"], frame="page")
    b.fill((-1.0, -1.0, 1.0, 1.0), lambda u, v: -0.6 - v + u * 0, np.array((255, 255, 255), np.float32), alpha=0.35, soft=1.6, frame="page")
    for frame, kind, ink in (("second", "kind2", "ink2_c"), ("first", "kind", "ink_c")):
        for name, shape in _SHAPES.items():
            k = b.only(b.t[kind] == name)
            k.fill((-1.15, -1.15, 1.15, 1.15), shape, k.t[ink], line=0.09, frame=frame)


def _triangle(u: Array, v: Array) -> Array:
    """Equilateral, point upwards, a little larger than the unit circle would hold, so that it weighs as much as the others."""
    return both(v - 0.62, 0.8660254 * np.abs(u) - 0.5 * v - 0.5)


def _star(u: Array, v: Array) -> Array:
    """Five points at distance 1, folded into one half of one point by two mirrors."""
    x, y = np.abs(u), -v
    away = np.maximum(0.809017 * x - 0.5877853 * y, 0)
    x, y = x - 2 * away * 0.809017, y + 2 * away * 0.5877853
    away = np.maximum(-0.809017 * x - 0.5877853 * y, 0)
    x, y = x + 2 * away * 0.809017, y + 2 * away * 0.5877853
    x, y = np.abs(x), y - 1.0
    dx, dy = 0.28, -0.62  # from the point to the notch beside it
    along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy), 0, 1)
    x0, y0 = x - along * dx, y - along * dy
    return np.sqrt(x0 * x0 + y0 * y0) * np.where(y * dx - x * dy > 0, 1, -1)


def _heart(u: Array, v: Array) -> Array:
    """Two discs and the square that touches both."""
    x, y = np.abs(u), v + 0.1
    square = both(0.7071068 * (x + y) - 0.585, 0.7071068 * (x - y) - 0.509, -0.5 - y)
    return union(circle(x - 0.42, y + 0.3, 0.5), square)


_SHAPES = {
    "circle": lambda u, v: circle(u, v, 0.9),
    "square": lambda u, v: block(u, v, 0.8, 0.8, 0.08),
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "cross": lambda u, v: union(block(u, v, 0.95, 0.33, 0.06), block(u, v, 0.33, 0.95, 0.06)),
}
