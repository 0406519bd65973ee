"""Pictures that are arrays of numbers: IDX files (the format of MNIST), .npz and .npy. Nothing is ever unpickled.

Sources: the format of IDX is described on the page of MNIST (LeCun, Cortes, Burges); .npy in NEP 1 of numpy.
"""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from models.data import values
from models.data.archives import RATIO, SMALL, TOTAL, inflated, unpacking
from models.data.assemble import Findings, Wanted, assemble, classes, counted, readable
from models.data.decode import FILE_LIMIT
from models.data.images import ImageSet, heads
from models.errors import BadData

CHUNK = 4 << 20  # bytes of an array that are read at once
WHOLE = 1 << 30  # bytes of an array in Fortran's order, which can only be read whole
IMAGES = ("images", "image", "x", "X", "x_train", "X_train", "train_images", "train_x", "data", "arr_0")
LABELS = ("labels", "label", "y", "Y", "y_train", "Y_train", "train_labels", "train_y", "targets", "target", "arr_1")
_IDX = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # the third byte of an IDX file


@dataclass(frozen=True)
class Table:
    """An array in a file, not read yet."""

    name: str  # for messages: the path, or "'x' in PATH"
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    open: Callable[[], Any]  # a context: the file at the first number

    @property
    def nbytes(self) -> int:
        """All of it."""
        return math.prod(self.shape) * self.dtype.itemsize

    def chunks(self) -> Iterator[np.ndarray]:
        """The rows in turn, a few megabytes at once; raises BadData where the file is cut short, damaged or too long."""
        row = self.nbytes // max(1, self.shape[0])
        step = self.shape[0] if self.fortran else max(1, CHUNK // max(1, row))
        with self._reading() as file:
            for start in range(0, self.shape[0], max(1, step)):
                n = min(step, self.shape[0] - start)
                content = file.read(n * row)
                if len(content) < n * row:
                    raise BadData(f"{self.name} is cut short: it declares {self.shape[0]:,} items and holds fewer; copy or download it again.")
                flat = np.frombuffer(content, self.dtype)
                yield flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(n, *self.shape[1:])
            if file.read(1):
                raise BadData(f"{self.name} is longer than the {self.shape[0]:,} items it declares: it is damaged; copy or download it again.")

    @contextmanager
    def _reading(self) -> Iterator[BinaryIO]:
        try:
            with self.open() as file:
                yield file
        except (BadData, GeneratorExit):
            raise
        except EOFError:
            raise BadData(f"{self.name} is cut short: copy or download it again.") from None
        except OSError as error:
            why = error.strerror.lower() if error.strerror else "it is damaged"
            raise BadData(f"{self.name} cannot be read ({why}): copy or download it again.") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, ArithmeticError):
            raise BadData(f"{self.name} is damaged: copy or download it again.") from None
        except Exception as error:
            if type(error).__module__ in ("zlib", "lzma", "_lzma", "bz2"):
                raise BadData(f"{self.name} is damaged: copy or download it again.") from None
            raise


def _set(wanted: Wanted, table: Table, labels: Table | None, identity: list[Any], notes: list[str]) -> ImageSet:
    """The set of an array of pictures, with labels if there are any."""
    found_layout = values.layout(table.shape)
    if table.dtype.kind not in "biuf":
        raise BadData(f"{table.name} holds words, not pictures: choose an array of numbers.")
    if found_layout is None:
        raise BadData(
            f"{table.name} is an array of shape {table.shape}: pictures are (N, H, W), (N, H, W, 1, 3 or 4) or (N, 1 or 3, H, W); reshape it first."
        )
    (height, width, depth), order = found_layout
    count = table.shape[0]
    if not math.prod(table.shape):
        raise BadData(f"{table.name} is an array of shape {table.shape}, so it holds no pictures: choose another source.")
    if height * width * depth * table.dtype.itemsize > FILE_LIMIT:
        raise BadData(f"{table.name} has pictures of {width:,} × {height:,} pixels, above the limit of {FILE_LIMIT >> 20} MB: make them smaller.")
    if table.nbytes > (WHOLE if table.fortran else TOTAL):
        limit = "1 GB in Fortran's order" if table.fortran else f"{TOTAL >> 30} GB"
        raise BadData(f"{table.name} would take {table.nbytes / 2**30:,.1f} GB in memory or on disk (the limit is {limit}): save it in parts.")
    wanted.check(count)
    if labels is not None and (not labels.shape or labels.shape[0] != count):
        many = labels.shape[0] if labels.shape else 1
        raise BadData(f"{labels.name} has {many:,} labels for {count:,} pictures: give the labels that belong to them, or take them away.")

    def chunks(found: Findings) -> Iterator[np.ndarray]:
        found.notes += notes
        wanted.tell(0, count)
        scale = values.scale(table.dtype, table.chunks())
        if isinstance(scale, str):
            raise BadData(f"{table.name} {scale}.")
        for chunk in table.chunks():
            for start in range(0, len(chunk), 512):
                part = chunk[start : start + 512]
                wanted.tell(found.read, count)
                yield values.pictures(np.ascontiguousarray(scale(order(part))), wanted.size, wanted.channels)
                found.heads += heads(part).tolist()
                found.read += len(part)
        found.sizes[width, height] = count
        found.notes += [scale.note] if scale.note else []
        if labels is not None:
            _label(found, labels)

    return counted(wanted.title, assemble(wanted, identity, chunks))


