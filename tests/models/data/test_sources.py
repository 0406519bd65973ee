from __future__ import annotations

import json
import os
import stat
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import archives, cache, encoded, faces, sources
from models.data.sources import BUILTIN, open_images
from models.errors import BadData

LFW = Path(__file__).parents[4] / "shared" / "data" / "lfwcrop-1800-64px-png.zip"


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "pictures"
    rng = np.random.default_rng(1)
    for name in ("b.png", "a.jpg", "deep/er/c.PNG", ".hidden.png", ".secret/d.png", "notes.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("words")
        else:
            Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return root


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


def kept() -> list[Path]:
    return sorted(cache.folder().iterdir()) if cache.folder().exists() else []


def test_a_folder_is_read_with_all_inside_it(folder):
    data = open_images(str(folder), size=16)
    assert list(data.names) == ["a.jpg", "b.png", "deep/er/c.PNG"]
    assert data.title == "pictures (3 pictures)"
    assert data.spec == str(folder)
    assert data.images.shape == (3, 16, 16, 3)
    assert not data.images.flags.writeable
    assert isinstance(data.images, np.memmap)
    assert data.skipped == ()
    assert sorted([*data.train, *data.held_out]) == [0, 1, 2]


def test_a_zip_holds_the_same_pictures_as_its_folder(folder, tmp_path):
    path = zipped(folder, tmp_path / "set.zip")
    a, b = open_images(str(folder), size=16), open_images(str(path), size=16)
    assert a.id == b.id
    assert b.title == "set (3 pictures)"
    assert list(a.names) == list(b.names)


def test_relative_and_home_paths(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len({open_images(spec, size=16).id for spec in ("pictures", "./pictures", "~/pictures")}) == 1


def test_unusable_pictures_are_skipped_and_named(folder):
    whole = (folder / "b.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "fake.jpg").write_text("words")
    data = open_images(str(folder), size=16)
    assert len(data) == 3
    assert [s.split(" ")[0] for s in data.skipped] == ["cut.png", "fake.jpg"]
    assert all(s.endswith(".") for s in data.skipped)
    assert open_images(str(folder), size=16).skipped == data.skipped  # from the cache


def test_the_second_time_nothing_is_decoded(folder, monkeypatch):
    first = open_images(str(folder), size=16)
    monkeypatch.setattr(encoded, "decode", None)
    told: list[tuple[int, int]] = []
    again = open_images(str(folder), size=16, progress=lambda *a: told.append(a))
    assert again.id == first.id
    assert told == [(3, 3)]
    np.testing.assert_array_equal(again.images, first.images)


def test_a_changed_folder_is_decoded_anew(folder):
    first = open_images(str(folder), size=16)
    Image.new("RGB", (20, 20), "red").save(folder / "b.png")
    os.utime(folder / "b.png", ns=(1, 1))
    assert open_images(str(folder), size=16).id != first.id
    assert open_images(str(folder), size=32).size == 32


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "json", "gone"])
def test_a_damaged_cache_is_made_anew(folder, harm):
    first = open_images(str(folder), size=16)
    expected, found = np.array(first.images), kept()
    facts, content = (next(f for f in found if f.suffix == s) for s in (".json", ".npy"))
    raw = content.read_bytes()
    del first
    match harm:
        case "cut":
            content.write_bytes(raw[:-100])
        case "flip":
            content.write_bytes(raw[:-1] + bytes([raw[-1] ^ 255]))
        case "empty":
            content.write_bytes(b"")
        case "json":
            facts.write_text('{"format": 1, "shape"')
        case "gone":
            content.unlink()
    again = open_images(str(folder), size=16)
    np.testing.assert_array_equal(again.images, expected)
    assert content.read_bytes() == raw
    json.loads(facts.read_text())


def test_a_disk_that_takes_nothing_is_no_obstacle(folder, tmp_path, monkeypatch):
    first = open_images(str(folder), size=16)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "file" / "home"))
    data = open_images(str(folder), size=16)
    assert data.id == first.id
    assert not data.images.flags.writeable


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_disk_that_fills_up_on_the_way_is_no_obstacle(folder, monkeypatch, after):
    """The write of chunk `after` fails; one picture a chunk; 3 is the last write, of the final header."""
    monkeypatch.setattr(encoded, "CHUNK", 1)
    decoded, header = [], cache._header
    monkeypatch.setattr(encoded, "decode", lambda *a: decoded.append(1) or original(*a))
    original = sys.modules["models.data.decode"].decode
    expected = np.array(open_images(str(folder), size=16).images)
    for file in kept():
        file.unlink()

    class Full:
        def __init__(self, file):
            self.file, self.left = file, after

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, content):
            if not isinstance(content, bytes):  # pixels
                self.left -= 1
                if self.left < 0:
                    raise OSError(28, "No space left on device")
            elif after == 3 and self.left == 0:
                raise OSError(28, "No space left on device")
            return self.file.write(content)

    append = cache._append
    monkeypatch.setattr(cache, "_append", lambda file, chunks, parts: append(Full(file), chunks, parts))
    decoded.clear()
    data = open_images(str(folder), size=16)
    np.testing.assert_array_equal(data.images, expected)
    assert list(data.names) == ["a.jpg", "b.png", "deep/er/c.PNG"]
    assert len(decoded) == (6 if after == 3 else 3)
    assert kept() == []
    assert header((0, 16, 16, 3)).__len__() == header((10**9, 16, 16, 3)).__len__()


