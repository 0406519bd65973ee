"""MaskGAN: better text generation via filling in the blanks.

Fedus, Goodfellow, Dai (ICLR 2018), arXiv:1801.07736.

    Paper               Here                    Meaning
    m(x)                tokens under a mask     a sentence with blanks, which G's and D's encoders read
    G(x̂_t)              Filler.log_p            p(x̂_t | x̂_1:t-1, m(x)); what is given is fed back as it is
    D(x̃_t | x̃_0:T, m)   Judge                   p(real) of every token; it has m(x), or it could not tell which of two equal words is the wrong one
    r_t, R_t            returns                 log D, and its discounted sum over the blanks that follow
    b_t = V(x_1:t)      Judge.values            the critic's
    ∇ = (R_t − b_t) ∇ log G(x̂_t)   g_step       REINFORCE with a baseline; losses are of the blanks alone
    -                   State.mle               MaskMLE, the filler by likelihood that was best on held-out sentences: the baseline beside it
    -                   State.lm                the language model that all nets begin with, frozen afterwards

A step is one update of one net: of the language model in phase `lm`; of G by likelihood in `maskmle`; of D and critic in `discriminator`; in `gan`
d of D and critic, then one of G. A phase that is entered takes over what the phases before it have made: the nets begin with the language model's
weights, the policy gradient with the best MaskMLE.

Departures from the authors' code (each number of the presets is theirs where they give one):
    1. The encoder reads all of m(x) and the decoder begins with a start token, so with everything blank nothing leaks; theirs leaves two real tokens.
    2. Sentences may vary in length: 0 ends one. Where the end is a blank, all behind it is, and an end is drawn only where nothing given follows.
    3. Drawing has no gradient; then one pass over the filled sentence with the same masks of dropout gives exactly the gradient of REINFORCE.
    4. Real and filled sentences are one batch of D, and m(x) is encoded once for both; with `redraw` twice, as other masks of dropout demand.
    5. The length of the sentences and the share that is given can grow (curricula); their decay of the share is dead code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models import device
from models.algorithms.maskgan.credit import advantage, baseline, explained, returns
from models.algorithms.maskgan.described import PHASES, PLOTS, PRESETS, Config, Knobs  # noqa: F401 (all are names of an algorithm)
from models.algorithms.maskgan.masks import masks
from models.contract import Event, Plan
from models.data import sources
from models.data.sentences import FOUND, alive, fitted, read  # noqa: F401
from models.data.text import TextSet
from models.errors import BadData, BadSetting
from models.nets import seq2seq
from models.nets.learning import copy_to, descend
from models.nets.seq2seq import Blanks, Context, Drops, Filler, Judge, LanguageModel

NAME = "maskgan"
TITLE = "MaskGAN"
PAPER = "Fedus, Goodfellow, Dai (2018), MaskGAN: Better Text Generation via Filling in the ______, arXiv:1801.07736"
WRITES = "text"
BETWEEN = 25
UNKNOWN = 1e9  # a perplexity that no filler has
KEPT = 48  # times of which the fixed sentences are kept
FIXED = 12  # fixed sentences
WON = 0.03  # mean D of filled tokens below which, and 1 less that of true ones, D has won
EMA = 0.99  # of the running mean that may stand for the critic


class Info(NamedTuple):
    """One step in numbers, all 0-d; None where the step has no such value."""

    loss: Tensor | None = None  # by likelihood, nats a token
    grad: Tensor | None = None  # length of G's gradient before it is clipped
    reward: Tensor | None = None  # mean R over the blanks
    value: Tensor | None = None  # mean b
    advantage: Tensor | None = None  # mean |A|
    explained: Tensor | None = None  # 1 − var(R − b) / var(R)
    loss_V: Tensor | None = None
    loss_D: Tensor | None = None
    real: Tensor | None = None  # mean D of true tokens at the blanks
    fake: Tensor | None = None  # … of filled ones
    perplexity: Tensor | None = None  # the others are measured now and then
    top1: Tensor | None = None
    validity: Tensor | None = None
    lm_perplexity: Tensor | None = None
    mle_perplexity: Tensor | None = None
    mle_top1: Tensor | None = None
    mle_validity: Tensor | None = None
    mle_lm_perplexity: Tensor | None = None


class Batch(NamedTuple):
    """Some training sentences, and where they come from."""

    tokens: Tensor  # (batch, T) int64
    data: TextSet  # to measure against


@dataclass
class State:
    """All that changes."""

    lm: LanguageModel
    G: Filler
    mle: Filler  # the best of the MaskMLE phase on held-out sentences
    D: Judge
    optimiser_lm: torch.optim.Adam
    optimiser_G: torch.optim.Adam  # by likelihood
    optimiser_PG: torch.optim.Adam  # by policy gradient, with moments of its own
    optimiser_D: torch.optim.Adam
    optimiser_V: torch.optim.Adam  # of the critic's head
    rng: torch.Generator  # on the CPU, so that a run can change its device
    ema: Tensor  # (2,) running mean of R, and how much of it is known
    best: Tensor  # () perplexity of `mle`; UNKNOWN before there is one
    history: Tensor  # (KEPT, FIXED, T) int64, how fixed blanks were filled
    times: list[int] = field(default_factory=list)  # the step of each
    stride: int = 1  # of so many measurements one is kept
    measured: int = 0  # measurements so far
    step: int = 0
    phase: int = 0
    entered: int = -1  # the phase that the last step belonged to
    trained: dict[str, int] = field(default_factory=lambda: {"lm": 0, "mle": 0, "D": 0, "PG": 0})  # updates of each kind
    turn: int = 0  # updates of D in this round
    kept: bool = False  # `mle` is one that was measured
    lent: bool = False  # the language model's weights have gone into the other nets
    alarmed: bool = False  # a person was told that D has won
    words: list[str] = field(default_factory=list)  # by id
    joiner: str = " "
    language: str = ""  # "grammar" where the data are of it, and fillings can be told right from wrong
    # fixed, rebuilt by init and not saved
    config: Config = field(default_factory=Config, metadata={"saved": False})
    plan: Plan | None = field(default=None, metadata={"saved": False})

    @property
    def device(self) -> torch.device:
        """Where the nets are."""
        return self.ema.device


def open_data(spec: str, config: Config, progress: Callable[[int, int], None] | None = None) -> TextSet:
    """The sentences that `spec` names: a text file, or the grammar."""
    if spec == "oracle" or (spec != "grammar" and sources.text_source(spec)[0] == "oracle"):  # before its sentences are drawn, which takes long
        raise BadData(f"MaskGAN fills blanks between words, and {spec} has numbers instead: choose a text file, or grammar.")
    return read(spec, config, progress)


def init(config: Config, seed: int, plan: Plan) -> State:
    """A fresh State; every random number comes from `seed`; raises BadSetting where the device has no room for it."""
    _check_room(config, plan)
    rng = torch.Generator().manual_seed(seed)
    size = (config.vocab, config.h, config.layers)
    lm, G, D = LanguageModel(*size), Filler(*size), Judge(*size)
    for net in (lm, G, D):
        seq2seq.initialise(net, rng, 0.1 if config.h < 256 else 0.05)
    if config.shared:
        D.embedding.weight.requires_grad_(False)
        with torch.no_grad():
            D.embedding.weight.copy_(G.embedding.weight)
    lm, G, D = lm.to(plan.device), G.to(plan.device), D.to(plan.device)
    mle = copy.deepcopy(G).requires_grad_(False)
    head = list(D.value.parameters())
    own = [p for p in D.parameters() if p.requires_grad and not any(p is v for v in head)]
    of_lm, of_G = ([p for p in net.parameters() if p.requires_grad] for net in (lm, G))
    by_lm, by_likelihood, by_reward, of_D, of_V = (torch.optim.Adam(p, fused=True) for p in (of_lm, of_G, of_G, own, head))
    history = torch.zeros(KEPT, FIXED, config.T, dtype=torch.int64)
    ema, best = torch.zeros(2, device=plan.device), torch.tensor(UNKNOWN, device=plan.device)
    return State(lm, G, mle, D, by_lm, by_likelihood, by_reward, of_D, of_V, rng, ema, best, history, config=config, plan=plan)


def _check_room(config: Config, plan: Plan) -> None:
    """Weights, the moments of Adam and the copies, and the logits of a batch must fit into the device."""
    layer, table = 8 * config.h**2, config.vocab * config.h
    numbers = 4 * (table + config.layers * layer) + 8 * (table + 2 * config.layers * layer) + 4 * (table + 2 * config.layers * layer)
    need, room = 4 * (numbers + 3 * config.batch * config.T * config.vocab), device.memory(plan)
    if need > room:
        raise BadSetting(
            f"A vocabulary of {config.vocab:,} tokens with these nets and batches needs about {need / 1e9:,.0f} GB, and this {plan.device} has "
            f"{room / 1e9:,.0f} GB: lower vocab, h or batch."
        )


def prepare(state: State, data: TextSet) -> None:
    """What a fresh State takes over from its data: the words."""
    state.words, state.joiner, state.language = list(data.words), data.joiner, "grammar" if data.valid is not None else ""


def batches(data: TextSet, config: Config, seed: int, start: int) -> Iterator[Batch]:
    """Batches from the `start`-th on; batch t depends on (seed, t) alone."""
    t = start
    while True:
        yield Batch(data.batch(seed, t, config.batch), data)
        t += 1


# --- the algorithm ------------------------------------------------------------------------------------------------


def step(state: State, batch: Batch, knobs: Knobs) -> Info:
    """One update of one net, and now and then a measurement."""
    if state.entered != state.phase:
        state.entered, state.turn = state.phase, 0
        _take_over(state, PHASES[state.phase])
    match PHASES[state.phase]:
        case "lm":
            info = lm_step(state, batch.tokens, knobs)
        case "maskmle":
            info = mle_step(state, batch.tokens, knobs)
        case "discriminator":
            info = d_step(state, batch.tokens, knobs)
        case _ if state.turn < knobs.d_steps:
            info = d_step(state, batch.tokens, knobs)
            state.turn += 1
        case _:
            info = g_step(state, batch.tokens, knobs)
            state.turn = 0
    state.step += 1
    if knobs.measure_every and PHASES[state.phase] != "lm" and (state.step == 1 or state.step % knobs.measure_every == 0):
        info = info._replace(**measured(state, batch.data, knobs, keep=PHASES[state.phase] == "maskmle"))
    return info


def lm_step(state: State, tokens: Tensor, knobs: Knobs) -> Info:
    """The language model by likelihood."""
    tokens = tokens.to(state.device)
    counts = alive(tokens, state.config.ends)
    off = dropped(state, len(tokens), knobs.keep_G, knobs)
    with autocast(state):
        log_p = state.lm.log_p(tokens, state.config.ends, off)
    loss = -(log_p * counts).sum() / counts.sum()
    norm = descend(state.optimiser_lm, loss, knobs.lr * 0.5 ** (state.trained["lm"] / knobs.halving), knobs.clip)
    state.trained["lm"] += 1
    return Info(loss=loss.detach(), grad=norm)


def mle_step(state: State, tokens: Tensor, knobs: Knobs) -> Info:
    """MaskMLE: log p of the true tokens at the blanks, teacher forced."""
    tokens, blanks = masked(state, tokens, knobs)
    off = [dropped(state, len(tokens), knobs.keep_G, knobs) for _ in range(2)]
    counts = blanks.chosen(alive(tokens, state.config.ends))
    with autocast(state):
        log_p = state.G.log_p(tokens, blanks, state.G.encode(tokens, blanks.mask, off[0]), off[1])
    loss = -(log_p * counts).sum() / counts.sum()
    norm = descend(state.optimiser_G, loss, knobs.lr * 0.5 ** (state.trained["mle"] / knobs.halving), knobs.clip)
    state.trained["mle"] += 1
    return Info(loss=loss.detach(), grad=norm)


def d_step(state: State, tokens: Tensor, knobs: Knobs) -> Info:
    """D: cross-entropy on the blanks, true tokens against filled ones (½ each). The critic: squared error to the returns of the filled ones."""
    tokens, blanks = masked(state, tokens, knobs)
    n = len(tokens)
    filled, _, _ = fill(state, tokens, blanks, knobs)
    if state.config.shared:
        state.D.embedding.weight.data.copy_(state.G.embedding.weight.data)
    both = torch.cat([tokens, filled])
    counts = torch.cat([seen(blanks, tokens, state.config.ends), seen(blanks, filled, state.config.ends)])
    with autocast(state):
        context, off = judged(state, tokens, blanks.mask, knobs, 2)
        logits, before = state.D(both, context, off)
    truth = torch.cat([torch.ones_like(tokens), (~blanks.mask).long()]).float()
    weights = counts if knobs.loss_of == "blanks" else torch.cat([alive(tokens, state.config.ends), alive(filled, state.config.ends)])
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weights
    loss = (losses[:n].sum() / weights[:n].sum() + losses[n:].sum() / weights[n:].sum()) / 2
    sure = logits.detach().sigmoid()
    real, fake = ((sure[part] * counts[part]).sum() / counts[part].sum() for part in (slice(n), slice(n, None)))
    r = F.logsigmoid(logits[n:].detach()) * counts[n:]
    R = returns(r, counts[n:], knobs)
    with autocast(state):
        states = before[n:]
        if state.config.critic == "prefix":
            states = state.D.prefix(filled, dropped(state, n, knobs.keep_D, knobs) if knobs.redraw or off is None else off.rows(n))
        V = state.D.values(states if knobs.critic_trains == "discriminator" else states.detach())
    loss_V = ((R - V).square() * counts[n:]).sum() / counts[n:].sum()
    _both_descend(state, loss, loss_V, knobs)
    state.ema.lerp_(torch.stack([(R * counts[n:]).sum() / counts[n:].sum(), R.new_ones(())]), 1 - EMA)
    state.trained["D"] += 1
    return Info(loss_D=loss.detach(), loss_V=loss_V.detach(), real=real, fake=fake, explained=explained(R, V.detach(), counts[n:]))


def _both_descend(state: State, loss: Tensor, loss_V: Tensor, knobs: Knobs) -> None:
    """D by its loss, and by the critic's where that may; the critic's head by its own."""
    head = list(state.D.value.parameters())
    for p, g in zip(head, torch.autograd.grad(loss_V, head, retain_graph=True), strict=True):
        p.grad = g
    whole = loss + loss_V if knobs.critic_trains == "discriminator" else loss
    descend(state.optimiser_D, whole, knobs.lr_D, knobs.clip)
    torch.nn.utils.clip_grad_norm_(head, knobs.clip)
    state.optimiser_V.param_groups[0]["lr"] = knobs.lr_V
    state.optimiser_V.step()
    state.optimiser_V.zero_grad(set_to_none=True)


def g_step(state: State, tokens: Tensor, knobs: Knobs) -> Info:
    """G: −Σ log G(x̂_t) A_t over the blanks, a sum as in the authors' code."""
    tokens, blanks = masked(state, tokens, knobs)
    filled, off, context = fill(state, tokens, blanks, knobs, graph=True)
    counts = seen(blanks, filled, state.config.ends)
    r, V = criticised(state, tokens, filled, blanks, counts, knobs)
    R = returns(r, counts, knobs)
    b = baseline(state, R, V, counts, knobs)
    A = advantage(r, R, b, counts, knobs)
    norm = descend(state.optimiser_PG, policy_loss(state, filled, blanks, A * counts, context, off[1]), knobs.lr_PG, knobs.clip)
    state.trained["PG"] += 1
    many = counts.sum()
    mean = lambda x: (x * counts).sum() / many  # noqa: E731
    return Info(grad=norm, reward=mean(R), value=mean(b), advantage=mean(A.abs()), explained=explained(R, b, counts))


