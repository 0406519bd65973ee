"""Measures on sentences against nltk, against loops, and against what a hand can count."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from models.errors import BadInput
from models.metrics import ngrams, text

POEMS = Path(__file__).parents[4] / "shared" / "data" / "shi_quatrains5.txt"
SMOOTH = SmoothingFunction().method1
WEIGHTS = [[1 / n] * n for n in range(1, 6)]
few = settings(max_examples=60, deadline=None)


def padded(rows, width=None, rest=0):
    """Lists of tokens as (tokens, lengths); what follows a sentence is `rest`."""
    width = max([0, *map(len, rows)]) if width is None else width
    tokens = np.full((len(rows), width), rest, np.int64)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = row
    return tokens, np.array([len(row) for row in rows])


def zipf(n, seed, words=60, longest=20):
    """Sentences of 0…longest tokens, some of them twice."""
    rng = np.random.default_rng(seed)
    chances = 1 / np.arange(1, words + 1)
    rows = [rng.choice(words, rng.integers(0, longest + 1), p=chances / chances.sum()).tolist() for _ in range(n)]
    return rows[: n - n // 10] + rows[: n // 10]


def of_nltk(rows, references):
    return np.array([sentence_bleu(references, row, WEIGHTS, SMOOTH) for row in rows], float)


sentence = st.lists(st.integers(0, 3), max_size=7)
corpus = st.lists(sentence, min_size=2, max_size=7)


# --- BLEU ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_bleu_is_that_of_nltk(seed):
    rows, references = zipf(50, seed), zipf(200, seed + 10)
    rows += [[], [3], [1, 2], [1, 2, 3, 4], [99] * 6, references[5]]
    found = text.bleu(*padded(rows), *padded(references))
    assert found.each == pytest.approx(of_nltk(rows, references), rel=1e-12, abs=0)
    assert found.value == pytest.approx({n: found.each[:, n - 1].mean() for n in range(1, 6)})
    assert (found.hypotheses, found.references) == (56, 200)
    assert found.each[:, 4].std() > 0.05  # there was something to tell apart


def test_bleu_against_few_and_short_references():
    rows = [*zipf(20, 3, words=6), [], [0], [0, 1, 0, 1, 0, 1]]
    for references in ([[0, 1, 2]], [[]], [[0], [1, 0]], [[0, 1] * 6, [2]], [[], [5, 4, 3, 2, 1, 0]]):
        found = text.bleu(*padded(rows), *padded(references))
        assert found.each == pytest.approx(of_nltk(rows, references), rel=1e-12, abs=0)


def test_bleu_by_hand():
    # "the the the cat" against "the cat sat down" and "the the end": "the" counts twice, "the the" once, "the cat" once
    found = text.bleu(*padded([[0, 0, 0, 1]]), *padded([[0, 1, 2, 3], [0, 0, 4]]), most=3)
    assert found.each[0] == pytest.approx([3 / 4, math.sqrt(3 / 4 * 2 / 3), (3 / 4 * 2 / 3 * 0.1 / 2) ** (1 / 3)])


def test_bleu_of_sentences_shorter_than_n():
    found = text.bleu(*padded([[7], [], [8]]), *padded([[7, 7, 7]]), most=3).each
    brevity = math.exp(1 - 3)
    assert found[0] == pytest.approx([brevity, brevity * 0.1**0.5, brevity * 0.01 ** (1 / 3)])
    assert not found[1:].any()  # empty, and without a known word


def test_of_two_closest_lengths_the_shorter_counts():
    found = text.bleu(*padded([[1, 2, 3, 4]]), *padded([[1, 2, 3], [1, 2, 3, 4, 5]]), most=1)
    assert found.each[0, 0] == 1  # 5 would make it e^(1 - 5/4)


def test_bleu_of_ids_beyond_any_packing():
    huge = 2**62
    rows, references = zipf(30, 5, words=9), zipf(40, 6, words=9)
    far = [[huge + 7 * token for token in row] for row in rows], [[huge + 7 * token for token in row] for row in references]
    same = text.bleu(*padded(rows), *padded(references))
    assert np.array_equal(text.bleu(*padded(far[0]), *padded(far[1])).each, same.each)
    assert np.array_equal(text.self_bleu(*padded(far[0])).each, text.self_bleu(*padded(rows)).each)


@pytest.mark.real
@pytest.mark.skipif(not POEMS.exists(), reason="../shared/data is not here")
def test_bleu_of_real_poems_is_that_of_nltk():
    poems = [[ord(sign) for sign in line.split() if sign not in "，。"] for line in POEMS.read_text("utf-8").splitlines()]
    found = text.bleu(*padded(poems[:20]), *padded(poems[20:420]))
    assert found.each == pytest.approx(of_nltk(poems[:20], poems[20:420]), rel=1e-12, abs=0)
    assert found.value[2] > 0.2
    assert text.duplicates(*padded(poems))[1:] == (401, 16_394, 16_394, 0)


def test_hypotheses_are_looked_up_block_by_block(monkeypatch):
    rows, known = zipf(50, 7), text.References(*padded(zipf(60, 8)))
    whole, new = known.bleu(*padded(rows)), known.novelty(*padded(rows))
    monkeypatch.setattr(ngrams, "BLOCK", 7 * 20)
    assert np.array_equal(known.bleu(*padded(rows)).each, whole.each)
    assert known.novelty(*padded(rows)) == new


@few
@given(corpus, corpus)
def test_bleu_is_that_of_nltk_on_anything(rows, references):
    assert text.bleu(*padded(rows), *padded(references)).each == pytest.approx(of_nltk(rows, references), rel=1e-12, abs=0)


@few
@given(corpus, corpus, st.randoms(use_true_random=False))
def test_order_and_padding_do_not_matter(rows, references, random):
    found = text.bleu(*padded(rows), *padded(references)).each
    order = list(range(len(rows)))
    random.shuffle(order)
    assert np.array_equal(text.bleu(*padded([rows[i] for i in order]), *padded(references)).each, found[order])
    assert np.array_equal(text.self_bleu(*padded([rows[i] for i in order])).each, text.self_bleu(*padded(rows)).each[order])
    mixed = random.sample(references, len(references))
    assert np.array_equal(text.bleu(*padded(rows, 9, rest=2), *padded(mixed, 11, rest=-5)).each, found)
    assert np.array_equal(text.self_bleu(*padded(rows, 12, rest=1)).each, text.self_bleu(*padded(rows)).each)


# --- Self-BLEU ----------------------------------------------------------------------------------------------------


@few
@given(corpus)
def test_self_bleu_leaves_each_sentence_out(rows):
    found = text.self_bleu(*padded(rows))
    for i, row in enumerate(rows):
        others = rows[:i] + rows[i + 1 :]
        assert found.each[i] == pytest.approx(text.bleu(*padded([row]), *padded(others)).each[0], rel=1e-12, abs=0)
    assert (found.hypotheses, found.references) == (len(rows), len(rows) - 1)


def test_self_bleu_is_that_of_nltk():
    rows = zipf(60, 2)
    truth = np.concatenate([of_nltk([row], rows[:i] + rows[i + 1 :]) for i, row in enumerate(rows)])
    found = text.self_bleu(*padded(rows))
    assert found.each == pytest.approx(truth, rel=1e-12, abs=0)
    assert found.value[4] == pytest.approx(truth[:, 3].mean())


def test_self_bleu_by_hand():
    # the only largest count of 1 is that of the first (3), the next is 2; alone with its length, it is next to 2
    found = text.self_bleu(*padded([[1, 1, 1], [1, 1], [2, 2]]), most=1).each[:, 0]
    assert found == pytest.approx([2 / 3, 1, 0])
    assert text.self_bleu(*padded([[1, 2, 3, 4, 5]] * 3)).value == pytest.approx(dict.fromkeys(range(1, 6), 1.0))
    assert text.self_bleu(*padded([[], []])).value == dict.fromkeys(range(1, 6), 0.0)


# --- variety and novelty ------------------------------------------------------------------------------------------


def test_unique_ngrams_by_hand():
    tokens, lengths = padded([[1, 2, 1, 2], [1, 2, 3], [9]], 6, rest=1)
    assert text.distinct(tokens, lengths, 1) == text.Share(4 / 8, 4, 8, 3)
    assert text.distinct(tokens, lengths, 2) == text.Share(3 / 5, 3, 5, 3)  # 12 21 23 of 12 21 12 12 23
    found = text.unique_ngrams(tokens, lengths)
    assert found[3] == (1.0, 3, 3, 3, 0)  # 121 212 123
    assert found[4][:3] == (1.0, 1, 1)
    assert math.isnan(text.distinct(tokens, lengths, 5).value)
    assert text.distinct(tokens, lengths, 9)[1:] == (0, 0, 3, 0)


@few
@given(corpus, st.integers(1, 5))
def test_unique_ngrams_are_a_set_over_all(rows, n):
    grams = [tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1)]
    found = text.distinct(*padded(rows), n)
    assert (found.part, found.whole, found.samples) == (len(set(grams)), len(grams), len(rows))


def test_duplicates_are_those_of_an_earlier_one():
    rows = [[1, 2], [1, 2], [2, 1], [1, 2], [1], [], []]
    assert text.duplicates(*padded(rows)) == text.Share(3 / 7, 3, 7, 7)
    assert text.duplicates(*padded([[1, 2, 0], [1, 2]])).part == 0  # a token that looks like padding is a token


@few
@given(corpus, corpus)
def test_novelty_is_what_is_not_among_the_references(rows, references):
    found = text.novelty(*padded(rows), *padded(references, 9), most=3)
    known = {tuple(row) for row in references}
    assert found.sentences[1:] == (sum(tuple(row) not in known for row in rows), len(rows), len(rows), len(references))
    for n in (1, 2, 3):
        there = {tuple(row[i : i + n]) for row in references for i in range(len(row) - n + 1)}
        grams = [tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1)]
        assert found.ngrams[n].part == sum(gram not in there for gram in grams)
        assert found.ngrams[n].whole == len(grams)


def test_validity_and_perplexity():
    assert text.validity([["a"], ["a", "b"], [], ["c"]], lambda words: "a" in words) == 0.5
    assert math.isnan(text.validity([], lambda words: True))
    assert text.perplexity(math.log(5000)) == pytest.approx(5000)
    assert text.perplexity(1e6) == math.inf


def by_counting(a, b, n):
    """The Jensen-Shannon divergence of the n-grams of two lists of sentences, from Counters."""
    counts = [Counter(tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1)) for rows in (a, b)]
    p, q = ({gram: k / sum(c.values()) for gram, k in c.items()} for c in counts)
    mean = {gram: (p.get(gram, 0) + q.get(gram, 0)) / 2 for gram in p | q}
    return sum(share * math.log(share / mean[gram]) for side in (p, q) for gram, share in side.items()) / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_ngram_js_is_that_of_counted_ngrams(seed):
    a, b = zipf(60, seed), zipf(90, seed + 10, words=40, longest=12)
    found = text.ngram_js(*padded(a), *padded(b, rest=7))  # of other widths, and what follows a sentence is not read
    assert found == pytest.approx({n: by_counting(a, b, n) for n in range(1, 5)}, rel=1e-9)
    assert found == pytest.approx(text.ngram_js(*padded(b), *padded(a)), rel=1e-9)
    assert all(0 < v < math.log(2) for v in found.values())
    assert list(found.values()) == sorted(found.values())  # the longer, the fewer are shared
    assert list(text.ngram_js(*padded(a), *padded(b), 2)) == [1, 2]


def test_ngram_js_is_nothing_for_equal_sets_and_log_2_for_such_that_share_nothing():
    a = zipf(50, 3)
    assert text.ngram_js(*padded(a), *padded(a[::-1])) == pytest.approx(dict.fromkeys(range(1, 5), 0.0), abs=1e-12)
    other = [[token + 1000 for token in row] for row in a]
    assert text.ngram_js(*padded(a), *padded(other)) == pytest.approx(dict.fromkeys(range(1, 5), math.log(2)))


def test_ngram_js_of_sentences_too_short_for_an_order_is_not_a_number():
    found = text.ngram_js(*padded([[1, 2], [3]]), *padded([[1, 2, 3]]))
    assert found[2] == pytest.approx(by_counting([[1, 2], [3]], [[1, 2, 3]], 2))
    assert math.isnan(found[3])
    assert math.isnan(found[4])


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "lengths", "says"),
    [
        (np.zeros(3, int), [1, 1, 1], "shapes"),
        (np.zeros((3, 2), int), [1, 1], "shapes"),
        (np.zeros((2, 2)), [1, 1], "integers"),
        (np.zeros((2, 2), int), [1.0, 1.0], "integers"),
        (np.zeros((0, 2), int), np.zeros(0, int), "at least one"),
        (np.zeros((2, 2), int), [3, 1], "0…2"),
        (np.zeros((2, 2), int), [-1, 1], "0…2"),
        (np.array([[1, -1]]), [2], "negative"),
    ],
)
def test_sentences_that_cannot_be_measured(tokens, lengths, says):
    for call in (text.References, text.self_bleu, text.unique_ngrams, text.duplicates):
        with pytest.raises(BadInput, match=says):
            call(tokens, lengths)
    with pytest.raises(BadInput, match=f"hypotheses.*{says}|{says}.*hypotheses|no hypotheses"):
        text.bleu(tokens, lengths, *padded([[1]]))


def test_other_things_that_cannot_be_measured():
    with pytest.raises(BadInput, match="at least two"):
        text.self_bleu(*padded([[1, 2]]))
    for call in (lambda: text.References(*padded([[1]]), most=0), lambda: text.self_bleu(*padded([[1], [2]]), most=0)):
        with pytest.raises(BadInput, match="1 or more"):
            call()
    for wanted in ((), (0, 2)):
        with pytest.raises(BadInput, match="1 or more"):
            text.unique_ngrams(*padded([[1]]), wanted)


# --- the bootstrap ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paired", [True, False])
def test_bootstrap_agrees_with_the_t_test_where_that_holds(paired):
    from scipy import stats

    rng = np.random.default_rng(0)
    a = rng.normal(0, 1, 300)
    for shift in (0.0, 0.1, 0.2):
        b = 0.5 * a + rng.normal(shift, 1, 300)
        truth = (stats.ttest_rel(a, b) if paired else stats.ttest_ind(a, b, equal_var=False)).pvalue
        found = text.bootstrap(a, b, paired=paired, seed=1, draws=4_000)
        assert found == pytest.approx(truth, abs=4 * math.sqrt(truth / 4_000) + 0.01)
        assert text.bootstrap(b, a, paired=paired, seed=1, draws=4_000) == pytest.approx(found, abs=0.03)


def test_bootstrap_does_not_cry_wolf():
    rng = np.random.default_rng(1)
    for n, paired in ((3, True), (5, False), (20, True), (20, False)):
        false = sum(text.bootstrap(rng.normal(size=n), rng.normal(size=n), paired=paired, seed=i, draws=300) <= 0.05 for i in range(300))
        assert false <= 30  # 15 expected of 300, standard deviation 4


def test_bootstrap_of_few_or_still_values():
    three = np.array([0.1, 0.2, 0.15])
    assert text.bootstrap(three + 5, three * 0, paired=True, seed=0) == pytest.approx(1 / 9, abs=0.015)  # a ninth of the draws repeat one value
    assert text.bootstrap(three, three, paired=True, seed=0) == 1
    assert text.bootstrap([0.3] * 9, [0.3] * 9, paired=False, seed=0) == 1
    assert text.bootstrap([0.3] * 9, [0.4] * 9, paired=False, seed=0, draws=99) == 0.01
    assert text.bootstrap([0.3] * 3, [0.4] * 3, paired=True, seed=0) == pytest.approx(1 / 9)
    assert text.bootstrap([0.1 + 1e-15, 0.1, 0.1], [0.1, 0.1, 0.1 - 1e-15], paired=True, seed=0) == 1  # rounding is no difference


def test_bootstrap_in_chunks_is_seeded(monkeypatch):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=40), rng.normal(0.4, 1, 50)
    found = text.bootstrap(a, b, paired=False, seed=3, draws=2_000)
    assert found == text.bootstrap(a, b, paired=False, seed=3, draws=2_000)
    monkeypatch.setattr(text, "RESAMPLED", 50 * 7)
    assert text.bootstrap(a, b, paired=False, seed=3, draws=2_000) == pytest.approx(found, abs=0.03)
    assert text.bootstrap(a, b + 9, paired=False, seed=3, draws=2_000) == 1 / 2_001


@pytest.mark.parametrize(
    ("a", "b", "options", "says"),
    [
        ([1.0], [1.0, 2.0], {"paired": False}, "at least two"),
        ([[1.0, 2.0]], [1.0, 2.0], {"paired": False}, "shapes"),
        ([1.0, math.nan], [1.0, 2.0], {"paired": False}, "finite"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], {"paired": True}, "as many"),
        ([1.0, 2.0], [1.0, 2.0], {"paired": True, "draws": 0}, "one draw"),
    ],
)
def test_what_no_bootstrap_can_do(a, b, options, says):
    with pytest.raises(BadInput, match=says):
        text.bootstrap(a, b, seed=0, **options)
