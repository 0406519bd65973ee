"""The form and the page of a system that takes pictures, text and toys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from models.contract import Preset
from models.data import glyphs, shapes
from studio.messages import OldRun, Reply
from studio.pages.training import TrainingPage
from studio.panels.browse import BrowsePanel
from studio.panels.data import ANY_FILE, FOLDER, HUB, DataPicker
from studio.panels.newrun import NewRunPanel, PresetList, built_in
from studio.panels.samples import ImageGrid
from studio.panels.sentencelist import SentenceList
from studio.panels.textcard import TextCard
from studio.panels.textdata import TextBrowsePanel
from studio.session import Session
from tests.studio.toymixed import SYSTEM, lines, listed, mixed_run


class MixedPage(TrainingPage):
    SYSTEM, TITLE = "toymixed", "Toy mixed"

    def __init__(self, session: Session) -> None:
        super().__init__(session, SYSTEM)

    def make_pictures(self) -> QWidget:
        return QLabel("samples")

    def drawn(self) -> dict[str, Any]:
        return {"seed": 0, "count": 4, "ema": True}

    def look_often(self) -> None:
        self.session.ask("samples", "samples", n=4, seed=0)

    def show_reply(self, reply: Reply) -> None:
        self.looking.answered(reply.seconds)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    listed(monkeypatch)
    for module in (glyphs, shapes):
        monkeypatch.setattr(module, "COUNTS", dict.fromkeys(module.COUNTS, 60))


@pytest.fixture
def form(qtbot, dressed):
    out = NewRunPanel(SYSTEM)
    qtbot.addWidget(out)
    out.resize(1100, 900)
    out.show()
    yield out
    out.stop()


def read(qtbot, form: NewRunPanel, spec: str) -> DataPicker:
    form.choose_data(spec)
    qtbot.waitUntil(lambda: form.is_ready() and not form.picker.bar.isVisible(), timeout=10_000)
    return form.picker


class TestForm:
    def test_all_kinds_are_listed(self, form: NewRunPanel) -> None:
        names = [name for name, _ in built_in("any", "glyphs-binary")]
        assert names[0] == "glyphs-binary" == form.picker.source()
        assert {"faces", "grammar", "toy-ring"} <= set(names)
        assert len(names) == len(set(names))
        assert "oracle" not in names
        listed = [form.picker.combo.itemText(i) for i in range(form.picker.combo.count())]
        assert listed[-3:] == [FOLDER, ANY_FILE, HUB]
        assert not [k for k in form.settings.rows if k == "kind"]  # nobody sets what the data decide

    def test_what_came_is_shown(self, form: NewRunPanel, qtbot, tmp_path: Path) -> None:
        picker = read(qtbot, form, "glyphs-binary")
        assert isinstance(picker.grid, ImageGrid)
        assert picker.grid.isVisible()
        assert picker.card.facts["Pictures"].full_text() == "60 at 32 px"
        picker = read(qtbot, form, str(lines(tmp_path / "a.txt")))
        assert isinstance(picker.grid, SentenceList)
        assert picker.grid.isVisible()
        assert picker.card.facts["Sentences"].full_text() == "60"
        picker = read(qtbot, form, "toy-ring")
        assert not picker.grid.isVisible()
        assert isinstance(picker.card, TextCard)
        assert picker.card.cell_part.isVisible()
        assert picker.card.facts["Cells"].full_text() == "256 · 16 × 16"
        assert not picker.card.browse_button.isVisible()
        assert len([w for pair in picker._parts.values() for w in pair if w.isVisible()]) == 1
        assert form.start_button.isEnabled()
        assert "Cell 0,0: " in picker.card.cells.tip_at(2, 2)
        cells = picker.card.cell_part
        picker = read(qtbot, form, str(tmp_path / "a.txt"))
        assert picker.grid.isVisible()
        assert not cells.isVisible()

    def test_a_way_out_is_a_button(self, form: NewRunPanel, qtbot) -> None:
        picker = read(qtbot, form, "shapes")
        assert "has shades" in picker.error.text()
        assert not form.start_button.isEnabled()
        ways = [b for b in picker.offers.findChildren(QPushButton) if b.isVisible()]
        assert [b.text() for b in ways] == ["Cut at a threshold", "8 colours"]
        assert ways[1].toolTip() == "Reads it again with pixels = palette, colours = 8"
        qtbot.mouseClick(ways[1], Qt.MouseButton.LeftButton)
        qtbot.waitUntil(form.start_button.isEnabled, timeout=10_000)
        assert (form.request().config["pixels"], form.request().config["colours"]) == ("palette", 8)
        assert not picker.error.isVisible()
        assert not picker.offers.isVisible()
        assert len(picker.card.swatches.colours) == 8
        assert picker.card.palette_part.isVisible()
        picker = read(qtbot, form, "glyphs-binary")  # with the same settings
        form.settings.set_values({"pixels": "binary"})
        form.refresh()
        qtbot.waitUntil(lambda: form.is_ready() and not picker.card.palette_part.isVisible(), timeout=10_000)

    def test_a_file_with_ways_out_stays_in_the_list(self, form: NewRunPanel, qtbot, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        np.savez(tmp_path / "grey.npz", images=rng.integers(0, 256, (40, 32, 32), np.uint8))
        picker = read(qtbot, form, str(tmp_path / "grey.npz"))
        assert picker.offers.isVisible()
        assert picker.combo.currentText() == "grey.npz"
        (tmp_path / "b.rar").write_bytes(b"Rar!")
        picker = read(qtbot, form, str(tmp_path / "b.rar"))
        assert not picker.offers.isVisible()
        assert picker.combo.findText("b.rar") < 0

    def test_presets_and_data_that_belong_together(self, qtbot, dressed, monkeypatch, tmp_path: Path) -> None:
        base = {"phases": SYSTEM.PRESETS["quick"].phases, "doc": "a few steps"}
        given = {"quick": {"colours": 3}, "text": {"colours": 5}, **{name: {"colours": 6} for name in ("toy", "a", "b", "c")}}
        monkeypatch.setattr(SYSTEM, "PRESETS", {name: Preset(name, config=config, **base) for name, config in given.items()})
        meant = {"quick": "glyphs-binary", "text": str(lines(tmp_path / "a.txt")), "toy": "toy-line"}
        monkeypatch.setattr(SYSTEM, "PRESET_DATA", meant, raising=False)
        form = NewRunPanel(SYSTEM)
        qtbot.addWidget(form)
        form.show()
        assert isinstance(form.presets, PresetList)  # too many to stand side by side
        assert form.presets.currentText() == "quick"
        read(qtbot, form, "toy-ring")
        assert (form.presets.currentText(), form.request().config["colours"]) == ("toy", 6)
        form.presets.select(1)
        form.presets.activated.emit(1)
        assert (form.picker.source(), form.request().config["colours"]) == (meant["text"], 5)
        qtbot.waitUntil(lambda: form.is_ready() and form.picker.grid.isVisible(), timeout=10_000)
        form.presets.select(3)  # meant for nothing of its own
        form.presets.activated.emit(3)
        assert form.picker.source() == meant["text"]
        read(qtbot, form, "glyphs-binary")
        assert form.presets.currentText() == "a"
        form.stop()

    def test_settings_of_other_data_are_not_seen(self, form: NewRunPanel, qtbot, tmp_path: Path) -> None:
        read(qtbot, form, "glyphs-binary")
        shown = [form.settings.rows[name].isHidden() for name in ("pixels", "T")]
        read(qtbot, form, str(lines(tmp_path / "a.txt")))
        assert [form.settings.rows[name].isHidden() for name in ("pixels", "T")] == shown[::-1] == [True, False]
        assert form.request().config["pixels"] == "binary"


class TestPage:
    @pytest.fixture
    def runs(self, tmp_path: Path) -> tuple[Path, Path]:
        return mixed_run(tmp_path / "drawn", "glyphs-binary"), mixed_run(tmp_path / "written", str(lines(tmp_path / "a.txt")))

    @pytest.fixture
    def page(self, qtbot, dressed):
        session = Session()
        out = MixedPage(session)
        qtbot.addWidget(out)
        out.resize(1280, 800)
        out.show()
        yield out
        out.stop()
        session.close()

    def test_it_follows_the_open_run(self, page: MixedPage, runs, qtbot) -> None:
        menu = page.exporting.button.menu()
        kinds = ((runs[1], "text", "Sentences (text)", TextBrowsePanel), (runs[0], "pictures", "Contact sheet (PNG)", BrowsePanel))
        for path, writes, first, view in kinds:
            with qtbot.waitSignal(page.session.opened, timeout=10_000):
                page.session.open(OldRun(path))
            assert page.writes == writes
            assert menu.actions()[0].text() == first
            about = page.judging.panel.words.text()
            assert ("the data: by a discriminator" in about, "pictures" in about) == (writes == "text", writes == "pictures")
            titles = [card._plot.title for card in page.judging.panel.curves.cards]
            assert ("Fréchet" in titles) is (writes == "pictures")
            page.buttons.data.click()
            qtbot.waitUntil(page.browsing.is_ready, timeout=10_000)
            assert isinstance(page.browsing.panel, view)
            assert page.stage.currentWidget() is page.browsing.panel
            page.browsing.leave()
        file = runs[0].parent / "a.png"
        with qtbot.waitSignal(page.session.exported, timeout=10_000):
            page.exporting.export("sheet", file)
        assert file.is_file()

    def test_another_runs_data_are_read_in_turn(self, page: MixedPage, runs, qtbot) -> None:
        for path in runs:  # the second is opened while the data of the first may still be read
            with qtbot.waitSignal(page.session.opened, timeout=10_000):
                page.session.open(OldRun(path))
            page.buttons.data.click()
        panel = page.browsing.panel
        assert isinstance(panel, TextBrowsePanel)
        qtbot.waitUntil(lambda: page.browsing.is_ready() and panel.list.listed.rowCount() == 60, timeout=10_000)

    def test_it_takes_whatever_is_dropped(self, page: MixedPage) -> None:
        assert all(page.takes(kind) for kind in ("pictures", "text", "toy"))
