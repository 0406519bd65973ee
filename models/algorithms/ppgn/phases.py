"""The steps of PPGN's phases, one function a phase: f(state, x, batch, knobs) -> Info, with x (batch, channels, size, size) in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.algorithms.ppgn import KEPT, Batch, Info, Knobs, State, encode, statistics
from models.nets.captioner import END
from models.nets.inverter import Inverter
from models.nets.pixels import autocast

# --- E, C and the scorer ------------------------------------------------------------------------------------------


def encoder(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """C learns the classes, and with it E its h1 and h."""
    x = shifted(x, knobs.shift, state.rng)
    labels = batch.labels.to(x.device)
    clean, x = x, against(state, x, labels, knobs.robust)
    state.E.train()  # its batch normalisation; elsewhere it is as in use
    with autocast(state.plan):
        _, h = state.E(x)
        logits = state.E.logits(h)
    state.E.eval()
    loss, right = judged(logits, labels, state.heads)
    keep(state, h.detach())
    if knobs.w_seen == 0:
        return Info(loss_C=loss.detach(), right_C=right, lr=update(state, "encoder", state.optimiser_E, loss, knobs))
    with autocast(state.plan):
        L_img = F.mse_loss(state.G(h).float(), clean)
    whole, ours, theirs = loss + knobs.w_seen * L_img, list(state.E.parameters()), list(state.G.parameters())
    grads = torch.autograd.grad(whole, [*ours, *theirs])
    lr = scheduled(state, "encoder", knobs.lr, knobs.halving)
    descend(state.optimiser_E, ours, grads[: len(ours)], lr, knobs)
    descend(state.optimiser_G, theirs, grads[len(ours) :], lr, knobs)
    return Info(loss_C=loss.detach(), right_C=right, L_img=L_img.detach(), lr=torch.full_like(right, lr))


def scorer(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """The independent classifier learns the same classes; it sees no generated picture, and nothing is optimised against it."""
    x = shifted(x, knobs.shift, state.rng)
    with autocast(state.plan):
        logits = state.scorer(x)
    loss, right = judged(logits, batch.labels.to(x.device), state.heads)
    lr = update(state, "scorer", state.optimiser_scorer, loss, knobs)
    return Info(loss_S=loss.detach(), right_S=right, lr=lr)


def shifted(x: Tensor, most: int, rng: torch.Generator) -> Tensor:
    """Each picture moved by at most `most` pixels either way, its edge repeated."""
    if most == 0:
        return x
    n, _, height, width = x.shape
    move = torch.randint(0, 2 * most + 1, (2, n, 1), generator=rng).to(x.device)
    rows, columns = move[0] + torch.arange(height, device=x.device), move[1] + torch.arange(width, device=x.device)
    wide = F.pad(x, (most, most, most, most), mode="replicate").permute(0, 2, 3, 1)
    which = torch.arange(n, device=x.device)[:, None, None]
    return wide[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def against(state: State, x: Tensor, labels: Tensor, most: float) -> Tensor:
    """Every second picture changed by at most `most` in each pixel so that C's loss grows: one signed step from a random start."""
    if most == 0:
        return x
    half = x[1::2]
    start = (torch.rand(half.shape, generator=state.rng).to(x.device) * 2 - 1) * most
    v = (half + start).clamp(-1, 1).requires_grad_()
    with autocast(state.plan):
        logits = state.E.logits(state.E(v)[1])
    (g,) = torch.autograd.grad(judged(logits, labels[1::2], state.heads)[0], v)
    moved = (start + 1.25 * most * g.sign()).clamp(-most, most)
    out = x.clone()
    out[1::2] = (half + moved).clamp(-1, 1)
    return out


def judged(logits: Tensor, labels: Tensor, heads: Mapping[str, list[str]]) -> tuple[Tensor, Tensor]:
    """Cross-entropy over log(classes), and share of right answers; both means over the batch and the heads, 0-d."""
    sizes = [len(values) for values in heads.values()]
    parts = logits.float()[:, : sum(sizes)].split(sizes, 1)
    losses = [F.cross_entropy(part, labels[:, i]) / math.log(size) for i, (part, size) in enumerate(zip(parts, sizes, strict=True))]
    right = [(part.detach().argmax(1) == labels[:, i]).float().mean() for i, part in enumerate(parts)]
    return torch.stack(losses).mean(), torch.stack(right).mean()


