"""The BGAN page, as a person trains with it: pictures, text and toys on one page."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from studio.messages import NewRun, OldRun
from studio.pages import bgan
from studio.pages.bgan import COMPARE, LATENTS, SAMPLES, SENTENCES, TABLE, TRAIN
from tests.studio.driving import step
from tests.studio.test_cli_text import sentences

TINY = {"n": 4, "full": 16, "z": 4, "batch": 4, "hidden": 0, "rows": 2}
M = 3


@pytest.fixture
def digits(tmp_path):
    """A file of small black and white pictures."""
    rng = np.random.default_rng(0)
    path = tmp_path / "digits.npy"
    np.save(path, (rng.random((60, 28, 28)) > 0.7).astype(np.uint8) * 255)
    return path


@pytest.fixture
def opened(qtbot, window, tmp_path):
    """Opens a run on the page."""

    def open_run(data, name="run", **more):
        page = window.show_page("bgan")
        wish = NewRun("bgan", str(data), "quick", config=TINY | more, knobs={"M": M, "learn": 0}, path=tmp_path / name, threads=1)
        with qtbot.waitSignal(window.session.opened, timeout=20_000):
            window.session.open(wish)
        return page

    return open_run


def plots(page):
    return [card._plot.title for card in page.curves.cards if not card.isHidden()]


def test_pictures_with_their_weights_and_alone(qtbot, window, digits, opened):
    page = opened(digits)
    step(qtbot, window, 2)
    qtbot.waitUntil(lambda: page._weighed is not None, timeout=20_000)
    assert page.left.currentWidget() is page.weights
    assert len(page._weighed.pictures["samples"]) == LATENTS * M
    assert page.histogram.readout.text().endswith(f"of {M}")
    assert 0 < float(page.readouts.values["D_real"].text()) < 1
    assert plots(page)[-1] == "Effective samples"
    page.weights.chosen.emit(M + 1)
    assert page.beside.shows_detail()
    assert page.detail.title.text() == f"Sample 2 of {M} of z 2"
    page.shown.buttons[1].click()
    assert not page.beside.shows_detail()
    qtbot.waitUntil(lambda: page.samples.count() == SAMPLES, timeout=20_000)
    before = np.array(page.samples.shown())
    page.seed.setValue(5)
    qtbot.waitUntil(lambda: not np.array_equal(before, page.samples.shown()), timeout=20_000)
    page.ema.click()
    assert page.drawn() == {"seed": 5, "count": SAMPLES, "ema": False}
    page.samples.clicked.emit(3)
    qtbot.waitUntil(page.beside.shows_detail, timeout=20_000)
    assert "nearest training picture" in page.detail.captions["nearest"].text()
    qtbot.waitUntil(lambda: (page.session.run.path / "preview.png").is_file(), timeout=20_000)


def test_another_divergence_is_trained_with(qtbot, window, digits, opened):
    page = window.show_page("bgan")
    page.faces.choose(TABLE)
    assert not page.table.side.use_button.isEnabled()  # there is no run
    page.faces.choose(TRAIN)
    page = opened(digits)
    page.faces.choose(TABLE)
    page.table.rows.pick("hellinger")
    with qtbot.waitSignal(window.session.line, timeout=20_000) as said:
        qtbot.mouseClick(page.table.side.use_button, Qt.MouseButton.LeftButton)
    assert "hellinger" in said.args[0]["text"]
    assert window.session.knobs["divergence"] == page.knobs.values()["divergence"] == "hellinger"
    assert page.table.rows._used == "hellinger"
    page.knobs.changed.emit("divergence", "kl")
    assert page.table.rows._used == "kl"
    page.undo()
    page.undo()
    assert page.table.rows._used == window.session.knobs["divergence"] == "gan"
    page.variance.redraws.setValue(20)
    qtbot.mouseClick(page.variance.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.variance.has_told, timeout=20_000)
    assert page.variance.words.text().startswith("20 redraws at step 0.")
    assert len(page.variance.trace.bars.lines) == 3
    assert page.transport.isVisible()


def test_a_comparison_changes_nothing_of_the_run(qtbot, window, digits, opened):
    page = opened(digits)
    step(qtbot, window)
    page.faces.choose(COMPARE)
    side = page.compare.side
    for name, check in side.checks.items():
        check.setChecked(name in ("gan", "dv"))
    side.steps.setValue(10)
    qtbot.mouseClick(side.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.compare.is_complete, timeout=20_000)
    assert list(page.compare.columns) == ["gan", "dv"]
    assert [part.grid.count() for part in page.compare.columns.values()] == [9, 9]
    assert all(len(item.getData()[0]) == 10 for item in page.compare.plot._lines)
    assert side.progress.full_text() == "10 steps, done"
    assert window.session.step == 1
    side.steps.setValue(600)
    qtbot.mouseClick(side.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "of 600" in side.progress.full_text(), timeout=20_000)
    qtbot.mouseClick(side.start_button, Qt.MouseButton.LeftButton)
    assert side.progress.full_text().startswith("Stopped at step")
    step(qtbot, window)  # the run goes on
    assert window.session.step == 2


def test_one_page_for_toys_text_and_pictures(qtbot, window, digits, opened, tmp_path):
    page = opened("toy-categories", "toy")
    step(qtbot, window, 2)
    qtbot.waitUntil(lambda: page.toy.readouts.values["KL"].text() != "–", timeout=20_000)
    assert page.left.currentWidget() is page.toy
    assert page.toy.readouts.isVisible()
    assert not page.readouts.isVisible()
    assert plots(page)[-1] == "Distance to p"
    assert [b.text() for b in page.compare.plot.shown.buttons if not b.isHidden()][-1] == "error"

    page = opened(sentences(tmp_path / "verses.txt"), "text", T=24)
    assert page.writes == "text"
    step(qtbot, window)
    qtbot.waitUntil(lambda: page._weighed is not None, timeout=20_000)
    assert len(page._weighed.words["samples"]) == LATENTS * M
    assert page.left.currentWidget() is page.weights
    page.weights.chosen.emit(1)
    assert not page.beside.shows_detail()  # it is all there
    page.shown.buttons[1].click()
    qtbot.waitUntil(lambda: len(page.sentences.sentences()) == SENTENCES, timeout=20_000)
    assert page.sentences.rows.joiner == ""
    assert page.readouts.isVisible()
    assert page.drawn()["count"] == SENTENCES

    page.shown.select(0)
    page = opened(digits, "smooth", pixels="continuous")
    assert page.left.currentWidget() is page.samples
    step(qtbot, window)
    assert not page.variance.measure_button.isEnabled()
    assert not page.knobs.rows["M"].isEnabled()
    assert page.knobs.rows["boundary"].isEnabled()
    qtbot.waitUntil(lambda: page.samples.count() == SAMPLES, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.session.open(OldRun(tmp_path / "toy"))
    assert page.left.currentWidget() is page.toy
    assert page.shown.selected() == 0
    assert page.knobs.rows["M"].isEnabled()


def test_what_cannot_be_measured_is_told_in_its_place(qtbot, window, digits, opened):
    page = opened(digits)
    page.session.ask("compare", "compare", seed=0, steps=5, every=1, divergences=("none",), estimator="per-z")
    qtbot.waitUntil(lambda: "Compare one or more" in page.compare.reason.text(), timeout=20_000)
    page.session.ask("variance", "variance", redraws=1, seed=0)
    qtbot.waitUntil(lambda: "at least 2 redraws" in page.variance.words.text(), timeout=20_000)
    assert not page.card.isVisible()


def test_states_come_about_by_themselves(qtbot, digits, opened, monkeypatch):
    monkeypatch.setattr(bgan, "SHORT", 10)
    page = opened(digits)
    page.variance.redraws.setValue(20)
    for name, face in (("samples", TRAIN), ("divergences", TABLE), ("compare", COMPARE)):
        begin, is_there = page.states()[name]
        assert not is_there()
        begin()
        qtbot.waitUntil(is_there, timeout=20_000)
        assert page.faces.place() == face
