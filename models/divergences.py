"""f-divergences as a discriminator estimates them, and the importance weights that follow.

    D_f(P‖Q) = E_Q[f(p/q)] ≥ V = E_P[T] − E_Q[f*(T)],  T = ν(F(x)),  tight at T*(u) = f'(u), u = p/q;  w(F) = f*'(ν(F)), so w(T*(u)) = u.

Nowozin et al. (2016), table 2, for the bound and ν; Hjelm et al. (2018), table 1 and theorem 1, for the weights; Donsker and Varadhan (1983)
for the last row, whose bound E_P[T] − log E_Q[e^T] is tighter than the linear one of its f. Written in F, the net's raw output, so that nothing
overflows where the formula in T would. D_f is that of the listed f: the row GAN is 2·JS − log 4, the row JSD 2·JS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F_
from torch import Tensor

LIMIT = 10.0  # |F| beyond which e^F in a bound is not let grow
LEAST = 1e-4  # weight of Pearson's χ², whose F/2 + 1 may be negative
Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Divergence:
    """One row of the table; all functions are elementwise on tensors."""

    name: str  # the knob's value
    title: str
    f_text: str
    conjugate_text: str
    nu_text: str
    T_text: str
    w_text: str
    f: Map  # u ≥ 0
    conjugate: Map  # f*(t)
    nu: Map  # T = ν(F)
    T_star: Map  # T*(u) = f'(u)
    F_star: Map  # the F whose T is T*(u): log u in most rows
    fake: Map  # f*(ν(F)), stable
    linear: bool = False  # w is F/2 + 1 instead of e^F
    exponential: bool = False  # has a term that grows like e^F or e^-F, so F is held within ±LIMIT
    logarithm: bool = False  # E_Q comes as log E_Q[e^F] (Donsker-Varadhan)

    def log_w(self, F: Tensor, drawn: Tensor | None = None) -> Tensor:
        """log w(F), elementwise; of Donsker-Varadhan so that the mean weight of the outputs `drawn` is 1, which are F where they are not given."""
        if self.linear:  # where it is held, F keeps a gradient, so that G may lead it back (continuous samples)
            u = F / 2 + 1
            return u.clamp(min=LEAST).log() + (u - u.detach()) * (u < LEAST)
        return F - log_mean_exp((F if drawn is None else drawn).flatten()) if self.logarithm else F  # never held: samples keep their order

    def w(self, F: Tensor) -> Tensor:
        """w(F) = f*'(ν(F)) ≥ 0: estimates p/q."""
        return self.log_w(F).exp()

    def bound(self, F_real: Tensor, F_fake: Tensor) -> Tensor:
        """V = E_P[ν(F)] − E_Q[f*(ν(F))], 0-d; D climbs it. Held values still push back: only the way further out has no gradient."""
        if self.exponential:
            F_real, F_fake = _held(F_real, F_real < -LIMIT), _held(F_fake, F_fake > LIMIT)
        expected = log_mean_exp(F_fake.flatten()) if self.logarithm else self.fake(F_fake).mean()
        return self.nu(F_real).mean() - expected

    def clamped(self, F: Tensor) -> Tensor:
        """Share of outputs that are held, 0-d."""
        if self.linear:
            return (F / 2 + 1 < LEAST).float().mean()
        return (F.abs() > LIMIT).float().mean() if self.exponential else torch.zeros((), device=F.device)

    def value(self, p: Tensor, q: Tensor) -> Tensor:
        """D_f(P‖Q) = Σ q f(p/q) of two distributions (K,) with q > 0 wherever p > 0; 0-d."""
        u = p / q.clamp(min=torch.finfo(q.dtype).tiny)
        return torch.where(q > 0, q * self.f(u), 0).sum()

    def exact(self, F: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """V (0-d) and w (K,) of outputs F on all cells of two known distributions (K,)."""
        F = F.clamp(-LIMIT, LIMIT) if self.exponential else F
        if self.logarithm:
            expected = (F + q.log()).logsumexp(0)
            return (p * F).sum() - expected, (F - expected).exp()
        return (p * self.nu(F)).sum() - (q * self.fake(F)).sum(), self.w(F)


def _held(F: Tensor, back: Tensor) -> Tensor:
    """F within ±LIMIT, with the gradient of the limit where it leads `back`, and none where it leads further out."""
    return F.clamp(-LIMIT, LIMIT) + (F - F.detach()) * back


def log_mean_exp(x: Tensor, dim: int = 0) -> Tensor:
    """log of the mean of e^x along a dimension."""
    return x.logsumexp(dim) - math.log(x.shape[dim])


def log_beta(log_w: Tensor) -> Tensor:
    """Importance-weighted estimate of log β = log E_Q[w], 0-d; 0 where D is the best one (definition 2.2)."""
    return log_mean_exp(log_w.flatten())


def weighted(divergence: Divergence, log_w: Tensor) -> Tensor:
    """Importance-weighted estimate of D_f(P‖Q) = E_Q[f(p/q)] from log w of samples of Q, with p/q ≈ w/β; 0-d."""
    return divergence.f((log_w - log_beta(log_w)).exp().clamp(min=1e-30)).mean()


def ess(log_w: Tensor, dim: int = 0) -> Tensor:
    """Effective sample size 1 / Σ w̃² of the weights normalised along `dim`, from 1 to its length."""
    return 1 / log_w.softmax(dim).square().sum(dim)


def _xlogx(u: Tensor) -> Tensor:
    return torch.special.xlogy(u, u)


_GAN = Divergence(
    "gan",
    "GAN",
    "u log u − (u+1) log(u+1)",
    "−log(1 − eᵗ)",
    "−softplus(−F)",
    "log(u/(u+1))",
    "e^F",
    f=lambda u: _xlogx(u) - (u + 1) * torch.log1p(u),
    conjugate=lambda t: -torch.log(-torch.expm1(t)),
    nu=F_.logsigmoid,
    T_star=lambda u: torch.log(u / (u + 1)),
    F_star=torch.log,
    fake=F_.softplus,
)
_JSD = Divergence(
    "jsd",
    "Jensen-Shannon",
    "u log u − (u+1) log((u+1)/2)",
    "−log(2 − eᵗ)",
    "log 2 − softplus(−F)",
    "log(2u/(u+1))",
    "e^F",
    f=lambda u: _xlogx(u) - (u + 1) * torch.log((u + 1) / 2),
    conjugate=lambda t: -torch.log(2 - torch.exp(t)),
    nu=lambda F: math.log(2) + F_.logsigmoid(F),
    T_star=lambda u: torch.log(2 * u / (u + 1)),
    F_star=torch.log,
    fake=lambda F: F_.softplus(F) - math.log(2),
)
_KL = Divergence(
    "kl",
    "KL",
    "u log u",
    "e^(t−1)",
    "F + 1",
    "1 + log u",
    "e^F",
    f=_xlogx,
    conjugate=lambda t: torch.exp(t - 1),
    nu=lambda F: F + 1,
    T_star=lambda u: 1 + torch.log(u),
    F_star=torch.log,
    fake=torch.exp,
    exponential=True,
)
_REVERSE = Divergence(
    "reverse-kl",
    "reverse KL",
    "−log u",
    "−1 − log(−t)",
    "−e^(−F)",
    "−1/u",
    "e^F",
    f=lambda u: -torch.log(u),
    conjugate=lambda t: -1 - torch.log(-t),
    nu=lambda F: -torch.exp(-F),
    T_star=lambda u: -1 / u,
    F_star=torch.log,
    fake=lambda F: F - 1,
    exponential=True,
)
_HELLINGER = Divergence(
    "hellinger",
    "squared Hellinger",
    "(√u − 1)²",
    "t/(1 − t)",
    "1 − e^(−F/2)",
    "1 − 1/√u",
    "e^F",
    f=lambda u: (u.sqrt() - 1).square(),
    conjugate=lambda t: t / (1 - t),
    nu=lambda F: -torch.expm1(-F / 2),
    T_star=lambda u: 1 - u.rsqrt(),
    F_star=torch.log,
    fake=lambda F: torch.expm1(F / 2),
    exponential=True,
)
_CHI2 = Divergence(
    "chi2",
    "Pearson χ²",
    "(u − 1)²",
    "t²/4 + t",
    "F",
    "2(u − 1)",
    "F/2 + 1",
    f=lambda u: (u - 1).square(),
    conjugate=lambda t: t.square() / 4 + t,
    nu=lambda F: F,
    T_star=lambda u: 2 * (u - 1),
    F_star=lambda u: 2 * (u - 1),
    fake=lambda F: F.square() / 4 + F,
    linear=True,
)
_DV = Divergence(
    "dv",
    "Donsker-Varadhan",
    "u log u − u + 1",
    "log E_Q[eᵗ] (linear: eᵗ − 1)",
    "F",
    "log u",
    "e^F / E_Q[e^F]",
    f=lambda u: _xlogx(u) - u + 1,
    conjugate=torch.expm1,
    nu=lambda F: F,
    T_star=torch.log,
    F_star=torch.log,
    fake=torch.expm1,
    exponential=True,
    logarithm=True,
)

DIVERGENCES: Mapping[str, Divergence] = {d.name: d for d in (_GAN, _JSD, _KL, _REVERSE, _HELLINGER, _CHI2, _DV)}


class Curves(NamedTuple):
    """What to draw of a row: f and T* over u, f* over t, w over F; float64 arrays."""

    u: np.ndarray
    f: np.ndarray
    T: np.ndarray
    t: np.ndarray
    conjugate: np.ndarray
    F: np.ndarray
    w: np.ndarray


def curves(name: str, *, largest: float = 4.0, points: int = 200) -> Curves:
    """The functions of a divergence where u = p/q is between 0.02 and `largest`; t and F are T*(u) and its F. w is that of a mean weight of 1."""
    d = DIVERGENCES[name]
    u = torch.linspace(0.02, largest, points, dtype=torch.float64)
    t, F = d.T_star(u), d.F_star(u)
    w = F / 2 + 1 if d.linear else F.exp()
    return Curves(*(x.numpy() for x in (u, d.f(u), t, t, d.conjugate(t), F, w)))
