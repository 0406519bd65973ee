"""`train` and `resume`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from models.errors import BadInput, RunFailed
from studio import runs as whereabouts
from studio.awake import keeping
from studio.commands.terminal import Result, bar, reading, stoppable, strict, tell
from studio.export import writes_of
from studio.pace import Pace, duration

LONG = 600.0  # seconds of a training that are told before it begins
EVALUATED = 2_000  # samples of an evaluation beside the training


def settings(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a dict; raises BadInput."""
    out: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"--set takes NAME=VALUE, for example gamma=0.4; got {pair!r}.")
        out[name.strip()] = value
    return out


def train(options: argparse.Namespace) -> Result:
    """A run from the beginning."""
    from models import catalog, device, knobs
    from models.opening import new_path, preset_of
    from models.run import Run

    algorithm = catalog.algorithm(options.system)
    preset = preset_of(algorithm, options.preset)
    if options.settings:
        return _settings(algorithm, preset)
    if options.data is None:
        example = getattr(algorithm, "FIRST_DATA", "grammar" if writes_of(algorithm) == "text" else "faces")
        raise BadInput(f"train needs --data, for example --data {example}; `sampling-studio data` lists the sources.")
    wanted = settings(options.set)
    if options.tokens is not None:
        if "unit" not in algorithm.Config.model_fields:
            raise BadInput(f"{algorithm.TITLE} learns pictures, which have no tokens: leave out --tokens.")
        if wanted.get("unit", options.tokens) != options.tokens:
            raise BadInput(f"--tokens {options.tokens} and --set unit={wanted['unit']} say different things: give one of them.")
        wanted["unit"] = options.tokens
    config, knob_values = knobs.split(wanted, algorithm.Config, algorithm.Knobs)
    with reading("reading the data") as progress:
        made = Run.create(
            options.out or new_path(options.system, options.data),
            options.system,
            options.data,
            preset=preset.name,
            config=config,
            knob_values=knob_values,
            seed=options.seed,
            plan=device.choose(options.device, options.threads, options.precision, options.compile),
            tensorboard=options.tensorboard,
            force=options.force,
            progress=progress,
        )
    left_out, told = made.data.about["left_out"], made.data.skipped[:5]
    if left_out:
        more = f" and {left_out - len(told):,} more" if left_out > len(told) else ""
        what = "lines" if writes_of(algorithm, made.config) == "text" else "pictures"
        tell(f"{left_out:,} of {left_out + len(made.data):,} {what} were skipped: {' '.join(told)}{more}")
    if options.steps is None:
        _predict(made, preset)
    return _train(made, made.total if options.steps is None else options.steps, options.evaluate_every)


def _predict(made: Any, preset: Any) -> None:
    """Tell how long it will take, where that is long and the system knows."""
    from models.opening import predicted_seconds

    if hasattr(made.algorithm, "predicted_seconds"):
        seconds = predicted_seconds(made.algorithm, made.config, made.plan, preset)
        if seconds > LONG:
            tell(f"The preset {preset.name} takes about {duration(seconds)} here; Ctrl-C saves, and `sampling-studio resume` goes on.")


def _settings(algorithm: Any, preset: Any) -> Result:
    """What --set accepts, with the values of a preset."""
    from models import knobs

    values = {**preset.config, **preset.knobs}
    found = [
        {
            "name": k.name,
            "symbol": k.symbol,
            "default": values.get(k.name, k.default),
            "range": knobs.limits(k),
            "doc": k.doc,
            "changes": kind is algorithm.Knobs,
        }
        for kind in (algorithm.Config, algorithm.Knobs)
        for k in knobs.describe(kind)
        if k.name not in getattr(algorithm, "FOUND", ())
    ]
    rows = [
        f"{k['name']:<12} {k['symbol']:<6} {k['default']!s:<14} {k['doc']}; {k['range']}" + "; can change while it runs" * k["changes"] for k in found
    ]
    return {"system": algorithm.NAME, "settings": found}, "\n".join(rows), 0


def resume(options: argparse.Namespace) -> Result:
    """A run, on to a total of steps."""
    from models import knobs
    from models.contract import SetKnobs
    from models.run import Run

    with reading("opening the run") as progress:
        opened = Run.open(options.run, device_name=options.device, data_spec=options.data, progress=progress)
    tell(opened.notice)
    if options.threads not in (None, opened.plan.threads):
        tell(f"A run keeps the threads it was made with ({opened.plan.threads}): other threads would give other bits.")
    try:
        (change,) = knobs.split(settings(options.set), opened.algorithm.Knobs)
        if change:
            opened.apply(SetKnobs(change))
    except BaseException:
        opened.close()
        raise
    return _train(opened, opened.total if options.steps is None else options.steps, options.evaluate_every)


