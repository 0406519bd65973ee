"""Makes what was exported from the gallery again: each sample from its own run, then the file from all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.run import Run
from studio import recipe as recipes
from studio.export.filled import alternatives, desk_of, desk_record
from studio.export.taking import record_of
from studio.export.texts import one_line
from studio.gallery.giving import givers
from studio.gallery.keeping import picture
from studio.gallery.store import Gallery, Sample
from studio.verify import contacts
from studio.verify.contacts import Sheet
from studio.verify.walking import whole

KINDS = tuple(f"board-{name}" for name in ("gallery", "animation", "txt", "jsonl", "csv", "page"))
MOST = 100_000  # row of a seed


def again(recipe: Mapping[str, Any], folder: Path, find: Callable[[Mapping[str, Any]], Path], trust: str | None = None) -> Sheet:
    """Make it in `folder`; `find` gives the run of a source.

    Raises:
        KeyError, TypeError, ValueError, BadInput and others: the recipe describes nothing that the gallery gives.
        BadFile: a run or a checkpoint is gone.
    """
    made, name = recipe["made"], str(recipe["kind"]).removeprefix("board-")
    giver = givers()[name]
    samples, reason, changes = contacts.samples_again(recipe, find, contacts.drawn if giver.kind == "picture" else _said, trust)
    gallery = Gallery.open(folder / "gallery.db")
    try:
        ids = [_kept(gallery, recipes.of_sample(recipe, i), told, samples[i]) for i, told in enumerate(made["cells"])]
        extension = str(made["format"]) if name == "animation" else giver.extension
        if extension not in (giver.extension, *giver.others):
            raise ValueError(extension)
        more: dict[str, Any] = {"fps": whole(made["fps"], 1, 50)} if name == "animation" else {}
        path = giver.give(gallery, ids, folder / f"again{extension}", title=str(made["title"]), **more)[0]
    finally:
        gallery.close()
    return Sheet(path, reason, changes)


def _kept(gallery: Gallery, part: recipes.Recipe, told: Mapping[str, Any], found: Any) -> int:
    """A sample in a gallery, with what the file says of it."""
    name, value = told.get("score") or ("", None)
    named: Mapping[str, Any] = told.get("scores") or ({name: value} if name else {})
    scores = {str(n): float(v) for n, v in named.items()}
    label = str(told.get("label", ""))
    sample = Sample(0, text=one_line(found), label=label, scores=scores) if isinstance(found, str) else picture(0, found, label, scores)
    number = gallery.add(part, [sample])[0]
    gallery.star([number], bool(told.get("star")))
    gallery.note(number, str(told.get("note", "")))
    for tag in told.get("tags", ()):
        gallery.tag([number], str(tag))
    return number


def _said(run: Run, parts: list[recipes.Recipe], here: list[int], trust: str | None) -> dict[int, str]:
    """The sentences of one run: rows of the same seed are drawn together, a desk is filled once."""
    del trust
    found: dict[int, str] = {}
    groups: dict[str, list[int]] = {}
    for i in here:
        made = {k: v for k, v in parts[i]["made"].items() if k not in ("rows", "number")}
        groups.setdefault(f"{parts[i]['kind']} {made!r}", []).append(i)
    for those in groups.values():
        first, made = parts[those[0]], parts[those[0]]["made"]
        if first["kind"] == "filling":
            desk, asked = desk_of({**first, "kind": "fillings-txt"})
            (filled,) = desk_record(run, desk, **asked).fillings.values()
            texts = [one.text for one in alternatives(filled)]
            found |= {i: texts[whole(parts[i]["made"]["number"], 0, len(texts) - 1)] for i in those}
            continue
        rows = {i: whole(parts[i]["made"]["rows"][0], 0, MOST) for i in those}
        record = record_of(run, seed=whole(made["seed"], 0, 2**62), count=max(rows.values()) + 1, options=made["options"])
        found |= {i: record.sentences[row] for i, row in rows.items()}
    return found
