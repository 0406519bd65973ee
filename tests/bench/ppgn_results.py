"""What chains of a trained PPGN run give: the tables of the project's notes, one command each.

ppgn_results.py digits   RUN [--test IMAGES]   eight variants on digits, with controls beside them
ppgn_results.py captions RUN                   twenty captions on faces, the captioner being the only condition
ppgn_results.py sweep    RUN                   five values of each ε a decade apart, the others fixed

Settings are the variants' own (`models/samplers/variants.py`), frozen before these seeds were run; every number is of the last frame of all
chains, and a chain that diverged counts as a miss. The judge of agreement is the run's second classifier, which nothing is optimised against.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from models.chains import Chains
from models.data import faces
from models.data.sources import open_images
from models.errors import BadInput
from models.metrics import image, pyramid
from models.nets import judge as judges
from models.nets.pixels import from_pictures, to_pictures
from models.run import Run
from models.samplers.variants import VARIANTS

STEPS = 200
PAIRS = 200  # of one class, for its SSIM


class Set(NamedTuple):
    """Some pictures with the class each should show."""

    pictures: np.ndarray
    y: np.ndarray
    log_p: float
    frozen: int
    seconds: float


def main() -> None:
    """One table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=["digits", "captions", "sweep"])
    words.add_argument("run", type=Path)
    words.add_argument("--test", help="pictures that the run has never seen, for the scorer's accuracy")
    words.add_argument("--seeds", type=int, nargs="+", default=list(range(5)), help="of batches of 20 chains a class")
    words.add_argument("--start", default="noise", choices=["noise", "codes"])
    words.add_argument("--variants", nargs="+", default=list(VARIANTS))
    words.add_argument("--mode", default="paper", choices=["paper", "released"])
    words.add_argument("--absent", type=int, default=5, help="of the captions, how many are compositions that were left out of training")
    words.add_argument("--threads", type=int, default=2)
    options = words.parse_args()
    run = Run.open(options.run, write=False, data=options.what != "sweep")
    torch.set_num_threads(options.threads)
    parts = run.algorithm.parts(run.state)
    print(f"{options.run.name}: {run.folder.record['data']['title']}, step {run.state.step:,}, parts {dict(parts.trained)}")
    {"digits": digits, "captions": captions, "sweep": sweep}[options.what](run, parts, options)


# --- digits -------------------------------------------------------------------------------------------------------


def walked(parts: Any, name: str, options: argparse.Namespace, change: dict[str, Any] | None = None, steps: int = STEPS) -> Set:
    """20 chains of every class for every seed, stepped to the end."""
    head = next(iter(parts.heads))
    classes = [c for c in parts.heads[head] for _ in range(20)]
    found, started = [], time.perf_counter()
    for seed in options.seeds:
        chains = Chains(
            parts,
            name,
            [[f"{head}={c}"] for c in classes],
            {"mode": options.mode} | (change or {}),
            chains=len(classes),
            seed=seed,
            start=options.start,
        )
        chains.step(steps)
        found.append((chains.pictures(), chains.frozen, chains.log_p()))
    pictures, frozen, log_p = (np.concatenate(v) for v in zip(*found, strict=True))
    y = np.tile(np.repeat(np.arange(len(parts.heads[head])), 20), len(options.seeds))
    y = np.where(frozen, -1, y)  # agrees with no class
    return Set(pictures, y, float(log_p.mean()), int(frozen.sum()), time.perf_counter() - started)


