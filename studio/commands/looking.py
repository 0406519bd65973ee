"""`inspect` and `verify`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.errors import BadFile
from studio.commands.terminal import Result, strict


def inspect(options: argparse.Namespace) -> Result:
    """What a run, a checkpoint or an exported file is made of."""
    about = _about(options.file)
    rows = [f"{k:<12} {_flat(v)}" for k, v in about.items()]
    return about, "\n".join(rows), 0


def _about(path: Path) -> dict[str, Any]:
    from models import checkpoint
    from studio import recipe as recipes
    from studio.export.filled import is_filled, said_of

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
    if found["kind"] == "lab":
        return {"kind": "lab", "steps": found.get("walk", {}).get("steps"), **{k: found.get(k) for k in ("walk", "plan", "versions", "made")}}
    chains = {"chains": _walked(found, path)} if "chains" in found else {}
    fillings = {"desk": said_of(found)} if is_filled(found) else {}
    keys = ("config", "knobs", "data", "state_hash", "versions", "run", "knob_history", "plan", "training_seed", "made")
    return {
        "kind": found["kind"],
        "system": found.get("system"),
        "steps": found.get("step"),
        "seed": found.get("made", {}).get("seed", found.get("training_seed")),
        **chains,
        **fillings,
        **{k: found.get(k) for k in keys},
    }


def _walked(recipe: dict[str, Any], path: Path) -> dict[str, Any]:
    """What an export of chains is made of."""
    from studio.export.chaining import told_of

    try:
        return told_of(recipe)
    except (LookupError, AttributeError, TypeError, ValueError):
        raise BadFile(f"The recipe in {path.name} is incomplete: it was changed after the export.") from None


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
        return "  ".join(f"{k}={_flat(v)}" for k, v in value.items() if k != "scores")  # --json has them; `evaluate` prints them
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "".join("\n    " + _flat(v) for v in value)
    return str(value).replace("\n", "\\n")  # a name with a line end would look like a line of its own


def verify(options: argparse.Namespace) -> Result:
    """Make an exported file again, and compare."""
    from studio.verify import verify as check

    verdict = check(options.file, options.run, options.trust)
    result = {**verdict._asdict(), "max_difference": strict(verdict.max_difference)}
    far = f" (max Δ {verdict.max_difference:.3g})" if verdict.max_difference else ""
    return result, f"{verdict.verdict}{far}: {verdict.reason}", int(verdict.verdict == "different")
