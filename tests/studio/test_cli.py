"""The command line as scripts rely on it: keys, exit codes, one line for every bad input, and nothing lost."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest
import torch
from PIL import Image

from models import files
from models.errors import BadInput
from models.run import Run
from studio.cli import main
from studio.commands import training
from tests.studio.tiny import REPO, SET, Done, pictures, refused, run_with_history, studio


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures, and a run of 30 steps that nobody spoils."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        run_with_history(folder / "run", pictures(folder / "pictures"))
    return folder


@pytest.fixture
def run(place, tmp_path):
    """A copy of it."""
    return shutil.copytree(place / "run", tmp_path / "run")


def train(do, place, out, *more, steps=6):
    return do("train", "began", "--data", place / "pictures", *SET, "--steps", steps, "--out", out, "--json", *more)


# --- what the commands answer -----------------------------------------------------------------------------------------


def test_train_and_resume(do, place, tmp_path):
    keys = {"system", "steps", "run", "seconds", "steps_per_second", "phases", "metrics", "state_hash"}
    done = train(do, place, tmp_path / "r")
    assert done.status == 0
    assert done.json.keys() >= keys
    assert done.json["system"] == "began"
    assert done.json["steps"] == 6
    assert done.json["metrics"].keys() >= {"loss_real", "loss_fake", "k_t", "M_global"}
    assert all(isinstance(v, float) for v in done.json["metrics"].values())
    assert len(done.out.splitlines()) == 1
    assert done.err == ""  # progress is for terminals
    more = do("resume", tmp_path / "r", "--steps", 9, "--json")
    assert more.json.keys() >= keys
    assert more.json["steps"] == 9
    assert Run.open(tmp_path / "r", write=False, data=False).rows.shape == (9, 6)


def test_the_seconds_of_every_phase(do, tmp_path, monkeypatch):
    """Of a system with several phases they are printed, and their sum is the time of the whole."""
    from models.algorithms import ppgn
    from models.contract import Phase

    short = dataclasses.replace(ppgn.PRESETS["quick"], phases=tuple(Phase(name, 2 + i) for i, name in enumerate(ppgn.PHASES)))
    monkeypatch.setitem(ppgn.PRESETS, "quick", short)
    small = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "batch": 4, "muon": "off"}
    for folder, shade in (("light", 220), ("dark", 30)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (32, 32), (shade, shade - 3 * i, 9)).save(tmp_path / "data" / folder / f"{i}.png")
    words = ["--data", tmp_path / "data", *(w for k, v in small.items() for w in ("--set", f"{k}={v}"))]
    done = do("train", "ppgn", *words, "--out", tmp_path / "r", "--json", "--steps", 20)
    assert {k: v["steps"] for k, v in done.json["phases"].items()} == {"encoder": 2, "scorer": 3, "generator": 4, "joint": 5, "dae-x": 6}
    assert sum(v["seconds"] for v in done.json["phases"].values()) == pytest.approx(done.json["seconds"], abs=0.5)
    assert all(v["seconds"] > 0 for v in done.json["phases"].values())
    assert {"loss_C", "loss_S", "L_img", "loss_x"} <= {k for k, v in done.json["metrics"].items() if v is not None}  # each of its phase
    more = do("resume", tmp_path / "r").out.splitlines()
    assert [line.split()[:2] for line in more[1:-1]] == [["dae-h", "7"], ["captioner", "8"]]


def test_resumed_is_bit_equal_to_never_stopped(do, place, tmp_path):
    whole = train(do, place, tmp_path / "whole", steps=12).json
    assert train(do, place, tmp_path / "halves", steps=5).json["state_hash"] != whole["state_hash"]
    assert do("resume", tmp_path / "halves", "--steps", 12, "--json").json["state_hash"] == whole["state_hash"]
    files = [Run.open(tmp_path / name, write=False, data=False).rows.tobytes() for name in ("whole", "halves")]
    assert files[0] == files[1]


def test_the_seed_decides_and_only_the_seed(do, place, tmp_path):
    hashes = [train(do, place, tmp_path / str(i), "--seed", seed, steps=2).json["state_hash"] for i, seed in enumerate((1, 1, 2, 2**62))]
    assert hashes[0] == hashes[1] != hashes[2] != hashes[3]


@pytest.mark.parametrize("total", [30, 12, 0])
def test_resume_at_or_past_the_total_does_nothing(do, run, total):
    before = do("inspect", run, "--json").json
    done = do("resume", run, "--steps", total, "--json")
    assert done.status == 0
    assert done.json["steps"] == 30
    assert done.json["steps_per_second"] is None
    assert done.json["state_hash"] == before["state_hash"]
    assert do("inspect", run, "--json").json == before


def test_steps_zero_makes_a_run(do, place, tmp_path):
    done = train(do, place, tmp_path / "r", steps=0)
    assert done.json["steps"] == 0
    assert set(done.json["metrics"].values()) == {None}
    assert do("sample", tmp_path / "r", "-n", 2, "--out", tmp_path / "s.png").status == 0  # from its first step


def test_threads_precision_and_knobs_are_recorded(do, place, tmp_path):
    done = train(do, place, tmp_path / "r", "--threads", 2, "--precision", "float32", "--set", "gamma=0.4", steps=1)
    assert (done.json["threads"], done.json["precision"], done.json["device"]) == (2, "float32", "cpu")
    about = do("inspect", tmp_path / "r", "--json").json
    assert about["plan"]["threads"] == 2
    assert about["knobs"]["gamma"] == 0.4
    assert about["config"]["n"] == 4
    done = do("resume", tmp_path / "r", "--steps", 2, "--set", "gamma=0.7", "--json")
    assert done.json["threads"] == 2
    about = do("inspect", tmp_path / "r", "--json").json
    assert about["knobs"]["gamma"] == 0.7
    assert "γ 0.4 → 0.7" in [line["text"] for line in about["journal"]]
    torch.set_num_threads(1)


def test_inspect(do, place, run):
    keys = {"kind", "system", "steps", "config", "knobs", "data", "seed", "state_hash", "versions"}
    about = do("inspect", run, "--json").json
    assert about.keys() >= keys
    assert (about["kind"], about["steps"], about["seed"]) == ("run", 30, 3)
    point = do("inspect", run / "checkpoints/000000020.safetensors", "--json").json
    assert point.keys() >= keys
    assert (point["kind"], point["steps"]) == ("checkpoint", 20)
    out = run.parent / "s.png"
    assert do("sample", run, "-n", 3, "--seed", 8, "--out", out, "--json").json == {"out": str(out), "count": 3, "seed": 8, "step": 30}
    sheet = do("inspect", out, "--json").json
    assert sheet.keys() >= keys
    assert (sheet["kind"], sheet["steps"], sheet["seed"], sheet["state_hash"]) == ("sheet", 30, 8, about["state_hash"])
    assert "knobs" in do("inspect", run).out


def test_sample_into_a_folder(do, run, tmp_path):
    done = do("sample", run, "-n", 3, "--out", f"{tmp_path / 'many'}/", "--json")
    assert done.json["count"] == 3
    assert len(list((tmp_path / "many").glob("*.png"))) == 3
    refused(do("sample", run, "-n", 3, "--out", tmp_path / "many"), "not empty", "--force")
    assert do("sample", run, "-n", 3, "--out", tmp_path / "many", "--force").status == 0


def test_sample_curves(do, run, tmp_path):
    assert do("sample", run, "--out", tmp_path / "c.csv", "--json").json["count"] == 30
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 31


def test_samples_do_not_depend_on_how_many(do, run, tmp_path):
    do("sample", run, "-n", 2, "--out", tmp_path / "a")
    do("sample", run, "-n", 70, "--out", tmp_path / "b")
    for name in ("step0000030-seed0-0000.png", "step0000030-seed0-0001.png"):
        with Image.open(tmp_path / "a" / name) as a, Image.open(tmp_path / "b" / name) as b:
            assert a.tobytes() == b.tobytes()
    assert len(list((tmp_path / "b").iterdir())) == 70


def test_data(do):
    sources = do("data", "--json").json["sources"]
    assert [s["name"] for s in sources][:1] == ["faces"]
    assert "faces" in do("data").out


def test_settings_are_listed(do):
    listed = do("train", "began", "--settings", "--json").json["settings"]
    assert {s["name"] for s in listed} >= {"size", "n", "gamma", "lr"}
    text = do("train", "began", "--settings").out
    assert "γ" in text
    assert "a number in [0, 1]" in text


def test_shoot(do, tmp_path, place):
    done = do("shoot", "--page", "home", "--theme", "dark", "--size", "1200x720", "--out", tmp_path / "h.png", "--json")
    assert done.status == 0, done
    assert done.json == {"out": str(tmp_path / "h.png"), "width": 1200, "height": 720, "theme": "dark"}
    with Image.open(tmp_path / "h.png") as image:
        assert image.size == (1200, 720)


def test_version_and_help(do):
    assert "0.1.0" in do("--version").out
    for words in (["--help"], ["train", "--help"], ["sample", "--help"]):
        done = do(*words)
        assert done.status == 0
        assert "usage" in done.out


# --- bad input -----------------------------------------------------------------------------------------------------------

RUN = "a run"
BAD = {
    "no such command": (["paint"], ["paint"]),
    "an unknown option": (["data", "--colour", "red"], ["--colour"]),
    "an unknown system": (["train", "gan2", "--data", "faces"], ["gan2", "began"]),
    "a toy for pictures": (["train", "began", "--data", "toy-ring"], ["toy-ring", "known distribution", "bgan takes"]),
    "no data": (["train", "began"], ["--data"]),
    "unknown data": (["train", "began", "--data", "facez"], ["facez", "faces"]),
    "text for pictures": (["train", "began", "--data", "oracle"], ["oracle", "source of text", "seqgan, maskgan and bgan take"]),
    "an unknown preset": (["train", "began", "--data", "faces", "--preset", "huge"], ["huge", "quick"]),
    "a set without =": (["train", "began", "--data", "faces", "--set", "gamma"], ["NAME=VALUE", "gamma"]),
    "a set without a name": (["train", "began", "--data", "faces", "--set", "=1"], ["NAME=VALUE"]),
    "an unknown setting": (["train", "began", "--data", "faces", "--set", "gama=1"], ["gama", "gamma"]),
    "a knob out of range": (["train", "began", "--data", "faces", "--set", "gamma=1.5"], ["γ", "[0, 1]", "1.5"]),
    "a knob that is no number": (["train", "began", "--data", "faces", "--set", "gamma=high"], ["γ", "[0, 1]", "high"]),
    "a knob that is nan": (["train", "began", "--data", "faces", "--set", "gamma=nan"], ["γ", "[0, 1]", "nan"]),
    "a whole number that is none": (["train", "began", "--data", "faces", "--set", "n=7.5"], ["n must", "[4, 512]", "7.5"]),
    "an infinite whole number": (["train", "began", "--data", "faces", "--set", "n=inf"], ["n must", "inf"]),
    "a size that is not 8*2^s": (["train", "began", "--data", "faces", "--set", "size=48"], ["size", "32, 64, 128, 256", "48"]),
    "a wrong choice": (["train", "began", "--data", "faces", "--set", "layout=mine"], ["layout", "authors", "mine"]),
    "negative steps": (["train", "began", "--data", "faces", "--steps", "-1"], ["--steps", "-1"]),
    "steps that are no number": (["train", "began", "--data", "faces", "--steps", "many"], ["--steps", "many"]),
    "a negative seed": (["train", "began", "--data", "faces", "--seed", "-1"], ["--seed", "-1"]),
    "a huge seed": (["train", "began", "--data", "faces", "--seed", str(2**63)], ["--seed"]),
    "no threads": (["train", "began", "--data", "faces", "--threads", "0"], ["--threads", "0"]),
    "an unknown device": (["train", "began", "--data", "faces", "--device", "tpu"], ["tpu", "cuda"]),
    "a run that is none": (["resume", "{empty}"], ["not a run"]),
    "a run that is a file": (["resume", "{text}"], ["not a run"]),
    "a run that is not there": (["sample", "{empty}/x", "--out", "a.png"], ["There is no run"]),
    "a Config value for resume": (["resume", "{run}", "--set", "n=8"], ["n", "gamma"]),
    "a knob out of range for resume": (["resume", "{run}", "--set", "lr=1"], ["lr", "0.01", "1"]),
    "no pictures": (["train", "began", "--data", "{empty}"], ["no pictures"]),
    "a text as data": (["train", "began", "--data", "{text}"], ["text.txt"]),
    "no samples": (["sample", "{run}", "-n", "0", "--out", "a.png"], ["-n", "0"]),
    "samples without --out": (["sample", "{run}"], ["--out"]),
    "an unknown format": (["sample", "{run}", "--out", "a.psd"], [".psd", ".png"]),
    "a format that nothing writes": (["sample", "{run}", "--out", "a.avi"], ["Nothing here writes '.avi'"]),
    "a reel as a table": (["sample", "{run}", "--reel", "--out", "a.csv"], ["--reel writes .webp", "a.csv"]),
    "event files as a picture": (["sample", "{run}", "--tensorboard", "--out", "a.png"], ["--tensorboard writes a folder"]),
    "two exports at once": (["sample", "{run}", "--reel", "--plots", "--out", "a.png"], ["--plots and --reel"]),
    "frames of a sheet": (["sample", "{run}", "--frames", "9", "--out", "a.png"], ["--frames", "a loop"]),
    "a rate for a table": (["sample", "{run}", "--fps", "9", "--out", "a.csv"], ["--fps", "animations"]),
    "a rate that nobody sees": (["sample", "{run}", "--fps", "90", "--out", "a.gif"], ["--fps", "from 1 to 50"]),
    "a sheet into a folder": (["sample", "{run}", "--out", "{dots}"], ["folder"]),
    "plots as a loop": (["sample", "{run}", "--plots", "--out", "a.webp"], [".png, .svg, .csv"]),
    "a step without checkpoint": (["sample", "{run}", "--step", "7", "--out", "a.png"], ["step 7", "12, 20, 30"]),
    "nothing to inspect": (["inspect", "{empty}/no.png"], ["no file"]),
    "a text to inspect": (["inspect", "{text}"], ["no recipe"]),
    "an empty folder to inspect": (["inspect", "{empty}"], ["not a run"]),
    "a foreign picture to verify": (["verify", "{picture}"], ["no recipe"]),
    "an unknown page": (["shoot", "--page", "lobby", "--out", "{empty}/a.png"], ["lobby", "began"]),
    "an unknown theme": (["shoot", "--theme", "pink", "--out", "a.png"], ["pink", "dark"]),
    "a size without x": (["shoot", "--size", "800", "--out", "a.png"], ["800", "640x400"]),
    "a tiny size": (["shoot", "--size", "10x10", "--out", "a.png"], ["10x10"]),
    "a huge scale": (["shoot", "--scale", "9", "--out", "a.png"], ["--scale", "[0.75, 2]"]),
    "a nan scale": (["shoot", "--scale", "nan", "--out", "a.png"], ["--scale", "[0.75, 2]"]),
}


@pytest.fixture(scope="module")
def things(place):
    (place / "empty").mkdir()
    (place / "dots.png").mkdir()
    (place / "text.txt").write_text("words")
    Image.new("RGB", (9, 9)).save(place / "foreign.png")
    names = {"empty": "empty", "text": "text.txt", "run": "run", "dots": "dots.png", "picture": "foreign.png"}
    return {k: str(place / v) for k, v in names.items()}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(do, things, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path) if name != "an unknown page" else None
    words, says = BAD[name]
    refused(do(*[w.format(**things) for w in words], "--json"), *says)
    assert not (tmp_path / "home" / "runs").exists()  # nothing was begun


def test_a_folder_that_is_not_empty(do, place, run, tmp_path):
    before = do("inspect", run, "--json").out
    refused(train(do, place, run), "not empty", "--force")
    assert do("inspect", run, "--json").out == before
    (tmp_path / "file").write_text("mine")
    refused(train(do, place, tmp_path / "file"), "is a file")
    assert train(do, place, run, "--force", steps=1).json["steps"] == 1


def test_force_does_not_touch_what_is_not_a_run(do, place, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    assert train(do, place, tmp_path / "mine", "--force", steps=1).status == 0
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"


def test_a_bad_setting_leaves_no_folder(do, place, tmp_path):
    refused(train(do, place, tmp_path / "r", "--set", "gamma=2"), "γ")
    assert not (tmp_path / "r").exists()


def test_truncated_png_is_skipped(do, place, tmp_path):
    folder = shutil.copytree(place / "pictures", tmp_path / "p")
    content = (folder / "05.png").read_bytes()
    (folder / "05.png").write_bytes(content[: len(content) // 2])
    done = do("train", "began", "--data", folder, *SET, "--steps", 1, "--out", tmp_path / "r", "--json")
    assert done.status == 0
    assert "23 pictures" in do("inspect", tmp_path / "r", "--json").json["data"]["title"]


def test_a_zip_that_points_outside(do, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../evil.png", b"x")
    refused(do("train", "began", "--data", tmp_path / "a.zip"), "outside")


def test_a_checkpoint_cut_short_falls_back_to_the_one_before(do, run):
    path = run / "checkpoints/000000030.safetensors"
    os.truncate(path, path.stat().st_size // 2)
    assert do("resume", run, "--steps", 21, "--json").json["steps"] == 21


def test_all_checkpoints_cut_short(do, run):
    for path in run.glob("checkpoints/*.safetensors"):
        os.truncate(path, path.stat().st_size // 2)
    refused(do("resume", run, "--steps", 40, "--json"), "damaged or cut short")
    refused(do("inspect", run / "checkpoints/000000030.safetensors"), "damaged or cut short")
    refused(do("inspect", run), "damaged or cut short")


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\xff" * 8])
def test_a_checkpoint_that_is_none(do, tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    refused(do("inspect", tmp_path / "a.safetensors"), "damaged")


@pytest.mark.parametrize("metadata", [None, {"studio": "{}"}, {"studio": "[]"}, {"studio": "x"}, {"studio": '{"format": 1, "about": {}}'}])
def test_a_checkpoint_of_somebody_else(do, tmp_path, metadata):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata)
    refused(do("inspect", tmp_path / "a.safetensors"), "a.safetensors")


def test_a_run_of_a_newer_version(do, run):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"format": 99}))
    for words in (["resume", run], ["sample", run, "--out", run.parent / "a.png"], ["inspect", run]):
        refused(do(*words, "--json"), "newer version", "update")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}'])
def test_a_damaged_run_json(do, run, text):
    (run / "run.json").write_text(text)
    refused(do("resume", run, "--json"), "damaged")


def test_a_run_of_another_system(do, run):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"system": "tgan"}))
    refused(do("resume", run, "--json"), "no system called")


def test_data_that_have_changed(do, place, tmp_path):
    folder = shutil.copytree(place / "pictures", tmp_path / "p")
    do("train", "began", "--data", folder, *SET, "--steps", 1, "--out", tmp_path / "r")
    (folder / "03.png").unlink()
    refused(do("resume", tmp_path / "r", "--steps", 2), "does not hold the pictures")
    shutil.rmtree(folder)
    refused(do("resume", tmp_path / "r", "--steps", 2), "no data source, file or folder")
    assert do("sample", tmp_path / "r", "-n", 2, "--out", tmp_path / "s.png").status == 0  # samples need no data


def test_a_run_in_use_by_another_process(do, run, place):
    program = f"""
