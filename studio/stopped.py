"""What stopped last time: runs that a process left without closing them, and the log of its crash. Needs neither Qt nor torch."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import filelock

from models.files import home
from models.settings import runs_folder

LOG, LAST = "crash.log", "crash.last.log"
MOST_LOG = 20_000  # letters of the log that are shown
MOST = 3  # runs that are told about


@dataclass(frozen=True)
class Stopped:
    """A run whose process ended without closing it."""

    path: Path
    name: str
    system: str
    step: int  # of its newest checkpoint, from which it goes on
    seen: float  # when its process wrote to it last, seconds since 1970


def left_open(runs: Path | None = None) -> list[Stopped]:
    """The newest of them, first the one that was written to last; what another process has open is none."""
    found = []
    for owner in (runs or runs_folder()).glob("*/owner.json"):
        folder = owner.parent
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            if json.loads(owner.read_text("utf-8"))["pid"] == os.getpid() or _busy(folder):
                continue
            record = json.loads((folder / "run.json").read_text("utf-8"))
            steps = [int(file.stem) for file in folder.glob("checkpoints/*.safetensors") if file.stem.isdigit()]
            seen = max(file.stat().st_mtime for file in folder.glob("*") if file.is_file())
            found.append(Stopped(folder, str(record["name"]), str(record["system"]), max(steps), seen))
    return sorted(found, key=lambda one: one.seen, reverse=True)[:MOST]


def dismiss(one: Stopped) -> None:
    """Do not tell of it again; nothing else of the run changes."""
    if not _busy(one.path):
        (one.path / "owner.json").unlink(missing_ok=True)


def sentence(one: Stopped, title: str) -> str:
    """What happened, for a person."""
    when = time.strftime("%d %b %H:%M", time.localtime(one.seen))
    return (
        f"{one.name} ({title}) was open when the program ended without closing it, about {when}. "
        f"Its last checkpoint is of step {one.step:,}; nothing before it is lost."
    )


def crash_log() -> str:
    """What the last crash left behind, "" if nothing."""
    try:
        return (home() / LAST).read_text("utf-8", "replace")[-MOST_LOG:]
    except OSError:
        return ""


def forget_log() -> None:
    """The last crash has been seen; its log stays beside the others for a report."""
    with contextlib.suppress(OSError):
        os.replace(home() / LAST, home() / "crash.seen.log")


def keep_log() -> None:
    """At the start, before faulthandler writes anew: what the process before left in its log is the last crash."""
    log = home() / LOG
    with contextlib.suppress(OSError):
        if log.stat().st_size:
            os.replace(log, home() / LAST)


def _busy(folder: Path) -> bool:
    """Whether a living process has the run open."""
    lock = filelock.FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except (filelock.Timeout, OSError):
        return True
    lock.release()
    return False
