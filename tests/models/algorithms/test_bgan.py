"""BGAN's estimators against enumeration, its step against separate passes, its settings against what they say."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from models import checkpoint
from models.algorithms import bgan
from models.algorithms.bgan import boundary_loss, continuous_loss, encoded, forward_D, forward_G, noise
from models.divergences import DIVERGENCES
from models.nets.discrete import Layer, draw, log_prob
from tests.models.algorithms.bgans import Case, made, same, weights

COPIES = 2000  # samples of a z whose shares are those of its distribution, exactly
ESTIMATORS = ("per-z", "global", "reinforce")


# --- the estimators -----------------------------------------------------------------------------------------------


class Tiny:
    """Two values of z over four cells in float64, whose every sample is enumerated: cells x (M, N) with the shares of g(x|z)."""

    def __init__(self, N: int = 2) -> None:
        shares = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.25, 0.05]], dtype=torch.float64)[:N]
        self.theta = shares.log().requires_grad_()
        counts = (shares * COPIES).round().long()
        self.x = torch.stack([torch.repeat_interleave(torch.arange(4), c) for c in counts], 1)
        self.p = torch.tensor([0.25, 0.35, 0.05, 0.35], dtype=torch.float64)

    @property
    def g(self) -> Tensor:
        return self.theta.softmax(1)

    def log_w(self) -> Tensor:
        """Of the best D: log p/q of every sample."""
        return (self.p.log() - self.g.mean(0).log()).detach()[self.x]

    def log_g(self) -> Tensor:
        return self.theta.log_softmax(1).gather(1, self.x.T).T

    def gradient(self, loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss, self.theta)[0]


def kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p / q).log()).sum()


@pytest.mark.parametrize("N", [1, 2])
def test_per_z_descends_the_divergence_from_each_zs_own_target(N):
    tiny = Tiny(N)
    found = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), "per-z", torch.tensor(0.7)))
    w, g = tiny.p / tiny.g.mean(0).detach(), tiny.g.detach()
    target = g * w / (g * w).sum(1, keepdim=True)  # p̃(x|z)
    wanted = tiny.gradient(sum((kl(a, b) for a, b in zip(target, tiny.g, strict=True)), torch.zeros(())) / N)
    torch.testing.assert_close(found, wanted)
    if N == 1:
        torch.testing.assert_close(found, tiny.gradient(kl(tiny.p, tiny.g[0])))
        by_hand = -(tiny.p - g[0])[None]  # ∂/∂θ of −E_p[log softmax θ] is softmax θ − p
        torch.testing.assert_close(found, by_hand)


def test_global_descends_the_divergence_of_the_whole():
    tiny = Tiny()
    found = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), "global", torch.tensor(0.7)))
    torch.testing.assert_close(found, tiny.gradient(kl(tiny.p, tiny.g.mean(0))))
    per_z = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), "per-z", torch.tensor(0.7)))
    assert (found - per_z).abs().max() > 0.005


@pytest.mark.parametrize("b", [0.0, 3.0, -7.0])
def test_reinforce_descends_the_reversed_divergence_whatever_the_baseline(b):
    tiny = Tiny()
    found = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), "reinforce", torch.tensor(b, dtype=torch.float64)))
    torch.testing.assert_close(found, tiny.gradient(kl(tiny.g.mean(0), tiny.p)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_drawn_samples_come_near_the_enumerated_ones(estimator):
    tiny = Tiny()
    wanted = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), estimator, torch.zeros(())))
    logits = tiny.theta.detach()[:, :, None]
    x = draw(logits, torch.rand(200_000, 2, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    tiny.x = x[..., 0]
    torch.testing.assert_close(log_prob(tiny.theta[:, :, None], x), tiny.log_g())
    found = tiny.gradient(boundary_loss(tiny.log_w(), tiny.log_g(), estimator, torch.zeros(())))
    assert (found - wanted).abs().max() < 0.006


def test_weights_sum_to_one_over_a_zs_samples_and_see_no_constant_of_it():
    rng = torch.Generator().manual_seed(0)
    log_w, log_g = (torch.randn(6, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    b, shift = torch.zeros(()), torch.tensor([5.0, -3.0, 100.0], dtype=torch.float64)

    def share(log_w: Tensor, estimator: str) -> Tensor:
        leaf = log_g.clone().requires_grad_()
        return -torch.autograd.grad(boundary_loss(log_w, leaf, estimator, b), leaf)[0]

    torch.testing.assert_close(share(log_w, "per-z").sum(0) * 3, torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(share(log_w + shift, "per-z"), share(log_w, "per-z"))
    assert float(share(log_w, "global").sum()) == pytest.approx(1)
    torch.testing.assert_close(share(log_w + 40, "global"), share(log_w, "global"))
    assert (share(log_w + shift, "global") - share(log_w, "global")).abs().max() > 0.1
    torch.testing.assert_close(share(log_w, "reinforce"), log_w / 18)


# --- a step -------------------------------------------------------------------------------------------------------


def gradients(case: Case, monkeypatch) -> tuple[Any, list[Tensor], list[Tensor]]:
    """Info of one step, and what reached D and G in it."""
    seen: list[list[Tensor]] = []

    def keep(state, knobs, turn):
        seen.extend([p.grad.clone() for p in net.parameters()] for net in (state.D, state.G))
        assert turn

    monkeypatch.setattr(bgan, "_descend", keep)
    info = bgan.step(case.state, case.batch(), case.knobs)
    return info, seen[0], seen[1]


def slope_by_hand(state: Any, x: Tensor) -> Tensor:
    given = encoded(state, x).requires_grad_()
    (slope,) = torch.autograd.grad(state.D(given).sum(), given, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(("learn", "penalty", "divergence"), [(0, 0.0, "gan"), (2, 0.0, "kl"), (2, 3.0, "dv"), (0, 3.0, "chi2"), (9, 0.0, "jsd")])
@pytest.mark.parametrize("source", ["black_and_white", "sentences"])
def test_one_backward_gives_each_net_the_gradient_of_its_own_loss_alone(estimator, learn, penalty, divergence, source, request, monkeypatch):
    spec = request.getfixturevalue(source)
    values = {"estimator": estimator, "learn": learn, "penalty": penalty, "divergence": divergence, "M": 4}
    case = made(spec, {}, values)
    state, f, N, M = case.state, DIVERGENCES[divergence], case.config.batch, 4
    case.go(1)
    twin = copy.deepcopy(state)
    x = case.batch()
    info, of_D, of_G = gradients(case, monkeypatch)

    logits = forward_G(replaced(twin), noise(twin, N))
    drawn = draw(logits.detach(), torch.rand(M, N, x.shape[1], generator=twin.rng))
    seen = drawn[: learn or M].flatten(0, 1)
    V = f.bound(forward_D(twin, x), forward_D(twin, seen))
    loss_D = -V + penalty / 2 * slope_by_hand(twin, torch.cat([x, drawn[0]])) if penalty else -V
    with torch.no_grad():
        log_w = f.log_w(forward_D(twin, drawn.flatten(0, 1))).view(M, N)
    loss_G = boundary_loss(log_w, log_prob(logits, drawn), estimator, twin.baseline)
    for net, loss, found in ((twin.D, loss_D, of_D), (twin.G, loss_G, of_G)):
        for a, b in zip(torch.autograd.grad(loss, list(net.parameters())), found, strict=True):
            torch.testing.assert_close(b, a, rtol=2e-4, atol=2e-5 * max(1.0, float(a.abs().max())))
    assert float(info.V) == pytest.approx(float(V.detach()), rel=1e-5, abs=1e-6)
    assert float(info.loss_G) == pytest.approx(float(loss_G.detach()), rel=1e-5, abs=1e-6)
    assert any(g.abs().max() > 1e-4 for g in of_G)


def replaced(state: Any) -> Any:
    """A copied State, whose passes are through its own nets."""
    state.run_D, state.run_G = state.D, state.G
    return state


@pytest.mark.parametrize("boundary", ["zero", "baseline"])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_continuous_pixels_lead_G_to_the_boundary_and_nothing_else_to_it(size, boundary, black_and_white, monkeypatch):
    case = made(black_and_white, {"pixels": "continuous"}, {"boundary": boundary, "penalty": 1.0})
    case.go(2)
    state = case.state
    with torch.no_grad():
        state.D.layers[-1].bias.fill_(0.0 if size == 1 else -size)
    twin = replaced(copy.deepcopy(state))
    pictures = case.batch()
    info, of_D, of_G = gradients(case, monkeypatch)
    fake = forward_G(twin, noise(twin, len(pictures))).tanh()
    F = twin.D(fake)
    assert F.abs().max() > size / 2 or size == 1
    b = twin.baseline if boundary == "baseline" else torch.zeros(())
    loss = (F - b).square().mean()
    for a, g in zip(torch.autograd.grad(loss, list(twin.G.parameters()), retain_graph=True), of_G, strict=True):
        torch.testing.assert_close(g, a, rtol=1e-3, atol=1e-4 * max(1.0, float(a.abs().max())))
    real = bgan.to_model(state.plan, pictures)
    given = torch.cat([real, fake.detach()]).requires_grad_()
    (slope,) = torch.autograd.grad(twin.D(given).sum(), given, create_graph=True)
    loss_D = -DIVERGENCES["gan"].bound(twin.D(real), twin.D(fake.detach())) + slope.flatten(1).square().sum(1).mean() / 2
    for a, g in zip(torch.autograd.grad(loss_D, list(twin.D.parameters()), allow_unused=True), of_D, strict=True):
        torch.testing.assert_close(g, a, rtol=1e-3, atol=1e-5)
    assert all(v.isfinite() for v in info if v is not None)
    assert all(g.isfinite().all() for g in (*of_D, *of_G))


@pytest.mark.parametrize("divergence", list(DIVERGENCES))
def test_the_continuous_loss_is_finite_and_leads_back(divergence):
    f = DIVERGENCES[divergence]
    F = torch.tensor([-1e4, -15.0, 0.0, 15.0, 1e4]).requires_grad_()
    loss = continuous_loss(f.log_w(F, torch.zeros(5)), torch.zeros(()))
    (slope,) = torch.autograd.grad(loss, F)
    assert loss.isfinite()
    assert slope.isfinite().all()
    assert (slope[:2] < 0).all()
    assert slope[2] == 0
    assert (slope[3:] > 0).all()


def test_one_sample_of_a_z_tells_G_nothing_of_D(black_and_white):
    """So that it is an alarm: with M = 1 the weight is always 1."""
    one, two = (made(black_and_white, {}, {"M": 1, "d_lr": d_lr}) for d_lr in (0.01, 100.0))
    for case in (one, two):
        case.go(4)
    assert not same(weights(one.state.D), weights(two.state.D))
    assert same(weights(one.state.G), weights(two.state.G))


# --- settings -----------------------------------------------------------------------------------------------------


def test_G_stands_still_while_it_is_told_to(black_and_white):
    case = made(black_and_white, {"warm": 2})
    state = case.state

    def moved(**changes: Any) -> tuple[bool, bool, bool]:
        before = [weights(net) for net in (state.G, state.D, state.average)]
        case.go(1, **changes)
        return tuple(not same(a, weights(net)) for a, net in zip(before, (state.G, state.D, state.average), strict=True))  # pyright: ignore

    assert [moved() for _ in range(4)] == [(False, True, False)] * 2 + [(True, True, True)] * 2  # warm
    assert [moved(d_steps=3)[0] for _ in range(5)] == [False, True, False, False, True]  # steps 5 … 9
    assert [moved(freeze_G=True) for _ in range(2)] == [(False, True, False)] * 2
    assert moved() == (True, True, True)


def test_the_averages_are_moving_averages(black_and_white):
    case = made(black_and_white, {}, {"decay": 0.8, "ema": 0.6, "divergence": "kl"})
    state = case.state
    for _ in range(3):
        before, b = weights(state.average), state.baseline.clone()
        (info,) = case.go(1)
        for old, new, now in zip(before, weights(state.average), weights(state.G), strict=True):
            torch.testing.assert_close(new, 0.6 * old + 0.4 * now)
        torch.testing.assert_close(info.baseline, 0.8 * b + 0.2 * info.log_beta)
    case.go(1, ema=0.0)
    assert same(weights(state.average), weights(state.G))


def test_the_penalty_is_the_slope_of_D_and_flattens_it(sentences):
    case = made(sentences)
    case.go(3)
    state, x = case.state, case.batch()[:2]
    mean = bgan._penalty(state, x, bgan.Knobs(penalty=1.0))
    given, step = encoded(state, x), 1e-2
    flat = given.numel() // 2
    moves = step * torch.eye(flat).view(flat, 1, *given.shape[1:])
    with torch.no_grad():
        up, down = (state.D((given + s * moves).flatten(0, 1)).view(flat, 2) for s in (1, -1))
    by_differences = ((up - down) / (2 * step)).square().sum(0).mean()
    assert mean is not None
    assert float(mean.detach()) == pytest.approx(float(by_differences), rel=0.02)
    assert bgan._penalty(state, x, bgan.Knobs()) is None

    ends = []
    for penalty in (0.0, 300.0):
        fresh = made(sentences, {}, {"lr": 3e-3, "M": 2})
        fresh.go(25, penalty=penalty)
        ends.append(float(slope_by_hand(fresh.state, fresh.batch()).detach()))
    assert ends[1] < ends[0] / 3


@pytest.mark.parametrize("source", ["black_and_white", "sentences", "toy-line"])
def test_spectral_normalisation_holds_every_layer_of_D_at_one(source, request):
    spec = source if source.startswith("toy") else request.getfixturevalue(source)
    plain, normed = (made(spec, {"spectral": spectral}, {"lr": 1e-3, "M": 2}) for spectral in (False, True))
    infos = [case.go(20)[-1] for case in (plain, normed)]
    assert same(weights(plain.state.G), weights(plain.state.G))

    def largest(state: Any) -> list[float]:
        with bgan.calm(state.D):
            return [float(torch.linalg.matrix_norm(m.weight.detach().flatten(1), 2)) for m in state.D.modules() if isinstance(m, Layer)]

    assert largest(normed.state) == pytest.approx([1.0] * len(largest(plain.state)), abs=0.08)
    assert any(abs(size - 1) > 0.2 for size in largest(plain.state))
    assert float(infos[0].V) != float(infos[1].V)
    assert math.isfinite(float(infos[1].V))
    before = torch.get_rng_state()
    made(spec, {"spectral": True})
    assert torch.equal(before, torch.get_rng_state())


# --- toys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", ["gan", "hellinger", "dv"])
def test_D_alone_finds_the_true_weights_of_a_toy_and_G_then_comes_nearer(divergence):
    case = made("toy-categories", {"batch": 256}, {"M": 4, "divergence": divergence, "d_lr": 10.0, "lr": 3e-3})
    first = case.go(1, freeze_G=True)[0]
    case.go(220, freeze_G=True)
    alone = case.go(120, freeze_G=True, lr=3e-4)[-1]
    assert float(first.KL) == pytest.approx(float(alone.KL))
    assert float(first.KL) >= 0.5
    assert float(alone.error) <= 0.1
    assert float(alone.error) < float(first.error) / 5
    assert 0 <= float(alone.gap) < float(first.gap) / 10
    assert float(alone.bias) < float(first.bias) / 5
    later = case.go(100, lr=1e-2, d_lr=3.0)[-1]
    assert float(later.KL) < float(first.KL) / 2


def test_the_numbers_of_a_toy_are_sums_over_its_cells():
    case = made("toy-line", {"batch": 64}, {"lr": 1e-2})
    info = case.go(5)[-1]
    state = case.state
    p, q = torch.from_numpy(case.data.p), state.G.q().detach().double()
    with torch.no_grad():
        w = state.D.layers.weight[0].double().exp()
    assert float(info.KL) == pytest.approx(float((p * (p / q).log()).sum()), abs=1e-6)
    assert float(info.error) == pytest.approx(float((q * (w - p / q).abs()).sum()), abs=1e-6)
    tilde = w * q / (w * q).sum()
    assert float(info.bias) == pytest.approx(float((p - tilde).abs().sum() / 2), abs=1e-6)
    D_f, V = DIVERGENCES["gan"].value(p, q), (p * (w / (1 + w)).log()).sum() - (q * (1 + w).log()).sum()
    assert float(info.D_f) == pytest.approx(float(D_f), abs=1e-6)
    assert float(info.gap) == pytest.approx(float(D_f - V), abs=1e-6)


# --- what is not in the contract's tests --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "config", "values"),
    [
        ("sentences", {}, {"estimator": "reinforce", "learn": 2, "d_steps": 2}),
        ("toy-ring", {"spectral": True, "hidden": 8}, {"estimator": "global", "divergence": "dv", "penalty": 0.1}),
        ("black_and_white", {"pixels": "bernoulli"}, {"estimator": "reinforce", "divergence": "reverse-kl"}),
    ],
)
def test_texts_toys_and_reinforce_go_on_as_if_they_had_not_stopped(source, config, values, request, tmp_path):
    spec = source if source.startswith("toy") else request.getfixturevalue(source)
    whole, first, second = (made(spec, config, values) for _ in range(3))
    straight = whole.go(6)
    first.go(3)
    checkpoint.save(tmp_path / "x.safetensors", first.state, {})
    second.go(1)
    tensors, header = checkpoint.read(tmp_path / "x.safetensors")
    checkpoint.restore(second.state, tensors, header, tmp_path / "x.safetensors")
    rest = second.go(3)
    assert checkpoint.hash_of(second.state) == checkpoint.hash_of(whole.state)
    for a, b in zip(straight[3:], rest, strict=True):
        assert all(p is q is None or torch.equal(p, q) for p, q in zip(a, b, strict=True))
        assert all(v.isfinite() for v in a if v is not None)


def test_D_of_data_is_held_against_the_samples_mean_weight():
    """Donsker-Varadhan's F has no level of its own: data must not be held against itself."""
    case = made("toy-categories", {"batch": 256}, {"divergence": "dv", "d_lr": 10.0, "lr": 3e-3})
    info = case.go(100, freeze_G=True)[-1]
    assert float(info.D_real) > float(info.D_fake) + 0.1
    assert float(info.D_real) > 0.5
