"""`shoot`: the states of a page."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QImage

from tests.studio.tiny import pictures, refused, studio


def test_a_state_that_a_page_has_not(tmp_path, own_home) -> None:
    done = studio("shoot", "--page", "home", "--state", "data", "--out", tmp_path / "a.png")
    refused(done, "no state 'data'")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("state", ["usual", "data"])
def test_the_form_and_all_of_its_pictures(tmp_path, own_home, state) -> None:
    folder = pictures(tmp_path / "pictures")
    done = studio("shoot", "--page", "began", "--data", folder, "--state", state, "--theme", "dark", "--out", tmp_path / "a.png")
    assert done.status == 0, done.err
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (1280, 800)
    stage = image.copy(80, 48, 896, 700)
    colours = {stage.pixel(x, y) for x in range(0, 896, 4) for y in range(0, 700, 4)}
    assert len(colours) > 300  # the pictures are there, not only the frame


def test_the_lab_is_drawn_while_chains_walk(tmp_path, own_home) -> None:
    done = studio("shoot", "--page", "lab", "--theme", "dark", "--out", tmp_path / "a.png")
    assert done.status == 0, done.err
    image = QImage(str(tmp_path / "a.png"))
    stage = image.copy(96, 64, 540, 640)
    colours = {stage.pixel(x, y) for x in range(0, 540, 4) for y in range(0, 640, 4)}
    assert len(colours) > 300  # heat, not only the frame
