from __future__ import annotations

import copy
import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import checkpoint, knobs
from models.algorithms import ppgn
from models.algorithms.ppgn import phases, shown
from models.contract import NextPhase, Plan
from models.data.images import ImageSet
from models.data.labelled import LabelledSet, compositions, cut, encoded, labelled, shortened, spoken
from models.errors import BadData, BadInput
from models.nets.conv import CodeDAE, he
from models.run import Run

PLAN = Plan("cpu", 1, "float32", True, "off")
SMALL = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 8, "words": 12, "batch": 4}
WORDS = ("a", "red", "blue", "dot", "left", "of")
MNIST = Path(__file__).parents[4] / "shared" / "data" / "train-images-idx3-ubyte.gz"
NETS = ("E", "scorer", "G", "J", "D", "R_x", "R_h", "captioner")
CHANGED = {  # phase -> nets that it trains
    "encoder": {"E"},
    "scorer": {"scorer"},
    "generator": {"G", "D"},
    "joint": {"J", "D"},
    "dae-x": {"R_x"},
    "dae-h": {"R_h"},
    "captioner": {"captioner"},
}


def config(**values) -> ppgn.Config:
    return knobs.make(ppgn.Config, SMALL | values)


def turned(**values) -> ppgn.Knobs:
    return knobs.make(ppgn.Knobs, values)


