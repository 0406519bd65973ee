"""The kernels leave their target as it is, get there, and the usual mistakes are seen.

Stationarity: 4,096 independent chains start at exact draws; after some steps they must still be such draws. Every statistic is then a mean over
independent numbers with a known truth, so its z is a standard normal one, and |z| < 4.5 with a fixed seed.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch

from models import lab
from models.catalog import KERNELS, kernel
from models.catalog import target as open_target
from models.errors import BadInput, BadSetting
from models.knobs import make
from models.lab import positions
from models.samplers import mala, mala_approx, metropolis
from models.samplers.drawn import Drawn
from models.samplers.state import Info
from models.samplers.streams import Streams

CHAINS = 4096
LIMIT = 4.5
TARGETS = [
    "normal",
    "correlated",
    "ill-conditioned:2",
    "ill-conditioned:20",
    "ring",
    "banana",
    "funnel",
    "donut",
    "twin",
    "drawn",
    "expr:-x**4+2*x**2+x/2",
]
TARGETS += ["expr:logsumexp(-(x-2)^2/2, -(x+1)^2) - y**2*(1+x**2)/2"]
ROWS = [(0.0, 0.2, 1.0, 0.0), (0.3, 0.0, 0.0, 0.5), (0.0, 0.9, 0.4, 0.0), (0.1, 0.0, 0.0, 0.7)]


@functools.cache
def opened(name: str):
    return Drawn(np.array(ROWS)) if name == "drawn" else open_target(name)


@functools.cache
def suited(kernel_name: str, target):
    return lab.suited(kernel_name, target)


def walked(name: str, target, steps: int, *, seed: int = 1, factor: float = 1.0, chains: int = CHAINS, start="exact"):
    """Positions after some steps of a kernel."""
    module, streams = kernel(name), Streams(seed, chains)
    knobs = make(module.Knobs, {"step_size": factor * suited(name, target).step_size})
    state = module.init(positions(target, streams, start), target)
    for _ in range(steps):
        state, _ = module.step(state, target, knobs, streams)
    return state


def z_scores(target, x: torch.Tensor) -> torch.Tensor:
    """How far mean, variances and covariances are from the truth, in standard errors."""
    if target.name == "funnel":  # v and u = e^(-v/2) x are independent normals: their moments, and where their quantiles are
        u = torch.stack([x[:, 0] / 3, x[:, 1] * (-x[:, 0] / 2).exp()], 1)
        levels = torch.tensor([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98], dtype=torch.float64)
        below = (u[:, :, None] < torch.special.ndtri(levels)).double().flatten(1)
        statistics = torch.cat([u, u.square(), u.prod(1, keepdim=True), below], 1)
        truth = torch.cat([torch.tensor([0, 0, 1, 1, 0], dtype=torch.float64), levels, levels])
    else:
        off = x - target.mean
        upper = torch.triu_indices(target.d, target.d)
        statistics = torch.cat([off, off[:, upper[0]] * off[:, upper[1]]], 1)
        truth = torch.cat([torch.zeros(target.d, dtype=torch.float64), target.covariance[upper[0], upper[1]]])
    return (statistics.mean(0) - truth) / statistics.std(0) * math.sqrt(len(x))


@pytest.mark.parametrize("factor", [0.6, 1.6])
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kernel_name", ["metropolis", "mala"])
def test_exact_kernels_leave_the_target_alone(kernel_name, name, factor):
    target = opened(name)
    state = walked(kernel_name, target, 20, factor=factor)
    assert z_scores(target, state.x).abs().max() < LIMIT
    assert not state.frozen.any()


@pytest.mark.parametrize("kernel_name", ["metropolis", "mala"])
@pytest.mark.parametrize("name", ["drawn", "expr:-x**4+2*x**2-y**2*(1+x**2)/2"])
def test_draws_from_a_fine_grid_are_as_good(kernel_name, name):
    target = opened(name)
    fine = target.on_grid(1024, bounds=((-9.0, 9.0), (-9.0, 9.0)) if name == "drawn" else None)
    module, streams = kernel(kernel_name), Streams(5, CHAINS)
    state, knobs = module.init(streams.start(fine.draw, 2), target), suited(kernel_name, target)
    for _ in range(20):
        state, _ = module.step(state, target, knobs, streams)
    assert z_scores(target, state.x).abs().max() < LIMIT


@pytest.mark.parametrize("kernel_name", ["metropolis", "mala"])
@pytest.mark.parametrize(("name", "start", "steps"), [("normal", [6.0], 150), ("correlated", [3.0, -3.0], 500), ("twin", [-2.0, 3.0], 500)])
def test_they_get_there_from_far_away(kernel_name, name, start, steps):
    target = opened(name)
    assert z_scores(target, walked(kernel_name, target, 1, start=start).x).abs().max() > 20
    assert z_scores(target, walked(kernel_name, target, steps, start=start).x).abs().max() < LIMIT


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kernel_name", KERNELS)
def test_they_move(kernel_name, name):
    target, module = opened(name), kernel(kernel_name)
    streams = Streams(0, 256)
    state, knobs = module.init(positions(target, streams, "exact"), target), suited(kernel_name, target)
    first, rates = state.x, []
    for _ in range(40):
        state, info = module.step(state, target, knobs, streams)
        rates.append(1.0 if info.accepted is None else float(info.accepted.double().mean()))
    moved = (state.x - first).norm(dim=1)
    assert (moved > 0).double().mean() > 0.8  # in the neck of the funnel some wait
    assert moved.median() > 0.1 * target.covariance.diagonal().sqrt().min()
    if module.BEST is not None:
        assert abs(np.mean(rates) - module.BEST) < 0.06  # default steps near the optimal acceptance


# --- mutants ------------------------------------------------------------------------------------------------------

RIGHT = mala.correction
MUTANTS = {
    "no accept step": ("accepts", lambda log_alpha, u: torch.ones_like(u, dtype=torch.bool)),
    "no q terms": ("correction", lambda xi, sigma, g, new: torch.zeros(len(xi), dtype=torch.float64)),
    "q terms swapped": ("correction", lambda xi, sigma, g, new: -RIGHT(xi, sigma, g, new)),
    "2ε for 4ε in q": ("correction", lambda xi, sigma, g, new: 2 * RIGHT(xi, sigma, g, new)),
    "8ε for 4ε in q": ("correction", lambda xi, sigma, g, new: RIGHT(xi, sigma, g, new) / 2),
    "old gradient in the way back": ("correction", lambda xi, sigma, g, new: RIGHT(xi, sigma, g, g)),
    "drift forgotten in the way back": ("correction", lambda xi, sigma, g, new: RIGHT(xi, sigma, g, torch.zeros_like(g))),
    "probability for its logarithm": ("accepts", lambda log_alpha, u: u < log_alpha.clamp(max=0)),
    "half of log α": ("accepts", lambda log_alpha, u: u.log() < (log_alpha / 2).clamp(max=0)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("name", ["normal", "correlated", "twin"])
def test_every_mutant_of_mala_is_caught(monkeypatch, mutant, name):
    target = opened(name)
    sigma = {"step_size": 1.3 * suited("mala", target).step_size}
    place, wrong = MUTANTS[mutant]
    monkeypatch.setattr(mala, place, wrong)
    streams = Streams(1, CHAINS)
    state, x = mala.init(positions(target, streams, "exact"), target), []
    for _ in range(70):
        state, _ = mala.step(state, target, make(mala.Knobs, sigma), streams)
        x.append(state.x)
    still = torch.equal(x[0], x[-1])  # what never moves is caught by the test of movement
    assert still or z_scores(target, x[-1]).abs().max() > LIMIT


def test_a_metropolis_that_takes_every_step_is_caught(monkeypatch):
    monkeypatch.setattr(metropolis, "accepts", lambda log_alpha, u: torch.ones_like(u, dtype=torch.bool))
    target = opened("normal")
    x = Streams(0, CHAINS).start(target.draw, 1)
    state, streams = metropolis.init(x, target), Streams(0, CHAINS)
    for _ in range(20):
        state, _ = metropolis.step(state, target, metropolis.Knobs(), streams)
    assert z_scores(target, state.x).abs().max() > LIMIT


def test_log_alpha_against_the_printed_formula():
    """log α with log q(y|x) = -|y - x - ε g(x)|² / (4ε), blackjax's convention, ε = σ²/2."""
    target, sigma = opened("banana"), 0.7
    streams = Streams(2, 500)
    state = mala.init(positions(target, streams, "exact"), target)
    _, info = mala.step(state, target, mala.Knobs(step_size=sigma), streams)
    x, y, e = info.start, info.proposal, sigma**2 / 2
    (px, gx), (py, gy) = target.log_p_and_grad(x), target.log_p_and_grad(y)
    q = lambda b, a, g: -(b - a - e * g).square().sum(1) / (4 * e)  # noqa: E731
    assert torch.allclose(info.log_alpha, py - px + q(x, y, gy) - q(y, x, gx), atol=1e-10)
    assert torch.allclose(info.drift, e * gx)
    assert torch.allclose(info.noise / math.sqrt(2 * e), streams.normal(0, 2))  # both conventions name the same step
    assert torch.equal(info.parts.sum(1), info.drift)


