"""A system that writes text in milliseconds: words of a Markov chain whose table is its only parameter."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from models import catalog, knobs
from models.contract import Curve, Phase, Plan, Plot, Preset, Save, View
from models.errors import BadInput
from models.knobs import knob
from models.run import Run

WORDS = ("", "春", "眠", "不觉", "晓", "the", "cat", "<b>&", 'says "so"', "=1+1,")
LONGEST = 6
CPU = Plan("cpu", 1, "float32", True, "off")


class Config(knobs.Config):
    width: int = knob(3, "width", low=1, high=9)


class Knobs(knobs.Knobs):
    rate: float = knob(0.1, "step size", symbol="ρ", low=0.0, high=1.0)


class Info(NamedTuple):
    loss: torch.Tensor


@dataclasses.dataclass
class State:
    net: torch.nn.Linear  # row i: logits of what follows word i
    rng: torch.Generator
    step: int = 0
    phase: int = 0


def _init(config: Config, seed: int, plan: Plan) -> State:
    del config, plan
    net = torch.nn.utils.skip_init(torch.nn.Linear, len(WORDS), len(WORDS), bias=False)
    with torch.no_grad():
        net.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return State(net, torch.Generator().manual_seed(seed))


def _step(state: State, batch: torch.Tensor, now: Knobs) -> Info:
    with torch.no_grad():
        state.net.weight.add_(torch.randn(state.net.weight.shape, generator=state.rng), alpha=now.rate)
    state.step += 1
    return Info(state.net.weight.detach().mean() + 0 * batch)


def _sample(
    state: State, n: int, seed: int, *, temperature: float = 1.0, top_k: int = 0, nucleus: float = 1.0, prompt: str = "", net: str = "seqgan"
) -> View:
    if net not in ("seqgan", "mle"):
        raise BadInput(f"There is no net {net!r}: choose seqgan or mle.")
    begin = [WORDS.index(word) for word in prompt.split()]
    sentences, log_p, length = [], [], []
    for i in range(n):
        rng = np.random.Generator(np.random.Philox(key=[seed, i]))
        table = state.net.weight.detach().numpy().astype(np.float64) * (1 if net == "seqgan" else 0.5)
        said, total = [0], 0.0
        while len(said) <= LONGEST:
            logits = table[said[-1]] / temperature
            p = np.exp(logits - logits.max())
            order = np.argsort(-p)
            kept = order[: top_k or None]
            kept = kept[: 1 + int(np.searchsorted(np.cumsum(p[kept]) / p[kept].sum(), nucleus))]
            given = len(said) <= len(begin)
            word = begin[len(said) - 1] if given else int(rng.choice(kept, p=p[kept] / p[kept].sum()))
            total += float(np.log(p[word] / p.sum()))
            said.append(word)
            if word == 0:
                break
        sentences.append(" ".join(WORDS[w] for w in said[1:] if w))
        log_p.append(total)
        length.append(len(said) - 1)
    return View(words={"samples": sentences}, numbers={"log_p": np.array(log_p, np.float32), "length": np.array(length)})


class Texts:
    """What a report tells of the data."""

    id, V, T, oracle, skipped = "0" * 16, len(WORDS), LONGEST, None, ("1 line was empty.",)
    about = {"left_out": 3}
    train, held_out = np.arange(90), np.arange(10)

    def __init__(self, spec: str) -> None:
        self.spec = self.title = spec

    def __len__(self) -> int:
        return 100


def _batches(data: Texts, config: Config, seed: int, start: int) -> Iterator[torch.Tensor]:
    del data, config, seed, start
    while True:
        yield torch.tensor(0.0)


SYSTEM: Any = SimpleNamespace(
    NAME="toytext",
    TITLE="Toy text",
    PAPER="Nobody, 2020.",
    WRITES="text",
    BETWEEN=4,
    PRESETS={"quick": Preset("quick", "", (Phase("only", 20),))},
    PLOTS=(Plot("Loss", (Curve("loss", "loss", "generated"),)),),
    Config=Config,
    Knobs=Knobs,
    Info=Info,
    views={},
    open_data=lambda spec, config, progress=None: Texts(spec),
    init=_init,
    batches=_batches,
    step=_step,
    between=lambda state, recent, now: [],
    sample=_sample,
    cost=lambda config: 1.0,
)


def listed(patch: pytest.MonkeyPatch) -> None:
    """Put the system into the catalog."""
    real = catalog.algorithm
    patch.setattr(catalog, "algorithm", lambda name: SYSTEM if name == "toytext" else real(name))


def toy_run(folder: Path, system: str = "toytext") -> Path:
    """A run of 20 steps with checkpoints at 8 and 20."""
    run = Run.create(folder, system, "some verses", seed=3, plan=CPU)
    for state, _ in run.train(20):
        if state.step == 8:
            run.apply(Save(pin=True))
    run.close()
    return folder
