"""`sampling-studio chain`."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from models.errors import BadData
from models.run import Run
from models.samplers.parts import Classifier
from models.samplers.variants import VARIANTS
from studio import recipe
from studio.cli import main

KEYS = {
    "out",
    "variant",
    "mode",
    "conditions",
    "epsilon",
    "steps",
    "chains",
    "log_p",
    "agreement",
    "seed",
    "scorer_log_p",
    "frozen",
    "agreement_note",
}


@pytest.fixture
def chain(walkable, tmp_path, capsys):
    """Run the command on the run; returns the JSON, and what was said on stderr."""

    def go(*words: str, out: str = "a.png", status: int = 0, **_) -> tuple[dict, str]:
        full = ["chain", str(walkable), "--out", str(tmp_path / out), "--chains", "4", "--steps", "5", *words, "--json"]
        assert main(full) == status
        said = capsys.readouterr()
        if status:
            assert said.out == ""
            assert len(said.err.strip().splitlines()) == 1, said.err
            return {}, said.err
        return json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is not strict JSON")), said.err

    return go


def test_the_keys_and_their_values(chain, tmp_path):
    found, said = chain("--condition", "left")
    assert set(found) >= KEYS | {"seconds", "objective", "agreed"}
    assert (found["variant"], found["mode"], found["conditions"], found["steps"], found["chains"]) == ("noiseless-joint", "paper", ["left"], 5, 4)
    assert found["epsilon"] == list(VARIANTS["noiseless-joint"].defaults["paper"].values())
    assert len(found["log_p"]) == len(found["scorer_log_p"]) == 4
    assert all(v <= 0 for v in found["log_p"])
    assert found["agreement"] == sum(found["agreed"]) / 4
    assert (found["seed"], found["frozen"], found["agreement_note"]) == (0, 0, None)
    assert said == ""
    assert (tmp_path / "a.png").is_file()


def test_a_sheet_that_is_kept_knows_what_its_chains_were_asked_for(chain, tmp_path):
    from studio.gallery.store import Gallery
    from studio.gallery.taking import keep_file

    found, _ = chain("--condition", "left")
    gallery = Gallery.open(tmp_path / "gallery.db")
    assert {gallery.entry(i).label for i in keep_file(gallery, Path(found["out"]))} == {"left"}
    gallery.close()


def test_chains_climb(chain):
    words = ("--condition", "right", "--epsilon", "0,1,0", "--chains", "8")
    start, end = chain(*words, "--steps", "0")[0], chain(*words, "--steps", "25")[0]
    assert start["steps"] == 0
    assert np.mean(end["log_p"]) > np.mean(start["log_p"]) + 0.05
    assert chain(*words, "--steps", "25")[0]["log_p"] == end["log_p"]
    assert chain(*words, "--steps", "25", "--seed", "1")[0]["log_p"] != end["log_p"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", ["paper", "released"])
def test_every_variant_has_epsilons_of_its_own(chain, variant, mode):
    found, _ = chain("--variant", variant, "--mode", mode, "--condition", "left", "--steps", "2")
    own = VARIANTS[variant].defaults[mode]
    assert found["epsilon"] == [own[f"epsilon{i}"] for i in (1, 2, 3)]
    assert found["step_size"] == (own["step_size"] if mode == "released" else None)
    assert (found["variant"], found["mode"], found["frozen"]) == (variant, mode, 0)


def test_several_conditions_with_weights_and_all_settings(chain, tmp_path):
    found, _ = chain(
        *("--condition", "left:2", "--condition", "right:-0.5", "--condition", "unit:h/3", "--mode", "released", "--epsilon", "0.1,2,0.3"),
        *("--step-size", "0.25", "--clip", "1.5", "--objective", "logit", "--start", "codes", "--seed", "7"),
    )
    assert found["conditions"] == ["left:2", "right:-0.5", "unit:h/3"]
    assert (found["epsilon"], found["step_size"], found["clip"], found["objective"]) == ([0.1, 2.0, 0.3], 0.25, 1.5, "logit")
    assert found["agreement"] is None
    assert "hidden neurons" in found["agreement_note"]
    assert found["scorer_log_p"] is None
    told = recipe.read(tmp_path / "a.png")["chains"]
    assert (told["start"], told["seed"], told["setup"]["knobs"]["clip"]) == ("codes", 7, 1.5)


def test_the_hand_made_prior(chain):
    words = ("--variant", "handmade", "--condition", "left", "--epsilon", "1,0,0")
    assert chain(*words)[0]["log_p"] != chain(*words, "--handmade", "variation")[0]["log_p"]


def test_the_epsilons_of_the_authors_are_of_the_other_mode(chain):
    words = ("--condition", "left", "--epsilon", "1e-5,1,1e-17")
    _, said = chain(*words)
    assert said.count("\n") == 1
    assert "ε 1e-05,1,1e-17 are numbers of mode released" in said
    assert chain(*words, "--mode", "released")[1] == ""
    assert chain("--condition", "left", "--epsilon", "1e-3,1,0")[1] == ""


def test_a_picture_and_a_mask(chain, tmp_path):
    """What is black in the mask is kept, pixel by pixel; both are cut to their centre squares."""
    pixels = np.zeros((40, 64, 3), np.uint8)
    pixels[:, 12:52] = (200, 30, 60)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    white = np.zeros((80, 128), np.uint8)
    white[40:] = 255
    Image.fromarray(white).save(tmp_path / "m.png")
    words = ("--condition", "left", "--start", str(tmp_path / "p.png"), "--mask", str(tmp_path / "m.png"))
    found, _ = chain(*words, out="f/")
    assert found["epsilon"] == [1e-2, 1.0, 1e-15, 0.1]
    for path in (tmp_path / "f").iterdir():
        with Image.open(path) as image:
            made = np.asarray(image)
        assert (made[:16] == (200, 30, 60)).all()
        assert not (made[16:] == (200, 30, 60)).all()
    assert chain(*words, "--epsilon", "0,1,0,0.5", "--mode", "released")[0]["epsilon"] == [0, 1, 0, 0.5]


def test_the_formats(chain, tmp_path):
    for name in ("a.png", "a.webp", "a.gif", "a.apng", "a.html", "a.csv", "a.nc"):
        chain("--condition", "left", out=name)
        assert recipe.read(tmp_path / name)["kind"].startswith("chains-")
    chain("--condition", "left", "--strip", "--frames", "3", out="s.png")
    assert recipe.read(tmp_path / "s.png")["made"]["backs"] == [5, 3, 0]
    chain("--condition", "left", "--frames", "4", "--fps", "5", "--zoom", "2", out="b.webp")
    with Image.open(tmp_path / "b.webp") as image:
        assert (image.n_frames, image.size[0]) == (4, 2 * 2 * 32)  # pyright: ignore[reportAttributeAccessIssue]
    chain("--condition", "left", out="f/")
    assert len(list((tmp_path / "f").iterdir())) == 4
    assert "not empty" in chain("--condition", "left", out="f/", status=2)[1]
    chain("--condition", "left", "--force", out="f/")


def test_diverged_chains_are_told_and_the_others_go_on(chain):
    found, said = chain("--variant", "gaussian", "--condition", "left", "--clip", "0", "--epsilon", "1e6,1,1", "--steps", "30")
    assert found["frozen"] == 4
    assert all(v is None or np.isfinite(v) for v in found["log_p"])
    assert found["agreement"] == 0
    assert "4 of 4 chains left the finite numbers" in said


def test_words_for_a_person(walkable, tmp_path, capsys):
    assert main(["chain", str(walkable), "--condition", "left", "--chains", "3", "--steps", "2", "--out", str(tmp_path / "a.png")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path / 'a.png'}: Noiseless Joint PPGN-h, 3 chains, 2 steps in ")
    for words in ("asked for   left", "mode paper", "of 3 chains, by the independent classifier", "worst", "diverged    none"):
        assert words in out


def test_the_checkpoint_stays(chain, walkable):
    chain("--condition", "left")
    run = Run.open(walkable, write=False, data=False)
    assert run.state.step in run.folder.pins()


def test_threads_are_recorded(chain, tmp_path):
    before = torch.get_num_threads()
    try:
        assert chain("--condition", "left", "--threads", "2")[0]["threads"] == 2
        assert recipe.read(tmp_path / "a.png")["plan"]["threads"] == 2
    finally:
        torch.set_num_threads(before)


def test_ctrl_c_writes_what_there_is(chain, tmp_path):
    def hit() -> None:
        time.sleep(0.3)
        while not isinstance(signal.getsignal(signal.SIGINT), type(hit)):
            time.sleep(0.01)
        time.sleep(0.2)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=hit).start()
    found, said = chain("--condition", "left", "--steps", "1000000")
    assert 0 < found["steps"] < 1_000_000
    assert f"Stopped at step {found['steps']:,} of 1,000,000" in said
    assert recipe.read(tmp_path / "a.png")["chains"]["steps"] == found["steps"]


# --- a foreign classifier -----------------------------------------------------------------------------------------


def brightness(**changes) -> Classifier:
    """Sees whether a picture is bright."""

    def logits(x: torch.Tensor) -> dict[str, torch.Tensor]:
        mean = x.mean((1, 2, 3))
        return {"light": torch.stack([mean, -mean], 1) * 9}

    return Classifier("brightness", {"light": ("bright", "dark")}, logits, None, {"spec": "mine.safetensors", "sha256": "ab" * 32} | changes)


@pytest.fixture
def plug(monkeypatch):
    asked = []

    def open_classifier(spec, *, size, channels, device="cpu", trust=None):
        asked.append((spec, size, channels, device, trust))
        if spec == "missing":
            raise BadData("There is no missing: check the name.")
        return brightness(spec=spec)

    monkeypatch.setitem(sys.modules, "models.plug", SimpleNamespace(open_classifier=open_classifier))
    return asked


def test_a_foreign_classifier_in_the_place_of_c(chain, plug, tmp_path):
    found, _ = chain("--condition", "bright", "--classifier", "mine.pt2", "--trust", "ff", "--epsilon", "0,1,0", "--steps", "20")
    assert plug == [("mine.pt2", 32, 3, "cpu", "ff")]
    assert found["classifier"] == "brightness"
    assert found["agreement"] is None
    assert "does not know the class 'bright'" in found["agreement_note"]
    assert found["scorer_log_p"] is None
    first, _ = chain("--condition", "bright", "--classifier", "mine.pt2", "--steps", "0")
    assert np.mean(found["log_p"]) > np.mean(first["log_p"])
    assert recipe.read(tmp_path / "a.png")["chains"]["setup"]["classifier"] == {"spec": "mine.pt2", "sha256": "ab" * 32}
    assert "did you mean 'dark'?" in chain("--condition", "drk", "--classifier", "x", status=2)[1]
    assert "There is no missing" in chain("--condition", "dark", "--classifier", "missing", status=2)[1]


# --- what cannot be done ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--condition", "left", "--epsilon", "abc"], "--epsilon takes numbers of at least 0; got 'abc'"),
        (["--condition", "left", "--epsilon=-1,1,0"], "got '-1'"),
        (["--condition", "left", "--epsilon=1,nan,0"], "got 'nan'"),
        (["--condition", "left", "--epsilon=1,inf,0"], "got 'inf'"),
        (["--condition", "left", "--epsilon=1e9,1,0"], "ε1 (epsilon1) must be a number in [0, 1e+06]"),
        (["--condition", "left", "--epsilon=1,1"], "takes three numbers"),
        (["--condition", "left", "--epsilon=1,1,1,1,1"], "takes three numbers"),
        (["--condition", "left", "--epsilon=1,1,1,1"], "there is no mask"),
        (["--condition", "left", "--step-size", "0.1"], "acts in mode released only"),
        (["--condition", "left", "--step-size", "x", "--mode", "released"], "--step-size takes numbers"),
        (["--condition", "left", "--step-size", "0", "--mode", "released"], "step (step_size) must be"),
        (["--condition", "left", "--clip=-1"], "--clip takes numbers"),
        (["--condition", "left", "--mode", "fast"], "invalid choice: 'fast'"),
        (["--condition", "left", "--variant", "ppgn"], "There is no variant 'ppgn'; there are am"),
        (["--condition", "left", "--handmade", "blur"], "is the prior of the variant handmade"),
        (["--condition", "leftt"], "did you mean 'left'?"),
        (["--condition", "caption:a square"], "no captioner here"),
        (["--condition", "unit:h/99"], "an index below 8"),
        (["--condition", "left:0"], "a number other than 0"),
        ([], "give --condition CLASS or caption:TEXT; this run knows the classes left, right"),
        (["--condition", "left", "--chains", "5000"], "There are 1 to 4,096 chains"),
        (["--condition", "left", "--steps", "-1"], "must be a whole number from 0"),
        (["--condition", "left", "--start", "nowhere.png"], "There is no start picture nowhere.png"),
        (["--condition", "left", "--start", "{text}"], "is not a picture that can be read"),
        (["--condition", "left", "--mask", "{text}"], "give --start FILE"),
        (["--condition", "left", "--mask", "{text}", "--start", "{grey}"], "The mask text.png is not a picture"),
        (["--condition", "left", "--mask", "gone.png", "--start", "{grey}"], "There is no mask gone.png"),
        (["--condition", "left", "--mask", "{grey}", "--start", "{grey}"], "The mask covers nothing"),
        (["--condition", "left", "--trust", "ab"], "give the classifier with --classifier"),
        (["--condition", "left", "--device", "cuda"], "no usable cuda device"),
    ],
)
def test_bad_input_is_one_line(chain, tmp_path, words, says):
    if "--device" in words and torch.cuda.is_available():
        pytest.skip("there is one here")
    (tmp_path / "text.png").write_text("words")
    Image.new("L", (32, 32), 80).save(tmp_path / "grey.png")
    names = {"text": str(tmp_path / "text.png"), "grey": str(tmp_path / "grey.png")}
    _, said = chain(*(word.format(**names) for word in words), status=2)
    assert says in said
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("out", "words", "says"),
    [
        ("a.txt", (), "Nothing here writes '.txt'"),
        ("a.html", ("--strip",), "--strip writes .png"),
        ("a.nc", ("--steps", "0"), "no scalars before their first step"),
        ("a.png", ("--fps", "5"), "--fps has no meaning for a.png: it is for animation"),
        ("a.png", ("--frames", "5"), "it is for strip, animation"),
        ("here.png", (), "is a folder"),
    ],
)
def test_what_cannot_be_written(chain, tmp_path, out, words, says):
    (tmp_path / "here.png").mkdir()
    assert says in chain("--condition", "left", *words, out=out, status=2)[1]


def test_runs_that_will_not_do(walkable, tmp_path, capsys):
    from tests.studio.tiny import TINY, pictures, ppgn_run

    Run.create(tmp_path / "began", "began", str(pictures(tmp_path / "p")), config=TINY).close()
    data = json.loads((walkable / "run.json").read_text())["data"]["spec"]
    ppgn_run(tmp_path / "ppgn", data, without=("dae-h", "scorer"))
    last = ["--condition", "left", "--chains", "2", "--steps", "1", "--out", str(tmp_path / "a.png"), "--json"]
    assert main(["chain", str(tmp_path / "began"), *last]) == 2
    assert "began is a run of BEGAN: give a run of PPGN" in capsys.readouterr().err
    assert main(["chain", str(tmp_path / "ppgn"), "--variant", "ppgn-h", *last]) == 2
    assert "needs the phase 'dae-h'" in capsys.readouterr().err
    assert main(["chain", str(tmp_path / "gone"), *last]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["chain", str(tmp_path / "ppgn"), *last]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["agreement"], found["scorer_log_p"]) == (None, None)
    assert "train its phase 'scorer'" in found["agreement_note"]


def test_an_epsilon_without_its_term_is_told(chain):
    found, said = chain("--condition", "left", "--variant", "am", "--epsilon", "1,1,0")
    assert "has no prior, so ε1 acts on nothing" in said
    assert found["epsilon"] == [1, 1, 0]
    assert "acts on nothing" not in chain("--condition", "left", "--variant", "am", "--epsilon", "0,1,0")[1]
