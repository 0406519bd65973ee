"""The product's step, two steps that other people write, and each layer alone; interleaved, medians, seconds."""

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

from models import device
from models.algorithms import began

BATCH, SIZE, N = 16, 32, 64


def textbook(state: Any, x: Tensor, knobs: Any) -> None:
    """As a good engineer writes it: D once over both halves, then G's step with D frozen, on the same fakes."""
    fake = began.forward_G(state, began.noise(state, len(x)))
    state.optimiser_D.zero_grad(set_to_none=True)
    v = torch.cat([x, fake.detach()])
    L_x, L_G = began.reconstruction(v, began.forward_D(state, v), 1).view(2, -1).mean(1)
    (L_x - state.k * L_G).backward()
    state.optimiser_D.step()
    state.D.requires_grad_(False)
    state.optimiser_G.zero_grad(set_to_none=True)
    began.reconstruction(fake, began.forward_D(state, fake), 1).mean().backward()
    state.D.requires_grad_(True)
    state.optimiser_G.step()
    finish(state, L_x, L_G, knobs)


def three_pass(state: Any, x: Tensor, knobs: Any) -> None:
    """As it is commonly found: D(x), D(fake.detach()), D(fake), and G's backward pass leaves gradients in D."""
    fake = began.forward_G(state, began.noise(state, len(x)))
    state.optimiser_D.zero_grad(set_to_none=True)
    L_x = began.reconstruction(x, began.forward_D(state, x), 1).mean()
    L_G = began.reconstruction(fake.detach(), began.forward_D(state, fake.detach()), 1).mean()
    (L_x - state.k * L_G).backward()
    state.optimiser_D.step()
    state.optimiser_G.zero_grad(set_to_none=True)
    began.reconstruction(fake, began.forward_D(state, fake), 1).mean().backward()
    state.optimiser_G.step()
    finish(state, L_x, L_G, knobs)


@torch.no_grad()
def finish(state: Any, L_x: Tensor, L_G: Tensor, knobs: Any) -> None:
    """The controller and the averaged generator, as the product has them."""
    state.k = (state.k + knobs.lambda_k * (knobs.gamma * L_x - L_G)).clamp(0, 1)
    torch._foreach_lerp_(list(state.average.parameters()), list(state.G.parameters()), 0.001)
    state.step += 1


def layers(state: Any) -> Counter[tuple[Any, ...]]:
    """How often a step uses each layer shape: (layer class and sizes, input shape, whether its input needs a gradient)."""
    used: Counter[tuple[Any, ...]] = Counter()

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        if isinstance(layer, nn.Conv2d):
            used["conv", layer.in_channels, layer.out_channels, layer.stride[0], tuple(inputs[0].shape)] += 1
        else:
            used["linear", layer.in_features, layer.out_features, 1, tuple(inputs[0].shape)] += 1  # pyright: ignore[reportAttributeAccessIssue]

    hooks = [m.register_forward_hook(note) for net in (state.G, state.D) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    x = began.to_model(state.plan, torch.zeros(BATCH, 3, SIZE, SIZE, dtype=torch.uint8))
    began.forward_D(state, torch.cat([x, began.forward_G(state, began.noise(state, BATCH))]))
    for h in hooks:
        h.remove()
    return used


def alone(key: tuple[Any, ...], precision: str) -> Callable[[], None]:
    """One layer's bare forward and backward pass in the same precision and format, its weights already in that precision."""
    kind, inputs, outputs, stride, shape = key
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    layer = nn.Conv2d(inputs, outputs, 3, stride, 1) if kind == "conv" else nn.Linear(inputs, outputs)
    layer = layer.to(dtype)
    x = torch.randn(shape, dtype=dtype)
    if kind == "conv":
        layer, x = layer.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x.requires_grad_()
    out = layer(x)
    grad = torch.randn_like(out)
    wanted = (x, *layer.parameters())

    def once() -> None:
        torch.autograd.grad(layer(x), wanted, grad)

    return once


def timed(call: Callable[[], None]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(precision: str, threads: int | None, seconds: float) -> dict[str, float]:
    """Seconds of each kind of step, and of the layers of one step."""
    plan = device.choose("cpu", threads, precision)  # pyright: ignore[reportArgumentType]
    device.use(plan)
    config = began.Config(n=N, batch=BATCH, size=SIZE, layout="authors")
    knobs = began.Knobs()
    batch = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    calls: dict[str, Callable[[], Any]] = {}
    for name, step in (("product", None), ("textbook", textbook), ("three_pass", three_pass)):
        state = began.init(config, 0, plan)
        if step is None:
            calls[name] = lambda state=state: began.step(state, batch, knobs)
        else:
            calls[name] = lambda state=state, step=step: step(state, began.to_model(state.plan, batch), knobs)
    used = layers(began.init(config, 0, plan))
    single = {key: alone(key, precision) for key in used}
    took: dict[str, list[float]] = {name: [] for name in calls}
    bare: list[float] = []
    for call in [*calls.values(), *single.values()]:
        for _ in range(3):
            call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(bare) < 5:
        for name, call in calls.items():
            took[name].append(timed(call))
        bare.append(sum(count * timed(single[key]) for key, count in used.items()))
    return {name: median(times) for name, times in took.items()} | {"layers": median(bare), "gflop": began.cost(config), "rounds": len(bare)}


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--threads", type=int)
    options = words.parse_args()
    found: dict[str, Any] = {p: measure(p, options.threads, options.seconds) for p in ("float32", "bfloat16")}
    print(json.dumps(found | {"threads": torch.get_num_threads()}))
