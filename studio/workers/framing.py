"""What the window sees of a walk: plain numbers of one lane. Needs no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.messages import Arrow, Diagnosis, LaneFrame

if TYPE_CHECKING:
    from torch import Tensor

    from models.lab import Lab

HEADS, TRAILS, TRAIL = 512, 64, 10  # chains sent, chains sent with their way, and how much of it
BINS = 48  # of a marginal
LAGS = 48  # of the autocorrelation
_DRAWS = 50_000  # that a histogram counts
_TRACED, _CORRELATED, _LONG = 4, 32, 400  # chains of the trace and of the autocorrelation, and their draws


def lane_frame(lab: Lab, bounds: tuple[tuple[float, float], ...], since: int, chain: int, phase: int, detail: bool) -> LaneFrame:
    """Heads, trails, the watched chain's arrow; with `detail` every chain's proposal. In phases 1 and 2 the step is not yet taken."""
    axes, info = min(2, lab.target.d), lab.info
    n = min(HEADS, lab.chains)
    heads, path = lab.state.x[:n, :axes], lab.path(TRAIL, min(TRAILS, n), axes)
    if phase and info is not None:
        heads, path = info.start[:n, :axes], path[:, :-1]
    arrow = proposals = accepted = None
    if info is not None:
        start, drifted, proposal = (_plain(v[chain, :axes]) for v in (info.start, info.start + info.drift, info.proposal))
        arrow = Arrow(chain, start, drifted, proposal, None if info.accepted is None else bool(info.accepted[chain]))
        if detail:
            proposals = _plain(info.proposal[:n, :axes])
            accepted = None if info.accepted is None else info.accepted[:n].numpy().copy()
    return LaneFrame(lab.t, _plain(heads), _plain(path), proposals, accepted, arrow, histograms(lab, bounds, since))


def histograms(lab: Lab, bounds: tuple[tuple[float, float], ...], since: int) -> np.ndarray:
    """(axes, BINS): the density of the last draws over the bounds; of the start alone before any step."""
    axes = len(bounds)
    draws = min(lab.t - since, max(8, _DRAWS // lab.chains), _LONG)
    x = lab.path(max(0, draws - 1), lab.chains, axes).reshape(-1, axes).numpy()
    out = np.zeros((axes, BINS), np.float32)
    for k, (low, high) in enumerate(bounds):
        place = np.floor((x[:, k] - low) * (BINS / (high - low)))
        place = place[(place >= 0) & (place < BINS)].astype(np.intp)
        out[k] = np.bincount(place, minlength=BINS) / (max(1, len(x)) * (high - low) / BINS)
    return out


def diagnosis(lab: Lab, since: int, numbers: int) -> Diagnosis:
    """Numbers over the last draws after step `since`, about `numbers` of them times dimensions."""
    from models.metrics import chain

    most = max(16, numbers // (lab.chains * lab.target.d))
    summary = lab.summary(max(0, min(lab.t - since, most)))
    x = lab.path(min(max(0, lab.t - since), _LONG), _CORRELATED, 1)[..., 0].numpy().copy()
    correlation = chain.autocorrelation(x[:, 1:], LAGS) if x.shape[1] > 8 else np.empty(0)
    spent = max(0, lab.state.densities - 1) + max(0, lab.state.gradients - 1)
    return Diagnosis(summary, since, spent, correlation, x[:_TRACED], lab.t - x.shape[1] + 1)


def _plain(tensor: Tensor) -> np.ndarray:
    return tensor.numpy().astype(np.float32)
