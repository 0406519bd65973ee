"""The discriminator of texts: convolutions over tokens, their maxima over time, a highway layer, two classes.

Yu et al. (2017), appendix; Kim (2014) for the convolutions, Srivastava et al. (2015) for the highway. Filter tables: the paper's table 5.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nets.autoencoder import Dense
from models.nets.recurrent import Table

Filters = tuple[tuple[int, int], ...]  # (tokens wide, how many)

FILTERS_20: Filters = ((1, 100), (2, 200), (3, 200), (4, 200), (5, 200), (6, 100), (7, 100), (8, 100), (9, 100), (10, 100), (15, 160), (20, 160))
FILTERS_32: Filters = (*FILTERS_20[:10], (16, 160), (24, 160), (32, 160))
CHUNK = 256  # sentences of a pass without a graph


class _Kernel(nn.Conv1d):
    """A convolution over tokens without values, as Dense."""

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class TextCNN(nn.Module):
    """Sentences (n, T) to the logit of "real", (n,).

    What fills a row after a sentence's end is that end again, so a window that begins after it is one that begins at it, and no maximum sees it.

    Attributes:
        filters: (width, how many) of each kind; every width is at most T.
    """

    def __init__(self, V: int, T: int, e: int, filters: Filters, dropout: float = 0.25) -> None:
        """A vocabulary of `V` tokens, embeddings of `e` numbers; `dropout` is the share that is dropped after the highway."""
        super().__init__()
        self.T, self.filters, self.dropout = T, filters, dropout
        self.embedding = Table(V, e)
        self.convs = nn.ModuleList(_Kernel(e, count, width) for width, count in filters)
        self.features = sum(count for _, count in filters)
        self.gate, self.turn = (Dense(self.features, self.features) for _ in range(2))
        self.out = Dense(self.features, 2)

    def kernels(self) -> list[nn.Conv1d]:
        """The convolutions, in the order of `filters`."""
        return [cast(nn.Conv1d, conv) for conv in self.convs]

    def forward(self, tokens: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Logits (n,) of "real"; with `rng`, a CPU generator, as in training: with dropout."""
        x = self.embedding(tokens)
        return self.judge(torch.cat([self.found(x, conv).amax(1) for conv in self.kernels()], 1).relu(), rng)

    def found(self, x: Tensor, conv: nn.Conv1d) -> Tensor:
        """What a filter finds in embeddings (n, T, e), (n, windows, count): a product of all windows, which learns faster on a CPU than conv1d."""
        windows = x.unfold(1, conv.weight.shape[2], 1).transpose(2, 3).flatten(2)
        return F.linear(windows, conv.weight.transpose(1, 2).flatten(1), conv.bias)

    def judge(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Logits (n,) of features (n, features): τ H(c) + (1 - τ) c, dropout, two classes."""
        tau = self.gate(features).sigmoid()
        c = torch.lerp(features.to(tau.dtype), self.turn(features).relu(), tau)
        if rng is not None and self.dropout:
            kept = torch.rand(c.shape, generator=rng).to(c.device) >= self.dropout
            c = c * kept / (1 - self.dropout)
        real, fake = self.out(c).float().unbind(1)
        return real - fake

    def penalty(self) -> Tensor:
        """½ ‖·‖² of the last layer, 0-d: what the authors' L2 weighs."""
        return (self.out.weight.square().sum() + self.out.bias.square().sum()) / 2


def initialise(net: TextCNN, generator: torch.Generator) -> None:
    """As the authors: embeddings U(-1, 1); filters and the last layer from a truncated N(0, 0.1²) with biases 0.1; the highway's as Glorot's."""
    with torch.no_grad():
        net.embedding.weight.uniform_(-1, 1, generator=generator)
        for layer in (*net.kernels(), net.out):
            assert layer.bias is not None
            nn.init.trunc_normal_(layer.weight, 0, 0.1, -0.2, 0.2, generator=generator)
            nn.init.constant_(layer.bias, 0.1)
        for layer in (net.gate, net.turn):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)


# --- frozen -------------------------------------------------------------------------------------------------------


