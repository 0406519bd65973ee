"""Where chains begin, and what of a picture they keep."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.errors import BadInput
from models.nets.pixels import from_pictures
from models.samplers.parts import Parts
from models.samplers.product import Context
from models.samplers.streams import Streams
from models.samplers.variants import Variant

Start = str | np.ndarray  # "noise", "codes", or pictures (size, size, channels) or (chains, size, size, channels) uint8


def context_of(parts: Parts, start: Start, hole: np.ndarray | None) -> Context | None:
    """The picture and the part of it that is kept, `hole` (size, size) being True where a chain paints; raises BadInput."""
    if hole is None:
        return None
    if isinstance(start, str):
        raise BadInput("A mask says what of a picture is kept, so it needs the picture: start from a picture file.")
    side = (parts.size, parts.size)
    if hole.shape != side:
        raise BadInput(f"The mask is {hole.shape[1]}×{hole.shape[0]}, and the pictures are {side[0]}×{side[1]}: make it that size.")
    if not hole.any() or hole.all():
        covered = "everything" if hole.any() else "nothing"
        raise BadInput(f"The mask covers {covered}: paint white what the chain may fill, and leave the rest black.")
    holes = torch.from_numpy(hole.astype(np.float32)).to(parts.device)[None, None]
    return Context(_pictured(parts, start, 1)[:1], holes)


def begin(parts: Parts, variant: Variant, start: Start, context: Context | None, streams: Streams) -> Tensor:
    """(chains, d): where the chains begin; raises BadInput."""
    if isinstance(start, str):
        return _drawn(parts, variant, start, streams)
    x = _pictured(parts, start, streams.chains)
    if context is not None:
        x = x * (1 - context.hole)  # the hole is grey to begin with
    with torch.no_grad():
        v = parts.E_features(x)[1] if variant.space == "h" else x.flatten(1)
    return v.expand(streams.chains, -1).clone()


def _drawn(parts: Parts, variant: Variant, start: str, streams: Streams) -> Tensor:
    if start not in ("noise", "codes"):
        raise BadInput(f"Chains start from noise, codes or a picture; got {start!r}.")
    codes = start == "codes" or variant.space == "h"
    d = len(parts.mean) if codes else parts.channels * parts.size**2
    numbers = streams.start(lambda n, rng: torch.from_numpy(rng.standard_normal((n, d))), d).to(parts.device, torch.float32)
    if start == "noise":
        return numbers
    h = (parts.mean + parts.sd * numbers).clamp(min=0)
    with torch.no_grad():
        return h if variant.space == "h" else parts.G(h).flatten(1)


def _pictured(parts: Parts, start: np.ndarray, chains: int) -> Tensor:
    """The start pictures, (1 or chains, channels, size, size) in [-1, 1]."""
    found = start if start.ndim == 4 else start[None]
    if found.shape[1:] != (parts.size, parts.size, parts.channels):
        have = "×".join(map(str, found.shape[1:]))
        raise BadInput(f"The start picture is {have}, and this run's are {parts.size}×{parts.size}×{parts.channels}: give one of that size.")
    if len(found) not in (1, chains) and chains > 1:
        raise BadInput(f"There are {chains} chains and {len(found)} start pictures: give one for all, or one for each.")
    return from_pictures(found, parts.device)
