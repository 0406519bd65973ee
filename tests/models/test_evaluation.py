"""Scores of images: what they are made from, what they refuse, and that they tell good samples from bad ones."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from models import evaluation
from models.contract import Score
from models.data import faces
from models.data.images import ImageSet, fingerprint
from models.errors import DiskTrouble
from models.evaluation import image_scores, usable
from models.nets import judge as judges

LFW = Path(__file__).parents[3] / "shared/data/lfwcrop-1800-64px-png.zip"


def own():
    yield
    return {"mine": Score(1.0, 3, None, "lower", "Mine", "mine.")}


def picture_set(images: np.ndarray, labelled: bool = True) -> ImageSet:
    tenth = np.arange(len(images)) % 10 == 3
    train, held = np.flatnonzero(~tenth), np.flatnonzero(tenth)
    names = [str(i) for i in range(len(images))]
    found = ImageSet(fingerprint(images), "x", "some pictures", images.shape[1], images, train, held, names, channels=images.shape[3])
    if labelled:
        wanted = ("hat", "background colour")
        labels = faces.labels(len(images))
        found.labels = {a: labels[a] for a in wanted}
        found.values = {a: faces.ATTRIBUTES[a] for a in wanted}
    return found


@pytest.fixture(scope="module")
def crowd() -> np.ndarray:
    """1,400 faces of 16 px, and 700 others that no data set has."""
    return faces.draw(range(2100), 16)


@pytest.fixture(scope="module")
def data(crowd) -> ImageSet:
    return picture_set(crowd[:1400])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("judges")


@pytest.fixture(autouse=True)
def _quick(monkeypatch, home, _threads):
    """One judge for all tests, trained for a few steps; one thread."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(home))
    monkeypatch.setattr(judges, "STEPS", 60)
    torch.set_num_threads(1)


def measured(samples: np.ndarray, data: ImageSet, n: int, seed: int = 0):
    parts = list(image_scores(lambda start, stop: samples[start:stop], data, own(), n=n, seed=seed))
    return parts[-1].scores


