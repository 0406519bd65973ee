"""Home: the ways in, and runs that the window has no page for."""

import json

from PySide6.QtCore import Qt


def test_home_leads_to_began_and_to_the_lab(qtbot, window):
    home = window.pages["home"]
    qtbot.mouseClick(home.begin_button, Qt.MouseButton.LeftButton)
    assert window.page is window.pages["began"]
    window.show_page("home")
    qtbot.mouseClick(home.lab_button, Qt.MouseButton.LeftButton)
    assert window.page is window.pages["lab"]


def test_a_run_without_a_page_is_told(qtbot, window, tmp_path):
    run = tmp_path / "mine"
    run.mkdir()
    fields = {"system": "ppgn", "seed": 0, "data": {}, "phases": [], "config": {}, "knobs": {}, "plan": {}, "columns": [], "format": 1}
    (run / "run.json").write_text(json.dumps(fields))
    window.open_run(run)
    assert window.page is window.pages["home"]
    assert "mine is a run of PPGN, which has no page" in window.page.card.sentence.text()
