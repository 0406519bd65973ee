"""What PPGN's training shows of itself, and how good its parts are: views f(state, data, knobs, **request), and the evaluation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.algorithms.ppgn import CHUNK, LONGEST, Knobs, State, encode, generate, sample, statistics
from models.algorithms.ppgn.phases import relative
from models.contract import Progress, Score, View
from models.data.labelled import LabelledSet, spoken
from models.evaluation import Own, image_scores
from models.nets.captioner import END
from models.nets.pixels import autocast, to_model


def _prepared(state: State, data: LabelledSet, rows: np.ndarray) -> Tensor:
    """Pictures by index as the nets take them."""
    return to_model(state.plan, torch.from_numpy(data.pictures(rows)).permute(0, 3, 1, 2))


def _heads(logits: Tensor, data: LabelledSet) -> list[Tensor]:
    sizes = [len(v) for v in data.heads.values()]
    return list(logits.float()[:, : sum(sizes)].split(sizes, 1))


@torch.no_grad()
def _answers(state: State, data: LabelledSet, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The class that C and the scorer see in each picture, (n, heads) each."""
    with autocast(state.plan):
        both = state.E.logits(state.E(x)[1]), state.scorer(x)
    ours, theirs = (torch.stack([part.argmax(1) for part in _heads(logits, data)], 1).cpu().numpy() for logits in both)
    return ours, theirs


# --- views --------------------------------------------------------------------------------------------------------


def view_samples(state: State, data: LabelledSet | None, knobs: Knobs, *, n: int, seed: int) -> View:
    """`samples`: G(h) of codes near those of training pictures."""
    del data, knobs
    return sample(state, n, seed)


def view_reconstruction(state: State, data: LabelledSet, knobs: Knobs, *, n: int) -> View:
    """`real` held-out pictures, `G`: G(E(x)), `joint`: that of Joint PPGN-h, and the root-mean-square `error` of G(E(x)) in grey levels."""
    del knobs
    rows = data.held_out[:n]
    real = data.pictures(rows)
    h = encode(state, _prepared(state, data, rows))[1].cpu() if len(rows) else torch.empty(0, state.config.h)
    G, J = (generate(state, net, h) for net in (state.G, state.J))
    error = np.sqrt(np.square(real.astype(np.float32) - G).reshape(len(rows), -1).mean(1)) if len(rows) else np.empty(0)
    return View({"real": real, "G": G} | ({"joint": J} if state.trained["joint"] else {}), {"error": error})


def view_classes(state: State, data: LabelledSet, knobs: Knobs, *, n: int) -> View:
    """Shares of held-out pictures judged right, one number a head: `C`, `scorer`, and `chance`, of always the same answer; `heads` names them."""
    del knobs
    rows = data.held_out[:n]
    names = {"heads": list(data.heads)}
    if not len(rows):
        return View(words=names)
    found = [_answers(state, data, _prepared(state, data, part)) for part in np.split(rows, range(CHUNK, len(rows), CHUNK))]
    ours, theirs = (np.concatenate(side) for side in zip(*found, strict=True))
    truth = data.columns[rows]
    return View({}, {"C": (ours == truth).mean(0), "scorer": (theirs == truth).mean(0), "chance": _chance(truth)}, names)


def _chance(truth: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(column).max() / len(column) for column in truth.T])


def view_captions(state: State, data: LabelledSet, knobs: Knobs, *, n: int) -> View:
    """`real` held-out pictures, what the captioner says of them (`captions`) and what is said in the data (`truth`), with `log_p` of both."""
    del knobs
    rows = data.held_out[:n]
    real = data.pictures(rows)
    if not state.words or not len(rows):
        return View({"real": real}, {}, {"captions": [], "truth": []})
    h = encode(state, _prepared(state, data, rows))[1]
    said = state.captioner.greedy(h, len(state.words), LONGEST)
    truth = torch.from_numpy(data.tokens[rows]).to(h.device)
    with torch.no_grad():
        log_p = [state.captioner(h, tokens, len(state.words)).sum(1).cpu().numpy() for tokens in (said, truth)]
    words = {"captions": [spoken(t, state.words) for t in said.tolist()], "truth": [data.sentence(int(i)) for i in rows]}
    return View({"real": real}, {"log_p": log_p[0], "log_p_truth": log_p[1]}, words)


def view_detail(state: State, data: LabelledSet, knobs: Knobs, *, seed: int, index: int) -> View:
    """One sample large, the `nearest` training picture, G(E(sample)) as `again`; what C and the scorer see, in words."""
    del knobs
    chosen = sample(state, index + 1, seed).pictures["samples"][-1:]
    where, distance = data.nearest(chosen)
    x = to_model(state.plan, torch.from_numpy(chosen).permute(0, 3, 1, 2))
    again = generate(state, state.G, encode(state, x)[1].cpu())
    ours, theirs = _answers(state, data, x)
    named = lambda row: [f"{a}: {values[int(i)]}" for (a, values), i in zip(data.heads.items(), row, strict=True)]  # noqa: E731
    words = {"nearest": [data.names[int(where[0])]], "C": named(ours[0]), "scorer": named(theirs[0])}
    return View({"sample": chosen, "nearest": data.pictures(where), "again": again}, {"distance": distance}, words)


views: dict[str, Callable[..., Any]] = {
    "samples": view_samples,
    "reconstruction": view_reconstruction,
    "classes": view_classes,
    "captions": view_captions,
    "detail": view_detail,
}


# --- how good it is -----------------------------------------------------------------------------------------------

