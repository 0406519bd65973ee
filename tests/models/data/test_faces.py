from __future__ import annotations

import numpy as np
import pytest

from models.data import faces
from models.data.faces import ATTRIBUTES, caption, describe, draw, salient


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    return faces.labels(4000)


def test_a_face_depends_on_its_number_alone():
    crowd = draw(range(140), 32)  # more than are painted at a time
    assert crowd.shape == (140, 32, 32, 3)
    assert crowd.dtype == np.uint8
    for i in (0, 57, 128, 139):
        np.testing.assert_array_equal(draw([i], 32)[0], crowd[i])
    np.testing.assert_array_equal(draw([139, 3], 32), crowd[[139, 3]])
    assert len({picture.tobytes() for picture in crowd}) == 140


@pytest.mark.parametrize("size", [64, 128, 256])
def test_sizes_show_the_same_face(size):
    small, large = draw(range(6), 32).astype(float), draw(range(6), size).astype(float)
    shrunk = large.reshape(6, 32, size // 32, 32, size // 32, 3).mean((2, 4))
    assert np.abs(shrunk - small).mean() < 12


def test_no_faces_are_no_pictures():
    assert draw([], 32).shape == (0, 32, 32, 3)


def test_there_are_enough_attributes_and_every_value_occurs(table):
    assert len(ATTRIBUTES) >= 10
    assert len(ATTRIBUTES["hair"]) >= 5
    assert len(ATTRIBUTES["hair colour"]) >= 6
    for name, values in ATTRIBUTES.items():
        shares = np.bincount(table[name], minlength=len(values)) / 4000
        assert shares.min() > 0.04, name


def test_attributes_are_independent_of_each_other(table):
    names = list(ATTRIBUTES)
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            counts = np.zeros((len(ATTRIBUTES[a]), len(ATTRIBUTES[b])))
            np.add.at(counts, (table[a], table[b]), 1)
            expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
            chi = ((counts - expected) ** 2 / expected).sum()
            freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
            assert chi < freedom + 5 * np.sqrt(2 * freedom) + 5, (a, b)


@pytest.mark.parametrize("attribute", ["skin", "hair", "hair colour", "mouth", "glasses", "hat", "background colour", "clothes colour"])
def test_an_attribute_can_be_seen_at_32_pixels(table, attribute):
    """Mean pictures of its values differ far more than those of random halves of the same size."""
    chosen = np.arange(900)
    pictures, codes = draw(chosen, 32).astype(np.float32), table[attribute][chosen]
    shuffled = np.random.default_rng(0).permutation(codes)

    def spread(codes: np.ndarray) -> float:
        means = np.stack([pictures[codes == c].mean(0) for c in range(len(ATTRIBUTES[attribute]))])
        return float(means.var(0).max())

    assert spread(codes) > 3 * spread(shuffled)


def test_faces_vary_without_steps_within_equal_attributes():
    """Where the dark middle of the hair is differs from face to face: position, size and tilt are not on a grid."""
    plain = [i for i in range(1500) if (d := describe(i))["hair"] == "curly" and d["hair colour"] == "black" and d["hat"] == "none"]
    pictures = draw(plain, 64).astype(float).mean(-1)
    dark = (pictures < 60).astype(float)
    centre = (dark.sum(1) * np.arange(64)).sum(1) / dark.sum((1, 2))
    assert len(plain) > 12
    assert len(np.unique(centre.round(3))) == len(plain)
    assert centre.std() > 1


def test_description_and_labels_agree(table):
    for i in (0, 1, 99, 3999):
        assert describe(i) == {name: ATTRIBUTES[name][table[name][i]] for name in ATTRIBUTES}


def test_a_caption_says_what_is_salient():
    word = {"fringe": "bob", "closed": "closed eyes", "freckled": "freckles", "studs": "studs", "hoops": "hoop"}
    for i in range(600):
        text, seen = caption(i), salient(i)
        assert text.startswith("a ")
        assert " person" in text
        assert not any(w in text.split() for w in ("man", "woman", "none", "plain", "neutral"))
        assert "  " not in text
        assert "{" not in text
        for value in seen.values():
            assert word.get(value, value) in text, (text, value)
        d = describe(i)
        assert ("glasses" in text) == (d["glasses"] != "none")
        assert ("gold" in text) == (d["earrings"] != "none")
        if d["hat"] == "none":
            assert not any(h in text for h in ATTRIBUTES["hat"][1:])


def test_captions_are_as_printed_in_the_manual():
    assert caption(0) == "a laughing person with short red hair and a purple top hat"
    assert caption(4) == "a laughing person with curly black hair, a black moustache, square glasses, gold hoop earrings and a yellow beanie"
    assert caption(5) == "a surprised person with a black bob"
