from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import checkpoint, knobs
from models.algorithms import seqgan
from models.algorithms.seqgan import measures, search, shown
from models.contract import GoToPhase, NextPhase, Plan
from models.data.text import TextSet
from models.errors import BadInput
from models.metrics import text as metrics
from models.nets.recurrent import Recurrent
from models.run import Run

PLAN = Plan("cpu", 1, "float32", True, "off")
SMALL = {"T": 6, "vocab": 12, "e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 8, "negatives": 12, "oracle_size": 200}
FIVE = 5.0


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def varied(tmp_path_factory) -> Path:
    """A text file of 200 sentences of one to six words; no two lengths are equally common."""
    rng = np.random.default_rng(0)
    words = [a + b for a in "bdfgk" for b in ("a", "o")]
    path = tmp_path_factory.mktemp("data") / "varied.txt"
    path.write_text("".join(" ".join(rng.choice(words, max(1, rng.binomial(6, 0.5)))) + "\n" for _ in range(200)), "utf-8")
    return path


def turned(**values) -> seqgan.Knobs:
    return knobs.make(seqgan.Knobs, {"measure_every": 0, "lr_PG": 1e-2} | values)


_opened: dict[Any, TextSet] = {}


def started(spec: Any = "oracle", seed: int = 0, plan: Plan = PLAN, **values) -> tuple[seqgan.State, Iterator[seqgan.Batch], TextSet]:
    """(state, endless batches, data); a State whose nets tell sentences apart."""
    config = knobs.make(seqgan.Config, SMALL | values)
    key = (str(spec), repr(config))
    if key not in _opened:
        _opened[key] = seqgan.open_data(str(spec), config)
    data = _opened[key]
    config = seqgan.fitted(config, data)
    state = seqgan.init(config, seed, plan)
    seqgan.prepare(state, data)
    with torch.no_grad():
        for net in (state.G, state.beta):
            for p in net.trained():
                p.mul_(8)
        for conv in state.D.kernels():
            conv.weight.mul_(4)
    return state, seqgan.batches(data, config, seed, 0), data


def digest(state) -> str:
    return checkpoint.state_hash(checkpoint.flatten(state)[0])


def weights(net: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def gradient(optimiser: torch.optim.Adam) -> list[Tensor]:
    """What Adam was given at its first step."""
    return [optimiser.state[p]["exp_avg"] / (1 - 0.9) for p in optimiser.param_groups[0]["params"]]


def textbook(net: Recurrent) -> tuple[nn.LSTM, list[Tensor]]:
    """torch's own LSTM with a net's numbers, and all that learns, in the order of `trained`: (lstm, numbers)."""
    lstm = nn.LSTM(net.lstm.input_size, net.lstm.hidden_size, batch_first=True)
    lstm.load_state_dict(net.lstm.state_dict())
    emb, W, b = (p.detach().clone().requires_grad_() for p in (net.embedding.weight, net.out.weight, net.out.bias))
    return lstm, [emb, lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, W, b]


def logits_of(lstm: nn.LSTM, numbers: list[Tensor], tokens: Tensor) -> Tensor:
    """(n, T, V), teacher forced."""
    before = torch.cat([torch.zeros(len(tokens), 1, dtype=torch.int64), tokens[:, :-1]], 1)
    return F.linear(lstm(F.embedding(before, numbers[0]))[0], *numbers[4:])


def until_the_end(row: list[int], ends: bool) -> int:
    """Tokens that count: up to and with the first end."""
    return row.index(0) + 1 if ends and 0 in row else len(row)


# --- Monte-Carlo search, the slow way ------------------------------------------------------------------------------


@torch.no_grad()
def naive(state: seqgan.State, tokens: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """(Q (n, T), roll-outs (T-1, N, n, T)) by loops over prefixes, roll-outs and sentences, each read again from its first token by torch's LSTM."""
    n, T = tokens.shape
    lstm, numbers = textbook(state.beta)
    lstm, numbers = lstm.double(), [v.detach().double() for v in numbers]
    ends, N, nearest = state.config.ends, u.shape[1], 1.0
    Q, out = torch.zeros(n, T), torch.zeros(T - 1, N, n, T, dtype=torch.int64)
    for t, r, i in itertools.product(range(1, T), range(N), range(n)):
        row = tokens[i, :t].tolist()
        while len(row) < T:
            s = len(row)
            if ends and row[-1] == 0:
                row.append(0)
                continue
            x = F.embedding(torch.tensor([[0, *row]]), numbers[0])
            upto = F.linear(lstm(x)[0][0, -1], *numbers[4:]).softmax(0).cumsum(0)
            nearest = min(nearest, float((upto - u[t - 1, r, i, s].double()).abs().min()))
            row.append(int((upto[:-1] <= u[t - 1, r, i, s].double()).sum()))
        out[t - 1, r, i] = torch.tensor(row)
        Q[i, t - 1] += state.D(out[t - 1, r, i][None])[0].sigmoid() / N
    assert nearest > 1e-6  # or a token might hang on rounding
    for i in range(n):
        Q[i, T - 1] = state.D(tokens[i][None])[0].sigmoid()
    return Q, out


def noise(rng: torch.Generator, N: int, n: int, T: int) -> Tensor:
    """As search draws it."""
    return torch.stack([torch.rand(T - 1, n, T, generator=rng) for _ in range(N)], 1)


def twin(rng: torch.Generator) -> torch.Generator:
    return torch.Generator().set_state(rng.get_state())


def case(varied: Path, ends: bool, n: int = 5) -> tuple[seqgan.State, Tensor, TextSet]:
    """A State whose β is not G, and sentences of G, one of which is empty and one full where they have ends."""
    state, _, data = started(varied if ends else "oracle")
    with torch.no_grad():
        state.beta.out.bias.add_(torch.linspace(-1, 1, state.config.vocab))
        if ends:
            state.G.out.bias[0] += 1
            state.beta.out.bias[0] += 2
    tokens = seqgan.drawn(state, state.G, 60)
    if ends:
        length = (tokens != 0).sum(1)
        assert set(range(7)) <= set(length.tolist())
        tokens = torch.stack([tokens[length == k][0] for k in (0, 6, 3, 1, 5)])
    return state, tokens[:n], data


@pytest.mark.parametrize("ends", [False, True])
def test_rewards_are_those_of_a_double_loop(varied, ends):
    state, tokens, data = case(varied, ends)
    N, T = 3, state.config.T
    want, _ = naive(state, tokens, noise(twin(state.rng), N, len(tokens), T))
    got = search.rewards(state, tokens, data, turned(N=N))
    assert float(want.std()) > 0.01
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got[:, -1], state.D(tokens).sigmoid().detach(), rtol=1e-5, atol=1e-6)  # D(Y) itself
    assert not got.requires_grad


@pytest.mark.parametrize("ends", [False, True])
def test_rollouts_are_those_of_a_double_loop(varied, ends):
    state, tokens, _ = case(varied, ends)
    T = state.config.T
    u = noise(twin(state.rng), 3, len(tokens), T)
    got = search.Policy(state.beta, tokens, ends).rollouts(u)
    assert torch.equal(got, naive(state, tokens, u)[1])
    for t in range(1, T):  # they begin with the sentence's own tokens, and go on with others
        assert (got[t - 1, :, :, :t] == tokens[:, :t]).all()
        assert not (got[t - 1, :, :, t:] == tokens[:, t:]).all()
    if ends:
        over = (got == 0).cumsum(-1) > 0
        assert (got[over] == 0).all()
        assert not over.all()


@pytest.mark.parametrize("clip", [5.0, 0.05])
@pytest.mark.parametrize("ends", [False, True])
def test_the_policy_gradient_is_that_of_the_double_loop_on_the_same_noise(varied, ends, clip):
    """Σ over sentences and tokens, not a mean, of -log G · Q up to each end; then no longer than `clip`."""
    state, _, data = case(varied, ends)
    N, n, T = 3, state.config.batch, state.config.T
    rng = twin(state.rng)
    tokens = state.G.draw(torch.rand(n, T, generator=rng), ends=ends)
    Q, _ = naive(state, tokens, noise(rng, N, n, T))
    lstm, numbers = textbook(state.G)
    log_p = logits_of(lstm, numbers, tokens).log_softmax(2)
    loss, reward, count = torch.zeros(()), 0.0, 0
    for i, row in enumerate(tokens.tolist()):
        for t in range(until_the_end(row, ends)):
            loss = loss - log_p[i, t, row[t]] * Q[i, t]
            reward, count = reward + float(Q[i, t]), count + 1
    wanted = torch.autograd.grad(loss, numbers)
    norm = torch.stack([g.square().sum() for g in wanted]).sum().sqrt()
    info = seqgan.g_step(state, data, turned(N=N, clip=clip))
    assert info.grad is not None
    assert info.reward is not None
    assert float(info.grad) == pytest.approx(float(norm), rel=1e-4)
    assert float(info.reward) == pytest.approx(reward / count, rel=1e-4)
    assert 0.05 < float(norm)
    for got, want in zip(gradient(state.optimiser_PG), wanted, strict=True):
        torch.testing.assert_close(got, want * min(1.0, clip / float(norm)), rtol=1e-4, atol=1e-6)
    assert torch.equal(rng.get_state(), state.rng.get_state())
    assert not state.optimiser_G.state  # the moments of the likelihood are its own


class Named(search.Judge):
    """A judge that says whose sentence it is: its first token, which every roll-out has."""

    def sentences(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0].float()


class Placed(search.Judge):
    """One that says which sentence, prefix and roll-out it was asked about."""

    def sentences(self, tokens: Tensor) -> Tensor:
        return torch.arange(len(tokens)) + 1e4

    def rollouts(self, prefixes: Tensor, rollouts: Tensor) -> Tensor:
        t, N, n = (torch.arange(k) for k in rollouts.shape[:3])
        return (t[:, None, None] + 1) * 100.0 + n + 0 * N[:, None]


@pytest.mark.parametrize("ends", [False, True])
def test_rewards_stay_with_their_own_sentence(varied, ends):
    """A reinterpretation of (N T, B) as (B, T, N), as a well-known implementation has it, mixes sentences up."""
    state, *_ = case(varied, ends)
    T, n, N = state.config.T, 7, 4
    tokens = torch.randint(1, state.config.vocab, (n, T), generator=torch.Generator().manual_seed(0))
    tokens[:, 0] = torch.arange(n) + 1
    got = search.search(state, tokens, N, twin(state.rng), Named())
    assert torch.equal(got, tokens[:, :1].float().expand(n, T))
    rollouts = search.Policy(state.beta, tokens, ends).rollouts(noise(twin(state.rng), N, n, T))
    verdicts = torch.cat([Named().rollouts(tokens, rollouts), tokens[:, 0].float().expand(1, N, n)])  # (T, N, n)
    rows = verdicts.transpose(0, 1).reshape(N * T, n)  # one row a roll-out and place
    right, wrong = rows.view(N, T, n).mean(0).T, rows.view(n, T, N).mean(-1)
    assert torch.equal(right, got)
    assert not torch.equal(wrong, got)
    places = search.search(state, tokens, N, twin(state.rng), Placed())
    want = torch.arange(1, T + 1) * 100.0 + torch.arange(n)[:, None]
    want[:, -1] = torch.arange(n) + 1e4
    assert torch.equal(places, want)


class Hashed(search.Judge):
    """One that gives every sentence a number of its own, which no product of matrices rounds."""

    def sentences(self, tokens: Tensor) -> Tensor:
        return ((tokens * torch.tensor([3, 7, 31, 127, 8191, 131071])).sum(1) % 9973).float() / 9973


@pytest.mark.parametrize("ends", [False, True])
def test_rollouts_in_parts_are_the_same_bit_for_bit(varied, ends, monkeypatch):
    state, tokens, data = case(varied, ends)
    N, (n, T) = 7, tokens.shape
    rollouts, seen = search.Policy.rollouts, []
    monkeypatch.setattr(search.Policy, "rollouts", lambda self, u: (seen.append(u.shape), rollouts(self, u))[1])
    each = (T - 1) * n * (T * 12 + 24 * state.config.h)
    results = []
    for room, parts in ((99 * each, [7]), (1, [1] * 7), (each - 1, [1] * 7), (2 * each, [2, 2, 2, 1]), (5 * each + 7, [5, 2])):
        monkeypatch.setattr(search, "MEMORY", room)
        assert search.Policy(state.beta, tokens, ends).room(room) == max(1, room // each)
        rng = twin(state.rng)
        seen.clear()
        plain = search.search(state, tokens, N, rng, Hashed())
        assert [u[1] for u in seen] == parts  # never more rows than there is room for, but for one of each prefix
        results.append((plain, rng.get_state(), search.rewards(case(varied, ends)[0], tokens, data, turned(N=N))))
    for plain, after, judged in results[1:]:
        assert torch.equal(plain, results[0][0])
        assert torch.equal(after, results[0][1])
        torch.testing.assert_close(judged, results[0][2], rtol=0, atol=5e-7)  # products of few rows are rounded in other ways


def test_the_first_rollouts_are_the_same_whatever_n_is(varied):
    state, tokens, _ = case(varied, True)
    one = noise(twin(state.rng), 1, 5, 6)
    many = noise(twin(state.rng), 4, 5, 6)
    assert torch.equal(one, many[:, :1])
    few, more = (search.search(state, tokens, N, twin(state.rng), search.D_judge(state)) for N in (1, 40))
    torch.testing.assert_close(few[:, -1], more[:, -1])
    assert float((few - more).abs().max()) > 0


def test_what_is_looked_at_is_a_search_that_keeps_everything(varied):
    state, tokens, _ = case(varied, True)
    found = search.looked_at(state, tokens, 3, torch.Generator().manual_seed(4))
    u = torch.rand(5, 3, 5, 6, generator=torch.Generator().manual_seed(4))
    want, rollouts = naive(state, tokens, u)
    assert torch.equal(found.rollouts, rollouts)
    torch.testing.assert_close(found.Q, want, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.Q[:, :-1].T, found.verdicts.mean(1))
    assert torch.equal(found.Q[:, -1], found.whole)


# --- kinds of reward ----------------------------------------------------------------------------------------------


def test_permuted_and_constant_rewards_are_those_of_d_without_knowing_whose(varied):
    state, tokens, data = case(varied, True)
    plain, permuted, constant = (
        search.rewards(case(varied, True)[0], tokens, data, turned(N=3, reward=kind)) for kind in ("D", "permuted", "constant")
    )
    order = [next(k for k in range(5) if torch.equal(plain[k], row)) for row in permuted]
    assert sorted(order) == list(range(5)) != order
    torch.testing.assert_close(constant, plain.mean().expand(5, 6))
    assert float(constant.max() - constant.min()) == 0


@pytest.mark.parametrize("ends", [False, True])
def test_bleu_as_a_reward_is_bleu_3_of_rollouts_against_training_sentences(varied, ends):
    state, tokens, data = case(varied, ends)
    N, (n, T) = 2, tokens.shape
    rollouts = search.Policy(state.beta, tokens, ends).rollouts(noise(twin(state.rng), N, n, T))
    rows = data.rows(data.train)
    size = lambda rows: np.array([until_the_end(r, ends) - (ends and 0 in r) for r in rows.tolist()])  # noqa: E731
    bleu = lambda tokens: metrics.bleu(tokens, size(tokens), rows, size(rows), 3).each[:, 2]  # noqa: E731
    want = np.stack([bleu(rollouts[t, r].numpy()) for t in range(T - 1) for r in range(N)]).reshape(T - 1, N, n).mean(1).T
    got = search.rewards(state, tokens, data, turned(N=N, reward="BLEU")).numpy()
    np.testing.assert_allclose(got[:, :-1], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got[:, -1], bleu(tokens.numpy()), rtol=1e-5, atol=1e-6)
    assert got.std() > 0


@pytest.mark.parametrize(("baseline", "whiten"), [(False, False), (True, False), (False, True), (True, True)])
def test_mean_and_deviation_are_taken_off_place_by_place(baseline, whiten):
    generator = torch.Generator().manual_seed(0)
    Q = torch.rand(6, 5, generator=generator)
    counts = (torch.arange(5) < torch.tensor([5, 4, 4, 2, 2, 1])[:, None]).float()
    got = seqgan.advantage(Q, counts, turned(baseline=baseline, whiten=whiten)).numpy()
    for t in range(4):  # at the last place there is one sentence, without deviation
        here = Q[counts[:, t] > 0, t].double().numpy()
        want = (here - here.mean() * baseline) / (here.std() if whiten else 1)
        np.testing.assert_allclose(got[counts[:, t].numpy() > 0, t], want, rtol=1e-4, atol=1e-6)
    assert np.isfinite(got).all()
    if baseline:
        assert abs(got[0, 4]) < 1e-6
    none = torch.cat([counts[:, :4], torch.zeros(6, 1)], 1)  # a place that no sentence reaches
    assert torch.isfinite(seqgan.advantage(Q, none, turned(baseline=baseline, whiten=whiten))).all()


def test_the_baseline_of_the_same_reward_for_all_leaves_no_gradient(varied):
    state, _, data = case(varied, False)
    info = seqgan.g_step(state, data, turned(N=2, reward="constant", baseline=True))
    assert info.grad is not None
    assert float(info.grad) < 1e-4


def test_policy_gradient_raises_the_reward(monkeypatch):
    """The sign: where the judge likes one token, G comes to write it."""

    class Likes(search.Judge):
        def sentences(self, tokens: Tensor) -> Tensor:
            return (tokens == 3).float().mean(1)

    state, *_ = started()
    monkeypatch.setattr(search, "D_judge", lambda state: Likes())
    share = lambda: float((seqgan.drawn(state, state.G, 500) == 3).float().mean())  # noqa: E731
    before, found = share(), []
    for _ in range(40):
        found.append(seqgan.g_step(state, None, turned(N=4, lr_PG=3e-2, baseline=True)).reward)  # type: ignore[arg-type]
        seqgan.copy_to(state.beta, state.G)
    assert share() > before + 0.3
    assert float(torch.stack(found[-5:]).mean()) > float(torch.stack(found[:5]).mean()) + 0.2
