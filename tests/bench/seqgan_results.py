"""What a SeqGAN gives beside its baselines: the tables of the project's notes, one command each.

seqgan_results.py oracle FOLDER [--seeds 1 2 3] [--set NAME=VALUE …]    a fresh oracle a seed: SeqGAN against MLE, tempered MLE, and two controls
seqgan_results.py text   RUN                                             a run on a text file: BLEU of real, MLE and SeqGAN sentences

oracle: of each seed one run of the preset is trained up to the end of its D phase; copies of it go on with D's reward, with rewards permuted over
sentences, and with the same reward for all; another copy goes on by likelihood, as many updates again, and gives its best generator on held-out
sentences. The last checkpoint of each is measured, at temperature 1, on 10,000 fresh samples. Runs that are in FOLDER already are not trained again.
"""

from __future__ import annotations

import argparse
import copy
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from models import device, knobs
from models.algorithms import seqgan
from models.algorithms.seqgan.measures import of_all
from models.contract import GoToPhase, Lengthen, SetKnobs
from models.data.sentences import noise, spoken_lengths
from models.metrics import text as measures
from models.nets.recurrent import Recurrent
from models.run import Run

SAMPLES, SEED = 10_000, 1_000_003
ARMS = {"SeqGAN": "D", "permuted": "permuted", "constant": "constant"}


def main() -> None:
    """One table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=["oracle", "text"])
    words.add_argument("path", type=Path)
    words.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--arms", nargs="+", default=["MLE", *ARMS])
    options = words.parse_args()
    torch.set_num_threads(options.threads)
    {"oracle": of_oracle, "text": of_text}[options.what](options)


# --- oracle -------------------------------------------------------------------------------------------------------


def of_oracle(options: argparse.Namespace) -> None:
    """The table, mean ± standard error over seeds, and the paired differences."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        for name, numbers in one_seed(options, seed).items():
            found.setdefault(name, []).append(numbers)
            print(f"seed {seed}  {name:<12}" + "  ".join(f"{k} {v:.4f}" for k, v in numbers.items()), flush=True)
    print(f"\n{len(options.seeds)} seeds, {SAMPLES:,} samples each; mean ± standard error over seeds")
    for name, rows in found.items():
        print(f"{name:<14}" + "  ".join(f"{k} {_mean([r[k] for r in rows])}" for k in rows[0]))
    for name in (n for n in found if n not in ("SeqGAN", "oracle")):
        gaps = [a["NLL_oracle"] - b["NLL_oracle"] for a, b in zip(found["SeqGAN"], found[name], strict=True)]
        print(f"SeqGAN − {name:<12} NLL_oracle {_mean(gaps)}  ({'  '.join(f'{g:+.4f}' for g in gaps)})")


def one_seed(options: argparse.Namespace, seed: int) -> dict[str, dict[str, float]]:
    """All arms of one seed."""
    base = options.path / f"seed-{seed}-base"
    if not base.exists():
        pairs = dict(pair.split("=", 1) for pair in options.set)
        config, knob_values = knobs.split(pairs, seqgan.Config, seqgan.Knobs)
        config["oracle_seed"] = 1_000 + seed
        plan = device.choose("cpu", options.threads)
        run = Run.create(base, "seqgan", "oracle", config=config, knob_values=knob_values, seed=seed, plan=plan)
        trained(run, run.phases[0].steps + run.phases[1].steps, "MLE and D")
    arms = {name: arm(options.path, base, seed, name) for name in options.arms}
    first = next(iter(arms.values()))
    data = first.data
    print(f"V {data.V}, T {data.T}, filters of D {seqgan.filters(first.config)}, {len(data.train):,} sentences; floor {data.oracle.floor:.4f}")
    out: dict[str, dict[str, float]] = {}
    nets: dict[str, Recurrent] = {name: run.state.mle if name == "MLE" else run.state.G for name, run in arms.items()}
    for name, net in nets.items():
        out[name] = measured(net, data)
    if {"MLE", "SeqGAN"} <= set(out):
        tau = matched(nets["MLE"], out["SeqGAN"]["entropy"], data.T)
        out["MLE at τ"] = measured(tempered(nets["MLE"], tau), data) | {"τ": tau}
    out["oracle"] = measured(data.oracle.net, data)
    return out


def arm(folder: Path, base: Path, seed: int, name: str) -> Run:
    """A copy of the base that went on in its own way."""
    path = folder / f"seed-{seed}-{name.lower()}"
    if not path.exists():
        shutil.copytree(base, path.with_suffix(".part"))
        run = Run.open(path.with_suffix(".part"))
        if name == "MLE":
            run.apply(GoToPhase("mle"))
            run.apply(Lengthen(run.phases[0].steps))
            trained(run, run.state.step + 2 * run.folder.record["phases"][0]["steps"], name)
        else:
            run.apply(SetKnobs({"reward": ARMS[name]}))
            trained(run, run.total, name)
        path.with_suffix(".part").rename(path)
    return Run.open(path, write=False)


