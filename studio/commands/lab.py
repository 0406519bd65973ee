"""`lab`: a sampler on a density, with its diagnostics."""

from __future__ import annotations

import argparse
import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import BadInput, RunFailed
from studio.commands.clash import may_write, told
from studio.commands.terminal import Result, bar, number, stoppable, strict, tell
from studio.pace import Pace


def lab(options: argparse.Namespace) -> Result:
    """Walk, and sum up the second half of the steps."""
    from models import catalog
    from models.lab import Lab

    if options.device not in ("auto", "cpu"):
        raise BadInput(f"The lab computes on the CPU, where its small steps are quickest: leave --device {options.device} away.")
    if options.out and (options.out.suffix.lower() != ".csv" or options.out.is_dir()):
        raise BadInput(f"--out takes FILE.csv; got {str(options.out)!r}.")
    replaced = options.out is not None and may_write(options.out, options.force)
    kernel = catalog.kernel(options.kernel)
    _threads(options.threads)
    target = catalog.target(options.target)
    start = _start(options.start or ("exact" if target.drawable else "wide"))
    settings = _settings(kernel, target, options.step_size, options.epsilon)
    half = options.steps - options.steps // 2
    walk = Lab(options.kernel, target, settings, chains=options.chains, seed=options.seed, start=start, keep=max(1, half))
    _walk(walk, options.steps)
    summary = walk.summary(half if options.steps else 0)
    if summary.frozen:
        tell(f"{summary.frozen:,} of {summary.chains:,} chains left the finite numbers and were frozen: smaller steps keep more of them going.")
    result = _result(options, walk, summary, start)
    if options.out:
        _write(options, walk, half, start)
        result["out"] = str(options.out)
    return told((result, _text(result, walk, summary), 0), replaced)


def _threads(asked: int | None) -> None:
    import torch

    torch.set_num_threads(asked or 1)  # tensors of a few hundred numbers: a second thread only waits


def _start(word: str) -> Any:
    if word in ("exact", "wide"):
        return word
    try:
        return [float(part) for part in word.split(",")]
    except ValueError:
        raise BadInput(f"--start takes exact, wide or a point such as 0,0; got {word!r}.") from None


def _settings(kernel: Any, target: Any, step_size: str | None, epsilon: str | None) -> dict[str, float]:
    """Knobs by name from the two conventions; raises BadInput."""
    if step_size is not None and epsilon is not None:
        raise BadInput("--step-size and --epsilon are two names of one step: give one of them.")
    names = list(kernel.knobs_of(target).model_fields)
    if step_size is not None:
        sigma = number(step_size, "--step-size")
        return {"step_size": sigma} if names == ["step_size"] else {n: sigma if n == "epsilon3" else sigma**2 / 2 for n in names}
    if epsilon is None:
        return {}
    if kernel.NAME == "metropolis":
        raise BadInput("metropolis follows no gradient, so it has no ε: give its noise with --step-size.")
    found = [number(word, "--epsilon") for word in epsilon.split(",")]
    noise = math.sqrt(2 * found[0])
    if kernel.NAME == "mala":
        if len(found) > 1:
            raise BadInput(f"mala takes one ε, drift ε and noise √(2ε); got {epsilon!r}. Drift and noise are set apart by mala-approx.")
        return {"step_size": noise}
    if len(found) == len(names):
        return dict(zip(names, found, strict=True))
    if len(found) > 2:
        raise BadInput(f"mala-approx on {target.name} takes one to {len(names)} numbers, {','.join(names)}; got {epsilon!r}.")
    last = found[1] if len(found) == 2 else noise
    return {n: last if n == "epsilon3" else found[0] for n in names}


def _walk(walk: Any, steps: int) -> None:
    pace = Pace()
    pace.start()
    with stoppable() as stopped, bar(f"{walk.kernel.TITLE} · {walk.target.title}", steps) as show:
        while walk.t < steps and not stopped():
            walk.step(min(50, steps - walk.t))
            pace.mark(walk.t)
            show(walk.t, pace)
    if walk.t < steps:
        raise RunFailed(f"Stopped at step {walk.t:,} of {steps:,}; nothing was written.")


def _numbers(values: Any) -> Any:
    """Arrays and tensors as lists, what is not finite as None."""
    if values is None:
        return None
    return [_numbers(v) for v in values] if np.ndim(values) else strict(float(values))


