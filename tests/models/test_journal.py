from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models import journal
from models.errors import BadFile, BadInput, DiskTrouble, RunBusy
from models.journal import RunFolder

ROOT = Path(journal.__file__).parents[1]
RECORD = {"system": "toy", "seed": 0, "data": {}, "phases": [], "config": {}, "knobs": {}, "plan": {}, "columns": ["a", "b", "c"]}


@pytest.fixture
def folder(tmp_path):
    made = RunFolder.create(tmp_path / "run", RECORD)
    yield made
    made.close()


def test_a_run_is_made_and_opened_again(folder):
    assert RunFolder.open(folder.path, write=False).record == RECORD | {"format": journal.FORMAT}
    assert folder.columns == ["a", "b", "c"]
    assert (folder.lines(), len(folder.rows()), folder.steps(), folder.pins()) == ([], 0, [], set())


def test_a_folder_in_use_is_not_taken_without_force(tmp_path):
    (tmp_path / "run").mkdir()
    RunFolder.create(tmp_path / "run", RECORD).close()  # empty: taken
    with pytest.raises(BadInput, match=r"is not empty: choose another folder, or add --force"):
        RunFolder.create(tmp_path / "run", RECORD)
    (tmp_path / "file").write_text("x")
    for force in (False, True):
        with pytest.raises((BadInput, DiskTrouble)):
            RunFolder.create(tmp_path / "file", RECORD, force=force)
    assert (tmp_path / "file").read_text() == "x"


def test_force_leaves_nothing_of_the_old_run(folder):
    folder.add_line(1, "note", "old")
    folder.add_rows(np.ones((2, 3)))
    folder.checkpoint(5).parent.mkdir()
    folder.checkpoint(5).write_bytes(b"x")
    folder.pin(5)
    folder.close()
    (folder.path / "mine.txt").write_text("kept")
    again = RunFolder.create(folder.path, RECORD | {"system": "other"}, force=True)
    assert (again.lines(), len(again.rows()), again.steps(), again.pins()) == ([], 0, [], set())
    assert RunFolder.open(folder.path, write=False).record["system"] == "other"
    assert (folder.path / "mine.txt").read_text() == "kept"
    again.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": "x"}', "damaged"),
        ('{"format": 99}', "newer version"),
        ("\x00", "damaged"),
    ],
)
def test_a_damaged_or_newer_run_is_refused(folder, text, words):
    (folder.path / "run.json").write_text(text)
    with pytest.raises(BadFile, match=words) as raised:
        RunFolder.open(folder.path, write=False)
    assert "\n" not in str(raised.value)


def test_what_is_no_run_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(BadFile, match="is not a run"):
            RunFolder.open(path)
    assert sorted(os.listdir(tmp_path)) == ["file"]


# --- journal ------------------------------------------------------------------------------------------------------


def test_lines_keep_their_words_whatever_they_hold(folder):
    words = ["γ 0.5 → 0.4", "two\nlines\r\n", "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", '"quoted" \\', ""]
    for step, text in enumerate(words):
        folder.add_line(step, "note", text, change={"gamma": 0.1})
    assert [line["text"] for line in folder.lines()] == words
    assert [line["step"] for line in folder.lines()] == list(range(len(words)))
    assert folder.lines()[0]["change"] == {"gamma": 0.1}
    assert abs(folder.lines()[0]["time"] - time.time()) < 60
    folder.set_lines(folder.lines())
    assert [line["text"] for line in folder.lines()] == words


def test_a_torn_last_line_is_left_out_at_every_length(folder):
    folder.add_line(1, "note", "first")
    folder.add_line(2, "note", "γ last")
    path = folder.path / "journal.jsonl"
    content = path.read_bytes()
    start = content.index(b"\n") + 1
    for length in range(start, len(content) - 1):  # without the brace
        path.write_bytes(content[:length])
        assert [line["text"] for line in folder.lines()] == ["first"], length
    path.write_bytes(content[:-1])  # only the line end is missing: nothing is
    assert len(folder.lines()) == 2
    path.write_bytes(content + b"42\n[]\n{}\nnull\n")
    assert len(folder.lines()) == 2


# --- metrics ------------------------------------------------------------------------------------------------------


def test_rows_are_kept_exactly_and_torn_ones_are_cut(folder):
    rows = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    folder.add_rows(rows[:1])
    folder.add_rows(np.asfortranarray(rows[1:]).astype(np.float64))
    assert np.array_equal(folder.rows(), rows)
    path = folder.path / "metrics.f32"
    content = path.read_bytes()
    for cut in range(1, 12):
        path.write_bytes(content[:-cut])
        assert np.array_equal(folder.rows(), rows[:3]), cut
    folder.cut_rows(3)
    folder.add_rows(rows[3:])
    assert np.array_equal(folder.rows(), rows)
    folder.cut_rows(2)
    assert np.array_equal(folder.rows(), rows[:2])
    folder.cut_rows(100)
    assert np.array_equal(folder.rows(), rows[:2])


