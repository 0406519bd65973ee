"""The knobs of the open run: turned by a person, and taken back or done again by the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.messages import Opened
from studio.panels.knob import written

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class Turning(QObject):
    """Of one page, whose own history it fills.

    Signals:
        moved (): the history has turned a knob; the session and the panel have followed.
    """

    moved = Signal()

    def __init__(self, page: TrainingPage) -> None:
        super().__init__(page)
        self._page, self._session = page, page.session
        self._remembered: tuple[str, dict[str, Any]] | None = None  # the run and the knobs that the history leads up to
        page.knobs.changed.connect(self._on_knob)
        page.session.turned.connect(self._on_turned)

    def show_run(self, run: Opened) -> None:
        """Another run is open, or the same one as it was; a history that does not lead to its knobs is forgotten."""
        same = self._remembered is not None and self._remembered[0] == run.id
        if not same or not (run.reading or self._remembered == (run.id, run.knobs)):  # another run, or the same one set back to other values
            self._page.own_history.clear()
            self._remembered = (run.id, dict(run.knobs))
        self._page.knobs.set_values(run.knobs)

    def put(self, name: str, value: Any) -> None:
        """Turn a knob as an undo does: the panel follows, and nothing is remembered."""
        self._session.set_knob(name, value, remember=False)
        self._remember()
        self._page.knobs.set_values(self._session.knobs)
        self._page.look_when_paused()
        self.moved.emit()

    def _remember(self) -> None:
        if self._session.run is not None:
            self._remembered = (self._session.run.id, dict(self._session.knobs))

    def _on_turned(self, name: str, before: Any, value: Any) -> None:
        self._remember()
        values = (written(before), written(value))
        symbol = self._page.knobs.rows[name].knob.symbol
        self._page.own_history.done(symbol, lambda: self.put(name, before), lambda: self.put(name, value), name, values)

    def _on_knob(self, name: str, value: Any) -> None:
        self._session.set_knob(name, value)
        self._page.look_when_paused()
