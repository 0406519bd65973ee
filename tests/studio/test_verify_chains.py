"""Verify and inspect, for exports of chains: they are walked again, and every change is found."""

from __future__ import annotations

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from models.chains import Chains
from models.errors import BadFile, BadInput
from models.run import Run
from studio import recipe, verify
from studio.cli import main
from studio.export import arrays, chaining, moving
from studio.export.chaining import chain_exporters, chains_record, unpacked
from tests.studio.test_chain_command import brightness

FILES = ("sheet.png", "strip.png", "animation.webp", "animation.gif", "animation.apng", "gallery.html", "csv.csv", "netcdf.nc")


def walk(run, **more):
    """Chains that were steered in every way there is."""
    parts = run.algorithm.parts(run.state)
    made = Chains(parts, "ppgn-h", ["left"], {"epsilon3": 0.2}, **{"chains": 4, "seed": 9} | more)
    made.step(3)
    made.set({"epsilon1": 0.5, "mode": "released"})
    made.set({"epsilon2": 2.0})
    made.step(2)
    made.ask(["right:2", "left:-0.3"])
    made.step(2)
    made.back(3)
    made.set({"epsilon2": 1.0}, {"epsilon3": [0.0, 0.1, 0.2, 0.3]})
    made.step()
    made.fork(2, 1, 0.3)
    made.ask([["left"], ["right"], ["unit:h/2"], ["left", "right:0.1"]])
    made.step(2)
    made.set({"clip": 1.0})
    made.set({"clip": 3.0})  # and back
    return made


@pytest.fixture(scope="module")
def made(walkable, tmp_path_factory):
    """One export of each kind."""
    place = tmp_path_factory.mktemp("made")
    run = Run.open(walkable, write=False, data=False)
    record = chains_record(walk(run), run)
    for name in FILES:
        chain_exporters()[name.split(".")[0]].write(record, place / name)
    chain_exporters()["singles"].write(record, place / "singles")
    return place


@pytest.fixture
def mine(made, tmp_path):
    return shutil.copytree(made, tmp_path / "mine")


def rewrite(path, change):
    """The same file with another recipe."""
    told = recipe.read(path)
    change(told)
    if recipe.beside(path).is_file():
        recipe.save_beside(path, told)
    elif path.suffix == ".html":
        text = path.read_text("utf-8")
        path.write_text(text.replace(text[text.index(recipe.SCRIPT) : text.index("</script>") + 9], recipe.as_script(told)), "utf-8")
    elif path.name.startswith("animation"):
        moving.save(path, list(moving.read(path)), told)
    else:
        with Image.open(path) as image:
            recipe.save_png(image.copy(), path, told)


# --- the same -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_it_is_walked_again(mine, name):
    found = verify.verify(mine / name)
    assert found.verdict == ("close" if name.endswith(".gif") else "identical"), found
    assert found.max_difference == 0


def test_single_pictures_are_walked_again(mine):
    for path in sorted((mine / "singles").iterdir())[::3]:
        assert verify.verify(path).verdict == "identical"


def test_the_recipe_inside_netcdf_is_enough(mine):
    recipe.beside(mine / "netcdf.nc").unlink()
    assert verify.verify(mine / "netcdf.nc").verdict == "identical"


@pytest.mark.parametrize("start", ["codes", "picture", "pictures"])
def test_other_starts_are_made_again(walkable, tmp_path, start):
    run = Run.open(walkable, write=False, data=False)
    pictures = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), np.uint8)
    hole = np.zeros((32, 32), bool)
    hole[8:20, 4:30] = True
    more = {"start": "codes"} if start == "codes" else {"start": pictures[0], "hole": hole} if start == "picture" else {"start": pictures}
    chain_exporters()["sheet"].write(chains_record(walk(run, **more), run), tmp_path / "a.png")
    assert verify.verify(tmp_path / "a.png").verdict == "identical"


def test_a_long_way_is_made_again(walkable, tmp_path, monkeypatch):
    """Its record is packed in the recipe."""
    monkeypatch.setattr(chaining, "ROOM", 5_000)
    run = Run.open(walkable, write=False, data=False)
    chains = Chains(run.algorithm.parts(run.state), "gaussian", [["left"], ["right"]] * 2, chains=4)
    for i in range(20):
        chains.set({"epsilon1": 0.001 * i})
        chains.step()
    chain_exporters()["sheet"].write(chains_record(chains, run, backs=()), tmp_path / "a.png")
    told = recipe.read(tmp_path / "a.png")["chains"]
    assert set(told) == {"packed"}
    assert unpacked(told)["steps"] == 20
    assert verify.verify(tmp_path / "a.png").verdict == "identical"


