from __future__ import annotations

import numpy as np
import pytest

from models.data import shapes
from models.data.shapes import ATTRIBUTES, INK, caption, describe, draw, labels

MANY = 400


def apart(i: int, size: int = 64) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the first and the second shape of picture i are: centres (x, y) of the pixels near their inks."""
    d = describe(i)
    picture = draw([i], size)[0].astype(float)
    found = []
    for name in ("colour", "colour2"):
        near = np.abs(picture - np.array(INK[d[name]])).sum(-1) < 45
        if near.sum() < 6:
            return None
        y, x = np.nonzero(near)
        found.append(np.array((x.mean(), y.mean())))
    return found[0], found[1]


def test_a_picture_depends_on_its_number_alone():
    together = draw(range(20), 32)
    assert together.shape == (20, 32, 32, 3)
    assert together.dtype == np.uint8
    for i in (0, 7, 19):
        np.testing.assert_array_equal(draw([i], 32)[0], together[i])
    np.testing.assert_array_equal(draw([19, 3], 32), together[[19, 3]])
    assert draw([], 32).shape == (0, 32, 32, 3)


def test_no_two_pictures_are_the_same():
    pictures = draw(range(1000), 32)
    assert len({p.tobytes() for p in pictures}) == 1000


@pytest.mark.parametrize("size", [16, 28, 64, 256])
def test_a_picture_is_the_same_at_every_size(size):
    small, large = draw(range(6), size).astype(float), draw(range(6), 2 * size).astype(float)
    halved = large.reshape(6, size, 2, size, 2, 3).mean((2, 4))
    assert np.abs(small - halved).mean() < 4


def test_labels_agree_with_descriptions():
    codes = labels(MANY)
    assert list(codes) == list(ATTRIBUTES)
    for i in range(MANY):
        assert describe(i) == {name: ATTRIBUTES[name][codes[name][i]] for name in ATTRIBUTES}


def test_every_value_occurs_and_labels_fit_together():
    codes = labels(3000)
    for name, values in ATTRIBUTES.items():
        assert set(np.unique(codes[name])) == set(range(len(values))), name
    one = codes["count"] == 0
    assert 0.3 < one.mean() < 0.4
    for name in ("relation", "kind2", "colour2", "size2"):
        np.testing.assert_array_equal(codes[name] == 0, one)
    assert (codes["colour"] != codes["colour2"] - 1).all()  # never two of one colour
    inside = codes["relation"] == ATTRIBUTES["relation"].index("inside")
    assert (codes["size"][inside] == 0).all()
    assert (codes["size2"][inside] == 2).all()


def test_captions_say_what_the_labels_say():
    assert len({caption(i) for i in range(MANY)}) > 200
    for i in range(MANY):
        d, words = describe(i), caption(i)
        first, _, second = words.partition(f" {d['relation']} ") if d["count"] == "two" else (words, "", "")
        assert first.endswith(f"{d['colour']} {d['kind']}")
        assert (d["size"] in first) == (d["relation"] != "inside")
        assert second.endswith(f"{d['colour2']} {d['kind2']}") if d["count"] == "two" else not second
        assert " a o" not in f" {words}"  # an orange …


def test_relations_can_be_seen():
    """The first shape really is left of, above, … or inside the second, wherever both can be told by their colours."""
    seen = dict.fromkeys(ATTRIBUTES["relation"][1:], 0)
    for i in range(250):
        d = describe(i)
        places = apart(i) if d["count"] == "two" else None
        if places is None:
            continue
        dx, dy = (places[0] - places[1]) / 64
        match d["relation"]:
            case "left of" | "right of":
                assert (dx < -0.1) if d["relation"] == "left of" else (dx > 0.1), i
                assert abs(dx) > abs(dy)
            case "above" | "below":
                assert (dy < -0.1) if d["relation"] == "above" else (dy > 0.1), i
                assert abs(dy) > abs(dx)
            case _:
                assert abs(dx) < 0.12, i
                assert abs(dy) < 0.15, i
        seen[d["relation"]] += 1
    assert min(seen.values()) >= 8, seen


def test_shapes_stay_on_the_page_and_edges_are_smooth():
    pictures = draw(range(MANY), 32).astype(int)
    rim = np.concatenate((pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]), 1)
    dark = (rim.min(-1) < 140).sum(1)
    assert (dark > 6).mean() < 0.02
    shades = [len(np.unique(p.reshape(-1, 3), axis=0)) for p in pictures[:50]]
    assert min(shades) > 20


def test_the_version_follows_the_source(monkeypatch, tmp_path):
    assert len(shapes.version()) == 16
    before = shapes.version()
    shapes.version.cache_clear()
    monkeypatch.setattr(shapes, "VERSION", 99)
    assert shapes.version() != before
    shapes.version.cache_clear()
