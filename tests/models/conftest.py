"""A small folder of faces, small settings of every system, and a toy system with two phases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from models import catalog, knobs
from models.contract import Event, Phase, Plan, Preset, Progress, Score, View
from models.data import faces, glyphs
from models.knobs import knob

CPU = Plan("cpu", 1, "float32", True, "off")
SMALL = {  # settings with which a step takes milliseconds
    "began": {"n": 4, "h": 8, "z": 8, "batch": 4},
    "ppgn": {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 4, "words": 8, "batch": 4},
    "seqgan": {"T": 8, "e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 12},
    "maskgan": {"T": 8, "h": 8, "batch": 4},
    "bgan": {"n": 4, "full": 8, "z": 8, "batch": 4},
}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of 24 faces, three of which are held out."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    folder.mkdir()
    for i, picture in enumerate(faces.draw(range(24), 32)):
        Image.fromarray(picture).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="session")
def classes(tmp_path_factory) -> Path:
    """A folder of 40 faces in two folders, which are classes: short hair and long."""
    folder = tmp_path_factory.mktemp("data") / "classes"
    chosen = {kind: [i for i in range(400) if faces.describe(i)["hair"] == kind][:20] for kind in ("short", "long")}
    for kind, numbers in chosen.items():
        (folder / kind).mkdir(parents=True)
        for i, picture in zip(numbers, faces.draw(numbers, 32), strict=True):
            Image.fromarray(picture).save(folder / kind / f"{i:03d}.png")
    return folder


@pytest.fixture(scope="session")
def black_and_white(tmp_path_factory) -> Path:
    """A folder of 40 glyphs of 28 × 28 pixels, black and white alone."""
    folder = tmp_path_factory.mktemp("data") / "glyphs"
    folder.mkdir()
    for i, picture in enumerate(glyphs.draw(range(40), 28, binary=True)):
        Image.fromarray(picture[..., 0]).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="session")
def sentences(tmp_path_factory) -> Path:
    """A text file of 300 sentences of 2 to 9 words, from two dozen words."""
    path = tmp_path_factory.mktemp("data") / "sentences.txt"
    rng = np.random.default_rng(0)
    words = [a + b for a in "bdfgklmt" for b in ("a", "o", "u")]
    path.write_text("".join(" ".join(rng.choice(words, rng.integers(2, 10))) + ".\n" for _ in range(300)), "utf-8")
    return path


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small() -> dict[str, dict[str, Any]]:
    return SMALL


@pytest.fixture
def cpu() -> Plan:
    return CPU


class ToyConfig(knobs.Config):
    width: int = knob(3, "width", low=1, high=9)


class ToyKnobs(knobs.Knobs):
    rate: float = knob(0.1, "step size", symbol="ρ", low=0.0, high=1.0)


class ToyInfo(NamedTuple):
    loss: torch.Tensor
    reward: torch.Tensor | None  # only in the second phase


@dataclasses.dataclass
class ToyState:
    net: torch.nn.Linear
    rng: torch.Generator
    step: int = 0
    phase: int = 0
    trail: list[list[float]] = dataclasses.field(default_factory=list)  # (phase, rate, batch) of every step


def _toy(first: int, second: int, every: int) -> SimpleNamespace:
    def init(config, seed, plan):
        del plan
        rng = torch.Generator().manual_seed(seed)
        net = torch.nn.utils.skip_init(torch.nn.Linear, config.width, 1)
        with torch.no_grad():
            for p in net.parameters():
                p.uniform_(-1, 1, generator=rng)
        return ToyState(net, rng)

    def batches(data, config, seed, start):
        del data, config
        t = start
        while True:
            yield torch.tensor(float(seed * 1000 + t))
            t += 1

    def step(state, batch, knobs_now):
        state.trail.append([state.phase, knobs_now.rate, float(batch)])
        with torch.no_grad():
            noise = torch.rand(state.net.weight.shape, generator=state.rng)
            state.net.weight.add_(noise, alpha=knobs_now.rate * (1 + state.phase))
        state.step += 1
        loss = state.net.weight.detach().mean()
        return ToyInfo(loss, loss * 2 if state.phase else None)

    def between(state, recent, knobs_now):
        del knobs_now
        assert set(recent) == {"loss", "reward"}
        return [Event("told", f"at {state.step}")] if state.step % (2 * every) == 0 else []

    def evaluate(state, data, knobs_now, *, n, seed, rows=None):
        del data, knobs_now, seed, rows
        mean = float(state.net.weight.detach().mean())
        yield Progress(0, 2)
        yield Progress(1, 2)
        yield Progress(2, 2, {"mean": Score(mean, n, 0.0, "target", "Mean", "of the weights")})

    return SimpleNamespace(
        NAME="toy",
        TITLE="Toy",
        BETWEEN=every,
        PRESETS={"quick": Preset("quick", "", (Phase("warm", first), Phase("play", second)))},
        Config=ToyConfig,
        Knobs=ToyKnobs,
        Info=ToyInfo,
        views={"loss": lambda state, data, knobs_now, *, n: View(numbers={"loss": np.full(n, float(state.net.weight.detach().mean()))})},
        open_data=lambda spec, config, progress=None: SimpleNamespace(id="0" * 16, spec=spec, title=spec),
        init=init,
        batches=batches,
        step=step,
        between=between,
        sample=lambda state, n, seed: View(),
        cost=lambda config: 1.0,
        evaluate=evaluate,
    )


@pytest.fixture
def toy(monkeypatch) -> SimpleNamespace:
    """A system with phases of 12 and 8 steps, in the catalog as "toy"."""
    made, real = _toy(12, 8, 4), catalog.algorithm
    monkeypatch.setattr(catalog, "algorithm", lambda name: made if name == "toy" else real(name))
    return made
