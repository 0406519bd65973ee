"""What crosses between the window and the thread that steps chains of the PPGN family: frozen, picklable, no tensor, no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FORCES = ("prior", "condition", "noise", "context")  # as in models.chains.SCALARS
Wishes = tuple[str, ...] | tuple[tuple[str, ...], ...]  # conditions of all chains, or of each


@dataclass(frozen=True)
class Knows:
    """What can be asked for: of the run's own networks, or of a plugged classifier."""

    heads: Mapping[str, tuple[str, ...]]
    words: tuple[str, ...] | None  # empty: no captioner; None: the network itself says what it does not know
    layers: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Member:
    """A variant, as this run can do it."""

    name: str
    title: str
    doc: str
    why_not: str  # the sentence where a part has not been trained; "" where it can be used
    has_prior: bool
    own: Mapping[str, Mapping[str, Any]]  # mode -> all knobs


@dataclass(frozen=True)
class Facts:
    """A run was opened."""

    path: Path
    title: str
    step: int
    size: int
    channels: int
    knows: Knows
    members: tuple[Member, ...]
    scorer: bool
    example: str  # a condition to begin with


@dataclass(frozen=True)
class ChainWish:
    """Chains to be made."""

    variant: str
    wishes: Wishes
    change: Mapping[str, Any] = field(default_factory=dict)  # knobs, mode included
    each: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # one value a chain
    chains: int = 16
    seed: int = 0
    start: str | np.ndarray = "noise"  # "noise", "codes", or a picture (size, size, channels) uint8
    hole: np.ndarray | None = None  # (size, size) bool: True where the chain paints


@dataclass(frozen=True)
class ChainsOpened:
    """They stand at their start."""

    wish: ChainWish
    knobs: Mapping[str, Any]
    terms: tuple[str, ...]


@dataclass(frozen=True)
class ChainsFrame:
    """All chains at one moment."""

    step: int
    back: int  # 0, or how many moments ago the frame is that is looked at
    pictures: np.ndarray  # (chains, size, size, channels) uint8
    frozen: np.ndarray  # (chains,) bool
    kept: int  # moments that can be gone back
    rate: float | None  # steps a second
    last: np.ndarray | None  # (chains, scalars) of the last step, in the order of models.chains.SCALARS


@dataclass(frozen=True)
class Traces:
    """Scalars step by step; of long walks, some steps."""

    steps: np.ndarray  # (k,)
    mean: np.ndarray  # (k, scalars) over the chains that are not frozen
    own: np.ndarray  # (k, scalars) of the selected chain
    judged: np.ndarray  # (j, 3): step, mean log p and the selected chain's, by the independent classifier


@dataclass(frozen=True)
class Share:
    """One class in the selected chain's picture."""

    name: str
    p: float  # by the condition network
    q: float | None  # by the independent classifier; None where it has no such class
    wanted: bool


@dataclass(frozen=True)
class Judged:
    """What networks say of the pictures."""

    chain: int
    step: int
    shares: tuple[Share, ...]
    caption: str  # the captioner's sentence on the selected chain; "" without one
    agreed: tuple[bool | None, ...]  # of each chain
    agreement: float | None


@dataclass(frozen=True)
class Strip:
    """Frames of one chain, the oldest first."""

    chain: int
    backs: tuple[int, ...]
    steps: tuple[int, ...]
    pictures: np.ndarray


@dataclass(frozen=True)
class Mixed:
    """How well chains mix, in one scalar; NaN where it cannot be said."""

    name: str
    rhat: float
    bulk: float
    tail: float


@dataclass(frozen=True)
class Mixing:
    """Over the second half of the steps."""

    rows: tuple[Mixed, ...]
    chains: int
    draws: int
    autocorrelation: np.ndarray  # (lags,) of the norm


@dataclass(frozen=True)
class Plugged:
    """The condition network is another one; name "" is the run's own C."""

    name: str
    knows: Knows
    wishes: Wishes  # what is asked for now


@dataclass(frozen=True)
class Tried:
    """The first test of the authors: does log p rise at all."""

    works: bool
    verdict: str
    remedy: str
