"""A PPGN run on disk whose parts have had a few steps each, and one that has only an encoder; for tests of chains in the window."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFIG = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 128, "words": 256, "batch": 4}


def make_run(path: Path, home: Path, *, phases: int = 7, steps: int = 2) -> Path:
    """The first `phases` phases, some steps each, on a few pictures of shapes of 32 px."""
    from models.algorithms import ppgn
    from models.contract import NextPhase, Plan
    from models.data import shapes
    from models.run import Run

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(home))
        patch.setattr(shapes, "COUNTS", dict.fromkeys(shapes.COUNTS, 240))
        run = Run.create(path, "ppgn", "shapes", config=CONFIG, plan=Plan("cpu", 1, "float32", True, "off"))
        going = run.train()
        for i in range(phases):
            for _ in range(steps):
                next(going)
            if i < len(ppgn.PHASES) - 1:
                going.send(NextPhase())
        going.close()
        run.save()
        run.close()
    return path
