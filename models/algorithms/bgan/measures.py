"""How good a BGAN is: divergences by a fresh discriminator, each place by itself, and what pictures, rows of characters or a toy have besides."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.algorithms import bgan
from models.algorithms.bgan import Knobs, State, calm, judged, on_cells, real_values
from models.contract import Progress, Score
from models.data.images import ImageSet
from models.data.sentences import CHUNK, spoken_lengths
from models.data.text import TextSet
from models.divergences import DIVERGENCES, Divergence
from models.evaluation import image_scores, in_parts
from models.metrics import text as measures
from models.nets import discrete
from models.nets.pixels import autocast
from models.written import Found

STEPS, BATCH = 300, 64  # of a fresh discriminator
LONGEST = 4  # characters of the longest n-grams
JS = DIVERGENCES["jsd"]
SCALES = tuple(0.05 * i for i in range(25))  # of a fresh D's outputs


def evaluate(state: State, data: Any, knobs: Knobs, *, n: int, seed: int, rows: np.ndarray | None = None) -> Iterator[Progress]:
    """`n` samples of the averaged generator against the data, in parts. The first next() copies the nets that are needed."""
    del rows
    G, D, average = (copy.deepcopy(net) for net in (state.G, state.D, state.average))
    frozen = replace(state, G=G, D=D, average=average, run_G=G, run_D=D)
    draw, total = _drawer(frozen, seed), _parts(state, n)
    work = _own(frozen, data, knobs, n, seed, draw)
    if isinstance(data, ImageSet):
        yield from image_scores(lambda start, stop: bgan.shown.as_pictures(frozen, draw(start, stop)), data, work, n=n, seed=seed, parts=total)
    else:
        yield from in_parts(work, total)


def _parts(state: State, n: int) -> int:
    """About how many there are."""
    return 12 if state.config.kind == "toy" else 16 + 2 * STEPS // 4 + n // CHUNK


def _drawer(state: State, seed: int) -> Callable[[int, int], np.ndarray]:
    """Samples by number, as `shown.chunk` has them; they come in chunks of one stream, so they are kept."""
    stream, kept = bgan.shown.stream(state, seed), []

    def draw(start: int, stop: int) -> np.ndarray:
        while len(kept) * CHUNK < stop:
            kept.append(next(stream))
        return np.concatenate(kept[start // CHUNK : -(-stop // CHUNK)])[start % CHUNK :][: stop - start]

    return draw


def _own(state: State, data: Any, knobs: Knobs, n: int, seed: int, draw: Callable[[int, int], np.ndarray]) -> Generator[None, None, dict[str, Score]]:
    if state.config.kind == "toy":
        yield
        return _toy_scores(state, knobs)
    found, values = Found(), []
    for start in range(0, n, CHUNK):
        values.append(draw(start, min(n, start + CHUNK)))
        yield
    drawn = np.concatenate(values)
    if state.config.kind == "continuous":  # pictures, as `bgan.batches` gives them
        drawn = np.ascontiguousarray(drawn.transpose(0, 3, 1, 2))
    m = min(len(drawn), len(data.train) // 2)
    order = data.order(20, 0, 2 * m)
    one, two = (real_values(data, state.config, rows).numpy() if m else drawn[:0] for rows in (order[:m], order[m:]))
    sets = _Sets(one, two, drawn[:m])
    yield from _fresh_scores(found, state, data, sets, seed)
    _marginal_scores(found, state, data, knobs, drawn, sets)
    yield
    if isinstance(data, TextSet) and m:
        yield from _text_scores(found, state, data, sets)
    return found


class _Sets(NamedTuple):
    """Two disjoint sets of real samples, and as many drawn ones."""

    one: np.ndarray
    two: np.ndarray
    drawn: np.ndarray


# --- a fresh discriminator ----------------------------------------------------------------------------------------


class _Halves(NamedTuple):
    """What a fresh D learns from, and what it is asked about."""

    learn: np.ndarray
    asked: np.ndarray


def _halves(values: np.ndarray) -> _Halves:
    return _Halves(values[: len(values) // 2], values[len(values) // 2 :])


def _fresh_scores(found: Found, state: State, data: Any, sets: _Sets, seed: int) -> Generator[None, None, None]:
    """Lower bounds of divergences by a D of the run's layout that is trained anew on half of the samples and asked about the other half."""
    m = len(sets.drawn)
    if m < 16:
        why = f"{data.title} has {len(data.train)} training samples, and {m} drawn ones are too few to teach a fresh D: use at least 16 of each."
        found.put("fresh_js", "JS by a fresh D", None, m, 0.0, "lower", why)
        return
    ours = yield from _estimates(state, _halves(sets.one), _halves(sets.drawn), seed)
    real = yield from _estimates(state, _halves(sets.one), _halves(sets.two), seed)
    how = f"Of a D trained for {STEPS} steps on {m // 2:,} samples and as many real ones, on {m - m // 2:,} others; reference: real against real."
    for name, label in (
        ("js", "JS by a fresh D"),
        ("kl", "KL by a fresh D"),
        ("hellinger", "Hellinger² by a fresh D"),
        ("w1", "Critic's gap, fresh D"),
    ):
        extra = {
            "js": " A lower bound on the Jensen-Shannon divergence in nats, at most log 2 = 0.69.",
            "kl": " A lower bound on KL(P‖Q) in nats (Donsker-Varadhan).",
            "hellinger": " A lower bound on the squared Hellinger distance, at most 2.",
            "w1": " E_P[F] − E_Q[F] over the mean slope |∂F/∂x|: an estimate of a Wasserstein distance, not a bound.",
        }[name]
        found.put(f"fresh_{name}", label, ours[name], m, real[name], "lower", how + extra)


