"""The quick preset on faces without a window; answers `run SECONDS` with its rate, and waits in between."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from models import device
from models.run import Run

words = argparse.ArgumentParser()
words.add_argument("--threads", type=int, required=True)
options = words.parse_args()

with tempfile.TemporaryDirectory() as folder:
    run = Run.create(Path(folder) / "run", "began", "faces", preset="quick", plan=device.choose("cpu", options.threads))
    steps = run.train(None)
    for _ in range(20):
        next(steps)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order, *numbers = line.split()
        if order == "quit":
            break
        start, first = time.perf_counter(), run.state.step
        while time.perf_counter() - start < float(numbers[0]):
            next(steps)
        print(json.dumps({"rate": (run.state.step - first) / (time.perf_counter() - start)}), flush=True)
    steps.close()
    run.close()
