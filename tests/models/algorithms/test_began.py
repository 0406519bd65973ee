from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from models import knobs
from models.algorithms import began
from models.algorithms.began import shown
from models.contract import Plan
from models.data.sources import open_images
from models.nets.autoencoder import AutoEncoder, Conv, Decoder, Encoder, initialise, scales

PLAN = Plan("cpu", 1, "float32", True, "off")


def config(**values) -> began.Config:
    return knobs.make(began.Config, {"n": 4, "h": 6, "z": 5, "batch": 3} | values)


def turned(**values) -> began.Knobs:
    return knobs.make(began.Knobs, values)


def pixels(n: int = 3, size: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


# --- the nets -----------------------------------------------------------------------------------------------------


def count(*nets: nn.Module) -> int:
    return sum(p.numel() for net in nets for p in net.parameters())


@pytest.mark.parametrize(
    ("values", "parameters"),
    [({}, 17_268_038), ({"skips": False}, 16_383_302), ({"layout": "figure"}, 25_527_366)],
)
def test_the_papers_big_model_has_the_papers_number_of_parameters(values, parameters):
    assert count(*began.build(config(size=128, n=128, h=64, z=64, **values))) == parameters


def test_the_preset_paper_128_is_that_model():
    preset = began.PRESETS["paper-128"]
    assert count(*began.build(knobs.make(began.Config, preset.config))) == 17_268_038


@pytest.mark.parametrize("layout", ["authors", "figure"])
@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("size", "halvings"), [(32, 2), (64, 3), (128, 4), (256, 5)])
def test_shapes(layout, skips, size, halvings):
    assert scales(size) == halvings
    with torch.device("meta"):
        encoder = Encoder(layout, size, 3, 4, 6, 2)
        decoder = Decoder(layout, size, 3, 4, 6, 2, skips)
        net = AutoEncoder(layout, size, 3, 4, 6, 2, skips)
        x = torch.empty(2, 3, size, size)
    seen = []
    for conv in encoder.convs:
        conv.register_forward_hook(lambda m, i, o: seen.append((o.shape[1], o.shape[2])))
    assert encoder(x).shape == (2, 6)
    assert seen[0] == (4, size)
    assert seen[-1] == (4 * (halvings + 1), 8)  # 8x8 whatever the size, filters grow linearly
    assert decoder(torch.empty(2, 6, device="meta")).shape == x.shape
    assert net(x).shape == x.shape


@pytest.mark.parametrize("layout", ["authors", "figure"])
def test_the_decoder_is_linear_at_its_ends_only(layout):
    """Nothing bounds or bends the embedding and the picture (section 3.5)."""
    rng = torch.Generator().manual_seed(0)
    net = Decoder(layout, 32, 3, 4, 6, 2, True)
    initialise(net, rng, None)
    with torch.no_grad():
        net.to_picture.weight.mul_(1000)
        assert net(torch.rand(2, 6, generator=rng)).abs().max() > 10
        h = torch.rand(1, 6, generator=rng)
        assert torch.allclose(net.expand(2 * h) - net.expand(h), net.expand(h) - net.expand(0 * h), atol=1e-6)
    assert all(isinstance(m, Conv | nn.Conv2d | nn.Linear | nn.ModuleList | Decoder) for m in net.modules())  # no normalisation, no dropout


def test_a_convolution_ends_in_elu_and_mixes_what_it_was_given():
    conv = Conv(4, 4, 8)
    initialise(conv, torch.Generator().manual_seed(0), None)
    v = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        plain = nn.functional.elu(nn.functional.conv2d(v, conv.weight, conv.bias, padding=1))
        assert torch.allclose(conv(v), plain)
        assert torch.equal(conv(v, torch.tensor(1.0)), v)
        assert torch.allclose(conv(v, torch.tensor(0.0)), plain)
        assert torch.allclose(conv(v, torch.tensor(0.3)), 0.3 * v + 0.7 * plain, atol=1e-6)
        grows = Conv(4, 8, 8)
        initialise(grows, torch.Generator().manual_seed(0), None)
        assert torch.equal(grows(v, torch.tensor(0.5)), grows(v))  # nothing to carry where the width changes


