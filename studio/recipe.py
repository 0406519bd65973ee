"""How a thing was made: written into every export, read back from it. Needs neither Qt nor torch.

A recipe is JSON of at most 1 MB: `schema`, `kind` (of export), everything of `models.run.Run.recipe`, and `made`, the settings of the
export itself (seed, rows, columns of the sheet, …). PNG carries it as iTXt; formats without a place for it have FILE.recipe.json beside them.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from models.errors import BadFile
from models.files import write_bytes

SCHEMA = 1
KEY = "sampling-studio"
LIMIT = 1_000_000  # bytes; also what Pillow reads of a text chunk

Recipe = dict[str, Any]


def make(kind: str, source: Recipe, **made: Any) -> Recipe:
    """The recipe of one export of a run."""
    return {"schema": SCHEMA, "kind": kind, **source, "made": made}


def dumps(recipe: Recipe) -> str:
    """Strict JSON within the limit; the oldest knob changes are left out of a recipe that would pass it, and it says so."""
    text = json.dumps(recipe, allow_nan=False, ensure_ascii=False)
    history = recipe.get("knob_history", [])
    while len(text.encode()) > LIMIT and history:
        history = history[len(history) // 2 + 1 :]
        recipe = recipe | {"knob_history": history, "knob_history_cut": True}
        text = json.dumps(recipe, allow_nan=False, ensure_ascii=False)
    return text


def save_png(image: Image.Image, path: Path, recipe: Recipe) -> None:
    """Write a PNG with its recipe inside; raises DiskTrouble."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, dumps(recipe))
    info.add_itxt("Software", "Sampling Studio")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info, optimize=False, compress_level=6)
    write_bytes(path, buffer.getvalue())


def save_beside(path: Path, recipe: Recipe) -> None:
    """Write FILE.recipe.json beside an export that cannot carry its recipe; raises DiskTrouble."""
    write_bytes(beside(path), (dumps(recipe) + "\n").encode())


def beside(path: Path) -> Path:
    """Where the recipe of such an export is."""
    return path.with_name(path.name + ".recipe.json")


def read(path: Path) -> Recipe:
    """The recipe of an exported file.

    Raises:
        BadFile: there is no such file, it carries none, or one from a newer version.
    """
    if not path.is_file():
        raise BadFile(f"There is no file {path}: check the name.")
    try:
        text = _text(path)
        recipe = json.loads(text) if text else None
    except (OSError, ValueError, SyntaxError, RecursionError, Image.DecompressionBombError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise BadFile(f"{path.name} cannot be read ({reason}): it is damaged, or not a file of this studio.") from None
    if not isinstance(recipe, dict) or "schema" not in recipe or "kind" not in recipe:
        raise BadFile(f"{path.name} carries no recipe: it was not exported by Sampling Studio, or a program removed it.")
    if not isinstance(recipe["schema"], int) or recipe["schema"] > SCHEMA:
        raise BadFile(
            f"{path.name} was exported by a newer version (recipe schema {recipe['schema']}, this one reads {SCHEMA}): update Sampling Studio."
        )
    return recipe


def _text(path: Path) -> str | None:
    side = beside(path)
    if side.is_file():
        if side.stat().st_size > 2 * LIMIT:
            raise ValueError("its recipe is larger than 1 MB")
        return side.read_text("utf-8")
    if path.suffix.lower() == ".png":
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            found = getattr(image, "text", {}).get(KEY)
            return None if found is None else str(found)
    return None
