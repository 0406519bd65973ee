"""SeqGAN from a dropped text file to an exported page: one story in the window, then on the command line, then in the window again."""

import json
import random

import pytest
from PySide6.QtCore import Qt

from tests.end2end.story import close, studio, window_of
from tests.studio.driving import enter


@pytest.fixture
def text(tmp_path):
    """Who sees whom, in two hundred lines."""
    chance = random.Random(1)
    who = ("cat", "dog", "bird", "child", "king")
    lines = [f"the {chance.choice(who)} {chance.choice(('sees', 'hears', 'likes'))} the old {chance.choice(who)} ." for _ in range(200)]
    path = tmp_path / "who.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_from_a_text_file_to_sentences_and_back(qtbot, qapp, tmp_path, text, monkeypatch):
    from models.algorithms import seqgan
    from models.contract import Phase, Preset

    knobs = {"lr": 0.03, "lr_D": 0.01, "N": 2, "d_steps": 1, "epochs": 1, "measure_every": 20}
    config = {"e": 8, "h": 8, "e_D": 4, "filters": "narrow", "batch": 16, "negatives": 32, "vocab": 40, "T": 8, "held_out": 0.3}
    phases = tuple(Phase(name, steps) for name, steps in zip(seqgan.PHASES, (100, 20, 100_000), strict=True))
    monkeypatch.setitem(seqgan.PRESETS, "quick", Preset("quick", "a few steps", phases, config=config, knobs=knobs))

    window = window_of(qtbot, qapp)
    window.receive(text)  # dropped on the window: data for a new run
    page = window.pages["seqgan"]
    assert window.page is page
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    page.new.settings.set_values({"threads": 1})
    qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(page.ours.sentences()), timeout=30_000)
    first = page.ours.sentences()
    qtbot.waitUntil(lambda: window.session.run.phase == "adversarial" and page.ours.sentences() != first, timeout=60_000)
    known = ("the", "old", "sees", "hears", "likes")
    assert sum(word in known for said in page.ours.sentences() for word in said) > 50  # it has learnt some words
    page.knobs.changed.emit("lr_PG", 0.004)
    qtbot.waitUntil(lambda: any("lr_PG" in said for _, said, _ in page.journal.model.lines), timeout=20_000)

    rows = page.ours.rows
    qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.rect_of(0).center().toPoint())
    qtbot.waitUntil(lambda: len(page.rewards.words.tokens) > 1, timeout=20_000)
    assert page.rewards.tree.isVisible()
    page.transport.run_button.click()
    qtbot.waitUntil(lambda: window.session.condition == "paused", timeout=20_000)

    page.faces.choose(1)
    page.blind.each.setValue(2)
    qtbot.mouseClick(page.blind.begin_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.blind.panel.is_asking, timeout=20_000)
    for key in "HMHMHM":
        qtbot.keyClick(page.blind.panel, key)
    assert sum(row.judged for row in page.blind.panel.rows()) == 6
    page.blind.export(tmp_path / "answers.csv")

    page.faces.choose(0)
    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        page.exporting.export("page", tmp_path / "sentences.html")
    run, step = window.session.run.path, window.session.step
    close(qtbot, window)

    said = studio("verify", tmp_path / "sentences.html", "--json")
    assert json.loads(said.stdout.splitlines()[-1])["verdict"] == "identical"
    recipe = json.loads(studio("inspect", tmp_path / "sentences.html", "--json").stdout)
    assert (recipe["steps"], recipe["knobs"]["lr_PG"]) == (step, 0.004)

    again = window_of(qtbot, qapp)
    with qtbot.waitSignal(again.session.opened, timeout=60_000):
        enter(again, tmp_path / "sentences.html")  # an exported file leads to its run
    assert (again.session.run.path, again.session.step) == (run, step)
    assert any("called human" in said for _, said, _ in again.pages["seqgan"].journal.model.lines)
    close(qtbot, again)
