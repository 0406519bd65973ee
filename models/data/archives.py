"""Pictures in zip and tar archives, read in place: nothing is unpacked to the disk, and what no honest program packs is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from models.data.assemble import Wanted, readable
from models.data.decode import FILE_LIMIT, Unreadable
from models.data.encoded import KINDS, Item, decoded, is_picture
from models.data.images import ImageSet
from models.errors import BadData

TOTAL = 8 << 30  # bytes that the pictures of a zip, or all of a tar, may unpack to
RATIO = 200  # unpacked over packed, for members above SMALL and tars above TAR_SMALL
SMALL = 16 << 20
TAR_SMALL = 256 << 20
MEMBERS = 1_000_000  # in an archive, pictures or not
HEADER = 1 << 20  # bytes that the names of one member of a tar may take

_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


def _refused(path: Path, why: str, remedy: str) -> BadData:
    return BadData(f"{path} is refused: {why}; {remedy}.")


def _check_name(path: Path, name: str, kind: str) -> None:
    plain = name.replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in plain.split("/") or "\0" in plain:
        raise _refused(path, f"its member {readable(name)!r} points outside the archive", f"make the {kind} again from plain pictures")


def _plain(name: str) -> str:
    """A member's name without empty parts and dots: "./cat//1.png" is "cat/1.png"."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


# --- zip ----------------------------------------------------------------------------------------------------------


def open_zip(wanted: Wanted, path: Path) -> ImageSet:
    """The pictures of a zip, sorted by name."""
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
            raise BadData(f"There are no pictures in {path}: a zip must hold {KINDS} files.")
        items = [Item(_plain(m.filename), partial(_read_member, archive, m)) for m in members]
        return decoded(wanted, path, [str(path), about.st_size, about.st_mtime_ns], lambda: iter(items), len(items))


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The pictures of a zip, sorted by name; raises BadData for an archive that no honest program would make."""
    pictures = []
    if len(archive.infolist()) > MEMBERS:
        raise _too_many(path)
    for m in archive.infolist():
        _check_name(path, m.orig_filename, "zip")
        name = _plain(m.orig_filename.replace("\\", "/"))
        if stat.S_ISLNK(m.external_attr >> 16):
            raise _refused(path, f"its member {readable(name)!r} is a symbolic link", "make the zip again from plain pictures")
        if m.is_dir() or not is_picture(name):
            continue
        if m.flag_bits & 0x1:
            raise _refused(path, f"its member {readable(name)!r} is encrypted", "make the zip again without a password")
        if bomb := inflated(m):
            raise _refused(path, bomb, "make the zip again from plain pictures")
        pictures.append(m)
    total = sum(m.file_size for m in pictures)
    if total > TOTAL:
        raise _refused(path, f"it would unpack to {total / 2**30:,.1f} GB (the limit is {TOTAL >> 30} GB)", "unpack it to a folder")
    return sorted(pictures, key=lambda m: m.filename)


def inflated(member: zipfile.ZipInfo) -> str:
    """What is wrong with a member that unpacks to many times its size; "" if it does not."""
    ratio = member.file_size / max(1, member.compress_size)
    if member.file_size <= SMALL or ratio <= RATIO:
        return ""
    return f"its member {readable(member.filename)!r} would unpack to {ratio:,.0f} times its size (the limit is {RATIO})"


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, never more than it declares."""
    if member.file_size > FILE_LIMIT:
        raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
    with archive.open(member) as file:
        content = file.read(member.file_size)
        if len(content) < member.file_size or file.read(1):
            raise Unreadable("is not as long as the zip says")
        return content


def _too_many(path: Path) -> BadData:
    return _refused(path, f"it has more than {MEMBERS:,} members", "unpack it, and give a folder with fewer pictures")


# --- tar ----------------------------------------------------------------------------------------------------------


def open_tar(wanted: Wanted, path: Path) -> ImageSet:
    """The pictures of a tar, packed with gzip, bzip2, xz or not at all, in the archive's order; read once from beginning to end."""
    try:
        about = path.stat()
        with open(path, "rb"):
            pass
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.") from None
    return decoded(wanted, path, [str(path), about.st_size, about.st_mtime_ns], lambda: _stream(path), 0)


