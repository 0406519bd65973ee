"""MaskGAN's actor-critic update beside one that goes token by token, kinds of dropout, and how soon the desk answers; interleaved, medians.

maskgan.py [--h H] [--seconds S] [--threads N]      seconds of everything at one size, as one line of JSON
maskgan.py --memory ours|naive|given [--h H]        bytes that the resident memory grows by at most in an update
maskgan.py --fill [--threads N]                     milliseconds of an answer of the desk, from the State and through the command
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from torch import Tensor

from models import device
from models.algorithms import maskgan
from models.algorithms.maskgan import filling
from models.algorithms.maskgan.fillings import Desk
from models.data.text import split_words
from models.nets.seq2seq import Filler
from tests.bench import unrolled
from tests.bench.seqgan import resident, timed

V, T, BATCH, LAYERS = 5_000, 20, 64, 2
PRESENT = 0.5
KNOBS = maskgan.Knobs(present=PRESENT, strategy="contiguous", measure_every=0)
HALF = KNOBS.model_copy(update={"keep_G": 0.5, "keep_D": 0.5})  # with which the two kinds of dropout are compared
FEWEST = 3  # rounds
ALTERNATIVES, ANSWERS = 5, 60

Step = Callable[[maskgan.State, Tensor, maskgan.Knobs], Any]
KINDS: dict[str, tuple[Step, Step]] = {
    "ours": (maskgan.d_step, maskgan.g_step),
    "naive": (lambda *given: unrolled.d_step(*given, ours=False), lambda *given: unrolled.g_step(*given, ours=False)),
    "given": (lambda *given: unrolled.d_step(*given, ours=True), lambda *given: unrolled.g_step(*given, ours=True)),
}


def state_of(h: int, threads: int | None, **more: Any) -> maskgan.State:
    """Nets as they are when they are made; their values do not matter for the time."""
    plan = device.choose("cpu", threads, "float32")
    device.use(plan)
    return maskgan.init(maskgan.Config(vocab=V, T=T, h=h, layers=LAYERS, batch=BATCH, **more), 0, plan)


def sentences(n: int = BATCH) -> Tensor:
    """Numbers for words, (n, T)."""
    return torch.randint(2, V, (n, T), generator=torch.Generator().manual_seed(0))


# --- seconds ------------------------------------------------------------------------------------------------------


def measure(h: int, threads: int | None, seconds: float) -> dict[str, Any]:
    """Medians over rounds in which everything takes its turn; an update is one step of D and critic and one of G."""
    tokens, calls = sentences(), {}
    for name, (D, G) in KINDS.items():
        state = state_of(h, threads)
        calls[f"{name}_D"] = lambda D=D, state=state: D(state, tokens, KNOBS)
        calls[f"{name}_G"] = lambda G=G, state=state: G(state, tokens, KNOBS)
    own = state_of(h, threads)
    for dropout in ("locked", "recurrent"):
        knobs = HALF.model_copy(update={"dropout": dropout})
        calls[f"{dropout}_D"] = lambda knobs=knobs: maskgan.d_step(own, tokens, knobs)
        calls[f"{dropout}_G"] = lambda knobs=knobs: maskgan.g_step(own, tokens, knobs)
    calls["redraw_D"] = lambda: maskgan.d_step(own, tokens, KNOBS.model_copy(update={"redraw": True}))
    counts = counted(state_of(h, threads), tokens)
    for call in calls.values():  # makes the moments of Adam, and whatever else is made once
        call()
    took: dict[str, list[float]] = {name: [] for name in calls}
    end, wall, used = time.perf_counter() + seconds, time.perf_counter(), time.process_time()
    while time.perf_counter() < end or len(took["ours_D"]) < FEWEST:
        for name, call in calls.items():
            took[name].append(timed(call))
    share = (time.process_time() - used) / (time.perf_counter() - wall) / torch.get_num_threads()
    both = lambda name: median(a + b for a, b in zip(took[f"{name}_D"], took[f"{name}_G"], strict=True))  # noqa: E731
    updates = {name: both(name) for name in (*KINDS, "locked", "recurrent")}
    steps = {name: median(times) for name, times in took.items()}
    gflop = maskgan.work(own.config, KNOBS)["gan"] * 2  # two steps of a round
    return {**steps, **updates, **counts, "rounds": len(took["ours_D"]), "share": share, "gflop": gflop, "h": h}


def counted(state: maskgan.State, tokens: Tensor) -> dict[str, int]:
    """Sequence calls of an update, and rows of logits in the gradient's pass of G beside its blanks; fails where they are not as they should be."""
    calls: Counter[str] = Counter()
    for name, stack in (("D", state.D.decoder), ("encoder", state.D.encoder), ("G", state.G.decoder)):
        for lstm in stack.lstms():
            lstm.register_forward_hook(lambda *_, name=name: calls.update([name] if torch.is_grad_enabled() else []))
    with rows_of_logits() as rows, blanks_of_batches() as blanks:
        maskgan.d_step(state, tokens, KNOBS)
        maskgan.g_step(state, tokens, KNOBS)
    found = {f"calls_{name}": calls[name] // LAYERS for name in ("D", "encoder", "G")} | {"logits": rows[True], "blanks": blanks[-1]}
    if found != {"calls_D": 1, "calls_encoder": 1, "calls_G": 1, "logits": blanks[-1], "blanks": blanks[-1]} or rows[False] != sum(blanks):
        raise SystemExit(f"An update is not made of one call a net and of logits at the blanks: {found}, drawn {rows[False]} of {sum(blanks)}.")
    return found


@contextlib.contextmanager
def rows_of_logits() -> Iterator[Counter[bool]]:
    """Rows of G's logits meanwhile, by whether there is a graph."""
    found, logits = Counter(), Filler.logits

    def noted(self: Filler, hidden: Tensor, free: Tensor) -> Tensor:
        found[torch.is_grad_enabled()] += len(hidden)
        return logits(self, hidden, free)

    Filler.logits = noted
    try:
        yield found
    finally:
        Filler.logits = logits


@contextlib.contextmanager
def blanks_of_batches() -> Iterator[list[int]]:
    """How many blanks each batch has meanwhile."""
    found: list[int] = []
    masked = maskgan.masked

    def noted(*given: Any) -> Any:
        tokens, blanks = masked(*given)
        found.append(blanks.count)
        return tokens, blanks

    maskgan.masked = noted
    try:
        yield found
    finally:
        maskgan.masked = masked


# --- memory -------------------------------------------------------------------------------------------------------


def memory(kind: str, h: int, threads: int | None) -> dict[str, float]:
    """Bytes of an update over what was resident before it, at most; the moments of Adam were there before."""
    state, (D, G) = state_of(h, threads), KINDS[kind]
    for step in (D, G):
        step(state, sentences(2), KNOBS)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    for step in (D, G):
        step(state, sentences(), KNOBS)
    return {"grown": resident("VmHWM") - before, "resident": before}


# --- the desk -----------------------------------------------------------------------------------------------------


def answers(threads: int | None) -> dict[str, float]:
    """Milliseconds for five alternatives of a sentence of 20 tokens with 4 to 6 blanks; nets of the quick preset on the grammar, as they are made."""
    from models.run import Run
    from studio.cli import parser
    from studio.commands.fill import fill
    from studio.export.filled import desk_record

    plan = device.choose("cpu", threads)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        Run.create(path, "maskgan", "grammar", preset="quick", plan=plan).close()
        run = Run.open(path, write=False)
        desks = list(desks_of(run))
        took: dict[str, list[float]] = {"state": [], "record": [], "command": []}
        for i, desk in enumerate(desks[:3] + desks):
            text = " ".join("___" if at in desk.blanks else word for at, word in enumerate(desk.tokens))
            options = parser().parse_args(["fill", str(path), text, "-n", str(ALTERNATIVES), "--seed", str(i)])
            record = lambda desk=desk, i=i: desk_record(run, desk, n=ALTERNATIVES, seed=i, nets=("maskgan",))  # noqa: E731
            took["state"].append(timed(lambda desk=desk, i=i: filling.fill(run.state, desk, ALTERNATIVES, i)))
            took["record"].append(timed(record))
            with contextlib.redirect_stderr(io.StringIO()):
                took["command"].append(timed(lambda options=options: fill(options)))
    late = np.percentile(took["state"][3:], 95)
    return {name: median(times[3:]) * 1e3 for name, times in took.items()} | {"state_p95": float(late) * 1e3, "answers": len(desks)}


def desks_of(run: Any) -> Iterator[Desk]:
    """Held-out sentences of 20 tokens, each with 4, 5 or 6 blanks here and there."""
    data, random = run.data, np.random.default_rng(0)
    full = data.held_out[(data.tokens[data.held_out] != 0).sum(1) == T]
    if not len(full):
        raise SystemExit(f"No held-out sentence of {data.title} has {T} tokens.")
    for i in range(ANSWERS):
        (words,) = split_words(data.rows([full[i % len(full)]]), data.words, data.ends)
        yield Desk(tuple(words), tuple(sorted(random.choice(T, 4 + i % 3, replace=False).tolist())))


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--h", type=int, default=128)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--memory", choices=list(KINDS))
    words.add_argument("--fill", action="store_true")
    options = words.parse_args()
    if options.memory:
        found = memory(options.memory, options.h, options.threads)
    elif options.fill:
        found = answers(options.threads)
    else:
        found = measure(options.h, options.threads, options.seconds)
    print(json.dumps(found | {"threads": torch.get_num_threads(), "load": os.getloadavg()[0]}))
