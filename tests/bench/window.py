"""The quick preset on faces in the real window; answers `run`, `watch` and `memory` SECONDS, and is paused in between."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from studio import theme
from studio.app import collect_here
from studio.messages import NewRun
from studio.window import Window
from studio.workers.jobs import memory

words = argparse.ArgumentParser()
words.add_argument("--threads", type=int, required=True)
options = words.parse_args()


class Orders(QObject):
    """Lines of stdin, heard by the event loop."""

    came = Signal(str)


def listen() -> None:
    for line in sys.stdin:
        orders.came.emit(line)
    orders.came.emit("quit")


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def run_for(seconds: float, done: Any) -> None:
    """Train for so long, past the preset's end if need be, then pause and call done(steps a second, share of a core used while paused)."""

    def on(condition: str, reason: str) -> None:
        if condition == "finished":
            session.go()

    session.conditioned.connect(on)
    session.go()

    def begin() -> None:
        start, first = time.perf_counter(), session.step

        def end() -> None:
            rate = (session.step - first) / (time.perf_counter() - start)
            session.conditioned.disconnect(on)
            session.pause()
            wait(lambda: session.condition in ("paused", "finished"), lambda: QTimer.singleShot(1500, rest))  # the last looks come in

            def rest() -> None:
                before = time.process_time(), time.perf_counter()
                QTimer.singleShot(700, lambda: done(rate, (time.process_time() - before[0]) / (time.perf_counter() - before[1])))

        QTimer.singleShot(int(seconds * 1000), end)

    wait(lambda: session.condition == "running", lambda: QTimer.singleShot(300, begin))


def wait(ready: Any, then: Any) -> None:
    then() if ready() else QTimer.singleShot(10, lambda: wait(ready, then))


def watch(seconds: float) -> None:
    """Gaps of the event loop while it trains, the first second left out."""
    ticks: list[float] = []
    timer = QTimer()
    timer.setInterval(1)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()

    def done(rate: float, idle: float) -> None:
        timer.stop()
        at = np.array(ticks)
        gaps = np.diff(at[(at > at[0] + 1.3) & (at < at[-1] - 2.4)]) * 1e3
        by_time = np.sort(gaps)[np.searchsorted(np.cumsum(np.sort(gaps)), 0.99 * gaps.sum())]
        worst = np.sort(gaps)[-5:].round(1).tolist()
        say(p50=np.percentile(gaps, 50), p99=np.percentile(gaps, 99), max=gaps.max(), p99_time=float(by_time), worst=worst, rate=rate, idle=idle)

    run_for(seconds, done)


def grow(seconds: float) -> None:
    """Resident memory, the mean of the first and of the last tenth of the time."""
    seen: list[float] = []
    timer = QTimer()
    timer.setInterval(500)
    timer.timeout.connect(lambda: seen.append(memory() or 0))
    timer.start()

    def done(rate: float, idle: float) -> None:
        timer.stop()
        tenth = max(1, len(seen) // 10)
        say(
            first=float(np.mean(seen[:tenth])),
            last=float(np.mean(seen[-tenth:])),
            all=[round(v, 1) for v in seen[:: max(1, len(seen) // 40)]],
            rate=rate,
        )

    run_for(seconds, done)


def obey(line: str) -> None:
    order, *numbers = line.split()
    match order:
        case "run":
            run_for(float(numbers[0]), lambda rate, idle: say(rate=rate, idle=idle))
        case "watch":
            watch(float(numbers[0]))
        case "memory":
            grow(float(numbers[0]))
        case _:
            shown.close()
            app.quit()


with tempfile.TemporaryDirectory() as folder:
    app = QApplication(sys.argv[:1])
    theme.apply(app, "light")
    shown = Window()
    shown.resize(1280, 800)
    collector = collect_here(app)
    shown.show()
    shown.warm_up()
    session = shown.session
    session.trouble.connect(lambda trouble: print(trouble.sentence, trouble.details, file=sys.stderr))
    orders = Orders()
    orders.came.connect(obey)

    def first() -> None:
        shown.show_page("began")
        session.open(NewRun("began", "faces", "quick", device="cpu", threads=options.threads, path=Path(folder) / "run"), start=True)
        wait(lambda: session.step >= 20, lambda: (session.pause(), wait(lambda: session.condition == "paused", ready)))

    def ready() -> None:
        say(ready=True)
        threading.Thread(target=listen, daemon=True).start()

    wait(lambda: shown.ready, first)
    app.exec()
    collector.stop()
    session.close()
