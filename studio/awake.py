"""The machine stays awake while something trains, where the system lets a program ask for it. Needs no Qt.

A machine that cannot be kept awake trains all the same: nothing is raised, `doctor` tells why.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models.settings import settings


class Awake:
    """Holds the machine awake from a thread of its own, because asking the desktop may take a while.

    Attributes:
        why: why the machine cannot be kept awake here; "" while that is not known.
    """

    def __init__(self) -> None:
        self.why = ""
        self._holder: threading.Thread | None = None
        self._over = threading.Event()

    @property
    def held(self) -> bool:
        """Whether it is asked to stay awake just now."""
        return self._holder is not None

    def hold(self, on: bool) -> None:
        """Stay awake, or no longer; one that has failed is not tried again."""
        if on and self._holder is None and not self.why and settings().keep_awake:
            self._over = threading.Event()
            self._holder = threading.Thread(target=self._hold, args=(self._over,), name="awake", daemon=True)
            self._holder.start()
        elif not on and self._holder is not None:
            self._over.set()
            self._holder = None

    def close(self) -> None:
        """No longer, and wait until the system knows; a second is enough for that."""
        holder = self._holder
        self.hold(False)
        if holder is not None:
            holder.join(1.0)

    def _hold(self, over: threading.Event) -> None:
        try:
            with _mode() as mode:
                if not mode.active:
                    self.why = _reason(mode)
                    return
                over.wait()
        except Exception as error:  # whatever is wrong with the desktop, the training goes on
            self.why = f"{type(error).__name__}: {error}"


@contextmanager
def keeping() -> Iterator[None]:
    """Awake during a block, if the settings say so."""
    awake = Awake()
    awake.hold(True)
    try:
        yield
    finally:
        awake.close()


def attempt() -> str:
    """Try it for a moment: "" if it works, else why it does not."""
    try:
        with _mode() as mode:
            return "" if mode.active else _reason(mode)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _mode() -> Any:
    from wakepy import keep

    return keep.running(on_fail="pass")


def _reason(mode: Any) -> str:
    """The first thing that went wrong, without the addresses and lists that come with it."""
    told = " ".join(str(mode.result.get_failure_text()).split())
    if "DBUS_SESSION_BUS_ADDRESS is not set" in told:
        return "there is no desktop session to ask (no D-Bus)"
    if "DBusCallError" in told:
        said = told.partition("failed with message: ")[2].partition('")')[0].strip()
        return f"the desktop does not offer it ({said[:100]})" if said else "the desktop did not answer (D-Bus)"
    first = told.partition("Reason: ")[2].partition(" 2. ")[0]
    return (first or told)[:160].rstrip(" .,")
