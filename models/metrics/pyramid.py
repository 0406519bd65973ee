"""Measures on pixels at several scales: sliced Wasserstein distances of patches, and structural similarity.

Pictures are (n, C, H, W) float tensors in 0 … 255. Pure; what is random is drawn from a generator of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import BadInput
from models.metrics.image import Parts, whole

PATCH = 7  # pixels a side
SMALLEST = 14  # side of the last level of a pyramid
BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. (2003), from fine to coarse

# --- sliced Wasserstein distance ----------------------------------------------------------------------------------


def levels(size: int) -> list[int]:
    """Sides of the pyramid's levels: halved while the half is whole and at least 14 px, so 64 gives 64, 32, 16."""
    sides = [size]
    while sides[-1] % 2 == 0 and sides[-1] // 2 >= SMALLEST:
        sides.append(sides[-1] // 2)
    return sides


_TAPS = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def laplacian(x: Tensor) -> list[Tensor]:
    """The Laplacian pyramid of (n, C, s, s): what each level adds to the next, and the coarsest (Burt and Adelson 1983).

    Blurred with 1 4 6 4 1 and halved; `level + up(next)` gives the picture back.
    """
    out = []
    for _ in levels(x.shape[-1])[1:]:
        small = _blur(x)[:, :, ::2, ::2]
        out.append(x - _up(small))
        x = small
    return [*out, x]


def _blur(x: Tensor) -> Tensor:
    return _filtered(F.pad(x, (2, 2, 2, 2), mode="reflect"), _TAPS)


def _filtered(x: Tensor, taps: Tensor) -> Tensor:
    """Every channel filtered by the outer product of `taps` with themselves, inside only.

    By two products with a banded matrix: a convolution of one channel is many times slower on a CPU.
    """
    return _band(x.shape[2], taps).to(x) @ x @ _band(x.shape[3], taps).to(x).T


def _band(side: int, taps: Tensor) -> Tensor:
    """(side - len(taps) + 1, side): row i has the taps from column i on."""
    rows = side - len(taps) + 1
    band = taps.new_zeros(rows, side)
    for i, tap in enumerate(taps):
        band.diagonal(i)[:rows] = tap
    return band


def _up(x: Tensor) -> Tensor:
    """Twice the side: zeros between the pixels, blurred, times four."""
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[:, :, ::2, ::2] = x
    return _blur(wide) * 4


def patches(x: Tensor, count: int, rng: torch.Generator) -> list[Tensor]:
    """`count` random 7x7 patches of every picture (n, C, s, s) at every level: a list of (n · count, C · 49)."""
    out, step = [], torch.arange(PATCH)
    for level in laplacian(x.float()):
        n, channels, side, _ = level.shape
        y, x = torch.randint(0, side - PATCH + 1, (2, n, count, 1, 1), generator=rng)
        picked = level[torch.arange(n)[:, None, None, None], :, y + step[:, None], x + step]  # (n, count, 7, 7, C)
        out.append(picked.permute(0, 1, 4, 2, 3).reshape(n * count, channels * PATCH * PATCH))
    return out


def sliced_wasserstein(a: Tensor, b: Tensor, *, count: int = 32, directions: int = 128, seed: int = 0) -> dict[int, float]:
    """Sliced Wasserstein distance of the 7x7 patches of equally many pictures, for each side of the Laplacian pyramid.

    Karras et al. (2018), section 5: patches are normalised by mean and deviation of each channel, projected on random unit
    vectors, sorted, and compared; times 1,000 as printed there. Their 128 patches of 16,384 pictures are more than a look
    in between can pay for, so values compare only with the floor of real pictures at the same n.

    Raises:
        BadInput: other numbers of pictures, other sizes, or a side below 7.
    """
    rng = torch.Generator().manual_seed(seed)
    chunks = [[patches(part, count, rng) for part in x.split(64)] for x in (a, b)]
    return whole(swd_parts(*chunks, sides=levels(a.shape[-1]), directions=directions, seed=seed))


def swd_parts(a: list[list[Tensor]], b: list[list[Tensor]], *, sides: list[int], directions: int = 128, seed: int = 0) -> Parts[dict[int, float]]:
    """`sliced_wasserstein` from the patches of chunks of pictures, with pauses."""
    rng = torch.Generator().manual_seed(seed)
    found = {}
    for level, side in enumerate(sides):
        x, y = (torch.cat([chunk[level] for chunk in chunks]) for chunks in (a, b))
        if x.shape != y.shape:
            raise BadInput(f"A sliced Wasserstein distance compares equally many patches; got {len(x):,} and {len(y):,}.")
        channels = x.shape[1] // PATCH**2
        x = _normalised(x, channels)
        yield
        y = _normalised(y, channels)
        yield
        gaps = []
        for some in _directions(x.shape[1], directions, rng).split(4):
            gaps.append(float((_sorted(x, some) - _sorted(y, some)).abs().mean()))
            yield
        found[side] = 1000 * sum(gaps) / len(gaps)
    return found


def _normalised(x: Tensor, channels: int) -> Tensor:
    """Patches (m, C · 49) with mean 0 and deviation 1 in each channel."""
    v = x.view(len(x), channels, PATCH**2)
    mean, std = v.mean((0, 2), keepdim=True), v.std((0, 2), keepdim=True)
    return ((v - mean) / std.clamp(min=1e-6)).flatten(1)


def _directions(d: int, count: int, rng: torch.Generator) -> Tensor:
    return F.normalize(torch.randn(count, d, generator=rng), dim=1)


def _sorted(x: Tensor, directions: Tensor) -> Tensor:
    return torch.from_numpy(np.sort((directions @ x.T).numpy(), axis=1))  # numpy's sort is vectorised, torch's is not


# --- structural similarity ----------------------------------------------------------------------------------------


def window(size: int) -> int:
    """Side of the Gaussian window for pictures of `size` px: 11 from 64 px on, else 7."""
    return 11 if size >= 64 else 7


def scales(size: int) -> int:
    """How many scales a picture of `size` px has room for, at most five: 3 for 28 … 64 px, 4 for 128, 5 from 256 on."""
    return max(k for k in range(1, len(BETAS) + 1) if k == 1 or (size // (k - 1) ** 2 > window(size) - 1 and size >= 2**k))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of pairs of pictures (n, C, s, s): (n,), 1 for equal ones (Wang et al. 2004)."""
    return _similarity(a.float(), b.float(), window(a.shape[-1]))[0]


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity over scales of pairs of pictures (n, C, s, s): (n,), 1 for equal ones (Wang et al. 2003).

    With as many scales as the side has room for; their exponents are the first of the paper's five, scaled to the sum of 1.
    Contrast and structure that are negative count as 0.
    """
    a, b, size = a.float(), b.float(), a.shape[-1]
    betas = torch.tensor(BETAS[: scales(size)])
    betas /= betas.sum()
    result = a.new_ones(len(a))
    for i, beta in enumerate(betas):
        similarity, contrast = _similarity(a, b, window(size))
        last = i == len(betas) - 1
        result = result * (similarity if last else contrast).clamp(min=0) ** float(beta)
        if not last:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return result


def _similarity(a: Tensor, b: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Means over the picture of SSIM (borders reflected) and of its factor for contrast and structure (inside): (n,) each."""
    pad, sigma = side // 2, 1.5 * side / 11
    line = torch.exp(-((torch.arange(side) - pad) / sigma).square() / 2)
    a, b = (F.pad(v, (pad, pad, pad, pad), mode="reflect") for v in (a, b))
    mean_a, mean_b, aa, bb, ab = _filtered(torch.cat([a, b, a * a, b * b, a * b]), line / line.sum()).chunk(5)
    var_a, var_b, cov = (aa - mean_a**2).clamp(min=0), (bb - mean_b**2).clamp(min=0), ab - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    contrast = (2 * cov + c2) / (var_a + var_b + c2)
    full = contrast * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return full.mean((1, 2, 3)), contrast[..., pad:-pad, pad:-pad].mean((1, 2, 3))


def pairs(n: int, most: int, rng: torch.Generator, chunk: int = 64) -> Iterable[tuple[Tensor, Tensor]]:
    """Up to `most` disjoint random pairs of 0 … n-1 in chunks: two index tensors each."""
    order = torch.randperm(n, generator=rng)
    half = min(most, n // 2)
    return zip(order[:half].split(chunk), order[half : 2 * half].split(chunk), strict=True)
