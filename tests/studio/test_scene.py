"""Contours and marginals of a density."""

import numpy as np
import pytest

from models.samplers.targets import open_target
from studio.workers import scene


def test_contours_of_a_cone_are_circles():
    axis = np.linspace(-2, 2, 81)
    values = -np.hypot(*np.meshgrid(axis, axis, indexing="ij"))
    found = scene.segments(values, axis, axis, -1.0)
    radius = np.hypot(found[:, 0::2], found[:, 1::2])
    assert np.abs(radius - 1).max() < 0.01
    length = np.hypot(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]).sum()
    assert length == pytest.approx(2 * np.pi, rel=0.01)


def test_a_saddle_gives_two_segments():
    found = scene.segments(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.0)
    assert found.shape == (2, 4)


def test_contours_hold_their_share_of_the_mass():
    grid = open_target("banana").on_grid(160)
    for share, level in zip(scene.SHARES, scene.levels(grid.density.numpy()), strict=True):
        inside = float(grid.mass[grid.density >= level].sum())
        assert inside == pytest.approx(share, abs=0.01)


def test_marginals_are_those_of_the_target():
    picture = scene.picture(open_target("correlated").on_grid(160))
    sd = float(open_target("correlated").covariance[0, 0]) ** 0.5
    x, density = picture.marginals[0]
    assert density == pytest.approx(np.exp(-((x / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi)), abs=2e-3 / sd)


def test_bounds_close_in_on_the_mass():
    grid = open_target("expr:-x**2/2 - y**2/2").on_grid(160)
    (low, high), _ = scene.close(grid)
    assert 3.3 < high < 5.5
    assert low == pytest.approx(-high, abs=0.3)
