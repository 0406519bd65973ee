"""The reel: frames in and out, whole or not at all, and cut when the run goes back."""

import os

import numpy as np
import pytest
from PIL import Image

from models.errors import BadFile, DiskTrouble
from models.reel import BYTES, Reel
from models.tiling import tile, untile


def pictures(n, side=8, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 5, 16, 64])
def test_a_frame_comes_back_bit_for_bit(tmp_path, n, channels):
    reel, given = Reel(tmp_path / "reel", 50), pictures(n, channels=channels)
    reel.add(500, given)
    assert np.array_equal(reel.frame(500), given)
    assert os.listdir(tmp_path / "reel") == ["000000500.png"]
    with Image.open(tmp_path / "reel/000000500.png") as image:
        assert image.mode == ("L" if channels == 1 else "RGB")


def test_steps_are_in_order_and_strangers_are_no_frames(tmp_path):
    reel = Reel(tmp_path / "reel", 50)
    assert reel.steps() == []
    for step in (150, 50, 1_000_000_000, 0):
        reel.add(step, pictures(2, seed=step % 7))
    (tmp_path / "reel/notes.png").write_bytes(b"")
    assert reel.steps() == [0, 50, 150, 1_000_000_000]


def test_cutting_forgets_what_came_after_and_what_was_torn(tmp_path):
    reel = Reel(tmp_path / "reel", 50)
    reel.cut(0)  # nothing there: no trouble
    for step in (50, 100, 150):
        reel.add(step, pictures(2))
    (tmp_path / "reel/.000000200.png.17.part").write_bytes(b"half")
    reel.cut(100)
    assert sorted(os.listdir(tmp_path / "reel")) == ["000000050.png", "000000100.png"]


def test_a_frame_is_bounded(tmp_path):
    reel = Reel(tmp_path / "reel", 50)
    reel.add(0, pictures(70))
    assert len(reel.frame(0)) == 64
    reel.add(1, pictures(40, 128))
    kept = reel.frame(1)
    assert len(kept) == Reel.room(128, 128, 3) == 20
    assert kept.nbytes <= BYTES
    reel.add(2, pictures(2, 600))
    assert len(reel.frame(2)) == 1  # one is always kept


@pytest.mark.parametrize(("total", "between", "every"), [(4_000, 50, 50), (200_000, 50, 2_000), (300, 50, 50), (10, 50, 50), (12_345, 50, 100)])
def test_about_a_hundred_frames_at_multiples_of_between(total, between, every):
    assert Reel.every_for(total, between) == every
    assert Reel.every_for(total, between) % between == 0


def test_a_frame_that_is_not_there_or_damaged_is_one_sentence(tmp_path):
    reel = Reel(tmp_path / "reel", 50)
    with pytest.raises(BadFile, match="no frame of step 50"):
        reel.frame(50)
    reel.add(50, pictures(3))
    content = (tmp_path / "reel/000000050.png").read_bytes()
    for damaged in (b"", b"hello", content[: len(content) // 2], content.replace(b'"count": 3', b'"count": 0')):
        (tmp_path / "reel/000000050.png").write_bytes(damaged)
        with pytest.raises(BadFile, match=r"000000050\.png cannot be read") as raised:
            reel.frame(50)
        assert "\n" not in str(raised.value)
    Image.new("RGB", (8, 8)).save(tmp_path / "reel/000000050.png")
    with pytest.raises(BadFile, match="cannot be read"):
        reel.frame(50)
    Image.new("RGB", (8000, 4000)).save(tmp_path / "reel/000000050.png")
    with pytest.raises(BadFile, match="cannot be read"):
        reel.frame(50)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble):
        Reel(tmp_path / "file" / "reel", 50).add(0, pictures(1))


@pytest.mark.parametrize("n", [1, 3, 4, 7])
def test_a_tiling_is_undone(n):
    given = pictures(n)
    sheet = tile(given)
    assert sheet.shape[1] // 8 == -(-(n**0.5) // 1)
    assert np.array_equal(untile(sheet, n, sheet.shape[1] // 8), given)
    assert np.array_equal(tile(given, 1), given.reshape(n * 8, 8, 3))


def test_frames_of_sentences_come_back_and_are_bounded(tmp_path):
    reel = Reel.of(tmp_path)
    assert reel.writes == ""
    reel.write(0, [f"the cat, “{i}”\u2028 sat" for i in range(40)])
    reel.write(50, ["x" * 3_000])
    assert (reel.writes, reel.steps()) == ("text", [0, 50])
    assert reel.sentences(0) == [f"the cat, “{i}”\u2028 sat" for i in range(32)]
    assert len(reel.sentences(50)[0]) == 2_000
    with pytest.raises(BadFile, match="no frame of step 7"):
        reel.sentences(7)
    for damaged in ("", "[]", '{"sentences": 3}', '{"sentences": [1]}', "x" * 300_000):
        (tmp_path / "reel/000000050.json").write_text(damaged)
        with pytest.raises(BadFile, match=r"000000050\.json cannot be read"):
            reel.sentences(50)


def test_a_budget_thins_frames_but_no_bookmark_and_going_back_forgets_bookmarks(tmp_path):
    reel = Reel(tmp_path / "reel", 50)
    for step in range(0, 1_050, 50):
        reel.add(step, pictures(4, seed=1))
    one = reel.file(0).stat().st_size
    reel.bookmark(900)
    reel.thin(6 * one)
    assert {0, 900, 1_000} <= set(reel.steps())
    assert len(reel.steps()) == 6
    reel.bookmark(50)
    reel.cut(900)
    assert reel.bookmarks() == {50, 900}
    reel.cut(100)
    assert reel.bookmarks() == {50}
    reel.bookmark(50, False)
    assert reel.bookmarks() == set()
