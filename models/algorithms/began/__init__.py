"""BEGAN: Boundary Equilibrium Generative Adversarial Networks.

Berthelot, Schumm, Metz (2017), arXiv:1703.10717.

    Paper        Here                   Meaning
    L(v)         reconstruction         |v - D(v)|^eta, mean over pixels
    k_t          State.k                weight of the fake loss in L_D, in [0, 1], from 0
    gamma        Knobs.gamma            diversity ratio E L(G(z)) / E L(x)
    lambda_k     Knobs.lambda_k         gain of k
    M_global     Info.M_global          L(x) + |gamma L(x) - L(G(z))|
    N_h, N_z     Config.h, Config.z     sizes of the embedding and of z ~ U[-1, 1]

Departures, each of them switchable:
    1. One batch of fakes serves both losses (as in most implementations); `update = alternating` draws a second one.
    2. Weights start scaled to each layer's fan-in; `start = authors` takes the authors' 0.01, which needs wide nets or `residual`.
    3. A moving average of G's weights draws the samples; `ema = 0` turns it off.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models import device
from models import knobs as settings
from models.contract import Curve, Event, Phase, Plan, Plot, Preset, View
from models.data.images import ImageSet
from models.data.sources import open_images
from models.knobs import knob
from models.nets.autoencoder import AutoEncoder, Decoder, initialise, macs
from models.nets.pixels import autocast, to_model, to_pictures

NAME = "began"
TITLE = "BEGAN"
PAPER = "Berthelot, Schumm, Metz (2017), BEGAN: Boundary Equilibrium Generative Adversarial Networks, arXiv:1703.10717"
WRITES = "pictures"
BETWEEN = 50
WINDOW = 1000  # steps over which M_global is averaged before it is judged


class Config(settings.Config):
    """What a BEGAN is built from."""

    size: Literal[32, 64, 128, 256] = knob(32, "side of the pictures in pixels", group="Pictures")
    mirror: bool = knob(False, "mirror half of the training pictures", group="Pictures")
    layout: Literal["authors", "figure"] = knob("authors", "layout of the nets: the authors' blocks, or the paper's figure 1", group="Nets")
    n: int = knob(16, "filters at the first scale; they grow linearly", low=4, high=512, group="Nets")
    h: int = knob(64, "size of the embedding of D", symbol="Nₕ", low=2, high=1024, group="Nets")
    z: int = knob(64, "size of the latent of G", symbol="N_z", low=2, high=1024, group="Nets")
    depth: int = knob(2, "convolutions a scale", low=1, high=6, group="Nets")
    skips: bool = knob(True, "feed h0 to every scale of the decoders", group="Nets")
    residual: bool = knob(False, "vanishing residuals: layers start as identities", group="Nets")
    carry_steps: int = knob(16_000, "steps over which the residuals vanish", low=1, high=10_000_000, group="Nets")
    start: Literal["scaled", "authors"] = knob("scaled", "first weights: scaled to the fan-in, or the authors' 0.01", group="Nets")
    batch: int = knob(16, "pictures a step", low=1, high=4096, group="Training")


class Knobs(settings.Knobs):
    """What a BEGAN is steered by while it trains."""

    gamma: float = knob(0.5, "diversity ratio", symbol="γ", low=0.0, high=1.0, group="Equilibrium")
    lambda_k: float = knob(0.001, "gain of k", symbol="λₖ", low=0.0, high=1.0, log=True, group="Equilibrium")
    eta: Literal[1, 2] = knob(1, "exponent of |x − D(x)|", symbol="η", group="Equilibrium")
    update: Literal["simultaneous", "alternating"] = knob("simultaneous", "order of the updates of D and G", group="Equilibrium")
    lr: float = knob(1e-4, "Adam step size", symbol="lr", low=1e-7, high=1e-2, log=True, group="Optimiser")
    beta1: float = knob(0.9, "Adam decay of the mean", symbol="β₁", low=0.0, high=0.999, group="Optimiser")
    beta2: float = knob(0.999, "Adam decay of the square", symbol="β₂", low=0.0, high=0.9999, group="Optimiser")
    halve: bool = knob(True, "halve lr when M_global stalls", group="Optimiser")
    patience: int = knob(5_000, "steps without progress before lr is halved", low=1_000, high=1_000_000, log=True, group="Optimiser")
    lr_floor: float = knob(2e-5, "lr is never halved below this", symbol="lr_min", low=0.0, high=1e-2, log=True, group="Optimiser")
    ema: float = knob(0.999, "decay of the averaged generator that draws samples", symbol="EMA", low=0.0, high=0.9999, group="Optimiser")


PRESETS = {
    p.name: p
    for p in (
        # a controller twenty times as quick, a livelier Adam and no skips: 4,000 steps are a hundredth of the paper's, and these gave
        # the most varied faces of the nine settings that were tried
        Preset(
            "quick",
            "32 px, narrow nets, minutes on a laptop",
            (Phase("adversarial", 4_000),),
            config={"n": 24, "skips": False},
            knobs={"gamma": 0.75, "lambda_k": 0.02, "lr": 6e-4, "beta1": 0.5, "ema": 0.998, "patience": 2_000},
        ),
        Preset("paper-64", "64 px, n=64: hours on a GPU", (Phase("adversarial", 200_000),), config={"size": 64, "n": 64}),
        Preset(
            "paper-128",
            "128 px, n=128: the paper's 17.3 M parameters, days on a GPU",
            (Phase("adversarial", 400_000),),
            config={"size": 128, "n": 128},
        ),
    )
}

PLOTS = (
    Plot(
        "Reconstruction error",
        (Curve("loss_real", "L(x)", "real"), Curve("loss_fake", "L(G(z))", "generated"), Curve("w1", "|m₁−m₂|", "baseline")),
        "L(x) falls as D learns; L(G(z)) follows it at γ; their distance is the lower bound of the Wasserstein distance.",
    ),
    Plot("k_t", (Curve("k_t", "k_t", "controller"),), "The controller's weight on the fake loss: it climbs while G is easy to reconstruct."),
    Plot("M_global", (Curve("M_global", "M", "measure"),), "The paper's measure of convergence: lower is better, a plateau halves lr."),
)


class Info(NamedTuple):
    """One step in numbers, all 0-d."""

    loss_real: Tensor  # L(x)
    loss_fake: Tensor  # L(G(z))
    k_t: Tensor  # after this step
    M_global: Tensor
    w1: Tensor  # |m1 - m2|, lower bound of the Wasserstein distance of the two error distributions (eq. 1)
    lr: Tensor  # as used: knobs.lr times the halvings


@dataclass
class State:
    """All that changes."""

    G: Decoder
    D: AutoEncoder
    average: Decoder  # moving average of G
    optimiser_G: torch.optim.Adam
    optimiser_D: torch.optim.Adam
    rng: torch.Generator  # draws z; on the CPU, so that a run can change its device
    k: Tensor  # 0-d
    step: int = 0
    phase: int = 0
    lr_scale: float = 1.0
    best: float = 1e9  # lowest mean of M_global over a window
    stalled: int = 0  # steps since then
    window: list[float] = field(default_factory=list)  # means of M_global since the last judgement
    # fixed, rebuilt by init and not saved
    config: Config = field(default_factory=Config, metadata={"saved": False})
    plan: Plan | None = field(default=None, metadata={"saved": False})
    run_D: Callable[..., Tensor] = field(default=lambda v, _: v, metadata={"saved": False})  # D, compiled if the plan says so
    run_G: Callable[..., Tensor] = field(default=lambda z, _: z, metadata={"saved": False})


def open_data(spec: str, config: Config, progress: Callable[[int, int], None] | None = None) -> ImageSet:
    """The pictures that `spec` names, at the model's size."""
    return open_images(spec, size=config.size, progress=progress)


