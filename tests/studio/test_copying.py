"""What pages copy is run as it stands: commands in this process, scripts by exec."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from models import checkpoint
from models.algorithms.maskgan.fillings import Desk, Fillings
from models.contract import Lengthen, NextPhase, SetKnobs
from models.run import Run
from studio import copying
from studio.cli import main
from studio.messages import NewRun
from tests.studio.maskgan import TINY as MASKGAN
from tests.studio.maskgan import deeds
from tests.studio.tiny import TINY, pictures, run_with_history

SMALL = {  # of each system: data, config, knobs
    "bgan": ("pictures", {"n": 4, "full": 16, "z": 4, "batch": 4, "hidden": 0, "rows": 2, "pixels": "threshold"}, {"M": 3, "learn": 0}),
    "seqgan": ("deeds", {"T": 8, "e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 12, "vocab": 60}, {}),
    "maskgan": ("deeds", MASKGAN, {"measure_every": 2, "d_steps": 1}),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A tiny run of each system, with knobs turned on the way; only to be read."""
    folder = tmp_path_factory.mktemp("copying")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        run_with_history(folder / "began", pictures(folder / "pictures"))
        deeds(folder / "deeds.txt")
        for system, (data, config, knobs) in SMALL.items():
            spec = folder / "deeds.txt" if data == "deeds" else folder / "pictures"
            run = Run.create(folder / system, system, str(spec), config=config, knob_values=knobs, seed=5)
            for state, _ in run.train(3):
                if state.step == 2:
                    run.apply(SetKnobs({"lr" if system == "bgan" else next(k for k in type(run.knobs).model_fields if k.startswith("lr")): 0.02}))
            run.close()
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder to run things in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_terminal(text: str) -> None:
    """Every line, but for remarks."""
    lines = [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    for program, *words in lines:
        assert program == "sampling-studio"
        assert main(words) == 0


def in_python(text: str) -> dict:
    """The script's names afterwards."""
    names: dict = {}
    exec(compile(text, "copied", "exec"), names)
    return names


def state_of(path: Path) -> str:
    run = Run.open(path, write=False, data=False)
    return f"{run.state.step} {checkpoint.hash_of(run.state)} {run.knobs}"


def drawn_of(system: str) -> dict:
    if system in ("began", "bgan"):
        return {"seed": 3, "count": 4, "ema": system == "bgan"}
    if system == "ppgn":
        return {"seed": 3, "count": 4}
    return {"seed": 3, "count": 4, "options": {"temperature": 0.7, "top_k": 9, "nucleus": 1.0, "prompt": "", "net": system}}


@pytest.mark.parametrize("system", ["began", *SMALL])
def test_a_training_is_done_again_to_the_bit(place, here, system, capsys):
    run = place / system
    step = 30 if system == "began" else 3
    t = copying.training_of(run, step)
    assert t.turns
    in_terminal(copying.train_command(t))
    assert state_of(here / f"{system}-again") == state_of(run)
    (here / "script").mkdir()
    in_python(copying.train_python(t).replace(f"{system}-again", "script/again"))
    assert state_of(here / "script" / "again") == state_of(run)


@pytest.mark.parametrize("system", ["began", *SMALL, "ppgn"])
def test_samples_are_drawn_again(place, walkable, here, system, capsys):
    run = walkable if system == "ppgn" else place / system
    step, drawn = copying.checkpoint_of(run, 10**9), drawn_of(system)
    exporter, name = ("txt", "samples.txt") if "options" in drawn else ("sheet", "samples.png")
    in_terminal(copying.sample_command(run, step, drawn, name))
    first = (here / name).read_bytes()
    names = in_python(copying.sample_python(run, step, drawn, exporter, "again" + Path(name).suffix))
    assert len(names["record"].pictures if exporter == "sheet" else names["record"].sentences) == 4
    again = here / f"again{Path(name).suffix}"
    if exporter == "sheet":
        import numpy as np
        from PIL import Image

        assert np.array_equal(np.asarray(Image.open(here / name)), np.asarray(Image.open(again)))
    else:
        assert [line for line in first.decode().splitlines() if not line.startswith("#")] == [
            line for line in again.read_text().splitlines() if not line.startswith("#")
        ]


def test_a_form_is_trained(place, here, capsys):
    wish = NewRun("began", str(place / "pictures"), "quick", {**TINY, "size": 32}, seed=4, device="cpu", threads=1)
    t = copying.training_wished(wish, "began-new")
    assert t.config == TINY
    assert "--steps" not in copying.train_command(t)
    in_terminal(copying.train_command(t) + " --steps 1")
    script = copying.train_python(t).replace("began-new", "two").replace("run.total", "1")
    in_python(script)
    assert state_of(here / "two") == state_of(here / "began-new")


def test_phases_are_in_the_script_and_told_beside_the_command(place, here, capsys):
    run = Run.create(here / "phased", "seqgan", str(place / "deeds.txt"), config=SMALL["seqgan"][1], seed=1)
    for state, _ in run.train(3):
        if state.step == 1:
            run.apply(Lengthen(5))
        if state.step == 2:
            run.apply(NextPhase())
    run.close()
    t = copying.training_of(here / "phased", 3)
    assert "which a command cannot say" in copying.train_command(t)
    in_python(copying.train_python(t))
    assert state_of(here / "phased-again") == state_of(here / "phased")


def test_a_desk_is_filled(place, here, capsys):
    run = place / "maskgan"
    desk = Desk(("the", "cat", "sat", "on"), (1, 3), False, ((3, "on"),))
    how = {"temperature": 0.7, "top_k": 0, "nucleus": 1.0, "seed": 9}
    command = copying.fill_command(run, 3, desk, "maskmle", 2, how, " ")
    assert shlex.split(command)[-1] == "the ___ sat on"
    in_terminal(command)
    request = {**desk._asdict(), "n": 2, "shown": 0, "k": 3, "net": "maskmle", **how}
    filled = in_python(copying.fill_python(run, 3, request))["filled"]
    assert isinstance(filled, Fillings)
    assert filled.n == 2
    assert filled.tokens[0][3] == "on"


def test_walks_of_the_lab_and_the_list_of_runs(here, capsys):
    from studio.pages.labcommand import command

    walk = ("mala", "banana", 8, 3, 20, "exact", {"step_size": 0.5})
    in_terminal(command(*walk))
    names = in_python(copying.lab_python([walk, ("mala-approx", "normal", 4, 0, 5, (0.0,), {})]))
    assert names["walk"].t == 5
    in_terminal(copying.runs_command())
    in_python(copying.runs_python())
