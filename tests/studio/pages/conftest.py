"""Small runs for the pages."""

from __future__ import annotations

import pytest


@pytest.fixture
def small(monkeypatch):
    """Phases of MaskGAN of a few steps; the built-in grammar, with which the form begins, is small."""
    from models.algorithms import maskgan
    from models.contract import Phase, Preset
    from models.data import grammar
    from tests.studio.maskgan import KNOBS, STEPS, TINY

    phases = tuple(Phase(name, STEPS) for name in maskgan.PHASES)
    monkeypatch.setitem(maskgan.PRESETS, "quick", Preset("quick", "a few steps", phases, config=TINY, knobs=KNOBS))
    monkeypatch.setattr(grammar, "COUNT", 80)


@pytest.fixture
def text(tmp_path):
    """A text file in which somebody does something, now and then to somebody."""
    from tests.studio.maskgan import deeds

    return deeds(tmp_path / "cats.txt")
