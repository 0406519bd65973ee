"""Makes the assets under assets/demos from finished runs.

    python -m studio.demos make RUN [RUN …] lab

Each RUN becomes the demo of its system; "lab" walks the lab's own. What Home shows moving is made by the exporters, from the very State
that the asset holds, so that its recipe can be verified against the installed demo.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import BadInput
from models.files import write_bytes, write_json
from studio import recipe as recipes
from studio.assets import asset
from studio.demos import FORMAT, install

SMALL = 1024  # elements; what is smaller keeps its precision
FRAMES = 10  # of a reel
LATENTS, BETWEEN = 12, 16  # of a loop, and the frames from one to the next
SENTENCES, FILLINGS, TEMPERATURE = 24, 4, 0.6
BLANKED = ("the ___ behind the house ___ and ___ .", "every ___ near the rivers ___ quietly .", "two ___ that like the child ___ often .")
CAPTION = "a smiling person with a blue top hat"
CHAINS, WALKED, SHOWN = 10, 160, 28  # of PPGN, their steps, and frames of those
LAB = {"target": "banana", "chains": 40, "seed": 1, "start": "exact", "steps": 160}
LAB_KERNELS = ("mala", "mala-approx")


def main(words: Sequence[str]) -> int:
    """`make RUN …`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m studio.demos")
    parser.add_argument("do", choices=("make",))
    parser.add_argument("runs", nargs="+", metavar="RUN", help='folders of finished runs, or "lab"')
    parser.add_argument("--assets", type=Path, default=None, help="where to; the checkout's assets/demos")
    asked = parser.parse_args(words)
    assets = asked.assets or asset("demos")
    for run in asked.runs:
        folder = make_lab(assets) if run == "lab" else make(Path(run), assets)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder}: {size / 1e6:.2f} MB")
    return 0


