"""Noise is a function of (seed, step, chain)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.samplers.streams import Streams


@pytest.mark.parametrize("d", [1, 2, 100, 5000])
def test_more_chains_change_none(d):
    few, many = Streams(3, 5), Streams(3, 70)
    for t in (0, 1, 7):
        assert torch.equal(few.normal(t, d), many.normal(t, d)[:5])
        assert torch.equal(few.uniform(t), many.uniform(t)[:5])
    draw = lambda n, numbers: torch.from_numpy(numbers.standard_normal((n, d)))  # noqa: E731
    assert torch.equal(few.start(draw, d), many.start(draw, d)[:5])


def test_order_and_company_do_not_matter():
    streams = Streams(1, 130)
    first = streams.normal(4, 3)
    streams.uniform(4), streams.normal(9, 2), streams.uniform(2)
    assert torch.equal(streams.normal(4, 3), first)
    assert torch.equal(Streams(1, 130).normal(4, 3), first)


def test_chains_steps_seeds_and_purposes_are_different():
    streams = Streams(0, 256)
    rows = torch.cat([streams.normal(t, 2) for t in range(50)])
    assert len(torch.unique(rows, dim=0)) == len(rows)
    assert not torch.equal(streams.normal(0, 2), Streams(1, 256).normal(0, 2))
    assert not torch.equal(streams.start(lambda n, g: torch.from_numpy(g.standard_normal((n, 2))), 2), streams.normal(0, 2))


def test_the_numbers_are_normal_and_uniform():
    streams = Streams(5, 1000)
    x = torch.cat([streams.normal(t, 4) for t in range(50)])
    n = x.numel()
    assert abs(float(x.mean())) < 4.5 / n**0.5
    assert abs(float(x.var()) - 1) < 4.5 * (2 / n) ** 0.5
    assert abs(float((x[:-1] * x[1:]).mean())) < 4.5 / n**0.5  # neighbours
    u = torch.cat([streams.uniform(t) for t in range(50)]).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, 20, (0, 1))[0]
    assert ((counts - len(u) / 20) ** 2 / (len(u) / 20)).sum() < 60  # chi square of 19, P < 1e-5