def _label(found: Findings, labels: Table) -> None:
    """Classes from an array (N,) or (N, 1) of whole numbers, truth values or words; a note if it holds something else."""
    if labels.nbytes > FILE_LIMIT or math.prod(labels.shape[1:]) != 1:
        found.notes.append(f"The labels have the shape {labels.shape} instead of ({labels.shape[0]},), so they are not used.")
        return
    codes = np.concatenate([chunk.reshape(-1) for chunk in labels.chunks()])
    if codes.dtype.kind == "f" and np.isfinite(codes).all() and (codes == np.floor(codes)).all():
        codes = codes.astype(np.int64)
    if codes.dtype.kind not in "iubU":
        found.notes.append(f"The labels are neither whole numbers nor words ({codes.dtype}), so they are not used.")
        return
    classes(found, "class", [readable(str(c)) for c in codes.tolist()], list(dict.fromkeys(readable(str(c)) for c in np.unique(codes).tolist())))


def _stamp(path: Path) -> list[Any]:
    try:
        about = path.stat()
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.") from None
    return [str(path), about.st_size, about.st_mtime_ns]


# --- IDX ----------------------------------------------------------------------------------------------------------


def is_idx(head: bytes) -> bool:
    """Whether a file that begins so (unpacked) is an IDX file."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX and 1 <= head[3] <= 8


def is_idx_name(name: str) -> bool:
    """Whether a file of this name in lower case should be an IDX file."""
    return name.removesuffix(".gz").endswith(("-ubyte", ".idx", ".idx1", ".idx3"))


def open_idx(wanted: Wanted, path: Path) -> ImageSet:
    """The pictures of an IDX file, with the labels of the file beside it if there is one of the usual name."""
    table = _idx(path)
    if len(table.shape) < 3:
        pictures = next(iter(_beside(path, "labels", "images")), None)
        remedy = f"give {pictures.name} instead" if pictures else "give the file with the images"
        raise BadData(f"{path} holds {'labels' if len(table.shape) == 1 else 'rows of numbers'}, not pictures: {remedy}.")
    beside = next(iter(_beside(path, "images", "labels")), None)
    if beside is None:
        return _set(wanted, table, None, ["idx", *_stamp(path)], ["No file of labels lies beside it."])
    labels = _idx(beside)
    return _set(wanted, table, labels, ["idx", *_stamp(path), *_stamp(beside)], [])


def _idx(path: Path) -> Table:
    """The head of an IDX file; raises BadData for another kind of file."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(unpacking(path))
            head = file.read(4)
            sides = file.read(4 * head[3]) if is_idx(head) else b""
        except OSError as error:
            why = error.strerror.lower() if error.strerror else "it is damaged"
            raise BadData(f"{path} cannot be read ({why}): check it, or copy or download it again.") from None
        except Exception:  # gzip, bz2, lzma: cut short or damaged
            raise BadData(f"{path} is damaged or cut short: copy or download it again.") from None
    if not is_idx(head):
        starts = f"begins with {head.hex(' ')}" if head else "is empty"
        raise BadData(f"{path} is not an IDX file: it {starts}, where pictures have 00 00 08 03; copy or download it again.")
    if len(sides) < 4 * head[3]:
        raise BadData(f"{path} is cut short inside its head: copy or download it again.")
    shape, kind = struct.unpack(f">{head[3]}I", sides), np.dtype(_IDX[head[2]])
    packed, unpacked = path.stat().st_size, math.prod(shape) * kind.itemsize
    if SMALL < unpacked <= TOTAL and unpacked > RATIO * packed:
        raise BadData(f"{path} is refused: it declares {unpacked / packed:,.0f} times its size (the limit is {RATIO}); it is damaged, or a bomb.")

    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        with unpacking(path) as file:
            file.read(4 + 4 * head[3])
            yield file

    return Table(str(path), shape, kind, False, opened)


