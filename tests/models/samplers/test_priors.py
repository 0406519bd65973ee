from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from models.samplers import priors


def test_total_variation_is_the_gradient_of_its_sum():
    x = torch.randn(3, 2, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    right = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1))
    below = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    (g,) = torch.autograd.grad((right**2 + below**2 + priors.DELTA**2).sqrt().sum(), x)
    torch.testing.assert_close(priors.variation(x.detach()), -g)


def test_a_blur_leaves_flat_pictures_and_smooths_others():
    flat = torch.full((1, 3, 4, 4), 0.3)
    torch.testing.assert_close(priors.blur(flat), torch.zeros_like(flat))
    dot = torch.zeros(1, 1, 5, 5)
    dot[0, 0, 2, 2] = 1
    found = priors.blur(dot)[0, 0]
    assert found[2, 2] == pytest.approx(-0.75)
    assert found[2, 1] == pytest.approx(0.125)
    assert found[1, 1] == pytest.approx(0.0625)
    assert float(found.sum()) == pytest.approx(0, abs=1e-6)


def test_the_best_denoiser_gives_the_score_of_the_smoothed_density():
    """Eq. 6 on data N(m, s²) with noise σ: R(x) = E[data | x], and (R(x) − x) / σ² is ∇ log N(m, s² + σ²) exactly."""
    m, s, sigma = 0.7, 1.3, 0.4
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)[:, None]
    R = (s**2 * x + sigma**2 * m) / (s**2 + sigma**2)
    log_p = torch.distributions.Normal(m, (s**2 + sigma**2) ** 0.5).log_prob(x)
    (score,) = torch.autograd.grad(log_p.sum(), x)
    torch.testing.assert_close(priors.denoiser(R, x).detach() / sigma**2, score)


def test_nothing_is_differentiated_through_a_denoiser_and_a_gaussian_pulls_to_zero():
    v = torch.ones(2, 3, requires_grad=True)
    (g,) = torch.autograd.grad(priors.denoiser(2 * v, v).sum(), v)
    assert torch.equal(g, -torch.ones(2, 3))
    assert torch.equal(priors.gaussian(v), -v)
