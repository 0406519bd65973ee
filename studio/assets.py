"""Where the files are that the studio brings along: icons, fonts, demo checkpoints."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def asset(name: str) -> Path:
    """The path of a file under assets/, for example "icons/play.svg": inside the wheel, else in the checkout."""
    packed = _HERE / "_assets"
    return (packed if packed.is_dir() else _HERE.parent / "assets") / name
