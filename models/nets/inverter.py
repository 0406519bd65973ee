"""G of PPGN: codes h back to pictures (Dosovitskiy and Brox 2016; Nguyen et al. 2017, S9).

Fully connected layers, then an up-convolution and a 3x3 convolution a scale, LeakyReLU 0.3 after all layers but the last, no
batch normalisation, no tanh: the count and order of the authors' layers, at 32 and 64 px instead of 256.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.autoencoder import Dense, Plain
from models.nets.conv import POOLED, widths

SLOPE = 0.3


class Inverter(nn.Module):
    """Codes (batch, h) to pictures (batch, channels, size, size) near [-1, 1]."""

    def __init__(self, size: int, channels: int, n: int, h: int, full: int, layers: int = 3) -> None:
        """`full`: neurons of the fully connected layers; `layers`: how many of these, the authors' are 3."""
        super().__init__()
        wide, side = [*widths(size, n)[::-1], n], POOLED
        self.width = wide[0]
        sizes = [h, *[full] * (layers - 1), self.width * POOLED * POOLED]
        self.full = nn.ModuleList(Dense(a, b) for a, b in itertools.pairwise(sizes))
        self.up, self.convs = nn.ModuleList(), nn.ModuleList()
        for a, b in itertools.pairwise(wide):
            side *= 2
            self.up.append(Plain(a, b, side))  # doubled first; the authors' transposed 4x4 convolution leaves a chequered pattern
            if side < size:
                self.convs.append(Plain(b, b, side))
        self.picture = Plain(n, channels, size)

    def forward(self, h: Tensor) -> Tensor:
        """(batch, h) to (batch, channels, size, size), not bounded."""
        v = h
        for layer in self.full:
            v = F.leaky_relu(layer(v), SLOPE, inplace=True)
        v = v.unflatten(1, (self.width, POOLED, POOLED))
        for up, *then in zip(self.up, [*self.convs, None], strict=True):  # the last scale has its 3x3 convolution in `picture`
            v = F.leaky_relu(up(F.interpolate(v, scale_factor=2.0)), SLOPE, inplace=True)
            for conv in filter(None, then):
                v = F.leaky_relu(conv(v), SLOPE, inplace=True)
        return self.picture(v)
