"""What the quick preset promises, reproduced: minutes, so `make results` runs it."""

import numpy as np
import pytest

from models.run import Run


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_held_out_error_and_convergence_fall_on_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = Run.create(tmp_path / "run", "began", "faces", config={"n": 16})
    held_out = {}
    for state, info in run.train(run.total):
        if info is not None and state.step in (500, run.total):
            held_out[state.step] = float(run.view("held_out", n=512).numbers["error"].mean())
    M = run.rows[:, run.folder.columns.index("M_global")]
    run.close()
    assert held_out[run.total] < held_out[500]
    assert np.mean(M[-200:]) < np.mean(M[300:500])
