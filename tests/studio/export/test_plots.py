"""Plots as figures: axis titles, nothing to click, and logarithmic axes that can be read at any height."""

import numpy as np
import pytest

from models.contract import Curve, Plot
from studio.panels.curves import CurvesPanel
from studio.panels.plot import ValueAxis

PLOTS = (Plot("Reconstruction error", (Curve("a", "L(x)", "real"),)), Plot("k_t", (Curve("b", "k_t", "controller"),)))


@pytest.fixture
def panel(qtbot, dressed):
    made = CurvesPanel(PLOTS)
    qtbot.addWidget(made)
    made.append(1, {"a": np.geomspace(1e-4, 10, 400, dtype=np.float32), "b": np.linspace(0, 1, 400, dtype=np.float32)})
    made.resize(900, 300)
    return made


def test_a_figure_has_axis_titles_and_nothing_to_click(panel):
    panel.for_export()
    panel.show()
    for card, title in zip(panel.cards, ("Reconstruction error", "k<sub"), strict=True):
        axes = card.canvas.getPlotItem()
        assert title in axes.getAxis("left").labelText
        assert axes.getAxis("bottom").labelText == "step"
        assert axes.getAxis("left").label.isVisible()
        assert not card.log_button.isVisible()
        assert not card.fit_button.isVisible()
        assert card.legend.isVisible()


@pytest.fixture
def axis(qapp):
    made = ValueAxis("left")
    made.setLogMode(y=True)
    return made


@pytest.mark.parametrize("size", [30, 60, 150, 400, 1000])
@pytest.mark.parametrize("span", [(-8.2, 3.4), (-2.3, 1.1), (-0.4, 0.9), (0.01, 0.95), (-1.0, -0.7), (0.31, 0.47), (-40.0, 30.0)])
def test_labels_of_a_logarithmic_axis_have_room(axis, size, span):
    ((_, values),) = axis.tickValues(*span, size)
    places = [(v - span[0]) / (span[1] - span[0]) * size for v in values]
    assert all(span[0] <= v <= span[1] for v in values)
    assert min(np.diff(places), default=100) >= 11
    assert len(values) <= max(2, size / 30)
    if size >= 150:
        assert len(values) >= 2
    assert len(set(axis.tickStrings(values, 1, 1))) == len(values)


def test_a_plain_axis_is_as_it_was(qapp):
    import pyqtgraph as pg

    ours, plain = ValueAxis("left"), pg.AxisItem("left")
    assert ours.tickValues(0.0, 1.0, 200.0) == plain.tickValues(0.0, 1.0, 200.0)
    assert ours.tickStrings([0.25, 0.5], 1, 0.25) == plain.tickStrings([0.25, 0.5], 1, 0.25)
