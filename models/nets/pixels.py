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


def to_pictures(x: Tensor) -> np.ndarray:
    """(n, channels, size, size) in [-1, 1], clipped, to uint8 (n, size, size, channels)."""
    return x.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def autocast(plan: Plan | None) -> torch.autocast:
    """Convolutions in the plan's precision."""
    assert plan is not None
    return torch.autocast(plan.device, torch.bfloat16, enabled=plan.precision == "bfloat16")
