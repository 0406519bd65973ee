"""Sequence to sequence over a sentence with blanks: the nets of MaskGAN (Fedus, Goodfellow, Dai 2018).

    m(x)                 the sentence with <m> at the blanks; read by the encoder from left to right
    x̂_1 … x̂_T            the filled sentence; read by the decoder, which begins with the encoder's last state
    h̃_t                  tanh(W_c [h_t; c_t]), c_t the context of Luong, Pham, Manning (2015), eq. 5, without input feeding
    Filler               log p(x̂_t | x̂_1:t-1, m(x)) = log softmax(E h̃_t + b); E is the decoder's own embedding (tied)
    Judge                logit of "real" for every token after x̂_1:t and m(x), and the critic's b_t = V(x̂_1:t-1)
    LanguageModel        the same stack of LSTMs without encoder and attention

As there is no input feeding, a known sentence is read in one call of the LSTM; only drawing goes token by token.

Dropout: one mask a sentence. "locked" has them on the inputs of every layer and on the last output; "recurrent" (Gal and Ghahramani 2016, as in
the authors' code) has the input's mask on h as well, which no fused LSTM computes, so it steps through time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nets.autoencoder import Dense
from models.nets.drawing import restricted
from models.nets.recurrent import LSTM, Memory, Table

EXTRA = 2  # rows of the embedding that are no words: <m>, and the start
NEVER = -1e9  # a logit that no softmax gives mass
END, UNKNOWN = 0, 1


class How(NamedTuple):
    """How a token is drawn."""

    temperature: float = 1.0  # divides the logits
    top_k: int = 0  # only the likeliest tokens; 0 is all
    nucleus: float = 1.0  # only the likeliest that hold this share; 1 is all
    unknown: bool = True  # the unknown word may be drawn


class Drops(NamedTuple):
    """Masks of dropout for one pass through a stack; each number is 0 or 1 / keep."""

    masks: Tensor  # (layers + 1, n, h): of each layer's input, and of the last output
    recurrent: bool  # the input's mask is on h, too

    def times(self, k: int) -> Drops:
        """For `k` copies of the rows, one after the other."""
        return self._replace(masks=self.masks.repeat(1, k, 1))

    def rows(self, n: int) -> Drops:
        """Of the first rows."""
        return self._replace(masks=self.masks[:, :n])


def drops(rng: torch.Generator, layers: int, n: int, h: int, keep: float, *, recurrent: bool, device: torch.device) -> Drops | None:
    """Fresh masks from a CPU generator; None where everything is kept."""
    if keep >= 1:
        return None
    kept = torch.rand(layers + 1, n, h, generator=rng) < keep
    return Drops((kept.float() / keep).to(device), recurrent)


class Blanks:
    """Where the blanks of a batch are: made on the CPU, where counting waits for nobody, and brought to the device once.

    Attributes:
        mask: (n, T) bool, a blank is true.
        free: (n, T) bool, nothing that is given follows: there an end may be drawn.
        places: (m,) int64, the blanks in the flattened batch, row by row.
        columns: for every t the rows that are blank there.
    """

    def __init__(self, mask: Tensor, ends: bool, device: torch.device) -> None:
        """`mask` (n, T) bool on the CPU; `ends`: token 0 ends a sentence."""
        self.T = mask.shape[1]
        marked = mask.numpy()
        column, row = np.nonzero(marked.T)
        counts = np.bincount(column, minlength=self.T).tolist()
        self.count = len(row)
        self.first, self.last = (int(column[0]), int(column[-1])) if len(row) else (self.T, -1)
        free = mask.flip(1).long().cumprod(1).flip(1).bool() if ends else torch.zeros_like(mask)
        self.mask, self.free = mask.to(device), free.to(device)
        self.places = torch.from_numpy(np.flatnonzero(marked)).to(device)
        self.columns = torch.from_numpy(row).to(device).split(counts)

    def chosen(self, values: Tensor) -> Tensor:
        """The values (n, T, …) at the blanks: (m, …)."""
        return values.flatten(0, 1)[self.places]

    def spread(self, values: Tensor) -> Tensor:
        """Values (m,) back in their places (n, T), 0 elsewhere."""
        return torch.zeros(self.mask.numel(), device=values.device).index_put((self.places,), values).view(self.mask.shape)


class Stack(nn.Module):
    """Layers of LSTMs over vectors of `h` numbers."""

    def __init__(self, h: int, layers: int) -> None:
        super().__init__()
        self.h = h
        self.layers = nn.ModuleList(LSTM(h, h, batch_first=True) for _ in range(layers))
        for lstm in self.lstms():
            with torch.no_grad():
                cast(Tensor, lstm.bias_hh_l0).zero_().requires_grad_(False)  # torch has two biases a gate, one is enough

    def lstms(self) -> list[LSTM]:
        """The layers, the lowest first."""
        return [cast(LSTM, layer) for layer in self.layers]

    def blank(self, rows: int) -> list[Memory]:
        """The state before anything was read."""
        zeros = cast(Tensor, self.lstms()[0].weight_hh_l0).new_zeros(rows, self.h)
        return [Memory(zeros, zeros) for _ in self.layers]

    def forward(self, x: Tensor, memory: Sequence[Memory] | None = None, dropped: Drops | None = None) -> tuple[Tensor, list[Memory]]:
        """Vectors (n, T, h) to those of the last layer and the state of each; one call a layer."""
        after: list[Memory] = []
        memory = self.blank(len(x)) if memory is None else memory
        for k, (lstm, before) in enumerate(zip(self.lstms(), memory, strict=True)):
            if dropped is not None:
                x = x * dropped.masks[k][:, None]
            if dropped is not None and dropped.recurrent:
                x, state = _stepped(lstm, x, before, dropped.masks[k])
            else:
                x, (h, c) = lstm(x, (before.h[None], before.c[None]))
                state = Memory(h[0], c[0])
            after.append(state)
        return (x if dropped is None else x * dropped.masks[-1][:, None]), after

    def step(self, dropped: Drops | None) -> Callable[[Tensor, Sequence[Memory]], tuple[Tensor, list[Memory]]]:
        """One token: vectors (n, h) and the states to the last output and the next states; without a graph."""
        tables = [
            (torch.cat([cast(Tensor, m.weight_ih_l0), cast(Tensor, m.weight_hh_l0)], 1).detach().T.contiguous(), cast(Tensor, m.bias_ih_l0).detach())
            for m in self.lstms()
        ]

        def step(x: Tensor, memory: Sequence[Memory]) -> tuple[Tensor, list[Memory]]:
            after: list[Memory] = []
            for k, ((weight, bias), before) in enumerate(zip(tables, memory, strict=True)):
                h = before.h
                if dropped is not None:
                    x = x * dropped.masks[k]
                    h = h * dropped.masks[k] if dropped.recurrent else h
                i, f, g, o = torch.addmm(bias, torch.cat([x, h], 1), weight).chunk(4, 1)
                c = f.sigmoid() * before.c + i.sigmoid() * g.tanh()
                x = o.sigmoid() * c.tanh()
                after.append(Memory(x, c))
            return (x if dropped is None else x * dropped.masks[-1]), after

        return step


def _stepped(lstm: LSTM, x: Tensor, before: Memory, mask: Tensor) -> tuple[Tensor, Memory]:
    """One layer, token by token, with a mask on h."""
    given = F.linear(x, cast(Tensor, lstm.weight_ih_l0), cast(Tensor, lstm.bias_ih_l0))
    recurrent, out = cast(Tensor, lstm.weight_hh_l0).T, []
    h, c = before
    for gates in given.unbind(1):
        i, f, g, o = torch.addmm(gates, h * mask, recurrent).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        out.append(h)
    return torch.stack(out, 1), Memory(h, c)


class Context(NamedTuple):
    """What the encoder makes of m(x)."""

    values: Tensor  # (n, T, h)
    keys: Tensor  # (n, T, h), W_a values
    memory: list[Memory]  # with which the decoder begins

    def times(self, k: int) -> Context:
        """For `k` copies of the rows, one after the other."""
        if k == 1:
            return self
        return Context(self.values.repeat(k, 1, 1), self.keys.repeat(k, 1, 1), [Memory(m.h.repeat(k, 1), m.c.repeat(k, 1)) for m in self.memory])


class Seq2Seq(nn.Module):
    """Encoder, decoder and attention; what is read out of h̃ is the matter of those below."""

    def __init__(self, V: int, h: int, layers: int) -> None:
        """A vocabulary of `V` tokens, `h` neurons and numbers of an embedding, `layers` LSTMs on either side."""
        super().__init__()
        self.V = V
        self.embedding = Table(V + EXTRA, h)
        self.encoder, self.decoder = Stack(h, layers), Stack(h, layers)
        self.key, self.mix = Dense(h, h, bias=False), Dense(2 * h, h, bias=False)

    def encode(self, tokens: Tensor, mask: Tensor, dropped: Drops | None = None) -> Context:
        """Read m(x): tokens (n, T), what lies under the mask (n, T) is not seen."""
        values, memory = self.encoder(self.embedding(torch.where(mask, self.V, tokens)), None, dropped)
        return Context(values, self.key(values), memory)

    def attended(self, hidden: Tensor, context: Context) -> Tensor:
        """h̃ of decoder outputs (n, t, h)."""
        share = torch.bmm(hidden, context.keys.mT).softmax(2)
        return self.mix(torch.cat([hidden, torch.bmm(share, context.values)], 2)).tanh()

    def read(self, tokens: Tensor, context: Context, dropped: Drops | None = None) -> Tensor:
        """h̃ (n, t, h) after the start and each of these tokens but the last: the t-th has seen x̂_1:t-1, counting from 1."""
        hidden, _ = self.decoder(self.embedding(self.before(tokens)), context.memory, dropped)
        return self.attended(hidden, context)

    def before(self, tokens: Tensor) -> Tensor:
        """What the decoder is shown: the start, and all tokens but the last."""
        return torch.cat([tokens.new_full((len(tokens), 1), self.V + 1), tokens[:, :-1]], 1)


class Filler(Seq2Seq):
    """The generator."""

    def __init__(self, V: int, h: int, layers: int) -> None:
        super().__init__(V, h, layers)
        self.bias = nn.Parameter(torch.empty(V))

    def logits(self, hidden: Tensor, free: Tensor) -> Tensor:
        """Of rows h̃ (m, h): (m, V); an end only where it is `free` (m,)."""
        return _no_end(_projected(hidden, self.embedding.weight[: self.V], self.bias), free)

    def log_p(self, tokens: Tensor, blanks: Blanks, context: Context, dropped: Drops | None = None) -> Tensor:
        """log p of the tokens (n, T) at the blanks alone, after what stands before each: (m,), in the order of `blanks.places`."""
        hidden = blanks.chosen(self.read(tokens, context, dropped))
        return -F.cross_entropy(self.logits(hidden, blanks.chosen(blanks.free)), blanks.chosen(tokens), reduction="none")

    @torch.no_grad()
    def draw(self, tokens: Tensor, blanks: Blanks, context: Context, u: Tensor, dropped: Drops | None = None, *, how: How | None = None) -> Tensor:
        """The sentences (n, T) with their blanks filled from uniform numbers u (n, T)."""
        table, step = self.embedding.weight.detach(), self.decoder.step(dropped)

        def hidden(shown: Tensor, memory: Sequence[Memory], rows: Tensor) -> tuple[Tensor, list[Memory]]:
            top, after = step(table[shown], memory)
            if len(rows) == len(top):
                return self.attended(top[:, None], context).squeeze(1), after
            share = torch.bmm(context.keys, top[:, :, None]).softmax(1)
            found = torch.cat([top, torch.bmm(share.mT, context.values).squeeze(1)], 1)
            return self.mix(found[rows]).tanh(), after

        shown = self.before(tokens)
        memory = context.memory
        if blanks.first:  # what is given at the beginning of all rows is read in one call
            _, memory = self.decoder(table[shown[:, : blanks.first]], memory, dropped)
        return _filled(tokens, blanks, memory, hidden, self.logits, self.V + 1, u, how or How())


class Judge(Seq2Seq):
    """The discriminator, and the critic as a head of its own."""

    def __init__(self, V: int, h: int, layers: int) -> None:
        super().__init__(V, h, layers)
        self.out, self.value = Dense(h, 1), Dense(h, 1)

    def forward(self, tokens: Tensor, context: Context, dropped: Drops | None = None) -> tuple[Tensor, Tensor]:
        """Logits (n, T) of "real" after x̂_1:t, and what the critic's head reads of the state before each token, h̃ (n, T, h); one call."""
        hidden = self.read(torch.cat([tokens, tokens[:, :1]], 1), context, dropped)
        return self.out(hidden[:, 1:]).squeeze(2).float(), hidden[:, :-1]

    def prefix(self, tokens: Tensor, dropped: Drops | None = None) -> Tensor:
        """The same of the authors' critic: the decoder from zero on x̂_1:t-1, without m(x) and attention; h (n, T, h)."""
        return self.decoder(self.embedding(self.before(tokens)), None, dropped)[0]

    def values(self, state: Tensor) -> Tensor:
        """b_t of states (n, T, h): (n, T)."""
        return self.value(state).squeeze(2).float()


