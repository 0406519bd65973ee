"""What is kept, as files: contact sheets, single pictures, pages, animations of samples of any runs; sentences as text.

    givers("picture")["animation"].give(gallery, ids, Path("a.webp"))

The order of the samples is the one given. Every file carries one recipe with all its sources (`recipe.gathered`): each sample can be made again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from models.errors import BadInput
from models.files import write_bytes
from models.settings import settings
from studio import recipe as recipes
from studio.export import Exporter
from studio.export.telling import Progress, tell
from studio.export.whole import written
from studio.gallery.keeping import pixels_of
from studio.gallery.store import Entry, Gallery

MOST_BYTES = 1_000_000_000  # of all frames of an animation, which are in memory while it is written
SIDE = 256  # pixels that a frame has at least
FPS = 6


@dataclass(frozen=True)
class Giver(Exporter):
    """One way to write samples of the gallery; `write(gallery, path, ids=…, **options)`, see `give`."""

    kind: Literal["picture", "text"] = "picture"

    def give(self, gallery: Gallery, ids: Sequence[int], path: Path, *, progress: Progress | None = None, **options: Any) -> list[Path]:
        """Write samples, whole or not at all; returns the files, the first to be opened.

        Raises:
            BadInput: none of the samples is of this kind, a folder holds something already, or they are too many.
            DiskTrouble: it cannot be written.
        """
        if not self.extension and path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise BadInput(f"{path} is there already, and an export is not mixed with other files: choose a new name.")
        return written(self.write, gallery, path, private=False, progress=progress, ids=ids, **options)  # recipes are private one by one


def givers(kind: str = "") -> dict[str, Giver]:
    """All ways by name, in the order of the menu; those for "picture" or "text" if asked for."""
    from studio.export import moving

    more = tuple(e for e in moving.EXTENSIONS if e != ".webp")
    found = {
        "sheet": Giver("Contact sheet (PNG)", ".png", True, write_sheet, kind="picture"),
        "singles": Giver("Single pictures (PNG)", "", True, write_singles, kind="picture"),
        "gallery": Giver("Gallery (HTML)", ".html", True, write_gallery, kind="picture"),
        "animation": Giver("Animation in this order (WebP)", ".webp", True, write_animation, others=more, kind="picture"),
        "txt": Giver("Sentences (text)", ".txt", True, write_txt, kind="text"),
        "jsonl": Giver("Sentences (JSON lines)", ".jsonl", True, write_jsonl, kind="text"),
        "csv": Giver("Sentences (CSV)", ".csv", True, write_csv, kind="text"),
        "page": Giver("Page of sentences (HTML)", ".html", True, write_page, kind="text"),
    }
    return {name: g for name, g in found.items() if kind in ("", g.kind)}


def giver_for(path: Path, kind: str) -> Giver:
    """The one that writes files with the ending of a path; raises BadInput."""
    suffix = path.suffix.lower()
    for giver in givers(kind).values():
        if suffix == giver.extension or (giver.extension and suffix in giver.others and suffix != ".png"):
            return giver
    known = ", ".join(dict.fromkeys(e for g in givers(kind).values() for e in (g.extension, *g.others) if e))
    what = "Pictures" if kind == "picture" else "Sentences"
    raise BadInput(f"{what} of the gallery are written as {known}{', or FOLDER/' if kind == 'picture' else ''}; got {path.name!r}.")


def of_kind(gallery: Gallery, ids: Sequence[int], kind: str) -> list[Entry]:
    """The entries among these of a kind, in their order; raises BadInput if there is none."""
    found = [e for e in gallery.entries(ids) if e.kind == kind]
    if not found:
        what = "picture" if kind == "picture" else "sentence"
        raise BadInput(f"There is no {what} among these samples: choose some first.")
    return found


# --- pictures ---------------------------------------------------------------------------------------------------------


def cells_of(gallery: Gallery, ids: Sequence[int]) -> list[Any]:
    """Pictures as cells of a contact sheet, each with its own recipe."""
    from studio.export.contact import Cell

    found = []
    entries, recipe_of = of_kind(gallery, ids, "picture"), _Recipes(gallery)
    for i, e in enumerate(entries):
        score = (e.score_name, e.score) if e.score is not None else None
        found.append(Cell(pixels_of(gallery.png(e.id)), recipe_of(e.id), score, e.label))
        tell(i // 2, len(entries))
    return found


def write_sheet(gallery: Gallery, path: Path, *, ids: Sequence[int], look: Any = None, title: str = "") -> list[Path]:
    """A contact sheet; see `studio.export.contact.write_contact`."""
    from studio.export.contact import write_contact

    return list(write_contact(cells_of(gallery, ids), path, look, title=title))


def write_singles(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """A folder with one PNG for each picture, at its own size."""
    del title
    entries, recipe_of = of_kind(gallery, ids, "picture"), _Recipes(gallery)
    files = []
    for i, e in enumerate(entries):
        files.append(path / f"{i:04d}-{_plain(e.run)}-step{e.step:07d}-seed{e.seed}-{e.row:04d}.png")
        recipes.save_png(Image.fromarray(pixels_of(gallery.png(e.id))), files[-1], recipe_of(e.id))
        tell(i + 1, len(entries))
    return files


def write_gallery(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """One HTML page with everything in it."""
    from studio.export.gallery import Item, Page
    from studio.export.gallery import written as page_of

    entries = of_kind(gallery, ids, "picture")
    named = {e.score_name for e in entries}
    score = named.pop() if len(named) == 1 else ""
    items = []
    for i, e in enumerate(entries):
        alt = f"{e.system.upper()} sample {e.row} of seed {e.seed} at step {e.step:,}, run {e.run}, trained on {e.data}"
        told = f"{e.run} · step {e.step:,} · seed {e.seed} #{e.row}" + (f" · {e.wish}" if e.wish else "")
        items.append(Item(gallery.png(e.id), alt, told, f"{e.score:.4g}" if score and e.score is not None else "", e.wish))
        tell(i + 1, len(entries))
    systems = {e.system for e in entries}
    page = Page(
        title=title or _title(entries),
        tab=title or _title(entries),
        facts=_facts(entries),
        label="Samples",
        system=systems.pop() if len(systems) == 1 else "gallery",
        items=items,
        side=(max(e.height for e in entries), max(e.width for e in entries)),
        footer=f"Sampling Studio · {_facts(entries)} · the recipe in this page makes each of them again",
        score=score,
    )
    write_bytes(path, page_of(page, _recipe(gallery, entries, "gallery", title)).encode())
    return [path]


def write_animation(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "", fps: int = FPS) -> list[Path]:
    """One frame after the other, in the order given; pictures of different sizes each a whole number of times enlarged, on black."""
    from studio.export import moving

    entries = of_kind(gallery, ids, "picture")
    if len(entries) < 2:
        raise BadInput("An animation has two pictures at least: choose more.")
    height, width = max(e.height for e in entries), max(e.width for e in entries)
    zoom = max(1, -(-SIDE // max(height, width)))
    height, width = height * zoom, width * zoom
    if len(entries) * height * width * 3 > MOST_BYTES:
        raise BadInput(f"{len(entries):,} frames of {width:,} × {height:,} pixels are more than 1 GB: choose fewer pictures.")
    ms, frames = moving.duration(path.suffix.lower(), fps), []
    for e in entries:
        pixels = pixels_of(gallery.png(e.id))
        times = min(height // pixels.shape[0], width // pixels.shape[1])
        large = pixels.repeat(times, 0).repeat(times, 1)
        frame = np.zeros((height, width, 3), np.uint8)
        top, left = (height - large.shape[0]) // 2, (width - large.shape[1]) // 2
        frame[top : top + large.shape[0], left : left + large.shape[1]] = large
        frames.append(moving.Frame(frame, ms))
        tell(0, len(entries))
    made = {"fps": fps, "zoom": zoom, "format": path.suffix.lower()}
    return moving.save(path, frames, _recipe(gallery, entries, "animation", title, **made))


# --- sentences --------------------------------------------------------------------------------------------------------


def write_txt(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """One sentence a line, and the recipe beside it."""
    entries = of_kind(gallery, ids, "text")
    return _beside(gallery, entries, path, "".join(f"{e.text}\n" for e in entries), "txt", title)


def write_jsonl(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """One JSON object a line: text, scores, run, step, seed, index, tags, note. The first carries the recipe, which is also beside the file."""
    entries = of_kind(gallery, ids, "text")
    recipe, lines = _recipe(gallery, entries, "jsonl", title), []
    for e in entries:
        told = {"text": e.text, **e.scores, "run": e.run, "system": e.system, "step": e.step, "seed": e.seed, "index": e.row}
        told |= {k: v for k, v in _told(e, "jsonl").items() if k in ("star", "tags", "note")}
        carried = {} if lines else {recipes.FIELD: json.loads(recipes.dumps(recipe))}
        lines.append(json.dumps(told | carried, allow_nan=False, ensure_ascii=False))
    return _beside(gallery, entries, path, "".join(f"{line}\n" for line in lines), "jsonl", title)


def write_csv(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """A table: text, run, system, step, seed, index, and a column for each score."""
    entries, out = of_kind(gallery, ids, "text"), io.StringIO()
    scores = list(dict.fromkeys(name for e in entries for name in e.scores))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "run", "system", "step", "seed", "index", *scores])
    for e in entries:
        writer.writerow([e.text, e.run, e.system, e.step, e.seed, e.row, *(f"{e.scores[s]:.9g}" if s in e.scores else "" for s in scores)])
    return _beside(gallery, entries, path, out.getvalue(), "csv", title)


def write_page(gallery: Gallery, path: Path, *, ids: Sequence[int], title: str = "") -> list[Path]:
    """One HTML page of sentences."""
    from studio.export.textpage import board_page
    from studio.export.texts import Row

    entries = of_kind(gallery, ids, "text")
    recipe = _recipe(gallery, entries, "page", title)
    systems = {e.system for e in entries}
    told = []
    for i, e in enumerate(entries):
        log_p, length = (f"{e.scores[s]:.9g}" if s in e.scores else "" for s in ("log_p", "length"))
        told.append((Row(i, e.text, log_p, length), f"{e.run} · step {e.step:,} · seed {e.seed} #{e.row}"))
    system = systems.pop() if len(systems) == 1 else "gallery"
    write_bytes(path, board_page(title or _title(entries), _facts(entries), system, told, recipe).encode())
    return [path]


# --- what they share --------------------------------------------------------------------------------------------------


class _Recipes:
    """The recipes of entries; what many share is read once."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery, self._last = gallery, (-1, dict[str, Any]())

    def __call__(self, number: int) -> recipes.Recipe:
        key, row = self._gallery.shared_key(number)
        if key != self._last[0]:
            self._last = (key, self._gallery.shared(number)[0])
        found = recipes.of_sample(self._last[1], row)
        return recipes.private(found) if settings().privacy else found


