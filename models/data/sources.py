"""What --data accepts, opened as an ImageSet: built-in names, folders, archives, tables of numbers, and the hub."""

from __future__ import annotations

import codecs
import difflib
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.data import archives, encoded, faces, glyphs, hub, shapes, tables
from models.data.assemble import Findings, Progress, Wanted, assemble
from models.data.decode import EXTENSIONS, with_channels
from models.data.images import ImageSet, head
from models.errors import BadData

SIZES = (16, 28, 32, 64, 128, 256, 512)
CHUNK = 256  # pictures of 32 × 32 that are drawn between two calls of progress


class Drawing(NamedTuple):
    """A set that is drawn here."""

    what: str  # what its pictures are
    unit: str  # what one of them is called
    counts: Mapping[int, int]  # size -> how many
    draw: Callable[[Iterable[int], int], np.ndarray]  # (n, size, size, 1 or 3) uint8
    version: Callable[[], str]
    labels: Callable[[int], dict[str, np.ndarray]]
    values: Mapping[str, tuple[str, ...]]
    caption: Callable[[int], str]


def _drawings() -> dict[str, Drawing]:
    """By name; looked up when asked, so that a test may change the modules."""
    by_pen = partial(Drawing, unit="glyph", counts=glyphs.COUNTS, version=glyphs.version, labels=glyphs.labels, values=glyphs.ATTRIBUTES)
    return {
        "faces": Drawing("cartoon faces", "face", faces.COUNTS, faces.draw, faces.version, faces.labels, faces.ATTRIBUTES, faces.caption),
        "shapes": Drawing(
            "pictures of one or two shapes", "shapes", shapes.COUNTS, shapes.draw, shapes.version, shapes.labels, shapes.ATTRIBUTES, shapes.caption
        ),
        "glyphs": by_pen("pen strokes of ten invented characters", draw=glyphs.draw, caption=glyphs.caption),
        "glyphs-binary": by_pen("pen strokes of the same in black and white", draw=partial(glyphs.draw, binary=True), caption=glyphs.caption),
    }


BUILTIN = ("faces", "shapes", "glyphs", "glyphs-binary")
TEXTS = ("grammar", "oracle")
TOYS = {  # what each is
    "toy-categories": "32 categories whose probabilities are known, drawn at random",
    "toy-line": "64 cells in a row whose probabilities are known",
    "toy-ring": "a ring on a grid of 16 × 16 cells whose probabilities are known",
}
TEXT_FILES = tuple(f"{end}{packed}" for end in (".txt", ".text", ".md", ".csv", ".tsv", ".json", ".jsonl") for packed in ("", ".gz", ".bz2", ".xz"))
TAKE = {"pictures": "began, ppgn and bgan take", "text": "seqgan, maskgan and bgan take", "toy": "bgan takes"}  # which systems a kind of data is for
ACCEPTED_TEXT = "for text, --data accepts grammar, oracle, a UTF-8 text file with one sentence a line, or an .npz with an oracle's arrays"
ACCEPTED = f"--data accepts {', '.join(BUILTIN)}, a folder of pictures, a zip or tar of pictures, an IDX, .npz or .npy file, or hub:NAME"


def sources() -> list[dict[str, Any]]:
    """What --data accepts: a name, its kind ("pictures", "text" or "toy"), what it is, an example, and the picture sizes it has (none of others)."""
    own = [
        ("folder", "a folder of pictures, with all folders inside it; folders may be classes", "--data ~/pictures"),
        ("zip", "a zip of pictures, read in place", "--data pictures.zip"),
        ("tar", "a tar, tar.gz, tar.bz2 or tar.xz of pictures, read as a stream", "--data pictures.tar.xz"),
        ("idx", "an IDX file of pictures, packed with gzip or not; labels beside it are found", "--data train-images-idx3-ubyte.gz"),
        ("npz", "arrays of pictures (images or x) and labels (labels or y); .npy too", "--data pictures.npz"),
        ("hub:NAME", "a data set of the Hugging Face hub, or a folder that its tools wrote", "--data hub:NAME:train"),
    ]
    texts = [
        ("grammar", "10,000 sentences of a small English whose verbs agree with their subjects", "--data grammar"),
        ("oracle", "sentences of a random LSTM, so that how true samples are can be measured", "--data oracle"),
        ("text", "a UTF-8 text file, packed or not, one sentence a line", "--data captions.txt"),
        ("oracle.npz", "an oracle's arrays: emb Wi Ui bi Wf Uf bf Wo Uo bo Wc Uc bc V c", "--data theirs.npz"),
    ]
    drawn = [
        {"name": name, "what": f"{max(d.counts.values()):,} {d.what}, drawn here", "example": f"--data {name}", "sizes": list(d.counts)}
        for name, d in _drawings().items()
    ]
    pictures = drawn + [{"name": name, "what": what, "example": example, "sizes": list(SIZES)} for name, what, example in own]
    words = [{"name": name, "kind": "text", "what": what, "example": example, "sizes": []} for name, what, example in texts]
    toys = [{"name": name, "kind": "toy", "what": what, "example": f"--data {name}", "sizes": []} for name, what in TOYS.items()]
    return [s | {"kind": "pictures"} for s in pictures] + words + toys


