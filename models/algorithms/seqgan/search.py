"""Monte-Carlo search: the reward of every token, from N roll-outs of every prefix (eq. 4).

All prefixes advance together. The LSTM's states along a sentence are kept once; at step s the roll-outs of the prefix with s tokens join those of
the shorter ones, each from its own state, so T − 1 sequential steps draw every token exactly once, in place of N (T − 1) T / 2 of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from models.data.sentences import spoken_lengths
from models.metrics.text import References
from models.nets.drawing import Drawer
from models.nets.recurrent import START, Memory, Recurrent
from models.nets.textcnn import Frozen

if TYPE_CHECKING:
    from models.algorithms.seqgan import Knobs, State
    from models.data.text import TextSet

MEMORY = 512 << 20  # bytes of roll-outs at a time, whatever N is
CELL = 2048  # rows of the LSTM's step at a time: its gates stay in the cache


class Searched(NamedTuple):
    """A search, for people to look at."""

    Q: Tensor  # (n, T)
    whole: Tensor  # (n,) D(Y)
    rollouts: Tensor  # (T-1, N, n, T) int64: [t-1] begins with the first t tokens
    verdicts: Tensor  # (T-1, N, n) D of each


def rewards(state: State, tokens: Tensor, data: TextSet | None, knobs: Knobs) -> Tensor:
    """Q(Y_1:t-1, y_t) of sentences (n, T), (n, T), by the chosen kind of reward."""
    judge = bleu_judge(data, state.config.ends, tokens.device) if knobs.reward == "BLEU" and data is not None else D_judge(state)
    Q = search(state, tokens, knobs.N, state.rng, judge)
    match knobs.reward:
        case "permuted":  # the same numbers, of other sentences: what is left when nobody knows whose they are
            return Q[torch.randperm(len(Q), generator=state.rng).to(Q.device)]
        case "constant":
            return Q.mean().expand_as(Q)
        case _:
            return Q


@torch.no_grad()
def search(state: State, tokens: Tensor, N: int, rng: torch.Generator, judge: Judge) -> Tensor:
    """Q of sentences (n, T): the mean verdict over the N roll-outs from each of their prefixes, the sentence's own at its last token."""
    n, T = tokens.shape
    policy = Policy(state.beta, tokens, state.config.ends)
    total = torch.zeros(T - 1, n, device=tokens.device)
    left = N
    while left:  # by roll-outs, so that their noise does not depend on how many fit
        part = min(left, policy.room(MEMORY))
        u = torch.stack([torch.rand(T - 1, n, T, generator=rng) for _ in range(part)], 1).to(tokens.device)
        for verdicts in judge.rollouts(tokens, policy.rollouts(u)).unbind(1):  # one by one: how many fit does not decide how they are rounded
            total += verdicts
        left -= part
    return torch.cat([total / N, judge.sentences(tokens)[None]]).T


@torch.no_grad()
def looked_at(state: State, tokens: Tensor, N: int, rng: torch.Generator) -> Searched:
    """A search that keeps everything: for a few sentences."""
    n, T = tokens.shape
    u = torch.rand(T - 1, N, n, T, generator=rng).to(tokens.device)
    rollouts, judge = Policy(state.beta, tokens, state.config.ends).rollouts(u), D_judge(state)
    verdicts, whole = judge.rollouts(tokens, rollouts), judge.sentences(tokens)
    return Searched(torch.cat([verdicts.mean(1), whole[None]]).T, whole, rollouts, verdicts)


# --- roll-outs ----------------------------------------------------------------------------------------------------