def build(config: Config) -> tuple[Decoder, AutoEncoder]:
    """G and D, without values."""
    G = Decoder(config.layout, config.size, 3, config.n, config.z, config.depth, config.skips)
    D = AutoEncoder(config.layout, config.size, 3, config.n, config.h, config.depth, config.skips)
    return G, D


def init(config: Config, seed: int, plan: Plan) -> State:
    """A fresh State; every random number comes from `seed`."""
    rng = torch.Generator().manual_seed(seed)
    G, D = build(config)
    for net in (G, D):
        initialise(net, rng, None if config.start == "scaled" else 0.01)
    layout = torch.channels_last if plan.channels_last else torch.contiguous_format
    G, D = (net.to(device=plan.device, memory_format=layout) for net in (G, D))  # pyright: ignore[reportCallIssue]
    return State(
        G,
        D,
        copy.deepcopy(G).requires_grad_(False),
        torch.optim.Adam(G.parameters(), fused=True),
        torch.optim.Adam(D.parameters(), fused=True),
        rng,
        torch.zeros((), device=plan.device),
        config=config,
        plan=plan,
        run_D=device.compiled(D, plan),
        run_G=device.compiled(G, plan),
    )


def batches(data: ImageSet, config: Config, seed: int, start: int) -> Iterator[Tensor]:
    """Batches from the `start`-th on, (batch, 3, size, size) uint8; batch t depends on (seed, t) alone."""
    t = start
    while True:
        x = data.batch(seed, t, config.batch)
        if config.mirror:
            flip = torch.rand(len(x), generator=torch.Generator().manual_seed((seed * 1_000_003 + t) % 2**63)) < 0.5
            x = torch.where(flip[:, None, None, None], x.flip(3), x)
        yield x
        t += 1


