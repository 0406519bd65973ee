"""MaskGAN's actor-critic update as it is commonly written: D, critic and the gradient's pass of G go token by token. The mathematics is the same.

What is known before the loop (embeddings of given sentences, the encoder's pass, the tables) is computed once before it; a step is one cell a layer,
attention, and logits of all rows over the whole vocabulary. True and filled sentences pass D one after the other, each with an encoder's pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from models.algorithms import maskgan
from models.algorithms.maskgan import Info, Knobs, State
from models.data.sentences import alive
from models.nets.learning import descend
from models.nets.recurrent import Memory
from models.nets.seq2seq import END, NEVER, Blanks, Context, Drops, Judge, Stack

Offs = tuple[Drops | None, Drops | None]


def cells(stack: Stack, x: Tensor, memory: Sequence[Memory], off: Drops | None) -> tuple[Tensor, list[Memory]]:
    """One token through all layers: vectors (n, h) to the last output and the next states."""
    after: list[Memory] = []
    for k, (m, (h, c)) in enumerate(zip(stack.lstms(), memory, strict=True)):
        if off is not None:
            x = x * off.masks[k]
            h = h * off.masks[k] if off.recurrent else h
        x, c = torch.lstm_cell(x, (h, c), m.weight_ih_l0, m.weight_hh_l0, m.bias_ih_l0, m.bias_hh_l0)  # pyright: ignore[reportArgumentType]
        after.append(Memory(x, c))
    return (x if off is None else x * off.masks[-1]), after


# --- G ------------------------------------------------------------------------------------------------------------


def written(state: State, tokens: Tensor, blanks: Blanks, context: Context, off: Drops | None, u: Tensor | None) -> tuple[Tensor, Tensor]:
    """The sentences (n, T), drawn from `u` (n, T) or, without it, as they are; and log p (n, T) of each token that stands there."""
    G = state.G
    table, memory, out, nats = G.embedding.weight[: G.V], context.memory, [], []
    known = G.embedding(G.before(tokens)).unbind(1) if u is None else ()
    shown = torch.full((len(tokens),), G.V + 1)
    for t in range(tokens.shape[1]):
        top, memory = cells(G.decoder, known[t] if u is None else G.embedding(shown), memory, off)
        logits = F.linear(G.attended(top[:, None], context).squeeze(1), table, G.bias)
        barred = torch.zeros_like(logits[:, :1]).masked_fill(~blanks.free[:, t, None], NEVER)
        log_p = torch.cat([logits[:, :1] + barred, logits[:, 1:]], 1).log_softmax(1) if state.config.ends else _no_end(logits).log_softmax(1)
        shown = tokens[:, t]
        if u is not None:
            upto = log_p.detach().exp().cumsum(1)
            drawn = torch.searchsorted(upto, u[:, t, None] * upto[:, -1:], right=True).squeeze(1).clamp(max=G.V - 1)
            if t:
                drawn = torch.where(blanks.free[:, t] & (out[-1] == END), END, drawn)
            shown = torch.where(blanks.mask[:, t], drawn, shown)
        out.append(shown)
        nats.append(log_p.gather(1, shown[:, None]).squeeze(1))
    return torch.stack(out, 1), torch.stack(nats, 1)


def _no_end(logits: Tensor) -> Tensor:
    return torch.cat([logits[:, :1] + NEVER, logits[:, 1:]], 1)


def filled(state: State, tokens: Tensor, blanks: Blanks, knobs: Knobs, *, ours: bool) -> tuple[Tensor, Tensor, Offs]:
    """Sentences, log p with a graph, and the dropout of both; `ours`: drawn as the product draws, with the gradient's pass after it."""
    if ours:
        found, off, _ = maskgan.fill(state, tokens, blanks, knobs)
        return *written(state, found, blanks, state.G.encode(tokens, blanks.mask, off[0]), off[1], None), off
    off = maskgan.dropped(state, len(tokens), knobs.keep_G, knobs), maskgan.dropped(state, len(tokens), knobs.keep_G, knobs)
    u = torch.rand(tokens.shape, generator=state.rng)
    return *written(state, tokens, blanks, state.G.encode(tokens, blanks.mask, off[0]), off[1], u), off


# --- D and critic -------------------------------------------------------------------------------------------------


