"""`sampling-studio lab`."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from models.samplers.drawn import Drawn
from studio.cli import main

KEYS = {"kernel", "target", "chains", "steps", "acceptance", "ess_bulk", "ess_tail", "rhat", "mean", "covariance", "temperature", "bias", "seconds"}


def run(capsys, *words: str) -> dict:
    assert main(["lab", *words, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not strict JSON"))


@pytest.mark.parametrize("kernel", ["metropolis", "mala", "mala-approx"])
def test_the_keys_and_their_values(capsys, kernel):
    found = run(capsys, kernel, "--target", "correlated", "--chains", "64", "--steps", "300")
    assert set(found) >= KEYS
    assert (found["kernel"], found["target"], found["chains"], found["steps"], found["draws"]) == (kernel, "correlated", 64, 300, 150)
    assert np.shape(found["mean"]) == (2,)
    assert np.shape(found["covariance"]) == (2, 2)
    assert (found["acceptance"] is None) == (kernel == "mala-approx")
    assert found["covariance"][0][1] == pytest.approx(0.9, abs=0.25)
    assert found["temperature"] == pytest.approx(1)
    assert found["frozen"] == 0
    assert 1 <= found["rhat"] < 3


def test_the_same_seed_twice(capsys):
    words = ("mala", "--target", "twin", "--chains", "16", "--steps", "60")
    one, two, other = run(capsys, *words), run(capsys, *words), run(capsys, *words, "--seed", "3")
    for found in (one, two, other):
        for key in list(found):
            if "second" in key:
                del found[key]
    assert one == two
    assert one["mean"] != other["mean"]


def test_both_conventions_name_one_step(capsys):
    words = ("mala", "--target", "normal", "--chains", "8", "--steps", "20")
    assert run(capsys, *words, "--epsilon", "0.5")["settings"] == run(capsys, *words, "--step-size", "1")["settings"] == {"step_size": 1.0}
    words = ("mala-approx", "--target", "normal", "--chains", "8", "--steps", "20")
    assert run(capsys, *words, "--epsilon", "0.5")["settings"] == {"epsilon12": 0.5, "epsilon3": 1.0}
    assert run(capsys, *words, "--step-size", "1")["settings"] == {"epsilon12": 0.5, "epsilon3": 1.0}
    found = run(capsys, *words, "--epsilon", "0.1,0.2")
    assert found["settings"] == {"epsilon12": 0.1, "epsilon3": 0.2}
    assert found["temperature"] == pytest.approx(0.2)


def test_the_twin_takes_three_epsilons(capsys):
    words = ("mala-approx", "--target", "twin", "--chains", "8", "--steps", "20", "--epsilon")
    found = run(capsys, *words, "0.1,0.05,0.3")
    assert found["settings"] == {"epsilon1": 0.1, "epsilon2": 0.05, "epsilon3": 0.3}
    assert found["temperature"] is None
    assert found["temperatures"] == pytest.approx({"prior": 0.45, "condition": 0.9})
    assert run(capsys, *words, "0.1,0.3")["settings"] == {"epsilon1": 0.1, "epsilon2": 0.1, "epsilon3": 0.3}


def test_drawn_and_typed_targets(capsys, tmp_path):
    weights = np.zeros((16, 16))
    weights[3:6, 10:14] = 1
    Drawn(weights).save(tmp_path / "mine.json")
    found = run(capsys, "metropolis", "--target", str(tmp_path / "mine.json"), "--chains", "128", "--steps", "100")
    assert found["bias"] < 0.3
    found = run(capsys, "mala", "--target", "expr:-(x-2)**2/2", "--chains", "128", "--steps", "100")
    assert found["mean"][0] == pytest.approx(2, abs=0.2)
    assert found["target"] == "expr:-(x-2)**2/2"
    found = run(capsys, "mala", "--target", "expr:-x1**2-x2**2-x3**2", "--chains", "8", "--steps", "40")
    assert found["bias"] is None
    assert found["start"] == "wide"


@pytest.mark.parametrize("steps", [0, 1, 2, 5])
def test_few_steps_and_one_chain(capsys, steps):
    found = run(capsys, "mala", "--target", "normal", "--chains", "1", "--steps", str(steps))
    assert found["steps"] == steps
    assert found["rhat"] is None


def test_chains_that_diverge_are_told_and_counted(capsys):
    assert main(["lab", "mala-approx", "--target", "expr:-x**4", "--epsilon", "2", "--chains", "8", "--steps", "60", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["frozen"] == 8
    assert json.loads(out)["mean"] == [None]
    assert "8 of 8 chains left the finite numbers" in err


def test_a_table_of_the_chains(capsys, tmp_path):
    path = tmp_path / "chains.csv"
    found = run(capsys, "mala", "--chains", "5", "--steps", "40", "--out", str(path))
    assert found["out"] == str(path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [r["chain"] for r in rows] == list("01234")
    assert np.mean([float(r["acceptance"]) for r in rows]) == pytest.approx(found["acceptance"])
    assert np.mean([float(r["mean_x2"]) for r in rows]) == pytest.approx(found["mean"][1])


def test_words_for_a_person(capsys):
    assert main(["lab", "mala", "--target", "ill-conditioned:30", "--chains", "8", "--steps", "40"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("MALA on Ill-conditioned normal, 30 dimensions: σ ")
    assert "R-hat" in out
    assert "18 more; --json has all" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["hmc"], "There is no kernel called 'hmc'"),
        (["mala", "--target", "nowhere"], "There is no target 'nowhere'"),
        (["mala", "--target", "expr:x+"], "cannot be read at place 3"),
        (["mala", "--target", "missing.json"], "missing.json cannot be read"),
        (["mala", "--epsilon", "abc"], "--epsilon takes numbers of at least 0; got 'abc'"),
        (["mala", "--epsilon=-1"], "--epsilon takes numbers of at least 0; got '-1'"),
        (["mala-approx", "--epsilon=0.1,nan"], "got 'nan'"),
        (["mala-approx", "--epsilon=1e9"], "must be a number in"),
        (["mala-approx", "--epsilon=1,2,3"], "takes one to 2 numbers"),
        (["mala", "--epsilon=1,2"], "mala takes one ε"),
        (["metropolis", "--epsilon=1"], "metropolis follows no gradient"),
        (["mala", "--epsilon=1", "--step-size=1"], "give one of them"),
        (["mala", "--start", "nan,0"], "not a finite number"),
        (["mala", "--start", "here"], "--start takes exact, wide or a point"),
        (["mala", "--start", "1,2,3"], "has 2 dimensions"),
        (["mala", "--chains", "0"], "must be a whole number from 1"),
        (["mala", "--out", "x.txt"], "--out takes FILE.csv"),
        (["mala", "--device", "cuda"], "computes on the CPU"),
    ],
)
def test_bad_input_is_one_line(capsys, words, says):
    assert main(["lab", *words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err
