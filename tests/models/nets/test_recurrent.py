from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.recurrent import ROWS, START, Recurrent, initialise

V, E, H, T = 13, 5, 7, 9


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def net(seed: int = 0, spread: float = 0.7, V: int = V) -> Recurrent:
    made = Recurrent(V, E, H)
    initialise(made, torch.Generator().manual_seed(seed), spread)
    return made


def sentences(n: int, seed: int = 1) -> Tensor:
    return torch.randint(0, V, (n, T), generator=torch.Generator().manual_seed(seed))


def noise(n: int, seed: int = 2, T: int = T) -> Tensor:
    return torch.rand(n, T, generator=torch.Generator().manual_seed(seed))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class Plain:
    """The LSTM of the paper in float64: one bias a gate, no peepholes; one sentence at a time."""

    def __init__(self, net: Recurrent) -> None:
        take = lambda name: net.state_dict()[name].double().numpy()  # noqa: E731
        self.emb, self.W, self.U, self.b = (take(n) for n in ("embedding.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0"))
        self.Wo, self.bo = take("out.weight"), take("out.bias")

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(H), np.zeros(H)

    def after(self, token: int, memory: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        i, f, g, o = (self.W @ self.emb[token] + self.U @ memory[0] + self.b).reshape(4, H)
        c = _sigmoid(f) * memory[1] + _sigmoid(i) * np.tanh(g)
        return _sigmoid(o) * np.tanh(c), c

    def shares(self, memory: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        mass = np.exp(self.Wo @ memory[0] + self.bo)
        return mass / mass.sum()

    def log_p(self, rows: np.ndarray, start: int = START) -> np.ndarray:
        out = np.zeros(rows.shape)
        for k, row in enumerate(rows):
            memory, before = self.start(), start
            for t, token in enumerate(row):
                memory = self.after(before, memory)
                out[k, t] = np.log(self.shares(memory)[token])
                before = token
        return out

    def draw(self, u: np.ndarray, *, ends: bool = False, prompt: tuple[int, ...] = (), start: int = START) -> tuple[np.ndarray, float]:
        """Sentences, and how near any uniform number has come to an edge."""
        out, nearest = np.zeros(u.shape, np.int64), 1.0
        for k, row in enumerate(u):
            memory, before = self.start(), start
            for t, x in enumerate(row):
                memory = self.after(before, memory)
                upto = self.shares(memory).cumsum()
                before = int((upto[:-1] <= x).sum())
                nearest = min(nearest, float(np.abs(upto - x).min()))
                if t < len(prompt):
                    before = prompt[t]
                elif ends and t and out[k, t - 1] == 0:
                    before = 0
                out[k, t] = before
        return out, nearest


# --- what is given ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, 4])
def test_log_p_is_that_of_an_lstm_in_float64(start):
    g, rows = net(), sentences(20)
    want = Plain(g).log_p(rows.numpy(), start)
    with torch.no_grad():
        quiet = g.log_p(rows, start)
    loud = g.log_p(rows, start)
    assert loud.dtype == quiet.dtype == torch.float32
    assert loud.shape == (20, T)
    np.testing.assert_allclose(quiet.numpy(), want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loud.detach().numpy(), want, rtol=1e-5, atol=1e-6)
    assert loud.requires_grad


def test_probabilities_of_all_sentences_sum_to_one():
    g = net(V=3)
    every = torch.cartesian_prod(*[torch.arange(3)] * 4)
    with torch.no_grad():
        assert float(g.log_p(every).sum(1).double().exp().sum()) == pytest.approx(1, abs=1e-5)


def test_the_gradient_is_that_of_the_textbook_loss():
    g, rows = net(), sentences(6)
    lstm = nn.LSTM(E, H, batch_first=True)
    lstm.load_state_dict(g.lstm.state_dict())
    weight, W, b = (p.detach().clone().requires_grad_() for p in (g.embedding.weight, g.out.weight, g.out.bias))
    before = torch.cat([torch.zeros(6, 1, dtype=torch.int64), rows[:, :-1]], 1)
    logits = F.linear(lstm(F.embedding(before, weight))[0], W, b)
    F.cross_entropy(logits.flatten(0, 1), rows.flatten(), reduction="sum").backward()
    got = torch.autograd.grad(-g.log_p(rows).sum(), g.trained())
    want = [weight.grad, lstm.weight_ih_l0.grad, lstm.weight_hh_l0.grad, lstm.bias_ih_l0.grad, W.grad, b.grad]
    assert len(got) == len(want)
    for a, w in zip(got, want, strict=True):
        assert w is not None
        torch.testing.assert_close(a, w, rtol=1e-5, atol=1e-6)


def test_chunks_of_rows_change_no_log_p():
    g, rows = net(), sentences(ROWS // T * 3)  # more than two chunks of logits
    with torch.no_grad():
        whole = g.log_p(rows)
        apart = torch.cat([g.log_p(rows[i : i + 10]) for i in range(0, len(rows), 10)])
    torch.testing.assert_close(whole, apart, rtol=1e-5, atol=1e-6)


def test_what_the_net_is_shown_can_differ_from_the_sentence():
    g, rows, shown = net(), sentences(5), sentences(5, 3)
    plain = Plain(g)
    want = np.zeros((5, T))
    for k in range(5):
        memory = plain.start()
        for t in range(T):
            memory = plain.after(int(shown[k, t]), memory)
            want[k, t] = np.log(plain.shares(memory)[rows[k, t]])
    np.testing.assert_allclose(g.log_p(rows, shown=shown).detach().numpy(), want, rtol=1e-5, atol=1e-6)
    usual = torch.cat([torch.zeros(5, 1, dtype=torch.int64), rows[:, :-1]], 1)
    assert torch.equal(g.log_p(rows, shown=usual), g.log_p(rows))


# --- its numbers --------------------------------------------------------------------------------------------------


def test_the_papers_generator_has_as_many_numbers_as_the_authors_and_the_second_bias_never_learns():
    g = Recurrent(5000, 32, 32)
    assert sum(p.numel() for p in g.trained()) == 5000 * 32 + 4 * (32 * 32 + 32 * 32 + 32) + 32 * 5000 + 5000 == 333_320
    small = net()
    bias = small.lstm.bias_hh_l0
    assert isinstance(bias, Tensor)
    assert not bias.requires_grad
    assert not any(p is bias for p in small.trained())
    adam = torch.optim.Adam(small.trained(), 0.1)
    before = [p.detach().clone() for p in small.trained()]
    for _ in range(3):
        adam.zero_grad()
        (-small.log_p(sentences(8)).mean()).backward()
        adam.step()
    assert torch.equal(bias, torch.zeros(4 * H))
    assert all(not torch.equal(p, q) for p, q in zip(small.trained(), before, strict=True))


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_every_number_is_drawn_anew_biases_too(spread):
    made = Recurrent(300, 16, 16)
    initialise(made, torch.Generator().manual_seed(0), spread)
    for p in made.trained():
        n = p.numel()
        assert abs(float(p.detach().mean())) < 5 * spread / math.sqrt(n)
        assert float(p.detach().std()) == pytest.approx(spread, rel=5 / math.sqrt(2 * n))
    assert torch.equal(made.lstm.get_parameter("bias_hh_l0"), torch.zeros(64))


def test_building_one_touches_no_global_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    made = net()
    made.draw(noise(3))
    made.log_p(sentences(3))
    assert torch.equal(before, torch.get_rng_state())
    assert made.V == V


# --- what is drawn ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ends", "prompt", "start"), [(False, (), 0), (True, (), 0), (True, (3, 1, 4), 0), (False, (2,), 0), (False, (), 6)])
def test_a_draw_is_the_inverse_cdf_of_the_textbook_token_by_token(ends, prompt, start):
    g, u = net(), noise(40)
    want, nearest = Plain(g).draw(u.double().numpy(), ends=ends, prompt=prompt, start=start)
    assert nearest > 1e-6  # none of these uniform numbers is within rounding of an edge
    got = g.draw(u, ends=ends, prompt=torch.tensor(prompt) if prompt else None, start=start)
    assert got.dtype == torch.int64
    np.testing.assert_array_equal(got.numpy(), want)


def test_a_draw_is_the_inverse_cdf_of_log_p():
    """By log_p of every word that could have come: what is drawn and what is scored are one distribution."""
    g, u = net(), noise(30)
    got = g.draw(u)
    for t in range(T):
        each = torch.stack([torch.cat([got[:, :t], torch.full((30, 1), v)], 1) for v in range(V)], 1)
        with torch.no_grad():
            p = g.log_p(each.flatten(0, 1))[:, -1].view(30, V).double().exp()
        assert torch.equal((p.cumsum(1)[:, :-1] <= u[:, t, None]).sum(1), got[:, t])


def test_shares_of_first_tokens():
    g, n = net(), 20_000
    with torch.no_grad():
        p = g.log_p(torch.arange(V)[:, None])[:, 0].double().exp().numpy()
        seen = np.bincount(g.draw((torch.arange(n) + 0.5)[:, None] / n)[:, 0].numpy(), minlength=V) / n
    np.testing.assert_allclose(seen, p, atol=2 / n)


def test_an_end_is_absorbing_and_may_come_first():
    g = net()
    with torch.no_grad():
        g.out.bias[0] += 1.5  # ends are common
    u = noise(200)
    free, ended = g.draw(u), g.draw(u, ends=True)
    over = (ended == 0).cumsum(1) > 0
    assert torch.equal(ended == 0, over)  # after the first end there is nothing else
    assert bool((free != 0)[over].any())  # though the net would have gone on
    first = (over.cumsum(1) <= 1) & ~torch.cat([torch.zeros(200, 1, dtype=torch.bool), over[:, :-1]], 1)
    assert torch.equal(ended[first], free[first])  # up to and with the end it is the same sentence
    assert bool((ended[:, 0] == 0).any())
    assert bool((ended != 0).all(1).any())


@pytest.mark.parametrize("ends", [False, True])
def test_a_prompt_is_kept_and_what_follows_knows_it(ends):
    g, u = net(), noise(50)
    prompt = torch.tensor([5, 2])
    got = g.draw(u, prompt=prompt, ends=ends)
    assert (got[:, :2] == prompt).all()
    assert not torch.equal(got[:, 2], g.draw(u, prompt=torch.tensor([5, 7]), ends=ends)[:, 2])
    assert torch.equal(g.draw(u, prompt=g.draw(u[:1])[0], ends=False), g.draw(u[:1]).expand(50, -1))  # a prompt as long as the sentence
    empty = g.draw(u, prompt=torch.zeros(0, dtype=torch.int64), ends=ends)
    assert torch.equal(empty, g.draw(u, ends=ends))


def test_low_temperatures_and_one_token_are_greedy():
    g, u = net(), noise(20)
    greedy = torch.zeros(1, 0, dtype=torch.int64)
    for _ in range(T):
        with torch.no_grad():
            each = torch.cat([greedy.expand(V, -1), torch.arange(V)[:, None]], 1)
            greedy = each[g.log_p(each)[:, -1].argmax()][None]
    for options in ({"top_k": 1}, {"nucleus": 1e-6}, {"temperature": 1e-3}):
        assert torch.equal(g.draw(u, **options), greedy.expand(20, -1)), options  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
@pytest.mark.parametrize(("top_k", "nucleus"), [(0, 1.0), (4, 1.0), (0, 0.7), (3, 0.8)])
def test_the_temperature_comes_before_the_limits(temperature, top_k, nucleus):
    g, n = net(), 5000
    with torch.no_grad():
        p = (g.log_p(torch.arange(V)[:, None])[:, 0].double() / temperature).softmax(0).numpy()
    order = np.argsort(-p)
    size = next(k for k in range(1, V + 1) if p[order[:k]].sum() >= nucleus - 1e-9)
    kept = order[: min(size, top_k or V)]
    want = np.zeros(V)
    want[kept] = p[kept] / p[kept].sum()
    u = (torch.arange(n) + 0.5)[:, None] / n
    seen = np.bincount(g.draw(u, temperature=temperature, top_k=top_k, nucleus=nucleus)[:, 0].numpy(), minlength=V) / n
    np.testing.assert_allclose(seen, want, atol=2 / n)


def test_the_cell_is_one_step_of_the_lstm():
    g, rows = net(), sentences(10)
    cell, memory = g.cell(), g.blank(10)
    with torch.no_grad():
        hidden, (h, c) = g.lstm(g.embedding(rows))
    for t in range(T):
        memory = cell(rows[:, t], memory)
        torch.testing.assert_close(memory.h, hidden[:, t], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(memory.c, c[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(memory.h, h[0], rtol=1e-5, atol=1e-6)
    assert not memory.h.requires_grad


def test_a_draw_of_many_rows_is_that_of_each():
    g, u = net(), noise(ROWS + 30)
    whole = g.draw(u, ends=True)
    assert torch.equal(torch.cat([g.draw(part, ends=True) for part in u.split(100)]), whole)
