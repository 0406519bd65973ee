"""A training that writes itself down.

    for state, info in run.train(600): ...

drives like the generators of `models.drive`; everything that happens is in the run's folder.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models import catalog, checkpoint, device, knobs, stretches
from models.contract import Command, Event, GoToPhase, Lengthen, NextPhase, Note, Plan, Save, SetKnobs, Stop, View
from models.drive import Steps
from models.errors import BadData, BadFile, BadInput, Diverged
from models.journal import Line, RunFolder, new_id
from models.opening import checkpoint_name, find_checkpoint, guarded, preset_of, recorded_plan, versions
from models.rows import Rows
from models.settings import settings
from models.watch import Watch, survivors

Progress = Callable[[int, int], None]
CHECKPOINT_SECONDS = 60.0  # a run that is killed computes at most this long again
FORKS = 10  # frames of the reel from one checkpoint to the next: about ten of a preset, to fork from


class Run:
    """A training with its folder.

    Attributes:
        state, knobs, config, plan, data: as they are now; `data` is None if the run was opened without it.
        phases: the stretches of the preset.
        rows: (steps, columns) float32, every Info so far.
        lines: the journal so far.
        on_line: called with each new line.
        watch: its reel, TensorBoard's files, and evaluations.
    """

    def __init__(self, folder: RunFolder, algorithm: Any, config: Any, knobs_now: Any, plan: Plan, data: Any) -> None:
        self.folder, self.algorithm, self.config, self.knobs, self.plan, self.data = folder, algorithm, config, knobs_now, plan, data
        self.phases = stretches.phases(folder.record, (), 0)
        self.seed: int = folder.record["seed"]
        self.lines: list[Line] = []
        self.on_line: Callable[[Line], None] = lambda line: None
        self.state: Any = None
        self.notice = ""  # what a person should know about the opening
        self._replay: list[Line] = []
        self._rows = Rows(folder.columns)
        self._saved_at = time.monotonic()
        self._saved_step, self._saved_lines = -1, 0
        self.watch = Watch.of(self, sum(p.steps for p in self.phases))

    # --- making and opening -----------------------------------------------------------------------------------

    @staticmethod
    def create(
        path: Path,
        system: str,
        data: str,
        *,
        preset: str | None = None,
        config: Mapping[str, Any] | None = None,
        knob_values: Mapping[str, Any] | None = None,
        seed: int = 0,
        plan: Plan | None = None,
        tensorboard: bool = False,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Run:
        """A new run at step 0, with its first checkpoint.

        Raises:
            BadInput and below: a setting, the data or the folder will not do.
        """
        algorithm = catalog.algorithm(system)
        chosen = preset_of(algorithm, preset)
        plan = plan or device.choose()
        cfg = knobs.make(algorithm.Config, {**chosen.config, **(config or {})})
        knb = knobs.make(algorithm.Knobs, {**chosen.knobs, **(knob_values or {})})
        device.use(plan)
        source = algorithm.open_data(data, cfg, progress)
        cfg = algorithm.fitted(cfg, source) if hasattr(algorithm, "fitted") else cfg
        record = {
            "system": system,
            "id": new_id(),
            "name": path.name,
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "seed": seed,
            "data": {"spec": source.spec, "id": source.id, "title": source.title},
            "preset": chosen.name,
            "phases": [dataclasses.asdict(p) for p in chosen.phases],
            "config": cfg.model_dump(),
            "knobs": knb.model_dump(),
            "plan": dataclasses.asdict(plan),
            "columns": list(algorithm.Info._fields),
            "tensorboard": tensorboard,
            "versions": versions(),
        }
        state = guarded(algorithm.init, cfg, seed, plan)  # before anything is on disk
        if hasattr(algorithm, "prepare"):
            algorithm.prepare(state, source)
        folder = RunFolder.create(path, record, force=force)
        run = Run(folder, algorithm, cfg, knb, plan, source)
        try:
            run.state = state
            run.log("made", f"{algorithm.TITLE} on {source.title}, preset {chosen.name}, {device.describe(plan)}")
            run.watch.cut(-1)  # of a run that this one takes the place of
            guarded(run.watch.step)  # draws the first samples
            run.save()
        except BaseException:
            folder.close()
            raise
        return run

    @staticmethod
    def open(
        path: Path,
        *,
        write: bool = True,
        data: bool = True,
        step: int | None = None,
        kept: str | None = None,
        device_name: str | None = None,
        data_spec: str | None = None,
        check: bool = True,
        progress: Progress | None = None,
    ) -> Run:
        """An existing run at its last readable checkpoint, or at that of `step`; or at the one `kept` by that name, if it is there.

        `data_spec` is where the data are now, if they were moved; the run remembers it.

        A run that was killed continues as if it had not been: what a person did after the checkpoint is done again at its step.

        Raises:
            BadFile, RunBusy, BadData: it cannot be opened, is in use, or its data have changed.
        """
        folder = RunFolder.open(path, write=write)
        try:
            algorithm = catalog.algorithm(folder.record["system"])
            plan = recorded_plan(folder.record["plan"], device_name)
            device.use(plan)
            cfg = knobs.make(algorithm.Config, folder.record["config"])
            run = Run(folder, algorithm, cfg, None, plan, None)
            found, about = run._load(step, kept=kept, check=check)
            if data:
                run._open_data(data_spec, progress)
            run._take_up(about["lines"], write=write)
            newer = [s for s in folder.steps() if s > found]
            if step is None and kept is None and newer:
                run.notice = f"The checkpoint of step {newer[-1]:,} cannot be read, so {folder.path.name} is taken at step {found:,}."
                if write:
                    run.log("damaged", run.notice)
        except BaseException:
            folder.close()
            raise
        return run

    def _open_data(self, spec: str | None, progress: Progress | None) -> None:
        """The data that the run was made from, and no others."""
        recorded = self.folder.record["data"]
        try:
            self.data = self.algorithm.open_data(recorded["spec"] if spec is None else spec, self.config, progress)
        except BadData as error:
            if spec is not None:
                raise
            raise BadData(f"{error} If the data of {self.folder.path.name} were moved, name their new place with --data.") from None
        if self.data.id != recorded["id"]:
            what = "sentences" if catalog.writes_of(self.algorithm, self.config) == "text" else "pictures"
            raise BadData(
                f"{self.data.spec} does not hold the {what} that {self.folder.path.name} was made from: restore them, name their new place "
                "with --data, or start a new run."
            )
        if self.data.spec != recorded["spec"] and self.folder.writable:
            self.folder.move_data(self.data.spec)

    def _load(self, step: int | None, *, kept: str | None = None, check: bool = True) -> tuple[int, dict[str, Any]]:
        """Take State and knobs from a checkpoint; returns its step and what its header tells about it."""
        found, tensors, header = find_checkpoint(self.folder, step, kept=kept, check=check)
        state_knobs = knobs.make(self.algorithm.Knobs, header["about"]["knobs"])
        self.state = guarded(self.algorithm.init, self.config, self.seed, self.plan)
        checkpoint.restore(self.state, tensors, header, self.folder.checkpoint(found))
        self.knobs = state_knobs
        return found, header["about"]

    def _take_up(self, applied: int, *, write: bool) -> None:
        """Set rows and journal back to the checkpoint's; keep what a person did later, to be done again."""
        lines = self.folder.lines()
        self._rows = Rows(self.folder.columns, self.folder.rows()[: self.state.step])
        self.lines, later = lines[:applied], lines[applied:]
        self.lines += survivors(later, self.state.step)
        self._fit_phases()
        self._saved_step, self._saved_lines = self.state.step, len(self.lines)
        if not write:
            return
        diverged = any(line["what"] == "diverged" for line in later)
        if not diverged:
            self._replay = [line for line in later if line["what"] in ("knobs", "note", "longer") or line.get("asked")]
        self.folder.cut_rows(self.state.step)
        self.watch.cut(self.state.step)
        self.folder.set_lines(self.lines + self._replay)
        self._again()  # what was done at this very step
        if diverged:  # what led there is not done again, but stays readable
            self.log("back", f"back to step {self.state.step:,}, the last good one", undone=later)

    def close(self) -> None:
        """Let others write to the run."""
        self.watch.close()
        self.folder.close()

    # --- training ---------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Steps until the last phase ends: the preset's sum, unless a phase was left early."""
        return stretches.began(self.lines) + sum(p.steps for p in self.phases[self.state.phase :])

    @property
    def phase(self) -> str:
        """Name of the present phase."""
        return self.phases[min(self.state.phase, len(self.phases) - 1)].name

    @property
    def rows(self) -> np.ndarray:
        """(steps, columns) float32: every Info so far. Waits for the device."""
        return self._rows.all

    def train(self, until: int | None = None) -> Steps:
        """Train up to `until` steps in total, for ever if None; yields (state, info) after every step. Saved when it ends.

        Raises:
            Diverged, OutOfMemory: the State is that of no step any more; `go_back` returns to the last good one.
            DiskTrouble: the State is good, but could not be saved.
        """
        device.use(self.plan)
        batches = self.algorithm.batches(self.data, self.config, self.seed, self.state.step)
        command = yield self.state, None
        while True:
            while command is not None:
                if isinstance(command, Stop):
                    self.save()
                    return
                self.apply(command)
                command = yield self.state, None
            if until is not None and self.state.step >= until:
                break
            self._again()
            info = guarded(self.algorithm.step, self.state, next(batches), self.knobs)
            self._rows.add(info)
            if self.state.step == 1:
                self._tell_fallback()
            due = self.state.step % self.algorithm.BETWEEN == 0
            if due:
                self._between()
            self._advance_phase()
            self.watch.step()
            if due and (time.monotonic() - self._saved_at > CHECKPOINT_SECONDS or self.state.step % (FORKS * self.watch.reel.every) == 0):
                self.save()  # after the phase has moved on, or a run that is killed would take one step too many in the old one
            command = yield self.state, info
        self.save()

    def apply(self, command: Command) -> None:
        """Do what a person asked for, before the next step, and write it down; raises BadSetting, DiskTrouble."""
        match command:
            case SetKnobs(change):
                new = knobs.changed(self.knobs, change)
                text, told = knobs.difference(self.knobs, new)
                if told:
                    self._choose_anew()
                    self.log("knobs", text, change=told)
                    self.knobs = new
            case NextPhase():
                if self.state.phase + 1 < len(self.phases):
                    self._choose_anew()
                    self._enter_phase(self.state.phase + 1, asked=True)
            case GoToPhase(name):
                names = [phase.name for phase in self.phases]
                if name not in names:
                    raise BadInput(f"This run has no phase {name!r}; it has {', '.join(names)}.")
                self._choose_anew()
                self._enter_phase(names.index(name), asked=True)
            case Lengthen(steps):
                if steps < 1:
                    raise BadInput(f"A phase can be made longer by one step or more; got {steps:,}.")
                self._choose_anew()
                self.log("longer", f"{self.phase} longer by {steps:,} steps", steps=steps)
                self._fit_phases()
            case Note(text, more):
                self.log("note", text, **more)
            case Save(pin):
                self.save(pin=pin)
            case Stop():
                self.save()

    def save(self, *, pin: bool = False) -> Path:
        """Write a checkpoint of the present step, if there is none; raises Diverged, DiskTrouble."""
        path = self.folder.checkpoint(self.state.step)
        if self._saved_step != self.state.step or not path.exists() or self._saved_lines != len(self.lines):
            self._write_rows()
            self._check_rows()
            self._make_room(path)
            checkpoint.save(path, self.state, self._about(), self._check_finite)
            self._saved_at, self._saved_step, self._saved_lines = time.monotonic(), self.state.step, len(self.lines)
            self.folder.thin(self.watch.needed, settings().checkpoint_mb * 1_000_000)
            self.watch.step(due=True)  # what can be forked from can be seen
        if pin:
            self.folder.pin(self.state.step)
        return path

    def go_back(self, step: int | None = None) -> None:
        """Return to the last good checkpoint, or to that of `step`; what came after it leaves the curves, not the journal."""
        left = self.state.step
        found, about = self._load(step)
        self._rows.cut(found)
        self._replay.clear()
        self.folder.cut_rows(found)
        for later in [s for s in self.folder.steps() if s > found]:
            self.folder.set_aside(later, self._name_in(self.folder.checkpoint(later)))
        self.watch.cut(found)
        self.lines, undone = self.lines[: about["lines"]], self.lines[about["lines"] :]
        self.lines += (kept := survivors(undone, found))
        undone = [line for line in undone if line not in kept]
        self.folder.set_lines(self.lines)
        self._fit_phases()
        self.log("back", f"back to step {found:,} from {left:,}", undone=undone)
        self.save()

    def view(self, name: str, **request: Any) -> Any:
        """A View, or a generator of Views, of the present State."""
        if name == "evaluation":
            return self.evaluation(**request)
        return self.algorithm.views[name](self.state, self.data, self.knobs, **request)

    def evaluation(self, *, n: int, seed: int = 0) -> Iterator[View]:
        """Evaluate the present step in short parts (see `Watch.evaluation`); a run that is only read is not written to."""
        return self.watch.evaluation(n, seed, write=self.folder.writable)

    def recipe(self) -> dict[str, Any]:
        """What everything made from the present step is made of (design §2)."""
        record = self.folder.record
        digest = checkpoint.hash_of(self.state)
        return {
            "system": record["system"],
            "run": {"id": self.folder.id, "name": record["name"], "path": str(self.folder.path.resolve())},
            "data": record["data"],
            "config": self.config.model_dump(),
            "knobs": self.knobs.model_dump(),
            "knob_history": [{"step": line["step"], "change": line["change"]} for line in self.lines if line["what"] == "knobs"],
            "training_seed": self.seed,
            "step": self.state.step,
            "state_hash": digest,
            "checkpoint": checkpoint_name(digest, self.knobs.model_dump()),
            "plan": dataclasses.asdict(self.plan),
            "versions": versions(),
        }

    # --- inside -----------------------------------------------------------------------------------------------

    def _make_room(self, path: Path) -> None:
        """Before a checkpoint is written: a pinned one of other weights or knobs is not overwritten."""
        if path.exists() and self.state.step in self.folder.pins() and (name := self._name_in(path)) != self._name():
            self.folder.set_aside(self.state.step, name)

    def _name(self) -> str:
        return checkpoint_name(checkpoint.hash_of(self.state), self.knobs.model_dump())

    @staticmethod
    def _name_in(path: Path) -> str:
        try:
            header = checkpoint.read_header(path)
        except BadFile:
            return "damaged"
        return checkpoint_name(header["state_hash"], header["about"]["knobs"])

    def _about(self) -> dict[str, Any]:
        return {
            "system": self.folder.record["system"],
            "step": self.state.step,
            "phase": self.phase,
            "lines": len(self.lines),
            "knobs": self.knobs.model_dump(),
            "config": self.config.model_dump(),
            "data": self.folder.record["data"],
            "seed": self.seed,
            "plan": dataclasses.asdict(self.plan),
            "versions": versions(),
        }

    def log(self, what: str, text: str, *, step: int | None = None, **more: Any) -> None:
        """Write a line into the journal, of the present step unless told; raises DiskTrouble."""
        at: int = self.state.step if step is None else step
        if self._replay:
            line: Line = {"step": at, "time": round(time.time(), 3), "what": what, "text": text, **more}
            self.lines.append(line)
            self.folder.set_lines(self.lines + self._replay)
        else:
            self.lines.append(line := self.folder.add_line(at, what, text, **more))
        self.on_line(line)

    def _choose_anew(self) -> None:
        """Give up what was still to be done again: the person goes another way than last time."""
        if self._replay:
            self._replay.clear()
            self.folder.set_lines(self.lines)

    def _again(self) -> None:
        """Do again, at its step, what a person did after the checkpoint that a killed run was opened at."""
        while self._replay and self._replay[0]["step"] <= self.state.step:
            line, *self._replay = self._replay
            if line["what"] == "knobs":
                self.knobs = knobs.changed(self.knobs, line["change"])
            elif line["what"] == "phase":
                self.state.phase = line.get("to", self.state.phase + 1)
            self.lines.append(line)
            self.on_line(line)
            if line["what"] in ("phase", "longer"):
                self._fit_phases()

    def _advance_phase(self) -> None:
        while self.state.phase + 1 < len(self.phases) and self.state.step >= stretches.began(self.lines) + self.phases[self.state.phase].steps:
            self._enter_phase(self.state.phase + 1, asked=False)

    def _enter_phase(self, to: int, *, asked: bool) -> None:
        self.log("phase", self.phases[to].name, asked=asked, to=to)
        self.state.phase = to
        self._fit_phases()

    def _fit_phases(self) -> None:
        self.phases = stretches.phases(self.folder.record, self.lines, self.state.phase)

    def _between(self) -> None:
        """Decisions that need numbers on the host, at fixed steps."""
        self._check_rows()
        recent = self._rows.recent(self.algorithm.BETWEEN, self.algorithm.Info._fields)
        events: list[Event] = self.algorithm.between(self.state, recent, self.knobs)
        for event in events:
            self.log(event.what, event.text)
        self._write_rows()

    def _check_rows(self) -> None:
        bad = self._rows.first_bad()
        if bad is not None:
            self._diverged(*bad)

    def _check_finite(self, tensors: checkpoint.Tensors) -> None:
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                self._diverged(self.state.step, name)

    def _diverged(self, step: int, name: str) -> None:
        error = Diverged(step, name)
        self.log("diverged", str(error))
        raise error

    def _tell_fallback(self) -> None:
        for f in dataclasses.fields(self.state):
            reason = getattr(getattr(self.state, f.name), "fell_back", None)
            if reason:
                self.log("compile", f"compiling {f.name} did not work here, so it runs without: {reason}")

    def _write_rows(self) -> None:
        new = self._rows.unsaved
        self.folder.add_rows(new)
        self.watch.rows(self._rows.on_disk + 1, new)
        self._rows.on_disk = self._rows.count
