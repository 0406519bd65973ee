"""What the commands of the command line do. Each returns the JSON object, the text for a person, and the exit status."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from studio.commands.terminal import Result

_WHERE = {
    "train": "training",
    "resume": "training",
    "sample": "sampling",
    "chain": "chain",
    "fill": "fill",
    "lab": "lab",
    "evaluate": "evaluate",
    "open": "opening",
    "inspect": "looking",
    "verify": "looking",
    "runs": "runs",
    "fork": "runs",
    "data": "data",
    "gallery": "gallery",
    "shoot": "around",
    "doctor": "around",
    "desktop": "desktop",
}


# What can be a run, given by its folder or the name that `runs` lists; `fork` and `runs` look it up themselves.
_RUNS = dict.fromkeys(("resume", "sample", "chain", "fill", "evaluate", "verify", "shoot"), ("run",)) | {
    "inspect": ("file",),
    "open": ("file", "run"),
}


def run(options: argparse.Namespace) -> Result:
    """The command that was asked for; only its own module is imported."""
    for flag in _RUNS.get(options.command, ()):
        if (path := getattr(options, flag)) is not None:
            from studio.runs import typed

            setattr(options, flag, typed(path, "file or run" if flag == "file" else "run"))
    module = import_module(f"studio.commands.{_WHERE[options.command]}")
    command: Callable[[argparse.Namespace], Result] = getattr(module, options.command)
    return command(options)