def kind(spec: str) -> str:
    """ "pictures", "text" or "toy": what opens a source. What cannot be told, or is not there, is left to `open_images` to refuse."""
    if spec in TOYS:
        return "toy"
    if spec in TEXTS:
        return "text"
    path = None if spec in BUILTIN or spec.startswith("hub:") else located(spec)
    if path is None or not path.is_file():
        return "pictures"
    opener = _opener(path)
    if opener is tables.open_npz:
        return "text" if tables.is_oracle(path) else "pictures"
    return "text" if opener is None and _is_text(path) else "pictures"


def text_source(spec: str) -> tuple[str, Path]:
    """ "file" or "oracle", and the absolute path that a spec of text names; raises BadData where it names something else."""
    if spec in BUILTIN or spec.startswith("hub:"):
        raise BadData(f"{spec!r} is a source of pictures, which {TAKE['pictures']}: {ACCEPTED_TEXT}.")
    if spec in TOYS:
        raise BadData(f"{spec!r} is a known distribution, which {TAKE['toy']}: {ACCEPTED_TEXT}.")
    path = located(spec)
    if path is None:
        close = difflib.get_close_matches(spec.strip().lower(), TEXTS, 1)
        raise BadData(f"There is no text source or file {spec!r}: {ACCEPTED_TEXT}" + (f"; did you mean {close[0]!r}?" if close else "."))
    if path.is_dir():
        raise BadData(f"{path} is a folder: {ACCEPTED_TEXT}.")
    if not path.is_file():
        raise BadData(f"{path} is neither a folder nor a plain file: {ACCEPTED_TEXT}.")
    opener = _opener(path)
    if opener is None and not path.name.lower().endswith(EXTENSIONS):
        return "file", path
    if opener is tables.open_npz and (tables.is_oracle(path) or path.name.lower().endswith(".npz")):
        return "oracle", path
    raise BadData(f"{path} holds pictures, which {TAKE['pictures']}: {ACCEPTED_TEXT}.")


def open_images(spec: str, *, size: int, progress: Progress | None = None, channels: int = 3) -> ImageSet:
    """Open a data source as pictures of size × size pixels.

    Args:
        spec: what --data was given.
        size: 16, 28, 32, 64, 128, 256 or 512; what is drawn here has sizes of its own.
        progress: told (done, total) while pictures are drawn or read, total 0 where it is not known; may raise to cancel, then nothing stays on disk.
        channels: 3, or 1 for grey (luma); grey sources have three equal channels otherwise.

    Raises:
        BadData: an unknown name, a source that is not built yet, a size that cannot be had, or no usable picture.
    """
    drawing = _drawings().get(spec)
    offered = list(drawing.counts) if drawing else SIZES
    if size not in offered:
        offers = tuple((f"{side} pixels a side", {"size": side}) for side in offered[:2])
        raise BadData(f"Pictures of {spec!r} cannot be {size} pixels a side: choose one of {', '.join(map(str, offered))}.", offers=offers)
    if channels not in (1, 3):
        raise BadData(f"Pictures of {spec!r} cannot have {channels} channels: choose 1 (grey) or 3 (colour).")
    if drawing:
        return _drawn(Wanted(spec, spec, size, channels, progress), drawing)
    if spec.startswith("hub:"):
        return hub.open_hub(partial(Wanted, size=size, channels=channels, progress=progress), spec)
    path = located(spec)
    if path is None:
        raise BadData(_unknown(spec))
    wanted = partial(Wanted, str(path), size=size, channels=channels, progress=progress)
    if path.is_dir():
        return encoded.open_folder(wanted(path.name), path)
    if not path.is_file():
        raise BadData(f"{path} is neither a folder nor a plain file: {ACCEPTED}.")
    opener = _opener(path)
    if opener is None:
        raise BadData(_wrong_file(path))
    return opener(wanted(stem(path)), path)


