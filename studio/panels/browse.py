"""All pictures of a data set, of which only those that are seen are ever read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np
from PySide6.QtWidgets import QWidget

from studio.panels.browser import Browser
from studio.panels.datacard import DataCard
from studio.panels.detail import DetailPanel
from studio.panels.samples import ImageGrid
from studio.panels.scrolling import aside
from studio.widgets import Combo, ElidedLabel, column, label, row

LARGEST = 96  # pixels of a picture, at most
EVERY = "all"
ENLARGED, MOST_LABELS = 256, 12  # pixels of the picture beside the list, and lines about it
BREAKS = re.compile(r"[/_.]")  # where a long name may be broken


class Some:
    """Some of many pictures, in an order; read one slice at a time."""

    ndim = 4

    def __init__(self, images: Any, rows: np.ndarray) -> None:
        self._images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, H, W, C)."""
        return (len(self.rows), *self._images.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self._images[self.rows[key]])


class Lazy(Sequence[str]):
    """Words that are made when they are asked for."""

    def __init__(self, count: int, make: Callable[[int], str]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        """One, or some of them."""
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(self._count))]
        return self._make(index)


def common_folder(names: Sequence[str]) -> int:
    """How many letters the folder has that all names begin with."""
    first, last = min(names, default=""), max(names, default="")  # what these two share, all share
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first.rfind("/", 0, same) + 1


def fitting(image: np.ndarray) -> np.ndarray:
    """A picture (H, W, C) with every k-th pixel, so that it is at most ENLARGED a side."""
    every = -(-max(image.shape[:2]) // ENLARGED)
    return np.ascontiguousarray(np.asarray(image)[::every, ::every])


class BrowsePanel(Browser):
    """A grid with a filter, beside the data's card."""

    def __init__(self) -> None:
        super().__init__()
        self._names = 0  # letters that all names begin with: their folder
        self.about = ElidedLabel("", "caption")
        self.attribute, self.value = Combo(), Combo()
        self.attribute.setAccessibleName("Classes to choose from")
        self.value.setAccessibleName("Class to show")
        self.attribute.currentIndexChanged.connect(self._on_attribute)
        self.value.currentIndexChanged.connect(self._filter)
        self.filter = QWidget()
        line = row(label("Only", "muted"), self.attribute, self.value)
        self.filter.setLayout(line)
        self.grid = ImageGrid(columns=7)
        self.grid.set_max_columns(60)
        self.grid.selected.connect(self._tell)
        self.grid.selected.connect(self._enlarge)
        self.grid.hovered.connect(lambda index: self._tell(index if index >= 0 else self.grid.selection()))
        self.card = DataCard(columns=2, rows=20)
        self.detail = DetailPanel()
        self.detail.closed.connect(lambda: self.grid.select(-1))
        top = row(self.back, self.title, self.filter, spacing=12)
        top.setStretch(1, 1)
        body = row(spacing=16)
        left = column(spacing=8)
        left.addWidget(self.grid, 1)
        left.addWidget(self.about)
        body.addLayout(left, 1)
        self.card.browse_button.hide()
        body.addWidget(aside(self.detail, self.card))
        whole = column(self, spacing=12)
        whole.addLayout(top)
        whole.addLayout(body, 1)

    def show_data(self, data: Any, card: Mapping[str, Any]) -> None:
        """An ImageSet and its card; nothing of it is read before it is seen."""
        self._data = data
        self._names = common_folder(data.names)
        self.grid.set_max_zoom(max(1, LARGEST // data.size))
        self.card.show_card(card)
        self.card.browse_button.hide()
        names = [name for name in (data.labels or {}) if len((data.values or {}).get(name, ())) > 1]
        self.filter.setVisible(bool(names))
        self.attribute.blockSignals(True)
        self.attribute.clear()
        self.attribute.addItems(names)
        self.attribute.blockSignals(False)
        self.attribute.setVisible(len(names) > 1)
        self.grid.select(-1)
        self._on_attribute()
        self.grid.bar.setValue(0)
        self.grid.setFocus()

    def show_waiting(self, text: str) -> None:
        """What is happening while the data are read."""
        self.title.setText(text)
        self.filter.hide()
        self.grid.show_images(np.zeros((0, 1, 1, 3), np.uint8))

    def _on_attribute(self, *_: Any) -> None:
        name = self.attribute.currentText()
        self.value.blockSignals(True)
        self.value.clear()
        self.value.addItems([EVERY, *((self._data.values or {}).get(name, ()) if name else ())])
        self.value.blockSignals(False)
        self._filter()

    def _filter(self, *_: Any) -> None:
        data, name, place = self._data, self.attribute.currentText(), self.value.currentIndex()
        rows = np.arange(len(data)) if not name or place <= 0 else np.flatnonzero(data.labels[name] == place - 1)
        self.grid.select(-1)
        captions = Lazy(len(rows), lambda i: self._caption(int(rows[i])))
        self.grid.show_images(Some(data.images, rows), captions, Lazy(len(rows), lambda i: self._words(int(rows[i]))))
        self.grid.bar.setValue(0)
        shown = f"{len(rows):,} of {len(data):,} pictures" if len(rows) < len(data) else f"all {len(data):,} pictures"
        told = len(rows) == len(data) and f"{len(data):,} pictures" in data.title
        self.title.setText(data.title if told else f"{data.title} · {shown}")
        self._tell(-1)

    def _labels(self, place: int) -> dict[str, str]:
        data = self._data
        return {name: str(data.values[name][int(kinds[place])]) for name, kinds in (data.labels or {}).items() if name in (data.values or {})}

    def _caption(self, place: int) -> str:
        labels = self._labels(place)
        name = self.attribute.currentText()
        return labels[name] if len(labels) == 1 or (self.value.currentIndex() > 0 and name in labels) else str(self._data.names[place])[self._names :]

    def _words(self, place: int) -> str:
        data = self._data
        sentence = data.captions(place) if data.captions else ""
        labels = ", ".join(f"{name}: {value}" for name, value in self._labels(place).items())
        return " · ".join(part for part in (str(data.names[place]), sentence or labels) if part)

    def _tell(self, index: int) -> None:
        """The picture under the mouse, or the selected one, in words."""
        pictures = self.grid.shown()
        self.about.setText(self._words(int(pictures.rows[index])) if isinstance(pictures, Some) and 0 <= index < len(pictures) else "")

    def _enlarge(self, index: int) -> None:
        """The selected picture beside the list, and everything known about it."""
        pictures = self.grid.shown()
        if not isinstance(pictures, Some) or not 0 <= index < len(pictures):
            self.detail.hide()
            return
        place, data = int(pictures.rows[index]), self._data
        labels = [f"{name}: {value}" for name, value in self._labels(place).items()]
        kept = "held out from training" if place in getattr(data, "held_out", ()) else "trained on"
        words = [str(data.names[place]), data.captions(place) if data.captions else "", *labels[:MOST_LABELS], kept]
        if len(labels) > MOST_LABELS:
            words.insert(-1, f"and {len(labels) - MOST_LABELS} more labels")
        name = "picture"
        caption = BREAKS.sub(lambda found: found[0] + "\u200b", "\n".join(filter(None, words)))
        self.detail.show_detail({name: fitting(data.images[place])}, {name: caption}, f"Picture {place + 1:,} of {len(data):,}")
