"""What a filled word is given credit for: returns, baselines, advantages; pure functions of (n, T) tensors, 0 where nothing counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.algorithms.maskgan.described import Knobs

if TYPE_CHECKING:
    from models.algorithms.maskgan import State


def returns(r: Tensor, counts: Tensor, knobs: Knobs) -> Tensor:
    """R_t = Σ_{s≥t} γ^(s−t) r_s over the blanks, or γ^s r_s (`exponent`: place); (n, T)."""
    place = torch.arange(r.shape[1], device=r.device)
    if knobs.exponent == "place":
        return (r * counts * knobs.gamma**place).flip(1).cumsum(1).flip(1)
    away = place[:, None] - place  # s − t
    return (r * counts) @ torch.where(away >= 0, knobs.gamma ** away.clamp(min=0), 0.0)


def baseline(state: State, R: Tensor, V: Tensor, counts: Tensor, knobs: Knobs) -> Tensor:
    """b_t, (n, T)."""
    match knobs.baseline:
        case "critic":
            return V
        case "permuted":
            return V.roll(1, 0)
        case "ema":
            return (state.ema[0] / state.ema[1].clamp(min=1e-9)).expand_as(R)
        case "batch":  # the mean of the other sentences at that place
            others = (R * counts).sum(0) - R * counts
            return others / (counts.sum(0) - counts).clamp(min=1)
        case _:
            return torch.zeros_like(R)


def advantage(r: Tensor, R: Tensor, b: Tensor, counts: Tensor, knobs: Knobs) -> Tensor:
    """A_t, (n, T): R − b, or with `td` r + γ V(s′) − V(s), where s′ is at the next blank, and V(s′) = 0 behind the last."""
    A = R - b
    if knobs.advantage == "td":
        place = knobs.exponent == "place"
        fade = 1.0 if place else knobs.gamma
        after, found = torch.zeros_like(b[:, 0]), []
        for t in range(b.shape[1] - 1, -1, -1):
            found.append(r[:, t] * (knobs.gamma**t if place else 1.0) + after - b[:, t])
            after = torch.where(counts[:, t] > 0, b[:, t], after) * fade
        A = torch.stack(found[::-1], 1)
    A = A.clamp(-knobs.clip_A, knobs.clip_A)
    if knobs.whiten:
        many = counts.sum()
        mean = (A * counts).sum() / many
        spread = (((A - mean).square() * counts).sum() / many).sqrt()
        A = (A - mean) / torch.where(spread < 1e-6, 1, spread)
    return A * counts


def explained(R: Tensor, V: Tensor, counts: Tensor) -> Tensor:
    """1 − var(R − V) / var(R) over the blanks, 0-d; 0 where R does not vary."""
    many = counts.sum().clamp(min=1)

    def variance(x: Tensor) -> Tensor:
        mean = (x * counts).sum() / many
        return ((x - mean).square() * counts).sum() / many

    whole = variance(R)
    return torch.where(whole > 1e-12, 1 - variance(R - V) / whole.clamp(min=1e-12), 0.0)
