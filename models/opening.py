"""What making and opening a run have in common: names, presets, versions, plans, checkpoints, and an exhausted memory."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import torch

from models import checkpoint, device
from models.contract import Plan
from models.errors import BadFile, BadInput, OutOfMemory
from models.journal import RunFolder
from models.settings import new_runs_folder


def versions() -> dict[str, str]:
    """Versions that decide over bits."""
    return {
        "sampling-studio": importlib.metadata.version("sampling-studio"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def guarded(call: Callable[..., Any], *args: Any) -> Any:
    """Call, and turn an exhausted memory into OutOfMemory."""
    try:
        return call(*args)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _no_memory(error) from None
    except RuntimeError as error:
        if "allocate memory" in str(error) or "out of memory" in str(error):
            raise _no_memory(error) from None
        raise


def _no_memory(error: BaseException) -> OutOfMemory:
    return OutOfMemory(
        f"The device has no memory for this step ({(str(error).splitlines() or ['no details'])[0][:120]}): the run has stopped and "
        "its last good state is kept; use a smaller batch, size or n."
    )


def checkpoint_name(state_hash: str, knob_values: Mapping[str, Any]) -> str:
    """A name for one State with its knobs: 16 hex digits."""
    return hashlib.sha256(json.dumps([state_hash, dict(knob_values)], sort_keys=True).encode()).hexdigest()[:16]


def find_checkpoint(
    folder: RunFolder, step: int | None, *, kept: str | None = None, check: bool = True
) -> tuple[int, checkpoint.Tensors, checkpoint.Header]:
    """The checkpoint kept by a name, that of `step`, or the newest that can be read."""
    if kept is not None and folder.kept(kept).is_file():
        tensors, header = checkpoint.read(folder.kept(kept))
        return header["about"]["step"], tensors, header
    steps = folder.steps()
    if step is not None and step not in steps:
        raise BadFile(f"{folder.path.name} has no checkpoint of step {step:,}; it has {', '.join(f'{s:,}' for s in steps) or 'none'}.")
    problem: BadFile | None = None
    for candidate in [step] if step is not None else steps[::-1]:
        path = folder.checkpoint(candidate)
        try:
            tensors, header = checkpoint.read(path)
            if header["about"]["system"] != folder.record["system"]:
                raise BadFile(
                    f"{path.name} is a checkpoint of {header['about']['system']}, not of {folder.record['system']}: "
                    "it was put into this run by mistake."
                )
            if check and header["state_hash"] != checkpoint.state_hash(tensors):
                raise BadFile(f"{path.name} was changed after it was written (its hash does not fit): use another checkpoint of the run.")
        except BadFile as error:
            problem = problem or error
            continue
        return candidate, tensors, header
    raise problem or BadFile(f"{folder.path.name} has no checkpoint: start a new run.")


def recorded_plan(recorded: Mapping[str, Any], asked: str | None) -> Plan:
    """The plan that a run was made with, on another device if one is asked for or the first is not here."""
    plan = Plan(**recorded)
    if asked not in (None, "auto", plan.device) or plan.device not in device.available():
        # another device rounds differently: close, not bit-equal
        return dataclasses.replace(plan, device=device.choose("cpu" if asked in (None, "auto") else asked).device)
    return plan


def preset_of(algorithm: Any, name: str | None) -> Any:
    """A preset by name, the first one if None; raises BadInput."""
    presets = algorithm.PRESETS
    if name is None:
        return next(iter(presets.values()))
    if name not in presets:
        raise BadInput(f"{algorithm.TITLE} has no preset {name!r}; it has {', '.join(presets)}.")
    return presets[name]


def predicted_seconds(algorithm: Any, config: Any, plan: Plan, preset: Any) -> float:
    """How long a preset's steps will take here: as the system says, or from the work of a step and the speed of one convolution of the same width."""
    if hasattr(algorithm, "predicted_seconds"):
        return algorithm.predicted_seconds(config, plan, preset)
    return preset.steps * algorithm.cost(config) / device.speed(plan, config.n, config.size)


def new_path(system: str, data: str) -> Path:
    """A free folder for a new run, such as began-faces-3; raises BadInput where the runs folder is not there."""
    stem = f"{system}-{''.join(c if c.isalnum() else '-' for c in Path(data).stem.lower()).strip('-')[:40]}"
    return free(stem)


def free(stem: str) -> Path:
    """The first of STEM-1, STEM-2 … in the runs folder that is not there yet; raises BadInput where the runs folder is not there."""
    runs = new_runs_folder()
    return next(path for number in count(1) if not (path := runs / f"{stem}-{number}").exists())
