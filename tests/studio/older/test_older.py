"""Files that older versions exported: read, shown as doors, opened, and verified as far as their run allows.

schema1 was written by version 0.1.0 before runs had ids (of plots.svg the drawing was cut): began on `shapes` (3 steps, γ turned at 1), seqgan on
`oracle` (2 steps), maskgan on a text file, and the chains of `tests.studio.chainrun`.
"""

import json
from pathlib import Path

import pytest

from models.contract import Plan, SetKnobs
from models.errors import BadFile
from models.opening import versions
from models.run import Run
from studio import doors, recipe
from studio.export import thumbs
from studio.verify import verify

FOLDER = Path(__file__).with_name("schema1")
FILES = sorted(path.name for path in FOLDER.iterdir() if not path.name.endswith(recipe.SIDE_CAR))
CPU = Plan("cpu", 1, "float32", True, "off")
PICTURES = ("sheet.png", "single.png", "loop.webp", "loop.gif", "loop.apng", "gallery.html", "chains.png", "chain.png", "chains.webp", "strip.png")


@pytest.fixture(scope="module")
def began(tmp_path_factory):
    """The run of the pictures, made again."""
    place = tmp_path_factory.mktemp("older")
    with pytest.MonkeyPatch.context() as patch:
        from models.data import shapes

        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        patch.setattr(shapes, "COUNTS", dict.fromkeys(shapes.COUNTS, 240))
        config = {"n": 4, "h": 8, "z": 8, "batch": 4}
        run = Run.create(place / "shapes-1", "began", "shapes", config=config, knob_values={"gamma": 0.5}, seed=3, plan=CPU)
        for state, _ in run.train(3):
            if state.step == 1:
                run.apply(SetKnobs({"gamma": 0.4}))
        run.close()
    return place / "shapes-1"


@pytest.mark.parametrize("name", FILES)
def test_every_kind_is_read_as_of_the_present_schema(name):
    told = json.dumps(recipe.carried(FOLDER / name))
    found = recipe.read(FOLDER / name)
    assert (recipe.carried(FOLDER / name)["schema"], found["schema"], found["was"]) == (1, recipe.SCHEMA, 1)
    assert json.dumps(recipe.carried(FOLDER / name)) == told  # the file is not touched
    door = doors.read(FOLDER / name)
    assert door.kind != "Exported file"
    assert "is not where it was" in door.missing or door.system == "lab"
    assert found["kind"] == "lab" or found["run"]["id"] == ""


@pytest.mark.parametrize("name", PICTURES)
def test_their_samples_can_be_clicked(name):
    found = recipe.read(FOLDER / name)
    seen = thumbs.thumb(FOLDER / name, found)
    assert seen.pixels is not None
    assert (seen.geometry is None) == (name.startswith(("loop", "strip")) or name == "chains.webp")
    if seen.geometry is not None:
        assert seen.geometry.count == recipe.count_of(found)
        x, y, width, height = seen.geometry.place(seen.geometry.count - 1)
        assert seen.pixels[y : y + height, x : x + width].std() > 1
    if recipe.count_of(found):
        one = recipe.of_sample(found, 0)
        assert one["kind"] in ("single", "chains-single")
        assert recipe.of_sample(one, 0) == one


@pytest.mark.parametrize("name", ["sheet.png", "single.png", "loop.webp", "loop.gif", "loop.apng", "gallery.html", "curves.csv"])
def test_they_are_verified_with_their_run(began, name):
    if recipe.read(FOLDER / name)["versions"] != versions():
        pytest.skip("other versions round differently")
    found = verify(FOLDER / name, began)
    assert found.verdict == ("close" if name.endswith(".gif") else "identical"), found
    with pytest.raises(BadFile, match="is gone"):
        verify(FOLDER / name)


@pytest.mark.parametrize("name", ["chains.png", "chain.png", "chains.html", "chains.csv", "chains.nc", "chains.webp", "strip.png"])
def test_chains_are_walked_again(chain_run, name):
    if recipe.read(FOLDER / name)["versions"] != versions():
        pytest.skip("other versions round differently")
    assert verify(FOLDER / name, chain_run).verdict == "identical"


def test_a_walk_of_the_lab_needs_no_run():
    assert verify(FOLDER / "lab.csv").verdict in ("identical", "close")


def test_a_run_without_an_id_is_found_where_its_name_is(began, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(began.parent / "studio"))
    runs = began.parent / "studio" / "runs"
    runs.mkdir(parents=True)
    began.rename(runs / "shapes-1")
    try:
        door = doors.read(FOLDER / "sheet.png")
        assert (door.run, door.newest) == (runs / "shapes-1", 3)
        assert not door.missing or recipe.read(FOLDER / "sheet.png")["versions"] != versions()
    finally:
        (runs / "shapes-1").rename(began)
