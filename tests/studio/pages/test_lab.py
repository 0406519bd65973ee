"""The lab's page, as a person uses it."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage

from studio.actions import BY_ID


@pytest.fixture
def page(qtbot, window):
    made = window.show_page("lab")
    qtbot.waitUntil(lambda: made.frame is not None, timeout=20_000)
    made.setup.set_chains(16)
    made.setup.changed.emit()
    qtbot.waitUntil(lambda: len(made.frame.lanes[0].heads) == 16, timeout=20_000)
    return made


def step_of(page, lane=0):
    return page.frame.lanes[lane].step


def wait_step(qtbot, page, step):
    qtbot.waitUntil(lambda: step_of(page) == step, timeout=20_000)


def pixel(page, place):
    view = page.lanes[0].view
    x, y = view.plane.pixels(np.array([place]))[0]
    return QPoint(round(x), round(y))


def test_play_pause_step_and_back_by_keys(qtbot, window, page):
    window.shell.do(BY_ID["toggle"])
    qtbot.waitUntil(lambda: step_of(page) > 3, timeout=20_000)
    assert page.playback.play_button.text() == "Pause"
    with qtbot.waitSignal(page.worker.paused, timeout=20_000):
        window.shell.do(BY_ID["toggle"])
    qtbot.wait(60)
    t, heads = step_of(page), page.frame.lanes[0].heads
    page.lanes[0].view.setFocus()
    qtbot.keyClick(page.lanes[0].view, Qt.Key.Key_S)
    wait_step(qtbot, page, t + 1)
    assert not np.array_equal(page.frame.lanes[0].heads, heads)
    qtbot.keyClick(page.lanes[0].view, Qt.Key.Key_Backspace)
    wait_step(qtbot, page, t)
    assert np.array_equal(page.frame.lanes[0].heads, heads)
    qtbot.keyClick(page.lanes[0].view, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.playback.playing, timeout=20_000)
    qtbot.keyClick(page.lanes[0].view, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not page.playback.playing, timeout=20_000)


def test_a_knob_is_turned_while_it_plays(qtbot, page):
    page.playback.play_button.click()
    qtbot.waitUntil(lambda: step_of(page) > 2, timeout=20_000)
    row = page.side.lanes[0].rows["step_size"]
    row.field.setText("0.5")
    row.field.setModified(True)
    row.field.editingFinished.emit()
    assert "drift σ²/2 = 0.125, noise σ = 0.500" in [much.text() for _, much in page.side.lanes[0].lines]
    qtbot.waitUntil(lambda: "since step" in page.diagnostics.over.text(), timeout=20_000)
    page.playback.play_button.click()
    qtbot.waitUntil(lambda: not page.playback.playing, timeout=20_000)
    page.playback.reset_button.click()
    wait_step(qtbot, page, 0)
    assert page.side.lanes[0].values() == {"step_size": 0.5}


def test_a_drag_of_a_knob_is_undone_as_a_whole(qtbot, window, page):
    before = page.side.lanes[0].values()
    for value in (0.9, 0.7, 0.5):
        page.side.lanes[0].rows["step_size"]._take(value)
    assert page.side.lanes[0].values() == {"step_size": 0.5}
    window.page.undo()
    assert page.side.lanes[0].values() == before


def test_best_step_finds_the_knob_again(qtbot, page):
    best = page.side.lanes[0].values()
    page.side.knob.emit(0, "step_size", 3.0)
    with qtbot.waitSignal(page.worker.turned, timeout=20_000):
        page.side.lanes[0].suit_button.click()
    assert page.side.lanes[0].values() == best


def test_a_head_is_dragged_and_numbers_are_shown(qtbot, page):
    view = page.lanes[0].view
    head = page.frame.lanes[0].heads[7]
    at, to = pixel(page, head), pixel(page, (0.0, 0.0))
    chosen = view.head_at(at)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseMove(view, to)
    view._held = view.plane.place(to)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=to)
    qtbot.waitUntil(lambda: np.abs(page.frame.lanes[0].heads[chosen]).max() < 0.1, timeout=20_000)
    assert not page.card.isVisible()


def test_several_samplers_race_and_fit(qtbot, window, page):
    for name in ("metropolis", "mala-approx"):
        page.side.kernels[name].click()
    qtbot.waitUntil(lambda: page.opened is not None and len(page.opened.lanes) == 3, timeout=20_000)
    page.worker.step()
    qtbot.waitUntil(lambda: [lane.step for lane in page.frame.lanes] == [2, 1, 2], timeout=20_000)
    qtbot.waitUntil(lambda: page.diagnostics.cells[2]["evaluations"].text() == "2", timeout=20_000)
    assert all(card.isVisible() for card in page.lanes)
    for size in ((1120, 700), (1280, 800), (1920, 1080)):
        window.resize(*size)
        qtbot.wait(20)
        for panel in (page.live, page.diagnostics, page.playback, page.side, page.setup):
            place = panel.geometry()
            assert place.right() <= panel.parentWidget().width()
            assert place.bottom() <= panel.parentWidget().height()
    page.side.kernels["metropolis"].click()
    page.side.kernels["mala-approx"].click()
    page.side.kernels["mala"].click()  # the last one stays
    qtbot.waitUntil(lambda: page.opened is not None and len(page.opened.lanes) == 1, timeout=20_000)
    assert page.side.chosen() == ("mala",)


def test_a_painting_is_the_target_at_once(qtbot, page, tmp_path):
    page.setup.choose("drawn")
    qtbot.waitUntil(lambda: page.opened.name == "drawn", timeout=20_000)
    before = page.opened.picture.density.sum()
    view = page.lanes[0].view
    assert view.brush == pytest.approx(page.side.brush.radius)
    spot = (3.0, -3.0)
    cells = page.opened.picture.density.shape[0]
    place = tuple(int((v + 4.8) / 9.6 * cells) for v in spot)
    was = page.opened.picture.density[place]
    for _ in range(3):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=pixel(page, spot))
    qtbot.waitUntil(lambda: page.opened.picture.density[place] > was + 0.01, timeout=20_000)
    assert page.opened.picture.density.sum() == pytest.approx(before, rel=1e-3)  # still a density
    assert page.command() == ""  # not on disk yet
    page.save_painting(tmp_path / "mine.json")
    assert str(tmp_path / "mine.json") in page.command()
    page.side.brush.clear_button.click()
    assert "paint something" in page.card.sentence.text()
    page.load_painting(tmp_path / "mine.json")
    painted = page.side.brush.weights.copy()
    names = [page.history.text(i) for i in range(page.history.count())]
    assert names == ["brush stroke"] * 3 + ["painting cleared", "painting loaded"]
    for _ in range(3):
        page.undo()
    assert page.side.brush.weights.sum() < painted.sum()
    page.redo()
    assert np.array_equal(page.side.brush.weights, painted)
    page.side.kernels["mala-approx"].click()  # other samplers: the strokes can still be taken back
    qtbot.waitUntil(lambda: len(page.opened.lanes) == 2, timeout=20_000)
    assert page.history.canUndo()
    page.setup.choose("banana")
    assert not page.history.canUndo()


def test_a_typed_density_is_checked_while_one_types(qtbot, page):
    page.setup.choose("typed")
    qtbot.waitUntil(lambda: page.opened.name.startswith("expr:"), timeout=20_000)
    field = page.side.formula.field
    field.clear()
    qtbot.keyClicks(field, "x +* y")
    assert page.side.formula.sentence.isVisible()
    assert "place" in page.side.formula.sentence.text()
    field.clear()
    qtbot.keyClicks(field, "x")
    assert not page.side.formula.sentence.isVisible()  # it can be read, but is no density
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "no density" in page.side.formula.sentence.text(), timeout=20_000)
    field.clear()
    qtbot.keyClicks(field, "-x**2-abs(y)")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "abs(y)" in page.opened.title, timeout=20_000)
    assert page.command().startswith("sampling-studio lab mala --target 'expr:-x**2-abs(y)'")


def test_the_twins_limit_is_overlaid_and_its_error_measured(qtbot, page, monkeypatch):
    from studio.workers import limit

    monkeypatch.setattr(limit, "FACTORS", (8.0, 2.0))
    monkeypatch.setattr(limit, "_CHAINS", 256)
    page.setup.choose("twin")
    page.side.kernels["mala-approx"].click()
    page.side.kernels["mala"].click()
    qtbot.waitUntil(lambda: page.lanes[0].has_limit and page.opened.name == "twin", timeout=20_000)
    assert page.side.view.isVisible()
    page.side.view.chosen.emit(2)
    assert page.lanes[0].view._shown is page.lanes[0]._limit
    page.errors.measure_button.click()
    qtbot.waitUntil(lambda: len(page.errors._found) == 2, timeout=20_000)
    (small, near, _), (large, far, _) = page.errors._found
    assert small < large
    assert near < far


def test_a_bad_start_is_one_sentence(qtbot, page):
    page.setup.starts.setCurrentIndex(3)
    page.setup.point.setText("0,0,0")
    page.setup.starts.activated.emit(3)
    qtbot.waitUntil(lambda: "2 dimensions" in page.card.sentence.text(), timeout=20_000)
    page.setup.point.setText("here")
    page.setup.point.editingFinished.emit()
    assert "commas" in page.card.sentence.text()


def test_many_dimensions(qtbot, page):
    page.setup.choose("ill-conditioned")
    qtbot.waitUntil(lambda: page.opened.d == 20, timeout=20_000)
    page.setup.dimensions.setValue(5)
    qtbot.waitUntil(lambda: page.opened.name == "ill-conditioned:5", timeout=20_000)
    assert "first two axes" in page.subtitle.full_text()


def test_exports_and_the_command(qtbot, page, tmp_path):
    page.worker.step()
    wait_step(qtbot, page, 1)
    page.export(tmp_path / "stage.png")
    assert QImage(str(tmp_path / "stage.png")).width() > 400
    page.export(tmp_path / "chains.csv")
    qtbot.waitUntil(lambda: (tmp_path / "chains.csv").exists(), timeout=20_000)
    assert len((tmp_path / "chains.csv").read_text().splitlines()) == 17
    page.copy_button.click()
    text = QGuiApplication.clipboard().text()
    assert text == "sampling-studio lab mala --target banana --chains 16 --steps 1 --seed 0 --start=exact --step-size 1.1"
    page.export(tmp_path / "none" / "stage.png")
    assert "could not be written" in page.card.sentence.text()


def test_leaving_the_page_pauses_and_closing_while_it_plays_ends_the_thread(qtbot, window, page):
    page.toggle()
    qtbot.waitUntil(lambda: page.playback.playing, timeout=20_000)
    window.show_page("home")
    qtbot.waitUntil(lambda: not page.playback.playing, timeout=20_000)
    window.show_page("lab")
    page.worker.set_speed(-1)
    page.toggle()
    qtbot.waitUntil(lambda: page.playback.playing, timeout=20_000)
    window.close()
    assert page.worker.isFinished()
