"""How a foreign network sees the chain's pictures: channels, size, range and normalisation, all of it differentiable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import BadInput
from models.plug.manifest import Manifest
from models.samplers.parts import Logits


@dataclass(frozen=True)
class Eye:
    """From pictures (batch, 1 or 3, side, side) in [-1, 1] to what a network was trained on."""

    size: int  # after resizing, in pixels
    channels: int
    bounds: tuple[float, float] = (-1.0, 1.0)  # what -1 and 1 become
    mean: tuple[float, ...] = ()  # subtracted after that; then divided by std
    std: tuple[float, ...] = ()
    mode: str | None = None  # bilinear, bicubic or nearest; None: pictures must have `size`
    crop: int | None = None  # side of the middle that is cut out after resizing
    reverse: bool = False  # blue, green, red

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, channels, side, side) to (batch, self.channels, size or crop, …), float32."""
        x = adapted(x.float(), self.channels)
        if x.shape[-1] != self.size and self.mode is not None:
            if self.mode == "nearest":
                x = F.interpolate(x, (self.size, self.size), mode="nearest")
            else:
                x = F.interpolate(x, (self.size, self.size), mode=self.mode, antialias=True, align_corners=False)
        if self.crop is not None and self.crop < x.shape[-1]:
            start = (x.shape[-1] - self.crop) // 2
            x = x[..., start : start + self.crop, start : start + self.crop]
        low, high = self.bounds
        if (low, high) != (-1.0, 1.0):
            x = (x + 1) * ((high - low) / 2) + low
        if self.mean:
            x = x - torch.tensor(self.mean, device=x.device)[:, None, None]
        if self.std:
            x = x / torch.tensor(self.std, device=x.device)[:, None, None]
        return x.flip(1) if self.reverse else x


def adapted(x: Tensor, channels: int) -> Tensor:
    """Grey repeated to colour, or colour averaged to grey."""
    if x.shape[1] == channels:
        return x
    return x.mean(1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1, -1)


def eye_of(manifest: Manifest) -> Eye:
    """How the net of a manifest sees."""
    low, high = manifest.bounds
    return Eye(
        manifest.size, manifest.channels, (low, high), tuple(manifest.mean or ()), tuple(manifest.std or ()), mode=manifest.resize
    )  # fmt: skip


def fitting(name: str, wanted: int, size: int) -> None:
    """Raises BadInput where pictures have another size than a network sees."""
    if wanted != size:
        raise BadInput(
            f"{name} sees pictures of {wanted} px, and the chain makes pictures of {size} px: choose a classifier for {size} px, or a chain of "
            f"{wanted} px."
        )


def as_logits(output: str) -> Callable[[Tensor], Tensor]:
    """From what a net gives to logits, of which log-probabilities are one kind."""
    if output == "probabilities":
        return lambda y: y.float().clamp(min=1e-30).log()
    return lambda y: y.float()


def named(heads: Mapping[str, Sequence[str]]) -> Callable[[Tensor], Logits]:
    """Cuts the values of all heads, side by side (batch, sum), into those of each."""
    sizes = [len(v) for v in heads.values()]
    return lambda y: dict(zip(heads, y.split(sizes, 1), strict=True))
