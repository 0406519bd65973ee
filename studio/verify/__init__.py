"""Makes an exported thing again from its checkpoint and recipe, and only then looks at the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from models.errors import BadFile, BadInput
from models.run import Run
from studio import doors
from studio import recipe as recipes
from studio.export import blind, contact
from studio.export.taking import record_of
from studio.verify import boards, contacts, labs
from studio.verify.comparing import Gap, compare
from studio.verify.fits import against_checkpoint, elsewhere
from studio.verify.lines import FILLED, READERS
from studio.verify.making import again
from studio.verify.walking import KINDS, device_of

__all__ = ["CLOSE", "Verdict", "record_of", "verify"]

CLOSE = 8 / 255  # largest difference that another device or version may make
NONSENSE = (LookupError, AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError, MemoryError, BadInput)  # what a bad recipe leads to
READ = ("curves", "tensorboard")  # of numbers that are read, not computed again


class Verdict(NamedTuple):
    """identical: every bit. close: small differences that another device, version or a lossy format explains. different: with the reason."""

    verdict: Literal["identical", "close", "different"]
    max_difference: float | None  # of pixels in [0, 1], or of numbers; None where there is nothing to subtract
    reason: str


def verify(path: Path, run_path: Path | None = None, trust: str | None = None) -> Verdict:
    """Whether `path` is what its recipe makes; `trust` is the hash of a foreign classifier that can run code, from a person who vouches for it.

    Raises:
        BadFile: it carries no recipe, it is damaged, or its run, checkpoint, reel or foreign classifier is gone, or a person made it.
    """
    path = recipes.owner(path)
    recipe = recipes.read(path)
    if recipes.is_recipe(path):
        raise BadFile(f"{path.name} is the recipe of a file that is gone: there is nothing to compare. Give that file.")
    if recipe["kind"] == labs.KIND:
        return _of_lab(path, recipe)
    if recipe["kind"] == blind.KIND:
        raise BadFile(f"{path.name} holds a person's answers, which no machine can make again: export the sentences themselves to verify those.")
    if recipe["kind"] == contact.KIND or recipe["kind"] in boards.KINDS:
        return _of_contact(path, recipe, run_path, trust)
    if "step" not in recipe or not recipe.get("run"):
        raise BadFile(f"The recipe in {path.name} is incomplete: it was changed after the export.")
    step, kind, where = recipe["step"], recipe["kind"], _place(path, recipe, run_path)
    walked = device_of(recipe) if kind in (*KINDS, *READERS, *FILLED) else None
    run = Run.open(where, write=False, data=False, step=step, kept=str(recipe.get("checkpoint")), device_name=walked, check=False)
    reason = against_checkpoint(run, recipe)
    try:
        with TemporaryDirectory() as folder:
            made = again(run, recipe, Path(folder), trust)
            if not _alike(recipes.read(made.path)["made"], recipe):
                raise ValueError(kind)
            gap = compare(path, made.path, kind, recipe["made"])
    except BadFile:
        if reason:
            return Verdict("different", None, reason)
        raise
    except NONSENSE:
        return Verdict("different", None, reason or "the recipe does not describe an export that this studio can make")
    if reason:
        return Verdict("different", gap.difference, reason)
    return _judged(gap, elsewhere(run, recipe) if kind not in READ else [], kind, f"; {made.note}" if made.note else "")


def _place(path: Path, recipe: recipes.Recipe, run_path: Path | None) -> Path:
    """Where the run of a recipe is; raises BadFile if it is gone."""
    where = run_path if run_path is not None else doors.where(recipe)
    if where is None or not (where / "run.json").is_file():
        raise contacts.gone(path, recipe)
    return where


def _alike(made: dict[str, Any], recipe: recipes.Recipe) -> bool:
    """Whether the export that was made again tells the same of itself; older versions told less."""
    older = ("geometry",) if recipe.get("was") else ()
    return {k: v for k, v in made.items() if k not in older} == recipe["made"]


def _of_contact(path: Path, recipe: recipes.Recipe, run_path: Path | None, trust: str | None) -> Verdict:
    """`run_path` is the place of those of its runs that it holds."""

    def find(source: Mapping[str, Any]) -> Path:
        named = run_path if run_path is not None and ("sources" not in recipe or not doors.unlike(source, run_path)) else None
        return _place(path, dict(source), named)

    reason, kind = "", str(recipe["kind"])
    try:
        with TemporaryDirectory() as folder:
            made = (boards if kind in boards.KINDS else contacts).again(recipe, Path(folder), find, trust)
            reason = made.reason
            if recipes.read(made.path)["made"] != recipe["made"]:
                raise ValueError(kind)
            gap = compare(path, made.path, kind, recipe["made"])
    except BadFile:
        raise
    except NONSENSE:
        return Verdict("different", None, reason or "the recipe describes no file of samples that this studio can make")
    if reason:
        return Verdict("different", gap.difference, reason)
    return _judged(gap, made.changes, kind, "")


def _of_lab(path: Path, recipe: recipes.Recipe) -> Verdict:
    try:
        with TemporaryDirectory() as folder:
            gap = compare(path, labs.walked(recipe, Path(folder)), labs.KIND, {})
        return _judged(gap, labs.changes(recipe), labs.KIND, "")
    except BadFile:
        raise
    except NONSENSE:
        return Verdict("different", None, "the recipe does not describe a walk that this studio can make")


def _judged(gap: Gap, changes: Sequence[str], kind: str, note: str) -> Verdict:
    """What a gap means, where `changes` are not as they were when the file was made."""
    if gap.difference is None:
        told = f"; made here on another {' and '.join(changes)}, where roundings may draw another word: verify it where it was made"
        return Verdict("different", None, gap.why + (told if changes and kind in (*READERS, *FILLED) else ""))
    if gap.difference == 0 and not gap.lossy:
        source = "its recipe" if kind == labs.KIND else "checkpoint and recipe"
        return Verdict("identical", 0.0, f"made again from {source}, every bit is the same{note}")
    if gap.difference == 0:
        told = "made again it is the same, as far as its format can tell: a GIF has 256 colours a frame, and video is compressed"
        return Verdict("close", 0.0, told + note)
    if 0 < gap.coded <= CLOSE:
        return Verdict("close", gap.difference, f"made again it looks the same; another build of the video's encoder has rounded otherwise{note}")
    if changes and gap.difference <= CLOSE:
        return Verdict("close", gap.difference, f"small differences, explained by another {' and '.join(changes)}{note}")
    if changes and kind in (*KINDS, labs.KIND):
        told = f"made here on another {' and '.join(changes)}, the chains went elsewhere, as roundings grow: verify it where it was made"
        return Verdict("different", gap.difference, told)
    source = "the recipe makes" if kind == labs.KIND else "checkpoint and recipe make"
    return Verdict("different", gap.difference, f"{source} something else{gap.where}: the file or its recipe was changed")