def _train(active: Any, goal: int, evaluate_every: int | None) -> Result:
    active.on_line = lambda line: tell(line["text"]) if line["what"] == "alarm" else None
    first, pace, phase = active.state.step, Pace(), active.phase
    spent: dict[str, dict[str, float]] = {}  # phase -> steps and seconds of this call
    whereabouts.remember(active.folder.path)
    pace.start()
    try:
        with keeping(), stoppable() as stopped, bar(f"{active.algorithm.TITLE} · {active.plan.device}", goal) as show:
            for state, info in active.train(max(goal, first)):
                if info is not None:
                    pace.mark(state.step)
                    _count(spent, phase, pace.seconds, _work(active, phase))
                    phase = active.phase  # of the next step
                    show(state.step, pace)
                if stopped():
                    break
                if info is not None and evaluate_every and (state.step % evaluate_every == 0 or state.step == goal):
                    pace.stop()
                    _evaluate(active, stopped)
                    pace.start()
            active.save()
        step, rows = active.state.step, active.rows
        metrics = {name: _last(rows[:, i]) for i, name in enumerate(active.folder.columns)}
        result = {
            "system": active.folder.record["system"],
            "steps": step,
            "run": str(active.folder.path),
            "seconds": round(pace.seconds, 3),
            "steps_per_second": strict(round((step - first) / pace.seconds, 3)) if step > first else None,
            "phases": {name: {key: round(value, 3) for key, value in v.items() if value or key != "gflop"} for name, v in spent.items()},
            "metrics": metrics,
            "state_hash": active.recipe()["state_hash"],
            "device": active.plan.device,
            "threads": active.plan.threads,
            "precision": active.plan.precision,
        }
    finally:
        active.close()
    if stopped() and step < goal:
        raise RunFailed(f"Stopped at step {step:,} of {goal:,} and saved; go on with: sampling-studio resume {active.folder.path} --steps {goal}")
    numbers = "  ".join(f"{k} {v:.4g}" for k, v in metrics.items() if v is not None)
    parts = [_told(name, v) for name, v in spent.items()] if len(spent) > 1 else []
    return result, "\n".join([f"{active.folder.path}: step {step:,} after {duration(pace.seconds)}", *parts, numbers]), 0


def _told(name: str, spent: dict[str, float]) -> str:
    """One phase: its steps, its time, and its work where that is known."""
    work = f"  {spent['gflop']:>9,.0f} GFLOP" if spent.get("gflop") else ""
    return f"{name:<13} {spent['steps']:>9,} steps  {spent['seconds']:>9.1f} s{work}"


def _work(active: Any, phase: str) -> float:
    """GFLOP of an average step of a phase with the present knobs; 0 where the system does not say."""
    return active.algorithm.work(active.config, active.knobs)[phase] if hasattr(active.algorithm, "work") else 0.0


def _last(column: Any) -> float | None:
    """The last finite value of a curve: a phase that is over has its own, though later steps have none."""
    import numpy as np

    known = column[np.isfinite(column)]
    return float(known[-1]) if len(known) else None


def _count(spent: dict[str, dict[str, float]], phase: str, seconds: float, gflop: float) -> None:
    """One more step of a phase, done when `seconds` were spent on all of them; `gflop` is its work, 0 where that is not known."""
    before = sum(v["seconds"] for v in spent.values())
    mine = spent.setdefault(phase, {"steps": 0, "seconds": 0.0})
    mine["steps"] += 1
    mine["seconds"] += seconds - before
    mine["gflop"] = mine.get("gflop", 0.0) + gflop


def _evaluate(active: Any, stopped: Callable[[], bool]) -> None:
    """The scores of the present step become a line of the journal."""
    told = False
    with reading(f"evaluating step {active.state.step:,}") as progress:
        for view in active.evaluation(n=EVALUATED):
            done, total = view.numbers["done"]
            progress(int(done), int(total))
            doing = view.words.get("doing", [""])[0]
            if doing.startswith("teaching") and not told and not sys.stderr.isatty():
                tell(f"{doing}: about a minute for small pictures.")
                told = True
            if stopped():
                break
