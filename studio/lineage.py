"""Runs as families: which was forked from which, in lanes whose branches never cross. Needs neither Qt nor torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.runs import RunFacts


@dataclass(frozen=True)
class Lane:
    """One run as a line over the steps, below the one that it branches from."""

    run: RunFacts
    row: int  # within its family, from the top
    start: int  # step at which it begins to be of its own
    parent: int | None  # row of the run that it was forked from; None if it began itself, or that run is not here
    lost: str = ""  # name of a parent that is not here


Family = tuple[Lane, ...]


def families(runs: Sequence[RunFacts]) -> list[Family]:
    """All runs, each in one family; families come in the order of their first run in `runs`.

    Within a family a run comes right below its parent's later forks, so that a branch that goes straight down crosses no lane.
    """
    by_id: dict[str, RunFacts] = {}
    for run in runs:
        if run.id:
            by_id.setdefault(run.id, run)  # a folder that was copied by hand has the id of the first
    children: dict[int, list[RunFacts]] = {}
    roots: list[RunFacts] = []
    for run in runs:
        parent = by_id.get(str(run.parent["id"])) if run.parent else None
        if parent is None or parent is run or _descends(parent, run, by_id):
            roots.append(run)
        else:
            children.setdefault(id(parent), []).append(run)
    made = [_family(root, children) for root in roots]
    order = {id(run): i for i, run in enumerate(runs)}
    return sorted(made, key=lambda family: min(order[id(lane.run)] for lane in family))


def _family(root: RunFacts, children: dict[int, list[RunFacts]]) -> Family:
    lanes: list[Lane] = []
    waiting: list[tuple[RunFacts, int | None]] = [(root, None)]
    while waiting:
        run, parent = waiting.pop()
        start = _start(run)
        lost = str(run.parent.get("name", "")) if run.parent and parent is None else ""
        lanes.append(Lane(run, len(lanes), start, parent, lost))
        below = sorted(children.get(id(run), ()), key=lambda child: (_start(child), -child.time))
        waiting += [(child, lanes[-1].row) for child in below]  # the latest fork is taken next, and so is nearest
    return tuple(lanes)


def _start(run: RunFacts) -> int:
    return int(run.parent["step"]) if run.parent else 0


def _descends(run: RunFacts, from_run: RunFacts, by_id: dict[str, RunFacts]) -> bool:
    """Whether a run was forked from another, directly or not; a circle, which only a damaged file can have, counts as yes."""
    seen: set[str] = set()
    now: RunFacts | None = run
    while now is not None and now.parent:
        if now is from_run or now.id in seen:
            return True
        seen.add(now.id)
        now = by_id.get(str(now.parent.get("id")))
    return now is from_run
