"""PPGN's trained parts as functions on float tensors: what chains on h and x are made of."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.algorithms.ppgn import PHASES, State, statistics
from models.data.labelled import encoded
from models.nets.autoencoder import macs
from models.samplers.parts import Logits, Parts

N = TypeVar("N", bound=nn.Module)


def parts(state: State) -> Parts:
    """The parts as they are now; what is trained later does not change them. Convolutions are in the run's precision, all else in float32."""
    dtype = torch.bfloat16 if state.plan is not None and state.plan.precision == "bfloat16" else torch.float32
    E, captioner, R_h = frozen(state.E), frozen(state.captioner), frozen(state.R_h)
    trunk, scorer, R_x, G = (frozen(net).to(dtype) for net in (state.E.trunk, state.scorer, state.R_x, state.G))
    J = frozen(state.J).to(dtype) if state.trained["joint"] else G
    mean, sd, most = (v.clone() for v in statistics(state))
    heads, words = {a: tuple(v) for a, v in state.heads.items()}, tuple(state.words)
    sizes = [len(v) for v in heads.values()]
    scale = sd.clamp(min=1e-3 * sd.max() + 1e-6)

    def named(logits: Tensor) -> Logits:
        return dict(zip(heads, logits.float()[:, : sum(sizes)].split(sizes, 1), strict=True))

    def convolved(net: nn.Module, v: Tensor) -> Tensor:
        return net(v.to(dtype)).float()

    def features(x: Tensor) -> tuple[Tensor, Tensor]:
        h1 = convolved(trunk, x)
        return h1, E.top(h1)

    def caption_log_p(sentence: str, h: Tensor) -> Tensor:
        tokens = torch.tensor([encoded(sentence, words)], device=h.device).expand(len(h), -1)
        return captioner(h, tokens, len(words))

    return Parts(
        E_features=features,
        C_logits=lambda h: named(E.logits(h)),
        G=lambda h: convolved(G, h).clamp(-1, 1),
        G_joint=lambda h: convolved(J, h).clamp(-1, 1),
        R_h=lambda h: R_h(h, mean, scale),
        R_x=lambda x: convolved(R_x, x),
        scorer_logits=lambda x: named(convolved(scorer, x)),
        caption_log_p=caption_log_p,
        captions=lambda h, longest: captioner.greedy(h, len(words), longest),
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
        macs={"E": macs(E), "G": macs(G), "R_h": macs(R_h), "R_x": macs(R_x), "scorer": macs(scorer)},
    )


def frozen(net: N) -> N:
    """A copy that no gradient changes, in the mode of evaluation."""
    return copy.deepcopy(net).eval().requires_grad_(False)
