from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models import checkpoint, device, opening
from models import run as running
from models.algorithms import began
from models.contract import GoToPhase, Lengthen, NextPhase, Note, Plan, Save, SetKnobs, Stop
from models.drive import train, walk
from models.errors import BadData, BadFile, BadInput, BadSetting, DiskTrouble, Diverged, OutOfMemory, RunBusy
from models.journal import RunFolder
from models.run import Run

ROOT = Path(running.__file__).parents[1]


@pytest.fixture
def make(tmp_path, toy, cpu):
    """make(name="run", ...) is a new toy run; all are closed at the end."""
    made: list[Run] = []

    def create(name: str = "run", **options) -> Run:
        made.append(Run.create(tmp_path / name, "toy", "data", plan=cpu, **options))
        return made[-1]

    yield create
    for run in made:
        run.close()


def drive(run: Run, until: int, commands: dict[int, list] | None = None, stop_at: int | None = None) -> None:
    """Train up to a step, sending commands before the step after the one they are named by."""
    todo = {k: list(v) for k, v in (commands or {}).items()}
    steps = run.train(until)
    state, _ = next(steps)
    try:
        while state.step != stop_at:
            waiting = todo.get(state.step)
            state, _ = steps.send(waiting.pop(0) if waiting else None)
    except StopIteration:
        pass
    steps.close()


def full(run: Run) -> tuple:
    """Everything that must be the same."""
    tensors, header = checkpoint.flatten(run.state)
    history = [(line["step"], line["what"], line["text"], line.get("change")) for line in run.lines]
    return checkpoint.state_hash(tensors), copy.deepcopy(header), run.knobs, run.phase, history, run.rows.tobytes()


def disk(path: Path) -> dict[str, tuple[str, int]]:
    """Every file's content and time."""
    return {
        str(p.relative_to(path)): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in sorted(path.rglob("*")) if p.is_file()
    }


COMMANDS = {
    3: [SetKnobs({"rate": 0.2}), Note("looks\u2028good")],
    6: [SetKnobs({"rate": 0.3})],
    8: [Note("same step as a checkpoint"), SetKnobs({"rate": 0.4}), SetKnobs({"rate": 0.5})],
    9: [NextPhase()],
    15: [SetKnobs({"rate": 0.6})],
}


# --- the plain generators -----------------------------------------------------------------------------------------


def test_train_yields_every_step_and_takes_commands(toy):
    state = toy.init(toy.Config(), 0, None)
    steps = train(toy, state, toy.batches(None, None, 0, 0), toy.Knobs())
    assert next(steps) == (state, None)
    assert next(steps)[1].loss.shape == ()
    assert steps.send(SetKnobs({"rate": 0.7})) == (state, None)
    assert state.step == 1
    assert steps.send(Note("ignored")) == (state, None)
    next(steps)
    with pytest.raises(BadSetting, match="ρ"):
        steps.send(SetKnobs({"rate": 7}))
    steps = train(toy, state, toy.batches(None, None, 0, state.step), toy.Knobs())
    next(steps)
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(Stop())
    assert state.trail == [[0, 0.1, 0.0], [0, 0.7, 1.0], [0, 0.1, 2.0]]


def test_walk_hands_on_what_a_kernel_returns(toy):
    kernel = SimpleNamespace(step=lambda state, target, knobs_now, generator: (state + target * knobs_now.rate, (generator, knobs_now.rate)))
    steps = walk(kernel, 0.0, 10.0, toy.Knobs(), "rng")
    assert next(steps) == (0.0, None)
    assert next(steps) == (1.0, ("rng", 0.1))
    assert steps.send(SetKnobs({"rate": 0.5})) == (1.0, None)
    assert next(steps) == (6.0, ("rng", 0.5))
    with pytest.raises(StopIteration):
        steps.send(Stop())


# --- making -------------------------------------------------------------------------------------------------------


def test_a_new_run_has_its_first_checkpoint_and_record(make, cpu):
    run = make(seed=7, config={"width": 2}, knob_values={"rate": 0.5})
    record = run.folder.record
    assert (record["system"], record["seed"], record["config"], record["knobs"]) == ("toy", 7, {"width": 2}, {"rate": 0.5})
    assert record["columns"] == ["loss", "reward"]
    assert Plan(**record["plan"]) == cpu
    assert run.folder.steps() == [0]
    assert [line["what"] for line in run.lines] == ["made"]
    assert (run.total, run.phase, len(run.rows)) == (20, "warm", 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"config": {"width": 10}}, "width must be"),
        ({"knob_values": {"rate": 2}}, r"ρ \(rate\) must be a number in \[0, 1\]; got 2"),
        ({"preset": "none"}, "no preset 'none'; it has quick"),
        ({"config": {"rate": 0.1}}, "no setting 'rate'"),
    ],
)
def test_a_bad_setting_makes_no_folder(make, tmp_path, options, words):
    with pytest.raises(BadInput, match=words):
        make(**options)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_made_over_another_without_force(make):
    make().close()
    with pytest.raises(BadInput, match="--force"):
        make()
    make(force=True)
    with pytest.raises(RunBusy):
        make(force=True)


