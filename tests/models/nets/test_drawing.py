from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from models.nets import drawing
from models.nets.autoencoder import Dense
from models.nets.drawing import Drawer, restricted

WIDTH = 6
SPREADS = {"flat": 0.0, "soft": 0.5, "peaked": 8.0}
LAST = 1 - 2.0**-24  # the largest uniform number in float32


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def layer(V: int, spread: float, seed: int = 0) -> Dense:
    generator = torch.Generator().manual_seed(seed)
    made = Dense(WIDTH, V)
    with torch.no_grad():
        made.weight.copy_(torch.randn(V, WIDTH, generator=generator) * spread)
        made.bias.copy_(torch.randn(V, generator=generator) * spread)
    return made


def hidden(n: int, seed: int = 1) -> Tensor:
    return torch.rand(n, WIDTH, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def uniform(n: int, seed: int = 2) -> Tensor:
    return torch.rand(n, generator=torch.Generator().manual_seed(seed))


def shares(out: Dense, h: Tensor, temperature: float = 1.0) -> np.ndarray:
    """softmax of every row in float64."""
    logits = (h.double() @ out.weight.detach().double().T + out.bias.detach().double()).numpy() / temperature
    mass = np.exp(logits - logits.max(1, keepdims=True))
    return mass / mass.sum(1, keepdims=True)


def by_hand(p: np.ndarray, u: Tensor, near: float) -> tuple[np.ndarray, np.ndarray]:
    """The first token whose CDF is above u, and whether u is farther than `near` from every edge; p (rows, V)."""
    upto, u64 = p.cumsum(1), u.double().numpy()[:, None]
    return (upto <= u64).sum(1), np.abs(upto[:, :-1] - u64).min(1) > near


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("V", [4, 49, 50, 5000])
def test_tokens_are_those_of_an_inverse_cdf_in_float64(V, spread, temperature):
    """Wherever the uniform number is not within rounding of an edge; and there it is one of the two beside it."""
    n = 400
    out, h, u = layer(V, SPREADS[spread]), hidden(n), uniform(n)
    got = Drawer(out, temperature)(h, u).numpy()
    p = shares(out, h, temperature)
    near = 4e-6  # float32 over a CDF of 1
    want, clear = by_hand(p, u, near)
    assert got.dtype == np.int64
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(got[clear], want[clear])
    upto = np.concatenate([np.zeros((n, 1)), p.cumsum(1)], 1)
    rows, u64 = np.arange(n), u.double().numpy()
    assert (upto[rows, got] - near <= u64).all()
    assert (u64 <= upto[rows, got + 1] + near).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("V", "spread"), [(4, "soft"), (4, "peaked"), (50, "flat"), (50, "soft"), (49, "peaked"), (1000, "soft")])
def test_shares_of_tokens_are_those_of_the_softmax(V, spread, temperature):
    n = 30_000
    out, h = layer(V, SPREADS[spread]), hidden(1)
    p = shares(out, h, temperature)[0]

    def far(seen: np.ndarray) -> float:
        """How unlikely so large a chi-square is; tokens that are expected less than five times are counted together."""
        rare = n * p < 5
        told, expected = [np.append(values[~rare], values[rare].sum()) for values in (seen, n * p)]
        told, expected = (told, expected) if expected[-1] > 0 else (told[:-1], expected[:-1])
        return float(chi2.sf(np.square(told - expected) @ (1 / expected), len(told) - 1)) if len(told) > 1 else 1.0

    seen = np.bincount(Drawer(out, temperature)(h.expand(n, -1), uniform(n)).numpy(), minlength=V)
    assert len(seen) == V
    assert far(seen) > 1e-3
    if spread == "soft" and V > 4:  # the test can fail: another temperature is told apart
        assert far(np.bincount(Drawer(out, temperature * 1.2)(h.expand(n, -1), uniform(n)).numpy(), minlength=V)) < 1e-3


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_chunks_change_no_token(rows, monkeypatch):
    out, h, u = layer(333, 1.0), hidden(130), uniform(130)
    whole = Drawer(out)(h, u)
    monkeypatch.setattr(drawing, "ROWS", rows)
    drawer = Drawer(out)
    assert torch.equal(drawer(h, u), whole)
    assert torch.equal(drawer(h[:5], u[:5]), whole[:5])  # what an earlier call left behind does not matter
    assert torch.equal(torch.cat([drawer(h[i : i + 1], u[i : i + 1]) for i in range(20)]), whole[:20])


