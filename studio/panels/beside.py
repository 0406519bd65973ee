"""The column at the right of the pictures."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QWidget

from studio import theme
from studio.panels.detail import DetailPanel
from studio.widgets import column

WIDTH = 296  # pixels


class Beside(QStackedWidget):
    """Some panels below each other; in their place, when asked for, one picture large with what is known about it.

    Attributes:
        detail: that picture.
    """

    def __init__(self, *panels: QWidget, detail: DetailPanel | None = None, grows: QWidget | None = None) -> None:
        """`grows` is the panel that takes the room that is left; else it stays empty below them."""
        super().__init__()
        self.detail = DetailPanel(columns=2) if detail is None else detail
        self.detail.closed.connect(self.show_panels)
        overview = QWidget()
        body = column(overview, spacing=12)
        for panel in panels:
            body.addWidget(panel, int(panel is grows))
        if grows is None:
            body.addStretch(1)
        self.addWidget(overview)
        self.addWidget(self.detail)
        self.setFixedWidth(theme.theme().px(WIDTH))

    def shows_detail(self) -> bool:
        """Whether one picture is shown."""
        return self.currentWidget() is self.detail

    def show_panels(self) -> None:
        """The panels again."""
        self.setCurrentIndex(0)

    def show_detail(self) -> None:
        """The picture that `detail` has."""
        self.setCurrentWidget(self.detail)
