"""What a BGAN is given: pictures of few values, rows of characters, or draws of a toy, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models import knobs as settings
from models.algorithms.bgan.described import Config
from models.data.discrete import DiscreteSet, open_discrete
from models.data.images import ImageSet
from models.data.sentences import fitted as fitted_text
from models.data.sentences import read
from models.data.sources import kind as kind_of
from models.data.text import TextSet
from models.data.toys import ToySet, open_toy
from models.errors import BadInput

PICTURES = ("binary", "palette", "continuous")


def writes(config: Config) -> Literal["pictures", "text"]:
    """What samples of a run with these settings are."""
    return "pictures" if config.kind in PICTURES else "text"


def open_data(spec: str, config: Config, progress: Callable[[int, int], None] | None = None) -> ImageSet | TextSet:
    """Pictures with pixels as the settings say, rows of characters, or a toy."""
    kind = kind_of(spec)
    if spec == "oracle" or (kind == "text" and spec.endswith(".npz")):
        raise BadInput("An oracle's tokens are numbers that stand for nothing: BGAN takes pictures, a text file, grammar or a toy.")
    if kind == "toy":
        return open_toy(spec)
    if kind == "text":
        return read(spec, config, progress)
    return open_discrete(spec, size=config.size, pixels=config.pixels, colours=config.colours, progress=progress)


def fitted(config: Config, data: ImageSet | TextSet) -> Config:
    """The settings with what is known of the data."""
    if isinstance(data, ToySet):
        return settings.changed(config, {"kind": "toy", "V": data.V})
    if isinstance(data, TextSet):
        return settings.changed(fitted_text(config, data), {"kind": "text", "V": data.V})
    if isinstance(data, DiscreteSet) and data.palette is not None:
        return settings.changed(config, {"kind": "palette", "V": len(data.palette)})
    kind = "binary" if isinstance(data, DiscreteSet) else "continuous"
    return settings.changed(config, {"kind": kind, "V": data.channels})


def shape(config: Config) -> tuple[int, ...]:
    """Places of a sample: pixels, characters, or none of a toy, which is one value."""
    return (config.size, config.size) if config.kind in PICTURES else (config.T,) if config.kind == "text" else ()


def batches(data: ImageSet | TextSet, config: Config, seed: int, start: int) -> Iterator[Tensor]:
    """Batches from the `start`-th on, a function of (seed, t) alone: values (batch, places) int64, or (batch, C, H, W) uint8 if continuous."""
    t = start
    while True:
        yield (
            real_values(data, config, data.order(seed, t * config.batch, config.batch))
            if isinstance(data, DiscreteSet)
            else data.batch(seed, t, config.batch)
        )
        t += 1


def real_values(data: ImageSet | TextSet, config: Config, rows: np.ndarray) -> Tensor:
    """Some of the data as `batches` gives them."""
    if isinstance(data, DiscreteSet):
        return torch.from_numpy(data.codes(rows).reshape(len(rows), -1).astype(np.int64))
    if isinstance(data, TextSet):
        return torch.from_numpy(data.rows(rows))
    return torch.from_numpy(np.ascontiguousarray(data.pictures(rows).transpose(0, 3, 1, 2)))
