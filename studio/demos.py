"""Demo runs that the studio brings along: slimmed runs under assets/demos, and the way from one to a run like any other.

    path = install("began")

An asset has a folder of its own:

demo.json               what it is: system, step, the command that made it, its moving pictures and how they are shown
run.json, journal.jsonl, preview.png, reel/    as in the run
metrics.f32.gz          as in the run, packed
state.safetensors       the State without the moments of its optimisers; large tensors as float16
moving…                 what Home shows of it: exports with the recipe inside, made from this very State

The lab's has no run, only its walks. `python -m studio.demos make RUN` makes one, see `studio.demomaking`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import BadFile, BadInput, StudioError
from models.files import trouble, write_bytes, write_json
from models.settings import new_runs_folder
from studio import runs as whereabouts
from studio.assets import asset
from studio.naming import free_name

NAMES = ("began", "bgan", "ppgn", "seqgan", "maskgan", "lab")  # in the order of the cards
FORMAT = 1
LIMIT = 25_000_000  # bytes, all of them together
MOMENTS = "Demo: it came with large weights as float16 and without the optimisers' moments, which start anew when it trains on"
_RATIO = 200  # times that packed metrics may grow


@dataclass(frozen=True)
class Demo:
    """One asset.

    Attributes:
        name: of NAMES, which is also its page.
        command: the line that made it; for the lab one line a sampler.
        kind: how its moving files are shown: "loop", "chains", "sentences", "fillings" or "walks".
        moving: those files.
        about: all of demo.json.
    """

    name: str
    folder: Path
    command: str
    kind: str
    moving: tuple[Path, ...]
    about: Mapping[str, Any]

    @property
    def has_run(self) -> bool:
        """Whether `install` makes a run of it."""
        return (self.folder / "run.json").is_file()


def demo(name: str, assets: Path | None = None) -> Demo:
    """The demo of a page; raises BadFile if it is not there or damaged."""
    folder = (assets or asset("demos")) / name
    try:
        about = json.loads((folder / "demo.json").read_text("utf-8"))
        if about["format"] > FORMAT:
            raise ValueError(f"it has format {about['format']}")
        files = tuple(folder / str(file) for file in about["moving"])
        return Demo(name, folder, str(about["command"]), str(about["kind"]), files, about)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(folder, error) from None


def demos(assets: Path | None = None) -> dict[str, Demo]:
    """All that are there, by name."""
    found = {}
    for name in NAMES:
        with contextlib.suppress(BadFile):
            found[name] = demo(name, assets)
    return found


def named(run_id: str, assets: Path | None = None) -> str:
    """The demo whose run has this id; "" for none. Only the records are read."""
    for name, one in demos(assets).items() if run_id else ():
        with contextlib.suppress(BadFile):
            if one.has_run and _record(one).get("id") == run_id:
                return name
    return ""


def install(name: str, *, assets: Path | None = None, runs: Path | None = None) -> Path:
    """The run of a demo in the runs folder, made there once: it opens, samples, trains on and forks like any other.

    Args:
        assets: where the demos are, if not where the studio brings them.
        runs: where the run is made, without a look whether there is one elsewhere.

    Raises:
        BadFile: the asset is not there, or was changed.
        BadInput: this demo has no run, or the runs folder is not there.
        DiskTrouble: the run cannot be written; then nothing is.
    """
    one = demo(name, assets)
    if not one.has_run:
        raise BadInput(f"The demo of the {name} is a walk, which has no run: open the page.")
    there = None if runs else whereabouts.find({"id": _record(one)["id"]})
    if there is not None:
        return there
    place = free_name((runs or new_runs_folder()) / f"demo-{name}")
    half = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _fill(one, half, place.name)
        os.replace(half, place)
    except OSError as error:
        raise trouble(error, place) from None
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return place


def _fill(one: Demo, place: Path, name: str) -> None:
    """Write the run; its record comes last."""
    from models import checkpoint

    record = _record(one)
    tensors, header = checkpoint.read(one.folder / "state.safetensors")
    about = dict(header["about"])
    lines = [line for line in (one.folder / "journal.jsonl").read_text("utf-8").split("\n") if line]
    when = json.loads(lines[-1])["time"] if lines else 0.0
    note = {"step": about["step"], "time": when, "what": "demo", "text": MOMENTS}
    lines = [*lines, json.dumps(note, ensure_ascii=False)]
    whole = {key: value.to(_kind(header["halved"].get(key))) if key in header["halved"] else value for key, value in tensors.items()}
    if checkpoint.state_hash(whole) != header["state_hash"]:
        raise BadFile(f"The demo in {one.folder} was changed after it was made (its hash does not fit): install Sampling Studio again.")
    step = int(about["step"])
    rows = _unpacked(one.folder / "metrics.f32.gz")
    own = {key: value for key, value in header.items() if key != "halved"}
    checkpoint.write(place / "checkpoints" / f"{step:09d}.safetensors", whole, own, about | {"lines": len(lines)})
    write_bytes(place / "metrics.f32", rows)
    write_bytes(place / "journal.jsonl", "".join(f"{line}\n" for line in lines).encode())
    write_json(place / "pins.json", [step])  # its moving pictures were made from it
    if (one.folder / "preview.png").is_file():
        write_bytes(place / "preview.png", (one.folder / "preview.png").read_bytes())
    _unroll(one, place / "reel")
    write_json(place / "run.json", {**record, "name": name, "demo": one.name})


def _unroll(one: Demo, folder: Path) -> None:
    """Its reel, as a run has it."""
    import numpy as np
    from PIL import Image

    from models.reel import Reel
    from models.tiling import untile

    for file in sorted(one.folder.glob("reel/*")):
        if file.suffix != ".webp":
            write_bytes(folder / file.name, file.read_bytes())
            continue
        try:
            with Image.open(file, formats=["WEBP"]) as image:
                sheet = np.array(image)
            count, columns = one.about["reel"]
            grey = one.about["grey"]
            Reel(folder, 1).add(int(file.stem), untile(sheet[..., :1] if grey else sheet, count, columns))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(file, error) from None


def _record(one: Demo) -> dict[str, Any]:
    try:
        record = json.loads((one.folder / "run.json").read_text("utf-8"))
        return record if record["id"] else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(one.folder, error) from None


def _unpacked(path: Path) -> bytes:
    """The rows of the metrics."""
    try:
        with gzip.open(path) as file:
            limit = _RATIO * path.stat().st_size
            rows = file.read(limit + 1)
        if len(rows) > limit:
            raise ValueError("it is too large")
        return rows
    except (OSError, EOFError, ValueError) as error:
        raise _damaged(path, error) from None


def _kind(name: str | None) -> Any:
    import torch

    kinds = {"float32": torch.float32, "float64": torch.float64}
    if name not in kinds:
        raise BadFile(f"The demo names the number type {name!r}, which this version does not know: install Sampling Studio again.")
    return kinds[name]


def _damaged(path: Path, error: object) -> BadFile:
    return BadFile(f"The demo in {path} cannot be read ({error}): install Sampling Studio again.")


if __name__ == "__main__":
    from studio.demomaking import main

    try:
        sys.exit(main(sys.argv[1:]))
    except StudioError as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