import pathlib, sys
from models.run import Run
run = Run.open(pathlib.Path({str(run)!r}), data=False)
print("open", flush=True)
sys.stdin.read()
"""
    other = subprocess.Popen([sys.executable, "-c", program], cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "open\n"
        refused(do("resume", run, "--steps", 40, "--json"), "another process", str(other.pid))
        refused(train(do, place, run, "--force"), "another process")
        assert do("sample", run, "-n", 2, "--out", run.parent / "s.png").status == 0  # looking is allowed
        assert do("inspect", run).status == 0
    finally:
        other.communicate("")
    assert do("resume", run, "--steps", 31, "--json").json["steps"] == 31


def fails_with(monkeypatch, number, after=0):
    """Every write after the first `after` ones fails as the system would."""
    count = [0]
    plain = files.os.replace

    def replace(*words):
        count[0] += 1
        if count[0] > after:
            raise OSError(number, os.strerror(number))
        return plain(*words)

    monkeypatch.setattr(files.os, "replace", replace)


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "is full"), (errno.EACCES, "no permission"), (errno.EROFS, "no permission"), (errno.EIO, "could not")]
)
def test_a_place_that_cannot_be_written(do, place, run, tmp_path, monkeypatch, number, says):
    fails_with(monkeypatch, number)
    refused(train(do, place, tmp_path / "r"), says, status=1)
    refused(do("sample", run, "-n", 2, "--out", tmp_path / "s.png"), says, status=1)
    assert not (tmp_path / "s.png").exists()
    refused(do("resume", run, "--steps", 33), says, status=1)
    monkeypatch.undo()
    assert do("resume", run, "--steps", 33, "--json").json["steps"] == 33  # nothing is lost


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(do, place, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(train(do, place, tmp_path / "locked" / "r"), "no permission", status=1)


def test_a_disk_that_fills_up_while_it_trains(do, run, monkeypatch):
    from models.journal import RunFolder

    def full(self, rows):
        raise files.trouble(OSError(errno.ENOSPC, "full"), self.path)

    monkeypatch.setattr(RunFolder, "add_rows", full)
    refused(do("resume", run, "--steps", 200, "--json"), "is full", status=1)
    monkeypatch.undo()
    assert do("resume", run, "--steps", 31, "--json").json["steps"] == 31


def test_a_loss_that_is_not_finite(do, run, monkeypatch):
    from models.algorithms import began

    plain = began.step

    def step(state, batch, knobs):
        info = plain(state, batch, knobs)
        return info._replace(loss_real=info.loss_real * float("nan")) if state.step == 40 else info

    monkeypatch.setattr(began, "step", step)
    refused(do("resume", run, "--steps", 80, "--json"), "loss_real", "step 40", "last good state is kept", status=1)
    monkeypatch.undo()
    assert do("resume", run, "--steps", 31, "--json").json["steps"] == 31


def test_a_memory_that_is_full(do, run, monkeypatch):
    from models.algorithms import began

    def step(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore lines")

    monkeypatch.setattr(began, "step", step)
    refused(do("resume", run, "--steps", 80, "--json"), "no memory", "smaller batch", status=1)
    monkeypatch.undo()
    assert do("resume", run, "--steps", 31, "--json").json["steps"] == 31


# --- processes -----------------------------------------------------------------------------------------------------------


def test_settings_parser():
    assert training.settings(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(BadInput, match="NAME=VALUE"):
        training.settings(["a"])


def test_no_display_no_window():
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run([sys.executable, "-m", "studio"], cwd=REPO, env=environment, capture_output=True, text=True, timeout=60)
    refused(Done(done.returncode, done.stdout, done.stderr), "no display", "xvfb-run", status=1)


def test_words_survive_a_terminal_without_unicode():
    done = studio("train", "began", "--settings", PYTHONIOENCODING="ascii")
    assert done.status == 0, done
    done = studio("train", "began", "--settings", "--json", PYTHONIOENCODING="ascii")
    assert "γ" in {s["symbol"] for s in done.json["settings"]}


def test_a_pipe_that_closes_early():
    done = subprocess.run(
        f"{sys.executable} -m studio train began --settings | head -n 1", shell=True, cwd=REPO, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_resumes_bit_equal(do, place, tmp_path, number):
    words = ["train", "began", "--data", str(place / "pictures"), *SET, "--steps", "100000", "--out", str(tmp_path / "r"), "--json"]
    running = subprocess.Popen([sys.executable, "-m", "studio", *words], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not ((tmp_path / "r/metrics.f32").exists() and (tmp_path / "r/metrics.f32").stat().st_size) and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    refused(Done(running.returncode, out, err), "Stopped at step", "sampling-studio resume", status=1)
    step = do("inspect", tmp_path / "r", "--json").json["steps"]
    assert step > 0
    total = step + 5
    again = do("resume", tmp_path / "r", "--steps", total, "--json").json
    assert again["state_hash"] == train(do, place, tmp_path / "whole", steps=total).json["state_hash"]


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_kill_9_loses_nothing_but_time(do, place, tmp_path):
    words = ["train", "began", "--data", str(place / "pictures"), *SET, "--steps", "100000", "--out", str(tmp_path / "r")]
    running = subprocess.Popen([sys.executable, "-m", "studio", *words], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not ((tmp_path / "r/metrics.f32").exists() and (tmp_path / "r/metrics.f32").stat().st_size) and time.monotonic() < end:
        time.sleep(0.02)
    running.kill()
    running.communicate(timeout=60)
    again = do("resume", tmp_path / "r", "--steps", 8, "--json").json
    assert again["state_hash"] == train(do, place, tmp_path / "whole", steps=8).json["state_hash"]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal_and_only_on_stderr(place, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    words = ["train", "began", "--data", str(place / "pictures"), *SET, "--steps", "150", "--out", str(tmp_path / "r"), "--json"]
    running = subprocess.Popen([sys.executable, "-m", "studio", *words], cwd=REPO, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end has closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert len(out.splitlines()) == 1
    assert "of 150" in seen.decode()
    assert "it/s" in seen.decode()


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_ctrl_c_in_make_run_lets_the_studio_save(tmp_path):
    child = (
        "import signal, sys, time, pathlib\n"
        "def save(*_): time.sleep(1); pathlib.Path(sys.argv[1], 'saved').touch(); sys.exit(1)\n"
        "signal.signal(signal.SIGINT, save); pathlib.Path(sys.argv[1], 'up').touch(); time.sleep(30)"
    )
    parent = f"import sys; from studio.first_run import call; sys.exit(call([sys.executable, '-c', {child!r}, {str(tmp_path)!r}]))"
    running = subprocess.Popen([sys.executable, "-c", parent], cwd=REPO, start_new_session=True)
    end = time.monotonic() + 30
    while not (tmp_path / "up").exists() and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    assert running.wait(30) == 1
    assert (tmp_path / "saved").exists()


def test_pictures_that_were_skipped_are_named(tmp_path, capsys):
    folder = pictures(tmp_path / "pictures")
    (folder / "broken.png").write_bytes((folder / "00.png").read_bytes()[:80])
    assert main(["train", "began", "--data", str(folder), "--steps", "1", "--out", str(tmp_path / "run"), *SET]) == 0
    said = capsys.readouterr().err
    assert "1 of 25 pictures were skipped" in said
    assert "broken.png" in said


def test_a_damaged_checkpoint_is_told(do, place, tmp_path):
    run = tmp_path / "damaged"
    assert train(do, place, run, steps=3).status == 0
    newest = max((run / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-10])
    for words in (("sample", run, "-n", "2", "--out", tmp_path / "a.png"), ("resume", run, "--steps", "1")):
        done = do(*words)
        assert done.status == 0
        assert "step 3 cannot be read" in done.err


def test_a_symbol_names_its_setting(do, place, tmp_path):
    assert train(do, place, tmp_path / "symbol", "--set", "γ=0.3", steps=1).status == 0
    assert json.loads(do("inspect", tmp_path / "symbol", "--json").out)["knobs"]["gamma"] == 0.3


def test_settings_are_those_of_the_preset(do):
    assert {s["name"]: s["default"] for s in do("train", "began", "--settings", "--json").json["settings"]}["gamma"] == 0.75


def test_a_fork_goes_on_from_a_kept_step(do, place, run, tmp_path):
    made = do("fork", run, "--step", 20, "--set", "gamma=0.3", "--out", tmp_path / "fork", "--json").json
    assert (made["run"], made["step"], made["knobs"]) == (str(tmp_path / "fork"), 20, {"gamma": 0.3})
    again = do("fork", run, "--step", 20, "--out", tmp_path / "again", "--json").json["run"]
    done = do("resume", again, "--steps", 30, "--json").json
    assert done["state_hash"] == do("inspect", run, "--json").json["state_hash"]  # bit for bit what it was forked from
    told = {r["name"]: r["parent"] for r in do("runs", "--json").json["runs"]}
    assert told["fork"]["step"] == 20
    assert told["fork"]["name"] == "run"
    refused(do("fork", run, "--step", 21, "--out", tmp_path / "x"), "no checkpoint of step 21", "12, 20, 30")
    refused(do("fork", run, "--step", 20, "--set", "gamma=7", "--out", tmp_path / "x"), "γ")
    refused(do("fork", run, "--step", 20, "--out", run), "not empty")
    refused(do("fork", "nobody", "--step", 20), "nobody")
