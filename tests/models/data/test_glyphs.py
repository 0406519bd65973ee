from __future__ import annotations

import numpy as np
import pytest
import torch

from models.data import glyphs
from models.data.glyphs import ATTRIBUTES, PROGRAMS, caption, draw, labels
from models.data.sources import open_images


def test_a_glyph_depends_on_its_number_alone():
    together = draw(range(40), 28)
    assert together.shape == (40, 28, 28, 1)
    assert together.dtype == np.uint8
    for i in (0, 17, 39):
        np.testing.assert_array_equal(draw([i], 28)[0], together[i])
    np.testing.assert_array_equal(draw([33, 4], 28), together[[33, 4]])
    assert draw([], 28).shape == (0, 28, 28, 1)


def test_binary_is_black_and_white_alone():
    plain, binary = draw(range(200), 28), draw(range(200), 28, binary=True)
    assert set(np.unique(binary)) == {0, 255}
    assert len(np.unique(plain)) > 50
    np.testing.assert_array_equal(binary == 255, plain > 127)


def test_no_two_glyphs_are_the_same():
    assert len({p.tobytes() for p in draw(range(2000), 28)}) == 2000


@pytest.mark.parametrize("size", [16, 28, 64])
def test_a_glyph_is_the_same_at_every_size(size):
    small, large = draw(range(20), size).astype(float), draw(range(20), 2 * size).astype(float)
    halved = large.reshape(20, size, 2, size, 2, 1).mean((2, 4))
    assert np.abs(small - halved).mean() < 5


def test_ink_is_in_the_middle_and_not_at_the_rim():
    ink = draw(range(1000), 28)[..., 0] / 255
    assert 0.07 < ink.mean() < 0.25
    share = ink.mean((1, 2))
    assert 0.03 < share.min() < share.max() < 0.4
    rim = np.concatenate((ink[:, 0], ink[:, -1], ink[:, :, 0], ink[:, :, -1]), 1)
    assert (rim.max(1) > 0.5).mean() < 0.05


def test_ten_classes_equally_often():
    codes = labels(5000)["class"]
    assert list(ATTRIBUTES["class"]) == list(PROGRAMS)
    assert len(PROGRAMS) == 10
    assert np.bincount(codes, minlength=10).min() > 400
    for i in range(30):
        assert caption(i) == f"the glyph {ATTRIBUTES['class'][codes[i]]}"


def test_thickness_slant_and_place_vary_without_steps():
    rows = np.flatnonzero(labels(3000)["class"] == list(PROGRAMS).index("gate"))
    ink = draw(rows, 28)[..., 0] / 255
    amount = ink.mean((1, 2))
    assert amount.max() > 1.6 * amount.min()
    grid = np.arange(28) - 13.5
    across, down = (ink * grid).sum((1, 2)) / ink.sum((1, 2)), (ink * grid[:, None]).sum((1, 2)) / ink.sum((1, 2))
    assert across.std() > 0.4
    assert down.std() > 0.4
    lean = (ink * (grid - across[:, None, None]) * (grid[:, None] - down[:, None, None])).sum((1, 2)) / ink.sum((1, 2))
    assert lean.min() < -3 < 3 < lean.max()
    assert len(np.unique(np.round(amount, 5))) > 0.9 * len(rows)


def test_a_small_classifier_tells_the_classes_apart():
    """Ridge regression on pixels of 1,500 glyphs; ten classes that were alike would leave it near a tenth."""
    codes, pictures = labels(2000)["class"], draw(range(2000), 16).reshape(2000, -1) / 255.0
    x = torch.from_numpy(np.concatenate((pictures, np.ones((2000, 1))), 1))
    y = torch.eye(10, dtype=torch.float64)[torch.from_numpy(codes)]
    train = x[:1500]
    weights = torch.linalg.solve(train.T @ train + 5 * torch.eye(x.shape[1], dtype=torch.float64), train.T @ y[:1500])
    right = ((x[1500:] @ weights).argmax(1).numpy() == codes[1500:]).mean()
    assert right > 0.85


def test_as_a_source(monkeypatch):
    monkeypatch.setattr(glyphs, "COUNTS", {28: 120, 32: 120})
    for spec, colour in (("glyphs", "grey"), ("glyphs-binary", "binary")):
        grey, colours = open_images(spec, size=28, channels=1), open_images(spec, size=28)
        assert grey.images.shape == (120, 28, 28, 1)
        np.testing.assert_array_equal(colours.images, np.repeat(grey.images, 3, -1))
        np.testing.assert_array_equal(grey.held_out, colours.held_out)
        assert grey.about["colour"] == colours.about["colour"] == colour
        assert grey.names[5] == "glyph 5"
        assert grey.values == ATTRIBUTES
    assert open_images("glyphs", size=28).id != open_images("glyphs-binary", size=28).id