def test_names_of_new_runs_are_free_and_tame(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path))
    first = opening.new_path("began", "../My Pictures (1).zip")
    assert first == tmp_path / "runs" / "began-my-pictures--1-1"
    first.mkdir(parents=True)
    assert opening.new_path("began", "../My Pictures (1).zip").name == "began-my-pictures--1-2"


# --- going on -----------------------------------------------------------------------------------------------------


def test_commands_act_before_the_next_step_and_are_journaled(make):
    run = make()
    drive(run, 20, COMMANDS)
    rates = [rate for _, rate, _ in run.state.trail]
    assert rates == [0.1] * 3 + [0.2] * 3 + [0.3] * 2 + [0.5] * 7 + [0.6] * 5
    assert [phase for phase, _, _ in run.state.trail] == [0] * 9 + [1] * 11
    assert [batch for _, _, batch in run.state.trail] == list(range(20))
    told = [(line["step"], line["what"], line["text"]) for line in run.lines]
    assert told == [
        (0, "made", told[0][2]),
        (3, "knobs", "ρ 0.1 → 0.2"),
        (3, "note", "looks\u2028good"),
        (6, "knobs", "ρ 0.2 → 0.3"),
        (8, "told", "at 8"),
        (8, "note", "same step as a checkpoint"),
        (8, "knobs", "ρ 0.3 → 0.4"),
        (8, "knobs", "ρ 0.4 → 0.5"),
        (9, "phase", "play"),
        (15, "knobs", "ρ 0.5 → 0.6"),
        (16, "told", "at 16"),
    ]
    assert run.folder.lines() == run.lines


def test_rows_are_the_infos(make):
    run = make()
    seen = [info for _, info in run.train(20) if info is not None]
    assert len(seen) == 20
    rows = run.rows
    assert rows.dtype == np.float32
    assert rows.shape == (20, 2)
    assert np.array_equal(rows[:, 0], np.array([float(i.loss) for i in seen], np.float32))
    assert np.isnan(rows[:12, 1]).all()  # None: this phase has no such value
    assert np.array_equal(rows[12:, 1], np.array([float(i.reward) for i in seen[12:]], np.float32))
    assert run.folder.rows().tobytes() == rows.tobytes()
    run.close()
    assert Run.open(run.folder.path, write=False).rows.tobytes() == rows.tobytes()


def test_a_knob_set_to_what_it_is_leaves_no_line_and_a_bad_one_changes_nothing(make):
    run = make()
    run.apply(SetKnobs({"rate": 0.1}))
    with pytest.raises(BadSetting, match="ρ"):
        run.apply(SetKnobs({"rate": -1}))
    with pytest.raises(BadSetting, match="no setting 'width'"):
        run.apply(SetKnobs({"width": 2}))  # fixed for the run's life
    assert len(run.lines) == 1
    assert run.knobs.rate == 0.1


def test_phases_advance_by_themselves_and_the_last_one_goes_on(make):
    run = make()
    drive(run, 25)
    assert [phase for phase, _, _ in run.state.trail] == [0] * 12 + [1] * 13
    run.apply(NextPhase())
    assert run.state.phase == 1
    assert [line["step"] for line in run.lines if line["what"] == "phase"] == [12]


def test_a_command_at_the_last_step_is_not_lost(make):
    run = make()
    drive(run, 5, {5: [SetKnobs({"rate": 0.9}), Note("end")]})
    assert [line["what"] for line in run.lines] == ["made", "knobs", "note"]
    run.close()
    again = Run.open(run.folder.path, write=False)
    assert again.knobs.rate == 0.9
    assert again.state.step == 5


def test_stop_saves_and_ends(make):
    run = make()
    drive(run, 20, {7: [Stop()]})
    assert run.state.step == 7
    assert run.folder.steps()[-1] == 7
    drive(run, 7)  # at its total: no step
    assert run.state.step == 7


def test_save_pins_what_a_full_budget_would_give_up(make, monkeypatch):
    monkeypatch.setattr("models.run.settings", lambda: SimpleNamespace(checkpoint_mb=0))
    run = make()
    drive(run, 20, {3: [Save(pin=True)], 5: [Save()]})
    for until in (22, 24, 26, 28):
        drive(run, until)
    assert run.folder.pins() == {3}
    assert run.folder.steps() == [0, 3, 24, 26, 28]


