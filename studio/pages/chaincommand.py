"""Chains as the command line and Python say them. No Qt."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.chainmessages import ChainWish


def command(run: Path, wish: ChainWish, wishes: Sequence[str], knobs: Mapping[str, Any], steps: int, start: str, spec: str, trust: str | None) -> str:
    """The `sampling-studio chain …` line: the present settings, from the start. `start` is "noise", "codes" or a picture file."""
    words = ["sampling-studio", "chain", str(run), "--variant", wish.variant, "--mode", str(knobs["mode"]), "--objective", str(knobs["objective"])]
    for w in wishes:
        words += ["--condition", w]
    words.append(f"--epsilon={','.join(repr(float(knobs[name])) for name in ('epsilon1', 'epsilon2', 'epsilon3'))}")
    if knobs["mode"] == "released":
        words += ["--step-size", repr(float(knobs["step_size"]))]
    if wish.variant == "handmade":
        words += ["--handmade", str(knobs["handmade"])]
    words += ["--clip", repr(float(knobs["clip"])), "--start", start, "--chains", str(wish.chains), "--steps", str(steps), "--seed", str(wish.seed)]
    if spec:
        words += ["--classifier", spec, *(["--trust", trust] if trust else [])]
    return shlex.join([*words, "--out", "chains.png"])


def python(run: Path, step: int, record: Mapping[str, Any], spec: str, trust: str | None) -> str:
    """A script that makes the same chains again, bit for bit, with everything that was changed on the way."""
    lines = ["from pathlib import Path", ""]
    plain = not record["past"] and record["start"] in ("noise", "codes") and record["hole"] is None
    lines += ["from models.chains import Chains" if plain else "from models.chains import replay", "from models.run import Run", ""]
    lines += [f"run = Run.open(Path({str(run)!r}), data=False, write=False, step={step})", "parts = run.algorithm.parts(run.state)"]
    plug = "classifier=classifier" if spec else ""
    if spec:
        lines.insert(2, "from models.plug import open_classifier")
        told = f", trust={trust!r}" if trust else ""
        lines.append(f"classifier = open_classifier({spec!r}, size=parts.size, channels=parts.channels{told})")
    if plain:
        own = record["setup"]
        wishes = own["conditions"][0] if len(own["conditions"]) == 1 else own["conditions"]
        each = f"each={own['each']!r}, " if own.get("each") else ""
        lines.append(
            f"chains = Chains(parts, {record['variant']!r}, {wishes!r}, {own['knobs']!r}, {each}"
            f"chains={record['chains']}, seed={record['seed']}, start={record['start']!r}{', ' + plug if plug else ''})"
        )
        lines.append(f"chains.step({record['steps']})")
    else:
        lines.insert(0, "import json")
        lines.append(f"record = json.loads({json.dumps(record)!r})")
        lines.append(f"chains = replay(parts, record{', ' + plug if plug else ''})")
    return "\n".join([*lines, "pictures = chains.pictures()  # (chains, size, size, channels) uint8", "print(chains.t, chains.agreement())", ""])
