"""Demos: slimmed runs that become runs again, the assets that are shipped, and how one is made."""

import json
import shutil

import numpy as np
import pytest
import torch

from models import checkpoint
from models.data import shapes
from models.errors import BadFile, BadInput
from models.run import Run
from studio import demos, recipe
from studio.assets import asset
from studio.demomaking import chosen, make
from studio.runs import listing
from tests.studio.runfolders import made
from tests.studio.tiny import TINY


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A short run on pictures that the studio draws itself."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        patch.setitem(shapes.COUNTS, 32, 48)
        run = Run.create(folder / "run", "began", "shapes", config=TINY, knob_values={"gamma": 0.4}, seed=3)
        for _ in run.train(6):
            pass
        run.close()
    return folder / "run"


@pytest.fixture(scope="module")
def assets(source, tmp_path_factory):
    """The demo of it."""
    folder = tmp_path_factory.mktemp("assets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(source.parent / "home"))
        patch.setitem(shapes.COUNTS, 32, 48)
        patch.setattr("studio.demomaking.SMALL", 16)
        patch.setattr("studio.demomaking.BETWEEN", 2)
        make(source, folder)
    return folder


def test_a_demo_becomes_a_run_like_any_other(source, assets, monkeypatch):
    monkeypatch.setitem(shapes.COUNTS, 32, 48)
    path = demos.install("began", assets=assets)
    assert demos.install("began", assets=assets) == path  # once
    assert [run.name for run in listing()] == ["demo-began"]
    run, first = Run.open(path), Run.open(source, write=False, data=False)
    np.testing.assert_array_equal(run.rows, first.rows)
    assert (run.seed, run.knobs, run.folder.id) == (first.seed, first.knobs, first.folder.id)
    gaps = [float((a - b).detach().abs().max()) for a, b in zip(run.state.G.parameters(), first.state.G.parameters(), strict=True)]
    assert 0 < max(gaps) < 1e-3  # of float16
    assert not run.state.optimiser_G.state
    assert "optimisers' moments" in run.lines[-1]["text"]
    assert np.array_equal(run.watch.reel.frame(0), first.watch.reel.frame(0))
    for _ in run.train(9):  # and trains on
        pass
    assert len(run.rows) == 9
    assert run.folder.steps()[0] in run.folder.pins()
    run.close()


def test_what_moves_is_of_the_very_state_and_names_no_folder(assets, tmp_path):
    one = demos.demo("began", assets)
    found = recipe.read(one.moving[0])
    path = demos.install("began", assets=assets, runs=tmp_path)
    header = checkpoint.read_header(next(path.glob("checkpoints/*")))
    assert (found["state_hash"], found["step"]) == (header["state_hash"], 6)
    assert "path" not in found["run"]
    assert one.command == "sampling-studio train began --data shapes --preset quick --seed 3 " + (
        f"--threads {torch.get_num_threads()} --steps 6 --set n=4 --set h=8 --set z=8 --set batch=4 --set gamma=0.4 --out demo-began"
    )


@pytest.mark.parametrize("damage", ["hash", "cut", "format"])
def test_a_damaged_demo_is_told_in_a_sentence(assets, tmp_path, damage):
    shutil.copytree(assets / "began", tmp_path / "a" / "began")
    folder = tmp_path / "a" / "began"
    state = folder / "state.safetensors"
    if damage == "hash":
        content = bytearray(state.read_bytes())
        content[-8] ^= 1
        state.write_bytes(content)
    elif damage == "cut":
        state.write_bytes(state.read_bytes()[:-400])
    else:
        (folder / "demo.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(BadFile, match=r"began|cut short"):
        demos.install("began", assets=tmp_path / "a", runs=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


def test_only_what_the_studio_draws_itself_is_given_away(tmp_path):
    mine = made(tmp_path / "run", data={"spec": str(tmp_path / "mine"), "id": "d", "title": "mine"})
    with pytest.raises(BadInput, match="draws itself"):
        make(mine, tmp_path / "assets")


def test_frames_are_chosen_log_like(tmp_path):
    for i in range(40):
        (tmp_path / f"{i * 50:09d}.png").touch()
    steps = [int(file.stem) for file in chosen(tmp_path, 8)]
    assert (steps[0], steps[-1], len(steps)) == (0, 1950, 8)
    assert np.all(np.diff(np.diff(steps)) >= 0)


def test_the_demos_that_are_shipped():
    found = demos.demos()
    assert tuple(found) == demos.NAMES
    assert sum(file.stat().st_size for file in asset("demos").rglob("*") if file.is_file()) <= demos.LIMIT
    for name, one in found.items():
        assert one.command.startswith("sampling-studio lab " if name == "lab" else f"sampling-studio train {name} --data ")
        assert all(file.is_file() for file in one.moving)
        assert one.has_run == (name != "lab")
        for file in one.folder.rglob("*.json*"):
            assert "/tmp" not in file.read_text("utf-8")
            assert "/work" not in file.read_text("utf-8")


@pytest.mark.parametrize("name", [n for n in demos.NAMES if n != "lab"])
def test_a_shipped_demo_opens(name, tmp_path):
    run = Run.open(demos.install(name, runs=tmp_path), write=False, data=False)
    assert run.state.step == demos.demo(name).about["step"] == len(run.rows)
