"""The heart: an export is made again from checkpoint and recipe, and every change is found."""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, safe_open, save_file

from models.algorithms import began
from models.contract import SetKnobs
from models.errors import BadFile
from models.run import Run
from studio import recipe, verify
from studio.cli import main
from studio.export import exporters
from tests.studio.tiny import TINY, pictures, run_with_history, studio

KINDS = ["sheet", "single", "curves", "plots"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, and one export of each kind at step 20."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        run = run_with_history(place / "run", pictures(place / "pictures"))
        words = ["sample", str(run), "--step", "20", "--seed", "5", "-n", "6", "--out"]
        assert main([*words, str(place / "sheet.png")]) == 0
        assert main([*words, str(place / "many")]) == 0
        assert main([*words, str(place / "curves.csv")]) == 0
        assert main([*words, str(place / "plots.png"), "--plots"]) == 0
    shutil.copy(sorted((place / "many").iterdir())[4], place / "single.png")
    return place


@pytest.fixture
def mine(made, tmp_path):
    """Copies that may be spoilt. The run keeps its name; the recipes name the first one."""
    for name in ("sheet.png", "single.png", "curves.csv", "curves.csv.recipe.json", "plots.png"):
        shutil.copy(made / name, tmp_path / name)
    shutil.copytree(made / "run", tmp_path / "run")
    return tmp_path


DEFAULTS = {"config": began.Config(), "knobs": began.Knobs()}


def file_of(folder, kind):
    return folder / (f"{kind}.csv" if kind == "curves" else f"{kind}.png")


def rewrite(path, change):
    """The same file with another recipe."""
    told = recipe.read(path)
    told = change(told) or told
    if path.suffix == ".csv":
        recipe.save_beside(path, told)
    else:
        with Image.open(path) as image:
            image.load()
            recipe.save_png(image, path, told)


def set_in(*keys, value):
    def change(told):
        inner = told
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


# --- nothing was changed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_identical_in_a_fresh_process(made, kind):
    done = studio("verify", file_of(made, kind), "--json")
    assert done.status == 0, done
    assert done.json == {
        "verdict": "identical",
        "max_difference": 0.0,
        "reason": "made again from checkpoint and recipe, every bit is the same",
    }


def test_a_run_that_was_moved(made, tmp_path, capsys):
    shutil.move(shutil.copytree(made / "run", tmp_path / "here"), tmp_path / "there")
    assert main(["verify", str(made / "sheet.png"), "--run", str(tmp_path / "there")]) == 0
    assert capsys.readouterr().out.startswith("identical")


def test_nothing_is_read_from_the_picture_before_it_is_made_again(mine, monkeypatch):
    order = []
    again, compare = verify.again, verify.compare
    monkeypatch.setattr(verify, "again", lambda *a: (order.append("again"), again(*a))[1])
    monkeypatch.setattr(verify, "compare", lambda *a: (order.append("compare"), compare(*a))[1])
    assert verify.verify(mine / "sheet.png").verdict == "identical"
    assert order == ["again", "compare"]


# --- something was changed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_weight_of_the_checkpoint(mine, kind, capsys):
    path = mine / "run/checkpoints/000000020.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    name = next(k for k in tensors if k.startswith("average.") and k.endswith("weight"))
    tensors[name].view(-1)[0] += 1e-3
    save_file(tensors, path, metadata)
    assert main(["verify", str(file_of(mine, kind)), "--run", str(mine / "run"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "different"
    assert "weights" in found["reason"]


@pytest.mark.parametrize(("kind", "by"), [("sheet", 1), ("sheet", 255), ("single", 1), ("plots", 1)])
def test_one_pixel(mine, kind, by):
    path = file_of(mine, kind)
    with Image.open(path) as image:
        pixels = np.array(image)
    at = (pixels.shape[0] // 2, pixels.shape[1] // 2, 1)
    pixels[at] = np.uint8(int(pixels[at]) ^ by)
    recipe.save_png(Image.fromarray(pixels), path, recipe.read(path))
    found = verify.verify(path)
    assert found.verdict == "different"
    assert found.max_difference > 0


def test_one_digit_of_the_table(mine):
    path = mine / "curves.csv"
    lines = path.read_text().splitlines(keepends=True)
    digit = next(c for c in lines[5][4:] if c in "12345678")
    lines[5] = lines[5][:4] + lines[5][4:].replace(digit, "9", 1)
    path.write_text("".join(lines))
    assert verify.verify(path).verdict == "different"


@pytest.mark.parametrize(
    "spoil", [lambda t: t + "1,2\n", lambda t: t[:200], lambda t: "", lambda t: "words\nwords\n", lambda t: t.replace("\n", "\r\n")]
)
def test_another_table(mine, spoil):
    path = mine / "curves.csv"
    path.write_bytes(spoil(path.read_text()).encode())
    assert verify.verify(path).verdict == "different"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("sheet", set_in("made", "seed", value=6)),
        ("single", set_in("made", "seed", value=6)),
        ("sheet", set_in("made", "ema", value=False)),
        ("sheet", set_in("made", "rows", value=[0, 5])),
        ("sheet", set_in("made", "rows", value=[1, 6])),
        ("single", set_in("made", "rows", value=[0, 5])),
        ("single", set_in("made", "rows", value=[3, 4])),
        ("sheet", set_in("made", "columns", value=2)),
        ("sheet", set_in("made", "zoom", value=1)),
        ("sheet", set_in("made", "count", value=7)),
        ("curves", set_in("made", "steps", value=19)),
        ("plots", set_in("made", "theme", value="dark")),
        ("plots", set_in("made", "marks", value=0)),
        *((kind, set_in("training_seed", value=4)) for kind in ("sheet", "single", "curves")),
        ("sheet", set_in("system", value="bgan")),
        ("sheet", set_in("config", "n", value=5)),
        ("sheet", set_in("config", value={})),
        ("sheet", set_in("knobs", "gamma", value=0.41)),
        ("sheet", set_in("knob_history", value=[])),
        ("sheet", lambda told: told["knob_history"][0].update(step=11)),
        ("sheet", lambda told: told["knob_history"].append({"step": 19, "change": {"gamma": 0.4}})),
        ("curves", set_in("data", "id", value="0" * 16)),
        ("sheet", set_in("data", "spec", value="faces")),
        ("sheet", set_in("state_hash", value="0" * 64)),
        ("sheet", set_in("kind", value="single")),
        ("single", set_in("kind", value="sheet")),
        ("sheet", set_in("kind", value="hologram")),
        ("sheet", set_in("step", value=12)),
    ],
)
def test_the_recipe_was_changed(mine, kind, change):
    path = file_of(mine, kind)
    rewrite(path, change)
    found = verify.verify(path)
    assert found.verdict == "different", found
    assert found.reason


@pytest.mark.parametrize("value", [None, -1, 2**60, "7", 10**9])
@pytest.mark.parametrize("key", ["seed", "rows", "columns", "zoom", "ema"])
def test_nonsense_in_a_recipe_is_different_and_cheap(mine, key, value):
    rewrite(mine / "sheet.png", set_in("made", key, value=[0, value] if key == "rows" else value))
    assert verify.verify(mine / "sheet.png").verdict == "different"


# --- it cannot be told -------------------------------------------------------------------------------------------------


def cannot(capsys, *words, says):
    assert main(["verify", *map(str, words), "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_run_made_before_a_setting_came(mine):
    """Its record and its recipes lack the setting; what is missing has its default."""
    record = json.loads((mine / "run" / "run.json").read_text())
    for part in ("knobs", "config"):
        name = next(k for k, v in record[part].items() if v == getattr(DEFAULTS[part], k))
        del record[part][name]
    (mine / "run" / "run.json").write_text(json.dumps(record))
    assert verify.verify(mine / "sheet.png", mine / "run").verdict == "identical"


def test_the_checkpoint_is_missing(mine, capsys):
    (mine / "run/checkpoints/000000020.safetensors").unlink()
    cannot(capsys, mine / "sheet.png", "--run", mine / "run", says="no checkpoint of step 20")


def test_the_checkpoint_is_cut_short(mine, capsys):
    path = mine / "run/checkpoints/000000020.safetensors"
    os.truncate(path, path.stat().st_size // 2)
    cannot(capsys, mine / "sheet.png", "--run", mine / "run", says="damaged or cut short")


def test_the_run_is_gone(mine, capsys):
    rewrite(mine / "sheet.png", set_in("run", "path", value=str(mine / "nowhere")))
    cannot(capsys, mine / "sheet.png", says="--run")
    cannot(capsys, mine / "sheet.png", "--run", mine, says="is gone")


@pytest.mark.parametrize(
    "change",
    [
        set_in("knobs", value=None),
        set_in("knob_history", value=None),
        set_in("run", value=None),
        set_in("run", value={}),
        set_in("step", value=None),
        set_in("step", value="x"),
        lambda t: t.pop("step") and None,
    ],
)
def test_the_recipe_is_incomplete(mine, capsys, change):
    rewrite(mine / "sheet.png", change)
    cannot(capsys, mine / "sheet.png", says="incomplete")


def test_there_is_no_recipe(mine, capsys):
    Image.new("RGB", (8, 8)).save(mine / "plain.png")
    cannot(capsys, mine / "plain.png", says="no recipe")
    (mine / "curves.csv.recipe.json").unlink()
    cannot(capsys, mine / "curves.csv", says="no recipe")
    cannot(capsys, mine / "nothing.png", says="no file")


def test_a_picture_cut_short_beside_its_recipe(mine, capsys):
    recipe.save_beside(mine / "sheet.png", recipe.read(mine / "sheet.png"))
    content = (mine / "sheet.png").read_bytes()
    (mine / "sheet.png").write_bytes(content[: len(content) // 2])
    cannot(capsys, mine / "sheet.png", says="damaged")


# --- close ----------------------------------------------------------------------------------------------------------------


def nudge(path, by):
    with Image.open(path) as image:
        pixels = np.array(image)
    pixels[60, 60, 0] = pixels[60, 60, 0] + by if pixels[60, 60, 0] < 128 else pixels[60, 60, 0] - by
    recipe.save_png(Image.fromarray(pixels), path, recipe.read(path))


def test_another_version_explains_a_small_difference_and_no_large_one(mine):
    rewrite(mine / "sheet.png", set_in("versions", "torch", value="2.8.0"))
    assert verify.verify(mine / "sheet.png").verdict == "identical"
    nudge(mine / "sheet.png", 3)
    found = verify.verify(mine / "sheet.png")
    assert found.verdict == "close"
    assert found.max_difference == pytest.approx(3 / 255)
    assert "torch" in found.reason
    nudge(mine / "sheet.png", 60)
    assert verify.verify(mine / "sheet.png").verdict == "different"


def test_another_device_explains_a_small_difference(mine):
    rewrite(mine / "sheet.png", set_in("plan", "device", value="cuda"))
    nudge(mine / "sheet.png", 1)
    found = verify.verify(mine / "sheet.png")
    assert (found.verdict, "device" in found.reason) == ("close", True)


def test_numbers_of_a_table_have_no_such_excuse(mine):
    rewrite(mine / "curves.csv", set_in("versions", "torch", value="2.8.0"))
    assert verify.verify(mine / "curves.csv").verdict == "identical"
    text = (mine / "curves.csv").read_text()
    (mine / "curves.csv").write_text(text.replace("0.00039", "0.00038", 1))
    assert verify.verify(mine / "curves.csv").verdict == "different"


# --- life goes on ---------------------------------------------------------------------------------------------------------


def test_an_export_survives_training_thinning_and_knobs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("models.run.settings", lambda: SimpleNamespace(checkpoint_mb=0))
    data, run = pictures(tmp_path / "pictures"), tmp_path / "run"
    words = [w for k, v in TINY.items() for w in ("--set", f"{k}={v}")]
    assert main(["train", "began", "--data", str(data), "--steps", "4", "--out", str(run), *words]) == 0
    assert main(["sample", str(run), "-n", "4", "--out", str(tmp_path / "a.png")]) == 0
    assert main(["sample", str(run), "--plots", "--out", str(tmp_path / "p.png")]) == 0
    assert main(["resume", str(run), "--steps", "4", "--set", "gamma=0.3"]) == 0  # writes the checkpoint of step 4 again
    for steps in range(5, 12):
        assert main(["resume", str(run), "--steps", str(steps), "--set", f"gamma=0.{steps}"]) == 0
    opened = Run.open(run, write=False, data=False)
    assert len(list((run / "kept").iterdir())) == 1  # pinned, and set aside when its step was written again
    assert len(opened.folder.steps()) <= 5
    capsys.readouterr()
    for name in ("a.png", "p.png"):
        assert main(["verify", str(tmp_path / name)]) == 0, capsys.readouterr()
        assert capsys.readouterr().out.startswith("identical")


def test_an_export_survives_going_back(tmp_path):
    run = Run.create(tmp_path / "run", "began", str(pictures(tmp_path / "pictures")), config=TINY)
    for state, _ in run.train(3):
        if state.step == 2:
            run.save()
    run.apply(SetKnobs({"gamma": 0.9}))
    run.save(pin=True)
    exporters()["sheet"].write(verify.record_of(run, seed=0, count=4), tmp_path / "a.png")
    run.go_back(2)
    run.apply(SetKnobs({"lr": 1e-5}))
    for _ in run.train(3):
        pass
    run.close()
    assert verify.verify(tmp_path / "a.png").verdict == "identical"


def test_an_earlier_checkpoint_does_not_know_what_came_later(made):
    told = recipe.read(made / "sheet.png")
    assert [line["step"] for line in told["knob_history"]] == [12]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(made / "home"))
        assert main(["sample", str(made / "run"), "--step", "12", "-n", "2", "--out", str(made / "first.png")]) == 0
    told = recipe.read(made / "first.png")
    assert told["knob_history"] == []
    assert told["knobs"]["gamma"] == 0.5
    assert verify.verify(made / "first.png").verdict == "identical"


def test_a_recipe_whose_history_was_cut(mine, monkeypatch):
    run = Run.open(mine / "run", data=False)
    for i in range(40):
        run.apply(verify_set(0.4 + i / 100))
    run.save(pin=True)
    record = verify.record_of(run, seed=1, count=2)
    run.close()
    monkeypatch.setattr(recipe, "LIMIT", 2_500)
    from studio.export import exporters

    (path,) = exporters()["sheet"].write(record, mine / "cut.png")
    told = recipe.read(path)
    assert told["knob_history_cut"]
    assert 0 < len(told["knob_history"]) < 41
    assert verify.verify(path).verdict == "identical"
    rewrite(path, lambda t: t["knob_history"].pop(0) and None)
    assert verify.verify(path).verdict == "identical"  # cut a little more: still the end of it
    rewrite(path, lambda t: t["knob_history"].pop() and None)
    assert verify.verify(path).verdict == "different"


def verify_set(gamma):
    from models.contract import SetKnobs

    return SetKnobs({"gamma": gamma})


def test_a_run_of_a_newer_version_or_no_run(mine, capsys):
    record = json.loads((mine / "run/run.json").read_text())
    (mine / "run/run.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(BadFile, match="newer"):
        verify.verify(mine / "sheet.png", mine / "run")


# --- sheets of several runs, and files without paths -------------------------------------------------------------------


def sheet_of(made, path, **look):
    """Samples 1 and 4 of seed 5, and 0 of seed 6, at step 20 and at step 30."""
    from studio.export.contact import Look, write_contact
    from studio.export.sheet import cells_of

    cells = []
    for step, seed, rows in ((20, 5, (1, 4)), (30, 6, (0,))):
        run = Run.open(made / "run", write=False, data=False, step=step)
        found = cells_of(verify.record_of(run, seed=seed, count=5))
        cells += [found[row] for row in rows]
    return write_contact(cells, path, Look(**look))[0]


def test_a_sheet_of_several_states_is_made_again(made, tmp_path):
    path = sheet_of(made, tmp_path / "a.png", columns=2, captions=("seed", "step", "run"), paper="dark")
    assert verify.verify(path).verdict == "identical"
    assert verify.verify(path, made / "run").verdict == "identical"
    told = recipe.read(path)
    told["made"]["cells"][2]["made"]["seed"] = 7
    with Image.open(path) as image:
        recipe.save_png(image, path, told)
    assert verify.verify(path).verdict == "different"


def test_a_private_file_names_no_place_and_is_found_by_its_id(made, mine):
    from studio import runs

    rewrite(mine / "sheet.png", recipe.private)
    text = json.dumps(recipe.read(mine / "sheet.png"))
    assert str(made) not in text
    assert "machine" not in text
    assert verify.verify(mine / "sheet.png", made / "run").verdict == "identical"
    with pytest.raises(BadFile, match="is gone"):
        verify.verify(mine / "sheet.png")
    runs.remember(made / "run")
    assert verify.verify(mine / "sheet.png").verdict == "identical"