def test_a_disk_that_fills_while_appending_leaves_whole_rows_and_lines(folder):
    rows = np.ones((50, 3), np.float32)
    folder.add_rows(rows)
    for i in range(8):
        folder.add_line(i, "note", "x" * 40)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (905, hard))  # in the middle of a row, and of a line
        with pytest.raises(DiskTrouble):
            folder.add_rows(rows)
        with pytest.raises(DiskTrouble):
            folder.add_line(9, "note", "x" * 600)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder.path / "metrics.f32").stat().st_size == 600
    assert len(folder.lines()) == 8
    folder.add_rows(rows * 2)
    folder.add_line(9, "note", "after")
    assert np.array_equal(folder.rows(), np.concatenate([rows, rows * 2]))
    assert [line["text"] for line in folder.lines()][-1] == "after"


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "is full"), (errno.EROFS, "no permission")])
def test_a_disk_that_refuses_is_one_sentence(folder, monkeypatch, number, words):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DiskTrouble, match=words):
        folder.add_line(1, "note", "x")
    with pytest.raises(DiskTrouble, match=words):
        folder.add_rows(np.ones((1, 3)))


def test_a_place_that_cannot_be_written_makes_no_run(tmp_path, monkeypatch):
    real = Path.mkdir

    def refuse(self, *args, **kwargs):
        if self == tmp_path / "run":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DiskTrouble, match="no permission"):
        RunFolder.create(tmp_path / "run", RECORD)
    assert not (tmp_path / "run").exists()


# --- checkpoints --------------------------------------------------------------------------------------------------


def test_thinning_keeps_the_first_the_newest_and_the_pinned(folder):
    folder.checkpoint(0).parent.mkdir()
    for step in (0, 50, 100, 150, 200, 1000, 2_000_000_000):
        folder.checkpoint(step).write_bytes(b"x")
    (folder.path / "checkpoints" / "notes.safetensors").write_bytes(b"x")
    folder.pin(50)
    folder.pin(100)
    folder.pin(50)
    assert folder.pins() == {50, 100}
    folder.thin()
    assert folder.steps() == [0, 50, 100, 200, 1000, 2_000_000_000]
    assert (folder.path / "checkpoints" / "notes.safetensors").exists()


def test_damaged_pins_pin_nothing_and_can_be_set_again(folder):
    for text in ("", "{", "5", "[[1]]"):
        (folder.path / "pins.json").write_text(text)
        assert folder.pins() == set(), text
    folder.pin(3)
    assert folder.pins() == {3}


def test_what_a_killed_process_left_half_written_is_removed(folder):
    folder.checkpoint(0).parent.mkdir()
    folder.checkpoint(0).write_bytes(b"x")
    for name in (".000000000.safetensors.123.part", ".tmpAbCdEf"):
        (folder.path / "checkpoints" / name).write_bytes(b"half")
    RunFolder.open(folder.path, write=False)
    assert len(os.listdir(folder.path / "checkpoints")) == 3  # whoever only reads leaves a writer's files alone
    folder.close()
    RunFolder.open(folder.path).close()
    assert os.listdir(folder.path / "checkpoints") == ["000000000.safetensors"]


# --- one writer ---------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from models.journal import RunFolder
folder = RunFolder.open(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_told_who_writes_until_that_one_is_gone_however_it_went(folder):
    folder.close()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        before = sorted(os.listdir(folder.path))
        for attempt in (lambda: RunFolder.open(folder.path), lambda: RunFolder.create(folder.path, RECORD, force=True)):
            with pytest.raises(RunBusy, match=rf"run is being written by another process \(pid {holder.pid}\): stop that one first"):
                attempt()
        assert sorted(os.listdir(folder.path)) == before
        assert RunFolder.open(folder.path, write=False).record["system"] == "toy"  # reading is free
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        if holder.stdout:
            holder.stdout.close()
    again = RunFolder.open(folder.path)
    again.close()


def test_the_same_process_cannot_write_twice_either(folder):
    with pytest.raises(RunBusy, match=f"pid {os.getpid()}"):
        RunFolder.open(folder.path)
    folder.close()
    folder.close()
    RunFolder.open(folder.path).close()
    assert not (folder.path / "owner.json").exists()


def test_a_torn_owner_still_gives_a_sentence(folder):
    (folder.path / "owner.json").write_text("{")
    with pytest.raises(RunBusy, match="by another process: stop"):
        RunFolder.open(folder.path)


@pytest.mark.parametrize("text", ["{", "[", '{"a": 1}', '[1, "x"]', "[[1]]", "[1e400]", "7"])
def test_pins_that_are_none_are_no_pins(tmp_path, text):
    (tmp_path / "pins.json").write_text(text)
    folder = RunFolder(tmp_path, {"columns": []})
    folder.pin(3)
    assert folder.pins() == {3}
