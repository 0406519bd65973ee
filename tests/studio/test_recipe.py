"""Recipes: into a file and out of it again, whatever the file is."""

import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from models.errors import BadFile, DiskTrouble
from studio import recipe
from studio.export import moving

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4), max_leaves=12)
sources = st.dictionaries(st.sampled_from(["system", "run", "config", "knobs", "γ", "data", "versions"]), values)
patient = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
PICTURE = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


@patient
@given(source=sources)
def test_a_png_carries_any_recipe(tmp_path_factory, source):
    path = tmp_path_factory.mktemp("png") / "a.png"
    told = recipe.make("sheet", source, seed=7)
    recipe.save_png(PICTURE, path, told)
    assert recipe.carried(path) == told
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(PICTURE))
        assert image.info["Software"] == "Sampling Studio"


@patient
@given(source=sources)
def test_a_side_car_carries_any_recipe(tmp_path_factory, source):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("step\n")
    told = recipe.make("curves", source, steps=3)
    recipe.save_beside(path, told)
    assert recipe.carried(path) == told
    assert recipe.beside(path).name == "a.csv.recipe.json"


def test_nan_is_refused_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        recipe.save_png(PICTURE, tmp_path / "a.png", recipe.make("sheet", {"knobs": {"gamma": float("nan")}}))
    assert not (tmp_path / "a.png").exists()


def test_a_long_history_is_cut_at_its_old_end_and_says_so(tmp_path):
    history = [{"step": i, "change": {"gamma": i / 100_000}} for i in range(100_000)]
    told = recipe.make("sheet", {"knob_history": history})
    recipe.save_png(PICTURE, tmp_path / "a.png", told)
    found = recipe.read(tmp_path / "a.png")
    assert len(recipe.dumps(told).encode()) <= recipe.LIMIT
    assert found["knob_history_cut"] is True
    assert 0 < len(found["knob_history"]) < len(history)
    assert found["knob_history"] == history[-len(found["knob_history"]) :]
    assert len(told["knob_history"]) == 100_000  # the one that was given is not touched


def test_a_short_history_is_whole():
    told = recipe.make("sheet", {"knob_history": [{"step": 1, "change": {"gamma": 0.4}}]})
    assert json.loads(recipe.dumps(told)) == told


def write(path, text, key=recipe.KEY):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text)
    PICTURE.save(path, "PNG", pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema": 3, "kind": "sheet"}', "newer version"),
        ('{"schema": 0, "kind": "sheet"}', "no recipe"),
        ('{"schema": true, "kind": "sheet"}', "no recipe"),
        ('{"schema": "2", "kind": "sheet"}', "no recipe"),
        ('{"kind": "sheet"}', "no recipe"),
        ("[1]", "no recipe"),
        ('"word"', "no recipe"),
        ("", "no recipe"),
        ("{", "damaged"),
        ("[" * 100_000, "nested too deeply.*damaged"),
        ('{"schema": -1, "kind": "sheet"}', "no recipe"),
    ],
)
def test_what_is_no_recipe_of_this_version(tmp_path, text, says):
    with pytest.raises(BadFile, match=says):
        recipe.read(write(tmp_path / "a.png", text))


def test_a_foreign_png(tmp_path):
    PICTURE.save(tmp_path / "a.png")
    with pytest.raises(BadFile, match="no recipe"):
        recipe.read(tmp_path / "a.png")
    with pytest.raises(BadFile, match="no recipe"):
        recipe.read(write(tmp_path / "b.png", "{}", key="another program"))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff" * 1000])
def test_not_a_png(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadFile, match="cannot be read"):
        recipe.read(tmp_path / "a.png")


def test_no_file_a_folder_and_a_recipe_itself(tmp_path):
    (tmp_path / "a.csv.recipe.json").write_text("{}")
    for name, told in (
        ("none.png", "no file"),
        ("", "is a folder: give one of the exported files"),
        ("a.csv.recipe.json", "carries no recipe"),
    ):
        with pytest.raises(BadFile, match=told):
            recipe.read(tmp_path / name)


