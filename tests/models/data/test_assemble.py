from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.algorithms import began
from models.data.assemble import EXAMPLES, Findings, classes, readable, twins
from models.data.sources import BUILTIN, open_images


def pictures(root: Path, *names: str, grey: bool = False) -> str:
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels[..., 0] if grey else pixels).save(root / name)
    return str(root)


@pytest.mark.parametrize(
    ("names", "values", "note"),
    [
        (["train/cat/1.png", "test/cat/1.png", "test/dog/7.png"], ("cat", "dog"), ""),
        (["10/a.png", "9/a.png", "2/b.png"], ("2", "9", "10"), ""),
        (["a.png", "b.png"], None, ""),
        (["one/a.png", "one/b.png"], None, "All pictures are of one class (one), so there are no labels."),
        (["one/a.png", "two/b.png", "c.png"], None, "Some pictures lie in no folder"),
        (["train/a.png", "test/b.png"], None, "part the set"),
    ],
)
def test_folders_are_classes(tmp_path, names, values, note):
    data = open_images(pictures(tmp_path / "set", *names), size=16)
    assert (data.values or {}).get("class") == values
    assert (data.labels is None) == (values is None)
    assert any(note in n for n in data.about["notes"]) if note else data.about["notes"] == []
    if values and data.labels:
        named = [values[c] for c in data.labels["class"]]
        assert named == [n.split("/")[-2] for n in data.names]


def test_a_thousand_classes_and_no_more():
    for n, good in ((2, True), (1000, True), (1001, False)):
        found, names = Findings(), [str(i) for i in range(n)]
        classes(found, "class", names, names)
        assert ("class" in found.labels) == good
        assert bool(found.notes) != good


def test_what_a_set_is_about(tmp_path):
    root = Path(pictures(tmp_path / "set", "a.png", "b.png"))
    Image.new("RGB", (50, 10), "red").save(root / "wide.png")
    (root / "copy of a.png").write_bytes((root / "a.png").read_bytes())
    frames = [Image.new("RGB", (20, 24), c) for c in ("red", "blue")]
    frames[0].save(root / "moving.gif", save_all=True, append_images=frames[1:])
    data = open_images(str(root), size=16)
    assert data.about["original"] == {"smallest": [20, 24], "largest": [50, 10], "common": [24, 20]}
    assert data.about["colour"] == "colour"
    pairs = [[data.names[i] for i in pair] for pair in data.about["duplicates"]["examples"]]
    assert pairs == [["a.png", "copy of a.png"], ["moving.gif", "wide.png"]]
    assert data.about["notes"] == ["1 picture is animated or has several pages: the first frame is taken."]


@pytest.mark.parametrize(("values", "colour"), [((0, 255), "binary"), ((0, 254), "grey"), ((0, 128, 255), "grey")])
def test_grey_and_binary(tmp_path, values, colour):
    pixels = np.random.default_rng(0).choice(values, (16, 16)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for channels in (1, 3):
        data = open_images(str(tmp_path), size=16, channels=channels)
        assert data.about["colour"] == colour
        assert data.images.shape == (1, 16, 16, channels)
        np.testing.assert_array_equal(data.images[0, ..., 0], pixels)


def test_twins_are_paired_with_the_first():
    assert twins(np.array([5, 7, 5, 5, 9, 7], np.uint64)) == {"count": 3, "examples": [[0, 2], [0, 3], [1, 5]]}
    assert twins(np.array([1, 2], np.uint64)) == {"count": 0, "examples": []}
    assert twins(np.array([], np.uint64))["count"] == 0
    many = twins(np.zeros(1000, np.uint64))
    assert many["count"] == 999
    assert len(many["examples"]) == EXAMPLES


def test_one_channel_trains_as_one_channel(tmp_path):
    data = open_images(pictures(tmp_path / "set", "a.png", "b.png", "c.png"), size=16, channels=1)
    assert data.channels == 1
    assert data.batch(0, 0, 2).shape == (2, 1, 16, 16)
    where, distance = data.nearest(data.images[data.train])
    assert where.tolist() == data.train.tolist()
    assert distance.max() == 0


def test_the_split_is_the_same_at_every_size_and_in_grey(tmp_path):
    spec = pictures(tmp_path / "set", *(f"{i:03}.png" for i in range(200)))
    sets = [open_images(spec, size=size, channels=channels) for size, channels in ((16, 3), (32, 3), (28, 1))]
    assert 5 < len(sets[0].held_out) < 40
    for other in sets[1:]:
        np.testing.assert_array_equal(other.held_out, sets[0].held_out)
    (tmp_path / "set" / "more").mkdir()
    pictures(tmp_path / "set" / "more", *(f"{i}.jpg" for i in range(20)))
    more = open_images(spec, size=16)
    held = {more.names[i] for i in more.held_out}
    assert {n for n in held if not n.startswith("more")} == {sets[0].names[i] for i in sets[0].held_out}


def test_fewer_pictures_than_a_batch_are_repeated(tmp_path):
    data = open_images(pictures(tmp_path / "set", "a.png"), size=16)
    batch = data.batch(0, 3, 16)
    assert batch.shape == (16, 3, 16, 16)
    assert (batch == batch[0]).all()
    assert data.held(4).shape == (0, 3, 16, 16)
    three = open_images(pictures(tmp_path / "three", "a.png", "b.png", "c.png"), size=16)
    counts = np.bincount(np.searchsorted(three.train, three.order(0, 0, 16)))
    assert counts.max() - counts.min() <= 1


def test_held_out_pictures_come_mixed(tmp_path):
    spec = pictures(tmp_path / "set", *(f"{'ab'[i // 150]}/{i:03}.png" for i in range(300)))
    data = open_images(spec, size=16)
    all_of_them = data.held(1000).numpy()
    np.testing.assert_array_equal(data.held(7).numpy(), all_of_them[:7])
    assert len(np.unique(all_of_them.reshape(len(all_of_them), -1), axis=0)) == len(data.held_out)
    kept = data.pictures(data.held_out).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(kept, all_of_them)
    assert data.held_out.tolist() != sorted(data.held_out)
    assert data.labels
    first = data.labels["class"][data.held_out[:12]]
    assert 0 < first.mean() < 1  # both classes, though they lie one after the other


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a/\u732b", "a/\u732b"), ("\udce9", "\\xe9"), ("\ud800x", "\\ud800x"), ("a\tb\x07", "a\\tb\\x07"), ("\u202eevil", "\\u202eevil")],
)
def test_names_that_anything_can_carry(name, shown):
    assert readable(name) == shown
    readable(name).encode()


@pytest.mark.parametrize("source", BUILTIN)
def test_began_takes_every_drawing(monkeypatch, source):
    for module in ("faces", "shapes", "glyphs"):
        monkeypatch.setattr(f"models.data.{module}.COUNTS", {32: 40})
    data = began.open_data(source, began.Config(size=32))
    assert data.batch(0, 0, 4).shape == (4, 3, 32, 32)
    assert data.labels
    assert data.values
    assert data.captions
    assert data.captions(3)
    for attribute, codes in data.labels.items():
        assert len(codes) == 40
        assert codes.max() < len(data.values[attribute])
