"""One step of a net, and copies between nets."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn


def descend(optimiser: torch.optim.Adam, loss: Tensor, lr: float, clip: float | None = None) -> Tensor | None:
    """One step of a net; with `clip` its gradient is made no longer than that, and its length before is returned."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = g.contiguous()  # fused Adam reads both in the order of the memory: a transposed gradient would go to other weights
    norm = None if clip is None else torch.nn.utils.clip_grad_norm_(parameters, clip)
    optimiser.param_groups[0]["lr"] = lr
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return norm


def copy_to(target: nn.Module, source: nn.Module) -> None:
    """The parameters into another net."""
    with torch.no_grad():
        torch._foreach_copy_(list(target.parameters()), list(source.parameters()))  # pyright: ignore[reportPrivateImportUsage]


def seconds(once: Callable[[], object]) -> float:
    """How long a step takes: the quicker of two."""
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        once()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return min(taken)
