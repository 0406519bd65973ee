"""How far an export is, told from inside any exporter; whoever listens may end it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[int, int], None]  # done, of how many
_listener: ContextVar[Progress | None] = ContextVar("listener", default=None)


class Cancelled(Exception):
    """The person wants it no more."""


@contextmanager
def heard(progress: Progress | None) -> Iterator[None]:
    """What is told within goes to `progress`, which may raise Cancelled."""
    token = _listener.set(progress)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: int, total: int) -> None:
    """So many parts of so many are done; raises Cancelled where it is wanted no more."""
    progress = _listener.get()
    if progress is not None:
        progress(done, total)