def drawn(n: int = 60, *, size: int = 32, channels: int = 3, **more) -> ImageSet:
    """Dots on the left or right, in red or blue, with captions."""
    rng = np.random.default_rng(0)
    side, colour = rng.integers(0, 2, n), rng.integers(0, 2, n)
    images = np.full((n, size, size, channels), 40, np.uint8)
    for i in range(n):
        x = (2 if side[i] == 0 else size // 2) + rng.integers(0, 6)
        y = rng.integers(2, size - 12)
        images[i, y : y + 9, x : x + 9, 0 if colour[i] == 0 else channels - 1] = 220
    held = np.arange(0, n, 6)
    about = {"labels": {"side": side, "colour": colour}, "values": {"side": ("left", "right"), "colour": ("red", "blue")}}
    caption = lambda i: f"A {('red', 'blue')[colour[i]]} dot{', left of' if side[i] == 0 else ''}."  # noqa: E731
    names = [f"dot {i}" for i in range(n)]
    kinds = {"images": images, "train": np.setdiff1d(np.arange(n), held), "held_out": held, "names": names, "captions": caption, **about} | more
    return ImageSet(id="0" * 16, spec="dots", title="dots", size=size, channels=channels, **kinds)  # type: ignore[arg-type]


def data(config: ppgn.Config | None = None, **more) -> LabelledSet:
    c = config or ppgn.Config()
    taken = {"first": c.attributes == "first", "captions": c.captions, "outputs": c.outputs, "room": c.words}
    return labelled(drawn(size=c.size, channels=c.channels, **more), **taken)


def started(seed: int = 0, plan: Plan = PLAN, **values):
    """(state, endless batches, data)"""
    torch.set_num_threads(plan.threads)
    c = config(**values)
    found = data(c)
    return ppgn.init(c, seed, plan), ppgn.batches(found, c, seed, 0), found


def digest(state) -> str:
    return checkpoint.state_hash(checkpoint.flatten(state)[0])


def weights(net: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def pixels(n: int = 4, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


# --- phases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ppgn.PHASES)
def test_a_phase_trains_its_own_nets_and_no_others(phase):
    state, feed, _ = started()
    state.phase = 0
    ppgn.step(state, next(feed), turned())
    state.phase = ppgn.PHASES.index(phase)
    before = {name: weights(getattr(state, name)) for name in NETS}
    if phase == "joint":
        before["J"] = weights(state.G)  # what it begins with
    info = ppgn.step(state, next(feed), turned(lr=1e-2))
    assert {name for name in NETS if not torch.equal(before[name], weights(getattr(state, name)))} == CHANGED[phase]
    told = {k for k, v in info._asdict().items() if v is not None}
    mine = {
        "encoder": {"loss_C", "right_C"},
        "scorer": {"loss_S", "right_S"},
        "generator": {"L_img", "L_h1", "L_adv", "L_D", "r", "D_on", "G_on"},
        "joint": {"L_img", "L_h1", "L_h", "L_adv", "L_D", "r", "D_on", "G_on"},
        "dae-x": {"loss_x"},
        "dae-h": {"loss_h"},
        "captioner": {"nats"},
    }
    assert told == mine[phase] | {"lr"}
    assert state.trained[phase] == 1 + (phase == "encoder")


def test_every_preset_has_all_phases_in_their_order():
    for preset in ppgn.PRESETS.values():
        assert tuple(p.name for p in preset.phases) == ppgn.PHASES
    quick = {p.name: p.steps for p in ppgn.PRESETS["quick"].phases}
    assert all(quick.values())


def test_phases_can_be_skipped_and_the_parts_say_which_were(classes, tmp_path):
    run = Run.create(tmp_path / "run", "ppgn", str(classes), config=SMALL, plan=PLAN)
    steps = run.train()
    next(steps)
    for _ in range(2):
        next(steps)
    for _ in ppgn.PHASES[1:]:
        steps.send(NextPhase())
    for _ in range(2):
        next(steps)
    steps.close()
    assert run.phase == "captioner"
    made = ppgn.parts(run.state)
    assert made.trained == dict.fromkeys(ppgn.PHASES, 0) | {"encoder": 2, "captioner": 0}  # this folder has no captions
    assert run.state.step == 4
    assert np.isnan(run.rows[-1]).all()
    assert run.algorithm.sample(run.state, 2, 0).pictures["samples"].shape == (2, 32, 32, 3)
    run.close()


def test_while_the_encoder_learns_the_generator_may_learn_with_it():
    """w_seen: h keeps what shows x again; E's step is another one then, and G's that of L_img alone."""
    results = {}
    for w_seen in (0.0, 5.0):
        state, feed, _ = started()
        before = weights(state.G)
        batch = next(feed)
        info = ppgn.step(state, batch, turned(w_seen=w_seen, robust=0.0, shift=0))
        assert torch.equal(before, weights(state.G)) == (w_seen == 0)
        assert state.trained == dict.fromkeys(ppgn.PHASES, 0) | {"encoder": 1}
        results[w_seen] = weights(state.E), float(info.loss_C)
    assert results[0.0][1] == results[5.0][1]  # the same loss of C
    assert not torch.equal(results[0.0][0], results[5.0][0])
    state, *_ = started()
    state.E.train()
    x = ppgn.to_model(state.plan, batch.x)
    assert float(info.L_img) == pytest.approx(float(F.mse_loss(state.G(state.E(x)[1]), x).detach()), rel=1e-5)


@pytest.mark.parametrize("muon", [False, True])
@pytest.mark.parametrize("phase", ppgn.PHASES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_state_that_is_saved_in_any_phase_goes_on_as_if_it_had_not_been(phase, precision, muon, tmp_path):
    plan = dataclasses.replace(PLAN, precision=precision)
    make = lambda: started(3, plan, muon=muon, **({"n": 32, "h": 32} if muon else {}))  # noqa: E731
    (whole, feed, _), (other, *_), (third, *_) = make(), make(), make()
    batches = list(itertools.islice(feed, 8))

    def go(state, start, stop):
        for t in range(start, stop):
            state.phase = 0 if t < 2 else ppgn.PHASES.index(phase)
            ppgn.step(state, batches[t], turned(w_seen=float(muon)))

    go(whole, 0, 8)
    go(other, 0, 5)
    checkpoint.save(tmp_path / "x.safetensors", other, {})
    go(third, 0, 1)
    tensors, header = checkpoint.read(tmp_path / "x.safetensors")
    checkpoint.restore(third, tensors, header, tmp_path / "x.safetensors")
    go(third, 5, 8)
    assert digest(third) == digest(whole)
    assert (third.heads, third.words, third.trained) == (whole.heads, whole.words, whole.trained)
    assert third.words


# --- losses -------------------------------------------------------------------------------------------------------


def test_the_judgement_is_the_mean_cross_entropy_over_its_value_for_a_guess():
    heads = {"a": ["x", "y"], "b": ["p", "q", "r"]}
    logits, labels = torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([[0, 2], [1, 1], [1, 0], [0, 0], [1, 2]])
    loss, right = phases.judged(logits, labels, heads)
    want, good = 0.0, 0
    for i in range(5):
        for (start, k), y in zip(((0, 2), (2, 3)), labels[i].tolist(), strict=True):
            part = logits[i, start : start + k].double()
            want += float(part.exp().sum().log() - part[y]) / math.log(k) / 10
            good += int(part.argmax()) == y
    assert float(loss) == pytest.approx(want, rel=1e-5)
    assert float(right) == pytest.approx(good / 10)
    flat = phases.judged(torch.zeros(5, 8), labels, heads)[0]
    assert float(flat) == pytest.approx(1)


def textbook(state, x: Tensor, knobs: ppgn.Knobs):
    """G's and D's gradients of S9, written out: two passes of D, torch's own losses."""
    with torch.no_grad():
        h1, h = state.E(x)
    made = state.G(h)
    D, one, zero = state.D, torch.ones(len(x)), torch.zeros(len(x))
    L_real = F.binary_cross_entropy_with_logits(D(x, h), one)
    L_fake = F.binary_cross_entropy_with_logits(D(made.detach(), h), zero)
    L_adv = F.binary_cross_entropy_with_logits(D(made, h), one)
    L_img = ((made - x) ** 2).mean()
    L_h1 = ((state.E.trunk(made) - h1) ** 2).sum() / (h1**2).sum()
    total = knobs.w_img * L_img + knobs.w_h1 * L_h1 + knobs.w_adv * L_adv
    return (
        {k: float(v.detach()) for k, v in {"L_img": L_img, "L_h1": L_h1, "L_adv": L_adv, "L_D": L_real + L_fake}.items()},
        torch.autograd.grad(total, list(state.G.parameters())),
        torch.autograd.grad(L_real + L_fake, list(D.parameters())),
    )


def test_a_step_of_the_generator_is_the_textbook_one():
    state, feed, _ = started()
    batch = next(feed)
    ppgn.step(state, batch, turned())
    state.phase = 2
    knb = turned(w_img=3.0, w_h1=0.7, w_adv=0.4, lr_G=1e-3)
    losses, grads_G, grads_D = textbook(state, ppgn.to_model(state.plan, batch.x), knb)
    twins = [copy.deepcopy(net) for net in (state.G, state.D)]
    for twin, grads in zip(twins, (grads_G, grads_D), strict=True):
        adam = torch.optim.Adam(twin.parameters(), lr=1e-3 / 50)  # the first of 50 steps of its rise
        for p, g in zip(twin.parameters(), grads, strict=True):
            p.grad = g
        adam.step()
    info = ppgn.step(state, batch, knb)
    for name, value in losses.items():
        assert float(getattr(info, name)) == pytest.approx(value, rel=1e-4), name
    assert float(info.r) == pytest.approx(losses["L_D"] / losses["L_adv"], rel=1e-4)
    for twin, net in zip(twins, (state.G, state.D), strict=True):
        torch.testing.assert_close(weights(twin), weights(net), rtol=1e-4, atol=2e-6)


def test_the_feature_loss_alone_moves_the_generator_and_never_the_encoder():
    """The bug of several re-implementations: features without a graph give G no gradient."""
    state, feed, _ = started()
    ppgn.step(state, next(feed), turned())
    state.phase = 2
    G, E = weights(state.G), weights(state.E)
    ppgn.step(state, next(feed), turned(w_img=0.0, w_adv=0.0, w_h1=1.0))
    assert not torch.equal(G, weights(state.G))
    assert torch.equal(E, weights(state.E))
    assert all(p.grad is None for p in state.E.parameters())
    still = weights(state.G)
    ppgn.step(state, next(feed), turned(w_img=0.0, w_adv=0.0, w_h1=0.0, beta1=0.0))
    assert float((weights(state.G) - still).abs().max()) < 1e-8  # without any loss there is no gradient


def test_joint_noise_is_on_h_x_and_h1_and_its_strength_is_a_knob():
    """Without noise and L_h a step of Joint is one of the generator; each noise alone changes what the nets see."""
    none = {"noise_h": 0.0, "noise_x": 0.0, "noise_h1": 0.0}
    results = {}
    for name, values in {"none": none, **{k: none | {k: 0.8} for k in none}}.items():
        state, feed, _ = started()
        ppgn.step(state, next(feed), turned())
        state.phase = 3
        results[name] = ppgn.step(state, next(feed), turned(w_h=0.0, **values))
    state, feed, _ = started()
    ppgn.step(state, next(feed), turned())
    state.phase = 2
    plain = ppgn.step(state, next(feed), turned())
    for k in ("L_img", "L_h1", "L_adv"):
        assert float(getattr(results["none"], k)) == pytest.approx(float(getattr(plain, k)), rel=1e-5)
    differs = lambda name: {k for k in ("L_img", "L_h1", "L_h") if float(getattr(results[name], k)) != float(getattr(results["none"], k))}  # noqa: E731
    assert differs("noise_h") == {"L_img", "L_h1", "L_h"}  # before G
    assert differs("noise_x") == {"L_h1", "L_h"}  # after G
    assert differs("noise_h1") == {"L_h"}  # after E's trunk


def test_the_error_of_h_reaches_the_generator_of_joint():
    state, feed, _ = started()
    ppgn.step(state, next(feed), turned())
    state.phase = 3
    before = weights(state.G)
    ppgn.step(state, next(feed), turned(w_img=0.0, w_adv=0.0, w_h1=0.0, w_h=1.0))
    assert not torch.equal(before, weights(state.J))
    assert torch.equal(before, weights(state.G))


# --- the balance --------------------------------------------------------------------------------------------------


def test_the_balance_rule():
    state, *_ = started()
    knb = turned()
    decide = lambda r: ppgn.between(state, {"r": np.full(25, r, np.float32)}, knb)  # noqa: E731
    told = [(r, len(decide(r)), state.D_on, state.G_on) for r in (1.0, 0.09, 0.3, 0.49, 0.51, 11.0, 9.0, 0.2)]
    assert told == [
        (1.0, 0, True, True),
        (0.09, 1, False, True),  # a) D too good
        (0.3, 0, False, True),  # stays paused until 0.5
        (0.49, 0, False, True),
        (0.51, 1, True, True),
        (11.0, 1, True, False),  # b) G too good
        (9.0, 1, True, True),
        (0.2, 0, True, True),
    ]
    assert ppgn.between(state, {"r": np.full(25, np.nan, np.float32)}, knb) == []


@pytest.mark.parametrize("who", ["D", "G"])
def test_who_is_paused_takes_no_step_and_its_moments_stand_still(who):
    state, feed, _ = started()
    ppgn.step(state, next(feed), turned())
    state.phase = 2
    ppgn.step(state, next(feed), turned())
    setattr(state, f"{who}_on", False)
    moments = lambda: [v.clone() for s in getattr(state, f"optimiser_{who}").state.values() for v in s.values()]  # noqa: E731
    before, other = (weights(getattr(state, who)), moments()), weights(state.G if who == "D" else state.D)
    for _ in range(3):
        info = ppgn.step(state, next(feed), turned())
    assert torch.equal(before[0], weights(getattr(state, who)))
    assert all(torch.equal(a, b) for a, b in zip(before[1], moments(), strict=True))
    assert not torch.equal(other, weights(state.G if who == "D" else state.D))
    assert float(getattr(info, f"{who}_on")) == 0


# --- the denoisers ------------------------------------------------------------------------------------------------


def test_a_denoiser_of_gaussian_codes_points_along_their_score():
    """R(x) - x = sigma² / (s² + sigma²) (m - x) (Alain and Bengio 2014), along the line on which the codes lie."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    d, s, sigma = 16, 1.0, 0.7
    m, v = torch.full((d,), 5.0), F.normalize(torch.randn(d, generator=rng), dim=0)
    net = CodeDAE(d)
    he(net, rng)
    adam = torch.optim.Adam(net.parameters(), lr=4e-3)
    for t in range(700):
        adam.param_groups[0]["lr"] = 4e-3 * (1 - t / 700)
        h = m + s * torch.randn(256, 1, generator=rng) * v
        noisy = h + sigma * torch.randn(256, d, generator=rng)
        loss = (net(noisy, m, torch.ones(d)) - h).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    h = m + s * torch.randn(4000, 1, generator=rng) * v
    noisy = h + sigma * torch.randn(4000, d, generator=rng)
    with torch.no_grad():
        move, off = (net(noisy, m, torch.ones(d)) - noisy) @ v, (m - noisy) @ v
    slope = float((move * off).mean() / off.square().mean())
    assert slope == pytest.approx(sigma**2 / (s**2 + sigma**2), abs=0.04)
    assert float(move.mean()) == pytest.approx(0, abs=0.05)
    across = torch.randn(d, generator=rng)
    across = F.normalize(across - across @ v * v, dim=0)  # no code differs from another this way: all of it is noise
    with torch.no_grad():
        move, off = (net(noisy, m, torch.ones(d)) - noisy) @ across, (m - noisy) @ across
    assert float((move * off).mean() / off.square().mean()) == pytest.approx(1, abs=0.04)


def test_the_denoisers_get_noise_of_their_knobs():
    """Untrained and asked for nothing, an identity would have exactly the noise's error."""
    state, feed, _ = started()
    for _ in range(8):
        ppgn.step(state, next(feed), turned())
    batch = next(feed)
    x = ppgn.to_model(state.plan, batch.x)
    state.R_x.forward = lambda v: state.R_x.picture.bias.sum() * 0 + sum(p.sum() * 0 for p in state.R_x.parameters()) + v  # type: ignore[method-assign]
    state.phase = 4
    error = float(ppgn.step(state, batch, turned(sigma_x=0.5)).loss_x)
    assert error == pytest.approx(0.25 / float(x.var()), rel=0.05)


# --- E against changes, and shifts --------------------------------------------------------------------------------


def test_shifts_move_whole_pictures_by_whole_pixels():
    x = torch.arange(2 * 1 * 8 * 8, dtype=torch.float32).view(2, 1, 8, 8)
    seen = set()
    for seed in range(40):
        y = phases.shifted(x, 2, torch.Generator().manual_seed(seed))
        wide = F.pad(x, (2, 2, 2, 2), mode="replicate")
        for i in range(2):
            places = [(a, b) for a in range(5) for b in range(5) if torch.equal(y[i], wide[i, :, a : a + 8, b : b + 8])]
            assert len(places) == 1
            seen.add(places[0])
    assert len(seen) > 15
    assert phases.shifted(x, 0, torch.Generator()) is x


def test_pictures_changed_against_c_keep_to_the_bound_and_raise_its_loss():
    state, feed, _ = started()
    for _ in range(60):
        ppgn.step(state, next(feed), turned(lr=5e-3, robust=0.0))
    batch = next(feed)
    x, labels = ppgn.to_model(state.plan, batch.x), batch.labels
    y = phases.against(state, x, labels, 0.2)
    assert torch.equal(y[0::2], x[0::2])
    assert float((y - x).abs().max()) <= 0.2 + 1e-6
    assert float(y.abs().max()) <= 1
    loss = lambda v: float(phases.judged(state.E.logits(state.E(v)[1]), labels, state.heads)[0])  # noqa: E731
    random = (x + 0.2 * torch.sign(torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))).clamp(-1, 1)
    random[0::2] = x[0::2]
    with torch.no_grad():
        assert loss(y) > loss(random)
        assert loss(y) > loss(x)


# --- what is known of h -------------------------------------------------------------------------------------------


def test_the_codes_kept_are_those_of_the_pictures_seen_last(monkeypatch):
    monkeypatch.setattr(phases, "KEPT", 10)
    monkeypatch.setattr(ppgn, "KEPT", 10)
    state, feed, _ = started()
    state.codes = state.codes[:10].clone()
    state.phase = 2
    seen = []
    for t in range(4):
        batch = next(feed)
        seen.append(ppgn.encode(state, ppgn.to_model(state.plan, batch.x))[1])
        ppgn.step(state, batch, turned())
        assert state.kept == 4 * (t + 1)
        last = torch.cat(seen)[-10:]
        mean, sd, most = ppgn.statistics(state)
        torch.testing.assert_close(mean, last.mean(0))
        torch.testing.assert_close(sd, last.std(0))
        torch.testing.assert_close(most, last.amax(0))


# --- learning -----------------------------------------------------------------------------------------------------


def test_dots_are_learnt():
    """Forty steps tell left from right; G begins to put them there; the captioner learns the words."""
    state, feed, found = started(batch=24, n=8, g=4, h=32, full=32, recurrent=24)
    knb = turned(lr=5e-3, lr_G=3e-3, w_img=10.0, w_h1=1.0, w_adv=0.1)
    go = lambda phase, n: (setattr(state, "phase", ppgn.PHASES.index(phase)), [ppgn.step(state, next(feed), knb) for _ in range(n)])[1]  # noqa: E731
    go("encoder", 40)
    go("scorer", 40)
    G = go("generator", 40)
    nats = go("captioner", 60)
    right = shown.view_classes(state, found, knb, n=10).numbers
    assert right["C"].mean() > 0.9
    assert right["scorer"].mean() > 0.9
    assert float(G[-1].L_img) < 0.8 * float(G[1].L_img)
    assert float(nats[-1].nats) < 0.6 * float(nats[0].nats)


# --- the parts ----------------------------------------------------------------------------------------------------


def taught():
    state, feed, found = started()
    for phase in (0, 0, 1, 2, 3, 4, 5, 6):
        state.phase = phase
        ppgn.step(state, next(feed), turned(lr=1e-2))
    return state, found


def test_parts_are_functions_of_copies_that_give_gradients_to_inputs_alone():
    state, found = taught()
    made = ppgn.parts(state)
    x, h = pixels(), torch.rand(4, 8, generator=torch.Generator().manual_seed(1))
    outs = {
        "E": lambda: made.E_features(x)[1],
        "G": lambda: made.G(h),
        "J": lambda: made.G_joint(h),
        "R_h": lambda: made.R_h(h),
        "R_x": lambda: made.R_x(x),
        "R": lambda: made.E_features(made.G(h))[1],
        "C": lambda: made.C_logits(h)["colour"],
        "scorer": lambda: made.scorer_logits(x)["side"],
        "caption": lambda: made.caption_log_p("a red dot", h),
    }
    first = {k: f().clone() for k, f in outs.items()}
    assert all(not v.requires_grad for v in first.values())
    x.requires_grad_()
    h.requires_grad_()
    for k, f in outs.items():
        (g,) = torch.autograd.grad(f().sum(), x if k in ("E", "R_x", "scorer") else h)
        assert float(g.abs().sum()) > 0, k
    for phase in range(7):
        state.phase = phase
        ppgn.step(state, next(ppgn.batches(found, state.config, 1, 0)), turned(lr=1e-2))
    x.requires_grad_(False)
    h.requires_grad_(False)
    assert all(torch.equal(v, outs[k]()) for k, v in first.items())  # what is trained later does not change them
    assert first["G"].abs().max() <= 1
    assert all(p.requires_grad for name in NETS for p in getattr(state, name).parameters())
    assert made.heads == {"side": ("left", "right"), "colour": ("red", "blue")}
    assert {k: v.shape for k, v in made.scorer_logits(x).items()} == {"side": (4, 2), "colour": (4, 2)}
    assert tuple(made.words) == ("", *sorted(WORDS))
    assert made.codes.shape == (4 * 5, 8)  # of when they were made: two steps of E, generator, joint and R_h


def test_a_captions_log_p_is_the_captioners():
    state, _ = taught()
    made = ppgn.parts(state)
    h = made.E_features(pixels())[1]
    found = made.caption_log_p("A blue dot, left of.", h)
    assert found.shape == (4, 6)  # five words and the end
    tokens = torch.tensor([encoded("a blue dot left of", state.words)]).expand(4, -1)
    assert torch.equal(found, state.captioner(state.E(pixels())[1], tokens, len(state.words)).detach())
    with pytest.raises(BadInput, match=r"does not know the word 'green'; its 6 words are a, blue, dot, left, of, red\."):
        made.caption_log_p("a green dot", h)
    with pytest.raises(BadInput, match="needs at least one word"):
        made.caption_log_p(" .", h)
    said = made.captions(h, 5)
    assert said.shape == (4, 5)


def test_parts_exist_before_anything_is_trained():
    state, *_ = started()
    made = ppgn.parts(state)
    assert made.heads == {}
    assert made.C_logits(torch.zeros(2, 8)) == {}
    assert not any(made.trained.values())
    assert made.G(torch.zeros(2, 8)).shape == (2, 3, 32, 32)
    assert torch.equal(made.mean, torch.zeros(8))


# --- data ---------------------------------------------------------------------------------------------------------


def test_a_batch_has_the_labels_and_words_of_its_pictures():
    c = config()
    found = data(c)
    batch = next(itertools.islice(ppgn.batches(found, c, 5, 7), 0, None))
    rows = found.order(5, 7 * 4, 4)
    assert torch.equal(batch.x, found.batch(5, 7, 4))
    labels = found.labels
    assert labels is not None
    assert batch.labels.tolist() == [[labels["side"][i], labels["colour"][i]] for i in rows]
    captions = found.captions
    assert captions is not None
    assert [spoken(t, found.words) for t in batch.tokens.tolist()] == [" ".join(cut(captions(int(i)))) for i in rows]
    assert cut("A big, RED dot. (it's)") == ["a", "big", "red", "dot", "it's"]


def test_shorter_sentences_name_some_of_the_same():
    long, rng = "a smiling, bald person with freckles, a red moustache and a blue cap", np.random.default_rng(0)
    found = {shortened(long, rng) for _ in range(400)}
    assert {"a bald person", "a person with a blue cap", "a smiling, bald person with freckles", "a person with freckles and a blue cap"} <= found
    assert len(found) == 2**5 - 2  # neither all nor nothing
    for other in ("a large red circle left of a blue square", "a bald person", "a person with freckles", "seven"):
        assert shortened(other, rng) == other


def test_a_batch_has_shorter_sentences_beside_the_captions():
    c = config()
    caption = lambda i: "a red dot" if i % 2 else "a red dot with a blue dot and a left of"  # noqa: E731
    found = data(c, captions=caption)
    batch = next(ppgn.batches(found, c, 5, 0))
    assert batch.shorter.shape == batch.tokens.shape
    some = {spoken(t, found.words) for t in found.shorter.reshape(-1, found.shorter.shape[2]).tolist()}
    assert some == {"a red dot", "a dot with a blue dot", "a dot with a left of", "a red dot with a blue dot", "a red dot with a left of"} | {
        "a dot with a blue dot and a left of"
    }


def test_noisy_codes_are_those_of_a_relu_and_as_far_as_asked_for():
    state, feed, _ = started()
    for _ in range(20):
        ppgn.step(state, next(feed), turned())
    sd = ppgn.statistics(state)[1]
    h = torch.full((4000, 8), 50.0)  # so far from 0 that nothing is cut
    assert torch.equal(phases.noisy(state, h, 0.0), h)
    moved = (phases.noisy(state, h, 2.0) - h) / sd.clamp(min=1e-9)
    alive = sd > 1e-6
    strength = moved[:, alive].square().mean().sqrt()
    assert float(strength) == pytest.approx(2 / math.sqrt(3), rel=0.05)  # a uniform strength between 0 and 2
    assert float(phases.noisy(state, torch.zeros(100, 8), 2.0).min()) == 0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_captioner_learns_from_the_share_of_shorter_sentences(share):
    state, feed, _ = started()
    ppgn.step(state, next(feed), turned())
    state.phase = 6
    batch = next(feed)
    batch = batch._replace(shorter=torch.zeros_like(batch.tokens))  # says nothing
    told = ppgn.step(state, batch, turned(shorten=share, shift=0))
    again, *_ = started()
    h = phases.encode(state, ppgn.to_model(state.plan, batch.x))[1]
    tokens = batch.shorter if share else batch.tokens
    want = -again.captioner(h, tokens, len(state.words)).sum() / (len(tokens) + (tokens != 0).sum())
    assert float(told.nats) == pytest.approx(float(want.detach()), rel=1e-5)


VALUES = {"side": ("left", "right"), "colour": ("red", "blue")}


def test_compositions_can_be_left_out_of_training():
    whole, some = data(), labelled(drawn(), first=False, captions=True, outputs=8, room=12, without="side=left & colour=blue")
    of = lambda found, rows: {tuple(found.columns[i].tolist()) for i in rows}  # noqa: E731
    assert of(whole, whole.train) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert of(some, some.train) == {(0, 0), (1, 0), (1, 1)}
    assert set(some.train) < set(whole.train)
    np.testing.assert_array_equal(some.held_out, whole.held_out)
    dealt = np.concatenate([some.order(0, 0, 200)])
    assert (0, 1) not in of(some, dealt)
    assert of(some, some.held_out) == of(whole, whole.held_out)
    two = labelled(drawn(), first=False, captions=True, outputs=8, room=12, without=" side = left & colour=blue ; side=right & colour=red;")
    assert of(two, two.train) == {(0, 0), (1, 1)}
    assert compositions("side=right & colour=blue; side=left", VALUES) == [{"side": 1, "colour": 1}, {"side": 0}]


def test_what_is_left_out_is_part_of_the_config(classes, tmp_path):
    with pytest.raises(BadInput, match="names the attribute 'colour', which these pictures do not have; there are class"):
        ppgn.open_data(str(classes), config(without="colour=red"))


@pytest.mark.parametrize(
    ("without", "error", "said"),
    [
        ("sides=left", BadInput, "names the attribute 'sides', which these pictures do not have; the nearest are side"),
        ("colour=bleu", BadInput, "names colour 'bleu', which these pictures do not have; the nearest are blue"),
        ("colour=q", BadInput, "names colour 'q', which these pictures do not have; there are red, blue"),
        ("colour", BadInput, "takes ATTRIBUTE=VALUE, joined by & and parted by ;"),
        ("colour=red; colour=blue", BadData, "leaves 0 of the 50 training pictures of dots: leave out less"),
    ],
)
def test_what_cannot_be_left_out_is_told_in_one_sentence(without, error, said):
    with pytest.raises(error, match=said):
        labelled(drawn(), first=False, captions=True, outputs=8, room=12, without=without)


def test_one_attribute_and_no_captions_on_request():
    found = data(config(attributes="first", captions=False))
    assert list(found.heads) == ["side"]
    assert found.columns.shape == (60, 1)
    assert found.words == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"labels": None}, r"dots has no labels, and a classifier comes first: use faces, shapes, glyphs, an IDX or \.npz file"),
        ({"labels": {}}, "dots has no labels"),
        ({"labels": {"side": np.zeros(60, np.int64)}}, r"All pictures of dots have the same label, .*: add another class\."),
        (
            {"labels": {"side": (np.arange(60) == 1).astype(np.int64)}},
            r"dots has 1 training picture of side 'right': give each class at least 4, or leave it out\.",
        ),
    ],
)
def test_data_that_cannot_be_learnt_are_told_in_one_sentence(more, said):
    with pytest.raises(BadData, match=said):
        data(**more)


