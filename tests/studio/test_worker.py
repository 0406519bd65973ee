"""The thread: the order of what it says, nothing lost, the newest view only, and no exception that escapes."""

import threading
import time

import numpy as np
import pytest

from models.contract import Note, SetKnobs
from models.run import Run
from studio.messages import Ask, Export, NewRun
from studio.workers import jobs
from studio.workers.jobs import TrainingJob
from studio.workers.thread import RATE, Worker
from tests.studio.tiny import TINY, pictures

SIGNALS = ("opening", "opened", "progressed", "line", "replied", "paused", "running", "trouble", "drawn")


class Heard:
    """A worker, and everything it has said, in order."""

    def __init__(self, qtbot, wish, goal=None):
        self.bot, self.worker, self.all = qtbot, Worker(TrainingJob(wish), goal), []
        for name in SIGNALS:
            getattr(self.worker, name).connect(lambda *what, name=name: self.all.append((name, what)))
        self.worker.start()

    def said(self, name):
        return [what[0] if len(what) == 1 else what for n, what in self.all if n == name]

    def until(self, name, count=1, timeout=30_000):
        self.bot.waitUntil(lambda: len(self.said(name)) >= count, timeout=timeout)
        return self.said(name)[-1]

    def rows(self):
        """All rows, which must follow each other without a gap."""
        parts, at = [], 0
        for p in self.said("progressed"):
            assert p.first == at
            at += len(p.rows)
            parts.append(p.rows)
            assert p.step == at
        return np.concatenate(parts)

    def leave(self):
        self.worker.quit_and_save()
        assert self.worker.wait(30_000)


@pytest.fixture
def wish(tmp_path):
    return NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, {"gamma": 0.5}, path=tmp_path / "run")


@pytest.fixture
def heard(qtbot, wish):
    heard = Heard(qtbot, wish)
    heard.until("opened")
    yield heard
    heard.leave()
    assert not [t for t in threading.enumerate() if t is not threading.main_thread() and "Dummy" not in t.name]


def test_the_order_of_what_it_says(heard):
    heard.worker.step()
    assert heard.until("paused") == "step"
    names = [name for name, _ in heard.all]
    assert names.index("opened") < names.index("running") < names.index("progressed") < names.index("paused")
    assert heard.said("opened")[0].step == 0
    assert heard.said("progressed")[-1].step == 1
    assert names[-1] == "paused"  # the numbers come before the word that they are complete


def test_no_row_is_lost_across_run_pause_and_step(heard, wish):
    for turn in range(3):
        heard.worker.go()
        heard.until("progressed", len(heard.said("progressed")) + 3)
        heard.worker.pause()
        heard.until("paused", 2 * turn + 1)
        heard.worker.step()
        heard.until("paused", 2 * turn + 2)
    rows = heard.rows()
    heard.leave()
    assert heard.said("paused") == ["you", "step"] * 3
    assert np.array_equal(rows, Run.open(wish.path, write=False, data=False).rows)


def test_a_goal_is_reached_exactly_saved_and_said(heard, wish):
    heard.worker.go(9)
    assert heard.until("paused") == "goal"
    assert heard.said("progressed")[-1].step == 9
    assert 9 in Run.open(wish.path, write=False, data=False).folder.steps()
    heard.worker.go(9)
    heard.until("paused", 2)
    assert heard.rows().shape[0] == 9


def test_messages_come_at_a_bounded_rate(heard):
    heard.worker.go()
    heard.until("running")
    heard.bot.wait(700)
    heard.worker.pause()
    heard.until("paused")
    assert 2 <= len(heard.said("progressed")) <= RATE * 0.8 + 4
    assert heard.said("progressed")[-1].rate > 0
    assert heard.said("progressed")[-1].memory > 0


def test_a_pause_while_paused_is_silent(heard):
    heard.worker.pause()
    heard.worker.step()
    heard.until("paused")
    assert heard.said("paused") == ["step"]


def test_knobs_and_notes_are_applied_and_written_down(heard, wish):
    heard.worker.go()
    heard.until("progressed", 2)
    heard.worker.send(SetKnobs({"gamma": 0.3, "lr": 2e-4}))
    heard.worker.send(Note("it looks good"))
    heard.until("line", 2)
    heard.leave()
    lines = heard.said("line")
    assert [line["what"] for line in lines] == ["knobs", "note"]
    run = Run.open(wish.path, write=False, data=False)
    assert (run.knobs.gamma, run.knobs.lr) == (0.3, 2e-4)
    at = next(line["step"] for line in run.lines if line["what"] == "knobs")
    lr = run.rows[:, run.folder.columns.index("lr")]
    assert np.allclose(lr[at:], 2e-4)
    assert not np.isclose(lr[:at], 2e-4).any()


