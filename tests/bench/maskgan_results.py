"""What a MaskGAN gives beside MaskMLE: the tables of the project's notes, one command each, in Markdown.

maskgan_results.py grammar FOLDER [--seeds 1 2 3] [--set NAME=VALUE …] [--steps N]    validity of fillings, paired over seeds
maskgan_results.py text    RUN                                                         a run on a text file: fillings, and freely written sentences
maskgan_results.py critic  RUN [--redraws 200]                                         the gradient's variance by baseline, at the same θ and batch

grammar: of each seed one run of the preset is trained, and the last checkpoint is measured. A copy of it takes MaskMLE up again and goes on by
likelihood, as many updates as MaskGAN had of G. Runs that are in FOLDER already are taken up where they stopped. Half of the held-out sentences are
for validation: those by which MaskMLE was chosen are among them, and on them alone a temperature of MaskMLE is found at which its distinct-2 is
MaskGAN's. All that is told is of the other half. Every sentence is blanked in COPIES ways; the blanks and the noise are the same for all nets.

distinct-2: different pairs of neighbouring tokens / all such pairs, of those pairs in the filled sentences in which at least one token is a blank;
ends, and what lies behind them, are in no pair. It falls as sentences are repeated, so that of real ones is of as many of training, all different.
"""

from __future__ import annotations

import argparse
import copy
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models import device, knobs, stretches
from models.algorithms import maskgan
from models.algorithms.maskgan.measures import blanked, filled
from models.algorithms.maskgan.shown import drawn
from models.algorithms.maskgan.variance import KINDS, gradient_variance
from models.contract import GoToPhase, Lengthen, NextPhase
from models.data.sentences import alive, noise, spoken_lengths
from models.data.text import split_words
from models.metrics import text as measures
from models.nets.learning import copy_to
from models.nets.seq2seq import Blanks, Filler
from models.run import Run

SEED = 1_000_003  # of blanks and noise
COPIES = 5  # ways in which a sentence of the grammar is blanked
FREE = 1_000  # fillings of a text, and freely written sentences
BLOCKS = 10  # of redraws, for the standard error
COLDEST, HOTTEST = 0.05, 3.0  # temperatures


def main() -> None:
    """One table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=["grammar", "text", "critic"])
    words.add_argument("path", type=Path)
    words.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    words.add_argument("--steps", type=int, help="of every phase at most, to try it out")
    words.add_argument("--redraws", type=int, default=200)
    words.add_argument("--threads", type=int, default=1)
    options = words.parse_args()
    torch.set_num_threads(options.threads)
    {"grammar": of_grammar, "text": of_text, "critic": of_critic}[options.what](options)


# --- what is measured at blanks -----------------------------------------------------------------------------------


class Part(NamedTuple):
    """Sentences with blanks, and the noise that fills them."""

    tokens: Tensor  # (n, T)
    blanks: Blanks
    u: Tensor  # (n, T)


def part(run: Run, indices: np.ndarray, seed: int) -> Part:
    """Sentences of the run's data, blanked as its knobs say."""
    tokens = torch.from_numpy(run.data.rows(indices))
    tokens, blanks = blanked(run.state, tokens, seed, run.knobs.strategy, run.knobs.present)
    return Part(tokens, blanks, noise(len(tokens), tokens.shape[1], seed))


def distinct2(tokens: Tensor, blanks: Blanks, ends: bool) -> float:
    """Of filled sentences; see above."""
    rows, mask = tokens.cpu().numpy(), blanks.mask.cpu().numpy()
    inside = np.arange(1, rows.shape[1]) < spoken_lengths(rows, ends)[:, None]
    touched = inside & (mask[:, 1:] | mask[:, :-1])
    pairs = np.stack([rows[:, :-1][touched], rows[:, 1:][touched]], 1)
    return len(np.unique(pairs, axis=0)) / max(1, len(pairs))


def real_distinct2(run: Run, n: int) -> float:
    """Of `n` different training sentences, or of all where there are fewer."""
    real = part(run, run.data.train[:n], SEED)
    return distinct2(real.tokens, real.blanks, run.config.ends)


