"""How a thing was made: written into every export, read back from it. Needs neither Qt nor torch.

A recipe is JSON of at most 1 MB: `schema`, `kind` (of export), everything of `models.run.Run.recipe`, and `made`, the settings of the
export itself (seed, rows, columns of the sheet, …); one of a sheet of several runs has `sources` in the place of the run's. What it may be, and
how older ones are read, is in `studio.schema`. It is carried as

    .png .apng     iTXt            .svg           <metadata>
    .webp          XMP             .html          <script type="application/json" id="sampling-studio">
    .gif           comment         event files    a text of TensorBoard, tag "recipe"
    .mp4           comment, and beside the file
    .jsonl         field "recipe" of the first line, and beside the file
    .nc            attribute "recipe", and beside the file
    others         FILE.recipe.json beside the file
"""

from __future__ import annotations

import html
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard
from xml.parsers import expat

from PIL import Image, PngImagePlugin

from models.errors import BadFile
from models.files import write_bytes
from studio.schema import SCHEMA, count_of, gathered, migrated, of_sample, private, source_of, wrong

__all__ = ["SCHEMA", "Recipe", "carried", "count_of", "dumps", "gathered", "make", "of_sample", "private", "read", "source_of"]

KEY = "sampling-studio"
SIDE_CAR = ".recipe.json"
LIMIT = 1_000_000  # bytes; also what Pillow reads of a text chunk
SPACE = "urn:sampling-studio:1"  # of the XML element that holds a recipe
FIELD = "recipe"  # of the first object of JSON lines
SCRIPT = '<script type="application/json" id="sampling-studio">'
_HEAD = 16_000_000  # bytes of a page in which its recipe is looked for; escaped it is at most six times LIMIT
_LARGEST = 200_000_000  # bytes of an SVG that is read

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
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=as_itxt(recipe), optimize=False, compress_level=6)
    write_bytes(path, buffer.getvalue())


