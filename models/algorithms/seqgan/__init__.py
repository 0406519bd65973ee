"""SeqGAN: sequence generation by policy gradient, with Monte-Carlo search.

Yu, Zhang, Wang, Yu (AAAI 2017), arXiv:1609.05473.

    Paper              Here                    Meaning
    G_θ, G_β, D_φ      State.G, .beta, .D      generator, roll-out policy, discriminator
    Y_1:T              tokens                  a sentence, one id a token
    Q(Y_1:t-1, y_t)    search.rewards          mean of D over N roll-outs from Y_1:t; D(Y) itself at t = T (eq. 4)
    ∇J                 g_step                  Σ_t ∇ log G(y_t | Y_1:t-1) Q (eq. 7)
    g, d, k            Knobs.g_steps …         updates of G, draws of negatives, epochs on each (Algorithm 1)
    NLL_oracle         Info.NLL_oracle         − log p of samples under the oracle, nats a token
    -                  State.mle               the generator of the MLE phase that was best on held-out sentences: the baseline beside it

A step is one update of one net: of G in the phase `mle`; of D, on a batch half real and half drawn, in `discriminator`; in `adversarial` of one or
the other, in the order of Algorithm 1: g updates of G, then d times k epochs of D on negatives drawn anew, then β ← θ.

The numbers of the preset `paper` are those of the authors' code where the paper gives none.

Departures:
    1. A batch of D is half real and half drawn, where the authors shuffle both together; the real ones are dealt in the order of the data.
    2. D(Y) at the last token is computed once, not N times.
    3. β ← θ is what the paper says; in the authors' code the delayed update of 0.8 never takes effect. `delay` has it, off.
    4. `baseline`, `whiten`, `reward` and `replace` are options that the paper does not have, or has as baselines of its own; all off.
    5. Sentences may vary in length: token 0 ends one, and nothing after it counts in any loss.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models import device
from models.algorithms.seqgan.described import PHASES, PLOTS, PRESETS, Config, Knobs  # noqa: F401 (all are names of an algorithm)
from models.contract import Event, Plan
from models.data.sentences import FOUND, alive, fitted, read  # noqa: F401
from models.data.text import TextSet
from models.errors import BadSetting
from models.nets import recurrent, textcnn
from models.nets.drawing import Drawer
from models.nets.learning import copy_to, descend
from models.nets.recurrent import Recurrent
from models.nets.textcnn import TextCNN

NAME = "seqgan"
TITLE = "SeqGAN"
PAPER = "Yu, Zhang, Wang, Yu (2017), SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient, arXiv:1609.05473"
WRITES = "text"
BETWEEN = 25
NARROW: textcnn.Filters = ((1, 24), (2, 48), (3, 48), (4, 48), (5, 48), (10, 24))
UNKNOWN = 1e9  # an NLL that no generator has
RISE = 0.2  # nats by which NLL_gen may rise over the baseline's before a person is told


class Info(NamedTuple):
    """One step in numbers, all 0-d; None where the step has no such value. NLLs are nats a token."""

    loss: Tensor | None = None  # of the likelihood
    reward: Tensor | None = None  # mean Q
    grad: Tensor | None = None  # length of G's gradient before it is clipped
    loss_D: Tensor | None = None
    right_D: Tensor | None = None
    NLL_oracle: Tensor | None = None  # the others are measured now and then
    NLL_gen: Tensor | None = None
    entropy: Tensor | None = None
    BLEU2: Tensor | None = None
    BLEU3: Tensor | None = None
    right_fresh: Tensor | None = None
    mle_oracle: Tensor | None = None
    mle_gen: Tensor | None = None
    mle_BLEU2: Tensor | None = None
    floor: Tensor | None = None
    ceiling: Tensor | None = None


class Batch(NamedTuple):
    """Some training sentences, and where they come from."""

    tokens: Tensor  # (batch, T) int64
    data: TextSet  # to measure against


@dataclass
class State:
    """All that changes."""

    G: Recurrent
    beta: Recurrent  # the policy of the roll-outs
    mle: Recurrent  # the best of the MLE phase on held-out sentences
    D: TextCNN
    optimiser_G: torch.optim.Adam  # by likelihood
    optimiser_PG: torch.optim.Adam  # by policy gradient, with moments of its own
    optimiser_D: torch.optim.Adam
    rng: torch.Generator  # on the CPU, so that a run can change its device
    negatives: Tensor  # (negatives, T) int64, drawn of G for D
    order: Tensor  # (negatives,) int64, in which this epoch takes them
    levels: Tensor  # (3,) of the baseline: NLL_gen, NLL_oracle, BLEU-2; UNKNOWN, 0, 0 before there is one
    step: int = 0
    phase: int = 0
    entered: int = -1  # the phase that the last step belonged to
    trained: dict[str, int] = field(default_factory=lambda: {"mle": 0, "PG": 0, "D": 0})  # updates of each kind
    turn: int = 0  # updates of G in this round
    dealt: int = 0  # batches of D in this round
    alarmed: bool = False  # a person was told that NLL_gen has risen
    judged: bool = False  # … and how good D was when the policy gradient began
    words: list[str] = field(default_factory=list)  # by id; empty of an oracle, whose tokens are numbers
    joiner: str = " "
    # fixed, rebuilt by init and not saved
    config: Config = field(default_factory=Config, metadata={"saved": False})
    plan: Plan | None = field(default=None, metadata={"saved": False})

    @property
    def device(self) -> torch.device:
        """Where the nets are."""
        return self.levels.device


def open_data(spec: str, config: Config, progress: Callable[[int, int], None] | None = None) -> TextSet:
    """The sentences that `spec` names: a text file, grammar, oracle, or an oracle's arrays."""
    vocab = config.oracle_V if spec == "oracle" else config.vocab
    return read(spec, config, progress, vocab=vocab, oracle_seed=config.oracle_seed, oracle_size=config.oracle_size)


