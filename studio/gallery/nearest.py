"""What is nearest to a picture or a sentence: among all that is kept, and among what the run was trained on.

Pictures are sieved by the means of 8 x 8 blocks. Such a distance is never larger than the true one, so the search looks at the true pixels in
the order of the sieve and stops where the sieve alone is farther than the best: for pictures of one size whose sides 8 divides, the result is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.errors import BadData, BadFile

if TYPE_CHECKING:
    from studio.gallery.store import Gallery

BLOCKS = 8
MOST = 512  # pictures whose pixels one search looks at
ROUNDING = 1.0  # grey levels that a code may be off
SHORTLIST = 256  # sentences whose edit distance is computed
Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """A neighbour in the gallery."""

    id: int
    distance: float  # of pictures: root mean square in grey levels; of sentences: edits, in tokens


class InData(NamedTuple):
    """The nearest in the training data."""

    title: str  # of the data
    name: str  # of the picture in them
    distance: float
    picture: np.ndarray | None = None  # (H, W, 3) uint8
    text: str = ""


def pooled(picture: np.ndarray, side: int = BLOCKS) -> np.ndarray:
    """(H, W, 1 or 3) uint8 as the means of side x side blocks, (side, side, 3) float32; blocks differ by a pixel where `side` does not divide."""
    colours = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.float64)
    for axis in (0, 1):
        ends = np.linspace(0, colours.shape[axis], side + 1)
        total = np.concatenate([np.zeros_like(colours.take([0], axis)), colours.cumsum(axis)], axis)
        low = np.floor(ends).astype(int).clip(max=colours.shape[axis])
        high = (low + 1).clip(max=colours.shape[axis])
        share = (ends - low).reshape([-1 if a == axis else 1 for a in range(3)])
        upto = total.take(low, axis) * (1 - share) + total.take(high, axis) * share
        colours = np.diff(upto, axis=axis) * side / colours.shape[axis]
    return colours.astype(np.float32)


def code_of(picture: np.ndarray) -> bytes:
    """192 bytes of a picture: what is stored for the search."""
    return pooled(picture).round().astype(np.uint8).tobytes()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square of two pictures in grey levels; of different sizes at the smaller one's."""
    if a.shape[:2] != b.shape[:2]:
        side = min(*a.shape[:2], *b.shape[:2])
        a, b = pooled(a, side), pooled(b, side)
    return float(np.sqrt(np.mean(np.square(a.astype(np.float32) - b.astype(np.float32)), dtype=np.float64)))


def nearest_pictures(gallery: Gallery, picture: np.ndarray, n: int = 6, skip: Sequence[int] = ()) -> list[Found]:
    """The n pictures of the gallery nearest to (H, W, 3) uint8, but for those to skip."""
    from studio.gallery.keeping import pixels_of

    ids, joined = gallery.codes()
    codes = np.frombuffer(joined, np.uint8).reshape(len(ids), -1)
    ours = np.frombuffer(code_of(picture), np.uint8).astype(np.float32)
    sieve = np.empty(len(ids), np.float32)
    for start in range(0, len(ids), 8192):
        gap = codes[start : start + 8192].astype(np.float32) - ours
        sieve[start : start + 8192] = np.sqrt(np.einsum("ij,ij->i", gap, gap) / gap.shape[1])
    found: list[Found] = []
    left = set(skip)
    for place in np.argsort(sieve, kind="stable")[: MOST + len(left)]:
        if len(found) == n and sieve[place] > found[-1].distance + ROUNDING:
            break
        if ids[place] not in left:
            found.append(Found(ids[place], distance(picture, pixels_of(gallery.png(ids[place])))))
            found = sorted(found, key=lambda f: f.distance)[:n]
    return found


def nearest_sentences(gallery: Gallery, text: str, n: int = 6, skip: Sequence[int] = ()) -> list[Found]:
    """The n sentences of the gallery nearest to one, but for those to skip."""
    ids, texts = gallery.sentences()
    left = set(skip)
    kept = [(i, split(t)) for i, t in zip(ids, texts, strict=True) if i not in left]
    words: dict[str, int] = {}
    rows = [[words.setdefault(w, len(words) + 1) for w in tokens] for _, tokens in kept]
    ours = [words.setdefault(w, len(words) + 1) for w in split(text)]
    longest = max((len(r) for r in rows), default=0)
    matrix = np.zeros((len(rows), longest), np.int64)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return [Found(kept[i][0], d) for i, d in nearest_rows(matrix, ours, n)]


