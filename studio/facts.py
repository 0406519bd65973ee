"""What a report of a problem and the page About say: versions, licences, checks, logs. Read when asked, from what is installed. No Qt."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from models.files import home
from studio import logs
from studio.doctor import Check

STUDIO = "sampling-studio"
MAIN = ("PySide6-Essentials", "pyqtgraph", "torch", "numpy", "scipy", "pillow", "pydantic", "safetensors")


@dataclass(frozen=True)
class Package:
    """One that the studio needs, itself or through another."""

    name: str
    version: str
    licence: str


def packages() -> list[Package]:
    """All that is installed of what the studio needs, by name; those of extras are there if they are installed."""
    wait, seen = deque([STUDIO]), dict[str, Package]()
    while wait:
        name = wait.popleft()
        key = _key(name)
        if key in seen:
            continue
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        seen[key] = Package(found.metadata["Name"], found.version, licence_of(found))
        for line in found.requires or ():
            if key == _key(STUDIO) or "extra ==" not in line:
                wait.append(re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0])
    return sorted((p for key, p in seen.items() if key != _key(STUDIO)), key=lambda p: p.name.casefold())


def licence_of(found: importlib.metadata.Distribution) -> str:
    """In a few words, as the package states it."""
    told = found.metadata
    said = next((str(text).strip() for name in ("License-Expression", "License") for text in told.get_all(name) or () if str(text).strip()), "")
    classes = [c.rpartition("::")[2].strip() for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    if said and len(said) <= 80 and "\n" not in said:
        return said
    named = [c for c in classes if c != "OSI Approved"]
    return ", ".join(named) or (said.splitlines()[0][:80] if said else "see its own files")


def licence_text() -> str:
    """The studio's own licence; "" where the installation has left it out."""
    try:
        for file in importlib.metadata.files(STUDIO) or ():
            if file.name == "LICENSE":
                return file.read_text("utf-8")
    except (importlib.metadata.PackageNotFoundError, OSError):
        pass
    try:
        return (Path(__file__).parents[1] / "LICENSE").read_text("utf-8")
    except OSError:
        return ""


def versions() -> list[tuple[str, str]]:
    """Of the studio, of Python, of the system and of what matters most."""
    out = [("Sampling Studio", logs.version()), ("Python", platform.python_version())]
    out += [("System", platform.platform()), ("Cores", str(os.cpu_count()))]
    for name in MAIN:
        try:
            out.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            out.append((name, "missing"))
    return out


def report(checks: list[Check] | None = None) -> str:
    """Versions, checks and the last lines of the logs, as text; the folder of the person is written as ~."""
    lines = ["Sampling Studio: report of a problem", "", "Versions", *(f"  {name}: {said}" for name, said in versions())]
    lines += [f"  Started as: {Path(sys.argv[0]).name}", f"  Home: {home()}", "", "Checks (sampling-studio doctor)"]
    if checks is None:
        lines.append("  not done yet")
    for check in checks or ():
        state = "well" if check["ok"] else "FAILED"
        lines.append(f"  {check['name']}: {state}, {check['found']}" + (f"; remedy: {check['remedy']}" if check["remedy"] else ""))
    for name, text in logs.tails():
        lines += ["", f"Last lines of {name}", *(f"  {line}" for line in text.splitlines())]
    return "\n".join(lines).replace(str(Path.home()), "~") + "\n"


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
