"""What BGAN shows of itself: samples, their weights, marginals, a toy beside its truth, divergences side by side; its cost.

A view that takes long is a generator of Views, the last one complete.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from models import knobs as settings
from models.algorithms import bgan
from models.algorithms.bgan import Config, Knobs, State, calm, judged, latents, on_cells, real_values, shape, weighed, writes
from models.algorithms.bgan.variance import ESTIMATORS, Spread
from models.contract import Plan, Preset, View
from models.data.images import ImageSet
from models.data.sentences import CHUNK, spoken_lengths, words_of
from models.data.text import spoken
from models.data.toys import ToySet
from models.divergences import DIVERGENCES, ess, log_beta
from models.errors import BadInput
from models.latents import closed_way
from models.nets.discrete import draw, macs
from models.nets.learning import seconds
from models.nets.pixels import autocast, to_pictures

WEIGHED = 32  # latents whose weights are in the histogram
FEW_PICTURES, FEW_WORDS = 9, 6  # samples of a divergence that is compared


# --- samples ------------------------------------------------------------------------------------------------------


def net_of(state: State, ema: bool) -> Any:
    """The generator that draws: its moving average, or itself."""
    return state.average if ema else state.G


@torch.no_grad()
def raw(state: State, z: Tensor, ema: bool) -> Tensor:
    """What G says of latents on the CPU: logits (n, V, places), or pixels in [-1, 1], float32."""
    net = net_of(state, ema)
    with calm(net), autocast(state.plan):
        out = net(z.to(state.device)).float()
    return out.tanh() if state.config.kind == "continuous" else out.flatten(2)


def chunk(state: State, rng: torch.Generator, ema: bool) -> np.ndarray:
    """The next CHUNK samples of a stream: values (CHUNK, places) int64, or pictures (CHUNK, H, W, C) uint8 if continuous."""
    out = raw(state, latents(CHUNK, state.config, rng), ema)
    if state.config.kind == "continuous":
        return to_pictures(out)
    u = torch.rand(1, CHUNK, out.shape[2], generator=rng).to(state.device)
    return draw(out, u)[0].cpu().numpy()


def stream(state: State, seed: int, ema: bool = True) -> Iterator[np.ndarray]:
    """All samples of a seed, chunk by chunk."""
    rng = torch.Generator().manual_seed(seed)
    while True:
        yield chunk(state, rng, ema)


def drawn(state: State, n: int, seed: int, ema: bool = True) -> np.ndarray:
    """The first `n` samples of a seed, as `chunk` has them; sample i is the same whatever n is."""
    return np.concatenate(list(islice(stream(state, seed, ema), -(-max(n, 1) // CHUNK))))[:n]


def as_pictures(state: State, values: np.ndarray) -> np.ndarray:
    """Samples as uint8 (n, size, size, 1 or 3)."""
    if state.config.kind == "continuous":
        return values
    cells = values.reshape(-1, state.config.size, state.config.size)
    if state.config.kind == "palette":
        return np.array(state.palette, np.uint8)[cells]
    return (cells * 255).astype(np.uint8)[..., None]


def told(state: State, values: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Samples as the pictures or the words of a View, under "samples"."""
    if writes(state.config) == "pictures":
        return {"samples": as_pictures(state, values)}, {}
    return {}, words_of(values, state.words, state.joiner, state.config.ends and state.config.kind == "text")


def sample(state: State, n: int, seed: int, *, ema: bool = True) -> View:
    """`n` samples of the latents and the uniform numbers of `seed`; sample i is the same whatever n is.

    Args:
        ema: from the moving average of G's weights.

    Returns:
        pictures `samples`; or words `samples` and `tokens`, and numbers `length` (n,).
    """
    values = drawn(state, n, seed, ema)
    pictures, words = told(state, values)
    length = {"length": spoken_lengths(values, state.config.ends).astype(np.float64)} if words else {}
    return View(pictures, length, words)


# --- views --------------------------------------------------------------------------------------------------------


def view_samples(state: State, data: Any, knobs: Knobs, *, n: int, seed: int, ema: bool) -> View:
    """`samples`: see `sample`."""
    del data, knobs
    return sample(state, n, seed, ema=ema)


def view_real(state: State, data: Any, knobs: Knobs, *, n: int) -> View:
    """`real` pictures that are held out, or words `samples`."""
    del knobs
    if isinstance(data, ImageSet):
        return View({"real": data.pictures(data.held_out[:n])})
    return View(words={"samples": spoken(data.tokens[data.held_out[:n]], data.words, data.joiner, data.ends)})


