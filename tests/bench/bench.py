"""Speed and size of the studio: ratios measured interleaved in one run, medians of rounds. Nothing here asserts a time.

bench.py [step|window|start|memory|pictures|gallery|chains|texts|fill|discrete|all] [--seconds S] [--rounds N] [--minutes M] [--json]

step     one step of BEGAN against a good textbook step and the common three-pass step; GFLOP/s against its bare layers
window   training in the window against head-less, at the same number of threads; gaps of the event loop
start    process start to the first paint, without torch; the gap when torch comes
memory   growth of the resident memory while a run trains in the window
pictures metrics, opening of large data sets, galleries
gallery  the gallery's page with 50,000 entries: opening, scrolling, filters, memory
chains   64 chains of PPGN beside one alone, beside the bare layers and the authors' order of work; 16 of them in the window
texts    metrics of 10,000 sentences; SeqGAN's update, roll-outs, verdicts and step of D beside the loops that are commonly written
fill     MaskGAN's actor-critic update beside one that goes token by token; kinds of dropout; memory; how soon the desk answers
discrete BGAN's step beside one that repeats z, draws by multinomial and looks twice, and beside the same structure as ours
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
REPO = HERE.parents[1]
Row = dict[str, Any]


def main() -> int:
    """Measure, print the table, and the JSON if it is wanted."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
        "step": step,
        "window": window,
        "start": start,
        "memory": memory,
        "pictures": pictures,
        "gallery": gallery,
        "chains": chains,
        "texts": texts,
        "fill": fill,
        "discrete": discrete,
    }
    words.add_argument("what", nargs="*", choices=[*parts, "all"], default=["all"])
    words.add_argument("--seconds", type=float, default=60.0, help="of the watch over the event loop; of each step measurement a third")
    words.add_argument("--rounds", type=int, default=5, help="of the window beside head-less, and of starts")
    words.add_argument("--minutes", type=float, default=10.0, help="of the watch over memory")
    words.add_argument("--threads", type=int, help="of torch in `step`, `chains`, `texts` (default: those of a run) and `fill`, `discrete` (1)")
    words.add_argument("--json", action="store_true", help="the results as one line of JSON, the last")
    options = words.parse_args()
    chosen = list(parts) if "all" in options.what else options.what
    print(f"load before the bench: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"SAMPLING_STUDIO_HOME": home, "XDG_CONFIG_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        rows = [row for name in chosen for row in shown(parts[name](options))]
    if options.json:
        print(json.dumps({row["name"]: row["value"] for row in rows}))
    return 0


def shown(rows: list[Row]) -> list[Row]:
    """The table as it grows."""
    for row in rows:
        met = "" if row.get("met") is None else "ok" if row["met"] else "MISSED"
        print(f"{row['name']:<58} {row['value']:>10.4g} {row['unit']:<8} {row['target']:<34} {met}", flush=True)
    return rows


def at_least(name: str, value: float, low: float, unit: str = "×", note: str = "") -> Row:
    """A number that must not be smaller."""
    return {"name": name, "value": value, "unit": unit, "target": f"≥ {low:.4g}{note}", "met": value >= low}


def at_most(name: str, value: float, high: float, unit: str) -> Row:
    """A number that must not be larger."""
    return {"name": name, "value": value, "unit": unit, "target": f"≤ {high:g}", "met": value <= high}


def beside(name: str, value: float, low: float) -> Row:
    """A number that has its target elsewhere."""
    return plain(name, value, "×") | {"target": f"(float32 only: ≥ {low:g})"}


def plain(name: str, value: float, unit: str) -> Row:
    """A number beside the others."""
    return {"name": name, "value": value, "unit": unit, "target": "", "met": None}


# --- step ---------------------------------------------------------------------------------------------------------


def step(options: argparse.Namespace) -> list[Row]:
    """16 x 3 x 32 x 32, n = 64, layout authors."""
    found = child("steps.py", "--seconds", options.seconds / 3, *(["--threads", options.threads] if options.threads else []))
    rows = [plain("step: threads of torch", found["threads"], "")]
    for precision in ("float32", "bfloat16"):
        f = found[precision]
        rows += [
            plain(f"step {precision}: product", f["product"] * 1e3, "ms"),
            at_least(f"step {precision}: textbook / product", f["textbook"] / f["product"], 0.9 * 1.28, note=" (predicted 1.28)"),
            at_least(f"step {precision}: three-pass / product", f["three_pass"] / f["product"], 0.9 * 1.42, note=" (predicted 1.42)"),
            (at_least if precision == "float32" else beside)(f"step {precision}: layers alone / product", f["layers"] / f["product"], 0.8),
            plain(f"step {precision}: product", f["gflop"] / f["product"], "GFLOP/s"),
        ]
    rows.append(plain("step: float32 / bfloat16", found["float32"]["product"] / found["bfloat16"]["product"], "×"))
    rows.append(plain("step: float32 three-pass / product in bfloat16", found["float32"]["three_pass"] / found["bfloat16"]["product"], "×"))
    return rows


# --- window -------------------------------------------------------------------------------------------------------


def window(options: argparse.Namespace) -> list[Row]:
    """Segments of both kinds take turns, each in a process of its own that waits while the other one runs."""
    cores = os.cpu_count() or 1
    kinds = {"window": "window.py", "headless": "headless.py", "all": "headless.py"}
    running = {k: Child(file, "--threads", cores if k == "all" else max(1, cores - 1)) for k, file in kinds.items()}
    rates: dict[str, list[float]] = {k: [] for k in running}
    idle: list[float] = []
    try:
        for _ in range(options.rounds):
            for kind, process in running.items():
                found = process.ask(f"run {max(3.0, options.seconds / options.rounds / 2)}")
                rates[kind].append(found["rate"])
                idle.append(found.get("idle", 0.0))
        gaps = running["window"].ask(f"watch {options.seconds}")
    finally:
        for process in running.values():
            process.end()
    shares = [w / h for w, h in zip(rates["window"], rates["headless"], strict=True)]
    return [
        plain("head-less, all cores but one", median(rates["headless"]), "it/s"),
        plain("window, the same threads", median(rates["window"]), "it/s"),
        at_least("window / head-less, the same threads", median(shares), 0.85),
        plain("window / head-less on all cores", median(w / h for w, h in zip(rates["window"], rates["all"], strict=True)), "×"),
        plain(f"event loop over {options.seconds:.0f} s: p50 of gaps", gaps["p50"], "ms"),
        at_most("event loop: p99 of gaps", gaps["p99"], 50, "ms"),
        at_most("event loop: longest gap", gaps["max"], 200, "ms"),
        plain("event loop: p99 of gaps weighted by their length", gaps["p99_time"], "ms"),
        at_most("window while paused: share of a core, the most", 100 * max(*idle, gaps["idle"]), 15, "%"),
    ]


# --- start --------------------------------------------------------------------------------------------------------


def start(options: argparse.Namespace) -> list[Row]:
    """The first start warms the disk cache and does not count."""
    found = [child("start.py") for _ in range(options.rounds + 1)][1:]
    return [
        at_most("start: first paint of the window", median(f["paint"] for f in found), 1.5, "s"),
        at_most("start: first picture of a demo", median(f["picture"] for f in found), 5.0, "s"),
        at_most("start: torch imported before it", max(f["torch"] for f in found), 0, "times"),
        at_most("start: longest gap while torch is imported", median(f["gap"] for f in found), 500, "ms"),
        plain("start: ready for a run", median(f["ready"] for f in found), "s"),
    ]


# --- memory -------------------------------------------------------------------------------------------------------


def memory(options: argparse.Namespace) -> list[Row]:
    """After a minute of warm-up, or a fifth of the time if that is shorter."""
    process = Child("window.py", "--threads", max(1, (os.cpu_count() or 2) - 1))
    try:
        process.ask(f"run {min(60.0, options.minutes * 12)}")
        found = process.ask(f"memory {options.minutes * 60}")
    finally:
        process.end()
    return [
        plain("memory: resident after warm-up", found["first"], "MB"),
        at_most(f"memory: growth over {options.minutes:g} min in the window", 100 * (found["last"] / found["first"] - 1), 2, "%"),
    ]


# --- pictures -----------------------------------------------------------------------------------------------------


def pictures(options: argparse.Namespace) -> list[Row]:
    """One process measures them all."""
    del options
    with tempfile.TemporaryDirectory() as folder:
        found = child("pictures.py", folder)
    return [
        at_most("5,000 samples, 32 px: features, Fréchet, KID, precision … coverage", found["measured"], 20, "s"),
        plain("… torchmetrics / ours, Fréchet and KID on given features", found["oracle"], "×"),
        plain("… training the judge, once a data set", found["judge"], "s"),
        plain("IDX of 60,000 pictures: first opening", found["idx_first"], "s"),
        at_most("IDX of 60,000 pictures: second opening", found["idx_second"], 3, "s"),
        plain("HTML gallery of 1,000 pictures", found["gallery"], "s"),
        at_most("HTML gallery of 1,000 pictures / their PNGs", found["gallery_size"], 2, "×"),
        at_most("10,000 pictures in the window: opened", found["browse"], 0.5, "s"),
    ]


# --- gallery ------------------------------------------------------------------------------------------------------


def gallery(options: argparse.Namespace) -> list[Row]:
    """50,000 entries."""
    del options
    with tempfile.TemporaryDirectory() as folder:
        found = child("gallery.py", folder)
    n = f"gallery of {found['entries']:,}"
    return [
        at_most(f"{n}: opened", found["opened"], 1, "s"),
        plain(f"{n}: its pictures are seen", found["seen"], "s"),
        at_most(f"{n}: a frame while it is scrolled, 95 of 100 below", 1e3 * found["frame"], 50, "ms"),
        plain(f"{n}: another run", found["filtered"], "s"),
        plain(f"{n}: words", found["searched"], "s"),
        plain(f"{n}: the nearest of a picture", found["nearest"], "s"),
        at_most(f"{n}: memory after all of it was scrolled through", found["memory"], 250, "MB"),
        plain(f"{n}: its file", found["file"], "MB"),
    ]


# --- chains -------------------------------------------------------------------------------------------------------


def chains(options: argparse.Namespace) -> list[Row]:
    """The nets of the quick preset, in the precision that a run has here and in float32."""
    found = child("chains.py", "--seconds", options.seconds / 3, *(["--threads", options.threads] if options.threads else []))
    shown = child("chainwindow.py", "--seconds", options.seconds / 3)
    rows = [plain("chains: threads of torch", found["threads"], "")]
    for precision in ("float32", "bfloat16"):
        f, used = found[precision], precision == found["default"]
        each, checked = f["one"] / (f["many"] / 64), at_least if used else lambda name, value, low: plain(name, value, "×")
        rows += [
            plain(f"chains {precision}: step of 64", f["many"] * 1e3, "ms"),
            checked(f"chains {precision}: one alone / each of 64", each, 6),
            checked(f"chains {precision}: bare layers / step of 64", f["layers"] / f["many"], 0.6),
            plain(f"chains {precision}: step of 64", f["gflop"] / f["many"], "GFLOP/s"),
            plain(f"chains {precision}: authors' order of work / ours, 64", f["original"] / f["many"], "×"),
        ]
    f = found["float32"]
    return [
        *rows,
        plain("chains: G, multiplications of a picture", f["macs_G"] / 1e6, "M"),
        plain("chains: E, multiplications of a picture", f["macs_E"] / 1e6, "M"),
        plain("chains: counted work / one pass of G and E forth and back", f["counted"] / f["gflop"], "×"),
        at_least("16 chains in the window while they are drawn", shown["rate"], 20, "steps/s"),
        at_most("event loop meanwhile: p99 of gaps", shown["p99"], 50, "ms"),
    ]


# --- texts --------------------------------------------------------------------------------------------------------


def texts(options: argparse.Namespace) -> list[Row]:
    """Metrics; then the paper's SeqGAN, in the precision that a run has here and in float32."""
    threads = ["--threads", options.threads] if options.threads else []
    measured, found = child("texts.py"), child("seqgan.py", "--seconds", options.seconds, *threads)
    grown = {N: child("seqgan.py", "--memory", N, *threads) for N in (16, 64)}
    rows = [
        at_most("BLEU-1…5 of 10,000 sentences against 10,000", measured["bleu_10k_10k"], 1.5, "s"),
        plain("… nltk, from 4 against 400 / ours", measured["nltk_ratio_extrapolated"], "×"),
        plain("Self-BLEU of 10,000 sentences", measured["self_bleu_10k"], "s"),
        plain("BLEU of 1,000 samples, a point of a live curve", measured["bleu_1k_known_10k"], "s"),
        plain("seqgan: threads of torch", found["threads"], ""),
        plain("seqgan: GEMM in float32, 2048", 2 * 2048**3 / found["gemm"] / 1e9, "GFLOP/s"),
        *searches(found),
        *steps_of_D(found),
    ]
    for N, f in grown.items():
        rows.append(at_most(f"seqgan: memory of a search, N = {N} (budget: + tables)", f["grown"] / 2**20, f["budget"] // 2**20, "MB"))
    return rows


def searches(f: Row) -> list[Row]:
    """The naive loop has 2 of 16 roll-outs, the passes of convolutions one in four: their times are proportional to them."""
    times = f["times"]
    rollouts, given, verdicts = f["naive_rollouts"] * times, f["given_rollouts"] * times, f["naive_rewards"] * f["batches"]
    rest = f["naive_sample"] + f["naive_learn"]
    gflops = 2 * 2048**3 / f["gemm"] / 1e9
    rows = [
        plain(f"roll-outs: naive (from 1/{times:g} of them)", rollouts, "s"),
        plain("roll-outs: ours", f["rollouts"], "s"),
        at_least("roll-outs: naive / ours", rollouts / f["rollouts"], 20),
        plain("roll-outs: naive, given our sampler / ours", given / f["rollouts"], "×"),
        plain(f"update of G: naive (from 1/{times:g} of the roll-outs)", rollouts + verdicts + rest, "s"),
    ]
    for precision in ("bfloat16", "float32"):
        update, judged = f[f"update_{precision}"], f[f"verdicts_{precision}"]
        checked = at_least if precision == f["default"] else lambda name, value, low: plain(name, value, "×")
        rows += [
            plain(f"update of G, {precision}: ours", update, "s"),
            checked(f"update of G, {precision}: naive / ours", (rollouts + verdicts + rest) / update, 12),
            plain(f"update of G, {precision}: naive, given our sampler / ours", (given + verdicts + rest) / update, "×"),
            plain(f"update of G, {precision}: of 494 GFLOP at the GEMM's rate", 100 * 494 / gflops / update, "%"),
            plain(f"verdicts, {precision}: ours, tables made anew", judged, "s"),
            checked(f"verdicts, {precision}: conv1d, float32 (1/{f['share']}) / ours", f["passes_float32"] * f["rows"] / judged, 1.8),
            plain(f"verdicts, {precision}: conv1d, bfloat16 (1/{f['share']}) / ours", f["passes_bfloat16"] * f["rows"] / judged, "×"),
        ]
    return rows


def steps_of_D(f: Row) -> list[Row]:
    """Beside two loops in float32."""
    rows = []
    for precision in ("bfloat16", "float32"):
        own = f[f"d_step_{precision}"]
        checked = at_least if precision == f["default"] else lambda name, value, low: plain(name, value, "×")
        rows += [
            plain(f"step of D, {precision}: ours", own * 1e3, "ms"),
            checked(f"step of D, {precision}: Conv2d, unfused Adam, float32 / ours", f["d_step_kim"] / own, 1.4),
            checked(f"step of D, {precision}: Conv1d, fused Adam, float32 / ours", f["d_step_conv1d"] / own, 1.0),
        ]
    return rows


# --- fill ---------------------------------------------------------------------------------------------------------


def fill(options: argparse.Namespace) -> list[Row]:
    """MaskGAN at V = 5,000, batches of 64 sentences of 20 tokens, half of each a stretch of blanks, two layers; float32."""
    threads = ["--threads", options.threads or 1]
    rows = [row for h in (128, 650) for row in updates(child("maskgan.py", "--h", h, "--seconds", options.seconds, *threads))]
    for h in (128, 650):
        grown = {kind: child("maskgan.py", "--memory", kind, "--h", h, *threads)["grown"] for kind in ("ours", "naive")}
        rows += [
            plain(f"maskgan {h}: memory of an update", grown["ours"] / 2**20, "MB"),
            plain(f"maskgan {h}: memory, token by token / ours", grown["naive"] / grown["ours"], "×"),
        ]
    desk = child("maskgan.py", "--fill", *threads)
    return [
        *rows,
        at_most("desk: 5 alternatives of 20 tokens, 4 to 6 blanks, from the State", desk["state"], 50, "ms"),
        plain("desk: … the latest 5 %", desk["state_p95"], "ms"),
        at_most("desk: … as the command records them", desk["record"], 50, "ms"),
        plain("desk: … by the command, which opens the run every time", desk["command"], "ms"),
    ]


def updates(f: Row) -> list[Row]:
    """The quicker of the two loops counts; only at 128 neurons is much asked, as larger products leave less beside them."""
    name = f"maskgan {f['h']}"
    quickest = min(f["naive"], f["given"])
    return [
        plain(f"{name}: load of the machine, on {os.cpu_count()} cores", f["load"], ""),
        plain(f"{name}: share of its cores that it had", 100 * f["share"], "%" if f["share"] > 0.95 else "% BUSY"),
        plain(f"{name}: update (D and critic, then G): ours", f["ours"] * 1e3, "ms"),
        plain(f"{name}: update, of its GFLOP", f["gflop"] / f["ours"], "GFLOP/s"),
        at_least(f"{name}: update, token by token / ours", quickest / f["ours"], 1.3 if f["h"] == 128 else 1.0),
        plain(f"{name}: … drawn in the gradient's pass / ours", f["naive"] / f["ours"], "×"),
        plain(f"{name}: … drawn as ours / ours", f["given"] / f["ours"], "×"),
        plain(f"{name}: step of D and critic, token by token / ours", min(f["naive_D"], f["given_D"]) / f["ours_D"], "×"),
        plain(f"{name}: step of G, token by token / ours", min(f["naive_G"], f["given_G"]) / f["ours_G"], "×"),
        plain(f"{name}: update, recurrent dropout / locked (keep ½)", f["recurrent"] / f["locked"], "×"),
        plain(f"{name}: step of D, m(x) encoded twice / once", f["redraw_D"] / f["ours_D"], "×"),
        plain(f"{name}: sequence calls of D, critic with it", f["calls_D"], "a layer"),
        plain(f"{name}: sequence calls in the gradient's pass of G", f["calls_G"], "a layer"),
        plain(f"{name}: rows of logits / blanks", f["logits"] / f["blanks"], "×"),
    ]


# --- discrete -----------------------------------------------------------------------------------------------------


def discrete(options: argparse.Namespace) -> list[Row]:
    """BGAN at M = 20, batches of 64, 28 px: the authors' widths and those of the quick preset, in the precision of a run."""
    threads, rows = ["--threads", options.threads or 1], []
    for name, more in (
        ("authors' nets", ("--precision", "auto")),
        ("authors' nets, float32", ()),
        ("quick nets", ("--n", 32, "--full", 256, "--precision", "auto")),
    ):
        f = child("bgan.py", *more, *threads)
        rows += [
            plain(f"bgan, {name}: load of the machine, on {os.cpu_count()} cores", f["load"], ""),
            plain(f"bgan, {name}: step: ours", f["ours"] * 1e3, "ms"),
            plain(f"bgan, {name}: of its GFLOP", f["gflop"] / f["ours"], "GFLOP/s"),
            at_least(f"bgan, {name}: z repeated, multinomial, D twice / ours", f["repeated"] / f["ours"], 2.0),
            plain(f"bgan, {name}: G and D once, multinomial / ours", f["lean"] / f["ours"], "×"),
            plain(f"bgan, {name}: ours / D learns from 2 of 20", f["ours"] / f["learn2"], "×"),
        ]
    return rows


# --- processes ----------------------------------------------------------------------------------------------------


def child(file: str, *words: object) -> Any:
    """What a script beside this one prints last."""
    done = subprocess.run([sys.executable, HERE / file, *map(str, words)], cwd=REPO, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


class Child:
    """A script that answers one line of JSON to each line it is asked."""

    def __init__(self, file: str, *words: object) -> None:
        command = [sys.executable, str(HERE / file), *map(str, words)]
        self._process = subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.answer()

    def ask(self, line: str) -> Any:
        """The answer."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        return self.answer()

    def answer(self) -> Any:
        """The next line."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended with status {self._process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        """Let it close what it has open."""
        if self._process.poll() is None:
            self._process.communicate("quit\n")


if __name__ == "__main__":
    sys.exit(main())
