"""Runs are found, described, renamed, copied and thrown away; what is damaged is told in a sentence, what is in use is left alone."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import BadInput, DiskTrouble, RunBusy
from models.files import home, trouble
from models.journal import RunFolder
from models.opening import free, new_path
from models.settings import change, missing
from studio import runs
from tests.studio.runfolders import RECORD, made
from tests.studio.tiny import REPO, refused


@pytest.fixture
def folder(own_home):
    return own_home / "runs"


def test_a_listing_describes_each_run(folder):
    made(folder / "one")
    made(folder / "two", parent={"id": "id-one", "name": "one", "path": "", "step": 10, "knobs": {"gamma": 0.3}})
    first, second = sorted(runs.listing(), key=lambda run: run.name)
    assert (first.name, first.id, first.step, first.total, first.phase, first.title) == ("one", "id-one", 30, 40, "adversarial", "faces")
    assert (first.use.checkpoints, first.use.metrics, first.use.reel) == (4000, 240, 0)
    assert first.bytes == sum(f.stat().st_size for f in first.path.rglob("*") if f.is_file())
    assert first.parent is None
    assert second.parent is not None
    assert second.parent["step"] == 10


def test_phases_and_totals_follow_the_journal(folder):
    phases = [{"name": "likelihood", "steps": 10}, {"name": "reward", "steps": 10}]
    run = RunFolder.open(made(folder / "text", phases=phases), write=False)
    (run.path / "journal.jsonl").write_text('{"what": "phase", "a": ' + "[" * 100_000 + "\n")  # a line that cannot be read is no line
    (folder.parent / "places.json").write_text("[" * 100_000)
    run.add_line(4, "phase", "reward")
    run.add_line(12, "longer", "by 5", steps=5)
    found = runs.facts(run.path)
    assert (found.phase, found.total) == ("reward", 4 + 10 + 5)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: (run / "run.json").unlink(), "no run.json"),
        (lambda run: (run / "run.json").write_text("{"), "damaged"),
        (lambda run: (run / "run.json").write_text(json.dumps(RECORD | {"format": 99})), "newer version"),
        (lambda run: (run / "run.json").write_text(json.dumps(RECORD | {"phases": "none", "data": 3})), "damaged"),
        (lambda run: shutil.rmtree(run / "checkpoints"), "no checkpoint"),
        (lambda run: (run / "run.json").write_bytes(b"\xff\xfe\x00"), "damaged"),
        (lambda run: (run / "run.json").write_text("[" * 100_000), "nested too deeply"),
    ],
    ids=["no record", "torn record", "newer", "odd fields", "no checkpoints", "no text", "deep"],
)
def test_a_damaged_run_is_listed_and_can_be_thrown_away(folder, damage, words):
    damage(made(folder / "hurt"))
    (found,) = runs.listing()
    assert found.state == "damaged"
    assert words in found.why
    assert found.bytes > 0
    assert not runs.trash(found.path).is_relative_to(folder)
    assert runs.listing() == []


@pytest.mark.parametrize("parent", [3, {}, {"step": "x", "id": "a"}, {"step": None}, {"step": -5, "name": ["<img src=x>"]}], ids=range(5))
def test_an_odd_parent_is_no_reason_to_give_up_a_run(folder, parent):
    made(folder / "odd", parent=parent)
    (found,) = runs.listing()
    assert found.state == "ok"
    assert found.parent is None or found.parent["step"] == 0


def test_what_is_no_run_is_neither_listed_nor_deleted(folder, tmp_path):
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "text.txt").write_text("mine")
    assert runs.listing() == []
    with pytest.raises(BadInput, match="not a run"):
        runs.trash(folder / "notes")
    assert (folder / "notes" / "text.txt").is_file()


def test_a_run_is_found_where_it_went(folder, tmp_path):
    run = made(folder / "one")
    said = {"id": "id-one", "name": "one", "path": str(run)}
    assert runs.find(said) == run
    moved = run.rename(folder / "elsewhere")
    assert runs.find(said) == moved
    far = moved.rename(tmp_path / "far")
    assert runs.find(said) is None
    runs.remember(far)
    assert runs.find(said) == far
    assert [r.path for r in runs.listing()] == [far]
    made(folder / "one", id="another")  # its old place has another run now
    assert runs.find(said) == far
    assert runs.find({"name": "one", "path": "/nowhere"}) == folder / "one"


def test_a_name_is_changed_with_the_folder_and_the_id_stays(folder):
    plain = {k: v for k, v in RECORD.items() if k != "id"}
    run = made(folder / "one")
    (run / "run.json").write_text(json.dumps(plain | {"name": "one"}))  # from before there were ids
    before = runs.facts(run).id
    renamed = runs.rename(run, "  faces, γ low ")
    found = runs.facts(renamed)
    assert (renamed.name, found.name, found.id) == ("faces, γ low", "faces, γ low", before)
    assert not run.exists()


@pytest.mark.parametrize("name", ["", "  ", ".hidden", "a/b", "..", "a\\b", "con", "x" * 81, "end.", "a\nb"])
def test_a_name_that_no_folder_can_have_is_refused(folder, name):
    run = made(folder / "one")
    with pytest.raises(BadInput):
        runs.rename(run, name)
    assert runs.facts(run).name == "one"


def test_a_clash_is_refused_with_a_name_that_is_free(folder):
    made(folder / "two")
    made(folder / "two-2")
    with pytest.raises(BadInput, match="two-3"):
        runs.rename(made(folder / "one"), "two")
    assert {r.name for r in runs.listing()} == {"one", "two", "two-2"}


def test_a_run_that_is_written_to_is_left_alone(folder):
    run = made(folder / "one")
    writer = RunFolder.open(run)
    for act in (lambda: runs.rename(run, "two"), lambda: runs.trash(run)):
        with pytest.raises(RunBusy, match="another process"):
            act()
    writer.close()
    assert runs.rename(run, "two").is_dir()


def test_the_trash_gives_back(folder):
    run = made(folder / "one")
    thrown = runs.trash(run)
    made(folder / "one")  # the name is taken meanwhile
    assert runs.restore(thrown, run) == folder / "one-2"
    assert len(runs.listing()) == 2


def test_a_copy_is_a_run_of_its_own(folder):
    run = made(folder / "one", frames=True)
    copy = runs.facts(runs.duplicate(run))
    assert copy.id != "id-one"
    assert (copy.step, copy.total) == (30, 40)
    assert copy.use.reel == runs.facts(run).use.reel > 0


def test_a_runs_folder_that_is_gone_is_told(tmp_path):
    assert missing() == ""
    change(runs_folder=str(tmp_path / "disk"))
    assert str(tmp_path / "disk") in missing()
    assert runs.listing() == []
    run = made(tmp_path / "elsewhere")
    for act in (lambda: runs.duplicate(run), lambda: free("a"), lambda: new_path("began", "faces")):
        with pytest.raises(BadInput, match="is not there: connect its disk"):
            act()
    assert not (tmp_path / "disk").exists()
    change(runs_folder=str(tmp_path))
    assert free("a") == tmp_path / "a-1"


def test_a_run_is_called_by_name_folder_or_id(folder):
    one, two = made(folder / "one"), made(folder / "two")
    assert runs.named("one") == runs.named("id-one") == runs.named(str(one)) == runs.typed(Path("one")) == one
    copied = shutil.copytree(one, folder / "by hand")
    with pytest.raises(BadInput, match=f"2 runs are called one: give the folder of one, {copied}, {one}"):
        runs.named("one")
    assert runs.named("by hand") == copied
    (two / "run.json").write_text("{")
    assert runs.named("two") == two  # a damaged one can be thrown away
    with pytest.raises(BadInput, match="no file or run none"):
        runs.typed(Path("none"), "file or run")


def test_a_run_goes_into_the_trash_of_a_full_disk_and_of_another_one(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = made(folder / "one")
    (run / "lock").touch()
    monkeypatch.setattr("models.journal.write_json", lambda path, value: (_ for _ in ()).throw(trouble(OSError(errno.ENOSPC, ""), path)))
    thrown = runs.trash(run)
    assert not run.exists()
    assert runs.restore(thrown, run) == run
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: full() if str(b).startswith(str(home())) else rename(a, b))
    with pytest.raises(DiskTrouble, match=r"No space left on device.*nothing was deleted.*--forever"):
        runs.trash(run)

    def across(a, b):
        if not str(a).endswith(".part"):
            raise OSError(errno.EXDEV, "other disk")
        rename(a, b)

    monkeypatch.setattr(os, "rename", across)
    monkeypatch.setattr(shutil, "copy2", full)
    monkeypatch.setattr(shutil.copytree, "__defaults__", (False, None, full, False, False))
    with pytest.raises(DiskTrouble, match="No space left"):
        runs.trash(run)
    assert runs.facts(run).state == "ok"
    assert [p.name for p in (home() / "trash").iterdir()] == []
    runs.destroy(run)
    assert not run.exists()


LIGHT = """
import sys
from studio import runs
runs.listing()
assert "torch" not in sys.modules and "PySide6" not in sys.modules
from PySide6.QtWidgets import QApplication
app = QApplication([])
from studio.pages.runs import RunsPage
from studio.session import Session
session = Session()
page = RunsPage(session)
page.show()
page.compare([run.path for run in page.all])
app.processEvents()
assert page.twins.isVisible() and page.twins.curves is not None
page.ask_fork()
page.stop()
session.close()
assert "torch" not in sys.modules
"""


def test_a_listing_needs_neither_qt_nor_torch_and_the_page_no_torch(folder):
    made(folder / "one", frames=True)
    made(folder / "two", frames=True)
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=REPO, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_command_line_lists_renames_copies_and_deletes(folder, do):
    made(folder / "one")
    made(folder / "hurt").joinpath("run.json").write_text("{")
    said = do("runs", "--json").json
    assert {r["name"]: r["state"] for r in said["runs"]} == {"one": "ok", "hurt": "damaged"}
    assert said["bytes"] == sum(r["bytes"] for r in said["runs"])
    assert "one" in do("runs").out
    do("runs", "rename", "one", "first")
    assert (folder / "first").is_dir()
    copy = do("runs", "duplicate", "first", "--out", folder / "second", "--json").json["path"]
    assert copy == str(folder / "second")
    kept = do("runs", "delete", "second", "--json").json["path"]
    assert runs.facts(type(folder)(kept)).name == "second"
    refused(do("runs", "rename", "nobody", "x"), "nobody")
    refused(do("runs", "rename", "first", "a/b"), "'/'")
