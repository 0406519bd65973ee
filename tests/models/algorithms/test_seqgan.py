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
from models.errors import BadInput, BadSetting
from models.metrics import text as metrics
from models.nets.recurrent import Recurrent
from models.run import Run

PLAN = Plan("cpu", 1, "float32", True, "off")
SMALL = {"T": 6, "vocab": 12, "oracle_V": 12, "e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 8, "negatives": 12, "oracle_size": 200}


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
        for p in state.G.trained():
            p.mul_(12)
        seqgan.copy_to(state.beta, state.G)
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
    return lstm, [emb, *(lstm.get_parameter(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih")), W, b]


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
    assert float(norm) > 0.05
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
    each = (T - 1) * n * (T * 16 + 32 + 8 * state.config.h)
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
    _, tokens, data = case(varied, True)
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


# --- likelihood ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
def test_a_step_of_likelihood_is_the_textbook_one(varied, ends):
    """Mean cross-entropy over the tokens up to each end, and its gradient."""
    state, feed, _ = started(varied if ends else "oracle")
    batch = next(feed)
    lstm, numbers = textbook(state.G)
    logits = logits_of(lstm, numbers, batch.tokens)
    counted = [(i, t) for i, row in enumerate(batch.tokens.tolist()) for t in range(until_the_end(row, ends))]
    rows, places = torch.tensor(counted).T
    loss = F.cross_entropy(logits[rows, places], batch.tokens[rows, places])
    wanted = torch.autograd.grad(loss, numbers)
    norm = float(torch.stack([g.square().sum() for g in wanted]).sum().sqrt())
    info = seqgan.step(state, batch, turned(clip=1e3))
    assert info.loss is not None
    assert float(info.loss) == pytest.approx(float(loss.detach()), rel=1e-5)
    assert info.grad is not None
    assert float(info.grad) == pytest.approx(norm, rel=1e-4)
    for got, want in zip(gradient(state.optimiser_G), wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)
    assert (len(counted) < batch.tokens.numel()) == ends
    clipped, feed, _ = started(varied if ends else "oracle")
    seqgan.step(clipped, next(feed), turned(clip=norm / 3))
    for got, want in zip(gradient(clipped.optimiser_G), wanted, strict=True):
        torch.testing.assert_close(got, want / 3, rtol=1e-4, atol=1e-6)
    assert not state.optimiser_PG.state
    assert not state.optimiser_D.state


def test_tokens_count_up_to_and_with_the_first_end():
    rows = torch.tensor([[3, 4, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 0], [3, 0, 5, 6]])
    assert seqgan.alive(rows, True).int().tolist() == [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    assert (seqgan.alive(rows, False) == 1).all()


def test_nothing_after_an_end_is_learnt_from():
    """Other tokens after the first end, which no data and no sample have, change neither loss nor step."""
    rows = torch.tensor([[3, 4, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0]] * 4)
    other = rows.clone()
    other[:, 3:] = 7
    results = []
    for tokens in (rows, other):
        state, _, data = started()
        state.config = knobs.changed(state.config, {"ends": True})
        loss = seqgan.mle_step(state, tokens, data, turned()).loss
        results.append((loss, digest(state)))
    assert results[0] == results[1]


def test_lr_halves_and_each_net_has_its_own():
    state, feed, data = started()
    for t in range(3):
        seqgan.step(state, next(feed), turned(lr=0.08, halving=10))
        assert state.optimiser_G.param_groups[0]["lr"] == pytest.approx(0.08 * 0.5 ** (t / 10))
    seqgan.g_step(state, data, turned(N=1, lr_PG=0.03))
    seqgan.d_step(state, next(feed).tokens, turned(lr_D=0.004))
    assert state.optimiser_PG.param_groups[0]["lr"] == 0.03
    assert state.optimiser_D.param_groups[0]["lr"] == 0.004
    assert state.trained == {"mle": 3, "PG": 1, "D": 1}


def test_scheduled_sampling_goes_from_the_data_to_the_nets_own_tokens():
    state, feed, _ = started()
    tokens = next(feed).tokens
    before = torch.cat([torch.zeros(8, 1, dtype=torch.int64), tokens[:, :-1]], 1)
    assert torch.equal(seqgan.with_replacement(state, tokens, 0.0), before)
    u = torch.rand(2, 6, 8, generator=twin(state.rng))[0].T
    own = state.G.draw(u)
    assert torch.equal(seqgan.with_replacement(state, tokens, 1.0)[:, 1:], own[:, :-1])
    many = tokens[:1].expand(4000, -1)
    shown_ = seqgan.with_replacement(state, many, 0.3)
    alike = float((seqgan.drawn(state, state.G, 4000)[:, 0] == many[:, 0]).float().mean())
    assert float((shown_[:, 1] != many[:, 0]).float().mean()) == pytest.approx(0.3 * (1 - alike), abs=0.03)


def test_scheduled_sampling_grows_with_the_epochs(monkeypatch):
    state, feed, data = started()
    chances = []
    real = seqgan.with_replacement
    monkeypatch.setattr(seqgan, "with_replacement", lambda state, tokens, chance: (chances.append(chance), real(state, tokens, chance))[1])
    for _ in range(3 * len(data.train) // 8):
        seqgan.step(state, next(feed), turned(replace=0.4))
    each = len(data.train) // 8
    assert chances == pytest.approx([0.4] * each + [0.8] * each)  # none in the first epoch
    chances.clear()
    state.trained["mle"] = 10 * each
    seqgan.step(state, next(feed), turned(replace=0.4))
    assert chances == [1.0]


def test_the_baseline_is_the_generator_that_was_best_on_held_out_sentences():
    state, feed, _ = started()
    found, nets, best = [], [], 0
    for t in range(30):
        if t == 25:  # a bad turn
            with torch.no_grad():
                state.G.out.weight.mul_(10)
        info = seqgan.step(state, next(feed), turned(lr=0.1, measure_every=1))
        found.append(info)
        nets.append(weights(state.G))
        values = [float(i.NLL_gen) for i in found]
        best = int(np.argmin(values))
        assert torch.equal(weights(state.mle), nets[best])
        assert state.levels.tolist() == pytest.approx([float(v) for v in (found[best].NLL_gen, found[best].NLL_oracle, found[best].BLEU2)])
    assert 0 < best < 29
    state.phase = 2
    info = seqgan.step(state, next(feed), turned(measure_every=1, N=1))
    assert torch.equal(weights(state.mle), nets[best])  # from here on it stands still
    assert [info.mle_gen, info.mle_oracle, info.mle_BLEU2] == state.levels.tolist()


def test_a_measurement_is_of_the_definitions(varied):
    state, _, data = started(varied)
    before = digest(state)
    found = {k: float(v) for k, v in measures.measured(state, data, keep=False).items()}
    assert digest(state) == before
    net, held = state.G, data.held(256)
    nats, count = 0.0, 0
    with torch.no_grad():
        for row in held:
            n = until_the_end(row.tolist(), True)
            nats -= float(net.log_p(row[None])[0, :n].sum())
            count += n
        samples = net.draw(measures.noise(256, 6, 0), ends=True)
        own = np.mean([-float(net.log_p(row[None])[0, : until_the_end(row.tolist(), True)].mean()) for row in samples])
        right = (float((state.D(held) > 0).float().mean()) + float((state.D(samples) <= 0).float().mean())) / 2
    assert found["NLL_gen"] == pytest.approx(nats / count, rel=1e-4)
    assert found["entropy"] == pytest.approx(own, rel=1e-4)
    assert found["right_fresh"] == pytest.approx(right)
    assert found["mle_gen"] == found["NLL_gen"]  # there is no baseline yet
    assert "NLL_oracle" not in found
    state, _, data = started()
    found = measures.measured(state, data, keep=False)
    samples = state.G.draw(measures.noise(256, 6, 0))
    assert data.oracle is not None
    assert float(found["NLL_oracle"]) == pytest.approx(data.oracle.nll(samples).mean(), rel=1e-5)
    assert float(found["floor"]) == pytest.approx(data.oracle.floor)


# --- the discriminator --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
def test_a_step_of_the_discriminator_is_cross_entropy_on_both_halves(varied, ends):
    state, feed, _ = started(varied if ends else "oracle")
    state.phase = 1
    tokens, net = next(feed).tokens, copy.deepcopy(state.D)
    info = seqgan.d_step(state, tokens, turned(dropout=0.0, l2=0.3))
    fake = state.negatives[state.order[:4]]
    judged = net(tokens[:4]), net(fake)
    loss = -(judged[0].sigmoid().log().sum() + (1 - judged[1].sigmoid()).log().sum()) / 8
    last = sum(p.square().sum() for p in (net.out.weight, net.out.bias))
    wanted = torch.autograd.grad(loss + 0.3 * last / 2, list(net.parameters()))
    assert info.loss_D is not None
    assert info.right_D is not None
    assert float(info.loss_D) == pytest.approx(float(loss.detach()), rel=1e-5)  # without the weight of the last layer
    assert float(info.right_D) == (int((judged[0] > 0).sum()) + int((judged[1] <= 0).sum())) / 8
    for got, want in zip(gradient(state.optimiser_D), wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-7)
    assert state.D.dropout == 0


def test_dropout_is_a_knob_and_its_noise_is_the_states():
    results = []
    for share in (0.0, 0.5, 0.5):
        state, feed, _ = started()
        info = seqgan.d_step(state, next(feed).tokens, turned(dropout=share))
        results.append((float(info.loss_D), digest(state)))  # type: ignore[arg-type]
    assert results[1] == results[2]
    assert results[0][0] != results[1][0]


def test_negatives_are_drawn_anew_every_k_epochs_and_dealt_in_another_order_in_each(monkeypatch):
    state, feed, _ = started()
    state.phase = 1
    each = seqgan.batches_of_negatives(state)
    assert each == 12 // 4
    draws, seen = [], []
    drawn, forward = seqgan.drawn, state.D.forward
    monkeypatch.setattr(seqgan, "drawn", lambda *args: (draws.append((state.step, args[1] is state.G, args[2])), drawn(*args))[1])
    monkeypatch.setattr(state.D, "forward", lambda tokens, rng=None: (seen.append(tokens[4:]), forward(tokens, rng))[1])
    held, orders = [], []
    for _ in range(4 * 2 * each):
        seqgan.step(state, next(feed), turned(epochs=2))
        held.append(state.negatives.clone())
        orders.append(state.order.clone())
    assert draws == [(k, True, 12) for k in (0, 6, 12, 18)]
    for epoch in range(8):
        mine = range(epoch * each, (epoch + 1) * each)
        assert all(torch.equal(orders[t], orders[mine[0]]) for t in mine)
        assert sorted(orders[mine[0]].tolist()) == list(range(12))
        fed = torch.cat([seen[t] for t in mine])  # every negative once
        assert torch.equal(fed, held[mine[0]][orders[mine[0]]])
    assert len({tuple(orders[k * each].tolist()) for k in range(8)}) == 8
    assert torch.equal(held[0], held[5])
    assert not torch.equal(held[5], held[6])


def test_a_batch_larger_than_all_negatives_takes_them_all():
    state, feed, _ = started(batch=32, negatives=6)
    assert seqgan.batches_of_negatives(state) == 1
    info = seqgan.d_step(state, next(feed).tokens, turned(dropout=0.0))
    assert 0 <= float(info.right_D) <= 1  # type: ignore[arg-type]


def test_the_discriminator_learns_to_tell_samples_from_data():
    state, feed, _ = started(batch=32, negatives=64, e_D=16)
    state.phase = 1
    right = [float(seqgan.step(state, next(feed), turned(lr_D=1e-3, epochs=2, dropout=0.1)).right_D) for _ in range(80)]  # type: ignore[arg-type]
    assert np.mean(right[-10:]) > 0.8


# --- the order of Algorithm 1 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.0, 0.75])
def test_a_round_is_g_updates_then_d_draws_of_k_epochs_then_beta(monkeypatch, delay):
    state, feed, _ = started()
    with torch.no_grad():
        state.G.out.bias.add_(0.5)  # β is not θ before the phase
    state.phase = 2
    calls: list[str] = []
    for name, short in (("g_step", "g"), ("d_step", "d")):
        real = getattr(seqgan, name)
        monkeypatch.setattr(seqgan, name, lambda *args, real=real, short=short: (calls.append(short), real(*args))[1])
    real_draw = seqgan.drawn
    monkeypatch.setattr(seqgan, "drawn", lambda s, net, n: (calls.append(f"draw {n}"), real_draw(s, net, n))[1])
    knb = turned(g_steps=2, d_steps=2, epochs=3, N=1, delay=delay, lr_PG=0.1)
    beta, moved = weights(state.G), []
    for t in range(2 * (2 + 2 * 3 * 3)):
        info = seqgan.step(state, next(feed), knb)
        now = weights(state.beta)
        if not torch.equal(now, beta):
            moved.append(t + 1)
            torch.testing.assert_close(now, delay * beta + (1 - delay) * weights(state.G))
            assert torch.equal(now, weights(state.G)) == (delay == 0)
            beta = now
        assert (info.reward is None) != (info.loss_D is None)
    assert moved == [20, 40]
    assert calls == 2 * (2 * ["g", "draw 8"] + 2 * (["d", "draw 12"] + 8 * ["d"]))
    assert state.trained == {"mle": 0, "PG": 4, "D": 36}
    assert (state.turn, state.dealt) == (0, 0)


@pytest.mark.parametrize(("g", "d", "want"), [(3, 0, "gggggg"), (0, 1, "dddddd"), (0, 0, "gggggg"), (1, 1, "gdddgd")])
def test_rounds_without_one_of_the_two(g, d, want):
    state, feed, _ = started()
    state.phase = 2
    infos = [seqgan.step(state, next(feed), turned(g_steps=g, d_steps=d, epochs=1, N=1)) for _ in range(6)]
    assert "".join("g" if i.reward is not None else "d" for i in infos) == want


def test_a_phase_begins_with_a_round_of_its_own_and_with_beta():
    state, feed, _ = started()
    state.phase = 2
    knb = turned(g_steps=1, d_steps=1, epochs=1, N=1)
    for _ in range(3):
        seqgan.step(state, next(feed), knb)
    assert (state.turn, state.dealt) == (1, 2)
    state.phase = 0
    for _ in range(2):
        seqgan.step(state, next(feed), knb)
    assert (state.turn, state.dealt) == (0, 0)
    assert not torch.equal(weights(state.beta), weights(state.G))
    state.phase = 2
    theta = weights(state.G)
    info = seqgan.step(state, next(feed), knb)
    assert info.reward is not None
    assert torch.equal(weights(state.beta), theta)


@pytest.mark.parametrize("phase", seqgan.PHASES)
def test_a_phase_trains_its_own_nets_and_no_others(phase):
    state, feed, _ = started()
    state.phase = seqgan.PHASES.index(phase)
    state.entered = state.phase
    before = {name: weights(getattr(state, name)) for name in ("G", "D", "beta", "mle")}
    info = seqgan.step(state, next(feed), turned(N=1, d_steps=1))
    changed = {name for name, old in before.items() if not torch.equal(old, weights(getattr(state, name)))}
    assert changed == {"mle": {"G"}, "discriminator": {"D"}, "adversarial": {"G"}}[phase]
    told = {k for k, v in info._asdict().items() if v is not None}
    assert told == {"mle": {"loss", "grad"}, "discriminator": {"loss_D", "right_D"}, "adversarial": {"reward", "grad"}}[phase]
    assert not any(p.requires_grad for net in (state.beta, state.mle) for p in net.parameters())


def test_presets_are_those_of_the_paper():
    paper = seqgan.PRESETS["paper"]
    config, knb = knobs.make(seqgan.Config, paper.config), knobs.make(seqgan.Knobs, paper.knobs)
    assert (config.T, config.vocab, config.e, config.h, config.e_D, config.batch, config.negatives) == (20, 5000, 32, 32, 64, 64, 10_000)
    assert (knb.lr, knb.lr_PG, knb.lr_D, knb.N, knb.g_steps, knb.d_steps, knb.epochs) == (1e-2, 1e-2, 1e-4, 16, 1, 5, 3)
    assert (knb.clip, knb.dropout, knb.l2, knb.delay, knb.reward, knb.baseline, knb.whiten, knb.replace) == (5.0, 0.25, 0.2, 0, "D", False, False, 0)
    assert seqgan.filters(config) == seqgan.textcnn.FILTERS_20
    assert seqgan.filters(knobs.changed(config, {"T": 32})) == seqgan.textcnn.FILTERS_32
    assert max(w for w, _ in seqgan.filters(knobs.changed(config, {"T": 7}))) == 7
    for preset in seqgan.PRESETS.values():
        assert tuple(p.name for p in preset.phases) == seqgan.PHASES
    assert [p.steps for p in paper.phases] == [18_720, 46_800, 200 * (1 + 15 * 312)]


def test_nets_that_the_machine_has_no_room_for_are_refused_before_they_are_made():
    config = knobs.make(seqgan.Config, {"vocab": 200_000, "e": 2048, "h": 2048, "batch": 4096, "T": 64})
    with pytest.raises(BadSetting, match=r"A vocabulary of 200,000 tokens .* needs about [\d,]+ GB, and this cpu has [\d,]+ GB: lower vocab"):
        seqgan.init(config, 0, PLAN)


# --- between ------------------------------------------------------------------------------------------------------


def test_it_is_told_once_that_nll_gen_has_risen_until_it_has_fallen():
    state, *_ = started()

    def decide(*values: float, before: float = 2.0) -> int:
        nothing = np.full(len(values), np.nan, np.float32)
        recent = {"NLL_gen": np.array(values, np.float32), "mle_gen": np.full(len(values), before, np.float32), "right_fresh": nothing}
        events = seqgan.between(state, recent, turned())
        assert all(e.what == "alarm" and "NLL_gen has risen by" in e.text for e in events)
        return len(events)

    nan = np.nan
    assert decide(nan, nan) == 0
    assert decide(2.1, nan) == 0
    assert decide(2.19) == 0
    assert decide(nan, 2.3, nan) == 1  # the last that is known
    assert decide(2.5) == 0
    assert decide(nan) == 0
    assert decide(2.15) == 0  # not yet fallen
    assert decide(2.4) == 0
    assert decide(2.05) == 0
    assert decide(2.4) == 1
    assert decide(2.0) == 0
    assert decide(9.0, before=nan) == 0  # the phase of likelihood has no baseline to be held against


@pytest.mark.parametrize(("right", "words"), [(0.8, "D is right on 80 % of fresh data"), (0.51, "mostly noise")])
def test_how_good_d_is_when_the_policy_gradient_begins_is_told_once(right, words):
    state, *_ = started()
    known = {"NLL_gen": np.array([np.nan]), "mle_gen": np.array([np.nan]), "right_fresh": np.array([np.nan, right], np.float32)}
    assert not seqgan.between(state, known, turned())  # not before
    state.phase = 2
    assert not seqgan.between(state, known | {"right_fresh": np.array([np.nan])}, turned())
    (event,) = seqgan.between(state, known, turned())
    assert event.what == "D"
    assert words in event.text.replace("80%", "80 %")
    assert not seqgan.between(state, known, turned())


# --- saved and loaded ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("phase", seqgan.PHASES)
def test_a_state_that_is_saved_in_any_phase_goes_on_as_if_it_had_not_been(phase, ends, precision, varied, tmp_path):
    """Also in the middle of a round, of an epoch, and with an alarm."""
    plan = Plan("cpu", 1, precision, True, "off")
    knb = turned(g_steps=2, d_steps=2, epochs=2, N=2, measure_every=3, delay=0.5, replace=0.5)
    (whole, feed, _), (other, *_), (third, *_) = (started(varied if ends else "oracle", 3, plan) for _ in range(3))
    batches = list(itertools.islice(feed, 24))

    def go(state, start, stop):
        infos = []
        for t in range(start, stop):
            state.phase = 0 if t < 3 else seqgan.PHASES.index(phase)
            infos.append(seqgan.step(state, batches[t], knb))
        return infos

    straight = go(whole, 0, 24)
    for stop in (4, 7, 18):
        go(other, other.step, stop)
        other.alarmed = stop == 18
        checkpoint.save(tmp_path / "x.safetensors", other, {})
        tensors, header = checkpoint.read(tmp_path / "x.safetensors")
        checkpoint.restore(third, tensors, header, tmp_path / "x.safetensors")
        assert digest(third) == digest(other)
        assert checkpoint.flatten(third)[1] == checkpoint.flatten(other)[1]
        other, third = third, other
    rest = go(other, 18, 24)
    assert digest(other) == digest(whole)
    assert other.alarmed
    assert (other.words, other.joiner, other.trained, other.entered) == (whole.words, whole.joiner, whole.trained, whole.entered)
    for a, b in zip(straight[18:], rest, strict=True):
        assert all(p is q is None or torch.equal(p, q) for p, q in zip(a, b, strict=True))


# --- learning -----------------------------------------------------------------------------------------------------


def test_an_oracles_language_is_learnt():
    """From the ceiling to near the floor in some dozens of steps of likelihood."""
    config = knobs.make(seqgan.Config, SMALL | {"oracle_V": 20, "h": 16, "e": 8, "batch": 64, "oracle_size": 1000})
    data = seqgan.open_data("oracle", config)
    config = seqgan.fitted(config, data)
    state = seqgan.init(config, 0, PLAN)
    feed = seqgan.batches(data, config, 0, 0)
    assert data.oracle is not None
    infos = [seqgan.step(state, next(feed), turned(lr=2e-2, measure_every=100)) for _ in range(100)]
    first, last, floor, ceiling = (float(v) for v in (infos[0].NLL_oracle, infos[-1].NLL_oracle, data.oracle.floor, data.oracle.ceiling))  # type: ignore[arg-type]
    assert first > floor + 0.7 * (ceiling - floor)
    assert last < floor + 0.4 * (ceiling - floor)
    assert float(infos[-1].NLL_gen) < float(infos[0].NLL_gen) - 0.5  # type: ignore[arg-type]


# --- whole runs ---------------------------------------------------------------------------------------------------

TINY = {"e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 8}
FEW = {"N": 2, "g_steps": 1, "d_steps": 1, "epochs": 1, "measure_every": 4}


@pytest.mark.parametrize("spec", ["oracle", "grammar"])
def test_a_run_over_all_phases_and_back(spec, tmp_path):
    config = TINY | ({"T": 6, "oracle_V": 12, "oracle_size": 100} if spec == "oracle" else {"T": 20})
    run = Run.create(tmp_path / "run", "seqgan", spec, config=config, knob_values=FEW, plan=PLAN)
    steps = run.train(14)
    next(steps)
    for command in (None, None, NextPhase(), None, None, None, NextPhase(), *[None] * 6, GoToPhase("mle"), None, None):
        steps.send(command) if command else next(steps)
    assert (run.state.step, run.phase) == (13, "mle")
    list(steps)
    told = [{k for k, v in zip(run.algorithm.Info._fields, row, strict=True) if np.isfinite(v)} for row in run.rows]
    kinds = ["g" if "reward" in t else "d" if "loss_D" in t else "m" if "loss" in t else "?" for t in told]
    assert "".join(kinds) == "mm" + "ddd" + "gddddg"[:6] + "mmm"
    assert all(("NLL_gen" in t) == (k in (0, 3, 7, 11)) for k, t in enumerate(told))
    assert ("NLL_oracle" in told[0]) == (spec == "oracle")
    assert "mle_gen" in told[3]
    assert run.state.trained == {"mle": 5, "PG": 2, "D": 7}
    first = run.algorithm.sample(run.state, 5, 1)
    digest_ = digest(run.state)
    run.close()
    bare = Run.open(tmp_path / "run", write=False, data=False)  # sampling needs no data
    assert bare.data is None
    assert digest(bare.state) == digest_
    again = bare.algorithm.sample(bare.state, 5, 1)
    assert again.words == first.words
    assert np.array_equal(again.numbers["log_p"], first.numbers["log_p"])
    assert bare.view("samples", n=2, seed=1, temperature=1.0, top_k=0, nucleus=1.0, prompt="", net="mle").words["samples"]
    with_data = Run.open(tmp_path / "run")
    assert (with_data.config.vocab, with_data.config.T) == (with_data.data.V, with_data.data.T)
    with_data.close()


def test_settings_are_fitted_to_the_data_and_open_the_same_again(varied):
    state, _, data = started(varied, T=40, vocab=5000)
    assert (state.config.T, state.config.vocab, state.config.ends) == (6, 12, True) == (data.T, data.V, data.ends)
    assert state.words == list(data.words)
    assert state.joiner == " "
    again = seqgan.open_data(str(varied), state.config)
    assert again.id == data.id
    assert seqgan.fitted(state.config, again) == state.config
    assert started("oracle")[0].words == []


# --- sentences ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken_to(varied) -> seqgan.State:
    torch.set_num_threads(1)
    return started(varied)[0]


def test_a_sample_says_its_tokens_its_log_p_and_its_length(spoken_to):
    state = spoken_to
    view = shown.sample(state, 70, 4, temperature=0.7, top_k=8, nucleus=0.95)
    tokens, _ = shown.drawn(state, 70, 4, temperature=0.7, top_k=8, nucleus=0.95)
    assert np.array_equal(tokens, state.G.draw(measures.noise(70, 6, 4), ends=True, temperature=0.7, top_k=8, nucleus=0.95).numpy())
    with torch.no_grad():
        log_p = state.G.log_p(torch.from_numpy(tokens)).double().numpy()
    for i, row in enumerate(tokens.tolist()):
        n = until_the_end(row, True)
        assert view.numbers["log_p"][i] == pytest.approx(log_p[i, :n].sum(), rel=1e-4)  # at temperature 1, of all tokens
        words = [state.words[k] for k in row[:n] if k]
        assert view.numbers["length"][i] == len(words)
        assert view.words["samples"][i] == " ".join(words)
        assert [w for w in view.words["tokens"][i].split(shown.BETWEEN_TOKENS) if w] == words
    other = shown.sample(state, 70, 4, net="mle")
    assert other.words != shown.sample(state, 70, 4).words


def test_a_prompt_begins_every_sentence_and_is_not_scored(spoken_to):
    state = spoken_to
    view = shown.sample(state, 20, 0, prompt=" ba  do ")
    assert all(s.startswith("ba do") for s in view.words["samples"])
    tokens, log_p = shown.drawn(state, 20, 0, prompt="ba do")
    with torch.no_grad():
        each = state.G.log_p(torch.from_numpy(tokens)).double().numpy()
    for i, row in enumerate(tokens.tolist()):
        assert log_p[i] == pytest.approx(each[i, 2 : until_the_end(row, True)].sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prompt": "ba dox"}, r"This run's vocabulary of 12 does not have 'dox': use words of its data; did you mean do\?"),
        ({"prompt": "zzzzzz"}, r"does not have 'zzzzzz': use words of its data\."),
        ({"prompt": "ba do ba do ba do"}, r"The prompt has 6 tokens, and this run's sentences have at most 6: leave room for at least one\."),
        ({"temperature": 0.0}, r"The temperature must lie above 0 and be at most 10; got 0\."),
        ({"temperature": float("nan")}, "The temperature must lie above 0 and be at most 10; got nan"),
        ({"temperature": 11.0}, "at most 10; got 11"),
        ({"top_k": -1}, r"top-k is a number of tokens, 0 for all; got -1\."),
        ({"nucleus": 0.0}, r"The nucleus is a share above 0 and at most 1; got 0\."),
        ({"nucleus": 1.01}, r"at most 1; got 1\.01"),
        ({"net": "oracle"}, r"There is no generator 'oracle' in a SeqGAN run; it has seqgan and mle\."),
    ],
)
def test_what_cannot_be_sampled_is_told_in_one_sentence(spoken_to, options, said):
    with pytest.raises(BadInput, match=said) as raised:
        shown.sample(spoken_to, 3, 0, **options)
    assert "\n" not in str(raised.value)


def test_prompts_of_an_oracle_are_numbers():
    state, *_ = started()
    assert all(s.split()[:2] == ["3", "11"] for s in shown.sample(state, 5, 0, prompt="3 11").words["samples"])
    for prompt in ("12", "-1", "3 x", "2.5"):
        with pytest.raises(BadInput, match=r"The tokens of an oracle are numbers from 0 to 11; the prompt is"):
            shown.sample(state, 5, 0, prompt=prompt)


def test_the_rewards_that_are_shown_are_those_of_the_search(spoken_to):
    state = spoken_to
    tokens, _ = shown.drawn(state, 128, 3)
    lengths = [until_the_end(row, True) for row in tokens.tolist()]
    for index in (lengths.index(1), lengths.index(6), lengths.index(4), 70):
        view = shown.view_rewards(state, None, turned(), seed=3, index=index, N=5)
        T = lengths[index]
        row = tokens[index, :T].tolist()
        assert view.words["tokens"] == [state.words[k] if k else "⏎" for k in row]
        Q, verdicts = view.numbers["Q"], view.numbers["verdicts"].reshape(T - 1, 5)
        np.testing.assert_allclose(Q[:-1], verdicts.mean(1), rtol=1e-5)
        whole = float(state.D(torch.from_numpy(tokens[index][None]))[0].sigmoid().detach())
        assert view.numbers["whole"][0] == pytest.approx(whole, rel=1e-5)
        if T > 1:
            assert len(view.words["rollouts"]) == (T - 1) * 5
        assert view.numbers["mean"].shape == Q.shape == (T,)
        for k, said in enumerate(view.words["rollouts"]):  # each verdict is of the prefix with what follows it
            follow = [state.words.index(w) for w in said.split(shown.BETWEEN_TOKENS) if w]
            full = (row[: k // 5 + 1] + follow + [0] * 6)[:6]
            assert verdicts.flat[k] == pytest.approx(float(state.D(torch.tensor([full]))[0].sigmoid().detach()), rel=1e-4)