def test_stopped_and_resumed_is_as_never_stopped(make):
    whole, parts = make("whole"), make("parts")
    drive(whole, 20, COMMANDS)
    path = parts.folder.path
    for stop in (1, 3, 4, 8, 9, 12, 13, 20):
        drive(parts, stop, {k: v for k, v in COMMANDS.items() if parts.state.step <= k < stop})
        parts.close()
        parts = Run.open(path)
    parts.close()
    assert full(parts) == full(whole)


def test_opening_and_closing_changes_nothing_but_the_lock(make):
    run = make()
    drive(run, 10, COMMANDS)
    run.close()
    before = full(run)
    again = Run.open(run.folder.path)
    assert full(again) == before
    again.save()
    again.close()
    assert full(Run.open(run.folder.path, write=False)) == before


def test_reading_changes_nothing_on_disk_even_of_a_torn_run(make):
    run = make()
    drive(run, 20, COMMANDS, stop_at=14)
    path = run.folder.path
    run._write_rows()
    with open(path / "journal.jsonl", "ab") as file:
        file.write(b'{"step": 14, "what": "no')
    with open(path / "metrics.f32", "ab") as file:
        file.write(b"\x00\x01")
    before = disk(path)
    seen = Run.open(path, write=False)  # while another writes
    assert seen.state.step == seen.folder.steps()[-1]
    assert len(seen.rows) == seen.state.step
    assert all(line["step"] <= seen.state.step for line in seen.lines)  # curves and recipe are those of the checkpoint
    assert disk(path) == before


# --- killed -------------------------------------------------------------------------------------------------------


def killed(run: Run, stop_at: int, commands: dict, every: int, monkeypatch, path: Path, tail: bytes = b"") -> Path:
    """A copy of the folder as `kill -9` after a step leaves it; checkpoints are taken every `every` steps."""
    monkeypatch.setattr(running, "CHECKPOINT_SECONDS", 1e9)
    steps = run.train(stop_at + 1)
    state, _ = next(steps)
    todo = {k: list(v) for k, v in commands.items()}
    while state.step < stop_at or todo.get(state.step):
        if state.step == every:
            run.save()
        waiting = todo.get(state.step)
        state, _ = steps.send(waiting.pop(0) if waiting else None)
    shutil.copytree(run.folder.path, path, ignore=shutil.ignore_patterns("lock", "owner.json"))
    with open(path / "journal.jsonl", "ab") as file:
        file.write(tail)
    return path


@pytest.mark.parametrize(("every", "stop_at"), [(a, b) for a in (0, 2, 3, 6, 8, 9, 12) for b in (8, 13, 16) if a <= b])
def test_a_killed_run_does_again_what_was_done(make, monkeypatch, tmp_path, every, stop_at):
    whole = make("whole")
    drive(whole, 20, {k: v for k, v in COMMANDS.items() if k <= stop_at})
    path = killed(make("victim"), stop_at, COMMANDS, every, monkeypatch, tmp_path / "copy", b'{"step": 99, "wh')
    again = Run.open(path)
    assert again.state.step == every
    assert len(again.rows) == every
    drive(again, 20)
    again.close()
    assert full(again) == full(whole)
    assert [(line["step"], line["text"]) for line in again.folder.lines()] == [(line["step"], line["text"]) for line in again.lines]
    third = Run.open(path)
    third.close()
    assert full(third) == full(whole)


@pytest.mark.parametrize("every", [0, 6, 12])
def test_a_phase_that_ended_by_itself_does_not_end_twice(make, monkeypatch, tmp_path, every):
    whole = make("whole")
    drive(whole, 20, {3: COMMANDS[3]})
    again = Run.open(killed(make("victim"), 15, {3: COMMANDS[3]}, every, monkeypatch, tmp_path / "copy"))
    drive(again, 20)
    again.close()
    assert [phase for phase, _, _ in again.state.trail] == [0] * 12 + [1] * 8
    assert full(again) == full(whole)


def test_a_killed_run_opens_as_it_was_left(make, monkeypatch, tmp_path):
    left = {6: [SetKnobs({"rate": 0.5}), NextPhase(), Note("then the light went out")]}
    again = Run.open(killed(make("victim"), 6, left, 6, monkeypatch, tmp_path / "copy"))
    again.close()
    assert (again.state.step, again.knobs.rate, again.phase) == (6, 0.5, "play")
    assert [line["what"] for line in again.lines] == ["made", "knobs", "phase", "note"]


