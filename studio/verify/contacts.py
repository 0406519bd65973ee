"""Makes a contact sheet of one or more runs again: each sample from its own run, then the sheet from all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from models.errors import BadFile
from models.run import Run
from studio import recipe as recipes
from studio.export import contact
from studio.export.taking import coloured, record_of
from studio.verify import walking
from studio.verify.fits import against_checkpoint, elsewhere
from studio.verify.walking import device_of, whole

MOST = 100_000  # row of a seed, chains


class Sheet(NamedTuple):
    """What the recipe makes; why some of it is not what it was made from; what is not as it was then."""

    path: Path
    reason: str
    changes: list[str]


def again(recipe: Mapping[str, Any], folder: Path, find: Callable[[Mapping[str, Any]], Path], trust: str | None = None) -> Sheet:
    """Make it in `folder`; `find` gives the run of a source.

    Raises:
        KeyError, TypeError, ValueError, BadInput and others: the recipe describes no sheet.
        BadFile: a run or a checkpoint is gone.
    """
    parts = [recipes.of_sample(recipe, i) for i in range(recipes.count_of(recipe))]
    pictures, reason, changes = samples_again(recipe, find, drawn, trust)
    made, cells = recipe["made"], []
    for i, told in enumerate(made["cells"]):
        score = (str(told["score"][0]), float(told["score"][1])) if "score" in told else None
        cells.append(contact.Cell(pictures[i], parts[i], score, str(told.get("label", ""))))
    (path,) = contact.write_contact(cells, folder / "again.png", contact.Look(**made["look"]), title=str(made["title"]))
    return Sheet(path, reason, changes)


def samples_again(
    recipe: Mapping[str, Any],
    find: Callable[[Mapping[str, Any]], Path],
    draw: Callable[[Run, list[recipes.Recipe], list[int], str | None], Mapping[int, Any]],
    trust: str | None,
) -> tuple[dict[int, Any], str, list[str]]:
    """The samples of a file of several runs; why some are not what they were made from; what is not as it was then.

    `draw` makes those of one run: it is given the recipes of all, and which of them are of this run.
    """
    parts = [recipes.of_sample(recipe, i) for i in range(recipes.count_of(recipe))]
    found: dict[int, Any] = {}
    reasons: list[str] = []
    changes: list[str] = []
    for number in sorted({cell["source"] for cell in recipe["made"]["cells"]}):
        source = recipes.source_of(recipe, number)
        here = [i for i, cell in enumerate(recipe["made"]["cells"]) if cell["source"] == number]
        walked = device_of(source) if any(parts[i]["kind"] != "single" or "options" in parts[i]["made"] for i in here) else None
        arguments = {"step": whole(source["step"], 0, 10**12), "kept": str(source.get("checkpoint")), "device_name": walked, "check": False}
        run = Run.open(find(source), write=False, data=False, **arguments)
        reason = against_checkpoint(run, source)
        reasons += [f"{run.folder.name}: {reason}"] if reason else []
        changes += [change for change in elsewhere(run, source) if change not in changes]
        found |= draw(run, parts, here, trust)
    return found, "; ".join(reasons), changes


def drawn(run: Run, parts: list[recipes.Recipe], here: list[int], trust: str | None) -> dict[int, np.ndarray]:
    """The pictures of one run: rows of the same seed are drawn together, chains are walked once."""
    found: dict[int, np.ndarray] = {}
    chains = [i for i in here if parts[i]["kind"] == "chains-single"]
    groups: dict[tuple[int, bool], list[int]] = {}
    for i in here:
        made = parts[i]["made"]
        if i in chains:
            continue
        if parts[i]["kind"] != "single" or not isinstance(made["ema"], bool):
            raise ValueError(parts[i]["kind"])
        groups.setdefault((whole(made["seed"], 0, 2**62), made["ema"]), []).append(i)
    for (seed, ema), those in groups.items():
        rows = {i: whole(parts[i]["made"]["rows"][0], 0, MOST) for i in those}
        pictures = record_of(run, seed=seed, count=max(rows.values()) + 1, ema=ema).pictures
        if pictures is None:
            raise ValueError(seed)
        found |= {i: pictures[row] for i, row in rows.items()}
    for i in chains[:1]:
        with TemporaryDirectory() as place:
            walking.walked(run, parts[i], Path(place), trust)
            files = sorted(Path(place).iterdir())
            for j in chains:
                with Image.open(files[whole(parts[j]["made"]["chain"], 0, len(files) - 1)], formats=["PNG"]) as image:
                    found[j] = coloured(np.asarray(image.convert("RGB")))
    return found


def gone(path: Path, source: Mapping[str, Any]) -> BadFile:
    """The sentence about a run that cannot be found."""
    name = source.get("run", {}).get("name") or "that"
    return BadFile(f"The run {name} that made {path.name} is gone: give its new place with --run.")
