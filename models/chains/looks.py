"""What the nets say of the pictures of chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.samplers import conditions
from models.samplers.conditions import Room, Seen, Wanted
from models.samplers.parts import Classifier, Parts


@torch.no_grad()
def scorer_log_p(parts: Parts, asked: Sequence[Sequence[conditions.Condition]], x: Tensor) -> np.ndarray | None:
    """(chains,): log p of the wanted classes by the independent classifier; None where one of them is no class that it knows."""
    theirs = [tuple(conditions.renamed(c, parts.heads) for c in own) for own in asked]
    known = [tuple(c for c in own if c is not None) for own in theirs]
    if not parts.trained.get("scorer", 0) or any(None in own for own in theirs):
        return None
    judge = Classifier("scorer", parts.heads, parts.scorer_logits, None, {})
    wanted = Wanted(known, Room(parts.heads, (), {}), parts.device)
    return wanted.judge(Seen(parts, x, judge), "log-prob").log_p.cpu().numpy()


@torch.no_grad()
def agreed(parts: Parts, asked: Sequence[Sequence[conditions.Condition]], x: Tensor, frozen: np.ndarray) -> list[bool | None]:
    """Of each chain, whether the independent classifier sees what was asked for: False if it diverged, None where it cannot judge."""
    if not parts.trained.get("scorer", 0):
        return [None] * len(x)
    found = conditions.agreement(asked, parts.scorer_logits(x), parts.heads)
    return [None if right is None else right and not gone for right, gone in zip(found, frozen.tolist(), strict=True)]


@torch.no_grad()
def top(parts: Parts, classifier: Classifier | None, x: Tensor, k: int) -> list[tuple[str, str, float, float | None]]:
    """The k most probable classes of one picture (1, …): (attribute, class, p by the condition network, p by the independent classifier)."""
    heads = classifier.heads if classifier else parts.heads
    theirs = parts.scorer_logits(x) if parts.trained.get("scorer", 0) else {}
    other = {(a, parts.heads[a][i]): p for a, v in theirs.items() for i, p in enumerate(v[0].softmax(0).tolist())}
    best = conditions.top(Seen(parts, x, classifier).logits, heads, 0, k) if heads else []
    return [(a, c, p, other.get((a, c))) for a, c, p in best]


@torch.no_grad()
def caption(parts: Parts, x: Tensor, longest: int) -> str:
    """What the captioner says of one picture (1, …); "" without one."""
    if not parts.trained.get("captioner", 0) or not parts.words:
        return ""
    from models.data.labelled import spoken

    return spoken(parts.captions(parts.E_features(x)[1], longest)[0].tolist(), parts.words)
