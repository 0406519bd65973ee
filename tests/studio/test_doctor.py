"""doctor: every check has a name, a yes or no, and a remedy where it is a no."""

import json
import subprocess

import pytest

from models.errors import DiskTrouble
from studio import doctor
from studio.cli import main

NAMES = ["display", "qt", "fonts", "cjk", "torch", "device", "disk", "keep awake"]


@pytest.fixture
def healthy(monkeypatch):
    """A machine on which everything is right."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(doctor, "has_display", lambda: True)
    monkeypatch.setattr(doctor, "_loads", lambda so: True)
    monkeypatch.setattr(doctor, "_ask", lambda program: "12 1" if program == doctor.GLYPH else "2.13.0")


def found(capsys, status):
    assert main(["doctor", "--json"]) == status
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [c["name"] for c in checks] == NAMES
    for c in checks:
        assert set(c) >= {"name", "ok", "remedy"}
        assert bool(c["remedy"]) == (not c["ok"]), c
    return {c["name"]: c for c in checks if not c["ok"]}


def test_all_is_well(healthy, capsys):
    assert found(capsys, 0) == {}
    assert main(["doctor"]) == 0
    assert "FAIL" not in capsys.readouterr().out


def test_no_display(healthy, capsys, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "xvfb-run" in found(capsys, 1)["display"]["remedy"]


def test_a_display_that_does_not_answer(healthy, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "has_display", lambda: False)
    monkeypatch.setenv("DISPLAY", ":9")
    assert "does not answer" in found(capsys, 1)["display"]["found"]


def test_nobody_answers_on_a_free_display(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":94")
    assert not doctor.has_display()


def test_missing_libraries_are_named_as_packages(healthy, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_loads", lambda so: so not in ("libEGL.so.1", "libxcb-cursor.so.0"))
    assert found(capsys, 1)["qt"]["remedy"] == "sudo apt-get install libegl1 libxcb-cursor0"


def test_fonts(healthy, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_ask", lambda program: "0 0" if program == doctor.GLYPH else "2.13.0")
    assert set(found(capsys, 1)) == {"fonts", "cjk"}


@pytest.mark.parametrize(
    ("platform", "part"), [("linux", "apt-get install fonts-wqy-microhei"), ("darwin", "Font Book"), ("win32", "Optional features")]
)
def test_the_remedy_for_chinese_is_of_the_platform(monkeypatch, platform, part):
    monkeypatch.setattr(doctor.sys, "platform", platform)
    monkeypatch.setattr(doctor, "_ask", lambda program: "3 0")
    fonts, chinese = doctor._fonts()
    assert fonts["ok"]
    assert part in chinese["remedy"]


def test_disk(healthy, capsys, monkeypatch):
    def full(*_):
        raise DiskTrouble("The disk that holds here is full: free some space.")

    monkeypatch.setattr(doctor, "write_bytes", full)
    assert "SAMPLING_STUDIO_HOME" in found(capsys, 1)["disk"]["remedy"]


def test_a_device_that_is_not_here(healthy, capsys):
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has one")
    assert main(["doctor", "--json", "--device", "mps"]) == 1
    checks = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert "choose one of auto" in checks["device"]["remedy"]


def test_qt_and_torch_that_do_not_start(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "_ask", lambda program: None)
    checks = {c["name"]: c for c in doctor.checks()}
    assert not checks["fonts"]["ok"]
    assert not checks["torch"]["ok"]
    assert all(c["remedy"] for c in checks.values() if not c["ok"])


def test_the_questions_to_other_processes_have_an_end(monkeypatch):
    def slow(*_, timeout, **__):
        raise subprocess.TimeoutExpired("x", timeout)

    monkeypatch.setattr(doctor.subprocess, "run", slow)
    assert doctor._ask(doctor.TORCH) is None


def test_this_machine_answers(capsys):
    status = main(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert status == int(not all(c["ok"] for c in checks))
    assert {c["name"]: c["ok"] for c in checks}["torch"]
