"""Exporters: a label -> (extension, function), pure functions over a frozen Record. To add one, write the function and add a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.catalog import writes_of

__all__ = ["Exporter", "Record", "exporters", "writes_of"]


@dataclass(frozen=True)
class Record:
    """What exporters write: plain values of one moment of a run. Pictures are uint8 with three channels; a sentence has no line break."""

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
    sentences: tuple[str, ...] = ()  # of a system that writes text
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n,), of each sentence: "log_p" in nats, "length" in tokens
    options: Mapping[str, Any] = field(default_factory=dict)  # how they were drawn: temperature, top_k, nucleus, prompt, net

    @property
    def step(self) -> int:
        """Steps of training when it was taken."""
        return int(self.recipe["step"])

    @property
    def count(self) -> int:
        """Pictures, or sentences."""
        return len(self.sentences) if self.pictures is None else len(self.pictures)


@dataclass(frozen=True)
class Exporter:
    """One way to write a Record.

    `write(record, path, **options)` returns the files it made, whose first is what a person opens; `export` is the same, safely.
    """

    label: str
    extension: str  # with the dot; "" writes a folder
    samples: bool  # needs record.pictures, or record.sentences of a system that writes text
    write: Callable[..., Sequence[Path]]
    needs: tuple[str, ...] = ()  # what else: "scores", "loop", "reel", "card"
    others: tuple[str, ...] = ()  # extensions that it writes as well
    writes: Literal["pictures", "text", ""] = ""  # what a system must write to have it; "" for every system

    def export(self, record: Any, path: Path, **options: Any) -> list[Path]:
        """As `write`, but whole or not at all; see `whole.written` for `private`, `progress` and what is raised."""
        from studio.export.whole import written

        return written(self.write, record, path, **options)


def exporters(writes: str | None = None) -> dict[str, Exporter]:
    """All exporters by name, in the order of the menu; those of the systems that write "pictures", or "text", if asked for."""
    from studio.export import animation, curves, gallery, report, sheet, textpage, texts

    moving = (".gif", ".png", ".apng", ".mp4")
    pictures: dict[str, Any] = {"writes": "pictures"}
    text: dict[str, Any] = {"writes": "text"}
    found = {
        "sheet": Exporter("Contact sheet (PNG)", ".png", True, sheet.write_sheet, **pictures),
        "singles": Exporter("Single pictures (PNG)", "", True, sheet.write_singles, **pictures),
        "gallery": Exporter("Gallery (HTML)", ".html", True, gallery.write_gallery, needs=("scores", "reel"), **pictures),
        "animation": Exporter("Loop through latents (WebP)", ".webp", False, animation.write_loop, needs=("loop",), others=moving, **pictures),
        "reel": Exporter("Reel of the training (WebP)", ".webp", False, animation.write_reel, needs=("reel",), others=moving, **pictures),
        "txt": Exporter("Sentences (text)", ".txt", True, texts.write_txt, **text),
        "jsonl": Exporter("Sentences (JSON lines)", ".jsonl", True, texts.write_jsonl, **text),
        "texts": Exporter("Sentences (CSV)", ".csv", True, texts.write_csv, **text),
        "page": Exporter("Page of sentences (HTML)", ".html", True, textpage.write_page, **text),
        "curves": Exporter("Curves (CSV)", ".csv", False, curves.write_csv),
        "plots": Exporter("Plots (PNG)", ".png", False, curves.write_plots),
        "svg": Exporter("Plots (SVG)", ".svg", False, curves.write_svg),
        "report": Exporter("Report (Markdown)", ".md", True, report.write_report, needs=("reel", "card")),
        "tensorboard": Exporter("TensorBoard (folder)", "", False, curves.write_events),
    }
    return {name: e for name, e in found.items() if writes is None or e.writes in ("", writes)}
