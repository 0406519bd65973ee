"""What the threads that play something share: wishes from the window, and bad news to it. Needs no Qt."""

from __future__ import annotations

import queue
import traceback
from collections.abc import Collection
from typing import Any

from models.errors import StudioError
from studio.messages import Trouble

Wish = tuple[str, Any]  # what kind, and what about


def taken(inbox: queue.SimpleQueue[Wish], wait: float | None, newest: Collection[str]) -> list[Wish]:
    """Everything in the inbox, after at most `wait` seconds for the first (None: as long as it takes).

    `newest`: kinds that replace each other, of which the last alone is left.
    """
    waiting: list[Wish] = []
    try:
        waiting.append(inbox.get(timeout=wait) if wait != 0 else inbox.get(block=False))
        while True:
            waiting.append(inbox.get(block=False))
    except queue.Empty:
        pass
    last = {kind: i for i, (kind, _) in enumerate(waiting) if kind in newest}
    return [wish for i, wish in enumerate(waiting) if last.get(wish[0], i) == i]


def trouble_of(error: Exception, unexpected: str) -> Trouble:
    """The studio's own sentence, or `unexpected` with all that is known of an error that should not have come."""
    if isinstance(error, StudioError):
        return Trouble(str(error))
    return Trouble(unexpected, "", "".join(traceback.format_exception(error)))
