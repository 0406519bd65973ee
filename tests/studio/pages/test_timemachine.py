"""The time machine on the pages: what is seen of an earlier step, the way back, and the branches."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from models.journal import RunFolder
from models.reel import Reel
from studio import recipe
from studio.messages import OldRun
from studio.workers.frames import Frame
from tests.studio.driving import step, until
from tests.studio.tiny import pictures, run_with_history

STEPS = (0, 10, 12, 20, 30)  # of the frames; checkpoints are at 0, 12, 20 and 30, and γ went from 0.5 to 0.4 at 12


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with a reel; to be copied."""
    place = tmp_path_factory.mktemp("past")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        run = run_with_history(place / "run", pictures(place / "data"))
    rng, reel = np.random.default_rng(0), Reel.of(run)
    size = reel.frame(0).shape[1]
    for at in STEPS:
        reel.add(at, rng.integers(0, 256, (64, size, size, 3), np.uint8))
    return run


@pytest.fixture
def opened(made, tmp_path, window, qtbot):
    """BEGAN's page with a copy of it open."""
    path = shutil.copytree(made, tmp_path / "faces")
    page = window.show_page("began")
    window.session.open(OldRun(path))
    qtbot.waitUntil(lambda: page.session.run is not None and page.samples.count() == 64, timeout=20_000)
    return SimpleNamespace(path=path, page=page, time=page.time, window=window)


def seen(opened, qtbot, at):
    """Go to a frame, and wait for its pictures."""
    opened.time.scrub(at)
    qtbot.waitUntil(lambda: opened.page.samples._note == f"step {at:,} of the reel")


def test_one_handle_moves_everything_and_the_present_comes_back_as_it_was(opened, qtbot):
    page, time, bar = opened.page, opened.time, opened.time.bar
    assert bar.isVisible()
    assert bar.marks.frames == STEPS
    assert bar.marks.kept == (0, 12, 20, 30)
    page.seed.setValue(7)
    qtbot.waitUntil(lambda: page.samples._note.endswith("seed 7"))
    now = page.samples.shown().copy()
    seen(opened, qtbot, 10)
    assert np.array_equal(page.samples.shown(), Reel.of(opened.path).frame(10))
    for curves in (page.curves, page.judging.panel.curves):
        assert all(card._cursor.isVisible() or not card.isVisible() for card in curves.cards)
        assert all(card._cursor.value() == 10 for card in curves.cards)
    assert page.knobs.values()["gamma"] == 0.5
    assert not page.knobs.rows["gamma"].isEnabled()
    assert "step 10" in page.knobs._frozen.text()
    k_t = RunFolder.open(opened.path, write=False).rows()[9, page.session.run.columns.index("k_t")]
    assert page.readouts.values["k_t"].text().replace("−", "-") == f"{k_t:#.3g}".rstrip(".") or k_t == 0
    seen(opened, qtbot, 20)
    assert page.knobs.values()["gamma"] == 0.4
    assert "γ" in page.journal.view.currentIndex().data()  # the last line up to there
    step(qtbot, opened.window)  # training goes on, the past stays
    assert page.samples._note == "step 20 of the reel"
    assert bar.marks.now == 31
    Reel.of(opened.path).add(40, np.zeros((4, 8, 8, 3), np.uint8))
    time.refresh()
    assert bar.marks.frames[-1] == 40
    Reel.of(opened.path).file(0).unlink()  # thinned out while the bar still shows it
    time.bar.track.go_to(0)
    qtbot.waitUntil(lambda: page.samples._note == "step 10 of the reel")
    seen(opened, qtbot, 20)
    page.samples.clicked.emit(3)  # no detail of a sample that is not of now
    assert not page.beside.shows_detail()
    time.live()
    qtbot.waitUntil(lambda: page.samples._note.endswith("seed 7"))
    assert page.samples.shown().shape == now.shape
    assert not np.array_equal(page.samples.shown(), Reel.of(opened.path).frame(20))
    assert page.knobs.rows["gamma"].isEnabled()
    assert not page.knobs._frozen.isVisible()
    assert not page.curves.cards[0]._cursor.isVisible()
    assert page.moment == float("inf")
    page.journal.chosen.emit(12)
    assert bar.at == 12
    for at in STEPS[1:]:
        Reel.of(opened.path).file(at).unlink()
    time.refresh()  # nothing is left of the past
    assert bar.at is None
    assert not bar.isVisible()
    Reel.of(opened.path).add(30, now)
    time.refresh()
    time.scrub(30)
    assert bar.isVisible()
    page.new_run()  # the form: the past is left
    assert bar.at is None
    assert not bar.isVisible()


