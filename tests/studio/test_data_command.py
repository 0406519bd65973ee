"""`sampling-studio data`: the list, the card of a source, and the sheet of samples."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from models.data import faces, glyphs, shapes
from models.data.sources import BUILTIN
from tests.studio.tiny import pictures, refused


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    for module in (faces, shapes, glyphs):
        monkeypatch.setattr(module, "COUNTS", {32: 200})


@pytest.fixture
def digits(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 28, 28), np.uint8)
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", *pixels.shape)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 90) + bytes(i % 10 for i in range(90))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return tmp_path / "train-images-idx3-ubyte.gz"


def test_the_list_is_aligned(do):
    lines = do("data").out.splitlines()
    at = lines[0].index("for example")
    assert len(lines) == 18
    assert all(line[at:].startswith(("for example", "--data ")) for line in lines)
    listed = do("data", "--json").json["sources"]
    assert [s["name"] for s in listed][: len(BUILTIN)] == list(BUILTIN)
    assert {s["name"] for s in listed} >= {"folder", "zip", "tar", "idx", "npz", "hub:NAME"}


def test_the_card_of_a_file(do, digits):
    about = do("data", digits, "--size", 28, "--json").json
    assert (about["count"], about["size"], about["colour"], about["train"] + about["held_out"]) == (90, 28, "grey", 90)
    assert about["classes"]["class"] == {str(i): 9 for i in range(10)}
    assert do("data", digits, "--json").json["size"] == 32
    text = do("data", digits).out
    assert "0: 9, 1: 9" in text
    assert "32 × 32, originally 28 × 28" in text


@pytest.mark.parametrize("source", [*BUILTIN, "digits", "folder"])
def test_a_sheet_of_every_kind_of_source(do, digits, tmp_path, source):
    spec = {"digits": digits, "folder": tmp_path / "pictures"}.get(source, source)
    if source == "folder":
        pictures(tmp_path / "pictures")
    done = do("data", spec, "--out", tmp_path / "sheet.png", "--json")
    assert done.status == 0
    assert "sheet.png" in done.err
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.mode == "RGB"
        assert 480 <= sheet.width <= 1600
        pixels = np.asarray(sheet)
    assert (pixels[-8:] == 255).all()  # nothing runs off the page
    assert (pixels[:, -8:] == 255).all()
    assert (pixels[40:] != 255).any()


def test_words_under_pictures_stay_under_them(monkeypatch):
    from models.data.sources import open_images
    from studio.commands.data import LINES, _words
    from studio.export.sheet import font

    found = open_images("faces", size=32)
    for i in range(60):
        lines = _words(found, i, 96)
        assert 1 <= len(lines) <= LINES
        assert all(font("Regular", 11).getlength(line) <= 96 for line in lines)
    assert found.captions
    assert " ".join(_words(found, 0, 5000)) == found.captions(0)
    monkeypatch.setattr(found, "captions", lambda i: "x" * 200)
    assert _words(found, 0, 96)[0].endswith("x…")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["shapez"], ["shapez", "did you mean 'shapes'"]),
        (["gramar"], ["did you mean 'grammar'"]),
        (["grammar", "--out", "a.png"], ["is text", "leave out --out"]),
        (["grammar", "--longest", "1"], ["--longest", "from 2 to 500"]),
        (["/no/where"], ["/no/where"]),
        (["faces", "--size", "48"], ["--size", "48"]),
        (["faces", "--size", "512"], ["choose one of 32"]),
        (["--out", "a.png"], ["--out needs a source"]),
        (["faces", "--out", "a.jpg"], ["ends in .png", "a.jpg"]),
        (["hub:"], ["hub: needs a name"]),
    ],
)
def test_bad_input_is_one_line(do, words, parts):
    refused(do("data", *words), *parts)


def test_the_card_of_sentences(do, tmp_path):
    lines = [f"the {a} {b} sleeps." for a in ("old", "small", "brown") for b in ("cat", "dog", "bird", "child")]
    (tmp_path / "a.txt").write_text("\n".join([*lines, lines[0], "", "one that is longer than all of the others are"]), encoding="utf-8")
    about = do("data", tmp_path / "a.txt", "--longest", 7, "--json").json
    assert (about["kind"], about["title"], about["unit"], about["ends"]) == ("text", "a (14 sentences)", "words", True)
    assert (about["count"], about["train"] + about["held_out"], about["T"], about["V"]) == (14, 14, 7, 19)
    assert (about["cut"], about["dropped"], about["left_out"], about["empty"], about["unknown"]) == (1, 0, 1, 1, 0.0)
    assert about["duplicates"] == {"count": 1, "examples": [lines[0]]}
    assert about["common"][:3] == [[".", 13], ["sleeps", 13], ["the", 13]]
    assert set(about["examples"]) <= {*lines, "one that is longer than all of"}
    said = do("data", tmp_path / "a.txt", "--longest", 7).out
    for part in ("17 of 17 different words, with two reserved numbers V = 19", "1 (the old cat sleeps.)", "1 to 7 tokens", "1 empty", "5 to 10"):
        assert part in said, part
    assert "█" in said
    assert do("data", tmp_path / "a.txt", "--tokens", "chars", "--json").json["unit"] == "chars"
    assert do("data", tmp_path / "a.txt", "--punctuation", "strip", "--json").json["common"][0][0] != "."


def test_the_card_of_the_grammar_and_of_an_oracle(do, tmp_path, monkeypatch):
    from models.data import grammar, oracle

    monkeypatch.setattr(grammar, "COUNT", 300)
    monkeypatch.setattr(oracle, "OWN", 100)
    monkeypatch.setattr("studio.commands.data.DRAWN", 200)
    assert "300: " in do("data", "grammar").out
    made = oracle.make(3, 20, 4, 4)
    made.save(tmp_path / "mine.npz")
    about = do("data", tmp_path / "mine.npz", "--longest", 4, "--json").json
    assert (about["hash"], about["unit"], about["V"], about["T"], about["train"], about["held_out"]) == (made.hash, "numbers", 20, 4, 200, 20)
    assert 0 < about["floor"] < about["ceiling"]
    assert about["floor_se"] < 0.3
    assert do("data", "oracle", "--vocab", 20, "--longest", 4, "--seed", 3, "--json").json["hash"] != made.hash  # of 32 neurons, not 4
    said = do("data", tmp_path / "mine.npz", "--longest", 4).out
    assert f"{made.hash}\n" in said
    assert "of an untrained net" in said


def test_the_card_of_a_known_distribution(do, tmp_path):
    said = do("data", "toy-ring").out
    for part in ("cells          256, 16 × 16", "draws          20,000: 18,000 to train on", "nats of entropy"):
        assert part in said, part
    about = do("data", "toy-line", "--json").json
    assert (len(about["p"]), about["shape"]) == (64, [1, 64])
    assert sum(about["p"]) == pytest.approx(1)
    refused(do("data", "toy-ring", "--out", tmp_path / "a.png"), "toy-ring is a known distribution")


def test_a_sheet_that_cannot_be_written(do, tmp_path):
    (tmp_path / "file").write_text("")
    done = do("data", "glyphs", "--out", tmp_path / "file" / "sheet.png")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
