"""Measures on features against closed forms, textbook loops and torchmetrics."""

import math

import numpy as np
import pytest
import torch

from models.errors import BadInput
from models.metrics import image


def normal(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exact(n: int, d: int, seed: int = 0) -> torch.Tensor:
    """Rows whose mean is 0 and whose unbiased covariance is the identity, up to rounding."""
    x = normal(n, d, seed)
    x = x - x.mean(0)
    return torch.linalg.qr(x).Q * math.sqrt(n - 1)


# --- Fréchet distance ---------------------------------------------------------------------------------------------


def test_frechet_of_shifted_and_scaled_gaussians_is_the_closed_form():
    x = exact(300, 6)
    shift = torch.tensor([1.0, -2.0, 0, 0, 3, 0])
    assert image.frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert image.frechet(x, exact(200, 6, 1) + shift) == pytest.approx(14)  # |shift|²
    assert image.frechet(x, 3 * x) == pytest.approx(6 * (3 - 1) ** 2)  # Σ (σa - σb)²
    scales = torch.tensor([1.0, 2, 0.5, 4, 1, 0])
    assert image.frechet(x, scales * exact(500, 6, 2)) == pytest.approx(float((scales - 1).square().sum()))


def test_frechet_of_covariances_that_do_not_commute():
    """tr (Σa Σb)^½ from the eigenvalues of the product itself, in numpy."""
    mixes = [np.random.default_rng(s).normal(size=(5, 5)) for s in (1, 2)]
    a, b = (exact(100, 5, s).numpy() @ m for s, m in zip((3, 4), mixes, strict=True))
    cov_a, cov_b = (m.T @ m for m in mixes)
    root = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real).sum()
    assert image.frechet(a, b) == pytest.approx(np.trace(cov_a) + np.trace(cov_b) - 2 * root)
    assert image.frechet(a, b) == pytest.approx(image.frechet(b, a))
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(5, 5)))[0]
    assert image.frechet(a @ turn + 7, b @ turn + 7) == pytest.approx(image.frechet(a, b))


def test_frechet_is_refused_with_too_few_pictures():
    with pytest.raises(BadInput, match=r"64 features needs at least 640 pictures, and there are 639"):
        image.frechet(normal(639, 64), normal(1000, 64))
    image.frechet(normal(640, 64), normal(640, 64))
    with pytest.raises(BadInput, match="not finite"):
        image.frechet(normal(20, 2), normal(20, 2) * math.nan)


class Flat(torch.nn.Module):
    """What torchmetrics takes for a net: pictures to features."""

    num_features = 12

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


@pytest.fixture(scope="module")
def tiny_pictures() -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    real = torch.rand(150, 3, 2, 2, generator=rng)
    return [real, 0.7 * torch.rand(170, 3, 2, 2, generator=rng) ** 2]