# --- MALA-approx --------------------------------------------------------------------------------------------------


def approx(target, settings: dict[str, float], steps: int, *, chains: int = CHAINS, start="exact", seed: int = 0):
    streams, knobs = Streams(seed, chains), make(mala_approx.knobs_of(target), settings)
    state = mala_approx.init(positions(target, streams, start), target)
    for _ in range(steps):
        state, info = mala_approx.step(state, target, knobs, streams)
    return state, info


@pytest.mark.parametrize("epsilon", [0.1, 0.3, 0.9])
def test_variance_of_ula(epsilon):
    """Drift ε and noise variance 2ε give the variance 1 / (1 - ε/2) on N(0, 1)."""
    state, _ = approx(opened("normal"), {"epsilon12": epsilon, "epsilon3": math.sqrt(2 * epsilon)}, 80, chains=16_384)
    truth = 1 / (1 - epsilon / 2)
    error = truth * math.sqrt(2 / 16_384)
    assert abs(float(state.x.square().mean()) - truth) < LIMIT * error
    assert abs(float(state.x.square().mean()) - 1) > LIMIT * error


def test_variance_with_drift_and_noise_set_apart():
    state, _ = approx(opened("normal"), {"epsilon12": 0.1, "epsilon3": 0.2}, 80, chains=16_384)
    truth = 0.2**2 / (1 - 0.9**2)
    assert truth == pytest.approx(0.2105, abs=1e-4)
    assert abs(float(state.x.square().mean()) - truth) < LIMIT * truth * math.sqrt(2 / 16_384)


