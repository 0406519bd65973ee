"""Diagnostics of chains whose truth is known."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from models.metrics import chain


def autoregressive(phi: float, chains: int = 64, draws: int = 2000, d: int = 2) -> np.ndarray:
    """x_t = φ x_(t-1) + noise, variance 1: its ESS is n (1 - φ) / (1 + φ), its autocorrelation φ^lag."""
    noise = np.random.default_rng(0).standard_normal((chains, draws, d))
    x = noise.copy()
    for t in range(1, draws):
        x[:, t] = phi * x[:, t - 1] + math.sqrt(1 - phi**2) * noise[:, t]
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_ess_and_autocorrelation_of_a_known_process(phi):
    x = autoregressive(phi)
    truth = x.shape[0] * x.shape[1] * (1 - phi) / (1 + phi)
    for measure in (chain.ess_bulk, chain.ess_mean):
        assert measure(x) == pytest.approx([truth, truth], rel=0.15)
        assert measure(x[..., 0]).shape == ()
    assert chain.autocorrelation(x, 20) == pytest.approx(np.tile(phi ** np.arange(20), (2, 1)).T, abs=0.03)
    assert (chain.rhat(x) < 1.01).all()
    tail = chain.ess_tail(x)  # an indicator forgets quicker than the value
    assert ((tail > 0.8 * truth) & (tail < 1.1 * x.shape[0] * x.shape[1])).all()


def test_chains_that_disagree_are_seen():
    x = autoregressive(0.3, draws=200)
    x[:32, :, 0] += 5
    found = chain.rhat(x)
    assert found[0] > 1.5
    assert found[1] < 1.05
    assert chain.ess_bulk(x)[0] < 200  # of 6,400 draws, half of them elsewhere
    assert chain.ess_bulk(x)[1] > 2000
    alone = np.concatenate([x[:1], x[:1] + 10], 1)  # one chain that wandered off
    assert (chain.rhat(alone) > 1.2).all()


def test_chains_that_do_not_move():
    still = np.ones((4, 100, 2))
    assert chain.ess_bulk(still).tolist() == [0, 0]
    assert chain.ess_tail(still).tolist() == [0, 0]
    assert np.isnan(chain.rhat(still)).all()
    assert np.isnan(chain.autocorrelation(still)).all()
    apart = still * np.arange(4)[:, None, None]  # each somewhere else: four draws, and no agreement
    assert chain.ess_bulk(apart)[0] == pytest.approx(4, rel=0.5)
    assert not chain.rhat(apart)[0] < 2


def test_too_few_or_broken_draws():
    assert np.isnan(chain.ess_bulk(np.zeros((4, 3, 1)))).all()
    assert np.isnan(chain.rhat(np.random.default_rng(0).random((4, 7)))).all()
    broken = autoregressive(0.1, 4, 50)
    broken[0, 3, 1] = np.nan
    assert np.isnan(chain.ess_bulk(broken)).tolist() == [False, True]
    assert np.isnan(chain.rhat(broken)).tolist() == [False, True]


def test_four_thousand_chains_are_quick():
    x = np.random.default_rng(0).standard_normal((4096, 100, 2))
    before = time.perf_counter()
    found = chain.ess_bulk(x)
    assert found == pytest.approx([409_600] * 2, rel=0.1)
    assert time.perf_counter() - before < 4
    groups = np.random.default_rng(1).standard_normal((4096, 600))  # more than are looked at in one go
    assert chain.ess_bulk(groups) == pytest.approx(groups.size, rel=0.05)
    assert chain.rhat(groups) == pytest.approx(1, abs=0.01)


def test_bias_in_both_units():
    x = 3 + 2 * autoregressive(0.5)
    right = chain.bias(x, np.full(2, 3.0), 4 * np.eye(2))
    assert right.worst < 0.03
    assert (np.abs(right.errors) < 4.5).all()
    wrong = chain.bias(x, np.array([3.0, 2.0]), np.diag([16.0, 4.0]))
    assert wrong.mean == pytest.approx([0, 0.5], abs=0.02)
    assert wrong.sd == pytest.approx([-0.5, 0], abs=0.02)
    assert wrong.worst == pytest.approx(0.5, abs=0.02)
    assert wrong.errors[1] > 50


def test_acceptance_and_temperature():
    assert chain.acceptance(np.array([[True, False], [True, True]])).tolist() == [0.5, 1]
    assert chain.temperature(0.1, 0.2) == pytest.approx(0.2)
    assert chain.temperature(0.0, 0.2) == math.inf
