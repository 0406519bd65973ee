"""The alarm speaks when samples collapse, and never on an ordinary run."""

import itertools

import numpy as np
import pytest

from models.alarm import alarm
from models.contract import Score


def scores(step, *, n=1000, real=0.0, **values):
    """One evaluation as the journal has it."""
    made = {k: Score(v, n, real if k == "duplicates" else 0.9, "higher", k, "")._asdict() for k, v in values.items()}
    return {"step": step, **made}


HEALTHY = scores(1500, duplicates=0.02, coverage=0.61, recall=0.4, classes=0.95, gamma_hat=0.7, loss_fake=0.05)


def test_twins_are_told_with_their_numbers():
    said = alarm([scores(1200, duplicates=0.06), HEALTHY], scores(3000, duplicates=0.31, coverage=0.6))
    assert said == "Samples are collapsing: 31% of 1,000 have a near twin (2% at step 1,500)."


def test_a_fall_of_coverage_is_told_while_the_loss_rises():
    now = scores(3000, duplicates=0.03, coverage=0.2, recall=0.38, classes=0.9, gamma_hat=0.9, loss_fake=0.055)
    said = alarm([HEALTHY], now)
    assert said == "Samples are collapsing: coverage fell from 0.61 at step 1,500 to 0.20 and L(G)/L(x) rose from 0.7 to 0.9."
    calm = now | scores(3000, gamma_hat=0.7, loss_fake=0.04)
    assert alarm([HEALTHY], calm) == ""  # a knob that was turned: variety falls, and so does L(G)


def test_all_signs_make_one_sentence():
    now = scores(3000, duplicates=0.31, coverage=0.2, recall=0.1, classes=0.4, gamma_hat=0.7, loss_fake=0.08)
    said = alarm([HEALTHY], now)
    assert said.count(".") == said.count("0.") + 1
    for words in (
        "31% of 1,000",
        "coverage fell from 0.61",
        "recall fell from 0.40",
        "classes drawn fell from 0.95",
        " and L(G) rose from 0.05 to 0.08.",
    ):
        assert words in said


@pytest.mark.parametrize("name", ["coverage", "recall", "classes"])
def test_each_sign_of_variety_is_enough(name):
    now = HEALTHY | scores(2000, loss_fake=0.06, **{name: 0.05})
    assert name.split("_")[0] in alarm([HEALTHY], now)
    assert alarm([HEALTHY, scores(1800, loss_fake=0.05)], now)


def test_the_first_evaluation_alone_says_nothing_unless_it_is_extreme():
    assert alarm([], scores(2000, duplicates=0.31, coverage=0.01, loss_fake=9)) == ""
    assert alarm([], scores(50, duplicates=1.0)) == ""  # a model that has just begun
    assert alarm([], scores(2000, duplicates=0.8)) == "Samples are collapsing: 80% of 1,000 have a near twin."
    assert alarm([], scores(2000, duplicates=0.8, real=0.7)) == ""  # as many as among the real pictures


def test_the_first_steps_are_no_sign_and_no_measure():
    """As a BEGAN on faces really begins: one blot, noise, one blot, then faces."""
    history = []
    for step, twins, coverage, loss in [
        (25, 1.0, 0.3, 0.07),
        (50, 0.04, 0.68, 0.17),
        (100, 0.99, 0.3, 0.2),
        (200, 0.94, 0.2, 0.25),
        (1400, 0.05, 0.6, 0.1),
    ]:
        now = scores(step, duplicates=twins, coverage=coverage, loss_fake=loss)
        assert alarm(history, now) == ""
        history.append(now)
    assert alarm([scores(50, duplicates=0.0, coverage=0.9, loss_fake=0.1)], scores(1200, duplicates=0.3, coverage=0.1, loss_fake=0.2)) == ""


def test_a_model_that_is_still_finding_its_form_is_left_alone():
    before = scores(1000, duplicates=0.0, M_global=0.4)
    assert alarm([before], scores(2000, duplicates=0.5, M_global=0.3)) == ""
    assert alarm([before], scores(2000, duplicates=0.5, M_global=0.38))


def test_data_full_of_twins_need_more_of_them():
    before = scores(1500, duplicates=0.42, real=0.4)
    assert alarm([before], scores(1900, duplicates=0.48, real=0.4)) == ""
    assert "90%" in alarm([before], scores(1900, duplicates=0.9, real=0.4))


def test_what_was_refused_or_is_not_there_is_no_sign():
    assert alarm([HEALTHY], {"step": 1900}) == ""
    assert alarm([{"step": 1003}], HEALTHY) == ""
    assert alarm([HEALTHY], scores(1900, duplicates=None, coverage=None, recall=None, classes=None, loss_fake=None)) == ""
    assert alarm([scores(1000, coverage=None)], scores(1900, coverage=0.0, loss_fake=3)) == ""


@pytest.mark.parametrize("seed", range(30))
def test_noise_on_an_ordinary_run_raises_no_alarm(seed):
    """Variety rises and levels off, L(G) falls and wobbles, and every number carries the noise of 200 samples."""
    rng = np.random.default_rng(seed)
    history = []
    for step in range(100, 4001, 100):
        part = 1 - np.exp(-step / 900)
        share = lambda p: float(rng.binomial(200, min(1.0, p)) / 200)  # noqa: E731
        now = scores(
            step,
            n=200,
            duplicates=share(0.02 + 0.6 * np.exp(-step / 150)),
            coverage=share(0.6 * part),
            recall=share(0.35 * part),
            classes=float(0.9 * part + rng.normal(0, 0.02)),
            gamma_hat=float(0.75 + rng.normal(0, 0.05)),
            loss_fake=float(0.1 * np.exp(-step / 2000) * rng.normal(1, 0.1)),
        )
        assert alarm(history, now) == ""
        history.append(now)


@pytest.mark.parametrize("seed", range(10))
def test_a_collapse_under_the_same_noise_is_always_heard(seed):
    rng = np.random.default_rng(seed)
    history = [
        scores(s, n=200, duplicates=rng.binomial(200, 0.02) / 200, coverage=rng.binomial(200, 0.6) / 200, loss_fake=0.05)
        for s in range(1100, 2000, 100)
    ]
    falling = [scores(2000 + 100 * i, n=200, duplicates=0.1 * i, coverage=0.6 * 0.6**i, loss_fake=0.05 * 1.1**i) for i in range(6)]
    said = [alarm(history + falling[:i], now) for i, now in enumerate(falling)]
    assert said[0] == ""
    assert all(said[3:])
    assert all(a == "" or b for a, b in itertools.pairwise(said))
