"""Quality against diversity: lines, marks, words, and what the mouse tells."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from studio import theme
from studio.panels.tradeoff import BETTER, EMPTY, ORDERS, TradeoffPanel, roles

T = np.array([0.5, 0.8, 1.0, 1.2])
SEQGAN = (T, np.array([0.9, 0.8, 0.6, 0.4]), np.array([0.93, 0.88, 0.74, 0.6]))
MLE = (T, np.array([0.88, 0.75, 0.55, 0.37]), np.array([0.86, 0.8, 0.69, 0.52]))
COUNTS = "1,000 samples, 2,000 references"


@pytest.fixture
def panel(qtbot, dressed) -> TradeoffPanel:
    out = TradeoffPanel()
    qtbot.addWidget(out)
    out.resize(640, 400)
    with qtbot.waitExposed(out):
        out.show()
    return out


def show(panel: TradeoffPanel, n: int = 2) -> None:
    panel.show_points({"SeqGAN": SEQGAN, "MLE": MLE}, (0.55, 0.78), n=n, counts=COUNTS)


def test_empty_until_it_is_measured(panel: TradeoffPanel) -> None:
    assert panel.reason.text() == EMPTY
    assert panel.canvas.isHidden()
    panel.show_progress(2, 12)
    assert panel.reason.text() == "Measuring 3 of 12 …"
    show(panel)
    assert panel.reason.isHidden()
    assert panel.canvas.isVisible()
    panel.show_progress(12, 12)
    assert panel.at.full_text() == ""
    panel.show_reason("The run has no sentences yet.")
    assert panel.reason.isVisible()
    assert panel.canvas.isHidden()


def test_points_and_roles(panel: TradeoffPanel) -> None:
    show(panel)
    points = panel.points()
    assert [(p.model, p.role) for p in points] == [("SeqGAN", "generated")] * 4 + [("MLE", "baseline")] * 4 + [("real", "real")]
    x, y = panel.dots.getData()
    assert np.allclose(x, [*SEQGAN[1], *MLE[1], 0.55])
    assert np.allclose(y, [*SEQGAN[2], *MLE[2], 0.78])
    drawn = [(line.getData()[0].tolist(), line.opts["pen"].color().name().upper()) for line in panel._lines]
    assert drawn == [(SEQGAN[1].tolist(), theme.theme().curves["generated"]), (MLE[1].tolist(), theme.theme().curves["baseline"])]
    (left, right), (low, high) = panel._box.viewRange()
    assert left < 0.37 < 0.9 < right
    assert low < 0.52 < 0.93 < high
    assert panel._better.toPlainText() == BETTER


def test_roles_of_other_models() -> None:
    assert roles({"MaskGAN": 0, "MaskMLE": 0, "SeqGAN": 0, "PG-BLEU": 0, "x": 0}) == {
        "MaskGAN": "generated",
        "MaskMLE": "baseline",
        "SeqGAN": "judge",
        "PG-BLEU": "controller",
        "x": "controller",
    }


def test_what_cannot_be_drawn_is_left_out(panel: TradeoffPanel) -> None:
    panel.show_points({"SeqGAN": (T, np.array([0.9, np.nan, 0.6, 0.4]), SEQGAN[2])}, (float("nan"), 0.5), n=3, counts=COUNTS)
    assert [p.temperature for p in panel.points()] == [0.5, 1.0, 1.2]
    panel.show_points({"SeqGAN": (T[:1], SEQGAN[1][:1], SEQGAN[2][:1])}, None, n=3, counts=COUNTS)
    panel.grab()
    panel.show_points({}, None, n=3, counts=COUNTS)
    assert panel.reason.isVisible()


def test_the_mouse_tells_both_numbers(panel: TradeoffPanel, qtbot) -> None:
    show(panel)
    panel.grab()
    assert panel.foot.full_text() == f"{COUNTS} · the number at a point is its temperature"
    place = panel._box.mapViewToScene(QPointF(0.6, 0.74))
    panel._on_mouse(place + QPointF(2, 2))
    assert panel.foot.full_text() == "SeqGAN at temperature 1.0 · BLEU-2 0.740 · Self-BLEU-2 0.600"
    panel._on_mouse(panel._box.mapViewToScene(QPointF(0.55, 0.78)))
    assert panel.foot.full_text().startswith("Real sentences · BLEU-2 0.780")
    panel._on_mouse(panel._box.mapViewToScene(QPointF(0.4, 0.9)))
    assert COUNTS in panel.foot.full_text()


def test_n_is_chosen(panel: TradeoffPanel, qtbot) -> None:
    show(panel, n=4)
    assert ORDERS[panel.orders.selected()] == 4
    with qtbot.waitSignal(panel.n_changed) as told:
        panel.orders.buttons[3].click()
    assert told.args == [5]
    assert panel._item.getAxis("left").labelText == "BLEU-4, held out"  # until it has been measured


def test_numbers_that_would_overlap_are_hidden(panel: TradeoffPanel) -> None:
    same = (T, np.full(4, 0.5), np.full(4, 0.5))
    panel.show_points({"SeqGAN": same}, None, n=2, counts=COUNTS)
    assert [text.isVisible() for text in panel._labels] == [True, False, False, False]
    x = np.array([0.2, 0.5, 0.502, 0.9])
    panel.show_points({"SeqGAN": (T, x, np.full(4, 0.5))}, None, n=2, counts=COUNTS)
    assert [text.isVisible() for text in panel._labels] == [True, True, False, True]
    panel.show_points({"SeqGAN": SEQGAN}, (0.6, 0.80), n=2, counts=COUNTS)
    (_, above), high = panel._box.viewRange()[1], panel._box.height()
    panel.show_points({"SeqGAN": SEQGAN}, (0.6, 0.74 + 10 * (above - panel._box.viewRange()[1][0]) / high), n=2, counts=COUNTS)
    assert [text.isVisible() for text in panel._labels] == [True, True, False, True, True]  # 1.0 would lie on the mark of real sentences


def test_another_scheme(panel: TradeoffPanel, qapp) -> None:
    show(panel)
    theme.apply(qapp, "dark")
    colours = {p.brush().color().name().upper() for p in panel.dots.points()}
    assert colours == {theme.theme().curves[role] for role in ("generated", "baseline", "real")}
    panel.grab()
