"""The PPGN page, as a person trains with it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from models import catalog
from models.algorithms import ppgn
from models.contract import Phase, Preset
from models.data import faces, glyphs
from studio.actions import BY_ID
from studio.messages import NewRun, OldRun
from studio.pages.ppgn import DRAWN, PICTURES, SAID
from tests.studio.driving import enter, step, until
from tests.studio.tiny import TINY as TINY_BEGAN
from tests.studio.tiny import pictures

TINY = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 16, "words": 32, "batch": 4}
STEPS = 4  # of every phase


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Phases of a few steps, a few glyphs, and so few faces, which the form begins with, that it refuses them."""
    monkeypatch.setitem(ppgn.PRESETS, "quick", Preset("quick", "a few steps", tuple(Phase(name, STEPS) for name in ppgn.PHASES)))
    monkeypatch.setattr(glyphs, "COUNTS", dict.fromkeys(glyphs.COUNTS, 160))
    monkeypatch.setattr(faces, "COUNTS", dict.fromkeys(faces.COUNTS, 40))


@pytest.fixture
def classes(tmp_path):
    """Two folders of pictures, which are two classes."""
    rng = np.random.default_rng(0)
    for name, base in (("dark", 40), ("light", 190)):
        folder = tmp_path / "classes" / name
        folder.mkdir(parents=True)
        for i in range(20):
            Image.fromarray((base + rng.integers(0, 30, (32, 32, 3))).astype(np.uint8)).save(folder / f"{i:02}.png")
    return tmp_path / "classes"


def opened(qtbot, window, source, page="ppgn"):
    page = window.show_page(page)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(source)
    return page


def new(data, path):
    return NewRun("ppgn", str(data), "quick", config=TINY, path=path, threads=1)


def plots(page):
    return [card._plot.title for card in page.curves.cards if card.isVisible()]


def test_the_form_refuses_what_has_no_labels_and_starts_on_what_has(qtbot, window, classes, tmp_path):
    page = window.show_page("ppgn")
    page.new.choose_data(str(pictures(tmp_path / "plain")))
    qtbot.waitUntil(lambda: "has no labels" in page.new.picker.error.text(), timeout=60_000)
    assert not page.new.start_button.isEnabled()
    page.new.choose_data(str(classes))
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    page.new.settings.set_values(TINY)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    assert page.stage.currentWidget() is page.live
    assert page.phases.isVisible()
    until(qtbot, window, "finished")
    assert window.session.step == STEPS * len(ppgn.PHASES)


def test_a_setting_that_changes_what_is_read_is_looked_at(qtbot, window, classes):
    page = window.show_page("ppgn")
    page.new.choose_data(str(classes))
    qtbot.waitUntil(lambda: page.new.start_button.isEnabled() and page.new.is_ready(), timeout=60_000)
    page.new.settings.rows["channels"].changed.emit(1)
    page.new.settings.set_values({"channels": 1})
    page.new._soon()
    qtbot.waitUntil(lambda: page.new.is_ready() and page.new._seen == (str(classes), 32, 1, "all", True), timeout=60_000)


def test_all_phases_with_their_pictures_and_curves(qtbot, window, tmp_path):
    page = opened(qtbot, window, new("glyphs", tmp_path / "run"))
    step(qtbot, window)
    assert plots(page) == ["Classifier and scorer", "Right answers"]
    qtbot.waitUntil(lambda: page.classes.bars.names == ("class",), timeout=20_000)
    qtbot.waitUntil(lambda: "G has not been trained yet" in page.pairs._title, timeout=20_000)
    assert page.pairs.shown().shape[1:3] == (32, 32)
    assert (page.readouts.values["C"].text() != "–", page.readouts.values["scorer"].text()) == (True, "–")  # its phase is to come
    step(qtbot, window, 2 * STEPS)  # a step of the generator
    assert page.phases.looked_at() == "generator"
    assert plots(page) == ["Losses of G", "Balance r"]
    qtbot.waitUntil(lambda: page.pairs.shown().shape[1:3] == (64, 32), timeout=20_000)
    page.transport.run_button.click()
    until(qtbot, window, "finished")
    assert page.shown.currentIndex() == SAID
    qtbot.waitUntil(lambda: len(page.captions.said()) == 12, timeout=20_000)
    assert plots(page) == ["Captioner"]
    assert sorted(page.curves._phases.items()) == [(STEPS * i, name) for i, name in enumerate(ppgn.PHASES)]
    page.shown.setCurrentIndex(PICTURES)
    qtbot.waitUntil(lambda: page.pairs.shown().shape[1:3] == (96, 32), timeout=20_000)  # x, G, Joint
    assert (tmp_path / "run" / "preview.png").is_file()
    assert "captioner" in page.subtitle.full_text()


