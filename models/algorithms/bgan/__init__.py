"""BGAN: Boundary-Seeking Generative Adversarial Networks.

Hjelm, Jacob, Che, Trischler, Cho, Bengio (2018), arXiv:1702.08431.

    Paper          Here                      Meaning
    F_φ, ν         D, Divergence.nu          D's raw output; T = ν(F)
    w(x)           Divergence.log_w          importance weight (∂f*/∂T)(T(x)): p/q where D is the best one (theorem 1)
    w̃              log_w.softmax(0)          weights of the M samples of one z, or of all (`estimator = global`)
    β              log_beta                  E_Q[w], 1 for the best D; its average is REINFORCE's baseline b (definition 2.4)
    g_θ(x|z)       G, log_prob               distributions of pixels, characters or cells, independent given z
    M, N           Knobs.M, Config.batch     samples of each z; latents a step

Departures, each of them switchable or named:
    1. D climbs the true bound E_P[ν(F)] − E_Q[f*(ν(F))], as the authors' code does; Algorithm 1 prints F and w.
    2. D may learn from some of the M samples only (`learn`), the others are weighed; 0 takes all, as the paper.
    3. A moving average of G's weights draws the samples that are shown; `ema = 0` turns it off.
    4. In the bound |F| is held within 10 where e^F enters it (KL, reverse KL, Hellinger, Donsker-Varadhan), and χ²'s weight above 1e-4; a notice
       tells. The logarithms of weights need no limit, so samples keep their order however sure D is.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from models import device
from models.algorithms.bgan.described import FOUND, PLOTS, PRESET_DATA, PRESETS, QUALITY, Config, Knobs
from models.algorithms.bgan.given import PICTURES, batches, fitted, open_data, real_values, shape, writes
from models.contract import Event, Plan
from models.data.discrete import DiscreteSet
from models.data.images import ImageSet
from models.data.text import TextSet
from models.data.toys import ToySet
from models.divergences import DIVERGENCES, Divergence, ess, log_beta, weighted
from models.errors import BadSetting
from models.nets import discrete
from models.nets.discrete import PictureD, PictureG, TextD, TextG, ToyD, ToyG, draw, encode, log_prob
from models.nets.pixels import autocast, to_model

__all__ = ["FOUND", "PLOTS", "PRESETS", "PRESET_DATA", "QUALITY", "Config", "Knobs"]
__all__ += ["PICTURES", "batches", "fitted", "open_data", "real_values", "shape", "step", "writes"]

NAME = "bgan"
TITLE = "BGAN"
PAPER = "Hjelm, Jacob, Che, Trischler, Cho, Bengio (2018), Boundary-Seeking Generative Adversarial Networks, arXiv:1702.08431"
WRITES = "pictures"  # of a text or a toy it writes text: see `writes`
TAKES = "any"
FIRST_DATA = "glyphs-binary"
BETWEEN = 50


class Info(NamedTuple):
    """One step in numbers, all 0-d; the last five of a toy alone."""

    V: Tensor  # the bound
    weighted: Tensor  # the importance-weighted estimate of the same divergence, E_Q[f(w/β)]
    loss_G: Tensor
    D_real: Tensor  # mean of σ(log w) on data
    D_fake: Tensor
    log_beta: Tensor
    baseline: Tensor  # its moving average
    ESS: Tensor  # mean over z of 1 / Σ w̃²
    penalty: Tensor | None  # mean of |∂F/∂x|², where it is asked for
    clamped: Tensor  # share of outputs that are held
    KL: Tensor | None = None  # KL(p‖q), exact
    D_f: Tensor | None = None
    gap: Tensor | None = None  # D_f − V, both exact
    bias: Tensor | None = None  # total variation of p and w q / β
    error: Tensor | None = None  # E_q|w − p/q|


@dataclass
class State:
    """All that changes."""

    G: PictureG | TextG | ToyG
    D: PictureD | TextD | ToyD
    average: PictureG | TextG | ToyG  # moving average of G, for drawing
    optimiser_G: torch.optim.Adam
    optimiser_D: torch.optim.Adam
    rng: torch.Generator  # on the CPU, so that a run can change its device
    baseline: Tensor  # 0-d, moving average of log β
    p: Tensor  # (V,) of a toy, else empty
    step: int = 0
    phase: int = 0
    told: list[str] = field(default_factory=list)  # alarms that hold
    words: list[str] = field(default_factory=list)  # of a text or a toy
    joiner: str = ""
    palette: list[list[int]] = field(default_factory=list)
    # fixed, rebuilt by init and not saved
    config: Config = field(default_factory=Config, metadata={"saved": False})
    plan: Plan | None = field(default=None, metadata={"saved": False})
    run_D: Callable[..., Tensor] = field(default=lambda x: x, metadata={"saved": False})  # D, compiled if the plan says so
    run_G: Callable[..., Tensor] = field(default=lambda z: z, metadata={"saved": False})

    @property
    def device(self) -> torch.device:
        """Where the nets are."""
        return self.baseline.device


# --- data and nets ------------------------------------------------------------------------------------------------


def prepare(state: State, data: ImageSet | TextSet) -> None:
    """What a fresh State takes over from its data: words, palette, the truth of a toy."""
    if isinstance(data, TextSet):
        state.words, state.joiner = list(data.words), data.joiner
    if isinstance(data, ToySet):
        state.p.copy_(torch.from_numpy(data.p))
    if isinstance(data, DiscreteSet) and data.palette is not None:
        state.palette = data.palette.tolist()


def build(config: Config) -> tuple[Any, Any]:
    """G and D, without values."""
    if config.kind == "toy":
        return ToyG(config.V, config.rows), ToyD(config.V, config.hidden)
    if config.kind == "text":
        return TextG(config.V, config.T, config.n, config.z), TextD(config.V, config.T, config.n)
    return PictureG(config.size, config.V, config.n, config.z, config.full), PictureD(config.size, config.V, config.n, config.full)


def init(config: Config, seed: int, plan: Plan) -> State:
    """A fresh State; every random number comes from `seed`; raises BadSetting where the device has no room for it."""
    _check_room(config, plan)
    rng = torch.Generator().manual_seed(seed)
    G, D = build(config)
    if config.kind == "toy":
        discrete.initialise_toy(G, D, rng, flat=not config.spectral)
    else:
        discrete.initialise(G, rng)
        discrete.initialise(D, rng)
    if config.spectral:
        _normalise(D, rng)
    G, D = (placed(net, config, plan) for net in (G, D))
    of_G, of_D = (torch.optim.Adam(net.parameters(), fused=True) for net in (G, D))
    baseline, p = torch.zeros((), device=plan.device), torch.zeros(config.V if config.kind == "toy" else 0, device=plan.device)
    average = copy.deepcopy(G).requires_grad_(False).eval()
    made = State(G, D, average, of_G, of_D, rng, baseline, p, config=config, plan=plan)
    made.run_D, made.run_G = device.compiled(D, plan), device.compiled(G, plan)
    return made


def placed(net: Any, config: Config, plan: Plan) -> Any:
    """A net where the plan computes, in its layout."""
    layout = torch.channels_last if plan.channels_last and config.kind in PICTURES else torch.contiguous_format
    return net.to(device=plan.device, memory_format=layout)


def _normalise(D: nn.Module, rng: torch.Generator) -> None:
    """Spectral normalisation of every layer (Miyato et al. 2018); torch draws its first vectors from the global generator, which is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(int(torch.randint(2**31, (), generator=rng)))
        for layer in [m for m in D.modules() if isinstance(m, discrete.Layer)]:
            nn.utils.parametrizations.spectral_norm(layer)