def test_too_many_classes_or_words_name_the_setting():
    with pytest.raises(BadData, match="4 classes, more than the 3 that the nets have outputs for: raise `outputs`"):
        data(config(outputs=3))
    with pytest.raises(BadData, match=r"6 different words, more than the 4 .*: raise `words`, or turn `captions` off"):
        data(config(words=5))


def test_a_folder_without_classes_is_refused(pictures: Path):
    with pytest.raises(BadData, match="has no labels"):
        ppgn.open_data(str(pictures), config())


@pytest.mark.real
@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data is not here")
def test_real_digits():
    found = ppgn.open_data(str(MNIST), config(channels=1, outputs=10))
    assert found.heads == {"class": [str(d) for d in range(10)]}
    assert found.words == []
    batch = next(ppgn.batches(found, config(channels=1, outputs=10), 0, 0))
    assert batch.x.shape == (4, 1, 32, 32)
    assert batch.tokens.shape == (4, 0)


# --- what is shown ------------------------------------------------------------------------------------------------


def test_views_of_a_trained_state():
    state, found = taught()
    knb = turned()
    said = shown.view_captions(state, found, knb, n=3)
    assert said.words["truth"][0] == found.sentence(int(found.held_out[0]))
    made, x = ppgn.parts(state), ppgn.to_model(state.plan, found.held(3))
    for i in range(3):
        for kind, which in (("log_p_truth", "truth"), ("log_p", "captions")):
            if "" not in said.words[which][i].split(" ") and len(said.words[which][i].split()) < 60:
                want = float(made.caption_log_p(said.words[which][i], made.E_features(x[i : i + 1])[1]).sum())
                assert float(said.numbers[kind][i]) == pytest.approx(want, rel=1e-4)
    again = shown.view_reconstruction(state, found, knb, n=2)
    assert set(again.pictures) == {"real", "G", "joint"}
    want = np.sqrt(np.square(again.pictures["real"].astype(float) - again.pictures["G"]).reshape(2, -1).mean(1))
    np.testing.assert_allclose(again.numbers["error"], want, rtol=1e-5)
    right = shown.view_classes(state, found, knb, n=10)
    truth = found.columns[found.held_out[:10]]
    np.testing.assert_allclose(right.numbers["chance"], [max(c.mean(), 1 - c.mean()) for c in truth.T])
    assert right.words["heads"] == ["side", "colour"]


def test_scores_of_parts_that_are_not_trained_say_so():
    state, feed, found = started()
    ppgn.step(state, next(feed), turned())
    *_, last = ppgn.evaluate(state, found, turned(), n=10, seed=0)
    assert last.scores["C"].value is not None
    assert last.scores["agreement"].value is None
    assert last.scores["agreement"].doc == "The phase 'generator' has not begun."
