"""Folders that look like runs and were never trained: for what lists, moves and compares runs without opening them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.journal import RunFolder
from models.reel import Reel

RECORD = {
    "system": "began",
    "created": "2026-01-01T00:00:00+0000",
    "seed": 0,
    "data": {"spec": "faces", "id": "d", "title": "faces"},
    "preset": "quick",
    "phases": [{"name": "adversarial", "steps": 40}],
    "config": {},
    "knobs": {"gamma": 0.5, "lr": 1e-3},
    "plan": {},
    "columns": ["M_global", "k_t"],
    "format": 1,
}


def made(path: Path, *, steps: int = 30, every: int = 10, frames: bool = False, **more: Any) -> Path:
    """A run with checkpoints at every so many steps, its curves, and a reel if wanted."""
    name = path.name
    (path / "checkpoints").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(RECORD | {"id": f"id-{name}", "name": name} | more))
    folder = RunFolder.open(path, write=False)
    for step in range(0, steps + 1, every):
        folder.checkpoint(step).write_bytes(b"0" * 1000)
    shift = sum(map(ord, name)) % 7  # each has curves of its own
    folder.add_rows(np.stack([np.linspace(1, 0.1, steps) + shift, np.full(steps, shift)], 1).astype(np.float32))
    folder.add_line(0, "made", "by hand")
    for step in range(every, steps + 1, every) if frames else ():
        Reel(path / "reel", every).add(step, np.full((6, 8, 8, 3), step + shift, np.uint8))
    return path