@pytest.mark.parametrize("error", [RuntimeError("stop"), OSError("stop"), KeyboardInterrupt()])
def test_cancelling_leaves_nothing_behind(folder, error):
    calls = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))
        raise error

    for spec, size in ((str(folder), 16), ("faces", 32)):
        with pytest.raises(type(error)) as caught:
            open_images(spec, size=size, progress=progress)
        assert caught.value is error
    assert calls
    assert kept() == []


def test_progress_rises_to_the_total(folder):
    told: list[tuple[int, int]] = []
    open_images(str(folder), size=16, progress=lambda *a: told.append(a))
    assert told == sorted(told)
    assert told[-1] == (3, 3)


def hostile(path: Path, name: str, *, mode: int = 0, content: bytes = b"x") -> Path:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize("name", ["../up.png", "a/../../up.png", "/etc/abs.png", "C:\\windows.png", "..\\up.png"])
def test_a_zip_that_points_outside_is_refused(tmp_path, name):
    with pytest.raises(BadData, match="points outside"):
        open_images(str(hostile(tmp_path / "bad.zip", name)), size=16)


def test_a_zip_with_a_link_is_refused(tmp_path):
    with pytest.raises(BadData, match="symbolic link"):
        open_images(str(hostile(tmp_path / "bad.zip", "link.png", mode=stat.S_IFLNK | 0o777, content=b"/etc/passwd")), size=16)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = hostile(tmp_path / "bad.zip", "a.png")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(BadData, match="encrypted"):
        open_images(str(path), size=16)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = hostile(tmp_path / "bomb.zip", "a.bmp", content=bytes(20 << 20))
    with pytest.raises(BadData, match="times its size"):
        open_images(str(path), size=16)
    monkeypatch.setattr(archives, "RATIO", 10**9)
    monkeypatch.setattr(archives, "TOTAL", 10 << 20)
    with pytest.raises(BadData, match="would unpack to"):
        open_images(str(path), size=16)


def test_a_member_that_lies_about_its_size_is_skipped(folder, tmp_path):
    (folder / "liar.bmp").write_bytes(bytes(1 << 20))
    path = zipped(folder, tmp_path / "set.zip")
    raw = bytearray(path.read_bytes())
    entry = raw.index(b"liar.bmp", raw.index(b"PK\x01\x02")) - 46
    raw[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    data = open_images(str(path), size=16)
    assert len(data) == 3
    assert [s.split(" ")[0] for s in data.skipped] == ["liar.bmp"]


def test_a_member_that_is_too_large_is_skipped(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(encoded, "FILE_LIMIT", 1500)
    monkeypatch.setattr(archives, "FILE_LIMIT", 1500)
    for spec in (folder, zipped(folder, tmp_path / "set.zip")):
        data = open_images(str(spec), size=16)
        assert list(data.names) == ["a.jpg"]
        assert len(data.skipped) == 2
        assert "larger than" in data.skipped[0]


def test_damage_inside_a_zip_loses_one_picture(folder, tmp_path):
    path = zipped(folder, tmp_path / "set.zip")
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("b.png").header_offset
    raw = bytearray(path.read_bytes())
    raw[start + 400] ^= 255
    path.write_bytes(raw)
    data = open_images(str(path), size=16)
    assert len(data) == 2
    assert data.skipped[0].startswith("b.png is damaged")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("fases", "did you mean 'faces'"),
        ("nowhere/at/all", "--data accepts faces, shapes, glyphs, glyphs-binary, a folder"),
        ("", "--data accepts"),
        ("a\0b", "--data accepts"),
        ("x" * 5000, "--data accepts"),
        ("oracle", "'oracle' is a source of text, which seqgan, maskgan and bgan take"),
        ("grammar", "'grammar' is a source of text, which seqgan, maskgan and bgan take"),
        ("gramar", "did you mean 'grammar'"),
        ("toy-ring", "'toy-ring' is a known distribution, which bgan takes: for pictures"),
        ("toy-rng", "did you mean 'toy-ring'"),
        ("shape", "did you mean 'shapes'"),
    ],
)
def test_names_that_are_not_there(spec, words):
    with pytest.raises(BadData, match=words):
        open_images(spec, size=32)


