"""What the page of one system sees of the session."""

from __future__ import annotations

import pytest

from studio.messages import NewRun
from studio.pages.ownrun import OwnRun
from studio.session import Session
from tests.studio.tiny import TINY, pictures

SIGNALS = ("conditioned", "opening", "opened", "progressed", "line", "replied", "trouble", "exported")


@pytest.fixture
def session(qtbot):
    session = Session()
    yield session
    session.close()


def listened(own):
    heard = []
    for name in SIGNALS:
        getattr(own, name).connect(lambda *args, name=name: heard.append((name, *args)))
    return heard


def test_a_run_of_another_system_does_not_exist(qtbot, session, tmp_path):
    mine, other = OwnRun(session, "began"), OwnRun(session, "ppgn")
    heard, silent = listened(mine), listened(other)
    with qtbot.waitSignal(session.opened, timeout=60_000):
        session.open(NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, path=tmp_path / "run"))
    assert mine.run is session.run
    assert (other.run, other.condition, other.step, other.knobs) == (None, "empty", 0, {})
    for act in (other.go, other.pause, other.step_once, other.go_back, other.evaluate_now, other.stop):
        act()
    other.set_knob("gamma", 0.1)
    other.ask("samples", "samples", n=4, seed=0, ema=True)
    before = session.evaluate
    from studio.messages import Evaluate

    other.evaluate_every(Evaluate(10))
    assert session.evaluate == before
    with qtbot.waitSignal(mine.progressed, timeout=20_000):
        mine.step_once()
    assert session.knobs["gamma"] != 0.1
    assert {name for name, *_ in heard} >= {"conditioned", "opened", "progressed"}
    assert silent == []


def test_losing_the_session_is_an_end(qtbot, session, tmp_path):
    mine, other = OwnRun(session, "began"), OwnRun(session, "ppgn")
    with qtbot.waitSignal(session.opened, timeout=60_000):
        session.open(NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, path=tmp_path / "run"))
    heard, also = listened(mine), listened(other)
    with qtbot.waitSignal(other.trouble, timeout=60_000):
        session.open(NewRun("ppgn", str(tmp_path / "pictures"), "quick", path=tmp_path / "parts"))  # they have no labels
    assert heard == [("conditioned", "empty", "")]  # and nothing of what came while it was saved
    assert also[0] == ("conditioned", "opening", "saving the run before")
    assert ["has no labels" in what[0].sentence for name, *what in also if name == "trouble"] == [True]
    assert other.run is None


def test_what_cannot_be_read_belongs_to_nobody_and_is_told_to_all(qtbot, session, tmp_path):
    from studio.messages import OldRun

    mine, other = OwnRun(session, "began"), OwnRun(session, "ppgn")
    heard, also = listened(mine), listened(other)
    with qtbot.waitSignal(session.trouble, timeout=60_000):
        session.open(OldRun(tmp_path))
    assert session.system == ""
    for each in (heard, also):
        assert [name for name, *_ in each] == ["trouble"]
