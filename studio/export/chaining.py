"""Chains of the PPGN family as a frozen record, and the exporters that write it.

    record = chains_record(chains, run)
    chain_exporters()["sheet"].write(record, Path("chains.png"))

Every file carries the run's recipe with `chains`, all that makes them again (`models.chains.Chains.record`), in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import BadInput
from studio import recipe as recipes
from studio.export import Exporter
from studio.export.taking import coloured, spread

if TYPE_CHECKING:
    from models.chains import Chains
    from models.run import Run

MOST_FRAMES = 240
ROOM = 300_000  # bytes of the record of chains beyond which it is packed
MOST_PACKED = 700_000  # bytes of text, what a recipe has room for beside the rest
MOST_UNPACKED = 200_000_000  # bytes


@dataclass(frozen=True)
class ChainsRecord:
    """What exporters of chains write: plain values of one moment. Pictures are uint8 with three channels."""

    title: str  # "Noiseless Joint PPGN-h on faces"
    recipe: dict[str, Any]  # of models.run.Run.recipe, with `chains`
    variant: str
    knobs: Mapping[str, Any]  # in force now
    terms: tuple[str, ...]  # forces that act: "prior", "condition", "context"
    pictures: np.ndarray  # (chains, H, W, 3), the last frames
    steps: int  # taken by the chains
    seed: int
    conditions: tuple[str, ...]  # of each chain
    log_p: np.ndarray  # (chains,) by the condition network; NaN for none
    scorer_log_p: np.ndarray | None  # (chains,) by the independent classifier
    agreed: tuple[bool | None, ...]  # of each chain
    agreement: float | None
    note: str  # why there is no agreement; "" if there is one
    frozen: np.ndarray  # (chains,) bool
    trace: Mapping[str, np.ndarray]  # scalar -> (chains, steps) float32
    frames: np.ndarray  # (frames, chains, H, W, 3), the oldest first
    frame_steps: tuple[int, ...] = ()  # the step of each
    backs: tuple[int, ...] = ()  # how many moments ago each was
    classifier: str = ""  # the foreign one that is climbed
    docs: Mapping[str, str] = field(default_factory=dict)  # scalar -> what it is

    def facts(self) -> list[str]:
        """What was asked for, and how they were made, in a few words each."""
        k = self.knobs
        found = [f"asked for {self.conditions[0]}"] if self.alike else []
        found += [f"mode {k['mode']}", "ε " + " ".join(f"{k[f'epsilon{i}']:g}" for i in (1, 2, 3, 4)[: 3 + ("context" in self.terms)])]
        found += [f"step size {k['step_size']:g}"] if k["mode"] == "released" else []
        found += [f"objective {k['objective']}"] if k["objective"] != "log-prob" else []
        found += [f"classifier {self.classifier}"] if self.classifier else []
        return [*found, f"{self.steps:,} step{'s' * (self.steps != 1)}", f"seed {self.seed}", self.verdict()]

    @property
    def alike(self) -> bool:
        """Whether all chains are asked for the same."""
        return len(set(self.conditions)) == 1

    def asked(self, chain: int) -> str:
        """Of one chain: its condition, or its number where all have the same."""
        return f"chain {chain}" if self.alike else self.conditions[chain]

    def verdict(self) -> str:
        """The agreement in words, and what diverged."""
        gone = int(self.frozen.sum())
        told = "no agreement" if self.agreement is None else f"agreement {self.agreement:.0%}"
        return told + (f", {gone:,} diverged" if gone else "")

    def mark(self, chain: int) -> str:
        """Of one chain: ✓ or ✗ by the independent classifier, "diverged", or ""."""
        return "diverged" if self.frozen[chain] else {True: "✓", False: "✗", None: ""}[self.agreed[chain]]


def chain_exporters() -> dict[str, Exporter]:
    """All exporters of a ChainsRecord by name, in the order of the menu."""
    from studio.export import chaingallery, chainnumbers, chainpictures

    animated = (".gif", ".png", ".apng", ".mp4")
    return {
        "sheet": Exporter("Contact sheet (PNG)", ".png", True, chainpictures.write_sheet),
        "strip": Exporter("Film strips (PNG)", ".png", True, chainpictures.write_strip, needs=("frames",)),
        "animation": Exporter("Animation (WebP)", ".webp", True, chainpictures.write_animation, needs=("frames",), others=animated),
        "gallery": Exporter("Gallery (HTML)", ".html", True, chaingallery.write_gallery, needs=("frames",)),
        "singles": Exporter("Single pictures (PNG)", "", True, chainpictures.write_singles),
        "csv": Exporter("Scalars (CSV)", ".csv", False, chainnumbers.write_csv),
        "netcdf": Exporter("Scalars for ArviZ (netCDF)", ".nc", False, chainnumbers.write_netcdf),
    }


def chains_record(chains: Chains, run: Run, *, backs: Sequence[int] | None = None) -> ChainsRecord:
    """The record of chains that walk on the parts of the present step of `run`.

    Args:
        backs: which of the kept moments become frames, by how many moments ago they were; at most 240 of all, evenly, if None.

    Raises:
        BadInput: so much was changed on the way that a recipe has no room for it.
    """
    import torch

    from models.chains import SCALARS_DOC

    chosen = spread(range(chains.kept, -1, -1), MOST_FRAMES) if backs is None else list(backs)
    last = coloured(chains.pictures())
    source = run.recipe()
    plan = source["plan"] | {"device": chains.parts.device.type, "threads": torch.get_num_threads()}
    plugged = chains.setup.classifier
    return ChainsRecord(
        title=f"{chains.variant.title} on {run.folder.record['data']['title']}",
        recipe={**source, "plan": plan, "chains": carried(chains.record())},
        variant=chains.variant.name,
        knobs=chains.knobs.model_dump(),
        terms=chains.target.terms,
        pictures=last,
        steps=chains.t,
        seed=chains.seed,
        conditions=tuple(" + ".join(map(str, own)) for own in chains.setup.conditions),
        log_p=chains.log_p(),
        scorer_log_p=chains.scorer_log_p() if chains.parts.trained.get("scorer", 0) else None,
        agreed=tuple(chains.agreed()),
        agreement=chains.agreement(),
        note=agreement_note(chains),
        frozen=chains.frozen,
        trace=chains.trace(),
        frames=np.stack([coloured(chains.pictures(b)) for b in chosen]) if chosen else np.empty((0, *last.shape), np.uint8),
        frame_steps=tuple(chains.step_of(b) for b in chosen),
        backs=tuple(chosen),
        classifier=plugged.name if plugged else "",
        docs=SCALARS_DOC,
    )


def agreement_note(chains: Chains) -> str:
    """Why the independent classifier cannot judge these chains; "" if it can."""
    if chains.agreement() is not None:
        return ""
    if not chains.parts.trained.get("scorer", 0):
        return "This run has no independent classifier: train its phase 'scorer'."
    wishes = {c for own in chains.setup.conditions for c in own}
    if any(c.kind == "unit" for c in wishes):
        return "The independent classifier knows classes, not hidden neurons."
    lacks = sorted(c.text for c in wishes if c.kind == "class" and c.head not in chains.parts.heads)
    if lacks:
        return f"The independent classifier does not know the class {lacks[0]!r}."
    return "The independent classifier cannot read what is asked for: it knows the classes of this run's data, and captions that name them."


# --- in a recipe --------------------------------------------------------------------------------------------------


def carried(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of chains as a recipe has room for it: as it is, or packed where that is long; raises BadInput."""
    text = json.dumps(record, allow_nan=False)
    if len(text) <= ROOM:
        return json.loads(text)
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    if len(packed) > MOST_PACKED:
        raise BadInput("So much was changed on the way of these chains that no recipe can hold it (1 MB): export them sooner, or start them anew.")
    return {"packed": packed}


