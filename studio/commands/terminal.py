"""What the commands share: their result, progress on a terminal, and words beside the result."""

from __future__ import annotations

import math
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from models.errors import BadInput
from studio.pace import Pace, duration

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # a terminal, or the reading direction
Result = tuple[dict[str, Any], str, int]  # the JSON object, the text for a person, the exit status


def harmless(text: str, *, lines: bool = True) -> str:
    """Text for a terminal: signs that would steer it, or turn the reading direction, are shown as Python writes them.

    Names, notes and sentences come from files that anybody may have made. Where `lines` is off, line ends count among these signs.
    """
    shown = STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return shown if lines else shown.replace("\n", "\\n")


def tell(sentence: str) -> None:
    """Something worth knowing, beside the result."""
    if sentence:
        print(f"sampling-studio: {harmless(sentence, lines=False)}", file=sys.stderr)


def number(word: str, flag: str) -> float:
    """What was typed for a flag, as a finite number of at least 0; raises BadInput."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise BadInput(f"{flag} takes numbers of at least 0; got {word!r}.")
    return value


def strict(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the run after the present step instead of breaking into it; a second one breaks."""
    hit: list[int] = []

    def on_signal(number: int, frame: Any) -> None:
        hit.append(number)
        if len(hit) > 1:
            raise KeyboardInterrupt

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(hit)
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


@contextmanager
def bar(title: str, goal: int) -> Iterator[Callable[[int, Pace], None]]:
    """A progress bar with a live estimate, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda step, pace: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("step {task.completed:,.0f} of {task.total:,.0f} · {task.fields[note]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=goal, note="")
        last = 0.0

        def show(step: int, pace: Pace) -> None:
            nonlocal last
            if time.monotonic() - last > 0.2:
                last = time.monotonic()
                left = pace.left(goal)
                bar.update(task, completed=step, note=f"{pace.rate:.1f} it/s · {duration(left)} left" if left is not None and pace.rate else "")

        yield show


@contextmanager
def reading(title: str) -> Iterator[Callable[[int, int], None]]:
    """A line that counts, on a terminal only; it goes away when all is read."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    pace, shown = Pace(), 0.0
    pace.start()

    def progress(done: int, total: int) -> None:
        nonlocal shown
        pace.mark(done)
        if done and pace.seconds > shown + (0.1 if shown else 0.5):
            shown, left = pace.seconds, pace.left(total) if total else None
            of = f" of {total:,}" if total else ""
            print(f"\r\x1b[K{title}: {done:,}{of}" + (f" · {duration(left)} left" if left is not None else ""), end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