def test_what_the_command_writes(walkable, tmp_path, capsys):
    words = ["chain", str(walkable), "--variant", "joint", "--condition", "left:1.23456789", "--mode", "released", "--epsilon", "0.1,1,0.2"]
    assert main([*words, "--chains", "3", "--steps", "6", "--seed", "2", "--out", str(tmp_path / "a.csv")]) == 0
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "a.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "identical"


def test_inspect_tells_of_the_chains(mine, capsys):
    for name in FILES:
        assert main(["inspect", str(mine / name), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["kind"].startswith("chains-")
        assert (found["system"], found["seed"], found["chains"]["variant"]) == ("ppgn", 9, "ppgn-h")
        assert found["chains"]["conditions"][3] == ["left", "right:0.1"]
        assert found["chains"]["knobs"]["epsilon1"] == 0.5
    assert main(["inspect", str(mine / "sheet.png")]) == 0
    assert "variant=ppgn-h" in capsys.readouterr().out
    rewrite(mine / "sheet.png", lambda told: told["chains"].pop("setup"))
    assert main(["inspect", str(mine / "sheet.png")]) == 2
    assert "is incomplete" in capsys.readouterr().err


# --- something was changed ----------------------------------------------------------------------------------------


def test_pixels_and_numbers(mine):
    with Image.open(mine / "sheet.png") as image:
        pixels = np.array(image)
    pixels[90, 60, 0] ^= 1
    recipe.save_png(Image.fromarray(pixels), mine / "sheet.png", recipe.read(mine / "sheet.png"))
    assert verify.verify(mine / "sheet.png").verdict == "different"
    text = (mine / "csv.csv").read_text().splitlines()
    cells = text[5].split(",")
    text[5] = ",".join([*cells[:2], str(float(cells[2]) + 1e-3), *cells[3:]])
    (mine / "csv.csv").write_text("\n".join(text) + "\n")
    found = verify.verify(mine / "csv.csv")
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(1e-3, rel=0.01))
    found = arrays.read(mine / "netcdf.nc")
    values = {name: v.astype(np.float32) for name, v in found.variables.items() if v.ndim == 2}
    values["norm"][1, 2] += 0.5
    docs = {name: found.attributes[f"{name}.long_name"] for name in values}
    words = {name: value for name, value in found.attributes.items() if "." not in name}
    (mine / "netcdf.nc").write_bytes(arrays.to_bytes(values, docs, words))
    found = verify.verify(mine / "netcdf.nc")
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(0.5, rel=0.01))
    (mine / "netcdf.nc").write_bytes(arrays.to_bytes(values, docs, words | {"title": "another"}))
    assert verify.verify(mine / "netcdf.nc").reason == "its words are not those that the recipe makes"


def setting(*keys, value):
    def change(told):
        for key in keys[:-1]:
            told = told[key]
        told[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        setting("chains", "seed", value=8),
        setting("chains", "variant", value="joint"),
        setting("chains", "variant", value="nothing"),
        setting("chains", "chains", value=5),
        setting("chains", "chains", value="many"),
        setting("chains", "chains", value=10**9),
        setting("chains", "start", value="codes"),
        setting("chains", "start", value="AAAA"),
        setting("chains", "hole", value="AAAA"),
        setting("chains", "place", value=10**15),
        setting("chains", "steps", value=10**15),
        setting("chains", "steps", value=None),
        setting("chains", "past", value=[]),
        setting("chains", "past", value=7),
        setting("chains", "past", value=[{"at": 0}]),
        setting("chains", "past", 0, "at", value=10**6),
        setting("chains", "past", 0, "set", "knobs", "epsilon1", value=0.6),
        setting("chains", "past", 0, "set", "knobs", "epsilon1", value="x"),
        setting("chains", "past", 0, "set", "knobs", value=None),
        setting("chains", "setup", "conditions", value=[["up"]]),
        setting("chains", "setup", "conditions", value=[]),
        setting("chains", "setup", "knobs", "epsilon2", value=float(2**40)),
        setting("chains", value=[]),
        setting("chains", value={"packed": "AAAA"}),
        setting("plan", "threads", value=0),
        setting("plan", value="none"),
        setting("made", "columns", value=3),
        setting("made", "columns", value=0),
        setting("made", "zoom", value=10**9),
        setting("kind", value="chains-strip"),
        setting("state_hash", value="0" * 64),
        setting("step", value=3),
    ],
)
def test_a_changed_recipe_is_different(mine, change, capsys):
    rewrite(mine / "sheet.png", change)
    assert main(["verify", str(mine / "sheet.png")]) in (1, 2)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out.startswith("different") or len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("strip.png", "backs", [3, 0]),
        ("strip.png", "backs", [10**6]),
        ("strip.png", "backs", [0, 1]),
        ("strip.png", "first", 9),
        ("strip.png", "count", 0),
        ("animation.webp", "backs", []),
        ("animation.webp", "backs", "all"),
        ("animation.webp", "fps", 0),
        ("animation.webp", "format", "../x.png"),
        ("gallery.html", "backs", [0]),
        ("csv.csv", "steps", 2),
        ("netcdf.nc", "seed", 1),
    ],
)
def test_a_changed_setting_is_different(mine, name, key, value):
    rewrite(mine / name, setting("made", key, value=value))
    assert verify.verify(mine / name).verdict == "different"