# --- the algorithm ----------------------------------------------------------------------------------------------


class _ScaleGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a scalar."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.saved_tensors
        return grads[0] * scale, None


def step(state: State, batch: Tensor, knobs: Knobs) -> Info:
    """One update of D, G and k_t (section 3.3)."""
    x = to_model(state.plan, batch)
    lr = knobs.lr * state.lr_scale
    for optimiser in (state.optimiser_D, state.optimiser_G):
        optimiser.zero_grad(set_to_none=True)
        optimiser.param_groups[0].update(lr=lr, betas=(knobs.beta1, knobs.beta2))

    one = _simultaneous if knobs.update == "simultaneous" else _alternating
    L_x, L_G = one(state, x, knobs)

    with torch.no_grad():
        balance = knobs.gamma * L_x - L_G
        state.k = (state.k + knobs.lambda_k * balance).clamp(0, 1)  # k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z_G)))
        M_global = L_x + balance.abs()
        decay = min(knobs.ema, (1 + state.step) / (10 + state.step))  # short at first, or the first weights would linger
        torch._foreach_lerp_(list(state.average.parameters()), list(state.G.parameters()), 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
    state.step += 1
    return Info(L_x, L_G, state.k, M_global, (L_x - L_G).abs(), torch.full_like(L_x, lr))


def _simultaneous(state: State, x: Tensor, knobs: Knobs) -> tuple[Tensor, Tensor]:
    """Both updates from one forward and one backward pass.

    The loss is L_D = L(x) - k L(G(z)); on its way from D into G the gradient is multiplied by -1/k, so that G receives that
    of L_G = L(G(z)) (both through D and through the target G(z)). k is kept above 2^-40, a relative error in D of 1e-12.
    """
    k = state.k.clamp(min=2.0**-40)
    fake = forward_G(state, noise(state, len(x)))
    v = torch.cat([x, _ScaleGradient.apply(fake, -1 / k)])
    L_x, L_G = reconstruction(v, forward_D(state, v), knobs.eta).view(2, -1).mean(1)
    (L_x - k * L_G).backward()
    state.optimiser_D.step()
    state.optimiser_G.step()
    return L_x.detach(), L_G.detach()


def _alternating(state: State, x: Tensor, knobs: Knobs) -> tuple[Tensor, Tensor]:
    """D first; then G against the new D, on fresh noise z_G."""
    with torch.no_grad():
        fake = forward_G(state, noise(state, len(x)))
    v = torch.cat([x, fake])
    L_x, L_G = reconstruction(v, forward_D(state, v), knobs.eta).view(2, -1).mean(1)
    (L_x - state.k * L_G).backward()  # L_D
    state.optimiser_D.step()

    state.D.requires_grad_(False)
    fake = forward_G(state, noise(state, len(x)))
    L_G = reconstruction(fake, forward_D(state, fake), knobs.eta).mean()
    L_G.backward()
    state.D.requires_grad_(True)
    state.optimiser_G.step()
    return L_x.detach(), L_G.detach()


def between(state: State, recent: Mapping[str, np.ndarray], knobs: Knobs) -> list[Event]:
    """Halve lr when the mean of M_global has not fallen by 1 % for `patience` steps; called every BETWEEN steps."""
    state.window.append(float(recent["M_global"].mean()))
    if len(state.window) * BETWEEN < WINDOW:
        return []
    mean = sum(state.window) / len(state.window)
    state.window.clear()
    if mean < 0.99 * state.best:
        state.best, state.stalled = mean, 0
        return []
    state.stalled += WINDOW
    floor = min(1.0, knobs.lr_floor / knobs.lr)
    if not knobs.halve or state.stalled < knobs.patience or state.lr_scale <= floor:
        return []
    state.lr_scale, state.stalled = max(state.lr_scale / 2, floor), 0
    return [Event("lr", f"lr halved to {knobs.lr * state.lr_scale:.2g}: M_global has not fallen for {knobs.patience:,} steps")]


# --- the parts of a step ------------------------------------------------------------------------------------------


def reconstruction(v: Tensor, D_v: Tensor, eta: int) -> Tensor:
    """L(v) = |v - D(v)|^eta for each picture, (batch,): the mean over pixels, in float32."""
    error = (v - D_v.float()).abs()
    return (error if eta == 1 else error.square()).mean((1, 2, 3))


def noise(state: State, n: int) -> Tensor:
    """z ~ U[-1, 1], (n, z)."""
    return latents(n, state.config.z, state.rng).to(state.k.device)


def latents(n: int, z: int, generator: torch.Generator) -> Tensor:
    """(n, z) uniform in [-1, 1], on the CPU."""
    return torch.rand(n, z, generator=generator) * 2 - 1


def carry(state: State) -> Tensor | None:
    """What the vanishing residuals still carry, 1 to 0; None without residuals or once they have vanished."""
    if not state.config.residual or state.step >= state.config.carry_steps:
        return None
    return torch.full((), 1 - state.step / state.config.carry_steps, device=state.k.device)


def forward_D(state: State, v: Tensor) -> Tensor:
    """D(v), the shape of v."""
    with autocast(state.plan):
        return state.run_D(v, carry(state))


def forward_G(state: State, z: Tensor) -> Tensor:
    """G(z) in float32, (n, 3, size, size)."""
    with autocast(state.plan):
        return state.run_G(z, carry(state)).float()


# --- samples ----------------------------------------------------------------------------------------------

CHUNK = 64  # samples are drawn in whole chunks, so that a sample's bits do not depend on how many were asked for


@torch.no_grad()
def generate(state: State, z: Tensor, ema: bool = True) -> np.ndarray:
    """Pictures of latents (n, z) on the CPU: uint8 (n, size, size, 3)."""
    G: nn.Module = state.average if ema else state.G
    drawn = []
    for rows in z.split(CHUNK):
        full = torch.cat([rows, rows.new_zeros(CHUNK - len(rows), z.shape[1])]).to(state.k.device)
        with autocast(state.plan):
            drawn.append(to_pictures(G(full, carry(state)))[: len(rows)])
    return np.concatenate(drawn)


def sample(state: State, n: int, seed: int, *, ema: bool = True) -> View:
    """`n` pictures from the latents of `seed`; picture i is the same whatever n is."""
    z = latents(n, state.config.z, torch.Generator().manual_seed(seed))
    return View(pictures={"samples": generate(state, z, ema)})


def cost(config: Config) -> float:
    """GFLOP of one step (3g + 6d: one forward and one backward pass of G and of D on twice the batch), counted on the nets."""
    G, D = build(config)
    return config.batch * 2 * (3 * macs(G) + 6 * macs(D)) / 1e9


from models.algorithms.began.shown import evaluate, views  # noqa: E402, F401 (they show what is above)
