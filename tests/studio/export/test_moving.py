"""Animations: every frame, its time and the recipe come back from the file."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from models.data import faces
from models.errors import BadInput, DiskTrouble
from studio import recipe
from studio.export import Record, animation, exporters, moving
from studio.export.sheet import PAPER

SOURCE = {"system": "began", "step": 1200, "state_hash": "0" * 64, "run": {"name": "r", "path": "/r"}, "data": {"title": "faces"}}
LONG = recipe.make("animation", {"step": 1, "words": "é<&>]]>" * 8_000}, seed=1)  # 50 kB and more, with letters that XML minds


@pytest.fixture(scope="module")
def pictures():
    return faces.draw(range(12), 32)


@pytest.fixture
def record(pictures):
    reel = {step: pictures[i : i + 6] for i, step in enumerate((0, 50, 100, 1200))}
    return Record("BEGAN on faces", SOURCE, seed=7, loop=pictures, latents=3, reel=reel)


@pytest.mark.parametrize("extension", [e for e in moving.EXTENSIONS if e != ".mp4"])
def test_every_frame_its_time_and_a_long_recipe_come_back(tmp_path, pictures, extension):
    path = tmp_path / f"a{extension}"
    given = [moving.Frame(p, 40) for p in pictures[:-1]] + [moving.Frame(pictures[-1], 2000)]
    moving.save(path, given, LONG)
    assert recipe.read(path) == LONG
    found = list(moving.read(path))
    assert [f.ms for f in found] == [f.ms for f in given]
    for a, b in zip(found, given, strict=True):
        assert a.pixels.shape == b.pixels.shape
        if extension == ".gif":
            assert np.abs(a.pixels.astype(int) - b.pixels).mean() < 6
        else:
            assert np.array_equal(a.pixels, b.pixels)
    with Image.open(path) as image:
        assert image.info["loop"] == 0  # for ever


def test_a_frame_that_repeats_is_seen_as_long(tmp_path, pictures):
    for extension in (".webp", ".gif", ".png"):
        moving.save(tmp_path / f"a{extension}", [moving.Frame(p, 100) for p in (pictures[0], pictures[0], pictures[1])], LONG)
        assert sum(f.ms for f in moving.read(tmp_path / f"a{extension}")) == 300


@pytest.mark.parametrize(("extension", "fps", "ms"), [(".webp", 24, 42), (".gif", 24, 40), (".gif", 50, 20), (".png", 50, 20), (".gif", 1, 1000)])
def test_the_time_of_a_frame_is_one_that_the_format_has(extension, fps, ms):
    assert moving.duration(extension, fps) == ms


def test_what_a_format_cannot_hold(tmp_path):
    wide = [moving.Frame(np.zeros((2, 17_000, 3), np.uint8), 40)] * 2
    with pytest.raises(BadInput, match="16,383"):
        moving.save(tmp_path / "a.webp", wide, LONG)
    with pytest.raises(BadInput, match=r"\.webp"):
        moving.save(tmp_path / "a.avi", wide, LONG)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_is_large_enough_and_goes_round(record, tmp_path, pictures):
    (path,) = exporters()["animation"].write(record, tmp_path / "a.webp")
    found = list(moving.read(path))
    assert found[0].pixels.shape == (256, 256, 3)
    assert all(np.array_equal(f.pixels[::8, ::8], p) for f, p in zip(found, pictures, strict=True))
    made = recipe.read(path)["made"]
    assert made == {"seed": 7, "ema": True, "latents": 3, "frames": 12, "fps": 24, "zoom": 8, "tiles": 1, "format": ".webp"}


def test_tiles_are_places_of_the_same_way(record, tmp_path, pictures):
    (path,) = exporters()["animation"].write(record, tmp_path / "a.apng", tiles=4, zoom=1)
    for i, frame in enumerate(moving.read(path)):
        parts = [frame.pixels[y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32)]
        assert all(np.array_equal(part, pictures[(i + 3 * k) % 12]) for k, part in enumerate(parts))


def test_a_reel_tells_its_steps_and_holds_its_end(record, tmp_path, monkeypatch):
    said = []
    plain = animation.ImageDraw.ImageDraw.text
    monkeypatch.setattr(animation.ImageDraw.ImageDraw, "text", lambda self, at, text, *a, **k: (said.append(text), plain(self, at, text, *a, **k))[1])
    (path,) = exporters()["reel"].write(record, tmp_path / "a.png")
    assert said == ["step 0", "BEGAN on faces", "step 50", "BEGAN on faces", "step 100", "BEGAN on faces", "step 1,200", "BEGAN on faces"]
    found = list(moving.read(path))
    assert [f.ms for f in found] == [83, 83, 83, 2000]
    assert found[0].pixels.shape == (2 * 32 * 4 + animation.FOOT, 3 * 32 * 4, 3)
    assert np.array_equal(found[3].pixels[: 32 * 4 : 4, : 32 * 4 : 4], record.reel[1200][0])
    bar = [int((f.pixels[2 * 32 * 4 + 1] == animation.DONE).all(1).sum()) for f in found]
    assert bar == sorted(bar)
    assert bar[-1] == 3 * 32 * 4
    assert (found[0].pixels[-1] == PAPER).all()
    made = recipe.read(path)["made"]
    assert made == {"steps": [0, 50, 100, 1200], "shape": [6, 32, 32, 3], "fps": 12, "zoom": 4, "format": ".png"}


def test_a_run_without_a_reel_is_told(record, tmp_path):
    with pytest.raises(BadInput, match="no reel up to step 1,200"):
        exporters()["reel"].write(replace(record, reel={}), tmp_path / "a.webp")


@pytest.mark.parametrize("name", ["animation", "reel"])
def test_more_than_the_memory_takes_is_refused(record, tmp_path, name):
    many = replace(record, loop=np.broadcast_to(record.loop[:1], (3000, 32, 32, 3)), reel=dict.fromkeys(range(0, 12000, 50), record.reel[0]))
    with pytest.raises(BadInput, match="2 GB"):
        exporters()[name].write(many, tmp_path / "a.webp", zoom=30)


def test_a_strip_has_a_line_for_each_step(record, tmp_path):
    (path,) = animation.write_strip(record, tmp_path / "a.png", frames=3, count=4)
    assert recipe.read(path)["made"] == {"steps": [0, 50, 100, 1200], "frames": 3, "count": 4}
    with Image.open(path) as image:
        pixels = np.asarray(image)
    assert pixels.shape == (3 * 68 - 4, animation.MARGIN + 4 * 64, 3)
    for line, step in enumerate((0, 100, 1200)):
        assert np.array_equal(pixels[line * 68 : line * 68 + 64 : 2, animation.MARGIN :: 2][:, :32], record.reel[step][0])


def test_a_place_that_cannot_be_written(record, tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("animation", "reel"):
        with pytest.raises(DiskTrouble, match="could not be written"):
            exporters()[name].write(record, tmp_path / "file" / "a.webp")