def test_temperature_is_the_variance_of_small_steps():
    settings = {"epsilon12": 0.02, "epsilon3": 0.3}
    knobs = mala_approx.Knobs(**settings)
    assert mala_approx.temperatures(knobs) == (pytest.approx(2.25),)
    assert mala_approx.powers(knobs) == (pytest.approx(1 / 2.25),)
    state, _ = approx(opened("normal"), settings, 200)
    assert float(state.x.var()) == pytest.approx(2.25, rel=0.12)
    assert mala_approx.temperatures(mala_approx.Knobs(epsilon12=0.0)) == (math.inf,)
    assert mala_approx.powers(mala_approx.Knobs(epsilon3=0.0)) == (math.inf,)
    assert mala_approx.powers(mala_approx.Knobs(epsilon12=0.0, epsilon3=0.0)) == (0.0,)


def test_the_move_is_the_sum_of_its_terms():
    twin = opened("twin")
    x = positions(twin, Streams(0, 50), "exact")
    _, scores = twin.log_p_and_scores(x)
    _, info = approx(twin, {"epsilon1": 0.03, "epsilon2": 0.4, "epsilon3": 0.2}, 1, chains=50)
    assert torch.allclose(info.parts, scores * torch.tensor([0.03, 0.4])[:, None].double())
    assert torch.allclose(info.proposal, x + 0.03 * scores[:, 0] + 0.4 * scores[:, 1] + 0.2 * Streams(0, 50).normal(0, 2))
    per_chain = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    moved, parts = mala_approx.move(x, [mala_approx.Term("prior", per_chain, scores[:, 0])], torch.zeros_like(x))
    assert torch.equal(moved[0], x[0])
    assert torch.allclose(moved[-1], x[-1] + scores[-1, 0])
    assert parts.shape == (50, 1, 2)


def test_what_comes_after_the_move():
    target, streams = opened("normal"), Streams(0, 64)
    state = mala_approx.init(positions(target, streams, "exact"), target)
    clipped, _ = mala_approx.step(state, target, mala_approx.Knobs(), streams, after=lambda x, move: (x + move).clamp(-0.5, 0.5))
    assert clipped.x.abs().max() == 0.5


def test_without_noise_it_climbs():
    target = opened("banana")
    state, _ = approx(target, {"epsilon12": 0.05, "epsilon3": 0.0}, 3000, chains=64)
    assert torch.allclose(state.x, torch.tensor([0.0, -1.125], dtype=torch.float64).expand(64, 2), atol=1e-6)


def test_terms_and_knobs_must_agree():
    twin = opened("twin")
    state = mala_approx.init(positions(twin, Streams(0, 4), "exact"), twin)
    with pytest.raises(BadInput, match="prior, condition"):
        mala_approx.step(state, twin, mala_approx.Knobs(), Streams(0, 4))


# --- bits, frozen chains, bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kernel_name", KERNELS)
def test_adding_chains_changes_none(kernel_name, name):
    target, module = opened(name), kernel(kernel_name)
    knobs, ends = suited(kernel_name, target), []
    for chains in (1, 5, 200):
        streams = Streams(4, chains)
        state = module.init(positions(target, streams, "exact"), target)
        for _ in range(25):
            state, info = module.step(state, target, knobs, streams)
        ends.append((state, info))
    (alone, tell), *others = ends
    for state, info in others:
        for a, b in zip((*alone, *tell), (*state, *info), strict=True):
            assert not isinstance(a, torch.Tensor) or torch.equal(a, b[:1])


