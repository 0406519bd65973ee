"""Generators and discriminators of discrete data: pictures (DCGAN with 5x5 kernels), rows of characters (residual), cells of a toy.

Layouts of the authors' code (Hjelm et al. 2018): batch normalisation in G, none in D, ReLU in G, LeakyReLU 0.2 in D. Building a net draws no
random number; `initialise` gives the weights their first values.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nets.autoencoder import Dense
from models.nets.recurrent import Table

SLOPE = 0.2  # of LeakyReLU in D
HALVINGS = {28: 2, 32: 3, 64: 4}  # side in pixels -> how often D halves it, down to 7 or 4


class _Conv(nn.Conv2d):
    """5x5 convolution without values."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 5, stride, padding=2)
        self.places = side * side  # of the output

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class _Up(nn.ConvTranspose2d):
    """5x5 transposed convolution to twice the side, without values."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__(inputs, outputs, 5, 2, padding=2, output_padding=1)
        self.places = side * side // 4  # of the input, each of which reaches 25 of the output

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class _Line(nn.Conv1d):
    """Convolution over five tokens, without values."""

    def __init__(self, inputs: int, outputs: int, T: int) -> None:
        super().__init__(inputs, outputs, 5, padding=2)
        self.places = T

    def reset_parameters(self) -> None:
        """Leave the weights without values."""


class PictureG(nn.Module):
    """z (n, z) to `outputs` numbers a pixel, (n, outputs, size, size): logits, or pixels before tanh."""

    def __init__(self, size: int, outputs: int, n: int, z: int, full: int) -> None:
        """`n` filters before the last layer, doubled towards z; `full` units of a first layer, 0 for none."""
        super().__init__()
        stages = HALVINGS[size]
        self.base, self.top = size >> stages, n * 2 ** (stages - 1)
        first: list[nn.Module] = [Dense(z, full), nn.BatchNorm1d(full), nn.ReLU(inplace=True)] if full else []
        wide = self.top * self.base**2
        self.first = nn.Sequential(*first, Dense(full or z, wide), nn.BatchNorm1d(wide), nn.ReLU(inplace=True))
        layers: list[nn.Module] = []
        for i in range(stages - 1):
            a = self.top >> i
            layers += [_Up(a, a // 2, self.base << (i + 1)), nn.BatchNorm2d(a // 2), nn.ReLU(inplace=True)]
        self.ups = nn.Sequential(*layers, _Up(n, outputs, size))

    def forward(self, z: Tensor) -> Tensor:
        """Float32."""
        return self.ups(self.first(z).view(len(z), self.top, self.base, self.base)).float()


class PictureD(nn.Module):
    """Pictures (m, channels, size, size) to F, (m,)."""

    def __init__(self, size: int, channels: int, n: int, full: int) -> None:
        super().__init__()
        wide = [channels, *(n * 2**i for i in range(HALVINGS[size]))]
        layers: list[nn.Module] = []
        for i in range(len(wide) - 1):
            layers += [_Conv(wide[i], wide[i + 1], size >> (i + 1), 2), nn.LeakyReLU(SLOPE, inplace=True)]
        flat = wide[-1] * (size >> HALVINGS[size]) ** 2
        last: list[nn.Module] = [Dense(flat, full), nn.LeakyReLU(SLOPE, inplace=True)] if full else []
        self.layers = nn.Sequential(*layers, nn.Flatten(), *last, Dense(full or flat, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Float32."""
        return self.layers(x).float().squeeze(1)


class _Residual(nn.Module):
    """Two convolutions over tokens beside the input; normalised in G."""

    def __init__(self, n: int, T: int, norm: bool) -> None:
        super().__init__()
        self.one, self.two = _Line(n, n, T), _Line(n, n, T)
        self.norm1, self.norm2 = (nn.BatchNorm1d(n) if norm else nn.Identity() for _ in range(2))
        self.slope = 0.0 if norm else SLOPE

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, T) to the same."""
        h = self.norm1(self.one(F.leaky_relu(x, self.slope)))
        return x + self.norm2(self.two(F.leaky_relu(h, self.slope)))


class TextG(nn.Module):
    """z (n, z) to logits (n, V, T)."""

    def __init__(self, V: int, T: int, n: int, z: int, blocks: int = 3) -> None:
        super().__init__()
        self.n, self.T = n, T
        self.first, self.norm = Dense(z, n * T), nn.BatchNorm1d(n)
        self.blocks = nn.Sequential(*(_Residual(n, T, norm=True) for _ in range(blocks)))
        self.out = _Line(n, V, T)

    def forward(self, z: Tensor) -> Tensor:
        """Float32."""
        return self.out(F.relu(self.blocks(self.norm(self.first(z).view(-1, self.n, self.T))))).float()


class TextD(nn.Module):
    """One-hot characters (m, V, T) to F, (m,)."""

    def __init__(self, V: int, T: int, n: int, blocks: int = 3) -> None:
        super().__init__()
        self.first = _Line(V, n, T)
        self.blocks = nn.Sequential(*(_Residual(n, T, norm=False) for _ in range(blocks)))
        self.last = Dense(n * T, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Float32."""
        return self.last(F.leaky_relu(self.blocks(self.first(x)), SLOPE).flatten(1)).float().squeeze(1)


