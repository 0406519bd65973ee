from __future__ import annotations

import gzip
import io
import json
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.data import tables, values
from models.data.sources import open_images
from models.errors import BadData

MNIST = Path(__file__).parents[4] / "shared" / "data" / "train-images-idx3-ubyte.gz"


def idx(array: np.ndarray) -> bytes:
    kinds = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    big = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, kinds[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + big.tobytes()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def saved(path: Path, **arrays) -> str:
    np.savez(path, **arrays)
    return str(path)


# --- IDX ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels-idx1-ubyte"),
        ("emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz"),
        ("images", "labels"),
        ("my-images.idx", "my-labels.idx"),
    ],
)
def test_idx_with_its_labels(tmp_path, name, labels):
    pixels, codes = noise(30, 28, 28), np.arange(30, dtype=np.uint8) % 10
    for file, content in ((name, idx(pixels)), (labels, idx(codes))):
        (tmp_path / file).write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
    data = open_images(str(tmp_path / name), size=28)
    np.testing.assert_array_equal(data.images, np.repeat(pixels[..., None], 3, -1))
    assert data.labels
    np.testing.assert_array_equal(data.labels["class"], codes)
    assert data.values == {"class": tuple("0123456789")}
    assert data.names[7] == "picture 7"
    assert data.about["colour"] == "grey"
    assert data.about["original"]["common"] == [28, 28]
    assert open_images(str(tmp_path / name), size=28, channels=1).images.shape == (30, 28, 28, 1)
    assert open_images(str(tmp_path / name), size=32).images.shape == (30, 32, 32, 3)


def test_gzip_is_known_by_its_content(tmp_path):
    (tmp_path / "digits").write_bytes(gzip.compress(idx(noise(5, 28, 28))))
    data = open_images(str(tmp_path / "digits"), size=28)
    assert len(data) == 5
    assert data.labels is None
    assert data.about["notes"] == ["No file of labels lies beside it."]


def test_idx_of_colour(tmp_path):
    pixels = noise(4, 16, 16, 3)
    (tmp_path / "a.idx").write_bytes(idx(pixels))
    np.testing.assert_array_equal(open_images(str(tmp_path / "a.idx"), size=16).images, pixels)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda c: c[:-1], "cut short"),
        (lambda c: c[:10], "cut short"),
        (lambda c: c + b"x", "longer than"),
        (lambda c: b"\x00\x00\x07\x03" + c[4:], "not an IDX file: it begins with 00 00 07 03"),
        (lambda c: b"\x08\x03\x00\x00" + c[4:], "not an IDX file"),
        (lambda c: b"", "not an IDX file: it is empty"),
        (lambda c: c[:4] + b"\xff" * 12 + c[16:], "would take|the limit"),
        (lambda c: c[:4] + b"\xff\xff\xff\xff" + c[8:12] + c[12:], "would take"),
        (lambda c: c[:4] + b"\0\0\0\0" + c[8:16], "holds no pictures"),
        (lambda c: idx(noise(6, 9)), "rows of numbers, not pictures"),
        (lambda c: idx(noise(2, 5, 4, 6)), "reshape it first"),
    ],
)
def test_bad_idx(tmp_path, packed, harm, words):
    content = harm(idx(noise(6, 16, 16)))
    (tmp_path / "a-images-idx3-ubyte").write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(BadData, match=words) as caught:
        open_images(str(tmp_path / "a-images-idx3-ubyte"), size=16)
    assert str(caught.value).count(". ") == 0


def test_a_gzip_that_is_cut_short(tmp_path):
    content = gzip.compress(idx(noise(20, 16, 16)))
    for keep in (5, 15, 2000, len(content) - 4):
        (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(content[:keep])
        with pytest.raises(BadData, match=r"cut short|not an IDX file|damaged"):
            open_images(str(tmp_path / "a-images-idx3-ubyte.gz"), size=16)
    broken = bytearray(content)
    broken[1000] ^= 255
    (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(broken)
    with pytest.raises(BadData, match=r"damaged|cut short|cannot be read"):
        open_images(str(tmp_path / "a-images-idx3-ubyte.gz"), size=16)


def test_an_idx_bomb_is_refused_before_it_is_unpacked(tmp_path):
    (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((20, 1024, 1024), np.uint8))))
    start = time.monotonic()
    with pytest.raises(BadData, match="times its size"):
        open_images(str(tmp_path / "a-images-idx3-ubyte.gz"), size=16)
    assert time.monotonic() - start < 2


