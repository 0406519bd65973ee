"""Chains of PPGN: one alone beside 64, the bare layers beside a step, the work of a step counted; interleaved, medians, seconds."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from models import device, knobs
from models.algorithms import ppgn
from models.chains import Chains
from models.contract import Plan
from models.nets.autoencoder import Dense, Plain

MANY = 64


def state_of(plan: Plan, channels: int) -> Any:
    """Nets of the quick preset as they are when they are made; their values do not matter for the time."""
    preset = ppgn.PRESETS["quick"]
    state = ppgn.init(knobs.make(ppgn.Config, {**preset.config, "channels": channels}), 0, plan)
    state.heads = {"class": [str(i) for i in range(10)]}
    state.trained = dict.fromkeys(ppgn.PHASES, 1)
    state.codes.uniform_(0, 2, generator=torch.Generator().manual_seed(0))
    state.kept = len(state.codes)
    return state


def original(parts: Any, h: Tensor, y: int) -> Tensor:
    """The step as the authors' code has it, in batches: G and E once for the prior and again for the condition."""
    with torch.no_grad():
        prior = parts.E_features(parts.G(h))[1] - h
    v = h.clone().requires_grad_()
    log_p = torch.log_softmax(parts.C_logits(parts.E_features(parts.G(v))[1])["class"], 1)[:, y].sum()
    (pull,) = torch.autograd.grad(log_p, v)
    return (h + 1e-2 * prior + pull + 1e-15 * torch.randn_like(h)).clamp(min=0)


def layers(state: Any, n: int, dtype: torch.dtype) -> list[tuple[int, Callable[[], None]]]:
    """Each layer shape of a step in the precision that a step uses it in: how often, and its forward pass with the gradient of its input."""
    used: Counter[tuple[Any, ...]] = Counter()

    def note(layer: Any, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        stride = layer.stride[0] if isinstance(layer, nn.Conv2d) else 1
        used[tuple(layer.weight.shape), stride, tuple(inputs[0].shape), type(layer)] += 1

    hooks = [m.register_forward_hook(note) for net in (state.G, state.E) for m in net.modules() if isinstance(m, Plain | Dense)]
    with torch.no_grad():
        state.E.logits(state.E(state.G(torch.zeros(n, state.config.h)))[1])
    for hook in hooks:
        hook.remove()

    def alone(weight: tuple[int, ...], stride: int, shape: tuple[int, ...]) -> Callable[[], None]:
        w, x = torch.randn(weight, dtype=dtype), torch.randn(shape, dtype=dtype)
        if len(weight) == 4:
            w, x = w.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        x.requires_grad_()
        run = (lambda: nn.functional.conv2d(x, w, stride=stride, padding=1)) if len(weight) == 4 else (lambda: nn.functional.linear(x, w))
        grad = torch.randn_like(run())
        return lambda: torch.autograd.grad(run(), x, grad) and None

    return [(count, alone(weight, stride, shape)) for (weight, stride, shape, _), count in used.items()]


class Counted(TorchDispatchMode):
    """Adds up the FLOP of every operation; torch's own counter hooks modules, which `autograd.grad` does not allow."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        self.total += count(*args, **(kwargs or {}), out_val=out) if count else 0
        return out


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(plan: Plan, seconds: float, channels: int) -> dict[str, float]:
    """Seconds of a step."""
    device.use(plan)
    state = state_of(plan, channels)
    parts = ppgn.parts(state)
    calls: dict[str, Callable[[], Any]] = {}
    for name, n in (("one", 1), ("sixteen", 16), ("many", MANY)):
        chains = Chains(parts, "noiseless-joint", ["3"], chains=n)
        chains.step(3)
        calls[name] = chains.step
    h = torch.rand(MANY, state.config.h)
    calls["original"] = lambda: original(parts, h, 3)
    bare = layers(state, MANY, torch.bfloat16 if plan.precision == "bfloat16" else torch.float32)
    took: dict[str, list[float]] = {name: [] for name in [*calls, "layers"]}
    for call in [*calls.values(), *(c for _, c in bare)]:
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took["layers"]) < 5:
        for name, call in calls.items():
            took[name].append(timed(call))
        took["layers"].append(sum(count * timed(call) for count, call in bare))
    with Counted() as counter:
        calls["many"]()
    work = 4 * (parts.macs["G"] + parts.macs["E"]) * MANY  # forward, and the gradient of each input; no gradient of weights
    counts = {"gflop": work / 1e9, "counted": counter.total / 1e9, "macs_G": parts.macs["G"], "macs_E": parts.macs["E"]}
    return {name: median(times) for name, times in took.items()} | counts


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--threads", type=int)
    words.add_argument("--channels", type=int, default=3)
    options = words.parse_args()
    plans = {p: device.choose("cpu", options.threads, p) for p in ("float32", "bfloat16")}
    found: dict[str, Any] = {p: measure(plan, options.seconds, options.channels) for p, plan in plans.items()}
    print(json.dumps(found | {"threads": torch.get_num_threads(), "default": device.choose("cpu").precision}))
