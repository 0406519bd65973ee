"""Makes a table of the sampler lab again: it needs no run, only the kernel, the target and the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import BadFile
from studio.verify.walking import MOST_STEPS, MOST_THREADS, whole

KIND = "lab"
Recipe = Mapping[str, Any]


def source(walk: Any, target: str, start: Any, steps: int, threads: int) -> dict[str, Any]:
    """What makes a walk of the command line again, as part of a recipe."""
    from models.opening import versions

    return {
        "walk": {
            "kernel": walk.kernel.NAME,
            "target": str(Path(target).resolve()) if Path(target).is_file() else target,
            "sha256": _digest(target),
            "settings": walk.knobs.model_dump(),
            "chains": walk.chains,
            "seed": walk.seed,
            "start": start,
            "steps": steps,
        },
        "plan": {"device": "cpu", "threads": threads},
        "versions": versions(),
    }


def walked(recipe: Recipe, folder: Path) -> Path:
    """The table of a recipe, made in `folder`.

    Raises:
        KeyError, TypeError, ValueError, BadInput and others: the recipe describes no walk.
        BadFile: the drawn density is gone, or was changed.
    """
    import torch

    from models import catalog
    from models.lab import Lab
    from studio.commands.lab import write_chains

    told = recipe["walk"]
    if told["sha256"] is not None and Path(told["target"]).suffix not in (".json", ".png"):
        raise ValueError(told["target"])
    if _digest(told["target"]) != told["sha256"]:
        raise BadFile(f"The density {told['target']} is gone, or not as it was: put the first one back.")
    steps, chains = whole(told["steps"], 0, MOST_STEPS), whole(told["chains"], 1, 100_000)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(whole(recipe["plan"]["threads"], 1, MOST_THREADS))
        half = steps - steps // 2
        start = {"start": told["start"], "keep": max(1, half)}
        walk = Lab(told["kernel"], catalog.target(told["target"]), told["settings"], chains=chains, seed=whole(told["seed"], 0, 2**62), **start)
        while walk.t < steps:
            walk.step(min(50, steps - walk.t))
        write_chains(walk, half, folder / "again.csv")
    finally:
        torch.set_num_threads(before)
    return folder / "again.csv"


def changes(recipe: Recipe) -> list[str]:
    """What is not as it was, of what decides over bits."""
    from models.opening import versions

    then = recipe["versions"] if isinstance(recipe.get("versions"), dict) else {}
    return [name for name in ("torch", "machine", "sampling-studio") if versions().get(name) != then.get(name)]


def _digest(target: str) -> str | None:
    """Of a file that holds a density; None for one that is named or typed."""
    if target.startswith("expr:") or not Path(target).is_file():
        return None
    return hashlib.sha256(Path(target).read_bytes()).hexdigest()
