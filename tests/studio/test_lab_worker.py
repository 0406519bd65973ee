"""The lab's thread: what it emits, and that every step can be taken back exactly."""

import numpy as np
import pytest

from studio.messages import Walk
from studio.workers.lab import ALL_OUT, SLOW, LabWorker


class Heard:
    """What a worker has said."""

    def __init__(self, worker):
        self.opened, self.frames, self.sums, self.troubles, self.limits, self.turned, self.written = [], [], [], [], [], [], []
        worker.opened.connect(self.opened.append)
        worker.framed.connect(self.frames.append)
        worker.framed.connect(lambda _: worker.taken())
        worker.summed.connect(self.sums.append)
        worker.limited.connect(self.limits.append)
        worker.turned.connect(lambda lane, knobs: self.turned.append((lane, knobs)))
        worker.written.connect(self.written.append)
        worker.trouble.connect(lambda trouble, asked: self.troubles.append((trouble.sentence, asked)))


@pytest.fixture
def worker(qtbot):
    made = LabWorker()
    made.heard = Heard(made)
    made.start()
    yield made
    made.quit_lab()
    assert made.wait(10_000)


def begin(qtbot, worker, walk):
    heard = worker.heard
    count = len(heard.opened)
    worker.open(walk)
    qtbot.waitUntil(lambda: len(heard.opened) > count and bool(heard.frames), timeout=20_000)
    return heard


def step_to(qtbot, worker, t):
    heads = {}
    while (now := worker.heard.frames[-1].lanes[0]).step != t:
        heads[now.step] = now.heads
        (worker.step if now.step < t else worker.back)()
        qtbot.waitUntil(lambda now=now: worker.heard.frames[-1].lanes[0].step != now.step, timeout=20_000)
    heads[t] = worker.heard.frames[-1].lanes[0].heads
    return heads


def test_steps_are_taken_back_to_the_same_places(qtbot, worker):
    begin(qtbot, worker, Walk(("mala",), "banana", chains=16, seed=3))
    there = step_to(qtbot, worker, 4)
    back = step_to(qtbot, worker, 0)
    for t in (1, 2, 3):
        assert np.array_equal(there[t], back[t])
    again = step_to(qtbot, worker, 4)
    assert np.array_equal(there[4], again[4])


def test_back_across_a_knob_shows_the_knob_of_that_step(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("mala",), "normal", chains=4, settings={"mala": {"step_size": 1.0}}))
    step_to(qtbot, worker, 1)
    worker.set_knobs(0, {"step_size": 0.5})
    step_to(qtbot, worker, 2)
    arrow = heard.frames[-1].lanes[0].arrow
    assert arrow.drift == pytest.approx(arrow.start * (1 - 0.125), abs=1e-6)  # σ²/2 = 0.125
    step_to(qtbot, worker, 1)
    arrow = heard.frames[-1].lanes[0].arrow
    assert arrow.drift == pytest.approx(arrow.start * 0.5, abs=1e-6)


def test_equal_evaluations_give_metropolis_two_steps_for_one_of_mala(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("metropolis", "mala", "mala-approx"), "ring", chains=8))
    worker.step()
    worker.step()
    qtbot.waitUntil(lambda: heard.frames[-1].lanes[1].step == 2, timeout=20_000)
    assert [lane.step for lane in heard.frames[-1].lanes] == [4, 2, 4]
    qtbot.waitUntil(lambda: bool(heard.sums) and heard.sums[-1][1].summary.steps == 2, timeout=20_000)
    assert [d.evaluations for d in heard.sums[-1]] == [4, 4, 4]
    worker.back()
    qtbot.waitUntil(lambda: heard.frames[-1].lanes[1].step == 1, timeout=20_000)
    assert [lane.step for lane in heard.frames[-1].lanes] == [2, 1, 2]


def test_equal_seconds_let_every_lane_walk(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("metropolis", "mala"), "banana", chains=8))
    worker.set_currency("seconds")
    worker.set_speed(20)
    worker.play()
    qtbot.waitUntil(lambda: min(lane.step for lane in heard.frames[-1].lanes) > 50, timeout=20_000)
    with qtbot.waitSignal(worker.paused, timeout=20_000):
        worker.pause()


def test_slow_motion_shows_drift_then_noise_then_the_step(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("mala",), "donut", chains=8))
    worker.set_speed(SLOW)
    worker.play()
    qtbot.waitUntil(lambda: len(heard.frames) >= 5, timeout=20_000)
    worker.pause()
    assert [f.phase for f in heard.frames[1:4]] == [1, 2, 0]
    first, third = heard.frames[1].lanes[0], heard.frames[3].lanes[0]
    assert np.array_equal(first.heads, heard.frames[0].lanes[0].heads)  # still at the start
    assert third.proposals is not None
    taken = third.accepted
    assert np.array_equal(third.heads[taken], third.proposals[taken])
    assert np.array_equal(third.heads[~taken], first.heads[~taken])


