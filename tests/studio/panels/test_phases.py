"""The strip of phases, the shares and the captions, without a run."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QStackedWidget

from models.contract import Curve, Plot
from studio import theme
from studio.panels.captions import CaptionsPanel
from studio.panels.curves import CurvesPanel
from studio.panels.phases import PhaseStrip
from studio.panels.samples import ImageGrid
from studio.panels.shares import SharesPanel

PHASES = (("first", 100), ("second", 50), ("third", 10))
KEYS = (("C", "C", "real"), ("scorer", "scorer", "judge"), ("chance", "chance", "baseline"))


@pytest.fixture
def strip(qtbot, dressed):
    strip = PhaseStrip()
    qtbot.addWidget(strip)
    strip.resize(700, 60)
    strip.show_run(PHASES)
    strip.show()
    return strip


def test_one_phase_needs_no_strip(qtbot, strip):
    assert strip.isVisible()
    strip.show_run(PHASES[:1])
    assert not strip.isVisible()
    assert not strip.skip_button.isEnabled()


def test_phases_go_by(strip):
    strip.allow(True)
    strip.show_step(40)
    assert strip.span("first") == (1, 40)
    assert strip.span("second") == (1, 0)  # it has had no step
    strip.enter("second", 100)
    strip.enter("third", 120)  # left early
    strip.show_step(125)
    assert [strip.span(name) for name, _ in PHASES] == [(1, 100), (101, 120), (121, 125)]
    assert [p.accessibleName() for p in strip._phases] == [
        "Phase first: done in 100 steps",
        "Phase second: left after 20 of 50 steps",
        "Phase third: 5 of 10 steps",
    ]
    assert not strip.skip_button.isEnabled()
    assert strip.follow() == strip.looked_at() == "third"


def test_the_next_phase_is_offered_while_the_run_takes_commands(qtbot, strip):
    assert not strip.skip_button.isEnabled()
    strip.allow(True)
    assert strip.skip_button.toolTip() == "Leave first as it is now, and go on with second"
    with qtbot.waitSignal(strip.skip, timeout=1000):
        strip.skip_button.click()


def test_the_menu_makes_longer_and_goes_anywhere(qtbot, strip):
    assert not strip.more_button.isEnabled()
    strip.allow(False, finished=True)
    assert (strip.more_button.isEnabled(), strip.skip_button.isEnabled()) == (True, False)
    strip.allow(True)
    strip.enter("second", 100)
    strip._fill()
    actions = [action for action in strip._menu.actions() if action.text()]
    assert [action.text() for action in actions] == [
        "Make second longer by 25 steps (half as long again)",
        "Make second longer by 50 steps (as long again)",
        "Go to first again: 100 steps",
        "Go to second again: 50 steps",
        "Go to third: 10 steps",
    ]
    with qtbot.waitSignal(strip.longer_wanted, timeout=1000) as longer:
        actions[0].trigger()
    with qtbot.waitSignal(strip.enter_wanted, timeout=1000) as there:
        actions[4].trigger()
    assert (longer.args, there.args) == ([25], ["third"])


def test_a_phase_that_is_longer_and_one_that_begins_again(strip):
    strip.show_step(40)
    strip.lengthen(50)
    assert strip._phases[0].accessibleName() == "Phase first: 40 of 150 steps"
    strip.enter("second", 150)
    strip.enter("first", 160)
    strip.show_step(170)
    assert strip._phases[0].accessibleName() == "Phase first: 10 of 100 steps"  # as the preset has it
    assert strip._phases[1].accessibleName() == "Phase second: left after 10 of 50 steps"
    assert strip.span("first") == (161, 170)


def test_what_has_begun_can_be_looked_at(qtbot, strip):
    strip.enter("second", 100)
    first, second, third = strip._phases
    with qtbot.waitSignal(strip.chosen, timeout=1000) as chosen:
        first.click()
    assert chosen.args == ["first"]
    assert strip.looked_at() == "first"
    assert second.isEnabled()
    assert not third.isEnabled()


def test_the_present_phase_fills_in_the_accent(strip):
    strip.show_step(50)
    first = strip._phases[0]
    image = first.grab().toImage()
    y = image.height() - 4
    assert image.pixelColor(20, y) == QColor(theme.accent(strip))
    assert image.pixelColor(image.width() - 16, y) == QColor(theme.theme().hairline)


def test_bars_are_as_long_as_their_shares(qtbot, dressed):
    panel = SharesPanel("Right", KEYS)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    values = {"C": np.array([1.0, 0.25]), "scorer": np.array([0.5, 0.75]), "chance": np.array([0.5, 0.1])}
    panel.show_shares(("glasses", "hat"), values)
    panel.show()
    bars = panel.bars
    image = bars.grab().toImage()
    blue = theme.pen("real").color()
    lengths = [max(sum(image.pixelColor(x, y) == blue for x in range(image.width())) for y in range(top, top + 28)) for top in (0, 28)]
    assert lengths[1] == pytest.approx(lengths[0] / 4, abs=3)
    assert bars._words(1) == "hat: C 25.0%, scorer 75.0%, chance 10.0%"
    panel.show_shares(("glasses", "hat"), values | {"scorer": np.array([0.5, np.nan])})
    bars.grab()
    assert bars._words(1) == "hat: C 25.0%, scorer –, chance 10.0%"


def test_many_rows_become_low_before_they_scroll(qtbot, dressed):
    panel = SharesPanel("Right", KEYS)
    qtbot.addWidget(panel)
    panel.resize(300, 330)
    names = [f"attribute {i}" for i in range(19)]
    panel.show_shares(names, {key: np.full(19, 0.5) for key, _, _ in KEYS})
    panel.show()
    assert 13 <= panel.bars._row() < 18


def test_words_that_are_wrong_are_struck_out(qtbot, dressed):
    panel = CaptionsPanel("Said")
    qtbot.addWidget(panel)
    panel.resize(500, 300)
    panel.show()
    pictures = np.zeros((2, 32, 32, 3), np.uint8)
    panel.show_captions(pictures, ("a red <dot>", "a blue dot"), ("a blue dot", "a blue dot"), ("log p −1.0", "log p −2.0"))
    assert panel.right.text() == "1 of 2 word for word"
    first, second = (item.words.text() for item in panel._items)
    assert "line-through'>red</span>" in first
    assert "&lt;dot&gt;" in first
    assert second == "a blue dot"
    panel.show_reason("None yet.")
    assert panel.empty.isVisible()
    assert not any(item.isVisible() for item in panel._items)


def test_a_wide_window_has_more_columns_of_captions(qtbot, dressed):
    panel = CaptionsPanel("Said")
    qtbot.addWidget(panel)
    panel.show_captions(np.zeros((4, 32, 32, 3), np.uint8), ["a"] * 4, ["b"] * 4, [""] * 4)
    panel.resize(500, 300)
    panel.show()
    assert panel._items[0].y() < panel._items[1].y()
    panel.resize(1000, 300)
    qtbot.waitUntil(lambda: panel._items[0].y() == panel._items[1].y() < panel._items[2].y(), timeout=2000)


def test_plots_of_a_phase_span_its_steps(qtbot, dressed):
    plots = (Plot("A", (Curve("a", "a", "real"),)), Plot("B", (Curve("b", "b", "real"),)))
    panel = CurvesPanel(plots, fitted=True)
    qtbot.addWidget(panel)
    panel.resize(600, 200)
    panel.show()
    hole = np.full(100, np.nan)
    panel.append(1, {"a": np.concatenate([np.ones(100), hole]), "b": np.concatenate([hole, np.ones(100)])})
    panel.show_plots(["b"])
    assert [card.isVisible() for card in panel.cards] == [False, True]
    panel._redraw()
    low, high = panel.cards[1]._box.viewRange()[0]
    assert (95 < low < 101, 200 < high < 206) == (True, True)
    panel.show_plots(["unknown"])
    assert all(card.isVisible() for card in panel.cards)


def test_a_grid_in_a_stack_with_wrapped_words(qtbot, dressed):
    """A stack asks every page for its height at a width, also a grid, which has none."""
    stack, captions = QStackedWidget(), CaptionsPanel("Said")
    qtbot.addWidget(stack)
    stack.addWidget(ImageGrid("Pictures"))
    stack.addWidget(captions)
    stack.show()
    captions.show_reason("None yet.")
    assert ImageGrid("Pictures").heightForWidth(300) == -1
