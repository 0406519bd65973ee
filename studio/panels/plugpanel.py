"""Which network the chains climb: the run's own C, or one from a file; whether it works; and whether a file may be trusted."""

from __future__ import annotations

from importlib.util import find_spec

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from studio import theme
from studio.chainmessages import Tried
from studio.widgets import ElidedLabel, button, column, label, row


class PlugPanel(QWidget):
    """Name of the network, and what can be done.

    Signals:
        open(): ask for a file. folder(): ask for a folder. own(): the run's own C again. why(): run the authors' first test.
    """

    open = Signal()
    folder = Signal()
    own = Signal()
    why = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel("C of this run")
        self.name.setToolTip("The network whose p(c|x) the chains climb")
        self.open_button = button(
            "File…", "open", tip="A .safetensors file with a manifest, or a .pt2 program, in the place of C", clicked=self.open.emit
        )
        self.folder_button = button(
            "Folder…", "folder", tip="A run of the studio, or a Hugging Face folder, in the place of C", clicked=self.folder.emit
        )
        self.own_button = button("Own C", tip="This run's own C again", clicked=self.own.emit)
        self.own_button.setEnabled(False)
        self.why_button = button(
            "Why does it not work?",
            "help",
            tip="The authors' first test: does log p(c|x) rise at all when h follows its gradient, without noise and prior?",
            clicked=self.why.emit,
        )
        self.verdict = label("", "caption")
        self.verdict.setWordWrap(True)
        self.verdict.hide()
        body = column(self, spacing=8)
        body.addWidget(label("Classifier", "section"))
        body.addWidget(self.name)
        body.addLayout(row(self.open_button, self.folder_button, self.own_button, 1, spacing=4))
        body.addLayout(row(self.why_button, 1))
        body.addWidget(self.verdict)
        pluggable = find_spec("models.plug") is not None
        for b in (self.open_button, self.folder_button, self.own_button):
            b.setVisible(pluggable)
        self.why_button.setVisible(pluggable and find_spec("models.plug.why") is not None)

    def show_plugged(self, name: str) -> None:
        """Which it is; "" for the run's own."""
        self.name.setText(name or "C of this run")
        self.own_button.setEnabled(bool(name))
        self.verdict.hide()

    def show_tried(self, tried: Tried) -> None:
        """What came of the test."""
        self.verdict.setText(f"{tried.verdict} {tried.remedy}")
        theme.set_kind(self.verdict, "caption" if tried.works else "warn")
        self.verdict.show()


class TrustCard(QWidget):
    """A file that can run code when it is loaded waits here for a person's word; nothing else waits for it.

    Signals:
        trusted(str, str): spec and SHA256.
    """

    trusted = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        card = QFrame()
        card.setProperty("kind", "warning")
        whole = column(self, spacing=0)
        whole.setContentsMargins(0, 0, 0, 12)
        whole.addWidget(card)
        self._spec = self._sha = ""
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.trust_button = button("Trust this file", tip="Load it now; only this file, with exactly this SHA256", clicked=self._trust)
        self.leave_button = button("Leave it", tip="Do not load it", clicked=self.hide)
        line = row(self.sentence, self.leave_button, self.trust_button)
        line.setStretch(0, 1)
        column(card, margin=12).addLayout(line)
        self.hide()

    def ask(self, spec: str, sha: str) -> None:
        """Wait for a word on this file."""
        self._spec, self._sha = spec, sha
        name = spec.replace("\\", "/").rsplit("/", 1)[-1]
        self.sentence.setText(f"{name}: this file can run code when loaded; trust it only if you know who made it. SHA256 {sha[:32]} {sha[32:]}")
        self.setAccessibleName(self.sentence.text())
        self.show()
        self.leave_button.setFocus()

    def _trust(self) -> None:
        self.hide()
        self.trusted.emit(self._spec, self._sha)
