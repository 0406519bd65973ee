"""Convolutional auto-encoders of BEGAN (Berthelot et al. 2017, section 3.5 and figure 1).

3x3 convolutions with ELU, filters that grow linearly with each down-sampling, nearest-neighbour up-sampling, and an 8x8 map
that a fully connected layer takes to and from the embedding, without a non-linearity.

Two layouts of the same idea:

    authors   one growing convolution of stride 2 a scale; the decoder merges, convolves at low resolution, then doubles.
              17,268,038 parameters for D and G at 128 px, n=128, h=64, depth 2, with skips: the count the paper gives (17.3 M).
    figure    the paper's figure 1 read literally: each scale repeats convolutions, the last one grows, then every second
              pixel is kept; two more convolutions at 8x8; the decoder doubles, merges, then convolves. 25,527,366 likewise.

Keeping every second pixel after a stride-1 convolution is that convolution with stride 2, so both layouts use stride 2.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Layout = Literal["authors", "figure"]


def scales(size: int) -> int:
    """Number of halvings that take `size` px to 8 px; `size` is 8 * 2^s."""
    return (size // 8).bit_length() - 1


class Plain(nn.Conv2d):
    """3x3 convolution whose weights `initialise` draws, so that building one touches no global random numbers."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1)
        self.side = side  # of the output, in pixels

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class Dense(nn.Linear):
    """Fully connected layer without values, as Plain."""

    side = 1

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class Conv(Plain):
    """3x3 convolution and ELU; where width and resolution stay, `carry` of the input is mixed in (section 3.5.1)."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, side, stride)
        self.mixes = inputs == outputs and stride == 1

    def forward(self, v: Tensor, carry: Tensor | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(batch, inputs, h, w) to (batch, outputs, h / stride, w / stride); carry is a 0-d tensor in [0, 1] or None."""
        out = F.elu(super().forward(v), inplace=carry is None)
        return torch.lerp(out, v, carry.to(v.dtype)) if self.mixes and carry is not None else out


class Encoder(nn.Module):
    """Pictures (batch, channels, size, size) to embeddings (batch, h)."""

    def __init__(self, layout: Layout, size: int, channels: int, n: int, h: int, depth: int) -> None:
        super().__init__()
        convs = [Conv(channels, n, size)]
        for s in range(1, scales(size) + 1):
            side = size >> s
            convs += [Conv(s * n, s * n, 2 * side) for _ in range(depth - 1)]
            convs += [Conv(s * n, (s + 1) * n, side, stride=2)]
        width = (scales(size) + 1) * n
        if layout == "figure":
            convs += [Conv(width, width, 8) for _ in range(depth)]
        self.convs = nn.ModuleList(convs)
        self.embed = Dense(8 * 8 * width, h)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> Tensor:
        """(batch, channels, size, size) to (batch, h)."""
        for conv in self.convs:
            x = conv(x, carry)
        return self.embed(x.flatten(1))


class Decoder(nn.Module):
    """Embeddings (batch, h) to pictures (batch, channels, size, size); linear at the end, so not bounded."""

    def __init__(self, layout: Layout, size: int, channels: int, n: int, h: int, depth: int, skips: bool) -> None:
        super().__init__()
        self.n, self.layout, self.skips = n, layout, skips
        self.expand = Dense(h, 8 * 8 * n)
        merged = 2 * n if skips else n
        # authors: one block a scale, doubled inside; figure: one block a resolution, doubled between
        blocks = scales(size) if layout == "authors" else scales(size) + 1
        doubled = 2 if layout == "authors" else 1
        self.blocks = nn.ModuleList(
            nn.ModuleList([Conv(merged if b else n, n, 8 << b)] + [Conv(n, n, doubled * 8 << b) for _ in range(depth - 1)]) for b in range(blocks)
        )
        self.to_picture = Plain(n, channels, size)

    def forward(self, h: Tensor, carry: Tensor | None = None) -> Tensor:
        """(batch, h) to (batch, channels, size, size)."""
        h0 = self.expand(h).unflatten(1, (self.n, 8, 8))
        if self.to_picture.weight.is_contiguous(memory_format=torch.channels_last):
            h0 = h0.contiguous(memory_format=torch.channels_last)
        x = h0
        for b, (first, *rest) in enumerate(self.blocks):  # pyright: ignore[reportGeneralTypeIssues]
            if b and self.layout == "figure":
                x = F.interpolate(x, scale_factor=2.0)
            if b and self.skips:
                x = torch.cat([x, F.interpolate(h0, scale_factor=float(2**b))], 1)
            x = first(x, carry)
            if self.layout == "authors":
                x = F.interpolate(x, scale_factor=2.0)
            for conv in rest:
                x = conv(x, carry)
        return self.to_picture(x)


class AutoEncoder(nn.Module):
    """BEGAN's discriminator D: pictures to pictures through an embedding."""

    def __init__(self, layout: Layout, size: int, channels: int, n: int, h: int, depth: int, skips: bool) -> None:
        super().__init__()
        self.encoder = Encoder(layout, size, channels, n, h, depth)
        self.decoder = Decoder(layout, size, channels, n, h, depth, skips)

    def forward(self, v: Tensor, carry: Tensor | None = None) -> Tensor:
        """(batch, channels, size, size) to the same shape."""
        return self.decoder(self.encoder(v, carry), carry)


def macs(net: nn.Module) -> int:
    """Multiply-accumulates of one forward pass on one picture, without the biases."""
    return sum(layer.weight.numel() * layer.side**2 for layer in net.modules() if isinstance(layer, Plain | Dense))


def initialise(net: nn.Module, generator: torch.Generator, std: float | None) -> None:
    """Truncated normal weights and zero biases, drawn from `generator` alone.

    `std` None scales each layer by 1/sqrt(fan in), which keeps the signal's size through narrow nets; the authors' code uses 0.01.
    """
    for layer in net.modules():
        if isinstance(layer, Plain | Dense):
            spread = layer.weight[0].numel() ** -0.5 if std is None else std
            nn.init.trunc_normal_(layer.weight, 0.0, spread, -2 * spread, 2 * spread, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
