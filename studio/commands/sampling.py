"""`sample`: what a run gives."""

from __future__ import annotations

import argparse

from models.errors import BadInput, DiskTrouble
from studio.commands.terminal import Result, tell


def sample(options: argparse.Namespace) -> Result:
    """Samples, curves or plots of a run, with the recipe inside."""
    from models.run import Run
    from studio.export import exporters
    from studio.verify import record_of

    name = _exporter(options)
    opened = Run.open(options.run, write=False, data=False, step=options.step, device_name=options.device)
    exporter = exporters()[name]
    if options.out.is_dir() and exporter.extension:
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    if not exporter.extension and options.out.is_dir() and any(options.out.iterdir()) and not options.force:
        raise BadInput(f"{options.out} is not empty: choose another folder, or add --force to write into it.")
    tell(opened.notice)
    record = record_of(opened, seed=options.seed, count=options.n, ema=not options.no_ema, pictures=exporter.pictures)
    files = exporter.write(record, options.out)
    try:
        opened.folder.pin(opened.state.step)  # an exported file keeps its checkpoint
    except DiskTrouble:
        tell(f"{opened.folder.path.name} cannot be written to, so its checkpoint of step {opened.state.step:,} may be thinned out one day.")
    result = {"out": str(options.out), "count": options.n if exporter.pictures else len(record.rows), "seed": options.seed, "step": record.step}
    return result, f"{files[0] if exporter.extension else options.out}: {exporter.label}, step {record.step:,}, seed {options.seed}", 0


def _exporter(options: argparse.Namespace) -> str:
    suffix = options.out.suffix.lower()
    if options.plots:
        if suffix != ".png":
            raise BadInput(f"--plots writes a .png; got {options.out.name!r}.")
        return "plots"
    known = {".png": "sheet", ".csv": "curves", "": "singles"}
    if suffix in (".html", ".webp", ".gif", ".apng", ".svg", ".txt", ".jsonl", ".mp4"):
        raise BadInput(f"{suffix} is still to come; this version writes .png (sheet), a folder (single pictures) and .csv (curves).")
    if suffix not in known:
        raise BadInput(f"Nothing here writes {suffix!r}; --out takes FILE.png (sheet), FOLDER/ (single pictures) or FILE.csv (curves).")
    return known[suffix]
