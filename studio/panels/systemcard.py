"""A card of Home: a system, what it makes moving above it, and the ways in."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication

from studio import theme
from studio.demos import Demo
from studio.panels.icon import IconLabel
from studio.panels.moving import Moving, moving
from studio.widgets import Card, ElidedLabel, button, label, row, small


class SystemCard(Card):
    """One of six.

    Attributes:
        starter: begins a run, or opens the lab.
        demo_button, tour_button, copy_button: the others; without an asset only the tour is there.
        view: what moves; None without an asset.

    Signals:
        begin(str), demo(str), tour(str): the button was pressed; the page's name.
        copied(): the command of the demo is in the clipboard.
    """

    begin = Signal(str)
    demo = Signal(str)
    tour = Signal(str)
    copied = Signal()

    def __init__(self, name: str, title: str, text: str, shown: str, starter: tuple[str, str], asset: Demo | None) -> None:
        super().__init__(margin=12, spacing=8)
        self.name, self.asset = name, asset
        theme.set_accent(self, name)
        self.view: Moving | None = None if asset is None else moving(asset)
        self.demo_button = button("Open the demo", "play", kind="primary", clicked=lambda: self.demo.emit(name))
        self.demo_button.setAccessibleName(f"Open the demo of {title}")
        self.starter = button(*starter, clicked=lambda: self.begin.emit(name))
        self.tour_button = small("Show me around", f"A guided tour of {title}, two minutes")
        self.tour_button.clicked.connect(lambda *_: self.tour.emit(name))
        self.copy_button = small("Copy", "Copy the command that made this demo")
        self.copy_button.setAccessibleName("Copy the command that made this demo")
        self.copy_button.clicked.connect(lambda *_: self._copy())
        head = row(IconLabel(name, name), label(title, "strong"), 1, self.tour_button)
        words = label(text, "muted")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        if self.view is not None:
            self.view.setAccessibleName(shown)
            self.view.setToolTip(shown)
            self.body.addWidget(self.view)
        self.body.addLayout(head)
        self.body.addWidget(words, 1)
        self.body.addLayout(row(self.demo_button, self.starter, 1))
        self.command = ElidedLabel("" if asset is None else asset.command.partition("\n")[0], "caption")
        self.command.setProperty("own_tip", True)
        self.command.setToolTip("" if asset is None else f"This made the demo:\n{asset.command}")
        line = row(self.command, self.copy_button, spacing=4)
        line.setStretch(0, 1)
        self.body.addLayout(line)
        for part in (self.demo_button, self.command, self.copy_button):
            part.setVisible(asset is not None)

    def set_ready(self, ready: bool) -> None:
        """Whether torch is there, which everything here needs."""
        for b in (self.demo_button, self.starter, self.tour_button):
            b.setEnabled(ready)

    def show_busy(self, on: bool) -> None:
        """The demo's run is being made."""
        self.demo_button.setEnabled(not on)
        self.demo_button.setText("Unpacking …" if on else "Open the demo")

    def _copy(self) -> None:
        assert self.asset is not None
        QGuiApplication.clipboard().setText(self.asset.command)
        self.copied.emit()
