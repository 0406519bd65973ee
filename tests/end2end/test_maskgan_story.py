"""MaskGAN from the form to an exported page of fillings: one story in the window, then on the command line, then in the window again."""

import json

from PySide6.QtCore import Qt

from tests.end2end.story import close, studio, window_of
from tests.studio.driving import enter


def test_from_the_grammar_to_fillings_and_back(qtbot, qapp, tmp_path, monkeypatch):
    from models.algorithms import maskgan
    from models.contract import Phase, Preset
    from models.data import grammar

    knobs = {"lr": 0.01, "halving": 1_000, "measure_every": 20}
    phases = tuple(Phase(name, steps) for name, steps in zip(maskgan.PHASES, (60, 60, 10, 30), strict=True))
    preset = Preset("quick", "a few steps", phases, config={"h": 24, "layers": 1, "batch": 16, "T": 20}, knobs=knobs)
    monkeypatch.setitem(maskgan.PRESETS, "quick", preset)
    monkeypatch.setattr(grammar, "COUNT", 400)

    window = window_of(qtbot, qapp)
    page = window.show_page("maskgan")
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    assert page.new.picker.source() == "grammar"
    page.new.settings.set_values({"threads": 1})
    qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.condition == "finished", timeout=90_000)
    assert page.readouts[0].values["validity"].text() != "–"
    qtbot.waitUntil(lambda: len(page.looks.lines()) > 1, timeout=20_000)

    page.faces.choose(1)
    desk = page.desk
    qtbot.mouseClick(desk.draw_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(desk.is_filled, timeout=20_000)
    desk.panel.words.setFocus()
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_E)
    desk.panel.editor.setText("the old ___ that the boys ___ sleeps .")
    qtbot.keyClick(desk.panel.editor, Qt.Key.Key_Return)
    qtbot.waitUntil(desk.is_filled, timeout=20_000)
    desk.panel.choose(2)
    word = desk.fillings["maskgan"].candidates[0][1]
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_2)
    assert desk.desk.fixed == ((2, word),)
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_Tab)
    assert desk.panel.place() == 6
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desk.is_filled() and not page.looking._waiting, timeout=20_000)
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_L)
    assert [place for place, _ in desk.desk.fixed] == [2, 6]
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_L)
    qtbot.waitUntil(lambda: desk.is_filled() and not page.looking._waiting, timeout=20_000)
    shown = [row.tokens for row in desk.lists["maskmle"].lines()]
    assert all(said[2] == word for said in shown)

    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        desk.doors.export("page", tmp_path / "fillings.html")
    opened, lying = window.session.run, desk.desk
    assert opened is not None
    close(qtbot, window)

    done = studio("verify", tmp_path / "fillings.html", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["verdict"] == "identical"
    recipe = json.loads(studio("inspect", tmp_path / "fillings.html", "--json").stdout)
    assert (recipe["made"]["seed"], recipe["made"]["desk"]["fixed"]) == (1, [[2, word]])

    again = window_of(qtbot, qapp)
    with qtbot.waitSignal(again.session.opened, timeout=60_000):
        enter(again, tmp_path / "fillings.html")  # an exported file leads to its run, and to the desk
    page = again.pages["maskgan"]
    qtbot.waitUntil(page.desk.is_filled, timeout=20_000)
    assert again.session.run is not None
    assert (again.session.run.path, page.faces.place(), page.desk.desk) == (opened.path, 1, lying)
    assert [row.tokens for row in page.desk.lists["maskmle"].lines()] == shown
    close(qtbot, again)
