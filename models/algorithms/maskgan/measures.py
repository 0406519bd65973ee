"""How well blanks are filled, now and then while it trains: MaskGAN and MaskMLE at the same blanks of held-out sentences."""

from __future__ import annotations

import torch
from torch import Tensor

from models.algorithms.maskgan import FIXED, KEPT, Knobs, State, seen
from models.algorithms.maskgan.masks import masks
from models.data.sentences import alive, noise
from models.data.text import TextSet, split_words
from models.metrics import text as measures
from models.nets.seq2seq import Blanks, Filler, How

SAMPLES, SEED = 192, 0  # sentences of a measurement while it trains; always with the same noise


def blanked(state: State, tokens: Tensor, seed: int, strategy: str, present: float) -> tuple[Tensor, Blanks]:
    """Sentences (n, T) from the CPU on the device, with the blanks of a seed."""
    ends = state.config.ends
    sizes = alive(tokens, ends).sum(1).long()
    rng = torch.Generator().manual_seed(seed + (1 << 40))  # not the numbers that blanks are filled with from the same seed
    mask = masks(sizes, tokens.shape[1], rng, strategy, present, ends=ends)
    return tokens.to(state.device), Blanks(mask, ends, state.device)


def held(data: TextSet, n: int) -> Tensor:
    """The first held-out sentences; of training, where none are held out."""
    found = data.held(n)
    return found if len(found) else data.batch(0, 0, n)


@torch.no_grad()
def at_blanks(net: Filler, state: State, tokens: Tensor, blanks: Blanks) -> tuple[Tensor, Tensor, Tensor]:
    """Teacher forced: −log p (m,) of what stood at each blank, whether the likeliest token was it, and whether the blank counts."""
    context = net.encode(tokens, blanks.mask)
    hidden = blanks.chosen(net.read(tokens, context))
    logits = net.logits(hidden, blanks.chosen(blanks.free))
    wanted = blanks.chosen(tokens)
    nats = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
    return nats, (logits.argmax(1) == wanted).float(), blanks.chosen(seen(blanks, tokens, state.config.ends))


@torch.no_grad()
def filled(net: Filler, tokens: Tensor, blanks: Blanks, u: Tensor, how: How | None = None) -> Tensor:
    """Sentences (n, T) with their blanks filled, without dropout."""
    return net.draw(tokens, blanks, net.encode(tokens, blanks.mask), u.to(tokens.device), how=how)


@torch.no_grad()
def measured(state: State, data: TextSet, knobs: Knobs, *, keep: bool) -> dict[str, Tensor]:
    """What Info has of SAMPLES held-out sentences with fixed blanks; waits for the device. With `keep` the best G so far becomes MaskMLE.

    Before it is kept for the first time, MaskMLE has no curves of its own.
    """
    tokens, blanks = blanked(state, held(data, SAMPLES), SEED, knobs.strategy, knobs.present)
    u = noise(len(tokens), state.config.T, SEED)
    found: dict[str, Tensor] = {}
    for prefix, net in (("", state.G), ("mle_", state.mle)):
        if prefix and keep:
            continue
        nats, right, counts = at_blanks(net, state, tokens, blanks)
        found[f"{prefix}perplexity"] = ((nats * counts).sum() / counts.sum()).clamp(max=20).exp()
        found[f"{prefix}top1"] = (right * counts).sum() / counts.sum()
        drawn = filled(net, tokens, blanks, u)
        if state.trained["lm"]:
            here = alive(drawn, state.config.ends)
            nll = -(state.lm.log_p(drawn, state.config.ends) * here).sum() / here.sum()
            found[f"{prefix}lm_perplexity"] = nll.clamp(max=20).exp()
        if data.valid is not None:
            said = split_words(drawn.cpu().numpy(), tuple(state.words), state.config.ends)
            found[f"{prefix}validity"] = found["perplexity"].new_tensor(measures.validity(said, data.valid))
    if keep:
        better = found["perplexity"] < state.best
        state.best.copy_(torch.where(better, found["perplexity"], state.best))
        for kept, ours in zip(state.mle.parameters(), state.G.parameters(), strict=True):
            kept.copy_(torch.where(better, ours, kept))
        state.kept = True
    _remember(state, data)
    return found


def fixed(state: State, data: TextSet) -> tuple[Tensor, Blanks]:
    """The sentences whose fillings are kept over training: some held-out ones, half of each a stretch of blanks."""
    return blanked(state, held(data, FIXED), SEED, "contiguous", 0.5)


def _remember(state: State, data: TextSet) -> None:
    """Keep how the fixed sentences are filled; where there is no room, every second time is forgotten, and fewer are kept from then on."""
    state.measured += 1
    if len(state.times) == KEPT:
        state.history[: KEPT // 2] = state.history[::2].clone()
        state.times = state.times[::2]
        state.stride *= 2
    if (state.measured - 1) % state.stride:
        return
    tokens, blanks = fixed(state, data)
    drawn = filled(state.G, tokens, blanks, noise(len(tokens), state.config.T, SEED)).cpu()
    state.history[len(state.times), : len(drawn)] = drawn
    state.times.append(state.step)
