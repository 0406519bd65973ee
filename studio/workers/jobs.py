"""What a worker drives: something that opens, steps, answers and closes. Needs no Qt, so the same job can run in another process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from studio.export import Exporter
from studio.export.telling import Progress
from studio.messages import Export, NewRun, OldRun, Opened


@dataclass
class TrainingJob:
    """A training run, made or opened in the worker's own thread."""

    source: NewRun | OldRun
    on_line: Callable[[dict[str, Any]], None] = lambda line: None
    sent: int = 0  # rows already reported

    def open(self, progress: Callable[[int, int], None]) -> Opened:
        """Slow: imports torch, reads data and checkpoint."""
        from models import device
        from models.opening import new_path
        from models.run import Run

        source = self.source
        if isinstance(source, NewRun):
            plan = device.choose(source.device, source.threads, source.precision, source.compile)  # pyright: ignore[reportArgumentType]
            path = source.path or new_path(source.system, source.data)
            self.run = Run.create(
                path,
                source.system,
                source.data,
                preset=source.preset,
                config=source.config,
                knob_values=source.knobs,
                seed=source.seed,
                plan=plan,
                tensorboard=source.tensorboard,
                progress=progress,
            )
        else:
            self.run = Run.open(source.path, write=source.write, step=source.step, kept=source.kept, device_name=source.device, progress=progress)
        self.run.on_line = self.on_line
        return self.about()

    def about(self) -> Opened:
        """The run as it is now, whole."""
        from models import device

        run = self.run
        self.sent = len(run.rows)
        record = run.folder.record
        return Opened(
            system=record["system"],
            name=run.folder.path.name,
            path=run.folder.path,
            data=record["data"]["title"],
            data_spec=record["data"]["spec"],
            config=run.config.model_dump(),
            knobs=run.knobs.model_dump(),
            phases=tuple((p["name"], p["steps"]) for p in record["phases"]),
            phase=run.phase,
            step=run.state.step,
            total=run.total,
            device=device.describe(run.plan),
            columns=tuple(run.folder.columns),
            rows=run.rows.copy(),
            lines=tuple(run.lines),
            held_out=len(run.data.held_out),
            id=run.folder.id,
            reading=not run.folder.writable,
            newest=max([run.state.step, *run.folder.steps()]),
            parent=run.folder.parent,
        )

    def steps(self, until: int | None) -> Iterator[Any]:
        """The generator of (State, Info); a new one can be made after a failure."""
        return self.run.train(until)

    @property
    def step(self) -> int:
        """Steps done."""
        return self.run.state.step

    @property
    def total(self) -> int:
        """Steps until the last phase ends."""
        return self.run.total

    def apply(self, command: Any) -> None:
        """Act on a Command between two steps; raises BadInput, DiskTrouble."""
        self.run.apply(command)

    def view(self, name: str, **arguments: Any) -> Any:
        """A View, or an iterator of Views."""
        return self.run.view(name, **arguments)

    def news(self) -> tuple[int, np.ndarray]:
        """Rows not reported yet, and the step before their first."""
        rows = self.run.rows
        first, self.sent = self.sent, len(rows)
        return first, rows[first:].copy()

    def go_back(self, step: int | None) -> Opened:
        """Return to the last good checkpoint."""
        self.run.go_back(step)
        return self.about()

    def export(self, wish: Export) -> Callable[..., list[Path]]:
        """Pin the present step, draw what is wanted, and return the writing, which needs the worker no more and tells how far it is."""
        from studio.export import exporters, writes_of
        from studio.export.taking import record_of
        from studio.gallery.keeping import keeper

        keep = {"keep": keeper()}
        if wish.desk is not None:
            from studio.export.filled import desk_record, fill_exporters

            self.run.save(pin=True)
            filled = desk_record(self.run, **wish.desk)
            return partial(_written, (fill_exporters() | keep)[wish.name], filled, wish)
        exporter = (exporters(writes_of(self.run.algorithm, self.run.config)) | keep)[wish.name]
        self.run.save(pin=True)
        drawn: dict[str, Any] = {"seed": wish.seed, "count": wish.count, "ema": wish.ema, "options": wish.options, "reel": wish.reel or None}
        record = record_of(self.run, samples=exporter.samples, needs=exporter.needs, **drawn)
        return partial(_written, exporter, record, wish)

    def close(self, *, save: bool) -> None:
        """Save if the State is good, and let the run go."""
        run = getattr(self, "run", None)
        if run is not None:
            try:
                if save and not (isinstance(self.source, OldRun) and not self.source.write):
                    run.save()
            finally:
                run.close()


def _written(exporter: Exporter, record: Any, wish: Export, progress: Progress | None = None) -> list[Path]:
    if wish.name == "keep":  # into the gallery, which is no file of its own
        return list(exporter.write(record, wish.path, rows=wish.rows))
    return exporter.export(record, wish.path, progress=progress)


def memory() -> float | None:
    """Resident memory of this process in MB; None where it cannot be told."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, AttributeError):
        if sys.platform == "win32":
            return None
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
