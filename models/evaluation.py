"""How good the samples of an image model are: every measure beside what real pictures give, at the same number of pictures.

A paper's file hands over a way to draw samples and its own measures; here they are compared with the data. Everything runs in
slices of some 100 ms, so that a training can go on in between, and nothing of the run is touched.

Two disjoint sets of real pictures stand behind every number: A, n training pictures, is what samples are compared with; B,
held-out pictures first and then training pictures that A does not have, takes the samples' place for the reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.contract import Progress, Score
from models.data.images import ImageSet
from models.errors import BadInput, DiskTrouble
from models.files import writing
from models.metrics import image, pyramid
from models.nets import judge as judges
from models.nets.judge import FEATURES, Judge

__all__ = ["Draw", "Own", "Progress", "Score", "image_scores", "in_parts"]

T = TypeVar("T")
Draw = Callable[[int, int], np.ndarray]  # (start, stop) -> samples start … stop-1, (n, H, W, C) uint8
Own = Generator[None, None, dict[str, Score]]  # a paper's own measures, in slices

TEACHING = "teaching the judge, once for these pictures"
CHUNK = 64  # samples drawn and judged in one slice
THUMB = 16  # side of the small copies in which twins are looked for
PIXELS = 1_000  # pictures at most that are compared pixel by pixel
PIXEL_BYTES = 64 << 20  # and bytes of them
NEAREST = 2 << 20  # numbers of training pictures that samples are compared with in one slice
ORDER = 20  # seed of the order in which real pictures are taken


@dataclass
class _Set:
    """Some pictures, as far as they are needed."""

    features: Tensor  # (n, 64)
    thumbs: Tensor  # (n, d), so scaled that distances are in grey levels
    pictures: np.ndarray  # the first m, (m, H, W, C) uint8
    patches: list[list[Tensor]] = field(default_factory=list)  # of those, by chunk and level


def image_scores(draw: Draw, data: ImageSet, own: Own, *, n: int, seed: int, parts: int = 0) -> Iterator[Progress]:
    """Measure the samples of an image model against its data.

    Args:
        draw: gives samples by number; asked for whole chunks of 64 in rising order.
        own: the paper's own measures; run first.
        n: samples to draw; at most half of the data's pictures are used, so that the reference has as many.
        seed: of everything that is drawn at random here.
        parts: about how many slices `own` has beyond a pass over the held-out pictures.

    Yields:
        Progress; the last one has the scores.
    """
    teaching = not judges.path_of(data).exists()

    def doing() -> str:
        nonlocal teaching
        teaching = teaching and not judges.path_of(data).exists()
        return TEACHING if teaching else "measuring"

    yield from in_parts(_work(draw, data, own, n, seed), _slices(data, n) + parts, doing)


def in_parts(work: Own, total: int, doing: Callable[[], str] = lambda: "measuring") -> Iterator[Progress]:
    """The slices of a work that returns scores, of which there are about `total`."""
    done = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            yield Progress(total, total, end.value)
            return
        done = min(done + 1, total - 1)
        yield Progress(done, total, doing=doing())


def usable(data: ImageSet, n: int) -> int:
    """How many of n samples can be compared: as many as leave two disjoint sets of real pictures."""
    return max(0, min(n, (len(data.train) + len(data.held_out)) // 2))


def _work(draw: Draw, data: ImageSet, own: Own, asked: int, seed: int) -> Generator[None, None, dict[str, Score]]:
    scores = yield from own
    n = usable(data, asked)
    if n < 2:
        why = f"{data.title} has {len(data.images)} pictures, too few to compare samples with: use at least 4."
        return scores | {"frechet": Score(None, n, None, "lower", "Fréchet distance", why)}
    judge = yield from _silent(judges.prepare(data))
    a, b = yield from _real_sets(data, judge, n)
    fake = yield from _drawn(draw, judge, n)
    many = f"{n:,} training pictures"
    about = _About(judge, many, _reference_words(data, n, asked))
    scores |= yield from _feature_scores(a, b, fake, about, seed)
    scores |= yield from _twin_scores(a, fake, about)
    scores |= _class_scores(a, b, fake, about)
    scores |= yield from _patch_scores(a, b, fake, seed)
    scores |= yield from _pair_scores(b, fake, seed)
    scores |= yield from _nearest_scores(data, fake)
    return scores


def _slices(data: ImageSet, asked: int) -> int:
    """About how many slices there will be."""
    n = usable(data, asked)
    training = 0 if judges.path_of(data).exists() else judges.steps_for(data) + len(data.held_out) // CHUNK
    own = 2 * min(asked, len(data.held_out)) // CHUNK
    blocks = 1 + n * n // image.BLOCK
    m, sides = min(n, PIXELS), len(pyramid.levels(data.size))
    filtered = 4 * m * max(1, data.size**2 // 32**2) // CHUNK
    nearest = len(data.train) * data.size**2 * data.channels // NEAREST
    return 10 + own + training + 3 * n // CHUNK + 100 + 12 * blocks + filtered + 68 * sides + nearest


def _silent(parts: Generator[Any, None, T]) -> Generator[None, None, T]:
    """The same slices, without what they tell."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value
        yield


