"""What --data accepts, opened as an ImageSet: built-in names, folders and zips of pictures."""

from __future__ import annotations

import difflib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.data import cache, faces
from models.data.decode import EXTENSIONS, FILE_LIMIT, Unreadable, decode
from models.data.images import ImageSet, fingerprint, split
from models.errors import BadData

Progress = Callable[[int, int], None]

BUILTIN = ("faces",)
PLANNED = ("shapes", "glyphs", "grammar", "oracle")
PLANNED_FILES = {
    "tar archives": (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tar.zst"),
    "IDX files": (".idx", "-ubyte", "-ubyte.gz", ".idx.gz"),
    ".npz and .npy files": (".npz", ".npy"),
    "text files": (".txt", ".txt.gz", ".csv", ".jsonl", ".json", ".md"),
}
SIZES = (16, 32, 64, 128, 256, 512)
DECODED = 2  # version of decode(); part of the cache's key
CHUNK = 256  # pictures decoded between two calls of progress and two writes

ZIP_TOTAL = 8 << 30  # bytes that the pictures of a zip may unpack to
ZIP_RATIO = 200  # unpacked over packed, for members above ZIP_SMALL
ZIP_SMALL = 16 << 20


@dataclass(frozen=True)
class _Item:
    name: str  # relative to the folder, or inside the zip
    read: Callable[[], bytes]  # raises OSError, Unreadable, or what zipfile raises


def sources() -> list[dict[str, Any]]:
    """What --data accepts now: a name, what it is, an example, and the picture sizes it has."""
    return [
        {"name": "faces", "what": f"{faces.COUNTS[32]:,} cartoon faces, drawn here", "example": "--data faces", "sizes": list(faces.COUNTS)},
        {"name": "folder", "what": "a folder of pictures, with all folders inside it", "example": "--data ~/pictures", "sizes": list(SIZES)},
        {"name": "zip", "what": "a zip of pictures, read in place", "example": "--data pictures.zip", "sizes": list(SIZES)},
    ]


def open_images(spec: str, *, size: int, progress: Progress | None = None) -> ImageSet:
    """Open a built-in set, a folder or a zip as pictures of size × size pixels.

    Args:
        spec: what --data was given.
        size: 16, 32, 64, 128, 256 or 512; faces come at 32 … 256.
        progress: told (done, total) while pictures are drawn or decoded; may raise to cancel, then nothing stays on disk.

    Raises:
        BadData: an unknown name, a source that is not built yet, a size that cannot be had, or no usable picture.
    """
    if size not in SIZES or (spec in BUILTIN and size not in faces.COUNTS):
        offered = ", ".join(map(str, faces.COUNTS if spec in BUILTIN else SIZES))
        raise BadData(f"Pictures of {spec!r} cannot be {size} pixels a side: choose one of {offered}.")
    if spec in BUILTIN:
        return _faces(spec, size, progress)
    path = _path(spec)
    if path is None:
        raise BadData(_unknown(spec))
    if path.is_dir():
        return _folder(str(path), path, size, progress)
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return _zip(str(path), path, size, progress)
    raise BadData(_wrong_file(path))


# --- built-in -----------------------------------------------------------------------------------------------------


def _faces(spec: str, size: int, progress: Progress | None) -> ImageSet:
    count = faces.COUNTS[size]

    def chunks() -> Iterator[np.ndarray]:
        step = max(8, CHUNK * 32 * 32 // (size * size))
        for start in range(0, count, step):
            if progress:
                progress(start, count)
            yield faces.draw(range(start, min(count, start + step)), size)

    name = cache.key("faces", faces.version(), size, count)
    images, facts = cache.load(name) or cache.keep(name, chunks, _facts)
    if progress:
        progress(count, count)
    named = [f"face {i}" for i in range(count)]
    return _set(spec, spec, size, images, facts, named, labels=faces.labels(count), values=dict(faces.ATTRIBUTES), captions=faces.caption)


# --- pictures of one's own ----------------------------------------------------------------------------------------


def _folder(spec: str, path: Path, size: int, progress: Progress | None) -> ImageSet:
    items, identity = [], []
    for file in _walk(path):
        name = file.relative_to(path).as_posix()
        try:
            about = file.stat()
        except OSError:
            about = None  # a dangling link: reading it gives the reason
        if about is None or stat.S_ISREG(about.st_mode):
            items.append(_Item(name, lambda file=file: _read_file(file)))
            identity.append([name, about.st_size, about.st_mtime_ns] if about else [name])
    if not items:
        raise BadData(f"There are no pictures in {path}: put {_kinds()} files there, or choose another folder.")
    return _decoded(spec, path, path.name, size, items, identity, progress)


def _walk(path: Path) -> Iterator[Path]:
    """Every file with a picture's extension, sorted by its path; nothing hidden, no linked folder."""
    found = []
    for here, folders, files in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__MACOSX"]
        found += [Path(here, f) for f in files if _is_picture(f)]
    return iter(sorted(found, key=lambda f: f.relative_to(path).as_posix()))


def _zip(spec: str, path: Path, size: int, progress: Progress | None) -> ImageSet:
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            about = path.stat()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
            raise BadData(f"{path} is not a zip that can be read: it is damaged or cut short; copy or download it again.") from None
        except OSError as error:
            raise BadData(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.") from None
        members = _members(archive, path)
        if not members:
            raise BadData(f"There are no pictures in {path}: a zip must hold {_kinds()} files.")
        items = [_Item(m.filename, lambda m=m: _read_member(archive, m)) for m in members]
        return _decoded(spec, path, path.stem, size, items, [about.st_size, about.st_mtime_ns], progress)


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The pictures of a zip, sorted by name; raises BadData for an archive that no honest program would make."""
    pictures = []
    for m in archive.infolist():
        name = m.orig_filename.replace("\\", "/")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
            raise BadData(f"{path} is refused: its member {name!r} points outside the archive; make the zip again from plain pictures.")
        if stat.S_ISLNK(m.external_attr >> 16):
            raise BadData(f"{path} is refused: its member {name!r} is a symbolic link; make the zip again from plain pictures.")
        if m.is_dir() or not _is_picture(name):
            continue
        if m.flag_bits & 0x1:
            raise BadData(f"{path} is refused: its member {name!r} is encrypted; make the zip again without a password.")
        if m.file_size > ZIP_SMALL and m.file_size > ZIP_RATIO * max(1, m.compress_size):
            raise BadData(
                f"{path} is refused: its member {name!r} would unpack to {m.file_size / max(1, m.compress_size):,.0f} times its size "
                f"(the limit is {ZIP_RATIO}); make the zip again from plain pictures."
            )
        pictures.append(m)
    total = sum(m.file_size for m in pictures)
    if total > ZIP_TOTAL:
        raise BadData(f"{path} is refused: it would unpack to {total / 2**30:,.1f} GB (the limit is {ZIP_TOTAL >> 30} GB); unpack it to a folder.")
    return sorted(pictures, key=lambda m: m.filename)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, never more than it declares."""
    if member.file_size > FILE_LIMIT:
        raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
    with archive.open(member) as file:
        content = file.read(member.file_size)
        if len(content) < member.file_size or file.read(1):
            raise Unreadable("is not as long as the zip says")
        return content


def _read_file(path: Path) -> bytes:
    with open(path, "rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
    return content


# --- common -------------------------------------------------------------------------------------------------------


def _decoded(spec: str, path: Path, title: str, size: int, items: list[_Item], identity: list[Any], progress: Progress | None) -> ImageSet:
    name = cache.key(str(path), identity, size, DECODED)
    found = cache.load(name)
    if found is None:
        names: list[str] = []
        skipped: list[str] = []
        chunks = partial(_usable, path, items, size, progress, names, skipped)
        found = cache.keep(name, chunks, lambda images: _facts(images) | {"names": names, "skipped": skipped})
    elif progress:
        progress(len(items), len(items))
    images, facts = found
    noun = "picture" if len(images) == 1 else "pictures"
    return _set(spec, f"{title} ({len(images):,} {noun})", size, images, facts, facts["names"])


def _usable(path: Path, items: list[_Item], size: int, progress: Progress | None, names: list[str], skipped: list[str]) -> Iterator[np.ndarray]:
    """Decode the items in chunks (n, size, size, 3), filling `names` and `skipped`; raises BadData if none can be used."""
    names.clear()
    skipped.clear()
    for start in range(0, len(items), CHUNK):
        pictures = []
        for place, item in enumerate(items[start : start + CHUNK], start):
            if progress and place % 16 == 0:
                progress(place, len(items))
            try:
                pictures.append(decode(_content(item), size))
                names.append(item.name)
            except Unreadable as reason:
                skipped.append(f"{item.name} {reason}.")
        if pictures:
            yield np.stack(pictures)
    if not names:
        raise BadData(f"None of the {len(items):,} pictures in {path} can be used (the first: {skipped[0].rstrip('.')}): choose another source.")
    if progress:
        progress(len(items), len(items))


def _content(item: _Item) -> bytes:
    try:
        return item.read()
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(f"cannot be read ({(error.strerror or str(error)).lower()})") from None
    except Exception:  # zipfile, zlib, lzma: whatever the damage led them to
        raise Unreadable("is damaged inside the zip") from None


def _facts(images: np.ndarray) -> dict[str, Any]:
    return {"id": fingerprint(images), "held_out": split(images)[1].tolist()}


def _set(spec: str, title: str, size: int, images: np.ndarray, facts: dict[str, Any], names: list[str], **more: Any) -> ImageSet:
    held = np.asarray(facts["held_out"], np.int64)
    train = np.setdiff1d(np.arange(len(images), dtype=np.int64), held, assume_unique=True)
    return ImageSet(facts["id"], spec, title, size, images, train, held, names, skipped=tuple(facts.get("skipped", ())), **more)


def _is_picture(name: str) -> bool:
    parts = name.split("/")
    return name.lower().endswith(EXTENSIONS) and "__MACOSX" not in parts and not any(p.startswith(".") for p in parts)


def _path(spec: str) -> Path | None:
    """The existing path that a spec names, made absolute; None if there is none."""
    try:
        path = Path(os.path.abspath(Path(spec).expanduser()))
        return path if spec.strip() and path.exists() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _kinds() -> str:
    return "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"


def _unknown(spec: str) -> str:
    accepts = f"--data accepts {', '.join(BUILTIN)}, a folder of pictures, or a zip of pictures"
    if spec.startswith("hub:") or spec in PLANNED:
        return f"The data source {spec!r} is planned but not built yet: {accepts}."
    close = difflib.get_close_matches(spec.strip().lower(), BUILTIN, 1)
    return f"There is no data source, file or folder {spec!r}: {accepts}" + (f"; did you mean {close[0]!r}?" if close else ".")


def _wrong_file(path: Path) -> str:
    name = path.name.lower()
    for kind, endings in PLANNED_FILES.items():
        if name.endswith(endings):
            return f"{path} cannot be opened, because reading {kind} is planned but not built yet: give a folder or a zip of pictures."
    if name.endswith(EXTENSIONS):
        return f"{path} is a single picture: give the folder that holds it."
    return f"{path} is neither a folder nor a zip of pictures: --data accepts {', '.join(BUILTIN)}, a folder or a zip."