class LanguageModel(nn.Module):
    """p(x_t | x_1:t-1) of the same LSTMs, with tied embedding; others begin with its weights."""

    def __init__(self, V: int, h: int, layers: int) -> None:
        super().__init__()
        self.V = V
        self.embedding, self.decoder = Table(V + EXTRA, h), Stack(h, layers)
        self.bias = nn.Parameter(torch.empty(V))

    def log_p(self, tokens: Tensor, ends: bool, dropped: Drops | None = None) -> Tensor:
        """log p of every token (n, T)."""
        hidden, _ = self.decoder(self.embedding(Seq2Seq.before(cast(Seq2Seq, self), tokens)), None, dropped)
        free = torch.full(tokens.shape, ends, device=tokens.device).flatten()
        return -F.cross_entropy(self.logits(hidden.flatten(0, 1), free), tokens.flatten(), reduction="none").view(tokens.shape)

    def logits(self, hidden: Tensor, free: Tensor) -> Tensor:
        """Of rows h (m, h): (m, V)."""
        return _no_end(_projected(hidden, self.embedding.weight[: self.V], self.bias), free)

    @torch.no_grad()
    def draw(self, tokens: Tensor, blanks: Blanks, u: Tensor, *, how: How | None = None) -> Tensor:
        """As the generator's, but what is given after a blank is not looked at."""
        table, step = self.embedding.weight.detach(), self.decoder.step(None)

        def hidden(shown: Tensor, memory: Sequence[Memory], rows: Tensor) -> tuple[Tensor, list[Memory]]:
            top, after = step(table[shown], memory)
            return top[rows], after

        shown = Seq2Seq.before(cast(Seq2Seq, self), tokens)
        memory: Sequence[Memory] = self.decoder.blank(len(tokens))
        if blanks.first:
            _, memory = self.decoder(table[shown[:, : blanks.first]], memory)
        return _filled(tokens, blanks, memory, hidden, self.logits, self.V + 1, u, how or How())

    def lend(self, net: Seq2Seq) -> None:
        """Its weights into encoder, decoder and embedding of another net, and into the output of a generator."""
        with torch.no_grad():
            net.embedding.weight.copy_(self.embedding.weight)
            pairs = ((net.encoder, self.decoder), (net.decoder, self.decoder))
            for target, source in pairs:
                for ours, theirs in zip(target.parameters(), source.parameters(), strict=True):
                    ours.copy_(theirs)
            if isinstance(net, Filler):
                net.bias.copy_(self.bias)


