"""What is there already under the name that a command is to write: an older export is replaced and told, anything else only with --force."""

from __future__ import annotations

from pathlib import Path

from models.errors import BadFile, BadInput
from studio.commands.terminal import tell


def may_write(path: Path, force: bool) -> None:
    """Raises BadInput for a file that this studio has not exported, unless `force`."""
    from studio import recipe

    if force or not path.is_file() or not path.stat().st_size:
        return
    try:
        recipe.carried(path)
    except BadFile:
        raise BadInput(
            f"{path} is there already, and is no export that could be made again: choose another name, or add --force to replace it."
        ) from None
    tell(f"{path} was there already, an older export, and is replaced.")
