"""`chain`: chains of the PPGN family on the parts of a run."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import BadInput, DiskTrouble, OutOfMemory
from studio.commands.clash import may_write, told
from studio.commands.terminal import Result, bar, number, stoppable, strict, tell
from studio.pace import Pace

if TYPE_CHECKING:
    from models.chains import Chains
    from studio.export.chaining import ChainsRecord

TAKES = {"sheet": ("zoom",), "strip": ("frames", "zoom"), "animation": ("frames", "fps", "zoom")}  # what an export may be asked for
AUTHORS = (1e-5, 1.0, 1e-17)  # ε of the paper's pictures, which are of mode released
CONTEXT = 0.1  # ε4 with a mask, unless it is given


def chain(options: argparse.Namespace) -> Result:
    """Walk, write what was asked for, and tell how the last frames are judged."""
    from studio.export.chaining import chain_exporters, chains_record

    name = _exporter(options)
    replaced = may_write(options.out, options.force)
    change = _change(options)
    if options.trust and not options.classifier:
        raise BadInput("--trust is the SHA-256 of a foreign classifier: give the classifier with --classifier.")
    run = _open(options)
    chains = _made(options, run, change)
    seconds = _walk(options, chains)
    exporter = chain_exporters()[name]
    record = chains_record(chains, run, backs=None if "frames" in exporter.needs else ())
    settings = {word: getattr(options, word) for word in TAKES.get(name, ()) if getattr(options, word) is not None}
    files = exporter.export(record, options.out, private=options.private or None, **settings)
    try:
        run.folder.pin(run.state.step)  # an exported file keeps its checkpoint
    except DiskTrouble:
        tell(f"{run.folder.path.name} cannot be written to, so its checkpoint of step {run.state.step:,} may be thinned out one day.")
    gone = int(record.frozen.sum())
    if gone:
        tell(f"{gone:,} of {len(record.frozen):,} chains left the finite numbers and were frozen: smaller ε, or a clip, keep more of them going.")
    result = _result(options, chains, record, seconds)
    return told((result, _text(result, chains, record, files[0] if exporter.extension else options.out), 0), replaced)


# --- what was asked for -------------------------------------------------------------------------------------------


def _exporter(options: argparse.Namespace) -> str:
    """The name of the exporter that --out means; raises BadInput."""
    from studio.export.chaining import chain_exporters

    suffix, moving = options.out.suffix.lower(), chain_exporters()["animation"]
    known = {".png": "strip" if options.strip else "sheet"} | dict.fromkeys((".webp", ".gif", ".apng", ".mp4"), "animation")
    known |= {".html": "gallery", ".csv": "csv", ".nc": "netcdf", "": "singles"}
    assert {e for e, n in known.items() if n == "animation"} <= {moving.extension, *moving.others}
    if suffix not in known:
        raise BadInput(f"Nothing here writes {suffix!r}; --out takes {', '.join(e for e in known if e)}, or FOLDER/ for single pictures.")
    if suffix == ".mp4":
        from studio.export.video import pyav

        pyav()  # before a step is walked
    if options.strip and suffix != ".png":
        raise BadInput(f"--strip writes .png; got {options.out.name!r}.")
    if suffix and options.out.is_dir():
        raise BadInput(f"{options.out} is a folder: give a file name, or end it with / for single pictures.")
    if not suffix and options.out.is_dir() and any(options.out.iterdir()) and not options.force:
        raise BadInput(f"{options.out} is not empty: choose another folder, or add --force to write into it.")
    if known[suffix] == "netcdf" and not options.steps:
        raise BadInput("Chains have no scalars before their first step: ask for --steps 1 or more, or for another export.")
    for word in ("frames", "fps", "zoom"):
        if getattr(options, word) is not None and word not in TAKES.get(known[suffix], ()):
            takers = ", ".join(n for n, words in TAKES.items() if word in words)
            raise BadInput(f"--{word} has no meaning for {options.out.name}: it is for {takers}.")
    return known[suffix]


def _change(options: argparse.Namespace) -> dict[str, Any]:
    """Knobs that differ from the variant's own, by name; raises BadInput."""
    change: dict[str, Any] = {"mode": options.mode, "objective": options.objective}
    if options.handmade is not None:
        if options.variant != "handmade":
            raise BadInput(f"--handmade is the prior of the variant handmade; got --variant {options.variant}.")
        change["handmade"] = options.handmade
    if options.epsilon is not None:
        change |= _epsilons(options)
    if options.mask is not None:
        if options.start in ("noise", "codes"):
            raise BadInput("--mask says what of a picture is kept, so it needs the picture: give --start FILE.")
        change.setdefault("epsilon4", CONTEXT)
    if options.step_size is not None:
        if options.mode == "paper":
            raise BadInput("--step-size acts in mode released only, where every step is normalised to it: add --mode released, or give --epsilon.")
        change["step_size"] = number(options.step_size, "--step-size")
    if options.clip is not None:
        change["clip"] = number(options.clip, "--clip")
    return change


