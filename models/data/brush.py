"""A brush for many small pictures at once: signed distances, smooth edges, flat colours.

Shapes are functions of (u, v), u to the right and v down, that are negative inside; all arrays are float32 with the pictures on the first axis.
Only + − × ÷, square roots and comparisons touch pixels, so a picture does not depend on those drawn beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Array = np.ndarray
Shape = Callable[[Array, Array], Array]
Box = tuple[float, float, float, float]  # left, top, right, bottom


class Brush:
    """Paints on n canvases; `only` narrows it to some of them.

    Attributes:
        canvas: (3, N, size, size) float32, shared by all brushes made from this one.
        t: traits of the pictures this brush paints, each (n, 1, 1), colours (n, 3).
    """

    def __init__(self, canvas: Array, frames: Mapping[str, Array], traits: Mapping[str, Array], rows: Array | None = None) -> None:
        self.canvas = canvas
        self.frames = frames  # name -> (n, 6): u = f0 x + f1 y + f2, v = f3 x + f4 y + f5
        self.t = traits
        self.rows = rows  # None: all
        self.size = canvas.shape[-1]

    def only(self, mask: Array) -> Brush:
        """A brush for the pictures where mask (n,) is true."""
        rows = np.flatnonzero(mask) if self.rows is None else self.rows[mask]
        return Brush(self.canvas, {k: f[mask] for k, f in self.frames.items()}, {k: a[mask] for k, a in self.t.items()}, rows)

    def fill(
        self, box: Box, shape: Shape, colour: Array, *, alpha: float | Array = 1.0, soft: float = 0.0, line: float = 0.0, frame: str = "head"
    ) -> None:
        """Paint a shape.

        Args:
            box: bounds of the shape in the frame's units; nothing is painted outside.
            colour: (n, 3) or (3,).
            alpha: opacity, a number or (n, 1, 1).
            soft: width over which the edge fades, in the frame's units, beyond the one pixel it always has.
            line: width of an outline inside the edge, in a darker shade of the colour; at least half a pixel.
        """
        window = self._window(self.frames[frame], box)
        if window is None:
            return
        u, v, pixel, ys, xs = window
        distance = shape(u, v)
        place = (slice(None), slice(None) if self.rows is None else self.rows, ys, xs)
        patch = self.canvas[place]
        colour = np.broadcast_to(np.asarray(colour, np.float32), (len(u), 3)).T[:, :, None, None]
        edge = 1 / (pixel + np.float32(soft))
        if line:
            _blend(patch, colour * np.float32(0.52), _cover(distance, edge) * alpha)
            distance = distance + np.maximum(np.float32(line), pixel * np.float32(0.5))
        _blend(patch, colour, _cover(distance, edge) * alpha)
        if self.rows is not None:
            self.canvas[place] = patch

    def _window(self, frame: Array, box: Box) -> tuple[Array, Array, Array, slice, slice] | None:
        """u, v (n, h, w), the size of a pixel (n, 1, 1), and the rows and columns that the box touches on any of the pictures."""
        if not len(frame):
            return None
        f = frame[:, :, None, None].transpose(1, 0, 2, 3)  # (6, n, 1, 1)
        determinant = f[0] * f[4] - f[1] * f[3]
        corners_u = np.array([box[0], box[2], box[0], box[2]], np.float32) - f[2]
        corners_v = np.array([box[1], box[1], box[3], box[3]], np.float32) - f[5]
        x = (f[4] * corners_u - f[1] * corners_v) / determinant
        y = (f[0] * corners_v - f[3] * corners_u) / determinant
        xs, ys = _span(x, self.size), _span(y, self.size)
        if xs.start >= xs.stop or ys.start >= ys.stop:
            return None
        centre = (np.arange(self.size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / self.size) - 1
        px, py = centre[xs][None, None, :], centre[ys][None, :, None]
        pixel = np.sqrt(determinant) * np.float32(2 / self.size)
        return f[0] * px + (f[1] * py + f[2]), f[3] * px + (f[4] * py + f[5]), pixel, ys, xs


def _span(x: Array, size: int) -> slice:
    low, high = (float(x.min()) + 1) * size / 2 - 1, (float(x.max()) + 1) * size / 2 + 1
    return slice(max(0, int(low)), min(size, int(high) + 1))


def _cover(distance: Array, edge: Array) -> Array:
    return np.clip(np.float32(0.5) - distance * edge, 0, 1)


def _blend(patch: Array, colour: Array, alpha: Array) -> None:
    for channel in range(3):
        patch[channel] += alpha * (colour[channel] - patch[channel])


# --- shapes -------------------------------------------------------------------------------------------------------


def ellipse(u: Array, v: Array, a: float | Array, b: float | Array) -> Array:
    """Half axes a, b; close to the true distance near the edge."""
    x, y = u / a, v / b
    near = np.sqrt(x * x + y * y)
    slope = np.sqrt((x / a) ** 2 + (y / b) ** 2)
    return near * (near - 1) / np.maximum(slope, np.float32(1e-6))


def circle(u: Array, v: Array, r: float | Array) -> Array:
    return np.sqrt(u * u + v * v) - r


def block(u: Array, v: Array, a: float | Array, b: float | Array, r: float | Array) -> Array:
    """A rectangle of half sides a, b with corners rounded by r."""
    x, y = np.abs(u) - (a - r), np.abs(v) - (b - r)
    outside = np.sqrt(np.maximum(x, 0) ** 2 + np.maximum(y, 0) ** 2)
    return outside + np.minimum(np.maximum(x, y), 0) - r


def capsule(u: Array, v: Array, x0: float | Array, y0: float | Array, x1: float | Array, y1: float | Array, r: float | Array) -> Array:
    """A stroke of half width r between two points."""
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((u - x0) * dx + (v - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    return circle(u - x0 - along * dx, v - y0 - along * dy, r)


def arc(u: Array, v: Array, half: float | Array, bend: float | Array, r: float | Array) -> Array:
    """A stroke of half width r along v = bend × (1 − (u / half)²): ends at v = 0, middle at v = bend."""
    x = np.clip(u, -half, half)
    share = x / half
    slope = 2 * bend * share / half
    rise = (v - bend * (1 - share * share)) / np.sqrt(1 + slope * slope)
    return np.sqrt((u - x) ** 2 + rise * rise) - r


def union(*parts: Array) -> Array:
    out = parts[0]
    for part in parts[1:]:
        out = np.minimum(out, part)
    return out


def both(*parts: Array) -> Array:
    out = parts[0]
    for part in parts[1:]:
        out = np.maximum(out, part)
    return out


def wave(x: Array) -> Array:
    """A triangle wave of period 1 between 0 and 1, 0 at whole numbers."""
    return np.abs(x - np.floor(x + np.float32(0.5))) * 2
