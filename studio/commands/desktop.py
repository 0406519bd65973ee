"""`desktop`: an entry in the menu of a Linux desktop, with its icon, for one person and without root."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from models.errors import BadInput, RunFailed
from models.files import trouble, write_bytes
from studio.assets import asset
from studio.commands.terminal import Result

NAME = "sampling-studio"


def data_home() -> Path:
    """Where a desktop looks for a person's own entries."""
    chosen = os.environ.get("XDG_DATA_HOME", "")
    return Path(chosen) if chosen and Path(chosen).is_absolute() else Path.home() / ".local" / "share"


def places() -> dict[Path, Path]:
    """Each file of the entry -> where it is put, under `data_home`."""
    icons = Path("icons") / "hicolor"
    out = {asset("icons/app.svg"): icons / "scalable" / "apps" / f"{NAME}.svg"}
    for file in sorted(asset("desktop/icons").glob("*.png")):
        size = file.stem.rpartition("-")[2]
        out[file] = icons / f"{size}x{size}" / "apps" / f"{NAME}.png"
    return out


def program() -> Path | None:
    """The program that the entry starts: the one beside this Python, which pip and pipx put there, or else on the PATH."""
    beside = Path(sys.executable).with_name(NAME)
    found = beside if beside.is_file() else shutil.which(NAME)
    return Path(found).absolute() if found else None


def entry(exe: Path) -> str:
    """The .desktop file that starts this program, wherever it was installed."""
    quoted = '"' + "".join(f"\\{c}" if c in '"`$\\' else c for c in str(exe)) + '"'
    command = quoted.replace("\\", "\\\\").replace("%", "%%")  # read twice: as a string, then as a command line
    told = {"Exec": command, "TryExec": str(exe).replace("\\", "\\\\")}
    lines = asset(f"desktop/{NAME}.desktop").read_text("utf-8").splitlines()
    return "".join(f"{key}={told[key]}\n" if (key := line.partition("=")[0]) in told else f"{line}\n" for line in lines)


def desktop(options: argparse.Namespace) -> Result:
    """Put the entry there, or take it away."""
    if not sys.platform.startswith("linux"):
        raise BadInput("desktop is for Linux: on macOS and Windows start sampling-studio from a terminal, or make a shortcut to it.")
    under = data_home()
    files = [under / "applications" / f"{NAME}.desktop", *(under / place for place in places().values())]
    if options.remove:
        gone = [file for file in files if _removed(file)]
        return {"removed": [str(f) for f in gone]}, f"Removed {len(gone)} files from {under}." if gone else "There was nothing to remove.", 0
    exe = program()
    if exe is None:
        raise RunFailed("The program sampling-studio is not installed here, so a menu could not start it: pip install it first.")
    for source, place in places().items():
        write_bytes(under / place, source.read_bytes())
    write_bytes(files[0], entry(exe).encode())
    return {"installed": [str(f) for f in files], "program": str(exe)}, f"{files[0]}: Sampling Studio is in the menu, and starts {exe}.", 0


def _removed(file: Path) -> bool:
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise trouble(error, file) from error
    return True
