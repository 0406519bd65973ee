"""From a training to the gallery, to a sheet given away, back to the live sample; and another way from an earlier step."""

import json
import shutil

from PySide6.QtCore import Qt

from models.journal import RunFolder
from studio.gallery.store import Gallery
from studio.messages import OldRun
from studio.verify import verify
from tests.end2end.story import close, window_of
from tests.studio.tiny import pictures, run_with_history


def test_from_a_training_to_the_gallery_and_back_to_the_live_sample(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = run_with_history(tmp_path / "home" / "runs" / "run", pictures(tmp_path / "data"))
    window = window_of(qtbot, qapp)
    window.open_run(run)
    page = window.page
    qtbot.waitUntil(lambda: page.samples.count() > 0, timeout=30_000)
    page.keep()
    qtbot.waitUntil(lambda: page.notice.full_text().startswith("Kept"), timeout=30_000)

    gallery = window.show_page("gallery")
    qtbot.waitUntil(lambda: len(gallery.model.ids) > 0, timeout=10_000)
    first = list(gallery.model.ids)[:3]
    gallery.grid.select(first)
    qtbot.keyClick(gallery.grid, Qt.Key.Key_S)  # starred
    qtbot.keyClick(gallery.grid, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    gallery.boards.list.currentItem().setText("To show")
    gallery.doors.export("sheet", tmp_path / "sheet.png")
    qtbot.waitUntil(lambda: gallery.notice.full_text() == "Exported sheet.png", timeout=20_000)
    kept = Gallery.open()
    assert kept.boards() == [("To show", 3)]
    row = kept.entry(kept.board("To show")[1]).row
    kept.close()
    window.session.stop()
    qtbot.waitUntil(lambda: window.session.condition == "empty", timeout=20_000)
    assert verify(tmp_path / "sheet.png").verdict == "identical"

    moved = shutil.move(run, tmp_path / "home" / "runs" / "elsewhere")  # and it is found there, by its id
    window.receive(tmp_path / "sheet.png")
    card = window.receiving.card
    qtbot.mouseClick(card.view, Qt.MouseButton.LeftButton, pos=card.view.cell(1).center())
    qtbot.waitUntil(lambda: window.page is page and page.samples.selection() == row, timeout=30_000)
    assert window.session.run.path == moved
    close(qtbot, window)


def test_another_way_from_an_earlier_step_beside_the_first(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = run_with_history(tmp_path / "home" / "runs" / "run", pictures(tmp_path / "data"))
    window = window_of(qtbot, qapp)
    page = window.show_page("began")
    window.session.open(OldRun(run))
    qtbot.waitUntil(lambda: page.session.run is not None and page.samples.count() > 0, timeout=30_000)
    page.time.scrub(20)
    page.time.bar.fork_button.click()
    page.time.fork_card.go_button.click()
    qtbot.waitUntil(lambda: page.session.run is not None and page.session.run.path != run, timeout=30_000)
    twin = page.session.run.path
    page.knobs.changed.emit("gamma", 0.9)
    window.session.queue.add(twin, more=5)
    window.session.queue.start()
    qtbot.waitUntil(lambda: not window.session.queue.running() and not window.session.queue.waiting(), timeout=60_000)
    window.compare_runs([run, twin])
    runs = window.pages["runs"]
    qtbot.waitUntil(lambda: "gamma" in runs.twins.differences.text(), timeout=20_000)
    close(qtbot, window)
    assert RunFolder.open(run, write=False).steps()[-1] == 30
    assert RunFolder.open(twin, write=False).steps()[-1] == 25
    parent = json.loads((twin / "run.json").read_text())["parent"]
    assert (parent["step"], parent["name"]) == (20, "run")