def unpacked(told: Mapping[str, Any]) -> dict[str, Any]:
    """The way back from a recipe; raises ValueError."""
    if "packed" not in told:
        return dict(told)
    try:
        opened = zlib.decompressobj()
        text = opened.decompress(base64.b64decode(told["packed"], validate=True), MOST_UNPACKED)
        found = json.loads(text) if opened.eof else None
    except (binascii.Error, zlib.error, TypeError, RecursionError) as error:
        raise ValueError(error) from None
    if not isinstance(found, dict):
        raise ValueError("it is no record of chains")
    return found


def told_of(recipe: recipes.Recipe) -> dict[str, Any]:
    """What a person wants to know of the chains in a recipe: variant, conditions, knobs, and how often they were changed.

    Raises:
        ValueError, KeyError, TypeError: the recipe was changed.
    """
    record = unpacked(recipe["chains"])
    last = next((event["set"] for event in reversed(record["past"]) if "set" in event), record["setup"])
    wishes = last["conditions"]
    return {
        "variant": record["variant"],
        "conditions": wishes[0] if len(wishes) == 1 else wishes,
        "knobs": last["knobs"],
        "chains": record["chains"],
        "steps": record["steps"],
        "seed": record["seed"],
        "start": record["start"] if record["start"] in ("noise", "codes") else "picture",
        "mask": record["hole"] is not None,
        "classifier": last.get("classifier", {}).get("spec"),
        "changes": len(record["past"]),
    }