def filters(config: Config) -> textcnn.Filters:
    """Of D: those of the chosen table that are no wider than a sentence."""
    table = NARROW if config.filters == "narrow" else textcnn.FILTERS_32 if config.T >= 32 else textcnn.FILTERS_20
    return tuple((width, count) for width, count in table if width <= config.T)


def init(config: Config, seed: int, plan: Plan) -> State:
    """A fresh State; every random number comes from `seed`; raises BadSetting where the device has no room for it."""
    _check_room(config, plan)
    rng = torch.Generator().manual_seed(seed)
    G, D = Recurrent(config.vocab, config.e, config.h), TextCNN(config.vocab, config.T, config.e_D, filters(config))
    recurrent.initialise(G, rng, 0.1)
    textcnn.initialise(D, rng)
    G, D = G.to(plan.device), D.to(plan.device)
    beta, mle = (copy.deepcopy(G).requires_grad_(False) for _ in range(2))
    by_likelihood, by_reward, of_D = (torch.optim.Adam(p, fused=True) for p in (G.trained(), G.trained(), list(D.parameters())))
    blank = torch.zeros(config.negatives, config.T, dtype=torch.int64, device=plan.device)
    levels = torch.tensor([UNKNOWN, 0, 0], device=plan.device)
    order = torch.arange(config.negatives)
    return State(G, beta, mle, D, by_likelihood, by_reward, of_D, rng, blank, order, levels, config=config, plan=plan)


def _check_room(config: Config, plan: Plan) -> None:
    """Weights, the moments of Adam and the copies of G, and the logits of a batch must fit into the device."""
    ours = config.vocab * (config.e + config.h + 1) + 4 * config.h * (config.e + config.h)
    features = sum(count for _, count in filters(config))
    theirs = config.vocab * config.e_D + 2 * features * features + sum(width * count * config.e_D for width, count in filters(config))
    need, room = 4 * (8 * ours + 4 * theirs + 3 * config.batch * config.T * config.vocab), device.memory(plan)
    if need > room:
        raise BadSetting(
            f"A vocabulary of {config.vocab:,} tokens with these nets and batches needs about {need / 1e9:,.0f} GB, and this {plan.device} has "
            f"{room / 1e9:,.0f} GB: lower vocab, h, e or batch."
        )


def prepare(state: State, data: TextSet) -> None:
    """What a fresh State takes over from its data: the words."""
    state.words, state.joiner = list(data.words), data.joiner


