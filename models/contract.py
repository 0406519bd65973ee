"""What the rest of the house may expect of a paper's file, and the few values that cross its border.

An *algorithm* is a module of `models/algorithms` with the names of `Algorithm` below. Everything that changes while it
trains is inside its State; everything it wants to show is an Info (numbers, every step) or a View (pictures and words, when asked).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from models.knobs import Config, Knobs

# --- what is shown ----------------------------------------------------------------------------------------------

Role = Literal["real", "generated", "controller", "measure", "judge", "baseline"]  # fixes colour and dash, see the theme


@dataclass(frozen=True)
class Curve:
    """One line of a plot: a field of Info."""

    field: str
    label: str  # as the paper prints it
    role: Role


@dataclass(frozen=True)
class Plot:
    """Curves that share axes."""

    title: str
    curves: tuple[Curve, ...]
    doc: str = ""  # one sentence: what to look for


@dataclass(frozen=True)
class View:
    """An answer to a page: plain arrays and words, picklable."""

    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n, H, W, C) uint8, C is 1 or 3
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n,) float
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Score(NamedTuple):
    """One number of an evaluation; its _asdict() is JSON."""

    value: float | None  # None where it was refused; `doc` then says why
    n: int  # samples it was computed from
    reference: float | None  # what real pictures get, or what it should be
    direction: Literal["lower", "higher", "target", ""]  # what is better
    label: str  # for people
    doc: str  # one sentence: what it tells, on which features, against what
    spread: float | None = None  # standard deviation, where it is known


class Progress(NamedTuple):
    """A part of an evaluation is done."""

    done: int
    total: int
    scores: Mapping[str, Score] = {}  # empty until the last part
    doing: str = "measuring"  # what a person reads meanwhile


# --- what is asked ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetKnobs:
    """Change some knobs, from the next step on."""

    change: Mapping[str, Any]


@dataclass(frozen=True)
class NextPhase:
    """Leave the present phase now."""


@dataclass(frozen=True)
class GoToPhase:
    """Enter a phase by name, one that was left or is still to come; it begins with its whole length."""

    name: str


@dataclass(frozen=True)
class Lengthen:
    """The present phase becomes longer by some steps."""

    steps: int


@dataclass(frozen=True)
class Note:
    """Write a line into the journal; `more` is JSON that belongs to it."""

    text: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Save:
    """Write a checkpoint now; a pinned one is never thinned out."""

    pin: bool = False


@dataclass(frozen=True)
class Stop:
    """Save, and end the generator."""


Command = SetKnobs | NextPhase | GoToPhase | Lengthen | Note | Save | Stop


# --- how a run is made ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Phase:
    """A named stretch of training. `steps` is its length in calls of step()."""

    name: str
    steps: int


@dataclass(frozen=True)
class Preset:
    """A named starting point: settings that differ from the defaults, and the phases."""

    name: str
    doc: str  # one sentence
    phases: tuple[Phase, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    knobs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Calls of step() over all phases."""
        return sum(p.steps for p in self.phases)


@dataclass(frozen=True)
class Plan:
    """How a run computes: fixed when the run is made by a rule on the device's features, written down, and reused by resume and verify."""

    device: str  # "cpu", "cuda", "mps"
    threads: int  # intra-op threads of torch
    precision: Literal["float32", "bfloat16"]  # of the convolutions; losses and states stay float32
    channels_last: bool
    compile: Literal["off", "default", "reduce-overhead"]  # reduce-overhead uses CUDA graphs where there are any


@dataclass(frozen=True)
class Event:
    """A decision taken between two steps, for the journal."""

    what: str  # a short tag, for example "lr"
    text: str


class Batches(Protocol):
    """A data set as training sees it. Batch t is a function of (seed, t) alone."""

    id: str  # 16 hex digits over the decoded content
    spec: str  # what --data was given
    title: str  # for people: "faces", "lfwcrop (1,800 pictures)"

    def batch(self, seed: int, t: int, n: int) -> Tensor: ...


class DataSource(Protocol):
    """Opens a data set at a picture size, telling `progress(done, total)` when that takes long."""

    def __call__(self, spec: str, *, size: int, progress: Callable[[int, int], None] | None = None) -> Batches: ...


class State(Protocol):
    """All that changes. A dataclass whose fields are modules, optimisers, torch.Generators, tensors and plain numbers or
    strings; `models.checkpoint` saves exactly these. It has at least the two counters below."""

    step: int  # calls of step() so far, over all phases
    phase: int  # index into the phases


class Algorithm(Protocol):
    """A paper's file. Modules implement it: type checkers accept that.

    It may also have: `fitted(config, data) -> config`, the settings with what is known of the data, and FOUND, the names of those that nobody
    sets; `prepare(state, data)`, what a fresh State takes over from them; `predicted_seconds(config, plan, preset)`;
    `work(config, knobs) -> {phase: GFLOP of a step}`. One whose samples are of the kind of its data has `writes(config)`, which decides instead of
    WRITES; TAKES = "any" says that it reads pictures, text and toys, FIRST_DATA which source a new run begins with, PRESET_DATA (preset -> source)
    what its presets are meant for, and QUALITY ("pictures", "text" -> plots) what is drawn of its evaluations.
    """

    NAME: str  # on the command line: "began"
    TITLE: str  # in the window: "BEGAN"
    PAPER: str  # authors, year, title, arXiv id
    WRITES: Literal["pictures", "text"]  # what its samples are
    BETWEEN: int  # between() is called each time this many steps are done
    PRESETS: Mapping[str, Preset]  # the first one is the default
    PLOTS: tuple[Plot, ...]
    Config: type[Config]
    Knobs: type[Knobs]
    Info: type[NamedTuple]  # 0-d detached tensors; None where a phase has no such value
    views: Mapping[str, Callable[..., View]]  # name -> f(state, data, knobs, **arguments)

    @staticmethod
    def open_data(spec: str, config: Any, progress: Callable[[int, int], None] | None = None) -> Any: ...

    @staticmethod
    def init(config: Any, seed: int, plan: Plan) -> Any: ...

    @staticmethod
    def batches(data: Any, config: Any, seed: int, start: int) -> Iterator[Tensor]: ...

    @staticmethod
    def step(state: Any, batch: Tensor, knobs: Any) -> Any: ...

    @staticmethod
    def between(state: Any, recent: Mapping[str, np.ndarray], knobs: Any) -> list[Event]: ...

    @staticmethod
    def sample(state: Any, n: int, seed: int, **options: Any) -> View: ...

    @staticmethod
    def cost(config: Any) -> float: ...

    @staticmethod
    def evaluate(state: Any, data: Any, knobs: Any, *, n: int, seed: int, rows: np.ndarray | None = None) -> Iterator[Progress]:
        """The system's own metrics. The first next() takes what it needs of the State, later ones compute slices of some 100 ms.

        `rows` (steps, columns of Info) are the run's numbers so far. Touches neither the State nor any generator of it.
        """
        ...


class Kernel(Protocol):
    """A sampler: pure, chain axis first, each chain its own random stream."""

    @staticmethod
    def step(state: Any, target: Any, knobs: Any, generator: Any) -> tuple[Any, Any]: ...
