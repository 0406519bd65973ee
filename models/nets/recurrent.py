"""An LSTM over tokens: SeqGAN's generator, and the oracle that it is held against.

Embedding, one LSTM, a linear layer: 333,320 numbers at V = 5,000 and 32 neurons (Yu et al. 2017; one bias a gate, no peepholes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nets.autoencoder import Dense
from models.nets.drawing import ROWS, Drawer, restricted

START = 0  # the token before the first; also an ordinary one


class Memory(NamedTuple):
    """The LSTM's state for each row."""

    h: Tensor  # (rows, h)
    c: Tensor  # (rows, h)


class Table(nn.Embedding):
    """An embedding without values, as Dense."""

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class LSTM(nn.LSTM):
    """An LSTM without values."""

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class Recurrent(nn.Module):
    """p(token | the tokens before it)."""

    def __init__(self, V: int, e: int, h: int) -> None:
        """A vocabulary of `V` tokens, embeddings of `e` numbers, `h` neurons; the values are set by `initialise`."""
        super().__init__()
        self.embedding = Table(V, e)
        self.lstm = LSTM(e, h, batch_first=True)
        self.out = Dense(h, V)
        with torch.no_grad():
            cast(Tensor, self.lstm.bias_hh_l0).zero_().requires_grad_(False)  # torch has two biases a gate, the paper one

    @property
    def V(self) -> int:
        """Size of the vocabulary."""
        return self.embedding.num_embeddings

    def trained(self) -> list[nn.Parameter]:
        """What learns."""
        return [p for p in self.parameters() if p.requires_grad]

    # --- what is given ----------------------------------------------------------------------------------------

    def log_p(self, tokens: Tensor, start: int = START, *, shown: Tensor | None = None) -> Tensor:
        """log p of every token after those before it; without a graph in chunks of rows.

        Args:
            tokens: (n, T) int64.
            shown: what the net is shown before each token, (n, T), where that is not the token before it.

        Returns:
            (n, T) float32.
        """
        before = torch.cat([tokens.new_full((len(tokens), 1), start), tokens[:, :-1]], 1) if shown is None else shown
        hidden = self.lstm(self.embedding(before))[0].flatten(0, 1)
        wanted = tokens.flatten()
        if torch.is_grad_enabled():
            nats = F.cross_entropy(self.out(hidden), wanted, reduction="none")
        else:
            chunks = zip(hidden.split(ROWS), wanted.split(ROWS), strict=True)
            nats = torch.cat([F.cross_entropy(self.out(h), t, reduction="none") for h, t in chunks])
        return -nats.view(tokens.shape)

    # --- what is drawn ----------------------------------------------------------------------------------------

    def cell(self) -> Callable[[Tensor, Memory], Memory]:
        """One step of the LSTM, (rows,) tokens and a Memory to the next; the input's part of the gates is looked up in a table."""
        table = F.linear(self.embedding.weight, cast(Tensor, self.lstm.weight_ih_l0), cast(Tensor, self.lstm.bias_ih_l0)).detach()
        recurrent = cast(Tensor, self.lstm.weight_hh_l0).detach().T.contiguous()

        def step(tokens: Tensor, memory: Memory) -> Memory:
            i, f, g, o = torch.addmm(table[tokens], memory.h, recurrent).chunk(4, 1)
            c = f.sigmoid() * memory.c + i.sigmoid() * g.tanh()
            return Memory(o.sigmoid() * c.tanh(), c)

        return step

    def blank(self, rows: int) -> Memory:
        """The Memory before anything was read."""
        zeros = self.out.weight.new_zeros(rows, self.lstm.hidden_size)
        return Memory(zeros, zeros)

    @torch.no_grad()
    def draw(
        self,
        u: Tensor,
        *,
        ends: bool = False,
        start: int = START,
        temperature: float = 1.0,
        top_k: int = 0,
        nucleus: float = 1.0,
        prompt: Tensor | None = None,
    ) -> Tensor:
        """Sentences from uniform numbers.

        Args:
            u: (n, T) in [0, 1), one number a token.
            ends: token 0 ends a sentence, and stays.
            temperature: divides the logits.
            top_k, nucleus: only the likeliest tokens; 0 and 1 are all.
            prompt: (k,) tokens with which every sentence begins, k ≤ T.

        Returns:
            (n, T) int64.
        """
        n, T = u.shape
        out = torch.zeros(n, T, dtype=torch.int64, device=u.device)
        cell, drawer, memory = self.cell(), Drawer(self.out, temperature), self.blank(n)
        before = out.new_full((n,), start)
        given = 0 if prompt is None else len(prompt)
        for t in range(T):
            memory = cell(before, memory)
            if prompt is not None and t < given:
                token = prompt[t].expand(n)
            elif top_k or nucleus < 1:
                token = restricted(self.out(memory.h) / temperature, u[:, t], top_k, nucleus)
            else:
                token = drawer(memory.h, u[:, t])
            if ends and t and t >= given:
                token = torch.where(out[:, t - 1] == 0, 0, token)
            out[:, t] = before = token
        return out


def initialise(net: Recurrent, generator: torch.Generator, spread: float) -> None:
    """Every number from N(0, spread²), biases too: 0.1 for a generator, 1 for an oracle."""
    with torch.no_grad():
        for p in net.trained():
            p.copy_(torch.randn(p.shape, generator=generator) * spread)