def policy_loss(state: State, filled: Tensor, blanks: Blanks, A: Tensor, context: Context, off: Drops | None = None) -> Tensor:
    """−Σ_t log G(x̂_t) A_t, A (n, T) held fixed and 0 where nothing counts; with m(x) and the dropout that the filling was drawn with."""
    return -(state.G.log_p(filled, blanks, context, off) * blanks.chosen(A)).sum()


# --- the parts of a step ------------------------------------------------------------------------------------------


def masked(state: State, tokens: Tensor, knobs: Knobs) -> tuple[Tensor, Blanks]:
    """A batch (n, T) from the CPU on the device, as long as the curriculum has it, and its blanks."""
    ends = state.config.ends
    updates = state.trained["mle"] + state.trained["D"] + state.trained["PG"]
    if knobs.T_every:
        tokens = tokens[:, : knobs.T_from + updates // knobs.T_every]
    present = knobs.present
    if knobs.present_steps:
        present = knobs.present_from + (knobs.present - knobs.present_from) * min(1.0, updates / knobs.present_steps)
    sizes = alive(tokens, ends).sum(1).long()
    mask = masks(sizes, tokens.shape[1], state.rng, knobs.strategy, present, ends=ends)
    return tokens.to(state.device), Blanks(mask, ends, state.device)


def dropped(state: State, n: int, keep: float, knobs: Knobs) -> Drops | None:
    """Fresh masks of dropout for a stack."""
    return seq2seq.drops(state.rng, state.config.layers, n, state.config.h, keep, recurrent=knobs.dropout == "recurrent", device=state.device)


def fill(
    state: State, tokens: Tensor, blanks: Blanks, knobs: Knobs, *, graph: bool = False
) -> tuple[Tensor, tuple[Drops | None, Drops | None], Context]:
    """What G draws into the blanks (n, T), the masks of dropout of encoder and decoder it was drawn with, and m(x), which may have a graph."""
    n, T = tokens.shape
    off = dropped(state, n, knobs.keep_G, knobs), dropped(state, n, knobs.keep_G, knobs)
    u = torch.rand(n, T, generator=state.rng).to(state.device)
    with torch.set_grad_enabled(graph):
        context = state.G.encode(tokens, blanks.mask, off[0])
    return state.G.draw(tokens, blanks, context, u, off[1]), off, context


def autocast(state: State) -> torch.autocast:
    """The precision of the run, for likelihoods and D; what G draws and the policy gradient stay float32, so that they are of the same law."""
    assert state.plan is not None
    return torch.autocast(state.plan.device, torch.bfloat16, enabled=state.plan.precision == "bfloat16")


def seen(blanks: Blanks, tokens: Tensor, ends: bool) -> Tensor:
    """1 for every blank that counts: none behind the end of that sentence, (n, T) float32."""
    return blanks.mask * alive(tokens, ends)


def judged(state: State, tokens: Tensor, mask: Tensor, knobs: Knobs, k: int) -> tuple[Context, Drops | None]:
    """m(x) as D reads it for `k` copies of a batch, and the masks of its decoder: the same for all copies, or with `redraw` new for each."""
    rows = len(tokens) * k if knobs.redraw else len(tokens)
    off = [dropped(state, rows, knobs.keep_D, knobs) for _ in range(2)]
    if knobs.redraw:
        return state.D.encode(tokens.repeat(k, 1), mask.repeat(k, 1), off[0]), off[1]
    return state.D.encode(tokens, mask, off[0]).times(k), None if off[1] is None else off[1].times(k)


@torch.no_grad()
def criticised(state: State, tokens: Tensor, filled: Tensor, blanks: Blanks, counts: Tensor, knobs: Knobs) -> tuple[Tensor, Tensor]:
    """Rewards r = log D at the blanks, and the critic's V, both (n, T)."""
    with autocast(state):
        if knobs.noisy_reward:
            context, off = judged(state, tokens, blanks.mask, knobs, 1)
        else:
            context, off = state.D.encode(tokens, blanks.mask), None
        logits, states = state.D(filled, context, off)
        if state.config.critic == "prefix":
            states = state.D.prefix(filled, dropped(state, len(tokens), knobs.keep_D, knobs) if knobs.noisy_reward and knobs.redraw else off)
        return F.logsigmoid(logits) * counts, state.D.values(states)


def _take_over(state: State, phase: str) -> None:
    """What a phase begins with: the language model's weights, then the best MaskMLE."""
    if phase != "lm" and state.trained["lm"] and not state.lent:
        state.lent = True
        for net in (state.G, state.D):
            state.lm.lend(net)
        copy_to(state.mle, state.G)
    if phase in ("discriminator", "gan") and not state.trained["PG"]:
        copy_to(*((state.G, state.mle) if state.kept else (state.mle, state.G)))
        if state.config.D_from == "maskmle" and not state.trained["D"]:
            for name in ("embedding", "encoder", "decoder", "key", "mix"):
                copy_to(getattr(state.D, name), getattr(state.G, name))


def between(state: State, recent: Mapping[str, np.ndarray], knobs: Knobs) -> list[Event]:
    """Tells when D has won, so that all rewards are low and alike, and when it has come back; called every BETWEEN steps."""
    del knobs
    found = [recent[name][np.isfinite(recent[name])][-BETWEEN:] for name in ("real", "fake")]
    if PHASES[state.phase] != "gan" or min(map(len, found)) < BETWEEN // 2:
        return []
    real, fake = (float(np.mean(values)) for values in found)
    if state.alarmed:
        state.alarmed = not fake > 2 * WON
    elif fake < WON and real > 1 - WON:
        state.alarmed = True
        return [
            Event(
                "alarm",
                f"D tells filled words from true ones almost surely ({real:.2f} and {fake:.2f}), so G's rewards say little: "
                "lower lr_D or d_steps, or raise lr_PG.",
            )
        ]
    return []


from models.algorithms.maskgan.evaluation import evaluate  # noqa: E402, F401 (they are built on what is above)
from models.algorithms.maskgan.measures import measured  # noqa: E402
from models.algorithms.maskgan.shown import cost, predicted_seconds, sample, views, work  # noqa: E402, F401