def test_what_is_asked_just_before_the_end_still_counts(heard, wish):
    heard.worker.go()
    heard.until("progressed")
    heard.worker.send(Note("last words"))
    heard.leave()
    assert "last words" in [line["text"] for line in Run.open(wish.path, write=False, data=False).lines]


def test_a_bad_knob_is_told_and_the_run_goes_on(heard):
    heard.worker.go()
    heard.until("progressed")
    heard.worker.send(SetKnobs({"gamma": 7}))
    trouble = heard.until("trouble")
    assert "γ" in trouble.sentence
    assert trouble.remedy == ""
    heard.until("progressed", len(heard.said("progressed")) + 3)
    assert heard.said("paused") == []


def test_views_while_paused_and_while_running(heard):
    heard.worker.ask(Ask("a", "samples", {"n": 2, "seed": 0, "ema": True}, 1))
    assert heard.until("replied").view.pictures["samples"].shape == (2, 32, 32, 3)
    heard.worker.go()
    heard.until("running")
    heard.worker.ask(Ask("a", "samples", {"n": 3, "seed": 0, "ema": True}, 2))
    reply = heard.until("replied", 2)
    assert (reply.number, len(reply.view.pictures["samples"])) == (2, 3)
    assert reply.step > 0


def test_only_the_newest_request_of_a_panel_is_served(heard, monkeypatch):
    gate = threading.Event()
    plain = TrainingJob.view
    monkeypatch.setattr(TrainingJob, "view", lambda self, name, **a: (gate.wait(20), plain(self, name, **a))[1])
    heard.worker.ask(Ask("z", "samples", {"n": 1, "seed": 0, "ema": True}, 0))  # holds the thread
    heard.bot.wait(100)
    for number in range(1, 30):
        heard.worker.ask(Ask("a", "samples", {"n": 1, "seed": number, "ema": True}, number))
    heard.worker.ask(Ask("b", "samples", {"n": 1, "seed": 0, "ema": True}, 99))
    gate.set()
    heard.until("replied", 3)
    heard.bot.wait(100)
    assert [r.number for r in heard.said("replied")] == [0, 29, 99]


def recovery(number, panel="strip", iterations=400):
    return Ask(panel, "recovery", {"a": 0, "b": 1, "steps": 3, "iterations": iterations}, number)


@pytest.fixture
def two_held_out(wish, tmp_path):
    pictures(tmp_path / "pictures", 60)


def test_a_long_view_comes_in_parts_between_steps(two_held_out, heard):
    heard.worker.go()
    heard.until("running")
    heard.worker.ask(recovery(1, iterations=60))
    heard.bot.waitUntil(lambda: any(r.last for r in heard.said("replied")), timeout=60_000)
    parts = heard.said("replied")
    assert [tuple(r.view.numbers["done"]) for r in parts] == [(20, 60), (40, 60), (60, 60)]
    assert [r.last for r in parts] == [False, False, True]
    assert parts[0].step < parts[1].step < parts[2].step  # the run went on in between


def test_a_long_view_can_be_dropped_and_replaced(two_held_out, heard):
    heard.worker.ask(recovery(1, iterations=100_000))
    heard.until("replied", 2)
    heard.worker.drop("strip")
    heard.bot.wait(150)
    count = len(heard.said("replied"))
    heard.bot.wait(250)
    assert len(heard.said("replied")) == count
    heard.worker.ask(recovery(2, iterations=100_000))
    heard.until("replied", count + 1)
    heard.worker.ask(Ask("strip", "samples", {"n": 1, "seed": 0, "ema": True}, 3))
    heard.bot.waitUntil(lambda: heard.said("replied")[-1].number == 3, timeout=20_000)
    heard.bot.wait(250)
    assert heard.said("replied")[-1].number == 3  # the long one has gone


@pytest.mark.parametrize("running", [False, True])
def test_a_view_that_fails_harms_nothing(heard, wish, running):
    if running:
        heard.worker.go()
        heard.until("running")
    heard.worker.ask(Ask("a", "no such view", {}, 1))
    trouble = heard.until("trouble")
    assert trouble.remedy == ""
    assert "KeyError" in trouble.sentence
    assert "Traceback" in trouble.details
    heard.worker.step()
    heard.until("paused")
    step = heard.said("progressed")[-1].step
    heard.leave()
    assert Run.open(wish.path, write=False, data=False).state.step == step  # and it was saved


def test_an_export_from_a_running_job(heard, tmp_path):
    heard.worker.go()
    heard.until("progressed", 2)
    heard.worker.export(Export("sheet", tmp_path / "a.png", count=4))
    wish, write = heard.until("drawn")
    assert wish.name == "sheet"
    assert write()[0].exists()
    assert heard.said("paused") == []


