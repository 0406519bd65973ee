"""The runs on this machine: where they are, what they are, how much room they take; renamed, copied and thrown away. Needs neither Qt nor torch."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.errors import BadFile, BadInput, DiskTrouble, StudioError
from models.files import home, trouble, write_json
from models.journal import RunFolder, id_of
from models.settings import runs_folder
from studio.naming import check_name, free_name

PLACES = 500  # runs outside the runs folder that are remembered
PARTS = {"checkpoints": "checkpoints", "kept": "checkpoints", "reel": "reel", "metrics.f32": "metrics", "tensorboard": "tensorboard"}
TRACES = ("run.json", "checkpoints", "metrics.f32", "journal.jsonl")  # any of which tells that a folder is or was a run
TURNS = tuple(f'"what": "{what}"'.encode() for what in ("phase", "longer", "fork", "knobs"))


@dataclass(frozen=True)
class DiskUse:
    """Bytes of a run by what they are for."""

    checkpoints: int = 0
    reel: int = 0
    metrics: int = 0
    tensorboard: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.checkpoints + self.reel + self.metrics + self.tensorboard + self.other


@dataclass(frozen=True)
class RunFacts:
    """What a list says of one run.

    Of a damaged one only the path, the name, the time and the disk use are sure to be known; `why` is the sentence about it.
    """

    path: Path
    id: str
    name: str
    system: str
    title: str  # of its data
    preset: str
    step: int  # of the newest checkpoint
    total: int  # steps until the last phase ends
    phase: str
    time: float  # of the newest checkpoint, seconds since 1970
    use: DiskUse
    parent: Mapping[str, Any] | None = None  # of a fork: id, name, path, step, knobs
    change: str = ""  # of a fork: what was turned when it was made, such as "γ 0.7 → 0.5"
    preview: Path | None = None  # a picture of samples, to be cut at the right
    state: Literal["ok", "damaged"] = "ok"
    why: str = ""

    @property
    def bytes(self) -> int:
        """On disk."""
        return self.use.total


# --- what there is ------------------------------------------------------------------------------------------------


def listing() -> list[RunFacts]:
    """All runs of the runs folder and those remembered elsewhere, newest first; damaged ones stand among them."""
    found = [facts(path) for path in _folders()]
    names = Counter(run.name for run in found)  # a folder that was copied by hand has the name of the first
    told = [replace(run, name=run.path.name) if names[run.name] > 1 else run for run in found]
    return sorted(told, key=lambda run: run.time, reverse=True)


def facts(path: Path) -> RunFacts:
    """What is known about the run in a folder; a damaged one is described as such, nothing is raised."""
    use, record = disk_use(path), {}
    try:
        folder = RunFolder.open(path, write=False)
        record = folder.record
        if not folder.steps():
            raise BadFile(f"{path.name} has no checkpoint any more: its curves are there, but it cannot be opened; delete it, or put them back.")
        newest, turns = folder.checkpoint(folder.steps()[-1]), _turns(path)
        phase, total = _stretch(record, turns)
        return RunFacts(
            path=path,
            id=folder.id,
            name=folder.name,
            system=str(record["system"]),
            title=str(record["data"]["title"]),
            preset=str(record.get("preset", "")),
            step=folder.steps()[-1],
            total=total,
            phase=phase,
            time=newest.stat().st_mtime,
            use=use,
            parent=_parent(folder),
            change=_change(turns),
            preview=_preview(path),
        )
    except StudioError as error:
        why = str(error)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"{path.name} cannot be read ({type(error).__name__}: {error}): the run is damaged."
    return _damaged(path, record, use, why)


def disk_use(path: Path) -> DiskUse:
    """How much room the files of a run take."""
    sums: dict[str, int] = {}
    for name, size in _sizes(path):
        part = PARTS.get(name, "other")
        sums[part] = sums.get(part, 0) + size
    return DiskUse(**sums)


def size_text(size: int) -> str:
    """Bytes for people: 3 figures and a unit of 1000."""
    value, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" or value >= 99.95 else f"{value:.3g} {units[0]}"


# --- where it is --------------------------------------------------------------------------------------------------


def places() -> dict[str, Path]:
    """Where runs were seen last, by their id; empty where that file cannot be read."""
    try:
        found = json.loads((home() / "places.json").read_text("utf-8"))["places"]
        return {str(k): Path(str(v)) for k, v in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def remember(path: Path) -> None:
    """Note where a run is, so that what was made from it finds it there. A folder that is no run, or a full disk, changes nothing."""
    try:
        run, path = RunFolder.open(path, write=False).id, path.resolve()
        known = places()
        if known.get(run) != path:
            known.pop(run, None)
            kept = [*known.items()][-PLACES + 1 :]
            write_json(home() / "places.json", {"version": 1, "places": {k: str(v) for k, v in [*kept, (run, path)]}})
    except StudioError:
        return


def find(run: Mapping[str, Any]) -> Path | None:
    """Where a run is now.

    Args:
        run: what a recipe says of it: id, name, path; older recipes have no id, then the name counts.

    Returns:
        The place written in the recipe, that where it was seen last, or a folder of the runs folder; None if it is in none of them.
    """
    wanted, name = str(run.get("id", "")), str(run.get("name", ""))
    if run.get("path") and _is(recorded := Path(str(run["path"])), wanted):
        return recorded
    if wanted and (seen := places().get(wanted)) is not None and _is(seen, wanted):
        return seen
    inside = _inside(runs_folder())
    if wanted:
        return next((path for path in inside if _is(path, wanted)), None)
    named = [path for path in inside if name and _record(path).get("name") == name]
    return named[0] if len(named) == 1 else None


def named(word: str, what: str = "run") -> Path:
    """The folder of a run that somebody has typed: a folder, or the name or id of a run in the list.

    Raises:
        BadInput: there is none, or several have that name, such as a run and a copy of its folder that was made by hand.
    """
    path = Path(word)
    if any(_there(path / name) for name in TRACES):
        return path
    known = sorted(path for path in _folders() if word in _words(path))
    if len(known) == 1:
        return known[0]
    if known:
        more = f" and {len(known) - 3:,} more" if len(known) > 3 else ""
        raise BadInput(f"{len(known)} runs are called {word}: give the folder of one, {', '.join(map(str, known[:3]))}{more}.")
    also = "" if what == "run" else "the file itself, "
    raise BadInput(f"There is no {what} {word}: give {also}the folder of a run, or a name that `sampling-studio runs` lists.")


def typed(path: Path, what: str = "run") -> Path:
    """As `named`, but what is there is left as it is, so that those who open it can say what is wrong with it; `what` a person can give."""
    return path if _there(path) else named(str(path), what)


# --- renamed, copied, thrown away ---------------------------------------------------------------------------------


def rename(path: Path, name: str) -> Path:
    """Give a run another name, and its folder as well.

    Returns:
        Where it is now.

    Raises:
        BadInput: the name is taken, or no folder can have it.
        RunBusy: somebody writes to the run.
        BadFile: the run is damaged.
        DiskTrouble: the folder cannot be renamed.
    """
    name = check_name(name)
    folder = RunFolder.open(path)
    folder.close()  # nobody else writes to it; a folder with an open file in it cannot be renamed everywhere
    target = path.resolve().with_name(name)
    if target.exists() and not (path.exists() and target.samefile(path)):  # the same folder where letters differ in case only
        raise BadInput(f"There is something called {name} beside it already: take another name, for example {free_name(target).name}.")
    before = dict(folder.record)
    try:
        folder.record |= {"id": folder.id, "name": name}  # first: an id may have been made from the old name
        write_json(path / "run.json", folder.record)
        os.rename(path, target)
    except OSError as error:
        write_json(path / "run.json", before)
        raise trouble(error, target) from None
    remember(target)
    return target


def duplicate(path: Path, out: Path | None = None) -> Path:
    """A copy of a whole run, which is a run of its own; returns its folder. Raises BadInput, RunBusy, DiskTrouble."""
    from models import fork

    made = fork.duplicate(path, out)
    remember(made)
    return made


def trash(path: Path) -> Path:
    """Move a run into the studio's own trash, where nothing is ever lost; returns its place there.

    Raises:
        BadInput: there is no run in that folder.
        RunBusy: somebody writes to it.
        DiskTrouble: it cannot be moved.
    """
    check_free(path)
    target = free_name(home() / "trash" / f"{path.resolve().name}-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        _move(path, target)
    except DiskTrouble as error:
        why = getattr(error.__cause__, "strerror", None) or error.__cause__
        raise DiskTrouble(
            f"{path.name} cannot be moved into the trash {target.parent} ({why}): nothing was deleted; "
            f"`sampling-studio runs delete {path.name} --forever` deletes it for good."
        ) from error
    return target


def destroy(path: Path) -> None:
    """Delete a run for good, which frees its room; raises as `trash`."""
    check_free(path)
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise DiskTrouble(f"{path} could not be deleted ({error.strerror or error}): look at its permissions.") from None


def restore(thrown: Path, path: Path) -> Path:
    """Bring a run back from a trash to where it was, or beside it where that name is taken now; returns its place. Raises BadFile, DiskTrouble."""
    if not thrown.is_dir():
        raise BadFile(f"{thrown} is not in the trash any more: look for it in the trash of your desktop.")
    target = free_name(path)
    _move(thrown, target)
    return target


def check_free(path: Path) -> None:
    """Raises BadInput if there is no run in a folder, not even a damaged one, and RunBusy if somebody writes to it."""
    if not any((path / name).exists() for name in TRACES):
        raise BadInput(f"{path} is not a run (nothing of one is in it): nothing was done.")
    if (path / "lock").exists():
        folder = RunFolder(path, {"columns": []})
        try:
            folder.lock()
        except DiskTrouble:  # the lock is ours, and only its owner could not be written down
            if not folder.writable:
                raise
        finally:
            folder.close()


# --- inside -------------------------------------------------------------------------------------------------------


def _folders() -> list[Path]:
    """All that are or were runs, of the runs folder and remembered elsewhere, each once."""
    return [*{path.resolve(): path for path in [*_inside(runs_folder()), *(p for p in places().values() if p.is_dir())]}.values()]


def _inside(folder: Path) -> list[Path]:
    """The folders in it that are or were runs."""
    try:
        with os.scandir(folder) as entries:
            found = [Path(e.path) for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    return [path for path in found if any((path / name).exists() for name in TRACES)]


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or no name at all
        return False


def _words(path: Path) -> set[str]:
    """What a run in a folder can be called by."""
    record = _record(path)
    return {path.name, str(record.get("name") or path.name), *([id_of(record)] if record else ())}


def _record(path: Path) -> dict[str, Any]:
    try:
        return RunFolder.open(path, write=False).record
    except StudioError:
        return {}


def _is(path: Path, run: str) -> bool:
    """Whether the run of this id is in a folder; without an id, whether any is."""
    try:
        return RunFolder.open(path, write=False).id == run or not run
    except StudioError:
        return False


def _parent(folder: RunFolder) -> Mapping[str, Any] | None:
    """What it is a fork of, with all its fields; None where that is not told, or not in a way that can be read."""
    found = folder.parent or {}
    try:
        step = max(0, int(found["step"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return {"path": "", "knobs": {}, **found, "id": str(found.get("id", "")), "name": str(found.get("name", "")), "step": step}


def _change(lines: Sequence[Mapping[str, Any]]) -> str:
    """What was turned at the moment of the last fork."""
    at = max((i for i, line in enumerate(lines) if line["what"] == "fork"), default=len(lines))
    after = lines[at + 1] if at + 1 < len(lines) else {}
    return str(after["text"]) if after.get("what") == "knobs" and after.get("step") == lines[at]["step"] else ""


def _turns(path: Path) -> list[dict[str, Any]]:
    """Lines of the journal that move a run between its phases, fork it or turn its knobs; the others are not even parsed."""
    try:
        text = (path / "journal.jsonl").read_bytes()
    except OSError:
        return []
    out = []
    for line in text.split(b"\n"):
        if any(what in line for what in TURNS):
            try:
                out.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    return out


def _stretch(record: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> tuple[str, int]:
    """The present phase, and the step at which the last one ends."""
    names, steps = [str(p["name"]) for p in record["phases"]], [int(p["steps"]) for p in record["phases"]]
    present, began, more = 0, 0, 0
    for line in lines:
        if line["what"] == "phase" and line["text"] in names:
            present, began, more = names.index(line["text"]), int(line["step"]), 0
        elif line["what"] == "longer":
            more += int(line["steps"])
    return names[present], began + more + sum(steps[present:])


def _preview(path: Path) -> Path | None:
    """A picture of samples: what the window has drawn last, or the last frame of the reel."""
    if (path / "preview.png").is_file():
        return path / "preview.png"
    return max((path / "reel").glob("[0-9]*.png"), default=None)


def _damaged(path: Path, record: Mapping[str, Any], use: DiskUse, why: str) -> RunFacts:
    try:
        changed = path.stat().st_mtime
    except OSError:
        changed = 0.0
    data = record.get("data")
    return RunFacts(
        path=path,
        id=str(record.get("id", "")),
        name=str(record.get("name", path.name)),
        system=str(record.get("system", "")),
        title=str(data.get("title", "")) if isinstance(data, Mapping) else "",
        preset=str(record.get("preset", "")),
        step=0,
        total=0,
        phase="",
        time=changed,
        use=use,
        preview=_preview(path),
        state="damaged",
        why=why,
    )


def _sizes(path: Path, part: str = "") -> Iterable[tuple[str, int]]:
    """(first name below the run, bytes) of every file; links are not followed."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path), part or entry.name)
                else:
                    yield part or entry.name, entry.stat(follow_symlinks=False).st_size
    except OSError:
        return


def _move(source: Path, target: Path) -> None:
    """Within one file system a folder is renamed, which needs no room; elsewhere it is copied whole before the first goes."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _carry(source, target)
    except OSError as error:
        raise trouble(error, target) from error


def _carry(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copytree(source, partial, symlinks=True)
        os.rename(partial, target)
    except shutil.Error as error:  # what went wrong with each file, in words
        number = re.search(r"\[Errno (\d+)\]", str(error))
        raise OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError("not all of its files can be copied") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(source)
