"""Report a problem: what this machine has and what was written last, to be copied or saved. Nothing is sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QThread, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from models.errors import StudioError
from models.files import home, write_bytes
from studio import facts, theme
from studio.doctor import Check, checks
from studio.pages.aside import AsidePage
from studio.session import Session
from studio.widgets import Card, button, label, row

WORDS = (
    "Nothing is sent anywhere. Copy this text or save it, look through it, and attach it where you report the problem, "
    "with a sentence about what you did and what you expected."
)


class Checking(QThread):
    """The checks of the doctor, which take seconds.

    Signals:
        done (list): them.
    """

    done = Signal(object)

    def run(self) -> None:
        """In a thread."""
        self.done.emit(checks())


class ReportPage(AsidePage):
    """Versions, checks and the last lines of the logs."""

    TITLE = "Report a problem"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.checks: list[Check] | None = None
        self._checking: Checking | None = None
        card = Card(margin=16)
        words = label(WORDS)
        words.setWordWrap(True)
        card.body.addWidget(words)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Report")
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.copy_button = button("Copy", "copy", kind="primary", clicked=self.copy_report)
        self.save_button = button("Save…", "save", clicked=self._ask)
        self.again_button = button("Look again", "reset", tip="Read the logs and check the machine again", clicked=self.look)
        self.state = label("", "muted")
        card.body.addLayout(row(self.copy_button, self.save_button, self.again_button, self.state, 1))
        card.body.addWidget(self.text, 1)
        self.column.addWidget(card, 1)
        self._sized()
        theme.notifier.changed.connect(self._sized)

    def look(self) -> None:
        """Read everything anew; the checks come when they are done."""
        self.text.setPlainText(facts.report(self.checks))
        if self._checking is None:
            self.state.setText("checking this machine …")
            self._checking = Checking(self)
            self._checking.done.connect(self._on_checked)
            self._checking.finished.connect(self._on_finished)
            self._checking.start()

    def copy_report(self) -> None:
        """Into the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.tell("Copied the report.")

    def save_report(self, path: Path) -> None:
        """As a text file."""
        try:
            write_bytes(path, self.text.toPlainText().encode())
        except StudioError as error:
            self.card.show_error(str(error))
        else:
            self.tell(f"Saved {path}", path)

    def stop(self) -> None:
        """The window closes."""
        if self._checking is not None:
            self._checking.wait()

    def showEvent(self, event: Any) -> None:
        """There may be more by now."""
        super().showEvent(event)
        self.look()

    def _ask(self) -> None:
        name = f"sampling-studio-report-{time.strftime('%Y-%m-%d')}.txt"
        self.ask_path("Save the report", home() / name, "Text (*.txt)", self.save_report)

    def _on_checked(self, found: list[Check]) -> None:
        self.checks = found
        self.state.setText("all checks are well" if all(c["ok"] for c in found) else "some checks failed, see below")
        self.text.setPlainText(facts.report(found))

    def _on_finished(self) -> None:
        self._checking = None

    def _sized(self) -> None:
        self.text.setFont(theme.font(11))
        self.text.setMinimumHeight(theme.theme().px(320))