def split(text: str) -> list[str]:
    """The tokens of a sentence: its words, or its letters where it has no spaces, as Chinese has none."""
    words = text.split()
    return words if len(words) > 1 else list(text.strip())


def nearest_rows(rows: np.ndarray, ours: Sequence[int], n: int) -> list[tuple[int, float]]:
    """Rows (N, T) of numbers, 0 behind each end, nearest to a sentence of such numbers: place and edits, the nearest first.

    A short list of those that share the most pairs and single tokens is put in the order of the edits.
    """
    if not len(rows):
        return []
    alone = np.isin(rows, list({t for t in ours if t})).sum(1)
    top = int(max(rows.max(initial=0), max(ours, default=0))) + 1
    pairs = [a * top + b for a, b in pairwise(ours)]
    both = np.isin(rows[:, :-1] * top + rows[:, 1:], pairs).sum(1) if pairs and rows.shape[1] > 1 else 0
    length = (rows != 0).sum(1)
    shared = (alone + 2.0 * both) / np.maximum(1, length + len(ours))
    places = np.argsort(-shared, kind="stable")[: max(n, SHORTLIST)]
    edits = [(int(p), float(edit_distance(ours, rows[p, : length[p]].tolist()))) for p in places]
    return sorted(edits, key=lambda found: found[1])[:n]


def edit_distance(a: Sequence[Any], b: Sequence[Any]) -> int:
    """How many tokens must be put in, taken out or changed."""
    line = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, line[0] = line[0], i
        for j, y in enumerate(b, 1):
            corner, line[j] = line[j], min(line[j] + 1, line[j - 1] + 1, corner + (x != y))
    return line[-1]


# --- training data ----------------------------------------------------------------------------------------------------


class TrainingData:
    """The data that a recipe names, opened as its run opens them; slow, and imports torch."""

    def __init__(self, recipe: Mapping[str, Any], progress: Progress | None = None) -> None:
        """Open them; `progress` is told (done, total) and may raise to cancel.

        Raises:
            BadFile: the recipe names no system or data. BadData: they are not there any more, or others.
        """
        from models import catalog, knobs

        try:
            algorithm = catalog.algorithm(str(recipe["system"]))
            config = knobs.make(algorithm.Config, {k: v for k, v in recipe["config"].items() if k in algorithm.Config.model_fields})
            told = recipe["data"]
            spec, self.id, self.title = str(told["spec"]), str(told["id"]), str(told["title"])
        except (KeyError, TypeError, AttributeError):
            raise BadFile("The recipe of this sample does not say what its run was trained on, so its nearest cannot be looked for.") from None
        self.data = algorithm.open_data(_moved(recipe, spec), config, progress)
        if self.data.id != self.id:
            raise BadData(f"{spec} does not hold what {self.title} held when the run was made: the nearest would be of other data.")

    def nearest(self, picture: np.ndarray | None = None, text: str = "") -> InData:
        """The nearest training picture to (H, W, 3) uint8, or the nearest training sentence to a text."""
        if picture is not None:
            C = self.data.images.shape[-1]
            where, far = self.data.nearest(np.ascontiguousarray(picture[None, :, :, :C]))
            near = np.broadcast_to(self.data.pictures(where)[0], (*picture.shape[:2], 3))
            return InData(self.title, self.data.names[int(where[0])], float(far[0]), np.ascontiguousarray(near))
        rows = np.asarray(self.data.rows(self.data.train))
        numbers = {w: i for i, w in enumerate(self.data.words)}
        tokens = split(text) if self.data.joiner else list(text)
        ours = [numbers.get(w, -1) for w in tokens] if self.data.words else [int(w) for w in tokens if w.isdecimal()]
        ((place, far),) = nearest_rows(rows, ours, 1)
        i = int(self.data.train[place])
        return InData(self.title, f"sentence {i + 1:,}", far, text=self.data.text(i))


def _moved(recipe: Mapping[str, Any], spec: str) -> str:
    """Where the data are now, as the run knows it."""
    from models.errors import StudioError
    from models.journal import RunFolder

    try:
        return str(RunFolder.open(Path(str(recipe["run"]["path"])), write=False).record["data"]["spec"])
    except (StudioError, LookupError, TypeError):
        return spec
