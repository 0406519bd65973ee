"""The nets of MaskGAN against loops that a textbook would have: one sentence, one token, one number at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from models.nets.seq2seq import END, UNKNOWN, Blanks, Drops, Filler, How, Judge, LanguageModel, Stack, drops, initialise

V, H, LAYERS, T = 9, 6, 2, 7
CPU = torch.device("cpu")
NETS = (Filler, Judge, LanguageModel)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def made(kind, seed: int = 0, V: int = V, layers: int = LAYERS):
    """A net whose numbers are large enough to tell tokens apart."""
    net = kind(V, H, layers)
    initialise(net, torch.Generator().manual_seed(seed), 0.8)
    with torch.no_grad():
        if hasattr(net, "bias"):
            net.bias.copy_(torch.linspace(-0.5, 0.5, V))
    return net


def sentences(n: int, seed: int = 1, V: int = V, T: int = T) -> Tensor:
    """Without ends."""
    return torch.randint(1, V, (n, T), generator=torch.Generator().manual_seed(seed))


def varied(n: int, seed: int = 1) -> Tensor:
    """Sentences of all lengths from 0 to T; 0 behind each."""
    rows = sentences(n, seed)
    for i, row in enumerate(rows):
        row[i % (T + 1) :] = END
    return rows


def some(n: int, seed: int = 2, T: int = T) -> Tensor:
    """A mask with a blank in every row, and one row that is all blank."""
    mask = torch.rand(n, T, generator=torch.Generator().manual_seed(seed)) < 0.5
    mask[:, 3] |= ~mask.any(1)
    mask[0] = True
    return mask


def noise(n: int, seed: int = 3, T: int = T) -> Tensor:
    return torch.rand(n, T, generator=torch.Generator().manual_seed(seed))


def off(kind: str | None, n: int, seed: int = 4) -> Drops | None:
    return None if kind is None else drops(torch.Generator().manual_seed(seed), LAYERS, n, H, 0.6, recurrent=kind == "recurrent", device=CPU)


DROPOUT = (None, "locked", "recurrent")


# --- the slow way -------------------------------------------------------------------------------------------------


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def stacked(stack: Stack, x: np.ndarray, h: list[np.ndarray], c: list[np.ndarray], dropped: Drops | None, row: int):
    """One sentence (t, H) through the layers, token by token: (outputs, h, c)."""
    h, c, out = list(h), list(c), []
    masks = np.ones((len(h) + 1, H)) if dropped is None else dropped.masks[:, row].double().numpy()
    for vector in x:
        below = vector
        for k, lstm in enumerate(stack.lstms()):
            W, U, b = (getattr(lstm, name).detach().double().numpy() for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"))
            before = h[k] * masks[k] if dropped is not None and dropped.recurrent else h[k]
            i, f, g, o = (W @ (below * masks[k]) + U @ before + b).reshape(4, H)
            c[k] = _sigmoid(f) * c[k] + _sigmoid(i) * np.tanh(g)
            h[k] = below = _sigmoid(o) * np.tanh(c[k])
        out.append(below * masks[-1])
    return np.array(out), h, c


def zeros() -> list[np.ndarray]:
    return [np.zeros(H) for _ in range(LAYERS)]


def read(net, tokens: Tensor, mask: Tensor, one: Drops | None, two: Drops | None, after: bool = False) -> np.ndarray:
    """h̃ (n, T, H) by loops: the encoder reads m(x), the decoder what stands before, each attends by scores h_t · W_a v_s.

    With `after` also what comes after the last token, (n, T + 1, H).
    """
    table = net.embedding.weight.detach().double().numpy()
    Wa, Wc = (m.weight.detach().double().numpy() for m in (net.key, net.mix))
    out = np.zeros((len(tokens), tokens.shape[1] + after, H))
    for i, row in enumerate(tokens.tolist()):
        given = [net.V if blank else token for token, blank in zip(row, mask[i].tolist(), strict=True)]
        values, h, c = stacked(net.encoder, table[given], zeros(), zeros(), one, i)
        hidden, _, _ = stacked(net.decoder, table[[net.V + 1, *(row if after else row[:-1])]], h, c, two, i)
        for t, top in enumerate(hidden):
            scores = np.array([top @ (Wa @ v) for v in values])
            share = np.exp(scores - scores.max())
            share /= share.sum()
            context = sum(s * v for s, v in zip(share, values, strict=True))
            out[i, t] = np.tanh(Wc @ np.concatenate([top, context]))
    return out


def shares(net, hidden: np.ndarray, free: bool) -> np.ndarray:
    """softmax over tokens; without an end where something given follows."""
    logits = net.embedding.weight.detach().double().numpy()[: net.V] @ hidden + net.bias.detach().double().numpy()
    mass = np.exp(logits - logits.max())
    mass[END] *= free
    return mass / mass.sum()


# --- stack, attention, dropout ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DROPOUT)
def test_a_stack_is_a_loop_over_layers_and_tokens_with_explicit_masks(kind):
    net, dropped = made(LanguageModel).decoder, off(kind, 3)
    x = torch.randn(3, T, H, generator=torch.Generator().manual_seed(0))
    got, after = net(x, None, dropped)
    for i in range(3):
        want, h, c = stacked(net, x[i].double().numpy(), zeros(), zeros(), dropped, i)
        assert got[i].detach().numpy() == pytest.approx(want, abs=1e-5)
        for k in range(LAYERS):
            assert after[k].h[i].detach().numpy() == pytest.approx(h[k], abs=1e-5)
            assert after[k].c[i].detach().numpy() == pytest.approx(c[k], abs=1e-5)
    step, memory = net.step(dropped), net.blank(3)
    for t in range(T):
        one, memory = step(x[:, t], memory)
        torch.testing.assert_close(one, got[:, t], atol=1e-5, rtol=1e-5)
    if kind is not None:
        assert not torch.allclose(got, net(x)[0], atol=1e-2)


def test_locked_and_recurrent_masks_differ_by_what_is_on_h():
    net, locked, recurrent = made(LanguageModel).decoder, off("locked", 2), off("recurrent", 2)
    assert locked is not None
    assert recurrent is not None
    assert torch.equal(locked.masks, recurrent.masks)
    x = torch.randn(2, T, H, generator=torch.Generator().manual_seed(0))
    a, b = net(x, None, locked)[0], net(x, None, recurrent)[0]
    torch.testing.assert_close(a[:, 0], b[:, 0])  # h is 0 before the first token
    assert not torch.allclose(a[:, 1:], b[:, 1:], atol=1e-3)


def test_masks_of_dropout_are_one_a_sentence_and_keep_the_mean():
    rng = torch.Generator().manual_seed(0)
    assert drops(rng, 2, 3, 4, 1.0, recurrent=False, device=CPU) is None
    found = drops(rng, 2, 500, 40, 0.7, recurrent=True, device=CPU)
    assert found is not None
    assert found.masks.shape == (3, 500, 40)
    assert found.recurrent
    assert set(found.masks.unique().tolist()) == {0.0, float(torch.tensor(1.0) / 0.7)}
    assert float(found.masks.mean()) == pytest.approx(1, abs=0.02)
    twice = found.times(2)
    assert torch.equal(twice.masks[:, :500], twice.masks[:, 500:])
    assert torch.equal(twice.rows(500).masks, found.masks)


@pytest.mark.parametrize("kind", DROPOUT)
@pytest.mark.parametrize("net", [made(Filler), made(Judge, 1)])
def test_reading_and_attention_are_those_of_a_loop(net, kind):
    tokens, mask = varied(4), some(4)
    one, two = off(kind, 4, 5), off(kind, 4, 6)
    got = net.read(tokens, net.encode(tokens, mask, one), two)
    assert got.detach().numpy() == pytest.approx(read(net, tokens, mask, one, two), abs=2e-5)
    assert float(got.detach().std()) > 0.1


def test_a_context_for_copies_is_that_of_copied_sentences():
    net, tokens, mask = made(Judge), sentences(3), some(3)
    once, again = net.encode(tokens, mask).times(2), net.encode(tokens.repeat(2, 1), mask.repeat(2, 1))
    for a, b in zip(itertools.chain(once[:2], *once.memory), itertools.chain(again[:2], *again.memory), strict=True):
        torch.testing.assert_close(a, b)
    assert once.times(1) is once


# --- blanks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
def test_blanks_are_counted_as_a_loop_counts_them(ends):
    mask = some(5)
    mask[3, 4:] = True
    blanks = Blanks(mask, ends, CPU)
    rows = mask.tolist()
    places = [(i, t) for i in range(5) for t in range(T) if rows[i][t]]
    assert blanks.places.tolist() == [i * T + t for i, t in places]
    assert blanks.count == len(places)
    assert (blanks.first, blanks.last) == (min(t for _, t in places), max(t for _, t in places))
    assert [column.tolist() for column in blanks.columns] == [[i for i in range(5) if rows[i][t]] for t in range(T)]
    assert blanks.free.tolist() == [[ends and all(rows[i][t:]) for t in range(T)] for i in range(5)]
    assert blanks.free.any().item() == ends
    values = torch.arange(5.0 * T).view(5, T)
    assert torch.equal(blanks.spread(blanks.chosen(values)), values * mask)
    none = Blanks(torch.zeros(2, T, dtype=torch.bool), ends, CPU)
    assert (none.count, none.first, none.last, len(none.places)) == (0, T, -1, 0)


# --- what a filler says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
def test_log_p_at_blanks_is_the_whole_softmax_gathered(ends):
    net, tokens, mask = made(Filler), varied(6) if ends else sentences(6), some(6)
    mask[2, 4:] = True
    blanks = Blanks(mask, ends, CPU)
    tokens = torch.where(mask & ~blanks.free & (tokens == END), UNKNOWN, tokens)  # no end is a truth where none may be
    got = net.log_p(tokens, blanks, net.encode(tokens, mask))
    hidden = read(net, tokens, mask, None, None)
    want = [np.log(shares(net, hidden[i, t], bool(blanks.free[i, t]))[tokens[i, t]]) for i in range(6) for t in range(T) if mask[i, t]]
    assert got.detach().numpy() == pytest.approx(np.array(want), abs=2e-5)
    logits = net.logits(blanks.chosen(net.read(tokens, net.encode(tokens, mask))), blanks.chosen(blanks.free))
    assert (logits.softmax(1)[:, END][~blanks.chosen(blanks.free)] == 0).all()


@pytest.mark.parametrize("kind", DROPOUT)
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("from_place", [0, 2])
def test_drawing_is_the_inverse_cdf_of_what_the_reading_says_with_the_same_masks_of_dropout(kind, ends, from_place):
    """So a pass over the filled sentence with the masks it was drawn with has exactly the probabilities it was drawn from."""
    net, tokens, mask, u = made(Filler), sentences(6), some(6), noise(6)
    mask[:, :from_place] = False
    mask[1, 3:] = True
    blanks, one, two = Blanks(mask, ends, CPU), off(kind, 6, 5), off(kind, 6, 6)
    got = net.draw(tokens, blanks, net.encode(tokens, mask, one), u, two)
    hidden, nearest = read(net, got, mask, one, two), 1.0
    for i, t in itertools.product(range(6), range(T)):
        if not mask[i, t]:
            assert got[i, t] == tokens[i, t]
        elif blanks.free[i, t] and t and got[i, t - 1] == END:
            assert got[i, t] == END
        else:
            upto = shares(net, hidden[i, t], bool(blanks.free[i, t])).cumsum()
            nearest = min(nearest, np.abs(upto - float(u[i, t])).min())
            assert int(got[i, t]) == int((upto <= float(u[i, t])).sum())
    assert nearest > 1e-5  # or a token might hang on rounding
    assert not got.requires_grad


def test_drawn_sentences_have_the_product_of_their_conditional_probabilities():
    """χ² over all fillings of two blanks, given a token between them; five tokens of which one is the end."""
    net, n = made(Filler, 3, 5), 30_000
    tokens = torch.tensor([[3, 0, 2, 0]]).expand(n, 4)
    mask = torch.tensor([[False, True, False, True]]).expand(n, 4).contiguous()
    blanks = Blanks(mask, True, CPU)
    got = net.draw(tokens, blanks, net.encode(tokens, mask), noise(n, 8, 4))
    counts = np.zeros((5, 5))
    np.add.at(counts, (got[:, 1].numpy(), got[:, 3].numpy()), 1)
    want = np.zeros((5, 5))
    for a, b in itertools.product(range(5), range(5)):
        row = torch.tensor([[3, a, 2, b]])
        hidden = read(net, row, mask[:1], None, None)[0]
        want[a, b] = shares(net, hidden[1], False)[a] * shares(net, hidden[3], True)[b]
    assert want.sum() == pytest.approx(1)
    assert counts[END].sum() == 0  # 2 follows the first blank
    there = want > 0
    assert stats.chisquare(counts[there], want[there] * n).pvalue > 0.01
    assert stats.chisquare(counts[there], np.roll(want, 1, 1)[there].clip(1e-9) / np.roll(want, 1, 1)[there].sum() * n).pvalue < 1e-6


def test_an_end_is_drawn_only_where_nothing_given_follows_and_stays():
    net, n = made(Filler), 400
    with torch.no_grad():
        net.bias[END] += 2
    tokens, mask = sentences(n), some(n)
    got = net.draw(tokens, Blanks(mask, True, CPU), net.encode(tokens, mask), noise(n))
    free = mask.flip(1).long().cumprod(1).flip(1).bool()
    assert ((got == END) & ~free).sum() == 0
    assert ((got == END) & free).sum() > 20
    for row in got.tolist():
        if END in row:
            assert set(row[row.index(END) :]) == {END}
    none = net.draw(tokens, Blanks(mask, False, CPU), net.encode(tokens, mask), noise(n))
    assert (none != END).all()  # where sentences have no end


def test_a_larger_number_never_draws_a_lower_token():
    net, n = made(Filler), 200
    tokens, mask = sentences(1).expand(n, T), torch.zeros(n, T, dtype=torch.bool)
    mask[:, 3] = True
    u = torch.zeros(n, T)
    u[:, 3] = torch.linspace(0, 1 - 2**-24, n)
    drawn = net.draw(tokens, Blanks(mask, False, CPU), net.encode(tokens, mask), u)[:, 3]
    assert (drawn.diff() >= 0).all()
    assert set(drawn.tolist()) == set(range(1, V))  # all but the end; 0 and the largest number have a token with mass, too


def test_how_tokens_are_drawn():
    net, n = made(Filler), 500
    tokens, mask = sentences(1).expand(n, T), torch.zeros(n, T, dtype=torch.bool)
    mask[:, 2] = True
    blanks, u = Blanks(mask, False, CPU), noise(n)
    context = net.encode(tokens, mask)
    p = shares(net, read(net, tokens[:1], mask[:1], None, None)[0, 2], False)
    order = np.argsort(-p)
    draw = lambda **how: set(net.draw(tokens, blanks, context, u, how=How(**how))[:, 2].tolist())  # noqa: E731
    assert draw(top_k=1) == {order[0]}
    assert draw(top_k=3) == set(order[:3])
    assert draw(nucleus=float(p[order[:2]].sum()) - 1e-3) == set(order[:2])
    assert draw(temperature=1e-3) == {order[0]}
    assert UNKNOWN in draw()
    assert draw(unknown=False) == set(range(2, V))
    assert UNKNOWN not in draw(unknown=False, top_k=V)


# --- nothing leaks ------------------------------------------------------------------------------------------------


def test_what_lies_under_a_blank_is_not_seen():
    net, mask, u = made(Filler), some(5), noise(5)
    one, two = sentences(5, 1), sentences(5, 9)
    two = torch.where(mask, two, one)
    assert not torch.equal(one, two)
    contexts = [net.encode(tokens, mask) for tokens in (one, two)]
    assert torch.equal(contexts[0].values, contexts[1].values)
    assert torch.equal(contexts[0].memory[-1].h, contexts[1].memory[-1].h)
    blanks = Blanks(mask, True, CPU)
    assert torch.equal(net.draw(one, blanks, contexts[0], u), net.draw(two, blanks, contexts[1], u))
    seen = net.encode(one, ~mask).values  # the given ones are
    assert not torch.equal(seen, net.encode(sentences(5, 9), ~mask).values)


# --- D and the critic ---------------------------------------------------------------------------------------------


def test_a_verdict_is_after_a_token_and_a_value_before_it():
    net, tokens, mask = made(Judge), sentences(3), some(3)
    context = net.encode(tokens, mask)
    logits, before = net(tokens, context)
    values, prefix = net.values(before), net.values(net.prefix(tokens))
    for t in range(T):
        other = tokens.clone()
        other[:, t] = other[:, t] % (V - 1) + 1
        changed, state = net(other, context)
        of, alone = net.values(state), net.values(net.prefix(other))
        assert torch.equal(changed[:, :t], logits[:, :t])
        assert (changed[:, t] != logits[:, t]).all()
        for now, then in ((of, values), (alone, prefix)):
            assert torch.equal(now[:, : t + 1], then[:, : t + 1])
            assert t == T - 1 or (now[:, t + 1] != then[:, t + 1]).all()
    there = net.encode(tokens, ~mask)
    assert (net(tokens, there)[0] != logits).all()  # both know m(x)
    assert (net.values(net(tokens, there)[1]) != values).all()


def test_verdicts_and_values_are_read_out_of_the_same_states():
    net, tokens, mask = made(Judge), sentences(3), some(3)
    logits, before = net(tokens, net.encode(tokens, mask))
    hidden = read(net, tokens, mask, None, None, after=True)
    verdict, value = ((m.weight.detach().double().numpy()[0], m.bias.item()) for m in (net.out, net.value))
    assert logits.detach().numpy() == pytest.approx(hidden[:, 1:] @ verdict[0] + verdict[1], abs=2e-5)
    assert before.detach().numpy() == pytest.approx(hidden[:, :-1], abs=2e-5)
    assert net.values(before).detach().numpy() == pytest.approx(hidden[:, :-1] @ value[0] + value[1], abs=2e-5)


# --- the language model -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("kind", DROPOUT)
def test_a_language_model_is_a_loop(ends, kind):
    net, tokens, dropped = made(LanguageModel), sentences(3), off(kind, 3)
    table = net.embedding.weight.detach().double().numpy()
    got = net.log_p(tokens, ends, dropped).detach().numpy()
    for i, row in enumerate(tokens.tolist()):
        hidden, _, _ = stacked(net.decoder, table[[V + 1, *row[:-1]]], zeros(), zeros(), dropped, i)
        want = [np.log(shares(net, h, ends)[token]) for h, token in zip(hidden, row, strict=True)]
        assert got[i] == pytest.approx(np.array(want), abs=2e-5)


def test_a_language_model_draws_after_what_stands_before_alone():
    net, tokens, mask, u = made(LanguageModel), sentences(50), torch.zeros(50, T, dtype=torch.bool), noise(50)
    mask[:, 2:5] = True
    blanks = Blanks(mask, False, CPU)
    got = net.draw(tokens, blanks, u)
    later = tokens.clone()
    later[:, 5:] = 1
    assert torch.equal(net.draw(later, blanks, u)[:, :5], got[:, :5])
    assert torch.equal(got[~mask], tokens[~mask])
    table = net.embedding.weight.detach().double().numpy()
    for i in range(5):
        hidden, _, _ = stacked(net.decoder, table[[V + 1, *got[i, :-1].tolist()]], zeros(), zeros(), None, i)
        for t in (2, 3, 4):
            upto = shares(net, hidden[t], False).cumsum()
            assert int(got[i, t]) == int((upto <= float(u[i, t])).sum())


@pytest.mark.parametrize("kind", [Filler, Judge])
def test_a_language_model_lends_its_numbers(kind):
    lm, net = made(LanguageModel, 1), made(kind, 2)
    key = net.key.weight.clone()
    lm.lend(net)
    for stack in (net.encoder, net.decoder):
        assert all(torch.equal(a, b) for a, b in zip(stack.parameters(), lm.decoder.parameters(), strict=True))
    assert torch.equal(net.embedding.weight, lm.embedding.weight)
    assert torch.equal(net.key.weight, key)  # attention is its own
    if isinstance(net, Filler):
        assert torch.equal(net.bias, lm.bias)
    else:
        tokens = sentences(2)
        wanted = lm.decoder(lm.embedding(net.before(tokens)))[0]
        assert torch.equal(net.prefix(tokens), wanted)


@pytest.mark.parametrize("kind", NETS)
def test_values_come_from_the_generator_and_one_bias_a_gate_is_enough(kind):
    torch.manual_seed(1)
    a, b, c = made(kind, 0), made(kind, 0), made(kind, 1)
    same = [torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True)]
    assert all(same)
    assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    for name, p in a.named_parameters():
        assert p.requires_grad != name.endswith("bias_hh_l0"), name
        assert p.isfinite().all()
        assert name.endswith("bias_hh_l0") == bool((p == 0).all()), name
    assert isinstance(a, nn.Module)
