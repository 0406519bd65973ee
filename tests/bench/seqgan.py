"""SeqGAN at the paper's size beside what a good engineer writes first: roll-outs, an update of G, D's verdicts, a step of D; interleaved, medians.

seqgan.py [--seconds S] [--threads N]   seconds of everything, as one line of JSON
seqgan.py --memory N [--threads N]      bytes that the resident memory grows by at most in a search with N roll-outs
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models import device
from models.algorithms import seqgan
from models.algorithms.seqgan import search
from models.nets.drawing import Drawer
from models.nets.recurrent import Recurrent
from models.nets.textcnn import Frozen, TextCNN

T, BATCH, N = 20, 64, 16
FEW = 2  # of the N roll-outs, that the naive loop is given: its time is proportional to them
SHARE = 4  # the passes of convolutions are given one in so many roll-outs
CONFIG = seqgan.Config()  # the paper's: V = 5,000, e = h = 32, embeddings of 64 and 1,720 filters for D
KNOBS = seqgan.Knobs()

Pick = Callable[[Tensor], Tensor]  # hidden states (rows, h) to tokens (rows,)


# --- what is commonly written -------------------------------------------------------------------------------------


class Naive:
    """A prefix is read by one call of nn.LSTM, the rest drawn token by token, and D judges each batch of roll-outs by itself."""

    def __init__(self, G: Recurrent, D: Conv1d, pick: str) -> None:
        """`pick`: "multinomial" of a softmax, or "ours"."""
        self.G, self.D, self.adam = G, D, torch.optim.Adam(G.trained(), 1e-2)
        self.pick: Pick = self.multinomial
        if pick == "ours":
            drawer = Drawer(G.out)
            self.pick = lambda h: drawer(h, torch.rand(len(h)))

    def multinomial(self, h: Tensor) -> Tensor:
        """As in every tutorial."""
        return torch.multinomial(self.G.out(h).softmax(1), 1).squeeze(1)

    @torch.no_grad()
    def complete(self, prefix: Tensor) -> Tensor:
        """Sentences (n, T) that begin with `prefix` (n, t), t from 0."""
        start = prefix.new_zeros(len(prefix), 1)
        seen, memory = self.G.lstm(self.G.embedding(torch.cat([start, prefix], 1)))
        out = [*prefix.unbind(1), self.pick(seen[:, -1])]
        while len(out) < T:
            seen, memory = self.G.lstm(self.G.embedding(out[-1][:, None]), memory)
            out.append(self.pick(seen[:, -1]))
        return torch.stack(out, 1)

    def sample(self) -> Tensor:
        """A batch."""
        return self.complete(torch.empty(BATCH, 0, dtype=torch.int64))

    def rollouts(self, tokens: Tensor) -> list[list[Tensor]]:
        """FEW of every prefix."""
        return [[self.complete(tokens[:, :t]) for t in range(1, T)] for _ in range(FEW)]

    @torch.no_grad()
    def rewards(self, tokens: Tensor, rollouts: list[list[Tensor]]) -> Tensor:
        """Mean verdicts (n, T)."""
        verdicts = torch.stack([torch.stack([real(self.D, rows) for rows in one]) for one in rollouts])
        return torch.cat([verdicts.mean(0), real(self.D, tokens)[None]]).T

    def learn(self, tokens: Tensor, Q: Tensor) -> None:
        """Policy gradient, with the usual Adam."""
        before = torch.cat([tokens.new_zeros(len(tokens), 1), tokens[:, :-1]], 1)
        log_p = self.G.out(self.G.lstm(self.G.embedding(before))[0]).log_softmax(2)
        loss = -(log_p.gather(2, tokens[:, :, None]).squeeze(2) * Q).sum()
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.G.trained(), KNOBS.clip)
        self.adam.step()


class Kim(nn.Module):
    """D with the convolutions of Kim's code: pictures with one channel, kernels as wide as an embedding."""

    def __init__(self, D: TextCNN) -> None:
        super().__init__()
        self.embedding, self.gate, self.turn, self.out = D.embedding, D.gate, D.turn, D.out
        self.convs = nn.ModuleList(nn.Conv2d(1, count, (width, CONFIG.e_D)) for width, count in D.filters)
        for mine, theirs in zip(self.convs, D.kernels(), strict=True):
            assert theirs.bias is not None
            mine.load_state_dict({"weight": theirs.weight.detach().transpose(1, 2)[:, None], "bias": theirs.bias.detach()})

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (n, 2)."""
        x = self.embedding(tokens)[:, None]
        c = torch.cat([F.relu(conv(x)).squeeze(3).amax(2) for conv in self.convs], 1)
        return highway(self, c)


class Conv1d(nn.Module):
    """The same with Conv1d."""

    def __init__(self, D: TextCNN) -> None:
        super().__init__()
        self.embedding, self.gate, self.turn, self.out, self.convs = D.embedding, D.gate, D.turn, D.out, D.convs

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (n, 2)."""
        x = self.embedding(tokens).transpose(1, 2)
        return highway(self, torch.cat([F.relu(conv(x)).amax(2) for conv in self.convs], 1))


