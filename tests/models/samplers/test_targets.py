"""Every density: gradient, exact draws, moments, rows on their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from models.catalog import TARGETS as NAMES
from models.catalog import target as open_target
from models.errors import BadData, BadInput
from models.samplers.drawn import Drawn, dabbed
from models.samplers.grid import Grid
from models.samplers.targets import TARGETS


def blobs(n: int = 32) -> np.ndarray:
    row, column = np.mgrid[:n, :n] * (32 / n)
    weights = np.exp(-((column - 8) ** 2 + (row - 20) ** 2) / 20) + 0.5 * np.exp(-((column - 22) ** 2) / 40 - (row - 10) ** 2 / 8)
    return np.where(weights < 0.02, 0, weights)


MADE = [*NAMES, "ill-conditioned:2", "ill-conditioned:100", "expr:-x**4+2*x**2", "expr:logsumexp(-(x-2)^2, -(x+2)^2/.5) - y**2*(1+x**2)/2", "drawn"]


@pytest.fixture(scope="module", params=MADE)
def target(request):
    return Drawn(blobs()) if request.param == "drawn" else open_target(request.param)


def places(target, n: int = 300) -> torch.Tensor:
    """Where chains go, and further out."""
    x = target.draw(n, np.random.default_rng(7))
    return torch.cat([x, 1.5 * x + 0.1])


def test_the_catalog_names_them_all():
    assert tuple(TARGETS) == NAMES
    assert all(open_target(name).name.startswith(name) for name in NAMES)


def test_gradients_against_finite_differences(target):
    x, h = places(target), 1e-5
    gradient = target.log_p_and_grad(x)[1]
    steps = h * torch.eye(target.d, dtype=torch.float64)
    for j in range(target.d):
        number = (target.log_p(x + steps[j]) - target.log_p(x - steps[j])) / (2 * h)
        assert ((number - gradient[:, j]).abs() / (1 + gradient[:, j].abs())).max() < 2e-5


def test_gradients_against_autograd(target):
    x = places(target).requires_grad_()
    with torch.enable_grad():
        value = target._value(x) if target.name.startswith("expr") else target.log_p(x)
    (found,) = torch.autograd.grad(value.sum(), x)
    log_p, scores = target.log_p_and_scores(x.detach())
    known = found.isfinite().all(1)  # autograd divides 0 by 0 where a painting is empty
    assert known.double().mean() > 0.8
    assert torch.allclose(scores.sum(1)[known], found[known], rtol=1e-9, atol=1e-9)
    assert torch.allclose(log_p, value.detach(), rtol=1e-12, atol=1e-12)
    assert scores.shape == (len(x), len(target.terms), target.d)
    assert torch.equal(target.log_p_and_grad(x.detach())[1], scores.sum(1))


def test_draws_have_the_stated_moments(target):
    x = target.draw(20_000 if target.d < 50 else 4_000, np.random.default_rng(3))
    if target.name == "funnel":  # its x has a fourth moment too large for this: e^(-v/2) x is N(0, 1)
        x = torch.stack([x[:, 0], x[:, 1] * (-x[:, 0] / 2).exp()], 1)
        truth = torch.diag(torch.tensor([9.0, 1.0], dtype=torch.float64))
    else:
        truth = target.covariance
    off = x - target.mean
    assert (off.mean(0) / off.std(0)).abs().max() * len(x) ** 0.5 < 4.5
    products = off[:, :, None] * off[:, None]
    assert ((products.mean(0) - truth) / products.std(0)).abs().max() * len(x) ** 0.5 < 4.5


def test_moments_against_quadrature(target):
    if target.d > 2:
        pytest.skip("a grid has two dimensions at most")
    if target.name == "funnel":  # its neck is thinner than a cell, so in v and u = e^(-v/2) x
        grid = Grid.of(lambda z: target.log_p(torch.stack([z[:, 0], z[:, 1] * (z[:, 0] / 2).exp()], 1)) + z[:, 0] / 2, ((-30, 30), (-8, 8)), 512)
        mean, covariance = grid.moments()
        assert mean.abs().max() < 1e-9
        assert covariance.flatten().tolist() == pytest.approx([9, 0, 0, 1], abs=3e-3)
        assert abs(grid.log_total) < 1e-6
        return
    wide = tuple((m - 12 * s, m + 12 * s) for m, s in zip(target.mean.tolist(), target.covariance.diagonal().sqrt().tolist(), strict=True))
    grid = target.on_grid(1024, bounds=wide)
    mean, covariance = grid.moments()
    sd = target.covariance.diagonal().sqrt()
    assert ((mean - target.mean) / sd).abs().max() < 2e-3
    assert ((covariance - target.covariance) / torch.outer(sd, sd)).abs().max() < 8e-3
    if not target.name.startswith(("expr", "donut", "twin")):
        assert abs(grid.log_total) < 2e-3  # normalised


def test_a_row_does_not_depend_on_its_company(target):
    x = target.draw(1000, np.random.default_rng(1))
    log_p, scores = target.log_p_and_scores(x)
    plain = target.log_p(x)
    for n in (1, 2, 3, 7, 64, 65, 256):
        few, some = target.log_p_and_scores(x[:n].clone())
        assert torch.equal(few, log_p[:n])
        assert torch.equal(some, scores[:n])
        assert torch.equal(target.log_p(x[:n].clone()), plain[:n])


def test_far_away_and_broken_positions_raise_nothing(target):
    x = torch.tensor([1e200, -1e200, math.inf, math.nan, 0.0], dtype=torch.float64)[:, None].expand(5, target.d).clone()
    log_p, gradient = target.log_p_and_grad(x)
    assert log_p.shape == (5,)
    assert gradient.shape == x.shape
    assert not (log_p[:4] > 0).any()


def test_the_plane_of_many_dimensions_is_their_marginal():
    target = open_target("ill-conditioned:50")
    _, covariance = target.on_grid(400).moments()
    assert torch.allclose(covariance, target.covariance[:2, :2], rtol=2e-3, atol=2e-3)


def test_ill_conditioned_is_ill_conditioned():
    values = torch.linalg.eigvalsh(open_target("ill-conditioned:30").covariance)
    assert torch.allclose(values[[0, -1]], torch.tensor([0.01, 1.0], dtype=torch.float64))
    for bad in ("1", "101", "x", "-3", "9999999"):
        with pytest.raises(BadInput, match="2 to 100 dimensions"):
            open_target(f"ill-conditioned:{bad}")


def test_unknown_targets_are_told():
    with pytest.raises(BadInput, match="There is no target 'bannana': give normal"):
        open_target("bannana")


def test_twin_terms_and_powers():
    twin = open_target("twin")
    x = places(twin)
    prior, condition = twin.prior.log_p_and_grad(x), twin.condition(x)
    log_p, scores = twin.log_p_and_scores(x)
    assert torch.allclose(log_p, prior[0] + condition[0])
    assert torch.equal(scores[:, 0], prior[1])
    assert torch.equal(scores[:, 1], condition[1])
    assert torch.allclose(twin.log_tempered(x, (2.0, 0.5)), 2 * prior[0] + condition[0] / 2)
    with pytest.raises(BadInput, match="set ε3 above 0"):
        twin.on_grid(32, (math.inf, 1.0))


def test_grid_draws_and_distance():
    grid = open_target("banana").on_grid(256)
    x = grid.draw(40_000, np.random.default_rng(0))
    mean, covariance = grid.moments()
    assert ((x.mean(0) - mean) / covariance.diagonal().sqrt()).abs().max() < 4.5 / 200
    assert (torch.cov(x.T) - covariance).abs().max() < 0.1
    coarse = grid.coarse(16)
    assert float(coarse.mass.sum()) == pytest.approx(1)
    assert coarse.distance(x) < 0.05
    assert coarse.distance(x + 20) == pytest.approx(1)
    assert 0.2 < coarse.distance(x + torch.tensor([1.0, 0.0], dtype=torch.float64)) < 1
    assert float((grid.density * math.prod(grid.sizes)).sum()) == pytest.approx(1)


# --- drawn --------------------------------------------------------------------------------------------------------


def test_a_painting_stands_the_right_way_up():
    weights = np.zeros((8, 8))
    weights[0, 7] = 1  # top right
    assert (Drawn(weights).mean > 3).all()
    weights[0, 7], weights[7, 7] = 0, 1  # bottom right
    assert Drawn(weights).mean.tolist() == pytest.approx([3.465, -3.465])


def test_the_brush_paints_where_it_is_put():
    weights = dabbed(np.zeros((64, 64)), (1.5, -2.0), 0.4, 1.0)
    target = Drawn(weights)
    assert (target.mean / 0.99).tolist() == pytest.approx([1.5, -2], abs=1e-3)
    assert weights.max() == pytest.approx(1, abs=0.05)  # the middle lies between cells
    assert np.abs(dabbed(weights, (1.5, -2.0), 0.4, -1.0)).max() < 1e-12
    assert (dabbed(weights, (0.0, 0.0), 1.0, -5.0) >= 0).all()


def test_a_painting_is_smooth_and_positive():
    target = Drawn(np.random.default_rng(0).random((16, 16)) * (np.arange(16) % 5 == 0))
    jumps = []
    for n in (50_001, 200_001):
        line = torch.stack([torch.linspace(-12, 12, n, dtype=torch.float64), torch.full((n,), 0.37, dtype=torch.float64)], 1)
        log_p, gradient = target.log_p_and_grad(line)
        assert log_p.isfinite().all()
        assert torch.allclose(gradient[-1], -line[-1] / 4)  # outside, a Gaussian of standard deviation 2
        jumps.append(float((gradient[1:] - gradient[:-1]).abs().max()))
    assert jumps[1] < 0.3 * jumps[0]  # none that would stay, at a cell's border


@pytest.mark.parametrize("suffix", ["json", "png"])
def test_a_painting_is_saved_and_loaded(tmp_path, suffix):
    target, path = Drawn(blobs()), tmp_path / f"density.{suffix}"
    target.save(path)
    again = open_target(str(path))
    assert again.name == str(path)
    tolerance = 0 if suffix == "json" else 1 / 255
    assert np.abs(again.weights / again.weights.max() - target.weights / target.weights.max()).max() <= tolerance


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", b"{", "is not a drawn density"),
        ("a.json", b"[" * 100_000, "is not a drawn density"),
        ("a.json", b'{"format": "sampling-studio drawn density", "weights": [[1, "x"]]}', "is not a drawn density"),
        ("a.json", b'{"format": "sampling-studio drawn density", "weights": [[1, 2], [3, 4]]}', "4 to 256 cells"),
        ("a.json", b'{"format": "sampling-studio drawn density", "weights": 5}', "4 to 256 cells"),
        ("a.json", None, "cannot be read"),
        ("a.png", b"no picture", "cannot be read"),
    ],
)
def test_files_that_are_no_paintings(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=says):
        open_target(str(tmp_path / name))


def test_pictures_that_are_too_large_or_cut_off(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (300, 300), 128).save(path)
    with pytest.raises(BadData, match="300 x 300 points; a drawn density has at most 256 a side"):
        Drawn.load(path)
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadData, match=r"cannot be read|damaged"):
        Drawn.load(path)
    Image.new("RGB", (16, 16), (255, 255, 255)).save(path)  # colours count by their brightness
    assert Drawn.load(path).weights.min() == 1


@pytest.mark.parametrize("weights", [np.zeros((8, 8)), -np.ones((8, 8)), np.full((8, 8), np.nan), np.ones((8, 9)), np.ones((300, 300)), np.ones(8)])
def test_weights_that_are_no_density(weights):
    with pytest.raises(BadData, match="A drawn density"):
        Drawn(weights)
