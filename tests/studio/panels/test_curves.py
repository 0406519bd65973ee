"""The row of cards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from studio.panels.curves import CurvesPanel


def plot(title: str, *curves: tuple[str, str, str]) -> Any:
    return SimpleNamespace(title=title, doc="", curves=tuple(SimpleNamespace(field=f, label=n, role=r) for f, n, r in curves))


@pytest.fixture
def panel(qtbot, dressed) -> CurvesPanel:
    out = CurvesPanel([plot("Errors", ("a", "L(x)", "real"), ("b", "L(G(z))", "generated")), plot("k_t", ("k", "k_t", "controller"))])
    qtbot.addWidget(out)
    out.resize(800, 230)
    return out


def test_starts_empty_and_shows_nothing_hidden(panel: CurvesPanel, qtbot) -> None:
    assert [c.legend._values for c in panel.cards] == [["", ""], [""]]
    with qtbot.waitExposed(panel):
        panel.show()
    panel.grab()


def test_draws_only_while_seen_and_all_of_it_then(panel: CurvesPanel, qtbot) -> None:
    panel.append(0, {"a": np.linspace(1, 2, 5000), "b": np.full(5000, np.nan), "k": np.zeros(5000)})
    assert panel.cards[0]._smooth[0].xData is None
    with qtbot.waitExposed(panel):
        panel.show()
    assert len(panel.cards[0]._smooth[0].xData) == 5000
    panel.append(5000, {"a": np.ones(10)})
    qtbot.waitUntil(lambda: len(panel.cards[0]._smooth[0].xData) == 5010)
    assert panel.cards[0].legend._values[1] == ""


def test_many_messages_one_redraw(panel: CurvesPanel, qtbot) -> None:
    with qtbot.waitExposed(panel):
        panel.show()
    drawn: list[int] = []
    panel.cards[0].draw = lambda history: drawn.append(1)  # type: ignore[method-assign]
    for i in range(50):
        panel.append(i, {"a": np.ones(1)})
    qtbot.wait(150)
    assert len(drawn) == 1


def test_pointing_at_a_step_tells_every_card(panel: CurvesPanel, qtbot) -> None:
    panel.set_smoothing(0)
    panel.append(0, {"a": np.arange(100.0), "b": np.ones(100), "k": np.zeros(100)})
    panel.mark_knob(40, "γ 0.70 → 0.50")
    with qtbot.waitExposed(panel):
        panel.show()
    with qtbot.waitSignal(panel.hovered) as told:
        panel.cards[0].hovered.emit(40)
    assert told.args == [40]
    assert panel.cards[0].legend._values == ["40.0", "1.00"]
    assert panel.cards[1].at.full_text() == "step 40 · γ 0.70 → 0.50"
    panel.cards[0].hovered.emit(-1)
    assert panel.cards[0].legend._values == ["99.0", "1.00"]
    assert not panel.cards[1]._hair.isVisible()


def test_smoothing_slider_goes_from_nothing_to_0_999(panel: CurvesPanel, qtbot) -> None:
    control = panel.smoothing_control()
    qtbot.addWidget(control)
    assert panel._slider is not None
    seen: list[float] = []
    panel.smoothing_changed.connect(seen.append)
    for place in (300, 0, 100):
        panel._slider.setValue(place)
    assert seen == pytest.approx([0.999, 0.0, 0.9])
    panel.set_smoothing(0.99)
    assert panel._slider.value() == 200
    assert len(seen) == 3


def test_marks_cursor_phases_and_clearing(panel: CurvesPanel, qtbot) -> None:
    panel.append(0, {"a": np.ones(100)})
    panel.mark_phase(0, "warm-up")
    panel.mark_phase(50, "adversarial")
    panel.mark_knob(10, "γ")
    panel.mark_knob(10, "lr")
    panel.show_cursor(20)
    with qtbot.waitExposed(panel):
        panel.show()
    assert panel._knobs == {10: "γ, lr"}
    assert panel.cards[0]._cursor.isVisible()
    assert len(panel.cards[0]._phases) == 2
    first = panel.cards[0]._phases[0][1]
    panel.mark_phase(80, "after")
    assert [line.label.format for _, line in panel.cards[0]._phases] == ["warm-up", "adversarial", "after"]
    assert panel.cards[0]._phases[0][1] is first  # what is there stays
    panel.clear()
    qtbot.wait(150)
    assert not panel.cards[0]._cursor.isVisible()
    assert not panel.cards[0]._phases
    assert panel.cards[0]._smooth[0].xData is None


def test_log_height_bears_values_that_are_not_positive(panel: CurvesPanel, qtbot) -> None:
    panel.append(0, {"a": np.linspace(-1, 1, 50), "b": np.full(50, -1.0)})
    with qtbot.waitExposed(panel):
        panel.show()
    qtbot.mouseClick(panel.cards[0].log_button, Qt.MouseButton.LeftButton)
    panel.grab()
    assert panel.cards[0].log_button.isChecked()


def test_a_hand_on_the_view_stops_following_until_a(panel: CurvesPanel, qtbot) -> None:
    panel.append(0, {"a": np.ones(100)})
    with qtbot.waitExposed(panel):
        panel.show()
    card = panel.cards[0]
    card._box.setRange(xRange=(10, 20), disableAutoRange=True)
    card._box.sigRangeChangedManually.emit([True, True])
    assert card.fit_button.isVisible()
    qtbot.keyClick(card, Qt.Key.Key_A)
    assert card._follows
    assert not card.fit_button.isVisible()


def test_the_range_of_steps_is_not_pyqtgraphs_own(panel: CurvesPanel, qtbot) -> None:
    """Its auto-range and its down-sampling can chase each other for ever: every paint posts the next, and no timer fires again."""
    with qtbot.waitExposed(panel):
        panel.show()
    card = panel.cards[0]
    for end in (50, 500, 5_000):
        panel.append(1, {"a": np.random.default_rng(0).normal(size=end)})
        panel._redraw()
        across, up = card._box.autoRangeEnabled()
        assert not across
        assert up
        low, high = card._box.viewRange()[0]
        assert low == pytest.approx(1, abs=0.05 * end)
        assert high == pytest.approx(end, rel=0.06)


def test_a_switch_of_the_theme_repaints(panel: CurvesPanel, qapp, dressed) -> None:
    dressed.apply(qapp, "dark")
    pen = panel.cards[0]._smooth[0].opts["pen"]
    assert pen.color().name().upper() == dressed.DARK.curves["real"]
