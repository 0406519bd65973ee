"""Exports of chains: what is in the files is what is in the record."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.io import netcdf_file

from models.chains import SCALARS, Chains
from models.errors import BadInput
from models.metrics.chain import rhat
from models.run import Run
from models.tiling import untile
from studio import recipe
from studio.export import arrays, chainpictures, moving, sheet
from studio.export.chaining import MOST_FRAMES, ROOM, carried, chain_exporters, chains_record, told_of, unpacked
from tests.studio.export.test_gallery import Page


@pytest.fixture(scope="module")
def run(walkable):
    return Run.open(walkable, write=False, data=False)


@pytest.fixture(scope="module")
def chains(run):
    """Three chains of 6 steps with knobs turned, conditions swapped, and one forked."""
    made = Chains(run.algorithm.parts(run.state), "noiseless-joint", ["left"], {"epsilon3": 0.3}, chains=3, seed=4)
    made.step(3)
    made.set({"epsilon2": 3.0})
    made.step()
    made.ask([["left"], ["right:2"], ["right", "left:-1"]])
    made.fork(1, 2, 0.2)
    made.step(2)
    return made


@pytest.fixture(scope="module")
def record(chains, run):
    return chains_record(chains, run)


def written(record, name, folder, **options):
    exporter = chain_exporters()[name]
    return exporter.write(record, folder / f"a{exporter.extension}", **options)


def test_the_record_is_plain_and_whole(record, chains):
    again = pickle.loads(pickle.dumps(record))
    assert np.array_equal(again.frames, record.frames)
    assert record.frames.shape == (8, 3, 32, 32, 3)
    assert record.frame_steps == (0, 1, 2, 3, 4, 4, 5, 6)
    assert record.backs == tuple(range(7, -1, -1))
    assert np.array_equal(record.frames[-1], record.pictures)
    assert np.array_equal(record.pictures, chains.pictures())
    assert record.conditions == ("left", "right:2", "right + left:-1")
    assert record.log_p.tolist() == chains.log_p().tolist()
    assert record.agreement == sum(map(bool, record.agreed)) / 3
    assert record.recipe["plan"]["device"] == "cpu"
    assert record.recipe["chains"] == json.loads(json.dumps(chains.record()))
    assert record.facts()[:2] == ["mode paper", "ε 0.01 3 0.3"]
    assert {name: v.shape for name, v in record.trace.items()} == dict.fromkeys(SCALARS, (3, 6))


def test_frames_are_thinned_out_and_may_be_chosen(chains, run):
    assert chains_record(chains, run, backs=(4, 0)).frame_steps == (3, 6)
    assert chains_record(chains, run, backs=()).frames.shape == (0, 3, 32, 32, 3)
    many = Chains(run.algorithm.parts(run.state), "gaussian", ["left"], chains=1)
    many.step(MOST_FRAMES + 60)
    found = chains_record(many, run)
    assert len(found.frames) == MOST_FRAMES
    assert (found.frame_steps[0], found.frame_steps[-1]) == (0, MOST_FRAMES + 60)
    assert len(set(found.backs)) == MOST_FRAMES


def test_a_sheet_shows_every_picture(record, tmp_path):
    (path,) = written(record, "sheet", tmp_path, columns=2, zoom=3)
    with Image.open(path) as image:
        pixels = np.asarray(image)
    places = {tuple(p) for p in np.argwhere((pixels[:-96, :-96] != 255).any(2))}
    for picture in record.pictures:
        large = picture.repeat(3, 0).repeat(3, 1)
        assert any(np.array_equal(pixels[y : y + 96, x : x + 96], large) for y, x in places if x in (16, 120))
    geometry = {"count": 3, "columns": 2, "origin": [16, 68], "cell": [96, 96], "pitch": [104, 136]}
    assert recipe.read(path)["made"] == {"seed": 4, "count": 3, "columns": 2, "zoom": 3, "geometry": geometry}
    marked = written(replace(record, frozen=np.array([True, False, False])), "sheet", tmp_path / "b", columns=2, zoom=3)[0]
    assert marked.read_bytes() != path.read_bytes()


def test_words_that_are_too_long_end_in_an_ellipsis():
    face = sheet.font("Regular", 11)
    assert sheet.shortened("short", face, 200) == "short"
    cut = sheet.shortened("a very long condition " * 4, face, 100)
    assert cut.endswith("…")
    assert face.getlength(cut) <= 100
    lines = sheet.wrapped(["one fact", "another", "x" * 90], face, 120)
    assert lines[:1] == ["one fact · another"]
    assert all(face.getlength(line) <= 120 for line in lines)


def test_a_strip_has_a_line_for_each_chain(record, tmp_path):
    (path,) = written(record, "strip", tmp_path, frames=4, count=2, first=1, zoom=1)
    assert recipe.read(path)["made"] == {"seed": 4, "backs": [7, 5, 2, 0], "first": 1, "count": 2, "zoom": 1}
    with Image.open(path) as image:
        pixels = np.asarray(image)
    top = pixels.shape[0] - 16 - 2 * 36 + 4
    for row, chain in enumerate((1, 2)):
        for column, place in enumerate((0, 2, 5, 7)):
            y, x = top + 36 * row, 120 + 36 * column
            assert np.array_equal(pixels[y : y + 32, x : x + 32], record.frames[place, chain])


@pytest.mark.parametrize("extension", [".webp", ".apng", ".png"])
def test_an_animation_has_every_frame(record, tmp_path, extension):
    path = tmp_path / f"a{extension}"
    chain_exporters()["animation"].write(record, path, zoom=1, fps=10)
    frames = list(moving.read(path))
    assert [f.ms for f in frames] == [100] * 7 + [2000]
    for frame, want in zip(frames, record.frames, strict=True):
        assert np.array_equal(untile(frame.pixels[:64], 3, 2), want)
    assert len(list(moving.read(*chain_exporters()["animation"].write(record, path, frames=3)))) == 3


def test_an_animation_that_would_be_too_large(record, tmp_path, monkeypatch):
    monkeypatch.setattr(chainpictures, "MOST_BYTES", 100_000)
    with pytest.raises(BadInput, match="more than 2 GB"):
        written(record, "animation", tmp_path, zoom=2)


def test_the_gallery_shows_what_is_known_of_each_chain(record, tmp_path):
    (path,) = written(replace(record, conditions=("left", "<b>", "right")), "gallery", tmp_path)
    text = path.read_text("utf-8")
    Page(text)  # every element is closed
    items = re.findall(r"<li .*?</li>", text)
    assert len(items) == 3
    for i, item in enumerate(items):
        (source,) = re.findall(r'src="data:image/png;base64,([^"]*)"', item)
        with Image.open(io.BytesIO(base64.b64decode(source))) as image:
            assert np.array_equal(np.asarray(image), record.pictures[i])
        agrees = "the independent classifier agrees" if record.agreed[i] else "the independent classifier does not agree"
        assert agrees in item
        assert f'data-score="{record.log_p[i]:.4g}"' in item
    assert '<span class="named">&lt;b&gt; ' in items[1]
    assert "<b>" not in text
    assert text.count("<figure ") == 7  # one a step
    assert "The chains over their steps" in text
    gone = written(replace(record, frozen=np.array([True, False, False])), "gallery", tmp_path / "gone")[0].read_text("utf-8")
    assert "diverged, and frozen" in re.findall(r"<li .*?</li>", gone)[0]


def test_single_pictures(record, tmp_path):
    files = written(record, "singles", tmp_path)
    assert [f.name for f in files] == [f"noiseless-joint-seed4-step00006-chain000{i}.png" for i in range(3)]
    for i, file in enumerate(files):
        with Image.open(file) as image:
            assert np.array_equal(np.asarray(image), record.pictures[i])
        assert recipe.read(file)["made"] == {"seed": 4, "chain": i}


def test_the_table_is_long(record, tmp_path):
    path, side = written(record, "csv", tmp_path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert list(rows[0]) == ["chain", "draw", *SCALARS]
    assert [(r["chain"], r["draw"]) for r in rows] == [(str(c), str(t)) for c in range(3) for t in range(1, 7)]
    for name in SCALARS:
        found = np.array([float(r[name] or "nan") for r in rows]).reshape(3, 6)
        np.testing.assert_array_equal(found.astype(np.float32), record.trace[name])
    assert all(r["context"] == "" for r in rows)
    assert recipe.read(path)["kind"] == "chains-csv"
    assert side.name == "a.csv.recipe.json"


def test_netcdf_as_arviz_wants_it(record, tmp_path):
    path, side = written(record, "netcdf", tmp_path)
    with netcdf_file(str(path), "r", mmap=False) as file:
        assert dict(file.dimensions) == {"chain": 3, "draw": 6}
        for name in SCALARS:
            assert file.variables[name].dimensions == ("chain", "draw")
            np.testing.assert_array_equal(file.variables[name][:], record.trace[name])
        assert file.variables["chain"][:].tolist() == [0, 1, 2]
        assert file.variables["draw"][:].tolist() == [1, 2, 3, 4, 5, 6]
        assert json.loads(file.conditions) == list(record.conditions)
        assert file.variables["norm"].long_name.decode() == "‖h‖, or ‖x‖ in pixels"
    side.unlink()
    assert recipe.read(path)["chains"] == record.recipe["chains"]  # it is also inside


def test_diagnostics_take_the_arrays(record, tmp_path):
    long = replace(record, trace={name: np.concatenate([v, v[::-1]], 1) for name, v in record.trace.items()})
    path, _ = written(long, "netcdf", tmp_path)
    found = arrays.read(path).variables["norm"].astype(float)
    assert np.isfinite(rhat(found)).all()


def test_xarray_reads_it(record, tmp_path):
    xarray = pytest.importorskip("xarray", reason="it is no dependency")
    path, _ = written(record, "netcdf", tmp_path)
    found = xarray.load_dataset(path, engine="scipy")
    assert dict(found.sizes) == {"chain": 3, "draw": 6}
    np.testing.assert_array_equal(found["log_p"].values, record.trace["log_p"])


def test_before_the_first_step(run, tmp_path):
    start = chains_record(Chains(run.algorithm.parts(run.state), "am", ["left"], chains=2), run)
    for name in chain_exporters():
        if name == "netcdf":
            with pytest.raises(BadInput, match="before their first step"):
                written(start, name, tmp_path)
        else:
            assert written(start, name, tmp_path / name)
    assert (tmp_path / "csv/a.csv").read_text().count("\n") == 1


def test_numbers_that_are_none(record, tmp_path):
    odd = replace(record, log_p=np.array([math.nan, math.inf, -1.0], np.float32), agreed=(None,) * 3, agreement=None, frozen=np.ones(3, bool))
    for name in ("sheet", "strip", "gallery"):
        assert written(odd, name, tmp_path / name)
    assert 'data-score="nan"' in (tmp_path / "gallery/a.html").read_text("utf-8")
    assert odd.verdict() == "no agreement, 3 diverged"


def test_a_long_way_is_packed_and_one_too_long_is_refused(record):
    told = record.recipe["chains"]
    event = told["past"][0]
    long = told | {"past": [event | {"at": i} for i in range(5_000)]}
    assert len(json.dumps(long)) > ROOM
    found = carried(long)
    assert set(found) == {"packed"}
    assert unpacked(found) == long
    assert told_of({"chains": found})["changes"] == 5_000
    rng = np.random.default_rng(0)
    noise = told | {"past": [event | {"at": str(rng.random(40).tolist())} for _ in range(2_000)]}
    with pytest.raises(BadInput, match="no recipe can hold it"):
        carried(noise)
    for broken in ({"packed": "&"}, {"packed": "AAAA"}, {"packed": 3}, {"packed": found["packed"][:-40]}):
        with pytest.raises(ValueError, match=r"\S"):
            unpacked(broken)


def test_what_a_person_wants_to_know(record):
    told = told_of(record.recipe)
    assert told["conditions"] == [["left"], ["right:2"], ["right", "left:-1"]]
    assert (told["variant"], told["chains"], told["steps"], told["seed"], told["start"], told["mask"]) == ("noiseless-joint", 3, 6, 4, "noise", False)
    assert (told["knobs"]["epsilon2"], told["changes"]) == (3.0, 3)
