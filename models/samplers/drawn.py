"""A density drawn with the brush: cells with weights, smoothed so that its gradient is continuous.

    p(x) = (1 - δ) Σ_ij w_ij B(x - c_j) B(y - c_i) + δ N(x; centre, (side / 2)²)

B is the cubic B-spline as wide as four cells, scaled to be a density. It is the density of a sum of four uniform numbers (Irwin-Hall), so
draws, mean and covariance are exact: choose a cell by its weight, add four uniforms. The second part keeps the density positive
everywhere and makes it fall off as a Gaussian outside.
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import files
from models.errors import BadData
from models.samplers.density import Density

HALF = 4.0  # the square [-4, 4]² is what is painted on
FLOOR = 0.01  # δ
_FORMAT = "sampling-studio drawn density"
_SIZES = (4, 256)
_MOST = 8_000_000  # bytes of a file


class Drawn(Density):
    """A target from a painting.

    Args:
        weights: (n, n) at least 0, not all 0, n in [4, 256]; row 0 is the top of the picture, column 0 its left.

    Raises:
        BadData: the weights are not such an array.
    """

    d, title = 2, "Drawn density"

    def __init__(self, weights: np.ndarray, name: str = "drawn") -> None:
        self.name = name
        array = np.asarray(weights, dtype=np.float64)
        if array.ndim != 2 or array.shape[0] != array.shape[1] or not _SIZES[0] <= array.shape[0] <= _SIZES[1]:
            raise BadData(f"A drawn density is a square of {_SIZES[0]} to {_SIZES[1]} cells a side; got the shape {array.shape}.")
        if not np.isfinite(array).all() or (array < 0).any() or not array.any():
            raise BadData("A drawn density has weights that are finite and at least 0, and not all of them 0: paint something first.")
        self.weights = array
        self._n, self._cell = len(array), 2 * HALF / len(array)
        self.bounds = ((-1.2 * HALF, 1.2 * HALF), (-1.2 * HALF, 1.2 * HALF))
        up = torch.from_numpy(array[::-1].T.copy()) / array.max()  # axis 0 is x, axis 1 is y, upwards
        self._share = up / up.sum()
        self._padded = torch.zeros(self._n + 8, self._n + 8, dtype=torch.float64)
        self._padded[4:-4, 4:-4] = self._share * ((1 - FLOOR) / self._cell**2)
        self._columns = self._padded.shape[1]
        self._flat = self._padded.reshape(-1)
        self._floor = FLOOR / (2 * math.pi * (HALF / 2) ** 2)
        self.mean, self.covariance = self._moments()

    def _moments(self) -> tuple[Tensor, Tensor]:
        at = -HALF + (torch.arange(self._n, dtype=torch.float64) + 0.5) * self._cell
        mean = torch.stack([self._share.sum(1) @ at, self._share.sum(0) @ at])
        second = torch.diag(torch.stack([self._share.sum(1) @ at.square(), self._share.sum(0) @ at.square()]))
        second[0, 1] = second[1, 0] = at @ self._share @ at
        eye = torch.eye(2, dtype=torch.float64)
        second = (1 - FLOOR) * (second + eye * (self._cell**2 / 3)) + FLOOR * (HALF / 2) ** 2 * eye
        mean = (1 - FLOOR) * mean
        return mean, second - torch.outer(mean, mean)

    def log_p_and_grad(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log density (n,) and gradient (n, 2)."""
        place = ((x + HALF) / self._cell - 0.5).nan_to_num(nan=-2.5).clamp(-2.5, self._n + 1.5)  # in cells; outside, only zeros are looked at
        first = place.floor()
        weight, slope = _spline(place - first)  # (n, 2, 4)
        corner = first.long() + 3  # of the 4 x 4 cells that reach here, in the padded array
        offsets = torch.arange(4)
        index = (corner[:, :1] + offsets)[:, :, None] * self._columns + (corner[:, 1:] + offsets)[:, None]
        cells = self._flat[index]  # (n, 4, 4)
        across = (cells * weight[:, 1, None]).sum(2)
        p = (across * weight[:, 0]).sum(1)
        by_x = (across * slope[:, 0]).sum(1) / self._cell
        by_y = ((cells * slope[:, 1, None]).sum(2) * weight[:, 0]).sum(1) / self._cell
        scale = (HALF / 2) ** 2
        log_floor = math.log(self._floor) - x.square().sum(1) / (2 * scale)
        log_p = torch.logaddexp(p.log(), log_floor)
        rest = (log_floor - log_p).exp()
        return log_p, torch.stack([by_x, by_y], 1) / log_p.exp().clamp(min=1e-300)[:, None] - rest[:, None] * x / scale

    def draw(self, n: int, generator: np.random.Generator) -> Tensor:
        """(n, 2) exact draws."""
        which = np.searchsorted(np.cumsum(self._share.reshape(-1).numpy()), generator.random(n)).clip(max=self._n**2 - 1)
        cell = np.stack(np.divmod(which, self._n), 1) + 0.5 + generator.random((4, n, 2)).sum(0) - 2
        painted = -HALF + cell * self._cell
        spread = HALF / 2 * generator.standard_normal((n, 2))
        return torch.from_numpy(np.where(generator.random((n, 1)) < FLOOR, spread, painted))

    def save(self, path: Path) -> None:
        """Write .json (exact) or .png (weights in 256 steps of grey, white is most); raises DiskTrouble, BadData."""
        match path.suffix.lower():
            case ".json":
                files.write_json(path, {"format": _FORMAT, "version": 1, "weights": self.weights.tolist()})
            case ".png":
                import io

                from PIL import Image

                out = io.BytesIO()
                Image.fromarray((255 * self.weights / self.weights.max()).round().astype(np.uint8)).save(out, "PNG")
                files.write_bytes(path, out.getvalue())
            case other:
                raise BadData(f"A drawn density is written as .json or .png; got {other!r}.")

    @classmethod
    def load(cls, path: Path) -> Drawn:
        """A drawn density from a .json of `save`, or any square grey .png (white is most); raises BadData."""
        try:
            if path.stat().st_size > _MOST:
                raise BadData(f"{path.name} is larger than {_MOST // 1_000_000} MB: that is no drawn density.")
            weights = _from_png(path) if path.suffix.lower() == ".png" else _from_json(path)
        except OSError as error:
            raise BadData(f"{path} cannot be read ({error.strerror or 'not a picture'}): give the .json or .png of a drawn density.") from None
        return cls(weights, str(path))