def test_labels_given_as_data(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(noise(6)))
    with pytest.raises(BadData, match="holds labels, not pictures: give the file with the images"):
        open_images(str(tmp_path / "train-labels-idx1-ubyte"), size=28)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(noise(6, 8, 8))))
    with pytest.raises(BadData, match=r"give train-images-idx3-ubyte\.gz instead"):
        open_images(str(tmp_path / "train-labels-idx1-ubyte"), size=28)


@pytest.mark.parametrize(
    ("labels", "words"), [(idx(noise(5)), "5 labels for 6 pictures"), (b"words", "not an IDX file"), (idx(noise(6))[:-1], "cut short")]
)
def test_labels_that_do_not_belong(tmp_path, labels, words):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(noise(6, 8, 8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(BadData, match=words):
        open_images(str(tmp_path / "train-images-idx3-ubyte"), size=16)


def test_labels_that_come_later_are_seen(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(noise(6, 8, 8)))
    assert open_images(str(tmp_path / "train-images-idx3-ubyte"), size=16).labels is None
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.array([3, 3, 5, 5, 3, 9], np.uint8)))
    data = open_images(str(tmp_path / "train-images-idx3-ubyte"), size=16)
    assert data.labels
    assert data.labels["class"].tolist() == [0, 0, 1, 1, 0, 2]
    assert data.values == {"class": ("3", "5", "9")}


def test_one_class_is_no_label(tmp_path):
    data = open_images(saved(tmp_path / "a.npz", x=noise(4, 8, 8), y=np.full(4, 7)), size=16)
    assert data.labels is None
    assert "All pictures are of one class (7), so there are no labels." in data.about["notes"]


# --- npz and npy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("x", "y"), ("x_train", "y_train"), ("X", "y"), ("data", "target"), ("arr_0", "arr_1"), ("strokes", None)],
)
def test_the_usual_names(tmp_path, images, labels):
    pixels = noise(12, 16, 16, 3)
    arrays = {images: pixels} | ({labels: np.arange(12) % 3} if labels else {})
    data = open_images(saved(tmp_path / "a.npz", **arrays), size=16)
    np.testing.assert_array_equal(data.images, pixels)
    assert (data.values or {}) == ({"class": ("0", "1", "2")} if labels else {})
    assert data.title == "a (12 pictures)"
    json.dumps(data.about)


def test_an_npz_of_nothing_known(tmp_path):
    with pytest.raises(BadData, match=r"call it images or x.*its arrays: a, b"):
        open_images(saved(tmp_path / "a.npz", a=noise(3, 8, 8), b=noise(3, 8, 8)), size=16)
    with zipfile.ZipFile(tmp_path / "b.npz", "w"):
        pass
    with pytest.raises(BadData, match="its arrays: none"):
        open_images(str(tmp_path / "b.npz"), size=16)


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((5, 16, 16), lambda a: np.repeat(a[..., None], 3, -1)),
        ((5, 16, 16, 1), lambda a: np.repeat(a, 3, -1)),
        ((5, 16, 16, 3), lambda a: a),
        ((5, 1, 16, 16), lambda a: np.repeat(a.transpose(0, 2, 3, 1), 3, -1)),
        ((5, 3, 16, 16), lambda a: a.transpose(0, 2, 3, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "npy", "fortran"])
def test_shapes_of_arrays(tmp_path, shape, order, kind):
    pixels = noise(*shape)
    array = np.asfortranarray(pixels) if kind == "fortran" else pixels
    if kind == "npz":
        np.savez_compressed(tmp_path / "a.npz", images=array)
    else:
        np.save(tmp_path / "a.npy", array)
    data = open_images(str(tmp_path / f"a.{'npz' if kind == 'npz' else 'npy'}"), size=16)
    np.testing.assert_array_equal(data.images, order(pixels))


def test_transparency_lies_over_white(tmp_path):
    pixels = np.zeros((3, 16, 16, 4), np.uint8)
    pixels[0] = (200, 0, 0, 0)
    pixels[1] = (255, 0, 0, 128)
    pixels[2] = (9, 8, 7, 255)
    data = open_images(saved(tmp_path / "a.npz", x=pixels), size=16)
    assert data.images[:, 0, 0].tolist() == [[255, 255, 255], [255, 127, 127], [9, 8, 7]]


def test_arrays_are_cut_and_resized_as_files_are(tmp_path):
    from models.data.decode import decode

    pixels = noise(3, 40, 60, 3)
    data = open_images(saved(tmp_path / "a.npz", x=pixels), size=16)
    from PIL import Image

    for picture, array in zip(data.images, pixels, strict=True):
        file = io.BytesIO()
        Image.fromarray(array).save(file, "PNG")
        np.testing.assert_array_equal(picture, decode(file.getvalue(), 16).pixels)
    assert data.about["original"]["common"] == [60, 40]


