"""Shares from 0 to 1, one row a name: two bars below each other, and a mark for chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.panels.scrolling import scrolled
from studio.widgets import Card, Legend, label, row

LOW, HIGH = 13, 28  # pixels of a row


class _Bars(QWidget):
    """The rows."""

    def __init__(self, keys: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self._keys, self.names = keys, ()
        self._values: Mapping[str, np.ndarray] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_shares(self, names: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
        """Other numbers; NaN where there is none."""
        if len(names) != len(self.names):
            self.updateGeometry()
        self.names, self._values = tuple(names), values
        self.setAccessibleName("; ".join(self._words(i) for i in range(len(names))))
        self.update()

    def _words(self, i: int) -> str:
        known = [(word, self._values[key][i]) for key, word, _ in self._keys]
        return f"{self.names[i]}: " + ", ".join(f"{word} {value:.1%}" if value == value else f"{word} –" for word, value in known)

    def sizeHint(self) -> QSize:
        """Comfortable rows."""
        return QSize(theme.theme().px(240), theme.theme().px(20) * max(1, len(self.names)))

    def minimumSizeHint(self) -> QSize:
        """Rows that can still be read."""
        return QSize(theme.theme().px(160), theme.theme().px(LOW) * max(1, len(self.names)))

    def _row(self) -> float:
        """Height of a row."""
        return min(float(theme.theme().px(HIGH)), self.height() / max(1, len(self.names)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bars, chance, numbers."""
        del event
        t, painter = theme.theme(), QPainter(self)
        painter.setFont(theme.font(11))
        metrics, high = painter.fontMetrics(), self._row()
        wide = min(self.width() * 0.4, max((metrics.horizontalAdvance(name) for name in self.names), default=0) + t.px(8))
        ends = metrics.horizontalAdvance("100 · 100") + t.px(8)
        area = QRectF(wide, 0, self.width() - wide - ends, 0)
        (first, _, role), (second, _, other), (chance, _, floor) = self._keys
        for i, name in enumerate(self.names):
            line = QRectF(0, i * high, self.width(), high)
            painter.setPen(QColor(t.ink))
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(wide - t.px(6)))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
            numbers = " · ".join(f"{100 * value:.0f}" if (value := self._values[key][i]) == value else "–" for key in (first, second))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), numbers)
            thick, middle = max(3.0, min(float(t.px(6)), high / 2 - 3)), line.center().y()
            for key, which, top in ((first, role, middle - thick - 0.5), (second, other, middle + 0.5)):
                painter.fillRect(QRectF(area.left(), top, area.width(), thick), QColor(t.hairline))
                share = float(np.nan_to_num(self._values[key][i]))
                painter.fillRect(QRectF(area.left(), top, area.width() * share, thick), theme.pen(which).color())
            at = area.left() + area.width() * float(self._values[chance][i])
            painter.fillRect(QRectF(round(at) - 1, middle - thick - 2, 2, 2 * thick + 4), theme.pen(floor).color())
        painter.end()

    def event(self, event: object) -> bool:
        """The exact numbers of the row under the mouse."""
        if isinstance(event, QHelpEvent):
            at = int(event.pos().y() / self._row())
            QToolTip.showText(event.globalPos(), self._words(at) if 0 <= at < len(self.names) else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class SharesPanel(Card):
    """A card of such rows under a heading, with a legend."""

    def __init__(self, title: str, keys: Sequence[tuple[str, str, str]]) -> None:
        """`keys` are two bars and the mark of chance: the name of the numbers, the word in the legend, and the role of the colour."""
        super().__init__(title, margin=12, spacing=4)
        self.bars, self.note = _Bars(keys), label("", "muted")
        self.legend = Legend([(word, role) for _, word, role in keys])
        head = row(self.heading, self.legend, spacing=8)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.note.setWordWrap(True)
        self.note.hide()
        self.body.addWidget(self.note)
        self.body.addWidget(scrolled(self.bars, sideways=False), 1)

    def show_shares(self, names: Sequence[str], values: Mapping[str, np.ndarray], note: str = "") -> None:
        """Shares of every name, NaN where there is none: key -> (names,); and words above them."""
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.bars.show_shares(names, values)
