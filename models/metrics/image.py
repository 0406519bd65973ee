"""Measures on features of pictures: how far two sets are from each other, what one has of the other, and what it repeats.

All take float tensors or arrays, one row a picture, are pure, and draw from generators of their own. A function that takes
long has a twin named `…_parts`: a generator that pauses after each piece of some 50 ms and returns the same result, so that
a training can go on in between.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput

T = TypeVar("T")
Parts = Generator[None, None, T]

ENOUGH = 10  # samples a dimension that the Fréchet distance needs: with fewer, its bias is as large as what it should show
BLOCK = 2 << 20  # float64 entries of a matrix of distances that are held at a time, 16 MB


def whole(parts: Parts[T]) -> T:
    """Run a `…_parts` generator to its end and return its result."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


# --- distances of two sets ----------------------------------------------------------------------------------------


def frechet(a: Any, b: Any) -> float:
    """Fréchet distance of the Gaussians with the means and covariances of two sets of features (n, d) and (m, d).

    |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½), as Heusel et al. (2017, eq. 6) use it with features of an Inception net; with
    features of another net its values mean something else, so it must not be called FID. In float64; the trace of the
    root is the sum of the roots of the eigenvalues of the symmetric Σa^½ Σb Σa^½, which has no complex residue.

    Raises:
        BadInput: fewer than 10·d rows in either, or features that are not finite.
    """
    a, b = _rows(a), _rows(b)
    few, d = min(len(a), len(b)), a.shape[1]
    if few < ENOUGH * d:
        raise BadInput(f"A Fréchet distance on {d} features needs at least {ENOUGH * d:,} pictures, and there are {few:,}: its bias would hide it.")
    (mean_a, cov_a), (mean_b, cov_b) = _moments(a), _moments(b)
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    gap = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross
    return max(0.0, float(gap))


class Kid(NamedTuple):
    """Kernel distance: mean and standard deviation over the subsets."""

    mean: float
    std: float


def kid(a: Any, b: Any, *, subsets: int = 50, size: int = 1000, seed: int = 0) -> Kid:
    """Kernel distance (KID) of two sets of features (n, d) and (m, d): the unbiased MMD² with the kernel (x·y/d + 1)³.

    Bińkowski et al. (2018), section 4. Means over `subsets` random subsets of `size` rows (all rows where there are
    fewer), drawn from `seed`. Unbiased, so it may be slightly negative, and it needs no minimum of rows beyond two.
    """
    return whole(kid_parts(a, b, subsets=subsets, size=size, seed=seed))


def kid_parts(a: Any, b: Any, *, subsets: int = 50, size: int = 1000, seed: int = 0) -> Parts[Kid]:
    """`kid`, with pauses."""
    a, b = _rows(a), _rows(b)
    size = min(size, len(a), len(b))
    if size < 2:
        raise BadInput(f"A kernel distance needs at least 2 pictures of either kind, and there are {size}.")
    rng = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(subsets):
        x, y = (v[torch.randperm(len(v), generator=rng)[:size]].float() for v in (a, b))
        found.append(_mmd2(x, y))
        yield
    values = np.array(found)
    return Kid(float(values.mean()), float(values.std()))


def _mmd2(x: Tensor, y: Tensor) -> float:
    """Unbiased MMD² of equally many rows (Gretton et al. 2012, eq. 3) with the polynomial kernel of degree 3."""
    m, d = x.shape
    within = 0.0
    for v in (x, y):
        k = (v @ v.T).div_(d).add_(1)
        k = k * k * k
        within += float(k.sum(dtype=torch.float64) - k.diagonal().sum(dtype=torch.float64)) / (m * (m - 1))
    k = (x @ y.T).div_(d).add_(1)
    return within - 2 * float((k * k * k).mean(dtype=torch.float64))


# --- what one set has of the other --------------------------------------------------------------------------------


class Prdc(NamedTuple):
    """Shares; all but density lie in [0, 1]."""

    precision: float  # of fakes within the balls of the real
    recall: float  # of real within the balls of the fakes
    density: float  # balls of the real that a fake lies in, over k; 1 for equal distributions
    coverage: float  # of real whose ball holds a fake