def test_sizes_that_a_drawing_has_are_offered():
    with pytest.raises(BadData, match="choose one of 32, 64") as caught:
        open_images("faces", size=28)
    assert caught.value.offers == (("32 pixels a side", {"size": 32}), ("64 pixels a side", {"size": 64}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.tar.xz", "not a tar archive that can be read"),
        ("a.tgz", "not a tar archive that can be read"),
        ("train-images-idx3-ubyte.gz", "not an IDX file: it begins with 73 6f 6d 65"),
        ("a.npz", "not an .npz that can be read"),
        ("a.npy", "not an array that can be read"),
        ("a.tar.zst", "pack its pictures as zip"),
        ("a.txt", "is text, which seqgan, maskgan and bgan take: for pictures, --data accepts"),
        ("a.jsonl.gz", "is text, which seqgan, maskgan and bgan take"),
        ("a.png", "single picture"),
        ("a.exe", "holds no data that can be read"),
        ("a.zip", "not a zip"),
    ],
)
def test_files_of_another_kind(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(BadData, match=words):
        open_images(str(tmp_path / name), size=32)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(BadData, match="neither a folder nor a plain file"):
        open_images(str(tmp_path / "pipe.tar"), size=32)


def test_nothing_to_see(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadData, match="There are no pictures"):
        open_images(str(tmp_path / "empty"), size=16)
    with pytest.raises(BadData, match="There are no pictures"):
        open_images(str(hostile(tmp_path / "a.zip", "words.txt")), size=16)
    (tmp_path / "empty" / "a.png").write_text("words")
    with pytest.raises(BadData, match=r"None of the 1 pictures .* a\.png is not a picture"):
        open_images(str(tmp_path / "empty"), size=16)
    assert kept() == []


@pytest.mark.parametrize(("spec", "size"), [("faces", 16), ("faces", 512), ("glyphs", 512), ("faces", 48), (".", 8), (".", 1024), (".", 0)])
def test_sizes_that_cannot_be_had(spec, size):
    with pytest.raises(BadData, match="choose one of"):
        open_images(spec, size=size)


def test_faces_are_a_source(monkeypatch):
    monkeypatch.setattr(faces, "COUNTS", {32: 300})
    told: list[tuple[int, int]] = []
    data = open_images("faces", size=32, progress=lambda *a: told.append(a))
    assert data.title == "faces"
    assert told[-1] == (300, 300)
    assert len(told) > 2
    np.testing.assert_array_equal(data.images[[7, 299]], faces.draw([7, 299], 32))
    assert data.names[123] == "face 123"
    assert data.captions
    assert data.labels
    assert data.values == faces.ATTRIBUTES
    assert data.captions(5) == faces.caption(5)
    assert all(len(v) == 300 for v in data.labels.values())
    assert open_images("faces", size=32).id == data.id


def test_two_channels_cannot_be_had():
    with pytest.raises(BadData, match="choose 1"):
        open_images("faces", size=32, channels=2)


def test_every_source_is_listed_with_an_example():
    listed = sources.sources()
    assert {s["name"] for s in listed} >= set(BUILTIN)
    assert all(s["what"] and s["example"].startswith("--data ") for s in listed)
    assert {s["name"] for s in listed if s["kind"] == "text"} == {"grammar", "oracle", "text", "oracle.npz"}
    assert all(s["sizes"] if s["kind"] == "pictures" else not s["sizes"] for s in listed)
    json.dumps(listed)


def test_the_kind_of_a_source(tmp_path, folder):
    def made(name: str, content: bytes = b"some words\n") -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    np.savez(tmp_path / "oracle.npz", emb=np.zeros((3, 2)), Wi=np.zeros((2, 2)))
    np.savez(tmp_path / "images.npz", images=np.zeros((3, 4, 4), np.uint8))
    texts = ["grammar", "oracle", made("a.txt"), made("words"), made("b.txt", b"\xff\xfe"), str(tmp_path / "oracle.npz")]
    pictures = ["faces", "hub:any", str(folder), str(tmp_path / "images.npz"), made("a.png"), made("a.zip"), made("b.bin", b"\xff\0"), "not/there"]
    assert [sources.kind(s) for s in texts] == ["text"] * len(texts)
    assert [sources.kind(s) for s in pictures] == ["pictures"] * len(pictures)
    with pytest.raises(BadData, match="arrays of an oracle of text, which seqgan and maskgan take"):
        open_images(str(tmp_path / "oracle.npz"), size=32)


@pytest.mark.real
@pytest.mark.skipif(not LFW.exists(), reason="../shared/data is not here")
def test_real_faces():
    data = open_images(str(LFW), size=32)
    assert data.title == "lfwcrop-1800-64px-png (1,800 pictures)"
    assert data.images.shape == (1800, 32, 32, 3)
    assert data.skipped == ()
    assert 120 < len(data.held_out) < 240
    assert 60 < data.images.mean() < 180