def highway(net: Any, c: Tensor) -> Tensor:
    """The rest of both."""
    tau = torch.sigmoid(net.gate(c))
    return net.out(F.dropout(tau * F.relu(net.turn(c)) + (1 - tau) * c, KNOBS.dropout, net.training))


def real(net: nn.Module, tokens: Tensor) -> Tensor:
    """The probability of "real", (n,)."""
    return net(tokens).softmax(1)[:, 0]


def d_step(net: nn.Module, adam: torch.optim.Adam, sentences: Tensor, negatives: Tensor) -> None:
    """Cross-entropy of a batch, half real and half drawn, with L2 of the last layer."""
    half = BATCH // 2
    both = torch.cat([sentences[:half], negatives[torch.randperm(len(negatives))[:half]]])
    truth = torch.cat([torch.zeros(half, dtype=torch.int64), torch.ones(half, dtype=torch.int64)])  # the first class is "real"
    last = cast(nn.Linear, net.out)
    loss = F.cross_entropy(net(both), truth) + KNOBS.l2 / 2 * (last.weight.square().sum() + last.bias.square().sum())
    adam.zero_grad()
    loss.backward()
    adam.step()


# --- measured -----------------------------------------------------------------------------------------------------


def state_of(plan: device.Plan) -> seqgan.State:
    """The paper's nets as they are when they are made; their values do not matter for the time."""
    state = seqgan.init(CONFIG, 0, plan)
    state.negatives.copy_(seqgan.drawn(state, state.G, CONFIG.negatives))
    state.dealt = 1
    return state


def passes(D: Conv1d, rollouts: Tensor, half: bool) -> Callable[[], Any]:
    """D by its convolutions on one in SHARE roll-outs, in chunks of 256."""
    rows = rollouts.flatten(0, 2)[::SHARE]

    @torch.no_grad()
    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            for chunk in rows.split(256):
                real(D, chunk)

    return run