@torch.no_grad()
def view_weights(state: State, data: Any, knobs: Knobs, *, seed: int, z: int, M: int, ema: bool = False) -> View:
    """`z` latents with `M` samples of each, z-major, and how much each would weigh.

    numbers: `w` (z M,) normalised within its z; `ess` (z,) of them; `all` (n M,) w̃ M of more latents, 1 where all weigh the same; `ess_all` (n,);
    `M` (1,); `log_beta` (1,). Of continuous pixels a latent has one sample: then M latents make a row.
    """
    del data
    config, f = state.config, DIVERGENCES[knobs.divergence]
    if not 1 <= z <= WEIGHED or not 1 <= M <= 1000:
        raise BadInput(f"Weights are shown of 1 to {WEIGHED} latents with 1 to 1,000 samples each; got {z} with {M}.")
    rng = torch.Generator().manual_seed(seed)
    if config.kind == "continuous":
        values, log_w = _continuous_weights(state, f, latents(WEIGHED * M, config, rng), M, ema)
    else:
        out = raw(state, latents(WEIGHED, config, rng), ema)
        x = draw(out, torch.rand(M, WEIGHED, out.shape[2], generator=rng).to(state.device))
        log_w = weighed(state, f, x)
        values = x[:, :z].transpose(0, 1).flatten(0, 1).cpu().numpy()
    w = log_w.softmax(0)
    pictures, words = told(state, values[: z * M])
    plain = lambda t: t.double().cpu().numpy()  # noqa: E731
    numbers = {"w": plain(w[:, :z].T.flatten()), "ess": plain(ess(log_w)[:z]), "all": plain((w * M).T.flatten()), "ess_all": plain(ess(log_w))}
    return View(pictures, numbers | {"M": np.array([float(M)]), "log_beta": plain(log_beta(log_w)[None])}, words)


def _continuous_weights(state: State, f: Any, z: Tensor, M: int, ema: bool) -> tuple[np.ndarray, Tensor]:
    x = torch.cat([raw(state, rows, ema) for rows in z.split(256)])
    with calm(state.D), autocast(state.plan):
        F = torch.cat([state.D(rows) for rows in x.split(256)]).float()
    return to_pictures(x), f.log_w(F).view(-1, M).T


