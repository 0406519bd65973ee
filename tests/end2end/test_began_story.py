"""BEGAN from data to gallery: in the window, then on the command line, then in the window again."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.end2end.story import close, studio, window_of


@pytest.fixture
def pictures(tmp_path):
    """Forty pictures in which a dark disc moves over a bright ground."""
    folder = tmp_path / "discs"
    folder.mkdir()
    y, x = np.mgrid[:48, :48]
    rng = np.random.default_rng(1)
    for i in range(40):
        (cy, cx), r = rng.uniform(12, 36, 2), rng.uniform(5, 12)
        inside = ((y - cy) ** 2 + (x - cx) ** 2 < r * r)[..., None]
        ground, disc = rng.integers(150, 256, 3), rng.integers(0, 90, 3)
        Image.fromarray(np.where(inside, disc, ground).astype(np.uint8)).save(folder / f"{i:02}.png")
    return folder


def test_from_data_to_gallery_and_back(qtbot, qapp, tmp_path, pictures):
    window = window_of(qtbot, qapp)
    window.receive(pictures)  # dropped on the window: data for a new run
    page = window.pages["began"]
    qtbot.waitUntil(lambda: page.new.time.text().startswith("About"), timeout=60_000)
    page.new.settings.set_values({"n": 4, "batch": 4, "h": 8, "z": 8})
    page.new.start_button.click()
    qtbot.waitUntil(lambda: window.session.step >= 20, timeout=60_000)
    page.knobs.changed.emit("gamma", 0.4)
    qtbot.waitUntil(lambda: any("γ" in row for row in journal(page)), timeout=20_000)
    page.transport.run_button.click()
    qtbot.waitUntil(lambda: window.session.condition == "paused", timeout=20_000)
    with qtbot.waitSignal(window.session.exported, timeout=60_000):
        page.exporting.export("sheet", tmp_path / "gallery.png")
    run, step = window.session.run.path, window.session.step
    close(qtbot, window)

    said = studio("verify", tmp_path / "gallery.png", "--json")
    assert json.loads(said.stdout.splitlines()[-1])["verdict"] == "identical"
    recipe = json.loads(studio("inspect", tmp_path / "gallery.png", "--json").stdout)
    assert recipe["steps"] == step
    assert recipe["knobs"]["gamma"] == 0.4
    assert recipe["knob_history"][-1]["change"] == {"gamma": 0.4}

    on = json.loads(studio("resume", run, "--steps", step + 5, "--json").stdout)
    assert on["steps"] == step + 5
    shot = studio("shoot", "--page", "began", "--run", run, "--theme", "dark", "--size", "1280x800", "--out", tmp_path / "page.png")
    assert shot.returncode == 0, shot.stderr
    with Image.open(tmp_path / "page.png") as image:
        assert image.size == (1280, 800)
        assert len(image.convert("RGB").resize((320, 200)).getcolors(64_000)) > 50  # something is drawn

    again = window_of(qtbot, qapp)
    with qtbot.waitSignal(again.session.opened, timeout=60_000):
        again.open_run(run)
    assert again.session.step == step + 5
    assert again.pages["began"].knobs.values()["gamma"] == 0.4
    close(qtbot, again)


def journal(page):
    model = page.journal.model
    return [str(model.data(model.index(i, 0))) for i in range(model.rowCount())]


def test_closing_while_training_saves(qtbot, qapp, tmp_path, pictures):
    from studio.messages import NewRun

    window = window_of(qtbot, qapp)
    window.show_page("began")
    window.session.open(NewRun("began", str(pictures), "quick", config={"n": 4, "batch": 4}, path=tmp_path / "run"), start=True)
    qtbot.waitUntil(lambda: window.session.step >= 5, timeout=60_000)
    close(qtbot, window)
    about = json.loads(studio("inspect", tmp_path / "run", "--json").stdout)
    assert about["steps"] >= 5


def test_home_lists_the_run_and_opens_it(qtbot, qapp, pictures):
    from studio.messages import NewRun

    window = window_of(qtbot, qapp)
    window.show_page("began")
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("began", str(pictures), "quick", config={"n": 4, "batch": 4}))
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    home = window.show_page("home")
    qtbot.waitUntil(lambda: len(home.recent.rows) == 1, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        home.recent.rows[0].open_button.click()
    assert window.session.run.name == "began-discs-1"
    close(qtbot, window)
