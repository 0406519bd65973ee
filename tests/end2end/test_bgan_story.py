"""BGAN from the form to a sheet and back: another divergence while it trains; data that do not fit, and the way out; a toy whose truth is known."""

import json

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from tests.end2end.story import close, studio, window_of
from tests.studio.driving import enter


def test_from_grey_pictures_to_a_sheet_and_back(qtbot, qapp, tmp_path, monkeypatch):
    from models.algorithms import bgan
    from models.contract import Phase, Preset
    from models.data import glyphs

    preset = Preset("quick", "a few steps", (Phase("adversarial", 60),), {"n": 4, "full": 16, "z": 8, "batch": 8}, {"M": 4, "lr": 1e-3})
    monkeypatch.setitem(bgan.PRESETS, "quick", preset)
    monkeypatch.setattr(glyphs, "COUNTS", {28: 200})
    folder = tmp_path / "grey"
    folder.mkdir()
    for i, picture in enumerate(glyphs.draw(range(60), 28)):
        Image.fromarray(picture[..., 0]).save(folder / f"{i:02d}.png")

    window = window_of(qtbot, qapp)
    page = window.show_page("bgan")
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    assert page.new.picker.source() == "glyphs-binary"
    page.new.settings.set_values({"threads": 1})
    page.new.choose_data(str(folder))
    qtbot.waitUntil(lambda: "pixels=threshold" in page.new.picker.error.text(), timeout=20_000)
    assert not page.new.start_button.isEnabled()
    offer = next(b for b in page.new.picker.offers.findChildren(QPushButton) if "half brightness" in b.text())
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=20_000)
    assert page.new.request().config["pixels"] == "threshold"

    qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.condition == "finished", timeout=60_000)
    page.faces.choose(1)
    page.table.rows.pick("kl")
    qtbot.mouseClick(page.table.side.use_button, Qt.MouseButton.LeftButton)
    assert window.session.knobs["divergence"] == "kl"
    with qtbot.waitSignal(window.session.progressed, timeout=20_000):
        window.session.step_once()
    page.faces.choose(0)
    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        page.exporting.export("sheet", tmp_path / "sheet.png")
    opened = window.session.run
    assert opened is not None
    close(qtbot, window)

    recipe = json.loads(studio("inspect", tmp_path / "sheet.png", "--json").stdout)
    assert (recipe["system"], recipe["steps"], recipe["knobs"]["divergence"], recipe["config"]["kind"]) == ("bgan", 61, "kl", "binary")
    done = studio("verify", tmp_path / "sheet.png", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["verdict"] == "identical"

    again = window_of(qtbot, qapp)
    with qtbot.waitSignal(again.session.opened, timeout=60_000):
        enter(again, tmp_path / "sheet.png")
    assert again.session.run is not None
    assert again.session.run.path == opened.path
    close(qtbot, again)


def test_a_toy_from_the_command_line(tmp_path):
    done = studio("train", "bgan", "--data", "toy-ring", "--preset", "toy", "--steps", 40, "--out", tmp_path / "toy", "--threads", 1)
    assert done.returncode == 0, done.stderr
    told = studio("evaluate", tmp_path / "toy", "-n", 16, "--json")
    scores = json.loads(told.stdout.splitlines()[-1])["metrics"]
    assert scores["KL"]["value"] > 0.5  # D is alone for its first steps
    assert scores["gap"]["value"] > 0
    assert studio("sample", tmp_path / "toy", "-n", 5, "--out", tmp_path / "cells.txt").returncode == 0
    done = studio("verify", tmp_path / "cells.txt", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["verdict"] == "identical"
