"""The one list: names to papers. Lazy, so that naming a system imports neither torch nor its file."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

from models.errors import BadInput

ALGORITHMS = {
    "began": "models.algorithms.began",
    "ppgn": "models.algorithms.ppgn",
    "seqgan": "models.algorithms.seqgan",
    "maskgan": "models.algorithms.maskgan",
    "bgan": "models.algorithms.bgan",
}
KERNELS = {"metropolis": "models.samplers.metropolis", "mala": "models.samplers.mala", "mala-approx": "models.samplers.mala_approx"}
TARGETS = ("normal", "correlated", "ill-conditioned", "ring", "banana", "funnel", "donut", "twin")  # of the sampler lab


def algorithm(name: str) -> Any:
    """The module of a system (it implements `contract.Algorithm`); raises BadInput."""
    if name in ALGORITHMS:
        return importlib.import_module(ALGORITHMS[name])
    raise BadInput(f"There is no system called {name!r}; this version trains {', '.join(ALGORITHMS)}.")


def writes_of(algorithm: Any, config: Any = None) -> Literal["pictures", "text"]:
    """What a system's samples are, "pictures" or "text".

    Args:
        algorithm: its module.
        config: of a run, its Config or the recorded dict of it: it decides in a system that can do both (one with `writes(config)`).
    """
    if config is None or not hasattr(algorithm, "writes"):
        return getattr(algorithm, "WRITES", "pictures")
    if isinstance(config, Mapping):
        from models import knobs

        config = knobs.make(algorithm.Config, config)
    return algorithm.writes(config)


def kernel(name: str) -> Any:
    """The module of a sampler (it implements `contract.Kernel`); raises BadInput."""
    if name in KERNELS:
        return importlib.import_module(KERNELS[name])
    raise BadInput(f"There is no kernel called {name!r}; the lab has {', '.join(KERNELS)}.")


def target(spec: str) -> Any:
    """A density for the lab: a name of TARGETS, a file with a drawn one, or expr:TEXT; raises BadInput."""
    return importlib.import_module("models.samplers.targets").open_target(spec)
