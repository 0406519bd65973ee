"""What MaskGAN shows of itself: sentences, fillings of a desk, the same blanks over training, sentences for a blind test; its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from models import knobs as settings
from models.algorithms import maskgan
from models.algorithms.maskgan.described import PHASES, Config, Knobs
from models.algorithms.maskgan.filling import fill
from models.algorithms.maskgan.fillings import Desk
from models.algorithms.maskgan.measures import blanked, filled, fixed
from models.contract import Plan, Preset, View
from models.data.sentences import BETWEEN_TOKENS, CHUNK, alive, check_drawing, known_words, noise, spoken_lengths, words_of
from models.data.text import TextSet, split_words
from models.errors import BadInput
from models.nets.learning import seconds
from models.nets.seq2seq import Blanks, How

NETS = ("maskgan", "maskmle", "lm")


def sample(
    state: maskgan.State,
    n: int,
    seed: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    nucleus: float = 1.0,
    prompt: str = "",
    net: str = "maskgan",
) -> View:
    """`n` sentences of which nothing is given, from the noise of `seed`; sentence i is the same whatever n is.

    Args:
        temperature: divides the logits; above 0.
        top_k, nucleus: only the likeliest tokens; 0 and 1 are all.
        prompt: words with which every sentence begins: these are given.
        net: "maskgan", "maskmle", or "lm", the language model.

    Returns:
        words: `samples`, sentences; `tokens`, the same with a separator between tokens. numbers: `log_p` of a sentence (of what follows the
        prompt) under that net at temperature 1, and its `length` in tokens, both (n,).

    Raises:
        BadInput: a value out of its range, or words of the prompt that are unknown.
    """
    tokens, log_p = drawn(state, n, seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)
    length = spoken_lengths(tokens, state.config.ends)
    return View(words=_words(state, tokens), numbers={"log_p": log_p, "length": length.astype(np.float64)})


def _words(state: maskgan.State, rows: np.ndarray) -> dict[str, list[str]]:
    return words_of(rows, state.words, state.joiner, state.config.ends)


@torch.no_grad()
def drawn(
    state: maskgan.State, n: int, seed: int, *, temperature: float = 1.0, top_k: int = 0, nucleus: float = 1.0, prompt: str = "", net: str = "maskgan"
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (n, T) and log p (n,) of what follows the prompt; see `sample`."""
    check_drawing(temperature, top_k, nucleus, net, NETS, "MaskGAN")
    config, how = state.config, How(temperature, top_k, nucleus)
    given = known_words(prompt, state.words, config.unit, config.T) if prompt.strip() else []
    start = torch.zeros(CHUNK, config.T, dtype=torch.int64)
    start[:, : len(given)] = torch.tensor(given, dtype=torch.int64)
    mask = (torch.arange(config.T) >= len(given)).expand(CHUNK, -1).contiguous()
    blanks, start = Blanks(mask, config.ends, state.device), start.to(state.device)
    tokens, log_p = [np.zeros((0, config.T), np.int64)], [np.zeros(0)]
    for rows in noise(max(n, 1), config.T, seed).split(CHUNK) if n else ():
        u = torch.cat([rows, rows.new_zeros(CHUNK - len(rows), config.T)]).to(state.device)
        if net == "lm":
            found = state.lm.draw(start, blanks, u, how=how)
            nats = blanks.chosen(state.lm.log_p(found, config.ends))
        else:
            chosen = state.G if net == "maskgan" else state.mle
            context = chosen.encode(start, blanks.mask)
            found = chosen.draw(start, blanks, context, u, how=how)
            nats = chosen.log_p(found, blanks, context)
        each = blanks.spread(nats) * alive(found, config.ends)
        tokens.append(found[: len(rows)].cpu().numpy())
        log_p.append(each.sum(1)[: len(rows)].cpu().numpy().astype(np.float64))
    return np.concatenate(tokens), np.concatenate(log_p)


# --- views --------------------------------------------------------------------------------------------------------


def view_samples(
    state: maskgan.State,
    data: TextSet | None,
    knobs: Knobs,
    *,
    n: int,
    seed: int,
    temperature: float,
    top_k: int,
    nucleus: float,
    prompt: str,
    net: str,
) -> View:
    """`samples`: see `sample`."""
    del data, knobs
    return sample(state, n, seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)


def view_real(state: maskgan.State, data: TextSet, knobs: Knobs, *, n: int) -> View:
    """`samples`: held-out sentences."""
    del knobs
    return View(words=_words(state, data.rows(data.held_out[:n])))


def view_fill(
    state: maskgan.State,
    data: TextSet | None,
    knobs: Knobs,
    *,
    tokens: Sequence[str],
    blanks: Sequence[int],
    n: int,
    seed: int,
    open_end: bool = False,
    fixed: Sequence[tuple[int, str]] = (),
    **how: Any,
) -> View:
    """The fillings of a desk, as `Fillings.of` reads them; see `filling.fill`."""
    del data
    desk = Desk(tuple(tokens), tuple(blanks), open_end, tuple((int(i), word) for i, word in fixed))
    return fill(state, desk, n, seed, knobs=knobs, **how).view()