def dabbed(weights: np.ndarray, at: tuple[float, float], radius: float, amount: float) -> np.ndarray:
    """A copy of weights (n, n) with a soft dab of the brush; a negative amount rubs out, never below 0.

    Args:
        at: where, in the target's coordinates; row 0 of the weights is at the top, y = 4.
        radius: standard deviation of the dab in the same units, above 0.
        amount: what the middle gains.
    """
    line = -HALF + (np.arange(len(weights)) + 0.5) * (2 * HALF / len(weights))
    across, up = np.exp(-((line - at[0]) ** 2) / (2 * radius**2)), np.exp(-((line[::-1] - at[1]) ** 2) / (2 * radius**2))
    return np.maximum(weights + amount * np.outer(up, across), 0)


def _from_json(path: Path) -> np.ndarray:
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise ValueError
        return np.array(found["weights"], dtype=np.float64)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise BadData(f"{path.name} is not a drawn density: save one from the lab, or give a square grey .png.") from None


def _from_png(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            if max(picture.size) > _SIZES[1]:
                raise BadData(f"{path.name} has {picture.width} x {picture.height} points; a drawn density has at most {_SIZES[1]} a side.")
            return np.asarray(picture.convert("L"), dtype=np.float64) / 255
    except (SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        raise BadData(f"{path.name} is a damaged picture: give another file.") from None


def _spline(f: Tensor) -> tuple[Tensor, Tensor]:
    """The four cubic B-spline weights at a fraction f in [0, 1) of a cell, and their derivatives, each f.shape + (4,)."""
    g = 1 - f
    weight = torch.stack([g**3, 3 * f**3 - 6 * f**2 + 4, 3 * g**3 - 6 * g**2 + 4, f**3], -1) / 6
    slope = torch.stack([-g * g, 3 * f * f - 4 * f, 4 * g - 3 * g * g, f * f], -1) / 2
    return weight, slope
