"""A fork goes on as the run it comes from would have, or differs by what was changed; a copy is a run of its own."""

import numpy as np
import pytest

from models.contract import SetKnobs
from models.errors import BadFile, BadInput, BadSetting, DiskTrouble
from models.fork import duplicate, fork
from models.opening import free
from models.reel import Reel
from models.run import Run
from tests.models.test_run import drive, full, make  # noqa: F401


@pytest.fixture
def grown(make, tmp_path, monkeypatch):  # noqa: F811
    """A run of 12 steps with a turned knob, and checkpoints at 0, 6 and 12."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = make("whole")
    drive(run, 6, {3: [SetKnobs({"rate": 0.2})]})
    drive(run, 12, {9: [SetKnobs({"rate": 0.4})]})
    Reel.of(run.folder.path).write(4, ["early"])
    Reel.of(run.folder.path).write(8, ["late"])
    return run


def test_an_unchanged_fork_goes_on_bit_for_bit(grown, tmp_path):
    path = fork(grown.folder.path, 6, tmp_path / "twin")
    twin = Run.open(path)
    assert (twin.state.step, twin.knobs.rate, len(twin.rows), twin.folder.pins()) == (6, 0.2, 6, {6})
    assert [line["what"] for line in twin.lines][-1] == "fork"
    assert twin.folder.parent == {"id": grown.folder.id, "name": "whole", "path": str(grown.folder.path), "step": 6, "knobs": {}}
    assert twin.folder.id != grown.folder.id
    assert Reel.of(path).steps() == [4]
    drive(twin, 12, {9: [SetKnobs({"rate": 0.4})]})
    twin.close()
    assert full(twin)[0] == full(grown)[0]
    assert twin.rows.tobytes() == grown.rows.tobytes()  # with the same NaNs


def test_a_changed_knob_holds_from_the_next_step_on_and_is_in_the_journal(grown, tmp_path):
    twin = Run.open(fork(grown.folder.path, 6, change={"rate": 0.3}))
    assert twin.folder.path.parent == tmp_path / "home" / "runs"
    assert twin.knobs.rate == 0.3
    assert [(line["step"], line["change"]) for line in twin.lines if line["what"] == "knobs"] == [(3, {"rate": 0.2}), (6, {"rate": 0.3})]
    assert twin.folder.parent["knobs"] == {"rate": 0.3}
    drive(twin, 7)
    twin.close()
    again = Run.open(twin.folder.path)  # the line of the fork outlives a second opening
    assert [line["what"] for line in again.lines].count("fork") == 1
    assert again.knobs.rate == 0.3
    again.close()
    assert not np.array_equal(twin.rows[6], grown.rows[6])


def test_what_cannot_be_forked(grown, tmp_path):
    path = grown.folder.path
    with pytest.raises(BadFile, match="has no checkpoint of step 5; it has 0, 6, 12"):
        fork(path, 5)
    with pytest.raises(BadFile, match="is not a run"):
        fork(tmp_path / "nothing", 0)
    with pytest.raises(BadSetting, match="rate"):
        fork(path, 6, tmp_path / "bad", change={"rate": -1})
    assert not (tmp_path / "bad").exists()
    with pytest.raises(BadInput, match="not empty"):
        fork(path, 6, path)
    (tmp_path / "file").write_text("")
    with pytest.raises((DiskTrouble, BadInput)):
        fork(path, 6, tmp_path / "file" / "run")


def test_a_copy_is_whole_and_its_own(grown, tmp_path):
    path = duplicate(grown.folder.path)
    assert path == tmp_path / "home" / "runs" / "whole-copy-1"
    copy = Run.open(path)  # while the first is still open for writing
    assert full(copy)[:3] == full(grown)[:3]
    assert copy.folder.id != grown.folder.id
    assert copy.folder.name == "whole-copy-1"
    copy.close()
    assert Reel.of(path).steps() == [4, 8]
    with pytest.raises(BadInput, match="there already"):
        duplicate(grown.folder.path, path)
    assert free("whole-copy").name == "whole-copy-2"
