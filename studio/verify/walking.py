"""Makes exports of chains again: walks them anew from the checkpoint's parts and the record in the recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import BadFile, BadInput
from models.run import Run
from studio.export import moving
from studio.export.chaining import MOST_FRAMES, ChainsRecord, chain_exporters, chains_record, unpacked

if TYPE_CHECKING:
    from models.samplers.parts import Classifier, Parts

KINDS = {  # kind in a recipe -> exporter
    "chains-sheet": "sheet",
    "chains-single": "singles",
    "chains-strip": "strip",
    "chains-animation": "animation",
    "chains-gallery": "gallery",
    "chains-csv": "csv",
    "chains-netcdf": "netcdf",
}
MOST_STEPS = 10_000_000  # of chains that are walked again
MOST_THREADS = 1024
Recipe = Mapping[str, Any]


def device_of(recipe: Recipe) -> str | None:
    """The device that chains walked on, if it is here: they carry every rounding on, so another one leads elsewhere."""
    from models import device

    plan = recipe.get("plan")
    name = plan.get("device") if isinstance(plan, dict) else None
    return name if name in device.available() else None


def walked(run: Run, recipe: Recipe, folder: Path, trust: str | None = None) -> Path:
    """The export of a recipe, made in `folder`.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, BadInput: the recipe describes no chains that can be made.
        BadFile: a foreign classifier that they climbed is not there any more.
    """
    import torch

    from models.chains import replay

    made, record = recipe["made"], unpacked(recipe["chains"])
    parts = run.algorithm.parts(run.state)
    forks = sum("fork" in event for event in record["past"])
    if not 0 <= record["steps"] <= MOST_STEPS or record["place"] != record["steps"] + forks:
        raise ValueError(record["place"])
    classifiers = foreign(record, parts, trust)
    before = torch.get_num_threads()
    try:
        run.plan = replace(run.plan, threads=whole(recipe["plan"]["threads"], 1, MOST_THREADS))
        torch.set_num_threads(run.plan.threads)
        chains = replay(parts, record, classifiers)
        if json.loads(json.dumps(chains.record())) != record:
            raise ValueError("other chains")
        name = KINDS[recipe["kind"]]
        again = chains_record(chains, run, backs=_backs(made.get("backs", ()), chains.kept))
        return _written(again, name, made, folder)
    finally:
        torch.set_num_threads(before)


def foreign(record: Recipe, parts: Parts, trust: str | None) -> list[Classifier]:
    """The foreign classifiers that a record of chains names; nothing that could run code is opened unless a person trusts its hash.

    Raises:
        BadFile: one is gone, or another one is in its place.
    """
    setups = [record["setup"], *(event["set"] for event in record["past"] if "set" in event)]
    origins: list[Mapping[str, Any]] = []
    for origin in (setup["classifier"] for setup in setups if "classifier" in setup):
        if origin not in origins:
            origins.append(origin)
    return [_opened(origin, parts, trust) for origin in origins]


def _opened(origin: Mapping[str, Any], parts: Parts, trust: str | None) -> Classifier:
    name = repr(str(origin["spec"]))
    try:
        asked = {"size": parts.size, "channels": parts.channels, "device": parts.device.type, "trust": trust}
        with _unfetched(str(origin["spec"])):
            found: Classifier = import_module("models.plug").open_classifier(str(origin["spec"]), **asked)
    except BadInput as error:
        raise BadFile(f"The classifier {name} that these chains climbed cannot be opened. {error}") from None
    if found.origin.get("sha256") != origin.get("sha256"):
        raise BadFile(f"The classifier {name} is not the one that these chains climbed: put the first one back.")
    return replace(found, origin=origin)


@contextmanager
def _unfetched(spec: str) -> Iterator[None]:
    """A file decides over no address that is asked: a network of the hub is taken from what was fetched before, or not at all."""
    if not spec.startswith("hub:") or find_spec("huggingface_hub") is None:
        yield
        return
    from models.data.reach import offline_unless_reachable

    with offline_unless_reachable(ask=False):
        yield


def _written(record: ChainsRecord, name: str, made: Recipe, folder: Path) -> Path:
    exporter, options = chain_exporters()[name], {}
    path = folder / f"again{exporter.extension}" if exporter.extension else folder
    frames = max(1, len(record.backs))
    match name:
        case "sheet":
            options = {"columns": whole(made["columns"], 1, 100_000), "zoom": whole(made["zoom"], 1, 1000)}
        case "strip":
            first, count = whole(made["first"], 0, len(record.pictures) - 1), whole(made["count"], 1, 100_000)
            options = {"frames": frames, "first": first, "count": count, "zoom": whole(made["zoom"], 1, 1000)}
        case "animation":
            if made["format"] not in moving.EXTENSIONS:
                raise ValueError(made["format"])
            path = folder / f"again{made['format']}"
            options = {"frames": frames, "fps": whole(made["fps"], 1, moving.FASTEST), "zoom": whole(made["zoom"], 1, 1000)}
    files: Sequence[Path] = exporter.write(record, path, **options)
    return files[whole(made["chain"], 0, len(files) - 1)] if name == "singles" else files[0]


def _backs(told: Any, kept: int) -> list[int]:
    found = [whole(back, 0, kept) for back in told]
    if len(found) > MOST_FRAMES or found != sorted(set(found), reverse=True):
        raise ValueError(told)
    return found


def whole(value: Any, low: int, high: int) -> int:
    """A value of a recipe, if it is a whole number in [low, high]; raises ValueError."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(value)
    return value
