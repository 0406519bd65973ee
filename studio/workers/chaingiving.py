"""What leaves the chains, in their thread: exports, which can be ended from the window, and samples for the gallery."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import DiskTrouble
from studio.export.telling import Cancelled

if TYPE_CHECKING:
    from studio.workers.chains import ChainWorker


class ChainGiving:
    """Of one worker, by whose signals it tells what was written."""

    def __init__(self, worker: ChainWorker) -> None:
        self._worker = worker
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """From the window: end the export that is written now; nothing is left of it."""
        self._cancelled.set()

    def export(self, chains: Any, run: Any, name: str, path: Path) -> None:
        """Write chains of a run with an exporter; raises as it does."""
        from studio.export import chaining  # pyright: ignore[reportAttributeAccessIssue]

        record = chaining.chains_record(chains, run)
        self._cancelled.clear()
        try:
            chaining.chain_exporters()[name].export(record, path, progress=lambda done, total: self._on_part(path, done, total))
        except Cancelled:
            self._worker.exporting.emit(path, 0, 0)
            return
        _pin(run)
        self._worker.written.emit(path)

    def keep(self, chains: Any, run: Any, path: Path, rows: tuple[int, ...] | None) -> None:
        """Into the gallery at `path`: some of the chains, or all."""
        from studio.export import chaining
        from studio.gallery.keeping import write_keep

        write_keep(chaining.chains_record(chains, run), path, rows=rows)
        _pin(run)
        self._worker.kept.emit(chains.chains if rows is None else len(rows), path)

    def _on_part(self, path: Path, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self._worker.exporting.emit(path, done, total)


def _pin(run: Any) -> None:
    """What was made from a checkpoint keeps it; a run that cannot be written to loses none by training."""
    try:
        run.folder.pin(run.state.step)
    except DiskTrouble:
        pass