def _drawn(wanted: Wanted, drawing: Drawing) -> ImageSet:
    count = drawing.counts[wanted.size]

    def chunks(found: Findings) -> Iterator[np.ndarray]:
        step = max(8, CHUNK * 32 * 32 // (wanted.size * wanted.size))
        for start in range(0, count, step):
            wanted.tell(start, count)
            yield with_channels(drawing.draw(range(start, min(count, start + step)), wanted.size), wanted.channels)
        found.read = count
        found.heads = [head(f"{drawing.unit} {i}".encode()) for i in range(count)]

    more: dict[str, Any] = {"labels": drawing.labels(count), "values": dict(drawing.values), "captions": drawing.caption}
    return assemble(wanted, [wanted.spec, drawing.version(), count], chunks, unit=drawing.unit, **more)


def _opener(path: Path) -> Callable[[Wanted, Path], ImageSet] | None:
    """What reads a file: its content decides, its name only where the content says nothing."""
    name = path.name.lower()
    try:
        with archives.unpacking(path) as file:
            head = file.read(512)
    except OSError as error:
        if error.errno is not None:
            raise BadData(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.") from None
        head = b""
    except Exception:  # gzip, bz2, lzma: damage at the very beginning
        head = b""
    if name.endswith((".npz", ".npy")) or head.startswith(b"\x93NUMPY"):
        return tables.open_npz
    if name.endswith(".zip") or zipfile.is_zipfile(path):
        return archives.open_zip
    if tables.is_idx(head) or tables.is_idx_name(name):
        return tables.open_idx
    if _is_tar(head) or name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz")):
        return archives.open_tar
    return None


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _is_text(path: Path) -> bool:
    """Whether a file is to be read as text: by its name, or because it begins like UTF-8."""
    name = path.name.lower()
    if name.endswith((*EXTENSIONS, ".tar.zst", ".tzst", ".7z", ".rar")):
        return False
    if name.endswith(TEXT_FILES):
        return True
    try:
        with archives.unpacking(path) as file:
            head = file.read(4096)
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except Exception:  # of another encoding, damaged or unreadable: it is not text, whatever else it is
        return False
    return bool(head.strip()) and b"\0" not in head


def stem(path: Path) -> str:
    """A file's name without what says how it is packed."""
    name = path.name
    for ending in (".gz", ".xz", ".bz2", ".tgz", ".txz", ".tbz2", ".tbz", ".tar", ".zip", ".npz", ".npy", ".idx", ".txt", ".text"):
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return name


def located(spec: str) -> Path | None:
    """The existing path that a spec names, made absolute; None if there is none."""
    try:
        path = Path(os.path.abspath(Path(spec).expanduser()))
        return path if spec.strip() and path.exists() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _unknown(spec: str) -> str:
    if spec in TOYS:
        return f"{spec!r} is a known distribution, which {TAKE['toy']}: for pictures, {ACCEPTED}."
    if spec in TEXTS:
        return f"{spec!r} is a source of text, which {TAKE['text']}: for pictures, {ACCEPTED}."
    close = difflib.get_close_matches(spec.strip().lower(), (*BUILTIN, *TEXTS, *TOYS), 1)
    return f"There is no data source, file or folder {spec!r}: {ACCEPTED}; of text: grammar, oracle or a text file; toys: {', '.join(TOYS)}" + (
        f"; did you mean {close[0]!r}?" if close else "."
    )


def _wrong_file(path: Path) -> str:
    name = path.name.lower()
    if name.endswith(TEXT_FILES):
        return f"{path} is text, which {TAKE['text']}: for pictures, {ACCEPTED}."
    if name.endswith((".tar.zst", ".tzst", ".7z", ".rar")):
        return f"{path} is packed in a way that is not read here: pack its pictures as zip, .tar.gz or .tar.xz, or give the unpacked folder."
    if name.endswith(EXTENSIONS):
        return f"{path} is a single picture: give the folder that holds it."
    return f"{path} holds no data that can be read: {ACCEPTED}."