def unpacking(path: Path) -> BinaryIO:
    """A file opened for reading, through gzip, bzip2 or xz if its first bytes say so; raises OSError."""
    with open(path, "rb") as file:
        head = file.read(6)
    for magic, opener in _COMPRESSED.items():
        if head.startswith(magic):
            return cast(BinaryIO, opener(path, "rb"))
    return open(path, "rb")


class _Forward:
    """What `tarfile` needs of a file, for a stream that only goes forward; refuses what would fill memory or never end.

    Raises:
        BadData: the archive unpacks to too much.
        ValueError: a step backwards, or a header that is too long: the archive is damaged.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.at = 0
        self.block = b""  # what tarfile read last: when it stops, the zeros that end an archive, or damage
        self.limit = min(TOTAL, max(TAR_SMALL, RATIO * path.stat().st_size))

    def tell(self) -> int:
        return self.at

    def seek(self, to: int) -> None:
        if to < self.at:
            raise ValueError("backwards")
        while to > self.at and self.take(min(to - self.at, 1 << 20)):
            pass

    def read(self, n: int) -> bytes:
        """For tarfile: headers only."""
        if not 0 <= n <= HEADER:
            raise ValueError("a header of that length")
        self.block = self.take(n)
        return self.block

    def take(self, n: int) -> bytes:
        """n bytes, or fewer at the end."""
        content = self.file.read(n)
        self.at += len(content)
        if self.at > self.limit:
            most = f"{TOTAL >> 30} GB" if self.limit == TOTAL else f"{RATIO} times its size"
            raise _refused(self.path, f"it unpacks to more than {most}", "if you trust it, unpack it yourself and give the folder")
        return content


def _stream(path: Path) -> Iterator[Item]:
    """The pictures of a tar as they come; raises BadData for what no honest program packs, and for damage."""
    count = 0
    try:
        with unpacking(path) as file:
            stream = _Forward(file, path)
            archive = tarfile.TarFile(fileobj=cast(Any, stream), encoding="utf-8", errors="surrogateescape")
            while (member := archive.next()) is not None:
                setattr(archive, "members", [])  # noqa: B010 (it would remember them all; its type does not tell of it)
                count += 1
                if count > MEMBERS:
                    raise _too_many(path)
                if name := _picture_of(member, path):
                    yield Item(name, _taken(member, stream))
            if stream.block.strip(b"\0"):
                raise ValueError("no header")
    except (BadData, GeneratorExit):
        raise
    except MemoryError:
        raise BadData(f"{path} needs more memory than there is: unpack it, and give the folder.") from None
    except Exception:  # tarfile, gzip, bz2, lzma: whatever the damage led them to
        where = f"after {count:,} members" if count else "at its beginning"
        raise BadData(f"{path} is not a tar archive that can be read: it is damaged or cut short {where}; copy or download it again.") from None


def _picture_of(member: tarfile.TarInfo, path: Path) -> str:
    """The name of a member that is a picture, "" for another; raises BadData for links, devices and names that point outside."""
    _check_name(path, member.name, "tar")
    kind = "a link" if member.issym() or member.islnk() else "a device" if member.isdev() else ""
    if kind:
        raise _refused(path, f"its member {readable(member.name)!r} is {kind}", "make the tar again from plain pictures")
    name = _plain(member.name)
    return name if member.isreg() and is_picture(name) else ""


def _taken(member: tarfile.TarInfo, stream: _Forward) -> Callable[[], bytes]:
    """Reads a member's bytes from the stream, which must still be at its beginning."""

    def read() -> bytes:
        if member.issparse():
            raise Unreadable("is stored with holes")
        if member.size > FILE_LIMIT:
            raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
        content = stream.take(member.size)
        if len(content) < member.size:
            raise BadData(f"{stream.path} is cut short: it ends inside {readable(member.name)!r}; copy or download it again.")
        return content

    return read
