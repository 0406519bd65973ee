"""Home: the ways in, and runs that the window has no page for."""

import json

from PySide6.QtCore import Qt

from studio.pages import PAGES


def test_home_leads_to_every_other_page(qtbot, window):
    home = window.pages["home"]
    assert {"home", *home.starters} == set(PAGES)
    for name, starter in home.starters.items():
        window.show_page("home")
        qtbot.mouseClick(starter, Qt.MouseButton.LeftButton)
        assert window.page is window.pages[name]


def test_a_run_without_a_page_is_told(qtbot, window, tmp_path):
    run = tmp_path / "mine"
    run.mkdir()
    fields = {"system": "tgan", "seed": 0, "data": {}, "phases": [], "config": {}, "knobs": {}, "plan": {}, "columns": [], "format": 1}
    (run / "run.json").write_text(json.dumps(fields))
    window.open_run(run)
    assert window.page is window.pages["home"]
    assert "mine is a run of TGAN, which has no page" in window.page.card.sentence.text()
