"""Every test has a studio's home of its own, and leaves the user's alone."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_home(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