def test_a_chain_that_diverges_is_frozen_and_the_others_go_on():
    target, streams = opened("expr:-x**4"), Streams(0, 6)
    start = torch.tensor([0.0, 0.1, 30.0, 0.2, -50.0, 0.3], dtype=torch.float64)[:, None]
    calm = start.where(start.abs() < 1, 0)
    knobs = mala_approx.Knobs(epsilon12=0.01, epsilon3=0.1)
    state, other = mala_approx.init(start, target), mala_approx.init(calm, target)
    seen = []
    for _ in range(60):
        state, _ = mala_approx.step(state, target, knobs, streams)
        other, _ = mala_approx.step(other, target, knobs, streams)
        seen.append(state)
    assert state.frozen.tolist() == [False, False, True, False, True, False]
    assert all(t.isfinite().all() for t in (state.x, state.log_p, state.scores))
    assert torch.equal(state.x[2], seen[20].x[2])  # it stays where it was
    assert torch.equal(state.x[[0, 1, 3, 5]], other.x[[0, 1, 3, 5]])


@pytest.mark.parametrize("kernel_name", KERNELS)
def test_a_start_outside_the_density_is_frozen(kernel_name):
    target, module = opened("expr:log(x)-x"), kernel(kernel_name)
    state = module.init(torch.tensor([[1.0], [-1.0]], dtype=torch.float64), target)
    assert state.frozen.tolist() == [False, True]
    for _ in range(5):
        state, info = module.step(state, target, suited(kernel_name, target), Streams(0, 2))
    assert float(state.x[1]) == -1
    assert float(state.x[0]) > 0 or kernel_name == "mala-approx"
    assert info.accepted is None or not info.accepted[1]
    with pytest.raises(BadInput, match="no finite density at any chain's start"):
        module.init(torch.tensor([[-1.0]], dtype=torch.float64), target)


@pytest.mark.parametrize("kernel_name", KERNELS)
def test_bad_starts(kernel_name):
    module, target = kernel(kernel_name), opened("correlated")
    for bad in (math.nan, math.inf):
        with pytest.raises(BadInput, match="The start of chain 1 is not a finite number"):
            module.init(torch.tensor([[0.0, 0.0], [0.0, bad]], dtype=torch.float64), target)
    for shape in ((3, 3), (0, 2), (2,)):
        with pytest.raises(BadInput, match="one row of 2 numbers"):
            module.init(torch.zeros(shape, dtype=torch.float64), target)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "abc", None])
def test_bad_steps(bad):
    for settings, name in (
        (metropolis.Knobs, "step_size"),
        (mala.Knobs, "step_size"),
        (mala_approx.Knobs, "epsilon12"),
        (mala_approx.Knobs, "epsilon3"),
    ):
        with pytest.raises(BadSetting, match="must be a number in"):
            make(settings, {name: bad})


@pytest.mark.parametrize("kernel_name", ["metropolis", "mala"])
def test_a_step_of_size_zero_stays(kernel_name):
    module, target, streams = kernel(kernel_name), opened("banana"), Streams(0, 8)
    state = module.init(positions(target, streams, "exact"), target)
    after, info = module.step(state, target, module.Knobs(step_size=0.0), streams)
    assert torch.equal(after.x, state.x)
    assert info.accepted.all()
    assert torch.allclose(info.log_alpha, torch.zeros(8, dtype=torch.float64))


def test_one_density_and_one_gradient_a_step():
    calls = {"log_p": 0, "both": 0}
    target = opened("banana")

    class Counting(type(target)):
        def log_p(self, x):
            calls["log_p"] += 1
            return super().log_p_and_grad(x)[0]

        def log_p_and_grad(self, x):
            calls["both"] += 1
            return super().log_p_and_grad(x)

    for name, expected in (("metropolis", (11, 0)), ("mala", (0, 11)), ("mala-approx", (0, 11))):
        calls.update(log_p=0, both=0)
        module, counted, streams = kernel(name), Counting(), Streams(0, 4)
        state = module.init(positions(counted, streams, [0.0, 0.0]), counted)
        for _ in range(10):
            state, info = module.step(state, counted, module.Knobs(), streams)
        assert (calls["log_p"], calls["both"]) == expected
        assert state.densities == (1 if name == "mala-approx" else 11)
        assert state.gradients == (0 if name == "metropolis" else 11)
        assert isinstance(info, Info)
