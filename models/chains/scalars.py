"""The numbers that are kept of every chain at every step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from models.samplers.product import Product
from models.samplers.state import State

# in this order; NaN where a variant has no such term
SCALARS = ("log_p", "norm", "gap", "prior", "condition", "noise", "context", "angle")
SCALARS_DOC = {
    "log_p": "log p(c|x) by the condition network, weighted and summed over the conditions",
    "norm": "‖h‖, or ‖x‖ in pixels",
    "gap": "‖R(h) − h‖: how far the prior would move it",
    "prior": "‖ε1 · prior‖",
    "condition": "‖ε2 · condition‖",
    "noise": "‖noise‖",
    "context": "‖ε4 · context‖",
    "angle": "degrees between the pulls of prior and condition; none where one of them does not pull",
}


def scalars(info: Any, state: State, target: Product, log_c: Tensor) -> Tensor:
    """(chains, len(SCALARS)) of one step, without waiting for the device."""
    norms = dict(zip(target.terms, info.parts.norm(dim=2).unbind(1), strict=True))
    none = torch.full_like(log_c, math.nan)
    angle = gap = none
    if "prior" in target.terms:
        a, b = target.terms.index("prior"), target.terms.index("condition")
        cosine = torch.nn.functional.cosine_similarity(info.parts[:, a], info.parts[:, b], dim=1)
        pulls = (norms["prior"] > 0) & (norms["condition"] > 0)
        angle = torch.where(pulls, torch.rad2deg(cosine.clamp(-1, 1).arccos()), none)
        assert state.scores is not None
        gap = state.scores[:, a].norm(dim=1)
    columns = [log_c, state.x.norm(dim=1), gap, norms.get("prior", none), norms["condition"], info.noise.norm(dim=1)]
    return torch.stack([*columns, norms.get("context", none), angle], 1)
