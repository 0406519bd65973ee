# ruff: noqa: B023 (every shape is drawn before the loop goes on)
"""The layers of a face that everybody has: background, clothes, head, and what is inside its outline."""

from __future__ import annotations

import numpy as np

from models.data.brush import Array, Brush, arc, block, both, capsule, circle, ellipse, union, wave
from models.data.looks import INK, LINE, WHITE, outline

# --- background and body ------------------------------------------------------------------------------------------


def background(b: Brush) -> None:
    page = (-1.0, -1.0, 1.0, 1.0)
    b.fill(page, lambda u, v: u * 0 - 9 + v * 0, b.t["back_c"], frame="page")
    for kind in ("gradient", "stripes", "dots", "rays"):
        k = b.only(b.t["background"] == kind)
        t = k.t
        lean, pitch, light = t["turn"] * 0.6, t["pitch"], t["back_c"] * 0.45 + WHITE * 0.55
        if kind == "gradient":
            k.fill(page, lambda u, v: v + u * lean * 0.5, light, soft=2.2, frame="page")
        elif kind == "stripes":
            k.fill(page, lambda u, v: (wave((u + v * lean * 2) / (0.5 * pitch) + t["phase"]) - 0.5) * 0.22, light, frame="page")
        elif kind == "dots":
            k.fill(page, lambda u, v: _dots(u / pitch, v / pitch + t["phase"]), light, frame="page")
        else:
            k.fill(page, lambda u, v: _rays(u, v - 0.15, t["phase"]), light, frame="page")


def _dots(u: Array, v: Array) -> Array:
    row = np.floor(v / 0.34)
    x = u / 0.34 + (row - 2 * np.floor(row / 2)) * 0.5
    return circle((x - np.floor(x) - 0.5) * 0.34, (v / 0.34 - row - 0.5) * 0.34, 0.09)


def _rays(u: Array, v: Array, phase: Array) -> Array:
    """Twelve rays; the angle is that of a diamond, which needs no arctangent."""
    far = np.abs(u) + np.abs(v) + 1e-4
    turn = np.where(v < 0, 1 - u / far, 3 + u / far)  # 0 … 4 once around
    return (wave(turn * 3 + phase) - 0.5) * far * 0.28


def body(b: Brush) -> None:
    t = b.t
    base, light = t["cloth_c"], t["cloth_c"] * 0.35 + WHITE * 0.65
    b.fill((-0.24, 0.2, 0.24, 1.1), lambda u, v: block(u, v - 0.6, 0.2, 0.4, 0.1), t["skin_c"] * 0.9, line=LINE, frame="body")
    b.fill((-0.22, 0.3, 0.22, 0.9), lambda u, v: both(block(u, v - 0.6, 0.17, 0.4, 0.1), v - 0.72), t["shade_c"], alpha=0.6, soft=0.08, frame="body")
    box = (-1.0, 0.7, 1.0, 1.7)

    def shirt(u: Array, v: Array) -> Array:
        return both(union(ellipse(u, v - 1.5, 0.86, 0.74), block(u, v - 0.95, 0.26, 0.16, 0.08)), -ellipse(u, v - 0.7, 0.25, 0.17))

    b.fill(box, shirt, base, line=LINE, frame="body")
    k = b.only(t["clothes"] == "striped")
    k.fill(
        box,
        lambda u, v: both(shirt(u, v) + 0.05, (wave(v / 0.22) - 0.5) * 0.11),
        k.t["cloth_c"] * 0.3 + WHITE * 0.7 - 30 * (k.t["cloth_c"] > 225),
        frame="body",
    )
    k = b.only(t["clothes"] == "turtleneck")
    k.fill((-0.32, 0.55, 0.32, 1.0), lambda u, v: block(u, v - 0.8, 0.27, 0.14, 0.07), k.t["cloth_c"] * 0.92, line=LINE, frame="body")
    k = b.only(t["clothes"] == "collar")
    for side in (-1, 1):
        k.fill((-0.42, 0.62, 0.42, 1.12), lambda u, v: _lapel(u * side, v), light[t["clothes"] == "collar"], line=LINE, frame="body")


def _lapel(u: Array, v: Array) -> Array:
    """One wing of a collar, to the right."""
    x, y = u - 0.16, v - 0.84
    return block(0.78 * x - 0.62 * y, 0.62 * x + 0.78 * y, 0.2, 0.085, 0.03)