@pytest.mark.parametrize("std", [None, 0.01])
def test_first_weights(std):
    net = AutoEncoder("authors", 32, 3, 32, 64, 2, True)
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(torch.nan)  # what memory held before must not matter
    initialise(net, torch.Generator().manual_seed(0), std)
    assert all(p.isfinite().all() for p in net.parameters())
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spread = layer.weight[0].numel() ** -0.5 if std is None else std
            assert layer.weight.abs().max() <= 2 * spread
            assert float(layer.weight.detach().std()) == pytest.approx(0.88 * spread, rel=0.15)  # a normal cut at two of its deviations
            assert not layer.bias.any()


# --- ranges -------------------------------------------------------------------------------------------------------


def test_latents_fill_the_cube_and_prefixes_agree():
    z = began.latents(4000, 5, torch.Generator().manual_seed(1))
    assert z.min() >= -1
    assert z.max() <= 1
    assert abs(float(z.mean())) < 0.02
    assert float(z.var()) == pytest.approx(1 / 3, rel=0.03)
    for n in (1, 2, 3, 7, 64):
        assert torch.equal(began.latents(n, 5, torch.Generator().manual_seed(1)), z[:n])


@pytest.mark.parametrize("channels_last", [True, False])
def test_every_grey_level_survives_the_way_to_the_model_and_back(channels_last):
    state = began.init(config(), 0, Plan("cpu", 1, "float32", channels_last, "off"))
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    x = began.to_model(state.plan, levels)
    assert x.dtype == torch.float32
    assert (float(x.min()), float(x.max())) == (-1.0, 1.0)
    assert x.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    assert np.array_equal(began.to_pictures(x), levels.permute(0, 2, 3, 1).numpy())
    out = began.to_pictures(torch.tensor([-7.0, 7.0, 0.0]).view(1, 3, 1, 1))
    assert out.tolist() == [[[[0, 255, 128]]]]


# --- the step, against the textbook -------------------------------------------------------------------------------


def L(v: torch.Tensor, D_v: torch.Tensor, eta: int) -> torch.Tensor:
    gap = (v - D_v).abs()
    return (gap if eta == 1 else gap * gap).mean()


def oracle(
    G: nn.Module, D: nn.Module, x: torch.Tensor, z: torch.Tensor, k: float, eta: int
) -> tuple[list[torch.Tensor], list[torch.Tensor], float, float]:
    """Gradients of L_D and L_G by separate passes, each with a graph of its own, and both losses."""
    fixed = G(z, None).detach()
    L_D = L(x, D(x, None), eta) - k * L(fixed, D(fixed, None), eta)
    for_D = list(torch.autograd.grad(L_D, list(D.parameters())))
    fake = G(z, None)
    L_G = L(fake, D(fake, None), eta)
    for_G = list(torch.autograd.grad(L_G, list(G.parameters())))
    return for_D, for_G, float(L(x, D(x, None), eta).detach()), float(L_G.detach())


def distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    """Relative, over all parameters together."""
    gap = sum(float((p.detach().double() - q.detach().double()).square().sum()) for p, q in zip(a, b, strict=True))
    return math.sqrt(gap / sum(float(q.detach().double().square().sum()) for q in b))


def grads(net: nn.Module) -> list[torch.Tensor]:
    out = [p.grad for p in net.parameters() if p.grad is not None]
    assert len(out) == len(list(net.parameters()))
    return out