def batches(data: TextSet, config: Config, seed: int, start: int) -> Iterator[Batch]:
    """Batches from the `start`-th on; batch t depends on (seed, t) alone."""
    t = start
    while True:
        yield Batch(data.batch(seed, t, config.batch), data)
        t += 1


# --- the algorithm ------------------------------------------------------------------------------------------------


def step(state: State, batch: Batch, knobs: Knobs) -> Info:
    """One update of one net (Algorithm 1), and now and then a measurement."""
    if state.entered != state.phase:
        state.entered, state.turn, state.dealt = state.phase, 0, 0
        copy_to(state.beta, state.G)  # β ← θ
    tokens = batch.tokens.to(state.device)
    match PHASES[state.phase]:
        case "mle":
            info = mle_step(state, tokens, batch.data, knobs)
        case "discriminator":
            info = d_step(state, tokens, knobs)
        case _:
            info = adversarial_step(state, tokens, batch.data, knobs)
    state.step += 1
    if knobs.measure_every and (state.step == 1 or state.step % knobs.measure_every == 0):
        info = info._replace(**measured(state, batch.data, keep=PHASES[state.phase] == "mle"))
    return info


def adversarial_step(state: State, tokens: Tensor, data: TextSet, knobs: Knobs) -> Info:
    """The next step of a round: g updates of G; then d draws of negatives with k epochs of D on each; then β ← θ."""
    whole = knobs.d_steps * knobs.epochs * batches_of_negatives(state)
    if state.turn < knobs.g_steps or not whole:
        info = g_step(state, data, knobs)
        state.turn += 1
    else:
        info = d_step(state, tokens, knobs)
    if state.turn >= knobs.g_steps and state.dealt >= whole:
        state.turn = state.dealt = 0
        with torch.no_grad():
            torch._foreach_lerp_(list(state.beta.parameters()), list(state.G.parameters()), 1 - knobs.delay)  # pyright: ignore[reportPrivateImportUsage]
    return info


def mle_step(state: State, tokens: Tensor, data: TextSet, knobs: Knobs) -> Info:
    """Maximum likelihood, teacher forced; or with some tokens replaced by drawn ones (scheduled sampling, Bengio et al. 2015)."""
    epoch = state.trained["mle"] * len(tokens) // max(1, len(data.train))
    chance = min(1.0, knobs.replace * epoch)
    log_p = state.G.log_p(tokens, shown=with_replacement(state, tokens, chance) if chance else None)
    counts = alive(tokens, state.config.ends)
    loss = -(log_p * counts).sum() / counts.sum()
    lr = knobs.lr * 0.5 ** (state.trained["mle"] / knobs.halving)
    norm = descend(state.optimiser_G, loss, lr, knobs.clip)
    state.trained["mle"] += 1
    return Info(loss=loss.detach(), grad=norm)


