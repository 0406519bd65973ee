"""Areas that scroll, without a frame."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from studio import theme
from studio.widgets import Card, column

MARGIN, BESIDE_BAR = 16, 6
SIDE = 304  # pixels


def scrolled(inside: QWidget, *, sideways: bool = True) -> QScrollArea:
    """A widget that may be larger than its place."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    if not sideways:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


def scrolled_side() -> tuple[QScrollArea, QVBoxLayout]:
    """The controls at the side of a page: the area and its column, which keeps its width when the bar comes."""
    inside = QWidget()
    inside.setProperty("kind", "clear")
    body = column(inside, margin=MARGIN, spacing=8)
    area = scrolled(inside, sideways=False)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    bar = area.verticalScrollBar()
    bar.rangeChanged.connect(lambda low, high: body.setContentsMargins(MARGIN, MARGIN, BESIDE_BAR if high > low else MARGIN, MARGIN))
    return area, body


def side_width(area: QScrollArea) -> int:
    """Pixels of a side around this area: those of the table, but never fewer than its parts need, which at a small scale is more."""
    inside = area.widget()
    least = inside.minimumSizeHint().width() if inside is not None else 0
    return max(theme.theme().px(SIDE), least + area.verticalScrollBar().sizeHint().width() + 1)


class Side(QFrame):
    """The controls at the side of a face, fixed in width; `body` is their column, which scrolls where it must and ends in a stretch."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        area, self.body = scrolled_side()
        column(self, spacing=0).addWidget(area)
        self.body.addStretch(1)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def add(self, *parts: QWidget | QLayout | int) -> None:
        """Widgets and layouts below what is there; a number is a space in pixels."""
        for part in parts:
            place = self.body.count() - 1
            if isinstance(part, int):
                self.body.insertSpacing(place, part)
            elif isinstance(part, QWidget):
                self.body.insertWidget(place, part)
            else:
                self.body.insertLayout(place, part)

    def sizeHint(self) -> QSize:
        """As wide as it is, whatever its parts would like."""
        return QSize(self.width(), super().sizeHint().height())

    def _sizes(self) -> None:
        self.setFixedWidth(theme.theme().px(SIDE))


def aside(one: QWidget, card: QWidget) -> QScrollArea:
    """What is known about one thing above the card of all, as a column at the right of a list."""
    holder, inside = Card(), QWidget()
    holder.body.addWidget(card)
    inside.setProperty("kind", "clear")
    stack = column(inside, spacing=12)
    stack.addWidget(one)
    stack.addWidget(holder)
    stack.addStretch(1)
    area = scrolled(inside, sideways=False)
    area.setFixedWidth(theme.theme().px(SIDE))
    return area


class Room(QWidget):
    """Holds one widget at its own size, whatever that would like: in a scroll area it is as large as it is told to be at least, and no larger."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self._inside = inside
        inside.setParent(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All of it."""
        super().resizeEvent(event)
        self._inside.setGeometry(self.rect())
