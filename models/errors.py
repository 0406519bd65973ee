"""What can go wrong, as one tree. Every message is one sentence for a person: the thing, the limit, the remedy.

StudioError
├── BadInput            what was asked for cannot be done (exit 2)
│   ├── BadSetting      a Config or Knobs value: symbol, range, value
│   ├── BadData         a data source that cannot be read
│   ├── BadFile         a checkpoint, run or exported file that cannot be read
│   └── RunBusy         another process is writing to the run
└── RunFailed           a run that cannot go on (exit 1)
    ├── Diverged        a value is no longer finite
    ├── OutOfMemory     the device has no room for a step
    └── DiskTrouble     the run could not be written
"""

from __future__ import annotations

from typing import Any


class StudioError(Exception):
    """Root of everything a user may read; `str()` is one complete sentence."""


class BadInput(StudioError):
    """What was asked for cannot be done."""


class BadSetting(BadInput):
    """A setting is unknown or out of range."""


class BadData(BadInput):
    """A data source cannot be read.

    Attributes:
        offers: ways out that a button can take: what it says, and the settings that it changes.
    """

    def __init__(self, sentence: str, *, offers: tuple[tuple[str, dict[str, Any]], ...] = ()) -> None:
        super().__init__(sentence)
        self.offers = offers


class BadFile(BadInput):
    """A checkpoint, a run or an exported file cannot be read."""


class RunBusy(BadInput):
    """Another process is writing to the run."""


class RunFailed(StudioError):
    """A run cannot go on."""


class Diverged(RunFailed):
    """A value of a run is no longer finite.

    Attributes:
        step: the step at which it was first seen.
        name: the field of Info, or of the State.
    """

    def __init__(self, step: int, name: str) -> None:
        self.step = step
        self.name = name
        super().__init__(
            f"{name} is no longer a finite number at step {step:,}: the run has stopped and its last good state is kept; "
            "go back to it and lower the learning rate (lr)."
        )


class OutOfMemory(RunFailed):
    """The device has no room for a step."""


class DiskTrouble(RunFailed):
    """The run could not be written."""
