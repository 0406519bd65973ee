"""The queue: one job after the other, in the order that a person wants, through failures, interruptions and restarts."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal

from studio.messages import NewRun, OldRun, Trouble
from studio.queue import Queue
from tests.studio.runfolders import made
from tests.studio.tiny import TINY, pictures


class Session(QObject):
    """Opens runs and trains them at once, as far as it is told."""

    opened, conditioned, trouble = Signal(object), Signal(str, str), Signal(object)

    def __init__(self):
        super().__init__()
        self.source = self.run = None
        self.step, self.condition, self.goes = 0, "empty", []
        self.bad = {}  # name -> sentence

    def say(self, condition, reason=""):
        self.condition = condition
        self.conditioned.emit(condition, reason)

    def open(self, source, *, start=False):
        self.source, self.run = source, None
        self.say("opening")
        path = source.path or Path("/runs/made")
        if path.name in self.bad:
            self.say("empty")
            self.trouble.emit(Trouble(self.bad[path.name]))
            return
        self.run, self.step = SimpleNamespace(path=path, name=path.name, step=30, total=40, reading=False), 30
        self.say("paused")
        self.opened.emit(self.run)

    def go(self, until=None):
        self.goes.append((self.run.name, until))
        self.say("running")

    def finish(self, step):
        self.step = step
        self.say("finished", "all done")


@pytest.fixture
def session(qapp, own_home):
    return Session()


@pytest.fixture
def queue(session, qtbot):
    session.queue = Queue(session)
    return session.queue


def states(queue):
    return [job.state for job in queue.jobs]


def test_jobs_are_trained_in_order_each_to_its_goal(session, queue, own_home, qtbot):
    queue.add(made(own_home / "runs" / "one"), more=5)
    queue.add(made(own_home / "runs" / "two"))
    queue.add(NewRun("began", "faces", "quick", {"n": 4}))
    queue.move(queue.jobs[2].id, -1)
    assert session.condition == "empty"  # nothing is begun by itself
    queue.start()
    assert session.goes == [("one", 35)]
    with qtbot.waitSignal(queue.ended):
        session.finish(35)
    qtbot.waitUntil(lambda: len(session.goes) == 2)
    assert session.source == NewRun("began", "faces", "quick", {"n": 4})
    assert session.goes[1] == ("made", 40)
    session.finish(40)
    qtbot.waitUntil(lambda: len(session.goes) == 3)
    assert session.goes[2] == ("two", 40)
    with qtbot.waitSignal(queue.emptied):
        session.finish(40)
    assert states(queue) == ["done"] * 3
    assert not queue.on
    queue.clear()
    assert queue.jobs == []


def test_a_job_that_fails_is_told_and_the_next_one_goes_on(session, queue, own_home, qtbot):
    session.bad["gone"] = "gone is not a run."
    queue.add(own_home / "runs" / "gone")
    queue.add(made(own_home / "runs" / "one"))
    queue.add(made(own_home / "runs" / "two"))
    queue.start()
    qtbot.waitUntil(lambda: session.goes == [("one", 40)])
    session.trouble.emit(Trouble("k_t is no longer finite."))
    session.say("failed", "see the card")
    qtbot.waitUntil(lambda: len(session.goes) == 2)
    assert [(job.state, job.why) for job in queue.jobs[:2]] == [("failed", "gone is not a run."), ("failed", "k_t is no longer finite.")]
    queue.again(queue.jobs[0].id)
    assert states(queue) == ["waiting", "failed", "running"]


def test_another_run_that_is_opened_sends_the_job_back_and_stops_the_queue(session, queue, own_home, qtbot):
    queue.add(made(own_home / "runs" / "one"))
    queue.start()
    session.open(OldRun(made(own_home / "runs" / "mine")))
    assert states(queue) == ["waiting"]
    assert not queue.on
    session.finish(40)
    qtbot.wait(100)
    assert [name for name, _ in session.goes] == ["one"]


def test_it_waits_for_what_trains_and_a_pause_of_a_job_is_only_a_pause(session, queue, own_home, qtbot):
    session.open(OldRun(made(own_home / "runs" / "mine")))
    session.go(40)
    queue.add(made(own_home / "runs" / "one"))
    queue.start()
    assert states(queue) == ["waiting"]
    session.finish(40)
    qtbot.waitUntil(lambda: states(queue) == ["running"])
    session.say("paused", "by you")
    qtbot.wait(100)
    assert states(queue) == ["running"]
    session.say("running")
    session.finish(40)
    qtbot.waitUntil(lambda: states(queue) == ["done"])


def test_a_restart_keeps_the_jobs_and_begins_none(session, queue, own_home, qtbot):
    queue.add(NewRun("began", "faces", "quick", {"n": 4}, path=own_home / "runs" / "made"), name="mine")
    queue.add(made(own_home / "runs" / "one"), more=5)
    queue.start()
    made(own_home / "runs" / "made")  # it was made, and the studio ends while it trains
    later = Queue(Session())
    assert [(job.name, job.state, job.goal) for job in later.jobs] == [("made", "waiting", 40), ("one", "waiting", None)]
    assert not later.on
    assert later.jobs[0].source() == OldRun(own_home / "runs" / "made")


@pytest.mark.parametrize(
    "said",
    ["{", "[]", '{"version": 99, "jobs": []}', '{"version": 1, "jobs": [{"state": "odd"}]}', '{"version": 1, "jobs": [{"new": {"x": 1}}]}'],
    ids=["torn", "a list", "newer", "odd state", "odd run"],
)
def test_a_file_that_cannot_be_read_is_set_aside(session, own_home, said):
    own_home.mkdir(parents=True)
    (own_home / "queue.json").write_text(said)
    queue = Queue(session)
    assert queue.jobs == []
    assert "could not be read" in queue.problem
    assert (own_home / "queue.json.bad").read_text() == said


def test_a_real_run_is_made_and_trained_then_trained_on(qtbot, own_home, tmp_path):
    from studio.runs import facts
    from studio.session import Session as Real

    session = Real()
    queue = session.queue
    run = tmp_path / "run"
    queue.add(NewRun("began", str(pictures(tmp_path / "pictures", 8)), "quick", TINY, path=run), more=3)
    queue.start()
    qtbot.waitUntil(lambda: states(queue) == ["done"], timeout=30_000)
    queue.add(run, more=2, system="began")
    queue.start()
    qtbot.waitUntil(lambda: states(queue) == ["done", "done"], timeout=30_000)
    session.close()
    assert facts(run).step == 5


def test_jobs_follow_a_run_that_is_renamed(session, queue, own_home):
    one = made(own_home / "runs" / "one")
    queue.add(one)
    queue.moved(one, own_home / "runs" / "two")
    assert queue.jobs[0].name == "two"
    assert json.loads((own_home / "queue.json").read_text())["jobs"][0]["path"] == str(own_home / "runs" / "two")
