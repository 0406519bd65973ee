"""The BEGAN page, as a person uses it."""

import shlex
import time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from models.algorithms import began
from studio.actions import BY_ID
from studio.cli import main
from studio.messages import NewRun, OldRun
from studio.panels.data import HUB
from tests.studio.driving import enter

TINY = {"n": 4, "h": 8, "z": 8, "batch": 4}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(pictures / f"{i:02}.png")
    return pictures


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    from models.data import faces

    monkeypatch.setattr(faces, "COUNTS", dict.fromkeys(faces.COUNTS, 60))


def start(qtbot, window, folder, tmp_path, steps=0):
    page = window.show_page("began")
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("began", str(folder), "quick", config=TINY, path=tmp_path / "run"))
    for _ in range(steps):
        with qtbot.waitSignal(window.session.progressed, timeout=20_000):
            page.transport.step_button.click()
        qtbot.waitUntil(lambda: window.session.condition == "paused", timeout=20_000)
    return page


def test_form_previews_and_predicts_then_starts(qtbot, window, folder):
    page = window.show_page("began")
    page.new.choose_data(str(folder))
    card = page.new.picker.card
    qtbot.waitUntil(lambda: card.isVisible(), timeout=60_000)
    assert card.facts["Pictures"].full_text() == "40 at 32 px"
    assert card.facts["Original size"].full_text() == "40×40"
    assert any("only" in note for note in card.notes.text().splitlines())  # too few to train on
    qtbot.waitUntil(lambda: page.new.time.text().startswith("About"), timeout=60_000)
    page.new.settings.set_values(TINY)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.step >= 5, timeout=60_000)
    assert page.transport.run_button.text() == "Pause"
    assert page.stage.currentWidget() is page.live


def test_form_says_why_data_cannot_be_read(qtbot, window, tmp_path):
    page = window.show_page("began")
    empty = tmp_path / "empty"
    empty.mkdir()
    page.new.choose_data(str(empty))
    qtbot.waitUntil(lambda: page.new.picker.error.text() != "", timeout=60_000)
    assert not page.new.start_button.isEnabled()
    assert page.new.picker.combo.findText("empty") < 0  # it is not offered again
    assert page.new.picker.combo.placeholderText() == "empty"
    assert page.new.request().data == str(empty)
    page.new.picker.combo.activated.emit(page.new.picker.combo.findText(HUB))
    assert not page.new.picker.error.isVisible()


def test_a_slow_source_can_be_cancelled_and_is_not_trained_on(qtbot, window, folder, monkeypatch):
    page = window.show_page("began")
    page.new.choose_data(str(folder))
    qtbot.waitUntil(lambda: page.new.start_button.isEnabled() and page.new.is_ready(), timeout=60_000)
    plain = began.open_data

    def slow(spec, config, progress=None):
        time.sleep(0.6)  # a hub that does not answer
        return plain(str(folder), config, progress)

    monkeypatch.setattr(began, "open_data", slow)
    picker = page.new.picker
    picker.combo.activated.emit(picker.combo.findText(HUB))
    assert not page.new.start_button.isEnabled()
    picker.name.setText("owner/name")
    picker.name.returnPressed.emit()
    qtbot.waitUntil(picker.bar.isVisible, timeout=2000)
    assert (picker.bar.maximum(), picker.cancel_button.isVisible(), page.new.start_button.isEnabled()) == (0, True, False)
    picker.cancel_button.click()
    assert "Not read" in picker.text.full_text()
    assert not picker.bar.isVisible()
    qtbot.waitUntil(page.new.is_ready, timeout=5000)
    assert not page.new.start_button.isEnabled()
    assert not picker.card.isVisible()
    picker.name.returnPressed.emit()
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=5000)
    assert page.new.request().data == "hub:owner/name"


def test_zero_threads_are_called_auto(window):
    threads = window.show_page("began").new.settings.rows["threads"]
    assert (threads.field.text(), threads.value) == ("auto", 0)
    threads.show_value(2)
    assert threads.field.text() == "2"
    threads.field.setText("auto")
    threads.field.setModified(True)
    threads.field.editingFinished.emit()
    assert threads.value == 0


def test_single_steps_reach_curves_readouts_and_transport(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=3)
    assert page.curves.history.end == 4  # steps 1 to 3
    assert "step 3 of" in page.transport.text.full_text()
    assert page.readouts.values["M_global"].text() != "–"
    qtbot.waitUntil(lambda: page.samples.count() == 64 and page.readouts.values["held_out"].text() != "–", timeout=20_000)