def _result(options: argparse.Namespace, walk: Any, summary: Any, start: Any) -> dict[str, Any]:
    bias = summary.bias
    return {
        "kernel": options.kernel,
        "target": options.target,
        "chains": summary.chains,
        "steps": summary.steps,
        "acceptance": strict(summary.acceptance),
        "ess_bulk": strict(float(np.min(summary.ess_bulk))),
        "ess_tail": strict(float(np.min(summary.ess_tail))),
        "rhat": strict(float(np.max(summary.rhat))),
        "mean": _numbers(summary.mean),
        "covariance": _numbers(summary.covariance),
        "temperature": strict(summary.temperature),
        "bias": strict(bias.worst) if bias else None,
        "seconds": round(summary.seconds, 4),
        "draws": summary.draws,
        "frozen": summary.frozen,
        "seed": options.seed,
        "threads": options.threads or 1,
        "start": start,
        "settings": walk.knobs.model_dump(),
        "temperatures": dict(zip(walk.target.terms if len(summary.temperatures) > 1 else ["all"], _numbers(summary.temperatures), strict=True)),
        "true_mean": _numbers(walk.target.mean),
        "true_covariance": _numbers(walk.target.covariance),
        "bias_mean": _numbers(bias.mean) if bias else None,
        "bias_sd": _numbers(bias.sd) if bias else None,
        "bias_standard_errors": _numbers(bias.errors) if bias else None,
        "ess_per_second": strict(summary.ess_per_second),
        "ess_per_evaluation": strict(summary.ess_per_evaluation),
        "log_densities": round(summary.densities),
        "gradients": round(summary.gradients),
    }


def _text(result: dict[str, Any], walk: Any, summary: Any) -> str:
    def say(value: float | None, form: str = ".4g") -> str:
        return "–" if value is None else format(value, form)

    settings = "  ".join(
        f"{field.json_schema_extra['symbol']} {getattr(walk.knobs, name):.4g}" for name, field in type(walk.knobs).model_fields.items()
    )
    frozen = f", {summary.frozen:,} of them frozen" if summary.frozen else ""
    rows = [
        f"{walk.kernel.TITLE} on {walk.target.title}: {settings}",
        f"{summary.chains:,} chains{frozen}, {summary.steps:,} steps in {summary.seconds:.2f} s; the last {summary.draws:,} are summed up",
        "",
        f"{'acceptance':<14}{say(result['acceptance'], '.3f')}",
        f"{'temperature':<14}" + "  ".join(f"{name} {say(t)}" if name != "all" else say(t) for name, t in result["temperatures"].items()),
        f"{'ESS':<14}bulk {say(result['ess_bulk'], ',.0f')}  tail {say(result['ess_tail'], ',.0f')}",
        f"{'':<14}{say(result['ess_per_second'], ',.0f')} a second, {say(result['ess_per_evaluation'])} an evaluation",
        f"{'R-hat':<14}{say(result['rhat'], '.4f')}",
        f"{'bias':<14}{say(result['bias'])}" + ("  (largest error of a mean or sd, in true sds)" if result["bias"] is not None else ""),
        "",
        f"{'axis':>4}{'mean':>12}{'truth':>12}{'sd':>12}{'truth':>12}{'error/se':>12}",
    ]
    d, most = len(result["mean"]), 12
    for j in range(min(d, most)):
        truth, spread = (result["true_mean"] or [None] * d)[j], result["true_covariance"][j][j] if result["true_covariance"] else None
        cells = (result["mean"][j], truth, _root(result["covariance"][j][j]), _root(spread), (result["bias_standard_errors"] or [None] * d)[j])
        rows.append(f"{j + 1:>4}" + "".join(f"{say(c):>12}" for c in cells))
    return "\n".join(rows + [f"   … {d - most} more; --json has all"] * (d > most))


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _write(options: argparse.Namespace, walk: Any, half: int, start: Any) -> None:
    """The table, and the recipe that makes it again beside it."""
    from models.settings import settings
    from studio import recipe as recipes
    from studio.export.whole import written
    from studio.verify import labs

    recipe = recipes.make(labs.KIND, labs.source(walk, options.target, start, options.steps, options.threads or 1), seed=options.seed, draws=half)
    if options.private or settings().privacy:
        recipe = recipes.private(recipe)

    def write(_: object, path: Path) -> list[Path]:
        write_chains(walk, half, path)
        recipes.save_beside(path, recipe)
        return [path]

    written(write, None, options.out, private=False)


def write_chains(walk: Any, half: int, path: Path) -> None:
    """A row for each chain: frozen or not, acceptance, mean log density, mean and last position; raises DiskTrouble."""
    from models.files import write_bytes
    from models.metrics import chain

    d, trace, log_p, accepted = walk.target.d, walk.trace(half), walk.log_p_trace(half), walk.accepted_trace(half)
    rates = [math.nan] * walk.chains if accepted is None else chain.acceptance(accepted.numpy()).tolist()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    axes = [f"x{j + 1}" for j in range(d)]
    writer.writerow(["chain", "frozen", "acceptance", "log_p", *(f"mean_{a}" for a in axes), *(f"last_{a}" for a in axes)])
    empty = [math.nan] * d
    for i in range(walk.chains):
        moved = trace.shape[1] > 0
        numbers = [
            rates[i],
            float(log_p[i].mean()) if moved else math.nan,
            *(trace[i].mean(0).tolist() if moved else empty),
            *walk.state.x[i].tolist(),
        ]
        writer.writerow([i, int(walk.state.frozen[i]), *(f"{v:.9g}" if math.isfinite(v) else "" for v in numbers)])
    write_bytes(path, out.getvalue().encode())
