"""`fill` on the command line: what it prints, what it writes, what it refuses."""

import json
import re
import shutil

import pytest

from models.errors import BadInput
from models.run import Run
from studio import recipe
from studio.commands.fill import _columns
from tests.studio.driving import enter
from tests.studio.tiny import pictures, refused, run_with_history
from tests.studio.toyfill import FILLS, listed
from tests.studio.toytext import WORDS, toy_run

TEXT = "春 ___ the ___ 晓"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run that fills, one that writes, one that draws; nobody changes them."""
    folder = tmp_path_factory.mktemp("fill")
    with pytest.MonkeyPatch.context() as patch:
        listed(patch)
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        toy_run(folder / "desk", "toyfill")
        toy_run(folder / "verses")
        run_with_history(folder / "faces", pictures(folder / "pictures"))
    return folder


@pytest.fixture
def run(place, monkeypatch):
    listed(monkeypatch)
    return place / "desk"


def test_json_tells_each_alternative(do, run):
    done = do("fill", run, TEXT, "-n", 3, "--seed", 4, "--json")
    assert (done.status, list(done.json)) == (0, ["fillings", "net", "seed", "step", "notes"])
    assert (done.json["net"], done.json["seed"], done.json["step"]) == ("maskgan", 4, 20)
    assert len(done.json["fillings"]) == 3
    for one in done.json["fillings"]:
        assert list(one) == ["text", "tokens", "blanks", "probabilities", "realism", "log_p", "valid", "why"]
        end = len(one["tokens"])
        assert one["blanks"] == [at for at in (1, 3) if at < end]
        assert [one["tokens"][at] for at in (0, 2, 4) if at < end] == [word for at, word in ((0, "春"), (2, "the"), (4, "晓")) if at < end]
        assert one["text"] == " ".join(one["tokens"])
        assert (len(one["probabilities"]), len(one["realism"])) == (len(one["blanks"]), end)
        assert all(0 <= p <= 1 for p in one["probabilities"] + one["realism"])
        assert all(word in WORDS for word in one["tokens"])
    assert done.json["notes"] == ["'zebra' is not in the vocabulary; did you mean 'zero'?"]
    assert done.err == ""


def test_a_person_reads_one_alternative_a_line(do, run):
    found = do("fill", run, TEXT, "-n", 4, "--json").json["fillings"]
    done = do("fill", run, TEXT, "-n", 4)
    lines = done.out.splitlines()
    assert len(lines) == 4
    for line, one in zip(lines, found, strict=True):
        marked = re.findall(r"\[(.*?)\]", line)
        assert marked == [one["tokens"][at] for at in one["blanks"]]
        assert line.replace("[", "").replace("]", "").startswith(one["text"])
        assert [float(p) for p in re.search(r"  p ([\d.e\- ]+)", line)[1].split()] == pytest.approx(one["probabilities"], abs=0.005)
    assert len({_columns(line.split("  p ")[0]) for line in lines}) == 1  # they are below each other, wide letters too
    assert lines[0].endswith("  valid")
    assert lines[1].endswith("  not valid: 'dogs … sleeps' do not agree in number.")
    assert "valid" not in lines[2]
    assert done.err == "sampling-studio: 'zebra' is not in the vocabulary; did you mean 'zero'?\n"


@pytest.mark.parametrize(
    "words", [["--seed", "5"], ["--temperature", "0.3"], ["--top-k", "1"], ["--nucleus", "0.3"], ["--step", "8"], ["--net", "maskmle"]]
)
def test_every_option_decides(do, run, words):
    plain, other = (do("fill", run, TEXT, "-n", 8, "--json", *more).json for more in ([], words))
    assert plain["fillings"] != other["fillings"]
    assert other == do("fill", run, TEXT, "-n", 8, "--json", *words).json


def test_an_open_end(do, run):
    found = do("fill", run, "春 眠", "--open-end", "-n", 8, "--json").json["fillings"]
    assert {tuple(one["blanks"]) for one in found} <= {(), (2,), (2, 3)}
    assert all(one["tokens"][:2] == ["春", "眠"] for one in found)
    assert max(len(one["tokens"]) for one in found) == 4


def test_it_needs_no_data_and_no_training(do, run, monkeypatch, tmp_path):
    monkeypatch.setattr(FILLS, "open_data", lambda *_: pytest.fail("the data were opened"))
    shutil.copytree(run, tmp_path / "run")
    assert do("fill", tmp_path / "run", TEXT, "--step", 0, "--json").json["step"] == 0


def test_files_carry_what_was_asked(do, run, tmp_path):
    how = ["--temperature", 0.7, "--top-k", 4, "--nucleus", 0.9, "--seed", 8, "-n", 3]
    for ending, nets in ((".html", ["maskgan", "maskmle"]), (".jsonl", ["maskgan"]), (".TXT", ["maskgan"])):
        out = tmp_path / f"a{ending}"
        done = do("fill", run, TEXT, *how, "--out", out, "--json")
        assert done.json["out"] == str(out)
        made = recipe.read(out)["made"]
        assert made["options"] == {"temperature": 0.7, "top_k": 4, "nucleus": 0.9, "shown": 0, "k": 9}
        assert (made["seed"], made["count"], made["nets"]) == (8, 3, nets)
        assert made["desk"] == {"tokens": ["春", "", "the", "", "晓"], "blanks": [1, 3], "open_end": False, "fixed": []}
        said = [one["text"] for one in done.json["fillings"]]
        text = out.read_text("utf-8")
        if ending == ".TXT":
            assert text.splitlines() == said
        if ending == ".jsonl":
            assert [json.loads(line)["text"] for line in text.splitlines()] == said
    assert 20 in Run.open(run, write=False, data=False).folder.pins()
    do("fill", run, TEXT, "--net", "maskmle", "--out", tmp_path / "b.html")
    assert recipe.read(tmp_path / "b.html")["made"]["nets"] == ["maskmle"]
    done = do("fill", run, TEXT, "--out", tmp_path / "b.txt")
    assert done.out.splitlines()[-1] == f"{tmp_path / 'b.txt'}: Fillings, step 20, seed 0"


def test_inspect_tells_the_desk(do, run, tmp_path):
    for ending in (".html", ".jsonl", ".txt"):
        out = tmp_path / f"a{ending}"
        do("fill", run, TEXT, "--seed", 6, "--out", out)
        told = do("inspect", out, "--json").json
        assert (told["seed"], told["steps"], told["desk"], told["made"]["count"]) == (6, 20, "春 ___ the ___ 晓", 5)
        assert "春 ___ the ___ 晓" in do("inspect", out).out
    beside = recipe.beside(out)
    beside.write_text(beside.read_text("utf-8").replace('"blanks": [1, 3]', '"blanks": [9]'), "utf-8")
    refused(do("inspect", out), "no desk with blanks")


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("desk", ["the cat"], ["no blank", "___"]),
        ("desk", [""], ["no blank"]),
        ("verses", [TEXT], ["fill is for MaskGAN runs", "verses is a Toy text run"]),
        ("faces", [TEXT], ["fill is for MaskGAN runs", "faces is a BEGAN run"]),
        ("nothing", [TEXT], ["nothing"]),
        ("desk", [TEXT, "--out", "a.png"], [".png", "--out takes .html, .jsonl, .txt"]),
        ("desk", [TEXT, "--out", "a"], ["--out takes"]),
        ("desk", [TEXT, "--out", "."], ["is a folder"]),
        ("desk", [TEXT, "--net", "lm"], ["--net", "maskgan"]),
        ("desk", [TEXT, "-n", "0"], ["-n", "from 1 to 64"]),
        ("desk", [TEXT, "--temperature", "0"], ["--temperature", "above 0"]),
        ("desk", [TEXT, "--top-k=-1"], ["--top-k"]),
        ("desk", [TEXT, "--nucleus", "2"], ["--nucleus"]),
        ("desk", [TEXT, "--step", "9"], ["9"]),
        ("desk", [], ["text"]),
    ],
)
def test_what_does_not_fit_is_refused(do, place, run, monkeypatch, tmp_path, name, words, says):
    monkeypatch.chdir(tmp_path)
    refused(do("fill", place / name, *words, "--json"), *says)
    assert not [path for path in tmp_path.iterdir() if path.name not in ("home", "config")]


def test_what_the_system_refuses_is_one_sentence(do, run, monkeypatch):
    def broken(*_, **__):
        raise BadInput("All of it is blank: leave a word.")

    monkeypatch.setitem(FILLS.views, "fill", broken)
    refused(do("fill", run, TEXT), "All of it is blank: leave a word.")


def test_a_dropped_file_opens_the_run_that_made_it(window, run, do, tmp_path, monkeypatch):
    went = []
    monkeypatch.setattr(window, "open_run", lambda path, *_, **__: went.append(path))
    for ending in (".html", ".jsonl", ".txt"):
        do("fill", run, TEXT, "--out", tmp_path / f"a{ending}")
        enter(window, tmp_path / f"a{ending}")
    assert went == [run] * 3
