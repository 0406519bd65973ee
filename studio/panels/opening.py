"""What stands on a stage while a run is being opened: which, and how far it is."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from studio import theme
from studio.panels.card import centre
from studio.widgets import column, label


class OpeningStage(QWidget):
    """Calm: a name, a bar, and the words that the foot has too."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.words = label("", "title"), label("", "muted")
        self.title.setWordWrap(True)
        self.words.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the opening")
        block = QWidget()
        block.setMaximumWidth(theme.theme().px(560))
        inner = column(block, spacing=12)
        for part in (self.title, self.bar, self.words):
            inner.addWidget(part)
        centre(self, block)

    def show_name(self, title: str, words: str = "") -> None:
        """Another opening begins; how long it takes is not known yet."""
        self.title.setText(title)
        self.setAccessibleName(title)
        self.show_progress(0, 0, words)

    def show_progress(self, done: int, total: int, words: str) -> None:
        """So many of `total` are read, which is 0 while that is not known; and the same for people. Once all are, the nets are made ready."""
        some = 0 <= done < total
        self.bar.setRange(0, 1000 if some else 0)
        self.bar.setValue(round(1000 * done / total) if some else 0)
        self.words.setText(words if some or not total else f"{words}; the run is made ready")
