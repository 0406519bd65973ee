"""`sample`: what a run gives."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from models.errors import BadData, BadInput, DiskTrouble
from studio.commands.clash import may_write, told
from studio.commands.terminal import Result, tell

TEXT = ("temperature", "top_k", "nucleus", "prompt", "net")  # how sentences are drawn
SHEET = ("zoom", "columns", "gap", "border", "captions", "paper")
LOOK = ("frames", "fps", *SHEET)  # how pictures are shown
KNOWN = {  # what --out takes, without animations
    "pictures": {".png": "sheet", ".html": "gallery", ".csv": "curves", ".svg": "svg", ".md": "report", "": "singles"},
    "text": {".txt": "txt", ".jsonl": "jsonl", ".csv": "texts", ".html": "page", ".svg": "svg", ".md": "report"},
}


def sample(options: argparse.Namespace) -> Result:
    """Samples, animations, curves, plots or the report of a run, with the recipe inside."""
    from studio.export import exporters, report
    from studio.export.taking import record_of

    algorithm, writes = _system(options)
    name = _exporter(options, writes)
    exporter = exporters(writes)[name]
    settings = _settings(name, options)
    drawing = _drawing(options, algorithm, writes, draws=exporter.samples)
    if options.out.is_dir() and exporter.extension:
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    replaced = may_write(options.out, options.force)
    if not exporter.extension and options.out.is_dir() and any(options.out.iterdir()) and not options.force:
        raise BadInput(f"{options.out} is not empty: choose another folder, or add --force to write into it.")
    opened = _open(options, data="card" in exporter.needs)
    tell(opened.notice)
    count = options.n if name != "report" else min(options.n, report.SENTENCES if writes == "text" else report.SAMPLES)
    scored = ("scores",) if "score" in settings.get("captions", ()) else ()
    record = record_of(
        opened,
        seed=options.seed,
        count=count,
        ema=not options.no_ema,
        samples=exporter.samples,
        needs=(*exporter.needs, *scored),
        frames=options.frames,
        options=drawing,
    )
    files = exporter.export(record, options.out, private=options.private or None, **settings)
    try:
        opened.folder.pin(opened.state.step)  # an exported file keeps its checkpoint
    except DiskTrouble:
        tell(f"{opened.folder.path.name} cannot be written to, so its checkpoint of step {opened.state.step:,} may be thinned out one day.")
    counts = {"reel": len(record.reel), "animation": 0 if record.loop is None else len(record.loop)}
    made = counts.get(name, count if exporter.samples else len(record.rows))
    result = {"out": str(options.out), "count": made, "seed": options.seed, "step": record.step}
    label = exporter.label.partition(" (")[0]
    text = f"{files[0] if exporter.extension else options.out}: {label}, step {record.step:,}, seed {options.seed}"
    return told((result, text, 0), replaced)


def _system(options: argparse.Namespace) -> tuple[Any, str]:
    """The run's system, and what it writes: "pictures" or "text"."""
    from models import catalog
    from models.journal import RunFolder
    from studio.export import writes_of

    record = RunFolder.open(options.run, write=False).record
    algorithm = catalog.algorithm(record["system"])
    return algorithm, writes_of(algorithm, record["config"])


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


def _exporter(options: argparse.Namespace, writes: str) -> str:
    from studio.export import exporters

    suffix, reel = options.out.suffix.lower(), exporters()["reel"]
    moving = (reel.extension, *reel.others)
    if options.reel and writes == "text":
        raise BadInput(f"--reel is for systems that draw pictures, and {options.run.name} writes text: export its sentences, or --plots.")
    if suffix == ".mp4":
        from studio.export.video import pyav

        pyav()  # before anything is drawn
    asked = [word for word in ("plots", "reel", "tensorboard") if getattr(options, word)]
    if len(asked) > 1:
        raise BadInput(f"--{asked[0]} and --{asked[1]} are two exports: ask for one at a time.")
    wanted = {"plots": (".png", ".svg", ".csv"), "reel": moving, "tensorboard": ("",)}
    for word in asked:
        if suffix not in wanted[word]:
            raise BadInput(f"--{word} writes {', '.join(wanted[word]) if word != 'tensorboard' else 'a folder'}; got {options.out.name!r}.")
        return {".svg": "svg", ".csv": "curves"}.get(suffix, word) if word == "plots" else word
    known = KNOWN[writes] if writes == "text" else {**dict.fromkeys(moving, "animation"), **KNOWN[writes]}
    more = ", --plots for its curves, or --tensorboard FOLDER/" if writes == "text" else ", or FOLDER/ for single pictures"
    if suffix not in known and (suffix in (*moving, *KNOWN["pictures"], *KNOWN["text"])):
        what, other = ("writes text", "draw pictures") if writes == "text" else ("draws pictures", "write text")
        kind = f"{suffix} is" if suffix else "A folder of single pictures is"
        raise BadInput(f"{kind} for systems that {other}, and {options.run.name} {what}; --out takes {_list(known)}{more}.")
    if suffix not in known:
        raise BadInput(f"Nothing here writes {suffix!r}; --out takes {_list(known)}{more}.")
    return known[suffix]


def _settings(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What was asked for of an animation; raises BadInput where it has no meaning."""
    takes = {"animation": ("frames", "fps", "zoom"), "reel": ("fps", "zoom"), "sheet": SHEET}.get(name, ())
    given = {word: getattr(options, word) for word in LOOK if getattr(options, word) is not None}
    for word in given:
        if word not in takes:
            whose = {"frames": "a loop (.webp, .gif, .apng, .mp4)", "fps": "animations", "zoom": "animations"}.get(word, "a sheet (.png)")
            raise BadInput(f"--{word} has no meaning for {options.out.name}: it is for {whose}.")
    if "captions" in given:
        given["captions"] = () if given["captions"] == "none" else tuple(given["captions"].split(","))
    if name == "sheet":
        from studio.export.contact import Look

        Look(**given)  # refused before the run is opened
    return {word: value for word, value in given.items() if word != "frames"}


def _drawing(options: argparse.Namespace, algorithm: Any, writes: str, *, draws: bool) -> dict[str, Any]:
    """What was asked for of the sentences; raises BadInput where it has no meaning, or is for pictures."""
    from studio.export.texts import takes

    given = {word: getattr(options, word) for word in TEXT if getattr(options, word) is not None}
    for word in given:
        flag = f"--{word.replace('_', '-')}"
        if writes != "text":
            raise BadInput(f"{flag} is for systems that write text, and {options.run.name} draws pictures.")
        if not takes(algorithm, word):
            raise BadInput(f"{flag} has no meaning for {options.run.name}: {algorithm.TITLE} draws its sentences in one way only; leave it out.")
        if not draws:
            raise BadInput(f"{flag} has no meaning for {options.out.name}: no sentences are drawn for it.")
    if options.no_ema and writes == "text" and not takes(algorithm, "ema"):
        raise BadInput(f"--no-ema is for systems that draw pictures, and {options.run.name} writes text.")
    return given


def _list(known: Mapping[str, str]) -> str:
    return ", ".join(suffix for suffix in known if suffix)
