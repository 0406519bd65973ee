"""What a person has chosen for the whole studio: one small JSON file in its home, read by the window and the command line alike.

A file that cannot be read is set aside as settings.json.bad, never deleted, and the defaults hold.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.errors import BadInput, BadSetting
from models.files import home, write_json

VERSION = 1
problem = ""  # why the file could not be read, as one sentence; "" if it could


class Settings(BaseModel):
    """All of them, with their defaults. Frozen: `change` makes new ones."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    version: int = VERSION
    theme: Literal["system", "light", "dark"] = Field(default="system", description="Light, dark, or as the system says")
    scale: float = Field(default=1.0, ge=0.75, le=2.0, description="Size of text and controls")
    runs_folder: str = Field(default="", description="Where new runs go and runs are looked for; empty: the studio's own folder")
    device: str = Field(default="auto", max_length=40, description="Device of new runs")
    threads: int | None = Field(default=None, ge=1, le=1024, description="Threads of new runs; they decide over bits, so a run keeps its own")
    privacy: bool = Field(default=False, description="Leave folders, notes and the machine out of the recipes in exported files")
    reduce_motion: bool = Field(default=False, description="Nothing moves by itself")
    notify: bool = Field(default=True, description="Tell when a training has ended or failed")
    keep_awake: bool = Field(default=True, description="Keep the machine awake while a run trains")
    reel_mb: int = Field(default=64, ge=1, le=100_000, description="Disk for the samples that one run keeps of its training, in MB")
    checkpoint_mb: int = Field(default=256, ge=1, le=1_000_000, description="Disk for the checkpoints that one run keeps to be forked from, in MB")

    @field_validator("runs_folder")
    @classmethod
    def _whole(cls, value: str) -> str:
        if "\0" in value or (value and not Path(value).expanduser().is_absolute()):
            raise ValueError("must be a whole path, such as /home/me/runs")
        return value


_now: tuple[Path, Settings] | None = None  # of which file


def settings() -> Settings:
    """As they are now; read once for each home."""
    global _now
    path = _path()
    if _now is None or _now[0] != path:
        _now = (path, _read(path))
    return _now[1]


def reload() -> Settings:
    """Read the file again."""
    global _now
    _now = None
    return settings()


def change(**fields: Any) -> Settings:
    """Change some, check them, and write them down.

    Raises:
        BadSetting: unknown, or out of range.
        DiskTrouble: the file could not be written; nothing has changed then.
    """
    global _now
    for name in fields:
        if name not in Settings.model_fields:
            raise BadSetting(f"There is no setting {name!r}; there are {', '.join(Settings.model_fields)}.")
    try:
        new = Settings.model_validate({**settings().model_dump(), **fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadSetting(f"The setting {first['loc'][0]} does not take {first['input']!r}: {first['msg'].lower()}.") from None
    write_json(_path(), new.model_dump())
    _now = (_path(), new)
    return new


def runs_folder() -> Path:
    """Where new runs go, and where runs are looked for."""
    chosen = settings().runs_folder
    return Path(chosen).expanduser() if chosen else home() / "runs"


def missing() -> str:
    """The sentence about a runs folder that was chosen and is not there; "" where there is nothing to tell."""
    folder = runs_folder()
    if not settings().runs_folder or folder == home() / "runs" or folder.is_dir():
        return ""
    return f"The runs folder {folder} is not there: connect its disk, move it back, or choose another one in the settings."


def new_runs_folder() -> Path:
    """Where a new run can be made. The studio's own folder is made with it; one that a person chose is on a disk, which may not be there.

    Raises:
        BadInput: that folder is not there.
    """
    if sentence := missing():
        raise BadInput(sentence)
    return runs_folder()


def _path() -> Path:
    return home() / "settings.json"


def _read(path: Path) -> Settings:
    global problem
    problem = ""
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        if int(found.get("version", 1)) > VERSION:
            raise ValueError(f"it was written by a newer version ({found['version']})")
        return Settings.model_validate(found)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else (str(error).splitlines() or ["damaged"])[0]
        problem = f"The settings in {path} cannot be read ({why}): the defaults hold, and the file is kept beside as .bad."
        try:
            os.replace(path, path.with_name(path.name + ".bad"))
        except OSError:
            pass
        return Settings()
