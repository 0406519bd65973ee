"""The prior expert p(x) of the PPGN family: scores s(v), (chains, d), by which a chain is drawn to what is likely whatever the condition.

gaussian     −v                         ∇ log N(0, 1); with ε1 = λ it is the decay of weights (1 − λ) v
blur         B(x) − x                   B: a 3x3 binomial blur; smooth pictures are likely (hand-designed; Yosinski et al. 2015)
variation    −∇ Σ √(|∇x|² + δ²)         total variation, smoothed: flat pictures are likely (hand-designed; Mahendran and Vedaldi 2015)
denoiser     R(v) − v                   ≈ σ² ∇ log p(v) for a denoising auto-encoder R (Eq. 6; Alain and Bengio 2014), σ² folded into ε1
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_BLUR = (0.25, 0.5, 0.25)
DELTA = 0.05  # of the range 2: differences below count as none


def gaussian(v: Tensor) -> Tensor:
    """−v of any shape."""
    return -v


def blur(x: Tensor) -> Tensor:
    """B(x) − x for pictures (n, channels, h, w); edges are repeated."""
    channels = x.shape[1]
    taps = torch.tensor(_BLUR, device=x.device, dtype=x.dtype)
    kernel = (taps[:, None] * taps).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels) - x


def variation(x: Tensor) -> Tensor:
    """−∇ of the smoothed total variation Σ √(dx² + dy² + δ²) of pictures (n, channels, h, w), with differences to the right and below."""
    right = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1))
    below = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    size = (right.square() + below.square() + DELTA**2).sqrt()
    a, b = right / size, below / size
    return a - F.pad(a, (1, 0))[..., :, :-1] + b - F.pad(b, (0, 0, 1, 0))[..., :-1, :]


def denoiser(again: Tensor, v: Tensor) -> Tensor:
    """R(v) − v; nothing is differentiated through R."""
    return again.detach() - v
