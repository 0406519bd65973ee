"""Home: the ways in, and runs that the window has no page for."""

import json
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from models.files import home
from models.settings import change, runs_folder
from studio.pages import PAGES
from studio.pages.home import HomePage
from studio.session import Session
from studio.stopped import crash_log, keep_log
from tests.studio.runfolders import made


@pytest.fixture
def page(qtbot, dressed):
    """Home alone, ready."""
    shown = HomePage(Session())
    qtbot.addWidget(shown)
    shown.set_ready(True)
    shown.resize(1200, 752)
    yield shown
    shown.stop()


def test_home_leads_to_every_other_page(qtbot, window):
    home, asked = window.pages["home"], []
    assert {*home.starters} == set(PAGES) - {"home", "gallery", "runs"}
    home.begin.disconnect(window.begin)
    home.begin.connect(asked.append)
    for starter in home.starters.values():
        qtbot.mouseClick(starter, Qt.MouseButton.LeftButton)
    assert asked == [*home.starters]
    window.begin("lab")
    assert window.page is window.pages["lab"]


def test_demos_move_while_they_are_seen_and_no_longer(qtbot, page):
    page.show()
    moving = [card.view for card in page.cards.values()]
    before = [view.tick for view in moving]
    qtbot.waitUntil(lambda: all(view.tick > tick for view, tick in zip(moving, before, strict=True)), timeout=5_000)
    views = [card.view.grab().toImage() for card in page.cards.values()]
    assert len({bytes(image.constBits()) for image in views}) == len(views)
    assert not [view.trouble for view in moving if view.trouble]
    page.hide()
    assert not page._clock.isActive()
    change(reduce_motion=True)
    page.show()
    assert not page._clock.isActive()


def test_a_demo_is_unpacked_beside_the_window_and_its_command_is_copied(qtbot, page):
    card = page.cards["began"]
    with qtbot.waitSignal(page.demo_wanted, timeout=20_000) as wanted:
        qtbot.mouseClick(card.demo_button, Qt.MouseButton.LeftButton)
        assert card.demo_button.text() == "Unpacking …"
    assert (wanted.args[0].name, wanted.args[1]) == ("began", runs_folder() / "demo-began")
    assert card.demo_button.isEnabled()
    qtbot.mouseClick(card.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == card.asset.command
    with qtbot.waitSignal(page.demo_wanted) as wanted:
        qtbot.mouseClick(page.cards["lab"].demo_button, Qt.MouseButton.LeftButton)
    assert wanted.args[0].about["kernels"] == ["mala", "mala-approx"]
    assert wanted.args[1] is None


def test_what_stopped_last_time_is_told_resumed_and_put_away(qtbot, dressed):
    for name in ("first", "second", "closed"):
        made(runs_folder() / name)
    for name in ("first", "second"):
        (runs_folder() / name / "owner.json").write_text('{"pid": 1}')
    (home() / "crash.log").write_text("Fatal Python error: Segmentation fault")
    keep_log()
    page = HomePage(Session())
    qtbot.addWidget(page)
    page.set_ready(True)
    assert {path.name for path in page.leftovers} == {"first", "second"}
    first, second = (page.leftovers[runs_folder() / name] for name in ("first", "second"))
    assert "first (BEGAN) was open" in first.sentence.text()
    assert "Segmentation fault" in first.details.toPlainText()
    with qtbot.waitSignal(page.resumed) as resumed:
        qtbot.mouseClick(first.remedy_button, Qt.MouseButton.LeftButton)
    assert resumed.args == [runs_folder() / "first"]
    qtbot.mouseClick(second.close_button, Qt.MouseButton.LeftButton)
    assert not (runs_folder() / "second" / "owner.json").exists()
    page.refresh()
    assert [*page.leftovers] == [runs_folder() / "first"]
    page.session.run = SimpleNamespace(path=runs_folder() / "first")  # it is open here: nothing is left over
    page.refresh()
    assert not page.leftovers
    assert crash_log() == ""


def test_a_run_without_a_page_is_told(qtbot, window, tmp_path):
    run = tmp_path / "mine"
    run.mkdir()
    fields = {"system": "tgan", "seed": 0, "data": {}, "phases": [], "config": {}, "knobs": {}, "plan": {}, "columns": [], "format": 1}
    (run / "run.json").write_text(json.dumps(fields))
    window.open_run(run)
    assert window.page is window.pages["home"]
    assert "mine is a run of TGAN, which has no page" in window.page.card.sentence.text()
