"""The frame of a page: header, stage, knobs, transport."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QSizePolicy, QStackedWidget, QWidget

from studio import theme
from studio.panels.card import ErrorCard
from studio.widgets import ElidedLabel, column, label, row

NOTICE_MS = 12_000


class Page(QWidget):
    """A titled header over a stage; subclasses fill `actions`, `stage`, `side` and `foot`.

    Attributes:
        stage: what is shown in the middle, one widget at a time.
        card: bad news, on top of the stage.
    """

    SYSTEM = "home"  # whose accent it has
    TITLE = ""

    def __init__(self) -> None:
        super().__init__()
        theme.set_accent(self, self.SYSTEM)
        self.subtitle, self.notice = ElidedLabel("", "muted"), ElidedLabel("", "good")
        self.header = QFrame()
        self.header.setProperty("kind", "header")
        self.actions = row()
        line = row(label(self.TITLE, "title"), self.subtitle, 1, self.notice, spacing=12)
        line.setContentsMargins(16, 0, 16, 0)
        line.addLayout(self.actions)
        self.header.setLayout(line)

        self.stage = QStackedWidget()
        self.card = ErrorCard()
        ground = QFrame()
        ground.setProperty("kind", "stage")
        inside = column(ground, margin=16, spacing=12)
        inside.addWidget(self.card)
        inside.addWidget(self.stage, 1)

        self.middle = QHBoxLayout()
        self.middle.setSpacing(0)
        self.middle.addWidget(ground, 1)
        whole = column(self, spacing=0)
        whole.addWidget(self.header)
        whole.addLayout(self.middle, 1)
        self.whole = whole
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(lambda: self.notice.setText(""))
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def add_side(self, *sides: QWidget) -> None:
        """Controls at the right of the stage; one of them is seen at a time."""
        self.sides = QStackedWidget()
        for side in sides:
            self.sides.addWidget(side)
        self.sides.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.middle.addWidget(self.sides)

    def add_foot(self, foot: QWidget) -> None:
        """The bar below everything."""
        self.whole.addWidget(foot)

    def tell(self, text: str) -> None:
        """Good news, for a while."""
        self.notice.setText(text)
        self._quiet.start(NOTICE_MS)

    def ask_path(self, title: str, suggestion: Path, pattern: str, use: Callable[[Path], None]) -> None:
        """A file dialog that stops nothing; `use` gets the path. An empty pattern asks for a folder."""
        dialog = QFileDialog(self, title, str(suggestion), pattern)
        dialog.setModal(False)
        if pattern:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: use(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def _sizes(self) -> None:
        self.header.setFixedHeight(theme.theme().px(48))