# --- the three sets -----------------------------------------------------------------------------------------------


def _real_rows(data: ImageSet, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of A and B, (n,) each, disjoint; for a smaller n they begin alike."""
    order = data.order(ORDER, 0, len(data.train))
    return order[:n], np.concatenate([data.held_out, order[::-1]])[:n]


def _real_sets(data: ImageSet, judge: Judge, n: int) -> Generator[None, None, tuple[_Set, _Set]]:
    known = _known_features(data, judge, n)
    sets = []
    for place, rows in enumerate(_real_rows(data, n)):
        chunks = (data.pictures(rows[i : i + CHUNK]) for i in range(0, n, CHUNK))
        sets.append((yield from _measured(chunks, judge, n, None if known is None else known[place])))
    if known is None:
        _keep_features(data, judge, torch.stack([s.features for s in sets]).numpy())
    return sets[0], sets[1]


def _drawn(draw: Draw, judge: Judge, n: int) -> Generator[None, None, _Set]:
    return (yield from _measured((draw(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)), judge, n, None))


def _measured(chunks: Iterator[np.ndarray], judge: Judge, n: int, known: np.ndarray | None) -> Generator[None, None, _Set]:
    """Features, small copies, and the first pictures of a set that comes in chunks."""
    features, thumbs, kept, place = [], [], [], 0
    for pictures in chunks:
        most = min(n, PIXELS, max(CHUNK, PIXEL_BYTES // pictures[:1].nbytes))
        features.append(judge.features(pictures) if known is None else torch.tensor(known[place : place + len(pictures)]))
        thumbs.append(_thumbs(pictures))
        if place < most:
            kept.append(pictures[: most - place])
        place += len(pictures)
        yield
    return _Set(torch.cat(features), torch.cat(thumbs), np.concatenate(kept))


def _thumbs(pictures: np.ndarray) -> Tensor:
    """(n, H, W, C) uint8 to (n, d): 16x16 averages; the distance of two is their root-mean-square one in grey levels."""
    small = F.adaptive_avg_pool2d(_planes(pictures), THUMB).flatten(1)
    return small / math.sqrt(small.shape[1])


def _at_a_time(some: _Set) -> int:
    """Pictures that are filtered in one slice: 64 at 32 px, fewer where they are larger."""
    return max(2, CHUNK * 32**2 // some.pictures.shape[1] ** 2)


def _planes(pictures: np.ndarray) -> Tensor:
    """(n, H, W, C) uint8 to (n, C, H, W) float32 in 0 … 255."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(torch.float32)


def _reference_words(data: ImageSet, n: int, asked: int) -> str:
    held = min(n, len(data.held_out))
    other = f"{n - held:,} training pictures that are not among these" if held < n else ""
    limited = f"; {asked:,} were asked for, but only half of the {len(data.train) + len(data.held_out):,} pictures can be used" if n < asked else ""
    return " and ".join(filter(None, [f"{held:,} held-out pictures" if held else "", other])) + limited


# --- features of the real sets are kept ---------------------------------------------------------------------------


def _features_path(data: ImageSet, n: int) -> Path | None:
    """A file with the features of at least n pictures of each set, if there is one."""
    stem = judges.path_of(data)
    found = []
    for path in stem.parent.glob(f"{stem.stem}-*.npy"):
        count = path.stem.rpartition("-")[2]
        if count.isdecimal() and int(count) >= n:
            found.append((int(count), path))
    return min(found)[1] if found else None


def _known_features(data: ImageSet, judge: Judge, n: int) -> np.ndarray | None:
    """(2, n, 64) float32, mapped; None where they are not kept, or damaged, or of another judge."""
    path = _features_path(data, n)
    if path is None:
        return None
    try:
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if found.dtype != np.float32 or found.ndim != 3 or found.shape[0] != 2 or found.shape[1] < n or found.shape[2] != FEATURES:
        return None
    probes = [0, n // 2, n - 1]
    for place, rows in enumerate(_real_rows(data, n)):
        again = judge.features(data.pictures(rows[probes])).numpy()
        if not np.allclose(again, found[place, probes], atol=1e-3) or not np.isfinite(found[place, :n]).all():
            return None
    return found[:, :n]


def _keep_features(data: ImageSet, judge: Judge, features: np.ndarray) -> None:
    stem = judges.path_of(data)
    try:
        with writing(stem.with_name(f"{stem.stem}-{features.shape[1]}.npy")) as temporary, open(temporary, "wb") as file:
            np.save(file, features, allow_pickle=False)
    except DiskTrouble:
        pass


# --- the scores ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _About:
    """What the docs of the scores have in common."""

    judge: Judge
    against: str
    reference: str

    @property
    def text(self) -> str:
        """Two sentences: what it was computed on, and what the reference is."""
        return f"On {self.judge.doc}, against {self.against}. Reference: {self.reference}, in place of the samples."


def _either(call: Callable[[], float]) -> tuple[float | None, str]:
    """A value, or why there is none."""
    try:
        return call(), ""
    except BadInput as error:
        return None, str(error)


def _feature_scores(a: _Set, b: _Set, fake: _Set, about: _About, seed: int) -> Generator[None, None, dict[str, Score]]:
    n, text = len(fake.features), about.text
    value, refused = _either(lambda: image.frechet(a.features, fake.features))
    yield
    floor, _ = _either(lambda: image.frechet(a.features, b.features))
    yield
    found = {"frechet": Score(value, n, floor, "lower", "Fréchet distance", refused or f"{text} Not an FID: the features are this judge's own.")}
    size = max(2, min(1000, n // 2))  # halves at most, or the subsets would hardly differ
    near = yield from image.kid_parts(a.features, fake.features, size=size, seed=seed)
    base = yield from image.kid_parts(a.features, b.features, size=size, seed=seed)
    found["kid"] = Score(
        near.mean, n, base.mean, "lower", "Kernel distance", f"Unbiased, mean and deviation over 50 subsets of {size:,}. {text}", near.std
    )
    if n <= 5:
        why = f"Precision and recall with 5 neighbours need more than 5 pictures of either kind, and there are {n}."
        return found | {k: Score(None, n, None, "higher", k.capitalize(), why) for k in image.Prdc._fields}
    ours = yield from image.prdc_parts(a.features, fake.features)
    real = yield from image.prdc_parts(a.features, b.features)
    for name, meaning in _PRDC.items():
        direction = "target" if name == "density" else "higher"
        found[name] = Score(getattr(ours, name), n, getattr(real, name), direction, name.capitalize(), f"{meaning} {text}")
    return found


_PRDC = {
    "precision": "Share of samples among the real pictures (within 5 nearest neighbours); blurred samples have it too.",
    "recall": "Share of real pictures among the samples (within 5 nearest neighbours).",
    "density": "How crowded the real pictures are around a sample; above the reference where samples keep to the most usual.",
    "coverage": "Share of real pictures that have a sample within their 5 nearest neighbours.",
}


def _twin_scores(a: _Set, fake: _Set, about: _About) -> Generator[None, None, dict[str, Score]]:
    n = len(fake.features)
    levels = image.twin_distance((yield from image.nearest_other_parts(a.thumbs)))
    gap = image.twin_distance((yield from image.nearest_other_parts(a.features)))
    share = yield from image.duplicates_parts((fake.thumbs, levels), (fake.features, gap))
    real = yield from image.duplicates_parts((a.thumbs, levels), (a.features, gap))
    if share:
        remark = f"As many twins as {image.support(share, n):,.0f} different pictures would give (birthday paradox)."
    else:
        remark = f"None among {n:,}: fewer than {n * n / 6:,.0f} different pictures would nearly always have shown one (birthday paradox)."
    doc = (
        f"Share of samples with a near twin: another within {levels:.1f} grey levels at 16x16 px and within {gap:.2f} in {about.judge.doc}; "
        f"both are half of what 99 % of real pictures keep from each other. {remark} Reference: {about.against}."
    )
    return {"duplicates": Score(share, n, real, "lower", "Near twins", doc)}


def _class_scores(a: _Set, b: _Set, fake: _Set, about: _About) -> dict[str, Score]:
    judge, n = about.judge, len(fake.features)
    told = judge.told_apart
    labels = {"classes": "Classes covered", "class_entropy": "Class entropy"}
    if not told:
        if not judge.heads:
            why = "The pictures have no labels (or too few for a classifier), so there are no classes to count."
        elif not judge.accuracy:
            why = "No pictures are held out, so the classifier cannot be checked and its classes are not counted."
        else:
            why = f"The classifier is not reliable enough on held-out pictures ({np.mean(list(judge.accuracy.values())):.0%} right) to count classes."
        return {k: Score(None, n, None, "", label, why) for k, label in labels.items()}
    wanted, floor, found = (judge.classes(s.features) for s in (a, b, fake))
    ours, real = ([image.classes(of[t], wanted[t], judge.heads[t]) for t in told] for of in (found, floor))
    right = np.mean([judge.accuracy[t] for t in told])
    whose = f"the {len(told)} attributes it can tell apart" if len(told) > 1 else f"'{told[0]}'"
    by = f"Judged by a classifier independent of the model ({judge.digest}), {right:.0%} right on held-out pictures in {whose}."
    covered = f"Share of classes that the samples have at least a tenth as often as the real pictures. {by} Reference: {about.reference}."
    even = f"How evenly the classes occur: 1 if all are equally frequent, 0 if there is but one. {by} Reference: {about.reference}."
    mean = lambda all_, i: float(np.mean([c[i] for c in all_]))  # noqa: E731
    return {
        "classes": Score(mean(ours, 0), n, mean(real, 0), "higher", labels["classes"], covered),
        "class_entropy": Score(mean(ours, 1), n, mean(real, 1), "target", labels["class_entropy"], even),
    }


def _patch_scores(a: _Set, b: _Set, fake: _Set, seed: int) -> Generator[None, None, dict[str, Score]]:
    m = min(len(s.pictures) for s in (a, b, fake))
    rng, step = torch.Generator().manual_seed(seed), _at_a_time(fake)
    for s in (a, b, fake):
        for i in range(0, m, step):
            s.patches.append(pyramid.patches(_planes(s.pictures[i : min(i + step, m)]), 32, rng))
            yield
    sides = pyramid.levels(fake.pictures.shape[1])
    ours = yield from pyramid.swd_parts(a.patches, fake.patches, sides=sides, seed=seed)
    real = yield from pyramid.swd_parts(a.patches, b.patches, sides=sides, seed=seed)
    for s in (a, b, fake):
        s.patches.clear()
    doc = "Sliced Wasserstein distance (times 1,000) of 7x7 patches of a Laplacian pyramid{}: fine detail at the large side, form at the small one."
    doc += f" Needs no net. Reference: {m:,} real pictures against {m:,} others."
    found = {"sliced_wasserstein": _swd(sum(ours.values()) / len(ours), m, sum(real.values()) / len(real), "", doc.format(", mean over its levels"))}
    return found | {f"sliced_wasserstein_{s}": _swd(ours[s], m, real[s], f", {s} px", doc.format(f", level {s} px")) for s in sides}


def _swd(value: float, n: int, reference: float, which: str, doc: str) -> Score:
    return Score(value, n, reference, "lower", f"Sliced Wasserstein{which}", doc)


def _pair_scores(b: _Set, fake: _Set, seed: int) -> Generator[None, None, dict[str, Score]]:
    size, results = fake.pictures.shape[1], []
    for s in (fake, b):
        found = []
        for left, right in pyramid.pairs(len(s.pictures), 500, torch.Generator().manual_seed(seed), _at_a_time(fake)):
            found.append(pyramid.ms_ssim(_planes(s.pictures[left.numpy()]), _planes(s.pictures[right.numpy()])))
            yield
        results.append(torch.cat(found))
    ours, real = results
    scales = pyramid.scales(size)
    doc = (
        f"Mean MS-SSIM of {len(ours):,} random pairs of samples ({scales} scale{'s' * (scales > 1)}): near 1 if all look alike. "
        f"Reference: {len(real):,} pairs of real pictures; blurred samples are above it."
    )
    return {"ssim": Score(float(ours.mean()), len(ours), float(real.mean()), "target", "Pairwise MS-SSIM", doc, float(ours.std(unbiased=False)))}


def _nearest_scores(data: ImageSet, fake: _Set) -> Generator[None, None, dict[str, Score]]:
    """Distances to the nearest training picture, of samples and of held-out pictures, in one pass over the training pictures."""
    m = min(len(fake.pictures), 500)
    held = data.held_out[:m]
    queries = np.concatenate([fake.pictures[:m], data.pictures(held)])
    x = _planes(queries).flatten(1)
    best = torch.full((len(x),), math.inf)
    step = max(16, NEAREST // x.shape[1])
    for i in range(0, len(data.train), step):
        rows = _planes(data.pictures(data.train[i : i + step])).flatten(1)
        best = torch.minimum(best, image.squared(x, rows).min(1).values)
        yield
    gap = (best / x.shape[1]).sqrt()
    ours, real = gap[:m], gap[m:]
    doc = (
        "Mean distance to the nearest training picture, root mean square in grey levels: far below the reference if pictures were learned by heart. "
        + (f"Reference: {len(held):,} held-out pictures." if len(held) else "No pictures are held out, so there is no reference.")
        + " Blurred samples are below it, too."
    )
    reference = float(real.mean()) if len(held) else None
    return {"nearest": Score(float(ours.mean()), m, reference, "target", "Nearest training picture", doc, float(ours.std(unbiased=False)))}
