"""MaskGAN's evaluation and the variance of its policy gradient, against what loops find."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from models.algorithms import maskgan
from models.algorithms.maskgan import evaluation, measures
from models.algorithms.maskgan.variance import KINDS, Spread, gradient_variance
from models.contract import Score
from models.data.sentences import alive, noise, spoken_lengths
from models.data.text import TextSet
from models.metrics import text as metrics
from tests.models.algorithms.maskgans import digest, flat, started, turned

EVERY = {
    *(f"{key}{name}" for key in ("", "mle_") for name in ("perplexity", "top1", "top5", "distinct2", "lm_perplexity")),
    *(f"{key}{name}{n}" for key in ("", "mle_") for name in ("BLEU", "self_BLEU") for n in range(2, 6)),
    *(f"{key}{name}" for key in ("", "mle_", "lm_") for name in ("unique2", "unique3", "unique4", "samples_lm_perplexity")),
    "explained",
}
SPREADS = {"variance_none", "variance_critic", "variance_ratio"}


WHOLE = evaluation.FREE, evaluation.REDRAWS


@pytest.fixture(autouse=True)
def _few(monkeypatch) -> None:
    """Fewer freely written sentences and redraws."""
    monkeypatch.setattr(evaluation, "FREE", 64)
    monkeypatch.setattr(evaluation, "REDRAWS", 4)


@pytest.fixture
def whole(_few, monkeypatch) -> None:
    """As many as an evaluation has."""
    assert WHOLE == (1_000, 40)
    for name, value in zip(("FREE", "REDRAWS"), WHOLE, strict=True):
        monkeypatch.setattr(evaluation, name, value)


def evaluated(state, data, n: int = 30, seed: int = 3, **values) -> dict[str, Score]:
    *parts, last = maskgan.evaluate(state, data, turned(**values), n=n, seed=seed)
    assert not any(part.scores for part in parts)
    assert [part.done for part in (*parts, last)] == list(range(last.total + 1))
    return dict(last.scores)


def learnt(spec, **values) -> tuple[maskgan.State, TextSet]:
    """One in which every net has learnt something."""
    state, feed, data = started(spec, **values)
    for phase in (0, 1, 2, 3, 3):
        state.phase = phase
        maskgan.step(state, next(feed), turned(measure_every=1))
    return state, data


# --- scores -------------------------------------------------------------------------------------------------------


def test_all_scores_are_there_each_with_what_it_is_of(spec):
    state, data = learnt(spec)
    before = digest(state)
    found = evaluated(state, data)
    assert set(found) == EVERY | SPREADS
    assert digest(state) == before
    assert all(score.value is not None for score in found.values())
    assert found == evaluated(state, data)
    assert found["perplexity"] != evaluated(state, data, seed=4)["perplexity"]
    for name in EVERY - {"explained"}:
        prefix = next((label for key, label in (("mle_", "MaskMLE: "), ("lm_unique", "LM: "), ("lm_samples", "LM: ")) if name.startswith(key)), "")
        assert found[name].label.startswith(prefix), name


def test_perplexity_and_accuracy_are_those_of_a_loop_over_held_out_blanks(spec):
    state, data = learnt(spec)
    found = evaluated(state, data, strategy="random", present=0.4)
    held = data.held(1000)
    assert len(held) < 30
    truth = held[torch.arange(30) % len(held)]
    tokens, blanks = measures.blanked(state, truth, 3, "random", 0.4)
    assert not torch.equal(blanks.mask[: 30 - len(held)], blanks.mask[len(held) :])  # dealt again, with other blanks
    for key, net in (("", state.G), ("mle_", state.mle)):
        logits = net.logits(blanks.chosen(net.read(tokens, net.encode(tokens, blanks.mask))), blanks.chosen(blanks.free)).detach()
        counts = blanks.chosen(alive(tokens, state.config.ends)) > 0
        nats, one, five = [], [], []
        for row, wanted in zip(logits[counts], blanks.chosen(tokens)[counts].tolist(), strict=True):
            nats.append(-float(row.log_softmax(0)[wanted]))
            order = row.argsort(descending=True).tolist()
            one.append(order[0] == wanted)
            five.append(wanted in order[:5])
        assert found[f"{key}perplexity"].value == pytest.approx(math.exp(np.mean(nats)), rel=1e-4)
        assert found[f"{key}top1"].value == pytest.approx(np.mean(one))
        assert found[f"{key}top5"].value == pytest.approx(np.mean(five))
        assert found[f"{key}top1"].n == len(nats) == int(counts.sum())


def test_freely_written_sentences_are_those_of_sample_and_counted_as_in_the_paper(spec, whole):
    state, data = learnt(spec)
    found = evaluated(state, data, n=20)
    ends = state.config.ends
    for key, net in (("", "maskgan"), ("mle_", "maskmle"), ("lm_", "lm")):
        rows = np.array(maskgan.shown.drawn(state, 1_000, 3, net=net)[0])
        for n, share in metrics.unique_ngrams(rows, spoken_lengths(rows, ends)).items():
            assert found[f"{key}unique{n}"].value == share.value
            assert found[f"{key}unique{n}"].n == 1_000
            assert found[f"{key}unique{n}"].reference is None  # there are not as many held out
        tokens = torch.from_numpy(rows)
        log_p = state.lm.log_p(tokens, ends).detach()
        counts = alive(tokens, ends) > 0
        want = math.exp(-float(log_p[counts].mean()))
        assert found[f"{key}samples_lm_perplexity"].value == pytest.approx(want, rel=1e-4)
        if key != "lm_":
            half = len(data.held_out) // 2
            against, real = (data.rows(data.held_out[part]) for part in (slice(half), slice(half, 2 * half)))
            lengths = [spoken_lengths(r, ends) for r in (rows[:20], against, real)]
            bleu, truth = metrics.bleu(rows[:20], lengths[0], against, lengths[1]), metrics.bleu(real, lengths[2], against, lengths[1])
            alike = metrics.self_bleu(rows[:half], lengths[0][:half])
            for n in range(2, 6):
                assert (found[f"{key}BLEU{n}"].value, found[f"{key}BLEU{n}"].reference) == pytest.approx((bleu.value[n], truth.value[n]))
                assert found[f"{key}self_BLEU{n}"].value == pytest.approx(alike.value[n])
    held = data.held(1000)[torch.arange(20) % len(data.held_out)]
    counts = alive(held, ends) > 0
    want = math.exp(-float(state.lm.log_p(held, ends).detach()[counts].mean()))
    assert found["samples_lm_perplexity"].reference == pytest.approx(want, rel=1e-4)


def test_fillings_are_judged_by_the_grammar_the_language_model_and_their_variety():
    state, data = learnt("grammar", T=12, vocab=200)
    found = evaluated(state, data, n=100, present=0.8)
    truth = data.held(100)
    u, drawn = noise(100, state.config.T, 3), []
    for i in range(2):
        part = slice(64 * i, 64 * (i + 1))
        tokens, blanks = measures.blanked(state, truth[part], 3 + (i << 32), "contiguous", 0.8)
        drawn.append(measures.filled(state.G, tokens, blanks, u[part]))
    rows = torch.cat(drawn).numpy()
    said = [[state.words[i] for i in row if i] for row in rows]
    assert data.valid is not None
    assert found["validity"].value == pytest.approx(np.mean([data.valid(words) for words in said]))
    assert (found["validity"].reference, found["validity"].n) == (1.0, 100)
    assert 0 < found["validity"].value < 0.5
    want = [metrics.distinct(r, spoken_lengths(r, True), 2).value for r in (rows, truth.numpy())]
    assert (found["distinct2"].value, found["distinct2"].reference) == pytest.approx(tuple(want))
    counts = alive(truth, True) > 0
    real = math.exp(-float(state.lm.log_p(truth, True).detach()[counts].mean()))
    assert found["lm_perplexity"].reference == pytest.approx(real, rel=1e-4)
    tokens = torch.from_numpy(rows)
    counts = alive(tokens, True) > 0
    ours = math.exp(-float(state.lm.log_p(tokens, True).detach()[counts].mean()))
    assert found["lm_perplexity"].value == pytest.approx(ours, rel=1e-4)


def test_what_cannot_be_measured_is_refused_with_the_reason(ragged):
    state, _, data = started(ragged)  # nothing has learnt
    found = evaluated(state, data)
    assert set(found) == EVERY
    for name in ("lm_perplexity", "mle_samples_lm_perplexity", "lm_samples_lm_perplexity"):
        assert (found[name].value, found[name].n) == (None, 0)
        assert "no language model" in found[name].doc
    assert found["explained"].value is None
    assert "not learnt" in found["explained"].doc
    state, data = learnt(ragged, held_out=0.0)
    found = evaluated(state, data)
    assert not len(data.held_out)
    for name in ("perplexity", "BLEU2", "explained"):
        assert found[name].value is None
        assert "held" in found[name].doc
    assert found["unique2"].value is not None
    assert found["samples_lm_perplexity"].reference is None


def test_one_sentence_is_enough(ragged):
    state, data = learnt(ragged)
    found = evaluated(state, data, n=1)
    assert found["BLEU2"].n == 1
    assert found["self_BLEU2"].value is None


def test_an_evaluation_goes_in_slices_and_its_first_part_freezes_the_nets(ragged):
    state, data = learnt(ragged)
    parts = maskgan.evaluate(state, data, turned(), n=200, seed=3)
    next(parts)
    with torch.no_grad():
        for net in (state.G, state.mle, state.lm, state.D):
            for p in net.parameters():
                p.zero_()
    *rest, last = parts
    assert len(rest) > 12
    again, _ = learnt(ragged)
    assert dict(last.scores) == evaluated(again, data, n=200)
    assert {part.doing for part in rest} == {"filling blanks", "writing sentences", "redrawing fillings", "measuring"}


# --- the variance of the gradient ---------------------------------------------------------------------------------


def batch(state, feed, n: int = 4):
    return measures.blanked(state, next(feed).tokens[:n], 5, "contiguous", 0.5)


def test_variance_is_the_trace_of_the_covariance_of_all_redraws(spec):
    state, feed, _ = started(spec)
    state.ema.copy_(torch.tensor([-0.7, 1.0]))
    tokens, blanks = batch(state, feed)
    knobs = turned(gamma=0.8, keep_G=0.5, keep_D=0.5, noisy_reward=True, clip_A=0.01, whiten=True, advantage="td")
    before = digest(state)
    got = gradient_variance(state, tokens, blanks, knobs, redraws=12, seed=2)
    assert digest(state) == before
    assert all(p.grad is None for p in state.G.parameters())
    assert tuple(got) == KINDS
    generator, gradients = torch.Generator().manual_seed(2), {kind: [] for kind in KINDS}
    learning = [p for p in state.G.parameters() if p.requires_grad]
    for _ in range(12):
        filled = measures.filled(state.G, tokens, blanks, torch.rand(tokens.shape, generator=generator))
        context = state.G.encode(tokens, blanks.mask)
        log_p = blanks.spread(state.G.log_p(filled, blanks, context))
        logits, states = state.D(filled, state.D.encode(tokens, blanks.mask))
        V, r = state.D.values(states).detach(), torch.nn.functional.logsigmoid(logits).detach()
        there = maskgan.seen(blanks, filled, state.config.ends) > 0
        for kind in KINDS:
            loss = torch.zeros(())
            for i, t in torch.nonzero(there).tolist():
                R = sum(0.8 ** (s - t) * float(r[i, s]) for s in range(t, tokens.shape[1]) if there[i, s])
                b = {"none": 0.0, "ema": -0.7, "critic": float(V[i, t]), "permuted": float(V[i - 1, t])}[kind]
                loss = loss - log_p[i, t] * (R - b)
            gradients[kind].append(flat(torch.autograd.grad(loss, learning, retain_graph=True)).double())
    for kind, each in gradients.items():
        want = float(torch.stack(each).var(0).sum())
        assert want > 0
        assert got[kind] == pytest.approx(want, rel=1e-3), kind


def test_a_critic_that_is_right_lowers_the_variance(even):
    """Values fitted to the mean return of a place, against none: E (R − b)² is least at the mean."""
    state, feed, _ = started(even)
    with torch.no_grad():
        state.D.out.bias -= 8  # all rewards are low and much alike, so that a baseline is worth having
        state.D.value.weight.zero_()
    tokens, blanks = batch(state, feed, 6)
    blanks = type(blanks)(torch.eye(6, dtype=torch.bool)[:, : tokens.shape[1]].contiguous(), False, state.device)  # one blank each
    filled = measures.filled(state.G, tokens, blanks, torch.rand(tokens.shape, generator=torch.Generator().manual_seed(1)))
    counts = maskgan.seen(blanks, filled, False)
    r, _ = maskgan.criticised(state, tokens, filled, blanks, counts, turned())
    with torch.no_grad():
        state.D.value.bias.copy_(r.sum() / counts.sum())
    got = gradient_variance(state, tokens, blanks, turned(), redraws=40)
    assert got["critic"] < 0.5 * got["none"]
    assert got["ema"] == got["none"]  # nothing is known of the running mean
    assert got["permuted"] == pytest.approx(got["critic"])  # the value is the same for all


def test_the_evaluation_tells_the_ratio(ragged, whole):
    state, data = learnt(ragged)
    found = evaluated(state, data)
    tokens, blanks = measures.blanked(state, data.held(1000)[torch.arange(30) % len(data.held_out)][:16], 3, "contiguous", 0.5)
    spread = Spread(copy.deepcopy(state), tokens, blanks, turned(), ("none", "critic"))
    for i in range(0, evaluation.REDRAWS, 2):
        for u in noise(32, state.config.T, 3 + ((i + 1) << 32)).split(16):
            spread.once(u)
    want = spread.value()
    assert spread.redraws == found["variance_none"].n == 40
    assert (found["variance_none"].value, found["variance_critic"].value) == pytest.approx((want["none"], want["critic"]))
    assert found["variance_ratio"].value == pytest.approx(want["critic"] / want["none"])