def head(b: Brush) -> None:
    t = b.t
    for side in (-1, 1):
        b.fill((-0.72, -0.16, 0.72, 0.26), lambda u, v: ellipse(u - side * t["hw"], v - 0.05, 0.11, 0.14), t["skin_c"], line=LINE)
        b.fill((-0.7, -0.1, 0.7, 0.2), lambda u, v: ellipse(u - side * (t["hw"] + 0.03), v - 0.05, 0.045, 0.07), t["shade_c"], alpha=0.7)
    box = (-0.62, -0.7, 0.62, 0.7)
    b.fill(box, lambda u, v: outline(t, u, v), t["skin_c"], line=LINE)
    glow = t["skin_c"] * 0.5 + np.array((255, 236, 210), np.float32) * 0.5
    b.fill(box, lambda u, v: both(outline(t, u, v) + 0.05, ellipse(u - t["light"] * 0.16, v + 0.18, 0.34, 0.3)), glow, alpha=0.5, soft=0.3)
    b.fill(
        box,
        lambda u, v: both(outline(t, u, v) + 0.03, -outline(t, u - t["light"] * 0.12, v + 0.05, -0.03)),
        t["shade_c"], alpha=0.55, soft=0.1,
    )  # fmt: skip


# --- the face -----------------------------------------------------------------------------------------------------


def cheeks(b: Brush) -> None:
    k = b.only(b.t["cheeks"] == "rosy")
    rose = k.t["skin_c"] * 0.4 + np.array((240, 74, 92), np.float32) * 0.6
    for side in (-1, 1):
        k.fill((-0.55, 0.0, 0.55, 0.4), lambda u, v: ellipse(u - side * 0.31, v - 0.2, 0.12, 0.09), rose, alpha=0.55 * k.t["blush"], soft=0.09)
    k = b.only(b.t["cheeks"] == "freckled")
    brown = k.t["skin_c"] * np.array((0.66, 0.5, 0.42), np.float32)
    for x, y in ((0.22, 0.17), (0.32, 0.21), (0.3, 0.13), (0.39, 0.15), (0.25, 0.245)):
        for side in (-1, 1):
            k.fill((-0.46, 0.05, 0.46, 0.32), lambda u, v: circle(u - side * x, v - y, 0.024), brown, alpha=0.9)


def nose(b: Brush) -> None:
    for kind in ("button", "long", "wide"):
        k = b.only(b.t["nose"] == kind)
        size = k.t["nose_k"]
        box = (-0.2, -0.1, 0.2, 0.32)
        if kind == "button":
            k.fill(box, lambda u, v: circle(u, v - 0.16, 0.062 * size), k.t["shade_c"])
            k.fill(box, lambda u, v: circle(u + 0.01, v - 0.145, 0.034 * size), k.t["skin_c"] * 0.5 + WHITE * 0.5, alpha=0.7)
        elif kind == "long":
            turn = k.t["side"]
            k.fill(
                box,
                lambda u, v: union(
                    capsule(u, v, 0.0, 0.0, turn * 0.05, 0.19 * size, 0.024), capsule(u, v, turn * 0.05, 0.19 * size, -turn * 0.03, 0.2 * size, 0.024)
                ),
                k.t["shade_c"] * 0.9,
            )
        else:
            k.fill(box, lambda u, v: arc(u, v - 0.15, 0.1 * size, 0.055, 0.028), k.t["shade_c"] * 0.88)


def mouth(b: Brush) -> None:
    dark, tongue = np.array((96, 16, 30), np.float32), np.array((236, 92, 100), np.float32)
    pink = np.array((236, 128, 122), np.float32)
    for kind in ("smiling", "neutral", "frowning", "surprised", "laughing"):
        k = b.only(b.t["mouth"] == kind)
        t = k.t
        bearded = (t["beard"] == "full") & (t["hair_c"].mean(-1) < 130)
        lip = np.where(bearded[:, None], pink, t["lip_c"])
        wide, at, bend = t["mouth_w"], t["mouth_v"], t["bend"]
        box = (-0.36, 0.12, 0.36, 0.58)
        if kind == "smiling":
            k.fill(box, lambda u, v: arc(u, v - at + 0.04, 0.2 * wide, 0.11 * bend, 0.034), lip)
        elif kind == "neutral":
            k.fill(box, lambda u, v: arc(u, v - at, 0.14 * wide, 0.004, 0.034), lip)
        elif kind == "frowning":
            k.fill(box, lambda u, v: arc(u, v - at - 0.05, 0.17 * wide, -0.1 * bend, 0.034), lip)
        elif kind == "surprised":
            k.fill(box, lambda u, v: ellipse(u, v - at - 0.01, 0.085 * wide, 0.11 * bend), dark)
            k.fill(box, lambda u, v: both(ellipse(u, v - at - 0.01, 0.085 * wide, 0.11 * bend) + 0.02, circle(u, v - at - 0.1, 0.085)), tongue)
        else:

            def grin(u: Array, v: Array, wide: Array = wide, at: Array = at, bend: Array = bend) -> Array:
                return both(ellipse(u, v - at + 0.05, 0.23 * wide, 0.2 * bend), at - 0.05 - v)

            k.fill(box, grin, dark)
            k.fill(box, lambda u, v: both(grin(u, v) + 0.02, circle(u, v - at - 0.17, 0.13)), tongue)
            k.fill(box, lambda u, v: both(grin(u, v) + 0.015, v - at - 0.015), WHITE)


