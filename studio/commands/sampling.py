"""`sample`: what a run gives."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from models.errors import BadData, BadInput, DiskTrouble
from studio.commands.terminal import Result, tell

STILL = {".txt": "the systems that write text are", ".jsonl": "the systems that write text are", ".mp4": "video is"}


def sample(options: argparse.Namespace) -> Result:
    """Samples, animations, curves, plots or the report of a run, with the recipe inside."""
    from studio.export import exporters
    from studio.export.taking import record_of

    name = _exporter(options)
    settings = _settings(name, options)
    exporter = exporters()[name]
    if options.out.is_dir() and exporter.extension:
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    if not exporter.extension and options.out.is_dir() and any(options.out.iterdir()) and not options.force:
        raise BadInput(f"{options.out} is not empty: choose another folder, or add --force to write into it.")
    opened = _open(options, data="card" in exporter.needs)
    tell(opened.notice)
    count = min(options.n, 64) if name == "report" else options.n
    record = record_of(
        opened,
        seed=options.seed,
        count=count,
        ema=not options.no_ema,
        pictures=exporter.pictures,
        needs=exporter.needs,
        frames=options.frames,
    )
    files = exporter.write(record, options.out, **settings)
    try:
        opened.folder.pin(opened.state.step)  # an exported file keeps its checkpoint
    except DiskTrouble:
        tell(f"{opened.folder.path.name} cannot be written to, so its checkpoint of step {opened.state.step:,} may be thinned out one day.")
    counts = {"reel": len(record.reel), "animation": 0 if record.loop is None else len(record.loop)}
    made = counts.get(name, count if exporter.pictures else len(record.rows))
    result = {"out": str(options.out), "count": made, "seed": options.seed, "step": record.step}
    label = exporter.label.partition(" (")[0]
    return result, f"{files[0] if exporter.extension else options.out}: {label}, step {record.step:,}, seed {options.seed}", 0


def _open(options: argparse.Namespace, *, data: bool) -> Any:
    """The run; with its data, where a report tells about them and they are still there."""
    from models.run import Run

    arguments: Mapping[str, Any] = {"write": False, "step": options.step, "device_name": options.device}
    if data:
        try:
            return Run.open(options.run, data=True, **arguments)
        except BadData as error:
            tell(f"{error} The report leaves out what they are like.")
    return Run.open(options.run, data=False, **arguments)


def _exporter(options: argparse.Namespace) -> str:
    from studio.export import exporters

    suffix, reel = options.out.suffix.lower(), exporters()["reel"]
    moving = (reel.extension, *reel.others)
    asked = [word for word in ("plots", "reel", "tensorboard") if getattr(options, word)]
    if len(asked) > 1:
        raise BadInput(f"--{asked[0]} and --{asked[1]} are two exports: ask for one at a time.")
    wanted = {"plots": (".png", ".svg"), "reel": moving, "tensorboard": ("",)}
    for word in asked:
        if suffix not in wanted[word]:
            raise BadInput(f"--{word} writes {', '.join(wanted[word]) if word != 'tensorboard' else 'a folder'}; got {options.out.name!r}.")
        return "svg" if suffix == ".svg" else word
    known = dict.fromkeys(moving, "animation")
    known |= {".png": "sheet", ".html": "gallery", ".csv": "curves", ".svg": "svg", ".md": "report", "": "singles"}
    if suffix in STILL:
        raise BadInput(
            f"{suffix} is still to come ({STILL[suffix]} not built yet); this version writes {_list(known)} and a folder of single pictures."
        )
    if suffix not in known:
        raise BadInput(f"Nothing here writes {suffix!r}; --out takes {_list(known)}, or FOLDER/ for single pictures.")
    return known[suffix]


def _settings(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What was asked for of an animation; raises BadInput where it has no meaning."""
    takes = {"animation": ("frames", "fps", "zoom"), "reel": ("fps", "zoom"), "sheet": ("zoom",)}.get(name, ())
    given = {word: getattr(options, word) for word in ("frames", "fps", "zoom") if getattr(options, word) is not None}
    for word in given:
        if word not in takes:
            raise BadInput(
                f"--{word} has no meaning for {options.out.name}: it is for {'a loop (.webp, .gif, .apng)' if word == 'frames' else 'animations'}."
            )
    return {word: value for word, value in given.items() if word != "frames"}


def _list(known: Mapping[str, str]) -> str:
    return ", ".join(suffix for suffix in known if suffix)
