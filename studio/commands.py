"""What the commands of the command line do. Each returns the JSON object, the text for a person, and the exit status."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.errors import BadFile, BadInput, DiskTrouble, RunFailed
from studio.pace import Pace, duration

Result = tuple[dict[str, Any], str, int]


def run(options: argparse.Namespace) -> Result:
    """The command that was asked for."""
    table: dict[str, Callable[[argparse.Namespace], Result]] = {
        "train": train,
        "resume": resume,
        "sample": sample,
        "inspect": inspect,
        "verify": verify,
        "data": data,
        "shoot": shoot,
        "doctor": doctor,
    }
    return table[options.command](options)


# --- training -----------------------------------------------------------------------------------------------------


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
    from models.run import Run, new_path, preset_of

    algorithm = catalog.algorithm(options.system)
    preset = preset_of(algorithm, options.preset)
    if options.settings:
        return _settings(algorithm, preset)
    if options.data is None:
        raise BadInput("train needs --data, for example --data faces; `sampling-studio data` lists the sources.")
    config, knob_values = knobs.split(settings(options.set), algorithm.Config, algorithm.Knobs)
    with _reading("reading the data") as progress:
        made = Run.create(
            options.out or new_path(options.system, options.data),
            options.system,
            options.data,
            preset=preset.name,
            config=config,
            knob_values=knob_values,
            seed=options.seed,
            plan=device.choose(options.device, options.threads, options.precision, options.compile),
            force=options.force,
            progress=progress,
        )
    skipped = made.data.skipped
    if skipped:
        more = f" and {len(skipped) - 5:,} more" if len(skipped) > 5 else ""
        _tell(f"{len(skipped):,} of {len(skipped) + len(made.data):,} pictures were skipped: {' '.join(skipped[:5])}{more}")
    return _train(made, made.total if options.steps is None else options.steps)


def _tell(sentence: str) -> None:
    """Something worth knowing, beside the result."""
    if sentence:
        print(f"sampling-studio: {sentence}", file=sys.stderr)


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

    with _reading("opening the run") as progress:
        opened = Run.open(options.run, device_name=options.device, progress=progress)
    _tell(opened.notice)
    if options.threads not in (None, opened.plan.threads):
        _tell(f"A run keeps the threads it was made with ({opened.plan.threads}): other threads would give other bits.")
    try:
        (change,) = knobs.split(settings(options.set), opened.algorithm.Knobs)
        if change:
            opened.apply(SetKnobs(change))
    except BaseException:
        opened.close()
        raise
    return _train(opened, opened.total if options.steps is None else options.steps)


def _train(active: Any, goal: int) -> Result:
    first, pace = active.state.step, Pace()
    pace.start()
    try:
        with _stoppable() as stopped, _bar(f"{active.algorithm.TITLE} · {active.plan.device}", goal) as show:
            for state, info in active.train(max(goal, first)):
                if info is not None:
                    pace.mark(state.step)
                    show(state.step, pace)
                if stopped():
                    break
            active.save()
        step, rows = active.state.step, active.rows
        metrics = {name: _strict(float(rows[-1, i])) if len(rows) else None for i, name in enumerate(active.folder.columns)}
        result = {
            "system": active.folder.record["system"],
            "steps": step,
            "run": str(active.folder.path),
            "seconds": round(pace.seconds, 3),
            "steps_per_second": _strict(round((step - first) / pace.seconds, 3)) if step > first else None,
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
    return result, f"{active.folder.path}: step {step:,} after {duration(pace.seconds)}\n{numbers}", 0


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the run after the present step instead of breaking into it; a second one breaks."""
    hit: list[int] = []

    def on_signal(number: int, frame: Any) -> None:
        hit.append(number)
        if len(hit) > 1:
            raise KeyboardInterrupt

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(hit)
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


