"""A new run from a kept moment of another one, or a copy of a whole one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models import catalog, checkpoint, knobs
from models.errors import BadFile, BadInput
from models.files import trouble
from models.journal import RunFolder, new_id
from models.opening import free
from models.reel import Reel

APART = ("lock", "owner.json", "tensorboard")  # of the folder, not of the run


def fork(source: Path, step: int, out: Path | None = None, *, change: Mapping[str, Any] | None = None, name: str = "") -> Path:
    """A new run that goes on from a kept checkpoint of another, which stays as it is.

    It has the checkpoint of `step`, the numbers, the journal and the reel up to it. Without a change it goes on bit for bit as the other
    did; a change of knobs is a line of its journal and holds from the next step on.

    Args:
        source: the run's folder; it may be training meanwhile.
        step: of one of its checkpoints.
        out: the new folder; a free name beside the other runs if None.
        change: knobs and their new values.
        name: for the folder, where `out` is None.

    Returns:
        The new folder.

    Raises:
        BadFile: there is no run, or no such checkpoint.
        BadSetting: a knob is unknown or out of range.
        BadInput: `out` is not empty.
        DiskTrouble: it cannot be written.
    """
    old = RunFolder.open(source, write=False)
    if step not in old.steps():
        raise BadFile(f"{old.name} has no checkpoint of step {step:,}; it has {', '.join(f'{s:,}' for s in old.steps()) or 'none'}.")
    header = checkpoint.read_header(old.checkpoint(step))
    algorithm = catalog.algorithm(old.record["system"])
    before = knobs.make(algorithm.Knobs, header["about"]["knobs"])
    told, changed = knobs.difference(before, knobs.changed(before, change or {}))
    path = out or free(name or f"{source.name}-fork")
    parent = {"id": old.id, "name": old.name, "path": str(source.resolve()), "step": step, "knobs": changed}
    record = {k: v for k, v in old.record.items() if k != "format"} | _fresh(path) | {"parent": parent}
    new = RunFolder.create(path, record)
    try:
        _copy(old.checkpoint(step), new.checkpoint(step))
        reel = Reel.of(source)
        for file in [reel.file(s) for s in reel.steps() if s <= step]:
            _copy(file, path / "reel" / file.name)
        new.add_rows(old.rows()[:step])
        new.pin(step)
        now = {"step": step, "time": round(time.time(), 3)}
        lines = [*old.lines()[: header["about"]["lines"]], {**now, "what": "fork", "text": f"forked from {old.name} at step {step:,}"}]
        if changed:
            lines.append({**now, "what": "knobs", "text": told, "change": changed})
        new.set_lines(lines)
    except BaseException:
        new.close()
        shutil.rmtree(path, ignore_errors=True)
        raise
    new.close()
    return path


def duplicate(source: Path, out: Path | None = None) -> Path:
    """A copy of a whole run, with an id of its own; the run may be training meanwhile. Raises BadFile, BadInput, DiskTrouble."""
    old = RunFolder.open(source, write=False)
    path = out or free(f"{source.name}-copy")
    if path.exists():
        raise BadInput(f"{path} is there already: choose another folder.")
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.mkdir(parents=True)
        files = [f for f in source.rglob("*") if f.is_file() and f.relative_to(source).parts[0] not in APART and not f.name.endswith(".part")]
        for file in sorted(files, key=lambda f: f.parent.name != "checkpoints"):  # numbers and lines may go further than a checkpoint, not less far
            _copy(file, partial / file.relative_to(source), path)
        record = old.record | _fresh(path)
        (partial / "run.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
        partial.rename(path)
    except OSError as error:
        raise trouble(error, path) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return path


def _fresh(path: Path) -> dict[str, Any]:
    return {"id": new_id(), "name": path.name, "created": time.strftime("%Y-%m-%dT%H:%M:%S%z")}


def _copy(file: Path, to: Path, told: Path | None = None) -> None:
    """A file that may go away while it is copied, because its run thins it out; raises DiskTrouble, which names `told`."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    except FileNotFoundError:
        to.unlink(missing_ok=True)
    except OSError as error:
        raise trouble(error, told or to) from None
