"""Pictures: arithmetic, pixels, hands."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage

from studio import picture
from studio.panels.samples import ImageGrid
from studio.panels.tiling import Layout, fit

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (64, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("space", "n", "size", "columns", "most", "whole", "expected"),
    [
        ((540, 404), 64, (32, 32), 8, 0, False, Layout(2, 8, 6)),  # the wireframe of BEGAN
        ((540, 403), 64, (32, 32), 8, 0, False, Layout(2, 8, 5)),  # whole rows only
        ((396, 396), 16, (32, 32), 4, 0, True, Layout(3, 4, 4)),  # the wireframe of PPGN
        ((1100, 396), 16, (32, 32), 4, 8, True, Layout(3, 8, 2)),  # cannot zoom: adds columns
        ((1100, 4000), 16, (32, 32), 4, 8, True, Layout(8, 4, 4)),  # can zoom: does
        ((10, 10), 64, (32, 32), 8, 0, False, Layout(1, 1, 1)),  # never nothing
        ((500, 404), 64, (32, 32), 8, 0, False, Layout(2, 7, 6)),  # seven columns instead of a half-empty stage
    ],
)
def test_zoom(space, n, size, columns, most, whole, expected) -> None:
    assert fit(space, n, size, columns, most, whole=whole) == expected


def test_a_sheet_is_nearest_and_clear_between() -> None:
    image = picture.sheet(PICTURES[:3], 2, zoom=2, gap=4)
    assert (image.width(), image.height()) == (2 * 68, 2 * 68)
    for i, (x, y) in enumerate([(0, 0), (68, 0), (0, 68)]):
        for dx, dy in [(0, 0), (1, 1), (63, 63), (31, 8)]:
            r, g, b, a = image.pixelColor(x + dx, y + dy).getRgb()
            assert (r, g, b) == tuple(PICTURES[i, dy // 2, dx // 2])
            assert a == 255
    assert image.pixelColor(65, 5).alpha() == 0
    assert image.pixelColor(70, 70).alpha() == 0


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 1), (5, 7)])
def test_a_picture_goes_there_and_back(shape: tuple[int, ...]) -> None:
    data = RNG.integers(0, 256, shape, np.uint8)
    image = picture.to_image(data)
    data_before = picture.rgb(data).copy()
    data[:] = 0
    got = np.array([[image.pixelColor(x, y).getRgb()[:3] for x in range(7)] for y in range(5)])
    assert np.array_equal(got, data_before)
    with pytest.raises(ValueError, match="uint8"):
        picture.to_image(data.astype(float))


def test_viridis_bears_what_is_not_finite(qapp) -> None:
    colors = picture.viridis(np.array([[0.0, 1.0], [np.nan, np.inf]]))
    assert colors.shape == (2, 2, 3)
    assert colors[0, 1].sum() > colors[0, 0].sum()
    assert np.array_equal(colors[1, 0], colors[0, 0])


@pytest.fixture
def grid(qtbot, dressed) -> ImageGrid:
    out = ImageGrid("Samples G(z)", 8)
    qtbot.addWidget(out)
    out.show_images(PICTURES)
    out.resize(550, 404 + 20)  # ten of them for the scroll bar
    with qtbot.waitExposed(out):
        out.show()
    return out


def test_an_empty_grid_can_be_seen(qtbot, dressed) -> None:
    out = ImageGrid("Samples")
    qtbot.addWidget(out)
    out.resize(200, 200)
    out.grab()
    assert out.index_at(QPoint(50, 50)) == -1


def test_what_is_on_the_screen_are_the_pixels(grid: ImageGrid) -> None:
    assert grid.layout_now() == (2, 8, 6)
    image = grid.grab().toImage()
    spot = grid.rect_of(9).topLeft().toPoint()
    assert image.pixelColor(spot).getRgb()[:3] == tuple(PICTURES[9, 0, 0])
    assert image.pixelColor(spot + QPoint(20, 10)).getRgb()[:3] == tuple(PICTURES[9, 5, 10])
    assert grid.rect_of(63).isEmpty()


def test_click_and_arrows(grid: ImageGrid, qtbot) -> None:
    clicks: list[int] = []
    grid.clicked.connect(clicks.append)
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.rect_of(10).center().toPoint())
    assert clicks == [10]
    assert grid.selection() == 10
    for key, expected in ((Qt.Key.Key_Right, 11), (Qt.Key.Key_Down, 19), (Qt.Key.Key_Up, 11), (Qt.Key.Key_Left, 10)):
        qtbot.keyClick(grid, key)
        assert grid.selection() == expected
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert clicks == [10, 10]
    grid.select(63)  # scrolls there
    assert not grid.rect_of(63).isEmpty()
    assert grid.rect_of(0).isEmpty()
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    assert grid.selection() == -1


def test_the_frame_is_outside_the_picture(grid: ImageGrid, dressed) -> None:
    grid.select(10)
    image = grid.grab().toImage()
    spot = grid.rect_of(10).topLeft().toPoint()
    assert image.pixelColor(spot - QPoint(1, -20)).name().upper() == dressed.accent(grid)
    assert image.pixelColor(spot).getRgb()[:3] == tuple(PICTURES[10, 0, 0])


def test_stale_is_faded_until_new_pictures_come(grid: ImageGrid) -> None:
    spot = grid.rect_of(0).center().toPoint()
    fresh = grid.grab().toImage().pixelColor(spot)
    grid.set_stale(True)
    assert grid.grab().toImage().pixelColor(spot) != fresh
    grid.show_images(PICTURES)
    assert grid.grab().toImage().pixelColor(spot) == fresh


def test_fewer_pictures_drop_a_selection_that_is_gone(grid: ImageGrid) -> None:
    grid.select(60)
    grid.show_images(PICTURES[:8])
    assert grid.selection() == -1
    assert grid.count() == 8


def test_a_strip_is_one_row_as_high_as_it_must_be(qtbot, dressed) -> None:
    out = ImageGrid("Interpolation")
    qtbot.addWidget(out)
    out.strip(PICTURES[:8])
    assert out.hasHeightForWidth()
    assert out.heightForWidth(314) == 20 + 32
    assert out.heightForWidth(600) == 20 + 64
    out.resize(600, 84)
    assert out.layout_now() == (2, 8, 1)


def test_captions_and_dragging_out(grid: ImageGrid) -> None:
    grid.show_images(PICTURES[:16], [f"p = 0.{i:02d}" for i in range(16)])
    grid.grab()
    data = grid.mime_of(3)
    assert data.hasImage()
    image = data.imageData()
    assert isinstance(image, QImage)
    assert image.size().width() == 32
    with pytest.raises(ValueError, match="takes"):
        grid.show_images(PICTURES[0])
