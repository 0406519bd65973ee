"""How a MaskGAN learns: the losses of D, critic and likelihood, what a phase takes over, what is measured, and that a run goes on as it was."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models import checkpoint
from models.algorithms import maskgan
from models.algorithms.maskgan import measures
from models.algorithms.maskgan.described import PHASES
from models.contract import GoToPhase, NextPhase, Plan
from models.errors import BadData, BadSetting
from models.nets.learning import copy_to
from models.run import Run
from tests.models.algorithms.maskgans import CLEAN, DRESSES, PLAN, SMALL, digest, flat, gradient, started, turned, weights
from tests.models.test_contract import _NoSync

IN_ALL = pytest.mark.parametrize("phase", range(4), ids=PHASES)
DRESSED = pytest.mark.parametrize("dress", list(DRESSES))


def counted(state, row: list[int]) -> int:
    """Tokens that count: up to and with the end."""
    return row.index(0) + 1 if state.config.ends and 0 in row else len(row)


# --- by likelihood ------------------------------------------------------------------------------------------------


def test_the_language_model_descends_the_mean_over_all_tokens(spec):
    state, feed, _ = started(spec)
    tokens = next(feed).tokens
    log_p = state.lm.log_p(tokens, state.config.ends)
    places = [(i, t) for i, row in enumerate(tokens.tolist()) for t in range(counted(state, row))]
    loss = -torch.stack([log_p[place] for place in places]).mean()
    want = flat(torch.autograd.grad(loss, [p for p in state.lm.parameters() if p.requires_grad]))
    info = maskgan.lm_step(state, tokens, turned(**CLEAN, clip=1e6))
    assert float(info.loss) == pytest.approx(float(loss.detach()), rel=1e-5)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(gradient(state.optimiser_lm), want, atol=1e-5, rtol=1e-3)


def test_maskmle_descends_the_mean_over_blanks_alone(spec):
    state, feed, _ = started(spec)
    tokens, knobs = next(feed).tokens, turned(**CLEAN, clip=1e6)
    twin = copy.deepcopy(state)
    given, blanks = maskgan.masked(twin, tokens, knobs)
    log_p = blanks.spread(state.G.log_p(given, blanks, state.G.encode(given, blanks.mask)))
    places = [(i, t) for i, row in enumerate(tokens.tolist()) for t in range(counted(state, row)) if blanks.mask[i, t]]
    loss = -torch.stack([log_p[place] for place in places]).mean()
    want = flat(torch.autograd.grad(loss, [p for p in state.G.parameters() if p.requires_grad]))
    info = maskgan.mle_step(state, tokens, knobs)
    assert float(info.loss) == pytest.approx(float(loss.detach()), rel=1e-5)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(gradient(state.optimiser_G), want, atol=1e-5, rtol=1e-3)


def test_the_step_size_halves(spec):
    state, feed, _ = started(spec)
    for updates, want in ((0, 0.1), (10, 0.05), (15, 0.1 * 0.5**1.5)):
        state.trained |= {"lm": updates, "mle": updates}
        batch = next(feed).tokens
        maskgan.lm_step(state, batch, turned(lr=0.1, halving=10))
        maskgan.mle_step(state, batch, turned(lr=0.1, halving=10))
        assert state.optimiser_lm.param_groups[0]["lr"] == state.optimiser_G.param_groups[0]["lr"] == pytest.approx(want)


# --- D and the critic ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss_of", ["blanks", "all"])
@pytest.mark.parametrize("trains", ["head", "discriminator"])
@pytest.mark.parametrize("critic", ["discriminator", "prefix"])
def test_d_learns_to_tell_blanks_and_the_critic_what_they_bring(spec, critic, trains, loss_of):
    state, feed, _ = started(spec, critic=critic)
    tokens, knobs = next(feed).tokens, turned(**CLEAN, clip=1e6, gamma=0.8, loss_of=loss_of, critic_trains=trains)
    twin = copy.deepcopy(state)
    given, blanks = maskgan.masked(twin, tokens, knobs)
    filled, _, _ = maskgan.fill(twin, given, blanks, knobs)
    context = state.D.encode(given, blanks.mask)
    true, false = (state.D(rows, context) for rows in (given, filled))
    values = state.D.values(state.D.prefix(filled) if critic == "prefix" else false[1])
    kinds, squares = ([], []), []
    for i in range(len(tokens)):
        for kind, (rows, (logits, _)) in enumerate(((given, true), (filled, false))):
            last = counted(state, rows[i].tolist())
            for t in range(last):
                blank = bool(blanks.mask[i, t])
                if blank or loss_of == "all":
                    kinds[kind].append(-F.logsigmoid(logits[i, t] * (1 if not kind or not blank else -1)))
                if blank and kind:
                    R = sum(0.8 ** (s - t) * float(F.logsigmoid(logits[i, s].detach())) for s in range(t, last) if blanks.mask[i, s])
                    squares.append((R - values[i, t]).square())
    loss, loss_V = (torch.stack(kinds[0]).mean() + torch.stack(kinds[1]).mean()) / 2, torch.stack(squares).mean()
    head = list(state.D.value.parameters())
    own = [p for group in state.optimiser_D.param_groups for p in group["params"]]
    assert {id(p) for p in (*own, *head)} == {id(p) for p in state.D.parameters() if p.requires_grad}
    of_V = flat(torch.autograd.grad(loss_V, head, retain_graph=True))
    whole = loss + loss_V if trains == "discriminator" else loss
    of_D = flat(torch.autograd.grad(whole, own, allow_unused=True, materialize_grads=True))
    info = maskgan.d_step(state, tokens, knobs)
    for got, want in ((info.loss_D, loss), (info.loss_V, loss_V)):
        assert got is not None
        assert float(got) == pytest.approx(float(want.detach()), rel=1e-4)
    torch.testing.assert_close(gradient(state.optimiser_D), of_D, atol=1e-4, rtol=2e-3)
    torch.testing.assert_close(gradient(state.optimiser_V), of_V, atol=1e-4, rtol=2e-3)
    assert torch.equal(weights(state.G), weights(twin.G))


def test_true_and_filled_sentences_meet_the_same_masks_of_dropout_unless_they_are_redrawn(spec):
    state, feed, _ = started(spec)
    tokens, knobs = next(feed).tokens, turned(keep_D=0.5)
    given, blanks = maskgan.masked(state, tokens, knobs)
    both, n = torch.cat([given, given]), len(given)
    for redraw in (False, True):
        context, off = maskgan.judged(state, given, blanks.mask, turned(keep_D=0.5, redraw=redraw), 2)
        logits, before = state.D(both, context, off)
        for values in (logits, before, context.values):
            assert torch.equal(values[:n], values[n:]) == (not redraw)


def test_rewards_are_of_a_clean_d_unless_they_are_to_be_noisy(spec):
    state, feed, _ = started(spec)
    given, blanks = maskgan.masked(state, next(feed).tokens, turned())
    counts = maskgan.seen(blanks, given, state.config.ends)
    before = state.rng.get_state()
    clean = [maskgan.criticised(state, given, given, blanks, counts, turned(keep_D=0.5)) for _ in range(2)]
    assert torch.equal(state.rng.get_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(*clean, strict=True))
    want = F.logsigmoid(state.D(given, state.D.encode(given, blanks.mask))[0]) * counts
    torch.testing.assert_close(clean[0][0], want)
    noisy = [maskgan.criticised(state, given, given, blanks, counts, turned(keep_D=0.5, noisy_reward=True)) for _ in range(2)]
    assert not torch.equal(noisy[0][0], noisy[1][0])


def test_a_shared_embedding_is_gs_and_d_does_not_change_it(spec):
    state, feed, _ = started(spec, shared=True)
    knobs = turned(d_steps=1)
    state.phase = 3
    for _ in range(3):
        maskgan.step(state, next(feed), knobs)  # D
        assert torch.equal(state.D.embedding.weight, state.G.embedding.weight)
        maskgan.step(state, next(feed), knobs)  # G
        assert not torch.equal(state.D.embedding.weight, state.G.embedding.weight)


def test_rounds_of_d_and_g(spec):
    state, feed, _ = started(spec)
    state.phase, told = 3, []
    for d in (2, 2, 2, 2, 2, 2, 0, 0):
        info = maskgan.step(state, next(feed), turned(d_steps=d))
        told.append("D" if info.loss_D is not None else "G")
    assert "".join(told) == "DDGDDGGG"
    assert state.trained == {"lm": 0, "mle": 0, "D": 4, "PG": 4}


# --- phases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", list(itertools.product([False, True], repeat=3)))
def test_each_phase_may_be_left_out(ragged, chosen):
    state, feed, _ = started(ragged)
    knobs = turned(measure_every=1)
    for phase, there in enumerate((*chosen, True)):
        state.phase = phase
        for _ in range(3 if there else 0):
            info = maskgan.step(state, next(feed), knobs)
            assert all(value is None or value.isfinite() for value in info)
    assert state.trained == {"lm": 3 * chosen[0], "mle": 3 * chosen[1], "D": 3 * chosen[2] + 2, "PG": 1}
    assert state.lent == chosen[0]
    assert state.kept == chosen[1]


def test_what_a_phase_takes_over(spec):
    state, feed, _ = started(spec)
    knobs = turned(measure_every=0)
    for _ in range(2):
        maskgan.step(state, next(feed), knobs)
    lm, before = weights(state.lm), copy.deepcopy(state)
    maskgan._take_over(state, "maskmle")
    for net in (state.G, state.mle, state.D):
        for stack in (net.encoder, net.decoder):
            assert torch.equal(weights(stack), weights(state.lm.decoder))
        assert torch.equal(net.embedding.weight, state.lm.embedding.weight)
    assert torch.equal(state.G.bias, state.lm.bias)
    assert torch.equal(state.D.out.weight, before.D.out.weight)
    state.phase = 1
    for _ in range(3):  # they are lent once
        maskgan.step(state, next(feed), knobs)
    assert not torch.equal(weights(state.G.decoder), weights(state.lm.decoder))
    assert torch.equal(weights(state.lm), lm)  # frozen from now on
    other, _, _ = started(spec, seed=9)
    copy_to(state.mle, other.G)
    state.kept = True  # the best one was another
    state.phase = 2
    maskgan.step(state, next(feed), knobs)
    assert torch.equal(weights(state.G), weights(other.G))
    state.phase = 3
    for _ in range(2):
        maskgan.step(state, next(feed), knobs)
    assert not torch.equal(weights(state.G), weights(other.G))
    gan = weights(state.G)
    state.phase = 2  # what the policy gradient has made is not lost
    maskgan.step(state, next(feed), knobs)
    assert torch.equal(weights(state.G), gan)
    assert torch.equal(weights(state.mle), weights(other.G))


def test_without_a_measured_maskmle_the_baseline_is_the_g_the_policy_gradient_began_with(spec):
    state, feed, _ = started(spec)
    state.phase = 1
    for _ in range(2):
        maskgan.step(state, next(feed), turned())
    G = weights(state.G)
    state.phase = 3
    for _ in range(4):
        maskgan.step(state, next(feed), turned(d_steps=1))
    assert torch.equal(weights(state.mle), G)
    assert not torch.equal(weights(state.G), G)


# --- measurements -------------------------------------------------------------------------------------------------


def test_the_best_maskmle_is_kept(spec):
    state, _, data = started(spec)
    knobs = turned(measure_every=1)
    first = measures.measured(state, data, knobs, keep=True)
    assert float(state.best) == float(first["perplexity"])
    best = weights(state.G)
    assert torch.equal(weights(state.mle), best)
    with torch.no_grad():
        state.G.bias.add_(torch.linspace(-8, 8, state.config.vocab))
    worse = measures.measured(state, data, knobs, keep=True)
    assert float(worse["perplexity"]) > float(first["perplexity"]) == float(state.best)
    assert torch.equal(weights(state.mle), best)
    after = measures.measured(state, data, knobs, keep=False)
    assert float(after["mle_perplexity"]) == pytest.approx(float(first["perplexity"]))
    assert float(after["mle_top1"]) == pytest.approx(float(first["top1"]))


def test_perplexity_at_blanks_is_that_of_held_out_sentences(spec):
    state, _, data = started(spec)
    found = measures.measured(state, data, turned(present=0.3), keep=False)
    tokens, blanks = measures.blanked(state, data.held(measures.SAMPLES), measures.SEED, "contiguous", 0.3)
    log_p = blanks.spread(state.G.log_p(tokens, blanks, state.G.encode(tokens, blanks.mask)))
    places = [(i, t) for i, row in enumerate(tokens.tolist()) for t in range(counted(state, row)) if blanks.mask[i, t]]
    want = np.exp(-np.mean([float(log_p[place].detach()) for place in places]))
    assert float(found["perplexity"]) == pytest.approx(want, rel=1e-4)
    assert ("lm_perplexity" in found, "validity" in found) == (False, False)
    state.trained["lm"] = 1
    assert "mle_lm_perplexity" in measures.measured(state, data, turned(), keep=False)


def test_fixed_blanks_are_kept_from_the_first_time_on_ever_more_thinly(ragged, monkeypatch):
    state, _, data = started(ragged)
    monkeypatch.setattr(measures, "KEPT", 8)
    state.history = state.history[:8].clone()
    stamps: dict[int, torch.Tensor] = {}
    for step in range(1, 101):
        state.step = step
        with torch.no_grad():
            state.G.bias[2 + step % 5] += 0.5  # other fillings
        measures._remember(state, data)
        if state.times[-1] == step:
            stamps[step] = state.history[len(state.times) - 1].clone()
        assert len(state.times) <= 8
        assert state.times[0] == 1
        assert all(torch.equal(state.history[i], stamps[t]) for i, t in enumerate(state.times))
    gaps = np.diff(state.times)
    assert set(gaps) == {state.stride} == {16}
    assert state.times[-1] > 100 - 16
    assert len({tuple(s.flatten().tolist()) for s in stamps.values()}) > 3
    tokens, blanks = measures.fixed(state, data)
    for i in range(len(state.times)):
        assert torch.equal(state.history[i, : len(tokens)][~blanks.mask], tokens[~blanks.mask])
    view = maskgan.views["fixed"](state, data, turned())
    assert len(view.words["filled"]) == len(state.times) * len(view.words["truth"])
    assert view.numbers["times"].tolist() == state.times


def test_an_alarm_when_d_has_won_and_again_when_it_has_come_back(ragged):
    state, *_ = started(ragged)
    state.phase = 3
    won = {"real": np.full(25, 0.99), "fake": np.full(25, 0.01)}
    even = {"real": np.full(25, 0.6), "fake": np.full(25, 0.4)}
    assert maskgan.between(state, even, turned()) == []
    (event,) = maskgan.between(state, won, turned())
    assert event.what == "alarm"
    assert "0.99 and 0.01" in event.text
    assert maskgan.between(state, won, turned()) == []  # told once
    assert maskgan.between(state, even, turned()) == []
    assert len(maskgan.between(state, won, turned())) == 1
    state.phase = 2
    state.alarmed = False
    assert maskgan.between(state, won, turned()) == []
    state.phase = 3
    assert maskgan.between(state, {k: np.full(25, np.nan) for k in won}, turned()) == []


# --- a run --------------------------------------------------------------------------------------------------------


@IN_ALL
@DRESSED
def test_no_step_of_any_phase_waits_for_the_device(spec, phase, dress):
    config, values = DRESSES[dress]
    state, feed, _ = started(spec, **config)
    state.phase = phase
    knobs = turned(**values)
    for _ in range(3):
        batch = next(feed)
        with _NoSync():
            info = maskgan.step(state, batch, knobs)
        for value in info:
            assert value is None or (value.shape == () and not value.requires_grad and bool(value.isfinite()))


@IN_ALL
@DRESSED
def test_every_phase_goes_on_as_if_it_had_not_been_saved(spec, phase, dress, tmp_path):
    config, values = DRESSES[dress]
    knobs = turned(**(values | {"measure_every": 2}))

    def at(steps: int):
        state, feed, _ = started(spec, **config)
        state.trained["lm"] = 1  # so that something is lent
        state.phase = phase
        return state, [maskgan.step(state, next(feed), knobs) for _ in range(steps)], feed

    whole, told, _ = at(6)
    first, _, feed = at(3)
    checkpoint.save(tmp_path / "x.safetensors", first, {})
    second, _, _ = at(1)
    tensors, header = checkpoint.read(tmp_path / "x.safetensors")
    checkpoint.restore(second, tensors, header, tmp_path / "x.safetensors")
    assert digest(second) == digest(first)
    rest = [maskgan.step(second, next(feed), knobs) for _ in range(3)]
    assert digest(second) == digest(whole)
    for a, b in zip(told[3:], rest, strict=True):
        assert all(p is q is None or torch.equal(p, q) for p, q in zip(a, b, strict=True))  # pyright: ignore[reportArgumentType]


def test_a_run_over_all_phases_and_back(spec, tmp_path):
    run = Run.create(tmp_path / "run", "maskgan", str(spec), config=SMALL, knob_values={"measure_every": 3}, plan=PLAN)
    steps = run.train(16)
    next(steps)
    for command in (None, None, NextPhase(), *[None] * 3, NextPhase(), None, None, NextPhase(), *[None] * 5, GoToPhase("maskmle"), None, None):
        steps.send(command) if command else next(steps)
    list(steps)
    told = [{k for k, v in zip(run.algorithm.Info._fields, row, strict=True) if np.isfinite(v)} for row in run.rows]
    kinds = ["g" if "reward" in t else "d" if "loss_D" in t else "m" if "loss" in t else "?" for t in told]
    assert "".join(kinds) == "mm" + "mmm" + "dd" + "dgdgd" + "mmmm"
    assert [k + 1 for k, t in enumerate(told) if "perplexity" in t] == [3, 6, 9, 12, 15]
    assert [k + 1 for k, t in enumerate(told) if "mle_perplexity" in t] == [6, 9, 12]
    assert run.state.trained == {"lm": 2, "mle": 7, "D": 5, "PG": 2}
    first, now = run.algorithm.sample(run.state, 5, 1), digest(run.state)
    run.close()
    bare = Run.open(tmp_path / "run", write=False, data=False)  # sampling and filling need no data
    assert bare.data is None
    assert digest(bare.state) == now
    assert bare.algorithm.sample(bare.state, 5, 1).words == first.words
    assert bare.view("fill", tokens=("ba", "", "do"), blanks=(1,), n=2, seed=0).words["given"] == ("ba", "", "do")


def test_numbers_are_no_words(tmp_path):
    oracle = tmp_path / "oracle.npz"
    with pytest.raises(BadData, match="oracle has numbers instead: choose a text file, or grammar"):
        maskgan.open_data("oracle", maskgan.Config())  # at once, though its vocabulary of 5,000 would take long to draw from
    np.savez(oracle, emb=np.zeros((4, 2)))
    with pytest.raises(BadData, match=r"oracle\.npz has numbers instead"):
        maskgan.open_data(str(oracle), maskgan.Config())


def test_a_vocabulary_that_is_too_large_for_the_device(monkeypatch):
    monkeypatch.setattr(maskgan.device, "memory", lambda plan: 10**9)
    with pytest.raises(BadSetting, match=r"200,000 tokens .* needs about \d+ GB, .* has 1 GB: lower vocab, h or batch"):
        maskgan.init(maskgan.Config(vocab=200_000), 0, Plan("cpu", 1, "float32", True, "off"))
