"""Small MaskGANs for tests: two text files, and States whose nets tell sentences apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import checkpoint, knobs
from models.algorithms import maskgan
from models.contract import Plan
from models.data.text import TextSet
from models.nets.seq2seq import Blanks

PLAN = Plan("cpu", 1, "float32", True, "off")
SMALL = {"T": 7, "vocab": 14, "h": 6, "batch": 6}
CLEAN = {"keep_G": 1.0, "keep_D": 1.0, "measure_every": 0}  # without dropout
DRESSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # (config, knobs)
    "plain": ({}, {}),
    "code": ({"shared": True, "critic": "prefix"}, {"dropout": "recurrent", "redraw": True, "noisy_reward": True, "baseline": "ema", "d_steps": 2}),
    "other": (
        {"layers": 1},
        {
            "advantage": "td",
            "exponent": "place",
            "strategy": "random",
            "critic_trains": "discriminator",
            "loss_of": "all",
            "whiten": True,
            "baseline": "batch",
            "T_from": 4,
            "T_every": 2,
            "present_from": 0.9,
            "present_steps": 4,
        },
    ),
    "third": ({"critic": "prefix"}, {"noisy_reward": True, "strategy": "all", "baseline": "permuted", "critic_trains": "discriminator"}),
}


def written(folder: Path, ends: bool) -> Path:
    """A text file of 200 sentences from 12 words: of one to six words each, or all of six."""
    rng = np.random.default_rng(0)
    words = [a + b for a in "bdfgkm" for b in ("a", "o")]
    path = folder / f"{'ragged' if ends else 'even'}.txt"
    rows = [rng.choice(words, rng.integers(1, 7) if ends else 6) for _ in range(200)]
    path.write_text("".join(" ".join(row) + "\n" for row in rows), "utf-8")
    return path


def turned(**values) -> maskgan.Knobs:
    return knobs.make(maskgan.Knobs, {"measure_every": 0, "lr_PG": 1e-2} | values)


_opened: dict[Any, TextSet] = {}


def started(spec: Any, seed: int = 0, **values) -> tuple[maskgan.State, Iterator[maskgan.Batch], TextSet]:
    """(state, endless batches, data)."""
    torch.set_num_threads(1)
    config = knobs.make(maskgan.Config, SMALL | values)
    key = (str(spec), repr(config))
    if key not in _opened:
        _opened[key] = maskgan.open_data(str(spec), config)
    data = _opened[key]
    config = maskgan.fitted(config, data)
    state = maskgan.init(config, seed, PLAN)
    maskgan.prepare(state, data)
    with torch.no_grad():
        for net in (state.lm, state.G, state.D):
            for p in net.parameters():
                p.mul_(8)
        for head in (state.D.out, state.D.value):
            head.weight.mul_(4)
        for kept, ours in zip(state.mle.parameters(), state.G.parameters(), strict=True):
            kept.copy_(ours)
    return state, maskgan.batches(data, config, seed, 0), data


def blanked(state: maskgan.State, tokens: Tensor, mask: Tensor) -> Blanks:
    """Blanks as a step has them: where an end is one, all behind it is."""
    if state.config.ends:
        mask = mask | ((tokens == 0) & (mask & (tokens == 0)).cumsum(1).bool())
    return Blanks(mask.contiguous(), state.config.ends, state.device)


def digest(state) -> tuple[str, str]:
    tensors, header = checkpoint.flatten(state)
    return checkpoint.state_hash(tensors), repr(header)


def weights(net: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def gradient(optimiser: torch.optim.Adam) -> Tensor:
    """What Adam was given at its first step."""
    return torch.cat([(optimiser.state[p]["exp_avg"] / (1 - 0.9)).flatten() for p in optimiser.param_groups[0]["params"]])


def flat(gradients) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])
