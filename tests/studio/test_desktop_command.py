"""The entry in the menu of a Linux desktop."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import pytest
from PIL import Image

from studio.commands import desktop
from tests.studio.tiny import refused


def test_it_is_put_there_and_taken_away(do, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    exe = tmp_path / 'a "b" $c 100%' / "sampling-studio"
    monkeypatch.setattr(desktop, "program", lambda: exe)
    done = do("desktop", "--json")
    assert done.status == 0
    files = [Path(f) for f in done.json["installed"]]
    assert all(f.is_file() for f in files)
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read(files[0], "utf-8")
    told = parser["Desktop Entry"]
    assert (told["Type"], told["Icon"], told["Terminal"]) == ("Application", "sampling-studio", "false")
    assert _read_exec(told["Exec"]) == [str(exe)]
    sizes = {}
    for file in (f for f in files if f.suffix == ".png"):
        with Image.open(file) as picture:
            sizes[file.parents[1].name] = picture.size
    assert {"16x16", "48x48", "256x256"} <= set(sizes)
    assert all(name == f"{w}x{h}" for name, (w, h) in sizes.items())
    assert len(do("desktop", "--remove", "--json").json["removed"]) == len(files)
    assert [p for p in (tmp_path / "share").rglob("*") if p.is_file()] == []
    assert do("desktop", "--remove").out == "There was nothing to remove.\n"


def _read_exec(line: str) -> list[str]:
    """As a desktop reads it: the escapes of a string, then those between quotes, then the doubled %."""
    line = line.replace("\\\\", "\\")
    assert line.startswith('"')
    assert line.endswith('"')
    out, escaped = "", False
    for c in line[1:-1]:
        if c == "\\" and not escaped:
            escaped = True
        else:
            out, escaped = out + c, False
    return [out.replace("%%", "%")]


def test_it_starts_the_program_that_was_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert desktop.program() is None
    (tmp_path / "sampling-studio").touch()
    assert desktop.program() == tmp_path / "sampling-studio"


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_it_says_what_to_do(do, monkeypatch, system):
    monkeypatch.setattr("studio.commands.desktop.sys.platform", system)
    refused(do("desktop"), "Linux")


def test_without_a_program_nothing_is_written(do, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr(desktop, "program", lambda: None)
    refused(do("desktop"), "not installed", status=1)
    assert not (tmp_path / "share").exists()
