"""What a recipe may be: hostile ones are one sentence, private ones name nobody, one sample of many has its own."""

import json
import re

import pytest
from PIL import Image, PngImagePlugin

from models.errors import BadFile, BadInput
from studio import doors, recipe, schema
from studio.export.contact import cells_in
from tests.studio.tiny import refused

GOOD = {
    "schema": 2,
    "kind": "sheet",
    "system": "began",
    "run": {"id": "ab" * 8, "name": "faces-1", "path": "/runs/faces-1"},
    "data": {"spec": "/data/faces", "id": "x", "title": "faces"},
    "config": {"n": 4},
    "knobs": {"gamma": 0.5},
    "knob_history": [{"step": 3, "change": {"gamma": 0.4}}],
    "training_seed": 0,
    "step": 20,
    "state_hash": "0" * 64,
    "checkpoint": "0" * 16,
    "plan": {"device": "cpu"},
    "versions": {"torch": "2", "machine": "a box"},
    "made": {"seed": 5, "ema": True, "count": 6, "rows": [0, 6], "columns": 3},
}
NEST = []
for _ in range(40):
    NEST = [NEST]
HOSTILE = {
    "a step that is no number": {"step": "../../etc"},
    "a huge step": {"step": 10**30},
    "a negative step": {"step": -1},
    "a truth for a step": {"step": True},
    "a list for a run": {"run": [1]},
    "a number for a path": {"run": {"path": 3}},
    "a path with a zero": {"run": {"path": "/a\0b"}},
    "an endless path": {"run": {"path": "/" + "a" * 10_000}},
    "half a letter": {"run": {"name": "\ud800"}},
    "settings that are none": {"config": 7},
    "knobs that are none": {"knobs": ["gamma"]},
    "a history that is none": {"knob_history": [{"step": "x"}]},
    "a nest": {"made": {"deep": NEST}},
    "a huge number inside": {"made": {"seed": 2**70}},
    "sources that are none": {"sources": [1]},
    "a source that is hostile": {"sources": [{"step": -5}]},
    "too many sources": {"sources": [{}] * 10_001},
    "a kind that is none": {"kind": {"a": 1}},
    "chains that are none": {"chains": "x"},
    "a truth that is none": {"private": "yes"},
}


def png(path, text):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(recipe.KEY, text)
    Image.new("RGB", (8, 8)).save(path, "PNG", pnginfo=info)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_version_has_written_is_one_sentence_for_everybody(name, tmp_path, do):
    path = png(tmp_path / "a.png", json.dumps(GOOD | HOSTILE[name]))
    with pytest.raises(BadFile, match="incomplete or was changed") as told:
        recipe.read(path)
    assert "\n" not in str(told.value)
    for words in (("inspect",), ("verify",), ("open", "--json")):
        refused(do(*words[:1], path, *words[1:]), "incomplete or was changed")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none(word, tmp_path):
    text = json.dumps(GOOD).replace('"step": 20', f'"step": {word}')
    with pytest.raises(BadFile, match=r"incomplete|damaged"):
        recipe.read(png(tmp_path / "a.png", text))


def test_one_that_is_too_large_is_not_taken_apart(tmp_path):
    (tmp_path / "a.html").write_text(recipe.SCRIPT + json.dumps(GOOD | {"pad": "x" * 9_000_000}) + "</script>")
    with pytest.raises(BadFile, match="larger than 1 MB"):
        recipe.read(tmp_path / "a.html")


@pytest.mark.parametrize("path", ["../../etc", "/etc/../root", "//machine/share", "\\\\machine\\share", "runs/faces-1", "~/runs", ""])
def test_only_a_plain_absolute_place_is_looked_at(path, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(doors.runs, "find", lambda run: asked.append(run))
    assert doors.where({**GOOD, "run": {"id": "x", "name": "n", "path": path}}) is None
    assert asked == [{"id": "x", "name": "n"}]


# --- nothing of a person ---------------------------------------------------------------------------------------------


def test_private_leaves_out_places_and_the_machine_and_keeps_the_rest():
    chains = {"setup": {"classifier": {"spec": "/home/me/net.safetensors", "sha256": "1"}}, "past": [{"set": {"classifier": {"spec": "hub:a/b"}}}]}
    walk = {"target": "/home/me/mine.json"}
    found = recipe.private({**GOOD, "chains": chains, "walk": walk, "sources": [GOOD]})
    text = json.dumps(found)
    assert not re.search(r"/home|/runs|/data|a box", text)
    assert found["chains"]["setup"]["classifier"]["spec"] == "net.safetensors"
    assert "hub:a/b" in text
    assert (found["run"], found["private"]) == ({"id": "ab" * 8, "name": "faces-1"}, True)
    assert recipe.private(found) == found
    assert recipe.source_of(found)["private"] is True
    assert not schema.wrong(found)
    assert recipe.private({"data": {"spec": "faces"}})["data"]["spec"] == "faces"
    assert recipe.private({"data": {"spec": "hub:/home/me/set"}})["data"]["spec"] == ""


# --- one of many -----------------------------------------------------------------------------------------------------

KINDS = [
    ("sheet", {"seed": 5, "ema": False, "rows": [2, 6]}, 4, {"seed": 5, "ema": False, "count": 1, "rows": [3, 4]}),
    ("page", {"seed": 5, "options": {"top_k": 3}, "rows": [0, 2]}, 2, {"seed": 5, "options": {"top_k": 3}, "count": 1, "rows": [1, 2]}),
    ("chains-gallery", {"seed": 9, "count": 3}, 3, {"seed": 9, "chain": 1}),
    ("chains-single", {"seed": 9, "chain": 7}, 1, None),
    ("fillings-txt", {"seed": 1, "count": 2, "nets": ["maskgan", "maskmle"]}, 4, {"seed": 1, "count": 2, "nets": ["maskgan"], "number": 1}),
    ("curves", {"steps": 3}, 0, None),
]


@pytest.mark.parametrize(("kind", "made", "count", "second"), KINDS)
def test_the_recipe_of_one_sample(kind, made, count, second):
    told = {**GOOD, "kind": kind, "made": made} | ({"chains": {"chains": 3}} if kind.startswith("chains-g") else {})
    assert recipe.count_of(told) == count
    if second is not None:
        one = recipe.of_sample(told, 1)
        assert one["made"] == second
        assert {k: v for k, v in one.items() if k not in ("kind", "made")} == {k: v for k, v in told.items() if k not in ("kind", "made")}
    with pytest.raises(BadInput, match="sample"):
        recipe.of_sample(told, count)


@pytest.mark.parametrize("rows", [None, "x", [0], [5, 1], [0, 10**9], [True, 4], [0.0, 3]])
def test_rows_that_are_none_have_no_samples(rows):
    assert recipe.count_of({**GOOD, "made": {"rows": rows}}) == 0


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        3,
        {},
        {"count": 6, "columns": 0},
        {"count": 7, "columns": 3},
        {"count": 6, "columns": 3, "origin": [0, 0], "cell": [900, 9], "pitch": [9, 9]},
        {"count": 6, "columns": 3, "origin": [0, 0], "cell": [9, 9], "pitch": [0, 9]},
    ],
)
def test_a_geometry_that_does_not_fit_the_picture_is_none(geometry):
    assert cells_in({**GOOD, "made": {**GOOD["made"], "geometry": geometry}}, 100, 100) is None
