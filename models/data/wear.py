# ruff: noqa: B023 (every shape is drawn before the loop goes on)
"""The layers of a face that differ most: hair, glasses, earrings and hats."""

from __future__ import annotations

import numpy as np

from models.data.brush import Array, Brush, Shape, arc, block, both, capsule, circle, ellipse, union, wave
from models.data.looks import GOLD, LINE, WHITE, outline

BRIM = -0.36  # where hats sit; no hair above it under one


def _above(b: Brush, u: Array, v: Array) -> Array:
    """What a hat leaves no room for: all above its brim, and a little more to the sides; nothing without a hat."""
    brim = np.where(b.t["hatted"], BRIM, -9.0)[:, None, None].astype(np.float32)
    return brim - v + 0.8 * np.maximum(np.abs(u) - 0.5, 0)


def hair_behind(b: Brush) -> None:
    """What lies behind neck and head."""
    for style, shape, box in (
        ("long", _curtain, (-0.9, -0.8, 0.9, 1.5)),
        ("fringe", _bob, (-0.8, -0.8, 0.8, 0.8)),
        ("curly", _curls, (-1.05, -1.05, 1.05, 0.75)),
    ):
        k = b.only(b.t["hair"] == style)
        k.fill(box, lambda u, v: both(shape(k, u, v), _above(k, u, v)), k.t["hair_c"] * 0.82, line=LINE)
    k = b.only((b.t["hair"] == "bun") & ~b.t["hatted"])
    k.fill((-0.35, -1.05, 0.35, -0.45), lambda u, v: ellipse(u, v + 0.74, 0.23, 0.2), k.t["hair_c"] * 0.94, line=LINE)
    k.fill((-0.3, -1.0, 0.3, -0.5), lambda u, v: arc(u, v + 0.76, 0.13, -0.07, 0.02), k.t["hair_c"] * 0.7 + 70, alpha=0.6)
    k = b.only(b.t["hair"] == "pigtails")
    k.fill((-1.15, -0.2, 1.15, 0.85), lambda u, v: _bunches(k, u, v), k.t["hair_c"] * 0.82, line=LINE)
    for side in (-1, 1):
        k.fill((-0.75, -0.16, 0.75, 0.1), lambda u, v: ellipse(u * side - 0.6, v + 0.03, 0.075, 0.09), k.t["cloth_c"], line=LINE)


def _curtain(k: Brush, u: Array, v: Array) -> Array:
    flare, half = u / (1 + 0.12 * np.clip(v, -0.3, 1.0)), 0.525 + 0.06 * k.t["hair_k"]
    return union(ellipse(flare, v + 0.1, 0.64, 0.62), block(flare, v - half + 0.1, 0.64, half + 0.1, 0.16))


def _bob(k: Brush, u: Array, v: Array) -> Array:
    flare, half = u / (1 + 0.1 * np.clip(v, -0.3, 0.6)), 0.25 + 0.04 * k.t["hair_k"]
    return union(ellipse(flare, v + 0.08, 0.65, 0.62), block(flare, v - half + 0.05, 0.65, half + 0.05, 0.15))


def _curls(k: Brush, u: Array, v: Array) -> Array:
    big = 1 + 0.05 * k.t["hair_k"]
    x, y = np.abs(u) / big, v / big
    knots = ((0.0, -0.66), (0.3, -0.6), (0.55, -0.4), (0.66, -0.1), (0.64, 0.2))
    return union(ellipse(u, v + 0.15, 0.66, 0.6), *(circle(x - a, y - c, 0.2) for a, c in knots))


def _bunches(k: Brush, u: Array, v: Array) -> Array:
    x = np.abs(u)
    return union(ellipse(x - 0.72, v - 0.22, 0.19, 0.3 + 0.05 * k.t["hair_k"]), circle(x - 0.78, v - 0.45, 0.13))