def _estimates(state: State, real: _Halves, fake: _Halves, seed: int) -> Generator[None, None, dict[str, float]]:
    """JS, KL, squared Hellinger and the critic's gap of two sets."""
    rng = torch.Generator().manual_seed(seed)
    config = state.config
    _, D = bgan.build(config)
    discrete.initialise(D, rng)
    assert state.plan is not None
    D = bgan.placed(D, config, state.plan)
    probe = replace(state, D=D, run_D=D)
    optimiser = torch.optim.Adam(D.parameters(), lr=3e-4, betas=(0.5, 0.999), fused=True)
    for t in range(STEPS):
        pick = [torch.randint(len(half.learn), (BATCH,), generator=rng).numpy() for half in (real, fake)]
        F = judged(probe, np.concatenate([real.learn[pick[0]], fake.learn[pick[1]]]))
        loss = -JS.bound(*F.split(BATCH)) + 1e-2 * F.square().mean()  # keeps F, whose exponentials are averaged, from running off
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if t % 4 == 3:
            yield
    F_real, F_fake = [], []
    for values, out in ((real.asked, F_real), (fake.asked, F_fake)):
        for start in range(0, len(values), 256):
            with torch.no_grad():
                out.append(judged(probe, values[start : start + 256]))
            yield
    P, Q = torch.cat(F_real).double(), torch.cat(F_fake).double()
    slope = _slope(probe, fake.asked[:BATCH])
    yield
    bounds = {"js": (JS, 0.5), "kl": (DIVERGENCES["dv"], 1.0), "hellinger": (DIVERGENCES["hellinger"], 1.0)}
    found = {name: max(0.0, factor * _crossed(f, P, Q)) for name, (f, factor) in bounds.items()}
    return found | {"w1": float(P.mean() - Q.mean()) / max(slope, 1e-9)}


def _crossed(f: Divergence, P: Tensor, Q: Tensor) -> float:
    """V of outputs (m,) times the factor that is best on their other half: a bound holds for any, and a D that is too sure spoils it."""
    (P1, P2), (Q1, Q2) = (x.chunk(2) for x in (P, Q))
    found = []
    for known, asked in (((P1, Q1), (P2, Q2)), ((P2, Q2), (P1, Q1))):
        best = max(SCALES, key=lambda c: float(f.bound(c * known[0], c * known[1])))
        found.append(float(f.bound(best * asked[0], best * asked[1])))
    return sum(found) / 2