def test_a_phase_that_is_over_can_be_looked_at_again(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window, 2 * STEPS + 2)
    encoder, _, generator, joint = page.phases._phases[:4]
    assert not joint.isEnabled()  # it is to come
    qtbot.mouseClick(encoder, Qt.MouseButton.LeftButton)
    assert plots(page) == ["Classifier and scorer", "Right answers"]
    step(qtbot, window)
    assert page.phases.looked_at() == "encoder"  # it stays until the next phase
    qtbot.mouseClick(generator, Qt.MouseButton.LeftButton)
    assert plots(page) == ["Losses of G", "Balance r"]
    page.phases.chosen.emit("encoder")


def test_a_phase_is_left_early_and_the_end_comes_nearer(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window)
    with qtbot.waitSignal(window.session.line, timeout=20_000):
        qtbot.mouseClick(page.phases.skip_button, Qt.MouseButton.LeftButton)
    assert page.phases.looked_at() == "scorer"
    assert page.phases._phases[0].toolTip().startswith("encoder: left after 1 of 4 steps")
    assert window.session.run.total == 1 + 6 * STEPS
    assert "step 1 of 25" in page.transport.text.full_text()
    page.transport.run_button.click()
    until(qtbot, window, "finished")
    assert window.session.step == 1 + 6 * STEPS
    assert not page.phases.skip_button.isEnabled()  # nothing comes after the captioner
    assert page.phases.skip_button.toolTip() == "This is the last phase"
    assert any("left early" in text for _, text, _ in page.journal.model.lines)


def test_skipping_while_it_runs_ends_it_earlier(qtbot, window, classes, tmp_path, monkeypatch):
    long = tuple(Phase(name, 100_000 if name == "encoder" else STEPS) for name in ppgn.PHASES)
    monkeypatch.setitem(ppgn.PRESETS, "quick", Preset("quick", "a long encoder", long))
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    page.transport.run_button.click()
    qtbot.waitUntil(lambda: window.session.step > 2, timeout=20_000)
    page.phases.skip_button.click()
    until(qtbot, window, "finished")
    assert window.session.step == window.session.run.total < 100_000


def test_samples_their_seed_and_one_of_them_large(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window, 2 * STEPS + 1)
    page.shown.setCurrentIndex(DRAWN)
    qtbot.waitUntil(lambda: page.samples.count() == 64, timeout=20_000)
    before = page.samples.picture(0).copy()
    page.seed.setValue(3)
    qtbot.waitUntil(lambda: not np.array_equal(page.samples.picture(0), before), timeout=20_000)
    page.samples.select(5)
    page.samples.clicked.emit(5)
    qtbot.waitUntil(page.beside.shows_detail, timeout=20_000)
    assert "seed 3 #5" in page.detail.captions["sample"].text()
    assert "of 1 attributes" in page.detail.words.text()
    page.shown.setCurrentIndex(PICTURES)
    assert not page.beside.shows_detail()


def test_data_without_captions_say_so(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window)
    page.shown.setCurrentIndex(SAID)
    qtbot.waitUntil(lambda: "not been trained" in page.captions.empty.text(), timeout=20_000)
    page.transport.run_button.click()
    until(qtbot, window, "finished")
    qtbot.waitUntil(lambda: "no captions" in page.captions.empty.text(), timeout=20_000)


def test_exports_carry_their_recipe_and_lead_back(qtbot, window, classes, tmp_path):
    from studio.verify import verify

    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window, 2 * STEPS + 1)
    labels = [a.text() for a in page.export_button.menu().actions()]
    assert not any("Loop" in text for text in labels)  # it has no latents to go through
    for name, file in (("sheet", "sheet.png"), ("curves", "curves.csv"), ("gallery", "gallery.html")):
        with qtbot.waitSignal(window.session.exported, timeout=60_000):
            page.exporting.export(name, tmp_path / file)
    assert verify(tmp_path / "sheet.png").verdict == "identical"
    assert file in page.notice.full_text()
    window.session.stop()
    until(qtbot, window, "empty")
    assert page.stage.currentWidget() is page.new
    window.show_page("home")
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        enter(window, tmp_path / "sheet.png")
    assert window.page is page
    assert page.phases.looked_at() == "generator"
    assert page.phases.span("scorer") == (STEPS + 1, 2 * STEPS)
    assert plots(page) == ["Losses of G", "Balance r"]


