"""A walk of the lab as the command line says it. No Qt."""

from __future__ import annotations

import shlex
from collections.abc import Mapping


def command(kernel: str, target: str, chains: int, seed: int, steps: int, start: str | tuple[float, ...], knobs: Mapping[str, float]) -> str:
    """The `sampling-studio lab …` line that walks the same way."""
    words = ["sampling-studio", "lab", kernel, "--target", target, "--chains", str(chains), "--steps", str(steps), "--seed", str(seed)]
    words.append(f"--start={start if isinstance(start, str) else ','.join(f'{v:g}' for v in start)}")
    if "step_size" in knobs:
        words += ["--step-size", repr(float(knobs["step_size"]))]
    else:
        words += ["--epsilon", ",".join(repr(float(v)) for v in knobs.values())]
    return shlex.join(words)
