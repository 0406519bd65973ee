"""Evaluations, the alarm, and the data's card on the BEGAN page."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from models import watch
from models.algorithms import began
from models.contract import Progress, Score
from studio.messages import Evaluate, NewRun, OldRun
from studio.pages.judging import BACK, Judging
from studio.session import Session
from tests.studio.driving import enter
from tests.studio.tiny import TINY, pictures


@pytest.fixture
def twins(monkeypatch):
    """Evaluations of two quick parts; the share of near twins is what a test puts here."""
    share = {"value": 0.0}

    def evaluate(state, data, knobs, *, n, seed, rows):
        value, step = share["value"], state.step
        yield Progress(1, 2)
        scores = {
            "frechet": Score(100.0 - step, n, 0.5, "lower", "Fréchet distance", "How far."),
            "duplicates": Score(value, n, 0.0, "lower", "Near twins", "How many."),
            "kid": Score(None, n, None, "lower", "Kernel distance", "Refused here."),
        }
        yield Progress(2, 2, scores)

    def alarm(earlier, now):
        return f"{now['duplicates']['value']:.0%} have a near twin." if now["duplicates"]["value"] > 0.5 else ""

    monkeypatch.setattr(began, "evaluate", evaluate)
    monkeypatch.setattr(watch, "alarm", alarm)
    return share


@pytest.fixture
def page(qtbot, window, tmp_path, twins):
    page = window.show_page("began")
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, path=tmp_path / "run"))
    return page


def steps(qtbot, page, count):
    for _ in range(count):
        step = page.session.step
        page.session.step_once()
        qtbot.waitUntil(lambda step=step: page.session.step == step + 1 and page.session.condition == "paused", timeout=20_000)


def evaluated(qtbot, page, count):
    qtbot.waitUntil(lambda: len(page.judging.panel.lines) == count, timeout=20_000)


def test_evaluate_now_fills_the_tab(qtbot, page):
    steps(qtbot, page, 2)
    panel = page.judging.panel
    assert panel.currentWidget() is panel.empty
    page.tabs.setCurrentIndex(1)
    assert panel.isVisible()
    page.judging.bar.now_button.click()
    evaluated(qtbot, page, 1)
    assert panel.lines[0]["step"] == 2
    assert [one.name for one in panel.scores.model.lines] == ["frechet", "kid", "duplicates"]
    qtbot.waitUntil(page.judging.bar.now_button.isEnabled, timeout=5000)
    assert page.judging.bar.now_button.text() == "Evaluate now"


def test_evaluations_come_at_the_multiples(qtbot, page):
    page.judging.bar.every.setValue(10)
    page.judging.bar.samples.setValue(64)
    page.judging.bar.on.click()
    page.session.go()
    evaluated(qtbot, page, 3)
    page.session.pause()
    qtbot.waitUntil(lambda: page.session.condition == "paused", timeout=20_000)
    assert all(line["step"] % 10 == 0 and line["n"] == 64 for line in page.judging.panel.lines)
    assert page.judging.panel.curves.history.end == page.session.step + 1


def collapse(qtbot, page, twins):
    """A healthy evaluation at step 2, a collapse at step 5."""
    steps(qtbot, page, 2)
    page.judging.bar.now_button.click()
    evaluated(qtbot, page, 1)
    steps(qtbot, page, 3)
    twins["value"] = 0.8
    qtbot.waitUntil(page.judging.bar.now_button.isEnabled, timeout=5000)
    page.judging.bar.now_button.click()
    qtbot.waitUntil(page.alarm.isVisible, timeout=20_000)


def test_the_alarm_tells_marks_and_leads_back(qtbot, page, twins):
    collapse(qtbot, page, twins)
    assert "80%" in page.alarm.sentence.text()
    assert page.alarm.remedy_button.text() == BACK
    assert not page.card.isVisible()  # nothing has stopped
    for curves in (page.curves, page.judging.panel.curves):
        assert curves.alarms() == [5]
    with qtbot.waitSignal(page.session.opened, timeout=20_000):
        page.alarm.remedy_button.click()
    assert page.session.step == 2
    assert [line["step"] for line in page.judging.panel.lines] == [2]
    assert page.curves.alarms() == []
    assert not page.alarm.isVisible()
    steps(qtbot, page, 1)


def test_the_alarm_can_be_put_away(qtbot, page, twins):
    collapse(qtbot, page, twins)
    page.alarm.close_button.click()
    assert not page.alarm.isVisible()
    assert page.curves.alarms() == [5]


def test_an_opened_run_shows_its_evaluations(qtbot, page, twins, tmp_path):
    collapse(qtbot, page, twins)
    page.session.stop()
    qtbot.waitUntil(lambda: page.session.condition == "empty", timeout=20_000)
    assert not page.alarm.isVisible()
    with qtbot.waitSignal(page.session.opened, timeout=20_000):
        page.session.open(OldRun(tmp_path / "run"))
    assert [line["step"] for line in page.judging.panel.lines] == [2, 5]
    assert page.alarm.isVisible()  # the newest evaluation is the one that collapsed
    twins["value"] = 0.0
    steps(qtbot, page, 1)
    page.judging.bar.now_button.click()
    evaluated(qtbot, page, 3)
    page.session.stop()
    qtbot.waitUntil(lambda: page.session.condition == "empty", timeout=20_000)
    with qtbot.waitSignal(page.session.opened, timeout=20_000):
        page.session.open(OldRun(tmp_path / "run"))
    assert not page.alarm.isVisible()  # it is history
    assert page.curves.alarms() == [5]


def test_the_runs_data_can_be_looked_through(qtbot, page):
    page.buttons.data.click()
    panel = page.browsing.panel
    qtbot.waitUntil(lambda: panel.grid.count() == 24, timeout=20_000)
    assert panel.card.facts["Pictures"].full_text() == "24 at 32 px"
    panel.back.click()
    assert page.stage.currentWidget() is page.live
    page.buttons.data.click()
    assert panel.grid.count() == 24  # it is not read again
    page.new_run()
    page.new.choose_data(page.session.run.data_spec)
    qtbot.waitUntil(lambda: page.new.picker.card.isVisible(), timeout=20_000)
    page.new.picker.card.browse_button.click()
    assert page.stage.currentWidget() is panel
    panel.back.click()
    assert page.stage.currentWidget() is page.new


def test_data_that_are_gone_are_told(qtbot, page, tmp_path):
    import shutil

    shutil.rmtree(tmp_path / "pictures")
    page.buttons.data.click()
    qtbot.waitUntil(page.card.isVisible, timeout=20_000)
    assert page.stage.currentWidget() is page.live


def test_a_written_file_can_be_shown(qtbot, page, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()) is None)
    steps(qtbot, page, 1)
    with qtbot.waitSignal(page.session.exported, timeout=60_000):
        page.exporting.export("sheet", tmp_path / "sheet.png")
    assert page.show_button.isVisible()
    page.show_button.click()
    assert shown == [str(tmp_path / "sheet.png")]
    page.tell("")
    assert not page.show_button.isVisible()
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    page.tell("Exported", tmp_path / "sheet.png")
    page.show_button.click()
    assert page.notice.full_text() == f"No program is set up to show it; it is in {tmp_path / 'sheet.png'}"


def test_a_folder_is_exported_under_the_name_that_is_proposed(qtbot, page, tmp_path):
    steps(qtbot, page, 1)
    page.exporting.ask("singles")
    dialog = page.findChild(QFileDialog)
    proposed = Path(dialog.selectedFiles()[0])
    assert (proposed.name, proposed.exists()) == ("run-singles", False)
    with qtbot.waitSignal(page.session.exported, timeout=60_000):
        dialog.accept()
    assert len(list(proposed.glob("*.png"))) == 64
    page.exporting.ask("singles")
    assert Path(page.findChildren(QFileDialog)[-1].selectedFiles()[0]).name == "run-singles-2"
    with qtbot.assertNotEmitted(page.session.exported, wait=100):
        page.exporting.export("singles", proposed)
    assert "is there already" in page.card.sentence.text()


def test_open_takes_exported_files_too(qtbot, window, page, tmp_path):
    steps(qtbot, page, 1)
    with qtbot.waitSignal(page.session.exported, timeout=60_000):
        page.exporting.export("sheet", tmp_path / "sheet.png")
    assert [a.text() for a in page.buttons.open.menu().actions()] == ["Run…", "Exported file…"]
    page.buttons.open.menu().actions()[1].trigger()
    dialog = page.findChild(QFileDialog)
    assert all(f"*{ending}" in dialog.nameFilters()[0] for ending in (".png", ".svg", ".csv", ".html"))
    dialog.fileSelected.emit(str(tmp_path / "sheet.png"))
    assert window.receiving.card.isVisible()  # with its ways back
    assert window.receiving.card.door.run == tmp_path / "run"
    plain = next((tmp_path / "pictures").glob("*.png"))
    dialog.fileSelected.emit(str(plain))
    assert "carries no recipe" in page.card.sentence.text()


def test_the_tab_tells_what_an_evaluation_is_at_and_what_it_skips(qtbot, page, monkeypatch):
    def slow(state, data, knobs, *, n, seed, rows):
        for i in range(200):
            time.sleep(0.01)
            yield Progress(i, 200, doing="teaching the judge, once for these pictures")
        score = Score(0.0, n, 0.0, "lower", "Near twins", "How many.")
        yield Progress(200, 200, {"duplicates": score})

    monkeypatch.setattr(began, "evaluate", slow)
    panel, bar = page.judging.panel, page.judging.bar
    page.tabs.setCurrentIndex(1)
    bar.every.setValue(10)
    bar.on.click()
    page.session.go()
    qtbot.waitUntil(lambda: panel.skipped.full_text().startswith("Steps 20 to "), timeout=20_000)
    page.session.pause()
    assert panel.skipped.full_text().endswith("skipped: the evaluation of step 10 was still running.")
    assert bar.now_button.text().startswith("Teaching judge")
    assert "teaching the judge" in panel.words.text()
    assert "Press Evaluate now" not in panel.words.text()
    bar.on.click()  # no other one begins when this one ends
    evaluated(qtbot, page, 1)
    assert panel.skipped.isVisible()
    qtbot.waitUntil(lambda: not panel.doing.isVisible(), timeout=10_000)


def test_the_rhythm_is_kept_for_the_next_window(qtbot, page, monkeypatch):
    monkeypatch.setattr(QCoreApplication, "organizationName", lambda: "sampling-studio")
    page.judging.bar.every.setValue(70)
    page.judging.bar.samples.setValue(640)
    page.judging.bar.on.click()
    session = Session()
    again = Judging(session, page.curves, page.alarm, session)
    assert again.bar.wish() == session.evaluate == Evaluate(70, 640)
    page.judging.bar.on.click()
    assert Judging(session, page.curves, page.alarm, session).bar.wish() == Evaluate(0, 640)


def test_every_exporter_is_on_the_menu_and_names_its_files(page):
    from studio.export import exporters
    from studio.pages.exporting import pattern

    assert [a.text() for a in page.export_button.menu().actions()] == [e.label for e in exporters("pictures").values()]
    for exporter in exporters("pictures").values():
        for ending in (exporter.extension, *exporter.others):
            assert f"*{ending})" in pattern(exporter) or not exporter.extension
    assert pattern(exporters()["singles"]) == ""


def test_another_kind_of_file_changes_the_name(qtbot, tmp_path):
    from PySide6.QtWidgets import QFileDialog

    from studio.pages.page import follow

    dialog = QFileDialog(None, "", str(tmp_path / "run-animation.webp"), "WEBP (*.webp);;GIF (*.gif)")
    qtbot.addWidget(dialog)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile("run-animation.webp")
    follow(dialog, "GIF (*.gif)")
    assert [name.rsplit("/", 1)[1] for name in dialog.selectedFiles()] == ["run-animation.gif"]
    assert dialog.defaultSuffix() == "gif"


@pytest.mark.parametrize("name", ["gallery.html", "svg.svg", "reel.webp"])
def test_every_exported_file_is_a_door(qtbot, window, page, tmp_path, name):
    steps(qtbot, page, 1)
    with qtbot.waitSignal(page.session.exported, timeout=60_000):
        page.exporting.export(name.partition(".")[0], tmp_path / name)
    page.session.stop()
    qtbot.waitUntil(lambda: page.session.condition == "empty", timeout=20_000)
    with qtbot.waitSignal(page.session.opened, timeout=20_000):
        enter(window, tmp_path / name)
    assert page.session.run.path == tmp_path / "run"


def test_the_theme_button_always_changes_something_first(window, dressed):
    before = dressed.theme().name
    window.next_scheme()
    assert dressed.theme().name != before
    window.next_scheme()
    assert dressed.theme().name == before
    window.next_scheme()
    assert window.scheme.text() == "System"


def test_tensorboard_is_off_unless_asked_for(page):
    assert page.new.request().tensorboard is False
    page.new.tensorboard.click()
    assert page.new.request().tensorboard is True


def test_an_evaluation_never_delays_a_pause(qtbot, page, monkeypatch):
    def slow(state, data, knobs, *, n, seed, rows):
        for i in range(500):
            time.sleep(0.02)
            yield Progress(i, 500)

    monkeypatch.setattr(began, "evaluate", slow)
    page.session.go()
    qtbot.waitUntil(lambda: page.session.step > 3, timeout=20_000)
    page.judging.bar.now_button.click()
    qtbot.waitUntil(lambda: "Evaluating" in page.judging.bar.now_button.text(), timeout=20_000)
    asked = time.monotonic()
    page.session.pause()
    qtbot.waitUntil(lambda: page.session.condition == "paused", timeout=5000)
    assert time.monotonic() - asked < 0.5
    asked = time.monotonic()
    page.session.stop()
    qtbot.waitUntil(lambda: page.session.condition == "empty", timeout=5000)
    assert time.monotonic() - asked < 2
