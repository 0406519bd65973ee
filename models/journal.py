"""A run on disk. Nothing in it is ever lost by a crash, and it opens again bit for bit.

run.json                what the run was made from; only the place of its data can change
journal.jsonl           a line for everything a person did and every decision taken: step, time, what, text
metrics.f32             rows of float32, row i is step i + 1; cut to whole rows when opened
checkpoints/STEP.safetensors
pins.json               steps whose checkpoints are never thinned out
reel/STEP.png, .json    samples of the same latents, at fixed steps: pictures or sentences
tensorboard/            event files, where they are wanted
kept/NAME.safetensors   pinned checkpoints whose place a later one took after going back
lock, owner.json        one writer at a time
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from models.errors import BadFile, BadInput, RunBusy
from models.files import trouble, write_bytes, write_json
from models.thinning import surplus

FORMAT = 1
FIELDS = ("system", "seed", "data", "phases", "config", "knobs", "plan", "columns")  # without which a run cannot be opened
KEEP = 3  # newest checkpoints that always stay, beside the pinned ones

Line = dict[str, Any]


def new_id() -> str:
    """Of a new run: 16 hex digits, the same wherever its folder goes."""
    return uuid.uuid4().hex[:16]


def id_of(record: Mapping[str, Any]) -> str:
    """A run's id; that of a run from before there were ids is made from what never changes in it."""
    if isinstance(found := record.get("id"), str) and found:
        return found
    fixed = [record.get(k) for k in ("created", "system", "seed", "name", "config", "preset")] + [dict(record.get("data") or {}).get("id")]
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:16]


