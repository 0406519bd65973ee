from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import cache, encoded
from models.data.sources import open_images
from models.errors import BadData


@pytest.fixture(scope="module")
def hub():
    with warnings.catch_warnings():  # what the library does while it is imported is its own affair
        warnings.simplefilter("ignore")
        datasets = pytest.importorskip("datasets", reason='the extra "hub" is not installed')
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # writing data sets for the tests shall leave no thread either
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = True
    datasets.disable_progress_bars()
    yield datasets
    datasets.config.HF_HUB_OFFLINE = before
    datasets.enable_progress_bars()


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if "huggingface_hub" in sys.modules:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def pixels(n: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3), np.uint8)


def table(hub, n: int = 12, **more):
    features = {"text": hub.Value("string"), "picture": hub.Image(), "label": hub.ClassLabel(names=["cat", "dog", "owl"])}
    columns = {"text": ["words"] * n, "picture": [Image.fromarray(p) for p in pixels(n)], "label": [i % 3 for i in range(n)]}
    for name, (feature, values) in more.items():
        features[name], columns[name] = feature, values
    return hub.Dataset.from_dict(columns, features=hub.Features(features))


def test_a_saved_data_set(hub, tmp_path, monkeypatch):
    table(hub).save_to_disk(str(tmp_path / "set"))
    data = open_images(f"hub:{tmp_path / 'set'}", size=16)
    np.testing.assert_array_equal(data.images, pixels())
    assert data.values == {"class": ("cat", "dog", "owl")}
    assert data.labels
    assert data.labels["class"].tolist() == [0, 1, 2] * 4
    assert (data.title, data.spec) == ("set (12 pictures)", f"hub:{tmp_path / 'set'}")
    monkeypatch.setattr(encoded, "decode", None)  # the second time nothing is decoded
    assert open_images(data.spec, size=16).id == data.id


def test_splits(hub, tmp_path):
    hub.DatasetDict({"train": table(hub), "test": table(hub, 5)}).save_to_disk(str(tmp_path / "set"))
    assert len(open_images(f"hub:{tmp_path / 'set'}", size=16)) == 12
    test = open_images(f"hub:{tmp_path / 'set'}:test", size=16)
    assert (len(test), test.title) == (5, "set test (5 pictures)")
    with pytest.raises(BadData, match="has no split 'tset': give one of train, test"):
        open_images(f"hub:{tmp_path / 'set'}:tset", size=16)
    table(hub).save_to_disk(str(tmp_path / "whole"))
    with pytest.raises(BadData, match="has no splits"):
        open_images(f"hub:{tmp_path / 'whole'}:test", size=16)


def test_several_splits_and_no_train(hub, tmp_path):
    hub.DatasetDict({"one": table(hub), "two": table(hub)}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(BadData, match="has several splits: give one of one, two"):
        open_images(f"hub:{tmp_path / 'set'}", size=16)


def test_a_folder_of_parquet(hub, tmp_path, capfd):
    (tmp_path / "set").mkdir()
    table(hub).to_parquet(str(tmp_path / "set" / "train-00000-of-00001.parquet"))
    table(hub, 4).to_parquet(str(tmp_path / "set" / "test-00000-of-00001.parquet"))
    capfd.readouterr()
    data = open_images(f"hub:{tmp_path / 'set'}", size=16)
    np.testing.assert_array_equal(data.images, pixels())
    assert len(open_images(f"hub:{tmp_path / 'set'}:test", size=16)) == 4
    assert capfd.readouterr() == ("", "")
    assert (cache.folder() / "hub").is_dir()  # and nothing anywhere else


def test_a_folder_of_pictures(hub, tmp_path):
    for i, p in enumerate(pixels()):
        path = tmp_path / "set" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(p).save(path)
    data = open_images(f"hub:{tmp_path / 'set'}", size=16)
    assert data.values == {"class": ("a", "b")}
    assert sorted(p.tobytes() for p in data.images) == sorted(p.tobytes() for p in pixels())


def test_several_labels_are_attributes(hub, tmp_path):
    warm = (hub.ClassLabel(names=["cold", "warm", "hot"]), [0, 1] * 6)
    table(hub, mood=warm).save_to_disk(str(tmp_path / "set"))
    data = open_images(f"hub:{tmp_path / 'set'}", size=16)
    assert data.values == {"label": ("cat", "dog", "owl"), "mood": ("cold", "warm")}


def test_rows_without_picture_or_label(hub, tmp_path):
    file = io.BytesIO()
    Image.fromarray(pixels()[0]).save(file, "PNG")
    cells = [{"bytes": file.getvalue(), "path": None}, None, {"bytes": b"words", "path": None}, {"bytes": b"", "path": None}]
    features = hub.Features({"picture": hub.Image(decode=False), "label": hub.ClassLabel(names=["cat", "dog"])})
    saved = hub.Dataset.from_dict({"picture": [*cells, cells[0]], "label": [1, 0, 0, 0, None]}, features=features)
    saved.cast_column("picture", hub.Image()).save_to_disk(str(tmp_path / "set"))
    data = open_images(f"hub:{tmp_path / 'set'}", size=16)
    assert list(data.names) == ["row 0", "row 4"]
    assert data.values == {"class": ("dog", "none")}
    assert [s.split(" ")[1] for s in data.skipped] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("hub:", "needs a name"),
        ("hub:/no/where", "There is no folder"),
        ("hub:cifar10", "cannot be reached|cannot be read"),
        ("hub:a b?/c", "cannot be reached|data set"),
    ],
)
def test_what_is_not_there(hub, spec, words):
    with pytest.raises(BadData, match=words):
        open_images(spec, size=16)


def test_folders_that_hold_something_else(hub, tmp_path):
    (tmp_path / "empty").mkdir()
    hub.Dataset.from_dict({"a": [1]}).save_to_disk(str(tmp_path / "numbers"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{")
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "script.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    for name in ("empty", "numbers", "broken", "script"):
        words = "no column of pictures" if name == "numbers" else "not a data set"
        with pytest.raises(BadData, match=words):
            open_images(f"hub:{tmp_path / name}", size=16)
    assert not (tmp_path / "sprung").exists()


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(BadData, match=r'pip install "sampling-studio\[hub\]"'):
        open_images("hub:anything", size=16)


def test_nothing_of_it_is_imported_before_it_is_needed():
    import subprocess

    code = "import sys, models.data.sources as s; s.sources(); assert not {'datasets', 'pyarrow', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3], timeout=60)
