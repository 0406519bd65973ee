"""Evaluations in the worker: exactly at their steps, one at a time, beside other long views, and never in the way."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from models.contract import View
from studio.messages import EVALUATION, OWN, Ask, Evaluate, NewRun
from studio.workers.jobs import TrainingJob
from tests.studio.test_worker import Heard
from tests.studio.tiny import TINY, pictures


@pytest.fixture
def begun(monkeypatch):
    """Evaluations of `parts` parts; the steps at which they were begun and ended."""
    plain, told = TrainingJob.view, {"begun": [], "ended": [], "parts": 4, "seconds": 0.0}

    def evaluation(job, n, seed):
        at = job.step
        told["begun"].append((at, n, seed))
        for i in range(1, told["parts"] + 1):
            time.sleep(told["seconds"])
            yield View(numbers={"done": np.array([i, told["parts"]])})
        told["ended"].append(at)

    def long(job):
        for i in range(100_000):
            yield View(numbers={"done": np.array([i, 100_000])})

    def view(job, name, **arguments):
        if name == "long":
            return long(job)
        return evaluation(job, **arguments) if name == EVALUATION else plain(job, name, **arguments)

    monkeypatch.setattr(TrainingJob, "view", view)
    return told


@pytest.fixture
def heard(qtbot, tmp_path, begun):
    heard = Heard(qtbot, NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, path=tmp_path / "run"))
    heard.until("opened")
    yield heard
    heard.leave()
    assert not [t for t in threading.enumerate() if t is not threading.main_thread() and "Dummy" not in t.name]


def test_they_begin_at_the_multiples_exactly(heard, begun):
    heard.worker.evaluate(Evaluate(20, 64, 7))
    heard.worker.go(100)
    heard.until("paused")
    steps = [at for at, _, _ in begun["begun"]]
    assert steps
    assert all(at % 20 == 0 for at in steps)
    assert steps == sorted(set(steps))
    assert all((n, seed) == (64, 7) for _, n, seed in begun["begun"])
    replies = [r for r in heard.said("replied") if r.panel == EVALUATION]
    assert {r.number for r in replies} == {OWN}
    assert replies[0].step == steps[0]  # the first part comes at its very step
    assert heard.rows().shape[0] == 100


def test_the_goal_is_evaluated_to_its_end_while_paused(heard, begun):
    heard.worker.evaluate(Evaluate(10, 64))
    heard.worker.go(10)
    heard.until("paused")
    heard.bot.waitUntil(lambda: begun["ended"] == [10] or [r.last for r in heard.said("replied")][-1:] == [True], timeout=10_000)
    assert [at for at, _, _ in begun["begun"]] == [10]


def test_one_that_is_not_done_is_not_dropped_for_a_newer_one(heard, begun):
    begun["parts"], begun["seconds"] = 12, 0.02
    heard.worker.evaluate(Evaluate(2, 64))
    heard.worker.go(60)
    heard.until("paused")
    heard.worker.evaluate(Evaluate())
    heard.worker.ask(Ask(EVALUATION, EVALUATION, {"n": 64, "seed": 0}, 99))  # a person may press as well
    heard.bot.waitUntil(lambda: len([r for r in heard.said("replied") if r.last]) >= len(begun["begun"]), timeout=20_000)
    parts = [int(r.view.numbers["done"][0]) for r in heard.said("replied") if r.panel == EVALUATION]
    runs = np.split(parts, np.flatnonzero(np.diff(parts) <= 0) + 1)
    assert len(runs) == len(begun["begun"]) < 30
    assert all(run[-1] == 12 for run in runs)  # each to its end, none begun again


def test_none_unless_wanted(heard, begun):
    heard.worker.evaluate(Evaluate(5, 64))
    heard.worker.evaluate(Evaluate())
    heard.worker.go(30)
    heard.until("paused")
    assert begun["begun"] == []


def test_two_long_views_take_turns(heard, begun):
    begun["parts"], begun["seconds"] = 30, 0.03
    heard.worker.ask(Ask("strip", "long", {}, 1))
    heard.until("replied")
    heard.worker.ask(Ask(EVALUATION, EVALUATION, {"n": 64, "seed": 0}, 2))
    heard.bot.waitUntil(lambda: any(r.last for r in heard.said("replied")), timeout=20_000)
    panels = [r.panel for r in heard.said("replied")]
    first = panels.index(EVALUATION)
    assert panels[first:].count(EVALUATION) >= 8  # several parts in a slice
    assert panels[first : first + 16].count("strip") in (7, 8, 9)
    heard.worker.drop("strip")
    heard.bot.wait(100)
    count = len(heard.said("replied"))
    heard.bot.wait(150)
    assert len(heard.said("replied")) == count


def test_a_view_of_a_panel_leaves_the_evaluation_alone(heard, begun):
    begun["parts"], begun["seconds"] = 20, 0.005
    heard.worker.ask(Ask(EVALUATION, EVALUATION, {"n": 64, "seed": 0}, 1))
    for number in range(2, 12):
        heard.worker.ask(Ask("samples", "samples", {"n": 1, "seed": number, "ema": True}, number))
    heard.bot.waitUntil(lambda: any(r.last for r in heard.said("replied") if r.panel == EVALUATION), timeout=20_000)
    assert any(r.panel == "samples" for r in heard.said("replied"))


def test_training_has_its_share_and_a_pause_is_prompt(heard, begun):
    begun["parts"], begun["seconds"] = 500, 0.03
    heard.worker.evaluate(Evaluate(5, 64))
    heard.worker.go()
    heard.until("replied", 4)
    first = heard.said("progressed")[-1].step
    start = time.monotonic()
    heard.bot.waitUntil(lambda: time.monotonic() - start > 1.0, timeout=3000)
    assert heard.said("progressed")[-1].step > first + 5  # at most a quarter of the time is taken
    assert len(begun["begun"]) == 1
    asked = time.monotonic()
    heard.worker.pause()
    heard.until("paused")
    assert time.monotonic() - asked < 0.5


def test_one_that_fails_harms_nothing(heard, begun, monkeypatch):
    plain = TrainingJob.view
    monkeypatch.setattr(TrainingJob, "view", lambda job, name, **a: 1 / 0 if name == EVALUATION else plain(job, name, **a))
    heard.worker.evaluate(Evaluate(5, 64))
    heard.worker.go(12)
    assert heard.until("paused") == "goal"
    assert len(heard.said("trouble")) == 2
    assert all("not touched" in t.sentence for t in heard.said("trouble"))


def test_going_back_ends_it(heard, begun):
    begun["parts"], begun["seconds"] = 100_000, 0.001
    heard.worker.step()
    heard.until("paused")
    heard.worker.ask(Ask(EVALUATION, EVALUATION, {"n": 64, "seed": 0}, 1))
    heard.until("replied", 2)
    heard.worker.go_back(0)
    heard.until("opened", 2)
    count = len(heard.said("replied"))
    heard.bot.wait(150)
    assert len(heard.said("replied")) == count