@pytest.fixture
def double(monkeypatch):
    """A State in float64, with z given and the optimisers held still."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)  # the losses' casts
    rng = torch.Generator().manual_seed(4)
    given = [torch.rand(3, 5, generator=rng, dtype=torch.float64) * 2 - 1 for _ in range(2)]
    feed = iter(given)
    monkeypatch.setattr(began, "noise", lambda state, n: next(feed))

    def make(k: float, **values) -> tuple[began.State, torch.Tensor, list[torch.Tensor]]:
        state = began.init(config(**values), 1, PLAN)
        for net in (state.G, state.D):
            net.double()
        state.k = torch.tensor(k, dtype=torch.float64)
        monkeypatch.setattr(state.optimiser_G, "step", lambda: None)
        monkeypatch.setattr(state.optimiser_D, "step", lambda: None)
        x = pixels().double() / 127.5 - 1
        return state, x, given

    return make


@pytest.mark.parametrize("k", [0.0, 1e-3, 0.1, 0.7, 1.0])
@pytest.mark.parametrize("eta", [1, 2])
@pytest.mark.parametrize("layout", ["authors", "figure"])
def test_one_pass_gives_the_textbooks_gradients(double, k, eta, layout):
    state, x, given = double(k, layout=layout)
    for_D, for_G, L_x, L_G = oracle(state.G, state.D, x, given[0], k, eta)
    found = began._simultaneous(state, x, turned(eta=eta))
    assert [float(v) for v in found] == pytest.approx([L_x, L_G], rel=1e-12)
    assert distance(grads(state.G), for_G) < 1e-12
    assert distance(grads(state.D), for_D) < (1e-10 if k == 0 else 1e-12)


@pytest.mark.parametrize("k", [0.0, 1e-3, 0.7])
def test_one_pass_is_as_good_in_float32(monkeypatch, k):
    state = began.init(config(), 1, PLAN)
    state.k = torch.tensor(k)
    z = began.latents(3, 5, torch.Generator().manual_seed(4))
    monkeypatch.setattr(began, "noise", lambda state, n: z)
    monkeypatch.setattr(state.optimiser_G, "step", lambda: None)
    monkeypatch.setattr(state.optimiser_D, "step", lambda: None)
    began.step(state, pixels(), turned())
    G, D = copy.deepcopy(state.G).double(), copy.deepcopy(state.D).double()
    for_D, for_G, *_ = oracle(G, D, pixels().double() / 127.5 - 1, z.double(), k, 1)
    assert distance(grads(state.G), for_G) < 1e-4  # |.| has kinks: a sign may differ where an error is next to nothing
    assert distance(grads(state.D), for_D) < 1e-4


@pytest.mark.parametrize("k", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("eta", [1, 2])
def test_alternating_is_the_textbook_too(double, monkeypatch, k, eta):
    """D first, without a gradient of L_G; then G against the new D, on fresh noise, and D stays."""
    state, x, given = double(k)
    D, G = copy.deepcopy(state.D), copy.deepcopy(state.G)
    mine = torch.optim.Adam(D.parameters(), lr=1e-3)
    for_D, _, L_x, _ = oracle(G, D, x, given[0], k, eta)
    for p, g in zip(D.parameters(), for_D, strict=True):
        p.grad = g
    mine.step()
    _, for_G, _, L_G = oracle(G, D, x, given[1], k, eta)

    state.optimiser_D = torch.optim.Adam(state.D.parameters(), lr=1e-3)  # takes its step
    found = began._alternating(state, x, turned(eta=eta, update="alternating"))
    assert [float(v) for v in found] == pytest.approx([L_x, L_G], rel=1e-9)
    assert distance(grads(state.D), for_D) < 1e-12
    assert distance(list(state.D.parameters()), list(D.parameters())) < 1e-9
    assert distance(grads(state.G), for_G) < 1e-8
    assert all(p.requires_grad for p in state.D.parameters())


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_a_step_updates_each_net_once_with_its_own_adam(update):
    state = began.init(config(), 0, PLAN)
    for t in range(1, 4):
        before = [p.clone() for p in itertools.chain(state.G.parameters(), state.D.parameters())]
        info = began.step(state, pixels(), turned(update=update, lr=1e-3, beta1=0.5, beta2=0.9))
        after = list(itertools.chain(state.G.parameters(), state.D.parameters()))
        assert sum(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) >= len(after) - 2
        assert max(float((a - b).detach().abs().max()) for a, b in zip(before, after, strict=True)) <= 4e-3
        for optimiser in (state.optimiser_G, state.optimiser_D):
            assert optimiser.param_groups[0]["betas"] == (0.5, 0.9)
            assert {float(s["step"]) for s in optimiser.state.values()} == {t}
        assert float(info.lr) == pytest.approx(1e-3)


def test_gradients_do_not_pile_up(monkeypatch):
    z = began.latents(3, 5, torch.Generator().manual_seed(4))
    monkeypatch.setattr(began, "noise", lambda state, n: z)
    state = began.init(config(), 0, PLAN)
    began.step(state, pixels(), turned(lr=1e-7))
    first = [g.clone() for g in grads(state.D)], [g.clone() for g in grads(state.G)]
    state.k = torch.tensor(0.0)
    began.step(state, pixels(), turned(lr=1e-7))
    assert distance(grads(state.D), first[0]) < 0.05  # the same batch, nearly the same weights
    assert distance(grads(state.G), first[1]) < 0.05


# --- what else a step does ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gamma", "start"), [(0.0, 0.5), (0.3, 0.2), (1.0, 0.0), (0.7, 0.9)])
@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_the_equations_of_k_and_M(gamma, start, update):
    state = began.init(config(), 2, PLAN)
    state.k = torch.tensor(start)
    info = began.step(state, pixels(), turned(gamma=gamma, lambda_k=0.01, update=update))
    L_x, L_G = float(info.loss_real), float(info.loss_fake)
    assert L_x > 0
    assert L_G > 0
    assert float(info.k_t) == pytest.approx(min(1, max(0, start + 0.01 * (gamma * L_x - L_G))), abs=1e-7)
    assert float(state.k) == float(info.k_t)
    assert float(info.M_global) == pytest.approx(L_x + abs(gamma * L_x - L_G), rel=1e-6)
    assert float(info.w1) == pytest.approx(abs(L_x - L_G), rel=1e-6)


def test_k_rises_while_fakes_are_easy_and_stays_in_its_range():
    state = began.init(config(), 0, PLAN)
    assert float(state.k) == 0.0
    with torch.no_grad():
        for p in state.G.parameters():
            p.zero_()  # grey pictures, which D reconstructs easily once it returns grey
        for p in state.D.decoder.parameters():
            p.zero_()
    info = began.step(state, pixels(), turned(gamma=0.5, lambda_k=1e-3))
    assert float(info.loss_fake) == 0.0
    assert float(info.k_t) == pytest.approx(1e-3 * 0.5 * float(info.loss_real), rel=1e-5)
    state.k = torch.tensor(1.0)
    with torch.no_grad():
        for p in state.G.parameters():
            p.zero_()
    began.step(state, pixels(), turned(gamma=1.0, lambda_k=1.0))
    assert float(state.k) == 1.0
    began.step(state, pixels(), turned(gamma=0.0, lambda_k=1.0))
    assert 0.0 <= float(state.k) < 1.0
    state.k = torch.tensor(0.0)
    began.step(state, pixels(), turned(gamma=0.0, lambda_k=1.0))
    assert float(state.k) == 0.0


def test_losses_do_not_depend_on_the_size_of_the_picture_or_the_batch():
    """A mean over pixels, else lambda_k would mean another thing at every size."""
    v = torch.full((3, 3, 8, 8), 0.5)
    for n, size in ((1, 8), (3, 8), (3, 16)):
        v = torch.full((n, 3, size, size), 0.5)
        assert began.reconstruction(v, torch.zeros_like(v), 1).tolist() == [0.5] * n
        assert began.reconstruction(v, torch.zeros_like(v), 2).tolist() == [0.25] * n
    assert began.reconstruction(v, torch.zeros_like(v, dtype=torch.bfloat16), 1).dtype == torch.float32


@pytest.mark.parametrize("ema", [0.0, 0.5, 0.999])
def test_the_moving_average(ema):
    state = began.init(config(), 0, PLAN)
    for a, g in zip(state.average.parameters(), state.G.parameters(), strict=True):
        assert torch.equal(a, g)
        assert a.data_ptr() != g.data_ptr()
        assert not a.requires_grad
    for t in range(6):
        old = [p.clone() for p in state.average.parameters()]
        began.step(state, pixels(), turned(ema=ema, lr=1e-2))
        decay = min(ema, (1 + t) / (10 + t))
        for a, o, g in zip(state.average.parameters(), old, state.G.parameters(), strict=True):
            assert torch.allclose(a, decay * o + (1 - decay) * g, atol=1e-6)
            assert ema or torch.equal(a, g)
    z = began.latents(2, 5, torch.Generator().manual_seed(0))
    assert np.array_equal(began.generate(state, z, True), began.generate(state, z, False)) == (ema == 0)


def test_the_residuals_vanish_on_schedule():
    state = began.init(config(residual=True, carry_steps=8), 0, PLAN)
    seen = []
    for t in range(10):
        value = began.carry(state)
        seen.append(None if value is None else float(value))
        began.step(state, pixels(), turned())
        assert state.step == t + 1
    assert seen == [1 - t / 8 for t in range(8)] + [None, None]
    assert began.carry(began.init(config(residual=False), 0, PLAN)) is None


@pytest.mark.parametrize("layout", ["authors", "figure"])
def test_once_vanished_residuals_have_never_been(layout):
    plain = began.init(config(layout=layout), 0, PLAN)
    late = began.init(config(layout=layout, residual=True, carry_steps=5), 0, PLAN)
    early = copy.deepcopy(late.G)
    late.step = plain.step = 5
    z = began.latents(2, 5, torch.Generator().manual_seed(0))
    assert np.array_equal(began.generate(plain, z), began.generate(late, z))
    x = pixels()
    for a, b in zip(began.step(plain, x, turned()), began.step(late, x, turned()), strict=True):
        assert torch.equal(a, b)
    with torch.no_grad():
        almost = early(z, torch.tensor(1e-4))
        assert torch.allclose(almost, early(z, None), atol=1e-3)  # no jump at the end
        assert not torch.allclose(early(z, torch.tensor(1.0)), early(z, None), atol=1e-3)


# --- the learning rate --------------------------------------------------------------------------------------------


def stretch(state: began.State, value: float, steps: int, knb: began.Knobs) -> list:
    """`steps` steps during which M_global is `value`."""
    events = []
    for _ in range(steps // began.BETWEEN):
        events += began.between(state, {"M_global": np.full(began.BETWEEN, value, np.float32)}, knb)
    return events


def test_lr_is_halved_when_M_stalls_and_not_below_its_floor():
    state, knb = began.init(config(), 0, PLAN), turned(lr=1e-4, lr_floor=3e-5, patience=3000)
    assert stretch(state, 0.10, 1000, knb) == []
    assert stretch(state, 0.09, 1000, knb) == []  # falling
    assert stretch(state, 0.0895, 2000, knb) == []  # less than 1 %: stalling, but not for long enough
    events = stretch(state, 0.0895, 1000, knb)
    assert [e.what for e in events] == ["lr"]
    assert "5e-05" in events[0].text
    assert state.lr_scale == 0.5
    assert float(began.step(state, pixels(), knb).lr) == pytest.approx(5e-5)
    assert stretch(state, 0.09, 2000, knb) == []  # patience starts again
    assert len(stretch(state, 0.09, 1000, knb)) == 1
    assert state.lr_scale == pytest.approx(0.3)  # the floor, not a quarter
    assert stretch(state, 0.09, 30_000, knb) == []
    assert state.lr_scale == pytest.approx(0.3)


def test_progress_resets_the_patience():
    state, knb = began.init(config(), 0, PLAN), turned(patience=2000)
    for value in (1.0, 1.0, 0.9, 0.9, 0.8, 0.8, 0.7):
        assert stretch(state, value, 1000, knb) == []
    assert state.lr_scale == 1.0


def test_halving_can_be_switched_off_and_a_floor_above_lr_stops_it():
    for knb in (turned(halve=False, patience=1000), turned(lr=1e-5, lr_floor=1e-4, patience=1000)):
        state = began.init(config(), 0, PLAN)
        assert stretch(state, 0.1, 20_000, knb) == []
        assert state.lr_scale == 1.0


def test_a_window_is_judged_by_its_mean_and_survives_a_resume():
    knb = turned(patience=2000)
    one, two = (began.init(config(), 0, PLAN) for _ in range(2))
    values = np.random.default_rng(0).uniform(0.09, 0.11, 9000 // began.BETWEEN)
    halved = []
    for i, value in enumerate(values):
        recent = {"M_global": np.full(began.BETWEEN, value, np.float32)}
        halved += [(i, began.between(one, recent, knb), began.between(two, recent, knb))]
        if i % 7 == 0:  # a resume
            fresh = began.init(config(), 0, PLAN)
            fresh.window, fresh.best, fresh.stalled, fresh.lr_scale = list(two.window), two.best, two.stalled, two.lr_scale
            two = fresh
    assert all(a == b for _, a, b in halved)
    assert (one.lr_scale, one.best, one.stalled) == (two.lr_scale, two.best, two.stalled)
    assert one.lr_scale < 1
    assert next(i for i, events, _ in halved if events) % (1000 // began.BETWEEN) == 1000 // began.BETWEEN - 1


# --- cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "n", "d", "g"),
    [
        (32, 16, 0.012, 0.005),
        (32, 64, 0.182, 0.070),
        (64, 64, 0.858, 0.302),
        (64, 128, 3.40, 1.19),
        (128, 64, 3.65, 1.23),
        (128, 128, 14.5, 4.86),
        (256, 128, 59.2, 19.5),
    ],
)
def test_the_work_of_a_step_is_that_of_the_table(size, n, d, g):
    """GMAC of one picture through D and through G, research/image.md 1.2; a step is 3g + 6d (6.1), two operations a MAC."""
    expected = (3 * g + 6 * d) * 2 * 16
    assert began.cost(config(size=size, n=n, h=64, z=64, batch=16)) == pytest.approx(expected, rel=0.08 if d < 0.1 else 0.01)


@pytest.mark.parametrize("values", [{}, {"layout": "figure"}, {"skips": False, "depth": 3}, {"layout": "figure", "depth": 1, "size": 64}])
def test_the_work_is_what_torch_counts(values):
    from torch.utils.flop_counter import FlopCounterMode

    cfg = config(**values)
    G, D = began.build(cfg)
    with torch.no_grad(), FlopCounterMode(display=False) as one:
        D(torch.zeros(1, 3, cfg.size, cfg.size))
    with torch.no_grad(), FlopCounterMode(display=False) as other:
        G(torch.zeros(1, cfg.z))
    assert began.cost(cfg) == pytest.approx(cfg.batch * (6 * one.get_total_flops() + 3 * other.get_total_flops()) / 1e9, rel=1e-9)


# --- views --------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(pictures):
    return open_images(str(pictures), size=32)


@pytest.fixture
def trained(data):
    """A state after some steps, with which pictures differ."""
    torch.set_num_threads(1)
    cfg = config(batch=4)
    state = began.init(cfg, 0, PLAN)
    for x in itertools.islice(began.batches(data, cfg, 0, 0), 60):
        began.step(state, x, turned(lr=2e-3))
    return state


def test_shapes_of_the_views(trained, data):
    knb = turned()
    real = shown.view_real(trained, data, knb, n=2)
    assert real.pictures["real"].shape == real.pictures["D"].shape == (2, 32, 32, 3)
    assert np.array_equal(real.pictures["real"], data.pictures(data.held_out[:2]))
    assert real.numbers["error"].shape == (2,)
    detail = shown.view_detail(trained, data, knb, seed=1, index=3, ema=True)
    many = began.sample(trained, 9, 1).pictures["samples"]
    assert np.array_equal(detail.pictures["sample"][0], many[3])
    where, distance = data.nearest(many[3:4])
    assert detail.words["nearest"] == [data.names[int(where[0])]]
    assert np.array_equal(detail.pictures["nearest"][0], data.images[where[0]])
    assert detail.numbers["distance"] == pytest.approx(distance)
    assert shown.view_held_out(trained, data, knb, n=100).numbers["error"].shape == (3,)


@pytest.mark.parametrize("eta", [1, 2])
def test_the_error_of_a_picture_is_its_L(trained, data, eta):
    view = shown.view_real(trained, data, turned(eta=eta), n=3)
    x = data.held(3).double() / 127.5 - 1
    D = copy.deepcopy(trained.D).double()
    with torch.no_grad():
        gap = (x - D(x)).abs() ** eta
    assert view.numbers["error"] == pytest.approx(gap.mean((1, 2, 3)).numpy(), rel=1e-4)
    assert shown.view_held_out(trained, data, turned(eta=eta), n=3).numbers["error"] == pytest.approx(view.numbers["error"], rel=1e-5)


def test_a_set_without_held_out_pictures_shows_none(trained, data):
    data.held_out = data.held_out[:0]
    assert shown.view_real(trained, data, turned(), n=4).pictures["D"].shape == (0, 32, 32, 3)
    assert shown.view_held_out(trained, data, turned(), n=4).numbers["error"].shape == (0,)


def test_samples_are_drawn_in_whole_chunks(trained):
    """The bits of a row may depend on how many rows there are."""
    rows = []
    trained.average.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    for n in (1, 64, 65):
        assert len(began.sample(trained, n, 0).pictures["samples"]) == n
    assert rows == [64, 64, 64, 64]


def test_an_interpolation_ends_at_the_samples_and_moves_between(trained, data):
    samples = began.sample(trained, 5, 3).pictures["samples"]
    path = shown.view_interpolation(trained, data, turned(), seed=3, a=4, b=1, steps=7, ema=True).pictures["path"]
    assert path.shape == (7, 32, 32, 3)
    assert np.array_equal(path[0], samples[4])
    assert np.array_equal(path[-1], samples[1])
    gaps = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(path)]
    whole = np.abs(path[0].astype(int) - path[-1]).mean()
    assert whole > 0.5
    assert max(gaps) < whole


def test_a_recovery_finds_latents_in_the_support_that_come_closer(trained, data, monkeypatch):
    lines = []
    real_line = shown._line
    monkeypatch.setattr(shown, "_line", lambda a, b, steps: (lines.append(torch.stack([a, b])), real_line(a, b, steps))[1])
    views = list(shown.view_recovery(trained, data, turned(), a=0, b=2, steps=3, iterations=90, lr=0.2))
    assert [list(v.numbers["done"]) for v in views] == [[20, 90], [40, 90], [60, 90], [80, 90], [90, 90]]
    x = began.to_model(trained.plan, data.held(3)[[0, 2]])
    with torch.no_grad():
        at_zero = began.reconstruction(x, trained.average(torch.zeros(2, 5)), 1).numpy()
    final = views[-1].numbers["error"]
    assert (final < 0.995 * at_zero).all()
    assert (final <= views[0].numbers["error"] * 1.02).all()
    assert all(float(z.abs().max()) <= 1 for z in lines)
    assert not torch.equal(lines[0], lines[-1])
    assert not torch.equal(lines[-1][0], lines[-1][1])
    last = views[-1]
    assert np.array_equal(last.pictures["real"], data.pictures(data.held_out[[0, 2]]))
    assert np.array_equal(last.pictures["path"], began.generate(trained, real_line(*lines[-1], 3)))
    assert all(p.grad is None for p in trained.average.parameters())


def test_a_recovery_of_a_pictures_own_sample_finds_it_again(trained, data):
    """The sheet's test 10: z_r of G(z*) approaches G(z*)."""
    own = began.sample(trained, 2, 5).pictures["samples"]
    data.images = np.concatenate([data.images, own])
    data.held_out = np.array([len(data.images) - 2, len(data.images) - 1])
    *_, last = shown.view_recovery(trained, data, turned(), a=0, b=1, steps=2, iterations=300, lr=0.05)
    first = next(iter(shown.view_recovery(trained, data, turned(), a=0, b=1, steps=2, iterations=1)))
    assert (last.numbers["error"] < 0.5 * first.numbers["error"]).all()


