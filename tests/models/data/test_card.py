from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import glyphs
from models.data.card import card, sample, text
from models.data.discrete import open_discrete
from models.data.images import ImageSet
from models.data.sources import open_images

LFW = Path(__file__).parents[4] / "shared" / "data" / "lfwcrop-1800-64px-png.zip"
KEYS = [
    "title", "spec", "id", "kind", "count", "train", "held_out", "size", "channels",
    "original", "colour", "classes", "duplicates", "skipped", "left_out", "notes",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "set"
    for i in range(9):
        path = root / ("cat" if i < 6 else "dog") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20 + i, 30, 3), np.uint8)).save(path)
    (root / "dog" / "again.png").write_bytes((root / "cat" / "0.png").read_bytes())
    (root / "dog" / "bad.png").write_text("words")
    return root


def test_a_palette_is_told(folder):
    about = card(open_discrete(str(folder), size=28, pixels="palette", colours=3))
    assert len(about["palette"]) == 3
    assert all(len(colour) == 7 and colour[0] == "#" and int(colour[1:], 16) >= 0 for colour in about["palette"])
    assert f"palette     3 colours: {about['palette'][0]}" in text(about)


def test_a_card(folder):
    about = json.loads(json.dumps(card(open_images(str(folder), size=16)), allow_nan=False))
    assert list(about) == KEYS
    assert (about["title"], about["count"], about["size"], about["colour"]) == ("set (10 pictures)", 10, 16, "colour")
    assert about["train"] + about["held_out"] == 10
    assert about["classes"] == {"class": {"cat": 6, "dog": 4}}
    assert about["duplicates"] == {"count": 1, "examples": [["cat/0.png", "dog/again.png"]]}
    assert about["original"] == {"smallest": [30, 20], "largest": [30, 28], "common": [30, 20]}
    assert about["skipped"] == ["dog/bad.png is not a picture that can be read."]
    assert about["left_out"] == 1
    assert any("to train on: a larger batch repeats them" in n for n in about["notes"])
    assert card(open_images(str(folder), size=16)) == card(open_images(str(folder), size=16))  # from the cache too


def test_the_text_is_aligned_and_tells_the_same(folder):
    lines = text(card(open_images(str(folder), size=16))).splitlines()
    wide = len("duplicates")
    assert all(line[wide : wide + 2] == "  " and line[wide + 2] != " " for line in lines)
    assert any(line.startswith("class ") and line.endswith("cat: 6, dog: 4") for line in lines)
    assert any("originally 30 × 20 to 30 × 28, most often 30 × 20" in line for line in lines)
    assert any(line.startswith("duplicates") and "dog/again.png is cat/0.png" in line for line in lines)
    assert any(line.endswith("dog/bad.png is not a picture that can be read.") for line in lines)


def test_many_classes_and_many_left_out_are_cut(tmp_path):
    about = card(open_images("glyphs", size=16)) | {"skipped": [f"{i} is empty." for i in range(50)], "left_out": 50}
    about["classes"] = {"class": {str(i): i for i in range(100)}}
    out = text(about)
    assert "99: 99, 98: 98" in out
    assert "(100 in all)" in out
    assert "… and 40 more" in out


def test_one_picture(tmp_path):
    Image.new("RGB", (16, 16), "red").save(tmp_path / "a.png")
    about = card(open_images(str(tmp_path), size=16))
    assert about["classes"] == {}
    assert "There is only 1 picture to train on: a larger batch repeats them." in about["notes"]
    assert any("No picture is held out" in n for n in about["notes"])


def test_a_set_made_by_hand_has_a_card():
    images = np.zeros((100, 8, 8, 1), np.uint8)
    about = card(ImageSet("0" * 16, "here", "here", 8, images, np.arange(100), np.arange(0), [str(i) for i in range(100)], channels=1))
    assert list(about) == KEYS
    assert about["colour"] == "grey"


def test_a_sample_shows_every_class(monkeypatch):
    monkeypatch.setattr(glyphs, "COUNTS", {16: 500})
    data = open_images("glyphs", size=16)
    assert data.labels
    where = sample(data, 40)
    assert np.bincount(data.labels["class"][where]).tolist() == [4] * 10
    assert len(set(where.tolist())) == 40
    assert (np.diff(data.labels["class"][where]) >= 0).all()
    np.testing.assert_array_equal(where, sample(data, 40))
    assert len(sample(data, 9999)) == 500


def test_a_sample_without_classes(folder):
    data = open_images(str(folder / "cat"), size=16)
    assert sorted(sample(data, 99).tolist()) == list(range(6))
    assert len(sample(data, 4)) == 4


@pytest.mark.real
@pytest.mark.skipif(not LFW.exists(), reason="../shared/data is not here")
def test_the_card_of_real_faces():
    about = card(open_images(str(LFW), size=32))
    assert (about["count"], about["colour"], about["classes"], about["left_out"]) == (1800, "colour", {}, 0)
    assert about["original"] == {"smallest": [64, 64], "largest": [64, 64], "common": [64, 64]}
    assert about["duplicates"]["count"] == 0
    assert about["notes"] == ["All pictures are of one class (lfwcrop), so there are no labels."]
