"""What a run notes about itself while it trains: samples of the same latents, TensorBoard's files, evaluations and their alarm.

Nothing here changes what is trained: it draws from no generator of the State.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from models.alarm import FIRST, alarm
from models.catalog import writes_of
from models.contract import View
from models.journal import Line, RunFolder
from models.reel import MOST, SENTENCES, Reel
from models.settings import settings
from models.sink import TensorBoard

REEL_SEED = 0  # the latents of the reel are those that the window shows first
KEPT = ("evaluated", "alarm", "fork")  # lines that stay true when the run is taken up before they were written


class Watched(Protocol):
    """What is read of a run."""

    folder: RunFolder
    algorithm: Any
    config: Any
    state: Any
    knobs: Any
    data: Any
    lines: list[Line]

    @property
    def rows(self) -> np.ndarray: ...
    def save(self, *, pin: bool = False) -> Any: ...
    def log(self, what: str, text: str, *, step: int | None = None, **more: Any) -> None: ...


@dataclass
class Watch:
    """Beside one run."""

    run: Watched
    reel: Reel
    board: TensorBoard | None
    samples: bool = True  # until a system turns out to draw none
    writes: str = "pictures"  # or "text"
    running: int | None = None  # the step that is being evaluated

    @staticmethod
    def of(run: Watched, total: int) -> Watch:
        """For a run whose preset has `total` steps."""
        path = run.folder.path
        board = TensorBoard(path / "tensorboard") if run.folder.record.get("tensorboard") else None
        return Watch(run, Reel(path / "reel", Reel.every_for(total, run.algorithm.BETWEEN)), board, writes=writes_of(run.algorithm, run.config))

    # --- samples and numbers -------------------------------------------------------------------------------------

    def step(self, *, due: bool = False) -> None:
        """A frame of the reel, at fixed steps or where it is `due`; raises DiskTrouble."""
        step = self.run.state.step
        if not self.samples or not (due or step % self.reel.every == 0) or step in self.reel.steps():
            return
        count = MOST if self.writes == "pictures" else SENTENCES
        drawn = self.run.algorithm.sample(self.run.state, count, REEL_SEED)
        pictures, sentences = drawn.pictures.get("samples"), drawn.words.get("samples")
        if pictures is not None and len(pictures):
            self.reel.add(step, pictures)
            if self.board is not None:
                self.board.pictures(step, "samples", pictures)
        elif sentences:
            self.reel.write(step, sentences)
        else:
            self.samples = False
            return
        self.reel.thin(settings().reel_mb * 1_000_000)

    def rows(self, first: int, rows: np.ndarray) -> None:
        """New rows, the first of which is of step `first`."""
        if self.board is not None and len(rows):
            self.board.add(first, rows, self.run.folder.columns)

    def cut(self, step: int) -> None:
        """The run was set back to a step."""
        self.reel.cut(step)
        if self.board is not None:
            self.board.cut(step)

    def close(self) -> None:
        """No more comes."""
        if self.board is not None:
            self.board.close()

    # --- evaluations ----------------------------------------------------------------------------------------------

    @property
    def healthy(self) -> int | None:
        """Step of the newest evaluation that raised no alarm."""
        return max((line["step"] for line in self._evaluations() if not line.get("collapsed")), default=None)

    def _evaluations(self) -> list[Line]:
        return [line for line in self.run.lines if line["what"] == "evaluated"]

    def evaluation(self, n: int, seed: int, *, write: bool) -> Iterator[View]:
        """Evaluate the present step with `n` samples: Views with `done`, the last one with the scores.

        The State is read before the first View comes; training may go on between two of them. With `write` the scores become a line
        of the journal, the step keeps its checkpoint as long as no later evaluation is healthy, and a collapse is told.
        """
        run, step = self.run, self.run.state.step
        parts = run.algorithm.evaluate(run.state, run.data, run.knobs, n=n, seed=seed, rows=run.rows.copy())
        if write:
            run.save()
            self.running = step
        try:
            for part in parts:
                done = np.array([part.done, part.total], float)
                if part.done < part.total:
                    yield View(numbers={"done": done}, words={"doing": [part.doing]})
                    continue
                if write:
                    self._note(step, n, seed, {name: score._asdict() for name, score in part.scores.items()})
                yield View(numbers={"done": done} | {k: np.array([_or_nan(s.value), _or_nan(s.reference)]) for k, s in part.scores.items()})
        finally:
            self.running = None  # also where it is dropped half-way

    def _note(self, step: int, n: int, seed: int, scores: dict[str, Any]) -> None:
        said = [s for s in ([scores[k] for k in FIRST if k in scores] or list(scores.values())) if s["value"] is not None]
        told = ", ".join(f"{s['label']} {s['value']:.3g}" for s in said[:4])
        earlier, before = [line for line in self._evaluations() if line["step"] < step], self.healthy
        sentence = alarm([{"step": line["step"], **line["scores"]} for line in earlier if not line.get("collapsed")], {"step": step, **scores})
        self.run.log("evaluated", f"{n:,} samples: {told}", step=step, scores=scores, n=n, seed=seed, collapsed=bool(sentence))
        if sentence and not (earlier and earlier[-1].get("collapsed")):  # told once, not at every evaluation from then on
            if before not in self.run.folder.steps():
                before = None
            self.run.log("alarm", sentence, step=step, before=before)
            if before is not None:
                self.run.folder.pin(before)
            self.run.save(pin=True)

    @property
    def needed(self) -> set[int]:
        """Steps whose checkpoints must not be thinned out."""
        return {s for s in (self.healthy, self.running) if s is not None}


def survivors(undone: Sequence[Line], step: int) -> list[Line]:
    """Of lines that are undone by going back to `step`: evaluations of that step or earlier ones."""
    return [line for line in undone if line["what"] in KEPT and line["step"] <= step]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
