"""Two generators that drive anything: `train` an algorithm, `walk` a kernel.

The first pair comes before any step and has `info` None; so has the answer to a Command that is sent. A Command takes effect
before the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from models import knobs
from models.contract import Command, SetKnobs, Stop

Steps = Generator[tuple[Any, Any], Command | None, None]


def train(algorithm: Any, state: Any, batches: Iterator[Any], knobs_now: Any) -> Steps:
    """Train for ever; yields (state, info) after every step."""
    return _drive(state, knobs_now, lambda state, now: (state, algorithm.step(state, next(batches), now)))


def walk(kernel: Any, state: Any, target: Any, knobs_now: Any, generator: Any) -> Steps:
    """Sample for ever; yields (state, info) after every step."""
    return _drive(state, knobs_now, lambda state, now: kernel.step(state, target, now, generator))


def _drive(state: Any, knobs_now: Any, step: Callable[[Any, Any], tuple[Any, Any]]) -> Steps:
    command = yield state, None
    while True:
        while command is not None:
            match command:
                case SetKnobs(change):
                    knobs_now = knobs.changed(knobs_now, change)
                case Stop():
                    return
                case _:
                    pass
            command = yield state, None
        state, info = step(state, knobs_now)
        command = yield state, info
