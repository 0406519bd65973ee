"""The time machine's bar, without a run."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from models.algorithms import began
from models.knobs import describe
from models.reel import Reel
from studio.pages.timemachine import knobs_at
from studio.panels.branching import ForkCard, WhatIfCard, where
from studio.panels.timeline import Timeline
from studio.panels.timetrack import Marks
from studio.workers import frames
from studio.workers.frames import Frames, tokens_of

MARKS = Marks(
    end=400,
    now=400,
    frames=(0, 100, 200, 300, 400),
    kept=(0, 150, 400),
    bookmarks=frozenset({100}),
    turns=((210, "γ 0.5 → 0.4"),),
    phases=((0, "mle"), (200, "adversarial")),
    alarms=((320, "The samples have collapsed"),),
)


@pytest.fixture
def bar(qtbot, dressed):
    made = Timeline()
    qtbot.addWidget(made)
    made.resize(1040, 44)
    made.show_marks(MARKS)
    made.show()
    return made


def test_what_is_near_a_step():
    assert [MARKS.frame_near(s) for s in (-5, 149, 151, 9_999)] == [0, 100, 200, 400]
    assert (MARKS.frame_before(320), MARKS.frame_before(0)) == (300, None)
    assert (MARKS.kept_before(149), MARKS.kept_before(150), Marks(kept=(50,)).kept_before(49)) == (0, 150, None)
    assert [MARKS.phase_at(s) for s in (0, 200, 201)] == ["mle", "mle", "adversarial"]
    assert Marks().frame_near(3) is None


def test_where_a_fork_begins_is_said():
    assert where(MARKS, 150) == (150, "from step 150")
    assert where(MARKS, 300) == (150, "from step 150, the nearest kept one before step 300")
    step, told = where(Marks(now=9, kept=(50,)), 20)
    assert step is None
    assert "step 20" in told
    assert "step 50" in told
    assert where(Marks(now=9), None)[0] is None


def test_knobs_are_those_of_the_step():
    lines = [
        {"what": "knobs", "step": 12, "change": {"gamma": 0.4}},
        {"what": "note", "step": 13},
        {"what": "knobs", "step": 20, "change": {"lr": 1.0}},
    ]
    first = {"gamma": 0.5, "lr": 2.0}
    assert [knobs_at(first, lines, s) for s in (11, 12, 20)] == [first, {"gamma": 0.4, "lr": 2.0}, {"gamma": 0.4, "lr": 1.0}]


def test_keys_and_mouse_go_from_frame_to_frame(bar):
    went, back = [], []
    bar.scrubbed.connect(went.append)
    bar.live.connect(lambda: back.append(True))
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_Left, Qt.Key.Key_PageDown, Qt.Key.Key_Escape):
        QTest.keyClick(bar.track, key)
    assert went == [400, 300, 400, 0, 400]  # from the present back, never past an end
    assert back == [True]
    QTest.mouseClick(bar.track, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.track.x_of(190)), 20))
    assert (bar.at, bar.text.text()) == (200, "step 200")
    bar.show_at(None)
    assert (bar.at, bar.text.text(), bar.live_button.isEnabled()) == (None, "now", False)
    bar.show_marks(Marks(end=400, now=150, frames=MARKS.frames, kept=(150,)))  # a run that is open as it was
    assert bar.text.text() == "step 150"
    QTest.keyClick(bar.track, Qt.Key.Key_Left)
    assert bar.at == 100


def test_a_range_is_marked_and_exported(bar):
    wanted, marks = [], []
    bar.export.connect(lambda a, b: wanted.append((a, b)))
    bar.bookmark.connect(lambda step, on: marks.append((step, on)))
    assert bar.marked() == list(MARKS.frames)
    for step, key in ((100, Qt.Key.Key_I), (300, Qt.Key.Key_O), (100, Qt.Key.Key_B), (200, Qt.Key.Key_B)):
        bar.show_at(step)
        QTest.keyClick(bar.track, key)
    assert bar.marked() == [100, 200, 300]
    assert marks == [(100, False), (200, True)]
    bar._fill()
    bar._menu.actions()[-1].trigger()
    assert wanted == [(100, 300)]
    bar.show_at(400)
    bar._mark("in")  # after the end, which gives way
    assert bar.marked() == [400]


def test_it_plays_to_the_end_and_stops(bar):
    went = []
    bar.scrubbed.connect(went.append)
    QTest.keyClick(bar.track, Qt.Key.Key_Space)
    assert bar.playing
    assert bar._timer.isActive()
    for _ in range(6):
        bar._timer.timeout.emit()
    assert went == [0, 100, 200, 300, 400]
    assert not bar.playing
    assert not bar._timer.isActive()
    went.clear()
    bar.track.show_range(100, 200)
    bar.toggle()
    for _ in range(3):
        bar._timer.timeout.emit()
    assert went == [100, 200]  # only what is marked
    assert bar.play_button.accessibleName().startswith("Play")


def test_what_the_mouse_is_on_is_told(bar):
    told = bar.track.about(bar.track.x_of(101))
    assert "step 100 · mle" in told
    assert "bookmarked" in told
    assert "checkpoint of step 150" in bar.track.about(bar.track.x_of(150))
    assert "γ 0.5 → 0.4" in bar.track.about(bar.track.x_of(210))
    assert "collapsed" in bar.track.about(bar.track.x_of(320))


def test_cards_refuse_what_cannot_be(bar, qtbot):
    fork, what = ForkCard(bar), WhatIfCard(bar, describe(began.Knobs))
    forks, twins = [], []
    fork.wanted.connect(lambda *a: forks.append(a))
    what.wanted.connect(lambda *a: twins.append(a))
    fork.ask("faces", MARKS, 300, bar.fork_button)
    assert "from step 150, the nearest kept one before step 300" in fork.sentence.text()
    fork.name.setText("../elsewhere")
    fork.go_button.click()
    assert not forks
    assert fork.problem.text()
    fork.name.setText("bolder")
    fork.go_button.click()
    assert forks == [(150, "bolder")]
    what.ask("faces", MARKS, 300, {"gamma": 0.5}, 250, bar.what_button)
    assert what.knob is not None
    assert what.knob.value == 0.5
    what.go_button.click()
    assert not twins
    assert "γ is 0.5 there already" in what.problem.text()
    what.knob._take(0.3)
    what.go_button.click()
    assert twins == [(150, "gamma", 0.3, 250, True)]
    fork.show_marks("faces", Marks(now=10, kept=(50,)), 10)
    assert not fork.go_button.isEnabled()


def test_frames_are_bounded_and_only_the_newest_wish_is_answered(qtbot, tmp_path, monkeypatch):
    reel = Reel.of(tmp_path)
    for step in range(6):
        reel.add(step, np.full((4, 8, 8, 3), step, np.uint8))
    reel.file(5).write_bytes(b"no picture")
    monkeypatch.setattr(frames, "BYTES", 3 * 4 * 8 * 8 * 3)
    found, told = [], []
    reader = Frames()
    reader.ready.connect(found.append)
    reader.failed.connect(lambda step, sentence: told.append((step, sentence)))
    reader.open(tmp_path)
    for step in range(5):
        reader.want(step)
    qtbot.waitUntil(lambda: bool(found) and found[-1].step == 4)
    assert (found[-1].pictures == 4).all()
    assert found[-1].words == "step 4 of the reel"
    qtbot.waitUntil(lambda: not reader._busy)
    assert [f.step for f in found] == [4]
    assert reader.kept_bytes() == 3 * 4 * 8 * 8 * 3
    reader.want(4)  # kept: at once
    assert [f.step for f in found] == [4, 4]
    reader.want(5)
    qtbot.waitUntil(lambda: bool(told))
    assert told[0][0] == 5
    assert "damaged" in told[0][1]
    reader.wait()


def test_sentences_come_apart_as_they_were_joined(tmp_path):
    Reel.of(tmp_path).write(3, ["the cat sat", "a dog"])
    frame = frames.read(tmp_path, 3)
    assert tokens_of(frame.sentences, " ") == [["the", "cat", "sat"], ["a", "dog"]]
    assert tokens_of(("ab",), "") == [["a", "b"]]
