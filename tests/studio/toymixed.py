"""A system that takes pictures, text and toys, and writes what its data are: a net of one number, whose samples are noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
import torch

from models import catalog, knobs
from models.contract import Curve, Phase, Plan, Plot, Preset, Save, View
from models.data.sources import kind, open_images
from models.data.text import TextSet, open_texts
from models.data.toys import open_toy
from models.errors import BadData
from models.knobs import knob
from models.run import Run

CPU = Plan("cpu", 1, "float32", True, "off")
OFFERS = (("Cut at a threshold", {"pixels": "threshold"}), ("8 colours", {"pixels": "palette", "colours": 8}))


class Config(knobs.Config):
    kind: Literal["binary", "text"] = knob("binary", "what the data are; known from them")
    pixels: Literal["binary", "threshold", "palette"] = knob("binary", "what is done to pixels", group="Pictures")
    colours: int = knob(4, "colours of a palette", low=2, high=16)
    T: int = knob(8, "longest row", low=2, high=30, group="Sentences")
    size: Literal[28, 32] = knob(32, "pixels a side")


class Knobs(knobs.Knobs):
    rate: float = knob(0.1, "step size", symbol="ρ", low=0.0, high=1.0)


class Info(NamedTuple):
    loss: torch.Tensor


@dataclasses.dataclass
class State:
    net: torch.nn.Linear
    kind: str
    step: int = 0
    phase: int = 0


def _open(spec: str, config: Config, progress: Any = None) -> Any:
    of = kind(spec)
    if of == "pictures":
        data = open_images(spec, size=config.size, progress=progress, channels=3 if config.pixels == "palette" else 1)
        if config.pixels == "binary" and data.about["colour"] != "binary":
            raise BadData(f"{data.title} has shades, which pixels=binary does not take: choose pixels=threshold or pixels=palette.", offers=OFFERS)
        if config.pixels == "palette":
            data.palette = np.arange(3 * config.colours, dtype=np.uint8).reshape(-1, 3)  # type: ignore[attr-defined]
        return data
    given: dict[str, Any] = {"T": config.T, "vocab": 50, "unit": "chars", "punctuation": "split", "min_count": 1, "long": "cut"}
    more: dict[str, Any] = {"held_out": 0.2, "split": 0, "oracle_seed": 0, "oracle_size": 40}
    return open_toy(spec) if of == "toy" else open_texts(spec, **given, **more, progress=progress)


def _init(config: Config, seed: int, plan: Plan) -> State:
    del plan
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(seed)
    return State(net, config.kind)


def _step(state: State, batch: torch.Tensor, now: Knobs) -> Info:
    with torch.no_grad():
        state.net.weight.add_(now.rate)
    state.step += 1
    return Info(state.net.weight.detach().mean() + 0 * batch)


def _sample(state: State, n: int, seed: int, *, ema: bool = True) -> View:
    rng = np.random.Generator(np.random.Philox(key=[seed, round(1000 * float(state.net.weight.item())) + ema]))
    if state.kind == "text":
        said = ["".join(chr(97 + c) for c in line) for line in rng.integers(0, 26, (n, 8))]
        return View(words={"samples": said}, numbers={"length": np.full(n, 8)})
    return View(pictures={"samples": rng.integers(0, 2, (n, 8, 8, 1), np.uint8) * np.uint8(255)})


def _batches(data: Any, config: Config, seed: int, start: int) -> Iterator[torch.Tensor]:
    while True:
        yield torch.tensor(0.0)


SYSTEM: Any = SimpleNamespace(
    NAME="toymixed",
    TITLE="Toy mixed",
    PAPER="Nobody, 2021.",
    WRITES="pictures",
    TAKES="any",
    FIRST_DATA="glyphs-binary",
    FOUND=("kind",),
    BETWEEN=4,
    PRESETS={"quick": Preset("quick", "", (Phase("only", 20),))},
    PLOTS=(Plot("Loss", (Curve("loss", "loss", "generated"),)),),
    Config=Config,
    Knobs=Knobs,
    Info=Info,
    views={"samples": lambda state, data, knobs, *, n, seed, ema=True: _sample(state, n, seed, ema=ema)},
    writes=lambda config: "text" if config.kind == "text" else "pictures",
    open_data=_open,
    fitted=lambda config, data: knobs.changed(config, {"kind": "text" if isinstance(data, TextSet) else "binary"}),
    init=_init,
    batches=_batches,
    step=_step,
    between=lambda state, recent, now: [],
    sample=_sample,
    cost=lambda config: 1.0,
    predicted_seconds=lambda config, plan, preset: 1.0,
)


def listed(patch: pytest.MonkeyPatch) -> None:
    """Put the system into the catalog."""
    real = catalog.algorithm
    patch.setattr(catalog, "algorithm", lambda name: SYSTEM if name == "toymixed" else real(name))


def mixed_run(folder: Path, data: str) -> Path:
    """A run of 20 steps with checkpoints at 8 and 20."""
    run = Run.create(folder, "toymixed", data, seed=3, plan=CPU)
    for state, _ in run.train(20):
        if state.step == 8:
            run.apply(Save(pin=True))
    run.close()
    return folder


def lines(path: Path) -> Path:
    """A small text file."""
    path.write_text("\n".join(f"word {i} of {i % 7}" for i in range(60)))
    return path
