"""What lies over the whole window for a moment: it dims what is below, and goes away with Esc or a click beside it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from studio import theme
from studio.widgets import column

_OPACITY = 0.55


class Veil(QWidget):
    """Over its parent, of whose size it is; a subclass fills `card` and gives its width and height in `fit`.

    Signals:
        closed (): it has gone.
    """

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._before: QWidget | None = None
        self.card = QFrame(self)
        self.card.setProperty("kind", "over")
        self.body = column(self.card, spacing=0)
        self.hide()
        parent.installEventFilter(self)
        theme.notifier.changed.connect(self.again)

    def open(self) -> None:
        """Show it; what had the focus gets it back."""
        if self.isHidden():
            self._before = QApplication.focusWidget()
        self.again()
        self.show()
        self.raise_()

    def close_veil(self) -> None:
        """Put it away."""
        if self.isHidden():
            return
        self.hide()
        before, self._before = self._before, None
        if before is not None and before.isVisible():
            before.setFocus()
        self.closed.emit()

    def again(self) -> None:
        """Lie over the parent anew."""
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
            self.fit()

    def fit(self) -> None:
        """Place the card."""
        raise NotImplementedError

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Grow with the parent."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.again()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim."""
        ground = QColor(theme.theme().stage)
        ground.setAlphaF(_OPACITY)
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Beside the card."""
        if not self.card.geometry().contains(event.position().toPoint()):
            self.close_veil()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_veil()
        else:
            super().keyPressEvent(event)
