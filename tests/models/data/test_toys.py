"""Distributions that are known: their mass, their draws, and what is told of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from models.data.card import card
from models.data.toys import COUNT, HELD, TITLES, TOYS, ToySet, open_toy
from models.errors import BadData

SHAPES = {"toy-categories": (1, 32), "toy-line": (1, 64), "toy-ring": (16, 16)}


@pytest.fixture(scope="module", params=TOYS)
def data(request) -> ToySet:
    return open_toy(request.param)


def test_there_is_a_title_and_a_shape_of_each():
    assert set(TOYS) == set(TITLES) == set(SHAPES)


def test_p_is_a_distribution_over_all_cells(data):
    assert data.p.dtype == np.float64
    assert data.p.sum() == pytest.approx(1, abs=1e-12)
    assert data.p.min() > 0
    assert data.p.max() / data.p.min() > 10  # there is something to learn
    assert data.shape == SHAPES[data.spec]
    assert data.shape[0] * data.shape[1] == len(data.p) == data.V == len(data.words)
    assert len(set(data.words)) == data.V
    assert (data.T, data.ends) == (1, False)


def fits(cells: np.ndarray, p: np.ndarray) -> bool:
    seen, wanted = np.bincount(cells, minlength=len(p)), len(cells) * p
    return bool(((seen - wanted) ** 2 / wanted).sum() < chi2.ppf(0.9999, len(p) - 1))


def test_batches_and_rows_are_drawn_from_p(data):
    batch = data.batch(1, 2, 50_000)
    assert batch.shape == (50_000, 1)
    assert batch.dtype == torch.int64
    assert fits(batch[:, 0].numpy(), data.p)
    many = torch.cat([data.batch(3, t, 10) for t in range(3000)])  # nor do batches go together
    assert fits(many[:, 0].numpy(), data.p)
    assert fits(data.tokens[:, 0].astype(np.int64), data.p)
    assert not fits(batch[:, 0].numpy(), np.full(data.V, 1 / data.V))


def test_a_batch_is_a_function_of_seed_and_number_alone(data):
    first = data.batch(3, 5, 64)
    np.random.seed(0)
    torch.manual_seed(0)
    assert torch.equal(first, open_toy(data.spec).batch(3, 5, 64))
    assert not torch.equal(first, data.batch(4, 5, 64))
    assert not torch.equal(first, data.batch(3, 6, 64))
    assert torch.equal(data.batch(-1, 0, 4), data.batch(2**64 - 1, 0, 4))
    assert data.batch(2**62, 10**9, 1).shape == (1, 1)


def test_its_rows_are_split_and_dealt(data):
    assert len(data.train) == COUNT - HELD
    assert len(data.held_out) == HELD
    assert set(data.train).isdisjoint(data.held_out)
    np.testing.assert_array_equal(np.sort(data.order(0, 0, len(data.train))), data.train)
    assert not data.tokens.flags.writeable


def test_its_card_is_plain(data):
    told = card(data)
    json.dumps(told)
    assert (told["kind"], told["V"], told["count"]) == ("text", data.V, COUNT)
    entropy = -(data.p * np.log(data.p)).sum()
    assert any(f"{entropy:.2f} nats" in note for note in told["notes"])
    assert [token for token, _ in told["common"][:1]] == [data.words[int(np.bincount(data.tokens[:, 0]).argmax())]]
    assert all(example in data.words for example in told["examples"])


def test_each_is_another_and_always_the_same():
    assert len({open_toy(name).id for name in TOYS}) == len(TOYS)
    assert open_toy("toy-ring").id == open_toy("toy-ring").id
    assert open_toy("toy-ring").words[17] == "1,1"


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(BadData, match="no toy distribution 'toy-square'; there are toy-categories, toy-line, toy-ring"):
        open_toy("toy-square")
