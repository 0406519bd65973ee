"""The arithmetic of MaskGAN: blanks, returns, baselines, advantages, and the gradients, against loops and against all fillings there are."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from models.algorithms import maskgan
from models.algorithms.maskgan.masks import STRATEGIES, masks
from models.nets.seq2seq import Blanks
from tests.models.algorithms.maskgans import CLEAN, blanked, flat, gradient, started, turned


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- which tokens are blanks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("present", [0.0, 0.3, 0.5, 0.9, 0.99])
def test_every_sentence_has_a_blank_and_none_is_behind_its_end(strategy, present, ends):
    sizes = torch.arange(1, 11).repeat(40)
    found = masks(sizes, 10, rng(), strategy, present, ends=ends)
    for row, size in zip(found.tolist(), sizes.tolist(), strict=True):
        assert any(row[:size])
        behind = ends and row[size - 1]  # where the end is a blank, so is what fills the row
        assert row[size:] == [behind] * (10 - size)
        if strategy == "all":
            assert all(row[:size])
        if strategy == "contiguous":
            wide = max(1, math.floor((1 - present) * size + 1e-9))
            start = row.index(True)
            assert row[:size] == [start <= t < start + wide for t in range(size)]


def test_a_stretch_begins_anywhere_and_single_blanks_come_at_their_rate():
    n = 6_000
    found = masks(torch.full((n,), 10), 12, rng(1), "contiguous", 0.6, ends=False)
    starts = np.bincount(found.long().argmax(1).numpy(), minlength=12)
    assert not starts[7:].any()
    assert stats.chisquare(starts[:7]).pvalue > 0.01
    single = masks(torch.full((n,), 10), 12, rng(1), "random", 0.6, ends=False)
    rates = single[:, :10].double().mean(0)
    assert rates.numpy() == pytest.approx(np.full(10, 0.4 + 0.6**10 / 10), abs=0.03)
    neighbours = np.corrcoef(single[:, 3].numpy(), single[:, 4].numpy())[0, 1]
    assert abs(neighbours) < 0.05


def test_all_strategies_take_the_same_numbers():
    after = []
    for strategy in STRATEGIES:
        generator = rng(3)
        masks(torch.tensor([4, 6]), 6, generator, strategy, 0.5, ends=True)
        after.append(generator.get_state().tolist())
    assert after[0] == after[1] == after[2]


def test_curricula_of_length_and_share(spec):
    state, feed, _ = started(spec)
    tokens, T = next(feed).tokens, state.config.T
    knobs = turned(T_from=3, T_every=10)
    for updates, wide in ((0, 3), (9, 3), (10, 4), (1000, T)):
        state.trained = {"lm": 500, "mle": updates, "D": 0, "PG": 0}
        found, blanks = maskgan.masked(state, tokens, knobs)
        assert found.shape[1] == blanks.T == wide
    state.trained["lm"], share = 0, []
    knobs = turned(strategy="random", present=0.2, present_from=0.9, present_steps=100)
    for updates in (0, 50, 100, 900):
        state.trained = {"lm": 0, "mle": 0, "D": updates, "PG": 0}
        many = torch.full((4_000, T), 2)
        share.append(1 - float(maskgan.masked(state, many, knobs)[1].mask.float().mean()))
    assert share == pytest.approx([0.83, 0.55, 0.2, 0.2], abs=0.07)


# --- returns, baselines, advantages -------------------------------------------------------------------------------


def case(seed: int = 0, n: int = 5, T: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """(r, V, counts): rewards at scattered blanks."""
    counts = (torch.rand(n, T, generator=rng(seed)) < 0.6).float()
    counts[:, 2] = 1
    return -torch.rand(n, T, generator=rng(seed + 1)) * counts, -torch.rand(n, T, generator=rng(seed + 2)), counts


def rows(*values: Tensor):
    return zip(*(v.tolist() for v in values), strict=True)


@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("exponent", ["distance", "place"])
def test_returns_are_a_double_loop(gamma, exponent):
    r, _, counts = case()
    r = r - (1 - counts)  # what is no blank has a number too, and does not count
    got = maskgan.returns(r, counts, turned(gamma=gamma, exponent=exponent))
    for i, (row, there) in enumerate(rows(r, counts)):
        for t in range(7):
            want = sum(gamma ** (s - t if exponent == "distance" else s) * row[s] * there[s] for s in range(t, 7))
            assert float(got[i, t]) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.6, 1.0])
@pytest.mark.parametrize("exponent", ["distance", "place"])
def test_td_looks_at_the_next_blank_and_telescopes_to_the_return(gamma, exponent):
    r, V, counts = case()
    knobs = turned(gamma=gamma, exponent=exponent, advantage="td", clip_A=1e6)
    R = maskgan.returns(r, counts, knobs)
    got = maskgan.advantage(r, R, V, counts, knobs)
    for i, (row, value, there) in enumerate(rows(r, V, counts)):
        places = [t for t in range(7) if there[t]]
        for t, after in itertools.zip_longest(places, places[1:]):
            to_come = 0.0 if after is None else value[after] * (gamma ** (after - t) if exponent == "distance" else 1)
            reward = row[t] * (gamma**t if exponent == "place" else 1)
            assert float(got[i, t]) == pytest.approx(reward + to_come - value[t], abs=1e-6)
        assert all(float(got[i, t]) == 0 for t in range(7) if not there[t])
        first = places[0]
        whole = sum(float(got[i, t]) * (gamma ** (t - first) if exponent == "distance" else 1) for t in places)
        assert whole == pytest.approx(float(R[i, first]) - value[first], abs=1e-5)


def test_td_of_a_critic_that_is_right_is_nothing_but_luck():
    r, _, counts = case()
    knobs = turned(gamma=0.8, advantage="td")
    R = maskgan.returns(r, counts, knobs)
    assert maskgan.advantage(r, R, R, counts, knobs).abs().max() < 1e-6  # nothing is random: nothing is left
    counts = counts[:1].repeat(40_000, 1)
    luck = -torch.rand(counts.shape, generator=rng(9)) * counts
    V = maskgan.returns(torch.full_like(luck, -0.5), counts, knobs)
    A = maskgan.advantage(luck, maskgan.returns(luck, counts, knobs), V, counts, knobs)
    assert A.mean(0).abs().max() < 0.01
    assert A[:, counts[0] > 0].std(0).min() > 0.2


def test_monte_carlo_advantages_are_clipped_and_whitened():
    r, V, counts = case()
    R = maskgan.returns(r, counts, turned())
    plain = (R - V) * counts
    assert torch.equal(maskgan.advantage(r, R, V, counts, turned(clip_A=1e6)), plain)
    assert torch.equal(maskgan.advantage(r, R, V, counts, turned(clip_A=0.2)), plain.clamp(-0.2, 0.2))
    white = maskgan.advantage(r, R, V, counts, turned(whiten=True))[counts > 0]
    assert float(white.mean()) == pytest.approx(0, abs=1e-5)
    assert float(white.std(correction=0)) == pytest.approx(1, abs=1e-4)
    alike = maskgan.advantage(r, torch.ones_like(R), torch.zeros_like(R), counts, turned(whiten=True))
    assert not alike.any()  # without spread nothing is blown up


def test_baselines(spec):
    state, _, _ = started(spec)
    state.ema.copy_(torch.tensor([-0.6, 0.3]))
    r, V, counts = case()
    R = maskgan.returns(r, counts, turned())
    take = lambda kind: maskgan.baseline(state, R, V, counts, turned(baseline=kind))  # noqa: E731
    assert torch.equal(take("critic"), V)
    assert not take("none").any()
    assert torch.equal(take("permuted")[1:], V[:-1])
    assert torch.equal(take("permuted")[0], V[-1])
    assert take("ema").numpy() == pytest.approx(np.full((5, 7), -2.0))
    others = take("batch")
    for i, t in itertools.product(range(5), range(7)):
        at = [float(R[j, t]) for j in range(5) if j != i and counts[j, t]]
        assert float(others[i, t]) == pytest.approx(sum(at) / len(at) if at else 0, abs=1e-5)
    state.ema.zero_()
    assert not take("ema").any()


def test_explained_variance():
    r, V, counts = case()
    R = maskgan.returns(r, counts, turned())
    there = counts > 0
    want = 1 - np.var((R - V)[there].numpy()) / np.var(R[there].numpy())
    assert float(maskgan.explained(R, V, counts)) == pytest.approx(want, rel=1e-4)
    assert float(maskgan.explained(R, R, counts)) == 1
    assert float(maskgan.explained(R, torch.full_like(R, 3), counts)) == pytest.approx(0, abs=1e-5)
    assert float(maskgan.explained(torch.ones_like(R), V, counts)) == 0


# --- the policy gradient ------------------------------------------------------------------------------------------


def everything(state, tokens: Tensor, blanks: Blanks) -> Tensor:
    """All fillings (k, T) of one sentence, without those that go on behind an end."""
    places = torch.nonzero(blanks.mask[0]).flatten().tolist()
    found = []
    for ids in itertools.product(range(state.config.vocab), repeat=len(places)):
        row = tokens[0].clone()
        row[places] = torch.tensor(ids)
        over = [t for t in places if row[t] == 0]
        legal = all(bool(blanks.free[0, t]) for t in over) and (not over or all(t in over for t in places if t > over[0]))
        if legal:
            found.append(row)
    return torch.stack(found)


def expected(state, tokens: Tensor, blanks: Blanks, knobs, shift: int = 0) -> tuple[Tensor, Tensor]:
    """(Σ p(x̂) ∇ policy_loss(x̂), −∇ Σ p(x̂) Σ_t r_t(x̂)), both over all fillings; with `shift` the critic is read that many places later."""
    every = everything(state, tokens, blanks)
    k = len(every)
    given = tokens.expand(k, -1)
    all_blanks = Blanks(blanks.mask.expand(k, -1).contiguous(), state.config.ends, state.device)
    counts = maskgan.seen(all_blanks, every, state.config.ends)
    r, V = maskgan.criticised(state, given, every, all_blanks, counts, knobs)
    context = state.G.encode(given, all_blanks.mask)
    p = (all_blanks.spread(state.G.log_p(every, all_blanks, context)) * counts).sum(1).exp()
    assert float(p.detach().sum()) == pytest.approx(1, abs=1e-5)
    learning = [q for q in state.G.parameters() if q.requires_grad]
    want = flat(torch.autograd.grad(-(p * r.sum(1)).sum(), learning, retain_graph=True))
    R = maskgan.returns(r, counts, knobs)
    A = maskgan.advantage(r, R, maskgan.baseline(state, R, V.roll(-shift, 1), counts, knobs), counts, knobs)
    loss = maskgan.policy_loss(state, every, all_blanks, A * counts * p.detach()[:, None], context)
    return flat(torch.autograd.grad(loss, learning)), want


@pytest.mark.parametrize("critic", ["discriminator", "prefix"])
@pytest.mark.parametrize("baseline", ["none", "ema", "critic"])
def test_reinforce_over_all_fillings_is_the_gradient_of_the_expected_reward(spec, critic, baseline):
    state, feed, _ = started(spec, critic=critic)
    state.ema.copy_(torch.tensor([-0.9, 1.0]))
    batch = next(feed).tokens
    tokens = batch[(batch != 0).sum(1) >= 4][:1]
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    mask[:, [1, 3]] = True
    knobs = turned(gamma=1.0, baseline=baseline, clip_A=1e6)
    got, want = expected(state, tokens, blanked(state, tokens, mask), knobs)
    assert float(want.norm()) > 0.05
    torch.testing.assert_close(got, want, atol=2e-4 * float(want.norm()), rtol=1e-3)


def test_reinforce_over_all_open_ends_is_too(ragged):
    state, _, _ = started(ragged)
    tokens = torch.tensor([[3, 5, 4, 2, 0, 0]])
    mask = torch.tensor([[False, False, False, False, True, True]])
    for advantage in ("mc", "td"):
        knobs = turned(gamma=1.0, clip_A=1e6, advantage=advantage)
        got, want = expected(state, tokens, Blanks(mask, True, state.device), knobs)
        if advantage == "mc":
            torch.testing.assert_close(got, want, atol=2e-4 * float(want.norm()), rtol=1e-3)
        else:
            assert not torch.allclose(got, want, atol=1e-2 * float(want.norm()))  # a critic that is not right leaves a bias


def test_a_critic_that_sees_the_token_would_leave_a_bias(even):
    state, feed, _ = started(even)
    tokens = next(feed).tokens[:1]
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    mask[:, [1, 3]] = True
    with torch.no_grad():
        state.D.value.weight.mul_(5)
    got, want = expected(state, tokens, blanked(state, tokens, mask), turned(gamma=1.0, clip_A=1e6), shift=1)
    assert float((got - want).norm()) > 0.1 * float(want.norm())


@pytest.mark.parametrize("dropout", [None, "locked", "recurrent"])
def test_a_step_of_g_descends_the_sum_over_blanks_with_the_dropout_it_was_drawn_with(spec, dropout):
    state, feed, _ = started(spec)
    tokens = next(feed).tokens
    values = CLEAN if dropout is None else {"keep_G": 0.6, "dropout": dropout}
    knobs = turned(**values, clip=1e6, clip_A=0.3, gamma=0.7)
    twin = copy.deepcopy(state)
    given, blanks = maskgan.masked(twin, tokens, knobs)
    filled, off, _ = maskgan.fill(twin, given, blanks, knobs)
    assert (off[0] is None) == (dropout is None)
    logits, before = twin.D(filled, twin.D.encode(given, blanks.mask))
    log_p = blanks.spread(twin.G.log_p(filled, blanks, twin.G.encode(given, blanks.mask, off[0]), off[1]))
    loss, every = torch.zeros(()), []
    for i, row in enumerate(filled.tolist()):
        last = row.index(0) if state.config.ends and 0 in row else len(row) - 1
        places = [t for t in range(last + 1) if blanks.mask[i, t]]
        for t in places:
            R = sum(0.7 ** (s - t) * float(F.logsigmoid(logits[i, s].detach())) for s in places if s >= t)
            every.append((R, float(twin.D.values(before)[i, t].detach())))
            loss = loss - log_p[i, t] * min(0.3, max(-0.3, R - every[-1][1]))
    want = flat(torch.autograd.grad(loss, [p for p in twin.G.parameters() if p.requires_grad]))
    info = maskgan.g_step(state, tokens, knobs)
    torch.testing.assert_close(gradient(state.optimiser_PG), want, atol=1e-4 * float(want.norm()), rtol=1e-3)
    assert info.grad is not None
    assert float(info.grad) == pytest.approx(float(want.norm()), rel=1e-3)
    assert float(info.reward) == pytest.approx(np.mean([R for R, _ in every]), rel=1e-4)  # pyright: ignore[reportArgumentType]
    assert float(info.value) == pytest.approx(np.mean([V for _, V in every]), rel=1e-4)  # pyright: ignore[reportArgumentType]
    assert not state.optimiser_G.state  # the moments of the likelihood are its own
    assert torch.equal(state.rng.get_state(), twin.rng.get_state())


def test_what_is_drawn_into_nothing_knows_nothing_of_the_data(spec):
    state, feed, _ = started(spec)
    one, two = next(feed).tokens, next(feed).tokens
    knobs = turned(strategy="all", **CLEAN)
    found = []
    for tokens in (one, two):
        state.rng.manual_seed(7)
        found.append(maskgan.fill(state, *maskgan.masked(state, tokens, knobs), knobs)[0])
    assert not torch.equal(one, two)
    assert torch.equal(*found)