def make(source: Path, assets: Path) -> Path:
    """The demo of a finished run's system, in `assets`; returns its folder.

    Raises:
        BadInput: the run was made from data that do not come with the studio, or its weights do not fit float16.
        BadFile, BadData, DiskTrouble: the run cannot be read, or the asset not written.
    """
    from models.journal import RunFolder
    from models.run import Run

    record = dict(RunFolder.open(source, write=False).record)
    if "/" in record["data"]["spec"] or "\\" in record["data"]["spec"]:
        raise BadInput(f"{source.name} was made from {record['data']['spec']}: a demo is made from data that the studio draws itself.")
    run = Run.open(source, write=False)
    system = record["system"]
    folder = assets / system
    shutil.rmtree(folder, ignore_errors=True)
    record |= {"id": run.folder.id, "name": f"demo-{system}"}
    steps = slim(run, folder)
    write_json(folder / "run.json", record)
    lines = [line for line in run.lines if "path" not in line]
    write_bytes(folder / "journal.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
    write_bytes(folder / "metrics.f32.gz", gzip.compress(np.ascontiguousarray(run.rows, "<f4").tobytes(), 9, mtime=0))
    reel = _reel(source / "reel", folder / "reel", FRAMES // 2 if system == "ppgn" else FRAMES)  # its weights take more than half of the room
    about = {
        "format": FORMAT,
        "system": system,
        "step": steps,
        "command": command_of(run),
        "seconds": round(_seconds(run.lines, source)),
        **reel,
        "kind": "",
        "moving": [],
    }
    write_json(folder / "demo.json", about)
    with tempfile.TemporaryDirectory() as runs:
        made = Run.open(install(system, assets=assets, runs=Path(runs)), data=False)
        try:
            kind, files, more = _MOVING[system](made, folder)
            _preview(made, folder)
        finally:
            made.close()
    write_json(folder / "demo.json", about | more | {"kind": kind, "moving": [file.name for file in files]})
    return folder


def slim(run: Any, folder: Path) -> int:
    """Write the State without moments, large tensors as float16; returns its step. Raises BadInput if a weight does not fit."""
    import torch
    from safetensors.torch import save_file

    from models import checkpoint
    from models.files import writing

    tensors, header = checkpoint.read(run.folder.checkpoint(run.state.step))
    moments = tuple(f"{name}." for name in header["groups"])
    kept = {key: value for key, value in tensors.items() if not key.startswith(moments)}
    halved = {key: str(v.dtype).removeprefix("torch.") for key, v in kept.items() if v.dtype == torch.float32 and v.numel() >= SMALL}
    small = {key: value.to(torch.float16) if key in halved else value for key, value in kept.items()}
    for key, value in small.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise BadInput(f"{key} of {run.folder.path.name} has numbers that float16 does not hold: make the demo from another run.")
    whole = {key: value.to(torch.float32) if key in halved else value for key, value in small.items()}
    header |= {"state_hash": checkpoint.state_hash(whole), "halved": halved}
    with writing(folder / "state.safetensors") as temporary:
        save_file(small, temporary, {"studio": json.dumps(header, allow_nan=False)})
    return int(run.state.step)


def chosen(reel: Path, most: int) -> list[Path]:
    """A few frames of a reel, log-like: the first, the last, and between them more of the early ones."""
    files = sorted((file for file in reel.glob("*") if file.stem.isdigit()), key=lambda file: int(file.stem))
    if len(files) <= most:
        return files
    places = np.unique(np.geomspace(1, len(files), most).round().astype(int)) - 1
    return [files[i] for i in places]


def _reel(source: Path, folder: Path, most: int) -> dict[str, Any]:
    """Write some frames, pictures packed as WebP; returns how many pictures a frame has, on how many columns, and whether they are grey."""
    from PIL import Image

    from models.reel import Reel
    from models.tiling import tile

    shape: dict[str, Any] = {}
    for file in chosen(source, most):
        if file.suffix != ".png":
            write_bytes(folder / file.name, file.read_bytes())
            continue
        pictures = Reel(source, 1).frame(int(file.stem))
        sheet, buffer = tile(pictures), io.BytesIO()
        shape = {"reel": [len(pictures), sheet.shape[1] // pictures.shape[2]], "grey": sheet.shape[2] == 1}
        Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet).convert("RGB").save(buffer, "WEBP", lossless=True, quality=100, method=6)
        write_bytes(folder / f"{file.stem}.webp", buffer.getvalue())
    return shape


def command_of(run: Any) -> str:
    """The line that makes such a run again."""
    from models import knobs

    record, algorithm = run.folder.record, run.algorithm
    preset = algorithm.PRESETS[record["preset"]]
    cfg = knobs.make(algorithm.Config, preset.config)
    usual = (algorithm.fitted(cfg, run.data) if hasattr(algorithm, "fitted") else cfg).model_dump()
    usual |= knobs.make(algorithm.Knobs, preset.knobs).model_dump()
    given = {**record["config"], **record["knobs"]}
    sets = "".join(f" --set {shlex.quote(f'{name}={value}')}" for name, value in given.items() if value != usual[name])
    data, plan = record["data"]["spec"], record["plan"]
    steps = "" if run.state.step == preset.steps else f" --steps {run.state.step}"
    return (
        f"sampling-studio train {record['system']} --data {data} --preset {preset.name} --seed {record['seed']} --threads {plan['threads']}"
        f"{steps}{sets} --out demo-{record['system']}"
    )


def _seconds(lines: Sequence[Any], source: Path) -> float:
    """How long it trained, as far as the files tell."""
    newest = max(file.stat().st_mtime for file in source.glob("checkpoints/*.safetensors"))
    return max(0.0, newest - float(lines[0]["time"]))


def _preview(run: Any, folder: Path) -> None:
    """The strip of eight pictures that a list of runs shows."""
    from PIL import Image

    from models.catalog import writes_of

    if writes_of(run.algorithm, run.config) != "pictures":
        return
    pictures = run.algorithm.sample(run.state, 8, 0).pictures["samples"]
    n, height, width, _ = pictures.shape
    strip = np.zeros((height, n * (width + 2), 4), np.uint8)
    for i, picture in enumerate(pictures):
        strip[:, i * (width + 2) : i * (width + 2) + width, :3] = picture
        strip[:, i * (width + 2) : i * (width + 2) + width, 3] = 255
    Image.fromarray(strip).save(folder / "preview.png")


# --- what moves ---------------------------------------------------------------------------------------------------

Moving = tuple[str, list[Path], dict[str, Any]]


def _public(recipe: Any) -> dict[str, Any]:
    """A recipe without the place of the run on the machine that made it."""
    return {**recipe, "run": {key: value for key, value in recipe["run"].items() if key != "path"}}


def _loop(run: Any, folder: Path) -> Moving:
    """A closed way through latents; Home shows several places of it at once."""
    from studio.export import animation
    from studio.export.taking import record_of

    record = record_of(run, seed=1, count=LATENTS, samples=False, needs=("loop",), frames=LATENTS * BETWEEN)
    record = replace(record, recipe=_public(record.recipe))
    return "loop", list(animation.write_loop(record, folder / "moving.webp", fps=12, zoom=1)), {}


def _chains(run: Any, folder: Path) -> Moving:
    """Chains on their way to a caption."""
    from models.chains import Chains
    from studio.export.chaining import chains_record
    from studio.export.chainpictures import write_animation

    chains = Chains(run.algorithm.parts(run.state), "noiseless-joint", [f"caption:{CAPTION}"], {"mode": "paper"}, chains=CHAINS, seed=1)
    for _ in range(WALKED):
        chains.step()
    record = chains_record(chains, run)
    record = replace(record, recipe=_public(record.recipe))
    files = write_animation(record, folder / "moving.webp", frames=SHOWN, fps=12, zoom=1)
    return "chains", list(files), {"caption": CAPTION, "chains": CHAINS, "agreement": record.agreement}


def _sentences(run: Any, folder: Path) -> Moving:
    """Sentences, to be typed."""
    from studio.export import texts
    from studio.export.taking import record_of

    record = record_of(run, seed=1, count=SENTENCES)
    record = replace(record, recipe=_public(record.recipe))
    file, beside = texts.write_jsonl(record, folder / "moving.jsonl")
    beside.unlink()  # the first line has it too
    return "sentences", [file], {}


def _fillings(run: Any, folder: Path) -> Moving:
    """Sentences with blanks, filled several times."""
    from models.algorithms.maskgan import filling
    from studio.export.filled import DEFAULTS, desk_record, fill_exporters

    files = []
    for i, text in enumerate(BLANKED, 1):
        desk = filling.parse(run.state, text)
        record = desk_record(run, desk, n=FILLINGS, seed=i, nets=("maskgan",), options={**DEFAULTS, "temperature": TEMPERATURE})
        record = replace(record, recipe=_public(record.recipe))
        file, *rest = fill_exporters()["jsonl"].write(record, folder / f"moving-{i}.jsonl")
        for other in rest:
            other.unlink()
        files.append(file)
    told = {"text": BLANKED[0], "n": FILLINGS, "seed": 1, "temperature": TEMPERATURE}
    return "fillings", files, {"desk": told}  # what Home shows first lies on the desk when the demo is opened


_MOVING: dict[str, Callable[[Any, Path], Moving]] = {
    "began": _loop,
    "bgan": _loop,
    "ppgn": _chains,
    "seqgan": _sentences,
    "maskgan": _fillings,
}


# --- the lab ------------------------------------------------------------------------------------------------------


def make_lab(assets: Path) -> Path:
    """Two walks on the same banana, one exact and one that never rejects; returns the folder."""
    from models import catalog
    from models.lab import Lab
    from studio.verify import labs
    from studio.workers import scene

    folder = assets / "lab"
    shutil.rmtree(folder, ignore_errors=True)
    target = catalog.target(str(LAB["target"]))
    shown = scene.picture(target.on_grid(64))
    low, high = np.array(target.bounds, float).T
    files, lines = [], []
    for kernel in LAB_KERNELS:
        walk = Lab(kernel, target, chains=LAB["chains"], seed=LAB["seed"], start=LAB["start"])
        places = [walk.state.x.numpy().copy()]
        for _ in range(LAB["steps"]):
            walk.step()
            places.append(walk.state.x.numpy().copy())
        share = (np.stack(places) - low) / (high - low)
        source = labs.source(walk, str(LAB["target"]), LAB["start"], LAB["steps"], 1)
        content = {
            recipes.FIELD: recipes.make(labs.KIND, source, seed=LAB["seed"], draws=LAB["steps"] // 2),
            "title": walk.kernel.TITLE,
            "bounds": target.bounds,
            "cells": shown.density.shape[0],
            "density": _packed(np.sqrt(np.maximum(shown.density, 0) / shown.density.max()) * 255, np.uint8),
            "contours": [np.round(c.astype(float), 3).tolist() for c in shown.contours],
            "chains": LAB["chains"],
            "walk": _packed(share.clip(-0.5, 1.5) * 16384 + 16384, "<u2"),  # shares of the bounds, (steps + 1, chains, 2)
        }
        file = folder / f"moving-{kernel}.json"
        write_bytes(file, (json.dumps(content, allow_nan=False) + "\n").encode())
        files.append(file)
        lines.append(
            f"sampling-studio lab {kernel} --target {LAB['target']} --chains {LAB['chains']} --seed {LAB['seed']} --start {LAB['start']} "
            f"--steps {LAB['steps']}"
        )
    about = {"format": FORMAT, "system": "lab", "command": "\n".join(lines), "kind": "walks", "moving": [f.name for f in files], "lab": LAB}
    write_json(folder / "demo.json", about | {"kernels": list(LAB_KERNELS)})
    return folder


def _packed(values: np.ndarray, kind: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(values.round(), kind).tobytes()).decode()
