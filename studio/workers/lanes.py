"""The lab's walks as the worker makes, tells and advances them. Needs no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.errors import BadInput, StudioError
from studio.messages import Lane, Limit, Walk, WalkOpened
from studio.workers import scene

if TYPE_CHECKING:
    from models.lab import Lab


def make(walk: Walk, keep: int) -> tuple[list[Lab], Any]:
    """One Lab a kernel, and where they start; raises BadInput, BadData."""
    from models import catalog
    from models.lab import Lab
    from models.samplers.drawn import Drawn

    target = catalog.target(walk.target) if isinstance(walk.target, str) else Drawn(walk.target)
    start = walk.start if walk.start != "auto" else "exact" if target.drawable else "wide"
    out = []
    for name in walk.kernels:
        kind = catalog.kernel(name).knobs_of(target)
        settings = walk.settings.get(name)
        complete = settings if settings is not None and set(settings) == set(kind.model_fields) else None
        out.append(Lab(name, target, complete, chains=walk.chains, seed=walk.seed, start=start, keep=keep))
    return out, start


def about(labs: Sequence[Lab], start: Any, fresh: bool) -> WalkOpened:
    """What the window needs to draw them."""
    from models.knobs import describe
    from models.lab import evaluations_a_step

    target = labs[0].target
    bounds, cells, shown = tuple(target.bounds), scene.CELLS if target.d > 1 else 400, None
    try:
        grid = target.on_grid(cells)
        if target.name.startswith("expr:"):  # its bounds hold all but e^-35: look where the mass is
            bounds = scene.close(grid)
            grid = target.on_grid(cells, bounds=bounds)
        shown = scene.picture(grid)
    except BadInput:
        pass  # typed, and with more than two dimensions
    lanes = tuple(
        Lane(k.NAME, k.TITLE, k.BEST, describe(type(lab.knobs)), lab.knobs.model_dump(), evaluations_a_step(k)) for lab in labs for k in (lab.kernel,)
    )
    return WalkOpened(target.name, target.title, target.d, tuple(target.terms), bounds, start, target.drawable, shown, lanes, fresh)


def turn(labs: Sequence[Lab], currency: str) -> tuple[int, ...]:
    """Each lane spends as many "evaluations", or as much of the "seconds", as the others; returns the steps that each took."""
    from models.lab import evaluations_a_step

    taken = [0] * len(labs)
    if len(labs) == 1 or currency == "evaluations":
        costs = [evaluations_a_step(lab.kernel) for lab in labs]
        for i, lab in enumerate(labs):
            taken[i] = max(costs) // costs[i]
            lab.step(taken[i])
    else:
        for _ in labs:
            i = min(range(len(labs)), key=lambda k: labs[k].seconds)
            labs[i].step()
            taken[i] += 1
    return tuple(taken)


def limit_of(lane: int, lab: Lab) -> Limit | None:
    """What a lane without rejections samples as its steps get small; None for the exact ones."""
    from models.lab import limit

    if lab.kernel.BEST is not None:
        return None
    try:
        return Limit(lane, scene.picture(limit(lab.target, lab.knobs, 128)), "")
    except StudioError as error:
        return Limit(lane, None, str(error))
