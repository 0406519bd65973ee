"""What BGAN warns of, measures, refuses and costs: alarms, evaluations, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models import checkpoint, knobs
from models.algorithms import bgan
from models.algorithms.bgan import given, measures, shown
from models.errors import BadInput, BadSetting
from tests.models.algorithms.bgans import Case, look, made

# --- alarms -------------------------------------------------------------------------------------------------------


def told(case: Case, size: float, held: float = 0.0) -> list[str]:
    recent = {"ESS": np.full(50, size), "clamped": np.full(50, held)}
    events = bgan.between(case.state, recent, case.knobs)
    assert all(e.what == "alarm" for e in events)
    return [e.text for e in events]


def test_weights_that_collapse_are_told_once_and_again_only_after_they_recovered():
    case = made("toy-line", {}, {"M": 20})
    assert told(case, 10.0) == []
    (said,) = told(case, 1.5)
    assert "M = 20" in said
    assert "1.5 count" in said
    assert "lower d_lr, raise M, or set a penalty" in said
    assert told(case, 1.5) == []
    assert told(case, 2.2) == []  # above the limit of 2, but not clear of it
    assert told(case, 1.9) == []  # so this is no new collapse
    assert told(case, 3.0) == []
    assert len(told(case, 1.9)) == 1


def test_an_only_sample_of_a_z_is_an_alarm_where_weights_are_normalised_over_it():
    for estimator, count in (("per-z", 1), ("global", 0), ("reinforce", 0)):
        case = made("toy-line", {}, {"M": 1, "estimator": estimator})
        found = told(case, 1.0)
        assert len(found) == count
        assert all("M = 1" in said and "estimator=global" in said for said in found)
        assert told(case, 1.0) == []


def test_held_outputs_are_told_with_hysteresis(black_and_white):
    case = made(black_and_white, {"pixels": "continuous"}, {"divergence": "kl"})
    assert told(case, 1.0, 0.04) == []  # and the ESS of continuous pixels says nothing
    (said,) = told(case, 1.0, 0.3)
    assert said.startswith("30% of D's outputs are beyond what KL can take")
    assert told(case, 1.0, 0.02) == []
    assert told(case, 1.0, 0.3) == []
    assert told(case, 1.0, 0.005) == []
    assert len(told(case, 1.0, 0.06)) == 1


def test_what_is_told_is_part_of_the_state():
    case = made("toy-line", {}, {"M": 20})
    assert told(case, 1.0)
    assert checkpoint.flatten(case.state)[1]["plain"]["told"] == ["ESS"]


def test_reinforce_does_not_weigh():
    assert told(made("toy-line", {}, {"M": 20, "estimator": "reinforce"}), 1.0) == []


# --- evaluation ---------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch) -> None:
    """A fresh D that learns for a few steps."""
    monkeypatch.setattr(measures, "STEPS", 12)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("source", ["text", "toy"], indirect=True)
def test_an_evaluation_is_of_the_step_at_which_it_began(source):
    one, two = made(*source), made(*source)
    for case in (one, two):
        case.go(2)
    before = checkpoint.hash_of(one.state)
    alone = list(bgan.evaluate(one.state, one.data, one.knobs, n=40, seed=1))
    assert checkpoint.hash_of(one.state) == before
    beside = []
    for part in bgan.evaluate(two.state, two.data, two.knobs, n=40, seed=1):
        beside.append(part)
        two.go(1)
    assert beside[-1].scores == alone[-1].scores
    assert [p.done for p in beside] == sorted(p.done for p in beside)
    assert {p.total for p in beside} == {beside[-1].done}
    assert all(not p.scores for p in beside[:-1])
    assert all(score.value is not None and score.doc.endswith(".") for score in beside[-1].scores.values())


@pytest.mark.usefixtures("quick")
def test_scores_of_a_text(sentences):
    case = made(sentences, {}, {"divergence": "dv"})
    scores = list(bgan.evaluate(case.state, case.data, case.knobs, n=100, seed=1))[-1].scores
    assert set(scores) == {
        *(f"fresh_{name}" for name in ("js", "kl", "hellinger", "w1")),
        *(f"ngram_js{n}" for n in range(1, 5)),
        *("marginals", "D_fake", "duplicates", "novel"),
    }
    for n in range(1, 5):
        assert scores[f"ngram_js{n}"].value > scores[f"ngram_js{n}"].reference  # noise of a fresh G against real rows
    assert scores["marginals"].value > scores["marginals"].reference
    assert scores["novel"].value == 1
    said = bgan.sample(case.state, 100, 1).words["tokens"]
    assert scores["duplicates"].value == pytest.approx(1 - len(set(said)) / 100)
    assert 0 < scores["D_fake"].value < 1


def test_a_fresh_discriminator_tells_different_sets_from_equal_ones(sentences, monkeypatch):
    monkeypatch.setattr(measures, "STEPS", 60)
    case = made(sentences)
    values = np.random.default_rng(0).integers(2, case.config.V, (160, case.config.T))
    other = values.copy()
    other[:, ::2] = 2
    run = lambda a, b: drained(measures._estimates(case.state, measures._halves(a), measures._halves(b), 0))  # noqa: E731
    apart, alike = run(values[:80], other[80:]), run(values[:80], values[80:])
    assert apart["js"] > 0.3
    assert apart["js"] <= np.log(2) + 1e-6
    assert apart["hellinger"] <= 2
    for name in ("js", "kl", "hellinger", "w1"):
        assert apart[name] > 3 * abs(alike[name]), name
    assert run(values[:80], other[80:]) == apart


def drained(work: Any) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_scores_of_a_toy_are_its_exact_numbers():
    case = made("toy-categories")
    info = case.go(2)[-1]
    scores = list(bgan.evaluate(case.state, case.data, case.knobs, n=10, seed=0))[-1].scores
    assert set(scores) == {"KL", "D_f", "gap", "bias", "error"}
    for name, score in scores.items():
        assert score.value == pytest.approx(float(getattr(info, name)), abs=1e-6), name
        assert score.n == 32
    assert scores["D_f"].reference is None


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["oracle", "some/where.npz"])
def test_an_oracle_is_refused(spec, monkeypatch):
    monkeypatch.setattr(given, "kind_of", lambda spec: "text")
    with pytest.raises(BadInput, match="oracle's tokens are numbers"):
        bgan.open_data(spec, bgan.Config())


def test_a_run_that_has_no_room_is_refused(cpu, monkeypatch):
    monkeypatch.setattr(bgan.device, "memory", lambda plan: 10**8)
    with pytest.raises(BadSetting, match=r"this cpu has 0 GB: lower batch"):
        bgan.init(bgan.Config(), 0, cpu)
    bgan.init(bgan.Config(n=4, full=8, batch=4), 0, cpu)


def test_what_is_only_of_other_data_is_refused(black_and_white, sentences):
    for spec in (black_and_white, sentences):
        with pytest.raises(BadInput, match="of a toy alone"):
            look(made(spec), "toy")
    with pytest.raises(BadInput, match="among pictures"):
        look(made(sentences), "detail", seed=0, index=0, ema=True)


# --- its cost -----------------------------------------------------------------------------------------------------


def test_the_work_of_a_step_counts_what_D_sees(black_and_white):
    case = made(black_and_white)
    count = lambda **values: shown.work(case.config, knobs.changed(case.knobs, values))["adversarial"]  # noqa: E731
    few, more = count(M=4), count(M=8)
    assert count(M=8, learn=4) == pytest.approx(more - (more - few) * 2 / 3)  # four are weighed and not learnt from: one pass of three
    assert count(M=4, learn=9) == few
    assert count(M=8, learn=0) == more


@pytest.mark.parametrize("source", ["binary", "palette", "continuous", "text", "toy"], indirect=True)
def test_the_seconds_of_a_preset_grow_with_its_steps(source):
    case = made(*source)
    preset = bgan.PRESETS["quick"]
    found = shown.predicted_seconds(case.config, case.state.plan, preset)
    assert 0 < found < 4000 * 60
    assert torch.get_num_threads() == 1
