"""The density view: where things are, what is painted, what hands can do."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor

from models.samplers.targets import open_target
from studio.messages import Arrow, LaneFrame
from studio.panels.density import DensityView, density_at
from studio.panels.plane import Plane, ticks
from studio.workers import scene


def frame(heads, *, axes=2, accepted=True):
    heads = np.asarray(heads, np.float32)
    trail = np.repeat(heads[:, None], 3, 1) - np.float32([[0.4], [0.2], [0.0]])
    arrow = Arrow(0, trail[0, 0], trail[0, 1], heads[0], accepted)
    return LaneFrame(2, heads, trail, None, None, arrow, np.full((axes, 48), 0.1, np.float32))


@pytest.fixture
def view(qtbot, dressed):
    made = DensityView()
    qtbot.addWidget(made)
    made.resize(420, 440)
    target = open_target("banana")
    made.show_target(target.bounds, scene.picture(target.on_grid(80)))
    made.show_frame(frame([[1.0, 0.0], [-2.0, 2.0]]), 0)
    made.show()
    return made


def at(view, place):
    return QPoint(*(round(v) for v in view.plane.pixels(np.array([place]))[0]))


def test_pixels_and_places_are_inverse_and_a_ring_is_round():
    plane = Plane.over(((-5.0, 5.0), (-5.0, 5.0)), 600, 400)
    x = np.array([[1.5, -2.0]])
    pixels = plane.pixels(x)[0]
    assert plane.place(QPointF(*pixels)) == pytest.approx((1.5, -2.0))
    a, b, c = plane.pixels(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    assert b[0] - a[0] == pytest.approx(a[1] - c[1])


def test_ticks_are_round_and_few():
    assert ticks(-4.0, 4.0, 4) == [-4, -2, 0, 2, 4]
    assert len(ticks(-0.013, 0.02, 5)) <= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dense_part_is_coloured_and_the_empty_part_is_not(view, dressed, qapp, scheme):
    dressed.apply(qapp, scheme)
    image = view.grab().toImage()
    empty, dense = (image.pixelColor(at(view, place)) for place in ((0.0, 8.0), (-0.8, -0.6)))
    assert empty == QColor(dressed.theme().field)
    assert abs(dense.lightness() - empty.lightness()) > 25


def test_heads_stand_out_from_the_heat(view):
    image = view.grab().toImage()
    spot = at(view, (-2.0, 2.0))
    from studio import theme

    assert image.pixelColor(spot) == QColor(theme.theme().ink)


@pytest.mark.parametrize(("accepted", "role"), [(True, "good"), (False, "bad")])
def test_accepted_is_a_green_ring_and_rejected_a_red_cross(view, accepted, role):
    from studio import theme

    view.show_frame(frame([[1.0, 4.0], [-2.0, 2.0]], accepted=accepted), 0)
    image = view.grab().toImage()
    middle, colour = at(view, (1.0, 4.0)), QColor(getattr(theme.theme(), role))
    box = [image.pixelColor(middle.x() + i, middle.y() + j) for i in range(-10, 11) for j in range(-10, 11)]
    assert sum(abs(c.hue() - colour.hue()) < 12 and c.saturation() > 90 for c in box) > 15


def test_a_click_watches_and_a_drag_drops(qtbot, view):
    dropped = []
    view.dropped.connect(lambda chain, place: dropped.append((chain, place)))
    with qtbot.waitSignal(view.watched) as signal:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, (-2.0, 2.0)))
    assert signal.args == [1]
    assert dropped == []
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, (-2.0, 2.0)))
    view._held = (0.5, 3.0)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, (0.5, 3.0)))
    assert dropped == [(1, (0.5, 3.0))]


def test_keys_choose_and_nudge(qtbot, view):
    with qtbot.waitSignal(view.watched) as signal:
        qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert signal.args == [1]
    with qtbot.waitSignal(view.dropped) as signal:
        qtbot.keyClick(view, Qt.Key.Key_Right)
    chain, (x, y) = signal.args
    assert chain == 1
    assert x == pytest.approx(-2.0 + 0.12)
    assert y == pytest.approx(2.0)


def test_the_brush_paints_and_rubs_out(qtbot, view):
    dabs = []
    view.dabbed.connect(lambda place, adds: dabs.append((place, adds)))
    view.set_brush(0.5)
    for key in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
        with qtbot.waitSignal(view.stroke_ended):
            qtbot.mouseClick(view, key, pos=at(view, (1.0, 1.0)))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert [adds for _, adds in dabs] == [True, False, True, False]
    assert dabs[0][0] == pytest.approx((1.0, 1.0), abs=0.05)


def test_a_line_target_has_its_chains_below(qtbot, view):
    target = open_target("normal")
    view.show_target(target.bounds, scene.picture(target.on_grid(400)))
    view.show_frame(frame([[0.0], [1.0]], axes=1), 0)
    view.grab()
    x, y = view.plane.pixels(np.array([[1.0]]), np.array([0.75]))[0]
    assert y > view.plane.floor
    assert view.head_at(QPointF(x, y)) == 1


def test_the_number_under_the_mouse():
    picture = scene.picture(open_target("normal").on_grid(400))
    assert density_at(picture, (0.0,)) == pytest.approx(0.3989, rel=1e-3)
    assert density_at(picture, (99.0,)) is None