def test_frames_wait_for_the_window(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("mala",), "banana", chains=8))
    worker.framed.disconnect()
    worker.framed.connect(heard.frames.append)  # which takes none
    worker.set_speed(ALL_OUT)
    worker.play()
    qtbot.wait(400)
    assert len(heard.frames) <= 3
    with qtbot.waitSignal(worker.paused, timeout=20_000):
        worker.pause()


def test_a_moved_head_walks_on_from_there_and_numbers_begin_anew(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("mala",), "banana", chains=16))
    step_to(qtbot, worker, 3)
    worker.move(0, 5, (2.0, 1.0))
    qtbot.waitUntil(lambda: np.allclose(heard.frames[-1].lanes[0].heads[5], (2.0, 1.0)), timeout=20_000)
    qtbot.waitUntil(lambda: bool(heard.sums) and heard.sums[-1][0].since == 3, timeout=20_000)
    step_to(qtbot, worker, 4)
    worker.move(0, 5, (float("nan"), 0.0))
    qtbot.waitUntil(lambda: bool(heard.troubles), timeout=20_000)
    assert heard.troubles[-1] == ("A chain stands on finite numbers: drop it elsewhere.", "move")


def test_the_limit_follows_the_temperature(qtbot, worker):
    settings = {"mala-approx": {"epsilon12": 0.05, "epsilon3": 0.1**0.5}}
    heard = begin(qtbot, worker, Walk(("mala-approx",), "normal", chains=8, settings=settings))
    qtbot.waitUntil(lambda: bool(heard.limits), timeout=20_000)
    before = heard.limits[-1].picture.density.max()
    worker.set_knobs(0, {"epsilon3": 0.4**0.5})  # T = 4: twice as wide
    qtbot.waitUntil(lambda: len(heard.limits) > 1, timeout=20_000)
    assert heard.limits[-1].picture.density.max() == pytest.approx(before / 2, rel=0.01)
    worker.set_knobs(0, {"epsilon3": 0.0})
    qtbot.waitUntil(lambda: heard.limits[-1].picture is None, timeout=20_000)
    assert "ε3 above 0" in heard.limits[-1].why


def test_bad_wishes_are_one_sentence_and_the_walk_goes_on(qtbot, worker, tmp_path):
    heard = begin(qtbot, worker, Walk(("mala",), "banana", chains=4))
    worker.open(Walk(("mala",), "expr:x +* y"))
    worker.set_knobs(0, {"step_size": -1.0})
    worker.write(0, tmp_path / "no" / "such" / "\0" / "a.csv")
    qtbot.waitUntil(lambda: len(heard.troubles) == 3, timeout=20_000)
    assert [asked for _, asked in heard.troubles] == ["open", "knobs", "write"]
    assert all("\n" not in sentence for sentence, _ in heard.troubles)
    step_to(qtbot, worker, 1)


def test_the_table_has_a_row_for_each_chain(qtbot, worker, tmp_path):
    heard = begin(qtbot, worker, Walk(("mala",), "banana", chains=6))
    step_to(qtbot, worker, 4)
    worker.write(0, tmp_path / "chains.csv")
    qtbot.waitUntil(lambda: bool(heard.written), timeout=20_000)
    lines = (tmp_path / "chains.csv").read_text().splitlines()
    assert lines[0].startswith("chain,frozen,acceptance,log_p,mean_x1")
    assert len(lines) == 7
    heads = heard.frames[-1].lanes[0].heads
    assert [float(v) for v in lines[3].split(",")[-2:]] == pytest.approx(heads[2].tolist(), rel=1e-5)


def test_another_painting_keeps_the_chains(qtbot, worker):
    weights = np.ones((16, 16))
    heard = begin(qtbot, worker, Walk(("mala",), weights, chains=8))
    step_to(qtbot, worker, 2)
    heads = heard.frames[-1].lanes[0].heads
    other = np.ones((16, 16))
    other[:, :8] = 0
    worker.repaint(other)
    qtbot.waitUntil(lambda: len(heard.opened) == 2, timeout=20_000)
    assert not heard.opened[-1].fresh
    qtbot.waitUntil(lambda: len(heard.frames) and heard.frames[-1].lanes[0].step == 2, timeout=20_000)
    assert np.array_equal(heard.frames[-1].lanes[0].heads, heads)
    mean = (heard.opened[-1].picture.marginals[0][0] * heard.opened[-1].picture.marginals[0][1]).sum()
    assert mean > 0  # all the paint is at the right


def test_many_dimensions_and_typed_ones_without_a_picture(qtbot, worker):
    heard = begin(qtbot, worker, Walk(("mala",), "ill-conditioned:30", chains=8))
    assert heard.opened[-1].d == 30
    assert heard.frames[-1].lanes[0].heads.shape == (8, 2)
    begin(qtbot, worker, Walk(("mala",), "expr:-x1**2-x2**2-x3**2", chains=8))
    assert heard.opened[-1].picture is None


def test_quitting_while_it_plays_all_out(qtbot, worker):
    begin(qtbot, worker, Walk(("metropolis", "mala"), "banana", chains=64))
    worker.set_speed(ALL_OUT)
    worker.play()
    qtbot.wait(200)
    worker.quit_lab()
    assert worker.wait(3_000)