def beard(b: Brush) -> None:
    k = b.only(b.t["beard"] == "full")
    t, box = k.t, (-0.66, -0.1, 0.66, 0.8)
    k.fill(
        box,
        lambda u, v: both(outline(t, u, v - 0.03, 0.05), -ellipse(u, v + 0.06, 0.4, 0.31), 0.02 - v),
        t["hair_c"] * 0.92, line=LINE,
    )  # fmt: skip
    k.fill((-0.3, 0.1, 0.3, 0.6), lambda u, v: ellipse(u, v - t["mouth_v"], 0.27, 0.13), t["hair_c"] * 0.92, soft=0.03)
    k = b.only(b.t["beard"] == "goatee")
    chin = k.t["hh"]
    k.fill((-0.24, 0.3, 0.24, 0.85), lambda u, v: ellipse(u, v - chin + 0.03, 0.17, 0.125), k.t["hair_c"] * 0.92, line=LINE)
    k = b.only(np.isin(b.t["beard"], ("moustache", "full")))
    for side in (-1, 1):
        k.fill(
            (-0.34, 0.1, 0.34, 0.36),
            lambda u, v: ellipse(u * side - 0.12, v - 0.245 - (u * side - 0.12) * 0.3, 0.15, 0.062),
            k.t["hair_c"] * 0.86,
            line=LINE * 0.6,
        )


def eyes(b: Brush) -> None:
    for side in (-1, 1):
        shut = (b.t["eyes"] == "closed") | ((b.t["eyes"] == "winking") & (b.t["side"][:, 0, 0] == side))
        k = b.only(shut)
        k.fill((-0.42, -0.2, 0.42, 0.2), lambda u, v: arc(u - side * k.t["gap"], v - 0.03, 0.115, -0.075, 0.032), INK)
        _open_eye(b.only(~shut), side)


def _open_eye(b: Brush, side: int) -> None:
    t, box = b.t, (-0.42, -0.24, 0.42, 0.24)
    almond, sleepy = t["eyes"] == "almond", t["eyes"] == "sleepy"
    a = np.where(almond, 0.155, 0.135)[:, None, None].astype(np.float32) * t["eye"]
    c = np.where(almond, 0.095, 0.14)[:, None, None].astype(np.float32) * t["eye"]
    lean = np.where(almond, -0.22 * side, 0)[:, None, None].astype(np.float32)

    def ball(u: Array, v: Array) -> Array:
        x = u - side * t["gap"]
        return ellipse(x, v - x * lean, a, c)

    b.fill(box, lambda u, v: ball(u, v) - 0.025, INK)
    b.fill(box, ball, WHITE)

    def at(u: Array, v: Array) -> tuple[Array, Array]:
        return u - side * t["gap"] - t["look_u"], v - t["look_v"]

    b.fill(box, lambda u, v: both(ball(u, v), circle(*at(u, v), 0.088)), t["eye_c"])
    b.fill(box, lambda u, v: both(ball(u, v), circle(*at(u, v), 0.046)), np.array((18, 14, 22), np.float32))
    b.fill(box, lambda u, v: both(ball(u, v), circle(at(u, v)[0] + 0.032, at(u, v)[1] + 0.036, 0.026)), WHITE)
    k = b.only(sleepy)
    size = k.t["eye"]
    k.fill(box, lambda u, v: both(ellipse(u - side * k.t["gap"], v, 0.15 * size, 0.155 * size), v + 0.012), k.t["shade_c"])
    k.fill(box, lambda u, v: capsule(u - side * k.t["gap"], v, -0.15, -0.005, 0.15, -0.005, 0.022), INK)


def eyebrows(b: Brush) -> None:
    colour = np.minimum(b.t["hair_c"] * 0.62, 190)
    for kind, bend, lean in (("flat", 0.0, 0.0), ("arched", -0.07, 0.0), ("angry", -0.01, 0.5), ("worried", -0.02, -0.45)):
        mask = b.t["eyebrows"] == kind
        k = b.only(mask)
        for side in (-1, 1):
            k.fill(
                (-0.46, -0.42, 0.46, -0.06),
                lambda u, v: arc(u - side * 0.215, v + 0.235 + k.t["brow"] + (u * side - 0.215) * lean, 0.125, bend, 0.034),
                colour[mask],
            )