def _beside(path: Path, old: str, new: str) -> list[Path]:
    """Files beside an IDX file that hold its labels, or its images, by their names."""
    if old not in path.name:
        return []
    ranks = ("idx3", "idx4", "idx1") if new == "labels" else ("idx1", "idx3")
    base = path.name.replace(old, new).removesuffix(".gz")
    for rank in ranks:
        base = base.replace(rank, "idx?")
    names = [base.replace("idx?", rank) for rank in (("idx1",) if new == "labels" else ("idx3", "idx4"))]
    names += [n.replace("-idx", ".idx") for n in names] + [n.replace(".idx", "-idx") for n in names]
    return [p for n in dict.fromkeys(names) for p in (path.with_name(n + ".gz"), path.with_name(n)) if p.is_file()]


# --- numpy --------------------------------------------------------------------------------------------------------


def is_oracle(path: Path) -> bool:
    """Whether an .npz holds the arrays of an oracle of text rather than pictures."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {"emb.npy", "Wi.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return False


def open_npz(wanted: Wanted, path: Path) -> ImageSet:
    """The pictures of an .npz (an array named images, x, …, with labels, y, …), or of an .npy."""
    if not zipfile.is_zipfile(path):
        if path.name.lower().endswith(".npz"):
            raise BadData(f"{path} is not an .npz that can be read: it is damaged or cut short; copy or download it again.")
        return _set(wanted, _npy(str(path), path.stat().st_size, lambda: open(path, "rb")), None, ["npy", *_stamp(path)], [])
    if is_oracle(path):
        raise BadData(f"{path} holds the arrays of an oracle of text, which seqgan and maskgan take: give an .npz of pictures.")
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError):
            raise BadData(f"{path} is not an .npz that can be read: it is damaged or cut short; copy or download it again.") from None
        arrays = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
        name = next((n for n in IMAGES if n in arrays), next(iter(arrays), "") if len(arrays) == 1 else "")
        if not name:
            has = ", ".join(map(readable, list(arrays)[:10])) or "none"
            raise BadData(f"{path} has no array of pictures: call it images or x, and its labels labels or y (its arrays: {has}).")
        label = next((n for n in LABELS if n in arrays and n != name), "")
        table = member(archive, path, arrays[name])
        labels = member(archive, path, arrays[label]) if label else None
        aside = [readable(n) for n in arrays if n not in (name, label)]
        notes = [f"Pictures are {readable(name)!r}, {f'labels are {label!r}' if label else 'there are no labels'}."]
        notes += [f"Other arrays are left aside: {', '.join(aside[:10])}{' and more' if len(aside) > 10 else ''}."] if aside else []
        return _set(wanted, table, labels, ["npz", *_stamp(path)], notes)


def member(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> Table:
    """An array of an .npz, not read yet; raises BadData for one that is encrypted, a bomb, of Python objects or not an array."""
    name = f"{readable(member.filename.removesuffix('.npy'))!r} in {path}"
    if member.flag_bits & 0x1:
        raise BadData(f"{name} is encrypted: save it again without a password.")
    if bomb := inflated(member):
        raise BadData(f"{path} is refused: {bomb}; save it again with numpy.savez.")
    return _npy(name, member.file_size, lambda: archive.open(member))


def _npy(name: str, size: int, opened: Callable[[], Any]) -> Table:
    """The head of an .npy of `size` bytes; raises BadData for objects and for a shape that the file does not hold."""
    try:
        with opened() as file:
            version = np.lib.format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise ValueError("version")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            start = file.tell()
    except Exception:  # numpy and zipfile: whatever the damage led them to
        raise BadData(f"{name} is not an array that can be read: it is damaged or cut short; save it again with numpy.save.") from None
    shape = tuple(int(side) for side in shape)
    if dtype.hasobject:
        raise BadData(f"{name} holds Python objects, which are never unpickled: save it again as plain numbers.")
    if dtype.kind not in "biufU" or dtype.itemsize == 0 or any(side < 0 for side in shape):
        raise BadData(f"{name} holds {dtype}, which are neither numbers nor words: save it again as plain numbers.")
    declared = math.prod(shape) * dtype.itemsize
    if start + declared != size:
        raise BadData(f"{name} declares the shape {shape}, {declared:,} bytes, but holds {max(0, size - start):,}: it is damaged or cut short.")

    @contextmanager
    def at_values() -> Iterator[BinaryIO]:
        with opened() as file:
            file.read(start)
            yield cast(BinaryIO, file)

    return Table(name, shape, dtype, fortran, at_values)