@pytest.fixture(scope="module")
def good(crowd, data, home):
    """Scores of real faces that are not in the data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(home))
        patch.setattr(judges, "STEPS", 60)
        return measured(crowd[1400:], data, 700)


def test_real_pictures_in_place_of_samples_score_like_the_reference(good):
    assert good["mine"].value == 1
    assert set(good) >= {
        *("frechet", "kid", "precision", "recall", "density", "coverage", "sliced_wasserstein", "sliced_wasserstein_16"),
        *("ssim", "duplicates", "nearest", "classes", "class_entropy"),
    }
    for name, room in {
        "frechet": 0.3,
        "precision": 0.05,
        "recall": 0.05,
        "coverage": 0.05,
        "sliced_wasserstein": 0.6,
        "ssim": 0.2,
        "nearest": 0.1,
    }.items():
        assert good[name].value == pytest.approx(good[name].reference, rel=room), name
    assert abs(good["kid"].value) < 5 * good["kid"].spread + 0.005
    assert good["duplicates"].value < 0.02
    assert good["classes"].value > 0.9


def test_bad_samples_score_badly_each_in_its_way(good, crowd, data):
    rng = np.random.default_rng(0)
    others = crowd[1400:]
    noisy = np.clip(others + rng.normal(0, 40, others.shape), 0, 255).round().astype(np.uint8)
    repeated = others[rng.integers(0, 40, 700)]
    bald = others[faces.labels(2100)["hat"][1400:] == 0]
    noise, copies, hatless = (measured(x, data, n) for x, n in ((noisy, 700), (repeated, 700), (bald, len(bald))))
    for found in (noise, copies):
        assert found["frechet"].value > 2 * good["frechet"].value
        assert found["kid"].value > good["kid"].value + 5 * good["kid"].spread
    assert noise["sliced_wasserstein_16"].value > 2 * good["sliced_wasserstein_16"].value
    assert copies["duplicates"].value > 0.99
    assert copies["coverage"].value < 0.6 * good["coverage"].value
    assert copies["recall"].value < 0.6 * good["recall"].value
    assert "birthday" in copies["duplicates"].doc
    assert hatless["class_entropy"].value < good["class_entropy"].value - 0.1
    assert hatless["classes"].value < good["classes"].value


def test_memorised_pictures_have_no_distance(data, good):
    learned = measured(data.pictures(data.train[:200]), data, 200)
    assert learned["nearest"].value == pytest.approx(0, abs=0.05)
    assert learned["nearest"].reference > 10
    assert good["nearest"].value > 10


def test_a_frechet_distance_of_few_is_refused_with_the_reason(data, crowd):
    found = measured(crowd[1400:], data, 300)
    assert found["frechet"].value is None
    assert found["frechet"].reference is None
    assert "at least 640 pictures, and there are 300" in found["frechet"].doc
    assert found["kid"].value is not None
    assert found["coverage"].n == 300


def test_no_more_than_half_of_the_pictures_are_compared(data, crowd):
    found = measured(np.concatenate([crowd, crowd]), data, 4000)
    assert usable(data, 4000) == found["coverage"].n == 700
    assert "4,000 were asked for" in found["coverage"].doc
    a, b = evaluation._real_rows(data, 700)
    assert len(a) == len(b) == 700
    assert not set(a) & set(b)
    assert set(a) <= set(data.train)
    assert set(data.held_out) <= set(b)
    small = evaluation._real_rows(data, 50)
    assert [s.tolist() for s in small] == [a[:50].tolist(), b[:50].tolist()]
    assert set(small[1]) <= set(data.held_out)


def test_the_docs_say_what_was_compared(good):
    for name in ("frechet", "kid", "coverage"):
        assert "64 features of a classifier" in good[name].doc
        assert "held-out pictures and" in good[name].doc
    assert "FID" not in " ".join(s.label for s in good.values())
    assert "% right on held-out pictures" in good["classes"].doc
    assert "16x16" in good["duplicates"].doc


def test_without_labels_there_are_no_classes_and_the_reason_is_told(crowd):
    found = measured(crowd[1400:1500], picture_set(crowd[:200], labelled=False), 100)
    assert found["classes"].value is None
    assert "no labels" in found["classes"].doc
    assert "auto-encoder" in found["coverage"].doc
    assert found["coverage"].value is not None


def test_a_second_evaluation_reads_the_features_and_gives_the_same(data, crowd, good, monkeypatch):
    asked = []
    real = judges.Judge.features
    monkeypatch.setattr(judges.Judge, "features", lambda self, p: asked.append(len(p)) or real(self, p))
    again = measured(crowd[1400:], data, 700)
    assert sum(asked) == 700 + 6  # the samples, and three of each real set to see that the file is theirs
    assert again.keys() == good.keys()
    for name, score in again.items():
        assert score.value == pytest.approx(good[name].value, rel=1e-5), name
    fewer = measured(crowd[1400:], data, 200)
    assert fewer["coverage"].n == 200
    assert len(list(judges.path_of(data).parent.glob("*-700.npy"))) == 1


@pytest.mark.parametrize(
    "damage", [lambda p: p.write_bytes(b"x"), lambda p: np.save(p, np.zeros((2, 120, 64), np.float32)), lambda p: np.save(p, np.zeros(3))]
)
def test_damaged_features_are_computed_anew(damage, crowd):
    data = picture_set(crowd[:240])
    first = measured(crowd[1400:], data, 120)
    (path,) = judges.path_of(data).parent.glob(f"{data.id}*-120.npy")
    damage(path)
    again = measured(crowd[1400:], data, 120)
    assert again["coverage"] == first["coverage"]
    assert np.load(path).shape == (2, 120, 64)
    assert np.abs(np.load(path)).max() > 0


def test_a_full_disk_stops_no_evaluation(crowd, monkeypatch):
    def full(path):
        raise DiskTrouble("The disk is full.")

    monkeypatch.setattr(evaluation, "writing", full)
    data = picture_set(crowd[300:420])
    assert measured(crowd[1400:], data, 60)["coverage"].value is not None
    assert not list(judges.path_of(data).parent.glob(f"{data.id}*.npy"))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 14])
def test_tiny_data_give_what_can_be_given(count, crowd):
    found = measured(crowd[1400:], picture_set(crowd[:count], labelled=False), 100)
    assert found["mine"].value == 1
    assert found["frechet"].value is None
    assert found["frechet"].doc.endswith(".")
    for score in found.values():
        assert score.value is None or np.isfinite(score.value)


def test_grey_pictures_are_measured_too(crowd):
    grey = crowd[:, :, :, :1]
    found = measured(grey[1400:1460], picture_set(np.ascontiguousarray(grey[:130]), labelled=False), 60)
    assert all(s.value is not None for k, s in found.items() if k not in ("frechet", "classes", "class_entropy"))


def test_progress_rises_to_its_total_and_samples_are_asked_for_in_order(data, crowd):
    asked = []

    def draw(start, stop):
        asked.append((start, stop))
        return crowd[1400 + start : 1400 + stop]

    parts = list(image_scores(draw, data, own(), n=150, seed=0))
    assert asked == [(0, 64), (64, 128), (128, 150)]
    assert all(a.done <= b.done and a.total == b.total for a, b in itertools.pairwise(parts))
    assert len(parts) == pytest.approx(parts[0].total, rel=0.35)


@pytest.mark.real
@pytest.mark.skipif(not LFW.exists(), reason="../shared/data is not here")
def test_real_faces_of_lfw(monkeypatch):
    from models.data.sources import open_images

    monkeypatch.setattr(judges, "STEPS", 10)
    data = open_images(str(LFW), size=32)
    samples = data.pictures(np.concatenate([data.held_out, data.train])[:900])
    found = measured(samples, data, 5000)
    assert found["frechet"].n == 900
    assert found["frechet"].value is not None
    assert "5,000 were asked for" in found["coverage"].doc
    assert found["classes"].value is None
