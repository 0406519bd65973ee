"""A set of pictures in memory-mapped bytes: what training, measuring and the pages see of a data source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_BYTES = 16 << 20  # of float32 pixels that nearest() holds at a time
_MASK = (1 << 64) - 1


@dataclass(eq=False)
class ImageSet:
    """Square pictures, colour or grey, with a fixed split; `models.contract.Batches` for pictures.

    The split looks at each item's own bytes in its source (a drawn picture's number), so it is the same at every size and never moves when other
    pictures are added.
    """

    id: str  # 16 hex digits over the decoded content
    spec: str  # what --data was given; a path made absolute, so that a run finds it from anywhere
    title: str  # for people: "faces", "lfwcrop-1800-64px-png (1,800 pictures)"
    size: int  # pixels a side
    images: np.ndarray  # (N, H, W, C) uint8, read-only, usually mapped from the cache
    train: np.ndarray  # (n,) int64, rising indices into images; never empty
    held_out: np.ndarray  # (m,) int64, indices into images in the order of their hashes: the first few are a fair choice; about a tenth, maybe none
    names: Sequence[str]  # (N,) file names, or "face 123"
    labels: dict[str, np.ndarray] | None = None  # attribute -> (N,) int64, an index into its values
    values: dict[str, tuple[str, ...]] | None = None  # attribute -> the names of its values
    captions: Callable[[int], str] | None = None  # index -> a sentence
    skipped: tuple[str, ...] = ()  # one sentence for each picture that was left out
    channels: int = 3  # C: 3, or 1 for grey
    about: dict[str, Any] = field(default_factory=dict)  # for JSON; what `models.data.card` tells: original sizes, colour, duplicates, notes
    _norms: np.ndarray | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, seed: int, t: int, n: int) -> Tensor:
        """Batch t of the training pictures, a function of (seed, t, n) alone: (n, C, H, W) uint8.

        The training pictures are dealt without repetition; each epoch has an order of its own.
        """
        return _tensor(self.pictures(self.order(seed, t * n, n)))

    def order(self, seed: int, start: int, n: int) -> np.ndarray:
        """The indices dealt at places start … start+n-1 of the endless sequence of epochs: (n,) int64."""
        return dealt(self.train, seed, start, n)

    def held(self, n: int) -> Tensor:
        """The first n held-out pictures, a fair choice of all, fewer where there are fewer: (≤ n, C, H, W) uint8."""
        return _tensor(self.pictures(self.held_out[: max(0, n)]))

    def pictures(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Copies of some pictures, in the order asked for: (n, H, W, C) uint8."""
        return np.asarray(self.images[np.asarray(indices, np.int64)])

    def nearest(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each picture the nearest training picture in pixel space.

        Args:
            pictures: (m, H, W, C) uint8.

        Returns:
            indices (m,) int64 into `images`, and root-mean-square distances (m,) float64 in grey levels, 0 … 255.
        """
        if len(pictures) == 0:
            return np.empty(0, np.int64), np.empty(0)
        query = np.asarray(pictures).reshape(len(pictures), -1).astype(np.float32) - 127.5  # near zero: less is lost to rounding
        best, where = np.full(len(query), np.inf, np.float32), np.zeros(len(query), np.int64)
        norms, step = self._norms, self._rows(query.shape[1])
        fresh = np.empty(len(self.train), np.float32) if norms is None else norms
        for start in range(0, len(self.train), step):
            rows = self.train[start : start + step]
            chunk = self.pictures(rows).reshape(len(rows), -1).astype(np.float32)
            chunk -= 127.5
            if norms is None:
                fresh[start : start + step] = np.einsum("ij,ij->i", chunk, chunk)
            distance = fresh[start : start + step] - 2 * _products(query, chunk)  # (m, rows), short of |query|², the same for all rows
            column = distance.argmin(1)
            value = distance[np.arange(len(query)), column]
            closer = value < best
            best[closer], where[closer] = value[closer], rows[column[closer]]
        self._norms = fresh
        gap = query - (self.pictures(where).reshape(len(where), -1).astype(np.float32) - 127.5)
        return where, np.sqrt(np.mean(np.square(gap), axis=1, dtype=np.float64))

    @staticmethod
    def _rows(pixels: int) -> int:
        return max(1, CHUNK_BYTES // (4 * pixels))


def fingerprint(images: np.ndarray) -> str:
    """16 hex digits over shape and content of (N, H, W, C) uint8."""
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    step = max(1, CHUNK_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(images), step):
        digest.update(np.ascontiguousarray(images[start : start + step]).data)
    return digest.hexdigest()[:16]


def head(content: bytes | memoryview) -> int:
    """The first eight bytes of the SHA-256 of an item, as a whole number: which side of the split it is on, for good."""
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")


def heads(images: np.ndarray) -> np.ndarray:
    """The `head` of each picture's pixels: (N,) uint64. Equal pictures have equal heads."""
    return np.fromiter((head(np.ascontiguousarray(picture).data) for picture in images), np.uint64, len(images))


def split(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Train (rising) and held-out indices (in the order of their hashes) from the `head` of every item (N,) uint64: a tenth is held out.

    Each item decides for itself, so none changes sides when others are added. If all would be held out, the first is trained on.
    """
    held = hashes % np.uint64(10) == 0
    if held.all():
        held[:1] = False
    out = np.flatnonzero(held)
    return np.flatnonzero(~held), out[np.argsort(hashes[out], kind="stable")]


def dealt(indices: np.ndarray, seed: int, start: int, n: int) -> np.ndarray:
    """What is dealt at places start … start+n-1 of the endless sequence of epochs, each with an order of its own: (n,) int64 of `indices`."""
    length, out, place = len(indices), [], start
    while place < start + n:
        epoch, offset = divmod(place, length)
        count = min(length - offset, start + n - place)
        out.append(indices[_permutation(seed & _MASK, epoch, length)[offset : offset + count]])
        place += count
    return np.concatenate(out) if out else np.empty(0, np.int64)


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, length: int) -> np.ndarray:
    """An order of 0 … length-1: sorted by raw Philox words, which no later version of numpy may change."""
    words = np.random.Philox(key=np.array([seed, epoch], np.uint64)).random_raw(length)
    return np.argsort(words, kind="stable")


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a bᵀ by torch, whose threads the run has fixed; numpy's own are up to twenty times slower beside a busy core."""
    import torch

    return (torch.from_numpy(a) @ torch.from_numpy(b).T).numpy()


def _tensor(pictures: np.ndarray) -> Tensor:
    import torch  # late: listing sources and drawing faces need no torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
