"""The judge: a small net trained on a data set itself, whose 64 features pictures are measured by.

Where the data have labels it is a classifier with one head an attribute, independent of any GAN. Where they have none it is
an auto-encoder: on faces without their labels its features showed missing kinds of faces several times clearer than those
of random convolutions, though blur and noise less, which the patches of `models.metrics.pyramid` show.

It is trained once a data set, on the CPU, with one thread and a fixed number of steps, so that a machine always gets the
same one, and is kept in `judges` in the studio's folder. Its features mean something for this data set and this judge
alone, so its hash stands beside what it measures.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import DiskTrouble
from models.files import home, write_bytes
from models.nets.autoencoder import Dense, Plain, initialise

VERSION = 1  # counts up when the net or its training changes
FEATURES = 64
LARGEST = 64  # pixels a side; larger pictures are averaged down
BATCH = 48
STEPS = 1_600  # at most
REBUILDING = 1_000  # steps at most of an auto-encoder, each of which takes half as long again
EPOCHS = 60  # at most
RATE = 5e-3
EXAMPLES = 10  # training pictures a value that a head is trained on must have on average
CHUNK = 64  # pictures that are measured at a time


class Pictures(Protocol):
    """What the judge needs of a data set; `models.data.images.ImageSet` has it."""

    id: str
    size: int
    channels: int
    train: np.ndarray
    held_out: np.ndarray
    labels: dict[str, np.ndarray] | None
    values: dict[str, tuple[str, ...]] | None

    def pictures(self, indices: Any) -> np.ndarray: ...

    def order(self, seed: int, start: int, n: int) -> np.ndarray: ...


# --- the net ------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int) -> None:
        super().__init__()
        self.conv = Plain(inputs, outputs, side, stride)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, h / stride, w / stride)."""
        return F.relu(self.norm(self.conv(x)), inplace=True)


