"""Decoded pictures are kept, so that a source is decoded once: KEY.npy (the bytes) beside KEY.json (what they are)."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from models.data.images import fingerprint
from models.errors import DiskTrouble
from models.files import home, write_bytes, writing

FORMAT = 2  # of the cache itself; a cache of another format is made anew
CHECKED = 256 << 20  # bytes up to which the content is hashed each time it is opened (about 0.3 s)

_building = threading.RLock()  # two threads never write the same temporary file


class _Interrupted(Exception):
    """Carries an exception of the source past `writing`, which takes every OSError for its own."""


def key(*identity: object) -> str:
    """The name of a cache: 24 hex digits over what the source is and how it is decoded."""
    return hashlib.sha256(json.dumps([FORMAT, *identity], ensure_ascii=True).encode()).hexdigest()[:24]


def folder() -> Path:
    """Where caches are kept; safe to delete at any time."""
    return home() / "cache"


def load(name: str) -> tuple[np.ndarray, dict[str, Any]] | None:
    """The pictures, mapped read-only, and the facts kept with them; None where there is no cache or it is damaged."""
    try:
        facts = json.loads((folder() / f"{name}.json").read_text(encoding="utf-8"))
        images = np.load(folder() / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        good = (
            facts["format"] == FORMAT
            and images.dtype == np.uint8
            and list(images.shape) == facts["shape"]
            and (images.nbytes > CHECKED or fingerprint(images) == facts["id"])
        )
        return (images, facts) if good else None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def keep(name: str, chunks: Callable[[], Iterator[np.ndarray]], facts: Callable[[np.ndarray], dict[str, Any]]) -> tuple[np.ndarray, dict[str, Any]]:
    """Write the pictures as they come and open them again; carry on in memory if the disk will not have them.

    Args:
        name: from `key`.
        chunks: starts the decoding: (n, H, W, C) uint8, at least one picture; what it raises is raised here, and nothing stays on disk.
        facts: called with all pictures when the last chunk is there; a dict for JSON, with at least `id`.
    """
    path = folder() / f"{name}.npy"
    with _building:
        parts: list[np.ndarray] = []
        try:
            try:
                with writing(path) as temporary, open(temporary, "w+b") as file:
                    _append(file, chunks(), parts)
            except _Interrupted as stopped:
                raise (stopped.__cause__ or stopped) from None
            images: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (DiskTrouble, OSError):
            if not parts:
                parts.extend(chunks())  # it failed before the first picture, or when all was done
            images = np.concatenate(parts)
            images.flags.writeable = False
        known = {"format": FORMAT, "shape": list(images.shape), **facts(images)}
        if not parts:
            try:
                write_bytes(folder() / f"{name}.json", json.dumps(known, allow_nan=False).encode())  # one line: a set may have 60,000 names
            except DiskTrouble:
                _forget(path)
        return images, known


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # Windows keeps a mapped file; it is overwritten next time
        pass


def _append(file: BinaryIO, chunks: Iterator[np.ndarray], parts: list[np.ndarray]) -> None:
    """Write an .npy whose length is known only at its end. If the disk fails, `parts` holds everything and OSError is raised."""
    count, shape, start = 0, (), 0
    for chunk in _guarded(chunks):
        try:
            if not count:
                shape = chunk.shape[1:]
                start = file.write(_header((0, *shape)))
            file.write(np.ascontiguousarray(chunk).data)
            file.flush()
        except OSError:
            parts.extend(_back(file, start, count, shape))
            parts.append(chunk)
            parts.extend(_guarded(chunks))
            raise
        count += len(chunk)
    file.seek(0)
    file.write(_header((count, *shape)))


def _back(file: BinaryIO, start: int, count: int, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """What was written before the disk failed."""
    if count:
        file.seek(start)
        content = np.fromfile(file, np.uint8, count * int(np.prod(shape)))
        yield content.reshape(count, *shape)


def _guarded(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    try:
        yield from chunks
    except Exception as error:
        raise _Interrupted from error


def _header(shape: tuple[int, ...]) -> bytes:
    """The head of an .npy of uint8; numpy leaves room for the first number to grow, so its length stays."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return head.getvalue()
