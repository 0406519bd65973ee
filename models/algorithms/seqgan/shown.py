"""What SeqGAN shows of itself: sentences, the reward under every token, the plane of quality and diversity, sentences for a blind test; its cost."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import knobs as settings
from models.algorithms import seqgan
from models.algorithms.seqgan import Batch, Config, Knobs, State, filters, search
from models.contract import Plan, Preset, View
from models.data.sentences import BETWEEN_TOKENS, CHUNK, alive, check_drawing, known_numbers, known_words, noise, spoken_lengths, words_of
from models.data.text import TextSet, split_words
from models.errors import BadInput
from models.metrics import text as measures
from models.nets.learning import seconds
from models.nets.recurrent import Recurrent
from models.written import LONGEST


def sample(
    state: State,
    n: int,
    seed: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    nucleus: float = 1.0,
    prompt: str = "",
    net: str = "seqgan",
) -> View:
    """`n` sentences from the noise of `seed`; sentence i is the same whatever n is.

    Args:
        temperature: divides the logits; above 0.
        top_k, nucleus: only the likeliest tokens; 0 and 1 are all.
        prompt: words with which every sentence begins.
        net: "seqgan", or "mle" for the baseline.

    Returns:
        words: `samples`, sentences; `tokens`, the same with a separator between tokens. numbers: `log_p` of a sentence (of what follows the
        prompt) under that net at temperature 1, and its `length` in tokens, both (n,).

    Raises:
        BadInput: a value out of its range, or words of the prompt that G does not know.
    """
    tokens, log_p = drawn(state, n, seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)
    length = spoken_lengths(tokens, state.config.ends)
    return View(words=_words(state, tokens), numbers={"log_p": log_p, "length": length.astype(np.float64)})


def _words(state: State, rows: np.ndarray) -> dict[str, list[str]]:
    return words_of(rows, state.words, state.joiner, state.config.ends)


@torch.no_grad()
def drawn(
    state: State, n: int, seed: int, *, temperature: float = 1.0, top_k: int = 0, nucleus: float = 1.0, prompt: str = "", net: str = "seqgan"
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (n, T) and log p (n,) of what follows the prompt; see `sample`."""
    check_drawing(temperature, top_k, nucleus, net, ("seqgan", "mle"), "SeqGAN")
    chosen: Recurrent = state.G if net == "seqgan" else state.mle
    start, ends, u = prompted(state, prompt), state.config.ends, noise(max(n, 1), state.config.T, seed)
    tokens, log_p = [np.zeros((0, state.config.T), np.int64)], [np.zeros(0)]
    for rows in u.split(CHUNK) if n else ():
        full = torch.cat([rows, rows.new_zeros(CHUNK - len(rows), u.shape[1])]).to(state.device)
        found = chosen.draw(full, ends=ends, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=start)
        nats = (chosen.log_p(found) * alive(found, ends))[:, 0 if start is None else len(start) :].sum(1)
        tokens.append(found[: len(rows)].cpu().numpy())
        log_p.append(nats[: len(rows)].cpu().numpy().astype(np.float64))
    return np.concatenate(tokens), np.concatenate(log_p)


def prompted(state: State, prompt: str) -> Tensor | None:
    """The tokens of a prompt; None for an empty one; raises BadInput."""
    if not prompt.strip():
        return None
    if state.words:
        ids = known_words(prompt, state.words, state.config.unit, state.config.T)
    else:
        ids = known_numbers(prompt, state.config.vocab, state.config.T)
    return torch.tensor(ids, device=state.device)


# --- views --------------------------------------------------------------------------------------------------------


def view_samples(
    state: State, data: TextSet | None, knobs: Knobs, *, n: int, seed: int, temperature: float, top_k: int, nucleus: float, prompt: str, net: str
) -> View:
    """`samples`: see `sample`."""
    del data, knobs
    return sample(state, n, seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)


def view_real(state: State, data: TextSet, knobs: Knobs, *, n: int) -> View:
    """`samples`: held-out sentences."""
    del knobs
    return View(words=_words(state, data.rows(data.held_out[:n])))