def hair_before(b: Brush) -> None:
    """What lies on the head."""
    box = (-0.75, -0.8, 0.75, 0.75)
    k = b.only(b.t["hair"] == "bald")
    k = k.only(~k.t["hatted"])
    k.fill((-0.4, -0.55, 0.4, -0.2), lambda u, v: ellipse(u - k.t["light"] * 0.2, v + 0.4, 0.11, 0.06), WHITE, alpha=0.5, soft=0.05)

    k = b.only(b.t["hair"] == "short")
    _cap(k, lambda u, v, k=k: both(-ellipse(u - k.t["side"] * 0.16, v - 0.28, 0.52, 0.56), v - 0.02 - 0.06 * k.t["hair_k"]), 0.07)

    k = b.only(b.t["hair"] == "fringe")
    _cap(k, lambda u, v, k=k: both(-block(u, v - 0.45, 0.41, 0.66, 0.1), v - 0.32) - 0.028 * (wave(u / 0.16 + k.t["phase"]) - 0.5), 0.08)

    k = b.only(b.t["hair"] == "long")
    for side in (-1, 1):
        _lock(k, side)
    _cap(k, lambda u, v: both(-ellipse(np.abs(u) - 0.02, v - 0.26, 0.43, 0.66), v - 0.12), 0.08)

    k = b.only(b.t["hair"] == "curly")
    _cap(
        k,
        lambda u, v: union(*(circle(np.abs(u) - x, v - y, 0.14) for x, y in ((0.0, -0.5), (0.2, -0.46), (0.37, -0.36), (0.48, -0.18), (0.53, 0.02)))),
        0.2,
    )

    for style, height in (("bun", 0.7), ("pigtails", 0.68)):
        k = b.only(b.t["hair"] == style)
        _cap(k, lambda u, v: both(-ellipse(u, v - 0.32, 0.49, height), v - 0.0), 0.06)
        if style == "pigtails":
            k = k.only(~k.t["hatted"])
            k.fill((-0.05, -0.7, 0.05, -0.3), lambda u, v: capsule(u, v, 0.0, -0.68, 0.0, -0.4, 0.014), k.t["hair_c"] * 0.6)

    k = b.only(b.t["hair"] == "mohawk")
    t = k.t
    k.fill(box, lambda u, v: both(outline(t, u, v) + 0.02, -ellipse(u, v - 0.3, 0.5, 0.62), v - 0.0), t["hair_c"], alpha=0.4, soft=0.03)
    k = k.only(~t["hatted"])

    def crest(u: Array, v: Array, k: Brush = k) -> Array:
        rise = -0.4 - v
        x = u / (1 + 0.7 * rise)
        top = 0.52 + 0.08 * k.t["hair_k"] - 0.2 * wave(x / 0.16 + 0.5) - x * x * 2.5
        return both(np.abs(x) - 0.24, (rise - top) * 0.45, -rise - 0.14 + x * x * 3)

    k.fill((-0.5, -1.2, 0.5, -0.2), crest, k.t["hair_c"], line=LINE)


def _cap(k: Brush, region: Shape, grow: float) -> None:
    """Hair within the head's grown outline and a region, with a highlight."""
    t = k.t

    def shape(u: Array, v: Array) -> Array:
        return both(outline(t, u, v + 0.02, grow), region(u, v), _above(k, u, v))

    box = (-0.8, -0.9, 0.8, 0.75)
    k.fill(box, shape, t["hair_c"], line=LINE)
    shine = t["hair_c"] * 0.6 + np.array((255, 240, 220), np.float32) * 0.36
    k.fill(
        (-0.6, -0.7, 0.6, -0.2),
        lambda u, v: both(shape(u, v) + 0.06, arc(u - t["light"] * 0.1, v + 0.42, 0.28, -0.13, 0.035)),
        shine,
        alpha=0.55,
        soft=0.03,
    )


