"""What BGAN gives: the tables of the project's notes, one command each, in Markdown.

bgan_results.py toy      [--seeds 1 2 3]                                     all divergences on 32 categories: weights beside p/q, KL of G, exact sums
bgan_results.py pictures FOLDER DATA [--seeds …] [--divergences …] [--steps N] [--set NAME=VALUE …]
                                                                             runs of the quick preset; Fréchet distance beside baselines
bgan_results.py variance RUN [--redraws 200]                                 trace of the gradient's covariance by estimator, at the run's θ
bgan_results.py text     RUN                                                 a run on a text: n-grams beside real rows and independent characters

pictures: of each divergence and seed one run is trained, and its last checkpoint is measured; runs that are in FOLDER already are taken up where
they stopped. "reinforce" among the divergences is the GAN divergence with the REINFORCE estimator. The judge is a classifier of the data, trained
apart; its features' Fréchet distance is no FID. The baseline draws each pixel by itself with the chance that it has in the training pictures.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from models import device, knobs
from models.algorithms import bgan
from models.algorithms.bgan.shown import as_pictures, drawn
from models.algorithms.bgan.variance import ESTIMATORS, Spread
from models.data.sentences import spoken_lengths
from models.divergences import DIVERGENCES
from models.metrics import image
from models.metrics import text as measures
from models.nets import judge as judges
from models.run import Run

SAMPLES, SEED = 5_000, 1_000_003
BLOCKS = 10  # of redraws, for the standard error


def main() -> None:
    """One table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=["toy", "pictures", "variance", "text"])
    words.add_argument("path", type=Path, nargs="?")
    words.add_argument("data", nargs="?", default="glyphs-binary")
    words.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    words.add_argument("--divergences", nargs="+", default=["gan"])
    words.add_argument("--steps", type=int)
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    words.add_argument("--redraws", type=int, default=200)
    words.add_argument("--threads", type=int, default=1)
    options = words.parse_args()
    torch.set_num_threads(options.threads)
    {"toy": of_toy, "pictures": of_pictures, "variance": of_variance, "text": of_text}[options.what](options)


# --- a toy --------------------------------------------------------------------------------------------------------


def of_toy(options: argparse.Namespace) -> None:
    """Both kinds of D: E_q|w − p/q| when D has learnt alone, and KL(p‖q) at the first step and at the last."""
    preset = bgan.PRESETS["toy"]
    columns = ("D", "divergence", "E_q abs(ŵ − p/q) after D alone", "D_f − V", "KL(p‖q) at the start", "KL(p‖q) at the end", "least q at the start")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for hidden in (0, 64):
        for name in DIVERGENCES:
            rows = [toy_run(preset, hidden, name, seed) for seed in options.seeds]
            cells = [f"{mean(column):.4f} ({', '.join(f'{v:.4f}' for v in column)})" for column in zip(*rows, strict=True)]
            print(f"| {'MLP of 2 × 64' if hidden else 'a logit a category'} | {DIVERGENCES[name].title} | {' | '.join(cells)} |", flush=True)


def toy_run(preset: Any, hidden: int, name: str, seed: int) -> tuple[float, ...]:
    """One training."""
    config = knobs.make(bgan.Config, {**preset.config, "hidden": hidden})
    now = knobs.make(bgan.Knobs, {**preset.knobs, "divergence": name})
    data = bgan.open_data("toy-categories", config)
    config = bgan.fitted(config, data)
    state = bgan.init(config, seed, device.choose("cpu", 1, "float32"))
    bgan.prepare(state, data)
    start = bgan.on_cells(state, now)
    feed = bgan.batches(data, config, seed, 0)
    told = start
    for _ in range(preset.steps):
        bgan.step(state, next(feed), now)
        if state.step == config.warm:
            told = bgan.on_cells(state, now)
    end = bgan.on_cells(state, now)
    return tuple(float(v) for v in (told["error"], told["gap"], start["KL"], end["KL"], start["q"].min()))


# --- pictures -----------------------------------------------------------------------------------------------------