@contextmanager
def _bar(title: str, goal: int) -> Iterator[Callable[[int, Pace], None]]:
    """A progress bar with a live estimate, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda step, pace: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("step {task.completed:,.0f} of {task.total:,.0f} · {task.fields[note]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=goal, note="")
        last = 0.0

        def show(step: int, pace: Pace) -> None:
            nonlocal last
            if time.monotonic() - last > 0.2:
                last = time.monotonic()
                left = pace.left(goal)
                bar.update(task, completed=step, note=f"{pace.rate:.1f} it/s · {duration(left)} left" if left is not None and pace.rate else "")

        yield show


@contextmanager
def _reading(title: str) -> Iterator[Callable[[int, int], None]]:
    """A line that counts, on a terminal only; it goes away when all is read."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    start, shown = time.monotonic(), False

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if done and total and time.monotonic() - start > 0.5:
            left, shown = (time.monotonic() - start) * (total - done) / done, True
            print(f"\r{title}: {done:,} of {total:,} · {duration(left)} left   ", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# --- what a run gives ---------------------------------------------------------------------------------------------


def sample(options: argparse.Namespace) -> Result:
    """Samples, curves or plots of a run, with the recipe inside."""
    from models.run import Run
    from studio.export import exporters
    from studio.verify import record_of

    name = _exporter(options)
    opened = Run.open(options.run, write=False, data=False, step=options.step, device_name=options.device)
    exporter = exporters()[name]
    if options.out.is_dir() and exporter.extension:
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    if not exporter.extension and options.out.is_dir() and any(options.out.iterdir()) and not options.force:
        raise BadInput(f"{options.out} is not empty: choose another folder, or add --force to write into it.")
    _tell(opened.notice)
    record = record_of(opened, seed=options.seed, count=options.n, ema=not options.no_ema, pictures=exporter.pictures)
    files = exporter.write(record, options.out)
    try:
        opened.folder.pin(opened.state.step)  # an exported file keeps its checkpoint
    except DiskTrouble:
        _tell(f"{opened.folder.path.name} cannot be written to, so its checkpoint of step {opened.state.step:,} may be thinned out one day.")
    result = {"out": str(options.out), "count": options.n if exporter.pictures else len(record.rows), "seed": options.seed, "step": record.step}
    return result, f"{files[0] if exporter.extension else options.out}: {exporter.label}, step {record.step:,}, seed {options.seed}", 0


def _exporter(options: argparse.Namespace) -> str:
    suffix = options.out.suffix.lower()
    if options.plots:
        if suffix != ".png":
            raise BadInput(f"--plots writes a .png; got {options.out.name!r}.")
        return "plots"
    known = {".png": "sheet", ".csv": "curves", "": "singles"}
    if suffix in (".html", ".webp", ".gif", ".apng", ".svg", ".txt", ".jsonl", ".mp4"):
        raise BadInput(f"{suffix} is still to come; this version writes .png (sheet), a folder (single pictures) and .csv (curves).")
    if suffix not in known:
        raise BadInput(f"Nothing here writes {suffix!r}; --out takes FILE.png (sheet), FOLDER/ (single pictures) or FILE.csv (curves).")
    return known[suffix]


def inspect(options: argparse.Namespace) -> Result:
    """What a run, a checkpoint or an exported file is made of."""
    about = _about(options.file)
    rows = [f"{k:<12} {_flat(v)}" for k, v in about.items()]
    return about, "\n".join(rows), 0


def _about(path: Path) -> dict[str, Any]:
    from models import checkpoint
    from studio import recipe as recipes

    if path.is_dir():
        from models.journal import RunFolder

        folder = RunFolder.open(path, write=False)
        steps = folder.steps()
        if not steps:
            raise BadFile(f"{path} has no checkpoint: the run never got started.")
        return _from_checkpoint("run", checkpoint.read_header(folder.checkpoint(steps[-1]))) | {
            "name": folder.record["name"],
            "preset": folder.record["preset"],
            "checkpoints": steps,
            "journal": folder.lines(),
        }
    if path.suffix == ".safetensors":
        try:
            return _from_checkpoint("checkpoint", checkpoint.read_header(path))
        except (KeyError, TypeError):
            raise BadFile(f"{path.name} is a safetensors file that this studio did not write: open a checkpoint of a run.") from None
    found = recipes.read(path)
    keys = ("config", "knobs", "data", "state_hash", "versions", "run", "knob_history", "plan", "training_seed", "made")
    return {
        "kind": found["kind"],
        "system": found.get("system"),
        "steps": found.get("step"),
        "seed": found.get("made", {}).get("seed", found.get("training_seed")),
        **{k: found.get(k) for k in keys},
    }


def _from_checkpoint(kind: str, header: dict[str, Any]) -> dict[str, Any]:
    about = header["about"]
    return {
        "kind": kind,
        "system": about["system"],
        "steps": about["step"],
        **{k: about[k] for k in ("phase", "config", "knobs", "data", "seed")},
        "state_hash": header["state_hash"],
        **{k: about[k] for k in ("plan", "versions")},
    }


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{k}={_flat(v)}" for k, v in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "".join("\n    " + _flat(v) for v in value)
    return str(value)


def verify(options: argparse.Namespace) -> Result:
    """Make an exported file again, and compare."""
    from studio.verify import verify as check

    verdict = check(options.file, options.run)
    result = {**verdict._asdict(), "max_difference": _strict(verdict.max_difference)}
    far = f" (max Δ {verdict.max_difference:.3g})" if verdict.max_difference else ""
    return result, f"{verdict.verdict}{far}: {verdict.reason}", int(verdict.verdict == "different")


# --- around ---------------------------------------------------------------------------------------------------------


def data(options: argparse.Namespace) -> Result:
    """The data sources."""
    from models.data.sources import sources

    del options
    found = sources()
    return {"sources": found}, "\n".join("  ".join(str(v) for v in source.values()) for source in found), 0


def shoot(options: argparse.Namespace) -> Result:
    """A picture of a page; drawn in a process of its own, because Qt reads its platform when it starts."""
    width, height = options.size
    if not 0.75 <= options.scale <= 2:
        raise BadInput(f"--scale must lie in [0.75, 2]; got {options.scale:g}.")
    request = {
        "page": options.page,
        "run": str(options.run.resolve()) if options.run else None,
        "theme": options.theme,
        "width": width,
        "height": height,
        "scale": options.scale,
        "out": str(options.out.resolve()),
    }
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-m", "studio.shoot", json.dumps(request)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise (BadInput if done.returncode == 2 else RunFailed)(reason)
    return {"out": str(options.out), "width": width, "height": height, "theme": options.theme}, str(options.out), 0


def doctor(options: argparse.Namespace) -> Result:
    """Is everything here that the studio needs?"""
    from studio.doctor import checks

    found = checks(options.device)
    rows = [f"{'ok  ' if c['ok'] else 'FAIL'}  {c['name']:<10} {c['found']}" + ("" if c["ok"] else f"\n      → {c['remedy']}") for c in found]
    return {"checks": found}, "\n".join(rows), int(not all(c["ok"] for c in found))


def _strict(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
