"""Every exported file is a door: what it is, where the run is that made it, and which of its ways back are open. Needs no Qt.

    door = doors.read(Path("sheet.png"))
    door.why_not("all")        # "" where the run can be opened as it was then

What a file says is not believed: a folder that it names is only looked into where it is a plain absolute path, and only taken if it holds the run
with the id that the recipe tells; a person may name another folder, whose run must be the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.errors import BadFile, StudioError
from models.journal import RunFolder
from studio import recipe as recipes
from studio import runs

Take = Literal["all", "no-seed", "seed", "model"]
TAKES: Mapping[Take, str] = {"all": "All", "no-seed": "All but the seed", "seed": "Only the seed", "model": "Only the model"}
MEANS: Mapping[Take, str] = {
    "all": "Open the run as it was at that step, with the seed and the settings of this file",
    "no-seed": "Open the run as it was at that step, with the settings of this file and a new seed",
    "seed": "Keep the run that is open, and take the seed of this file",
    "model": "Open the run as it was at that step, and leave seed and settings of the page as they are",
}
KINDS: Mapping[str, str] = {  # for people
    "sheet": "Contact sheet",
    "contact": "Contact sheet",
    "single": "Single picture",
    "gallery": "Gallery",
    "animation": "Loop through latents",
    "reel": "Reel of the training",
    "strip": "Strip of the training",
    "txt": "Sentences",
    "jsonl": "Sentences",
    "texts": "Sentences",
    "page": "Page of sentences",
    "curves": "Curves",
    "plots": "Plots",
    "svg": "Plots",
    "report": "Report",
    "tensorboard": "TensorBoard events",
    "blind": "Blind test",
    "lab": "Walk of the lab",
    "filling": "Filling",
    "fillings-page": "Page of fillings",
    "fillings-jsonl": "Fillings",
    "fillings-txt": "Fillings",
    "chains-sheet": "Sheet of chains",
    "chains-single": "One chain",
    "chains-strip": "Film strips of chains",
    "chains-animation": "Chains, animated",
    "chains-gallery": "Gallery of chains",
    "chains-csv": "Scalars of chains",
    "chains-netcdf": "Scalars of chains",
    "board-gallery": "Gallery of kept pictures",
    "board-animation": "Kept pictures, animated",
    "board-page": "Page of kept sentences",
    "board-txt": "Kept sentences",
    "board-jsonl": "Kept sentences",
    "board-csv": "Kept sentences",
}
SEED = 2**31 - 1  # the largest that a page takes
NOWHERE = "The run is not here: find it first."


@dataclass(frozen=True)
class Door:
    """An exported file, or one sample of it.

    Attributes:
        path: the file.
        recipe: of the file, or of one sample.
        run: the folder of its run, where it is now; None for none, or one that is not found.
        step: of the training that is wanted: the recipe's, or one that was chosen in its place.
        kept: the name of a checkpoint that was set aside for this file; "" for the plain one of the step.
        newest: the last step that the run has a checkpoint of; -1 without any.
        steps: all steps that it has one of.
        missing: what of it is not there, in one sentence with the way on; "" if everything is.
    """

    path: Path
    recipe: recipes.Recipe
    run: Path | None = None
    step: int | None = None
    kept: str = ""
    newest: int = -1
    steps: tuple[int, ...] = ()
    missing: str = ""

    @property
    def kind(self) -> str:
        """What it is, for people; a recipe whose file is gone says so."""
        named = KINDS.get(str(self.recipe.get("kind")), "Exported file")
        return f"{named}, of which only the recipe is here" if recipes.is_recipe(self.path) else named

    @property
    def system(self) -> str:
        """The page that it belongs to; "" for several runs at once."""
        return "lab" if self.recipe.get("kind") == "lab" else str(self.recipe.get("system", ""))

    @property
    def name(self) -> str:
        """Of the run."""
        return str(_dict(self.recipe.get("run")).get("name", ""))

    @property
    def demo(self) -> str:
        """The demo whose run it wants, where that is not set up yet; "" for none."""
        from studio import demos

        return demos.named(str(_dict(self.recipe.get("run")).get("id", ""))) if self.run is None and not self.several else ""

    @property
    def several(self) -> bool:
        """Whether its samples are of several runs, so that one of them must be chosen."""
        return "sources" in self.recipe

    @property
    def samples(self) -> int:
        """How many samples it has that can be made live one by one."""
        return recipes.count_of(self.recipe)

    @property
    def seed(self) -> int | None:
        """The seed of its samples; None where it has none that a page can take."""
        found = _dict(self.recipe.get("made")).get("seed")
        if found is None and self.recipe.get("kind") == "lab":
            found = _dict(self.recipe.get("walk")).get("seed")
        return found if type(found) is int and 0 <= found <= SEED else None

    @property
    def row(self) -> int | None:
        """Which sample of the seed it is; None for many, or none."""
        made = _dict(self.recipe.get("made"))
        rows = made.get("rows")
        if self.recipe.get("kind") == "chains-single" and type(made.get("chain")) is int:
            return int(made["chain"])
        one = isinstance(rows, list) and len(rows) == 2 and all(type(v) is int for v in rows) and rows[1] == rows[0] + 1
        return rows[0] if one and isinstance(rows, list) else None

    @property
    def nearest(self) -> int | None:
        """The step nearest to the wanted one of those that the run has a checkpoint of."""
        wanted = self.recipe.get("step")
        return min(self.steps, key=lambda step: abs(step - wanted)) if self.steps and isinstance(wanted, int) else None

    def at(self, step: int) -> Door:
        """The same run at another step, which it has a checkpoint of."""
        return replace(self, step=step, kept="", missing="")

    def sample(self, index: int) -> Door:
        """One sample of the file, as a door of its own; raises BadInput."""
        return opened(self.path, recipes.of_sample(self.recipe, index), self.run if not self.several else None)

    def why_not(self, take: Take, taker: str = "") -> str:
        """Why this way is closed, in one sentence; "" where it is open.

        Args:
            taker: why what is open cannot take a seed; "" where it can.
        """
        if self.several:
            return "The samples on this sheet are of several runs: click one of them."
        if take in ("no-seed", "seed") and self.seed is None:
            told = _dict(self.recipe.get("made")).get("seed")
            return f"Its seed is larger than a page takes ({SEED:,})." if type(told) is int and told > SEED else "This file has no seed."
        if take == "seed":
            return taker
        if self.system == "lab":
            return "A walk of the lab has no model: All opens it." if take == "model" else ""
        return NOWHERE if self.run is None else self.missing

    def told(self) -> dict[str, Any]:
        """For `open --json`."""
        return {
            "file": str(self.path),
            "kind": str(self.recipe.get("kind")),
            "system": self.system or None,
            "run": None if self.run is None else str(self.run),
            "name": self.name or None,
            "id": str(_dict(self.recipe.get("run")).get("id", "")) or (RunFolder.open(self.run, write=False).id if self.run else None),
            "step": self.step,
            "seed": self.seed,
            "row": self.row,
            "samples": self.samples,
            "checkpoints": list(self.steps),
            "missing": self.missing or None,
        }


def read(path: Path, chosen: Path | None = None) -> Door:
    """The door that a file is; `chosen` is where a person says that its run is now. A recipe beside a file is the door of that file.

    Raises:
        BadFile: it carries no recipe that can be read, or the chosen folder holds another run.
    """
    path = recipes.owner(path)
    return opened(path, recipes.read(path), chosen)


def opened(path: Path, recipe: recipes.Recipe, chosen: Path | None = None) -> Door:
    """As `read`, of a recipe that was read already."""
    if "sources" in recipe or recipe.get("kind") == "lab":
        return Door(path, recipe)
    step = recipe.get("step")
    if not isinstance(step, int) or "run" not in recipe:
        raise BadFile(f"The recipe in {path.name} does not tell its run and step: it is incomplete, or was changed after the export.")
    if chosen is not None:
        belongs(recipe, chosen)
    found = chosen if chosen is not None else where(recipe)
    if found is None:
        lost = Door(path, recipe, step=step)
        if lost.demo:
            return replace(
                lost, missing="Its run is a demo that comes with the studio and is not in the runs folder: set it up, or tell where it is now."
            )
        name = str(_dict(recipe["run"]).get("name", ""))
        return Door(path, recipe, step=step, missing=f"The run {name or 'that made it'} is not where it was: tell where it is now.")
    return _at_checkpoint(Door(path, recipe, found, step))


def where(recipe: Mapping[str, Any]) -> Path | None:
    """Where the run of a recipe is now: where it says, where it was seen last, or in the runs folder; None if it is in none of them."""
    run = dict(_dict(recipe.get("run")))
    if not _plain(run.get("path")):
        run.pop("path", None)
    return runs.find(run)


def belongs(recipe: Mapping[str, Any], folder: Path) -> None:
    """Raises BadFile unless the folder, which a person has chosen, holds the run of the recipe."""
    if told := unlike(recipe, folder):
        raise BadFile(told)


def unlike(recipe: Mapping[str, Any], folder: Path) -> str:
    """Why the run in a folder is not that of a recipe, in one sentence; "" if it is, as far as can be told without its checkpoints."""
    try:
        found = RunFolder.open(folder, write=False)
    except StudioError as error:
        return str(error)
    run, record = _dict(recipe.get("run")), found.record
    told = {"system": recipe.get("system"), "seed": recipe.get("training_seed"), "data": _dict(recipe.get("data")).get("id")}
    ours = {"system": record["system"], "seed": record["seed"], "data": _dict(record["data"]).get("id")}
    same = all(told[name] in (None, ours[name]) for name in told)
    if (run.get("id") and run["id"] != found.id) or not same:
        return f"{folder.name} is another run than {run.get('name') or 'the one'} that made this file: choose the folder that holds that one."
    return ""


def _at_checkpoint(door: Door) -> Door:
    """With what there is of the step that the recipe names."""
    from models import checkpoint
    from models.opening import checkpoint_name

    assert door.run is not None
    folder, step, name = RunFolder.open(door.run, write=False), door.recipe["step"], str(door.recipe.get("checkpoint", ""))
    steps = tuple(folder.steps())
    door = replace(door, newest=max(steps, default=-1), steps=steps)
    if name and folder.kept(name).is_file():
        return replace(door, kept=name)
    those = f"it has {', '.join(_few(steps))}" if steps else "it has none any more"
    if step not in steps:
        return replace(door, missing=f"{folder.name} has no checkpoint of step {step:,}; {those}.")
    try:
        header = checkpoint.read_header(folder.checkpoint(step))
        same = header["state_hash"] == door.recipe.get("state_hash")
        same = same and name in ("", checkpoint_name(header["state_hash"], header["about"]["knobs"]))
    except (BadFile, LookupError, TypeError):
        return replace(door, missing=f"The checkpoint of step {step:,} of {folder.name} is damaged; {those}.")
    if not same:
        return replace(door, missing=f"The checkpoint of step {step:,} of {folder.name} is not the one that made this file: the run went back since.")
    return door


def _few(steps: tuple[int, ...]) -> list[str]:
    told = [f"{step:,}" for step in steps]
    return told if len(told) <= 8 else [*told[:3], "…", *told[-3:]]


def _plain(path: Any) -> bool:
    """Whether a recorded place may be looked at: an absolute path of this system, without steps up and not on another machine."""
    return isinstance(path, str) and not path.startswith(("//", "\\\\")) and Path(path).is_absolute() and ".." not in Path(path).parts


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