def judged(D: Judge, tokens: Tensor, context: Context, off: Drops | None, *, critic: bool) -> tuple[Tensor, Tensor | None]:
    """Logits (n, T) after each token, and with `critic` the values before it."""
    shown = D.embedding(torch.cat([tokens.new_full((len(tokens), 1), D.V + 1), tokens], 1)).unbind(1)
    memory, logits, values = context.memory, [], []
    for t, x in enumerate(shown):
        top, memory = cells(D.decoder, x, memory, off)
        hidden = D.attended(top[:, None], context).squeeze(1)
        if t:
            logits.append(D.out(hidden))
        if critic and t < tokens.shape[1]:
            values.append(D.value(hidden.detach()))
    return torch.cat(logits, 1), torch.cat(values, 1) if critic else None


def prefix_values(D: Judge, tokens: Tensor, off: Drops | None) -> Tensor:
    """The critic that knows the tokens before alone, (n, T)."""
    memory, values = D.decoder.blank(len(tokens)), []
    with torch.no_grad():  # its head alone learns
        states = list(_states(D, tokens, memory, off))
    for top in states:
        values.append(D.value(top))
    return torch.cat(values, 1)


def _states(D: Judge, tokens: Tensor, memory: list[Memory], off: Drops | None) -> Iterator[Tensor]:
    for x in D.embedding(D.before(tokens)).unbind(1):
        top, memory = cells(D.decoder, x, memory, off)
        yield top


# --- the update ---------------------------------------------------------------------------------------------------


def d_step(state: State, tokens: Tensor, knobs: Knobs, *, ours: bool) -> Info:
    """As `maskgan.d_step` with its quick preset's switches."""
    D, config = state.D, state.config
    tokens, blanks = maskgan.masked(state, tokens, knobs)
    if ours:
        fake, _, _ = maskgan.fill(state, tokens, blanks, knobs)
    else:
        with torch.no_grad():
            fake = filled(state, tokens, blanks, knobs, ours=False)[0]
    offs = [maskgan.dropped(state, len(tokens), knobs.keep_D, knobs) for _ in range(2)]
    own_head = config.critic == "discriminator"
    true_logits, _ = judged(D, tokens, D.encode(tokens, blanks.mask, offs[0]), offs[1], critic=False)
    fake_logits, V = judged(D, fake, D.encode(tokens, blanks.mask, offs[0]), offs[1], critic=own_head)
    V = prefix_values(D, fake, offs[1]) if V is None else V
    true_counts, counts = maskgan.seen(blanks, tokens, config.ends), maskgan.seen(blanks, fake, config.ends)
    cross = F.binary_cross_entropy_with_logits
    true_loss = (cross(true_logits, torch.ones_like(true_logits), reduction="none") * true_counts).sum() / true_counts.sum()
    fake_loss = (cross(fake_logits, (~blanks.mask).float(), reduction="none") * counts).sum() / counts.sum()
    R = maskgan.returns(F.logsigmoid(fake_logits.detach()) * counts, counts, knobs)
    loss, loss_V = (true_loss + fake_loss) / 2, ((R - V).square() * counts).sum() / counts.sum()
    maskgan._both_descend(state, loss, loss_V, knobs)
    state.trained["D"] += 1
    return Info(loss_D=loss.detach(), loss_V=loss_V.detach())


def g_step(state: State, tokens: Tensor, knobs: Knobs, *, ours: bool) -> Info:
    """As `maskgan.g_step`; without `ours` a token is drawn in the pass whose gradient is taken, as in the authors' code."""
    D, config = state.D, state.config
    tokens, blanks = maskgan.masked(state, tokens, knobs)
    found, log_p, _ = filled(state, tokens, blanks, knobs, ours=ours)
    counts = blanks.mask * alive(found, config.ends)
    with torch.no_grad():
        logits, V = judged(D, found, D.encode(tokens, blanks.mask), None, critic=config.critic == "discriminator")
        V = prefix_values(D, found, None) if V is None else V
    r = F.logsigmoid(logits) * counts
    R = maskgan.returns(r, counts, knobs)
    b = maskgan.baseline(state, R, V, counts, knobs)
    A = maskgan.advantage(r, R, b, counts, knobs)
    norm = descend(state.optimiser_PG, -(log_p * A).sum(), knobs.lr_PG, knobs.clip)
    state.trained["PG"] += 1
    mean = lambda x: (x * counts).sum() / counts.sum()  # noqa: E731
    return Info(grad=norm, reward=mean(R), value=mean(b), advantage=mean(A.abs()))
