"""SeqGAN on the command line from outside: every kind of data, on with it, and one sentence for each kind of bad input."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from studio.cli import main
from tests.studio.tiny import Done, refused

SMALL = {"T": 8, "vocab": 60, "e": 4, "h": 4, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 8, "oracle_size": 64, "measure_every": 2}
SET = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
NOUNS, VERBS = ("cat", "dog", "bird", "child"), ("sees", "hears", "likes", "follows")


def sentences(path: Path, count: int = 60) -> Path:
    """A text file in which somebody does something to somebody."""
    chance = random.Random(0)
    lines = [f"the {chance.choice(NOUNS)} {chance.choice(VERBS)} the {chance.choice(NOUNS)} ." for _ in range(count)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def arrays(V: int = 12, e: int = 3, h: int = 3) -> dict[str, np.ndarray]:
    """An oracle as an .npz has it."""
    rng = np.random.default_rng(0)
    shapes = {"emb": (V, e), "V": (h, V), "c": (V,)}
    for gate in "ifoc":
        shapes |= {f"W{gate}": (e, h), f"U{gate}": (h, h), f"b{gate}": (h,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def do(capfd, tmp_path, monkeypatch):
    """A command in this process and in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        status = main([str(w) for w in words])
        said = capfd.readouterr()
        return Done(status, said.out, said.err)

    return call


def train(do, data, *more, steps=3):
    return do("train", "seqgan", "--data", data, *SET, "--steps", steps, "--threads", 1, "--json", *more)


@pytest.mark.parametrize("data", ["verses.txt", "grammar", "oracle", "x.npz"])
def test_a_run_on_each_kind_of_data(do, tmp_path, monkeypatch, data):
    from models.data import grammar

    monkeypatch.setattr(grammar, "COUNT", 80)
    sentences(tmp_path / "verses.txt")
    np.savez(tmp_path / "x.npz", **arrays())  # pyright: ignore[reportArgumentType]
    more = ["--set", "T=16"] if data == "grammar" else []
    made = train(do, data, "--out", tmp_path / "run", *more)
    assert made.status == 0, made.err
    assert made.json["system"] == "seqgan"
    assert {name: told["steps"] for name, told in made.json["phases"].items()} == {"mle": 3}
    assert (made.json["metrics"]["NLL_oracle"] is not None) == (data in ("oracle", "x.npz"))
    assert 0 < made.json["metrics"]["NLL_gen"] < 10
    about = do("inspect", tmp_path / "run", "--json").json
    assert (about["system"], about["steps"]) == ("seqgan", 3)
    on = do("resume", tmp_path / "run", "--steps", 5, "--set", "lr=0.003", "--json")
    assert on.json["steps"] == 5
    scores = do("evaluate", tmp_path / "run", "-n", 20, "--json")
    assert scores.status == 0, scores.err
    found = scores.json["metrics"]
    assert found["NLL_gen"]["reference"] == found["mle_NLL_gen"]["value"]
    assert ("validity" in found) == (data == "grammar")
    assert ("NLL_oracle" in found) == (data in ("oracle", "x.npz"))
    assert do("sample", tmp_path / "run", "-n", 3, "--out", tmp_path / "a.txt", "--json").json["count"] == 3
    assert do("verify", tmp_path / "a.txt", "--json").json["verdict"] == "identical"


def test_evaluations_are_told_in_words_of_text(do, tmp_path):
    sentences(tmp_path / "a.txt")
    assert train(do, "a.txt", "--out", "run", "--evaluate-every", 3).status == 0
    from models.run import Run

    run = Run.open(tmp_path / "run", write=False)
    (line,) = [line for line in run.lines if line["what"] == "evaluated"]
    assert "samples: NLL_gen " in line["text"]
    assert "BLEU-2 " in line["text"]
    said = do("evaluate", "run", "-n", 20).out
    assert "pictures" not in said
    assert "MLE: BLEU-2" in said