def test_frechet_agrees_with_torchmetrics(tiny_pictures):
    from torchmetrics.image.fid import FrechetInceptionDistance

    oracle = FrechetInceptionDistance(feature=Flat(), normalize=True, input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    real, fake = (x.double() for x in tiny_pictures)
    oracle.update(real, real=True)
    oracle.update(fake, real=False)
    assert image.frechet(real.flatten(1), fake.flatten(1)) == pytest.approx(float(oracle.compute()), rel=1e-6)


# --- kernel distance ----------------------------------------------------------------------------------------------


def test_kid_agrees_with_torchmetrics(tiny_pictures):
    from torchmetrics.image.kid import KernelInceptionDistance

    real, fake = (x[:150] for x in tiny_pictures)
    with pytest.warns(UserWarning, match="buffer"):  # it warns of its own memory
        oracle = KernelInceptionDistance(feature=Flat(), subsets=3, subset_size=150, normalize=True)
    oracle.update(real, real=True)
    oracle.update(fake, real=False)
    found = image.kid(real.flatten(1), fake.flatten(1), subsets=3, size=150)
    assert found.mean == pytest.approx(float(oracle.compute()[0]), abs=2e-6)
    assert found.std == pytest.approx(0, abs=1e-6)  # every subset is the whole


def test_kid_against_a_double_loop():
    x, y = normal(7, 3), normal(7, 3, 1) + 1
    k = lambda a, b: float((a @ b / 3 + 1) ** 3)  # noqa: E731
    within = sum(k(v[i], v[j]) for v in (x, y) for i in range(7) for j in range(7) if i != j) / 42
    between = sum(k(a, b) for a in x for b in y) / 49
    assert image.kid(x, y, subsets=1).mean == pytest.approx(within - 2 * between, rel=1e-5)


def test_kid_of_equal_distributions_is_zero_on_average_and_grows_with_the_gap():
    same = [image.kid(normal(200, 8, s), normal(200, 8, s + 100), subsets=1).mean for s in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / math.sqrt(40)
    assert min(same) < 0  # unbiased, so below zero at times
    near, far = (image.kid(normal(200, 8), normal(200, 8, 1) + gap).mean for gap in (0.3, 1.0))
    assert max(same) < near < far
    assert image.kid(normal(300, 4), normal(300, 4, 1), size=50, seed=3) == image.kid(normal(300, 4), normal(300, 4, 1), size=50, seed=3)
    with pytest.raises(BadInput, match="at least 2"):
        image.kid(normal(1, 4), normal(9, 4))


# --- precision, recall, density, coverage -------------------------------------------------------------------------


def textbook(real: np.ndarray, fake: np.ndarray, k: int) -> list[float]:
    gap = lambda a, b: math.dist(a, b)  # noqa: E731
    reach = lambda x: [sorted(gap(p, q) for j, q in enumerate(x) if j != i)[k - 1] for i, p in enumerate(x)]  # noqa: E731
    r, f = reach(real), reach(fake)
    precision = np.mean([any(gap(y, x) < r[i] for i, x in enumerate(real)) for y in fake])
    recall = np.mean([any(gap(y, x) < f[j] for j, y in enumerate(fake)) for x in real])
    density = np.mean([sum(gap(y, x) < r[i] for i, x in enumerate(real)) for y in fake]) / k
    coverage = np.mean([any(gap(y, x) < r[i] for y in fake) for i, x in enumerate(real)])
    return [float(v) for v in (precision, recall, density, coverage)]


@pytest.mark.parametrize(("n", "m", "k"), [(40, 40, 5), (30, 55, 3), (25, 20, 1)])
def test_prdc_agrees_with_a_plain_loop(n, m, k, monkeypatch):
    real, fake = normal(n, 3).numpy(), (0.8 * normal(m, 3, 1) + 0.5).numpy()
    expected = textbook(real, fake, k)
    assert list(image.prdc(real, fake, k)) == pytest.approx(expected)
    monkeypatch.setattr(image, "BLOCK", 3 * m)  # three rows at a time
    assert list(image.prdc(real, fake, k)) == pytest.approx(expected)


def test_prdc_tells_what_is_missing():
    real = normal(400, 4)
    same, half, far = normal(400, 4, 1), normal(400, 4, 1), normal(400, 4, 1) + 50
    half[:, 0] = half[:, 0].abs()
    assert min(image.prdc(real, same)) > 0.85
    assert image.prdc(real, half).precision > 0.85
    assert image.prdc(real, half).coverage < 0.75
    assert image.prdc(real, far) == (0, 0, 0, 0)
    assert image.prdc(real.float() + 1000, same.float() + 1000) == pytest.approx(image.prdc(real, same), abs=0.02)  # far from the origin
    with pytest.raises(BadInput, match="more than 5 pictures"):
        image.prdc(real[:5], same)


# --- twins --------------------------------------------------------------------------------------------------------


def test_twins_are_pairs_that_are_alike_in_every_space():
    x = normal(50, 6)
    y = x.clone()
    y[10] = y[11]
    y[20] = y[21] + 1e-3
    limit = image.twin_distance(image.nearest_other(x))
    assert 0 < limit < float(image.nearest_other(x).min())
    assert image.duplicates((x, limit)) == 0
    assert image.duplicates((y, limit)) == pytest.approx(4 / 50)
    assert image.duplicates((y, limit), (x, limit)) == 0
    assert image.duplicates((y, limit), (y, math.inf)) == pytest.approx(4 / 50)
    assert image.duplicates((y[:1], limit)) == 0
    assert image.duplicates((torch.zeros(30, 4), 0.0)) == 1


def test_equal_rows_are_twins_whatever_the_rounding(monkeypatch):
    x = (normal(40, 700) * 60 + 120).float()
    pairs = torch.cat([x, x])
    assert image.duplicates((pairs, 0.0)) == 1
    assert image.duplicates((x, 0.0)) == 0
    monkeypatch.setattr(image, "BLOCK", 160)
    assert image.duplicates((pairs, 0.0)) == 1


def test_copies_among_the_real_pictures_do_not_move_the_threshold():
    x = normal(200, 5)
    near = image.nearest_other(x)
    assert image.twin_distance(np.concatenate([near, np.zeros(60)])) == pytest.approx(image.twin_distance(near), rel=0.05)
    assert image.twin_distance([]) == 0
    assert image.twin_distance(np.zeros(4)) == 0


def test_nearest_other_is_the_nearest_other():
    x = normal(60, 3).numpy()
    expected = [min(math.dist(p, q) for j, q in enumerate(x) if i != j) for i, p in enumerate(x)]
    assert image.nearest_other(x) == pytest.approx(expected)
    assert image.nearest_other(x[:1]).tolist() == [math.inf]


@pytest.mark.parametrize("support", [50, 400, 3000])
def test_the_birthday_paradox_gives_the_size_of_a_source_back(support):
    rng = np.random.default_rng(0)
    shares = [np.mean(np.bincount(draw, minlength=support)[draw] > 1) for draw in rng.integers(0, support, (50, 500))]
    assert image.support(float(np.mean(shares)), 500) == pytest.approx(support, rel=0.1)
    assert image.support(0, 500) == math.inf
    assert image.support(1, 500) == 1


# --- classes ------------------------------------------------------------------------------------------------------


def test_classes_are_covered_when_they_occur_often_enough():
    real = np.repeat(np.arange(4), 100)
    assert image.classes(real, real, 4) == pytest.approx((1, 1))
    assert image.classes(np.zeros(100), real, 4) == pytest.approx((0.25, 0))
    assert image.classes([0] * 96 + [1, 2, 3, 3], real, 4).covered == 0.25  # 2 % is less than a tenth of 25 %
    assert image.classes([0] * 92 + [1] * 4 + [2] * 4, real, 4).covered == 0.75
    assert image.classes([0, 1] * 50, real, 4) == pytest.approx((0.5, 0.5))
    assert image.classes([0, 1] * 50, [0, 1] * 9, 4).covered == 1  # classes that the real pictures lack are not asked for


def test_nothing_touches_the_global_generators():
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    image.kid(normal(30, 3), normal(30, 3))
    image.prdc(normal(30, 3), normal(30, 3))
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
