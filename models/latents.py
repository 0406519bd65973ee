"""Ways through latents."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def closed_way(u: Tensor, frames: int) -> Tensor:
    """A closed way through latents u (n, d), uniform in [0, 1], resting at each: (frames, d) float64, spread like them at every frame.

    Between two latents it goes along cos θ a + sin θ b of their Gaussian images; a straight line's points would not be uniform.
    """
    z = torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6).double())
    place = torch.arange(frames, dtype=torch.float64) * len(u) / frames
    at, part = place.floor().long(), place.frac()
    angle = (part * part * (3 - 2 * part) * math.pi / 2)[:, None]
    return torch.special.ndtr(angle.cos() * z[at] + angle.sin() * z[(at + 1) % len(u)])
