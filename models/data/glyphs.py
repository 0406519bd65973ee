"""Ten invented characters, written with a pen that is never held the same way twice: white strokes on black.

Glyph i is a function of i alone: its class, and without steps slant, turn, width, height, place, thickness, bend and the wobble of every knot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.data.brush import Array, capsule

VERSION = 1  # counts up when glyphs change
COUNTS = {16: 20_000, 28: 20_000, 32: 20_000, 64: 10_000, 128: 2_000, 256: 2_000}  # size -> how many a data set has


class Stroke(NamedTuple):
    """Knots (u, v) in ±1, v down; round: a curve through the knots, else lines between them."""

    knots: tuple[tuple[float, float], ...]
    round: bool = False


PROGRAMS: dict[str, tuple[Stroke, ...]] = {
    "ring": (Stroke(((0.1, -0.95), (-0.62, -0.5), (-0.66, 0.4), (0.0, 0.95), (0.64, 0.45), (0.6, -0.45), (0.05, -0.95)), round=True),),
    "cross": (Stroke(((-0.7, -0.85), (0.7, 0.85))), Stroke(((0.7, -0.85), (-0.7, 0.85)))),
    "arch": (Stroke(((-0.66, 0.95), (-0.66, -0.2), (0.0, -0.92), (0.66, -0.2), (0.66, 0.95)), round=True),),
    "snake": (Stroke(((0.62, -0.72), (0.0, -0.95), (-0.55, -0.52), (0.0, 0.0), (0.55, 0.52), (0.0, 0.95), (-0.62, 0.72)), round=True),),
    "fork": (Stroke(((-0.72, -0.9), (0.0, 0.05), (0.0, 0.95))), Stroke(((0.72, -0.9), (0.0, 0.05)))),
    "gate": (Stroke(((-0.62, -0.95), (-0.62, 0.95))), Stroke(((0.62, -0.95), (0.62, 0.95))), Stroke(((-0.62, 0.0), (0.62, 0.0)))),
    "bolt": (Stroke(((-0.62, -0.82), (0.62, -0.82), (-0.62, 0.82), (0.62, 0.82))),),
    "hook": (Stroke(((-0.55, -0.85), (0.65, -0.85))), Stroke(((0.2, -0.85), (0.2, 0.4), (-0.2, 0.92), (-0.65, 0.5)), round=True)),
    "arrow": (Stroke(((0.0, 0.95), (0.0, -0.9))), Stroke(((-0.62, -0.2), (0.0, -0.92), (0.62, -0.2)))),
    "comb": (Stroke(((0.6, -0.85), (-0.6, -0.85), (-0.6, 0.85), (0.6, 0.85))), Stroke(((-0.6, 0.0), (0.45, 0.0)))),
}
ATTRIBUTES: dict[str, tuple[str, ...]] = {"class": tuple(PROGRAMS)}

_KEY = 0x47_6C_79_70_68_73_31_00  # of the random numbers
_COLUMNS = 48  # random numbers of a glyph
_KNOTS, _BENDS = 12, 32  # where the wobble of knots and the bends of lines begin among them
_PIECES = 5  # straight pieces between two knots


def labels(count: int) -> dict[str, Array]:
    """The class of glyphs 0 … count-1: {"class": (count,) int64}, an index into ATTRIBUTES["class"]."""
    return {"class": _classes(_table(tuple(range(count))))}


def caption(i: int) -> str:
    """What glyph i is: "the glyph snake"."""
    return f"the glyph {ATTRIBUTES['class'][_classes(_table((i,)))[0]]}"


def draw(indices: Iterable[int], size: int, *, binary: bool = False) -> Array:
    """Some glyphs as (n, size, size, 1) uint8: smooth edges, or with `binary` 0 and 255 alone."""
    wanted = np.array(list(indices), np.int64)
    out = np.empty((len(wanted), size, size, 1), np.uint8)
    step = max(8, 256 * 32 * 32 // (size * size))  # canvases that stay in the processor's cache
    centre = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    for start in range(0, len(wanted), step):
        table = _table(tuple(wanted[start : start + step].tolist()))
        classes = _classes(table)
        for number, strokes in enumerate(PROGRAMS.values()):
            rows = np.flatnonzero(classes == number)
            if not len(rows):
                continue
            r = table[rows].astype(np.float32)
            radius = _radius(r)[:, None, None]
            ink = _distance(_lines(strokes, r), centre) - radius
            cover = (ink < 0).astype(np.float32) if binary else np.clip(np.float32(0.5) - ink * np.float32(size / 2), 0, 1)
            out[start + rows, :, :, 0] = (cover * 255 + np.float32(0.5)).astype(np.uint8)
    return out


@lru_cache(maxsize=1)
def version() -> str:
    """Names these drawings: the version, and where it can be read the source that draws them."""
    digest = hashlib.sha256(str(VERSION).encode())
    for name in ("glyphs.py", "brush.py"):
        try:
            digest.update(Path(__file__).with_name(name).read_bytes())
        except OSError:  # inside a zip: the version alone
            pass
    return digest.hexdigest()[:16]


def _table(indices: tuple[int, ...]) -> Array:
    """(n, _COLUMNS) uniform numbers in [0, 1): row i is a Philox stream of its own."""
    raw = np.empty((len(indices), _COLUMNS), np.uint64)
    for row, i in enumerate(indices):
        raw[row] = np.random.Philox(key=np.array([_KEY, i], np.uint64)).random_raw(_COLUMNS)
    return (raw >> np.uint64(11)) * 2.0**-53


def _classes(table: Array) -> Array:
    return (table[:, 0] * len(PROGRAMS)).astype(np.int64)


def _radius(r: Array) -> Array:
    return 0.062 + 0.062 * r[:, 1]  # on a page of ±1: strokes of 1.7 to 3.5 pixels at 28


def _lines(strokes: tuple[Stroke, ...], r: Array) -> list[Array]:
    """The strokes of n glyphs on the page, as broken lines: each (n, points, 2)."""
    s = 2 * r - 1
    wide, high = 0.66 * (1 + 0.16 * s[:, 2]), 0.68 * (1 + 0.1 * s[:, 3])
    slant, turn = 0.28 * s[:, 4], 0.16 * s[:, 5]
    cos, sin = 1 - turn * turn / 2, turn - turn * turn * turn / 6
    norm = 1 / np.sqrt(cos * cos + sin * sin)
    cos, sin = (cos * norm)[:, None], (sin * norm)[:, None]
    right, down = (0.1 * s[:, 6])[:, None], (0.1 * s[:, 7])[:, None]
    lines, knot, bend = [], _KNOTS, _BENDS
    for stroke in strokes:
        wobble = s[:, knot : knot + 2 * len(stroke.knots)].reshape(len(r), -1, 2)
        knots = np.array(stroke.knots, np.float32)[None] + 0.1 * wobble
        spans = len(stroke.knots) - 1
        line = _curve(knots, s[:, 8, None]) if stroke.round else _bent(knots, s[:, bend : bend + spans])
        knot, bend = knot + 2 * len(stroke.knots), bend + spans
        x, y = line[..., 0] * wide[:, None] - slant[:, None] * line[..., 1] * high[:, None], line[..., 1] * high[:, None]
        lines.append(np.stack((cos * x - sin * y + right, sin * x + cos * y + down), -1).astype(np.float32))
    return lines


def _curve(knots: Array, tension: Array) -> Array:
    """A cubic through (n, k, 2) knots, each tangent along its two neighbours (Catmull and Rom 1974); tension (n, 1) in ±1 sets how round it is."""
    near = np.concatenate((knots[:, :1], knots, knots[:, -1:]), 1)
    slope = (near[:, 2:] - near[:, :-2]) * (0.5 + 0.12 * tension[:, :, None])
    a, b, p, q = knots[:, :-1, None], knots[:, 1:, None], slope[:, :-1, None], slope[:, 1:, None]
    t = (np.arange(_PIECES, dtype=np.float32) / np.float32(_PIECES))[None, None, :, None]
    points = (1 + t * t * (2 * t - 3)) * a + t * t * (3 - 2 * t) * b + t * (1 - t) * (1 - t) * p - t * t * (1 - t) * q
    return np.concatenate((points.reshape(len(knots), -1, 2), knots[:, -1:]), 1)


def _bent(knots: Array, bends: Array) -> Array:
    """Lines between (n, k, 2) knots, each bowed to one side by up to a twelfth of its length; bends (n, k-1) in ±1."""
    a, b = knots[:, :-1, None], knots[:, 1:, None]
    side = np.stack((b[..., 1] - a[..., 1], a[..., 0] - b[..., 0]), -1) * (bends[:, :, None, None] / 3)
    t = (np.arange(_PIECES, dtype=np.float32) / np.float32(_PIECES))[None, None, :, None]
    points = a + (b - a) * t + side * t * (1 - t)
    return np.concatenate((points.reshape(len(knots), -1, 2), knots[:, -1:]), 1)


def _distance(lines: list[Array], centre: Array) -> Array:
    """(n, size, size): from each pixel to the nearest stroke."""
    u, v = centre[None, None, :], centre[None, :, None]
    nearest = np.full((len(lines[0]), len(centre), len(centre)), np.float32(9))
    for line in lines:
        for k in range(line.shape[1] - 1):
            x0, y0, x1, y1 = (line[:, k + i, c][:, None, None] for i in (0, 1) for c in (0, 1))
            np.minimum(nearest, capsule(u, v, x0, y0, x1, y1, 0.0), out=nearest)
    return nearest
