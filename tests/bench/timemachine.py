"""How fast a training can be scrubbed: positions a second on BEGAN's page, for frames of 64 pictures beside curves of 10,000 steps.

A position counts when its pictures have been painted with the cursor on every curve. The ratio is to reading and decoding the same frames alone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["SAMPLING_STUDIO_HOME"] = tempfile.mkdtemp(prefix="sampling-studio-bench-")

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from models.algorithms import began
from models.files import home
from models.journal import RunFolder
from models.reel import Reel
from models.settings import runs_folder
from studio import theme
from studio.messages import Opened
from studio.window import Window
from studio.workers.frames import read
from tests.bench.clock import seconds

FRAMES, PICTURES, STEPS = 100, 64, 10_000
SIZES, WINDOW = (32, 64), (1280, 800)


def made(size: int) -> tuple[Path, Opened]:
    """The folder of a run with a full reel, and what the session would tell about it."""
    path, every = runs_folder() / f"faces-{size}", STEPS // FRAMES
    rng, columns = np.random.default_rng(0), tuple(began.Info._fields)
    knobs, config = began.Knobs().model_dump(), began.Config().model_dump()
    record = {"system": "began", "seed": 0, "data": {}, "phases": [], "config": config, "knobs": knobs, "plan": {}, "columns": list(columns)}
    folder, reel = RunFolder.create(path, record), Reel(path / "reel", every)
    folder.close()
    for step in range(every, STEPS + 1, every):
        small = rng.integers(0, 256, (PICTURES, 6, 6, 3), np.uint8)  # smooth, as samples are
        reel.add(step, np.stack([np.asarray(Image.fromarray(p).resize((size, size), Image.Resampling.BICUBIC)) for p in small]))
    rows = rng.random((STEPS, len(columns)), np.float32) / np.arange(1, STEPS + 1, dtype=np.float32)[:, None] ** 0.3
    phases = (("adversarial", STEPS),)
    about = Opened("began", path.name, path, "faces", "faces", config, knobs, phases, "adversarial", STEPS, STEPS, "cpu", columns, rows, (), 256)
    return path, about


def scrubbed(window: Window, about: Opened) -> tuple[list[float], float]:
    """Seconds of each position, there and back, and the longest that the event loop stood still."""
    page = window.show_page("began")
    window.session.run, window.session.system, window.session.step = about, "began", about.step
    window.session.knobs = dict(about.knobs)
    window.session.opened.emit(about)
    stalls = [0.0]

    def pump(until) -> None:
        while True:
            began_at = time.perf_counter()
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            stalls.append(time.perf_counter() - began_at)
            if until():
                return
            time.sleep(0.0002)  # the thread that decodes gets its turn, as it does from a loop that waits for events

    end = time.monotonic() + 1.0
    pump(lambda: time.monotonic() > end)
    stalls.clear()
    track, times = page.time.bar.track, []
    steps = track.marks.frames
    for step in (*steps, *reversed(steps[:-1])):
        started = time.perf_counter()
        track._move(step)
        stalls.append(time.perf_counter() - started)
        pump(lambda step=step: f"step {step:,} of" in page.samples._note and page.samples._sheet is not None)
        times.append(time.perf_counter() - started)
    page.time.live()
    return times, max(stalls)


def main() -> None:
    """Print one line a size of picture."""
    app = QApplication([])
    theme.apply(app, "light")
    window = Window()
    window.resize(*WINDOW)
    window._on_ready("")
    window.show()
    for size in SIZES:
        path, about = made(size)
        steps = Reel.of(path).steps()
        alone = seconds(lambda path=path, steps=steps: [read(path, step) for step in steps]) / len(steps)
        times, stall = scrubbed(window, about)
        each = float(np.mean(times))
        print(
            f"{FRAMES} frames of {PICTURES} pictures {size}×{size}, curves of {STEPS:,} steps: {1 / each:.0f} positions/s "
            f"({1 / each / 20:.1f} × the wanted 20), 99 % within {1e3 * np.quantile(times, 0.99):.0f} ms, longest stall {1e3 * stall:.0f} ms; "
            f"{each / alone:.1f} × reading the frames alone ({1e3 * alone:.1f} ms)"
        )
    window.session.run = None
    window.close()
    shutil.rmtree(home(), ignore_errors=True)


if __name__ == "__main__":
    main()
