"""The judge: trained once, the same every time, and never believed when it is damaged."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import save

from models import files
from models.errors import DiskTrouble
from models.metrics.image import whole
from models.nets import judge as judges


@dataclasses.dataclass
class Squares:
    """Pictures of bright squares on noise; what the judge needs of a data set."""

    size: int = 32
    channels: int = 3
    count: int = 240
    labelled: bool = True
    id: str = "0123456789abcdef"

    def __post_init__(self):
        rng = np.random.default_rng(7)
        self.images = rng.integers(0, 60, (self.count, self.size, self.size, self.channels), np.uint8)
        place, tint = rng.integers(0, 4, self.count), rng.integers(0, 2, self.count)
        half = self.size // 2
        for picture, where, shade in zip(self.images, place, tint, strict=True):
            y, x = divmod(int(where), 2)
            picture[y * half : y * half + half, x * half : x * half + half] = 250 if shade else 130
        held = np.arange(self.count) % 6 == 0
        self.train, self.held_out = np.flatnonzero(~held), np.flatnonzero(held)
        self.labels = {"place": place.astype(np.int64), "tint": tint.astype(np.int64)} if self.labelled else None
        self.values = {"place": ("a", "b", "c", "d"), "tint": ("dark", "light")} if self.labelled else None

    def pictures(self, indices):
        return self.images[np.asarray(indices, np.int64)]

    def order(self, seed, start, n):
        return self.train[(np.arange(start, start + n) * 7 + seed) % len(self.train)]


@pytest.fixture(autouse=True)
def _one_thread(_threads):
    torch.set_num_threads(1)


def made(data, steps=40):
    return whole(judges.prepare(data, steps))


def test_it_learns_the_labels_and_says_how_well():
    data = Squares(size=16)
    judge = made(data)
    assert judge.kind == "classifier"
    assert judge.heads == {"place": 4, "tint": 2}
    assert min(judge.accuracy.values()) > 0.95
    assert judge.told_apart == ["place", "tint"]
    assert 0.2 < judge.chance["place"] < 0.5
    assert "classifier" in judge.doc
    assert judge.digest in judge.doc
    assert "% right on held-out pictures" in judge.doc
    features = judge.features(data.images)
    assert features.shape == (240, judges.FEATURES)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    assert (judge.classes(features)["place"] == data.labels["place"]).mean() > 0.95
    assert float(features.std(0).mean()) == pytest.approx(1, abs=0.35)  # about 1 in each
    assert torch.allclose(judge.features(data.images[70:73]), features[70:73], atol=1e-4)  # whatever stands beside them
    assert judge.features(data.images[:0]).shape == (0, 64)


def test_without_labels_it_is_an_auto_encoder():
    data = Squares(size=16, labelled=False)
    judge = made(data)
    assert judge.kind == "auto-encoder"
    assert judge.heads == {}
    assert judge.told_apart == []
    assert judge.classes(judge.features(data.images[:2])) == {}
    assert judge.error is not None
    assert judge.error < 0.5 * data.images.std()
    assert "auto-encoder" in judge.doc


@pytest.mark.parametrize(
    ("size", "channels", "labelled"), [(16, 1, True), (28, 1, True), (28, 1, False), (64, 3, True), (64, 1, False), (128, 3, False)]
)
def test_every_size_and_grey(size, channels, labelled):
    data = Squares(size=size, channels=channels, count=60, labelled=labelled)
    judge = made(data, 3)
    assert judge.net.side == min(size, 64)
    assert judge.features(data.images[:5]).shape == (5, 64)
    assert torch.isfinite(judge.features(data.images)).all()


def test_larger_pictures_are_averaged_down():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    expected = pictures.reshape(2, 64, 2, 64, 2, 3).mean((2, 4)) / 127.5 - 1
    assert np.allclose(judges.prepared(pictures, 64).permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_the_same_judge_whatever_the_threads_and_the_global_generator(monkeypatch, tmp_path):
    digests = []
    for threads in (1, 2):
        monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / str(threads)))
        torch.manual_seed(threads)
        before = torch.get_rng_state()
        torch.set_num_threads(threads)
        digests.append(made(Squares(), 4).digest)
        assert torch.get_num_threads() == threads
        assert torch.equal(before, torch.get_rng_state())
    assert digests[0] == digests[1]
    assert made(Squares(), 5).digest != digests[0]


def test_it_is_kept_and_taken_again_without_training():
    data = Squares()
    parts = list(judges.prepare(data, 6))
    assert parts[0] == (0, 6)
    assert len(parts) >= 6
    again = judges.prepare(data, 6)
    with pytest.raises(StopIteration) as end:
        next(again)
    judge, first = end.value.value, made(data, 6)
    assert judge.digest == first.digest
    assert judge.accuracy == first.accuracy
    assert not any(p.requires_grad for p in judge.net.parameters())
    assert not judge.net.training
    path = judges.path_of(data, 6)
    assert path.name.startswith("0123456789abcdef-")
    assert path.parent == files.home() / "judges"
    other = dataclasses.replace(data, labelled=False)
    assert judges.path_of(other, 6) != path
    data.labels["tint"] = 1 - data.labels["tint"]
    assert judges.path_of(data, 6) != path  # other labels, another judge


def damage_bytes(path):
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def damage_length(path):
    path.write_bytes(path.read_bytes()[:500])


def damage_kind(path):
    path.write_text("not a net")


def damage_header(path):
    with safetensors.safe_open(path, framework="pt") as file:
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    path.write_bytes(save(tensors, {"judge": json.dumps({"format": 1})}))


def damage_shape(path):
    path.write_bytes(save({"embed.weight": torch.zeros(2)}, {"judge": "{}"}))


@pytest.mark.parametrize("damage", [damage_bytes, damage_length, damage_kind, damage_header, damage_shape])
def test_a_damaged_one_is_trained_anew(damage):
    data = Squares(count=60)
    first = made(data, 2)
    path = judges.path_of(data, 2)
    good = hashlib.sha256(path.read_bytes()).hexdigest()
    damage(path)
    parts = list(judges.prepare(data, 2))
    assert parts
    assert hashlib.sha256(path.read_bytes()).hexdigest() == good
    assert made(data, 2).digest == first.digest


def test_a_full_disk_costs_nothing_but_the_next_training(monkeypatch):
    def full(path, content):
        raise DiskTrouble("The disk is full.")

    monkeypatch.setattr(judges, "write_bytes", full)
    assert made(Squares(count=60), 2).digest
    assert not judges.path_of(Squares(count=60), 2).exists()


def test_labels_that_teach_nothing_are_left_out():
    data = Squares(count=60)
    data.labels["one"], data.values["one"] = np.zeros(60, np.int64), ("only",)
    data.labels["many"], data.values["many"] = np.arange(60), tuple(map(str, range(60)))
    assert list(made(data, 2).heads) == ["place", "tint"]
    data.labels["tint"][0] = -1  # unknown
    assert list(made(data, 2).heads) == ["place"]


def test_nothing_held_out_is_nothing_told():
    data = Squares(count=60)
    data.held_out = data.held_out[:0]
    judge = made(data, 2)
    assert judge.accuracy == {}
    assert judge.told_apart == []
    assert "right" not in judge.doc


def test_steps_fit_the_number_of_pictures():
    assert [judges.steps_for(Squares(count=c)) for c in (12, 60, 600)] == [20, 62, 625]
    assert judges.steps_for(Squares(count=3000)) == judges.STEPS
    assert judges.steps_for(Squares(count=3000, labelled=False)) == judges.REBUILDING
