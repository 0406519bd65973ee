"""How good sentences are: now and then while it trains, and in full when it is asked for; always with the MLE generator beside it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from models.algorithms.seqgan import UNKNOWN, Knobs, State, autocast
from models.algorithms.seqgan.search import references
from models.contract import Progress
from models.data.sentences import alive, noise, spoken_lengths
from models.data.text import TextSet, split_words
from models.metrics import text as measures
from models.metrics.text import References
from models.nets.recurrent import Recurrent
from models.written import Found, Who, closeness, half_of, put_self_bleu, self_bleu

SAMPLES, SEED = 256, 0  # sentences of a measurement while it trains; always from the same noise
CHUNK = 500  # sentences of a slice of an evaluation


@torch.no_grad()
def measured(state: State, data: TextSet, *, keep: bool) -> dict[str, Tensor]:
    """What Info has of SAMPLES sentences from fixed noise; waits for the device. With `keep` the best G so far becomes the baseline."""
    ends, device = state.config.ends, state.device
    tokens = state.G.draw(noise(SAMPLES, state.config.T, SEED).to(device), ends=ends)
    held = data.held(SAMPLES).to(device)
    real = held if len(held) else data.batch(0, 0, SAMPLES).to(device)
    found = {"entropy": per_token(state.G, tokens, ends).mean(), "NLL_gen": of_all(state.G, real, ends)}
    rows = tokens.cpu().numpy()
    bleu = references(data).bleu(rows, spoken_lengths(rows, ends)).value
    found |= {f"BLEU{n}": torch.tensor(bleu[n], dtype=torch.float32, device=device) for n in (2, 3)}
    with autocast(state):
        judged = state.D(real), state.D(tokens)
    found["right_fresh"] = ((judged[0] > 0).float().mean() + (judged[1] <= 0).float().mean()) / 2
    if data.oracle is not None:
        found["NLL_oracle"] = of_all(oracle(data, device), tokens, False)
        found |= {name: found["entropy"].new_tensor(getattr(data.oracle, name)) for name in ("floor", "ceiling")}
    now = torch.stack([found["NLL_gen"], found.get("NLL_oracle", found["NLL_gen"] * 0), found["BLEU2"]])
    if keep:
        better = now[0] < state.levels[0]
        state.levels.copy_(torch.where(better, now, state.levels))
        for kept, ours in zip(state.mle.parameters(), state.G.parameters(), strict=True):
            kept.copy_(torch.where(better, ours, kept))
    else:
        known = state.levels[0] < UNKNOWN  # it is not where the MLE phase was left at once
        names = ("mle_gen", "mle_oracle", "mle_BLEU2") if data.oracle is not None else ("mle_gen", "", "mle_BLEU2")
        found |= {name: torch.where(known, level, value) for name, level, value in zip(names, state.levels, now, strict=True) if name}
    return found


def oracle(data: TextSet, device: torch.device) -> Recurrent:
    """The oracle's net on a device."""
    assert data.oracle is not None
    if device.type == "cpu":
        return data.oracle.net
    return data.kept.setdefault(f"oracle on {device}", copy.deepcopy(data.oracle.net).to(device))


def of_all(net: Recurrent, tokens: Tensor, ends: bool) -> Tensor:
    """−log p a token over all tokens that count, 0-d."""
    counts = alive(tokens, ends)
    return -(net.log_p(tokens) * counts).sum() / counts.sum()


def per_token(net: Recurrent, tokens: Tensor, ends: bool) -> Tensor:
    """−log p a token of each sentence (n, T): (n,)."""
    counts = alive(tokens, ends)
    return -(net.log_p(tokens) * counts).sum(1) / counts.sum(1)


# --- in full ------------------------------------------------------------------------------------------------------


