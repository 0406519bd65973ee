"""What the tests of the command line, of exports and of the session share: a small data set, a small run, one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TINY = {"n": 4, "h": 8, "z": 8, "batch": 4}
SET = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]
REPO = Path(__file__).parents[2]


def pictures(folder: Path, count: int = 24) -> Path:
    """A folder of smooth coloured pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        corner = Image.fromarray(rng.integers(0, 256, (3, 3, 3), np.uint8))
        corner.resize((36, 40), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")
    return folder


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout, read strictly."""
        return json.loads(self.out.splitlines()[-1], parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word)))


def studio(*words: object, timeout: float = 120, **environment: str) -> Done:
    """A command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "studio", *map(str, words)], cwd=REPO, env=os.environ | environment, capture_output=True, text=True, timeout=timeout
    )
    return Done(done.returncode, done.stdout, done.stderr)


def refused(done: Done, *words: str, status: int = 2) -> None:
    """One line on stderr with these words in it, nothing on stdout, no traceback."""
    assert done.status == status, done
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, (word, done.err)


def run_with_history(folder: Path, data: Path) -> Path:
    """A run of 30 steps, with checkpoints at 0, 12, 20 and 30, and a knob turned at 12."""
    from models.contract import Save, SetKnobs
    from models.run import Run

    run = Run.create(folder, "began", str(data), config=TINY, knob_values={"gamma": 0.5, "lr": 4e-4}, seed=3)
    for state, _ in run.train(30):
        if state.step in (12, 20):
            run.apply(Save(pin=True))
        if state.step == 12:
            run.apply(SetKnobs({"gamma": 0.4}))
    run.close()
    return folder


PPGN = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 4, "words": 8, "batch": 8}


def sides(folder: Path, count: int = 60) -> Path:
    """Pictures in two folders, which are classes: a bright square on the left or on the right."""
    rng = np.random.default_rng(0)
    for i in range(count):
        side = ("left", "right")[i % 2]
        (folder / side).mkdir(parents=True, exist_ok=True)
        pixels = np.full((32, 32, 3), 40, np.uint8)
        x, y = (0 if side == "left" else 16) + rng.integers(0, 7), rng.integers(2, 20)
        pixels[y : y + 9, x : x + 9] = rng.integers(150, 250, 3)
        Image.fromarray(pixels).save(folder / side / f"{i:02}.png")
    return folder


def ppgn_run(folder: Path, data: Path, *, without: tuple[str, ...] = ()) -> Path:
    """A run of PPGN with a few steps of every phase but those `without`; it tells left from right."""
    from models.algorithms import ppgn
    from models.contract import NextPhase, Plan
    from models.run import Run

    run = Run.create(folder, "ppgn", str(data), config=PPGN, knob_values={"lr": 1e-2}, plan=Plan("cpu", 1, "float32", True, "off"))
    steps = run.train()
    next(steps)
    for phase in ppgn.PHASES:
        if phase != ppgn.PHASES[0]:
            steps.send(NextPhase())
        for _ in range(0 if phase in (*without, "captioner") else 40 if phase in ("encoder", "scorer") else 3):
            next(steps)
    steps.close()
    run.save()
    run.close()
    return folder


def cut_short(do, path: Path, run: Path, parts: tuple[float, ...]) -> None:
    """Whatever is left of an exported file, `verify` says one sentence about it."""
    size = path.stat().st_size
    for part in parts:
        os.truncate(path, int(size * part))
        done = do("verify", path, "--run", run)
        assert done.status in (1, 2), (part, done)
        assert "Traceback" not in done.err
        assert len((done.err if done.status == 2 else done.out).strip().splitlines()) == 1
