"""The convolutional nets around a PPGN's generator (Nguyen et al. 2017): encoder and classifier, scorer, discriminator, auto-encoders.

The paper uses CaffeNet, whose pool5 is h1 and whose fc6 after its ReLU is h, on 227 px. These are small counterparts for
32 and 64 px. Building a net draws no random number; `he` gives the weights their first values.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.autoencoder import Dense, Plain

POOLED = 4  # side of h1 in pixels


def he(net: nn.Module, generator: torch.Generator) -> None:
    """Truncated normal weights of variance 2 / fan in (Caffe's "msra") and zero biases, drawn from `generator` alone."""
    for layer in net.modules():
        if isinstance(layer, Plain | Dense):
            spread = math.sqrt(2 / layer.weight[0].numel()) / 0.8796  # cutting at two deviations leaves 0.8796 of one
            nn.init.trunc_normal_(layer.weight, 0.0, spread, -2 * spread, 2 * spread, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def widths(size: int, n: int) -> list[int]:
    """Channels after each halving of `size` px down to 4 px: n, 2n, 4n, 4n, …"""
    return [n * min(2**i, 4) for i in range((size // POOLED).bit_length() - 1)]


class Classifier(nn.Module):
    """E and C in one, as CaffeNet is in the paper: pictures to h1 (the last pooled map), to h (after its ReLU), to logits.

    h is normalised over the batch before its ReLU: h1 is never negative, so half of its neurons would be silent for all pictures
    otherwise, and stay so. The net is in the mode of evaluation unless its trainer says otherwise.

    Attributes:
        h1: shape of h1 without the batch.
    """

    def __init__(self, size: int, channels: int, n: int, h: int, outputs: int, depth: int = 1) -> None:
        """`depth`: convolutions at 8 px, before the last pooling; CaffeNet has three."""
        super().__init__()
        wide, side = widths(size, n), size // 2
        layers: list[nn.Module] = [Plain(channels, n, side, stride=2), nn.ReLU(inplace=True)]
        for a, b in itertools.pairwise(wide):
            layers += [Plain(a, b, side), nn.ReLU(inplace=True)]
            for _ in range(depth - 1 if side == 2 * POOLED else 0):
                layers += [Plain(b, b, side), nn.ReLU(inplace=True)]
            layers.append(nn.AvgPool2d(2))  # averages, whose gradient reaches every pixel
            side //= 2
        self.trunk = nn.Sequential(*layers)
        self.h1 = (wide[-1], POOLED, POOLED)
        self.code = Dense(math.prod(self.h1), h)
        self.norm = nn.BatchNorm1d(h, affine=False)
        self.heads = Dense(h, outputs)
        self.eval()

    def top(self, h1: Tensor) -> Tensor:
        """E2: h1 (batch, c, 4, 4) to h (batch, h), never negative."""
        return F.relu(self.norm(self.code(h1.flatten(1)).float()))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """E: (batch, channels, size, size) in [-1, 1] to (h1, h)."""
        h1 = self.trunk(x)
        return h1, self.top(h1)

    def logits(self, h: Tensor) -> Tensor:
        """C on a code (batch, h): the values of all heads, side by side."""
        return self.heads(h)


class Residual(nn.Module):
    """Two 3x3 convolutions, each after ELU, times a gain that starts at 0 (De and Smith 2020), beside the input, averaged and widened where need be.

    The gain does what a normalisation would, at less than half the time of a step on a CPU.
    """

    def __init__(self, inputs: int, outputs: int, side: int, stride: int) -> None:
        super().__init__()
        self.stride, self.more = stride, outputs - inputs
        self.conv1, self.conv2 = Plain(inputs, outputs, side, stride), Plain(outputs, outputs, side)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, h / stride, w / stride)."""
        out = self.gain * self.conv2(F.elu(self.conv1(F.elu(x))))
        if self.stride > 1:
            x = F.avg_pool2d(x, self.stride)
        return out + F.pad(x, (0, 0, 0, 0, 0, self.more))


class Scorer(nn.Module):
    """The classifier that only scores: residual, with ELU, and no fully connected layer but its heads."""

    def __init__(self, size: int, channels: int, n: int, outputs: int) -> None:
        super().__init__()
        wide, side = widths(size, n), size // 2
        blocks: list[nn.Module] = [Plain(channels, n, side, stride=2), Residual(n, n, side, 1)]
        for a, b in itertools.pairwise(wide):
            side //= 2
            blocks += [Residual(a, b, side, 2), Residual(b, b, side, 1)]
        self.blocks = nn.Sequential(*blocks)
        self.heads = Dense(wide[-1] * POOLED * POOLED, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, size, size) in [-1, 1] to the values of all heads, side by side."""
        return self.heads(F.elu(self.blocks(x)).flatten(1))


class Discriminator(nn.Module):
    """D of a pair (picture, h): convolutions to one number a channel, two layers for h, two for both; the logit of "real"."""

    def __init__(self, size: int, channels: int, n: int, h: int) -> None:
        super().__init__()
        wide, side, inputs = widths(size, n), size, channels
        layers: list[nn.Module] = []
        for outputs in wide:
            side //= 2
            layers += [Plain(inputs, outputs, side, stride=2), nn.LeakyReLU(0.3)]
            inputs = outputs
        self.look = nn.Sequential(*layers)
        self.seen = Dense(inputs * POOLED * POOLED, 4 * n)
        self.read = nn.Sequential(Dense(h, 4 * n), nn.LeakyReLU(0.3), Dense(4 * n, 4 * n))
        self.judge = nn.Sequential(nn.LeakyReLU(0.3), Dense(8 * n, 4 * n), nn.LeakyReLU(0.3), Dense(4 * n, 1))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Pictures (batch, channels, size, size) and codes (batch, h) to logits (batch,)."""
        return self.judge(torch.cat([self.seen(self.look(x).flatten(1)), self.read(h)], 1))[:, 0]


class PictureDAE(nn.Module):
    """R_x of PPGN-x: two convolutions of stride 2 and their way back, linear at the end, nothing carried past the middle."""

    def __init__(self, size: int, channels: int, n: int) -> None:
        super().__init__()
        half, quarter = size // 2, size // 4
        self.down = nn.Sequential(Plain(channels, n, half, 2), nn.LeakyReLU(0.3), Plain(n, 2 * n, quarter, 2), nn.LeakyReLU(0.3))
        self.middle = Plain(2 * n, 2 * n, quarter)
        self.up = nn.ModuleList([Plain(2 * n, n, half), Plain(n, n, size)])
        self.picture = Plain(n, channels, size)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, size, size) to the same shape."""
        v = F.leaky_relu(self.middle(self.down(x)), 0.3)
        for conv in self.up:
            v = F.leaky_relu(conv(F.interpolate(v, scale_factor=2.0)), 0.3)
        return self.picture(v)


class CodeDAE(nn.Module):
    """R_h of PPGN-h: seven layers of 1 : 1/2 : 1/4 : 1/8 : 1/4 : 1/2 : 1 neurons, linear at both ends of the middle path.

    Codes are standardised on their way in and scaled back on their way out, so that its weights see numbers near 1.
    """

    def __init__(self, h: int) -> None:
        super().__init__()
        sizes = [h, h // 2, h // 4, h // 8, h // 4, h // 2, h]
        self.layers = nn.ModuleList(Dense(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, h: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """(batch, h), with the mean (h,) and scale (h,) of the codes, to (batch, h)."""
        v = (h - mean) / scale
        for layer in self.layers[:-1]:
            v = F.leaky_relu(layer(v), 0.3)
        return self.layers[-1](v) * scale + mean
