"""The desk: what is read of a line, what is put into its blanks, and what is told of it."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.algorithms import maskgan
from models.algorithms.maskgan.filling import MOST, WINDOWS, fill, parse
from models.algorithms.maskgan.fillings import COLUMNS, Desk, Fillings
from models.data import grammar
from models.errors import BadInput
from models.nets.seq2seq import Blanks
from tests.models.algorithms.maskgans import digest, started, turned


@pytest.fixture
def state(spec) -> maskgan.State:
    return started(spec)[0]


@pytest.fixture
def ending(ragged) -> maskgan.State:
    """One whose sentences have ends."""
    return started(ragged)[0]


@pytest.fixture
def endless(even) -> maskgan.State:
    """One whose sentences all have six words."""
    return started(even)[0]


def same(a: Fillings, b: Fillings) -> bool:
    return all(
        np.array_equal(p, q, equal_nan=True)
        if isinstance(p, np.ndarray)
        else all(np.array_equal(p[k], q[k], equal_nan=True) for k in (*p, *q))
        if isinstance(p, dict)
        else p == q
        for p, q in ((getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    )


# --- what is read -------------------------------------------------------------------------------------------------


def test_every_word_of_two_or_more_underscores_is_a_blank(state):
    assert parse(state, "ba ___ do __ ga") == Desk(("ba", "", "do", "", "ga"), (1, 3))
    assert parse(state, "  ___  ") == Desk(("",), (0,))
    assert parse(state, "___ ___").blanks == (0, 1)
    assert parse(state, "ba, ____.") == Desk(("ba", ",", "", "."), (2,))
    assert parse(state, "ba_ __do _ a__b ___").blanks == (4,)
    assert parse(state, "ba do", open_end=True) == Desk(("ba", "do"), (), True)
    assert parse(state, "", open_end=True) == Desk((), (), True)
    for text, words in (("ba do", "no blank"), ("", "no sentence"), ("  \t", "no sentence"), ("ba _ do", "no blank")):
        with pytest.raises(BadInput, match=f"{words}.*write"):
            parse(state, text)


@pytest.mark.parametrize("unit", ["words", "chars"])
@pytest.mark.parametrize("punctuation", ["split", "keep", "strip"])
def test_blanks_under_all_ways_to_read(ragged, unit, punctuation):
    state = started(ragged, unit=unit, punctuation=punctuation)[0]
    desk = parse(state, "ba __ do ,") if unit == "words" else parse(state, "b_ d_,")
    if unit == "words":
        assert (desk.tokens[:3], desk.blanks) == (("ba", "", "do"), (1,))
    else:
        assert desk.tokens[:5] == ("b", "", " ", "d", "")
        assert desk.blanks == (1, 4)
    assert ("," in desk.tokens) == (punctuation != "strip")
    assert fill(state, desk, 2, 0).n == 2


def test_right_to_left_and_combining_characters_stay_as_they_are_typed(tmp_path):
    path = tmp_path / "words.txt"
    words = ("שָׁלוֹם", "עולם", "مرحبا", "cafe\u0301", "नमस्ते", "🙂")
    path.write_text("".join(f"{a} {b}\n" for a in words for b in words), "utf-8")
    state = started(path)[0]
    assert set(words) <= set(state.words)
    for word in words:
        found = fill(state, parse(state, f"{word} ___"), 3, 0)
        assert found.given == (word, "")
        assert found.notes == ()
        assert {row[0] for row in found.tokens} == {word}
        assert {row[1] for row in found.tokens} <= set(state.words)


# --- what is put there --------------------------------------------------------------------------------------------


def test_what_is_given_stays_and_blanks_are_words(state):
    found = fill(state, parse(state, "ba ___ do ___ ga ko"), 20, 1)
    assert (found.n, found.blanks, found.given) == (20, (1, 3), ("ba", "", "do", "", "ga", "ko"))
    for row in found.tokens:
        assert [row[i] for i in (0, 2, 4, 5)] == ["ba", "do", "ga", "ko"]
        assert {row[1], row[3]} <= set(state.words[2:])  # no unknown word, no end
    assert len(set(found.tokens)) > 10
    assert found.step == state.step


def test_an_alternative_is_the_same_whatever_their_number(state):
    desk = parse(state, "ba ___ do ___ ga ko")
    many = fill(state, desk, 64, 5)
    for n in (1, 2, 17, 63):
        few = fill(state, desk, n, 5)
        assert few.tokens == many.tokens[:n]
        assert few.p == pytest.approx(many.p[:n], abs=1e-6)
        assert few.log_p == pytest.approx(many.log_p[:n], abs=1e-5)
    assert fill(state, desk, 20, 6).tokens != many.tokens[:20]
    assert same(fill(state, desk, 5, 5), fill(state, desk, 5, 5))


def test_probabilities_are_those_of_the_net_after_what_stands_before(state):
    desk = Desk(("ba", "", "do", "", "ga", "ko"), (1, 3))
    found = fill(state, desk, 4, 0, shown=2, k=5)
    number = {word: i for i, word in enumerate(state.words)}
    ids = torch.tensor([[number[word] for word in row] for row in found.tokens])
    mask = torch.zeros_like(ids, dtype=torch.bool)
    mask[:, [1, 3]] = True
    if state.config.ends:
        ids, mask = F.pad(ids, (0, state.config.T - 6)), F.pad(mask, (0, state.config.T - 6))
    blanks = Blanks(mask, state.config.ends, state.device)
    context = state.G.encode(ids, mask)
    log_p = state.G.log_p(ids, blanks, context).detach().view(4, 2).numpy()
    assert found.p == pytest.approx(np.exp(log_p), abs=1e-5)
    assert found.log_p == pytest.approx(log_p.sum(1), abs=1e-4)
    shares = state.G.logits(blanks.chosen(state.G.read(ids, context)), blanks.chosen(blanks.free)).softmax(1).view(4, 2, -1)[2].detach()
    for b in range(2):
        known = shares[b].clone()
        known[1] = -1  # the unknown word is no candidate
        order = known.argsort(descending=True)[:5].tolist()
        assert found.candidates[b] == tuple(state.words[i] or "(end)" for i in order)
        assert found.candidates_p[b] == pytest.approx(known[order].numpy(), abs=1e-5)
    assert (np.diff(found.candidates_p, axis=1) <= 0).all()
    assert (found.candidates_p.sum(1) <= 1 + 1e-6).all()
    assert (found.candidates_p > 0).all()


@pytest.mark.parametrize("critic", ["discriminator", "prefix"])
def test_the_table_is_of_the_alternative_that_is_shown(ragged, critic):
    state = started(ragged, critic=critic)[0]
    knobs = turned(gamma=0.7, clip_A=1e6, whiten=True)
    desk = Desk(("ba", "", "do", "", "ga"), (1, 3))
    found = fill(state, desk, 4, 0, shown=3, knobs=knobs)
    assert set(found.table) == set(COLUMNS)
    table = {name: column[[1, 3]] for name, column in found.table.items()}
    for column in found.table.values():
        assert len(column) == 5
        assert np.isnan(column[[0, 2, 4]]).all()
    assert table["A"] == pytest.approx(table["R"] - table["V"], abs=1e-6)
    assert table["log_p"] == pytest.approx(np.log(found.p[3]), abs=1e-5)
    assert table["r"] == pytest.approx(np.log(found.realism[3, [1, 3]]), abs=1e-4)
    assert table["R"] == pytest.approx([table["r"][0] + 0.7**2 * table["r"][1], table["r"][1]], abs=1e-5)
    assert fill(state, desk, 4, 0, shown=99).shown == 3
    td = fill(state, desk, 4, 0, shown=3, knobs=turned(gamma=0.7, clip_A=1e6, advantage="td")).table["A"][[1, 3]]
    assert td == pytest.approx([table["r"][0] + 0.7**2 * table["V"][1] - table["V"][0], table["r"][1] - table["V"][1]], abs=1e-5)


def test_realism_of_a_given_token_is_as_if_it_had_been_filled_in(state):
    found = fill(state, Desk(("ba", "", "do", "fo", "ga", "ko"), (1,)), 3, 0)
    again = fill(state, Desk(("ba", "", "do", "fo", "ga", "ko"), (1, 3), fixed=((3, "fo"),)), 3, 0)
    assert found.realism.shape == (3, 6)
    assert ((found.realism > 0) & (found.realism < 1)).all()
    assert found.tokens == again.tokens
    assert again.realism == pytest.approx(found.realism, abs=1e-6)
    number = {word: i for i, word in enumerate(state.words)}
    ids = torch.tensor([[number[word] for word in found.tokens[0]]])
    mask = torch.zeros_like(ids, dtype=torch.bool)
    mask[:, [1, 3]] = True
    if state.config.ends:
        ids, mask = F.pad(ids, (0, state.config.T - 6)), F.pad(mask, (0, state.config.T - 6))
    want = state.D(ids, state.D.encode(ids, mask))[0].sigmoid()[0, 3]
    assert found.realism[0, 3] == pytest.approx(float(want.detach()), abs=1e-5)


def test_words_that_a_person_has_fixed_count_as_given_and_stay(state):
    free = fill(state, Desk(("ba", "", "do", "", "ga", "ko"), (1, 3)), 12, 0)
    found = fill(state, Desk(("ba", "", "do", "", "ga", "ko"), (1, 3), fixed=((3, "ma"),)), 12, 0)
    given = fill(state, Desk(("ba", "", "do", "ma", "ga", "ko"), (1,)), 12, 0)
    assert (found.blanks, found.fixed, found.given[3]) == ((1, 3), (3,), "ma")
    assert {row[3] for row in found.tokens} == {"ma"}
    assert found.tokens == given.tokens
    assert free.tokens != found.tokens
    assert found.p[:, 0] == pytest.approx(given.p[:, 0])
    assert found.log_p == pytest.approx(given.log_p)  # what is fixed is no filling
    assert np.isnan(found.table["r"][3])
    assert ((found.p[:, 1] > 0) & (found.p[:, 1] < 1)).all()  # what the net would say of it
    assert len(found.candidates[1]) == len(found.candidates[0]) == 9
    every = fill(state, Desk(("ba", "", "do", "", "ga", "ko"), (1, 3), fixed=((1, "do"), (3, "ma"))), 2, 0)
    assert set(every.tokens) == {("ba", "do", "do", "ma", "ga", "ko")}
    assert every.log_p.tolist() == [0, 0]


def test_the_net_that_fills(state):
    with torch.no_grad():
        state.mle.bias.add_(torch.linspace(-1, 1, state.config.vocab))
    desk = parse(state, "ba ___ ___ ___ ga ko")
    ours, theirs = (fill(state, desk, 10, 0, net=net) for net in ("maskgan", "maskmle"))
    assert (ours.net, theirs.net) == ("maskgan", "maskmle")
    assert ours.tokens != theirs.tokens
    assert len(set(fill(state, desk, 10, 0, top_k=1).tokens)) == 1
    assert len(set(fill(state, desk, 10, 0, nucleus=1e-6).tokens)) == 1
    assert len(set(fill(state, desk, 10, 0, temperature=0.01).tokens)) <= 2
    assert fill(state, desk, 10, 0, temperature=5.0).tokens != ours.tokens


# --- ends, windows, words that are not known ----------------------------------------------------------------------


def test_an_open_end_goes_on_until_the_net_ends_it(ending):
    with torch.no_grad():
        ending.G.bias[0] += 1
    found = fill(ending, parse(ending, "ba do", open_end=True), 40, 0)
    assert found.blanks == (2, 3, 4, 5)
    assert found.given == ("ba", "do", "", "", "", "")
    assert found.truth == ("ba", "do", "", "", "", "")
    lengths = {sum(bool(word) for word in row) for row in found.tokens}
    assert lengths >= {2, 3, 4}
    for row, p, sure in zip(found.tokens, found.p, found.realism, strict=True):
        said = sum(bool(word) for word in row)
        assert all(row[:said])
        assert not any(row[said:])
        assert np.isnan(p).tolist() == [i > said for i in found.blanks]  # the end itself has a probability
        assert np.isnan(sure).tolist() == [i >= said for i in range(6)]
        assert float(np.nansum(np.log(p))) == pytest.approx(found.log_p[found.tokens.index(row)], abs=1e-5)
    assert any("(end)" in words for words in found.candidates)
    nothing = fill(ending, Desk((), (), True), 20, 0)
    assert len(set(nothing.tokens)) > 5
    full = fill(ending, parse(ending, "ba do ga ko ma fo", open_end=True), 2, 0)
    assert set(full.tokens) == {("ba", "do", "ga", "ko", "ma", "fo")}
    assert "longest" in full.notes[0]


@pytest.mark.parametrize("wide", [2, 5, 6])
@pytest.mark.parametrize("open_end", [False, True])
def test_a_blank_of_the_sentence_is_a_word_also_where_an_end_could_be(ending, wide, open_end):
    with torch.no_grad():
        ending.G.bias[0] += 4  # it would rather end
    desk = Desk(("ba", *[""] * (wide - 1)), tuple(range(1, wide)), open_end)
    found = fill(ending, desk, 40, 0)
    assert all(all(row[:wide]) for row in found.tokens)
    assert all("(end)" not in found.candidates[b] or found.candidates_p[b, found.candidates[b].index("(end)")] == 0 for b in range(wide - 1))
    assert len(found.tokens[0]) == (6 if open_end else wide)
    assert np.isfinite(found.p[:, : wide - 1]).all()


def test_an_open_end_means_nothing_where_sentences_have_none(endless):
    found = fill(endless, parse(endless, "ba ___ do", open_end=True), 3, 0)
    assert found.blanks == (1,)
    assert len(found.tokens[0]) == 3
    assert "no end" in " ".join(found.notes)
    with pytest.raises(BadInput, match=r"no sentence.*write one"):
        fill(endless, Desk((), (), True), 3, 0)


def test_a_long_text_is_read_in_windows_each_by_itself(state):
    T = state.config.T
    words = [*state.words[2:], *state.words[2:]][: 2 * T + 3]
    desk = Desk(tuple(words), (1, T + 1, 2 * T + 1))
    found = fill(state, desk, 6, 0)
    assert "windows of 6" in " ".join(found.notes)
    assert found.blanks == desk.blanks
    for row in found.tokens:
        assert [word for i, word in enumerate(row) if i not in desk.blanks] == [word for i, word in enumerate(words) if i not in desk.blanks]
    first = fill(state, Desk(tuple(words[:T]), (1,)), 6, 0)
    assert np.isfinite(found.p).all()
    assert found.p.shape == (6, 3)
    other = list(words)
    other[-1] = "ba" if words[-1] != "ba" else "do"
    assert [row[:T] for row in fill(state, Desk(tuple(other), desk.blanks), 6, 0).tokens] == [row[:T] for row in found.tokens]
    assert len(first.tokens[0]) == T
    with pytest.raises(BadInput, match=rf"{WINDOWS * T + 1} tokens.*takes {WINDOWS * T} at most: fill it in parts"):
        fill(state, Desk(("ba",) * (WINDOWS * T + 1), (0,)), 1, 0)


def test_unknown_words_are_told_with_what_is_near_and_stay_as_typed(state):
    found = fill(state, parse(state, "baa ___ qqqq ___ qqqq do"), 3, 0)
    assert len(found.notes) == 2
    assert "'baa'" in found.notes[0]
    assert "near to it: " in found.notes[0]
    assert "ba" in found.notes[0].split("near to it: ")[1]
    assert found.notes[1] == f"'qqqq' is not among the {len(state.words) - 2} words of this run, so the nets read it as unknown."
    assert {(row[0], row[2], row[4]) for row in found.tokens} == {("baa", "qqqq", "qqqq")}
    assert found.given[0] == "<unk>"  # as the nets read it


def test_everything_blank_is_told(state):
    found = fill(state, Desk(("",) * 6, tuple(range(6))), 30, 0)
    assert "nothing is given" in found.notes[0]
    assert len(set(found.tokens)) > 20
    assert np.isfinite(found.p).all()
    assert all(all(row) for row in found.tokens)  # the sentence is as long as it was laid out


def test_truth_is_kept_under_a_blank_and_does_not_reach_the_net(state):
    hidden = fill(state, Desk(("ba", "ko", "do", "ma", "ga", "ko"), (1, 3)), 10, 0)
    blank = fill(state, Desk(("ba", "", "do", "", "ga", "ko"), (1, 3)), 10, 0)
    assert hidden.truth[1] == "ko"
    assert hidden.given[1] == ""
    assert hidden.tokens == blank.tokens
    assert np.array_equal(hidden.p, blank.p)
    assert np.array_equal(hidden.realism, blank.realism)
    nonsense = fill(state, Desk(("ba", "zz", "do", "", "ga", "ko"), (1, 3)), 10, 0)
    assert nonsense.notes == blank.notes == ()


def test_a_sentence_of_the_grammar_is_told_right_from_wrong():
    state = started("grammar", T=12, vocab=200)[0]
    found = fill(state, parse(state, "the ___ sleeps ."), 40, 0)
    assert set(found.valid) == {0.0, 1.0}
    for row, valid, why in zip(found.tokens, found.valid, found.why, strict=True):
        assert bool(valid) == grammar.valid([word for word in row if word]) == (why == "")
    assert np.isnan(fill(started_plain(), Desk(("a", ""), (1,)), 2, 0).valid).all()


def started_plain() -> maskgan.State:
    """One that is not of the grammar."""
    state = started("grammar", T=12, vocab=200)[0]
    state.language = ""
    return state


# --- how it crosses to a page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "desk",
    [
        Desk(("ba", "", "do"), (1,)),
        Desk(("ba", "", "do", "x", "ga"), (1, 3), fixed=((3, "ma"),)),
        Desk(("ba", "do"), (), True),
        Desk(("ba",) * 14, (0, 13)),
        Desk(("ba", "do"), (), False, ((1, "ga"),)),
    ],
)
def test_fillings_cross_to_a_page_and_back(ending, desk):
    if not desk.blanks and not desk.open_end:
        desk = desk._replace(blanks=(1,))
    found = fill(ending, desk, 3, 0, shown=1)
    assert same(Fillings.of(pickle.loads(pickle.dumps(found.view()))), found)
    before = digest(ending)
    arguments = {"tokens": list(desk.tokens), "blanks": list(desk.blanks), "open_end": desk.open_end, "fixed": [list(pair) for pair in desk.fixed]}
    view = maskgan.views["fill"](ending, None, turned(), **arguments, n=3, seed=0, shown=1)
    assert same(Fillings.of(view), fill(ending, desk, 3, 0, shown=1, knobs=turned()))
    assert digest(ending) == before


def test_nothing_to_fill_crosses_too(endless):
    found = fill(endless, Desk(("ba", "do"), (), True), 2, 0)
    assert found.blanks == ()
    assert set(found.tokens) == {("ba", "do")}
    assert same(Fillings.of(found.view()), found)


@pytest.mark.parametrize(
    ("desk", "values", "words"),
    [
        (Desk(("ba", "do"), ()), {}, "no blank"),
        (Desk((), ()), {}, "no sentence"),
        (Desk(("ba", "do"), (2,)), {}, "2 tokens, and a blank lies outside"),
        (Desk(("ba", "do"), (-1,)), {}, "lies outside"),
        (Desk(("ba", "do"), (1,), fixed=((4, "ba"),)), {}, "lies outside"),
        (Desk(("ba", "do"), (1,)), {"n": 0}, f"1 to {MOST} alternatives; got 0"),
        (Desk(("ba", "do"), (1,)), {"n": MOST + 1}, "alternatives"),
        (Desk(("ba", "do"), (1,)), {"temperature": 0}, "temperature"),
        (Desk(("ba", "do"), (1,)), {"temperature": float("nan")}, "temperature"),
        (Desk(("ba", "do"), (1,)), {"nucleus": 0}, "nucleus"),
        (Desk(("ba", "do"), (1,)), {"top_k": -1}, "top-k"),
        (Desk(("ba", "do"), (1,)), {"net": "lm"}, "maskgan and maskmle"),
        (Desk(("ba", "do"), (1,)), {"k": 0}, "at least one candidate"),
    ],
)
def test_bad_values_are_refused(state, desk, values, words):
    with pytest.raises(BadInput, match=words):
        fill(state, desk, **({"n": 2, "seed": 0} | values))
