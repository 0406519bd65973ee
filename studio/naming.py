"""Names of runs, which are names of folders as well. No Qt."""

from __future__ import annotations

import re
from pathlib import Path

from models.errors import BadInput

LONGEST = 80  # letters of a name
FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # of a folder's name, on one system or another
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # names of devices on Windows


def check_name(name: str) -> str:
    """A name that a folder can have on every system, without spaces around it; raises BadInput."""
    name = name.strip()
    if not name or name.startswith(".") or name.endswith("."):
        raise BadInput(f"{name!r} is no name for a run: it needs a letter or a digit, and neither begins nor ends with a dot.")
    if len(name) > LONGEST:
        raise BadInput(f"A name can have {LONGEST} letters; this one has {len(name)}.")
    if bad := FORBIDDEN.search(name):
        raise BadInput(f"A name cannot have the sign {bad.group()!r}, because it is a folder's name as well: leave it out.")
    if RESERVED.fullmatch(name):
        raise BadInput(f"{name} is the name of a device on Windows, so no folder can have it there: add a letter.")
    return name


def free_name(path: Path) -> Path:
    """The path itself if nothing is there, else with the next number behind it: faces, faces-2, faces-3 …"""
    stem, number = re.fullmatch(r"(.*?)(?:-(\d{1,6}))?", path.name).groups()  # pyright: ignore[reportOptionalMemberAccess]
    count = int(number or 1)
    while path.exists() or path.is_symlink():
        count += 1
        path = path.with_name(f"{stem}-{count}")
    return path
