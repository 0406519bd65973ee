"""Between pictures as files have them and tensors as nets take them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.contract import Plan


def to_model(plan: Plan | None, pictures: Tensor) -> Tensor:
    """uint8 (batch, channels, size, size) to float32 in [-1, 1], where and how the plan computes."""
    assert plan is not None
    layout = torch.channels_last if plan.channels_last else torch.contiguous_format
    return pictures.to(plan.device).to(torch.float32, memory_format=layout).div_(127.5).sub_(1)


def to_pixels(pictures: Tensor) -> Tensor:
    """uint8 pictures of any shape to float32 in [-1, 1], where they are."""
    return pictures.to(torch.float32).div_(127.5).sub_(1)


def from_pictures(pictures: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (n, size, size, channels) to float32 (n, channels, size, size) in [-1, 1]: the way back of `to_pictures`."""
    return to_pixels(torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device))


def to_pictures(x: Tensor) -> np.ndarray:
    """(n, channels, size, size) in [-1, 1], clipped, to uint8 (n, size, size, channels)."""
    return to_bytes(x).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_bytes(x: Tensor) -> Tensor:
    """Values in [-1, 1], clipped, to uint8 of the same shape, where they are."""
    return x.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def autocast(plan: Plan | None) -> torch.autocast:
    """Convolutions in the plan's precision."""
    assert plan is not None
    return torch.autocast(plan.device, torch.bfloat16, enabled=plan.precision == "bfloat16")
