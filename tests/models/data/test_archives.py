from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import archives, cache, encoded
from models.data.sources import open_images
from models.errors import BadData

CIFAR = Path(__file__).parents[4] / "shared" / "data" / "cifar10-jpg.tar.xz"


def png(seed: int = 0, side: int = 20) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def member(name: str, content: bytes = b"", **more) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tarred(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT, encoding: str = "utf-8") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind, encoding=encoding) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


PLAIN = tarred(*(member(f"set/{name}/{i}.png", png(i)) for i, name in enumerate(["cat", "dog", "cat", "dog", "owl"])))


def put(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.txz", "a.tar.bz2", "no-name-at-all"])
def test_a_tar_is_read_in_its_own_order(tmp_path, name):
    packs = {"gz": gzip.compress, "tgz": gzip.compress, "bz2": bz2.compress, "tar": bytes}
    data = open_images(put(tmp_path / name, packs.get(name.split(".")[-1], lzma.compress)(PLAIN)), size=16)
    assert list(data.names) == ["set/cat/0.png", "set/dog/1.png", "set/cat/2.png", "set/dog/3.png", "set/owl/4.png"]
    assert data.title == f"{name.split('.')[0]} (5 pictures)"
    assert data.values == {"class": ("cat", "dog", "owl")}
    assert data.labels is not None
    assert data.labels["class"].tolist() == [0, 1, 0, 1, 2]
    assert data.about["original"] == {"smallest": [20, 20], "largest": [20, 20], "common": [20, 20]}


def test_a_tar_a_zip_and_a_folder_hold_the_same(tmp_path):
    folder, names = tmp_path / "set", [f"{'ab'[i % 2]}/{i:03}.png" for i in range(150)]
    for i, name in enumerate(sorted(names)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(i))
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as tar, zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in sorted(names):
            tar.add(folder / name, f"./{name}")
            archive.write(folder / name, name)
    sets = [open_images(str(tmp_path / name), size=16) for name in ("set", "set.tar.xz", "set.zip")]
    assert len({s.id for s in sets}) == 1
    assert [list(s.names) for s in sets] == [sorted(names)] * 3
    assert all(s.values == {"class": ("a", "b")} for s in sets)
    for s in sets:
        np.testing.assert_array_equal(s.held_out, sets[0].held_out)
        assert s.labels is not None
        np.testing.assert_array_equal(s.labels["class"], np.repeat([0, 1], 75))


def test_the_second_time_nothing_is_read(tmp_path, monkeypatch):
    spec = put(tmp_path / "a.tar.xz", lzma.compress(PLAIN))
    first = open_images(spec, size=16)
    monkeypatch.setattr(encoded, "decode", None)
    again = open_images(spec, size=16)
    assert (again.id, again.names, again.values, again.about) == (first.id, first.names, first.values, first.about)


def test_progress_does_not_know_the_total_before_the_end(tmp_path):
    told: list[tuple[int, int]] = []
    open_images(put(tmp_path / "a.tar", PLAIN), size=16, progress=lambda *a: told.append(a))
    assert told[0] == (0, 0)
    assert told[-1] == (5, 5)


def test_cancelling_leaves_no_thread_and_no_file(tmp_path):
    import threading

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    spec = put(tmp_path / "a.tar", tarred(*(member(f"{i}.png", png(i)) for i in range(40))))
    with pytest.raises(KeyboardInterrupt):
        open_images(spec, size=16, progress=stop)
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]
    assert not any(f.suffix in (".npy", ".json") for f in cache.folder().iterdir())


