from __future__ import annotations

import pytest
import torch
from torch import nn

from models.nets.autoencoder import Dense, Plain, macs
from models.nets.captioner import END, Captioner
from models.nets.conv import Classifier, CodeDAE, Discriminator, PictureDAE, Scorer, he, widths
from models.nets.inverter import Inverter
from models.nets.muon import Muon, orthogonal


def filled(net: nn.Module, seed: int = 0) -> nn.Module:
    he(net, torch.Generator().manual_seed(seed))
    return net


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(size, channels):
    assert len(widths(size, 4)) == {32: 3, 64: 4}[size]
    x, h = noise(2, channels, size, size), noise(2, 16).relu()
    E = filled(Classifier(size, channels, 4, 16, 9))
    h1, code = E(x)
    assert h1.shape == (2, *E.h1) == (2, 16, 4, 4)
    assert code.shape == (2, 16)
    assert bool((code >= 0).all())
    assert bool((code == 0).any())  # after a ReLU
    assert torch.equal(code, E.top(E.trunk(x)))
    assert E.logits(code).shape == (2, 9)
    assert filled(Scorer(size, channels, 4, 9))(x).shape == (2, 9)
    assert filled(Discriminator(size, channels, 4, 16))(x, h).shape == (2,)
    assert filled(PictureDAE(size, channels, 4))(x).shape == x.shape
    assert filled(Inverter(size, channels, 4, 16, 12))(h).shape == x.shape


def test_macs_are_those_of_a_forward_pass():
    """Counted again by hooks on every layer, from the shapes that go through it."""
    for net, inputs in (
        (Classifier(32, 3, 4, 16, 9), (noise(1, 3, 32, 32),)),
        (Scorer(64, 1, 4, 9), (noise(1, 1, 64, 64),)),
        (Discriminator(32, 3, 4, 16), (noise(1, 3, 32, 32), noise(1, 16))),
        (PictureDAE(64, 3, 4), (noise(1, 3, 64, 64),)),
        (Inverter(64, 3, 4, 16, 12), (noise(1, 16),)),
        (CodeDAE(16), (noise(1, 16), torch.zeros(16), torch.ones(16))),
    ):
        counted = []
        for layer in net.modules():
            if isinstance(layer, Plain | Dense):
                layer.register_forward_hook(lambda m, i, o, counted=counted: counted.append(o[0].numel() * m.weight[0].numel()))
        out = filled(net)(*inputs)
        if isinstance(net, Classifier):
            net.logits(out[1])
        assert sum(counted) == macs(net), type(net).__name__


