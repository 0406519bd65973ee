"""Exporters: a label -> (extension, function), pure functions over a frozen Record. To add one, write the function and add a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Record:
    """What exporters write: plain values of one moment of a run. Pictures are uint8 with three channels."""

    title: str  # "BEGAN on faces"
    recipe: dict[str, Any]  # of models.run.Run.recipe
    pictures: np.ndarray | None = None  # (n, H, W, 3)
    seed: int = 0  # of the pictures' latents
    ema: bool = True
    rows: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))  # (steps, columns)
    columns: tuple[str, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()  # knob changes and phases: step, text
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n,), a number for each picture
    loop: np.ndarray | None = None  # (frames, H, W, 3), a closed way through the first latents of `seed`
    latents: int = 0  # through how many the loop goes
    reel: Mapping[int, np.ndarray] = field(default_factory=dict)  # step -> (n, H, W, 3), the same latents over the training
    lines: tuple[Mapping[str, Any], ...] = ()  # of the journal
    about: Mapping[str, Any] = field(default_factory=dict)  # what the system and its settings are called, see `taking.about`

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
    needs: tuple[str, ...] = ()  # what else: "scores", "loop", "reel", "card"
    others: tuple[str, ...] = ()  # extensions that it writes as well


def exporters() -> dict[str, Exporter]:
    """All exporters by name, in the order of the menu."""
    from studio.export import animation, curves, gallery, report, sheet

    return {
        "sheet": Exporter("Contact sheet (PNG)", ".png", True, sheet.write_sheet),
        "singles": Exporter("Single pictures (PNG)", "", True, sheet.write_singles),
        "gallery": Exporter("Gallery (HTML)", ".html", True, gallery.write_gallery, needs=("scores", "reel")),
        "animation": Exporter("Loop through latents (WebP)", ".webp", False, animation.write_loop, needs=("loop",), others=(".gif", ".png", ".apng")),
        "reel": Exporter("Reel of the training (WebP)", ".webp", False, animation.write_reel, needs=("reel",), others=(".gif", ".png", ".apng")),
        "curves": Exporter("Curves (CSV)", ".csv", False, curves.write_csv),
        "plots": Exporter("Plots (PNG)", ".png", False, curves.write_plots),
        "svg": Exporter("Plots (SVG)", ".svg", False, curves.write_svg),
        "report": Exporter("Report (Markdown)", ".md", True, report.write_report, needs=("reel", "card")),
        "tensorboard": Exporter("TensorBoard (folder)", "", False, curves.write_events),
    }