@torch.no_grad()
def agreement(parts: Any, pictures: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n,) bool."""
    head, out = next(iter(parts.heads)), []
    for chunk in np.array_split(pictures, max(1, len(pictures) // 500)):
        x = from_pictures(chunk, parts.device)
        out.append(parts.scorer_logits(x)[head].argmax(1).cpu().numpy())
    return np.concatenate(out) == y


def alike(pictures: np.ndarray, y: np.ndarray) -> float:
    """Mean SSIM of random pairs of one class, over the classes: high where a class always looks the same."""
    rng, found = np.random.default_rng(0), []
    for c in np.unique(y[y >= 0]):
        rows = np.flatnonzero(y == c)
        a, b = rng.choice(rows, PAIRS), rng.choice(rows, PAIRS)
        a, b = a[a != b], b[a != b]
        x = torch.from_numpy(pictures[..., :1].transpose(0, 3, 1, 2).astype(np.float32))
        found.append(float(pyramid.ssim(x[a], x[b]).mean()))
    return float(np.mean(found))


def digits(run: Run, parts: Any, options: argparse.Namespace) -> None:
    """The table over the variants, and its controls."""
    data, head = run.data, next(iter(parts.heads))
    net = image.whole(judges.prepare(data))
    n = 20 * len(parts.heads[head]) * len(options.seeds)
    rng = np.random.default_rng(0)
    held = rng.permutation(data.held_out)
    real, again = data.pictures(held[:n]), data.pictures(data.train[rng.permutation(len(data.train))[:n]])
    reference = net.features(again)
    told_of = f"seeds {options.seeds}, {STEPS} steps, mode {options.mode}, starts: {options.start}"
    print(f"n = {n} a row ({told_of}); FD on {net.doc}")
    print(f"{'':<28}{'agree':>7}{'worst':>7}{'log p':>8}{'SSIM':>7}{'FD':>8}{'near':>7}{'gone':>6}{'s':>6}")

    def told(title: str, s: Set) -> None:
        right = agreement(parts, s.pictures, s.y)
        each = [right[s.y == c].mean() if (s.y == c).any() else 0.0 for c in range(len(parts.heads[head]))]
        try:
            far = f"{image.frechet(net.features(s.pictures), reference):8.2f}"
        except BadInput:
            far = "    none"
        near = data.nearest(s.pictures)[1].mean()
        same = alike(s.pictures, s.y)
        print(f"{title:<28}{right.mean():7.3f}{min(each):7.2f}{s.log_p:8.2f}{same:7.3f}{far}{near:7.1f}{s.frozen:6d}{s.seconds:6.0f}", flush=True)

    labels = data.columns[:, 0]
    told("real, held out", Set(real, labels[held[:n]], float("nan"), 0, 0.0))
    if options.test:
        test = open_images(options.test, size=parts.size, channels=parts.channels)
        y = next(iter(test.labels.values()))
        right = agreement(parts, test.pictures(np.arange(len(y))), y)
        print(f"{'scorer on unseen pictures':<28}{right.mean():7.4f}   n = {len(y)}")
    with torch.no_grad():
        x = from_pictures(real, parts.device)
        made = torch.cat([parts.G(parts.E_features(chunk)[1]) for chunk in x.split(500)])
    told("G(E(x)) of them", Set(to_pictures(made), labels[held[:n]], float("nan"), 0, 0.0))
    told("noiseless-joint, step 0", walked(parts, "noiseless-joint", options, steps=0))
    told("noiseless-joint, ε2 = 0", walked(parts, "noiseless-joint", options, {"epsilon2": 0}))
    for name in options.variants:
        told(name, walked(parts, name, options))


# --- captions -----------------------------------------------------------------------------------------------------


def compositions(without: list[dict[str, str]], count: int, seed: int = 0) -> list[tuple[str, dict[str, str], bool]]:
    """Captions with two or three attributes, drawn by seed: (sentence, what it says, whether training had no such picture); `without` come first."""
    rng = np.random.default_rng(seed)
    made = [(sentence(d), d, True) for d in without]
    pools = ["hair colour", "mouth", "beard", "glasses", "hat", "earrings"]  # no freckles: at 32 px they are smaller than a pixel
    while len(made) < count:
        chosen = sorted(rng.choice(len(pools), int(rng.integers(1, 4)), replace=False))
        d: dict[str, str] = {}
        for i in chosen:
            a = pools[i]
            values = [v for v in faces.ATTRIBUTES[a] if v not in ("none", "neutral")]
            d[a] = str(rng.choice(values))
            if a == "hat":
                d["hat colour"] = str(rng.choice(faces.ATTRIBUTES["hat colour"]))
            if a == "beard":
                d["hair colour"] = str(rng.choice(faces.ATTRIBUTES["hair colour"]))
            if a == "hair colour" and rng.random() < 0.7:
                d["hair"] = str(rng.choice(["short", "fringe", "long", "curly", "pigtails", "bun", "mohawk"]))
        if d.get("hat") and d.get("hair") in ("bun", "mohawk"):
            continue  # a hat hides them
        if 2 <= len(d) <= 3 and all(d != e for _, e, _ in made):
            made.append((sentence(d), d, False))
    return made


def sentence(d: dict[str, str]) -> str:
    """As the captions of the faces are worded."""
    hair = {"short": "short {} hair", "fringe": "a {} bob", "long": "long {} hair", "curly": "curly {} hair", "bun": "{} hair in a bun"}
    hair |= {"pigtails": "{} pigtails", "mohawk": "a {} mohawk"}
    things = []
    if "hair" in d:
        things.append(hair[d["hair"]].format(d["hair colour"]))
    elif "hair colour" in d and "beard" not in d:
        things.append(f"{d['hair colour']} hair")
    if "beard" in d:
        things.append(("a full {} beard" if d["beard"] == "full" else f"a {{}} {d['beard']}").format(d["hair colour"]))
    if "glasses" in d:
        things.append("sunglasses" if d["glasses"] == "sunglasses" else f"{d['glasses']} glasses")
    if "earrings" in d:
        things.append({"studs": "gold ear studs", "hoops": "gold hoop earrings"}[d["earrings"]])
    if "hat" in d:
        things.append(f"a {d['hat colour']} {d['hat']}")
    person = f"a {d['mouth']} person" if "mouth" in d else "a person"
    if not things:
        return person
    return f"{person} with {' and '.join([', '.join(things[:-1]), things[-1]] if things[1:] else things)}"


def left_out(run: Run) -> list[dict[str, str]]:
    """The compositions that the run's config kept from training."""
    text = run.config.model_dump().get("without", "")
    return [dict(tuple(p.strip() for p in pair.split("=")) for pair in one.split("&")) for one in text.split(";") if one.strip()]


