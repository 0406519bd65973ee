"""The panels of the chains' face, one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCompleter

from models.chains import SCALARS
from studio.chainmessages import Judged, Knows, Mixed, Mixing, Share, Strip, Traces
from studio.panels.bars import Bar
from studio.panels.blendpad import BlendPad
from studio.panels.chaingrid import ChainGrid, LargePicture, square_columns
from studio.panels.chaintraces import LogAndTerms
from studio.panels.conditionbar import ConditionBar
from studio.panels.conditionfield import (
    CAPTION,
    CLASS,
    NEURON,
    SEVERAL,
    ConditionField,
    check,
    kind_and_text,
    understood,
    weighted,
    wishes_of,
)
from studio.panels.epsgrid import FROM_ZERO, EpsGrid, decades, rows_of, short
from studio.panels.filmstrip import FilmStrip
from studio.panels.forces import ForcesCard
from studio.panels.mixingtable import MixingTable
from studio.panels.startpanel import StartPanel
from studio.panels.topclasses import TopClasses

KNOWS = Knows(
    {"hair": ("bald", "long"), "hat": ("none", "cap", "beret"), "eyes": ("blue", "brown"), "skin": ("brown", "pale")},
    ("a", "person", "with", "smile", "smiling"),
    {"h": (12,), "h1": (4, 4, 4)},
)


@pytest.fixture
def shown(qtbot, dressed):
    """Show a widget at a size."""

    def show(widget, width=400, height=300):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        return widget

    return show


def pixels(n, side=8, value=0):
    return np.full((n, side, side, 3), value, np.uint8)


# --- conditions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "wishes"),
    [
        (CLASS, " hat=cap ", ("hat=cap",)),
        (CAPTION, "a person", ("caption:a person",)),
        (CAPTION, "caption:a person:0.5", ("caption:a person:0.5",)),
        (NEURON, "h/3", ("unit:h/3",)),
        (SEVERAL, "hat, bald:-0.5,", ("hat", "bald:-0.5")),
        (CLASS, "", ()),
    ],
)
def test_what_is_typed_becomes_conditions(kind, text, wishes):
    assert wishes_of(kind, text) == wishes
    if wishes:
        back, again = kind_and_text(wishes)
        assert back == kind
        assert wishes_of(back, again) == wishes


def test_weights_are_shared_out():
    assert weighted(("hat=cap", "bald:-2"), KNOWS, 0.25) == ["hat=cap:0.25", "bald:-0.5"]
    assert weighted(("hat=cap",), KNOWS, 1.0) == ["hat=cap"]


def test_what_is_wrong_is_one_sentence():
    assert check(("cap",), KNOWS) == ""
    assert "did you mean 'beret'" in check(("berret",), KNOWS)
    assert "does not know the word 'persn'; did you mean 'person'" in check(("caption:a persn",), KNOWS)
    assert "unit:h/INDEX" in check(("unit:h/12",), KNOWS)
    assert check((), KNOWS)


def completions(field, typed):
    completer = field.completer
    field.field.setText(typed)
    completer.setCompletionPrefix(completer.splitPath(typed)[0])
    model = completer.completionModel()
    return [completer.pathFromIndex(model.mapToSource(model.index(i, 0))) for i in range(model.rowCount())]


def test_words_are_completed_where_they_are_typed(shown):
    field = shown(ConditionField())
    field.show_knows(KNOWS)
    assert isinstance(field.completer, QCompleter)
    assert completions(field, "ca") == ["cap"]
    assert completions(field, "brown") == ["eyes=brown", "skin=brown"]
    assert "hat" in completions(field, "hat")
    field.kinds.setCurrentIndex(CAPTION)
    field.kinds.activated.emit(CAPTION)
    assert completions(field, "a person with smi") == ["a person with smile", "a person with smiling"]
    field.kinds.activated.emit(SEVERAL)
    field.kinds.setCurrentIndex(SEVERAL)
    field._offer()
    assert completions(field, "bald, ber") == ["bald, beret"]
    field.kinds.setCurrentIndex(NEURON)
    field._offer()
    assert "h1/3" in completions(field, "h1")


def test_nothing_is_passed_on_until_it_is_understood(shown, qtbot):
    field, said = shown(ConditionField()), []
    field.entered.connect(said.append)
    field.show_knows(KNOWS)
    qtbot.keyClicks(field.field, "cup")
    assert field.sentence.isHidden()  # while one types
    qtbot.keyClick(field.field, Qt.Key.Key_Return)
    assert "did you mean 'cap'" in field.sentence.text()
    assert field.field.property("state") == "bad"
    qtbot.keyClick(field.field, Qt.Key.Key_Backspace)
    qtbot.keyClick(field.field, Qt.Key.Key_Backspace)
    qtbot.keyClicks(field.field, "ap")
    assert field.sentence.isHidden()
    qtbot.keyClick(field.field, Qt.Key.Key_Return)
    assert said == [("cap",)]
    field.show_knows(Knows({"digit": ("0", "1")}, (), {}))  # another network
    assert not field.kinds.model().item(CAPTION).isEnabled()
    assert not field.kinds.model().item(NEURON).isEnabled()
    assert not field.sentence.isHidden()
    assert field.field.text() == "cap"


def test_a_button_acts_while_completions_are_open(shown, qtbot):
    bar, said = shown(ConditionBar(), 900, 60), []
    bar.entered.connect(said.append)
    bar.condition.show_knows(KNOWS)
    window = bar.windowHandle()
    assert window is not None

    def press():
        qtbot.mouseClick(window, Qt.MouseButton.LeftButton, pos=bar.apply.mapTo(bar, bar.apply.rect().center()))

    field, popup = bar.condition.field, bar.condition.completer.popup()
    field.setText("b")
    field.setFocus()
    qtbot.waitUntil(lambda: field.hasFocus())
    qtbot.keyClicks(field, "ald")
    qtbot.waitUntil(lambda: not popup.isVisible())  # nothing is left to complete
    press()
    assert said == [("bald",)]
    field.setText("")
    qtbot.keyClicks(field, "b")
    qtbot.waitUntil(popup.isVisible)
    qtbot.keyClick(popup, Qt.Key.Key_Escape)
    field.setText("hat=cap")
    bar.condition.completer.complete()
    bar.condition.completer.setCompletionPrefix("")
    bar.condition.completer.complete()
    qtbot.waitUntil(popup.isVisible)
    press()
    qtbot.waitUntil(lambda: said == [("bald",), ("hat=cap",)])
    assert not popup.isVisible()


@pytest.mark.parametrize("text", ["cap, bald:-0.5", "cap + bald:-0.5", "cap+bald:-0.5", "cap,bald:-0.5"])
def test_several_classes_are_understood_where_one_is_expected(shown, text):
    field, said = shown(ConditionField()), []
    field.entered.connect(said.append)
    field.show_knows(KNOWS)
    field.field.setText(text)
    field.enter()
    assert said == [("cap", "bald:-0.5")]
    assert (field.kinds.currentIndex(), field.field.text()) == (SEVERAL, "cap, bald:-0.5")
    assert understood(CLASS, "cap:+2", KNOWS) == ("cap:+2",)
    assert understood(CLASS, "1 + 1", Knows({"sum": ("1 + 1", "2")}, (), {})) == ("1 + 1",)
    assert "did you mean 'cap'" in check(understood(CLASS, "cup, bald", KNOWS), KNOWS)


# --- pictures -----------------------------------------------------------------------------------------------------


def test_marks_of_agreement_and_of_what_is_frozen_are_painted(shown):
    grid = shown(ChainGrid("", 2), 200, 200)
    grid.set_count(4)
    grid.show_images(pixels(4))
    before = grid.grab().toImage()
    grid.show_marks([True, None, False, False], [False, False, False, True])
    after = grid.grab().toImage()

    def differ(i):
        r = grid.rect_of(i).toRect().adjusted(0, 0, 0, 3)
        return any(before.pixel(x, y) != after.pixel(x, y) for x in range(r.left(), r.right()) for y in range(r.top(), r.bottom()))

    assert [differ(i) for i in range(4)] == [True, False, False, True]


def test_pictures_are_as_large_as_fit(shown):
    grid = ChainGrid()
    assert [square_columns(n) for n in (1, 4, 6, 16)] == [1, 2, 3, 4]
    assert grid.width_for(16, 32, 396, 440) == 4 * 100 - 4
    assert grid.width_for(16, 32, 396, 300) == 4 * 68 - 4
    assert grid.width_for(64, 32, 396, 440) == 6 * 68 - 4 + 10
    large = shown(LargePicture(64), 64, 64)
    large.show_picture(pixels(1, 8, 200)[0])
    image = large.grab().toImage()
    assert {image.pixelColor(x, x).red() for x in (0, 30, 63)} == {200}


def test_a_click_on_the_strip_looks_and_with_ctrl_forks(shown, qtbot):
    strip, looked, forked = shown(FilmStrip(), 400, 110), [], []
    strip.looked.connect(looked.append)
    strip.forked.connect(forked.append)
    strip.show_strip(Strip(2, (6, 3, 0), (0, 3, 6), pixels(3, 32)))
    assert "chain 3" in strip.title.full_text()
    assert strip.fits() == 5
    at = [strip.frames.rect_of(i).center().toPoint() for i in range(3)]
    qtbot.mouseClick(strip.frames, Qt.MouseButton.LeftButton, pos=at[1])
    qtbot.mouseClick(strip.frames, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at[0])
    strip.show_back(3)
    strip.fork_button.click()
    strip.frames.select(2)
    qtbot.keyClick(strip.frames, Qt.Key.Key_F)
    strip.show_back(0)
    strip.fork_button.click()
    assert looked == [3]
    assert forked == [6, 3, 0, 0]


# --- numbers ------------------------------------------------------------------------------------------------------


def test_classes_have_two_bars_and_say_both_numbers(shown):
    card = shown(TopClasses())
    shares = (Share("round glasses", 0.93, 0.88, True), Share("hat", 0.06, None, False))
    card.show_judged(Judged(0, 3, shares, "a person", (True,), 1.0))
    assert [b.words for b in card.bars.lines] == ["93 · 88", "6 · –"]
    assert [b.strong for b in card.bars.lines] == [True, False]
    assert card.bars.lines[0].parts == ((0.93, "generated"), (0.88, "judge"))
    assert math.isnan(card.bars.lines[1].parts[1][0])
    assert card.caption.text() == "“a person”"
    card.grab()


def last(**values):
    row = np.full((2, len(SCALARS)), np.nan, np.float32)
    for name, pair in values.items():
        row[:, SCALARS.index(name)] = pair
    return row


def test_forces_are_on_one_scale_with_a_mark_at_the_mean(shown):
    card = shown(ForcesCard())
    card.show_forces(None, 0, SCALARS)
    assert [b.words for b in card.bars.lines] == ["–", "–", "–"]
    card.show_forces(last(prior=(1, 3), condition=(4, 2), noise=(0, 0), angle=(94, 10)), 0, SCALARS)
    bars = {b.name: b for b in card.bars.lines}
    assert [bars[n].parts[0][0] for n in ("prior", "condition", "noise")] == [0.25, 1.0, 0.0]
    assert [bars[n].tick for n in ("prior", "condition")] == [0.5, 0.75]
    assert "94°" in card.angle.text()
    card.show_forces(last(prior=(0, 0), condition=(4, 2), noise=(0, 0), angle=(np.nan, np.nan)), 0, SCALARS)
    assert card.angle.text() == "prior and condition: –"
    card.show_forces(last(condition=(4, 2), noise=(0, 0), context=(8, 8)), 1, SCALARS)
    bars = {b.name: b for b in card.bars.lines}
    assert bars["prior"].words == "none"
    assert bars["context"].parts[0][0] == 1.0
    assert card.angle.text() == "no prior"
    assert isinstance(card.bars.lines[0], Bar)
    card.grab()


def test_traces_show_the_mean_over_the_selected_chain(shown):
    panel = shown(LogAndTerms(), 500, 400)
    steps = np.arange(1, 6)
    mean, own = np.random.default_rng(0).random((2, 5, len(SCALARS)))
    mean[:, SCALARS.index("context")] = own[:, SCALARS.index("context")] = np.nan
    judged = np.array([[1, -3, -4], [5, -1, -2]], float)
    panel.show_traces(Traces(steps, mean, own, judged), SCALARS)
    assert [line.getData()[1][-1] for line in panel.log_p._lines] == pytest.approx([own[-1, 0], mean[-1, 0], -2, -1])
    assert len(panel.terms._lines) == 6
    faint, strong = (panel.log_p._lines[i].opts["pen"].color().name() for i in (0, 1))
    assert faint != strong
    empty = np.empty((0, len(SCALARS)))
    panel.show_traces(Traces(np.empty(0), empty, empty, np.empty((0, 3))), SCALARS)
    assert panel.log_p.at.full_text() == ""


def test_mixing_says_what_it_is_over(shown):
    table = shown(MixingTable(), 400, 300)
    nan = float("nan")
    table.show_mixing(Mixing((Mixed("norm", nan, nan, nan),), 4, 3, np.empty(0)))
    assert table.over.full_text() == "nothing yet: after 16 steps"
    table.show_mixing(Mixing((Mixed("norm", 1.013, 210.0, 190.0),), 4, 40, np.linspace(1, 0, 20)))
    assert [c.text() for c in table.cells["norm"]] == ["1.01", "210", "190"]
    assert "40 draws of 4 chains" in table.over.full_text()


# --- pad, sweep, start --------------------------------------------------------------------------------------------


def test_the_pad_blends_by_mouse_and_keys(shown, qtbot):
    blend, said = shown(BlendPad(), 400, 320), []
    blend.blended.connect(lambda *all_of_it: said.append(all_of_it))
    blend.second.show_knows(KNOWS)
    qtbot.mouseClick(blend.pad, Qt.MouseButton.LeftButton, pos=QPoint(blend.pad.width() // 2, blend.pad.height() // 2))
    assert not said  # there is no B yet
    assert blend.share() == 0
    blend.second.field.setText("cap")
    blend.second.enter()
    assert said[-1][0] == ("cap",)
    assert said[-1][1] == pytest.approx(0.5, abs=0.02)
    assert said[-1][2] == pytest.approx(1.0, rel=0.2)
    blend.pad.put(1.0, 0.5)
    qtbot.keyClick(blend.pad, Qt.Key.Key_Left)
    qtbot.keyClick(blend.pad, Qt.Key.Key_Up)
    assert said[-1][1:] == (pytest.approx(0.95), pytest.approx(1.58))
    assert "5% A, 95% B" in blend.words.text()
    blend.show_strength(100.0)
    assert blend.pad.at[1] == 1.0
    blend.show_strength(0.0)
    assert blend.pad.at[1] == 0.0
    blend.grab()


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_columns_of_the_sweep_are_never_rearranged(shown, rows):
    sweep = shown(EpsGrid(), 64 + 5 * 46, 480)
    sweep.axes.grid.show_images(pixels(5 * rows, 32))
    assert sweep.axes.grid.layout_now().columns == 5


def test_columns_are_decades_and_rows_are_classes():
    assert decades(0.01) == (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert decades(3e-17)[2] == 3e-17
    assert decades(0.0) == FROM_ZERO
    assert [short(v) for v in (0.0, 1e-4, 0.01, 2.5, 2500.0, 3e-17)] == ["0", "1e-4", "0.01", "2.5", "2.5e3", "3e-17"]
    assert rows_of(KNOWS, "hat") == ("hat=none", "hat=cap", "hat=beret")
    assert len(rows_of(Knows({"d": tuple("0123456789ab")}, (), {}), "d")) == 10


def test_a_mask_without_a_rest_is_none(shown, qtbot):
    panel, asked = shown(StartPanel(), 440, 280), []
    panel.open.connect(lambda: asked.append("open"))
    panel.changed.connect(lambda: asked.append("changed"))
    panel.kinds.buttons[2].click()
    assert asked == ["open"]
    assert panel.start() == "noise"
    assert "Choose a picture" in panel.words.text()
    panel.show_picture(pixels(1, 32)[0])
    assert panel.start().shape == (32, 32, 3)
    assert panel.hole() is None
    panel.invert_button.click()
    assert panel.hole() is None
    assert "nothing is kept" in panel.words.text()
    panel.canvas.dab((16, 16), False)
    panel.canvas.painted.emit()
    assert panel.hole() is not None
    assert panel.words.text().endswith("ε4 keeps the rest.")
    panel.brush.setValue(20)
    assert panel.canvas.radius > 8
    panel.clear()
    assert panel.start() == "noise"
    panel.grab()
