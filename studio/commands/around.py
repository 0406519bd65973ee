"""`shoot` and `doctor`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from models.errors import BadInput, RunFailed
from studio.commands.terminal import Result


def shoot(options: argparse.Namespace) -> Result:
    """A picture of a page; drawn in a process of its own, because Qt reads its platform when it starts."""
    width, height = options.size
    if not 0.75 <= options.scale <= 2:
        raise BadInput(f"--scale must lie in [0.75, 2]; got {options.scale:g}.")
    request = {
        "page": options.page,
        "run": str(options.run.resolve()) if options.run else None,
        "data": options.data,
        "state": options.state,
        "theme": options.theme,
        "width": width,
        "height": height,
        "scale": options.scale,
        "out": str(options.out.resolve()),
    }
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-m", "studio.shoot", json.dumps(request)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise (BadInput if done.returncode == 2 else RunFailed)(reason)
    return {"out": str(options.out), "width": width, "height": height, "theme": options.theme}, str(options.out), 0


def doctor(options: argparse.Namespace) -> Result:
    """Is everything here that the studio needs?"""
    from studio.doctor import checks

    found = checks(options.device)
    rows = [f"{'ok  ' if c['ok'] else 'FAIL'}  {c['name']:<10} {c['found']}" + ("" if c["ok"] else f"\n      → {c['remedy']}") for c in found]
    return {"checks": found}, "\n".join(rows), int(not all(c["ok"] for c in found))
