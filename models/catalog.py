"""The one list: names to papers. Lazy, so that naming a system imports neither torch nor its file."""

from __future__ import annotations

import importlib
from typing import Any

from models.errors import BadInput

ALGORITHMS = {"began": "models.algorithms.began", "ppgn": "models.algorithms.ppgn"}
PLANNED = ("bgan", "seqgan", "maskgan")


def algorithm(name: str) -> Any:
    """The module of a system (it implements `contract.Algorithm`); raises BadInput."""
    if name in ALGORITHMS:
        return importlib.import_module(ALGORITHMS[name])
    if name in PLANNED:
        raise BadInput(f"{name} is still to come; this version trains {', '.join(ALGORITHMS)}.")
    raise BadInput(f"There is no system called {name!r}; this version trains {', '.join(ALGORITHMS)}.")