def test_the_generator_is_linear_at_its_end_and_leaky_before():
    G = filled(Inverter(32, 3, 4, 16, 12))
    assert isinstance(list(G.modules())[-1], Plain)
    assert not any(isinstance(m, nn.BatchNorm2d | nn.Tanh) for m in G.modules())
    with torch.no_grad():
        assert G.picture.bias is not None
        G.picture.bias.fill_(7.0)
        assert float(G(noise(4, 16)).mean()) > 5  # not bounded
        # no biases before: G(a h) = a G(h) for a > 0, as LeakyReLU scales
        G.picture.bias.zero_()
        torch.testing.assert_close(G(3 * noise(4, 16)), 3 * G(noise(4, 16)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_generator_has_as_many_fully_connected_layers_as_asked_for(layers):
    G = filled(Inverter(32, 3, 4, 16, 12, layers))
    assert [m.in_features for m in G.full] == [16, 12, 12][:layers]
    assert G.full[-1].out_features == 16 * 16
    assert G(noise(2, 16)).shape == (2, 3, 32, 32)


# --- Muon ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 40), (32, 90), (90, 32)])
def test_a_step_is_near_the_orthogonal_factor(shape):
    """U Vᵀ of the singular value decomposition, with singular values between 0.6 and 1.3 in place of 1."""
    g = noise(*shape)
    u, _, v = torch.linalg.svd(g, full_matrices=False)
    found = orthogonal(g).float()
    assert found.shape == g.shape
    values = torch.linalg.svdvals(found)
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.3
    assert float((found * (u @ v)).sum() / found.norm() / (u @ v).norm()) > 0.97
    assert float((found * g).sum()) > 0


def test_muon_moves_matrices_and_leaves_the_rest_to_adam():
    net = nn.ModuleDict({"conv": Plain(8, 32, 4), "first": Plain(3, 32, 4), "full": Dense(64, 40), "heads": Dense(40, 40)})
    filled(net)
    net["gone"] = nn.Linear(33, 33)
    mine, twin = Muon(net.parameters(), net["heads"].parameters()), {k: v.detach().clone() for k, v in net.named_parameters()}
    adam = torch.optim.Adam(twin.values(), lr=0.01)
    for group in mine.param_groups:
        group["lr"] = 0.01
    for p, (k, q) in zip(net.parameters(), twin.items(), strict=True):
        if not k.startswith("gone"):
            p.grad = noise(*p.shape)
            q.grad = p.grad.clone()
    mine.step()
    adam.step()
    for k, p in net.named_parameters():
        before = filled(nn.ModuleDict({"conv": Plain(8, 32, 4), "first": Plain(3, 32, 4), "full": Dense(64, 40), "heads": Dense(40, 40)}))
        if k in ("conv.weight", "full.weight"):
            moved = p.detach() - dict(before.named_parameters())[k].detach()
            assert float(moved.square().mean().sqrt()) == pytest.approx(0.01, rel=0.2)  # as Adam's first step
            assert float((moved * noise(*p.shape)).sum()) < 0  # downhill
            assert not torch.allclose(p, twin[k], atol=1e-4)
        else:
            torch.testing.assert_close(p.detach(), twin[k])  # those without a gradient, too, stand still
    assert all(p.grad is not None for k, p in net.named_parameters() if not k.startswith("gone"))


def test_muon_brings_an_ill_conditioned_matrix_home_sooner_than_adam():
    """Least squares with inputs whose deviations span three decades."""
    torch.set_num_threads(1)
    x, want = noise(64, 40) * torch.logspace(0, -3, 40), noise(40, 32, seed=1)
    left = {}
    for kind in ("muon", "adam"):
        w = nn.Parameter(torch.zeros(32, 40))
        optimiser = Muon([w]) if kind == "muon" else torch.optim.Adam([w])
        loss = x.sum()
        for t in range(100):
            for group in optimiser.param_groups:
                group["lr"] = 0.06 * (1 - t / 100)
            loss = (x @ w.T - x @ want).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        left[kind] = float(loss.detach())
    assert left["muon"] < left["adam"]


def test_the_code_denoiser_halves_three_times():
    layers = CodeDAE(64).layers
    assert [m.in_features for m in layers] == [64, 32, 16, 8, 16, 32]
    assert len(layers) + 1 == 7
    net, mean, scale = filled(CodeDAE(16)), noise(16), noise(16, seed=1).abs() + 0.1
    with torch.no_grad():  # standardised in and out
        again = net(noise(3, 16) * scale + mean, mean, scale)
        torch.testing.assert_close(again, net(noise(3, 16), torch.zeros(16), torch.ones(16)) * scale + mean)


def test_building_and_filling_draws_from_the_given_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two, other = (filled(Captioner(8, 6, 5), s) for s in (0, 0, 1))
    for net in (Classifier(32, 3, 4, 16, 9), Scorer(32, 3, 4, 9), Discriminator(32, 3, 4, 16), PictureDAE(32, 3, 4), CodeDAE(16)):
        filled(net)
    assert torch.equal(before, torch.get_rng_state())
    for a, b, c in zip(one.parameters(), two.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c) or a.ndim == 1


def test_first_weights_keep_the_size_of_a_signal():
    net = filled(nn.Sequential(*(m for _ in range(6) for m in (Dense(512, 512), nn.ReLU()))))
    with torch.no_grad():
        out = net(noise(256, 512, seed=5))
    assert 0.6 < float(out.square().mean()) < 1.6  # a ReLU halves the mean square, the weights double it


# --- the captioner ------------------------------------------------------------------------------------------------


def captioner() -> Captioner:
    net = filled(Captioner(10, 9, 12))
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3 * noise(*p.shape, seed=p.numel()))
    return net


TOKENS = torch.tensor([[3, 1, 4, 1, 5, END], [2, 6, END, END, END, END], [END, END, END, END, END, END]])


def test_teacher_forced_log_p_in_one_pass_equals_word_by_word():
    net, features, words = captioner(), noise(3, 10), 7
    whole = net(features, TOKENS, words)
    state, seen = net.start(features)
    word = torch.full((3,), END)
    over = torch.zeros(3, dtype=torch.bool)
    for t in range(TOKENS.shape[1]):
        state = net.step(state, word, seen)
        log_p = net.log_p(state, words)
        word = TOKENS[:, t]
        wanted = log_p[torch.arange(3), word].masked_fill(over, 0.0)
        torch.testing.assert_close(whole[:, t], wanted)
        over |= word == END
    assert bool((whole[:, :1] < 0).all())
    assert torch.equal(whole[2, 1:], torch.zeros(5))  # nothing after the end


def test_a_captioners_probabilities_of_all_sentences_up_to_a_length_sum_to_one():
    """With two words there are few sentences: those that end within 4 words, and the rest, whose first 4 words go on."""
    net, features, words, length = captioner().requires_grad_(False), noise(1, 10), 3, 4
    total = 0.0
    prefixes: list[list[int]] = [[]]
    for _ in range(length):
        for p in prefixes:
            total += float(net(features, torch.tensor([[*p, END]]), words).sum().exp())
        prefixes = [[*p, w] for p in prefixes for w in (1, 2)]
    for p in prefixes:
        total += float(net(features, torch.tensor([[*p, END]]), words)[:, :length].sum().exp())
    assert total == pytest.approx(1, abs=1e-5)


def test_gradients_reach_the_features_and_padding_changes_nothing():
    net, features = captioner(), noise(3, 10).requires_grad_()
    short = net(features, TOKENS, 7).sum()
    longer = net(features, torch.nn.functional.pad(TOKENS, (0, 5)), 7).sum()
    torch.testing.assert_close(short, longer)
    (g,) = torch.autograd.grad(short, features)
    assert bool((g.abs().sum(1) > 0).all())
    for i in range(2):  # against finite differences
        e = torch.zeros_like(g)
        e[i, i] = 1e-2
        with torch.no_grad():
            slope = (net(features + e, TOKENS, 7).sum() - net(features - e, TOKENS, 7).sum()) / 2e-2
        assert float(slope) == pytest.approx(float(g[i, i]), rel=2e-2, abs=1e-3)


def test_greedy_words_are_the_most_probable_ones_and_stop_at_the_end():
    net, features, words = captioner(), noise(5, 10, seed=4), 7
    said = net.greedy(features, words, 8)
    assert said.shape == (5, 8)
    assert bool((said[:, -1] == END).all())
    for row, one in zip(said, features, strict=True):
        for t in range(int((row == END).float().argmax())):
            tried = torch.cat([row[:t].expand(words, -1), torch.arange(words)[:, None], torch.zeros(words, 1, dtype=torch.int64)], 1)
            log_p = net(one.expand(words, -1), tried, words)[:, t]
            assert int(log_p.argmax()) == int(row[t])
        end = int((row == END).float().argmax())
        assert bool((row[end:] == END).all())
