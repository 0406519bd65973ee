"""What is there already under the name that a command is to write: an older export is replaced, which is told; anything else only with --force."""

from __future__ import annotations

from pathlib import Path

from models.errors import BadFile, BadInput
from studio.commands.terminal import Result


def may_write(path: Path, force: bool) -> bool:
    """Whether a file is replaced; raises BadInput for one that this studio has not exported, unless `force`."""
    from studio import recipe

    if not path.is_file() or not path.stat().st_size:
        side = recipe.beside(path)
        if not force and side.is_file() and not recipe.holds_recipe(side):
            raise BadInput(f"{side} is there already, and is no recipe: choose another name, or add --force to replace it.")
        return False
    if force:
        return True
    try:
        recipe.carried(path)
    except BadFile:
        raise BadInput(
            f"{path} is there already, and is no export that could be made again: choose another name, or add --force to replace it."
        ) from None
    return True


def told(result: Result, replaced: bool) -> Result:
    """The result of a command, which says that a file was replaced if one was."""
    about, text, status = result
    return ({**about, "replaced": True}, f"{text}\nAn older export of this name was replaced.", status) if replaced else result