def test_a_file_of_another_kind_without_a_side_car(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(BadFile, match="no recipe"):
        recipe.read(tmp_path / "a.txt")


def test_a_png_cut_anywhere_is_damaged_or_whole(tmp_path):
    told = recipe.make("sheet", {"run": {"path": "x"}})
    recipe.save_png(PICTURE, tmp_path / "a.png", told)
    content = (tmp_path / "a.png").read_bytes()
    for end in range(len(content)):
        (tmp_path / "b.png").write_bytes(content[:end])
        try:
            assert recipe.read(tmp_path / "b.png") == told  # only the end mark is missing
        except BadFile:
            pass


def test_a_png_with_a_flipped_byte_anywhere(tmp_path):
    recipe.save_png(PICTURE, tmp_path / "a.png", recipe.make("sheet", {"run": {"path": "x"}}))
    content = (tmp_path / "a.png").read_bytes()
    for place in range(len(content)):
        (tmp_path / "b.png").write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            recipe.read(tmp_path / "b.png")
        except BadFile:
            pass


def test_a_side_car_that_is_too_large_or_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("step\n")
    recipe.beside(path).write_text(" " * (2 * recipe.LIMIT + 1))
    with pytest.raises(BadFile, match="1 MB"):
        recipe.read(path)
    recipe.beside(path).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match="cannot be read"):
        recipe.read(path)


def test_a_compressed_text_bomb_is_not_unpacked(tmp_path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packed = zlib.compress(b" " * 200_000_000)
    PICTURE.save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    bomb = chunk(b"iTXt", recipe.KEY.encode() + b"\0\1\0\0\0" + packed)
    (tmp_path / "a.png").write_bytes(content[:33] + bomb + content[33:])
    with pytest.raises(BadFile):
        recipe.read(tmp_path / "a.png")


def test_a_disk_that_will_not_have_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="could not be written"):
        recipe.save_png(PICTURE, tmp_path / "file" / "a.png", recipe.make("sheet", {}))


# --- the other carriers -------------------------------------------------------------------------------------------------


def carry(path, told):
    """A small file that carries `told`."""
    match path.suffix:
        case ".svg":
            path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><metadata>{recipe.as_element(told)}</metadata></svg>', "utf-8")
        case ".html":
            path.write_text(f"<!doctype html><title>t</title>{recipe.as_script(told)}<script>1</script>", "utf-8")
        case _:
            frames = [moving.Frame(np.asarray(PICTURE), 40), moving.Frame(255 - np.asarray(PICTURE), 40)]
            moving.save(path, frames, told)
    return path


CARRIERS = [".webp", ".gif", ".apng", ".svg", ".html"]


@pytest.mark.parametrize("suffix", CARRIERS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(source=sources)
def test_every_format_carries_any_recipe(tmp_path_factory, suffix, source):
    told = recipe.make("x", source, words="</script>]]>&amp;<!-- \u2028 \ufffe \x7f γ", seed=7)
    assert recipe.carried(carry(tmp_path_factory.mktemp("any") / f"a{suffix}", told)) == told


@pytest.mark.parametrize("suffix", CARRIERS)
def test_cut_or_changed_anywhere_it_is_damaged_or_whole(tmp_path, suffix):
    told = recipe.make("x", {"run": {"path": "x"}})
    content = carry(tmp_path / f"a{suffix}", told).read_bytes()
    path = tmp_path / f"b{suffix}"
    for place in range(len(content)):
        for damaged in (content[:place], content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                recipe.read(path)
            except BadFile:  # and nothing else
                pass


@pytest.mark.parametrize("suffix", [*CARRIERS, ".jpg", ".md"])
def test_a_foreign_file_of_the_format(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    match suffix:
        case ".svg":
            path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><metadata>words</metadata></svg>')
        case ".html" | ".md":
            path.write_text("<!doctype html><script>1</script>")
        case _:
            PICTURE.save(path, {".webp": "WEBP", ".gif": "GIF", ".apng": "PNG", ".jpg": "JPEG"}[suffix], comment=b"of another program")
    with pytest.raises(BadFile, match="no recipe"):
        recipe.read(path)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><s:recipe xmlns:s="urn:sampling-studio:1">&a;</s:recipe></svg>',
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg><s:recipe xmlns:s="urn:sampling-studio:1">&b;</s:recipe></svg>',
        '<!DOCTYPE svg><svg><s:recipe xmlns:s="urn:sampling-studio:1">{}</s:recipe></svg>',
    ],
)
def test_entities_are_not_even_read(tmp_path, text):
    (tmp_path / "a.svg").write_text(text)
    with pytest.raises(BadFile, match="document type"):
        recipe.read(tmp_path / "a.svg")


def test_a_recipe_beside_a_file_stands_for_it_and_for_itself_once_it_is_gone(tmp_path):
    file, told = tmp_path / "a.csv", {"schema": recipe.SCHEMA, "kind": "curves", "made": {}}
    recipe.save_beside(file, told)
    side = recipe.beside(file)
    assert recipe.owner(side) == side
    assert recipe.carried(side) == told
    file.write_text("x")
    assert recipe.owner(side) == file
    assert recipe.owner(file) == file