def as_itxt(recipe: Recipe) -> PngImagePlugin.PngInfo:
    """For a PNG or APNG."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, dumps(recipe))
    info.add_itxt("Software", "Sampling Studio")
    return info


def as_comment(recipe: Recipe) -> bytes:
    """For a GIF."""
    return f"{KEY}:{dumps(recipe)}".encode()


def as_xmp(recipe: Recipe) -> bytes:
    """For a WebP: an XMP packet with one property."""
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    inner = f'<rdf:Description rdf:about="">{as_element(recipe)}</rdf:Description>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">{inner}</rdf:RDF></x:xmpmeta>'.encode()


def as_element(recipe: Recipe) -> str:
    """For any XML, such as the metadata of an SVG."""
    return f'<s:recipe xmlns:s="{SPACE}">{html.escape(ascii_of(recipe), quote=False)}</s:recipe>'


def as_script(recipe: Recipe) -> str:
    """For an HTML page, inert: nothing in it can end the element."""
    text = ascii_of(recipe)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f"{SCRIPT}{text}</script>"


def ascii_of(recipe: Recipe) -> str:
    """`dumps` in ASCII, for what has no other letters."""
    return json.dumps(json.loads(dumps(recipe)), allow_nan=False)


def save_beside(path: Path, recipe: Recipe) -> None:
    """Write FILE.recipe.json beside an export that cannot carry its recipe; raises DiskTrouble."""
    write_bytes(beside(path), (dumps(recipe) + "\n").encode())


def beside(path: Path) -> Path:
    """Where the recipe of such an export is."""
    return path.with_name(path.name + SIDE_CAR)


def owner(path: Path) -> Path:
    """The file that a FILE.recipe.json belongs to, where it is there; any other path, and the recipe of a file that is gone, as it is."""
    file = path.with_name(path.name.removesuffix(SIDE_CAR)) if is_recipe(path) else path
    return file if file != path and file.is_file() else path


def is_recipe(path: Path) -> bool:
    """Whether a path is the recipe of another file, by its name."""
    return path.name.endswith(SIDE_CAR) and path.name != SIDE_CAR


def read(path: Path) -> Recipe:
    """The recipe of an exported file, brought up to the present schema; nothing that it names is opened.

    Raises:
        BadFile: there is no such file, it carries none, one from a newer version, or one that no version has written.
    """
    recipe = carried(path)
    if recipe["schema"] > SCHEMA:
        newer = f"{recipe['schema']}"[:40]
        raise BadFile(f"{path.name} was exported by a newer version (recipe schema {newer}, this one reads {SCHEMA}): update Sampling Studio.")
    found = migrated(recipe)
    if told := wrong(found):
        raise BadFile(f"The recipe in {path.name} is incomplete or was changed after the export: {told}.")
    return found


def carried(path: Path) -> Recipe:
    """The recipe of a file as it is written there, whatever its version and fields; raises BadFile where there is none."""
    if path.is_dir():
        raise BadFile(f"{path} is a folder: give one of the exported files in it.")
    if not path.is_file():
        raise BadFile(f"There is no file {path}: check the name.")
    try:
        text = _text(path)
        if text and len(text) > 8 * LIMIT:
            raise ValueError("its recipe is larger than 1 MB")
        recipe = json.loads(text) if text else None
        if text and len(text) > 2 * LIMIT and len(json.dumps(recipe, ensure_ascii=False)) > 2 * LIMIT:  # letters may be written in six
            raise ValueError("its recipe is larger than 1 MB")
    except (OSError, ValueError, SyntaxError, RecursionError, EOFError, IndexError, struct.error, Image.DecompressionBombError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else (str(error).splitlines() or ["no reason given"])[0]
        raise BadFile(f"{path.name} cannot be read ({reason}): it is damaged, or not a file of this studio.") from None
    if not _ours(recipe):
        raise BadFile(f"{path.name} carries no recipe: it was not exported by Sampling Studio, or a program removed it.")
    return recipe


def holds_recipe(file: Path) -> bool:
    """Whether a file beside another is a recipe, of whatever version."""
    try:
        return file.stat().st_size <= 2 * LIMIT and _ours(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return False


def _ours(found: Any) -> TypeGuard[Recipe]:
    """Whether that is what a version of this studio writes, or a later one may write."""
    return isinstance(found, dict) and type(found.get("schema")) is int and found["schema"] >= 1 and "kind" in found


def _text(path: Path) -> str | None:
    side = path if is_recipe(path) else beside(path)
    if side.is_file():
        if side.stat().st_size > 2 * LIMIT:
            raise ValueError("its recipe is larger than 1 MB")
        return side.read_text("utf-8")
    reader = _from_events if "tfevents" in path.name else _READERS.get(path.suffix.lower())
    return reader(path) if reader else None


def _from_png(path: Path) -> str | None:
    with Image.open(path, formats=["PNG"]) as image:
        image.load()
        found = getattr(image, "text", {}).get(KEY)
        return None if found is None else str(found)


def _from_webp(path: Path) -> str | None:
    with Image.open(path, formats=["WEBP"]) as image:
        packet = image.info.get("xmp")
        return _from_xml(packet) if packet else None


def _from_gif(path: Path) -> str | None:
    with Image.open(path, formats=["GIF"]) as image:
        comment = image.info.get("comment", b"")
        start = f"{KEY}:".encode()
        return comment[len(start) :].decode() if comment.startswith(start) else None


def _from_svg(path: Path) -> str | None:
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is larger than 200 MB")
    return _from_xml(path.read_bytes())


def _from_xml(content: bytes) -> str | None:
    """Text of the recipe's element; a document type, with which entities come, is refused."""
    parts: list[str] = []
    inside = [False]

    def start(name: str, _: Any) -> None:
        inside[0] = name == f"{SPACE} recipe"

    def end(_: str) -> None:
        inside[0] = False

    def refuse(*_: Any) -> None:
        raise ValueError("it has a document type, which no file of this studio has")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    parser.CharacterDataHandler = lambda text: parts.append(text) if inside[0] else None
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {error}") from None
    return "".join(parts) or None


def _from_html(path: Path) -> str | None:
    with open(path, "rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace")
    _, found, rest = head.partition(SCRIPT)
    if not found and "<html" in head and "</html>" not in head and len(head) < _HEAD:
        raise ValueError("the page is cut short")
    if not found:
        return None
    text, ended, _ = rest.partition("</script>")
    if not ended:
        raise ValueError("it is cut short")
    return text


def _from_mp4(path: Path) -> str | None:
    from studio.export import video

    return video.comment(path)


def _from_lines(path: Path) -> str | None:
    with open(path, "rb") as file:
        first = json.loads(file.readline(_HEAD))
    found = first.get(FIELD) if isinstance(first, dict) else None
    return json.dumps(found) if isinstance(found, dict) else None


def _from_netcdf(path: Path) -> str | None:
    from studio.export import arrays

    return arrays.recipe_in(path)


def _from_events(path: Path) -> str | None:
    from models import sink

    return sink.read(path)[1].get("recipe")


_READERS: dict[str, Callable[[Path], str | None]] = {
    ".png": _from_png,
    ".apng": _from_png,
    ".webp": _from_webp,
    ".gif": _from_gif,
    ".svg": _from_svg,
    ".html": _from_html,
    ".mp4": _from_mp4,
    ".jsonl": _from_lines,
    ".nc": _from_netcdf,
}