def view_rewards(
    state: State,
    data: TextSet | None,
    knobs: Knobs,
    *,
    seed: int,
    index: int,
    N: int,
    net: str = "seqgan",
    temperature: float = 1.0,
    top_k: int = 0,
    nucleus: float = 1.0,
    prompt: str = "",
) -> View:
    """The reward under one sample: Q of every token, and the roll-outs behind it, which are drawn at temperature 1 as in training.

    numbers: `Q` (T',), `mean` (T',) of Q over CHUNK sentences at each place, `verdicts` ((T'-1) N,) of D, prefix by prefix, `whole` (1,) D(Y).
    words: `tokens` (T',), `rollouts` ((T'-1) N,), what follows the prefix, with a separator between tokens; an empty one has ended at once.
    T' counts the sentence's end where it has one.
    """
    del data, knobs
    tokens, _ = drawn(state, CHUNK * (index // CHUNK + 1), seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)
    rows = torch.from_numpy(tokens[-CHUNK:]).to(state.device)
    rng = torch.Generator().manual_seed(seed)
    mean = search.search(state, rows, min(N, 4), rng, search.D_judge(state))
    counts = alive(rows, state.config.ends)
    one = rows[index % CHUNK][None]
    found = search.looked_at(state, one, N, rng)
    T = int(counts[index % CHUNK].sum())
    words = tuple(state.words)
    said = split_words(one.cpu().numpy(), words, state.config.ends)[0]
    follow = [row[t:] for t in range(1, T) for row in split_words(found.rollouts[t - 1, :, 0].cpu().numpy(), words, state.config.ends)]
    return View(
        numbers={
            "Q": _plain(found.Q[0, :T]),
            "mean": _plain((mean * counts).sum(0)[:T] / counts.sum(0).clamp(min=1)[:T]),
            "verdicts": _plain(found.verdicts[: T - 1, :, 0].flatten()),
            "whole": _plain(found.whole),
        },
        words={"tokens": said + ["⏎"] * (T - len(said)), "rollouts": [BETWEEN_TOKENS.join(row) for row in follow]},
    )


def view_tradeoff(state: State, data: TextSet, knobs: Knobs, *, n: int, seed: int, temperatures: Sequence[float]) -> Iterator[View]:
    """Quality against diversity over the temperature: part by part, the last complete.

    numbers: `done`; `BLEU_seqgan`, `BLEU_mle`, `self_BLEU_seqgan`, `self_BLEU_mle`, each temperatures × 4 values, BLEU-2 to -5; `real` (8,), the same
    of held-out sentences; `counts` (2,), samples and references.
    """
    del knobs
    frozen = {"seqgan": copy.copy(state), "mle": copy.copy(state)}
    frozen["seqgan"].G, frozen["mle"].mle = copy.deepcopy(state.G), copy.deepcopy(state.mle)
    half = len(data.held_out) // 2
    if half < 2:
        raise BadInput(f"{data.title} holds out {len(data.held_out)} sentences, too few to compare with: raise held_out, or use more sentences.")
    n = min(n, half)
    against, ends = search.references(data, most=half), state.config.ends

    def both(rows: np.ndarray) -> list[float]:
        lengths = spoken_lengths(rows, ends)
        one, other = against.bleu(rows, lengths).value, measures.self_bleu(rows, lengths, LONGEST).value
        return [one[k] for k in range(2, LONGEST + 1)] + [other[k] for k in range(2, LONGEST + 1)]

    real = np.array(both(data.rows(data.held_out[half : half + n])))
    total, done = 2 * len(temperatures), 0
    found: dict[str, list[list[float]]] = {"seqgan": [], "mle": []}
    for temperature in temperatures:
        for net, mine in found.items():
            mine.append(both(drawn(frozen[net], n, seed, temperature=temperature, net=net)[0]))
            done += 1
            numbers = {"done": np.array([done, total], float), "real": real, "counts": np.array([n, against.count], float)}
            for name, values in found.items():
                table = np.array(values).reshape(-1, 8)
                numbers |= {f"BLEU_{name}": table[:, :4].ravel(), f"self_BLEU_{name}": table[:, 4:].ravel()}
            yield View(numbers=numbers)


def view_blind(state: State, data: TextSet, knobs: Knobs, *, each: int, seed: int, temperature: float) -> View:
    """Different sentences of three kinds, of which a blind test takes `each`: `real`, held out; those of `mle`, and of `seqgan` from other noise.

    Up to four times as many as it takes: those that two kinds share cannot be judged.
    """
    del knobs
    if len(data.held_out) < each:
        raise BadInput(f"{data.title} holds out {len(data.held_out)} sentences, and a blind test of {each} each needs as many: ask for fewer.")
    more = 4 * each  # some are alike, or say nothing
    chosen = np.random.Generator(np.random.Philox(seed)).permutation(data.held_out)[:more]
    found = {"real": _words(state, data.rows(chosen))["samples"]}
    for i, net in enumerate(("mle", "seqgan")):
        found[net] = _words(state, drawn(state, more, seed + (i << 32), temperature=temperature, net=net)[0])["samples"]
    return View(words={source: list(dict.fromkeys(filter(None, said))) for source, said in found.items()})


def _plain(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy().astype(np.float64)


views: dict[str, Callable[..., Any]] = {
    "samples": view_samples,
    "real": view_real,
    "rewards": view_rewards,
    "tradeoff": view_tradeoff,
    "blind": view_blind,
}


# --- what it costs ------------------------------------------------------------------------------------------------


def work(config: Config, knobs: Knobs) -> dict[str, float]:
    """GFLOP of an average step of each phase: two for a multiplication, three passes where something learns."""
    token = 4 * config.h * (config.e + config.h) + config.h * config.vocab
    table = filters(config)
    features = sum(count for _, count in table)
    sentence = sum((config.T - width + 1) * width * config.e_D * count for width, count in table) + 2 * features * features + 2 * features
    like = 6 * config.batch * config.T * token
    D = 6 * config.batch * sentence
    drawn_tokens = config.batch * (knobs.N * config.T * (config.T - 1) // 2 + config.T)
    G = 2 * drawn_tokens * token + 2 * config.batch * (knobs.N * (config.T - 1) + 1) * sentence + like
    batches = knobs.d_steps * knobs.epochs * max(1, config.negatives // max(1, config.batch // 2))
    rounds = (knobs.g_steps * G + batches * D) / max(1, knobs.g_steps + batches)
    return {name: flop / 1e9 for name, flop in zip(seqgan.PHASES, (like, D, rounds), strict=True)}


def cost(config: Config) -> float:
    """GFLOP of a step of the MLE phase; see `work` for the others."""
    return work(config, Knobs())["mle"]


def predicted_seconds(config: Config, plan: Plan, preset: Preset) -> float:
    """How long a preset will take here, from two steps of each kind on made-up sentences; at most 4 roll-outs are timed, and scaled."""
    knobs = settings.make(Knobs, {**preset.knobs, "measure_every": 0})
    state = seqgan.init(config.model_copy(update={"negatives": max(2, config.batch)}), 0, plan)
    tokens = torch.randint(0, config.vocab, (config.batch, config.T), generator=torch.Generator().manual_seed(0)).to(state.device)
    batch = Batch(tokens, _Nothing())  # pyright: ignore[reportArgumentType]
    few = min(knobs.N, 4)
    mle = seconds(lambda: seqgan.mle_step(state, batch.tokens, batch.data, knobs))
    state.dealt = 1  # no negatives are drawn for the first one
    D = seconds(lambda: seqgan.d_step(state, tokens, knobs))
    how = settings.changed(knobs, {"N": few})
    G = seconds(lambda: seqgan.g_step(state, batch.data, how)) * knobs.N / few
    draw = seconds(lambda: seqgan.drawn(state, state.G, config.batch)) / config.batch * config.negatives
    each = max(1, config.negatives // max(1, config.batch // 2))
    D += draw / each / knobs.epochs
    batches = knobs.d_steps * knobs.epochs * each
    rounds = (knobs.g_steps * G + batches * D) / max(1, knobs.g_steps + batches)
    return sum(phase.steps * seconds for phase, seconds in zip(preset.phases, (mle, D, rounds), strict=True))


class _Nothing:
    """Data of which only the size is asked."""

    train = range(1)
