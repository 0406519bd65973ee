"""The f-divergence table, the comparison, and the gradient's variance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from models.contract import View
from models.divergences import DIVERGENCES
from studio import theme
from studio.panels.compare import ComparePanel
from studio.panels.comparecolumn import CURVES, Column
from studio.panels.divergencerows import LINES, NAMES, formula_width
from studio.panels.divergencetable import LEAST, MOST, DivergenceTable, probe
from studio.panels.gradientvariance import ESTIMATORS, VariancePanel


@pytest.fixture
def shown(qtbot, dressed):
    """A widget on the screen."""

    def show(widget, wide=864, high=664):
        qtbot.addWidget(widget)
        widget.resize(wide, high)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return show


# --- the table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("u", [LEAST, 0.7, 1.0, 2.4, MOST])
def test_the_probe_is_a_tight_bound_whose_weight_is_u(name, u):
    p = probe(name, u)
    assert p.w == pytest.approx(u)
    assert u * p.T - p.conjugate == pytest.approx(p.f, abs=1e-9)
    others = np.linspace(0.05, 4, 100)
    assert all(probe(name, v).f >= p.f + p.T * (v - u) - 1e-9 for v in others)  # the line lies nowhere above f


def test_a_row_is_picked_and_drawn_over_the_others(qtbot, shown):
    table = shown(DivergenceTable())
    high = theme.theme().px(26)
    qtbot.mouseClick(table.rows, Qt.MouseButton.LeftButton, pos=table.rows.rect().topLeft() + QPointF(60, 3.5 * high).toPoint())
    assert table.name() == NAMES[2]
    qtbot.keyClick(table.rows, Qt.Key.Key_Down)
    qtbot.keyClick(table.rows, Qt.Key.Key_Down)
    assert table.name() == "hellinger"
    assert table.side.title.text() == "squared Hellinger"
    for plot in table.plots.values():
        lines = {role.removesuffix("False"): item for role, item in zip(plot._roles, plot._lines, strict=True)}
        assert set(lines) == set(LINES.values())
        strong = [role for role, item in lines.items() if item.opts["pen"].widthF() > 1]
        assert strong == [LINES["hellinger"]]
    x, y = table.plots["f"]._lines[-1].getData()
    assert np.allclose(y, (np.sqrt(x) - 1) ** 2)


def test_the_line_is_moved_by_all_three_plots_and_the_slider(qtbot, shown):
    table = shown(DivergenceTable())
    table.rows.pick("reverse-kl")
    plot = table.plots["f"]
    plot._on_mouse(plot._box.mapViewToScene(QPointF(2.0, 0.0)))
    assert table.u() == pytest.approx(2.0, abs=0.02)
    slope, foot = plot._tangent.getData(), plot._ring.getData()
    assert np.diff(slope[1])[0] / np.diff(slope[0])[0] == pytest.approx(-1 / table.u(), rel=1e-6)
    assert foot[1][0] == pytest.approx(-probe("reverse-kl", table.u()).conjugate)
    table.plots["conjugate"].moved.emit(-0.5)  # T = −1/u
    assert table.u() == pytest.approx(2.0, abs=0.01)
    table.plots["w"].moved.emit(float(np.log(0.5)))
    assert table.u() == pytest.approx(0.5, abs=0.01)
    assert table.side.values["w"].text() == table.side.values["u"].text()
    table.side.slider.setValue(table.side.slider.maximum())
    assert table.u() == pytest.approx(MOST)
    table.set_u(99.0)
    assert table.u() == MOST
    table.set_u(float("nan"))
    assert table.u() == MOST


def test_training_with_another(qtbot, shown):
    table = DivergenceTable()
    side = shown(table.side, 304, 664)
    assert not side.use_button.isEnabled()
    assert side.why.text().startswith("Open a run")
    table.show_used("gan")
    assert not side.use_button.isEnabled()  # it is what is picked
    table.rows.pick("chi2")
    with qtbot.waitSignal(table.wanted) as sent:
        qtbot.mouseClick(side.use_button, Qt.MouseButton.LeftButton)
    assert sent.args == ["chi2"]
    table.show_used("chi2")
    assert not side.use_button.isEnabled()
    assert "Pearson χ² is in use" in table.rows.accessibleDescription()
    table.show_used("gan", can=False)
    assert not side.use_button.isEnabled()


def test_the_rows_fit_the_smallest_window_and_repaint_in_the_dark(shown, qapp):
    table = shown(DivergenceTable(), 864)
    assert table.rows.sizeHint().width() <= table.rows.width()
    lefts = table.rows._lefts()
    assert lefts == sorted(lefts)
    assert lefts[-1] <= table.rows.width() - 30
    table.show_used("kl")
    before = table.rows.grab().toImage()
    theme.apply(qapp, "dark")
    assert table.rows.grab().toImage() != before
    assert formula_width("e^F", theme.font(12)) < formula_width("e^F / E_Q[e^F]", theme.font(12))


# --- the comparison -------------------------------------------------------------------------------------------


def made(kind: str, names: tuple[str, ...], now: int, total: int = 40) -> View:
    steps = np.arange(0, now + 1, 10, dtype=float)
    fields = [f for f, (_, _, toys) in CURVES.items() if kind == "toy" or not toys]
    numbers = {f"{n}.{f}": steps / 10 + 100 * i + k for i, n in enumerate(names) for k, f in enumerate(fields)}
    pictures = {n: np.full((8, 28, 28, 1), 40 * i, np.uint8) for i, n in enumerate(names)} if kind == "pictures" else {}
    words = {n: tuple(f"{n} says {i}" for i in range(6)) for n in names} if kind == "text" else {}
    return View(pictures=pictures, numbers={**numbers, "steps": steps, "done": np.array([now, total], float)}, words=words)


def test_what_is_asked_for(qtbot, shown):
    panel = ComparePanel()
    side = shown(panel.side, 304)
    assert not side.start_button.isEnabled()
    panel.allow(True)
    for check in side.checks.values():
        check.setChecked(False)
    assert not side.start_button.isEnabled()
    assert "Choose" in side.start_button.toolTip()
    side.checks["dv"].setChecked(True)
    side.checks["jsd"].setChecked(True)
    side.steps.setValue(600)
    side.seed.setValue(3)
    side.estimator.setCurrentIndex(1)
    with qtbot.waitSignal(panel.wanted) as sent:
        qtbot.mouseClick(side.start_button, Qt.MouseButton.LeftButton)
    assert sent.args == [{"seed": 3, "steps": 600, "every": 10, "divergences": ("jsd", "dv"), "estimator": "global"}]
    assert not side.steps.isEnabled()
    with qtbot.waitSignal(panel.dropped):
        qtbot.mouseClick(side.start_button, Qt.MouseButton.LeftButton)
    assert side.steps.isEnabled()
    assert side.start_button.text() == "Start"
    assert panel.reason.text().startswith("Nothing has been compared")


def test_curves_over_each_other_and_pictures_side_by_side(qtbot, shown):
    panel = shown(ComparePanel())
    panel.allow(True)
    panel.side.start_button.click()
    names = ("gan", "kl", "chi2")
    panel.show_view(made("pictures", names, 20))
    assert panel.side.progress.full_text() == "step 20 of 40"
    assert not panel.is_complete()
    assert [item.getData()[1].tolist() for item in panel.plot._lines] == [[0, 1, 2], [100, 101, 102], [200, 201, 202]]
    assert [item.opts["pen"].color().name().upper() for item in panel.plot._lines] == [theme.line_color(LINES[n]) for n in names]
    assert [int(part.grid.picture(0)[0, 0, 0]) for part in panel.columns.values()] == [0, 40, 80]
    for part in panel.columns.values():
        place = part.grid.layout_now()
        assert place.columns * place.rows >= 8  # all of them are seen
        assert place.zoom >= 2
    panel.plot.shown.buttons[1].click()
    assert panel.plot.field() == "ESS"
    assert panel.plot._lines[0].getData()[1].tolist() == [1, 2, 3]
    panel.show_view(made("pictures", names, 40))
    assert panel.is_complete()
    assert panel.side.start_button.text() == "Start"
    assert [b.text() for b in panel.plot.shown.buttons if not b.isHidden()] == ["V", "ESS", "D(real)", "D(fake)"]


def test_seven_have_room_on_the_smallest_window(shown):
    panel = shown(ComparePanel(), 704, 564)
    for kind in ("text", "pictures", "toy"):
        panel.reset(kind)
        panel.show_view(made(kind, NAMES, 40))
        assert tuple(panel.columns) == NAMES
        assert panel.width() == 704
        edges = [part.geometry() for part in panel.columns.values()]
        assert all(a.right() < b.left() for a, b in pairwise(edges))
        assert panel.plot.height() >= 160
        assert len({part.values.geometry().top() for part in panel.columns.values()}) == 1


def test_a_toy_shows_what_is_known_exactly(shown):
    panel = shown(ComparePanel())
    panel.reset("toy")
    panel.show_view(made("toy", ("gan", "dv"), 40))
    assert panel.plot.field() == "KL"
    assert panel.plot._lines[1].getData()[1].tolist() == [104, 105, 106, 107, 108]
    assert "KL <b>" in panel.columns["dv"].values.text()
    assert not panel.columns["dv"].grid.isVisible()
    panel.reset("text")
    assert panel.plot.field() == "V"
    panel.show_view(made("text", ("gan",), 10))
    assert panel.columns["gan"].words.said[2] == "gan says 2"
    panel.show_reason("It overflowed.")
    assert panel.reason.isVisible()
    assert not panel.plot.isVisible()


def test_a_column_says_what_it_is(shown):
    part = shown(Column("hellinger"), 300, 200)
    assert part.head.full_text() == DIVERGENCES["hellinger"].title


# --- the gradient's variance ----------------------------------------------------------------------------------


def measured(done: int = 3, /, **values: float) -> dict[str, np.ndarray]:
    out = {"done": np.array([done, 3.0])}
    for name, value in values.items():
        key = {"per_z": "per-z"}.get(name, name)
        out |= {key: np.array([value]), f"{key}.relative": np.array([10 * value])}
    return out


def test_the_variance_is_measured_when_it_is_wanted(qtbot, shown):
    panel = shown(VariancePanel(), 272, 420)
    assert not panel.measure_button.isEnabled()
    panel.allow(True)
    panel.redraws.setValue(500)
    with qtbot.waitSignal(panel.wanted) as sent:
        qtbot.mouseClick(panel.measure_button, Qt.MouseButton.LeftButton)
    assert sent.args[0]["redraws"] == 500
    panel.show_numbers(measured(0), 20)
    assert panel.words.text() == "Measuring, 0 of 3 …"
    with qtbot.waitSignal(panel.dropped):
        qtbot.mouseClick(panel.measure_button, Qt.MouseButton.LeftButton)
    assert panel.words.text() == "Stopped."


def test_bars_on_a_logarithmic_axis(shown):
    panel = shown(VariancePanel(), 272, 420)
    panel.show_numbers(measured(per_z=1e-3, reinforce=1.0, **{"global": 1e-2}), 1_200)
    bars = panel.trace.bars.lines
    assert [b.name for b in bars] == list(ESTIMATORS.values())
    shares = [b.parts[0][0] for b in bars]
    assert (shares[2] - shares[1]) == pytest.approx(2 * (shares[1] - shares[0]))  # a decade, then two
    assert shares[2] == pytest.approx(1.0)
    assert shares[0] > 0
    assert panel.trace.axis._high == 0
    assert panel.relative.axis._high == 1
    assert panel.words.text().startswith("3 redraws at step 1,200.")
    panel.show_numbers(measured(per_z=float("nan"), reinforce=0.0, **{"global": float("inf")}), 1)
    assert all(not np.isfinite(b.parts[0][0]) for b in panel.trace.bars.lines)
    panel.grab()
