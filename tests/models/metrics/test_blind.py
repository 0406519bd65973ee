"""The blind test: fair, without repetition, and with the p-values of scipy."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.metrics import blind
from models.metrics.blind import Item

POOLS = {name: [f"{name} {i}" for i in range(100)] for name in ("real", "mle", "seqgan")}


def judged(**shares):
    """Items and answers: for each source (human, machine, not judged)."""
    items, answers = [], []
    for source, (human, machine, left) in shares.items():
        items += [Item(f"{source} {i}", source) for i in range(human + machine + left)]
        answers += [True] * human + [False] * machine + [None] * left
    return items, answers


def test_as_many_of_each_shuffled_and_seeded():
    items = blind.shuffled(POOLS, 20, 7)
    assert Counter(item.source for item in items) == dict.fromkeys(POOLS, 20)
    assert all(item.text in POOLS[item.source] for item in items)
    assert len({item.text for item in items}) == 60
    assert items == blind.shuffled(POOLS, 20, 7)
    assert [i.source for i in items] != [i.source for i in blind.shuffled(POOLS, 20, 8)]
    assert {item.text for item in items} != {item.text for item in blind.shuffled(POOLS, 20, 8)}
    places = Counter(item.source for seed in range(300) for item in blind.shuffled(POOLS, 2, seed)[:1])
    assert min(places.values()) > 60  # each is first in a third of the tests


def test_no_sentence_twice_whoever_wrote_it():
    pools = {"real": ["a b", "c", "d", "e"], "mle": ["a  b", "c ", "x", "", "  ", "x"], "seqgan": ["a b"] * 50 + ["y", "z", "c"]}
    for seed in range(40):
        items = blind.shuffled(pools, 2, seed)
        looks = [" ".join(item.text.split()) for item in items]
        assert len(set(looks)) == 6
        assert "" not in looks


def test_a_source_with_others_gives_way():
    pools = {"real": list("abcd"), "mle": list("abcef"), "seqgan": list("aab")}  # only "a" and "b" for seqgan, and "c" to "f" for the rest
    for seed in range(40):
        items = blind.shuffled(pools, 2, seed)
        assert Counter(item.source for item in items) == dict.fromkeys(pools, 2)
        assert len({item.text for item in items}) == 6
        assert all(item.text in pools[item.source] for item in items)
    with pytest.raises(BadInput, match="not needed for another"):
        blind.shuffled(pools | {"mle": list("abc")}, 2, 0)  # five in all, for six places


def test_a_shared_sentence_goes_to_each_as_often():
    pools = {"real": ["same", *POOLS["real"][:3]], "mle": ["same", *POOLS["mle"][:3]]}
    owners = Counter(item.source for seed in range(400) for item in blind.shuffled(pools, 3, seed) if item.text == "same")
    assert abs(owners["real"] - owners["mle"]) < 4 * sum(owners.values()) ** 0.5
    assert sum(owners.values()) > 250


@pytest.mark.parametrize(
    ("pools", "each", "says"),
    [
        ({}, 3, "at least one source"),
        (POOLS, 0, "at least one source"),
        ({"real": ["a", "b"], "mle": ["c", "c ", ""]}, 2, r"mle has too few different sentences \(1 in all\) to show 2"),
        ({"real": ["a", "b"], "mle": ["a", "b"]}, 2, r"that are not needed for another source \(2 in all\) to show 2"),
    ],
)
def test_a_test_that_cannot_be_made(pools, each, says):
    with pytest.raises(BadInput, match=says):
        blind.shuffled(pools, each, 0)


def test_results_of_a_test():
    from scipy import stats

    items, answers = judged(mle=(5, 13, 2), real=(16, 4, 0), seqgan=(12, 8, 0))
    rows = blind.results(items, answers)
    assert [row.source for row in rows] == ["real", "mle", "seqgan"]
    real, mle, seqgan = rows
    assert (real.judged, real.human, real.score, real.p, real.test) == (20, 16, 0.8, None, "")
    assert (mle.judged, mle.human, mle.score) == (18, 5, 5 / 18)
    assert mle.p == pytest.approx(stats.fisher_exact([[5, 13], [16, 4]])[1])
    assert seqgan.p == pytest.approx(stats.fisher_exact([[12, 8], [16, 4]])[1])
    assert mle.test == "Fisher's exact test, two-sided"
    assert blind.between(rows, "mle", "seqgan") == pytest.approx(stats.fisher_exact([[5, 13], [12, 8]])[1])
    assert blind.between(rows, "seqgan", "real") == seqgan.p
    interval = stats.binomtest(5, 18).proportion_ci(method="wilson")
    assert (mle.low, mle.high) == pytest.approx((interval.low, interval.high))
    assert [row.source for row in blind.results(items, answers, real="mle")] == ["mle", "real", "seqgan"]


def test_before_the_answers():
    items, answers = judged(real=(0, 0, 3), mle=(2, 1, 0))
    real, mle = blind.results(items, answers)
    assert real == blind.Row("real", 0, 0, None, 0.0, 1.0, None, "")
    assert (mle.p, mle.test, mle.score) == (None, "", 2 / 3)
    assert blind.between([real, mle], "mle", "real") is None
    alone = blind.results(*judged(mle=(2, 1, 0)))  # nothing real was shown
    assert (alone[0].p, len(alone)) == (None, 1)
    assert blind.results([], []) == []


def test_results_that_cannot_be():
    items, answers = judged(real=(1, 1, 0))
    with pytest.raises(BadInput, match="2 sentences needs as many answers"):
        blind.results(items, answers[:1])
    with pytest.raises(BadInput, match="no source ppgn in this blind test: its sources are real"):
        blind.between(blind.results(items, answers), "real", "ppgn")


def test_fisher_by_hand():
    # the lady tasting tea: 3 of 4 right has p = 34 / 70, all right 2 / 70
    assert blind.fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert blind.fisher(4, 4, 0, 4) == pytest.approx(2 / 70)
    assert blind.fisher(0, 5, 0, 7) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_p_and_interval_are_those_of_scipy(a, b):
    from scipy import stats

    (k, n), (j, m) = a, b
    assert blind.fisher(k, n, j, m) == pytest.approx(stats.fisher_exact([[k, n - k], [j, m - j]])[1], rel=1e-6)
    interval = stats.binomtest(k, n).proportion_ci(method="wilson")
    low, high = blind.wilson(k, n)
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert 0 <= low <= k / n <= high <= 1
