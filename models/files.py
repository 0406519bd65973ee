"""Where things live on disk, and how they are written: whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from models.errors import DiskTrouble


def home() -> Path:
    """The studio's folder: $SAMPLING_STUDIO_HOME, else the user's data folder. Runs are in `runs`, decoded data in `cache`."""
    chosen = os.environ.get("SAMPLING_STUDIO_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("sampling-studio", appauthor=False))


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved into place if the block succeeds and removed if not.

    Raises:
        DiskTrouble: the disk is full, the folder cannot be written to, or the path is not usable.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise trouble(error, path) from error
    finally:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises DiskTrouble."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN) whole or not at all; raises DiskTrouble."""
    write_bytes(path, (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def trouble(error: OSError, path: Path) -> DiskTrouble:
    """The one sentence for a failed write."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskTrouble(
                f"The disk that holds {path.parent} is full: free some space, or choose another folder; nothing written before is lost."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return DiskTrouble(f"There is no permission to write to {path.parent}: choose another folder, or change its permissions.")
        case _:
            return DiskTrouble(f"{path} could not be written ({error.strerror or error}): choose another folder.")
