"""Scores in words, as a list, and over steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.messages import Evaluate
from studio.panels.quality import FLOOR, LINE, EvaluateBar, QualityPanel, score_lines


def score(value: float | None, reference: float | None = None, direction: str = "lower", label: str = "", doc: str = "How far.") -> dict[str, Any]:
    return {"value": value, "n": 1000, "reference": reference, "direction": direction, "label": label, "doc": doc, "spread": None}


def line(step: int, **scores: Any) -> dict[str, Any]:
    return {"step": step, "time": 0.0, "what": "evaluated", "text": "", "n": 1000, "seed": 0, "scores": scores}


@pytest.fixture
def panel(qtbot, dressed) -> QualityPanel:
    out = QualityPanel()
    qtbot.addWidget(out)
    out.resize(864, 200)
    with qtbot.waitExposed(out):
        out.show()
    return out


def test_lines_know_what_is_better() -> None:
    now = {"frechet": score(3.0, 0.4), "coverage": score(0.5, 0.9, "higher"), "ssim": score(0.2, 0.25, "target"), "other": score(1.0, None, "")}
    before = {"frechet": score(4.0), "coverage": score(0.8), "ssim": score(0.1), "other": score(2.0)}
    found = {one.name: one for one in score_lines(now, before)}
    assert list(found) == ["frechet", "coverage", "ssim", "other"]
    assert {name: one.better for name, one in found.items()} == {"frechet": 1, "coverage": -1, "ssim": 1, "other": 0}
    assert found["frechet"].change == pytest.approx(-0.25)
    assert score_lines(now, {})[0].change is None
    steady = score_lines({"frechet": score(4.001)}, before)[0]
    assert steady.better == 0


def test_a_refusal_is_a_dash_with_its_reason(panel: QualityPanel) -> None:
    panel.show_line(line(500, frechet=score(None, doc="There are too few pictures: use at least 4.", label="Fréchet distance")))
    index = panel.scores.model.index(0)
    assert index.data() == "Fréchet distance –"
    from PySide6.QtCore import Qt

    assert "too few pictures" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert index.data(LINE).value is None
    panel.grab()


def test_the_newest_is_listed_and_all_are_drawn(panel: QualityPanel, qtbot) -> None:
    assert panel.currentWidget() is panel.empty
    panel.set_end(1200)
    for step, value in ((1000, 3.0), (500, 4.0)):  # an earlier one that comes later joins the curves only
        panel.show_line(line(step, frechet=score(value, 0.4), coverage=score(0.1 * value, 0.9, "higher")))
    assert panel.scores.samples.full_text() == " · step 1,000"
    assert panel.scores.model.lines[0].change == pytest.approx(-0.25)
    qtbot.waitUntil(lambda: panel.curves.cards[0]._smooth[0].xData is not None, timeout=5000)
    history = panel.curves.history
    assert history.series["frechet"].x.view.tolist() == [500, 1000]
    assert history.series["frechet"].y.view.tolist() == [4.0, 3.0]
    assert history.series[FLOOR].y.view.tolist() == [0.4, 0.4]
    assert history.end == 1201  # as far as the training, so that both tabs have one axis
    panel.show_line(line(1000, frechet=score(2.0)))  # measured again
    assert history.series["frechet"].y.view.tolist() == [4.0, 2.0]


def test_one_point_can_be_seen(panel: QualityPanel, qtbot) -> None:
    panel.show_line(line(500, frechet=score(4.0, 0.4)))
    qtbot.waitUntil(lambda: panel.curves.cards[0]._smooth[0].xData is not None, timeout=5000)
    assert panel.curves.cards[0]._smooth[0].opts["symbol"] == "o"
    assert np.isfinite(panel.curves.cards[0]._smooth[0].yData).all()


def test_a_chart_without_a_value_says_why(panel: QualityPanel) -> None:
    few = "A Fréchet distance needs at least 640 pictures."
    panel.show_line(line(500, frechet=score(None, doc=few), coverage=score(0.5)))
    empty, drawn = panel.curves.cards
    assert empty.reason.text() == few
    assert (empty.reason.isVisible(), empty.canvas.isVisible(), drawn.canvas.isVisible()) == (True, False, True)
    panel.show_line(line(1000, frechet=score(2.0), coverage=score(0.5)))
    assert (empty.reason.isVisible(), empty.canvas.isVisible()) == (False, True)


def test_the_mouse_finds_evaluations_only(panel: QualityPanel, qtbot) -> None:
    panel.set_end(3000)
    panel.show_line(line(800, frechet=score(4.0), coverage=score(0.5)))
    panel.show_line(line(2000, coverage=score(0.6)))
    first, second = panel.curves.cards
    qtbot.waitUntil(lambda: second._history.end == 3001, timeout=5000)
    assert (second._nearest(1341), second._nearest(1500), first._nearest(1900)) == (800, 2000, 800)
    panel.curves._on_hover(2000)
    assert first._value("frechet", 2000, exactly=True) is None
    assert first.legend._values == ["", ""]
    assert second.legend._values[0] == "0.600"


def test_another_run_starts_empty(panel: QualityPanel) -> None:
    panel.show_line(line(500, frechet=score(4.0)))
    panel.curves.mark_alarm(500, "collapse")
    panel.clear()
    assert panel.currentWidget() is panel.empty
    assert panel.curves.alarms() == []
    assert panel.curves.history.end == 0
    assert panel.scores.model.rowCount() == 0


def test_the_model_keeps_qts_rules(panel: QualityPanel, qtmodeltester) -> None:
    panel.show_line(line(500, frechet=score(4.0), coverage=score(0.5)))
    qtmodeltester.check(panel.scores.model)


def test_when_to_evaluate(qtbot, dressed) -> None:
    bar = EvaluateBar()
    qtbot.addWidget(bar)
    assert bar.wish().every == 0
    told: list[Evaluate] = []
    bar.changed.connect(told.append)
    bar.on.click()
    bar.every.setValue(200)
    bar.samples.setValue(300)
    bar.on.click()
    assert told == [Evaluate(500, 1000), Evaluate(200, 1000), Evaluate(200, 300), Evaluate(0, 300)]
    bar.show_progress(400, 25, 100)
    assert bar.now_button.text() == "Evaluating 25%"
    assert "Step 400" in bar.now_button.toolTip()
    assert not bar.now_button.isEnabled()
    bar.show_progress(400, 100, 100)
    assert bar.now_button.text() == "Evaluate now"
    with qtbot.waitSignal(bar.now):
        bar.now_button.click()


def test_text_is_told_in_words_of_text(qtbot, dressed) -> None:
    out = QualityPanel("text")
    qtbot.addWidget(out)
    out.resize(864, 200)
    with qtbot.waitExposed(out):
        out.show()
    assert "pictures" not in out.words.text()
    scores = {name: score(0.5, 0.4) for name in ("duplicates", "BLEU2", "mle_BLEU2", "self_BLEU2", "NLL_gen", "mle_NLL_gen")}
    titles = lambda: [card._plot.title for card in out.curves.cards if card.isVisible()]  # noqa: E731
    out.show_line({"what": "evaluated", "step": 10, "n": 50, "seed": 0, "scores": scores})
    assert titles() == ["NLL_gen", "BLEU-2", "Self-BLEU-2"]
    assert [line.name for line in out.scores.model.lines][:4] == ["NLL_gen", "BLEU2", "self_BLEU2", "duplicates"]
    assert out.curves.history.series["real_BLEU2"].y.view.tolist() == [0.4]
    out.show_line({"what": "evaluated", "step": 20, "n": 50, "seed": 0, "scores": scores | {"NLL_oracle": score(9.0, 8.0)}})
    assert titles() == ["NLL_oracle", "NLL_gen", "Self-BLEU-2"]
    assert "Fréchet" not in EvaluateBar("text").samples.toolTip()
