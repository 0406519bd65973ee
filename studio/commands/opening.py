"""`open`: the window on what an exported file was made from; or, as JSON, what would be opened."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from models.errors import BadInput
from studio.commands.terminal import Result

if TYPE_CHECKING:
    from studio.doors import Door
    from studio.window import Window


def open(options: argparse.Namespace) -> Result:
    """The window on a file, or on a run; with --json nothing is opened, and no display is needed."""
    if (options.file / "run.json").is_file():
        if options.take or options.run:
            raise BadInput(f"{options.file} is a run: --take and --run are for exported files.")
        return _run(options)
    from studio import doors, runs

    keeps = options.take == "seed"  # then --run is the run that takes it
    door = doors.read(options.file, None if keeps else options.run)
    why = {take: door.why_not(take, _taker(options) if take == "seed" else "") for take in doors.TAKES}
    if options.json:
        return {**door.told(), "take": options.take, "ways": {take: told or None for take, told in why.items()}}, "", 0
    if options.take and why[options.take]:
        raise BadInput(f"{doors.TAKES[options.take]} of {options.file.name} cannot be opened: {why[options.take]}")
    if options.run is not None:
        runs.remember(options.run)
    return _shown(lambda window: _take(window, door, options))


def _taker(options: argparse.Namespace) -> str:
    """Why no run can take the seed; raises BadFile for a --run that is none."""
    from models.journal import RunFolder

    if options.run is None:
        return "Give the run that is to take it with --run."
    if options.take == "seed":
        RunFolder.open(options.run, write=False)
    return ""


def _run(options: argparse.Namespace) -> Result:
    from models.journal import RunFolder

    folder = RunFolder.open(options.file, write=False)
    if options.json:
        steps = folder.steps()
        told = {"run": str(options.file), "name": folder.name, "id": folder.id, "system": folder.record["system"]}
        return {**told, "step": max(steps, default=None), "checkpoints": steps}, "", 0
    return _shown(lambda window: window.open_run(options.file))


def _take(window: Window, door: Door, options: argparse.Namespace) -> None:
    if options.take != "seed":
        window.open_exported(options.file, options.take, options.run)
        return

    def once(run: Any) -> None:
        del run
        window.session.opened.disconnect(once)
        window.receiving.take(door, "seed")

    window.session.opened.connect(once)
    window.open_run(options.run)


def _shown(act: Any) -> Result:
    from studio.app import window  # the only place that leads to Qt's window

    return {}, "", window(act)
