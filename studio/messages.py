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


@dataclass(frozen=True)
class Export:
    """Write the present step with one exporter."""

    name: str
    path: Path
    seed: int = 0
    count: int = 64
    ema: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


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
