"""`gallery`: what is kept, keep more, give it away, and what is nearest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.errors import BadInput, DiskTrouble
from studio.commands.terminal import Result, tell
from studio.gallery import Gallery
from studio.gallery.store import Entry
from studio.runs import typed


def gallery(options: argparse.Namespace) -> Result:
    """One of list, keep, export and nearest."""
    needs = {"keep": "the folder of a run", "nearest": "a picture, or words in quotes"}
    if options.act in needs and options.what is None:
        raise BadInput(f"`gallery {options.act}` needs {needs[options.act]}.")
    if options.act not in needs and options.what is not None:
        raise BadInput(
            f"`gallery {options.act}` takes no {options.what!r}: choose samples with --board, --starred, --system, --run, --tag or --find."
        )
    opened = Gallery.open()
    tell(opened.problem)
    try:
        return {"list": _list, "keep": _keep, "export": _export, "nearest": _nearest}[options.act](opened, options)
    finally:
        opened.close()


def _chosen(opened: Gallery, options: argparse.Namespace) -> list[int]:
    """What the filters leave, in its order; raises BadInput for a board or run that is not there."""
    if options.board is not None:
        opened.board(options.board)
    run = options.run or ""
    if run:
        known = {value: said for value, said, _ in opened.choices()["run"]}
        found = [value for value, said in known.items() if run in (value, said)]
        if not found:
            raise BadInput(f"Nothing is kept of a run {run!r}; there are {', '.join(sorted(set(known.values()))) or 'none yet'}.")
        run = found[0]
    sort = options.sort or ("board" if options.board is not None else "newest")
    more = {name: getattr(options, name) or "" for name in ("system", "label", "kind", "tag")} | {"run": run, "text": options.find or ""}
    return list(opened.query(starred=options.starred, board=options.board, sort=sort, **more))


def _list(opened: Gallery, options: argparse.Namespace) -> Result:
    ids = _chosen(opened, options)
    shown = opened.entries(ids[: options.n or len(ids)])
    rows = [f"{e.id:>7} {e.system:<8} {e.run:<20.20} step {e.step:<9,} seed {e.seed} #{e.row:<5} {_said(e)}".rstrip() for e in shown]
    boards = [{"name": name, "count": count} for name, count in opened.boards()]
    told = {"count": len(ids), "boards": boards, "entries": [_object(e) for e in shown]}
    return told, "\n".join(rows) or "Nothing is kept yet: `sampling-studio gallery keep RUN` keeps samples of a run.", 0


def _said(entry: Entry) -> str:
    score = f"{entry.score_name} {entry.score:.4g}" if entry.score is not None else ""
    return "  ".join(word for word in ("*" if entry.star else "", entry.label, score, entry.text[:60], *entry.tags) if word)


def _object(entry: Entry) -> dict[str, Any]:
    """An entry as JSON lines tell it."""
    names = (
        "id",
        "kind",
        "system",
        "run",
        "run_id",
        "data",
        "step",
        "seed",
        "row",
        "label",
        "scores",
        "made",
        "width",
        "height",
        "text",
        "star",
        "note",
    )
    return {name: getattr(entry, name) for name in names} | {"tags": list(entry.tags)}


def _keep(opened: Gallery, options: argparse.Namespace) -> Result:
    """Samples of a run, or those of an exported file."""
    path, newest = typed(options.what, "file or run"), opened.newest()
    if path.is_file():
        from studio.gallery.taking import keep_file

        ids = keep_file(opened, path)
    else:
        from models.run import Run
        from studio.export.taking import record_of

        run = Run.open(path, write=False, data=False, step=options.step, device_name=options.device)
        record = record_of(run, seed=options.seed, count=options.n or 64, needs=("scores",))
        ids = opened.keep(record)
        try:
            run.folder.pin(run.state.step)
        except DiskTrouble:
            tell(f"{path.name} cannot be written to, so its checkpoint of step {run.state.step:,} may be thinned out one day.")
    if options.board is not None:
        before = opened.board(options.board) if options.board in dict(opened.boards()) else []
        opened.set_board(options.board, [*before, *ids])
    new = sum(i > newest for i in set(ids))
    before = len(set(ids)) - new
    text = f"Kept {new:,} in the gallery" + (f"; {before:,} more {'was' if before == 1 else 'were'} there already." if before else ".")
    return {"kept": len(ids), "new": new, "ids": ids, "seed": options.seed, "gallery": str(opened.path)}, text, 0


def _export(opened: Gallery, options: argparse.Namespace) -> Result:
    from studio.gallery.giving import giver_for

    if options.out is None:
        raise BadInput(
            "`gallery export` needs --out FILE: .png sheet, .html gallery or page, .webp .gif .apng .mp4 animation, .txt .jsonl .csv, or FOLDER/."
        )
    ids = _chosen(opened, options)
    if not ids:
        raise BadInput("Nothing that is kept fits this choice, so there is nothing to export.")
    entries = opened.entries(ids)
    kinds = {e.kind for e in entries}
    text = options.out.suffix.lower() in (".txt", ".jsonl", ".csv") or kinds == {"text"}
    giver = giver_for(options.out, "text" if text else "picture")
    if options.out.is_dir() and giver.extension:
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    files = giver.give(opened, ids, options.out, title=options.board or "")
    count = sum(e.kind == giver.kind for e in entries)
    return {"out": str(options.out), "count": count, "files": len(files)}, f"{options.out}: {giver.label.partition(' (')[0]}, {count:,} samples", 0


def _nearest(opened: Gallery, options: argparse.Namespace) -> Result:
    from studio.gallery.nearest import nearest_pictures, nearest_sentences

    n = options.n or 6
    if options.what.is_file():
        found = nearest_pictures(opened, _picture(options.what), n)
    else:
        found = nearest_sentences(opened, str(options.what), n)
    known = {e.id: e for e in opened.entries([f.id for f in found])}
    told = [{**_object(known[f.id]), "distance": f.distance} for f in found]
    rows = [f"{f.distance:>8.2f}  {f.id:>7} {known[f.id].run} step {known[f.id].step:,} {_said(known[f.id])}" for f in found]
    return {"nearest": told}, "\n".join(rows) or "Nothing of this kind is kept.", 0


def _picture(path: Path) -> Any:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.draft("RGB", (1024, 1024))
            if max(image.size) > 8192:
                raise BadInput(f"{path.name} has {image.width:,} × {image.height:,} pixels; at most 8,192 a side are searched for.")
            return np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path.name} is no picture that can be read ({error}): give a PNG, JPEG or WebP.") from None
