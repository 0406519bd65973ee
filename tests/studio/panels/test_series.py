"""Smoothing against the formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.panels.series import History, Series


def reference(steps: np.ndarray, values: np.ndarray, beta: float) -> list[float]:
    """The weight of the past is `beta` a step, however seldom values come."""
    mean, weight, last, out = 0.0, 0.0, steps[0] - 1, []
    for step, v in zip(steps, values, strict=True):
        past = beta ** float(step - last)
        mean, weight, last = past * mean + (1 - past) * v, past * weight + 1 - past, step
        out.append(mean / weight)
    return out


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("chunk", [1, 7, 300])
def test_smoothing_is_the_bias_corrected_mean_of_what_is_finite(beta: float, chunk: int) -> None:
    values = np.random.default_rng(0).normal(3, 1, 300)
    values[[5, 6, 100]] = np.nan
    values[200] = np.inf
    series = Series()
    series.set_beta(beta)
    for a in range(0, 300, chunk):
        series.extend(np.arange(a, min(300, a + chunk)), values[a : a + chunk])
    good = np.isfinite(values)
    assert np.array_equal(series.x.view, np.flatnonzero(good))
    np.testing.assert_allclose(series.smooth.view, reference(np.flatnonzero(good), values[good], beta), rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0, 0.999), st.integers(1, 59))
def test_smoothing_later_is_smoothing_at_once(values: list[float], beta: float, cut: int) -> None:
    data = np.array(values)
    early, late = Series(), Series()
    early.set_beta(beta)
    for part in (slice(0, cut), slice(cut, None)):
        for s in (early, late):
            s.extend(np.arange(len(data))[part], data[part])
    late.set_beta(beta)
    np.testing.assert_allclose(early.smooth.view, late.smooth.view, rtol=1e-9, atol=1e-6)


def test_a_wide_hole_breaks_the_line_and_a_rare_value_does_not() -> None:
    series = Series()
    series.extend(np.arange(10), np.ones(10))
    series.extend(np.arange(500, 510), np.ones(10))
    assert np.isnan(series.y.view).sum() == 1
    rare = Series()
    values = np.full(1000, np.nan)
    values[::50] = 1.0
    rare.extend(np.arange(1000), values)
    assert np.array_equal(rare.x.view, np.arange(0, 1000, 50))
    assert np.isfinite(rare.y.view).all()


def test_going_back_forgets_what_came_after() -> None:
    history = History(["a", "b"])
    history.set_beta(0.9)
    history.append(0, {"a": np.arange(100.0), "unknown": np.arange(100.0)})
    history.append(60, {"a": np.zeros(5), "b": np.ones(5)})
    expected = Series()
    expected.set_beta(0.9)
    expected.extend(np.arange(65), np.concatenate([np.arange(60.0), np.zeros(5)]))
    np.testing.assert_allclose(history.series["a"].smooth.view, expected.smooth.view)
    assert history.end == 65
    assert history.series["b"].at(70) == pytest.approx(1.0)
    assert history.series["b"].at(10) is None


def test_the_weight_can_never_be_one() -> None:
    history = History(["a"])
    history.set_beta(1.0)
    assert history.smoothing == 0.999