class Policy:
    """G_β along some sentences: its states after every prefix, from which roll-outs begin."""

    def __init__(self, net: Recurrent, tokens: Tensor, ends: bool) -> None:
        """Sentences (n, T)."""
        self._tokens, self._ends = tokens, ends
        self._cell, self._drawer = net.cell(), Drawer(net.out)
        memory = self._cell(tokens.new_full((len(tokens),), START), net.blank(len(tokens)))
        self._states = [memory]  # [s]: before token s, s from 0
        for s in range(1, tokens.shape[1]):
            memory = self._cell(tokens[:, s - 1], memory)
            self._states.append(memory)

    def room(self, memory: int) -> int:
        """How many roll-outs of every prefix fit into so many bytes; at least one."""
        n, T = self._tokens.shape
        bytes_each = (
            (T - 1) * n * (T * (8 + 4 + 4) + 32 + 2 * 4 * self._states[0].h.shape[1])
        )  # tokens, noise (twice while it is made), what passes, states
        return max(1, memory // bytes_each)

    def rollouts(self, u: Tensor) -> Tensor:
        """Tokens (T-1, N, n, T) from uniform numbers of that shape; of [t-1] the first t tokens are the sentences' own."""
        n, T = self._tokens.shape
        N = u.shape[1]
        out = self._tokens.expand(T - 1, N, n, T).clone()
        h, c = (x.new_empty((T - 1) * N * n, x.shape[1]) for x in self._states[0])
        for s in range(1, T):  # token s, counted from 0
            old, rows = (s - 1) * N * n, s * N * n
            token = out[:s, :, :, s]
            if old:
                token[:-1] = self._drawer(h[:old], u[: s - 1, :, :, s].reshape(-1)).view(s - 1, N, n)
            token[-1] = self._drawer(self._states[s].h, u[s - 1, :, :, s].T).T  # the prefix of s tokens joins: one law for its N roll-outs
            if self._ends:
                token.masked_fill_(out[:s, :, :, s - 1] == 0, 0)
            if s + 1 < T:
                h[old:rows], c[old:rows] = (x.repeat(N, 1) for x in self._states[s])
                for part in zip(token.reshape(-1).split(CELL), h[:rows].split(CELL), c[:rows].split(CELL), strict=True):
                    self._advance(*part)
        return out

    def _advance(self, token: Tensor, h: Tensor, c: Tensor) -> None:
        memory = self._cell(token, Memory(h, c))
        h.copy_(memory.h)
        c.copy_(memory.c)


# --- who judges ---------------------------------------------------------------------------------------------------


class Judge:
    """Gives sentences and roll-outs a number in [0, 1]."""

    def sentences(self, tokens: Tensor) -> Tensor:
        """Of sentences (n, T): (n,)."""
        raise NotImplementedError

    def rollouts(self, prefixes: Tensor, rollouts: Tensor) -> Tensor:
        """Of roll-outs (T-1, N, n, T) that begin like the sentences `prefixes` (n, T): (T-1, N, n)."""
        return self.sentences(rollouts.flatten(0, 2)).view(rollouts.shape[:3])


class D_judge(Judge):
    """The probability of "real" by D, without dropout."""

    def __init__(self, state: State) -> None:
        assert state.plan is not None
        self._state = state
        self._tables = Frozen(state.D, state.plan.precision) if state.device.type == "cpu" else None  # a GPU convolves faster than it looks up

    def sentences(self, tokens: Tensor) -> Tensor:
        """By tables, or by convolutions in chunks."""
        from models.algorithms.seqgan import autocast

        if self._tables is not None:
            return self._tables.sentences(tokens).sigmoid()
        with autocast(self._state):
            return torch.cat([self._state.D(rows) for rows in tokens.split(4096)]).sigmoid()

    def rollouts(self, prefixes: Tensor, rollouts: Tensor) -> Tensor:
        """With what lies within a prefix looked at once."""
        if self._tables is not None:
            return self._tables.rollouts(prefixes, rollouts).sigmoid()
        return super().rollouts(prefixes, rollouts)


class bleu_judge(Judge):
    """BLEU-3 against training sentences (the paper's baseline PG-BLEU)."""

    MOST = 3

    def __init__(self, data: TextSet, ends: bool, device: torch.device) -> None:
        self._ends, self._device = ends, device
        self._references = references(data, training=True)

    def sentences(self, tokens: Tensor) -> Tensor:
        """On the CPU."""
        rows = tokens.cpu().numpy()
        return torch.from_numpy(self._references.bleu(rows, spoken_lengths(rows, self._ends)).each[:, self.MOST - 1]).float().to(self._device)


def references(data: TextSet, *, training: bool = False, most: int = 1000) -> References:
    """Some held-out sentences, or training ones, as references of BLEU; made once for a data set."""
    key = f"references of {'training' if training else 'held-out'} sentences, {most}"
    if key not in data.kept:
        where = data.train[:: max(1, len(data.train) // most)][:most] if training or not len(data.held_out) else data.held_out[:most]
        rows = data.rows(where)
        data.kept[key] = References(rows, spoken_lengths(rows, data.ends))
    return data.kept[key]