def test_a_failing_export_is_told(heard, tmp_path):
    heard.worker.export(Export("hologram", tmp_path / "a.png"))
    assert "KeyError" in heard.until("trouble").sentence


def broken(monkeypatch, at, what):
    """The step `at` goes wrong, once."""
    from models.algorithms import began

    plain, armed = began.step, [True]

    def step(state, batch, knobs):
        if armed[0] and state.step + 1 == at:
            armed[0] = False
            return what(plain, state, batch, knobs)
        return plain(state, batch, knobs)

    monkeypatch.setattr(began, "step", step)


def nan(plain, state, batch, knobs):
    info = plain(state, batch, knobs)
    return info._replace(loss_fake=info.loss_fake * float("nan"))


def no_memory(plain, state, batch, knobs):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes.")


def bug(plain, state, batch, knobs):
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(("what", "says"), [(nan, "loss_fake"), (no_memory, "no memory"), (bug, "unexpected")])
def test_trouble_offers_the_way_back_and_the_run_goes_on_from_there(heard, wish, monkeypatch, what, says):
    broken(monkeypatch, 20, what)
    heard.worker.go(10)
    heard.until("paused")
    heard.worker.go(70)
    trouble = heard.until("trouble")
    assert says in trouble.sentence
    assert trouble.remedy == "back"
    assert heard.until("paused", 2) == "failed"
    heard.worker.go()
    heard.worker.step()
    heard.bot.wait(100)
    assert len(heard.said("running")) == 2  # the State is no good: nothing moves
    heard.worker.go_back()
    assert heard.until("opened", 2).step == 10
    heard.worker.go(60)
    assert heard.until("paused", 3) == "goal"
    heard.leave()
    run = Run.open(wish.path, write=False, data=False)
    assert run.state.step == 60
    assert np.isfinite(run.rows).all()
    assert "back" in [line["what"] for line in run.lines]


def test_a_broken_state_is_not_saved_over_the_good_one(heard, wish, monkeypatch):
    broken(monkeypatch, 20, bug)
    heard.worker.go(10)
    heard.until("paused")
    heard.worker.go(70)
    heard.until("trouble")
    heard.leave()
    assert Run.open(wish.path, write=False, data=False).state.step == 10


def test_a_way_back_that_is_not_there_is_told_and_nothing_moves(heard):
    heard.worker.go()
    heard.until("progressed")
    heard.worker.go_back(123_456)
    assert "no checkpoint of step 123,456" in heard.until("trouble").sentence
    heard.until("progressed", len(heard.said("progressed")) + 2)


def test_a_full_disk_pauses_and_offers_to_go_on(heard, wish, monkeypatch):
    import errno

    from models import files
    from models.journal import RunFolder

    def full(self, rows):
        raise files.trouble(OSError(errno.ENOSPC, "full"), self.path)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_rows", full)
        heard.worker.go(80)
        trouble = heard.until("trouble")
        assert "is full" in trouble.sentence
        assert trouble.remedy == "retry"
        assert heard.until("paused") == "failed"
    heard.worker.go(80)
    assert heard.until("paused", 2) == "goal"
    heard.leave()
    assert len(Run.open(wish.path, write=False, data=False).rows) == 80


def test_cancel_while_opening_answers_at_once(qtbot, tmp_path, monkeypatch):
    from models.data import faces

    monkeypatch.setattr(faces, "COUNTS", dict.fromkeys(faces.COUNTS, 200_000))
    heard = Heard(qtbot, NewRun("began", "faces", "quick", TINY, path=tmp_path / "run"))
    heard.until("opening", 3)
    start = time.monotonic()
    heard.leave()
    assert time.monotonic() - start < 0.5
    assert heard.said("opened") == heard.said("trouble") == []
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "home").rglob("*.part"))


@pytest.mark.parametrize(("change", "says"), [({"data": "nowhere"}, "nowhere"), ({"config": {"n": 1}}, "[4, 512]"), ({"system": "gan2"}, "gan2")])
def test_what_cannot_be_opened_is_told(qtbot, wish, change, says):
    heard = Heard(qtbot, NewRun(**{**vars(wish), **change}))
    assert says in heard.until("trouble").sentence
    assert heard.worker.wait(10_000)
    assert heard.said("opened") == []


def test_a_bug_while_opening_does_not_escape(qtbot, wish, monkeypatch):
    monkeypatch.setattr(jobs.TrainingJob, "open", lambda self, progress: 1 / 0)
    heard = Heard(qtbot, wish)
    assert "ZeroDivisionError" in heard.until("trouble").details
    assert heard.worker.wait(10_000)