def test_knob_is_journaled_ticked_and_undone(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    with qtbot.waitSignal(window.session.line, timeout=20_000) as line:
        page.knobs.changed.emit("gamma", 0.9)
    assert line.args[0]["what"] == "knobs"
    assert line.args[0]["change"] == {"gamma": 0.9}
    assert 1 in page.curves._knobs
    with qtbot.waitSignal(window.session.line, timeout=20_000) as line:
        page.undo()
    assert line.args[0]["change"] == {"gamma": 0.5 if page.session.knobs["gamma"] == 0.5 else page.session.knobs["gamma"]}
    assert page.knobs.values()["gamma"] == page.session.knobs["gamma"] != 0.9


def test_clicked_sample_shows_its_neighbour_and_error(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    qtbot.waitUntil(lambda: page.samples.count() == 64, timeout=20_000)
    page.samples.clicked.emit(7)
    qtbot.waitUntil(lambda: page.detail.isVisible(), timeout=20_000)
    assert "#7" in page.detail.captions["sample"].text()
    assert ".png" in page.detail.captions["nearest"].text()


def test_seed_and_ema_change_what_is_drawn(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=2)
    qtbot.waitUntil(lambda: page.samples.count() == 64, timeout=20_000)
    before = page.samples.picture(0).copy()
    page.seed.setValue(5)
    qtbot.waitUntil(lambda: not np.array_equal(page.samples.picture(0), before), timeout=20_000)


def test_recovery_improves_and_can_be_left(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    page.interpolation.between.buttons[1].click()
    qtbot.waitUntil(lambda: "%" in page.interpolation.strip._note, timeout=20_000)
    page.interpolation.between.buttons[0].click()
    qtbot.waitUntil(lambda: page.interpolation.strip._title == "Interpolation", timeout=20_000)


def test_export_from_the_page_verifies(qtbot, window, folder, tmp_path):
    from studio.verify import verify

    page = start(qtbot, window, folder, tmp_path, steps=2)
    for name, file in (("sheet", "sheet.png"), ("curves", "curves.csv")):
        with qtbot.waitSignal(window.session.exported, timeout=60_000):
            page.exporting.export(name, tmp_path / file)
        assert verify(tmp_path / file).verdict == "identical"


def test_two_runs_after_each_other_and_closing_saves(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=2)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("began", str(folder), "quick", config=TINY, path=tmp_path / "second"))
    assert page.curves.history.end <= 1
    window.session.close()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(OldRun(tmp_path / "run"))
    assert window.session.step == 2


def test_dropped_export_opens_the_run_that_made_it(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        page.exporting.export("sheet", tmp_path / "sheet.png")
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        enter(window, tmp_path / "sheet.png")
    assert window.session.run.path == tmp_path / "run"


def test_trouble_is_a_card_with_a_remedy(qtbot, window, folder, tmp_path, monkeypatch):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    import torch

    with torch.no_grad():
        window.session._worker._job.run.state.D.decoder.to_picture.bias.fill_(float("nan"))
    with qtbot.waitSignal(window.session.trouble, timeout=60_000):
        window.session.go()
    assert "no longer a finite number" in page.card.sentence.text()
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        page.card.remedy_button.click()
    qtbot.waitUntil(lambda: window.session.condition == "paused", timeout=20_000)
    with qtbot.waitSignal(window.session.progressed, timeout=20_000):
        window.session.step_once()


def test_keyboard_runs_and_pauses(qtbot, window, folder, tmp_path):
    start(qtbot, window, folder, tmp_path)
    window.shell.do(BY_ID["toggle"])
    qtbot.waitUntil(lambda: window.session.condition == "running", timeout=20_000)
    window.shell.do(BY_ID["toggle"])
    asked = time.monotonic()
    qtbot.waitUntil(lambda: window.session.condition == "paused", timeout=20_000)
    assert time.monotonic() - asked < 5


@pytest.mark.parametrize("size", [(1120, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_wider_than_its_place(qtbot, window, folder, tmp_path, size):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    window.resize(*size)
    qtbot.wait(50)
    for panel in (page.samples, page.beside, page.curves, page.sides, page.transport):
        place = panel.geometry()
        assert place.right() <= panel.parentWidget().width()
        assert place.bottom() <= panel.parentWidget().height()
    assert page.knobs._body.minimumSize().width() <= page.knobs.width() - 10


def test_past_the_preset_there_is_no_end(qtbot, window, folder, tmp_path, monkeypatch):
    from models.algorithms import began
    from models.contract import Phase, Preset

    monkeypatch.setitem(began.PRESETS, "quick", Preset("quick", "three steps", (Phase("adversarial", 3),)))
    page = start(qtbot, window, folder, tmp_path)
    window.session.go()
    qtbot.waitUntil(lambda: window.session.condition == "finished", timeout=20_000)
    assert "step 3 of 3" in page.transport.text.full_text()
    assert "left" not in page.transport.text.full_text()
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(OldRun(tmp_path / "run"))
    assert page.transport.why.text().startswith("Finished")
    page.transport.run_button.click()
    qtbot.waitUntil(lambda: window.session.step > 5, timeout=20_000)
    assert "left" not in page.transport.text.full_text()
    assert " of " not in page.transport.text.full_text()


def test_one_drag_is_one_undo(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path)
    before = window.session.knobs["gamma"]
    for value in (0.1, 0.2, 0.3):
        page.knobs.changed.emit("gamma", value)
    page.undo()
    assert window.session.knobs["gamma"] == before
    page.redo()
    assert page.history.canUndo()
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("began", str(folder), "quick", config=TINY, path=tmp_path / "another"))
    assert not page.history.canUndo()


def test_no_selection_closes_the_loupe(qtbot, window, folder, tmp_path):
    page = start(qtbot, window, folder, tmp_path, steps=1)
    qtbot.waitUntil(lambda: page.samples.count() == 64, timeout=20_000)
    page.samples.select(3)
    page.samples.clicked.emit(3)
    qtbot.waitUntil(lambda: page.beside.currentWidget() is page.detail, timeout=20_000)
    page.samples.select(-1)
    assert page.beside.currentWidget() is not page.detail


def test_samples_are_kept_in_the_gallery(qtbot, window, folder, tmp_path):
    from models.journal import RunFolder

    page = start(qtbot, window, folder, tmp_path)
    qtbot.waitUntil(lambda: page.samples.count() == 64, timeout=20_000)
    page.samples.select(3)
    qtbot.keyClick(page.samples, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: page.notice.full_text() == "Kept 1 in the gallery", timeout=20_000)
    page.samples.select(-1)
    page.keep_button.click()
    qtbot.waitUntil(lambda: page.notice.full_text() == "Kept 64 in the gallery", timeout=20_000)
    assert 0 in RunFolder.open(tmp_path / "run", write=False).pins()
    shown = page.samples.shown()
    page.show_button.click()
    gallery = window.page
    assert gallery.subtitle.full_text() == "64 samples"
    assert gallery.gallery.entry(1).row == 3
    assert gallery.gallery.entry(1).score_name == "L(v)"
    gallery.grid.select([1])
    assert np.array_equal(gallery.detail._pixels, np.broadcast_to(shown[3], (32, 32, 3)))


def test_strips_of_large_pictures_are_averaged():
    from studio.panels.interpolation import smaller

    rng = np.random.default_rng(0)
    large = rng.integers(0, 256, (2, 128, 128, 3), np.uint8)
    assert smaller(large).shape == (2, 64, 64, 3)
    assert smaller(large)[1, 3, 5, 2] == round(large[1, 6:8, 10:12, 2].mean())
    assert np.array_equal(smaller(large[:, :32, :32]), large[:, :32, :32])


def test_the_palette_steers_the_run_and_it_can_be_copied(qtbot, window, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = start(qtbot, window, folder, tmp_path, steps=2)
    assert page.as_command().startswith("sampling-studio train began ")
    window.shell.open_palette("gamma .6")
    palette = window.shell._palette
    assert palette.current().title == "γ diversity ratio: 0.75 → 0.6"
    palette.enter()
    assert (window.session.knobs["gamma"], page.knobs.values()["gamma"]) == (0.6, 0.6)
    window.shell.fill_menu()
    assert window.shell.menu.actions()[0].text() == "Undo γ 0.75 → 0.6"
    window.shell.open_palette("go 2")
    assert "a step after the present one, 2" in palette.told.text()
    palette.line.setText("go +2")
    assert palette.current().title == "Train to step 4: 2 steps more"
    with qtbot.waitSignal(window.session.conditioned, timeout=20_000, check_params_cb=lambda c, _: c == "finished"):
        palette.enter()
    assert window.session.step == 4
    assert page.transport.why.text().endswith("step 4 is reached")
    page.seed.setValue(7)
    first, second, samples = page.as_command().splitlines()
    assert "--steps 2" in first
    assert second.endswith("--steps 4 --set gamma=0.6")
    assert "--step 4 -n 64 --seed 7" in samples
    for line in (first, second, samples):
        assert main(shlex.split(line)[1:]) == 0
    names: dict = {}
    exec(page.as_python().replace("-again", "-once-more"), names)
    assert names["record"].pictures.shape[0] == 64
