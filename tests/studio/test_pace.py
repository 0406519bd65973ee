"""Estimates: they follow a change of load, and pauses do not count."""

import pytest

from studio import pace
from studio.pace import Pace, duration


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def run(clock, watch, steps, rate, step=0):
    for _ in range(steps):
        clock[0] += 1 / rate
        step += 1
        watch.mark(step)
    return step


def test_nothing_is_known_before_two_marks(clock):
    watch = Pace()
    assert watch.rate is None
    assert watch.left(10) is None
    watch.start()
    watch.mark(0)
    assert watch.rate is None


def test_rate_and_time_left(clock):
    watch = Pace()
    watch.start()
    watch.mark(0)
    run(clock, watch, 50, 10)
    assert watch.rate == pytest.approx(10)
    assert watch.left(100) == pytest.approx(5)
    assert watch.left(20) == 0  # past the goal


def test_pauses_do_not_count(clock):
    watch = Pace()
    watch.start()
    watch.mark(0)
    step = run(clock, watch, 50, 10)
    watch.stop()
    clock[0] += 1000
    assert watch.seconds == pytest.approx(5)
    watch.start()
    watch.start()  # twice is once
    watch.mark(step)
    run(clock, watch, 50, 10, step)
    assert watch.seconds == pytest.approx(10)
    assert watch.rate == pytest.approx(10)


def test_it_follows_a_change_of_load_within_the_span(clock):
    watch = Pace()
    watch.start()
    watch.mark(0)
    step = run(clock, watch, 2000, 100)
    run(clock, watch, 2 * 25, 2, step)
    assert watch.rate == pytest.approx(2, rel=0.05)


def test_few_marks_are_kept(clock):
    watch = Pace()
    watch.start()
    run(clock, watch, 100_000, 1000)
    assert len(watch._marks) < 500


def test_going_back_starts_anew(clock):
    watch = Pace()
    watch.start()
    run(clock, watch, 50, 10, 1000)
    watch.mark(0)
    run(clock, watch, 50, 5)
    assert watch.rate == pytest.approx(5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (1.4, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (40 * 60, "40 min"),
        (59 * 60 + 50, "1 h"),
        (2 * 3600 + 600, "2 h 10 min"),
        (12 * 3600 + 600, "12 h"),
        (47 * 3600, "47 h"),
        (3 * 86400, "3 days"),
        (86400 * 400, "400 days"),
    ],
)
def test_duration_in_words(seconds, words):
    assert duration(seconds) == words
