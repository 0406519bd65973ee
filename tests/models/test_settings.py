"""The studio's settings: checked, kept, and never lost."""

import json
import os

import pytest

from models import settings as s
from models.errors import BadSetting, DiskTrouble


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    s._now = None


def test_defaults_hold_until_something_is_changed_and_it_is_kept(home):
    assert s.settings() == s.Settings()
    assert s.runs_folder() == home / "runs"
    s.change(theme="dark", runs_folder=str(home / "elsewhere"), threads=2)
    assert s.reload() == s.Settings(theme="dark", runs_folder=str(home / "elsewhere"), threads=2)
    assert s.runs_folder() == home / "elsewhere"
    assert json.loads((home / "settings.json").read_text())["version"] == s.VERSION


@pytest.mark.parametrize(
    ("name", "value"),
    [("scale", 3), ("theme", "pink"), ("runs_folder", "runs"), ("threads", 0), ("reel_mb", 0), ("nothing", 1), ("scale", float("nan"))],
)
def test_a_bad_value_is_told_and_changes_nothing(home, name, value):
    with pytest.raises(BadSetting, match=name):
        s.change(**{name: value})
    assert s.settings() == s.Settings()
    assert not home.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scale": 9}', '{"version": 99}', "[" * 100_000])
def test_a_damaged_or_newer_file_is_set_aside(home, text):
    home.mkdir()
    (home / "settings.json").write_text(text)
    assert s.reload() == s.Settings()
    assert "cannot be read" in s.problem
    assert os.listdir(home) == ["settings.json.bad"]
    assert (home / "settings.json.bad").read_text() == text


def test_settings_of_an_older_or_later_minor_version_lose_nothing_known(home):
    home.mkdir()
    (home / "settings.json").write_text('{"theme": "light", "unknown": 3}')
    assert s.reload().theme == "light"
    assert s.problem == ""


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(DiskTrouble):
        s.change(theme="dark")
    assert s.settings().theme == "system"
