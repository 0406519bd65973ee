"""Areas that scroll, without a frame."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

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