def _lock(k: Brush, side: int) -> None:
    """A strand of long hair that falls over the shoulder."""
    t, end = k.t, 1.02 + k.t["hair_k"] * 0.1
    k.fill(
        (-0.95, -0.4, 0.95, 1.4),
        lambda u, v: both(
            ellipse(u * side - 0.53 - 0.13 * np.clip(v, -0.3, 1.2), v - end / 2 + 0.2, 0.15, end / 2 + 0.3),
            BRIM - v, 0.36 - u * side,
        ),
        t["hair_c"], line=LINE,
    )  # fmt: skip


def glasses(b: Brush) -> None:
    for kind in ("round", "square", "sunglasses"):
        k = b.only(b.t["glasses"] == kind)
        t, colour, box = k.t, k.t["frame_c"], (-0.5, -0.3, 0.5, 0.32)

        def lens(u: Array, v: Array, kind: str = kind, gap: Array = t["gap"]) -> Array:
            x = np.abs(u) - gap - 0.012
            match kind:
                case "round":
                    return circle(x, v - 0.01, 0.185)
                case "square":
                    return block(x, v - 0.01, 0.185, 0.15, 0.04)
                case _:
                    return block(x - 0.01 + 0.08 * v, v - 0.02, 0.2, 0.145, 0.11)

        k.fill(
            (-0.66, -0.12, 0.66, 0.06),
            lambda u, v: both(capsule(np.abs(u), v, 0.36, -0.02, 0.6, -0.05, 0.025), 0.36 - np.abs(u), np.abs(u) - t["hw"]),
            colour,
        )
        k.fill((-0.1, -0.12, 0.1, 0.06), lambda u, v: arc(u, v + 0.01, 0.06, -0.04, 0.026), colour)
        if kind == "sunglasses":
            dark = np.array((30, 28, 40), np.float32)
            k.fill(box, lens, dark)
            k.fill(box, lambda u, v: both(lens(u, v) + 0.03, v + 0.0), np.array((86, 98, 140), np.float32), alpha=0.75, soft=0.05)
            k.fill(box, lambda u, v: both(lens(u, v) + 0.035, np.abs(u + v * 0.7 + 0.17 - 0.42 * (u > 0)) - 0.022), WHITE, alpha=0.75)
        else:
            k.fill(box, lens, WHITE, alpha=0.16)
            k.fill(box, lambda u, v: np.abs(lens(u, v)) - 0.027, colour)


def earrings(b: Brush) -> None:
    for kind in ("studs", "hoops"):
        k = b.only(b.t["earrings"] == kind)
        t = k.t
        for side in (-1, 1):
            if kind == "studs":
                k.fill((-0.75, 0.05, 0.75, 0.35), lambda u, v: circle(u * side - t["hw"] - 0.055, v - 0.18, 0.06), GOLD, line=0.018)
            else:
                k.fill((-0.8, 0.05, 0.8, 0.5), lambda u, v: np.abs(circle(u * side - t["hw"] - 0.06, v - 0.27, 0.095)) - 0.034, GOLD * 0.7)
                k.fill((-0.8, 0.05, 0.8, 0.5), lambda u, v: np.abs(circle(u * side - t["hw"] - 0.06, v - 0.27, 0.095)) - 0.022, GOLD)


def hat(b: Brush) -> None:
    for kind, draw in (("cap", _cap_hat), ("beanie", _beanie), ("top hat", _top_hat), ("sun hat", _sun_hat)):
        draw(b.only(b.t["hat"] == kind))


def _cap_hat(k: Brush) -> None:
    t, c, side = k.t, k.t["hat_c"], k.t["side"]
    k.fill((-0.7, -1.0, 0.7, -0.2), lambda u, v: both(ellipse(u, v + 0.3, 0.58, 0.5), v + 0.28), c, line=LINE)
    k.fill((-0.5, -0.8, 0.5, -0.3), lambda u, v: both(ellipse(u - t["light"] * 0.14, v + 0.58, 0.24, 0.13)), WHITE, alpha=0.28, soft=0.12)
    k.fill((-0.1, -0.9, 0.1, -0.7), lambda u, v: circle(u, v + 0.79, 0.055), c * 0.8, line=LINE)
    k.fill(
        (-1.0, -0.5, 1.0, -0.1),
        lambda u, v: both(ellipse(u - side * 0.24, v + 0.28, 0.56, 0.11), -ellipse(u - side * 0.1, v + 0.14, 0.5, 0.1)),
        c * 0.78,
        line=LINE,
    )