def trained(run: Run, until: int, name: str) -> None:
    """Train up to a step, and tell what it took."""
    began, first = time.perf_counter(), run.state.step
    work, spent = seqgan.work(run.config, run.knobs), 0.0
    for _, info in run.train(until):
        spent += 0 if info is None else work[run.phase]
    seconds = time.perf_counter() - began
    print(f"  {name}: {run.state.step - first:,} steps, {seconds:.0f} s, about {spent:,.0f} GFLOP", flush=True)
    run.close()


@torch.no_grad()
def measured(net: Recurrent, data: Any) -> dict[str, float]:
    """NLL_oracle, NLL_gen, entropy, BLEU-2 and Self-BLEU-2 of fresh samples."""
    tokens = net.draw(noise(SAMPLES, data.T, SEED))
    rows, lengths = tokens.numpy(), spoken_lengths(tokens.numpy(), False)
    held = data.rows(data.held_out[:2_000])
    few = slice(0, 2_000)
    return {
        "NLL_oracle": float(of_all(data.oracle.net, tokens, False)),
        "NLL_gen": float(of_all(net, data.held(SAMPLES), False)),
        "entropy": float(of_all(net, tokens, False)),
        "BLEU-2": measures.bleu(rows[few], lengths[few], held, spoken_lengths(held, False), 2).value[2],
        "Self-BLEU-2": measures.self_bleu(rows[few], lengths[few], 2).value[2],
    }


def tempered(net: Recurrent, tau: float) -> Recurrent:
    """The same net with its logits divided."""
    out = copy.deepcopy(net)
    with torch.no_grad():
        out.out.weight.div_(tau)
        out.out.bias.div_(tau)
    return out


@torch.no_grad()
def matched(net: Recurrent, entropy: float, T: int) -> float:
    """The temperature at which a net's samples have an entropy, by bisection on common noise."""
    low, high, u = 0.05, 3.0, noise(SAMPLES, T, SEED)
    for _ in range(18):
        middle = (low + high) / 2
        cold = tempered(net, middle)
        low, high = (middle, high) if float(of_all(cold, cold.draw(u), False)) < entropy else (low, middle)
    return (low + high) / 2


def _mean(values: Sequence[float]) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.4f} ± {error:.4f}"


# --- text ---------------------------------------------------------------------------------------------------------


@torch.no_grad()
def of_text(options: argparse.Namespace) -> None:
    """BLEU against one half of the held-out sentences, of the other half and of as many from each net, all at temperature 1."""
    run = Run.open(options.path, write=False)
    data, ends = run.data, run.config.ends
    half = len(data.held_out) // 2
    test, real = (data.rows(part) for part in (data.held_out[:half], data.held_out[half : 2 * half]))
    u = noise(half, data.T, SEED)
    sets = {"real": real} | {name: net.draw(u, ends=ends).numpy() for name, net in (("MLE", run.state.mle), ("SeqGAN", run.state.G))}
    length: Callable[[np.ndarray], np.ndarray] = lambda rows: spoken_lengths(rows, ends)  # noqa: E731
    against = measures.References(test, length(test), 5)
    seen = data.rows(data.train)
    known = measures.References(seen, length(seen), 4)
    print(f"{data.title}, step {run.state.step:,}, τ = 1: {half:,} hypotheses of each, {against.count:,} references, {known.count:,} of training")
    bleu = {name: against.bleu(rows, length(rows)) for name, rows in sets.items()}
    for name, rows in sets.items():
        own, new = measures.self_bleu(rows, length(rows), 5).value, known.novelty(rows, length(rows))
        told = {f"BLEU-{n}": bleu[name].value[n] for n in range(2, 6)} | {f"Self-BLEU-{n}": own[n] for n in (2, 3)}
        told |= {"in training": float(new.sentences.whole - new.sentences.part), "new 4-grams": new.ngrams[4].value}
        told |= {"NLL_gen": float(of_all(run.state.mle if name == "MLE" else run.state.G, data.held(half), ends))} if name != "real" else {}
        print(f"{name:<8}" + "  ".join(f"{k} {v:.4g}" for k, v in told.items()))
    for n in (2, 3, 4):
        p = measures.bootstrap(bleu["SeqGAN"].each[:, n - 1], bleu["MLE"].each[:, n - 1], paired=False, seed=0)
        print(f"BLEU-{n}: SeqGAN against MLE, bootstrap over sentences, p = {p:.2g}")
    if "quatrains" in data.title:
        print("The paper's poems, on a split of its own: BLEU-2 MLE 0.667, SeqGAN 0.739, real 0.746.")


if __name__ == "__main__":
    main()
