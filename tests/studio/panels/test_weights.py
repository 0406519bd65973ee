"""Weights under samples, their histogram and the effective sample size."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication

from models.contract import View
from studio import theme
from studio.panels.essgauge import ADVICE, ALONE, collapsed, lowest, said
from studio.panels.weighthistogram import WeightHistogram, binned
from studio.panels.weights import WeightsPanel

pytestmark = pytest.mark.usefixtures("dressed")

SIZE = (864, 480)  # the room at a window of 1280 x 800


def weights(z: int, M: int, *, side: int = 28, words: list[str] | None = None, spread: float = 1.0, seed: int = 0) -> View:
    rng = np.random.default_rng(seed)
    w = np.exp(rng.normal(0, spread, (z, M)))
    w /= w.sum(1, keepdims=True)
    ess = 1 / (w**2).sum(1)
    numbers = {"w": w.ravel(), "ess": ess, "all": (w * M).ravel(), "ess_all": ess, "M": np.array([float(M)]), "log_beta": np.array([-0.25])}
    if words is not None:
        return View({}, numbers, {"samples": [words[i % len(words)] for i in range(z * M)]})
    return View({"samples": rng.integers(0, 2, (z * M, side, side, 1), np.uint8) * 255}, numbers)


@pytest.fixture
def panel(qtbot) -> WeightsPanel:
    out = WeightsPanel()
    qtbot.addWidget(out)
    out.resize(*SIZE)
    out.show()
    return out


def middle(rows, z: int, place: int) -> QPointF:
    return rows.cell(z, place).center()


def inks(widget) -> set[str]:
    shot = widget.grab().toImage()
    return {shot.pixelColor(x, y).name().upper() for x in range(shot.width()) for y in range(shot.height())}


class TestRows:
    @pytest.mark.parametrize("size", [SIZE, (420, 260), (1500, 760)])
    @pytest.mark.parametrize(("M", "side"), [(1, 28), (2, 64), (20, 28), (20, 64), (100, 32)])
    def test_any_m_fits_and_what_does_not_is_counted(self, panel: WeightsPanel, M: int, side: int, size: tuple[int, int]) -> None:
        panel.resize(*size)
        panel.show_view(weights(6, M, side=side))
        rows, shown = panel.pictures, panel.pictures.plan.shown
        for z in range(6):
            last = rows.cell(z, shown - 1)
            assert rows.block(z).contains(last)
            assert rows.block(z).right() <= panel.areas[0].width() + 0.01
            assert rows.block(z).right() - last.right() > 100 or size[0] < 500  # the room of the ESS
            rest = rows.orders[z, shown:]
            assert rows.hidden(z).startswith(f"+{M - shown} not shown") if len(rest) else rows.hidden(z) == ""
        assert rows.cell(0, 0).width() % side == 0  # whole zooms only

    def test_all_twenty_of_a_row_are_seen_in_a_usual_window(self, panel: WeightsPanel) -> None:
        panel.show_view(weights(8, 20))
        assert panel.pictures.plan.shown == 20
        assert panel.note.full_text() == "log β −0.250"

    def test_what_is_hidden_is_said_with_its_weight(self, panel: WeightsPanel) -> None:
        panel.show_view(weights(2, 100))
        rows = panel.pictures
        panel.order.buttons[1].click()
        heavy = np.sort(rows.w[0])[::-1]
        assert rows.w[0, rows.orders[0]] == pytest.approx(heavy)
        rest = heavy[rows.plan.shown :].sum()
        assert float(rows.hidden(0).split()[-1]) == pytest.approx(rest, rel=0.01)
        panel.order.buttons[0].click()
        assert list(rows.orders[0]) == list(range(100))

    def test_a_bar_is_as_high_as_its_weight(self, panel: WeightsPanel) -> None:
        view = weights(1, 4)
        view.numbers["w"][:] = [0.6, 0.3, 0.05, 0.05]
        panel.show_view(view)
        rows, t = panel.pictures, theme.theme()
        shot = rows.grab().toImage()

        def height(place: int) -> int:
            box = rows.cell(0, place).toRect()
            wanted = {QColor(t.curves["controller"]).rgb(), QColor(theme.mix(t.panel, t.curves["controller"], 0.45)).rgb()}
            return sum(shot.pixel(box.center().x(), y) in wanted for y in range(box.top(), box.bottom() + 2))

        assert height(0) / height(1) == pytest.approx(2, abs=0.2)
        assert height(0) / height(2) == pytest.approx(12, abs=4)
        assert rows.top_of_bar(0) == 0.6
        assert rows.bar_color(0, 0) == QColor(t.curves["controller"]) != rows.bar_color(0, 2)
        view.numbers["w"][:] = 0.25
        panel.show_view(view)
        assert rows.top_of_bar(0) == 0.5  # equal weights are half as high as the room, not full
        assert rows.bar_color(0, 3) == QColor(t.curves["controller"])

    def test_pictures_are_under_their_own_place(self, panel: WeightsPanel) -> None:
        view = weights(2, 3)
        view.pictures["samples"][:] = np.array([10, 60, 110, 160, 210, 250], np.uint8)[:, None, None, None]
        view.numbers["w"][:] = [0.2, 0.5, 0.3, 0.1, 0.1, 0.8]
        panel.show_view(view)
        panel.order.buttons[1].click()
        shot = panel.pictures.grab().toImage()
        grey = [[shot.pixelColor((panel.pictures.cell(z, k).topLeft() + QPointF(5, 5)).toPoint()).red() for k in range(3)] for z in range(2)]
        assert grey == [[60, 110, 10], [250, 160, 210]]

    def test_the_mouse_is_told_and_chooses(self, panel: WeightsPanel, qtbot) -> None:
        view = weights(2, 4)
        view.numbers["w"][:] = [0.1, 0.2, 0.3, 0.4, 0.25, 0.25, 0.25, 0.25]
        panel.show_view(view)
        panel.order.buttons[1].click()
        rows = panel.pictures
        assert rows.index_at(middle(rows, 0, 0)) == 3
        assert rows.words_of(3) == "w̃ = 0.400, 1.60 of an equal share (w̃·M)\nsample 4 of 4, z 1"
        with qtbot.waitSignal(panel.chosen) as told:
            qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=middle(rows, 0, 0).toPoint())
        assert told.args == [3]
        for key, index in (("Right", 2), ("Down", 5), ("Left", 4), ("Up", 3)):
            with qtbot.waitSignal(panel.chosen) as told:
                qtbot.keyClick(rows, getattr(Qt.Key, f"Key_{key}"))
            assert told.args == [index] == [rows.selection]
        with qtbot.assertNotEmitted(panel.chosen):
            qtbot.keyClick(rows, Qt.Key.Key_Up)
            qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.rect().bottomRight())
        panel.show_view(weights(1, 2))
        assert rows.selection == -1

    def test_sentences_of_32_characters_are_read_whole(self, panel: WeightsPanel, qtbot) -> None:
        panel.show_view(weights(4, 20, words=["a man riding on a horse, in rain", "two\ncats\tand  "]))
        rows = panel.words
        assert rows.isVisible()
        assert not panel.pictures.isVisible()
        assert rows._texts[:2] == ["a man riding on a horse, in rain", "two↵cats⇥and  "]
        assert (rows.plan.shown, rows.plan.columns) == (20, 2)
        box = rows.cell(0, 0)
        assert box.width() - rows._bar_room() - 48 >= rows._longest()
        assert rows.words_of(0).startswith("a man riding on a horse, in rain\nw̃ = ")
        with qtbot.waitSignal(panel.chosen) as told:
            qtbot.keyClick(rows, Qt.Key.Key_Down)
        assert told.args == [0]
        qtbot.keyClick(rows, Qt.Key.Key_Down)
        qtbot.keyClick(rows, Qt.Key.Key_Right)
        assert rows.selection == 21
        panel.show_view(weights(2, 100, words=["x" * 32]))
        assert rows.plan.shown < 100
        assert rows.hidden(0).startswith(f"+{100 - rows.plan.shown} not shown")
        assert rows.grab().width() > 0

    def test_weights_that_are_none_are_drawn(self, panel: WeightsPanel) -> None:
        view = weights(1, 3)
        view.numbers["w"][:] = [np.nan, 0.5, 0.5]
        view.numbers["ess"][:] = np.nan
        panel.show_view(view)
        panel.order.buttons[1].click()
        assert list(panel.pictures.orders[0]) == [1, 2, 0]
        assert panel.pictures.words_of(0).startswith("w̃ = –")
        assert panel.grab().width() == SIZE[0]

    def test_a_reason_stale_and_another_scheme(self, panel: WeightsPanel, dressed) -> None:
        assert panel.reason.text() == "No samples yet"
        assert not panel.order.isVisible()
        panel.show_view(weights(3, 5))
        assert not panel.reason.isVisible()
        fresh = panel.grab().toImage()
        panel.set_stale(True)
        assert panel.grab().toImage() != fresh
        panel.show_view(weights(3, 5))
        assert panel.grab().toImage() == fresh
        dressed.apply(QGuiApplication.instance(), "dark")
        assert panel.grab().toImage() != fresh
        panel.show_reason("G has drawn nothing")
        assert panel.reason.isVisible()
        assert not panel.areas[0].isVisible()

    def test_numbers_that_do_not_fit(self, panel: WeightsPanel) -> None:
        view = weights(3, 5)
        with pytest.raises(ValueError, match="3 z with M = 4 take 12 weights"):
            panel.show_view(View(view.pictures, {**view.numbers, "M": np.array([4.0])}))
        with pytest.raises(ValueError, match="not 15 and 14"):
            panel.show_view(View({"samples": view.pictures["samples"][1:]}, view.numbers))


class TestHistogram:
    def test_bins(self) -> None:
        edges, shares = binned(np.array([1.0, 1.0 + 1e-7, 1.0 - 1e-7, 0.0, 20.0, np.nan]), 20)
        one = int(np.searchsorted(edges, 1.0)) - 1
        assert shares[one] == pytest.approx(0.6)  # rounding does not split equal weights
        assert edges[one] * edges[one + 1] == pytest.approx(1)
        assert (shares[0], shares.sum()) == (pytest.approx(0.2), pytest.approx(1))
        assert edges[-1] >= 20
        assert binned(np.zeros(0), 1)[1].sum() == 0
        for M in (1, 2, 100):
            edges, shares = binned(np.full(7, float(M)), M)
            assert edges[np.argmax(shares)] < M < edges[np.argmax(shares) + 1]

    def test_when_to_warn(self) -> None:
        assert (lowest(2), lowest(100)) == (1.5, 10)
        assert collapsed(1.9, 20)
        assert not collapsed(2.1, 20)
        assert not collapsed(1.0, 1)
        assert not collapsed(float("nan"), 20)
        assert said(7.26, 20) == "ESS 7.3 of 20"
        assert said(float("nan"), 20) == "ESS – of 20"

    def test_it_reads_out_and_advises(self, qtbot) -> None:
        card = WeightHistogram()
        qtbot.addWidget(card)
        card.resize(300, 240)
        card.show()
        assert card.reason.isVisible()
        calm = weights(16, 20)
        card.show_view(calm)
        assert card.readout.text() == said(float(calm.numbers["ess_all"].mean()), 20)
        assert card.readout.property("tone") != "warn"
        assert not card.words.isVisible()
        assert card.at.full_text() == "320 samples, 16 z"
        assert theme.theme().ink in inks(card.readout)
        card.show_view(weights(16, 20, spread=12.0))
        assert card.words.text() == ADVICE
        assert card.words.isVisible()
        assert theme.theme().warn in inks(card.readout)
        card.show_ess(1.0, 1)
        assert card.words.text() == ALONE
        assert card.readout.property("tone") != "warn"
        card.show_view(calm)
        assert not card.words.isVisible()
        assert theme.theme().warn not in inks(card.readout)
        fresh = card.plot.grab().toImage()
        card.set_stale(True)
        assert card.plot.grab().toImage() != fresh
        card.show_reason("D has not begun")
        assert card.reason.isVisible()
        assert not card.plot.isVisible()

    def test_the_mouse_is_told_of_a_bin(self, qtbot) -> None:
        card = WeightHistogram()
        qtbot.addWidget(card)
        card.resize(300, 240)
        card.show()
        card.show_view(weights(4, 1))
        assert card.plot.words_at(card.plot._x(1.0)) == "w̃·M 0.866 to 1.15: 100.0% of the samples"
        assert card.plot.words_at(0).startswith("w̃·M up to")
