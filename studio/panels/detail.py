"""One sample under the loupe."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio import picture, theme
from studio.widgets import Card, label, row, tool

_LARGE, _SMALL = 192, 128


class DetailPanel(Card):
    """The clicked picture; beside it what the caller has found out: nearest image, reconstruction, error map.

    With fewer than three columns all pictures are of one size, else the first one is larger; unless a `side` in pixels is given for all.

    Signals:
        closed(): Esc, or the cross.
    """

    closed = Signal()

    def __init__(self, columns: int = 4, side: int = 0) -> None:
        super().__init__(margin=12)
        self._columns, self._side = columns, side
        self.title = label("", "section")
        self.close_button = tool("close", "Close (Esc)", self.close_panel)
        head = row(self.title, 1, self.close_button)
        self.body.addLayout(head)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self.body.addLayout(self._grid)
        self.words = label("", "caption")
        self.words.setWordWrap(True)
        self.body.addWidget(self.words)
        self.captions: dict[str, QLabel] = {}
        self._shown: tuple[Mapping[str, np.ndarray], Mapping[str, str]] = ({}, {})
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVisible(False)
        theme.notifier.changed.connect(self._again)

    def show_detail(self, pictures: Mapping[str, np.ndarray], captions: Mapping[str, str], title: str = "", words: str = "") -> None:
        """Pictures in order: (H, W, C) uint8, or numbers (H, W) drawn in viridis; a caption each, and words below them all."""
        self._shown = (pictures, captions)
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.title.setText(title or "Detail")
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self.captions = {}
        for i, (name, data) in enumerate(pictures.items()):
            line, place = divmod(i, self._columns)
            side = self._side or (_LARGE if i == 0 and self._columns > 2 else _SMALL)
            self._grid.addWidget(self._picture(name, data, side), 2 * line, place, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
            text = label(captions.get(name, name), "caption")
            text.setWordWrap(True)
            text.setFixedWidth(theme.theme().px(side))
            text.setMinimumHeight(max(2 * text.fontMetrics().lineSpacing(), text.heightForWidth(theme.theme().px(side))))
            self._grid.addWidget(text, 2 * line + 1, place, Qt.AlignmentFlag.AlignTop)
            text.setAlignment(Qt.AlignmentFlag.AlignTop)
            self.captions[name] = text
        self._grid.setColumnStretch(min(self._columns, len(pictures)), 1)
        self.show()

    def close_panel(self) -> None:
        """Put it away."""
        self.hide()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_panel()
        else:
            super().keyPressEvent(event)

    def _picture(self, name: str, data: np.ndarray, side: int) -> QWidget:
        out, ratio = QLabel(), self.devicePixelRatioF()
        colors = picture.viridis(data) if data.ndim == 2 and data.dtype != np.uint8 else data
        zoom = max(1, int(theme.theme().px(side) * ratio) // max(data.shape[:2]))
        out.setPixmap(picture.to_pixmap(colors, zoom, ratio))
        out.setFixedSize(QSize(round(data.shape[1] * zoom / ratio), round(data.shape[0] * zoom / ratio)))
        out.setAccessibleName(name)
        return out

    def _again(self) -> None:
        if self.isVisible():
            self.show_detail(*self._shown, title=self.title.text(), words=self.words.text())