def d_step(state: State, tokens: Tensor, knobs: Knobs) -> Info:
    """D on a batch, half real and half drawn: −log D(real) − log(1 − D(drawn)) (eq. 5), and L2 of its last layer."""
    each = batches_of_negatives(state)
    if state.dealt % (knobs.epochs * each) == 0:
        state.negatives.copy_(drawn(state, state.G, state.config.negatives))
    if state.dealt % each == 0:
        state.order.copy_(torch.randperm(state.config.negatives, generator=state.rng))
    half = max(1, len(tokens) // 2)
    first = state.dealt % each * half
    fake = state.negatives[state.order[first : first + half].to(state.device)]
    both = torch.cat([tokens[:half], fake])
    truth = (torch.arange(len(both), device=state.device) < half).float()
    state.D.dropout = knobs.dropout
    with autocast(state):
        logits = state.D(both, state.rng)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
    descend(state.optimiser_D, loss + knobs.l2 * state.D.penalty(), knobs.lr_D)
    state.dealt += 1
    state.trained["D"] += 1
    return Info(loss_D=loss.detach(), right_D=((logits > 0) == (truth > 0)).float().mean())


def g_step(state: State, data: TextSet, knobs: Knobs) -> Info:
    """Policy gradient: −Σ_n Σ_t log G(y_t | Y_1:t-1) Q(Y_1:t-1, y_t), a sum as in the authors' code (eq. 7)."""
    tokens = drawn(state, state.G, state.config.batch)
    counts = alive(tokens, state.config.ends)
    Q = search.rewards(state, tokens, data, knobs)
    loss = -(state.G.log_p(tokens) * advantage(Q, counts, knobs) * counts).sum()
    norm = descend(state.optimiser_PG, loss, knobs.lr_PG, knobs.clip)
    state.trained["PG"] += 1
    return Info(reward=(Q * counts).sum() / counts.sum(), grad=norm)


def advantage(Q: Tensor, counts: Tensor, knobs: Knobs) -> Tensor:
    """Q, (n, T), or what the options make of it; places without any token count nothing."""
    here = counts.sum(0).clamp(min=1)
    if knobs.baseline:
        Q = Q - (Q * counts).sum(0) / here
    if knobs.whiten:
        mean = (Q * counts).sum(0) / here
        spread = (((Q - mean).square() * counts).sum(0) / here).sqrt()
        Q = Q / torch.where(spread < 1e-6, 1, spread)  # one sentence alone, or one reward for all, has none
    return Q


def between(state: State, recent: Mapping[str, np.ndarray], knobs: Knobs) -> list[Event]:
    """Tells how good D is when the policy gradient begins, and when NLL_gen has risen by more than RISE nats; called every BETWEEN steps."""
    fresh = recent["right_fresh"][np.isfinite(recent["right_fresh"])]
    if PHASES[state.phase] == "adversarial" and not state.judged and len(fresh):
        state.judged = True
        told = f"D is right on {fresh[-1]:.0%} of fresh data as the policy gradient begins, lr_PG {knobs.lr_PG:g}"
        return [Event("D", told + (": it can hardly tell them apart, so its rewards are mostly noise." if fresh[-1] < 0.55 else "."))]
    now, before = (known[-1] if len(known := recent[name][np.isfinite(recent[name])]) else np.nan for name in ("NLL_gen", "mle_gen"))
    rise = float(now - before)
    if state.alarmed:
        state.alarmed = not rise < RISE / 2
    elif rise > RISE:
        state.alarmed = True
        text = f"NLL_gen has risen by {rise:.2f} nats a token over the MLE generator's: G forgets sentences of the data; lower lr_PG, or go back."
        return [Event("alarm", text)]
    return []


# --- the parts of a step ------------------------------------------------------------------------------------------


def batches_of_negatives(state: State) -> int:
    """Batches of D in an epoch: each takes half a batch of negatives."""
    return max(1, state.config.negatives // max(1, state.config.batch // 2))


def drawn(state: State, net: Recurrent, n: int) -> Tensor:
    """Fresh sentences (n, T) of a generator; the noise is made on the CPU."""
    u = torch.rand(n, state.config.T, generator=state.rng).to(state.device)
    return net.draw(u, ends=state.config.ends)


def with_replacement(state: State, tokens: Tensor, chance: float) -> Tensor:
    """What G is shown before each token, (n, T): with a chance the token that it has drawn itself after what it was shown so far."""
    G, (n, T) = state.G, tokens.shape
    uniform = torch.rand(2, T, n, generator=state.rng).to(state.device)
    cell, drawer, memory = G.cell(), Drawer(G.out), G.blank(n)
    shown = [tokens.new_zeros(n)]
    for t in range(T - 1):
        memory = cell(shown[-1], memory)
        shown.append(torch.where(uniform[1, t] < chance, drawer(memory.h, uniform[0, t]), tokens[:, t]))
    return torch.stack(shown, 1)


def autocast(state: State) -> torch.autocast:
    """The precision of the run, for D; G stays float32."""
    assert state.plan is not None
    return torch.autocast(state.plan.device, torch.bfloat16, enabled=state.plan.precision == "bfloat16")


from models.algorithms.seqgan import search  # noqa: E402 (it is built on what is above)
from models.algorithms.seqgan.measures import evaluate, measured  # noqa: E402, F401
from models.algorithms.seqgan.shown import cost, predicted_seconds, sample, views, work  # noqa: E402, F401