def test_a_fork_goes_on_from_the_nearest_checkpoint_and_says_of_what(opened, qtbot):
    page = opened.page
    seen(opened, qtbot, 10)
    opened.time.bar.fork_button.click()
    assert "from step 0, the nearest kept one before step 10" in opened.time.fork_card.sentence.text()
    opened.time.scrub(20)
    assert "from step 20" in opened.time.fork_card.sentence.text()  # the card follows
    opened.time.fork_card.go_button.click()
    qtbot.waitUntil(lambda: page.session.run is not None and page.session.run.path != opened.path, timeout=20_000)
    assert page.session.step == 20
    assert "fork of run at step 20" in page.subtitle.full_text()
    assert page.session.run.parent["knobs"] == {}
    assert RunFolder.open(opened.path, write=False).steps()[-1] == 30  # the other stays as it is


def test_a_bookmark_stays_a_range_is_exported_and_twins_wait_in_the_queue(opened, qtbot, monkeypatch, tmp_path):
    opened.time.scrub(20)
    opened.time.bar.bookmark_button.click()
    assert Reel.of(opened.path).bookmarks() == {20} == opened.time.bar.marks.bookmarks
    assert 20 in RunFolder.open(opened.path, write=False).pins()
    opened.time.bar.bookmark_button.click()
    assert Reel.of(opened.path).bookmarks() == set()

    page = opened.page
    assert not page.alarm.isVisible()
    opened.window.session.line.emit({"step": 15, "time": 0, "what": "alarm", "text": "All samples are alike", "before": 12})
    page.alarm.other_button.click()  # look before it
    assert opened.time.bar.at == 12
    page.keep()
    assert "frames of the reel" in page.notice.full_text()
    opened.time.scrub(20)

    out = tmp_path / "range.gif"
    with qtbot.waitSignal(opened.window.session.exported, timeout=20_000):
        opened.page.exporting.export("reel", out, (10, 20))
    assert recipe.read(out)["made"]["steps"] == [10, 20]

    queued, started, compared = [], [], []
    fake = SimpleNamespace(add=lambda path, more, system: queued.append((path, more, system)), start=lambda: started.append(True))
    monkeypatch.setattr(opened.window.session, "queue", fake, raising=False)
    monkeypatch.setattr(opened.window, "compare_runs", lambda runs: None)
    opened.page.compare_wanted.disconnect()
    opened.page.compare_wanted.connect(compared.append)
    seen(opened, qtbot, 20)
    opened.time.bar.what_button.click()
    card = opened.time.what_card
    assert card.knob is not None
    assert card.knob.value == 0.4
    card.wanted.emit(20, "gamma", 7.0, 100, True)
    assert "γ" in card.problem.text()
    assert not queued
    card.knob._take(0.3)
    card.steps.setValue(50)
    card.go_button.click()
    qtbot.waitUntil(lambda: bool(compared), timeout=20_000)
    twins = compared[0]
    assert [(path, more) for path, more, _ in queued] == [(twins[0], 50), (twins[1], 50)]
    assert started == [True]
    parents = [RunFolder.open(path, write=False).parent for path in twins]
    assert [p["knobs"] for p in parents if p] == [{}, {"gamma": 0.3}]
    assert {p["step"] for p in parents if p} == {20}


def test_a_run_as_it_was_can_only_be_looked_at(opened, qtbot):
    page, time = opened.page, opened.time
    seen(opened, qtbot, 20)
    time.look()
    qtbot.waitUntil(lambda: page.session.run is not None and page.session.run.reading, timeout=20_000)
    assert "step 20 of faces; it stands at 30" in time.back.text.full_text()
    assert time.back.isVisible()
    assert not page.transport.run_button.isEnabled()
    assert not page.transport.step_button.isEnabled()
    assert "only looked at" in page.transport.run_button.toolTip()
    assert not page.knobs.rows["gamma"].isEnabled()
    assert time.bar.marks.frames == STEPS
    assert (time.bar.marks.now, time.bar.marks.end) == (20, 30)
    time.back.newest_button.click()
    qtbot.waitUntil(lambda: page.session.run is not None and not page.session.run.reading, timeout=20_000)
    until(qtbot, opened.window, "paused")
    assert page.session.step == 30
    assert not time.back.isVisible()
    assert page.transport.run_button.isEnabled()


@pytest.mark.parametrize("system", ["seqgan", "maskgan"])
def test_sentences_of_the_reel_take_the_place_of_samples(window, system):
    page = window.show_page(system)
    page.show_frame(Frame(75, sentences=("the cat sat", "a dog")))
    panel = page.ours if system == "seqgan" else page.samples
    assert panel.sentences() == [("the", "cat", "sat"), ("a", "dog")]
    assert panel.right.full_text() == "step 75 of the reel"
    page.leave_frame()


@pytest.mark.parametrize("system", ["bgan", "ppgn"])
def test_pictures_of_the_reel_take_the_place_of_samples(window, system):
    page = window.show_page(system)
    page.show_frame(Frame(75, np.zeros((4, 8, 8, 1), np.uint8)))
    assert page.samples.count() == 4
    assert page.samples._note == "step 75 of the reel"
    page.leave_frame()
    if system == "ppgn":
        assert page.shown.currentIndex() == 0
