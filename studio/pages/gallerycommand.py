"""What the gallery shows, as a command for the terminal and as a script."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

NAMES = {"find": "text"}  # what the command line calls otherwise than `Gallery.query`


def command(asked: Mapping[str, Any]) -> str:
    """`asked` is by the names of the command line; what is "" or False is left out."""
    words = ["sampling-studio", "gallery", "list"]
    for flag, value in asked.items():
        words += [f"--{flag}"] if value is True else [f"--{flag}", shlex.quote(str(value))] if value else []
    return " ".join(words)


def python(asked: Mapping[str, Any]) -> str:
    """A script that prints the same."""
    given = ", ".join(f"{NAMES.get(name, name)}={value!r}" for name, value in asked.items() if value)
    return (
        "from studio.gallery import Gallery\n\n"
        f"gallery = Gallery.open()\nids = gallery.query({given})\nfor entry in gallery.entries(ids):\n"
        "    print(entry.id, entry.run, entry.step, entry.seed, entry.row, entry.text or (entry.width, entry.height))\n"
    )