GREY = np.linspace(0, 1, 16 * 16).reshape(1, 16, 16)


@pytest.mark.parametrize(
    ("array", "white", "black"),
    [
        (GREY.astype(np.float32), 1, 0),
        (GREY.astype(np.float16), 1, 0),
        (GREY * 2 - 1, 1, -1),
        (GREY * 255, 255, 0),
        ((GREY * 255).astype(np.int64), 255, 0),
        ((GREY * 65535).astype(np.uint16), 65535, 0),
        ((GREY * 65535).astype(np.int32), 65535, 0),
        (GREY > 0.5, 1, 0),
        ((GREY > 0.5).astype(np.uint8), 1, 0),
        ((GREY > 0.5).astype(np.int32), 1, 0),
        (GREY * 1.1 - 0.05, 1, 0),
        (np.zeros((1, 16, 16)), 1, 0),
        ((GREY * 255).astype(">i4"), 255, 0),
    ],
)
def test_which_number_is_white(tmp_path, array, white, black):
    data = open_images(saved(tmp_path / "a.npz", x=array), size=16, channels=1)
    expected = np.clip(np.floor((array.astype(np.float64) - black) / (white - black) * 255 + 0.5), 0, 255)
    np.testing.assert_allclose(data.images[..., 0], expected, atol=1)


def test_floats_that_reach_too_far_are_clipped_and_told(tmp_path):
    data = open_images(saved(tmp_path / "a.npz", x=GREY * 1.1 - 0.05), size=16)
    assert data.images.min() == 0
    assert data.images.max() == 255
    assert any("between 0 (black) and 1 (white); they reach from −0.05 to 1.05" in n for n in data.about["notes"])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (GREY * 6 - 3, "holds numbers from -3 to 3: scale them"),
        (GREY * 3, "holds numbers from 0 to 3: scale them"),
        (GREY * 255 - 40, "scale them to 0"),
        (GREY * 1e9, "scale them to 0"),
        ((GREY * 1e6).astype(np.int64), "holds whole numbers from 0 to 1,000,000"),
        ((GREY * 100 - 50).astype(np.int8), "holds whole numbers from -50 to 50"),
        (GREY * np.nan, "256 numbers of 256 that are NaN"),
        (np.where(GREY > 0.9, np.inf, GREY), "NaN or infinite"),
        (GREY.astype(np.complex64), "holds complex64"),
        (GREY.astype("U4"), "holds words"),
        (GREY.astype("M8[s]"), "holds datetime"),
        (np.zeros((3, 784)), "reshape it first"),
        (np.zeros((3, 8, 8, 7)), "reshape it first"),
        (np.zeros((0, 8, 8)), "holds no pictures"),
        (np.zeros(()), "reshape it first"),
        (np.zeros((1, 8, 8), [("a", "f4")]), "neither numbers nor words"),
    ],
)
def test_numbers_that_are_no_pictures(tmp_path, array, words):
    with pytest.raises(BadData, match=words):
        open_images(saved(tmp_path / "a.npz", x=array), size=16)


def test_a_few_that_are_no_numbers_become_black(tmp_path):
    array = np.full((4, 32, 32), 0.5)
    array[2, 0, 0] = np.nan
    data = open_images(saved(tmp_path / "a.npz", x=array), size=32)
    assert data.images[2, 0, 0].tolist() == [0, 0, 0]
    assert set(data.images[2].ravel().tolist()) == {0, 128}
    assert any("1 are NaN or infinite" in n for n in data.about["notes"])


@pytest.mark.parametrize("where", ["x", "y"])
def test_objects_are_never_unpickled(tmp_path, where):
    class Trap:
        def __reduce__(self):
            return (Path.write_text, (tmp_path / "sprung", "ouch"))

    trap = np.array([Trap()] * 3, object)
    arrays = {"x": noise(3, 8, 8), "y": np.arange(3)} | {where: trap}
    with pytest.raises(BadData, match="Python objects, which are never unpickled"):
        open_images(saved(tmp_path / "a.npz", **arrays), size=16)
    np.save(tmp_path / "a.npy", trap)
    with pytest.raises(BadData, match="Python objects"):
        open_images(str(tmp_path / "a.npy"), size=16)
    assert not (tmp_path / "sprung").exists()


