"""Picture files, from wherever they come, decoded in their order by several threads."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.data.assemble import Findings, Wanted, assemble, counted, folder_classes, readable
from models.data.decode import EXTENSIONS, FILE_LIMIT, Decoded, Unreadable, decode, quiet
from models.data.images import ImageSet, head
from models.errors import BadData

CHUNK = 64  # pictures that a thread decodes at once, and that are written at once
CHUNK_BYTES = 8 << 20  # of encoded pictures in such a chunk
WORKERS = min(4, os.cpu_count() or 1)
KINDS = "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"

_Result = tuple[Decoded, int] | str  # a picture and the head of its file, or why there is none


@dataclass(frozen=True)
class Item:
    """One picture file that may be decoded."""

    name: str  # relative to the folder, or inside the archive, with / between folders
    read: Callable[[], bytes]  # raises OSError, Unreadable, or what a damaged archive raises


def decoded(
    wanted: Wanted,
    where: object,
    identity: list[Any],
    items: Callable[[], Iterator[Item]],
    total: int,
    label: Callable[[Findings], None] = folder_classes,
) -> ImageSet:
    """The set of some picture files.

    Args:
        wanted: its title gets the number of pictures.
        where: the path, for messages.
        identity: see `assemble`.
        items: starts to list the files, in a fixed order.
        total: how many there are; 0 if that is not known before they are read.
        label: called with the Findings when all are read; the folders they lie in are their classes, unless told otherwise.

    Raises:
        BadData: no picture can be used, or what `items` raises.
    """

    def chunks(found: Findings) -> Iterator[np.ndarray]:
        yield from _decode(wanted, items(), total, found)
        if not found.read:
            raise BadData(f"There are no pictures in {where}: it must hold {KINDS} files.")
        if not found.names:
            first = found.skipped[0].rstrip(".")
            raise BadData(f"None of the {found.read:,} pictures in {where} can be used (the first: {first}): choose another source.")
        label(found)

    return counted(wanted.title, assemble(wanted, identity, chunks))


def _decode(wanted: Wanted, items: Iterator[Item], total: int, found: Findings) -> Iterator[np.ndarray]:
    """Decode in chunks (n, size, size, channels), filling `found`; reading is done here, decoding ahead of it by a few chunks."""
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="decode")
    waiting: deque[tuple[list[tuple[str, str]], Future[list[_Result]]]] = deque()
    try:
        with quiet():
            for names, contents in _groups(wanted, items, total, found):
                waiting.append((names, pool.submit(_decode_all, contents, wanted.size, wanted.channels)))
                if len(waiting) > 2 * WORKERS:
                    yield from _done(*waiting.popleft(), found)
            while waiting:
                yield from _done(*waiting.popleft(), found)
    finally:
        pool.shutdown(cancel_futures=True)


def _groups(wanted: Wanted, items: Iterator[Item], total: int, found: Findings) -> Iterator[tuple[list[tuple[str, str]], list[bytes | str]]]:
    """Names and folders, and contents (or the reason why there is none) of the next few items."""
    names: list[tuple[str, str]] = []
    contents: list[bytes | str] = []
    size = 0
    for item in items:
        if found.read % 16 == 0:
            wanted.tell(found.read, total)
        found.read += 1
        content = _content(item)
        names.append((readable(item.name), readable(item.name.rsplit("/", 2)[-2] if "/" in item.name else "")))
        contents.append(content)
        size += len(content)
        if len(names) >= CHUNK or size >= CHUNK_BYTES:
            yield names, contents
            names, contents, size = [], [], 0
    if names:
        yield names, contents


def _decode_all(contents: list[bytes | str], size: int, channels: int) -> list[_Result]:
    out: list[_Result] = []
    for content in contents:
        if isinstance(content, str):
            out.append(content)
            continue
        try:
            out.append((decode(content, size, channels), head(content)))
        except Unreadable as reason:
            out.append(str(reason))
    return out


def _done(names: list[tuple[str, str]], future: Future[list[_Result]], found: Findings) -> Iterator[np.ndarray]:
    pictures = []
    for (name, folder), result in zip(names, future.result(), strict=True):
        if isinstance(result, str):
            found.skip(name, result)
            continue
        one, number = result
        found.heads.append(number)
        pictures.append(one.pixels)
        found.names.append(name)
        found.folders.append(folder)
        found.sizes[one.width, one.height] += 1
        found.animated += one.animated
    if pictures:
        yield np.stack(pictures)


def _content(item: Item) -> bytes | str:
    try:
        return item.read() or "is empty"
    except Unreadable as reason:
        return str(reason)
    except OSError as error:
        return f"cannot be read ({(error.strerror or str(error)).lower()})"
    except BadData:
        raise
    except Exception:  # zipfile, zlib, lzma: whatever the damage led them to
        return "is damaged inside the archive"


def is_picture(name: str) -> bool:
    """Whether a file of this name, with / between folders, may be a picture that somebody put there on purpose."""
    parts = name.split("/")
    return name.lower().endswith(EXTENSIONS) and "__MACOSX" not in parts and not any(p.startswith(".") for p in parts)


# --- folders ------------------------------------------------------------------------------------------------------


def open_folder(wanted: Wanted, path: Path) -> ImageSet:
    """The pictures in a folder and all folders inside it."""
    items, identity = [], []
    for file in _walk(path):
        name = file.relative_to(path).as_posix()
        try:
            about = file.stat()
        except OSError:
            about = None  # a dangling link: reading it gives the reason
        if about is None or stat.S_ISREG(about.st_mode):
            items.append(Item(name, lambda file=file: read_file(file)))
            identity.append([name, about.st_size, about.st_mtime_ns] if about else [name])
    if not items:
        raise BadData(f"There are no pictures in {path}: put {KINDS} files there, or choose another folder.")
    return decoded(wanted, path, [str(path), identity], lambda: iter(items), len(items))


def _walk(path: Path) -> Iterator[Path]:
    """Every file with a picture's extension, sorted by its path; nothing hidden, no linked folder."""
    found = []
    for here, folders, files in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__MACOSX"]
        found += [Path(here, f) for f in files if is_picture(f)]
    return iter(sorted(found, key=lambda f: f.relative_to(path).as_posix()))


def read_file(path: Path) -> bytes:
    """The bytes of a picture file; raises Unreadable above FILE_LIMIT, and OSError."""
    with open(path, "rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
    return content
