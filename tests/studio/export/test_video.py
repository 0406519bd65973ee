"""Animations as MP4: frames and times, even sides, the recipe inside and beside, and a sentence where PyAV is missing."""

import os
import shutil
import sys

import numpy as np
import pytest

from models.errors import BadFile, BadInput
from studio import recipe
from studio.export import moving, video

av = pytest.importorskip("av")
RECIPE = recipe.make("animation", {"system": "began", "data": {"title": "γ <&> 春"}}, format=".mp4", pad="x" * 100_000)


def frames(width=48, height=32, count=5, ms=40):
    y, x = np.mgrid[:height, :width]
    smooth = [np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 40 * i)], 2).astype(np.uint8) for i in range(count)]
    return [moving.Frame(pixels, ms) for pixels in smooth]


def test_frames_times_and_recipe(tmp_path):
    drawn = frames()
    drawn[-1] = drawn[-1]._replace(ms=2000)
    path, side = moving.save(tmp_path / "a.mp4", drawn, RECIPE)
    assert side == recipe.beside(path)
    found = list(moving.read(path))
    assert [f.ms for f in found] == [40, 40, 40, 40, 1960, 0]  # the last frame is there twice, so that it stays
    for ours, theirs in zip(drawn, found, strict=False):
        assert np.abs(ours.pixels.astype(int) - theirs.pixels).mean() < 4
    assert recipe.read(path)["made"] == RECIPE["made"]
    side.unlink()
    assert recipe.read(path) == RECIPE  # it is inside as well
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert container.duration / 1e6 == pytest.approx(2.16, abs=0.05)


def test_odd_sides_are_doubled_and_the_same_frames_give_the_same_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        moving.save(tmp_path / name, frames(33, 20), RECIPE)
    assert next(moving.read(tmp_path / "a.mp4")).pixels.shape == (40, 66, 3)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_too_large_for_players(tmp_path):
    with pytest.raises(BadInput, match="smaller zoom"):
        moving.save(tmp_path / "a.mp4", [moving.Frame(np.zeros((10, 5000, 3), np.uint8), 40)], RECIPE)
    assert list(tmp_path.iterdir()) == []


def test_without_pyav(tmp_path, monkeypatch):
    path, side = moving.save(tmp_path / "a.mp4", frames(), RECIPE)
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (lambda: moving.save(tmp_path / "b.mp4", frames(), RECIPE), lambda: list(moving.read(path))):
        with pytest.raises(BadInput, match=r'pip install "sampling-studio\[video\]"'):
            call()
    assert not (tmp_path / "b.mp4").exists()
    side.unlink()
    assert recipe.read(path) == RECIPE


def test_cut_or_changed_anywhere_its_recipe_is_damaged_or_whole(tmp_path):
    told = recipe.make("x", {"system": "began"})
    whole, side = moving.save(tmp_path / "a.mp4", frames(count=2), told)
    side.unlink()
    content, path = whole.read_bytes(), tmp_path / "b.mp4"
    for place in range(0, len(content), 23):
        for damaged in (content[:place], content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                recipe.read(path)
            except BadFile:
                pass


def test_a_video_that_is_damaged_is_a_value_error(tmp_path):
    path, _ = moving.save(tmp_path / "a.mp4", frames(), RECIPE)
    os.truncate(path, 700)
    with pytest.raises(ValueError, match="video"):
        list(video.read(path))
    shutil.copy(__file__, tmp_path / "c.mp4")
    with pytest.raises(ValueError, match="video"):
        list(video.read(tmp_path / "c.mp4"))


def test_another_encoder_is_close_and_another_picture_is_not(tmp_path, monkeypatch):
    from studio.verify import _judged
    from studio.verify.comparing import compare

    moving.save(tmp_path / "a.mp4", frames(), RECIPE)
    changed = frames()
    changed[3].pixels[16:, 32:] = 255 - changed[3].pixels[16:, 32:]
    moving.save(tmp_path / "changed.mp4", changed, RECIPE)
    monkeypatch.setitem(video.OPTIONS, "libx264", video.OPTIONS["libx264"] | {"crf": "14"})
    moving.save(tmp_path / "b.mp4", frames(), RECIPE)
    verdicts = [
        _judged(compare(tmp_path / f"{name}.mp4", tmp_path / "a.mp4", "animation", {}), [], "animation", "") for name in ("a", "b", "changed")
    ]
    assert [v.verdict for v in verdicts] == ["close", "close", "different"]
    assert verdicts[0].max_difference == 0 < (verdicts[1].max_difference or 0)