def npy(shape: tuple[int, ...], content: bytes, kind: str = "|u1") -> bytes:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": kind, "fortran_order": False, "shape": shape})
    return head.getvalue() + content


@pytest.mark.parametrize("shape", [(10**12, 28, 28), (2**62, 2**62, 3), (3, 10**9, 10**9), (4, 8, 8)])
def test_a_shape_that_the_file_does_not_hold(tmp_path, shape):
    for name, put in (("a.npy", lambda c: (tmp_path / "a.npy").write_bytes(c)), ("a.npz", lambda c: zipped(tmp_path / "a.npz", c))):
        put(npy(shape, bytes(100)))
        start = time.monotonic()
        with pytest.raises(BadData, match="declares the shape"):
            open_images(str(tmp_path / name), size=28)
        assert time.monotonic() - start < 2


def zipped(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", content)


def test_an_npz_bomb_is_refused_before_it_is_unpacked(tmp_path):
    zipped(tmp_path / "a.npz", npy((20, 1024, 1024), bytes(20 << 20)))
    with pytest.raises(BadData, match="times its size"):
        open_images(str(tmp_path / "a.npz"), size=16)


def test_damage_inside_an_npz(tmp_path):
    zipped(tmp_path / "a.npz", npy((20, 32, 32), noise(20, 32, 32).tobytes()))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[5000] ^= 255
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(BadData, match=r"is damaged|cannot be read"):
        open_images(str(tmp_path / "a.npz"), size=16)
    (tmp_path / "b.npz").write_bytes(raw[:4000])
    with pytest.raises(BadData, match="damaged or cut short"):
        open_images(str(tmp_path / "b.npz"), size=16)


@pytest.mark.parametrize(
    ("labels", "names", "note"),
    [
        (np.array(["cat", "dog", "cat", "owl"]), ("cat", "dog", "owl"), ""),
        (np.array([[1], [0], [1], [2]]), ("0", "1", "2"), ""),
        (np.array([True, False, True, False]), ("False", "True"), ""),
        (np.array([1.0, 0.0, 2.0, 1.0]), ("0", "1", "2"), ""),
        (np.array([-1, 10, 9, 9]), ("-1", "9", "10"), ""),
        (np.array([0.5, 1.0, 2.0, 1.0]), None, "neither whole numbers nor words"),
        (np.eye(4), None, "have the shape (4, 4)"),
    ],
)
def test_labels_of_every_kind(tmp_path, labels, names, note):
    data = open_images(saved(tmp_path / "a.npz", x=noise(4, 8, 8), y=labels), size=16)
    assert (data.values or {}).get("class") == names
    assert any(note in n for n in data.about["notes"])
    if names and data.labels:
        assert len(data.labels["class"]) == 4


def test_labels_of_the_wrong_count(tmp_path):
    with pytest.raises(BadData, match="3 labels for 4 pictures"):
        open_images(saved(tmp_path / "a.npz", x=noise(4, 8, 8), y=np.arange(3)), size=16)


def test_chunks_join_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 700)
    pixels = noise(33, 16, 16)
    (tmp_path / "a.idx").write_bytes(gzip.compress(idx(pixels)))
    np.testing.assert_array_equal(open_images(str(tmp_path / "a.idx"), size=16, channels=1).images[..., 0], pixels)


def test_layouts():
    assert values.layout((5, 3, 9, 3))  # channels last, where both could be
    assert values.layout((5, 3, 9, 3))[0] == (3, 9, 3)
    assert values.layout((5, 2, 9, 9)) is None


@pytest.mark.real
@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize(("size", "channels"), [(28, 3), (32, 1)])
def test_real_digits(size, channels):
    data = open_images(str(MNIST), size=size, channels=channels)
    assert data.images.shape == (60_000, size, size, channels)
    assert data.labels
    assert np.bincount(data.labels["class"]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.about["colour"] == "grey"
    assert 5_500 < len(data.held_out) < 6_500
    if size == 28:
        raw = gzip.decompress(MNIST.read_bytes())[16 : 16 + 784]
        assert data.images[0, ..., 0].tobytes() == raw
    start = time.monotonic()
    assert open_images(str(MNIST), size=size, channels=channels).id == data.id
    assert time.monotonic() - start < 3


@pytest.mark.real
@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data is not here")
def test_real_labels_given_as_data():
    with pytest.raises(BadData, match=r"give t10k-images-idx3-ubyte\.gz instead"):
        open_images(str(MNIST.with_name("t10k-labels-idx1-ubyte.gz")), size=28)