@torch.no_grad()
def view_scores(state: State, data: Any, knobs: Knobs, *, seed: int, n: int, ema: bool) -> View:
    """`log w` of the first `n` samples of a seed: how much likelier the data make them than G does, as D has it."""
    del data
    values, f = drawn(state, n, seed, ema), DIVERGENCES[knobs.divergence]
    if state.config.kind == "continuous":
        values = values.transpose(0, 3, 1, 2)
    with calm(state.D):
        F = [judged(state, np.ascontiguousarray(rows)) for rows in np.array_split(values, max(1, -(-n // CHUNK)))]
    return View({}, {"log w": f.log_w(torch.cat(F)).double().cpu().numpy()})


@torch.no_grad()
def view_loop(state: State, data: Any, knobs: Knobs, *, seed: int, n: int, frames: int, ema: bool) -> View:
    """`path`: a closed way through the first `n` latents of a seed, resting at each: (frames, size, size, 1 or 3).

    All frames are drawn with the same uniform numbers, so that a pixel changes only where its chance passes its number.
    """
    del data, knobs
    if writes(state.config) != "pictures":
        raise BadInput("A loop through latents is of pictures; this run writes rows of characters or cells.")
    rng = torch.Generator().manual_seed(seed)
    path, found = closed_way(latents(n, state.config, rng), frames).float(), []
    u = torch.rand(1, 1, math.prod(shape(state.config)), generator=rng)
    for z in path.split(CHUNK):
        out = raw(state, torch.cat([z, z.new_zeros(CHUNK - len(z), z.shape[1])]), ema)[: len(z)]
        if state.config.kind == "continuous":
            found.append(to_pictures(out))
        else:
            found.append(as_pictures(state, draw(out, u.expand(1, len(z), -1).to(state.device))[0].cpu().numpy()))
    return View({"path": np.concatenate(found)})


def view_marginals(state: State, data: Any, knobs: Knobs, *, n: int, seed: int) -> View:
    """Each place, or each value, by itself: how the samples' frequencies compare with the data's.

    numbers: `real` and `fake` (P,): chance of white, or mean brightness, of each pixel; or the share of each colour, character or cell;
    `distance` (1,) mean |difference|, `floor` (1,) the same of as many other real ones. pictures `real`, `fake`, `difference` (grey at
    none) where P are pixels; words `names` where they are values.
    """
    del knobs
    rows = data.order(0, 0, min(2 * n, len(data.train)))
    half = len(rows) // 2
    if not half:
        raise BadInput(f"Marginals compare two halves of the training data; {len(data.train)} of {data.title} and n = {n} leave none: use 2 or more.")
    config = state.config
    share = lambda values: shares_of(config, values)  # noqa: E731
    take = lambda chosen: data.pictures(chosen) if config.kind == "continuous" else real_values(data, config, chosen).numpy()  # noqa: E731
    one, two, fake = share(take(rows[:half])), share(take(rows[half:])), share(drawn(state, half, seed))
    real, other = (state.p.double().cpu().numpy(), one) if config.kind == "toy" else (one, two)
    numbers = {"real": real, "fake": fake, "distance": np.array([np.abs(real - fake).mean()]), "floor": np.array([np.abs(real - other).mean()])}
    if config.kind in ("binary", "continuous"):
        grey = {
            name: (np.clip(v, 0, 1) * 255).astype(np.uint8) for name, v in (("real", real), ("fake", fake), ("difference", (fake - real + 1) / 2))
        }
        return View({name: v.reshape(1, config.size, config.size, 1) for name, v in grey.items()}, numbers)
    names = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in state.palette] if config.kind == "palette" else list(state.words)
    return View({}, numbers, {"names": names})


def shares_of(config: Config, values: np.ndarray) -> np.ndarray:
    """(P,) float64 of samples: see `view_marginals`."""
    if config.kind == "continuous":
        return values.astype(np.float64).mean((0, 3)).ravel() / 255
    if config.kind == "binary":
        return values.astype(np.float64).mean(0).ravel()
    return np.bincount(values.ravel(), minlength=config.V) / values.size


def view_toy(state: State, data: Any, knobs: Knobs) -> View:
    """The truth of a toy beside what D makes of it; see `bgan.on_cells`. numbers: those, and `shape` (2,): rows and columns of the cells."""
    if not isinstance(data, ToySet):
        raise BadInput(f"What p/q is can be told of a toy alone, and {data.title if data is not None else 'this run'} is none.")
    found = {name: np.atleast_1d(v.cpu().numpy()) for name, v in on_cells(state, knobs).items()}
    return View({}, found | {"shape": np.array(data.shape, np.float64)})


def view_detail(state: State, data: Any, knobs: Knobs, *, seed: int, index: int, ema: bool) -> View:
    """One picture: the `sample` and the `nearest` training picture, with their `distance` and its name."""
    del knobs
    if not isinstance(data, ImageSet):
        raise BadInput("The nearest of the training data is looked for among pictures; these are rows of characters or cells.")
    chosen = as_pictures(state, drawn(state, index + 1, seed, ema))[-1:]
    where, distance = data.nearest(chosen)
    return View({"sample": chosen, "nearest": data.pictures(where)}, {"distance": distance}, {"nearest": [data.names[int(where[0])]]})


def view_compare(
    state: State, data: Any, knobs: Knobs, *, seed: int, steps: int, every: int, divergences: Sequence[str], estimator: str
) -> Iterator[View]:
    """Fresh copies, one a divergence, from one seed and the knobs as they are, trained in turns on the same batches; nothing of the run is touched.

    G learns from the first step on, whatever `warm` is: else a short comparison would be of nothing.

    numbers: `steps` (t,); `D.V`, `D.ESS`, `D.D_real`, `D.D_fake` of divergence D, and of toys `D.KL`, `D.error`, (t,) each; `done` (2,), the step
    now and the last one. pictures D (9, H, W, C), or words D (6,).
    """
    unknown = [name for name in divergences if name not in DIVERGENCES]
    if unknown or not divergences or steps < 1 or every < 1:
        raise BadInput(
            f"Compare one or more of {', '.join(DIVERGENCES)} over at least one step; got {', '.join(divergences) or 'none'}, {steps} steps."
        )
    config, plan = settings.changed(state.config, {"warm": 0}), cast(Plan, state.plan)
    kept = {"estimator": estimator, "freeze_G": False}
    runs = {name: (bgan.init(config, seed, plan), settings.changed(knobs, {**kept, "divergence": name})) for name in divergences}
    for fresh, _ in runs.values():
        bgan.prepare(fresh, data)
    fields = ("V", "ESS", "D_real", "D_fake", *(("KL", "error") if config.kind == "toy" else ()))
    curves: dict[str, list[float]] = {f"{name}.{f}": [] for name in runs for f in fields}
    at: list[float] = []
    for t, batch in zip(range(1, steps + 1), bgan.batches(data, config, seed, 0), strict=False):
        due = t % every == 0 or t == steps
        for name, (fresh, own) in runs.items():
            info = bgan.step(fresh, batch, own)
            if due:
                for f in fields:
                    curves[f"{name}.{f}"].append(float(getattr(info, f)))
        if due:
            at.append(float(t))
            yield _compared(runs, curves, at, steps, seed)
        else:
            yield View({}, {"done": np.array([float(t), float(steps)])})


def _compared(runs: Any, curves: dict[str, list[float]], at: list[float], steps: int, seed: int) -> View:
    pictures, words = {}, {}
    for name, (fresh, _) in runs.items():
        many = FEW_PICTURES if writes(fresh.config) == "pictures" else FEW_WORDS
        view = sample(fresh, many, seed)
        if view.pictures:
            pictures[name] = view.pictures["samples"]
        else:
            words[name] = view.words["samples"]
    numbers = {key: np.array(values) for key, values in curves.items()} | {"steps": np.array(at), "done": np.array([at[-1], float(steps)])}
    return View(pictures, numbers, words)


def view_variance(state: State, data: Any, knobs: Knobs, *, redraws: int, seed: int) -> Iterator[View]:
    """How much G's gradient varies from redraw to redraw, for every estimator on the same draws; see `variance.Spread`.

    numbers: of each of per-z, global, reinforce its name (1,), the trace of the covariance, and `NAME.relative` (1,), that over the squared length
    of the mean gradient; `done` (2,).
    """
    del data
    if state.config.kind == "continuous":
        raise BadInput("Continuous pixels have one gradient, through D: estimators are compared on discrete data.")
    if redraws < 2:
        raise BadInput(f"A variance needs at least 2 redraws; got {redraws}.")
    spread, rng = Spread(state, knobs), torch.Generator().manual_seed(seed)
    for i in range(1, redraws + 1):
        spread.once(rng)
        if i % 10 == 0 or i == redraws:
            numbers = {"done": np.array([float(i), float(redraws)])}
            for kind in ESTIMATORS:
                trace, relative = spread.of(kind)
                numbers |= {kind: np.array([trace]), f"{kind}.relative": np.array([relative])}
            yield View({}, numbers)


views: dict[str, Callable[..., Any]] = {
    "samples": view_samples,
    "scores": view_scores,
    "loop": view_loop,
    "weights": view_weights,
    "real": view_real,
    "marginals": view_marginals,
    "toy": view_toy,
    "detail": view_detail,
    "compare": view_compare,
    "variance": view_variance,
}


# --- its cost -----------------------------------------------------------------------------------------------------


def work(config: Config, knobs: Knobs) -> dict[str, float]:
    """GFLOP of a step: N passes of G forth and back, N (1 + k) of D, and N (M − k) of D forth alone, where D learns from k of M samples."""
    G, D = bgan.build(config)
    seen = min(knobs.learn or knobs.M, knobs.M) if config.kind != "continuous" else 1
    alone = knobs.M - seen if config.kind != "continuous" else 0
    return {"adversarial": config.batch * 2 * (3 * macs(G) + 3 * (1 + seen) * macs(D) + alone * macs(D)) / 1e9}


def cost(config: Config) -> float:
    """GFLOP of one step with the knobs' defaults, counted on the nets."""
    return work(config, Knobs())["adversarial"]


def predicted_seconds(config: Config, plan: Plan, preset: Preset) -> float:
    """How long a preset takes, from steps that are taken on random data."""
    state = bgan.init(config, 0, plan)
    rng, knobs = torch.Generator().manual_seed(0), settings.make(Knobs, {**preset.knobs})
    if config.kind == "continuous":
        x = torch.randint(0, 256, (config.batch, config.V, *shape(config)), generator=rng, dtype=torch.uint8)
    else:
        x = torch.randint(0, max(2, config.V), (config.batch, math.prod(shape(config))), generator=rng)
    if config.kind == "toy":
        state.p.fill_(1 / config.V)
    before = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        state.step = config.warm  # the first steps, of D alone, are quicker
        bgan.step(state, x, knobs)
        return preset.steps * seconds(lambda: bgan.step(state, x, knobs))
    finally:
        torch.set_num_threads(before)
