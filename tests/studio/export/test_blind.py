"""Answers of a blind test as files, with the recipe beside them; verify says that nobody can make them again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from models.errors import BadInput
from models.metrics.blind import results, shuffled
from studio import recipe
from studio.cli import main
from studio.export.blind import COLUMNS, write_blind

RECIPE = {"system": "seqgan", "step": 40, "run": {"path": "/runs/x"}}
ITEMS = shuffled({"real": ['a "cat", sat', "two\nlines"], "SeqGAN": ["春 眠", "b c"]}, 2, 3)
GIVEN = [True, False, None, True]
ANSWERS = [
    {"order": i + 1, "text": item.text, "source": item.source, "answer": {True: "human", False: "machine", None: "skipped"}[given]}
    for i, (item, given) in enumerate(zip(ITEMS, GIVEN, strict=True))
]
ROWS = results(ITEMS, GIVEN)


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    made = write_blind(path, ANSWERS, ROWS, RECIPE, seed=3, each=2)
    assert made == [path, recipe.beside(path)]
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    assert [(line["text"], line["source"], line["answer"]) for line in lines] == [(a["text"], a["source"], a["answer"]) for a in ANSWERS]
    told = recipe.read(path)
    assert (told["kind"], told["step"], told["made"]["seed"], told["made"]["each"], told["made"]["judged"]) == ("blind", 40, 3, 2, 4)
    assert [score["source"] for score in told["made"]["scores"]] == ["real", "SeqGAN"]


def test_json_has_the_scores_too(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    write_blind(path, ANSWERS, ROWS, RECIPE)
    told = json.loads(path.read_text("utf-8"))
    assert [a["text"] for a in told["answers"]] == [a["text"] for a in ANSWERS]
    assert [(s["source"], s["judged"], s["human"]) for s in told["scores"]] == [(r.source, r.judged, r.human) for r in ROWS]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="blind test are written as"):
        write_blind(tmp_path / "answers.txt", ANSWERS, ROWS, RECIPE)
    with pytest.raises(BadInput, match="No sentence"):
        write_blind(tmp_path / "answers.csv", [], ROWS, RECIPE)
    assert list(tmp_path.iterdir()) == []


def test_verify_says_that_a_person_cannot_be_repeated(tmp_path: Path, capsys) -> None:
    path = tmp_path / "answers.csv"
    write_blind(path, ANSWERS, ROWS, RECIPE)
    assert main(["verify", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "answers.csv holds a person's answers, which no machine can make again" in told.err
