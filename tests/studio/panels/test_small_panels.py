"""Read-outs, transport, journal, data, cards, detail, and the words they use."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox

from studio.panels.card import EmptyStage, ErrorCard
from studio.panels.data import FILE, FOLDER, DataPicker
from studio.panels.detail import DetailPanel
from studio.panels.journal import JournalPanel
from studio.panels.readouts import Readouts
from studio.panels.transport import Transport
from studio.widgets import Combo, ElidedLabel, Legend, Segmented, number, symbol_html

pytestmark = pytest.mark.usefixtures("dressed")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
        (12400, "12,400"),
        (-3, "−3"),
        (0.0612345, "0.0612"),
        (0.5, "0.500"),
        (0.0, "0.00"),
        (123.4, "123"),
        (-12345.6, "−12,346"),
        (1.5e-7, "1.50e−7"),
        (2e9, "2.00e9"),
    ],
)
def test_numbers(value, text) -> None:
    assert number(value) == text


def test_symbols() -> None:
    assert symbol_html("k_t").startswith("k<sub")
    assert symbol_html("a<b") == "a&lt;b"


def test_readouts(qtbot) -> None:
    out = Readouts([("M", "M_global", "the measure"), ("step", "step", "")])
    qtbot.addWidget(out)
    assert out.values["M"].text() == "–"
    out.show_values({"M": 0.06123, "step": 12400, "other": 1})
    assert out.values["M"].text() == "0.0612"
    assert out.values["step"].text() == "12,400"
    out.show_values({"M": None})
    assert out.values["M"].text() == "–"


class TestTransport:
    @pytest.fixture
    def bar(self, qtbot) -> Transport:
        out = Transport()
        qtbot.addWidget(out)
        return out

    def test_empty_says_why_nothing_can_be_pressed(self, bar: Transport) -> None:
        for b in (bar.run_button, bar.step_button, bar.save_button, bar.stop_button):
            assert not b.isEnabled()
            assert b.toolTip() == "Make or open a run first"

    @pytest.mark.parametrize("state", ["empty", "opening", "running", "paused", "stopped", "finished", "failed"])
    def test_every_button_always_has_a_tooltip(self, bar: Transport, state) -> None:
        bar.show_state(state, "because")
        for b in (bar.run_button, bar.step_button, bar.save_button, bar.stop_button):
            assert b.toolTip()
        assert ("because" in bar.why.text()) == (state not in ("empty", "running"))

    def test_the_primary_button_runs_or_pauses(self, bar: Transport, qtbot) -> None:
        bar.show_state("running")
        assert bar.run_button.text() == "Pause"
        assert bar.step_button.toolTip() == "Pause the run to take single steps"
        with qtbot.waitSignal(bar.pause):
            bar.run_button.click()
        bar.show_state("paused", "you")
        assert bar.why.text() == "Paused: you"
        for b, signal in ((bar.run_button, bar.run), (bar.step_button, bar.step), (bar.save_button, bar.save), (bar.stop_button, bar.stop)):
            with qtbot.waitSignal(signal):
                b.click()

    def test_progress_in_words(self, bar: Transport) -> None:
        bar.show_progress(12400, 30000, 14.2, 1200, "cpu, 1 thread, float32", 612)
        assert bar.text.full_text() == "step 12,400 of 30,000 · 14.2 it/s · 20 min left · cpu, 1 thread, float32 · 612 MB"
        assert bar.bar.value() == 413
        bar.show_progress(0, 0, 0, None, "", None)
        assert bar.text.full_text() == "step 0"
        bar.show_progress(3, 10, 0.25, 28, "cuda", 20480)
        assert bar.text.full_text() == "step 3 of 10 · 4.0 s/it · 28 s left · cuda · 20.0 GB"


def test_journal(qtbot) -> None:
    out = JournalPanel()
    qtbot.addWidget(out)
    out.add([(4210, "saved", "21:04"), (9000, "lr halved")])
    out.add([(12050, "γ 0.70 → 0.50")])
    out.show()
    out.grab()
    shown = [out.model.index(i).data() for i in range(out.model.rowCount())]
    assert shown == ["12,050 γ 0.70 → 0.50", "9,000 lr halved", "4,210 saved"]
    assert "21:04" in out.model.index(2).data(Qt.ItemDataRole.ToolTipRole)
    long = "500 samples: " + ", ".join(["Coverage 0.77", "Near twins 1 <2%"] * 20)
    out.add([(13000, long)])
    assert unescape(out.model.index(0).data(Qt.ItemDataRole.ToolTipRole)).startswith(f"<p>{long}</p>")  # all of it
    qtbot.keyClicks(out.field, " eyes appear ")
    with qtbot.waitSignal(out.note) as told:
        qtbot.keyClick(out.field, Qt.Key.Key_Return)
    assert told.args == ["eyes appear"]
    assert out.field.text() == ""
    with qtbot.assertNotEmitted(out.note):
        qtbot.keyClick(out.field, Qt.Key.Key_Return)
    out.clear()
    assert out.model.rowCount() == 0


def test_journal_model(qtbot, qtmodeltester) -> None:
    out = JournalPanel()
    qtbot.addWidget(out)
    out.add([(1, "a"), (2, "b")])
    qtmodeltester.check(out.model)


class TestData:
    @pytest.fixture
    def picker(self, qtbot) -> DataPicker:
        out = DataPicker([("faces", "Faces"), ("shapes", "Shapes")])
        qtbot.addWidget(out)
        out.show()
        return out

    def test_starts_at_the_first_with_nothing_else(self, picker: DataPicker) -> None:
        assert picker.source() == "faces"
        for w in (picker.text, picker.error, picker.grid, picker.bar, picker.cancel_button):
            assert not w.isVisible()

    def test_built_in_folder_zip_or_none(self, picker: DataPicker, qtbot) -> None:
        with qtbot.waitSignal(picker.chosen) as told:
            picker.combo.activated.emit(1)
        assert told.args == ["shapes"]
        picker.ask_folder = lambda: "/pictures/mine"  # type: ignore[method-assign]
        picker.ask_file = lambda: ""  # type: ignore[method-assign]
        with qtbot.waitSignal(picker.chosen) as told:
            picker.combo.activated.emit(picker.combo.findText(FOLDER))
        assert told.args == ["/pictures/mine"]
        assert picker.combo.currentText() == "mine"
        with qtbot.assertNotEmitted(picker.chosen):
            picker.combo.activated.emit(picker.combo.findText(FILE))
        assert picker.source() == "/pictures/mine"
        assert picker.combo.currentText() == "mine"

    def test_progress_preview_and_error_replace_each_other(self, picker: DataPicker, qtbot) -> None:
        picker.show_progress(1200, 5000)
        assert picker.bar.isVisible()
        with qtbot.waitSignal(picker.cancelled):
            picker.cancel_button.click()
        picker.preview(np.zeros((40, 32, 32, 3), np.uint8), {"title": "faces", "count": 1800})
        assert picker.grid.isVisible()
        assert not picker.bar.isVisible()
        picker.show_error("The folder has no pictures in it.")
        assert picker.error.isVisible()
        assert not picker.grid.isVisible()

    def test_a_folder_is_dropped(self, picker: DataPicker, qtbot, tmp_path: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
        action, buttons, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        with qtbot.waitSignal(picker.chosen) as told:
            picker.dropEvent(QDropEvent(QPointF(5, 5), action, data, buttons, keys))
        assert Path(told.args[0]) == tmp_path


def test_a_long_choice_ends_in_dots(qtbot) -> None:
    long = "grammar, ten thousand sentences of a small English whose verbs agree with their subjects"
    shown = []
    for text in (long, long[:40], None):
        out = Combo([text or ""])
        qtbot.addWidget(out)
        out.resize(220, 30)
        if text is None:  # what the first should look like
            option = QStyleOptionComboBox()
            out.initStyleOption(option)
            room = out.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, out).width()
            out.setItemText(0, out.fontMetrics().elidedText(long, Qt.TextElideMode.ElideRight, room - 2))
            assert out.currentText().endswith("…")
        shown.append(out.grab().toImage())
    assert shown[0] == shown[1] == shown[2]


def test_error_card(qtbot) -> None:
    out = ErrorCard()
    qtbot.addWidget(out)
    assert out.isHidden()
    out.show_error("The disk is full.", "Choose another folder", "OSError 28")
    assert out.isVisible()
    assert out.details.isHidden()
    out.details_button.click()
    assert out.details.isVisible()
    with qtbot.waitSignal(out.remedy) as told:
        out.remedy_button.click()
    assert told.args == ["Choose another folder"]
    with qtbot.waitSignal(out.closed):
        qtbot.keyClick(out, Qt.Key.Key_Escape)
    assert out.isHidden()
    out.show_error("Only a sentence.")
    assert out.remedy_button.isHidden()
    assert out.details_button.isHidden()


def test_empty_stage(qtbot) -> None:
    out = EmptyStage("Train", ["one", "two"], "Train on faces, about 6 minutes here")
    qtbot.addWidget(out)
    with qtbot.waitSignal(out.start):
        out.button.click()


def test_detail(qtbot) -> None:
    out = DetailPanel()
    qtbot.addWidget(out)
    assert out.isHidden()
    face = np.zeros((32, 32, 3), np.uint8)
    out.show_detail({"sample": face, "nearest": face, "error": np.random.default_rng(0).random((32, 32))}, {"nearest": "distance 0.041"}, "Sample 3")
    assert out.isVisible()
    assert out.captions["nearest"].text() == "distance 0.041"
    assert out.captions["error"].text() == "error"
    out.show_detail({"sample": face}, {})
    assert list(out.captions) == ["sample"]
    with qtbot.waitSignal(out.closed):
        qtbot.keyClick(out, Qt.Key.Key_Escape)
    assert out.isHidden()


def test_shared_widgets(qtbot) -> None:
    text = ElidedLabel("step 12,400 of 30,000")
    segments = Segmented(["paper", "released"])
    legend = Legend([("L(x)", "real"), ("k_t", "controller")])
    for w in (text, segments, legend):
        qtbot.addWidget(w)
        w.show()
    text.resize(50, 20)
    assert text.text().endswith("…")
    assert text.toolTip() == text.full_text()
    text.resize(400, 20)
    assert text.text() == text.full_text()
    with qtbot.waitSignal(segments.chosen) as told:
        segments.buttons[1].click()
    assert told.args == [1]
    assert segments.selected() == 1
    legend.show_values(["1.0", ""], asked=True)
    for width in (20, 60, 400):
        legend.resize(width, 16)
        legend.grab()