@pytest.mark.parametrize("twice_at", [7, 9, 10, 14])
def test_a_run_killed_twice_still_does_it_again(make, monkeypatch, tmp_path, twice_at):
    whole = make("whole")
    drive(whole, 20, COMMANDS)
    path = killed(make("victim"), 16, COMMANDS, 6, monkeypatch, tmp_path / "copy")
    second = killed(Run.open(path), twice_at, {}, -1, monkeypatch, tmp_path / "copy2")
    again = Run.open(second)
    drive(again, 20)
    again.close()
    assert full(again) == full(whole)


def test_a_checkpoint_where_a_phase_ends_continues_in_the_next(make, monkeypatch):
    monkeypatch.setattr(running, "CHECKPOINT_SECONDS", -1.0)  # at every BETWEEN, also at step 12, where "warm" ends
    run = make()
    drive(run, 20, stop_at=12)
    run.close()
    again = Run.open(run.folder.path)
    assert (again.state.step, again.phase) == (12, "play")
    drive(again, 20)
    again.close()
    assert [phase for phase, _, _ in again.state.trail] == [0] * 12 + [1] * 8


@pytest.mark.parametrize("choice", [SetKnobs({"rate": 0.9}), NextPhase()])
def test_a_person_who_goes_another_way_after_a_kill_is_not_overruled(make, monkeypatch, tmp_path, choice):
    """What was to be done again is given up, in memory and on disk."""
    path = killed(make("victim"), 16, COMMANDS, 6, monkeypatch, tmp_path / "copy")
    again = Run.open(path)
    again.apply(choice)
    assert again.folder.lines() == again.lines
    drive(again, 10)
    again.close()
    assert again.folder.lines() == again.lines
    assert {rate for _, rate, _ in again.state.trail[6:]} == ({0.9} if isinstance(choice, SetKnobs) else {0.3})
    assert [phase for phase, _, _ in again.state.trail[6:]] == [int(isinstance(choice, NextPhase))] * 4
    third = Run.open(path)
    drive(third, 11)
    third.close()
    assert third.state.trail[:10] == again.state.trail
    assert third.state.trail[10][:2] == again.state.trail[9][:2]
    assert [(line["step"], line["text"]) for line in third.lines] == [(line["step"], line["text"]) for line in again.lines]


KILL = """
import sys
from pathlib import Path
from models import run as running
from models.algorithms import began
from models.contract import Note, Plan, SetKnobs
began.BETWEEN, running.CHECKPOINT_SECONDS = 5, 0.0
run = running.Run.create(Path(sys.argv[1]), "began", sys.argv[2], config=dict(n=4, h=8, z=8, batch=4), plan=Plan("cpu", 1, "float32", True, "off"))
steps = run.train(200)
state, _ = next(steps)
todo = {12: [SetKnobs({"gamma": 0.7}), Note("γ up")], 21: [SetKnobs({"lr": 1e-3}), SetKnobs({"update": "alternating"})]}
while True:
    if state.step == 23:
        print("here", flush=True)
    state, _ = steps.send(todo[state.step].pop(0) if todo.get(state.step) else None)
"""


