from __future__ import annotations

import errno
import os

import pytest

from models import files
from models.errors import DiskTrouble


def test_home_is_chosen_or_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path))
    assert files.home() == tmp_path
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", "~/studio")
    assert "~" not in str(files.home())
    monkeypatch.delenv("SAMPLING_STUDIO_HOME")
    assert "sampling-studio" in str(files.home())


def test_a_file_is_written_whole_with_its_folders(tmp_path):
    files.write_bytes(tmp_path / "a/b/c.bin", b"123")
    assert (tmp_path / "a/b/c.bin").read_bytes() == b"123"
    assert os.listdir(tmp_path / "a/b") == ["c.bin"]


def half(path, error) -> None:
    with files.writing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x"
    files.write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError):
        half(path, ZeroDivisionError())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "is full"),
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EROFS, "no permission"),
        (errno.EIO, "could not be written"),
    ],
)
def test_a_failed_write_is_one_sentence(tmp_path, number, words):
    path = tmp_path / "x"
    files.write_bytes(path, b"old")
    with pytest.raises(DiskTrouble, match=words) as raised:
        half(path, OSError(number, os.strerror(number)))
    assert str(tmp_path) in str(raised.value)
    assert str(raised.value).count("\n") == 0
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_folder_that_is_a_file_is_trouble(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble):
        files.write_bytes(tmp_path / "file" / "x", b"")


def test_json_is_strict_and_keeps_its_letters(tmp_path):
    files.write_json(tmp_path / "x.json", {"γ": 1})
    assert "γ" in (tmp_path / "x.json").read_text("utf-8")
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "x.json", {"γ": float("nan")})
    assert "γ" in (tmp_path / "x.json").read_text("utf-8")
