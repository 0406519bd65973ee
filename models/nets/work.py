"""How much a net computes."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


def macs(net: nn.Module, *inputs: Any) -> int:
    """Multiply-accumulates of the convolutions and linear layers in one forward pass; inputs may be on the meta device.

    Counted by hooks on this net alone: torch's FlopCounterMode hooks every module of the process, which breaks a net that
    another thread is training.
    """
    count = 0

    def add(layer: nn.Module, _: Any, out: Tensor) -> None:
        nonlocal count
        if isinstance(layer, nn.Conv2d):
            count += out.numel() * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        elif isinstance(layer, nn.Linear):
            count += out.numel() * layer.in_features

    hooks = [layer.register_forward_hook(add) for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    try:
        net(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return count
