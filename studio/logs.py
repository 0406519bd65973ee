"""What the window writes down of its own life, in home()/logs/app.log, and the last lines of it and of a crash. No Qt."""

from __future__ import annotations

import importlib.metadata
import logging
import logging.handlers
import platform
from pathlib import Path

from models.files import home

LARGEST, KEPT = 256_000, 2  # bytes of a file; files before it
LINES = 80  # of each that a report shows

log = logging.getLogger("studio")


def path() -> Path:
    """Where the log is."""
    return home() / "logs" / "app.log"


def begin() -> None:
    """Write to the file from now on; a home that cannot be written is no reason not to start."""
    if log.handlers:
        return
    log.setLevel(logging.INFO)
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path(), maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True)
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    log.info("started: Sampling Studio %s, Python %s, %s", version(), platform.python_version(), platform.platform())


def end() -> None:
    """Close the file."""
    for handler in log.handlers[:]:
        log.removeHandler(handler)
        handler.close()


def version() -> str:
    """Of the studio, as it is installed."""
    try:
        return importlib.metadata.version("sampling-studio")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def tails(lines: int = LINES) -> list[tuple[str, str]]:
    """Name and last lines of every log that has any: the crash first, then the window's."""
    found = [*sorted(home().glob("crash*.log")), path()]
    return [(str(file.relative_to(home())), text) for file in found if (text := _tail(file, lines))]


def _tail(file: Path, lines: int) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 400 * lines))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