@torch.no_grad()
def guessed(net: Filler, part: Part, ends: bool) -> dict[str, float]:
    """Teacher forced at the blanks that count: perplexity, and how often the true token is the likeliest, or one of five."""
    hidden = part.blanks.chosen(net.read(part.tokens, net.encode(part.tokens, part.blanks.mask)))
    logits, wanted = net.logits(hidden, part.blanks.chosen(part.blanks.free)), part.blanks.chosen(part.tokens)
    counts = part.blanks.chosen(maskgan.seen(part.blanks, part.tokens, ends)).double()
    nats = F.cross_entropy(logits, wanted, reduction="none").double()
    before = (logits > logits.gather(1, wanted[:, None])).sum(1)
    mean = lambda x: float((x * counts).sum() / counts.sum())  # noqa: E731
    return {"perplexity": measures.perplexity(mean(nats)), "top-1": mean(before < 1), "top-5": mean(before < 5)}


def validity(run: Run, tokens: Tensor) -> float:
    """Share of sentences that the grammar has."""
    return measures.validity(split_words(tokens.cpu().numpy(), tuple(run.state.words), run.config.ends), run.data.valid)


def tempered(net: Filler, tau: float) -> Filler:
    """The same net with its logits divided."""
    out = copy.deepcopy(net)
    out.logits = lambda hidden, free: net.logits(hidden, free) / tau
    return out


def matched(net: Filler, part: Part, wanted: float, ends: bool) -> float:
    """The temperature at which the fillings have a distinct-2, by bisection on common noise; if none does, the nearest, and a line."""
    of = lambda tau: distinct2(filled(tempered(net, tau), part.tokens, part.blanks, part.u), part.blanks, ends)  # noqa: E731
    low, high = COLDEST, HOTTEST
    for end, beyond in ((low, wanted < of(low)), (high, wanted > of(high))):
        if beyond:
            print(
                f"  NOT MATCHED: at a temperature of {end:g} MaskMLE has a distinct-2 of {of(end):.4f}, and {wanted:.4f} lies beyond it", flush=True
            )
            return end
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < wanted else (low, middle)
    return (low + high) / 2


# --- grammar ------------------------------------------------------------------------------------------------------


def of_grammar(options: argparse.Namespace) -> None:
    """Means ± standard errors over seeds, and paired differences."""
    found: dict[str, list[dict[str, float]]] = {}
    counts: set[tuple[int, int]] = set()
    for seed in options.seeds:
        rows, count = one_seed(options, seed)
        counts.add(count)
        for name, numbers in rows.items():
            found.setdefault(name, []).append(numbers)
            print(f"seed {seed}  {name:<36}" + "  ".join(f"{k} {v:.4f}" for k, v in numbers.items()), flush=True)
    ours = [numbers["validity"] for numbers in found["MaskGAN"]]
    table = {}
    for name, rows in found.items():
        table[name] = {k: mean([r[k] for r in rows]) for k in rows[0]}
        gaps = [a - r["validity"] for a, r in zip(ours, rows, strict=True)]
        if name not in ("MaskGAN", "real"):
            table[name]["MaskGAN − it, validity"] = f"{mean(gaps)} ({', '.join(f'{g:+.4f}' for g in gaps)})"
    each = " or ".join(f"{n:,} filled sentences with {blanks:,} blanks" for n, blanks in sorted(counts))
    print(f"\nMean ± standard error over seeds {', '.join(map(str, options.seeds))}; of each {each}, of the test half.\n")
    markdown(table)