class Frozen:
    """A TextCNN whose weights stand still: each convolution of tokens becomes a sum of rows of a table, E W_j of every offset j.

    The windows of a prefix are looked at once for all sentences that begin with it. Made anew after a step of D.
    """

    def __init__(self, net: TextCNN, precision: str = "float32") -> None:
        """`precision` of the tables, of the maxima and of the highway: "float32" or "bfloat16"; a sum over a window is always float32."""
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.filters, self.T = net.filters, net.T
        self._tables = [_table(net.embedding.weight.detach(), conv, dtype) for conv in net.kernels()]
        self._both = _copied(dtype, torch.cat([net.gate.weight, net.turn.weight]), torch.cat([net.gate.bias, net.turn.bias]))
        self._last = _copied(dtype, net.out.weight, net.out.bias)

    @torch.inference_mode()
    def sentences(self, tokens: Tensor) -> Tensor:
        """Logits (n,) of sentences (n, T)."""
        return torch.cat([self._judged(self._seen(rows, 0).relu_()) for rows in tokens.int().split(CHUNK)])

    @torch.inference_mode()
    def rollouts(self, prefixes: Tensor, rollouts: Tensor) -> Tensor:
        """Logits (T-1, N, n) of roll-outs (T-1, N, n, T), the t-th of which begin with the first t+1 tokens of the sentences `prefixes` (n, T)."""
        before = self._prefixes(prefixes.int())
        out = []
        for t in range(1, self.T):
            rows = rollouts[t - 1].flatten(0, 1).int()
            whose = torch.arange(len(rows), device=rows.device) % len(prefixes)
            chunks = zip(rows.split(CHUNK * 4), whose.split(CHUNK * 4), strict=True)
            verdicts = [self._judged(torch.maximum(self._seen(part, t), before[t, at])) for part, at in chunks]
            out.append(torch.cat(verdicts).view(rollouts.shape[1:3]))
        return torch.stack(out)

    def _judged(self, features: Tensor) -> Tensor:
        """As TextCNN.judge, gate and turn in one product."""
        gate, turn = F.linear(features, *self._both).chunk(2, 1)
        real, fake = F.linear(torch.lerp(features, turn.relu_(), gate.sigmoid_()), *self._last).float().unbind(1)
        return real - fake

    def _found(self, tokens: Tensor, which: int, first: int) -> Tensor:
        """What filter `which` finds in windows from `first` on, (n, windows, count)."""
        width, _ = self.filters[which]
        windows = tokens[:, first:].unfold(1, width, 1) * width + torch.arange(width, device=tokens.device, dtype=tokens.dtype)
        return F.embedding_bag(windows.flatten(0, 1), self._tables[which], mode="sum").view(*windows.shape[:2], -1)

    def _seen(self, tokens: Tensor, t: int) -> Tensor:
        """Maxima over time of each filter, (n, features), over windows that hold a token from place t on."""
        return torch.cat([self._found(tokens, k, max(0, t - width + 1)).amax(1) for k, (width, _) in enumerate(self.filters)], 1)

    def _prefixes(self, tokens: Tensor) -> Tensor:
        """The maxima, (T, n, features), over 0 and the windows that lie within the first t tokens, t from 0."""
        out = []
        for k, (width, count) in enumerate(self.filters):
            upto = self._found(tokens, k, 0).cummax(1).values.transpose(0, 1).relu()  # windows 0 … i
            none = upto.new_zeros(min(width, self.T), len(tokens), count)
            out.append(torch.cat([none, upto])[: self.T])  # t tokens hold windows 0 … t - width
        return torch.cat(out, 2)


def _table(embedding: Tensor, conv: nn.Conv1d, dtype: torch.dtype) -> Tensor:
    """What token v adds to a window in which it is the j-th, (V · width, count), row v · width + j; the bias is the first one's."""
    assert conv.bias is not None
    count, _, width = conv.weight.shape
    table = torch.mm(embedding.to(dtype), conv.weight.detach().to(dtype).permute(1, 2, 0).flatten(1)).view(-1, width, count)
    table[:, 0] += conv.bias.detach()
    return table.view(-1, count)


def _copied(dtype: torch.dtype, *tensors: Tensor) -> list[Tensor]:
    """Copies that do not follow."""
    return [x.detach().to(dtype, copy=True) for x in tensors]