def evaluate(
    state: State, data: TextSet, knobs: Knobs, *, n: int, seed: int, rows: np.ndarray | None = None, temperature: float = 1.0
) -> Iterator[Progress]:
    """All measures on `n` sentences of G and as many of the MLE generator, beside those of real held-out sentences.

    The held-out sentences are halved: one half are the references of BLEU, the other stands for real ones. The first next() copies the nets.
    """
    del knobs, rows
    frozen = replace(state, G=copy.deepcopy(state.G), mle=copy.deepcopy(state.mle), D=copy.deepcopy(state.D))
    half = half_of(data)
    parts, total = 0, 2 * -(-n // CHUNK) + 4
    drawn: dict[str, np.ndarray] = {}
    nats: dict[str, dict[str, np.ndarray]] = {}
    u = noise(n, state.config.T, seed)
    for name, net in (("seqgan", frozen.G), ("mle", frozen.mle)):
        slices, told = [], []
        for chunk in u.split(CHUNK):
            yield Progress(parts, total, doing=f"drawing sentences of {name}")
            tokens = net.draw(chunk.to(state.device), ends=state.config.ends, temperature=temperature)
            slices.append(tokens.cpu().numpy())
            told.append(_nats(frozen, data, net, tokens))
            parts += 1
        drawn[name] = np.concatenate(slices)
        nats[name] = {key: np.concatenate([t[key] for t in told]) for key in told[0]}
    found = Found()
    for work in (_likelihoods, _closeness, _variety, _rest):
        yield Progress(parts, total)
        work(found, frozen, data, drawn, nats, half)
        parts += 1
    yield Progress(total, total, found)


@torch.no_grad()
def _nats(state: State, data: TextSet, net: Recurrent, tokens: Tensor) -> dict[str, np.ndarray]:
    """Of each sentence: its entropy's estimate, and its NLL under the oracle where there is one."""
    out = {"entropy": per_token(net, tokens, state.config.ends)}
    if data.oracle is not None:
        out["oracle"] = per_token(oracle(data, state.device), tokens, False)
    return {key: value.cpu().numpy().astype(np.float64) for key, value in out.items()}


_Drawn = Mapping[str, np.ndarray]
_Nats = Mapping[str, Mapping[str, np.ndarray]]
_WHO = {"seqgan": "", "mle": "MLE: "}
_NAMED = {"seqgan": Who("", ""), "mle": Who("mle_", "MLE: ")}


@torch.no_grad()
def _likelihoods(found: Found, state: State, data: TextSet, drawn: _Drawn, nats: _Nats, half: int) -> None:
    held = data.held(len(data.held_out)).to(state.device)
    for who, prefix in _WHO.items():
        key = "" if who == "seqgan" else "mle_"
        if data.oracle is not None:
            mine = nats[who]["oracle"]
            told = f"−log p of samples under the oracle, nats a token; reference: its own; untrained: {data.oracle.ceiling:.2f}."
            found.put(
                f"{key}NLL_oracle",
                f"{prefix}NLL_oracle",
                mine.mean(),
                len(mine),
                data.oracle.floor,
                "lower",
                told,
                float(mine.std()),
            )
        if len(held):
            net = state.G if who == "seqgan" else state.mle
            value = float(torch.cat([per_token(net, c, state.config.ends) * alive(c, state.config.ends).sum(1) for c in held.split(CHUNK)]).sum())
            value /= float(alive(held, state.config.ends).sum())
            told = "−log p of held-out sentences, nats a token, with the end where there is one"
            found.put(f"{key}NLL_gen", f"{prefix}NLL_gen", value, len(held), None, "lower", f"{told}.")
            found.put(f"{key}perplexity", f"{prefix}perplexity", measures.perplexity(value), len(held), None, "lower", "exp of NLL_gen.")
        mine = nats[who]["entropy"]
        found.put(
            f"{key}entropy", f"{prefix}entropy of samples", mine.mean(), len(mine), None, "", "−log p of samples under their own net, nats a token."
        )
    if len(held):
        found["NLL_gen"] = found["NLL_gen"]._replace(reference=found["mle_NLL_gen"].value)


def _closeness(found: Found, state: State, data: TextSet, drawn: _Drawn, nats: _Nats, half: int) -> None:
    list(closeness(found, data, {_NAMED[who]: drawn[who] for who in _WHO}, "MLE"))


def _variety(found: Found, state: State, data: TextSet, drawn: _Drawn, nats: _Nats, half: int) -> None:
    ends = state.config.ends
    n = min(len(drawn["seqgan"]), half) if half else len(drawn["seqgan"])
    real = data.rows(data.held_out[half : half + n]) if half else data.rows(data.train[:0])
    sets = {"real": real, **{who: drawn[who][:n] for who in _WHO}}
    lengths = {who: spoken_lengths(rows, ends) for who, rows in sets.items()}
    bleu = {who: self_bleu(rows, ends) for who, rows in sets.items()}
    unique = {who: measures.unique_ngrams(rows, lengths[who]) for who, rows in sets.items()}
    twice = {who: measures.duplicates(rows, lengths[who]).value for who, rows in sets.items()}
    for who, prefix in _WHO.items():
        key = "" if who == "seqgan" else "mle_"
        put_self_bleu(found, _NAMED[who], bleu[who], bleu["real"], n)
        for order, share in unique[who].items():
            doc = f"Different {order}-grams / all, of {n:,} samples (distinct-{order}); reference: of as many real ones."
            found.put(
                f"{key}distinct{order}", f"{prefix}unique {order}-grams", share.value, n, unique["real"][order].value if half else None, "target", doc
            )
        doc = f"Share of {n:,} samples that equal an earlier one; reference: of as many real ones."
        found.put(f"{key}repeated", f"{prefix}duplicates", twice[who], n, twice["real"] if half else None, "target", doc)


@torch.no_grad()
def _rest(found: Found, state: State, data: TextSet, drawn: _Drawn, nats: _Nats, half: int) -> None:
    ends = state.config.ends
    seen = data.rows(data.train)
    known = References(seen, spoken_lengths(seen, ends), 4)
    real = data.rows(data.held_out[half : 2 * half])
    truth = known.novelty(real, spoken_lengths(real, ends)) if half else None
    for who, prefix in _WHO.items():
        key, rows = "" if who == "seqgan" else "mle_", drawn[who]
        new = known.novelty(rows, spoken_lengths(rows, ends))
        doc = f"Share of sentences that are not among the {known.count:,} of training; reference: of held-out ones."
        found.put(f"{key}novelty", f"{prefix}new sentences", new.sentences.value, len(rows), truth.sentences.value if truth else None, "target", doc)
        doc = "Share of 4-grams that no training sentence has; reference: of held-out ones."
        found.put(f"{key}novelty4", f"{prefix}new 4-grams", new.ngrams[4].value, len(rows), truth.ngrams[4].value if truth else None, "target", doc)
        if data.valid is not None:
            spoken = split_words(rows, tuple(state.words), ends)
            doc = "Share of sentences that are of the grammar's language."
            found.put(f"{key}validity", f"{prefix}valid sentences", measures.validity(spoken, data.valid), len(rows), 1.0, "higher", doc)
    held = data.held(min(CHUNK, len(data.held_out))).to(state.device)
    if len(held):
        with autocast(state):
            right = [(state.D(held) > 0).float().mean(), (state.D(torch.from_numpy(drawn["seqgan"][:CHUNK]).to(state.device)) <= 0).float().mean()]
        doc = "Share of right answers of D on held-out sentences and on fresh samples; 0.5 is guessing."
        found.put("right_fresh", "D right, fresh", float(sum(right)) / 2, len(held) + min(CHUNK, len(drawn["seqgan"])), 0.5, "", doc)