def one_seed(options: argparse.Namespace, seed: int) -> tuple[dict[str, dict[str, float]], tuple[int, int]]:
    """Everything of one seed on the test half, with the numbers of sentences and blanks."""
    path = options.path / f"grammar-{seed}"
    finished(path, "grammar", seed, options)
    run = Run.open(path, write=False)
    ends, held = run.config.ends, run.data.held_out
    half = len(held) // 2
    validation, test = (part(run, np.repeat(rows, COPIES), SEED + i) for i, rows in enumerate((held[:half], held[half:])))
    nets = {"MaskGAN": run.state.G, "MaskMLE": run.state.mle}
    nets["MaskMLE longer"] = Run.open(longer(path, run.state.trained["PG"]), write=False).state.mle
    wanted = distinct2(filled(run.state.G, validation.tokens, validation.blanks, validation.u), validation.blanks, ends)
    taus = dict.fromkeys(nets, 1.0)
    for name in ("MaskMLE", "MaskMLE longer"):
        tau = matched(nets[name], validation, wanted, ends)
        nets[f"{name}, distinct-2 matched"], taus[f"{name}, distinct-2 matched"] = tempered(nets[name], tau), tau
    out = {}
    for name, net in nets.items():
        tokens = filled(net, test.tokens, test.blanks, test.u)
        out[name] = {
            "validity": validity(run, tokens),
            **guessed(net, test, ends),
            "distinct-2": distinct2(tokens, test.blanks, ends),
            "τ": taus[name],
        }
    out["real"] = {"validity": validity(run, test.tokens), "distinct-2": real_distinct2(run, len(test.tokens))}
    return out, (len(test.tokens), int(maskgan.seen(test.blanks, test.tokens, ends).sum()))


def finished(path: Path, spec: str, seed: int, options: argparse.Namespace) -> None:
    """A run of the quick preset on `spec` that has come to its end, made or gone on with where it must be."""
    if path.exists():
        run = Run.open(path)
    else:
        pairs = dict(pair.split("=", 1) for pair in options.set)
        config, knob_values = knobs.split(pairs, maskgan.Config, maskgan.Knobs)
        plan = device.choose("cpu", options.threads)
        run = Run.create(path, "maskgan", spec, preset="quick", config=config, knob_values=knob_values, seed=seed, plan=plan)
    began, first = time.perf_counter(), run.state.step
    while True:
        phase = run.state.phase
        steps = run.phases[phase].steps
        for _ in run.train(stretches.began(run.lines) + min(steps, options.steps or steps)):
            pass
        if phase == len(run.phases) - 1:
            break
        if run.state.phase == phase:  # it was cut short
            run.apply(NextPhase())
    told(path, run, first, began)
    run.close()


def longer(path: Path, updates: int) -> Path:
    """A copy in which MaskMLE goes on by likelihood; the best on the validation half is kept, as it was before."""
    out = path.with_name(f"{path.name}-longer")
    if out.exists():
        return out
    unfinished = out.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(path, unfinished)
    run = Run.open(unfinished)
    began, first = time.perf_counter(), run.state.step
    run.apply(GoToPhase("maskmle"))
    run.apply(Lengthen(max(1, updates)))
    copy_to(run.state.G, run.state.mle)
    for _ in run.train(first + updates):
        pass
    told(out, run, first, began)
    run.close()
    unfinished.rename(out)
    return out


def told(path: Path, run: Run, first: int, began: float) -> None:
    """What a training took."""
    if run.state.step > first:
        print(f"  {path.name}: {run.state.step - first:,} steps, {time.perf_counter() - began:.0f} s", flush=True)


# --- text ---------------------------------------------------------------------------------------------------------


