"""Exporters: a label -> (extension, function), pure functions over a frozen Record. To add one, write the function and add a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Record:
    """What exporters write: plain values of one moment of a run."""

    title: str  # "BEGAN on faces"
    recipe: dict[str, Any]  # of models.run.Run.recipe
    pictures: np.ndarray | None = None  # (n, H, W, 3) uint8
    seed: int = 0  # of the pictures' latents
    ema: bool = True
    rows: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))  # (steps, columns)
    columns: tuple[str, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()  # knob changes and phases: step, text

    @property
    def step(self) -> int:
        """Steps of training when it was taken."""
        return int(self.recipe["step"])


@dataclass(frozen=True)
class Exporter:
    """One way to write a Record.

    `write(record, path, **options)` returns the files it made, whose first is what a person opens.
    """

    label: str
    extension: str  # with the dot; "" writes a folder
    pictures: bool  # needs record.pictures
    write: Callable[..., Sequence[Path]]


def exporters() -> dict[str, Exporter]:
    """All exporters by name, in the order of the menu."""
    from studio.export import curves, sheet

    return {
        "sheet": Exporter("Contact sheet (PNG)", ".png", True, sheet.write_sheet),
        "singles": Exporter("Single pictures (PNG)", "", True, sheet.write_singles),
        "curves": Exporter("Curves (CSV)", ".csv", False, curves.write_csv),
        "plots": Exporter("Plots (PNG)", ".png", False, curves.write_plots),
    }
