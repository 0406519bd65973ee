"""Exports that are there whole or not at all, whatever they consist of: a file, a file with its recipe beside it, a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.errors import StudioError
from models.files import trouble
from models.settings import settings
from studio import recipe as recipes
from studio.export.telling import Progress, heard

NOTES = ("note", "blind")  # lines of the journal that persons wrote


def written(
    write: Callable[..., Sequence[Path]], record: Any, path: Path, *, private: bool | None = None, progress: Progress | None = None, **options: Any
) -> list[Path]:
    """Call an exporter's `write` beside `path`, and move what it made into place once all of it is there.

    Args:
        path: a file's name, or that of a folder, whose other files stay.
        private: leave out paths, machine and notes of persons; None: as the settings say.
        progress: how far it is; what it raises ends the export.

    Returns:
        The files it made, in their place, whose first is what a person opens.

    Raises:
        DiskTrouble: it cannot be written; nothing is left of it, and what was there before is as it was.
        Everything that `write` raises, likewise.
    """
    if settings().privacy if private is None else private:
        record = without_persons(record)
    place = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with heard(progress):
            made = list(write(record, place / path.name, **options))
        _move(place, path.parent)
        return [path.parent / file.relative_to(place) for file in made]
    except OSError as error:
        raise trouble(error, path) from error
    except StudioError as error:
        if error.__cause__ is not None and isinstance(error.__cause__, OSError):  # it names the place that is gone now
            raise trouble(error.__cause__, path) from error.__cause__
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """All that is in one folder into another; files take the place of those that have their name."""
    target.mkdir(parents=True, exist_ok=True)
    for one in sorted(source.iterdir()):
        there = target / one.name
        if one.is_dir() and there.is_dir():
            _move(one, there)
        else:
            os.replace(one, there)


def without_persons(record: Any) -> Any:
    """A Record, ChainsRecord or DeskRecord without paths, machine, and words that persons wrote."""
    changed: dict[str, Any] = {"recipe": recipes.private(dict(record.recipe))}
    if hasattr(record, "lines"):
        changed["lines"] = tuple(line for line in record.lines if line.get("what") not in NOTES)
    if hasattr(record, "classifier") and record.classifier:
        changed["classifier"] = Path(record.classifier).name
    return replace(record, **changed)
