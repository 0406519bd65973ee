"""Tells a person who looks elsewhere that something has ended, and keeps the machine awake meanwhile."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from models.settings import settings
from studio import theme
from studio.awake import Awake
from studio.messages import Export, Trouble
from studio.queue import Job
from studio.session import Session

LONG = 10.0  # seconds; what was quicker is told to nobody: they have been watching
TITLE = "Sampling Studio"


class Herald(QObject):
    """Listens to a session and its queue.

    What has ended is a line in the header of the page that is seen, and a message of the desktop if the window is not in front: from the
    tray where there is one, else the window asks for attention.

    Attributes:
        told: the last line; "" before the first.
        awake: holds the machine awake while a run trains.
    """

    def __init__(self, window: Any, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self.told, self.awake = "", Awake()
        self._since: float | None = None  # when the training began
        self._exports: dict[int, float] = {}
        self._tray: QSystemTrayIcon | None = None
        self._sentence = ""
        session.conditioned.connect(self._on_condition)
        session.trouble.connect(self._on_trouble)
        session.exporting.connect(self._on_exporting)
        session.exported.connect(self._on_exported)
        session.queue.ended.connect(self._on_job)
        QTimer.singleShot(0, self._offer)

    def close(self) -> None:
        """The window goes."""
        self.awake.close()
        if self._tray is not None:
            self._tray.hide()

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Say that something has ended."""
        self.told = text
        self._window.page.tell(text, stay=True)
        window = self._window if isinstance(self._window, QWidget) else None
        if not settings().notify or (window is not None and window.isActiveWindow() and not window.isMinimized()):
            return
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            if self._tray is None:
                self._tray = QSystemTrayIcon(theme.icon("app", theme.theme().accent("began")), self)
                self._tray.setToolTip(TITLE)
                self._tray.messageClicked.connect(self._raise)
                self._tray.activated.connect(self._raise)
            self._tray.show()
            kind = QSystemTrayIcon.MessageIcon.Warning if bad else QSystemTrayIcon.MessageIcon.Information
            self._tray.showMessage(TITLE, text, kind)
        elif window is not None:
            QApplication.alert(window)

    def _offer(self) -> None:
        """What waits since last time; it is begun by a person only."""
        queue = self._session.queue
        if queue.problem:
            self._window.page.card.show_error(queue.problem)
        elif waiting := len(queue.waiting()):
            self._window.page.tell(f"{waiting:,} in the queue since last time: start it on the page Runs.", stay=True)

    # --- what happens -----------------------------------------------------------------------------------------

    def _on_condition(self, condition: str, reason: str) -> None:
        if condition == "running":
            self._since = time.monotonic() if self._since is None else self._since
            self.awake.hold(True)
            return
        if condition == "opening":
            return  # the next job of the queue: no use in letting go for a moment
        self.awake.hold(False)
        since, self._since = self._since, None
        if self._session.queue.running() is not None or since is None or time.monotonic() - since < LONG:
            return  # the queue tells of its own
        run = self._session.run
        name = run.name if run is not None else "The run"
        if condition == "finished":
            self.tell(f"{name} has finished at step {self._session.step:,}.")
        elif condition == "failed":
            self.tell(f"{name} has stopped: {self._sentence or 'see its page'}", bad=True)

    def _on_trouble(self, trouble: Trouble) -> None:
        if trouble.panel:
            return
        self._sentence = trouble.sentence
        if self._session.condition != "failed" and any(time.monotonic() - begun >= LONG for begun in self._exports.values()):
            self._exports.clear()  # what was written for so long is what went wrong
            self.tell(trouble.sentence, bad=True)

    def _on_job(self, job: Job) -> None:
        left = len(self._session.queue.waiting())
        rest = f"; {left:,} more in the queue" if left else "; the queue is done"
        if job.state == "done":
            self.tell(f"{job.name} has finished at step {job.goal or 0:,}{rest}.")
        else:
            self.tell(f"{job.name} has failed: {job.why.rstrip('.')}{rest}.", bad=True)

    def _on_exporting(self, wish: Export) -> None:
        self._exports[id(wish)] = time.monotonic()

    def _on_exported(self, wish: Export, files: object) -> None:
        begun = self._exports.pop(id(wish), None)
        if begun is not None and time.monotonic() - begun >= LONG:
            self.tell(f"{wish.path.name} has been exported.")

    def _raise(self, *_: object) -> None:
        """A click on the message brings the window to the front."""
        window = self._window
        window.setWindowState((window.windowState() & ~Qt.WindowState.WindowMinimized) | Qt.WindowState.WindowActive)
        window.show()
        window.raise_()
        window.activateWindow()
