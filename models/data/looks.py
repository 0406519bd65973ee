"""How a face looks in numbers: colours, proportions, and where it is on the page.

The head's frame has its origin between the eyes and the nose; the head is about ±0.5 wide and ±0.58 high, v points down.
The body's frame is the same without the tilt; the page is ±1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.data.brush import Array, block, ellipse

SKIN = {
    "pale": (255, 224, 204), "peach": (250, 200, 166), "golden": (232, 178, 124),
    "tan": (204, 142, 96), "brown": (156, 100, 66), "dark": (104, 66, 48),
}  # fmt: skip
HAIR = {
    "black": (44, 38, 48), "brown": (112, 66, 38), "blond": (240, 200, 92), "red": (206, 84, 32),
    "white": (236, 234, 232), "blue": (58, 120, 214), "pink": (240, 112, 170),
}  # fmt: skip
EYE = {"brown": (110, 62, 28), "blue": (52, 128, 222), "green": (52, 150, 74), "grey": (124, 136, 150)}
CLOTH = {
    "red": (214, 58, 58), "blue": (48, 98, 200), "green": (46, 146, 88), "yellow": (246, 198, 56),
    "purple": (132, 74, 178), "black": (52, 50, 60), "white": (246, 244, 238),
}  # fmt: skip
BACK = {
    "pink": (250, 184, 200), "orange": (252, 190, 128), "yellow": (252, 230, 140), "green": (176, 222, 154),
    "teal": (134, 214, 204), "blue": (150, 200, 246), "violet": (200, 182, 244),
}  # fmt: skip
FRAME = ((40, 38, 46), (170, 42, 50), (36, 74, 150), (214, 162, 50))  # of glasses
FACE = {"round": (0.52, 0.54, 0.0, 0.0), "oval": (0.46, 0.61, 0.06, 0.0), "square": (0.48, 0.56, 0.0, 0.75), "heart": (0.5, 0.59, 0.3, 0.1)}
INK = np.array((48, 30, 36), np.float32)
GOLD = np.array((255, 206, 58), np.float32)
WHITE = np.array((255, 255, 255), np.float32)
LINE = 0.03  # width of outlines


def traits(values: Mapping[str, Array], r: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """What a Brush needs: traits (names of values (n,), numbers (n, 1, 1), colours (n, 3)) and the frames.

    Args:
        values: attribute -> (n,) names of values.
        r: (n, 40) uniform numbers in [0, 1), for all that varies without steps.
    """
    t: dict[str, Array] = dict(values)
    s = (2 * r - 1).astype(np.float32)

    def tint(table: Mapping[str, tuple[int, int, int]], attribute: str, column: int, amount: float) -> Array:
        base = np.array([table[v] for v in values[attribute]], np.float32)
        return np.clip(base * (1 + amount * s[:, column, None]) + amount * 60 * s[:, column + 1 : column + 4], 8, 255)

    t["skin_c"] = tint(SKIN, "skin", 0, 0.05)
    t["hair_c"] = tint(HAIR, "hair colour", 2, 0.1)
    t["cloth_c"] = tint(CLOTH, "clothes colour", 5, 0.08)
    t["back_c"] = tint(BACK, "background colour", 8, 0.05)
    t["hat_c"] = tint(CLOTH, "hat colour", 11, 0.08)
    t["eye_c"] = np.array([EYE[v] for v in values["eye colour"]], np.float32)
    t["frame_c"] = np.array(FRAME, np.float32)[(r[:, 33] * len(FRAME)).astype(int)]
    t["shade_c"] = t["skin_c"] * np.array((0.74, 0.62, 0.62), np.float32)
    t["lip_c"] = 0.45 * t["skin_c"] * np.array((0.8, 0.4, 0.42), np.float32) + 0.55 * np.array((150, 24, 44), np.float32)

    def number(column: int, middle: float, spread: float) -> Array:
        return (middle + spread * s[:, column, None, None]).astype(np.float32)

    shape = np.array([FACE[v] for v in values["face"]], np.float32)[:, :, None, None]
    t["hw"], t["hh"] = shape[:, 0] * number(15, 1, 0.04), shape[:, 1] * number(16, 1, 0.04)
    t["taper"], t["boxy"] = shape[:, 2] * number(17, 1, 0.3), shape[:, 3]
    t["gap"], t["eye"] = number(18, 0.205, 0.02), number(19, 1, 0.12)
    t["look_u"], t["look_v"] = number(20, 0, 0.045), number(21, 0.01, 0.03)
    t["brow"], t["mouth_w"], t["mouth_v"] = number(22, 0, 0.025), number(23, 1, 0.15), number(24, 0.335, 0.02)
    t["bend"], t["nose_k"] = number(25, 1, 0.25), number(26, 1, 0.15)
    t["light"], t["hair_k"], t["phase"] = number(27, 0, 1), number(28, 0, 1), number(34, 0.5, 0.5)
    t["turn"], t["pitch"], t["sun"] = number(35, 0, 1), number(36, 1, 0.15), number(37, 1, 0.05)
    t["side"] = np.where(s[:, 38, None, None] < 0, -1, 1).astype(np.float32)
    t["blush"] = number(39, 0.75, 0.25)
    t["hatted"] = values["hat"] != "none"

    scale, tilt = 1.03 * (1 + 0.06 * s[:, 29]), 0.16 * s[:, 30]
    across, down = 0.08 * s[:, 31], 0.145 + 0.05 * s[:, 32]
    cos, sin = 1 - tilt * tilt / 2, tilt - tilt * tilt * tilt / 6  # exact enough, and the same on every machine
    norm = 1 / (scale * np.sqrt(cos * cos + sin * sin))
    zero = np.zeros_like(scale)
    cos, sin, plain = cos * norm, sin * norm, 1 / scale
    frames = {
        "head": (cos, sin, -cos * across - sin * down, -sin, cos, sin * across - cos * down),
        "body": (plain, zero, -plain * across, zero, plain, 0.1 - plain * down),
        "page": (zero + 1, zero, zero, zero, zero + 1, zero),
    }
    return t, {name: np.stack(f, 1).astype(np.float32) for name, f in frames.items()}


def outline(t: Mapping[str, Array], u: Array, v: Array, grow: float | Array = 0.0) -> Array:
    """Signed distance of the head's edge, roughly."""
    x = u * (1 + t["taper"] * np.clip(v, -0.2, 0.7))
    egg = ellipse(x, v, t["hw"], t["hh"])
    return egg + t["boxy"] * (block(x, v, t["hw"] * 0.97, t["hh"] * 0.97, 0.26) - egg) - grow