def test_another_version_explains_that_chains_went_elsewhere(mine):
    with Image.open(mine / "sheet.png") as image:
        pixels = 255 - np.array(image)
    told = recipe.read(mine / "sheet.png")
    told["versions"]["torch"] = "2.8.0"
    recipe.save_png(Image.fromarray(pixels), mine / "sheet.png", told)
    found = verify.verify(mine / "sheet.png")
    assert found.verdict == "different"
    assert "another torch" in found.reason


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_short(mine, name, capsys):
    path = mine / name
    content = path.read_bytes()
    for part in (0.9, 0.4, 0.02):
        path.write_bytes(content[: int(len(content) * part)])
        status = main(["verify", str(path)])
        said = capsys.readouterr()
        assert status in (1, 2), (part, said)
        assert "Traceback" not in said.err
        assert len((said.err if status == 2 else said.out).strip().splitlines()) == 1


# --- a foreign classifier -----------------------------------------------------------------------------------------


@pytest.fixture
def foreign(walkable, tmp_path, monkeypatch):
    """A sheet of chains that climbed a foreign classifier, and what opens it; "gone" and "sha256" can be set."""
    plug = SimpleNamespace(gone="", sha256="ab" * 32, asked=[])

    def open_classifier(spec, *, size, channels, device="cpu", trust=None):
        plug.asked.append((spec, trust))
        if plug.gone:
            raise BadInput(plug.gone)
        return brightness(spec=spec, sha256=plug.sha256)

    monkeypatch.setitem(sys.modules, "models.plug", SimpleNamespace(open_classifier=open_classifier))
    run = Run.open(walkable, write=False, data=False)
    chains = Chains(run.algorithm.parts(run.state), "noiseless-joint", ["left"], chains=2)
    chains.step(2)
    chains.plug(brightness(spec="mine.pt2"), ["bright"])
    chains.step(2)
    chain_exporters()["sheet"].write(chains_record(chains, run), tmp_path / "a.png")
    return plug, tmp_path / "a.png", chains, run


def test_a_foreign_classifier_is_opened_again(foreign, capsys):
    plug, path, *_ = foreign
    assert verify.verify(path).verdict == "identical"
    assert plug.asked == [("mine.pt2", None)]  # a recipe is nobody who can vouch for a program
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chains"]["classifier"] == "mine.pt2"
    assert main(["verify", str(path), "--trust", "ab12"]) == 0
    assert plug.asked[-1] == ("mine.pt2", "ab12")


def test_a_foreign_classifier_that_is_gone_or_another(foreign, capsys):
    plug, path, *_ = foreign
    plug.gone = "There is no classifier at mine.pt2."
    with pytest.raises(BadFile, match=r"The classifier 'mine.pt2' that these chains climbed cannot be opened. There is no"):
        verify.verify(path)
    assert main(["verify", str(path)]) == 2
    plug.gone, plug.sha256 = "", "cd" * 32
    with pytest.raises(BadFile, match=r"'mine.pt2' is not the one"):
        verify.verify(path)


def test_two_foreign_classifiers_one_after_the_other(foreign, tmp_path):
    plug, _, chains, run = foreign
    chains.plug(brightness(spec="other.pt2"), ["dark"])
    chains.step(2)
    chain_exporters()["sheet"].write(chains_record(chains, run), tmp_path / "b.png")
    assert verify.verify(tmp_path / "b.png").verdict == "identical"
    assert [spec for spec, _ in plug.asked] == ["mine.pt2", "other.pt2"]
