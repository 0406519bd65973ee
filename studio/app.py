"""Starts the window."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from models.errors import RunFailed
from models.files import home
from studio import logs
from studio.doctor import has_display, missing_libraries
from studio.stopped import keep_log

if TYPE_CHECKING:
    from studio.window import Window

_log: TextIO | None = None


def window(then: Callable[[Window], object] | None = None) -> int:
    """Show the window until it is closed, and do something with it first; returns the exit status."""
    if not os.environ.get("QT_QPA_PLATFORM") and not has_display():  # Qt would abort the process
        raise RunFailed(
            "There is no display, so no window: use the command line (sampling-studio train began --data faces), "
            "or start under a desktop, ssh -X or xvfb-run."
        )
    if "QT_QPA_PLATFORM" not in os.environ:
        libraries = missing_libraries()
        if libraries:  # Qt would abort the process
            raise RunFailed(f"Qt needs system libraries that are missing: type  sudo apt-get install {' '.join(libraries)}  and start again.")
    if sys.platform == "win32":
        import torch  # noqa: F401  # must come before Qt there
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from studio.shell import dress
    from studio.window import Window

    _watch_crashes()
    app = QApplication(sys.argv[:1])
    app.setOrganizationName("sampling-studio")
    app.setApplicationName("Sampling Studio")
    app.setDesktopFileName("sampling-studio")
    logs.begin()
    dress()
    shown = Window()
    shown.session.trouble.connect(_log_trouble)
    shown.shell.restore()
    collector = collect_here(app)
    sys.excepthook = _on_exception(shown)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: shown.close())
    awake = QTimer(app)  # lets Python see signals
    awake.start(200)
    awake.timeout.connect(lambda: None)
    shown.warm_up()
    shown.show()
    if then is not None:
        then(shown)
    status = app.exec()
    collector.stop()
    shown.session.close()
    logs.log.info("ended with status %d", status)
    logs.end()
    return status


def _log_trouble(trouble: Any) -> None:
    logs.log.warning("%s", "\n".join(filter(None, (trouble.sentence, trouble.details))))


def collect_here(app: object) -> Collector:
    """Collect Python's garbage in the GUI thread only: a collection in a worker would destroy Qt objects there, and crash."""
    return Collector(app)


class Collector:
    """Runs the collector by generations from a timer, and after torch is imported sets aside what will never be garbage."""

    def __init__(self, app: object) -> None:
        from PySide6.QtCore import QTimer

        gc.collect()
        gc.freeze()
        gc.disable()
        self._frozen = "torch" in sys.modules
        self._timer = QTimer(app)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self._timer.timeout.connect(self._collect)
        self._timer.start(1000)

    def stop(self) -> None:
        """Back to Python's own way."""
        self._timer.stop()
        gc.enable()

    def _collect(self) -> None:
        if not self._frozen and "models.algorithms.began" in sys.modules:
            gc.freeze()  # without a collection: it would stop the window for a tenth of a second
            self._frozen = True
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation]:
                gc.collect(generation)
                return


def _watch_crashes() -> None:
    """The place of a crash in C code goes to a log that the next start can show."""
    global _log
    try:
        home().mkdir(parents=True, exist_ok=True)
        keep_log()
        _log = open(home() / "crash.log", "w")  # noqa: SIM115  # stays open for the life of the process
        faulthandler.enable(_log)
    except OSError:
        pass


def _on_exception(shown: Window) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        details = "".join(traceback.format_exception(kind, error, trace))
        print(details, file=sys.stderr)
        logs.log.error("unexpected: %s", details)
        shown.page.card.show_error("Something unexpected happened in the window; the run goes on.", "", details)

    return hook