def calls_of(threads: int | None) -> dict[str, Callable[[], Any]]:
    """Everything that is measured; one call each."""
    states = {p: state_of(device.choose("cpu", threads, p)) for p in ("float32", "bfloat16")}
    state = states["float32"]
    truth = torch.randint(0, CONFIG.vocab, (BATCH, T))
    tokens = seqgan.drawn(state, state.G, BATCH)
    u = torch.rand(T - 1, N, BATCH, T)
    rollouts = search.Policy(state.beta, tokens, False).rollouts(u)
    D = Conv1d(state.D).eval()
    naive, given = (Naive(seqgan.init(CONFIG, 0, cast(device.Plan, state.plan)).G, D, pick) for pick in ("multinomial", "ours"))
    drawn = naive.rollouts(tokens)
    calls: dict[str, Callable[[], Any]] = {
        "naive_rollouts": lambda: naive.rollouts(tokens),
        "given_rollouts": lambda: given.rollouts(tokens),
        "rollouts": lambda: search.Policy(state.beta, tokens, False).rollouts(torch.rand(T - 1, N, BATCH, T)),
        "naive_rewards": lambda: naive.rewards(tokens, drawn),
        "naive_sample": naive.sample,
        "naive_learn": lambda: naive.learn(tokens, torch.rand(BATCH, T)),
        "passes_float32": passes(D, rollouts, half=False),
        "passes_bfloat16": passes(D, rollouts, half=True),
        "tables": lambda: Frozen(state.D),
    }
    for precision, own in states.items():
        calls[f"update_{precision}"] = lambda own=own: seqgan.g_step(own, cast(Any, None), KNOBS)
        calls[f"verdicts_{precision}"] = lambda own=own: verdicts(own, tokens, rollouts)
        calls[f"d_step_{precision}"] = lambda own=own: seqgan.d_step(own, truth, KNOBS)
    for name, kind, fused in (("kim", Kim, False), ("conv1d", Conv1d, True)):
        net = kind(seqgan.init(CONFIG, 0, cast(device.Plan, state.plan)).D).train()
        adam = torch.optim.Adam(net.parameters(), KNOBS.lr_D, fused=fused)
        calls[f"d_step_{name}"] = lambda net=net, adam=adam: d_step(net, adam, truth, state.negatives)
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    return calls | {"gemm": lambda: a @ b}


def verdicts(state: seqgan.State, tokens: Tensor, rollouts: Tensor) -> Tensor:
    """D of all roll-outs and of the sentences, tables made anew."""
    judge = search.D_judge(state)
    judge.sentences(tokens)
    return judge.rollouts(tokens, rollouts)


SHORT = {"naive_sample", "naive_learn", "gemm", "tables", "d_step_float32", "d_step_bfloat16", "d_step_kim", "d_step_conv1d"}


def measure(threads: int | None, seconds: float) -> dict[str, float]:
    """Medians; a short call is taken ten times a round."""
    device.use(device.choose("cpu", threads))
    calls = calls_of(threads)
    took: dict[str, list[float]] = {name: [] for name in calls}
    for name in SHORT:
        for _ in range(3):
            calls[name]()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took["gemm"]) < 30:
        for name in (n for n in calls if n not in SHORT):
            took[name].append(timed(calls[name]))
        for _ in range(10):
            for name in sorted(SHORT):
                took[name].append(timed(calls[name]))
    return {name: median(times) for name, times in took.items()}


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def memory(threads: int | None, rollouts: int) -> dict[str, float]:
    """Bytes of a search over what was resident before it, at most."""
    plan = device.choose("cpu", threads)
    device.use(plan)
    state = state_of(plan)
    tokens = seqgan.drawn(state, state.G, BATCH)
    tables = 4 * CONFIG.vocab * sum(width * count for width, count in seqgan.filters(CONFIG))
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    search.search(state, tokens, rollouts, state.rng, search.D_judge(state))
    return {"grown": resident("VmHWM") - before, "tables": tables, "budget": search.MEMORY + tables}


def resident(what: str) -> int:
    """Bytes, as Linux counts them."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--threads", type=int)
    words.add_argument("--memory", type=int)
    options = words.parse_args()
    if options.memory:
        found = memory(options.threads, options.memory)
    else:
        every = (T - 1) * N  # prefixes and roll-outs of a sentence
        counts = {"times": N / FEW, "batches": (every + 1) / ((T - 1) * FEW + 1), "share": SHARE, "rows": SHARE * (every + 1) / every}
        found = measure(options.threads, options.seconds) | counts
    print(json.dumps(found | {"threads": torch.get_num_threads(), "default": device.choose("cpu").precision}))
