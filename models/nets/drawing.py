"""Tokens drawn from softmax(W h + b): inverse CDF with one uniform number a row, in blocks, without a softmax over the whole vocabulary.

Noise for every entry (Gumbel's, or what torch.multinomial draws) costs some 20 ns of a CPU; a uniform number a row costs nothing beside the
product, one exponential and one sum. The row's sum is taken in blocks: the block first, then the token within it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

ROWS = 512  # logits of a chunk: 512 x 5,000 floats are 10 MB; results above 32 MiB are mapped anew each time and fault page by page
TAME = 40.0  # logits no larger than this need no shift before exp: e^40 times a vocabulary is far below the largest float32, e^-40 is normal


class Drawer:
    """Draws from one output layer; holds copies of its weights, so it is made anew after they have changed.

    Attributes:
        V: size of the vocabulary.
    """

    def __init__(self, out: nn.Linear, temperature: float = 1.0) -> None:
        """`temperature` divides the logits."""
        self.V, width = out.weight.shape
        self._wide = max(1, round(math.sqrt(self.V)))  # of a block
        self._blocks = -(-self.V // self._wide)
        rows = self._wide * self._blocks
        weight, bias = out.weight.detach(), out.bias.detach()
        self._weight = weight.new_zeros(width + 1, rows)
        self._weight[-1, self.V :] = -torch.finfo(weight.dtype).max  # what fills the last block has no mass
        self._weight[:-1, : self.V] = weight.T / temperature
        self._weight[-1, : self.V] = bias / temperature
        bound = self._weight[:, : self.V].abs().sum(0).max()  # of |logit|, as an LSTM's |h| < 1; where it is small two passes are left out
        self._tame = bound.device.type == "cpu" and float(bound.numpy()) <= TAME  # a GPU would have to be waited for
        self._kept = weight.new_empty(min(ROWS, 2**24 // rows + 1), rows)

    def __call__(self, h: Tensor, u: Tensor) -> Tensor:
        """Tokens int64 of hidden states (rows, width), within ±1, and uniform numbers (rows,), or (rows, k) for k tokens of each row, in [0, 1)."""
        step = len(self._kept)
        if len(h) <= step:
            return self._chunk(h, u.reshape(len(h), -1).contiguous()).view(u.shape)
        wanted = u.reshape(len(h), -1).contiguous().split(step)
        return torch.cat([self._chunk(a, b) for a, b in zip(h.split(step), wanted, strict=True)]).view(u.shape)

    def _chunk(self, h: Tensor, u: Tensor) -> Tensor:
        mass = torch.mm(torch.cat([h, h.new_ones(len(h), 1)], 1), self._weight, out=self._kept[: len(h)])
        if not self._tame:
            mass.sub_(mass.amax(1, keepdim=True))
        blocks = mass.exp_().view(len(h), self._blocks, self._wide)
        upto = blocks.sum(2).cumsum(1)
        wanted = u * upto[:, -1:]
        block = _place(upto, wanted)  # (rows, k)
        before = upto.gather(1, (block - 1).clamp(min=0)) * (block > 0)
        inside = blocks.gather(1, block[:, :, None].expand(-1, -1, self._wide)).cumsum(2)
        return block * self._wide + _place(inside, (wanted - before)[:, :, None]).squeeze(2)


def _place(upto: Tensor, wanted: Tensor) -> Tensor:
    """The first place at which the sum passes `wanted`; where rounding lets none, the last one that has mass."""
    return torch.minimum(torch.searchsorted(upto, wanted, right=True), torch.searchsorted(upto, upto[..., -1:].contiguous()))


def restricted(logits: Tensor, u: Tensor, top_k: int, nucleus: float) -> Tensor:
    """Tokens (rows,) from the `top_k` likeliest (0: all) and the smallest set that holds the share `nucleus`; logits (rows, V), u (rows,)."""
    mass, order = logits.softmax(1).sort(1, descending=True)
    upto = mass.cumsum(1)
    kept = upto - mass < nucleus  # the token that passes the share belongs to it
    if top_k:
        kept[:, top_k:] = False
    mass = mass * kept
    upto = mass.cumsum(1)
    place = (upto <= u[:, None] * upto[:, -1:]).sum(1, keepdim=True)
    return order.gather(1, torch.minimum(place, kept.sum(1, keepdim=True) - 1)).squeeze(1)
