"""Whether a recipe and a checkpoint belong to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from models import checkpoint
from models.knobs import Config, Knobs
from models.opening import versions
from models.run import Run
from studio.recipe import private

Recipe = Mapping[str, Any]


def against_checkpoint(run: Run, recipe: Recipe) -> str:
    """Why the checkpoint is not the one the recipe names; empty if it is."""
    if checkpoint.hash_of(run.state) != recipe.get("state_hash"):
        return f"the checkpoint of step {run.state.step:,} does not hold the weights that the recipe names"
    record, data = run.folder.record, run.folder.record["data"]
    if _dict(recipe.get("data")).get("spec") in record.get("data_was", ()):  # data that were moved since
        data = {**data, "spec": recipe["data"]["spec"]}
    if recipe.get("private"):
        data = private({"data": data})["data"]
    told = {**recipe, "config": filled(type(run.config), recipe.get("config"))}
    for name, ours in (("system", record["system"]), ("config", run.config.model_dump()), ("data", data), ("training_seed", run.seed)):
        if told.get(name) != json.loads(json.dumps(ours)):
            return f"the {name} of the recipe and of the run are not the same"
    return "" if _knobs_fit(run, recipe) else "the knobs of the recipe are not those that the run has had at this step"


def elsewhere(run: Run, recipe: Recipe) -> list[str]:
    """What is not as it was when the thing was exported, of what decides over bits."""
    now, then, plan = versions(), _dict(recipe.get("versions")), _dict(recipe.get("plan"))
    decide = ("torch", "sampling-studio") if recipe.get("private") else ("torch", "machine", "sampling-studio")
    changed = [k for k in decide if now.get(k) != then.get(k)]
    return changed + [k for k, v in asdict(run.plan).items() if plan.get(k) != v]


def filled(kind: type[Config | Knobs], values: Any) -> Any:
    """Settings with the defaults of those that came with a later version."""
    defaults = {name: field.default for name, field in kind.model_fields.items()}
    return {**defaults, **values} if isinstance(values, dict) else values


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _knobs_fit(run: Run, recipe: Recipe) -> bool:
    """Whether the journal, or a way that was left by going back, comes through the recipe's knobs."""
    lines = run.folder.lines()
    left = [lines[:i] + line["undone"] for i, line in enumerate(lines) if line["what"] == "back"]
    kind = type(run.knobs)
    told = {**recipe, "knobs": filled(kind, recipe.get("knobs"))}
    return any(_comes_through(way, filled(kind, run.folder.record["knobs"]), told) for way in (lines, *left))


def _comes_through(lines: Sequence[Mapping[str, Any]], knobs: Mapping[str, Any], recipe: Recipe) -> bool:
    """Whether turning these knobs one after the other gives the recipe's; some may have been turned at its very step, after the export."""
    told = recipe.get("knob_history")
    if not isinstance(told, list):
        return False
    history = [{"step": line["step"], "change": line["change"]} for line in lines if line["what"] == "knobs"]
    for n in range(len(history) + 1):
        knobs = {**knobs, **(history[n - 1]["change"] if n else {})}
        whole = n == len(told) or (n > len(told) and recipe.get("knob_history_cut"))
        if whole and knobs == recipe.get("knobs") and history[n - len(told) : n] == told:
            return True
    return False