def _beanie(k: Brush) -> None:
    c, light = k.t["hat_c"], k.t["hat_c"] * 0.4 + WHITE * 0.6
    k.fill((-0.25, -1.15, 0.25, -0.7), lambda u, v: circle(u, v + 0.86, 0.15), light, line=LINE)

    def dome(u: Array, v: Array) -> Array:
        return both(ellipse(u, v + 0.3, 0.57, 0.54), v + 0.3)

    k.fill((-0.7, -1.0, 0.7, -0.2), dome, c, line=LINE)
    k.fill((-0.7, -1.0, 0.7, -0.2), lambda u, v: both(dome(u, v) + 0.05, (wave(u / (0.2 + 0.1 * (v + 0.3))) - 0.28) * 0.08), c * 0.8, alpha=0.8)
    k.fill((-0.75, -0.5, 0.75, -0.15), lambda u, v: block(u, v + 0.33, 0.6, 0.105, 0.09), light, line=LINE)
    k.fill((-0.75, -0.5, 0.75, -0.15), lambda u, v: both(block(u, v + 0.33, 0.55, 0.06, 0.05), (wave(u / 0.16) - 0.25) * 0.06), c, alpha=0.45)


def _top_hat(k: Brush) -> None:
    c, band = k.t["hat_c"], np.where(k.t["hat_c"].mean(-1, keepdims=True) < 100, CLARET, NIGHT)

    def tube(u: Array, v: Array) -> Array:
        return block(u / (1 - 0.14 * (v + 0.7)), v + 0.7, 0.42, 0.34, 0.05)

    k.fill((-0.6, -1.15, 0.6, -0.3), tube, c, line=LINE)
    k.fill(
        (-0.6, -1.1, 0.6, -0.4),
        lambda u, v: both(tube(u, v) + 0.03, block(u - k.t["light"] * 0.2, v + 0.75, 0.06, 0.4, 0.05)),
        WHITE,
        alpha=0.3,
        soft=0.06,
    )
    k.fill((-0.6, -0.65, 0.6, -0.35), lambda u, v: both(tube(u, v) + 0.02, np.abs(v + 0.5) - 0.075), band)
    k.fill((-0.85, -0.52, 0.85, -0.18), lambda u, v: ellipse(u, v + 0.35 + u * u * 0.12, 0.74, 0.095), c * 0.9, line=LINE)


def _sun_hat(k: Brush) -> None:
    c, band = k.t["hat_c"], np.where(k.t["hat_c"].mean(-1, keepdims=True) < 100, CLARET, WHITE * 0.96)
    k.fill((-0.6, -1.0, 0.6, -0.2), lambda u, v: both(block(u, v + 0.4, 0.46, 0.4, 0.3), v + 0.3), c, line=LINE)
    k.fill((-0.4, -0.8, 0.4, -0.4), lambda u, v: ellipse(u - k.t["light"] * 0.14, v + 0.65, 0.2, 0.08), WHITE, alpha=0.3, soft=0.1)
    k.fill((-0.6, -0.6, 0.6, -0.3), lambda u, v: both(block(u, v + 0.4, 0.44, 0.4, 0.3), np.abs(v + 0.46) - 0.07), band)
    k.fill((-1.1, -0.6, 1.1, -0.1), lambda u, v: ellipse(u, v + 0.36 - u * u * 0.12, 0.9, 0.11), c * 0.94, line=LINE)


CLARET = np.array((196, 48, 66), np.float32)
NIGHT = np.array((44, 40, 56), np.float32)
