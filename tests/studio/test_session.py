"""The one object that knows the window and the worker."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QThread

from models.contract import Note, Save
from models.run import Run
from studio.messages import Evaluate, Export, NewRun, OldRun
from studio.session import Session
from studio.verify import verify
from tests.studio.tiny import TINY, pictures


@pytest.fixture
def wish(tmp_path):
    return NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, {"gamma": 0.5}, path=tmp_path / "run")


@pytest.fixture
def session(qtbot):
    session = Session()
    session.told, session.troubles, session.lines, session.parts = [], [], [], []
    session.conditioned.connect(lambda condition, reason: session.told.append(condition))
    session.trouble.connect(session.troubles.append)
    session.line.connect(session.lines.append)
    session.progressed.connect(session.parts.append)
    yield session
    session.close()
    assert session._worker is None
    assert not [w for w in session.findChildren(QThread) if w.isRunning()]


def until(qtbot, session, condition, timeout=30_000):
    qtbot.waitUntil(lambda: session.condition == condition, timeout=timeout)


@pytest.fixture
def opened(qtbot, session, wish):
    with qtbot.waitSignal(session.opened, timeout=60_000):
        session.open(wish)
    return session


def steps(qtbot, session, count):
    for _ in range(count):
        with qtbot.waitSignal(session.conditioned, timeout=20_000, check_params_cb=lambda c, _: c == "paused"):
            session.step_once()


def test_open_run_pause_step_stop(qtbot, session, wish):
    session.open(wish, start=True)
    until(qtbot, session, "running")
    qtbot.waitUntil(lambda: session.step > 2, timeout=20_000)
    session.pause()
    until(qtbot, session, "paused")
    step = session.step
    session.step_once()
    qtbot.waitUntil(lambda: session.step == step + 1, timeout=20_000)
    until(qtbot, session, "paused")
    session.stop()
    until(qtbot, session, "empty")
    assert session.told == ["opening", "paused", "running", "paused", "running", "paused", "empty"]
    assert session.run is None
    run = Run.open(wish.path, write=False, data=False)
    assert run.state.step == step + 1
    assert np.array_equal(np.concatenate([p.rows for p in session.parts]), run.rows)


def test_nothing_happens_without_a_run(session):
    for act in (session.go, session.pause, session.step_once, session.go_back, session.stop, session.close):
        act()
    session.set_knob("gamma", 0.1)
    session.send(Note("x"))
    session.ask("a", "samples")
    session.drop("a")
    assert session.condition == "empty"


def test_nothing_is_asked_of_a_run_that_is_still_opening(qtbot, session, wish):
    session.open(wish)
    session.step_once()
    session.set_knob("gamma", 0.1)
    session.send(Note("x"))
    until(qtbot, session, "paused")
    qtbot.wait(100)
    assert session.step == 0
    assert session.knobs["gamma"] == 0.5
    assert session.troubles == []


def test_the_preset_ends_and_one_may_go_on(qtbot, session, wish, tmp_path, monkeypatch):
    from models import contract
    from models.algorithms import began

    monkeypatch.setitem(began.PRESETS, "quick", contract.Preset("quick", "", (contract.Phase("adversarial", 6),)))
    session.open(wish, start=True)
    until(qtbot, session, "finished")
    assert session.step == 6
    session.go()
    qtbot.waitUntil(lambda: session.step > 9, timeout=20_000)
    session.pause()
    until(qtbot, session, "paused")


def test_knobs_are_turned_and_turned_back(qtbot, opened):
    turned = []
    opened.turned.connect(lambda *change: turned.append(change))
    opened.set_knob("gamma", 0.3)
    opened.set_knob("gamma", 0.3)  # no change
    opened.set_knob("lr", 2e-4)
    assert turned == [("gamma", 0.5, 0.3), ("lr", 6e-4, 2e-4)]
    for name, before, _ in reversed(turned[:]):
        opened.set_knob(name, before, remember=False)
    assert len(turned) == 2  # what is taken back is not remembered
    qtbot.waitUntil(lambda: len([line for line in opened.lines if line["what"] == "knobs"]) == 4, timeout=20_000)
    assert next(line["text"] for line in opened.lines if line["what"] == "knobs") == "γ 0.5 → 0.3"


def test_a_drag_is_a_few_lines_and_ends_at_its_last_value(qtbot, opened):
    for place in range(40):
        opened.set_knob("gamma", round(0.1 + place / 100, 2))
    assert opened.knobs["gamma"] == 0.49
    opened.step_once()  # nothing is trained with an older value
    qtbot.waitUntil(lambda: opened.step == 1, timeout=20_000)
    lines = [line for line in opened.lines if line["what"] == "knobs"]
    assert [line["change"] for line in lines] == [{"gamma": 0.1}, {"gamma": 0.49}]
    opened.set_knob("gamma", 0.6)
    qtbot.waitUntil(lambda: opened.lines[-1].get("change") == {"gamma": 0.6}, timeout=5000)  # without anything else
    opened.set_knob("gamma", 0.5, remember=False)
    qtbot.waitUntil(lambda: opened.lines[-1].get("change") == {"gamma": 0.5}, timeout=5000)


def test_knobs_that_are_turned_together_are_all_sent(qtbot, opened):
    for place in range(10):
        opened.set_knob("gamma", round(0.1 + place / 100, 2))
        opened.set_knob("lr", 1e-4 * (1 + place))
    opened.stop()
    until(qtbot, opened, "empty")
    change = {}
    for line in opened.lines:
        change |= line.get("change", {})
    assert change == {"gamma": 0.19, "lr": pytest.approx(1e-3)}


def test_when_to_evaluate_holds_for_the_next_run_too(qtbot, session, wish):
    session.evaluate_every(Evaluate(3, 50))
    with qtbot.waitSignal(session.opened, timeout=60_000):
        session.open(wish)
    qtbot.waitUntil(lambda: session._worker._evaluate == Evaluate(3, 50), timeout=5000)


@pytest.mark.parametrize(("name", "value"), [("gamma", 2.0), ("gamma", float("nan")), ("gamma", "x"), ("nothing", 1)])
def test_a_knob_out_of_range_changes_nothing(qtbot, opened, name, value):
    before, turned = dict(opened.knobs), []
    opened.turned.connect(lambda *change: turned.append(change))
    opened.set_knob(name, value)
    assert len(opened.troubles) == 1
    assert opened.knobs == before
    assert turned == []


def test_answers_to_older_requests_are_dropped(qtbot, opened):
    replies = []
    opened.replied.connect(replies.append)
    for seed in range(20):
        opened.ask("samples", "samples", n=1, seed=seed, ema=True)
    opened.ask("other", "samples", n=1, seed=0, ema=True)
    qtbot.waitUntil(lambda: len(replies) >= 2, timeout=20_000)
    qtbot.wait(100)
    assert [r.number for r in replies] == [20, 21]
    opened.ask("samples", "samples", n=1, seed=0, ema=True)
    opened.drop("samples")
    qtbot.wait(200)
    assert len(replies) == 2


def test_a_second_run_saves_the_first(qtbot, session, wish, tmp_path):
    session.open(wish, start=True)
    qtbot.waitUntil(lambda: session.step > 2, timeout=60_000)
    second = NewRun(**{**vars(wish), "path": tmp_path / "second"})
    session.open(second)
    qtbot.waitUntil(lambda: session.run is not None and session.run.path == second.path, timeout=60_000)
    first = Run.open(wish.path, data=False)  # nobody holds it any more
    assert first.state.step == len(first.rows) > 2
    first.close()
    assert session.step == 0


def test_the_last_wish_wins_when_runs_are_opened_in_a_hurry(qtbot, session, wish, tmp_path):
    session.open(wish)
    for name in ("b", "c", "d"):
        session.open(NewRun(**{**vars(wish), "path": tmp_path / name}))
    qtbot.waitUntil(lambda: session.run is not None and session.run.path.name == "d", timeout=60_000)
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("running", [False, True])
def test_closing_saves_finishes_and_leaves_no_thread(qtbot, session, wish, tmp_path, running):
    session.open(wish, start=running)
    until(qtbot, session, "running" if running else "paused")
    if not running:
        steps(qtbot, session, 3)
    else:
        qtbot.waitUntil(lambda: session.step > 3, timeout=20_000)
    files = []
    session.exported.connect(lambda wish, made: files.extend(made))
    session.send(Note("good night"))
    session.export(Export("sheet", tmp_path / "last.png", count=2))
    session.close()
    run = Run.open(wish.path, data=False)
    assert run.state.step >= 3
    assert "good night" in [line["text"] for line in run.lines]
    run.close()
    assert files == [tmp_path / "last.png"]
    assert verify(files[0]).verdict == "identical"
    assert [t.name for t in threading.enumerate() if t is not threading.main_thread() and "Dummy" not in t.name] == []


def test_a_run_goes_on_where_it_was(qtbot, opened, wish):
    steps(qtbot, opened, 3)
    opened.set_knob("gamma", 0.25)
    opened.stop()
    until(qtbot, opened, "empty")
    opened.start_when_open()  # there is none, and the next one stands still
    with qtbot.waitSignal(opened.opened, timeout=20_000):
        opened.open(OldRun(wish.path))
    assert (opened.step, opened.knobs["gamma"], len(opened.run.rows)) == (3, 0.25, 3)
    assert opened.condition == "paused"
    opened.open(OldRun(wish.path))
    opened.start_when_open()
    qtbot.waitUntil(lambda: opened.step > 3, timeout=20_000)


def test_a_run_that_another_holds(qtbot, session, wish):
    other = Run.create(wish.path, "began", wish.data, config=TINY)
    other.save()
    try:
        with qtbot.waitSignal(session.trouble, timeout=30_000):
            session.open(OldRun(wish.path))
        assert "another process" in session.troubles[0].sentence
        until(qtbot, session, "empty")
        with qtbot.waitSignal(session.opened, timeout=30_000):
            session.open(OldRun(wish.path, write=False))
    finally:
        other.close()


@pytest.mark.parametrize(("name", "file"), [("sheet", "a.png"), ("singles", "many"), ("curves", "c.csv"), ("plots", "p.png")])
def test_exports_of_a_running_session_verify_as_identical(qtbot, session, wish, tmp_path, name, file):
    session.open(wish, start=True)
    qtbot.waitUntil(lambda: session.step > 4, timeout=60_000)
    session.set_knob("gamma", 0.3)
    with qtbot.waitSignal(session.exported, timeout=60_000) as told:
        session.export(Export(name, tmp_path / file, seed=9, count=3))
    session.set_knob("gamma", 0.6)
    step = session.step
    qtbot.waitUntil(lambda: session.step > step + 10, timeout=60_000)
    session.send(Save())
    session.stop()
    until(qtbot, session, "empty")
    assert session.troubles == []
    assert verify(told.args[1][-1] if name == "singles" else told.args[1][0]).verdict == "identical"


def test_an_export_to_nowhere_is_told(qtbot, opened, tmp_path):
    (tmp_path / "file").write_text("")
    with qtbot.waitSignal(opened.trouble, timeout=20_000):
        opened.export(Export("sheet", tmp_path / "file" / "a.png", count=1))
    assert "could not be written" in opened.troubles[0].sentence


def test_trouble_while_closing_reaches_stderr(qtbot, opened, monkeypatch, capsys):
    import errno

    from models import checkpoint, files

    steps(qtbot, opened, 1)

    def full(*_):
        raise files.trouble(OSError(errno.ENOSPC, "full"), opened.run.path)

    monkeypatch.setattr(checkpoint, "save", full)
    opened.close()
    assert "is full" in capsys.readouterr().err


def test_an_earlier_step_is_looked_at_and_nothing_can_change_it(qtbot, session, wish):
    Run.create(wish.path, "began", wish.data, config=TINY).close()
    run = Run.open(wish.path)
    for state, _ in run.train(4):
        if state.step == 2:
            run.save(pin=True)
    run.close()
    before = {p.name: p.stat().st_mtime_ns for p in wish.path.rglob("*")}
    with qtbot.waitSignal(session.opened, timeout=60_000):
        session.open(OldRun(wish.path, write=False, step=2))
    assert (session.run.reading, session.run.step, session.run.newest, session.run.id) == (True, 2, 4, run.folder.id)
    for act in (session.go, session.step_once, session.go_back, lambda: session.set_knob("gamma", 0.1), lambda: session.send(Note("x"))):
        act()
    with qtbot.waitSignal(session.replied, timeout=20_000):
        session.ask("samples", "samples", n=2, seed=0, ema=True)
    assert (session.condition, session.step, session.knobs["gamma"], session.troubles) == ("paused", 2, 0.75, [])
    session.stop()
    until(qtbot, session, "empty")
    assert {p.name: p.stat().st_mtime_ns for p in wish.path.rglob("*")} == before