def view_fixed(state: maskgan.State, data: TextSet, knobs: Knobs) -> View:
    """How the fixed blanks were filled over training.

    words: `truth` (F,) and `filled` (times x F), tokens with a separator; numbers: `times` (times,) steps, `blanks` (F x T) 1 at a blank.
    """
    del knobs
    tokens, blanks = fixed(state, data)
    F, words, ends = len(tokens), tuple(state.words), state.config.ends
    rows = state.history[: len(state.times), :F].flatten(0, 1).numpy()
    said = lambda rows: [BETWEEN_TOKENS.join(row) for row in split_words(rows, words, ends)]  # noqa: E731
    return View(
        words={"truth": said(tokens.cpu().numpy()), "filled": said(rows)},
        numbers={"times": np.array(state.times, float), "blanks": blanks.mask.cpu().numpy().astype(np.float64).ravel()},
    )


def view_drawn(state: maskgan.State, data: TextSet, knobs: Knobs, *, seed: int) -> View:
    """A held-out sentence for the desk: words `tokens`."""
    del knobs
    if not len(data.held_out):
        raise BadInput(f"{data.title} holds out no sentence: type one, or begin a run with held_out above 0.")
    i = data.held_out[seed % len(data.held_out)]
    return View(words={"tokens": split_words(data.rows([i]), tuple(state.words), state.config.ends)[0]})


def view_blind(state: maskgan.State, data: TextSet, knobs: Knobs, *, each: int, seed: int, temperature: float) -> View:
    """Different sentences of three kinds for a blind test: `real`, held out; other held-out ones with blanks filled by `maskmle`, and by `maskgan`.

    Up to four times as many of each as it takes: those that two kinds share cannot be judged.
    """
    if len(data.held_out) < 2 * each:
        raise BadInput(f"{data.title} holds out {len(data.held_out)} sentences, and a blind test of {each} each needs twice as many: ask for fewer.")
    more = min(4 * each, len(data.held_out) // 2)
    order = np.random.Generator(np.random.Philox(seed)).permutation(data.held_out)
    found = {"real": _words(state, data.rows(order[:more]))["samples"]}
    tokens, blanks = blanked(state, torch.from_numpy(data.rows(order[more : 2 * more])), seed, knobs.strategy, knobs.present)
    for i, (name, net) in enumerate((("maskmle", state.mle), ("maskgan", state.G))):
        u = noise(more, state.config.T, seed + (i << 32))
        found[name] = _words(state, filled(net, tokens, blanks, u, How(temperature)).cpu().numpy())["samples"]
    return View(words={source: list(dict.fromkeys(filter(None, said))) for source, said in found.items()})


views: dict[str, Callable[..., Any]] = {
    "samples": view_samples,
    "real": view_real,
    "fill": view_fill,
    "fixed": view_fixed,
    "drawn": view_drawn,
    "blind": view_blind,
}


# --- what it costs ------------------------------------------------------------------------------------------------


def work(config: Config, knobs: Knobs) -> dict[str, float]:
    """GFLOP of an average step of each phase: two for a multiplication, three passes where something learns."""
    stack = config.layers * 8 * config.h**2
    blank = 1 - knobs.present
    token = 2 * stack + 3 * config.h**2 + 2 * config.T * config.h  # encoder, decoder, attention
    logits = blank * config.h * config.vocab
    tokens = config.batch * config.T
    lm = 6 * tokens * (stack + config.h * config.vocab)
    mle = 6 * tokens * (token + logits)
    draw = 2 * tokens * (token + logits)
    D = draw + 6 * tokens * (stack + 2 * (token - stack))
    G = draw + 2 * tokens * token + mle
    rounds = (knobs.d_steps * D + G) / (knobs.d_steps + 1)
    return {name: flop / 1e9 for name, flop in zip(PHASES, (lm, mle, D, rounds), strict=True)}


def cost(config: Config) -> float:
    """GFLOP of a step of the MaskMLE phase; see `work` for the others."""
    return work(config, Knobs())["maskmle"]


def predicted_seconds(config: Config, plan: Plan, preset: Preset) -> float:
    """How long a preset will take here, from two steps of each kind on made-up sentences."""
    knobs = settings.make(Knobs, dict(preset.knobs))
    state = maskgan.init(config, 0, plan)
    tokens = torch.randint(2, max(3, config.vocab), (config.batch, config.T), generator=torch.Generator().manual_seed(0))
    lm, mle, D, G = (
        seconds(lambda step=step: step(state, tokens, knobs)) for step in (maskgan.lm_step, maskgan.mle_step, maskgan.d_step, maskgan.g_step)
    )
    rounds = (knobs.d_steps * D + G) / (knobs.d_steps + 1)
    return sum(phase.steps * each for phase, each in zip(preset.phases, (lm, mle, D, rounds), strict=True))
