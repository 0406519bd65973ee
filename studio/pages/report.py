"""Report a problem: what this machine has and what was written last, to be copied or saved. Nothing is sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from models.errors import StudioError
from models.files import home, write_bytes
from studio import facts, theme
from studio.doctor import Check, checks
from studio.pages.aside import AsidePage
from studio.session import Session
from studio.widgets import Card, button, label, row
from studio.workers.later import Later

WORDS = (
    "Nothing is sent anywhere. Copy this text or save it, look through it, and attach it where you report the problem, "
    "with a sentence about what you did and what you expected."
)


class ReportPage(AsidePage):
    """Versions, checks and the last lines of the logs."""

    TITLE = "Report a problem"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.checks: list[Check] | None = None
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
        self._later = Later(self)  # the checks take seconds
        self._later.failed.connect(self.state.setText)
        card.body.addLayout(row(self.copy_button, self.save_button, self.again_button, self.state, 1))
        card.body.addWidget(self.text, 1)
        self.column.addWidget(card, 1)
        self._sized()
        theme.notifier.changed.connect(self._sized)

    def look(self) -> None:
        """Read everything anew; the checks come when they are done."""
        self.text.setPlainText(facts.report(self.checks))
        if not self._later.is_busy():
            self.state.setText("checking this machine …")
            self._later.call(checks, self._on_checked)

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
        self._later.wait()

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

    def _sized(self) -> None:
        self.text.setFont(theme.font(11))
        self.text.setMinimumHeight(theme.theme().px(320))