class RunFolder:
    """A run's files.

    Attributes:
        path: the folder.
        record: the content of run.json.
        columns: names of the metrics' columns.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path, self.record = path, record
        self.columns: list[str] = record["columns"]
        self._lock: filelock.BaseFileLock | None = None

    @property
    def id(self) -> str:
        """The run's own, wherever its folder goes."""
        return id_of(self.record)

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.record.get("name") or self.path.name)

    @property
    def parent(self) -> dict[str, Any] | None:
        """What it is a fork of: id, name, path, step and the knobs that were changed; None of a run that began at step 0."""
        found = self.record.get("parent")
        return found if isinstance(found, dict) else None

    @staticmethod
    def create(path: Path, record: Mapping[str, Any], *, force: bool = False) -> RunFolder:
        """A new run, locked for writing.

        Raises:
            BadInput: the folder holds something and `force` is off.
            DiskTrouble: it cannot be written.
        """
        if path.is_file():
            raise BadInput(f"{path} is a file: give a folder for the run.")
        try:
            if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not force)):
                raise BadInput(f"{path} is not empty: choose another folder, or add --force to replace the run in it.")
        except OSError as error:
            raise trouble(error, path) from None
        folder = RunFolder(path, dict(record) | {"format": FORMAT})
        write_json(path / "run.json.new", folder.record)  # proves that the folder can be written
        try:
            folder.lock()
        except BaseException:
            (path / "run.json.new").unlink(missing_ok=True)
            raise
        for old in [*path.glob("checkpoints/*.safetensors"), path / "metrics.f32", path / "journal.jsonl", path / "pins.json"]:
            old.unlink(missing_ok=True)
        os.replace(path / "run.json.new", path / "run.json")
        return folder

    def move_data(self, spec: str) -> None:
        """The data lie elsewhere now; exports that name their old place stay verifiable. Raises DiskTrouble."""
        self.record["data_was"] = [*self.record.get("data_was", []), self.record["data"]["spec"]]
        self.record["data"] = {**self.record["data"], "spec": spec}
        write_json(self.path / "run.json", self.record)

    @staticmethod
    def open(path: Path, *, write: bool = True) -> RunFolder:
        """An existing run; raises BadFile, or RunBusy if another process writes to it."""
        try:
            record = json.loads((path / "run.json").read_text("utf-8"))
            version = int(record["format"])
            if version <= FORMAT and (missing := [k for k in FIELDS if k not in record]):
                raise ValueError(f"it does not name {', '.join(missing)}")
        except (FileNotFoundError, NotADirectoryError):
            if not path.exists():
                raise BadFile(f"{path} is not a run (there is no such folder): it was moved or deleted; give the folder of a run.") from None
            raise BadFile(f"{path} is not a run (it has no run.json): give the folder that `train --out` made.") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise BadFile(f"{path / 'run.json'} cannot be read ({why}): the run is damaged.") from None
        if version > FORMAT:
            raise BadFile(f"{path.name} was made by a newer version (format {version}, this one reads {FORMAT}): update Sampling Studio.")
        folder = RunFolder(path, record)
        if write:
            folder.lock()
            for torn in [*path.glob("checkpoints/.*.part"), *path.glob("checkpoints/.tmp*")]:  # of a process that was killed while it wrote
                torn.unlink(missing_ok=True)
        return folder

    # --- one writer -------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Become the run's one writer; the system releases it when the process ends, however it ends."""
        lock = filelock.FileLock(self.path / "lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunBusy(f"{self.path.name} is being written by another process{self._owner()}: stop that one first, or open another run.") from None
        except OSError as error:
            raise trouble(error, self.path / "lock") from None
        self._lock = lock
        write_json(self.path / "owner.json", {"pid": os.getpid()})

    @property
    def writable(self) -> bool:
        """Whether this process is the run's one writer."""
        return self._lock is not None

    def close(self) -> None:
        """Let others write."""
        if self._lock is not None:
            (self.path / "owner.json").unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def _owner(self) -> str:
        try:
            return f" (pid {int(json.loads((self.path / 'owner.json').read_text())['pid'])})"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""

    # --- journal ----------------------------------------------------------------------------------------------

    def add_line(self, step: int, what: str, text: str, **more: Any) -> Line:
        """Append one line; raises DiskTrouble."""
        line: Line = {"step": step, "time": round(time.time(), 3), "what": what, "text": text, **more}
        self._append("journal.jsonl", (json.dumps(line, ensure_ascii=False) + "\n").encode())
        return line

    def lines(self) -> list[Line]:
        """All whole lines; a torn last one is left out."""
        try:
            text = (self.path / "journal.jsonl").read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        out: list[Line] = []
        for row in text.split("\n"):  # not splitlines: a note may hold other line ends, such as U+2028
            try:
                line = json.loads(row)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and "step" in line and "what" in line:
                out.append(line)
        return out

    def set_lines(self, lines: Iterable[Line]) -> None:
        """Replace the journal; raises DiskTrouble."""
        write_bytes(self.path / "journal.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())

    # --- metrics ----------------------------------------------------------------------------------------------

    def add_rows(self, rows: np.ndarray) -> None:
        """Append (n, columns) float32; raises DiskTrouble."""
        self._append("metrics.f32", np.ascontiguousarray(rows, "<f4").tobytes())

    def rows(self) -> np.ndarray:
        """All whole rows, (steps, columns) float32."""
        try:
            flat = np.fromfile(self.path / "metrics.f32", "<f4")
        except FileNotFoundError:
            flat = np.empty(0, "<f4")
        width = len(self.columns)
        return flat[: len(flat) // width * width].reshape(-1, width)

    def cut_rows(self, steps: int) -> None:
        """Forget what was recorded after `steps`; raises DiskTrouble."""
        path = self.path / "metrics.f32"
        if path.exists():
            try:
                os.truncate(path, min(path.stat().st_size, steps * len(self.columns) * 4))
            except OSError as error:
                raise trouble(error, path) from None

    # --- checkpoints ------------------------------------------------------------------------------------------

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step is, or would be."""
        return self.path / "checkpoints" / f"{step:09d}.safetensors"

    def steps(self) -> list[int]:
        """Steps that have a checkpoint, in order."""
        return sorted(int(p.stem) for p in (self.path / "checkpoints").glob("*.safetensors") if p.stem.isdigit())

    def pins(self) -> set[int]:
        """Steps whose checkpoints stay."""
        try:
            return {int(step) for step in json.loads((self.path / "pins.json").read_text("utf-8"))}
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return set()

    def pin(self, step: int) -> None:
        """Keep the checkpoint of a step for good; raises DiskTrouble."""
        write_json(self.path / "pins.json", sorted(self.pins() | {step}))

    def kept(self, name: str) -> Path:
        """Where a checkpoint set aside under a name is, or would be."""
        return self.path / "kept" / f"{name if name.isalnum() else 'none'}.safetensors"

    def set_aside(self, step: int, name: str) -> None:
        """Free the place of a step; a pinned checkpoint is kept under its name, since files were made from it. Raises DiskTrouble."""
        source, target = self.checkpoint(step), self.kept(name)
        try:
            if step in self.pins():
                target.parent.mkdir(exist_ok=True)
                os.replace(source, target)
                write_json(self.path / "pins.json", sorted(self.pins() - {step}))
            else:
                source.unlink(missing_ok=True)
        except OSError as error:
            raise trouble(error, target) from None

    def thin(self, needed: Iterable[int] = (), budget: int = 0) -> None:
        """Remove checkpoints until the rest has at most `budget` bytes (`models.thinning`).

        The first, the newest KEEP, the pinned and the needed ones stay.
        """
        keep = self.pins() | set(needed) | set(self.steps()[-KEEP:])
        for step in surplus({s: self.checkpoint(s).stat().st_size for s in self.steps()}, budget, keep):
            self.checkpoint(step).unlink(missing_ok=True)

    def _append(self, name: str, content: bytes) -> None:
        path, before = self.path / name, None
        try:
            before = path.stat().st_size if path.exists() else 0
            with open(path, "ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a checkpoint must never be on disk before the rows it counts on
        except OSError as error:
            if before is not None and path.exists():
                os.truncate(path, before)  # no half row: the next one must start where this one did
            raise trouble(error, path) from None
