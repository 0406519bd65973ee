"""What crosses between a worker and the window: plain, picklable values. Needs neither Qt nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

# --- to the worker ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """A View wanted by a panel; a newer Ask of the same panel replaces it."""

    panel: str
    view: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0  # grows; set by the session


@dataclass(frozen=True)
class NewRun:
    """Make a run, and open it."""

    system: str
    data: str
    preset: str
    config: Mapping[str, Any] = field(default_factory=dict)
    knobs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    compile: str = "off"
    tensorboard: bool = False  # also write TensorBoard's event files
    path: Path | None = None  # None: a free name in the studio's home


@dataclass(frozen=True)
class OldRun:
    """Open a run from disk."""

    path: Path
    device: str | None = None
    write: bool = True  # False only looks, for example to draw a page while another process trains
    step: int | None = None  # of a kept checkpoint to look at, without `write`; the newest if None
    kept: str | None = None  # the name of a checkpoint, which is preferred


@dataclass(frozen=True)
class Export:
    """Write the present step with one exporter."""

    name: str
    path: Path
    seed: int = 0
    count: int = 64
    ema: bool = True  # draw from the moving average of the weights, where the system has one
    options: Mapping[str, Any] = field(default_factory=dict)  # of sentences: temperature, top_k, nucleus, prompt, net
    reel: tuple[int, ...] = ()  # steps of its frames; () for all up to the present one
    rows: tuple[int, ...] | None = None  # of "keep": which samples; all if None
    desk: Mapping[str, Any] | None = None  # of fillings: the keyword arguments of `export.filled.desk_record`; `name` is then one of its exporters


@dataclass(frozen=True)
class Evaluate:
    """Measure the samples whenever so many steps are done; 0 steps never does."""

    every: int = 0
    samples: int = 1_000
    seed: int = 0


EVALUATION = "evaluation"  # the panel, and the view, of evaluations
OWN = 0  # number of a Reply that the worker began by itself

# --- from the worker --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A run is open, paused at `step`."""

    system: str
    name: str
    path: Path
    data: str  # for people
    data_spec: str
    config: Mapping[str, Any]
    knobs: Mapping[str, Any]
    phases: tuple[tuple[str, int], ...]
    phase: str
    step: int
    total: int
    device: str  # for people
    columns: tuple[str, ...]
    rows: np.ndarray  # (steps, columns) float32
    lines: tuple[dict[str, Any], ...]
    held_out: int  # pictures held out from training
    id: str = ""  # of the run, wherever it lies
    reading: bool = False  # it is only looked at, and cannot train
    newest: int = 0  # step of its last checkpoint
    parent: Mapping[str, Any] | None = None  # what it is a fork of


@dataclass(frozen=True)
class Progress:
    """What has happened since the last one."""

    step: int
    phase: str
    first: int  # step before the first of `rows`
    rows: np.ndarray  # (new steps, columns) float32
    rate: float | None  # steps a second
    left: float | None  # seconds to the goal
    memory: float | None  # MB of the process


@dataclass(frozen=True)
class Reply:
    """The answer to an Ask."""

    panel: str
    number: int
    step: int
    view: Any  # models.contract.View
    seconds: float  # it took
    last: bool = True  # False while a long view is still getting better


@dataclass(frozen=True)
class Trouble:
    """Something that a person must read."""

    sentence: str
    remedy: str = ""  # name of an action: "back", "retry", ""
    details: str = ""
    panel: str = ""  # that has asked for what did not work


# --- of the sampler lab -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walk:
    """Chains to be made: one lane a kernel, all on one target."""

    kernels: tuple[str, ...]
    target: str | np.ndarray  # what `catalog.target` takes, or (n, n) weights of a painting
    chains: int = 256
    seed: int = 0
    start: str | tuple[float, ...] = "auto"  # "auto": exact where there are exact draws, else wide
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # of each kernel; left out: what suits the target


@dataclass(frozen=True)
class Picture:
    """A density of the first one or two coordinates, to be drawn."""

    bounds: tuple[tuple[float, float], ...]
    density: np.ndarray  # (cells,) or (cells, cells) per unit length or area; axis k is coordinate k
    contours: tuple[np.ndarray, ...]  # for each share of the mass: (segments, 4) x0 y0 x1 y1
    marginals: tuple[np.ndarray, ...]  # for each axis (2, cells): places and density


@dataclass(frozen=True)
class Lane:
    """One kernel's walk."""

    kernel: str
    title: str
    best: float | None  # the acceptance at the best step; None where nothing is rejected
    described: tuple[Any, ...]  # models.knobs.Knob
    knobs: Mapping[str, float]
    cost: int  # evaluations a step


@dataclass(frozen=True)
class WalkOpened:
    """The chains stand at their start, or on a new target."""

    name: str  # of the target, as the command line takes it
    title: str
    d: int
    terms: tuple[str, ...]
    bounds: tuple[tuple[float, float], ...]
    start: str | tuple[float, ...]
    drawable: bool  # there are exact draws
    picture: Picture | None  # None where there is nothing to draw: a typed density in more than two dimensions
    lanes: tuple[Lane, ...]
    fresh: bool  # False: the same walk on a repainted target


@dataclass(frozen=True)
class Arrow:
    """The last step of the chain that is watched, in the first one or two coordinates."""

    chain: int
    start: np.ndarray
    drift: np.ndarray  # start + drift
    proposal: np.ndarray  # start + drift + noise
    accepted: bool | None  # None where nothing is ever rejected


@dataclass(frozen=True)
class LaneFrame:
    """Where the chains of one lane are; n are sent, m of them with their way."""

    step: int
    heads: np.ndarray  # (n, axes) float32
    trail: np.ndarray  # (m, draws, axes) float32, oldest first
    proposals: np.ndarray | None  # (n, axes) of the last step, where single steps are looked at
    accepted: np.ndarray | None  # (n,) bool, of the same
    arrow: Arrow | None
    histograms: np.ndarray  # (axes, bins) density of the last draws over the bounds


@dataclass(frozen=True)
class Frame:
    """All lanes at one moment."""

    lanes: tuple[LaneFrame, ...]
    phase: int  # 0: steps are complete; 1: only the drift is shown, 2: drift and noise
    rate: float | None  # steps a second of the first lane


@dataclass(frozen=True)
class Diagnosis:
    """Numbers of one lane over its last draws."""

    summary: Any  # models.lab.Summary, numpy and numbers only
    since: int  # the step from which on draws are counted: the last change by hand
    evaluations: int  # of one chain so far
    autocorrelation: np.ndarray  # (lags,) of coordinate 1
    trace: np.ndarray  # (a few chains, draws) of coordinate 1
    first: int  # step of the trace's first draw


@dataclass(frozen=True)
class Limit:
    """What a lane samples as its steps get small."""

    lane: int
    picture: Picture | None
    why: str  # where there is none
