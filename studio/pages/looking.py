"""When a page looks at the open run: often at its samples, seldom at the rest, and never so often that training suffers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from studio.pages.ownrun import OwnRun

LOOK_MS = 400  # between looks at the samples while it runs; a look that takes long is asked for less often
SELDOM = 5.0  # seconds between looks at everything else


class Looking(QObject):
    """Calls `often` and `seldom`, which ask the session for views, while the page can be seen."""

    def __init__(self, session: OwnRun, page: QWidget, often: Callable[[], None], seldom: Callable[[], None]) -> None:
        super().__init__(page)
        self._session, self._page, self._often, self._seldom = session, page, often, seldom
        self._last = self._last_seldom = -math.inf
        self._cost = 0.05  # seconds that looking at the samples took last time
        self._waiting = False  # a look is on its way
        self._held = False  # the past is looked at
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def follow(self, running: bool) -> None:
        """Look again and again while it runs."""
        self._timer.start() if running else self._timer.stop()

    def hold(self, on: bool) -> None:
        """Look no more, while the past is looked at; and then at everything."""
        if on != self._held:
            self._held = on
            self.again()

    def again(self) -> None:
        """Everything on the stage, now."""
        if self._session.run is not None:
            self._last = self._last_seldom = -math.inf
            self._waiting = False
            self._look()

    def answered(self, seconds: float) -> None:
        """What was asked for often has come; it took so long."""
        self._waiting, self._cost = False, seconds

    def lost(self) -> None:
        """No answer will come."""
        self._waiting = False

    def _look(self) -> None:
        now = time.monotonic()
        if self._held or self._waiting or now - self._last < max(LOOK_MS / 1000, 10 * self._cost) or not self._page.isVisible():
            return
        self._waiting, self._last = True, now
        self._often()
        if now - self._last_seldom > SELDOM:
            self._last_seldom = now
            self._seldom()
