"""Ten thousand pictures, of which only the seen ones are read."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from studio.panels.browse import BrowsePanel, Lazy, Some

N = 10_000
COLOURS = ("red", "green", "blue")


class Counted:
    """A mapped array that remembers which pictures were read."""

    def __init__(self, images: np.ndarray) -> None:
        self._images, self.read = images, set()
        self.shape, self.ndim = images.shape, images.ndim

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: Any) -> np.ndarray:
        self.read |= set(np.atleast_1d(np.arange(len(self._images))[key]).tolist())
        return self._images[key]


@pytest.fixture
def data(tmp_path) -> Any:
    images = np.lib.format.open_memmap(tmp_path / "images.npy", mode="w+", dtype=np.uint8, shape=(N, 32, 32, 3))
    images[:, 0, 0, 0] = np.arange(N) % 251
    labels = {"colour": np.arange(N) % 3, "even": np.arange(N) % 2}
    values = {"colour": COLOURS, "even": ("yes", "no")}
    names = [f"{i:05}.png" for i in range(N)]
    return SimpleNamespace(
        images=Counted(images), names=names, labels=labels, values=values, captions=None, title="many", size=32, __len__=lambda: N, skipped=()
    )


class Data(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.images)


@pytest.fixture
def panel(qtbot, dressed, data) -> BrowsePanel:
    out = BrowsePanel()
    qtbot.addWidget(out)
    out.resize(864, 660)
    with qtbot.waitExposed(out):
        out.show()
    out.data = Data(**{k: v for k, v in vars(data).items() if k != "__len__"})  # type: ignore[attr-defined]
    return out


def test_opens_at_once_and_reads_only_what_is_seen(panel: BrowsePanel) -> None:
    start = time.perf_counter()
    panel.show_data(panel.data, {"title": "many", "count": N})
    panel.grab()
    assert time.perf_counter() - start < 0.5
    place = panel.grid.layout_now()
    seen = place.columns * place.rows
    assert panel.data.images.read == set(range(seen))
    assert panel.grid.bar.isVisible()


def test_scrolling_reads_further_pictures_and_no_others(panel: BrowsePanel) -> None:
    panel.show_data(panel.data, {})
    panel.grab()
    panel.data.images.read.clear()
    panel.grid.bar.setValue(panel.grid.bar.maximum())
    panel.grab()
    place = panel.grid.layout_now()
    assert max(panel.data.images.read) == N - 1
    assert min(panel.data.images.read) >= N - (place.rows + 1) * place.columns


def test_the_wheel_and_the_keys_scroll(panel: BrowsePanel, qtbot) -> None:
    panel.show_data(panel.data, {})
    grid = panel.grid
    where = QPointF(50, 50)
    for _ in range(3):
        turn = QWheelEvent(
            where,
            grid.mapToGlobal(where),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(grid, turn)
    assert grid.bar.value() == 3 * max(1, grid.bar.pageStep() // 4)
    qtbot.keyClick(grid, Qt.Key.Key_End)
    assert grid.selection() == N - 1
    assert grid.bar.value() == grid.bar.maximum()
    qtbot.keyClick(grid, Qt.Key.Key_PageUp)
    assert grid.selection() == N - 1 - grid.layout_now().rows * grid.layout_now().columns
    qtbot.keyClick(grid, Qt.Key.Key_Home)
    assert grid.selection() == 0
    assert grid.bar.value() == 0
    assert "00000.png" in panel.about.full_text()


def test_a_filter_shows_one_class(panel: BrowsePanel) -> None:
    panel.show_data(panel.data, {})
    panel.value.setCurrentIndex(2)
    assert panel.grid.count() == len(range(1, N, 3))
    assert "of 10,000" in panel.title.full_text()
    shown = panel.grid.shown()
    assert set(panel.data.labels["colour"][shown.rows].tolist()) == {1}
    assert shown[0][0, 0, 0] == 1
    panel.attribute.setCurrentIndex(1)
    assert panel.grid.count() == N
    panel.value.setCurrentIndex(1)
    assert panel.grid.count() == N // 2


def test_words_under_and_about_a_picture(panel: BrowsePanel) -> None:
    panel.show_data(panel.data, {})
    assert panel.grid._captions[7] == "00007.png"
    panel.grid.select(7)
    assert panel.about.full_text() == "00007.png · colour: green, even: no"
    panel.data.captions = lambda i: f"a sentence about {i}"
    panel.grid.select(8)
    assert panel.about.full_text() == "00008.png · a sentence about 8"


def test_data_without_classes_have_no_filter(panel: BrowsePanel) -> None:
    panel.data.labels = panel.data.values = None
    panel.show_data(panel.data, {})
    assert not panel.filter.isVisible()
    assert panel.grid.count() == N


def test_the_way_back(panel: BrowsePanel, qtbot) -> None:
    panel.show_data(panel.data, {})
    with qtbot.waitSignal(panel.closed):
        panel.back.click()
    panel.grid.select(3)
    qtbot.keyClick(panel.grid, Qt.Key.Key_Escape)  # selects none
    assert panel.grid.selection() == -1
    with qtbot.waitSignal(panel.closed):
        qtbot.keyClick(panel.grid, Qt.Key.Key_Escape)


def test_some_and_lazy() -> None:
    images = np.arange(20, dtype=np.uint8).reshape(5, 2, 2, 1)
    some = Some(images, np.array([4, 1, 3]))
    assert (len(some), some.shape, some.ndim) == (3, (3, 2, 2, 1), 4)
    assert np.array_equal(some[1:], images[[1, 3]])
    assert np.array_equal(some[0], images[4])
    asked: list[int] = []
    words = Lazy(1000, lambda i: (asked.append(i), str(i))[1])
    assert (words[5], words[2:4], len(words)) == ("5", ["2", "3"], 1000)
    assert asked == [5, 2, 3]


def test_every_picture_is_found_where_it_is_drawn(panel: BrowsePanel) -> None:
    panel.show_data(panel.data, {})
    grid = panel.grid
    grid.bar.setValue(100)
    for index in grid._seen():
        assert grid.index_at(grid.rect_of(index).center().toPoint()) == index
        assert grid.index_at(grid.rect_of(index).bottomRight().toPoint() + QPoint(2, 2)) != index
