"""What stands on a stage that has nothing to show, or that has bad news."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from studio import theme
from studio.widgets import button, column, label, row, tool


class ErrorCard(QFrame):
    """A sentence, one remedy, and the details for those who ask; hidden while all is well.

    `kind` is "error", or "warning" for what does not stop anything.

    Signals:
        remedy(str): the remedy button was pressed; its text.
        offered(str): the other button, which `offer` shows.
        closed(): the card was put away.
    """

    remedy = Signal(str)
    offered = Signal(str)
    closed = Signal()

    def __init__(self, sentence: str = "", remedy: str = "", details: str = "", *, kind: str = "error") -> None:
        super().__init__()
        self.setProperty("kind", kind)
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)  # it may quote what a file says
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remedy_button = button("", clicked=lambda: self.remedy.emit(self.remedy_button.text()))
        self.other_button = button("", clicked=lambda: self.offered.emit(self.other_button.text()))
        self.other_button.hide()
        self.details_button = button("Details", "chevron-right", kind="quiet", clicked=self._fold)
        self.close_button = tool("close", "Close (Esc)", self.close_card)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFont(theme.font(11))
        self.details.setMaximumHeight(theme.theme().px(160))
        self.details.hide()
        body = column(self, margin=12)
        line = row(self.sentence, self.details_button, self.other_button, self.remedy_button, self.close_button)
        line.setStretch(0, 1)
        body.addLayout(line)
        body.addWidget(self.details)
        self.setVisible(False)
        if sentence:
            self.show_error(sentence, remedy, details)

    def show_error(self, sentence: str, remedy: str = "", details: str = "") -> None:
        """Say what has happened; no remedy and no details hide their buttons."""
        self.sentence.setText(sentence)
        self.setAccessibleName(sentence)
        self.remedy_button.setText(remedy)
        self.remedy_button.setVisible(bool(remedy))
        self.details_button.setVisible(bool(details))
        self.details.setPlainText(details)
        self._unfold(False)
        self.show()

    def offer(self, text: str) -> None:
        """A further way on, beside the remedy; "" for none."""
        self.other_button.setText(text)
        self.other_button.setVisible(bool(text))

    def close_card(self) -> None:
        """Put it away."""
        self.hide()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        else:
            super().keyPressEvent(event)

    def _fold(self) -> None:
        self._unfold(self.details.isHidden())

    def _unfold(self, on: bool) -> None:
        self.details.setVisible(on)
        theme.set_icon(self.details_button, "chevron-down" if on else "chevron-right", "muted")


def centre(stage: QWidget, block: QWidget) -> None:
    """Put the one thing of an empty stage a little above its middle."""
    body = column(stage, margin=24)
    body.addStretch(2)
    middle = row(1, block, 1, spacing=0)
    middle.setStretch(1, 6)
    body.addLayout(middle)
    body.addStretch(3)


class EmptyStage(QWidget):
    """What a page does, in one line; the paper's idea in two; one button.

    Signals:
        start(): the button was pressed.
    """

    start = Signal()

    def __init__(self, title: str, lines: Sequence[str], button_text: str) -> None:
        super().__init__()
        self.title, self.button = label(title, "title"), button(button_text, kind="primary", clicked=self.start.emit)
        self.title.setWordWrap(True)
        self.lines = label("\n".join(lines), "muted")
        self.lines.setWordWrap(True)
        block = QWidget()
        block.setMaximumWidth(theme.theme().px(560))
        inner = column(block, spacing=12)
        inner.addWidget(self.title)
        inner.addWidget(self.lines)
        self.below = column(spacing=8)  # a page may put more here, for example a choice of data
        inner.addLayout(self.below)
        inner.addLayout(row(self.button, 1))
        centre(self, block)
