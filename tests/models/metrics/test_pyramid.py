"""Measures on pixels against closed forms and torchmetrics."""

import pytest
import torch
from torch.nn import functional as F

from models.errors import BadInput
from models.metrics import pyramid


def pictures(n: int, size: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    """Smooth pictures in 0 … 255."""
    rng = torch.Generator().manual_seed(seed)
    return F.interpolate(torch.rand(n, channels, 5, 5, generator=rng) * 255, size=(size, size), mode="bilinear", align_corners=True)


@pytest.mark.parametrize(
    ("size", "sides"), [(16, [16]), (28, [28, 14]), (32, [32, 16]), (64, [64, 32, 16]), (128, [128, 64, 32, 16]), (256, [256, 128, 64, 32, 16])]
)
def test_levels_of_a_pyramid(size, sides):
    assert pyramid.levels(size) == sides
    x = pictures(2, size)
    levels = pyramid.laplacian(x)
    assert [v.shape[-1] for v in levels] == sides
    back = levels[-1]
    for level in levels[-2::-1]:
        back = level + pyramid._up(back)
    assert torch.allclose(back, x, atol=1e-3)


def test_a_flat_picture_has_no_detail_in_its_pyramid():
    *fine, coarse = pyramid.laplacian(torch.full((1, 3, 32, 32), 77.0))
    assert max(float(v[..., 2:-2, 2:-2].abs().max()) for v in fine) < 1e-3  # zeros between reflected pixels bend the border
    assert torch.allclose(coarse, torch.full_like(coarse, 77))


def test_patches_are_patches():
    x = torch.arange(32 * 32.0).view(1, 1, 32, 32).expand(3, 2, 32, 32)
    finest, coarsest = pyramid.patches(x, 5, torch.Generator().manual_seed(0))
    assert finest.shape == coarsest.shape == (15, 2 * 49)
    level = pyramid.laplacian(x)[1]
    every = F.unfold(level[:1], 7).squeeze(0).T
    for row in coarsest:
        assert (every - row).abs().sum(1).min() < 1e-2


def test_sliced_wasserstein_of_equal_sets_is_small_and_grows_with_blur_and_noise():
    a, b = pictures(128, 32), pictures(128, 32, 1)
    rng = torch.Generator().manual_seed(2)
    a, b = (x + 8 * torch.randn(x.shape, generator=rng) for x in (a, b))
    floor = pyramid.sliced_wasserstein(a, b)
    assert list(floor) == [32, 16]
    assert pyramid.sliced_wasserstein(a, b) == floor
    blurred = pyramid.sliced_wasserstein(a, F.avg_pool2d(b, 3, 1, 1, count_include_pad=False))
    assert blurred[32] > 1.5 * floor[32]
    with pytest.raises(BadInput, match="equally many"):
        pyramid.sliced_wasserstein(a, b[:50])


def test_sliced_wasserstein_of_one_dimension_is_exact():
    """Along one axis the distance of two sorted sets is the mean of their differences."""
    x, y = torch.randn(400, generator=torch.Generator().manual_seed(0)), 2 * torch.randn(400, generator=torch.Generator().manual_seed(1)) + 3
    along = torch.tensor([[1.0, 0], [0, 1]])
    rows = [torch.stack([v, torch.zeros_like(v)], 1) for v in (x, y)]
    gaps = (pyramid._sorted(rows[0], along) - pyramid._sorted(rows[1], along)).abs().mean(1)
    assert gaps.tolist() == pytest.approx([float((x.sort().values - y.sort().values).abs().mean()), 0])


@pytest.mark.parametrize(("size", "scales"), [(16, 2), (28, 3), (32, 3), (64, 3), (128, 4), (256, 5), (512, 5)])
def test_there_are_as_many_scales_as_the_side_has_room_for(size, scales):
    assert pyramid.scales(size) == scales


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (64, 3), (128, 1)])
def test_similarity_agrees_with_torchmetrics(size, channels):
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure, structural_similarity_index_measure

    a, b = pictures(4, size, 0, channels), pictures(4, size, 1, channels)
    b = 0.6 * a + 0.4 * b + 5 * torch.randn(b.shape, generator=torch.Generator().manual_seed(3))
    side = pyramid.window(size)
    how = {"sigma": 1.5 * side / 11, "kernel_size": side, "data_range": 255.0, "reduction": "none"}
    expected = structural_similarity_index_measure(a, b, **how)
    assert torch.allclose(pyramid.ssim(a, b), expected, atol=1e-5)
    betas = torch.tensor(pyramid.BETAS[: pyramid.scales(size)])
    many = multiscale_structural_similarity_index_measure(a, b, betas=tuple((betas / betas.sum()).tolist()), normalize="relu", **how)
    assert torch.allclose(pyramid.ms_ssim(a, b), many, atol=1e-5)
    assert pyramid.ms_ssim(a, a) == pytest.approx(1, abs=1e-5)


def test_pairs_are_disjoint():
    for n, most, count in ((10, 500, 5), (11, 500, 5), (400, 100, 100), (1, 5, 0)):
        found = [torch.stack(p) for p in pyramid.pairs(n, most, torch.Generator().manual_seed(0))]
        flat = torch.cat(found, 1).flatten() if found else torch.empty(0)
        assert flat.numel() == 2 * count
        assert flat.unique().numel() == flat.numel()
