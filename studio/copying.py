"""What a page shows as lines for the terminal and as Python: the training of a run anew, with every turn of a knob at its step, and its samples.

No Qt. Every text made here runs as it stands; the tests run each kind.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pprint import pformat
from typing import Any

from models.journal import RunFolder
from models.knobs import describe

PROGRAM = "sampling-studio"
MACHINE = ("device", "threads", "precision", "compile")  # options of `train` that say how a run computes
AUTO = {"device": "auto", "threads": None, "precision": "auto", "compile": "off"}
WIDE = 120  # columns of a script


@dataclass(frozen=True)
class Training:
    """All that makes a run anew, up to `step`."""

    system: str
    data: str
    preset: str
    seed: int
    step: int | None  # None: as many as the preset has
    out: str
    config: Mapping[str, Any] = field(default_factory=dict)  # what differs from the preset
    knobs: Mapping[str, Any] = field(default_factory=dict)  # likewise, at step 0
    machine: Mapping[str, Any] = field(default_factory=dict)  # what differs from AUTO
    plan: Mapping[str, Any] = field(default_factory=dict)  # as it was recorded; empty for one that is chosen when it begins
    tensorboard: bool = False
    turns: tuple[tuple[int, Mapping[str, Any]], ...] = ()  # step -> knobs, after step 0
    moves: tuple[tuple[int, str, Any], ...] = ()  # step, "phase" or "longer", its name or steps: what no command can say


# --- what there is ------------------------------------------------------------------------------------------------


def training_of(path: Path, step: int) -> Training:
    """Of a run on disk, as its journal has it up to `step`; raises BadFile."""
    from models import catalog
    from models.opening import preset_of

    folder = RunFolder.open(path, write=False)
    record = folder.record
    algorithm = catalog.algorithm(record["system"])
    preset = preset_of(algorithm, record["preset"])
    lines = [line for line in folder.lines() if line["step"] <= step]
    first = dict(record["knobs"])
    turns: dict[int, dict[str, Any]] = {}
    for line in lines:
        if line["what"] == "knobs" and line["step"] == 0:
            first |= line["change"]
        elif line["what"] == "knobs" and line["step"] < step:
            turns[line["step"]] = {**turns.get(line["step"], {}), **line["change"]}
    moves = [
        (line["step"], line["what"], line["text"] if line["what"] == "phase" else line["steps"])
        for line in lines
        if (line["what"] == "phase" and line.get("asked")) or line["what"] == "longer"
    ]
    plan = record["plan"]
    return Training(
        system=record["system"],
        data=record["data"]["spec"],
        preset=record["preset"],
        seed=record["seed"],
        step=step,
        out=f"{record['name']}-again",
        config=changed(algorithm.Config, preset.config, record["config"], getattr(algorithm, "FOUND", ())),
        knobs=changed(algorithm.Knobs, preset.knobs, first),
        machine={name: plan[name] for name in MACHINE if name in plan and plan[name] != AUTO[name]},
        plan=plan,
        tensorboard=bool(record.get("tensorboard")),
        turns=tuple(turns.items()),
        moves=tuple(moves),
    )


def training_wished(wish: Any, name: str) -> Training:
    """Of a form: `wish` is a messages.NewRun."""
    from models import catalog
    from models.opening import preset_of

    algorithm = catalog.algorithm(wish.system)
    preset = preset_of(algorithm, wish.preset)
    machine = {name: getattr(wish, name) for name in MACHINE if getattr(wish, name) != AUTO[name]}
    config = changed(algorithm.Config, preset.config, wish.config, getattr(algorithm, "FOUND", ()))
    return Training(wish.system, wish.data, wish.preset, wish.seed, None, name, config, machine=machine, tensorboard=wish.tensorboard)


def changed(kind: Any, preset: Mapping[str, Any], values: Mapping[str, Any], found: Sequence[str] = ()) -> dict[str, Any]:
    """Of settings, those that the preset has otherwise; what the data decide is left out."""
    usual = {**{k.name: k.default for k in describe(kind)}, **preset}
    return {name: value for name, value in values.items() if name in usual and name not in found and value != usual[name]}


def checkpoint_of(path: Path, step: int) -> int:
    """The newest checkpoint of a run that is not after `step`."""
    return max((s for s in RunFolder.open(path, write=False).steps() if s <= step), default=0)


# --- for the terminal ---------------------------------------------------------------------------------------------


def command(*words: object) -> str:
    """One line."""
    return shlex.join([PROGRAM, *map(str, words)])


def runs_command() -> str:
    """What a page says that is about no single run."""
    return command("runs")


def _set(values: Mapping[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in ("--set", f"{name}={_text(value)}")]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def train_command(t: Training) -> str:
    """`train`, and a `resume` for every step at which a knob was turned."""
    words: list[object] = ["train", t.system, f"--data={t.data}", "--preset", t.preset, "--seed", t.seed]
    for name, value in t.machine.items():
        words += [f"--{name}", value]
    if t.tensorboard:
        words.append("--tensorboard")
    words += _set({**t.config, **t.knobs})
    ends = [*(step for step, _ in t.turns), t.step]
    lines = [command(*words, *([] if ends[0] is None else ["--steps", ends[0]]), "--out", t.out)]
    for (_, change), end in zip(t.turns, ends[1:], strict=True):
        lines.append(command("resume", t.out, "--steps", end, *_set(change)))
    for step, what, value in t.moves:
        told = f"the phase {value} was entered early" if what == "phase" else f"the phase was made {value:,} steps longer"
        lines.append(f"# at step {step:,} {told}, which a command cannot say: copy as Python, which can")
    return "\n".join(lines)


def sample_command(path: Path, step: int, drawn: Mapping[str, Any], out: str) -> str:
    """What is on the stage; `drawn` as TrainingPage.drawn has it."""
    words: list[object] = ["sample", path, "--step", step, "-n", drawn["count"], "--seed", drawn["seed"]]
    if drawn.get("ema") is False:
        words.append("--no-ema")
    usual = {"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "prompt": "", "net": ""}
    for name, value in (drawn.get("options") or {}).items():
        if value != usual.get(name):
            words.append(f"--{name.replace('_', '-')}={_text(value)}")
    return command(*words, "--out", out)


# --- as Python ----------------------------------------------------------------------------------------------------


def runs_python() -> str:
    """The same as a script."""
    return "from studio.runs import listing\n\nfor run in listing():\n    print(run.name, run.system, run.step, run.path)\n"


def train_python(t: Training) -> str:
    """A script that trains with models.run.Run alone."""
    names = ["GoToPhase"] * any(what == "phase" for _, what, _ in t.moves) + ["Lengthen"] * any(what == "longer" for _, what, _ in t.moves)
    names += ["Plan"] * bool(t.plan) + ["SetKnobs"] * bool(t.turns)
    lines = ["from pathlib import Path", "", *([f"from models.contract import {', '.join(names)}"] if names else [])]
    lines += ["from models import device"] * bool(t.machine and not t.plan)
    lines += ["from models.run import Run", "", "run = Run.create(", f"    Path({t.out!r}),", f"    {t.system!r},", f"    {t.data!r},"]
    given: list[tuple[str, str]] = [("preset", repr(t.preset)), ("seed", repr(t.seed))]
    given += [(name, _dict(values)) for name, values in (("config", t.config), ("knob_values", t.knobs)) if values]
    if t.plan:
        given.append(("plan", f"Plan({', '.join(f'{k}={v!r}' for k, v in t.plan.items())})"))
    elif t.machine:
        given.append(("plan", f"device.choose({', '.join(f'{k}={v!r}' for k, v in t.machine.items())})"))
    given += [("tensorboard", "True")] * t.tensorboard
    lines += [f"    {name}={value}," for name, value in given] + [")"]
    commands = _commands(t)
    if commands:
        lines += ["commands = {  # before the step after these", *(f"    {step}: [{', '.join(told)}]," for step, told in commands.items()), "}"]
    end = "run.total" if t.step is None else str(t.step)
    lines += [f"for state, info in run.train({end}):"]
    if commands:
        lines += ["    for command in commands.pop(state.step, ()):", "        run.apply(command)"]
    lines += ["    if state.step % 100 == 0 and info is not None:", "        print(state.step)", "run.close()"]
    return "\n".join(lines) + "\n"


def _commands(t: Training) -> dict[int, list[str]]:
    out: dict[int, list[str]] = {}
    for step, change in t.turns:
        out.setdefault(step, []).append(f"SetKnobs({_dict(change)})")
    for step, what, value in t.moves:
        out.setdefault(step, []).append(f"GoToPhase({value!r})" if what == "phase" else f"Lengthen({value!r})")
    return dict(sorted(out.items()))


def _dict(values: Mapping[str, Any]) -> str:
    return pformat(dict(values), width=10_000, sort_dicts=False)


def sample_python(path: Path, step: int, drawn: Mapping[str, Any], exporter: str, out: str) -> str:
    """A script that draws what is on the stage, and writes it with an exporter."""
    given = [f"seed={drawn['seed']!r}", f"count={drawn['count']!r}", *([f"ema={drawn['ema']!r}"] if "ema" in drawn else [])]
    if drawn.get("options"):
        given.append(f"options={_dict(drawn['options'])}")
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "from models.run import Run",
            "from studio.export import exporters",
            "from studio.export.taking import record_of",
            "",
            f"run = Run.open(Path({str(path)!r}), write=False, data=False, step={step})",
            f"record = record_of(run, {', '.join(given)})  # record.pictures or record.sentences",
            f"exporters()[{exporter!r}].write(record, Path({out!r}))",
            "",
        ]
    )


def fill_command(path: Path, step: int, desk: Any, net: str, n: int, how: Mapping[str, Any], joiner: str) -> str:
    """The blanks of the desk filled by one net; a word that a person has locked is given."""
    fixed = dict(desk.fixed)
    words = [fixed.get(i, "___") if i in desk.blanks else word for i, word in enumerate(desk.tokens)]
    text = joiner.join(words)
    given: list[object] = ["fill", path, "-n", n, "--seed", how["seed"], "--net", net, "--step", step]
    for name, usual in (("temperature", 1.0), ("top_k", 0), ("nucleus", 1.0)):
        if how[name] != usual:
            given.append(f"--{name.replace('_', '-')}={_text(how[name])}")
    return command(*given, *(["--open-end"] if desk.open_end else []), "--", text)


def fill_python(path: Path, step: int, request: Mapping[str, Any]) -> str:
    """The same through the view that the desk asks; `request` are its arguments."""
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "from models.algorithms.maskgan.fillings import Fillings",
            "from models.run import Run",
            "",
            f"run = Run.open(Path({str(path)!r}), write=False, data=False, step={step})",
            f"request = {pformat(dict(request), width=WIDE, sort_dicts=False)}",
            'filled = Fillings.of(run.view("fill", **request))',
            "for words in filled.tokens:",
            "    print(filled.joiner.join(words))",
            "",
        ]
    )


def lab_python(walks: Sequence[tuple[str, str, int, int, int, Any, Mapping[str, float]]]) -> str:
    """Walks of the lab: kernel, target, chains, seed, steps, start, knobs of each."""
    lines = ["from models import catalog", "from models.lab import Lab", ""]
    for kernel, target, chains, seed, steps, start, knobs in walks:
        half = max(1, steps - steps // 2)
        begin = start if isinstance(start, str) else list(start)
        how = f"chains={chains}, seed={seed}, start={begin!r}, keep={half}"
        lines += [
            f"walk = Lab({kernel!r}, catalog.target({target!r}), {_dict(knobs)}, {how})",
            f"walk.step({steps})",
            f"print({kernel!r}, walk.summary({half}))",
        ]
    return "\n".join(lines) + "\n"
