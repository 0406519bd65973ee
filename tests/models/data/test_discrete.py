"""Pictures of few values: what each way makes of pixels, what is refused, and the ways out that are offered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models import knobs
from models.algorithms.bgan import Config
from models.data import card, faces, glyphs
from models.data.discrete import DiscreteSet, open_discrete
from models.data.images import ImageSet
from models.errors import BadData

SIZE = 28


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))


def folder(path: Path, pictures: np.ndarray) -> str:
    """Pictures (n, H, W, 1 or 3) as files."""
    path.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(path / f"{i:03d}.png")
    return str(path)


@pytest.fixture
def black_and_white(tmp_path) -> str:
    return folder(tmp_path / "binary", glyphs.draw(range(20), SIZE, binary=True))


@pytest.fixture
def grey(tmp_path) -> str:
    return folder(tmp_path / "grey", glyphs.draw(range(20), SIZE))


@pytest.fixture
def coloured(tmp_path) -> str:
    return folder(tmp_path / "coloured", faces.draw(range(20), 32))


def opened(spec: str, pixels: Any, colours: int = 8, size: int = SIZE) -> DiscreteSet:
    data = open_discrete(spec, size=size, pixels=pixels, colours=colours)
    assert isinstance(data, DiscreteSet)
    return data


def agrees(data: DiscreteSet) -> bool:
    """Whether codes say what the pictures show."""
    rows = np.arange(len(data))[::-1]
    codes = data.codes(rows)
    assert codes.dtype == np.uint8
    assert codes.shape == data.images.shape[:3]
    shown = codes[..., None] * np.uint8(255) if data.palette is None else data.palette[codes]
    return np.array_equal(shown, data.pictures(rows))


# --- each way -----------------------------------------------------------------------------------------------------


def test_black_and_white_is_taken_as_it_is(black_and_white):
    data = opened(black_and_white, "binary")
    plain = glyphs.draw(range(20), SIZE, binary=True)
    np.testing.assert_array_equal(data.images, plain)
    np.testing.assert_array_equal(data.codes([3, 1]), plain[[3, 1], ..., 0] // 255)
    assert agrees(data)
    assert (data.channels, data.palette, data.about["notes"]) == (1, None, [])
    assert not data.images.flags.writeable


def test_a_threshold_cuts_at_half_brightness(tmp_path):
    ramp = np.tile(np.arange(114, 142, dtype=np.uint8), (SIZE, 1))[None, ..., None]
    data = opened(folder(tmp_path / "ramp", ramp), "threshold")
    assert data.images[0, 0, :, 0].tolist() == [0] * 14 + [255] * 14  # 127 is black, 128 white
    assert agrees(data)
    assert any("half brightness" in note for note in data.about["notes"])


def test_brightness_is_the_chance_of_white(tmp_path):
    steps = np.repeat(np.array([0, 40, 128, 215, 255], np.uint8), 8)
    spec = folder(tmp_path / "steps", np.broadcast_to(steps[:, None, None, None], (40, SIZE, SIZE, 1)).copy())
    data = opened(spec, "bernoulli")
    for value in np.unique(steps):
        white = (data.images[steps == value] == 255).mean()
        chance = value / 255
        assert abs(white - chance) <= 5 * np.sqrt(chance * (1 - chance) / (8 * SIZE * SIZE))
    assert agrees(data)
    assert not np.array_equal(data.images[16], data.images[17])  # each picture has numbers of its own
    again = opened(spec, "bernoulli")
    np.testing.assert_array_equal(again.images, data.images)
    assert again.id == data.id


def test_drawing_by_brightness_leaves_black_and_white_alone(black_and_white):
    assert opened(black_and_white, "bernoulli").id == opened(black_and_white, "binary").id == opened(black_and_white, "threshold").id


@pytest.mark.parametrize("colours", [2, 8, 16])
def test_a_palette_takes_the_nearest_of_its_colours(coloured, colours):
    data = opened(coloured, "palette", colours, 32)
    assert data.palette is not None
    assert data.palette.shape == (colours, 3)
    assert len(np.unique(data.palette, axis=0)) == colours
    assert agrees(data)
    plain = faces.draw(range(20), 32).reshape(-1, 1, 3).astype(np.int64)
    distance = np.square(plain - data.palette.astype(np.int64)).sum(-1)
    chosen = data.codes(range(20)).ravel()
    excess = np.sqrt(distance[np.arange(len(chosen)), chosen]) - np.sqrt(distance.min(1))
    assert excess.max() <= 2 * np.sqrt(3) * 2 + 1e-6  # six bits a channel are at most 2 away in each
    assert (excess == 0).mean() > 0.95
    bright = data.palette @ np.array([299, 587, 114])
    assert (np.diff(bright) >= 0).all()
    assert any(f"{colours} colours" in note for note in data.about["notes"])


def test_a_larger_palette_is_nearer_to_the_pictures(coloured):
    plain = faces.draw(range(20), 32).astype(float)
    errors = [np.square(opened(coloured, "palette", k, 32).images - plain).mean() for k in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 4


def test_continuous_pictures_are_as_they_are_with_one_channel_where_they_are_grey(grey, coloured):
    for spec, pictures, size in ((grey, glyphs.draw(range(20), SIZE), SIZE), (coloured, faces.draw(range(20), 32), 32)):
        data = open_discrete(spec, size=size, pixels="continuous", colours=8)
        assert type(data) is ImageSet
        np.testing.assert_array_equal(data.images, pictures)


def test_ids_differ_and_split_and_names_stay(grey, coloured):
    ways = [opened(grey, pixels) for pixels in ("threshold", "bernoulli")]
    ways += [opened(coloured, "palette", k, 32) for k in (3, 8)]
    plain = open_discrete(grey, size=SIZE, pixels="continuous", colours=8)
    assert len({data.id for data in [*ways, plain]}) == 5
    for data in ways[:2]:
        np.testing.assert_array_equal(data.train, plain.train)
        np.testing.assert_array_equal(data.held_out, plain.held_out)
        assert list(data.names) == list(plain.names)
        told = card.card(data)
        assert (told["colour"], told["channels"]) == ("binary", 1)
        json.dumps(told)
    json.dumps(card.card(ways[2]))


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["grey", "coloured"])
def test_shades_are_refused_with_the_ways_out(which, request):
    spec = request.getfixturevalue(which)
    size = 32 if which == "coloured" else SIZE
    with pytest.raises(BadData) as caught:
        opened(spec, "binary", size=size)
    said = str(caught.value)
    assert "shades between black and white" in said
    assert [change for _, change in caught.value.offers] == [{"pixels": "threshold"}, {"pixels": "bernoulli"}, {"pixels": "palette"}]
    for label, change in caught.value.offers:
        assert label
        (value,) = change.values()
        assert f"pixels={value}" in said
        given = knobs.make(Config, change)
        assert isinstance(open_discrete(spec, size=size, pixels=given.pixels, colours=given.colours), DiscreteSet)


def test_a_palette_larger_than_the_datas_colours_is_refused_with_their_number(tmp_path):
    rng = np.random.default_rng(0)
    three = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)
    spec = folder(tmp_path / "three", three[rng.integers(0, 3, (6, SIZE, SIZE))])
    with pytest.raises(BadData, match=r"three .*has 3 colours, fewer than the 8 of the palette: set colours=3\.") as caught:
        opened(spec, "palette", 8)
    assert caught.value.offers == (("3 colours", {"colours": 3}),)
    data = opened(spec, "palette", **caught.value.offers[0][1])
    assert data.palette is not None
    assert sorted(map(tuple, data.palette.tolist())) == sorted(map(tuple, three.tolist()))
    assert agrees(data)


def test_pictures_of_one_colour_are_refused_whatever_is_asked(tmp_path):
    black = folder(tmp_path / "black", np.zeros((3, SIZE, SIZE, 1), np.uint8))
    white = folder(tmp_path / "white", np.full((3, SIZE, SIZE, 1), 255, np.uint8))
    for spec, shade in ((black, "black"), (white, "white")):
        for pixels in ("binary", "bernoulli"):
            with pytest.raises(BadData, match=f"^All pixels of .* are {shade}: choose other pictures.$") as caught:
                opened(spec, pixels)
            assert not caught.value.offers
    with pytest.raises(BadData, match="has a single colour, fewer than the 2 of the palette: choose other pictures") as caught:
        opened(black, "palette", 2)
    assert not caught.value.offers


def test_dim_pictures_that_a_threshold_blackens_are_refused_with_other_ways(tmp_path):
    rng = np.random.default_rng(0)
    spec = folder(tmp_path / "dim", rng.integers(20, 120, (4, SIZE, SIZE, 1)).astype(np.uint8))
    with pytest.raises(BadData, match=r"black, cut at half brightness: .*pixels=bernoulli.*pixels=palette") as caught:
        opened(spec, "threshold")
    for _, change in caught.value.offers:
        assert opened(spec, change["pixels"])
    assert caught.value.offers
