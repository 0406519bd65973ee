"""The scalars of chains: a long table as CSV, and netCDF that ArviZ and xarray read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.errors import BadInput
from models.files import write_bytes
from studio import recipe as recipes
from studio.export import arrays
from studio.export.chaining import ChainsRecord


def write_csv(record: ChainsRecord, path: Path) -> Sequence[Path]:
    """A line for each chain and step, an empty place where a variant has no such term, and the recipe beside it; raises DiskTrouble."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["chain", "draw", *record.trace])
    values = np.stack(list(record.trace.values()), 2)  # (chains, steps, scalars)
    for chain, rows in enumerate(values.tolist()):
        writer.writerows([chain, t, *(f"{v:.9g}" if math.isfinite(v) else "" for v in row)] for t, row in enumerate(rows, 1))
    write_bytes(path, out.getvalue().encode())
    recipes.save_beside(path, recipes.make("chains-csv", record.recipe, seed=record.seed, steps=values.shape[1]))
    return [path, recipes.beside(path)]


def write_netcdf(record: ChainsRecord, path: Path) -> Sequence[Path]:
    """NetCDF classic: a float variable (chain, draw) for each scalar, the recipe as an attribute and beside the file.

    xarray.load_dataset(path) gives a Dataset that ArviZ takes as it is.

    Raises:
        DiskTrouble: it cannot be written.
        BadInput: the chains have not taken a step yet.
    """
    steps = next(iter(record.trace.values())).shape[1]
    if not steps:
        raise BadInput("Chains have no scalars before their first step: let them take one, or export a sheet.")
    recipe = recipes.make("chains-netcdf", record.recipe, seed=record.seed, steps=steps)
    attributes = {
        "title": record.title,
        "variant": record.variant,
        "conditions": json.dumps(record.conditions),
        "settings": " · ".join(record.facts()),
        "frozen": json.dumps(np.flatnonzero(record.frozen).tolist()),
        "recipe": recipes.ascii_of(recipe),
    }
    write_bytes(path, arrays.to_bytes(record.trace, record.docs, attributes))
    recipes.save_beside(path, recipe)
    return [path, recipes.beside(path)]