@pytest.mark.parametrize("V", [4, 10, 50, 1000])
def test_no_token_is_drawn_that_has_no_mass(V):
    """At both ends of [0, 1) too, where rounding might step beside the last token, and into what fills the last block."""
    out = layer(V, 1.0)
    dead = torch.ones(V, dtype=torch.bool)
    dead[V // 4 : V // 2] = False
    with torch.no_grad():
        out.bias[dead] = -500.0  # exp underflows
    drawer, h = Drawer(out), hidden(4000)
    for u in (torch.zeros(4000), torch.full((4000,), LAST), uniform(4000)):
        token = drawer(h, u)
        assert int(token.min()) >= V // 4
        assert int(token.max()) < V // 2


@pytest.mark.parametrize("V", [1, 2, 3, 4, 5, 6, 8, 10, 50, 65, 101])
@pytest.mark.parametrize("spread", SPREADS)
def test_no_token_lies_beyond_the_vocabulary(V, spread):
    """The last block is filled up where V is no multiple of it."""
    drawer, h = Drawer(layer(V, SPREADS[spread])), hidden(500)
    wide = max(1, round(math.sqrt(V)))
    assert drawer.V == V
    for u in (torch.zeros(500), torch.full((500,), LAST), torch.full((500,), 0.999999), uniform(500)):
        token = drawer(h, u)
        assert int(token.min()) >= 0
        assert int(token.max()) < V
    if spread == "flat":
        assert drawer(h[:1], torch.zeros(1)).item() == 0
        assert drawer(h[:1], torch.full((1,), LAST)).item() == V - 1
        places = drawer(h[:1].expand(V, -1), (torch.arange(V) + 0.5) / V)
        assert places.tolist() == list(range(V)), wide


def test_large_logits_of_any_sign_overflow_nothing():
    for shift in (-3e4, 3e4):
        out = layer(40, 1.0)
        with torch.no_grad():
            out.bias.add_(shift)
        p = shares(out, hidden(200))
        want, clear = by_hand(p, uniform(200), 5e-3)  # the logits themselves are rounded to 2e-3
        assert clear.mean() > 0.5
        np.testing.assert_array_equal(Drawer(out)(hidden(200), uniform(200)).numpy()[clear], want[clear])


def test_a_drawer_keeps_the_weights_that_it_was_made_with():
    out, h, u = layer(50, 1.0), hidden(100), uniform(100)
    drawer = Drawer(out)
    before = drawer(h, u)
    with torch.no_grad():
        out.weight.zero_()
        out.bias.zero_()
    assert torch.equal(drawer(h, u), before)
    assert not torch.equal(Drawer(out)(h, u), before)


# --- restricted ---------------------------------------------------------------------------------------------------


def logits(n: int, V: int, seed: int = 0) -> Tensor:
    return torch.randn(n, V, generator=torch.Generator().manual_seed(seed)) * 2


def test_of_one_token_it_is_the_likeliest():
    x = logits(300, 40)
    for u in (torch.zeros(300), uniform(300), torch.full((300,), LAST)):
        assert torch.equal(restricted(x, u, 1, 1.0), x.argmax(1))
        assert torch.equal(restricted(x, u, 0, 1e-6), x.argmax(1))


def allowed(row: np.ndarray, top_k: int, nucleus: float) -> np.ndarray:
    """The likeliest tokens by hand, the likeliest first."""
    p = np.exp(row - row.max())
    p /= p.sum()
    order = np.argsort(-p)
    smallest = next(k for k in range(1, len(p) + 1) if p[order[:k]].sum() >= min(nucleus, 1 - 1e-12))
    return order[: min(smallest, top_k or len(p))]


@pytest.mark.parametrize(("top_k", "nucleus"), [(5, 1.0), (0, 0.6), (0, 0.95), (3, 0.9), (12, 0.5), (100, 0.8)])
def test_the_smallest_set_that_is_wanted_and_no_other_token(top_k, nucleus):
    """Each token of the set comes, as often as its share of the set says; no other one ever does."""
    x, n = logits(12, 20), 1000
    u = (torch.arange(n) + 0.5) / n  # a fine comb in place of noise
    for row in x:
        kept = allowed(row.double().numpy(), top_k, nucleus)
        got = restricted(row.expand(n, -1), u, top_k, nucleus).numpy()
        assert set(got) <= set(kept)
        p = np.exp(row.double().numpy()[kept])
        np.testing.assert_allclose([np.mean(got == k) for k in kept], p / p.sum(), atol=2 / n)


def test_the_set_is_the_smallest():
    x = torch.tensor([[0.5, 0.25, 0.125, 0.0625, 0.0625]]).log()
    take = lambda top_k, nucleus: set(restricted(x.expand(100, -1), (torch.arange(100) + 0.5) / 100, top_k, nucleus).tolist())  # noqa: E731
    assert take(0, 0.49) == {0}
    assert take(0, 0.51) == {0, 1}
    assert take(0, 0.74) == {0, 1}
    assert take(0, 0.76) == {0, 1, 2}
    assert take(2, 0.76) == {0, 1}
    assert take(4, 0.51) == {0, 1}
    assert take(0, 1.0) == take(9, 1.0) == {0, 1, 2, 3, 4}


def test_without_a_limit_it_draws_as_the_drawer_does_in_another_order():
    """Sorted by likelihood, so the tokens differ; their shares do not."""
    x, n = logits(1, 12), 20_000
    p = x.double().softmax(1)[0].numpy()
    for top_k, nucleus in ((0, 1.0), (12, 1.0)):
        seen = np.bincount(restricted(x.expand(n, -1), (torch.arange(n) + 0.5) / n, top_k, nucleus).numpy(), minlength=12)
        np.testing.assert_allclose(seen / n, p, atol=2 / n)


def test_at_both_ends_of_the_unit_interval():
    x = logits(500, 30)
    order = x.argsort(1, descending=True)
    assert torch.equal(restricted(x, torch.zeros(500), 7, 1.0), order[:, 0])
    assert torch.equal(restricted(x, torch.full((500,), LAST), 7, 1.0), order[:, 6])