@pytest.mark.parametrize("name", ["../up.png", "a/../../up.png", "/etc/abs.png", "C:\\windows.png", "..\\up.png", "../up.txt"])
def test_a_tar_that_points_outside_is_refused(tmp_path, name):
    with pytest.raises(BadData, match="points outside the archive"):
        open_images(put(tmp_path / "a.tar", tarred(member("a.png", png()), member(name, b"x"))), size=16)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), *((k, "a device") for k in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE))],
)
def test_links_and_devices_are_refused(tmp_path, kind, words):
    bad = member("b.png", type=kind, linkname="/etc/passwd")
    with pytest.raises(BadData, match=f"'b.png' is {words}"):
        open_images(put(tmp_path / "a.tar", tarred(member("a.png", png()), bad)), size=16)
    assert not cache.folder().exists() or not list(cache.folder().iterdir())


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_bomb_is_refused_on_the_way(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archives, "TAR_SMALL", 4 << 20)
    spec = put(tmp_path / "a.tar.xz", pack(tarred(member("a.txt", bytes(12 << 20)))))
    with pytest.raises(BadData, match="unpacks to more than 200 times its size"):
        open_images(spec, size=16)
    monkeypatch.setattr(archives, "TOTAL", 1 << 20)
    with pytest.raises(BadData, match="unpacks to more than"):
        open_images(spec, size=16)


def test_a_header_that_would_fill_memory_is_damage(tmp_path):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 6 << 30
    with pytest.raises(BadData, match="damaged or cut short"):
        open_images(put(tmp_path / "a.tar", header.tobuf(tarfile.GNU_FORMAT) + bytes(4096)), size=16)


