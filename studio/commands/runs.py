"""`runs` and `fork`."""

from __future__ import annotations

import argparse
import time
from typing import Any

from models.settings import missing
from studio import runs as places
from studio.commands.terminal import Result, tell


def runs(options: argparse.Namespace) -> Result:
    """All runs, or one of them renamed, copied or thrown away."""
    if options.action is None:
        return _list()
    path = places.named(options.run)
    match options.action:
        case "rename":
            made = places.rename(path, options.name)
            text = f"{path} is {made} now"
        case "duplicate":
            made = places.duplicate(path, options.out)
            text = f"{path} was copied to {made}"
        case "delete" if options.forever:
            places.destroy(path)
            made = None
            text = f"{path} was deleted for good"
        case _:
            made = places.trash(path)
            text = f"{path} lies in {made} now; to have it back, move it from there"
    return {"action": options.action, "run": str(path), "path": made and str(made)}, text, 0


def fork(options: argparse.Namespace) -> Result:
    """A new run from a kept step of another."""
    from models import catalog, knobs
    from models.fork import fork as make
    from models.journal import RunFolder
    from studio.commands.training import settings

    source = places.named(options.run)
    algorithm = catalog.algorithm(RunFolder.open(source, write=False).record["system"])
    (change,) = knobs.split(settings(options.set), algorithm.Knobs)
    made = make(source, options.step, options.out, change=change, name=options.name)
    places.remember(made)
    result = {"run": str(made), "parent": str(source), "step": options.step, "knobs": change}
    turned = "".join(f", {name} = {value}" for name, value in change.items())
    return result, f"{made}: from step {options.step:,} of {source.name}{turned}; go on with: sampling-studio resume {made}", 0


def _list() -> Result:
    problem, found = missing(), places.listing()
    tell(problem)
    result = {"runs": [_described(run) for run in found], "bytes": sum(run.bytes for run in found), "problem": problem}
    if not found and not problem:
        return result, "There are no runs yet: sampling-studio train began --data faces makes one.", 0
    wide = max(len(run.name) for run in found)
    rows = [_line(run, wide) for run in found]
    return result, "\n".join([*rows, f"{len(found):,} runs, {places.size_text(result['bytes'])}"]), 0


def _line(run: places.RunFacts, wide: int) -> str:
    size = places.size_text(run.bytes)
    if run.state == "damaged":
        return f"{run.name:<{wide}}  damaged  {size:>8}  {run.why}"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.time))
    of = f" of {run.total:,}" if run.step <= run.total else ""
    parent = f"  from step {run.parent['step']:,} of {run.parent['name']}" if run.parent else ""
    return f"{run.name:<{wide}}  {run.system:<8} {size:>8}  {when}  step {run.step:,}{of} on {run.title}{parent}"


def _described(run: places.RunFacts) -> dict[str, Any]:
    return {
        "path": str(run.path),
        "id": run.id,
        "name": run.name,
        "system": run.system,
        "data": run.title,
        "preset": run.preset,
        "phase": run.phase,
        "step": run.step,
        "total": run.total,
        "time": run.time,
        "bytes": run.bytes,
        "disk": {part: getattr(run.use, part) for part in ("checkpoints", "reel", "metrics", "tensorboard", "other")},
        "parent": dict(run.parent) if run.parent else None,
        "state": run.state,
        "why": run.why,
    }
