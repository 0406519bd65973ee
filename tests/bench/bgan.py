"""BGAN's discrete step beside two that are commonly written; interleaved, medians.

bgan.py [--n N] [--full UNITS] [--rounds R] [--threads N] [--precision P]     seconds of each at M = 20, 64 latents, 28 px; one line of JSON

repeated  every z goes M times through G, pixels are drawn by torch.multinomial, and D looks twice: for its own loss, and again for the weights
lean      G once and one pass of D, as ours, but pixels drawn by torch.multinomial and log g from one-hot pixels
learn2    ours, where D learns from two of the M samples and the others are only weighed
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F
from torch import Tensor

from models import device
from models.algorithms import bgan
from models.nets.pixels import autocast
from tests.bench.seqgan import timed

M, BATCH, SIZE = 20, 64, 28
KNOBS = bgan.Knobs(M=M)
TWO = bgan.Knobs(M=M, learn=2)


def state_of(n: int, full: int, threads: int, precision: Any) -> bgan.State:
    """Nets as they are when they are made; their values do not matter for the time."""
    plan = device.choose("cpu", threads, precision)
    device.use(plan)
    return bgan.init(bgan.Config(n=n, full=full, size=SIZE, batch=BATCH), 0, plan)


def drawn_by_multinomial(logits: Tensor, each: int) -> Tensor:
    """Pixels (each, rows, P) of logits (rows, P), one-hot over off and on: (each, rows, P, 2)."""
    on = logits.sigmoid()
    chances = torch.stack([1 - on, on], -1).view(-1, 2)
    pixels = torch.multinomial(chances, each, replacement=True)
    return F.one_hot(pixels.T, 2).view(each, *logits.shape, 2)


def signs(x: Tensor) -> Tensor:
    """One-hot pixels (m, P, 2) as D takes them."""
    return (x[..., 1].float() * 2 - 1).view(-1, 1, SIZE, SIZE).contiguous(memory_format=torch.channels_last)


def log_g(logits: Tensor, x: Tensor) -> Tensor:
    """Of one-hot pixels (m, rows, P, 2) under logits (rows, P): (m, rows)."""
    both = torch.stack([F.logsigmoid(-logits), F.logsigmoid(logits)], -1)
    return (x * both).sum((2, 3))


def finish(state: bgan.State, knobs: bgan.Knobs, loss_D: Tensor, loss_G: Callable[[], Tensor]) -> None:
    """Two backward passes and two steps of Adam."""
    for optimiser in (state.optimiser_D, state.optimiser_G):
        optimiser.zero_grad(set_to_none=True)
    loss_D.backward()
    state.optimiser_D.step()
    loss_G().backward()
    state.optimiser_G.step()
    del knobs


def repeated(state: bgan.State, real: Tensor) -> None:
    """As a first version is written."""
    z = bgan.noise(state, BATCH).repeat(M, 1)
    with autocast(state.plan):
        logits = state.G(z).flatten(1)
    x = drawn_by_multinomial(logits.detach(), 1)[0]
    with autocast(state.plan):
        F_real, F_fake = state.D(signs(F.one_hot(real, 2))), state.D(signs(x))
    loss_D = F.softplus(-F_real).mean() + F.softplus(F_fake).mean()

    def loss_G() -> Tensor:
        with torch.no_grad(), autocast(state.plan):
            w = state.D(signs(x)).view(M, BATCH).softmax(0)
        return -(w * log_g(logits, x[None])[0].view(M, BATCH)).sum(0).mean()

    finish(state, KNOBS, loss_D, loss_G)


def lean(state: bgan.State, real: Tensor) -> None:
    """With the structure of ours."""
    with autocast(state.plan):
        logits = state.G(bgan.noise(state, BATCH)).flatten(1)
    x = drawn_by_multinomial(logits.detach(), M)
    with autocast(state.plan):
        F_real, F_fake = state.D(signs(torch.cat([F.one_hot(real, 2), x.flatten(0, 1)]))).split([BATCH, M * BATCH])
    w = F_fake.detach().view(M, BATCH).softmax(0)
    loss_D = F.softplus(-F_real).mean() + F.softplus(F_fake).mean()
    finish(state, KNOBS, loss_D, lambda: -(w * log_g(logits, x)).sum(0).mean())


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Median seconds of each, interleaved, after one round that is not counted."""
    state = state_of(options.n, options.full, options.threads, options.precision)
    real = torch.randint(0, 2, (BATCH, SIZE * SIZE), generator=torch.Generator().manual_seed(1))
    kinds: dict[str, Callable[[], Any]] = {
        "ours": lambda: bgan.step(state, real, KNOBS),
        "repeated": lambda: repeated(state, real),
        "lean": lambda: lean(state, real),
        "learn2": lambda: bgan.step(state, real, TWO),
    }
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(options.rounds + 1):
        for name, once in kinds.items():
            took[name].append(timed(once))
    return {name: median(times[1:]) for name, times in took.items()} | {"gflop": bgan.work(state.config, KNOBS)["adversarial"]}


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--n", type=int, default=64)
    words.add_argument("--full", type=int, default=1024)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--precision", default="float32")
    options = words.parse_args()
    found = measure(options)
    print(json.dumps(found | {"n": options.n, "threads": options.threads, "load": os.getloadavg()[0]}))
