"""Verify and inspect, for tables of the sampler lab: walked again from the recipe alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.errors import BadFile
from models.samplers.drawn import Drawn
from studio import recipe, verify
from studio.cli import main


@pytest.fixture
def table(tmp_path):
    """Write the table of a walk."""

    def go(*words: str):
        path = tmp_path / "a.csv"
        assert main(["lab", *words, "--chains", "6", "--steps", "31", "--out", str(path)]) == 0
        return path

    return go


@pytest.mark.parametrize(
    "words",
    [
        ("mala", "--seed", "3"),
        ("mala-approx", "--target", "twin", "--epsilon", "0.1,0.05,0.3", "--start", "wide"),
        ("metropolis", "--target", "ill-conditioned:5", "--start", "1,1,1,1,1", "--step-size", "0.2"),
        ("mala-approx", "--target", "expr:-x**4", "--epsilon", "2"),
    ],
)
def test_it_is_walked_again(table, words):
    found = verify.verify(table(*words))
    assert (found.verdict, found.max_difference) == ("identical", 0.0)


def test_a_drawn_density_is_known_by_its_content(table, tmp_path):
    weights = np.zeros((16, 16))
    weights[3:6, 10:14] = 1
    Drawn(weights).save(tmp_path / "mine.json")
    path = table("metropolis", "--target", str(tmp_path / "mine.json"))
    assert verify.verify(path).verdict == "identical"
    Drawn(weights.T).save(tmp_path / "mine.json")
    with pytest.raises(BadFile, match=r"mine\.json is gone, or not as it was"):
        verify.verify(path)


def test_changes_are_found(table):
    path = table("mala")
    text = path.read_text()
    lines = text.splitlines()
    cells = lines[2].split(",")
    path.write_text("\n".join([*lines[:2], ",".join([*cells[:-1], str(float(cells[-1]) + 0.25)]), *lines[3:]]) + "\n")
    found = verify.verify(path)
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(0.25))
    path.write_text(text)
    told = recipe.read(path)
    changes = ({"seed": 5}, {"steps": 40}, {"kernel": "nuts"}, {"steps": 10**15}, {"chains": "x"}, {"settings": {"step_size": 9}}, {"target": 3})
    for change in changes:
        recipe.save_beside(path, told | {"walk": told["walk"] | change})
        assert verify.verify(path).verdict == "different", change
    recipe.save_beside(path, told | {"walk": None})
    with pytest.raises(BadFile, match="incomplete"):
        verify.verify(path)
    recipe.save_beside(path, told | {"versions": {"torch": "1"}, "walk": told["walk"] | {"seed": 1}})
    assert "another torch" in verify.verify(path).reason


def test_inspect(table, capsys):
    path = table("mala")
    capsys.readouterr()
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["steps"], found["walk"]["kernel"], found["walk"]["chains"]) == ("lab", 31, "mala", 6)