def _projected(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """W h + b in float32: in bfloat16 oneDNN keeps a kernel of some MB for every number of rows, and the blanks of each batch are another number."""
    with torch.autocast(hidden.device.type, enabled=False):
        return F.linear(hidden.float(), weight, bias)


def _no_end(logits: Tensor, free: Tensor) -> Tensor:
    """Without mass on the end where something given follows."""
    barred = torch.zeros_like(logits[:, :1]).masked_fill(~free[:, None], NEVER)
    return torch.cat([logits[:, :1] + barred, logits[:, 1:]], 1)


def _filled(
    tokens: Tensor,
    blanks: Blanks,
    memory: Sequence[Memory],
    hidden: Callable[[Tensor, Sequence[Memory], Tensor], tuple[Tensor, list[Memory]]],
    logits: Callable[[Tensor, Tensor], Tensor],
    start: int,
    u: Tensor,
    how: How,
) -> Tensor:
    """Fill from the first blank to the last, token by token; logits only for rows that are blank there; an end stays."""
    out = tokens.clone()
    shown = out[:, blanks.first - 1] if blanks.first else out.new_full((len(out),), start)
    for t in range(blanks.first, blanks.last + 1):
        rows = blanks.columns[t]
        found, memory = hidden(shown, memory, rows)
        if len(rows):
            free = blanks.free[rows, t]
            token = _drawn(logits(found, free), u[rows, t], how)
            if t:
                token = torch.where(free & (out[rows, t - 1] == END), END, token)
            out[rows, t] = token
        shown = out[:, t]
    return out


def _drawn(logits: Tensor, u: Tensor, how: How) -> Tensor:
    """Tokens (m,) of logits (m, V): inverse CDF."""
    logits = logits / how.temperature
    if not how.unknown:
        logits = torch.cat([logits[:, :UNKNOWN], torch.full_like(logits[:, :1], NEVER), logits[:, UNKNOWN + 1 :]], 1)
    if how.top_k or how.nucleus < 1:
        return restricted(logits, u, how.top_k, how.nucleus)
    upto = logits.softmax(1).cumsum(1)
    total = upto[:, -1:].contiguous()
    return torch.minimum(torch.searchsorted(upto, u[:, None] * total, right=True), torch.searchsorted(upto, total)).squeeze(1)


def initialise(net: nn.Module, generator: torch.Generator, spread: float = 0.1) -> None:
    """Every number that learns from U(−spread, spread) (Zaremba et al. 2014: 0.05); of h̃ = tanh(W_c [h; c]) the part of h is added to 1."""
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p.copy_((2 * torch.rand(p.shape, generator=generator) - 1) * spread)
        if isinstance(net, Seq2Seq):
            h = net.mix.weight.shape[0]
            net.mix.weight[:, :h] += torch.eye(h)
        if isinstance(net, LanguageModel | Filler):
            net.bias.zero_()
