"""What stands beside weights: which net they belong to, what it sees, and what its outputs mean.

A manifest is JSON, in FILE.json beside FILE.safetensors or FILE.pt2, or inside the file (metadata key `manifest`):

    {"format": 1, "role": "classifier", "net": {"n": 24, "h": 256, "depth": 1}, "size": 32, "channels": 3,
     "heads": {"hair": ["short", "long"]}, "output": "logits", "licence": "CC0", "sha256": "…"}

and, where the net was not trained on pictures in [-1, 1]: "range": [0, 1], "mean": [0.485, …], "std": [0.229, …]; where it shall see pictures of
another size than the chain's: "resize": "bilinear" or "bicubic". `sha256` is of the whole file in a JSON beside it, and of the tensors
(`models.checkpoint.state_hash`) inside a safetensors file. A .pt2 has the role "exported", and needs no hash here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import BadFile

FORMAT = 1
KEY = "manifest"  # in the metadata of a safetensors file, and among the extra files of a .pt2
LARGEST = 8 << 20  # bytes of a manifest
Name = Annotated[str, Field(min_length=1, max_length=200)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
BOUNDS = {  # role -> argument of the net -> least, most
    "classifier": {"n": (1, 512), "h": (1, 8192), "depth": (1, 8)},
    "scorer": {"n": (1, 512)},
    "judge": {},
    "exported": {},
}


class Manifest(BaseModel):
    """A checked manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    format: Literal[1] = FORMAT
    role: Literal["classifier", "scorer", "judge", "exported"]
    net: dict[str, int] = Field(default_factory=dict)
    size: int = Field(ge=4, le=1024)
    channels: Literal[1, 3]
    heads: dict[Name, Annotated[list[Name], Field(min_length=2)]] = Field(min_length=1)
    output: Literal["logits", "log-probabilities", "probabilities"] = "logits"
    bounds: Annotated[list[Finite], Field(min_length=2, max_length=2, alias="range")] = [-1.0, 1.0]
    mean: list[Finite] | None = None
    std: list[Annotated[Finite, Field(gt=0)]] | None = None
    resize: Literal["bilinear", "bicubic"] | None = None
    name: str = Field("", max_length=200)
    licence: str = Field("", max_length=20_000)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _together(self) -> Manifest:
        wanted = BOUNDS[self.role]
        if set(self.net) != set(wanted):
            raise ValueError(f"net must name {', '.join(wanted) or 'nothing'} for the role {self.role}")
        for key, (low, high) in wanted.items():
            if not low <= self.net[key] <= high:
                raise ValueError(f"net.{key} must be from {low} to {high}")
        sides = [2**i for i in range(3, 9)] if self.role in ("classifier", "scorer") else range(8, 65) if self.role == "judge" else [self.size]
        if self.size not in sides:
            raise ValueError(f"size must be {'8 to 64' if self.role == 'judge' else 'one of ' + ', '.join(map(str, sides))} for the role {self.role}")
        if any(v is not None and len(v) != self.channels for v in (self.mean, self.std)):
            raise ValueError("mean and std must have one number a channel")
        if self.bounds[0] >= self.bounds[1]:
            raise ValueError("range must be two numbers, the smaller first")
        if any(len(set(v)) != len(v) for v in self.heads.values()):
            raise ValueError("heads must not name a class twice")
        if self.outputs > 100_000:
            raise ValueError("heads must have at most 100,000 classes together")
        return self

    @property
    def outputs(self) -> int:
        """Classes of all heads together."""
        return sum(map(len, self.heads.values()))

    def json_text(self) -> str:
        """As it is written."""
        return json.dumps(self.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False, allow_nan=False)


def parsed(text: str | bytes, where: str) -> Manifest:
    """A manifest from JSON; raises BadFile with its first fault."""
    try:
        return Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        raise BadFile(f"The manifest of {where} does not hold ({place + ': ' if place else ''}{what}): correct it there.") from None
    except (ValueError, RecursionError):
        raise BadFile(f"The manifest of {where} is not JSON: write it anew.") from None


def beside(path: Path) -> tuple[Manifest, Path] | None:
    """The manifest beside a file (FILE.json, or FILE.ENDING.json), or None; raises BadFile."""
    for candidate in (path.with_suffix(".json"), path.with_name(path.name + ".json")):
        if candidate.is_file():
            try:
                if candidate.stat().st_size > LARGEST:
                    raise BadFile(f"{candidate.name} is larger than {LARGEST >> 20} MB, too large for a manifest: give a smaller one.")
                return parsed(candidate.read_bytes(), path.name), candidate
            except OSError as error:
                raise BadFile(f"{candidate} cannot be read ({error.strerror or error}).") from None
    return None


def dumped(manifest: Manifest) -> dict[str, Any]:
    """What a recipe keeps of it: all but long texts."""
    return {k: v for k, v in manifest.model_dump(by_alias=True, exclude_none=True).items() if k not in ("heads", "format", "licence")}
