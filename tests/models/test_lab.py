"""A walk that can be stepped back, summed up and raced."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models import lab as labs
from models.catalog import KERNELS, kernel
from models.catalog import target as open_target
from models.contract import Note, SetKnobs, Stop
from models.errors import BadInput, BadSetting
from models.lab import Lab, limit, limit_errors, race
from models.samplers import mala_approx
from models.samplers.density import Density


def same(a, b) -> bool:
    return all(torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["banana", "twin", "expr:-x**4-y**2*(1+x**2)"])
@pytest.mark.parametrize("kernel_name", KERNELS)
def test_back_and_forth_is_bit_equal(kernel_name, name):
    walk = Lab(kernel_name, open_target(name), chains=100)
    walk.step(10)
    state, info = walk.state, walk.info
    walk.step(15)
    end, last = walk.state, walk.info
    assert walk.back(15) == 15
    assert same(walk.state, state)
    assert same(walk.info, info)
    walk.step(15)
    assert same(walk.state, end)
    assert same(walk.info, last)
    assert walk.back(1000) == 25
    assert walk.t == 0
    assert walk.info is None
    assert walk.back() == 0


def test_going_back_over_a_turned_knob_shows_the_step_as_it_was():
    walk = Lab("mala", open_target("banana"), chains=4)
    walk.step(3)
    info = walk.info
    walk.set({"step_size": 0.01})
    walk.step(2)
    walk.back(2)
    assert same(walk.info, info)
    assert walk.knobs.step_size == 0.01  # what was turned stays turned


def test_the_same_seed_twice_and_another():
    one, two, other = (Lab("mala", open_target("ring"), chains=30, seed=seed) for seed in (5, 5, 6))
    for walk in (one, two, other):
        walk.step(20)
    assert same(one.state, two.state)
    assert not torch.equal(one.state.x, other.state.x)


def test_what_is_kept_is_bounded(monkeypatch):
    walk = Lab("metropolis", open_target("normal"), chains=8, keep=5)
    walk.step(12)
    assert walk.kept == 5
    assert walk.trace().shape == (8, 5, 1)
    assert walk.back(9) == 5
    assert walk.t == 7
    monkeypatch.setattr(labs, "MEMORY", 100_000)
    small = Lab("metropolis", open_target("ill-conditioned:100"), {"step_size": 0.1}, chains=64)
    small.step(10)
    assert small.kept == 2


def test_traces_are_in_order():
    walk = Lab("mala", open_target("correlated"), chains=6)
    seen, log_p, accepted = [], [], []
    for _ in range(7):
        info = walk.step()
        seen.append(walk.state.x)
        log_p.append(walk.state.log_p)
        accepted.append(info.accepted)
    assert torch.equal(walk.trace(), torch.stack(seen, 1))
    assert torch.equal(walk.trace(3), torch.stack(seen[4:], 1))
    assert torch.equal(walk.log_p_trace(3), torch.stack(log_p[4:], 1))
    assert torch.equal(walk.accepted_trace(), torch.stack(accepted, 1))
    assert Lab("mala-approx", open_target("normal"), chains=2).accepted_trace() is None


@pytest.mark.parametrize("kernel_name", KERNELS)
def test_a_summary_of_the_normal(kernel_name):
    walk = Lab(kernel_name, open_target("normal"), chains=256)
    walk.step(400)
    found = walk.summary(200)
    assert (found.steps, found.draws, found.chains, found.frozen) == (400, 200, 256, 0)
    assert abs(float(found.mean[0])) < 0.05
    exact = kernel_name != "mala-approx"
    assert float(found.covariance[0, 0]) == pytest.approx(1 if exact else 1 / (1 - walk.knobs.epsilons[0] / 2), rel=0.04)
    assert (found.acceptance is None) is not exact
    assert found.temperature == pytest.approx(1)
    assert found.bias.worst < 0.05 if exact else found.bias.worst > 0.05
    assert 1000 < found.ess < 256 * 200
    assert found.rhat[0] < 1.1
    each = {"metropolis": (1, 0), "mala": (1, 1), "mala-approx": (0, 1)}[kernel_name]
    assert (found.densities, found.gradients) == (256 * 200 * each[0], 256 * 200 * each[1])
    assert found.ess_per_evaluation == pytest.approx(found.ess / (256 * 200 * sum(each)))
    assert found.ess_per_second == pytest.approx(found.ess / (walk.seconds / 2))


def test_a_summary_of_nothing():
    found = Lab("mala", open_target("banana"), chains=3).summary()
    assert found.draws == 0
    assert math.isnan(found.ess)
    assert math.isnan(found.ess_per_second)
    assert found.bias is None


def test_frozen_chains_are_left_out():
    walk = Lab("mala-approx", open_target("expr:-x**4"), {"epsilon12": 0.1, "epsilon3": 0.2}, chains=200, start="wide")
    walk.step(200)
    found = walk.summary(100)
    assert 0 < found.frozen < 200
    assert np.isfinite(found.mean).all()
    walk.set({"epsilon12": 200.0})
    walk.step(300)
    gone = walk.summary(100)
    assert gone.frozen == 200
    assert np.isnan(gone.mean).all()
    assert gone.bias is None


@pytest.mark.parametrize("kernel_name", ["metropolis", "mala"])
@pytest.mark.parametrize("name", ["normal", "ill-conditioned:50", "expr:-x1**2-x2**2-x3**2/9"])
def test_the_default_step_is_near_the_best(kernel_name, name):
    target = open_target(name)
    walk = Lab(kernel_name, target, chains=256, start="exact" if target.drawable else [0.1])
    walk.step(150)
    assert walk.summary(100).acceptance == pytest.approx(kernel(kernel_name).BEST, abs=0.06)


def test_starts():
    target = open_target("banana")
    assert torch.equal(Lab("mala", target, chains=3, start=[1.0, 2.0]).state.x, torch.tensor([[1.0, 2.0]] * 3).double())
    assert torch.equal(Lab("mala", target, chains=2, start=[3.0]).state.x, torch.full((2, 2), 3.0).double())
    wide = Lab("mala", target, chains=2000, start="wide").state.x
    assert (wide.std(0) / target.covariance.diagonal().sqrt()).tolist() == pytest.approx([3, 3], rel=0.1)
    assert torch.equal(Lab("mala", target, chains=5, start="wide").state.x, wide[:5])
    free = Lab("mala", open_target("expr:-x1**2-x2**2-x3**2"), chains=500, start="wide")
    assert free.state.x.shape == (500, 3)
    for start, says in (("hot", "exact, wide or at a point"), ([1.0, 2.0, 3.0], "has 2 dimensions"), ([math.nan], "not a finite number")):
        with pytest.raises(BadInput, match=says):
            Lab("mala", target, chains=2, start=start)
    with pytest.raises(BadInput, match="no exact draws"):
        Lab("mala", open_target("expr:-x1**2-x2**2-x3**2"), chains=2)


def test_bad_settings():
    with pytest.raises(BadSetting, match="must be a number in"):
        Lab("mala", open_target("normal"), {"step_size": -1.0})
    with pytest.raises(BadSetting, match="There is no setting 'sigma'"):
        Lab("mala", open_target("normal"), {"sigma": 1.0})
    with pytest.raises(BadInput, match="no kernel called 'hmc'"):
        Lab("hmc", open_target("normal"))


def test_a_walk_is_a_generator_that_takes_commands():
    walk = Lab("metropolis", open_target("normal"), chains=4)
    steps = walk.walk()
    assert next(steps)[1] is None
    state, info = next(steps)
    assert state.t == 1
    assert info is not None
    assert steps.send(SetKnobs({"step_size": 0.25}))[1] is None
    assert walk.knobs.step_size == 0.25
    assert steps.send(Note("x"))[0].t == 1
    assert next(steps)[0].t == 2
    walk.back()
    assert next(steps)[0].t == 2
    with pytest.raises(StopIteration):
        steps.send(Stop())


def test_races():
    runners = [Lab(name, open_target("correlated"), chains=32) for name in KERNELS]
    race(runners, evaluations=100)
    assert [r.t for r in runners] == [100, 50, 100]
    race(runners, seconds=0.02)
    assert all(r.t > 100 or r.kernel.NAME == "mala" for r in runners)
    assert all(r.seconds > 0.02 for r in runners)
    for bad in ({}, {"evaluations": 1, "seconds": 1.0}):
        with pytest.raises(BadInput, match="give one of them"):
            race(runners, **bad)


def test_the_twin_goes_to_its_tempered_limit_as_steps_get_small():
    twin = open_target("twin")
    settings = mala_approx.ProductKnobs(epsilon1=0.3, epsilon2=0.6, epsilon3=0.7)
    errors = limit_errors(twin, settings, (1.0, 0.4, 0.1), length=12)
    assert [e.epsilon for e in errors] == pytest.approx([0.3, 0.12, 0.03])
    assert errors[0].distance > 2 * errors[1].distance
    assert errors[1].distance > 2 * errors[2].distance
    assert errors[2].distance < errors[2].floor < 0.03
    # and it is the tempered density that it goes to, not the target itself
    plain = twin.on_grid(256, bounds=limit(twin, settings).bounds).coarse(8)
    tempered = limit(twin, settings).coarse(8)
    assert float((plain.mass - tempered.mass).abs().sum()) / 2 > 3 * errors[2].distance


def test_without_noise_there_is_no_limit():
    with pytest.raises(BadInput, match="set ε3 above 0"):
        limit(open_target("twin"), mala_approx.ProductKnobs(epsilon3=0.0))


def test_a_target_of_ones_own():
    """Anything with a log density and a gradient walks."""

    class Laplace(Density):
        name, title, d, bounds, drawable = "laplace", "Laplace", 1, ((-8.0, 8.0),), False

        def log_p_and_grad(self, x):
            return -x.abs().sum(1), -x.sign()

        def draw(self, n, generator):
            raise BadInput("no draws")

    walk = Lab("mala", Laplace(), chains=200, start="wide")
    walk.step(300)
    assert float(walk.summary(150).covariance[0, 0]) == pytest.approx(2, rel=0.15)


def test_a_moved_chain_walks_as_one_that_began_there():
    walk, other = (Lab("mala", open_target("banana"), chains=3, seed=4) for _ in range(2))
    walk.step(2)
    other.step(2)
    walk.move(1, (0.5, -1.0))
    assert walk.state.x[1].tolist() == [0.5, -1.0]
    assert float(walk.state.log_p[1]) == pytest.approx(float(open_target("banana").log_p(torch.tensor([[0.5, -1.0]], dtype=torch.float64))[0]))
    walk.step()
    other.step()
    assert torch.equal(walk.state.x[[0, 2]], other.state.x[[0, 2]])  # nobody else has noticed
    walk.back(2)
    other.back(2)
    assert same(walk.state, other.state)  # the step that led there is taken back as ever


def test_a_chain_cannot_be_moved_off_the_density():
    walk = Lab("mala", open_target("expr:log(x)-x"), chains=2)
    before = walk.state
    for place in ((-1.0,), (math.nan,)):
        with pytest.raises(BadInput):
            walk.move(0, place)
    assert same(walk.state, before)


def test_another_target_under_the_same_chains():
    walk = Lab("mala", open_target("banana"), chains=5)
    walk.step(3)
    x = walk.state.x
    walk.retarget(open_target("donut"))
    assert torch.equal(walk.state.x, x)
    assert walk.t == 3
    assert walk.kept == 0
    assert torch.equal(walk.state.log_p, open_target("donut").log_p(x))
    walk.step()
    with pytest.raises(BadInput):
        walk.retarget(open_target("normal"))


def test_a_path_is_the_end_of_the_trace_with_its_beginning():
    walk = Lab("metropolis", open_target("correlated"), chains=6)
    start = walk.state.x
    walk.step(5)
    whole = walk.path(99, 4, 1)
    assert torch.equal(whole[:, 0], start[:4, :1])
    assert torch.equal(whole[:, 1:], walk.trace()[:4, :, :1])
    assert torch.equal(walk.path(2, 4, 2), walk.trace()[:4, -3:])