class ToyG(nn.Module):
    """A table of logits: z uniform in [0, 1) chooses one of its rows, so that q(x) = mean over rows of softmax is known exactly."""

    def __init__(self, V: int, rows: int) -> None:
        super().__init__()
        self.table = Table(rows, V)

    def forward(self, z: Tensor) -> Tensor:
        """z (n, 1) to logits (n, V, 1)."""
        rows = self.table.num_embeddings
        return self.table((z[:, 0] * rows).long().clamp(max=rows - 1))[:, :, None]

    def q(self) -> Tensor:
        """(V,): the distribution of samples."""
        return self.table.weight.softmax(1).mean(0)


class ToyD(nn.Module):
    """One-hot cells (m, V) to F, (m,): one logit a cell, or two hidden layers of `n` units."""

    def __init__(self, V: int, n: int) -> None:
        """`n` 0 for a logit a cell."""
        super().__init__()
        act = nn.LeakyReLU(SLOPE)
        self.layers = nn.Sequential(Dense(V, n), act, Dense(n, n), act, Dense(n, 1)) if n else Dense(V, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Float32."""
        return self.layers(x).float().squeeze(1)


Layer = _Conv | _Up | _Line | Dense | Table


def macs(net: nn.Module) -> int:
    """Multiply-accumulates of one forward pass on one row, without biases and normalisation."""
    return sum(layer.weight.numel() * getattr(layer, "places", 1) for layer in net.modules() if isinstance(layer, Layer))


def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Normal weights of variance 2 / fan in and zero biases."""
    for layer in net.modules():
        if isinstance(layer, Layer):
            fan = layer.weight.shape[0] * 25 / 4 if isinstance(layer, _Up) else layer.weight[0].numel()
            spread = 1.0 if isinstance(layer, Table) else math.sqrt(2 / fan)
            nn.init.normal_(layer.weight, 0.0, spread, generator=generator)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]


def initialise_toy(G: ToyG, D: ToyD, generator: torch.Generator, *, flat: bool = True) -> None:
    """Rows of G near one distribution whose log q are spread evenly over 2.7 nats, in a random order; a D with a logit a cell begins at F = 0.

    With `flat` off D is drawn instead: weights of zero have no direction that spectral normalisation could keep.
    """
    rows, V = G.table.weight.shape
    common = torch.linspace(0, 2.7, V)[torch.randperm(V, generator=generator)]
    with torch.no_grad():
        G.table.weight.copy_(common + 0.1 * torch.randn(rows, V, generator=generator))
    initialise(D, generator)
    if flat and isinstance(D.layers, Dense):
        nn.init.zeros_(D.layers.weight)


# --- samples whose places are independent given z -------------------------------------------------------------------


def draw(logits: Tensor, u: Tensor) -> Tensor:
    """Samples (M, n, P) int64 from logits (n, K, P) by uniform numbers (M, n, P): Bernoulli where K = 1, else by the inverse CDF."""
    if logits.shape[1] == 1:
        return (u < logits[:, 0].sigmoid()).long()
    upto = logits.softmax(1).cumsum(1).transpose(1, 2).contiguous()  # (n, P, K)
    wanted = u.permute(1, 2, 0).contiguous()
    return torch.searchsorted(upto, wanted, right=True).clamp_(max=logits.shape[1] - 1).permute(2, 0, 1).contiguous()


def log_prob(logits: Tensor, x: Tensor) -> Tensor:
    """log g(x|z) of samples (M, n, P) under logits (n, K, P): the sum over places, (M, n)."""
    if logits.shape[1] == 1:
        on = logits[:, 0]
        return torch.einsum("mnp,np->mn", x.to(on.dtype), on) - F.softplus(on).sum(1)
    log_p = logits.log_softmax(1).transpose(1, 2)  # (n, P, K)
    return log_p.gather(2, x.permute(1, 2, 0)).sum(1).T


def encode(x: Tensor, K: int, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    """Values (m, P) as D takes them: ±1 in (m, 1, *shape) where K = 1, else one-hot in (m, K, *shape)."""
    if K == 1:
        return x.to(dtype).mul_(2).sub_(1).view(-1, 1, *shape)
    hot = torch.zeros(len(x), K, x.shape[1], dtype=dtype, device=x.device)
    return hot.scatter_(1, x[:, None], 1).view(len(x), K, *shape)