def _epsilons(options: argparse.Namespace) -> dict[str, float]:
    found = [number(word, "--epsilon") for word in options.epsilon.split(",")]
    if len(found) not in (3, 4):
        raise BadInput(f"--epsilon takes three numbers, ε1,ε2,ε3 of prior, condition and noise, and with a mask a fourth; got {options.epsilon!r}.")
    if len(found) == 4 and options.mask is None:
        raise BadInput("The fourth ε pulls towards what a mask keeps, and there is no mask: give --mask FILE, or three numbers.")
    return {f"epsilon{i}": value for i, value in enumerate(found, 1)}


def _tell_epsilons(chains: Chains, change: dict[str, Any]) -> None:
    """A word of warning where ε of mode released are given to mode paper."""
    names = ("epsilon1", "epsilon2", "epsilon3")
    given = tuple(change.get(name) for name in names)
    if chains.variant.prior == "none" and given[0]:
        tell(f"{chains.variant.title} has no prior, so ε1 acts on nothing.")
    own = {mode: tuple(chains.variant.defaults[mode][name] for name in names) for mode in ("paper", "released")}
    if change["mode"] == "paper" and given != own["paper"] and given in (AUTHORS, own["released"]):
        written = ",".join(f"{value:g}" for value in given if value is not None)
        tell(
            f"ε {written} are numbers of mode released, where steps are normalised and only ratios act; mode paper takes them as they are: "
            "--mode released walks as the authors did."
        )


# --- how it is done -----------------------------------------------------------------------------------------------


def _open(options: argparse.Namespace) -> Any:
    """The run, on the device and with the threads that were asked for."""
    from models import device
    from models.run import Run

    run = Run.open(options.run, write=False, data=False, device_name=options.device)
    tell(run.notice)
    if not hasattr(run.algorithm, "parts"):
        raise BadInput(f"Chains walk on the parts of PPGN, and {run.folder.path.name} is a run of {run.algorithm.TITLE}: give a run of PPGN.")
    if options.threads:
        run.plan = replace(run.plan, threads=options.threads)
        device.use(run.plan)
    return run


def _made(options: argparse.Namespace, run: Any, change: dict[str, Any]) -> Chains:
    from models.chains import Chains
    from studio import start

    parts = run.algorithm.parts(run.state)
    if not options.condition:
        classes = [f"{a}={v}" if len(parts.heads) > 1 else v for a, values in parts.heads.items() for v in values]
        known = f"; this run knows the classes {', '.join(classes[:20])}{', …' * (len(classes) > 20)}" if classes else ""
        raise BadInput(f"A chain needs something to go for: give --condition CLASS or caption:TEXT{known}.")
    picture = options.start if options.start in ("noise", "codes") else start.picture(Path(options.start), parts.size, parts.channels)
    hole = None if options.mask is None else start.mask(options.mask, parts.size)
    classifier = None
    if options.classifier:
        plug = import_module("models.plug")  # late: it may need more than the rest
        asked = {"size": parts.size, "channels": parts.channels, "device": parts.device.type, "trust": options.trust}
        classifier = plug.open_classifier(options.classifier, **asked)
    more = {"chains": options.chains, "seed": options.seed, "start": picture, "hole": hole, "classifier": classifier}
    chains = _with_memory(lambda: Chains(parts, options.variant, options.condition, change, **more))
    _tell_epsilons(chains, change)
    return chains