@torch.no_grad()
def of_text(options: argparse.Namespace) -> None:
    """Fillings of the test half, and sentences of which nothing is given, all at temperature 1."""
    run = Run.open(options.path, write=False)
    state, data, ends = run.state, run.data, run.config.ends
    held = data.held_out[len(data.held_out) // 2 :]
    if not len(held):
        raise SystemExit(f"{data.title} holds out no sentence.")
    test = part(run, np.resize(held, FREE), SEED)
    real = torch.from_numpy(data.rows(data.held_out[:FREE]))
    nets = {"LM": None, "MaskMLE": state.mle, "MaskGAN": state.G}
    table: dict[str, dict[str, str]] = {}
    for name, net in {"real": None, **nets}.items():
        row: dict[str, float] = {}
        if net is not None:
            row |= guessed(net, test, ends)
        tokens = filled(net, test.tokens, test.blanks, test.u) if net is not None else test.tokens
        if name != "LM":
            row |= {"LM perplexity, filled": likely(state, tokens), "distinct-2 at blanks": distinct2(tokens, test.blanks, ends)}
        if name == "real":
            row["distinct-2 at blanks"] = real_distinct2(run, FREE)
        free = real if name == "real" else torch.from_numpy(drawn(state, FREE, SEED, net=name.lower())[0])
        rows, lengths = free.numpy(), spoken_lengths(free.numpy(), ends)
        row["LM perplexity, free"] = likely(state, free)
        row |= {f"unique {n}-grams": share.value for n, share in measures.unique_ngrams(rows, lengths).items()}
        row |= {"duplicates": measures.duplicates(rows, lengths).value, "mean length": float(lengths.mean())}
        table[name] = {k: f"{v:.4g}" for k, v in row.items()}
    counts = int(maskgan.seen(test.blanks, test.tokens, ends).sum())
    blanking = f"{run.knobs.strategy}, {run.knobs.present:g} of the tokens given"
    print(f"{data.title}, step {state.step:,}, τ = 1: {counts:,} blanks ({blanking}) in {FREE:,} sentences")
    print(f"made of {len(held):,} test ones; {FREE:,} freely written ones each, beside {len(real):,} real ones held out.")
    print("LM perplexity: exp of the mean −log p of a token (its end is one) of whole sentences under the frozen language model.\n")
    markdown(table)


@torch.no_grad()
def likely(state: maskgan.State, tokens: Tensor) -> float:
    """Perplexity of sentences (n, T) under the language model."""
    nats, many = 0.0, 0.0
    for rows in tokens.to(state.device).split(64):
        here = alive(rows, state.config.ends)
        nats -= float((state.lm.log_p(rows, state.config.ends) * here).double().sum())
        many += float(here.sum())
    return measures.perplexity(nats / many)


# --- critic -------------------------------------------------------------------------------------------------------


def of_critic(options: argparse.Namespace) -> None:
    """The traces, with standard errors over blocks of redraws; their ratios by the jackknife."""
    run = Run.open(options.path, write=False)
    state, blocks = run.state, min(BLOCKS, options.redraws // 2)
    if blocks < 2:
        raise SystemExit(f"A standard error takes four redraws at least; got {options.redraws}.")
    tokens = run.data.batch(run.seed, state.step, run.config.batch)
    tokens, blanks = blanked(state, tokens, SEED, run.knobs.strategy, run.knobs.present)
    each = options.redraws // blocks
    traces: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for i in range(blocks):
        block = gradient_variance(state, tokens, blanks, run.knobs, redraws=each, kinds=KINDS, seed=SEED + i)
        for kind, value in block.items():
            traces[kind].append(value)
    print(f"{run.data.title}, step {state.step:,}: trace of the covariance of the policy gradient, one batch of {len(tokens)} training sentences,")
    print(f"{blocks} blocks of {each} redraws each (the mean of the blocks' unbiased traces ± standard error), nothing clipped, no dropout.\n")
    table = {}
    for kind, values in traces.items():
        table[kind] = {"trace": mean(values, ".4g"), "it / none": ratio(values, traces["none"]), "critic / it": ratio(traces["critic"], values)}
    markdown(table)


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """Of two means over the same blocks, ± its standard error by the jackknife."""
    a, b = np.array(above), np.array(below)
    n, left = len(a), (a.sum() - a) / (b.sum() - b)
    return f"{a.sum() / b.sum():.4f} ± {np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()):.4f}"


# --- told ---------------------------------------------------------------------------------------------------------


def mean(values: Sequence[float], as_: str = ".4f") -> str:
    """Mean ± standard error."""
    if len(values) < 2:
        return format(np.mean(values), as_)
    return f"{np.mean(values):{as_}} ± {np.std(values, ddof=1) / np.sqrt(len(values)):{as_}}"


def markdown(table: Mapping[str, Mapping[str, str]]) -> None:
    """Rows by name; what a row has not is a dash."""
    columns = list(dict.fromkeys(k for row in sorted(table.values(), key=len, reverse=True) for k in row))
    line = lambda words: "| " + " | ".join(words) + " |"  # noqa: E731
    body: Iterable[list[str]] = ([name, *(row.get(k, "–") for k in columns)] for name, row in table.items())
    print("\n".join([line(["", *columns]), line(["---"] + ["---:"] * len(columns)), *map(line, body)]))


if __name__ == "__main__":
    main()
