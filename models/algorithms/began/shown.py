"""What BEGAN shows of itself, and how good it is: views f(state, data, knobs, **request), and the evaluation.

A view that takes long is a generator of Views, the last one complete.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.algorithms.began import (
    CHUNK,
    Info,
    Knobs,
    State,
    carry,
    generate,
    latents,
    reconstruction,
    sample,
)
from models.contract import Progress, Score, View
from models.data.images import ImageSet
from models.errors import BadInput
from models.evaluation import Own, image_scores
from models.latents import closed_way
from models.nets.pixels import autocast, to_model, to_pictures


def view_samples(state: State, data: ImageSet, knobs: Knobs, *, n: int, seed: int, ema: bool) -> View:
    """`samples`: G(z) for the latents of `seed`."""
    del data, knobs
    return sample(state, n, seed, ema=ema)


@torch.no_grad()
def _through_D(state: State, pictures: np.ndarray, eta: int) -> tuple[np.ndarray, np.ndarray]:
    """D(v) as pictures, and L(v) of each."""
    v = to_model(state.plan, torch.from_numpy(pictures).permute(0, 3, 1, 2))
    with autocast(state.plan):
        D_v = state.D(v, carry(state))
    return to_pictures(D_v), reconstruction(v, D_v, eta).cpu().numpy()


def view_real(state: State, data: ImageSet, knobs: Knobs, *, n: int) -> View:
    """`real` pictures held out from training, their reconstruction `D`, and their `error` L(x)."""
    real = data.held(n).permute(0, 2, 3, 1).numpy()
    D_x, error = _through_D(state, real, knobs.eta)
    return View({"real": real, "D": D_x}, {"error": error})


def view_detail(state: State, data: ImageSet, knobs: Knobs, *, seed: int, index: int, ema: bool) -> View:
    """One sample large: itself, the `nearest` training picture, `D` of both, with their errors."""
    chosen = sample(state, index + 1, seed, ema=ema).pictures["samples"][-1:]
    where, distance = data.nearest(chosen)
    near = data.pictures(where)
    D_v, error = _through_D(state, np.concatenate([chosen, near]), knobs.eta)
    return View(
        {"sample": chosen, "nearest": near, "D": D_v[:1], "D_nearest": D_v[1:]},
        {"error": error[:1], "error_nearest": error[1:], "distance": distance},
        {"nearest": [data.names[int(where[0])]]},
    )


def view_interpolation(state: State, data: ImageSet, knobs: Knobs, *, seed: int, a: int, b: int, steps: int, ema: bool) -> View:
    """`path`: straight line in z between latents `a` and `b` of a seed, both ends included."""
    del data, knobs
    z = latents(max(a, b) + 1, state.config.z, torch.Generator().manual_seed(seed))
    return View({"path": generate(state, _line(z[a], z[b], steps), ema)})


def view_recovery(state: State, data: ImageSet, knobs: Knobs, *, a: int, b: int, steps: int, iterations: int, lr: float = 0.05) -> Iterator[View]:
    """Interpolation between two held-out real pictures (section 4.2): z_r minimises |x_r - G(z_r)| by Adam, then a line in z.

    Yields every 20 iterations: `real`, `path`, `error` |x_r - G(z_r)| of both ends, and how many iterations are `done`.
    """
    del knobs
    if max(a, b) >= len(data.held_out):
        raise BadInput(f"{data.title} holds out {len(data.held_out)} pictures, too few to recover number {max(a, b) + 1}: add more pictures.")
    real = data.held(max(a, b) + 1)[[a, b]]
    x = to_model(state.plan, real)
    z = torch.zeros(2, state.config.z, device=x.device, requires_grad=True)
    optimiser = torch.optim.Adam([z], lr=lr)
    for done in range(1, iterations + 1):
        with autocast(state.plan):
            G_z = state.average(z, carry(state))
        error = reconstruction(x, G_z, 1)
        (z.grad,) = torch.autograd.grad(error.sum(), z)
        optimiser.step()
        with torch.no_grad():
            z.clamp_(-1, 1)  # the support of U[-1, 1]
        if done % 20 == 0 or done == iterations:
            start, end = z.detach().cpu()
            path = generate(state, _line(start, end, steps), ema=True)
            yield View(
                {"real": real.permute(0, 2, 3, 1).numpy(), "path": path},
                {"error": error.detach().cpu().numpy(), "done": np.array([done, iterations], float)},
            )


def view_held_out(state: State, data: ImageSet, knobs: Knobs, *, n: int) -> View:
    """`error`: L(x) of held-out pictures, which D has never seen."""
    chunks = data.held(n).permute(0, 2, 3, 1).split(CHUNK)
    return View({}, {"error": np.concatenate([_through_D(state, c.numpy(), knobs.eta)[1] for c in chunks])})


def _line(start: Tensor, end: Tensor, steps: int) -> Tensor:
    return torch.lerp(start, end, torch.linspace(0, 1, steps)[:, None])


def view_scores(state: State, data: ImageSet | None, knobs: Knobs, *, seed: int, n: int, ema: bool) -> View:
    """`L(v)` of the first `n` samples of a seed: how well D reconstructs them."""
    del data
    chunks = np.split(sample(state, -(-n // CHUNK) * CHUNK, seed, ema=ema).pictures["samples"], -(-n // CHUNK))
    return View({}, {"L(v)": np.concatenate([_through_D(state, c, knobs.eta)[1] for c in chunks])[:n]})


def view_loop(state: State, data: ImageSet | None, knobs: Knobs, *, seed: int, n: int, frames: int, ema: bool) -> View:
    """`path`: a closed way through the first `n` latents of a seed, resting at each: (frames, size, size, 3).

    Between two latents it goes along cos θ a + sin θ b of their Gaussian images, so that every frame's z is spread like U[-1, 1], as a
    straight line's would not be.
    """
    del data, knobs
    z = latents(n, state.config.z, torch.Generator().manual_seed(seed))
    return View({"path": generate(state, closed_way(z.add(1).div(2), frames).mul(2).sub(1).float(), ema)})


# --- how good it is ---------------------------------------------------------------------------------------------

RECENT = 100  # steps over which the run's own numbers are averaged


def evaluate(state: State, data: ImageSet, knobs: Knobs, *, n: int, seed: int, rows: np.ndarray | None = None) -> Iterator[Progress]:
    """The paper's measures, and those of `models.evaluation` on `n` samples of the averaged generator.

    The first next() copies the nets that are needed; after it the State may change. `rows` (steps, len(Info)): the run so far.
    """
    frozen = replace(state, average=copy.deepcopy(state.average), D=copy.deepcopy(state.D))
    z = latents(n, state.config.z, torch.Generator().manual_seed(seed))
    recent = None if rows is None else rows[-RECENT:].copy()
    draw = lambda start, stop: generate(frozen, z[start:stop])  # noqa: E731
    yield from image_scores(draw, data, _own_scores(frozen, data, knobs, draw, n, recent), n=n, seed=seed)


def _own_scores(state: State, data: ImageSet, knobs: Knobs, draw: Callable[[int, int], np.ndarray], n: int, recent: np.ndarray | None) -> Own:
    """M_global, γ̂ and L(G) of the last steps, or of fresh pictures where there are none; L(x) of held-out pictures."""
    held = data.held_out[:n]
    unseen, seen, fake = [], [], []
    order = data.order(0, 0, min(len(data.train), max(len(held), CHUNK)))
    measured = recent is not None and len(recent) > 0
    for start in range(0, len(order), CHUNK):
        rows = slice(start, min(start + CHUNK, len(order)))
        seen.append(_through_D(state, data.pictures(order[rows]), knobs.eta)[1])
        yield
        if start < len(held):
            unseen.append(_through_D(state, data.pictures(held[rows]), knobs.eta)[1])
            yield
        if not measured:
            fake.append(_through_D(state, draw(rows.start, min(rows.stop, n)), knobs.eta)[1] if start < n else np.empty(0))
            yield
    L_x = np.concatenate(seen)
    if recent is not None and measured:
        column = dict(zip(Info._fields, recent.astype(np.float64).T, strict=True))
        real, made, M, over = column["loss_real"], column["loss_fake"], column["M_global"], f"mean over the last {len(recent)} steps"
    else:
        made, over = np.concatenate(fake).astype(np.float64), "of fresh samples and training pictures"
        real = L_x.astype(np.float64)
        M = np.array([real.mean() + abs(knobs.gamma * real.mean() - made.mean())])
    count, spread = len(M) if measured else len(made), float(M.std()) if measured else None
    found = {
        "M_global": Score(float(M.mean()), count, None, "lower", "M_global", f"L(x) + |γ L(x) − L(G(z))|, {over}.", spread),
        "gamma_hat": Score(float(made.mean() / real.mean()), count, knobs.gamma, "target", "γ̂ = L(G)/L(x)", f"L(G(z)) / L(x), {over}; reference: γ."),
        "loss_fake": Score(float(made.mean()), count, float(knobs.gamma * real.mean()), "target", "L(G(z))", f"L(G(z)), {over}; reference: γ L(x)."),
    }
    if not unseen:
        why = f"{data.title} holds out no pictures, so nothing that D has not seen can be measured: use more pictures."
        return found | {"loss_held_out": Score(None, 0, None, "lower", "L(x) held out", why)}
    L_new, doc = np.concatenate(unseen), "L(x) of held-out pictures, which D has never seen; reference: of as many training pictures."
    return found | {
        "loss_held_out": Score(float(L_new.mean()), len(held), float(L_x[: len(held)].mean()), "lower", "L(x) held out", doc, float(L_new.std()))
    }


views: dict[str, Callable[..., Any]] = {
    "samples": view_samples,
    "scores": view_scores,
    "loop": view_loop,
    "real": view_real,
    "detail": view_detail,
    "interpolation": view_interpolation,
    "recovery": view_recovery,
    "held_out": view_held_out,
}