def test_a_real_kill_9_is_survived_bit_for_bit(tmp_path, pictures, small, cpu, monkeypatch):
    monkeypatch.setattr(began, "BETWEEN", 5)
    with subprocess.Popen([sys.executable, "-c", KILL, str(tmp_path / "run"), str(pictures)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline().strip() == "here"
        with pytest.raises(RunBusy, match=f"pid {victim.pid}"):
            Run.open(tmp_path / "run")
        victim.send_signal(signal.SIGKILL)
    again = Run.open(tmp_path / "run")
    assert again.state.step % 5 == 0
    assert again.state.step >= 20
    goal = again.state.step + 15
    drive(again, goal)
    again.close()
    whole = Run.create(tmp_path / "whole", "began", str(pictures), config=small["began"], plan=cpu)
    drive(whole, goal, {12: [SetKnobs({"gamma": 0.7}), Note("γ up")], 21: [SetKnobs({"lr": 1e-3}), SetKnobs({"update": "alternating"})]})
    whole.close()
    assert again.knobs.gamma == 0.7
    assert again.knobs.update == "alternating"
    assert full(again)[:4] == full(whole)[:4]
    assert full(again)[5] == full(whole)[5]


# --- phases entered again, lengthened, skipped --------------------------------------------------------------------

PHASES = {  # warm has 12 steps, play 8 and goes on
    2: [Lengthen(3)],
    4: [GoToPhase("warm"), Note("from the beginning")],  # with its whole length, and no longer
    7: [NextPhase(), Lengthen(2)],  # play, of 10 steps
    9: [GoToPhase("warm"), SetKnobs({"rate": 0.4})],
    11: [Lengthen(1), Lengthen(1)],  # warm, of 14 steps, until 23
    25: [GoToPhase("play"), Lengthen(4)],
}
TRAIL = [0] * 7 + [1] * 2 + [0] * 14 + [1] * 7


def test_a_phase_that_is_entered_again_has_its_whole_length(make):
    run = make()
    drive(run, 30, {5: [GoToPhase("warm")], 18: [GoToPhase("warm")], 21: [GoToPhase("play")]})
    assert [phase for phase, _, _ in run.state.trail] == [0] * 17 + [1] * 1 + [0] * 3 + [1] * 9
    assert [(line["step"], line["text"], line["asked"]) for line in run.lines if line["what"] == "phase"] == [
        (5, "warm", True),
        (17, "play", False),
        (18, "warm", True),
        (21, "play", True),
    ]


def test_the_total_is_of_the_phases_as_they_are_now(make):
    run = make()
    drive(run, 4)
    run.apply(Lengthen(5))
    assert (run.total, run.phases[0].steps, run.lines[-1]["text"]) == (25, 17, "warm longer by 5 steps")
    run.apply(Lengthen(1))
    assert run.total == 26
    run.apply(GoToPhase("warm"))  # what was added belongs to the time before
    assert (run.total, run.phases[0].steps) == (4 + 20, 12)
    run.apply(GoToPhase("play"))
    assert (run.total, run.phase) == (12, "play")
    run.apply(Lengthen(7))
    assert (run.total, [p.steps for p in run.phases]) == (19, [12, 15])
    run.apply(NextPhase())  # there is none
    assert run.total == 19


def test_a_phase_that_a_run_does_not_have_is_refused_in_a_sentence(make):
    run = make()
    before = len(run.lines)
    with pytest.raises(BadInput, match=r"This run has no phase 'rest'; it has warm, play\."):
        run.apply(GoToPhase("rest"))
    assert (run.phase, len(run.lines)) == ("warm", before)


def test_phases_that_are_entered_again_lengthened_and_skipped(make):
    run = make()
    drive(run, 30, PHASES)
    assert [phase for phase, _, _ in run.state.trail] == TRAIL
    assert run.total == 25 + 12
    assert [(line["step"], line["what"]) for line in run.lines if line["what"] in ("phase", "longer")] == [
        (2, "longer"),
        (4, "phase"),
        (7, "phase"),
        (7, "longer"),
        (9, "phase"),
        (11, "longer"),
        (11, "longer"),
        (23, "phase"),
        (25, "phase"),
        (25, "longer"),
    ]


def test_lengthened_phases_are_kept_by_a_run_that_is_stopped(make):
    whole, parts = make("whole"), make("parts")
    drive(whole, 30, PHASES)
    path = parts.folder.path
    for stop in (2, 3, 4, 7, 8, 9, 11, 20, 23, 25, 26, 30):
        drive(parts, stop, {k: v for k, v in PHASES.items() if parts.state.step <= k < stop})
        before = parts.phases, parts.total
        parts.close()
        parts = Run.open(path)
        assert (parts.phases, parts.total) == before
    parts.close()
    assert full(parts) == full(whole)
    seen = Run.open(path, write=False)
    assert (seen.phases, seen.total) == (whole.phases, whole.total)


@pytest.mark.parametrize(("every", "stop_at"), [(a, b) for a in (0, 3, 4, 9, 11, 23) for b in (5, 10, 12, 26) if a <= b])
def test_a_killed_run_enters_and_lengthens_phases_again(make, monkeypatch, tmp_path, every, stop_at):
    whole = make("whole")
    drive(whole, 45, {k: v for k, v in PHASES.items() if k <= stop_at})
    path = killed(make("victim"), stop_at, PHASES, every, monkeypatch, tmp_path / "copy")
    again = Run.open(path)
    assert again.state.step == every
    drive(again, 45)
    again.close()
    assert full(again) == full(whole)
    assert (again.phases, again.total) == (whole.phases, whole.total)
    third = Run.open(path)
    third.close()
    assert (full(third), third.phases, third.total) == (full(whole), whole.phases, whole.total)


@pytest.mark.parametrize("choice", [GoToPhase("play"), Lengthen(4)])
def test_another_phase_after_a_kill_gives_up_what_was_to_be_done_again(make, monkeypatch, tmp_path, choice):
    again = Run.open(killed(make("victim"), 12, PHASES, 3, monkeypatch, tmp_path / "copy"))
    again.apply(choice)
    assert again.folder.lines() == again.lines
    drive(again, 30)
    again.close()
    went = [phase for phase, _, _ in again.state.trail]
    assert went == ([0] * 3 + [1] * 27 if isinstance(choice, GoToPhase) else [0] * (12 + 3 + 4) + [1] * 11)
    assert again.folder.lines() == again.lines


def test_going_back_takes_the_phase_and_its_length_with_it(make):
    run = make()
    drive(run, 3, {2: [Lengthen(3)]})
    drive(run, 8, {4: [GoToPhase("warm")], 7: [NextPhase(), Lengthen(2)]})
    assert (run.phase, run.total) == ("play", 17)
    run.go_back(3)
    assert (run.phase, run.phases[0].steps, run.total) == ("warm", 15, 23)
    drive(run, 20)
    run.close()
    assert [phase for phase, _, _ in run.state.trail] == [0] * 15 + [1] * 5


# --- what is known of the data ------------------------------------------------------------------------------------


def test_a_run_takes_over_what_is_known_of_its_data_once(make, toy):
    """`fitted` changes the settings that are recorded; `prepare` gives the fresh State what it keeps; an opened run has both from its files."""
    called = []

    def fitted(config, data):
        called.append(("fitted", config.width, data.spec))
        return toy.Config(width=5)

    def prepare(state, data):
        called.append(("prepare", tuple(state.net.weight.shape), data.spec))
        state.trail.append([9.0, 9.0, 9.0])

    toy.fitted, toy.prepare = fitted, prepare
    opened = toy.open_data
    toy.open_data = lambda spec, config, progress=None: (called.append(("open", config.width)), opened(spec, config, progress))[1]
    run = make(config={"width": 2})
    assert called == [("open", 2), ("fitted", 2, "data"), ("prepare", (1, 5), "data")]
    assert (run.config.width, run.folder.record["config"]) == (5, {"width": 5})
    drive(run, 3)
    run.go_back(0)
    run.close()
    called.clear()
    again = Run.open(run.folder.path)
    assert called == [("open", 5)]
    assert again.state.trail == [[9.0, 9.0, 9.0]]
    assert again.state.net.weight.shape == (1, 5)
    again.close()


def test_settings_that_do_not_fit_the_data_make_no_folder(make, toy, tmp_path):
    def fitted(config, data):
        raise BadData("These sentences have one word: give more.")

    toy.fitted = fitted
    with pytest.raises(BadData, match="one word"):
        make()
    assert not (tmp_path / "run").exists()


def test_what_prepare_raises_lets_the_lock_go(make, toy, tmp_path):
    def prepare(state, data):
        raise BadData("no words")

    toy.prepare = prepare
    with pytest.raises(BadData, match="no words"):
        make()
    del toy.prepare
    make(force=True)


# --- what goes wrong ----------------------------------------------------------------------------------------------


def spoil(toy, at: int, how: str):
    """The toy's step, which spoils step number `at`."""
    real = toy.step

    def step(state, batch, knobs_now):
        info = real(state, batch, knobs_now)
        if state.step == at:
            if how == "weight":
                with torch.no_grad():
                    state.net.weight[0, 0] = torch.nan
                return info
            return info._replace(**{"loss" if state.phase == 0 else "reward": torch.tensor(torch.nan if how == "nan" else torch.inf)})
        return info

    toy.step = step
    return real


@pytest.mark.parametrize("how", ["nan", "inf"])
@pytest.mark.parametrize("at", [1, 6, 8, 14, 20])
def test_a_value_that_is_not_finite_stops_the_run_and_the_last_good_state_stays(make, toy, at, how):
    clean = make("clean")
    drive(clean, 20)
    run = make()
    drive(run, min(5, at - 1))
    last = run.folder.steps()[-1]
    real = spoil(toy, at, how)
    with pytest.raises(Diverged, match="go back to it and lower the learning rate") as raised:
        drive(run, 20)
    assert (raised.value.step, raised.value.name) == (at, "loss" if at <= 12 else "reward")
    assert run.folder.steps()[-1] == last
    with pytest.raises(Diverged):
        run.save()
    assert run.folder.steps()[-1] == last
    toy.step = real
    run.go_back()
    assert (run.state.step, len(run.rows), len(run.folder.rows())) == (last, last, last)
    back = run.lines[-1]
    assert back["what"] == "back"
    assert any(line["what"] == "diverged" for line in back["undone"])
    assert run.folder.lines() == run.lines
    drive(run, 20)
    run.close()
    assert full(run)[0] == full(clean)[0]
    assert run.rows.tobytes() == clean.rows.tobytes()
    assert full(Run.open(run.folder.path, write=False)) == full(run)


def test_a_weight_that_is_not_finite_is_never_saved(make, toy):
    run = make()
    spoil(toy, 5, "weight")
    with pytest.raises(Diverged):
        drive(run, 5)
    assert run.folder.steps() == [0]


def test_after_a_divergence_the_next_process_starts_at_the_last_good_state_without_the_knob_that_did_it(make, toy):
    run = make()
    drive(run, 5)
    real = spoil(toy, 8, "nan")
    with pytest.raises(Diverged):
        drive(run, 20, {6: [SetKnobs({"rate": 1.0})]})
    run.close()
    toy.step = real
    again = Run.open(run.folder.path)
    drive(again, 20)
    again.close()
    assert again.knobs.rate == 0.1


def test_go_back_to_an_earlier_step_takes_its_knobs(make):
    run = make()
    drive(run, 3)
    drive(run, 6, {3: [SetKnobs({"rate": 0.2})]})
    drive(run, 9, {6: [SetKnobs({"rate": 0.3})]})
    whole = make("whole")
    drive(whole, 12, {3: [SetKnobs({"rate": 0.2})]})
    run.go_back(6)
    assert (run.state.step, run.knobs.rate, len(run.rows)) == (6, 0.2, 6)
    assert run.folder.steps() == [0, 3, 6]
    drive(run, 12)
    run.close()
    assert full(run)[:3] == full(whole)[:3]
    assert run.rows.tobytes() == whole.rows.tobytes()
    with pytest.raises(BadFile, match="has no checkpoint of step 5; it has 0, 3, 6, 12"):
        run.go_back(5)


def test_go_back_before_anything_was_written(make):
    run = make()
    drive(run, 20, stop_at=3)
    run.go_back()
    assert (run.state.step, len(run.rows)) == (0, 0)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_exhausted_memory_is_a_sentence_and_the_run_can_go_back(make, toy, error):
    run = make()
    drive(run, 3)
    real = toy.step

    def hungry(state, batch, knobs_now):
        raise error

    toy.step = hungry
    with pytest.raises(OutOfMemory, match="use a smaller batch, size or n") as raised:
        drive(run, 6)
    assert "\n" not in str(raised.value)
    toy.step = real
    run.go_back()
    drive(run, 6)
    assert run.state.step == 6


def test_other_errors_of_a_step_are_not_taken_for_memory(make, toy):
    run = make()
    toy.step = lambda state, batch, knobs_now: torch.ones(2) @ torch.ones(3)
    with pytest.raises(RuntimeError, match="size"):
        drive(run, 6)


def test_a_full_disk_stops_the_run_with_its_state_good(make, monkeypatch):
    clean = make("clean")
    drive(clean, 12)
    run = make()

    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", refuse)
        with pytest.raises(DiskTrouble, match="is full"):
            drive(run, 6)
    assert run.folder.steps() == [0]
    run.save()
    drive(run, 12)
    run.close()
    assert full(run)[0] == full(clean)[0]
    assert run.rows.tobytes() == clean.rows.tobytes()


def test_a_knob_that_could_not_be_written_down_is_not_turned(make, monkeypatch):
    run = make()
    monkeypatch.setattr(run.folder, "_append", lambda name, content: (_ for _ in ()).throw(DiskTrouble("full")))
    with pytest.raises(DiskTrouble):
        run.apply(SetKnobs({"rate": 0.9}))
    with pytest.raises(DiskTrouble):
        run.apply(NextPhase())
    assert (run.knobs.rate, run.state.phase, len(run.lines)) == (0.1, 0, 1)


def test_data_that_changed_are_refused(make, toy):
    run = make()
    run.close()
    toy.open_data = lambda spec, config, progress=None: SimpleNamespace(id="1" * 16, spec=spec, title=spec)
    with pytest.raises(BadData, match="does not hold the pictures that run was made from: restore them, name their new place"):
        Run.open(run.folder.path)
    assert Run.open(run.folder.path, write=False, data=False).data is None
    toy.open_data = lambda spec, config, progress=None: SimpleNamespace(id="0" * 16, spec=spec, title=spec)
    Run.open(run.folder.path).close()  # the failed opening let the lock go


@pytest.mark.parametrize("damage", ["cut", "weight", "empty", "system"])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(make, damage):
    whole = make("whole")
    drive(whole, 20, COMMANDS)
    run = make()
    drive(run, 5, COMMANDS)
    drive(run, 10, {k: v for k, v in COMMANDS.items() if k >= 5})
    run.close()
    newest = run.folder.checkpoint(10)
    content = newest.read_bytes()
    if damage == "weight":
        tensors, header = checkpoint.read(newest)
        tensors["net.weight"][0, 0] += 1e-3
        save_file(tensors, newest, {"studio": json.dumps(header)})
    elif damage == "system":
        newest.write_bytes(content.replace(b'\\"system\\": \\"toy\\"', b'\\"system\\": \\"tox\\"'))
    else:
        newest.write_bytes(b"" if damage == "empty" else content[:-10])
    with pytest.raises(BadFile):
        Run.open(run.folder.path, step=10)
    again = Run.open(run.folder.path)
    assert again.state.step == 5
    drive(again, 20, {15: COMMANDS[15]})
    again.close()
    (told,) = [line for line in again.lines if line["what"] == "damaged"]
    assert "step 10 cannot be read" in told["text"]
    again.lines.remove(told)
    assert full(again) == full(whole)
    assert Run.open(run.folder.path, write=False).state.step == 20


def test_a_run_without_a_readable_checkpoint_gives_the_reason(make):
    run = make()
    run.close()
    run.folder.checkpoint(0).write_bytes(b"")
    with pytest.raises(BadFile, match="damaged or cut short"):
        Run.open(run.folder.path)
    run.folder.checkpoint(0).unlink()
    with pytest.raises(BadFile, match="has no checkpoint: start a new run"):
        Run.open(run.folder.path)
    with pytest.raises(BadFile, match="has no checkpoint of step 3"):
        Run.open(run.folder.path, step=3)


def test_an_earlier_step_can_be_looked_at(make):
    run = make()
    drive(run, 4)
    early = full(run)
    drive(run, 8, {4: [SetKnobs({"rate": 0.9})]})
    seen = Run.open(run.folder.path, write=False, step=4)
    assert full(seen) == early
    assert seen.recipe()["knob_history"] == []  # that of the step, not of what came later
    assert run.recipe()["knob_history"] == [{"step": 4, "change": {"rate": 0.9}}]


# --- devices ------------------------------------------------------------------------------------------------------


def test_a_run_of_a_gpu_opens_on_the_cpu(make, monkeypatch, cpu):
    record = {"device": "cuda", "threads": 3, "precision": "bfloat16", "channels_last": True, "compile": "reduce-overhead"}
    monkeypatch.setattr(device, "available", lambda: ["cpu"])
    moved = opening.recorded_plan(record, None)
    assert (moved.device, moved.threads, moved.precision) == ("cpu", 3, "bfloat16")
    assert opening.recorded_plan(record, "auto") == moved == opening.recorded_plan(record, "cpu")
    with pytest.raises(BadSetting, match="no usable cuda"):
        opening.recorded_plan(record, "cuda")
    monkeypatch.setattr(device, "available", lambda: ["cuda", "cpu"])
    assert opening.recorded_plan(record, "auto").device == "cuda"
    assert opening.recorded_plan(record, "cpu").device == "cpu"
    assert opening.recorded_plan({**record, "device": "cpu"}, None).device == "cpu"
    assert opening.recorded_plan({**record, "device": "cpu"}, "cuda").device == "cuda"


def test_views_go_through_the_run(make):
    run = make()
    assert run.view("loss", n=2).numbers["loss"].shape == (2,)


def test_a_recipe_names_all_that_decides(make):
    run = make(seed=4)
    drive(run, 5, COMMANDS)
    recipe = run.recipe()
    tensors, _ = checkpoint.flatten(run.state)
    assert recipe["state_hash"] == checkpoint.state_hash(tensors) == checkpoint.read_header(run.folder.checkpoint(5))["state_hash"]
    assert (recipe["step"], recipe["training_seed"], recipe["knobs"]) == (5, 4, {"rate": 0.2})
    assert recipe["knob_history"] == [{"step": 3, "change": {"rate": 0.2}}]
    assert {"system", "run", "data", "config", "plan", "versions"} <= set(recipe)
    assert os.path.isabs(recipe["run"]["path"])


def test_a_net_that_fell_back_from_compiling_is_told_once(make, toy, monkeypatch):
    run = make()
    run.state.net.fell_back = "no compiler found"
    drive(run, 3)
    assert [line["text"] for line in run.lines if line["what"] == "compile"] == [
        "compiling net did not work here, so it runs without: no compiler found"
    ]


def test_a_run_whose_curves_have_other_names_goes_on_with_them(make):
    run = make()
    drive(run, 4)
    run.close()
    path = run.folder.path
    record = json.loads((path / "run.json").read_text())
    *kept, last = record["columns"]
    (path / "run.json").write_text(json.dumps(record | {"columns": [*kept, "of_another_version"]}))
    again = Run.open(path)
    drive(again, 8)
    again.close()
    straight = make("straight")
    drive(straight, 8)
    assert last not in again.folder.columns
    assert again.rows.shape == (8, len(kept) + 1)
    np.testing.assert_array_equal(again.rows[:, :-1], straight.rows[:, :-1])
    assert np.isnan(again.rows[4:, -1]).all()
    np.testing.assert_array_equal(again.rows[:4, -1], straight.rows[:4, -1])
    assert full(again)[0] == full(straight)[0]  # what is decided between steps sees the same names
    assert RunFolder.open(path, write=False).rows().tobytes() == again.rows.tobytes()