def _with_memory(call: Any) -> Any:
    from models.opening import guarded

    try:
        return guarded(call)
    except OutOfMemory:
        raise OutOfMemory("The device has no memory for so many chains: ask for fewer --chains.") from None


def _walk(options: argparse.Namespace, chains: Chains) -> float:
    """Take the steps, or as many as there is patience for; returns the seconds that they took."""
    pace, began = Pace(), time.perf_counter()
    pace.start()
    with stoppable() as stopped, bar(f"{chains.variant.title} · {chains.chains:,} chain{'s' * (chains.chains > 1)}", options.steps) as show:
        while chains.t < options.steps and not stopped():
            _with_memory(chains.step)
            pace.mark(chains.t)
            show(chains.t, pace)
        chains.log_p()  # waits for the device
        seconds = time.perf_counter() - began
    if chains.t < options.steps:
        tell(f"Stopped at step {chains.t:,} of {options.steps:,}; what there is by then is written.")
    return seconds


# --- what is told -------------------------------------------------------------------------------------------------


def _result(options: argparse.Namespace, chains: Chains, record: ChainsRecord, seconds: float) -> dict[str, Any]:
    knobs, plan = chains.knobs, record.recipe["plan"]
    epsilons = [knobs.epsilon1, knobs.epsilon2, knobs.epsilon3] + [knobs.epsilon4] * (chains.context is not None)
    return {
        "out": str(options.out),
        "run": str(options.run),
        "variant": record.variant,
        "mode": knobs.mode,
        "objective": knobs.objective,
        "conditions": [str(c) for c in chains.setup.conditions[0]],
        "epsilon": epsilons,
        "step_size": knobs.step_size if knobs.mode == "released" else None,
        "clip": knobs.clip,
        "classifier": record.classifier or None,
        "start": options.start,
        "mask": None if options.mask is None else str(options.mask),
        "steps": record.steps,
        "chains": chains.chains,
        "seed": record.seed,
        "log_p": [strict(float(v)) for v in record.log_p],
        "scorer_log_p": None if record.scorer_log_p is None else [strict(float(v)) for v in record.scorer_log_p],
        "agreement": record.agreement,
        "agreement_note": record.note or None,
        "agreed": list(record.agreed),
        "frozen": int(record.frozen.sum()),
        "seconds": round(seconds, 3),
        "device": plan["device"],
        "threads": plan["threads"],
    }


def _text(result: dict[str, Any], chains: Chains, record: ChainsRecord, path: Path) -> str:
    count, gone = result["chains"], result["frozen"]
    if record.agreement is None:
        agreement = f"–  {record.note}"
    else:
        agreement = f"{record.agreement:.0%}  {sum(map(bool, record.agreed)):,} of {count:,} chains, by the independent classifier"
    settings = "  ".join(fact for fact in record.facts() if not fact.startswith(("asked for", "agreement", "no agreement")))
    network = "by the condition network" + ", weighted" * any(c.weight != 1 for c in chains.setup.conditions[0])
    rows = [
        f"{path}: {chains.variant.title}, {count:,} chain{'s' * (count > 1)}, {record.steps:,} steps in {result['seconds']:.1f} s",
        "",
        f"{'asked for':<12}{' + '.join(result['conditions'])}",
        f"{'settings':<12}{settings}",
        f"{'agreement':<12}{agreement}",
        f"{'log p':<12}{_spread(record.log_p)}  {network}",
    ]
    if record.scorer_log_p is not None:
        rows.append(f"{'':<12}{_spread(record.scorer_log_p)}  by the independent classifier")
    return "\n".join([*rows, f"{'diverged':<12}{gone if gone else 'none'}"])


def _spread(values: np.ndarray) -> str:
    good = np.flatnonzero(np.isfinite(values))
    if not len(good):
        return "–"
    worst = good[np.argmin(values[good])]
    return f"mean {values[good].mean():.4g}, worst {values[worst]:.4g} (chain {worst})"
