"""PPGN's trained parts as functions on float tensors: what chains on h and x are made of."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.algorithms.ppgn import PHASES, State, statistics
from models.data.labelled import encoded

N = TypeVar("N", bound=nn.Module)
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
    R_noiseless: Callable[[Tensor], Tensor]  # h -> E(G(h)) (3.5)
    R_joint: Callable[[Tensor], Tensor]  # h -> E(G_joint(h)) (3.4)
    scorer_logits: Callable[[Tensor], Logits]  # x -> logits of every head, by the independent classifier
    caption_log_p: Callable[[str, Tensor], Tensor]  # (sentence, x) -> log p of every word and the end (batch, words + 1); raises BadInput
    captions: Callable[[Tensor, int], Tensor]  # (x, longest) -> the most probable words (batch, longest), places in `words`
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


def parts(state: State) -> Parts:
    """The parts as they are now; what is trained later does not change them."""
    E, scorer, captioner, R_x, R_h = frozen(state.E), frozen(state.scorer), frozen(state.captioner), frozen(state.R_x), frozen(state.R_h)
    G = frozen(state.G)
    J = frozen(state.J) if state.trained["joint"] else G
    mean, sd, most = (v.clone() for v in statistics(state))
    heads, words = {a: tuple(v) for a, v in state.heads.items()}, tuple(state.words)
    sizes = [len(v) for v in heads.values()]
    scale = sd.clamp(min=1e-3 * sd.max() + 1e-6)

    def named(logits: Tensor) -> Logits:
        return dict(zip(heads, logits[:, : sum(sizes)].split(sizes, 1), strict=True))

    def caption_log_p(sentence: str, x: Tensor) -> Tensor:
        tokens = torch.tensor([encoded(sentence, words)], device=x.device).expand(len(x), -1)
        return captioner(E(x)[1], tokens, len(words))

    return Parts(
        E_features=E,
        C_logits=lambda h: named(E.logits(h)),
        G=lambda h: G(h).clamp(-1, 1),
        G_joint=lambda h: J(h).clamp(-1, 1),
        R_h=lambda h: R_h(h, mean, scale),
        R_x=R_x,
        R_noiseless=lambda h: E(G(h).clamp(-1, 1))[1],
        R_joint=lambda h: E(J(h).clamp(-1, 1))[1],
        scorer_logits=lambda x: named(scorer(x)),
        caption_log_p=caption_log_p,
        captions=lambda x, longest: captioner.greedy(E(x)[1], len(words), longest),
        words=words,
        heads=heads,
        mean=mean,
        sd=sd,
        max=most,
        codes=state.codes[: min(state.kept, len(state.codes))].clone(),
        trained={name: state.trained[name] for name in PHASES},
        size=state.config.size,
        channels=state.config.channels,
        device=state.codes.device,
    )


def frozen(net: N) -> N:
    """A copy that no gradient changes, in the mode of evaluation."""
    return copy.deepcopy(net).eval().requires_grad_(False)
