"""Sixteen chains of the quick preset at 32 px playing on PPGN's page: steps a second, and gaps of the event loop while they are drawn."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from models import device
from models.algorithms import ppgn
from models.run import Run
from studio import theme
from studio.app import collect_here
from studio.window import Window


def untrained(path: Path) -> Path:
    """A run of the quick preset that counts as trained; what its nets have learnt does not matter for the time."""
    run = Run.create(path, "ppgn", "faces", plan=device.choose("cpu"))
    next(run.train())
    batch = next(ppgn.batches(run.data, run.config, 0, 0))
    ppgn.step(run.state, batch, run.knobs)  # names the classes
    run.state.trained = dict.fromkeys(ppgn.PHASES, 1)
    run.save()
    run.close()
    return path


def main() -> None:
    """Play for some seconds, and print one line of JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--run", type=Path, help="a trained run (default: one of untrained nets)")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = QApplication(sys.argv[:1])
        theme.apply(app, "light")
        shown = Window()
        shown.resize(1280, 800)
        collector = collect_here(app)
        shown._on_ready("")
        shown.show()
        page = shown.show_page("ppgn")
        page.faces.choose(1)
        face = page.chains
        face.set_run(options.run or untrained(Path(folder) / "run"), "bench")

        def settle(seconds: float, until: object = None) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end and not (callable(until) and until()):
                QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)

        settle(60, lambda: face.frame is not None)
        face.toggle()
        settle(3)
        ticks: list[float] = []
        timer = QTimer()
        timer.setInterval(1)
        timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
        timer.start()
        first, start = face.frame.step, time.perf_counter()
        settle(options.seconds)
        rate = (face.frame.step - first) / (time.perf_counter() - start)
        timer.stop()
        gaps = np.diff(ticks) * 1e3
        print(json.dumps({"rate": rate, "p50": np.percentile(gaps, 50), "p99": np.percentile(gaps, 99), "max": gaps.max()}))
        shown.close()
        collector.stop()


if __name__ == "__main__":
    main()