# --- learning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_it_learns(data, precision):
    torch.set_num_threads(1)
    cfg = config(batch=8, n=4)
    state = began.init(cfg, 0, Plan("cpu", 1, precision, True, "off"))
    error = lambda: float(shown.view_held_out(state, data, turned(), n=3).numbers["error"].mean())  # noqa: E731
    before = error()
    infos = [began.step(state, x, turned(lr=1e-3)) for x in itertools.islice(began.batches(data, cfg, 0, 0), 200)]
    assert error() < 0.75 * before
    M = [float(i.M_global) for i in infos]
    assert np.mean(M[-20:]) < 0.8 * np.mean(M[:20])
    assert all(0 <= float(i.k_t) <= 1 for i in infos)


# --- how good it is ---------------------------------------------------------------------------------------------------


def evaluated(state, data, knobs_now, **more):
    return list(began.evaluate(state, data, knobs_now, n=20, seed=2, **more))[-1].scores


def test_own_measures_are_means_over_the_last_hundred_steps(pictures):
    cfg, knobs_now = config(), began.Knobs(gamma=0.3)
    data = began.open_data(str(pictures), cfg)
    state = began.init(cfg, 0, PLAN)
    rows = np.random.default_rng(0).uniform(0.1, 1, (250, 6)).astype(np.float32)
    real, fake, _, M = rows[-100:].astype(float).T[:4]
    found = evaluated(state, data, knobs_now, rows=rows)
    assert found["M_global"].value == pytest.approx(M.mean())
    assert found["M_global"].spread == pytest.approx(M.std())
    assert found["M_global"].n == 100
    assert found["gamma_hat"].value == pytest.approx(fake.mean() / real.mean())
    assert found["gamma_hat"].reference == 0.3
    assert found["loss_fake"].value == pytest.approx(fake.mean())
    assert "last 100 steps" in found["M_global"].doc


@pytest.mark.parametrize("rows", [None, np.empty((0, 6), np.float32)])
def test_without_rows_they_are_those_of_fresh_pictures(rows, pictures):
    cfg, knobs_now = config(), began.Knobs(gamma=0.3, eta=2)
    data = began.open_data(str(pictures), cfg)
    state = began.init(cfg, 0, PLAN)
    found = evaluated(state, data, knobs_now, rows=rows)
    real = shown._through_D(state, data.pictures(data.train), 2)[1].mean()
    fake = shown._through_D(state, began.sample(state, 20, 2).pictures["samples"], 2)[1].mean()
    held = shown._through_D(state, data.pictures(data.held_out), 2)[1]
    assert found["gamma_hat"].value == pytest.approx(fake / real, rel=1e-4)
    assert found["M_global"].value == pytest.approx(real + abs(0.3 * real - fake), rel=1e-4)
    assert found["loss_held_out"].value == pytest.approx(held.mean(), rel=1e-4)
    assert found["loss_held_out"].n == len(held)
    assert "fresh samples" in found["M_global"].doc
    assert found["M_global"].spread is None
