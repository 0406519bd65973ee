"""One divergence of a comparison: its last numbers, and what its generator draws or writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from models.contract import View
from models.divergences import DIVERGENCES
from studio import theme
from studio.panels.divergencerows import LINES
from studio.panels.linesample import LineSample
from studio.panels.samples import ImageGrid
from studio.panels.tiling import fit
from studio.widgets import ElidedLabel, column, label, number, row

CURVES = {  # field -> (word, what it is, only of toys)
    "V": ("V", "The bound that D climbs. Each climbs towards a divergence of its own, so heights are not to be compared", False),
    "ESS": ("ESS", "Effective sample size of the weights of one z, from 1 to M", False),
    "D_real": ("D(real)", "Share of real data that D takes for real", False),
    "D_fake": ("D(fake)", "Share of samples that D takes for real", False),
    "KL": ("KL", "KL(p‖q) of the toy, an exact sum: the one number that is the same for all", True),
    "error": ("error", "E_q|ŵ − p/q|: how far the weights are from the true ratio", True),
}
WRAPPED = Qt.TextFlag.TextWordWrap.value | Qt.TextFlag.TextWrapAnywhere.value
LINE_BREAK, HIGHEST = "<br>", 300  # pixels of sentences


class Column(QFrame):
    """One divergence: its last numbers, and what its generator draws; of a toy the numbers alone, in a card."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.head = ElidedLabel(DIVERGENCES[name].title, "section")
        self.grid, self.words, self.values = ImageGrid(columns=2, whole=True), _Words(), label("", "caption")
        self.grid.setAccessibleName(f"Samples of {DIVERGENCES[name].title}")
        self.values.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._inside = body = column(self, spacing=4)
        head = row(LineSample(LINES[name]), self.head, spacing=6)
        head.setStretch(1, 1)
        body.addLayout(head)
        body.addWidget(self.values)
        body.addWidget(self.grid, 1)
        body.addWidget(self.words)
        body.addStretch(0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        """Seven have room on the smallest window."""
        return QSize(theme.theme().px(90), super().minimumSizeHint().height())

    def show_view(self, view: View, *, toy: bool) -> None:
        """What there is by now."""
        theme.set_kind(self, "card" if toy else "")
        margin = theme.theme().px(8) if toy else 0
        self._inside.setContentsMargins(margin, margin, margin, margin)
        pictures, words = view.pictures.get(self._name), view.words.get(self._name)
        self.grid.setVisible(pictures is not None)
        self.words.setVisible(words is not None and not toy)
        if pictures is not None:
            self.grid.show_images(pictures)
        if words is not None:
            self.words.show_words(words)
        last = {field: view.numbers.get(f"{self._name}.{field}", np.empty(0)) for field in (("KL", "error") if toy else ()) + ("V", "ESS")}
        self.values.setText(LINE_BREAK.join(f"{CURVES[field][0]} <b>{number(float(y[-1]))}</b>" for field, y in last.items() if len(y)))

        self._fit()

    def resizeEvent(self, event: object) -> None:
        """Another number of columns may suit."""
        self._fit()

    def _fit(self) -> None:
        """As many columns as make the pictures largest, all of them seen."""
        n, (high, wide) = self.grid.count(), self.grid.shown().shape[1:3]
        if n:
            ratio = self.devicePixelRatioF()
            space = (int(self.grid.width() * ratio), int(self.grid.height() * ratio))
            zooms = {c: fit(space, n, (wide, high), c, whole=True, strict=True).zoom for c in range(1, n + 1)}
            self.grid.set_columns(max(zooms, key=lambda c: (zooms[c], c)), strict=True)


class _Words(QWidget):
    """Sentences below each other, broken anywhere; as many as have room."""

    def __init__(self) -> None:
        super().__init__()
        self.said: tuple[str, ...] = ()
        theme.notifier.changed.connect(self.update)

    def show_words(self, said: Sequence[str]) -> None:
        """Other sentences."""
        self.said = tuple(said)
        self.setToolTip("\n".join(self.said))
        self.setAccessibleDescription("; ".join(self.said))
        self._fit()
        self.update()

    def resizeEvent(self, event: object) -> None:
        """Narrower sentences are higher."""
        self._fit()

    def _fit(self) -> None:
        """As high as they are, up to half of a small window."""
        boxes = self._boxes()
        self.setFixedHeight(min(theme.theme().px(HIGHEST), round(boxes[-1].bottom()) if boxes else 0))

    def _boxes(self) -> list[QRectF]:
        """Of each sentence, its ground."""
        metrics, pad, y, out = QFontMetricsF(theme.font(12)), theme.theme().px(5), 0.0, []
        for text in self.said:
            high = metrics.boundingRect(QRectF(0, 0, max(20, self.width() - 2 * pad), 10_000), WRAPPED, text or " ").height() + 2 * pad
            out.append(QRectF(0, y, self.width(), high))
            y += high + theme.theme().px(4)
        return out

    def paintEvent(self, event: QPaintEvent) -> None:
        """One after the other."""
        t, painter, pad = theme.theme(), QPainter(self), theme.theme().px(5)
        painter.setFont(theme.font(12))
        for text, box in zip(self.said, self._boxes(), strict=True):
            if box.bottom() > self.height() + 1:
                break
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.panel))
            painter.drawRoundedRect(box, t.px(4), t.px(4))
            painter.setPen(QColor(t.ink))
            painter.drawText(box.adjusted(pad, pad, -pad, -pad), WRAPPED, text)
        painter.end()