def _slope(state: State, values: np.ndarray) -> float:
    """Mean |∂F/∂x| of D at some samples."""
    given = bgan.encoded(state, torch.from_numpy(values).to(state.device)).float().requires_grad_()
    with autocast(state.plan):
        F = state.D(given)
    return float(torch.autograd.grad(F.sum(), given)[0].flatten(1).norm(dim=1).mean())


# --- the others ---------------------------------------------------------------------------------------------------


def _marginal_scores(found: Found, state: State, data: Any, knobs: Knobs, drawn: np.ndarray, sets: _Sets) -> None:
    """Each pixel, or each value, by itself."""
    with torch.no_grad(), calm(state.D):
        F = torch.cat([judged(state, rows) for rows in np.array_split(drawn[:256], 4) if len(rows)])
    doc = f"Mean of σ(log w) of D itself on {len(F)} samples: ½ is the boundary that G seeks."
    found.put("D_fake", "D(samples)", float(DIVERGENCES[knobs.divergence].log_w(F).sigmoid().mean()), len(F), 0.5, "target", doc)
    m = len(sets.drawn)
    if not m:
        found.put("marginals", "Marginals", None, m, None, "lower", f"{data.title} has one training sample, and a reference needs 2: use more data.")
        return
    last = lambda v: v.transpose(0, 2, 3, 1) if state.config.kind == "continuous" else v  # noqa: E731
    a, b, ours = (bgan.shown.shares_of(state.config, last(v)) for v in sets)
    what = "each pixel's mean" if state.config.kind in ("binary", "continuous") else "the share of each value"
    doc = f"Mean difference of {what} from that of {m:,} real samples; reference: {m:,} others of them."
    found.put("marginals", "Marginals", float(np.abs(ours - a).mean()), m, float(np.abs(b - a).mean()), "lower", doc)


def _text_scores(found: Found, state: State, data: TextSet, given: _Sets) -> Generator[None, None, None]:
    """n-grams of characters, repeats, and rows that are in the data."""
    ends = state.config.ends
    m = len(given.drawn)
    sets = [(rows, spoken_lengths(rows, ends)) for rows in (given.drawn, given.one, given.two)]
    ours, floor = measures.ngram_js(*sets[0], *sets[1], LONGEST), measures.ngram_js(*sets[2], *sets[1], LONGEST)
    yield
    for n in ours:
        doc = f"Jensen-Shannon divergence in nats of the {n}-grams of {m:,} samples and {m:,} real rows; reference: {m:,} others of them."
        found.put(f"ngram_js{n}", f"{n}-gram JS", ours[n], m, floor[n], "lower", doc)
    twins, real = measures.duplicates(*sets[0]), measures.duplicates(*sets[1])
    found.put(
        "duplicates", "Duplicates", twins.value, m, real.value, "lower", f"Share of {m:,} samples that equal an earlier one; reference: real rows."
    )
    yield
    train = data.rows(data.train)
    new = measures.novelty(*sets[0], train, spoken_lengths(train, ends), 1)
    doc = f"Share of {m:,} samples that are not among the {len(train):,} training rows."
    found.put("novel", "New rows", new.sentences.value, m, None, "higher", doc)
    yield


def _toy_scores(state: State, knobs: Knobs) -> dict[str, Score]:
    """Exact sums over the cells."""
    found, told = Found(), {name: float(v) for name, v in on_cells(state, knobs).items() if v.dim() == 0}
    K, title = state.config.V, DIVERGENCES[knobs.divergence].title
    for name, label, reference, doc in (
        ("KL", "KL(p‖q)", 0.0, "In nats; q is G's own distribution, without the moving average."),
        ("D_f", f"D_f, {title}", math.nan, "Of p and q, exactly; reference: none, as its least value depends on f."),
        ("gap", "D_f − V", 0.0, "How far D's bound is from the divergence."),
        ("bias", "Bias of ŵq/β", 0.0, "Total variation of p and the weighted q."),
        ("error", "E_q|ŵ − p/q|", 0.0, "How far D's weights are from the true ratio."),
    ):
        found.put(name, label, told[name], K, reference, "lower", f"{doc} An exact sum over {K} cells.")
    return found