def test_tokens_are_words_or_characters(do, tmp_path):
    sentences(tmp_path / "a.txt")
    assert train(do, "a.txt", "--tokens", "chars", "--set", "T=40", "--out", "run").status == 0
    assert do("inspect", "run", "--json").json["config"]["unit"] == "chars"
    refused(train(do, "a.txt", "--tokens", "chars", "--set", "unit=words", "--out", "b"), "--tokens chars", "unit=words", "give one")
    refused(do("train", "began", "--data", "faces", "--tokens", "chars"), "learns pictures", "leave out --tokens")


def test_lines_that_were_left_out_are_lines(do, tmp_path):
    path = sentences(tmp_path / "a.txt")
    path.write_text(path.read_text("utf-8") + "\n\n" + "a " * 40 + "\n", "utf-8")
    done = train(do, "a.txt", "--set", "long=drop", "--out", "run")
    assert "lines were skipped" in done.err
    assert "pictures" not in done.err


BAD = {  # a name -> what is in the file, and what is said of it
    "empty.txt": (b"", ["empty.txt"]),
    "binary.txt": (bytes(range(256)) * 20, ["binary.txt"]),
    "latin.txt": ("le garçon a mangé\n".encode("latin-1") * 20, ["latin.txt", "UTF-8"]),
    "one.txt": (b"the only sentence there is .\n", ["1 sentence", "one a line"]),
    "wide.txt": ("\n".join(" ".join(f"w{i}x{j}" for j in range(30)) for i in range(20)).encode(), ["T"]),
}


@pytest.mark.parametrize("name", BAD)
def test_texts_that_cannot_be(do, tmp_path, name):
    content, words = BAD[name]
    (tmp_path / name).write_bytes(content)
    more = ["--set", "long=drop"] if name == "wide.txt" else []
    refused(train(do, name, *more, "--out", "run"), *words)
    refused(do("train", "seqgan", "--data", name, "--json", *SET, *more), *words)
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there(do):
    refused(train(do, "nothing.txt"), "nothing.txt")
    refused(train(do, "gramar"), "grammar")
    refused(do("train", "seqgan"), "--data grammar")


def test_a_vocabulary_that_does_not_fit(do, tmp_path):
    sentences(tmp_path / "a.txt")
    refused(train(do, "a.txt", "--set", "vocab=300000"), "200000")


def test_lines_longer_than_T_are_counted(do, tmp_path):
    sentences(tmp_path / "a.txt")
    said = do("data", "a.txt", "--longest", 3, "--json").json
    assert said["cut"] == 60


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("Uo"), ["'Uo'"]),
        (lambda a: a.update(Wf=np.zeros((2, 3), np.float32)), ["'Wf'", "(2, 3)"]),
        (lambda a: a.update(c=np.full(12, np.nan, np.float32)), ["'c'"]),
        (lambda a: a.update(emb=np.array(["a", "b"])), ["'emb'"]),
    ],
)
def test_an_oracle_that_is_not_whole(do, tmp_path, change, words):
    found = arrays()
    change(found)
    np.savez(tmp_path / "x.npz", **found)  # pyright: ignore[reportArgumentType]
    refused(train(do, "x.npz"), *words)
    refused(do("data", "x.npz"), *words)


def test_a_prompt_of_unknown_words(do, tmp_path):
    sentences(tmp_path / "a.txt")
    train(do, "a.txt", "--out", "run")
    refused(do("sample", "run", "--prompt", "the zebra", "--out", "b.txt"), "'zebra'", "use words of its data")
    refused(do("sample", "run", "--prompt", "the cat sees the cat sees the cat", "--out", "b.txt"), "leave room")
    assert do("sample", "run", "--prompt", "the cat", "-n", 4, "--out", "b.txt").status == 0
    assert all(line.startswith("the cat") for line in (tmp_path / "b.txt").read_text("utf-8").splitlines())


def test_the_help_speaks_of_text(do):
    for command, words in (
        ("train", ["seqgan", "--tokens {words,chars}", "grammar, oracle", "poems"]),
        ("evaluate", ["sentences"]),
        ("shoot", ["reward", "plane", "blind", "seqgan"]),
        ("data", ["sentences"]),
        ("sample", ["--temperature", "--prompt"]),
    ):
        said = " ".join(do(command, "--help").out.split())
        for word in words:
            assert word in said, (command, word)