def test_a_negative_size_does_not_loop(tmp_path):
    header = bytearray(tarfile.TarInfo("a.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xf6\x00"  # base 256, below zero
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(BadData, match="damaged or cut short"):
        open_images(put(tmp_path / "a.tar", PLAIN[: 512 * 4] + bytes(header) + bytes(1024)), size=16)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("share", [0.3, 0.55, 0.9])
def test_a_tar_that_is_cut_short_is_refused(tmp_path, pack, share):
    content = pack(PLAIN[: -PLAIN[::-1].index(b"\x82")])  # without the zeros at its end
    with pytest.raises(BadData, match=r"cut short|damaged"):
        open_images(put(tmp_path / "a.tar.xz", content[: int(share * len(content))]), size=16)


def test_damage_in_the_middle_is_not_taken_for_the_end(tmp_path):
    raw = bytearray(PLAIN)
    second = raw.index(b"set/dog/1.png")
    raw[second : second + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(BadData, match="damaged or cut short after 1 member"):
        open_images(put(tmp_path / "a.tar", bytes(raw)), size=16)


def test_names_in_odd_encodings(tmp_path):
    names = ["caf\xe9.png", "new\nline.png", "\x1b[31mred.png", "x" * 900 + ".png"]
    spec = put(tmp_path / "a.tar", tarred(*(member(n, png(i)) for i, n in enumerate(names)), kind=tarfile.GNU_FORMAT, encoding="latin-1"))
    for _ in range(2):  # the second time from the cache
        data = open_images(spec, size=16)
        assert list(data.names)[:3] == ["caf\\xe9.png", "new\\nline.png", "\\x1b[31mred.png"]
        assert len(data.names[3]) < 400
        json.dumps(list(data.names)).encode("ascii")


def test_a_name_that_is_too_long_to_tell_keeps_its_folder(tmp_path):
    names = [f"{'deep/' * 100}{kind}/{i}.png" for i, kind in enumerate(["cat", "dog", "cat"])]
    names.append(f"cat{'/.' * 200}/{'x' * 400}.png")
    data = open_images(put(tmp_path / "a.tar", tarred(*(member(n, png(i)) for i, n in enumerate(names)))), size=16)
    assert data.values == {"class": ("cat", "dog")}
    assert data.labels
    assert data.labels["class"].tolist() == [0, 1, 0, 0]
    assert max(map(len, data.names)) <= 301


def test_a_zip_with_names_of_another_code_page(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("caf\xe9/a.png", png())
    raw = (tmp_path / "a.zip").read_bytes().replace("caf\xe9/a.png".encode(), b"caf\x82\x82/a.png")
    flags = bytearray(raw)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        flags[flags.index(magic) + offset + 1] &= 0xF7  # not UTF-8 after all
    assert list(open_images(put(tmp_path / "b.zip", bytes(flags)), size=16).names) == ["caf\xe9\xe9/a.png"]


def test_empty_members_are_counted_and_a_few_are_told(tmp_path):
    spec = put(tmp_path / "a.tar.gz", gzip.compress(tarred(*(member(f"{i}.png") for i in range(3000)), member("b.png", png())), 1))
    for _ in range(2):
        data = open_images(spec, size=16)
        assert len(data) == 1
        assert len(data.skipped) == 101
        assert data.skipped[0] == "0.png is empty."
        assert data.skipped[-1] == "2,900 more were left out: 2,900 because it is empty."
        assert data.about["left_out"] == 3000


def test_a_hundred_thousand_empty_members_answer_fast(tmp_path):
    header = tarfile.TarInfo("x").tobuf()
    names = [member(f"{i}.png")[0].tobuf(tarfile.GNU_FORMAT) for i in range(1000)]
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        for _ in range(100):
            file.write(b"".join(names))
        file.write(header + bytes(1024))
    start = time.monotonic()
    with pytest.raises(BadData, match=r"None of the 100,000 pictures .* \(the first: 0.png is empty\)"):
        open_images(str(tmp_path / "a.tar.gz"), size=16)
    assert time.monotonic() - start < 20


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 4)
    with pytest.raises(BadData, match="more than 4 members"):
        open_images(put(tmp_path / "a.tar", PLAIN), size=16)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(5):
            archive.writestr(f"{i}.txt", "")
    with pytest.raises(BadData, match="more than 4 members"):
        open_images(str(tmp_path / "a.zip"), size=16)


def test_what_is_no_picture_is_left_alone(tmp_path):
    members = [member(n, png()) for n in ("./.hidden.png", "__MACOSX/a.png", "._a.png", "notes.txt", ".git/b.png")]
    data = open_images(put(tmp_path / "a.tar", tarred(*members, member("folder", type=tarfile.DIRTYPE), member("./a.png", png(1)))), size=16)
    assert list(data.names) == ["a.png"]
    with pytest.raises(BadData, match=r"There are no pictures in .*a2\.tar"):
        open_images(put(tmp_path / "a2.tar", tarred(*members)), size=16)
    with pytest.raises(BadData, match=r"There are no pictures in .*a3\.tar"):
        open_images(put(tmp_path / "a3.tar", tarred()), size=16)


def test_unusable_pictures_of_a_tar_are_told(tmp_path):
    data = open_images(put(tmp_path / "a.tar", tarred(member("a.png", png()[:300]), member("b.png", b"words"), member("c.png", png()))), size=16)
    assert data.skipped == ("a.png is cut short.", "b.png is not a picture that can be read.")


def test_a_picture_that_is_too_large_does_not_stop_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FILE_LIMIT", 3000)
    data = open_images(put(tmp_path / "a.tar", tarred(member("a.png", png(side=60)), member("b.png", png()))), size=16)
    assert list(data.names) == ["b.png"]
    assert "larger than" in data.skipped[0]


def test_a_set_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("models.data.assemble.OUTPUT_LIMIT", 16 * 16 * 3 * 4)
    spec = put(tmp_path / "a.tar", PLAIN)
    with pytest.raises(BadData, match="choose a smaller size"):
        open_images(spec, size=16)
    assert len(open_images(spec, size=16, channels=1)) == 5


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not CIFAR.exists(), reason="../shared/data is not here")
def test_real_cifar():
    start = time.monotonic()
    data = open_images(str(CIFAR), size=32)
    first = time.monotonic() - start
    assert data.images.shape == (60_000, 32, 32, 3)
    assert data.values
    assert data.labels
    assert data.values["class"] == ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    assert np.bincount(data.labels["class"]).tolist() == [6000] * 10
    assert data.names[0] == "train/airplane/0000.jpg"
    assert data.skipped == ()
    assert first < 90
    start = time.monotonic()
    assert open_images(str(CIFAR), size=32).id == data.id
    assert time.monotonic() - start < 3
