from __future__ import annotations

import numpy as np
import torch

from models.data.images import ImageSet, fingerprint, heads, split


def crowd(n: int, size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)


def make(images: np.ndarray) -> ImageSet:
    train, held = split(heads(images))
    return ImageSet(fingerprint(images), "here", "here", images.shape[1], images, train, held, [f"{i}.png" for i in range(len(images))])


def test_a_batch_is_a_function_of_seed_and_number_alone():
    data = make(crowd(100))
    first = [data.batch(3, t, 16) for t in range(20)]
    again = [make(crowd(100)).batch(3, t, 16) for t in reversed(range(20))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape == (16, 3, 8, 8)
    assert first[0].dtype == torch.uint8
    assert not torch.equal(first[0], data.batch(4, 0, 16))
    assert torch.equal(data.batch(-1, 5, 4), data.batch(-1, 5, 4))


def test_batches_join_to_epochs_without_repetition():
    data = make(crowd(100))
    n = len(data.train)
    dealt = np.concatenate([data.order(0, t * 16, 16) for t in range(3 * n // 16 + 1)])
    epochs = [dealt[k * n : (k + 1) * n] for k in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), data.train)
    assert not np.array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(data.order(0, 0, 3 * n), np.concatenate(epochs))  # a batch larger than the set


def test_pixels_of_a_batch_are_those_of_its_pictures():
    data = make(crowd(50))
    where = data.order(1, 2 * 8, 8)
    np.testing.assert_array_equal(data.batch(1, 2, 8).numpy().transpose(0, 2, 3, 1), data.images[where])


def test_one_picture_is_enough():
    for seed in range(40):  # some of these would be held out by their bytes
        data = make(crowd(1, seed=seed))
        assert data.train.tolist() == [0]
        assert data.held_out.tolist() == []
        assert data.batch(0, 7, 5).shape == (5, 3, 8, 8)
        assert data.held(4).shape == (0, 3, 8, 8)


def test_the_split_is_a_tenth_and_stays_when_pictures_are_added():
    images = crowd(2000, size=4)
    train, held = split(heads(images))
    assert 150 < len(held) < 250
    assert sorted([*train, *held]) == list(range(2000))
    more = np.concatenate([crowd(300, size=4, seed=9), images])
    _, held_more = split(heads(more))
    np.testing.assert_array_equal(held_more[held_more >= 300] - 300, held)


def test_equal_pictures_are_on_the_same_side():
    images = crowd(300, size=4)
    train, _ = split(heads(np.concatenate([images, images])))
    np.testing.assert_array_equal(train[train < 300], train[train >= 300] - 300)


def test_held_out_pictures_are_never_trained_on():
    data = make(crowd(200))
    seen = {p.numpy().tobytes() for t in range(30) for p in data.batch(0, t, 16)}
    held = data.held(1000)
    assert len(held) == len(data.held_out) > 5
    assert not any(p.numpy().tobytes() in seen for p in held)


def test_the_id_is_over_content_and_shape():
    images = crowd(10)
    other = images.copy()
    other[9, 7, 7, 2] ^= 1
    assert len(fingerprint(images)) == 16
    assert fingerprint(images) == fingerprint(images.copy()) != fingerprint(other)
    assert fingerprint(images) != fingerprint(images.reshape(40, 4, 4, 3))


def test_nearest_agrees_with_the_plain_way(monkeypatch):
    monkeypatch.setattr("models.data.images.CHUNK_BYTES", 4 * 192 * 17)  # many chunks, the last one short
    data = make(crowd(150))
    asked = crowd(12, seed=5)
    asked[3] = data.images[data.train[40]]
    asked[4] = data.images[data.held_out[0]]  # itself is no candidate
    gaps = data.images[data.train].astype(float)[None] - asked.astype(float)[:, None]
    rms = np.sqrt((gaps**2).mean((2, 3, 4)))
    for _ in range(2):  # the second time with what was kept
        where, distance = data.nearest(asked)
        np.testing.assert_array_equal(where, data.train[rms.argmin(1)])
        np.testing.assert_allclose(distance, rms.min(1), rtol=1e-5, atol=1e-6)
    assert distance[3] == 0
    assert distance[4] > 0
    assert [len(x) for x in data.nearest(asked[:0])] == [0, 0]
