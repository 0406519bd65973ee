"""From a record of an export to what the gallery keeps of it, and from what is kept to the recipe of one sample."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.errors import BadInput
from studio import recipe as recipes
from studio.export import Exporter, Record
from studio.gallery.nearest import code_of
from studio.gallery.store import Gallery, Sample


def samples_of(record: Any, rows: Sequence[int] | None = None, labels: Sequence[str] | None = None) -> tuple[dict[str, Any], list[Sample]]:
    """The recipe that all samples of a Record, ChainsRecord or DeskRecord share, and those of `rows` (all if None).

    Raises:
        BadInput: the record has no samples, or not those rows.
    """
    if hasattr(record, "desk"):
        recipe, found = _fillings(record)
    elif hasattr(record, "variant"):
        recipe, found = _chains(record)
    elif record.pictures is None and record.sentences:
        recipe, found = _sentences(record)
    elif record.pictures is not None and len(record.pictures):
        recipe, found = _pictures(record, labels)
    else:
        raise BadInput(f"{record.title} has no samples to keep at step {record.step:,}: draw some first.")
    if rows is None:
        return recipe, found
    if any(not 0 <= row < len(found) for row in rows):
        raise BadInput(f"There are {len(found):,} samples to keep, numbered from 0; got {max(rows):,}.")
    return recipe, [found[row] for row in dict.fromkeys(rows)]


def _pictures(record: Record, labels: Sequence[str] | None) -> tuple[dict[str, Any], list[Sample]]:
    from studio.export.sheet import layout

    assert record.pictures is not None
    n = len(record.pictures)
    columns, zoom = layout(record.pictures, None, None)
    made = {"seed": record.seed, "ema": record.ema, "count": n, "rows": [0, n], "columns": columns, "zoom": zoom}
    found = [
        picture(i, pixels, labels[i] if labels else "", {name: values[i] for name, values in record.scores.items()})
        for i, pixels in enumerate(record.pictures)
    ]
    return recipes.make("sheet", record.recipe, **made), found


def _sentences(record: Record) -> tuple[dict[str, Any], list[Sample]]:
    from studio.export.texts import made

    found = [Sample(i, text=text, scores=_finite({k: v[i] for k, v in record.numbers.items()})) for i, text in enumerate(record.sentences)]
    return recipes.make("txt", record.recipe, **made(record)), found


def _chains(record: Any) -> tuple[dict[str, Any], list[Sample]]:
    from studio.export.sheet import layout

    columns, zoom = layout(record.pictures, None, None)
    made = {"seed": record.seed, "count": len(record.pictures), "columns": columns, "zoom": zoom}
    scores: dict[str, np.ndarray] = {"log p": record.log_p}
    if record.scorer_log_p is not None:
        scores["log p, independent"] = record.scorer_log_p
    found = [
        picture(i, pixels, record.conditions[i], {name: values[i] for name, values in scores.items()}) for i, pixels in enumerate(record.pictures)
    ]
    return recipes.make("chains-sheet", record.recipe, **made), found


def _fillings(record: Any) -> tuple[dict[str, Any], list[Sample]]:
    from studio.export.filled import alternatives, recipe_of

    ones = [one for fillings in record.fillings.values() for one in alternatives(fillings)]
    found = [Sample(i, text=one.text, scores={} if one.log_p is None else {"log_p": one.log_p}) for i, one in enumerate(ones)]
    return recipe_of(record, "txt"), found


def picture(row: int, pixels: np.ndarray, label: str = "", scores: Mapping[str, Any] | None = None) -> Sample:
    """A picture (H, W, 3) uint8 as it is kept."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    height, width = pixels.shape[:2]
    return Sample(row, buffer.getvalue(), code_of(pixels), width, height, label=label, scores=_finite(scores or {}))


def pixels_of(png: bytes) -> np.ndarray:
    """The picture of an entry: (H, W, 3) uint8."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return np.array(image.convert("RGB"))


def _finite(scores: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if math.isfinite(value)}


# --- the exporter -----------------------------------------------------------------------------------------------------


def write_keep(record: Any, path: Path, *, rows: Sequence[int] | None = None) -> Sequence[Path]:
    """Keep samples of a record in the gallery at `path`; returns that path. Raises DiskTrouble."""
    gallery = Gallery.open(path)
    try:
        gallery.keep(record, rows)
    finally:
        gallery.close()
    return [path]


def keeper() -> Exporter:
    """The exporter "keep", which no menu of exports lists: pages have a button for it, and it takes `rows`."""
    return Exporter("Keep in the gallery", ".db", True, write_keep, needs=("scores",))