def prdc(real: Any, fake: Any, k: int = 5) -> Prdc:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of features (n, d), (m, d).

    The ball of a point reaches to its k-th nearest neighbour in its own set. Distances are computed in float64, in blocks.

    Raises:
        BadInput: no more than k rows in either.
    """
    return whole(prdc_parts(real, fake, k))


def prdc_parts(real: Any, fake: Any, k: int = 5) -> Parts[Prdc]:
    """`prdc`, with pauses."""
    real, fake = _rows(real).double(), _rows(fake).double()
    if min(len(real), len(fake)) <= k:
        raise BadInput(
            f"Precision and recall with {k} neighbours need more than {k} pictures of either kind, and there are {min(len(real), len(fake))}."
        )
    reach_real = yield from _neighbours(real, k)
    reach_fake = yield from _neighbours(fake, k)
    inside = torch.zeros(len(fake), dtype=torch.int64)  # balls of the real around each fake
    recalled = covered = 0
    for rows in _blocks(len(real), len(fake)):
        gap = squared(real[rows], fake)
        within = gap < reach_real[rows, None]
        inside += within.sum(0)
        covered += int(within.any(1).sum())
        recalled += int((gap < reach_fake).any(1).sum())
        yield
    n = len(real)
    return Prdc(float((inside > 0).double().mean()), recalled / n, float(inside.double().mean()) / k, covered / n)


def _neighbours(x: Tensor, k: int) -> Parts[Tensor]:
    """Squared distance of each row to its k-th nearest other row, (n,)."""
    found = []
    for rows in _blocks(len(x), len(x)):
        gap = squared(x[rows], x)
        gap[torch.arange(len(gap)), torch.arange(rows.start, rows.start + len(gap))] = math.inf  # not itself
        found.append(gap.topk(k, dim=1, largest=False).values[:, -1])
        yield
    return torch.cat(found)


def nearest_other(x: Any) -> np.ndarray:
    """Distance of each row of (n, d) to the nearest other row, (n,); infinite for a single row."""
    return whole(nearest_other_parts(x))


def nearest_other_parts(x: Any) -> Parts[np.ndarray]:
    """`nearest_other`, with pauses."""
    x = _rows(x)
    if len(x) < 2:
        return np.full(len(x), math.inf)
    return (yield from _neighbours(x, 1)).sqrt().numpy()


# --- what a set repeats -------------------------------------------------------------------------------------------

NEAR = 0.5  # of the real pictures' closeness, below which two samples look alike


def twin_distance(real: Any) -> float:
    """The distance up to which two pictures count as alike, from the real pictures' distances to their nearest other, (n,).

    Half of what all but 1 % of the real pictures keep from their nearest other (exact copies among them left out): nothing
    that the data show as two pictures is that near, while copies, also with a little noise, are. Pictures that vary less
    than the real ones, as blurred ones do, lie closer together without being alike, and the half leaves room for that.
    """
    real = np.asarray(real, np.float64)
    apart = real[real > 1e-3 * np.median(real)] if len(real) else real
    return NEAR * float(np.quantile(apart, 0.01)) if len(apart) else 0.0


def duplicates(*spaces: tuple[Any, float]) -> float:
    """Share of pictures that have a near twin: another one that is alike in every space.

    A space is (features (n, d), distance up to which two count as alike). Small copies of the pictures and a judge's features
    together are safer than either: flat or blurred pictures lie close in pixels, unusual ones in features.
    """
    return whole(duplicates_parts(*spaces))


def duplicates_parts(*spaces: tuple[Any, float]) -> Parts[float]:
    """`duplicates`, with pauses."""
    sets = [(_rows(x), limit) for x, limit in spaces]
    n = len(sets[0][0])
    count = 0
    for rows in _blocks(n, n):
        alike = torch.ones(rows.stop - rows.start, n, dtype=torch.bool)
        for x, limit in sets:
            alike &= squared(x[rows], x) <= limit**2 + 1e-6 * float(x.square().sum(1).max())  # the rounding of equal rows
            yield
        alike[torch.arange(len(alike)), torch.arange(rows.start, rows.stop)] = False
        count += int(alike.any(1).sum())
    return count / n if n else 0.0


def support(share: float, n: int) -> float:
    """How many different pictures a uniform source has of which `share` of `n` samples have a twin; infinite without twins.

    The birthday paradox as Arora and Zhang (2017) use it: a sample has no twin with probability (1 - 1/N)^(n-1).
    """
    if share <= 0:
        return math.inf
    if share >= 1 or n < 2:
        return 1.0
    return 1 / (1 - (1 - share) ** (1 / (n - 1)))


class Classes(NamedTuple):
    """What share of the classes occurs, and how evenly."""

    covered: float
    entropy: float


def classes(found: Any, real: Any, count: int) -> Classes:
    """Class coverage and entropy of predicted classes (n,), against those of real pictures (m,), both in 0 … count-1.

    A class that the real pictures have is covered if the samples have it at least a tenth as often. The entropy is that of
    the histogram over log(count): 1 if all classes are equally frequent, 0 if there is but one.
    """
    shares, wanted = (np.bincount(np.asarray(v, np.int64), minlength=count) / max(1, len(v)) for v in (found, real))
    there = wanted > 0
    covered = float((shares[there] >= 0.1 * wanted[there]).mean()) if there.any() else 0.0
    some = shares[shares > 0]
    return Classes(covered, abs(float(-(some * np.log(some)).sum())) / math.log(max(2, count)))


# --- common -------------------------------------------------------------------------------------------------------


def squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances of rows (n, d) and (m, d) in their own precision: (n, m), never negative."""
    centre = b.mean(0)
    a, b = a - centre, b - centre  # near zero: less is lost to cancellation
    gap = torch.addmm(a.square().sum(1)[:, None] + b.square().sum(1), a, b.T, alpha=-2)
    return gap.clamp_(min=0)


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, BLOCK // max(1, columns))
    return [slice(start, min(rows, start + step)) for start in range(0, rows, step)]


def _rows(x: Any) -> Tensor:
    """(n, d) on the CPU; raises BadInput where a feature is not finite."""
    x = torch.as_tensor(np.array(x) if isinstance(x, np.ndarray) and not x.flags.writeable else x).detach().cpu()
    if not bool(torch.isfinite(x).all()):
        raise BadInput("Some features are not finite numbers, so no distance can be computed: the samples or the net are damaged.")
    return x


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) in float64."""
    x = x.double()
    mean = x.mean(0)
    x = x - mean
    return mean, x.T @ x / (len(x) - 1)
