"""The lab's small panels: knobs with both names of a step, playback, brush, formula, numbers, the error's plot."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from models.errors import BadInput
from models.knobs import describe
from models.samplers import mala, mala_approx
from studio.messages import Lane
from studio.panels.brush import BrushPanel
from studio.panels.conventions import conventions
from studio.panels.diagnostics import NUMBERS, Diagnostics
from studio.panels.expression import EXAMPLES, ExpressionPanel
from studio.panels.kernel import KernelPanel
from studio.panels.labsetup import LabSetup
from studio.panels.playback import Playback
from studio.workers import framing, lanes
from studio.workers.limit import LimitErrors


def lane(module, **knobs):
    return Lane(module.NAME, module.TITLE, module.BEST, describe(module.Knobs), knobs, 1)


def test_both_names_of_a_step():
    assert conventions("mala", {"step_size": 0.5}, ("target",)) == [
        ("slides", "drift σ²/2 = 0.125, noise σ = 0.500"),
        ("Langevin", "drift ε = 0.125, noise √(2ε) = 0.500"),
    ]
    words = dict(conventions("mala-approx", {"epsilon12": 0.02, "epsilon3": 0.4}, ("target",)))
    assert words["T"] == "ε3²/(2 ε12) = 4.00"
    assert "√(2ε) = 0.200" in words["noise"]
    twice = conventions("mala-approx", {"epsilon1": 0.5, "epsilon2": 0.0, "epsilon3": 1.0}, ("prior", "condition"))
    assert [v for k, v in twice if k == "T"] == ["ε3²/(2 ε1) = 1.00 of the prior", "ε3²/(2 ε2) = ∞ of the condition"]


def test_a_kernels_panel_tells_what_is_turned(qtbot):
    panel = KernelPanel(lane(mala_approx, epsilon12=0.1, epsilon3=0.3), ("target",))
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.changed) as signal:
        panel.rows["epsilon3"]._take(0.6)
    assert signal.args == ["epsilon3", 0.6]
    assert panel.lines[-1][1].text() == "ε3²/(2 ε12) = 1.80"
    with qtbot.waitSignal(panel.suit):
        qtbot.mouseClick(panel.suit_button, Qt.MouseButton.LeftButton)


def test_playback_says_what_was_pressed(qtbot):
    bar = Playback()
    qtbot.addWidget(bar)
    for button, signal in ((bar.play_button, bar.play), (bar.step_button, bar.step), (bar.back_button, bar.back), (bar.reset_button, bar.reset)):
        with qtbot.waitSignal(signal):
            button.click()
    bar.show_playing(True)
    with qtbot.waitSignal(bar.pause):
        bar.play_button.click()
    with qtbot.waitSignal(bar.speed) as chosen:
        bar.speeds.activated.emit(0)
    assert chosen.args == [0]
    bar.show_progress(1234, 25.2, 256, "")
    assert bar.text.full_text() == "step 1,234 · 25 steps/s · 256 chains"


def test_the_brush_adds_rubs_out_saves_and_loads(qtbot, tmp_path):
    panel = BrushPanel()
    qtbot.addWidget(panel)
    panel.weights = np.zeros((64, 64))
    with qtbot.waitSignal(panel.painted):
        panel.dab((2.0, 2.0), True)
    assert np.unravel_index(panel.weights.argmax(), (64, 64)) == pytest.approx((15.5, 47.5), abs=1)  # above and right of the middle
    drawn = panel.weights.copy()
    assert panel.write(tmp_path / "a.json")
    panel.dab((2.0, 2.0), False)
    assert panel.weights.max() < drawn.max()
    assert panel.read(tmp_path / "a.json")
    assert np.array_equal(panel.weights, drawn)
    (tmp_path / "bad.json").write_text("{}")
    with qtbot.waitSignal(panel.failed) as signal:
        assert not panel.read(tmp_path / "bad.json")
    assert "not a drawn density" in signal.args[0]


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES])
def test_every_example_is_a_density(qtbot, text):
    from models.catalog import target

    panel = ExpressionPanel()
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.entered) as signal:
        panel.use(text)
    assert signal.args == [text]
    assert target(f"expr:{text}").title


def test_setup_reads_a_point_and_tells_of_chains_once(qtbot):
    setup = LabSetup()
    qtbot.addWidget(setup)
    told = []
    setup.changed.connect(lambda: told.append(setup.chains.value()))
    for chains in (300, 400, 500):
        setup.chains.setValue(chains)
    qtbot.waitUntil(lambda: bool(told), timeout=5_000)
    assert told == [500]
    setup.starts.setCurrentIndex(3)
    setup.point.setText("1; -2.5")
    assert setup.start() == (1.0, -2.5)
    setup.point.setText("1,a")
    assert setup.start() is None


def test_diagnostics_of_one_and_of_two(qtbot):
    from studio.messages import Walk

    labs, _ = lanes.make(Walk(("mala", "mala-approx"), "normal", 16), 100)
    for lab in labs:
        lab.step(40)
    found = [framing.diagnosis(lab, 0, 100_000) for lab in labs]
    panel = Diagnostics()
    qtbot.addWidget(panel)
    two = [lane(mala, step_size=1.0), lane(mala_approx, epsilon12=0.1, epsilon3=0.3)]
    panel.show_lanes(two[:1])
    panel.show_diagnoses(found[:1])
    summary = found[0].summary
    assert panel.cells[0]["acceptance"].text() == f"{summary.acceptance:#.3g}"
    assert panel.cells[0]["evaluations"].text() == "80"
    assert panel.over.text() == "last 40 draws of each chain"
    panel.show_lanes(two)
    panel.show_diagnoses(found)
    assert panel.cells[1]["acceptance"].text() == "–"
    assert panel.cells[1]["evaluations"].text() == "40"
    assert set(panel.cells[1]) == {name for name, _, _ in NUMBERS}


def test_a_walk_to_the_limit_that_would_take_too_long_is_refused(qtbot):
    thread = LimitErrors("normal", {"epsilon12": 1e-6, "epsilon3": 1e-3})
    said = []
    thread.failed.connect(said.append)
    thread.start()
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert thread.wait(5_000)
    assert "takes too long" in said[0]


def test_lanes_of_a_target_without_exact_draws_start_wide():
    from studio.messages import Walk

    _, start = lanes.make(Walk(("mala",), "expr:-x1**2-x2**2-x3**2", 4), 10)
    assert start == "wide"
    with pytest.raises(BadInput):
        lanes.make(Walk(("mala",), "nothing", 4), 10)
