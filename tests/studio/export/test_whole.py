"""Exports are there whole or not at all: cancelled, or on a disk that gets full in the middle."""

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import settings
from models.errors import DiskTrouble
from studio import recipe
from studio.export import Record, exporters, telling
from studio.export.telling import Cancelled

RNG = np.random.default_rng(0)
SOURCE = {
    "system": "began",
    "step": 40,
    "run": {"id": "ab" * 8, "name": "faces-1", "path": "/home/somebody/faces-1"},
    "data": {"spec": "/home/somebody/pictures", "id": "x", "title": "pictures"},
    "config": {},
    "knobs": {},
    "knob_history": [],
    "training_seed": 0,
    "state_hash": "0" * 64,
    "plan": {"device": "cpu", "threads": 1, "precision": "float32", "compile": "off"},
    "versions": {"torch": "2", "machine": "Linux box"},
}


@pytest.fixture
def record():
    lines = ({"step": 1, "time": 0.0, "what": "note", "text": "private words"}, {"step": 2, "time": 0.0, "what": "knobs", "text": "γ 0.5 → 0.4"})
    about = {"title": "BEGAN", "paper": "", "fields": {}, "defaults": {"config": {}, "knobs": {}}, "first_knobs": {}, "preset": "quick"}
    about |= {"created": "", "phases": [["adversarial", 40]], "card": None}
    pictures = RNG.integers(0, 255, (70, 8, 8, 3), np.uint8)
    reel = dict.fromkeys((0, 20, 40), pictures[:4])
    return Record("BEGAN on pictures", SOURCE, pictures, 3, reel=reel, loop=pictures[:40], latents=4, lines=lines, about=about)


WRITES = [("sheet", "a.png"), ("singles", "many"), ("gallery", "a.html"), *(("animation", f"a{e}") for e in (".webp", ".gif", ".apng"))]


@pytest.mark.parametrize(("name", "file"), WRITES)
def test_cancelled_in_the_middle_nothing_is_left(record, tmp_path, name, file):
    told = []

    def stop(done, total):
        told.append(done / total)
        if done > total / 2:
            raise Cancelled

    kept = tmp_path / file
    if kept.suffix:
        kept.write_text("what was there before")
    with pytest.raises(Cancelled):
        exporters()[name].export(record, kept, progress=stop)
    assert told
    assert [p.name for p in tmp_path.iterdir()] == ([file] if kept.suffix else [])
    assert not kept.suffix or kept.read_text() == "what was there before"
    telling.tell(1, 1)  # nobody listens any more


@pytest.mark.parametrize(("name", "file"), [("singles", "many"), ("curves", "a.csv"), ("sheet", "a.png")])
def test_a_disk_that_gets_full_in_the_middle_leaves_nothing(record, tmp_path, monkeypatch, name, file):
    record = replace(record, rows=np.ones((3, 1), np.float32), columns=("loss",))
    plain, calls = Path.write_bytes, []

    def full(self, content):
        calls.append(self)
        if len(calls) == (1 if name == "sheet" else 2):  # of the table its recipe, of the pictures the second
            plain(self, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskTrouble, match="is full") as trouble:
        exporters()[name].export(record, tmp_path / file)
    assert ".part" not in str(trouble.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_keeps_what_else_is_in_it(record, tmp_path):
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "mine.txt").write_text("words")
    files = exporters()["singles"].export(record, tmp_path / "many")
    assert len(files) == 70
    assert all(file.is_file() for file in files)
    assert len(list((tmp_path / "many").iterdir())) == 71


@pytest.mark.parametrize("name", ["sheet", "curves"])
def test_a_private_export_names_no_place_and_no_person(record, tmp_path, name):
    record = replace(record, rows=np.ones((3, 1), np.float32), columns=("loss",))
    for private in (True, None):
        settings.change(privacy=private is None)
        path = exporters()[name].export(record, tmp_path / f"a{exporters()[name].extension}", private=private)[0]
        found = recipe.read(path)
        assert found["private"] is True
        assert found["run"] == {"id": "ab" * 8, "name": "faces-1"}
        assert "somebody" not in str(found)
        assert "Linux box" not in str(found)
    settings.change(privacy=False)
    assert "somebody" in str(recipe.read(exporters()[name].export(record, path)[0]))