def _recipe(gallery: Gallery, entries: Sequence[Entry], kind: str, title: str, **made: Any) -> recipes.Recipe:
    recipe_of = _Recipes(gallery)
    told = [_told(e, kind) for e in entries]
    recipe = recipes.gathered(f"board-{kind}", [recipe_of(e.id) for e in entries], told, title=title or _title(entries), **made)
    size = len(json.dumps(recipe, ensure_ascii=False).encode())
    if size > recipes.LIMIT:
        fit = max(1, int(0.9 * len(entries) * recipes.LIMIT / size))
        raise BadInput(
            f"The recipe of {len(entries):,} samples has {size:,} bytes, and a file has room for {recipes.LIMIT:,}: export about {fit:,} at a time."
        )
    return recipe


def _told(e: Entry, kind: str) -> dict[str, Any]:
    """What else a file says of a sample, so that it can be written again."""
    told: dict[str, Any] = {"score": [e.score_name, e.score]} if e.score is not None else {}
    told |= {"label": e.label} if e.label else {}
    if kind in ("jsonl", "csv", "page") and len(e.scores) > 1:
        told["scores"] = dict(e.scores)
    if kind == "jsonl" and not settings().privacy:
        told |= {name: value for name, value in (("star", e.star), ("tags", list(e.tags)), ("note", e.note)) if value}
    return told


def _beside(gallery: Gallery, entries: Sequence[Entry], path: Path, text: str, kind: str, title: str) -> list[Path]:
    recipe = _recipe(gallery, entries, kind, title)
    write_bytes(path, text.encode())
    recipes.save_beside(path, recipe)
    return [path, recipes.beside(path)]


def _title(entries: Sequence[Entry]) -> str:
    runs = list(dict.fromkeys(e.run for e in entries))
    return runs[0] if len(runs) == 1 else f"{len(entries):,} samples of {len(runs):,} runs"


def _facts(entries: Sequence[Entry]) -> str:
    runs, steps = {e.run_id for e in entries}, sorted({e.step for e in entries})
    told = f"{len(entries):,} {'picture' if entries[0].kind == 'picture' else 'sentence'}{'s' * (len(entries) != 1)}"
    told += f" · {len(runs):,} runs" if len(runs) > 1 else ""
    return told + (f" · step {steps[0]:,}" if len(steps) == 1 else f" · steps {steps[0]:,} to {steps[-1]:,}")


def _plain(name: str) -> str:
    """A run's name as part of a file's."""
    return re.sub(r"[^\w.-]+", "-", name)[:40] or "run"