def of_pictures(options: argparse.Namespace) -> None:
    """Runs of the preset, each measured at its last step."""
    rows: dict[str, list[dict[str, float]]] = {}
    run: Any = None
    for name in options.divergences:
        for seed in options.seeds:
            run = trained(options, name, seed)
            rows.setdefault(name, []).append(measured(run))
            print(f"<!-- {run.folder.path.name}: {rows[name][-1]} -->", flush=True)
            run.close()
    config, now, steps, data = run.config, run.knobs, run.state.step, run.data
    print(f"\n{data.title}; n = {config.n}, full = {config.full}, M = {now.M}, D learns from {now.learn or now.M}, batch {config.batch};")
    print(f"{steps:,} steps, {steps * config.batch / len(data.train):.1f} epochs; {SAMPLES:,} samples;")
    print(f"mean ± standard error over seeds {options.seeds}, each in brackets\n")
    columns = ("FD", "of independent pixels", "confidence", "classes", "entropy", "duplicates", "ESS", "minutes")
    print(f"| divergence | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, found in rows.items():
        title = "GAN, REINFORCE" if name == "reinforce" else DIVERGENCES[name].title
        print(f"| {title} | {' | '.join(spread_of([f[c] for f in found]) for c in columns)} |")
    base = baselines(data)
    for name, found in base.items():
        print(f"| *{name}* | {' | '.join(f'{found[c]:.3g}' if c in found else '' for c in columns)} |")


def spread_of(values: Sequence[float]) -> str:
    """Mean ± standard error, and each."""
    error = f" ± {stdev(values) / len(values) ** 0.5:.2g}" if len(values) > 1 else ""
    return f"{mean(values):.3g}{error} ({', '.join(f'{v:.3g}' for v in values)})"


def trained(options: argparse.Namespace, name: str, seed: int) -> Run:
    """The run of a divergence and seed, at its last step."""
    path = options.path / f"{name}-{seed}"
    given = dict(word.split("=", 1) for word in options.set)
    known = {k.name: k for k in (*knobs.describe(bgan.Config), *knobs.describe(bgan.Knobs))}
    values = {key: knobs.parse(text, known[key]) for key, text in given.items()}
    config = {key: value for key, value in values.items() if key in bgan.Config.model_fields}
    more = {key: value for key, value in values.items() if key not in config}
    more |= {"estimator": "reinforce"} if name == "reinforce" else {"divergence": name}
    if (path / "run.json").exists():
        run = Run.open(path)
    else:
        plan = device.choose("cpu", options.threads)
        run = Run.create(path, "bgan", options.data, preset="quick", config=config, knob_values=more, seed=seed, plan=plan)
    start, first = time.perf_counter(), run.state.step
    total = options.steps or run.total
    for _ in run.train(total):
        pass
    if run.state.step > first:
        (path / "minutes").write_text(f"{(time.perf_counter() - start) / 60:.2f}")
    return run


def features(judge: Any, pictures: np.ndarray) -> torch.Tensor:
    """(n, 64)."""
    return torch.cat([judge.features(pictures[i : i + 64]) for i in range(0, len(pictures), 64)])


def judge_of(data: Any) -> Any:
    """The classifier of a data set, trained once."""
    parts = judges.prepare(data)
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def sets(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint sets of training pictures."""
    order = data.order(20, 0, 2 * SAMPLES)
    return data.pictures(order[:SAMPLES]), data.pictures(order[SAMPLES:])


def told(data: Any, pictures: np.ndarray) -> dict[str, float]:
    """A set of pictures beside the first of the two."""
    judge = judge_of(data)
    f, real = features(judge, pictures), features(judge, sets(data)[0])
    found = {"FD": image.frechet(real, f)}
    thumbs = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(pictures).permute(0, 3, 1, 2).float(), 16).flatten(1) / 16
    others = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(sets(data)[0]).permute(0, 3, 1, 2).float(), 16).flatten(1) / 16
    limits = [image.twin_distance(image.nearest_other(x)) for x in (others, real)]
    found["duplicates"] = image.duplicates((thumbs, limits[0]), (f, limits[1]))
    if judge.heads:
        name, size = next(iter(judge.heads.items()))
        with torch.no_grad():
            chances = judge.net.logits(f)[:, :size].softmax(1)
        classes = image.classes(chances.argmax(1).numpy(), judge.classes(real)[name], size)
        found |= {"confidence": float(chances.max(1).values.mean()), "classes": classes.covered, "entropy": classes.entropy}
    return found


def baselines(data: Any) -> dict[str, dict[str, float]]:
    """Other real pictures, and independent pixels."""
    real = sets(data)[1]
    chance = np.mean([data.pictures(rows).astype(np.float64).mean(0) / 255 for rows in np.array_split(data.train, 20)], 0)
    alone = ((np.random.default_rng(SEED).random((SAMPLES, *chance.shape)) < chance) * 255).astype(np.uint8)
    return {"other real pictures": told(data, real), "independent pixels": told(data, alone)}


_kept: dict[str, float] = {}


def measured(run: Run) -> dict[str, float]:
    """The samples of a run's averaged generator."""
    if run.data.id not in _kept:
        _kept[run.data.id] = baselines(run.data)["independent pixels"]["FD"]
    found = told(run.data, as_pictures(run.state, drawn(run.state, SAMPLES, SEED)))
    column = run.folder.columns.index("ESS")
    minutes = run.folder.path / "minutes"
    found |= {"of independent pixels": found["FD"] / _kept[run.data.id], "ESS": float(run.rows[-200:, column].mean())}
    return found | {"minutes": float(minutes.read_text()) if minutes.exists() else float("nan")}


# --- the gradient -------------------------------------------------------------------------------------------------


def of_variance(options: argparse.Namespace) -> None:
    """At the last checkpoint, in blocks of redraws."""
    run = Run.open(options.path, write=False, data=False)
    rng = torch.Generator().manual_seed(SEED)
    blocks: list[dict[str, tuple[float, float]]] = []
    whole = Spread(run.state, run.knobs)
    for _ in range(BLOCKS):
        block, state = Spread(run.state, run.knobs), rng.get_state()
        for _ in range(options.redraws // BLOCKS):
            block.once(rng)
        rng.set_state(state)
        for _ in range(options.redraws // BLOCKS):
            whole.once(rng)
        blocks.append({kind: block.of(kind) for kind in ESTIMATORS})
    title = DIVERGENCES[run.knobs.divergence].title
    print(f"step {run.state.step:,}, M = {run.knobs.M}, {run.config.batch} latents, {title}, {whole.redraws} redraws\n")
    print("| estimator | trace of the covariance | of per-z | trace over the squared mean |\n|---|---|---|---|")
    for kind in ESTIMATORS:
        ratios = [b[kind][0] / b["per-z"][0] for b in blocks]
        trace, relative = whole.of(kind)
        print(f"| {kind} | {trace:.3g} | {trace / whole.of('per-z')[0]:.3g} ± {stdev(ratios) / BLOCKS**0.5:.2g} | {relative:.3g} |")


# --- text ---------------------------------------------------------------------------------------------------------


def of_text(options: argparse.Namespace) -> None:
    """n-grams of characters, and some samples."""
    run = Run.open(options.path)
    data, ends = run.data, run.config.ends
    m = min(SAMPLES, len(data.train) // 2)
    order = data.order(20, 0, 2 * m)
    real, other = data.rows(order[:m]), data.rows(order[m:])
    every = data.rows(data.train)
    rng = np.random.default_rng(SEED)
    alone = np.stack([rng.choice(every[:, t], m) for t in range(every.shape[1])], 1)  # each place by itself
    rows = {"BGAN": drawn(run.state, m, SEED), "each place by itself": alone, "other real rows": other}
    print(f"{data.title}, V = {data.V}, T = {data.T}, step {run.state.step:,}; JS in nats against {m:,} real rows, {m:,} samples each\n")
    print("| | 1-grams | 2-grams | 3-grams | 4-grams | known words | duplicates |\n|---|---|---|---|---|---|---|")
    for name, values in rows.items():
        lengths = spoken_lengths(values, ends)
        js = measures.ngram_js(values, lengths, real, spoken_lengths(real, ends))
        twins = measures.duplicates(values, lengths).value
        print(f"| {name} | {' | '.join(f'{js[n]:.4f}' for n in js)} | {known(texts(data, values), texts(data, every)):.3f} | {twins:.4f} |")
    print("\n" + "\n".join(f"    {text}" for text in texts(data, rows["BGAN"][:16])))


def texts(data: Any, values: np.ndarray) -> list[str]:
    """Rows of characters, to be read."""
    from models.data.text import spoken

    return spoken(values, data.words, data.joiner, data.ends)


def known(rows: Iterable[str], training: Iterable[str]) -> float:
    """Share of words, the first and the last of a row left out as they may be cut, that the training rows have as whole words."""
    inside = {word for row in training for word in row.split(" ")[1:-1]}
    words = [word for row in rows for word in row.split(" ")[1:-1] if word]
    return sum(word in inside for word in words) / max(1, len(words))


if __name__ == "__main__":
    main()