# --- G and D ------------------------------------------------------------------------------------------------------


def generator(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """Noiseless Joint PPGN-h (3.5): L_img + L_h1 + L_adv on pairs (x, h = E(x))."""
    del batch
    h1, h = encode(state, x)
    keep(state, h)
    with autocast(state.plan):
        made = state.G(h).float()
        made_h1 = state.E.trunk(made).float()  # the gradient of L_h1 goes on through E to G; E's weights get none
    losses = {"L_img": F.mse_loss(made, x), "L_h1": relative(made_h1, h1)}
    return _adversarial(state, state.G, state.optimiser_G, "generator", x, h, made, losses, knobs)


def joint(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """Joint PPGN-h (3.4): h -> x -> h1 -> h is a denoising auto-encoder, noise on each; L_img + L_h1 + L_h + L_adv.

    The noise on h is of another strength for each picture, between none and `noise_h` deviations, and h stays a ReLU's output.
    """
    del batch
    if state.trained["joint"] == 0:
        state.J.load_state_dict(state.G.state_dict())
    h1, h = encode(state, x)
    keep(state, h)
    draw = lambda v: torch.randn(v.shape, generator=state.rng).to(v.device)  # noqa: E731
    with autocast(state.plan):
        made = state.J(noisy(state, h, knobs.noise_h)).float()
        made_h1 = state.E.trunk(made + knobs.noise_x * draw(made)).float()
        made_h = state.E.top(made_h1 + knobs.noise_h1 * h1.square().mean().sqrt() * draw(h1)).float()
    losses = {"L_img": F.mse_loss(made, x), "L_h1": relative(made_h1, h1), "L_h": relative(made_h, h)}
    return _adversarial(state, state.J, state.optimiser_J, "joint", x, h, made, losses, knobs)


def noisy(state: State, h: Tensor, most: float) -> Tensor:
    """Codes with noise of another strength for each, between none and `most` deviations of each neuron; still a ReLU's output."""
    strength = torch.rand(len(h), 1, generator=state.rng).to(h.device) * most
    return (h + strength * statistics(state)[1] * torch.randn(h.shape, generator=state.rng).to(h.device)).clamp(min=0)


def relative(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error over the mean square of what is wanted, 0-d."""
    return F.mse_loss(found, wanted) / wanted.square().mean().clamp(min=1e-6)


def _adversarial(
    state: State, G: Inverter, optimiser: torch.optim.Adam, phase: str, x: Tensor, h: Tensor, made: Tensor, losses: dict[str, Tensor], knobs: Knobs
) -> Info:
    """L_adv beside the other losses, and the steps of G and D from one pass of D (S9); who is paused by r takes none."""
    pair = torch.cat([x, made])
    with autocast(state.plan):
        real, fake = state.D(pair, torch.cat([h, h])).float().chunk(2)
    L_real, L_fake, L_adv = F.softplus(-real).mean(), F.softplus(fake).mean(), F.softplus(-fake).mean()
    weights = {"L_img": knobs.w_img, "L_h1": knobs.w_h1, "L_h": knobs.w_h}
    L_G = knobs.w_adv * L_adv + torch.stack([weights[k] * v for k, v in losses.items()]).sum()
    ours, theirs = list(G.parameters()), list(state.D.parameters())
    grads_D = torch.autograd.grad(L_real + L_fake, theirs, retain_graph=True) if state.D_on else ()
    grads_G = torch.autograd.grad(L_G, ours) if state.G_on else ()
    lr = scheduled(state, phase, knobs.lr_G, knobs.halving_G)
    descend(optimiser, ours, grads_G, lr, knobs)
    descend(state.optimiser_D, theirs, grads_D, lr, knobs)
    with torch.no_grad():
        L_D = L_real + L_fake
        r = L_D / L_adv.clamp(min=1e-6)  # small where D tells both apart, large where G deceives it
        on = [torch.full_like(r, float(flag)) for flag in (state.D_on, state.G_on)]
    told = {k: v.detach() for k, v in losses.items()}
    return Info(**told, L_adv=L_adv.detach(), L_D=L_D, r=r, D_on=on[0], G_on=on[1], lr=torch.full_like(r, lr))


# --- the denoisers and the captioner ------------------------------------------------------------------------------


def dae_x(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """R_x learns to take N(0, sigma_x²) off pictures (3.1)."""
    del batch
    noise = torch.randn(x.shape, generator=state.rng).to(x.device)
    with autocast(state.plan):
        clean = state.R_x(x + knobs.sigma_x * noise)
    error = F.mse_loss(clean.float(), x)
    lr = update(state, "dae-x", state.optimiser_R_x, error, knobs)
    return Info(loss_x=error.detach() / x.var().clamp(min=1e-6), lr=lr)


def dae_h(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """R_h learns to take noise off codes; its deviation is sigma_h times the mean of all neurons (3.3)."""
    del batch
    _, h = encode(state, x)
    keep(state, h)
    mean, spread, _ = statistics(state)
    scale = spread.clamp(min=1e-3 * spread.max() + 1e-6)  # of dead neurons, too
    far = h + knobs.sigma_h * mean.mean() * torch.randn(h.shape, generator=state.rng).to(h.device)
    error = ((state.R_h(far, mean, scale) - h) / scale).square().mean()
    lr = update(state, "dae-h", state.optimiser_R_h, error, knobs)
    return Info(loss_h=error.detach(), lr=lr)


def captioner(state: State, x: Tensor, batch: Batch, knobs: Knobs) -> Info:
    """The captioner learns to say the captions, teacher forced; without captions the phase passes and nothing changes."""
    if not state.words:
        return Info()
    h = noisy(state, encode(state, shifted(x, knobs.shift, state.rng))[1], knobs.noise_c)
    short = torch.rand(len(h), 1, generator=state.rng) < knobs.shorten
    tokens = torch.where(short, batch.shorter, batch.tokens).to(x.device)
    count = 1 + (tokens != END).sum(1)  # words and the end
    nats = -state.captioner(h, tokens, len(state.words)).sum() / count.sum()
    lr = update(state, "captioner", state.optimiser_captioner, nats, knobs)
    return Info(nats=nats.detach(), lr=lr)


# --- updates ------------------------------------------------------------------------------------------------------


def scheduled(state: State, phase: str, lr: float, halving: int) -> float:
    """The step size now: it rises over the first 50 steps of a phase and halves every `halving` steps."""
    t = state.trained[phase]
    return lr * min(1.0, (t + 1) / 50) * 0.5 ** (t / halving)


def update(state: State, phase: str, optimiser: torch.optim.Adam, loss: Tensor, knobs: Knobs) -> Tensor:
    """One step of the part that an optimiser holds; returns its size, 0-d."""
    parameters: list[nn.Parameter] = [p for group in optimiser.param_groups for p in group["params"]]
    now = scheduled(state, phase, knobs.lr, knobs.halving)
    descend(optimiser, parameters, torch.autograd.grad(loss, parameters), now, knobs)
    return torch.full_like(loss.detach(), now)


def descend(optimiser: torch.optim.Adam, parameters: list[nn.Parameter], grads: tuple[Tensor, ...], lr: float, knobs: Knobs) -> None:
    """An Adam step; none at all without gradients, so that a paused net's moments stand still."""
    if not grads:
        return
    for group in optimiser.param_groups:
        group.update(lr=lr, betas=(knobs.beta1, knobs.beta2))
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


@torch.no_grad()
def keep(state: State, h: Tensor) -> None:
    """Codes into the ring of those kept, over the oldest."""
    h = h.float()[:KEPT]
    at = (torch.arange(len(h)) + state.kept % KEPT).remainder(KEPT).to(h.device)
    state.codes.index_copy_(0, at, h)
    state.kept += len(h)


STEPS: dict[str, Callable[[State, Tensor, Batch, Knobs], Info]] = {
    "encoder": encoder,
    "scorer": scorer,
    "generator": generator,
    "joint": joint,
    "dae-x": dae_x,
    "dae-h": dae_h,
    "captioner": captioner,
}
