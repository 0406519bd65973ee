"""Every row of the table against its definition, closed forms and quadrature; its outputs where they are held."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from models.divergences import DIVERGENCES, LEAST, LIMIT, curves, ess, log_beta, log_mean_exp, weighted

NAMES = list(DIVERGENCES)
LINEAR = [name for name in NAMES if name != "dv"]  # whose bound is a difference of two means
EXPONENTIAL = ["kl", "reverse-kl", "hellinger", "dv"]
U = torch.logspace(-2, 1.3, 60, dtype=torch.float64)  # p/q


def categoricals(K: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two distributions (K,) float64, nowhere 0."""
    draw = np.random.default_rng(seed).dirichlet(np.ones(K), 2) * 0.9 + 0.1 / K
    return torch.from_numpy(draw[0]), torch.from_numpy(draw[1])


def copies(p: Tensor, q: Tensor, n: int = 1000) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two distributions of n-ths, and the cells of samples that have exactly these shares."""
    counts = [torch.floor(x * n).long() for x in (p, q)]
    for c in counts:
        c[0] += n - c.sum()
    cells = [torch.repeat_interleave(torch.arange(len(c)), c) for c in counts]
    return counts[0].double() / n, counts[1].double() / n, cells[0], cells[1]


# --- the rows -----------------------------------------------------------------------------------------------------


def test_the_table_has_the_rows_it_is_known_by():
    assert NAMES == ["gan", "jsd", "kl", "reverse-kl", "hellinger", "chi2", "dv"]
    for name, d in DIVERGENCES.items():
        assert d.name == name
        assert all((d.title, d.f_text, d.conjugate_text, d.nu_text, d.T_text, d.w_text))


@pytest.mark.parametrize("name", NAMES)
def test_the_conjugate_is_the_supremum(name):
    d = DIVERGENCES[name]
    t = d.T_star(U)
    grid = torch.logspace(-3, 2.5, 8001, dtype=torch.float64)
    lines = t[:, None] * grid - d.f(grid)
    torch.testing.assert_close(d.conjugate(t), lines.max(1).values, rtol=1e-5, atol=1e-5)
    assert (d.conjugate(t)[:, None] >= lines - 1e-9).all()


@pytest.mark.parametrize("name", NAMES)
def test_f_is_convex_and_T_is_its_slope(name):
    d, u = DIVERGENCES[name], U.clone().requires_grad_()
    (slope,) = torch.autograd.grad(d.f(u).sum(), u)
    torch.testing.assert_close(d.T_star(U), slope)
    assert (slope.diff() > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_outputs_lead_to_T_and_weights_to_the_ratio(name):
    d = DIVERGENCES[name]
    F = d.F_star(U)
    torch.testing.assert_close(d.nu(F), d.T_star(U))
    torch.testing.assert_close(d.fake(F), d.conjugate(d.nu(F)))
    t = d.T_star(U).requires_grad_()
    (w,) = torch.autograd.grad(d.conjugate(t).sum(), t)
    torch.testing.assert_close(w, U)  # (∂f*/∂T)(T*(u)) = u
    scale = U.mean() if name == "dv" else 1.0  # its mean weight is 1
    torch.testing.assert_close(d.w(F), U / scale)
    torch.testing.assert_close(d.log_w(F).exp(), d.w(F))


@pytest.mark.parametrize("name", NAMES)
def test_weights_rise_with_the_output(name):
    d = DIVERGENCES[name]
    w = d.w(torch.linspace(-1.9, 8, 100, dtype=torch.float64))
    assert (w.diff() > 0).all()
    assert (w > 0).all()


# --- the bound ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_is_below_the_divergence_and_tight_where_the_output_is_the_best(name):
    d = DIVERGENCES[name]
    p, q, of_p, of_q = copies(*categoricals())
    truth = d.value(p, q)
    best = d.F_star(p / q)
    torch.testing.assert_close(d.bound(best[of_p], best[of_q]), truth)
    V, w = d.exact(best, p, q)
    torch.testing.assert_close(V, truth)
    torch.testing.assert_close(w, p / q)
    rng = torch.Generator().manual_seed(1)
    for spread in (0.1, 1.0, 4.0):
        for _ in range(20):
            F = best + spread * torch.randn(len(p), generator=rng, dtype=torch.float64)
            V = d.bound(F[of_p], F[of_q])
            assert truth + 1e-12 >= V
            torch.testing.assert_close(d.exact(F, p, q)[0], V)


def test_donsker_varadhan_does_not_see_a_constant_and_is_tighter_than_its_linear_bound():
    d, (p, q) = DIVERGENCES["dv"], categoricals()
    F = torch.randn(len(p), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    real, fake = torch.tensor([0, 1, 1, 2]), torch.tensor([3, 4, 5, 0, 1])
    for c in (-3.0, 2.5):
        torch.testing.assert_close(d.bound(F[real] + c, F[fake] + c), d.bound(F[real], F[fake]))
        torch.testing.assert_close(d.w(F + c), d.w(F))
        for a, b in zip(d.exact(F + c, p, q), d.exact(F, p, q), strict=True):
            torch.testing.assert_close(a, b)
    assert d.bound(F[real], F[fake]) > (d.nu(F[real]).mean() - d.fake(F[fake]).mean())
    torch.testing.assert_close(d.w(F).mean(), torch.ones((), dtype=torch.float64))
    torch.testing.assert_close(d.log_w(F[real], F[fake]), F[real] - F[fake].exp().mean().log())  # of data, by the samples' mean weight


# --- closed forms -------------------------------------------------------------------------------------------------


def gaussian(x: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    return np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (0.7, 1.0), (-0.4, 0.8), (0.5, 1.2)])
def test_two_gaussians(mean, deviation):
    """N(mean, deviation²) against N(0, 1)."""
    x, step = np.linspace(-14, 14, 40_001, retstep=True)
    p, q = gaussian(x, mean, deviation), gaussian(x, 0, 1)
    mixture, v = (p + q) / 2, deviation**2
    with np.errstate(divide="ignore", invalid="ignore"):
        js = sum(np.where(side > 0, side * np.log(side / mixture), 0).sum() for side in (p, q)) * step / 2
    kl = math.log(1 / deviation) + (v + mean**2) / 2 - 0.5
    reverse = math.log(deviation) + (1 + mean**2) / (2 * v) - 0.5
    overlap = math.sqrt(2 * deviation / (1 + v)) * math.exp(-0.25 * mean**2 / (1 + v))
    chi2 = math.exp(mean**2 / (2 - v)) / (deviation * math.sqrt(2 - v)) - 1
    wanted = {"gan": 2 * js - math.log(4), "jsd": 2 * js, "kl": kl, "reverse-kl": reverse, "hellinger": 2 - 2 * overlap, "chi2": chi2, "dv": kl}
    for name, truth in wanted.items():
        found = DIVERGENCES[name].value(torch.from_numpy(p * step), torch.from_numpy(q * step))
        assert float(found) == pytest.approx(truth, abs=2e-5), name


def test_two_categoricals_one_of_which_has_zeros():
    p, q = np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.25, 0.125, 0.625, 0.0])
    some, m = p > 0, (p + q) / 2
    kl = (p[some] * np.log(p[some] / q[some])).sum()
    js = (kl_to(p, m) + kl_to(q, m)) / 2
    wanted = {
        "gan": 2 * js - math.log(4),
        "jsd": 2 * js,
        "kl": kl,
        "reverse-kl": math.inf,
        "hellinger": 2 - 2 * np.sqrt(p * q).sum(),
        "chi2": ((p - q)[:3] ** 2 / q[:3]).sum(),
        "dv": kl,
    }
    for name, truth in wanted.items():
        assert float(DIVERGENCES[name].value(torch.from_numpy(p), torch.from_numpy(q))) == pytest.approx(truth), name


def kl_to(p: np.ndarray, m: np.ndarray) -> float:
    some = p > 0
    return float((p[some] * np.log(p[some] / m[some])).sum())


@pytest.mark.parametrize("name", NAMES)
def test_a_distribution_is_nearest_to_itself(name):
    p, q = categoricals()
    least = -math.log(4) if name == "gan" else 0.0
    assert float(DIVERGENCES[name].value(p, p)) == pytest.approx(least, abs=1e-12)
    assert float(DIVERGENCES[name].value(p, q)) > least + 0.01


# --- outputs that run off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [30.0, 1e4])
def test_bound_and_weights_stay_finite_in_float32(name, size):
    d = DIVERGENCES[name]
    real, fake = (torch.tensor([-size, -1.0, 0.0, 1.0, size]).requires_grad_() for _ in range(2))
    V, log_w = d.bound(real, fake), d.log_w(fake)
    for value in (V, log_w, *torch.autograd.grad(V, (real, fake)), *torch.autograd.grad(log_w.square().mean(), fake)):
        assert value.isfinite().all()
    tilde = log_w.softmax(0)
    assert tilde.isfinite().all()
    assert float(tilde.detach().sum()) == pytest.approx(1)
    assert math.isfinite(float(log_beta(log_w.detach())))


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_held_outputs_are_pushed_back_and_not_further_out(name):
    d = DIVERGENCES[name]
    real, fake = (torch.tensor([-20.0, -10.5, 0.0, 10.5, 20.0]).requires_grad_() for _ in range(2))
    up, down = torch.autograd.grad(d.bound(real, fake), (real, fake))  # D climbs: data go up, samples down
    assert (up[:3] > 0).all()
    assert (up[3:] == 0).all()
    assert (down[2:] < 0).all()
    assert (down[:2] == 0).all()
    inside = torch.tensor([-LIMIT + 0.5, 0.0, LIMIT - 0.5]).requires_grad_()
    (slope,) = torch.autograd.grad(d.nu(inside).mean(), inside)
    (ours,) = torch.autograd.grad(d.bound(inside, torch.zeros(2)), inside)
    torch.testing.assert_close(ours, slope)  # nothing is changed where nothing is held


@pytest.mark.parametrize("name", NAMES)
def test_weights_keep_their_order_and_a_slope_however_sure_D_is(name):
    """So that discrete G still learns which samples are better, and continuous G, which leads log w to the boundary, can come back."""
    d, F = DIVERGENCES[name], torch.tensor([-50.0, 0.0, 50.0], dtype=torch.float64).requires_grad_()
    log_w = d.log_w(F, torch.zeros(3, dtype=torch.float64))
    low, high = (math.log(LEAST), math.log(26)) if name == "chi2" else (-50.0, 50.0)
    torch.testing.assert_close(log_w.detach(), torch.tensor([low, 0.0, high], dtype=torch.float64))
    (slope,) = torch.autograd.grad(log_w.sum(), F)
    wanted = [0.5, 0.5, 0.5 / 26] if name == "chi2" else [1.0, 1.0, 1.0]
    torch.testing.assert_close(slope, torch.tensor(wanted, dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
def test_the_share_of_outputs_that_are_held(name):
    F = torch.tensor([-30.0, -9.0, -2.5, 0.0, 9.0, 11.0, 1e4, 3.0])
    wanted = 3 / 8 if name in ("chi2", *EXPONENTIAL) else 0.0
    assert float(DIVERGENCES[name].clamped(F)) == wanted


# --- weights of samples -------------------------------------------------------------------------------------------


def test_effective_samples_are_between_one_and_all():
    rng = torch.Generator().manual_seed(0)
    for spread in (0.0, 0.1, 1.0, 10.0, 1e4):
        log_w = spread * torch.randn(20, 7, generator=rng)
        size = ess(log_w)
        w = log_w.double().softmax(0)
        torch.testing.assert_close(size.double(), 1 / w.square().sum(0), rtol=1e-4, atol=1e-4)
        assert (size >= 1 - 1e-6).all()
        assert (size <= 20 + 1e-4).all()
        torch.testing.assert_close(ess(log_w + 5.0), size)
    assert ess(torch.zeros(20, 3)).tolist() == pytest.approx([20.0] * 3)
    assert ess(torch.tensor([0.0, -1e4, -1e4])).item() == pytest.approx(1)
    assert ess(torch.zeros(4, 3), dim=1).tolist() == pytest.approx([3.0] * 4)


def test_log_mean_exp_is_what_it_says():
    x = torch.randn(5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(log_mean_exp(x), x.exp().mean(0).log())
    torch.testing.assert_close(log_mean_exp(x, 1), x.exp().mean(1).log())
    torch.testing.assert_close(log_mean_exp(torch.full((3,), 1e4)), torch.tensor(1e4))


@pytest.mark.parametrize("name", LINEAR)
def test_estimates_from_weighted_samples_converge(name):
    d, (p, q) = DIVERGENCES[name], categoricals()
    u, truth = p / q, float(d.value(p, q))
    rng = np.random.default_rng(0)
    log_w = d.log_w(d.F_star(u))
    wrong = []
    for n in (500, 50_000):
        x = torch.from_numpy(rng.choice(len(q), (8, n), p=q.numpy() / float(q.sum())))
        errors = [[float(weighted(d, log_w[row] + c)) - truth for row in x] for c in (0.0, 1.5)]  # a constant is part of β
        assert errors[0] == pytest.approx(errors[1], abs=1e-9)
        wrong.append(float(np.sqrt(np.mean(np.square(errors[0])))))
        assert abs(float(log_beta(log_w[x[0]]))) < 6 / math.sqrt(n)
    assert wrong[1] < wrong[0] / 4  # √100 = 10, but for chance
    assert wrong[1] < 0.02 * max(1, truth)


# --- what is drawn ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_curves_are_the_functions(name):
    d, c = DIVERGENCES[name], curves(name, largest=3.0, points=50)
    assert all(v.shape == (50,) and v.dtype == np.float64 and np.isfinite(v).all() for v in c)
    np.testing.assert_allclose(c.f, d.f(torch.from_numpy(c.u)))
    np.testing.assert_allclose(c.conjugate, c.u * c.T - c.f, atol=1e-9)  # Fenchel's equality
    np.testing.assert_allclose(c.t, c.T)
    np.testing.assert_allclose(c.w, c.u)
    np.testing.assert_allclose(d.nu(torch.from_numpy(c.F)), c.t)
    assert (c.u.min(), c.u.max()) == pytest.approx((0.02, 3.0))