NETS = ("E", "scorer", "G", "J", "R_x", "R_h", "captioner")


def evaluate(state: State, data: LabelledSet, knobs: Knobs, *, n: int, seed: int, rows: np.ndarray | None = None) -> Iterator[Progress]:
    """The parts on held-out pictures, and the measures of `models.evaluation` on G(E(x)) of n pictures, held-out ones first.

    The first next() copies the nets; after it the State may change. These pictures are an upper bound for the chains: G can do no better than on
    real codes.
    """
    del rows
    copies: dict[str, Any] = {name: copy.deepcopy(getattr(state, name)) for name in NETS}
    copies |= {"codes": state.codes.clone(), "trained": dict(state.trained), "words": list(state.words)}
    frozen = replace(state, **copies)
    chosen = np.resize(np.concatenate([data.held_out, data.order(seed, 0, len(data.train))]), n)

    def draw(start: int, stop: int) -> np.ndarray:
        return generate(frozen, frozen.G, encode(frozen, _prepared(frozen, data, chosen[start:stop]))[1].cpu())

    yield from image_scores(draw, data, _own_scores(frozen, data, knobs, n), n=n, seed=seed)


@torch.no_grad()
def _measured(state: State, data: LabelledSet, rows: np.ndarray, knobs: Knobs) -> dict[str, np.ndarray]:
    """What the parts make of some pictures: name -> (n,), right answers averaged over the heads."""
    x, truth = _prepared(state, data, rows), data.columns[rows]
    h1, h = encode(state, x)
    ours, theirs = _answers(state, data, x)
    with autocast(state.plan):
        made = state.G(h).float()
    again1, again = encode(state, made.clamp(-1, 1))
    found = {
        "C": (ours == truth).mean(1),
        "scorer": (theirs == truth).mean(1),
        "agreement": (_answers(state, data, made.clamp(-1, 1))[1] == truth).mean(1),
        "L_img": (made - x).square().mean((1, 2, 3)),
        "L_h1": torch.stack([relative(a, b) for a, b in zip(again1, h1, strict=True)]),
        "R_joint": _far(again, h),
    }
    mean, sd, _ = statistics(state)
    found["R_h"] = _far(state.R_h(h, mean, sd.clamp(min=1e-3 * sd.max() + 1e-6)), h)
    noisy = x + knobs.sigma_x * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    with autocast(state.plan):
        found["R_x"] = (state.R_x(noisy).float() - x).square().mean((1, 2, 3))
    if state.words:
        tokens = torch.from_numpy(data.tokens[rows]).to(h.device)
        found["nats"] = -state.captioner(h, tokens, len(state.words)).sum(1) / (1 + (tokens != END).sum(1))
    return {k: v.cpu().numpy() if isinstance(v, Tensor) else v for k, v in found.items()}


def _far(found: Tensor, wanted: Tensor) -> Tensor:
    """‖found − wanted‖ / ‖wanted‖ of each row."""
    return (found - wanted).norm(dim=1) / wanted.norm(dim=1).clamp(min=1e-6)


_OWN: dict[str, tuple[str, str, Any, str]] = {  # name -> phase, label, direction, what it is
    "C": ("encoder", "C right", "higher", "Share of right answers of C, mean over the attributes"),
    "scorer": ("scorer", "Scorer right", "higher", "Share of right answers of the independent classifier, mean over the attributes"),
    "agreement": ("generator", "Scorer right on G(E(x))", "higher", "Share of G(E(x)) in which the independent classifier sees the classes of x"),
    "L_img": ("generator", "L_img", "lower", "Mean squared error of G(E(x)), pixels in [−1, 1]"),
    "L_h1": ("generator", "L_h1", "lower", "Squared error of h1 of G(E(x)) over the mean square of h1"),
    "R_joint": ("generator", "‖E(G(h)) − h‖", "lower", "Distance of E(G(h)) from h over the norm of h, on codes of pictures"),
    "R_h": ("dae-h", "‖R_h(h) − h‖", "lower", "Distance of R_h(h) from h over the norm of h, on codes of pictures"),
    "R_x": ("dae-x", "R_x error", "lower", "Mean squared error of R_x on pictures with its noise; without R_x it would be the noise's variance"),
    "nats": ("captioner", "−log p a word", "lower", "Nats a word of the pictures' captions, their end included"),
}


def _own_scores(state: State, data: LabelledSet, knobs: Knobs, n: int) -> Own:
    """Every part on at most n held-out pictures, beside as many training pictures."""
    held = data.held_out[:n]
    seen, unseen = [], []
    for start in range(0, len(held), CHUNK):
        part = slice(start, min(start + CHUNK, len(held)))
        unseen.append(_measured(state, data, held[part], knobs))
        yield
        seen.append(_measured(state, data, data.order(0, start, part.stop - start), knobs))
        yield
    scores = {}
    for name, (phase, label, direction, doc) in _OWN.items():
        if not len(held):
            why = f"{data.title} holds out no pictures, so nothing that the nets have not seen can be measured: use more pictures."
        elif name == "nats" and not state.words:
            why = f"{data.title} has no captions, so there is no captioner."
        elif not state.trained[phase]:
            why = f"The phase {phase!r} has not begun."
        else:
            ours, theirs = (np.concatenate([part[name] for part in side]).astype(np.float64) for side in (unseen, seen))
            text = f"{doc}; held-out pictures, reference: of as many training pictures."
            scores[name] = Score(float(ours.mean()), len(ours), float(theirs.mean()), direction, label, text, float(ours.std()))
            continue
        scores[name] = Score(None, 0, None, direction, label, why)
    return scores
