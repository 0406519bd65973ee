"""Runs that wait to be trained, one after the other, while nobody is there."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from models.errors import DiskTrouble
from models.files import home, write_json
from studio.messages import NewRun, OldRun, Opened, Trouble

if TYPE_CHECKING:
    from studio.session import Session

VERSION, MOST = 1, 200
SETTLE_MS = 60  # after a run has ended: what went wrong is told just before or just after
State = Literal["waiting", "running", "done", "failed"]
BUSY = {"running": "it waits for the run that trains", "paused": "it waits for the open run, which stands paused"}
LEFT = "Another run was opened, so the queue stands still; this job waits."


@dataclass(frozen=True)
class Job:
    """One run to be trained.

    Attributes:
        new: what it is made from; None of a run that exists.
        path: its folder, which a new run has once it was made.
        more: steps to be done on top of those there are; None: to the end of the preset.
        goal: the step to reach, known once it was opened.
        why: what went wrong, or why it waits again.
    """

    id: str
    name: str
    system: str
    new: Mapping[str, Any] | None = None
    path: str = ""
    more: int | None = None
    goal: int | None = None
    state: State = "waiting"
    why: str = ""

    @staticmethod
    def read(said: Mapping[str, Any]) -> Job:
        """From JSON; raises ValueError, KeyError, TypeError. One that ran when the studio ended waits again."""
        state = said.get("state", "waiting")
        more, goal, new = said.get("more"), said.get("goal"), said.get("new")
        if state not in ("waiting", "running", "done", "failed") or not all(v is None or (type(v) is int and v >= 0) for v in (more, goal)):
            raise ValueError("a job is damaged")
        if new is not None:
            new = {f.name: new[f.name] for f in dataclasses.fields(NewRun) if f.name in new}
            NewRun(**new)
        elif not said.get("path"):
            raise ValueError("a job has no run")
        words = {key: str(said.get(key, "")) for key in ("id", "name", "system", "path", "why")}
        return Job(**words, new=new, more=more, goal=goal, state="waiting" if state == "running" else state)

    def source(self) -> NewRun | OldRun:
        """What the session is asked to open: a run that exists by now is gone on with."""
        if self.path and (Path(self.path) / "run.json").is_file():
            return OldRun(Path(self.path))
        if self.new is None:
            return OldRun(Path(self.path))  # the session tells that it is not there
        return NewRun(**{**self.new, "path": None if self.new.get("path") is None else Path(self.new["path"])})


class Queue(QObject):
    """Jobs in order; the session trains them while the queue is on, one at a time. Kept in home()/queue.json.

    It never starts by itself: a person turns it on. While another run trains, or while one stands paused, it waits.

    Attributes:
        jobs: all of them, those that are done as well until they are cleared.
        on: whether the next job is begun when nothing trains.

    Signals:
        changed (): jobs, their order or their state, or whether it is on.
        ended (Job): a job is done, or has failed.
        emptied (): the last one that waited has ended.
    """

    changed = Signal()
    ended = Signal(object)
    emptied = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.jobs, self.on, self.problem = [], False, ""
        self._read()
        self._wish: NewRun | OldRun | None = None  # of the job that runs
        self._begun = False  # it was opened; the same run that is set back by a person is not begun again
        self._said = ""  # the sentence of the last trouble since it began
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._on_settled)
        session.opened.connect(self._on_opened)
        session.conditioned.connect(self._on_condition)
        session.trouble.connect(self._on_trouble)

    # --- what a person does -----------------------------------------------------------------------------------

    def add(self, source: NewRun | Path, *, more: int | None = None, name: str = "", system: str = "") -> Job:
        """Put a run at the end: a new one, or one that exists; `more` steps of it, or up to the end of its preset."""
        id = uuid.uuid4().hex[:12]
        if isinstance(source, NewRun):
            new = dataclasses.asdict(source) | {"path": None if source.path is None else str(source.path)}
            job = Job(id, name or f"new run on {Path(source.data).name}", source.system, new=new, more=more)
        else:
            job = Job(id, name or source.name, system, path=str(source.resolve()), more=more)
        self._set([*self.jobs, job][-MOST:])
        self._later()
        return job

    def remove(self, id: str) -> None:
        """Take a job out; one that runs is left alone."""
        self._set([job for job in self.jobs if job.id != id or job.state == "running"])

    def move(self, id: str, by: int) -> None:
        """Earlier (-1) or later (1)."""
        at = next((i for i, job in enumerate(self.jobs) if job.id == id), -1)
        to = at + by
        if at >= 0 and 0 <= to < len(self.jobs):
            jobs = list(self.jobs)
            jobs.insert(to, jobs.pop(at))
            self._set(jobs)

    def again(self, id: str) -> None:
        """Let a job that has failed wait once more."""
        self._set([replace(job, state="waiting", why="") if job.id == id and job.state == "failed" else job for job in self.jobs])
        self._later()

    def moved(self, old: Path, new: Path) -> None:
        """A run has another folder and name now."""
        was, now = str(old.resolve()), str(new.resolve())
        if any(job.path == was for job in self.jobs):
            self._set([replace(job, path=now, name=new.name) if job.path == was else job for job in self.jobs])

    def clear(self) -> None:
        """Forget what has ended."""
        self._set([job for job in self.jobs if job.state in ("waiting", "running")])

    def start(self) -> None:
        """Turn it on; a run that stands paused is saved and closed for the first job."""
        self.on = True
        self.changed.emit()
        if self.running() is None:
            self._next(even_paused=True)
        elif self._session.condition == "paused":
            self._session.go(self.running_goal())

    def stop(self) -> None:
        """Begin no other job; the one that runs goes on."""
        self.on = False
        self.changed.emit()

    # --- what there is ----------------------------------------------------------------------------------------

    def running(self) -> Job | None:
        """The job that the session has now."""
        return next((job for job in self.jobs if job.state == "running"), None)

    def running_goal(self) -> int | None:
        """The step that it is to reach."""
        job = self.running()
        return job.goal if job is not None else None

    def progress(self) -> str:
        """How far the job is that runs; "" without one."""
        job, session = self.running(), self._session
        if job is None or job.goal is None:
            return ""
        return f"{'trains now' if session.condition == 'running' else session.condition}: step {session.step:,} of {job.goal:,}"

    def waiting(self) -> list[Job]:
        """Those that are still to be done, in order."""
        return [job for job in self.jobs if job.state == "waiting"]

    def waits_for(self) -> str:
        """Why the next job has not begun though the queue is on; "" where nothing is in its way."""
        if not self.on or self.running() is not None or not self.waiting():
            return ""
        return BUSY.get(self._session.condition, "")

    # --- from the session -------------------------------------------------------------------------------------

    def _on_opened(self, run: Opened) -> None:
        job = self.running()
        if job is None or self._begun:
            return
        if self._session.source is not self._wish or run.reading:
            self._leave()
            return
        self._begun = True
        goal = job.goal if job.goal is not None else run.total if job.more is None else run.step + job.more
        self._change(job, path=str(run.path.resolve()), name=run.name, goal=goal)
        if run.step >= goal:
            self._settle.start()
        else:
            self._session.go(goal)

    def _on_condition(self, condition: str, reason: str) -> None:
        job = self.running()
        if self.on:
            self.changed.emit()
        if job is None:
            if condition in ("empty", "finished", "failed"):
                self._later()
        elif self._session.source is not self._wish:
            self._leave()
        elif condition in ("empty", "failed", "finished", "paused"):
            self._settle.start()

    def _on_trouble(self, trouble: Trouble) -> None:
        if not trouble.panel:
            self._said = trouble.sentence

    def _on_settled(self) -> None:
        """The job that ran has ended, in one way or another; or there was none, and the next one may begin."""
        job, condition = self.running(), self._session.condition
        if job is None:
            self._next()
        elif job.goal is not None and self._session.run is not None and self._session.step >= job.goal:
            self._finish(job, "done", "")
        elif condition == "failed" or (condition == "empty" and self._said):
            self._finish(job, "failed", self._said or "It has failed.")
        elif condition == "empty":
            self._leave("It was stopped, so the queue stands still.")

    # --- inside -----------------------------------------------------------------------------------------------

    def _later(self) -> None:
        if self.on and self.running() is None:
            self._settle.start()

    def _next(self, *, even_paused: bool = False) -> None:
        idle = ("empty", "finished", "failed", *(("paused",) if even_paused else ()))
        if not self.on or self.running() is not None or self._session.condition not in idle:
            return
        job = next(iter(self.waiting()), None)
        if job is None:
            return
        self._wish, self._said, self._begun = job.source(), "", False
        self._change(job, state="running", why="")
        self._session.open(self._wish)

    def _finish(self, job: Job, state: State, why: str) -> None:
        self._wish = None
        self._change(job, state=state, why=why)
        self.ended.emit(next(j for j in self.jobs if j.id == job.id))
        if not self.waiting():
            self.on = False
            self.changed.emit()
            self.emptied.emit()
        self._later()

    def _leave(self, why: str = LEFT) -> None:
        """A person does something else: the job waits, and so does the queue."""
        job = self.running()
        self._wish, self.on = None, False
        if job is not None:
            self._change(job, state="waiting", why=why)

    def _change(self, job: Job, **fields: Any) -> None:
        self._set([replace(j, **fields) if j.id == job.id else j for j in self.jobs])

    def _set(self, jobs: list[Job]) -> None:
        self.jobs = jobs
        try:
            write_json(_path(), {"version": VERSION, "jobs": [dataclasses.asdict(job) for job in jobs]})
            self.problem = ""
        except DiskTrouble as error:
            self.problem = f"The queue could not be saved, so it is lost when the studio ends: {error}"
        self.changed.emit()

    def _read(self) -> None:
        try:
            said = json.loads(_path().read_text("utf-8"))
            if said["version"] > VERSION:
                raise ValueError("a newer version has written it")
            self.jobs: list[Job] = [Job.read(job) for job in said["jobs"]][:MOST]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else error
            aside = _path().with_name("queue.json.bad")
            try:
                os.replace(_path(), aside)
            except OSError:
                pass
            self.problem = f"The queue could not be read ({why}); it is empty now, and what was there is in {aside}."


def _path() -> Path:
    return home() / "queue.json"
