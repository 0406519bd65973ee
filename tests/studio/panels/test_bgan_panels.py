"""Marginals of samples against data, and a known distribution with what D estimates of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QGuiApplication

from models.contract import View
from studio import theme
from studio.panels.cellplot import CellPlot, RatioScatter, Steps, power_ticks, span
from studio.panels.marginals import MarginalsPanel, diverging
from studio.panels.toyview import GRID, LINE, NONE, ToyPanel
from studio.panels.visible import named, sign, visible

pytestmark = pytest.mark.usefixtures("dressed")


def marginals(real: np.ndarray, fake: np.ndarray, names: list[str]) -> View:
    numbers = {"real": real, "fake": fake, "distance": np.array([0.031]), "floor": np.array([0.012])}
    return View({}, numbers, {"names": names})


def toy(rows: int, columns: int, *, exact: bool = False) -> View:
    rng = np.random.default_rng(0)
    K = rows * columns
    p, q = rng.dirichlet(np.full(K, 3.0)), rng.dirichlet(np.full(K, 3.0))
    w = p / q * (1.0 if exact else np.exp(rng.normal(0, 0.2, K)))
    tilde = w * q / (w * q).sum()
    single = {"D_f": 0.4, "V": 0.3, "gap": 0.1, "bias": 0.05, "KL": 0.5, "error": 0.07}
    numbers = {"p": p, "q": q, "ratio": p / q, "w": w, "tilde": tilde, "shape": np.array([rows, columns], float)}
    return View({}, numbers | {name: np.array([value]) for name, value in single.items()})


def shown(qtbot, widget, size: tuple[int, int]):
    qtbot.addWidget(widget)
    widget.resize(*size)
    widget.show()
    return widget


def test_what_cannot_be_seen_has_a_name() -> None:
    assert visible("a\nb\tc\x07 d") == "a↵b⇥c\\x07 d"
    assert [named(c) for c in (" ", "\n", "\t", "a", "")] == ["space", "newline", "tab", "a", "nothing"]
    assert [sign(c) for c in (" ", "\n", "q")] == ["␣", "↵", "q"]


class TestMarginals:
    @pytest.fixture
    def panel(self, qtbot) -> MarginalsPanel:
        return shown(qtbot, MarginalsPanel(), (420, 200))

    def test_pictures_with_the_sign_of_their_difference(self, panel: MarginalsPanel, dressed) -> None:
        real, fake = np.full((4, 4), 0.5), np.full((4, 4), 0.5)
        fake[0, 0], fake[3, 3] = 0.9, 0.1
        as_picture = {name: np.rint(255 * v).astype(np.uint8)[None, ..., None] for name, v in (("real", real), ("fake", fake))}
        numbers = {"real": real.ravel(), "fake": fake.ravel(), "distance": np.array([0.05]), "floor": np.array([0.01])}
        view = View(as_picture | {"difference": np.zeros((1, 4, 4, 1), np.uint8)}, numbers)
        panel.show_view(view)
        assert panel.grid.isVisible()
        assert not panel.bars.isVisible()
        t, third = theme.theme(), panel.grid.shown()[2]
        assert [QColor(*third[i, i].tolist()).name().upper() for i in (0, 3, 1)] == [t.curves["generated"], t.curves["real"], t.hairline]
        assert list(panel.grid._captions)[2] == "apart, ± 0.400"
        assert panel.at.full_text() == "distance 0.0500 · floor 0.0100"
        panel.set_stale(True)
        dressed.apply(QGuiApplication.instance(), "dark")
        assert QColor(*panel.grid.shown()[2][1, 1].tolist()).name().upper() == theme.theme().hairline
        assert panel.grid._stale

    def test_numbers_of_another_shape_leave_the_picture_that_came(self, panel: MarginalsPanel) -> None:
        given = np.full((1, 4, 4, 1), 77, np.uint8)
        numbers = {"real": np.zeros(48), "fake": np.ones(48), "distance": np.array([1.0]), "floor": np.array([0.0])}
        panel.show_view(View({"real": given, "fake": given, "difference": given}, numbers))
        assert (panel.grid.shown()[2] == 77).all()

    def test_small_differences_are_not_made_to_look_large(self) -> None:
        faint, none = QColor(*diverging(np.array([[0.001]]), 0.05)[0, 0].tolist()), QColor(theme.theme().hairline)
        assert max(abs(faint.red() - none.red()), abs(faint.blue() - none.blue())) < 6

    def test_the_commonest_characters_by_name(self, panel: MarginalsPanel) -> None:
        names = [" ", "\n", *"abcdefghijklmnopqrstuvwxy", "<unk>"]
        real = np.linspace(2, 1, 28)
        real /= real.sum()
        panel.show_view(marginals(real, real[::-1].copy(), names))
        assert len(panel.bars.names) == 24
        assert panel.bars.note == "the 24 commonest of 28"
        view = marginals(real, real, names)
        panel.show_view(view)
        assert panel.bars.names == tuple(names[:24])
        assert panel.bars.words_of(1) == f"newline: real {real[1]:.2%}, samples {real[1]:.2%}"
        assert panel.legend.isVisible()
        assert panel.grab().width() == 420

    def test_cells_stay_in_their_order(self, panel: MarginalsPanel) -> None:
        rng, names = np.random.default_rng(0), [str(i) for i in range(32)]
        panel.show_view(marginals(rng.dirichlet(np.ones(32)), rng.dirichlet(np.ones(32)), names))
        assert panel.bars.names == tuple(names)
        assert panel.bars.note == ""

    def test_a_palette_in_its_colours(self, panel: MarginalsPanel) -> None:
        panel.show_view(marginals(np.array([0.8, 0.2]), np.array([0.4, 0.6]), ["#12ab34", "#fedcba"]))
        shot, bars = panel.bars.grab().toImage(), panel.bars
        row = [shot.pixelColor(x, bars.height() - 24).name() for x in range(bars.width())]
        assert row.count("#12ab34") > 10
        assert row.count("#fedcba") > 10
        foot = [shot.pixelColor(x, bars.height() - 14).name().upper() for x in range(bars.width())]
        assert {theme.theme().curves["real"], theme.theme().curves["generated"]} <= set(foot)

    def test_a_reason(self, panel: MarginalsPanel) -> None:
        panel.show_view(marginals(np.ones(1), np.ones(1), ["a"]))
        panel.show_reason("Too few samples")
        assert panel.reason.isVisible()
        assert not panel.bars.isVisible()
        assert panel.at.full_text() == ""


class TestToy:
    @pytest.fixture
    def panel(self, qtbot) -> ToyPanel:
        return shown(qtbot, ToyPanel(), (864, 480))

    def test_a_line_has_steps_and_their_ratio(self, panel: ToyPanel) -> None:
        view = toy(1, 64)
        panel.show_view(view)
        assert panel.stack.currentIndex() == LINE
        assert [(s.role, s.way) for s in panel.shares.lines] == [("real", "fill"), ("generated", "line"), ("controller", "line")]
        assert [(s.role, s.way) for s in panel.ratios.lines] == [("real", "broad"), ("controller", "line")]
        assert panel.ratios.lines[0].y == pytest.approx(view.numbers["ratio"])
        assert {key: label.text() for key, label in panel.readouts.values.items()} == {
            **{"KL": "0.500", "D_f": "0.400", "V": "0.300"},
            **{"gap": "0.100", "bias": "0.0500", "error": "0.0700"},
        }
        cell = panel.shares.cell_at(QPointF(panel.shares.area.left() + 10.5 / 64 * panel.shares.area.width(), 20))
        assert cell == 10
        assert panel.words_of(cell).startswith("cell 10\np ")
        assert panel.shares.cell_at(QPointF(0, 0)) == -1

    def test_a_grid_has_maps_and_a_scatter(self, panel: ToyPanel, dressed) -> None:
        view = toy(8, 8, exact=True)
        panel.show_view(view)
        assert panel.stack.currentIndex() == GRID
        maps = panel.maps.shown()
        assert maps.shape == (4, 8, 8, 3)
        assert (maps[0] == maps[2]).all()  # w q / β is p where w is p / q
        assert {QColor(*pixel).name().upper() for pixel in maps[3].reshape(-1, 3).tolist()} == {theme.theme().hairline}
        places, area = panel.scatter.places(), panel.scatter.area
        shares = (places[:, 0] - area.left()) / area.width(), (area.bottom() - places[:, 1]) / area.height()
        assert shares[0] == pytest.approx(shares[1])  # on the diagonal
        at = panel.scatter.cell_at(QPointF(*places[13]))
        assert places[at] == pytest.approx(places[13], abs=1)
        assert panel.words_of(13).startswith("row 1, column 5\n")
        fresh = panel.grab().toImage()
        panel.set_stale(True)
        assert panel.grab().toImage() != fresh
        dressed.apply(QGuiApplication.instance(), "dark")
        assert QColor(*panel.maps.shown()[3][0, 0].tolist()).name().upper() == theme.theme().hairline

    def test_a_reason_and_numbers_that_do_not_fit(self, panel: ToyPanel) -> None:
        assert panel.stack.currentIndex() == NONE
        view = toy(1, 8)
        panel.show_view(view)
        with pytest.raises(ValueError, match="3 x 3 cells takes 9"):
            panel.show_view(View({}, {**view.numbers, "shape": np.array([3.0, 3.0])}))
        panel.show_reason("Only a toy has a known p")
        assert panel.reason.text() == "Only a toy has a known p"
        assert panel.readouts.values["KL"].text() == "–"

    @pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
    def test_values_that_have_no_logarithm_are_drawn(self, qtbot, bad: float) -> None:
        y = np.array([bad, 1.0, 2.0])
        plot = shown(qtbot, CellPlot("ratio", log=True), (300, 120))
        plot.show_steps([Steps("w", y, "controller", "line"), Steps("p/q", y, "real", "broad")])
        scatter = shown(qtbot, RatioScatter("ratios"), (200, 200))
        scatter.show_ratios(y, y[::-1].copy(), np.ones(3) / 3)
        assert np.isfinite(scatter.places()).all()
        assert all(widget.grab().height() for widget in (plot, scatter))

    def test_axes_hold_what_is_drawn(self) -> None:
        low, high = span([np.array([0.02, 3.0])])
        assert low < np.log10(0.02) < 0 < np.log10(3.0) < high
        assert span([np.array([1e-20, 1.0])])[0] > -7  # six decades at most
        assert span([np.zeros(2)]) == (-1.0, 1.0)
        assert power_ticks(-1.1, 1.1, 10) == pytest.approx([-1, np.log10(0.2), np.log10(0.5), 0, np.log10(2), np.log10(5), 1])
        assert power_ticks(-2.1, 1.1, 4) == [-2, -1, 0, 1]
        assert power_ticks(-4.1, 1.1, 3) == [-4, -2, 0]
