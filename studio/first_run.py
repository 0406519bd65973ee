"""`make run`: the window; where there is no display, the same main job without one, and where its results are."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from studio.doctor import has_display

STUDIO = [sys.executable, "-m", "studio"]


def call(words: Sequence[str]) -> int:
    """Run a program. Ctrl-C reaches it too: it saves and ends by itself, and is not killed before it has."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call(words)
    finally:
        signal.signal(signal.SIGINT, before)


def headless() -> int:
    """Train BEGAN's quick preset on faces, write a gallery and a picture of the window."""
    out = Path("out")
    number = next(i for i in range(1, 10_000) if not (out / f"began-faces-{i}").exists())
    run = out / f"began-faces-{number}"
    print(f"There is no display: training BEGAN's quick preset on faces into {run} (a few minutes) …", flush=True)
    sheet, window = out / f"gallery-{number}.png", out / f"window-{number}.png"
    for words in (
        ["train", "began", "--data", "faces", "--preset", "quick", "--out", str(run)],
        ["sample", str(run), "-n", "64", "--out", str(sheet)],
        ["verify", str(sheet)],
        ["shoot", "--page", "began", "--run", str(run), "--theme", "dark", "--out", str(window)],
    ):
        status = call([*STUDIO, *words])
        if status:
            return status
    print(f"gallery: {sheet}\nwindow:  {window}\nGo on with:  .venv/bin/sampling-studio resume {run} --steps 12000")
    return 0


if __name__ == "__main__":
    sys.exit(call(STUDIO) if has_display() else headless())
