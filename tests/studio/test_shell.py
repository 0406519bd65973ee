"""What the window has besides its pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QSettings, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import QLabel

from models import settings
from studio import facts, theme
from studio.actions import ACTIONS, BY_ID
from studio.panels.keysheet import native
from studio.shell import scale

CTRL = Qt.KeyboardModifier.ControlModifier


def type_and_enter(qtbot, palette, text):
    palette.line.setText(text)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)


@pytest.fixture
def palette(qtbot, window):
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    qtbot.keyClick(window, Qt.Key.Key_K, CTRL)
    shown = window.shell._palette
    assert shown.isVisible()
    return shown


@pytest.fixture
def named():
    """The program has a name, so that its window remembers its shape."""
    QCoreApplication.setOrganizationName("test")
    yield
    QSettings().clear()
    QCoreApplication.setOrganizationName("")


def test_every_shortcut_of_the_window_is_of_the_table(window):
    window.show_page("lab")
    found = sorted(s.key().toString() for s in window.findChildren(QShortcut))
    assert found == sorted(QKeySequence(k).toString() for a in ACTIONS for k in a.keys)


def test_the_palette_goes_does_and_is_left(qtbot, window, palette):
    type_and_enter(qtbot, palette, "setti")
    assert window.page_name() == "settings"
    assert not palette.isVisible()
    qtbot.keyClick(window.page, Qt.Key.Key_Escape)
    assert window.page_name() == "home"
    qtbot.keyClick(window, Qt.Key.Key_K, CTRL)
    assert palette.shown()[0].id == "settings"  # what was used last comes first
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_the_palette_sets_the_values_of_the_page(qtbot, window, palette):
    palette.close_veil()
    page = window.show_page("lab")
    qtbot.waitUntil(lambda: page.opened is not None and bool(page.side.lanes), timeout=20_000)
    window.shell.open_palette("step_size 50000")
    assert "must be a number in" in palette.told.text()
    assert palette.current().act is None
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    qtbot.keyClick(palette.line, Qt.Key.Key_A, CTRL)
    qtbot.keyClicks(palette.line, "step_size .5")
    assert palette.shown()[0].title.endswith("→ 0.5")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert page.side.lanes[0].values() == {"step_size": 0.5}
    window.shell.fill_menu()
    assert window.shell.menu.actions()[0].text().startswith("Undo step_size of MALA") or "→ 0.5" in window.shell.menu.actions()[0].text()
    page.undo()
    assert page.side.lanes[0].values() != {"step_size": 0.5}
    window.shell.fill_menu()
    assert window.shell.menu.actions()[1].text().endswith("→ 0.5")
    page.redo()
    assert page.side.lanes[0].values() == {"step_size": 0.5}


def test_undo_is_the_page_s_while_a_field_has_the_focus(qtbot, window):
    page = window.show_page("lab")
    qtbot.waitUntil(lambda: page.opened is not None and bool(page.side.lanes) and window.isActiveWindow(), timeout=20_000)
    row = page.side.lanes[0].rows["step_size"]
    before = row.value
    row.field.setFocus()
    row.field.selectAll()
    qtbot.keyClicks(row.field, "0.5")
    qtbot.keyClick(row.field, Qt.Key.Key_Z, CTRL)  # of what is being typed
    assert page.history.count() == 0
    row.field.selectAll()
    qtbot.keyClicks(row.field, "0.5")
    qtbot.keyClick(row.field, Qt.Key.Key_Return)
    assert row.value == 0.5
    qtbot.keyClick(row.field, Qt.Key.Key_Z, CTRL)
    assert row.value == before
    qtbot.keyClick(row.field, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert row.value == 0.5


def test_arrows_and_tab_move_in_the_palette(qtbot, palette):
    first, second = palette.shown()[:2]
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.current() == second
    qtbot.keyClick(palette.line, Qt.Key.Key_Up)
    assert palette.current() == first
    palette.line.setText("zzzz")
    assert palette.current() is None
    assert "Nothing is called that" in palette.told.text()
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_the_sheet_tells_every_key(qtbot, window):
    qtbot.keyClick(window, Qt.Key.Key_F1)
    sheet = window.shell._keys
    assert sheet.isVisible()
    assert {native(a.keys[0]) for a in ACTIONS if a.keys} <= set(sheet.texts())
    window.show_page("lab")
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert not sheet.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert "Backspace" in sheet.texts()
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_what_cannot_be_done_is_grey(window):
    window.shell.fill_menu()
    undo = window.shell.menu.actions()[0]
    assert (undo.text(), undo.isEnabled()) == ("Undo", False)
    window.shell.do(BY_ID["undo"])


@pytest.mark.parametrize("page", ["home", "runs", "gallery", "lab", "began"])
def test_where_nothing_can_be_kept_the_key_says_why(window, page):
    window.show_page(page)
    assert not BY_ID["keep"].enabled(window)
    window.shell.do(BY_ID["keep"])
    assert window.page.notice.full_text() == window.page.why_no_keep() != ""
    assert next(e for e in window.shell.entries() if e.id == "keep").act is None


def test_a_value_of_another_page_is_told_with_its_page(window):
    window.show_page("home")
    window.shell.open_palette("gamma 0.6")
    told = window.shell._palette.told.text()
    assert "no gamma" in told
    assert "BEGAN" in told
    window.shell._palette.line.setText("sigma_of_nothing 2")
    assert window.shell._palette.told.text().startswith("Nothing is called that")


def test_a_walk_that_is_being_set_up_is_told_when_it_is_copied(qtbot, window):
    page = window.show_page("lab")
    assert page.as_command() == ""
    page.copy_command()
    assert "being set up" in page.notice.full_text()
    qtbot.waitUntil(lambda: page.frame is not None, timeout=20_000)
    page.copy_command()
    assert QGuiApplication.clipboard().text().startswith("sampling-studio lab")


def test_a_page_that_is_not_seen_takes_the_theme_when_it_is(qtbot, window, qapp):
    page = window.show_page("gallery")
    window.show_page("home")
    theme.apply(qapp, "dark")
    assert theme.DARK.accents["gallery"] not in page.styleSheet()
    for name in ("home", "gallery"):
        shown = window.show_page(name)
        qtbot.waitUntil(shown.isVisible, timeout=5000)
        assert theme.DARK.accents["gallery"] in shown.styleSheet()
        for part in (shown.header, window.rail):
            assert QColor(part.grab().toImage().pixelColor(part.width() // 2, 3)) == QColor(theme.DARK.panel)
    fresh = QLabel("x", page)
    fresh.setProperty("kind", "muted")
    fresh.ensurePolished()
    assert fresh.palette().color(QPalette.ColorRole.WindowText) == QColor(theme.DARK.muted)


def test_the_window_keeps_its_shape(qtbot, window, named):
    page = window.show_page("lab")
    window.shell.fold()
    assert not page.sides.isVisible()
    window.shell.remember()
    assert QSettings().value("page") == "lab"
    page.sides.show()
    window.shell.built("lab", page)
    assert not page.sides.isVisible()
    window.show_page("home")
    window.resize(1200, 720)
    window.shell.restore()
    assert window.page_name() == "lab"
    assert QSettings().value("page") is None  # after a crash one begins at home
    window.shell.reset_layout()
    assert page.sides.isVisible()
    assert (window.width(), window.height()) == (1280, 800)
    assert QSettings().value("folded/lab") is None


def test_a_setting_holds_at_once_and_a_bad_one_is_told(qtbot, window, tmp_path, monkeypatch):
    dressed: list[tuple[str, float]] = []
    monkeypatch.setattr("studio.pages.settings.dress", lambda: dressed.append((settings.settings().theme, scale())))
    monkeypatch.setattr("studio.shell.dress", lambda: dressed.append((settings.settings().theme, scale())))
    page = window.show_page("settings")
    size = page.rows["scale"]
    size.field.setText("300")
    size.field.textEdited.emit("300")
    assert "in [75, 200]" in size.sentence.text()
    assert settings.settings().scale == 1.0
    size.field.setText("110")
    size.field.setModified(True)
    size.field.editingFinished.emit()
    assert settings.settings().scale == scale() == 1.1
    qtbot.waitUntil(lambda: dressed == [("system", 1.1)], timeout=5000)
    page.rows["privacy"].check.click()
    page.rows["theme"].choice.buttons[2].click()
    qtbot.waitUntil(lambda: dressed[-1] == ("dark", 1.1), timeout=5000)
    page.set("threads", 3)
    assert json.loads((Path(settings._path())).read_text())["privacy"] is True
    page.set("runs_folder", "not/whole")
    assert "whole path" in page.rows["runs_folder"].sentence.text()
    page.set("runs_folder", str(tmp_path / "other"))
    assert settings.runs_folder() == tmp_path / "other"
    before = len(dressed)
    for way in (-1, 1, 1, -1, -1):  # a key that is held
        window.shell.zoom(way)
    qtbot.waitUntil(lambda: len(dressed) > before, timeout=5000)
    assert dressed[before:] == [("dark", 1.0)]


def test_the_size_of_the_environment_wins(window, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_SCALE", "1.5")
    assert scale() == 1.5
    window.shell.zoom(1)
    assert settings.settings().scale == 1.0
    assert "SAMPLING_STUDIO_SCALE" in window.page.notice.full_text()
    assert not window.show_page("settings").rows["scale"].isEnabled()


def test_a_report_is_copied_and_saved(qtbot, window, tmp_path, monkeypatch):
    check = {"name": "torch", "ok": False, "found": "does not import", "remedy": "run it again"}
    monkeypatch.setattr("studio.pages.report.checks", lambda: [check])
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "crash.log").write_text("Fatal Python error: Segmentation fault\n")
    page = window.show_page("report")
    qtbot.waitUntil(lambda: page.checks is not None, timeout=10_000)
    text = page.text.toPlainText()
    for word in ("Python: 3", "torch: FAILED, does not import; remedy: run it again", "Segmentation fault"):
        assert word in text
    page.copy_button.click()
    assert QGuiApplication.clipboard().text() == text
    page.save_report(tmp_path / "report.txt")
    assert (tmp_path / "report.txt").read_text() == text
    page.save_report(tmp_path / "home" / "crash.log" / "x.txt")
    assert page.card.isVisible()


def test_about_names_all_that_it_stands_on(window):
    page = window.show_page("about")
    licences = {p.name.lower(): p.licence for p in page.packages}
    assert {"torch", "numpy", "pydantic", "pillow", "scipy", "pyside6_essentials"} <= {n.replace("-", "_") for n in licences}
    assert all(licences.values())
    assert "Permission is hereby granted" in page.text.toPlainText()
    assert "SIL OPEN FONT LICENSE" in page.fonts[0].toPlainText().upper()


def test_versions_name_what_matters():
    assert dict(facts.versions())["Sampling Studio"]
    assert all(version != "missing" for _, version in facts.versions())


@pytest.mark.parametrize("page", ["home", "lab", "began", "settings"])
def test_a_page_is_as_large_as_the_window_has_room(qtbot, window, page):
    shown = window.show_page(page)
    qtbot.waitUntil(lambda: shown.size() == window._room.parentWidget().size(), timeout=5000)  # no bar at the side, nothing cut off
    window.resize(1120, 700)
    qtbot.waitUntil(lambda: shown.size() == window._room.parentWidget().size() and window.height() == 700, timeout=5000)
    assert window._room.minimumSize().width() <= shown.width()