def test_runs_of_two_systems_do_not_disturb_each_other(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "parts"))
    step(qtbot, window, 3)
    began = opened(qtbot, window, NewRun("began", str(classes), "quick", config=TINY_BEGAN, path=tmp_path / "run"), "began")
    assert page.session.run is None
    assert page.subtitle.full_text() == ""
    assert not page.export_button.isEnabled()
    step(qtbot, window, 2)
    assert began.curves.history.end == 3
    assert page.curves.history.end == 4  # as it was left
    assert not page.phases.skip_button.isEnabled()
    window.show_page("ppgn")
    page.looking.again()
    page.session.ask("samples", "samples", n=4, seed=0)
    window.shell.do(BY_ID["toggle"])  # Ctrl+Enter on a page that has no run
    assert window.session.condition == "paused"
    assert not began.phases.isVisible()
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        began.run_chosen.emit(tmp_path / "parts")  # "Open…" on the other page
    assert window.page is page
    assert page.curves.history.end == 4
    step(qtbot, window)
    assert page.curves.history.end == 5
    assert began.curves.history.end == 3
    assert began.stage.currentWidget() is began.new
    for one in (page, began):
        assert not one.card.isVisibleTo(one)


def test_an_export_is_told_on_the_page_that_asked(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "parts"))
    began = window.show_page("began")
    step(qtbot, window)
    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        page.exporting.export("curves", tmp_path / "curves.csv")
    assert "curves.csv" in page.notice.full_text()
    assert began.notice.full_text() == ""


def test_chains_of_the_open_run_have_its_side_its_foot_and_its_keys(qtbot, window, classes, tmp_path):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    face = page.chains
    assert page.faces.switch.isVisible()
    page.faces.choose(1)
    qtbot.waitUntil(lambda: face.facts is not None, timeout=60_000)
    assert face.shown.currentWidget() is face.empty  # nothing is trained yet
    face.empty.start.emit()
    assert page.faces.place() == 0
    window.session.go()
    until(qtbot, window, "finished")
    page.faces.choose(1)
    assert (page.stage.currentWidget(), page.sides.currentWidget()) == (face, face.side)
    assert face.foot.isVisible()
    assert not page.transport.isVisible()
    assert not page.export_button.isVisible()
    qtbot.waitUntil(lambda: face.frame is not None and face.frame.step == 0, timeout=60_000)
    at = window.session.step
    window.page.step_once()
    qtbot.waitUntil(lambda: face.frame.step == 1, timeout=20_000)
    window.shell.do(BY_ID["toggle"])
    qtbot.waitUntil(lambda: face.frame.step > 4, timeout=20_000)
    window.shell.do(BY_ID["toggle"])
    assert window.session.step == at  # the training was left alone
    page.faces.choose(0)
    assert page.stage.currentWidget() is page.live
    assert page.transport.isVisible()
    assert page.export_button.isVisible()
    page.faces.choose(1)
    page.new_run()
    assert page.stage.currentWidget() is page.new
    assert page.faces.place() == 0
    window.session.stop()
    until(qtbot, window, "empty")
    page.faces.choose(1)
    qtbot.waitUntil(lambda: face.facts is None, timeout=60_000)
    assert face.path is None


@pytest.mark.parametrize("size", [(1120, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_wider_than_its_place(qtbot, window, classes, tmp_path, size):
    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    step(qtbot, window, 2 * STEPS + 1)
    window.resize(*size)
    qtbot.waitUntil(lambda: window.width() == size[0], timeout=5000)
    for panel in (page.phases, page.pictures, page.beside, page.curves, page.sides, page.transport):
        place = panel.geometry()
        assert place.right() <= panel.parentWidget().width()
        assert place.bottom() <= panel.parentWidget().height()
    for side in (page.knobs, page.new.settings):
        assert side._body.minimumSize().width() <= side.width() - 10


def test_opening_fails_on_the_page_of_the_system(qtbot, window, classes, tmp_path):
    import shutil

    page = opened(qtbot, window, new(classes, tmp_path / "run"))
    began = window.show_page("began")
    window.session.stop()
    until(qtbot, window, "empty")
    shutil.rmtree(classes)
    with qtbot.waitSignal(window.session.trouble, timeout=60_000):
        window.session.open(OldRun(tmp_path / "run"))
        window.show_page("ppgn")
        assert page.stage.currentWidget() is page.opening.stage
        assert page.opening.stage.title.text() == "Opening run …"
        page.faces.choose(1)
        assert page.chains.shown.currentWidget() is page.chains.waiting
        assert page.chains.waiting.title.text() == "Opening run …"
        page.faces.choose(0)
        assert page.stage.currentWidget() is page.opening.stage
    assert page.stage.currentWidget() is page.new
    assert page.card.isVisibleTo(page)
    assert not began.card.isVisibleTo(began)


def test_every_algorithm_with_a_page_is_in_the_catalogue():
    from studio.pages import PAGES

    assert set(catalog.ALGORITHMS) <= set(PAGES)
