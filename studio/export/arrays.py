"""NetCDF classic with the recipe in it: named arrays to bytes, and back. Small enough for a library that is here anyway (scipy)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

LARGEST = 2_000_000_000  # bytes of a file that is read


class Arrays(NamedTuple):
    """What a file holds, but for the recipe."""

    variables: Mapping[str, np.ndarray]
    dimensions: Mapping[str, int]
    attributes: Mapping[str, str]


def to_bytes(variables: Mapping[str, np.ndarray], docs: Mapping[str, str], attributes: Mapping[str, str]) -> bytes:
    """A file of float arrays (chain, draw); draws count from 1, as steps do."""
    from scipy.io import netcdf_file

    chains, steps = next(iter(variables.values())).shape
    buffer = io.BytesIO()
    with netcdf_file(buffer, "w", version=2) as file:
        for name, value in attributes.items():
            setattr(file, name, value.encode())
        for name, size in (("chain", chains), ("draw", steps)):
            file.createDimension(name, size)
            file.createVariable(name, "i4", (name,))[:] = np.arange(size, dtype=np.int32) + (name == "draw")
        for name, values in variables.items():
            variable = file.createVariable(name, "f4", ("chain", "draw"))
            variable[:] = values
            variable.long_name = docs.get(name, name).encode()
        file.flush()
        return buffer.getvalue()


def read(path: Path) -> Arrays:
    """Everything but the recipe; raises ValueError for a file that is damaged."""
    variables, dimensions, attributes = _read(path)
    attributes.pop("recipe", None)
    return Arrays(variables, dimensions, attributes)


def recipe_in(path: Path) -> str | None:
    """The recipe that a file carries; raises ValueError."""
    return _read(path)[2].get("recipe")


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, str]]:
    from scipy.io import netcdf_file

    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than 2 GB")
    try:
        with netcdf_file(io.BytesIO(path.read_bytes()), "r", mmap=False) as file:
            variables = {name: np.array(v[:]) for name, v in file.variables.items()}
            words = dict(file._attributes.items())
            for name, v in file.variables.items():
                words |= {f"{name}.{key}": value for key, value in v._attributes.items()}
            return variables, dict(file.dimensions), {k: v.decode("utf-8") if isinstance(v, bytes) else repr(v) for k, v in words.items()}
    except OSError:
        raise
    except Exception as error:  # the reader raises whatever the damage led it to
        raise ValueError(f"it is damaged ({type(error).__name__})") from None
