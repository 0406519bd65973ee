"""`evaluate` on the command line: its keys, its table, what it refuses, and that the run is only read."""

import hashlib
import json

import pytest
import torch

from models.nets import judge as judges
from studio.cli import main
from studio.commands.evaluate import table
from tests.studio.tiny import Done, pictures, refused, run_with_history


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures, and a run of 30 steps."""
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        run_with_history(folder / "run", pictures(folder / "pictures", 60))
    return folder


@pytest.fixture
def do(capfd, monkeypatch):
    monkeypatch.setattr(judges, "STEPS", 5)
    before = torch.get_num_threads()

    def call(*words):
        status = main([str(w) for w in words])
        said = capfd.readouterr()
        return Done(status, said.out, said.err)

    yield call
    torch.set_num_threads(before)


def contents(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_scores_come_with_reference_direction_and_n(do, place):
    before = contents(place / "run")
    done = do("evaluate", place / "run", "-n", 20, "--seed", 3, "--json")
    assert done.status == 0
    assert done.err == ""
    assert len(done.out.splitlines()) == 1
    found = done.json
    assert found.keys() == {"run", "step", "system", "n", "seed", "metrics"}
    assert (found["run"], found["step"], found["system"], found["n"], found["seed"]) == (str(place / "run"), 30, "began", 20, 3)
    assert found["metrics"].keys() >= {"M_global", "gamma_hat", "loss_held_out", "frechet", "kid", "precision", "recall", "density", "coverage"}
    assert found["metrics"].keys() >= {"sliced_wasserstein", "sliced_wasserstein_32", "ssim", "duplicates", "nearest", "classes", "class_entropy"}
    for score in found["metrics"].values():
        assert score.keys() == {"value", "n", "reference", "direction", "label", "doc", "spread"}
    assert found["metrics"]["coverage"]["n"] == 20
    assert found["metrics"]["frechet"]["value"] is None
    assert "at least 640 pictures" in found["metrics"]["frechet"]["doc"]
    assert found["metrics"]["gamma_hat"]["reference"] == 0.4
    assert contents(place / "run") == before
    assert do("evaluate", place / "run", "-n", 20, "--seed", 3, "--json").json == found


def test_the_table_has_arrows_references_and_reasons(do, place):
    done = do("evaluate", place / "run", "-n", 12)
    assert done.status == 0
    title, head, *rows = done.out.splitlines()
    assert title.startswith("run, step 30, 12 samples, seed 0")
    assert head.split() == ["value", "reference", "n"]
    (coverage,) = (r for r in rows if r.startswith("Coverage"))
    assert " ↑ " in coverage
    (frechet,) = (r for r in rows if r.startswith("Fréchet distance"))
    assert "–" in frechet
    assert "FID" not in done.out
    assert any("at least 640 pictures" in r for r in rows)
    ends = {len(r) for r in rows[: rows.index("")]}
    assert len(ends) == 1  # right-aligned to one edge


def test_an_earlier_checkpoint_is_another_score(do, place):
    first, last = (do("evaluate", place / "run", "-n", 12, "--step", step, "--json").json for step in (12, 30))
    assert first["step"] == 12
    assert first["metrics"]["M_global"] != last["metrics"]["M_global"]
    assert "last 12 steps" in first["metrics"]["M_global"]["doc"]


def test_what_cannot_be_evaluated_is_one_line(do, place, tmp_path):
    refused(do("evaluate", place / "run", "--step", 7, "--json"), "no checkpoint of step 7", "12")
    refused(do("evaluate", tmp_path / "none", "--json"), "none")
    refused(do("evaluate", place / "run", "-n", 0, "--json"), "from 1 to 100,000")
    refused(do("evaluate", place / "run", "--data", tmp_path, "--json"), "pictures")
    refused(do("evaluate", "--json"), "RUN")


def test_a_table_of_values_and_of_none():
    score = {"value": 0.12351, "n": 1000, "reference": 0.5, "direction": "lower", "label": "One", "doc": "one.", "spread": 0.01}
    none = {"value": None, "n": 5, "reference": None, "direction": "", "label": "Another", "doc": "Too few.", "spread": None}
    lines = table({"one": score, "another": none}).splitlines()
    assert lines[1].split() == ["One", "0.1235", "±", "0.01", "↓", "0.5", "1,000"]
    assert lines[2].split() == ["Another", "–", "–", "5"]
    assert lines[-1] == "– Another: Too few."
    json.dumps(score)
