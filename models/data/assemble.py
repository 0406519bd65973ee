"""From a stream of decoded pictures to an ImageSet: kept, split, and described once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.data import cache, decode
from models.data.images import ImageSet, fingerprint, heads, split
from models.errors import BadData

Progress = Callable[[int, int], None]  # done, total; a total of 0 is unknown

OUTPUT_LIMIT = 64 << 30  # bytes that the decoded pictures of a set may take
TOLD = 100  # sentences about single pictures; the others are counted
EXAMPLES = 5  # pairs of equal pictures that are named
CLASSES = 1000  # more values than this are no classes
NAME_LIMIT = 300  # characters of a picture's name
_PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"))  # of a set; no classes


@dataclass(frozen=True)
class Wanted:
    """What was asked of a source."""

    spec: str  # as the set will carry it: a path made absolute
    title: str
    size: int  # pixels a side
    channels: int  # 3 or 1
    progress: Progress | None = None

    def tell(self, done: int, total: int) -> None:
        """Report progress; may raise to cancel."""
        if self.progress:
            self.progress(done, total)

    def check(self, count: int) -> None:
        """Raises BadData if that many pictures would take more room than a set may have."""
        need = count * self.size * self.size * self.channels
        if need > OUTPUT_LIMIT:
            raise BadData(
                f"{self.title} would take {need / 2**30:,.0f} GB at {self.size} pixels a side (the limit is {OUTPUT_LIMIT >> 30} GB): "
                "choose a smaller size or fewer pictures."
            )


@dataclass
class Findings:
    """What is learnt while pictures are read."""

    read: int = 0  # pictures looked at, usable or not
    heads: list[int] = field(default_factory=list)  # `images.head` of each usable item as its source has it
    names: list[str] = field(default_factory=list)  # of the usable ones; empty where they are only numbered
    folders: list[str] = field(default_factory=list)  # that each of them lies in, the innermost; "" for none
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)  # original (width, height) -> how many
    notes: list[str] = field(default_factory=list)
    labels: dict[str, Sequence[int] | np.ndarray] = field(default_factory=dict)
    values: dict[str, Sequence[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    animated: int = 0
    _more: Counter[str] = field(default_factory=Counter)

    def skip(self, name: str, reason: str) -> None:
        """A picture is left out; `reason` is the second half of a sentence."""
        if len(self.skipped) < TOLD:
            self.skipped.append(f"{name} {reason}.")
        else:
            self._more[reason] += 1

    def facts(self) -> dict[str, Any]:
        """All of it, for JSON."""
        skipped, notes = list(self.skipped), list(self.notes)
        if self._more:
            reasons = ", ".join(f"{n:,} because it {reason}" for reason, n in self._more.most_common(5))
            skipped.append(f"{self._more.total():,} more were left out: {reasons}.")
        if self.animated:
            some = "1 picture is animated or has" if self.animated == 1 else f"{self.animated:,} pictures are animated or have"
            notes.append(f"{some} several pages: the first frame is taken.")
        order = sorted(self.sizes, key=lambda s: (s[0] * s[1], s))
        original = {"smallest": list(order[0]), "largest": list(order[-1]), "common": list(self.sizes.most_common(1)[0][0])} if order else None
        return {
            "read": self.read,
            "names": self.names,
            "skipped": skipped,
            "left_out": len(self.skipped) + self._more.total(),
            "labels": {a: np.asarray(codes).tolist() for a, codes in self.labels.items()},
            "values": {a: list(v) for a, v in self.values.items()},
            "notes": notes,
            "original": original,
        }


def assemble(wanted: Wanted, identity: list[Any], chunks: Callable[[Findings], Iterator[np.ndarray]], *, unit: str = "", **more: Any) -> ImageSet:
    """The set that a source gives, from the cache where it is kept.

    Args:
        wanted: what was asked for.
        identity: what decides over the content, beside size and channels; goes into the cache's key.
        chunks: starts the reading, and fills the Findings it is given: (n, size, size, channels) uint8, at least one picture.
        unit: how pictures without names are called: "picture" gives "picture 0", ….
        more: fields of the ImageSet that are no part of the cache.

    Raises:
        BadData: from `chunks`, or nothing was usable.
    """
    kept: list[Findings] = []

    def start() -> Iterator[np.ndarray]:
        kept[:] = [Findings()]  # it may be started twice, if the disk fails
        count = 0
        for chunk in chunks(kept[0]):
            count += len(chunk)
            wanted.check(count)
            yield chunk

    name = cache.key(*identity, wanted.size, wanted.channels, decode.VERSION)
    images, facts = cache.load(name) or cache.keep(name, start, lambda images: _measured(images, kept[0].heads) | kept[0].facts())
    wanted.tell(facts["read"], facts["read"])
    held = np.asarray(facts["held_out"], np.int64)
    train = np.setdiff1d(np.arange(len(images), dtype=np.int64), held, assume_unique=True)
    names = facts["names"] or [f"{unit or 'picture'} {i}" for i in range(len(images))]
    if facts["labels"]:
        more = {
            "labels": {a: np.asarray(codes, np.int64) for a, codes in facts["labels"].items()},
            "values": {a: tuple(v) for a, v in facts["values"].items()},
        } | more
    about = {k: facts[k] for k in ("original", "colour", "duplicates", "notes", "left_out")}
    about["original"] = about["original"] or {key: [wanted.size, wanted.size] for key in ("smallest", "largest", "common")}
    return ImageSet(
        facts["id"], wanted.spec, wanted.title, wanted.size, images, train, held, names,
        skipped=tuple(facts["skipped"]), channels=wanted.channels, about=about, **more,
    )  # fmt: skip


def counted(title: str, data: ImageSet) -> ImageSet:
    """The set, its title followed by how many pictures it has."""
    data.title = f"{title} ({len(data):,} {'picture' if len(data) == 1 else 'pictures'})"
    return data


def _measured(images: np.ndarray, items: list[int]) -> dict[str, Any]:
    held = split(np.array(items, np.uint64))[1].tolist()
    return {"id": fingerprint(images), "held_out": held, "colour": _colour(images), "duplicates": twins(heads(images))}


def _colour(images: np.ndarray) -> str:
    """ "colour", "grey", or "binary" where there is nothing but black and white."""
    grey, binary = True, True
    for start in range(0, len(images), 1024):
        chunk = np.asarray(images[start : start + 1024])
        grey = grey and (chunk.shape[-1] == 1 or bool((chunk[..., :1] == chunk[..., 1:]).all()))
        binary = binary and grey and bool(np.isin(chunk[..., 0], (0, 255)).all())
        if not grey:
            return "colour"
    return "binary" if binary else "grey"


def twins(hashes: np.ndarray) -> dict[str, Any]:
    """How many pictures equal an earlier one, and the first few pairs of indices."""
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    pairs, first, last = [], 0, -2
    for k in same.tolist():
        if k != last + 1:
            first = int(order[k])
        pairs.append([first, int(order[k + 1])])
        last = k
    pairs.sort(key=lambda pair: pair[1])
    return {"count": len(pairs), "examples": pairs[:EXAMPLES]}


def folder_classes(found: Findings) -> None:
    """Take the folder that each picture lies in for its class, where there are at least two and every picture lies in one."""
    folders = sorted(set(found.folders), key=lambda f: (not f.isdecimal(), int(f) if f.isdecimal() else 0, f))
    if "" in folders:
        if len(folders) > 2:
            found.notes.append("Some pictures lie in no folder, so the names of folders are not taken for classes.")
    elif {f.lower() for f in folders} <= _PARTS:
        found.notes.append(f"The folders ({', '.join(folders)}) part the set and are not taken for classes.")
    else:
        classes(found, "class", found.folders, folders)


def classes(found: Findings, attribute: str, of: Sequence[str] | np.ndarray, names: Sequence[str]) -> None:
    """Label the pictures, if there are at least two classes and not more than 1,000; a note says why not.

    Args:
        attribute: the name of the label.
        of: the class of each picture, one of `names`.
        names: all classes, in their order.
    """
    if len(names) < 2:
        found.notes.append(f"All pictures are of one class ({names[0] if len(names) else 'none'}), so there are no labels.")
    elif len(names) > CLASSES:
        found.notes.append(f"{len(names):,} different values of {attribute} are too many for classes (limit {CLASSES:,}): there are no labels.")
    else:
        place = {name: code for code, name in enumerate(names)}
        found.labels[attribute] = [place[name] for name in of]
        found.values[attribute] = list(names)


def readable(name: str) -> str:
    """A name that a terminal and JSON can carry: bytes of no known encoding and control characters are written with a backslash."""
    try:
        clean = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character of UTF-16, as Windows allows in names
        clean = name.encode("utf-8", "backslashreplace").decode("utf-8")
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in clean)
    return clean if len(clean) <= NAME_LIMIT else f"{clean[: NAME_LIMIT // 2]}…{clean[-NAME_LIMIT // 2 :]}"
