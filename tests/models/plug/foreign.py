"""A net of another make, the .pt2 that PyTorch makes of it, and such files changed by hand."""

from __future__ import annotations

import io
import json
import warnings
import zipfile

import torch
from torch import nn


class Foreign(nn.Module):
    """What a person might export: pictures of 16 px to four classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6)
        self.head = nn.Linear(6 * 16, 4)
        self.register_buffer("shift", torch.linspace(-1, 1, 4), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(nn.functional.gelu(self.norm(self.conv(x))), 2)
        left, right = x.view(x.shape[0], -1).chunk(2, 1)
        return self.head(torch.cat([right, left], 1)) + self.get_buffer("shift")


def made(net: type[nn.Module] = Foreign) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return net().eval()


def exported(net: nn.Module, *, size: int = 16, channels: int = 3, free: bool = True, core: bool = False) -> bytes:
    shapes = ({0: torch.export.Dim("b")},) if free else None
    program = torch.export.export(net, (torch.rand(2, channels, size, size),), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about itself
        torch.export.save(program.run_decompositions() if core else program, buffer)
    return buffer.getvalue()


def changed(content: bytes, records: dict[str, object]) -> bytes:
    """A .pt2 with some of its records replaced: bytes, a function of the JSON in it, or None to leave it out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        root = old.namelist()[0].split("/")[0]
        present = {n.removeprefix(root + "/"): old.read(n) for n in old.namelist()}
        for name, value in records.items():
            if callable(value):
                whole = json.loads(present[name])
                value(whole)
                value = json.dumps(whole).encode()
            present[name] = value  # type: ignore[assignment]
        for name, value in present.items():
            if value is not None:
                new.writestr(f"{root}/{name}", value)
    return out.getvalue()
