"""Nets of discrete data against the authors' layouts; samples, likelihoods and codes against torch's distributions."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.discrete import PictureD, PictureG, TextD, TextG, ToyD, ToyG, draw, encode, initialise, initialise_toy, log_prob, macs


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# --- layouts ------------------------------------------------------------------------------------------------------


def norm(n: int) -> int:
    return 2 * n


def dense(a: int, b: int) -> int:
    return a * b + b


def conv(a: int, b: int, kernel: int = 25) -> int:
    return kernel * a * b + b


MNIST_G = dense(64, 1024) + norm(1024) + dense(1024, 6272) + norm(6272) + conv(128, 64) + norm(64) + conv(64, 1)
MNIST_D = conv(1, 64) + conv(64, 128) + dense(6272, 1024) + dense(1024, 1)
FACES_G = dense(100, 8192) + norm(8192) + conv(512, 256) + norm(256) + conv(256, 128) + norm(128) + conv(128, 16)
FACES_D = conv(16, 128) + conv(128, 256) + conv(256, 512) + dense(8192, 1)
BLOCK = 2 * conv(256, 256, 5)
WORDS_G = dense(100, 256 * 32) + norm(256) + 3 * (BLOCK + 2 * norm(256)) + conv(256, 192, 5)
WORDS_D = conv(192, 256, 5) + 3 * BLOCK + dense(256 * 32, 1)


@pytest.mark.parametrize(
    ("make", "given", "out", "count"),
    [
        (lambda: PictureG(28, 1, 64, 64, 1024), (2, 64), (2, 1, 28, 28), MNIST_G),
        (lambda: PictureD(28, 1, 64, 1024), (2, 1, 28, 28), (2,), MNIST_D),
        (lambda: PictureG(32, 16, 128, 100, 0), (2, 100), (2, 16, 32, 32), FACES_G),
        (lambda: PictureD(32, 16, 128, 0), (2, 16, 32, 32), (2,), FACES_D),
        (lambda: TextG(192, 32, 256, 100), (2, 100), (2, 192, 32), WORDS_G),
        (lambda: TextD(192, 32, 256), (2, 192, 32), (2,), WORDS_D),
    ],
    ids=["mnist-G", "mnist-D", "faces-G", "faces-D", "words-G", "words-D"],
)
def test_layouts_are_those_of_the_authors(make, given, out, count):
    before = torch.get_rng_state()
    net = make()
    assert parameters(net) == count
    initialise(net, rng())
    with torch.no_grad():
        found = net(torch.rand(*given, generator=rng(1)))
    assert found.shape == out
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    normalised = any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in net.modules())
    assert normalised == isinstance(net, PictureG | TextG)  # in G, and nowhere in D
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("size", [28, 32, 64])
def test_every_size_of_pictures_has_nets(size):
    G, D = PictureG(size, 3, 4, 5, 6), PictureD(size, 3, 4, 6)
    for net in (G, D):
        initialise(net, rng())
    x = G(torch.rand(3, 5, generator=rng()))
    assert x.shape == (3, 3, size, size)
    assert D(x).shape == (3,)


def test_first_values_are_those_of_the_generator_and_keep_the_size_of_what_passes():
    one, two = PictureG(28, 1, 16, 64, 128), PictureG(28, 1, 16, 64, 128)
    initialise(one, rng(3))
    torch.manual_seed(0)
    initialise(two, rng(3))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    D = TextD(30, 16, 64)
    initialise(D, rng())
    h = D.first(encode(torch.randint(0, 30, (64, 16), generator=rng()), 30, (16,)))
    for layer in D.blocks:
        h = layer(h)
    assert 0.1 < float(h.detach().std()) < 10
    for name, p in D.named_parameters():
        if name.endswith("bias"):
            assert not p.any()


def by_hooks(net: nn.Module, x: Tensor) -> int:
    """Multiply-accumulates from the shapes that pass."""
    found = []

    def count(layer, given, out):
        kernel = layer.weight.numel()
        places = given[0][0, 0].numel() if isinstance(layer, nn.ConvTranspose2d) else out[0, 0].numel() if out.dim() > 2 else 1
        found.append(kernel * places)

    handles = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Conv1d | nn.Linear)]
    net(x)
    for handle in handles:
        handle.remove()
    return sum(found)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (PictureG(28, 1, 8, 5, 6), (5,)),
        (PictureG(64, 3, 4, 5, 0), (5,)),
        (PictureD(32, 4, 8, 6), (4, 32, 32)),
        (TextG(7, 9, 4, 5), (5,)),
        (TextD(7, 9, 4), (7, 9)),
        (ToyD(8, 4), (8,)),
    ],
)
def test_macs_are_those_of_the_shapes_that_pass(net, shape):
    initialise(net, rng())
    assert macs(net) == by_hooks(net, torch.rand(2, *shape, generator=rng()))


# --- toys ---------------------------------------------------------------------------------------------------------


def test_a_toys_generator_is_a_table_whose_distribution_is_known():
    G, D = ToyG(6, 3), ToyD(6, 0)
    initialise_toy(G, D, rng(1))
    z = torch.tensor([[0.0], [0.34], [0.67], [1 - 2.0**-24]])
    logits = G(z)
    assert logits.shape == (4, 6, 1)
    for i, row in enumerate((0, 1, 2, 2)):
        assert torch.equal(logits[i, :, 0], G.table.weight[row])
    q = G.q()
    torch.testing.assert_close(q, G.table.weight.softmax(1).mean(0))
    assert float(q.detach().sum()) == pytest.approx(1)
    assert parameters(G) == 18
    assert parameters(D) == 6


def test_a_toy_begins_far_from_flat_with_an_output_of_zero():
    G, D = ToyG(32, 4), ToyD(32, 0)
    initialise_toy(G, D, rng(1))
    q = G.q().detach()
    assert float(q.min()) >= 0.005
    assert float(q.max() / q.min()) == pytest.approx(np.exp(2.4), rel=0.5)
    assert not D(torch.eye(32)).any()
    initialise_toy(G, D, rng(1), flat=False)
    assert D(torch.eye(32)).all()
    deep = ToyD(32, 16)
    initialise_toy(G, deep, rng(1))
    assert deep(torch.eye(32)).detach().std() > 0


# --- samples ------------------------------------------------------------------------------------------------------


def logits_of(n: int, K: int, P: int, seed: int = 0) -> Tensor:
    return 1.5 * torch.randn(n, K, P, generator=rng(seed))


@pytest.mark.parametrize("K", [1, 2, 5, 40])
def test_samples_have_the_distribution_of_the_logits(K):
    n, P, M = 2, 3, 20_000
    logits = logits_of(n, K, P)
    x = draw(logits, torch.rand(M, n, P, generator=rng(1)))
    assert x.shape == (M, n, P)
    assert x.dtype == torch.int64
    values = max(2, K)
    assert int(x.min()) >= 0
    assert int(x.max()) < values
    p = torch.stack([(-logits[:, 0]).sigmoid(), logits[:, 0].sigmoid()], 1) if K == 1 else logits.softmax(1)
    for i in range(n):
        for j in range(P):
            seen = np.bincount(x[:, i, j].numpy(), minlength=values)
            wanted = M * p[i, :, j].double().numpy()
            assert ((seen - wanted) ** 2 / wanted).sum() < chi2.ppf(0.9999, values - 1)
    one_hot = F.one_hot(x, values).double()  # places are independent given z
    both = torch.einsum("ma,mb->ab", one_hot[:, 0, 0], one_hot[:, 0, 1]) / M
    alone = torch.outer(one_hot[:, 0, 0].mean(0), one_hot[:, 0, 1].mean(0))
    assert float((both - alone).abs().max()) < 6 * 0.5 / M**0.5


@pytest.mark.parametrize("K", [1, 2, 17])
def test_samples_are_those_of_the_inverse_cdf_and_the_ends_are_values_too(K):
    logits = logits_of(3, K, 4, seed=2)
    u = torch.rand(50, 3, 4, generator=rng(3))
    u[0], u[1] = 0.0, 1 - 2.0**-24
    x = draw(logits, u)
    if K == 1:
        assert torch.equal(x, (u < logits[:, 0].sigmoid()).long())
        return
    upto = logits.double().softmax(1).cumsum(1)[None]  # (1, n, K, P)
    wanted = (upto[:, :, :-1] <= u.double()[:, :, None]).sum(2)
    far = ((upto - u.double()[:, :, None]).abs() > 1e-6).all(2)
    assert far[2:].float().mean() > 0.99
    assert torch.equal(x[far], wanted[far])
    assert (x[0] == 0).all()
    assert int(x[1].max()) <= K - 1


def test_a_value_without_a_chance_is_never_drawn():
    logits = torch.tensor([[-1e4, 0.0, -1e4, 0.0, -1e4]])[..., None]
    x = draw(logits, torch.linspace(0, 1 - 2.0**-24, 1000)[:, None, None])
    assert set(x.flatten().tolist()) == {1, 3}


def test_drawing_leaves_the_global_generator_and_its_givens_alone():
    before, logits, u = torch.get_rng_state(), logits_of(2, 3, 4), torch.rand(5, 2, 4, generator=rng())
    kept = copy.deepcopy((logits, u))
    x = draw(logits, u)
    codes = x[:, 0].clone()
    encode(codes, 3, (2, 2))
    encode(codes, 1, (2, 2))
    assert torch.equal(codes, x[:, 0])
    assert torch.equal(logits, kept[0])
    assert torch.equal(u, kept[1])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("K", [1, 2, 17])
def test_log_prob_is_that_of_torchs_distributions(K):
    n, P, M = 3, 7, 5
    logits = logits_of(n, K, P, seed=4).requires_grad_()
    x = draw(logits.detach(), torch.rand(M, n, P, generator=rng(5)))
    ours = log_prob(logits, x)
    assert ours.shape == (M, n)
    if K == 1:
        theirs = torch.distributions.Bernoulli(logits=logits[:, 0]).log_prob(x.float()).sum(-1)
    else:
        theirs = torch.distributions.Categorical(logits=logits.transpose(1, 2)).log_prob(x).sum(-1)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    weight = torch.rand(M, n, generator=rng(6))
    (a,), (b,) = (torch.autograd.grad((v * weight).sum(), logits, retain_graph=True) for v in (ours, theirs))
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_log_prob_of_extreme_logits_is_finite():
    for K in (1, 3):
        logits = torch.tensor([1e4, -1e4, 0.0])[None, :K, None].requires_grad_()
        found = log_prob(logits, torch.arange(max(2, K))[:, None, None])
        assert found.isfinite().all()
        assert torch.autograd.grad(found.sum(), logits)[0].isfinite().all()


def test_values_are_encoded_as_signs_or_as_one_of_many():
    x = torch.tensor([[0, 1, 1, 0], [1, 1, 0, 0]])
    assert encode(x, 1, (2, 2)).tolist() == [[[[-1, 1], [1, -1]]], [[[1, 1], [-1, -1]]]]
    codes = torch.randint(0, 5, (3, 6), generator=rng())
    hot = encode(codes, 5, (2, 3))
    assert hot.shape == (3, 5, 2, 3)
    assert torch.equal(hot, F.one_hot(codes.view(3, 2, 3), 5).permute(0, 3, 1, 2).float())
    assert encode(codes, 5, (6,), torch.bfloat16).dtype == torch.bfloat16
    assert torch.equal(encode(torch.arange(5)[:, None], 5, ()), torch.eye(5))
