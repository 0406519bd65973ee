"""What chains of the PPGN family are made of: trained nets as functions on tensors. `models.algorithms.ppgn` makes them, `models.plug` replaces C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Logits = Mapping[str, Tensor]  # attribute -> (batch, classes)


@dataclass(frozen=True)
class Parts:
    """Functions on float32 tensors with the batch first, on `device`; all of them pass gradients to their inputs, and to no weight.

    Pictures x are (batch, channels, size, size) in [-1, 1], codes h are (batch, h) and not negative on real pictures.
    """

    E_features: Callable[[Tensor], tuple[Tensor, Tensor]]  # x -> (h1 (batch, c, 4, 4), h)
    C_logits: Callable[[Tensor], Logits]  # h -> logits of every head; C(x) is C_logits(E_features(x)[1])
    G: Callable[[Tensor], Tensor]  # h -> x, trained without noise, clipped to [-1, 1]
    G_joint: Callable[[Tensor], Tensor]  # h -> x of Joint PPGN-h; G itself where that phase was skipped
    R_h: Callable[[Tensor], Tensor]  # h -> h, seven layers (3.3)
    R_x: Callable[[Tensor], Tensor]  # x -> x (3.1)
    scorer_logits: Callable[[Tensor], Logits]  # x -> logits of every head, by the independent classifier
    caption_log_p: Callable[[str, Tensor], Tensor]  # (sentence, h) -> log p of every word and the end (batch, words + 1); raises BadInput
    captions: Callable[[Tensor, int], Tensor]  # (h, longest) -> the most probable words (batch, longest), places in `words`
    words: Sequence[str]  # vocabulary; place 0 is the end; empty without a captioner
    heads: Mapping[str, Sequence[str]]  # attribute -> names of its classes
    mean: Tensor  # (h,), of the codes of training pictures
    sd: Tensor  # (h,)
    max: Tensor  # (h,)
    codes: Tensor  # (≤ 2048, h): codes of training pictures
    trained: Mapping[str, int]  # phase -> steps
    size: int
    channels: int
    device: torch.device
    macs: Mapping[str, int] = field(default_factory=dict)  # net -> multiplications of one picture: E, G, R_h, R_x, scorer


@dataclass(frozen=True)
class Classifier:
    """Another network in the place of C: it sees pictures, and passes gradients to them."""

    name: str  # for people
    heads: Mapping[str, Sequence[str]]  # attribute -> names of its classes; empty for a captioner
    logits: Callable[[Tensor], Logits]  # x (batch, channels, size, size) in [-1, 1] -> logits of every head
    caption_log_p: Callable[[str, Tensor], Tensor] | None  # (sentence, x) -> log p of every word (batch, words); raises BadInput
    origin: Mapping[str, Any]  # JSON: what finds it again, at least "spec" and "sha256"