def _check_room(config: Config, plan: Plan) -> None:
    """Weights with Adam's moments, and a step's samples as D takes them, must fit into the device."""
    places = math.prod(shape(config))
    nets = sum(sum(p.numel() for p in net.parameters()) for net in build(config)) if config.V * config.n < 2**26 else config.V * config.n * 10
    need, room = 4 * (5 * nets + 4 * config.batch * (Knobs().M + 1) * places * max(config.V, config.n // 4)), device.memory(plan)
    if need > room:
        raise BadSetting(
            f"{config.V:,} values at {places:,} places with these nets and batches need about {need / 1e9:,.0f} GB, and this {plan.device} has "
            f"{room / 1e9:,.0f} GB: lower batch, n, full, vocab or the size."
        )


# --- the algorithm ------------------------------------------------------------------------------------------------


def step(state: State, batch: Tensor, knobs: Knobs) -> Info:
    """One update of D and of G (Algorithm 1): one pass of G, one of D on real and drawn samples, one backward pass."""
    turn = not knobs.freeze_G and state.step >= state.config.warm and (state.step + 1) % knobs.d_steps == 0
    take = _continuous if state.config.kind == "continuous" else _discrete
    info = take(state, batch.to(state.device), knobs, turn)
    state.optimiser_D.zero_grad(set_to_none=True)
    state.optimiser_G.zero_grad(set_to_none=True)
    state.step += 1
    return info


def _discrete(state: State, x: Tensor, knobs: Knobs, turn: bool) -> Info:
    f, N, M = DIVERGENCES[knobs.divergence], len(x), knobs.M
    with torch.set_grad_enabled(turn):
        logits = forward_G(state, noise(state, N))
    drawn = draw(logits.detach(), torch.rand(M, N, x.shape[1], generator=state.rng).to(state.device))
    seen = min(knobs.learn or M, M)
    F_real, F_seen = forward_D(state, torch.cat([x, drawn[:seen].flatten(0, 1)])).split([N, seen * N])
    F_fake = F_seen.detach()
    if seen < M:
        with torch.no_grad():
            F_fake = torch.cat([F_fake, forward_D(state, drawn[seen:].flatten(0, 1))])
    log_w = f.log_w(F_fake).view(M, N)

    V, steep = f.bound(F_real, F_seen), _penalty(state, torch.cat([x, drawn[0]]), knobs)
    loss_G = boundary_loss(log_w, log_prob(logits, drawn), knobs.estimator, state.baseline)
    loss = _loss_D(V, steep, knobs)
    (loss + loss_G if turn else loss).backward()  # no path leads from one net to the other: samples and weights have no gradient
    _descend(state, knobs, turn)
    info = _told(state, knobs, V, loss_G, F_real, F_fake, log_w, steep)
    return info._replace(**exact(state, knobs)) if state.config.kind == "toy" else info


def boundary_loss(log_w: Tensor, log_g: Tensor, estimator: str, b: Tensor) -> Tensor:
    """What G descends, 0-d, from weights and log g(x|z) of M samples of each of N latents, both (M, N).

    "per-z": −1/N Σ_n Σ_m w̃ log g with Σ_m w̃ = 1 (Algorithm 1; definition 2.3). "global": the same with weights normalised over all samples,
    whose sum estimates β (definition 2.2). "reinforce": −1/MN Σ (log w − b) log g, the gradient of KL(Q‖P̃) (definition 2.4).
    """
    if estimator == "per-z":
        return -(log_w.softmax(0) * log_g).sum(0).mean()
    if estimator == "global":
        return -(log_w.flatten().softmax(0) * log_g.flatten()).sum()
    return -((log_w - b) * log_g).mean()


def _continuous(state: State, pictures: Tensor, knobs: Knobs, turn: bool) -> Info:
    """The same for pixels that are numbers: G leads F to the boundary, L_G = (log w)², or (log w − b)² as in the authors' code."""
    f, x = DIVERGENCES[knobs.divergence], to_model(state.plan, pictures)
    with torch.set_grad_enabled(turn):
        fake = forward_G(state, noise(state, len(x))).tanh()
    with autocast(state.plan):
        F_real, F_fake = state.run_D(torch.cat([x, fake])).split(len(x))
    V, steep = f.bound(F_real, F_fake), _penalty(state, torch.cat([x, fake.detach()]), knobs)
    log_w = f.log_w(F_fake)
    loss_G = continuous_loss(log_w, state.baseline if knobs.boundary == "baseline" else torch.zeros_like(state.baseline))
    _loss_D(V, steep, knobs).backward(inputs=list(state.D.parameters()), retain_graph=turn)
    if turn:
        loss_G.backward(inputs=list(state.G.parameters()))
    _descend(state, knobs, turn)
    return _told(state, knobs, V, loss_G, F_real, F_fake.detach(), log_w.detach()[:, None], steep)


def continuous_loss(log_w: Tensor, boundary: Tensor) -> Tensor:
    """(log w − boundary)², from logits: finite however sure D is; 0-d."""
    return (log_w - boundary).square().mean()


def _penalty(state: State, x: Tensor, knobs: Knobs) -> Tensor | None:
    """Mean of |∂F/∂x|² over real and drawn samples, as D takes them (Roth et al. 2017; Mescheder et al. 2018); 0-d."""
    if not knobs.penalty:
        return None
    given = (x if x.is_floating_point() else encoded(state, x)).float().requires_grad_()
    with autocast(state.plan):
        F = state.D(given)
    (slope,) = torch.autograd.grad(F.sum(), given, create_graph=True)
    return slope.float().flatten(1).square().sum(1).mean()


def _loss_D(V: Tensor, steep: Tensor | None, knobs: Knobs) -> Tensor:
    """What D descends, 0-d."""
    return -V if steep is None else -V + knobs.penalty / 2 * steep


def _told(state: State, knobs: Knobs, V: Tensor, loss_G: Tensor, F_real: Tensor, F_fake: Tensor, log_w: Tensor, steep: Tensor | None) -> Info:
    """The step in numbers, from outputs (m,) and weights (M, N) of the samples; moves the average of log β."""
    f, real, estimate = DIVERGENCES[knobs.divergence], F_real.detach(), log_beta(log_w)
    state.baseline = torch.lerp(estimate, state.baseline, knobs.decay)
    return Info(
        V=V.detach(),
        weighted=weighted(f, log_w),
        loss_G=loss_G.detach(),
        D_real=f.log_w(real, F_fake).sigmoid().mean(),
        D_fake=log_w.sigmoid().mean(),
        log_beta=estimate,
        baseline=state.baseline,
        ESS=ess(log_w).mean(),
        penalty=None if steep is None else steep.detach(),
        clamped=f.clamped(torch.cat([real, F_fake])),
    )


def _descend(state: State, knobs: Knobs, turn: bool) -> None:
    """Adam on D, and in its turn on G and its average."""
    for optimiser, lr in ((state.optimiser_D, knobs.lr * knobs.d_lr), *(((state.optimiser_G, knobs.lr),) if turn else ())):
        optimiser.param_groups[0].update(lr=lr, betas=(knobs.beta1, knobs.beta2))
        optimiser.step()
    if turn:
        with torch.no_grad():
            torch._foreach_lerp_(list(state.average.parameters()), list(state.G.parameters()), 1 - knobs.ema)  # pyright: ignore[reportPrivateImportUsage]
            for kept, now in zip(state.average.buffers(), state.G.buffers(), strict=True):
                kept.copy_(now)


def exact(state: State, knobs: Knobs) -> dict[str, Tensor]:
    """What a toy's known p and q make of D: sums over all cells, 0-d each."""
    found = on_cells(state, knobs)
    return {name: found[name] for name in ("KL", "D_f", "gap", "bias", "error")}


@torch.no_grad()
def on_cells(state: State, knobs: Knobs) -> dict[str, Tensor]:
    """p, q, ratio p/q, w, and tilde w q / β of every cell, (V,); KL, D_f, V, gap, bias and error, 0-d; float64."""
    f, p, q = DIVERGENCES[knobs.divergence], state.p.double(), cast(ToyG, state.G).q().double()
    with calm(state.D):
        F = state.D(torch.eye(len(p), device=state.device)).double()
    V, w = f.exact(F, p, q)
    D_f, ratio, tilde = f.value(p, q), p / q, w * q / (w * q).sum()
    found = {"p": p, "q": q, "ratio": ratio, "w": w, "tilde": tilde, "D_f": D_f, "V": V, "gap": D_f - V}
    found["bias"], found["error"] = (p - tilde).abs().sum() / 2, (q * (w - ratio).abs()).sum()
    return found | {"KL": (torch.xlogy(p, p) - p * q.log()).sum()}


# --- what a person should know ------------------------------------------------------------------------------------


def between(state: State, recent: Mapping[str, np.ndarray], knobs: Knobs) -> list[Event]:
    """Tells of weights that collapse onto one sample, of M = 1, and of outputs that are held; called every BETWEEN steps."""
    weighs = state.config.kind != "continuous" and knobs.estimator != "reinforce"
    size, held = float(recent["ESS"].mean()), float(recent["clamped"].mean())
    worth = max(1.2, knobs.M / 10)
    found = {
        "M": weighs and knobs.M == 1 and knobs.estimator == "per-z",
        "ESS": weighs and knobs.M > 1 and size < worth * (1.25 if "ESS" in state.told else 1),
        "held": held > (0.01 if "held" in state.told else 0.05),
    }
    new = [name for name, on in found.items() if on and name not in state.told]
    state.told = [name for name, on in found.items() if on]
    said = {
        "M": "M = 1: the only sample of a z always has weight 1, so D tells G nothing; take M of 2 or more, or estimator=global.",
        "ESS": f"The weights collapse: of the M = {knobs.M} samples of a z only {size:.1f} count (ESS); lower d_lr, raise M, or set a penalty.",
        "held": f"{held:.0%} of D's outputs are beyond what {DIVERGENCES[knobs.divergence].title} can take and are held at the limit, where D learns "
        "little more; lower d_lr, set a penalty, or take the GAN or Jensen-Shannon divergence.",
    }
    return [Event("alarm", said[name]) for name in new]


# --- the parts of a step ------------------------------------------------------------------------------------------


def noise(state: State, n: int) -> Tensor:
    """z ~ U[0, 1), (n, z), from the State's generator."""
    return latents(n, state.config, state.rng).to(state.device)


def latents(n: int, config: Config, generator: torch.Generator) -> Tensor:
    """(n, z) on the CPU; of a toy (n, 1)."""
    return torch.rand(n, 1 if config.kind == "toy" else config.z, generator=generator)


def forward_G(state: State, z: Tensor) -> Tensor:
    """Logits (n, V, places) in float32; of continuous pixels (n, C, H, W) before tanh."""
    with autocast(state.plan):
        out = state.run_G(z)
    return out if state.config.kind == "continuous" else out.flatten(2)


def forward_D(state: State, x: Tensor) -> Tensor:
    """F, in float32, (m,), of what `batches` gives: values (m, places), or pictures (m, C, H, W) uint8 if continuous."""
    with autocast(state.plan):
        return state.run_D(encoded(state, x))


@torch.no_grad()
def weighed(state: State, f: Divergence, x: Tensor) -> Tensor:
    """log w of values (M, n, places), (M, n), as D judges and not as it trains."""
    with calm(state.D):
        return f.log_w(torch.cat([forward_D(state, rows) for rows in x.flatten(0, 1).split(256)])).view(x.shape[:2])


def judged(state: State, values: np.ndarray) -> Tensor:
    """F of values as `batches` gives them, (m,)."""
    return forward_D(state, torch.from_numpy(values).to(state.device))


def encoded(state: State, x: Tensor) -> Tensor:
    """What `batches` gives, as D takes it."""
    assert state.plan is not None
    if state.config.kind == "continuous":
        return to_model(state.plan, x)
    out = encode(x, state.config.V, shape(state.config), torch.bfloat16 if state.plan.precision == "bfloat16" else torch.float32)
    return out.contiguous(memory_format=torch.channels_last) if out.dim() == 4 and state.plan.channels_last else out


@contextmanager
def calm(net: nn.Module) -> Iterator[None]:
    """The net as it judges and draws, not as it trains: neither its running means nor its spectral vectors move."""
    was = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was)


from models.algorithms.bgan import shown  # noqa: E402, F401 (it is built on what is above)
from models.algorithms.bgan.measures import evaluate  # noqa: E402, F401
from models.algorithms.bgan.shown import cost, predicted_seconds, sample, views, work  # noqa: E402, F401