def captions(run: Run, parts: Any, options: argparse.Namespace) -> None:
    """Twenty captions, 32 chains each, beside the same chains without a pull."""
    labels, held = run.data.columns, run.data.held_out
    heads = list(parts.heads)
    x = from_pictures(run.data.pictures(held), parts.device)
    with torch.no_grad():
        seen = {a: v.argmax(1).cpu().numpy() for a, v in parts.scorer_logits(x).items()}
    right = {a: float((seen[a] == labels[held, i]).mean()) for i, a in enumerate(heads)}
    used = {"hair", "hair colour", "mouth", "beard", "glasses", "hat", "hat colour", "earrings"} & right.keys()
    print(
        f"scorer on {len(held)} held-out faces: {np.mean(list(right.values())):.3f} over all attributes; "
        + ", ".join(f"{a} {right[a]:.3f}" for a in sorted(used))
    )
    print(f"32 chains a caption, {STEPS} steps, seed 0, {options.start}; share with ALL named attributes right, as the scorer sees them\n")
    print(f"{'':>6}{'ε2 = 0':>8}   log p  caption (* : such pictures were left out of training)")
    shares, chance, missing = [], [], []
    columns = {a: labels[run.data.train, i] for i, a in enumerate(heads)}
    for text, said, absent in compositions(left_out(run)[: options.absent], 20):
        count = int(np.logical_and.reduce([columns[a] == list(parts.heads[a]).index(v) for a, v in said.items()]).sum())
        assert not absent or count == 0, (text, count)
        found = []
        for change in ({}, {"epsilon2": 0}):
            chains = Chains(parts, "noiseless-joint", [f"caption:{text}"], {"mode": options.mode} | change, chains=32, seed=0, start=options.start)
            chains.step(STEPS)
            found.append((chains.agreement(), float(chains.log_p().mean())))
        shares.append(found[0][0])
        chance.append(found[1][0])
        missing.append(absent)
        print(f"{found[0][0]:6.2f}{found[1][0]:8.2f}{found[0][1]:8.2f}  {text}{' *' if absent else f'  ({count} in training)'}", flush=True)
    new = np.array(missing)
    print(
        f"\nmean {np.mean(shares):.3f}, worst {min(shares):.2f}; ε2 = 0: {np.mean(chance):.3f}; compositions left out of training: "
        f"{np.mean(np.array(shares)[new]) if new.any() else float('nan'):.3f} (n = {new.sum()})"
    )


# --- sweep --------------------------------------------------------------------------------------------------------


def sweep(run: Run, parts: Any, options: argparse.Namespace) -> None:
    """What each ε does, five values a decade apart, 64 chains."""
    del run
    head = next(iter(parts.heads))
    classes = list(parts.heads[head])
    one = Chains(parts, "noiseless-joint", [f"{head}={classes[0]}"], chains=1, start="codes").pictures()[0]
    wishes = [[f"{head}={classes[i % len(classes)]}"] for i in range(64)]
    for mode, values in (
        ("paper", {"epsilon1": 1e-4, "epsilon2": 1e-2, "epsilon3": 1e-4}),
        ("released", {"epsilon1": 1e-6, "epsilon2": 1e-2, "epsilon3": 1e-6}),
    ):
        print(f"\nmode {mode}, noiseless-joint, 64 chains over {len(classes)} classes, {STEPS} steps, seed 0; last frame")
        print(f"{'':<12}{'value':>8}{'gap':>10}{'log p':>10}{'agree':>8}{'SSIM':>8}")
        trials = [(name, low, options.start, "") for name, low in values.items()]
        trials.append(("epsilon3", values["epsilon3"], one, " *"))  # what noise alone sets apart: all chains begin at one picture
        for name, low, start, mark in trials:
            for k in range(5):
                value = low * 10**k
                chains = Chains(parts, "noiseless-joint", wishes, {"mode": mode, name: value}, chains=64, seed=0, start=start)
                chains.step(STEPS)
                gap, log_p, share = np.nanmean(chains.trace(1)["gap"]), chains.log_p().mean(), chains.agreement()
                same = alike(chains.pictures(), np.array([i % len(classes) for i in range(64)]))
                print(f"{name + mark:<12}{value:8.0e}{gap:10.4f}{log_p:10.4f}{share:8.2f}{same:8.3f}", flush=True)
    print("\n* all chains begin at the same picture, so that noise alone sets the chains of one class apart")


if __name__ == "__main__":
    main()