class JudgeNet(nn.Module):
    """Pictures (batch, channels, side, side) to 64 features, each with mean 0 and deviation 1 on the training pictures."""

    def __init__(self, side: int, channels: int, outputs: int) -> None:
        """`outputs`: values of all heads together; 0 gives an auto-encoder."""
        super().__init__()
        blocks, width, self.side = [], channels, side
        for wide, stride in ((16, 2 if side > 40 else 1), (32, 2), (64, 2), (64, 1), (128, 2)):
            side = -(-side // stride)
            blocks.append(Block(width, wide, side, stride))
            width = wide
        self.trunk = nn.Sequential(*blocks)
        self.embed = Dense(width * side * side, FEATURES)
        self.norm = nn.BatchNorm1d(FEATURES, affine=False)
        self.heads = Dense(FEATURES, outputs) if outputs else None
        self.expand = None if outputs else Dense(FEATURES, 64 * 16)
        widths = ((64, 32, 4), (32, 16, 2), (16, channels, 1))
        self.decoder = None if outputs else nn.ModuleList(Plain(a, b, self.side // part) for a, b, part in widths)

    def features(self, x: Tensor) -> Tensor:
        """(batch, channels, side, side) in [-1, 1] to (batch, 64)."""
        return self.norm(self.embed(self.trunk(x).flatten(1)))

    def logits(self, features: Tensor) -> Tensor:
        """(batch, 64) to the values of all heads, side by side."""
        assert self.heads is not None
        return self.heads(F.elu(features))

    def rebuilt(self, features: Tensor) -> Tensor:
        """(batch, 64) to pictures (batch, channels, side, side)."""
        assert self.expand is not None
        assert self.decoder is not None
        x = self.expand(features).unflatten(1, (64, 4, 4))
        for conv in self.decoder:
            assert isinstance(conv, Plain)
            x = F.interpolate(x, size=(conv.side, conv.side))
            x = conv(F.elu(x) if conv is not self.decoder[0] else x)
        return x


# --- the judge ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judge:
    """A trained net and what is known about it."""

    net: JudgeNet
    kind: Literal["classifier", "auto-encoder"]
    digest: str  # 16 hex digits over its weights
    heads: Mapping[str, int]  # attribute -> number of values
    accuracy: Mapping[str, float]  # attribute -> share of held-out pictures judged right; empty where none are held out
    chance: Mapping[str, float]  # attribute -> share of its most frequent value among the held-out pictures
    error: float | None  # of an auto-encoder: root-mean-square error on held-out pictures, in grey levels

    @torch.no_grad()
    def features(self, pictures: np.ndarray) -> Tensor:
        """(n, H, W, C) uint8 to (n, 64) float32; a few milliseconds for 64 pictures of 32 px."""
        parts = [self.net.features(prepared(pictures[i : i + CHUNK], self.net.side)) for i in range(0, len(pictures), CHUNK)]
        return torch.cat(parts) if parts else torch.empty(0, FEATURES)

    @torch.no_grad()
    def classes(self, features: Tensor) -> dict[str, np.ndarray]:
        """The value of every attribute, (n,) each, from features (n, 64); empty for an auto-encoder."""
        if not self.heads:
            return {}
        parts = self.net.logits(features).split(list(self.heads.values()), 1)
        return {name: part.argmax(1).numpy() for name, part in zip(self.heads, parts, strict=True)}

    @property
    def told_apart(self) -> list[str]:
        """Attributes that it can judge: at least half of the way from chance to certainty on held-out pictures."""
        return [a for a, right in self.accuracy.items() if right >= (1 + self.chance[a]) / 2 and self.chance[a] < 1]

    @property
    def doc(self) -> str:
        """What it is, in a sentence without a full stop."""
        if self.kind == "auto-encoder":
            far = f", off by {self.error:.1f} grey levels on held-out pictures" if self.error is not None else ""
            return f"{FEATURES} features of an auto-encoder trained on these pictures ({self.digest}{far})"
        right = f", {np.mean(list(self.accuracy.values())):.0%} right on held-out pictures" if self.accuracy else ""
        return f"{FEATURES} features of a classifier trained on these pictures' labels ({self.digest}{right})"


def prepared(pictures: np.ndarray, side: int) -> Tensor:
    """(n, H, W, C) uint8 to (n, C, side, side) in [-1, 1], averaged down where they are larger."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)
    return x if x.shape[-1] == side else F.adaptive_avg_pool2d(x, side)


def path_of(data: Pictures, steps: int | None = None) -> Path:
    """Where the judge of a data set is kept."""
    heads = _heads(data)
    names = {a: hashlib.sha256(np.ascontiguousarray((data.labels or {})[a]).data).hexdigest() for a in heads}
    facts = [VERSION, data.size, data.channels, heads, names, steps_for(data) if steps is None else steps]
    return home() / "judges" / f"{data.id}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]}.safetensors"


def prepare(data: Pictures, steps: int | None = None) -> Generator[tuple[int, int], None, Judge]:
    """The judge of a data set, taken from where it is kept or trained now.

    Yields (done, total) steps while it trains, some 30 ms each at 32 px, and returns the judge. `steps` is for tests.
    """
    path, heads = path_of(data, steps), _heads(data)
    found = _load(path, _blank(data, heads))
    if found is None:
        net = _blank(data, heads)
        yield from _train(net, data, heads, steps_for(data) if steps is None else steps)
        known = yield from _examined(net, data, heads)
        _keep(path, net, known)
    else:
        net, known = found
    net.eval().requires_grad_(False)
    return Judge(net, "classifier" if heads else "auto-encoder", _digest(net), heads, known["accuracy"], known["chance"], known["error"])


# --- its training -------------------------------------------------------------------------------------------------


def _heads(data: Pictures) -> dict[str, int]:
    """Attributes worth a head: at least two values occur, and there are enough training pictures a value."""
    labels, values, found = data.labels or {}, data.values or {}, {}
    for name, column in labels.items():
        seen, count = len(np.unique(column[data.train])), max(len(values.get(name, ())), int(column.max(initial=-1)) + 1)
        if seen >= 2 and len(data.train) >= EXAMPLES * count and int(column.min(initial=0)) >= 0:
            found[name] = count
    return found


def _blank(data: Pictures, heads: Mapping[str, int]) -> JudgeNet:
    net = JudgeNet(min(data.size, LARGEST), data.channels, sum(heads.values()))
    return net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def steps_for(data: Pictures) -> int:
    """Steps of training: a fixed number, fewer for few pictures, so that it is reproducible and does not learn them by heart."""
    return max(20, min(STEPS, STEPS if _heads(data) else REBUILDING, EPOCHS * len(data.train) // BATCH))


@contextmanager
def _one_thread() -> Iterator[None]:
    """With one thread a judge has the same bits whatever the run was given; what the caller had is set again."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(net: JudgeNet, data: Pictures, heads: Mapping[str, int], steps: int) -> Iterator[tuple[int, int]]:
    initialise(net, torch.Generator().manual_seed(VERSION), None)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01, fused=True)
    labels = _columns(data, heads)
    for t in range(steps):
        yield t, steps
        with _one_thread(), torch.enable_grad():
            optimiser.param_groups[0]["lr"] = RATE * min(1, (t + 1) / 50) * (1 + math.cos(math.pi * t / steps)) / 2
            rows = data.order(VERSION, t * BATCH, BATCH)
            loss = _loss(net, prepared(data.pictures(rows), net.side), labels[rows], heads)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()


def _loss(net: JudgeNet, x: Tensor, labels: Tensor, heads: Mapping[str, int]) -> Tensor:
    """Cross-entropy of every head over its log(values), so that guessing costs 1 in each; or the squared error of x."""
    features = net.features(x)
    if not heads:
        return F.mse_loss(net.rebuilt(features), x)
    parts = net.logits(features).split(list(heads.values()), 1)
    costs = [F.cross_entropy(part, labels[:, i]) / math.log(part.shape[1]) for i, part in enumerate(parts)]
    return torch.stack(costs).mean()


def _columns(data: Pictures, heads: Mapping[str, int]) -> Tensor:
    """Labels as (N, heads) int64."""
    count = int(max(data.train.max(initial=0), data.held_out.max(initial=0))) + 1
    return torch.stack([torch.from_numpy((data.labels or {})[a][:count].astype(np.int64)) for a in heads], 1) if heads else torch.empty(count, 0)


@torch.no_grad()
def _on(net: JudgeNet, pictures: np.ndarray) -> tuple[Tensor, Tensor]:
    x = prepared(pictures, net.side)
    return x, net.features(x)


def _examined(net: JudgeNet, data: Pictures, heads: Mapping[str, int]) -> Generator[tuple[int, int], None, dict[str, Any]]:
    """What the judge gets right on held-out pictures."""
    net.eval()
    held, labels = data.held_out[:2000], _columns(data, heads)
    right, wrong = np.zeros(len(heads)), 0.0
    for start in range(0, len(held), CHUNK):
        yield start, len(held)
        rows = held[start : start + CHUNK]
        with _one_thread(), torch.no_grad():
            x, features = _on(net, data.pictures(rows))
            if heads:
                guesses = net.logits(features).split(list(heads.values()), 1)
                right += [int((g.argmax(1) == labels[rows, i]).sum()) for i, g in enumerate(guesses)]
            else:
                wrong += float((net.rebuilt(features) - x).square().mean((1, 2, 3)).sum())
    if not len(held):
        return {"accuracy": {}, "chance": {}, "error": None}
    frequent = [int(np.bincount(labels[held, i].numpy()).max()) for i in range(len(heads))]
    return {
        "accuracy": {a: float(r) / len(held) for a, r in zip(heads, right, strict=True)},
        "chance": {a: f / len(held) for a, f in zip(heads, frequent, strict=True)},
        "error": None if heads else 127.5 * math.sqrt(wrong / len(held)),
    }


# --- where it is kept ---------------------------------------------------------------------------------------------


def _tensors(net: JudgeNet) -> dict[str, Tensor]:
    return {name: value.detach().contiguous() for name, value in net.state_dict().items()}


def _digest(net: JudgeNet) -> str:
    return hashlib.sha256(save(_tensors(net))).hexdigest()[:16]


def _keep(path: Path, net: JudgeNet, known: Mapping[str, Any]) -> None:
    """Write it whole or not at all; a judge that the disk will not have is trained again another time."""
    header = json.dumps({"format": 1, "digest": _digest(net), **known}, allow_nan=False)
    try:
        write_bytes(path, save(_tensors(net), {"judge": header}))
    except DiskTrouble:
        pass


def _load(path: Path, net: JudgeNet) -> tuple[JudgeNet, dict[str, Any]] | None:
    """`net` filled, and what is known about it; None where there is no judge, or a damaged or foreign one."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            known = json.loads((file.metadata() or {})["judge"])
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        net.load_state_dict(found)
        good = known["format"] == 1 and known["digest"] == _digest(net) and {"accuracy", "chance", "error"} <= known.keys()
        return (net, known) if good else None
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        return None
