"""Panels from descriptions."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from models.knobs import Knob
from studio.panels.knob import Scale, words, written
from studio.panels.knobs import KnobsPanel
from studio.widgets import Combo, Segmented

KNOBS = (
    Knob("gamma", "float", "γ", "diversity ratio: low is clean", 0.5, 0.0, 1.0, False, (), "equilibrium"),
    Knob("epsilon3", "float", "ε₃", "noise (added last)", 1e-17, 0.0, 1.0, True, (), "equilibrium"),
    Knob("batch_size", "int", "batch_size", "pictures in one step", 16, 1, 256, True, (), "data"),
    Knob("skip", "bool", "skip", "vanishing connections", False, None, None, False, (), "data"),
    Knob("mode", "choice", "mode", "which update", "paper", None, None, False, ("paper", "released"), "data"),
    Knob("f", "choice", "f", "divergence", "kullback_leibler", None, None, False, ("kullback_leibler", "jensen_shannon", "hellinger"), ""),
    Knob("seed", "int", "seed", "of the noise", 0, None, None, False, (), ""),
    Knob("without", "text", "without", "left out of training", "", None, None, False, (), "data"),
)


@pytest.fixture
def panel(qtbot, dressed) -> KnobsPanel:
    out = KnobsPanel(KNOBS)
    qtbot.addWidget(out)
    out.resize(304, 900)
    with qtbot.waitExposed(out):
        out.show()
    return out


def test_starts_at_the_defaults_under_their_headings(panel: KnobsPanel) -> None:
    assert panel.values() == {k.name: k.default for k in KNOBS}
    heads = [w.text() for w in panel.findChildren(QLabel) if w.property("kind") == "section"]
    assert heads == ["Equilibrium", "Data"]
    assert panel.width() == 304
    assert isinstance(panel.rows["mode"].choice, Segmented)
    assert isinstance(panel.rows["f"].choice, Combo)
    assert panel.rows["seed"].slider is None
    assert "γ" in panel.rows["gamma"].toolTip()
    assert "a number in [0, 1]" in panel.rows["gamma"].toolTip().lower()


def test_labels() -> None:
    assert words(KNOBS[0]) == ("γ", "diversity ratio")
    assert words(KNOBS[1]) == ("ε₃", "noise")
    assert words(KNOBS[2]) == ("", "Pictures in one step")
    assert written(1e-17) == "1e-17"
    assert written(1e-05) == "1e-5"
    assert written(0.5) == "0.5"
    assert written(1e20) == "1e20"


def test_sliders_hit_both_ends_and_come_back() -> None:
    for knob in KNOBS[:3]:
        scale = Scale(knob)
        assert scale.value(0) == knob.low
        assert scale.value(scale.steps) == knob.high
        for place in range(0, scale.steps + 1, 13):
            value = scale.value(place)
            assert knob.low <= value <= knob.high
            assert isinstance(value, int) == (knob.kind == "int")
            assert scale.value(scale.place(value)) == pytest.approx(value, rel=0.03, abs=0 if knob.log else 1e-3)
    assert Scale(KNOBS[1]).value(1) > 0


def test_setting_values_tells_nobody(panel: KnobsPanel, qtbot) -> None:
    new = {"gamma": 0.3, "epsilon3": 0.0, "batch_size": 64, "skip": True, "mode": "released", "f": "hellinger", "seed": 3, "without": "a=b"}
    with qtbot.assertNotEmitted(panel.changed, wait=80):
        panel.set_values({**new, "unknown": 1})
    assert panel.values() == new
    assert panel.rows["gamma"].field.text() == "0.3"


def test_dragging_is_throttled_and_ends_at_the_last_value(panel: KnobsPanel, qtbot) -> None:
    seen: list[object] = []
    panel.changed.connect(lambda name, value: seen.append((name, value)))
    for place in range(501, 601):
        panel.rows["gamma"].slider.setValue(place)
    assert seen == [("gamma", 0.501)]
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[-1] == ("gamma", 0.6)
    assert panel.rows["gamma"].field.text() == "0.6"


def test_a_field_is_committed_by_enter(panel: KnobsPanel, qtbot) -> None:
    field = panel.rows["epsilon3"].field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "1e-9")
    with qtbot.waitSignal(panel.changed) as told:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told.args == ["epsilon3", 1e-9]


@pytest.mark.parametrize("text", ["1.5", "much", "nan", "inf", ""])
def test_wrong_text_is_marked_and_goes_when_the_field_is_left(panel: KnobsPanel, qtbot, text: str) -> None:
    row = panel.rows["gamma"]
    row.field.setFocus()
    row.field.selectAll()
    qtbot.keyClick(row.field, Qt.Key.Key_Delete)
    qtbot.keyClicks(row.field, text)
    row._typed(text)
    with qtbot.assertNotEmitted(panel.changed, wait=60):
        qtbot.keyClick(row.field, Qt.Key.Key_Return)
        assert row.field.property("state") == "bad"
        assert row.sentence.text() == "γ must be a number in [0, 1]"
        assert row.sentence.isVisible()
        row.field.setModified(True)
        row.field.clearFocus()
        row.field.editingFinished.emit()
    assert row.field.text() == "0.5"
    assert not row.field.property("state")
    assert not row.sentence.isVisible()


def test_every_kind_can_be_changed_and_reset(panel: KnobsPanel, qtbot) -> None:
    seen: dict[str, object] = {}
    panel.changed.connect(lambda name, value: seen.__setitem__(name, value))
    panel.rows["skip"].check.click()
    panel.rows["mode"].choice.buttons[1].click()
    panel.rows["f"].choice.activated.emit(2)
    qtbot.keyClick(panel.rows["batch_size"].field, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: len(seen) == 4)
    assert seen["skip"] is True
    assert seen["mode"] == "released"
    assert seen["f"] == "hellinger"
    assert isinstance(seen["batch_size"], int)
    assert seen["batch_size"] > 16
    for row in panel.rows.values():
        row.reset()
    qtbot.waitUntil(lambda: seen == {k.name: k.default for k in KNOBS if k.name in seen})
    assert panel.values() == {k.name: k.default for k in KNOBS}


def test_a_double_click_on_the_label_resets(panel: KnobsPanel, qtbot) -> None:
    panel.set_values({"gamma": 0.1})
    name = next(w for w in panel.rows["gamma"].findChildren(QLabel) if "diversity" in w.text())
    with qtbot.waitSignal(panel.changed) as told:
        qtbot.mouseDClick(name, Qt.MouseButton.LeftButton)
    assert told.args == ["gamma", 0.5]


def test_a_page_may_add_and_grey_out(panel: KnobsPanel) -> None:
    panel.add_section("view", QLabel("here"))
    panel.set_footer(QLabel("there"))
    panel.allow("gamma", False, "There is no balance in this phase")
    assert not panel.rows["gamma"].isEnabled()
    assert "no balance" in panel.rows["gamma"].toolTip()


def test_a_line_of_text_is_taken_when_the_person_is_done(qtbot, panel: KnobsPanel) -> None:
    line = panel.rows["without"]
    assert line.field is not None
    assert line.slider is None
    with qtbot.waitSignal(line.changed) as caught:
        qtbot.keyClicks(line.field, "hat=cap & hair=long")
        qtbot.keyClick(line.field, Qt.Key.Key_Return)
    assert caught.args == ["hat=cap & hair=long"]
    assert panel.values()["without"] == "hat=cap & hair=long"
    assert not line.sentence.isVisible()
